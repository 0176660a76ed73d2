# SPDX-License-Identifier: Apache-2.0
"""The engines that take the same files make the same rows of them, to the digit, and those of a recomputation; and tell
the same bad rows. `native` does so on many threads, and in the memory that it is given."""

import json
import os
import random
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pyarrow as pa

from e2e.test_summary import DAY, JOB, NO_DOUBLES, Lake, configuration, message, order
from support import oracle
from support.tidemark import BIN

BAD = [
    *((name, None) for name in ("order_id", "amount", "weight")),
    *((name, value) for name in ("amount", "weight") for value in (Decimal("0.0001"), Decimal(10) ** 15)),
    *(("order_id", value) for value in ("", "x" * 257)),
]
TEXT_ENGINES = ("native", "duckdb")  # that read NDJSON and CSV


NASTY_COLUMNS = NO_DOUBLES.set(NO_DOUBLES.get_field_index("weight"), pa.field("weight", pa.decimal128(38, 4)))


def nasty(chance, count, keys, day=DAY):
    """Orders with nulls, ties, numbers at their limits, values of which groups are hard to tell apart, and bad ones."""
    start = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    rows = []
    for i in range(count):
        row = order(
            chance.randrange(keys),
            customer_id=chance.choice([None, "", "c", "ü'\"%", f"c{chance.randrange(50)}"]),
            category=chance.choice([None, "", "a", "a:b", "+1:a", "-", "ключ\n", '"', "x,y"]),
            customer_segment=chance.choice([None, "", "1", "b2b"]),
            amount=chance.choice([Decimal("0.01"), Decimal(chance.randrange(-5, 10**17)).scaleb(-2), Decimal("1E+3")]),
            weight=Decimal(chance.randrange(-(10**18) + 1, 10**18)).scaleb(-3),
            quantity=chance.choice([None, -(2**63), 2**63 - 1, 0, 3]),
            status=chance.choice([None, "paid", "paid", "cancelled"]),
            timestamp=start + timedelta(microseconds=chance.randrange(-(10**10), 2 * 86_400 * 10**6)),
        )
        if chance.random() < 0.01:
            row.update([chance.choice(BAD)])
        rows.append(row)
    return rows


