"""What must hold when a pool has fallen silent, each a sentence of semantics.md

Judged by true histories, not by vectors: which operations each writer had applied.
"""

from records import GSET, LATEST, WINS, Record, is_alive, join_states, rule_of, show


def check (pool):
    """What is wrong, as texts; the first word names the check. What differs under `latest` the programs find by their
    digests, and merge: that is counted, unless a rule is switched off"""
    live = living (pool)
    if not live:
        return []
    wrong = look (pool, live)
    if not pool.off and wrong and all (text.startswith ("DIVERGED") for text in wrong):
        mend (pool, live)
        pool.merged, wrong = 1, look (pool, live)
    return wrong


def mend (pool, live):
    for key in {key for node in live for key in node.records if rule_of (key) == LATEST}:
        states = [node.records.get (key) or Record () for node in live]
        if len ({show (state, LATEST) for state in states}) > 1:
            merged = states[0]
            for state in states[1:]:
                merged = join_states (merged, state)
            for node in live:
                node.records[key] = merged.copy ()


def look (pool, live):
    wrong = []
    check_pool (live, wrong)
    check_equal (pool, live, wrong)
    check_kept (pool, live, wrong)
    check_content (pool, live, wrong)
    return wrong


def living (pool):
    nodes = pool.nodes.values ()
    live = [node for node in nodes
            if not any (other.member (node.id).removed for other in nodes)]
    # Whom a removed member admitted unheard is nobody.
    return [node for node in live if node.id in live[0].members]


def check_pool (live, wrong):
    for node in live:
        if node.copy is not None:
            wrong.append (f"JOIN {node.id} never became ready")
        if node.out (node.id):
            wrong.append (f"OUT {node.id} never returned")
        if node.ask:
            wrong.append (f"ASKING {node.id} is still asking: {node.ask}")
    views = {str (sorted ((client, bool (node.out (client))) for client in node.admitted ()))
             for node in live}
    if len (views) > 1:
        wrong.append (f"MEMBERS differ: {views}")


def check_equal (pool, live, wrong):
    if len ({tuple (sorted (node.vector.items ())) for node in live}) > 1:
        wrong.append (f"STUCK: vectors differ: { {node.id: node.vector for node in live} }")
    shown = {}
    for node in live:
        shown[node.id] = {key: show (record, rule_of (key))
                          for key, record in sorted (node.records.items ())
                          if is_alive (record, rule_of (key))}
    pool.shown = shown[live[0].id]
    for client, seen in shown.items ():
        if seen != pool.shown:
            wrong.append (f"DIVERGED {live[0].id}: {pool.shown} {client}: {seen}")


def check_kept (pool, live, wrong):
    """Nothing is kept for anybody"""
    if not pool.purging:
        return
    for node in live:
        if any (not is_alive (record, rule_of (key)) or record.deleted
                for key, record in node.records.items ()):
            wrong.append (f"KEPT a deletion at {node.id}")
        if any (batch.operations or batch.fragments for batch in node.log):
            wrong.append (f"KEPT a batch at {node.id}")


def check_content (pool, live, wrong):
    known = 0
    for node in live:
        known |= node.history
    by_key = {}
    for operation in pool.operations:
        if operation.number & known:
            by_key.setdefault (operation.key, []).append (operation)
    for key, operations in by_key.items ():
        shown = pool.shown.get (key)
        shown = None if shown is None else dict (shown)
        deletions = [operation for operation in operations if operation.action == "delete"]
        writes = [operation for operation in operations if operation.action != "delete"]
        check_ghosts (key, shown, writes, deletions, wrong)
        check_losses (pool, key, shown, writes, deletions, wrong)


def check_ghosts (key, shown, writes, deletions, wrong):
    """What a deletion had seen does not show again"""
    if shown is None:
        return

    def is_over (write):
        return any (deletion.knew & write.number for deletion in deletions)

    if rule_of (key) == WINS:
        for write in writes:
            if is_over (write) and any (shown.get (name) == value
                                        for name, value in write.values.items ()):
                wrong.append (f"GHOST {write}")
    if rule_of (key) == LATEST and all (is_over (write) for write in writes):
        wrong.append (f"GHOST {key}: a deletion had seen all of it")


def check_losses (pool, key, shown, writes, deletions, wrong):
    """A create that had seen every deletion stands, or is reported. Under `latest` what nothing is left of goes with what
    took its place"""
    for write in writes:
        if write.action != "create" or any (not write.knew & deletion.number
                                            for deletion in deletions):
            continue
        lost = None
        replaced = all (is_overwritten (write, name, writes) for name in write.values)
        if shown is None and rule_of (key) == LATEST and replaced:
            continue
        if shown is None:
            lost = f"LOST record: {write}"
        elif write.conflict != "ignore" and rule_of (key) != GSET:
            for name, value in write.values.items ():
                if shown.get (name) != value and not is_overwritten (write, name, writes):
                    lost = f"LOST value: {write}"
        if lost and any (key == reported and history & write.number
                         for reported, history in pool.reported):
            pool.reports += 1
        elif lost:
            wrong.append (lost)


def is_overwritten (write, name, writes):
    return any (other is not write and other.stamp > write.earliest and (
        name in other.values and other.conflict != "ignore"
        or other.conflict == "overwrite") for other in writes)
