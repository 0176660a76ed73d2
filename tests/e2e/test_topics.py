# SPDX-License-Identifier: Apache-2.0
"""Topics that come late, grow, or hold what is no order."""

import random
import unittest
from datetime import datetime, timedelta, timezone

from support import disorder, online_retail
from support.kafka import AUTHORIZER, Kafka, TransactionalWriter, Writer
from support.process import Final, wait_until
from support.tidemark import Folder

from .servers import EndToEnd, month


class Topics(EndToEnd):
    def start(self, partitions=4, create=True, **options):
        self.servers()
        self.simple_platform(self.topic(partitions, create), **options)

    def test_topic_that_appears_later_is_waited_for(self):
        self.start(create=False)
        self.job.serving()
        speed = self.job.speed()
        wait_until(lambda: self.name.encode() in speed.log.read_bytes(), 60, "it says that the topic is missing")
        self.kafka.create(self.name, 3)
        self.send(month(0, 500))
        self.assert_all_served()
        self.job.stop()

    def test_two_hundred_partitions_are_opened_and_their_lag_is_unknown_until_each_is(self):
        count = 200
        self.start(count)
        self.job.serving()
        speed = self.job.speed()
        self.send_one_each(count, 0)
        self.assert_all_served()
        wait_until(lambda: self.lags() == [0] * count, 60, "it is followed to the end", children=[speed])
        self.assertLess(len(speed.log.read_bytes().splitlines()), 50, speed.tail())
        self.assertEqual(speed.stop(), 0)
        wait_until(lambda: self.lags() == [None] * count, 60, "nobody follows it")
        self.send_one_each(count, count)
        speed = self.job.speed()
        wait_until(self.followed_from(2), 120, "all are followed again", children=[speed])
        self.assert_all_served()
        self.job.stop()

    def send_one_each(self, partitions, first):
        writer = Writer(self.kafka.brokers)
        for partition, order in enumerate(month(first, partitions)):
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order), partition=partition)
        writer.flush()

    def lags(self):
        return [state["lag"] for state in self.job.partitions().values()]

    def followed_from(self, end):
        """Each partition has been read up to its end; and none says so before."""

        def followed():
            states = self.job.partitions()
            for number, state in states.items():
                if state["lag"] == 0 and state["next"] != end:
                    raise Final(f"partition {number} has the lag 0 and was read up to {state['next']} of {end}")
            return all(state["lag"] == 0 for state in states.values())

        return followed

    def test_event_time_after_its_record_time_by_more_than_an_hour_is_bad(self):
        self.start(1)
        self.job.serving()
        self.job.speed()
        now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
        base = {**month(0, 1)[0], "updated_at": now}
        minutes = [-60 * 24 * 40, -1, 30, 59, 90, 60 * 24 * 365]
        self.send([{**base, "order_id": f"o{m}", "timestamp": now + timedelta(minutes=m)} for m in minutes])
        old = int(datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp() * 1000)
        for number, ahead in enumerate((59, 60, 61)):
            at = datetime(2026, 1, 1) + timedelta(minutes=ahead)
            self.send([{**base, "order_id": f"r{number}", "timestamp": at}], timestamp_ms=old)
        self.assert_all_served()
        self.assertEqual(self.log.surviving()[1][0]["bad"], 3)
        self.job.batch()
        self.assert_all_served()

    def test_more_partitions_before_the_first_run_make_answers_incomplete(self):
        self.grown_topic(batch_run_before=False)

    def test_more_partitions_after_a_run_make_answers_incomplete(self):
        self.grown_topic(batch_run_before=True)

    def grown_topic(self, batch_run_before):
        self.start(2)
        self.job.serving()
        self.job.speed()
        self.send(month(0, 500))
        self.assert_all_served()
        if batch_run_before:
            self.job.batch()
        self.kafka.grow(self.name, 4)
        self.send(month(0, 1000))
        ends = {partition: end for partition, (_, end) in self.reader.ends(self.name).items()}
        read = lambda answer: self.repartitioned(answer) and answer.offsets == ends  # noqa: E731
        self.job.wait_for("daily_revenue", read, "has read all, and is incomplete: repartitioned")
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 120, "a batch run publishes", every=0.5)
        epoch = 2 if batch_run_before else 1
        published = lambda a: a.json["provenance"]["batch"]["epoch"] == epoch  # noqa: E731
        answer = self.job.wait_for("daily_revenue", published, "the run is answered")
        self.assertTrue(self.repartitioned(answer), "it stays so")
        self.job.batch("run", "--accept-partitions")
        self.assert_all_served()

    @staticmethod
    def repartitioned(answer):
        provenance = answer.json["provenance"]
        return not provenance["complete"] and any(m["reason"] == "repartitioned" for m in provenance["missing"])

    def test_late_version_of_an_old_order_is_taken_back_from_its_old_window(self):
        self.start(2)
        self.job.serving()
        self.job.speed()
        self.send(month(0, 2000))
        self.assert_all_served()
        self.job.batch()
        cancelled = [{**order, "status": "cancelled"} for order in month(0, 50)]
        self.send(cancelled)
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()

    def test_version_with_another_event_time_moves_the_order(self):
        self.start(2)
        self.job.serving()
        self.job.speed()
        self.send(month(0, 500))
        self.assert_all_served()
        self.send([online_retail.shifted(order, timedelta(days=3)) for order in month(0, 40)])
        self.assert_all_served()
        self.job.batch()
        self.send([online_retail.shifted(order, timedelta(days=-3)) for order in month(0, 40)])
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()

    def test_aborted_transactions_are_not_counted(self):
        self.start(2)
        self.job.serving()
        self.job.speed()
        writer = TransactionalWriter(self.kafka.brokers, "orders")
        orders = month(0, 600)
        for piece in range(6):
            for order in orders[piece * 100 : piece * 100 + 100]:
                writer.send(self.name, order["order_id"].encode(), online_retail.encode(order))
            writer.flush()
            if piece % 2:
                writer.abort()
            else:
                writer.commit()
        self.send(month(600, 10))  # so that messages, not markers, are the last of both partitions
        self.assert_all_served()
        self.assertEqual(sum(ledger["consumed"] for ledger in self.log.surviving()[1].values()), 310)
        self.job.batch()
        self.assert_all_served()

    def test_orders_in_two_partitions_count_in_each_and_are_an_alarm(self):
        self.start(2)
        self.job.serving()
        self.job.speed()
        orders = list(month(0, 100))
        self.send(orders, partition=0)
        self.assert_all_served()
        self.job.batch()
        self.send(orders[:7], partition=1)
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()
        wait_until(lambda: self.job.status()["split_orders"] == 7, 60, "they are counted")
        self.assertIn('tidemark_split_orders{source="orders"} 7\n', self.job.get("/metrics").body.decode())
        self.assertIn("7 orders have versions in two partitions", self.status_of_batch())

    def test_compacted_topic_is_refused_at_start_and_at_each_run(self):
        self.start(2)
        self.job.speed()
        self.send(month(0, 50))
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 120, "a batch run publishes", every=0.5)
        self.job.stop()
        for policy in ("compact", "compact,delete"):
            self.kafka.set_policy(self.name, policy)
            for start in (self.job.speed, self.job.start_batch, lambda: self.job.start_batch("repair", "--yes")):
                child = start()
                self.assertEqual(child.end(60), 78, child.tail())
                self.assertIn(f"the cleanup.policy of its topic {self.name} is {policy}", child.tail())
        self.kafka.set_policy(self.name, "delete")
        self.job.serving()
        self.job.speed()
        self.send(month(50, 50))
        self.assert_all_served()
        self.job.batch()
        self.job.batch("verify")

    def status_of_batch(self):
        status = self.job.start_batch("status")
        self.assertEqual(status.end(60), 0)
        return status.tail()


WARNING = "the right to describe topics is missing"


class TopicsOfOthers(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.class_folder = Folder("e2e")
        cls.addClassCleanup(cls.class_folder.remove)
        cls.kafka = Kafka(cls.class_folder / "kafka", more=AUTHORIZER)
        cls.addClassCleanup(cls.kafka.stop)

    def test_topic_that_nobody_may_describe_is_followed_with_one_warning(self):
        self.servers()
        self.simple_platform(self.topic(2))
        self.kafka.allow_only(self.name, "READ", "WRITE", "DESCRIBE")
        self.job.serving()
        speed = self.job.speed()
        self.send(month(0, 50))
        self.assert_all_served()
        run = self.job.start_batch()
        self.assertEqual(run.end(120), 0, run.tail())
        for child in (speed, run):
            self.assertEqual(child.log.read_text().count(WARNING), 1, child.tail())
        self.assert_all_served()


if __name__ == "__main__":
    unittest.main()
