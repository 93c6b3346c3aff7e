#!/usr/bin/python3
"""A member that lies: what it says is refused by name or passed over, the honest members go on, converge, and keep
nothing false"""

import socket
import threading
import time
import urllib.parse

import tidepool
from peer import (
    CREATE, UPDATE, PEER_DIGESTS, PEER_HELD, PEER_LACKS, PEER_OUTSIDE, PEER_RECORDS, PEER_TALLY, PEER_WELCOME,
    Identity, Peer, hash_of, ntp, seal)
from tidepool import (
    PEER_AGAIN, PEER_BATCHES, PEER_COPY_CHUNK, PEER_COPY_STATE, PEER_DEFER, PEER_ROWS, Case, Requests, invite, pack,
    peer_endpoint, uuid7, wait_converged, wait_until)

STALL = 10      # seconds: no answer of an honest node may take so long
MIB = 1 << 20
DAY = 24 * 3600
GREETING = b"\xff" + bytes (8) + b"\x7f\x03\x00" + b"CURVE".ljust (20, b"\0") + bytes (32)


class Watch:
    """Asks the nodes' apis again and again from a thread of its own, and keeps the longest answer"""

    def __init__ (self, nodes):
        self.ended = threading.Event ()
        self.longest, self.asked, self.failed = 0.0, 0, None
        self.endpoints = [(node.context, node.endpoint ("api")) for node in nodes]
        self.thread = threading.Thread (target=self.run, daemon=True)
        self.thread.start ()

    def run (self):
        asks = [Requests (*endpoint) for endpoint in self.endpoints]
        try:
            while not self.ended.is_set ():
                for ask in asks:
                    begin = time.monotonic ()
                    ask.ask ("count", resource="tags")
                    self.longest = max (self.longest, time.monotonic () - begin)
                    self.asked += 1
                self.ended.wait (0.01)
        except Exception as error: # told by the test's own thread
            self.failed = error
        for ask in asks:
            ask.close ()

    def end (self):
        self.ended.set ()
        self.thread.join ()
        if self.failed:
            raise self.failed
        return self.longest


