#!/usr/bin/python3
"""Records that are altered behind a node's back: detected, repaired, and told"""

import subprocess

import tidepool
from tidepool import BIN, Case, uuid7, uuid_text, wait_converged, wait_until

SETTINGS = ("node/ping_interval_s=1",)
QUIET = SETTINGS + ("node/scrub_interval_s=0",) # counts nothing anew by itself
RECORDS = 400


def alter (node, resource, uuid, *how):
    subprocess.run ([BIN / "alter", node.dir, resource, uuid_text (uuid), *how], check=True)


def alarmed (node, code):
    return [alarm for alarm in node.status ()["alarms"] if alarm.startswith (code)]


def repaired (nodes):
    return sum (node.metric ("records_repaired_total") for node in nodes)


class Repair (Case):
    def filled (self, settings=SETTINGS):
        nodes = self.pool ("a", "b", "c", settings=settings)
        self.uuids = [uuid7 () for _ in range (RECORDS)]
        nodes[0].apply (*({"action": "create", "resource": "tags", "uuid": uuid,
                           "value": {"name": f"tag {n:04}"}} for n, uuid in enumerate (self.uuids)))
        wait_converged (nodes)
        return nodes

    def assertTold (self, nodes, uuid):
        words = f"repaired tags {uuid_text (uuid)}"
        self.assertTrue (any (words in node.log_text () for node in nodes), f"no log says: {words}")

    def wait_equal (self, nodes):
        """Equal on all nodes, and each holds what it counts"""
        wait_until (lambda: not any (alarmed (node, code) for node in nodes
                                     for code in ("DIVERGED", "DAMAGED", "ALTERED")),
                    what="the alarms are over")
        wait_converged (nodes)
        for node in nodes:
            self.assertTrue (node.admin ("verify")["sound"], node.name)

    def test_an_altered_record_of_a_stopped_node (self):
        nodes = self.filled ()
        uuid = self.uuids[123]
        nodes[1].stop ()
        alter (nodes[1], "tags", uuid, "set", "tag 0123", "TAG 0123")
        nodes[1].start ()
        wait_until (lambda: repaired (nodes) > 0, what="a record is repaired")
        self.wait_equal (nodes)
        # of one timestamp the larger value stays
        self.assertEqual ({node.get ("tags", uuid)["name"] for node in nodes}, {"tag 0123"})
        self.assertTold (nodes, uuid)
        self.assertGreaterEqual (nodes[1].metric ("miscounts_total"), 1)

    def test_an_alteration_that_wins_is_everywhere (self):
        nodes = self.filled ()
        uuid = self.uuids[7]
        alter (nodes[2], "tags", uuid, "set", "tag 0007", "tig 0007") # under a running node
        wait_until (lambda: any (alarmed (node, "DIVERGED") for node in nodes), what="it is told")
        wait_until (lambda: repaired (nodes) > 0, what="a record is repaired")
        self.wait_equal (nodes)
        self.assertEqual ({node.get ("tags", uuid)["name"] for node in nodes}, {"tig 0007"})
        self.assertTold (nodes, uuid)

    def test_a_record_that_cannot_be_read_is_taken_from_a_member (self):
        nodes = self.filled ()
        uuid = self.uuids[200]
        nodes[0].stop ()
        alter (nodes[0], "tags", uuid, "flip")
        nodes[0].start ()
        wait_until (lambda: nodes[0].metric ("records_damaged_total") > 0, what="it is detected")
        wait_until (lambda: repaired (nodes) > 0, what="a record is repaired")
        self.wait_equal (nodes)
        self.assertEqual ({node.get ("tags", uuid)["name"] for node in nodes}, {"tag 0200"})
        self.assertIn (f"tags {uuid_text (uuid)} cannot be read", nodes[0].log_text ())
        self.assertTold (nodes, uuid)

    def test_what_was_taken_away_comes_back_and_what_nobody_wrote_can_be_deleted (self):
        nodes = self.filled ()
        gone, forged = self.uuids[11], uuid7 ()
        alter (nodes[1], "tags", gone, "remove")
        alter (nodes[2], "tags", self.uuids[12], "copy", uuid_text (forged))
        wait_until (lambda: all (node.count ("tags") == RECORDS + 1 for node in nodes),
                    what="both are everywhere")
        self.wait_equal (nodes)
        self.assertEqual (nodes[1].get ("tags", gone)["name"], "tag 0011")
        nodes[0].delete ("tags", forged)
        nodes[0].delete ("tags", gone)
        wait_until (lambda: all (node.count ("tags") == RECORDS - 1 for node in nodes))
        self.wait_equal (nodes)
        shown = {change["uuid"] for change in nodes[1].changes ()[0]
                 if change["resource"] == "tags" and not change["deleted"]}
        self.assertEqual (shown, set (self.uuids) - {gone})

    def test_verify_says_where_and_what_it_says_is_repaired (self):
        nodes = self.filled (QUIET)
        uuid = self.uuids[300]
        alter (nodes[0], "tags", uuid, "set", "tag 0300", "TAG 0300")
        wait_converged (nodes) # by their counters, which know nothing of it
        said = nodes[0].admin ("verify")
        self.assertFalse (said["sound"])
        self.assertFalse (said["resources"]["tags"]["ok"])
        self.assertEqual (said["resources"]["tags"]["error"], "CORRUPT")
        self.assertTrue (said["resources"]["albums"]["ok"])
        wait_until (lambda: repaired (nodes) > 0, what="a record is repaired")
        self.wait_equal (nodes)
        self.assertEqual (nodes[0].get ("tags", uuid)["name"], "tag 0300")
        alter (nodes[0], "tags", uuid, "flip")
        said = nodes[0].admin ("verify")
        self.assertEqual (said["resources"]["tags"]["error"], "CORRUPT")
        self.assertTrue (said["resources"]["tags_on_files"]["ok"]) # it goes on behind
        wait_until (lambda: repaired (nodes) > 1, what="a record is repaired")
        self.wait_equal (nodes)


if __name__ == "__main__":
    tidepool.main ()
