# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that does to connections what networks do: delay, drip, stall, swallow, corrupt and cut.

Faults are set on a direction ("up" is from the client to the server, "down" back) and hold for all its connections until
heal(). The proxy answers on its own port from the start, also while nobody listens behind it: then a client is refused as
soon as it has connected. It carries some tens of MB/s.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass

from .process import free_port

CHUNK = 65536
QUEUED_MAX = 1 << 20  # bytes held back by a delay; then the sender has to wait
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


@dataclass
class Faults:
    """What is done to the bytes of one direction."""

    delay: float = 0.0  # seconds
    jitter: float = 0.0  # at most so much is added to or taken from the delay
    drip: tuple = ()  # (bytes, seconds): no more than so many bytes each so many seconds
    swallow: bool = False  # read and forgotten
    stall: bool = False  # not even read, so that the sender's buffers fill: no FIN, no RST
    flip_every: int = 0  # every so many chunks the first byte is flipped; 0: never
    swap: tuple = ()  # (bytes, others): wherever the first stand, the others arrive; both are as long
    swaps: int = -1  # chunks of which that is true; -1: all
    cut_after: int = -1  # bytes of a connection until it is reset; -1: never


@dataclass
class Trap:
    """Waits for a pattern on its way up, and then ends that connection."""

    pattern: bytes
    how: str  # "before": not forwarded; "within": half of it; "reply": forwarded and answered, the answer kept back
    skip: int  # matches that pass unharmed first
    left: int
    sprung: threading.Event


class Proxy:
    def __init__(self, target_port):
        self.target_port = target_port
        self.up, self.down = Faults(), Faults()
        self.connections, self.accepted = set(), 0
        self.listening, self.traps = True, []
        self.loop = asyncio.new_event_loop()
        self.port = free_port()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    # --- faults ---

    def set(self, direction="both", **faults):
        """Sets faults of "up", "down" or "both"; those not named stay as they are."""
        for one in ("up", "down") if direction == "both" else (direction,):
            for name, value in faults.items():
                if not hasattr(Faults, name):
                    raise TypeError(f"no such fault: {name}")
                setattr(getattr(self, one), name, value)

    def stall_existing(self, direction="both"):
        """Half-open: what is connected now is never read from again, and not closed; new connections work."""
        return self._call(self._stall_existing, direction)

    def black_hole(self):
        """Accepts connections and forwards nothing, on the existing ones too."""
        self.set(swallow=True)

    def refuse(self):
        """Resets what is connected and refuses what comes."""
        self.listening = False
        self._call(self._stop_listening)
        self.reset()

    def cut_on(self, pattern, how="reply", times=1, skip=0):
        """Connections that send `pattern` end there, `times` of them, after `skip` have passed; see Trap. Returns the
        event that it has happened."""
        trap = Trap(pattern, how, skip, times, threading.Event())
        self.traps.append(trap)
        return trap.sprung

    def reset(self):
        """RST to both ends of every connection."""
        return self._call(self._reset_all)

    def heal(self):
        """Forwards again as it should, new connections and those that are still there."""
        self.traps.clear()
        self.up, self.down = Faults(), Faults()
        if not self.listening:
            self.listening = True
            self._call(self._listen)

    def lead_new(self, port):
        """Leads new connections elsewhere; the old ones stay where they are."""
        self.target_port = port

    def retarget(self, port):
        """Leads new connections elsewhere, and resets the old ones."""
        self.lead_new(port)
        self.reset()

    def stop(self):
        self._call(self._stop_listening)
        self._call(self._reset_all)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    # --- inside the loop's thread ---

    def _call(self, function, *arguments):
        async def call():
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(30)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self._listen()
        started.set()
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def _listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(256)
        self.listener.setblocking(False)
        self.accepting = self.loop.create_task(self._accept())

    def _stop_listening(self):
        self.accepting.cancel()
        self.listener.close()

    async def _accept(self):
        while True:
            client, _ = await self.loop.sock_accept(self.listener)
            self.accepted += 1
            connection = _Connection(self, client)
            self.connections.add(connection)
            connection.task = self.loop.create_task(connection.run())

    def _reset_all(self):
        for connection in list(self.connections):
            connection.reset()

    def _stall_existing(self, direction):
        for connection in self.connections:
            connection.stalled |= {"up", "down"} if direction == "both" else {direction}
        return len(self.connections)


class _Cut(Exception):
    """The proxy ends this connection."""


