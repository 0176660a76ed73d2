# SPDX-License-Identifier: Apache-2.0
"""The speed layer beside a bare consumer, which is the limit, and beside Flink SQL and Kafka Streams: count and sum of
orders by minute, from the topic's beginning to its end. Or beside another build of itself."""

import json

from beside import PARTITIONS, Beside
from measure import comparison, table
from peers import FlinkSql, KafkaStreams

from support.tidemark import BIN, source, view

MINUTE = {"by_minute": view("orders", "tumbling 1 minute")}
INDEXED = {**MINUTE, "daily_summary": view("orders", dimensions=["category", "customer_segment"])}


class ViewsBench(Beside):
    """`against`: the folder of another build's programs, which then stands in the peers' place."""

    def __init__(self, folder, orders, rounds, against=None):
        super().__init__(folder, "bench_generate", orders, rounds)
        self.against = against
        self.flink, self.streams = (None, None) if against else (FlinkSql(folder.path), KafkaStreams(folder.path))

    def run(self):
        """The tables, as Markdown."""
        ours = self.ways("tidemark-speed", BIN)
        if self.against:
            return self.before_and_after(ours)
        theirs = {
            "bare consumer": self.bare,
            self.flink.name: self.flink_sql,
            self.streams.name: self.kafka_streams,
        }
        rounds = self.in_turns({**ours, **theirs}, self.all_counted)
        ratios = comparison({name: rounds[name] for name in ours}, {name: rounds[name] for name in theirs})
        return "\n".join([self.head("orders"), table(rounds), "", ratios])

    def ways(self, name, programs):
        return {
            f"{name}, no index, 1 worker": self.ours("none", MINUTE, 1, programs),
            f"{name}, no index, 2 workers": self.ours("none", MINUTE, 2, programs),
            f"{name}, index, two views, 1 worker": self.ours("replace", INDEXED, 1, programs),
            f"{name}, index, two views, 2 workers": self.ours("replace", INDEXED, 2, programs),
        }

    def before_and_after(self, ours):
        theirs = self.ways("the other build", self.against)
        pairs = list(zip(ours, theirs, strict=True))
        turns = {name: {**ours, **theirs}[name] for pair in pairs for name in pair}
        rounds = self.in_turns(turns, self.all_counted)
        head, *ratios = (comparison({our: rounds[our]}, {their: rounds[their]}) for our, their in pairs)
        return "\n".join([self.head("orders"), table(rounds), "", head, *(each.splitlines()[-1] for each in ratios)])

    def ours(self, on_duplicate, views, workers, programs):
        def run(topic, _):
            orders = {"orders": source(topic, on_duplicate=on_duplicate)}
            job = self.platform(orders, views=views, speed={"workers": workers})
            job.bin = programs
            return self.until_end(job), self.counted(job)

        return run

    def bare(self, topic, messages):
        command = [BIN / "bare_consumer", self.kafka.brokers, topic, PARTITIONS, messages]
        return self.peer("bare", command), messages

    def flink_sql(self, topic, _):
        revenue = self.output("revenue")
        command = self.flink.job("revenue.sql", brokers=self.kafka.brokers, topic=topic, revenue=revenue)
        measured = self.peer("flink", command)
        return measured, sum(json.loads(message.value())["order_count"] for _, message in self.reader.read(revenue))

    def kafka_streams(self, topic, messages):
        revenue = self.output("revenue")
        measured = self.peer("streams", self.streams.job(self.kafka.brokers, topic, revenue, messages))
        latest = {}  # a minute's sums are sent again whenever they have changed
        for _, message in self.reader.read(revenue):
            partition, count, _ = message.value().split()
            latest[partition, message.key()] = int(count)
        return measured, sum(latest.values())
