# SPDX-License-Identifier: Apache-2.0
"""Redis loses what it had, comes back older, refuses writes, and doesn't answer: rows 2, 19 to 22, 24 to 31."""

import os
import signal
import subprocess
import unittest

from support.process import PATIENCE, Child, free_port, wait_until
from support.proxy import Proxy
from support.redis import Redis

from .faulty import Faulty, log_of

COMMIT, OPEN_EPOCH, INIT = b"_commit", b"_open_epoch", b"_init"


class LostReplies(Faulty):
    def test_commits_whose_replies_are_lost_count_once(self):
        """Row 2."""
        self.start()
        with self.watch():
            for how in ("reply", "reply", "before", "within"):
                cut = self.redis_proxy.cut_on(COMMIT, how)
                self.send_more(100)
                self.assertTrue(cut.wait(PATIENCE))
            self.assert_all_served()
        self.assert_recovered()

    def test_epoch_that_was_opened_without_an_answer_is_opened_once(self):
        """Row 2."""
        self.start()
        cut = self.redis_proxy.cut_on(OPEN_EPOCH)
        self.job.batch(expect=(69,))
        self.assertTrue(cut.is_set())
        self.send_more(100)
        self.assert_recovered()

    def test_slot_that_was_begun_without_an_answer_is_begun_once(self):
        """Row 2."""
        self.servers()
        cut = self.redis_proxy.cut_on(INIT, times=3)
        self.start_programs()
        self.send_more(200)
        self.assert_all_served()
        self.assertTrue(cut.is_set())
        self.assert_recovered()


