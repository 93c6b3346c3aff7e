"""What a client that returns has to say of one record: its state compared with the member's

`compare` is a pure function of both states and both vectors. What one side has and the other lacks
explains itself by the other's vector. Three sentences decide most of it:

    - if the member has nothing here that this client has not seen, the record shall look as here
    - if this client has nothing that the member has not seen, it shall look as there
    - if both have news, they are joined; only a record that one side has deleted and purged needs a
      name for its life, and that is `created`
"""

from records import (GSET, LATEST, WINS, Record, covers, earliest, is_alive, join_fragment, latest,
                     news_of, show, stands)


class Returner:
    """Who it is, both vectors, its clock, and which rules are switched off"""

    def __init__ (self, client, mine, theirs, now, off=frozenset ()):
        self.client, self.mine, self.theirs, self.now, self.off = client, mine, theirs, now, off


def compare (here, there, rule, returner):
    """(fragment to issue or None, what goes to lost_and_found or None)"""
    here, there = here or Record (), there or Record ()
    if rule == GSET:
        fragment, lost = news_of (here, returner.theirs), None
    elif rule == WINS:
        fragment, lost = _compare_wins (here, there, returner)
    else:
        fragment, lost = _compare_latest (here, there, returner)
    if lost is not None and not lost.life ():
        lost = None
    return (fragment if fragment.life () or fragment.deleted else None), lost


def is_gone (record, vector, other, returner):
    """Deleted and purged on the other side: it knew something of this life, and has none or a later one. Not
    only its create: a smaller one, which that side did not know, may have come to it since."""
    known = [record.created] if "some" in returner.off else record.writes ()
    return "gone" not in returner.off and any (
        stamp and covers (vector, stamp) and (other.created is None or other.created > stamp)
        for stamp in known)


def only_deletions (news):
    rest = Record ()
    rest.deleted = news.deleted
    return rest


def _compare_wins (here, there, returner):
    news = news_of (here, returner.theirs)
    if not news.deleted and is_gone (there, returner.mine, here, returner):
        time, client = returner.now ()  # the deletion was purged here and has no timestamp any more
        news.deleted[client] = time
    unseen = any (not covers (returner.mine, stamp) for stamp in there.deletions ())
    if unseen or is_gone (here, returner.theirs, there, returner):
        return only_deletions (news), news
    if news.deleted:  # whatever is alive here has seen these deletions: all of it is news there
        whole = here.copy ()
        whole.deleted = news.deleted
        return whole, None
    return news, None


def _compare_latest (here, there, returner):
    news = news_of (here, returner.theirs)
    if news.floor and not news.created and not stands (here):
        news.created = news.floor  # an overwrite alone: a floor before the life is a deletion's
    if there.is_nothing ():
        if is_gone (here, returner.theirs, there, returner):
            return Record () if "over" not in returner.off else only_deletions (news), news
        return (whole_of (here, None, returner) if news.life () else news), None
    if is_alive (there, LATEST):
        return _compare_latest_alive (here, there, news, returner), None
    if not news.life ():
        return news, None
    end = there.deletion ()
    if here.written < end:
        return only_deletions (news), news if is_alive (here, LATEST) else None
    whole = whole_of (here, end, returner)
    whole.deleted[end[1]] = max (end[0], whole.deleted.get (end[1], 0))  # not yet stable
    return whole, None


def _compare_latest_alive (here, there, news, returner):
    if not there.covered_by (returner.mine) or "stands" in returner.off:
        return _beside (there, news) if "beside" not in returner.off else news
    joined = there.copy ()
    join_fragment (joined, news, returner.theirs, LATEST)
    if show (joined, LATEST) == show (here, LATEST):
        return news
    if is_alive (here, LATEST):
        after = (there.written[0] + 1, returner.client)  # what bears the floor's own stamp shows
        return whole_of (here, after, returner)
    time, client = returner.now ()
    news.deleted[client] = time
    return news


def _beside (there, news):
    """Unseen writes keep it alive, with all that it has. What is older than the deletion on which its life stands is
    over. What is not shows beside it, also where that deletion becomes known later: so it bears its `written`"""
    if not news.writes ():
        return news
    if stands (there) and max (news.writes ()) < there.floor:
        return only_deletions (news)
    news.written = latest (news.written, there.written)
    return news


def whole_of (here, floor, returner):
    """All of it, on top of a life that is over: what shows and is older than that takes its stamp"""
    whole = here.copy ()
    whole.whole = True
    if floor is None or "floor" in returner.off:
        return whole
    whole.floor = latest (whole.floor, floor)
    if "kept" not in returner.off:
        for name, value in show (here, LATEST) or ():
            stamp = whole.strong[name][0] if name in whole.strong else None
            whole.strong[name] = (latest (stamp, floor), value)
    whole.created = earliest (whole.created, whole.floor)  # or it would hide no weak values
    return whole
