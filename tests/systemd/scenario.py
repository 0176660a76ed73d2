# SPDX-License-Identifier: Apache-2.0
"""What the units of systemd must do, one thing after the other; see tests/systemd/run."""

import re
import time

from compose.steps import run, run_on_engine, say
from e2e.servers import month
from support import online_retail, oracle
from support.kafka import Kafka, Writer
from support.postgres import Postgres
from support.process import ROOT, wait_until
from support.redis import Redis
from support.sinks import read_hash
from support.tidemark import Folder, Platform, differences, source, view

from .machine import Machine

SERVICES = ("tidemark-speed", "tidemark-batch", "tidemark-serving", "tidemark-emit")
UNITS = (*SERVICES, "tidemark-batch-run")
CONFIGURATION = "/etc/tidemark/tidemark.yaml"
VIEW, TOPIC = "daily_revenue", "orders"
LAKE = "/var/lib/tidemark/lake"
LAKE_JOBS = {
    "publish": {"schedule": "* * * * *"},
    "archive_orders": {"after": ["publish"], "archive": "orders", "write": f"{LAKE}/raw/date={{date}}/"},
    "summary": {
        "after": ["archive_orders"],
        "summarise": VIEW,
        "read": f"{LAKE}/raw/date={{date}}/",
        "write": f"{LAKE}/gold/date={{date}}/",
    },
}
EXPOSURE_MAX = 20  # tenths
STOP_SECONDS = 8  # what a program takes to end at most; its unit waits for 15
EXAMPLE = (ROOT / "deploy" / "systemd" / "tidemark.example.yaml").read_text()
CREDENTIALS = "".join(re.findall(r"^#   (.*\n)", EXAMPLE, re.MULTILINE))  # as it tells operators
SECRETS = re.findall(r"/etc/\S+", CREDENTIALS)


class Stores:
    """Kafka, Redis and PostgreSQL on this machine, and a configuration that fits them; Redis wants a password."""

    def __init__(self):
        self.folder, self.closing = Folder("systemd"), []
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        self.kafka = self._closed_at_the_end(Kafka(self.folder / "kafka"))
        self.kafka.create(TOPIC, 4)
        self.kafka.create(f"{TOPIC}-dead-letter", 1)
        self.redis = self._closed_at_the_end(Redis(self.folder / "redis"))
        self.redis.command("acl", "setuser", "app", "on", ">secret", "~*", "+@all")
        self.postgres = self._closed_at_the_end(Postgres(self.folder / "postgres"))
        self.platform = Platform(
            self.folder / "tidemark",
            self.kafka.brokers,
            self.redis.url.replace("redis://", "redis://app@"),
            self.postgres.url,
            {"orders": source(TOPIC)},
            {VIEW: view("orders", emit=[{"to": "redis://live/revenue"}])},
            jobs={"yearly": {"schedule": "0 0 1 1 *"}},
        )
        for store in ("redis", "postgres"):
            self.platform.config[store]["password_file"] = f"${{CREDENTIALS_DIRECTORY}}/{store}"
        self.platform.write()
        self.reader, self.log = self.kafka.reader(), oracle.Log(oracle.Source())

    def _closed_at_the_end(self, server):
        self.closing.append(server)
        return server

    def send(self, first, count):
        writer = Writer(self.kafka.brokers)
        for order in month(first, count):
            writer.send(TOPIC, order["order_id"].encode(), online_retail.encode(order))
        writer.flush()

    def assert_served(self):
        """Waits until the answer has all that was sent, and so does what is emitted: then it is what was sent, to the digit."""
        self.reader.into(self.log, TOPIC)
        ends = {partition: end for partition, (_, end) in self.reader.ends(TOPIC).items() if end}
        definition = self.platform.oracle_view(VIEW)
        answer = self.platform.wait_complete_at(VIEW, ends)
        difference = differences(self.log.rows(definition, answer.offsets), answer.rows(definition))
        assert not difference, difference
        self.assert_emitted(definition, ends)
        return answer

    def assert_emitted(self, definition, ends):
        def copied():
            held = read_hash(self.redis, "live:revenue")
            return held if held and held.offsets.items() >= ends.items() else None

        held = wait_until(copied, 120, f"the sink states {ends}", every=0.2)
        difference = differences(self.log.rows(definition, held.offsets), held.rows(definition))
        assert not difference, difference

    def epoch(self):
        return self.platform.view(VIEW).json["provenance"]["batch"]["epoch"]

    def stop(self):
        for server in reversed(self.closing):
            server.stop()
        self.folder.remove()


