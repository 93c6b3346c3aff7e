"""One shared record: its state, the join of an operation, and the join of a fragment

An operation is joined as in messages/record_join.c. A fragment is what a client that returns has
of a record and the member does not know: a partial state, joined as a whole by `join_fragment`.

A timestamp is (time, client); None is none. A vector is {client: time}.
"""

import copy as copies

GSET, WINS, LATEST = "gset", "wins", "latest"
RULE_OF_LETTER = {"g": GSET, "w": WINS, "l": LATEST}


def rule_of (key):
    """The resource of a record is the first letter of its key"""
    return RULE_OF_LETTER[key[0]]


def covers (vector, stamp):
    return stamp is None or vector.get (stamp[1], 0) >= stamp[0]


def latest (a, b):
    return b if a is None else a if b is None else max (a, b)


def earliest (a, b):
    return b if a is None else a if b is None else min (a, b)


def united (a, b):
    """The vector that covers what either covers"""
    both = dict (a)
    for client, time in b.items ():
        if both.get (client, 0) < time:
            both[client] = time
    return both


class Operation:
    """`number` and `knew` are the checker's: one bit for each operation of the run, and those of all
    the operations that its writer had applied; `earliest` its smallest timestamp, if stamped anew"""
    __slots__ = ("action", "key", "stamp", "values", "conflict", "floor", "number", "knew",
                 "earliest")

    def __init__ (self, action, key, stamp, values=None, conflict="merge", floor=None):
        self.action, self.key, self.stamp = action, key, stamp
        self.values, self.conflict, self.floor = values or {}, conflict, floor
        self.number = self.knew = 0
        self.earliest = stamp

    def renamed (self, new):
        other = copies.copy (self)
        other.stamp = new.get (self.stamp, self.stamp)
        other.floor = new.get (self.floor, self.floor)
        return other

    def __repr__ (self):
        values = " ".join (f"{name}={value}" for name, value in self.values.items ())
        conflict = "" if self.conflict == "merge" else f" {self.conflict}"
        floor = f" on top of {show_stamp (self.floor)}" if self.floor else ""
        return f"{self.action} {self.key}{conflict} {values} @{show_stamp (self.stamp)}{floor}"


def show_stamp (stamp):
    return f"{stamp[0]}/{stamp[1]}"


class Record:
    """The state of semantics.md. `deleted` is {client: time}, `strong` and `weak` are
    {property: (stamp, value)}. `whole` means something in a fragment only."""
    __slots__ = ("created", "written", "floor", "deleted", "strong", "weak", "whole")

    def __init__ (self):
        self.created = self.written = self.floor = None
        self.deleted, self.strong, self.weak = {}, {}, {}
        self.whole = False

    def copy (self):
        other = Record ()
        other.created, other.written, other.floor = self.created, self.written, self.floor
        other.deleted, other.strong, other.weak = (
            dict (self.deleted), dict (self.strong), dict (self.weak))
        return other

    def end_life (self):
        self.created = self.written = self.floor = None
        self.strong, self.weak = {}, {}

    def clear (self):
        self.end_life ()
        self.deleted = {}

    def stamp_anew (self, new):
        """`new` is {old: new}"""
        for name in ("created", "written", "floor"):
            stamp = getattr (self, name)
            setattr (self, name, new.get (stamp, stamp))
        for client, time in list (self.deleted.items ()):
            self.deleted[client] = new.get ((time, client), (time, client))[0]
        for registers in (self.strong, self.weak):
            for name, (stamp, value) in registers.items ():
                registers[name] = (new.get (stamp, stamp), value)

    def is_nothing (self):
        return self.created is None and not self.deleted

    def deletions (self):
        return [(time, client) for client, time in self.deleted.items ()]

    def deletion (self):
        """The largest, or None"""
        return max (self.deletions (), default=None)

    def life (self):
        """The stamps of all components but the deletions"""
        stamps = [stamp for stamp in (self.created, self.written, self.floor) if stamp]
        stamps += [stamp for stamp, _ in self.strong.values ()]
        return stamps + [stamp for stamp, _ in self.weak.values ()]

    def writes (self):
        """The stamps of all but what hides them"""
        stamps = [stamp for stamp in (self.created, self.written) if stamp]
        stamps += [stamp for stamp, _ in self.strong.values ()]
        return stamps + [stamp for stamp, _ in self.weak.values ()]

    def covered_by (self, vector):
        return all (covers (vector, stamp) for stamp in self.life () + self.deletions ())

    def __repr__ (self):
        parts = [f"{name} {show_stamp (getattr (self, name))}"
                 for name in ("created", "written", "floor") if getattr (self, name)]
        parts += [f"deleted {show_stamp (stamp)}" for stamp in self.deletions ()]
        for kind in ("strong", "weak"):
            parts += [f"{kind} {name}={value}@{show_stamp (stamp)}"
                      for name, (stamp, value) in sorted (getattr (self, kind).items ())]
        return ("whole " if self.whole else "") + "{" + ", ".join (parts) + "}"


