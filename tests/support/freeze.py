# SPDX-License-Identifier: Apache-2.0
"""Stops one thread of another process by ptrace, while its other threads go on: a process that is slow, not dead."""

import ctypes
import os
from pathlib import Path

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace of thread {thread}")


def thread_named(pid, name):
    """The thread of a process that has this name. Those that it starts inherit it, and are younger."""
    found = [t for t in Path(f"/proc/{pid}/task").iterdir() if (t / "comm").read_text().rstrip() == name]
    return min(int(thread.name) for thread in found)


class FrozenThread:
    """As a context: inside it the thread stands still, or its process ends. To be used by one thread of the tests."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        _ptrace(_SEIZE, self.thread)
        _ptrace(_INTERRUPT, self.thread)
        os.waitpid(self.thread, 0x40000000)  # __WALL: it stands
        return self

    def __exit__(self, *error):
        if Path(f"/proc/{self.thread}").exists():
            _ptrace(_DETACH, self.thread)
