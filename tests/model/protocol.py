#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cut, the commit and the merge as a program that can be played, with what an answer adds up made of components.

A cell is a sum of components: how many versions count, their amounts, how many have a value, and each value with its
multiplicity (a member). Components are added and taken back, so whatever keeps sums right keeps members right. A
measure is a function of the components of all panes that its row is made of: `unique`, `min` and `max` look at the
values of which more were added than taken back, wherever the two happened. Hopping windows and fewer groups merge
panes; sessions are made of panes of one moment each.

One thread plays the log, Redis, PostgreSQL, two speed processes that both believe they own every partition, a batch
process, and a reader of each of two configuration files, one atomic step after the other in random order. Processes
die, replies are lost, Redis is emptied or comes back older in part or whole, PostgreSQL is restored from a backup,
views are replayed from the start of the log, and processes are restarted with the other file. An answer equals a
recomputation of the messages below the offsets that it states, or says that it has none. When the faults end, answers
come back without help, and reach the end of the log.

Beside sums, the model shows of members and files:
- Published members need no table: the live versions at the cut are the members. What is looked up in them must come
  from the snapshot that the rows came from.
- A member's multiplicity in real time may be negative, and stays so until the cut passes it.
- The slot of a file is its own, and begins at whatever is published, by whichever file. A view whose definition is the
  published one is complete then; one that changed is missing until a run publishes it.
- A watermark that follows from what the answer is of, from clocks and idle times in slots and publication, is the same
  whoever says it, also after an emptied Redis. The idle time that is published is the one at the cut: a slot that went
  on from there knows of a silence that the cut says nothing of.
- Late messages are a function of the log where each is judged by the clock before it, which the slot keeps.
- Where a file takes another one's place in the order speed, serving, batch, views that both have are answered all the
  time: by the old file, whose slots stand still, and then by the new one, before anything is published by it.
