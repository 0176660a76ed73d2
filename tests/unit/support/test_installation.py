# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` leaves: units of systemd, manual pages, completion, an example."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.process import ROOT
from support.tidemark import BIN

PROGRAMS = ("tidemark-speed", "tidemark-batch", "tidemark-serving")
EXPOSURE_MAX = 20  # tenths


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = Path(tempfile.mkdtemp(prefix="tidemark-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        environment = {**os.environ, "DESTDIR": str(cls.root)}
        done = run("cmake", "--install", BIN.parent, "--prefix", "/usr", env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        cls.units = sorted((cls.root / "usr/lib/systemd/system").iterdir())

    def test_everything_is_there(self):
        names = {path.name for path in self.units}
        services = {"tidemark-speed.service", "tidemark-batch.service", "tidemark-serving.service"}
        others = {"tidemark-batch-run.service", "tidemark-batch.timer", "tidemark-emit.service"}
        self.assertEqual(names, services | others)
        for program in PROGRAMS:
            for path in (f"bin/{program}", f"share/man/man1/{program}.1", f"share/bash-completion/completions/{program}"):
                self.assertTrue((self.root / "usr" / path).exists(), path)

    def test_units_are_hardened(self):
        for unit in self.units:
            if unit.suffix == ".service":
                threshold = f"--threshold={EXPOSURE_MAX}"
                done = run("systemd-analyze", "security", "--offline=true", "--no-pager", threshold, unit)
                self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)

    def test_systemd_understands_every_line(self):
        copies = Path(tempfile.mkdtemp(dir=self.root))
        for unit in self.units:  # with programs that are there
            (copies / unit.name).write_text(unit.read_text().replace("/usr/bin/", f"{self.root}/usr/bin/"))
        done = run("systemd-analyze", "verify", "--man=no", *sorted(copies.iterdir()))
        ours = [line for line in done.stderr.splitlines() if "tidemark" in line]
        self.assertEqual(ours, [], done.stderr)

    def test_a_wrong_configuration_is_not_tried_again(self):
        for unit in self.units:
            text = unit.read_text()
            if "Type=notify" in text:
                self.assertIn("\nRestart=on-failure\nRestartPreventExitStatus=78 CREDENTIALS\n", text, unit.name)
                self.assertIn("\nWatchdogSec=", text, unit.name)

    def test_only_the_schedule_may_write_and_only_to_its_lake(self):
        places = {unit.name: re.findall(r"^(?:StateDirectory|ReadWritePaths)=(.*)$", unit.read_text(), re.MULTILINE)
                  for unit in self.units if unit.suffix == ".service"}  # fmt: skip
        others = {name: [] for name in places if name != "tidemark-batch.service"}
        self.assertEqual(places, {**others, "tidemark-batch.service": ["tidemark/lake"]})

    def test_manual_pages_have_every_command_and_option(self):
        for program in PROGRAMS:
            page = run("man", "--warnings", "-E", "UTF-8", "-l", self.root / f"usr/share/man/man1/{program}.1",
                       env={**os.environ, "MANWIDTH": "80"})  # fmt: skip
            self.assertEqual((page.returncode, page.stderr), (0, ""))
            help_text = run(BIN / program, "--help").stdout
            for option in re.findall(r"--[a-z-]+", help_text):
                self.assertIn(option, page.stdout.replace("\N{HYPHEN}", "-"), f"{program} {option}")

    def complete(self, program, *words):
        file = self.root / f"usr/share/bash-completion/completions/{program}"
        function = f"_{program.replace('-', '_')}"
        script = f'. "{file}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function}; echo "${{COMPREPLY[@]}}"'
        done = run("bash", "-c", script, "bash", program, *words)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_the_shell_completes_commands_and_their_options(self):
        self.assertEqual(self.complete("tidemark-batch", "ver"), ["verify"])
        self.assertEqual(self.complete("tidemark-batch", "run", "--acc"), ["--accept-partitions", "--accept-gaps"])
        self.assertEqual(self.complete("tidemark-batch", "verify", "--acc"), [])
        self.assertIn("probe", self.complete("tidemark-serving", ""))
        self.assertIn("--config", self.complete("tidemark-speed", "run", "--"))
        self.assertEqual(self.complete("tidemark-speed", "--config", "/etc/hostn"), ["/etc/hostname"])

    def test_the_example_is_right(self):
        example = self.root / "usr/share/doc/tidemark/tidemark.yaml"
        for program in PROGRAMS:
            done = run(BIN / program, "--check-config", "--config", example)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_example_has_each_view_that_the_readme_asks_for(self):
        example = (ROOT / "deploy/systemd/tidemark.example.yaml").read_text()
        asked = set(re.findall(r"/v1/views/([a-z_]+)", (ROOT / "README.md").read_text()))
        self.assertIn("daily_revenue", asked)
        self.assertLessEqual(asked, set(re.findall(r"^  ([a-z_]+):$", example.partition("\nviews:")[2], re.MULTILINE)))


if __name__ == "__main__":
    unittest.main()
