"""One node: its clock, its log, its records, its pool, and how it joins and returns

`Pool` is what all nodes of a run share: virtual time, the switches, and what the checker needs to know.
"""

import copy as copies

from compare import Returner, compare
from records import (Operation, Record, admit, covers, earliest, join_fragment,
                     join_operation, latest, purge, rule_of, show_stamp, united)

TICK = 10        # physical time goes by this much in a step
DRIFT_MAX = 100  # of a timestamp ahead of the receiver's physical time
COPY_TRIES = 12  # then the copy begins again with any member
EXPECTS = 6      # steps for which who was let return is expected

# What can be switched off, to see what it is for. See README.md.
RULES = {
    "known": "links carry the log between clients that have applied each other's admission",
    "published": "flushing goes by what members have published, not by what they have",
    "still": "nothing is purged while somebody returns",
    "rest": "a declaration is stable once the members that are not declared have seen it",
    "half": "who returned to somebody who is out here is out here too",
    "itself": "who was declared comes back by its own word only",
    "own word": "... which another's later word on it does not hide",
    "left": "where all are out, whoever was admitted first lets others return",
    "fence": "who has applied a declaration takes nothing over that client's own link",
    "together": "a chunk of a copy comes with the batches committed since the chunk before",
    "whose": "who has itself returned since does not go on with a copy: it begins anew",
    "served": "only a member that has applied an admission serves that client",
    "flushed": "who needs what was flushed returns",
    "countedout": "a member that declared a client lets it return once it has counted it out",
    "returning": "whoever returns stays out until its own batch says that it is back",
    "turns": "one returns after the other, as far as they know of each other",
    "waited": "... but not after a restored node that has not found what it wrote later",
    "own turn": "... nor after who was to return to the very node that returns now",
    "expected": "who has let somebody return does not return itself before that has begun",
    "caughtup": "the comparison waits for what the returner's half knew of counting members",
    "covers": "the returner's batch carries its own vector",
    "members": "what its half did to the pool comes along, and is then stated anew",
    "gone": "a record that is gone on the other side, and was known there, is gone here too",
    "some": "... and it was known there if anything of it was",
    "once": "a deletion that is remembered changes nothing when it comes again",
    "beside": "latest: what shows beside a life bears its `written`; what its deletion ended does not go",
    "over": "latest: what is gone at the member is not deleted once more",
    "judged": "a fragment has not seen a deletion that the member had not",
    "stands": "latest: what has nothing unseen at the member shall look as it does here",
    "whole": "latest: a whole fragment begins a dead record anew",
    "cut": "latest: a life that stands on a deletion is joined as with an operation",
    "floor": "latest: a whole fragment hides the life that it replaces",
    "kept": "latest: ... and what shows and is older than that floor takes its stamp",
    "drift": "a batch too far ahead of time is deferred, and nobody copies it either",
    "accepted": "only what no member has accepted is stamped anew, asking each",
    "order": "what is stamped anew in place is larger than all else that is here",
    "own": "a return that is stamped anew covers of its own chain only what was accepted",
    "asked": "a restored node writes nothing before all members that count were asked",
    "sweeps": "... and forgets nothing before its own later batches are back",
    "named": "... and takes also from whom these have named to it: it may have forgotten a member",
    "excused": "... and does not wait for who is out, as those say that do not keep it out",
    "takes": "... and takes nothing before, then from who has most: it has forgotten who is out",
    "most": "... and returns there, whoever keeps whom out",
    "gives": "... also to one that is out itself",
}


