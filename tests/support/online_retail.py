#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Order events from the Online Retail CSV files (tests/data/README.md names their source).

usage: online_retail.py MONTH.csv.gz... > orders.ndjson

Each line of an invoice is one order. A credit note, an invoice whose number begins with C, cancels the latest open
order of the same customer, product and quantity: that order comes again with status "cancelled" and a later
`updated_at`. A credit note that matches none is an order of its own, cancelled from the start. Events come in the
order in which they happened, which is the order to send them in.
"""

import csv
import gzip
import json
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal


def invoice_lines(paths):
    lines = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            lines.extend(csv.DictReader(file))
    return sorted(lines, key=lambda line: line["InvoiceDate"])


def order_of(line, number):
    country = line["Country"]
    at = datetime.fromisoformat(line["InvoiceDate"])
    return {
        "order_id": f"{line['InvoiceNo']}-{number}",
        "customer_id": line["CustomerID"].partition(".")[0] or None,
        "customer_segment": "domestic" if country == "United Kingdom" else "export",
        "product_id": line["StockCode"],
        "product_name": line["Description"].strip(),
        "category": line["StockCode"][:2],
        "country": country,
        "amount": Decimal(line["UnitPrice"]) * int(line["Quantity"]),
        "quantity": int(line["Quantity"]),
        "status": "completed",
        "timestamp": at,
        "updated_at": at,
    }


def orders(paths):
    """The events as dictionaries, times as naive datetimes in UTC, amounts as exact decimals."""
    numbers, still_open = defaultdict(int), defaultdict(list)
    for line in invoice_lines(paths):
        invoice = line["InvoiceNo"]
        numbers[invoice] += 1
        order = order_of(line, numbers[invoice])
        same = (line["CustomerID"], line["StockCode"], abs(order["quantity"]))
        if invoice.startswith("C"):
            if order["quantity"] < 0 and still_open[same]:
                order = {**still_open[same].pop(), "updated_at": order["updated_at"]}
            order["status"] = "cancelled"
        elif order["quantity"] > 0:
            still_open[same].append(order)
        yield order


def shifted(order, by=timedelta(0)):
    """The same order at another time."""
    return {**order, "timestamp": order["timestamp"] + by, "updated_at": order["updated_at"] + by}


def amount_text(amount):
    """A JSON number with exactly the digits that the arithmetic gave, at least two of them after the point."""
    return f"{amount:f}" if amount.as_tuple().exponent <= -2 else f"{amount:.2f}"


def encode(order):
    """The event as the bytes of a message."""
    members = []
    for name, value in order.items():
        if isinstance(value, Decimal):
            text = amount_text(value)
        elif isinstance(value, datetime):
            text = f'"{value.isoformat(timespec="seconds")}Z"'
        else:
            text = json.dumps(value, ensure_ascii=False)
        members.append(f'"{name}":{text}')
    return ("{" + ",".join(members) + "}").encode()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for event in orders(sys.argv[1:]):
        sys.stdout.buffer.write(encode(event) + b"\n")
