# SPDX-License-Identifier: Apache-2.0
"""Two schedulers, runs that were missed, days of 23 and 25 hours, and a wall clock that jumps: rows 39 and 40. The wall
clock is ours."""

import itertools
import unittest
from datetime import datetime, timedelta

from support.process import wait_until
from support.wall_clock import WallClock

from .faulty import Faulty, after_failure, month

HOUR, DAY = 3600, 86400
_numbers = itertools.count(1)


class Schedule(Faulty):
    def clock(self):
        return WallClock(self.folder / f"clock{next(_numbers)}")

    def start_in(self, zone, schedule, clock=None):
        """With a clock, all programs go by it."""
        self.servers()
        self.simple_platform(self.topic())
        self.job.env = clock and clock.env
        self.job.config["time_zone"] = zone
        self.job.config["jobs"] = {"daily": {"schedule": schedule}}
        self.job.write()
        self.speed, self.serving, self.sent = self.job.speed(), self.job.serving(), 0

    def schedulers(self, at, count=1):
        """Scheduling processes, for which it is now the time `at`."""
        clocks = [self.clock() for _ in range(count)]
        for clock in clocks:
            clock.set(at)
        return [self.job.start_batch("schedule", env=clock.env) for clock in clocks]

    def due(self):
        """When the job is due next, in UTC."""
        return datetime.fromisoformat(self.sql("select due_at at time zone 'UTC' from tidemark.job"))

    def runs(self):
        """How the runs of the job stand, in the order in which they came due."""
        return self.sql("select state from tidemark.job_run order by due_at, id").splitlines()

    def outcomes(self):
        return self.sql("select outcome from tidemark.run order by id").splitlines()

    def send_days(self, first, last):
        """An order each half hour."""
        orders, at = [], first
        for order in month(0, int((last - first) / timedelta(minutes=30))):
            name = f"{order['order_id']}-{at:%Y%m%d}"
            orders.append({**order, "order_id": name, "timestamp": at, "updated_at": at})
            at += timedelta(minutes=30)
        self.send(orders)

    def walk(self, zone, schedule, days):
        """Each time some minutes late the job that is due is run, and that makes the next of `days` due."""
        days = [datetime.fromisoformat(day) for day in days]
        self.start_in(zone, schedule)
        self.job.batch("ingest")  # the database is there
        self.sql(f"insert into tidemark.job values ('daily', '{days[0]}Z')")
        before = days[0] - timedelta(days=1)
        for number, (now, then) in enumerate(zip(days, days[1:]), 1):
            self.send_days(before, now)
            self.assert_all_served()
            [process] = self.schedulers(now + timedelta(minutes=7))
            wait_until(lambda: self.runs() == ["done"] * number, 60, "the job was run", children=[process])  # noqa: B023
            self.assertEqual(self.due(), then)
            self.assertEqual(process.stop(), 0)
            before = now
        self.assertEqual(self.outcomes().count("published"), len(days) - 1)
        self.assert_recovered()

    def test_day_of_23_hours_is_run_once_and_is_exact(self):
        """Row 39: 01:30 doesn't exist in Lisbon on 30 March 2025; the clock jumps at 01:00 UTC."""
        days = ["2025-03-29T01:30:00", "2025-03-30T01:00:00", "2025-03-31T00:30:00", "2025-04-01T00:30:00"]
        self.walk("Europe/Lisbon", "30 1 * * *", days)

    def test_day_of_25_hours_is_run_once_and_is_exact(self):
        """Row 39: 01:30 comes twice in New York on 2 November 2025."""
        days = ["2025-11-01T05:30:00", "2025-11-02T05:30:00", "2025-11-03T06:30:00", "2025-11-04T06:30:00"]
        self.walk("America/New_York", "30 1 * * *", days)

    def test_runs_that_were_missed_for_days_are_made_up_for_once(self):
        """Row 39."""
        self.start_in("UTC", "0 2 * * *")
        self.send_more(200)
        self.assert_all_served()
        self.job.batch()
        self.send_more(200)
        self.assert_all_served()
        self.sql("insert into tidemark.job values ('daily', '2025-02-01T02:00:00Z')")
        [process] = self.schedulers(datetime.fromisoformat("2025-02-08T12:00:00"))
        wait_until(lambda: self.runs() == ["done"], 60, "the job was run", children=[process])
        self.assertEqual(self.due(), datetime.fromisoformat("2025-02-09T02:00:00"))
        self.assertEqual(self.outcomes(), ["published", "published"])
        self.assertEqual(process.stop(), 0)
        self.assert_recovered()

    def test_two_schedulers_publish_once(self):
        """Row 39: both find the job due at the same moment."""
        self.start_in("UTC", "0 2 * * *")
        self.send_more(200)
        self.assert_all_served()
        self.job.batch("ingest")  # the database is there
        self.sql("insert into tidemark.job values ('daily', '2025-02-01T02:00:00Z')")
        now = datetime.fromisoformat("2025-02-01T03:00:00")
        self.postgres_proxy.set("both", delay=0.3)  # a run takes seconds: the other finds the job due too
        both = self.schedulers(now, 2)
        for process in both:
            self.wait_for_log(process, "metrics at")
        wait_until(lambda: self.runs() == ["done"], 120, "the job was run", children=both)
        self.postgres_proxy.heal()
        self.assertEqual(self.outcomes().count("published"), 1)
        begun = [process for process in both if "job daily begins" in process.tail()]
        self.assertEqual(len(begun), 1, "the other one leaves it alone")
        for process in both:
            self.assertEqual(process.stop(), 0)
        self.assert_recovered()

    # --- row 40 ---

    def test_wall_clock_that_jumps_changes_no_figure_and_stops_nothing(self):
        """Row 40: by an hour, by a day, to 1970, 2038 and 2200 and back, for all programs at once, which then stop and
        start; jobs come due by the clock that is."""
        clock = self.clock()
        self.start_in("UTC", "* * * * *", clock)
        schedule = self.job.start_batch("schedule")
        self.send_more(300)
        self.assert_all_served()
        self.publish()
        for jump in (HOUR, -HOUR, DAY, -DAY, datetime(1970, 1, 1), datetime(2038, 1, 19, 3, 14), datetime(2200, 1, 1)):
            with self.subTest(jump=jump), after_failure(self.start_again), self.watch():
                clock.set(jump) if isinstance(jump, datetime) else clock.jump(jump)
                self.send_more(100)
                self.assert_all_served()
                self.publish()
                self.assertEqual(self.speed.stop(), 0)
                self.speed = self.job.speed()
                self.send_more(100)
                self.assert_all_served()
                self.assertTrue(schedule.running())
        wait_until(lambda: self.due().year == 2200, 120, "the job was run in 2200", children=[schedule])
        self.redis.command("flushall")  # slots are begun in 2200
        self.send_more(100)
        self.assert_all_served()
        clock.jump(0)
        self.assertEqual(self.speed.stop(), 0)
        self.job.config["sources"]["orders"]["horizon"] = "3 hours"  # a definition that is set by a clock of before 2200
        self.job.write()
        self.speed = self.job.speed()
        self.send_more(100)
        before = len(self.outcomes())
        wait_until(lambda: len(self.outcomes()) > before, 120, "the job comes due by the clock", children=[schedule])
        self.assertEqual(schedule.stop(), 0)
        self.serving.stop()
        self.serving = self.job.serving()
        self.assert_recovered()


if __name__ == "__main__":
    unittest.main()
