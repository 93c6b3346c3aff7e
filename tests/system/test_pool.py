#!/usr/bin/python3
"""Several nodes: pairing, what travels, what converges, and who gets nothing"""

import re
import uuid as uuids

import zmq

import tidepool
from tidepool import (
    Case, Dial, Refused, client_of_key, converged, invite, join, key_pair, pack, peer_endpoint,
    peer_hello, ready, server_key, ticket_of, unpack, wait_converged, wait_until)

SOON = tidepool.POOL_CHANGES_SOON


class Pairing (Case):
    def test_an_invitation_joins (self):
        a, b = self.node ("a", *SOON), self.node ("b", *SOON)
        before = b.api ("hello")
        ticket = ticket_of (invite (a))
        self.assertEqual (client_of_key (ticket["key"]), a.client)
        self.assertEqual (ticket["pool"], a.api ("hello")["pool"])
        join (b, a)
        self.assertEqual (b.api ("hello")["client"], before["client"])
        self.assertEqual (b.api ("hello")["pool"], a.api ("hello")["pool"])
        self.assertNotEqual (b.api ("hello")["pool"], before["pool"])
        wait_until (lambda: a.online (b) and b.online (a), what="both see each other online")
        wait_converged ([a, b])
        for node in (a, b):
            self.assertEqual ({c["name"] for c in node.status ()["clients"]}, {"a", "b"})
            self.assertEqual (len (node.admin ("pool")["clients"]), 2)

    def test_a_ticket_works_once (self):
        a, b, c = self.node ("a", *SOON), self.node ("b", *SOON), self.node ("c", *SOON)
        ticket = invite (a)
        join (b, a, ticket)
        with self.assertRaises (Refused) as refused:
            c.admin ("join", ticket=ticket)
        self.assertIn (refused.exception.code, ("TICKET_INVALID", "NO_ANSWER"))
        self.assertIsNone (a.client_of (c))
        self.assertEqual (len (c.status ()["clients"]), 1)
        join (c, a) # a fresh one is good

    def test_what_is_no_ticket_is_refused (self):
        a, b = self.node ("a", *SOON), self.node ("b", *SOON)
        ticket = invite (a)
        for bad in ("", "x", "tidepool1-", "tidepool1-AAAA", ticket[:-4], ticket + "AAAA",
                    ticket.replace ("tidepool1", "tidepool9")):
            with self.subTest (bad):
                self.assertRefused ("TICKET_INVALID", b.admin, "join", ticket=bad)
        self.assertRefused ("BAD_REQUEST", b.admin, "join")
        self.assertRefused ("TICKET_INVALID", a.admin, "join", ticket=ticket) # its own
        self.assertRefused ("BAD_REQUEST", b.admin, "join", ticket=7)
        join (b, a, ticket)

    def test_who_is_not_alone_does_not_join_another_pool (self):
        a, b = self.pool ("a", "b")
        other = self.node ("c", *SOON)
        self.assertRefused ("NOT_ALONE", b.admin, "join", ticket=invite (other))
        self.assertEqual (b.api ("hello")["pool"], a.api ("hello")["pool"])
        self.assertEqual (len (other.status ()["clients"]), 1)

    def test_what_it_holds_comes_along (self):
        a, b = self.node ("a", *SOON), self.node ("b", *SOON)
        for node, name in ((a, "from a"), (b, "from b")):
            node.api ("declare", resources={"notes": {"kind": "owned"}})
            for n in range (30):
                node.create ("tags", name=name, n=n)
                node.create ("notes", name=name, n=n)
            node.delete ("tags", node.create ("tags", name="short"))
        key = bytes (range (16))
        b.create ("file_paths", content_id=key, size=3, mime="text/plain")
        join (b, a)
        wait_converged ([a, b])
        for node in (a, b):
            self.assertEqual ((node.count ("tags"), node.count ("notes")), (60, 60))
            self.assertEqual (node.get ("files", key)["size"], 3)
            self.assertTrue (node.admin ("verify")["sound"])

    def test_a_newcomer_takes_the_whole_database (self):
        a, b = self.pool ("a", "b")
        a.api ("declare", resources={"stars": {"delete": "latest"}, "notes": {"kind": "owned"}})
        for _ in range (10):
            a.apply (*({"action": "create", "resource": name, "value": {"n": n, "text": "x" * 100}}
                       for n in range (500) for name in ("tags", "notes")))
        b.create ("stars", n=1)
        gone = a.create ("tags", n=-1)
        wait_converged ([a, b])
        b.delete ("tags", gone)
        c = self.node ("c", *SOON)
        c.admin ("join", ticket=invite (b))
        # written while it copies
        for n in range (50):
            a.create ("tags", n=n, late=True)
        wait_until (lambda: ready (c), what="c is ready")
        wait_converged ([a, b, c])
        self.assertEqual (c.count ("tags"), 5050)
        self.assertEqual (c.count ("notes"), 5000)
        self.assertEqual (c.api ("hello")["resources"]["stars"]["delete"], "latest")
        self.assertIsNone (c.get ("tags", gone))
        self.assertTrue (c.admin ("verify")["sound"])

    def test_different_declarations_of_one_name_are_told (self):
        a, b = self.node ("a", *SOON), self.node ("b", *SOON)
        a.api ("declare", resources={"stars": {"delete": "wins"}})
        b.api ("declare", resources={"stars": {"delete": "latest"}})
        try:
            b.admin ("join", ticket=invite (a))
        except Refused as refused:
            self.assertEqual (refused.code, "CONFLICTING_DECLARATION")
            told = refused.answer["message"]
        else:
            told = wait_until (
                lambda: [alarm for node in (a, b) for alarm in node.status ()["alarms"]
                         if alarm.startswith ("CONFLICTING_DECLARATION")],
                what="an alarm about it")[0]
        self.assertIn ("stars", told)


