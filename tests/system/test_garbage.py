#!/usr/bin/python3
"""Garbage on every socket, in every frame position: an error or silence, counted; the node goes on, and its memory
does not grow"""

import os
import random
import socket
import struct
import urllib.parse

import zmq

import tidepool
from tidepool import (
    Case, Dial, curve_of_key, curve_pair_of_hash, invite, key_pair, pack, peer_endpoint, peer_hello,
    server_key, ticket_of, unpack, wait_until, z85)

MIB = 1 << 20
ROUNDS = 3
# What a round may leave behind once the first has warmed everything up: allocators keep some.
GROWTH = 24 * MIB
SEED = int (os.environ.get ("TIDEPOOL_SEED", random.SystemRandom ().randrange (1 << 32)))

GREETING_NULL = b"\xff" + bytes (8) + b"\x7f\x03\x00" + b"NULL".ljust (20, b"\0") + bytes (32)
GREETING_CURVE = b"\xff" + bytes (8) + b"\x7f\x03\x00" + b"CURVE".ljust (20, b"\0") + bytes (32)
GREETING_PLAIN = b"\xff" + bytes (8) + b"\x7f\x03\x00" + b"PLAIN".ljust (20, b"\0") + bytes (32)
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"


def nested (depth):
    return b"\x91" * depth + b"\xc0"


def bodies (rng):
    """What no request, mail or peer may look like"""
    request = {"do": "hello", "id": 1}
    yield b""
    yield b"\x00"
    yield b"\xc1"
    yield rng.randbytes (rng.randrange (1, 3000))
    yield pack (request)[:-1]
    yield pack (request) + b"\x00"
    yield nested (10)
    yield nested (40)
    yield nested (100_000)
    yield b"\x81" * 50_000
    yield b"\x82\xa2do" + nested (1000)
    yield pack ({"do": "hello", "id": nested (3)})
    yield b"\xdd\xff\xff\xff\xff"                      # an array of 4 Gi elements
    yield b"\xdf\xff\xff\xff\xff\xa2do\xa5hello"       # a map of 4 Gi
    yield b"\xdb\xff\xff\xff\xffabc"                   # a text of 4 GiB
    yield b"\xc6\xff\xff\xff\xff" + b"x" * 100         # bin
    yield b"\xc9\xff\xff\xff\xff\x01"                  # ext
    yield b"\x82\xa2do\xa5apply\xa3ops\xdd\xff\xff\xff\xff"
    yield b"\x82\xa2do\xa5apply\xa3ops\xdd\x00\x0f\xff\xff" + b"\xc0" * 1000
    yield b"\xdc\xff\xff" + b"\xc0" * 65535            # nils
    yield b"\xdd\x00\x20\x00\x00" + b"\xc0" * (2 * MIB)
    yield b"\xdd\x00\x30\x00\x00" + b"\x80" * (3 * MIB)
    yield b"\xa2\xff\xfe"                              # text that is not UTF-8
    for value in (None, True, 7, -1, 1.5, "hello", b"hello", [], {}, [request], {1: 2}):
        yield pack (value)
    for verb in (None, 0, [], {}, b"hello", "", "HELLO", "hell", "x" * 100_000, "apply\0", "clients"):
        yield pack ({"do": verb, "id": 1})
    for verb in ("get", "list", "count", "changes", "apply", "declare", "join", "remove", "pause",
                 "ingest", "log"):
        for value in (None, True, -1, 2 ** 64 - 1, "x", b"x", [], {}, [[]], [{}], {"a": {"b": []}}):
            yield pack ({"do": verb, "id": 1, **{
                field: value for field in ("resource", "uuid", "owner", "after", "limit", "since",
                                           "resources", "ops", "ticket", "client", "action", "path",
                                           "location", "exclude")}})
    yield pack ({"do": "apply", "ops": [{"action": "create", "resource": "tags",
                                         "value": {"a": nested_value (17)}}]})
    yield pack ({"do": "apply", "ops": [{"action": "create", "resource": "tags", "value": {
        f"p{n}": n for n in range (5000)}}]})
    yield pack ({"do": "apply", "ops": [{}] * 100_000})
    yield b"x" * (10 * MIB)


def nested_value (depth):
    value = None
    for _ in range (depth):
        value = [value]
    return value


