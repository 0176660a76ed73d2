# SPDX-License-Identifier: Apache-2.0
"""HTTP from clients that are broken, slow, many, gone or hostile: each gets its answer or its end, and others don't notice."""

import contextlib
import email.parser
import json
import os
import random
import resource
import selectors
import socket
import ssl
import subprocess
import time
import unittest
from pathlib import Path

from e2e.servers import EndToEnd, month
from support import tidemark
from support.event_stream import Copy, Reader
from support.process import PATIENCE, Child, wait_until
from support.tidemark import view

from .faulty import after_failure

OK = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
END = "Host: a\r\nConnection: close\r\n\r\n"


def get(target, headers=END):
    return f"GET {target} HTTP/1.1\r\n{headers}"


# (what is sent, the statuses that may come; 0: the connection may be ended without an answer)
REQUESTS = {
    "an ordinary request": (OK, {200}),
    "HTTP/1.0": ("GET /livez HTTP/1.0\r\n\r\n", {200}),
    "HTTP/0.9": ("GET /livez\r\n\r\n", {400, 505, 0}),
    "a version of the future": ("GET /livez HTTP/9.9\r\n" + END, {200, 400, 505, 0}),
    "a version that is none": ("GET /livez HTCPCP/1.0\r\n" + END, {400, 505, 0}),
    "no Host": ("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n", {400}),
    "a Host that is none": (get("/livez", "Host: a b\r\nConnection: close\r\n\r\n"), {400}),
    "two Hosts": (get("/livez", "Host: a\r\nHost: b\r\nConnection: close\r\n\r\n"), {400}),
    "headers of 60 KB": (get("/livez", "X: " + "x" * 60_000 + "\r\n" + END), {200}),
    "headers of 64 KB": (get("/livez", "X: " + "x" * 65536 + "\r\n" + END), {431}),
    "headers of 64 KB in lines of 100 bytes": (get("/livez", "".join(f"X-{n:03}: {'x' * 91}\r\n" for n in range(655)) + END), {431}),
    "headers of 64 KB in lines of 300 bytes": (get("/livez", "".join(f"X-{n:03}: {'x' * 291}\r\n" for n in range(219)) + END), {431}),
    "headers of 200 KB": (get("/livez", "X: " + "x" * 200_000 + "\r\n" + END), {431}),
    "cookies of 50 KB": (get("/livez", "Cookie: " + "a=b;" * 12_500 + "\r\n" + END), {200}),
    "headers of 1 MB": (get("/livez", "".join(f"X-{n}: {'x' * 1000}\r\n" for n in range(1000)) + END), {431, 0}),
    "ten thousand headers": (get("/livez", "".join(f"X-{n}: y\r\n" for n in range(10_000)) + END), {431, 0}),
    "a header that never ends": (get("/livez", "X: " + "x" * 500_000), {431, 0}),
    "a header without a colon": (get("/livez", "nonsense\r\n" + END), {400}),
    "a header without a name": (get("/livez", ": value\r\n" + END), {400}),
    "a blank before the colon": (get("/livez", "X : y\r\n" + END), {400}),
    "a folded header": (get("/livez", "X: a\r\n b\r\n" + END), {200, 400}),
    "a NUL in a header": (get("/livez", "X: a\0b\r\n" + END), {200, 400, 0}),
    "a line of 8 KB": (get("/" + "a" * 8000), {404}),
    "a line over 8 KB": (get("/" + "a" * 8192), {414}),
    "a line of 100 KB": (get("/" + "a" * 100_000), {414}),
    "a line of 300 KB": (get("/" + "a" * 300_000), {414}),
    "a line of 1 MB": (get("/" + "a" * 1_000_000), {414, 0}),
    "too many parameters": (get("/v1/views/daily_revenue?" + "&".join(f"p{n}=1" for n in range(100))), {400}),
    "ten thousand parameters": (get("/v1/views/daily_revenue?" + "&".join(f"p{n}=1" for n in range(10_000))), {414}),
    "four thousand parameters in a short line": (get("/v1/views/daily_revenue?" + "a&" * 4000), {400}),
    "a parameter given twice": (get("/v1/views/daily_revenue?limit=1&limit=2"), {400}),
    "an empty query": (get("/v1/views/daily_revenue?"), {200}),
    "a query of separators": (get("/v1/views/daily_revenue?&&&&"), {200}),
    "half a percent sign": (get("/v1/views/daily_revenue?from=%"), {400}),
    "percent and no digits": (get("/v1/views/daily_revenue?from=%zz"), {400}),
    "percent zero": (get("/livez%00"), {400}),
    "percent zero in a query": (get("/v1/views/daily_revenue?from=%00"), {400}),
    "bytes that are not UTF-8": (get("/v1/views/%ff%fe"), {400}),
    "overlong UTF-8": (get("/v1/views/%c0%af"), {400}),
    "a surrogate": (get("/v1/views/%ed%a0%80"), {400}),
    "a slash in a segment": (get("/v1%2fviews"), {404}),
    "the folder above": (get("/../../etc/passwd"), {404}),
    "the folder above, encoded": (get("/..%2f..%2fetc%2fpasswd"), {404}),
    "many folders": (get("/a" * 1000), {404}),
    "only slashes": (get("/" * 1000), {404}),
    "no slash": (get("livez"), {400, 404}),
    "a star": ("OPTIONS * HTTP/1.1\r\n" + END, {405}),
    "a whole address": (get("http://elsewhere/livez"), {200}),
    "a whole address without a path": (get("http://elsewhere"), {200}),
    "an address of another kind": (get("file:///etc/passwd"), {400, 404}),
    "a line feed in the line": (get("/livez%0d%0aSet-Cookie:%20a=b"), {404}),
    "POST": ("POST /v1/views HTTP/1.1\r\nContent-Length: 2\r\n" + END + "{}", {405}),
    "POST of a gigabyte that never comes": ("POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n" + END, {405, 413}),
    "PUT, with an expectation": ("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + END, {405, 417}),
    "DELETE": ("DELETE /v1/views/daily_revenue HTTP/1.1\r\n" + END, {405}),
    "TRACE": ("TRACE / HTTP/1.1\r\n" + END, {405}),
    "CONNECT": ("CONNECT a:443 HTTP/1.1\r\n" + END, {400, 405}),
    "a method of its own": ("BREW /pot HTTP/1.1\r\n" + END, {405, 501}),
    "a method in small letters": ("get /livez HTTP/1.1\r\n" + END, {400, 405}),
    "a method of 10 KB": ("G" * 10_000 + " / HTTP/1.1\r\n" + END, {400, 405, 414, 431}),
    "a body on GET": (get("/livez", "Content-Length: 5\r\n" + END) + "hello", {400}),
    "both lengths": (get("/livez", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END) + "0\r\n\r\n", {400}),
    "two lengths": (get("/livez", "Content-Length: 0\r\nContent-Length: 5\r\n" + END) + "hello", {400}),
    "a negative length": (get("/livez", "Content-Length: -1\r\n" + END), {400}),
    "a length that is no number": (get("/livez", "Content-Length: five\r\n" + END), {400}),
    "a length beyond 64 bits": (get("/livez", "Content-Length: 99999999999999999999999\r\n" + END), {400}),
    "an encoding nobody knows": (get("/livez", "Transfer-Encoding: gzip\r\n" + END), {400, 501}),
    "a bad chunk": (get("/livez", "Transfer-Encoding: chunked\r\n" + END) + "zz\r\n", {400}),
    "a smuggled second request": (get("/livez", "Content-Length: 44\r\nTransfer-Encoding: chunked\r\n" + END) + "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "bare line feeds": ("GET /livez HTTP/1.1\nHost: a\nConnection: close\n\n", {200, 400}),
    "empty lines before": ("\r\n\r\n" + OK, {200, 400}),
    "blanks in the line": ("GET  /livez  HTTP/1.1\r\n" + END, {400}),
    "a TLS greeting": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, {400, 0}),
    "the preface of HTTP/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505, 0}),
    "an upgrade": (get("/livez", "Upgrade: websocket\r\nConnection: Upgrade, close\r\nHost: a\r\n\r\n"), {200, 400}),
    "zeros": (b"\0" * 5000 + b"\r\n\r\n", {400, 0}),
    "all bytes": (bytes(range(256)) * 20 + b"\r\n\r\n", {400, 405, 414, 431, 0}),
}  # fmt: skip

# What the library refuses by itself, before we are asked: with a page instead of a problem document.
PAGES = {
    "HTTP/0.9",
    "a version of the future",
    "a version that is none",
    "headers of 200 KB",
    "headers of 1 MB",
    "ten thousand headers",
    "a header that never ends",
    "a header without a colon",
    "a line of 300 KB",
    "a line of 1 MB",
    "the preface of HTTP/2",
    "zeros",
    "all bytes",
}

# What proxies could read in another way than we do: each on a connection that would go on.
AMBIGUOUS = [
    "GET /livez HTTP/1.1\r\n\r\n",
    get("/livez", "Host: a\r\nHost: b\r\n\r\n"),
    get("/livez", "Host: a/b\r\n\r\n"),
    get("/livez", "Host: a\r\nContent-Length: abc\r\n\r\n"),
    get("/livez", "Host: a\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\n"),
    get("/livez", "Host: a\r\nContent-Length: 0, 30\r\n\r\n"),
    get("/livez", "Host: a\r\nContent-Length : 30\r\n\r\n"),
    get("/livez", "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    get("/livez", "Host: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    get("/livez", "Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    get("/livez HTTP/1.1 HTTP/1.1", "Host: a\r\n\r\n"),
    get("/livez", "Host: a\r\nX: a\rContent-Length: 30\r\n\r\n"),
]

# What the library waits behind for more, and the reaper ends.
UNENDING = [
    "\r\n\r\n",
    "G",
]


CONNECTIONS_MAX = 2024  # that the server holds: 1,024 and those of http.streams


class Crowd:
    """Clients that connect all at once, from several addresses, ask once, and stay until the server ends them."""

    def __init__(self, port, count, request):
        self.request, self.answers = request.encode(), {}
        self.selector = selectors.DefaultSelector()
        for number in range(count):
            connection = socket.socket()
            connection.setblocking(False)
            connection.bind((f"127.0.0.{2 + number % 8}", 0))
            connection.connect_ex(("127.0.0.1", port))
            self.selector.register(connection, selectors.EVENT_WRITE)
            self.answers[connection] = b""

    def go_on(self):
        """What can be done without waiting long."""
        for key, events in self.selector.select(0.05):
            connection = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    connection.send(self.request)
                    self.selector.modify(connection, selectors.EVENT_READ)
                elif piece := connection.recv(4096):
                    self.answers[connection] += piece
                else:
                    self.selector.unregister(connection)
            except OSError:  # ended before it was answered
                self.selector.unregister(connection)

    def answered(self):
        return sum(map(bool, self.answers.values()))

    def leave(self):
        self.selector.close()
        for connection in self.answers:
            connection.close()


class Http(EndToEnd):
    def start(self, **more):
        self.servers()
        self.simple_platform(self.topic(1))
        dimensions = ["category", "customer_segment"]
        self.job.config["views"]["by_category"] = view("orders", dimensions=dimensions)
        self.job.config.update(more)
        self.job.write()
        self.serving = self.serve()

    def serve(self, *before):
        arguments = [*before, tidemark.BIN / "tidemark-serving", "run", "--config", self.job.path]
        child = Child("tidemark-serving", arguments, self.job.folder / "serving.log")
        self.job.children.append(child)
        wait_until(lambda: self.job.get("/readyz").status == 200, 60, "serving is ready", children=[child])
        return child

    def serve_anew(self):
        """What one request has broken doesn't fail those behind it."""
        self.serving.kill()
        self.serving = self.serve()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.job.port), timeout=PATIENCE)
        return self.job.context.wrap_socket(connection, server_hostname="localhost") if self.job.context else connection

    def exchange(self, request):
        """All that comes back until the server ends the connection."""
        answer = b""
        with self.connect() as connection:
            with contextlib.suppress(OSError):  # it may end while we still send
                connection.sendall(request if isinstance(request, bytes) else request.encode())
                socket.socket.shutdown(connection, socket.SHUT_WR)  # of an encrypted one too, which can still be read
            with contextlib.suppress(ConnectionResetError, ssl.SSLError):
                while piece := connection.recv(65536):
                    answer += piece
        return answer

    @staticmethod
    def status(answer):
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0

    def assert_one_answer(self, answer, is_problem):
        """One head, a body of the length that it says, and nothing behind it."""
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = email.parser.BytesHeaderParser().parsebytes(head.partition(b"\r\n")[2])
        self.assertEqual([str(len(body))], headers.get_all("Content-Length"), answer[:500])
        if is_problem:
            self.assertEqual(["application/problem+json"], headers.get_all("Content-Type"), answer[:500])
            self.assertEqual(json.loads(body)["status"], self.status(answer))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.serving.pid}/fd"))

    def connections(self):
        """Sockets of the server that clients were connected to."""
        held = {os.readlink(entry) for entry in Path(f"/proc/{self.serving.pid}/fd").iterdir()}
        lines = Path(f"/proc/{self.serving.pid}/net/tcp").read_text().splitlines()[1:]
        entries = [line.split() for line in lines]  # number, local, remote, state, ..., inode
        listening = "0A"
        return sum(
            entry[1].endswith(f":{self.job.port:04X}") and entry[3] != listening and f"socket:[{entry[9]}]" in held
            for entry in entries
        )

    def assert_unhurt(self):
        self.assertTrue(self.serving.running(), self.serving.tail())
        self.assertEqual(self.job.get("/livez").status, 200)
        self.assertNotIn("Sanitizer", self.serving.log.read_text(errors="replace"))

    # --- broken ---

    def assert_malformed_requests_are_refused(self):
        for name, (request, statuses) in REQUESTS.items():
            with self.subTest(name), after_failure(self.serve_anew):
                answer = self.exchange(request)
                self.assertIn(self.status(answer), statuses, answer[:500])
                self.assertNotIn(b"root:", answer)
                self.assertNotIn(b"\r\nSet-Cookie", answer)
                if answer:
                    self.assert_one_answer(answer, self.status(answer) >= 400 and name not in PAGES)
        self.assert_unhurt()

    def test_malformed_requests_are_refused_and_hurt_nobody(self):
        self.start()
        self.assert_malformed_requests_are_refused()
        self.assertEqual(self.serving.stop(), 0)

    def test_requests_on_one_connection_are_answered_in_order_until_one_is_broken(self):
        self.start()
        many = get("/livez", "Host: a\r\n\r\n") * 200
        answer = self.exchange(many + get("/nothing", "Host: a\r\n\r\n") + get("/livez"))
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 201)
        self.assertEqual(answer.count(b"HTTP/1.1 404"), 1)
        answer = self.exchange(many[: len(many) // 200] + "POST / HTTP/1.1\r\nContent-Length: 900\r\nHost: a\r\n\r\n" + many)
        self.assertEqual(answer.count(b"HTTP/1.1 405"), 1)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 1, "what follows a body that isn't read is no request")
        self.assert_unhurt()

    def test_nothing_behind_an_ambiguous_request_is_answered(self):
        self.start()
        for request in AMBIGUOUS:
            with self.subTest(request), after_failure(self.serve_anew):
                answer = self.exchange(request + get("/metrics") + get("/metrics"))
                self.assertEqual(self.status(answer), 400)
                self.assert_one_answer(answer, True)
        self.assert_unhurt()

    # --- encrypted ---

    def stay(self, sent, encrypted):
        """A connection that sends no more than this."""
        context, self.job.context = self.job.context, self.job.context if encrypted else None
        connection = self.connect()
        self.job.context = context
        self.addCleanup(connection.close)
        connection.sendall(sent)
        connection.setblocking(False)
        return connection

    def alarms_of_itself(self):
        return [alarm["name"] for alarm in self.job.get("/v1/status").json["alarms"]]

    def stale(self):
        return "tidemark_http_certificate_stale 1\n" in self.job.get("/metrics").body.decode()

    def assert_renewed(self):
        """Who trusts the new certificate alone is answered."""
        self.job.encrypt()

        def trusted():
            with contextlib.suppress(ssl.SSLCertVerificationError):
                return self.job.get("/livez").status == 200

        wait_until(trusted, 60, "the new certificate is shown", children=[self.serving])
        wait_until(lambda: not self.alarms_of_itself(), 60, "no alarm is left", children=[self.serving])
        self.assertFalse(self.stale())
        self.assertEqual(self.job.probe("tidemark-serving")[0], 0)

    def test_encrypted_requests_are_answered_as_others_and_certificates_are_renewed(self):
        self.start()
        self.assertEqual(self.serving.stop(), 0)
        self.job.encrypt()
        self.serving = self.serve()
        self.assertIn("answering at https://", self.serving.log.read_text())
        self.job.speed()
        reader = Reader(self.job.port, "/v1/views/daily_revenue/stream", Copy(), random.Random(1), self.job.context)
        greeting = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        slow = [self.stay(b"", False), self.stay(greeting, False), self.stay(b"", True), self.stay(b"GET / HTTP/1.1\r\nX: ", True)]
        for garbage in (OK.encode(), greeting + bytes(1000), b"\0" * 1000, bytes(range(256)) * 20):
            self.stay(garbage, False)
            self.assertEqual(self.job.get("/v1/views").status, 200)
        self.assert_malformed_requests_are_refused()
        self.send(month(0, 300))
        self.assert_all_served()
        wait_until(lambda: all(map(self.has_ended, slow)), 60, "who greets or asks slowly is ended", every=0.2)

        self.assert_renewed()
        certificate = Path(self.job.config["http"]["tls"]["certificate"])
        certificate.write_text("nonsense")
        wait_until(self.alarms_of_itself, 60, "an alarm is raised", children=[self.serving])
        self.assertEqual(self.alarms_of_itself(), ["certificate"])
        wait_until(self.stale, 60, "it is counted", children=[self.serving])
        self.assertEqual(self.job.probe("tidemark-serving")[0], 0, "what it has kept is as good as it was")
        self.assert_renewed()

        rows = {(row["window_start"],): row for row in self.job.view("daily_revenue").json["rows"]}
        self.assertTrue(rows)
        wait_until(lambda: reader.copy.rows == rows, 60, "the stream has told all of them")
        reader.stop()
        self.assert_unhurt()
        self.assertEqual(self.serving.stop(), 0)

    # --- hostile ---

    def test_values_of_parameters_are_only_ever_values(self):
        self.start()
        self.job.speed()
        self.send(month(0, 300))
        self.assert_all_served()
        rows = self.job.view("by_category").json["rows"]
        self.assertTrue(rows)
        for value in (
            "'; drop table raw.orders; --", "' or '1'='1", "\\", "\r\nX-Injected: 1", "\n", "{}[]*?", "%", "_", "$1", "${HOME}", "`id`", "../..",
            "<script>alert(1)</script>", "x" * 7000, "ünï ⚑", "null", "NaN", "-1", "9" * 400,
        ):  # fmt: skip
            answer = self.job.view("by_category", category=value)
            self.assertIn(answer.status, (200, 414), (value[:50], answer.body[:300]))
            if answer.status == 200:
                self.assertEqual(answer.json["rows"], [], value[:50])
            self.assertNotIn("X-Injected", answer.headers)
            for parameter in ("from", "to", "limit", "cursor", "format", "group_by", "window", "time_zone", value[:100]):
                answer = self.job.view("by_category", **{parameter: value})
                self.assertIn(answer.status, (400, 414), (parameter, value[:50], answer.body[:300]))
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(self.job.view("by_category").json["rows"], rows)
        for line in self.serving.log.read_text().splitlines():
            self.assertRegex(line, r"^20[0-9-]+T[0-9:.]+Z tidemark-serving ", "nobody writes lines into the log")

    # --- slow and many ---

    def slow(self, count):
        """Connections that have begun a request."""
        connections = []
        for _ in range(count):
            connection = self.connect()
            self.addCleanup(connection.close)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: ")
            connections.append(connection)
        return connections

    def test_more_slow_requests_than_there_are_places_keep_nobody_out(self):
        self.start()
        self.raise_limit()
        connections = [self.connect() for _ in UNENDING]
        for connection, request in zip(connections, UNENDING):
            self.addCleanup(connection.close)
            connection.sendall(request.encode())
        connections += self.slow(1400)
        for _ in range(3):
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.send(b"x")
            self.assertEqual(self.job.get("/v1/views").status, 200)
        for connection in connections:
            connection.setblocking(False)
        ended = lambda: sum(map(self.has_ended, connections)) > 600  # noqa: E731
        wait_until(ended, 60, "the server ends slow ones until there is room", every=0.5)
        wait_until(lambda: all(map(self.has_ended, connections[: len(UNENDING)])), 60, "it ended the first ones, too")
        self.assert_unhurt()

    @staticmethod
    def has_ended(connection):
        try:
            return connection.recv(1000) is not None  # an end, or an answer that refuses
        except BlockingIOError:
            return False
        except OSError:
            return True

    @staticmethod
    def raise_limit():
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))

    def peak_memory(self):
        """Bytes."""
        status = Path(f"/proc/{self.serving.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def test_ten_thousand_connections_at_once_are_served_in_turn_within_bounds(self):
        self.start()
        self.raise_limit()
        memory = self.peak_memory()
        crowd = Crowd(self.job.port, 10_000, get("/livez", "Host: a\r\n\r\n"))
        self.addCleanup(crowd.leave)

        def most_are_served():
            crowd.go_on()
            self.assertLessEqual(self.descriptors(), CONNECTIONS_MAX + 100)  # with those for stores and threads
            return crowd.answered() > 2 * CONNECTIONS_MAX

        wait_until(most_are_served, 120, "others take the places of those that rest", every=0, children=[self.serving])
        self.assertEqual(self.job.get("/v1/views").status, 200, "who comes later is served too")
        self.assertEqual({self.status(answer) for answer in crowd.answers.values() if answer}, {200})
        self.assertLess(self.peak_memory(), memory + 2 * CONNECTIONS_MAX * 128 * 1024)
        crowd.leave()
        wait_until(lambda: self.connections() == 0, 90, "their descriptors are given back", every=0.2)
        self.assert_unhurt()

    def test_ten_thousand_clients_that_vanish_leave_nothing_behind(self):
        self.start()
        request = get("/v1/views/daily_revenue", "Host: a\r\n\r\n").encode()
        for number in range(10_000):
            connection = self.connect()
            with contextlib.suppress(OSError):
                connection.sendall(request[: number % len(request)] if number % 2 else request)
            if number % 3 == 0:  # a reset instead of an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        wait_until(lambda: self.connections() == 0, 90, "their descriptors are given back", every=0.2)
        self.assert_unhurt()

    def test_answers_that_nobody_takes_hold_up_nobody_else(self):
        self.start()
        takers = [self.connect() for _ in range(100)]
        for taker in takers:
            self.addCleanup(taker.close)
            taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            with contextlib.suppress(BlockingIOError):
                taker.setblocking(False)
                taker.sendall(get("/", "Host: a\r\n\r\n").encode() * 500)
        for _ in range(100):
            self.assertEqual(self.job.get("/v1/views").status, 200)
        self.assert_unhurt()

    def test_server_out_of_descriptors_answers_again_when_there_are_some(self):
        self.start()
        self.assertEqual(self.serving.stop(), 0)
        self.serving = self.serve("prlimit", "--nofile=40:40", "--")
        connections = self.slow(100)
        wait_until(lambda: self.descriptors() == 40, 120, "it has all that it may have", children=[self.serving])
        self.assertTrue(self.serving.running(), self.serving.tail())
        for connection in connections:
            connection.close()
        wait_until(lambda: self.job.get("/livez").status == 200, 60, "it answers again")
        wait_until(lambda: self.job.get("/readyz").status == 200, 60, "it is ready again")
        self.assert_unhurt()

    def test_slowhttptest_finds_the_server_there(self):
        self.start()
        tester = ["slowhttptest", "-c", "300", "-i", "1", "-r", "300", "-l", "5", "-u", f"http://127.0.0.1:{self.job.port}/livez"]
        for attack in (["-H"], ["-B"], ["-X", "-w", "1", "-y", "10", "-n", "1", "-z", "32"]):
            running = subprocess.Popen([*tester, *attack], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                while running.poll() is None:
                    self.assertEqual(self.job.get("/v1/views").status, 200)
                    time.sleep(0.1)
            finally:
                running.kill()
                running.wait()
        self.assert_unhurt()


if __name__ == "__main__":
    unittest.main()
