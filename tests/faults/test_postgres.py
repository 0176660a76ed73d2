# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL restarts, loses connections, fills its disk, waits for locks and changes under the programs: rows 32 to 39."""

import contextlib
import itertools
import os
import signal
import subprocess
import unittest

from support.postgres import Postgres
from support.process import Child, wait_until

from .faulty import Faulty, log_of


class PostgresFaults(Faulty):
    def assert_master_dataset_is_whole(self):
        """Each offset of the topic once, as far as it was ingested. (The topics here hold no control records.)"""
        rows = self.sql(
            "select p.partition, p.ingested, (select count(*) from raw.orders where tm_partition = p.partition), "
            "(select count(distinct tm_offset) from raw.orders where tm_partition = p.partition) "
            "from tidemark.partition p where source = 'orders'"
        )
        self.assertTrue(rows)
        for row in rows.splitlines():
            _, ingested, count, distinct = map(int, row.split("|"))
            self.assertEqual((count, distinct), (ingested, ingested), rows)

    def assert_recovered(self):
        super().assert_recovered()
        self.assert_master_dataset_is_whole()

    def wait_for_no_run(self):
        """A run that has ended holds its lock until the server has seen that it is gone."""
        left = "application_name like 'tidemark-batch%' and datname = current_database()"
        gone = lambda: self.sql(f"select count(*) from pg_stat_activity where {left}") == "0"  # noqa: E731
        wait_until(gone, 60, "the sessions of runs are gone")

    def psql(self, statements, name="psql"):
        """A session that runs these statements and stays; it ends with the test."""
        command = ["psql", "-X", "-h", "127.0.0.1", "-p", self.postgres.port, "-U", "tidemark", "-d", self.database]
        session = Child(name, [*command, "-c", statements], self.folder / f"{name}.log")
        self.addCleanup(lambda: session.running() and session.kill())
        return session


