# SPDX-License-Identifier: Apache-2.0
"""The micro-batch job as Spark Structured Streaming has it: revenue by five minutes, watermark ten minutes, update mode. Reads
what the topic holds in micro-batches, and writes the latest of each row as a line: window's start, count, sum.

usage: spark-submit micro_batch_spark.py BROKERS TOPIC AT_ONCE CHECKPOINT ROWS"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as of

brokers, topic, at_once, checkpoint, out = sys.argv[1:]
spark = SparkSession.builder.appName("micro-batch").config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = {}


def keep(changed, _number):
    for row in changed.collect():
        rows[row.start] = (row.order_count, row.total_revenue)


order = "order_id string, customer_id string, amount decimal(18, 2), timestamp timestamp"
read = spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", topic)
read = read.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", at_once)
orders = read.load().select(of.from_json(of.col("value").cast("string"), order).alias("o")).select("o.*")
windows = orders.withWatermark("timestamp", "10 minutes").groupBy(of.window("timestamp", "5 minutes"))
revenue = windows.agg(of.count("*").alias("order_count"), of.sum("amount").alias("total_revenue"))
named = revenue.select(of.unix_seconds("window.start").alias("start"), "order_count", "total_revenue")
query = named.writeStream.outputMode("update").foreachBatch(keep).option("checkpointLocation", checkpoint)
query.trigger(availableNow=True).start().awaitTermination()
with open(out, "w") as lines:
    for start, (count, total) in sorted(rows.items()):
        lines.write(f"{start} {count} {total}\n")
