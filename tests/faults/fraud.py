# SPDX-License-Identifier: Apache-2.0
"""What tests/faults/fraud starts; see there."""

import argparse
import itertools
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import detector as fraud  # noqa: E402
from support.kafka import Kafka, Writer  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.process import wait_until  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.tidemark import Folder, Platform  # noqa: E402

TOPIC, ALERTS = "transactions", "fraud-alerts"
CUSTOMERS = 1000  # of whom few exceed; ten more do all the time
RECOVERY = 600  # seconds in which all must be alerted once the faults have ended
CHUNK = 200  # transactions that are sent at once


class Failed(Exception):
    """Something didn't hold; the text says what."""


class Sender(threading.Thread):
    """Sends the transactions at a steady rate, and stops early where it is told to."""

    def __init__(self, brokers, options):
        super().__init__(daemon=True)
        self.writer, self.rate = Writer(brokers), options.rate
        self.transactions = fraud.transactions(random.Random(options.seed), options.transactions, customers=CUSTOMERS)
        self.sent, self.failure, self.told_to_stop = 0, None, threading.Event()

    def run(self):
        began = time.monotonic()
        try:
            while (chunk := list(itertools.islice(self.transactions, CHUNK))) and not self.told_to_stop.is_set():
                for one in chunk:
                    self.writer.send(TOPIC, one["customer_id"].encode(), fraud.encode(one))
                self.sent += len(chunk)
                time.sleep(max(0.0, began + self.sent / self.rate - time.monotonic()))
            self.writer.flush()
        except Exception as error:  # noqa: BLE001: the main thread says it
            self.failure = error


class Faults:
    """Each method is a fault, and what an operator's supervisor does about it. Processes are started by the main thread
    alone: they end with the thread that started them."""

    def __init__(self, run, chance):
        self.run, self.chance, self.counts = run, chance, Counter()
        self.table = [(5, self.kill), (3, self.crash), (3, self.freeze), (2, self.end), (2, self.one_more)]
        self.first = [self.kill, self.freeze, self.crash, self.one_more]  # however short the run is

    def one(self):
        weights, faults = zip(*self.table)
        fault = self.first.pop(0) if self.first else self.chance.choices(faults, weights)[0]
        self.counts[fault.__name__] += 1
        fault()

    def some(self):
        return self.chance.randrange(len(self.run.speeds))

    def kill(self):
        number = self.some()
        self.run.speeds[number].kill()
        self.run.pause(0, 2)
        self.run.speeds[number] = self.run.job.speed()

    def crash(self):
        """It dies with a transaction open, whose alerts are in the log and must never be seen."""
        number = self.some()
        self.run.speeds[number].kill()
        child = self.run.speeds[number] = self.run.job.speed(crash_at="in_transaction")
        deadline = time.monotonic() + 30  # it may have no partitions, or there may be nothing to alert
        while child.running() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.counts["crashed in a transaction"] += not child.running()
        child.kill()
        self.run.speeds[number] = self.run.job.speed()

    def freeze(self):
        """For longer than the group waits, mostly also longer than the broker keeps a transaction open."""
        child = self.run.speeds[self.some()]
        child.process.send_signal(signal.SIGSTOP)
        self.run.pause(7, 16)
        child.process.send_signal(signal.SIGCONT)

    def end(self):
        number = self.some()
        self.run.stop(self.run.speeds[number])
        self.run.speeds[number] = self.run.job.speed()

    def one_more(self):
        more = self.run.job.speed()
        self.run.pause(2, 8)
        self.run.stop(more)


