# SPDX-License-Identifier: Apache-2.0
"""A log that no speed layer reads: it never came, it ended, or it is frozen. Each run looks for 15 seconds, so the cases
share a platform and follow each other."""

import json
import os
import signal
import unittest
from urllib.error import URLError
from urllib.request import urlopen

from support.kafka import Writer
from support.postgres import Postgres
from support.process import ROOT, Child, free_port, wait_until
from support.sinks import read_table
from support.tidemark import BIN, run_to_the_end

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

    def test_batch_alone_as_the_example_has_it(self):
        example = ROOT / "docs" / "examples" / "batch-alone.yaml"
        port = free_port()
        self.postgres = Postgres(self.folder / "postgres")
        self.addCleanup(self.postgres.stop)
        self.kafka.create("orders", 2)
        env = {
            **os.environ,
            "KAFKA_BROKERS": self.kafka.brokers,
            "POSTGRES_URL": self.postgres.url,
            "HTTP_LISTEN": f"127.0.0.1:{port}",
            "RUNTIME_DIRECTORY": str(self.folder),
        }
        writer = Writer(self.kafka.brokers)
        for number, amount in enumerate(("12.50", "7.25")):
            order = f'{{"order_id": "o{number}", "amount": {amount}, "timestamp": "2026-01-01T12:00:00Z"}}'
            writer.send("orders", b"o%d" % number, order.encode())
        writer.flush()
        code, output = run_to_the_end([BIN / "tidemark-batch", "run", "--config", example], env=env)
        self.assertEqual(code, 0, output)
        arguments = [BIN / "tidemark-serving", "run", "--config", example]
        serving = Child("serving", arguments, self.folder / "serving.log", env=env)
        self.addCleanup(serving.kill)

        def answer():
            try:
                with urlopen(f"http://127.0.0.1:{port}/v1/views/daily_revenue", timeout=30) as response:
                    return json.load(response)
            except URLError:
                return None

        got = wait_until(answer, 60, "it answers", children=[serving])
        self.assertEqual([(row["order_count"], row["total_revenue"]) for row in got["rows"]], [(2, 19.75)])
        self.assertTrue(got["provenance"]["complete"])

    def test_batch_alone_needs_no_redis_and_gets_real_time_by_deleting_a_line(self):
        self.servers(redis_started=False)
        self.simple_platform(self.topic(), speed="none")
        serving = self.job.serving()
        self.send(month(0, 300))
        self.assertEqual(self.job.batch("verify"), 0)  # nothing is published, and nobody is to read
        run = self.job.start_batch()
        self.assertEqual(run.end(120), 0, run.tail())
        self.assertNotIn("nobody reads", run.tail())
        self.assert_served_from_the_cut()
        self.assertEqual(self.job.batch("verify"), 0)
        status = self.job.start_batch("status")
        self.assertEqual(status.end(60), 0, status.tail())
        self.assertIn("epoch 1, published", status.tail())
        self.assertNotIn("alarm", status.tail())
        self.send(month(300, 50))
        self.job.wait_for(
            "daily_revenue", lambda answer: answer.json["provenance"]["speed"]["lag"] == 50, "lag counts what waits"
        )
        self.assertTrue(self.job.view("daily_revenue").complete)
        self.assertEqual(self.job.get("/v1/status").json["sources"][0]["unread"], {"partitions": 0, "messages": 0})
        speed = self.job.speed()
        self.assertEqual(speed.end(60), 78, speed.tail())
        self.assertIn("speed: none", speed.tail())
        with self.subTest("rows are emitted, and PostgreSQL says by whom"):
            redis = self.job.config.pop("redis")
            self.job.config["views"]["daily_revenue"]["emit"] = [{"to": "postgres://analytics.daily"}]
            self.job.write()
            self.job.emit_once()
            held = read_table(self.postgres, "analytics.daily")
            definition = self.job.oracle_view("daily_revenue")
            self.assertEqual(held.rows(definition), self.log.rows(definition, held.offsets))
            self.job.config["redis"] = redis
            self.job.write()
        with self.subTest("real time is added"):
            del self.job.config["sources"]["orders"]["speed"]
            self.job.write()
            self.redis.start()
            speed = self.job.speed()
            self.assertEqual(serving.stop(), 0)
            serving = self.job.serving()
            self.assert_all_served()
            self.send(month(350, 50))
            self.assert_all_served()
            self.job.batch()
            self.assert_all_served()
        with self.subTest("and taken away"):
            self.job.config["sources"]["orders"]["speed"] = "none"
            self.job.write()
            self.assertEqual(speed.stop(), 0)
            self.assertEqual(serving.stop(), 0)
            self.redis.stop()
            self.job.serving()
            self.send(month(400, 20))
            self.job.batch()
            self.assert_served_from_the_cut()


if __name__ == "__main__":
    unittest.main()
