#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job with all months of Online Retail that a folder holds, by hand: it takes some minutes.

usage: .cache/venv/bin/python tests/e2e/acceptance.py FOLDER [CASE...]

FOLDER has the CSV files, one .csv.gz a month. tests/run once before makes the Python environment and the programs.
Real orders go through a real Kafka with duplicates, corrections, cancellations and broken messages; processes are
killed and batch runs come at random moments. At each pause, and in every complete answer between, all figures must
equal the independent recomputation, in both duplicate modes and two time zones. SEED=n repeats a run's choices."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e import test_main_job  # noqa: E402
from e2e.test_main_job import HOURLY, SUMMARY, VISITS  # noqa: E402
from support import online_retail  # noqa: E402
from support.tidemark import view  # noqa: E402


MORE_VIEWS = {
    "quarters": view("orders", "tumbling 15 minutes", SUMMARY, dimensions=["customer_segment"]),
    "six_hours": view("orders", "tumbling 6 hours", HOURLY),
    "rolling_minutes": view("orders", "hopping 1 hour every 5 minutes", SUMMARY),
    "rolling_days": view("orders", "hopping 7 days every 1 day", SUMMARY, dimensions=["customer_segment"]),
    "yearly_summary": view("orders", "tumbling 1 year", SUMMARY, dimensions=["category"]),
    "segment_visits": view(
        "orders", "session 90 seconds", VISITS, dimensions=["customer_segment", "category"], retention="400 days"
    ),
}
MORE_ROLL_UPS = [
    ("quarters", {"window": "1 day", "group_by": "customer_segment", "order": "-customers"}),
    ("quarters", {"window": "hopping 2 hours every 30 minutes", "order": "-smallest,window_start", "per_window": 1}),
    ("six_hours", {"window": "hopping 3 days every 1 day"}),
    ("rolling_minutes", {"window": "tumbling 1 hour"}),
    ("rolling_days", {"window": "1 month", "group_by": ""}),
    ("rolling_days", {"window": "hopping 21 days every 7 days"}),
    ("segment_visits", {"group_by": "customer_segment", "order": "-total_revenue"}),
]


def main(folder, *cases):
    files = sorted(Path(folder).glob("*.csv.gz"))
    if not files:
        sys.exit(f"no .csv.gz in {folder}")

    class Acceptance(test_main_job.MainJob):
        BATCH_RUNS, BATCH_KILLS, SPEED_KILLS = 20, 3, 5
        VIEWS = {**test_main_job.VIEWS, **MORE_VIEWS}
        ROLL_UPS = [*test_main_job.ROLL_UPS, *MORE_ROLL_UPS]

        @staticmethod
        def orders():
            return online_retail.orders(files)

        # Beside the main job's own cases, so that each mode comes in both zones.

        def test_replace_in_utc(self):
            self.scenario("replace", "UTC", shift_days=0)

        def test_ignore_in_london(self):
            self.scenario("ignore", "Europe/London", shift_days=100)

    suite = unittest.TestSuite(map(Acceptance, cases or unittest.defaultTestLoader.getTestCaseNames(Acceptance)))
    result = unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
