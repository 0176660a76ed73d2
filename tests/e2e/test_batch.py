# SPDX-License-Identifier: Apache-2.0
"""Batch runs beside each other, after nothing, after a changed definition; and what verify finds."""

import subprocess
import unittest

from support.process import Child, wait_until
from support.tidemark import BIN, view

from .servers import EndToEnd, month


class BatchRuns(EndToEnd):
    def start(self):
        self.servers()
        self.simple_platform(self.topic())
        self.job.serving()
        self.speed = self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()

    def epoch(self):
        return self.job.view("daily_revenue").json["provenance"]["batch"]["epoch"]

    def test_second_run_at_the_same_time_ends_with_75(self):
        self.start()
        self.job.batch()
        self.send(month(1000, 1000))
        self.assert_all_served()
        lock = 'begin; lock table view."daily_revenue" in access exclusive mode; select pg_sleep(600)'
        holder = Child("psql", ["psql", "-c", lock, self.postgres.url], self.folder / "psql.log")
        self.addCleanup(lambda: holder.running() and holder.kill())
        held = "select count(*) from pg_locks where granted and mode = 'AccessExclusiveLock'"
        wait_until(lambda: self.postgres.sql(held) != "0", 30, "the view is locked")
        first = self.job.start_batch()
        runs = "application_name like 'tidemark-b%' and wait_event_type = 'Lock'"
        waits = lambda: self.postgres.sql(f"select count(*) from pg_stat_activity where {runs}") != "0"  # noqa: E731
        wait_until(waits, 60, "the first run waits", children=[first])
        self.job.batch(expect=(75,), within=60)
        self.postgres.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'begin; lock%'")
        self.assertEqual(first.end(60), 0, first.tail())
        self.assert_all_served()

    def test_run_that_finds_nothing_new_changes_nothing(self):
        self.start()
        self.job.batch()
        explained = subprocess.run(
            [BIN / "tidemark-batch", "--config", self.job.path, "explain", "daily_revenue"],
            env=self.job.environment(), capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        shown = 'select window_start, window_end, order_count, total_revenue from view."daily_revenue" order by window_start'
        self.assertEqual(self.postgres.sql(explained), self.postgres.sql(shown))
        before = self.postgres.sql('select * from view."daily_revenue" order by window_start')
        self.job.batch()
        self.job.batch()
        self.assertEqual(self.postgres.sql('select * from view."daily_revenue" order by window_start'), before)
        self.assert_all_served()

    def test_runs_move_the_epoch_and_the_cut(self):
        self.start()
        self.assertEqual(self.epoch(), 0)
        self.job.batch()
        ends = {p: end for p, (_, end) in self.reader.ends(self.name).items()}
        answer = self.job.wait_for(
            "daily_revenue", lambda a: a.json["provenance"]["batch"]["epoch"] >= 1, "is published"
        )
        batch = answer.json["provenance"]["batch"]
        self.assertEqual({int(p): int(o) for p, o in batch["cut"].items()}, ends)
        self.assertTrue(batch["published_at"])

    def test_verify_accepts_what_is_right_and_finds_what_is_not(self):
        self.start()
        self.job.batch()
        self.assertEqual(self.job.batch("verify"), 0)
        self.postgres.sql('update view."daily_revenue" set order_count = order_count + 1, tm_count = tm_count + 1')
        self.job.batch("verify", expect=(65,))

    def test_changed_definition_is_missing_until_it_is_published(self):
        self.start()
        self.job.batch()
        self.send(month(1000, 500))
        self.assert_all_served()
        self.job.config["views"]["daily_revenue"] = view("orders", time_zone="Asia/Kolkata")
        self.job.write()
        serving = next(child for child in self.job.children if "serving" in child.name)
        self.assertEqual(serving.stop(), 0)
        self.job.serving(ready=True)
        answer = self.job.view("daily_revenue")
        self.assertFalse(answer.complete, answer.body[:1000])
        self.assertIn("definition", {m["reason"] for m in answer.json["provenance"]["missing"]})
        self.assertEqual(self.speed.stop(), 0)
        self.speed = self.job.speed()
        wait_until(lambda: self.job.batch(expect=(0, 75)) == 0, 120, "a batch run publishes", every=0.5)
        self.assert_all_served()
        self.send(month(1500, 500))
        self.assert_all_served()

    def test_runs_are_listed_newest_first(self):
        self.start()
        self.job.batch()
        self.send(month(1000, 500))
        self.assert_all_served()
        self.job.batch()
        listed = lambda: self.job.get("/v1/runs").json["sources"][0]["runs"]  # noqa: E731
        wait_until(lambda: listed() and (listed()[0]["epoch"], listed()[0]["outcome"]) == (2, "published"), 30, "the second run is listed")
        self.assertEqual([run["outcome"] for run in listed()], ["published", "published"])
        self.assertEqual([run["messages"] for run in listed()], [500, 1000])


if __name__ == "__main__":
    unittest.main()
