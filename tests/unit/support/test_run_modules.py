# SPDX-License-Identifier: Apache-2.0
"""How the results of modules of tests are counted, and what failing once and failing twice mean."""

import json
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

from support.process import ROOT
from support.run_modules import LONGEST, WITH_SERVERS, Outcome, longest_first, modules_of, outcome_of, settle, summary

TESTS = ROOT / "tests"


def outcome(passed=(), failed=(), broken=(), **skipped):
    return Outcome(frozenset(passed), frozenset(failed), frozenset(broken), skipped)


class Settling(unittest.TestCase):
    def test_what_fails_twice_fails(self):
        settled = settle(outcome(["a"], ["b"]), outcome(["a"], ["b"]))
        self.assertEqual((settled.passed, settled.failed, settled.shaky), ({"a"}, {"b"}, set()))

    def test_what_passes_the_second_time_has_passed_and_is_shaky(self):
        settled = settle(outcome(["a"], ["b"]), outcome(["a", "b"]))
        self.assertEqual((settled.passed, settled.failed, settled.shaky), ({"a", "b"}, set(), {"b"}))
        self.assertTrue(settled.is_well)

    def test_what_fails_the_second_time_only_has_passed_and_is_shaky(self):
        settled = settle(outcome(["a"], ["b"]), outcome(["b"], ["a"]))
        self.assertEqual((settled.passed, settled.failed, settled.shaky), ({"a", "b"}, set(), {"a", "b"}))

    def test_what_failed_and_did_not_run_again_has_failed(self):
        settled = settle(outcome(["a"], ["b"]), outcome(broken=["setUpClass (B)"]))
        self.assertEqual((settled.passed, settled.failed, settled.broken), ({"a"}, {"b"}, set()))
        self.assertEqual(settled.shaky, {"setUpClass (B)"})

    def test_class_that_cannot_be_set_up_twice_has_failed(self):
        settled = settle(outcome(broken=["setUpClass (B)"]), outcome(broken=["setUpClass (B)"]))
        self.assertFalse(settled.is_well)
        self.assertEqual(list(summary([settled])), ["failed: setUpClass (B)", "0 1 0"])

    def test_module_that_died_once_is_shaky(self):
        _, died = outcome_of("e2e.test_x", "half a line", -9)
        settled = settle(died, outcome(["a"]))
        name = "e2e.test_x: ended with -9 and without a result"
        self.assertEqual(list(summary([settled])), [f"shaky: {name}", "1 0 0"])


class Counting(unittest.TestCase):
    def test_module_without_a_result_is_one_failure_and_is_shown(self):
        for output in ("", "Traceback\n", "1 2 3\n", "null\n"):
            shown, died = outcome_of("m", output, 1)
            self.assertIn("m: ended with 1 and without a result", shown)
            name = "m: ended with 1 and without a result"
            self.assertEqual(list(summary([died])), [f"failed: {name}", "0 1 0"])

    def test_failures_are_listed_and_skips_with_their_reasons(self):
        lines = list(summary([outcome(["a"], c="missing privilege: no systemd"), outcome(["b"], ["d"])]))
        self.assertEqual(lines, ["failed: d", "skipped: c: missing privilege: no systemd", "2 1 1"])

    def test_result_is_taken_off_what_is_shown(self):
        found = {"passed": ["a"], "failed": ["b"], "broken": [], "skipped": {"c": "why"}}
        shown, got = outcome_of("m", f"a line\n{json.dumps(found)}\n", 0)
        self.assertEqual((shown, got), ("a line", outcome(["a"], ["b"], c="why")))


class Order(unittest.TestCase):
    def test_modules_that_take_longest_come_first_and_others_stay_in_order(self):
        modules = ["unit.support.test_b", "e2e.test_a", LONGEST[1], "e2e.test_c", LONGEST[0]]
        expected = [LONGEST[0], LONGEST[1], "unit.support.test_b", "e2e.test_a", "e2e.test_c"]
        self.assertEqual(longest_first(modules), expected)

    def test_modules_that_take_longest_are_there(self):
        there = {module for folder in WITH_SERVERS for module in modules_of(folder)}
        self.assertLessEqual(set(LONGEST), there)


class Running(unittest.TestCase):
    """Real modules, in folders named as those of tests with servers."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tests = Path(folder.name) / "tests"
        (self.tests / "support").mkdir(parents=True)
        for name in ("run_tests.py", "run_modules.py", "privilege.py"):
            shutil.copy(TESTS / "support" / name, self.tests / "support")

    def module(self, folder, text):
        (self.tests / folder).mkdir(exist_ok=True)
        (self.tests / folder / "test_it.py").write_text(
            "import pathlib, unittest\nfrom support.privilege import MissingPrivilege\n"
            "BEFORE = pathlib.Path(__file__).with_name('before')\n\n\n"
            "class It(unittest.TestCase):\n" + textwrap.indent(textwrap.dedent(text), "    ")
        )

    def last_lines(self, *arguments):
        command = [sys.executable, "support/run_modules.py", "--quiet", *arguments]
        done = subprocess.run(command, cwd=self.tests, capture_output=True, text=True, check=True)
        *lines, counts = done.stdout.splitlines()
        return [line for line in lines if line.startswith(("failed: ", "shaky: ", "skipped: "))] + [counts]

    FAILS_ONCE = """
        def test_fails_once(self):
            there = BEFORE.exists()
            BEFORE.touch()
            self.assertTrue(there)

        def test_passes(self):
            pass
    """

    def test_module_with_servers_that_fails_is_run_once_more(self):
        self.module("e2e", self.FAILS_ONCE)
        name = "e2e.test_it.It.test_fails_once"
        self.assertEqual(self.last_lines("--again", "e2e"), [f"shaky: {name}", "2 0 0"])

    def test_nothing_is_run_again_unasked(self):
        self.module("faults", self.FAILS_ONCE)
        self.assertEqual(self.last_lines("faults"), ["failed: faults.test_it.It.test_fails_once", "1 1 0"])

    def test_module_without_servers_is_not_run_again(self):
        self.module("unit", self.FAILS_ONCE)
        failed = "failed: unit.test_it.It.test_fails_once"
        self.assertEqual(self.last_lines("--again", "unit"), [failed, "1 1 0"])

    def test_what_fails_twice_or_is_skipped_is_counted(self):
        self.module(
            "faults",
            """
            def test_fails(self):
                self.fail()

            def test_fails_in_two_subtests(self):
                for number in range(2):
                    with self.subTest(number=number):
                        self.fail()

            def test_is_skipped(self):
                raise MissingPrivilege("no Docker engine answers")
            """,
        )
        why = "faults.test_it.It.test_is_skipped: missing privilege: no Docker engine answers"
        failed = [f"failed: faults.test_it.It.{name}" for name in ("test_fails", "test_fails_in_two_subtests")]
        self.assertEqual(self.last_lines("--again", "faults"), [*failed, f"skipped: {why}", "0 2 1"])


if __name__ == "__main__":
    unittest.main()
