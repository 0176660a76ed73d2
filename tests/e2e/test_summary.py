# SPDX-License-Identifier: Apache-2.0
"""A job that summarises the Parquet files of a day says, to the digit, what a recomputation of the same rows says; whoever
lists its folder sees the old day or the new one, whenever the job is killed."""

import json
import os
import random
import shutil
import subprocess
import threading
import unittest
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from support import oracle
from support.postgres import Postgres
from support.process import PATIENCE, ROOT, Child, wait_until
from support.small_disk import on_small_disk
from support.tidemark import BIN, Folder

DAY = "2025-03-15"
FIELDS = {**oracle.ORDER_FIELDS, "weight": "decimal(3)"}
MEASURES = {
    "total_orders": ("count",),
    "customers": ("count", "customer_id"),
    "total_revenue": ("sum", "amount"),
    "avg_order_value": ("avg", "amount"),
    "pieces": ("sum", "quantity"),
    "avg_pieces": ("avg", "quantity"),
    "weight": ("sum", "weight"),
    "different_customers": ("unique", "customer_id"),
    "lightest": ("min", "weight"),
    "most_pieces": ("max", "quantity"),
}
WHERE = "status <> 'cancelled' and amount > 0"
JOB = """
    summarise: daily_summary
    read: lake/raw/orders/date={date}/
    write: lake/gold/daily_summary/date={date}/
"""
NO_DOUBLES = pa.schema(
    [
        *((name, pa.string()) for name, kind in FIELDS.items() if kind == "text"),
        ("amount", pa.decimal128(20, 4)),
        ("weight", pa.decimal128(38, 3)),
        ("quantity", pa.int64()),
        ("timestamp", pa.timestamp("us", "UTC")),
    ]
)


def configuration(job=JOB, where=WHERE, dimensions="[category, customer_segment]", source="", time_zone="UTC"):
    measures = ", ".join(
        f"{name}: {'count' if len(m) == 1 else f'{m[0]}({m[1]})'}" for name, m in MEASURES.items()
    )
    fields = ", ".join(f"{name}: {kind}" for name, kind in FIELDS.items())
    return f"""
time_zone: {time_zone}
sources:
  orders:
    topic: kafka://orders
    key: order_id
    event_time: timestamp
    fields: {{ {fields} }}
{source}
views:
  daily_summary:
    source: orders
    where: {where}
    window: tumbling 1 day
    dimensions: {dimensions}
    measures: {{ {measures} }}
jobs:
  daily_summary:
{job}
"""


def order(number, **values):
    """A row as a writer of Parquet would have it."""
    row = {
        "order_id": f"o{number}",
        "customer_id": f"c{number % 7}",
        "customer_segment": "retail",
        "product_id": f"p{number % 5}",
        "category": f"k{number % 3}",
        "amount": Decimal(number).scaleb(-2) + 1,
        "weight": Decimal("0.125"),
        "quantity": number % 4,
        "status": "paid",
        "timestamp": datetime(2025, 3, 15, 12, tzinfo=timezone.utc) + timedelta(seconds=number),
    }
    return {**row, **values}


