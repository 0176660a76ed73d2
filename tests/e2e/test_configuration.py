# SPDX-License-Identifier: Apache-2.0
"""A configuration that can't work ends each program at once, with its exit code and a line that says where and what."""

import unittest

from support.tidemark import BIN, Folder, Platform, run_to_the_end, source, view

PROGRAMS = (["tidemark-speed", "run"], ["tidemark-batch", "run"], ["tidemark-serving", "run"])


class Configuration(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("configuration")
        self.addCleanup(self.folder.remove)
        # Nothing listens there: a program that tries to connect before it has read its configuration is found out.
        nowhere = "127.0.0.1:1"
        self.job = Platform(
            self.folder / "tidemark",
            nowhere,
            f"redis://{nowhere}/0",
            f"postgresql://tidemark@{nowhere}/tidemark",
            {"orders": source("orders")},
            {"daily_revenue": view("orders")},
        )

    def assert_refused(self, word, *options):
        for program in PROGRAMS:
            arguments = [BIN / program[0], *program[1:], "--config", self.job.path, *options]
            code, output = run_to_the_end(arguments)
            self.assertEqual(code, 78, f"{program}: {output}")
            self.assertIn(word, output)
            self.assertRegex(output, r"tidemark\.yaml:\d+:\d+: ")

    def test_good_configuration_is_accepted_without_connecting(self):
        for program in PROGRAMS:
            arguments = [BIN / program[0], *program[1:], "--config", self.job.path, "--check-config"]
            code, output = run_to_the_end(arguments)
            self.assertEqual(code, 0, f"{program}: {output}")

    def test_unknown_key_is_refused_with_the_word_that_was_meant(self):
        self.job.config["sources"]["orders"]["horzion"] = "48 hours"
        self.job.write()
        self.assert_refused("horizon")

    def test_key_given_twice_is_refused(self):
        with self.job.path.open("a") as file:
            file.write("time_zone: UTC\n")
        self.assert_refused("time_zone")

    def test_unknown_field_in_a_condition_is_refused_with_the_word_that_was_meant(self):
        self.job.config["views"]["daily_revenue"]["where"] = "statsu <> 'cancelled'"
        self.job.write()
        self.assert_refused("status")

    def test_unknown_time_zone_is_refused(self):
        self.job.config["time_zone"] = "Europe/Londno"
        self.job.write()
        self.assert_refused("Europe/Londno")

    def test_bad_cron_line_is_refused(self):
        self.job.config["jobs"] = {"nightly": {"schedule": "61 2 * * *"}}
        self.job.write()
        self.assert_refused("61")

    def test_missing_file_is_refused(self):
        for program in PROGRAMS:
            arguments = [BIN / program[0], *program[1:], "--config", self.folder / "absent.yaml"]
            code, output = run_to_the_end(arguments)
            self.assertEqual(code, 78, f"{program}: {output}")
            self.assertIn("absent.yaml", output)

    def test_unknown_option_is_a_usage_error(self):
        for program in PROGRAMS:
            code, output = run_to_the_end([BIN / program[0], *program[1:], "--confg", self.job.path])
            self.assertEqual(code, 64, f"{program}: {output}")


if __name__ == "__main__":
    unittest.main()
