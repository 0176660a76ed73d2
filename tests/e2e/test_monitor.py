# SPDX-License-Identifier: Apache-2.0
"""What operators and their machines see of the programs: probes and metrics."""

import os
import random
import re
import signal
import socket
import subprocess
import unittest
from http.client import HTTPConnection

from support import detector as fraud
from support.kafka import Writer
from support.process import free_port, wait_until
from support.sinks import read_hash

from .servers import EndToEnd, month

PROGRAMS = ("tidemark-speed", "tidemark-batch", "tidemark-serving")
STAYING = (
    ("tidemark-speed", "run"),
    ("tidemark-batch", "schedule"),
    ("tidemark-serving", "run"),
    ("tidemark-serving", "emit"),
)
SINK = "redis://live/revenue"


class UnixConnection(HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def value(text, name, **labels):
    """The value of the one series of this metric that has these labels, as text; None where there is none."""
    found = []
    for line in text.splitlines():
        series = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if series and series[1] == name:
            has = dict(re.findall(r'(\w+)="([^"]*)"', series[2] or ""))
            if all(has.get(label) == wanted for label, wanted in labels.items()):
                found.append(series[3])
    assert len(found) < 2, found
    return found[0] if found else None


class Monitor(EndToEnd):
    def start(self):
        self.servers()
        self.simple_platform(self.topic())
        self.speed_port, self.emit_port = free_port(), free_port()
        self.job.config["speed"].update({"listen": f"127.0.0.1:{self.speed_port}"})
        self.job.config["emit"] = {"listen": f"127.0.0.1:{self.emit_port}"}
        self.job.config["views"]["daily_revenue"]["emit"] = [{"to": SINK, "every": "20 ms"}]
        self.job.config["jobs"] = {"each_minute": {"schedule": "* * * * *"}}
        self.job.config["batch"] = {"metrics_file": str(self.job.folder / "batch.prom")}
        self.job.write()

    def metrics(self, connection):
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            return response.read().decode()
        finally:
            connection.close()

    def metrics_of_speed(self):
        return self.metrics(HTTPConnection("127.0.0.1", self.speed_port, timeout=30))

    def metrics_of_emit(self):
        return self.metrics(HTTPConnection("127.0.0.1", self.emit_port, timeout=30))

    def of_sink(self, name):
        """A metric of the sink, as a number."""
        return float(value(self.metrics_of_emit(), f"tidemark_sink_{name}", view="daily_revenue", sink=SINK))

    def metrics_of_batch(self):
        [path] = self.job.folder.glob("tidemark-batch-*.sock")
        return self.metrics(UnixConnection(str(path)))

    def assert_clean(self, text):
        """Prometheus takes it, and finds nothing to say of its names and units."""
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def wait_for_probe(self, program, code, words):
        wait_until(
            lambda: (lambda said: said[0] == code and words in said[1])(self.job.probe(program)),
            60,
            f"{program} probe ends with {code} and says {words!r}",
            children=self.job.children,
        )

    def test_probes_say_who_does_his_work_and_why_not(self):
        self.start()
        for program in PROGRAMS:
            code, said = self.job.probe(program)
            self.assertEqual(code, 1, said)
            self.assertEqual(len(said.splitlines()), 1, said)
        speed, serving, scheduler = self.job.speed(), self.job.serving(), self.job.start_batch("schedule")
        self.send(month(0, 500))
        for program in PROGRAMS:
            self.wait_for_probe(program, 0, "")
        self.redis.stop()
        self.wait_for_probe("tidemark-speed", 1, "the real-time store takes no commits")
        self.redis.start()
        self.wait_for_probe("tidemark-speed", 0, "")
        serving.process.send_signal(signal.SIGSTOP)
        self.wait_for_probe("tidemark-serving", 1, "it listens and doesn't answer")
        serving.process.send_signal(signal.SIGCONT)
        self.wait_for_probe("tidemark-serving", 0, "")
        for child in (speed, scheduler):
            child.kill()
        self.wait_for_probe("tidemark-speed", 1, "nobody answers")
        self.wait_for_probe("tidemark-batch", 1, "no process of this configuration is running")

    def add_a_detector(self):
        topic = f"{self.name}-transactions"
        self.kafka.create(topic, 4)
        self.job.config["sources"]["transactions"] = fraud.source(topic)
        self.job.config["detectors"] = {"fraud": fraud.detector(f"{topic}-alerts", **{"from": "beginning"})}
        self.job.write()
        writer = Writer(self.kafka.brokers)
        for one in fraud.transactions(random.Random(7), 300):
            writer.send(topic, one["customer_id"].encode(), fraud.encode(one))
        writer.flush()

    def judged(self):
        return value(self.metrics_of_speed(), "tidemark_detector_judged_total", detector="fraud")

    def lag(self):
        return value(self.metrics_of_speed(), "tidemark_speed_lag_messages", source="orders", partition="0")

    def test_metrics_of_all_programs_are_what_happened(self):
        self.start()
        self.add_a_detector()
        self.job.speed()
        self.job.serving()
        self.send(month(0, 500))
        self.assert_all_served()
        self.job.batch()
        self.job.start_batch("schedule")
        self.wait_for_probe("tidemark-batch", 0, "")
        wait_until(lambda: self.judged() == "300", 60, "all transactions are judged")
        speed, batch = self.metrics_of_speed(), self.metrics_of_batch()
        left = (self.job.folder / "batch.prom").read_text()
        for text in (speed, batch, left, self.job.get("/metrics").body.decode()):
            self.assert_clean(text)
        self.assertGreaterEqual(int(value(speed, "tidemark_speed_messages_total", source="orders")), 500)
        self.assertGreater(int(value(speed, "tidemark_speed_bytes_total", source="orders")), 500)
        self.assertGreater(int(value(speed, "tidemark_speed_commits_total", outcome="ok")), 0)
        self.assertEqual(value(speed, "tidemark_speed_partitions", worker="0", state="running"), "8")
        self.assertGreater(int(value(speed, "tidemark_detector_alerts_total", rule="1")), 0)
        wait_until(lambda: self.lag() == "0", 60, "no lag")
        self.assertEqual(value(left, "tidemark_batch_runs_total", source="orders", outcome="published"), "1")
        self.assertEqual(value(left, "tidemark_batch_published_epoch", source="orders"), "1")
        self.assertEqual(int(value(left, "tidemark_batch_ingested_messages_total", source="orders")), 500)
        self.assertIsNotNone(value(batch, "tidemark_batch_job_next_timestamp_seconds", job="each_minute"))
        for stage in ("open", "ingest", "merge", "views", "commit", "drop"):
            self.assertIsNotNone(value(left, "tidemark_batch_stage_duration_seconds", source="orders", stage=stage), stage)

    def test_sinks_are_counted_and_said_to_wait(self):
        self.start()
        self.job.speed()
        emitter = self.job.emit()
        self.send(month(0, 500))
        rows = len(self.whole_view())
        held = wait_until(lambda: self.held_with(rows), 60, "all rows are emitted", children=[emitter])
        self.assert_clean(self.metrics_of_emit())
        wait_until(lambda: self.of_sink("number") == held.statement["number"], 60, "the micro-batch is counted")
        self.assertGreaterEqual(self.of_sink("rows_total"), rows)
        wait_until(lambda: self.of_sink("waiting") == 0, 60, "it doesn't wait", children=[emitter])
        wait_until(lambda: self.probe_of_emit() == (0, ""), 60, "it is well", children=[emitter])
        errors = self.of_sink("errors_total")
        self.redis.stop()
        wait_until(lambda: self.of_sink("errors_total") > errors and self.of_sink("waiting") == 1, 60, "it is said to wait")
        code, said = self.probe_of_emit()
        self.assertEqual(code, 1)
        self.assertIn(f"daily_revenue, {SINK}: ", said)
        self.redis.start()
        wait_until(lambda: self.of_sink("waiting") == 0, 60, "it goes on", children=[emitter])
        wait_until(lambda: self.probe_of_emit() == (0, ""), 60, "it is well again", children=[emitter])

    def probe_of_emit(self):
        return self.job.probe("tidemark-serving", "emit")

    def whole_view(self):
        """The rows of all that was sent."""
        self.reader.into(self.log, self.name)
        return self.log.rows(self.job.oracle_view("daily_revenue"))

    def held_with(self, rows):
        held = read_hash(self.redis, "live:revenue")
        return held if held and len(held.rows_held) == rows and sum(held.offsets.values()) == 500 else None

    def test_systemd_is_told_when_a_program_has_started_lives_and_ends(self):
        self.start()
        for program, command in STAYING:
            with self.subTest(program=program, command=command), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                path = str(self.job.folder / f"{program}-{command}.notify")
                systemd.bind(path)
                systemd.settimeout(60)
                self.job.env = {**os.environ, "NOTIFY_SOCKET": path}
                child = self.job._start(program, command)
                self.assertEqual(systemd.recv(100), b"READY=1", child.tail())
                self.assertEqual(systemd.recv(100), b"WATCHDOG=1", child.tail())
                self.assertEqual(child.stop(), 0, child.tail())
                told = b""
                while told != b"STOPPING=1":
                    told = systemd.recv(100)
        self.job.env = None

    def test_a_port_that_is_taken_is_one_line(self):
        self.start()
        port = self.speed_port
        for part in ("batch", "http", "emit"):
            self.job.config[part]["listen"] = f"127.0.0.1:{port}"
        self.job.write()
        for program, command in STAYING:
            with self.subTest(program=program, command=command), socket.create_server(("127.0.0.1", port)):
                child = self.job._start(program, command)
                self.assertEqual(child.end(60), 69, child.tail())
                said = child.log.read_text().splitlines()
                self.assertEqual(len(said), 1, said)
                self.assertIn(f"can't listen at 127.0.0.1:{port}: Address already in use", said[0])


if __name__ == "__main__":
    unittest.main()