def forms (body):
    """The body in every position of a message"""
    good = pack ({"do": "count", "resource": "tags", "id": 0})
    yield [body]
    yield [b"", body]
    yield [body, good]
    yield [b"", body, good]
    yield [b"", good, body]
    yield [b"", b"", body]


class Garbage (Case):
    def setUp (self):
        print (f"seed {SEED}", flush=True)
        self.rng = random.Random (SEED)

    def rounds (self, node, throw, counter):
        """Throws the same again and again: the node answers, has counted, and has not grown"""
        for number in range (ROUNDS):
            before = node.metric (counter)
            throw ()
            uuid = node.create ("tags", n=number)
            self.assertEqual (node.get ("tags", uuid), {"n": number})
            wait_until (lambda: node.metric (counter) > before, what=f"{counter} counts")
            if number == 0:
                warm = node.memory ()
        wait_until (lambda: node.memory () < warm + GROWTH,
                    what=f"its memory is not far over {warm >> 20} MiB, with which it began")
        self.assertTrue (node.alive ())
        self.assertEqual (node.count ("tags"), ROUNDS)

    def throw_at (self, node, name, kind):
        """Everything in every form, over one connection as long as that stands"""
        def throw ():
            sender = self.context.socket (kind)
            sender.linger = 2000
            sender.sndtimeo = 5000
            sender.connect (node.endpoint (name))
            for body in bodies (self.rng):
                if len (body) > 4 * MIB: # it costs the connection, and what waits there
                    while sender.poll (200):
                        sender.recv_multipart ()
                    sender.send_multipart ([b"", body])
                    sender.close ()
                    sender = self.context.socket (kind)
                    sender.linger = 2000
                    sender.sndtimeo = 5000
                    sender.connect (node.endpoint (name))
                    continue
                for frames in forms (body):
                    sender.send_multipart (frames)
                    while kind == zmq.DEALER and sender.poll (0):
                        sender.recv_multipart ()
            while kind == zmq.DEALER and sender.poll (300):
                sender.recv_multipart ()
            sender.close ()
        return throw

    def test_api (self):
        node = self.node ()
        self.rounds (node, self.throw_at (node, "api", zmq.DEALER), "garbage_total")

    def test_admin (self):
        node = self.node ()
        self.rounds (node, self.throw_at (node, "admin", zmq.DEALER), "garbage_total")

    def test_intake (self):
        node = self.node ()
        self.rounds (node, self.throw_at (node, "intake", zmq.PUSH), "intake_refused_total")

    def test_each_request_is_answered_or_the_connection_ends (self):
        node = self.node ()
        for name in ("api", "admin"):
            for body in bodies (self.rng):
                if len (body) > 4 * MIB:
                    continue
                asker = self.context.socket (zmq.REQ)
                asker.linger = 0
                asker.connect (node.endpoint (name))
                asker.send (body)
                answer = unpack (asker.recv ())
                asker.close ()
                self.assertIn ("id", answer)
                self.assertIsInstance (answer["ok"], bool)
                if not answer["ok"]:
                    self.assertRegex (answer["error"], r"^[A-Z_]+$")
                    self.assertNotIn (answer["error"], ("INTERNAL", "MALFORMED", "CORRUPT"), body[:80])

    def test_a_message_over_the_limit_is_cut_off_unanswered (self):
        node = self.node ()
        asker = self.context.socket (zmq.DEALER)
        asker.linger = 0
        asker.connect (node.endpoint ("api"))
        asker.send (pack ({"do": "hello", "id": 1}))
        self.assertTrue (unpack (asker.recv ())["ok"])
        asker.send (pack ({"do": "hello", "id": 2, "x": b"x" * (5 * MIB)}))
        self.assertFalse (asker.poll (1000))
        # within it is taken
        asker.send (pack ({"do": "hello", "id": 3, "x": b"x" * (3 * MIB)}))
        self.assertEqual (unpack (asker.recv ())["id"], 3)

    def test_half_envelopes (self):
        node = self.node ()
        asker = self.context.socket (zmq.DEALER)
        asker.linger = 0
        asker.connect (node.endpoint ("api"))
        for frames in ([b""], [b"", b""], [b""] * 100, [b"x" * 300, b"", pack ({"do": "hello"})],
                       [b"hop"] * 200, [b"a", b"b", b"", pack ({"do": "hello"})]):
            asker.send_multipart (frames)
        for _ in range (3):
            node.create ("tags", n=1)
        asker.send (pack ({"do": "hello", "id": "last"}))
        while True: # whatever they are answered, this is among it
            if b"last" in asker.recv_multipart ()[-1]:
                break

    def test_the_feed_takes_nothing_but_subscriptions (self):
        node = self.node ()

        def throw ():
            sender = self.context.socket (zmq.XSUB)
            sender.linger = 2000
            sender.connect (node.endpoint ("feed"))
            for body in bodies (self.rng):
                if len (body) < MIB:
                    sender.send (body)
                    sender.send_multipart ([b"\x01" + body[:200], body])
            for n in range (2000):
                sender.send (b"\x01" + self.rng.randbytes (8))
            sender.close ()
        before = node.memory ()
        for _ in range (ROUNDS):
            throw ()
            node.create ("tags", n=1)
        feed = node.feed ("tags/")
        uuid = node.create ("tags", n=2)
        self.assertEqual (feed.next ()[1]["uuid"], uuid)
        wait_until (lambda: node.memory () < before + GROWTH, what="its memory is what it was")


