# SPDX-License-Identifier: Apache-2.0
"""What a user would pick instead, installed and run as its own manual says, beside ours."""

import csv
import subprocess
from decimal import Decimal
from pathlib import Path

from support import maven
from support.process import CACHE

HERE = Path(__file__).resolve().parent
FLINK = "1.20.3"
FLINK_ARTIFACTS = [
    *(
        f"org.apache.flink:flink-{part}:{FLINK}"
        for part in (
            "clients",
            "connector-base",
            "json",
            "table-api-java-bridge",
            "table-planner-loader",
            "table-runtime",
        )
    ),
    "org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19",
    "org.slf4j:slf4j-simple:1.7.36",
]
PYTHON, SUBMIT = (CACHE / "bench-venv/bin" / program for program in ("python", "spark-submit"))  # see prepare-peers
STREAMS = "3.9.1"
STREAMS_ARTIFACTS = [f"org.apache.kafka:kafka-streams:{STREAMS}", "org.slf4j:slf4j-simple:1.7.36"]
PACKAGES = dict(line.split("==") for line in (HERE.parent / "requirements").read_text().split())
VERSIONS = {
    "DuckDB": PACKAGES["duckdb-extension-postgres-scanner"],
    "Pathway": PACKAGES["pathway"],
    "Polars": PACKAGES["polars"],
    "Spark": PACKAGES["pyspark"],
}
# What Flink's own configuration gives Java 17.
OPENED = ("lang", "lang.reflect", "net", "io", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic")


def compiled(program, libraries):
    """The class path of a Java program that stands here."""
    classes = CACHE / "bench-classes"
    classes.mkdir(exist_ok=True)
    source, made = HERE / f"{program}.java", classes / f"{program}.class"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["javac", "-nowarn", "-cp", f"{libraries}/*", "-d", classes, source], check=True)
    return f"{classes}:{libraries}/*"


def installed():
    """Sees that what comes from PyPI is there."""
    subprocess.run([HERE.parent / "prepare-peers"], check=True)


def java(heap, classes, *arguments, options=()):
    quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.awt.headless=true"]
    return ["java", f"-Xmx{heap}", *quiet, *options, "-cp", classes, *arguments]


class FlinkSql:
    """`heap`: more than what it keeps, so that it doesn't collect all the time."""

    name = f"Flink SQL {FLINK}"

    def __init__(self, folder, heap="2g"):
        self.folder, self.heap = folder, heap
        libraries = maven.jars(f"flink-{FLINK}", FLINK_ARTIFACTS, HERE / "flink.sha256")
        self.classes = compiled("FlinkSql", libraries)
        self.runs = 0

    def job(self, script, **names):
        """The command that runs a file of SQL that stands here, with these names in braces replaced."""
        self.runs += 1
        text = (HERE / script).read_text()
        for name, value in names.items():
            text = text.replace("{" + name + "}", str(value))
        path = self.folder / f"{self.runs}-{script}"
        path.write_text(text)
        opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED]
        return java(self.heap, self.classes, "FlinkSql", path, options=opened)


class KafkaStreams:
    name = f"Kafka Streams {STREAMS}"

    def __init__(self, folder, heap="2g"):
        self.folder, self.heap = folder, heap
        libraries = maven.jars(f"kafka-streams-{STREAMS}", STREAMS_ARTIFACTS, HERE / "kafka-streams.sha256")
        self.classes = compiled("MinuteRevenue", libraries)

    def job(self, brokers, topic, revenue, messages):
        """The command that reads so many messages of a topic; the other one is its group too."""
        state = self.folder / f"{revenue}-state"
        return java(self.heap, self.classes, "MinuteRevenue", brokers, topic, revenue, messages, state)


class Spark:
    """Structured Streaming in one process, with two threads and, of the sums, two partitions."""

    name = f"Spark Structured Streaming {VERSIONS['Spark']}"

    def __init__(self, folder, heap="2g"):
        installed()
        self.folder, self.heap = folder, heap
        connector = f"org.apache.spark:spark-sql-kafka-0-10_2.12:{VERSIONS['Spark']}"
        name = f"spark-kafka-{VERSIONS['Spark']}"
        self.jars = ",".join(map(str, maven.jars(name, [connector], HERE / "spark-kafka.sha256").iterdir()))

    def job(self, brokers, topic, rows, minutes, where="true", at_once=1 << 62):
        """The command that writes rows of windows of so many minutes, in micro-batches of so many orders."""
        options = ["--master", "local[2]", "--driver-memory", self.heap, "--conf", "spark.sql.shuffle.partitions=2"]
        checkpoint = self.folder / f"{rows.name}-checkpoint"
        arguments = [brokers, topic, minutes, where, at_once, checkpoint, rows]
        python = [f"{name}={PYTHON}" for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON")]
        return ["env", *python, SUBMIT, *options, "--jars", self.jars, HERE / "revenue_spark.py", *arguments]

    @staticmethod
    def rows(path):
        """{a window's start: (orders, revenue)} that a job has written."""
        lines = (line.split() for line in path.read_text().splitlines())
        return {int(start): (int(orders), Decimal(revenue)) for start, orders, revenue in lines}


class Pathway:
    name = f"Pathway {VERSIONS['Pathway']}"

    def __init__(self):
        installed()

    @staticmethod
    def job(brokers, topic, rows):
        """The command that writes rows by minute, with two workers."""
        return ["env", "PATHWAY_THREADS=2", PYTHON, HERE / "revenue_pathway.py", brokers, topic, rows]

    @staticmethod
    def rows(path):
        """{minute: (orders, revenue)} that a job has written: what was added less what was replaced."""
        sums = {}
        with open(path) as lines:
            for row in csv.DictReader(lines):
                orders, cents = sums.get(row["minute"], (0, 0))
                diff = int(row["diff"])
                sums[row["minute"]] = (orders + diff * int(row["order_count"]), cents + diff * int(row["cents"]))
        return {minute: (orders, Decimal(cents).scaleb(-2)) for minute, (orders, cents) in sums.items()}
