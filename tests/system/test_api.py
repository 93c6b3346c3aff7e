#!/usr/bin/python3
"""What an app sees of one node: every verb of api, the feed, the intake"""

import time
import uuid as uuids

import zmq

import tidepool
from tidepool import Case, pack, unpack, wait_until

DEFAULTS = {"tags", "comments", "albums", "jobs", "tags_on_files", "file_paths", "files"}
NOBODY = bytes (16)


class Hello (Case):
    def test_hello_says_who_it_is_and_what_it_holds (self):
        node = self.node ("desk")
        hello = node.api ("hello")
        self.assertEqual (hello["ok"], True)
        self.assertEqual (hello["name"], "desk")
        self.assertEqual (len (hello["client"]), 16)
        self.assertEqual (hello["client"], node.status ()["client"])
        self.assertRegex (hello["version"], r"^\d+\.\d+")
        self.assertLessEqual (DEFAULTS, set (hello["resources"]))
        kinds = {name: entry["kind"] for name, entry in hello["resources"].items ()}
        self.assertEqual ([kinds[name] for name in ("tags", "file_paths", "files")],
                          ["shared", "owned", "derived"])
        # a node founds a pool of its own, alone
        wait_until (lambda: node.api ("hello")["pool"], what="a pool of its own")
        self.assertEqual (len (node.api ("hello")["pool"]), 16)


class Envelope (Case):
    def test_req_and_dealer_are_answered_as_they_asked (self):
        node = self.node ()
        req = self.context.socket (zmq.REQ)
        req.connect (node.endpoint ("api"))
        req.send (pack ({"do": "hello", "id": "seven"}))
        self.assertEqual (unpack (req.recv ())["id"], "seven")

        dealer = self.context.socket (zmq.DEALER)
        dealer.connect (node.endpoint ("api"))
        dealer.send (pack ({"do": "hello", "id": [1, None, {"a": b"b"}]}))
        frames = dealer.recv_multipart ()
        self.assertEqual (len (frames), 1)
        self.assertEqual (unpack (frames[0])["id"], [1, None, {"a": b"b"}])
        dealer.send_multipart ([b"", pack ({"do": "count", "id": 2, "resource": "tags"})])
        frames = dealer.recv_multipart ()
        self.assertEqual (frames[0], b"")
        self.assertEqual (unpack (frames[1]), {"id": 2, "ok": True, "count": 0})

    def test_an_id_is_optional_and_comes_back_as_it_was (self):
        node = self.node ()
        dealer = self.context.socket (zmq.DEALER)
        dealer.connect (node.endpoint ("api"))
        for id_ in (None, 0, -5, 2 ** 64 - 1, 1.5, "", "é", b"\x00", [], {}, True):
            dealer.send (pack ({"do": "count", "id": id_, "resource": "tags"}))
            self.assertEqual (unpack (dealer.recv ()), {"id": id_, "ok": True, "count": 0})
        dealer.send (pack ({"do": "count", "resource": "tags"}))
        self.assertEqual (unpack (dealer.recv ()), {"id": None, "ok": True, "count": 0})

    def test_many_requests_may_be_under_way (self):
        node = self.node ()
        requests = node.requests ("api")
        asked = [requests.send ("apply", ops=[{"action": "create", "resource": "tags",
                                               "value": {"n": n}}]) for n in range (500)]
        answered = [requests.receive (tidepool.DEADLINE) for _ in asked]
        self.assertEqual (sorted (answer["id"] for answer in answered), asked)
        self.assertTrue (all (answer["ok"] for answer in answered))
        self.assertEqual (node.count ("tags"), 500)

    def test_what_is_not_a_request_gets_bad_request (self):
        node = self.node ()
        dealer = self.context.socket (zmq.DEALER)
        dealer.connect (node.endpoint ("api"))
        bad = {
            "an array": pack (["hello"]), "nil": pack (None), "empty": b"", "text": pack ("hello"),
            "no do": pack ({"id": 1}), "do is a number": pack ({"do": 7}),
            "do is nil": pack ({"do": None}), "cut off": pack ({"do": "hello"})[:-1],
            "trailing": pack ({"do": "hello"}) + b"\x00", "never used byte": b"\xc1",
            "twice": b"\x82" + pack ("do") + pack ("hello") + pack ("do") + pack ("count"),
            "not utf-8": b"\x82" + pack ("do") + pack ("hello") + pack ("x") + b"\xa2\xff\xfe",
        }
        for name, body in bad.items ():
            with self.subTest (name):
                dealer.send (body)
                answer = unpack (dealer.recv ())
                self.assertEqual ((answer["ok"], answer["error"]), (False, "BAD_REQUEST"), answer)
        self.assertRefused ("UNKNOWN_VERB", node.api, "frobnicate")
        self.assertRefused ("UNKNOWN_VERB", node.api, "status")
        self.assertRefused ("UNKNOWN_VERB", node.admin, "apply")