def is_alive (record, rule):
    if record is None or record.created is None:
        return False
    if rule == LATEST and record.deleted:
        return record.written > record.deletion ()
    return True


def show (record, rule):
    """What an app sees: None, or the properties"""
    if not is_alive (record, rule):
        return None
    shown = {}
    if record.floor is None or stands (record):
        shown.update ((name, value) for name, (_, value) in record.weak.items ())
    for name, (stamp, value) in record.strong.items ():
        if record.floor is None or stamp >= record.floor:
            shown[name] = value
    return tuple (sorted (shown.items ()))


# ---- operations

def admit (record, action, key, stamp, values, conflict, rule):
    """What an app's request becomes on the state that it finds, or None where it is refused"""
    alive = is_alive (record, rule)
    if action == "create":
        if alive and conflict is None:
            return None
        floor = record.deletion () if record and rule == LATEST and not alive else None
        return Operation (action, key, stamp, values, conflict or "merge", floor)
    if not alive or rule == GSET:
        return None
    return Operation (action, key, stamp, {} if action == "delete" else values,
                      conflict or "merge")


def join_operation (record, operation, past, rule):
    """`past` is what the operation's writer had seen. Changes the record."""
    if rule == GSET:
        if operation.action == "create":
            _write (record, operation, weak=True)
    elif operation.action == "delete":
        if rule == WINS:
            record.end_life ()
        time, client = operation.stamp
        record.deleted[client] = max (time, record.deleted.get (client, 0))
    elif operation.action == "update" and record.created is None:
        pass  # deleted and purged here
    elif rule == WINS:
        if all (covers (past, stamp) for stamp in record.deletions ()):
            _write (record, operation, operation.conflict == "ignore")
    else:
        _join_latest (record, operation, past)


def _join_latest (record, operation, past):
    clear_if_dead (record, past)
    _stand_on (record, operation.floor)
    if stands (record) and not covers (past, record.floor):
        if operation.stamp < record.floor:
            return  # of the life before, and over
        _revive (record, record.floor)
    _write (record, operation, operation.conflict == "ignore")


def stands (record):
    """`latest`: a life stands on its floor if it began after it; an overwrite's floor is never before
    `created`"""
    return (record.floor is not None and record.created is not None and
            record.floor < record.created)


def _revive (record, floor):
    """A write of the life before, later than the deletion that ended it, shows beside the new life;
    from then on the floor counts as an overwrite"""
    record.floor = latest (record.floor, floor)
    record.created = floor


def _stand_on (record, floor):
    """A create that stands on a later deletion than this life does. What is not past that deletion is
    over. A life that begins past it and stands on nothing had a first writer who had purged it"""
    if floor is None or record.floor is not None and floor <= record.floor:
        return
    if record.floor is None and record.created is not None and floor < record.created:
        record.floor = floor
        return
    if record.written is not None and record.written > floor:
        _revive (record, floor)
    else:
        record.end_life ()
        record.floor = floor


def last_of (record, is_seen):
    return max (filter (is_seen, record.deletions ()), default=None)


def forget_until (record, deletion):
    """`latest`: what is later than a deletion is later than every smaller one"""
    record.deleted = {client: time for time, client in record.deletions ()
                      if (time, client) > deletion}


def clear_if_dead (record, past):
    """`latest`: what has seen a deletion by which the record is dead begins anew. A later one that it has
    not seen stays: it has nothing more to end there"""
    seen = last_of (record, lambda stamp: covers (past, stamp))
    if seen and (record.created is None or record.written < seen):
        record.end_life ()
        forget_until (record, seen)


def _write (record, operation, weak):
    stamp = operation.stamp
    if operation.action == "create":
        record.created = earliest (record.created, stamp)
    record.written = latest (record.written, stamp)
    if operation.conflict == "overwrite":
        record.floor = latest (record.floor, stamp)
    for name, value in operation.values.items ():
        _write_register (record.weak if weak else record.strong, name, stamp, value,
                         min if weak else max)


