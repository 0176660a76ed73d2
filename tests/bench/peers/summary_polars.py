# SPDX-License-Identifier: Apache-2.0
"""The daily summary by Polars, by its streaming engine.

usage: summary_polars.py parquet LAKE RESULT"""

import sys

import polars as pl

_, lake, result = sys.argv[1:]
amount = pl.col("amount")
summary = (
    pl.scan_parquet(f"{lake}/raw/orders/date=2025-03-15/*.parquet", hive_partitioning=False)
    .unique("order_id", keep="any")
    .join(pl.scan_parquet(f"{lake}/silver/customers/*.parquet"), on="customer_id", how="left")
    .join(pl.scan_parquet(f"{lake}/silver/products/*.parquet"), on="product_id", how="left")
    .filter(pl.col("status") != "cancelled", amount > 0)
    .group_by("category", "customer_segment")
    .agg(
        pl.len().alias("total_orders"),
        amount.cast(pl.Decimal(38, 2)).sum().alias("total_revenue"),
        pl.col("customer_id").drop_nulls().n_unique().alias("customers"),
        amount.max().alias("largest"),
    )
)
summary.collect(engine="streaming").write_parquet(result)
