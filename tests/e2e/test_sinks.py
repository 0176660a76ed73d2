# SPDX-License-Identifier: Apache-2.0
"""What views emit, and which rows are final: each sink is the view at the offsets that it states, and each answer has the
watermark of its offsets, whatever happens to stores and programs."""

import itertools
import json
import math
import os
import random
import re
import signal
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec

from support import online_retail
from support.kafka import TransactionalWriter, Writer
from support.process import ROOT, Final, wait_until
from support.sinks import goes_back, read_hash, read_table, read_topic
from support.tidemark import Platform, differences, row_key, source, view

from .servers import EndToEnd, month


class ExampleFile(Platform):
    """The programs with docs/examples/micro-batch.yaml."""

    path = ROOT / "docs" / "examples" / "micro-batch.yaml"

    def __init__(self, folder):
        super().__init__(folder, None, None, None, {}, {})

    def write(self):
        pass  # the file stays as it is


BELOW = r"by_category, ([^ ]*): waits: partition \d is being read again, and stands below the offset \d+ that the sink states"
AGAIN = r"by_category, ([^ ]*): is tried again"
EACH_KEY = "for _, key in ipairs(redis.call('keys', '{}')) do {} end "


def microseconds(moment):
    return (datetime.fromisoformat(moment) - datetime.fromtimestamp(0, timezone.utc)) // timedelta(microseconds=1)


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
        self.simple_platform(self.topic(2), idle_after="1 hour")
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
        self.speed = self.job.speed()
        self.definition = self.job.oracle_view("by_category")
        self.stated, self.copies = {}, {}

    def read_copy(self, topic):
        return read_topic(self.reader, topic) if topic in self.kafka.topics() else None

    def settled(self, offsets):
        """When the last window of a minute begins that is final at these offsets, in seconds."""
        watermark = self.log.watermark(self.definition, offsets)
        return -math.inf if watermark is None else watermark / 1e6 - 60

    def expected(self, name, offsets, held):
        """The rows of the view at these offsets, or those of them that are final; and what the sink has of them."""
        rows, copied = self.log.rows(self.definition, offsets), held.rows(self.definition)
        if name != "appended":
            return rows, copied
        until = self.settled(offsets)
        return tuple({key: row for key, row in one.items() if key[0] <= until} for one in (rows, copied))

    def check_final(self, name, offsets, rows):
        """The watermark says which rows are final; in `append` those alone are there, and they stay."""
        until = self.settled(offsets)
        for row in rows:
            key = row_key(row, self.definition)
            if row["final"] != (key[0] <= until) and name != "appended":
                raise Final(f"{name} at {offsets}, where rows are final up to {until}: {row}")

    def check_copies(self):
        """Each sink is the view at the offsets that it states, and these don't go back."""
        self.reader.into(self.log, self.name)
        for name, (_to, read) in self.places.items():
            held = read()
            if not held:
                continue
            expected, copied = self.expected(name, held.offsets, held)
            difference = differences(expected, copied)
            if difference:
                raise Final(f"{name} at {held.offsets}: {difference}")
            self.check_final(name, held.offsets, held.rows_held)
            if goes_back(self.stated.get(name, {}), held.offsets):
                raise Final(f"{name} went back from {self.stated[name]} to {held.offsets}")
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
        in_vain = self.emit_what_is_not_there()
        emitter = self.job.emit()
        self.send(month(0, 100))
        self.wait_for_copies(emitter)
        self.assertEqual(re.findall(AGAIN, emitter.log.read_text()), [])  # nor for a topic that was made just then
        self.postgres.sql(
            "create function analytics.refuse() returns trigger language plpgsql as "
            "$$ begin raise 'a row is written twice alike: %', new; end $$;"
            "create trigger once before update on analytics.by_category for each row "
            "when (old.* is not distinct from new.*) execute function analytics.refuse()"
        )
        for number, crash in enumerate(("in_emit", "after_emit")):
            with self.subTest(crash):
                self.assertEqual(emitter.stop(), 0)
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
            self.send(month(300, 80))
            self.wait_for_copies(emitter)
        self.keep_stores()
        with self.subTest("Redis comes back older, and nobody reads on"):
            self.send(month(380, 10))
            self.wait_for_copies(emitter)
            self.check_that_an_older_state_is_waited_out(emitter)
        with self.subTest("both stores come back as they were two batch runs before, and nobody reads on"):
            for number in (400, 450):
                self.send(month(number, 50))
                self.wait_for_copies(emitter)
                self.job.batch()
            self.check_that_an_older_state_is_waited_out(emitter, self.postgres.restore)
        with self.subTest("all stores are away, and Redis comes back empty"):
            mark = len(emitter.log.read_text())
            self.send(month(550, 90))
            for server in (self.kafka, self.redis, self.postgres):
                server.kill()
            said = lambda: set(re.findall(AGAIN, emitter.log.read_text()[mark:]))  # noqa: E731
            down = {self.places[name][0] for name in ("hash", "table")}  # what has begun in Kafka is waited for longer
            wait_until(lambda: said() >= down, 60, f"{down} are said to fail", children=[emitter])
            for server in (self.kafka, self.redis, self.postgres):
                server.start()
            self.stated.pop("hash")
            self.wait_for_copies(emitter)
        with self.subTest("final rows are restated"):
            changed = {**month(0, 1)[0], "amount": Decimal("12345.67")}
            self.send([changed])
            self.wait_for_copies(emitter)
            self.assertGreater(max(row.get("revision", 1) for row in self.copies["appended"].rows_held), 1)
        self.assertNotIn("twice alike", self.job.logs())
        with self.subTest("a write takes longer than the lease"):
            self.check_that_a_long_write_keeps_its_lease(emitter)
        self.check_that_a_frozen_one_writes_nothing(emitter)
        self.assertEqual(in_vain.end(120), 75, in_vain.tail())
        self.assertIn("nothing was emitted within a minute", in_vain.tail())

    def emit_what_is_not_there(self):
        """Emits once from a topic that nobody has made."""
        nothing = view("orders", emit=[{"to": "redis://live/nothing"}])
        platform = self.platform({"orders": source(self.topic(create=False))}, {"nothing": nothing})
        for child in (platform.emit("--once"), platform.speed("--until-end")):
            self.assertEqual(child.stop(), 75, child.tail())
            self.assertIn("asked to end before", child.tail())
        return platform.emit("--once")

    def keep_stores(self):
        """A backup of Redis and PostgreSQL, between two micro-batches of the speed layer."""
        self.assertEqual(self.speed.stop(), 0)
        self.redis.command("eval", EACH_KEY.format("*", "redis.call('copy', key, 'older ' .. key)"), 0)
        self.postgres.back_up()
        self.speed = self.job.speed()

    def check_that_an_older_state_is_waited_out(self, emitter, restore_postgres=None):
        """What is answered is complete then, at offsets below those that the sinks state."""
        self.assertEqual(self.speed.stop(), 0)
        mark = len(emitter.log.read_text())
        if restore_postgres:
            restore_postgres()
            self.stated.pop("table")
        back = EACH_KEY.format("older *", "redis.call('copy', key, key:sub(7), 'replace')")
        self.redis.command("eval", EACH_KEY.format("[^o]*", "redis.call('del', key)") + back, 0)
        self.stated.pop("hash")
        waits = lambda: len(set(re.findall(BELOW, emitter.log.read_text()[mark:]))) == len(self.places)  # noqa: E731
        wait_until(lambda: self.check_copies() or waits(), 60, "each sink waits", children=[emitter])
        self.speed = self.job.speed()
        self.send(month(500 if restore_postgres else 390, 10))
        self.wait_for_copies(emitter)

    def check_that_a_long_write_keeps_its_lease(self, emitter):
        """A trigger holds the write up until there is a row in a table."""
        self.postgres.sql(
            "create table public.gate (is_open boolean); create function hold_up() returns trigger language plpgsql as "
            "$$ begin while not exists (select from public.gate) loop perform pg_sleep(0.02); end loop; return null; end $$;"
            "create trigger held_up before insert on analytics.by_category execute function hold_up()"
        )
        self.send(month(640, 10))
        lease, renewals = f"{self.job.folder.name}:emit:{self.places['table'][0]}", [0]

        def kept():
            renewals.append(int(self.redis.command("pttl", lease)))
            return sum(after > before for before, after in itertools.pairwise(renewals)) > 3 and self.held_up()

        wait_until(self.held_up, 60, "a write is held up", children=[emitter])
        wait_until(kept, 60, "the lease is renewed meanwhile", children=[emitter])
        self.postgres.sql("insert into public.gate values (true)")
        self.wait_for_copies(emitter)
        self.postgres.sql("drop trigger held_up on analytics.by_category")

    def held_up(self):
        query = "query like 'insert into \"analytics\"%' and state = 'active'"
        return self.postgres.sql(f"select count(*) from pg_stat_activity where {query}") == "1"

    def check_that_a_frozen_one_writes_nothing(self, frozen):
        frozen.process.send_signal(signal.SIGSTOP)
        second = self.job.emit()
        self.send(month(650, 100))
        self.wait_for_copies(second)
        self.assertIn("another process writes it", second.tail())
        frozen.process.send_signal(signal.SIGCONT)
        self.send(month(750, 100))
        wait_until(lambda: "another process writes it" in frozen.tail(), 60, "it waits", children=[frozen, second])
        self.assertEqual(second.stop(), 0)
        self.send(month(850, 100))
        self.wait_for_copies(frozen)

    # --- watermarks ---

    def begin_watermarks(self):
        """A view of minutes that two processes answer, in three partitions of which nobody writes to the last."""
        self.servers()
        self.simple_platform(self.topic(3), idle_after="1 hour")
        self.job.config["views"] = {"by_minute": view("orders", window="tumbling 1 minute", watermark="5 minutes")}
        self.job.write()
        self.definition = self.job.oracle_view("by_minute")
        self.second = Platform.beside(self.job, self.folder / "second")
        self.addCleanup(self.second.kill)
        self.chance, self.sent = random.Random(20260101), 0
        self.speed = self.job.speed()
        self.job.serving()
        self.second.serving()

    def send_disordered(self, count):
        """Orders of every five seconds, some of them late by up to a quarter of an hour, of which one partition stands half an
        hour behind the other; one of a day that is yet to come, which is bad, and one of soon."""
        writer = Writer(self.kafka.brokers)
        noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
        for order in month(self.sent, count):
            at = noon + timedelta(seconds=5 * self.sent)
            late = self.chance.choice((0, 0, 0, 20, 200, 900)) * self.chance.random()
            partition = self.chance.randrange(2)
            order["timestamp"] = at - timedelta(seconds=int(late), minutes=30 * partition)
            self.write_order(writer, order, partition)
            self.sent += 1
        writer.flush()

    def write_order(self, writer, order, partition):
        order["timestamp"] = order["timestamp"].replace(tzinfo=None)
        writer.send(self.name, order["order_id"].encode(), online_retail.encode(order), partition=partition)

    def send_future(self, ahead):
        """An order that lies so far ahead of now, to the partition that is ahead."""
        writer = Writer(self.kafka.brokers)
        [order] = month(self.sent, 1)
        order["timestamp"] = datetime.now(timezone.utc) + ahead
        self.write_order(writer, order, 0)
        self.sent += 1
        writer.flush()

    def check_watermark(self, platform):
        """What is answered by one of the two; where it is complete, the watermark is that of its offsets."""
        answer = platform.view("by_minute")
        if answer.complete:
            watermark = answer.json["provenance"]["watermark"]
            expected = self.log.watermark(self.definition, answer.offsets)
            if (watermark and microseconds(watermark)) != expected:
                raise Final(f"the watermark at {answer.offsets} is {watermark}, and not {expected}")
            self.check_final("an answer", answer.offsets, answer.json["rows"])
            self.assert_answer(platform, "by_minute", answer, self.log)
        return answer

    def wait_for_watermarks(self):
        """Until both answer at the log's end, with the watermark that its messages give."""
        self.reader.into(self.log, self.name)
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items() if end}

        def reached():
            answers = [self.check_watermark(platform) for platform in (self.job, self.second)]
            return all(answer.complete and answer.offsets.items() >= ends.items() for answer in answers)

        wait_until(reached, 120, f"both answer at {ends}")

    def test_watermarks_are_those_of_the_log_whatever_is_restarted_emptied_or_restored(self):
        self.begin_watermarks()
        self.send_disordered(150)
        self.wait_for_watermarks()
        with self.subTest("a batch run, and programs that start anew"):
            self.job.batch()
            self.send_disordered(100)
            self.job.stop()
            self.speed = self.job.speed()
            self.job.serving()
            self.wait_for_watermarks()
        with self.subTest("Redis is emptied"):
            self.redis.command("flushall")
            self.wait_for_watermarks()
            self.send_disordered(100)
            self.wait_for_watermarks()
        with self.subTest("PostgreSQL comes back from a backup of two batch runs before"):
            self.postgres.back_up()
            for _ in range(2):
                self.send_disordered(50)
                self.wait_for_watermarks()
                self.job.batch()
            self.postgres.restore()
            self.send_disordered(50)
            self.wait_for_watermarks()
        with self.subTest("events that are yet to come"):
            self.send_future(timedelta(days=1))
            self.send_future(timedelta(minutes=30))
            self.wait_for_watermarks()
        self.check_silence()

    def check_silence(self):
        """With an idle time of a second the watermark leaves the clocks behind; both say the same of the same state."""
        self.assertEqual(self.speed.stop(), 0)
        began = datetime.now(timezone.utc).timestamp() * 1e6
        self.job.config["sources"]["orders"]["idle_after"] = "1 second"
        self.job.write()
        self.speed = self.job.speed()

        def silent(answer):
            watermark = answer.json["provenance"]["watermark"]
            return answer.complete and watermark and microseconds(watermark) > began - 300 * 1e6

        self.job.wait_for("by_minute", silent, "no partition holds the watermark back")
        self.assertEqual(self.speed.stop(), 0)
        wait_until(lambda: self.job.view("by_minute").steady == self.second.view("by_minute").steady, 60, "both agree")
        answer = self.job.view("by_minute").json
        settled = microseconds(answer["provenance"]["watermark"])
        self.assertLess(settled, (datetime.now(timezone.utc).timestamp() - 301) * 1e6)
        finals = [row["final"] for row in answer["rows"]]
        self.assertEqual(finals, [microseconds(row["window_end"]) <= settled for row in answer["rows"]])
        self.assertEqual(finals.count(False), 1, "that of the order that is yet to come")

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

    def test_a_row_that_kafka_does_not_show_yet_vanishes_all_the_same(self):
        """An open transaction of somebody else keeps what was committed last from being shown."""
        self.servers()
        self.simple_platform(self.topic(1), idle_after="1 hour")
        rows = view("orders", window="hopping 2 hours every 1 hour", dimensions=["category"])
        rows |= {"watermark": "1 minute", "emit": [{"to": "kafka://shown-late", "every": "20 ms"}]}
        self.job.config["views"] = {"by_category": rows}
        self.job.write()
        self.job.speed()
        self.job.serving()
        emitter = self.job.emit()
        [first, last] = month(0, 2)
        self.send([first])
        wait_until(self.is_shown, 120, "the topic is the view", every=0.2, children=[emitter])
        foreign = TransactionalWriter(self.kafka.brokers, "foreign")
        foreign.send("shown-late", b"x", b"y", partition=0)
        foreign.producer.flush()
        order = {**last, "order_id": "last", "category": "alone"}
        before = self.all_written("shown-late")
        self.send([order])
        wait_until(lambda: self.all_written("shown-late") > before, 60, "its rows are committed", children=[emitter])
        moved = order["timestamp"] + timedelta(hours=1)
        self.send([{**order, "status": "cancelled", "timestamp": moved}])  # and the watermark moves
        gone = lambda answer: all(row["category"] != "alone" for row in answer.json["rows"])  # noqa: E731
        self.job.wait_for("by_category", gone, "the order is gone, and the emitter lists what the topic shows")
        foreign.abort()
        wait_until(self.is_shown, 120, "the topic is the view", every=0.2, children=[emitter])

    def is_shown(self):
        """Whether the topic holds the view's rows at the log's end."""
        self.reader.into(self.log, self.name)
        held, definition = self.read_copy("shown-late"), self.job.oracle_view("by_category")
        return held and held.rows(definition) == self.log.rows(definition)

    def all_written(self, topic):
        """The end of its only partition, whether it is shown yet or not."""
        asked = {TopicPartition(topic, 0): OffsetSpec.latest()}
        [found] = self.kafka.admin.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED).values()
        return found.result().offset

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
