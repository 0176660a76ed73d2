# SPDX-License-Identifier: Apache-2.0
"""Redis and PostgreSQL come late, go away, and lose what they had: the answers are marked, never wrong, and heal."""

import time
import unittest

from support.process import wait_until

from .servers import EndToEnd, month


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


if __name__ == "__main__":
    unittest.main()
