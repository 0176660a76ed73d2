# SPDX-License-Identifier: Apache-2.0
"""The benchmark that tests/bench/micro-batch starts; see there."""

import os
import random
import sys
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.kafka import Kafka, Writer  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.process import ROOT  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.tidemark import BIN, Folder  # noqa: E402

from measure import Measured, machine  # noqa: E402
from peers import Spark  # noqa: E402

EXAMPLE = ROOT / "docs" / "examples" / "micro-batch.yaml"
TOPIC, PARTITIONS, MICRO_BATCHES = "orders", 4, 10
START, SECONDS, LATE = 1_767_225_600, 4 * 3600, 8 * 60  # 2026-01-01; a fifth is late by up to eight of the ten minutes


def fill(kafka, count):
    """Sends orders; the sums of each five minutes, as they must come out: {start: (orders, revenue)}."""
    kafka.create(TOPIC, PARTITIONS)
    chance, writer, sums = random.Random(7), Writer(kafka.brokers), defaultdict(lambda: [0, 0])
    for number in range(count):
        late = chance.randrange(LATE) if chance.random() < 0.2 else 0
        second, cents = max(START, START + number * SECONDS // count - late), chance.randrange(1, 100_000)
        at = datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        order = f'{{"order_id": "o{number}", "customer_id": "c{number % 977}", "amount": {cents // 100}.{cents % 100:02}, "timestamp": "{at}"}}'
        writer.send(TOPIC, f"o{number}".encode(), order.encode(), partition=number % PARTITIONS)
        sums[second // 300 * 300][0] += 1
        sums[second // 300 * 300][1] += cents
    writer.flush()
    return {start: (orders, Decimal(cents).scaleb(-2)) for start, (orders, cents) in sums.items()}


def ours(folder, kafka, redis, postgres):
    """The runs of the speed layer and of the emitter, and the rows that were printed."""
    stores = {"KAFKA_BROKERS": kafka.brokers, "REDIS_URL": redis.url, "POSTGRES_URL": postgres.url}
    env = {**os.environ, **stores, "RUNTIME_DIRECTORY": str(folder.path)}
    servers = [("Redis", redis.child), ("PostgreSQL", postgres.child)]
    common = ("--config", EXAMPLE)
    speed = Measured([BIN / "tidemark-speed", "run", "--until-end", *common], folder / "speed.log", servers, env)
    emit = Measured([BIN / "tidemark-serving", "emit", "--once", *common], folder / "emit.log", servers, env)
    rows = {}
    for line in (folder / "emit.log").read_text().splitlines():
        columns = line.split()
        if len(columns) == 5 and columns[0].startswith("2026-01-01T"):
            rows[int(datetime.fromisoformat(columns[0]).timestamp())] = (int(columns[2]), Decimal(columns[3]))
    return (speed, emit), rows


def spark(folder, kafka, count):
    peer, rows = Spark(folder.path), folder / "rows"
    command = peer.job(kafka.brokers, TOPIC, rows, minutes=5, at_once=max(count // MICRO_BATCHES, 1))
    return (Measured(command, folder / "spark.log"),), peer.rows(rows)


def line(name, runs, count):
    seconds, cpu = sum(run.seconds for run in runs), sum(run.cpu for run in runs)
    peak = max(run.megabytes for run in runs)
    return f"| {name} | {count / seconds:,.0f} | {cpu * 1e9 / count:,.0f} | {seconds:.1f} | {peak:.0f} |"


def compare(expected, found):
    """Each must have the rows of the other to the digit, written out alike."""
    for name, rows in found.items():
        different = sorted(start for start in expected.keys() | rows.keys() if expected.get(start) != rows.get(start))
        if different or {str(total) for _, total in rows.values()} != {str(total) for _, total in expected.values()}:
            sys.exit(f"{name}: rows of {different[:5]} differ: {[(expected.get(s), rows.get(s)) for s in different[:5]]}")


def main():
    count = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    folder = Folder("bench")
    servers = []
    try:
        servers += [kafka := Kafka(folder / "kafka", heap="1g")]
        servers += [redis := Redis(folder / "redis"), postgres := Postgres(folder / "postgres")]
        expected = fill(kafka, count)
        our_runs, our_rows = ours(folder, kafka, redis, postgres)
        their_runs, their_rows = spark(folder, kafka, count)
        compare(expected, {"Tidemark": our_rows, "Spark": their_rows})
        print(f"{count:,} orders, {PARTITIONS} partitions, {len(expected)} rows, equal to the digit; {machine()}\n")
        print("| | orders/s, whole process | CPU an order, ns | seconds | peak memory, MB |\n|---|---:|---:|---:|---:|")
        print(line("tidemark-speed, then emit --once", our_runs, count))
        print(line(f"{Spark.name}, two cores, {MICRO_BATCHES} micro-batches", their_runs, count))
    finally:
        for server in servers:
            server.stop()
        folder.remove()


if __name__ == "__main__":
    main()
