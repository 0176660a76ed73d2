# SPDX-License-Identifier: Apache-2.0
"""Copies of views that are kept by event streams end as the views are, whatever happens to stream and stores."""

import random
import unittest

from support.event_stream import Copy, Reader
from support.process import wait_until
from support.tidemark import view

from .servers import EndToEnd, month

SEED = 20101201
VIEWS = {
    "daily_revenue": view("orders"),
    "live_revenue": view("orders", window="tumbling 1 minute"),
    "by_category": view("orders", window="tumbling 1 hour", dimensions=["category"]),
}


class Streams(EndToEnd):
    def begin(self, redis_persistent=False):
        self.servers(redis_persistent=redis_persistent)
        self.simple_platform(self.topic(3))
        self.job.config["views"] = VIEWS
        self.job.config["http"]["push_every"] = "20 ms"
        self.job.write()
        self.job.speed()
        self.job.serving(ready=True)

    def read(self, path, dimensions=(), chance=None):
        reader = Reader(self.job.port, path.replace("?", "/stream?", 1), Copy(dimensions), chance)
        reader.question = path
        self.addCleanup(reader.stopping.set)
        return reader

    def has_all(self, reader):
        answer = self.job.get(reader.question)
        with reader.lock:
            rows = list(reader.copy.rows.values())
        expected = answer.json["rows"]
        return answer.complete and sorted(rows, key=str) == sorted(expected, key=str) and len(rows) == len(expected)

    def assert_copies(self, readers):
        for reader in readers:
            try:
                wait_until(lambda: self.has_all(reader) or reader.failure, 60, f"{reader.question} is copied")
            except AssertionError as failure:
                raise AssertionError(f"{failure}\n{self.what_differs(reader)}") from None

    def what_differs(self, reader):
        answer = self.job.get(reader.question)
        with reader.lock:
            rows, last_id = list(reader.copy.rows.values()), reader.copy.last_id
        expected = answer.json["rows"]
        return (
            f"{len(answer.body)} bytes, {answer.json['provenance']}\n"
            f"copy: {'torn' if reader.chance else 'whole'}, {reader.cuts} cuts, {reader.copy.events} events, "
            f"{reader.copy.resets} resets, last id {last_id}, {reader.copy.provenance}\n"
            f"lacks {[row for row in expected if row not in rows][:5]}, has {[row for row in rows if row not in expected][:5]} "
            f"of {len(expected)} and {len(rows)}"
        )

    def read_all(self, chance):
        """Each question by two readers, of which the second is cut off and slowed by chance."""
        return [
            self.read(path, dimensions, random.Random(chance.random()) if torn else None)
            for path, dimensions in (
                ("/v1/views/daily_revenue?", ()),
                ("/v1/views/live_revenue?", ()),
                ("/v1/views/by_category?", ("category",)),
                ("/v1/views/by_category?window=1_day&group_by=category", ("category",)),
                ("/v1/views/by_category?window=6_hours&per_window=2", ("category",)),
            )
            for torn in (False, True)
        ]

    def test_copies_end_as_the_views_are_though_streams_are_cut_slowed_and_resumed(self):
        self.begin()
        readers = self.read_all(random.Random(SEED))
        for number in range(6):
            self.send(month(150 * number, 150))
            if number in (1, 4):
                self.job.batch()
            if number == 3:
                self.redis.command("flushall")
        self.assert_all_served()
        self.assert_copies(readers)
        for reader in readers:
            reader.stop()
        torn = readers[1::2]
        self.assertTrue(any(reader.cuts for reader in torn), [reader.cuts for reader in torn])
        self.assertTrue(all(reader.copy.events > reader.copy.resets for reader in readers[::2]))
        self.assertEqual(readers[0].copy.rows, readers[1].copy.rows)

    def test_readers_go_on_after_a_restart_and_the_end_waits_for_none(self):
        self.begin()
        readers = [self.read("/v1/views/by_category?", ("category",)) for _ in range(20)]
        self.send(month(0, 200))
        self.assert_copies(readers)
        [serving] = [child for child in self.job.children if child.name.startswith("tidemark-serving")]
        self.assertEqual(serving.stop(), 0)
        self.send(month(200, 200))
        self.job.serving(ready=True)
        self.assert_all_served()
        self.assert_copies(readers)
        for reader in readers:
            reader.stop()
            self.assertGreaterEqual(reader.copy.resets, 2)


if __name__ == "__main__":
    unittest.main()
