# SPDX-License-Identifier: Apache-2.0
"""What somebody did to a store or to the topic by hand is noticed, named, and mended; verify proves it each time."""

import threading
import unittest

from confluent_kafka import TopicPartition

from support import online_retail
from support.kafka import Kafka, Writer
from support.process import wait_until
from support.tidemark import differences, source, view

from .servers import EndToEnd, month


class Damage(EndToEnd):
    def start(self, partitions=2, published=1000, live=500, views=None):
        """A platform with something in both layers, from which a part was read since the last batch run."""
        self.servers()
        self.simple_platform(self.topic(partitions))
        # A member that the group took for dead would look at its slots anew by itself, and find what a test is to find.
        self.job.config["kafka"]["properties"] = {"session.timeout.ms": 60000}
        self.job.config["views"].update(views or {})
        self.job.write()
        self.speed, self.serving = self.job.speed(), self.job.serving()
        self.send(month(0, published))
        self.assert_all_served()
        self.job.batch()
        self.wait_for_epoch(1)
        self.send(month(published, live))
        self.assert_all_served()

    def wait_for_epoch(self, epoch):
        published = lambda answer: answer.json["provenance"]["batch"]["epoch"] == epoch  # noqa: E731
        return self.job.wait_for("daily_revenue", published, f"epoch {epoch} is answered")

    def key(self, partition, name):
        """Of the slot that there is by now."""
        return self.job.slot_key(self.redis, partition, name)

    def keys(self, pattern):
        return sorted(self.redis.command("keys", f"{self.job.folder.name}:{pattern}").split())

    def restart_serving(self):
        self.serving.stop()
        self.serving = self.job.serving()

    def says(self, child, words, within=90):
        wait_until(lambda: words.encode() in child.log.read_bytes(), within, f"it says: {words}", children=[child])

    def assert_incomplete(self, reason):
        """Says what is missing, for this reason."""

        def fulfilled(answer):
            return any(missing["reason"] == reason for missing in answer.json["provenance"]["missing"])

        answer = self.job.wait_for("daily_revenue", fulfilled, f"is incomplete: {reason}")
        self.assertFalse(answer.complete)
        return answer

    def assert_healed(self):
        self.assert_all_served()
        self.job.batch("verify")
        self.job.batch("repair")

    # --- verify ---

    def test_verify_is_exact_while_the_platform_runs(self):
        self.start()
        ended, orders = threading.Event(), month(1500, 20000)

        def produce():
            for piece in range(0, len(orders), 100):
                if ended.wait(0.02):
                    return
                self.send(orders[piece : piece + 100])

        producer = threading.Thread(target=produce)
        producer.start()
        try:
            for _ in range(4):
                wait_until(lambda: self.job.batch("verify", expect=(0, 75)) == 0, 60, "all is equal")
                self.job.batch(expect=(0, 75))
        finally:
            ended.set()
            producer.join()
        self.assert_healed()

    def test_verify_names_the_first_cell_that_differs_and_its_messages(self):
        self.start()
        key = self.keys("{orders/0}:*:2:cells:daily_revenue:*")[0]
        field = [f for f in self.redis.command("hkeys", key).split("\n") if f.endswith("#0r")][0]
        ledger = key[: key.index(":cells")] + ":ledger"
        self.redis.command("hincrby", key, field, 1)
        self.redis.command("hincrby", ledger, "total:daily_revenue#0r", 1)  # else an audit would find it
        verify = self.job.start_batch("verify")
        self.assertEqual(verify.end(60), 65)
        text = verify.tail()
        for words in ("partition 0", "view daily_revenue", "real-time", "recomputed", "messages touch it", "offset"):
            self.assertIn(words, text)

    def verify_names(self, *words):
        verify = self.job.start_batch("verify")
        self.assertEqual(verify.end(60), 65)
        for word in words:
            self.assertIn(word, verify.tail())

    def test_verify_recomputes_members_and_sessions_and_finds_what_was_edited(self):
        customers = {"order_count": "count", "customers": "unique(customer_id)"}
        visits = view("orders", "session 30 minutes", dimensions=["customer_id"], retention="400 days")
        self.start(views={"customers": view("orders", measures=customers), "visits": visits})
        self.job.batch("verify")
        for name in ("customers:customer_id", "visits"):
            key = self.keys(f"{{orders/0}}:*:2:cells:{name}:*")[0]
            field = [f for f in self.redis.command("hkeys", key).split("\n") if f.endswith("#c")][0]
            self.redis.command("hincrby", key, field, 1)
            self.verify_names("partition 0", "real-time", f"view {name}, ", "recomputed", "messages touch it")
            self.redis.command("hincrby", key, field, -1)
        self.job.batch("verify")
        edit = "update tidemark.current_orders set customer_id = 'nobody' where tm_offset = 0 and tm_partition = 0"
        self.postgres.sql(edit)
        self.verify_names("view customers, ", "in the table, and the live versions give")
        self.job.batch("repair", "--yes")
        self.postgres.sql('update view."visits.panes" set tm_window = tm_window + 1 where tm_count = 1')
        self.verify_names("view visits, ")
        self.job.batch("repair", "--yes")
        self.assert_healed()

    # --- Redis ---

    def test_cells_deleted_one_by_one_are_noticed_and_built_again(self):
        self.start()
        key = self.keys("{orders/1}:*:2:cells:*")[0]
        for field in self.redis.command("hkeys", key).split("\n"):
            self.redis.command("hdel", key, field)
        verify = self.job.start_batch("verify")
        self.assertEqual(verify.end(60), 65)
        self.assertIn("partition 1: its slot", verify.tail())
        self.restart_serving()
        self.assert_incomplete("rebuilding")
        self.speed.stop()
        self.speed = self.job.speed()
        self.says(self.speed, "orders/1: its slot in the real-time store is damaged: epoch 2")
        self.assert_healed()

    def test_deleted_cells_are_noticed_by_a_speed_layer_that_runs(self):
        self.start()
        for key in self.keys("{orders/*}:*:cells:*"):
            self.redis.command("del", key)
        self.says(self.speed, "is damaged", within=150)
        self.says(self.speed, "orders/1: its slot in the real-time store is damaged", within=150)
        self.says(self.speed, "orders/0: its slot in the real-time store is damaged", within=150)
        self.restart_serving()
        self.assert_healed()

    def test_every_field_of_meta_edited_by_hand_is_noticed_and_repaired(self):
        self.start(partitions=4)
        fields = sorted(self.redis.command("hkeys", self.key(0, "meta")).split("\n"))
        self.assertGreater(len(fields), 20)
        left = [field for field in fields if field != "format"] + ["something"]
        for piece in range(0, len(left), 4):
            for partition, field in enumerate(left[piece : piece + 4]):
                self.redis.command("hset", self.key(partition, "meta"), field, "garbage")
            repair = self.job.start_batch("repair")
            self.assertEqual(repair.end(60), 65, repair.tail())
            for partition, field in enumerate(left[piece : piece + 4]):
                self.assertIn(f"partition {partition}: its slot is damaged", repair.tail(), field)
            self.job.batch("repair", "--yes")
            self.send(month(1500 + 50 * piece, 50))
            self.assert_all_served()
        self.assert_healed()

    def test_an_older_format_is_built_again(self):
        self.start()
        meta = self.key(0, "meta")
        new = ["tail", "gaps", "alarm", "digest", "lost", *(f"consumed:{epoch}" for epoch in (1, 2, 3))]
        self.redis.command("hdel", meta, *new)
        self.redis.command("hset", meta, "format", 1)
        self.says(self.speed, "orders/0: its slot has format 1 and this program writes 3: it is built again")
        self.assert_healed()
        self.redis.command("hset", meta, "format", 0)
        self.says(self.speed, "orders/0: its slot has format 0 and this program writes 3: it is built again")
        self.assert_healed()

    def test_an_older_format_is_named_while_no_speed_layer_runs(self):
        self.start()
        self.speed.stop()
        self.redis.command("hset", self.key(0, "meta"), "format", 1)
        self.assert_commands_say("it has format 1, and this program writes format 3", verify=75, repair=65)
        self.assert_incomplete("rebuilding")
        self.job.batch("repair", "--yes")
        self.assertEqual(self.keys("{orders/0}:*"), [])
        self.speed = self.job.speed()
        self.assert_healed()

    def assert_commands_say(self, words, **codes):
        for command, code in codes.items():
            batch = self.job.start_batch(command)
            self.assertEqual(batch.end(60), code, f"{command}: {batch.tail()}")
            self.assertIn("partition 0", batch.tail(), command)
            self.assertIn(words, batch.tail(), command)

    def assert_goes_on_without_partition_0(self):
        """The other partition is read to its end and answered exactly; the answer says what is missing."""
        self.reader.into(self.log, self.name)
        end = self.log.ends()[1]

        def fulfilled(answer):
            return answer.offsets[1] == end and not answer.complete

        answer = self.job.wait_for("daily_revenue", fulfilled, "the other partition goes on")
        missing = [(m["partition"], m["reason"]) for m in answer.json["provenance"]["missing"]]
        self.assertEqual(missing, [(0, "rebuilding")])
        cut = answer.json["provenance"]["batch"]["cut"]["0"]
        self.assertEqual(answer.offsets, {0: cut, 1: end})
        self.assertIsNone(answer.json["provenance"]["speed"]["lag"])
        definition = self.job.oracle_view("daily_revenue")
        self.assertFalse(differences(self.log.rows(definition, answer.offsets), answer.rows(definition)))
        self.assertTrue(self.job.status()["redis"]["reachable"])
        self.assertEqual(self.job.alarms(), {0: "format", 1: None})

    def test_a_newer_format_stops_one_partition_until_repair_is_told_to_forget_it(self):
        self.start()
        meta = self.key(0, "meta")
        self.redis.command("hset", meta, "format", 99)
        held = self.redis.command("hgetall", meta)
        what = "it has format 99, and this program knows up to format 3"
        self.says(self.speed, f"orders/0 waits: its slot: {what}")
        self.says(self.serving, f"orders/0: its slot in the real-time store is damaged: {what}")
        self.send(month(1500, 300))
        self.assert_goes_on_without_partition_0()
        self.assert_commands_say(what, verify=65, run=75, repair=65)
        self.assert_commands_say("alarm: partition 0 stands still: its slot: " + what, status=0)
        repair = self.job.start_batch("repair")
        self.assertEqual(repair.end(60), 65)
        self.assertIn("its slot was written by a newer release", repair.tail())
        self.assertIn("would be mended: the slot is forgotten, and the speed layer builds it again", repair.tail())
        self.speed.stop()
        self.speed = self.job.speed()
        self.restart_serving()
        self.send(month(1800, 300))
        self.assert_goes_on_without_partition_0()
        self.assertEqual(self.redis.command("hgetall", meta), held)  # whoever wrote it finds it as it was
        self.job.batch("repair", "--yes")
        self.assert_healed()
        self.send(month(2100, 100))
        self.assert_all_served()
        self.job.batch()
        self.assert_healed()

    def test_a_partition_goes_on_by_itself_once_its_format_is_known(self):
        self.start()
        meta = self.key(0, "meta")
        self.redis.command("hset", meta, "format", 4)
        self.says(self.speed, "orders/0 waits: its slot: it has format 4")
        self.send(month(1500, 300))
        self.assert_goes_on_without_partition_0()
        self.redis.command("hset", meta, "format", 3)
        self.assert_healed()
        self.assertNotIn(b"orders/0: begins at offset", self.speed.log.read_bytes().split(b"orders/0 waits")[1])

    # --- PostgreSQL ---

    def test_rows_removed_and_changed_in_postgres_are_repaired(self):
        self.start()
        self.postgres.sql("delete from raw.orders where tm_offset % 7 = 0")
        self.job.batch("verify", expect=(65,))
        self.postgres.sql("update view.daily_revenue set tm_count = tm_count + 1, order_count = order_count + 1")
        verify = self.job.start_batch("verify")
        self.assertEqual(verify.end(60), 65)
        self.job.batch("repair", expect=(65,))
        self.job.batch("repair", "--yes")
        self.assert_healed()
        self.job.batch()
        self.assert_healed()

    # --- the topic ---

    def test_a_topic_made_anew_is_refused_and_another_name_is_the_way_out(self):
        self.start()
        self.speed.stop()
        before = self.job.view("daily_revenue").json["rows"]
        self.kafka.delete(self.name)
        self.kafka.create(self.name, 2)
        orders = month(2000, 4000)
        self.send(orders)
        speed = self.job.speed()
        self.says(speed, "the topic was made anew; give the source another name to begin anew")
        self.job.batch("repair", "--yes", expect=(78,))
        self.assertEqual(self.job.view("daily_revenue").json["rows"], before)
        speed.stop()
        self.serving.stop()
        self.job.config["sources"] = {"orders_2": source(self.name)}
        self.job.config["views"] = {"daily_revenue": view("orders_2")}
        self.job.write()
        self.log.partitions.clear()
        self.job.speed()
        self.job.serving()
        self.assert_all_served()
        self.job.batch()
        self.assert_healed()

    def test_topic_of_the_same_name_in_another_cluster_is_refused_by_all_and_changes_nothing(self):
        self.start()
        self.speed.stop()
        before = self.job.view("daily_revenue").steady
        other = Kafka(self.folder / "other-kafka")
        self.addCleanup(other.stop)
        other.create(self.name, 2)
        writer = Writer(other.brokers)
        for order in month(2000, 4000):
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order))
        writer.flush()
        self.job.config["kafka"]["brokers"] = other.brokers
        self.job.write()
        speed = self.job.speed()
        self.says(speed, "orders/0 was published from Kafka cluster")
        for command in ("run", "verify", "repair"):
            batch = self.job.start_batch(command, *(["--yes"] if command == "repair" else []))
            self.assertEqual(batch.end(60), 78, batch.tail())
            self.assertIn("check kafka.brokers", batch.tail())
        self.assertEqual(speed.stop(), 0)
        self.assertEqual(self.job.view("daily_revenue").steady, before)
        self.redis.command("flushall")  # then only what is published tells that this is another log
        speed = self.job.speed()
        self.says(speed, "orders/0 was published from Kafka cluster")
        self.assertEqual(speed.stop(), 0)
        self.assert_incomplete("rebuilding")
        self.job.config["kafka"]["brokers"] = self.kafka.brokers
        self.job.write()
        self.job.speed()
        self.send(month(1500, 300))
        self.assert_all_served()
        self.job.batch()
        self.assert_healed()

    def forget_between(self, cut, lost):
        """The batch layer lost what the speed layer had read and it had not: the oracle shall not know it either."""
        for partition, messages in self.log.partitions.items():
            messages[:] = [m for m in messages if not cut[partition] <= m[0] < lost[partition]]

    def test_messages_that_the_topic_lost_unread_are_a_gap_until_it_is_accepted(self):
        self.start()
        self.speed.stop()
        self.send(month(1500, 1000))
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items()}
        lost = {p: end - 100 for p, end in ends.items()}
        records = [TopicPartition(self.name, p, offset) for p, offset in lost.items()]
        for future in self.kafka.admin.delete_records(records).values():
            future.result(60)
        cut = self.job.view("daily_revenue").json["provenance"]["batch"]["cut"]
        published_cut = {int(partition): offset for partition, offset in cut.items()}
        unread = self.log.ends()
        self.job.speed()
        expected = [(p, unread[p], lost[p]) for p in sorted(lost)]

        def told(answer):
            gaps = [m for m in answer.json["provenance"]["missing"] if m["reason"] == "gap"]
            return [(m["partition"], m["from"], m["to"]) for m in gaps] == expected

        self.assertFalse(self.job.wait_for("daily_revenue", told, f"tells {expected}").complete)
        self.job.batch("verify", expect=(75,))
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 60, "a batch run publishes")
        self.assertFalse(self.wait_for_epoch(2).complete)
        self.forget_between(published_cut, lost)
        status = self.job.start_batch("status")
        self.assertEqual(status.end(60), 0)
        self.assertIn("not accepted (run --accept-gaps)", status.tail())
        wait_until(lambda: self.job.batch("run", "--accept-gaps", expect=(0, 75)) == 0, 60, "the gaps are accepted")
        self.assert_healed()


if __name__ == "__main__":
    unittest.main()
