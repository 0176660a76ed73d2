# SPDX-License-Identifier: Apache-2.0
"""What a view must say, recomputed from the log alone in exact arithmetic.

Independent of the platform's code on purpose: nothing here is shared with it, and nothing is incremental. Tests give it
the messages of a topic and an offset per partition, and compare its rows and its ledger with what is served.
"""

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from zoneinfo import ZoneInfo

ORDER_FIELDS = {
    "order_id": "text",
    "customer_id": "text",
    "customer_segment": "text",
    "product_id": "text",
    "category": "text",
    "amount": "decimal(2)",
    "quantity": "integer",
    "status": "text",
}


MESSAGE_BYTES_MAX = 1 << 20


class Bad(Exception):
    """The message is not an order; the text says why."""


@dataclass(frozen=True)
class Source:
    fields: dict = field(default_factory=lambda: dict(ORDER_FIELDS))
    key: str = "order_id"
    event_time: str = "timestamp"
    on_duplicate: str = "replace"  # or ignore, none
    max_future: timedelta = timedelta(hours=1)


def paid_order(order):
    """status <> 'cancelled' and amount > 0, where null is never true."""
    return order["status"] is not None and order["status"] != "cancelled" and order["amount"] > 0


@dataclass(frozen=True)
class View:
    """measures: {name: ("count",) or ("count" | "sum" | "avg" | "unique" | "min" | "max", field)}"""

    window: str = "day"  # or hour, minute, week, month, year; or several: "5 minutes", "2 days" (from 1970-01-01)
    time_zone: str = "UTC"
    dimensions: tuple = ()
    measures: dict = field(default_factory=lambda: {"order_count": ("count",), "total_revenue": ("sum", "amount")})
    where: object = paid_order
    panes: int = 1  # so many windows, one after the other, are a row
    gap: int = 0  # in seconds: rows are sessions, and there is no window
    watermark: int = 0  # in seconds: how long late versions are waited for; 0: there is none


@dataclass(frozen=True)
class Message:
    offset: int
    record_ms: int
    payload: bytes  # or None


# --- one message -----------------------------------------------------------------------------------------------------


class Number(str):
    """A JSON number as it was written."""


