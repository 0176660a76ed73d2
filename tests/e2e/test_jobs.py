# SPDX-License-Identifier: Apache-2.0
"""Jobs that follow each other on real servers, and the record of what was due and what became of it."""

import ast
import re
import unittest
from datetime import datetime, timedelta, timezone
from unittest import mock

from support.process import ROOT, wait_until
from support.tidemark import BIN, run_to_the_end, source, view

from .servers import EndToEnd, month

EXAMPLE = ROOT / "docs" / "examples" / "daily-revenue.yaml"
QUERY = """INSERT INTO analytics.daily_revenue SELECT date, SUM(amount), COUNT(*) FROM live.orders
 WHERE date = :date AND status <> 'cancelled' AND amount > 0 GROUP BY date"""
FINANCE = {
    "after": ["nightly"],
    "query": " ".join(QUERY.split()),
    "create": "CREATE TABLE analytics.daily_revenue (date date PRIMARY KEY, revenue numeric, orders bigint)",
    "replace": {"table": "analytics.daily_revenue", "where": "date = :date"},
    "catch_up": "7 days",
}
ORDERED = "order by 1"
GOLD = f"select date, orders, revenue from analytics.daily_revenue {ORDERED}"
SERVED = f"select window_start::date, order_count, total_revenue from view.daily_revenue {ORDERED}"


class Jobs(EndToEnd):
    def start(self, schedule):
        self.servers()
        self.simple_platform(self.topic())
        self.job.config["jobs"] = {"nightly": {"schedule": schedule}, "finance": FINANCE}
        self.job.write()
        self.job.serving()
        self.job.speed()

    def gold_is_what_is_served(self):
        there = self.postgres.sql("select to_regclass('analytics.daily_revenue') is not null") == "t"
        return there and self.postgres.sql(GOLD) == self.postgres.sql(SERVED) != ""

    def wait_for_gold(self, scheduler):
        wait_until(self.gold_is_what_is_served, 240, "the days are what is served", children=[scheduler])

    def listed(self):
        return self.job.get("/v1/runs").json["jobs"]

    def test_run_after_one_that_failed_is_skipped_until_that_is_run_by_hand(self):
        self.start("0 0 1 1 *")
        self.send(month(0, 200))
        self.assert_all_served()
        self.job.batch("run", "nightly")
        self.assertIn("wrote 1 rows", self.job_says("run", "finance", "--date", "2010-12-01"))
        self.postgres.sql("create or replace function no() returns trigger language plpgsql as "
                          "'begin raise exception ''not today''; end'")  # fmt: skip
        self.postgres.sql("create trigger no before insert or update or delete on tidemark.partition execute function no()")
        self.job.config["jobs"]["nightly"]["retries"] = 0
        self.job.write()
        scheduler = self.job.start_batch("schedule")
        wait_until(lambda: self.job.probe("tidemark-batch")[0] == 0, 60, "it works", children=[scheduler])
        self.send(month(200, 200))
        # A job follows those that come due after it was first seen.
        seen = "select followed_at is not null from tidemark.job where name = 'finance'"
        wait_until(lambda: self.postgres.sql(seen) == "t", 60, "it has looked", children=[scheduler])
        self.postgres.sql("update tidemark.job set due_at = now() + interval '1 second' where name = 'nightly'")
        state = lambda job: self.postgres.sql(  # noqa: E731
            f"select state from tidemark.job_run where job = '{job}' and not by_hand order by id desc limit 1"
        )
        wait_until(lambda: state("finance") == "skipped", 90, "it is skipped", children=[scheduler])
        self.assertEqual(state("nightly"), "failed")
        wait_until(lambda: any(r["state"] == "skipped" and r["reason"] == "waits for nightly" for r in self.listed()), 60, "it is listed")
        self.postgres.sql("drop trigger no on tidemark.partition")
        self.job.batch("run", "nightly")
        self.wait_for_gold(scheduler)
        self.assertEqual(scheduler.stop(), 0)

    def test_week_without_a_schedule_is_one_right_row_a_day(self):
        self.servers()
        finance = {name: value for name, value in FINANCE.items() if name != "after"}
        self.name = self.topic(1)
        self.job = self.platform(
            {"orders": source(self.name, speed="none")}, {"daily_revenue": view("orders")},
            jobs={"finance": {**finance, "schedule": "@daily"}},
        )  # fmt: skip
        midnight = datetime.now(timezone.utc).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        orders = month(0, 90)
        for number, order in enumerate(orders):
            order["timestamp"] = midnight - timedelta(days=1 + number % 9, seconds=-number)
        self.send([*orders, *({**order, "status": "cancelled"} for order in orders[::4])])
        self.job.batch("run")
        scheduler = self.job.start_batch("schedule")
        seen = "select due_at is not null from tidemark.job where name = 'finance'"
        wait_until(lambda: self.postgres.sql(seen) == "t", 60, "it was seen", children=[scheduler])
        scheduler.kill()
        self.postgres.sql(f"update tidemark.job set due_at = '{midnight - timedelta(days=7)}+00' where name = 'finance'")
        there = "select to_regclass('analytics.daily_revenue') is not null"
        days = f"select count(*) from analytics.daily_revenue where date >= '{midnight - timedelta(days=7)}'"
        rows = lambda: int(self.postgres.sql(days)) if self.postgres.sql(there) == "t" else 0  # noqa: E731
        for count in (1, 4, 7):
            scheduler = self.job.start_batch("schedule")
            wait_until(lambda: rows() >= count, 120, f"{count} days are there", children=[scheduler], every=0.01)  # noqa: B023
            scheduler.kill()
        of_the_week = f"where window_start::date in (select date from analytics.daily_revenue) {ORDERED}"
        self.assertEqual(self.postgres.sql(GOLD), self.postgres.sql(SERVED.replace(ORDERED, of_the_week)))

    def job_says(self, *arguments):
        child = self.job.start_batch(*arguments)
        self.assertEqual(child.end(60), 0, child.tail())
        return child.log.read_text()


class Examples(unittest.TestCase):
    def test_the_example_is_taken_as_it_stands(self):
        code, said = run_to_the_end([BIN / "tidemark-batch", "--check-config", "--config", EXAMPLE])
        self.assertEqual(code, 0, said)

    def test_the_dag_of_airflow_runs_each_job_on_the_day_of_its_interval(self):
        """By stand-ins for the two classes of Airflow that it uses: Airflow itself is no dependency of the tests."""
        path = ROOT / "docs" / "examples" / "airflow_dag.py"
        airflow, tasks = mock.MagicMock(), {}

        def operator(task_id, bash_command):
            tasks[task_id] = bash_command
            return mock.MagicMock()

        airflow.operators.bash.BashOperator = operator
        modules = {"airflow": airflow, "airflow.operators": airflow.operators, "airflow.operators.bash": airflow.operators.bash}
        with mock.patch.dict("sys.modules", modules):
            exec(compile(ast.parse(path.read_text()), str(path), "exec"), {})
        self.assertEqual(list(tasks), ["nightly", "finance", "daily_summary"])
        self.assertTrue(all(re.match(r"tidemark-batch --config \S+ run \w+( --date \{\{.*\}\})?$", t) for t in tasks.values()))
