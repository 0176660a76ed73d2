# SPDX-License-Identifier: Apache-2.0
"""Orders as they really arrive: sent twice, corrected, cancelled later, and with broken messages in between."""

from decimal import Decimal

from .online_retail import encode


def broken(random, order):
    """A message that is no order, of some kind."""
    good = encode(order)
    kinds = [
        lambda: None,
        lambda: b"",
        lambda: b"null",
        lambda: b"[]",
        lambda: good[: random.randrange(1, len(good))],
        lambda: good + b"}",
        lambda: b"\xef\xbb\xbf" + good,
        lambda: good.replace(b'"status":"completed"', b'"status":"\xff\xfe"').replace(b"cancelled", b"\xc3\x28"),
        lambda: good[:-1] + b',"status":"completed"}',
        lambda: good[:-1] + b',"more":' + b"[" * 70 + b"]" * 70 + b"}",
        lambda: encode({**order, "order_id": ""}),
        lambda: encode({**order, "order_id": None}),
        lambda: encode({**order, "order_id": "x" * 257}),
        lambda: encode({**order, "order_id": "a\0b"}),
        lambda: encode({**order, "amount": Decimal("0.001")}),
        lambda: encode({**order, "amount": Decimal("1e15")}),
        lambda: encode({**order, "amount": "12.50"}),
        lambda: encode({**order, "amount": None}),
        lambda: encode({**order, "quantity": 2**63}),
        lambda: encode({**order, "quantity": 1.5}),
        lambda: encode({**order, "timestamp": "yesterday"}),
        lambda: encode({**order, "timestamp": "2010-12-01T24:00:00Z"}),
        lambda: encode({**order, "timestamp": "1999-12-31T23:59:59Z"}),
        lambda: encode({**order, "timestamp": 1291161600}),
        lambda: encode({**order, "category": "@"}).replace(b'"@"', rb'"\ud800"'),
    ]
    return random.choice(kinds)()


def disordered(random, orders, twice=0.02, changed=0.02, cancelled=0.02, bad=0.01):
    """Yields (key, payload): each order, and after it, with these probabilities, one of the earlier ones again (the
    same, with other values, or cancelled), or a broken message. Versions of an order keep their key."""
    earlier = []
    for order in orders:
        yield order["order_id"].encode(), encode(order)
        if len(earlier) < 5000:
            earlier.append(order)
        else:
            earlier[random.randrange(5000)] = order
        chance = random.random()
        again = random.choice(earlier)
        key = again["order_id"].encode()
        if chance < twice:
            yield key, encode(again)
        elif chance < twice + changed:
            amount = again["amount"] + Decimal(random.randrange(-500, 5000)) / 100
            category = random.choice([again["category"], None, "", "ünï ⚑", 'a,b"c'])
            quantity = random.choice([again["quantity"], None])
            yield key, encode({**again, "amount": amount, "category": category, "quantity": quantity})
        elif chance < twice + changed + cancelled:
            yield key, encode({**again, "status": random.choice(["cancelled", "cancelled", None])})
        elif chance < twice + changed + cancelled + bad:
            yield key, broken(random, again)
