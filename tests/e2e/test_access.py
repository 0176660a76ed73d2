# SPDX-License-Identifier: Apache-2.0
"""Servers that are there and don't let the programs do their work: each says so in a line that names it, and asks again
without a storm."""

import os
import re
import subprocess
import unittest
import urllib.error
import urllib.request
from types import SimpleNamespace

from support import online_retail
from support.kafka import Kafka, Writer
from support.postgres import Postgres
from support.process import Child, free_port, wait_until
from support.tidemark import BIN, Platform

from .servers import EndToEnd, month

SPEED = "+@hash +@list +@set +exists +unlink +function|load +ping +info +select +fcall"


class Access(EndToEnd):
    def start(self):
        self.servers()
        self.simple_platform(self.topic())

    def log_in_to_redis_as(self, user, password):
        self.job.config["redis"]["url"] = self.redis.url.replace("redis://", f"redis://{user}:{password}@")
        self.job.write()

    def wait_for_line(self, child, words):
        def line():
            lines = child.log.read_text().splitlines()
            return next((found for found in lines if all(word in found for word in words)), None)

        return wait_until(line, 60, f"{child.name} says {words}", children=[child])

    def assert_said_once(self, child, words, most):
        """Of so many partitions and workers: each says it when it begins, and then now and then."""
        said = [line for line in child.log.read_text().splitlines() if all(word in line for word in words)]
        self.assertLessEqual(len(said), most, child.tail())

    def test_redis_that_refuses_a_password_or_a_right_is_asked_again(self):
        self.start()
        for rules, password, words in (
            (f"reset on >right ~* {SPEED}", "wrong", ("it refuses this user and password",)),
            ("reset on >right ~* +ping +info +select +fcall", "right", ("its access control list doesn't allow this",)),
            (f"reset on >right ~elsewhere:* {SPEED}", "right", ("its access control list doesn't allow this",)),
        ):
            with self.subTest(rules=rules):
                self.redis.command("acl", "setuser", "app", *rules.split())
                self.log_in_to_redis_as("app", password)
                speed = self.job.speed()
                line = self.wait_for_line(speed, words)
                self.assertIn("error", line)
                code, said = self.job.probe("tidemark-speed")
                self.assertEqual(code, 1, said)
                self.assert_said_once(speed, words, 2 * 4)
                self.redis.command("acl", "setuser", "app", "resetpass", f">{password}", "~*", *SPEED.split())
                wait_until(lambda: self.job.probe("tidemark-speed")[0] == 0, 60, "it works", children=[speed])
                self.assertEqual(speed.stop(), 0)

    def test_role_without_a_right_ends_a_batch_run_with_a_line_that_names_it(self):
        self.start()
        self.job.speed()
        self.send(month(0, 100))
        self.postgres.sql("create role app login")
        self.job.config["postgres"]["url"] = self.postgres.url.replace("tidemark@", "app@")
        self.job.write()
        batch = self.job.start_batch()
        self.assertEqual(batch.end(60), 77, batch.tail())
        [line] = [line for line in batch.log.read_text().splitlines() if "error" in line.lower()]
        self.assertIn("permission denied for database tidemark", line)

    def test_schedule_whose_role_lacks_a_right_waits_for_it(self):
        self.start()
        self.postgres.sql("create role app login")
        self.job.config["postgres"]["url"] = self.postgres.url.replace("tidemark@", "app@")
        self.job.config["jobs"] = {"each_minute": {"schedule": "* * * * *"}}
        self.job.write()
        scheduler = self.job.start_batch("schedule")
        words = ("permission denied for database tidemark",)
        self.assertIn("error", self.wait_for_line(scheduler, words))
        wait_until(lambda: "permission denied" in self.job.probe("tidemark-batch")[1], 60, "the probe says it")
        self.postgres.sql("grant all on database tidemark to app")
        wait_until(lambda: self.job.probe("tidemark-batch")[0] == 0, 60, "it works", children=[scheduler])
        self.assert_said_once(scheduler, words, 1)
        self.assertEqual(scheduler.stop(), 0)

    def test_broker_whose_own_address_leads_nowhere_is_named(self):
        """As one that is told to call itself by a name for the outside."""
        inside, nowhere = free_port(), free_port()
        kafka = Kafka(self.folder / "kafka", proxy=SimpleNamespace(target_port=inside, port=nowhere))
        self.addCleanup(kafka.stop)
        kafka.create("orders", 1)
        self.servers()
        self.simple_platform(self.topic(create=False))
        self.job.config["kafka"]["brokers"] = f"127.0.0.1:{inside}"
        self.job.write()
        speed = self.job.speed()
        line = self.wait_for_line(speed, (f"127.0.0.1:{nowhere}",))
        self.assertTrue(re.search("refused|failed", line), line)
        self.assertEqual(self.job.probe("tidemark-speed")[0], 1)
        self.assertEqual(speed.stop(), 0)

    def test_second_deployment_on_the_same_redis_namespace_changes_nothing_and_is_told(self):
        """With a Kafka and a PostgreSQL of its own, and the topic of the same name."""
        self.start()
        self.job.speed()
        self.job.serving()
        self.send(month(0, 200))
        self.assert_all_served()
        kafka = Kafka(self.folder / "kafka")
        self.addCleanup(kafka.stop)
        kafka.create(self.name, 4)
        writer = Writer(kafka.brokers)
        for order in month(200, 100):
            writer.send(self.name, order["order_id"].encode(), online_retail.encode(order))
        writer.flush()
        postgres = Postgres(self.folder / "other-postgres")
        self.addCleanup(postgres.stop)
        sources, views = self.job.config["sources"], self.job.config["views"]
        other = Platform(self.folder / "other", kafka.brokers, self.redis.url, postgres.url, sources, views)
        self.addCleanup(other.kill)
        other.config["redis"]["namespace"] = self.job.config["redis"]["namespace"]
        other.write()
        speed = other.speed()
        words = ("was read from Kafka cluster",)
        self.assertIn("check kafka.brokers and redis.namespace", self.wait_for_line(speed, words))
        self.send(month(200, 200))
        self.assert_all_served()
        batch = other.start_batch()
        self.assertEqual(batch.end(60), 75, batch.tail())
        self.assertIn("its slot was read from another Kafka cluster", batch.tail())
        other.serving()
        wait_until(lambda: other.view("daily_revenue").status == 200, 60, "it is answered")
        answer = other.view("daily_revenue")
        self.assertEqual((answer.complete, answer.json["rows"]), (False, []))
        self.assert_said_once(speed, words, 2 * 4)
        self.assertEqual(speed.stop(), 0)
        self.assert_all_served()

    def small_disk(self):
        small = self.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "none", small], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", small], check=True))
        return small

    def fill(self, disk):
        with open(disk / "filler", "wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(bytes(4096))

    def make_read_only(self, disk):
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    def test_disk_that_takes_no_metrics_holds_up_no_batch_run(self):
        self.start()
        self.job.speed()
        disk = self.small_disk()
        path = disk / "batch.prom"
        self.job.config["batch"] = {"metrics_file": str(path)}
        self.job.write()
        for hinder, why in ((self.fill, "No space left on device"), (self.make_read_only, "Read-only file system")):
            with self.subTest(why):
                hinder(disk)
                self.send(month(0, 100))
                batch = self.job.start_batch()
                self.assertEqual(batch.end(), 0, batch.tail())
                [line] = [line for line in batch.log.read_text().splitlines() if "metrics" in line]
                self.assertIn(f"the metrics can't be written to {path}: {why}", line)
                self.assertEqual([found.name for found in disk.iterdir()], ["filler"])

    def test_runtime_folder_on_a_read_only_disk_is_named_and_holds_up_nothing(self):
        self.start()
        disk = self.small_disk()
        self.make_read_only(disk)
        command = [BIN / "tidemark-speed", "run", "--config", self.job.path]
        speed = Child("speed", command, self.folder / "speed.log", env={**os.environ, "RUNTIME_DIRECTORY": str(disk)})
        self.job.children.append(speed)
        line = self.wait_for_line(speed, ("without probes and metrics",))
        self.assertIn(f"can't write to the folder {disk}: Read-only file system", line)
        self.job.serving()
        self.send(month(0, 100))
        self.assert_all_served()
        self.assert_said_once(speed, ("without probes",), 1)
        self.assertEqual(speed.stop(), 0)

    def test_who_asks_over_http_shows_a_token(self):
        self.start()
        made = subprocess.run([BIN / "tidemark-serving", "token", "board"], capture_output=True, text=True, check=True)
        token = re.search(r"^tm_[0-9a-f]{64}$", made.stdout, re.M)[0]
        tokens = self.folder / "tokens.yaml"
        tokens.write_text(made.stdout.replace(token, "# (it was here)") + "  operator: true\n")
        metrics = free_port()
        self.job.config["http"] |= {"tokens_file": str(tokens), "metrics_listen": f"127.0.0.1:{metrics}"}
        self.job.write()
        serving = self.job.serving()

        def status(path, header=None, port=self.job.port):
            asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=header or {})
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        mine = {"Authorization": f"Bearer {token}"}
        wait_until(lambda: status("/readyz") == 200, 60, "serving is ready", children=[serving])
        for path in ("/v1/views", "/v1/views/daily_revenue", "/v1/status", "/metrics"):
            self.assertEqual((status(path), status(path, mine)), (401, 200), path)
        self.assertEqual(status(f"/v1/views?token={token}"), 401)
        self.assertEqual(status("/metrics", port=metrics), 200)
        self.assertEqual(status("/v1/views", mine, port=metrics), 404)
        tokens.write_text("board: { sha256: 1 }\n")
        self.wait_for_line(serving, ("the tokens stay as they were", "tokens.yaml:1:18"))
        self.assertEqual(status("/v1/views", mine), 200)
        tokens.write_text("{}\n")
        wait_until(lambda: status("/v1/views", mine) == 401, 60, "the token is gone", children=[serving])
        checked = subprocess.run([BIN / "tidemark-serving", "--check-config", "--config", self.job.path],
                                 capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        tokens.write_text("board: { sha256: 1 }\n")
        checked = subprocess.run([BIN / "tidemark-serving", "--check-config", "--config", self.job.path],
                                 capture_output=True, text=True)
        self.assertEqual(checked.returncode, 78, checked.stderr)


if __name__ == "__main__":
    unittest.main()
