# SPDX-License-Identifier: Apache-2.0
"""What a deployment must do, one thing after the other; see tests/compose/run."""

import json
import math
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from support.process import ROOT, wait_until
from support.tidemark import differences, oracle_view

from .deployment import OURS, PROJECT, STORES, VIEWS, Deployment, Orders, image_sizes, read_secrets
from .steps import run, run_on_engine

OWN_BYTES_MAX = 25 << 20  # of an image, above base and installed libraries
BACK_SECONDS = 30  # until the answer is right again after a service died
BACK_CEILING = 120  # what a busy machine makes of it


class Scenario:
    def __init__(self, engine):
        self.engine, self.deployment = engine, Deployment(engine)
        self.orders = Orders(self.deployment, seed=7)
        self.containers_before = None

    def up(self):
        done = self.deployment.compose("up", "-d", check=False)
        self.engine.note_links()
        assert done.returncode == 0, f"{done.stdout}\n{self.deployment.logs()}"
        self.deployment.wait_healthy()

    # --- the short form ---

    def images_are_built(self):
        self.engine.make_base()
        with ThreadPoolExecutor() as pool:
            stand_ins = pool.submit(self.engine.make_stand_ins, *STORES)
            self.deployment.compose("build", "--quiet", within=1200)
            stand_ins.result()

    def one_command_brings_all_services_up_healthy(self):
        self.up()
        views = self.deployment.get("/v1/views")
        assert views.status == 200, views.body

    def images_are_small(self):
        for service in OURS:
            own, below = image_sizes(self.engine, f"tidemark-{service}")
            print(f"tidemark-{service}: {own / 1e6:.1f} MB of its own, {below / 1e6:.0f} MB of base and libraries")
            assert own <= OWN_BYTES_MAX, own

    def orders_are_answered_as_an_independent_recomputation_says(self):
        self.orders.send(6000)
        self.orders.assert_served()

    def transactions_are_judged(self):
        """The sixth of a customer within five minutes, and the one above 10,000, are alerted."""
        at = datetime.now(timezone.utc).replace(microsecond=0)
        sent = [{"transaction_id": f"t{i}", "customer_id": "c", "amount": 10 if i != 3 else 10001} for i in range(6)]
        messages = [(b"c", json.dumps({**one, "timestamp": at.isoformat()}).encode()) for one in sent]
        self.deployment.send("transactions", messages)

        def texts():
            return sorted(text for alert in self.deployment.get("/v1/alerts").json["alerts"] for text in alert["alerts"])

        wanted = ["High velocity: 6 transactions in 5 min", "Large transaction: 10001.00"]
        wait_until(lambda: texts() == wanted, 120, "both are answered", every=0.5)

    def a_batch_run_changes_no_answer(self):
        self.deployment.batch_run()
        wait_until(lambda: self.deployment.epoch() > 0, 60, "what was published is answered")
        self.orders.send(2000)
        self.orders.assert_served()

    def the_lake_has_summaries_of_each_day_as_an_independent_recomputation_says(self):
        self.deployment.batch_run()
        expected = self.orders.recomputed().rows(oracle_view(VIEWS["daily_summary"], "UTC"))
        assert expected

        def is_right():
            # The schedule follows the run, too: where it was sooner no days are left, and a job says what it lacks of yesterday.
            for job in ("archive_orders", "daily_summary"):
                self.deployment.execute("batch", "tidemark-batch", "run", job, check=False)
            difference = differences(expected, self.deployment.summaries())
            if difference:
                raise AssertionError(difference)
            return True

        wait_until(is_right, 120, "each day has its summary")

    def stopping_ends_our_programs_with_0(self):
        """137 is a program that had to be killed."""
        containers = {service: self.deployment.container(service) for service in OURS}
        self.deployment.compose("stop", *OURS)
        codes = {service: self.deployment.inspect(name)["State"]["ExitCode"] for service, name in containers.items()}
        assert set(codes.values()) == {0}, f"{codes}\n{self.deployment.logs()}"

    def down_leaves_nothing(self):
        self.deployment.compose("--profile", "demo", "--profile", "monitoring", "down", "--volumes")
        left = self.engine.docker("ps", "-aq").stdout.split()
        left += self.engine.docker("volume", "ls", "-q").stdout.split()
        left += self.engine.docker("network", "ls", "-q", "--filter", "driver=bridge").stdout.split()
        assert not left, left

    SHORT = (
        images_are_built,
        one_command_brings_all_services_up_healthy,
        images_are_small,
        orders_are_answered_as_an_independent_recomputation_says,
        transactions_are_judged,
        a_batch_run_changes_no_answer,
        the_lake_has_summaries_of_each_day_as_an_independent_recomputation_says,
        stopping_ends_our_programs_with_0,
        down_leaves_nothing,
    )

    # --- the whole ---

    def a_wrong_configuration_is_said_and_starts_nothing(self):
        right = self.deployment.configuration.read_text()
        self.deployment.configure(right.replace("memory:", "memroy:"))
        done = self.deployment.compose("up", "-d", check=False)
        said = self.deployment.compose("logs", "--no-color", "check").stdout
        code = self.deployment.inspect(self.deployment.container("check"))["State"]["ExitCode"]
        assert done.returncode != 0 and code == 78, f"{code} {done.stdout}"
        assert re.search(r"tidemark\.yaml:\d+:\d+: unknown key \"memroy\"; did you mean \"memory\"", said), said
        for service in OURS:
            running = [n for n in self.deployment.containers(service) if self.deployment.inspect(n)["State"]["Running"]]
            assert not running, service
        self.deployment.configure(right)

    def nothing_runs_as_root(self):
        for service in OURS + STORES:
            shown = self.engine.docker("top", self.deployment.container(service), "-eo", "uid,pid,comm").stdout
            for line in shown.splitlines()[1:]:
                assert line.split()[0] != "0", f"{service}: {line}"

    def root_file_systems_are_read_only_and_nothing_is_left_of_capabilities(self):
        for service in OURS + ("postgres", "redis"):
            host = self.deployment.inspect(self.deployment.container(service))["HostConfig"]
            assert host["ReadonlyRootfs"], service
            assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], service
            assert host["SecurityOpt"] == ["no-new-privileges:true"] and host["Memory"] > 0 and host["PidsLimit"] > 0

    def only_serving_is_published_and_on_this_machine_alone(self):
        for service in OURS + STORES:
            ports = self.deployment.inspect(self.deployment.container(service))["NetworkSettings"]["Ports"] or {}
            published = [where for places in ports.values() for where in places or []]
            wanted = [{"HostIp": "127.0.0.1", "HostPort": str(self.deployment.port)}] if service == "serving" else []
            assert published == wanted, f"{service}: {published}"
        self.assert_listens(self.deployment.port)
        [network] = json.loads(self.engine.docker("network", "inspect", f"{PROJECT}_stores").stdout)
        assert network["Internal"], network

    def assert_listens(self, *ports):
        """The engine listens for its containers at these ports of 127.0.0.1, and nowhere else."""
        found, wanted = self.engine.listens_for_containers(), {("127.0.0.1", port) for port in ports}
        assert found == wanted, f"{found}, not {wanted}"

    def secrets_are_in_no_environment_and_no_log(self):
        passwords = read_secrets(self.deployment)
        assert len(passwords) == 8 and len(set(passwords)) == 8, len(passwords)
        shown = self.deployment.compose("logs", "--no-color").stdout
        for service in OURS + STORES:
            shown += str(self.deployment.inspect(self.deployment.container(service)))
        assert not any(password in shown for password in passwords)

    def a_program_reads_no_secret_but_its_own(self):
        for service in OURS:
            for other in OURS + ("postgres", "redis"):
                done = self.deployment.execute(service, "ls", f"/run/secrets/{other}", check=False)
                assert (done.returncode == 0) == (other == service), f"{service} {other}: {done.stdout}"

    def roles_may_do_what_they_must_and_no_more(self):
        for role in ("speed", "serving"):
            assert self.deployment.sql(role, "select count(*) >= 0 from tidemark.run").stdout.strip() == "t"
            for statement in ("delete from tidemark.run", "create table public.x (a int)", "create schema x"):
                done = self.deployment.sql(role, statement)
                assert done.returncode != 0 and re.search("permission denied", done.stdout), done.stdout
        assert "permission" in self.deployment.redis("serving", "hset", "tidemark:x", "a", "b")
        assert "permission" in self.deployment.redis("serving", "function", "flush")
        assert "permission" in self.deployment.redis("speed", "set", "elsewhere", "b")
        assert "permission" in self.deployment.redis("speed", "flushall")
        assert "permission" in self.deployment.redis("speed", "config", "get", "*")

    def a_batch_run_comes_by_its_clock(self):
        """With the file changed in place and a restart."""
        text = self.deployment.configuration.read_text()
        self.deployment.configure(text.replace('"*/15 * * * *"', '"* * * * *"'))
        self.deployment.compose("restart", "batch")
        before = self.deployment.epoch()
        self.orders.send(500)
        wait_until(lambda: self.deployment.epoch() > before, 150, "the schedule has published", every=0.5)
        self.orders.assert_served()

    def killed(self, service):
        """While orders come; they need Kafka themselves."""
        with ThreadPoolExecutor() as pool:
            sender = pool.submit(self.send_slowly, 1 if service == "kafka" else 4)
            if service == "kafka":
                sender.result()
            container = self.deployment.kill(service)
            sender.result()
        restarts = lambda: self.deployment.inspect(container)["RestartCount"]  # noqa: E731
        wait_until(lambda: restarts() > 0, 60, f"{service} was started again", every=0.1)
        if service == "kafka":  # which takes orders from when it is back
            healthy = lambda: self.deployment.states(["kafka"])["kafka 1"] == "healthy"  # noqa: E731
            wait_until(healthy, 120, "Kafka is back", every=0.2)
        begun, since = time.monotonic(), datetime.now(timezone.utc).isoformat()
        self.orders.send(500)
        self.orders.assert_served(BACK_CEILING)
        took = time.monotonic() - begun
        late = ", late" if took > BACK_SECONDS else ""
        print(f"{service}: the answer is right again {took:.1f} s after it is back{late}")
        if took > BACK_SECONDS:
            print(self.engine.docker("logs", "--since", since, self.deployment.container("speed")).stdout)
        self.deployment.wait_healthy()

    def send_slowly(self, times):
        for _ in range(times):
            self.orders.send(200)

    def speed_is_killed_and_comes_back(self):
        self.killed("speed")

    def batch_is_killed_and_comes_back(self):
        self.killed("batch")

    def serving_is_killed_and_comes_back(self):
        self.killed("serving")

    def redis_is_killed_and_comes_back(self):
        """With what was committed: it replays its append-only file as its default user."""
        since = datetime.now(timezone.utc).isoformat()
        self.killed("redis")
        assert not self.said("redis", "CRITICAL|NOPERM", since), self.deployment.logs()

    def postgres_is_killed_and_comes_back(self):
        self.killed("postgres")

    def kafka_is_killed_and_comes_back(self):
        self.killed("kafka")

    def two_speed_processes_share_the_work(self):
        self.deployment.compose("up", "-d", "--scale", "speed=2")
        states = self.deployment.wait_healthy()
        assert len(states) == 7, states
        self.orders.send(2000)
        self.orders.assert_served()
        self.deployment.compose("up", "-d", "--scale", "speed=1")
        self.orders.send(500)
        self.orders.assert_served()

    def an_update_in_place_changes_no_answer(self):
        """A new image of each program, one after the other, while orders come."""
        before = {service: self.deployment.container(service) for service in OURS}
        for service in OURS:
            self.deployment.compose("up", "-d", "--no-deps", "--force-recreate", service)
            self.orders.send(300)
        self.deployment.wait_healthy()
        self.orders.assert_served()
        assert all(self.deployment.container(service) != name for service, name in before.items())

    def a_view_is_added_by_a_line_and_a_restart(self):
        text = self.deployment.configuration.read_text()
        added = "  hourly_revenue:\n    source: orders\n    window: tumbling 1 hour\n    measures: { orders: count }\n"
        self.deployment.configure(text.replace("\nviews:\n", f"\nviews:\n{added}"))
        try:
            self.deployment.compose("run", "--rm", "check")
        except AssertionError:
            self.deployment.configure(text)  # what comes behind it needs one that is right
            raise
        self.deployment.compose("restart", *OURS)
        answers = lambda: self.deployment.view("hourly_revenue").complete  # noqa: E731
        wait_until(answers, 180, "the new view is answered", every=0.5)
        self.orders.assert_served()

    def a_port_in_use_is_named_and_all_else_goes_on(self):
        self.deployment.compose("rm", "--stop", "--force", "serving")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = str(listener.getsockname()[1])
            done = self.deployment.compose("up", "-d", "--no-deps", "serving", check=False, TIDEMARK_PORT=port)
            state = self.deployment.inspect(self.deployment.container("serving"))["State"]
        self.deployment.compose("up", "-d", "--no-deps", "serving")
        assert done.returncode != 0 and re.search(rf"127\.0\.0\.1:{port}\b.*already in use", done.stdout), done.stdout
        assert state["Status"] == "created", state
        self.deployment.wait_healthy()
        self.orders.assert_served()

    def a_password_that_is_refused_is_named_and_starts_nothing_again(self):
        refused = {
            "speed": ("speed/redis", r"Redis.*it refuses this user and password"),
            "batch": ("batch/postgres", r"PostgreSQL.*password authentication failed"),
        }
        for file, _ in refused.values():
            self.deployment.in_secrets(f"cp -p {file} {file}.right && printf wrong >{file}")
        since = datetime.now(timezone.utc).isoformat()
        self.deployment.compose("restart", *refused)
        try:
            for service, (_, words) in refused.items():
                self.assert_hindered(service, words, since)
        finally:
            for file, _ in refused.values():
                self.deployment.in_secrets(f"mv {file}.right {file}")
            self.deployment.compose("restart", *refused)
        self.deployment.wait_healthy()
        self.orders.assert_served()

    def assert_hindered(self, service, words, since):
        """It says so, its probe too, and it goes on."""
        lines = wait_until(lambda: self.said(service, words, since), 60, f"{service} says {words}", every=0.2)
        assert len(lines) <= 2 * 4, lines  # of so many partitions: when it begins, and then now and then
        probe = lambda: self.deployment.execute(service, f"tidemark-{service}", "probe", check=False)  # noqa: E731
        wait_until(lambda: probe().returncode == 1, 60, f"the probe of {service} is 1", every=0.2)
        assert self.deployment.restarts(service) == 0, self.deployment.logs()

    def a_secret_that_cannot_be_read_is_named_and_tried_ever_more_seldom(self):
        """Docker waits twice as long after each end of a container, from a tenth of a second to a minute."""
        self.deployment.in_secrets("chown 0:0 serving/redis")
        since, begun = datetime.now(timezone.utc).isoformat(), time.monotonic()
        self.deployment.compose("restart", "serving")
        try:
            wait_until(lambda: self.deployment.restarts("serving") >= 2, 60, "it was started again", every=0.2)
            lines = self.said("serving", "", since)
            tried, most = self.deployment.restarts("serving"), 2 + math.log2(10 * (time.monotonic() - begun) + 1)
        finally:
            self.deployment.in_secrets("chown 10003:10003 serving/redis")
            self.deployment.compose("restart", "serving")
        said = [line for line in lines if " info: " not in line]
        wanted = r'tidemark\.yaml:\d+:\d+: "password_file" can\'t be read.*: Permission denied$'
        assert said and all(re.search(wanted, line) for line in said), lines
        assert tried <= most, f"{tried} times, at most {most:.0f}"
        self.deployment.wait_healthy()
        self.orders.assert_served()

    def said(self, service, pattern, since):
        lines = self.engine.docker("logs", "--since", since, self.deployment.container(service)).stdout.splitlines()
        return [line for line in lines if re.search(pattern, line)]

    def the_demo_sends_orders(self):
        before = sum(self.deployment.view("daily_revenue").offsets.values())
        self.deployment.compose("--profile", "demo", "up", "-d", "demo")
        more = lambda: sum(self.deployment.view("daily_revenue").offsets.values()) > before + 1000  # noqa: E731
        wait_until(more, 120, "the demo's orders are answered", every=0.5)
        name = self.deployment.container("demo")
        self.deployment.compose("--profile", "demo", "stop", "demo")
        assert self.deployment.inspect(name)["State"]["ExitCode"] == 0

    def prometheus_sees_all_programs_and_no_alarm(self):
        self.engine.make_stand_ins("prometheus")
        self.deployment.compose("--profile", "monitoring", "up", "-d", "--no-deps", "prometheus")
        jobs = {f"tidemark-{service}" for service in OURS}

        def all_up():
            targets = self.deployment.prometheus("targets")["activeTargets"]
            return {target["labels"]["job"] for target in targets if target["health"] == "up"} == jobs

        wait_until(all_up, 120, "all three are scraped", every=0.5)
        [group] = self.deployment.prometheus("rules")["groups"]
        rules = (ROOT / "deploy" / "monitoring" / "alerts.yml").read_text().count("alert: ")
        assert len(group["rules"]) == rules and all(rule["health"] in ("ok", "unknown") for rule in group["rules"]), group
        firing = [alert for alert in self.deployment.prometheus("alerts")["alerts"] if alert["state"] == "firing"]
        assert not firing, firing
        [taken] = self.deployment.prometheus("query?query=sum(tidemark_speed_messages_total)")["result"]
        assert int(taken["value"][1]) > 0, taken
        self.assert_listens(self.deployment.port, self.deployment.prometheus_port)

    def down_and_up_again_answers_the_same(self):
        self.deployment.compose("--profile", "monitoring", "down")
        self.up()
        self.orders.assert_served()

    def the_log_says_of_restarts_only_what_is_true(self):
        """No service was started again but those that were killed."""
        for service in OURS + STORES:
            count = self.deployment.restarts(service)
            assert count == 0, f"{service}: {count}\n{self.deployment.logs()}"

    WHOLE = (
        images_are_built,
        a_wrong_configuration_is_said_and_starts_nothing,
        one_command_brings_all_services_up_healthy,
        images_are_small,
        orders_are_answered_as_an_independent_recomputation_says,
        transactions_are_judged,
        a_batch_run_changes_no_answer,
        the_lake_has_summaries_of_each_day_as_an_independent_recomputation_says,
        nothing_runs_as_root,
        root_file_systems_are_read_only_and_nothing_is_left_of_capabilities,
        only_serving_is_published_and_on_this_machine_alone,
        secrets_are_in_no_environment_and_no_log,
        a_program_reads_no_secret_but_its_own,
        roles_may_do_what_they_must_and_no_more,
        a_batch_run_comes_by_its_clock,
        speed_is_killed_and_comes_back,
        batch_is_killed_and_comes_back,
        serving_is_killed_and_comes_back,
        redis_is_killed_and_comes_back,
        postgres_is_killed_and_comes_back,
        kafka_is_killed_and_comes_back,
        two_speed_processes_share_the_work,
        an_update_in_place_changes_no_answer,
        a_view_is_added_by_a_line_and_a_restart,
        a_port_in_use_is_named_and_all_else_goes_on,
        a_password_that_is_refused_is_named_and_starts_nothing_again,
        a_secret_that_cannot_be_read_is_named_and_tried_ever_more_seldom,
        prometheus_sees_all_programs_and_no_alarm,
        down_and_up_again_answers_the_same,
        the_log_says_of_restarts_only_what_is_true,
        the_demo_sends_orders,
        stopping_ends_our_programs_with_0,
        down_leaves_nothing,
    )
    # What is of no use where these failed.
    NEEDED = (images_are_built, one_command_brings_all_services_up_healthy)


def main():
    def play(engine, options):
        return run(Scenario(engine), Scenario.SHORT if options.short else Scenario.WHOLE)

    run_on_engine("the deployment by docker-compose", play, has_short=True)


if __name__ == "__main__":
    main()
