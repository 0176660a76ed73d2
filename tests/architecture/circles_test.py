#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files stand in an order: none calls another that calls it back, directly or over others, and neither do includes of
a header and its source lead round.

usage: circles_test.py BUILD      whose objects say who calls whom"""

import json
import re
import subprocess
import sys
import unittest
from collections import defaultdict
from pathlib import Path

from product import ROOT, sources, text

BUILD = ROOT / "build"


def circles(graph):
    """The sets of nodes that reach each other, by Tarjan's algorithm."""
    number, lowest, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in number:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == number[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in list(graph):
        if node not in number:
            visit(node)
    return found


def calls():
    """{source: sources with what it calls or points to}, from the objects' symbols."""
    of_object = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        source = Path(entry["file"]).relative_to(ROOT)
        if source in PRODUCT:
            written = re.search(r" -o (\S+)", entry["command"])[1]
            of_object[str(Path(entry["directory"], written))] = str(source)
    listed = subprocess.run(["nm", "-A", "-P", *of_object], capture_output=True, text=True, check=True).stdout
    home, needed = {}, defaultdict(set)
    for line in listed.splitlines():
        where, name, kind = line.split()[:3]
        source = of_object[where.rstrip(":")]
        if kind == "U":
            needed[source].add(name)
        elif kind.isupper():
            home[name] = source
    return {source: {home[name] for name in names if name in home} - {source} for source, names in needed.items()}


def included_by(path):
    folder = path.parts[0]
    return [Path(folder, name) for name in re.findall(r'^#include "([^"]+)"', text(path), re.M)]


def includes():
    """{pair: pairs whose header it includes}; a pair is a header and its source. A header that has no source, such as
    the state that the files of one subject share, is of whoever includes it."""
    paths = sources(".h", ".c", ".cpp")
    direct = defaultdict(set)
    for path in paths:
        direct[path.with_suffix("")] |= {name.with_suffix("") for name in included_by(path) if name in paths}
    pairs = {path.with_suffix("") for path in paths if path.suffix != ".h"}

    def reached(pair):
        seen, waiting = set(), list(direct[pair])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += [] if other in pairs else direct[other]
        return (seen & pairs) - {pair}

    return {str(pair): {str(other) for other in reached(pair)} for pair in pairs}


PRODUCT = set(sources(".c", ".cpp"))


class Circles(unittest.TestCase):
    def test_no_file_calls_another_that_calls_it_back(self):
        graph = calls()
        self.assertGreater(len(graph), 100)
        self.assertEqual(circles(graph), [])

    def test_no_pair_of_header_and_source_includes_another_that_includes_it(self):
        graph = includes()
        self.assertGreater(len(graph), 100)
        self.assertEqual(circles(graph), [])

    def test_a_circle_is_found(self):
        graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": set(), "e": {"a"}}
        self.assertEqual(circles(graph), [["a", "b", "c"]])


if __name__ == "__main__":
    BUILD = Path(sys.argv.pop(1)) if len(sys.argv) > 1 else BUILD
    unittest.main()