class Write (Case):
    def test_a_record_lives (self):
        node = self.node ()
        done = node.apply ({"action": "create", "resource": "tags",
                            "value": {"name": "sea", "colour": "blue"}})
        self.assertEqual ({"id", "ok", "uuids", "timestamp", "cursor"}, set (done))
        (uuid,) = done["uuids"]
        self.assertEqual (uuids.UUID (bytes=uuid).version, 7)
        moment, client = done["timestamp"]
        self.assertEqual (client, node.client)
        self.assertLess (abs (moment / 2 ** 32 - time.time ()), 60)
        self.assertGreater (done["cursor"], 0)

        record = node.api ("get", resource="tags", uuid=uuid)["record"]
        self.assertEqual (record, {
            "resource": "tags", "uuid": uuid, "value": {"name": "sea", "colour": "blue"},
            "updated": [moment, client], "owner": None})
        later = node.update ("tags", uuid, colour="green")
        self.assertGreater (later["timestamp"], done["timestamp"])
        self.assertGreater (later["cursor"], done["cursor"])
        self.assertEqual (node.get ("tags", uuid), {"name": "sea", "colour": "green"})
        node.delete ("tags", uuid)
        self.assertIsNone (node.get ("tags", uuid))
        self.assertEqual (node.count ("tags"), 0)

    def test_a_uuid_is_text_or_bin (self):
        node = self.node ()
        uuid = uuids.uuid4 ()
        self.assertEqual (node.create ("tags", uuid=str (uuid), name="a"), uuid.bytes)
        self.assertEqual (node.get ("tags", uuid.bytes), {"name": "a"})
        self.assertEqual (node.get ("tags", str (uuid).upper ()), {"name": "a"})
        for bad in ("", "x", str (uuid)[:-1], uuid.bytes[:-1], uuid.bytes + b"\0", 7, [], {}):
            with self.subTest (bad):
                self.assertRefused ("BAD_REQUEST", node.api, "get", resource="tags", uuid=bad)
                self.assertRefused ("BAD_REQUEST", node.create, "tags", uuid=bad, name="b")

    def test_values_come_back_as_they_were (self):
        node = self.node ()
        value = {
            "nil": None, "yes": True, "no": False, "zero": 0, "small": -33, "big": 2 ** 64 - 1,
            "least": -2 ** 63, "float": 1.5, "text": "Zürich 🌊", "empty": "", "bin": bytes (300),
            "list": [1, [2, [3]], {"a": []}], "map": {"k": {"n": [None]}}, "é": "key",
        }
        uuid = node.create ("tags", **value)
        self.assertEqual (node.get ("tags", uuid), value)
        node.update ("tags", uuid, text=None)
        self.assertEqual (node.get ("tags", uuid), {**value, "text": None})

    def test_refusals_have_their_code (self):
        node = self.node ()
        uuid = node.create ("tags", name="here")
        away = uuids.uuid4 ().bytes
        self.assertRefused ("EXISTS", node.create, "tags", uuid=uuid, name="again")
        self.assertRefused ("NOT_FOUND", node.update, "tags", away, name="nothing")
        self.assertRefused ("NOT_FOUND", node.delete, "tags", away)
        self.assertRefused ("NOT_FOUND", node.api, "get", resource="tags", uuid=away)
        self.assertRefused ("UNKNOWN_RESOURCE", node.create, "nowhere", name="x")
        for verb in ("count", "list"):
            self.assertRefused ("UNKNOWN_RESOURCE", node.api, verb, resource="nowhere")
        self.assertRefused ("UNKNOWN_RESOURCE", node.api, "get", resource="nowhere", uuid=away)
        self.assertRefused ("DERIVED", node.create, "files", size=1)
        self.assertRefused ("TOO_LARGE", node.create, "tags", name="x" * (1 << 20))
        self.assertRefused ("TOO_LARGE", node.create, "tags", **{"x" * 200: 1})
        self.assertRefused ("BAD_REQUEST", node.api, "apply")
        self.assertRefused ("BAD_REQUEST", node.api, "apply", ops=[])
        self.assertRefused ("BAD_REQUEST", node.api, "apply", ops={})
        create = {"action": "create", "resource": "tags"}
        for bad in ({"action": "replace", "resource": "tags"}, {"resource": "tags"},
                    {"action": "create"}, {**create, "value": []}, {**create, "value": {1: 2}},
                    {**create, "on_conflict": "explode"}, {"action": "update", "resource": "tags"},
                    {"action": "delete", "resource": "tags"}, 7, None, []):
            with self.subTest (bad):
                answer = self.assertRefused ("BAD_REQUEST", node.apply, create, bad)
                self.assertEqual (answer["op"], 1)
        self.assertEqual (node.count ("tags"), 1)

    def test_all_or_none (self):
        node = self.node ()
        _, before = node.changes ()
        first = {"action": "create", "resource": "tags", "value": {"n": 1}}
        answer = self.assertRefused (
            "NOT_FOUND", node.apply, first, first,
            {"action": "update", "resource": "tags", "uuid": uuids.uuid4 ().bytes,
             "value": {"n": 2}}, first)
        self.assertEqual (answer["op"], 2)
        answer = self.assertRefused ("UNKNOWN_RESOURCE", node.apply,
                                     {"action": "create", "resource": "nowhere"}, first)
        self.assertEqual (answer["op"], 0)
        self.assertEqual (node.count ("tags"), 0)
        self.assertEqual (node.changes (before)[0], [])

    def test_each_operation_sees_those_before_it (self):
        node = self.node ()
        uuid = uuids.uuid4 ().bytes
        create = {"action": "create", "resource": "tags", "uuid": uuid, "value": {"a": 1, "b": 1}}
        update = {"action": "update", "resource": "tags", "uuid": uuid, "value": {"b": 2}}
        delete = {"action": "delete", "resource": "tags", "uuid": uuid}
        self.assertEqual (node.apply (create, update)["uuids"], [uuid, uuid])
        self.assertEqual (node.get ("tags", uuid), {"a": 1, "b": 2})
        node.apply (delete, create)
        self.assertEqual (node.get ("tags", uuid), {"a": 1, "b": 1})
        node.apply (update, delete)
        self.assertIsNone (node.get ("tags", uuid))
        self.assertEqual (self.assertRefused ("EXISTS", node.apply, create, create)["op"], 1)
        self.assertEqual (
            self.assertRefused ("NOT_FOUND", node.apply, create, delete, update)["op"], 2)
        self.assertIsNone (node.get ("tags", uuid))

    def test_on_conflict_says_what_a_create_of_the_living_does (self):
        node = self.node ()
        expected = {
            "merge": {"a": 2, "b": 1, "c": 2}, "overwrite": {"a": 2, "c": 2},
            "ignore": {"a": 1, "b": 1, "c": 2},
        }
        for mode, value in expected.items ():
            with self.subTest (mode):
                uuid = node.create ("tags", a=1, b=1)
                node.create ("tags", uuid=uuid, on_conflict=mode, a=2, c=2)
                self.assertEqual (node.get ("tags", uuid), value)
                uuid = node.create ("tags", a=1, b=1)
                node.update ("tags", uuid, on_conflict=mode, a=2, c=2)
                self.assertEqual (node.get ("tags", uuid), value)

    def test_a_request_mixes_resources_of_all_kinds (self):
        node = self.node ()
        node.api ("declare", resources={"notes": {"kind": "owned"}, "drafts": {"kind": "local"}})
        done = node.apply (*({"action": "create", "resource": name, "value": {"n": 1}}
                             for name in ("tags", "notes", "drafts")))
        for name, uuid in zip (("tags", "notes", "drafts"), done["uuids"]):
            self.assertEqual (node.get (name, uuid), {"n": 1})
            self.assertEqual (node.count (name), 1)
        self.assertRefused ("DERIVED", node.apply,
                            {"action": "create", "resource": "notes", "value": {}},
                            {"action": "create", "resource": "files", "value": {}})
        self.assertEqual (node.count ("notes"), 1)


