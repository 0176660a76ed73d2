# SPDX-License-Identifier: Apache-2.0
"""Several programs that make the same of one topic, in turns on one broker."""

import subprocess

from measure import Measured, in_turns, machine

from support.kafka import VERSION, Kafka
from support.postgres import Postgres
from support.redis import Redis
from support.tidemark import BIN, Platform

PARTITIONS = 4
START = 1_000_000  # what a run over so many messages takes is called its start; over a fifth of them where they are few


class Beside:
    """`load`: the program that fills a topic with so many messages. `once`: names of those that have one round alone."""

    def __init__(self, folder, load, messages, rounds, once=()):
        self.folder, self.load, self.messages, self.rounds, self.once = folder, load, messages, rounds, once
        self.few = min(START, messages // 5)
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.redis, self.postgres = Redis(folder / "redis"), Postgres(folder / "postgres")
        self.reader = self.kafka.reader()
        self.runs = 0

    def stop(self):
        self.reader.close()
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def in_turns(self, ways, check):
        """See measure.in_turns; what a way is given is the name of a topic."""
        few, everything = ((self.topic(count), count) for count in (self.few, self.messages))
        return in_turns(ways, few, everything, self.rounds, check, self.once)

    def topic(self, messages, name="load"):
        name = f"{name}-{messages}"
        self.kafka.create(name, PARTITIONS)
        subprocess.run([BIN / self.load, self.kafka.brokers, name, str(messages)], check=True, stdout=subprocess.DEVNULL)
        return name

    def head(self, what, rounds=()):
        """How the tables were made, in front of them; `rounds`: what in_turns has given, where they are of that."""
        once = " and ".join(name for name in rounds if name in self.once and self.rounds > 1)
        alone = f", of {once} the first alone" if once else ""
        start = f"; the start: {self.few:,}" if rounds else ""
        return (
            f"{self.messages:,} {what}, {PARTITIONS} partitions, Kafka {VERSION}; {self.rounds} rounds in turn{alone}, "
            f"median (least to most){start}; {machine()}\n"
        )

    # --- one run ---

    def next(self, name):
        """A name that no run has had."""
        self.runs += 1
        return f"{name}-{self.runs}"

    def output(self, name):
        """A topic of its own for what a run sends."""
        topic = self.next(name)
        self.kafka.create(topic, PARTITIONS)
        return topic

    def platform(self, sources, views=None, **more):
        """A configuration of ours."""
        stores = (self.kafka.brokers, self.redis.url, self.postgres.url)
        job = Platform(self.folder / self.next("ours"), *stores, sources, views or {}, **more)
        if not views:
            del job.config["views"]
            job.write()
        return job

    def until_end(self, job):
        """tidemark-speed from the topic's beginning to its end."""
        return Measured(
            [job.bin / "tidemark-speed", "run", "--until-end", "--config", job.path],
            job.folder / "speed.log",
            servers=[("Redis", self.redis.child), ("PostgreSQL", self.postgres.child)],
            env=job.environment(),
        )

    def counted(self, job):
        """(orders, revenue) that its view by_minute serves, of all minutes; Redis is empty for the next run then."""
        serving = job.serving()
        answer = job.wait_complete_at("by_minute", {partition: 1 for partition in range(PARTITIONS)})
        serving.stop()
        self.redis.command("flushall")
        return totals((row["order_count"], row["total_revenue"]) for row in answer.json["rows"])

    def all_counted(self, results):
        """For in_turns, of {name: (orders, revenue)}: each way has counted each message, and those that sum their amounts,
        which is all but where None is said, have the same sum."""
        for name, (orders, _) in results.items():
            if orders != self.messages:
                raise RuntimeError(f"{name} counted {orders} orders of {self.messages}")
        revenues = {name: revenue for name, (_, revenue) in results.items() if revenue is not None}
        if len(set(revenues.values())) > 1:
            raise RuntimeError(f"the revenue isn't the same: {revenues}")

    def peer(self, name, command):
        return Measured(command, self.folder / f"{self.next(name)}.log")


def totals(minutes):
    """(orders, revenue) of all minutes, of which each is given as such a pair."""
    counts, revenues = zip(*minutes, strict=True)
    return sum(counts), sum(revenues)
