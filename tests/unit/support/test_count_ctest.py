# SPDX-License-Identifier: Apache-2.0
"""How the single tests of ctest's programs are counted, and those that are run once more."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from support.count_ctest import main

FAILS = "[  PASSED  ] 2 test(s).\n[  FAILED  ] it_breaks\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] it_breaks\n"
PASSES = "[  PASSED  ] 3 test(s).\n"


class Counting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def lines(self, first, again=()):
        """What is printed for programs, as (name, status, output), of a first run and of a second."""
        files = [self.folder / "first.xml", self.folder / "again.xml"]
        for file, programs in zip(files, (first, again)):
            cases = (f'<testcase name="{n}" status="{s}"><system-out>{o}</system-out></testcase>' for n, s, o in programs)
            if programs:
                file.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            main("build", *map(str, files))
        *printed, counts = printed.getvalue().splitlines()
        return [line for line in printed if line.startswith(("failed: ", "shaky: "))] + [counts]

    def test_each_test_of_a_program_counts_and_each_that_failed_is_listed(self):
        first = [("a_test", "run", PASSES), ("b_test", "fail", FAILS), ("c_test", "run", "")]
        self.assertEqual(self.lines(first), ["failed: build: b_test: it_breaks", "6 1 0"])

    def test_program_that_died_is_one_failure(self):
        self.assertEqual(self.lines([("a_test", "fail", "")]), ["failed: build: a_test: it ended badly", "0 1 0"])

    def test_what_passes_when_it_is_run_once_more_has_passed_and_is_shaky(self):
        first = [("integration_a_test", "fail", FAILS), ("b_test", "run", PASSES)]
        again = [("integration_a_test", "run", PASSES)]
        self.assertEqual(self.lines(first, again), ["shaky: build: integration_a_test", "6 0 0"])

    def test_what_fails_twice_has_failed_as_it_did_alone(self):
        failed = [("integration_a_test", "fail", FAILS)]
        self.assertEqual(self.lines(failed, failed), ["failed: build: integration_a_test: it_breaks", "2 1 0"])
        alone = [("integration_a_test", "fail", FAILS.replace("it_breaks", "it_breaks_too"))]
        self.assertEqual(self.lines(failed, alone), ["failed: build: integration_a_test: it_breaks_too", "2 1 0"])