class Declare (Case):
    def test_a_declaration_stands_and_is_kept (self):
        node = self.node ()
        stars = {"kind": "shared", "crdt": "lww", "delete": "latest"}
        node.api ("declare", resources={"stars": stars, "likes": {"crdt": "gset"}})
        node.api ("declare", resources={"stars": stars})
        answer = self.assertRefused ("CONFLICTING_DECLARATION", node.api, "declare", resources={
            "stars": {"kind": "shared", "delete": "wins"}})
        self.assertIn ("stars", answer["message"])
        self.assertRefused ("CONFLICTING_DECLARATION", node.api, "declare",
                            resources={"fresh": {}, "tags": {"kind": "owned"}})
        self.assertNotIn ("fresh", node.api ("hello")["resources"])
        node.restart ()
        resources = node.api ("hello")["resources"]
        self.assertEqual (resources["stars"]["delete"], "latest")
        self.assertEqual (resources["likes"]["crdt"], "gset")

    def test_what_is_no_declaration_is_refused (self):
        node = self.node ()
        for bad in ([], None, {"clients": {}}, {"Upper": {}}, {"": {}}, {"1st": {}}, {"x": []},
                    {"x": {"kind": "odd"}}, {"x": {"kinds": "shared"}},
                    {"x": {"kind": "owned", "crdt": "gset"}}, {"x": {"kind": "derived"}},
                    {"x" * 200: {}}):
            with self.subTest (bad):
                self.assertRefused ("BAD_REQUEST", node.api, "declare", resources=bad)
        self.assertEqual (set (node.api ("hello")["resources"]), DEFAULTS)

    def test_a_grow_only_set_takes_creates_only (self):
        node = self.node ()
        node.api ("declare", resources={"likes": {"crdt": "gset"}})
        uuid = node.create ("likes", who="me")
        self.assertRefused ("GROW_ONLY", node.update, "likes", uuid, who="you")
        self.assertRefused ("GROW_ONLY", node.delete, "likes", uuid)
        self.assertEqual (node.get ("likes", uuid), {"who": "me"})

    def test_owned_and_local_take_the_same_actions (self):
        node = self.node ()
        node.api ("declare", resources={"notes": {"kind": "owned"}, "drafts": {"kind": "local"}})
        for name, owner in (("notes", node.client), ("drafts", None)):
            with self.subTest (name):
                uuid = node.create (name, a=1, b=1)
                self.assertRefused ("EXISTS", node.create, name, uuid=uuid, a=3)
                node.update (name, uuid, b=2)
                record = node.api ("get", resource=name, uuid=uuid)["record"]
                self.assertEqual ((record["value"], record["owner"]), ({"a": 1, "b": 2}, owner))
                self.assertEqual (record["updated"][1], node.client)
                node.create (name, uuid=uuid, on_conflict="overwrite", c=1)
                self.assertEqual (node.get (name, uuid), {"c": 1})
                self.assertEqual ([r["uuid"] for r in node.list (name)], [uuid])
                node.delete (name, uuid)
                self.assertIsNone (node.get (name, uuid))
                self.assertRefused ("NOT_FOUND", node.update, name, uuid, b=2)
                self.assertRefused ("NOT_FOUND", node.delete, name, uuid)
                node.create (name, uuid=uuid, d=1)
                self.assertEqual (node.get (name, uuid), {"d": 1})
        uuid = node.create ("notes", a=1)
        self.assertEqual (node.get ("notes", uuid, owner=node.client), {"a": 1})
        self.assertIsNone (node.get ("notes", uuid, owner=uuids.uuid4 ().bytes))
        self.assertEqual (len (node.list ("notes", owner=node.client)), 2)
        self.assertEqual (node.list ("notes", owner=uuids.uuid4 ().bytes), [])

    def test_derived_records_follow_their_rows (self):
        node = self.node ()
        node.api ("declare", resources={
            "photos": {"kind": "owned"},
            "shots": {"kind": "derived", "from": "photos", "key": "hash",
                      "keep": ["size", "kind=mime", "paths=#rows", "clients=#owners"]}})
        key = bytes (range (16))
        one = node.create ("photos", hash=key, size=5, mime="image/png")
        self.assertEqual (node.get ("shots", key),
                          {"size": 5, "kind": "image/png", "paths": 1, "clients": 1})
        two = node.create ("photos", hash=key, size=5, mime="image/png")
        self.assertEqual (node.get ("shots", key)["paths"], 2)
        self.assertEqual (node.count ("shots"), 1)
        node.update ("photos", two, hash="another")
        self.assertEqual (node.count ("shots"), 2)
        self.assertEqual (node.get ("shots", key)["paths"], 1)
        node.apply ({"action": "delete", "resource": "photos", "uuid": one},
                    {"action": "delete", "resource": "photos", "uuid": two})
        self.assertEqual (node.count ("shots"), 0)
        self.assertRefused ("DERIVED", node.delete, "shots", key)
        # a resource declared later is computed from what is there
        node.create ("photos", hash=key, size=7)
        node.api ("declare", resources={
            "late": {"kind": "derived", "from": "photos", "key": "hash", "keep": ["size"]}})
        self.assertEqual (node.get ("late", key), {"size": 7})


