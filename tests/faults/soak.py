# SPDX-License-Identifier: Apache-2.0
"""The soak that tests/faults/soak starts; see there."""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.kafka import Kafka  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.process import Child, wait_until  # noqa: E402
from support.proxy import Proxy  # noqa: E402
from support.redis import Redis  # noqa: E402
from support.tidemark import BIN, Folder, Platform, differences, row_key, source, view  # noqa: E402

TOPIC = "orders"
MAX_FUTURE_SECONDS = 10
PROGRESS_EVERY, SAMPLE_EVERY, ANSWER_EVERY = 10, 5, 1  # seconds
RECOVERY = 1800  # seconds in which all must be complete once the faults have ended
MEGABYTE = 1 << 20
# Level: the median of the last quarter is at most this factor and these units above that of the second quarter. A speed
# process that has two partitions more then has 16 descriptors and 8 threads more, and twice the index.
LEVEL_MINUTES = 15
LEVEL = {"memory, MB": (1.25, 64), "descriptors": (1.0, 20), "threads": (1.0, 10)}


class Failed(Exception):
    """Something didn't hold; the text says what."""


class Platforms:
    """The servers and the programs, by the names that faults and samples know them by."""

    def __init__(self, folder, partitions, minutes):
        self.folder = folder
        self.kafka = Kafka(folder / "kafka", heap="768m")
        self.redis = Redis(folder / "redis", persistent=True)
        self.redis_proxy = Proxy(self.redis.port)
        self.postgres = Postgres(folder / "postgres")
        self.kafka.create(TOPIC, partitions)
        options = {"max_future": f"{MAX_FUTURE_SECONDS} seconds", "horizon": "2 minutes" if minutes >= 10 else "1 minute"}
        summary = {"total_orders": "count", "total_revenue": "sum(amount)", "avg_order_value": "avg(amount)"}
        self.job = Platform(
            folder / "tidemark", self.kafka.brokers, f"redis://{self.redis_proxy.address}/0", self.postgres.url,
            {"orders": source(TOPIC, **options)},
            {
                "daily_revenue": view("orders"),
                "minute_revenue": view("orders", "tumbling 1 minute"),
                "daily_summary": view("orders", measures=summary, dimensions=["category", "customer_segment"]),
            },
            jobs={"steady": {"schedule": "* * * * *"}},
        )  # fmt: skip
        self.serving = self.job.serving()
        self.speeds = [self.job.speed(), self.job.speed()]
        self.scheduler = self.job.start_batch("schedule")

    def programs(self):
        """{name: the process that has this part now}"""
        return {
            "speed 1": self.speeds[0], "speed 2": self.speeds[1], "batch": self.scheduler, "serving": self.serving
        }  # fmt: skip

    def stop(self):
        self.job.kill()
        self.redis_proxy.stop()
        for server in (self.kafka, self.redis, self.postgres):
            server.stop()


# --- faults ---


