# SPDX-License-Identifier: Apache-2.0
"""Count and sum of orders by minute with Pathway, of what a topic holds, as a file of changes: each row with `diff`, which
is 1 where it was added and -1 where it was replaced. Its sums are of cents, for it has no decimals. Orders are
grouped by their minute, which is less work than `windowby`, whose windows have an end and a name too.

usage: revenue_pathway.py BROKERS TOPIC ROWS"""

import sys

import pathway as pw

brokers, topic, out = sys.argv[1:]


class Order(pw.Schema):
    status: str
    amount: float
    timestamp: str


settings = {"bootstrap.servers": brokers, "group.id": "pathway", "auto.offset.reset": "earliest"}
orders = pw.io.kafka.read(settings, topic, schema=Order, format="json", mode="static")
paid = orders.filter((pw.this.status != "cancelled") & (pw.this.amount > 0))
of_minutes = paid.select(
    minute=pw.this.timestamp.dt.strptime("%Y-%m-%dT%H:%M:%SZ").dt.floor("1min"),
    cents=pw.cast(int, pw.this.amount * 100 + 0.5),
)
revenue = of_minutes.groupby(pw.this.minute).reduce(
    pw.this.minute, order_count=pw.reducers.count(), cents=pw.reducers.sum(pw.this.cents)
)
pw.io.csv.write(revenue, out)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