class _Connection:
    def __init__(self, proxy, client):
        self.proxy, self.client, self.server = proxy, client, socket.socket()
        self.stalled, self.keep_reply, self.flippable, self.cut = set(), None, 0, False
        for end in (self.client, self.server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self):
        pumps = []
        try:
            await self.proxy.loop.sock_connect(self.server, ("127.0.0.1", self.proxy.target_port))
            pumps = [
                self.proxy.loop.create_task(self._pump("up", self.client, self.server)),
                self.proxy.loop.create_task(self._pump("down", self.server, self.client)),
            ]
            await asyncio.gather(*pumps)
        except _Cut:
            self._linger(self.client)  # the server gets all that was forwarded, and an end
        except (OSError, asyncio.CancelledError):
            self._linger(self.client)
            self._linger(self.server)
        finally:
            for pump in pumps:
                pump.cancel()
            self.client.close()
            self.server.close()
            self.proxy.connections.discard(self)

    def _linger(self, end):
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def reset(self):
        self.cut = True
        self.task.cancel()

    async def _pump(self, direction, source, sink):
        """Reads as long as there is room, and passes on what is due; a delayed chunk doesn't hold up the reading."""
        loop, queue, room = self.proxy.loop, asyncio.Queue(), asyncio.Condition()
        held = 0

        async def pass_on():
            nonlocal held
            while True:
                due, chunk = await queue.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if chunk is None:
                    sink.shutdown(socket.SHUT_WR)
                    return
                await self._send(direction, sink, chunk)
                async with room:
                    held -= len(chunk)
                    room.notify()

        passing = loop.create_task(pass_on())
        carried, tail, due = 0, b"", 0.0
        try:
            while True:
                while direction in self.stalled or self._faults(direction).stall:
                    await asyncio.sleep(0.02)
                readable = await self._readable(direction, source)
                if self.cut:  # Python 3.11's wait_for forgets a cancellation that comes together with what it waits for
                    raise asyncio.CancelledError
                if not readable:
                    continue
                chunk = source.recv(CHUNK)
                faults = self._faults(direction)
                due = max(due, loop.time() + max(0.0, faults.delay + random.uniform(-1, 1) * faults.jitter))
                if not chunk:
                    await queue.put((due, None))
                    await passing
                    return
                carried += len(chunk)
                chunk, ends = self._spoil(direction, faults, chunk, carried, tail)
                tail = (tail + chunk)[-256:]
                async with room:
                    await room.wait_for(lambda: held < QUEUED_MAX or passing.done())
                if passing.done():
                    passing.result()
                held += len(chunk)
                await queue.put((due, chunk))
                if ends:
                    await asyncio.sleep(max(0.0, due - loop.time()) + 0.01)
                    raise _Cut
        finally:
            passing.cancel()

    def _faults(self, direction):
        return self.proxy.up if direction == "up" else self.proxy.down

    async def _readable(self, direction, source):
        """Whether there is something to read; false now and then, for a fault may have been set meanwhile."""
        ready = self.proxy.loop.create_future()
        descriptor = source.fileno()
        self.proxy.loop.add_reader(descriptor, lambda: ready.done() or ready.set_result(True))
        try:
            await asyncio.wait_for(ready, 0.5)
        except asyncio.TimeoutError:
            return False
        finally:
            self.proxy.loop.remove_reader(descriptor)
        return direction not in self.stalled and not self._faults(direction).stall

    def _spoil(self, direction, faults, chunk, carried, tail):
        """What is passed on of a chunk, and whether the connection ends behind it."""
        if faults.swallow:
            return b"", False
        if direction == "down" and self.keep_reply:
            self.keep_reply.sprung.set()
            return b"", True
        if faults.flip_every:
            self.flippable += 1
            if self.flippable % faults.flip_every == 0:
                chunk = bytes([chunk[0] ^ 0xFF]) + chunk[1:]
        if faults.swap and faults.swaps and faults.swap[0] in chunk:
            chunk = chunk.replace(*faults.swap)
            faults.swaps -= 1
        if 0 <= faults.cut_after < carried:
            return chunk[: max(0, len(chunk) - (carried - faults.cut_after))], True
        if direction == "up":
            return self._spring(chunk, tail)
        return chunk, False

    def _spring(self, chunk, tail):
        for trap in self.proxy.traps:
            before = tail[max(0, len(tail) + 1 - len(trap.pattern)) :]
            if trap.left <= 0 or self.keep_reply or trap.pattern not in before + chunk:
                continue
            if trap.skip > 0:
                trap.skip -= 1
                continue
            trap.left -= 1
            if trap.how == "reply":
                self.keep_reply = trap
                return chunk, False
            trap.sprung.set()
            return (b"" if trap.how == "before" else chunk[: len(chunk) // 2]), True
        return chunk, False

    async def _send(self, direction, sink, chunk):
        drip = self._faults(direction).drip
        while chunk:
            size = drip[0] if drip else len(chunk)
            await self.proxy.loop.sock_sendall(sink, chunk[:size])
            chunk = chunk[size:]
            drip = self._faults(direction).drip
            if drip:
                await asyncio.sleep(drip[1])
