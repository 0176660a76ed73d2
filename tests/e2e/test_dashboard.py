# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser: it shows the figures that the API gives, and says when something is missing."""

import re
import subprocess
import unittest
from decimal import Decimal

from support import detector as fraud
from support.kafka import Writer
from support.process import wait_until

from .servers import EndToEnd, month

# What keeps a browser quiet, and lets it run as root in a container.
FLAGS = """--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-quic --virtual-time-budget=5000 --dump-dom""".split()


class Dashboard(EndToEnd):
    def text(self):
        """What a person reads on the page once its requests were answered."""
        profile = f"--user-data-dir={self.folder / 'browser'}"
        command = ["chromium", *FLAGS, profile, f"http://127.0.0.1:{self.job.port}/"]
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
