#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the single tests in ctest's JUnit files and shows the output of what failed.

usage: count_ctest.py LABEL JUNIT.xml [AGAIN.xml]      The last line is: passed failed skipped

AGAIN.xml, which needn't be there, is of programs that were run once more, alone: what they did then counts, and what
passes then is listed. A CMocka program says how many of its tests passed; one that says nothing counts as one test."""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def numbers(word, output):
    return sum(int(n) for n in re.findall(rf"\[  {word:8}\] (\d+) test", output))


def counts(case):
    """(output, [passed, failed, skipped]) of a program."""
    output = "".join(case.itertext())
    passed, failed, skipped = (numbers(word, output) for word in ("PASSED", "FAILED", "SKIPPED"))
    if case.get("status") != "run":
        failed = failed or 1
    elif not passed and not failed and not skipped:
        passed = 1
    return output, [passed, failed, skipped]


def programs(path):
    return {case.get("name"): counts(case) for case in xml.parse(path).getroot().iter("testcase")}


def show(name, output, failed, skipped):
    """The output of a program that isn't well, and a line for each of its tests that failed."""
    print(f"--- {name}: {failed} failed, {skipped} skipped\n{output[-12000:]}")
    if failed:
        single = sorted(set(re.findall(r"\[  FAILED  \] (\w+)$", output, re.MULTILINE))) or ["it ended badly"]
        print(*(f"failed: {name}: {test}" for test in single), sep="\n")
    if skipped:
        print(f"skipped: {name}: it doesn't say why")


def main(label, first, again=None):
    outcomes, second = programs(first), programs(again) if again and Path(again).exists() else {}
    for name, (output, (_, failed, skipped)) in outcomes.items():
        if name in second and not second[name][1][1]:
            print(f"--- {label}: {name}: {failed} failed, none alone\n{output[-12000:]}\nshaky: {label}: {name}")
        elif name in second:
            print(f"--- {label}: {name}: {failed} failed at first, and alone what follows\n{output[-12000:]}")
            show(f"{label}: {name}", second[name][0], *second[name][1][1:])
        elif failed or skipped:
            show(f"{label}: {name}", output, failed, skipped)
    sums = [sum(kind) for kind in zip(*(one for _, one in (outcomes | second).values()), strict=True)] or [0, 0, 0]
    print(f"{label}: {sums[0]} passed, {sums[1]} failed, {sums[2]} skipped")
    print(*sums)


if __name__ == "__main__":
    main(*sys.argv[1:])
