# SPDX-License-Identifier: Apache-2.0
"""Stream alone: a source with `batch: none`, without PostgreSQL. The cases share servers and follow each other."""

import json
import os
import unittest
from urllib.error import URLError
from urllib.request import urlopen

from support.kafka import Writer
from support.process import ROOT, Child, free_port, wait_until
from support.tidemark import BIN, run_to_the_end

from .servers import EndToEnd, month

YEARS = "3660 days"


class StreamAlone(EndToEnd):
    def test_the_example_as_it_stands(self):
        example = ROOT / "docs" / "examples" / "kappa.yaml"
        port = free_port()
        self.servers(postgres_started=False)
        self.kafka.create("orders", 2)
        env = {
            **os.environ,
            "KAFKA_BROKERS": self.kafka.brokers,
            "REDIS_URL": self.redis.url,
            "HTTP_LISTEN": f"127.0.0.1:{port}",
            "RUNTIME_DIRECTORY": str(self.folder),
        }
        writer = Writer(self.kafka.brokers)
        for number, amount in ((0, "12.50"), (1, "7.25"), (1, "8.25")):
            order = f'{{"order_id": "o{number}", "amount": {amount}, "timestamp": "2026-01-01T12:00:00Z"}}'
            writer.send("orders", b"o%d" % number, order.encode())
        writer.flush()
        for program in ("tidemark-speed", "tidemark-serving"):
            child = Child(program, [BIN / program, "run", "--config", example], self.folder / f"{program}.log", env=env)
            self.addCleanup(child.kill)

        def answer():
            try:
                with urlopen(f"http://127.0.0.1:{port}/v1/views/daily_revenue", timeout=30) as response:
                    got = json.load(response)
                    return got if got["provenance"]["complete"] and got["rows"] else None
            except URLError:
                return None

        got = wait_until(answer, 60, "it answers completely", children=[child])
        self.assertEqual([(row["order_count"], row["total_revenue"]) for row in got["rows"]], [(2, 20.75)])
        self.assertEqual(got["provenance"]["batch"], {"epoch": 0, "published_at": None, "cut": {}})
        self.assertEqual(got["provenance"]["speed"]["from"], {"0": 0, "1": 0})
        code, output = run_to_the_end([BIN / "tidemark-batch", "run", "--config", example], env=env)
        self.assertEqual(code, 78, output)
        self.assertIn("no source has a batch layer", output)

    def replay(self, *options):
        return self.job._start("tidemark-speed", "replay", *options)

    def test_it_is_replayed_beside_what_is_in_use(self):
        self.servers(postgres_started=False)
        self.simple_platform(self.topic())
        self.alone()
        self.restart()
        self.send(month(0, 2000))
        self.assert_all_served()
        incarnations = self.incarnations()
        with self.subTest("by the same file slots change places while orders flow"):
            replay = self.replay("--source", "orders")
            for first in range(2000, 2300, 50):
                self.send(month(first, 50))
            self.assertEqual(replay.end(120), 0, replay.tail())
            self.assert_all_served()
            self.assertFalse(set(incarnations) & set(self.incarnations()))
        with self.subTest("by another file they are there before its programs are"):
            self.job.config["views"]["daily_revenue"]["retention"] = "3650 days"
            self.job.write()
            replay = self.replay()
            self.assertEqual(replay.end(120), 0, replay.tail())
            self.assertIn("slots of this definition are built", replay.tail())
            self.restart()
            self.send(month(2300, 50))
            self.assert_all_served()
            self.assertNotIn("begins at offset", self.job.children[-2].tail(200))
        self.job.stop()

    def test_a_replay_that_was_killed_beside_nobody_is_begun_again(self):
        self.servers(postgres_started=False)
        self.simple_platform(self.topic(1))
        self.alone()
        self.job.write()
        self.send(month(0, 50))
        self.assertEqual(self.job.speed("--until-end").end(), 0)
        before = self.incarnations()
        killed = self.job._start("tidemark-speed", "replay", crash_at="after_init")
        self.assertNotEqual(killed.end(), 0)
        replay = self.replay()
        self.assertEqual(replay.end(), 0, replay.tail())
        [after] = self.incarnations()
        self.assertNotIn(after, before)

    def test_a_replay_keeps_dead_letters_of_what_nobody_has_read(self):
        self.servers(postgres_started=False)
        self.simple_platform(self.topic(1))
        self.alone()
        self.job.write()
        bad = lambda: self.send([{**month(0, 1)[0], "order_id": ""}])  # noqa: E731
        bad()
        self.assertEqual(self.job.speed("--until-end").end(), 0)
        bad()
        replay = self.replay()
        self.assertEqual(replay.end(), 0, replay.tail())
        self.assertEqual(self.job.speed("--until-end").end(), 0)
        letters = [message.key() for _, message in self.reader.read(f"{self.name}-dead-letter")]
        self.assertEqual(letters, [f"{self.name}/0/{offset}".encode() for offset in range(2)])

    def test_a_topic_that_has_grown_is_accepted_by_a_replay(self):
        self.servers(postgres_started=False)
        self.simple_platform(self.topic(1))
        self.alone()
        self.job.write()
        self.send(month(0, 50))
        self.job.serving()
        reasons = lambda answer: {m["reason"] for m in answer.json["provenance"]["missing"]}  # noqa: E731
        grown = lambda answer: reasons(answer) == {"repartitioned"}  # noqa: E731
        self.job.speed()
        self.assert_all_served()
        self.kafka.grow(self.name, 2)
        self.job.wait_for("daily_revenue", grown, "says that the topic has grown")
        for option in ((), ("--accept-partitions",)):
            replay = self.replay(*option)
            self.assertEqual(replay.end(), 0, replay.tail())
            if not option:
                self.assertTrue(grown(self.job.view("daily_revenue")), "a replay alone accepts nothing")
        self.send(month(50, 50))
        self.assert_all_served()

    def incarnations(self):
        """Of the slots that are in use."""
        keys = self.redis.command("keys", "*:meta").split()
        return [self.redis.command("hget", key, "incarnation") for key in keys]

    def lambda_again(self):
        del self.job.config["sources"]["orders"]["batch"]
        del self.job.config["views"]["daily_revenue"]["retention"]

    def alone(self):
        self.job.config["sources"]["orders"]["batch"] = "none"
        self.job.config["views"]["daily_revenue"]["retention"] = YEARS

    def restart(self):
        """All programs by the file as it now is."""
        self.job.stop()
        self.job.write()
        self.job.speed()
        self.job.serving()

    def test_it_is_exact_alone_gets_a_batch_layer_and_is_alone_again(self):
        self.servers(postgres_started=False)
        self.simple_platform(self.topic())
        self.alone()
        self.restart()
        self.send(month(0, 300))
        self.send({**order, "status": "cancelled"} for order in month(0, 40))
        self.assert_all_served()
        status = self.job.status()
        self.assertEqual((status["layers"], status["epoch"], status["published_at"]), (["speed"], None, None))
        ledger = self.job.get("/v1/ledger").json["sources"][0]
        self.assertTrue(ledger["closed"])
        self.assertEqual(ledger["views"][0]["expired"], 0)
        self.assertNotIn("tidemark_serving_epoch{", self.job.get("/metrics").body.decode())
        with self.subTest("Redis is emptied: all comes again from the topic"):
            self.redis.command("flushall")
            self.send(month(300, 50))
            self.assert_all_served()
        with self.subTest("a batch layer is added while orders flow"):
            self.postgres.start()
            self.lambda_again()
            self.restart()
            self.send(month(350, 50))
            self.assert_all_served()
            self.job.batch()
            self.send(month(400, 50))
            self.assert_all_served()
            self.assertEqual(self.job.status()["layers"], ["batch", "speed"])
            self.assertEqual(self.job.batch("verify"), 0)
        with self.subTest("and taken away"):
            self.postgres.stop()
            self.alone()
            self.restart()
            self.send(month(450, 50))
            self.send({**order, "status": "cancelled"} for order in month(100, 40))
            self.assert_all_served()
            self.assertEqual(self.job.view("daily_revenue").json["provenance"]["batch"]["epoch"], 0)
        self.job.stop()


if __name__ == "__main__":
    unittest.main()
