# SPDX-License-Identifier: Apache-2.0
"""Makes the files of a day of orders, and the customers and products that they are joined with, always the same.

usage: make_lake.py ORDERS FORMAT FOLDER

FORMAT is parquet, or ndjson, whose orders have the fields of customers and products in them, and each all of its fields.
Every twentieth row is one that was there before, to the letter. Customers are missing for some orders, some orders name
none, and amounts have up to fifteen digits before the point; in NDJSON thirteen, for DuckDB takes numbers there for doubles."""

import sys
from pathlib import Path

import duckdb

FILES = 8
AMOUNTS = {"parquet": 10**17, "ndjson": 10**15}
ORDERS = """
SELECT 'order-' || lpad(id::VARCHAR, 10, '0') AS order_id,
    CASE WHEN hash(id, 6) % 50 > 0 THEN 'customer-' || hash(id, 1) % 200000 END AS customer_id,
    'product-' || hash(id, 2) % 10000 AS product_id,
    ((CASE WHEN hash(id, 7) % 100000 > 0 THEN hash(id, 3) % 50000 ELSE hash(id, 3) % {amounts} END)::BIGINT
        ::DECIMAL(18, 0) * 0.01::DECIMAL(2, 2))::DECIMAL(18, 2) AS amount,
    (hash(id, 4) % 9 + 1)::INTEGER AS quantity,
    CASE WHEN hash(id, 5) % 10 = 0 THEN 'cancelled' ELSE 'paid' END AS status,
    TIMESTAMPTZ '2025-03-15 00:00:00+00' + to_microseconds((id * 86399000000 // {orders})::BIGINT) AS timestamp
FROM (SELECT CASE WHEN i % 20 = 19 THEN (hash(i) % i)::BIGINT // 20 * 20 ELSE i END AS id FROM range({first}, {end}) t(i))
"""
CUSTOMERS = """
SELECT 'customer-' || i AS customer_id, ['retail', 'b2b', 'vip', NULL][i % 4 + 1] AS customer_segment
FROM range(190000) t(i)
"""
PRODUCTS = "SELECT 'product-' || i AS product_id, 'category-' || i % 24 AS category FROM range(10000) t(i)"
WHOLE = f"""
SELECT * REPLACE (strftime(timestamp AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS timestamp)
FROM ({{orders}}) LEFT JOIN ({CUSTOMERS}) USING (customer_id) LEFT JOIN ({PRODUCTS}) USING (product_id)
"""


def main(orders, form, folder):
    def write(query, name):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY ({query}) TO '{folder / name}' (FORMAT {'json' if form == 'ndjson' else form})")

    for number in range(FILES):
        rows = {"amounts": AMOUNTS[form], "orders": orders, "first": orders * number // FILES, "end": orders * (number + 1) // FILES}
        query = ORDERS.format(**rows)
        query = WHOLE.format(orders=query) if form == "ndjson" else query
        write(query, f"raw/orders/date=2025-03-15/part-{number}.{form}")
    if form == "parquet":
        write(CUSTOMERS, "silver/customers/part-0.parquet")
        write(PRODUCTS, "silver/products/part-0.parquet")


main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
