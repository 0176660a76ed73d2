# SPDX-License-Identifier: Apache-2.0
"""A machine with systemd, which is a container on the tests' Docker engine, with Tidemark installed on it. It has the
network of this machine, whose stores it reaches at 127.0.0.1."""

import os
import shutil
import subprocess
from pathlib import Path

from compose.engine import NO_PRIVILEGES, NotAllowed
from support.parquet_rows import libduckdb
from support.process import wait_until
from support.tidemark import BIN

IMAGE = "tidemark-systemd-test"
NAME = "tidemark-systemd-test"
HERE = Path(__file__).resolve().parent
# systemd makes mounts and groups of processes. It gets no say over settings of the kernel: /proc/sys stays read-only.
OPTIONS = ["--network=host", "--cgroupns=host", "--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined"]
OPTIONS += ["--security-opt=apparmor=unconfined", "--volume=/sys/fs/cgroup:/sys/fs/cgroup"]
OPTIONS += ["--tmpfs=/run", "--tmpfs=/tmp", "--env=container=docker", "--memory=1g"]


class Machine:
    def __init__(self, engine):
        self.engine = engine

    def make(self):
        self.engine.make_base()
        context = self.engine.folder / "systemd"
        context.mkdir()
        shutil.copy(HERE / "Dockerfile", context)
        install = ["cmake", "--install", BIN.parent, "--prefix", "/usr", "--strip"]
        self.engine.run(install, env={**os.environ, "DESTDIR": str(context / "installed")})
        (context / "installed/usr/lib/tidemark").mkdir()
        shutil.copy(libduckdb(), context / "installed/usr/lib/tidemark")
        self.engine.docker("build", "-q", "--network=host", "-t", IMAGE, context, within=900)
        shutil.rmtree(context)

    def start(self):
        done = self.engine.docker("run", "-d", "--name", NAME, *OPTIONS, IMAGE, check=False)
        self._assert_runs(done.returncode == 0, done.stdout)
        self._wait_booted()

    def restart(self):
        self.engine.docker("restart", "--time=60", NAME)
        self._wait_booted()

    @staticmethod
    def _assert_runs(runs, said):
        if not runs:
            failure = NotAllowed if NO_PRIVILEGES.search(said) else AssertionError
            raise failure(f"no container with systemd starts: {said.strip()[-1000:]}")

    def _wait_booted(self):
        exists = lambda: self.engine.docker("inspect", "-f", "{{.State.Running}}", NAME).stdout.strip() == "true"  # noqa: E731
        state = lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip()  # noqa: E731
        wait_until(lambda: not exists() or state() in ("running", "degraded"), 120, "systemd has booted", every=0.3)
        self._assert_runs(exists(), self.engine.docker("logs", NAME).stdout)
        assert state() == "running", self.systemctl("--failed", "--no-pager").stdout

    def run(self, *command, check=True, **more):
        return self.engine.docker("exec", "-i", NAME, *command, check=check, **more)

    def write(self, path, text, mode="644"):
        command = [*"docker exec -i".split(), NAME, "install", "-D", "-m", mode, "/dev/stdin", path]
        subprocess.run(command, input=text, text=True, env=self.engine.env, check=True, timeout=60)

    # --- systemd ---

    def systemctl(self, *words, check=True):
        return self.run("systemctl", *words, check=check)

    def properties(self, unit, *names):
        """What systemd says of a unit: {name: text}."""
        wanted = [word for name in names for word in ("-p", name)]
        lines = self.systemctl("show", unit, *wanted).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def property(self, unit, name):
        return self.properties(unit, name)[name]

    def said(self, unit):
        """What a unit's programs have written, line by line, those of former starts too."""
        return self.run("journalctl", "--no-pager", "-o", "cat", f"_SYSTEMD_UNIT={unit}").stdout.splitlines()

    def journal(self):
        return self.run("journalctl", "--no-pager", "-n", "60", check=False).stdout
