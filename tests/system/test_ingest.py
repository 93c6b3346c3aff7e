#!/usr/bin/python3
"""Folders as they are: a tree of the system's own, its changes, and what every node derives from it"""

import hashlib
import os
import pathlib
import shutil
import stat
import time

import tidepool
from tidepool import DEADLINE, Case, wait_converged, wait_until

FILES = 20_000
FILE_BYTES = 32_768      # larger ones are left where they are: this tests rows, not disks
FIELDS = {"location", "path", "name", "extension", "is_dir", "size", "mode", "modified", "created",
          "inode"}
LONG = 4 * DEADLINE


def content_id (path):
    return hashlib.blake2b (path.read_bytes (), digest_size=32).digest ()[:16]


def system_tree (target):
    """Copies small files of /usr/share, as often as it takes to have FILES of them; gives their number"""
    source, count, turn = pathlib.Path ("/usr/share"), 0, 0
    while count < FILES and (turn == 0 or count):
        for folder, folders, names in os.walk (source):
            folders.sort ()
            to = target / str (turn) / os.path.relpath (folder, source)
            to.mkdir (parents=True)
            for name in sorted (names):
                entry = pathlib.Path (folder, name)
                kind = entry.lstat ()
                if stat.S_ISLNK (kind.st_mode):
                    (to / name).symlink_to (os.readlink (entry))
                elif stat.S_ISREG (kind.st_mode) and kind.st_size <= FILE_BYTES:
                    shutil.copyfile (entry, to / name)
                    count += 1
            if count >= FILES:
                return count
        turn += 1
    return count


def entries_of (folder):
    """What rows there must be: {path: (is_dir, size, content id or None)}; size of regular files only"""
    entries = {}
    for at, folders, names in os.walk (folder):
        for name in folders + names:
            path = pathlib.Path (at, name)
            kind = path.lstat ()
            regular = stat.S_ISREG (kind.st_mode)
            entries[str (path.relative_to (folder))] = (
                stat.S_ISDIR (kind.st_mode), kind.st_size if regular else None,
                content_id (path) if regular else None)
    return entries


