"""Small pools at random, by seed: partitions, declarations, returns, and then silence

A scenario is a set of things that may happen. A seed gives the same run each time.
"""

import copy as copies
import random

from checks import check, living
from node import DRIFT_MAX, Node, Pool, meet
from records import Operation

KEYS = ("g1", "w1", "w2", "l1", "l2")
NODES_MAX = 5
ROUNDS_MAX = 160
STALE_AFTER = 25
QUIET_MAX = STALE_AFTER + 1  # rounds in which a copy may find nobody to go on with, and who is unseen is declared
SCENARIOS = {
    "plain": set (),
    "join": {"join"},
    "removal": {"remove"},
    "stale": {"cut", "declare"},
    "halves": {"cut", "declare", "many"},
    "split": {"split", "many"},
    "drift": {"drift"},
    "stamps": {"drift", "right"},
    "old": {"backup", "late", "cut", "declare", "join"},
    "restore": {"backup", "cut", "join", "drift"},
    "all": {"cut", "declare", "join", "remove"},
    "clocks": {"cut", "declare", "join", "remove", "drift", "right", "many"},
    "everything": {"cut", "declare", "join", "remove", "drift", "right", "backup", "many"},
}
# Nobody returns there, so purging must not show at all.
WITHOUT_RETURNS = ("plain", "join", "removal", "drift")


