# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of sinks that tests/bench/sinks starts; see there."""

import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.kafka import Kafka  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.process import Child, free_port, wait_until  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.tidemark import BIN, Folder, Platform, run_to_the_end, source, view  # noqa: E402

from measure import cpu_of_all, machine  # noqa: E402

PARTITIONS = 4
SINKS = ("redis://live/rows", "postgres://analytics.rows", "kafka://rows")


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.redis, self.postgres = Redis(folder / "redis"), Postgres(folder / "postgres")
        self.reader, self.jobs = self.kafka.reader(), []

    def stop(self):
        for job in self.jobs:
            job.kill()
        self.reader.close()
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def job(self, view_, sinks):
        self.kafka.create("orders", PARTITIONS)
        listen = {"emit": {"listen": f"127.0.0.1:{free_port()}"}}
        job = Platform(
            self.folder / "job", self.kafka.brokers, self.redis.url, self.postgres.url,
            {"orders": source("orders")}, {"rows": {**view_, "emit": sinks}}, **listen,
        )  # fmt: skip
        self.jobs.append(job)
        return job

    # --- keeping ---

    def keep(self, seconds=30, rate=20_000):
        """Each sink alone, and what following the stores costs without any micro-batch."""
        view_ = view("orders", window="tumbling 1 minute", dimensions=["category"])
        sinks = [{"to": to, "every": "300 ms"} for to in SINKS]
        sinks.append({"to": "kafka://none", "every": "1 hour"})
        job = self.job(view_, sinks)
        speed = job.speed()
        command = [BIN / "soak_generate", self.kafka.brokers, "orders", str(rate), "7", str(int(time.time()))]
        load = Child("load", command, self.folder / "load.log")
        print(f"{rate:,} orders a second, `every: 300 ms`, {seconds} s each; {machine()}\n")
        print("| sink | CPU of `emit`, cores | orders/s meanwhile | micro-batches | rows |\n|---|---:|---:|---:|---:|")
        for to in ("kafka://none", *SINKS):
            emitter = job.emit("--to", to)
            wait_until(lambda: self.metric(job, "sink_state_timestamp_seconds", to) > 0, 60, f"{to} is written", children=[emitter, speed])  # noqa: B023
            before, cpu, began = self.counts(job, to), cpu_of_all(emitter.pid), time.monotonic()
            time.sleep(seconds)
            took = time.monotonic() - began
            cores = (cpu_of_all(emitter.pid) - cpu) / took
            orders, batches, rows = (after - one for after, one in zip(self.counts(job, to), before))
            name = "none: following alone" if to == "kafka://none" else f"`{to}`"
            print(f"| {name} | {cores:.3f} | {orders / took:,.0f} | {batches:.0f} | {rows:,.0f} |", flush=True)
            emitter.stop()
        load.stop()

    def counts(self, job, to):
        """Orders in the log, micro-batches and rows."""
        orders = sum(end for _first, end in self.reader.ends("orders").values())
        return orders, self.metric(job, "sink_number", to), self.metric(job, "sink_rows_total", to)

    def metric(self, job, name, to):
        done = subprocess.run(
            ["curl", "-sf", f"http://{job.config['emit']['listen']}/metrics"], capture_output=True, text=True
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"tidemark_{name}{{") and f'"{to}"' in line]
        return float(lines[0].split()[-1]) if lines else 0.0

    # --- starting ---

    def start(self, rows=1_000_000):
        job = self.job(view("orders", dimensions=["order_id"]), [{"to": to, "every": "1 hour"} for to in SINKS])
        job.config["http"]["memory"] = "4 GiB"
        job.write()
        load = [BIN / "bench_generate", self.kafka.brokers, "orders", str(rows)]
        subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
        run_to_the_end(
            [BIN / "tidemark-speed", "run", "--until-end", "--config", job.path], within=900, env=job.environment()
        )
        view_alone = self.serving(job)
        print(f"{rows:,} rows; {machine()}; tidemark-serving run, with the view alone: {view_alone:.0f} MB resident\n")
        print("| sink | filled after, s | known again after, s | of it until the view is there, s | resident then, MB | bytes a row more than the view alone |")
        print("|---|---:|---:|---:|---:|---:|")
        for to in SINKS:
            fill, again = self.once(job, to), self.once(job, to)
            more = (again[2] - view_alone) * (1 << 20) / rows
            print(
                f"| `{to}` | {fill[0]:.1f} | {again[0]:.1f} | {again[1]:.1f} | {again[2]:.0f} | {more:.0f} |", flush=True
            )

    def serving(self, job):
        """Resident memory of the view alone."""
        serving = job.serving()
        job.wait_for("rows", lambda answer: answer.complete, "the rows are served")
        megabytes = resident_megabytes(serving.pid)
        serving.stop()
        return megabytes

    def once(self, job, to):
        """Seconds until the sink is as the view, those until the view was read, and resident memory then."""
        began, read = time.monotonic(), 0.0
        emitter = job.emit("--to", to)
        while not self.metric(job, "sink_state_timestamp_seconds", to):
            if not emitter.running():
                raise RuntimeError(emitter.tail())
            if not read and "answering orders" in emitter.tail():
                read = time.monotonic() - began
            time.sleep(0.05)
        seconds, megabytes = time.monotonic() - began, resident_megabytes(emitter.pid)
        emitter.stop()
        return seconds, read, megabytes


def resident_megabytes(pid):
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def main(what, *numbers):
    folder = Folder("bench")
    bench = Bench(folder)
    try:
        getattr(bench, what)(*map(int, numbers))
    finally:
        bench.stop()
        folder.remove()


if __name__ == "__main__":
    main(*sys.argv[1:])
