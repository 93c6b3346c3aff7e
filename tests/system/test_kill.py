#!/usr/bin/python3
"""SIGKILL at any moment: every acknowledged operation is there afterwards, whole, and the pool converges"""

import os
import random

import tidepool
from tidepool import Case, uuid7, wait_converged

SEED = int (os.environ.get ("TIDEPOOL_SEED", random.SystemRandom ().randrange (1 << 32)))
KILLS = int (os.environ.get ("TIDEPOOL_KILLS", 12))
IN_FLIGHT = 40


class Writer:
    """Keeps requests under way, each of a few records; knows which were acknowledged, and which nobody knows of"""

    def __init__ (self, node, rng):
        self.node, self.rng = node, rng
        self.acknowledged = []
        self.asked = {}
        self.serial = 0

    def send (self):
        self.serial += 1
        count = self.rng.choice ((1, 1, 2, 5, 50))
        make = self.rng.choice ((uuid7, lambda: self.rng.randbytes (16)))
        transaction = [make () for _ in range (count)]
        ops = [{"action": "create", "resource": ("tags", "albums")[n % 2], "uuid": uuid,
                "value": {"serial": self.serial, "text": "x" * self.rng.choice ((5, 300))}}
               for n, uuid in enumerate (transaction)]
        self.asked[self.node.requests ("api").send ("apply", ops=ops)] = transaction

    def receive (self, timeout):
        answer = self.node.requests ("api").receive (timeout)
        if answer is None:
            return False
        transaction = self.asked.pop (answer["id"])
        assert answer["ok"], answer
        assert answer["uuids"] == transaction
        self.acknowledged.append (transaction)
        return True

    def run (self, answers):
        """Until so many more are acknowledged; leaves others under way"""
        while len (self.asked) < IN_FLIGHT:
            self.send ()
        for _ in range (answers):
            assert self.receive (tidepool.DEADLINE), "an answer"
            self.send ()

    def forget (self):
        """The node is dead. What it was asked and did not answer: nobody knows"""
        unknown = list (self.asked.values ())
        self.asked = {}
        return unknown


def present (node, transaction):
    return [node.get (("tags", "albums")[n % 2], uuid) is not None
            for n, uuid in enumerate (transaction)]


class Kill (Case):
    def setUp (self):
        print (f"seed {SEED}", flush=True)
        self.rng = random.Random (SEED)

    def check (self, node, acknowledged, unknown):
        for transaction in acknowledged:
            self.assertTrue (all (present (node, transaction)), "acknowledged, and lost")
        for transaction in unknown:
            here = present (node, transaction)
            self.assertTrue (all (here) or not any (here), "half a transaction")

    def test_what_was_acknowledged_survives (self):
        node = self.node ()
        writer = Writer (node, self.rng)
        unknown = []
        for _ in range (KILLS):
            since = len (writer.acknowledged)
            writer.run (self.rng.randrange (1, 60))
            node.kill ()
            fresh = writer.forget ()
            unknown += fresh
            node.start ()
            self.check (node, writer.acknowledged[since:], fresh)
        self.check (node, writer.acknowledged, unknown)
        self.assertTrue (node.admin ("verify")["sound"])

    def test_a_clock_never_repeats_itself (self):
        node = self.node ()
        last = [0, b""]
        for _ in range (5):
            for _ in range (self.rng.randrange (1, 5)):
                stamp = node.apply ({"action": "create", "resource": "tags", "value": {}})["timestamp"]
                self.assertGreater (stamp, last)
                last = stamp
            node.kill ()
            node.start ()

    def test_the_pool_converges (self):
        nodes = self.pool ("a", "b", "c")
        writers = [Writer (node, self.rng) for node in nodes]
        unknown = []
        for _ in range (KILLS):
            for writer in writers:
                writer.run (self.rng.randrange (1, 20))
            writer = self.rng.choice (writers)
            writer.node.kill () # while it writes, and while the others' batches come in
            unknown += writer.forget ()
            writer.node.start ()
        for writer in writers:
            while writer.asked and writer.receive (tidepool.DEADLINE):
                pass
        wait_converged (nodes)
        acknowledged = [t for writer in writers for t in writer.acknowledged]
        for node in nodes:
            self.check (node, acknowledged, unknown)
            self.assertTrue (node.admin ("verify")["sound"])

    def test_a_join_that_is_killed_goes_on (self):
        a = self.node ("a", *tidepool.POOL_CHANGES_SOON)
        for _ in range (20):
            a.apply (*({"action": "create", "resource": "tags", "uuid": self.rng.randbytes (16),
                        "value": {"n": n, "text": "x" * 200}} for n in range (1000)))
        b = self.node ("b", *tidepool.POOL_CHANGES_SOON)
        b.create ("tags", by="b")
        b.admin ("join", ticket=tidepool.invite (a))
        for victim in (b, a, b, b):
            victim.kill ()
            victim.start ()
            tidepool.wait_until (lambda: tidepool.ready (b) or b.status ()["joining"]["records"],
                                 what="the copy goes on")
        tidepool.wait_until (lambda: tidepool.ready (b), what="b is ready")
        wait_converged ([a, b])
        self.assertEqual (b.count ("tags"), 20001)
        self.assertTrue (b.admin ("verify")["sound"])


if __name__ == "__main__":
    tidepool.main ()