class Batch:
    """`covers` and `fragments` only in the batch of a return; `past` is the checker's"""
    __slots__ = ("origin", "after", "upto", "seen", "covers", "operations", "fragments", "past")

    def is_empty (self):
        return not self.operations and self.covers is None

    def __repr__ (self):
        parts = [repr (operation) for operation in self.operations]
        parts += [f"{key} {fragment}" for key, fragment in (self.fragments or {}).items ()]
        covers_text = f" covers {self.covers}" if self.covers is not None else ""
        return (f"batch {self.origin}:{self.after}-{self.upto} seen {self.seen}{covers_text}"
                + "".join (f"\n        {part}" for part in parts))

    def renamed (self, new, vector, accepted):
        """Sealed again, with new stamps; the batch from before stays what it is. What a return covers
        of its own chain nobody has either: as far as that was accepted, no further."""
        other = copies.copy (self)
        (other.after, _) = new.get ((self.after, self.origin), (self.after, self.origin))
        (other.upto, _) = new[self.upto, self.origin]
        other.seen = vector (self.seen)
        if self.covers is not None:
            other.covers = vector (self.covers)
            if self.origin in other.covers:
                other.covers[self.origin] = min (self.covers[self.origin], accepted)
        other.operations = [operation.renamed (new) for operation in self.operations]
        if self.fragments is not None:
            other.fragments = {key: fragment.copy () for key, fragment in self.fragments.items ()}
            for key, fragment in other.fragments.items ():
                fragment.whole = self.fragments[key].whole
                fragment.stamp_anew (new)
        return other


class Pool:
    def __init__ (self, off=(), purging=True, tell=None):
        self.off, self.purging, self.tell = frozenset (off), purging, tell
        self.nodes, self.operations, self.reported = {}, [], []
        self.values = set ()
        self.shown, self.reports, self.forked, self.merged = {}, 0, 0, 0
        self.step = self.returns = self.renamed = self.purged = self.deferred = 0

    def on (self, rule):
        return rule not in self.off

    def say (self, *words):
        if self.tell:
            self.tell (f"{self.step:4}  " + " ".join (str (word) for word in words))

    def value (self, text):
        """A value that was not written yet: a clock that was put back gives a timestamp twice"""
        while text in self.values:
            text += "'"
        self.values.add (text)
        return text

    def stamp_anew (self, client, new):
        """For the checker: an operation that was stamped anew may have lost to another before"""
        for operation in self.operations:
            later = [to for stamp, to in new.items () if stamp >= operation.earliest]
            if operation.stamp[1] == client and later:
                earliest_of = min (operation.earliest, operation.stamp)
                operation.stamp = new.get (operation.stamp, operation.stamp)
                operation.earliest = min (earliest_of, (min (later)[0] - .5, client))

    def report (self, key, node, record):
        """lost_and_found"""
        self.reported.append ((key, node.history))
        self.say (node.id, "lost and found:", key, record)


class Member:
    """A client as one node knows it: timestamps, or None. `removed` is for good. `returning` is a
    member's word that it serves the client's return: from then on the client counts, and nothing it
    needs is flushed, but it stays out until its own batch says that it is back."""
    __slots__ = ("admitted", "removed", "stale", "returning", "back")

    def __init__ (self):
        self.admitted = self.removed = self.stale = self.returning = self.back = None

    def copy (self):
        other = Member ()
        for name in self.__slots__:
            setattr (other, name, getattr (self, name))
        return other

    def join (self, what, stamp):
        choose = earliest if what == "admitted" else latest
        setattr (self, what, choose (getattr (self, what), stamp))

    def out (self):
        """The timestamp of what keeps it out, or None"""
        if self.removed:
            return self.removed
        newest = latest (self.stale, self.returning)
        return newest if newest and newest > (self.back or (0, 0)) else None

    def is_returning (self):
        return not self.removed and self.returning is not None and self.out () == self.returning


NOBODY = Member ()


def not_out (members):
    return {client for client, member in members.items () if member.admitted and not member.out ()}