class Faults:
    """Each method is a fault and what an operator's supervisor does about it. The first argument of all is chance."""

    def __init__(self, platforms, chance):
        self.p, self.chance = platforms, chance
        self.counts = defaultdict(int)
        # The second speed process and the scheduler are killed seldom, and the serving process never: what a process
        # loses little by little shows only in one that lives long.
        self.table = [
            (6, self.kill_speed), (3, self.freeze_speed), (2, self.freeze_serving), (3, self.end_speed),
            (3, self.one_more_speed), (5, self.kill_batch_run), (1, self.kill_scheduler), (4, self.kill_redis),
            (3, self.flush_redis), (3, self.restart_postgres), (2, self.kill_postgres), (1, self.restart_kafka),
            (1, self.kill_kafka), (2, self.lose_replies), (2, self.stall_redis), (2, self.reset_redis), (2, self.slow_redis),
        ]  # fmt: skip

    def one(self):
        """Does one; returns its name."""
        weights, faults = zip(*self.table)
        [fault] = self.chance.choices(faults, weights)
        self.counts[fault.__name__] += 1
        fault()
        return fault.__name__

    def pause(self, least, most):
        time.sleep(self.chance.uniform(least, most))

    def some_speed(self):
        return 1 if self.chance.random() < 0.15 else 0

    def kill_speed(self):
        number = self.some_speed()
        self.p.speeds[number].kill()
        self.pause(0, 2)
        self.p.speeds[number] = self.p.job.speed()

    def end_speed(self):
        code = self.p.speeds[0].stop()
        if code != 0:
            raise Failed(f"a speed process ended with {code} after TERM\n{self.p.speeds[0].tail()}")
        self.p.speeds[0] = self.p.job.speed()

    def freeze(self, child, least, most):
        child.process.send_signal(signal.SIGSTOP)
        self.pause(least, most)
        child.process.send_signal(signal.SIGCONT)

    def freeze_speed(self):
        self.freeze(self.p.speeds[self.chance.randrange(2)], 1, 15)  # the group waits 6 s

    def freeze_serving(self):
        self.freeze(self.p.serving, 1, 5)

    def one_more_speed(self):
        more = self.p.job.speed()
        self.pause(1, 8)
        code = more.stop()
        if code != 0:
            raise Failed(f"a speed process ended with {code} after TERM\n{more.tail()}")

    def kill_batch_run(self):
        run = self.p.job.start_batch()
        self.pause(0, 5)
        run.kill()

    def kill_scheduler(self):
        self.p.scheduler.kill()
        self.p.scheduler = self.p.job.start_batch("schedule")

    def kill_redis(self):
        self.p.redis.kill()
        self.pause(0, 4)
        self.p.redis.start()

    def flush_redis(self):
        self.p.redis.command("flushall")

    def lose_replies(self):
        """Some commits are done, and nobody hears of it."""
        self.p.redis_proxy.cut_on(b"_commit", times=self.chance.randrange(1, 6))
        self.pause(1, 3)
        self.p.redis_proxy.heal()

    def stall_redis(self):
        self.p.redis_proxy.stall_existing()
        self.pause(1, 12)
        self.p.redis_proxy.heal()

    def reset_redis(self):
        self.p.redis_proxy.reset()

    def slow_redis(self):
        self.p.redis_proxy.set(delay=0.05, jitter=0.04)
        self.pause(2, 8)
        self.p.redis_proxy.heal()

    def restart_postgres(self):
        self.p.postgres.stop()
        self.pause(0, 4)
        self.p.postgres.start()

    def kill_postgres(self):
        self.p.postgres.kill()
        self.pause(0, 2)
        self.p.postgres.start()

    def restart_kafka(self):
        self.p.kafka.stop()
        self.p.kafka.start()

    def kill_kafka(self):
        self.p.kafka.kill()
        self.pause(0, 3)
        self.p.kafka.start()


# --- watching ---


class Samples:
    """Memory, descriptors and threads of the programs over time."""

    def __init__(self, platforms):
        self.platforms, self.began = platforms, time.monotonic()
        self.series = defaultdict(list)  # (program, what): [(seconds, value)]

    def take(self):
        for name, child in self.platforms.programs().items():
            try:
                status = dict(
                    line.split(":", 1) for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
                )
                values = {
                    "memory, MB": int(status["VmRSS"].split()[0]) / 1024,
                    "descriptors": len(os.listdir(f"/proc/{child.pid}/fd")),
                    "threads": int(status["Threads"]),
                }
            except (OSError, KeyError):  # it was killed just now
                continue
            for what, value in values.items():
                self.series[name, what].append((time.monotonic() - self.began, value))

    def memory(self):
        return " ".join(f"{name} {values[-1][1]:.0f}" for (name, what), values in self.series.items() if "MB" in what)

    def verdict(self, seconds):
        """Prints medians by quarter; returns what didn't stay level."""
        grown = []
        print("| program | what | quarter 1 | 2 | 3 | 4 | most | level |\n|---|---|---:|---:|---:|---:|---:|---|")
        for (name, what), values in sorted(self.series.items()):
            quarters = [
                statistics.median([v for at, v in values if quarter <= at * 4 / seconds < quarter + 1] or [0])
                for quarter in range(4)
            ]
            factor, units = LEVEL[what]
            level = quarters[3] <= quarters[1] * factor + units
            medians = " | ".join(f"{q:.0f}" for q in quarters)
            most = max(v for _, v in values)
            print(f"| {name} | {what} | {medians} | {most:.0f} | {'yes' if level else 'NO'} |")
            if not level:
                grown.append(f"{name}: {what} grew from {quarters[1]:.0f} to {quarters[3]:.0f}")
        return grown


def total(answer):
    rows = answer.json["rows"]
    return sum(row["order_count"] for row in rows), int(sum(row["total_revenue"] for row in rows) * 100)


class Watcher(threading.Thread):
    """Samples the programs, asks for answers, keeps of each complete one its offsets and its total, and says how it goes."""

    def __init__(self, platforms, say):
        super().__init__(daemon=True)
        self.job, self.samples, self.ended = platforms.job, Samples(platforms), threading.Event()
        self.say = say
        self.asked = self.without_answer = self.complete = 0
        self.last, self.kept = None, []  # the last answer; [(offsets, (orders, cents))]

    def run(self):
        sampled = asked = said = time.monotonic()
        while not self.ended.wait(0.1):
            now = time.monotonic()
            if now - said >= PROGRESS_EVERY:
                said = now
                self.say(now - self.samples.began)
            if now - sampled >= SAMPLE_EVERY:
                sampled = now
                self.samples.take()
            if now - asked >= ANSWER_EVERY:
                asked = now
                self.ask()

    def ask(self):
        self.asked += 1
        try:
            answer = self.job.view("daily_revenue")
        except OSError:
            self.without_answer += 1
            return
        if answer.status != 200:
            self.without_answer += 1
            return
        self.last = answer
        if answer.complete:
            self.complete += 1
            self.kept.append((answer.offsets, total(answer)))

    def end(self):
        self.ended.set()
        self.join(60)


