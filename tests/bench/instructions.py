# SPDX-License-Identifier: Apache-2.0
"""What a message costs in instructions, beside another build: of views without members and merged windows."""

import re
import subprocess

from beside import Beside
from views import INDEXED, MINUTE

from support.tidemark import BIN, source

INSTRUCTED, FLUSHED = 40_000, 10_000  # messages under callgrind; of a micro-batch there


class InstructionsBench(Beside):
    """`against`: the folder of another build's programs, beside which messages are counted."""

    def __init__(self, folder, against=None):
        super().__init__(folder, "bench_generate", INSTRUCTED, 1)
        self.against = against

    def run(self):
        """The table, as Markdown."""
        topic = self.topic(INSTRUCTED)
        builds = {"this build": BIN, **({"the other build": self.against} if self.against else {})}
        lines = ["| instructions a message | " + " | ".join(builds) + " |", "|---|" + "---:|" * len(builds)]
        for name, on_duplicate, views in (("one view, no index", "none", MINUTE), ("two views, index", "replace", INDEXED)):
            counts = [self.counted(topic, on_duplicate, views, programs) for programs in builds.values()]
            lines.append(f"| {name} | " + " | ".join(f"{count / INSTRUCTED:,.0f}" for count in counts) + " |")
        return "\n".join(lines)

    def counted(self, topic, on_duplicate, views, programs):
        """What taking and committing the messages executes, in whichever thread: without librdkafka's share."""
        speed = {"workers": 1, "flush_every": "1 minute", "flush_messages": FLUSHED}
        job = self.platform({"orders": source(topic, on_duplicate=on_duplicate)}, views=views, speed=speed)
        collected = [f"--toggle-collect={function}" for function in ("partition_take", "partition_commit")]
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={job.folder / 'callgrind'}", *collected]
        command += [programs / "tidemark-speed", "run", "--until-end", "--config", job.path]
        done = subprocess.run(command, capture_output=True, text=True, env=job.environment())
        found = re.search(r"Collected : ([0-9]+)", done.stderr)
        if done.returncode or not found:
            raise RuntimeError(f"{command} failed\n{done.stderr[-3000:]}")
        self.redis.command("flushall")
        return int(found[1])
