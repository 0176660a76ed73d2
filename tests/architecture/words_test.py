#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The words that docs/glossary.md says the code doesn't have aren't in its identifiers, and those that it explains are."""

import re
import unittest
from collections import defaultdict

from product import ROOT, sources, text, without_comments

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
# Identifiers of other libraries, and of what is no thing.
OTHERS = re.compile(r"PGRES_\w+|PARTITION_READING|start_reading")


def retired():
    """The words of the table's left column."""
    table = GLOSSARY.partition("## Words that the code doesn't have")[2]
    rows = re.findall(r"^\| ([a-z][^|]*) \| [^|]+ \|$", table, re.M)
    return {word.strip() for row in rows if row != "not" for word in re.sub(r"\(.*\)", "", row).split(",")}


def explained():
    """The words in bold of the first column of the other tables."""
    tables = GLOSSARY.partition("## Words that the code doesn't have")[0]
    firsts = re.findall(r"^\| (\*\*[^|]*) \|", tables, re.M)
    return {word for first in firsts for word in re.findall(r"\*\*([^*]+)\*\*", first)}


def identifiers(code):
    code = re.sub(r'#include "[^"]*"', "", without_comments(code))
    code = re.sub(r'"(?:\\.|[^"\\])*"', '""', code)
    return set(re.findall(r"\b[A-Za-z_]\w*\b", code))


def uses(files, words):
    """{word: {file: identifiers that have it}}"""
    found = defaultdict(lambda: defaultdict(set))
    for name, code in files.items():
        for identifier in identifiers(code):
            for word in set(identifier.lower().split("_")) & words:
                if not OTHERS.fullmatch(identifier):
                    found[word][name].add(identifier)
    return found


class Words(unittest.TestCase):
    def setUp(self):
        self.files = {str(path): text(path) for path in sources(".c", ".h", ".cpp")}

    def test_the_words_that_the_glossary_retires_are_in_no_identifier(self):
        words = retired()
        self.assertGreater(len(words), 8)
        found = {
            (word, name): sorted(names)
            for word, places in uses(self.files, words).items()
            for name, names in places.items()
        }
        self.assertEqual(found, {})

    def test_the_words_that_it_explains_are_in_the_code(self):
        code = " ".join(self.files.values()).lower()
        words = explained()
        self.assertGreater(len(words), 20)
        self.assertEqual([word for word in sorted(words) if word not in code], [])

    def test_a_word_is_found_in_an_identifier_only(self):
        files = {"a.c": '/* a seal */ int seal_of(const char *text) { return text == "// seal"; }'}
        self.assertEqual({word: dict(of) for word, of in uses(files, {"seal"}).items()}, {"seal": {"a.c": {"seal_of"}}})


if __name__ == "__main__":
    unittest.main(argv=["words_test.py"])
