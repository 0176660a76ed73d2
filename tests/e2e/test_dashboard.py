# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser: it shows the figures that the API gives, live, says when it can't, and recovers."""

import csv
import hashlib
import io
import random
import re
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from urllib.parse import urlencode

from support import detector as fraud
from support.browser import Browser
from support.kafka import Writer
from support.process import wait_until
from support.tidemark import view

from .servers import EndToEnd

AXE = files("axe_core_python").joinpath("axe.min.js")
SUMMARY = {
    "orders": "count",
    "revenue": "sum(amount)",
    "average": "avg(amount)",
    "customers": "unique(customer_id)",
    "largest": "max(amount)",
}
VIEWS = {
    "daily_revenue": view("orders"),
    "live_revenue": view("orders", "tumbling 1 minute", retention="10 days"),
    "daily_summary": view("orders", measures=SUMMARY, dimensions=["category", "customer_segment"]),
    "by_month": view("orders", "tumbling 1 month", measures=SUMMARY, dimensions=["category"]),
    "rolling": view("orders", "hopping 24 hours every 1 hour", dimensions=["category"]),
    "by_hour": view("orders", "tumbling 1 hour", dimensions=["customer_segment"], time_zone="America/New_York"),
}
CATEGORIES = [None, "", "a,b\"c", "<b>&amp;", *(f"c{number}" for number in range(12))]


def order(number, at, chance):
    return {
        "order_id": f"o-{number}",
        "customer_id": f"customer-{chance.randrange(20)}",
        "customer_segment": chance.choice(("domestic", "export")),
        "product_id": "p",
        "category": chance.choice(CATEGORIES),
        "amount": Decimal(chance.randrange(1, 100_000)) / 100,
        "quantity": 1,
        "status": "completed",
        "timestamp": at.replace(tzinfo=None, microsecond=0),
    }


def history(chance, count=300):
    """Orders of now, yesterday, a week ago, and between: half of them before this time of the day, the first at it."""
    now = datetime.now(timezone.utc)
    for number in range(count):
        days = number % 9
        minutes = chance.randrange(1, 50) if number else 0
        yield order(number, now - timedelta(days=days, minutes=minutes, hours=number % 2), chance)


def shown(value):
    """As the page writes a figure in British English."""
    return "–" if value is None else f"{value:,}"


