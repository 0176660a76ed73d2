# SPDX-License-Identifier: Apache-2.0
"""The serving layer beside a handler that only answers, by the same library: asked by wrk in turns, while orders flow."""

import re
import statistics
import subprocess
import time

from measure import cpu_of_all, machine

from support.kafka import Kafka
from support.postgres import Postgres
from support.process import wait_until
from support.redis import Redis
from support.tidemark import BIN, Platform, source, view

BUFFER = 108 * 1024  # CONNECTION_BYTES_MAX in common/http/server.c
PARTITIONS, SECONDS, CONNECTIONS, THREADS, DAYS = 4, 5, 16, 2, 1
DAILY = {"daily_revenue": view("orders", "tumbling 1 day", dimensions=["customer_segment"])}


class Asked:
    """What wrk saw, and what the program took."""

    def __init__(self, port, path, pid):
        before = cpu_of_all(pid)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", f"http://127.0.0.1:{port}{path}"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            raise RuntimeError(out)
        self.requests = int(re.search(r"(\d+) requests in", out)[1])
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
        self.p99_ms = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        self.cpu_us = (cpu_of_all(pid) - before) * 1e6 / self.requests


class BareHandler:
    """`buffer`: of a connection, in bytes; None: the library's own. `headers`: of each answer, (name, value)."""

    def __init__(self, reply_bytes, buffer=None, headers=()):
        command = [BIN / "bare_handler", reply_bytes, THREADS, *([buffer] if buffer else [])]
        command += [word for header in headers for word in header]
        # in a session of its own, as tidemark-serving is: Linux shares processor time out among sessions, and who shares
        # wrk's is woken by it at once
        self.process = subprocess.Popen([str(each) for each in command], stdout=subprocess.PIPE, start_new_session=True)
        self.pid, self.port = self.process.pid, int(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait()


class ServingBench:
    def __init__(self, folder, orders, rounds, rate):
        self.rounds, self.orders, self.rate = rounds, orders, rate
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.redis, self.postgres = Redis(folder / "redis"), Postgres(folder / "postgres")
        self.kafka.create("orders", PARTITIONS)
        stores = (self.kafka.brokers, self.redis.url, self.postgres.url)
        self.job = Platform(folder / "ours", *stores, {"orders": source("orders")}, DAILY)
        self.load = None

    def stop(self):
        if self.load:
            self.load.kill()
            self.load.wait()
        self.job.stop()
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def run(self):
        """The table, as Markdown."""
        subprocess.run([BIN / "bench_generate", self.kafka.brokers, "orders", str(self.orders)], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        self.job.speed()
        serving = self.job.serving()
        wait_until(lambda: sum(state["next"] for state in self.job.partitions().values()) == self.orders, 300, "read")
        self.job.batch("run")
        reply = self.job.get("/v1/views/daily_revenue")
        headers = [one for one in reply.headers.items() if one[0].title() not in ("Content-Length", "Date", "Connection")]
        bytes_a_reply = len(reply.body)
        handlers = BareHandler(bytes_a_reply), BareHandler(bytes_a_reply, BUFFER), BareHandler(bytes_a_reply, BUFFER, headers)
        turns = {
            "tidemark-serving": (self.job.port, "/v1/views/daily_revenue", serving.pid),
        }
        names = "bare handler", f"bare handler with our buffer of {BUFFER >> 10} KB", "bare handler with our buffer and headers"
        turns |= {name: (handler.port, "/", handler.pid) for name, handler in zip(names, handlers)}
        rounds = {name: [] for name in turns}
        if self.rate:
            command = [BIN / "soak_generate", self.kafka.brokers, "orders", self.rate, "1", int(time.time())]
            self.load = subprocess.Popen([str(each) for each in command], stdout=subprocess.DEVNULL)
        for _ in range(self.rounds):
            for name, turn in turns.items():
                rounds[name].append(Asked(*turn))
        for handler in handlers:
            handler.stop()
        return self.table(rounds, bytes_a_reply)

    def table(self, rounds, bytes_a_reply):
        lines = [
            f"{bytes_a_reply:,} bytes an answer, {CONNECTIONS} connections, {THREADS} threads, {self.rate:,} orders a second "
            f"flowing in; {self.rounds} rounds of {SECONDS} s in turn, median (least to most); {machine()}\n",
            "| | requests/s | p99, ms | processor time a request, µs |",
            "|---|---:|---:|---:|",
        ]
        for name, each in rounds.items():
            cells = (spread([asked.rate for asked in each], 0), spread([asked.p99_ms for asked in each], 1),
                     spread([asked.cpu_us for asked in each], 1))  # fmt: skip
            lines.append(f"| {name} | {' | '.join(cells)} |")
        ours, *others = (statistics.median(asked.rate for asked in each) for each in rounds.values())
        bare, buffer, alike = (f"{ours / other:.2f}" for other in others)
        ratios = f"tidemark-serving answers at {bare} of the bare handler's rate, {buffer} of that with our buffer, {alike} of that with our headers too."
        return "\n".join([*lines, "", ratios])


def spread(values, digits):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
