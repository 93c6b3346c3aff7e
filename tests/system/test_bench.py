#!/usr/bin/python3
"""tidepool-bench: the form of what it says, and that it leaves nothing behind. Never a time."""

import json
import pathlib
import signal
import subprocess
import tempfile
import unittest

import tidepool
from tidepool import BIN, DEADLINE, wait_until

BENCH = BIN / "tidepool-bench"


def processes_below (place):
    """Command lines that name something below a place"""
    found = []
    for entry in pathlib.Path ("/proc").glob ("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes ()
        except OSError:
            continue # it has just ended
        if str (place).encode () + b"/" in line:
            found.append (line)
    return found


class Bench (unittest.TestCase):
    def setUp (self):
        temporary = tempfile.TemporaryDirectory (prefix="tp-")
        self.addCleanup (temporary.cleanup)
        self.place = pathlib.Path (temporary.name)

    def bench (self, *arguments):
        return subprocess.run (
            [BENCH, "--dir", self.place, *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=DEADLINE)

    def assertNothingLeft (self):
        self.assertEqual (list (self.place.iterdir ()), [])
        wait_until (lambda: not processes_below (self.place), what="its nodes are gone")

    def test_a_document_of_figures (self):
        done = self.bench ("--quick", "--json", "latency", "apps")
        self.assertEqual (done.returncode, 0, done.stderr)
        document = json.loads (done.stdout)
        self.assertEqual ((document["quick"], document["repeat"], document["in_flight"]), (True, 1, 8))
        for name in ("version", "machine", "file_system", "load"):
            self.assertTrue (document[name])
        names = set ()
        for figure in document["figures"]:
            names.add ("/".join (figure[part] for part in ("bench", "row", "column")))
            self.assertEqual (len (figure["runs"]), 1, figure)
            self.assertEqual (figure["median"], figure["runs"][0], figure)
            self.assertGreaterEqual (figure["median"], 0, figure)
            self.assertTrue (figure["unit"], figure)
            self.assertEqual (figure["limit"] is None, figure["ratio"] is None, figure)
        self.assertEqual (len (names), len (document["figures"]))
        for figure in document["figures"]:
            if figure["limit"]:
                self.assertIn (figure["limit"], names)
        # what was asked for, what it is compared with, and no more
        self.assertEqual ({figure["bench"] for figure in document["figures"]},
                          {"raw_commits", "raw_pair", "raw_turn", "latency", "apps", "memory"})
        for name in ("latency/in B's feed, durable/p50", "apps/64 apps, 1 op each/on both"):
            self.assertIn (name, names)
        self.assertNothingLeft ()

    def test_a_table_for_people (self):
        done = self.bench ("--quick", "--repeat", "2", "raw_turn")
        self.assertEqual (done.returncode, 0, done.stderr)
        self.assertIn ("medians of 2", done.stdout)
        self.assertIn ("raw_turn:", done.stdout)
        self.assertNothingLeft ()

    def test_interrupted_it_leaves_nothing (self):
        running = subprocess.Popen (
            [BENCH, "--dir", self.place, "--quick", "--repeat", "30", "apply"], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        try:
            wait_until (lambda: any (b"tidepoold" in line for line in processes_below (self.place)),
                        what="it has started a node")
            running.send_signal (signal.SIGTERM)
            self.assertIn ("interrupted", running.communicate (timeout=DEADLINE)[1])
        finally:
            running.kill ()
            running.wait ()
        self.assertEqual (running.returncode, 1)
        self.assertNothingLeft ()

    def test_it_says_what_there_is (self):
        listed = self.bench ("--list")
        self.assertEqual (listed.returncode, 0)
        names = [line.split ()[0] for line in listed.stdout.splitlines ()]
        for name in ("raw_commits", "raw_pair", "apply", "latency", "bootstrap", "ingest", "identify"):
            self.assertIn (name, names)
        for wrong in (["nothing"], ["--repeat", "0"], ["--repeat", "x"], ["--what"]):
            with self.subTest (wrong):
                done = self.bench (*wrong)
                self.assertEqual (done.returncode, 2)
                self.assertIn ("usage:", done.stderr)


if __name__ == "__main__":
    tidepool.main ()
