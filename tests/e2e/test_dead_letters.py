# SPDX-License-Identifier: Apache-2.0
"""Bad messages are kept: each once for a read_committed reader, with its bytes, whatever happens to the processes."""

import os
import random
import re
import signal
import threading
import time
import unittest
from collections import Counter
from decimal import Decimal

from support import disorder, online_retail, oracle
from support.kafka import Writer
from support.process import wait_until
from support.tidemark import BIN, run_to_the_end

from .servers import EndToEnd, month

OURS = {"tidemark-topic", "tidemark-partition", "tidemark-offset", "tidemark-field", "tidemark-reason"}


def header(letter, name):
    """The last header of that name, which is the program's."""
    values = [value for other, value in letter.headers() if other == name]
    return values[-1] if values else None


class DeadLetters(EndToEnd):
    def start(self, partitions=4, **options):
        self.servers()
        self.simple_platform(self.topic(partitions), **options)
        self.letters_topic = f"{self.name}-dead-letter"
        self.job.serving()

    def bad(self):
        """{(partition, offset): message} of the bad messages of the topic, by the oracle."""
        self.reader.into(self.log, self.name)
        bad = {(p, offset) for p, messages in self.log.partitions.items() for offset, order in messages if not order}
        return {(p, m.offset()): m for p, m in self.reader.read(self.name) if (p, m.offset()) in bad}

    def letters(self):
        there = self.letters_topic in self.kafka.topics()
        return [message for _, message in self.reader.read(self.letters_topic)] if there else []

    def wait_for_letters(self, count):
        enough = lambda: len(self.letters()) >= count  # noqa: E731
        wait_until(enough, 120, f"{count} dead letters", every=0.5, children=self.job.children)
        return self.letters()

    def assert_one_letter_each(self):
        """All that is bad has one letter, of the same bytes, and nothing else has one."""
        bad = self.bad()
        self.assertTrue(bad)
        letters = self.wait_for_letters(len(bad))
        found = Counter((int(header(m, "tidemark-partition")), int(header(m, "tidemark-offset"))) for m in letters)
        self.assertEqual(found, Counter(bad.keys()))
        for letter in letters:
            place = int(header(letter, "tidemark-partition")), int(header(letter, "tidemark-offset"))
            message = bad[place]
            self.assertEqual(letter.key().decode(), f"{self.name}/{place[0]}/{place[1]}")
            self.assertEqual(letter.value(), message.value())
            self.assertEqual(header(letter, "tidemark-topic").decode(), self.name)
            self.assertEqual(header(letter, "tidemark-key"), message.key())
            self.assertEqual(int(header(letter, "tidemark-timestamp")), message.timestamp()[1])
            self.assertTrue(header(letter, "tidemark-reason"))
            self.assertTrue(OURS <= {name for name, _ in letter.headers()})
            self.assertEqual(letter.headers()[: len(message.headers() or [])], message.headers() or [])

    # --- what a letter is ---

    def test_letter_keeps_bytes_key_headers_and_says_where_and_why(self):
        self.start(1)
        self.job.speed()
        order = month(0, 1)[0]
        own = [("trace", b"\x00\xff"), ("trace", b"again"), ("empty", b""), ("none", None), ("tidemark-offset", b"7")]
        writer = Writer(self.kafka.brokers)
        writer.send(self.name, b"\xffkey", b"\x00not JSON", headers=own)
        writer.send(self.name, None, b"")
        writer.send(self.name, b"", None)
        writer.send(self.name, b"a", online_retail.encode({**order, "amount": "12.50"}))
        writer.send(self.name, b"b", online_retail.encode(order))
        writer.flush()
        self.assert_all_served()
        self.assert_one_letter_each()
        fields = [header(letter, "tidemark-field") for letter in self.letters()]
        self.assertEqual(fields, [b"", b"", b"", b"amount"])

    def test_letter_that_the_topic_refuses_as_too_large_goes_without_its_payload(self):
        self.start(1)
        self.kafka.create(self.letters_topic, 1, max_message_bytes=200_000)
        self.job.speed()
        large, writer = b"x" * 500_000, Writer(self.kafka.brokers)
        for payload in (b"before", large, b"y" * 100_000, b"after"):
            writer.send(self.name, b"key", payload)
        self.send(month(0, 100))
        writer.flush()
        self.assert_all_served()
        letters = self.wait_for_letters(4)
        self.assertEqual(len(letters), 4)
        by_offset = sorted(letters, key=lambda letter: int(header(letter, "tidemark-offset")))
        kept = [letter.value() for letter in by_offset if letter.value() is not None]
        self.assertEqual(kept, [b"before", b"y" * 100_000, b"after"])
        (bare,) = [letter for letter in letters if letter.value() is None]
        self.assertEqual(header(bare, "tidemark-payload-length"), b"500000")
        self.assertEqual(len(header(bare, "tidemark-payload-xxh128")), 32)
        self.send(month(100, 100))
        self.assert_all_served()

    def test_topic_of_dead_letters_that_is_deleted_is_made_again(self):
        self.start(1)
        self.job.speed()
        writer = Writer(self.kafka.brokers)
        writer.send(self.name, b"a", b"first")
        writer.flush()
        self.wait_for_letters(1)
        self.kafka.delete(self.letters_topic)
        writer.send(self.name, b"a", b"second")
        writer.flush()
        self.assertEqual([letter.value() for letter in self.wait_for_letters(1)], [b"second"])
        self.assert_all_served()

    def test_topic_made_anew_has_letters_of_its_own(self):
        self.start(1)
        speed, writer = self.job.speed(), Writer(self.kafka.brokers)
        for payload in (b"first", b"second"):
            writer.send(self.name, b"a", payload)
        writer.flush()
        self.wait_for_letters(2)
        self.assertEqual(speed.stop(), 0)
        self.kafka.delete(self.name)
        self.kafka.create(self.name, 1)
        self.job.config["sources"] = {"again": self.job.config["sources"]["orders"]}
        self.job.config["views"]["daily_revenue"]["source"] = "again"
        self.job.write()
        self.job.speed()
        writer = Writer(self.kafka.brokers)
        writer.send(self.name, b"a", b"third")
        writer.flush()
        self.assertEqual([m.value() for m in self.wait_for_letters(3)], [b"first", b"second", b"third"])

    # --- the breaker ---

    WRONG = {**oracle.ORDER_FIELDS, "discount": "decimal(2)"}  # and required, so that orders without it are bad

    def send_to(self, partition, orders, **more):
        writer = Writer(self.kafka.brokers)
        for order in orders:
            writer.send(self.name, b"key", online_retail.encode({**order, **more}), partition=partition)
        writer.flush()

    def trip(self, **options):
        """Partition 0 has 300 good messages, and then 5,000 that the wrong `fields` make bad; 1 has good ones."""
        self.start(2, breaker=100, fields=self.WRONG, on_duplicate="none", **options)
        self.log = oracle.Log(oracle.Source(fields=self.WRONG, on_duplicate="none"))
        speed = self.job.speed()
        self.send_to(0, month(0, 300), discount=Decimal(1))
        self.assert_all_served()
        self.send_to(0, month(300, 5000))
        self.wait_for_trip(speed)
        return speed

    def wait_for_trip(self, speed):
        wait_until(lambda: b"stopped by the breaker" in speed.log.read_bytes(), 60, "it stops", children=[speed])

    def committed(self, partition):
        return self.job.view("daily_revenue").offsets[partition]

    def assert_stopped_with_letters(self, most):
        """What is committed of partition 0 has its letters, and there are no more than that, once it is answered."""

        def same():
            found = sorted(int(header(m, "tidemark-offset")) for m in self.letters())
            return found == list(range(300, self.committed(0)))

        wait_until(same, 120, "what is committed has its letters", every=0.5, children=self.job.children)
        self.assertLessEqual(self.committed(0), 300 + most)
        self.assertEqual({header(m, "tidemark-field") for m in self.letters()} - {b"discount"}, set())

    def fix(self):
        self.job.config["sources"]["orders"]["fields"] = dict(oracle.ORDER_FIELDS)
        self.job.write()
        self.log = oracle.Log(oracle.Source(on_duplicate="none"))

    def test_breaker_stops_one_partition_and_goes_on_after_the_fix(self):
        speed = self.trip()
        self.send_to(1, month(0, 500), discount=Decimal(1))
        others = lambda: self.committed(1) == 500  # noqa: E731
        wait_until(others, 60, "the other partition goes on", children=[speed])
        self.assertTrue(speed.running())
        self.assert_stopped_with_letters(100)
        alarm = lambda: self.job.alarms() == {0: "breaker", 1: None}  # noqa: E731
        wait_until(alarm, 30, "the alarm is told", children=[speed])
        metrics = self.job.get("/metrics").body.decode()
        self.assertIn('tidemark_serving_partitions_stopped{source="orders"} 1\n', metrics)
        self.assertEqual(speed.stop(), 0)
        self.fix()
        self.job.stop()
        self.job.serving()
        self.job.speed()
        self.assert_all_served()
        self.assertEqual(self.job.alarms(), {0: None, 1: None})

    def test_run_until_the_end_ends_with_65_where_the_breaker_stopped_it(self):
        speed = self.trip()
        speed.stop()
        speed = self.job.speed("--until-end")
        self.assertEqual(speed.end(60), 65, speed.tail())
        self.assertIn("before their ends", speed.tail())
        self.assert_stopped_with_letters(110)  # one that had stopped before stops sooner
        run = self.job.start_batch()
        self.assertEqual(run.end(120), 75, run.tail())
        waiting = 5300 - self.committed(0)
        self.assertIn(f"in partition 0 {waiting} messages wait: the breaker stopped it", run.tail())
        cuts = "select partition, cut from tidemark.partition order by 1"
        self.assertEqual(self.postgres.sql(cuts).split(), [f"0|{5300 - waiting}", "1|0"])

    def test_breaker_of_0_never_stops(self):
        self.start(1, breaker=0)
        self.job.speed()
        self.send_to(0, month(0, 3000), amount="wrong")
        self.send_to(0, month(0, 10))
        self.assert_all_served()
        self.assert_one_letter_each()

    # --- after a fix ---

    def kept(self, limit=1000):
        code, output = run_to_the_end(
            [BIN / "tidemark-batch", "dead-letters", "list", f"--limit={limit}", "--config", self.job.path]
        )
        self.assertEqual(code, 0, output)
        return output

    def send_mixed(self, first, count):
        """Orders, some again and some broken; two in three have no discount, which the wrong `fields` require."""
        chance, writer = random.Random(first), Writer(self.kafka.brokers)
        for key, payload in disorder.disordered(chance, month(first, count), bad=0.05):
            if payload and payload.startswith(b"{") and chance.random() < 0.33:
                payload = b'{"discount":0.5,' + payload[1:]
            writer.send(self.name, key, payload)
        writer.flush()

    def restart(self):
        self.job.stop()
        self.job.serving()
        self.job.speed()

    def test_messages_that_are_good_after_the_fix_count_once_they_are_replayed(self):
        self.start(fields=self.WRONG, breaker=0)
        self.log = oracle.Log(oracle.Source(fields=self.WRONG))
        self.job.speed()
        self.send_mixed(0, 3000)
        self.assert_all_served()
        early = self.log.fates()["bad"]
        self.assertIn(f"source orders: {early} bad messages are not ingested yet\n", self.kept())
        self.job.batch()
        self.send_mixed(3000, 1000)  # the real-time part
        self.assert_all_served()
        self.assertIn(f"source orders: {early} bad messages are kept\n", self.kept())
        self.assertEqual(self.kept(10_000).count("(not ingested yet)"), self.log.fates()["bad"] - early)
        letters = len(self.wait_for_letters(self.log.fates()["bad"]))
        self.assertRegex(self.kept(), r"discount: absent +20.* bytes  \{")

        self.job.config["sources"]["orders"]["fields"] = dict(oracle.ORDER_FIELDS)
        self.job.write()
        self.log = oracle.Log(oracle.Source())
        self.restart()
        self.assertIn("(good now)", self.kept())
        wait_until(lambda: self.job.batch("dead-letters", "replay", expect=(0, 75)) == 0, 120, "it is replayed")
        self.assert_all_served()
        self.job.batch("verify")
        self.assertNotIn("(good now)", self.kept())
        self.assert_ledger_is_the_oracles()
        self.send_mixed(4000, 500)
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()
        self.job.batch("verify")
        self.assertEqual(len({letter.key() for letter in self.letters()}), len(self.letters()))
        self.assertGreaterEqual(len(self.letters()), letters)

    def assert_ledger_is_the_oracles(self):
        """What is published and the epochs after it account for every message by the rules that hold now."""
        expected = self.log.fates()

        def ledger():
            (found,) = self.job.get("/v1/ledger").json["sources"]
            return found["closed"] and {fate: found[fate] for fate in oracle.FATES} == expected

        wait_until(ledger, 30, f"the ledger is {expected}")

    # --- each once ---

    def stream(self, chance, stop):
        """Sends orders, one in four of them bad, until it is told to stop."""
        writer = Writer(self.kafka.brokers)
        for number, order in enumerate(month(0, 30_000)):
            payload = disorder.broken(chance, order) if chance.random() < 0.25 else online_retail.encode(order)
            writer.send(self.name, order["order_id"].encode(), payload, headers=[("number", str(number).encode())])
            if stop.wait(chance.random() * 0.008):
                break
        writer.flush()

    def under_fire(self, hits, hit):
        """Calls hit(chance) so many times while messages stream in, then lets all come to rest."""
        seed = int(os.environ.get("SEED", random.randrange(2**32)))
        print(f"SEED={seed}", flush=True)
        chance, stop = random.Random(seed), threading.Event()
        sender = threading.Thread(target=self.stream, args=(random.Random(seed), stop))
        sender.start()
        try:
            for _ in range(hits):
                time.sleep(chance.random() * 1.5)
                hit(chance)
        finally:
            stop.set()
            sender.join()
        self.assert_all_served()
        self.job.stop()
        self.assert_one_letter_each()

    def test_killed_while_or_after_letters_are_written_each_bad_message_has_one(self):
        self.start(2)
        chance, writer = random.Random(3), Writer(self.kafka.brokers)
        for point in ("in_transaction", "after_letters", "after_redis_before_ack") * 2:
            dying = self.job.speed(crash_at=point)
            for key, payload in disorder.disordered(chance, month(0, 200), bad=0.2):
                writer.send(self.name, key, payload)
            writer.flush()
            self.assertEqual(dying.end(120), -signal.SIGKILL, f"{point}\n{dying.tail()}")
        self.job.speed()
        self.assert_all_served()
        self.job.stop()
        self.assert_one_letter_each()

    def test_broker_that_is_killed_costs_no_letter_and_doubles_none(self):
        self.start()
        self.job.speed()
        hits = iter((self.kafka.kill, self.kafka.start) * 3)
        self.under_fire(6, lambda chance: next(hits)())

    def test_killed_at_any_moment_each_bad_message_has_one_letter(self):
        self.start()
        speeds = [self.job.speed()]

        def hit(chance):
            speeds.pop().kill()
            speeds.append(self.job.speed())

        self.under_fire(20, hit)

    def test_redis_emptied_and_processes_that_come_go_and_die_write_no_letter_twice(self):
        self.start()
        speeds = [self.job.speed()]

        def hit(chance):
            kind = chance.randrange(4)
            if kind == 0:
                self.redis.command("flushall")
            elif kind == 1 and len(speeds) > 1:
                speeds.pop(chance.randrange(len(speeds))).stop()
            elif kind == 2:
                speeds.pop(chance.randrange(len(speeds))).kill()
            if kind == 3 or not speeds:
                speeds.append(self.job.speed())

        self.under_fire(25, hit)

    def test_frozen_process_that_wakes_up_writes_no_letter_twice(self):
        self.start(4)
        speeds = [self.job.speed(), self.job.speed()]
        awake = dict.fromkeys(speeds, 0)  # since where in its log

        def said(speed, since):
            return speed.log.read_bytes()[since:]

        def hit(chance):
            frozen, other = chance.sample(speeds, 2)
            holds = lambda: has_partitions(said(frozen, awake[frozen]))  # noqa: E731
            wait_until(holds, 120, "who is to be frozen has something to lose", children=speeds)
            before, awake[frozen] = len(said(other, 0)), len(said(frozen, 0))
            frozen.process.send_signal(signal.SIGSTOP)
            wait_until(lambda: b"has 4 partitions" in said(other, before), 120, "the other takes over", children=speeds)
            time.sleep(3 * chance.random())
            frozen.process.send_signal(signal.SIGCONT)

        self.under_fire(4, hit)


def has_partitions(log):
    """Whether the group gave whoever wrote this some, which it hasn't lost since."""
    told = re.findall(rb"has ([0-9]+) partitions|partitions were lost", log)
    return bool(told) and int(told[-1] or 0) > 0


if __name__ == "__main__":
    unittest.main()
