# SPDX-License-Identifier: Apache-2.0
"""What deploy/ holds for others' programs: Prometheus, Grafana, Redis, docker-compose."""

import json
import os
import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.process import Child, wait_until

ROOT = Path(__file__).resolve().parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
METRIC = r"\btidemark_\w+"


def metrics():
    """Of the manual, with those that a histogram has."""
    manual = (ROOT / "docs" / "metrics.md").read_text()
    names = set(re.findall(rf"`({METRIC})` \|", manual))
    for name in re.findall(rf"`({METRIC})` \| histogram", manual):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in MONITORING.glob("grafana/dashboards/*.json")}


class Monitoring(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus_takes_its_configuration(self):
        self.promtool("check", "config", "prometheus.yml")

    def test_each_alert_comes_when_it_must_and_no_other(self):
        self.promtool("test", "rules", "alerts_test.yml")

    def test_alerts_and_dashboards_name_metrics_that_there_are(self):
        known = metrics()
        self.assertGreater(len(known), 40)
        texts = {"alerts.yml": (MONITORING / "alerts.yml").read_text()}
        for name, dashboard in dashboards().items():
            expressions = [target.get("expr", "") for panel in dashboard["panels"] for target in panel["targets"]]
            texts[name] = "\n".join(expressions)
        for name, text in texts.items():
            self.assertLessEqual(set(re.findall(METRIC, text)), known, name)

    def test_each_alert_is_in_the_manual(self):
        manual = (ROOT / "docs" / "operations.md").read_text()
        for alert in re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text()):
            self.assertIn(f"`{alert}`", manual)

    def test_dashboards_are_what_grafana_reads(self):
        sources = set(re.findall(r"^    uid: (\S+)", (MONITORING / "grafana/datasources/tidemark.yaml").read_text(), re.M))
        self.assertEqual(len(sources), 3)
        self.assertEqual(set(dashboards()), {"operations.json", "revenue.json"})
        for name, dashboard in dashboards().items():
            self.assertTrue({"uid", "title", "panels", "schemaVersion", "time"} <= set(dashboard), name)
            numbers = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(numbers), len(set(numbers)), name)
            taken = set()
            for panel in dashboard["panels"]:
                self.assertIn(panel["type"], ("stat", "timeseries", "table"))
                self.assertIn(panel["datasource"]["uid"], sources)
                at = panel["gridPos"]
                places = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                self.assertLessEqual(at["x"] + at["w"], 24)
                self.assertFalse(places & taken, f"{name}: {panel['title']} lies on another")
                taken |= places


COMMIT = """#!lua name=commit
redis.register_function('commit', function(keys)
    redis.call('hset', keys[1], 'b', '1')
    return redis.call('hset', keys[2], 'd', '2')
end)"""


class Users(unittest.TestCase):
    """A Redis with the users that deploy/compose/make-secrets makes."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.secrets, self.socket = self.folder / "secrets", self.folder / "socket"
        self.secrets.mkdir()
        self.make_secrets()

    def make_secrets(self):
        """Without other owners of the files, which only root can give them."""
        owners = self.folder / "bin" / "chown"
        owners.parent.mkdir(exist_ok=True)
        owners.write_text("#!/bin/sh\n")
        owners.chmod(0o755)
        env = {**os.environ, "SECRETS": str(self.secrets), "PATH": f"{owners.parent}:{os.environ['PATH']}"}
        subprocess.run([ROOT / "deploy" / "compose" / "make-secrets"], env=env, check=True)

    def start(self):
        command = ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--aclfile", self.secrets / "redis" / "users.acl"]
        redis = Child("redis", command, self.folder / "log")
        self.addCleanup(lambda: redis.running() and redis.stop(signal.SIGKILL))
        wait_until(lambda: self.health().returncode == 0, 60, "Redis answers", children=[redis])
        return redis

    def asked(self, *words, given=""):
        command = ["redis-cli", "-e", "-s", self.socket, "--no-auth-warning", *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)

    def asked_as(self, user, *words, **more):
        password = (self.secrets / user / "redis").read_text()
        return self.asked("--user", user, "--pass", password, *words, **more)

    def health(self):
        """As the health check of docker-compose.yml does it."""
        words = re.search(r'"redis-cli", (.*"ping")', (ROOT / "deploy" / "docker-compose.yml").read_text())[1]
        return self.asked(*json.loads(f"[{words}]"))

    def test_transactions_outlive_a_restart(self):
        """Redis replays them as its default user."""
        redis = self.start()
        self.asked_as("speed", "function", "load", COMMIT)
        self.assertEqual(self.asked_as("speed", "fcall", "commit", "2", "tidemark:a", "tidemark:c").returncode, 0)
        redis.kill()
        redis = self.start()
        self.assertEqual(self.asked_as("speed", "hget", "tidemark:c", "d").stdout, "2\n", redis.tail())

    def test_nobody_may_more_than_a_sign_of_life_without_a_password(self):
        self.start()
        self.assertEqual(self.health().stdout, "PONG\n")
        for words, answer in (
            (("ping",), "NOAUTH"),
            (("--user", "default", "--pass", "", "ping"), "NOAUTH"),
            (("--user", "health", "--pass", "none", "hget", "tidemark:a", "b"), "NOPERM"),
            (("--user", "health", "--pass", "none", "acl", "list"), "NOPERM"),
        ):
            with self.subTest(words=words):
                done = self.asked(*words)
                self.assertRegex(done.stdout + done.stderr, answer)
                self.assertNotEqual(done.returncode, 0)

    def test_who_emits_writes_its_hashes_and_leases_and_no_slot(self):
        self.start()
        for words in (
            ("set", "tidemark:emit:redis://live-metrics/revenue", "x", "nx", "get", "px", "5000"),
            ("pexpire", "tidemark:emit:redis://live-metrics/revenue", "5000"),
            ("hset", "live-metrics:revenue", "a", "1"),
            ("hscan", "live-metrics:revenue", "0"),
            ("type", "live-metrics:revenue"),
            ("watch", "live-metrics:revenue"),
            ("hget", "tidemark:{orders/0}:meta", "x"),
        ):
            with self.subTest(words=words):
                done = self.asked_as("emit", *words)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in (("hset", "tidemark:{orders/0}:meta", "a", "1"), ("unlink", "tidemark:x"), ("hset", "x", "a", "1")):
            with self.subTest(words=words):
                done = self.asked_as("emit", *words)
                self.assertRegex(done.stdout + done.stderr, "NOPERM")
        transaction = self.asked_as("emit", given="multi\nhset live-metrics:revenue b 2\nexec\n")
        self.assertEqual(transaction.stdout.split(), ["OK", "QUEUED", "1"])

    def test_passwords_stay_and_users_are_made_anew(self):
        before = self.passwords()
        self.assertEqual(len(set(before.values())), 11)
        users = self.secrets / "redis" / "users.acl"
        text = users.read_text()
        users.chmod(0o600)
        users.write_text("user default on nopass -@all\n")
        self.make_secrets()
        self.assertEqual(self.passwords(), before)
        self.assertEqual(users.read_text(), text)

    def passwords(self):
        return {path: path.read_text() for path in self.secrets.glob("*/*") if path.name != "users.acl"}


class Variables(unittest.TestCase):
    def test_each_variable_of_docker_compose_is_in_the_example_with_its_default(self):
        used = set(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "deploy" / "docker-compose.yml").read_text()))
        shown = set(re.findall(r"^#(\w+)=(.*)$", (ROOT / "deploy" / ".env.example").read_text(), re.MULTILINE))
        self.assertEqual(used, shown)


if __name__ == "__main__":
    unittest.main()
