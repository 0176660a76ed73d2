# SPDX-License-Identifier: Apache-2.0
"""Tests that need more of the machine than a user can install on it."""

import unittest


class MissingPrivilege(unittest.SkipTest):
    """To raise in a test that this machine can't run: MissingPrivilege("no Docker engine answers"). Such a skip doesn't
    fail tests/run, which is told by the beginning of the reason; tests/run --strict takes none."""

    def __init__(self, what):
        super().__init__(f"missing privilege: {what}")