class LostData(Faulty):
    def test_redis_killed_with_its_append_only_file_goes_on(self):
        """Row 19."""
        self.start(redis_persistent=True)
        with self.watch():
            for _ in range(2):
                self.send_more(200)
                self.redis.kill()
                self.redis.start()
                self.assert_all_served()
        self.assert_recovered()

    def test_redis_that_comes_back_older_is_read_on_from_what_it_says(self):
        """Rows 19 and 24: the tail of the append-only file is gone, as after a power cut."""
        # A member that the group took for dead would open its partitions by itself, and have nothing to find.
        self.kafka_properties = {**self.kafka_properties, "session.timeout.ms": 60000}
        self.start(redis_persistent=True)
        with self.watch():
            self.send_more(200)
            self.assert_all_served()
            self.redis.kill()
            file = self.append_only_file()
            os.truncate(file, file.stat().st_size - 1500)
            self.redis.start()
            # Found by looking, or by a commit that was on its way when Redis went.
            self.wait_for_log(self.speed, "opening it again", "reading again from what it says")
        self.assert_recovered()

    def test_half_a_commit_that_redis_takes_up_again_is_noticed(self):
        """Row 24: a file that was cut within a transaction keeps its first half, and Redis 7.0 counts that half into the
        next transaction when it loads the file once more."""
        self.start(redis_persistent=True)
        with self.watch():
            for _ in range(3):
                self.send_more(200)
                self.assert_all_served()
                self.redis.kill()
                file = self.append_only_file()
                os.truncate(file, file.stat().st_size - 1500)
                self.redis.start()
                self.assert_all_served()
        self.send_more(100)
        self.assert_recovered()
        self.job.stop()
        self.speed, self.serving = self.job.speed(), self.job.serving()
        self.assert_recovered()

    def test_redis_older_than_the_published_cut_is_rebuilt(self):
        """Rows 19 and 24: all of the append-only file's last part is gone, and the epoch that was opened with it."""
        self.start(redis_persistent=True)
        self.redis.kill()
        older = self.append_only_file().read_bytes()
        self.redis.start()
        self.send_more(200)
        self.assert_all_served()
        self.publish()
        with self.watch():
            self.redis.kill()
            self.append_only_file().write_bytes(older)
            self.redis.start()
            self.send_more(100)
            self.assert_all_served()
        self.assert_recovered()

    def append_only_file(self):
        return sorted(self.redis.folder.glob("appendonlydir/*.incr.aof"))[-1]

    def test_redis_that_refuses_its_damaged_file_is_waited_for(self):
        """Row 24: a byte in the middle is flipped. Redis doesn't start; redis-check-aof cuts the file there."""
        self.start(redis_persistent=True)
        self.redis.kill()
        file = self.append_only_file()
        data = bytearray(file.read_bytes())
        data[data.index(b"*", len(data) // 2)] ^= 0x55
        file.write_bytes(data)
        with self.watch():
            self.redis.start(wait=False)
            self.assertNotEqual(self.redis.child.end(30), 0)
            self.send_more(100)
            self.wait_for_log(self.speed, "reading stops until it is back")
            self.wait_for_log(self.serving, "Redis can't be read")
            self.assert_programs_run()
            fix = ["redis-check-aof", "--fix", file]
            subprocess.run(fix, input=b"y\n", capture_output=True, check=True)
            self.redis.start()
            self.assert_all_served()
        self.assert_recovered()

    def test_redis_restarted_without_its_data_is_rebuilt_and_answers_say_so(self):
        """Row 20."""
        self.start()
        with self.watch() as watch:
            self.speed.process.send_signal(signal.SIGSTOP)
            self.redis.kill()
            self.redis.start()
            wait_until(lambda: "rebuilding" in watch.missing(), 60, "answers say that it is rebuilt")
            self.speed.process.send_signal(signal.SIGCONT)
            self.send_more(200)
            self.assert_all_served()
        self.assert_recovered()

    def test_flushall_while_orders_stream_in_is_rebuilt(self):
        """Row 21."""
        self.start()
        with self.watch():
            for _ in range(3):
                self.send_more(150)
                self.redis.command("flushall")
                self.send_more(150)
            self.assert_all_served()
        self.assert_recovered()

    def test_zombie_that_commits_first_after_flushall_creates_nothing(self):
        """Row 22: first it is alone with an empty Redis, then another process has begun the slots anew."""
        self.start()
        for other in (False, True):
            zombie, owner = self.speed, None
            with self.watch():
                cut = self.redis_proxy.cut_on(COMMIT, "before", times=10**6)
                self.send_more(100)
                self.assertTrue(cut.wait(PATIENCE))
                zombie.process.send_signal(signal.SIGSTOP)  # with a commit that it hasn't been able to make
                self.redis_proxy.heal()
                self.redis.command("flushall")
                if other:
                    owner = self.speed = self.job.speed()
                    self.assert_all_served()
                zombie.process.send_signal(signal.SIGCONT)
                self.send_more(100)
                self.assert_all_served()
            self.assert_recovered()
            self.assertTrue(zombie.running(), zombie.tail())
        self.assertEqual(zombie.stop(), 0)
        self.send_more(100)
        self.assert_recovered()
        self.assertTrue(owner.running())

    def replica(self, port):
        replica = Redis(self.folder / "replica", options=["--replicaof", "127.0.0.1", port])
        self.addCleanup(replica.stop)
        self.wait_for_replica(replica)
        return replica

    def wait_for_replica(self, replica):
        wait_until(lambda: "master_link_status:up" in replica.command("info", "replication"), 60, "it replicates")

    def test_failover_to_a_replica_that_was_behind_loses_nothing(self):
        """Row 25."""
        self.start()
        link = Proxy(self.redis.port)
        self.addCleanup(link.stop)
        replica = self.replica(link.port)
        with self.watch():
            link.refuse()
            self.send_more(200)
            self.assert_all_served()
            self.redis.kill()
            accepted = self.redis_proxy.accepted
            self.redis_proxy.retarget(replica.port)
            wait_until(lambda: self.redis_proxy.accepted > accepted + 1, 60, "the programs ask the replica")
            replica.command("replicaof", "no", "one")
            self.send_more(100)
            self.assert_all_served()
        self.assert_recovered()

    def next_offsets(self, redis):
        """Up to where a Redis has read each partition."""
        keys = {p: self.job.slot_key(redis, p, "meta") for p in self.reader.ends(self.name)}
        return {p: int(redis.command("hget", key, "next")) for p, key in keys.items()}

    def ends(self):
        return {p: end for p, (_, end) in self.reader.ends(self.name).items()}

    def test_old_primary_that_comes_back_is_left_by_all(self):
        """Row 26: there are two primaries, and the programs are split between them: first the speed layer is at the old
        one, then the serving layer is. A batch run goes to the new one, which the old one must follow in the end."""
        self.start()
        old, new = self.redis, self.replica(self.redis.port)
        for who_moves in ("serving", "speed"):
            wait_until(lambda: self.next_offsets(new) == self.ends(), 60, "it has all")  # noqa: B023
            new.command("replicaof", "no", "one")
            self.redis_proxy.lead_new(new.port)
            child = getattr(self, who_moves)
            self.assertEqual(child.stop(), 0)
            if who_moves == "serving":
                self.serving = self.job.serving(ready=True)
            else:
                self.speed = self.job.speed()
            with self.watch():
                at = old if who_moves == "serving" else new
                self.send_more(200)
                wait_until(lambda: self.next_offsets(at) == self.ends(), 60, "it is read")  # noqa: B023
                self.job.batch(expect=(0, 75))
                old.command("replicaof", "127.0.0.1", new.port)
                self.wait_for_replica(old)
                self.assert_all_served()
            self.assert_recovered()
            old, new = new, old


class Refusals(Faulty):
    """Redis is there and says no: nothing is half-written, nothing is read meanwhile, and all goes on by itself."""

    def refused(self, begin, end, *messages):
        """Between `begin` and `end` commits fail with one of the messages, and nothing spins."""
        mark = len(log_of(self.speed))

        def said():
            self.send_more(50)
            return any(message in log_of(self.speed)[mark:] for message in messages)

        with self.watch():
            begin()
            wait_until(said, 60, f"a call fails: {messages}", children=[self.speed])
            self.assert_idle(self.speed, self.serving, seconds=1.0)
            self.assert_programs_run()
            end()
            self.send_more(50)
            self.assert_all_served()
        self.wait_for_log(self.speed, "commits go through again", since=mark)

    def configure(self, name, value):
        return lambda: self.redis.command("config", "set", name, value)

    def test_full_memory_is_waited_for(self):
        """Row 27."""
        self.start()
        self.refused(self.configure("maxmemory", "1"), self.configure("maxmemory", "0"), "its memory is full")
        self.assert_recovered()

    def test_batch_run_with_a_full_redis_says_so_and_publishes_later(self):
        """Row 27."""
        self.start()
        self.redis.command("config", "set", "maxmemory", "1")
        self.job.batch(expect=(69,))
        self.redis.command("config", "set", "maxmemory", "0")
        self.assert_recovered()

    def test_eviction_policy_that_is_changed_under_way_is_refused(self):
        """Row 28."""
        self.start()
        wrong = "its maxmemory-policy is allkeys-lru"
        policy = "maxmemory-policy"
        self.refused(self.configure(policy, "allkeys-lru"), self.configure(policy, "noeviction"), wrong)
        self.assertIn("error", next(line for line in log_of(self.speed).splitlines() if wrong in line).lower())
        self.assert_recovered()

    def test_redis_kept_busy_by_a_script_is_waited_for_and_the_script_left_alone(self):
        """Row 29."""
        self.start()
        self.redis.command("config", "set", "busy-reply-threshold", "100")
        loop = ["redis-cli", "-p", self.redis.port, "eval", "while true do end", "0"]

        def begin():
            self.script = Child("script", loop, self.folder / "script.log")

        def end():
            self.assertTrue(self.script.running())
            self.redis.command("script", "kill")
            self.script.end(30)

        self.refused(begin, end, "a script keeps it busy")
        self.assert_recovered()

    def test_full_disk_of_redis_is_waited_for(self):
        """Row 30: the append-only file is on a small file system."""
        small = self.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", small], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", small], check=True))
        self.start(redis_persistent=True, redis_folder=small / "redis")
        filler = small / "filler"

        def fill():
            with open(filler, "wb") as file, self.assertRaises(OSError):
                while True:
                    os.write(file.fileno(), bytes(4096))

        self.refused(fill, filler.unlink, "it can't save to disk")
        self.assert_recovered()

    def test_redis_that_is_loading_its_data_is_waited_for(self):
        """Row 31: LOADING."""
        self.start(redis_persistent=True)
        sets = "".join(f"set filler{number} x\n" for number in range(12_000))
        subprocess.run(["redis-cli", "-p", str(self.redis.port)], input=sets.encode(), capture_output=True, check=True)
        self.redis.options = ["--key-load-delay", "500"]  # microseconds; clients are heard every 1024 commands
        with self.watch():
            self.redis.kill()
            self.redis.start(wait=False)
            errors = lambda: self.redis.command("info", "errorstats")  # noqa: E731
            wait_until(lambda: "errorstat_LOADING" in errors(), 60, "the programs were told that it is loading")
            self.assert_programs_run()
            self.send_more(100)
            self.assert_all_served()
        self.assert_recovered()

    def test_replica_without_its_master_is_waited_for(self):
        """Row 31: MASTERDOWN, where it doesn't serve what may be old, and READONLY, which comes first for who writes."""
        self.start()
        replica = lambda: self.redis.command("replicaof", "127.0.0.1", "1")  # noqa: E731
        master = lambda: self.redis.command("replicaof", "no", "one")  # noqa: E731
        down, readonly = "it is a replica without its master", "it is a read-only replica"
        for stale, messages in (("no", (down, readonly)), ("yes", (readonly,))):
            self.redis.command("config", "set", "replica-serve-stale-data", stale)
            mark = len(log_of(self.serving))
            self.refused(replica, master, *messages)
            self.assertEqual(down in log_of(self.serving)[mark:], stale == "no")
        self.assert_recovered()

    def test_redis_with_too_few_replicas_is_waited_for(self):
        """Row 31: NOREPLICAS."""
        self.start()
        name = "min-replicas-to-write"
        self.refused(self.configure(name, "1"), self.configure(name, "0"), "it has too few replicas to write")
        self.assert_recovered()

    def test_cluster_that_is_down_is_waited_for(self):
        """Row 31: CLUSTERDOWN, until its slots are there."""
        self.servers(redis_started=False)
        self.redis.options = ["--cluster-enabled", "yes", "--cluster-port", free_port()]
        self.redis.start()
        self.start_programs()
        self.send_more(200)
        self.wait_for_log(self.speed, "the cluster is down")
        self.redis.command("cluster", "addslotsrange", "0", "16383")
        self.assert_recovered()


if __name__ == "__main__":
    unittest.main()
