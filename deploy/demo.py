# SPDX-License-Identifier: Apache-2.0
"""The demo that deploy/demo starts: private servers, the three programs, a month of real orders replayed to now, and card
transactions that a detector judges."""

import contextlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests"))
sys.dont_write_bytecode = True

from replay import Replay  # noqa: E402
from support import detector as fraud  # noqa: E402
from support import oracle  # noqa: E402
from support.parquet_rows import summary_rows  # noqa: E402
from support.postgres import LOAD_SETTINGS, Postgres  # noqa: E402
from support.process import PATIENCE, Child, wait_until  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.sinks import read_hash  # noqa: E402
from support.tidemark import BIN, SUMMARY, Folder, Platform, differences, source, view  # noqa: E402

CHECK_SECONDS = 600  # far beyond what it takes on any machine
LAKE_SECONDS = 400


class Transactions:
    """Sends transactions by chance: some customers are too fast, some amounts too large, some come out of order."""

    def __init__(self, brokers, folder, seed):
        self.brokers, self.folder, self.chance, self.count = brokers, folder, random.Random(seed), 0

    def send(self, transactions):
        command = ["kcat", "-P", "-b", self.brokers, "-t", "transactions", "-K", r"\t", "-Z"]
        lines = [one["customer_id"].encode() + b"\t" + fraud.encode(one) + b"\n" for one in transactions]
        subprocess.run(command, input=b"".join(lines), check=True, timeout=PATIENCE, capture_output=True)
        self.count += len(lines)

    def send_history(self, count=3000):
        start = datetime.now(timezone.utc) - timedelta(seconds=0.25 * count)
        self.send(fraud.transactions(self.chance, count, start))

    def send_live(self, ended):
        while not ended.wait(2):
            start = datetime.now(timezone.utc) - timedelta(seconds=2)
            self.send(fraud.transactions(self.chance, 10, start))

    def messages(self):
        """What the topic holds, in the order of each partition's log."""
        command = ["kcat", "-C", "-b", self.brokers, "-t", "transactions", "-e", "-q", "-f", r"%p %o %T %s\n"]
        done = subprocess.run(command, check=True, timeout=PATIENCE, capture_output=True)
        return [Message(*line.split(b" ", 3)) for line in done.stdout.splitlines()]


class Message:
    """A message as tests/support/detector.py takes it."""

    def __init__(self, partition, offset, timestamp_ms, value):
        self.partition, self.offset = lambda: int(partition), lambda: int(offset)
        self.timestamp, self.value = lambda: (1, int(timestamp_ms)), lambda: value


