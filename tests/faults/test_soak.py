# SPDX-License-Identifier: Apache-2.0
"""What the soak compares with is itself compared: its quick recomputation with the oracle."""

import time
import unittest

from e2e.servers import EndToEnd
from support import oracle
from support.process import Child, wait_until
from support.tidemark import BIN, oracle_view, view

from .soak import MAX_FUTURE_SECONDS, Recomputed


class Recomputation(EndToEnd):
    def generate(self, topic, messages):
        """Sends some messages more than so many."""
        log = self.folder / "generate.log"
        generator = Child("soak_generate", [BIN / "soak_generate", self.kafka.brokers, topic, 4000, 7, int(time.time())], log)
        sent = lambda: int(log.read_text().split("\n")[-2].split()[1]) >= messages  # noqa: E731
        wait_until(sent, 120, f"{messages} messages are sent", children=[generator])
        self.assertEqual(generator.stop(), 0, generator.tail())

    def test_quick_recomputation_of_the_soak_agrees_with_the_oracle(self):
        topic = self.topic(3)
        self.generate(topic, 20_000)
        reader = self.kafka.reader()
        self.addCleanup(reader.close)
        log = reader.into(oracle.Log(oracle.Source(max_future=oracle.timedelta(seconds=MAX_FUTURE_SECONDS))), topic)
        half = {partition: end // 2 for partition, end in log.ends().items()}
        quick = Recomputed(self.kafka.brokers, topic, 3, half.items())
        fates = log.fates()
        self.assertEqual(quick.fates, {fate: fates[fate] for fate in quick.fates})
        self.assertGreater(fates["bad"], 5)
        self.assertGreater(fates["replaced"], 500)
        summary = {"total_orders": "count", "total_revenue": "sum(amount)", "avg_order_value": "avg(amount)"}
        for name, definition in {
            "daily_revenue": view("orders"),
            "minute_revenue": view("orders", "tumbling 1 minute"),
            "daily_summary": view("orders", measures=summary, dimensions=["category", "customer_segment"]),
        }.items():
            self.assertEqual(quick.rows(name), log.rows(oracle_view(definition, "UTC")), name)
        rows = log.rows(oracle_view(view("orders"), "UTC"), half).values()
        cells = [quick.checkpoints[place] for place in half.items()]
        self.assertEqual(sum(count for count, _ in cells), sum(row["order_count"] for row in rows))
        self.assertEqual(sum(cents for _, cents in cells), int(sum(row["total_revenue"] for row in rows) * 100))


if __name__ == "__main__":
    unittest.main()