class Raw (Case):
    """Bytes straight into the sockets, below ZeroMQ"""

    def connect (self, endpoint):
        url = urllib.parse.urlparse (endpoint)
        if url.scheme == "ipc":
            peer = socket.socket (socket.AF_UNIX)
            peer.connect (endpoint[len ("ipc://"):])
        else:
            peer = socket.create_connection ((url.hostname, url.port))
        peer.settimeout (10)
        return peer

    def send (self, endpoint, *parts):
        peer = self.connect (endpoint)
        try:
            for part in parts:
                peer.sendall (part)
        except OSError:
            pass # it hung up: its right
        return peer

    def test_bytes_that_are_not_zeromq (self):
        node = self.node ()
        endpoints = node.status ()["endpoints"]
        listening = [endpoints["peers"][0], endpoints["door"]] + [
            node.endpoint (name) for name in ("api", "feed", "intake", "admin")]
        rng = random.Random (SEED)
        parts = [
            [], [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], [rng.randbytes (100)], [rng.randbytes (100_000)],
            [b"\xff"], [b"\xff" * 64], [GREETING_NULL[:11]], [GREETING_NULL], [GREETING_PLAIN],
            [GREETING_CURVE], [GREETING_NULL, READY], [GREETING_CURVE, READY],
            [GREETING_CURVE, b"\x04\xc8\x05HELLO" + rng.randbytes (194)],
            # a command and a frame of 4 GiB, of 2^63
            [GREETING_CURVE, b"\x06" + struct.pack (">Q", 1 << 32) + b"\x05HELLO"],
            [GREETING_NULL, READY, b"\x02" + struct.pack (">Q", 1 << 32), bytes (100_000)],
            [GREETING_NULL, READY, b"\x02" + struct.pack (">Q", 1 << 63), bytes (100_000)],
            [GREETING_NULL, READY, b"\x03" + struct.pack (">Q", 3 << 20), bytes (100_000)],
            [GREETING_NULL, READY] + [b"\x01\x00"] * 5000, # one message without end
            [GREETING_NULL, b"\x04\xff" + rng.randbytes (255)],
            [b"\xff" + bytes (7) + b"\x01\x7f\x01\x00"], [b"\x01\x00"] * 10,
        ]
        before = None
        for _ in range (ROUNDS):
            kept = [self.send (endpoint, *part) for endpoint in listening for part in parts]
            node.create ("tags", n=1)
            for peer in kept:
                peer.close ()
            before = before or node.memory ()
        self.assertEqual (node.count ("tags"), ROUNDS)
        self.assertTrue (node.admin ("metrics")["ok"])
        wait_until (lambda: node.memory () < before + GROWTH, what="its memory is what it was")
        self.assertGreater (node.metric ("peers_denied_total"), 0)

    def test_who_stops_halfway_is_cut_off (self):
        node = self.node ()
        half = [self.send (peer_endpoint (node), part)
                for part in (b"", GREETING_CURVE[:20], GREETING_CURVE, GREETING_NULL)]
        for peer in half:
            try:
                while peer.recv (4096):
                    pass
            except ConnectionError:
                pass # a socket that is still open after its timeout raises another error
        self.assertTrue (node.status ()["ok"])


