# SPDX-License-Identifier: Apache-2.0
"""What sinks hold: rows as the API gives them, and the statement of what they are of, read in one step."""

import json
from decimal import Decimal

from .process import Final
from .tidemark import row_key


class Held:
    """Rows and statement of a sink at one moment."""

    def __init__(self, rows, statement):
        self.rows_held, self.statement = rows, statement

    @property
    def offsets(self):
        return {int(partition): offset for partition, offset in self.statement["offsets"].items()}

    def rows(self, definition):
        """As the oracle gives them."""
        return {row_key(row, definition): {m: row[m] for m in definition.measures} for row in self.rows_held}


def decoded(text):
    return json.loads(text, parse_float=Decimal)


def read_hash(redis, key):
    """None where there is no hash."""
    words = redis.command("--json", "hgetall", key)
    fields = json.loads(words) if words else {}
    statement = fields.pop("_provenance", None)
    return statement and Held([decoded(text) for text in fields.values()], decoded(statement))


def read_topic(reader, topic):
    """The topic compacted, None where it has no record. Checks that no record says what the one before of its key says,
    that offsets never go back, and, in append mode, that revisions go up by one; there a row's revision stays with it."""
    rows, revisions, statement = {}, {}, None
    for _partition, message in reader.each(topic):
        key, value = message.key().decode(), message.value()
        if not message.headers():
            rows[key] = {"written by others": value}
            continue
        row = decoded(value.decode()) if value is not None else None
        before, statement = statement, decoded(dict(message.headers())["tidemark-provenance"].decode())
        check(not before or not goes_back(before["offsets"], statement["offsets"]), f"{statement} behind {before}")
        check(row is None or key_of(row, decoded(key)) == decoded(key), f"{key} is the key of {row}")
        if statement["mode"] == "append" and row:
            check(row.get("revision", 1) == revisions.get(key, 0) + 1, f"{key}: {row} behind {revisions.get(key)}")
            revisions[key] = row.get("revision", 1)
            row = None if row.get("removed") else row
        check(content(row) != content(rows.get(key)), f"{key} is written twice alike: {row}")
        rows[key] = row
    return statement and Held([row for row in rows.values() if row is not None], statement)


def check(is_so, what):
    """What isn't so doesn't become so by waiting."""
    if not is_so:
        raise Final(what)


def goes_back(before, offsets):
    return any(offsets.get(partition, -1) < offset for partition, offset in before.items())


def content(row):
    return row and {name: value for name, value in row.items() if name != "revision"}


def key_of(row, key):
    return {name: row[name] for name in key}


def read_table(postgres, table):
    """None where nothing was emitted to it."""
    found = postgres.sql(
        "select json_build_object('statement', e.provenance, 'rows', "
        f"(select coalesce(json_agg(t), '[]') from {table} t)) from tidemark.emitted e where sink = '{table}'"
    )
    held = found and decoded(found)
    return held and Held(held["rows"], held["statement"])
