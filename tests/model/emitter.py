#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Emitters and their sinks as a program that can be played: a table, a hash and a topic hold copies of a view.

One thread plays a log, a Redis with the slots and the hash, a PostgreSQL with what is published and the table, a broker
with the topic and another one in append mode, and two emitters for each sink, one atomic step after the other in random
order. Emitters die or freeze between any two steps, leases end, replies to writes are lost, Redis is emptied,
PostgreSQL is restored from a backup.

An answer is exact at the offsets that it states, and complete there; after a store was emptied or restored these are
older ones for a while. What must hold after every step:
- a sink's rows are the view at the offsets that the sink states;
- a sink never goes below what it stated, but for one that was itself emptied or restored;
- no row is written twice with the same content, one after the other;
- in append mode a row is written once it is final, restated ones with the next revision, and the latest of each key are
  the final rows at the offsets that the sink states. A partition whose first message comes late takes the watermark
  back: what was written stays until the row is final again;
- when the faults end, each sink comes to the log's end without help.
"""

import argparse
import copy
import random
import sys
import time
from collections import Counter

PARTITIONS = 2
STEPS = 200  # with faults, of a schedule
QUIET_STEPS = 400  # and then without
SINKS = ("table", "hash", "topic", "appended")
TOPICS = ("topic", "appended")

BUGS = (
    "takes a state below what the sink states",
    "writes without comparing the statement",
    "doesn't fence the producer before it",
    "keeps what it knew of the sink over a failure",
    "keeps what it knew of a sink that was emptied",
    "writes rows before their statement",
    "appends rows that aren't final",
    "numbers restated rows anew when it starts",
    "forgets the number of a row that vanished",
)


class Wrong(AssertionError):
    pass


class Down(Exception):
    """The step failed: a lost reply, a fence, another statement than expected."""


class Sink:
    def __init__(self, kind):
        self.kind, self.rows, self.offsets, self.number = kind, {}, None, 0
        self.epoch = 0  # of the producer that is allowed to write: the topic's fence
        self.emptied = False

    def statement(self):
        return self.number, self.offsets


class World:
    def __init__(self, seed, bug=None):
        self.chance, self.bug = random.Random(seed), bug
        self.log = [[] for _ in range(PARTITIONS)]  # of messages (window, amount); their time is their window's
        self.slots = [0] * PARTITIONS  # next offset; None: there is no slot
        self.cut = [0] * PARTITIONS  # published
        self.unread = [False] * PARTITIONS  # by a speed layer: the answer is complete at the cut
        self.sinks = {kind: Sink(kind) for kind in SINKS}
        self.leases = dict.fromkeys(SINKS)
        self.backup = self.copy_of_postgres()
        self.emitters = [(kind, emitter(self, kind, name)) for kind in SINKS for name in "ab"]

    # --- the stores ---

    def view(self, offsets):
        rows = Counter()
        for partition, offset in enumerate(offsets):
            for window, amount in self.log[partition][:offset]:
                rows[window] += amount
        return {window: total for window, total in rows.items() if total}

    def final(self, offsets):
        """The windows that have ended: those before the watermark."""
        clocks = [max(w for w, _ in self.log[p][:offset]) for p, offset in enumerate(offsets) if offset]
        return range(min(clocks, default=0))

    def answer(self):
        """Offsets, or None where what is answered isn't complete."""
        offsets = []
        for slot, cut, unread in zip(self.slots, self.cut, self.unread):
            if slot is None and not unread:
                return None
            offsets.append(cut if slot is None else slot)
        return offsets

    def copy_of_postgres(self):
        return copy.deepcopy((self.cut, self.sinks["table"]))

    # --- what happens by itself ---

    def append(self):
        partition = self.chance.randrange(PARTITIONS)
        self.log[partition].append((self.chance.randrange(4), self.chance.choice((1, 2, -1))))

    def read(self):
        partition = self.chance.randrange(PARTITIONS)
        if self.unread[partition]:
            return
        slot = self.slots[partition]
        self.slots[partition] = self.cut[partition] if slot is None else min(slot + 1, len(self.log[partition]))

    def publish(self):
        """Cuts where slots stand; a partition that nobody reads at the log's end."""
        for partition, slot in enumerate(self.slots):
            if slot is not None:
                self.cut[partition] = slot
            elif self.unread[partition]:
                self.cut[partition] = len(self.log[partition])

    # --- faults ---

    def empty_redis(self):
        self.slots = [None] * PARTITIONS
        self.unread = [self.chance.random() < 0.5 for _ in range(PARTITIONS)]
        hash_ = self.sinks["hash"]
        hash_.rows, hash_.offsets, hash_.number, hash_.emptied = {}, None, 0, True

    def restore_postgres(self):
        self.cut, self.sinks["table"] = copy.deepcopy(self.backup)
        self.sinks["table"].emptied = True
        # Slots that don't begin at the published cut any more are begun anew there.
        self.slots = [None if self.chance.random() < 0.5 else slot for slot in self.slots]
        self.slots = [slot if slot is not None and slot >= cut else None for slot, cut in zip(self.slots, self.cut)]

    def fault(self):
        kind = self.chance.randrange(6)
        if kind == 0:
            self.empty_redis()
        elif kind == 1:
            self.restore_postgres()
        elif kind == 2:
            self.backup = self.copy_of_postgres()
        elif kind == 3:
            self.unread = [False] * PARTITIONS
        elif kind == 4:
            self.leases[self.chance.choice(SINKS)] = None
        else:  # dies, and another starts in its place
            number = self.chance.randrange(len(self.emitters))
            sink = self.emitters[number][0]
            self.emitters[number] = (sink, emitter(self, sink, f"{self.chance.random()}"))

    # --- the sink's write, which is one step ---

    def write(self, kind, before, epoch, changes, offsets):
        sink = self.sinks[kind]
        compares = self.bug != "writes without comparing the statement"
        if kind in TOPICS and epoch != sink.epoch:
            raise Down
        if kind not in TOPICS and compares and before != sink.statement():
            raise Down
        if kind == "appended":
            self.check_revisions(sink, changes, offsets)
        for window, total in changes.items():
            if sink.rows.get(window) == total:
                raise Wrong(f"{kind}: the row {window} is written twice with {total}")
            if total is None and kind != "appended":
                del sink.rows[window]
            else:
                sink.rows[window] = total
        if self.bug == "writes rows before their statement" and self.chance.random() < 0.1:
            raise Down
        if sink.offsets and not sink.emptied and any(new < old for new, old in zip(offsets, sink.offsets)):
            raise Wrong(f"{kind}: from {sink.offsets} back to {offsets}")
        sink.number, sink.offsets, sink.emptied = sink.number + 1, offsets, False
        if self.chance.random() < 0.1:
            raise Down  # the reply is lost
        return sink.statement()

    def check_revisions(self, sink, changes, offsets):
        for window, (total, revision) in changes.items():
            before, number = sink.rows.get(window, (None, 0))
            if revision != number + 1 or total == before:
                raise Wrong(f"appended: {total} as revision {revision} of the row {window}, after {before} as {number}")
            if total is not None and window not in self.final(offsets):
                raise Wrong(f"appended: the row {window} isn't final")

    def check(self):
        for sink in self.sinks.values():
            expected = self.view(sink.offsets) if sink.offsets else {}
            if sink.kind == "appended":
                final = self.final(sink.offsets or [])
                held = {window: total for window, (total, _) in sink.rows.items() if total is not None}
                # What was final before stays as it was, and goes where it vanishes.
                expected = {w: t if w in final else held[w] for w, t in expected.items() if w in final or w in held}
                if held != expected:
                    raise Wrong(f"appended: {held}, and at {sink.offsets} what is final is {expected}")
            elif sink.rows != expected:
                raise Wrong(f"{sink.kind} holds {sink.rows}, and at {sink.offsets} the view is {expected}")

    def play(self):
        for number in range(STEPS + QUIET_STEPS):
            is_quiet = number >= STEPS
            if number == STEPS:
                self.unread = [False] * PARTITIONS
            what = self.chance.random()
            if what < 0.05 and not is_quiet:
                self.fault()
            elif what < 0.15 and not is_quiet:
                self.append()
            elif what < 0.35:
                self.read()
            elif what < 0.4 and not is_quiet:
                self.publish()
            else:
                next(self.chance.choice(self.emitters)[1])
            self.check()
        self.leases = dict.fromkeys(SINKS)
        for _ in range(20):
            self.slots = [len(messages) for messages in self.log]
            for _kind, turn in self.emitters:
                next(turn)
            self.check()
        ends = [len(messages) for messages in self.log]
        for sink in self.sinks.values():
            if sink.kind == "appended":
                final, rows = self.final(ends), self.view(ends)
                held = {w: total for w, (total, _) in sink.rows.items() if w in final and total is not None}
                behind = held != {w: rows[w] for w in rows if w in final}
            else:
                behind = sink.offsets != ends and self.view(sink.offsets or [0] * PARTITIONS) != self.view(ends)
            if behind:
                raise Wrong(f"{sink.kind} stays at {sink.offsets}, and the log ends at {ends}")