class Ingest (Case):
    def add (self, node, folder, **options):
        return node.admin ("ingest", action="add", path=str (folder), wait=True, timeout=LONG,
                           **options)

    def settled (self, node):
        """Scanned, and every file identified"""
        locations = node.status ()["locations"]
        return all (l["state"] == "watching" and not l["unidentified"] for l in locations)

    def rows (self, node, owner=None):
        """{path: record}. A folder's own row, if there is one, has an empty path"""
        records = node.list ("file_paths", owner=owner or node.client)
        rows = {record["value"]["path"]: record for record in records}
        self.assertEqual (len (rows), len (records))
        rows.pop ("", None)
        return rows

    def seen (self, node, folder):
        """True if the rows say what is in the folder"""
        if not self.settled (node):
            return False
        rows, entries = self.rows (node), entries_of (folder)
        return {path: (row["value"]["is_dir"],
                       row["value"]["size"] if entries.get (path, (0, None))[1] is not None else None,
                       row["value"].get ("content_id")) for path, row in rows.items ()} == entries

    def wait_seen (self, node, folder, what):
        try:
            wait_until (lambda: self.seen (node, folder), what=what)
        except AssertionError as error:
            rows, entries = self.rows (node), entries_of (folder)
            raise AssertionError (
                f"{error}; rows without an entry: {sorted (set (rows) - set (entries))[:9]}, "
                f"entries without a row: {sorted (set (entries) - set (rows))[:9]}, "
                f"locations: {node.status ()['locations']}") from None

    def folder (self, name="folder"):
        folder = self.place / name
        (folder / "sub/deep").mkdir (parents=True)
        (folder / "a.txt").write_text ("the same\n")
        (folder / "sub/b.txt").write_text ("the same\n")
        (folder / "sub/c.png").write_bytes (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0\x90wS\xde" + bytes (100))
        (folder / "sub/deep/empty").write_bytes (b"")
        (folder / "link").symlink_to ("sub")
        return folder

    def test_a_tree_of_the_systems_own_on_three_nodes (self):
        tree = self.place / "tree"
        files = system_tree (tree)
        nodes = self.pool ("a", "b", "c")
        began = time.monotonic ()
        self.add (nodes[0], tree)
        scanned = time.monotonic ()
        wait_until (lambda: self.settled (nodes[0]), LONG, "all are identified")
        identified = time.monotonic ()
        wait_converged (nodes, LONG)
        print (f"{files} files: scanned in {scanned - began:.1f} s, identified "
               f"{identified - scanned:.1f} s later, everywhere {time.monotonic () - identified:.1f} s "
               "after that", flush=True)
        entries = entries_of (tree)
        for node in nodes:
            self.assertEqual (node.count ("file_paths"), nodes[0].count ("file_paths"))
            self.assertIn (node.count ("file_paths"), (len (entries), len (entries) + 1))
            self.assertTrue (node.admin ("verify", timeout=LONG)["sound"])
        rows = self.rows (nodes[2], owner=nodes[0].client)
        self.assertEqual ({path: row["value"].get ("content_id") for path, row in rows.items ()},
                          {path: entry[2] for path, entry in entries.items ()})
        # files: one for each content, whoever asks
        paths = {}
        for path, (_, size, content) in entries.items ():
            if content:
                paths.setdefault (content, []).append (size)
        shown = {r["uuid"]: r["value"] for r in nodes[1].list ("files")}
        self.assertEqual ({key: (value["size"], value["paths"], value["clients"])
                           for key, value in shown.items ()},
                          {key: (sizes[0], len (sizes), 1) for key, sizes in paths.items ()})
        # a tag on a file, by somebody who does not have it
        content = next (iter (paths))
        tag = nodes[2].create ("tags", name="found")
        nodes[2].create ("tags_on_files", tag=tag, file=content)
        wait_converged (nodes)
        (link,) = nodes[0].list ("tags_on_files")
        self.assertEqual (nodes[0].get ("files", link["value"]["file"])["size"], paths[content][0])

    def test_an_entry_is_a_row_with_these_fields (self):
        node, folder = self.node (), self.folder ()
        location = self.add (node, folder)["location"]
        self.wait_seen (node, folder, "the folder")
        rows = self.rows (node)
        row = rows["sub/c.png"]["value"]
        self.assertLessEqual (FIELDS | {"content_id", "mime"}, set (row))
        kind = (folder / "sub/c.png").stat ()
        self.assertEqual (row["location"], location)
        self.assertEqual ((row["name"], row["extension"], row["is_dir"]), ("c.png", "png", False))
        self.assertEqual ((row["size"], row["inode"]), (kind.st_size, kind.st_ino))
        self.assertEqual (stat.S_IMODE (row["mode"]), stat.S_IMODE (kind.st_mode))
        self.assertEqual (row["mime"], "image/png")
        self.assertEqual (row["content_id"], content_id (folder / "sub/c.png"))
        self.assertTrue (rows["sub"]["value"]["is_dir"])
        self.assertNotIn ("content_id", rows["sub"]["value"])
        # a link is a row, and not followed
        self.assertNotIn ("content_id", rows["link"]["value"])
        self.assertFalse (any (path.startswith ("link/") for path in rows))
        self.assertEqual (node.get ("files", content_id (folder / "a.txt")),
                          {"size": 9, "kind": "text/plain", "paths": 2, "clients": 1})
        self.assertEqual (len (node.admin ("ingest", action="list")["locations"]), 1)

    def test_changes_are_seen_as_they_happen (self):
        node, folder = self.node (), self.folder ()
        self.add (node, folder)
        self.wait_seen (node, folder, "the folder")
        (folder / "new").write_text ("new")
        (folder / "sub/more/deeper").mkdir (parents=True)
        (folder / "sub/more/deeper/file").write_text ("deep")
        self.wait_seen (node, folder, "what is new")
        with open (folder / "new", "a") as file:
            file.write (" and longer")
        self.wait_seen (node, folder, "what it says now")
        (folder / "new").unlink ()
        shutil.rmtree (folder / "sub/more")
        self.wait_seen (node, folder, "what is gone")
        os.chmod (folder / "a.txt", 0o600)
        wait_until (lambda: stat.S_IMODE (self.rows (node)["a.txt"]["value"]["mode"]) == 0o600,
                    what="the mode")

    def test_a_renamed_or_moved_entry_keeps_its_uuid (self):
        node, folder = self.node (), self.folder ()
        self.add (node, folder)
        self.wait_seen (node, folder, "the folder")
        before = self.rows (node)
        feed = node.feed ("file_paths/")
        (folder / "a.txt").rename (folder / "z.txt")
        self.wait_seen (node, folder, "the new name")
        (folder / "z.txt").rename (folder / "sub/deep/z.txt")
        self.wait_seen (node, folder, "the new place")
        (folder / "sub/deep").rename (folder / "top")
        self.wait_seen (node, folder, "the moved folder")
        after = self.rows (node)
        for old, new in (("a.txt", "top/z.txt"), ("sub/deep", "top"), ("sub/deep/empty", "top/empty"),
                         ("sub/b.txt", "sub/b.txt")):
            self.assertEqual (before[old]["uuid"], after[new]["uuid"], (old, new))
        topics = set ()
        while change := feed.next (timeout=0.3):
            topics.add (change[0])
        self.assertEqual (topics, {"file_paths/update"})

    def test_an_editor_that_saves_beside_and_renames_over (self):
        node, folder = self.node (), self.folder ()
        self.add (node, folder)
        self.wait_seen (node, folder, "the folder")
        for n in range (5):
            (folder / ".a.txt.tmp").write_text (f"version {n}\n" * (n + 1))
            (folder / ".a.txt.tmp").rename (folder / "a.txt")
        self.wait_seen (node, folder, "the last version")

    def test_changes_while_the_node_was_down (self):
        for end in ("stop", "kill"):
            with self.subTest (end):
                node, folder = self.node (end), self.folder ("folder-" + end)
                self.add (node, folder)
                self.wait_seen (node, folder, "the folder")
                before = self.rows (node)
                getattr (node, end) ()
                (folder / "new").write_text ("new")
                (folder / "sub/b.txt").unlink ()
                (folder / "a.txt").write_text ("changed meanwhile")
                (folder / "sub/c.png").rename (folder / "moved.png")
                (folder / "sub/deep").rename (folder / "top")
                node.start ()
                self.wait_seen (node, folder, "what happened meanwhile")
                after = self.rows (node)
                for old, new in (("sub/c.png", "moved.png"), ("sub/deep", "top"),
                                 ("sub/deep/empty", "top/empty"), ("a.txt", "a.txt")):
                    self.assertEqual (before[old]["uuid"], after[new]["uuid"], (old, new))

    def test_many_changes_at_once (self):
        node, folder = self.node (), self.folder ()
        self.add (node, folder)
        self.wait_seen (node, folder, "the folder")
        for n in range (60):
            sub = folder / f"many/{n % 7}/{n}"
            sub.mkdir (parents=True)
            for m in range (20):
                (sub / f"{m}.txt").write_text (f"{n} {m}")
        for n in range (0, 60, 3):
            shutil.rmtree (folder / f"many/{n % 7}/{n}")
        for n in range (1, 60, 3):
            (folder / f"many/{n % 7}/{n}").rename (folder / f"many/moved-{n}")
        self.wait_seen (node, folder, "all of them")

    def test_what_is_to_be_ignored (self):
        node, folder = self.node (), self.folder ()
        (folder / ".tidepoolignore").write_text ("# comment\n*.tmp\n/build/\n!keep.tmp\n")
        (folder / "build").mkdir ()
        (folder / "build/out").write_text ("x")
        (folder / "sub/build").mkdir ()
        for name in ("x.tmp", "keep.tmp", "sub/y.tmp", "skip.me"):
            (folder / name).write_text ("x")
        self.add (node, folder, exclude=["*.me"])
        wait_until (lambda: self.settled (node), what="the folder")
        self.assertEqual (set (self.rows (node)),
                          {"a.txt", "sub", "sub/b.txt", "sub/c.png", "sub/deep", "sub/deep/empty",
                           "link", ".tidepoolignore", "sub/build", "keep.tmp"})

    def test_names_of_all_sorts (self):
        node, folder = self.node (), self.folder ()
        odd = [b"a b", b"'\"$`", "é🌊".encode (), b"\xff\xfe", b"line\nbreak", b"-rf", b"x" * 255]
        for name in odd:
            with open (os.path.join (os.fsencode (folder), name), "wb") as file:
                file.write (name)
        self.add (node, folder)
        wait_until (lambda: self.settled (node), what="the folder")
        found = {}
        for row in node.list ("file_paths"):
            value = row["value"]
            found[value.get ("path_bytes", value["path"].encode ())] = value
        for name in odd:
            self.assertEqual (found[name]["content_id"],
                              hashlib.blake2b (name, digest_size=32).digest ()[:16])
        self.assertEqual (found[b"\xff\xfe"]["path"], "\ufffd\ufffd")
        self.assertNotIn ("path_bytes", found["é🌊".encode ()])

    def test_locations_come_and_go (self):
        node, folder = self.node (), self.folder ()
        uuid = self.add (node, folder)["location"]
        self.wait_seen (node, folder, "the folder")
        for bad in ({"action": "add", "path": str (folder / "nowhere")},
                    {"action": "add", "path": str (folder / "a.txt")},
                    {"action": "add"}, {"action": "frobnicate"}, {}):
            with self.assertRaises (tidepool.Refused, msg=bad):
                node.admin ("ingest", **bad)
        node.admin ("ingest", action="rescan", path=str (folder))
        self.wait_seen (node, folder, "the folder again")
        node.admin ("ingest", action="remove", location=uuid)
        wait_until (lambda: node.count ("file_paths") == 0 and not node.status ()["locations"],
                    what="its rows are gone")
        self.assertEqual (node.count ("files"), 0)
        self.assertTrue ((folder / "a.txt").exists ())

    def test_files_of_several_owners (self):
        a, b = self.pool ("a", "b")
        for node in (a, b):
            folder = self.folder (f"of-{node.name}")
            self.add (node, folder)
            self.wait_seen (node, folder, "the folder")
        wait_converged ([a, b])
        for node in (a, b):
            value = node.get ("files", content_id (folder / "a.txt"))
            self.assertEqual ((value["paths"], value["clients"]), (4, 2))
        shutil.rmtree (self.place / "of-a/sub")
        self.wait_seen (a, self.place / "of-a", "what is gone")
        wait_converged ([a, b])
        self.assertEqual (b.get ("files", content_id (folder / "a.txt"))["paths"], 3)


if __name__ == "__main__":
    tidepool.main ()
