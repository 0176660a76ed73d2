# SPDX-License-Identifier: Apache-2.0
"""The ledger and the metrics say what the messages give, by the oracle's count."""

import random
import re
import unittest

from support import disorder, online_retail
from support.kafka import Writer

from .servers import EndToEnd, month

FATES = ("consumed", "kept", "replaced", "duplicate", "bad")


class Ledger(EndToEnd):
    def send_disordered(self, orders):
        """Some are sent twice, some are broken."""
        chance, writer = random.Random(11), Writer(self.kafka.brokers)
        for number, order in enumerate(orders):
            payload = disorder.broken(chance, order) if number % 9 == 0 else online_retail.encode(order)
            for _ in range(1 + (number % 5 == 0)):
                writer.send(self.name, order["order_id"].encode(), payload)
        writer.flush()

    def metrics(self):
        text = self.job.get("/metrics").body.decode()
        return {name: float(value) for name, value in re.findall(r"^(tidemark_[^ ]+) (.+)$", text, re.M)}

    def assert_ledger(self):
        """/v1/ledger, by partition too, and the metrics count what the oracle counts."""
        self.assert_all_served()
        _, expected = self.log.surviving(self.log.ends())
        ledger = self.job.get("/v1/ledger").json["sources"][0]
        metrics = self.metrics()
        self.assertTrue(ledger["closed"])
        self.assertEqual(ledger["lost"], 0)
        self.assertEqual(metrics['tidemark_ledger_closed{source="orders"}'], 1)
        self.assertEqual(metrics['tidemark_gap_messages{source="orders"}'], 0)
        self.assertEqual(metrics['tidemark_audit_failures_total{source="orders"}'], 0)
        for fate in FATES:
            total = sum(counts[fate] for counts in expected.values())
            self.assertEqual(ledger[fate], total, fate)
            self.assertEqual(metrics[f'tidemark_ledger_messages{{source="orders",fate="{fate}"}}'], total, fate)
            for partition, counts in expected.items():
                self.assertEqual(ledger["partitions"][str(partition)][fate], counts[fate], (partition, fate))
        self.assertEqual([one["closed"] for one in ledger["partitions"].values()], [True] * len(expected))

    def play(self, on_duplicate):
        self.servers()
        self.simple_platform(self.topic(3), on_duplicate=on_duplicate)
        self.job.serving()
        self.job.speed()
        self.send_disordered(month(0, 900))
        self.assert_ledger()
        self.job.batch()
        self.assert_ledger()
        self.send_disordered(month(600, 900))
        self.assert_ledger()
        self.job.batch()
        self.assert_ledger()
        self.job.batch("verify")

    def test_ledger_and_metrics_agree_with_the_messages_where_versions_replace(self):
        self.play("replace")

    def test_ledger_and_metrics_agree_with_the_messages_where_the_first_stays(self):
        self.play("ignore")


if __name__ == "__main__":
    unittest.main()
