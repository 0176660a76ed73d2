# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults stand on: a platform that reaches its servers through proxies, a watch on its answers while a
fault lasts, and what must hold once it is over."""

import contextlib
import itertools
import os
import threading
import time
from pathlib import Path

from e2e.servers import EndToEnd, month, wake_up
from support.kafka import Kafka
from support.postgres import Postgres
from support.process import free_port, wait_until
from support.proxy import Proxy
from support.redis import Redis
from support.tidemark import Folder, Platform, differences

__all__ = ["Faulty", "Watch", "after_failure", "cpu_shares", "memory", "month"]

_numbers = itertools.count(1)
CHECKED_MAX = 40  # answers of a watch that are compared with the oracle


@contextlib.contextmanager
def after_failure(*steps):
    """A failure inside it leaves no fault behind for what follows: these functions are called then."""
    try:
        yield
    except BaseException:
        for step in steps:
            step()
        raise


class Faulty(EndToEnd):
    """Kafka and PostgreSQL are the test class's, each platform has a database of its own; Redis is the test's. The programs
    know all three by their proxies only; what the tests themselves do goes to the servers directly."""

    @classmethod
    def setUpClass(cls):
        cls.class_folder = Folder("faults")
        cls.addClassCleanup(cls.class_folder.remove)
        cls.kafka_proxy = Proxy(free_port())
        cls.addClassCleanup(cls.kafka_proxy.stop)
        cls.kafka = Kafka(cls.class_folder / "kafka", proxy=cls.kafka_proxy)
        cls.addClassCleanup(cls.kafka.stop)
        cls.postgres = Postgres(cls.class_folder / "postgres")
        cls.addClassCleanup(cls.postgres.stop)

    # librdkafka gives a silent broker 60 s for an answer; a test needn't.
    kafka_properties = {"socket.timeout.ms": 10000}

    def servers(self, redis_persistent=False, redis_started=True, redis_folder=None):
        self.addCleanup(wake_up, self.postgres)
        self.redis = Redis(redis_folder or self.folder / "redis", redis_persistent, redis_started)
        self.addCleanup(self.redis.stop)
        self.redis_proxy, self.postgres_proxy = Proxy(self.redis.port), Proxy(self.postgres.port)
        for proxy in (self.redis_proxy, self.postgres_proxy):
            self.addCleanup(proxy.stop)
        self.addCleanup(self.kafka_proxy.heal)
        self.proxies = {"kafka": self.kafka_proxy, "redis": self.redis_proxy, "postgres": self.postgres_proxy}

    def platform(self, sources, views, time_zone="UTC", **more):
        self.database = f"t{next(_numbers)}"
        self.postgres.sql(f"create database {self.database} template template0", database="postgres")
        platform = Platform(
            self.folder / f"tidemark{next(_numbers)}",
            self.kafka_proxy.address,
            f"redis://{self.redis_proxy.address}/0",
            f"postgresql://tidemark@{self.postgres_proxy.address}/{self.database}",
            sources,
            views,
            time_zone,
            **more,
        )
        platform.config["kafka"]["properties"] = dict(self.kafka_properties)
        platform.write()
        self.addCleanup(platform.kill)
        return platform

    def sql(self, statement):
        return self.postgres.sql(statement, self.database)

    def start(self, orders=600, partitions=4, **servers):
        """A platform at work that has published once and read on; further orders begin at self.sent."""
        self.servers(**servers)
        self.start_programs(partitions)
        self.send_more(orders // 2)
        self.assert_all_served()
        self.job.batch()
        self.send_more(orders // 2)
        self.assert_all_served()

    def start_programs(self, partitions=4):
        self.simple_platform(self.topic(partitions))
        self.speed, self.serving, self.sent = self.job.speed(), self.job.serving(), 0

    def start_again(self):
        """The programs of start_programs that don't run."""
        self.speed = self.speed if self.speed.running() else self.job.speed()
        self.serving = self.serving if self.serving.running() else self.job.serving()

    def heal(self):
        for proxy in self.proxies.values():
            proxy.heal()
            proxy.reset()

    def send_more(self, count):
        self.send(month(self.sent, count))
        self.sent += count

    def watch(self):
        return Watch(self)

    def assert_recovered(self):
        """All is complete at the log's end, a batch run publishes, and the ledger is closed over every message."""
        self.assert_all_served()
        self.publish()
        self.assert_all_served()
        self.assert_ledger_closed()

    def publish(self):
        wait_until(lambda: self.job.batch(expect=(0, 69, 75)) == 0, 120, "a batch run publishes", every=0.2)

    def ledger(self):
        return self.job.get("/v1/ledger").json["sources"][0]

    def assert_ledger_closed(self):
        consumed = sum(end for _, end in self.reader.ends(self.name).values())
        closed = lambda: self.ledger()["closed"] and self.ledger()["consumed"] == consumed  # noqa: E731
        wait_until(closed, 30, f"the ledger is closed over {consumed} messages")

    def assert_programs_run(self):
        for child in (self.speed, self.serving):
            self.assertTrue(child.running(), child.tail())

    def assert_idle(self, *children, seconds=2.0, share=0.2):
        """Waiting costs next to nothing. The limit is generous: the machine may be busy with other things."""
        for child, used in cpu_shares(children, seconds).items():
            self.assertLess(used, share, f"{child.name} used {used} of a CPU\n{child.tail()}")

    def wait_for_log(self, child, *texts, since=0, within=60):
        """Waits until the child's log says one of them, behind the byte `since`."""
        said = lambda: any(text in log_of(child)[since:] for text in texts)  # noqa: E731
        wait_until(said, within, f"{child.name} says: {' or '.join(texts)}", children=[child])


