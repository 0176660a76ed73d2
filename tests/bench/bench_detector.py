# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of a detector that tests/bench/detector starts; see there."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import detector as fraud  # noqa: E402
from support.kafka import Kafka  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.process import Child, wait_until  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.tidemark import BIN, Folder, Platform  # noqa: E402

from measure import Measured  # noqa: E402

CUSTOMERS = 10_000
SAMPLE_SECONDS = 5


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.redis = Redis(folder / "redis")
        self.postgres = Postgres(folder / "postgres")
        self.jobs = []

    def stop(self):
        for job in self.jobs:
            job.kill()
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def job(self, topic, partitions, **options):
        """A platform with a detector of this topic, whose alert topic is there."""
        self.kafka.create(topic, partitions)
        self.kafka.create(f"{topic}-alerts", 1)
        detector = fraud.detector(f"{topic}-alerts", memory="1 GiB", **{"from": "beginning"}, **options)
        job = Platform(
            self.folder / topic, self.kafka.brokers, self.redis.url, self.postgres.url,
            {"transactions": fraud.source(topic)}, {}, detectors={"fraud": detector},
        )  # fmt: skip
        del job.config["views"]
        job.write()
        self.jobs.append(job)
        return job

    def generate(self, topic, *arguments):
        command = [BIN / "bench_alerts", self.kafka.brokers, topic, *arguments]
        return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout

    def start(self, job, topic, partitions):
        """A process that judges as soon as something comes."""
        speed = job.speed()
        wait_until(lambda: f"has {partitions} partitions" in speed.tail(), 60, "the group has given", children=[speed])
        self.generate(topic, 1, 1, 1, f"{topic}-alerts")  # its transaction is large
        return speed

    # --- how soon ---

    def alerts(self, seconds=60, rate=5000):
        job = self.job("delay", 4, more_than=1000)
        self.start(job, "delay", 4)
        words = self.generate("delay", seconds * rate, CUSTOMERS, rate, "delay-alerts").split()
        print(f"from produce to alert, {rate:,} transactions a second for {seconds} s, one in a thousand alerted; load "
              f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} processors, milliseconds:\n")
        print("| alerts | left out | 50 % | 90 % | 99 % | most |\n|---:|---:|---:|---:|---:|---:|")
        print(f"| {' | '.join(words)} |")

    # --- one customer with everything ---

    def hot(self, count=1_000_000):
        """Whoever they are of, the same number of transactions is alerted."""
        print("| transactions of | alerts | CPU a transaction, ns | peak memory, MB |\n|---|---:|---:|---:|")
        for customers in (CUSTOMERS, 1, CUSTOMERS, 1):
            topic = f"hot-{len(self.jobs)}"
            each = count // customers
            job = self.job(topic, 1, more_than=each - CUSTOMERS // customers, within="6 minutes")
            self.generate(topic, count, customers)
            command = [BIN / "tidemark-speed", "run", "--until-end", "--config", job.path]
            measured = Measured(command, job.folder / "speed.log")
            reader = self.kafka.reader()
            alerts = sum(1 for _ in reader.each(f"{topic}-alerts"))
            reader.close()
            whose = f"{customers:,} customers" if customers > 1 else "one customer"
            print(f"| {whose} | {alerts:,} | {measured.own_cpu * 1e9 / count:.0f} | {measured.megabytes:.0f} |", flush=True)

    # --- level ---

    def level(self, minutes=30, rate=5000):
        """What is in reach is two minutes: the state is full when the second quarter begins."""
        job = self.job("level", 4, more_than=1000, within="1 minute")
        speed = self.start(job, "level", 4)
        count = minutes * 60 * rate
        command = [BIN / "bench_alerts", self.kafka.brokers, "level", count, CUSTOMERS, rate, "level-alerts"]
        load = Child("bench_alerts", command, self.folder / "load.log")
        began, samples = time.monotonic(), []
        while load.running():
            samples.append((time.monotonic() - began, self.memory(speed)))
            time.sleep(SAMPLE_SECONDS)
        self.verdict(samples, minutes * 60)
        print(f"\nalerts, left out, and their delays at 50, 90, 99 and 100 % in ms: {load.log.read_text().strip()}; load "
              f"{os.getloadavg()[0]:.0f}")

    @staticmethod
    def memory(child):
        status = Path(f"/proc/{child.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    @staticmethod
    def verdict(samples, seconds):
        quarters = [
            statistics.median([mb for at, mb in samples if quarter <= at * 4 / seconds < quarter + 1] or [0])
            for quarter in range(4)
        ]
        print("| resident memory, MB | quarter 1 | 2 | 3 | 4 | most |\n|---|---:|---:|---:|---:|---:|")
        medians = " | ".join(f"{quarter:.0f}" for quarter in quarters)
        print(f"| tidemark-speed | {medians} | {max(mb for _, mb in samples):.0f} |", flush=True)


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