class Connections(PostgresFaults):
    def copying(self):
        return self.sql("select pid from pg_stat_activity where state = 'active' and query like 'copy raw%'")

    def test_restart_in_the_midst_of_a_copy_rolls_the_batch_back(self):
        """Row 32: a fast restart, an immediate one, and one backend killed, each while COPY goes slowly."""
        self.start()

        def fast(_):
            self.postgres.stop()
            self.postgres.start()

        def immediate(_):
            self.postgres.kill()
            self.postgres.start()

        def killed(pid):
            os.kill(pid, signal.SIGKILL)

        with self.watch():
            for restart in (fast, immediate, killed):
                self.send_more(400)
                self.assert_all_served()
                self.postgres_proxy.set("up", drip=(500, 0.1))
                batch = self.job.start_batch()
                pid = wait_until(self.copying, 60, "a COPY is under way", every=0.01, children=[batch])
                restart(int(pid))
                self.postgres_proxy.heal()
                self.assertEqual(batch.end(60), 69, batch.tail())
                wait_until(lambda: self.sql("select 1") == "1", 60, "PostgreSQL answers")
                self.assert_master_dataset_is_whole()
                self.publish()
                self.assert_master_dataset_is_whole()
        self.assert_recovered()

    def test_commit_whose_answer_is_lost_is_asked_after(self):
        """Row 33: one after the other, each commit of a batch run loses its answer, then itself."""
        self.start(partitions=2)
        codes = []
        for how in ("reply", "before"):
            for number in range(20):
                self.send_more(60)
                self.assert_all_served()
                self.postgres_proxy.heal()
                self.wait_for_no_run()
                cut = self.postgres_proxy.cut_on(b"commit\0", how, skip=number)
                with self.watch():
                    codes.append(self.job.batch(expect=(0, 69)))
                self.assert_master_dataset_is_whole()
                if not cut.is_set():
                    break
            self.assertFalse(cut.is_set())
        self.assertIn(69, codes)
        self.assertIn(0, codes)
        self.postgres_proxy.heal()
        self.assert_recovered()

    def test_server_without_room_for_connections_is_waited_for(self):
        """Row 37: 53300."""
        self.start_as_a_role()
        self.sql("alter role app connection limit 0")
        with self.watch():
            self.end_sessions()
            self.send_more(100)
            self.job.batch(expect=(69,))
            self.assert_all_served()  # real time goes on
            self.assert_idle(self.speed, self.serving, seconds=1.0)
        self.sql("alter role app connection limit -1")
        self.assert_recovered()

    def test_password_that_is_refused_ends_a_batch_run_and_is_an_alarm_for_the_others(self):
        """Row 37: 28P01, with a changed password and with a role that is gone."""
        self.start_as_a_role()
        for change, back in (
            ("alter role app password 'other'", "alter role app password 'secret'"),
            ("alter role app rename to gone", "alter role gone rename to app"),
        ):
            marks = {child: len(log_of(child)) for child in (self.speed, self.serving)}
            with self.watch():
                self.sql(change)
                self.end_sessions()
                self.send_more(100)
                self.assertIn("password authentication failed", self.refused_batch())
                for child, mark in marks.items():
                    self.wait_for_log(child, "password authentication failed", since=mark)
                    line = next(line for line in log_of(child)[mark:].splitlines() if "password authen" in line)
                    self.assertIn("error", line.lower())
                    self.assertNotIn("secret", log_of(child))
                self.assertEqual(self.speed.stop(), 0)
                self.speed = self.job.speed()  # it goes on with slots that are its own
                self.assert_all_served()
                self.wait_for_log(self.speed, "going on without what is published")
                marks = {child: len(log_of(child)) for child in (self.speed, self.serving)}
                self.sql(back)
                for child, mark in marks.items():
                    self.wait_for_log(child, "PostgreSQL answers again", since=mark)
            self.assert_recovered()

    def refused_batch(self):
        batch = self.job.start_batch()
        self.assertEqual(batch.end(60), 77, batch.tail())
        return log_of(batch)

    def end_sessions(self):
        self.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename in ('app', 'gone')")

    def start_as_a_role(self):
        """The programs log in as a role that is no superuser, with a password."""
        hba = self.postgres.data / "pg_hba.conf"
        if "app" not in hba.read_text():
            hba.write_text("host all app,gone 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
            self.postgres.sql("select pg_reload_conf()")
            self.postgres.sql("create role app login password 'secret'")
        self.addCleanup(lambda: self.postgres.sql("alter role app password 'secret' connection limit -1"))
        platform = self.platform

        def platform_of_the_role(*arguments, **more):
            job = platform(*arguments, **more)
            self.sql(f"grant all on database {self.database} to app")
            job.config["postgres"]["url"] = f"postgresql://app:secret@{self.postgres_proxy.address}/{self.database}"
            job.write()
            return job

        self.platform = platform_of_the_role
        self.start()


class Locks(PostgresFaults):
    def hold(self, table, name="holder"):
        self.psql(f"begin; lock table {table} in access exclusive mode; select pg_sleep(600)", name)
        held = f"select count(*) from pg_locks where granted and relation = '{table}'::regclass"
        wait_until(lambda: self.sql(f"{held} and mode = 'AccessExclusiveLock'") == "1", 30, f"{table} is locked")

    WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'tidemark-b%'"

    def waiting(self):
        return self.sql(self.WAITING) != "0"

    HOLDER = "from pg_stat_activity where query like 'begin; lock%' and datname = current_database()"

    def release(self):
        self.sql(f"select pg_terminate_backend(pid) {self.HOLDER}")

    def test_lock_that_is_held_too_long_is_given_up_with_the_name_of_its_holder(self):
        """Row 36."""
        self.start()
        with self.watch():
            self.hold_until_readers_name_the_holder()
            batch = self.job.start_batch()
            self.send_more(100)
            self.assert_all_served()  # real time goes on
            self.assertEqual(batch.end(90), 75, batch.tail())
            self.assertIn(self.named(), log_of(batch))
        self.release()
        self.assert_recovered()

    def named(self):
        pid = self.sql(f"select pid {self.HOLDER}")
        return f"the lock is held by psql (server process {pid})"

    def hold_until_readers_name_the_holder(self):
        """A reader says once why it waits, and by then it may not know yet for whom: then the lock is taken anew."""
        children, unnamed = (self.speed, self.serving), {self.speed, self.serving}
        for attempt in itertools.count():
            marks = {child: len(log_of(child)) for child in children}
            self.hold("tidemark.source", f"holder{attempt}")
            for child, mark in marks.items():
                self.wait_for_log(child, "lock timeout", since=mark)
            unnamed = {child for child in unnamed if self.named() not in log_of(child)[marks[child] :]}
            if not unnamed:
                return
            self.assertLess(attempt, 5, [child.tail() for child in unnamed])
            self.release()
            for child, mark in marks.items():
                self.wait_for_log(child, "PostgreSQL answers again", since=mark)

    def test_batch_run_that_waits_for_a_lock_ends_soon_after_term(self):
        """Row 36, and the end of a run in the midst of a statement: its session goes with it."""
        self.start()
        self.send_more(100)
        self.assert_all_served()
        self.hold('view."daily_revenue"')
        batch = self.job.start_batch()
        wait_until(self.waiting, 30, "the run waits for the lock", children=[batch])
        self.assertEqual(batch.stop(), 75, batch.tail())
        self.assertIn("stopped by a signal", log_of(batch), "it didn't wait for the lock's timeout")
        self.release()
        self.wait_for_no_run()
        self.assert_recovered()

    def test_killed_batch_run_leaves_no_lock_behind(self):
        """Row 36: it is killed while the server works for it."""
        self.start()
        self.send_more(100)
        self.assert_all_served()
        self.hold('view."daily_revenue"')
        batch = self.job.start_batch()
        wait_until(self.waiting, 30, "the run waits for the lock", children=[batch])
        batch.kill()
        wait_until(lambda: not self.waiting(), 30, "the server has noticed")
        self.release()
        self.assert_recovered()

    def test_deadlock_with_somebody_else_is_tried_again(self):
        """Row 35: 40P01."""
        self.start()
        self.send_more(100)
        self.assert_all_served()
        self.sql(f"alter database {self.database} set deadlock_timeout = '10s'")
        self.psql(
            'set deadlock_timeout = \'100s\'; begin; lock table view."daily_revenue"; '
            f"do $$ begin while ({self.WAITING}) = 0 loop perform pg_sleep(0.02), pg_stat_clear_snapshot(); "
            "end loop; end $$; select 1 from tidemark.source for update; commit"
        )
        held = "select count(*) from pg_locks where granted and mode = 'AccessExclusiveLock'"
        wait_until(lambda: self.sql(held) != "0", 30, "the view is locked")
        with self.watch():
            batch = self.job.start_batch()
            self.assertEqual(batch.end(60), 75, batch.tail())
            self.assertIn("deadlock detected", log_of(batch))
        self.assert_recovered()

    def test_two_runs_of_one_day_under_serializable_publish_once(self):
        """Row 35: 40001 may come of it; one runs, the other says so."""
        self.start()
        for level in ("serializable", "repeatable read"):
            self.sql(f"alter database {self.database} set default_transaction_isolation = '{level}'")
            self.send_more(100)
            self.assert_all_served()
            with self.watch():
                runs = [self.job.start_batch() for _ in range(3)]
                codes = [run.end(60) for run in runs]
                self.assertLessEqual(set(codes), {0, 75}, [run.tail() for run in runs])
                self.assertIn(0, codes)
        self.assert_recovered()


class Schema(PostgresFaults):
    def failing(self, statement, code, *words):
        """After `statement` a run ends with `code` and a message with these words."""
        self.sql(statement)
        batch = self.job.start_batch()
        self.assertEqual(batch.end(60), code, batch.tail())
        for word in words:
            self.assertIn(word, log_of(batch))

    def test_columns_that_somebody_dropped_or_changed_are_named(self):
        """Row 38."""
        self.start()
        self.send_more(100)
        self.assert_all_served()
        with self.watch():
            change = "drop view live.orders; alter table raw.orders alter quantity type numeric"
            self.failing(change, 78, "quantity", "numeric", "bigint")
            self.sql("alter table raw.orders alter quantity type bigint")
            self.failing("alter table raw.orders rename category to kind", 78, "raw.orders", "category")
            self.sql("alter table raw.orders rename kind to category")
            self.failing("alter table tidemark.current_orders rename amount to price", 78, "current_orders", "amount")
            self.sql("alter table tidemark.current_orders rename price to amount")
            self.failing('alter table view."daily_revenue" rename total_revenue to total', 78, "total_revenue")
            self.sql('alter table view."daily_revenue" rename total to total_revenue')
        self.assert_recovered()
        self.assertEqual(self.sql("select count(*) from live.orders where category is null"), "0")
        self.failing("alter table raw.orders drop column category cascade", 78, "raw.orders", "category", "dropped")

    def test_columns_that_somebody_added_do_no_harm(self):
        """Row 38."""
        self.start()
        for table in ("raw.orders", "tidemark.current_orders", 'view."daily_revenue"', "tidemark.source"):
            self.sql(f"alter table {table} add note text")
        self.send_more(100)
        self.assert_recovered()


class FullDisk(PostgresFaults):
    """A PostgreSQL of its own, on a small file system."""

    def servers(self, **options):
        super().servers(**options)
        small = self.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "none", small], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", small], check=True))
        settings = ["min_wal_size=2MB", "max_wal_size=8MB", "shared_buffers=16MB"]
        self.postgres = Postgres(small / "postgres", options=settings, initdb=["--wal-segsize=1"])
        self.addCleanup(self.postgres.stop)
        self.postgres_proxy.retarget(self.postgres.port)
        self.filler = small / "filler"

    def fill(self, leave):
        """Leaves so many bytes of room."""
        with open(self.filler, "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(65536))
            file.truncate(file.tell() - leave)

    def is_back(self):
        """It may be about to give up its recovery, and then doesn't come back by itself."""
        if not self.postgres.child.running():
            self.postgres.start()
        return self.sql("select 1") == "1"

    def test_full_disk_is_waited_for_and_publishes_all_or_nothing(self):
        """Row 34: with some room left a table can't grow (53100); with none the log can't, and the server goes down."""
        self.start()
        for leave in (1536 * 1024, 0):
            self.send_more(3000)
            self.assert_all_served()
            self.fill(leave)
            with self.watch():
                self.job.batch(expect=(69,))
                self.assert_programs_run()
                self.filler.unlink()
                wait_until(self.is_back, 120, "PostgreSQL answers")
                self.publish()
            self.assert_recovered()
        self.assertIn("No space left on device", (self.postgres.folder / "log").read_text())


if __name__ == "__main__":
    unittest.main()
