# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of jobs over files that tests/bench/batch starts; see there."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from measure import Measured, comparison, in_turns, machine, table  # noqa: E402
from peers import PYTHON, SUBMIT, VERSIONS  # noqa: E402
from report import write  # noqa: E402

from support.kafka import Kafka  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.process import CACHE, free_port  # noqa: E402
from support.tidemark import BIN, SUMMARY, Folder, Platform, source, view  # noqa: E402

HERE = Path(__file__).resolve().parent
DAY, FEW, PARTITIONS = "2025-03-15", 1000, 4
OURS = "tidemark-batch"


def lake(orders, form):
    """A folder of so many orders, of Parquet also of what they are joined with; made once."""
    folder = CACHE / "bench-lake" / f"{orders}-{form}"
    if not folder.exists():
        made = folder.with_suffix(".made")
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run([PYTHON, HERE / "peers/make_lake.py", str(orders), form, made], check=True)
        made.rename(folder)
    return folder


class SummaryBench:
    """One day's files to one summary, by each that can: of Parquet with two joins, of NDJSON without."""

    def __init__(self, folder, form, orders, rounds):
        self.folder, self.form, self.orders, self.rounds, self.runs = folder, form, orders, rounds, 0

    def run(self, only):
        ways = {
            OURS: self.ours,
            f"DuckDB {VERSIONS['DuckDB']}": self.peer(PYTHON, "summary_duckdb.py"),
            f"Polars {VERSIONS['Polars']}": self.peer(PYTHON, "summary_polars.py"),
            f"Spark {VERSIONS['Spark']}": self.peer(SUBMIT, "summary_spark.py", "--driver-memory", "4g"),
        }
        if self.form == "ndjson":  # which Polars reads without decimals
            del ways[f"Polars {VERSIONS['Polars']}"]
        ways = {name: way for name, way in ways.items() if not only or name.split()[0] in (OURS, *only)}
        few, everything = ((lake(count, self.form), count) for count in (FEW, self.orders))
        rounds = in_turns(ways, few, everything, self.rounds, self.same_rows)
        ours = {OURS: rounds[OURS]}
        theirs = {name: each for name, each in rounds.items() if name not in ours}
        head = f"{self.orders:,} orders; {self.rounds} rounds in turn, median (least to most); {machine()}\n"
        return "\n".join([head, table(rounds), "", comparison(ours, theirs)])

    def result(self):
        """A place that no run has written."""
        self.runs += 1
        return self.folder / f"result-{self.runs}"

    def ours(self, files, _):
        result = self.result()
        summary = {
            "summarise": "daily_summary",
            "read": f"{files}/raw/orders/date={{date}}/",
            "write": f"{result}/date={{date}}/",
        }
        if self.form == "parquet":
            joined = ((f"{files}/silver/{name}s/", f"{name}_id") for name in ("customer", "product"))
            summary["joins"] = [{"read": folder, "on": key} for folder, key in joined]
        job = Platform(
            result, "127.0.0.1:1", "redis://127.0.0.1:1", f"postgresql://127.0.0.1:{free_port()}/none",
            {"orders": source("orders")},
            {"daily_summary": view("orders", measures=SUMMARY, dimensions=["category", "customer_segment"])},
            jobs={"daily_summary": summary},
        )  # fmt: skip
        command = [BIN / "tidemark-batch", "run", "daily_summary", "--date", DAY, "--config", job.path]
        return Measured(command, result / "log", env=job.environment()), summarised(result / f"date={DAY}")

    def peer(self, program, script, *options):
        def run(files, _):
            result = self.result()
            log = result.with_suffix(".log")
            arguments = [HERE / "peers" / script, self.form, files, result]
            env = {**os.environ, "PYSPARK_PYTHON": str(PYTHON)}
            return Measured([program, *options, *arguments], log, env=env), summarised(result)

        return run

    @staticmethod
    def same_rows(results):
        """What one of them has otherwise than ours is an error. Polars divides no decimals: it has no average."""
        for name, rows in results.items():
            if rows.keys() != results[OURS].keys():
                raise RuntimeError(f"{name} has {len(rows)} rows, ours are {len(results[OURS])}")
            for key, row in rows.items():
                expected = {measure: results[OURS][key][measure] for measure in row}
                if row != expected or not row:
                    raise RuntimeError(f"{name}, {key}: {row}, and ours is {expected}")


def summarised(path):
    """{(category, segment): {measure: value}} of a file, or of the files of a folder."""
    files = [path] if path.is_file() else path.rglob("*.parquet")
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return {(row.pop("category"), row.pop("customer_segment")): row for row in rows}


