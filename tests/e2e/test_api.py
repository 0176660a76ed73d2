# SPDX-License-Identifier: Apache-2.0
"""The API is as docs/api.md shows it and as /openapi.json describes it."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

import jsonschema_rs

from support.kafka import Writer
from support.process import PATIENCE, ROOT
from support.tidemark import SUMMARY, view

from .servers import EndToEnd

TOUR = (ROOT / "docs" / "api.md").read_text()
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
        self.assert_nothing_else_is_answered()

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

    def assert_nothing_else_is_answered(self):
        """Questions by chance, right and wrong ones; streams, which don't end, are tested elsewhere."""
        command = [Path(sys.executable).parent / "schemathesis", "run", f"http://127.0.0.1:{self.job.port}/openapi.json"]
        options = ["--exclude-path-regex", "/stream$", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing"]
        chance = ["--max-examples", "6", "--seed", "1", "--generation-database", "none", "--no-color", "--warnings", "off"]
        run = subprocess.run([*command, *options, *chance], capture_output=True, text=True, cwd=self.folder / ".", timeout=600)
        self.assertEqual(run.returncode, 0, run.stdout[-6000:] + run.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
