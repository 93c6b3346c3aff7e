#!/usr/bin/python3
"""The command `tidepool`, as scripts use it: its JSON, its exit status, its silence"""

import json
import os
import pathlib
import re
import stat
import subprocess
import uuid as uuids

import tidepool
from tidepool import DEADLINE, Case, run_command, uuid_text, wait_converged, wait_until

STAMP = "2022-04-09T06:53:36.397295996Z/89F9DD8514914648989315B2D30D7BE5"


class Init (Case):
    def test_a_data_directory_is_its_owners_alone (self):
        node = self.node ("a", "node/ping_interval_s=2", start=False)
        self.assertEqual (stat.S_IMODE (node.dir.stat ().st_mode), 0o700)
        self.assertEqual (stat.S_IMODE ((node.dir / "identity.key").stat ().st_mode), 0o600)
        text = (node.dir / "node.zpl").read_text ()
        for key in ("name", "listen", "connect", "max_drift_ms", "stale_after_s", "ack_interval_s",
                    "ping_interval_s", "scrub_interval_s", "max_value_bytes", "changes_keep_s", "map_size_max",
                    "advertise", "door", "api", "feed", "intake", "admin", "allow"):
            self.assertIn (key, text)
        self.assertNotEqual (run_command ("init", node.dir).returncode, 0) # it lives there already
        os.chmod (node.dir / "identity.key", 0o644)
        node.start (wait=False)
        self.assertNotEqual (node.process.wait (DEADLINE), 0)
        self.assertIn ("identity.key", node.log_text ())

    def test_a_bad_configuration_is_refused (self):
        for bad in ("node/nmae=x", "nodes/name=x", "node/max_drift_ms=soon", "name=x",
                    "endpoints/api=tcp://127.0.0.1:*"):
            done = run_command ("init", self.place / "bad", "--set", bad)
            self.assertNotEqual (done.returncode, 0, bad)
            self.assertTrue (done.stderr)
        node = self.node ("typo", start=False)
        with open (node.dir / "node.zpl", "a") as file:
            file.write ("\nresuorces\n    x\n")
        lines = (node.dir / "node.zpl").read_text ().splitlines ()
        number = lines.index ("resuorces") + 2
        node.start (wait=False)
        self.assertNotEqual (node.process.wait (DEADLINE), 0)
        self.assertRegex (node.log_text (), rf"\b{number}\b") # names the line

    def test_versions (self):
        for program in ("tidepool", "tidepoold"):
            done = subprocess.run ([tidepool.BIN / program, "--version"], check=True,
                                   stdout=subprocess.PIPE, text=True)
            for library in ("libzmq 4", "czmq 4", "LMDB 0"):
                self.assertIn (library, done.stdout)
        self.assertIn ("join TICKET", run_command ("--help").stdout)


class Data (Case):
    def test_a_records_life (self):
        node = self.node ()
        text = run_command ("-d", node.dir, "create", "tags", "name=sea", "depth:=10").stdout.strip ()
        uuid = uuids.UUID (text)
        self.assertEqual (node.get ("tags", uuid.bytes), {"name": "sea", "depth": 10})
        node.command ("update", "tags", text, "name=mer", "deep:=true", "seen:=null",
                      'list:=[1, "é", {"a": 1.5}]', "equals=a=b")
        record = node.command ("get", "tags", text)["record"]
        self.assertEqual (record["value"], {"name": "mer", "depth": 10, "deep": True, "seen": None,
                                            "list": [1, "é", {"a": 1.5}], "equals": "a=b"})
        self.assertEqual (record["uuid"], text)
        self.assertRegex (record["updated"], r"^\d{4}-.*\.\d{9}Z/[0-9A-F]{32}$")
        self.assertEqual ([r["uuid"] for r in node.command ("list", "tags")["records"]], [text])
        made = str (uuids.uuid4 ())
        self.assertEqual (node.command ("create", "tags", "--uuid", made, "name=x")["uuid"], made)
        node.command ("create", "tags", "--uuid", made, "--on-conflict", "merge", "name=y")
        self.assertEqual (node.get ("tags", made), {"name": "y"})
        node.command ("delete", "tags", text)
        self.assertIsNone (node.get ("tags", text))
        changes = node.command ("changes")["changes"]
        self.assertEqual ([(c["uuid"], c["deleted"]) for c in changes], [(made, False), (text, True)])
        since = node.command ("changes", "--since", changes[0]["cursor"])["changes"]
        self.assertEqual (since, changes[1:])
        binary = node.create ("tags", data=b"\x00\xff" * 10)
        value = node.command ("get", "tags", uuid_text (binary))["record"]["value"]
        self.assertEqual (value, {"data": "AP8A/wD/AP8A/wD/AP8A/wD/AP8="})

    def test_exit_status (self):
        node = self.node ()
        away = str (uuids.uuid4 ())
        for status, args in ((1, ["get", "tags", away]), (1, ["create", "nowhere", "a=b"]),
                             (1, ["create", "files", "a=b"]), (1, ["delete", "tags", away]),
                             (1, ["join", "x"]), (1, ["ingest", "add", "/no/such/folder"]),
                             (2, []), (2, ["frobnicate"]), (2, ["get", "tags"]),
                             (2, ["create", "tags", "novalue"]), (2, ["create", "tags", "a:=[1"]),
                             (2, ["status", "--odd"])):
            with self.subTest (args):
                done = node.command (*args, check=False)
                self.assertEqual (done.returncode, status, done.stderr)
                self.assertTrue (done.stderr)
                if status == 1:
                    self.assertRegex (done.stderr, r"[A-Z]+_?[A-Z]+: .")
        node.stop ()
        done = node.command ("status", check=False)
        self.assertEqual ((done.returncode, done.stdout), (3, ""))

    def test_changes_are_followed (self):
        node = self.node ()
        node.create ("tags", n=1)
        follower = subprocess.Popen (
            [tidepool.BIN / "tidepool", "-d", node.dir, "--json", "changes", "--follow"],
            stdout=subprocess.PIPE, text=True, preexec_fn=tidepool.die_with_parent)
        try:
            self.assertEqual (json.loads (follower.stdout.readline ())["value"], {"n": 1})
            for n in range (2, 6):
                node.create ("tags", n=n)
                self.assertEqual (json.loads (follower.stdout.readline ())["value"], {"n": n})
        finally:
            follower.kill ()
            follower.wait ()
            follower.stdout.close ()

    def test_a_timestamp_needs_no_node (self):
        for value in (STAMP, "7084493649596461246/89f9dd8514914648989315b2d30d7be5"):
            done = run_command ("--json", "timestamp", value)
            self.assertEqual (json.loads (done.stdout), {
                "time": 7084493649596461246, "client": "89f9dd85-1491-4648-9893-15b2d30d7be5",
                "text": STAMP})
        self.assertNotEqual (run_command ("timestamp", "soon").returncode, 0)


