# SPDX-License-Identifier: Apache-2.0
"""Child processes and conditions for the tests: each child ends with its test, and each wait is for a condition."""

import random
import signal
import socket
import subprocess
import time
from pathlib import Path

# The least that is waited for anything, in seconds: no test may depend on how busy the machine is.
PATIENCE = 120

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"


class Final(AssertionError):
    """A failure that no waiting mends: wait_until passes it on at once."""


class Child:
    """A started program that writes its output to a file. It dies with the thread that started it."""

    def __init__(self, name, arguments, log, user=None, env=None):
        self.name, self.log = name, Path(log)
        wrapper = ["setpriv", "--pdeathsig", "KILL"]
        if user:
            wrapper += ["--reuid", user, "--regid", user, "--init-groups"]
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [*wrapper, "--", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=self.log.parent,
                start_new_session=True,  # an interrupt at the terminal is the parent's to handle
            )

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def catches(self, number):
        """Whether it has a handler for this signal by now, or a thread that holds it back for another to wait for it."""

        def cares(thread):
            masks = (thread.split(name)[1].split()[0] for name in ("SigCgt:", "SigBlk:"))
            return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)

        try:
            return any(cares(path.read_text()) for path in Path(f"/proc/{self.pid}/task").glob("*/status"))
        except OSError:  # a thread that has just ended
            return False

    def kill(self):
        """kill -9, and its end."""
        self.process.kill()
        self.process.wait()

    def stop(self, how=signal.SIGTERM, within=PATIENCE):
        """Asks it to end; returns its exit code. One that doesn't end in time is killed, and that is an error."""
        if how == signal.SIGTERM:
            caught = lambda: not self.running() or self.catches(how)  # noqa: E731
            wait_until(caught, PATIENCE, f"{self.name} catches TERM", children=[self])
        if self.running():
            self.process.send_signal(how)
        return self.end(within)

    def end(self, within=PATIENCE):
        """Waits for its own end, for PATIENCE at least, and returns its exit code."""
        within = max(within, PATIENCE)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Final(f"{self.name} did not end within {within} s\n{self.tail()}") from None

    def tail(self, size=6000):
        data = self.log.read_bytes()
        return f"--- {self.name}: end of {self.log.name}\n{data[-size:].decode(errors='replace')}"


_given = []


def _give(port):
    """True for one process of the tests at most, until it ends."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0tidemark-tests-port-{port}")
    except OSError:
        name.close()
        return False
    _given.append(name)
    return True


def free_port():
    """A port on which nobody listens; below those that outgoing connections take, so that none of them gets it first. It
    is given once: it may be a while until somebody listens there, or between that somebody's end and new start."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    lowest = 10_000 if first > 12_000 else 1024
    while True:
        port = random.SystemRandom().randrange(lowest, first)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        if _give(port):
            return port


def wait_until(condition, within, what, every=0.05, children=()):
    """Returns the first true value of condition(), for which it waits PATIENCE at least. An exception in it, but for
    Final, counts as "not yet" and is shown at the end."""
    within = max(within, PATIENCE)
    deadline, last = time.monotonic() + within, None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except Final:
            raise
        except Exception as error:  # noqa: BLE001: whatever it is, it may pass
            last = repr(error)
        if time.monotonic() > deadline:
            logs = "\n".join(child.tail() for child in children)
            raise AssertionError(f"waited {within} s: {what} (last: {last})\n{logs}")
        time.sleep(every)
