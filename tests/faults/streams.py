# SPDX-License-Identifier: Apache-2.0
"""What tests/faults/streams starts; see there."""

import argparse
import random
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.servers import month  # noqa: E402
from e2e.test_streams import Streams  # noqa: E402

MONTH = 40_000  # orders of it; then the same come again
PIECE = 500  # orders that are sent together
CALM = 15  # seconds between two faults, and after each before the server is there again, by chance


class TornStreams(Streams):
    """`play` is its only test; `options` are those of the command line."""

    def play(self):
        chance = random.Random(self.options.seed)
        self.begin(redis_persistent=True)
        self.orders = month(0, MONTH)
        readers = self.read_all(chance)
        until, self.sent, faults = time.monotonic() + self.options.minutes * 60, 0, 0
        while time.monotonic() < until:
            self.send_for(chance.uniform(1, CALM))
            self.hit(chance)
            faults += 1
            print(f"{self.sent} orders, {faults} faults, {sum(reader.cuts for reader in readers)} cuts", flush=True)
        self.assert_all_served()
        for reader in readers:
            reader.tears = False  # else a busy machine may never let it take a whole view before it is cut off again
        self.assert_copies(readers)
        for reader in readers:
            reader.stop()
        self.assertTrue(all(reader.cuts for reader in readers[1::2]), [reader.cuts for reader in readers])
        for whole, torn in zip(readers[::2], readers[1::2]):
            self.assertEqual(whole.copy.rows, torn.copy.rows)
        print(f"the {len(readers)} copies are the views' rows: {sum(len(reader.copy.rows) for reader in readers)} of them")

    def send_for(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            at = self.sent % MONTH
            self.send(self.orders[at : at + PIECE])
            self.sent += PIECE

    def hit(self, chance):
        """A batch run, or a store that is killed or stopped and comes back while orders go on."""
        server = chance.choice([None, self.redis, self.postgres])
        if server is None:
            self.job.batch(expect=(0, 75))
            return
        chance.choice([server.kill, server.stop])()
        self.send_for(chance.uniform(1, CALM))
        server.start()


def main(arguments):
    parser = argparse.ArgumentParser(prog="tests/faults/streams")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    TornStreams.options = parser.parse_args(arguments)
    print(f"--seed {TornStreams.options.seed}", flush=True)
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite([TornStreams("play")]))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