class ArchiveBench:
    """The messages of a source, all of whose days are archived, beside DuckDB's COPY of the same."""

    def __init__(self, folder, orders, rounds):
        self.folder, self.rounds, self.runs = folder, rounds, 0
        self.kafka = Kafka(folder / "kafka", heap="1g")
        self.postgres = Postgres(folder / "postgres", options=["max_wal_size=4GB"])
        self.orders = orders
        self.platforms = [self.published(count) for count in (FEW, orders)]

    def stop(self):
        for server in (self.kafka, self.postgres):
            server.stop()

    def published(self, orders):
        """The orders of a topic, in a database of their own."""
        name = f"archived_{orders}"
        self.kafka.create(name, PARTITIONS)
        command = [BIN / "bench_generate", self.kafka.brokers, name, str(orders)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.postgres.sql(f"create database {name}", database="postgres")
        folder = self.folder / name
        job = Platform(
            folder, self.kafka.brokers, "redis://127.0.0.1:1", f"{self.postgres.url.rpartition('/')[0]}/{name}",
            {"orders": {**source(name), "speed": "none"}}, {"daily_revenue": view("orders")},
            jobs={"archive_orders": {"archive": "orders", "write": f"{folder}/raw/date={{date}}/"}},
        )  # fmt: skip
        del job.config["redis"], job.config["speed"]
        job.write()
        job.batch()
        return job

    def run(self):
        ways = {OURS: self.ours, f"DuckDB {VERSIONS['DuckDB']}": self.theirs}
        few, everything = zip(self.platforms, (FEW, self.orders), strict=True)
        rounds = in_turns(ways, few, everything, self.rounds, self.same_rows)
        ours = {OURS: rounds.pop(OURS)}
        head = f"{self.orders:,} orders; {self.rounds} rounds in turn, median (least to most); {machine()}\n"
        return "\n".join([head, table({**ours, **rounds}), "", comparison(ours, rounds)])

    def measured(self, command, log, env=None):
        return Measured(command, log, servers=[("PostgreSQL", self.postgres.child)], env=env)

    def days(self, job):
        said = self.postgres.sql("select distinct date from raw.orders order by date", database=job.folder.name)
        return said.split()

    def ours(self, job, _):
        days = self.days(job)
        command = [BIN / "tidemark-batch", "run", "archive_orders", "--from", days[0], "--to", days[-1]]
        measured = self.measured([*command, "--config", job.path], job.folder / "archive.log", job.environment())
        return measured, archived(job.folder / "raw")

    def theirs(self, job, _):
        self.runs += 1
        result = job.folder / f"result-{self.runs}"
        result.mkdir()
        command = [PYTHON, HERE / "peers/archive_duckdb.py", job.config["postgres"]["url"], result, *self.days(job)]
        return self.measured(command, result.with_suffix(".log")), archived(result)

    @staticmethod
    def same_rows(results):
        theirs, ours = (results[name] for name in sorted(results))
        if not ours or not theirs.equals(ours.select(theirs.column_names).cast(theirs.schema)):
            raise RuntimeError("the files of DuckDB have other rows than ours")


def archived(folder):
    """All files of a folder, day by day, as one table; but for those that were replaced."""
    tables = [pq.ParquetFile(file).read() for file in sorted(folder.rglob("*.parquet")) if ".tidemark" not in file.parts]
    return pa.concat_tables(tables)


def main(arguments):
    parser = argparse.ArgumentParser(prog="tests/bench/batch")
    short = "--short" in arguments
    parser.add_argument("parts", nargs="*", metavar="PART", help="summary, ndjson, archive")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--orders", type=int, default=20_000 if short else 5_000_000)
    parser.add_argument("--archived", type=int, default=20_000 if short else 1_000_000)
    parser.add_argument("--rounds", type=int, default=1 if short else 3)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    parts = {"summary": summary, "ndjson": ndjson, "archive": archive}
    unknown = [part for part in options.parts if part not in parts]
    if unknown:
        parser.error(f"no part of it: {', '.join(unknown)}")
    for part in options.parts or parts:
        print(f"## {part}\n", flush=True)
        folder = Folder("bench")
        try:
            text = parts[part](folder, options)
        finally:
            folder.remove()
        print(text + "\n", flush=True)
        if options.write:
            write(part, text, "batch")


def summary(folder, options):
    return SummaryBench(folder, "parquet", options.orders, options.rounds).run(options.only)


def ndjson(folder, options):
    return SummaryBench(folder, "ndjson", options.orders, options.rounds).run(options.only)


def archive(folder, options):
    bench = ArchiveBench(folder, options.archived, options.rounds)
    try:
        return bench.run()
    finally:
        bench.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
