# SPDX-License-Identifier: Apache-2.0
"""Clients that ask without a pause, alone, beside event streams, and beside ranges that are read from PostgreSQL, while orders
flow in."""

import statistics
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

from measure import cpu_of_all, machine, peak_megabytes

from support import online_retail
from support.kafka import Kafka, Writer
from support.postgres import Postgres
from support.process import wait_until
from support.redis import Redis
from support.tidemark import BIN, Platform, source, view

PARTITIONS, SECONDS, CLIENTS = 4, 30, 32
EVERY = "20 ms"
DAYS, MEMORY = 60, "8 MiB"  # of orders by the minute, and what holds half of their rows
VIEWS = {"daily_revenue": view("orders"), "live_revenue": view("orders", "tumbling 1 minute")}


class Turn(NamedTuple):
    streams: int = 0
    every: str = None  # http.push_every and speed.flush_every; None: what they are by themselves
    reads_old: bool = False  # a range from PostgreSQL, once a second


class Seen(NamedTuple):
    """What a turn gave: of answers and of events how many, and their delays in milliseconds; and what the server took."""

    answers: list
    events: list
    cores: float
    megabytes: float
    old_ms: list


class StreamsBench:
    def __init__(self, folder, streams, rounds, rate):
        self.folder, self.rounds, self.rate = folder, rounds, rate
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.redis, self.postgres = Redis(folder / "redis"), Postgres(folder / "postgres")
        self.turns = {
            "clients alone": Turn(),
            "beside streams": Turn(streams),
            f"beside streams, all {EVERY}": Turn(streams, EVERY),
            "beside ranges from PostgreSQL": Turn(reads_old=True),
        }

    def stop(self):
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()

    def run(self):
        """The table, as Markdown."""
        seen = {name: [] for name in self.turns}
        for number in range(self.rounds):
            for name, turn in self.turns.items():
                seen[name].append(self.take(f"{name.replace(',', '').replace(' ', '-')}-{number}", turn))
                print(f"{name}: {seen[name][-1]}\n", flush=True)
        return self.table(seen)

    def take(self, topic, turn):
        """Over a topic of its own, with two months of which a run has published all."""
        self.kafka.create(topic, PARTITIONS)
        self.send_history(topic)
        stores = (self.kafka.brokers, self.redis.url, self.postgres.url)
        job = Platform(self.folder / topic, *stores, {"orders": source(topic)}, VIEWS)
        job.config["http"]["memory"] = MEMORY
        if turn.every:
            job.config["http"]["push_every"] = turn.every
            job.config.setdefault("speed", {})["flush_every"] = turn.every
        job.write()
        job.speed()
        serving = job.serving(ready=True)
        try:
            job.batch()
            self.wait_for_today(job, 0)
            return self.read(job, serving, topic, turn)
        finally:
            job.stop()
            self.redis.command("flushall")
            self.postgres.sql("drop schema tidemark, raw, view cascade")

    def send_history(self, topic):
        self.midnight = datetime.now(timezone.utc).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        writer = Writer(self.kafka.brokers)
        for minutes in range(1, DAYS * 1440 + 1):
            one = {"order_id": f"h{minutes}", "customer_id": "c", "customer_segment": "s", "product_id": "p", "category": "c",
                   "amount": Decimal("1.00"), "quantity": 1, "status": "completed",
                   "timestamp": self.midnight - timedelta(minutes=minutes)}  # fmt: skip
            writer.send(topic, one["order_id"].encode(), online_retail.encode(one))
        writer.flush()

    def wait_for_today(self, job, orders):
        def there():
            answer = job.view("daily_revenue", **{"from": f"{self.midnight:%Y-%m-%d}"})
            return answer.complete and sum(row["order_count"] for row in answer.json["rows"]) == orders

        wait_until(there, 300, f"{orders} orders of today are served", children=job.children)

    def read(self, job, serving, topic, turn):
        ended, old_ms = threading.Event(), []
        reader = threading.Thread(target=self.read_old, args=(job, ended, old_ms))
        command = [BIN / "bench_streams", self.kafka.brokers, topic, job.port, "daily_revenue", f"{self.midnight:%Y-%m-%d}"]
        command += [turn.streams, CLIENTS, self.rate, SECONDS]
        before = cpu_of_all(serving.pid)
        if turn.reads_old:
            reader.start()
        done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True)
        ended.set()
        if turn.reads_old:
            reader.join()
        cores = (cpu_of_all(serving.pid) - before) / SECONDS
        self.wait_for_today(job, self.rate * SECONDS)
        answers, events = ([float(figure) for figure in line.split()] for line in done.stdout.splitlines())
        return Seen(answers, events, cores, peak_megabytes(serving.pid), old_ms)

    def read_old(self, job, ended, ret_ms):
        """The first day's minutes, which memory holds no more."""
        first = self.midnight - timedelta(days=DAYS)
        held = next(one["rows"] for one in job.get("/v1/status").json["sources"][0]["views"] if one["name"] == "live_revenue")
        if held > (DAYS - 1) * 1440:
            raise RuntimeError(f"memory holds {held} rows")
        while not ended.wait(1):
            began = time.monotonic()
            answer = job.view("live_revenue", **{"from": f"{first:%Y-%m-%d}", "to": f"{first + timedelta(days=1):%Y-%m-%d}"})
            if answer.status != 200 or len(answer.json["rows"]) != 1440:
                raise RuntimeError(f"{answer.status}: {answer.body[:500]}")
            ret_ms.append((time.monotonic() - began) * 1000)

    def table(self, seen):
        lines = [
            f"{self.rate:,} orders a second flowing in; {CLIENTS} clients that ask again as soon as they are answered; "
            f"{self.turns['beside streams'].streams:,} event streams; {self.rounds} round{'s' * (self.rounds > 1)} of {SECONDS} s in turn, medians; "
            f"{machine()}\n",
            "| | answers/s | events/s | to answer: 50 %, 99 %, most, ms | to event, ms | processor time, cores | peak memory, MB |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for name, each in seen.items():
            answers, events = (middle([getattr(one, kind) for one in each]) for kind in ("answers", "events"))
            cores, megabytes = middle([(one.cores, one.megabytes) for one in each])
            lines.append(
                f"| {name} | {rate_of(answers)} | {rate_of(events)} | {delays_of(answers)} | {delays_of(events)} "
                f"| {cores:.2f} | {megabytes:.0f} |"
            )
        return "\n".join([*lines, "", *self.summary(seen)])

    def summary(self, seen):
        alone, beside, often, old = seen.values()
        streams = self.turns["beside streams"].streams
        answer_us = statistics.median(one.cores * SECONDS * 1e6 / one.answers[0] for one in alone)
        event_us = statistics.median((one.cores * SECONDS * 1e6 - one.answers[0] * answer_us) / one.events[0] for one in beside)
        kilobytes = (middle_of(beside, "megabytes") - middle_of(alone, "megabytes")) * 1024 / streams
        asked = [ms for one in old for ms in one.old_ms]
        yield (f"Beside streams clients are answered at {ratio(beside, alone):.2f} of their rate alone, {ratio(often, alone):.2f} where all goes "
               f"on every {EVERY}, beside ranges at {ratio(old, alone):.2f}.")
        yield f"An answer takes {answer_us:.0f} µs of a core, an event {event_us:.0f}, and a stream {kilobytes:.0f} KB."
        if asked:
            yield f"A range of 1,440 rows from PostgreSQL took {statistics.median(asked):.0f} ms, {max(asked):.0f} at most."


def middle(rows):
    return [statistics.median(column) for column in zip(*rows)]


def middle_of(each, what):
    return statistics.median(getattr(one, what) for one in each)


def ratio(ours, others):
    return statistics.median(one.answers[0] for one in ours) / statistics.median(one.answers[0] for one in others)


def rate_of(messages):
    return f"{messages[0] / SECONDS:,.0f}" if messages[0] else ""


def delays_of(messages):
    if not messages[0]:
        return ""
    return ", ".join(f"{delay:.0f}" for delay in messages[1:]) if messages[-1] else "not within the round"