class Node:
    def __init__ (self, pool, client):
        self.pool, self.id = pool, client
        self.vector, self.published, self.log, self.flushed = {}, {}, [], {}
        self.records, self.members, self.counted_out = {}, {}, {}
        self.clock, self.skew, self.history, self.owes = 0, 0, 0, False
        self.place = None   # of a copy: the key up to which it has come; "" at its beginning
        self.came_back = None  # its own last word on that; another's, for its half, may be later
        self.since = None   # of a copy: who serves it has applied this
        self.giver = None   # of a copy: it has begun
        self.tries = 0
        self.in_vain = None  # (whom it asked last to return, until when it asks others)
        self.expects = {}   # whom it let return, and when
        self.copy = None    # another Node: what it is copying, while it joins or returns
        self.wrote = 0      # the checker's: up to where it had written when it was restored
        self.renamed = ()   # ... and past which of its timestamps it has stamped anew in place
        self.ask = None     # "restored", "stamps": it asks all before it goes on
        self.told = {}      # ... and this is what they hold of its own chain
        self.heard = {}     # vectors, for the switch "published" only

    # ---- clock

    def physical (self):
        return self.pool.step * TICK + self.skew

    def now (self):
        self.clock = max (self.clock + 1, self.physical ())
        return self.clock

    def stamp (self):
        return (self.now (), self.id)

    # ---- members

    def member (self, client):
        return self.members.get (client) or NOBODY

    def out (self, client):
        member = self.members.get (client)
        return member and member.out ()

    def admitted (self):
        return [client for client, member in self.members.items () if member.admitted]

    def is_stable (self, stamp, among):
        return covers (self.vector, stamp) and all (
            covers (self.published.get (client, {}), stamp)
            for client in among if client != self.id)

    def counting (self):
        counting = []
        admitted = self.admitted ()
        for client in admitted:
            out = self.out (client)
            if out is None or self.member (client).is_returning ():
                counting.append (client)
                continue
            if self.counted_out.get (client) != out:
                if self.pool.on ("rest"):
                    rest = [other for other in admitted if not self.out (other)]
                else:
                    rest = [other for other in admitted if other != client]
                if self.is_stable (out, rest):
                    self.counted_out[client] = out
            if self.counted_out.get (client) != out:
                counting.append (client)
        return counting

    def returning_before (self, client):
        """Others whose turn is first"""
        mine = self.member (client)
        return [other for other, member in self.members.items () if other != client and
                member.is_returning () and not (
                    mine.is_returning () and mine.returning < member.returning)]

    def may_still_come (self, client):
        """Batches of that client may be under way to here, as plain batches. Not of whom is counted
        out: all members that count published that they had applied it, and with it all that they
        had taken before. Nor of whom returns: it was counted out before."""
        return client in self.counting () and not self.member (client).is_returning ()

    def forgets (self):
        """Deletions are purged, but not while somebody returns: its fragments may bring a deletion that
        its half had published here before, and only who remembers it knows that it was applied"""
        return self.pool.purging and not (self.pool.on ("still") and any (
            member.is_returning () for member in self.members.values ()))

    def is_busy (self):
        """Writes get BUSY"""
        return self.copy is not None or self.ask is not None

    # ---- sealing

    def seal (self, operations, fragments=None, covers_=None, seen=None, past=0):
        batch = Batch ()
        batch.origin, batch.after, batch.upto = self.id, self.vector.get (self.id, 0), self.now ()
        batch.seen = dict (self.vector if seen is None else seen)
        batch.operations, batch.fragments = operations, fragments
        batch.covers, batch.past = covers_, past
        self.pool.say (self.id, "seals", batch)
        self.take (batch)
        self.owes = False
        return batch

    def state (self, what, client):
        self.pool.say (self.id, "says that", client, "is", what)
        self.seal ([Operation ("member", client, self.stamp (), {what: True})])

    def request (self, wishes):
        """One transaction: each wish sees the ones before it"""
        operations, drafts, seen = [], {}, dict (self.vector)
        counting = self.counting ()
        for action, key, name, conflict in wishes:
            rule = rule_of (key)
            draft = drafts.get (key) or (self.records[key].copy () if key in self.records
                                         else Record ())
            if self.forgets ():
                purge (draft, rule, lambda stamp: self.is_stable (stamp, counting))
            stamp = self.stamp ()
            values = {name: self.pool.value (f"{self.id}.{stamp[0]}")}
            operation = admit (draft, action, key, stamp, values, conflict, rule)
            if operation is None:
                continue
            operation.number, operation.knew = 1 << len (self.pool.operations), self.history
            self.pool.operations.append (operation)
            seen[self.id] = stamp[0] - 1
            join_operation (draft, operation, seen, rule)
            drafts[key] = draft
            self.history |= operation.number
            operations.append (operation)
        if operations:
            self.seal (operations)

    # ---- taking

    def can_take (self, batch):
        if batch.covers is None and batch.after != self.vector.get (batch.origin, 0):
            return False
        return all (self.vector.get (client, 0) >= time for client, time in batch.seen.items ()
                    if client != batch.origin)

    def take (self, batch):
        if batch.covers is not None:
            self._take_fragments (batch)
        past = dict (batch.seen)
        for operation in batch.operations:
            if operation.action == "member":
                (what,) = operation.values
                if what == "returning" and not self.pool.on ("returning"):
                    what = "back"
                self.members.setdefault (operation.key, Member ()).join (what, operation.stamp)
                if what == "back" and (operation.key, operation.stamp[1]) == (self.id, self.id):
                    self.came_back = operation.stamp
                continue
            self.history |= operation.number
            if self.place is not None and operation.key > self.place:
                continue
            past[batch.origin] = operation.stamp[0] - 1
            record = self.records.setdefault (operation.key, Record ())
            join_operation (record, operation, past, rule_of (operation.key))
        self.vector[batch.origin] = batch.upto
        published = self.published.setdefault (batch.origin, {})
        seen = batch.seen
        if batch.covers is not None and self.pool.on ("covers"):
            self.vector = united (self.vector, batch.covers)
            seen = united (seen, batch.covers)
        for client, time in seen.items ():
            if published.get (client, 0) < time:
                published[client] = time
        published[batch.origin] = batch.upto
        self.log.append (batch)
        self.clock = max (self.clock, batch.upto)
        self.history |= batch.past
        if batch.origin != self.id and not batch.is_empty ():
            self.owes = True

    def _take_fragments (self, batch):
        for key, fragment in batch.fragments.items ():
            if self.place is not None and key > self.place:
                continue
            record = self.records.setdefault (key, Record ())
            before = record.copy ()
            ended = join_fragment (record, fragment, batch.seen, rule_of (key), self.pool.off)
            if ended and any (stamp[1] == self.id and not covers (batch.covers, stamp)
                              for stamp in before.life ()):
                self.pool.report (key, self, before)

    def acknowledge (self):
        if self.owes and not self.is_busy ():
            self.seal ([])

    def sweep (self):
        """Purges and flushes. Not a restored node: its own later batches are still to come, and have
        not seen what all members have."""
        if self.copy is not None or self.ask == "restored" and self.pool.on ("sweeps"):
            return
        counting = self.counting ()
        if self.forgets ():
            for key, record in list (self.records.items ()):
                purge (record, rule_of (key), lambda stamp: self.is_stable (stamp, counting))
                if record.is_nothing ():
                    del self.records[key]
                    self.pool.purged += 1
                    self.pool.say (self.id, "purges", key)
        acknowledged = [self.published.get (client, {}) for client in counting
                        if client != self.id]
        if not self.pool.on ("published"):
            acknowledged = [united (self.published.get (client, {}), self.heard.get (client, {}))
                            for client in counting if client != self.id]
        kept = []
        for batch in self.log:
            if all (vector.get (batch.origin, 0) >= batch.upto for vector in acknowledged):
                self.flushed[batch.origin] = max (batch.upto,
                                                  self.flushed.get (batch.origin, 0))
            else:
                kept.append (batch)
        self.log = kept

    # ---- links

    def is_deferred (self, batch):
        return self.pool.on ("drift") and batch.upto > self.physical () + DRIFT_MAX

    def pull (self, peer, most):
        """Takes from the peer, in the peer's commit order. How many batches, or None: it needs what
        the peer has flushed."""
        if not self.pool.on ("published"):
            self.heard[peer.id] = dict (peer.vector)
        if all (self.vector.get (client, 0) >= time for client, time in peer.vector.items ()):
            return 0
        if any (self.vector.get (client, 0) < time for client, time in peer.flushed.items ()):
            if self.pool.on ("flushed"):
                return None
        taken = 0
        for batch in list (peer.log):
            if taken >= most or peer.ask and not peer.offers (batch):
                break
            if batch.upto <= self.vector.get (batch.origin, 0) or not self.can_take (batch):
                continue
            if self.is_deferred (batch):
                self.pool.deferred += 1
                continue
            self.take (batch)
            taken += 1
            if self.pool.on ("fence") and self.out (peer.id):
                break
        return taken

    # ---- joining and returning: a copy beside what is here, then the comparison

    def begin_copy (self, since=None):
        self.copy = Node (self.pool, self.id)
        self.copy.place, self.copy.since, self.copy.skew = "", since, self.skew

    def begin_return (self, giver):
        self.pool.say (self.id, "asks", giver.id, "to return")
        self.in_vain = giver.id, 0
        giver.state ("returning", self.id)
        giver.expects[self.id] = self.pool.step
        self.begin_copy (giver.members[self.id].returning)

    def is_expecting (self):
        """Somebody was told lately that it may return to this node"""
        return any (self.pool.step - since < EXPECTS and self.pool.nodes[client].copy is not None
                    for client, since in self.expects.items ())

    def half (self):
        """Those that go on together, as this node knows it: who only joins has nothing to go on with. Where all
        are out, whoever was admitted first is left: somebody has to be returned to"""
        there = [client for client in self.admitted () if not self.member (client).removed
                 and (client == self.id or client in self.vector)]
        together = [client for client in there if not self.out (client)]
        if not together and there and self.pool.on ("left"):
            return [min (there, key=lambda client: self.member (client).admitted)]
        return together

    def may_serve (self, client):
        if self.copy is not None or self.ask:
            return False
        if self.out (self.id) and self.id not in self.half () and not (
                self.pool.on ("gives") and client.has_to_return_to (self)):
            return False
        return not self.pool.on ("served") or client.id in self.members and (
            not self.member (client.id).removed)

    def copy_from (self, giver):
        """One step of the copy. True if it came on."""
        self.copy.tries += 1
        if self.copy.tries > COPY_TRIES:
            return self.begin_copy_again ()
        if not giver.may_serve (self):
            return False
        copy, member = self.copy, giver.member (self.id)
        if self.pool.on ("served") and (member.returning or (0, 0)) < (copy.since or (0, 0)):
            return False
        if member.out () and not member.is_returning ():  # declared again meanwhile
            giver.state ("returning", self.id)
            self.begin_copy (giver.members[self.id].returning)
            copy = self.copy
        back = giver.member (giver.id).back
        if copy.giver is not None and self.pool.on ("whose") and not covers (copy.vector, back):
            self.begin_copy (copy.since)  # it has returned since: what was copied is of another half
            copy = self.copy
        if copy.giver is None:
            if self.pool.on ("drift") and giver.clock > self.physical () + DRIFT_MAX:
                self.pool.deferred += 1
                return False
            copy.begin_with (giver)
        came_on = copy.chunk_from (giver) or copy.place is None and self.finish (copy)
        if came_on:
            copy.tries = 0
        return came_on

    def begin_copy_again (self):
        """Who served it is gone, or has gone back itself"""
        self.copy = None
        if self.vector:
            self.in_vain = self.in_vain[0], self.pool.step + 2
            return True
        self.begin_copy ()
        return False

    def begin_with (self, giver):
        self.vector, self.giver = dict (giver.vector), giver.id
        self.published = {client: dict (seen) for client, seen in giver.published.items ()}
        self.members = {client: member.copy () for client, member in giver.members.items ()}
        self.log, self.flushed = list (giver.log), dict (giver.flushed)
        self.counted_out, self.history = dict (giver.counted_out), giver.history

    def chunk_from (self, giver):
        """The next record; with it the batches since the one before. True if there was one."""
        if self.pool.on ("together"):
            for one, other in ((giver, self), (self, giver)):
                for batch in list (other.log):
                    if batch.upto > one.vector.get (batch.origin, 0) and one.can_take (batch) and (
                            one is self or not one.is_deferred (batch)):
                        one.take (batch)
            if giver.vector != self.vector:
                return False  # another member goes on once it has this vector
        if self.place is None:
            return False
        keys = sorted (key for key in giver.records if key > self.place)
        for key in keys[:1]:
            self.records[key] = giver.records[key].copy ()
            self.place = key
        if len (keys) <= 1:
            self.place = None
        return True

    def finish (self, copy):
        """Compares what was here with the copy, and goes on with both. False: not yet."""
        if self.pool.on ("caughtup") and any (
                copy.vector.get (client, 0) < time and copy.may_still_come (client)
                for client, time in self.vector.items () if client != self.id):
            return False
        if self.vector and self.pool.on ("turns") and any (
                not self.is_passed_by (other, copy) for other in copy.returning_before (self.id)):
            return False
        own = self.own_watermark (copy)
        if own is None:
            return False
        self.pool.say (self.id, "has copied", copy.vector, "and had", self.vector)
        mine = dict (self.vector)
        if own:
            mine[self.id] = own
        elif self.id in mine:
            del mine[self.id]
        theirs = dict (copy.vector)
        records, members, history = self.records, self.members, self.history
        clock = max ([self.clock] + list (copy.vector.values ()) + list (mine.values ()))
        for name in ("vector", "published", "members", "log", "flushed", "counted_out", "records"):
            setattr (self, name, getattr (copy, name))
        self.history |= copy.history
        self.clock, self.heard = clock, {}
        self.look_for_fork (theirs.get (self.id, 0))
        self.copy = self.ask = self.in_vain = None
        self.told, self.wrote = {}, 0
        if not mine:
            self.owes = True  # a newcomer that had nothing
            return True
        self.pool.returns += 1
        operations = self.pool_news (members, theirs)
        fragments = self.fragments (records, Returner (self.id, mine, theirs, self.stamp,
                                                      self.pool.off))
        self.seal (operations, fragments, mine, theirs, history & ~copy.history)
        return True

    def is_passed_by (self, client, copy):
        """A restored node does not get on with what it copies, if anything: whoever has what it wrote later may wait
        for others, and they for it. Or it was to return here, where nobody is served now"""
        if self.pool.on ("own turn") and copy.member (client).returning[1] == self.id:
            return True
        other = self.pool.nodes[client]
        return self.pool.on ("waited") and other.ask == "restored" and (
            other.copy is None or other.own_watermark (other.copy) is None)

    def fragments (self, records, returner):
        fragments = {}
        for key in sorted (set (records) | set (self.records)):
            rule = rule_of (key)
            fragment, lost = compare (records.get (key), self.records.get (key), rule, returner)
            if lost is not None:
                self.pool.report (key, self, lost)
            if fragment is not None:
                fragments[key] = fragment
        return fragments

    def pool_news (self, mine, theirs):
        """What its half did to the pool, then anew whom the joined half counts"""
        operations = []

        def anew (what, client):
            operations.append (Operation ("member", client, self.stamp (), {what: True}))

        for client, member in mine.items ():
            there = self.members.get (client)
            news = [(what, getattr (member, what)) for what in Member.__slots__
                    if not covers (theirs, getattr (member, what))]
            for what, stamp in news:
                if self.pool.on ("members") or what in ("admitted", "removed"):
                    operations.append (Operation ("member", client, stamp, {what: True}))
            if not self.pool.on ("members"):
                continue
            kinds = {what for what, _ in news}
            if client == self.id:
                continue
            if member.admitted and there is None:
                anew ("stale", client)
            elif there is not None and "stale" in kinds and not there.out ():
                anew ("back", client)
            elif there is not None and kinds & {"back", "returning"} and (
                    there.out () and not there.removed):
                anew ("stale", client)
        anew ("back", self.id)
        return operations

    # ---- asking everybody: restored from a backup, or a clock put right

    def asks (self, peer):
        """Over a link, so of whom it knows. A copy that is under way there counts too."""
        if self.knows (peer.id):
            held = united (peer.vector, peer.copy.vector if peer.copy else {})
            self.told[peer.id] = held.get (self.id, 0), {
                client: member.copy () for client, member in peer.members.items ()}

    def knows (self, client):
        """A member; or who was named to a restored node, that has forgotten its admission"""
        return client in self.members or self.ask == "restored" and self.pool.on ("named") and (
            client in self.needed ())

    def removed (self):
        return {client for client, member in self.members.items () if member.removed}

    def needed (self):
        """All that were not removed, for who was out then may have come back since; and whom they name: a restored node
        may not know all any more. Not whom only somebody names that is out: what they have was not seen by those
        that go on here"""
        needed = set ()
        named = {client for client in self.admitted () if not self.member (client).removed}
        while named:
            needed |= named
            named = {other for client in named if client in self.told
                     for other in not_out (self.told[client][1])} - needed
        return needed

    def excused (self, needed):
        """By what a restored node was told, not by what it knew: (whom it does not wait for, since they are out; who was
        removed). Who is out only those say that do not keep it out itself: else it might be who has what it wrote"""
        view = {client: Member () for client in self.removed ()}
        for client in view:
            view[client].removed = self.members[client].removed
        for client in needed & set (self.told):
            members = self.told[client][1]
            kept_out = members.get (self.id, NOBODY).out ()
            for other, member in members.items ():
                for what in ("removed",) if kept_out else Member.__slots__:
                    view.setdefault (other, Member ()).join (what, getattr (member, what))
        return ({client for client, member in view.items ()
                 if member.out () and self.pool.on ("excused")},
                {client for client, member in view.items () if member.removed})

    def asked (self):
        """The largest watermark of its own chain that anybody told. None: not all were asked.
        Where a chain may be cut (stamps) that is every member that was not removed."""
        restored = self.ask == "restored"
        if not self.pool.on ("asked" if restored else "accepted"):
            return 0
        needed = self.needed () if restored else set (self.admitted ())
        needed.discard (self.id)
        excused, removed = self.excused (needed) if restored else ((), self.removed ())
        needed -= set (removed)
        if needed - set (excused) - set (self.told):
            return None
        return max ((self.told[client][0] for client in needed & set (self.told)), default=0)

    def may_return_to (self, member):
        """A restored node returns when all were asked, to a member that has as much of it as any"""
        most = self.asked () if self.ask else 0
        return self.ask != "stamps" and most is not None and member.vector.get (self.id, 0) >= most

    def has_to_return_to (self, member):
        """A restored node, to who has what it wrote later"""
        return self.ask == "restored" and self.may_return_to (member) and (
            self.vector.get (self.id, 0) < member.vector.get (self.id, 0))

    def own_watermark (self, copy):
        """Up to where its own chain, as it has it here, is known elsewhere: what `covers` says of
        itself. None: this member has less of it than another."""
        own, there = self.vector.get (self.id, 0), copy.vector.get (self.id, 0)
        if self.ask is None:
            return own
        return min (own, there) if self.may_return_to (copy) else None

    def goes_on (self):
        """True if, having asked all, there is nothing to return for"""
        most, own = self.asked (), self.vector.get (self.id, 0)
        if self.copy is not None:
            return False
        if self.ask == "stamps" and own <= self.physical ():
            most = 0  # time has caught up with them
        elif most is None or self.ask == "restored" and own < most:
            return False
        elif self.ask == "stamps" and own > most:
            self.stamp_anew (most)
        self.look_for_fork (own)
        self.ask, self.told, self.wrote = None, {}, 0
        self.clock = max (self.clock, most)
        return True

    def look_for_fork (self, own):
        """For the checker: somebody has batches of ours that we do not take back"""
        for node in self.pool.nodes.values ():
            held = united (node.vector, node.copy.vector if node.copy else {})
            if node is not self and own < held.get (self.id, 0) <= self.wrote:
                self.pool.forked = 1

    def offers (self, batch):
        """Nothing that it may have to take back"""
        if self.ask != "stamps" or batch.origin != self.id:
            return True
        return batch.upto <= (self.asked () or 0)

    def stamp_anew (self, accepted):
        """What is ahead of all else that is here, and what nobody has accepted, is renamed: in its own
        batches, in the records and in the members. The order of all stamps that met here is kept, so
        each join ends as it did: nothing is taken back."""
        last = max ([self.physical (), accepted] + [
            time for client, time in self.vector.items () if client != self.id])
        self.clock = last if self.pool.on ("order") else accepted
        new = {stamp: (self.clock + place, self.id) for place, stamp in enumerate (sorted (
            stamp for stamp in self.stamps () if stamp[1] == self.id and stamp[0] > last), 1)}
        self.clock += len (new)
        self.pool.renamed += 1
        self.renamed += (last,)
        if any (node.vector.get (self.id, 0) > last and self.member (node.id).removed
                for node in self.pool.nodes.values ()):
            self.pool.forked = 1  # who was removed is not asked, and may yet give a copy
        self.pool.say (self.id, "stamps anew", {show_stamp (stamp): show_stamp (to)
                                                for stamp, to in new.items ()})
        self.rename (new, accepted if self.pool.on ("own") else 1 << 60)
        self.pool.stamp_anew (self.id, new)  # last: it changes the operations that it shares

    def stamps (self):
        """Each that is here"""
        stamps = {(time, client) for client, time in self.vector.items ()}
        for record in self.records.values ():
            stamps.update (record.life () + record.deletions ())
        for member in self.members.values ():
            stamps.update (getattr (member, what) for what in Member.__slots__)
        for batch in self.log:
            stamps.add ((batch.upto, batch.origin))
            stamps.update (operation.stamp for operation in batch.operations)
            for fragment in (batch.fragments or {}).values ():
                stamps.update (fragment.life () + fragment.deletions ())
        return stamps - {None}

    def rename (self, new, accepted):
        def vector (old):
            return {client: new.get ((time, client), (time, client))[0]
                    for client, time in old.items ()}

        self.vector, self.flushed, self.published = vector (self.vector), vector (self.flushed), {
            client: vector (seen) for client, seen in self.published.items ()}
        for record in self.records.values ():
            record.stamp_anew (new)
        for member in self.members.values ():
            for what in Member.__slots__:
                stamp = getattr (member, what)
                setattr (member, what, new.get (stamp, stamp))
        self.counted_out = {client: new.get (stamp, stamp)
                            for client, stamp in self.counted_out.items ()}
        self.came_back = new.get (self.came_back, self.came_back)
        self.log = [batch.renamed (new, vector, accepted)
                    if batch.origin == self.id and (batch.upto, self.id) in new else batch
                    for batch in self.log]