class Read (Case):
    def test_list_pages (self):
        node = self.node ()
        done = node.apply (*({"action": "create", "resource": "tags", "value": {"n": n}}
                             for n in range (250)))
        wanted = sorted (done["uuids"])
        page = node.api ("list", resource="tags")
        self.assertEqual (len (page["records"]), 100)
        got, after, pages = [], None, 0
        while True:
            page = node.api ("list", resource="tags", limit=60, after=after)
            self.assertLessEqual (len (page["records"]), 60)
            got += [record["uuid"] for record in page["records"]]
            after, pages = page["next"], pages + 1
            if after is None:
                break
        self.assertEqual (got, wanted)
        self.assertEqual (pages, 5)
        for bad in ("x", b"short", 7):
            self.assertRefused ("BAD_REQUEST", node.api, "list", resource="tags", after=bad)
        self.assertRefused ("BAD_REQUEST", node.api, "list", resource="tags", limit="all")
        self.assertEqual (node.api ("list", resource="albums")["records"], [])

    def test_a_page_is_bounded_in_bytes (self):
        node = self.node ()
        for n in range (5):
            node.create ("tags", text="x" * 600_000)
        page = node.api ("list", resource="tags", limit=10000)
        self.assertLess (len (page["records"]), 5)
        self.assertGreaterEqual (len (page["records"]), 1)
        self.assertEqual (len (node.list ("tags")), 5)
        page = node.api ("changes", since=0)
        self.assertTrue (page["more"])
        self.assertEqual (len ([c for c in node.changes ()[0] if c["resource"] == "tags"]), 5)

    def test_changes_from_the_beginning_and_from_a_cursor (self):
        node = self.node ()
        one, two = node.create ("tags", n=1), node.create ("tags", n=2)
        album = node.create ("albums", n=3)
        changes, cursor = node.changes ()
        self.assertEqual ([c["uuid"] for c in changes], [one, two, album])
        self.assertEqual (set (changes[0]), {"cursor", "resource", "uuid", "owner", "deleted",
                                             "value", "updated"})
        self.assertEqual (changes[0]["value"], {"n": 1})
        cursors = [c["cursor"] for c in changes]
        self.assertEqual (cursors, sorted (set (cursors)))
        self.assertEqual (cursors[-1], cursor)
        self.assertEqual (node.changes (cursor), ([], cursor))

        # one entry a record, at its latest change
        node.update ("tags", one, n=4)
        node.delete ("tags", two)
        later, end = node.changes (cursor)
        self.assertEqual ([(c["uuid"], c["deleted"], c["value"]) for c in later],
                          [(one, False, {"n": 4}), (two, True, None)])
        everything, _ = node.changes ()
        self.assertEqual (sorted (c["uuid"] for c in everything if not c["deleted"]),
                          sorted ([one, album]))
        only, _ = node.changes (resources=["albums", "not_declared_yet"])
        self.assertEqual ([c["uuid"] for c in only], [album])
        self.assertEqual (node.changes (resources=["comments"]), ([], end))

        # page by page it is the same
        paged, since = [], 0
        while True:
            page = node.api ("changes", since=since, limit=1)
            paged += page["changes"]
            since = page["cursor"]
            if not page["more"]:
                break
        self.assertEqual (paged, everything)
        for bad in ({"since": "x"}, {"since": -1}, {"limit": []}, {"resources": "tags"},
                    {"resources": [1]}):
            self.assertRefused ("BAD_REQUEST", node.api, "changes", **bad)

    def test_status_and_verify_count_alike (self):
        node = self.node ()
        empty = node.status ()["resources"]["tags"]
        self.assertEqual ((empty["kind"], empty["count"], empty["digest"]),
                          ("shared", 0, NOBODY))
        uuid = node.create ("tags", n=1)
        node.create ("tags", n=2)
        status = node.status ()
        self.assertEqual (status["resources"]["tags"]["count"], 2)
        self.assertEqual (len (status["resources"]["tags"]["digest"]), 16)
        self.assertNotEqual (status["resources"]["tags"]["digest"], NOBODY)
        # A node alone keeps nothing: there is nobody to keep it for.
        wait_until (lambda: node.status ()["pending"]["batches"] == 0, what="an empty log")
        self.assertEqual (status["alarms"], [])
        (me,) = status["clients"]
        self.assertEqual ((me["client"], me["online"], me["stale"]), (node.client, True, False))
        verified = node.admin ("verify")
        self.assertTrue (verified["sound"])
        self.assertEqual (verified["resources"]["tags"]["count"], 2)
        for record in node.list ("tags"):
            node.delete ("tags", record["uuid"])
        self.assertEqual (node.status ()["resources"]["tags"]["digest"], NOBODY)
        self.assertIsNone (node.get ("tags", uuid))


