# SPDX-License-Identifier: Apache-2.0
"""A log that no speed layer reads: it never came, it ended, or it is frozen. Each run looks for 15 seconds, so the cases
share a platform and follow each other."""

import signal
import unittest

from support.process import wait_until

from .servers import EndToEnd, month


class SpeedLayerThatIsAway(EndToEnd):
    def ends(self):
        self.reader.into(self.log, self.name)
        return {partition: end for partition, (_, end) in self.reader.ends(self.name).items() if end}

    def assert_served_from_the_cut(self):
        """The batch view alone is the answer, complete at the ends of the log."""
        ends = self.ends()
        answer = self.job.wait_complete_at("daily_revenue", ends)
        self.assertEqual(answer.offsets, ends)
        self.assertEqual({int(p): cut for p, cut in answer.json["provenance"]["batch"]["cut"].items() if cut}, ends)
        self.assert_answer(self.job, "daily_revenue", answer, self.log)
        self.assertEqual(self.job.get("/readyz").status, 200)

    def assert_says_that_nobody_reads(self, messages):
        def says():
            unread = self.job.get("/v1/status").json["sources"][0]["unread"]
            return unread == {"partitions": 4, "messages": messages}

        wait_until(says, 120, f"status says that {messages} messages wait and nobody reads them")
        self.assertEqual(self.job.view("daily_revenue").json["provenance"]["speed"]["lag"], messages)
        metrics = self.job.get("/metrics").body.decode()
        self.assertIn('tidemark_serving_partitions_unread{source="orders"} 4\n', metrics)
        self.assertIn(f'tidemark_serving_unread_messages{{source="orders"}} {messages}\n', metrics)
        self.assertEqual(self.job.get("/readyz").status, 200)

    def take_what_nobody_reads(self):
        run = self.job.start_batch()
        self.assertEqual(run.end(120), 0, run.tail())
        self.assertIn("nobody reads its log: 4 of 4 partitions", run.tail())
        self.assert_served_from_the_cut()

    def test_runs_take_what_nobody_reads_and_the_speed_layer_goes_on_behind_them(self):
        self.servers()
        self.simple_platform(self.topic())
        self.job.serving()
        with self.subTest("it never came"):
            self.send(month(0, 300))
            self.assert_says_that_nobody_reads(300)
            self.take_what_nobody_reads()
            self.assertEqual(self.job.batch("verify"), 0)
            run = self.job.start_batch()
            self.assertEqual(run.end(120), 0, run.tail())
            self.assertIn("nothing new since epoch 1", run.tail())
        with self.subTest("it ended"):
            speed = self.job.speed()
            self.send(month(300, 200))
            self.assert_all_served()
            self.assertEqual(speed.stop(), 0)
            self.send(month(500, 500))
            self.take_what_nobody_reads()
            self.send(month(1000, 10))
            self.assert_says_that_nobody_reads(10)
        with self.subTest("it is frozen, and wakes up behind the cut"):
            speed = self.job.speed()
            self.send(month(1010, 200))
            self.assert_all_served()
            speed.process.send_signal(signal.SIGSTOP)
            self.send(month(1210, 300))
            self.take_what_nobody_reads()
            self.send(month(1510, 100))
            speed.process.send_signal(signal.SIGCONT)
            self.assert_all_served()
            self.job.batch()
            self.assert_all_served()
            self.assertEqual(self.job.batch("verify"), 0)
        self.job.stop()


if __name__ == "__main__":
    unittest.main()
