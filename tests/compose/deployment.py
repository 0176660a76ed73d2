# SPDX-License-Identifier: Apache-2.0
"""deploy/docker-compose.yml on the tests' engine, and the orders that are sent to it."""

import http.client
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from support import disorder, online_retail, oracle
from support.parquet_rows import summary_rows
from support.process import ROOT, free_port, wait_until
from support.tidemark import REVENUE, Answer, differences, oracle_view, view

PROJECT = "tidemark-test"
OURS = ("speed", "batch", "serving")
STORES = ("kafka", "postgres", "redis")
SUMMARY = {
    "total_orders": "count",
    "total_revenue": "sum(amount)",
    "avg_order_value": "avg(amount)",
    "customers": "unique(customer_id)",
    "largest": "max(amount)",
}
# As deploy/tidemark.yaml has them.
VIEWS = {
    "daily_revenue": view("orders", measures=REVENUE),
    "daily_summary": view("orders", measures=SUMMARY, dimensions=["category", "customer_segment"]),
}
# By what a layer of an image is known that has installed libraries: Debian's, and DuckDB's.
INSTALLED = ("apt-get", " in /usr/lib/tidemark")
MONTH = [ROOT / "tests" / "data" / "2010-12.csv.gz"]


class Deployment:
    def __init__(self, engine):
        self.engine, self.port, self.prometheus_port = engine, free_port(), free_port()
        self.configuration = engine.folder / "tidemark.yaml"
        self.configure((ROOT / "deploy" / "tidemark.yaml").read_text())
        self.env = {
            **engine.env,
            "TIDEMARK_PORT": str(self.port),
            "PROMETHEUS_PORT": str(self.prometheus_port),
            "TIDEMARK_CONFIG": str(self.configuration),
            "BUILD_NETWORK": "host",
            "NPM_REGISTRY": npm_registry(),
        }

    def configure(self, text):
        """In place, as an editor might: what is mounted is the file, not its name."""
        self.configuration.write_text(text)
        self.configuration.chmod(0o644)

    # --- docker-compose ---

    def compose(self, *arguments, check=True, within=600, **more):
        file = ROOT / "deploy" / "docker-compose.yml"
        command = ["docker-compose", "-p", PROJECT, "-f", file, *arguments]
        return self.engine.run(command, check=check, within=within, env={**self.env, **more})

    def containers(self, service):
        """Asked of Docker itself, which answers sooner than docker-compose."""
        labels = [f"project={PROJECT}", f"service={service}", "oneoff=False"]
        filters = [word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}")]
        return self.engine.docker("ps", "-aq", *filters).stdout.split()

    def container(self, service):
        [name] = self.containers(service)
        return name

    def inspect(self, container):
        return json.loads(self.engine.docker("inspect", container).stdout)[0]

    def restarts(self, service):
        """How often its container was started again."""
        return self.inspect(self.container(service))["RestartCount"]

    def states(self, services=OURS + STORES):
        """Of each container of these services: running and healthy, or how it is."""
        found = {}
        for service in services:
            for number, container in enumerate(self.containers(service)):
                state = self.inspect(container)["State"]
                found[f"{service} {number + 1}"] = state.get("Health", {}).get("Status", state["Status"])
        return found

    def wait_healthy(self, within=180):
        def healthy():
            states = self.states()
            return states if set(states.values()) == {"healthy"} and len(states) >= len(OURS + STORES) else None

        try:
            return wait_until(healthy, within, "all services are healthy", every=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.states()}\n{self.logs()}") from None

    def logs(self):
        return self.compose("logs", "--no-color", "--tail=40", check=False).stdout

    def execute(self, service, *command, user=None, **more):
        options = ["-u", user] if user else []
        return self.engine.docker("exec", *options, self.container(service), *command, **more)

    def sql(self, role, statement):
        """What PostgreSQL says to this role, which logs in over the network with its own password."""
        password = self.execute("postgres", "cat", f"/run/secrets/postgres/{role}").stdout.strip()
        url = f"postgresql://tidemark_{role}:{password}@postgres/tidemark"
        return self.execute("postgres", "psql", "-qAt", "--no-psqlrc", url, "-c", statement, check=False)

    def redis(self, role, *words):
        """What Redis says to this role."""
        password = self.execute(role, "cat", f"/run/secrets/{role}/redis").stdout.strip()
        command = ["redis-cli", "--no-auth-warning", "--user", role, "--pass", password, *words]
        return self.execute("redis", *command).stdout.strip()

    def kill(self, service):
        """As the kernel does where memory is short: nobody asked for it, so it is started again."""
        container = self.container(service)
        os.kill(self.inspect(container)["State"]["Pid"], signal.SIGKILL)
        return container

    def in_secrets(self, script):
        """What root does in the volume of the secrets."""
        options = ["--rm", "--network=none", "-v", f"{PROJECT}_secrets:/secrets", "-w", "/secrets", "--entrypoint", "sh"]
        self.engine.docker("run", *options, "tidemark-setup", "-euc", script)

    # --- answers ---

    def prometheus(self, path):
        answer = self.get(f"/api/v1/{path}", port=self.prometheus_port).json
        assert answer["status"] == "success", answer
        return answer["data"]

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def view(self, name):
        return self.get(f"/v1/views/{name}?{urlencode({'limit': 100_000})}")

    def batch_run(self):
        # 75: the scheduler's own run is at work, or a partition is just being taken over.
        def done():
            ran = self.execute("batch", "tidemark-batch", "run", check=False)
            if ran.returncode not in (0, 75):
                raise AssertionError(ran.stdout)
            return ran.returncode == 0

        wait_until(done, 120, "a batch run is done", every=0.5)

    def summaries(self):
        """Rows of the daily summaries in the lake, in the form of the oracle's."""
        copied = self.engine.folder / "gold"
        self.engine.docker("cp", f"{self.container('batch')}:/var/lib/tidemark/lake/gold/daily_summary", copied)
        try:
            return summary_rows(copied, VIEWS["daily_summary"]["dimensions"], SUMMARY)
        finally:
            shutil.rmtree(copied)

    def send(self, topic, messages):
        """Of keys and payloads; returns when all are delivered."""
        lines = b"".join(key + b"\t" + (payload or b"") + b"\n" for key, payload in messages)
        kcat = ["kcat", "-P", "-b", "kafka:9092", "-t", topic, "-K", r"\t", "-Z"]
        command = ["/usr/bin/docker", "exec", "-i", self.container("kafka"), *kcat]
        done = subprocess.run(command, input=lines, env=self.engine.env, capture_output=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"kcat: {done.stderr.decode(errors='replace')}")

    def epoch(self):
        return self.view("daily_revenue").json["provenance"]["batch"]["epoch"]


