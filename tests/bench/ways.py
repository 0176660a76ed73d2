# SPDX-License-Identifier: Apache-2.0
"""One question, revenue by day, asked in four ways of the same orders: batch alone, micro-batches, stream alone, both layers.
What a first pass over all orders takes, how soon one more order is in the answer, and how soon a correction of one that
is a day old is."""

import statistics
import time
from datetime import datetime, timedelta, timezone

from beside import Beside
from measure import Measured

from support.kafka import Writer
from support.online_retail import encode
from support.process import wait_until
from support.tidemark import Platform, source, view

MORE, MICRO = 5, "2 seconds"
DAILY = {"daily_revenue": view("orders", "tumbling 1 day", retention="90 days")}
WAYS = {
    "batch alone (`speed: none`)": {"source": {"speed": "none"}, "without": "redis"},
    f"micro-batches (`flush_every: {MICRO}`)": {"speed": {"workers": 1, "flush_every": MICRO}},
    "stream alone (`batch: none`)": {"source": {"batch": "none"}, "without": "postgres"},
    "both layers (Lambda)": {},
}


class Way(Platform):
    """A configuration without the store that it doesn't need."""

    def __init__(self, folder, bench, topic, way):
        stores = (bench.kafka.brokers, bench.redis.url, bench.postgres.url)
        more = {"speed": way["speed"]} if "speed" in way else {}
        orders = {"orders": source(topic, on_duplicate="replace", **way.get("source", {}))}
        super().__init__(folder, *stores, orders, DAILY, **more)
        self.is_batch_alone = "speed" in orders["orders"]
        if "without" in way:
            del self.config[way["without"]]
            if self.is_batch_alone:
                del self.config["speed"]
            self.write()

    def first_pass(self, bench):
        """Of all orders, by the layer that answers."""
        program, *arguments = ("tidemark-batch", "run") if self.is_batch_alone else ("tidemark-speed", "run", "--until-end")
        command = [self.bin / program, *arguments, "--config", self.path]
        servers = [("Redis", bench.redis.child), ("PostgreSQL", bench.postgres.child)]
        return Measured(command, self.folder / "first.log", servers=servers, env=self.environment())

    def total(self):
        answer = self.get("/v1/views/daily_revenue")
        if answer.status != 200 or not answer.complete:
            return None
        rows = answer.json["rows"]
        return sum(row["order_count"] for row in rows), sum(row["total_revenue"] for row in rows)


class WaysBench(Beside):
    def __init__(self, folder, orders):
        super().__init__(folder, "bench_generate", orders, 1)
        self.writer = None

    def run(self):
        """The table, as Markdown."""
        lines = [
            self.head("orders"),
            "| | first pass, orders/s | CPU an order, ns | peak memory, MB | one more order, ms | a correction, ms |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for name, way in WAYS.items():
            lines.append(f"| {name} | {' | '.join(self.figures(way))} |")
            print(lines[-1], flush=True)
        return "\n".join(lines)

    def figures(self, way):
        topic = self.topic(self.messages, self.next("orders"))
        job = Way(self.folder / self.next("way"), self, topic, way)
        measured = job.first_pass(self)
        if not job.is_batch_alone:
            job.speed()
        job.serving()
        wait_until(lambda: (job.total() or (0,))[0] == self.messages, 120, "all are answered", children=job.children)
        self.writer = Writer(self.kafka.brokers, linger_ms=0)
        self.until_answered(job, topic, MORE, 10)  # the writer knows the broker from then on
        fresh = [self.until_answered(job, topic, number, 10) for number in range(MORE)]
        corrected = [self.until_answered(job, topic, number, 17) for number in range(MORE)]
        job.stop()
        self.redis.command("flushall")
        self.postgres.sql("drop schema if exists tidemark, raw, live, view cascade")  # the next has a topic of its own
        return (
            f"{self.messages / measured.seconds:,.0f}",
            f"{measured.cpu * 1e9 / self.messages:,.0f}",
            f"{measured.megabytes:,.0f}",
            f"{1000 * statistics.median(fresh):,.0f}",
            f"{1000 * statistics.median(corrected):,.0f}",
        )

    def until_answered(self, job, topic, number, amount):
        """Seconds from the produce of an order's version until the answer is another. A batch layer is run at once: its
        schedule comes on top."""
        at = (datetime.now(timezone.utc) - timedelta(hours=23)).replace(tzinfo=None, microsecond=0)
        order = {"order_id": f"more-{number}", "customer_id": "c", "product_id": "p", "category": "more", "amount": amount,
                 "status": "completed", "customer_segment": "export", "quantity": 1, "timestamp": at, "updated_at": at}  # fmt: skip
        before = job.total()
        began = time.monotonic()
        self.writer.send(topic, order["order_id"].encode(), encode(order))
        self.writer.flush()
        if job.is_batch_alone:
            job.batch("run")
        wait_until(lambda: job.total() not in (None, before), 60, "the answer is another", every=0.002)
        return time.monotonic() - began