class Hostile (Case):
    def setUp (self):
        self.a, self.b = self.pool ("a", "b")
        self.honest = [self.a, self.b]
        self.known = self.a.create ("tags", name="true")
        wait_converged (self.honest)
        self.peer = Peer (self.a, invite (self.a))
        self.client = self.peer.identity.client
        wait_until (lambda: all (self.knows (node) for node in self.honest), what="both know it")
        first = self.peer.link (self.a).greeted ()
        self.peer.base = first.said (1)[0][5] # it claims to have all that a has
        first.close ()
        self.links = [self.peer.link (self.a).greeted (), self.peer.link (self.b, invite (self.b)).greeted ()]
        self.link = self.links[0]
        self.watch = Watch (self.honest)

    def tearDown (self):
        if hasattr (self, "watch"):
            self.watch.ended.set ()
            self.watch.thread.join ()
        for link in getattr (self, "links", ()):
            link.close ()

    def knows (self, node):
        return any (client["client"] == self.client for client in node.status ()["clients"])

    def tag (self, n, at=None, uuid=None, code=CREATE):
        return (at or ntp (), "tags", uuid or uuid7 (), code, {"n": n})

    def refused (self, name, counter, act, link=None):
        """The attack costs it the connection, by this name, and is counted"""
        link = link or self.link
        before = self.a.metric (counter)
        act ()
        link.until (lambda: name in link.byes (), f"bye, {name} (heard {link.heard[-3:]})")
        wait_until (lambda: self.a.metric (counter) > before, what=f"{counter} counts")

    def sound (self, tags=1):
        """The honest write and converge; there are the tags that they wrote, so many with the hostile one's true ones"""
        written = [node.create ("tags", name=node.name) for node in self.honest]
        wait_converged (self.honest)
        for node in self.honest:
            self.assertEqual (node.count ("tags"), tags + len (written), node.name)
            self.assertEqual (node.get ("tags", self.known), {"name": "true"})
            self.assertTrue (node.admin ("verify")["sound"], node.name)
        longest = self.watch.end ()
        print (f"{self._testMethodName}: longest answer {longest * 1000:.0f} ms of {self.watch.asked}", flush=True)
        self.assertLess (longest, STALL)

    def test_its_true_batch_is_taken (self):
        """Else no refusal below would show anything"""
        uuid = uuid7 ()
        self.link.give (self.peer.next (self.tag (7, uuid=uuid)))
        for node in self.honest:
            self.link.until (lambda: node.get ("tags", uuid) == {"n": 7}, f"{node.name} has it")
        self.sound (tags=2)

    def test_a_forged_batch_of_another (self):
        forged = seal (self.peer.identity, [self.tag (1)], origin=self.b.client,
                       after=self.watermark (self.b)[1], previous=self.watermark (self.b)[2])
        self.refused ("BAD_SIGNATURE", "batches_refused_total", lambda: self.link.give (forged))
        self.sound ()

    def watermark (self, node):
        """What a's hello said that it has of this node's batches"""
        return next (mark for mark in self.link.said (1)[0][5] if mark[0] == node.client)

    def test_replayed_batches (self):
        batch = self.peer.next (self.tag (1))
        for _ in range (50):
            self.link.give (batch)
        self.link.until (lambda: self.a.count ("tags") == 2, "it is taken")
        self.link.pump (0.2)
        self.sound (tags=2)

    def again (self, reason, act):
        """It is refused by this name, and the line stands"""
        act ()
        self.link.until (lambda: reason in [message[3] for message in self.link.said (PEER_AGAIN)],
                         f"again, {reason}")

    def test_a_broken_chain (self):
        self.link.give (self.peer.next (self.tag (1)))
        self.link.until (lambda: self.a.count ("tags") == 2, "the first is taken")
        self.refused ("FORKED", "batches_refused_total",
                      lambda: self.link.give (self.peer.next (self.tag (2), previous=bytes (32))))
        self.sound (tags=2)

    def test_a_chain_with_a_gap (self):
        self.peer.next (self.tag (1)) # nobody ever gets it
        self.again ("TOO_EARLY", lambda: self.link.give (self.peer.next (self.tag (2))))
        self.sound ()

    def test_one_place_in_its_chain_twice (self):
        """Whoever has the one refuses the other, and a person is told"""
        first, second = self.peer.next (self.tag (1), keep=False), self.peer.next (self.tag (2), keep=False)
        self.link.give (first)
        wait_until (lambda: all (node.count ("tags") == 2 for node in self.honest), what="the first is taken")
        for node, link in zip (self.honest, self.links):
            link.give (second)
            link.until (lambda: "FORKED" in link.byes (), f"bye from {node.name}")
            wait_until (lambda: self.told (node, "FORKED"), what=f"the alarm of {node.name}")
        self.sound (tags=2)

    def equivocate (self, apart):
        """To each member another chain, and each has its own before the other comes. A person is told, by whoever gets to
        see both; the honest go on, with all that either had taken"""
        uuid, now = uuid7 (), ntp ()
        chains = [self.peer.next (self.tag (n, at=now + n * apart), self.tag (n, at=now + n * apart + 16, uuid=uuid),
                                  keep=False) for n in range (2)]
        for link, chain in zip (self.links, chains):
            link.give (chain)
        written = [node.create ("tags", name=node.name) for node in self.honest]
        for node in self.honest:
            self.link.until (lambda: all (node.get ("tags", other) for other in written), f"{node.name} has what both wrote")
        self.link.until (lambda: any (self.told (node, "FORKED") for node in self.honest), "an alarm")
        self.link.until (lambda: len ({repr (node.status ()["resources"]["tags"]) for node in self.honest}) == 1
                         and not any (self.told (node, "DIVERGED") for node in self.honest), "all is repaired")
        for node in self.honest:
            self.assertEqual (node.get ("tags", uuid), {"n": 1})
        self.sound (tags=6)

    def told (self, node, code):
        return any (alarm.startswith (code) for alarm in node.status ()["alarms"])

    def test_to_each_member_another_chain (self):
        self.equivocate (1 << 20)

    def test_to_each_member_another_batch_of_one_time (self):
        self.equivocate (0)

    def test_an_absurd_seen (self):
        """What nobody has is waited for, and harms nobody else; without a hash it is no watermark"""
        never = [[self.b.client, ntp (DAY), hash_of (b"never")]]
        self.again ("TOO_EARLY", lambda: self.link.give (self.peer.next (self.tag (1), keep=False, seen=never)))
        never[0][2] = bytes (32)
        self.refused ("MALFORMED", "peer_garbage_total",
                      lambda: self.link.give (self.peer.next (self.tag (1), seen=never)))
        self.sound ()

    def test_rows_of_another_owner (self):
        now = ntp ()
        self.link.give_rows (self.b.client, 0, now, [["file_paths", uuid7 (), now, {"path": "false"}]])
        self.link.pump (0.5)
        for link in self.links: # and to the owner itself
            link.give_rows (self.b.client, 0, now, [["file_paths", uuid7 (), now, {"path": "false"}]])
            link.pump (0.2)
        self.assertEqual (self.b.count ("file_paths"), 0)
        self.sound ()

    def test_a_timestamp_from_tomorrow (self):
        self.link.give (self.peer.next (self.tag (1, at=ntp (DAY))))
        self.link.until (lambda: self.link.said (PEER_DEFER), "defer")
        wait_until (lambda: any (alarm.startswith ("CLOCK_AHEAD") for alarm in self.a.status ()["alarms"]),
                    what="the alarm")
        self.assertEqual (self.a.count ("tags"), 1)
        self.sound ()

    def test_a_giant_frame (self):
        self.link.say (PEER_BATCHES, bulk=bytes (8 * MIB))
        self.link.pump (0.3)
        self.sound ()

    def test_a_batch_in_pieces_that_claims_too_much (self):
        self.refused ("TOO_LARGE", "peer_garbage_total",
                      lambda: self.link.say (PEER_BATCHES, 1 << 40, 0, bulk=bytes (1000)))
        self.sound ()

    def test_half_handshakes (self):
        """Of strangers: begun, and left standing; who shakes hands meanwhile is let in"""
        url = urllib.parse.urlparse (peer_endpoint (self.a))
        half = [socket.create_connection ((url.hostname, url.port)) for _ in range (200)]
        for number, one in enumerate (half):
            one.sendall (GREETING[:number % (len (GREETING) + 1)])
        self.peer.link (self.a).greeted ().close ()
        self.sound ()
        for one in half:
            one.close ()

    def test_a_thousand_connections (self):
        url = urllib.parse.urlparse (peer_endpoint (self.a))
        many = [socket.create_connection ((url.hostname, url.port)) for _ in range (1000)]
        for one in many:
            one.sendall (GREETING)
        self.sound ()
        for one in many:
            one.close ()

    def test_many_links_of_one_member (self):
        links = [self.peer.link (self.a) for _ in range (30)]
        for link in links:
            link.hello ()
        for link in links:
            link.pump (0)
        self.sound ()
        self.links += links

    def test_the_uuid_of_another (self):
        link = self.peer.link (self.a)
        self.links.append (link)
        before = self.a.metric ("peer_garbage_total")
        link.hello (client=self.b.client)
        link.until (lambda: link.byes () == ["NOT_MEMBER"], "bye")
        self.assertGreater (self.a.metric ("peer_garbage_total"), before)
        self.sound ()

    def test_hello_twice (self):
        for _ in range (20):
            self.link.hello ()
        self.link.pump (0.3)
        self.sound ()

    def test_deep_nesting_and_large_maps_for_values (self):
        deep = None
        for _ in range (40):
            deep = [deep]
        self.refused ("MALFORMED", "batches_refused_total",
                      lambda: self.link.give (self.peer.next (self.tag (deep), keep=False)))
        wide = {f"p{n:06}": n for n in range (30000)}
        self.links[1].give (self.peer.next ((ntp (), "tags", uuid7 (), CREATE, wide), keep=False))
        self.links[1].pump (0.5)
        self.sound ()

    def test_what_nobody_asked_for (self):
        """A copy's chunk, answers to no question, records to be merged, a tally that another did not sign"""
        record = pack ([self.known, [[ntp (), self.client], 0, 0, None, [], ["name", 0, "false"], []]])
        tally = [self.b.client, ntp (), 5, bytes (16), bytes (64)]
        for message, bulk in (
                ([PEER_COPY_CHUNK, ["", bytes (16), False], ["tags", bytes (16), True], 1, []], record),
                ([PEER_COPY_STATE, self.peer.pool, [], [], []], None),
                ([PEER_DIGESTS, 7, []], None),
                ([PEER_RECORDS, 7, "tags", bytes (16), None, self.peer.vector ()], record),
                ([PEER_RECORDS, 0, "tags", bytes (16), None, self.peer.vector ()], record),
                ([PEER_HELD, [[self.a.client, ntp (DAY), bytes (32)]], ntp (DAY), []], None),
                ([PEER_LACKS, self.b.client, ntp ()], None),
                ([PEER_LACKS, self.client, 1], None),
                ([PEER_TALLY, tally], None), ([PEER_WELCOME, []], None), ([PEER_OUTSIDE, [0, bytes (16)]], None)):
            link = self.peer.link (self.a).greeted ()
            self.links.append (link)
            link.say (*message, bulk=bulk)
            link.pump (0.2)
            self.assertEqual (self.a.get ("tags", self.known), {"name": "true"}, message)
        self.sound ()

    def test_it_admits_nobody_in_its_own_name_and_states_nothing_of_others (self):
        """A second identity that admits itself; a record of another client; both are passed over"""
        other = Identity ()
        admission = {"admit": other.key, "after": None, "name": "smuggled", "pool": self.peer.pool}
        at = ntp ()
        itself = seal (other, [(at, "clients", other.client, CREATE, admission)])
        self.link.give (itself)
        self.link.pump (0.3)
        link = self.peer.link (self.a).greeted ()
        self.links.append (link)
        at = ntp ()
        link.give (self.peer.next ((at, "clients", self.b.client, UPDATE,
                                    {"endpoints": [], "name": "false", "version": "0"})))
        link.pump (0.3)
        for node in self.honest:
            clients = {client["client"]: client for client in node.status ()["clients"]}
            self.assertNotIn (other.client, clients)
            self.assertNotEqual (clients[self.b.client]["name"], "false")
        self.sound ()

    def test_it_gives_no_heed_to_credit (self):
        self.link.pump (0)
        for _ in range (60): # 30 MiB, far past any credit, of what is sound in form
            self.link.dial.send (pack ([PEER_ROWS, self.b.client, 0, 1, 40 * MIB, 0]), bytes (MIB // 2))
        self.link.pump (0.3)
        self.sound ()


if __name__ == "__main__":
    tidepool.main ()
