# SPDX-License-Identifier: Apache-2.0
"""Puts what was measured into docs/performance.md, between the comments that name the part."""

from support.process import ROOT

DOCUMENTS = {"ways": ROOT / "docs" / "batch-or-stream.md"}  # of the other parts:
DOCUMENT = ROOT / "docs" / "performance.md"


def write(part, text, command="run"):
    begin, end = f"<!-- tests/bench/{command} {part} --write -->\n", "<!-- end -->"
    document = DOCUMENTS.get(part, DOCUMENT)
    before, found, rest = document.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise RuntimeError(f"{document} has no place for {part}")
    document.write_text(f"{before}{begin}{text}\n{end}{after}")