class Run:
    def __init__ (self, scenario, seed, off=(), purging=True, tell=None, keys=KEYS):
        self.random = random.Random (seed)
        self.events, self.scenario = SCENARIOS[scenario], scenario
        self.pool = Pool (off, purging, tell)
        many = "many" in self.events
        self.count = self.random.choice ((3, 4, 4, 5) if many else (3, 3, 4))
        self.found ()
        self.keys = self.random.sample (keys, min (len (keys), self.random.choice ((1, 2, 3))))
        self.busy = self.random.choice ((1, 3))
        self.steps = self.random.choice (
            (90, 150) if "late" in self.events else
            (60, 90) if "split" in self.events else (15, 30, 60))
        self.part, self.removed, self.backups, self.ahead = None, 0, {}, None

    def found (self):
        nodes = self.pool.nodes
        for client in range (self.count):
            nodes[client] = Node (self.pool, client)
            nodes[client].skew = self.random.choice ((0, 0, 7, 40, -30))
        founder = nodes[0]
        founder.seal ([Operation ("member", client, founder.stamp (), {"admitted": True})
                       for client in range (self.count)])
        for client in range (1, self.count):
            nodes[client].take (founder.log[0])

    def is_up (self, one, other):
        return self.part is None or (one.id in self.part) == (other.id in self.part)

    def node (self):
        return self.pool.nodes[self.random.choice (list (self.pool.nodes))]

    def run (self):
        for _ in range (self.steps):
            self.pool.step += 1
            self.step ()
        self.heal ()
        wrong = self.settle ()
        return [] if self.pool.forked else wrong

    # ---- what may happen

    def step (self):
        chance, one, other = self.random.random (), self.node (), self.node ()
        event, target = self.random.random (), self.node ()
        if self.happens (event, one, target):
            return
        if one.copy is not None:
            if one is not other and self.is_up (one, other) and not other.copy:
                one.copy_from (other)
        elif chance < .12 * self.busy:
            if not one.is_busy ():
                one.request (self.wishes ())
        elif chance < .75:
            if one is not other and self.is_up (one, other):
                meet (one, other, self.random.choice ((1, 1, 2, 99)))
        elif chance < .9:
            one.acknowledge ()
        else:
            one.sweep ()

    def wishes (self):
        choice = self.random.choice
        wishes = [(choice (("create", "create", "update", "delete")), choice (self.keys),
                   choice ("ab"), choice ((None, "merge", "merge", "ignore", "overwrite")))]
        if self.random.random () < .3:
            wishes.append (("create", choice (self.keys), "a", "merge"))
        return wishes

    def happens (self, event, one, target):
        """True if something did that takes the step"""
        if "split" in self.events and self.split (event, one, target):
            return True
        if "cut" in self.events and event < .06:
            self.cut ()
        if "declare" in self.events and event > .9 and self.can_say (one, target) and (
                not self.is_up (one, target)):
            one.state ("stale", target.id)
            return True
        if "remove" in self.events and .85 < event < .9 and not self.removed and target.id and (
                self.can_say (one, target) and not one.out (one.id)):
            one.state ("removed", target.id)
            self.removed += 1
            return True
        if "join" in self.events and .8 < event < .85 and len (self.pool.nodes) < NODES_MAX and (
                not one.is_busy () and not one.out (one.id)):
            self.join (one)
            return True
        if "drift" in self.events and .76 < event < .8 and self.ahead is None:
            self.ahead, one.skew = one, self.random.choice ((300, 600))
            self.pool.say (one.id, "'s clock runs ahead by", one.skew)
        if "right" in self.events and .72 < event < .76 and self.ahead:
            self.put_right ()
        if "backup" in self.events and .66 < event < .72:
            return self.backup (one)
        return False

    def split (self, event, one, target):
        """Two halves declare each other, go on for long enough to purge, and meet again"""
        step = self.pool.step
        if step == self.steps // 6:
            self.part = set (self.random.sample (range (self.count), self.count // 2))
            self.pool.say ("split off:", self.part)
        if step == self.steps * 3 // 4:
            self.part = None
            self.pool.say ("the halves meet")
        if event > .9:
            one.sweep ()
            return True
        if self.part and event > .75 and self.can_say (one, target) and (
                not self.is_up (one, target)):
            one.state ("stale", target.id)
            return True
        return False

    def can_say (self, one, target):
        return (one is not target and not one.is_busy () and target.id in one.members and
                not one.out (target.id))

    def cut (self):
        self.part = None
        if self.random.random () < .6:
            self.part = {client for client in self.pool.nodes if self.random.random () < .5}
        self.pool.say ("cut off:", self.part)

    def join (self, inviter):
        client = len (self.pool.nodes)
        inviter.state ("admitted", client)
        node = self.pool.nodes[client] = Node (self.pool, client)
        node.begin_copy ()

    def put_right (self):
        node, self.ahead = self.ahead, None
        node.skew = 0
        self.pool.say (node.id, "'s clock is put right")
        if node.copy is None and node.ask is None:
            node.ask, node.told = "stamps", {}

    def backup (self, one):
        kept = self.backups.pop (one.id, None)
        if "late" in self.events and self.steps // 4 < self.pool.step < self.steps * 3 // 4:
            if kept is not None:
                self.backups[one.id] = kept  # until its log is flushed elsewhere
            return False
        if kept is None:
            if one.copy is None and one.ask is None and len (self.backups) < 2:
                self.backups[one.id] = snapshot (one)
                self.pool.say (one.id, "is backed up")
            return False
        if one.copy is not None or one is self.ahead or self.random.random () < .5:
            return False
        self.pool.say (one.id, "is restored, with", kept.vector)
        kept.skew, kept.ask, kept.wrote = one.skew, "restored", one.vector.get (one.id, 0)
        own = kept.vector.get (kept.id, 0)
        if any (own > last for last in one.renamed[len (kept.renamed):]):
            self.pool.forked = 1  # it has the chain from before it was stamped anew
        if not kept.pool.on ("asked"):
            kept.ask = None
        self.pool.nodes[one.id] = kept
        return True

    # ---- silence

    def heal (self):
        self.part = None
        self.pool.say ("all links are up")
        if self.ahead and "right" in self.events:
            self.put_right ()
        elif "backup" in self.events:
            for node in self.pool.nodes.values ():
                node.skew = min (node.skew, 0)  # nobody can return to who is ahead for good

    def settle (self):
        """What went wrong, as a list of texts"""
        quiet = 0
        for round_ in range (ROUNDS_MAX):
            self.pool.step += 1
            self.pool.deferred, changed = 0, False
            nodes, live = list (self.pool.nodes.values ()), living (self.pool)
            for one in nodes:
                for other in nodes:
                    if one is other:
                        continue
                    came_on = (not other.copy and bool (one.copy_from (other))
                               if one.copy is not None else meet (one, other))
                    # Those who are nobody's members any more may go on for ever among themselves.
                    changed |= came_on and (one in live or other in live)
            for node in nodes:
                if node.owes and not node.is_busy ():
                    node.acknowledge ()
                    changed = True
                node.sweep ()
            waits = self.pool.deferred or any (node.copy or node.ask for node in nodes)
            # Who found a copy begun in vain is about to ask another member: that is not silence.
            changed |= any (node.in_vain and self.pool.step <= node.in_vain[1] for node in live)
            late = round_ % STALE_AFTER == STALE_AFTER - 1
            if "declare" in self.events and (late or not changed and not waits):
                changed |= self.declare_unseen (nodes, late)
            behind = min (node.physical () for node in nodes)
            if any (node.ask == "stamps" or node.clock > behind + DRIFT_MAX for node in nodes):
                changed = True  # time catches up in the end
            quiet = 0 if changed or self.pool.deferred else quiet + 1
            if quiet > (QUIET_MAX if any (node.copy or node.ask for node in nodes) else 0):
                return check (self.pool)
        return ["NEVER SILENT"]

    def declare_unseen (self, nodes, late):
        """A member over whose link the log does not come is not seen, and is declared in its turn,
        or three that declared each other in a circle would wait for ever. Nor is one that has never heard of
        whom it keeps waiting, or has been returning to somebody else, or asking, for so long."""
        for one in nodes:
            for other in nodes:
                unseen = other.out (one.id) and not other.member (one.id).removed or (
                    other.vector and one.id not in other.members)
                waits = other.copy and other.vector or other.ask == "restored"
                if (unseen or late and waits) and self.can_say (one, other):
                    one.state ("stale", other.id)
                    return True
        return False


def snapshot (node):
    """All of a node as it is: records and vectors copied, batches shared"""
    kept = copies.copy (node)
    kept.vector, kept.flushed = dict (node.vector), dict (node.flushed)
    kept.published = {client: dict (seen) for client, seen in node.published.items ()}
    kept.members = {client: member.copy () for client, member in node.members.items ()}
    kept.records = {key: record.copy () for key, record in node.records.items ()}
    kept.log, kept.counted_out = list (node.log), dict (node.counted_out)
    kept.told, kept.heard = {}, {}
    return kept


def same_operations (first, second):
    """A copy takes as many steps as there are records, and what is written to who copies is refused: with
    what would have been purged it may be another story"""
    told = [[(operation.stamp, operation.key, operation.action) for operation in one.pool.operations]
            for one in (first, second)]
    return told[0] == told[1]


def run (scenario, seed, off=(), tell=None, keys=KEYS):
    """(the run, what went wrong)"""
    first = Run (scenario, seed, off, tell=tell, keys=keys)
    wrong = first.run ()
    if scenario in WITHOUT_RETURNS and not wrong:
        if first.pool.returns:
            return first, ["RETURN without a reason"]
        second = Run (scenario, seed, off, purging=False, keys=keys)
        if not second.run () and same_operations (first, second) and (
                second.pool.shown != first.pool.shown):
            wrong = [f"PURGING SHOWS: {first.pool.shown} without it {second.pool.shown}"]
    return first, wrong
