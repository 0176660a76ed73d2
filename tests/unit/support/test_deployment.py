# SPDX-License-Identifier: Apache-2.0
"""What deploy/ holds for others' programs: Prometheus, Grafana."""

import json
import re
import subprocess
import unittest
from pathlib import Path

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


if __name__ == "__main__":
    unittest.main()
