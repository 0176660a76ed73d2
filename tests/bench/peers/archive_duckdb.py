# SPDX-License-Identifier: Apache-2.0
"""The rows of each day from PostgreSQL to Parquet by DuckDB alone, in the order of the log.

usage: archive_duckdb.py URL FOLDER DAY..."""

import sys
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner as extension

COPY = """
COPY (
    SELECT order_id, customer_id, customer_segment, product_id, category, amount, quantity, status,
        make_timestamptz(tm_event_us) AS timestamp, tm_partition, tm_offset
    FROM stored.raw.orders WHERE date = '{day}' ORDER BY tm_partition, tm_offset
) TO '{folder}/{day}.parquet' (FORMAT parquet)
"""

url, folder, *days = sys.argv[1:]
[file] = Path(extension.__file__).parent.rglob("postgres_scanner.duckdb_extension")
connection = duckdb.connect()
connection.execute(f"LOAD '{file}'; ATTACH '{url}' AS stored (TYPE postgres, READ_ONLY)")
for day in days:
    connection.execute(COPY.format(day=day, folder=folder))
