# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed at any point, freeze, crawl, or come and go in a storm; and servers that start in any order."""

import itertools
import os
import random
import signal
import subprocess
import time
import unittest

from e2e.servers import EndToEnd, month
from support.freeze import FrozenThread, thread_named
from support.process import PATIENCE, wait_until
from support.tidemark import BIN

from .faulty import cpu_shares

SPEED_CRASHES = ("before_init", "after_init", "before_redis", "after_redis_before_ack")
BATCH_CRASHES = ("after_open_epoch", "after_ingest_chunk", "before_publish", "after_publish")
KILLED = -signal.SIGKILL


class Processes(EndToEnd):
    def start(self, partitions=4, **options):
        self.servers()
        self.orders = iter(month())
        self.simple_platform(self.topic(partitions), **options)
        self.job.serving()

    def send_some(self, count=300):
        self.send(itertools.islice(self.orders, count))

    def publish(self):
        """A partition that has no owner yet isn't ready (75): the run is repeated, as an operator would."""
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 120, "a batch run publishes", every=0.5)

    # --- killed ---

    def test_speed_process_that_dies_at_each_named_point_loses_and_repeats_nothing(self):
        self.start()
        for point in SPEED_CRASHES:
            dying = self.job.speed(crash_at=point)
            self.send_some()
            if point.endswith("init"):  # only a partition that has no slot is begun
                self.redis.command("flushall")
            self.assertEqual(dying.end(60), KILLED, f"{point}\n{dying.tail()}")
            going = self.job.speed()
            self.assert_all_served()
            self.assertEqual(going.stop(), 0)
        self.job.speed()
        self.publish()
        self.assert_all_served()

    def test_batch_run_that_dies_at_each_named_point_is_run_again(self):
        self.start()
        self.job.speed()
        for point in BATCH_CRASHES:
            self.send_some()
            self.assert_all_served()
            dying = self.job.start_batch(crash_at=point)
            self.assertEqual(dying.end(60), KILLED, f"{point}\n{dying.tail()}")
            self.send_some()
            self.assert_all_served()
            self.publish()
            self.assert_all_served()
        self.assertEqual(self.job.batch("verify"), 0)

    def test_speed_and_batch_processes_killed_at_any_moment_lose_and_repeat_nothing(self):
        self.start()
        chance = random.Random(time.monotonic())
        speed = self.job.speed()
        for _ in range(6):
            self.send_some(400)
            run = self.job.start_batch()
            time.sleep(chance.uniform(0, 0.3))
            speed.kill()
            run.kill()
            speed = self.job.speed()
        self.assert_all_served()
        self.publish()
        self.assert_all_served()
        self.assertEqual(self.job.batch("verify"), 0)

    # --- slow ---

    def test_worker_slower_than_the_group_waits_leaves_and_comes_back_without_counting_twice(self):
        self.start(2)
        self.job.config["kafka"]["properties"] = {"max.poll.interval.ms": 6000, "session.timeout.ms": 6000}
        self.job.write()
        slow = self.job.speed()
        self.send_some(1000)
        self.assert_all_served()
        with FrozenThread(thread_named(slow.pid, "worker 0")):
            self.send_some(1000)  # what its threads fetch meanwhile is a batch in flight
            other = self.job.speed()
            self.assert_all_served()  # the other has it all
            self.assertEqual(other.stop(), 0)
        self.send_some(1000)
        self.assert_all_served()  # its partitions were given back, and it reads from what the store says
        self.assertEqual(slow.stop(), 0, slow.tail())

    def test_broker_that_stops_for_longer_than_the_session_lasts_costs_only_time(self):
        self.start(2)
        speed = self.job.speed()
        self.send_some(1000)
        self.assert_all_served()
        self.kafka.child.process.send_signal(signal.SIGSTOP)
        try:
            lost = lambda: "were lost" in speed.tail()  # noqa: E731
            wait_until(lost, 60, "the assignment is lost", children=[speed])
        finally:
            self.kafka.child.process.send_signal(signal.SIGCONT)
        self.send_some(1000)
        self.assert_all_served()
        self.assertTrue(speed.running(), speed.tail())

    # --- in a storm ---

    def test_rebalance_storm_while_the_topic_grows_loses_and_repeats_nothing(self):
        self.start(3, on_duplicate="none")  # so that an order's versions in two partitions don't matter
        chance = random.Random(time.monotonic())
        speeds = [self.job.speed()]
        for turn in range(24):
            self.send_some(100)
            time.sleep(chance.uniform(0.1, 0.8))
            if turn == 10:
                self.kafka.grow(self.name, 6)
            if len(speeds) > 3 or (len(speeds) > 1 and chance.random() < 0.5):
                going = speeds.pop(chance.randrange(len(speeds)))
                wait_until(lambda: going.catches(signal.SIGTERM), 30, "it has begun", children=[going])  # noqa: B023
                going.kill() if chance.random() < 0.3 else self.assertEqual(going.stop(), 0, going.tail())
            else:
                speeds.append(self.job.speed())
        self.send_some(200)
        self.assert_all_served()
        self.publish()
        self.assert_all_served()

    # --- short of what the system gives ---

    def test_process_without_free_descriptors_waits_and_goes_on(self):
        self.start(2)
        speed = self.job.speed()
        self.send_some(500)
        self.assert_all_served()
        before = self.descriptors(speed)
        # The limit is on numbers, and a lower one may be free: none above those that a poll needs may be taken.
        subprocess.run(["prlimit", "--pid", str(speed.pid), "--nofile=3:4096"], check=True)
        self.redis.command("client", "kill", "type", "normal")
        self.send_some(500)
        wait_until(lambda: "reading stops" in speed.tail(), 60, "it says that it waits", children=[speed])
        self.assertLess(cpu_shares([speed], 3)[speed], 0.25, "it waits, and doesn't spin")
        subprocess.run(["prlimit", "--pid", str(speed.pid), "--nofile=4096:4096"], check=True)
        self.assert_all_served()
        few = lambda: self.descriptors(speed) <= before + 2  # noqa: E731
        wait_until(few, 60, f"it has about {before} descriptors again", children=[speed])

    @staticmethod
    def descriptors(child):
        return len(os.listdir(f"/proc/{child.pid}/fd"))

    def test_output_that_nobody_reads_or_that_is_full_stops_nothing(self):
        self.start(2)
        self.send_some(500)
        read, write = os.pipe()
        arguments = [BIN / "tidemark-speed", "run", "--config", self.job.path]
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=write, stderr=write)
        self.addCleanup(lambda: child.poll() is None and child.kill())
        os.close(write)
        os.close(read)  # from here on each line that it writes is a broken pipe
        self.assert_all_served()
        child.terminate()
        self.assertEqual(child.wait(PATIENCE), 0)
        with open("/dev/full", "wb") as disk:
            full = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=disk, stderr=disk)
            self.addCleanup(lambda: full.poll() is None and full.kill())
            self.send_some(500)
            self.assert_all_served()
            batch = [BIN / "tidemark-batch", "run", "--config", self.job.path]
            self.assertEqual(subprocess.run(batch, stdout=disk, stderr=disk, timeout=PATIENCE, check=False).returncode, 0)
            self.assert_all_served()
            full.terminate()
            self.assertEqual(full.wait(PATIENCE), 0)


