#!/usr/bin/python3
"""Nodes under wall clocks that are wrong: behind, a little ahead, a day ahead, put right

Debian's libfaketime shifts CLOCK_REALTIME of one node by what a file says, which may change while the node runs.
Monotonic time stays everybody's.
"""

import glob
import os
import shutil
import time

import tidepool
from tidepool import Case, join, wait_converged, wait_until

SOON = tidepool.POOL_CHANGES_SOON
HOUR, DAY = 3600, 86400
SLACK = 5 # seconds between two looks at two clocks
LIBRARY = glob.glob ("/usr/lib/*/faketime/libfaketimeMT.so.1")


def seconds (stamp):
    return stamp / 2 ** 32


class ClockCase (Case):
    def fake (self, node, offset):
        """From now on, its wall clock is ahead by so many seconds"""
        path = self.place / (node.name + ".offset")
        fresh = path.with_suffix (".new")
        fresh.write_text (f"{offset:+g}\n")
        os.replace (fresh, path) # no reader sees half of it
        node.environment = {
            "LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": str (path),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def clocked (self, *names):
        """Nodes in one pool, each under a clock that can be set; it is right so far"""
        nodes = [self.node (name, *SOON, start=False) for name in names]
        for node in nodes:
            self.fake (node, 0)
            node.start ()
        for node in nodes[1:]:
            join (node, nodes[0])
        wait_converged (nodes)
        return nodes

    def stamp (self, node, **value):
        """Creates a tag; gives (uuid, the time of its timestamp)"""
        done = node.apply ({"action": "create", "resource": "tags", "value": value})
        return done["uuids"][0], done["timestamp"][0]

    def alarm (self, node, *words):
        """The first CLOCK_AHEAD of its status that has all the words"""
        for alarm in node.status ()["alarms"]:
            if alarm.startswith ("CLOCK_AHEAD: ") and all (word in alarm for word in words):
                return alarm
        return None

    def clock_alarms (self, node):
        return [alarm for alarm in node.status ()["alarms"] if alarm.startswith ("CLOCK_AHEAD")]

    def assertToday (self, stamp, offset=0):
        self.assertAlmostEqual (seconds (stamp), time.time () + offset, delta=SLACK)

    def wall (self, node):
        return seconds (node.status ()["clock"]["wall"])


class Clocks (ClockCase):
    def test_only_the_wall_clock_is_another (self):
        node, = self.clocked ("a")
        self.assertAlmostEqual (self.wall (node), time.time (), delta=SLACK)
        for offset in (-HOUR, DAY, 0):
            self.fake (node, offset)
            wait_until (lambda: abs (self.wall (node) - time.time () - offset) < SLACK,
                        what=f"its wall clock is {offset} s ahead")
            self.assertLess (node.status ()["uptime"], 60) # no time has passed

    def test_ninety_ms_ahead_is_no_drift (self):
        a, b = self.clocked ("a", "b")
        self.fake (b, 0.09)
        for n in range (10):
            uuid, written = self.stamp (b, n=n)
            wait_until (lambda: a.get ("tags", uuid) == {"n": n}, what="a takes it")
            later = a.update ("tags", uuid, n=-n - 1)["timestamp"][0]
            self.assertGreater (later, written)
            wait_until (lambda: b.get ("tags", uuid) == {"n": -n - 1}, what="b takes it")
        wait_converged ([a, b])
        self.assertEqual (self.clock_alarms (a) + self.clock_alarms (b), [])

    def test_who_is_an_hour_behind_is_heard_and_hears_when_it_is_put_right (self):
        a, b, c = self.clocked ("a", "b", "c")
        self.fake (b, -HOUR)
        wait_until (lambda: self.wall (b) < time.time () - HOUR / 2, what="b's clock is back")
        mine, of_b = self.stamp (b, name="of b")
        self.assertToday (of_b) # it counts on from where it was
        wait_until (lambda: a.get ("tags", mine) and c.get ("tags", mine), what="b is heard")
        theirs, _ = self.stamp (a, name="of a")
        wait_until (lambda: c.get ("tags", theirs), what="c hears a")
        told = wait_until (lambda: self.alarm (b, tidepool.uuid_text (a.client)),
                           what="b says whom it defers")
        self.assertRegex (told, r" 3(599|600)\.\d{3} s ahead")
        wait_until (lambda: self.alarm (a, "b does not take"), what="a says who defers it")
        wait_until (lambda: self.alarm (b, "wall clock"), what="b says that it was set back")
        self.assertIsNone (b.get ("tags", theirs))
        again, later = self.stamp (b, name="of b again")
        self.assertGreater (later, of_b)
        self.assertToday (later)
        self.fake (b, 0)
        wait_converged ([a, b, c])
        self.assertEqual (b.get ("tags", theirs), {"name": "of a"})
        self.assertEqual (a.get ("tags", again), {"name": "of b again"})
        wait_until (lambda: not any (map (self.clock_alarms, (a, b, c))), what="no alarm is left")

    def test_a_restart_with_the_wall_clock_behind_repeats_nothing (self):
        a, b = self.clocked ("a", "b")
        uuid, first = self.stamp (a, n=1)
        a.stop ()
        self.fake (a, -HOUR)
        a.start ()
        second = a.update ("tags", uuid, n=2)["timestamp"][0]
        self.assertGreater (second, first)
        a.kill ()
        a.start ()
        third = a.update ("tags", uuid, n=3)["timestamp"][0]
        self.assertGreater (third, second)
        self.assertToday (third)
        wait_until (lambda: b.get ("tags", uuid) == {"n": 3}, what="the last one stays")

    def test_a_day_ahead_put_right_by_a_restart (self):
        a, b, c = nodes = self.clocked ("a", "b", "c")
        b.stop ()
        self.fake (b, DAY)
        b.start ()
        tomorrow, stamp = self.stamp (b, name="tomorrow")
        self.assertToday (stamp, DAY)
        for node in (a, c):
            told = wait_until (lambda node=node: self.alarm (node, tidepool.uuid_text (b.client)),
                               what=f"{node.name} says whom it defers")
            self.assertRegex (told, r" 86(399|400)\.\d{3} s ahead")
        b.stop ()
        self.fake (b, 0)
        b.start ()
        wait_until (lambda: self.alarm (b, "re-stamped"), what="b says that it should re-stamp")
        shown = tidepool.run_command ("-d", b.dir, "status")
        self.assertEqual (shown.returncode, 0, shown)
        self.assertIn ("should be re-stamped", " ".join (shown.stdout.split ()))
        for node in (a, c):
            wait_until (lambda: self.alarm (b, "does not take"), what="b says who defers it")
            uuid, stamp = self.stamp (node, name="today")
            self.assertToday (stamp) # nobody's clock was moved
            for other in nodes:
                wait_until (lambda: other.get ("tags", uuid), what="nothing else is held up")
            self.assertIsNone (node.get ("tags", tomorrow))
        a.restart ()
        self.assertToday (self.stamp (a, name="after a restart")[1])
        for node in nodes:
            self.fake (node, DAY + HOUR)
        wait_converged (nodes)
        self.assertEqual (a.get ("tags", tomorrow), {"name": "tomorrow"})
        wait_until (lambda: not any (map (self.clock_alarms, nodes)), what="no alarm is left")

    def test_a_day_ahead_put_right_and_stamped_anew (self):
        a, b, c = nodes = self.clocked ("a", "b", "c")
        b.stop ()
        self.fake (b, DAY)
        b.start ()
        tomorrow, stamp = self.stamp (b, name="tomorrow")
        row = b.create ("file_paths", size=1)
        wait_until (lambda: self.alarm (b, "does not take"), what="b says who defers it")
        b.stop ()
        self.fake (b, 0)
        b.start ()
        c.stop ()
        wait_until (lambda: self.alarm (b, "re-stamped"), what="b says that it should re-stamp")
        wait_until (lambda: b.online (a) and not b.online (c), what="c is away")
        refused = tidepool.run_command ("-d", b.dir, "restamp")
        self.assertEqual (refused.returncode, 1, refused)
        self.assertRegex (refused.stderr, r"^BUSY: c is not linked")
        c.start ()
        wait_until (lambda: b.online (c), what="c is back")
        done = tidepool.run_command ("-d", b.dir, "restamp")
        self.assertEqual (done.returncode, 0, done)
        self.assertRegex (done.stdout, r"^\d+ timestamps stamped anew\nthe newest was ")
        wait_converged (nodes)
        for node in nodes:
            self.assertEqual (node.get ("tags", tomorrow), {"name": "tomorrow"})
            self.assertEqual (node.count ("file_paths"), 1)
        self.assertToday (self.stamp (b, name="now")[1])
        wait_until (lambda: not any (map (self.clock_alarms, nodes)), what="no alarm is left")
        self.assertEqual (b.command ("restamp"), {"timestamps": 0})

    def test_rows_of_tomorrow_wait_as_batches_do (self):
        a, b = self.clocked ("a", "b")
        self.fake (b, DAY)
        wait_until (lambda: self.wall (b) > time.time () + DAY / 2, what="b's clock is ahead")
        row = b.create ("file_paths", size=1)
        wait_until (lambda: self.alarm (a, tidepool.uuid_text (b.client)), what="a defers them")
        wait_until (lambda: self.alarm (b, "a does not take"), what="b says so")
        self.assertEqual (a.count ("file_paths"), 0)
        a.restart ()
        self.assertToday (self.stamp (a, name="today")[1])
        c = self.node ("c", *SOON) # and a newcomer is ready all the same
        join (c, a)
        for node in (a, c):
            self.fake (node, DAY)
        c.restart ()
        wait_until (lambda: a.get ("file_paths", row, owner=b.client), what="tomorrow has come")
        wait_until (lambda: c.get ("file_paths", row, owner=b.client), what="and at c")
        wait_until (lambda: not any (map (self.clock_alarms, (a, b, c))), what="no alarm is left")


class Restored (ClockCase):
    def restored (self, offset):
        a, b, c = self.clocked ("a", "b", "c")
        b.stop ()
        shutil.copy (b.dir / "data.mdb", self.place / "copy.mdb")
        b.start ()
        uuid, last = self.stamp (b, life=1)
        wait_converged ([a, b, c])
        b.stop ()
        os.replace (self.place / "copy.mdb", b.dir / "data.mdb")
        self.fake (b, offset)
        b.start ()
        wait_until (lambda: b.get ("tags", uuid) == {"life": 1}, what="its own batches come back")
        again = b.update ("tags", uuid, life=2)["timestamp"][0]
        self.assertGreater (again, last)
        wait_until (lambda: a.get ("tags", uuid) == {"life": 2}, what="it goes on behind them")
        for node in (a, b, c):
            told = [alarm for alarm in node.status ()["alarms"] if "FORKED" in alarm]
            self.assertEqual (told, [])

    def test_a_restored_directory_goes_on_behind_its_own_batches (self):
        self.restored (0)

    def test_and_with_the_wall_clock_an_hour_behind (self):
        self.restored (-HOUR)


if __name__ == "__main__":
    tidepool.main ()
