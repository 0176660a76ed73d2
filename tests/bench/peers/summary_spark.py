# SPDX-License-Identifier: Apache-2.0
"""The daily summary by Spark, in the usual steps.

usage: summary_spark.py FORMAT LAKE RESULT"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

form, lake, result = sys.argv[1:]
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")

SCHEMA = (
    "order_id string, customer_id string, product_id string, amount decimal(18, 2), quantity int, status string,"
    " timestamp timestamp, customer_segment string, category string"
)
day = f"{lake}/raw/orders/date=2025-03-15/"
orders = spark.read.schema(SCHEMA).json(day) if form == "ndjson" else spark.read.parquet(day)
orders = orders.dropDuplicates(["order_id"]).filter((F.col("status") != "cancelled") & (F.col("amount") > 0))
if form == "parquet":
    for name in ("customer", "product"):
        joined = spark.read.parquet(f"{lake}/silver/{name}s/")
        orders = orders.join(F.broadcast(joined), f"{name}_id", "left")
mean = F.sum("amount").cast("decimal(38, 10)") / F.count("*")
summary = (
    orders.groupBy("category", "customer_segment")
    .agg(
        F.count("*").alias("total_orders"),
        F.sum("amount").alias("total_revenue"),
        F.round(mean, 2).alias("avg_order_value"),
        F.countDistinct("customer_id").alias("customers"),
        F.max("amount").alias("largest"),
    )
)
summary.coalesce(1).write.parquet(result)
spark.stop()
