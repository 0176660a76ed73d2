# SPDX-License-Identifier: Apache-2.0
"""Brokers that die and come back, and transactions that abort, stay open, or end the log with a marker."""

import itertools
import unittest

from e2e.servers import EndToEnd, month
from support import online_retail
from support.kafka import TransactionalWriter, Writer
from support.process import wait_until

from .faulty import cpu_shares


class Brokers(EndToEnd):
    """Each test has its Kafka restarted, so the class has one for itself."""

    def start(self, partitions=2):
        self.servers()
        self.orders = iter(month())
        self.simple_platform(self.topic(partitions))
        self.job.config["jobs"] = {"never": {"schedule": "0 2 29 2 *"}}
        self.job.write()
        self.programs = [self.job.serving(), self.job.speed(), self.job.start_batch("schedule")]

    def send_some(self, count=500):
        self.send(itertools.islice(self.orders, count))

    def assert_idle(self, seconds=5):
        """While there is nothing to do but to wait, nobody spins. CPU time, so other load doesn't matter."""
        for program, used in cpu_shares(self.programs, seconds).items():
            self.assertTrue(program.running(), program.tail())
            self.assertLess(used, 0.1, program.name)

    def test_broker_killed_in_the_midst_of_orders_loses_and_repeats_nothing(self):
        self.start()
        self.send_some()
        self.assert_all_served()
        writer = Writer(self.kafka.brokers)
        for order in itertools.islice(self.orders, 400):  # some are on their way when it dies
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order))
        self.kafka.kill()
        self.assert_idle()
        self.kafka.start()
        writer.flush()
        self.send_some()
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()

    def test_broker_restarted_cleanly_loses_and_repeats_nothing(self):
        self.start()
        self.send_some()
        self.assert_all_served()
        self.kafka.stop()
        self.assert_idle(3)
        self.job.batch(expect=(69,))
        self.kafka.start()
        self.send_some()
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()
        self.job.stop()

    def test_batch_damaged_on_the_brokers_disk_is_waited_for_and_nothing_behind_it_is_taken(self):
        self.start()
        self.send_some()
        self.assert_all_served()
        segment = self.kafka.segment(self.name, 0)
        sound = segment.stat().st_size
        self.programs[1].stop()
        for _ in range(4):  # some batches in each partition
            self.send_some(200)
        self.reader.into(self.log, self.name)
        messages = segment.read_bytes()
        self.change(segment, messages.index(b'"amount":', sound + (len(messages) - sound) // 2) + len(b'"amount":'))
        speed = self.job.speed()
        wait_until(lambda: self.job.alarms()[0] == "unreadable", 60, "partition 0 has an alarm", children=[speed])
        self.assertIn("failed CRC32C check", speed.tail())
        ends = self.log.ends()
        answer = self.job.wait_for("daily_revenue", lambda a: a.complete and a.offsets[1] == ends[1], "partition 1 goes on")
        self.assert_answer(self.job, "daily_revenue", answer, self.log)
        self.job.batch()
        stands_at = self.job.partitions()[0]["next"]
        self.assertLess(stands_at, ends[0])
        wait_until(lambda: self.job.partitions()[0]["cut"] == stands_at, 60, "what lies before it is published")
        self.job.batch("ingest", expect=(69,))
        self.assertIn(f"{self.name}/0: the batch at offset {stands_at} can't be read", self.job.logs())
        segment.write_bytes(messages)
        self.assert_all_served()
        wait_until(lambda: self.job.alarms()[0] is None, 60, "its alarm is gone", children=[speed])
        self.job.batch()
        self.assert_all_served()

    def change(self, file, position):
        with open(file, "r+b") as opened:
            opened.seek(position)
            digit = opened.read(1)
            opened.seek(position)
            opened.write(b"8" if digit == b"9" else b"9")


class Transactions(EndToEnd):
    def start(self, partitions=2):
        self.servers()
        self.orders = iter(month())
        self.simple_platform(self.topic(partitions))
        self.job.serving()
        self.speed = self.job.speed()

    def transaction(self, name):
        return TransactionalWriter(self.kafka.brokers, f"{self.name}-{name}")

    def send_in(self, writer, count):
        for order in itertools.islice(self.orders, count):
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order))
        writer.flush()

    def assert_read_up_to(self, offset, lags=(0,)):
        """The only partition is read up to there, which is all that may be read: nothing is left to do."""

        def there(answer):
            return answer.complete and answer.offsets == {0: offset} and answer.json["provenance"]["speed"]["lag"] in lags

        answer = self.job.wait_for("daily_revenue", there, f"it is read up to {offset}")
        self.reader.into(self.log, self.name)
        self.assertEqual(self.log.ends(), {0: offset})
        self.assert_answer(self.job, "daily_revenue", answer, self.log)

    def uncommitted(self):
        waiting = self.job.status()["uncommitted"]
        return -1 if waiting is None else waiting

    def test_log_that_ends_with_markers_leaves_no_lag(self):
        self.start()
        for turn in range(2):
            writer = self.transaction(f"end-{turn}")
            self.send_in(writer, 100)
            writer.commit() if turn == 0 else writer.abort()
            self.assert_all_served()
            wait_until(lambda: self.job.status()["lag"] == 0, 60, "the lag goes to 0", children=[self.speed])
        self.assertEqual(self.log.fates()["consumed"], 100)
        self.job.batch()
        self.assert_all_served()
        ends = {str(p): end for p, (_, end) in self.reader.ends(self.name).items()}
        behind = lambda answer: answer.json["provenance"]["batch"]["cut"] == ends  # noqa: E731
        self.job.wait_for("daily_revenue", behind, "the markers are behind the cut")
        self.assertEqual(self.job.batch("verify"), 0)
        self.assertEqual(self.speed.stop(), 0)
        self.assertEqual(self.job.speed("--until-end").end(60), 0)

    def test_open_transaction_holds_back_what_is_behind_it_and_is_no_lag(self):
        self.start(1)
        self.send(itertools.islice(self.orders, 100))
        self.assert_all_served()
        self.assertEqual(self.speed.stop(), 0)
        self.send(itertools.islice(self.orders, 10))
        writer = self.transaction("open")
        self.send_in(writer, 50)
        self.send(itertools.islice(self.orders, 50))  # behind it, and so unseen until it ends
        self.speed = self.job.speed("--until-end")
        self.assertEqual(self.speed.end(120), 0, "its end is where the transaction begins")
        self.assert_read_up_to(110, lags=(0, None))  # unknown since that process has ended
        self.speed = self.job.speed()
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 120, "a batch run publishes", every=0.5)
        self.assert_read_up_to(110)
        wait_until(lambda: self.uncommitted() >= 100, 60, "what waits is told", children=[self.speed])
        metrics = self.job.get("/metrics").body.decode()
        self.assertRegex(metrics, r'tidemark_serving_uncommitted_messages{source="orders"} 1\d\d\n')
        self.assertEqual(self.job.status()["partitions"]["0"]["uncommitted"], self.uncommitted())
        writer.commit()
        self.assert_all_served()
        self.assertEqual(self.log.fates()["consumed"], 210)
        wait_until(lambda: self.job.status()["lag"] == 0, 60, "the lag goes to 0 again", children=[self.speed])
        wait_until(lambda: self.uncommitted() == 0, 60, "nothing waits any more", children=[self.speed])

    def test_aborted_transactions_in_the_midst_are_in_no_layer(self):
        self.start()
        for turn in range(6):
            writer = self.transaction(f"midst-{turn}")
            self.send_in(writer, 60)
            writer.abort() if turn % 2 else writer.commit()
            if turn == 3:
                self.assert_all_served()
                self.job.batch()
        self.assert_all_served()
        self.assertEqual(self.log.fates()["consumed"], 180)
        self.job.batch()
        self.assert_all_served()
        self.assertEqual(self.job.batch("verify"), 0)


if __name__ == "__main__":
    unittest.main()
