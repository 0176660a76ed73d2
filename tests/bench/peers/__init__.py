# SPDX-License-Identifier: Apache-2.0
"""What a user would pick instead, installed and run as its own manual says, beside ours."""

import subprocess
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
STREAMS = "3.9.1"
STREAMS_ARTIFACTS = [f"org.apache.kafka:kafka-streams:{STREAMS}", "org.slf4j:slf4j-simple:1.7.36"]
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
