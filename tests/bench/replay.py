# SPDX-License-Identifier: Apache-2.0
"""A topic replayed beside slots that are in use, and the speed layer that reads it for the first time, in turns."""

from beside import Beside
from measure import Measured, comparison, table

from support.tidemark import source, view

VIEWS = {
    "by_minute": view("orders", "tumbling 1 minute", retention="3660 days"),
    "daily_summary": view("orders", dimensions=["category", "customer_segment"], retention="3660 days"),
}


class ReplayBench(Beside):
    def __init__(self, folder, orders, rounds):
        super().__init__(folder, "bench_generate", orders, rounds)

    def run(self):
        """The tables, as Markdown."""
        runs = {f"tidemark-speed run, {number} worker{'s' * (number > 1)}": self.way(number, False) for number in (1, 2)}
        replays = {f"tidemark-speed replay, {number} worker{'s' * (number > 1)}": self.way(number, True) for number in (1, 2)}
        rounds = self.in_turns({**runs, **replays}, self.all_counted)
        pairs = [comparison({replay: rounds[replay]}, {run: rounds[run]}) for replay, run in zip(replays, runs)]
        return "\n".join([self.head("orders", rounds), table(rounds), "", pairs[0], pairs[1].splitlines()[-1]])

    def way(self, workers, is_replay):
        def run(topic, _):
            job = self.platform({"orders": source(topic, batch="none")}, views=VIEWS, speed={"workers": workers})
            measured = self.until_end(job)
            if is_replay:
                measured = self.replay(job)
            return measured, self.counted(job)

        return run

    def replay(self, job):
        return Measured(
            [job.bin / "tidemark-speed", "replay", "--config", job.path],
            job.folder / "replay.log",
            servers=[("Redis", self.redis.child)],
            env=job.environment(),
        )
