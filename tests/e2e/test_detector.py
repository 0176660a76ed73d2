# SPDX-License-Identifier: Apache-2.0
"""The fraud detector: every alert once to a read_committed reader, whatever happens to the processes, and its evidence
in the topic proves it."""

import itertools
import json
import os
import random
import re
import signal
import unittest
import urllib.request
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from support import detector as fraud
from support.kafka import AUTHORIZER, Kafka, Reader, Writer
from support.process import ROOT, Child, free_port, wait_until
from support.tidemark import BIN, Folder, Platform, run_to_the_end

from .servers import EndToEnd

_numbers = itertools.count(1)


class ExampleFile(Platform):
    """The programs with docs/examples/fraud.yaml."""

    path = ROOT / "docs" / "examples" / "fraud.yaml"

    def __init__(self, folder):
        super().__init__(folder, None, None, None, {}, {})

    def write(self):
        pass  # the file stays as it is


class DemoBroker:
    """The demo's broker, as far as these tests use a Kafka."""

    def __init__(self, folder, *topics):
        self.child = Child("demo-broker", [BIN / "tidemark-demo-broker", *topics], folder / "demo-broker.log")
        address = lambda: self.child.log.read_text().strip()  # noqa: E731
        self.brokers = wait_until(address, 60, "the demo's broker says its address", children=[self.child])

    def topics(self):
        return set(AdminClient({"bootstrap.servers": self.brokers, "log_level": 2}).list_topics(timeout=10).topics)