class Sharing (Case):
    def test_what_one_writes_all_have (self):
        nodes = self.pool ("a", "b", "c")
        uuid = {node.name: node.create ("tags", by=node.name) for node in nodes}
        wait_converged (nodes)
        for node in nodes:
            for name in uuid:
                self.assertEqual (node.get ("tags", uuid[name]), {"by": name})
        writer = nodes[0].client
        records = [node.api ("get", resource="tags", uuid=uuid["a"])["record"] for node in nodes]
        self.assertEqual (records[0], records[1])
        self.assertEqual (records[0], records[2])
        self.assertEqual (records[0]["updated"][1], writer)
        nodes[1].update ("tags", uuid["a"], seen=True)
        nodes[2].delete ("tags", uuid["b"])
        wait_converged (nodes)
        for node in nodes:
            self.assertEqual (node.get ("tags", uuid["a"]), {"by": "a", "seen": True})
            self.assertIsNone (node.get ("tags", uuid["b"]))

    def test_the_feed_tells_what_others_wrote (self):
        a, b = self.pool ("a", "b")
        feed = b.feed ("tags/")
        uuid = a.create ("tags", n=1)
        (topic, change), = feed.take (1)
        self.assertEqual ((topic, change["uuid"], change["value"]), ("tags/create", uuid, {"n": 1}))
        self.assertEqual (change["updated"][1], a.client)
        a.delete ("tags", uuid)
        (topic, change), = feed.take (1)
        self.assertEqual ((topic, change["deleted"]), ("tags/delete", True))

    def test_a_transaction_arrives_whole (self):
        a, b = self.pool ("a", "b")
        feed = b.feed ("tags/", "albums/")
        a.apply (*({"action": "create", "resource": ("tags", "albums")[n % 2], "value": {"n": n}}
                   for n in range (500)))
        parts = [change["part"] for _, change in feed.take (500)]
        self.assertEqual (parts[-1], False)
        self.assertEqual (set (parts[:-1]), {True})

    def test_owned_rows_are_their_owners (self):
        a, b = self.pool ("a", "b")
        a.api ("declare", resources={"notes": {"kind": "owned"}})
        uuid = a.create ("notes", text="mine")
        wait_converged ([a, b])
        record = b.api ("get", resource="notes", uuid=uuid)["record"]
        self.assertEqual ((record["owner"], record["value"]), (a.client, {"text": "mine"}))
        self.assertRefused ("NOT_OWNER", b.update, "notes", uuid, text="yours")
        self.assertRefused ("NOT_OWNER", b.delete, "notes", uuid)
        # the same uuid is another row, of another owner
        b.create ("notes", uuid=uuid, text="mine too")
        wait_converged ([a, b])
        for node in (a, b):
            self.assertEqual (node.count ("notes"), 2)
            self.assertEqual (node.get ("notes", uuid, owner=a.client), {"text": "mine"})
            self.assertEqual (node.get ("notes", uuid, owner=b.client), {"text": "mine too"})
        self.assertEqual (a.get ("notes", uuid), {"text": "mine"})
        a.update ("notes", uuid, text="changed")
        wait_converged ([a, b])
        self.assertEqual (b.get ("notes", uuid, owner=a.client), {"text": "changed"})
        a.delete ("notes", uuid)
        wait_converged ([a, b])
        self.assertEqual ([r["owner"] for r in b.list ("notes")], [b.client])

    def test_local_data_stays (self):
        a, b = self.pool ("a", "b")
        a.api ("declare", resources={"drafts": {"kind": "local"}})
        a.create ("drafts", text="secret")
        a.create ("tags", name="public")
        wait_converged ([a, b])
        self.assertEqual (b.count ("drafts"), 0)

    def test_derived_records_count_rows_and_owners (self):
        a, b = self.pool ("a", "b")
        key = bytes (range (16))
        for node in (a, a, b):
            node.create ("file_paths", content_id=key, size=7, mime="text/plain")
        wait_converged ([a, b])
        for node in (a, b):
            self.assertEqual (node.get ("files", key),
                              {"size": 7, "kind": "text/plain", "paths": 3, "clients": 2})

    def test_who_was_off_catches_up (self):
        a, b, c = self.pool ("a", "b", "c")
        c.stop ()
        a.apply (*({"action": "create", "resource": "tags", "value": {"n": n}}
                   for n in range (2000)))
        b.create ("tags", n=-1)
        wait_converged ([a, b])
        endpoint = peer_endpoint (a)
        a.restart ()
        self.assertEqual (peer_endpoint (a), endpoint) # kept
        c.start ()
        wait_converged ([a, b, c])
        self.assertEqual (c.count ("tags"), 2001)


