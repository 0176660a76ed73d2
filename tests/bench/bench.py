# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that tests/bench/run starts; see there."""

import argparse
import re
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from days import DaysBench  # noqa: E402
from detector import DetectorBench  # noqa: E402
from instructions import InstructionsBench  # noqa: E402
from measure import Measured, cpu_of_all, machine, peak_megabytes  # noqa: E402
from partitions import PartitionsBench  # noqa: E402
from replay import ReplayBench  # noqa: E402
from report import write  # noqa: E402
from support import online_retail  # noqa: E402
from support.kafka import Kafka, Writer  # noqa: E402
from support.postgres import LOAD_SETTINGS, Postgres  # noqa: E402
from support.process import wait_until  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.tidemark import BIN, REVENUE, Folder, Platform, source, view  # noqa: E402
from serving import ServingBench  # noqa: E402
from streams import StreamsBench  # noqa: E402
from views import PEERS, ViewsBench  # noqa: E402
from ways import WaysBench  # noqa: E402

PARTITIONS, OPENINGS = 4, 5
MEMBERS = {
    "count and sum": {},
    "and `unique` of the order's id": {"ids": "unique(order_id)"},
    "and `max` of its amount": {"largest": "max(amount)"},
}
ASKED = 11  # times
IDLE_SECONDS = 30  # that are measured
WORKERS = (1, 2)
TRICKLE_ORDERS, TRICKLE_RATE = 2000, 50


