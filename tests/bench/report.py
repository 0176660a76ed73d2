# SPDX-License-Identifier: Apache-2.0
"""Puts what was measured into docs/performance.md, between the comments that name the part."""

from support.process import ROOT

DOCUMENTS = {"ways": ROOT / "docs" / "batch-or-stream.md"}  # of the other parts:
DOCUMENT = ROOT / "docs" / "performance.md"


def write(part, text, command="run", orders=None):
    """`orders`: how many it was of; a place that is of so many comes before one that names no number."""
    document = DOCUMENTS.get(part, DOCUMENT)
    whole = document.read_text()
    places = [f"<!-- tests/bench/{command} {name} --write -->\n" for name in (f"{part} --orders {orders}", part)]
    begin, end = next((place for place in places if place in whole), places[-1]), "<!-- end -->"
    before, found, rest = whole.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise RuntimeError(f"{document} has no place for {part}")
    document.write_text(f"{before}{begin}{text}\n{end}{after}")
