# SPDX-License-Identifier: Apache-2.0
"""The three programs under test: their configuration, their processes, and their public answers."""

import copy
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

from . import certificates, oracle
from .process import PATIENCE, ROOT, Child, Final, free_port, wait_until

BIN = Path(os.environ.get("TIDEMARK_BIN", ROOT / "build" / "bin"))
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
PAID = "status <> 'cancelled' and amount > 0"
REVENUE = {"order_count": "count", "total_revenue": "sum(amount)"}
SUMMARY = {
    "total_orders": "count",
    "total_revenue": "sum(amount)",
    "avg_order_value": "avg(amount)",
    "customers": "unique(customer_id)",
    "largest": "max(amount)",
}


def source(topic, **options):
    """A source of orders as in the configuration."""
    return {
        "topic": f"kafka://{topic}",
        "key": "order_id",
        "event_time": "timestamp",
        "on_duplicate": "replace",
        "dead_letter": f"kafka://{topic}-dead-letter",
        "fields": dict(oracle.ORDER_FIELDS),
        **options,
    }


def view(source_name, window="tumbling 1 day", measures=None, **options):
    return {"source": source_name, "where": PAID, "window": window, "measures": dict(measures or REVENUE), **options}


def oracle_view(definition, time_zone):
    """The oracle's view for a view of the configuration (with the condition that all our tests use)."""
    text = definition["window"].replace("_", " ")
    hopping = re.fullmatch(r"(?:hopping|sliding) ([0-9]+) (day|hour|minute)s? every ([0-9]+) (day|hour|minute)s?", text)
    session = re.fullmatch(r"session ([0-9]+) (second|minute)s?", text)
    tumbling = re.fullmatch(r"tumbling (1 (?P<unit>year|month|week|day|hour|minute)|[0-9]+ (hour|minute)s)", text)
    minutes = {"day": 1440, "hour": 60, "minute": 1}
    panes = 1
    if hopping:
        panes = int(hopping[1]) * minutes[hopping[2]] // (int(hopping[3]) * minutes[hopping[4]])
        window = hopping[4] if hopping[3] == "1" else f"{hopping[3]} {hopping[4]}"
    else:
        window = None if session else tumbling["unit"] or tumbling[1]
    measures = {}
    for name, text in definition["measures"].items():
        function, _, argument = text.partition("(")
        measures[name] = (function, argument.rstrip(")")) if argument else (function,)
    return oracle.View(
        window,
        definition.get("time_zone", time_zone),
        tuple(definition.get("dimensions", ())),
        measures,
        panes=panes,
        gap=int(session[1]) * {"second": 1, "minute": 60}[session[2]] if session else 0,
        watermark=60 * int(definition["watermark"].split()[0]) if "watermark" in definition else 0,
    )


def yaml(value, depth=0):
    """The configuration as YAML text: mappings, flow sequences and scalars are all that it needs."""
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            nested = isinstance(inner, dict)
            text = "\n" + yaml(inner, depth + 1) if nested else " " + yaml(inner) + "\n"
            lines.append("  " * depth + f"{key}:" + text)
        return "".join(lines)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    text = str(value)
    return text if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _./()-]*", text) else json.dumps(text)


def flow(value):
    """The same on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    return yaml(value)


class Answer:
    """One HTTP answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body, parse_float=Decimal)

    @property
    def provenance(self):
        """That alone, which stands last, for there may be many rows before it."""
        return json.loads(b"{" + self.body[self.body.rindex(b'"provenance":') :])["provenance"]

    @property
    def steady(self):
        """Without what moves although nothing that is answered does: the lag is unknown while nobody reads the log."""
        answer = self.json
        del answer["provenance"]["speed"]["lag"]
        return answer

    @property
    def complete(self):
        return self.status == 200 and self.provenance["complete"] is True

    @property
    def offsets(self):
        return {int(p): int(o) for p, o in self.provenance["speed"]["offsets"].items()}

    def rows(self, definition):
        """{(window start in seconds, *dimensions): {measure: value}}, as the oracle gives them."""
        return {row_key(row, definition): {m: row[m] for m in definition.measures} for row in self.json["rows"]}


