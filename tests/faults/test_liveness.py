# SPDX-License-Identifier: Apache-2.0
"""Each server may be away at the start or go away, in any order, and all come back by themselves: rows 13, 14 and 58."""

import contextlib
import itertools
import signal
import time
import unittest

from support.freeze import FrozenThread, thread_named
from support.process import wait_until

from .faulty import Faulty, after_failure, log_of, memory

EDGES = ("kafka", "redis", "postgres")


class Liveness(Faulty):
    def test_servers_may_come_in_any_order(self):
        """Each of the three is the last to come once; meanwhile nothing spins, and TERM ends the programs."""
        self.servers()
        for last in EDGES:
            with self.subTest(last=last), after_failure(self.heal, lambda: self.job.kill()):
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

    def test_term_ends_every_program_whatever_is_silent(self):
        """Each edge is a black hole in its turn, then all are, with messages that are not committed."""
        self.start()
        self.schedule()
        for silent in (*((edge,) for edge in EDGES), EDGES):
            with self.subTest(silent=silent), after_failure(self.heal, self.start_again):
                for edge in silent:
                    self.proxies[edge].black_hole()
                self.send_more(100)
                run, scheduler = self.job.start_batch(), self.job.start_batch("schedule")
                self.assert_ended_by_term({self.speed: (0,), self.serving: (0,), scheduler: (0,), run: (69, 75)})
                for edge in silent:
                    self.proxies[edge].heal()
                self.start_again()
                self.assert_all_served()
        self.assert_recovered()

    def test_program_that_cannot_end_after_term_leaves_by_itself(self):
        """Before Docker kills it. Its first thread stands still for ever, as for any reason there may be."""
        self.start()
        self.schedule()
        self.proxies["kafka"].black_hole()  # so that the run doesn't end by itself
        run, scheduler = self.job.start_batch(), self.job.start_batch("schedule")
        codes = {self.speed: (0,), self.serving: (0,), scheduler: (0,), run: (75,)}
        self.wait_until_watched(codes)
        with contextlib.ExitStack() as frozen:
            for child in codes:
                frozen.enter_context(FrozenThread(child.pid))
            self.assert_ended_by_term(codes)
        for child in codes:
            self.assertEqual(log_of(child).count("s after it was asked to"), 1, child.tail())
        self.proxies["kafka"].heal()
        self.start_again()
        self.assert_recovered()

    def schedule(self):
        self.job.config["jobs"] = {"steady": {"schedule": "* * * * *"}}
        self.job.write()

    @staticmethod
    def wait_until_watched(children):
        """Until each has the thread that sees to its end."""
        for child in children:
            watched = lambda: thread_named(child.pid, "shutdown")  # noqa: B023, E731
            wait_until(watched, 120, f"{child.name} is watched", children=[child])

    def assert_ended_by_term(self, codes):
        """All at the same time. {child: exit codes that are right}"""
        self.wait_until_watched(codes)
        for child in codes:
            child.process.send_signal(signal.SIGTERM)
        for child, right in codes.items():
            self.assertIn(child.end(120), right, child.tail())


if __name__ == "__main__":
    unittest.main()
