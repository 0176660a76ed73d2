# SPDX-License-Identifier: Apache-2.0
"""Speed processes that come, go, freeze and wake: nothing is lost, nothing is counted twice, and it goes on."""

import signal
import unittest

from support.process import wait_until

from .servers import EndToEnd, month


class Processes(EndToEnd):
    def start(self, partitions=4, **options):
        self.servers()
        self.simple_platform(self.topic(partitions), **options)
        self.job.serving()

    def test_frozen_process_that_wakes_up_changes_nothing(self):
        self.start()
        frozen, other = self.job.speed(), self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()
        both = lambda: all(b"has 2 partitions" in child.log.read_bytes() for child in (frozen, other))  # noqa: E731
        wait_until(both, 60, "each has two partitions", children=[frozen, other])
        frozen.process.send_signal(signal.SIGSTOP)
        self.send(month(1000, 1000))
        self.assert_all_served()  # the other has taken its partitions over
        frozen.process.send_signal(signal.SIGCONT)
        self.send(month(2000, 1000))
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()
        self.assertEqual(frozen.stop(), 0, frozen.tail())
        self.send(month(3000, 500))
        self.assert_all_served()
        self.assertTrue(other.running())

    def test_processes_that_come_and_go_lose_nothing(self):
        self.start()
        self.job.config["speed"].update({"workers": 2})
        self.job.write()
        speeds = [self.job.speed()]
        for piece in range(6):
            self.send(month(1000 * piece, 1000))
            if piece % 2 == 0:
                speeds.append(self.job.speed())
            else:
                self.assertEqual(speeds.pop(0).stop(), 0)
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()

    def lag(self):
        return self.job.view("daily_revenue").json["provenance"]["speed"]["lag"]

    def commits(self, partition):
        """Of the slot, so far: a speed process commits from time to time where nothing comes, too."""
        meta = self.job.slot_key(self.redis, partition, "meta")
        return int(self.redis.command("hget", meta, "sequence"))

    def test_lag_is_known_while_nothing_comes_and_unknown_once_nobody_reads(self):
        self.start(2)
        speed = self.job.speed()
        self.send(month(0, 1000))
        self.assert_all_served()
        wait_until(lambda: self.lag() == 0, 60, "the lag goes to 0")
        before = self.commits(0)
        while self.commits(0) < before + 5:  # for longer than a silent slot is believed
            self.assertEqual(self.lag(), 0)
        self.assertEqual(speed.stop(), 0)
        self.send(month(1000, 100))
        wait_until(lambda: self.lag() is None, 60, "the lag isn't known")
        self.assertTrue(self.job.view("daily_revenue").complete)  # at the offsets that it states
        self.job.speed()
        self.assert_all_served()
        wait_until(lambda: self.lag() == 0, 60, "the lag is known again")

    def test_every_message_counts_where_a_topic_has_no_versions(self):
        self.start(on_duplicate="none")
        speed = self.job.speed()
        self.send(month(0, 2000) + month(0, 500))
        self.assert_all_served()
        speed.kill()
        self.job.speed()
        self.send(month(500, 500))
        self.job.batch(expect=(0, 75))
        self.assert_all_served()
        self.job.batch()
        self.assert_all_served()


if __name__ == "__main__":
    unittest.main()
