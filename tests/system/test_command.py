#!/usr/bin/python3
"""What the command says to people and to scripts: against a node that is only a ROUTER with set answers, so that each
form, refusal and silence can be had; and against a real one where it has to be real."""

import base64
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import zmq

from tidepool import BIN, DEADLINE, Case, pack, unpack, wait_until

ID = bytes.fromhex ("89f9dd8514914648989315b2d30d7be5")
ID_TEXT = "89f9dd85-1491-4648-9893-15b2d30d7be5"
OTHER = bytes.fromhex ("41a6257d0f8bed6ef8fb03ddb0239cf3")
OTHER_TEXT = "41a6257d-0f8b-ed6e-f8fb-03ddb0239cf3"
STAMP = [7084493649596461246, ID]
STAMP_TEXT = "2022-04-09T06:53:36.397295996Z/89F9DD8514914648989315B2D30D7BE5"
EVIL = "evil\x1b[31m\x07\x9b\u202e\nnext"


def now ():
    return [int (time.time () * 2 ** 32), ID]


class FakeNode:
    """Answers from `answers`: {verb: fields, or a function of the request that gives them}. A verb that is not
    there gets no answer. `heard` has all requests."""

    def __init__ (self, folder):
        self.folder, self.answers, self.heard = pathlib.Path (folder), {}, []
        self.context = zmq.Context ()
        self.sockets = {}
        for name in ("api", "admin"):
            self.sockets[name] = self.context.socket (zmq.ROUTER)
            self.sockets[name].linger = 1000
            self.sockets[name].bind (self.endpoint (name))
        self.feed = self.context.socket (zmq.PUB)
        self.feed.bind (self.endpoint ("feed"))
        self.bell, self.hand = (self.context.socket (zmq.PAIR) for _ in range (2))
        self.bell.bind ("inproc://end")
        self.hand.connect ("inproc://end")
        self.thread = threading.Thread (target=self.run)
        self.thread.start ()

    def endpoint (self, name):
        return f"ipc://{self.folder}/{name}.sock"

    def run (self):
        poller = zmq.Poller ()
        for socket in (*self.sockets.values (), self.bell):
            poller.register (socket, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll ():
                if socket is self.bell:
                    for one in (*self.sockets.values (), self.bell):
                        one.close ()
                    return
                self.answer (socket, socket.recv_multipart ())

    def answer (self, socket, frames):
        request = unpack (frames[-1])
        assert frames[1:-1] == [b""], frames
        self.heard.append (request)
        answer = self.answers.get (request["do"])
        if callable (answer):
            answer = answer (request)
        if isinstance (answer, bytes):
            socket.send_multipart ([frames[0], b"", answer])
        elif answer is not None:
            socket.send_multipart (
                [frames[0], b"", pack ({"id": request["id"], "ok": True, **answer})])

    def close (self):
        if self.thread.is_alive ():
            self.hand.send (b"")
            self.thread.join ()
            self.feed.close ()
            self.hand.close ()
            self.context.term ()


def refuse (code, message):
    return lambda _: {"ok": False, "error": code, "message": message}


class CommandCase (unittest.TestCase):
    def setUp (self):
        folder = tempfile.TemporaryDirectory (prefix="command")
        self.addCleanup (folder.cleanup)
        self.folder = folder.name

    def fake (self, **answers):
        node = FakeNode (self.folder)
        node.answers = answers
        self.addCleanup (node.close)
        return node

    def run_it (self, *args, dir=True, env=None):
        at = ("-d", self.folder) if dir else ()
        return subprocess.run (
            [BIN / "tidepool", *at, *args], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=DEADLINE, text=True,
            env={**{k: v for k, v in os.environ.items () if k != "TIDEPOOL_DIR"}, **(env or {})})

    def say (self, *args, status=0, **options):
        """Its standard output"""
        done = self.run_it (*args, **options)
        self.assertEqual (done.returncode, status, done)
        return done.stdout

    def says (self, *args, **options):
        """Its JSON"""
        text = self.say ("--json", *args, **options)
        self.assertTrue (text.endswith ("\n") and text.count ("\n") == 1, text)
        return json.loads (text)

    def on_terminal (self, *args, env=None):
        """What it prints when standard output is a terminal"""
        pid, terminal = pty.fork ()
        if pid == 0:
            os.environ.update ({"TERM": "xterm", **(env or {})})
            os.execv (BIN / "tidepool", ["tidepool", "-d", self.folder, *args])
        text = b""
        try:
            while True:
                text += os.read (terminal, 65536)
        except OSError:
            pass
        os.close (terminal)
        os.waitpid (pid, 0)
        return text.decode ()

    def assertSafe (self, text):
        self.assertIsNone (re.search ("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), repr (text))


class Usage (CommandCase):
    def test_what_is_wrong_is_said_with_status_2 (self):
        uuid = ID_TEXT
        for args in ((), ("frobnicate",), ("get",), ("get", "tags"), ("get", "tags", "x"),
                     ("get", "tags", uuid, "more"), ("--frobnicate",), ("list", "tags", "--limit"),
                     ("list", "tags", "--limit", "x"), ("list", "tags", "--limit", "0"),
                     ("list", "tags", "--wait"), ("create",), ("create", "tags", "x"),
                     ("create", "tags", "=x"), ("create", "tags", "k:=x"),
                     ("create", "tags", "a=1", "a:=1"), ("create", "tags", "--uuid", "x"),
                     ("create", "tags", "--on-conflict", "x"), ("update", "tags", uuid),
                     ("update", "tags", "x", "a=1"), ("delete", "tags"), ("declare", "x"),
                     ("declare", "x", "--kind", "odd"), ("changes", "--since", "-1"),
                     ("changes", "x"), ("ingest",), ("ingest", "add"), ("ingest", "frobnicate"),
                     ("ingest", "list", "x"), ("ingest", "list", "--wait"),
                     ("ingest", "remove", "/x", "--exclude", "y"), ("join",), ("join", "a", "b"),
                     ("remove",), ("status", "x"), ("stop", "now"), ("timestamp",),
                     ("timestamp", "x"), ("timestamp", "1/2"), ("list", b"\xff")):
            with self.subTest (args):
                done = self.run_it (*args)
                self.assertEqual ((done.returncode, done.stdout), (2, ""), done)
                self.assertIn ("usage: tidepool", done.stderr)

    def test_without_a_directory_there_is_no_node_to_ask (self):
        done = self.run_it ("status", dir=False)
        self.assertEqual (done.returncode, 2)
        self.assertIn ("TIDEPOOL_DIR", done.stderr)

    def test_help_is_everywhere (self):
        text = self.say ("--help", dir=False)
        commands = re.findall (r"^  ([a-z]+) ", text, re.MULTILINE)
        self.assertLessEqual (
            {"init", "status", "pool", "invite", "join", "remove", "pause", "resume", "declare",
             "create", "update", "delete", "get", "list", "changes", "ingest", "pending",
             "metrics", "verify", "timestamp", "stop"}, set (commands))
        for command in commands:
            self.assertTrue (
                self.say (command, "--help", dir=False).startswith ("usage: tidepool"))

    def test_version_names_the_libraries (self):
        for args in (("--version",), ("status", "--version")):
            self.assertRegex (self.say (*args, dir=False),
                              r"^tidepool \d+\.\d+\.\d+\nlibzmq \d.*\nczmq \d.*\nLMDB \d.*\n$")
        self.assertEqual (set (self.says ("--version", dir=False)),
                          {"tidepool", "libzmq", "czmq", "LMDB"})


class Timestamp (CommandCase):
    def test_it_has_two_forms (self):
        wanted = {"time": STAMP[0], "client": ID_TEXT, "text": STAMP_TEXT}
        name = STAMP_TEXT.split ("/")[1]
        for value in (STAMP_TEXT, f"{STAMP[0]}/{name}", f"{STAMP[0]}/{name.lower ()}"):
            self.assertEqual (self.says ("timestamp", value, dir=False), wanted)
            text = self.say ("timestamp", value, dir=False)
            self.assertIn (STAMP_TEXT, text)
            self.assertIn (f"{STAMP[0]}/{name}", text)


class NoNode (CommandCase):
    def assertNobody (self, *args):
        done = self.run_it (*args)
        self.assertEqual ((done.returncode, done.stdout), (3, ""), done)
        self.assertTrue (done.stderr.startswith ("NO_ANSWER: "), done.stderr)

    def test_nobody_there_is_status_3 (self):
        self.assertNobody ("status")
        self.assertNobody ("--json", "count", "tags")
        self.assertNobody ("changes", "--follow")
        self.assertNobody ("stop")

    def test_no_directory_is_status_3 (self):
        done = self.run_it ("status", "-d", f"{self.folder}/nowhere")
        self.assertEqual (done.returncode, 3)

    def test_sockets_left_behind_are_nobody (self):
        self.fake ().close ()
        pathlib.Path (self.folder, "endpoints.zpl").write_text (
            f'node\n    pid = "1"\nendpoints\n    admin = "ipc://{self.folder}/admin.sock"\n')
        self.assertNobody ("status")

    def test_a_node_that_goes_away_meanwhile_is_status_3 (self):
        node = self.fake ()
        asked = subprocess.Popen ([BIN / "tidepool", "-d", self.folder, "verify"],
                                  stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        wait_until (lambda: node.heard)
        node.close ()
        out, err = asked.communicate (timeout=DEADLINE)
        self.assertEqual ((asked.returncode, out), (3, ""))
        self.assertIn ("NO_ANSWER: the node went away", err)

    def test_what_is_no_node_is_status_3 (self):
        for answer in (b"", b"\xc1", pack (["no", "map"]), pack ({"id": 1}), b"\x81"):
            with self.subTest (answer):
                node = self.fake (count=answer)
                self.assertEqual (self.run_it ("count", "tags").returncode, 3)
                node.close ()


class Refusal (CommandCase):
    def test_its_code_and_message_are_said_with_status_1 (self):
        self.fake (count=refuse ("UNKNOWN_RESOURCE", "no resource of this name is declared"))
        for args in ((), ("--json",)):
            done = self.run_it (*args, "count", "nowhere")
            self.assertEqual ((done.returncode, done.stdout), (1, ""))
            self.assertEqual (
                done.stderr, "UNKNOWN_RESOURCE: no resource of this name is declared\n")

    def test_it_cannot_write_to_the_terminal (self):
        self.fake (count=refuse (EVIL, EVIL))
        done = self.run_it ("count", "tags")
        self.assertEqual (done.returncode, 1)
        self.assertSafe (done.stderr.rstrip ("\n"))


class Records (CommandCase):
    RECORD = {"resource": "tags", "uuid": ID, "updated": STAMP, "owner": None,
              "value": {"name": EVIL, "n": 5, "bytes": b"\0\1\2", "list": [1, None], "é": "ü"}}
    SHOWN = {"resource": "tags", "uuid": ID_TEXT, "updated": STAMP_TEXT, "owner": None,
             "value": {"name": EVIL, "n": 5, "bytes": "AAEC", "list": [1, None], "é": "ü"}}

    def test_create_asks_for_what_was_typed_and_prints_the_uuid (self):
        node = self.fake (apply={"uuids": [ID], "timestamp": STAMP, "cursor": 7})
        self.assertEqual (
            self.say ("create", "tags", "name=sea side", "n:=5", 'o:={"a": [true, null, 1.5]}',
                      "--uuid", ID_TEXT, "--on-conflict", "overwrite"), ID_TEXT + "\n")
        (op,) = node.heard[0]["ops"]
        self.assertEqual (op, {
            "action": "create", "resource": "tags", "uuid": ID, "on_conflict": "overwrite",
            "value": {"name": "sea side", "n": 5, "o": {"a": [True, None, 1.5]}}})
        self.assertEqual (
            self.says ("create", "tags"),
            {"uuid": ID_TEXT, "uuids": [ID_TEXT], "timestamp": STAMP_TEXT, "cursor": 7})
        self.assertNotIn ("uuid", node.heard[1]["ops"][0])

    def test_update_and_delete (self):
        node = self.fake (apply={"uuids": [ID], "timestamp": STAMP, "cursor": 7})
        self.assertEqual (self.say ("update", "tags", ID_TEXT.upper (), "a=b"), "")
        self.assertEqual (self.says ("delete", "tags", ID_TEXT)["uuid"], ID_TEXT)
        self.assertEqual ([request["ops"] for request in node.heard], [
            [{"action": "update", "resource": "tags", "uuid": ID, "value": {"a": "b"}}],
            [{"action": "delete", "resource": "tags", "uuid": ID}]])

    def test_get (self):
        node = self.fake (get={"record": self.RECORD})
        self.assertEqual (self.says ("get", "tags", ID_TEXT, "--owner", OTHER_TEXT),
                          {"record": self.SHOWN})
        self.assertEqual (node.heard[0]["owner"], OTHER)
        text = self.say ("get", "tags", ID_TEXT)
        for part in (ID_TEXT, "2022-04-09", "AAEC", "[1, null]", r"evil\x1b[31m\x07\u009b\u202e\nnext"):
            self.assertIn (part, text)
        for line in text.splitlines ():
            self.assertSafe (line)

    def test_list_pages_as_far_as_it_was_asked (self):
        def page (request):
            first = int.from_bytes (request.get ("after") or b"\0", "big")
            last = min (first + request["limit"], 2500)
            return {"records": [{**self.RECORD, "uuid": n.to_bytes (16, "big")}
                                for n in range (first, last)],
                    "next": last.to_bytes (4, "big") if last < 2500 else None}
        node = self.fake (list=page)
        for args, count in (((), 100), (("--limit", "7"), 7), (("--limit", "1200"), 1200),
                            (("--all",), 2500), (("--limit", "9999"), 2500)):
            with self.subTest (args):
                shown = self.says ("list", "tags", *args)
                self.assertEqual (len (shown["records"]), count)
                self.assertEqual (shown["next"] is None, count == 2500)
                self.assertEqual (shown["records"][5]["uuid"][-2:], "05")
        self.assertTrue (all (request["limit"] <= 10000 for request in node.heard))
        done = self.run_it ("list", "tags", "--limit", "3")
        self.assertEqual (len (done.stdout.splitlines ()), 4)
        self.assertIn ("--all", done.stderr)

    def test_a_table_is_aligned (self):
        records = [{**self.RECORD, "value": {"name": name, "n": n}}
                   for name, n in (("sea", 5), ("Zürich", 12345), ("海", None))]
        self.fake (list={"records": records, "next": None})
        lines = self.say ("list", "tags").splitlines ()
        self.assertEqual (lines, [
            "UUID                                  name    n",
            f"{ID_TEXT}  sea     5",
            f"{ID_TEXT}  Zürich  12345",
            f"{ID_TEXT}  海      null"])

    def test_nothing_is_a_list_too (self):
        self.fake (list={"records": [], "next": None})
        self.assertEqual (self.says ("list", "tags"), {"records": [], "next": None})
        self.assertEqual (self.say ("list", "tags"), "")

    def test_declare_and_count (self):
        node = self.fake (declare={}, count={"count": 2 ** 64 - 1})
        self.assertEqual (self.say ("count", "tags"), f"{2 ** 64 - 1}\n")
        self.assertEqual (self.says ("count", "tags"), {"count": 2 ** 64 - 1})
        wanted = {"shots": {"kind": "derived", "from": "photos", "key": "hash",
                            "keep": ["size", "kind=mime", "paths=#rows"]}}
        args = ("declare", "shots", "--kind", "derived", "--from", "photos", "--key", "hash",
                "--keep", "size,kind=mime", "--keep", "paths=#rows")
        self.assertEqual (self.say (*args), "")
        self.assertEqual (self.says (*args), {"resources": wanted})
        self.assertEqual (node.heard[-1]["resources"], wanted)


class Changes (CommandCase):
    @staticmethod
    def change (cursor, **fields):
        return {"cursor": cursor, "resource": "tags", "uuid": ID, "owner": None, "deleted": False,
                "value": {"n": cursor}, "updated": STAMP, **fields}

    def pages (self, request):
        since = request["since"]
        return {"changes": [self.change (n) for n in range (since + 1, min (since + 4, 11))],
                "cursor": min (since + 3, 10), "more": since + 3 < 10}

    def test_all_pages_are_one_document (self):
        self.fake (changes=self.pages)
        shown = self.says ("changes")
        self.assertEqual ([change["cursor"] for change in shown["changes"]], list (range (1, 11)))
        self.assertEqual ((shown["cursor"], shown["more"]), (10, False))
        self.assertEqual (shown["changes"][0]["updated"], STAMP_TEXT)
        self.assertEqual (len (self.says ("changes", "--since", "8")["changes"]), 2)
        self.assertEqual (self.says ("changes", "--since", "10")["changes"], [])
        self.assertIn ("n:=10", self.say ("changes"))

    def test_a_cursor_that_is_too_old_begins_again (self):
        def pages (request):
            if request["since"] == 5:
                return {"changes": [], "cursor": 5, "more": False, "reset": True}
            return self.pages (request)
        self.fake (changes=pages)
        shown = self.says ("changes", "--since", "5")
        self.assertEqual ((len (shown["changes"]), shown["reset"]), (10, True))

    def test_follow_goes_on_at_the_bell (self):
        last = [2]

        def pages (request):
            return {"changes": [self.change (n) for n in range (request["since"] + 1, last[0] + 1)],
                    "cursor": last[0], "more": False}
        node = self.fake (changes=pages)
        follow = subprocess.Popen ([BIN / "tidepool", "-d", self.folder, "--json", "changes", "-f"],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup (follow.stdout.close)
        self.addCleanup (follow.wait)
        self.addCleanup (follow.kill)
        cursors = [json.loads (follow.stdout.readline ())["cursor"] for _ in range (2)]
        last[0] = 5
        node.feed.send_multipart ([b"tags/update", pack ({"cursor": 5})])
        cursors += [json.loads (follow.stdout.readline ())["cursor"] for _ in range (3)]
        self.assertEqual (cursors, [1, 2, 3, 4, 5])
        follow.send_signal (signal.SIGINT)
        self.assertEqual (follow.wait (), -signal.SIGINT)


class Admin (CommandCase):
    @staticmethod
    def client (uuid, name, **fields):
        return {"client": uuid, "name": name, "online": True, "stale": False, "returning": False,
                "removed": False, "last_seen": now (), "last_synchronized": None, "behind": None, **fields}

    def status (self, **fields):
        return {"client": ID, "name": "desk", "pool": OTHER, "version": "0.1.0", "uptime": 200,
                "endpoints": {"peers": ["tcp://127.0.0.1:1"], "door": None, "api": "ipc://a"},
                "clock": {"last": STAMP, "wall": STAMP[0], "ahead_ms": 3},
                "resources": {"tags": {"kind": "shared", "count": 12345, "digest": ID}},
                "clients": [self.client (ID, "desk", behind=0), self.client (OTHER, EVIL)],
                "pending": {"batches": 1, "operations": 2, "bytes": 3000},
                "store": {"used": 5 << 20, "size": 1 << 40}, "alarms": ["CLOCK_AHEAD: " + EVIL],
                "paused": [OTHER], "locations": [], "joining": None, **fields}

    def test_status_as_json (self):
        self.fake (status=self.status ())
        shown = self.says ("status")
        self.assertNotIn ("id", shown)
        self.assertEqual ((shown["client"], shown["pool"]), (ID_TEXT, OTHER_TEXT))
        self.assertEqual (shown["paused"], [OTHER_TEXT])
        self.assertEqual (shown["clock"]["last"], STAMP_TEXT)
        self.assertEqual (shown["resources"]["tags"]["digest"], base64.b64encode (ID).decode ())
        self.assertIsNone (shown["clients"][0]["last_synchronized"])

    def test_status_for_people (self):
        self.fake (status=self.status ())
        text = self.say ("status")
        for part in ("desk", ID_TEXT, "up 3 min", "12,345", "5.0 MiB of 1.0 TiB", "2.9 KiB",
                     "just now", "never", "paused", "CLOCK_AHEAD", "3 ms ahead"):
            self.assertIn (part, text)
        for line in text.splitlines ():
            self.assertSafe (line)

    def test_how_a_client_stands_is_one_word (self):
        for word, fields in (("online", {}), ("offline", {"online": False}),
                             ("stale", {"stale": True}), ("removed", {"removed": True}),
                             ("returning", {"stale": True, "returning": True})):
            self.fake (pool={"pool": OTHER, "invitations": [],
                             "clients": [self.client (ID, "desk", **fields)]})
            self.assertRegex (self.say ("clients"), rf"desk +{word} ")

    def test_colour_is_for_terminals (self):
        self.fake (status=self.status ())
        self.assertIn ("\x1b[32monline", self.on_terminal ("status"))
        self.assertNotIn ("\x1b", self.on_terminal ("status", env={"NO_COLOR": "1"}))
        self.assertNotIn ("\x1b", self.on_terminal ("status", env={"TERM": "dumb"}))
        self.assertNotIn ("\x1b", self.on_terminal ("--json", "status"))

    def test_invite_prints_one_line (self):
        self.fake (invite={"ticket": "tidepool1-abc"})
        self.assertEqual (self.say ("invite"), "tidepool1-abc\n")
        self.assertEqual (self.says ("invite"), {"ticket": "tidepool1-abc"})

    def test_join_returns_when_the_node_is_ready (self):
        looks = []

        def status (_):
            looks.append (1)
            busy = 1 < len (looks) < 4
            return self.status (joining={"state": "copying", "records": 7} if busy else None)
        node = self.fake (join={"pool": OTHER}, status=status)
        self.assertEqual (self.says ("join", "t"), {"pool": OTHER_TEXT, "ready": True})
        self.assertGreater (len (looks), 4)
        self.assertEqual (node.heard[0]["ticket"], "t")
        looks.clear ()
        self.assertEqual (self.says ("join", "t", "--no-wait"), {"pool": OTHER_TEXT, "ready": False})
        self.assertEqual (looks, [])

    def test_a_client_is_a_uuid_a_name_or_a_beginning (self):
        third = bytes (16)
        clients = [self.client (ID, "desk"), self.client (OTHER, "phone"),
                   self.client (third, "phone", removed=True)]
        node = self.fake (pool={"pool": OTHER, "clients": clients, "invitations": []},
                          pause={}, resume={}, remove={})
        for text in (OTHER_TEXT, OTHER_TEXT.upper (), "phone", "41a6257d", "41A6"):
            with self.subTest (text):
                self.assertEqual (self.says ("pause", text), {"client": OTHER_TEXT, "paused": True})
                self.assertEqual (node.heard[-1]["client"], OTHER)
        unknown = "01234567-89ab-cdef-0123-456789abcdef"
        self.assertEqual (self.says ("pause", unknown)["client"], unknown)
        self.assertEqual (self.says ("resume"), {"client": None, "paused": False})
        self.assertNotIn ("client", node.heard[-1])
        self.assertEqual (self.says ("remove", "phone", "--drop-rows"),
                          {"client": OTHER_TEXT, "drop_rows": True})
        self.assertIs (node.heard[-1]["drop_rows"], True)
        self.assertIn ("kept", self.say ("remove", "phone"))
        node.answers["pool"]["clients"][0]["name"] = "phone"
        for text in ("phone", "nobody", "41a", "ffff"):
            with self.subTest (text):
                done = self.run_it ("remove", text)
                self.assertEqual (done.returncode, 1)
                self.assertTrue (done.stderr.startswith ("NOT_FOUND: "), done.stderr)

    def test_pool_shows_uuids_that_can_be_copied (self):
        self.fake (pool={"pool": OTHER, "clients": [self.client (ID, EVIL)], "invitations": [{}]})
        text = self.say ("pool")
        self.assertIn (ID_TEXT, text)
        self.assertIn ("1 open invitation", text)
        for line in text.splitlines ():
            self.assertSafe (line)
        self.assertEqual (self.says ("pool")["clients"][0]["client"], ID_TEXT)

    def test_ingest_sends_absolute_paths (self):
        location = {"location": ID, "path": "/x", "exclude": [], "state": "watching",
                    "watched": True, "entries": 5, "unidentified": 0, "untyped": 7, "listed": 5,
                    "files_per_s": 1, "skipped": 0, "ignored": 0, "unreadable": 0}
        node = self.fake (ingest=lambda request: (
            {"locations": [location]} if request["action"] == "list" else
            {"location": ID, "entries": 5}))
        os.symlink (self.folder, f"{self.folder}/link")
        real = os.path.realpath (self.folder)
        for given, path in ((f"{self.folder}/link", real), (f"{self.folder}/../gone/./x/", None),
                            ("/", "/"), ("/../..", "/")):
            self.assertEqual (self.says ("ingest", "add", given, "--exclude", "*.o", "--exclude",
                                         "b", "--wait"), {"location": ID_TEXT, "entries": 5})
            heard = node.heard[-1]
            wanted = path or os.path.normpath (given)
            self.assertEqual ((heard["path"], heard["exclude"], heard["wait"]),
                              (wanted, ["*.o", "b"], True))
        self.say ("ingest", "remove", ID_TEXT)
        self.assertEqual ((node.heard[-1].get ("location"), node.heard[-1].get ("path")), (ID, None))
        self.assertIn ("watching", self.say ("ingest", "list"))
        self.assertIn (" 7 ", self.say ("ingest", "list"))
        self.assertEqual (self.says ("ingest", "list")["locations"][0]["location"], ID_TEXT)
        self.assertEqual (node.heard[-1]["action"], "list")

    def test_verify_fails_where_something_is_wrong (self):
        tags = {"count": 5, "digest": ID, "ok": True}
        node = self.fake (verify={"resources": {"tags": tags}, "sound": True})
        self.assertTrue (self.says ("verify")["sound"])
        for error, code in (("CORRUPT", "CORRUPT"), ("BUSY", "BUSY")):
            node.answers["verify"] = {
                "resources": {"tags": {**tags, "ok": False, "error": error}}, "sound": False}
            done = self.run_it ("verify")
            self.assertEqual (done.returncode, 1)
            self.assertTrue (done.stderr.startswith (code + ": "), done.stderr)
            self.assertIn (error, done.stdout)

    def test_pending_and_metrics (self):
        batch = {"client": ID, "sequence": 3, "upto": now (), "operations": 4, "bytes": 2000}
        self.fake (pending={"pending": [batch], "batches": 1, "operations": 4, "bytes": 2000,
                            "more": True, "deletions": 3, "kept_for": [
                                {"client": ID, "name": "lap\x1btop", "batches": 1, "bytes": 2000,
                                 "since": batch["upto"]}]},
                   metrics={"metrics": {"tidepool_x_total": 7}, "text": "# HELP\n"})
        self.assertEqual (self.says ("pending")["pending"][0]["client"], ID_TEXT)
        self.assertIn ("1 batches, 4 operations, 2.0 KiB\n3 deletions are remembered",
                       self.say ("pending"))
        self.assertRegex (self.say ("pending"),
                          r"KEPT FOR +SINCE +BATCHES +SIZE\nlap.*top .* 1 +2.0 KiB\nand more")
        self.assertEqual (self.say ("metrics"), "tidepool_x_total  7\n")
        self.assertEqual (self.says ("metrics")["metrics"], {"tidepool_x_total": 7})

    def test_restamp_says_what_it_did (self):
        node = self.fake (restamp={"timestamps": 1234, "before": now (), "after": now ()})
        self.assertRegex (self.say ("restamp"),
                          r"^1,234 timestamps stamped anew\nthe newest was  2.*Z\nand is now      2.*Z\n$")
        node.answers["restamp"] = {"timestamps": 0}
        self.assertIn ("nothing here is ahead of time", self.say ("restamp"))
        self.assertEqual (self.says ("restamp"), {"timestamps": 0})

    def test_a_node_that_stops_before_it_has_answered_has_stopped (self):
        node = self.fake ()
        asked = subprocess.Popen ([BIN / "tidepool", "-d", self.folder, "stop"],
                                  stdout=subprocess.PIPE, text=True)
        wait_until (lambda: node.heard)
        node.close ()
        self.assertEqual (asked.communicate (timeout=DEADLINE)[0], "stopped\n")
        self.assertEqual (asked.returncode, 0)

    def test_endpoints_are_where_the_node_wrote_them (self):
        self.fake (count={"count": 1})
        with tempfile.TemporaryDirectory () as other:
            pathlib.Path (other, "endpoints.zpl").write_text (
                f'endpoints\n    api = "ipc://{self.folder}/api.sock"\n')
            self.assertEqual (self.says ("count", "tags", "-d", other), {"count": 1})
            self.assertEqual (
                self.says ("count", "tags", dir=False, env={"TIDEPOOL_DIR": other}), {"count": 1})


class Home (CommandCase):
    def test_init_makes_a_directory_once (self):
        place = f"{self.folder}/desk"
        made = self.says ("init", place, "--name", "desk", "--listen", "tcp://127.0.0.1:*", "--set",
                          "node/ping_interval_s=7", dir=False)
        self.assertEqual (made["dir"], os.path.realpath (place))
        self.assertRegex (made["client"], "^[0-9a-f-]{36}$")
        self.assertEqual (len (made["key"]), 40)
        self.assertEqual (os.stat (place).st_mode & 0o777, 0o700)
        text = pathlib.Path (place, "node.zpl").read_text ()
        self.assertIn ('name = "desk"', text)
        self.assertIn ('ping_interval_s = "7"', text)
        done = self.run_it ("init", place, dir=False)
        self.assertEqual (done.returncode, 1)
        self.assertTrue (done.stderr.startswith ("EXISTS: "), done.stderr)
        done = self.run_it ("init", f"{self.folder}/b", "--set", "node/nmae=x", dir=False)
        self.assertEqual (done.returncode, 1)
        self.assertTrue (done.stderr.startswith ("BAD_CONFIGURATION: "), done.stderr)
        self.assertFalse (os.path.exists (f"{self.folder}/b"))
        self.assertEqual (self.run_it ("init", dir=False).returncode, 2)


class Node (Case):
    """What has to be real"""

    def test_stop_returns_when_the_process_is_gone (self):
        node = self.node ()
        self.assertEqual (node.command ("stop"), {"stopped": True})
        self.assertEqual (node.process.poll (), 0)
        self.assertEqual (node.command ("status", check=False).returncode, 3)

    def test_over_tcp_it_is_curve_with_the_nodes_own_key (self):
        node = self.node ()
        own = re.search (r"^    key = .(.{40}).$", pathlib.Path (
            node.dir, "endpoints.zpl").read_text (), re.MULTILINE)[1]
        other = node.command ("init", self.place / "other")["key"]
        node.restart ("endpoints/api=tcp://127.0.0.1:*", f"endpoints/allow={own}")
        self.assertEqual (node.command ("count", "tags"), {"count": 0})
        # the node's own key is its command's: it need not be listed
        node.restart ("endpoints/api=tcp://127.0.0.1:*", f"endpoints/allow={other}")
        self.assertEqual (node.command ("count", "tags"), {"count": 0})

    def test_follow_sees_each_change (self):
        node = self.node ()
        follow = subprocess.Popen ([BIN / "tidepool", "-d", node.dir, "--json", "changes", "-f"],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup (follow.stdout.close)
        self.addCleanup (follow.wait)
        self.addCleanup (follow.kill)
        for n in range (20):
            uuid = node.command ("create", "tags", f"n:={n}")["uuid"]
            change = json.loads (follow.stdout.readline ())
            self.assertEqual ((change["uuid"], change["value"]), (uuid, {"n": n}))


if __name__ == "__main__":
    unittest.main ()