class Line (Case):
    def test_what_a_writes_arrives_at_c_through_b (self):
        a, b, c = (self.node (name, *SOON) for name in "abc")
        a.admin ("pause", client=c.client) # before either knows of the other
        c.admin ("pause", client=a.client)
        join (b, a)
        join (c, b)
        a.api ("declare", resources={"notes": {"kind": "owned"}})
        uuid = a.create ("tags", by="a")
        note = a.create ("notes", by="a")
        wait_converged ([a, b, c])
        self.assertFalse (a.online (c))
        self.assertFalse (c.online (a))
        self.assertTrue (b.online (a) and b.online (c))
        self.assertEqual (c.get ("tags", uuid), {"by": "a"})
        self.assertEqual (c.get ("notes", note, owner=a.client), {"by": "a"})
        # byte for byte as A signed it
        kept = {node.name: [(entry["upto"], entry["operations"], entry["bytes"])
                            for entry in node.admin ("pending")["pending"]
                            if entry["client"] == a.client] for node in (a, b, c)}
        self.assertTrue (kept["a"])
        self.assertEqual (kept["c"][-1], kept["a"][-1])
        # and back
        c.update ("tags", uuid, seen_by="c")
        wait_converged ([a, b, c])
        self.assertEqual (a.get ("tags", uuid), {"by": "a", "seen_by": "c"})

    def test_pause_and_resume (self):
        a, b = self.pool ("a", "b")
        a.admin ("pause")
        wait_until (lambda: not a.online (b) and not b.online (a), what="the link rests")
        uuid = a.create ("tags", n=1)
        b.create ("tags", n=2)
        self.assertIsNone (b.get ("tags", uuid))
        self.assertEqual (a.count ("tags"), 1)
        b.admin ("resume") # the other's pause stands
        self.assertFalse (b.online (a))
        a.admin ("resume")
        wait_converged ([a, b])
        self.assertEqual (a.count ("tags"), 2)
        a.admin ("pause", client=b.client)
        wait_until (lambda: not b.online (a), what="one link rests")
        a.restart () # lifts it
        wait_until (lambda: b.online (a), what="it goes on")


