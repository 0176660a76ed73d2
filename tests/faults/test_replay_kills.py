# SPDX-License-Identifier: Apache-2.0
"""tidemark-speed replay, killed at any moment, and the switch to what it has made, while somebody asks all the time. What
is replayed differs from what is there: the topic has lost its oldest messages since, and each answer states from which
offset on it counts. tests/faults/kills does this fifty times, the tests a few."""

import os
import random
import sys
import threading
import time
import zlib

from confluent_kafka import TopicPartition

from e2e.servers import EndToEnd, month
from support import online_retail, oracle
from support.kafka import Writer
from support.process import wait_until
from support.tidemark import differences

KILLS = int(os.environ.get("KILLS", "2"))
ORDERS, FLOWING = 9000, 40  # in the topic at first, and while each replay runs
PLACED = b"replayed up to offset"  # in its log, of a partition whose new slot is where it belongs
SHARES = [1, 2, 4, 8]  # of the orders by partition, so that they don't change places together


def partition_of(order):
    """Versions of an order are in one partition."""
    share = zlib.crc32(order["order_id"].encode()) % sum(SHARES)
    return next(p for p in range(len(SHARES)) if share < sum(SHARES[: p + 1]))


class Asking:
    """What somebody is answered who asks all the time; each answer that differs from the one before."""

    def __init__(self, job):
        self.job, self.answers, self.ended = job, [], threading.Event()
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while not self.ended.is_set():
            answer = self.job.view("daily_revenue")
            if not self.answers or self.answers[-1].body != answer.body:
                self.answers.append(answer)

    def __enter__(self):
        self.thread.start()
        return self.answers

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


