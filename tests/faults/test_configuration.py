# SPDX-License-Identifier: Apache-2.0
"""Files that can't work: each program ends at once with 78 and a line that says where, and connects to nothing."""

import os
import re
import select
import socket
import unittest

from support import certificates
from support.process import free_port
from support.tidemark import BIN, Folder, run_to_the_end

from .wrong_configurations import GOOD, KAFKA_PIECES, PIECES, UNUSUAL, WHOLE

PROGRAMS = (["tidemark-speed", "run"], ["tidemark-batch", "run"], ["tidemark-serving", "run"])
KAFKA_PROGRAMS = PROGRAMS[:2]
CODE = 78


class WrongConfigurations(unittest.TestCase):
    def setUp(self):
        self.folder = Folder("configuration")
        self.addCleanup(self.folder.remove)
        self.path = self.folder / "tidemark.yaml"
        self.sockets = {}
        for name in ("KAFKA", "REDIS", "POSTGRES"):
            listener = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(listener.close)
            self.sockets[name] = listener

    def good(self):
        text = GOOD.replace("@HTTP@", str(free_port()))
        for name, listener in self.sockets.items():
            text = text.replace(f"@{name}@", str(listener.getsockname()[1]))
        return text

    def run_all(self, path=None, programs=PROGRAMS):
        for program in programs:
            yield program[0], *run_to_the_end([BIN / program[0], *program[1:], "--config", path or self.path], 20)

    def assert_refused(self, place, word, programs=PROGRAMS):
        for program, code, output in self.run_all(programs=programs):
            self.assertEqual(code, CODE, f"{program}: {output[:2000]}")
            first = output.split("\n", 1)[0]
            self.assertRegex(first, rf"^{re.escape(str(self.path))}:{re.escape(place) or '[0-9]+:'}")
            self.assertRegex(first, r":[0-9]+:[0-9]+: .")
            self.assertIn(word, output, program)
            self.assertLess(len(output), 20_000, "an error is read by people")
        self.assert_nothing_connected()

    def assert_nothing_connected(self):
        connected, _, _ = select.select(list(self.sockets.values()), [], [], 0)
        for server in connected:
            server.accept()[0].close()  # those after it aren't blamed for it
        self.assertFalse(connected, "a program connected before it had read its configuration")

    def assert_accepted(self):
        for program in PROGRAMS:
            arguments = [BIN / program[0], *program[1:], "--config", self.path, "--check-config"]
            code, output = run_to_the_end(arguments, 20)
            self.assertEqual(code, 0, f"{program}: {output}")
        self.assert_nothing_connected()

    def test_good_file_is_accepted(self):
        for begin in "", "\ufeff":
            for line_end in "\n", "\r\n", "\r":
                with self.subTest(begin=begin, line_end=line_end):
                    self.path.write_bytes((begin + self.good().replace("\n", line_end)).encode())
                    self.assert_accepted()

    def test_each_unusual_piece_is_accepted(self):
        for name, old, new in UNUSUAL:
            with self.subTest(name):
                self.write_with(old, new)
                self.assert_accepted()

    def write_with(self, old, new):
        self.assertEqual(GOOD.count(old), 1, f"{old!r} is not one place of the good file")
        text = GOOD.replace(old, new)
        for listening, listener in self.sockets.items():
            text = text.replace(f"@{listening}@", f"{listener.getsockname()[1]:05d}")
        self.path.write_text(text.replace("@HTTP@", "18080"))

    def assert_all_refused(self, pieces, programs):
        for name, old, new, place, word in pieces:
            with self.subTest(name):
                self.write_with(old, new)
                self.assert_refused(place, word, programs)
        self.assertEqual(len({piece[0] for piece in pieces}), len(pieces), "each has a name of its own")

    def test_each_wrong_piece_is_refused_where_it_stands(self):
        self.assert_all_refused(PIECES, PROGRAMS)

    def test_each_wrong_property_of_kafka_is_refused_where_it_stands(self):
        self.assert_all_refused(KAFKA_PIECES, KAFKA_PROGRAMS)
        checks = [[*program, "--check-config"] for program in KAFKA_PROGRAMS]
        self.assert_all_refused(KAFKA_PIECES, checks)

    def test_certificate_that_can_not_be_shown_is_refused_where_it_stands(self):
        one, other = self.folder.path, self.folder / "other"
        other.mkdir()
        files, others = certificates.write_pair(one), certificates.write_pair(other)
        serving = [["tidemark-serving", "run"], ["tidemark-serving", "--check-config"]]
        for certificate, key, column, word in (
            ("/nowhere", files["key"], 1, "/nowhere: No such file or directory: name a file in PEM"),
            (files["key"], files["key"], 1, "no certificate in PEM"),
            (files["certificate"], files["certificate"], 2, "no private key in PEM"),
            (files["certificate"], others["key"], 2, "the key isn't that of the first certificate"),
        ):
            with self.subTest(certificate=certificate, key=key):
                tls = "tls: { certificate: " + certificate + ", key: " + key + " }, listen:"
                place = 29 + (column - 1) * (len(certificate) + len(", key: "))
                self.write_with("listen:", tls)
                self.assert_refused(f"5:{place}", word, serving)
        self.write_with("listen:", "tls: { certificate: " + files["certificate"] + ", key: " + files["key"] + " }, listen:")
        self.assert_accepted()

    def test_each_file_that_is_wrong_as_a_whole_is_refused(self):
        for name, content, place, word in WHOLE:
            with self.subTest(name):
                self.path.write_bytes(content)
                self.assert_refused(place, word)

    def assert_not_read(self, path, word):
        for program, code, output in self.run_all(path):
            self.assertEqual(code, CODE, f"{program}: {output[:2000]}")
            self.assertIn(str(path), output)
            self.assertIn(word, output)
        self.assert_nothing_connected()

    def test_file_of_100_megabytes_is_refused(self):
        with self.path.open("wb") as file:
            file.write(self.good().encode())
            file.truncate(100 << 20)
        self.assert_not_read(self.path, "longer than 1 MiB")

    def test_file_without_an_end_is_refused(self):
        self.assert_not_read("/dev/zero", "longer than 1 MiB")

    def test_folder_is_refused(self):
        self.path.mkdir()
        self.assert_not_read(self.path, "Is a directory")

    def test_file_that_is_not_there_is_refused(self):
        self.assert_not_read(self.folder / "absent.yaml", "No such file")

    def assert_denied(self, place):
        as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
        before = as_nobody if os.geteuid() == 0 else []  # root may read everything
        for program in PROGRAMS:
            code, output = run_to_the_end([*before, BIN / program[0], *program[1:], "--config", self.path], 20)
            self.assertEqual(code, CODE, output)
            self.assertTrue(output.startswith(f"{self.path}:{place}"), output)
            self.assertIn("Permission denied", output)
        self.assert_nothing_connected()

    def test_file_that_may_not_be_read_is_refused(self):
        self.path.write_text(self.good())
        self.path.chmod(0)
        self.assert_denied("")

    def test_secret_file_that_may_not_be_read_is_refused_where_it_is_named(self):
        secret = self.folder / "secret"
        secret.write_text("a\n")
        secret.chmod(0)
        self.write_with('/tidemark" }', f'/tidemark", password_file: {secret} }}')
        self.assert_denied("4:83: ")


if __name__ == "__main__":
    unittest.main()