class Conflict (Case):
    """Both sides write while they cannot hear each other"""

    def setUp (self):
        self.a, self.b, self.c = self.pool ("a", "b", "c")
        self.a.api ("declare", resources={"stars": {"delete": "latest"}, "likes": {"crdt": "gset"}})

    def apart (self):
        wait_converged ([self.a, self.b, self.c])
        self.b.admin ("pause")
        wait_until (lambda: not self.a.online (self.b) and not self.c.online (self.b),
                    what="b is alone")

    def together (self):
        self.b.admin ("resume")
        wait_converged ([self.a, self.b, self.c])

    def all_get (self, resource, uuid):
        values = [node.get (resource, uuid) for node in (self.a, self.b, self.c)]
        self.assertEqual (values[0], values[1])
        self.assertEqual (values[0], values[2])
        return values[0]

    def test_properties_merge_and_the_later_write_of_one_wins (self):
        uuid = self.a.create ("tags", name="sea", colour="blue")
        self.apart ()
        self.a.update ("tags", uuid, name="ocean", deep=True)
        self.b.update ("tags", uuid, colour="green")
        self.b.update ("tags", uuid, name="mer")
        self.together ()
        self.assertEqual (self.all_get ("tags", uuid),
                          {"name": "mer", "colour": "green", "deep": True})

    def test_deleting_takes_precedence (self):
        tag, star = self.a.create ("tags", n=1), self.a.create ("stars", n=1)
        self.apart ()
        self.a.delete ("tags", tag)
        self.a.delete ("stars", star)
        self.b.update ("tags", tag, n=2)
        self.b.update ("stars", star, n=2)
        self.together ()
        self.assertIsNone (self.all_get ("tags", tag))       # delete: wins
        self.assertEqual (self.all_get ("stars", star), {"n": 2}) # delete: latest
        # someone who knows of the deletion begins anew
        self.c.create ("tags", uuid=tag, n=3)
        wait_converged ([self.a, self.b, self.c])
        self.assertEqual (self.all_get ("tags", tag), {"n": 3})

    def test_the_same_record_is_made_on_both_sides (self):
        uuid = {mode: uuids.uuid4 ().bytes for mode in ("merge", "ignore", "overwrite", "gset")}
        self.apart ()
        for n, node in enumerate ((self.a, self.b)):
            for mode in ("merge", "ignore", "overwrite"):
                node.create ("tags", uuid=uuid[mode], on_conflict=mode, n=n, **{node.name: n})
            node.create ("likes", uuid=uuid["gset"], n=n)
        self.together ()
        self.assertEqual (self.all_get ("tags", uuid["merge"]), {"n": 1, "a": 0, "b": 1})
        self.assertEqual (self.all_get ("tags", uuid["ignore"]), {"n": 0, "a": 0, "b": 1})
        self.assertEqual (self.all_get ("tags", uuid["overwrite"]), {"n": 1, "b": 1})
        self.assertEqual (self.all_get ("likes", uuid["gset"]), {"n": 0})

    def test_many_writes_of_few_records_converge (self):
        records = [self.a.create ("tags", n=0) for _ in range (8)]
        self.apart ()
        modes = ("merge", "ignore", "overwrite")
        for n in range (120):
            for node in (self.a, self.b, self.c):
                uuid, mode = records[n * 5 % 8], modes[n % 3]
                if n % 7 == 3:
                    node.apply ({"action": "create", "resource": "tags", "uuid": uuid,
                                 "on_conflict": mode, "value": {"n": n}},
                                {"action": "delete", "resource": "tags", "uuid": uuid})
                else:
                    node.create ("tags", uuid=uuid, on_conflict=mode, n=n, **{f"p{n % 4}": node.name})
        self.together ()
        for node in (self.a, self.b, self.c):
            self.assertTrue (node.admin ("verify")["sound"])


