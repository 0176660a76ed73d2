#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one module of Python tests, from the folder tests.

usage: run_tests.py MODULE [NAME...]    only the tests that have a NAME in their name
The last line is: passed failed skipped"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class Counting(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):  # noqa: N802: unittest's name
        super().addSuccess(test)
        self.passed += 1


def tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests(test)
        else:
            yield test


def main(module, *names):
    chosen = [t for t in tests(unittest.defaultTestLoader.loadTestsFromName(module)) if matches(t.id(), names)]
    if names and not chosen:
        print(0, 0, 0)
        return
    runner = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Counting)
    result = runner.run(unittest.TestSuite(chosen))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(result.passed, failed, len(result.skipped), flush=True)


def matches(ident, names):
    return not names or any(name in ident for name in names)


if __name__ == "__main__":
    main(*sys.argv[1:])