class Operate (Case):
    def test_two_nodes_by_command_alone (self):
        a, b = self.node ("a", *tidepool.POOL_CHANGES_SOON), self.node ("b", *tidepool.POOL_CHANGES_SOON)
        ticket = run_command ("-d", a.dir, "invite").stdout
        self.assertRegex (ticket, r"^tidepool1-[\w-]+\n$")
        b.command ("join", ticket.strip ())
        self.assertIsNone (b.status ()["joining"])
        a.command ("declare", "stars", "--kind", "shared", "--delete", "latest")
        a.command ("create", "stars", "name=vega")
        wait_converged ([a, b])
        status = b.command ("status")
        self.assertEqual (status["resources"]["stars"]["count"], 1)
        self.assertEqual ({c["name"] for c in status["clients"]}, {"a", "b"})
        self.assertEqual ({c["name"] for c in b.command ("pool")["clients"]}, {"a", "b"})
        a.command ("pause", "b") # a name will do, as it is unique
        wait_until (lambda: not b.online (a), what="the link rests")
        a.command ("resume", "b")
        wait_until (lambda: b.online (a), what="the link goes on")
        self.assertTrue (a.command ("verify")["sound"])
        self.assertGreater (a.command ("pending")["batches"], 0)
        self.assertIn ("tidepool_commits_total", a.command ("metrics")["metrics"])
        done = run_command ("-d", b.dir, "join", a.command ("invite")["ticket"])
        self.assertEqual (done.returncode, 1)
        self.assertIn ("NOT_ALONE", done.stderr)
        a.command ("remove", "b")
        wait_until (lambda: not a.online (b), what="b is out")

    def test_locations (self):
        node = self.node ()
        folder = self.place / "folder"
        folder.mkdir ()
        (folder / "file").write_text ("x")
        (folder / "file.tmp").write_text ("x")
        node.command ("ingest", "add", folder, "--exclude", "*.tmp", "--wait")
        (location,) = node.command ("ingest", "list")["locations"]
        self.assertEqual (location["path"], os.path.realpath (folder))
        wait_until (lambda: node.count ("files") == 1, what="the file is identified")
        (folder / "more").write_text ("y")
        node.command ("ingest", "rescan")
        wait_until (lambda: node.count ("files") == 2, what="the other too")
        node.command ("ingest", "remove", folder)
        wait_until (lambda: node.count ("file_paths") == 0, what="its rows are gone")

    def test_what_people_read (self):
        node = self.node ("reader")
        node.create ("tags", name="sea\x1b[31m\n")
        for args in (["status"], ["pool"], ["list", "tags"], ["changes"], ["pending"], ["metrics"],
                     ["verify"], ["ingest", "list"]):
            done = run_command ("-d", node.dir, *args)
            self.assertEqual ((done.returncode, done.stderr), (0, ""), args)
            self.assertTrue (done.stdout or args[0] == "ingest", args)
            self.assertNotIn ("\x1b", done.stdout) # neither a colour of ours nor another's
        self.assertIn ("reader", run_command ("-d", node.dir, "status").stdout)
        from_environment = run_command ("--json", "status",
                                        env={**os.environ, "TIDEPOOL_DIR": str (node.dir)})
        self.assertEqual (json.loads (from_environment.stdout)["name"], "reader")

    def test_stop (self):
        node = self.node ()
        node.create ("tags", n=1)
        node.command ("stop")
        self.assertEqual (node.process.wait (DEADLINE), 0)
        node.process = None
        self.assertFalse (pathlib.Path (node.dir / "endpoints.zpl").exists ())
        node.sockets = {}
        node.start ()
        self.assertEqual (node.count ("tags"), 1)
        self.assertTrue (re.search ("ready", node.log_text ()))


if __name__ == "__main__":
    tidepool.main ()