class Feed (Case):
    def test_the_feed_tells_what_changed (self):
        node = self.node ()
        feed = node.feed ("tags/")
        uuid = node.create ("tags", n=1)
        node.create ("tags_on_files", n=1) # another resource: the separator keeps it apart
        node.update ("tags", uuid, n=2)
        node.delete ("tags", uuid)
        got = feed.take (3)
        self.assertEqual ([topic for topic, _ in got],
                          ["tags/create", "tags/update", "tags/delete"])
        self.assertEqual ([change["value"] for _, change in got], [{"n": 1}, {"n": 2}, None])
        self.assertEqual ([change["deleted"] for _, change in got], [False, False, True])
        for _, change in got:
            self.assertEqual (set (change), {"cursor", "resource", "uuid", "owner", "deleted",
                                             "value", "updated", "part"})
            self.assertEqual ((change["resource"], change["uuid"], change["part"]),
                              ("tags", uuid, False))
        cursors = [change["cursor"] for _, change in got]
        self.assertEqual (cursors, sorted (set (cursors)))
        # who missed some asks `changes` for them, and goes on without a gap
        self.assertEqual (node.changes (cursors[1], resources=["tags"])[0][0]["cursor"], cursors[2])

    def test_part_says_that_the_transaction_goes_on (self):
        node = self.node ()
        feed = node.feed ("tags/", "albums/")
        node.apply (*({"action": "create", "resource": name, "value": {"n": n}}
                      for n, name in enumerate (["tags", "albums", "tags"])))
        node.create ("tags", n=9)
        got = feed.take (4)
        self.assertEqual ([topic for topic, _ in got],
                          ["tags/create", "albums/create", "tags/create", "tags/create"])
        self.assertEqual ([change["part"] for _, change in got], [True, True, False, False])

    def test_what_comes_and_goes_in_one_transaction_is_not_told (self):
        node = self.node ()
        feed = node.feed ("tags/")
        uuid = uuids.uuid4 ().bytes
        node.apply ({"action": "create", "resource": "tags", "uuid": uuid, "value": {"n": 1}},
                    {"action": "delete", "resource": "tags", "uuid": uuid})
        kept = node.create ("tags", n=2)
        (_, change), = feed.take (1)
        self.assertEqual (change["uuid"], kept)

    def test_derived_and_local_changes_are_told_too (self):
        node = self.node ()
        feed = node.feed ("file_paths/", "files/")
        key = bytes (range (16))
        uuid = node.create ("file_paths", content_id=key, size=1, mime="text/plain")
        got = dict (feed.take (2))
        self.assertEqual (set (got), {"file_paths/create", "files/create"})
        self.assertEqual (got["files/create"]["uuid"], key)
        self.assertEqual (got["file_paths/create"]["owner"], node.client)
        node.delete ("file_paths", uuid)
        self.assertEqual (set (dict (feed.take (2))), {"file_paths/delete", "files/delete"})


