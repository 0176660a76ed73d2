# SPDX-License-Identifier: Apache-2.0
"""Two installations that follow one topic: each with a group of its own, or with one group by mistake."""

from support.process import wait_until
from support.tidemark import source, view

from .servers import EndToEnd, month


class TwoInstallations(EndToEnd):
    def start(self):
        """The simple platform, whose speed layer has read the topic, and another installation beside it."""
        self.servers()
        self.simple_platform(self.topic())
        self.job.serving(ready=True)
        self.speed = self.job.speed()
        self.send(month(0, 200))
        self.other = self.platform({"orders": source(self.name)}, {"daily_revenue": view("orders")})

    def foreign(self):
        """The partitions that are missing in the answers for that reason."""
        answer = self.job.view("daily_revenue")
        missing = answer.json["provenance"]["missing"]
        self.assertEqual(answer.complete, not missing)
        return {m["partition"] for m in missing if m["reason"] == "foreign"}

    def test_partitions_that_a_foreign_member_reads_are_missing_and_it_is_named(self):
        self.start()
        self.assert_all_served()
        self.other.config["kafka"]["group"] = self.job.config["kafka"]["group"]
        self.other.write()
        intruder = self.other.speed()
        wait_until(lambda: len(self.foreign()) == 2, 120, "two are missing", children=[self.speed, intruder])
        foreign = self.foreign()
        alarms = {number for number, alarm in self.job.alarms().items() if alarm == "foreign"}
        self.assertEqual(alarms, foreign)
        metrics = self.job.get("/metrics").body.decode()
        self.assertIn('tidemark_serving_partitions_stopped{source="orders"} 2\n', metrics)
        log = self.speed.log.read_text()
        self.assertIn("error: source orders: a foreign member of the consumer group", log)
        self.assertRegex(log, f"reads partitions \\d, \\d: client id tidemark/{self.other.folder.name}/orders, host /")
        self.assertIn(f"client id tidemark/{self.job.folder.name}/orders", intruder.log.read_text())
        self.send(month(200, 200))
        self.assertEqual(self.job.batch(expect=(75,)), 75)
        said = self.job.children[-1].log.read_text()
        self.assertRegex(said, f"kafka.group \\(client id tidemark/{self.other.folder.name}/orders, host /")
        self.assertEqual(len(self.foreign()), 2)
        self.assertEqual(intruder.stop(), 0)
        self.assert_all_served()
        wait_until(lambda: not any(self.job.alarms().values()), 60, "the alarms are gone", children=[self.speed])

    def test_partitions_that_were_never_ours_are_missing_too(self):
        self.start()
        self.assert_all_served()
        self.assertEqual(self.speed.stop(), 0)
        self.redis.command("FLUSHALL")
        self.other.config["kafka"]["group"] = self.job.config["kafka"]["group"]
        self.other.write()
        intruder = self.other.speed()
        taken = lambda: b"has 4 partitions" in intruder.log.read_bytes()  # noqa: E731
        wait_until(taken, 60, "it has them all", children=[intruder])
        run = self.job.start_batch()
        self.assertEqual(run.end(120), 75, run.tail())
        self.assertIn(f"(client id tidemark/{self.other.folder.name}/orders, host /", run.tail())
        self.assertEqual(self.postgres.sql("select count(*) from tidemark.partition where unread").strip(), "0")
        self.speed = self.job.speed()
        wait_until(lambda: len(self.foreign()) == 2, 120, "two are missing", children=[self.speed, intruder])
        self.assertEqual(intruder.stop(), 0)
        self.assert_all_served()

    def test_group_is_the_namespace_where_none_is_given(self):
        self.start()
        self.job.stop()
        for platform in (self.job, self.other):
            del platform.config["kafka"]["group"]
            platform.write()
        self.job.serving(ready=True)
        self.other.serving(ready=True)
        self.job.speed()
        self.other.speed()
        for platform in (self.job, self.other):
            self.assert_caught_up(platform, self.reader, self.name, self.log)
            self.assertIn("has 4 partitions", platform.logs())
