#!/usr/bin/python3
"""`tidepool get --why`, and the conflicts that are counted"""

import json
import os
import subprocess
import time

import tidepool
from tidepool import BIN, Case, uuid_text, wait_converged, wait_until


class Why (Case):
    def setUp (self):
        self.a, self.b, away = self.pool ("desk", "laptop", "away")
        wait_converged ([self.a, self.b, away])
        away.stop () # for it the others keep their log, and remember deletions
        self.a.api ("declare", resources={"stars": {"delete": "latest"}, "likes": {"crdt": "gset"}})
        wait_converged ([self.a, self.b])

    def apart (self):
        wait_converged ([self.a, self.b])
        self.b.admin ("pause")
        wait_until (lambda: not self.a.online (self.b), what="they are apart")

    def together (self):
        self.b.admin ("resume")
        wait_converged ([self.a, self.b])

    def say (self, *args):
        done = subprocess.run ([BIN / "tidepool", "-d", self.a.dir, *args], text=True,
                               stdout=subprocess.PIPE, check=True,
                               env={**os.environ, "TZ": "UTC"})
        return done.stdout

    def why (self, resource, uuid, node=None):
        return (node or self.a).api ("get", resource=resource, uuid=uuid, why=True)["why"]

    def conflicts (self, resource):
        return [node.status ()["resources"][resource]["conflicts"] for node in (self.a, self.b)]

    def wait_past_a (self, resource, uuid):
        """What b writes from here on is later than what stands at a"""
        (time, _) = self.a.api ("get", resource=resource, uuid=uuid)["record"]["updated"]
        wait_until (lambda: self.b.status ()["clock"]["wall"] > time, what="b's clock is past that")

    def by (self, node):
        return f"{node.name} ({uuid_text (node.client)[:8]})"

    def test_each_property_has_its_time_its_client_its_rule_and_what_it_beat (self):
        uuid = self.a.create ("tags", name="sea", colour="blue")
        self.apart ()
        self.a.update ("tags", uuid, name="ocean")
        self.wait_past_a ("tags", uuid)
        self.b.update ("tags", uuid, name="mer")
        self.together ()
        for node in (self.a, self.b):
            name = next (p for p in self.why ("tags", uuid, node)["properties"] if p["name"] == "name")
            self.assertEqual ((name["value"], name["updated"][1], name["rule"]),
                              ("mer", self.b.client, "largest"))
            self.assertEqual ((name["beat"]["value"], name["beat"]["updated"][1]),
                              ("ocean", self.a.client))
        text = self.say ("get", "tags", uuid_text (uuid), "--why")
        line = next (line for line in text.splitlines () if line.startswith ("name"))
        moment = time.strftime ("%Y-%m-%d %H:%M", time.gmtime (name["updated"][0] >> 32))
        for part in ("mer", moment, self.by (self.b), "largest timestamp", "ocean", self.by (self.a)):
            self.assertIn (part, line)
        head = text.splitlines ()[0]
        self.assertEqual (head.index ("BY"), line.index (self.by (self.b))) # aligned
        document = json.loads (self.say ("--json", "get", "tags", uuid_text (uuid), "--why"))
        shown = {p["name"]: p for p in document["why"]["properties"]}
        self.assertEqual (shown["name"]["beat"]["value"], "ocean")
        self.assertRegex (shown["name"]["updated"], r"^20\d\d-.*Z/[0-9A-F]{32}$")
        self.assertEqual (self.conflicts ("tags"), [1, 1])
        self.assertEqual (self.a.admin ("metrics")["metrics"]
                          ['tidepool_conflicts_total{resource="tags"}'], 1)
        self.assertRegex (self.say ("status"), r"CONFLICTS")

    def test_the_other_rules_are_told_in_words (self):
        first = self.a.create ("tags", on_conflict="ignore", name="first")
        over = self.a.create ("tags", name="old", gone=1)
        self.b_has (over)
        self.b.api ("apply", ops=[{"action": "update", "resource": "tags", "uuid": over,
                                   "on_conflict": "overwrite", "value": {"name": "new"}}])
        self.b.update ("tags", over, more=2)
        like = self.a.create ("likes", n=1)
        wait_converged ([self.a, self.b])
        self.assertIn ("first writer (ignore)", self.say ("get", "tags", uuid_text (first), "--why"))
        self.assertIn ("first writer", self.say ("get", "likes", uuid_text (like), "--why"))
        text = self.say ("get", "tags", uuid_text (over), "--why")
        self.assertIn ("came with the overwrite", text)
        self.assertRegex (text, r"after the overwrite at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d by laptop")
        hidden = text[text.index ("\nhidden\n"):]
        self.assertRegex (hidden, r"(?m)^gone .*hidden by the overwrite at")

    def b_has (self, uuid):
        wait_until (lambda: self.b.get ("tags", uuid), what="the other has it")

    def test_a_record_that_was_deleted_says_by_whom (self):
        tag, star = self.a.create ("tags", n=1), self.a.create ("stars", n=1)
        self.apart ()
        self.a.update ("tags", tag, n=2)
        self.b.delete ("tags", tag)
        self.a.update ("stars", star, n=2)
        self.wait_past_a ("stars", star)
        self.b.delete ("stars", star)
        self.together ()
        self.assertEqual (self.why ("tags", tag)["deleted"][1], self.b.client)
        text = self.say ("get", "tags", uuid_text (tag), "--why")
        self.assertRegex (text, r"^deleted 20.* by laptop \(.*precedence")
        text = self.say ("get", "stars", uuid_text (star), "--why")
        self.assertRegex (text, r"^deleted 20.* by laptop \(.*last write, 20.* by desk")
        self.assertRefused ("NOT_FOUND", self.a.api, "get", resource="tags", uuid=tag)
        self.assertRefused ("NOT_FOUND", self.a.api, "get", resource="tags", uuid=bytes (16),
                            why=True)
        self.assertEqual ((self.conflicts ("tags"), self.conflicts ("stars")), ([1, 1], [1, 1]))

    def test_a_deletion_that_all_have_seen_is_still_told (self):
        c, d = self.pool ("third", "fourth")
        uuid = c.create ("tags", n=1)
        wait_converged ([c, d])
        d.delete ("tags", uuid)
        wait_converged ([c, d])
        wait_until (lambda: not self.why ("tags", uuid, c)["deletions"], what="it is purged")
        self.assertEqual (self.why ("tags", uuid, c)["deleted"][1], d.client)

    def test_what_is_no_conflict_is_not_counted (self):
        uuid = self.a.create ("tags", name="sea")
        self.apart ()
        self.a.update ("tags", uuid, colour="blue")
        self.b.update ("tags", uuid, depth=10)
        self.a.update ("tags", uuid, same=1)
        self.b.update ("tags", uuid, same=1)
        self.together ()
        self.b.update ("tags", uuid, name="mer", colour="green") # it has seen all that
        self.a.delete ("tags", self.a.create ("tags", name="short"))
        wait_converged ([self.a, self.b])
        self.assertEqual (self.conflicts ("tags"), [0, 0])

    def test_the_count_outlives_a_restart (self):
        uuid = self.a.create ("tags", name="sea")
        self.apart ()
        self.a.update ("tags", uuid, name="ocean")
        self.b.delete ("tags", uuid)
        self.together ()
        before = self.conflicts ("tags")
        self.assertEqual (before, [1, 1])
        self.a.restart ()
        self.assertEqual (self.conflicts ("tags"), before)


if __name__ == "__main__":
    tidepool.main ()