class Intake (Case):
    def test_the_intake_takes_operations_and_answers_nothing (self):
        node = self.node ()
        push = self.context.socket (zmq.PUSH)
        push.connect (node.endpoint ("intake"))
        for n in range (100):
            push.send (pack ({"ops": [{"action": "create", "resource": "tags", "value": {"n": n}}]}))
        wait_until (lambda: node.count ("tags") == 100, what="all that was pushed is here")

    def test_what_the_intake_refuses_is_counted_and_logged (self):
        node = self.node ()
        push = self.context.socket (zmq.PUSH)
        push.connect (node.endpoint ("intake"))
        bad = [b"", b"\xc1", pack (7), pack ({}), pack ({"ops": 1}), pack ({"ops": [{}]}),
               pack ({"ops": [{"action": "create", "resource": "nowhere"}]})]
        for body in bad:
            push.send (body)
        push.send (pack ({"ops": [{"action": "create", "resource": "tags", "value": {}}]}))
        wait_until (lambda: node.count ("tags") == 1, what="the sound one is here")
        wait_until (lambda: node.metric ("intake_refused_total") == len (bad),
                    what="the others are counted")
        self.assertIn ("intake", node.log_text ())


class Lasting (Case):
    def test_a_stopped_node_keeps_everything (self):
        node = self.node ()
        feed = node.feed ("tags/")
        kept, gone = node.create ("tags", n=1), node.create ("tags", n=2)
        node.delete ("tags", gone)
        feed.close ()
        before = (node.changes (), tidepool.picture (node), node.client)
        last = node.update ("tags", kept, n=3)["timestamp"]
        node.update ("tags", kept, n=1)
        node.restart ()
        self.assertEqual (node.get ("tags", kept), {"n": 1})
        self.assertIsNone (node.get ("tags", gone))
        self.assertEqual (node.api ("hello")["client"], before[2])
        self.assertEqual (node.status ()["resources"]["tags"]["count"], 1)
        # the clock never repeats itself
        self.assertGreater (node.update ("tags", kept, n=4)["timestamp"], last)
        self.assertTrue (node.admin ("verify")["sound"])

    def test_a_second_node_on_the_same_directory_is_refused (self):
        node = self.node ()
        other = tidepool.Node.__new__ (tidepool.Node)
        other.__dict__.update (node.__dict__, process=None, sockets={}, name="b")
        other.start (wait=False)
        self.assertNotEqual (other.process.wait (tidepool.DEADLINE), 0)
        node.create ("tags", n=1)
        self.assertEqual (node.count ("tags"), 1)


if __name__ == "__main__":
    tidepool.main ()
