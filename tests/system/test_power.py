#!/usr/bin/python3
"""The power goes: what a disk may hold then is sound, and has all that was acknowledged

A node runs with its writes recorded (power/recorder.c); power/images.c builds what a disk may hold at any moment of
that, and opens each. POWER_IMAGES of them (400), by POWER_SEED.
"""

import os
import random
import subprocess

import tidepool
from tidepool import BIN, Case, pack

IMAGES = int (os.environ.get ("POWER_IMAGES", 400))
SEED = int (os.environ.get ("POWER_SEED", random.randrange (1 << 32)))
REQUESTS, IN_FLIGHT, RECORDS = 1200, 8, 150
OPENED = 12 # of the images by a node, too


class Power (Case):
    def record (self, **environment):
        """A node that is written to; each acknowledgement with the size that the record had then"""
        self.taken = self.place / "record"
        a = self.node ("a", start=False)
        a.environment = {"LD_PRELOAD": BIN / "recorder.so", "RECORD_FILE": self.taken, **environment}
        a.start ()
        choose, uuids = random.Random (SEED), {}
        asked, self.acks = {}, []
        requests = a.requests ("api")
        for _ in range (REQUESTS):
            self.ask (requests, choose, uuids, asked)
            if len (asked) >= IN_FLIGHT:
                self.hear (requests, asked)
        while asked:
            self.hear (requests, asked)
        a.stop ()
        with open (self.place / "acks", "w", encoding="ascii") as file:
            file.writelines (f"{offset} {action} {tidepool.uuid_text (uuid)} {number}\n"
                             for offset, action, uuid, number in self.acks)
        return a

    def ask (self, requests, choose, uuids, asked):
        """One operation on a record that nothing else is under way to"""
        busy = {op["uuid"] for op in asked.values ()}
        uuid = choose.choice ([known for known in uuids if known not in busy] or [None])
        if uuid is None or len (uuids) < RECORDS and choose.random () < .5:
            uuid = tidepool.uuids.UUID (int=choose.getrandbits (128), version=4).bytes
            uuids[uuid] = 0
        uuids[uuid] += 1
        action = "create" if uuids[uuid] == 1 else choose.choice (["update"] * 9 + ["delete"])
        op = {"action": action, "resource": "tags", "uuid": uuid}
        if action == "delete":
            del uuids[uuid]
        else:
            op["value"] = {"n": uuids.get (uuid, 0), "text": "x" * choose.choice ((10, 500, 6000))}
        asked[requests.send ("apply", ops=[op])] = op

    def hear (self, requests, asked):
        answer = requests.receive (tidepool.DEADLINE)
        self.assertTrue (answer and answer["ok"], answer)
        op = asked.pop (answer["id"])
        self.acks.append ((self.taken.stat ().st_size, op["action"], op["uuid"],
                           op.get ("value", {}).get ("n", 0)))

    def images (self, count):
        (self.place / "image").mkdir (exist_ok=True)
        done = subprocess.run (
            [BIN / "images", self.taken, self.place / "acks", self.place / "image", str (count), str (SEED)],
            stdout=subprocess.PIPE, text=True, check=False)
        self.assertNotEqual (done.returncode, 2, done.stdout) # it may also have crashed on what it opened
        return done.returncode == 0, done.stdout

    def test_nothing_acknowledged_is_lost_and_each_disk_opens (self):
        self.record ()
        sound, said = self.images (IMAGES)
        print (f"seed {SEED}: {said.strip ().rpartition (chr (10))[2]}")
        self.assertTrue (sound, f"POWER_SEED={SEED}\n{said}")

    def test_without_syncs_it_is_and_so_this_test_can_fail (self):
        self.record (RECORD_WITHOUT_SYNC="1")
        sound, said = self.images (100)
        self.assertFalse (sound, said)

    def test_a_node_starts_on_what_is_left (self):
        a = self.record ()
        for n in range (OPENED):
            global SEED
            SEED += 1
            self.images (1)
            os.replace (self.place / "image" / "data.mdb", a.dir / "data.mdb")
            a.environment = {}
            a.start ()
            self.assertTrue (a.create ("tags", n=n))
            self.assertEqual (a.command ("verify", check=False).returncode, 0)
            a.stop ()


if __name__ == "__main__":
    tidepool.main ()
