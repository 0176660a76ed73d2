#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one module of Python tests, from the folder tests.

usage: run_tests.py MODULE [NAME...]    only the tests that have a NAME in their name
The last line is a JSON object: the names of tests that passed and failed, what was skipped and why, and what broke
beside the tests, as the setting up of a class."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class Noting(unittest.TextTestResult):
    """Which test passed. A test with subtests that failed has failed, once."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = []

    def addSuccess(self, test):  # noqa: N802: unittest's name
        super().addSuccess(test)
        self.passed.append(test.id())

    def outcome(self):
        unwell = [test for test, _ in self.failures + self.errors] + self.unexpectedSuccesses
        tests = [getattr(test, "test_case", test) for test in unwell]
        return {
            "passed": self.passed,
            "failed": sorted({test.id() for test in tests if isinstance(test, unittest.TestCase)}),
            "broken": sorted({test.id() for test in tests if not isinstance(test, unittest.TestCase)}),
            "skipped": {getattr(test, "test_case", test).id(): reason for test, reason in self.skipped},
        }


def tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests(test)
        else:
            yield test


def main(module, *names):
    chosen = [t for t in tests(unittest.defaultTestLoader.loadTestsFromName(module)) if matches(t.id(), names)]
    if names and not chosen:
        print(json.dumps({}))
        return
    runner = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Noting)
    outcome = runner.run(unittest.TestSuite(chosen)).outcome()
    print(json.dumps(outcome), flush=True)


def matches(ident, names):
    return not names or any(name in ident for name in names)


if __name__ == "__main__":
    main(*sys.argv[1:])
