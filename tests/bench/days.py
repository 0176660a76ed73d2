# SPDX-License-Identifier: Apache-2.0
"""What publishing one more day costs, by how many days are published already: it must not grow with them."""

import statistics
from datetime import datetime, timedelta

from beside import Beside
from measure import Measured, spread

from support.kafka import Writer
from support.online_retail import encode
from support.tidemark import Platform, source, view

HISTORIES, DAY_ORDERS, NEW_DAYS = (10, 365), 1000, 7
FIRST = datetime(2024, 1, 1)
VIEWS = {
    "daily_revenue": view("orders"),
    "daily_summary": view("orders", dimensions=["category", "customer_segment"]),
}
READ = "blks_hit + blks_read, tup_returned + tup_fetched, tup_inserted + tup_updated + tup_deleted"


class DaysBench(Beside):
    def __init__(self, folder):
        super().__init__(folder, "bench_generate", DAY_ORDERS, NEW_DAYS)

    def run(self):
        """The table, as Markdown: the medians of the new days of each history, in turns."""
        jobs = {days: self.published(days) for days in HISTORIES}
        costs = {days: [] for days in HISTORIES}
        for _ in range(NEW_DAYS):
            for days, (job, topic) in jobs.items():
                self.send(topic, days + len(costs[days]), 1)
                costs[days].append(self.cost(job))
        lines = [
            self.head("orders of a day"),
            "| days before | CPU, ms | of tidemark-batch | of PostgreSQL | blocks | rows read | rows written |",
            "|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for days, each in costs.items():
            lines.append(f"| {days} | " + " | ".join(spread(column, "{:,.0f}") for column in zip(*each)) + " |")
        few, many = ([statistics.median(column) for column in zip(*costs[days])] for days in HISTORIES)
        lines.append("| ratio | " + " | ".join(f"{b / a:.2f}" for a, b in zip(few, many)) + " |")
        return "\n".join(lines)

    def published(self, days):
        """A source of so many days, each in a database of its own."""
        name = f"days{days}"
        self.kafka.create(name, 4)
        self.postgres.sql(f"create database {name}")
        stores = (self.kafka.brokers, self.redis.url, self.postgres.url.rsplit("/", 1)[0] + f"/{name}")
        job = Platform(self.folder / name, *stores, {"orders": source(name, speed="none")}, VIEWS)
        self.send(name, 0, days)
        job.batch("run", within=600)
        self.send(name, days, 1)
        job.batch("run")
        return job, name

    def send(self, topic, first, days):
        writer = Writer(self.kafka.brokers)
        for day in range(first, first + days):
            for number in range(DAY_ORDERS):
                at = FIRST + timedelta(days=day, seconds=number * 86400 // DAY_ORDERS)
                key = f"{day}-{number}"
                order = {"order_id": key, "customer_id": f"c{number}", "product_id": "p", "category": f"k{number % 100}",
                         "amount": 10, "status": "completed", "customer_segment": f"s{number % 2}", "quantity": 1,
                         "timestamp": at, "updated_at": at}  # fmt: skip
                writer.send(topic, key.encode(), encode(order))
        writer.flush()

    def cost(self, job):
        """Of the run that publishes what has come."""
        before = self.counted(job)
        command = [job.bin / "tidemark-batch", "run", "--config", job.path]
        servers = [("PostgreSQL", self.postgres.child)]
        run = Measured(command, job.folder / "run.log", servers=servers, env=job.environment())
        counts = [now - then for now, then in zip(self.counted(job), before)]
        return [1000 * run.cpu, 1000 * run.own_cpu, 1000 * run.server_cpu["PostgreSQL"], *counts]

    def counted(self, job):
        """By PostgreSQL, in all sessions that have ended."""
        name = job.config["postgres"]["url"].rsplit("/", 1)[1]
        rows = self.postgres.sql(f"select {READ} from pg_stat_database where datname = '{name}'")
        return [int(number) for number in rows.strip().split("|")]