class Scenario:
    def __init__(self, engine, stores):
        self.machine, self.stores = Machine(engine), stores

    def the_machine_is_installed_and_boots(self):
        self.machine.make()
        self.machine.start()
        for path in SECRETS:
            self.machine.write(path, "secret\n", mode="600")
        for unit in UNITS:
            self.machine.write(f"/etc/systemd/system/{unit}.service.d/override.conf", CREDENTIALS)
        self.machine.systemctl("daemon-reload")

    def a_wrong_configuration_is_said_in_one_line_and_not_tried_again(self):
        text = self.stores.platform.path.read_text()
        self.machine.write(CONFIGURATION, text.replace("views:", "veiws:"))
        for unit in UNITS:
            done = self.machine.systemctl("start", f"{unit}.service", check=False)
            assert done.returncode != 0, unit
            self.assert_ended(unit, ActiveState="failed", Result="exit-code", ExecMainStatus="78", NRestarts="0")
            said = [line for line in self.machine.said(f"{unit}.service") if "tidemark.yaml:" in line]
            assert len(said) == 1 and re.search(r'unknown key "veiws"; did you mean "views"', said[0]), said
            self.machine.systemctl("reset-failed", f"{unit}.service")

    def a_secret_that_is_not_there_is_not_tried_again(self):
        self.machine.write(CONFIGURATION, self.stores.platform.path.read_text())
        for path in SECRETS:
            self.machine.run("mv", path, f"{path}.away")
            for unit in UNITS:
                done = self.machine.systemctl("start", f"{unit}.service", check=False)
                assert done.returncode != 0, unit
                self.assert_ended(unit, ActiveState="failed", Result="exit-code", ExecMainStatus="243", NRestarts="0")
                self.machine.systemctl("reset-failed", f"{unit}.service")
            self.machine.run("mv", f"{path}.away", path)

    def assert_ended(self, unit, **wanted):
        """A service's properties are these."""
        found = self.machine.properties(f"{unit}.service", *wanted)
        assert found == wanted, f"{unit}: {found}, not {wanted}\n{self.machine.journal()}"

    def units_start_and_say_when_they_are_ready(self):
        """`start` returns when systemd has been told so."""
        done = self.machine.systemctl("enable", "--now", *SERVICES, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{self.machine.journal()}"
        for unit in SERVICES:
            self.assert_ended(unit, Type="notify", ActiveState="active", SubState="running", NRestarts="0")

    def orders_are_answered_as_an_independent_recomputation_says(self):
        self.stores.send(0, 3000)
        self.stores.assert_served()

    def nothing_runs_as_root_and_little_is_exposed(self):
        for unit in SERVICES:
            pid = self.machine.property(f"{unit}.service", "MainPID")
            uid = self.machine.run("stat", "-c", "%u", f"/proc/{pid}").stdout.strip()
            assert int(uid) > 0, f"{unit}: {uid}"
        for unit in UNITS:
            threshold = f"--threshold={EXPOSURE_MAX}"
            self.machine.run("systemd-analyze", "security", "--no-pager", threshold, f"{unit}.service")

    def what_is_killed_is_started_again(self):
        for unit in SERVICES:
            before = self.machine.property(f"{unit}.service", "MainPID")
            self.machine.systemctl("kill", "--signal=KILL", f"{unit}.service")

            def is_back():
                now = self.machine.properties(f"{unit}.service", "ActiveState", "MainPID", "NRestarts")  # noqa: B023
                return now["ActiveState"] == "active" and now["MainPID"] != before and now["NRestarts"] == "1"  # noqa: B023

            wait_until(is_back, 60, f"{unit} is active again", every=0.2)
        self.stores.send(3000, 1000)
        self.stores.assert_served()

    def schedule_timer(self, calendar):
        """As `systemctl edit` does it, and a restart of the timer."""
        timer = f"[Timer]\nOnCalendar=\nOnCalendar={calendar}\nAccuracySec=1s\n"
        self.machine.write("/etc/systemd/system/tidemark-batch.timer.d/override.conf", timer)
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("restart", "tidemark-batch.timer")

    def next_elapse(self):
        return self.machine.property("tidemark-batch.timer", "NextElapseUSecRealtime")

    def the_timer_lets_a_batch_run_publish(self):
        """In place of the program's own schedule, which ends for it."""
        self.schedule_timer("*:*:0/5")
        wait_until(lambda: self.stores.epoch() > 0, 120, "what the timer's run published is answered", every=0.3)
        self.schedule_timer("yearly")
        ended = lambda: self.machine.property("tidemark-batch-run.service", "ActiveState") == "inactive"  # noqa: E731
        wait_until(ended, 120, "the last run has ended", every=0.3)
        self.assert_ended("tidemark-batch-run", Result="success", ExecMainStatus="0")
        self.assert_ended("tidemark-batch", ActiveState="inactive", Result="success", ExecMainStatus="0")
        self.stores.send(4000, 500)
        self.stores.assert_served()

    def the_timer_is_reloaded(self):
        """It elapses when its new line says, and is listed."""
        assert re.search(r"-01-01 00:00:00", self.next_elapse()), self.next_elapse()
        self.schedule_timer("*-*-15 04:05:06")
        assert re.search(r"-15 04:05:06", self.next_elapse()), self.next_elapse()
        listed = self.machine.systemctl("list-timers", "--no-pager", "tidemark-batch.timer").stdout
        assert re.search(r"-15 04:05:06 .*tidemark-batch\.timer +tidemark-batch-run\.service", listed), listed

    def a_start_of_the_schedule_ends_no_answer(self):
        self.machine.systemctl("stop", "tidemark-batch.timer")
        self.machine.systemctl("start", "tidemark-batch.service")
        self.assert_ended("tidemark-batch", ActiveState="active", SubState="running")
        self.stores.assert_served()

    def units_reload_what_is_edited_by_a_restart(self):
        """Of all at once, as after an update."""
        self.machine.systemctl("restart", *SERVICES)
        for unit in SERVICES:
            self.assert_ended(unit, ActiveState="active", SubState="running", Result="success")
        self.stores.send(4500, 500)
        self.stores.assert_served()

    def a_boot_starts_what_is_enabled(self):
        self.machine.restart()
        for unit in SERVICES:
            self.assert_ended(unit, ActiveState="active", SubState="running", NRestarts="0")
        self.stores.send(5000, 500)
        self.stores.assert_served()

    def counted_in_lake(self, folder, what):
        """The sum of this count over the days of a folder, as their manifests say it."""
        files = f"find {LAKE}/{folder} -path '*/.tidemark' -prune -o -name _tidemark.json -exec cat {{}} +"
        said = self.machine.run("sh", "-c", files, check=False).stdout
        return sum(map(int, re.findall(rf'"{what}": ?(\d+)', said)))

    def the_schedule_keeps_a_lake(self):
        """In the one folder that the unit may write to."""
        self.stores.platform.config["jobs"] = LAKE_JOBS
        self.stores.platform.write()
        self.machine.write(CONFIGURATION, self.stores.platform.path.read_text())
        self.machine.systemctl("restart", "tidemark-batch.service")
        answer = self.stores.assert_served()
        orders = sum(row["order_count"] for row in answer.json["rows"])
        is_there = lambda: self.counted_in_lake("gold", "orders") == orders  # noqa: E731
        try:
            wait_until(is_there, 240, "all orders that count are in the lake", every=1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.machine.journal()}") from None
        messages = sum(len(partition) for partition in self.stores.log.partitions.values())
        assert self.counted_in_lake("raw", "messages") == messages
        pid = self.machine.property("tidemark-batch.service", "MainPID")
        owners = [self.machine.run("stat", "-Lc", "%u", path).stdout for path in (f"/proc/{pid}", f"{LAKE}/gold")]
        assert owners[0] == owners[1], owners

    def a_stop_ends_each_with_0(self):
        """A unit that systemd had to kill after 15 s has the result "timeout"."""
        for unit in SERVICES:
            begun = time.monotonic()
            self.machine.systemctl("stop", f"{unit}.service")
            took = time.monotonic() - begun
            say(f"{unit}: stopped in {took:.1f} s" + (", late" if took > STOP_SECONDS else ""))
            self.assert_ended(unit, ActiveState="inactive", Result="success", ExecMainCode="1", ExecMainStatus="0")

    STEPS = (
        the_machine_is_installed_and_boots,
        a_wrong_configuration_is_said_in_one_line_and_not_tried_again,
        a_secret_that_is_not_there_is_not_tried_again,
        units_start_and_say_when_they_are_ready,
        orders_are_answered_as_an_independent_recomputation_says,
        nothing_runs_as_root_and_little_is_exposed,
        what_is_killed_is_started_again,
        the_timer_lets_a_batch_run_publish,
        the_timer_is_reloaded,
        a_start_of_the_schedule_ends_no_answer,
        units_reload_what_is_edited_by_a_restart,
        a_boot_starts_what_is_enabled,
        the_schedule_keeps_a_lake,
        a_stop_ends_each_with_0,
    )
    NEEDED = (the_machine_is_installed_and_boots, units_start_and_say_when_they_are_ready)


def main():
    def play(engine, _):
        stores = Stores()
        try:
            return run(Scenario(engine, stores), Scenario.STEPS)
        finally:
            stores.stop()

    run_on_engine("the units of systemd", play)


if __name__ == "__main__":
    main()
