# SPDX-License-Identifier: Apache-2.0
"""The detector beside Flink SQL: more than five transactions of a customer in five minutes, one in a thousand of a topic,
alerted to another topic."""

import json

from beside import Beside
from measure import comparison, table
from peers import FlinkSql

from support import detector as fraud

OURS = "tidemark-speed"


class DetectorBench(Beside):
    def __init__(self, folder, transactions, rounds):
        super().__init__(folder, "bench_transactions", transactions, rounds)
        self.flink = FlinkSql(folder.path)
        self.alerts = 0

    def run(self):
        """The tables, as Markdown."""
        rounds = self.in_turns({OURS: self.ours, self.flink.name: self.theirs}, self.same_alerts)
        text = [self.head(f"transactions, {self.alerts:,} of them alerted", rounds), table(rounds), ""]
        ours = {OURS: rounds.pop(OURS)}
        return "\n".join([*text, comparison(ours, rounds)])

    def same_alerts(self, alerts):
        """What isn't alerted by all of them, or twice, is an error."""
        first = set(alerts[OURS])
        for name, each in alerts.items():
            if len(set(each)) != len(each):
                raise RuntimeError(f"{name} alerted some twice")
            if set(each) != first:
                raise RuntimeError(f"{name} alerted {len(each)}, and not the same as the {len(first)} of {OURS}")
        self.alerts = len(first)

    def alerted(self, topic):
        """The transactions that the messages of a topic of alerts name."""
        return [json.loads(message.value())["transaction_id"] for _, message in self.reader.read(topic)]

    def ours(self, topic, _):
        alerts = self.next("alerts")
        rules = fraud.detector(alerts, **{"from": "beginning"})
        del rules["rules"][1:]
        job = self.platform({"transactions": fraud.source(topic)}, detectors={"fraud": rules})
        return self.until_end(job), self.alerted(alerts)

    def theirs(self, topic, _):
        alerts = self.output("alerts")
        command = self.flink.job("velocity.sql", brokers=self.kafka.brokers, topic=topic, alerts=alerts)
        return self.peer("flink", command), self.alerted(alerts)