def _write_register (registers, name, stamp, value, choose):
    entry = (stamp, value)
    registers[name] = choose (registers[name], entry) if name in registers else entry


def purge (record, rule, is_stable):
    """Forgets the deletions that are causally stable"""
    if not record.deleted:
        return
    if rule == WINS:
        record.deleted = {client: time for client, time in record.deleted.items ()
                          if not is_stable ((time, client))}
        return
    stable = last_of (record, is_stable)
    if stable:
        if record.created is None or record.written < stable:
            record.end_life ()
        forget_until (record, stable)  # it takes the smaller ones along: what can still come is past it


# ---- fragments

def join_fragment (record, fragment, past, rule, off=frozenset ()):
    """`past`: what the member had. What the returner alone had seen does not count: of two that return
    at the same time the one may remember a deletion that the other has forgotten, and whoever comes
    first, it must end alike. Changes the record; true if it ended a life here, whether or not another
    begins. `off`: see RULES."""
    was_alive, ended = is_alive (record, rule), False
    if rule == WINS:
        ended = _join_deletions_that_win (record, fragment, off) and was_alive
    else:
        if fragment.whole and "whole" not in off:
            clear_if_dead (record, past)
        for client, time in fragment.deleted.items ():
            record.deleted[client] = max (time, record.deleted.get (client, 0))
    if rule == LATEST and fragment.writes () and "cut" not in off:
        if stands (record) and max (fragment.writes ()) < record.floor:
            return was_alive and not is_alive (record, rule)
        fragment = _cut (record, fragment, past)
    if rule != WINS or has_seen_deletions (fragment, record, past) or "judged" in off:
        _join_life (record, fragment)
    if record.created is None:
        record.end_life ()  # an update without a create
    return ended or was_alive and not is_alive (record, rule)


def _cut (record, fragment, past):
    """`latest`, two lives of which one stands on a deletion: what is not past it is over, what is and
    did not know of it shows beside. The fragment to be joined"""
    if stands (fragment) and record.created and record.floor != fragment.floor:
        if record.floor is None and fragment.floor < record.created and (
                covers (past, fragment.floor)):
            record.floor = fragment.floor  # its first writer had purged it
        elif max (record.writes ()) < fragment.floor:
            record.end_life ()
        else:
            fragment = fragment.copy ()
            _revive (fragment, fragment.floor)
    elif (stands (record) and record.floor != fragment.floor
          and not covers (past, record.floor)):
        _revive (record, record.floor)
    return fragment


def _join_deletions_that_win (record, fragment, off):
    """True if there was one that was not remembered"""
    ended = False
    for client, time in fragment.deleted.items ():
        if record.deleted.get (client, 0) < time or "once" in off:
            record.end_life ()
            record.deleted[client] = max (time, record.deleted.get (client, 0))
            ended = True
    return ended


def has_seen_deletions (fragment, record, past):
    return all (covers (past, stamp) or covers (fragment.deleted, stamp)
                for stamp in record.deletions ())


def _join_life (record, fragment):
    record.created = earliest (record.created, fragment.created)
    record.written = latest (record.written, fragment.written)
    record.floor = latest (record.floor, fragment.floor)
    for name, (stamp, value) in fragment.strong.items ():
        _write_register (record.strong, name, stamp, value, max)
    for name, (stamp, value) in fragment.weak.items ():
        _write_register (record.weak, name, stamp, value, min)


def join_states (one, other):
    """`latest`: two states of one record, as when digests differ (messages/record_merge.c)"""
    both = (other if _is_before (one, other) else one).copy ()
    if not _is_before (one, other) and not _is_before (other, one):
        _join_life (both, other)
    for client in {*one.deleted, *other.deleted}:
        both.deleted[client] = max (one.deleted.get (client, 0), other.deleted.get (client, 0))
    return both


def _is_before (record, other):
    """Is all of its life over by the deletion on which the other's stands?"""
    return record.written is not None and stands (other) and record.written < other.floor


def news_of (record, vector):
    """The components that the vector does not cover"""
    news = Record ()
    for name in ("created", "written", "floor"):
        if not covers (vector, getattr (record, name)):
            setattr (news, name, getattr (record, name))
    news.deleted = {client: time for client, time in record.deleted.items ()
                    if not covers (vector, (time, client))}
    for name in ("strong", "weak"):
        setattr (news, name, {key: entry for key, entry in getattr (record, name).items ()
                              if not covers (vector, entry[0])})
    return news
