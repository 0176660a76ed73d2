#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The trees of docs/architecture.md name each file of the product, and none that isn't there."""

import re
import unittest
from pathlib import Path

from product import ROOT, sources

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text()


def named_files(lines):
    return set(re.findall(r"\b[\w-]+\.(?:cpp|c|h)\b", "\n".join(lines)))


def trees(document):
    """The lines of code and of tables: there each file has its place."""
    return [line for line in document.splitlines() if line.startswith(("    ", "| "))]


def unnamed(paths, named):
    """Those whose pair of header and source isn't named, by either."""
    stems = {name.rsplit(".", 1)[0] for name in named}
    return [str(path) for path in paths if path.stem not in stems]


class Tree(unittest.TestCase):
    def test_each_file_that_is_named_is_there(self):
        there = {path.name for path in sources(".c", ".h", ".cpp")}
        self.assertEqual(sorted(named_files(DOCUMENT.splitlines()) - there), [])

    def test_each_file_has_a_place_in_a_tree(self):
        found = unnamed(sources(".c", ".h", ".cpp"), named_files(trees(DOCUMENT)))
        self.assertEqual(found, [], "add them to the tree of their folder in docs/architecture.md")

    def test_names_are_found(self):
        document = "See five.c.\n    one/\n      two/   of three.c  four.h\n| `six.c` | a file |\n"
        self.assertEqual(named_files(trees(document)), {"three.c", "four.h", "six.c"})
        self.assertEqual(unnamed([Path("one/four.c"), Path("one/five.c")], {"three.c", "four.h"}), ["one/five.c"])


if __name__ == "__main__":
    unittest.main(argv=["tree_test.py"])