def message(row):
    """The row as the message that it stands for."""

    def text(value):
        if isinstance(value, datetime):
            return json.dumps(value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        if isinstance(value, Decimal):
            return f"{value:f}"
        return repr(value) if isinstance(value, float) else json.dumps(value)

    return ("{" + ", ".join(f"{json.dumps(k)}: {text(v)}" for k, v in row.items()) + "}").encode()


def encoded(value):
    """As Spark's ExternalCatalogUtils names a folder."""
    special = set("\"#%'*/:=?\\{[]^\x7f") | {chr(c) for c in range(1, 32)}
    return "".join(f"%{ord(c):02X}" if c in special else c for c in value) if value else "__HIVE_DEFAULT_PARTITION__"


class Lake(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("summary")
        self.addCleanup(self.folder.remove)
        self.raw = self.folder / f"lake/raw/orders/date={DAY}"
        self.gold = self.folder / f"lake/gold/daily_summary/date={DAY}"
        self.raw.mkdir(parents=True)
        self.configure()

    def configure(self, **options):
        (self.folder / "tidemark.yaml").write_text(configuration(**options))

    def write(self, name, rows, schema=NO_DOUBLES, folder=None, **options):
        path = (folder or self.raw) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        names = [f.name for f in schema]
        table = pa.table({n: pa.array([r.get(n) for r in rows], schema.field(n).type) for n in names}, schema=schema)
        pq.write_table(table, path, **{"row_group_size": 1000, **options})
        return path

    def csv(self, name, rows, columns=tuple(FIELDS) + ("timestamp",), folder=None, end="\r\n"):
        def field(value):
            if value is None:
                return ""
            if isinstance(value, datetime):
                return value.strftime("%Y-%m-%dT%H:%M:%SZ")
            text = str(value)
            return '"' + text.replace('"', '""') + '"' if not text or set(text) & set('",\r\n') else text

        lines = [",".join(columns)] + [",".join(field(row.get(c)) for c in columns) for row in rows]
        path = (folder or self.raw) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + end for line in lines), newline="")

    def run_job(self, *options, crash_at=None, expect=0, keep_log=False):
        env = {**os.environ, **({"TIDEMARK_CRASH_AT": crash_at} if crash_at else {})}
        options = options or ("--date", DAY)
        ran = subprocess.run(
            [BIN / "tidemark-batch", "run", "daily_summary", *options],
            cwd=self.folder.path,
            env=env,
            capture_output=True,
            text=True,
        )
        self.assertEqual(ran.returncode, expect, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr if keep_log else ran.stdout if expect == 0 else ran.stderr

    def refused(self, *words, expect=65, options=()):
        """It fails, says so with all of these words, and leaves the old day as it was."""
        before = sorted(self.gold.rglob("*"))
        said = self.run_job(*options, expect=expect)
        for word in words:
            self.assertIn(word, said)
        self.assertEqual(sorted(self.gold.rglob("*")), before)
        self.assertEqual([p.name for p in self.gold.parent.glob(".tidemark/*") if not p.name.endswith(".old")], [])
        return said

    def rows(self):
        """{dimensions: {measure: value}} of all files, without what folders say."""
        found = {}
        for path in self.gold.rglob("*.parquet"):
            for row in pq.ParquetFile(path).read().to_pylist():
                key = (row.pop("category"), row.pop("customer_segment"))
                self.assertNotIn(key, found)
                found[key] = row
        return found

    def manifest(self):
        return json.loads((self.gold / "_tidemark.json").read_text())

    def expected(self, rows, where=oracle.paid_order, **source):
        """({dimensions: measures}, orders that count, bad messages) of rows in the order of a log."""
        log = oracle.Log(oracle.Source(fields=dict(FIELDS), **source))
        far = 4_102_444_800_000  # files have no record times
        for offset, row in enumerate(rows):
            log.append(0, oracle.Message(offset, far, message(row)))
        view = oracle.View(dimensions=("category", "customer_segment"), measures=MEASURES, where=where)
        groups = {}
        for version in log.surviving()[0]:
            if where(version):
                groups.setdefault((version["category"], version["customer_segment"]), []).append(version)
        measured = {key: log.measures(view, orders) for key, orders in groups.items()}
        return measured, sum(map(len, groups.values())), log.fates()["bad"]

    def assert_exact(self, rows, said, **options):
        expected, count, bad = self.expected(rows, **options)
        self.assertEqual(self.rows(), expected)
        self.assertIn(f"processed {count} orders for {DAY}\n", said)
        self.assertEqual((self.manifest()["orders"], self.manifest()["bad"]), (count, bad))

    def settled(self):
        """Nothing of a run is left over but what was replaced, which stays a minute."""
        beside = self.gold.parent / ".tidemark"
        return not beside.exists() or all(path.name.endswith(".old") for path in beside.iterdir())


class Exactness(Lake):
    def test_versions_filters_nulls_and_ties_come_out_to_the_digit(self):
        chance = random.Random(15)
        rows = []
        for i in range(6000):
            number = chance.randrange(2500)
            rows.append(
                order(
                    number,
                    customer_id=chance.choice([None, "", "c1", "ü'\"%"]),
                    category=chance.choice([None, "", encoded(None), "a/b=c'd", "k\\x", "ключ", "{x}", "%41"]),
                    customer_segment=chance.choice([None, "retail", "b2b"]),
                    amount=Decimal(chance.randrange(-50, 10**17 - 1)).scaleb(-2) if chance.random() < 0.5 else Decimal("0.01"),
                    weight=Decimal(chance.randrange(10**18)).scaleb(-3),
                    quantity=chance.choice([None, -(2**63), 2**63 - 1, 3]),
                    status=chance.choice([None, "paid", "paid", "cancelled"]),
                )
            )
        for number, name in enumerate(("b.parquet", "a/z.parquet", "a.parquet", "B.parquet")):
            self.write(name, rows[number::4])
        in_order = rows[3::4] + rows[2::4] + rows[1::4] + rows[0::4]  # B, a.parquet, a/z.parquet, b: by their bytes
        self.configure(job=JOB + "    partition_by: [category]\n")
        self.assert_exact(in_order, self.run_job())
        types = {f.name: str(f.type) for f in pq.read_schema(next(self.gold.rglob("*.parquet")))}
        self.assertEqual(
            {name: types[name] for name in ("category", "total_orders", "total_revenue", "avg_pieces", "weight", "most_pieces")},
            {
                "category": "string",
                "total_orders": "int64",
                "total_revenue": "decimal128(38, 2)",
                "avg_pieces": "decimal128(38, 0)",
                "weight": "decimal128(38, 3)",
                "most_pieces": "int64",
            },
        )
        for category in {key[0] for key in self.rows()}:
            self.assertTrue((self.gold / f"category={encoded(category)}").is_dir(), category)

    def test_ignore_keeps_the_first_version_and_none_keeps_all(self):
        rows = [order(i % 40, amount=Decimal(i)) for i in range(200)]
        self.write("1.parquet", rows[:90])
        self.write("2.parquet", rows[90:])
        for mode in ("ignore", "none", "replace"):
            self.configure(source=f"    on_duplicate: {mode}\n")
            self.assert_exact(rows, self.run_job(), on_duplicate=mode)

    def test_a_version_column_orders_versions_before_files_do(self):
        schema = NO_DOUBLES.append(pa.field("updated_at", pa.int32()))
        rows = [order(1, amount=Decimal(v), updated_at=v) for v in (3, 9, 5)] + [order(1, amount=Decimal(7), updated_at=None)]
        self.write("1.parquet", rows, schema)
        self.configure(job=JOB + "    version: updated_at\n")
        self.run_job()
        self.assertEqual([row["total_revenue"] for row in self.rows().values()], [Decimal("9.00")])
        self.write("2.parquet", [order(1, amount=Decimal(v), updated_at=9) for v in (8, 6)], schema)  # a tie: rows decide
        for mode, counts in (("replace", "6.00"), ("ignore", "7.00")):
            self.configure(job=JOB + "    version: updated_at\n", source=f"    on_duplicate: {mode}\n")
            self.run_job()
            self.assertEqual([row["total_revenue"] for row in self.rows().values()], [Decimal(counts)])

    def test_offsets_of_an_archive_order_versions_and_only_live_ones_count(self):
        schema = NO_DOUBLES
        for name, kind in (("tm_partition", pa.int32()), ("tm_offset", pa.int64()), ("tm_live", pa.bool_())):
            schema = schema.append(pa.field(name, kind))
        at = lambda p, o, live=True: {"tm_partition": p, "tm_offset": o, "tm_live": live}  # noqa: E731
        rows = [
            order(1, amount=Decimal(10), **at(0, 5)),
            order(1, amount=Decimal(20), **at(0, 4)),
            order(1, amount=Decimal(30), **at(1, 1)),  # of another partition: another order
            order(2, amount=Decimal(40), **at(0, 9, False)),
            order(3, amount=Decimal(50), **at(0, 8, None)),
        ]
        self.write("1.parquet", rows, schema)
        self.run_job()
        self.assertEqual(sum(row["total_revenue"] for row in self.rows().values()), Decimal(40))
        renamed = configuration().replace("event_time: timestamp", "event_time: placed_at")
        (self.folder / "tidemark.yaml").write_text(renamed)  # an archive has it as timestamp all the same
        self.run_job()
        self.assertEqual(sum(row["total_revenue"] for row in self.rows().values()), Decimal(40))
        self.write("1.parquet", [order(1)])
        self.refused('has no column "placed_at"')

    def test_all_kinds_of_columns_are_taken_as_the_messages_they_stand_for(self):
        text = lambda s: {"timestamp": s}  # noqa: E731
        rows = [
            order(1, **text("2025-03-15T12:00:00.123456789+05:30")),
            order(2, **text("2025-03-15 23:59:59")),
            order(3, **text("2025-03-15t12:00:00z")),
            order(4, **text("2025-03-15T12:00:60Z")),
            order(5, **text("2025-02-30T12:00:00Z")),
            order(6, **text("1999-12-31T23:59:59Z")),
            order(7, **text("1999-12-31T23:59:59-00:01")),
            order(8, **text("2100-01-01T00:00:00+00:01")),
            order(9, **text("2100-01-01T00:00:00Z")),
            order(10, **text("2025-03-15T12:00:00+24:00")),
            order(11, **text("2025-03-15")),
            order(12, **text(None)),
            order(13, **text("2025-03-15T12:00:00.1234567890Z")),
        ]
        texts = NO_DOUBLES.set(NO_DOUBLES.get_field_index("timestamp"), pa.field("timestamp", pa.string()))
        self.write("1.parquet", rows, texts)
        more = []
        for i, value in enumerate((1.1, 0.1 + 0.2, 1e14 + 0.25, 123456789012.34, 5.0, -0.0, 1e15, 2.675, 99999999999999.99)):
            more.append(order(100 + i, amount=value, quantity=i))
        doubles = NO_DOUBLES.set(NO_DOUBLES.get_field_index("amount"), pa.field("amount", pa.float64()))
        doubles = doubles.set(doubles.get_field_index("quantity"), pa.field("quantity", pa.uint8()))
        doubles = doubles.set(doubles.get_field_index("timestamp"), pa.field("timestamp", pa.timestamp("ns")))
        self.write("2.parquet", more, doubles)
        wide = [order(200 + i, quantity=2**63 - 1 + i) for i in range(2)]
        self.write("3.parquet", wide, NO_DOUBLES.set(NO_DOUBLES.get_field_index("quantity"), pa.field("quantity", pa.uint64())))
        self.assert_exact(rows + more + wide, self.run_job())

    def test_numbers_of_the_where_that_are_finer_than_a_field_compare_exactly(self):
        rows = [order(i, amount=Decimal(i).scaleb(-2)) for i in range(1, 60)]
        self.write("1.parquet", rows)
        where = "amount > 0.123456789012345678901234567 and amount <= 0.419999999999999999999 and quantity <> 1.5"
        self.configure(where=where)
        self.assert_exact(rows, self.run_job(), where=lambda o: 13 <= o["amount"] <= 41)

    def test_rows_of_another_day_count_and_the_manifest_says_how_many(self):
        for zone, day, hours in (("Europe/London", "2025-03-30", 23), ("Europe/London", "2025-10-26", 25), ("UTC", DAY, 24)):
            self.configure(time_zone=zone)
            start = oracle.day(day, zone)
            at = lambda s: datetime.fromtimestamp(start + s, timezone.utc)  # noqa: E731
            moments = (-1, 0, hours * 3600 - 1, hours * 3600, 12 * 3600)
            raw = self.raw.parent / f"date={day}"
            self.write("1.parquet", [order(i, timestamp=at(s)) for i, s in enumerate(moments)], folder=raw)
            self.assertIn(f"processed 5 orders for {day}", self.run_job("--date", day))
            manifest = json.loads((self.gold.parent / f"date={day}/_tidemark.json").read_text())
            self.assertEqual(manifest["other_days"], 2, (zone, day))

    def test_bad_rows_are_told_with_file_and_row_and_the_breaker_stops_them(self):
        rows = [
            order(1),
            order(2, amount=None),
            order(3, amount=Decimal("1.005")),
            order(4, order_id=""),
            order(5, order_id="x" * 257),
            order(6, status="a\0b"),
            order(7, amount=Decimal(10) ** 15),
            order(8, order_id=None),
        ]
        self.write("1.parquet", rows)
        self.assert_exact(rows, self.run_job())
        told = [json.loads(line) for line in (self.gold / "_bad.ndjson").read_text().splitlines()]
        self.assertEqual([t["row"] for t in told], [2, 3, 4, 5, 6, 7, 8])
        self.assertEqual({t["file"] for t in told}, {f"lake/raw/orders/date={DAY}/1.parquet"})
        self.assertEqual(told[0]["reason"], "amount: null")
        self.assertEqual(told[1]["reason"], "amount: more than 2 digits behind the point")
        self.assertEqual(told[4]["reason"], "status: a NUL character in a text")
        self.configure(source="    breaker: 6\n")
        self.refused("breaker", "1.parquet, row 2: amount: null")
        self.configure(source="    breaker: 0\n")
        self.run_job()
        self.write("1.parquet", rows[1:])
        said = self.refused("no order of", "7 rows are bad; the first: ", "1.parquet, row 1: amount: null")
        self.assertNotIn("allow_empty", said)

    def test_what_statistics_prove_and_what_they_leave_open_makes_no_row_good_or_bad(self):
        """Of files whose statistics bound all numbers and times, of one with a bad row in its last row group for each way
        to be bad that they could hide, and of files that have none."""
        schema = NO_DOUBLES
        for name, kind in (("amount", pa.decimal128(18, 2)), ("weight", pa.decimal128(18, 3))):
            schema = schema.set(schema.get_field_index(name), pa.field(name, kind))
        at = lambda *moment: datetime(*moment, tzinfo=timezone.utc)  # noqa: E731
        edges = [
            {"amount": Decimal(10) ** 15},
            {"amount": -(Decimal(10) ** 15)},
            {"amount": Decimal(10) ** 15 - Decimal("0.01")},  # good
            {"amount": Decimal("0.01") - Decimal(10) ** 15},  # good, and not paid
            {"amount": None},
            {"weight": None},
            {"timestamp": None},
            {"timestamp": at(1999, 12, 31, 23, 59, 59, 999999)},
            {"timestamp": at(2000, 1, 1)},  # good, and of another day
            {"timestamp": at(2099, 12, 31, 23, 59, 59, 999999)},
            {"timestamp": at(2100, 1, 1)},
            {"order_id": None},
        ]
        for options in ({}, {"write_statistics": False}, {"row_group_size": 3}, {"row_group_size": 1}):
            rows = [order(i) for i in range(10)]
            self.write("0.parquet", rows, schema, store_decimal_as_integer=True)
            for number, edge in enumerate(edges, 1):
                more = [order(10 * number + i) for i in range(9)] + [order(10 * number + 9, **edge)]
                self.write(f"{number:02}.parquet", more, schema, store_decimal_as_integer=True, **options)
                rows += more
            self.assert_exact(rows, self.run_job())
            told = [json.loads(line) for line in (self.gold / "_bad.ndjson").read_text().splitlines()]
            self.assertEqual({t["row"] for t in told}, {10})
            self.assertEqual([Path(t["file"]).stem for t in told], ["01", "02", "05", "06", "07", "08", "11", "12"])
            self.assertEqual(self.manifest()["other_days"], 2)


class Joins(Lake):
    CUSTOMERS = pa.schema([("customer_id", pa.string()), ("customer_segment", pa.string()), ("note", pa.bool_())])
    PRODUCTS = pa.schema([("product_id", pa.string()), ("category", pa.string()), ("customer_segment", pa.string())])

    def setUp(self):
        super().setUp()
        self.configure(
            job=JOB
            + """    joins:
      - { read: lake/silver/customers/, on: customer_id }
      - { read: lake/silver/products/, on: product_id }
    partition_by: [category, customer_segment]
"""
        )
        names = [f.name for f in NO_DOUBLES if f.name not in ("category", "customer_segment")]
        self.orders = pa.schema([NO_DOUBLES.field(name) for name in names])

    def silver(self, customers, products):
        self.write("c.parquet", customers, self.CUSTOMERS, self.folder / "lake/silver/customers")
        self.write("p.parquet", products, self.PRODUCTS, self.folder / "lake/silver/products")

    def test_fields_come_from_the_first_join_that_has_them_and_are_null_without_a_row(self):
        customers = [{"customer_id": f"c{i}", "customer_segment": f"s{i % 2}"} for i in range(5)]
        customers += [{"customer_id": None, "customer_segment": "nobody"}] * 2
        products = [{"product_id": f"p{i}", "category": f"k{i % 2}" if i else "", "customer_segment": "no"} for i in range(4)]
        rows = [order(i, customer_id=None if i % 11 == 0 else f"c{i % 7}") for i in range(300)]
        self.write("1.parquet", rows, self.orders)
        self.silver(customers, products)
        segment = {c["customer_id"]: c["customer_segment"] for c in customers if c["customer_id"]}
        category = {p["product_id"]: p["category"] for p in products}
        joined = [
            {**r, "customer_segment": segment.get(r["customer_id"]), "category": category.get(r["product_id"])} for r in rows
        ]
        self.assert_exact(joined, self.run_job())

    def test_two_rows_of_one_key_are_an_error_that_names_it(self):
        self.write("1.parquet", [order(1)], self.orders)
        self.silver([{"customer_id": "c'1"}] * 2, [{"product_id": "p1"}])
        self.refused("lake/silver/customers", "two rows have the key 'c'1'")

    def test_what_a_join_has_not_is_told(self):
        self.write("1.parquet", [order(1)], self.orders)
        self.refused("lake/silver/customers: there is no such folder")
        self.silver([{"customer_id": "c1"}], [{"product_id": "p1"}])
        other = pa.schema([("Customer_ID", pa.string())])
        self.write("c.parquet", [{"Customer_ID": "c1"}], other, self.folder / "lake/silver/customers")
        self.refused("c.parquet", 'no column "customer_id"', "joined")

    def test_a_column_that_no_join_has_is_told(self):
        self.write("1.parquet", [order(1)], self.orders)
        self.silver([{"customer_id": "c1"}], [])
        only_key = pa.schema([("product_id", pa.string())])
        self.write("p.parquet", [{"product_id": "p1"}], only_key, self.folder / "lake/silver/products")
        self.refused("1.parquet", '"category"', "used by the view", "no join has it")


class Texts(Lake):
    """NDJSON and CSV, which are read by the decoder of topics."""

    def nasty(self):
        chance = random.Random(16)
        return [
            order(
                chance.randrange(400),
                customer_id=chance.choice([None, "", "c1", "ü'\"%,\n"]),
                category=chance.choice([None, "", "a,b", 'k"x"', "ключ", "two\r\nlines"]),
                amount=Decimal(chance.randrange(-50, 10**17 - 1)).scaleb(-2) if chance.random() < 0.5 else Decimal("0.01"),
                weight=Decimal(chance.randrange(10**18)).scaleb(-3),
                quantity=chance.choice([None, -(2**63), 2**63 - 1, 3]),
                status=chance.choice([None, "paid", "paid", "cancelled"]),
            )
            for _ in range(1000)
        ]

    def test_csv_and_ndjson_come_out_as_parquet_does(self):
        rows = self.nasty()
        self.configure(job=JOB + "    partition_by: [category]\n")
        self.csv("1.csv", rows[:300])
        (self.raw / "2.ndjson").write_bytes(b"".join(message(row) + b"\n" for row in rows[300:600]))
        self.csv("3.csv", rows[600:800], end="\n")
        (self.raw / "4.jsonl").write_bytes(b"\n".join(map(message, rows[800:])))  # its last line isn't ended
        self.assert_exact(rows, self.run_job())
        texts = self.rows()
        shutil.rmtree(self.raw)
        self.write("1.parquet", rows)
        self.run_job()
        self.assertEqual(self.rows(), texts)

    def test_lines_and_records_that_are_bad_are_told_by_the_rules_of_topics(self):
        good = message(order(1))
        lines = [good, b"", b"{", good.replace(b'"o1"', b"1"), good + b"x", b"\xff", good[:-20], good.replace(b"paid", b"p\\u0000")]
        (self.raw / "1.ndjson").write_bytes(b"\n".join(lines))
        self.assertIn("processed 1 orders", self.run_job())
        told = [json.loads(line) for line in (self.gold / "_bad.ndjson").read_text().splitlines()]
        self.assertEqual([t["row"] for t in told], [2, 3, 4, 5, 6, 7, 8])
        self.assertEqual((told[0]["reason"], told[2]["reason"]), ("empty", "order_id: a number, not a string"))
        (self.raw / "1.ndjson").unlink()
        at = "2025-03-15T12:00:00Z"
        records = ["o1,1.00,1,paid", "o2,1.005,1,paid", "o3,x,1,paid", "o4,1,1", "o5,1,1,paid,6", ",1,1,paid", '"",1,1,paid', "o8,1e1,1,paid"]
        (self.raw / "1.csv").write_text(
            "order_id,amount,weight,status,timestamp,category,customer_segment,customer_id,quantity\n"
            + "".join(f"{r},{at},k,s,c,1\n" for r in records)
        )
        self.assertIn("processed 2 orders", self.run_job())
        self.assertEqual(self.rows()[("k", "s")]["total_revenue"], Decimal("11.00"))
        told = [json.loads(line) for line in (self.gold / "_bad.ndjson").read_text().splitlines()]
        self.assertEqual([t["row"] for t in told], [2, 3, 4, 5, 6, 7])
        self.assertEqual(told[2]["reason"], "8 fields, and the header has 9")

    def test_joins_of_all_formats(self):
        self.configure(
            job=JOB
            + """    joins:
      - { read: lake/silver/customers/, on: customer_id }
      - { read: lake/silver/products/, on: product_id }
"""
        )
        rows = [order(i) for i in range(100)]
        absent = ("category", "customer_segment")
        (self.raw / "1.ndjson").write_bytes(
            b"\n".join(message({k: v for k, v in row.items() if k not in absent}) for row in rows)
        )
        silver = self.folder / "lake/silver"
        (silver / "customers").mkdir(parents=True)
        lines = [{"customer_id": f"c{i}", "customer_segment": f"s{i % 2}"} for i in range(5)] + [{}]
        (silver / "customers/1.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
        products = [{"product_id": f"p{i}", "category": None if i == 1 else f"k{i}"} for i in range(5)]
        self.csv("1.csv", products, ("product_id", "category"), silver / "products")
        joined = [
            {
                **r,
                "customer_segment": {f"c{i}": f"s{i % 2}" for i in range(5)}.get(r["customer_id"]),
                "category": products[int(r["product_id"][1:])]["category"],
            }
            for r in rows
        ]
        self.assert_exact(joined, self.run_job())
        self.csv("2.csv", products[:1], ("product_id", "category"), silver / "products")
        self.refused("two rows have the key 'p0'")

    def test_tables_are_joined_with_their_values_as_they_are(self):
        postgres = Postgres(self.folder / "postgres")
        self.addCleanup(postgres.stop)
        postgres.sql("create schema shop")
        postgres.sql('create table shop."Products" (product_id text, category text, price numeric)')
        postgres.sql("insert into shop.\"Products\" values ('p0', 'a\"\\b', 1.50), ('p1', null, null), (null, 'x', 1), (null, 'y', 2)")
        job = JOB + "    joins:\n      - { read: 'postgres://shop.Products', on: product_id }\n"
        absent = ("category",)
        rows = [order(i) for i in range(50)]
        (self.raw / "1.ndjson").write_bytes(
            b"\n".join(message({k: v for k, v in row.items() if k not in absent}) for row in rows)
        )
        (self.folder / "tidemark.yaml").write_text(configuration(job) + f"postgres: {{ url: '{postgres.url}' }}\n")
        category = {"p0": 'a"\\b'}
        self.assert_exact([{**row, "category": category.get(row["product_id"])} for row in rows], self.run_job())
        postgres.sql("insert into shop.\"Products\" values ('p0', 'again', 2)")
        self.refused("postgres://shop.Products", "two rows have the key 'p0'")
        postgres.sql('drop table shop."Products"')
        self.refused("postgres://shop.Products", expect=78)
        postgres.stop()
        self.refused("postgres://shop.Products", expect=69)

    def test_files_that_are_not_what_their_endings_say(self):
        self.csv("1.csv", [order(1)], columns=("order_id", "amount", "weight", "status"))
        self.refused("1.csv", '"timestamp"', "the event time")
        (self.raw / "1.csv").write_text("")
        self.refused("1.csv has no header line")
        (self.raw / "1.csv").write_text("order_id,order_id\n")
        self.refused("1.csv has two columns")
        self.csv("1.csv", [order(1)])
        with (self.raw / "1.csv").open("a") as file:
            file.write('o2,"c1')
        self.refused("1.csv ends within quotes")
        self.csv("1.csv", [order(1)])
        self.write("2.parquet", [order(2)])
        self.refused("1.csv", "2.parquet", "a folder has the one or the other")

    def test_a_declared_field_orders_versions(self):
        rows = [order(1, amount=Decimal(q), quantity=q) for q in (3, 9, 5)]
        self.csv("1.csv", rows)
        self.configure(job=JOB + "    version: quantity\n")
        self.run_job()
        self.assertEqual([row["total_revenue"] for row in self.rows().values()], [Decimal("9.00")])
        self.configure(job=JOB + "    version: updated_at\n")
        self.refused('"updated_at"', "declared field")


class Refusals(Lake):
    def setUp(self):
        super().setUp()
        self.write("1.parquet", [order(1)])
        self.run_job()

    def without(self, name):
        return NO_DOUBLES.remove(NO_DOUBLES.get_field_index(name))

    def of(self, name, kind):
        return NO_DOUBLES.set(NO_DOUBLES.get_field_index(name), pa.field(name, kind))

    def test_files_without_what_is_required(self):
        for name in ("order_id", "timestamp", "amount", "weight", "category", "status"):
            self.write("1.parquet", [order(1)], self.without(name))
            self.refused("daily_summary", "1.parquet", f'"{name}"')
        self.write("1.parquet", [order(1)])
        self.write("2.parquet", [order(2)], self.without("category"))
        self.refused("2.parquet", '"category"')

    def test_columns_of_another_kind(self):
        cases = (
            ("amount", pa.string(), "x"),
            ("amount", pa.bool_(), True),
            ("amount", pa.float32(), 1.5),
            ("order_id", pa.int64(), 1),
            ("category", pa.list_(pa.string()), ["x"]),
            ("quantity", pa.string(), "3"),
            ("timestamp", pa.int64(), 1742040000),
            ("status", pa.binary(), b"x"),
        )
        for name, kind, value in cases:
            self.write("1.parquet", [order(1, **{name: value})], self.of(name, kind))
            self.refused("1.parquet", f'"{name}" is of the type')

    def test_files_cut_short_or_no_parquet(self):
        whole = (self.raw / "1.parquet").read_bytes()
        for content in (whole[:-20], whole[: len(whole) // 2], b"", b"not parquet at all, but longer than twelve bytes"):
            (self.raw / "1.parquet").write_bytes(content)
            self.refused("1.parquet", "can't be read as Parquet")

    def test_folders_that_are_not_there_or_are_none(self):
        self.refused("there is no such folder", "date=2025-03-16", options=("--date", "2025-03-16"))
        shutil.rmtree(self.raw)
        self.raw.write_text("")
        self.refused("isn't a folder")

    def test_a_link_that_leads_nowhere(self):
        self.write("1.parquet", [order(1)])
        for name in ("2.parquet", "more"):
            (self.raw / name).symlink_to("/nowhere/at/all")
            self.refused(f"{name}: there is nothing where this link leads")
            (self.raw / name).unlink()
        self.write("there.parquet", [order(2)], folder=self.folder.path)
        (self.raw / "2.parquet").symlink_to(self.folder / "there.parquet")
        self.assertIn(f"processed 2 orders for {DAY}", self.run_job())

    def test_an_empty_day_is_written_only_where_that_is_allowed(self):
        self.write("1.parquet", [order(1, status="cancelled")])
        self.refused("no order", "allow_empty: true")
        (self.raw / "1.parquet").unlink()
        self.refused("no files that end in")
        self.configure(job=JOB + "    allow_empty: true\n")
        self.assertIn(f"processed 0 orders for {DAY}", self.run_job())
        self.assertEqual(self.rows(), {})
        self.assertEqual(self.manifest()["rows"], 0)

    def test_a_day_without_a_folder_is_empty_where_that_is_allowed(self):
        self.configure(job=JOB + "    allow_empty: true\n")
        shutil.rmtree(self.raw)
        self.assertIn(f"processed 0 orders for {DAY}", self.run_job())
        self.assertEqual(self.rows(), {})
        self.assertEqual(self.manifest()["rows"], 0)
        self.write("1.parquet", [order(1)])  # they come late
        self.assertIn(f"processed 1 orders for {DAY}", self.run_job())
        shutil.rmtree(self.raw.parent)
        self.refused("there is no such folder", str(self.raw.relative_to(self.folder.path)))

    def test_days_that_are_none_or_backward_are_usage_errors(self):
        for options, words in (
            (("--date", "2025-02-30"), "--date is a date"),
            (("--date", "today"), "--date is a date"),
            (("--from", "2025-03-16", "--to", "2025-03-15"), "is after"),
            (("--from", "2025-03-16"), "go together"),
            (("--date", DAY, "--from", DAY, "--to", DAY), "either"),
        ):
            self.refused(words, expect=64, options=options)

    def test_without_its_library_the_job_says_what_to_install(self):
        missing = configuration() + "batch: { duckdb: /nowhere/libduckdb.so }\n"
        (self.folder / "tidemark.yaml").write_text(missing)
        self.refused("batch.duckdb", "deploy/install-duckdb", expect=78)

    def test_a_full_disk_is_told_the_old_day_stays_and_with_room_the_job_ends_well(self):
        self.write("1.parquet", [order(i, category=f"k{i}") for i in range(60)])
        self.configure(job=JOB + "    partition_by: [category]\n")
        self.gold.mkdir(parents=True, exist_ok=True)
        old = [str(path.relative_to(self.folder.path)) for path in self.gold.iterdir()]
        lake = self.folder / "lake/gold"
        job = f"{BIN}/tidemark-batch run daily_summary --date {DAY}; echo $?"
        files = "find lake/gold -mindepth 1 ! -name daily_summary -print"
        again = "mount -o remount,size=2m lake/gold"
        ran = on_small_disk(lake, "64k", f"{job}; {files}; {again}; {job}; find {self.gold} -name 'part-*' | wc -l",
                            cwd=self.folder.path)  # fmt: skip
        day = f"lake/gold/daily_summary/date={DAY}"
        done = f"processed 60 orders for {DAY}"
        lines = ran.stdout.splitlines()
        found = (lines[0], sorted(lines[1:-3]), lines[-3:])
        self.assertEqual(found, ("69", sorted([day, *old]), [done, "0", "60"]), ran.stderr)
        self.assertIn(f"the disk of {day} is full: free some of it and run the job again: ", ran.stderr)
        self.assertIn("No space left on device", ran.stderr)

    def test_a_value_that_is_no_name_of_a_folder(self):
        self.write("1.parquet", [order(1, category="x" * 300)])
        self.configure(job=JOB + "    partition_by: [category]\n")
        self.refused('"category" is too long')

    def test_paths_and_names_with_everything_in_them(self):
        strange = "it's [a] *b* \"c\" ?"
        source = self.folder / f"lake/{strange}/date={DAY}"
        self.write("q'1.parquet", [order(1)], folder=source)
        self.write("q.parquet", [order(2)], folder=self.folder / f"lake/it's a xbx \"c\" y/date={DAY}")
        quoted = strange.replace("'", "''")
        self.configure(job=JOB.replace("lake/raw/orders", f"'lake/{quoted}").replace("date={date}/\n    write", "date={date}/'\n    write"))
        self.assertIn(f"processed 1 orders for {DAY}", self.run_job())

    def test_several_days_go_on_after_one_whose_data_is_wrong(self):
        for day in ("2025-03-17", "2025-03-18"):
            self.write("1.parquet", [order(1)], folder=self.raw.parent / f"date={day}")
        ran = subprocess.run(
            [BIN / "tidemark-batch", "run", "daily_summary", "--from", "2025-03-16", "--to", "2025-03-18"],
            cwd=self.gold.parents[3],
            capture_output=True,
            text=True,
        )
        self.assertEqual(ran.returncode, 65, ran.stderr)
        self.assertEqual(ran.stdout, "processed 1 orders for 2025-03-17\nprocessed 1 orders for 2025-03-18\n")


class Replacing(Lake):
    POINTS = ("before_files", "before_manifest", "before_exchange", "after_exchange", "after_retire")

    def day(self, number):
        """Rows of which each says which version of the day it is of."""
        return [order(i, customer_segment=f"s{number}", category=f"k{i % 5}") for i in range(50)]

    def seen(self):
        """The versions in the day as a reader finds it, or None where a file that it has listed is gone."""
        try:
            files = [path for path in sorted(self.gold.rglob("*.parquet"))]
            versions = [row["customer_segment"] for f in files for row in pq.ParquetFile(f).read().to_pylist()]
            return (len(versions), set(versions))
        except OSError:
            return None

    def test_killed_anywhere_it_leaves_the_old_day_or_the_new_one_and_the_next_run_finishes(self):
        self.configure(job=JOB + "    partition_by: [category]\n")
        self.write("1.parquet", self.day(0))
        self.run_job()
        seen, ends = [], threading.Event()

        def read():
            while not ends.is_set():
                seen.append(self.seen())

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for number, point in enumerate(self.POINTS, 1):
                self.write("1.parquet", self.day(number))
                self.run_job(crash_at=point, expect=-9)
                old = point in ("before_files", "before_manifest", "before_exchange")
                self.assertEqual(self.seen(), (5, {f"s{number - 1 if old else number}"}), point)
                self.run_job()
                self.assertEqual(self.seen(), (5, {f"s{number}"}), point)
                self.assertTrue(self.settled(), point)
        finally:
            ends.set()
            reader.join()
        whole = [(5, {f"s{number}"}) for number in range(len(self.POINTS) + 1)]
        self.assertEqual([s for s in seen if s is not None and s not in whole], [])

    def test_a_first_run_that_is_killed_leaves_nothing_or_all(self):
        self.write("1.parquet", self.day(1))
        for point in self.POINTS[:4]:
            shutil.rmtree(self.gold.parents[1], ignore_errors=True)
            self.run_job(crash_at=point, expect=-9)
            self.assertEqual(self.gold.exists(), point == "after_exchange", point)
            self.run_job()
            self.assertEqual(self.manifest()["orders"], 50)
            self.assertTrue(self.settled())

    def test_nothing_of_others_beside_it_is_touched(self):
        beside = self.gold.parent / ".tidemark"
        other = beside / "date=2025-03-14.notes"
        other.mkdir(parents=True)
        (other / "kept").write_text("kept")
        self.write("1.parquet", self.day(1))
        self.run_job()
        self.run_job()
        self.assertEqual((other / "kept").read_text(), "kept")

    def test_a_second_run_of_a_day_is_told_to_try_again(self):
        self.write("1.parquet", self.day(1))
        work = self.gold.parent / f".tidemark/date={DAY}.20250316T020000Z-0123abcd"
        work.mkdir(parents=True)
        with subprocess.Popen(["flock", "--exclusive", work, "sh", "-c", "echo; read x"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as holder:  # fmt: skip
            holder.stdout.readline()
            self.assertIn("another run", self.run_job(expect=75))
            holder.stdin.close()
        self.run_job()
        self.assertFalse(work.exists())


class Scheduled(Lake):
    def test_the_schedule_summarises_the_day_before_that_on_which_it_is_due(self):
        postgres = Postgres(self.folder / "postgres")
        self.addCleanup(postgres.stop)
        today = datetime.now(timezone.utc).date()
        days = [(today - timedelta(days=1)).isoformat(), today.isoformat()]  # it may be midnight
        for day in days:
            self.write("1.parquet", [order(1)], folder=self.raw.parent / f"date={day}")
        jobs = '    schedule: "* * * * *"\n' + JOB + "  by_hand: {}\n"
        (self.folder / "tidemark.yaml").write_text(configuration(jobs) + f"postgres: {{ url: '{postgres.url}' }}\n")
        schedule = Child("schedule", [BIN / "tidemark-batch", "schedule"], self.folder / "schedule.log")
        self.addCleanup(schedule.stop)
        made = lambda: list(self.gold.parent.glob("date=*/_tidemark.json"))  # noqa: E731
        found = wait_until(made, PATIENCE, "the job has run", children=[schedule])
        self.assertIn(found[0].parent.name, [f"date={day}" for day in days])


class Example(unittest.TestCase):
    """docs/examples/daily-summary.yaml as it stands."""

    def test_it_runs_on_a_lake_of_that_shape(self):
        folder = Folder("example")
        self.addCleanup(folder.remove)
        yesterday = (datetime.now(timezone.utc).date() - timedelta(days=1)).isoformat()
        at = datetime.fromisoformat(yesterday + "T10:00:00+00:00")
        lake = Path(folder / "lake")
        tables = {
            f"raw/orders/date={yesterday}": [
                {"order_id": "o1", "customer_id": "c1", "product_id": "p1", "amount": Decimal("10.00"), "status": "paid", "timestamp": at},
                {"order_id": "o1", "customer_id": "c1", "product_id": "p1", "amount": Decimal("12.50"), "status": "paid", "timestamp": at},
                {"order_id": "o2", "customer_id": "c2", "product_id": "p2", "amount": Decimal("7.01"), "status": "cancelled", "timestamp": at},
                {"order_id": "o3", "customer_id": "c9", "product_id": "p2", "amount": Decimal("2.00"), "status": "paid", "timestamp": at},
            ],
            "silver/customers": [{"customer_id": "c1", "customer_segment": "retail"}],
            "silver/products": [{"product_id": "p1", "category": "books"}, {"product_id": "p2", "category": "toys"}],
        }
        for name, rows in tables.items():
            (lake / name).mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist(rows), lake / name / "part-0.parquet")
        ran = subprocess.run(
            [BIN / "tidemark-batch", "--config", ROOT / "docs/examples/daily-summary.yaml", "run", "daily_summary"],
            cwd=lake.parent,
            capture_output=True,
            text=True,
        )
        self.assertEqual((ran.returncode, ran.stdout), (0, f"processed 2 orders for {yesterday}\n"), ran.stderr)
        gold = lake / f"gold/daily_summary/date={yesterday}"
        found = {
            p.name: pq.ParquetFile(next(p.glob("*.parquet"))).read().to_pylist() for p in gold.iterdir() if p.is_dir()
        }
        self.assertEqual(set(found), {"category=books", "category=toys"})
        self.assertEqual(found["category=books"][0]["total_revenue"], Decimal("12.50"))
        self.assertEqual(found["category=toys"][0]["customer_segment"], None)
        self.assertEqual(found["category=toys"][0]["unique_customers"], 1)


if __name__ == "__main__":
    unittest.main()
