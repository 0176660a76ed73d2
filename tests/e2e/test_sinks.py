# SPDX-License-Identifier: Apache-2.0
"""What views emit: each sink is the view at the offsets that it states, whatever happens to stores and emitters."""

import json
import math
import os
import signal
import unittest
from datetime import datetime
from decimal import Decimal

from support.kafka import Writer
from support.process import ROOT, wait_until
from support.sinks import read_hash, read_table, read_topic
from support.tidemark import Platform, differences, view

from .servers import EndToEnd, month


class ExampleFile(Platform):
    """The programs with docs/examples/micro-batch.yaml."""

    path = ROOT / "docs" / "examples" / "micro-batch.yaml"

    def __init__(self, folder):
        super().__init__(folder, None, None, None, {}, {})

    def write(self):
        pass  # the file stays as it is


class Sinks(EndToEnd):
    def example_orders(self):
        """Two orders in the first five minutes, one of them sent twice, one in the next, two in the ones behind."""
        writer = Writer(self.kafka.brokers)
        sent = [("a", 0, "10.00"), ("b", 4, "2.50"), ("c", 5, "1.01"), ("a", 0, "10.00"), ("d", 15, "3.00"), ("e", 16, "4.00")]
        for name, minute, amount in sent:
            order = {"order_id": name, "customer_id": "c1", "amount": float(amount)}
            order["timestamp"] = f"2026-01-01T12:{minute:02}:00Z"
            writer.send("orders", name.encode(), json.dumps(order).encode(), partition=ord(name) % 2)
        writer.flush()

    def test_the_example_runs_as_it_stands(self):
        self.servers()
        self.kafka.create("orders", 2)
        self.example_orders()
        job = ExampleFile(self.folder / "example")
        self.addCleanup(job.kill)
        stores = {"KAFKA_BROKERS": self.kafka.brokers, "REDIS_URL": self.redis.url, "POSTGRES_URL": self.postgres.url}
        job.env = {**os.environ, **stores}
        job.speed()
        wanted = [
            "window_start window_end order_count total_revenue final",
            "2026-01-01T12:00:00+00:00 2026-01-01T12:05:00+00:00 2 12.50 true",
            "2026-01-01T12:05:00+00:00 2026-01-01T12:10:00+00:00 1 1.01 false",
            "2026-01-01T12:15:00+00:00 2026-01-01T12:20:00+00:00 2 7.00 false",
        ]
        printed = []

        def shown():
            printed[:] = [line for line in job.emit_once().log.read_text().splitlines() if line]
            return [" ".join(line.split()) for line in printed[-4:]] == wanted

        wait_until(shown, 120, "the rows are shown")
        heading = r"^-- windowed_revenue, micro-batch 1, .*, watermark 2026-01-01T12:05:00.000Z, complete, 3 rows$"
        self.assertRegex(printed[-5], heading)
        self.assertEqual(len({line.index(".") for line in printed[-3:]}), 1, "points stand one below the other")
        emitter = job.emit()
        wait_until(lambda: "12.50  true" in emitter.log.read_text(), 60, "the first at once", children=[emitter])
        self.assertEqual(emitter.stop(), 0)

    # --- copies ---

    def begin_copies(self):
        """A speed layer that reads, and a view that is emitted to a sink of each kind."""
        self.servers()
        self.simple_platform(self.topic(2))
        self.places = {
            "hash": ("redis://live/by_category", lambda: read_hash(self.redis, "live:by_category")),
            "table": ("postgres://analytics.by_category", lambda: read_table(self.postgres, "analytics.by_category")),
            "topic": ("kafka://copy", lambda: self.read_copy("copy")),
            "appended": ("kafka://appended", lambda: self.read_copy("appended")),
        }
        for topic in {"copy", "appended"} & set(self.kafka.topics()):
            self.kafka.delete(topic)
        entries = [{"to": to, "every": "20 ms"} for to, _read in self.places.values()]
        entries[-1]["mode"] = "append"
        self.by_category = view("orders", window="tumbling 1 minute", dimensions=["category"])
        self.by_category |= {"watermark": "1 minute", "emit": entries}
        self.job.config["views"] = {"by_category": self.by_category}
        self.job.write()
        self.job.speed()
        self.definition = self.job.oracle_view("by_category")
        self.stated, self.copies = {}, {}

    def read_copy(self, topic):
        return read_topic(self.reader, topic) if topic in self.kafka.topics() else None

    def expected(self, name, offsets, held):
        """The rows of the view at these offsets, or those of them that are final; and what the sink has of them."""
        rows, copied = self.log.rows(self.definition, offsets), held.rows(self.definition)
        if name != "appended":
            return rows, copied
        watermark = held.statement["provenance"]["watermark"]
        until = datetime.fromisoformat(watermark).timestamp() - 60 if watermark else -math.inf
        return tuple({key: row for key, row in one.items() if key[0] <= until} for one in (rows, copied))

    def check_copies(self):
        """Each sink is the view at the offsets that it states, and these don't go back."""
        self.reader.into(self.log, self.name)
        for name, (_to, read) in self.places.items():
            held = read()
            if not held:
                continue
            expected, copied = self.expected(name, held.offsets, held)
            difference = differences(expected, copied)
            self.assertFalse(difference, f"{name} at {held.offsets}: {difference}")
            for partition, offset in self.stated.get(name, {}).items():
                self.assertGreaterEqual(held.offsets[partition], offset, f"{name} went back")
            self.stated[name], self.copies[name] = held.offsets, held

    def wait_for_copies(self, *emitters):
        """Until each sink is the view at the log's end."""
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items() if end}

        def reached():
            self.check_copies()
            held = [self.expected(name, ends, self.copies[name]) for name in self.places]
            return all(expected == copied for expected, copied in held)

        wait_until(reached, 120, f"sinks reach {ends}", every=0.2, children=emitters)

    def test_sinks_are_the_view_at_their_offsets_whatever_dies_or_is_emptied(self):
        self.begin_copies()
        emitter = self.job.emit()
        self.send(month(0, 100))
        self.wait_for_copies(emitter)
        self.postgres.sql(
            "create function analytics.refuse() returns trigger language plpgsql as "
            "$$ begin raise 'a row is written twice alike: %', new; end $$;"
            "create trigger once before update on analytics.by_category for each row "
            "when (old.* is not distinct from new.*) execute function analytics.refuse()"
        )
        for number, crash in enumerate(("in_emit", "after_emit")):
            with self.subTest(crash):
                emitter.kill()
                emitter = self.job.emit(crash_at=crash)
                self.send(month(100 + 100 * number, 100))
                wait_until(lambda: not emitter.running(), 60, f"it dies at {crash}")
                self.check_copies()
                emitter = self.job.emit()
                self.wait_for_copies(emitter)
        with self.subTest("Redis is emptied behind a batch run"):
            self.job.batch()
            self.redis.command("flushall")
            self.stated.pop("hash", None)
            self.send(month(300, 100))
            self.wait_for_copies(emitter)
        with self.subTest("PostgreSQL and Kafka are away"):
            self.send(month(400, 100))
            self.postgres.stop()
            self.kafka.kill()
            wait_until(lambda: "is tried again" in emitter.tail(), 60, "it says so", children=[emitter])
            self.postgres.start()
            self.kafka.start()
            self.wait_for_copies(emitter)
        with self.subTest("final rows are restated"):
            changed = {**month(0, 1)[0], "amount": Decimal("12345.67")}
            self.send([changed])
            self.wait_for_copies(emitter)
            self.assertGreater(max(row.get("revision", 1) for row in self.copies["appended"].rows_held), 1)
        self.assertNotIn("twice alike", self.job.logs())
        self.check_that_a_frozen_one_writes_nothing(emitter)

    def check_that_a_frozen_one_writes_nothing(self, frozen):
        frozen.process.send_signal(signal.SIGSTOP)
        second = self.job.emit()
        self.send(month(500, 100))
        self.wait_for_copies(second)
        self.assertIn("another process writes it", second.tail())
        frozen.process.send_signal(signal.SIGCONT)
        self.send(month(600, 100))
        wait_until(lambda: "another process writes it" in frozen.tail(), 60, "it waits", children=[frozen, second])
        second.kill()
        self.send(month(700, 100))
        self.wait_for_copies(frozen)

    # --- what is refused ---

    def emit_to(self, name, *options, expect=0):
        """Emits once to one sink; what it said."""
        return self.job.emit_once("--to", self.places[name][0], *options, expect=expect).tail()

    def wait_for_once(self, name):
        """Until emitting once gives the log's end."""
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items() if end}

        def reached():
            self.emit_to(name)
            self.check_copies()
            expected, copied = self.expected(name, ends, self.copies[name])
            return expected == copied

        wait_until(reached, 120, f"the {name} reaches {ends}")

    def test_what_others_wrote_is_refused_and_taken_over_when_asked_to(self):
        self.begin_copies()
        self.send(month(0, 100))
        with self.subTest("something that no emitter wrote"):
            self.redis.command("set", "live:by_category", "x")
            self.assertIn("holds something else than a hash", self.emit_to("hash", expect=78))
            self.redis.command("del", "live:by_category")
            self.kafka.create("copy", 1, cleanup_policy="compact,delete")
            self.assertIn("set it to compact alone", self.emit_to("topic", expect=78))
            self.kafka.set_policy("copy", "compact")
            writer = Writer(self.kafka.brokers)
            writer.send("copy", b"x", b"y")
            writer.flush()
            self.assertIn("has records of others", self.emit_to("topic", expect=78))
            self.emit_to("topic", "--restart")
            values = [message.value() for _partition, message in self.reader.each("copy")]
            self.assertEqual(values[:2], [b"y", None])
            self.assertGreater(len(values), 2)
        with self.subTest("a table edited by hand"):
            self.wait_for_once("table")
            self.postgres.sql("update analytics.by_category set order_count = order_count + 1")
            self.assertIn("others have changed them", self.emit_to("table", expect=78))
            self.emit_to("table", "--restart")
            self.check_copies()
        with self.subTest("a hash edited by hand is made right"):
            self.wait_for_once("hash")
            self.redis.command("hset", "live:by_category", '{"window_start": "x"}', "{}")
            self.send(month(100, 100))
            self.wait_for_once("hash")
        with self.subTest("another mode"):
            self.wait_for_once("appended")
            self.by_category["emit"][-1]["mode"] = "update"
            self.job.write()
            self.assertIn("written in the mode append, and mode is update", self.emit_to("appended", expect=78))
        with self.subTest("another definition"):
            self.by_category["where"] = "amount > 1"
            self.job.write()
            self.job.stop()
            self.job.speed()
            self.assertIn("another definition", self.emit_to("hash", expect=78))
            self.emit_to("hash", "--restart")
        with self.subTest("no such sink"):
            self.assertIn("no view has such a sink", self.job.emit_once("--to", "console", expect=64).tail())


if __name__ == "__main__":
    unittest.main()