def _members(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise Bad("a key appears twice")
    return dict(pairs)


def _refuse(word):
    raise Bad(f"{word} is not JSON")


def _levels(value):
    levels, layer = 0, [value]
    while layer := [v for v in layer if isinstance(v, (dict, list))]:
        levels += 1
        layer = [inner for v in layer for inner in (v.values() if isinstance(v, dict) else v)]
    return levels


def _object(payload):
    if not payload:
        raise Bad("no payload")
    if len(payload) > MESSAGE_BYTES_MAX:
        raise Bad("longer than 1 MiB")
    try:
        value = json.loads(
            payload.decode("utf-8"),
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refuse,
            object_pairs_hook=_members,
        )
    except (ValueError, RecursionError) as error:
        raise Bad(str(error)) from None
    if not isinstance(value, dict):
        raise Bad("not an object")
    if _levels(value) > 64:
        raise Bad("too deep")
    return value


def _text(value):
    if type(value) is not str or "\0" in value:
        raise Bad("not text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Bad("text that UTF-8 cannot hold") from None
    return value


def _integer(value):
    if not isinstance(value, Number) or not re.fullmatch(r"-?[0-9]{1,19}", value):
        raise Bad("not an integer")
    if not -(2**63) <= int(value) < 2**63:
        raise Bad("not a 64-bit integer")
    return int(value)


def _decimal(value, scale):
    """The value in units of its last digit."""
    if not isinstance(value, Number):
        raise Bad("not a number")
    sign, whole, fraction, power = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?", value).groups()
    digits = (whole + (fraction or "")).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return 0
    exponent = max(-(10**9), min(10**9, int((power or "0")[:4000])))  # what is further out is bad either way
    exponent += len(digits) - len(significant) - len(fraction or "")
    if exponent < -scale or len(significant) + exponent > 15:
        raise Bad("too many digits")
    minor = int(significant) * 10 ** (exponent + scale)
    return -minor if sign else minor


_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))?"
)
_EPOCH = datetime(1970, 1, 1)
_EARLIEST, _LATEST = ((datetime(year, 1, 1) - _EPOCH) // timedelta(microseconds=1) for year in (2000, 2100))


def _time(value):
    """Microseconds since 1970."""
    match = _TIME.fullmatch(value) if type(value) is str else None
    if not match:
        raise Bad("not a time")
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    try:
        at = (datetime(year, month, day, hour, minute, second) - _EPOCH) // timedelta(microseconds=1)
    except ValueError as error:
        raise Bad(str(error)) from None
    at += int(((match[7] or "") + "000000")[:6])
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        if hours > 23 or minutes > 59:
            raise Bad("not an offset")
        at -= (1 if match[8] == "+" else -1) * (hours * 60 + minutes) * 60_000_000
    if not _EARLIEST <= at < _LATEST:
        raise Bad("a time out of range")
    return at


def _field(value, kind, required):
    if value is None:
        if required:
            raise Bad("a required field is missing")
        return None
    if kind == "text":
        return _text(value)
    if kind == "integer":
        return _integer(value)
    return _decimal(value, int(re.fullmatch(r"decimal\(([0-9]+)\)", kind)[1]))


def decode(message, source):
    """The order as {field: value}, decimals in minor units, event time as "at" in microseconds. Raises Bad."""
    value = _object(message.payload)
    order = {}
    for name, kind in source.fields.items():
        order[name] = _field(value.get(name), kind, kind.startswith("decimal") or name == source.key)
    if source.fields[source.key] == "text" and not 1 <= len(order[source.key].encode()) <= 256:
        raise Bad("the key is too long or empty")
    order["at"] = _time(value.get(source.event_time))
    if order["at"] > message.record_ms * 1000 + source.max_future // timedelta(microseconds=1):
        raise Bad("in the future")
    return order


# --- windows ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=100_000)
def _day_start(day, zone):
    """The first instant that the zone's calendar calls `day`, in seconds since 1970: looked for minute by minute."""
    at = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) - timedelta(hours=26)
    while at.astimezone(zone).date() < day:
        at += timedelta(hours=1)
    at -= timedelta(hours=1)
    while at.astimezone(zone).date() < day:
        at += timedelta(minutes=1)
    return int(at.timestamp())