class Peers (Case):
    """The same from a member, and from an invited one: keys that may come in, and nothing sound to say"""

    def setUp (self):
        print (f"seed {SEED}", flush=True)
        self.rng = random.Random (SEED)

    def bodies (self):
        for body in bodies (self.rng):
            if len (body) < MIB:
                yield body
        for verb in range (16):
            yield pack ([verb])
            for value in (None, -1, 2 ** 64 - 1, "x", b"x", [], {}, [[]], b"x" * 16, [b"x" * 16, 1, b"y" * 32]):
                yield pack ([verb] + [value] * 10)
        yield pack ([tidepool.PEER_BATCHES, 1 << 62, 0])
        yield pack ([tidepool.PEER_BATCHES, 6 << 20, 0])
        yield pack ([tidepool.PEER_ACK, 1 << 62, [], []])
        yield b"\x9c\x01\x01" + b"\xdd\xff\xff\xff\xff"

    def test_a_member_that_went_mad (self):
        a, b = self.pool ("a", "b")
        pool, pair, key, client = a.api ("hello")["pool"], key_pair (b), server_key (a), b.client
        b.stop ()
        endpoint = peer_endpoint (a)
        hello = peer_hello (client, pool)

        def throw ():
            for number, body in enumerate (self.bodies ()):
                dial = Dial (self.context, endpoint, key, pair)
                dial.socket.linger = 1000
                if number % 2: # before, and after it has introduced itself
                    dial.send (hello)
                dial.send (body)
                dial.send (body, body)
                dial.send (b"", body)
                dial.send (pack ([tidepool.PEER_BATCHES]), body)
                dial.send (pack ([tidepool.PEER_ROWS, client, 0, 1]), body)
                dial.send (pack ([tidepool.PEER_COPY_CHUNK, ["", bytes (16), False],
                                  ["tags", bytes (16), False], 1, []]), body)
                if number % 16 == 0:
                    dial.receive (timeout=0.2)
                dial.close ()
        before = a.metric ("peer_garbage_total")
        throw ()
        a.create ("tags", n=1)
        warm = a.memory ()
        throw ()
        a.create ("tags", n=2)
        wait_until (lambda: a.metric ("peer_garbage_total") > before, what="it is counted")
        wait_until (lambda: a.memory () < warm + GROWTH,
                    what=f"its memory is not far over {warm >> 20} MiB")
        self.assertEqual (a.count ("tags"), 2)
        self.assertTrue (a.admin ("verify")["sound"])
        # and the true one is welcome
        b.start ()
        tidepool.wait_converged ([a, b])

    def test_an_invited_one_that_went_mad (self):
        a = self.node ("a", *tidepool.POOL_CHANGES_SOON)
        text = invite (a)
        ticket = ticket_of (text)
        pair = curve_pair_of_hash (ticket["secret"])
        key = z85 (curve_of_key (ticket["key"]))
        proof = [1, b"k" * 32, "me", b"s" * 64]
        for body in [*self.bodies (), pack (proof), pack ([1, b"k" * 32, "x" * 5000, b"s" * 64]),
                     pack ([2, b"k" * 32, "me", b"s" * 64])]:
            dial = Dial (self.context, ticket["endpoints"][0], key, pair)
            dial.socket.linger = 1000
            dial.send (body)
            dial.send (body, body)
            dial.close ()
        self.assertEqual (len (wait_until (lambda: a.status ())["clients"]), 1)
        # the ticket is as good as before
        b = self.node ("b", *tidepool.POOL_CHANGES_SOON)
        tidepool.join (b, a, text)

    def test_ten_mebibytes_from_a_stranger (self):
        a = self.node ("a")
        before = a.memory ()
        strangers = []
        for _ in range (10):
            peer = socket.create_connection (
                (urllib.parse.urlparse (peer_endpoint (a)).hostname,
                 urllib.parse.urlparse (peer_endpoint (a)).port))
            peer.settimeout (2)
            strangers.append (peer)
            try:
                peer.sendall (GREETING_CURVE + b"\x06" + struct.pack (">Q", 10 * MIB))
                for _ in range (10):
                    peer.sendall (bytes (MIB))
            except OSError:
                pass
        self.assertLess (a.memory (), before + GROWTH)
        a.create ("tags", n=1)
        for peer in strangers:
            peer.close ()


if __name__ == "__main__":
    tidepool.main ()
