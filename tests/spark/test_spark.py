# SPDX-License-Identifier: Apache-2.0
"""Spark makes of Parquet files what DuckDB makes of them, to the digit, on one machine and on a cluster."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark

from e2e.test_engines import NASTY_COLUMNS, nasty
from e2e.test_summary import DAY, JOB, NO_DOUBLES, Lake, configuration, order
from support.process import Child, wait_until
from support.tidemark import BIN, Folder

SPARK = Path(sys.prefix) / "bin"
os.environ |= {"SPARK_HOME": str(Path(pyspark.__file__).parent), "PYSPARK_PYTHON": sys.executable}
SMALL = "spark.sql.shuffle.partitions 4\nspark.ui.enabled false\nspark.log.level WARN\nspark.driver.host 127.0.0.1\n"


class Spark(Lake):
    master = "local[2]"

    def setUp(self):
        super().setUp()
        (self.folder / "conf").mkdir()
        (self.folder / "conf/spark-defaults.conf").write_text(SMALL)
        os.environ["SPARK_CONF_DIR"] = str(self.folder / "conf")
        self.addCleanup(os.environ.pop, "SPARK_CONF_DIR")

    def by(self, engine, job=JOB, **options):
        text = configuration(job=job + f"    engine: {engine}\n", **options)
        batch = f"batch: {{ spark_submit: '{SPARK}/spark-submit', spark_master: '{self.master}' }}\n"
        (self.folder / "tidemark.yaml").write_text(text + batch)

    def made(self):
        """Rows, folders, counts and bad rows."""
        bad = self.gold / "_bad.ndjson"
        counts = {k: v for k, v in self.manifest().items() if k in ("messages", "bad", "orders", "other_days", "rows")}
        folders = sorted(str(p.relative_to(self.gold)) for p in self.gold.rglob("*") if p.is_dir())
        return self.rows(), folders, counts, bad.read_text() if bad.exists() else ""

    def assert_same(self, job=JOB, **options):
        self.by("duckdb", job, **options)
        self.run_job()
        by_duckdb = self.made()
        self.by("spark", job, **options)
        self.run_job()
        for ours, theirs in zip(self.made(), by_duckdb):
            self.assertEqual(ours, theirs)
        self.assertEqual(self.manifest()["engine"], "spark")
        self.assertTrue((self.gold / "_job.py").exists())


class OnThisMachine(Spark):
    def test_nasty_files_of_all_kinds_of_columns(self):
        chance = random.Random(20)
        rows = nasty(chance, 1500, 500)
        self.write("it's *[1].parquet", rows[:700], NASTY_COLUMNS)
        texts = NASTY_COLUMNS.set(NASTY_COLUMNS.get_field_index("timestamp"), pa.field("timestamp", pa.string()))
        times = [
            *("2025-03-15T12:00:00.123456789+05:30", "2025-03-15 23:59:59", "2025-03-15t12:00:00z", "2025-03-15T12:00:60Z"),
            *("2025-02-30T12:00:00Z", "1999-12-31T23:59:59Z", "1999-12-31T23:59:59-00:01", "2100-01-01T00:00:00+00:01"),
            *("2100-01-01T00:00:00Z", "2025-03-15T12:00:00+24:00", "2025-03-15", None, "2025-03-15T12:00:00.1234567890Z"),
        ]
        self.write("a.parquet", [{**r, "timestamp": times[i % len(times)]} for i, r in enumerate(rows[700:1000])], texts)
        doubles = NO_DOUBLES.set(NO_DOUBLES.get_field_index("amount"), pa.field("amount", pa.float64()))
        doubles = doubles.set(doubles.get_field_index("quantity"), pa.field("quantity", pa.uint8()))
        numbers = (1.1, 0.1 + 0.2, 1e14 + 0.25, 123456789012.34, 5.0, -0.0, 1e15, 2.675, 99999999999999.99, float("nan"), float("inf"), None)
        more = [order(9000 + i, amount=a, quantity=i) for i, a in enumerate(numbers)]
        self.write("b.parquet", more, doubles)
        source = "    on_duplicate: ignore\n    breaker: 0\n"
        self.assert_same(JOB + "    partition_by: [category]\n", source=source)

    def test_versions_offsets_joins_and_the_days_of_zones(self):
        schema = NASTY_COLUMNS
        for name, kind in (("tm_partition", pa.int32()), ("tm_offset", pa.int64()), ("tm_live", pa.bool_())):
            schema = schema.append(pa.field(name, kind))
        chance = random.Random(21)
        rows = [
            {**r, "order_id": f"o{i % 90}", "tm_partition": i % 3, "tm_offset": chance.randrange(10**6), "tm_live": chance.choice([True, True, False, None])}
            for i, r in enumerate(nasty(chance, 300, 90))
        ]
        names = [f.name for f in schema if f.name not in ("category", "customer_segment")]
        self.write("1.parquet", rows, pa.schema([schema.field(n) for n in names]))
        silver = self.folder / "lake/silver"
        segments = pa.schema([("product_id", pa.string()), ("category", pa.string())])
        self.write("p.parquet", [{"product_id": f"p{i}", "category": f"k{i % 2}" if i else ""} for i in range(4)], segments, silver / "products")
        customers = pa.schema([("customer_id", pa.string()), ("customer_segment", pa.string()), ("category", pa.string())])
        self.write("c.parquet", [{"customer_id": c, "customer_segment": "s", "category": "no"} for c in ("c1", "c2", None, None)], customers, silver / "customers")
        joins = """    joins:
      - { read: lake/silver/products/, on: product_id }
      - { read: lake/silver/customers/, on: customer_id }
    version: quantity
