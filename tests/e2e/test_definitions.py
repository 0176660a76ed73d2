# SPDX-License-Identifier: Apache-2.0
"""A view is added, one changed, one removed, in the order speed, serving, batch, while programs of both files run."""

import copy
import threading
import time
import unittest

from support import oracle
from support.process import wait_until
from support.tidemark import differences, run_to_the_end, source, view

from .servers import EndToEnd, month

UNCHANGED = ("daily_revenue", "by_category", "rolling", "visits")
MEMBERS = {"order_count": "count", "customers": "unique(customer_id)", "smallest": "min(amount)"}
OLD = {
    "daily_revenue": view("orders"),
    "by_category": view("orders", measures=MEMBERS, dimensions=["category"]),
    "rolling": view("orders", "hopping 4 days every 2 days", MEMBERS),
    "visits": view("orders", "session 30 minutes", dimensions=["customer_id"], retention="400 days"),
    "changes": view("orders"),
    "goes": view("orders", "tumbling 1 hour"),
}
NEW = {
    **{name: OLD[name] for name in UNCHANGED},
    "changes": view("orders", time_zone="Asia/Kolkata"),
    "comes": view("orders", "tumbling 1 hour", dimensions=["category"]),
}


class Asking(threading.Thread):
    """Asks a serving process for views all the time, and keeps every answer that isn't the same as one before."""

    def __init__(self, platform, names):
        super().__init__(daemon=True)
        self.platform, self.names, self.answers, self.ends = platform, names, {}, threading.Event()
        self.asked, self.incomplete = 0, []

    def run(self):
        while not self.ends.wait(0.02):
            for name in self.names:
                answer = self.platform.view(name)
                self.asked += 1
                if answer.status == 200 and answer.complete:
                    self.answers[name, tuple(sorted(answer.offsets.items()))] = answer
                else:
                    self.incomplete.append((name, answer.body[:600]))

    def end(self):
        self.ends.set()
        self.join()
        return self


class Definitions(EndToEnd):
    def start(self):
        self.servers()
        self.name, self.log = self.topic(2), oracle.Log(oracle.Source())
        self.reader = self.kafka.reader()
        self.addCleanup(self.reader.close)
        self.old = self.platform({"orders": source(self.name)}, OLD)
        self.speeds = [self.old.speed(), self.old.speed()]
        self.old.serving()
        self.send(month(0, 600))
        self.assert_all_answered(self.old)
        self.old.batch()
        self.send(month(600, 200))
        self.assert_all_answered(self.old)
        self.new = self.platform({"orders": source(self.name)}, NEW)
        for section in ("kafka", "redis"):
            self.new.config[section] = copy.deepcopy(self.old.config[section])
        self.new.write()

    def assert_all_answered(self, platform, names=None):
        self.assert_caught_up(platform, self.reader, self.name, self.log, names)

    def asking(self, platform, names):
        asking = Asking(platform, names)
        self.addCleanup(asking.end)
        asking.start()
        return asking

    def assert_exact(self, asking):
        """Each of the answers is the view of the messages below its offsets."""
        self.assertTrue(asking.answers)
        self.reader.into(self.log, self.name)
        for (name, offsets), answer in asking.end().answers.items():
            definition = asking.platform.oracle_view(name)
            self.assertFalse(differences(self.log.rows(definition, dict(offsets)), answer.rows(definition)), name)

    def assert_missing(self, platform, names, reason):
        says = lambda answer: {m["reason"] for m in answer.json["provenance"]["missing"]} == {reason}  # noqa: E731
        for name in names:
            self.assertFalse(platform.wait_for(name, says, f"is missing: {reason}").complete)

    def ends(self):
        return sum(end for _, end in self.reader.ends(self.name).values())

    def keys(self, pattern):
        return set(self.redis.command("keys", f"{self.old.folder.name}:{pattern}").split())

    def change_speed(self):
        """One process after the other. By the old file all is answered meanwhile, at offsets that stand still in the end,
        and the lag says how far behind that is."""
        asking = self.asking(self.old, list(OLD))
        for number in range(len(self.speeds)):
            self.assertEqual(self.speeds[number].stop(), 0)
            self.speeds[number] = self.new.speed()
            self.send(month(800 + 100 * number, 100))
        slots = lambda: len(self.keys("*:meta")) == 4  # noqa: E731
        wait_until(slots, 60, "each partition has a slot of either file", children=self.speeds)
        behind = lambda answer: answer.json["provenance"]["speed"]["lag"] == self.ends() - sum(answer.offsets.values())  # noqa: E731
        self.assertTrue(self.old.wait_for("daily_revenue", behind, "says how far behind it is").complete)
        self.assertEqual(asking.end().incomplete, [])
        self.assert_exact(asking)

    def change_serving(self):
        """What didn't change is answered before anything is published by the new file; a run by the old one stands
        off."""
        started = time.monotonic()
        self.new.serving()
        self.assert_all_answered(self.new, UNCHANGED)
        seconds = time.monotonic() - started
        self.assert_missing(self.new, ("changes", "comes"), "definition")
        run = self.old.start_batch()
        self.assertEqual(run.end(120), 75, run.tail())
        self.assertIn("the speed layer works with another definition of the source", run.tail())
        return seconds

    def change_batch(self):
        """Nobody but the old file's serving process notices, and says so."""
        asking = self.asking(self.new, UNCHANGED)
        self.new.batch()
        self.send(month(1000, 200))
        self.assert_all_answered(self.new)
        self.assert_missing(self.old, UNCHANGED, "definition")
        self.assertEqual(asking.end().incomplete, [])
        self.assert_exact(asking)

    def test_a_file_that_changes_in_order_disturbs_nobody(self):
        self.start()
        before = self.keys("*:meta")
        self.change_speed()
        print(f"answers by the new file were complete after {self.change_serving():.1f} s")
        self.change_batch()
        self.assertLess(before, self.keys("*:meta"))
        self.old.stop()
        self.what_is_left_is_removed(before)
        self.assert_all_answered(self.new)
        self.new.batch("verify")

    def what_is_left_is_removed(self, left):
        """By a run once nobody has used it for a day, or at once."""
        idle = "redis.call('RESTORE', KEYS[1], 0, redis.call('DUMP', KEYS[1]), 'REPLACE', 'IDLETIME', 86400)"
        self.redis.command("eval", idle, 1, min(left))
        self.send(month(1200, 50))
        self.new.batch()
        self.assertEqual(left & self.keys("*:meta"), left - {min(left)})
        code, said = run_to_the_end(
            [self.new.bin / "tidemark-speed", "forget", "--other-definitions", "--config", self.new.path]
        )
        self.assertEqual((code, "1 slots of other definitions are removed" in said), (0, True), said)
        self.assertFalse(left & self.keys("*:meta"))
        self.assertEqual(len(self.keys("*:meta")), 2)


if __name__ == "__main__":
    unittest.main()
