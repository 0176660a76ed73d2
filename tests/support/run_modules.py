#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs modules of Python tests side by side, each in a process of its own: they mostly wait for servers.

usage: run_modules.py [--at-once 3] [--quiet] [--again] MODULE... [--only NAME...]
  MODULE      as faults.test_redis, or a folder of tests, as faults, for all of its modules
  --at-once   so many at the same time
  --quiet     show the output of those only in which a test failed
  --again     run a module with real servers in which a test failed once more at the end, alone: what passes then has
              passed, and is listed
  --only      only the tests that have a NAME in their name

The last lines are, for each such test: `shaky: NAME`, for each that failed: `failed: NAME`, for each skipped one:
`skipped: NAME: why`, and in the end: passed failed skipped"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
WITH_SERVERS = ("e2e", "faults")
LONGEST = [
    *("faults.test_network", "faults.test_redis", "e2e.test_damage", "e2e.test_dead_letters", "e2e.test_main_job"),
    *("faults.test_postgres", "faults.test_processes", "faults.test_liveness"),
]


class Outcome(NamedTuple):
    """Of a module: names of tests, and of what broke beside them, as the setting up of a class."""

    passed: frozenset = frozenset()
    failed: frozenset = frozenset()
    broken: frozenset = frozenset()
    skipped: dict = {}
    shaky: frozenset = frozenset()

    @property
    def is_well(self):
        return not self.failed and not self.broken


def outcome_of(module, output, code):
    """(What the module printed without its last line, its outcome)."""
    shown, _, last = output.rstrip("\n").rpartition("\n")
    try:
        found = json.loads(last)
        lists = {kind: frozenset(found.get(kind, ())) for kind in ("passed", "failed", "broken")}
        return shown, Outcome(**lists, skipped=found.get("skipped", {}))
    except (ValueError, AttributeError):  # it died
        name = f"{module}: ended with {code} and without a result"
        return f"{output}\n{name}", Outcome(broken=frozenset([name]))


def settle(first, second):
    """What two runs of a module come to: what passed in one of them has passed, and is shaky where it failed in the
    other. What isn't a test has no pass of its own, and must break twice."""
    passed, failed = first.passed | second.passed, first.failed | second.failed
    return Outcome(
        passed=passed,
        failed=failed - passed,
        broken=first.broken & second.broken,
        skipped={**first.skipped, **second.skipped},
        shaky=(failed & passed) | (first.broken ^ second.broken),
    )


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.partition("usage: ")[2])
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    return parser.parse_args()


def longest_first(modules):
    """So that none of those that take minutes is left for the end, when others have nothing to do any more."""
    return sorted(modules, key=lambda module: LONGEST.index(module) if module in LONGEST else len(LONGEST))


def modules_of(name):
    """The modules of a folder; what isn't a folder is a module."""
    folder = TESTS / name
    files = sorted(folder.glob("test_*.py")) if folder.is_dir() else []
    return [".".join(file.relative_to(TESTS).with_suffix("").parts) for file in files] or [name]


def run(module, names, quiet):
    """(What the module printed, its outcome)."""
    begun = time.monotonic()
    command = [sys.executable, "support/run_tests.py", module, *names]
    done = subprocess.run(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    shown, outcome = outcome_of(module, done.stdout.decode(errors="replace"), done.returncode)
    if not quiet and not names:
        print(f"{time.strftime('%H:%M:%S')} {module} took {time.monotonic() - begun:.0f} s", flush=True)
    return shown, outcome


def run_all(modules, options):
    """{module: its outcome}"""
    outcomes = {}
    with ThreadPoolExecutor(options.at_once) as pool:
        runs = pool.map(lambda module: run(module, options.only, options.quiet), modules)
        for module, (shown, outcomes[module]) in zip(modules, runs, strict=True):
            show(shown, outcomes[module], options)
    if options.again:
        for module, first in outcomes.items():
            if not first.is_well and module.partition(".")[0] in WITH_SERVERS:
                print(f"once more, alone: {module}", flush=True)
                shown, second = run(module, options.only, options.quiet)
                show(shown, second, options)
                outcomes[module] = settle(first, second)
    return outcomes


def show(shown, outcome, options):
    if shown.strip() and not (options.quiet and outcome.is_well):
        print(shown, flush=True)


def summary(outcomes):
    """The last lines."""
    for outcome in outcomes:
        yield from (f"shaky: {name}" for name in sorted(outcome.shaky))
    for outcome in outcomes:
        yield from (f"failed: {name}" for name in sorted(outcome.failed | outcome.broken))
    for outcome in outcomes:
        yield from (f"skipped: {name}: {why}" for name, why in sorted(outcome.skipped.items()))
    passed, skipped = sum(len(o.passed) for o in outcomes), sum(len(o.skipped) for o in outcomes)
    yield f"{passed} {sum(len(o.failed) + len(o.broken) for o in outcomes)} {skipped}"


def main():
    options = arguments()
    outcomes = run_all(longest_first([module for name in options.modules for module in modules_of(name)]), options)
    print("\n".join(summary(list(outcomes.values()))), flush=True)


if __name__ == "__main__":
    main()