"""

import argparse
import random
import sys
import time
from collections import Counter, defaultdict, namedtuple

PARTITIONS = 2
STEPS = 300  # with faults, of a schedule
PANE = 3  # moments
HOP_PANES = 3  # in a hopping window
GAP = 2  # moments, of a session
STEPS_A_MOMENT = 25  # until 12 moments, as events have
IDLE = 4  # steps, after which a silent partition is waited for no longer
WAIT = 2  # moments, for late versions: the watermark
NEVER = -1  # of a clock or an idle time: before all moments

Version = namedtuple("Version", "key moment group value amount record")  # value None: it has none
View = namedtuple("View", "name pane least")  # a pane is so many moments; smaller amounts don't count
Row = namedtuple("Row", "count total values unique smallest largest")
Visit = namedtuple("Visit", "count total values")

SALES, VISITS = View("sales", PANE, 1), View("visits", 1, 1)
FILES = {
    "old": (SALES, VISITS, View("large", PANE, 2)),
    "new": (SALES, VISITS, View("large", PANE, 4)),  # the same name, and another meaning
}

BUGS = (
    "commits without comparing the offset",
    "adds epochs that don't begin at the cut",
    "never begins a slot anew",
    "keeps the index when it goes back",
    "publishes versions beyond the cut",
    "looks values up in another snapshot",
    "drops negative multiplicities",
    "counts a union as a sum",
    "never takes an extreme back",
    "counts versions without a value",
    "joins sessions of the two sides as intervals",
    "cuts a session where the range begins",
    "shares a slot between files",
    "begins the other file's slot anew",
    "answers from rows of another definition",
    "keeps the watermark in a process",
    "publishes an idle time from behind the cut",
    "begins the clock anew with a process",
)


# --- components ------------------------------------------------------------------------------------------------------


def add(cells, component, number):
    """A component that is 0 is none."""
    total = cells.get(component, 0) + number
    if total:
        cells[component] = total
    else:
        cells.pop(component, None)


def apply(cells, views, version, sign):
    """Adds a version to the cells of all views, or takes it back. A component is (view, pane, group, what[, value])."""
    for view in views:
        if version.amount < view.least:
            continue
        cell = view.name, version.moment // view.pane, version.group
        add(cells, (*cell, "count"), sign)
        add(cells, (*cell, "total"), sign * version.amount)
        if version.value is not None:
            add(cells, (*cell, "values"), sign)
            add(cells, (*cell, "member", version.value), sign)


def take_late(late, views, versions, clock):
    """Counts those whose pane had ended, less WAIT, by the clock before them; returns the clock behind them."""
    for version in versions:
        for view in views:
            end = (version.moment // view.pane + 1) * view.pane
            late[view.name] += version.amount >= view.least and end <= clock - WAIT
        clock = max(clock, min(version.moment, version.record))
    return clock


def merge(cells, others):
    for component, number in others.items():
        add(cells, component, number)


# --- the stores ------------------------------------------------------------------------------------------------------


class Slot:
    def __init__(self, incarnation, epoch, offset, clock, idle):
        self.incarnation, self.epoch, self.next = incarnation, epoch, offset
        self.start, self.cells = {epoch: offset}, {epoch: {}}
        self.clock, self.idle = clock, idle
        self.late, self.idle_at = {epoch: Counter()}, {epoch: idle}

    def copy(self):
        other = Slot(self.incarnation, self.epoch, self.next, self.clock, self.idle)
        other.start, other.cells = dict(self.start), {epoch: dict(cells) for epoch, cells in self.cells.items()}
        other.late, other.idle_at = {epoch: Counter(late) for epoch, late in self.late.items()}, dict(self.idle_at)
        return other


class Redis:
    """A slot for each partition and file. Each method is one function there, and so is atomic."""

    def __init__(self, bug):
        self.bug, self.slots, self.incarnations = bug, {}, 0

    def key(self, file, partition):
        return (None if self.bug == "shares a slot between files" else file), partition

    def get(self, file, partition):
        return self.slots.get(self.key(file, partition))

    def read(self, file, partition):
        slot = self.get(file, partition)
        return slot and slot.copy()

    def copy(self):
        return {key: slot.copy() for key, slot in self.slots.items()}

    def init(self, file, partition, seen, *begin):
        if self.bug == "begins the other file's slot anew":
            self.slots = {key: slot for key, slot in self.slots.items() if key[1] != partition or key[0] == file}
        slot = self.get(file, partition)
        if (slot and slot.incarnation) == seen:
            self.incarnations += 1
            self.slots[self.key(file, partition)] = Slot(self.incarnations, *begin)

    def commit(self, file, partition, incarnation, expected, following, changes, late, clock, idle):
        slot = self.get(file, partition)
        if slot is None or slot.incarnation != incarnation:
            return False
        if slot.next != expected and self.bug != "commits without comparing the offset":
            return False
        merge(slot.cells[slot.epoch], changes)
        slot.late[slot.epoch] += late
        slot.next, slot.clock, slot.idle = following, clock, idle
        return True

    def open_epoch(self, file, partition, epoch):
        """Where this epoch begins; None where the slot isn't at the one before. Opening twice changes nothing."""
        slot = self.get(file, partition)
        if slot and epoch not in slot.start and slot.epoch == epoch - 1:
            slot.epoch, slot.start[epoch], slot.cells[epoch] = epoch, slot.next, {}
            slot.late[epoch], slot.idle_at[epoch] = Counter(), slot.idle
        return slot.start.get(epoch) if slot else None

    def drop_epochs(self, file, partition, last):
        slot = self.get(file, partition)
        for epoch in [e for e in slot.start if e <= last and e < slot.epoch] if slot else ():
            del slot.start[epoch], slot.cells[epoch], slot.late[epoch], slot.idle_at[epoch]


