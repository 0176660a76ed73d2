# SPDX-License-Identifier: Apache-2.0
"""Count and sum of orders by windows of some minutes with Spark Structured Streaming: a watermark of ten minutes, update
mode. Reads what a topic holds in micro-batches of so many orders, and writes the latest of each row as a line: window's
start, count, sum.

usage: spark-submit revenue_spark.py BROKERS TOPIC MINUTES WHERE AT-ONCE CHECKPOINT ROWS"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as of

brokers, topic, minutes, where, at_once, checkpoint, out = sys.argv[1:]
spark = SparkSession.builder.appName("revenue").config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = {}


def keep(changed, _number):
    for row in changed.collect():
        rows[row.start] = (row.order_count, row.total_revenue)


order = "order_id string, status string, amount decimal(18, 2), timestamp timestamp"
read = spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", topic)
read = read.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", at_once)
orders = read.load().select(of.from_json(of.col("value").cast("string"), order).alias("o")).select("o.*").where(where)
windows = orders.withWatermark("timestamp", "10 minutes").groupBy(of.window("timestamp", f"{minutes} minutes"))
revenue = windows.agg(of.count("*").alias("order_count"), of.sum("amount").alias("total_revenue"))
named = revenue.select(of.unix_seconds("window.start").alias("start"), "order_count", "total_revenue")
query = named.writeStream.outputMode("update").foreachBatch(keep).option("checkpointLocation", checkpoint)
query.trigger(availableNow=True).start().awaitTermination()
with open(out, "w") as lines:
    lines.writelines(f"{start} {count} {total}\n" for start, (count, total) in sorted(rows.items()))
