# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL on a free loopback port. The server refuses to run as root: there it runs as user postgres."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from .process import Child, free_port, wait_until


# What docs/operations.md advises for a first run over many orders.
LOAD_SETTINGS = ("max_wal_size=4GB", "wal_level=minimal", "max_wal_senders=0")


def _programs():
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return versions[-1]


class Postgres:
    """`options` are more settings of the server, `initdb` more words for the making of its folder."""

    def __init__(self, folder, start=True, options=(), initdb=()):
        self.folder, self.port, self.options = Path(folder), free_port(), list(options)
        self.folder.mkdir(parents=True)
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        self.url = f"postgresql://tidemark@127.0.0.1:{self.port}/tidemark"
        self.data = self.folder / "data"
        arguments = [
            _programs() / "initdb",
            "-D",
            self.data,
            "-U",
            "tidemark",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
        ]
        made = Child("initdb", [*arguments, "-N", *initdb], self.folder / "initdb.log", user=self.user)
        if made.end(120) != 0:
            raise RuntimeError(made.tail())
        self.child = None
        self.start()
        self.sql("create database tidemark template template0", database="postgres")
        if not start:
            self.stop()

    def start(self):
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", "fsync=off", *self.options]
        options = [word for setting in settings for word in ("-c", setting)]
        arguments = [_programs() / "postgres", "-D", self.data, "-k", self.folder, *options]
        self.child = Child("postgres", arguments, self.folder / "log", user=self.user)
        ready = lambda: self.sql("select 1", database="postgres") == "1"  # noqa: E731
        wait_until(ready, 60, "PostgreSQL answers", children=[self.child])

    def sql(self, statement, database="tidemark"):
        """The result as text, unaligned."""
        command = [
            "psql",
            "-X",
            "-qAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "tidemark",
        ]
        done = subprocess.run(
            [*command, "-d", database, "-c", statement], capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def kill(self):
        """As after a power cut: all of its processes at once."""
        os.kill(self.child.pid, signal.SIGQUIT)  # immediate shutdown: no checkpoint, sessions are dropped
        self.child.end(30)

    def back_up(self):
        """Keeps its folder as it is now; it starts anew for that."""
        self.stop()
        self._copy(self.data, self.folder / "backup")
        self.start()

    def restore(self):
        """As after the loss of its disk: it comes back as it was at back_up()."""
        self.kill()
        self._copy(self.folder / "backup", self.data)
        self.start()

    @staticmethod
    def _copy(source, target):
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)  # with its owner

    def stop(self):
        if self.child and self.child.running():
            self.child.stop(signal.SIGINT)  # fast shutdown: it doesn't wait for clients