# ---- a link between two nodes is up

def seniority (node):
    """Of two halves the one with the earliest-admitted member stays; in one, who belongs to it"""
    half = node.half ()
    return min ((node.member (client).admitted for client in half), default=(1 << 60, 0)), (
        node.id not in half)


def meet (one, other, most=1 << 30):
    """True if anything changed"""
    for node, peer in ((one, other), (other, one)):
        if node.ask:
            node.asks (peer)
            if node.goes_on ():
                return True
    if one.copy or other.copy:
        return False
    pool = one.pool
    if pool.on ("known") and not (one.knows (other.id) and other.knows (one.id)):
        return False
    declared, declares = is_kept_out (one, other), is_kept_out (other, one)
    if pool.on ("fence") and (declared or declares):
        if other.member (one.id).removed or one.member (other.id).removed:
            return False
        for who, to in ((one, other), (other, one)):
            if pool.on ("most") and who.has_to_return_to (to):
                return may_return (who, to)
        if declared and declares:
            who, to = (one, other) if seniority (one) > seniority (other) else (other, one)
        else:
            who, to = (one, other) if declared else (other, one)
        return may_return (who, to)
    return exchange (one, other, most)


def is_kept_out (who, by):
    """Whoever has applied what keeps it out knows better whether it has returned since; but not to
    somebody who is out here itself, by what the returner had not heard of: that was another half"""
    out = by.out (who.id)
    if not out:
        return False
    if not covers (who.vector, out) or who.out (who.id):
        return True
    back = who.came_back if by.pool.on ("own word") else who.member (who.id).back
    if by.pool.on ("itself") and (back is None or back[1] != who.id or back < out):
        return True
    returning = who.member (who.id).returning
    return by.pool.on ("half") and returning is not None and returning[1] != by.id and bool (
        by.out (returning[1]))


def may_return (who, to):
    if not to.may_serve (who) or not who.may_return_to (to):
        return False
    if who.pool.on ("expected") and who.is_expecting ():
        return False
    if who.in_vain and who.in_vain[0] == to.id and who.pool.step <= who.in_vain[1]:
        return False  # somebody else first
    if to.pool.on ("drift") and to.clock > who.physical () + DRIFT_MAX:
        return False  # its next batch would be deferred
    member = to.member (who.id)
    if to.pool.on ("countedout") and member.out () and not member.is_returning () and (
            who.id in to.counting ()):
        return False
    who.begin_return (to)
    return True


def exchange (one, other, most):
    changed = 0
    for node, peer in ((one, other), (other, one)):
        if node.ask == "stamps" or node.ask and node.pool.on ("takes") and (
                not node.has_to_return_to (peer)):
            continue
        is_for_copying = node.ask and peer.out (peer.id)  # its log goes nowhere
        taken = None if is_for_copying else node.pull (peer, most)
        if taken is None:
            if may_return (node, peer):
                return True
            continue
        changed += taken
    return changed > 0
