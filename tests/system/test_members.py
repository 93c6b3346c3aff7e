#!/usr/bin/python3
"""Members, declarations and transactions, each sentence from outside"""

import json
import subprocess

import tidepool
from tidepool import BIN, Case, Refused, invite, join, wait_converged, wait_until

SOON = tidepool.POOL_CHANGES_SOON


class Declarations (Case):
    def alarms (self, node, code):
        return [alarm for alarm in node.status ()["alarms"] if alarm.startswith (code)]

    def test_a_conflict_refuses_the_link_and_names_resource_and_difference_on_both (self):
        a, b = self.pool ("a", "b")
        b.admin ("pause")
        wait_until (lambda: not a.online (b), what="they are apart")
        a.api ("declare", resources={"stars": {"delete": "wins"}})
        b.api ("declare", resources={"stars": {"delete": "latest"}})
        b.admin ("resume")
        for node, mine, theirs in ((a, "wins", "latest"), (b, "latest", "wins")):
            (alarm,) = wait_until (lambda: self.alarms (node, "CONFLICTING_DECLARATION"),
                                   what=f"{node.name} says so")
            self.assertRegex (alarm, rf"stars: delete = ({mine}|{theirs}) is declared here, not")
            self.assertIn ("declare otherwise: stars: delete = ", node.log_tail ())
        uuid = a.create ("tags", n=1)
        refusals = lambda: a.log_text ().count ("declare otherwise")
        before = refusals ()
        wait_until (lambda: refusals () > before + 1, what="they have met and refused twice more")
        self.assertIsNone (b.get ("tags", uuid))
        self.assertFalse (a.online (b) or b.online (a))

    def test_a_conflict_is_refused_at_the_door_and_the_ticket_stays_good (self):
        a, b, c = (self.node (name, *SOON) for name in "abc")
        a.api ("declare", resources={"stars": {"delete": "wins"}})
        b.api ("declare", resources={"stars": {"delete": "latest"}})
        ticket = invite (a)
        with self.assertRaises (Refused) as refused:
            b.admin ("join", ticket=ticket)
        self.assertEqual (refused.exception.code, "CONFLICTING_DECLARATION")
        self.assertIn ("stars: delete = wins is declared here, not latest",
                       refused.exception.answer["message"])
        b.create ("tags", still="alone")
        self.assertIsNone (a.client_of (b))
        join (c, a, ticket)

    def test_an_app_is_told_the_resource_and_the_difference (self):
        a = self.node ("a")
        a.api ("declare", resources={"stars": {"delete": "latest"}})
        answer = self.assertRefused ("CONFLICTING_DECLARATION", a.api, "declare",
                                     resources={"fresh": {}, "stars": {"delete": "wins"}})
        self.assertEqual (answer["message"], "stars: delete = latest is declared here, not wins")
        self.assertNotIn ("fresh", a.api ("hello")["resources"])

    def test_a_configuration_that_conflicts_with_what_is_stored_does_not_start (self):
        a = self.node ("a")
        a.api ("declare", resources={"stars": {"delete": "latest"}})
        a.stop ()
        done = subprocess.run ([BIN / "tidepoold", a.dir, "--set", "resources/stars/kind=shared",
                                "--set", "resources/stars/delete=wins"], text=True, timeout=30,
                               stderr=subprocess.PIPE, check=False)
        self.assertNotEqual (done.returncode, 0)
        self.assertRegex (done.stderr, "stars .*delete = latest is declared here, not wins")
        a.start ()
        self.assertEqual (a.api ("hello")["resources"]["stars"]["delete"], "latest")

    def test_the_middle_of_a_line_relays_what_its_apps_never_use (self):
        a, b, c = (self.node (name, *SOON) for name in "abc")
        a.admin ("pause", client=c.client)
        c.admin ("pause", client=a.client)
        join (b, a)
        join (c, b)
        a.api ("declare", resources={"stars": {"delete": "latest"}})
        uuid = a.create ("stars", n=1)
        wait_converged ([a, b, c])
        self.assertEqual (c.get ("stars", uuid), {"n": 1})
        b.restart ()
        self.assertEqual (b.get ("stars", uuid), {"n": 1})
        self.assertFalse (a.online (c))


