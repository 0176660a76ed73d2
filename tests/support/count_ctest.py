#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the single tests in ctest's JUnit file and shows the output of what failed.

usage: count_ctest.py JUNIT.xml LABEL      The last line is: passed failed skipped

A CMocka program says how many of its tests passed; a program that says nothing counts as one test."""

import re
import sys
import xml.etree.ElementTree as xml


def numbers(word, output):
    return sum(int(n) for n in re.findall(rf"\[  {word:8}\] (\d+) test", output))


def main(path, label):
    sums = [0, 0, 0]
    for case in xml.parse(path).getroot().iter("testcase"):
        output = "".join(case.itertext())
        passed, failed, skipped = (numbers(word, output) for word in ("PASSED", "FAILED", "SKIPPED"))
        if case.get("status") != "run":
            failed = failed or 1
        elif not passed and not failed and not skipped:
            passed = 1
        sums = [a + b for a, b in zip(sums, (passed, failed, skipped))]
        if failed or skipped or case.get("status") != "run":
            print(f"--- {label}: {case.get('name')}: {failed} failed, {skipped} skipped\n{output[-12000:]}")
        if skipped:
            print(f"skipped: {label}: {case.get('name')}: it doesn't say why")
    print(f"{label}: {sums[0]} passed, {sums[1]} failed, {sums[2]} skipped")
    print(*sums)


if __name__ == "__main__":
    main(*sys.argv[1:])
