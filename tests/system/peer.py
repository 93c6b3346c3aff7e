"""peer: a member that a test moves by hand

Written from messages/README.md alone; it shares no code with the node. It has keys of its own, comes in by an
invitation, and says what a test wants it to say, true or not: `seal` makes a sound batch, and each of its arguments
can be made to lie. It has no thread: it hears and answers pings only while `pump` or `until` runs.
"""

import hashlib
import os
import time

import nacl.signing
import zmq.utils.z85

from tidepool import (
    DEADLINE, PEER_ACK, PEER_BATCHES, PEER_BYE, PEER_HELLO, PEER_PING, PEER_PONG, PEER_ROWS, PEER_VERSION,
    Dial, client_of_key, curve_of_key, curve_pair_of_hash, pack, peer_endpoint, ticket_of, unpack, wait_until, z85)

PEER_OUTSIDE, PEER_WELCOME, PEER_DIGESTS, PEER_RECORDS = 14, 16, 18, 20
PEER_HELD, PEER_TALLY, PEER_LACKS = 22, 23, 25
CREATE, UPDATE, DELETE = range (3)
CREDIT = 1 << 20


def hash_of (data):
    return hashlib.blake2b (data, digest_size=32).digest ()


def ntp (ahead=0):
    """Physical time, and so many seconds past it, as the clock of a node gives it"""
    return int ((time.time () + ahead) * 2 ** 32) & ~15


class Identity:
    """An Ed25519 key pair, and the CURVE pair that belongs to it"""

    def __init__ (self):
        seed = os.urandom (32)
        self.signer = nacl.signing.SigningKey (seed)
        self.key = bytes (self.signer.verify_key)
        self.client = client_of_key (self.key)
        self.curve = curve_pair_of_hash (seed)

    def sign (self, data):
        return self.signer.sign (data).signature


def array (count):
    """The head of a msgpack array of fewer than 16"""
    return bytes ([0x90 | count])


def seal (identity, operations, origin=None, after=0, previous=None, seen=(), covers=None, records=(), upto=None):
    """The bytes of a batch. operations: (time, resource, uuid, code, value), ascending by time."""
    names = list (dict.fromkeys (operation[1] for operation in operations))
    packed, last = [], after
    for at, resource, uuid, code, value in operations:
        packed.append ([(at - last) % 2 ** 64, names.index (resource), uuid, code, value])
        last = at
    elements = [1, origin or identity.client, after, previous, last if upto is None else upto,
                sorted (seen), covers, names, list (records), packed]
    unsigned = array (11) + b"".join (pack (element) for element in elements)
    return unsigned + pack (identity.sign (b"tidepool batch 1" + unsigned))


class Link:
    """One connection of a peer to a node, and all that came over it"""

    def __init__ (self, peer, node):
        self.peer, self.node = peer, node
        self.dial = Dial (node.context, peer_endpoint (node), z85 (curve_of_key (peer.server_keys[node])),
                          peer.identity.curve)
        self.dial.socket.linger = 1000
        self.heard = []
        self.batches = []   # whole frames of batches that came

    def say (self, *message, bulk=None):
        return self.dial.send (pack (list (message)), *(() if bulk is None else (bulk,)))

    def hello (self, **lies):
        says = {"version": PEER_VERSION, "client": self.peer.identity.client, "pool": self.peer.pool,
                "name": "hostile", "shared": self.peer.vector (), "rows": [], "resources": {},
                "credit": CREDIT, "linked": [], **lies}
        return self.say (PEER_HELLO, *says.values ())

    def pump (self, timeout=0.05):
        """Hears what has come: gives credit back, answers pings"""
        while (frames := self.dial.receive (timeout)) is not None:
            timeout = 0
            message = unpack (frames[0])
            self.heard.append (message)
            if message[0] == PEER_PING:
                self.say (PEER_PONG, ntp (), self.peer.vector (), [], {}, [], [])
            if len (frames) > 1:
                if message[0] == PEER_BATCHES:
                    self.batches.append (frames[1])
                self.say (PEER_ACK, len (frames[1]), [], [])

    def said (self, verb):
        return [message for message in self.heard if message[0] == verb]

    def byes (self):
        return [message[1] for message in self.said (PEER_BYE)]

    def until (self, predicate, what):
        def look ():
            self.pump ()
            return predicate ()
        return wait_until (look, DEADLINE, what)

    def greeted (self):
        self.hello ()
        self.until (lambda: self.said (PEER_HELLO), "the node says hello")
        return self

    def give (self, *batches):
        self.say (PEER_BATCHES, bulk=b"".join (batches))

    def give_rows (self, owner, after, upto, rows):
        self.say (PEER_ROWS, owner, after, upto, bulk=b"".join (pack (row) for row in rows))

    def close (self):
        self.dial.close ()


class Peer:
    """A member of the pool: knocks at the inviter's door with a ticket"""

    def __init__ (self, inviter, ticket):
        self.identity = Identity ()
        says = ticket_of (ticket)
        self.pool = says["pool"]
        self.server_keys = {inviter: says["key"]}
        self.upto, self.previous = 0, None
        self.base = []  # what it claims to have of others
        pair = curve_pair_of_hash (says["secret"])
        proof = b"tidepool door 1" + self.pool + curve_public (pair)
        door = Dial (inviter.context, says["endpoints"][0], z85 (curve_of_key (says["key"])), pair)
        door.send (pack ([1, self.identity.key, "hostile", self.identity.sign (proof), {}]))
        answer = door.receive ()
        door.close ()
        assert answer, "the door is silent"
        self.answer = unpack (answer[0])
        assert self.answer[0] == "OK", self.answer

    def vector (self):
        own = [[self.identity.client, self.upto, self.previous]] if self.upto else []
        return sorted (self.base + own)

    def link (self, node, ticket=None):
        if node not in self.server_keys:
            self.server_keys[node] = ticket_of (ticket)["key"]
        return Link (self, node)

    def next (self, *operations, keep=True, **lies):
        """The next batch of its chain; with keep=False it is as if it had never been sealed"""
        batch = seal (self.identity, operations, **{"after": self.upto, "previous": self.previous, **lies})
        if keep:
            self.upto, self.previous = operations[-1][0], hash_of (batch)
        return batch


def curve_public (pair):
    return zmq.utils.z85.decode (pair[0])