class ReplayKills(EndToEnd):
    def setUp(self):
        super().setUp()
        self.servers(postgres_started=False)
        self.simple_platform(self.topic(len(SHARES)), batch="none")
        self.view = self.job.config["views"]["daily_revenue"]
        self.view["retention"] = "3660 days"
        self.job.write()
        self.seed = random.randrange(1 << 32)
        self.chance = random.Random(self.seed)
        self.orders = iter(month())
        self.firsts = {p: 0 for p in range(len(SHARES))}  # where the topic begins
        self.put(ORDERS)
        self.speed = self.job.speed()
        self.serving = self.job.serving(ready=True)
        self.assert_served_from(self.firsts)

    def put(self, count):
        """So many orders, and one more in each partition: who commits that one has read back all that it must know."""
        writer = Writer(self.kafka.brokers)
        for _, order in zip(range(count), self.orders):
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order), partition_of(order))
        for p in range(len(SHARES)):
            one = {**order, "order_id": f"{order['order_id']}/{p}"}
            writer.send(self.name, one["order_id"].encode(), online_retail.encode(one), p)
        writer.flush()
        self.reader.into(self.log, self.name)

    def lose_heads(self):
        """So much of each partition that every replay finds less than the one before, and all of them enough."""
        lost = {p: ORDERS * share // sum(SHARES) // (2 * KILLS) for p, share in enumerate(SHARES)}
        self.firsts = {p: first + lost[p] for p, first in self.firsts.items()}
        records = [TopicPartition(self.name, p, first) for p, first in self.firsts.items()]
        for future in self.kafka.admin.delete_records(records).values():
            future.result(60)

    # --- what is answered ---

    def begins(self, answer):
        """{partition: from which offset on its orders count}; that it isn't the first one ever is all that is missing."""
        provenance = answer.json["provenance"]
        begins = {int(p): offset for p, offset in provenance["speed"]["from"].items()}
        gaps = [{"partition": p, "reason": "gap", "from": 0, "to": begins[p]} for p in sorted(begins) if begins[p]]
        self.assertEqual(provenance["missing"], gaps)
        return begins

    def difference(self, answer):
        """Between its rows and those of the messages that it says to hold."""
        begins, offsets = self.begins(answer), answer.offsets
        held = oracle.Log(self.log.source)
        for p, messages in self.log.partitions.items():
            held.partitions[p] = [message for message in messages if message[0] >= begins[p]]
        definition = self.job.oracle_view("daily_revenue")
        return differences(held.rows(definition, offsets), answer.rows(definition))

    def assert_served_from(self, firsts):
        """Waits for an answer of the whole topic; its partitions begin there, and it is right."""
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items()}
        there = lambda answer: all(answer.offsets.get(p, 0) >= end for p, end in ends.items())  # noqa: E731
        answer = self.job.wait_for("daily_revenue", there, f"has read up to {ends}")
        self.assertEqual(self.begins(answer), firsts, f"seed {self.seed}")
        self.assertEqual(self.difference(answer), "", f"seed {self.seed}")

    def assert_all_answers_right(self, answers, *firsts):
        """Each partition of each of them begins at one of these, and never at an earlier one than was seen before."""
        seen = {p: 0 for p in self.firsts}
        for answer in answers:
            for p, begin in self.begins(answer).items():
                self.assertIn(begin, [first[p] for first in firsts], f"partition {p}, seed {self.seed}")
                self.assertGreaterEqual(begin, seen[p], f"partition {p}, seed {self.seed}")
                seen[p] = begin
            self.assertEqual(self.difference(answer), "", f"seed {self.seed}")

    def asking(self):
        """Somebody who asks all the time, until it is left; what he was answered is in the list that it gives."""
        return Asking(self.job)

    # --- what is killed ---

    def replay(self):
        return self.job._start("tidemark-speed", "replay")

    def finish(self):
        """One that isn't killed; returns how many seconds it took."""
        replay, begun = self.replay(), time.monotonic()
        self.assertEqual(replay.end(), 0, replay.tail())
        return time.monotonic() - begun

    def kill(self, replay, seconds):
        """At any moment of a replay, or about when its first slot is where it belongs."""
        if self.chance.random() < 0.5:
            placed = lambda: PLACED in replay.log.read_bytes() or not replay.running()  # noqa: E731
            wait_until(placed, 60, "its first slot is in place", every=0.001, children=[replay])
            seconds = 0.05
        time.sleep(self.chance.uniform(0, seconds))  # this is the random moment; nothing is awaited by it
        replay.kill()

    def test_whenever_it_is_killed_each_partition_has_its_old_slot_or_its_new_one(self):
        seconds, mixed = self.finish(), 0
        self.put(FLOWING)
        self.assert_served_from(self.firsts)
        for _ in range(KILLS):
            old = self.firsts
            self.lose_heads()
            with self.asking() as answers:
                replay = self.replay()
                self.put(FLOWING)
                self.kill(replay, seconds)
                mixed += 0 < replay.log.read_bytes().count(PLACED) < len(SHARES)
                seconds = self.finish()
                self.put(FLOWING)
            self.assert_served_from(self.firsts)
            self.assert_all_answers_right(answers, old, self.firsts)
        print(f"killed between the first partition's change and the last one's: {mixed} of {KILLS}", file=sys.stderr)

    def test_whenever_it_or_the_switch_to_its_definition_is_killed_the_old_file_answers_or_the_new_one(self):
        seconds = 3
        for number in range(KILLS):
            old = self.firsts
            self.lose_heads()
            with self.asking() as answers:
                self.view["retention"] = f"{3700 + number} days"
                self.job.write()
                replay = self.replay()
                self.put(FLOWING)
                self.kill(replay, seconds)
                seconds = self.finish()
                self.speed.stop()
                speed = self.job.speed()
                self.put(FLOWING)
                time.sleep(self.chance.uniform(0, 1))  # likewise
                speed.kill()
                self.speed = self.job.speed()
            self.assert_all_answers_right(answers, old)
            self.serving.stop()
            self.serving = self.job.serving(ready=True)
            with self.asking() as answers:
                self.put(FLOWING)
                self.assert_served_from(self.firsts)
            self.assert_all_answers_right(answers, self.firsts)
            forgotten = self.job._start("tidemark-speed", "forget", "--other-definitions", "--yes")
            self.assertEqual(forgotten.end(), 0, forgotten.tail())