class Dashboard(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser(cls.class_folder / "browser")
        cls.addClassCleanup(cls.browser.close)

    def begin(self):
        self.servers()
        self.simple_platform(self.topic(2))
        self.job.config["views"] = VIEWS
        self.job.write()
        self.speed = self.job.speed()
        self.serving = self.job.serving(ready=True)
        self.send(history(random.Random(1)))
        self.assert_caught_up(self.job, self.reader, self.name, self.log, ["daily_revenue"])

    def open(self, query=""):
        return self.browser.open(f"http://127.0.0.1:{self.job.port}/{query}")

    def wait(self, condition, what):
        return wait_until(condition, 60, what, children=[self.serving])

    def wait_for_state(self, page, word, why=""):
        there = lambda: page.text("#state-word") == word and why in page.text("#state-why")  # noqa: E731
        try:
            self.wait(there, f"the page says {word}: {why}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nthe page: {page.text('#state')}\n{page.problems}") from None

    def rows(self, name, **question):
        return self.job.get(f"/v1/views/{name}?{urlencode(question)}").json["rows"]

    # --- each figure is the API's ---

    def today(self):
        return datetime.now(timezone.utc).date()

    def same_today(self, page):
        [row] = self.rows("daily_revenue", **{"from": self.today()})
        others = page.text("#today-others")
        return page.text("#today-figure") == shown(row["total_revenue"]) and shown(row["order_count"]) in others

    def same_before(self, page):
        """Yesterday and a week ago, up to the time that the page names."""
        lines = page.rows("#today-before")
        for days, (name, figure, *_) in zip((1, 7), lines, strict=True):
            until = re.search(r"until (\d\d?):(\d\d)$", name)
            day, minutes = self.today() - timedelta(days=days), 60 * int(until[1]) + int(until[2])
            end = datetime.combine(day, datetime.min.time(), timezone.utc) + timedelta(minutes=minutes)
            total = sum(row["total_revenue"] for row in self.rows("live_revenue", **{"from": day, "to": end.isoformat()}))
            if figure != (shown(total) if total else "nothing counted"):
                return False
        return True

    def same_days(self, page):
        rows = [row for row in self.rows("daily_revenue") if row["window_start"] >= str(self.today() - timedelta(29))]
        return [line[1] for line in page.rows("#days-table")] == [shown(row["total_revenue"]) for row in reversed(rows)]

    def same_minutes(self, page):
        now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
        rows = self.rows("live_revenue", **{"from": (now - timedelta(minutes=59)).isoformat()})
        return [line[1] for line in page.rows("#recent-table")] == [shown(row["total_revenue"]) for row in reversed(rows)]

    def top_ten(self, dimension, **question):
        first = self.today() - timedelta(days=29)
        span = {"window": "hopping 30 days every 1 day", "from": first, "to": first + timedelta(days=1)}
        group = {"group_by": dimension, "order": "-revenue", "per_window": 10}
        return self.rows("daily_summary", **span, **group, **question)

    def same_groups(self, page, dimension, **question):
        names = {None: "(null)", "": "(empty)"}
        expected = [[names.get(row[dimension], row[dimension]), shown(row["revenue"])]
                    for row in self.top_ten(dimension, **question)]
        return [line[:2] for line in page.rows("#groups-table") if line[0] != "all others"] == expected

    def same_ledger(self, page):
        [ledger] = self.job.get("/v1/ledger").json["sources"]
        names = ("consumed", "kept", "replaced", "duplicate", "deferred", "bad")
        text = re.sub(r"\s+", " ", page.text("#ledger-facts"))
        return all(f"{name} {shown(ledger[name])}" in text for name in names)

    def wait_for_figures(self, page):
        for same in (self.same_today, self.same_before, self.same_days, self.same_minutes, self.same_ledger):
            self.wait(lambda: same(page), same.__name__)  # noqa: B023: waited for at once
        self.wait(lambda: self.same_groups(page, "category"), "the top ten")

    # --- tests ---

    def test_figures_are_the_answers_and_follow_them(self):
        self.begin()
        with self.open() as page:
            self.follow(page)
            own = f"http://127.0.0.1:{self.job.port}/"
            self.assertEqual([address for address in page.asked if not address.startswith((own, "blob:"))], [])

    def follow(self, page):
        self.wait_for_state(page, "Complete")
        self.wait_for_figures(page)
        self.assertIn("Real time alone", page.text("#today-note"))
        chance = random.Random(2)
        self.send(order(number, datetime.now(timezone.utc), chance) for number in range(280, 340))  # versions too
        self.assert_caught_up(self.job, self.reader, self.name, self.log, ["daily_revenue"])
        self.wait_for_figures(page)
        self.job.batch()
        self.wait(lambda: "epoch 1" in page.text("#fresh-facts"), "what is published is said")
        self.wait(lambda: page.rows("#runs-table")[0][1] == "published", "the run is listed")
        self.wait(lambda: {line[2] for line in page.rows("#days-table")} == {"batch", "batch and live"}, "parts")
        self.wait_for_figures(page)
        self.assert_chosen_by_address_and_keys(page)
        self.assert_csv_is_what_is_shown()
        self.assert_every_view_is_shown()
        page.to_front()
        self.assert_legible_by_all(page)
        self.assert_said_and_recovered(page)

    def assert_chosen_by_address_and_keys(self, page):
        """By the keyboard alone: the view by its name, a dimension by the arrow, a group by Enter."""
        depth = page.run("history.length")
        page.run("document.querySelector('.skip').focus()")
        page.key("Tab")
        self.assertEqual(page.run("document.activeElement.id"), "view")
        for letter in "daily_s":
            page.key(letter, letter)
        self.wait(lambda: page.run("location.search") == "?view=daily_summary", "the view is in the address")
        page.run("document.querySelector('#dimensions input:checked').focus()")
        page.key("ArrowRight")
        self.wait(lambda: self.same_groups(page, "customer_segment"), "the groups of the other dimension")
        page.run("document.querySelector('#groups-table button').focus()")
        first = page.rows("#groups-table")[0][0]
        page.key("Enter", "\r")
        self.wait(lambda: f"customer_segment={first}" in page.run("location.search"), "the filter is in the address")
        [row] = self.rows("daily_summary", **{"from": self.today(), "group_by": "", "customer_segment": first})
        self.wait(lambda: page.text("#today-figure") == shown(row["revenue"]), "the figure of the filter")
        self.wait(lambda: shown(row["customers"]) in page.text("#today-others"), "customers are counted, not added up")
        with self.open(page.run("location.search")) as link:
            self.wait(lambda: link.text("#today-figure") == page.text("#today-figure"), "a link shows the same")
            self.assertEqual(link.run("document.querySelector('#dimensions input:checked').value"), "customer_segment")
            self.assertEqual(link.problems, [])
            self.assertTrue(page.run("document.hidden"))
            holders = "navigator.locks.query().then(({held}) => new Set(held.map(one => one.clientId)).size)"
            self.wait(lambda: page.run(holders) == 1, "a tab that nobody sees leaves its connections to others")
        page.to_front()
        page.run(f"history.go({depth} - history.length)")
        self.wait(lambda: page.run("location.search") == "?view=daily_revenue", "back to where it began")
        self.wait(lambda: self.same_today(page), "and to what was shown")

    def assert_csv_is_what_is_shown(self):
        """Groups with odd names too."""
        with self.open("?view=daily_summary") as page:
            self.assert_csv(page)

    def assert_csv(self, page):
        self.wait(lambda: self.same_groups(page, "category"), "the top ten")
        page.run("window.blobs = []; const make = URL.createObjectURL;"
                 "URL.createObjectURL = blob => { blobs.push(blob); return make.call(URL, blob); }")
        page.run("document.querySelector('#groups-csv').click()")
        self.wait(lambda: page.run("blobs.length"), "the file is made")
        rows = list(csv.DictReader(io.StringIO(page.run("blobs[0].text()"))))
        expected = self.top_ten("category")
        self.assertEqual([row["revenue"] for row in rows], [str(row["revenue"]) for row in expected])
        self.assertEqual([row["category"] for row in rows], [row["category"] or "" for row in expected])
        self.assertEqual(page.problems, [])

    def assert_every_view_is_shown(self):
        for name in VIEWS:
            with self.subTest(view=name), self.open(f"?view={name}") as page:
                self.wait(lambda: page.text("#today-name").endswith(f" of {name}"), "its figure")  # noqa: B023
                self.wait(lambda: page.rows("#days-table"), "its bars")  # noqa: B023
                self.wait_for_state(page, "Complete")
                self.assertRegex(page.text("#today-figure"), r"^\d[\d,.]*$")
                self.assertEqual(page.problems, [])

    def assert_legible_by_all(self, page):
        page.run(AXE.read_text() + "; 0")
        for width in (1320, 360):
            page.resize(width, 900)
            self.wait(lambda: page.run("document.documentElement.scrollWidth") <= width, "nothing is wider")  # noqa: B023
            for scheme in ("light", "dark"):
                page.scheme(scheme)
                found = page.run("axe.run().then(({violations}) => violations.filter(one => ['serious', 'critical']"
                                 ".includes(one.impact)).map(one => one.id + ': ' + one.nodes.map(node => node.html)))")
                self.assertEqual(found, [], f"{width} pixels, {scheme}")
                cut = page.run("['days', 'recent'].flatMap(id => { const {chartArea, width, _metasets} = Chart.getChart(id + '-chart');"
                               "return _metasets[0].data.filter(bar => bar.x - bar.width / 2 < chartArea.left - 1 ||"
                               "bar.x + bar.width / 2 > chartArea.right + 1 || bar.x > width).map(bar => [id, bar.x]) })")
                self.assertEqual(cut, [], f"bars at the edge, {width} pixels")
        page.resize(1320, 900)

    def assert_said_and_recovered(self, page):
        self.assertEqual(self.speed.stop(), 0)
        self.wait_for_state(page, "Stale", "nobody reads the log")
        self.redis.command("flushall")
        self.wait(lambda: page.text("#state-word") in ("Incomplete", "Stale"), "what is missing")
        self.speed = self.job.speed()
        self.wait_for_state(page, "Complete")
        self.assertEqual(page.problems, [])
        figure = page.text("#today-figure")
        self.serving.kill()
        self.wait_for_state(page, "Disconnected", "can't be reached")
        self.assertEqual(page.text("#today-figure"), figure)
        self.assertIn("Disconnected", page.run("document.title"))
        self.send([order(900, datetime.now(timezone.utc), random.Random(3))])
        self.serving = self.job.serving(ready=True)
        self.wait_for_state(page, "Complete")
        self.assert_caught_up(self.job, self.reader, self.name, self.log, ["daily_revenue"])
        self.wait_for_figures(page)

    def test_token_is_asked_for_and_shows_what_it_may_see(self):
        self.servers()
        self.simple_platform(self.topic(1))
        tokens = self.folder / "tokens.yaml"
        digest = hashlib.sha256(b"board").hexdigest()
        tokens.write_text(f"board:\n  sha256: {digest}\n  views: [daily_revenue]\n")
        self.job.config["http"]["tokens_file"] = str(tokens)
        self.job.config["views"] = {name: VIEWS[name] for name in ("live_revenue", "daily_revenue")}
        self.job.write()
        self.job.speed()
        self.serving = self.job.serving()
        now = datetime.now(timezone.utc)
        self.send([{**order(1, now, random.Random(1)), "amount": Decimal("1234.50")}])
        page = self.open()
        self.wait_for_state(page, "A token is needed")
        self.assertEqual(page.run("document.activeElement.id"), "token")
        page.type("wrong")
        page.key("Enter", "\r")
        self.wait(lambda: page.text("#token-why"), "a wrong one is refused")
        page.type("board")
        page.key("Enter", "\r")
        self.wait(lambda: page.text("#today-figure") == "1,234.50", "the figure is shown")
        self.wait_for_state(page, "Complete")
        self.assertEqual(page.run("[...document.querySelector('#view').options].map(one => one.value)"), ["daily_revenue"])
        self.wait(lambda: "is for operators" in page.text("#fresh-facts"), "what this token may not see")
        self.assertFalse([address for address in page.asked if "board" in address.replace("/dashboard/", "")])
        tokens.write_text("{}\n")
        self.wait_for_state(page, "A token is needed")
        tokens.write_text(f"board:\n  sha256: {digest}\n  views: all\n  operator: true\n")
        page.type("board")
        page.key("Enter", "\r")
        self.wait_for_state(page, "Complete")

    def test_alerts_come_as_they_are_made(self):
        self.servers()
        for topic in ("transactions", "fraud-alerts"):
            self.kafka.create(topic, 1)
        sources, detectors = {"transactions": fraud.source("transactions")}, {"fraud": fraud.detector("fraud-alerts")}
        views = {"by_customer": {"source": "transactions", "window": "tumbling 1 day", "dimensions": ["customer_id"],
                                 "measures": {"spent": "sum(amount)"}}}
        self.job = self.platform(sources, views, detectors=detectors)
        self.job.speed()
        self.serving = self.job.serving()
        self.wait(lambda: self.job.get("/v1/status").json["detectors"][0]["partitions"], "the detector has begun")
        page, writer = self.open(), Writer(self.kafka.brokers)
        for number, amount in enumerate((Decimal("20000.01"), Decimal("30000.02"))):
            at = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
            one = {"transaction_id": f"t{number}", "customer_id": "rich", "amount": amount, "timestamp": at}
            writer.send("transactions", b"rich", fraud.encode(one))
            writer.flush()
            self.wait(lambda: f"Large transaction: {amount}" in page.text("#alerts"), "the alert")  # noqa: B023
        self.assertIn("customer_id rich", page.text("#alerts"))
        self.assertEqual(len(page.rows("#alerts-table")), 2)
        page.resize(360, 800)
        cut = "['alerts', 'runs'].filter(id => { const {scrollWidth, clientWidth} = document.querySelector(`#${id} .scroll`); return scrollWidth > clientWidth })"
        self.wait(lambda: page.run(cut) == [], "no table is wider than the page")
        self.assertEqual(page.problems, [])


if __name__ == "__main__":
    unittest.main()
