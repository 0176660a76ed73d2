# SPDX-License-Identifier: Apache-2.0
"""A reader of a view's event stream, and the copy of the view that it keeps."""

import json
import socket
import threading
from decimal import Decimal


class Copy:
    """What the events have made of a view: its rows by their names."""

    def __init__(self, dimensions=()):
        self.dimensions = tuple(dimensions)
        self.rows, self.provenance, self.last_id = {}, None, None
        self.events = self.resets = self.behind = 0

    def name(self, row):
        return (row["window_start"], *(row[dimension] for dimension in self.dimensions))

    def apply(self, event_id, data):
        if data.get("reset"):
            self.rows.clear()
            self.resets += 1
        self.behind += data.get("behind", False)
        for row in data["rows"]:
            self.rows[self.name(row)] = row
        for row in data["removed"]:
            self.rows.pop(self.name(row), None)
        self.provenance, self.last_id = data["provenance"], event_id
        self.events += 1


class Reader(threading.Thread):
    """Reads a stream into a copy until it is stopped, and comes back where it is cut off. `chance` cuts it off and slows
    it down; None: never. `context` is that of TLS; None: nothing is encrypted."""

    def __init__(self, port, path, copy, chance=None, context=None):
        super().__init__(daemon=True)
        self.port, self.path, self.copy, self.chance, self.context = port, path, copy, chance, context
        self.tears = chance is not None  # may be ended
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.cuts, self.failure = 0, None
        self.start()

    def stop(self):
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.read_once()
                except OSError:
                    self.stopping.wait(0.05)  # the server isn't there at the moment
        except Exception as failure:  # what is wrong in an event is the test's to say
            self.failure = failure

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), 30)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return self.context.wrap_socket(connection, server_hostname="localhost") if self.context else connection

    def read_once(self):
        with self.connect() as connection:
            connection.settimeout(0.2)
            resume = f"Last-Event-ID: {self.copy.last_id}\r\n" if self.copy.last_id else ""
            # HTTP/1.0 has no chunks
            connection.sendall(f"GET {self.path} HTTP/1.0\r\nHost: a\r\n{resume}\r\n".encode())
            left = self.chance.randint(1, 600000) if self.tears else None
            text, in_head = b"", True
            while not self.stopping.is_set() and (left is None or left > 0):
                if self.tears and self.chance.random() < 0.02:
                    self.stopping.wait(self.chance.random() / 4)
                try:
                    more = connection.recv(4096 if left is None else min(left, 4096))
                except TimeoutError:
                    if self.tears and self.chance.random() < 0.1:
                        break
                    continue
                if not more:
                    return
                left = None if left is None else left - len(more)
                text += more
                if in_head and b"\r\n\r\n" in text:
                    head, text = text.split(b"\r\n\r\n", 1)
                    if head.split()[1] == b"503":  # it ends, or hasn't read the stores yet
                        self.stopping.wait(0.05)
                        return
                    assert head.split()[1] == b"200", head
                    in_head = False
                while not in_head and b"\n\n" in text:
                    event, text = text.split(b"\n\n", 1)
                    self.take(event.decode())
            self.cuts += 1

    def take(self, event):
        fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
        if fields.get("event") == "rows":
            with self.lock:
                self.copy.apply(fields["id"], json.loads(fields["data"], parse_float=Decimal))
