# SPDX-License-Identifier: Apache-2.0
"""An archive has each message of a day as it lies in the log, and says which versions count; what comes late reaches the
lake by the next archive, so that a summary of its files says what is served."""

import json
import re
import shutil
import subprocess
import threading
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from support import oracle
from support.kafka import Writer
from support.small_disk import on_small_disk
from support.tidemark import BIN, differences, source, view

from .servers import EndToEnd

ZONE = "Europe/London"
DAYS = ["2025-03-29", "2025-03-30", "2025-03-31"]  # the second has 23 hours
MEASURES = {
    "total_orders": "count",
    "total_revenue": "sum(amount)",
    "avg_order_value": "avg(amount)",
    "unique_customers": "unique(customer_id)",
}
POINTS = ("before_files", "before_manifest", "before_exchange", "after_exchange", "after_retire", "before_hand_on")


def order(number, at, **values):
    return {
        "order_id": f"o{number}",
        "customer_id": f"c{number % 7}" if number % 11 else None,
        "customer_segment": ("retail", "b2b", "ü'\"\t\\\n", "")[number % 4],
        "product_id": f"p{number % 5}",
        "category": f"k{number % 3}" if number % 13 else None,
        "country": None,
        "amount": Decimal(number * 10**9 + number).scaleb(-2),
        "quantity": number - 5,
        "status": "paid",
        "timestamp": at,
        **values,
    }


def noon(day, second=0):
    return datetime.fromisoformat(day).replace(hour=11, tzinfo=timezone.utc) + timedelta(seconds=second)


