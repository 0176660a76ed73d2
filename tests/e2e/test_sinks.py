# SPDX-License-Identifier: Apache-2.0
"""What views emit: each sink is the view at the offsets that it states, whatever happens to stores and emitters."""

import csv
import itertools
import json
import os
import signal
import unittest

from support.kafka import Writer
from support.process import ROOT, wait_until
from support.sinks import read_hash, read_table, read_topic
from support.tidemark import Platform, differences, view

from .servers import EndToEnd, month

_copies = itertools.count(1)
VIEWS = {
    "daily_revenue": view("orders"),
    "by_category": view("orders", window="tumbling 1 hour", dimensions=["category"]),
}


class ExampleFile(Platform):
    """The programs with docs/examples/micro-batch.yaml."""

    path = ROOT / "docs" / "examples" / "micro-batch.yaml"

    def __init__(self, folder):
        super().__init__(folder, None, None, None, {}, {})

    def write(self):
        pass  # the file stays as it is


class Sinks(EndToEnd):
    def begin(self, sinks, partitions=2, **options):
        """A speed layer that reads, and views that are emitted: {view: [sinks]}."""
        self.servers(**options)
        self.simple_platform(self.topic(partitions))
        self.job.config["views"] = {name: {**VIEWS[name], "emit": entries} for name, entries in sinks.items()}
        self.job.write()
        self.job.speed()

    def serve(self, count, first=0):
        """Sends orders; what is answered then is the expected copy."""
        self.send(month(first, count))
        self.assert_all_served()

    def test_the_console_shows_what_changed(self):
        self.begin({"by_category": [{"to": "console", "every": "50 ms"}]})
        self.job.serving(ready=True)
        self.serve(300)
        printed = self.job.emit_once().log.read_text()
        answer = self.job.view("by_category", format="csv")
        expected = [list(map(str, row)) for row in csv.reader(answer.body.decode().splitlines())]
        heading, *table = printed[printed.index("-- by_category") :].strip().split("\n")
        self.assertRegex(heading, rf"^-- by_category, micro-batch 1, .*, complete, {len(expected) - 1} rows?$")
        self.assertGreater(len(expected), 3)
        self.assertEqual([line.split() for line in table[: len(expected)]], expected)
        self.assertEqual(len({line.index(".") for line in table[1 : len(expected)]}), 1, "points stand one below the other")

    def test_the_example_runs_as_it_stands(self):
        self.servers()
        self.kafka.create("orders", 2)
        writer = Writer(self.kafka.brokers)
        for number, (minute, amount) in enumerate([(0, "10.00"), (4, "2.50"), (5, "1.01"), (0, "10.00"), (15, "3.00"), (16, "4.00")]):
            order = {"order_id": f"o{number % 3 if number < 4 else number}", "customer_id": "c1", "amount": float(amount)}
            order["timestamp"] = f"2026-01-01T12:{minute:02}:00Z"
            writer.send("orders", order["order_id"].encode(), json.dumps(order).encode(), partition=number % 2 if number > 3 else number % 3 % 2)
        writer.flush()
        job = ExampleFile(self.folder / "example")
        self.addCleanup(job.kill)
        stores = {"KAFKA_BROKERS": self.kafka.brokers, "REDIS_URL": self.redis.url, "POSTGRES_URL": self.postgres.url}
        job.env = {**os.environ, **stores}
        job.speed()
        wanted = [
            ["2026-01-01T12:00:00+00:00", "2026-01-01T12:05:00+00:00", "2", "12.50", "true"],
            ["2026-01-01T12:05:00+00:00", "2026-01-01T12:10:00+00:00", "1", "1.01", "false"],
            ["2026-01-01T12:15:00+00:00", "2026-01-01T12:20:00+00:00", "2", "7.00", "false"],
        ]

        def shown():
            lines = [line.split() for line in job.emit_once().log.read_text().splitlines()]
            return [line for line in lines if line and line[0].startswith("2026-01-01T12")] == wanted

        wait_until(shown, 120, "the rows are shown")
        self.assertIn(", watermark 2026-01-01T12:05:00.000Z, complete", job.emit_once().log.read_text())
        emitter = job.emit()
        wait_until(lambda: "12.50  true" in emitter.log.read_text(), 60, "the first at once", children=[emitter])
        self.assertEqual(emitter.stop(), 0)

    # --- copies ---

    def places(self):
        """{sink: a function that reads it}"""
        return {
            "hash": lambda: read_hash(self.redis, "live:by_category"),
            "table": lambda: read_table(self.postgres, "analytics.by_category"),
            "topic": lambda: self.copy in self.kafka.topics() and read_topic(self.reader, self.copy) or None,
        }

    def begin_copies(self):
        self.copy = f"copy-{next(_copies)}"
        entries = ["redis://live/by_category", "postgres://analytics.by_category", f"kafka://{self.copy}"]
        self.begin({"by_category": [{"to": to, "every": "20 ms"} for to in entries]})
        self.definition = self.job.oracle_view("by_category")
        self.stated, self.copies = {}, {}

    def check_copies(self):
        """Each sink is the view at the offsets that it states, and these don't go back."""
        self.reader.into(self.log, self.name)
        for name, read in self.places().items():
            held = read()
            if not held:
                continue
            difference = differences(self.log.rows(self.definition, held.offsets), held.rows(self.definition))
            self.assertFalse(difference, f"{name} at {held.offsets}: {difference}")
            for partition, offset in self.stated.get(name, {}).items():
                self.assertGreaterEqual(held.offsets[partition], offset, f"{name} went back")
            self.stated[name], self.copies[name] = held.offsets, held.rows(self.definition)

    def wait_for_copies(self):
        """Until each sink is the view at the log's end."""
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items() if end}

        def reached():
            self.check_copies()
            expected = self.log.rows(self.definition, ends)
            return all(self.copies.get(name) == expected for name in self.places())

        wait_until(reached, 120, f"sinks reach {ends}", children=[c for c in self.job.children if c.running()])

    def test_sinks_are_the_view_at_their_offsets_whatever_dies_or_is_emptied(self):
        self.begin_copies()
        emitter = self.job.emit()
        self.send(month(0, 100))
        self.wait_for_copies()
        self.postgres.sql(
            "create function analytics.refuse() returns trigger language plpgsql as "
            "$$ begin raise 'a row is written twice alike: %', new; end $$;"
            "create trigger once before update on analytics.by_category for each row "
            "when (old.* is not distinct from new.*) execute function analytics.refuse()"
        )
        for number, fault in enumerate(("in_emit", "batch", "after_emit", "flushall", "postgres", "kafka", "kill")):
            if fault == "batch":
                self.job.batch()
            elif fault == "flushall":
                self.redis.command("flushall")
                self.stated.pop("hash", None)
            elif fault == "postgres":
                self.postgres.stop()
            elif fault == "kill":
                emitter.kill()
            elif fault.endswith("_emit"):
                emitter.stop()
                emitter = self.job.emit(crash_at=fault)
            self.send(month(100 + 100 * number, 100))
            if fault.endswith("_emit"):
                wait_until(lambda: not emitter.running(), 60, f"it dies at {fault}")
            elif fault == "postgres":
                wait_until(lambda: "is tried again" in emitter.tail(), 60, "it says so", children=[emitter])
                self.postgres.start()
            elif fault == "kafka":
                self.kafka.kill()
                self.kafka.start()
            if not emitter.running():
                self.check_copies()
                emitter = self.job.emit()
            self.wait_for_copies()
        self.assertNotIn("twice alike", self.job.logs())
        self.check_that_a_frozen_one_writes_nothing(emitter)

    def check_that_a_frozen_one_writes_nothing(self, frozen):
        frozen.process.send_signal(signal.SIGSTOP)
        second = self.job.emit()
        self.send(month(900, 100))
        self.wait_for_copies()
        self.assertIn("another process writes it", second.tail())
        frozen.process.send_signal(signal.SIGCONT)
        self.send(month(1000, 100))
        wait_until(lambda: "another process writes it" in frozen.tail(), 60, "it waits", children=[frozen, second])
        self.wait_for_copies()
        second.kill()
        self.send(month(1100, 100))
        self.wait_for_copies()

    def test_what_others_wrote_is_refused_and_taken_over_when_asked_to(self):
        self.begin_copies()
        self.postgres.sql("create schema analytics; create table analytics.by_category (n int)")
        self.redis.command("set", "live:by_category", "x")
        self.send(month(0, 100))
        table, hash_ = ("--to", "postgres://analytics.by_category"), ("--to", "redis://live/by_category")
        self.assertIn("has other columns", self.job.emit_once(*table, expect=78).tail())
        self.assertIn("holds something else than a hash", self.job.emit_once(*hash_, expect=78).tail())
        self.redis.command("del", "live:by_category")
        self.redis.command("hset", "live:by_category", "x", "1")
        self.assertIn("--restart", self.job.emit_once(*hash_, expect=78).tail())
        self.postgres.sql("drop table analytics.by_category")
        self.job.emit_once("--restart")
        self.wait_for_once(*table)
        self.postgres.sql("update analytics.by_category set order_count = order_count + 1")
        self.assertIn("others have changed them", self.job.emit_once(*table, expect=78).tail())
        self.job.emit_once("--restart", *table)
        self.check_copies()
        self.redis.command("hset", "live:by_category", '{"window_start": "x"}', "{}")
        self.send(month(100, 100))
        self.wait_for_once()
        self.job.config["views"]["by_category"]["where"] = "amount > 1"
        self.job.write()
        self.job.stop()
        self.job.speed()
        self.assertIn("another definition", self.job.emit_once(*hash_, expect=78).tail())
        self.job.emit_once("--restart", *hash_)
        self.assertEqual(self.job.emit_once("--to", "console", expect=64).tail().count("no view has such a sink"), 1)

    def test_a_topic_that_would_lose_rows_is_refused(self):
        self.begin_copies()
        self.send(month(0, 50))
        topic = ("--to", f"kafka://{self.copy}")
        self.kafka.create(self.copy, 2, cleanup_policy="compact")
        self.assertIn("has 2 partitions", self.job.emit_once(*topic, expect=78).tail())
        self.kafka.delete(self.copy)
        self.kafka.create(self.copy, 1, cleanup_policy="compact,delete")
        self.assertIn("set it to compact alone", self.job.emit_once(*topic, expect=78).tail())
        self.kafka.set_policy(self.copy, "compact")
        writer = Writer(self.kafka.brokers)
        writer.send(self.copy, b"x", b"y")
        writer.flush()
        self.assertIn("has records of others", self.job.emit_once(*topic, expect=78).tail())
        self.job.emit_once("--restart", *topic)
        values = [message.value() for _partition, message in self.reader.each(self.copy)]
        self.assertEqual(values[:2], [b"y", None])
        self.assertGreater(len(values), 2)

    def wait_for_once(self, *options):
        """Until emitting once gives the log's end."""
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items() if end}

        def reached():
            self.job.emit_once(*options)
            self.check_copies()
            return all(rows == self.log.rows(self.definition, ends) for rows in self.copies.values())

        wait_until(reached, 120, f"sinks reach {ends}")


if __name__ == "__main__":
    unittest.main()