class StartOrder(EndToEnd):
    """Each test has its Kafka stopped and started, so the class has one for itself."""

    def test_everything_down_at_the_start_is_waited_for_where_kafka_comes_first(self):
        self.start_in("kafka", "redis", "postgres")

    def test_everything_down_at_the_start_is_waited_for_where_kafka_comes_last(self):
        self.start_in("postgres", "redis", "kafka")

    def start_in(self, *order):
        self.servers(redis_started=False, postgres_started=False)
        self.simple_platform(self.topic(2))
        self.job.config["jobs"] = {"steady": {"schedule": "* * * * *"}}
        self.job.write()
        self.send(month(0, 500))
        self.kafka.stop()
        programs = [self.job.speed(), self.job.start_batch("schedule"), self.job.serving()]
        self.assertEqual(self.job.get("/livez").status, 200)
        self.assertEqual(self.job.get("/readyz").status, 503)
        for server in order:
            for program in programs:
                self.assertTrue(program.running(), program.tail())
            for program, used in cpu_shares(programs, 2).items():
                self.assertLess(used, 0.25, f"{program.name} waits, and doesn't spin")
            getattr(self, server).start()
        self.assert_all_served()
        wait_until(lambda: self.job.get("/readyz").status == 200, 60, "serving is ready", children=programs)
        scheduled = lambda: self.postgres.sql("select count(*) from tidemark.job") == "1"  # noqa: E731
        wait_until(scheduled, 60, "the scheduler knows when its job is due", children=programs)
        self.job.batch(expect=(0, 75))
        self.job.stop()


if __name__ == "__main__":
    unittest.main()
