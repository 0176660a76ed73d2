# SPDX-License-Identifier: Apache-2.0
"""A month of real orders through real servers, with duplicates, cancellations and broken messages, while processes are
killed and batch runs come at any moment: every figure equals the independent oracle's, to the digit, all the time.

SEED=n repeats a run's choices."""

import multiprocessing
import os
import random
import threading
import time
import unittest
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial

from support import disorder, online_retail, oracle
from support.kafka import Writer
from support.process import wait_until
from support.tidemark import differences, oracle_view, source, view

from .servers import EndToEnd, month

SUMMARY = {
    "total_orders": "count",
    "with_customer": "count(customer_id)",
    "total_revenue": "sum(amount)",
    "avg_order_value": "avg(amount)",
    "customers": "unique(customer_id)",
    "smallest": "min(amount)",
    "largest": "max(amount)",
}
VISITS = {"order_count": "count", "total_revenue": "sum(amount)", "mean": "avg(amount)"}
HOURLY = {"order_count": "count", "total_revenue": "sum(amount)", "most": "max(quantity)"}

VIEWS = {
    "daily_revenue": view("orders"),
    "live_revenue": view("orders", "tumbling_1_minute", retention="48 hours"),
    "hourly_revenue": view("orders", "tumbling 1 hour", HOURLY, time_zone="Asia/Kolkata"),
    "rolling_hours": view("orders", "hopping_3_hours_every_1_hour", SUMMARY, dimensions=["customer_segment"]),
    "fortnights": view("orders", "sliding 14 days every 2 days", SUMMARY, dimensions=["customer_segment"]),
    "visits": view("orders", "session_30_minutes", VISITS, dimensions=["customer_id"], retention="400 days"),
    "daily_summary": view("orders", measures=SUMMARY, dimensions=["category", "customer_segment"]),
    "weekly_revenue": view("orders", "tumbling 1 week"),
    "monthly_summary": view("orders", "tumbling_1_month", SUMMARY, dimensions=["category"]),
    "yearly_revenue": view("orders", "tumbling 1 year", time_zone="America/New_York"),
}
ROLL_UPS = [
    ("daily_summary", {"window": "1 week", "group_by": "category", "order": "-total_revenue"}),
    ("daily_summary", {"window": "1_year", "group_by": ""}),
    ("daily_summary", {"window": "1 month", "order": "-customers,category", "per_window": 5}),
    ("daily_summary", {"window": "hopping 14 days every 2 days", "group_by": "customer_segment"}),
    ("fortnights", {"window": "hopping_8_days_every_4_days", "group_by": ""}),
    ("hourly_revenue", {"window": "tumbling 1 month"}),
    ("rolling_hours", {"window": "sliding 24 hours every 1 hour", "group_by": "", "order": "-largest", "per_window": 1}),
    ("monthly_summary", {"window": "1 year", "order": "largest,-window_start"}),
    ("visits", {"group_by": "", "order": "-order_count"}),
]

SAMPLES = 200  # answers that are kept and checked


class Sampler(threading.Thread):
    """Asks for the views again and again, and keeps one complete answer of each state: by chance, SAMPLES of them."""

    def __init__(self, platform, names):
        super().__init__(daemon=True)
        self.platform, self.names = platform, names
        self.ended, self.asked, self.complete, self.failures = threading.Event(), 0, 0, []
        self.states, self.samples = set(), []  # (view, epoch, offsets); (view, answer)

    def run(self):
        while not self.ended.wait(0.05):
            for name in self.names:
                try:
                    self.ask(name)
                except OSError as error:
                    self.failures.append(repr(error))

    def ask(self, name):
        answer = self.platform.view(name)
        self.asked += 1
        if answer.status != 200:
            self.failures.append(f"{name}: {answer.status} {answer.body[:300]}")
        elif answer.complete:
            self.complete += 1
            epoch = answer.provenance["batch"]["epoch"]
            state = (name, epoch, tuple(sorted(answer.offsets.items())))
            if state not in self.states:
                self.states.add(state)
                self.keep(name, answer)

    def keep(self, name, answer):
        if len(self.samples) < SAMPLES:
            self.samples.append((name, answer))
        elif random.randrange(len(self.states)) < SAMPLES:
            self.samples[random.randrange(SAMPLES)] = (name, answer)

    def end(self):
        self.ended.set()
        self.join(60)


