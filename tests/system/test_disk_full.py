#!/usr/bin/python3
"""No room: the writer is told so, reading goes on, and when there is room again so does writing"""

import contextlib
import pathlib
import resource
import subprocess

import tidepool
from tidepool import Case, Refused, wait_until

MIB = 1 << 20
TEXT = "x" * 100_000


class Full (Case):
    codes = {"STORAGE_FULL"}

    def fill (self, node):
        """Writes until it is refused; gives what was acknowledged"""
        written = []
        for n in range (20_000):
            try:
                written.append (node.create ("tags", n=n, text=TEXT))
            except Refused as refused:
                self.assertIn (refused.code, self.codes, refused)
                return written
        self.fail ("the room never ended")

    def while_full (self, node, written):
        self.assertGreater (len (written), 3)
        for _ in range (3):
            with self.assertRaises (Refused) as caught:
                node.create ("tags", text=TEXT)
            self.assertIn (caught.exception.code, self.codes)
        self.assertTrue (node.alive ())
        self.assertEqual (node.count ("tags"), len (written))
        for uuid in written[-5:] + written[:5]:
            self.assertEqual (node.get ("tags", uuid)["text"], TEXT)
        self.assertTrue (node.status ()["ok"])
        self.assertGreater (node.metric ("commits_failed_total"), 0)

    def with_room (self, node, written):
        def writes ():
            return node.create ("tags", n=-1, text=TEXT)
        written.append (wait_until (writes, what="writing goes on"))
        written.append (node.create ("tags", n=-2, text=TEXT))
        node.restart (*node.settings)
        self.assertEqual (node.count ("tags"), len (written))
        self.assertEqual ({record["uuid"] for record in node.list ("tags")}, set (written))
        self.assertTrue (node.admin ("verify")["sound"])

    def test_a_file_that_may_not_grow (self):
        node = self.node (start=False)
        node.settings = ()
        node.start ()
        node.stop ()
        # LMDB tells a write that was cut short apart from none at all, and the disk itself has room
        self.codes = {"STORAGE_FULL", "INTERNAL"}
        # the limit counts what the file is long, also where it has holes
        size = (node.dir / "data.mdb").stat ().st_size
        node.start (limits={resource.RLIMIT_FSIZE: (size + 8 * MIB, resource.RLIM_INFINITY)})
        written = self.fill (node)
        self.while_full (node, written)
        resource.prlimit (node.pid, resource.RLIMIT_FSIZE,
                          (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.with_room (node, written)

    def test_a_map_that_may_not_grow (self):
        node = self.node (start=False)
        node.settings = ("node/map_size_max=33554432",)
        node.start (*node.settings)
        written = self.fill (node)
        self.while_full (node, written)
        node.settings = ("node/map_size_max=67108864",)
        node.restart (*node.settings)
        self.with_room (node, written)

    def test_a_disk_that_is_full (self):
        disk = pathlib.Path (self.place / "disk")
        disk.mkdir ()
        mounted = subprocess.run (["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", disk],
                                  stderr=subprocess.PIPE, text=True)
        if mounted.returncode:
            self.skipTest (f"mount is not permitted here: {mounted.stderr.strip ()}")
        try:
            self.on_small_disk (disk)
        finally:
            for node in self.nodes:
                with contextlib.suppress (Exception):
                    node.kill ()
            subprocess.run (["umount", "-l", disk], check=True)

    def on_small_disk (self, disk):
        ballast = disk / "ballast"
        ballast.write_bytes (bytes (12 * MIB))
        node = self.node (folder=disk / "a", start=False)
        node.settings = ()
        node.start ()
        written = self.fill (node)
        self.while_full (node, written)
        ballast.unlink ()
        self.with_room (node, written)
        # killed while it is full; a start takes a little room
        ballast.write_bytes (bytes (MIB))
        written += self.fill (node)
        node.kill ()
        ballast.unlink ()
        node.start ()
        self.assertEqual ({record["uuid"] for record in node.list ("tags")}, set (written))

    def test_a_peer_waits_until_there_is_room (self):
        a, b = self.pool ("a", "b")
        b.stop ()
        size = (b.dir / "data.mdb").stat ().st_size
        b.start (limits={resource.RLIMIT_FSIZE: (size + 4 * MIB, resource.RLIM_INFINITY)})
        for n in range (100):
            a.create ("tags", n=n, text=TEXT)
        wait_until (lambda: b.metric ("commits_failed_total") > 0, what="b has no room")
        self.assertTrue (b.alive ())
        self.assertLess (b.count ("tags"), 100)
        resource.prlimit (b.pid, resource.RLIMIT_FSIZE,
                          (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tidepool.wait_converged ([a, b])
        self.assertEqual (b.count ("tags"), 100)


if __name__ == "__main__":
    tidepool.main ()
