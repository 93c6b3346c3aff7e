#!/usr/bin/python3
"""model: pools of tidepool at random, by seed, under the rules of README.md

    model.py SCENARIO [SEEDS [FIRST]]    runs; SCENARIO may be `each`
        -x RULE   switches a rule off (any number of times)
        -k KEYS   only these keys: g grow-only, w delete wins, l delete latest (g1,w1,w2,l1,l2)
        -j JOBS   processes (1)
        -t        tells the run of FIRST as a story
    model.py rules                       what can be switched off
"""

import argparse
import collections
import multiprocessing
import sys

from node import RULES
from scenario import KEYS, SCENARIOS, run

SHARE = 500  # seeds that a process takes at a time


def run_share (share):
    scenario, first, count, off, keys = share
    total, failures = collections.Counter (), []
    for seed in range (first, first + count):
        result, wrong = run (scenario, seed, off, keys=keys)
        pool = result.pool
        total.update (seeds=1, returns=pool.returns, purged=pool.purged, reports=pool.reports,
                      forked=pool.forked, renamed=pool.renamed, merged=pool.merged)
        if wrong:
            failures.append ((len (pool.operations), seed, wrong[0]))
    return total, failures


def run_seeds (scenario, first, count, off=(), keys=KEYS, jobs=1):
    shares = [(scenario, at, min (SHARE, first + count - at), tuple (off), keys)
              for at in range (first, first + count, SHARE)]
    total, failures = collections.Counter (), []
    if jobs > 1:
        with multiprocessing.Pool (jobs) as pool:
            results = list (pool.imap_unordered (run_share, shares))
    else:
        results = map (run_share, shares)
    for share, failed in results:
        total.update (share)
        failures += failed
    return total, failures


def summary (scenario, total, failures):
    """One line, then for each kind of failure how many, and the seed with the fewest operations"""
    lines = [f"{scenario}: {total['seeds']} seeds, {total['returns']} returns, "
             f"{total['purged']} purged, {total['reports']} reported, "
             f"{total['forked']} forked, {total['renamed']} stamped anew in place, "
             f"{total['merged']} merged, {len (failures)} failed"]
    kinds = {}
    for failure in failures:
        kinds.setdefault (failure[2].split ()[0], []).append (failure)
    for kind, failed in sorted (kinds.items ()):
        operations, seed, text = min (failed)
        lines.append (f"    {kind} {len (failed)}; smallest: seed {seed}, {operations} operations: "
                      f"{text[:240]}")
    return "\n".join (lines)


def tell_story (scenario, seed, off, keys):
    result, wrong = run (scenario, seed, off, tell=print, keys=keys)
    for node in result.pool.nodes.values ():
        print (f"{node.id} at the end: {node.vector}")
        for key, record in sorted (node.records.items ()):
            print (f"        {key} {record}")
    print ("\n".join (wrong) or "nothing is wrong")
    return not wrong


def main ():
    parser = argparse.ArgumentParser (usage=__doc__)
    parser.add_argument ("scenario", choices=[*SCENARIOS, "each", "rules"])
    parser.add_argument ("seeds", type=int, nargs="?", default=1000)
    parser.add_argument ("first", type=int, nargs="?", default=1)
    parser.add_argument ("-x", dest="off", action="append", choices=list (RULES), default=[])
    parser.add_argument ("-k", dest="keys", type=lambda text: text.split (","), default=KEYS)
    parser.add_argument ("-j", dest="jobs", type=int, default=1)
    parser.add_argument ("-t", dest="tell", action="store_true")
    wanted = parser.parse_args ()
    if wanted.scenario == "rules":
        for name, what in RULES.items ():
            print (f"{name:10} {what}")
        return 0
    if wanted.tell:
        return 0 if tell_story (wanted.scenario, wanted.first, wanted.off, wanted.keys) else 1
    failed = 0
    for scenario in SCENARIOS if wanted.scenario == "each" else [wanted.scenario]:
        total, failures = run_seeds (scenario, wanted.first, wanted.seeds, wanted.off,
                                     tuple (wanted.keys), wanted.jobs)
        print (summary (scenario, total, failures), flush=True)
        failed += len (failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit (main ())
