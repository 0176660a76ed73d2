# SPDX-License-Identifier: Apache-2.0
"""A wall clock of its own for programs under test, which may jump while they run: see wall_clock.c."""

import os
import struct
import subprocess
import time
from datetime import timezone
from pathlib import Path

from .process import ROOT


class WallClock:
    """`env` is the environment of programs that go by it."""

    def __init__(self, folder):
        folder = Path(folder)
        folder.mkdir()
        library, self.file = folder / "wall_clock.so", folder / "offset"
        self.jump(0)
        source = ROOT / "tests" / "support" / "wall_clock.c"
        subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source], check=True)
        self.env = {**os.environ, "LD_PRELOAD": str(library), "WALL_CLOCK": str(self.file)}

    def jump(self, offset):
        """It is off by so many seconds from now on."""
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("q", offset))

    def set(self, at):
        """It shows `at`, UTC, now."""
        self.jump(int(at.replace(tzinfo=timezone.utc).timestamp() - time.time()))
