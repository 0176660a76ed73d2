# SPDX-License-Identifier: Apache-2.0
"""The daily summary by Spark, in the usual steps.

usage: summary_spark.py LAKE RESULT"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

lake, result = sys.argv[1:]
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")

orders = spark.read.parquet(f"{lake}/raw/orders/date=2025-03-15/").dropDuplicates(["order_id"])
customers = spark.read.parquet(f"{lake}/silver/customers/")
products = spark.read.parquet(f"{lake}/silver/products/")
mean = F.sum("amount").cast("decimal(38, 10)") / F.count("*")
summary = (
    orders.filter((F.col("status") != "cancelled") & (F.col("amount") > 0))
    .join(F.broadcast(customers), "customer_id", "left")
    .join(F.broadcast(products), "product_id", "left")
    .groupBy("category", "customer_segment")
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