_FIRST_DAY = {  # of the window that holds this date; a week begins on Monday
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


@lru_cache(maxsize=2_000_000)
def window_start(at_us, window, time_zone):
    """The start of the window that holds this instant, in seconds since 1970."""
    zone, second = ZoneInfo(time_zone), at_us // 1_000_000
    local = datetime.fromtimestamp(second, zone)
    if window in _FIRST_DAY:
        return _day_start(_FIRST_DAY[window](local.date()), zone)
    count, unit = re.fullmatch(r"(?:([0-9]+) )?(minute|hour|day)s?", window).groups(default="1")
    if unit == "day":
        since = local.date() - _EPOCH.date()
        return _day_start(local.date() - since % timedelta(days=int(count)), zone)
    length = int(count) * {"hour": 3600, "minute": 60}[unit]
    start = second - _clock(second, zone) % length
    if _clock(start, zone) - start == _clock(second, zone) - second and _clock(start, zone) % length == 0:
        return start
    # The clock changes since: the first minute back to which it has shown the same, and not its beginning anew.
    start = second - second % 60
    while _clock(start, zone) % length and _clock(start - 60, zone) // length == _clock(second, zone) // length:
        start -= 60
    return start


def in_rows_of_panes(panes, view):
    """{(row's start, *dimensions): orders} of {(window's start, *dimensions): orders}: a window is in the row that it
    begins, and in those of the windows before it."""
    rows = defaultdict(list)
    for (start, *group), orders in panes.items():
        for _ in range(view.panes):
            rows[(start, *group)].extend(orders)
            start = window_start((start - 1) * 1_000_000, view.window, view.time_zone)
    return rows


def sessions(orders, view):
    """Each order with the start of its session: the first of those of its group that lie at most a gap apart, one after
    the other."""
    latest = {}  # of each group the session's start, and the moment before
    for order in sorted(orders, key=lambda order: order["at"]):
        group = tuple(order[d] for d in view.dimensions)
        start, before = latest.get(group, (order["at"], order["at"]))
        if order["at"] - before > view.gap * 1_000_000:
            start = order["at"]
        latest[group] = (start, order["at"])
        yield order, moment(start)


def has_ended(at_us, settled_us, view):
    """Whether the window of this instant had: the first of several, and a session of its own only once it can't grow."""
    if view.gap:
        return at_us + view.gap * 1_000_000 < settled_us
    return at_us < window_start(settled_us, view.window, view.time_zone) * 1_000_000


def moment(at_us):
    """Seconds since 1970, exactly: a whole number where it is one."""
    return at_us // 1_000_000 if at_us % 1_000_000 == 0 else Decimal(at_us).scaleb(-6)


def _clock(second, zone):
    """What a clock there shows, in seconds since its 1970."""
    return second + int(datetime.fromtimestamp(second, zone).utcoffset().total_seconds())


# --- the whole log ---------------------------------------------------------------------------------------------------


FATES = ("consumed", "kept", "replaced", "duplicate", "deferred", "bad")  # nothing is deferred in a whole log


class Log:
    """The messages of a topic by partition. Decodes each message once."""

    def __init__(self, source):
        self.source = source
        self.partitions = defaultdict(list)  # partition: [(offset, order or None where bad)], by offset
        self.clocks = defaultdict(dict)  # partition: {offset: latest event time before it, in microseconds; or None}
        self._clocks = {}
        self._below = None  # the offsets that were asked for last; what was below them is remembered

    def append(self, partition, message):
        messages = self.partitions[partition]
        assert not messages or messages[-1][0] < message.offset, "a log goes up"
        clock = self.clocks[partition][message.offset] = self._clocks.get(partition)
        try:
            order = decode(message, self.source)
        except Bad:
            messages.append((message.offset, None))
            return
        messages.append((message.offset, order))
        at = min(order["at"], message.record_ms * 1000)
        self._clocks[partition] = at if clock is None else max(clock, at)

    def ends(self):
        """{partition: the offset after its last message}"""
        return {partition: messages[-1][0] + 1 for partition, messages in self.partitions.items()}

    def surviving(self, offsets=None):
        """([the surviving version of each order], {partition: ledger}) of the messages below `offsets`."""
        below = {p: end if offsets is None else min(end, offsets.get(p, 0)) for p, end in self.ends().items()}
        if self._below != below:  # the views of one state share it
            survivors, ledgers = [], {}
            for partition, messages in self.partitions.items():
                orders, ledgers[partition] = self._versions(messages, below[partition])
                survivors.extend(orders)
            self._below, self._survived, self._counted = below, (survivors, ledgers), {}
        return self._survived

    def counted(self, view, offsets=None):
        """Those of the surviving versions that count in the view."""
        survivors, _ = self.surviving(offsets)
        if view.where not in self._counted:
            self._counted[view.where] = [order for order in survivors if view.where(order)]
        return self._counted[view.where]

    def _versions(self, messages, below):
        mode, versions = self.source.on_duplicate, {}
        ledger = Counter({fate: 0 for fate in FATES})
        for offset, order in messages:
            if offset >= below:
                break
            ledger["consumed"] += 1
            if order is None:
                ledger["bad"] += 1
                continue
            identity = offset if mode == "none" else order[self.source.key]
            if identity in versions:
                ledger["replaced" if mode == "replace" else "duplicate"] += 1
                if mode == "ignore":
                    continue
            versions[identity] = order
        ledger["kept"] = len(versions)
        return versions.values(), ledger

    def fates(self, offsets=None):
        """The ledger of all partitions together."""
        ledgers = self.surviving(offsets)[1].values()
        return {fate: sum(ledger[fate] for ledger in ledgers) for fate in FATES}

    def rows(self, view, offsets=None):
        """{(window start in seconds, *dimensions): {measure: value}}"""
        groups = defaultdict(list)
        counted = self.counted(view, offsets)
        zone, window = view.time_zone, view.window
        in_windows = ((order, window_start(order["at"], window, zone)) for order in counted)
        for order, start in sessions(counted, view) if view.gap else in_windows:
            groups[(start, *(order[d] for d in view.dimensions))].append(order)
        if view.panes > 1:
            groups = in_rows_of_panes(groups, view)
        return {key: self.measures(view, orders) for key, orders in groups.items()}

    def measures(self, view, orders):
        """{name: value} of what these orders make up."""
        named = {measure[1] for measure in view.measures.values() if len(measure) > 1}
        values = {name: [order[name] for order in orders if order[name] is not None] for name in named}
        return {
            name: len(orders) if measure == ("count",) else self._measure(measure, values[measure[1]])
            for name, measure in view.measures.items()
        }

    def _measure(self, measure, values):
        if measure[0] == "count":
            return len(values)
        if measure[0] == "unique":
            return len(set(values))
        if not values:
            return None
        kind = self.source.fields[measure[1]]
        scale = 0 if kind == "integer" else int(kind[len("decimal(") : -1])
        with localcontext() as context:
            context.prec = 100
            if measure[0] != "avg":
                value = {"sum": sum, "min": min, "max": max}[measure[0]](values)
                return Decimal(value).scaleb(-scale) if scale else value
            total = Decimal(sum(values)).scaleb(-scale)
            return (total / len(values)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)

    def view_ledger(self, view, offsets=None):
        survivors, _ = self.surviving(offsets)
        counted = len(self.counted(view, offsets))
        ledger = {"counted": counted, "filtered": len(survivors) - counted}
        return {**ledger, "late": self.late(view, offsets)} if view.watermark else ledger

    def watermark(self, view, offsets):
        """In microseconds since 1970, where no partition has an idle time; None where none has a clock."""
        clocks = [self._clock_at(partition, offset) for partition, offset in offsets.items()]
        return min((clock - view.watermark * 1_000_000 for clock in clocks if clock is not None), default=None)

    def _clock_at(self, partition, offset):
        """Before the first message from this offset on."""
        clocks = self.clocks[partition]
        return next((clock for at, clock in clocks.items() if at >= offset), self._clocks.get(partition))

    def late(self, view, offsets=None):
        """How many messages counted when they came, and came when their window had ended."""
        count = 0
        for partition, messages in self.partitions.items():
            below = messages[-1][0] + 1 if offsets is None else offsets.get(partition, 0)
            for offset, order in self._counting(messages, below):
                clock = self.clocks[partition][offset]
                settled = None if clock is None else clock - view.watermark * 1_000_000
                count += settled is not None and view.where(order) and has_ended(order["at"], settled, view)
        return count

    def _counting(self, messages, below):
        known = set()
        for offset, order in messages:
            if offset >= below:
                return
            if order is None or (self.source.on_duplicate == "ignore" and order[self.source.key] in known):
                continue
            if self.source.on_duplicate == "ignore":
                known.add(order[self.source.key])
            yield offset, order


def in_order(rows, view, order=(), per_window=None):
    """The keys of rows by these names of columns, "-" before those that descend, nulls last; equal ones by window and
    dimensions, nulls first. With per_window the first ones of each window alone."""
    columns = {"window_start": 0, **{name: number for number, name in enumerate(view.dimensions, 1)}}
    keys = sorted(rows, key=lambda key: [(value is not None, value if value is not None else 0) for value in key])
    for name in reversed(order):
        plain = name.removeprefix("-")
        values = {key: key[columns[plain]] if plain in columns else rows[key][plain] for key in keys}
        present = [key for key in keys if values[key] is not None]
        present.sort(key=values.get, reverse=name != plain)
        keys = present + [key for key in keys if values[key] is None]
    if per_window is None:
        return keys
    taken = Counter()
    return [key for key in keys if taken.update(key[:1]) or taken[key[0]] <= per_window]


def day(text, time_zone="UTC"):
    """The start of a day written as 2010-12-01, in seconds since 1970."""
    return _day_start(date.fromisoformat(text), ZoneInfo(time_zone))
