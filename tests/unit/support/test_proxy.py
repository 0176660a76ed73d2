# SPDX-License-Identifier: Apache-2.0
"""The proxy does what its faults say, to both directions and to no more connections than it should."""

import contextlib
import socket
import threading
import time
import unittest

from support.process import free_port, wait_until
from support.proxy import Proxy


class Echo:
    """A server that sends back what it gets and counts it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.got = self.listener.getsockname()[1], b""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                self.got += data
                connection.sendall(data)

    def stop(self):
        self.listener.close()


class ProxyFaults(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.addCleanup(self.echo.stop)
        self.proxy = Proxy(self.echo.port)
        self.addCleanup(self.proxy.stop)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=10)
        self.addCleanup(client.close)
        return client

    def ask(self, client, data):
        client.sendall(data)
        return self.receive(client, len(data))

    def receive(self, client, length):
        data = b""
        while len(data) < length and (piece := client.recv(length - len(data))):
            data += piece
        return data

    def assert_reset(self, client):
        with self.assertRaises(ConnectionResetError):
            while True:
                if not client.recv(65536):
                    self.fail("closed, but not reset")

    def assert_silent(self, client):
        client.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.recv(1)
        client.settimeout(10)

    def test_bytes_come_through_unchanged_in_both_directions(self):
        data = bytes(range(256)) * 40_000
        client = self.connect()
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        self.assertEqual(self.receive(client, len(data)), data)
        sender.join()

    def test_end_of_one_side_is_passed_on(self):
        client = self.connect()
        self.ask(client, b"word")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")
        wait_until(lambda: not self.proxy.connections, 10, "the proxy forgets the connection")

    def test_delay_holds_bytes_back_and_keeps_their_order(self):
        self.proxy.set("up", delay=0.2, jitter=0.1)
        client = self.connect()
        begun = time.monotonic()
        for word in (b"one", b"two", b"three"):
            client.sendall(word)
            time.sleep(0.01)
        self.assertEqual(self.receive(client, 11), b"onetwothree")
        self.assertGreater(time.monotonic() - begun, 0.09)

    def test_drip_lets_through_some_bytes_at_a_time(self):
        self.proxy.set("down", drip=(10, 0.02))
        begun = time.monotonic()
        self.assertEqual(self.ask(self.connect(), b"x" * 200), b"x" * 200)
        self.assertGreater(time.monotonic() - begun, 0.3)

    def test_black_hole_accepts_and_answers_nothing_until_it_is_healed(self):
        self.proxy.black_hole()
        client = self.connect()
        client.sendall(b"lost")
        self.assert_silent(client)
        self.assertEqual(self.echo.got, b"")
        self.proxy.heal()
        self.assertEqual(self.ask(client, b"found"), b"found")

    def test_half_open_connection_stays_silent_and_a_new_one_works(self):
        old = self.connect()
        self.ask(old, b"hello")
        self.assertEqual(self.proxy.stall_existing(), 1)
        old.sendall(b"lost")
        self.assert_silent(old)
        self.assertEqual(self.ask(self.connect(), b"fresh"), b"fresh")
        self.proxy.heal()
        self.assert_silent(old)

    def test_refused_connections_come_back_on_the_same_port(self):
        old = self.connect()
        self.ask(old, b"hello")
        self.proxy.refuse()
        self.assert_reset(old)
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.proxy.heal()
        self.assertEqual(self.ask(self.connect(), b"again"), b"again")

    def test_connection_is_cut_after_so_many_bytes(self):
        self.proxy.set("up", cut_after=5)
        client = self.connect()
        client.sendall(b"123456789")
        self.assert_reset(client)
        wait_until(lambda: self.echo.got == b"12345", 10, "so many bytes arrive")

    def test_reply_to_a_pattern_is_lost_after_it_was_heard(self):
        sprung = self.proxy.cut_on(b"COMMIT")
        client, other = self.connect(), self.connect()
        self.assertEqual(self.ask(client, b"BEGIN;"), b"BEGIN;")
        client.sendall(b"COM")
        time.sleep(0.05)
        client.sendall(b"MIT;")
        self.assert_reset(client)
        self.assertTrue(sprung.is_set())
        self.assertTrue(self.echo.got.endswith(b"COMMIT;"))
        self.assertEqual(self.ask(other, b"COMMIT;"), b"COMMIT;")

    def test_pattern_is_kept_from_the_server(self):
        self.proxy.cut_on(b"COMMIT", "before")
        client = self.connect()
        client.sendall(b"COMMIT;")
        self.assert_reset(client)
        self.assertEqual(self.echo.got, b"")

    def test_message_is_cut_in_its_midst(self):
        self.proxy.cut_on(b"COMMIT", "within")
        client = self.connect()
        client.sendall(b"COMMIT;;")
        self.assert_reset(client)
        wait_until(lambda: self.echo.got == b"COMM", 10, "half of it arrives")

    def test_bytes_are_flipped(self):
        self.proxy.set("down", flip_every=2)
        client = self.connect()
        self.assertEqual(self.ask(client, b"abc"), b"abc")
        self.assertEqual(self.ask(client, b"abc"), b"\x9ebc")

    def test_new_target_is_used_by_new_connections(self):
        second = Echo()
        self.addCleanup(second.stop)
        client = self.connect()
        self.ask(client, b"first")
        self.proxy.retarget(second.port)
        self.assert_reset(client)
        self.ask(self.connect(), b"second")
        self.assertEqual((self.echo.got, second.got), (b"first", b"second"))

    def test_nobody_behind_it_is_a_reset(self):
        self.proxy.retarget(free_port())
        try:
            client = self.connect()
        except ConnectionResetError:  # it was that quick
            return
        self.assert_reset(client)

    def test_unknown_fault_is_refused(self):
        with self.assertRaises(TypeError):
            self.proxy.set(nonsense=1)


if __name__ == "__main__":
    unittest.main()