class Publication:
    """What one transaction of PostgreSQL made visible. Never changed: whoever holds it holds a snapshot."""

    def __init__(self, epoch, cut, current, views, logs, idle):
        self.epoch, self.cut, self.current, self.views = epoch, cut, current, views
        self.cells, self.late, self.idle = {}, Counter(), idle
        self.clock = [take_late(self.late, views, log[:end], NEVER) for log, end in zip(logs, cut)]
        for version in current.values():
            apply(self.cells, views, version, 1)

    def has(self, view):
        return self.epoch == 0 or view in self.views  # before the first run there are no rows to be wrong

    def members(self, view, cells):
        """Of the live versions: how often each value is in these cells, [(pane, group)]."""
        counted = Counter()
        for version in self.current.values():
            if version.amount >= view.least and version.value is not None:
                counted[version.value] += (version.moment // view.pane, version.group) in cells
        return +counted


def fits(slot, published, partition):
    following = published.epoch + 1
    return slot is not None and slot.epoch >= following and slot.start.get(following) == published.cut[partition]


# --- the programs ----------------------------------------------------------------------------------------------------


class Speed:
    def __init__(self, world, file):
        self.world, self.file, self.partitions = world, file, [None] * PARTITIONS

    def restart(self, file):
        self.file, self.partitions = file, [None] * PARTITIONS

    def step(self, partition):
        state = self.partitions[partition]
        if state is None:
            self.open(partition)
        elif "begin" in state:
            self.world.redis.init(self.file, partition, *state["begin"])
            self.partitions[partition] = None
        elif self.world.chance(0.15) and not self.still_fits(partition):
            self.partitions[partition] = None
        else:
            self.commit(partition, state)

    def still_fits(self, partition):
        return fits(self.world.redis.get(self.file, partition), self.world.published, partition)

    def open(self, partition):
        """Reads both stores. What follows from it is done a step later, when both may have changed."""
        slot, published = self.world.redis.read(self.file, partition), self.world.published
        if fits(slot, published, partition) or (slot and self.world.bug == "never begins a slot anew"):
            index = {version.key: version for version in self.world.log[partition][: slot.next]}
            clock = NEVER if self.world.bug == "begins the clock anew with a process" else slot.clock
            state = {"incarnation": slot.incarnation, "next": slot.next, "index": index, "clock": clock}
            state |= {"idle": slot.idle, "silent": self.world.now}
        else:
            begin = published.cut[partition], published.clock[partition], published.idle[partition]
            state = {"begin": (slot and slot.incarnation, published.epoch + 1, *begin)}
        self.partitions[partition] = state

    def commit(self, partition, state):
        world, index, changes = self.world, state["index"], {}
        following = min(len(world.log[partition]), state["next"] + world.random.randint(1, 4))
        for version in world.log[partition][state["next"] : following]:
            if version.key in index:
                apply(changes, FILES[self.file], index[version.key], -1)
            apply(changes, FILES[self.file], version, 1)
            index[version.key] = version
        late = Counter()
        clock = take_late(late, FILES[self.file], world.log[partition][state["next"] : following], state["clock"])
        if following > state["next"]:
            state["silent"] = world.now
        elif world.now - state["silent"] >= IDLE:
            state["idle"] = max(state["idle"], (world.now - IDLE) // STEPS_A_MOMENT)
        if world.bug == "drops negative multiplicities":
            changes = {what: number for what, number in changes.items() if "member" not in what or number > 0}
        what = following, changes, late, clock, state["idle"]
        done = world.redis.commit(self.file, partition, state["incarnation"], state["next"], *what)
        if done and (world.is_calm or not world.chance(0.05)):
            state["next"], state["clock"] = following, clock
        elif world.bug == "keeps the index when it goes back" and world.redis.get(self.file, partition):
            state["next"] = world.redis.get(self.file, partition).next
        else:  # refused, or the reply was lost
            self.partitions[partition] = None


def batch_run(world, file, replays):
    """After each yield it may never go on. A replay takes nothing from what is published but its epoch."""
    before, cut, idle = world.published, [], list(world.published.idle)
    for partition in range(PARTITIONS):
        cut.append(world.redis.open_epoch(file, partition, before.epoch + 2))
        yield
        if cut[partition] is None or cut[partition] < before.cut[partition]:
            return  # the speed layer with this file hasn't begun the slot yet, or stands behind what is published
    current = {} if replays else dict(before.current)
    for partition, log in enumerate(world.log):
        reach = len(log) if world.bug == "publishes versions beyond the cut" else cut[partition]
        for version in log[0 if replays else before.cut[partition] : reach]:
            current[partition, version.key] = version
        slot = world.redis.read(file, partition)
        if slot and slot.start.get(before.epoch + 2) == cut[partition]:
            at_cut = slot.idle_at[before.epoch + 2]
            behind = world.bug == "publishes an idle time from behind the cut"
            idle[partition] = max(idle[partition], slot.idle if behind else at_cut)
        yield
    if world.published.epoch != before.epoch:  # in the transaction that publishes, under its lock
        return
    world.published = Publication(before.epoch + 1, cut, current, FILES[file], world.log, idle)
    yield
    for partition in range(PARTITIONS):
        world.redis.drop_epochs(file, partition, before.epoch)
        yield


class Reader:
    """A snapshot of PostgreSQL, then the slots one by one, then what is to be looked up in that snapshot."""

    def __init__(self, world, file):
        self.world, self.file, self.kept = world, file, NEVER
        self.begin()

    def begin(self):
        self.published, self.slots = self.world.published, []

    def step(self):
        """True once everything is read."""
        if len(self.slots) == PARTITIONS:
            return True
        self.slots.append(self.world.redis.read(self.file, len(self.slots)))
        return False

    def merged(self):
        """(the offsets, cells of real time), or None where a part is missing."""
        offsets, live, epoch = [], {}, self.published.epoch
        for partition, slot in enumerate(self.slots):
            any_start = self.world.bug == "adds epochs that don't begin at the cut" and slot and slot.epoch > epoch
            if not any_start and not fits(slot, self.published, partition):
                return None
            offsets.append(slot.next)
            for cells in [cells for number, cells in slot.cells.items() if number > epoch]:
                merge(live, cells)
        return offsets, live

    def late(self, view):
        epoch = self.published.epoch
        live = [late[view.name] for slot in self.slots for number, late in slot.late.items() if number > epoch]
        return self.published.late[view.name] + sum(live)

    def watermark(self):
        """Of what is merged, which fits."""
        settled = [max(slot.clock, slot.idle) for slot in self.slots]
        said = min((moment for moment in settled if moment > NEVER), default=NEVER) - WAIT
        if self.world.bug == "keeps the watermark in a process":
            said = self.kept = max(said, self.kept)
        return said

    def answer(self, question):
        """(offsets, rows), or None."""
        view = next(view for view in FILES[self.file] if view.name == question.view)
        if not self.published.has(view) and self.world.bug != "answers from rows of another definition":
            return None
        merged = self.merged()
        if merged is None:
            return None
        looked_up = self.world.published if self.world.bug == "looks values up in another snapshot" else self.published
        sides = Sides(view, self.published, looked_up, merged[1], self.world.bug)
        return merged[0], question.ask(sides)


# --- an answer from panes --------------------------------------------------------------------------------------------


class Sides:
    """The cells of one view on both sides of the cut."""

    def __init__(self, view, published, looked_up, live, bug):
        self.view, self.published, self.looked_up, self.bug = view, published, looked_up, bug
        self.batch = {c[1:]: n for c, n in published.cells.items() if c[0] == view.name}
        self.live = {c[1:]: n for c, n in live.items() if c[0] == view.name}
        self.cells = dict(self.batch)
        merge(self.cells, self.live)

    def places(self):
        return {component[:2] for component in self.cells}

    def sum(self, what, places):
        return sum(self.cells.get((*place, what), 0) for place in places)

    def row(self, places):
        """The measures of these cells together; None where no version counts."""
        count = self.sum("count", places)
        if not count:
            return None
        values = count if self.bug == "counts versions without a value" else self.sum("values", places)
        parts = [{place} for place in places] if self.bug == "counts a union as a sum" else [places]
        unique = sum(self.unique(part) for part in parts)
        smallest, largest = self.extreme(places, min), self.extreme(places, max)
        return Row(count, self.sum("total", places), values, unique, smallest, largest)

    def live_members(self, places):
        members = Counter()
        for component, number in self.live.items():
            if component[2] == "member" and component[:2] in places:
                members[component[3]] += number
        return members

    def unique(self, places):
        """The published count, more or less what real time changes: only the values that it names are looked up."""
        count, published = len(self.published.members(self.view, places)), self.looked_up.members(self.view, places)
        for value, change in self.live_members(places).items():
            count += (published[value] + change > 0) - (published[value] > 0)
        return count

    def extreme(self, places, pick):
        """Published values in order until one survives; before it, what real time alone has."""
        published, live = self.looked_up.members(self.view, places), self.live_members(places)
        kept = self.bug == "never takes an extreme back"
        survivors = (v for v in sorted(published, reverse=pick is max) if kept or published[v] + live[v] > 0)
        survivor = next(survivors, None)
        candidates = [value for value, change in live.items() if published[value] + change > 0]
        return pick(candidates if survivor is None else [*candidates, survivor], default=None)


class Panes:
    """A row for each pane and group; for hopping windows, and with all groups as one."""

    def __init__(self, view, panes=1, by_group=True):
        self.view, self.panes, self.by_group = view, panes, by_group

    def ask(self, sides):
        windows = defaultdict(set)
        for pane, group in sides.places():
            for start in range(pane - self.panes + 1, pane + 1):
                windows[start, group if self.by_group else None].add((pane, group))
        rows = {window: sides.row(places) for window, places in windows.items()}
        return {window: row for window, row in rows.items() if row}

    def recompute(self, versions, view):
        rows = {}
        panes = [version.moment // view.pane for version in versions]
        for start in range(min(panes, default=0) - self.panes + 1, max(panes, default=-1) + 1):
            for group in {version.group for version in versions} if self.by_group else {None}:
                inside = [
                    v
                    for v, pane in zip(versions, panes)
                    if start <= pane < start + self.panes and group in (None, v.group)
                ]
                if inside:
                    rows[start, group] = self.measures(inside)
        return rows

    @staticmethod
    def measures(versions):
        values = [version.value for version in versions if version.value is not None]
        total = sum(version.amount for version in versions)
        extremes = min(values, default=None), max(values, default=None)
        return Row(len(versions), total, len(values), len(set(values)), *extremes)


class Sessions:
    """Sessions that begin in a range, whole: from their first event to their last and GAP beyond it."""

    view = "visits"

    def __init__(self, since, until):
        self.since, self.until = since, until

    def ask(self, sides):
        if sides.bug == "joins sessions of the two sides as intervals":
            found = self.joined(self.split(sides.batch) + self.split(sides.live))
        else:
            before = 0 if sides.bug == "cuts a session where the range begins" else GAP
            found = self.split(sides.cells, self.since - before)
        rows = {}
        for group, first, last, places in found:
            if self.since <= first < self.until:
                rows[first, last + GAP, group] = Visit(*(sides.sum(w, places) for w in ("count", "total", "values")))
        return rows

    @staticmethod
    def split(cells, earliest=-GAP):
        """[group, first, last, cells] of the moments at which versions count, from `earliest` on."""
        found = []
        moments = sorted((g, m) for (m, g, what, *_), n in cells.items() if what == "count" and n > 0 and m >= earliest)
        for group, moment in moments:
            if not found or found[-1][0] != group or moment - found[-1][2] > GAP:
                found.append([group, moment, moment, set()])
            found[-1][2] = moment
            found[-1][3].add((moment, group))
        return found

    @staticmethod
    def joined(sessions):
        found = []
        for group, first, last, places in sorted(sessions, key=lambda session: session[:3]):
            if found and found[-1][0] == group and first - found[-1][2] <= GAP:
                found[-1][2] = max(found[-1][2], last)
                found[-1][3] |= places
            else:
                found.append([group, first, last, set(places)])
        return found

    def recompute(self, versions, view):
        rows = {}
        for group in {version.group for version in versions}:
            mine = [version for version in versions if version.group == group]
            moments = {version.moment for version in mine}
            for first in moments & set(range(self.since, self.until)):
                if any(first - GAP <= moment < first for moment in moments):
                    continue
                last = first
                while later := [moment for moment in moments if last < moment <= last + GAP]:
                    last = max(later)
                inside = [version for version in mine if first <= version.moment <= last]
                values = sum(version.value is not None for version in inside)
                rows[first, last + GAP, group] = Visit(len(inside), sum(v.amount for v in inside), values)
        return rows


# --- the play --------------------------------------------------------------------------------------------------------


class Wrong(Exception):
    pass


class World:
    def __init__(self, seed, bug):
        self.random, self.bug = random.Random(seed), bug
        self.log, self.redis = [[] for _ in range(PARTITIONS)], Redis(bug)
        never = [NEVER] * PARTITIONS
        self.now, self.is_calm, self.published = 0, False, Publication(0, [0] * PARTITIONS, {}, (), self.log, never)
        self.speeds, self.run = [Speed(self, "old"), Speed(self, self.file())], None
        self.readers = {file: Reader(self, file) for file in FILES}
        self.backup, self.copy, self.answers, self.complete = self.published, {}, 0, 0

    def chance(self, probability):
        return self.random.random() < probability

    def file(self):
        return self.random.choice(list(FILES))

    def question(self, view=None):
        view = view or self.random.choice(("sales", "visits", "large"))
        if view == "visits":
            since = self.random.choice((0, 0, 3, 5))
            return Sessions(since, self.random.choice((since + 3, 99)))
        return Panes(view, self.random.choice((1, HOP_PANES)), self.chance(0.5))

    def ask(self, reader, question):
        """The offsets of the answer, or None; an answer that isn't what the log says is the end."""
        answer = reader.answer(question)
        if answer is not None:
            self.check_watermark(reader, question)
        reader.begin()
        self.answers += 1
        if answer is None:
            return None
        self.complete += 1
        offsets, rows = answer
        view = next(view for view in FILES[reader.file] if view.name == question.view)
        latest = {(p, v.key): v for p, log in enumerate(self.log) for v in log[: offsets[p]]}
        expected = question.recompute([v for v in latest.values() if v.amount >= view.least], view)
        if rows != expected:
            raise Wrong(f"{reader.file} file, {question.view} {vars(question)}: {rows} and not {expected}")
        return offsets

    def check_watermark(self, reader, question):
        """Another process that reads the same says the same; nothing older than an idle time comes behind it; and late
        are those that the log says."""
        other = Reader(self, reader.file)
        other.published, other.slots = reader.published, reader.slots
        if reader.watermark() != other.watermark():
            raise Wrong(f"two readers of one state say {reader.watermark()} and {other.watermark()}")
        expected = Counter()
        for log, slot in zip(self.log, reader.slots):
            take_late(expected, FILES[reader.file], log[: slot.next], NEVER)
            if any(version.record < slot.idle for version in log[slot.next :]):
                raise Wrong(f"the slot at {slot.next} waits for nothing before {slot.idle}, and the log has more")
        view = next(view for view in FILES[reader.file] if view.name == question.view)
        if reader.late(view) != expected[view.name]:
            raise Wrong(f"{reader.file} file, {view.name}: {reader.late(view)} late and not {expected[view.name]}")

    def write(self):
        draw, record = self.random, self.now // STEPS_A_MOMENT
        value = draw.choice((None, 1, 2, 3, 3))
        version = Version(draw.randrange(6), draw.randrange(12), draw.choice("ab"), value, 0, record)
        draw.choice(self.log).append(version._replace(amount=draw.choice((0, 1, 2, 5))))  # 0: cancelled

    def speed(self):
        self.random.choice(self.speeds).step(self.random.randrange(PARTITIONS))

    def read(self):
        reader = self.readers[self.file()]
        if reader.step():
            self.ask(reader, self.question())

    def batch(self):
        file = self.file() if self.chance(0.3) else self.speeds[0].file
        self.run = self.run or batch_run(self, file, replays=self.chance(0.2))
        if next(self.run, "end") == "end":
            self.run = None

    def kill_speed(self):
        speed = self.random.choice(self.speeds)
        if self.chance(0.9):
            speed.partitions[self.random.randrange(PARTITIONS)] = None
        else:
            speed.restart(self.file())

    def kill_batch(self):
        self.run = None

    def save_redis(self):
        self.copy = self.redis.copy()

    def set_redis_back(self):
        keys = [key for key in {*self.redis.slots, *self.copy} if self.chance(0.7)]
        for key in keys:
            self.redis.slots.pop(key, None)
            if key in self.copy:
                self.redis.slots[key] = self.copy[key].copy()

    def empty_redis(self):
        for key in [key for key in self.redis.slots if self.chance(0.5)]:
            del self.redis.slots[key]

    def save_postgres(self):
        self.backup = self.published

    def restore_postgres(self):
        self.published = self.backup

    STEPS = (
        (write, 250),
        (speed, 340),
        (read, 190),
        (batch, 140),
        (kill_speed, 40),
        (kill_batch, 15),
        (save_redis, 10),
        (set_redis_back, 6),
        (empty_redis, 3),
        (save_postgres, 4),
        (restore_postgres, 2),
    )

    def calm(self, file, views):
        """Nothing goes wrong any more: all answers that this file's processes can give reach the end of the log."""
        self.is_calm = True
        for _ in range(60):
            self.now += 1
            for partition in range(PARTITIONS):
                self.speeds[0].step(partition)
        self.is_calm = False
        reader, ends = self.readers[file], [len(log) for log in self.log]
        for view in [view for view in FILES[file] if view in views]:
            reader.begin()
            while not reader.step():
                pass
            watermark = reader.watermark()
            if watermark + WAIT < (self.now - IDLE) // STEPS_A_MOMENT - 1:
                raise Wrong(f"{file} file: the watermark stands still at {watermark}, at {self.now // STEPS_A_MOMENT}")
            offsets = self.ask(reader, self.question(view.name))
            if offsets != ends:
                raise Wrong(f"{file} file, {view.name}: stuck at {offsets}, of {ends}")

    def must_answer(self, file, views):
        """At whatever offsets."""
        for view in views:
            self.readers[file].begin()
            while not self.readers[file].step():
                pass
            if self.ask(self.readers[file], self.question(view.name)) is None:
                raise Wrong(f"{file} file, {view.name}: nothing is answered while the file changes")

    def change(self, old, new):
        """Another file takes this one's place in the order speed, serving, batch, without any fault."""
        kept = [view for view in FILES[old] if view in FILES[new]]
        self.speeds[0].restart(new)
        for _ in range(20):
            self.write()
            self.must_answer(old, FILES[old])
            self.speed()
        self.calm(new, kept)
        self.must_answer(old, FILES[old])
        for _ in batch_run(self, new, replays=False):
            self.must_answer(new, kept)
        self.calm(new, FILES[new])

    def play(self):
        actions, weights = zip(*self.STEPS)
        for action in self.random.choices(actions, weights, k=STEPS):
            self.now += 1
            action(self)
        file = self.file()
        self.speeds[0].restart(file)
        self.calm(file, [view for view in FILES[file] if self.published.has(view)])
        for _ in batch_run(self, file, replays=False):
            pass
        self.calm(file, FILES[file])
        self.speeds[1].restart("new" if file == "old" else "old")
        self.change(file, self.speeds[1].file)


def play(seed, bug=None):
    """(answers, complete ones) of a schedule, or what is wrong with it as a text."""
    world = World(seed, bug)
    try:
        world.play()
    except Wrong as wrong:
        return str(wrong)
    except KeyError as missing:  # of an epoch that isn't there
        return repr(missing)
    return world.answers, world.complete


def play_right(schedules, seed):
    answers = complete = 0
    for number in range(seed, seed + schedules):
        outcome = play(number)
        if isinstance(outcome, str):
            sys.exit(f"--seed {number} --schedules 1: {outcome}")
        answers, complete = answers + outcome[0], complete + outcome[1]
    print(f"{schedules} schedules: {answers} answers, {complete} complete, all exact, none stuck")


def find(bug, schedules, seed):
    """True where the bug shows."""
    for number in range(seed, seed + schedules):
        outcome = play(number, bug)
        if isinstance(outcome, str):
            print(f"found after {number - seed + 1:4} schedules: {bug}")
            return True
    print(f"NOT FOUND in {schedules} schedules: {bug}")
    return False


def main():
    about = "Plays schedules of faults through the model, and finds each bug that is put into it."
    parser = argparse.ArgumentParser(prog="tests/model/run", description=about)
    schedules = "of the right model, and the most for each bug (default: %(default)s)"
    parser.add_argument("--schedules", type=int, default=2000, metavar="N", help=schedules)
    parser.add_argument("--seed", type=int, metavar="N", help="of the first schedule; by chance, and printed")
    parser.add_argument("--bug", choices=BUGS, metavar="NAME", help="only with this bug: " + "; ".join(BUGS))
    parser.add_argument("--right", action="store_true", help="only without a bug")
    options = parser.parse_args()
    seed = time.time_ns() % 10**9 if options.seed is None else options.seed
    print(f"seed {seed}")
    if not options.bug:
        play_right(options.schedules, seed)
    bugs = [options.bug] if options.bug else () if options.right else BUGS
    if not all([find(bug, options.schedules, seed) for bug in bugs]):
        sys.exit(1)


if __name__ == "__main__":
    main()