class Strangers (Case):
    def denied_more_than (self, node, before):
        wait_until (lambda: node.metric ("peers_denied_total") > before, what="the attempt is shown")

    def assertGetsNothing (self, dial):
        event = dial.event ()
        self.assertNotEqual (event, zmq.EVENT_HANDSHAKE_SUCCEEDED)
        dial.send (peer_hello (bytes (16), bytes (16)))
        self.assertIsNone (dial.receive (timeout=0.5))
        dial.close ()

    def test_a_key_that_is_no_members_gets_nothing (self):
        a = self.node ("a", *SOON)
        a.create ("tags", n=1)
        before = a.metric ("peers_denied_total")
        self.assertGetsNothing (Dial (self.context, peer_endpoint (a), server_key (a)))
        self.denied_more_than (a, before)
        # at the door neither: it opens to invitations only
        before = a.metric ("peers_denied_total")
        self.assertGetsNothing (
            Dial (self.context, a.status ()["endpoints"]["door"], server_key (a)))
        self.denied_more_than (a, before)
        self.assertRegex (a.log_text (), re.compile ("denied|refused|stranger", re.I))

    def test_a_wrong_server_key_gets_nothing (self):
        a, b = self.pool ("a", "b")
        b.stop ()
        before = a.metric ("peers_denied_total")
        wrong, _ = zmq.curve_keypair ()
        self.assertGetsNothing (Dial (self.context, peer_endpoint (a), wrong, key_pair (b)))
        self.denied_more_than (a, before)

    def test_whoever_answers_at_a_members_endpoint_must_be_that_member (self):
        a, b = self.pool ("a", "b")
        other = self.node ("c", *SOON)
        other.create ("tags", n=1)
        uuid = tidepool.uuid_text (a.client)
        endpoint = peer_endpoint (other)
        a.stop ()
        b.restart (f"node/connect={uuid}@{endpoint}")
        before = b.metric ("peers_unreachable_total")
        denied = other.metric ("peers_denied_total")
        wait_until (lambda: b.metric ("peers_unreachable_total") > before + 2,
                    what="b counts that nobody it knows is there")
        self.denied_more_than (other, denied)
        self.assertEqual (b.count ("tags"), 0)
        self.assertFalse (b.online (a))

    def test_a_member_may_come_in_and_is_heard_as_itself_only (self):
        a, b = self.pool ("a", "b")
        pool = a.api ("hello")["pool"]
        b_client, pair, key = b.client, key_pair (b), server_key (a)
        b.stop ()
        dial = Dial (self.context, peer_endpoint (a), key, pair)
        self.assertTrue (dial.shaken_hands ())
        dial.send (peer_hello (b_client, pool))
        hello = unpack (dial.receive ()[0])
        self.assertEqual ((hello[0], hello[2], hello[3]), (tidepool.PEER_HELLO, a.client, pool))
        dial.close ()
        # the same key, another's name
        dial = Dial (self.context, peer_endpoint (a), key, pair)
        self.assertTrue (dial.shaken_hands ())
        dial.send (peer_hello (uuids.uuid4 ().bytes, pool))
        while (answer := dial.receive (timeout=2)) is not None:
            self.assertNotIn (unpack (answer[0])[0],
                              (tidepool.PEER_HELLO, tidepool.PEER_BATCHES, tidepool.PEER_ROWS))
        dial.close ()

    def test_a_removed_member_gets_nothing (self):
        a, b, c = self.pool ("a", "b", "c")
        kept = c.create ("tags", by="c")
        wait_converged ([a, b, c])
        wait_until (lambda: a.online (c) and b.online (c), what="c is linked with both")
        a.admin ("remove", client=c.client)
        wait_until (lambda: not a.online (c) and not b.online (c), what="its links are cut")
        before = a.metric ("peers_denied_total"), b.metric ("peers_denied_total")
        secret = a.create ("tags", by="a")
        wait_until (lambda: b.get ("tags", secret), what="b has it")
        # what it had written is kept; it is shown as removed; it tries, and is denied
        self.assertEqual (a.get ("tags", kept), {"by": "c"})
        self.assertTrue (all (not node.client_of (c) or node.client_of (c).get ("removed")
                              for node in (a, b)))
        wait_until (lambda: a.metric ("peers_denied_total") > before[0]
                    or b.metric ("peers_denied_total") > before[1], what="its attempts are shown")
        self.assertIsNone (c.get ("tags", secret))
        pair, key = key_pair (c), server_key (a)
        c.stop ()
        self.assertGetsNothing (Dial (self.context, peer_endpoint (a), key, pair))
        self.assertRefused ("BAD_REQUEST", a.admin, "remove")
        self.assertRefused ("NOT_FOUND", a.admin, "remove", client=uuids.uuid4 ().bytes)

    def test_a_connection_that_stands_is_cut_with_the_membership (self):
        a, b = self.pool ("a", "b")
        pool, pair, key, client = a.api ("hello")["pool"], key_pair (b), server_key (a), b.client
        b.stop ()
        dial = Dial (self.context, peer_endpoint (a), key, pair)
        self.assertTrue (dial.shaken_hands ())
        dial.send (peer_hello (client, pool))
        self.assertEqual (unpack (dial.receive ()[0])[0], tidepool.PEER_HELLO)
        a.admin ("remove", client=client)
        wait_until (lambda: not a.status ()["clients"] or not any (
            c["online"] for c in a.status ()["clients"] if c["client"] == client),
            what="the link is cut")
        while dial.receive (timeout=0.2): # what was under way, up to the bye
            pass
        a.create ("tags", text="after the removal")
        dial.send (peer_hello (client, pool))
        dial.send (pack ([tidepool.PEER_COPY, ["", bytes (16), False]]))
        while (answer := dial.receive (timeout=1)) is not None:
            self.assertEqual (unpack (answer[0])[0], tidepool.PEER_BYE)
        dial.close ()

    def test_two_pools_stay_apart (self):
        a, b = self.pool ("a", "b")
        c, d = self.pool ("c", "d")
        a.create ("tags", pool=1)
        c.create ("tags", pool=2)
        wait_converged ([a, b])
        wait_converged ([c, d])
        self.assertFalse (converged ([a, c]))
        self.assertEqual ((b.count ("tags"), d.count ("tags")), (1, 1))


if __name__ == "__main__":
    tidepool.main ()
