# SPDX-License-Identifier: Apache-2.0
"""The API is as docs/api.md shows it and as /openapi.json describes it."""

import gzip
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import jsonschema_rs

from support.kafka import Writer
from support.process import PATIENCE, ROOT
from support.tidemark import SUMMARY, view

from .servers import EndToEnd

TOUR = (ROOT / "docs" / "api.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
REVENUE = json.loads((ROOT / "deploy" / "monitoring" / "grafana" / "dashboards" / "revenue.json").read_text())
VIEWS = {
    "daily_revenue": view("orders"),
    "live_revenue": view("orders", "tumbling 1 minute"),
    "daily_summary": view("orders", measures=SUMMARY, dimensions=["category", "customer_segment"]),
}
# 503 and its like are answers too, where they are described.
CHECKS = "status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"


def blocks(kind):
    """The texts of the tour between ```kind and ```."""
    return re.findall(rf"```{kind}\n(.*?)```", TOUR, re.S)


def steps():
    """The commands of the tour with what they print."""
    for block in blocks("console"):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            yield step.split("\n", 1)


def pattern(expected):
    """`…` is anything."""
    return ".*?".join(re.escape(part) for part in expected.rstrip("\n").split("…"))


class Api(EndToEnd):
    def begin(self):
        self.servers()
        self.simple_platform(self.topic(2))
        self.job.config["views"] = VIEWS
        self.job.write()
        self.job.speed()
        self.job.serving(ready=True)
        writer = Writer(self.kafka.brokers)
        for line in "".join(blocks("ndjson")).splitlines():
            writer.send(self.name, json.loads(line)["order_id"].encode(), line.encode())
        writer.flush()
        ends = {partition: end for partition, (_, end) in self.reader.ends(self.name).items() if end}
        self.job.batch()
        published = lambda answer: answer.complete and answer.json["provenance"]["batch"]["epoch"] == 1  # noqa: E731
        self.job.wait_complete_at("daily_revenue", ends)
        self.job.wait_for("daily_revenue", published, "the run is served")

    def test_answers_are_as_shown_and_as_described(self):
        self.begin()
        self.assert_tour()
        self.assert_rows_are_described()
        self.assert_figures_of_operators_are_described()
        self.assert_infinity_is_answered()
        self.assert_nothing_else_is_answered("examples,coverage,fuzzing", 6)
        self.assert_the_same_when_encrypted()

    def assert_tour(self):
        done = list(steps())
        self.assertGreater(len(done), 10)
        for command, expected in done:
            with self.subTest(command=command):
                here = command.replace("localhost:8080", f"127.0.0.1:{self.job.port}")
                run = subprocess.run(["bash", "-c", here], capture_output=True, text=True, timeout=PATIENCE)
                said = run.stdout.replace("\r", "").rstrip("\n")
                self.assertTrue(re.fullmatch(pattern(expected), said, re.S), f"{said}\nisn't\n{expected}")

    def assert_rows_are_described(self):
        """Each row fits its view's own schema, and one that has a member more, or one of another kind, doesn't."""
        description = json.loads(self.job.get("/openapi.json").body)
        for name, definition in VIEWS.items():
            [*rows] = json.loads(self.job.view(name).body)["rows"]
            schema = description["components"]["schemas"][f"Row-{name}"]
            fits = jsonschema_rs.validator_for(schema).is_valid
            self.assertTrue(rows)
            for row in rows:
                self.assertTrue(fits(row), (row, schema))
            for measure in definition["measures"]:
                self.assertFalse(fits({**rows[0], measure: "1"}))
                self.assertFalse(fits({key: value for key, value in rows[0].items() if key != measure}))
            self.assertFalse(fits({**rows[0], "other": 1}))
            filters = {one.get("name") for one in description["paths"][f"/v1/views/{name}"]["get"]["parameters"]}
            self.assertEqual(filters - {None}, {word for one in definition.get("dimensions", ()) for word in (one, f"{one}.null")})

    def assert_figures_of_operators_are_described(self):
        """Each member that /v1/status, /v1/runs and /v1/ledger have is described, and one more isn't taken."""
        description = json.loads(self.job.get("/openapi.json").body)
        for path in ("/v1/status", "/v1/runs"):
            answer = json.loads(self.job.get(path).body)
            content = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
            fits = jsonschema_rs.validator_for({**content["schema"], "components": description["components"]}).is_valid
            self.assertTrue(fits(answer), (path, answer))
            self.assertFalse(fits({**answer, "other": 1}))
            [source] = answer["sources"]
            for member in source:
                self.assertFalse(fits({**answer, "sources": [{key: source[key] for key in source if key != member}]}), (path, member))

    def assert_infinity_is_answered(self):
        """Grafana's data source for JSON asks what the dashboards have it ask, as its backend sends it: the macros of the
        range put in, the parameters sorted and escaped by Go's net/url, and these headers."""
        headers = {
            **{"User-Agent": "Go-http-client/1.1", "Accept": "application/json;q=0.9,text/plain", "Accept-Encoding": "gzip"},
            "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        [first, *_] = json.loads(self.job.view("live_revenue").body)["rows"]
        macros = {
            "${__timeFrom}": "1767225600000",
            "${__timeFrom:date:seconds}": "1767225600",
            **dict.fromkeys(("${__from:date:iso}", "${__timeFrom:date:iso}", "${__timeFrom:date}"), "2026-01-01T00:00:00.000Z"),
            **dict.fromkeys(("${__to:date:iso}", "${__timeTo:date:iso}", "${__timeTo:date}"), "2026-02-01T00:00:00.000Z"),
            **{"${__timeFrom:date:YYYY-MM-DD}": "2026-01-01", "${__timeTo:date:YYYY-MM-DD}": "2026-02-01"},
        }
        asked = [target["url"] for panel in REVENUE["panels"] for target in panel["targets"] if target.get("source") == "url"]
        asked += re.findall(r"`(/v1/views/\S+\$\{__time\S+)`", OPERATIONS)
        self.assertGreater(len(asked), 3)
        for url in asked:
            path, _, query = url.partition("?")
            parameters = [(name, macros.get(value, value)) for name, value in parse_qsl(query, keep_blank_values=True)]
            with self.subTest(url=url):
                self.assertNotIn("$", str(parameters))
                answer = self.job.get(f"{path}?{urlencode(sorted(parameters))}", headers)
                body = gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip" else answer.body
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"), body)
                for panel in REVENUE["panels"]:
                    for target in panel["targets"]:
                        if target.get("url") == url:
                            columns = {column["selector"] for column in target["columns"]}
                            self.assertLessEqual(columns, json.loads(body)[target["root_selector"]][0].keys())
                self.assertTrue(json.loads(body)["rows"])
        for macro in ("${__timeFrom}", "${__timeFrom:date:seconds}"):
            answer = self.job.get(f"/v1/views/live_revenue?from={macros[macro]}", headers)
            self.assertEqual((answer.status, b"a date like" in answer.body), (400, True), answer.body)
        table = self.job.get("/v1/views/daily_summary?format=csv", {**headers, "Accept": "text/csv; charset=utf-8"})
        self.assertEqual((table.status, table.headers["Content-Type"].partition(";")[0]), (200, "text/csv"))
        self.assertIn(first["window_start"][:10], gzip.decompress(table.body).decode() if "Content-Encoding" in table.headers else table.body.decode())

    def assert_nothing_else_is_answered(self, phases, examples, *options):
        """Questions by chance, right and wrong ones; streams, which don't end, are tested elsewhere."""
        address = f"{'https' if self.job.context else 'http'}://127.0.0.1:{self.job.port}/openapi.json"
        command = [Path(sys.executable).parent / "schemathesis", "run", address, "--exclude-path-regex", "/stream$"]
        chance = ["--max-examples", str(examples), "--seed", "1", "--generation-database", "none", "--no-color", "--warnings", "off"]
        command += ["--checks", CHECKS, "--phases", phases, *chance, *options]
        run = subprocess.run(command, capture_output=True, text=True, cwd=self.folder / ".", timeout=600)
        self.assertEqual(run.returncode, 0, run.stdout[-6000:] + run.stderr[-2000:])

    def assert_the_same_when_encrypted(self):
        [serving] = [child for child in self.job.children if child.name.startswith("tidemark-serving")]
        self.assertEqual(serving.stop(), 0)
        self.job.encrypt()
        self.job.serving(ready=True)
        certificate = self.job.config["http"]["tls"]["certificate"]
        self.assert_nothing_else_is_answered("examples,fuzzing", 2, "--tls-verify", certificate)


if __name__ == "__main__":
    unittest.main()
