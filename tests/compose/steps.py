# SPDX-License-Identifier: Apache-2.0
"""Steps on the tests' Docker engine, one after the other, each a test of its own."""

import argparse
import contextlib
import signal
import sys
import time
import traceback

from .engine import Engine, NotAllowed


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def run(scenario, steps):
    """Returns how many passed and failed. Without those of scenario.NEEDED the rest is of no use."""
    passed = 0
    for number, step in enumerate(steps):
        name, begun = step.__name__.replace("_", " "), time.monotonic()
        try:
            step(scenario)
        except NotAllowed:
            raise
        except Exception:  # noqa: BLE001: whatever it is, the step failed
            say(f"FAILED: {name}")
            print(f"failed: {scenario.__class__.__name__}: {name}")
            traceback.print_exc(file=sys.stdout)
            if step in scenario.NEEDED:
                return passed, len(steps) - number
            continue
        passed += 1
        say(f"passed: {name} ({time.monotonic() - begun:.0f} s)")
    return passed, len(steps) - passed


def _leave(number, _):
    sys.exit(128 + number)


@contextlib.contextmanager
def _started():
    """An engine that is stopped whatever happens, also where a signal ends the run."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    engine = Engine()
    try:
        yield engine
    finally:
        engine.stop()


def run_on_engine(what, play, has_short=False):
    """`play(engine, options)` returns how many passed and failed. Prints the closing line, and ends the process."""
    parser = argparse.ArgumentParser()
    if has_short:
        parser.add_argument("--short", action="store_true")
    parser.add_argument("--counts", action="store_true")
    options = parser.parse_args()
    passed, failed, skipped = 0, 0, 0
    try:
        with _started() as engine:
            passed, failed = play(engine, options)
    except NotAllowed as reason:
        print(f"skipped: {what}: missing privilege: {reason}")
        skipped = 1
    if options.counts:
        print(passed, failed, skipped)
    else:
        print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)
