#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs modules of Python tests side by side, each in a process of its own: they mostly wait for servers.

usage: run_modules.py [--at-once 3] [--quiet] MODULE... [--only NAME...]
  MODULE      as faults.test_redis, or a folder of tests, as faults, for all of its modules
  --at-once   so many at the same time
  --quiet     show the output of those only in which a test failed
  --only      only the tests that have a NAME in their name

The last line is: passed failed skipped"""

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.partition("usage: ")[2])
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    return parser.parse_args()


def modules_of(name):
    """The modules of a folder; what isn't a folder is a module."""
    folder = TESTS / name
    files = sorted(folder.glob("test_*.py")) if folder.is_dir() else []
    return [".".join(file.relative_to(TESTS).with_suffix("").parts) for file in files] or [name]


def run(module, names, quiet):
    """What the module printed, and how many of its tests passed, failed and were skipped."""
    if not quiet and not names:
        print(time.strftime("%H:%M:%S"), "running", module, flush=True)
    command = [sys.executable, "support/run_tests.py", module, *names]
    done = subprocess.run(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace")
    counts = re.search(r"(?:\A|\n)(\d+) (\d+) (\d+)\n\Z", output)
    if not counts:  # it died
        return f"{output}\n{module}: ended with {done.returncode} and without a result\n", (0, 1, 0)
    return output[: counts.start()], tuple(map(int, counts.groups()))


def main():
    options = arguments()
    modules = [module for name in options.modules for module in modules_of(name)]
    sums = [0, 0, 0]
    with ThreadPoolExecutor(options.at_once) as pool:
        for output, counts in pool.map(lambda module: run(module, options.only, options.quiet), modules):
            sums = [a + b for a, b in zip(sums, counts, strict=True)]
            if output.strip() and (counts[1] or not options.quiet):
                print(output, flush=True)
    print(*sums, flush=True)


if __name__ == "__main__":
    main()