# --- the recomputation ---


class Recomputed:
    """What soak_fold says of a topic; `places` are pairs of partition and offset at which it notes the total."""

    def __init__(self, brokers, topic, partitions, places=()):
        command = [BIN / "soak_fold", brokers, topic, str(partitions), str(MAX_FUTURE_SECONDS)]
        lines = "".join(f"{partition} {offset}\n" for partition, offset in sorted(places))
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(done.stderr)
        self.read(done.stdout)

    def read(self, text):
        self.fates = dict.fromkeys(("consumed", "kept", "replaced", "bad"), 0)
        self.ends, self.checkpoints, self.minutes, self.summary = {}, {}, {}, {}
        for line in text.splitlines():
            kind, *words = line.split()
            getattr(self, f"take_{kind}")(*words)

    def take_ledger(self, partition, end, *fates):
        self.ends[int(partition)] = int(end)
        for name, number in zip(self.fates, fates):
            self.fates[name] += int(number)

    def take_checkpoint(self, partition, offset, count, cents):
        self.checkpoints[int(partition), int(offset)] = (int(count), int(cents))

    def take_minute(self, start, count, cents):
        self.minutes[(int(start),)] = (int(count), int(cents))

    def take_summary(self, day, category, segment, count, cents):
        self.summary[int(day), category, segment] = (int(count), int(cents))

    @staticmethod
    def money(cents):
        return Decimal(cents).scaleb(-2)

    def rows(self, name):
        """The view as the tests compare it."""
        if name == "daily_summary":
            names = ("total_orders", "total_revenue", "avg_order_value")
            # half up, as amounts are above 0
            average = lambda count, cents: self.money((2 * cents + count) // (2 * count))  # noqa: E731
            return {
                key: dict(zip(names, (count, self.money(cents), average(count, cents))))
                for key, (count, cents) in self.summary.items()
            }
        cells = self.minutes if name == "minute_revenue" else self.days()
        return {key: {"order_count": n, "total_revenue": self.money(cents)} for key, (n, cents) in cells.items()}

    def days(self):
        days = defaultdict(lambda: (0, 0))
        for (start,), (count, cents) in self.minutes.items():
            day = (start // 86400 * 86400,)
            days[day] = (days[day][0] + count, days[day][1] + cents)
        return days


# --- the soak ---


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.chance = random.Random(options.seed)
        self.p = Platforms(folder, options.partitions, options.minutes)
        self.faults = Faults(self.p, self.chance)
        self.problems, self.last_fault = [], "none yet"

    def run(self):
        self.watcher = Watcher(self.p, self.say)
        self.watcher.start()
        self.load()
        seconds = time.monotonic() - self.watcher.samples.began
        self.recover()
        self.watcher.end()
        self.compare(self.recompute())
        grown = self.watcher.samples.verdict(seconds)
        if self.options.minutes >= LEVEL_MINUTES:
            self.problems += grown
        else:
            print(f"no verdict on the samples: it takes {LEVEL_MINUTES} minutes to see what stays level")

    def sent(self):
        lines = (self.folder / "generate.log").read_text().split("\n")
        words = lines[-2].split() if len(lines) > 1 else []
        return tuple(map(int, words)) if len(words) == 2 else (0, 0)

    def load(self):
        """Orders and faults, for the time asked for."""
        arguments = [BIN / "soak_generate", self.p.kafka.brokers, TOPIC]
        arguments += [self.options.rate, self.options.seed, int(time.time())]
        generator = Child("soak_generate", arguments, self.folder / "generate.log")
        began = time.monotonic()
        next_fault = began + 20
        while time.monotonic() - began < self.options.minutes * 60:
            time.sleep(0.2)
            now = time.monotonic()
            if not generator.running():
                raise Failed(generator.tail())
            if now >= next_fault and now - began < self.options.minutes * 60 - 20:
                self.last_fault = self.faults.one()
                self.check_programs()
                next_fault = time.monotonic() + self.chance.uniform(2, 18)
        code = generator.stop(within=180)
        print(f"{datetime.now():%H:%M:%S} sent {self.sent()[0]:,}; the faults have ended: {dict(self.faults.counts)}")
        if code != 0:
            raise Failed(f"not all orders were delivered\n{generator.tail()}")

    def check_programs(self):
        """Whatever happens, no program ends by itself."""
        for name, child in self.p.programs().items():
            if not child.running():
                raise Failed(f"{name} ended by itself with {child.process.returncode}\n{child.tail()}")

    def say(self, seconds):
        sent, acknowledged = self.sent()
        answer = self.watcher.last
        served = sum(answer.offsets.values()) if answer else 0
        epoch = answer.json["provenance"]["batch"]["epoch"] if answer else "-"
        reasons = sorted({m["reason"] for m in answer.json["provenance"]["missing"]}) if answer else []
        print(
            f"{datetime.now():%H:%M:%S} {seconds:5.0f} s, sent {acknowledged:,}, behind {acknowledged - served:,}, "
            f"epoch {epoch}, {'complete' if not reasons else ' '.join(reasons)}; "
            f"last fault {self.last_fault}; MB: {self.watcher.samples.memory()}",
            flush=True,
        )

    def recover(self):
        """No help from here on: the lag goes to 0, and the scheduled runs make all complete."""
        reader = self.p.kafka.reader()
        ends = {partition: end for partition, (_, end) in reader.ends(TOPIC).items()}
        reader.close()
        began = time.monotonic()
        for name in self.p.job.config["views"]:
            self.p.job.wait_complete_at(name, ends, RECOVERY)
        print(f"{datetime.now():%H:%M:%S} complete at the ends of the log after {time.monotonic() - began:.0f} s")
        self.check_programs()
        wait_until(lambda: self.p.job.batch(expect=(0, 75), within=RECOVERY) == 0, RECOVERY, "a run publishes", every=5)
        for name in self.p.job.config["views"]:
            self.p.job.wait_complete_at(name, ends, 120)

    def recompute(self):
        places = {place for offsets, _ in self.watcher.kept for place in offsets.items()}
        return Recomputed(self.p.kafka.brokers, TOPIC, self.options.partitions, places)

    def compare(self, recomputed):
        self.compare_views(recomputed)
        self.compare_samples(recomputed)
        self.compare_ledger(recomputed)
        began = time.monotonic()
        verify = self.p.job.start_batch("verify")
        code = verify.end(1800)
        print(f"tidemark-batch verify ended with {code} after {time.monotonic() - began:.0f} s")
        if code != 0:
            self.problems.append(f"verify ended with {code}\n{verify.tail()}")
        self.p.job.stop()

    def compare_views(self, recomputed):
        for name in self.p.job.config["views"]:
            answer, definition = self.p.job.view(name), self.p.job.oracle_view(name)
            expected = recomputed.rows(name)
            found = {row_key(row, definition): {m: row[m] for m in definition.measures} for row in answer.json["rows"]}
            difference = differences(expected, found)
            print(f"{name}: {len(expected)} rows, {'DIFFERENT' if difference else 'equal'}")
            if difference:
                self.problems.append(f"{name}: {difference}\n{answer.json['provenance']}")

    def compare_samples(self, recomputed):
        """Each answer of the way that claimed to be complete was the total at its offsets."""
        wrong = []
        for offsets, served in self.watcher.kept:
            cells = [recomputed.checkpoints[place] for place in offsets.items()]
            expected = tuple(map(sum, zip(*cells)))
            if served != expected:
                wrong.append(f"complete at {offsets}: served {served}, recomputed {expected}")
        w = self.watcher
        print(f"{w.asked} answers, {w.without_answer} not given, {w.complete} complete, {len(wrong)} of them wrong")
        if wrong:
            self.problems.append("\n".join(wrong[:5]))

    def compare_ledger(self, recomputed):
        [ledger] = self.p.job.get("/v1/ledger").json["sources"]
        expected = {**recomputed.fates, "duplicate": 0, "deferred": 0}
        found = {fate: ledger[fate] for fate in expected}
        print(f"ledger: {found}, {'closed' if ledger['closed'] else 'OPEN'}")
        if found != expected or not ledger["closed"]:
            self.problems.append(f"ledger {ledger}, recomputed {expected}")


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="tests/faults/soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args(arguments)


def main(arguments):
    options = options_of(arguments)
    folder = Folder("soak")
    print(f"--seed {options.seed}  {options.rate:,} messages/s for {options.minutes} minutes; logs in {folder.path}", flush=True)
    soak = Soak(options, folder)
    try:
        soak.run()
    except (Failed, AssertionError) as problem:
        soak.problems.append(str(problem))
        options.keep = True
    finally:
        soak.p.stop()
        if not options.keep:
            folder.remove()
    for problem in soak.problems:
        print(f"WRONG: {problem}")
    print(f"{'FAILED' if soak.problems else 'all right'}: --seed {options.seed}")
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