class Run:
    def __init__(self, options, folder):
        self.options = options
        self.chance = random.Random(options.seed + 1)
        self.servers = [Kafka(folder / "kafka", heap="768m"), Redis(folder / "redis"), Postgres(folder / "postgres")]
        self.kafka, redis, postgres = self.servers
        self.kafka.create(TOPIC, options.partitions)
        self.job = Platform(
            folder / "tidemark", self.kafka.brokers, redis.url, postgres.url, {"transactions": fraud.source(TOPIC)}, {},
            detectors={"fraud": fraud.detector(ALERTS, **{"from": "beginning"})},
        )  # fmt: skip
        del self.job.config["views"]
        self.job.write()
        self.reader = self.kafka.reader()
        self.found, self.read_up_to = [], {}

    def close(self):
        self.job.kill()
        self.reader.close()
        for server in self.servers:
            server.stop()

    def pause(self, least, most):
        time.sleep(self.chance.uniform(least, most))

    def say(self, text):
        print(f"{datetime.now():%H:%M:%S} {text}", flush=True)

    def stop(self, child):
        code = child.stop()
        if code != 0:
            raise Failed(f"a process ended with {code} after TERM\n{child.tail()}")

    def alerts(self):
        """All that a read_committed reader has seen of the alert topic so far."""
        for partition, message in self.reader.each(ALERTS, self.read_up_to):
            self.found.append(json.loads(message.value(), parse_float=Decimal))
            self.read_up_to[partition] = message.offset() + 1
        return self.found

    def go(self):
        self.speeds = [self.job.speed(), self.job.speed()]
        faults = Faults(self, self.chance)
        sender = Sender(self.kafka.brokers, self.options)
        sender.start()
        try:
            while sender.is_alive():
                self.pause(*self.options.pause)
                faults.one()
                self.check_programs()
                self.say(f"sent {sender.sent:,}, faults {dict(faults.counts)}")
        finally:
            sender.told_to_stop.set()
            sender.join(180)
        if sender.failure:
            raise Failed(f"not all transactions were delivered: {sender.failure}")
        self.say(f"sent {sender.sent:,}; the faults have ended: {dict(faults.counts)}")
        self.compare(sender.sent)

    def check_programs(self):
        """Whatever happens, no program ends by itself."""
        for child in self.speeds:
            if not child.running():
                raise Failed(f"{child.name} ended by itself with {child.process.returncode}\n{child.tail()}")

    def compare(self, sent):
        if sum(end for _, end in self.reader.ends(TOPIC).values()) != sent:
            raise Failed(f"the topic doesn't have the {sent} transactions that were sent")
        definition = fraud.Definition()
        expected = definition.alerts(message for _, message in self.reader.each(TOPIC))
        rules = lambda: sum(len(alert["alerts"]) for alert in self.alerts())  # noqa: E731
        wait_until(lambda: rules() >= len(expected), RECOVERY, f"{len(expected)} alerts", 0.5, self.speeds)
        for child in self.speeds:
            self.stop(child)
        self.judge(expected, self.alerts(), definition)

    def judge(self, expected, alerts, definition):
        """Raises where an alert is missing, there twice, one too many, or not proven."""
        try:
            found = fraud.alerted(alerts)
        except AssertionError as error:
            raise Failed(str(error)) from None
        if found != expected:
            missing, more = sorted(expected - found), sorted(found - expected)
            raise Failed(f"{len(missing)} alerts are missing: {missing[:5]}; {len(more)} are too many: {more[:5]}")
        wanted = {(e["partition"], e["offset"]) for alert in alerts for e in alert["evidence"]}
        wanted.update(map(fraud.place_of, alerts))
        at = {
            (partition, message.offset()): fraud.Transaction(message)
            for partition, message in self.reader.each(TOPIC)
            if (partition, message.offset()) in wanted
        }
        for alert in alerts:
            if problem := fraud.disproof(alert, at, definition):
                raise Failed(f"{alert}: {problem}")
        caused = sum(alert["alert_id"].count("/") == 3 for alert in alerts)
        kinds = Counter(rule for _, rule in found)
        self.say(f"{len(alerts):,} alerts ({caused:,} by a later transaction), {dict(kinds)}: each once, each proven")


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="tests/faults/fraud")
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=3000)
    parser.add_argument("--pause", type=float, nargs=2, default=(5.0, 20.0))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args(arguments)


def main(arguments):
    options = options_of(arguments)
    folder, problem = Folder("fraud"), None
    print(f"--seed {options.seed}  {options.transactions:,} transactions; logs in {folder.path}", flush=True)
    run = Run(options, folder)
    try:
        run.go()
    except (Failed, AssertionError) as error:
        problem = str(error)
    finally:
        run.close()
        if not (options.keep or problem):
            folder.remove()
    if problem:
        print(f"WRONG: {problem}")
    print(f"{'FAILED' if problem else 'all right'}: --seed {options.seed}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
