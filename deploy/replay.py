# SPDX-License-Identifier: Apache-2.0
"""Replays a month of a real shop's orders up to now, and goes on with orders as if they were made now: for the demos.

usage: replay.py --brokers HOST:PORT [--rate 1]     until TERM"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests"))
sys.dont_write_bytecode = True

from support import disorder, online_retail  # noqa: E402

MONTH = [TOP / "tests" / "data" / "2010-12.csv.gz"]
LIVE_ORDERS = 8000  # the last of the month are sent slowly, as if they were made now
LIVE_RATE = 1  # orders a second: in an hour as many as the shop had in a day, so that days can be compared


class Replay:
    """Sends the month, as its shop would: duplicates, corrections, cancellations and broken messages among it.

    All that is sent is recorded, a line a message, so that it can be recomputed independently."""

    def __init__(self, brokers, seed, folder=None):
        """`folder` gets the record and the producer's log."""
        self.recorded = open(folder / "sent" if folder else os.devnull, "wb")
        self.count = 0
        self.log = open(folder / "producer.log", "wb") if folder else None
        self.brokers = brokers
        self.open()
        orders = list(online_retail.orders(MONTH))
        history, self.live_orders = orders[:-LIVE_ORDERS], orders[-LIVE_ORDERS:]
        now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
        by = now - timedelta(minutes=1) - history[-1]["timestamp"]
        # One generator for both parts: what comes live corrects and cancels what was history.
        shifted = [online_retail.shifted(order, by) for order in history]
        self.history_left = len(shifted)
        self.messages = disorder.disordered(random.Random(seed), self.events(shifted))

    def open(self):
        command = ["kcat", "-P", "-b", self.brokers, "-t", "orders", "-K", r"\t", "-Z", "-X", "linger.ms=10"]
        command = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        self.kcat = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=self.log, start_new_session=True)

    def events(self, history):
        for order in history:
            self.history_left -= 1
            yield order
        turn = 0
        while True:
            for order in self.live_orders:
                now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
                ident = order["order_id"] + (f"-{turn}" if turn else "")
                yield {**order, "order_id": ident, "timestamp": now, "updated_at": now}
            turn += 1

    def send_one(self):
        key, payload = next(self.messages)
        line = key + b"\t" + (payload or b"") + b"\n"
        self.recorded.write(line)
        self.kcat.stdin.write(line)
        self.count += 1

    def flush(self):
        self.recorded.flush()
        self.kcat.stdin.flush()

    def send_history(self):
        while self.history_left:
            self.send_one()
        self.flush()

    def send_live(self, ended, rate=LIVE_RATE, most=None):
        """Sends at this rate until the event `ended` is set, or `most` messages are sent."""
        started, sent = time.monotonic(), 0
        while not ended.wait(0.05) and (most is None or sent < most):
            due = int((time.monotonic() - started) * rate)
            while sent < due and (most is None or sent < most):
                self.send_one()
                sent += 1
            self.flush()

    def deliver(self):
        """Returns when all is delivered. kcat holds its last line back until another comes, or the end: it is given
        the end, and a new one goes on."""
        self.kcat.stdin.close()
        if self.kcat.wait(120) != 0:
            raise AssertionError("kcat could not deliver all; see its log")
        self.open()

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.kcat.stdin.close()
        try:
            self.kcat.wait(10)
        except subprocess.TimeoutExpired:
            self.kcat.kill()
            self.kcat.wait()
        self.recorded.close()
        if self.log:
            self.log.close()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("usage: ")[2])
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--rate", type=float, default=LIVE_RATE)
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    replay = Replay(options.brokers, seed=int(time.time()))
    print("sending the history of a month", flush=True)
    replay.send_history()
    print(f"{replay.count} messages are sent; now {options.rate:g} orders a second", flush=True)
    replay.send_live(ended, rate=options.rate)
    replay.close()


if __name__ == "__main__":
    main()
