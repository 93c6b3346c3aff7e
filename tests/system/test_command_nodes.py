"""command, nodes: what people and scripts see of `tidepool` when real nodes answer

test_command.py asks a node that is set up by hand what the command sends and shows. Here a whole pool is used
from the command line alone: what was typed comes back, a code is an exit status, a follower misses nothing.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import uuid as uuids

import tidepool

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z/[0-9A-F]{32}"
CODE = re.compile (r"^([A-Z_]+): .+\n$")
ESCAPE = "\x1b[31mred\x1b[0m\x07\u202e\x9b"


def run (*args, **options):
    return tidepool.run_command (*args, **options)


def on_terminal (*args, columns=100, **environment):
    """What it prints on a terminal, without its carriage returns"""
    master, slave = pty.openpty ()
    fcntl.ioctl (slave, termios.TIOCSWINSZ, struct.pack ("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items () if name != "NO_COLOR"}
    process = subprocess.Popen (
        [str (tidepool.BIN / "tidepool"), *map (str, args)], stdin=slave, stdout=slave,
        stderr=slave, env={**kept, "TERM": "xterm", **environment},
        preexec_fn=tidepool.die_with_parent)
    os.close (slave)
    shown = b""
    with contextlib.suppress (OSError): # how a terminal ends
        while data := os.read (master, 65536):
            shown += data
    os.close (master)
    process.wait (tidepool.DEADLINE)
    return shown.decode ().replace ("\r\n", "\n")


class CommandCase (tidepool.Case):
    def assertUsage (self, *args):
        done = run (*args)
        self.assertEqual (done.returncode, 2, (args, done))
        self.assertEqual (done.stdout, "", args)
        self.assertIn ("usage: tidepool", done.stderr)

    def assertFails (self, status, code, *args):
        """The code on standard error, nothing on standard output, as text and as JSON"""
        for form in ((), ("--json",)):
            done = run (*form, *args)
            self.assertEqual (done.returncode, status, (args, done))
            self.assertEqual (done.stdout, "", args)
            found = CODE.match (done.stderr)
            self.assertTrue (found and found.group (1) == code, (args, done.stderr))

    def document (self, *args):
        """Standard output is one JSON document in one line"""
        done = run ("--json", *args)
        self.assertEqual (done.returncode, 0, (args, done))
        self.assertEqual (done.stderr, "", args)
        self.assertEqual (done.stdout.count ("\n"), 1, done.stdout)
        return json.loads (done.stdout)

    def text (self, *args):
        done = run (*args)
        self.assertEqual (done.returncode, 0, (args, done))
        return done.stdout


class WithoutNode (CommandCase):
    def test_no_node_is_exit_3 (self):
        node = self.node (start=False)
        for words in (("status",), ("invite",), ("stop",), ("count", "tags"), ("list", "tags"),
                      ("create", "tags", "name=x"), ("changes",), ("changes", "--follow"),
                      ("join", "tidepool1-x"), ("ingest", "list")):
            self.assertFails (3, "NO_ANSWER", "-d", node.dir, *words)
        self.assertFails (3, "NO_ANSWER", "-d", self.place / "nowhere", "status")

    def test_what_a_killed_node_left_is_no_node (self):
        node = self.node ()
        node.kill ()
        self.assertTrue ((node.dir / "endpoints.zpl").exists ())
        self.assertFails (3, "NO_ANSWER", "-d", node.dir, "status")
        node.start ()
        self.assertEqual (self.document ("-d", node.dir, "status")["name"], "a")

    def test_init_makes_a_directory_once (self):
        place = self.place / "new"
        done = run ("init", place, "--name", "anna", "--listen", "tcp://127.0.0.1:*",
                    "--set", "node/ping_interval_s=7")
        self.assertEqual (done.returncode, 0, done)
        self.assertRegex (done.stdout, rf"(?m)^client +{UUID}$")
        self.assertIn (f"tidepoold {place}", done.stdout)
        self.assertEqual (place.stat ().st_mode & 0o777, 0o700)
        text = (place / "node.zpl").read_text ()
        for line in ("name = .*anna", "listen = .*tcp://127.0.0.1", "ping_interval_s = .*7"):
            self.assertRegex (text, rf"(?m)^ +{line}")
        self.assertFails (1, "EXISTS", "init", place)
        self.assertEqual ((place / "node.zpl").read_text (), text)

    def test_init_refuses_what_the_node_would (self):
        self.assertFails (1, "BAD_CONFIGURATION", "init", self.place / "n", "--set", "node/nope=1")
        self.assertFalse ((self.place / "n").exists ())

    def test_output_that_cannot_be_written_is_no_success (self):
        with open ("/dev/full", "w") as full:
            done = subprocess.run ([str (tidepool.BIN / "tidepool"), "--version"], stdout=full,
                                   stderr=subprocess.PIPE, timeout=tidepool.DEADLINE, text=True)
        self.assertEqual (done.returncode, 1, done)
        self.assertIn ("standard output", done.stderr)


class Timestamp (CommandCase):
    ID = "89F9DD8514914648989315B2D30D7BE5"

    def test_number_to_text_truncates_and_text_is_the_smallest_that_shows_it (self):
        def text (number):
            return self.document ("timestamp", f"{number}/{self.ID}")["text"]
        for shown in ("2022-04-09T06:53:36.397295996Z", "1970-01-01T00:00:00.000000001Z",
                      "2026-11-23T00:00:00.999999999Z"):
            number = self.document ("timestamp", f"{shown}/{self.ID}")["time"]
            self.assertTrue (text (number).startswith (shown))
            self.assertFalse (text (number - 1).startswith (shown))

    def test_the_greatest_number_is_exact (self):
        for number in (2**64 - 1, 2**53 + 1, 0):
            self.assertEqual (self.document ("timestamp", f"{number}/{self.ID}")["time"], number)
        self.assertUsage ("timestamp", f"{2**64}/{self.ID}")
        self.assertUsage ("timestamp", f"-1/{self.ID}")
        self.assertUsage ("timestamp", f"1/{self.ID[1:]}")

    def test_the_edges_of_the_scale (self):
        for shown, number in (("1970-01-01T00:00:00.000000000Z", 0),
                              ("2038-01-19T03:14:08.000000000Z", 2**31 << 32),
                              ("2106-02-07T06:28:15.999999999Z", 2**64 - 4)):
            self.assertEqual (self.document ("timestamp", f"{shown}/{self.ID}")["time"], number)
            self.assertEqual (self.document ("timestamp", f"{number}/{self.ID}")["text"],
                              f"{shown}/{self.ID}")
        for shown in ("1969-12-31T23:59:59Z", "2106-02-07T06:28:16Z", "2022-02-29T00:00:00Z"):
            self.assertUsage ("timestamp", f"{shown}/{self.ID}")

    def test_now_is_this_machines_wall_clock (self):
        before = time.time ()
        shown = self.document ("timestamp", f"now/{self.ID}")
        self.assertLessEqual (before - 0.001, shown["time"] / 2**32)
        self.assertLessEqual (shown["time"] / 2**32, time.time () + 0.001)
        self.assertUsage ("timestamp", "now")
        self.assertUsage ("timestamp", "now/1")

    def test_people_are_shown_local_time_too (self):
        done = subprocess.run (
            [str (tidepool.BIN / "tidepool"), "timestamp", f"2022-04-09T06:53:36.9Z/{self.ID}"],
            stdout=subprocess.PIPE, timeout=tidepool.DEADLINE, text=True,
            env={**os.environ, "TZ": "XYZ-05:30"})
        self.assertEqual (done.returncode, 0)
        self.assertIn ("local   2022-04-09 12:23:36 +0530\n", done.stdout)


class Data (CommandCase):
    def setUp (self):
        self.a = self.node ()

    def ask (self, *args):
        return self.document ("-d", self.a.dir, *args)

    def say (self, *args):
        return self.text ("-d", self.a.dir, *args)

    def test_a_record_from_its_creation_to_its_deletion (self):
        self.ask ("declare", "photos", "--kind", "shared")
        uuid = self.say ("create", "photos", "name=sea").strip ()
        self.assertRegex (uuid, f"^{UUID}$")
        applied = self.ask ("update", "photos", uuid, "stars:=5", "name=lake")
        self.assertEqual (applied["uuids"], [uuid])
        self.assertRegex (applied["timestamp"], f"^{STAMP}$")
        record = self.ask ("get", "photos", uuid)["record"]
        self.assertEqual (record, {
            "resource": "photos", "uuid": uuid, "value": {"name": "lake", "stars": 5},
            "updated": applied["timestamp"], "owner": None})
        self.assertEqual (self.ask ("list", "photos"), {"records": [record], "next": None})
        self.assertEqual (self.ask ("count", "photos"), {"count": 1})
        self.assertEqual (self.say ("count", "photos"), "1\n")
        self.ask ("delete", "photos", uuid)
        self.assertFails (1, "NOT_FOUND", "-d", self.a.dir, "get", "photos", uuid)
        self.assertFails (1, "NOT_FOUND", "-d", self.a.dir, "delete", "photos", uuid)

    def test_an_uuid_that_is_chosen_exists_once (self):
        chosen = str (uuids.uuid4 ())
        self.assertEqual (self.ask ("create", "tags", "--uuid", chosen, "name=x")["uuid"], chosen)
        again = ("create", "tags", "--uuid", chosen, "name=y")
        self.assertFails (1, "EXISTS", "-d", self.a.dir, *again)
        self.ask (*again, "--on-conflict", "ignore")
        self.assertEqual (self.ask ("get", "tags", chosen)["record"]["value"], {"name": "x"})
        self.ask (*again, "--on-conflict", "merge")
        self.assertEqual (self.ask ("get", "tags", chosen)["record"]["value"], {"name": "y"})

    def test_values_come_back_as_they_went_in (self):
        words = {"n:=18446744073709551615": 2**64 - 1, "i:=-9223372036854775808": -2**63,
                 "f:=1.5": 1.5, "b:=false": False, "z:=null": None, "t=1": "1", "e=": "",
                 "q=a=b": "a=b", "u=\u00e9\U0001f30a": "\u00e9\U0001f30a",
                 'd:={"a":[1,{"b":"c"}]}': {"a": [1, {"b": "c"}]}}
        uuid = self.ask ("create", "tags", *words)["uuid"]
        value = self.ask ("get", "tags", uuid)["record"]["value"]
        self.assertEqual (value, {word.split ("=")[0].rstrip (":"): expected
                                  for word, expected in words.items ()})
        self.assertIs (type (value["f"]), float)
        self.assertUsage ("-d", self.a.dir, "create", "tags", f"n:={2**64}")

    def test_binary_is_base64_and_uuids_are_text (self):
        uuid = self.a.create ("tags", data=b"\xff\x00\x01", uuid_like=b"\x01" * 16)
        value = self.ask ("get", "tags", tidepool.uuid_text (uuid))["record"]["value"]
        self.assertEqual (value, {"data": "/wAB", "uuid_like": "AQEBAQEBAQEBAQEBAQEBAQ=="})

    def test_a_refusal_is_exit_1_with_its_code (self):
        at = ("-d", self.a.dir)
        self.assertFails (1, "UNKNOWN_RESOURCE", *at, "create", "nothere", "x=1")
        self.assertFails (1, "UNKNOWN_RESOURCE", *at, "list", "nothere")
        self.assertFails (1, "DERIVED", *at, "create", "files", "x=1")
        self.assertFails (
            1, "CONFLICTING_DECLARATION", *at, "declare", "tags", "--kind", "local")
        self.assertFails (1, "TICKET_INVALID", *at, "join", "tidepool1-x")
        self.assertFails (1, "NOT_FOUND", *at, "pause", "nobody")
        self.assertFails (1, "NOT_FOUND", *at, "ingest", "remove", self.place / "nothere")

    def test_a_list_goes_over_its_pages (self):
        self.a.apply (*({"action": "create", "resource": "tags", "value": {"n": n}}
                        for n in range (2500)))
        everything = self.ask ("list", "tags", "--all")
        self.assertEqual (sorted (record["value"]["n"] for record in everything["records"]),
                          list (range (2500)))
        self.assertIsNone (everything["next"])
        self.assertEqual (len (self.ask ("list", "tags")["records"]), 100)
        some = self.ask ("list", "tags", "--limit", 1200)
        self.assertEqual (some["records"], everything["records"][:1200])
        self.assertIsInstance (some["next"], str)
        self.assertEqual (len (self.ask ("changes")["changes"]), 2500)

    def test_nothing_that_a_terminal_obeys_comes_out (self):
        uuid = self.a.create ("tags", **{"k" + ESCAPE: "v" + ESCAPE, "deep": {"x": [ESCAPE]}})
        text = tidepool.uuid_text (uuid)
        for words in (("status",), ("get", "tags", text), ("list", "tags"), ("changes",),
                      ("verify",), ("count", "x" + ESCAPE), (ESCAPE,)):
            for form in ((), ("--json",)):
                with self.subTest (words=words, form=form):
                    done = run ("-d", self.a.dir, *form, *words)
                    shown = done.stdout + done.stderr
                    self.assertFalse (set (shown) & set ("\x1b\x07\u202e\x9b"), repr (shown))
        self.assertIn (r"v\x1b[31mred\x1b[0m\x07\u202e", self.say ("get", "tags", text))
        self.assertEqual (self.ask ("get", "tags", text)["record"]["value"]["k" + ESCAPE],
                          "v" + ESCAPE)

    def test_tables_are_aligned_whatever_is_wide (self):
        for name in ("x", "\u6d77\u6d77\u6d77", "e\u0301e\u0301", "\n\n"):
            self.a.create ("tags", **{"a": name, "b": "END"})
        heads, *rows = self.say ("list", "tags").splitlines ()
        self.assertRegex (heads, "^UUID +a +b$")
        columns = {"\u6d77": 2, "\u0301": 0}
        widths = {sum (columns.get (c, 1) for c in row[:row.index ("END")]) for row in rows}
        self.assertEqual (len (rows), 4)
        self.assertEqual (widths, {heads.index ("b", 40)}, rows)

    def test_colour_is_for_terminals_that_want_it (self):
        self.a.create ("tags", name="x" * 200)
        self.assertIn ("\x1b[", on_terminal ("-d", self.a.dir, "status"))
        self.assertNotIn ("\x1b[", on_terminal ("-d", self.a.dir, "status", NO_COLOR="1"))
        self.assertNotIn ("\x1b", self.say ("status"))
        shown = on_terminal ("-d", self.a.dir, "list", "tags", columns=70, NO_COLOR="1")
        self.assertLessEqual (max (map (len, shown.splitlines ())), 70, shown)
        self.assertIn ("x" * 200, self.say ("list", "tags"))

    def test_a_reader_that_goes_away_is_no_fault (self):
        self.a.apply (*({"action": "create", "resource": "tags", "value": {"n": "x" * 100}}
                        for _ in range (5000)))
        done = subprocess.run (
            ["sh", "-c", '"$0" -d "$1" list tags --all | head -n 1',
             str (tidepool.BIN / "tidepool"), str (self.a.dir)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=tidepool.DEADLINE, text=True)
        self.assertEqual ((done.stdout.split (), done.stderr), (["UUID", "n"], ""))


class Follow (CommandCase):
    def setUp (self):
        self.a = self.node ()
        self.process = None

    def tearDown (self):
        if self.process:
            self.process.kill ()
            self.process.communicate ()

    def follow (self, *args):
        self.process = subprocess.Popen (
            [str (tidepool.BIN / "tidepool"), "-d", str (self.a.dir), "--json", "changes",
             "--follow", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=tidepool.die_with_parent)
        return self.process.stdout

    def test_changes_begin_behind_the_cursor (self):
        for n in range (3):
            self.a.create ("tags", n=n)
        first = self.a.command ("changes")
        self.assertEqual ([change["value"]["n"] for change in first["changes"]], [0, 1, 2])
        self.assertEqual (first["more"], False)
        since = first["changes"][1]["cursor"]
        later = self.a.command ("changes", "--since", since)["changes"]
        self.assertEqual (later, first["changes"][2:])

    def test_follow_shows_what_was_and_what_comes_one_line_each (self):
        uuid = self.a.create ("tags", n=0)
        lines = self.follow ()
        self.assertEqual (json.loads (lines.readline ())["value"], {"n": 0})
        for n in range (1, 4):
            self.a.create ("tags", n=n)
            self.assertEqual (json.loads (lines.readline ())["value"], {"n": n})
        self.a.delete ("tags", uuid)
        gone = json.loads (lines.readline ())
        self.assertEqual ((gone["deleted"], gone["uuid"]), (True, tidepool.uuid_text (uuid)))

    def test_follow_misses_nothing_while_it_sleeps (self):
        lines = self.follow ()
        self.a.create ("tags", n=0)
        self.assertEqual (json.loads (lines.readline ())["value"], {"n": 0})
        self.process.send_signal (signal.SIGSTOP)
        for first in range (1, 5001, 500):
            self.a.apply (*({"action": "create", "resource": "tags", "value": {"n": n}}
                            for n in range (first, first + 500)))
        self.process.send_signal (signal.SIGCONT)
        seen = [json.loads (lines.readline ()) for _ in range (5000)]
        self.assertEqual ([change["value"]["n"] for change in seen], list (range (1, 5001)))
        cursors = [change["cursor"] for change in seen]
        self.assertEqual (cursors, sorted (set (cursors)))

    def test_follow_ends_with_the_node (self):
        lines = self.follow ()
        self.a.create ("tags", n=0)
        cursor = json.loads (lines.readline ())["cursor"]
        self.a.stop ()
        _, errors = self.process.communicate (timeout=tidepool.DEADLINE)
        self.assertEqual (self.process.returncode, 3, errors)
        self.assertIn (f"--since {cursor}", errors)


class Nodes (CommandCase):
    def test_a_pool_from_the_command_line_alone (self):
        a, b = self.node ("anna"), self.node ("bob", "node/ping_interval_s=1")
        self.assertRegex (self.text ("-d", a.dir, "invite"), r"^tidepool1-[\w-]+\n$")
        record = self.document ("-d", b.dir, "create", "tags", "from=bob")["uuid"]
        ticket = self.document ("-d", a.dir, "invite")["ticket"]
        joined = self.document ("-d", b.dir, "join", ticket)
        status = self.document ("-d", b.dir, "status")
        self.assertIsNone (status["joining"])
        self.assertEqual (joined["pool"], self.document ("-d", a.dir, "status")["pool"])
        self.assertEqual (joined["pool"], status["pool"])
        tidepool.wait_until (lambda: a.command ("get", "tags", record), what="bob's tag is there")
        clients = self.document ("-d", a.dir, "pool")["clients"]
        self.assertEqual ({client["name"] for client in clients}, {"anna", "bob"})
        self.assertRegex (self.text ("-d", a.dir, "pool"), rf"(?m)^{UUID}  bob +\w+ ")
        self.assertFails (1, "NO_ANSWER", "-d", self.node ("carl").dir, "join", ticket) # it is used

    def test_clients_are_known_by_name_and_uuid (self):
        a, b = self.pool ("anna", "bob")
        uuid = tidepool.uuid_text (b.client)
        self.assertEqual (a.command ("pause", "bob"), {"client": uuid, "paused": True})
        self.assertEqual (self.document ("-d", a.dir, "status")["paused"], [uuid])
        tidepool.wait_until (lambda: not a.online (b), what="bob is cut off")
        a.command ("resume", uuid)
        tidepool.wait_until (lambda: a.online (b), what="bob is back")
        stranger = str (uuids.uuid4 ())
        self.assertEqual (a.command ("pause", stranger), {"client": stranger, "paused": True})
        a.command ("pause")
        a.command ("resume")
        self.assertEqual (self.document ("-d", a.dir, "status")["paused"], [])
        tidepool.wait_until (lambda: a.online (b), what="bob is back")
        self.assertIn ("kept", self.text ("-d", a.dir, "remove", "bob"))
        self.assertTrue (a.client_of (b)["removed"])

    def test_an_owner_is_a_client_by_name_too (self):
        a, b = self.pool ("anna", "bob")
        for node in (a, b):
            node.command ("declare", "seats", "--kind", "owned")
        seat = {node.name: node.command ("create", "seats", f"of={node.name}")["uuid"]
                for node in (a, b)}
        tidepool.wait_until (lambda: a.count ("seats") == 2, what="both seats are there")
        uuid = tidepool.uuid_text (b.client)
        for owner in ("bob", uuid, uuid[:12]):
            (record,) = a.command ("list", "seats", "--owner", owner)["records"]
            self.assertEqual ((record["uuid"], record["owner"]), (seat["bob"], uuid))
            self.assertEqual (
                a.command ("get", "seats", seat["bob"], "--owner", owner)["record"], record)
        for words in (("list", "seats"), ("get", "seats", seat["bob"])):
            self.assertFails (1, "NOT_FOUND", "-d", a.dir, *words, "--owner", "nobody")

    def test_a_name_that_two_clients_have_names_none (self):
        a, _ = self.pool ("anna", "bob")
        c = self.node ("c", "node/name=bob", "node/ping_interval_s=1")
        tidepool.join (c, a)
        self.assertFails (1, "NOT_FOUND", "-d", a.dir, "remove", "bob")

    def test_stop_returns_when_the_node_is_gone (self):
        a = self.node ()
        self.assertEqual (self.document ("-d", a.dir, "stop"), {"stopped": True})
        self.assertEqual (a.process.wait (5), 0)
        self.assertFalse ((a.dir / "endpoints.zpl").exists ())
        a.process = None
        a.start ()
        self.assertEqual (self.text ("-d", a.dir, "stop"), "stopped\n")
        self.assertEqual (a.process.wait (5), 0)
        a.process = None

    def test_a_node_that_does_not_answer_is_exit_3 (self):
        a = self.node ()
        os.kill (a.pid, signal.SIGSTOP)
        try:
            done = run ("-d", a.dir, "status", timeout=20)
        finally:
            os.kill (a.pid, signal.SIGCONT)
        self.assertEqual (done.returncode, 3, done)
        self.assertRegex (done.stderr, "^NO_ANSWER: ")

    def test_endpoints_over_tcp_are_spoken_to_with_curve (self):
        a = self.node (start=False)
        key = tidepool.key_pair (a)[0].decode ()
        a.start (*(f"endpoints/{name}=tcp://127.0.0.1:*" for name in ("api", "feed", "admin")),
                 f"endpoints/allow={key}", wait=False)
        done = tidepool.wait_until (
            lambda: (found := a.command ("status", check=False)).returncode == 0 and found,
            what="it answers over tcp")
        self.assertRegex (json.loads (done.stdout)["endpoints"]["admin"], r"^tcp://127.0.0.1:\d+")
        a.command ("create", "tags", "name=x")
        self.assertEqual (a.command ("count", "tags"), {"count": 1})

    def test_reports_are_shown_and_printed (self):
        a = self.node ()
        a.command ("create", "tags", "name=x")
        self.assertRegex (self.text ("-d", a.dir, "status"), rf"(?m)^client +{UUID}$")
        self.assertRegex (self.text ("-d", a.dir, "status"), r"(?m)^tags +shared +1 ")
        self.assertRegex (self.text ("-d", a.dir, "verify"), r"(?m)^tags +1  ok$")
        self.assertIs (self.document ("-d", a.dir, "verify")["sound"], True)
        self.assertRegex (self.text ("-d", a.dir, "metrics"), r"(?m)^tidepool_operations_total +1$")
        self.assertEqual (a.command ("metrics")["metrics"]["tidepool_operations_total"], 1)
        self.assertRegex (self.text ("-d", a.dir, "pending"), r"\d+ batches, \d+ operations, \d+")
        for batch in self.document ("-d", a.dir, "pending")["pending"]:
            self.assertRegex (batch["client"], f"^{UUID}$")
            self.assertRegex (batch["upto"], f"^{STAMP}$")

    def test_a_folder_from_its_addition_to_its_removal (self):
        a = self.node ()
        folder = self.place / "folder"
        (folder / "deep").mkdir (parents=True)
        (folder / "deep" / "file.txt").write_text ("content")
        (folder / "left.out").write_text ("content")
        added = a.command ("ingest", "add", folder, "--exclude", "*.out", "--wait")
        rows = self.document ("-d", a.dir, "list", "file_paths")["records"]
        self.assertEqual ({row["value"]["path"] for row in rows}, {"deep", "deep/file.txt"})
        for row in rows:
            self.assertEqual (row["owner"], tidepool.uuid_text (a.client))
            self.assertEqual (row["value"]["location"], added["location"])
        (row,) = (row for row in rows if not row["value"]["is_dir"])
        tidepool.wait_until (lambda: a.command ("count", "files")["count"] == 1)
        (file,) = a.command ("list", "files")["records"]
        self.assertEqual (file["uuid"], row["value"].get ("content_id", file["uuid"]))
        (location,) = a.command ("ingest", "list")["locations"]
        self.assertEqual ((location["location"], location["path"]), (added["location"], str (folder)))
        self.assertIn (str (folder), self.text ("-d", a.dir, "ingest", "list"))
        done = run ("-d", a.dir, "ingest", "rescan", ".", "--wait", cwd=folder)
        self.assertEqual (done.returncode, 0, done)
        self.assertFails (1, "EXISTS", "-d", a.dir, "ingest", "add", folder)
        self.assertFails (1, "NOT_FOUND", "-d", a.dir, "ingest", "add", self.place / "nothere")
        a.command ("ingest", "remove", folder)
        tidepool.wait_until (lambda: a.command ("count", "file_paths")["count"] == 0)
        self.assertEqual (a.command ("ingest", "list")["locations"], [])


if __name__ == "__main__":
    tidepool.main ()
