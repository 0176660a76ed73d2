# SPDX-License-Identifier: Apache-2.0
"""What a program costs from its start to its end, and the rounds of several in turn as tables."""

import os
import statistics
import subprocess
import time
from pathlib import Path

GIB = 1 << 30


class Measured:
    """One program from its start to its end: wall time, CPU time, peak memory. `servers`: (name, Child) of those that work
    for it, whose CPU time meanwhile is kept by name."""

    def __init__(self, arguments, log, servers=(), env=None):
        before = {name: cpu_of_all(child.pid) for name, child in servers}
        started = time.monotonic()
        with open(log, "ab") as out:
            process = subprocess.Popen(
                [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env
            )
        self.megabytes, ended = 0, 0
        while not ended:
            time.sleep(0.01)
            self.megabytes = peak_megabytes(process.pid) or self.megabytes
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        self.seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if status != 0:
            raise RuntimeError(f"{arguments[0]} failed\n{Path(log).read_text()[-3000:]}")
        self.own_cpu = usage.ru_utime + usage.ru_stime
        self.server_cpu = {name: cpu_of_all(child.pid) - before[name] for name, child in servers}

    @property
    def cpu(self):
        return self.own_cpu + sum(self.server_cpu.values())


def peak_megabytes(pid):
    """The most memory that a running process has had; None where it has ended. What wait4 says may be its parent's."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None


def cpu_of_all(pid):
    """CPU seconds of a running process, of its children, and of those that have ended."""
    total = sum(_times(pid))
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            total += sum(sum(_times(child)) for child in children.read_text().split())
        except OSError:  # one that has just ended
            pass
    return total


def _times(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15]]


def touch_memory():
    """A virtual machine may have to fetch memory that nobody has used yet: let nobody who is measured pay for that."""
    memory = bytearray(GIB)
    page = os.sysconf("SC_PAGESIZE")
    memory[::page] = b"\1" * (GIB // page)


class Rounds:
    """A program's runs over `messages`, and those over a `few` of them, which are what its start and its end take."""

    def __init__(self, messages, few):
        self.messages, self.few, self.whole, self.starts = messages, few, [], []

    def add(self, start, whole):
        self.starts.append(start)
        self.whole.append(whole)

    def last(self):
        """The last round alone."""
        one = Rounds(self.messages, self.few)
        one.add(self.starts[-1], self.whole[-1])
        return one

    def rate(self):
        return [self.messages / run.seconds for run in self.whole]

    def rate_without_start(self):
        return [(self.messages - self.few) / seconds for seconds in self._without_start("seconds")]

    def cpu_ns(self):
        return [run.cpu * 1e9 / self.messages for run in self.whole]

    def cpu_ns_without_start(self):
        return [cpu * 1e9 / (self.messages - self.few) for cpu in self._without_start("cpu")]

    def server_ns(self):
        return [sum(run.server_cpu.values()) * 1e9 / self.messages for run in self.whole]

    def megabytes(self):
        return [run.megabytes for run in self.whole]

    def _without_start(self, what):
        """Nothing where there are no messages beside the few."""
        if self.messages <= self.few:
            return []
        start = statistics.median(getattr(run, what) for run in self.starts)
        return [max(getattr(run, what) - start, 0.001) for run in self.whole]


def in_turns(ways, few, everything, times, check, once=()):
    """{name: Rounds} of ways {name: function(input, messages)}, each of which returns a Measured and what came of the input;
    check({name: what came of it}) raises where they don't agree. `few` and `everything`: an input and its messages. `once`:
    names of those that are so slow that they have the first round alone."""
    rounds = {name: Rounds(everything[1], few[1]) for name in ways}
    for number in range(times):
        results = {}
        for name, way in ways.items():
            if number > 0 and name in once:
                continue
            touch_memory()
            start, _ = way(*few)
            whole, results[name] = way(*everything)
            rounds[name].add(start, whole)
        check(results)
        print(table({name: rounds[name].last() for name in results}) + "\n", flush=True)
    return rounds


COLUMNS = (
    ("messages/s, whole process", Rounds.rate),
    ("without start", Rounds.rate_without_start),
    ("CPU a message, whole, ns", Rounds.cpu_ns),
    ("without start", Rounds.cpu_ns_without_start),
    ("of the whole, servers'", Rounds.server_ns),
    ("peak memory, MB", Rounds.megabytes),
)


def table(rounds):
    """{name: Rounds} as Markdown: the median, and the least and the most where there are several."""
    lines = ["| | " + " | ".join(title for title, _ in COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for name, each in rounds.items():
        cells = (spread(values(each), "{:,.0f}") for _, values in COLUMNS)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def comparison(ours, theirs):
    """Ratios of each of ours to each of theirs, both {name: Rounds}, round by round that both had, as Markdown."""
    columns = COLUMNS[:4]
    lines = ["| ratio of | to | " + " | ".join(title for title, _ in columns) + " |"]
    lines.append("|---|---|" + "---:|" * len(columns))
    for our_name, our in ours.items():
        for name, their in theirs.items():
            pairs = (zip(values(our), values(their), strict=False) for _, values in columns)
            cells = (spread([a / b for a, b in pair], "{:.3g}") for pair in pairs)
            lines.append(f"| {our_name} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values, form):
    if not values:
        return ""
    middle, least, most = (form.format(f(values)) for f in (statistics.median, min, max))
    return middle if least == most else f"{middle} ({least} to {most})"


def machine():
    """The processor and what else wants it."""
    [model] = {line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")} or [""]
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores ({model}), load {load}"
