# SPDX-License-Identifier: Apache-2.0
"""Several programs that make the same of one topic, in turns on one broker."""

import subprocess

from measure import Measured, in_turns, machine

from support.kafka import VERSION, Kafka
from support.postgres import Postgres
from support.redis import Redis
from support.tidemark import BIN, Platform

PARTITIONS, FEW = 4, 1000


class Beside:
    """`load`: the program that fills a topic with so many messages."""

    def __init__(self, folder, load, messages, rounds):
        self.folder, self.load, self.messages, self.rounds = folder, load, messages, rounds
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
        few, everything = (self.topic(FEW), FEW), (self.topic(self.messages), self.messages)
        return in_turns(ways, few, everything, self.rounds, check)

    def topic(self, messages, name="load"):
        name = f"{name}-{messages}"
        self.kafka.create(name, PARTITIONS)
        subprocess.run([BIN / self.load, self.kafka.brokers, name, str(messages)], check=True, stdout=subprocess.DEVNULL)
        return name

    def head(self, what):
        """How the tables were made, in front of them."""
        return (
            f"{self.messages:,} {what}, {PARTITIONS} partitions, Kafka {VERSION}; {self.rounds} rounds in turn, median (least "
            f"to most); {machine()}\n"
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
        """The orders that its view by_minute serves, all of them; Redis is empty for the next run then."""
        serving = job.serving()
        answer = job.wait_complete_at("by_minute", {partition: 1 for partition in range(PARTITIONS)})
        serving.stop()
        self.redis.command("flushall")
        return sum(row["order_count"] for row in answer.json["rows"])

    def all_counted(self, counts):
        """For in_turns: each way has counted each message."""
        for name, counted in counts.items():
            if counted != self.messages:
                raise RuntimeError(f"{name} counted {counted} orders of {self.messages}")

    def peer(self, name, command):
        return Measured(command, self.folder / f"{self.next(name)}.log")
