# SPDX-License-Identifier: Apache-2.0
"""What networks do to each of the three edges, Kafka, Redis and PostgreSQL: rows 13 to 18."""

import itertools
import unittest

from support.packet_loss import PacketLoss
from support.process import wait_until

from .faulty import Faulty, after_failure, log_of

EDGES = ("kafka", "redis", "postgres")


class Network(Faulty):
    def test_partition_of_any_edge_heals(self):
        """Row 13: nothing arrives in both directions, in one, in the other; then connections are refused."""
        self.start()
        for edge in EDGES:
            proxy = self.proxies[edge]
            faults = {
                "both": proxy.black_hole,
                "up": lambda proxy=proxy: proxy.set("up", swallow=True),
                "down": lambda proxy=proxy: proxy.set("down", swallow=True),
                "refused": proxy.refuse,
            }
            for name, fault in faults.items():
                with self.subTest(edge=edge, fault=name), after_failure(proxy.heal, proxy.reset), self.watch():
                    fault()
                    self.send_more(100)
                    self.assert_idle(self.speed, self.serving, seconds=1.5)
                    self.assert_programs_run()
                    proxy.heal()
                    proxy.reset()  # what was swallowed is gone, as after a failover of the network
                    self.assert_all_served()
        self.assert_recovered()

    def test_half_open_connections_are_given_up(self):
        """Row 14: old connections are silent for ever and never closed; new ones work."""
        self.start()
        for edge in EDGES:
            proxy = self.proxies[edge]
            with self.subTest(edge=edge), after_failure(proxy.heal, proxy.reset), self.watch():
                self.assertGreater(proxy.stall_existing(), 0)
                self.send_more(100)
                self.assert_all_served()
                self.publish()
                served = lambda: self.epoch() == self.published_epoch()  # noqa: B023, E731
                wait_until(served, 60, "what was published is answered")
        self.assert_recovered()

    def epoch(self):
        return self.job.view("daily_revenue").json["provenance"]["batch"]["epoch"]

    def published_epoch(self):
        return int(self.sql("select epoch from tidemark.source"))

    def test_batch_run_gives_up_a_connection_that_is_half_open(self):
        """Row 14: in one direction and in the other, in the midst of a run."""
        self.start()
        for direction in ("up", "down"):
            self.send_more(2000)
            self.assert_all_served()
            self.postgres_proxy.set("up", drip=(2000, 0.1))
            batch = self.job.start_batch()
            copying = "select count(*) from pg_stat_activity where state = 'active' and query like 'copy raw%'"
            wait_until(lambda: self.sql(copying) != "0", 60, "a COPY is under way", every=0.01, children=[batch])
            self.postgres_proxy.stall_existing(direction)
            self.postgres_proxy.heal()
            self.assertEqual(batch.end(90), 69, batch.tail())
            # The old session ends once its server has seen that it is alone; here it is reset at last.
            self.postgres_proxy.reset()
            self.assert_recovered()

    def test_slow_links_are_no_error(self):
        """Row 15: a few kB/s on each edge in turn; nobody gives up a link on which bytes move."""
        self.start()
        for edge, drip in (("kafka", (600, 0.05)), ("redis", (300, 0.05)), ("postgres", (600, 0.05))):
            proxy = self.proxies[edge]
            with self.subTest(edge=edge), after_failure(proxy.heal, proxy.reset), self.watch():
                proxy.set("both", drip=drip)
                accepted = proxy.accepted
                self.send_more(100)
                self.assert_all_served()
                self.assertLess(proxy.accepted - accepted, 20)
                self.assert_programs_run()
                proxy.heal()
        self.assert_recovered()

    def test_batch_run_over_a_slow_link_takes_its_time(self):
        """Row 15: a COPY of which for seconds nobody hears."""
        self.start()
        self.send_more(1500)
        self.assert_all_served()
        with self.watch():
            self.postgres_proxy.set("up", drip=(500, 0.05))
            self.job.batch(within=300)
            self.postgres_proxy.heal()
        self.assert_recovered()

    def test_latency_of_200_ms_is_no_error(self):
        """Row 16: on all edges at once, with jitter."""
        self.start()
        marks = {child: len(log_of(child)) for child in (self.speed, self.serving)}
        for proxy in self.proxies.values():
            proxy.set("both", delay=0.1, jitter=0.05)
        with self.watch():
            self.send_more(200)
            self.assert_all_served()
            self.publish()
            self.assert_all_served()
        for child, mark in marks.items():
            self.assertNotIn("waiting for it", log_of(child)[mark:])
            self.assertNotIn("can't be read", log_of(child)[mark:])
        self.assert_recovered()

    def test_lost_packets_cost_only_time(self):
        """Row 17: of a hundred packets between the programs and each server five are lost, in both directions."""
        self.start()
        with PacketLoss([proxy.port for proxy in self.proxies.values()], 5) as loss, self.watch():
            for _ in range(3):
                self.send_more(300)
                self.assert_all_served()
                self.publish()
            self.assert_all_served()
            wait_until(lambda: loss.lost() > 100, 60, "a hundred packets were lost")
        self.assert_programs_run()
        self.assert_recovered()

    def test_flipped_bytes_end_the_connection(self):
        """Row 18: the first byte of many pieces is wrong, which the protocols of Redis and PostgreSQL notice; a flipped
        byte within a value is what TCP's checksum is for, and TLS."""
        self.start()
        for edge, direction in itertools.product(("redis", "postgres"), ("down", "up")):
            proxy = self.proxies[edge]
            with self.subTest(edge=edge, direction=direction), after_failure(proxy.heal, proxy.reset), self.watch():
                proxy.set(direction, flip_every=5)
                accepted = proxy.accepted
                self.send_more(100)
                wait_until(lambda: proxy.accepted > accepted + 2, 60, "connections are made anew")  # noqa: B023
                self.assert_programs_run()
                proxy.heal()
                self.assert_all_served()
        self.assert_recovered()

    def test_figures_changed_within_batches_of_kafka_are_noticed_and_fetched_again(self):
        """Row 18: amounts arrive as others, in messages that are right in every other way; the batch's checksum tells."""
        self.start()
        proxy = self.kafka_proxy
        swap = (b'"amount":1', b'"amount":9')
        with after_failure(proxy.heal, proxy.reset), self.watch() as watch:
            proxy.set("down", swap=swap)
            self.send_more(400)
            self.wait_for_log(self.speed, "failed CRC32C check")
            self.job.batch(expect=(69,))
            self.assertIn("failed CRC32C check", self.job.logs())
            stands = lambda: "unreadable" in self.job.alarms().values()  # noqa: E731
            wait_until(stands, 60, "the status names what can't be read", children=[self.speed])
            self.assert_idle(self.speed)
            proxy.heal()
            self.assert_all_served()
        self.assertEqual(watch.missing(), set())
        readable = lambda: not any(self.job.alarms().values())  # noqa: E731
        wait_until(readable, 60, "nothing is said to be unreadable any more")
        with after_failure(proxy.heal, proxy.reset):
            proxy.set("down", swap=swap, swaps=2)
            self.job.batch()
            self.assertEqual(proxy.down.swaps, 0)
            proxy.heal()
        self.assert_recovered()


if __name__ == "__main__":
    unittest.main()
