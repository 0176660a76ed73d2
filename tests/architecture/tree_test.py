#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The trees of docs/architecture.md name files that are there, and leave out no folder that has any."""

import re
import unittest

from product import ROOT, sources

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text()


def named_files(document):
    return set(re.findall(r"\b[\w-]+\.(?:cpp|c|h)\b", document))


def named_folders(document):
    return set(re.findall(r"^\s+([\w-]+)/", document, re.M)) | set(re.findall(r"`[\w/-]*?([\w-]+)`", document))


class Tree(unittest.TestCase):
    def test_each_file_that_is_named_is_there(self):
        there = {path.name for path in sources(".c", ".h", ".cpp")}
        named = named_files(DOCUMENT)
        self.assertGreater(len(named), 250)
        self.assertEqual(sorted(named - there), [])

    def test_each_folder_is_named(self):
        folders = {path.parent.name for path in sources(".c", ".h", ".cpp")}
        self.assertEqual(sorted(folders - named_folders(DOCUMENT)), [])

    def test_names_are_found(self):
        tree = "    one/\n      two/   of three.c  four.h\n      five/six.c\n"
        self.assertEqual(named_files(tree), {"three.c", "four.h", "six.c"})
        self.assertEqual(named_folders(tree), {"one", "two", "five"})


if __name__ == "__main__":
    unittest.main(argv=["tree_test.py"])