class Agreement(Lake):
    """Each test writes files once, and looks at what every engine says of them."""

    def each_engine(self, job="", **options):
        for engine in TEXT_ENGINES:
            self.configure(job=JOB + job + f"    engine: {engine}\n", **options)
            yield engine

    def bad(self):
        path = self.gold / "_bad.ndjson"
        return path.read_text().splitlines() if path.exists() else []

    def ndjson(self, name, rows):
        (self.raw / name).write_bytes(b"".join(message(row) + b"\n" for row in rows))

    def test_nasty_files_in_all_modes_and_versions(self):
        chance = random.Random(17)
        rows = nasty(chance, 3000, 700)
        self.ndjson("1.ndjson", rows[:1000])
        self.csv("2.csv", rows[1000:1500])
        self.ndjson("3.jsonl", rows[1500:])
        for mode in ("replace", "ignore", "none"):
            told = set()
            for _ in self.each_engine(source=f"    on_duplicate: {mode}\n    breaker: 0\n"):
                self.assert_exact(rows, self.run_job(), on_duplicate=mode)
                told.add("\n".join(self.bad()))
            self.assertEqual(len(told), 1)
            self.assertGreater(len(told.pop().splitlines()), 10)
        for version in ("quantity", "category"):  # ties, nulls and texts among them
            found = []
            for _ in self.each_engine(job=f"    version: {version}\n"):
                self.run_job()
                found.append(self.rows())
            self.assertEqual(found[0], found[1])

    def test_days_of_23_and_of_25_hours_and_orders_of_other_days(self):
        for day, hours in (("2025-03-30", 23), ("2025-10-26", 25)):
            start = oracle.day(day, "Europe/London")
            at = lambda s: datetime.fromtimestamp(start + s, timezone.utc)  # noqa: E731,B023
            moments = [-1, 0, 3599, 3600, 7200, hours * 3600 - 1, hours * 3600, 10**6]
            raw = self.raw.parent / f"date={day}"
            raw.mkdir()
            (raw / "1.ndjson").write_bytes(b"\n".join(message(order(i, timestamp=at(s))) for i, s in enumerate(moments)))
            said = set()
            for engine in TEXT_ENGINES:
                self.configure(job=JOB + f"    engine: {engine}\n", time_zone="Europe/London")
                self.assertIn(f"processed 8 orders for {day}", self.run_job("--date", day))
                manifest = json.loads((self.gold.parent / f"date={day}/_tidemark.json").read_text())
                self.assertEqual(manifest["other_days"], 3, (engine, day))
                said.add((manifest["messages"], manifest["orders"], manifest["rows"]))
            self.assertEqual(len(said), 1)

    def test_offsets_order_versions_and_only_live_rows_count(self):
        at = lambda p, o, live: {"tm_partition": p, "tm_offset": o, "tm_live": live}  # noqa: E731
        rows = [
            order(1, amount=Decimal(10), **at(0, 5, True)),
            order(1, amount=Decimal(20), **at(0, 4, True)),
            order(1, amount=Decimal(30), **at(1, 1, True)),  # of another partition: another order
            order(2, amount=Decimal(40), **at(0, 9, False)),
            order(3, amount=Decimal(50), **at(0, 8, None)),
        ]
        columns = tuple(rows[0])
        self.csv("1.csv", [{**r, "tm_live": {True: "true", False: "false"}.get(r["tm_live"])} for r in rows], columns)
        for _ in self.each_engine():
            self.assertIn("processed 2 orders", self.run_job())
            self.assertEqual(sum(row["total_revenue"] for row in self.rows().values()), Decimal(40))
        (self.raw / "1.csv").unlink()
        self.ndjson("1.ndjson", rows)
        for _ in self.each_engine():
            self.assertIn("processed 2 orders", self.run_job())
            self.assertEqual(sum(row["total_revenue"] for row in self.rows().values()), Decimal(40))
        self.ndjson("1.ndjson", [order(1), {**order(2), "tm_live": "yes"}, {**order(3), "tm_offset": "x"}])
        for _ in self.each_engine():
            self.assertIn("processed 1 orders", self.run_job())
            self.assertEqual([json.loads(b)["row"] for b in self.bad()], [2, 3])

    def test_files_of_many_chunks_and_rows_across_their_ends(self):
        chance = random.Random(18)
        rows = nasty(chance, 8000, 5000)
        for row in rows:
            row["product_id"] = chance.choice([None, 'two "quoted"\r\nlines, and\n\n"more"' * 12, "p"])
        rows[5500]["product_id"] = "x" * 1_500_000  # longer than a chunk, and than a message may be
        self.csv("1.csv", rows[:5000])
        self.ndjson("2.ndjson", rows[5000:])
        self.assertGreater((self.raw / "1.csv").stat().st_size, 1 << 20)
        told = set()
        for _ in self.each_engine(source="    breaker: 0\n"):
            self.assert_exact(rows, self.run_job())
            told.add("\n".join(self.bad()))
        self.assertEqual(len(told), 1)
        self.assertIn("longer than 1 MiB", told.pop())
        first = json.loads(self.bad()[0])
        for engine in TEXT_ENGINES:
            self.configure(job=JOB + f"    engine: {engine}\n", source="    breaker: 5\n")
            self.refused("more than 5 rows are bad", f"{first['file']}, row {first['row']}: {first['reason']}")


