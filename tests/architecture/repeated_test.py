#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the product says it says once: no run of six lines stands in two places, and no name of a struct or an enum
stands for two things."""

import re
import unittest
from collections import defaultdict

from product import sources, text, without_comments

RUN = 6


def significant_lines(code):
    """(number, line) of those that say something: neither blank, nor punctuation alone, nor an include, nor what two
    implementations of an interface can't but share: that they give for a member their own function of its name."""
    says_nothing = re.compile(r"\W*|#include .*|[^.]*\.(\w+) = (on_)?\1,?")
    for number, line in enumerate(without_comments(code).splitlines(), 1):
        line = " ".join(line.split())
        if not says_nothing.fullmatch(line):
            yield number, line


def runs(files):
    """{run: the places where it begins}, of those that stand in more than one."""
    places = defaultdict(list)
    for name, code in files.items():
        lines = list(significant_lines(code))
        for at in range(len(lines) - RUN + 1):
            run = tuple(line for _, line in lines[at : at + RUN])
            places[run].append(f"{name}:{lines[at][0]}")
    return {run: found for run, found in places.items() if len(found) > 1}


def repeated_pairs(files):
    """{(file, file): the first line of each run}"""
    pairs = defaultdict(list)
    for found in runs(files).values():
        names = sorted({place.rsplit(":", 1)[0] for place in found})
        pairs[(names[0], names[-1])].append(" ~ ".join(found))
    return pairs


def names_of_two_things(files):
    """{"struct name": where it is defined}, of those that are defined more than once."""
    places = defaultdict(list)
    for name, code in files.items():
        for kind, tag in re.findall(r"^\s*(?:static |const |typedef )*(struct|enum|union) (\w+) \{", without_comments(code), re.M):
            places[tag].append(f"{kind} in {name}")
    return {tag: found for tag, found in places.items() if len(found) > 1}


class Repeated(unittest.TestCase):
    def setUp(self):
        self.files = {str(path): text(path) for path in sources(".c", ".h", ".cpp")}

    def test_no_run_of_six_lines_stands_in_two_places(self):
        self.assertEqual(repeated_pairs(self.files), {})

    def test_no_name_of_a_struct_or_an_enum_stands_for_two_things(self):
        self.assertEqual(names_of_two_things(self.files), {})

    def test_a_run_and_a_name_are_found(self):
        one = "struct mark {\n    int x;\n};\n" + "".join(f"    step({number});\n\n" for number in range(6))
        files = {"a.c": one, "b.c": "int f(void)\n{\n" + one.replace("    step(1);", "  step(1); /* again */") + "}\n"}
        self.assertIn(("a.c", "b.c"), repeated_pairs(files))
        self.assertEqual(list(names_of_two_things(files)), ["mark"])


if __name__ == "__main__":
    unittest.main(argv=["repeated_test.py"])
