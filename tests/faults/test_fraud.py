# SPDX-License-Identifier: Apache-2.0
"""The short form of tests/faults/fraud."""

import unittest

from .fraud import main


class Fraud(unittest.TestCase):
    def test_every_alert_is_there_once_whatever_happens_to_the_processes(self):
        self.assertEqual(main(["--transactions", "60000", "--rate", "3000", "--pause", "0.5", "2", "--seed", "1"]), 0)


if __name__ == "__main__":
    unittest.main()
