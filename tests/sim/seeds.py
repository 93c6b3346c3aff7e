"""Runs seeds of the random pools (test_random.c), says which failed and by which checker, makes one smaller."""

import collections
import os
import re
import subprocess
import time

#  The beginnings of the tests' names, and how many events each has.
KINDS = {"pools_converge": 150, "pools_whose_members_are_counted": 100,
         "pools_whose_members_are_put": 80}
DEADLINE_S = 60  # for a seed: one that is caught may loop for ever

Failure = collections.namedtuple("Failure", "kind seed checker text")


def run_some(program, kind, first, count, extra=None):
    """Runs seeds from `first` on until one fails; None, or the failure."""
    environment = dict(os.environ, SIM_SEED=str(first), SIM_SEEDS=str(count), **(extra or {}))
    command = ["nice", "-n", "5", str(program), "--filter", f"random/{kind}*", "--timeout", "100000"]
    process = subprocess.Popen(command, env=environment, text=True, errors="replace",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        text, _ = process.communicate(timeout=DEADLINE_S + 2 * count)
        hung = False
    except subprocess.TimeoutExpired:
        process.kill()
        text, _ = process.communicate()
        hung = True
    if process.returncode == 0 and not hung:
        return None
    begun = re.findall(r"^run (\d+)", text, re.M)
    said = re.findall(r"seed \d+: ([a-z ]+): ", text)
    checker = "hangs" if hung else said[-1] if said else "crash or assert"
    return Failure(kind, int(begun[-1]) if begun else first, checker, text)


def run(program, kind, first, count, only_one=False, extra=None, seconds=float("inf")):
    """All failures among that many seeds, and how many ran; after a failure no more where time is up."""
    failures, at, end = [], first, time.monotonic() + seconds
    while at < first + count and time.monotonic() < end:
        failure = run_some(program, kind, at, first + count - at, extra)
        if failure is None:
            return failures, count
        failures.append(failure)
        at = failure.seed + 1
        if only_one:
            break
    return failures, at - first


def ranges(events):
    """As SIM_EVENTS has them: 0-3,7."""
    parts = []
    for event in sorted(events):
        if parts and parts[-1][1] == event - 1:
            parts[-1][1] = event
        else:
            parts.append([event, event])
    return ",".join(f"{a}-{b}" if a < b else str(a) for a, b in parts) or "none"


def fails(program, failure, events, nodes):
    extra = {"SIM_EVENTS": ranges(events)} | ({"SIM_NODES": str(nodes)} if nodes else {})
    again = run_some(program, failure.kind, failure.seed, 1, extra)
    return again is not None and again.checker == failure.checker


def shrink(program, failure):
    """The events without which it does not fail, and how many nodes it takes (None: as the seed has them)."""
    events, nodes = list(range(KINDS[failure.kind])), None
    for fewer in range(2, 2 + failure.seed % 4):
        if fails(program, failure, events, fewer):
            nodes = fewer
            break
    size = len(events) // 2
    while size and events:
        at = 0
        while at < len(events):
            rest = events[:at] + events[at + size:]
            if fails(program, failure, rest, nodes):
                events = rest
            else:
                at += size
        size //= 2
    return events, nodes


def tell(program, failure):
    """Prints the story of a failure, as short as it can be made, and how to see it again."""
    if not fails(program, failure, range(KINDS[failure.kind]), None):
        print(f"seed {failure.seed} does not fail alone:\n{failure.text}", flush=True)
        return
    events, nodes = shrink(program, failure)
    extra = {"SIM_EVENTS": ranges(events)} | ({"SIM_NODES": str(nodes)} if nodes else {})
    again = run_some(program, failure.kind, failure.seed, 1, extra | {"SIM_TRACE": "1"})
    said = " ".join(f"{name}={value}" for name, value in extra.items())
    print(f"\n{said} SIM_TRACE=1 SIM_SEED={failure.seed} {program} --filter 'random/{failure.kind}*'")
    print(f"{failure.checker}, with {len(events)} of {KINDS[failure.kind]} events:")
    print(again.text if again else failure.text, flush=True)