class Demo:
    """All that the demo starts; close() ends it in the opposite order and removes its folder."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self.stack.close()
            raise

    def _start(self):
        self.folder = Folder("demo")
        self.stack.callback(self.folder.remove)
        say("starting PostgreSQL, Redis and a small broker")
        postgres = self.postgres = Postgres(self.folder / "postgres", options=LOAD_SETTINGS)
        self.stack.callback(postgres.stop)
        redis = self.redis = Redis(self.folder / "redis", persistent=True)
        self.stack.callback(redis.stop)
        brokers = self._broker()
        self.job = Platform(
            self.folder / "tidemark",
            brokers,
            redis.url,
            postgres.url,
            {"orders": source("orders"), "transactions": fraud.source("transactions")},
            VIEWS,
            detectors={"fraud": fraud.detector("fraud-alerts", **{"from": "beginning"})},
            port=port(),
            jobs={"each_minute": {"schedule": "* * * * *"}, **lake_jobs(self.folder / "lake")},
        )
        self.stack.callback(self.job.kill)
        self.stack.callback(self._stop_programs)
        say("starting tidemark-speed, tidemark-serving, its emitter, tidemark-batch schedule")
        self.speed = self.job.speed()
        self.job.serving()
        self.emitter = self.job.emit()
        self.scheduler = self.job.start_batch("schedule")
        self.replay = Replay(brokers, seed=7, folder=self.job.folder)
        self.stack.callback(self.replay.close)
        self.transactions = Transactions(brokers, self.job.folder, seed=7)

    def _broker(self):
        log = self.folder / "broker.log"
        broker = Child("broker", [BIN / "tidemark-demo-broker", *TOPICS], log)
        self.stack.callback(broker.stop)
        return wait_until(lambda: log.read_text().strip(), 20, "the broker answers", children=[broker])

    def _stop_programs(self):
        for child in self.job.children:
            if child.running():
                child.process.send_signal(signal.SIGTERM)
        for child in self.job.children:
            with contextlib.suppress(AssertionError):
                child.end(15)

    def close(self):
        self.stack.close()

    def assert_running(self):
        for child in (self.speed, self.emitter, self.scheduler):
            if not child.running():
                raise AssertionError(child.tail())


TOPICS = ["orders:4", "orders-dead-letter:1", "transactions:4", "fraud-alerts:1"]
SINKS = [{"to": "redis://live-metrics/revenue", "every": "300 ms"}, {"to": "console", "every": "10 seconds"}]
VIEWS = {
    "daily_revenue": view("orders", emit=SINKS),
    "live_revenue": view("orders", "tumbling_1_minute", retention="10 days"),
    "daily_summary": view("orders", measures=SUMMARY, dimensions=["category", "customer_segment"]),
}


def lake_jobs(lake):
    """The orders of each day as files, and what a summary makes of these."""
    raw = f"{lake}/raw/orders/date={{date}}/"
    gold = f"{lake}/gold/daily_summary/date={{date}}/"
    return {
        "archive_orders": {"after": ["each_minute"], "archive": "orders", "write": raw},
        "daily_summary": {
            "after": ["archive_orders"],
            "summarise": "daily_summary",
            "read": raw,
            "write": gold,
            "partition_by": ["category"],
        },
    }


def port():
    """8080 where it is free, else any."""
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", 8080))
            return 8080
        except OSError:
            return None


def say(text):
    print(text, flush=True)


# --- with a person ---------------------------------------------------------------------------------------------------


def show(demo):
    ended = threading.Event()
    before, at, seen = 0, time.monotonic(), set()
    say("sending the history of the month")
    demo.replay.send_history()
    demo.transactions.send_history()
    sender = threading.Thread(target=demo.replay.send_live, args=(ended,), daemon=True)
    sender.start()
    threading.Thread(target=demo.transactions.send_live, args=(ended,), daemon=True).start()
    say(f"\nThe dashboard: http://127.0.0.1:{demo.job.port}/      Ctrl-C ends the demo.\n")
    try:
        while True:
            demo.assert_running()
            answer = demo.job.view("daily_revenue", **{"from": today()})
            now = time.monotonic()
            if answer.status == 200:
                done = sum(answer.offsets.values())
                figures(demo, answer.json, (done - before) / (now - at))
                before, at = done, now
            for alert in reversed(alerts(demo, 5)):
                if alert["alert_id"] not in seen:
                    say(f"ALERT {alert['transaction_id']} of {alert['customer_id']}: {'; '.join(alert['alerts'])}")
                seen.add(alert["alert_id"])
            time.sleep(1)
    finally:
        ended.set()
        sender.join(10)


def alerts(demo, limit):
    """The newest of the alerts that are served."""
    answer = demo.job.get(f"/v1/alerts?limit={limit}")
    return answer.json["alerts"] if answer.status == 200 else []


def today():
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


def figures(demo, answer, rate):
    provenance = answer["provenance"]
    row = answer["rows"][-1] if answer["rows"] else {"total_revenue": 0, "order_count": 0}
    batch = provenance["batch"]
    stored = 0
    if batch["epoch"]:
        query = "select coalesce(sum(total_revenue), 0) from view.daily_revenue where window_start = "
        stored = demo.postgres.sql(f"{query}'{today()}T00:00:00Z'")
    live = row["total_revenue"] - type(row["total_revenue"])(stored)
    reasons = sorted({missing["reason"] for missing in provenance["missing"]})
    state = "complete" if provenance["complete"] else "missing " + ", ".join(reasons)
    published = (batch["published_at"] or "never")[:19]
    say(
        f"{datetime.now():%H:%M:%S}  {rate:7.0f} orders/s"
        f"  today {row['total_revenue']:>12} = batch {stored} + live {live}"
        f"  ({row['order_count']} orders)  lag {provenance['speed']['lag']}  epoch {batch['epoch']}, run {published}  {state}"
    )


# --- without a person ------------------------------------------------------------------------------------------------


def check(demo):
    """Returns whether what is served equals the recomputation of what was sent."""
    say("sending the history of the month")
    demo.replay.send_history()
    demo.transactions.send_history()
    served(demo)
    run_batch(demo)
    say("sending orders as they are made, with a batch run in between")
    batch = threading.Timer(3, run_batch, (demo,))
    batch.start()
    demo.replay.send_live(threading.Event(), rate=400, most=4000)
    batch.join()
    served(demo)
    demo.replay.recorded.flush()
    alerts_are_right = compare_alerts(demo)
    log = sent(demo)
    run_batch(demo)
    served_is_right = compare(demo, log)
    return compare_lake(demo, log) and served_is_right and alerts_are_right


def served(demo):
    """Waits until the answers have all that was sent."""
    demo.replay.deliver()
    ready = lambda a: a.complete and sum(a.offsets.values()) == demo.replay.count  # noqa: E731
    return demo.job.wait_for("daily_revenue", ready, f"complete with {demo.replay.count} messages", CHECK_SECONDS)


def run_batch(demo):
    # 75: the scheduler's own run is at work, or a partition is just being taken over.
    wait_until(lambda: demo.job.batch(expect=(0, 75)) == 0, 60, "a batch run publishes", every=0.5)


def sent(demo):
    """What was sent, as the oracle has it."""
    log = oracle.Log(oracle.Source())
    now_ms = int(time.time() * 1000)
    lines = (demo.job.folder / "sent").read_bytes().split(b"\n")[:-1]
    for number, line in enumerate(lines):
        log.append(0, oracle.Message(number, now_ms, line.partition(b"\t")[2]))
    return log


def compare(demo, log):
    right = True
    for name in ("daily_revenue", "daily_summary"):
        definition = demo.job.oracle_view(name)
        answer = demo.job.view(name)
        expected, found = log.rows(definition), answer.rows(definition)
        difference = differences(expected, found)
        right = right and answer.complete and not difference
        if name == "daily_revenue":
            table(expected, found, answer.json["provenance"])
        say(f"{name}: " + (difference or f"{len(found)} rows, equal to the digit"))
    return ledger_is_right(demo, log) and compare_hash(demo, log) and right


def compare_hash(demo, log):
    """Whether what is emitted to Redis is the same."""
    definition = demo.job.oracle_view("daily_revenue")

    def is_there():
        held = read_hash(demo.redis, "live-metrics:revenue")
        return held and sum(held.offsets.values()) == demo.replay.count and held

    held = wait_until(is_there, 60, "the hash has all that was sent", children=[demo.emitter])
    difference = differences(log.rows(definition), held.rows(definition))
    say("live-metrics:revenue in Redis: " + (difference or f"{len(held.rows_held)} rows, equal to the digit"))
    return not difference


def compare_lake(demo, log):
    """Whether the summaries of the archived days, made of files alone by the schedule, become the recomputation."""
    say("waiting for the schedule to archive and to summarise what came")
    gold = demo.folder / "lake/gold/daily_summary"
    expected, last = log.rows(demo.job.oracle_view("daily_summary")), {}

    def is_there():
        with contextlib.suppress(AssertionError):  # a day was replaced while it was read
            last["difference"] = differences(expected, summary_rows(gold, ["category", "customer_segment"], SUMMARY))
        return last.get("difference") == ""

    with contextlib.suppress(AssertionError):
        wait_until(is_there, LAKE_SECONDS, "the lake has all that was sent", every=1, children=[demo.scheduler])
    days = len(list(gold.glob("date=*")))
    say(f"lake: {days} days, " + (last.get("difference", "") or f"{len(expected)} rows of summaries, equal to the digit"))
    return last.get("difference") == ""


def compare_alerts(demo):
    """Whether the alerts that are served are those of the independent detector, and their evidence proves them. The demo's
    broker has no transactions, so that one may be there twice: its alert_id tells."""
    messages, definition = demo.transactions.messages(), fraud.Definition()
    expected = definition.alerts(messages)
    served = lambda: list({one["alert_id"]: one for one in alerts(demo, 100_000)}.values())  # noqa: E731
    with contextlib.suppress(AssertionError):
        wait_until(lambda: len(fraud.alerted(served())) >= len(expected), 30, "all alerts are served", every=0.5)
    found = served()
    at = {(m.partition(), m.offset()): fraud.Transaction(m) for m in messages}
    unproven = [alert["alert_id"] for alert in found if fraud.disproof(alert, at, definition)]
    right = fraud.alerted(found) == expected and not unproven
    for rule in (fraud.VELOCITY, fraud.LARGE):
        counts = [sum(name == rule for _, name in places) for places in (fraud.alerted(found), expected)]
        say(f"alerts: {rule:9} {counts[0]:>8} served {counts[1]:>8} recomputed, of {len(messages)} transactions")
    say("alerts: " + ("each is proven by its evidence" if right else f"THEY DIFFER; not proven: {unproven[:5]}"))
    return right


def table(expected, found, provenance):
    say(f"\n{'day':10} {'served':>14} {'recomputed':>14} {'orders':>8} {'recomputed':>10}")
    for key in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(key, {}), found.get(key, {})
        day = datetime.fromtimestamp(key[0], timezone.utc).strftime("%Y-%m-%d")
        figures = [
            theirs.get("total_revenue"),
            ours.get("total_revenue"),
            theirs.get("order_count"),
            ours.get("order_count"),
        ]
        say(f"{day} {figures[0]!s:>14} {figures[1]!s:>14} {figures[2]!s:>8} {figures[3]!s:>10}")
    batch = provenance["batch"]
    say(f"epoch {batch['epoch']}, cut {batch['cut']}, read up to {provenance['speed']['offsets']}\n")


def ledger_is_right(demo, log):
    recomputed = log.fates()
    served = next(one for one in demo.job.get("/v1/ledger").json["sources"] if one["name"] == "orders")
    for fate, count in recomputed.items():
        say(f"ledger: {fate:9} {served[fate]:>8} served {count:>8} recomputed")
    say(f"ledger: closed: {served['closed']}")
    return served["closed"] and all(served[fate] == count for fate, count in recomputed.items())


def too_late(*_):
    raise AssertionError(f"not done within {CHECK_SECONDS} s")


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    checking = sys.argv[1:] == ["--check"]
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    if checking:
        signal.signal(signal.SIGALRM, too_late)
        signal.alarm(CHECK_SECONDS)
    demo, code = None, 1
    try:
        demo = Demo()
        if checking:
            code = 0 if check(demo) else 1
            say("the answers equal the recomputation" if code == 0 else "THE ANSWERS DIFFER")
        else:
            show(demo)
    except KeyboardInterrupt:
        code = 1 if checking else 0
    except AssertionError as error:
        print(f"demo: {error}", file=sys.stderr)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if demo:
            demo.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