"""
        self.assert_same(JOB + joins, source="    breaker: 0\n", time_zone="America/New_York")

    def test_what_it_cannot_read_is_told_and_the_old_day_stays(self):
        self.write("1.parquet", [order(1)])
        self.by("duckdb")
        self.run_job()
        self.by("spark")
        self.write("1.parquet", [order(1, category=None)], NO_DOUBLES.remove(NO_DOUBLES.get_field_index("category")))
        self.refused("1.parquet", '"category"', "used by the view")
        (self.raw / "1.parquet").write_bytes(b"not parquet at all, but longer than twelve bytes")
        self.refused("1.parquet can't be read as Parquet")
        self.write("1.parquet", [order(1, amount=None)])
        self.refused("no order of", "1 rows are bad; the first: ", "1.parquet, row 1: amount: null")

    def test_a_day_without_files_or_without_a_folder_is_empty_where_that_is_allowed(self):
        self.by("spark")
        self.refused("no files that end in")
        silver = self.folder / "lake/silver/products"
        products = pa.schema([("product_id", pa.string()), ("category", pa.string())])
        self.write("p.parquet", [{"product_id": "p1", "category": "k1"}], products, silver)
        joins = "    joins: [{ read: lake/silver/products/, on: product_id }]\n    version: quantity\n"
        self.assert_same(JOB + "    allow_empty: true\n" + joins)
        [path] = self.gold.glob("*.parquet")
        self.assertEqual(pq.read_schema(path).field("total_revenue").type, pa.decimal128(38, 2))
        shutil.rmtree(self.raw)
        self.assert_same(JOB + "    allow_empty: true\n    partition_by: [category]\n")
        shutil.rmtree(self.raw.parent)
        self.refused("there is no such folder")

    def test_the_job_that_is_printed_runs_as_it_stands(self):
        self.write("1.parquet", [order(i) for i in range(30)])
        self.by("spark")
        printed = subprocess.run(
            [BIN / "tidemark-batch", "explain", "daily_summary", "--date", DAY],
            cwd=self.folder.path, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        (self.folder / "job.py").write_text(printed)
        ran = subprocess.run(
            [SPARK / "spark-submit", "--master", self.master, "job.py"], cwd=self.folder.path, capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.run_job()
        for (category, segment), row in self.rows().items():
            line = next(line for line in ran.stdout.splitlines() if line.startswith(f"|{category}"))
            self.assertIn(f"|{row['total_revenue']}", line.replace(" ", ""))


class OnACluster(Spark):
    """One master and two workers, each a process of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = Folder("spark")
        cls.addClassCleanup(cls.cluster.remove)
        cls.master_process = cls.start("master", "Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        found = lambda: [l for l in cls.log("master").splitlines() if "Starting Spark master at" in l]  # noqa: E731,E741
        cls.master = wait_until(found, 120, "the master is there", children=[cls.master_process])[0].split()[-1]
        for name in ("one", "two"):
            options = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", str(cls.cluster / name))
            cls.start(name, "worker.Worker", *options, cls.master)
        joined = lambda: cls.log("master").count("Registering worker") == 2  # noqa: E731
        wait_until(joined, 120, "both workers are there", children=[cls.master_process])

    @classmethod
    def start(cls, name, program, *arguments):
        program = program if "." in program else f"master.{program}"
        child = Child(name, [SPARK / "spark-class", f"org.apache.spark.deploy.{program}", *arguments], cls.cluster / f"{name}.log")
        cls.addClassCleanup(child.kill)
        return child

    @classmethod
    def log(cls, name):
        return (cls.cluster / f"{name}.log").read_text()

    def test_two_workers_make_the_same_rows(self):
        rows = nasty(random.Random(22), 900, 300)
        for i in range(3):
            self.write(f"{i}.parquet", rows[i::3], NASTY_COLUMNS)
        self.assert_same(JOB + "    partition_by: [category, customer_segment]\n", source="    breaker: 0\n")
        for name in ("one", "two"):
            self.assertTrue(list((self.cluster / name).glob("app-*")), f"the worker {name} has had work")
