# SPDX-License-Identifier: Apache-2.0
"""The rules that the decoder is fuzzed against, compared with the oracle on thousands of messages made wrong by chance."""

import os
import random
import subprocess
import unittest

from support import oracle
from support.tidemark import BIN

ORDER = (
    b'{"order_id":"o-1","customer_id":"c\\u00e97","customer_segment":null,"product_id":"p","category":"books \xc3\xa9",'
    b'"amount":12.50,"quantity":3,"status":"completed","timestamp":"2026-01-01T08:00:00.125+02:00","x":{"a":[1,-2.5e3]}}'
)
PIECES = [
    piece.encode("utf-8", "surrogatepass")
    for piece in (
        '"', "\\", "{", "}", "[", "]", ":", ",", " ", "\n", "\t", "0", "1", "9", "-", "+", ".", "e", "E2", "e-2", "null",
        "true", "false", "NaN", "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\u00e9", "\0", "\x1f", "\x7f",
        "\u20ac", "\U0001f600", "\ud800", "\ufeff", '"amount":', '"order_id":"o",', "999999999999999", "0000", "1e14",
        "9223372036854775808", "-9223372036854775808", "2100-01-01T00:00:00Z", "1999-12-31T23:59:59-00:01", "2024-02-29",
        "2026-02-29", "24:00:00", "23:59:60", ".1234567891", "Z", "z", "t", "+24:00", "-00:00", "[" * 63, "]" * 63, "x" * 250,
    )
] + [b"\xff", b"\xc3", b"\xc0\x80", b"\xf4\x90\x80\x80"]  # fmt: skip
SIGNIFICANT = (b"12.50", b"3", b"2026-01-01T08:00:00.125+02:00", b"o-1", b"c\\u00e97", b"books", b"null", b'"x"')


def mutated(chance):
    message = bytearray(ORDER)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        kind, at = chance.randrange(4), chance.randrange(len(message) + 1)
        if kind == 0:
            del message[at : at + chance.choice((1, 1, 2, 5, 40))]
        elif kind == 1:
            message[at:at] = chance.choice(PIECES)
        elif kind == 2 and message:
            message[at % len(message)] = chance.choice((chance.randrange(256), chance.randrange(32, 127)))
        else:
            old = chance.choice(SIGNIFICANT)
            new = b"".join(chance.choice(PIECES) for _ in range(chance.choice((1, 1, 2, 3))))
            message[:] = bytes(message).replace(old, chance.choice((new, old + new, new + old)), 1)
    return bytes(message)


def expected(message):
    source = oracle.Source()
    try:
        order = oracle.decode(oracle.Message(0, 2**50, message), source)
    except oracle.Bad:
        return "bad"
    texts = []
    for name in source.fields:
        value = order[name]
        texts.append("-" if value is None else ":" + value.encode().hex() if isinstance(value, str) else str(value))
    return " ".join(["good", str(order["at"]), *texts])


class OrderRules(unittest.TestCase):
    def test_the_rules_in_c_and_the_oracle_judge_thousands_of_mutated_messages_alike(self):
        seed = int(os.environ.get("SEED") or random.randrange(2**32))
        chance = random.Random(seed)
        messages = [ORDER] + [mutated(chance) for _ in range(20000)]
        lines = "".join(message.hex() + "\n" for message in messages)
        judged = subprocess.run([BIN / "order_rules"], input=lines, capture_output=True, text=True, check=True)
        verdicts = judged.stdout.splitlines()
        self.assertEqual(len(verdicts), len(messages))
        for message, verdict in zip(messages, verdicts):
            self.assertEqual(verdict, expected(message), f"SEED={seed} {message!r}")
        good = sum(verdict != "bad" for verdict in verdicts)
        self.assertGreater(good, 2000, f"SEED={seed}: too few good messages to compare their values")
        self.assertLess(good, 18000, f"SEED={seed}: too few bad messages")


if __name__ == "__main__":
    unittest.main()
