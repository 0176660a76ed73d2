#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job with all months of Online Retail that a folder holds, by hand: it takes some minutes.

usage: .cache/venv/bin/python tests/e2e/acceptance.py FOLDER

FOLDER has the CSV files, one .csv.gz a month. tests/run once before makes the Python environment and the programs.
Real orders go through a real Kafka with duplicates, corrections, cancellations and broken messages; processes are
killed and batch runs come at random moments. At each pause, and in every complete answer between, all figures must
equal the independent recomputation, in both duplicate modes and two time zones. SEED=n repeats a run's choices."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e import test_main_job  # noqa: E402
from support import online_retail  # noqa: E402


def main(folder):
    files = sorted(Path(folder).glob("*.csv.gz"))
    if not files:
        sys.exit(f"no .csv.gz in {folder}")

    class Acceptance(test_main_job.MainJob):
        BATCH_RUNS, BATCH_KILLS, SPEED_KILLS = 20, 3, 5

        @staticmethod
        def orders():
            return online_retail.orders(files)

        def test_replace_in_utc(self):
            self.scenario("replace", "UTC", shift_days=0)

        def test_ignore_in_london(self):
            self.scenario("ignore", "Europe/London", shift_days=100)

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Acceptance)
    result = unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
