#!/usr/bin/python3
"""Fixed seeds of every scenario, and that the checks see what each rule is for"""

import unittest

from compare import Returner, compare
from model import run_seeds, summary
from records import LATEST, WINS, Record, join_fragment, show
from scenario import KEYS, SCENARIOS, run

SEEDS = 200
# rule: scenario, keys, a seed that fails without it
NEEDED = {
    "known": ("all", KEYS, 467),
    "still": ("split", KEYS, 80002245),
    "rest": ("stale", KEYS, 79),
    "fence": ("stale", KEYS, 1095),
    "together": ("join", KEYS, 294),
    "served": ("all", KEYS, 47),
    "flushed": ("restore", KEYS, 1000408),
    "turns": ("split", ("w1",), 30003975),
    "gone": ("split", ("w1",), 1397),
    "judged": ("split", ("w1",), 612),
    "whole": ("halves", ("l1",), 367),
    "accepted": ("clocks", KEYS, 819),
    "order": ("stamps", KEYS, 50110),
    "own": ("clocks", KEYS, 151002237),
    "whose": ("everything", KEYS, 970043600),
    "some": ("split", KEYS, 300084627),
    "half": ("everything", KEYS, 155003816),
    "asked": ("restore", ("w1", "l1"), 41),
    "named": ("old", KEYS, 910001719),
    "itself": ("split", KEYS, 910061012),
    "left": ("old", KEYS, 910016155),
    "takes": ("old", KEYS, 910003998),
    "gives": ("old", KEYS, 910011020),
    "waited": ("old", KEYS, 910002218),
    "own turn": ("old", KEYS, 920084870),
    "own word": ("split", KEYS, 940015069),
    "beside": ("split", KEYS, 920089186),
    "over": ("split", KEYS, 920082089),
    "expected": ("everything", KEYS, 960027338),
}


class Scenarios (unittest.TestCase):
    def test_every_scenario_ends_as_it_must (self):
        for scenario in SCENARIOS:
            with self.subTest (scenario):
                total, failures = run_seeds (scenario, 50000, SEEDS)
                self.assertFalse (failures, summary (scenario, total, failures))

    def test_a_long_split_over_one_key (self):
        for keys in (("w1",), ("l1",)):
            with self.subTest (keys):
                total, failures = run_seeds ("split", 50000, SEEDS, keys=keys)
                self.assertFalse (failures, summary ("split", total, failures))


class Rules (unittest.TestCase):
    def test_without_a_rule_a_check_fails (self):
        for rule, (scenario, keys, seed) in NEEDED.items ():
            with self.subTest (rule):
                self.assertTrue (run (scenario, seed, [rule], keys=keys)[1])
                self.assertFalse (run (scenario, seed, keys=keys)[1])


def record (created=None, written=None, floor=None, deleted=None, **strong):
    made = Record ()
    made.created, made.written = created, written or created
    made.floor, made.deleted = floor, deleted or {}
    made.strong = strong
    return made


def joined (there, fragment, past, rule, off=()):
    state = there.copy ()
    if fragment is not None:
        join_fragment (state, fragment, past, rule, frozenset (off))
    return state


class Comparison (unittest.TestCase):
    """1 is the member, 2 and 3 are of the half that returns"""

    def returned (self, here, there, mine, theirs, off=()):
        returner = Returner (2, mine, theirs, lambda: (900, 2), frozenset (off))
        fragment, lost = compare (here, there, LATEST, returner)
        return show (joined (there, fragment, theirs, LATEST, off), LATEST), lost

    def test_latest_what_the_half_deleted_and_purged_ends_at_the_member (self):
        there = record ((10, 1), a=((10, 1), "old"))
        vectors = {1: 10, 2: 50}, {1: 10}
        self.assertEqual (self.returned (Record (), there, *vectors), (None, None))
        self.assertIsNotNone (self.returned (Record (), there, *vectors, ["stands"])[0])

    def test_latest_unseen_writes_keep_the_members_record_alive (self):
        there = record ((10, 1), (60, 1), a=((60, 1), "new"))
        shown, _ = self.returned (Record (), there, {1: 10, 2: 50}, {1: 60})
        self.assertEqual (shown, (("a", "new"),))

    def test_latest_a_new_life_hides_the_old_one (self):
        there = record ((10, 1), (40, 1), a=((10, 1), "old"), b=((40, 1), "old"))
        here = record ((50, 2), a=((50, 2), "new"))
        vectors = {1: 40, 2: 50}, {1: 40}
        self.assertEqual (self.returned (here, there, *vectors)[0], (("a", "new"),))
        self.assertNotEqual (self.returned (here, there, *vectors, ["floor"])[0],
                             (("a", "new"),))

    def test_latest_what_is_revived_is_alive_with_all_that_it_has (self):
        there = record ((10, 1), deleted={1: 40}, a=((10, 1), "kept"))
        here = record ((10, 1), (50, 2), a=((10, 1), "kept"), b=((50, 2), "new"))
        vectors = {1: 10, 2: 50}, {1: 40}
        both = (("a", "kept"), ("b", "new"))
        self.assertEqual (self.returned (here, there, *vectors)[0], both)
        self.assertNotEqual (self.returned (here, there, *vectors, ["kept"])[0], both)

    def test_latest_an_older_write_does_not_revive_and_is_reported (self):
        there = record ((10, 1), deleted={1: 40}, a=((10, 1), "old"))
        here = record ((10, 1), (30, 2), a=((30, 2), "new"))
        shown, lost = self.returned (here, there, {1: 10, 2: 30}, {1: 40})
        self.assertIsNone (shown)
        self.assertIsNotNone (lost)

    def test_wins_a_remembered_deletion_that_comes_again_changes_nothing (self):
        state = record ((60, 1), deleted={2: 50}, a=((60, 1), "after"))
        again = record (deleted={2: 50})
        self.assertIsNotNone (show (joined (state, again, {1: 10}, WINS), WINS))
        self.assertIsNone (show (joined (state, again, {1: 10}, WINS, ["once"]), WINS))


if __name__ == "__main__":
    unittest.main ()