def due(world, kind, rows, held, final):
    """What is to be written where the sink holds `held`."""
    if kind != "appended":
        return {w: rows.get(w) for w in rows.keys() | held.keys() if rows.get(w) != held.get(w)}
    if world.bug == "appends rows that aren't final":
        final = rows
    appended = {}
    for window in rows.keys() | held.keys():
        before, revision = held.get(window, (None, 0))
        total = rows.get(window)
        if total != before and (total is None or window in final):
            appended[window] = total, revision + 1
    return appended


def emitter(world, kind, name):
    """One process; it stops at each step that others can come between."""
    sink = lambda: world.sinks[kind]  # noqa: E731
    epoch, held, stated, floor = None, None, None, [0] * PARTITIONS
    while True:
        yield
        if world.leases[kind] not in (None, name):
            held = None
            continue
        world.leases[kind] = name
        try:
            if held is not None and kind not in TOPICS and sink().statement() != stated:
                if world.bug == "keeps what it knew of a sink that was emptied":
                    stated = sink().statement()
                else:
                    held = None
            if held is None:
                if world.bug != "doesn't fence the producer before it":
                    sink().epoch += 1
                epoch = sink().epoch
                yield
                stated = sink().statement()
                held = dict(sink().rows)
                if kind == "appended" and world.bug == "numbers restated rows anew when it starts":
                    held = {window: (total, 1) for window, (total, _) in held.items()}
                elif kind == "appended" and world.bug == "forgets the number of a row that vanished":
                    held = {window: row for window, row in held.items() if row[0] is not None}
                if kind in TOPICS and epoch != sink().epoch:
                    raise Down
                floor = [max(pair) for pair in zip(floor, stated[1] or floor)]
            yield
            offsets = world.answer()
            below = offsets and any(new < old for new, old in zip(offsets, floor))
            if offsets is None or (below and world.bug != "takes a state below what the sink states"):
                continue
            rows = world.view(offsets)
            changes = due(world, kind, rows, held, world.final(offsets))
            if not changes and (kind in TOPICS or offsets == stated[1]):
                continue
            yield
            stated = world.write(kind, stated, epoch, changes, offsets)
            held = {**held, **changes} if kind == "appended" else rows
            floor = offsets
        except Down:
            if world.bug != "keeps what it knew of the sink over a failure":
                held = None
            world.leases[kind] = None


def play(seed, bug=None):
    """What went wrong, or None."""
    try:
        World(seed, bug).play()
    except Wrong as wrong:
        return str(wrong)
    return None


def main():
    about, _, _ = __doc__.partition("\n")
    parser = argparse.ArgumentParser(prog="tests/model/run emitter", description=about)
    parser.add_argument("--schedules", type=int, default=2000, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, metavar="N", help="of the first schedule; by chance, and printed")
    parser.add_argument("--bug", choices=BUGS, metavar="NAME", help="only with this bug: " + "; ".join(BUGS))
    options = parser.parse_args()
    seed = time.time_ns() % 10**9 if options.seed is None else options.seed
    print(f"seed {seed}")
    failed = False
    for bug in [options.bug] if options.bug else [None, *BUGS]:
        found = next(((s, w) for s in range(seed, seed + options.schedules) if (w := play(s, bug))), None)
        if bug is None:
            print(f"right: {options.schedules} schedules" if not found else f"WRONG: seed {found[0]}: {found[1]}")
        else:
            print(f"{bug}: found at seed {found[0]}: {found[1]}" if found else f"{bug}: NOT FOUND")
        failed |= bool(found) == (bug is None)
    sys.exit(failed)


if __name__ == "__main__":
    main()
