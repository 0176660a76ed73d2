# SPDX-License-Identifier: Apache-2.0
"""What orders cost the speed layer and Redis in few partitions and in many: all at once from the beginning of a topic to its end,
and at a steady rate; in turns, and beside another build."""

import statistics
import subprocess
from typing import NamedTuple

from beside import Beside
from measure import cpu_of_all, machine

from support.kafka import VERSION
from support.process import wait_until
from support.tidemark import BIN, source, view

FEW, SECONDS = 4, 20
VIEWS = {"daily_revenue": view("orders"), "live_revenue": view("orders", "tumbling 1 minute")}


class Cost(NamedTuple):
    """Processor time, nanoseconds an order."""

    speed: float
    redis: float
    serving: float = 0

    def all(self):
        return sum(self)


class PartitionsBench(Beside):
    """`against`: the folder of another build's programs, measured beside these."""

    def __init__(self, folder, orders, rounds, rate, many, against=None):
        super().__init__(folder, "bench_generate", orders, rounds)
        self.rate, self.counts = rate, (FEW, many)
        self.builds = {"this build": BIN, **({"the other build": against} if against else {})}

    def run(self):
        """The table, as Markdown."""
        topics = {count: self.filled(count) for count in self.counts}
        parts = {"from beginning to end": self.whole, f"{self.rate:,} a second": self.steady}
        ways = {(part, build, count): [] for part in parts for build in self.builds for count in self.counts}
        for _ in range(self.rounds):
            for (part, build, count), costs in ways.items():
                costs.append(parts[part](self.builds[build], topics[count], count))
                print(f"{part}, {build}, {count} partitions: {costs[-1]}", flush=True)
        return self.table(ways)

    def filled(self, count):
        topic = f"orders-in-{count}"
        self.kafka.create(topic, count)
        subprocess.run([BIN / self.load, self.kafka.brokers, topic, str(self.messages)], check=True, stdout=subprocess.DEVNULL)
        return topic

    def job(self, programs, topic):
        job = self.platform({"orders": source(topic)}, VIEWS, speed={"workers": 1})
        job.bin = programs
        return job

    def whole(self, programs, topic, _):
        measured = self.until_end(self.job(programs, topic))
        self.redis.command("flushall")
        return Cost(*(cpu * 1e9 / self.messages for cpu in (measured.own_cpu, measured.server_cpu["Redis"])))

    def steady(self, programs, _, count):
        """Without what the programs take to begin."""
        topic = self.next("steady")
        self.kafka.create(topic, count)
        job = self.job(programs, topic)
        children = [job.speed(), self.redis.child, job.serving()]
        self.send(job, topic, 1, self.rate)
        before = [cpu_of_all(child.pid) for child in children]
        self.send(job, topic, SECONDS, self.rate * (SECONDS + 1))
        seconds = [cpu_of_all(child.pid) - cpu for child, cpu in zip(children, before, strict=True)]
        job.stop()
        self.redis.command("flushall")
        return Cost(*(cpu * 1e9 / (self.rate * SECONDS) for cpu in seconds))

    def send(self, job, topic, seconds, until):
        """Until so many orders have been read in all."""
        command = [BIN / "bench_streams", self.kafka.brokers, topic, job.port, "daily_revenue", "2000-01-01", 0, 0, self.rate, seconds]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        wait_until(lambda: sum(state["next"] for state in job.partitions().values()) == until, 120, f"{until} orders are read")

    def table(self, ways):
        lines = [
            f"{self.messages:,} orders, and {SECONDS} s of {self.rate:,} a second; one worker, Kafka {VERSION}; {self.rounds} rounds in "
            f"turn, medians; {machine()}\n",
            "| processor time an order, ns | partitions | tidemark-speed | Redis | tidemark-serving | together | beside few partitions |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for (part, build, count), costs in ways.items():
            speed, redis, serving = (statistics.median(one) for one in zip(*costs, strict=True))
            few = ways[part, build, self.counts[0]]
            ratio = statistics.median(cost.all() / other.all() for cost, other in zip(costs, few, strict=True))
            name = part if len(self.builds) == 1 else f"{part}, {build}"
            lines.append(f"| {name} | {count} | {speed:,.0f} | {redis:,.0f} | {serving:,.0f} | {speed + redis + serving:,.0f} | {ratio:.2f} |")
        return "\n".join(lines)