def log_of(child):
    return Path(child.log).read_text(errors="replace")


def _stat(child):
    """The fields of /proc/PID/stat behind the name."""
    return Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].split()


def cpu_seconds(child):
    fields = _stat(child)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_shares(children, seconds):
    """{child: CPU time by wall time}, over some seconds."""
    began = {child: (time.monotonic(), cpu_seconds(child)) for child in children}
    time.sleep(seconds)
    return {child: (cpu_seconds(child) - cpu) / (time.monotonic() - at) for child, (at, cpu) in began.items()}


def memory(child):
    """Resident bytes."""
    return int(_stat(child)[21]) * os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Asks for the view again and again, in a thread of its own, until it ends, and once more; then every answer is judged.

    Each is a 200; one that says it is complete is what the oracle says for its offsets; another names what is missing."""

    def __init__(self, test, name="daily_revenue", every=0.05):
        self.test, self.name, self.every = test, name, every
        self.answers, self.failures, self.ended = {}, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.ended.set()
        self.thread.join()
        if kind is None:
            self._judge()

    def _run(self):
        while not self.ended.wait(self.every):
            self._ask()
        self._ask()

    def _ask(self):
        try:
            answer = self.test.job.view(self.name)
            self.answers.setdefault(answer.body, answer)
        except OSError as error:
            self.failures.append(repr(error))

    def _judge(self):
        test = self.test
        test.assertFalse(self.failures)
        test.assertTrue(self.answers)
        test.reader.into(test.log, test.name)
        definition = test.job.oracle_view(self.name)
        answers = list(self.answers.values())
        for answer in answers:
            test.assertEqual(answer.status, 200, answer.body[:500])
            if not answer.complete:
                test.assertTrue(answer.json["provenance"]["missing"], answer.body[:500])
        complete = [answer for answer in answers if answer.complete]
        for answer in complete[:: len(complete) // CHECKED_MAX + 1]:
            difference = differences(test.log.rows(definition, answer.offsets), answer.rows(definition))
            test.assertFalse(difference, f"{difference}\n{answer.json['provenance']}\n{test.job.logs()}")

    def missing(self):
        """The reasons that answers gave so far."""
        return {m["reason"] for a in list(self.answers.values()) for m in a.json["provenance"]["missing"]}
