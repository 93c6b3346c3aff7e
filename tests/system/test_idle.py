#!/usr/bin/python3
"""Idle nodes do next to nothing. With TIDEPOOL_RECORDS=1000000 it is the measurement that the README of the
tests speaks of; that takes minutes, and is run by hand."""

import os
import time

import tidepool
from tidepool import Case, uuid7, wait_converged

RECORDS = int (os.environ.get ("TIDEPOOL_RECORDS", 2000))
SECONDS = 5
# The aim is 1% of a core. These are what a busy machine with slow timers may still make of it.
CORE_SHARE_MAX = 0.03
SWITCHES_A_SECOND_MAX = 300
MEMORY_MAX = 64 << 20


class Idle (Case):
    def measure (self, nodes):
        """Of each node: share of a core, and context switches a second"""
        before = [node.effort () for node in nodes]
        began = time.monotonic ()
        time.sleep (SECONDS) # what is measured is that nothing happens
        past = time.monotonic () - began
        return [((ns - ns_before) / 1e9 / past, (switches - switches_before) / past)
                for (ns, switches), (ns_before, switches_before)
                in zip ((node.effort () for node in nodes), before)]

    def check (self, nodes):
        for node, (share, switches) in zip (nodes, self.measure (nodes)):
            memory = node.memory ()
            print (f"{node.name}: {100 * share:.2f}% of a core, {switches:.0f} context switches/s, "
                   f"{memory / (1 << 20):.1f} MiB", flush=True)
            self.assertLess (share, CORE_SHARE_MAX)
            self.assertLess (switches, SWITCHES_A_SECOND_MAX)
            self.assertLess (memory, MEMORY_MAX)

    def fill (self, node):
        for first in range (0, RECORDS, 1000):
            node.apply (*({"action": "create", "resource": "tags", "uuid": uuid7 (),
                           "value": {"n": n, "name": f"tag {n}", "colour": "blue"}}
                          for n in range (first, min (first + 1000, RECORDS))))

    def test_a_node_alone (self):
        node = self.node ()
        self.fill (node)
        self.assertEqual (node.count ("tags"), RECORDS)
        self.check ([node])

    def test_a_pool_falls_silent (self):
        nodes = self.pool ("a", "b", "c", settings=()) # as configured unless told otherwise
        self.fill (nodes[0])
        wait_converged (nodes, 10 * tidepool.DEADLINE)
        sealed = [node.metric ("batches_sealed_total") for node in nodes]
        self.check (nodes)
        later = [node.metric ("batches_sealed_total") for node in nodes]
        self.assertLessEqual (sum (later) - sum (sealed), 3) # an acknowledgement, and no more


if __name__ == "__main__":
    tidepool.main ()
