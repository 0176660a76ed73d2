# SPDX-License-Identifier: Apache-2.0
"""Redis and PostgreSQL come late, go away, and lose what they had: the answers are marked, never wrong, and heal."""

import time
import unittest
from datetime import datetime, timezone

from support.process import wait_until

from support import oracle
from support.tidemark import source, view

from .servers import EndToEnd, month


def oracle_day(text):
    """The start of a day in UTC, in seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


class Stores(EndToEnd):
    def start(self, **options):
        self.servers(**options)
        self.simple_platform(self.topic())

    def assert_older_or_incomplete(self):
        """Without a store there still are answers, and each that says it is complete is right for its offsets."""
        self.reader.into(self.log, self.name)
        for _ in range(30):
            answer = self.job.view("daily_revenue")
            self.assertEqual(answer.status, 200, answer.body[:500])
            if answer.complete:
                self.assert_answer(self.job, "daily_revenue", answer, self.log)
            else:
                self.assertTrue(answer.json["provenance"]["missing"])
            time.sleep(0.1)

    def test_redis_that_starts_last_is_waited_for(self):
        self.start(redis_started=False)
        self.send(month(0, 500))
        self.job.serving()
        speed = self.job.speed()
        self.assertEqual(self.job.get("/readyz").status, 503)
        wait_until(lambda: "waits: slot" in speed.tail(), 120, "it says what it waits for", children=[speed])
        self.assertTrue(speed.running(), speed.tail())
        self.redis.start()
        self.assert_all_served()

    def test_postgres_that_starts_last_is_waited_for(self):
        self.start(postgres_started=False)
        self.send(month(0, 500))
        speed = self.job.speed()
        self.job.serving()
        self.assertEqual(self.job.view("daily_revenue").status, 503)
        self.assertTrue(speed.running(), speed.tail())
        self.postgres.start()
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()

    def test_batch_run_says_that_a_store_is_down(self):
        self.start()
        self.send(month(0, 100))
        self.job.speed()
        self.job.serving()
        self.assert_all_served()
        self.postgres.stop()
        self.job.batch(expect=(69,))
        self.postgres.start()
        self.redis.stop()
        self.job.batch(expect=(69,))

    def test_redis_that_comes_back_empty_is_rebuilt_from_the_cut(self):
        self.start()
        self.job.serving()
        self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()
        self.job.batch()
        self.send(month(1000, 1000))
        self.assert_all_served()
        self.redis.kill()
        self.send(month(2000, 500))
        self.assert_older_or_incomplete()
        self.redis.start()
        self.assert_all_served()

    def test_flushall_under_running_processes_is_rebuilt(self):
        self.start()
        self.job.serving()
        self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()
        self.job.batch()
        for piece in range(3):
            self.send(month(1000 + 500 * piece, 500))
            self.assert_all_served()
            self.redis.command("flushall")
            self.send(month(3000 + 100 * piece, 100))
            self.assert_all_served()
        self.job.batch()
        self.assert_all_served()

    def test_redis_killed_with_its_append_only_file_loses_nothing(self):
        self.start(redis_persistent=True)
        self.job.serving()
        self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()
        self.job.batch()
        self.send(month(1000, 1000))
        self.redis.kill()
        self.redis.start()
        self.assert_all_served()

    def test_postgres_that_goes_away_makes_answers_older_not_wrong(self):
        self.start()
        self.job.serving()
        speed = self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()
        self.postgres.kill()
        self.send(month(1000, 500))
        self.assert_older_or_incomplete()
        self.assertTrue(speed.running(), speed.tail())
        self.postgres.start()
        self.assert_all_served()
        wait_until(lambda: self.job.batch(expect=(0, 69, 75)) == 0, 60, "a batch run publishes again")
        self.assert_all_served()

    def assert_range(self, name, log, days, **parameters):
        """The windows of these days, in pages, are the oracle's, and an answer that nobody waited for comes meanwhile."""
        first, last = days
        definition, got, cursor = self.job.oracle_view(name), {}, {}
        while cursor is not None:
            answer = self.job.view(name, **{"from": first, "to": last, **parameters, **cursor})
            self.assertEqual(answer.status, 200, answer.body[:500])
            self.assertTrue(answer.complete, answer.json["provenance"])
            got |= answer.rows(definition)
            cursor = {"cursor": answer.json["next"]} if answer.json["next"] else None
        expected = {
            key: row
            for key, row in log.rows(definition, answer.offsets).items()
            if oracle_day(first) <= key[0] < oracle_day(last)
        }
        self.assertTrue(expected)
        self.assertEqual(got, expected)
        return answer

    def test_windows_that_memory_does_not_hold_are_read_from_postgres(self):
        self.servers()
        topic = self.name = self.topic()
        log, reader = oracle.Log(oracle.Source()), self.kafka.reader()
        self.addCleanup(reader.close)
        measures = {"order_count": "count", "total_revenue": "sum(amount)", "customers": "unique(customer_id)"}
        views = {
            "by_minute": view("orders", "tumbling 1 minute", measures, dimensions=["order_id"]),
            "daily": view("orders", measures=measures),
        }
        self.job = self.platform({"orders": source(topic)}, views)
        self.job.config["http"] |= {"memory": "1 MiB", "threads": 1}
        self.job.write()
        self.job.speed()
        self.job.serving(ready=True)
        self.send(month(0, 12000))
        self.job.wait_complete_at("daily", {p: end for p, (_, end) in reader.ends(topic).items() if end})
        self.job.batch()
        orders = month(0, 12000)
        self.send([{**order, "status": "cancelled"} for order in orders[:40]] + month(12000, 20))
        reader.into(log, topic)
        ends = {p: end for p, (_, end) in reader.ends(topic).items() if end}
        self.job.wait_complete_at("daily", ends)
        days = ("2010-12-01", "2010-12-02")
        recent = self.job.get("/v1/views/by_minute?from=2010-12-31")
        self.assertEqual(recent.status, 200)
        answer = self.assert_range("by_minute", log, days)
        self.assert_range("by_minute", log, days, limit=100)
        again = self.job.get("/v1/views/by_minute?from=2010-12-01&to=2010-12-02", {"If-None-Match": answer.headers["ETag"]})
        self.assertIn(again.status, (200, 304))
        rolled = self.job.view("by_minute", **{"from": days[0], "to": days[1], "window": "1 hour", "group_by": ""})
        self.assertEqual(rolled.status, 200, rolled.body[:500])
        daily = log.rows(self.job.oracle_view("daily"), rolled.offsets)[(oracle_day(days[0]),)]
        self.assertEqual(sum(row["order_count"] for row in rolled.json["rows"]), daily["order_count"])
        self.postgres.stop()
        refused = self.job.get("/v1/views/by_minute?from=2010-12-01&to=2010-12-02")
        self.assertEqual((refused.status, refused.headers.get("Retry-After")), (503, "5"), refused.body[:300])
        self.assertEqual(self.job.get("/v1/views/by_minute?from=2010-12-31").status, 200)
        self.postgres.start()
        self.assert_range("by_minute", log, days)


if __name__ == "__main__":
    unittest.main()