class Bench:
    def __init__(self, folder, orders):
        self.folder, self.orders = folder, orders
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.redis = Redis(folder / "redis")
        self.postgres = Postgres(folder / "postgres", options=LOAD_SETTINGS)
        self.rounds = 0

    def stop(self):
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def platform(self, topic, views, workers=1):
        self.rounds += 1
        folder = self.folder / f"round{self.rounds}"
        stores = (self.kafka.brokers, self.redis.url, self.postgres.url)
        return Platform(folder, *stores, {"orders": source(topic)}, views, speed={"workers": workers})

    def until_end(self, job):
        return Measured(
            [BIN / "tidemark-speed", "run", "--until-end", "--config", job.path],
            job.folder / "speed.log",
            servers=[("Redis", self.redis.child)],
            env=job.environment(),
        )

    # --- the batch layer ---

    def batch(self):
        """The first run over every order: ingest beside a COPY of what it ingests, then the publication of two views."""
        self.kafka.create("load", PARTITIONS)
        command = [BIN / "bench_generate", self.kafka.brokers, "load", str(self.orders)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        views = {
            "daily_revenue": view("orders"),
            "daily_summary": view("orders", dimensions=["category", "customer_segment"]),
        }
        job = self.platform("load", views)
        speed = job.speed()  # a run opens an epoch: somebody must be there to go on in it
        wait_until(lambda: sum(self.positions(job)) == self.orders, 300, "all is read", every=0.2, children=[speed])
        ingest, publish = self.batch_command(job, "ingest"), self.batch_command(job, "run")
        speed.stop()
        bare = self.bare_copy()
        rows = {
            "psql, COPY of the rows into an empty table": bare,
            "tidemark-batch ingest": ingest,
            "tidemark-batch run, of what is ingested": publish,
        }
        print("| | seconds | messages/s | CPU, ns a message | PostgreSQL's | peak memory, MB |\n|---|" + "---:|" * 5)
        for name, one in rows.items():
            own, servers = (cpu * 1e9 / self.orders for cpu in (one.own_cpu, one.server_cpu["PostgreSQL"]))
            cells = (f"{one.seconds:.1f}", f"{self.orders / one.seconds:,.0f}", f"{own:.0f}", f"{servers:,.0f}")
            print(f"| {name} | {' | '.join(cells)} | {one.megabytes:.0f} |")
        print(f"\ningest / bare COPY: {bare.seconds / ingest.seconds:.2f}, by CPU {bare.cpu / ingest.cpu:.2f}\n")
        self.redis.command("flushall")
        self.postgres.sql("drop schema tidemark, raw, view, live cascade")

    def batch_command(self, job, command):
        return Measured(
            [BIN / "tidemark-batch", command, "--config", job.path],
            job.folder / "batch.log",
            servers=[("PostgreSQL", self.postgres.child)],
            env=job.environment(),
        )

    def bare_copy(self):
        """The rows of the master dataset, from a file into a table with the same indexes."""
        rows = self.folder / "rows"
        psql = ["psql", "-qd", self.postgres.url, "-c"]
        subprocess.run([*psql, f"\\copy (select * from raw.orders) to '{rows}'"], check=True)
        self.postgres.sql("create table copied (like raw.orders including all)")
        copy = [*psql, f"\\copy copied from '{rows}'"]
        measured = Measured(copy, self.folder / "copy.log", servers=[("PostgreSQL", self.postgres.child)])
        rows.unlink()
        return measured

    # --- a view with a group for every order ---

    def groups(self):
        """The serving layer reads a slot with a million groups, while others want to use Redis too."""
        groups = min(self.orders // 5, 1_000_000)
        self.kafka.create("groups", 1)
        subprocess.run(
            [BIN / "bench_generate", self.kafka.brokers, "groups", str(groups)], check=True, capture_output=True
        )
        job = self.platform("groups", {"each": view("orders", dimensions=["order_id"])})
        self.until_end(job)
        self.redis.command("config", "set", "latency-tracking-info-percentiles", "100")
        self.redis.command("config", "resetstat")
        started = time.monotonic()
        serving = job.serving()
        job.wait_for("each", lambda answer: answer.complete, "the groups are served")
        seconds = time.monotonic() - started
        longest = float(re.search(r"usec_fcall:p100=([0-9.]+)", self.redis.command("info", "latencystats"))[1]) / 1000
        serving.stop()
        print("| groups in one partition | until they are served, s | longest call in Redis, ms |\n|---:|---:|---:|")
        print(f"| {groups:,} | {seconds:.1f} | {longest:.0f} |\n", flush=True)
        self.redis.command("flushall")

    # --- what measures rest on ---

    def members(self):
        """A measure of members beside none: orders of 24 hours, each with a value of its own."""
        self.kafka.create("members", PARTITIONS)
        command = [BIN / "bench_generate", self.kafka.brokers, "members", str(self.orders)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lines = []
        for name, more in MEMBERS.items():
            self.redis.command("flushall")
            job = self.platform("members", {"by_day": view("orders", measures={**REVENUE, **more})})
            measured = self.until_end(job)
            held = int(re.search(r"used_memory:(\d+)", self.redis.command("info", "memory"))[1])
            started = time.monotonic()
            serving = job.serving()
            job.wait_for("by_day", lambda answer: answer.complete, "the day is served", within=600)
            seconds, before = time.monotonic() - started, cpu_of_all(serving.pid)
            for number in range(ASKED):
                job.view("by_day", limit=1000 + number)  # none of them is kept
            answer_ms = (cpu_of_all(serving.pid) - before) * 1000 / ASKED
            served = peak_megabytes(serving.pid)
            job.stop()
            lines.append((name, measured.own_cpu * 1e9 / self.orders, measured.server_cpu["Redis"] * 1e9 / self.orders,
                          measured.megabytes, held / 1e6, served, seconds, answer_ms))  # fmt: skip
        print(f"{self.orders:,} orders of 24 hours; {machine()}\n")
        print("| | speed layer, ns an order | Redis, ns an order | peak of the speed layer, MB | in Redis, MB | "
              "peak of the serving layer, MB | until it is served, s | an answer, ms |")  # fmt: skip
        print("|---|" + "---:|" * 7)
        for name, *cells in lines:
            print(f"| {name} | " + " | ".join(f"{cell:,.1f}" if cell < 10 else f"{cell:,.0f}" for cell in cells) + " |")

    # --- many partitions ---

    def opening(self, partitions, busy):
        """A worker alone, which ends and starts again while each partition has got a message."""
        self.kafka.create("many", partitions)
        job = self.platform("many", {"daily_revenue": view("orders")})
        speed, serving = job.speed(), job.serving()
        self.one_each("many", partitions)
        wait_until(lambda: read_up_to(job, partitions, 1), 120, "all is read", children=[speed, serving])
        seconds = []
        with_company = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(busy)]
        try:
            for number in range(2, OPENINGS + 2):
                speed.stop()
                self.one_each("many", partitions)
                started = time.monotonic()
                speed = job.speed()
                wait_until(lambda: read_up_to(job, partitions, number), 600, "all is read", every=0.02)  # noqa: B023
                seconds.append(time.monotonic() - started)
        finally:
            for process in with_company:
                process.kill()
                process.wait()
        job.stop()
        seconds.sort()
        print("| partitions | busy processes besides | from the start until each is read to its end, s: least, median, most |")
        print("|---:|---:|---:|")
        print(f"| {partitions} | {busy} | {seconds[0]:.1f}, {seconds[len(seconds) // 2]:.1f}, {seconds[-1]:.1f} |")

    def idle(self, partitions):
        """All three programs, and what Redis does for them, while nobody orders."""
        self.kafka.create("many", partitions)
        job = self.platform("many", {"daily_revenue": view("orders")})
        job.config["jobs"] = {"nightly": {"schedule": "0 3 1 1 *"}}
        job.write()
        speed, serving, schedule = job.speed(), job.serving(), job.start_batch("schedule")
        self.one_each("many", partitions)
        wait_until(lambda: read_up_to(job, partitions, 1), 300, "all is read", children=[speed, serving])
        job.batch("run")
        measured = {"tidemark-speed": speed, "tidemark-serving": serving, "tidemark-batch schedule": schedule,
                    "Redis": self.redis.child, "PostgreSQL": self.postgres.child}  # fmt: skip
        before, started = [cpu_of_all(child.pid) for child in measured.values()], time.monotonic()
        time.sleep(IDLE_SECONDS)
        seconds = time.monotonic() - started
        shares = [(cpu_of_all(child.pid) - cpu) / seconds for child, cpu in zip(measured.values(), before, strict=True)]
        job.stop()
        print(f"{partitions} partitions, {seconds:.0f} s; {machine()}\n")
        print("| | of a core, % |\n|---|---:|")
        names = (*measured, "together", "of it without PostgreSQL")
        for name, share in zip(names, (*shares, sum(shares), sum(shares[:-1])), strict=True):
            print(f"| {name} | {100 * share:.1f} |")

    def one_each(self, topic, partitions):
        writer = Writer(self.kafka.brokers)
        order = next(iter(online_retail.orders([Path(__file__).resolve().parents[1] / "data" / "2010-12.csv.gz"])))
        for partition in range(partitions):
            payload = online_retail.encode({**order, "order_id": f"{partition}"})
            writer.send(topic, b"key", payload, partition=partition)
        writer.flush()

    # --- how soon ---

    def starts(self, count):
        """In turns with one worker and with two, each time in a group that nobody was in."""
        self.kafka.create("starts", PARTITIONS)
        self.one_each("starts", PARTITIONS)
        self.start(1)  # the broker has never had a group
        seconds = {workers: [] for workers in WORKERS}
        for _ in range(count):
            for workers in WORKERS:
                seconds[workers].append(self.start(workers))
        print("| `speed.workers` | from the start until each partition's first order is in Redis, ms: least, median, most |")
        print("|---:|---:|")
        for workers in WORKERS:
            each = sorted(seconds[workers])
            marks = ", ".join(f"{1000 * mark:.0f}" for mark in (each[0], each[len(each) // 2], each[-1]))
            print(f"| {workers} | {marks} |", flush=True)

    def start(self, workers):
        job = self.platform("starts", {"daily_revenue": view("orders")}, workers)
        started = time.monotonic()
        speed = job.speed()
        wait_until(lambda: all(self.positions(job)), 120, "all is read", every=0.005, children=[speed])
        seconds = time.monotonic() - started
        job.stop()
        return seconds

    def positions(self, job):
        """The next offset of each partition's slot; 0 where there is none."""
        slots = [job.slot_key(self.redis, partition, "meta") for partition in range(PARTITIONS)]
        return [int(self.redis.command("hget", slot, "next") or 0) if slot else 0 for slot in slots]

    def delay(self):
        self.kafka.create("trickle", 1)
        job = self.platform("trickle", {"daily_revenue": view("orders")})
        speed, serving = job.speed(), job.serving()
        sent, seen, ended = [], [], threading.Event()
        watcher = threading.Thread(target=self.watch, args=(job, seen, ended), daemon=True)
        self.trickle("warm-up", 1, [])
        wait_until(lambda: count(job) == 1, 60, "the first order is served", children=[speed, serving])
        watcher.start()
        self.trickle("order", TRICKLE_ORDERS, sent)
        wait_until(lambda: seen and seen[-1][1] == TRICKLE_ORDERS + 1, 60, "all orders are served", children=[speed])
        ended.set()
        watcher.join()
        job.stop()
        self.percentiles(sent, seen)

    def trickle(self, name, orders, sent):
        """Sends single orders at a steady rate and notes when."""
        writer = Writer(self.kafka.brokers, linger_ms=0)
        order = next(iter(online_retail.orders([Path(__file__).resolve().parents[1] / "data" / "2010-12.csv.gz"])))
        started = time.monotonic()
        for number in range(orders):
            time.sleep(max(0.0, started + number / TRICKLE_RATE - time.monotonic()))
            now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
            payload = online_retail.encode(
                {**order, "order_id": f"{name}-{number}", "timestamp": now, "updated_at": now}
            )
            sent.append(time.monotonic())
            writer.send("trickle", b"key", payload)
        writer.flush()

    @staticmethod
    def watch(job, seen, ended):
        """Notes when each count was first answered."""
        while not ended.is_set():
            orders = count(job)
            if not seen or orders > seen[-1][1]:
                seen.append((time.monotonic(), orders))
            time.sleep(0.001)

    @staticmethod
    def percentiles(sent, seen):
        delays, answers = [], iter(seen)
        at, orders = next(answers)
        for number, moment in enumerate(sent):
            while orders < number + 2:  # the warm-up is one
                at, orders = next(answers)
            delays.append(max(0.0, at - moment) * 1000)
        delays.sort()
        print(f"from produce to answer, {len(delays)} single orders at {TRICKLE_RATE}/s, milliseconds:\n")
        print("| 50 % | 90 % | 99 % | most |\n|---:|---:|---:|---:|")
        marks = [delays[int(len(delays) * share)] for share in (0.5, 0.9, 0.99)] + [delays[-1]]
        print("| " + " | ".join(f"{mark:.0f}" for mark in marks) + " |")


def count(job):
    return sum(row["order_count"] for row in job.view("daily_revenue").json["rows"])


def read_up_to(job, partitions, offset):
    states = job.partitions().values()
    return len(states) == partitions and all(state["next"] == offset for state in states)


def instructions(options, folder):
    return tables(InstructionsBench(folder, options.against))


def views(options, folder):
    peers = [peer for peer in options.only if peer not in options.without]
    return tables(ViewsBench(folder, options.orders, options.rounds, peers, options.against))


def detector(options, folder):
    return tables(DetectorBench(folder, options.transactions, options.rounds))


def tables(bench):
    try:
        return bench.run()
    finally:
        bench.stop()


def batch(options, folder):
    alone(folder, options.orders, Bench.batch)


def groups(options, folder):
    alone(folder, options.orders, Bench.groups)


def members(options, folder):
    alone(folder, options.orders, Bench.members)


def delay(options, folder):
    alone(folder, options.orders, Bench.delay)


def opening(options, folder):
    alone(folder, options.orders, lambda bench: bench.opening(options.partitions, options.busy))


def idle(options, folder):
    alone(folder, options.orders, lambda bench: bench.idle(options.partitions))


def starts(options, folder):
    alone(folder, options.orders, lambda bench: bench.starts(options.starts))


def serving(options, folder):
    return tables(ServingBench(folder, options.orders, options.rounds, options.rate))


def days(options, folder):
    return tables(DaysBench(folder))


def streams(options, folder):
    return tables(StreamsBench(folder, options.streams, options.rounds, options.rate))


def partitions(options, folder):
    return tables(PartitionsBench(folder, options.orders, options.rounds, options.rate, options.partitions, options.against))


def replay(options, folder):
    return tables(ReplayBench(folder, options.orders, options.rounds))


def ways(options, folder):
    return tables(WaysBench(folder, options.orders))


def questions(_, __):
    return subprocess.run([BIN / "bench_questions"], check=True, capture_output=True, text=True).stdout.rstrip()


def alone(folder, orders, part):
    """A part without peers in turns, which prints its tables."""
    bench = Bench(folder, orders)
    try:
        part(bench)
    finally:
        bench.stop()


PARTS = {
    "views": views,
    "detector": detector,
    "serving": serving,
    "streams": streams,
    "ways": ways,
    "replay": replay,
    "days": days,
    "batch": batch,
    "groups": groups,
    "members": members,
    "delay": delay,
    "open": opening,
    "questions": questions,
    "instructions": instructions,
    "starts": starts,
    "idle": idle,
    "partitions": partitions,
}
ALWAYS = ("views", "detector", "serving", "batch", "groups", "delay")


def options_of(arguments):
    short = "--short" in arguments
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--orders", type=int, default=1_000_000 if short else 5_000_000)
    parser.add_argument("--transactions", type=int, default=1_000_000 if short else 5_000_000)
    parser.add_argument("--rounds", type=int, default=2 if short else 3)
    parser.add_argument("--partitions", type=int, default=200)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--without", nargs="+", choices=PEERS, default=(), metavar="NAME")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part of it: {', '.join(unknown)}")
    return options


def main(arguments):
    options = options_of(arguments)
    for part in options.parts or ALWAYS:
        print(f"## {part}\n", flush=True)
        folder = Folder("bench")
        try:
            text = PARTS[part](options, folder)
        finally:
            folder.remove()
        if text:
            print(text + "\n", flush=True)
        if text and options.write:
            write(part, text, orders=options.orders)


if __name__ == "__main__":
    main(sys.argv[1:])
