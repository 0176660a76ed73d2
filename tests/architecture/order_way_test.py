#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An order's way from topic to dashboard, as docs/architecture.md names it function by function, is the code's way: each
function is there, and calls the next one, or reaches it over a table of functions."""

import re
import unittest
from collections import defaultdict

from product import ROOT, sources, text, without_comments

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text()
CALL, OVER_A_TABLE = "→", "⇢"
STEPS_MAX = 50  # of functions on the whole way: it is as short as the code allows


def chains():
    """Each as [function, arrow, function, …]."""
    section = DOCUMENT.partition("## An order's way\n")[2].partition("\n## ")[0]
    chain = rf"`\w+`(?:\s*[{CALL}{OVER_A_TABLE}]\s*`\w+`)+"
    return [re.findall(rf"\w+|[{CALL}{OVER_A_TABLE}]", found) for found in re.findall(chain, section)]


def bodies():
    """{function: its bodies}; names of static functions can stand in several files."""
    found = defaultdict(list)
    for path in sources(".c"):
        code = without_comments(text(path))
        for name, body in re.findall(r"^[a-z][^\n;{}=]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", code, re.M | re.S):
            found[name].append(body)
    return found


class OrderWay(unittest.TestCase):
    def setUp(self):
        self.bodies = bodies()
        self.code = "\n".join(text(path) for path in sources(".c", ".h"))

    def leads(self, caller, arrow, callee):
        if arrow == CALL:
            return any(re.search(rf"\b{callee}\(", body) for body in self.bodies[caller])
        members = "|".join(re.findall(rf"[.>](\w+) = {callee}\b", self.code)) or r"\w+"
        called = any(re.search(rf"(?:->|\.)(?:{members})\(", body) for body in self.bodies[caller])
        return called and re.search(rf"(?:= |, ){callee}\b", self.code)

    def test_each_function_of_the_way_is_there(self):
        self.assertGreater(len(chains()), 3)
        self.assertEqual([name for chain in chains() for name in chain[::2] if name not in self.bodies], [])

    def test_each_function_of_the_way_leads_to_the_next(self):
        broken = []
        for chain in chains():
            for at in range(0, len(chain) - 2, 2):
                if not self.leads(*chain[at : at + 3]):
                    broken.append(" ".join(chain[at : at + 3]))
        self.assertEqual(broken, [])

    def test_the_way_is_no_longer_than_it_was(self):
        self.assertLessEqual(len({name for chain in chains() for name in chain[::2]}), STEPS_MAX)


if __name__ == "__main__":
    unittest.main(argv=["order_way_test.py"])