class Memory(Lake):
    """What doesn't fit into batch.memory goes to files, or is refused with what would do."""

    def write_orders(self, count, categories):
        line = message(order(0)).decode().replace('"o0"', '"o%d"').replace('"k0"', '"k%d"').replace("0.125", "0.%03d")
        with (self.raw / "1.ndjson").open("w") as file:
            for i in range(count):
                file.write(line % (i // 2, i % categories, i % 1000) + "\n")

    def small(self, where="status <> 'cancelled' and amount > 0"):
        text = configuration(JOB + "    engine: native\n", where=where) + "batch: { memory: 64 MiB }\n"
        (self.folder / "tidemark.yaml").write_text(text)

    def test_versions_that_do_not_fit_go_through_a_file(self):
        self.write_orders(600_000, 10)  # more than memory has, whether one processor reads them or all
        self.configure(job=JOB + "    engine: native\n")
        self.assertIn("processed 300000 orders", self.run_job())
        fits = self.rows()
        shutil.rmtree(self.gold)
        self.small()
        said = self.run_job(keep_log=True)
        self.assertIn("MiB didn't fit into batch.memory", said)
        self.assertEqual(self.rows(), fits)
        self.assertTrue(self.settled())

    def test_groups_that_do_not_fit_are_refused_with_what_would_do(self):
        self.write_orders(100_000, 100_000)
        self.small()
        self.refused('"batch.memory"', "MiB would do", expect=78)


class Choice(Lake):
    def test_native_is_for_ndjson_and_csv_and_is_what_they_get(self):
        (self.raw / "1.ndjson").write_bytes(message(order(1)))
        self.run_job()
        self.assertEqual(self.manifest()["engine"], "native")
        (self.raw / "1.ndjson").unlink()
        self.write("1.parquet", [order(1)])
        self.run_job()
        self.assertEqual(self.manifest()["engine"], "duckdb")
        self.configure(job=JOB + "    engine: native\n")
        self.refused("tidemark.yaml:2", "1.parquet is Parquet", "duckdb", expect=78)


class Explained(Lake):
    """What `explain` prints is the SQL that runs: DuckDB's own package runs it as it stands."""

    def explain(self, *arguments, expect=0):
        ran = subprocess.run(
            [BIN / "tidemark-batch", "explain", *arguments], cwd=self.folder.path, capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, expect, ran.stderr)
        return ran.stdout if expect == 0 else ran.stderr

    def test_the_sql_of_a_summary_gives_its_rows(self):
        rows = nasty(random.Random(19), 500, 200)
        self.write("it's 1.parquet", rows, NASTY_COLUMNS)
        job = JOB + "    joins: [{ read: lake/silver/, on: product_id }]\n"
        self.configure(job=job, source="    breaker: 0\n")
        silver = pa.schema([("product_id", pa.string())])
        self.write("1.parquet", [{"product_id": f"p{i}"} for i in range(5)], silver, self.folder / "lake/silver")
        self.run_job()
        made = self.rows()
        self.assertGreater(len(made), 20)
        for name in (("daily_summary",), ("daily_summary", "--engine", "duckdb")):
            script = self.explain(*name, "--date", DAY)
            before = os.getcwd()
            os.chdir(self.folder.path)  # paths are those of the configuration
            try:
                answer = duckdb.connect().execute(script)
                columns = [c[0] for c in answer.description]
                found = {row[:2]: dict(zip(columns[2:], row[2:])) for row in answer.fetchall()}
            finally:
                os.chdir(before)
            self.assertEqual(found, made)

    def test_what_cannot_be_explained_is_told(self):
        (self.raw / "1.ndjson").write_bytes(message(order(1)))
        self.assertIn("no SQL", self.explain("daily_summary", "--date", DAY, expect=64))
        self.assertIn("no job and no view dayly", self.explain("dayly", expect=64))
        self.assertIn("--engine is", self.explain("daily_summary", "--engine", "duck", expect=64))
        self.assertIn("--date is a date", self.explain("daily_summary", "--date", "x", expect=64))
        self.assertIn("there is no such folder", self.explain("daily_summary", "--date", "2025-03-16", expect=65))
        self.explain(expect=64)
        self.assertIn("PostgreSQL", self.explain("daily_summary", "--engine", "postgres", expect=69))


class FailingSpark(Lake):
    """Without Spark: what is refused before it, and what is told where it fails. `tests/spark/run` has the real one."""

    def by(self, submit):
        text = configuration(job=JOB + "    engine: spark\n") + f"batch: {{ spark_submit: '{submit}' }}\n"
        (self.folder / "tidemark.yaml").write_text(text)

    def test_a_spark_that_fails_is_told_with_the_end_of_its_log(self):
        self.write("1.parquet", [order(1)])
        self.run_job()
        submit = self.folder / "submit"
        submit.write_text("#!/bin/sh\nfor i in $(seq 40); do echo line $i of the log; done >&2\nexit 3\n")
        submit.chmod(0o755)
        self.by(submit)
        said = self.refused("exit code 3", "line 40 of the log", "line 11 of the log", expect=69)
        self.assertNotIn("line 10 of the log", said)
        self.by("/nowhere/spark-submit")
        self.refused("batch.spark_submit", expect=78)
        (self.raw / "1.parquet").unlink()
        (self.raw / "1.ndjson").write_bytes(message(order(1)))
        self.refused("tidemark.yaml:2", "1.ndjson is none", expect=78)
