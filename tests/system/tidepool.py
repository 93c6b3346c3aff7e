"""tidepool: nodes for the system tests

Real processes, seen from outside: this file and the tests beside it share no code with the node,
only what is written down for everybody. TIDEPOOL_BIN is the folder of the programs.

What is waited for is a state that a node shows, never a time: DEADLINE only bounds how long a test
that has failed already goes on.
"""

import base64
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid as uuids

import msgpack
import zmq
import zmq.utils.monitor
import zmq.utils.z85

ROOT = pathlib.Path (__file__).resolve ().parents[2]
BIN = pathlib.Path (os.environ.get ("TIDEPOOL_BIN", ROOT / "build/release/bin"))
DEADLINE = float (os.environ.get ("TIDEPOOL_DEADLINE", 60))
PAUSE = 0.02    # between two looks at a node
LOG_TAIL = 60   # lines of each node's log that a failed test shows

POOL_CHANGES_SOON = ("node/ping_interval_s=1",)


# ---- waiting

def wait_until (predicate, timeout=DEADLINE, what=None):
    """Looks until the predicate is true, and returns what it gave. It may raise on the way: the last
    exception is part of the failure."""
    end = time.monotonic () + timeout
    while True:
        error = None
        try:
            found = predicate ()
            if found:
                return found
        except (Refused, NoAnswer, AssertionError, KeyError, ValueError) as caught:
            error = caught
        if time.monotonic () > end:
            name = what or getattr (predicate, "__name__", "a condition")
            raise AssertionError (f"after {timeout} s still not: {name}"
                                  + (f" ({error})" if error else ""))
        time.sleep (PAUSE)


class NoAnswer (Exception):
    """A node said nothing in time"""


class Refused (Exception):
    """A node answered with an error"""

    def __init__ (self, answer):
        super ().__init__ (f"{answer.get ('error')}: {answer.get ('message')}")
        self.answer = answer
        self.code = answer.get ("error")


def pack (value):
    return msgpack.packb (value, use_bin_type=True)


def unpack (data):
    return msgpack.unpackb (data, raw=False, strict_map_key=False)


# ---- speaking with one socket of a node

class Requests:
    """A DEALER that speaks as a REQ does: an empty frame, then the map. What comes late for a request that was
    given up is recognised by its id and dropped."""

    def __init__ (self, context, endpoint):
        self.context, self.endpoint = context, endpoint
        self.socket = None
        self.next = 0

    def open (self):
        if self.socket is None:
            self.socket = self.context.socket (zmq.DEALER)
            self.socket.linger = 0
            self.socket.reconnect_ivl = 20
            self.socket.connect (self.endpoint)
        return self.socket

    def close (self):
        if self.socket is not None:
            self.socket.close ()
            self.socket = None

    def send (self, do, **fields):
        """Only asks. Gives the id that the answer will bear."""
        self.next += 1
        self.open ().send_multipart ([b"", pack ({"do": do, "id": self.next, **fields})])
        return self.next

    def receive (self, timeout):
        """The next answer, whosever it is; None after timeout seconds without one"""
        if not self.open ().poll (max (0, timeout) * 1000):
            return None
        frames = self.socket.recv_multipart ()
        assert len (frames) == 2 and frames[0] == b"", f"not the form of a reply: {frames!r}"
        return unpack (frames[1])

    def ask (self, do, timeout=DEADLINE, check=True, **fields):
        asked = self.send (do, **fields)
        end = time.monotonic () + timeout
        while True:
            left = end - time.monotonic ()
            answer = self.receive (left) if left > 0 else None
            if answer is None:
                self.close ()
                raise NoAnswer (f"{do}: {self.endpoint} did not answer in {timeout} s")
            if answer.get ("id") == asked:
                break
        if check and answer.get ("ok") is not True:
            raise Refused (answer)
        return answer