class Orders:
    """A month of a real shop, shifted so that it ends now; duplicates, corrections and broken messages among it."""

    def __init__(self, deployment, seed):
        self.deployment, self.sent = deployment, []
        orders = list(online_retail.orders(MONTH))
        now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
        by = now - timedelta(minutes=1) - orders[-1]["timestamp"]
        shifted = (online_retail.shifted(order, by) for order in orders)
        self.messages = disorder.disordered(random.Random(seed), shifted)

    def send(self, count):
        """Returns when all are delivered. An order's messages have its key, so that one partition has them in order."""
        chunk = list(itertools.islice(self.messages, count))
        self.deployment.send("orders", chunk)
        self.sent += [payload for _, payload in chunk]

    def recomputed(self):
        log, now_ms = oracle.Log(oracle.Source()), int(time.time() * 1000)
        for number, payload in enumerate(self.sent):
            log.append(0, oracle.Message(number, now_ms, payload or b""))
        return log

    def assert_served(self, within=120):
        """Waits until the answers have all that was sent: then they are what was sent, to the digit."""
        wait_until(lambda: self._has_all("daily_revenue"), within, f"complete with {len(self.sent)} messages", every=0.2)
        log = self.recomputed()
        for name, definition in VIEWS.items():
            answer = wait_until(lambda: self._has_all(name), within, f"{name} is complete", every=0.2)  # noqa: B023
            wanted = oracle_view(definition, "UTC")
            difference = differences(log.rows(wanted), answer.rows(wanted))
            if difference:
                raise AssertionError(f"{name}: {difference}")
        sources = self.deployment.get("/v1/ledger").json["sources"]
        [ledger] = [ledger for ledger in sources if ledger["name"] == "orders"]
        fates = log.fates()
        if not ledger["closed"] or any(ledger[fate] != count for fate, count in fates.items()):
            raise AssertionError(f"the ledger is {ledger}, and should be {fates}")

    def _has_all(self, name):
        answer = self.deployment.view(name)
        if answer.status != 200:
            raise AssertionError(f"{answer.status}: {answer.body[:300]}")
        if answer.complete and sum(answer.offsets.values()) == len(self.sent):
            return answer
        raise AssertionError(f"{answer.json['provenance']}")


def npm_registry():
    """Where this machine has npm's packages from."""
    npm = shutil.which("npm")
    asked = npm and subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, check=True).stdout
    return (asked or os.environ.get("NPM_CONFIG_REGISTRY") or "https://registry.npmjs.org").strip()


def read_secrets(deployment):
    """All passwords of the deployment."""
    command = ["cat /run/secrets/postgres/*"]
    found = deployment.execute("postgres", "sh", "-c", *command).stdout
    passwords = [found[at : at + 48] for at in range(0, len(found), 48)]
    for role in OURS:
        passwords.append(deployment.execute(role, "cat", f"/run/secrets/{role}/redis").stdout)
    return [password for password in passwords if len(password) == 48]


def image_sizes(engine, name):
    """Bytes of an image's own, and of what it is built on: base and installed libraries."""
    own = below = 0
    is_own = True
    history = engine.docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", name)
    for line in history.stdout.splitlines():
        size, _, command = line.partition(" ")
        is_own = is_own and not any(word in command for word in INSTALLED)
        own, below = (own + int(size), below) if is_own else (own, below + int(size))
    return own, below
