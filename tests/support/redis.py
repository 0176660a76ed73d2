# SPDX-License-Identifier: Apache-2.0
"""A private Redis on a free loopback port. `options` are more words of its command line."""

import subprocess
from pathlib import Path

from .process import PATIENCE, Child, free_port, wait_until


class Redis:
    def __init__(self, folder, persistent=False, start=True, options=()):
        self.folder, self.persistent, self.options = Path(folder), persistent, list(options)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.child = None
        if start:
            self.start()

    def start(self, wait=True):
        persistence = ["--appendonly", "yes" if self.persistent else "no", "--save", ""]
        arguments = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder, *persistence]
        self.child = Child("redis", [*arguments, *self.options], self.folder / "log")
        if wait:
            self.wait()

    def wait(self):
        wait_until(lambda: self.command("ping") == "PONG", 60, "Redis answers", children=[self.child])

    def command(self, *words):
        done = subprocess.run(
            ["redis-cli", "-e", "-p", str(self.port), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return done.stdout.strip()

    def kill(self):
        self.child.kill()

    def stop(self):
        if self.child and self.child.running():
            self.child.stop()
