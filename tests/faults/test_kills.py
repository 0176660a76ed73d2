# SPDX-License-Identifier: Apache-2.0
"""Jobs that are killed at any moment, while somebody reads what they write all the time. tests/faults/kills does this fifty
times, the tests a few."""

import os
import random
import threading
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pyarrow.parquet as pq

from e2e.servers import EndToEnd
from support.process import wait_until
from support.tidemark import source, view

KILLS = int(os.environ.get("KILLS", "3"))
DAY = "2025-03-15"
ORDERS, CATEGORIES = 30, 3
EACH = ORDERS // CATEGORIES
MIXED = "a mixture"


class Written:
    """What a job writes, and which version of the day a reader finds there: a number, None where a file that he has listed
    is gone, MIXED where it is no version at all."""

    def __init__(self, job, read):
        self.job, self.read, self.seconds = job, read, 0.0
        self.seen, self.ended = [], threading.Event()

    def watch(self):
        while not self.ended.is_set():
            self.seen.append(self.read())


class Killed(EndToEnd):
    def setUp(self):
        super().setUp()
        self.servers()
        self.lake = self.folder / "lake"
        raw, gold = (f"{self.lake}/{name}/date={{date}}/" for name in ("raw", "gold"))
        query = (
            "INSERT INTO analytics.pieces SELECT date, category, SUM(quantity), COUNT(*) FROM live.orders "
            "WHERE date = :date GROUP BY date, category"
        )
        jobs = {
            "archive": {"archive": "orders", "write": raw},
            "summary": {"summarise": "pieces", "read": raw, "write": gold, "partition_by": ["category"]},
            "query": {
                "query": query,
                "create": "CREATE TABLE analytics.pieces (date date, category text, pieces bigint, orders bigint)",
                "replace": {"table": "analytics.pieces", "where": "date = :date"},
            },
        }
        self.name = self.topic(1)
        measures = {"orders": "count", "pieces": "sum(quantity)"}
        pieces = view("orders", measures=measures, dimensions=["category"])
        self.job = self.platform({"orders": source(self.name, speed="none")}, {"pieces": pieces}, jobs=jobs)
        self.written = [
            Written("archive", self.archived), Written("summary", self.summarised), Written("query", self.queried)
        ]  # fmt: skip

    # --- which version is there ---

    def rows(self, folder, columns):
        """Of all files that a listing has; None where one of them is gone when it is read."""
        try:
            files = list((self.lake / folder / f"date={DAY}").rglob("*.parquet"))
            return [row for file in files for row in pq.ParquetFile(file).read(columns).to_pylist()]
        except FileNotFoundError:
            return None

    def archived(self):
        """Version n has each order n times, and the last ones live."""
        rows = self.rows("raw", ["quantity", "tm_live"])
        if rows is None:
            return None
        live = [row["quantity"] for row in rows if row["tm_live"]]
        whole = len(live) == ORDERS and len(set(live)) == 1 and len(rows) == live[0] * ORDERS
        return live[0] if whole else MIXED

    def summarised(self):
        rows = self.rows("gold", ["category", "orders", "pieces"])
        return rows and self.version([(row["category"], row["pieces"], row["orders"]) for row in rows])

    def queried(self):
        lines = self.postgres.sql("select category, pieces, orders from analytics.pieces").split()
        return self.version([(one, int(pieces), int(orders)) for one, pieces, orders in (line.split("|") for line in lines)])

    def version(self, rows):
        """In version n each order of a category has n pieces."""
        number = rows[0][1] // EACH if rows else 0
        whole = [(f"k{category}", number * EACH, EACH) for category in range(CATEGORIES)]
        return number if sorted(rows) == whole else MIXED

    # --- how it becomes the next one ---

    def publish(self, number):
        noon = datetime.fromisoformat(f"{DAY}T12:00:00+00:00")
        self.send(
            {
                "order_id": f"o{i}", "customer_id": None, "customer_segment": None, "product_id": None,
                "category": f"k{i % CATEGORIES}", "amount": Decimal("1.00"), "quantity": number, "status": "paid",
                "timestamp": (noon + timedelta(seconds=i)).astimezone(timezone.utc).replace(tzinfo=None), "updated_at": noon,
            }
            for i in range(ORDERS)
        )  # fmt: skip
        self.job.batch("run")

    def finish(self, written, number):
        """The run that isn't killed; a lock of one that was is gone once PostgreSQL has noticed its end."""
        begun = time.monotonic()
        ends = lambda: self.job.batch("run", written.job, "--date", DAY, expect=(0, 75)) == 0  # noqa: E731
        wait_until(ends, 60, f"{written.job} is done", every=0.1)
        written.seconds = time.monotonic() - begun
        self.assertEqual(written.read(), number, written.job)

    def kill(self, written, number, chance):
        child = self.job.start_batch("run", written.job, "--date", DAY)
        written.ended.wait(chance.uniform(0, written.seconds))
        child.kill()
        self.assertIn(written.read(), (number - 1, number), f"{written.job}\n{child.tail()}")

    def assert_nothing_left(self, number):
        """But for what was replaced, which stays a minute for those who have listed it."""
        for folder in ("raw", "gold"):
            left = [path.name for path in (self.lake / folder / ".tidemark").glob("*") if not path.name.endswith(".old")]
            self.assertEqual(left, [], f"version {number}")

    def test_whenever_a_job_is_killed_the_old_day_or_the_new_one_is_there(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        self.publish(1)
        for written in self.written:
            self.finish(written, 1)
        readers = [threading.Thread(target=written.watch) for written in self.written]
        for reader in readers:
            reader.start()
        try:
            for number in range(2, KILLS + 2):
                self.publish(number)
                for written in self.written:
                    self.kill(written, number, chance)
                    self.finish(written, number)
                self.assert_nothing_left(number)
        finally:
            for written in self.written:
                written.ended.set()
            for reader in readers:
                reader.join()
        for written in self.written:
            found = [version for version in written.seen if version is not None]
            self.assertNotIn(MIXED, found, f"{written.job}, seed {seed}")
            self.assertEqual(found, sorted(found), f"{written.job}, seed {seed}")
            self.assertEqual(set(found) - set(range(1, KILLS + 2)), set(), written.job)
