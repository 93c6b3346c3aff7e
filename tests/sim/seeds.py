"""Runs seeds of the random pools (test_random.c) and says which failed, by which checker."""

import collections
import os
import re
import subprocess

KINDS = ["pools_converge", "pools_whose"]
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


def run(program, kind, first, count, only_one=False):
    """All failures among that many seeds, and how many ran."""
    failures, at = [], first
    while at < first + count:
        failure = run_some(program, kind, at, first + count - at)
        if failure is None:
            return failures, count
        failures.append(failure)
        at = failure.seed + 1
        if only_one:
            break
    return failures, at - first