class Archive(EndToEnd):
    def setUp(self):
        super().setUp()
        self.servers()
        self.name = self.topic()
        self.log = oracle.Log(oracle.Source())
        self.reader = self.kafka.reader()
        self.addCleanup(self.reader.close)
        self.lake = self.folder / "lake"
        jobs = {
            "archive_orders": {"archive": "orders", "write": f"{self.lake}/raw/date={{date}}/"},
            "daily_summary": {
                "after": ["archive_orders"],
                "summarise": "daily_summary",
                "read": f"{self.lake}/raw/date={{date}}/",
                "write": f"{self.lake}/gold/date={{date}}/",
                "partition_by": ["category"],
            },
        }
        views = {"daily_summary": view("orders", measures=MEASURES, dimensions=["category", "customer_segment"])}
        self.job = self.platform({"orders": source(self.name)}, views, ZONE, jobs=jobs)

    def send(self, orders):
        writer = Writer(self.kafka.brokers)
        for values in orders:
            text = {**values, "timestamp": values["timestamp"].isoformat()}
            amount = text.pop("amount")
            payload = json.dumps(text)[:-1] + f', "amount": {amount}}}'
            writer.send(self.name, values["order_id"].encode(), payload.encode())
        writer.flush()

    def publish(self):
        self.assert_caught_up(self.job, self.reader, self.name, self.log)
        self.job.batch()

    def run_job(self, name, *options, crash_at=None, expect=0):
        env = {**self.job.environment(), **({"TIDEMARK_CRASH_AT": crash_at} if crash_at else {})}
        ran = subprocess.run(
            [BIN / "tidemark-batch", "run", name, *options, "--config", self.job.path],
            env=env,
            capture_output=True,
            text=True,
        )
        self.assertEqual(ran.returncode, expect, ran.stdout + ran.stderr)
        return ran.stdout if expect == 0 else ran.stderr

    def archive(self, *options, **more):
        """{day: orders that count} as it says."""
        said = self.run_job("archive_orders", *options, **more)
        return {day: int(count) for count, day in re.findall(r"processed (\d+) orders for (\S+)", said)}

    def summarise(self):
        """The days that the archive has handed on, as the job says that it made them."""
        return re.findall(r"processed \d+ orders for (\S+)", self.run_job("daily_summary"))

    def manifest(self, day):
        return json.loads((self.lake / f"raw/date={day}/_tidemark.json").read_text())

    def expected_days(self):
        """{day: [(partition, offset, order, live)]} of all messages in the log."""
        days = defaultdict(list)
        for partition, messages in self.log.partitions.items():
            last = {o["order_id"]: offset for offset, o in messages if o}
            for offset, values in messages:
                if values:
                    day = datetime.fromtimestamp(values["at"] / 1_000_000, ZoneInfo(ZONE)).date().isoformat()
                    days[day].append((partition, offset, values, last[values["order_id"]] == offset))
        return {day: sorted(rows, key=lambda row: row[:2]) for day, rows in days.items()}

    def assert_archived(self, days):
        """The files of these days are what the log has, row by row."""
        expected = self.expected_days()
        for day in days:
            [path] = (self.lake / f"raw/date={day}").glob("*.parquet")
            rows = pq.ParquetFile(path).read().to_pylist()
            wanted = [
                {
                    **{name: values[name] for name in oracle.ORDER_FIELDS if name != "amount"},
                    "amount": Decimal(values["amount"]).scaleb(-2),
                    "timestamp": datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=values["at"]),
                    "tm_partition": partition,
                    "tm_offset": offset,
                    "tm_live": live,
                }
                for partition, offset, values, live in expected.get(day, [])
            ]
            self.assertEqual(rows, wanted, day)
            self.assertEqual((self.manifest(day)["messages"], self.manifest(day)["rows"]), (len(wanted),) * 2)

    def gold(self, day):
        """Rows of the summary in the form of those that are served."""
        start = oracle.day(day, ZONE)
        rows = {}
        for path in (self.lake / f"gold/date={day}").rglob("*.parquet"):
            for row in pq.ParquetFile(path).read().to_pylist():
                rows[(start, row.pop("category"), row.pop("customer_segment"))] = row
        return rows

    def served(self, day):
        start = oracle.day(day, ZONE)
        answer = self.job.view("daily_summary")
        rows = answer.rows(self.job.oracle_view("daily_summary"))
        return {key: row for key, row in rows.items() if key[0] == start}

    def assert_gold_is_served(self):
        for day in DAYS:
            self.assertFalse(differences(self.served(day), self.gold(day)), day)

    def settled(self):
        beside = self.lake / "raw/.tidemark"
        return not beside.exists() or all(path.name.endswith(".old") for path in beside.iterdir())

    def test_late_orders_and_cancellations_reach_the_lake_and_its_summaries(self):
        self.assertIn("nothing of the source orders is published yet", self.run_job("archive_orders", "--date", DAYS[0], expect=75))
        self.job.serving()
        self.job.speed()
        self.send([order(i, noon(DAYS[i % 3], i)) for i in range(300)])
        self.send([order(i, noon(DAYS[i % 3], i), quantity=None) for i in range(0, 300, 9)])
        self.send([order(900, datetime(2025, 3, 30, 22, 59, 59, 999999, timezone.utc))])
        self.send([order(901, datetime(2025, 3, 30, 23, 0, 0, 1, timezone.utc))])  # midnight in London
        self.publish()
        self.assertEqual(self.archive(), {DAYS[0]: 100, DAYS[1]: 101, DAYS[2]: 101})
        self.assert_archived(DAYS)
        self.assertEqual(self.manifest(DAYS[1])["epoch"], 1)
        self.assertEqual({int(p): o for p, o in self.manifest(DAYS[1])["cut"].items()}, self.log.ends())
        self.assertEqual(self.archive(), {})
        self.assertEqual(self.summarise(), DAYS)
        self.assert_gold_is_served()

        runs = {day: self.manifest(day)["run"] for day in DAYS}
        self.send([order(i, noon(DAYS[0], i)) for i in range(1000, 1010)])  # three days later
        self.send([order(4, noon(DAYS[1], 4), status="cancelled")])
        self.send([order(7, noon(DAYS[0], 7))])  # from the second day to the first
        self.publish()
        self.assertEqual(self.archive(), {DAYS[0]: 111, DAYS[1]: 100})
        self.assert_archived(DAYS)
        self.assertEqual(self.manifest(DAYS[2])["run"], runs[DAYS[2]])
        self.assertTrue(self.settled())
        self.assertEqual(self.summarise(), DAYS[:2])
        self.assert_gold_is_served()
        self.assertEqual(self.archive("--date", "2025-04-01"), {"2025-04-01": 0})
        self.assert_archived(["2025-04-01"])
        self.assert_killed_anywhere()
        self.assert_waits_for_room()

    def seen(self):
        """(messages, live ones) of the first day as a reader finds it; None where a file that it listed is gone."""
        try:
            [path] = (self.lake / f"raw/date={DAYS[0]}").glob("*.parquet")
            live = [row["tm_live"] for row in pq.ParquetFile(path).read().to_pylist()]
            return (len(live), sum(live))
        except (OSError, ValueError):
            return None

    def assert_killed_anywhere(self):
        """Whoever reads finds the old day or the new one; the day stays owed until a run ends, and nothing is left."""
        old = self.seen()
        new = (old[0] + 1, old[1] + 1)
        self.send([order(2000, noon(DAYS[0]))])
        self.publish()
        seen, ends = [], threading.Event()

        def read():
            while not ends.is_set():
                seen.append(self.seen())

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for point in POINTS:
                self.archive(crash_at=point, expect=-9)
                is_old = point in ("before_files", "before_manifest", "before_exchange")
                self.assertEqual(self.seen(), old if is_old else new, point)
            self.assertEqual(self.archive("--date", DAYS[0]), {DAYS[0]: new[1]})
        finally:
            ends.set()
            reader.join()
        self.assertLessEqual(set(seen), {old, new, None})
        self.assertTrue(self.settled())
        self.assertEqual(self.archive(), {})
        self.assert_archived(DAYS)

    def assert_waits_for_room(self):
        """On a full disk the run says so, and the old day stays as it was and owed; with room the next one writes it."""
        self.send([order(3000, noon(DAYS[0]))])
        self.publish()
        raw = self.lake / "raw"
        job = f"{BIN}/tidemark-batch run archive_orders --config {self.job.path}; echo $?"
        files = f"find {raw} -type f ! -path '*.old/*' -exec sha256sum {{}} +"
        script = f"""
            {files}; head -c 16m /dev/zero >{raw}/zeros
            {job}; {files}; rm {raw}/zeros
            {job}; rm -r {raw}.saved; cp -a {raw} {raw}.saved"""
        ran = on_small_disk(raw, "1m", script, env=self.job.environment())
        before, failed, after = ran.stdout.partition("69\n")
        kept, _, processed = after.partition("processed")
        self.assertTrue(failed, ran.stdout + ran.stderr)
        without_zeros = [line for line in kept.splitlines() if not line.endswith("/zeros")]
        self.assertEqual(sorted(without_zeros), sorted(before.splitlines()))
        self.assertEqual(processed.split(), [str(len(self.live(DAYS[0]))), "orders", "for", DAYS[0], "0"], ran.stderr)
        self.assertIn(f"the disk of {raw}/date={DAYS[0]} is full: free some of it and run the job again: ", ran.stderr)
        self.assertIn("No space left on device", ran.stderr)
        shutil.rmtree(raw)
        shutil.move(f"{raw}.saved", raw)
        self.assertTrue(self.settled())
        self.assertEqual(self.archive(), {})
        self.assert_archived(DAYS)

    def live(self, day):
        """What the log has of the orders of a day that count."""
        return [row for row in self.expected_days()[day] if row[-1]]

    def test_a_folder_is_kept_where_the_days_are_of_another_zone(self):
        self.job.speed()
        self.job.serving()
        self.send([order(1, noon(DAYS[0]))])
        self.publish()
        self.archive()
        self.job.config["time_zone"] = "Asia/Tokyo"
        self.job.write()
        self.assertIn("are those of Europe/London", self.run_job("archive_orders", "--date", DAYS[0], expect=78))
        self.assert_archived(DAYS[:1])
        self.job.config["time_zone"] = ZONE
        self.job.config["batch"] = {"duckdb": "/nowhere/libduckdb.so"}
        self.job.write()
        shutil.rmtree(self.lake)
        self.assertIn("deploy/install-duckdb", self.run_job("archive_orders", "--date", DAYS[0], expect=78))
        self.assertEqual([path for path in self.lake.rglob("*") if path.is_file()], [])