class Transactions (Case):
    def test_a_request_of_the_largest_size_appears_whole (self):
        a, b = self.pool ("a", "b")
        feed = b.feed ("tags/")
        text = "x" * 40000
        a.apply (*({"action": "create", "resource": "tags", "value": {"n": n, "text": text}}
                   for n in range (100)))
        counts = set ()
        while 100 not in counts:
            counts.add (b.count ("tags"))
        self.assertLessEqual (counts, {0, 100})
        parts = [change["part"] for _, change in feed.take (100)]
        self.assertEqual ((parts[-1], set (parts[:-1])), (False, {True}))

    def test_a_reader_of_changes_has_a_state_at_the_end_of_the_pages (self):
        a, b = self.pool ("a", "b")
        uuids = [a.create ("tags", n=0) for _ in range (10)]
        wait_converged ([a, b])
        cursor = b.api ("changes", since=0)["cursor"]
        seen = dict.fromkeys (uuids, 0)
        for n in range (1, 30):
            a.apply (*({"action": "update", "resource": "tags", "uuid": uuid, "value": {"n": n}}
                       for uuid in uuids))
            while True:
                page = b.api ("changes", since=cursor, limit=3)
                seen.update ((c["uuid"], c["value"]["n"]) for c in page["changes"])
                cursor = page["cursor"]
                if not page["more"]:
                    break
            self.assertEqual (len (set (seen.values ())), 1, seen)


class Members (Case):
    def test_a_removed_node_is_told_and_the_removal_is_replicated (self):
        a, b, c = self.pool ("a", "b", "c")
        wait_until (lambda: a.online (c) and b.online (c), what="c is linked with both")
        a.admin ("remove", client=c.client)
        wait_until (lambda: any (alarm.startswith ("REMOVED") for alarm in c.status ()["alarms"]),
                    what="c is told")
        wait_until (lambda: b.client_of (c)["removed"], what="b knows")
        self.assertRefused ("NOT_MEMBER", b.admin, "remove", client=c.client)

    def test_a_ticket_of_a_member_that_was_removed_meanwhile_is_refused_by_name (self):
        a, b = self.pool ("a", "b")
        c = self.node ("c", *SOON)
        ticket = invite (b)
        a.admin ("remove", client=b.client)
        wait_until (lambda: any (alarm.startswith ("REMOVED") for alarm in b.status ()["alarms"]),
                    what="b is told")
        uuid = c.create ("tags", still="alone")
        done = c.command ("join", ticket, check=False)
        self.assertEqual (done.returncode, 1)
        self.assertRegex (done.stdout + done.stderr, "REMOVED.*b was itself removed from the pool")
        self.assertIsNone (b.client_of (c))
        c.update ("tags", uuid, still="writes")
        join (c, a)
        wait_until (lambda: a.get ("tags", uuid) == {"still": "writes"}, what="a has it")

    def test_clients_are_printed_as_people_read_them (self):
        a, b = self.pool ("a", "b")
        wait_until (lambda: a.online (b), what="they are linked")
        b.create ("tags", n=1)
        wait_converged ([a, b])
        text = subprocess.run ([BIN / "tidepool", "-d", a.dir, "clients"], text=True, check=True,
                               stdout=subprocess.PIPE).stdout.splitlines ()
        self.assertEqual (text[0].split ()[:5], ["CLIENT", "NAME", "STATE", "SEEN", "SYNCHRONIZED"])
        line = next (line for line in text if f" {b.name} " in line)
        self.assertRegex (line, r" b +online +(just now|\d+ s ago) +(just now|\d+ s ago) +0")
        b.stop ()
        wait_until (lambda: not a.online (b), what="b is gone")
        text = subprocess.run ([BIN / "tidepool", "-d", a.dir, "clients"], text=True, check=True,
                               stdout=subprocess.PIPE).stdout
        self.assertRegex (text, r" b +offline +(just now|\d+ s ago)")
        document = json.loads (subprocess.run (
            [BIN / "tidepool", "-d", a.dir, "--json", "clients"], text=True, check=True,
            stdout=subprocess.PIPE).stdout)
        self.assertEqual ({client["name"] for client in document["clients"]}, {"a", "b"})


if __name__ == "__main__":
    tidepool.main ()
