# SPDX-License-Identifier: Apache-2.0
"""Each server may be away at the start or go away, in any order, and all come back by themselves: rows 13, 14 and 58."""

import itertools
import signal
import time
import unittest

from support.process import wait_until

from .faulty import Faulty, memory

EDGES = ("kafka", "redis", "postgres")


class Liveness(Faulty):
    def test_servers_may_come_in_any_order(self):
        """Each of the three is the last to come once; meanwhile nothing spins, and TERM ends the programs."""
        self.servers()
        for last in EDGES:
            with self.subTest(last=last):
                for proxy in self.proxies.values():
                    proxy.refuse()
                self.start_programs()
                self.assertEqual(self.job.get("/livez").status, 200)
                self.assertEqual(self.job.get("/readyz").status, 503)
                self.send_more(200)
                self.assert_idle(self.speed, self.serving)
                self.assert_programs_run()
                for edge in sorted(EDGES, key=lambda edge: edge == last):  # noqa: B023
                    self.proxies[edge].heal()
                    self.assert_idle(self.speed, self.serving, seconds=1.0)
                self.assert_recovered()
                self.job.stop()

    def test_servers_that_are_all_away_for_a_while_come_back_and_memory_stays_level(self):
        """While orders stream in that can't be read, and again and again."""
        self.start()
        before = None
        with self.watch():
            for order in itertools.permutations(EDGES):
                for edge in order:
                    self.proxies[edge].refuse()
                self.send_more(50)
                time.sleep(0.5)  # some attempts fail
                for edge in order:
                    self.proxies[edge].heal()
                self.assert_all_served()
                before = before or [memory(child) for child in (self.speed, self.serving)]
        for child, size in zip((self.speed, self.serving), before):
            self.assertLess(memory(child), size + (24 << 20), child.tail())
        self.assert_recovered()

    def test_term_ends_the_programs_whatever_is_silent(self):
        """Each edge is a black hole in its turn, then all are, with messages that are not committed."""
        self.start()
        for silent in (*((edge,) for edge in EDGES), EDGES):
            with self.subTest(silent=silent):
                for edge in silent:
                    self.proxies[edge].black_hole()
                self.send_more(100)
                time.sleep(0.5)  # it may have begun to wait for an answer
                for child in (self.speed, self.serving):
                    child.process.send_signal(signal.SIGTERM)
                for child in (self.speed, self.serving):
                    self.assertEqual(child.end(30), 0, child.tail())
                for edge in silent:
                    self.proxies[edge].heal()
                self.speed, self.serving = self.job.speed(), self.job.serving()
                self.assert_all_served()
        self.assert_recovered()


if __name__ == "__main__":
    unittest.main()
