#!/usr/bin/python3
"""A node as one file, and a node made of that file again"""

import json
import os
import resource
import shutil
import stat
import threading

import tidepool
from tidepool import Case, Refused, run_command, wait_converged, wait_until

SOON = ("node/ack_interval_s=1", "node/ping_interval_s=1")


class Backup (Case):
    def backup (self, node, name="backup"):
        file = self.place / name
        said = node.command ("backup", file)
        self.assertEqual (said, {"file": str (file), "bytes": file.stat ().st_size})
        return file

    def restore (self, file, node, *options):
        """In the place of what was there"""
        shutil.rmtree (node.dir, ignore_errors=True)
        done = run_command ("--json", "restore", file, node.dir, *options)
        self.assertEqual (done.returncode, 0, done.stderr)
        return json.loads (done.stdout)

    def alarms (self, node, text):
        return [alarm for alarm in node.status ()["alarms"] if text in alarm]

    def test_a_restored_node_takes_back_what_it_wrote_before_it_writes_again (self):
        nodes = a, b, c = self.pool ("a", "b", "c", settings=SOON)
        before = b.create ("tags", name="before")
        wait_converged (nodes)
        file, client = self.backup (b), b.client
        later = b.create ("tags", name="later")
        wait_converged (nodes)
        b.kill ()
        c.stop ()
        self.assertEqual (self.restore (file, b)["client"], tidepool.uuid_text (client))
        b.start ()
        wait_until (lambda: self.alarms (b, "it: c"), what="it waits for c alone")
        with self.assertRaises (Refused) as refused:
            b.create ("tags", name="too early")
        self.assertEqual (refused.exception.code, "BUSY")
        c.start ()
        wait_until (lambda: not self.alarms (b, "RESTORED"), what="all have said")
        self.assertEqual (b.get ("tags", before), {"name": "before"})
        self.assertEqual (b.get ("tags", later), {"name": "later"})
        again = b.create ("tags", name="again")
        wait_converged (nodes)
        for node in nodes:
            self.assertEqual (node.get ("tags", again), {"name": "again"})
            self.assertEqual (self.alarms (node, "FORKED"), [])

    def test_a_backup_made_while_others_write_is_sound (self):
        a = self.node ("a")
        a.create ("tags", uuid=tidepool.uuids.UUID (int=7).bytes, name="kept")
        over, file = threading.Event (), self.place / "backup"
        done = []

        def back_up ():
            done.append (run_command ("-d", a.dir, "backup", file))
            over.set ()

        thread = threading.Thread (target=back_up)
        thread.start ()
        while not over.is_set ():
            a.create ("tags", name="meanwhile")
        thread.join ()
        self.assertEqual (done[0].returncode, 0, done[0].stderr)
        a.stop ()
        self.restore (file, a)
        a.start ()
        self.assertEqual (a.get ("tags", tidepool.uuids.UUID (int=7).bytes), {"name": "kept"})
        wait_until (lambda: a.create ("tags", name="goes on"), what="alone it asks nobody")
        self.assertEqual (a.command ("verify", check=False).returncode, 0)

    def test_it_is_the_same_node_with_the_same_settings (self):
        a = self.node ("a", "node/stale_after_s=77")
        file, client = self.backup (a), a.client
        self.assertEqual (stat.S_IMODE (file.stat ().st_mode), 0o600)
        a.stop ()
        config = (a.dir / "node.zpl").read_bytes ()
        self.restore (file, a)
        self.assertEqual ((a.dir / "node.zpl").read_bytes (), config)
        self.assertEqual (stat.S_IMODE (a.dir.stat ().st_mode), 0o700)
        self.assertEqual (stat.S_IMODE ((a.dir / "identity.key").stat ().st_mode), 0o600)
        a.start ()
        self.assertEqual (a.api ("hello")["client"], client)

    def test_with_alone_it_asks_nobody (self):
        nodes = a, b = self.pool ("a", "b", settings=SOON)
        a.create ("tags", name="one")
        wait_converged (nodes)
        file = self.backup (b)
        a.stop ()
        b.stop ()
        self.restore (file, b, "--alone")
        b.start ()
        self.assertTrue (b.create ("tags", name="at once"))


class Refusals (Case):
    def refused (self, code, *command, **options):
        done = run_command (*command, **options)
        self.assertEqual (done.returncode, 1, (command, done.stdout, done.stderr))
        self.assertTrue (done.stderr.startswith (f"{code}: "), done.stderr)
        return done.stderr

    def setUp (self):
        super ().setUp ()
        self.a = self.node ("a")
        self.file = self.place / "backup"
        self.a.command ("backup", self.file)

    def test_what_is_no_backup_or_spoilt_makes_no_node (self):
        whole = self.file.read_bytes ()
        middle = len (whole) // 2
        spoilt = {"empty": b"", "short": whole[:-1], "half": whole[:middle],
                  "first": bytes ([whole[0] ^ 1]) + whole[1:],
                  "flipped": whole[:middle] + bytes ([whole[middle] ^ 1]) + whole[middle + 1:],
                  "hash": whole[:-9] + bytes ([whole[-9] ^ 1]) + whole[-8:],
                  "longer": whole + b"x", "text": b"tidepool" * 100}
        for name, content in spoilt.items ():
            with self.subTest (name):
                (self.place / name).write_bytes (content)
                self.refused ("CORRUPT", "restore", self.place / name, self.place / "made")
                self.assertFalse ((self.place / "made").exists ())
        self.refused ("CORRUPT", "restore", self.place, self.place / "made")
        self.refused ("SYSTEM", "restore", self.place / "none", self.place / "made")
        self.assertFalse ((self.place / "made").exists ())

    def test_nothing_is_written_over (self):
        self.refused ("EXISTS", "-d", self.a.dir, "backup", self.file)
        self.refused ("EXISTS", "restore", self.file, self.a.dir)
        (self.place / "other.partial").write_bytes (b"")
        self.assertIn ("interrupted", self.refused (
            "EXISTS", "-d", self.a.dir, "backup", self.place / "other"))
        self.assertTrue (self.a.status ()["ok"])

    def test_without_room_nothing_is_left (self):
        def small ():
            resource.setrlimit (resource.RLIMIT_FSIZE, (10000, 10000))
            tidepool.signal.signal (tidepool.signal.SIGXFSZ, tidepool.signal.SIG_IGN)

        before = set (os.listdir (self.place))
        self.refused ("STORAGE_FULL", "-d", self.a.dir, "backup", self.place / "new", preexec_fn=small,
                      restore_signals=False)
        self.refused ("STORAGE_FULL", "restore", self.file, self.place / "made", preexec_fn=small,
                      restore_signals=False)
        self.assertEqual (set (os.listdir (self.place)), before)

    def test_where_no_node_is_there_is_nothing_to_back_up (self):
        self.refused ("NOT_FOUND", "-d", self.place / "none", "backup", self.place / "new")


if __name__ == "__main__":
    tidepool.main ()
