# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: real servers, a platform on them, and the comparison with the oracle."""

import itertools
import signal
import unittest

from support import online_retail, oracle
from support.kafka import Kafka, Writer
from support.postgres import Postgres
from support.redis import Redis
from support.process import ROOT
from support.tidemark import Folder, Platform, differences, source, view

_numbers = itertools.count(1)
MONTH = [ROOT / "tests" / "data" / "2010-12.csv.gz"]


def month(first=0, count=None):
    """Orders of the month: `count` of them from the one numbered `first`."""
    return list(itertools.islice(online_retail.orders(MONTH), first, None if count is None else first + count))


def wake_up(server):
    """A server that a test has frozen, stopped or killed is as the next test wants it."""
    if server.child.running():
        server.child.process.send_signal(signal.SIGCONT)
    else:
        server.start()


class EndToEnd(unittest.TestCase):
    """A test with Kafka, Redis and PostgreSQL. Redis and PostgreSQL are this test's own; Kafka is the test class's."""

    @classmethod
    def setUpClass(cls):
        cls.class_folder = Folder("e2e")
        cls.addClassCleanup(cls.class_folder.remove)
        cls.kafka = Kafka(cls.class_folder / "kafka")
        cls.addClassCleanup(cls.kafka.stop)

    def setUp(self):
        self.folder = Folder("e2e")
        self.addCleanup(self.folder.remove)
        self.addCleanup(wake_up, self.kafka)

    def servers(self, redis_started=True, postgres_started=True, redis_persistent=False):
        self.redis = Redis(self.folder / "redis", redis_persistent, redis_started)
        self.addCleanup(self.redis.stop)
        self.postgres = Postgres(self.folder / "postgres", postgres_started)
        self.addCleanup(self.postgres.stop)

    def topic(self, partitions=4, create=True):
        name = f"orders-{next(_numbers)}"
        if create:
            self.kafka.create(name, partitions)
        return name

    def platform(self, sources, views, time_zone="UTC", **more):
        folder = self.folder / f"tidemark{next(_numbers)}"
        platform = Platform(
            folder, self.kafka.brokers, self.redis.url, self.postgres.url, sources, views, time_zone, **more
        )
        self.addCleanup(platform.kill)
        return platform

    def simple_platform(self, topic, **options):
        """One source, one view by day; what it reads is collected in self.log."""
        self.name = topic
        self.log = oracle.Log(oracle.Source(on_duplicate=options.get("on_duplicate", "replace")))
        self.reader = self.kafka.reader()
        self.addCleanup(self.reader.close)
        self.job = self.platform({"orders": source(topic, **options)}, {"daily_revenue": view("orders")})
        return self.job

    def send(self, orders, **options):
        """Sends orders to the topic of the simple platform; keyed by order_id."""
        writer = Writer(self.kafka.brokers)
        for order in orders:
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order), **options)
        writer.flush()

    def assert_all_served(self):
        """The views of the simple platform equal the oracle at the ends of the topic."""
        self.assert_caught_up(self.job, self.reader, self.name, self.log)

    def assert_answer(self, platform, name, answer, log):
        """The answer, which says that it is complete, is the view of each partition's messages below its offsets."""
        self.assertEqual(answer.status, 200, answer.body[:1000])
        self.assertTrue(answer.complete, answer.json["provenance"])
        definition = platform.oracle_view(name)
        expected = log.rows(definition, answer.offsets)
        difference = differences(expected, answer.rows(definition))
        self.assertFalse(difference, f"{name}: {difference}\n{answer.json['provenance']}\n{platform.logs()}")

    def assert_caught_up(self, platform, reader, topic, log, names=None):
        """Waits until what is served has read the whole topic, and compares every view with the oracle."""
        reader.into(log, topic)
        ends = {partition: end for partition, (_, end) in reader.ends(topic).items() if end}
        for name in names or platform.config["views"]:
            self.assert_answer(platform, name, platform.wait_complete_at(name, ends), log)
