# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser: it shows the figures that the API gives, and says when something is missing."""

import hashlib
import http.server
import re
import subprocess
import threading
import unittest
import urllib.error
import urllib.request
from decimal import Decimal

from support import detector as fraud
from support.kafka import Writer
from support.process import wait_until

from .servers import EndToEnd, month

class ShowsToken(http.server.BaseHTTPRequestHandler):
    """Passes requests on with a token, as a browser does whose user has typed it in."""

    def do_GET(self):
        request = urllib.request.Request(self.server.target + self.path, headers=self.server.headers)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as refused:
            answer = refused
        body = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type", "Tidemark-Provenance"):
            if answer.headers[name]:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# What keeps a browser quiet, and lets it run as root in a container.
FLAGS = """--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-quic --virtual-time-budget=5000 --dump-dom""".split()


class Dashboard(EndToEnd):
    def text(self, port=None):
        """What a person reads on the page once its requests were answered."""
        profile = f"--user-data-dir={self.folder / 'browser'}"
        command = ["chromium", *FLAGS, profile, f"http://127.0.0.1:{port or self.job.port}/"]
        page = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
        page = re.sub(r"(?s)<(script|style).*?</\1>", "", page)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))

    def test_page_shows_what_is_answered_and_what_is_missing(self):
        self.servers()
        self.simple_platform(self.topic(2))
        self.job.serving()
        speed = self.job.speed()
        self.send(month(0, 300))
        self.assert_all_served()
        there = lambda text: "Complete" in text and "daily_revenue" in text  # noqa: E731
        wait_until(lambda: there(self.text()), 120, "the page shows the view, and that all is there")
        self.job.batch()
        wait_until(lambda: "epoch 1" in self.text(), 60, "the page says what is published")
        self.assertEqual(speed.stop(), 0)
        wait_until(lambda: "nobody reads the log" in self.text(), 120, "the page says that nothing is read")
        self.redis.command("flushall")
        wait_until(lambda: "rebuilding" in self.text().lower(), 60, "the page says what is missing")

    def with_token(self, token):
        """The port of a server that shows this token for whoever asks it."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ShowsToken)
        server.target, server.headers = f"http://127.0.0.1:{self.job.port}", {"Authorization": f"Bearer {token}"}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def test_page_shows_the_figures_of_a_token_that_is_for_no_operator(self):
        self.servers()
        self.simple_platform(self.topic(2))
        self.job.serving()
        self.job.speed()
        self.send(month(0, 300))
        self.assert_all_served()
        [row] = self.job.get("/v1/views/daily_revenue?order=-window_start&limit=1").json["rows"]
        [serving] = [child for child in self.job.children if child.name.startswith("tidemark-serving")]
        self.assertEqual(serving.stop(), 0)
        tokens = self.folder / "tokens.yaml"
        tokens.write_text(f"board:\n  sha256: {hashlib.sha256(b'board').hexdigest()}\n  views: [daily_revenue]\n")
        self.job.config["http"]["tokens_file"] = str(tokens)
        self.job.write()
        self.job.serving()
        port, figure = self.with_token("board"), re.sub(r"\B(?=(\d{3})+(\.|$))", "\u202f", str(row["total_revenue"]))
        figure = re.sub(r"\s+", " ", figure)
        there = lambda text: "Complete" in text and figure in text and "is for operators" in text  # noqa: E731
        wait_until(lambda: there(self.text(port)), 120, f"the page shows {figure}", children=[self.job.children[-1]])

    def test_page_shows_the_latest_alerts(self):
        self.servers()
        for topic in ("transactions", "fraud-alerts"):
            self.kafka.create(topic, 1)
        sources, detectors = {"transactions": fraud.source("transactions")}, {"fraud": fraud.detector("fraud-alerts")}
        self.job = self.platform(sources, {}, detectors=detectors)
        del self.job.config["views"]
        self.job.write()
        self.job.speed()
        self.job.serving()
        wait_until(lambda: self.job.get("/v1/status").json["detectors"][0]["partitions"], 60, "the detector has begun")
        one = {"transaction_id": "t1", "customer_id": "rich", "amount": Decimal("20000.01")}
        writer = Writer(self.kafka.brokers)
        writer.send("transactions", b"rich", fraud.encode({**one, "timestamp": "2026-01-01T12:00:00Z"}))
        writer.flush()
        there = lambda text: "Large transaction: 20000.01" in text and "customer_id rich" in text  # noqa: E731
        wait_until(lambda: there(self.text()), 120, "the page shows the alert", children=self.job.children)


if __name__ == "__main__":
    unittest.main()
