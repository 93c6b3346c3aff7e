#!/usr/bin/python3
"""Who is away too long: counted out, and back, with real processes and the commands alone"""

import tidepool
from tidepool import Case, invite, join, wait_converged, wait_until

PATIENT = ("node/ack_interval_s=1", "node/ping_interval_s=1")
SHORT = ("node/stale_after_s=6", *PATIENT)


class Stale (Case):
    def says (self, node, *command):
        return node.command (*command)

    def is_stale (self, node, other):
        return node.client_of (other)["stale"]

    def log_is_empty (self, node):
        """Only acknowledgements are left, which nobody acknowledges"""
        return self.says (node, "pending")["operations"] == 0

    def kept_for (self, node):
        return {member["name"] for member in self.says (node, "pending")["kept_for"]}

    def cut_off (self, nodes, away, cut):
        for node in nodes:
            if node is not away:
                node.command ("pause", away.name) if cut else node.command ("resume")
        away.command ("pause" if cut else "resume")

    def test_who_is_cut_off_is_counted_out_and_returns (self):
        nodes = a, b, c = self.pool ("a", "b", "c", settings=SHORT)
        kept, gone = a.create ("tags", name="kept"), a.create ("tags", name="gone")
        wait_converged (nodes)
        self.cut_off (nodes, c, True)
        b.delete ("tags", gone)
        theirs = a.create ("tags", name="theirs")
        mine = c.create ("tags", name="mine")
        c.update ("tags", gone, name="in vain")
        c.update ("tags", kept, colour="red")
        wait_until (lambda: self.is_stale (a, c) and self.is_stale (b, c), what="c is counted out")
        wait_until (lambda: self.log_is_empty (a) and self.log_is_empty (b), what="the log is flushed")
        self.assertEqual (self.kept_for (a), set ())
        wait_until (lambda: a.metric ("deletions_forgotten_total") > 0,
                    what="the deletion is forgotten")
        self.cut_off (nodes, c, False)
        wait_until (lambda: not any (self.is_stale (node, c) for node in (a, b)), what="c is back")
        wait_converged (nodes)
        for node in nodes:
            self.assertIsNone (node.get ("tags", gone))
            self.assertEqual (node.get ("tags", mine)["name"], "mine")
            self.assertEqual (node.get ("tags", theirs)["name"], "theirs")
            self.assertEqual (node.get ("tags", kept)["colour"], "red")
        (found,) = self.says (c, "lost-and-found")["found"]
        self.assertEqual ((found["resource"], found["value"]["name"]), ("tags", "in vain"))
        self.assertEqual (self.says (a, "lost-and-found")["found"], [])
        wait_until (lambda: all (self.log_is_empty (node) for node in nodes), what="nothing is kept")

    def test_the_log_is_kept_for_who_is_away_and_for_nobody_else (self):
        nodes = a, b, c = self.pool ("a", "b", "c", settings=PATIENT)
        self.cut_off (nodes, c, True)
        a.create ("tags", name="theirs")
        wait_until (lambda: self.kept_for (a) == {"c"}, what="the log is kept for c alone")
        (waiting,) = self.says (a, "pending")["kept_for"]
        self.assertGreater (waiting["batches"], 0)
        self.cut_off (nodes, c, False)
        wait_until (lambda: self.kept_for (a) == set (), what="nothing is kept")

    def test_what_a_node_alone_wrote_comes_along_though_its_log_was_flushed (self):
        a, b = self.node ("a", *SHORT), self.node ("b", *SHORT)
        mine = b.create ("tags", name="mine")
        wait_until (lambda: self.log_is_empty (b), what="a node alone keeps nothing")
        join (b, a, invite (a))
        wait_converged ([a, b])
        self.assertEqual (a.get ("tags", mine)["name"], "mine")


if __name__ == "__main__":
    tidepool.main ()
