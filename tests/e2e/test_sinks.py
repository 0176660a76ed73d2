# SPDX-License-Identifier: Apache-2.0
"""What views emit: each sink is the view at the offsets that it states, whatever happens to stores and emitters."""

import csv
import unittest

from support.tidemark import view

from .servers import EndToEnd, month

VIEWS = {
    "daily_revenue": view("orders"),
    "by_category": view("orders", window="tumbling 1 hour", dimensions=["category"]),
}


class Sinks(EndToEnd):
    def begin(self, sinks, partitions=2, **options):
        """A speed layer that reads, and views that are emitted: {view: [sinks]}."""
        self.servers(**options)
        self.simple_platform(self.topic(partitions))
        self.job.config["views"] = {name: {**VIEWS[name], "emit": entries} for name, entries in sinks.items()}
        self.job.write()
        self.job.speed()

    def serve(self, count, first=0):
        """Sends orders; what is answered then is the expected copy."""
        self.send(month(first, count))
        self.assert_all_served()

    def test_the_console_shows_what_changed(self):
        self.begin({"by_category": [{"to": "console", "every": "50 ms"}]})
        self.job.serving(ready=True)
        self.serve(300)
        printed = self.job.emit_once().log.read_text()
        answer = self.job.view("by_category", format="csv")
        expected = [list(map(str, row)) for row in csv.reader(answer.body.decode().splitlines())]
        heading, *table = printed[printed.index("-- by_category") :].strip().split("\n")
        self.assertRegex(heading, rf"^-- by_category, micro-batch 1, .*, complete, {len(expected) - 1} rows?$")
        self.assertGreater(len(expected), 3)
        self.assertEqual([line.split() for line in table[: len(expected)]], expected)
        self.assertEqual(len({line.index(".") for line in table[1 : len(expected)]}), 1, "points stand one below the other")


if __name__ == "__main__":
    unittest.main()