class Feed:
    """A subscriber. When the constructor returns, the subscription is known to stand: a record of a local
    resource of its own was seen to arrive, and all that came before it is dropped."""

    PROBE = "feed_probe"

    def __init__ (self, node, *topics):
        self.node = node
        self.socket = node.context.socket (zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 0
        self.socket.connect (node.endpoint ("feed"))
        for topic in topics:
            self.socket.subscribe (topic)
        self.socket.subscribe (self.PROBE + "/")
        node.api ("declare", resources={self.PROBE: {"kind": "local"}})
        wait_until (self._probe, what="the subscription stands")

    def _probe (self):
        self.node.create (self.PROBE, n=0)
        while self.socket.poll (100):
            if self.socket.recv_multipart ()[0].decode ().startswith (self.PROBE + "/"):
                return True
        return False

    def next (self, timeout=DEADLINE):
        """(topic, change); None if there is nothing in time"""
        end = time.monotonic () + timeout
        while True:
            left = end - time.monotonic ()
            if left <= 0 or not self.socket.poll (left * 1000):
                return None
            frames = self.socket.recv_multipart ()
            assert len (frames) == 2, f"a change has two frames: {frames!r}"
            topic = frames[0].decode ()
            if not topic.startswith (self.PROBE + "/"):
                return topic, unpack (frames[1])

    def take (self, count, timeout=DEADLINE):
        got = []
        while len (got) < count:
            change = self.next (timeout)
            assert change, f"{len (got)} changes of {count} came: {got!r}"
            got.append (change)
        return got

    def close (self):
        self.socket.close ()


# ---- a node

def die_with_parent ():
    """For the child, before it executes: no test leaves a node behind, however it ends"""
    ctypes.CDLL (None).prctl (1, signal.SIGKILL)


def run_command (*args, timeout=DEADLINE, **options):
    return subprocess.run (
        [str (BIN / "tidepool"), *map (str, args)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=True, **options)


class Node:
    def __init__ (self, context, place, name, settings=(), folder=None):
        self.context = context
        self.name = name
        self.dir = pathlib.Path (folder or place / name)
        self.log = place / (name + ".log")
        self.process = None
        self.start_settings = ()
        self.environment = {}   # of its processes, added to the test's own
        self.sockets = {}
        init = ["init", self.dir, "--name", name]
        for setting in settings:
            init += ["--set", setting]
        done = run_command (*init)
        assert done.returncode == 0, f"init of {name}: {done.returncode} {done.stderr}"

    # its processes

    def start (self, *settings, wait=True, limits=None):
        assert self.process is None
        argv = [str (BIN / "tidepoold"), str (self.dir)]
        for setting in settings:
            argv += ["--set", setting]

        def before ():
            die_with_parent ()
            for what, value in (limits or {}).items ():
                resource.setrlimit (what, value)
            if limits and resource.RLIMIT_FSIZE in limits:
                signal.signal (signal.SIGXFSZ, signal.SIG_IGN) # a write fails instead

        with open (self.log, "ab") as log:
            self.process = subprocess.Popen (
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=before,
                restore_signals=False, env={**os.environ, **self.environment})
        self.sockets = {}
        if wait:
            wait_until (self.answers, what=f"{self.name} answers")
        return self

    def answers (self):
        gone = self.process.poll ()
        if gone is not None:
            raise RuntimeError (f"{self.name} ended with {gone}\n{self.log_tail ()}")
        return self.admin ("status", timeout=1)["ok"]

    @property
    def pid (self):
        return self.process.pid

    def alive (self):
        return self.process is not None and self.process.poll () is None

    def end (self, number, timeout=DEADLINE):
        """Sends a signal, waits, and gives the exit status"""
        for socket in self.sockets.values ():
            socket.close ()
        self.sockets = {}
        process, self.process = self.process, None
        if process is None:
            return None
        process.send_signal (number)
        try:
            return process.wait (timeout)
        except subprocess.TimeoutExpired:
            process.kill ()
            process.wait ()
            raise AssertionError (f"{self.name} did not stop in {timeout} s")

    def stop (self):
        status = self.end (signal.SIGTERM)
        assert status in (None, 0), f"{self.name} stopped with {status}"

    def kill (self):
        self.end (signal.SIGKILL)

    def restart (self, *settings):
        self.stop ()
        return self.start (*settings)

    def log_text (self):
        return self.log.read_text (errors="replace") if self.log.exists () else ""

    def log_tail (self, lines=LOG_TAIL):
        return "\n".join (self.log_text ().splitlines ()[-lines:])

    # what it answers

    def endpoint (self, name):
        return f"ipc://{self.dir}/{name}.sock"

    def requests (self, name):
        if name not in self.sockets:
            self.sockets[name] = Requests (self.context, self.endpoint (name))
        return self.sockets[name]

    def ask (self, name, do, **fields):
        try:
            return self.requests (name).ask (do, **fields)
        except NoAnswer as error:
            raise NoAnswer (f"{error}\n{self.threads ()}") from None

    def api (self, do, **fields):
        return self.ask ("api", do, **fields)

    def admin (self, do, **fields):
        return self.ask ("admin", do, **fields)

    def threads (self):
        """What each thread waits for, as far as the kernel tells"""
        lines = []
        for task in sorted (pathlib.Path (f"/proc/{self.pid}/task").iterdir ()):
            facts = []
            for name in ("comm", "wchan", "syscall", "stack"):
                with contextlib.suppress (OSError):
                    facts.append ((task / name).read_text ().strip ().replace ("\n", " < "))
            lines.append (f"thread {task.name}: " + ", ".join (facts))
        return "\n".join (lines)

    def feed (self, *topics):
        return Feed (self, *topics)

    def command (self, *args, check=True, timeout=DEADLINE):
        """`tidepool -d DIR --json …`: its JSON. With check=False: what subprocess.run gives"""
        done = run_command ("-d", self.dir, "--json", *args, timeout=timeout)
        if not check:
            return done
        assert done.returncode == 0, \
            f"tidepool {args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads (done.stdout) if done.stdout.strip () else None

    def status (self):
        return self.admin ("status")

    def metrics (self):
        return self.admin ("metrics")["metrics"]

    def metric (self, name):
        return self.metrics ()[f"tidepool_{name}"]

    @property
    def client (self):
        if not hasattr (self, "_client"):
            self._client = self.api ("hello")["client"]
        return self._client

    def client_of (self, other):
        """What this node's status says of another's client; None if it knows none"""
        for client in self.status ()["clients"]:
            if client["client"] == other.client:
                return client
        return None

    def online (self, other):
        known = self.client_of (other)
        return bool (known and known["online"])

    # short forms

    def apply (self, *ops, **options):
        return self.api ("apply", ops=list (ops), **options)

    def create (self, resource, uuid=None, on_conflict=None, **value):
        op = {"action": "create", "resource": resource, "value": value}
        if uuid is not None:
            op["uuid"] = uuid
        if on_conflict:
            op["on_conflict"] = on_conflict
        return self.apply (op)["uuids"][0]

    def update (self, resource, uuid, on_conflict=None, **value):
        op = {"action": "update", "resource": resource, "uuid": uuid, "value": value}
        if on_conflict:
            op["on_conflict"] = on_conflict
        return self.apply (op)

    def delete (self, resource, uuid):
        return self.apply ({"action": "delete", "resource": resource, "uuid": uuid})

    def get (self, resource, uuid, **fields):
        """The record's value; None if there is none"""
        answer = self.api ("get", resource=resource, uuid=uuid, check=False, **fields)
        if answer["ok"]:
            return answer["record"]["value"]
        if answer["error"] != "NOT_FOUND":
            raise Refused (answer)
        return None

    def count (self, resource):
        return self.api ("count", resource=resource)["count"]

    def list (self, resource, limit=10000, **fields):
        """All records, page by page"""
        records, after = [], None
        while True:
            page = self.api ("list", resource=resource, limit=limit, after=after, **fields)
            records += page["records"]
            after = page["next"]
            if after is None:
                return records

    def changes (self, since=0, **fields):
        """All changes since a cursor, and the cursor behind them"""
        changes = []
        while True:
            page = self.api ("changes", since=since, **fields)
            changes += page["changes"]
            since = page["cursor"]
            if not page["more"]:
                return changes, since

    # what it uses

    def memory (self):
        """Resident bytes that are its own: without the pages of the database's file"""
        for line in pathlib.Path (f"/proc/{self.pid}/status").read_text ().splitlines ():
            if line.startswith ("RssAnon:"):
                return int (line.split ()[1]) * 1024
        raise AssertionError ("no RssAnon in /proc")

    def effort (self):
        """(nanoseconds on a core, context switches) of all its threads so far"""
        ns = switches = 0
        for task in pathlib.Path (f"/proc/{self.pid}/task").iterdir ():
            with contextlib.suppress (FileNotFoundError, ProcessLookupError):
                ns += int ((task / "schedstat").read_text ().split ()[0])
                for line in (task / "status").read_text ().splitlines ():
                    if "ctxt_switches" in line:
                        switches += int (line.split ()[1])
        return ns, switches


# ---- pools

def ticket_of (text):
    """What a ticket says: pool, the inviter's Ed25519 key, secret, expiry, endpoints"""
    kind, packed = text.split ("-", 1)
    assert kind == "tidepool1", text
    fields = unpack (base64.urlsafe_b64decode (packed + "=" * (-len (packed) % 4)))
    return dict (zip (("pool", "key", "secret", "expires", "endpoints"), fields))


def invite (node):
    return wait_until (lambda: node.admin ("invite")["ticket"], what=f"{node.name} invites")


def join (node, inviter, ticket=None):
    """Until the node is ready, and both show each other as members"""
    ticket = ticket or invite (inviter)
    # BUSY until it has founded the pool that it leaves by this
    wait_until (lambda: node.admin ("join", ticket=ticket), what=f"{node.name} knocks")
    wait_until (lambda: ready (node) and node.client_of (inviter) and inviter.client_of (node),
                what=f"{node.name} is ready in the pool of {inviter.name}")


def ready (node):
    return node.status ()["joining"] is None


def picture (node):
    """What must be equal everywhere: counts and digests but of local data, and every watermark"""
    status = node.status ()
    return {
        "resources": {name: (entry["count"], entry["digest"].hex ())
                      for name, entry in status["resources"].items () if entry["kind"] != "local"},
        "clients": {client["client"].hex (): client["last_synchronized"]
                    for client in status["clients"]},
        "joining": status["joining"],
    }


def converged (nodes):
    first, *others = [picture (node) for node in nodes]
    return first["joining"] is None and all (other == first for other in others)


def wait_converged (nodes, timeout=DEADLINE):
    try:
        wait_until (lambda: converged (nodes), timeout, "the pool has converged")
    except AssertionError as error:
        pictures = "\n".join (f"{node.name}: {picture (node)}" for node in nodes)
        raise AssertionError (f"{error}\n{pictures}") from None
    for node in nodes:
        diverged = [alarm for alarm in node.status ()["alarms"] if alarm.startswith ("DIVERGED")]
        assert not diverged, f"{node.name}: {diverged}"


def uuid7 ():
    """Time-ordered, as the node makes them"""
    head = int (time.time () * 1000).to_bytes (6, "big")
    tail = bytearray (os.urandom (10))
    tail[0] = 0x70 | tail[0] & 0x0F
    tail[2] = 0x80 | tail[2] & 0x3F
    return head + bytes (tail)


def uuid_text (data):
    return str (uuids.UUID (bytes=data))


# ---- keys: who a client is, from its Ed25519 key (RFC 8032) to its CURVE key (RFC 7748)

P = 2 ** 255 - 19


def client_of_key (key):
    return hashlib.blake2b (key, digest_size=32).digest ()[:16]


def curve_of_key (key):
    """The same key on the Montgomery curve: u = (1 + y) / (1 - y)"""
    y = int.from_bytes (key, "little") & (2 ** 255 - 1)
    return ((1 + y) * pow (1 - y, P - 2, P) % P).to_bytes (32, "little")


def curve_pair_of_hash (seed):
    """(public, secret) as ZeroMQ wants them, from 32 bytes, by the first half of their SHA-512: an Ed25519 seed's
    own, and an invitation's"""
    secret = bytearray (hashlib.sha512 (seed).digest ()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    text = z85 (bytes (secret))
    return zmq.curve_public (text), text


def z85 (data):
    return zmq.utils.z85.encode (data)


class Dial:
    """A hand-made CURVE connection to a node's peers or door. Without keys: a stranger's, made up."""

    def __init__ (self, context, endpoint, server_key, pair=None):
        self.socket = context.socket (zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndtimeo = 1000
        public, secret = pair or zmq.curve_keypair ()
        self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
        self.socket.curve_serverkey = server_key
        self.events = self.socket.get_monitor_socket (
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | zmq.EVENT_DISCONNECTED)
        self.socket.connect (endpoint)

    def event (self, timeout=DEADLINE):
        """The next thing that happens to the connection; None in time"""
        if not self.events.poll (timeout * 1000):
            return None
        return zmq.utils.monitor.recv_monitor_message (self.events)["event"]

    def shaken_hands (self):
        return self.event () == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def send (self, *frames):
        """False where nobody takes it: a connection that was refused is gone, and a send would wait for ever"""
        try:
            self.socket.send_multipart (list (frames))
            return True
        except zmq.Again:
            return False

    def receive (self, timeout=DEADLINE):
        return self.socket.recv_multipart () if self.socket.poll (timeout * 1000) else None

    def close (self):
        self.socket.disable_monitor ()
        self.socket.close (0)
        self.events.close (0)


PEER_VERSION = 1
(PEER_HELLO, PEER_PING, PEER_PONG, PEER_BATCHES, PEER_ROWS, PEER_ACK, PEER_DEFER, PEER_AGAIN,
 PEER_DECLARE, PEER_COPY, PEER_COPY_STATE, PEER_COPY_CHUNK, PEER_BYE) = range (1, 14)


def peer_hello (client, pool, name="by hand"):
    return pack ([PEER_HELLO, PEER_VERSION, client, pool, name, [], [], {}, 1 << 20, []])


def peer_endpoint (node):
    return node.status ()["endpoints"]["peers"][0]


def server_key (node):
    """The CURVE key of a node's own listening sockets, from a ticket"""
    return z85 (curve_of_key (ticket_of (invite (node))["key"]))


def key_pair (node):
    """A node's own CURVE pair, out of its data directory"""
    seed = bytes.fromhex ((node.dir / "identity.key").read_text ().strip ())
    return curve_pair_of_hash (seed)


# ---- a test

class Case (unittest.TestCase):
    """Nodes in a fresh place of their own, which goes away with them. If a test fails it shows their logs."""

    def run (self, result=None):
        result = result or self.defaultTestResult ()
        before = len (result.failures) + len (result.errors)
        # ipc paths end at 107 bytes
        self.place = pathlib.Path (tempfile.mkdtemp (prefix="tp-"))
        self.context = zmq.Context ()
        self.context.rcvtimeo = int (DEADLINE * 1000) # of every socket: a test never hangs
        self.nodes = []
        try:
            super ().run (result)
            if len (result.failures) + len (result.errors) > before:
                self.show_logs ()
        finally:
            for node in self.nodes:
                with contextlib.suppress (Exception):
                    node.kill ()
            self.context.destroy (linger=0)
            shutil.rmtree (self.place, ignore_errors=True)
        return result

    def show_logs (self):
        print (f"\n---- {self.id ()} failed; the logs:", file=sys.stderr)
        for node in self.nodes:
            print (f"---- {node.name}\n{node.log_tail ()}", file=sys.stderr)

    def node (self, name="a", *settings, start=True, **options):
        node = Node (self.context, self.place, name, settings, **options)
        self.nodes.append (node)
        return node.start () if start else node

    def pool (self, *names, settings=POOL_CHANGES_SOON):
        """Nodes in one pool, each invited by the first"""
        nodes = [self.node (name, *settings) for name in names]
        for node in nodes[1:]:
            join (node, nodes[0])
        return nodes

    def assertRefused (self, code, call, *args, **fields):
        with self.assertRaises (Refused) as caught:
            call (*args, **fields)
        self.assertEqual (caught.exception.code, code, caught.exception)
        self.assertTrue (caught.exception.answer["message"])
        return caught.exception.answer


def main ():
    for program in ("tidepool", "tidepoold"):
        if not (BIN / program).exists ():
            sys.exit (f"{BIN / program} is missing: build first, or set TIDEPOOL_BIN")
    unittest.main (verbosity=2, warnings="ignore")