class Detector(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.class_folder = Folder("e2e")
        cls.addClassCleanup(cls.class_folder.remove)
        cls.kafka = Kafka(cls.class_folder / "kafka", more=AUTHORIZER)
        cls.addClassCleanup(cls.kafka.stop)

    def start(self, partitions=4, source=None, **options):
        self.servers()
        number = next(_numbers)
        self.name, self.alerts_topic = f"transactions-{number}", f"fraud-alerts-{number}"
        self.kafka.create(self.name, partitions)
        self.job = self.platform({"transactions": fraud.source(self.name, **(source or {}))}, {})
        del self.job.config["views"]
        self.configure(**options)
        self.reader = self.kafka.reader()
        self.addCleanup(self.reader.close)
        self.writer = Writer(self.kafka.brokers)

    def configure(self, **options):
        self.job.config["detectors"] = {"fraud": fraud.detector(self.alerts_topic, **options)}
        self.job.write()

    @property
    def group(self):
        return f"{self.job.config['kafka']['group']}-fraud"

    def send(self, transactions):
        for one in transactions:
            self.writer.send(self.name, one["customer_id"].encode(), fraud.encode(one))
        self.writer.flush()

    def send_one(self, number, amount="1.00", customer="c", second=None):
        at = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp() + (number if second is None else second)
        timestamp = datetime.fromtimestamp(at, timezone.utc).isoformat()
        one = {"transaction_id": f"t{number}", "customer_id": customer, "amount": Decimal(amount)}
        self.send([{**one, "timestamp": timestamp}])

    def counted(self, names):
        """What the metrics of a detector say; by rule where the name has that label."""
        url = f"http://{self.job.config['speed']['listen']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = re.findall(r'tidemark_detector_(\w+)\{detector="fraud"(?:,rule="(\d+)")?\} (\d+)', answer.read().decode())
        found = {}
        for name, rule, number in lines:
            if name in names and rule:
                found.setdefault(name, {})[rule] = int(number)
            elif name in names:
                found[name] = int(number)
        return found

    def alerts(self):
        there = self.alerts_topic in self.kafka.topics()
        found = [message for _, message in self.reader.read(self.alerts_topic)] if there else []
        return [json.loads(message.value(), parse_float=Decimal) for message in found]

    def wait_for_alerts(self, count):
        return wait_until(
            lambda: len(found := self.alerts()) >= count and found,
            90,
            f"{count} alerts",
            every=0.2,
            children=[c for c in self.job.children if c.running()],
        )

    def positions(self, group=None):
        partitions = self.reader.ends(self.name)
        consumer = self.reader.consumer.__class__(
            {"bootstrap.servers": self.kafka.brokers, "group.id": group or self.group, "log_level": 2}
        )
        try:
            found = consumer.committed([TopicPartition(self.name, p) for p in partitions], timeout=10)
        finally:
            consumer.close()
        return {one.partition: one.offset for one in found if one.offset >= 0}

    def wait_until_begun(self):
        wait_until(self.positions, 60, "the detector has positions", every=0.2, children=self.job.children)

    def expected(self, **definition):
        return fraud.Definition(**definition).alerts(message for _, message in self.reader.read(self.name))

    def assert_exactly(self, **definition):
        """All that the definition says is alerted, once, and is proven by its evidence."""
        expected = self.expected(**definition)
        wait_until(
            lambda: len(fraud.alerted(self.alerts())) >= len(expected),
            90,
            f"{len(expected)} alerts",
            every=0.5,
            children=[c for c in self.job.children if c.running()],
        )
        alerts = self.alerts()
        self.assertEqual(fraud.alerted(alerts), expected)
        at = {(p, m.offset()): fraud.Transaction(m) for p, m in self.reader.read(self.name)}
        for alert in alerts:
            self.assertIsNone(fraud.disproof(alert, at, fraud.Definition(**definition)), alert)
        return alerts

    # --- exactly once ---

    def test_every_alert_once_through_kills_crashes_rebalances_and_a_frozen_process(self):
        self.start(**{"from": "beginning"})
        chance = random.Random(1)
        stream = fraud.transactions(chance, 100_000)
        send = lambda count: self.send(itertools.islice(stream, count))  # noqa: E731
        first, second = self.job.speed(), self.job.speed()
        send(4_000)
        self.wait_for_alerts(1)
        first.kill()
        first = self.job.speed(crash_at="in_transaction")
        # It gets partitions after a while, and something to alert in them.
        crashed = lambda: not first.running() or send(100)  # noqa: E731
        wait_until(crashed, 60, "the crash point is reached", every=0.3, children=[second])
        third = self.job.speed()
        send(4_000)
        # Frozen for longer than the group waits, it wakes up when another has its partitions.
        second.process.send_signal(signal.SIGSTOP)
        send(2_000)
        expected = self.expected()
        wait_until(
            lambda: len(fraud.alerted(self.alerts())) >= len(expected), 90, "the other one goes on", children=[third]
        )
        second.process.send_signal(signal.SIGCONT)
        send(1_000)
        alerts = self.assert_exactly()
        self.assertGreater(sum(len(alert["alert_id"].split("/")) == 4 for alert in alerts), 10, "some come out of order")
        self.assertTrue(any(len(alert["alerts"]) == 2 for alert in alerts))
        self.job.stop()
        self.assertEqual(fraud.alerted(self.alerts()), self.expected())

    # --- where it begins and goes on ---

    def test_a_first_start_judges_from_the_end_and_knows_what_came_before(self):
        self.start(1)
        self.job.config["speed"].update({"listen": f"127.0.0.1:{free_port()}"})
        self.job.write()
        for number in range(5):
            self.send_one(number)
        self.send_one(5, customer="another", amount="20000.00")
        speed = self.job.speed()
        self.wait_until_begun()
        self.assertEqual(self.positions(), {0: 6})
        self.send_one(6)
        [alert] = self.wait_for_alerts(1)
        self.assertEqual(alert["alert_id"], "fraud/0/6")
        self.assertEqual([e["offset"] for e in alert["evidence"]], [0, 1, 2, 3, 4, 6])
        self.assertEqual(alert["alerts"], ["High velocity: 6 transactions in 5 min"])
        # A late one makes an earlier one exceed, whose fields are known still, also to a process that comes after.
        speed.kill()
        self.send_one(7, customer="third", second=8)
        for number in range(8, 12):
            self.send_one(number, customer="third", second=number + 1)
        self.job.speed()
        self.send_one(12, customer="third", second=7)
        later = self.wait_for_alerts(2)[1]
        self.assertEqual((later["alert_id"], later["transaction_id"]), ("fraud/0/11/12", "t11"))
        self.assertEqual([e["offset"] for e in later["evidence"]], [12, 7, 8, 9, 10, 11])
        self.send_one(13, customer="third", second=40, amount="10000.01")
        both = self.wait_for_alerts(3)[2]
        self.assertEqual(both["alert_id"], "fraud/0/13")
        self.assertEqual(both["alerts"], ["High velocity: 7 transactions in 5 min", "Large transaction: 10000.01"])
        misplaced = {"transaction_id": "t14", "customer_id": "third", "amount": Decimal("20000.00")}
        self.writer.send(self.name, b"another key", fraud.encode({**misplaced, "timestamp": "2026-01-01T00:00:41Z"}))
        self.writer.flush()
        self.wait_for_alerts(4)
        counted = {"judged_total": 8, "alerts_total": {"1": 3, "2": 2}, "misplaced_total": 1, "late_total": 0}
        wait_until(lambda: self.counted(counted) == counted, 60, f"the metrics say {counted}")
        self.assertEqual(self.job.probe("tidemark-speed"), (0, ""))

    def test_positions_that_are_gone_need_an_operators_word(self):
        self.start(1, **{"from": "beginning"})
        speed = self.job.speed()
        self.send_one(0, amount="20000.00")
        self.wait_for_alerts(1)
        code, output = run_to_the_end(self.reset_command("end"), within=60)
        self.assertEqual(code, 75, output)
        self.assertIn("has members", output)
        self.assertEqual(speed.stop(), 0)
        self.kafka.admin.delete_consumer_groups([self.group])[self.group].result(60)
        speed = self.job.speed()
        self.assertEqual(speed.end(60), 78, speed.tail())
        self.assertIn("reset --detector fraud", speed.tail())
        self.send_one(1, amount="30000.00")
        code, output = run_to_the_end(self.reset_command("end"), within=60)
        self.assertEqual((code, output), (0, f"{self.name}/0: judged from offset 2 on\n"))
        self.job.speed()
        self.send_one(2, amount="40000.00")
        self.assertEqual([a["alert_id"] for a in self.wait_for_alerts(2)], ["fraud/0/0", "fraud/0/2"])

    def reset_command(self, start):
        return [BIN / "tidemark-speed", "reset", "--detector", "fraud", "--from", start, "--config", self.job.path]

    def test_changed_rules_judge_what_comes_after_the_position(self):
        self.start(2, **{"from": "beginning"})
        for number in range(4):
            self.send_one(number)
        self.assertEqual(self.job.speed("--until-end").end(60), 0)
        self.assertEqual(self.alerts(), [])
        self.configure(more_than=3, within="10 minutes", **{"from": "beginning"})
        self.send_one(4)
        self.assertEqual(self.job.speed("--until-end").end(60), 0)
        [alert] = self.alerts()
        self.assertEqual([e["offset"] for e in alert["evidence"]], [0, 1, 2, 3, 4])
        self.kafka.grow(self.name, 3)
        self.writer = Writer(self.kafka.brokers)
        self.writer.send(self.name, b"new", fraud.encode(self.large("new")), partition=2)
        self.writer.flush()
        self.job.speed()
        self.assertEqual(self.wait_for_alerts(2)[1]["alert_id"], "fraud/2/0")

    def test_rules_that_change_while_alerts_are_due_judge_what_was_not_committed(self):
        self.start(1, **{"from": "beginning"})
        self.send_one(0, amount="20000.00")
        self.job.speed()
        self.wait_for_alerts(1)
        self.job.stop()
        self.send_one(1, amount="20000.00")
        self.send_one(2, amount="40000.00")
        crashed = self.job.speed(crash_at="in_transaction")
        wait_until(lambda: not crashed.running(), 60, "it dies with alerts in a transaction", children=[crashed])
        self.configure(above=30000, **{"from": "beginning"})
        self.job.speed()
        self.assertEqual([alert["alert_id"] for alert in self.wait_for_alerts(2)], ["fraud/0/0", "fraud/0/2"])

    def test_a_topic_that_lost_its_head_below_the_position_is_a_gap_of_the_windows(self):
        self.start(1, **{"from": "beginning"})
        for number in range(5):
            self.send_one(number)
        self.assertEqual(self.job.speed("--until-end").end(60), 0)
        self.kafka.admin.delete_records([TopicPartition(self.name, 0, 3)])[TopicPartition(self.name, 0)].result(60)
        for number in range(5, 9):
            self.send_one(number)
        speed = self.job.speed("--until-end")
        self.assertEqual(speed.end(60), 0, speed.tail())
        said = "gap: the log no longer has offsets 0 to 2, which the windows at offset 5 would need"
        self.assertIn(said, speed.tail())
        self.assertEqual([alert["alert_id"] for alert in self.alerts()], ["fraud/0/8"])
        self.assertEqual([e["offset"] for e in self.alerts()[0]["evidence"]], [3, 4, 5, 6, 7, 8])

    def test_an_alert_topic_made_anew_gets_what_comes_after(self):
        self.start(1, **{"from": "beginning"})
        self.job.serving()
        speed = self.job.speed()
        for number in range(3):
            self.send_one(number, amount="20000.00")
        self.wait_for_alerts(3)
        served = lambda: [one["alert_id"] for one in self.job.get("/v1/alerts").json["alerts"]]  # noqa: E731
        wait_until(lambda: len(served()) == 3, 60, "three alerts are served")
        self.kafka.delete(self.alerts_topic)
        self.kafka.create(self.alerts_topic, 1)
        self.send_one(3, amount="20000.00")
        wait_until(lambda: served() == ["fraud/0/3"], 90, "only the new one is served", children=[speed])
        self.assertEqual([alert["alert_id"] for alert in self.wait_for_alerts(1)], ["fraud/0/3"])
        self.assertTrue(speed.running(), speed.tail())

    def test_a_broker_without_transactions_is_told_of_and_alerts_by_their_ids(self):
        self.start(1, **{"from": "beginning"})
        self.kafka = DemoBroker(self.folder, f"{self.name}:1", f"{self.alerts_topic}:1")  # of this test alone
        self.addCleanup(self.kafka.child.kill)
        self.job.config["kafka"]["brokers"] = self.kafka.brokers
        self.job.write()
        self.reader = Reader(self.kafka.brokers)
        self.addCleanup(self.reader.close)
        self.writer = Writer(self.kafka.brokers)
        for number in range(10):
            self.send_one(number, amount="20000.00")
        speed = self.job.speed()
        self.wait_for_alerts(10)
        wait_until(lambda: self.positions() == {0: 10}, 60, "the position follows", children=[speed])
        self.assertEqual(speed.log.read_text().count("this broker has no transactions"), 1, speed.tail())
        speed.kill()
        for number in range(10, 20):
            self.send_one(number, amount="20000.00")
        self.job.speed()
        expected = {f"fraud/0/{number}" for number in range(20)}
        found = lambda: {alert["alert_id"] for alert in self.alerts()}  # noqa: E731
        wait_until(lambda: found() == expected, 90, "what comes later is alerted too")

    def large(self, ident):
        at = datetime(2026, 1, 1, tzinfo=timezone.utc).isoformat()
        return {"transaction_id": ident, "customer_id": ident, "amount": Decimal("99999.00"), "timestamp": at}

    def test_a_log_that_lost_its_head_is_a_gap_and_a_full_memory_an_alarm(self):
        self.start(1, memory="1 MiB", **{"from": "beginning"})
        for number in range(4):
            self.send_one(number, amount="20000.00")
        self.assertEqual(self.job.speed("--until-end").end(60), 0)
        for number in range(4, 7):
            self.send_one(number, amount="20000.00")
        self.kafka.admin.delete_records([TopicPartition(self.name, 0, 6)])[TopicPartition(self.name, 0)].result(60)
        speed = self.job.speed("--until-end")
        self.assertEqual(speed.end(60), 0, speed.tail())
        self.assertIn("gap: the log no longer has offsets 4 to 5, which were not judged", speed.tail())
        self.assertEqual([fraud.place_of(alert)[1] for alert in self.alerts()], [0, 1, 2, 3, 6])
        self.job.serving()
        seen = lambda: self.job.get("/v1/status").json["detectors"][0]["partitions"]  # noqa: E731
        wait_until(lambda: seen() == {"0": {"next": 7, "gap": 2}}, 60, "the status says what was lost")
        self.send([{**self.large(str(i)), "amount": Decimal(1)} for i in range(20_000)])
        speed = self.job.speed("--until-end")
        self.assertEqual(speed.end(60), 65, speed.tail())
        self.assertIn("alarm: stopped at offset", speed.tail())
        self.send_one(7, amount="20000.00")
        self.configure(memory="100 MiB", **{"from": "beginning"})
        self.assertEqual(self.job.speed("--until-end").end(60), 0)
        self.assertEqual([fraud.place_of(alert)[1] for alert in self.alerts()], [0, 1, 2, 3, 6, 20_007])


    def test_an_alert_topic_that_refuses_is_waited_for(self):
        self.start(1, **{"from": "beginning"})
        self.kafka.create(self.alerts_topic, 1, max_message_bytes=100)
        speed = self.job.speed()
        self.send_one(0, amount="20000.00")
        refused = lambda: "raise its max.message.bytes" in speed.tail()  # noqa: E731
        wait_until(refused, 60, "the log says what is wrong", children=[speed])
        self.assertEqual(self.alerts(), [])
        self.kafka.configure(self.alerts_topic, "max.message.bytes", 1_000_000)
        self.assertEqual([alert["alert_id"] for alert in self.wait_for_alerts(1)], ["fraud/0/0"])

    def end_of_a_run(self, code):
        """What a process says that ends by itself."""
        speed = self.job.speed()
        self.assertEqual(speed.end(60), code, speed.tail())
        return speed.tail()

    def test_an_alert_topic_that_may_not_be_written_ends_with_what_to_do(self):
        self.start(1, **{"from": "beginning"})
        self.kafka.create(self.alerts_topic, 1)
        self.kafka.allow_only(self.alerts_topic, "READ")
        self.send_one(0, amount="20000.00")
        said = self.end_of_a_run(78)
        self.assertIn(f"give this user the right Write on the topic {self.alerts_topic} and on transactional ids", said)
        self.kafka.allow_only(self.alerts_topic, "READ", "WRITE")
        speed = self.job.speed()
        self.wait_for_alerts(1)
        # What is taken away later is waited for.
        self.kafka.allow_only(self.alerts_topic, "READ")
        self.send_one(1, amount="20000.00")
        wait_until(lambda: "its alerts wait" in speed.tail(), 60, "the log says that it waits", children=[speed])
        self.kafka.allow_only(self.alerts_topic, "READ", "WRITE")
        self.assertEqual([alert["alert_id"] for alert in self.wait_for_alerts(2)], ["fraud/0/0", "fraud/0/1"])
        self.assertTrue(speed.running())

    def test_an_alert_topic_that_may_not_be_made_ends_with_what_to_do(self):
        self.start(1, **{"from": "beginning"})
        self.addCleanup(self.kafka.forbid_creating, False)
        self.kafka.forbid_creating()
        self.kafka.allow_only(self.alerts_topic, "READ", "WRITE")
        self.assertIn("make the topic of its alerts, or give this user the rights", self.end_of_a_run(78))
        self.kafka.allow_only(self.alerts_topic, "CREATE", "READ", "WRITE")
        self.send_one(0, amount="20000.00")
        self.job.speed()
        self.wait_for_alerts(1)

    # --- what people see ---

    def test_the_example_file_runs_as_it_stands(self):
        self.servers()
        self.reader = self.kafka.reader()
        self.addCleanup(self.reader.close)
        self.writer = Writer(self.kafka.brokers)
        self.name, self.alerts_topic = "transactions", "fraud-alerts"
        self.kafka.create(self.name, 4)
        self.job = ExampleFile(self.folder / "example")
        self.addCleanup(self.job.kill)
        self.job.env = {
            **os.environ,
            "KAFKA_BROKERS": self.kafka.brokers,
            "REDIS_URL": self.redis.url,
            "POSTGRES_URL": self.postgres.url,
            "HTTP_LISTEN": f"127.0.0.1:{self.job.port}",
        }
        self.job.serving()
        self.job.speed()
        wait_until(lambda: self.alerts_topic in self.kafka.topics(), 60, "the alert topic is made")
        wait_until(lambda: self.job.get("/v1/alerts").status == 200, 60, "alerts are answered")
        group = lambda: "fraud-example-fraud"  # noqa: E731
        wait_until(lambda: self.positions(group()), 60, "the detector has positions", children=self.job.children)
        for number in range(7):
            self.send_one(number, amount="10000.01" if number == 6 else "10000.00")
        alerts = self.wait_for_alerts(2)
        self.assertEqual([len(alert["alerts"]) for alert in alerts], [1, 2])
        served = lambda query="": self.job.get(f"/v1/alerts{query}").json["alerts"]  # noqa: E731
        wait_until(lambda: served() == alerts[::-1], 60, "the same alerts are served, the latest first")
        self.assertEqual(served("?field.amount=10000"), alerts[:1])
        self.assertEqual(served("?detector=fraud&limit=1&field.customer_id=c"), alerts[1:])
        # Without Kafka what is answered of alerts would be old, and nobody is told so by an empty list.
        self.kafka.child.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: self.job.get("/v1/alerts").status == 503, 90, "without Kafka alerts are 503")
            self.assertEqual(self.job.get("/v1/views").status, 200)
        finally:
            self.kafka.child.process.send_signal(signal.SIGCONT)
        wait_until(lambda: self.job.get("/v1/alerts").status == 200, 90, "and come back with it")

    # --- what proves an alert ---

    def read_back(self, alert):
        """The transactions that its evidence names, each read by its offset."""
        evidence = [self.reader.at(self.name, e["partition"], e["offset"]).value() for e in alert["evidence"]]
        return [json.loads(value, parse_float=Decimal) for value in evidence]

    def assert_counted(self, alert, count):
        """So many transactions of its customer within five minutes, itself the last."""
        counted = self.read_back(alert)
        times = [fraud.seconds(one["timestamp"]) for one in counted]
        self.assertEqual(alert["alerts"], [f"High velocity: {count} transactions in 5 min"])
        self.assertEqual(len({one["transaction_id"] for one in counted}), count)
        self.assertEqual({one["customer_id"] for one in counted}, {alert["customer_id"]})
        self.assertEqual(counted[-1]["transaction_id"], alert["transaction_id"])
        self.assertEqual(max(times), times[-1])
        self.assertLess(max(times) - min(times), 300_000_000)

    def test_the_evidence_of_each_kind_of_alert_read_back_by_its_offsets_proves_it(self):
        self.start(1, **{"from": "beginning"})
        for number in range(6):
            self.send_one(number, customer="fast", second=50 * number)
        self.send_one(6, customer="rich", amount="10000.01", second=310)
        for number in range(7, 12):
            self.send_one(number, customer="slow", second=312 + number)
        self.send_one(12, customer="slow", second=311)
        self.job.speed()
        velocity, when, caused = self.wait_for_alerts(3)
        self.assertEqual([one["alert_id"] for one in (velocity, when, caused)], ["fraud/0/5", "fraud/0/6", "fraud/0/11/12"])
        self.assert_counted(velocity, 6)
        self.assertEqual(when["alerts"], ["Large transaction: 10000.01"])
        [large] = self.read_back(when)
        self.assertEqual((large["transaction_id"], large["amount"]), (when["transaction_id"], Decimal("10000.01")))
        self.assert_counted(caused, 6)
        cause = self.read_back({"evidence": [{"partition": 0, "offset": 12}]})[0]
        self.assertIn(cause, self.read_back(caused))

    # --- trying rules on what came ---

    def backtest(self, *options):
        """(its alerts, its summary)."""
        command = [BIN / "tidemark-speed", "backtest", "--detector", "fraud", *options, "--config", self.job.path]
        code, output = run_to_the_end(command)
        self.assertEqual(code, 0, output)
        lines = output.splitlines()
        return [json.loads(line, parse_float=Decimal) for line in lines if line[:1] == "{"], [
            line for line in lines if line[:1] != "{"
        ]

    def test_a_backtest_prints_what_was_alerted_and_what_other_rules_would_have(self):
        self.start(2, source={"on_duplicate": "ignore"}, **{"from": "beginning"})
        chance = random.Random(2)
        self.send(fraud.transactions(chance, 3_000))
        middle = datetime.now(timezone.utc).replace(microsecond=0)
        wait_until(lambda: datetime.now(timezone.utc) >= middle + timedelta(seconds=2), 10, "a second is over")
        self.send(fraud.transactions(chance, 3_000, datetime(2026, 1, 1, 2, tzinfo=timezone.utc)))
        self.assertEqual(self.job.speed("--until-end").end(60), 0)
        alerted = {alert["alert_id"]: alert for alert in self.alerts()}
        found, summary = self.backtest()
        self.assertEqual({alert["alert_id"]: alert for alert in found}, alerted)
        rules = [rule for alert in found for rule in fraud.rules_of(alert)]
        self.assertEqual(summary[-1], f"rule 2 (when): {rules.count(fraud.LARGE)} alerts")
        at = (middle + timedelta(seconds=1)).isoformat()
        first, second = self.backtest("--to", at)[0], self.backtest("--from", at)[0]
        self.assertTrue(first and second)
        self.assertEqual({alert["alert_id"]: alert for alert in first + second}, alerted)
        self.configure(more_than=3, above=9000)
        found, _ = self.backtest()
        self.assertEqual(fraud.alerted(found), self.expected(more_than=3, above=9000))
        self.assertEqual(len(self.alerts()), len(alerted))


if __name__ == "__main__":
    unittest.main()
