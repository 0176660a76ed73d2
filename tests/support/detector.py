# SPDX-License-Identifier: Apache-2.0
"""Transactions by chance, and what the fraud detector of the tests must alert, counted from the log as a whole with none
of its code: a velocity rule by customer, and a rule of amounts."""

import bisect
import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal

VELOCITY, LARGE = "velocity", "large"
FIELDS = {"transaction_id": "text", "customer_id": "text", "amount": "decimal(2)"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def source(topic, **options):
    return {
        "topic": f"kafka://{topic}",
        "key": "transaction_id",
        "event_time": "timestamp",
        "on_duplicate": "none",
        "fields": dict(FIELDS),
        **options,
    }


def detector(alerts, more_than=5, within="5 minutes", above=10000, **options):
    rules = [
        {
            "velocity": {"by": "customer_id", "more_than": more_than, "within": within},
            "message": "High velocity: {count} transactions in 5 min",
        },
        {"when": f"amount > {above}", "message": "Large transaction: {amount}"},
    ]
    return {"source": "transactions", "alerts": f"kafka://{alerts}", "rules": rules, **options}


def seconds(text):
    """An event time as whole microseconds since 1970."""
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // timedelta(microseconds=1)


def transactions(chance, count, start=None, customers=300, hot=10, step=0.2):
    """Dictionaries in the order of the log: `hot` customers far more frequent than the rest, times `step` seconds apart,
    some equal, some out of order within a minute and some beyond."""
    now = start or datetime(2026, 1, 1, tzinfo=timezone.utc)
    for number in range(count):
        now += timedelta(seconds=step * chance.choice((0, 0, 1, 2, 2)))
        at = now
        if chance.random() < 0.2:
            at -= timedelta(seconds=chance.choice((1, 20, 55, 59.5, 60, 61, 90, 200)))
        is_hot = chance.random() < 0.1
        customer = f"hot-{chance.randrange(hot)}" if is_hot else f"c-{chance.randrange(customers)}"
        cents = chance.randrange(1, 900_000) if chance.random() < 0.99 else chance.randrange(999_990, 2_000_000)
        yield {
            "transaction_id": f"t-{now.timestamp():.0f}-{number}",
            "customer_id": customer,
            "amount": Decimal(cents) / 100,
            "timestamp": at.isoformat(),
        }


def encode(transaction):
    pairs = (
        f"{json.dumps(name)}: {value if isinstance(value, Decimal) else json.dumps(value)}"
        for name, value in transaction.items()
    )
    return ("{" + ", ".join(pairs) + "}").encode()


class Transaction:
    __slots__ = ("partition", "offset", "customer", "amount", "at", "clock")

    def __init__(self, message):
        value = json.loads(message.value(), parse_float=Decimal)
        self.partition, self.offset = message.partition(), message.offset()
        self.customer, self.amount = value["customer_id"], Decimal(value["amount"])
        self.at = seconds(value["timestamp"])
        self.clock = min(self.at, message.timestamp()[1] * 1000)


class Definition:
    def __init__(self, more_than=5, within=300, above=10000, lateness=60):
        self.more_than, self.above = more_than, above
        self.within, self.lateness = within * 1_000_000, lateness * 1_000_000

    def alerts(self, messages):
        """{((partition, offset), rule)} of all messages of a topic, in the order of each partition's log."""
        found, windows = set(), defaultdict(list)
        clocks = {}
        for message in messages:
            one = Transaction(message)
            if one.amount > self.above:
                found.add(((one.partition, one.offset), LARGE))
            clock = clocks.get(one.partition)
            if clock is None or one.at >= clock - self.lateness:
                windows[one.partition, one.customer].append((one.at, one.offset))
            clocks[one.partition] = max(one.clock, clock) if clock is not None else one.clock
        for (partition, _), window in windows.items():
            window.sort()
            times = [at for at, _ in window]
            for rank, (at, offset) in enumerate(window):
                if rank + 1 - bisect.bisect_right(times, at - self.within) > self.more_than:
                    found.add(((partition, offset), VELOCITY))
        return found


def rules_of(alert):
    return [VELOCITY if text.startswith("High velocity") else LARGE for text in alert["alerts"]]


def place_of(alert):
    name, partition, offset, *cause = alert["alert_id"].split("/")
    return int(partition), int(offset)


def alerted(alerts):
    """The same set, of the alerts of a topic; an alert or an alert_id that comes twice is an error."""
    found, idents = set(), set()
    for alert in alerts:
        assert alert["alert_id"] not in idents, f"{alert['alert_id']} came twice"
        idents.add(alert["alert_id"])
        for rule in rules_of(alert):
            assert (place_of(alert), rule) not in found, f"{place_of(alert)} was alerted twice for {rule}"
            found.add((place_of(alert), rule))
    return found


def disproof(alert, at, definition):
    """What its evidence, read back from the topic, fails to prove; None where it proves it. `at`: (partition, offset) to
    transaction."""
    evidence = [at[e["partition"], e["offset"]] for e in alert["evidence"]]
    self = at[place_of(alert)]
    if evidence[-1] is not self or alert["transaction_id"] is None:
        return "it doesn't end with the transaction"
    if len({(one.partition, one.offset) for one in evidence}) != len(evidence):
        return "it names one twice"
    if LARGE in rules_of(alert) and not self.amount > definition.above:
        return "the amount isn't large"
    if VELOCITY not in rules_of(alert):
        return None if len(evidence) == 1 else "it names more than the transaction"
    if len(evidence) <= definition.more_than:
        return "too few"
    for one in evidence:
        is_inside = self.at - definition.within < one.at and (one.at, one.offset) <= (self.at, self.offset)
        if one.customer != self.customer or one.partition != self.partition or not is_inside:
            return f"offset {one.offset} isn't in the window"
    return None
