# SPDX-License-Identifier: Apache-2.0
"""The speed layer beside a bare consumer, which is the limit, and beside what a user would pick instead: count and sum
of orders by minute, from the topic's beginning to its end. Or beside another build of itself."""

import json
from decimal import Decimal

from beside import PARTITIONS, Beside, totals
from measure import comparison, table
from peers import FlinkSql, KafkaStreams, Pathway, Spark

from support.tidemark import BIN, source, view

MINUTE = {"by_minute": view("orders", "tumbling 1 minute")}
INDEXED = {**MINUTE, "daily_summary": view("orders", dimensions=["category", "customer_segment"])}


class ViewsBench(Beside):
    """`peers`: some of PEERS. `against`: the folder of another build's programs, which then stands in their place."""

    def __init__(self, folder, orders, rounds, peers, against=None):
        super().__init__(folder, "bench_generate", orders, rounds, once=(Spark.name, Pathway.name))
        self.against = against
        self.theirs = {} if against else dict(PEERS[peer](self) for peer in peers)

    def run(self):
        """The tables, as Markdown."""
        ours = self.ways("tidemark-speed", BIN)
        if self.against:
            return self.before_and_after(ours)
        rounds = self.in_turns({**ours, **self.theirs}, self.all_counted)
        ratios = comparison({name: rounds[name] for name in ours}, {name: rounds[name] for name in self.theirs})
        return "\n".join([self.head("orders", rounds), table(rounds), "", ratios])

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
        return "\n".join([self.head("orders", rounds), table(rounds), "", head, *(each.splitlines()[-1] for each in ratios)])

    def ours(self, on_duplicate, views, workers, programs):
        def run(topic, _):
            orders = {"orders": source(topic, on_duplicate=on_duplicate)}
            job = self.platform(orders, views=views, speed={"workers": workers})
            job.bin = programs
            return self.until_end(job), self.counted(job)

        return run

    def bare(self):
        def run(topic, messages):
            command = [BIN / "bare_consumer", self.kafka.brokers, topic, PARTITIONS, messages]
            return self.peer("bare", command), (messages, None)

        return "bare consumer", run

    def flink_sql(self):
        flink = FlinkSql(self.folder.path)

        def run(topic, _):
            revenue = self.output("revenue")
            measured = self.peer("flink", flink.job("revenue.sql", brokers=self.kafka.brokers, topic=topic, revenue=revenue))
            lines = (json.loads(message.value(), parse_float=Decimal) for _, message in self.reader.read(revenue))
            return measured, totals((line["order_count"], line["total_revenue"]) for line in lines)

        return flink.name, run

    def kafka_streams(self):
        streams = KafkaStreams(self.folder.path)

        def run(topic, messages):
            revenue = self.output("revenue")
            measured = self.peer("streams", streams.job(self.kafka.brokers, topic, revenue, messages))
            latest = {}  # a minute's sums are sent again whenever they have changed
            for _, message in self.reader.read(revenue):
                partition, count, cents = message.value().split()
                latest[partition, message.key()] = int(count), Decimal(int(cents)).scaleb(-2)
            return measured, totals(latest.values())

        return streams.name, run

    def spark(self):
        spark = Spark(self.folder.path)

        def run(topic, _):
            rows = self.folder / self.next("spark-rows")
            command = spark.job(self.kafka.brokers, topic, rows, minutes=1, where="status <> 'cancelled' and amount > 0")
            return self.peer("spark", command), totals(spark.rows(rows).values())

        return spark.name, run

    def pathway(self):
        pathway = Pathway()

        def run(topic, _):
            rows = self.folder / self.next("pathway-rows")
            measured = self.peer("pathway", pathway.job(self.kafka.brokers, topic, rows))
            return measured, totals(pathway.rows(rows).values())

        return pathway.name, run


# By the first word of their names; each gives (name, way).
PEERS = {
    "bare": ViewsBench.bare,
    "Flink": ViewsBench.flink_sql,
    "Kafka": ViewsBench.kafka_streams,
    "Spark": ViewsBench.spark,
    "Pathway": ViewsBench.pathway,
}
