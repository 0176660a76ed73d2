# SPDX-License-Identifier: Apache-2.0
"""The product's own files, as the tests of its shape see them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("common", "speed-layer", "batch-layer", "serving-layer")


def sources(*endings):
    """Paths below the top of the files that end so, sorted."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in endings)
    return sorted(path.relative_to(ROOT) for path in found)


def text(path):
    return (ROOT / path).read_text()


def without_comments(code):
    """With the same lines: what is left of a comment is its ends of lines."""
    strings_and_comments = r'"(?:\\.|[^"\\])*"|/\*.*?\*/'
    return re.sub(
        strings_and_comments,
        lambda found: found[0] if found[0][0] == '"' else "\n" * found[0].count("\n"),
        code,
        flags=re.S,
    )
