# SPDX-License-Identifier: Apache-2.0
"""Loses packets of some loopback ports for a while, in both directions, by a table of nftables of its own."""

import json
import os
import subprocess
from pathlib import Path

from .privilege import MissingPrivilege

PREFIX = "tidemark_tests_"
TABLE = """table inet {name} {{
    chain in {{
        type filter hook input priority 0; policy accept;
        iif lo tcp dport {{ {ports} }} numgen random mod 100 < {percent} counter drop
        iif lo tcp sport {{ {ports} }} numgen random mod 100 < {percent} counter drop
    }}
}}
"""


class PacketLoss:
    """`with PacketLoss(ports, percent) as loss:`; loss.lost() is the number of packets so far. Needs root and a kernel with
    nftables: where that can't be had the test is skipped, which the summary says."""

    def __init__(self, ports, percent):
        self.name = f"{PREFIX}{os.getpid()}"
        self.table = TABLE.format(name=self.name, ports=", ".join(map(str, ports)), percent=percent)

    def __enter__(self):
        _remove_left_behind()
        done = subprocess.run(["nft", "-f", "-"], input=self.table, capture_output=True, text=True)
        if done.returncode != 0:
            raise MissingPrivilege(f"nft can't add a table here: {done.stderr.strip()}")
        return self

    def __exit__(self, *_):
        _delete(self.name)

    def lost(self):
        listed = json.loads(subprocess.run(["nft", "-j", "list", "table", "inet", self.name], capture_output=True).stdout)
        expressions = [e for entry in listed["nftables"] for e in entry.get("rule", {}).get("expr", [])]
        return sum(e["counter"]["packets"] for e in expressions if "counter" in e)


def _delete(name):
    subprocess.run(["nft", "delete", "table", "inet", name], check=True, capture_output=True)


def _remove_left_behind():
    """Tables of test processes that were killed."""
    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout.split()
    for name in listed:
        if name.startswith(PREFIX) and not Path(f"/proc/{name[len(PREFIX):]}").exists():
            _delete(name)