class MainJob(EndToEnd):
    BATCH_RUNS, BATCH_KILLS, SPEED_KILLS = 9, 2, 3  # at random moments
    PIECES = 8  # after each the figures are compared
    VIEWS, ROLL_UPS = VIEWS, ROLL_UPS

    @staticmethod
    def orders():
        return month()

    def scenario(self, on_duplicate, time_zone, shift_days):
        seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
        print(f"\nSEED={seed} ({on_duplicate}, {time_zone})", flush=True)
        self.random = random.Random(seed)
        self.servers()
        self.name = self.topic(4)
        self.job = self.platform(
            {"orders": source(self.name, on_duplicate=on_duplicate)},
            self.VIEWS,
            time_zone,
        )
        self.exact = [name for name in self.job.config["views"] if name != "live_revenue"]  # which forgets
        self.log = oracle.Log(oracle.Source(on_duplicate=on_duplicate))
        self.reader = self.kafka.reader()
        self.addCleanup(self.reader.close)
        moved = (online_retail.shifted(order, timedelta(days=shift_days)) for order in self.orders())
        self.messages = list(disorder.disordered(self.random, moved))
        self.play()

    def play(self):
        """The month in pieces; something happens during each, and after each the figures are compared."""
        self.job.serving(ready=True)
        self.speeds = [self.job.speed(), self.job.speed()]
        sampler = Sampler(self.job, self.exact)
        sampler.start()
        self.addCleanup(sampler.end)
        trouble = [self.run_batch] * self.BATCH_RUNS + [self.kill_batch] * self.BATCH_KILLS
        trouble += [self.kill_speed] * self.SPEED_KILLS
        size = len(self.messages) // self.PIECES + 1
        moments = sorted(self.random.sample(range(size, len(self.messages)), len(trouble)))  # none in the first piece
        self.random.shuffle(trouble)
        for piece in range(self.PIECES):
            first, last = piece * size, (piece + 1) * size
            here = {m - first: event for m, event in zip(moments, trouble) if first <= m < last}
            self.send_with_trouble(self.messages[first:last], here)
            self.assert_figures()
        self.run_batch()
        self.assert_figures()
        self.assert_roll_ups(self.ROLL_UPS)
        self.assert_ledger()
        self.assertEqual(self.job.batch(), 0, "a run that finds nothing new")
        self.assert_figures()
        sampler.end()
        self.job.stop()
        self.assert_samples(sampler)

    def send_with_trouble(self, messages, moments):
        """Sends a piece; `moments` says what happens behind which message."""
        writer = Writer(self.kafka.brokers)
        for number, (key, payload) in enumerate(messages):
            writer.send(self.name, key, payload)
            if number in moments:
                writer.flush()
                moments[number]()
            elif number % 250 == 0:
                time.sleep(0.05)  # spreads the piece over some commits of the speed layer
        writer.flush()

    def kill_speed(self):
        number = self.random.randrange(len(self.speeds))
        self.speeds[number].kill()
        self.speeds[number] = self.job.speed()

    def run_batch(self):
        # A partition that nobody owns yet after a kill isn't ready (75): the run is repeated, as an operator would.
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 120, "a batch run publishes", every=0.5)

    def kill_batch(self):
        child = self.job.start_batch()
        time.sleep(self.random.uniform(0, 0.6))
        child.kill()

    # --- what must hold ---

    def assert_figures(self):
        self.assert_caught_up(self.job, self.reader, self.name, self.log, self.exact)
        self.assert_roll_ups(self.random.sample(self.ROLL_UPS, 3))
        self.assert_live()

    def assert_roll_ups(self, asked):
        """Longer windows and fewer dimensions, asked of what is kept for shorter windows and more dimensions."""
        for name, parameters in asked:
            definition = self.asked_definition(name, parameters)
            answer = wait_until(partial(self.complete, name, parameters), 60, f"{name} is complete")
            expected = self.log.rows(definition, answer.offsets)
            order = parameters["order"].split(",") if "order" in parameters else ()
            keys = oracle.in_order(expected, definition, order, parameters.get("per_window"))
            difference = differences({key: expected[key] for key in keys}, answer.rows(definition))
            self.assertFalse(difference, f"{name} {parameters}: {difference}")
            self.assertEqual(list(answer.rows(definition)), keys, f"{name} {parameters}")

    def asked_definition(self, name, parameters):
        """The oracle's view for what is asked of a view."""
        own = self.job.oracle_view(name)
        if "window" in parameters:
            text = parameters["window"].replace("_", " ")
            text = text if text.startswith(("hopping", "sliding", "tumbling")) else f"tumbling {text}"
            asked = oracle_view({"window": text, "measures": {}}, own.time_zone)
            own = replace(own, window=asked.window, panes=asked.panes)
        group_by = parameters.get("group_by")
        kept = own.dimensions if group_by is None else [d for d in own.dimensions if d in group_by.split(",")]
        return replace(own, dimensions=tuple(kept))

    def complete(self, name, parameters):
        answer = self.job.view(name, **parameters)
        self.assertEqual(answer.status, 200, answer.body[:500])
        return answer if answer.complete else None

    def assert_live(self):
        """What is inside the retention by the latest clock of all partitions is inside each one's own."""
        latest = (
            max(order["at"] for orders in self.log.partitions.values() for _, order in orders if order) // 1_000_000
        )
        since = latest - 47 * 3600
        text = datetime.fromtimestamp(since, timezone.utc).isoformat().replace("+00:00", "Z")
        ends = self.log.ends()

        def asked():
            answer = self.job.view("live_revenue", **{"from": text})
            there = answer.complete and all(answer.offsets.get(p, 0) >= end for p, end in ends.items())
            return answer if there else None

        answer = wait_until(asked, 60, "live_revenue is complete")
        definition = self.job.oracle_view("live_revenue")
        expected = {key: row for key, row in self.log.rows(definition, answer.offsets).items() if key[0] >= since}
        difference = differences(expected, answer.rows(definition))
        self.assertFalse(difference, f"live_revenue since {text}: {difference}")

    def assert_ledger(self):
        """What the platform says of each message is what the oracle says, and every ledger is closed."""
        answer = self.job.get("/v1/ledger")
        self.assertEqual(answer.status, 200, answer.body[:500])
        [served] = answer.json["sources"]
        expected = self.log.fates()
        self.assertEqual({fate: served[fate] for fate in expected}, expected)
        self.assertTrue(served["closed"])
        self.assertEqual({ledger["name"] for ledger in served["views"]}, set(self.job.config["views"]))
        for ledger in served["views"]:
            counted = self.log.view_ledger(self.job.oracle_view(ledger["name"]))
            self.assertEqual({fate: ledger[fate] for fate in counted}, counted, ledger)
            self.assertTrue(ledger["closed"])

    def assert_samples(self, sampler):
        self.assertFalse(sampler.failures, sampler.failures[:5])
        found = f"{sampler.asked} answers, {sampler.complete} complete, {len(sampler.states)} states"
        print(f"{found}, {len(sampler.samples)} checked", flush=True)
        self.assertGreater(len(sampler.states), 40, found)
        self.assertGreater(len({epoch for _, epoch, _ in sampler.states}), 2, "batch runs were published meanwhile")
        # In order of their states, as what survived of one is remembered; by all processors, for nobody else works.
        samples = sorted(sampler.samples, key=lambda sample: sorted(sample[1].offsets.items()))
        size = -(-len(samples) // os.cpu_count())
        parts = [samples[first : first + size] for first in range(0, len(samples), size)]
        checks = [multiprocessing.get_context("fork").Process(target=self.check, args=(part,)) for part in parts]
        for check in checks:
            check.start()
        for check in checks:
            check.join()
        self.assertEqual({check.exitcode for check in checks}, {0}, "a sample is wrong: see above")

    def check(self, samples):
        for name, answer in samples:
            self.assert_answer(self.job, name, answer, self.log)

    def test_replace_in_london_across_the_change_to_summer_time(self):
        self.scenario("replace", "Europe/London", shift_days=100)

    def test_ignore_in_utc(self):
        self.scenario("ignore", "UTC", shift_days=0)


if __name__ == "__main__":
    unittest.main()