def row_key(row, definition):
    start = (datetime.fromisoformat(row["window_start"]) - EPOCH) // timedelta(microseconds=1)
    return (oracle.moment(start), *(row[d] for d in definition.dimensions))


class Platform:
    """A configuration in a folder of its own, and the programs that run with it."""

    def __init__(
        self, folder, kafka_brokers, redis_url, postgres_url, sources, views, time_zone="UTC", port=None, **more
    ):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.port = port or free_port()
        self.config = {
            "time_zone": time_zone,
            "kafka": {"brokers": kafka_brokers, "group": self.folder.name},
            "redis": {"url": redis_url, "namespace": self.folder.name},
            "postgres": {"url": postgres_url},
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "speed": {"workers": 1},
            "sources": copy.deepcopy(sources),
            "views": copy.deepcopy(views),
            **more,
        }
        self.children, self.started, self.env = [], 0, None
        self.context = None  # of TLS, once http.tls is configured
        self.bin = BIN  # another build's where that is compared
        self.write()

    @classmethod
    def beside(cls, other, folder):
        """Another process' place, with the configuration that `other` has now but for where it listens."""
        platform = cls(folder, None, None, None, {}, {})
        http = {**other.config["http"], "listen": platform.config["http"]["listen"]}
        platform.config = {**copy.deepcopy(other.config), "http": http}
        platform.write()
        return platform

    @property
    def path(self):
        return self.folder / "tidemark.yaml"

    def write(self):
        """Writes the configuration as it now is."""
        self.path.write_text(yaml(self.config))

    def oracle_view(self, name):
        return oracle_view(self.config["views"][name], self.config["time_zone"])

    def slot_key(self, redis, partition, name):
        """The key of that name of a slot of the source `orders`, which has one definition alone; None where there is no
        slot."""
        tag = f"{self.folder.name}:{{orders/{partition}}}:"
        metas = redis.command("keys", f"{tag}*:meta").split()
        return metas[0].removesuffix("meta") + name if metas else None

    # --- processes ---

    def environment(self, env=None):
        """What a program is started with: its sockets are in the folder of the configuration."""
        return {**(env or self.env or os.environ), "RUNTIME_DIRECTORY": str(self.folder)}

    def probe(self, program, *command):
        """What `program probe` says of the one that runs, or of the one that runs `command`: (exit code, its output)."""
        return run_to_the_end([self.bin / program, "probe", *command, "--config", self.path], env=self.environment())

    def _start(self, program, *arguments, crash_at=None, env=None):
        """`crash_at` names a crash point: see common/base/crash.h."""
        self.started += 1
        name = f"{program}-{self.started}"
        env = self.environment(env)
        if crash_at:
            env["TIDEMARK_CRASH_AT"] = crash_at
        child = Child(name, [self.bin / program, *arguments, "--config", self.path], self.folder / f"{name}.log", env=env)
        self.children.append(child)
        return child

    def speed(self, *options, crash_at=None):
        return self._start("tidemark-speed", "run", *options, crash_at=crash_at)

    def serving(self, ready=False):
        """`ready`: it has read both stores, so that every view is answered."""
        child = self._start("tidemark-serving", "run")
        wait_until(lambda: self.get("/livez").status == 200, 30, "serving is alive", children=[child])
        if ready:
            wait_until(lambda: self.get("/readyz").status == 200, 60, "serving is ready", children=[child])
        return child

    def start_batch(self, *arguments, crash_at=None, env=None):
        return self._start("tidemark-batch", *(arguments or ["run"]), crash_at=crash_at, env=env)

    def emit(self, *options, crash_at=None):
        return self._start("tidemark-serving", "emit", *options, crash_at=crash_at)

    def emit_once(self, *options, expect=0, within=PATIENCE):
        """Emits once; returns the child, which has ended with this exit code."""
        child = self.emit("--once", *options)
        code = child.end(within)
        if code != expect:
            raise Final(f"tidemark-serving emit --once ended with {code}\n{child.tail()}")
        return child

    def batch(self, *arguments, expect=(0,), within=180):
        """One run of tidemark-batch; returns its exit code. One that isn't expected is an error, inside a wait too."""
        child = self.start_batch(*arguments)
        code = child.end(within)
        if code not in expect:
            raise Final(f"tidemark-batch ended with {code}\n{child.tail()}")
        return code

    def stop(self):
        """Ends all programs with TERM. Each must end with 0."""
        for child in self.children:
            if child.running():
                code = child.stop()
                assert code == 0, f"{child.name} ended with {code} after TERM\n{child.tail()}"

    def kill(self):
        for child in self.children:
            if child.running():
                child.kill()

    def logs(self):
        return "\n".join(child.tail(2000) for child in self.children)

    # --- answers ---

    def encrypt(self):
        """Has http.tls name a new certificate; whoever is running shows it once it reads its files again."""
        self.config["http"]["tls"] = certificates.write_pair(self.folder)
        self.context = certificates.trusting(self.config["http"]["tls"])
        self.write()

    def connection(self):
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def get(self, path, headers=None):
        connection = self.connection()
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def status(self):
        """What /v1/status says of the only source."""
        [source] = self.get("/v1/status").json["sources"]
        return source

    def partitions(self):
        """{number: what /v1/status says of that partition of the only source}"""
        return {int(number): state for number, state in self.status()["partitions"].items()}

    def alarms(self):
        """{number of a partition: its alarm or None}"""
        return {number: state["alarm"] for number, state in self.partitions().items()}

    def view(self, name, **parameters):
        query = urlencode({"limit": 100_000, **parameters})
        return self.get(f"/v1/views/{name}?{query}")

    def wait_for(self, name, condition, what, within=120):
        """Asks for a view until its answer fulfils the condition; returns that answer."""
        last = None

        def asked():
            nonlocal last
            last = self.view(name)
            return last if last.status == 200 and condition(last) else None

        try:
            return wait_until(asked, within, f"{name}: {what}", children=[c for c in self.children if c.running()])
        except AssertionError as error:
            got = last and (last.json["provenance"] if last.status == 200 else last.body[:1000])
            raise AssertionError(f"{error}\nthe last answer: {got}") from None

    def wait_complete_at(self, name, ends, within=120):
        """A complete answer that has read up to the ends of all partitions."""

        def there(answer):
            return answer.complete and all(answer.offsets.get(p, 0) >= end for p, end in ends.items())

        return self.wait_for(name, there, f"complete up to {ends}", within)


def run_to_the_end(arguments, within=PATIENCE, env=None):
    """Runs a program; returns (exit code, its output)."""
    done = subprocess.run(
        [str(a) for a in arguments], capture_output=True, text=True, timeout=within, stdin=subprocess.DEVNULL, env=env
    )
    return done.returncode, done.stdout + done.stderr


def differences(expected, actual, most=5):
    """A few of the rows in which two views differ, as text; empty where they are the same to the digit."""

    def texts(row):
        return row and {measure: str(value) for measure, value in row.items()}

    keys = [key for key in expected.keys() | actual.keys() if texts(expected.get(key)) != texts(actual.get(key))]
    keys.sort(key=repr)
    different = [f"{key}: expected {expected.get(key)}, served {actual.get(key)}" for key in keys]
    return "\n".join([f"{len(different)} rows differ", *different[:most]]) if different else ""


class Folder:
    """A temporary folder that servers of other users can reach into; removed by remove() unless KEEP is set."""

    def __init__(self, name):
        self.path = Path(tempfile.mkdtemp(prefix=f"tidemark-{name}-"))
        self.path.chmod(0o711)

    def __truediv__(self, name):
        return self.path / name

    def remove(self):
        if os.environ.get("KEEP"):
            print(f"kept: {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)
