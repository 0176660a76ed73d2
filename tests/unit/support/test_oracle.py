# SPDX-License-Identifier: Apache-2.0
"""The oracle against cases computed by hand: the tests trust it, so it is tested too."""

import unittest
from datetime import datetime, timezone
from decimal import Decimal

from support import oracle
from support.tidemark import differences

NOON = "2026-01-01T12:00:00Z"


def seconds(text):
    return int(datetime.fromisoformat(text).timestamp())


def message(offset=0, record="2030-01-01T00:00:00+00:00", **members):
    order = {"order_id": '"a"', "amount": "10.00", "status": '"completed"', "timestamp": f'"{NOON}"', **members}
    body = ",".join(f'"{name}":{value}' for name, value in order.items() if value is not None)
    return oracle.Message(offset, seconds(record) * 1000, ("{" + body + "}").encode())


def log_of(*messages, mode="replace"):
    log = oracle.Log(oracle.Source(on_duplicate=mode))
    for each in messages:
        log.append(0, each)
    return log


class Messages(unittest.TestCase):
    def accepted(self, **members):
        try:
            return oracle.decode(message(**members), oracle.Source())
        except oracle.Bad:
            return None

    def test_amounts_are_exact(self):
        amounts = {
            "1e2": 10000,
            "1.50": 150,
            "1.5000": 150,
            "-0": 0,
            "0e9": 0,
            "1500e-3": 150,
            "999999999999999.99": 10**17 - 1,
        }
        for text, minor in amounts.items():
            self.assertEqual(self.accepted(amount=text)["amount"], minor, text)

    def test_bad_amounts(self):
        for text in ("1.505", "1e15", "1e400", '"10"', "null", None, "true", "[]", "NaN", "01", ".5"):
            self.assertIsNone(self.accepted(amount=text), text)

    def test_times_are_read_with_their_offset(self):
        noon = seconds("2026-01-01T12:00:00+00:00") * 10**6
        for text in (
            "2026-01-01T12:00:00",
            "2026-01-01t12:00:00z",
            "2026-01-01 13:30:00+01:30",
            "2026-01-01T12:00:00.000000999Z",
        ):
            self.assertEqual(self.accepted(timestamp=f'"{text}"')["at"], noon, text)

    def test_bad_times(self):
        texts = ("2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "1999-12-31T23:59:59Z")
        for text in (*texts, "2026-01-01", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00.1234567890Z", "x"):
            self.assertIsNone(self.accepted(timestamp=f'"{text}"'), text)

    def test_time_in_the_future_of_its_record_is_bad(self):
        self.assertIsNone(self.accepted(record="2026-01-01T10:59:59+00:00"))
        self.assertIsNotNone(self.accepted(record="2026-01-01T11:00:00+00:00"))

    def test_key_is_1_to_256_bytes(self):
        for text, good in (("é" * 128, True), ("é" * 129, False), ("", False), ("a\\u0000", False), ("\\ud800", False)):
            self.assertEqual(self.accepted(order_id=f'"{text}"') is not None, good, text)

    def test_undeclared_fields_need_only_be_json(self):
        self.assertIsNotNone(self.accepted(more='"\\ud800"'))
        self.assertIsNotNone(self.accepted(more="1" * 5000))
        self.assertIsNotNone(self.accepted(more="[" * 63 + "]" * 63))
        self.assertIsNone(self.accepted(more="[" * 64 + "]" * 64))
        self.assertIsNone(self.accepted(more='{"a":1,"\\u0061":2}'))


class Comparison(unittest.TestCase):
    def test_every_kind_of_difference_is_found(self):
        rows = {(0, "a"): {"n": 1, "s": Decimal("1.00")}}
        self.assertEqual(differences(rows, dict(rows)), "")
        for other in (
            {},
            {(0, None): rows[0, "a"]},
            {**rows, (60, "a"): rows[0, "a"]},
            {(0, "a"): {"n": 2, "s": Decimal("1.00")}},
            {(0, "a"): {"n": 1, "s": Decimal("1.0")}},
            {(0, "a"): {"n": 1, "s": 1}},
        ):
            self.assertIn("rows differ", differences(rows, other), other)


class Windows(unittest.TestCase):
    def start(self, at, window, zone):
        return oracle.window_start(seconds(at) * 10**6, window, zone)

    def test_day_of_25_hours(self):
        for at in ("2026-10-24T23:00:00+00:00", "2026-10-25T23:59:59+00:00"):
            self.assertEqual(self.start(at, "day", "Europe/London"), seconds("2026-10-24T23:00:00+00:00"))

    def test_midnight_that_does_not_exist(self):
        # The clocks of São Paulo went from 00:00 to 01:00 on that day.
        self.assertEqual(
            self.start("2018-11-04T12:00:00-02:00", "day", "America/Sao_Paulo"), seconds("2018-11-04T03:00:00+00:00")
        )

    def test_midnight_that_comes_twice(self):
        # In Havana it went from 01:00 back to 00:00: the day begins at the first of both.
        self.assertEqual(
            self.start("2025-11-02T12:00:00-05:00", "day", "America/Havana"), seconds("2025-11-02T00:00:00-04:00")
        )

    def test_hour_of_a_zone_with_half_an_hour(self):
        self.assertEqual(
            self.start("2026-01-01T12:29:00+00:00", "hour", "Asia/Kolkata"), seconds("2026-01-01T11:30:00+00:00")
        )

    def test_hour_in_which_the_clock_changes_by_half_an_hour(self):
        # On Lord Howe it went from 02:00 back to 01:30: that hour lasts 90 minutes.
        for at in ("2010-04-03T14:00:00+00:00", "2010-04-03T14:59:00+00:00", "2010-04-03T15:10:00+00:00"):
            self.assertEqual(self.start(at, "hour", "Australia/Lord_Howe"), seconds("2010-04-03T14:00:00+00:00"), at)
        self.assertEqual(
            self.start("2010-04-03T15:30:00+00:00", "hour", "Australia/Lord_Howe"), seconds("2010-04-03T15:30:00+00:00")
        )
        self.assertEqual(  # and from 02:00 to 02:30
            self.start("2010-10-02T15:40:00+00:00", "hour", "Australia/Lord_Howe"), seconds("2010-10-02T15:30:00+00:00")
        )

    def test_hour_that_comes_twice(self):
        for at in ("2026-10-25T00:00:00+00:00", "2026-10-25T01:00:00+00:00"):
            self.assertEqual(self.start(at, "hour", "Europe/London"), seconds(at))


class Views(unittest.TestCase):
    VIEW = oracle.View(
        measures={"n": ("count",), "s": ("sum", "amount"), "a": ("avg", "amount"), "u": ("unique", "customer_id")}
    )
    KEY = (seconds("2026-01-01T00:00:00+00:00"),)

    def test_last_version_counts_with_replace_and_first_with_ignore(self):
        versions = message(0, amount="1.00"), message(1, amount="2.00"), message(2, amount="3.00")
        for mode, total in (("replace", "3.00"), ("ignore", "1.00")):
            self.assertEqual(str(log_of(*versions, mode=mode).rows(self.VIEW)[self.KEY]["s"]), total)
        self.assertEqual(str(log_of(*versions, mode="none").rows(self.VIEW)[self.KEY]["s"]), "6.00")

    def test_smallest_largest_and_different_values_are_of_orders_that_are_left(self):
        measures = {f: (f, "amount") for f in ("min", "max", "unique")}
        one, two, other = (message(i, order_id=f'"{i}"', amount=a) for i, a in enumerate(("1.00", "2.50", "2.50")))
        row = log_of(one, two, other).rows(oracle.View(measures=measures))[self.KEY]
        self.assertEqual({name: str(value) for name, value in row.items()}, {"min": "1.00", "max": "2.50", "unique": "2"})
        gone = message(3, order_id='"0"', amount="1.00", status='"cancelled"')
        row = log_of(one, two, other, gone).rows(oracle.View(measures=measures))[self.KEY]
        self.assertEqual({name: str(value) for name, value in row.items()}, {"min": "2.50", "max": "2.50", "unique": "1"})

    def test_only_messages_below_the_offsets_count(self):
        log = log_of(message(0, amount="1.00"), message(1, amount="2.00"))
        self.assertEqual(str(log.rows(self.VIEW, {0: 1})[self.KEY]["s"]), "1.00")
        self.assertEqual(log.rows(self.VIEW, {0: 0}), {})

    def test_order_is_in_as_many_hopping_rows_as_they_have_windows(self):
        view = oracle.View(time_zone="Europe/London", measures={"n": ("count",)}, panes=2)
        log = log_of(message(0, timestamp='"2026-03-29T12:00:00Z"'))  # a day of 23 hours
        starts = ("2026-03-28T00:00:00+00:00", "2026-03-29T00:00:00+00:00")
        self.assertEqual(log.rows(view), {(seconds(start),): {"n": 1} for start in starts})

    def test_several_days_are_counted_from_1970_and_minutes_from_local_hours(self):
        log = log_of(message(0, timestamp='"2026-03-29T12:07:00Z"'))  # day 20541
        starts = {"2 days": "2026-03-28T00:00:00+00:00", "7 days": "2026-03-26T00:00:00+00:00"}
        starts["5 minutes"] = "2026-03-29T12:05:00+00:00"
        for window, start in starts.items():
            view = oracle.View(window, "Europe/London", measures={"n": ("count",)})
            self.assertEqual(log.rows(view), {(seconds(start),): {"n": 1}}, window)

    def test_rows_are_ordered_with_nulls_last_and_equal_ones_by_window_and_dimensions(self):
        view = oracle.View(dimensions=("category",), measures={"n": ("count",), "m": ("min", "quantity")})
        rows = {(2, "a"): (1, 3), (1, "b"): (2, None), (1, "a"): (1, 7), (1, None): (2, 3)}
        rows = {key: dict(zip(view.measures, values)) for key, values in rows.items()}
        plain = [(1, None), (1, "a"), (1, "b"), (2, "a")]
        self.assertEqual(oracle.in_order(rows, view), plain)
        self.assertEqual(oracle.in_order(rows, view, ["-n"]), [plain[0], plain[2], plain[1], plain[3]])
        self.assertEqual(oracle.in_order(rows, view, ["-m"]), [plain[1], plain[0], plain[3], plain[2]])
        self.assertEqual(oracle.in_order(rows, view, ["category"]), [plain[1], plain[3], plain[2], plain[0]])
        self.assertEqual(oracle.in_order(rows, view, ["-window_start", "-category"], 1), [plain[3], plain[2]])

    def test_cancelled_order_leaves_no_row(self):
        log = log_of(message(0), message(1, status='"cancelled"'))
        self.assertEqual(log.rows(self.VIEW), {})
        self.assertEqual(log.view_ledger(self.VIEW), {"counted": 0, "filtered": 1})

    def test_order_without_a_status_or_an_amount_above_zero_is_filtered(self):
        log = log_of(message(0, order_id='"a"', status="null"), message(1, order_id='"b"', amount="0"))
        self.assertEqual(log.view_ledger(self.VIEW), {"counted": 0, "filtered": 2})

    def test_message_is_late_by_the_clock_that_its_partition_had_before_it(self):
        view = oracle.View("hour", watermark=1800, measures={"n": ("count",)})
        times = "2026-01-01T12:00:00Z", "2026-01-01T10:59:00Z", "2026-01-01T11:00:00Z", "2026-01-01T10:00:00Z"
        messages = [message(n, order_id=f'"{n}"', timestamp=f'"{time}"') for n, time in enumerate(times)]
        self.assertEqual(log_of(*messages).view_ledger(view), {"counted": 4, "filtered": 0, "late": 2})
        self.assertEqual(log_of(*messages).late(view, {0: 3}), 1)
        self.assertEqual(log_of(*messages).late(oracle.View(gap=1800, watermark=1800)), 2)
        self.assertEqual(log_of(*messages).late(oracle.View(gap=1800, watermark=1860)), 1)

    def test_watermark_is_that_of_the_partition_whose_clock_is_behind(self):
        view = oracle.View("hour", watermark=1800, measures={"n": ("count",)})
        log = oracle.Log(oracle.Source())
        for number, hour in enumerate((12, 10, 14)):
            log.append(0, message(number, timestamp=f'"2026-01-01T{hour}:30:00Z"'))
        log.append(1, message(0, timestamp='"2026-01-01T13:00:00Z"'))
        at = lambda *offsets: log.watermark(view, dict(enumerate(offsets)))  # noqa: E731
        noon = 1767268800 * 1_000_000
        self.assertEqual([at(0, 0), at(1, 0), at(2, 1)], [None, noon, noon])
        self.assertEqual(at(3, 1), noon + 1800 * 1_000_000)

    def test_average_is_rounded_half_up_and_null_is_no_customer(self):
        log = log_of(
            message(0, order_id='"a"', amount="0.01", customer_id="null"),
            message(1, order_id='"b"', amount="0.02", customer_id='"c"'),
        )
        self.assertEqual(log.rows(self.VIEW)[self.KEY], {"n": 2, "s": Decimal("0.03"), "a": Decimal("0.02"), "u": 1})

    def test_ledger_accounts_for_every_message(self):
        log = log_of(message(0), message(1), oracle.Message(2, 0, b"{"), message(3, order_id='"b"'))
        expected = {"consumed": 4, "kept": 2, "replaced": 1, "duplicate": 0, "deferred": 0, "bad": 1}
        self.assertEqual(log.fates(), expected)


if __name__ == "__main__":
    unittest.main()
