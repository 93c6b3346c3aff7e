#!/usr/bin/python3
"""Folders as they are: a tree of the system's own, its changes, and what every node derives from it"""

import base64
import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import time
import unicodedata
import uuid as uuids

import tidepool
from tidepool import BIN, DEADLINE, Case, wait_converged, wait_until

FILES = 20_000
STORM = int (os.environ.get ("TIDEPOOL_STORM", 20_000))
FILE_BYTES = 32_768      # larger ones are left where they are: this tests rows, not disks
FIELDS = {"location", "path", "name", "extension", "is_dir", "size", "mode", "modified", "created",
          "inode"}
LONG = 4 * DEADLINE


def content_id (path):
    return hashlib.blake2b (path.read_bytes (), digest_size=32).digest ()[:16]


def sampled_id (path):
    """Of a file over 128 KiB: from what actors/scan/README.md says, not from the code"""
    data = path.read_bytes ()
    head, part, count = 16 << 10, 4 << 10, 16
    room = len (data) - 2 * head - part
    samples = [data[head + room * i // (count - 1):][:part] for i in range (count)]
    whole = b"tidepool sampled 1" + len (data).to_bytes (8, "big") + data[:head]
    return hashlib.blake2b (whole + b"".join (samples) + data[-head:], digest_size=32).digest ()[:16]


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
        self.add (nodes[0], tree, no_default_excludes=True)
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

    def test_large_files_by_samples (self):
        node, folder, edge = self.node (), self.folder (), 128 << 10
        sizes = (edge - 1, edge, edge + 1, edge + 1, 200_003, 1_000_000, 5_000_001)
        for n, size in enumerate (sizes):
            (folder / f"{n}").write_bytes (os.urandom (4099) * (size // 4099) + os.urandom (size % 4099))
        node.command ("ingest", "add", folder, "--mode", "sampled", "--wait")
        wait_until (lambda: self.settled (node), what="all are identified")

        def check ():
            for path, row in self.rows (node).items ():
                if "content_id" not in row["value"]:
                    continue
                large = (folder / path).stat ().st_size > edge
                self.assertEqual (row["value"].get ("sampled"), True if large else None, path)
                self.assertEqual (row["value"]["content_id"],
                                  (sampled_id if large else content_id) (folder / path), path)
            return True

        check ()
        read = node.metric ("bytes_hashed_total")
        self.assertLess (read, 5 * (96 << 10) + 3 * edge)
        (location,) = node.command ("ingest", "list")["locations"]
        self.assertEqual (location["mode"], "sampled")
        self.assertIn ("sampled", tidepool.run_command ("-d", node.dir, "ingest", "list").stdout)
        # The mode outlives the node; what moves keeps its id, what changes in a sampled place gets another
        node.restart ()
        wait_until (lambda: self.settled (node), what="the folder again")
        self.assertEqual (node.metric ("bytes_hashed_total"), 0)
        (folder / "6").rename (folder / "sub/moved")
        with open (folder / "5", "r+b") as file:
            file.write (b"another beginning")
        os.utime (folder / "5", (1, 1))
        wait_until (lambda: self.settled (node) and "sub/moved" in self.rows (node) and check (),
                    what="what moved and what changed")
        # The same file as a whole is another record: the two are never taken for one
        other = self.place / "other"
        other.mkdir ()
        shutil.copyfile (folder / "4", other / "4")
        self.add (node, other)
        wait_until (lambda: self.settled (node), what="the other folder")
        for key in (sampled_id (folder / "4"), content_id (folder / "4")):
            self.assertEqual (node.get ("files", key)["paths"], 1)
        for bad in ("half", 7):
            with self.assertRaises (tidepool.Refused):
                node.admin ("ingest", action="add", path=str (self.place / "other"), mode=bad)

    def test_identification_goes_on_after_a_kill (self):
        node, folder = self.node (), self.place / "many"
        folder.mkdir ()
        for n in range (3000):
            (folder / f"{n}.txt").write_text (f"number {n}\n")
        self.add (node, folder)
        node.kill ()                                                      # while ids are being found
        node.start ()
        shown = wait_until (lambda: next ((l for l in node.status ()["locations"] if l["typed_per_s"]), None),
                            what="how fast it goes")
        self.assertEqual ((shown["state"], shown["unidentified"]), ("typing", 0))
        self.assertAlmostEqual (shown["seconds_left"], shown["untyped"] / shown["typed_per_s"], delta=1)
        self.assertIn ("/s, ", tidepool.run_command ("-d", node.dir, "ingest", "list").stdout)
        rows = [row["value"] for row in self.rows (node).values () if not row["value"]["is_dir"]]
        self.assertEqual ([r["name"] for r in rows if "content_id" not in r], [])
        node.kill ()                                                      # while types are
        known = {}
        node.start ()
        for row in self.rows (node).values ():
            if "mime" in row["value"]:
                known[row["uuid"]] = row["updated"]
        wait_until (lambda: self.settled (node), what="all is known")
        self.assertTrue (all ("mime" in row["value"] for row in self.rows (node).values ()))
        self.assertEqual (node.metric ("files_hashed_total"), 0)
        self.assertTrue (self.seen (node, folder))
        rows = {row["uuid"]: row["updated"] for row in self.rows (node).values ()}
        self.assertGreater (len (known), 0)
        self.assertEqual ({uuid: rows[uuid] for uuid in known}, known)   # none of them anew
        self.assertNotIn ("/s, ", tidepool.run_command ("-d", node.dir, "ingest", "list").stdout)
        self.assertIsNone (node.status ()["locations"][0]["seconds_left"])
        hashed = node.metric ("files_hashed_total")
        # An id is computed anew for another size, time or inode, and for nothing else
        (folder / "0.txt").chmod (0o600)
        (folder / "1.txt").rename (folder / "one.txt")
        os.link (folder / "2.txt", folder / "two.txt")                    # a row of its own
        (folder / "3.txt").write_text ("longer than it was before\n")
        os.utime (folder / "4.txt", (5, 5))
        (folder / "new").write_text ("number Z\n")
        os.utime (folder / "new", ns=(0, (folder / "5.txt").stat ().st_mtime_ns))
        (folder / "new").rename (folder / "5.txt")                        # same size and time
        wait_until (lambda: self.seen (node, folder), what="what changed")
        node.admin ("ingest", action="rescan", path=str (folder), wait=True)
        wait_until (lambda: self.settled (node), what="the folder again")
        self.assertEqual (node.metric ("files_hashed_total") - hashed, 4)   # two, 3, 4, 5

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
        (folder / "a.txt").rename (folder / "A.txt")
        self.wait_seen (node, folder, "only another case")
        (folder / "A.txt").rename (folder / "z.txt")
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

    def test_a_storm_leaves_what_was_there (self):
        """More files than the kernel keeps events for appear, some are moved, and all vanish"""
        node, folder = self.node (), self.folder ()
        self.add (node, folder)
        self.wait_seen (node, folder, "the folder")
        before = self.rows (node)
        storm = folder / "storm"
        storm.mkdir ()
        at = os.open (storm, os.O_RDONLY)
        for n in range (STORM):
            os.close (os.open (f"{n}", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=at))
            if n % 3 == 0:
                os.rename (f"{n}", f"{n}-", src_dir_fd=at, dst_dir_fd=at)
        os.close (at)
        shutil.rmtree (storm)
        (folder / "last").write_text ("after it")
        wait_until (lambda: self.seen (node, folder), 4 * DEADLINE, "what was there, and the last")
        after = self.rows (node)
        self.assertEqual ({path: row["uuid"] for path, row in before.items ()},
                          {path: row["uuid"] for path, row in after.items () if path != "last"})
        self.assertTrue (node.admin ("verify")["sound"])

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

    def names (self, node):
        return set (self.rows (node)) if self.settled (node) else None

    def test_what_is_left_out_unless_told_otherwise (self):
        node, folder = self.node (), self.folder ()
        caches = (".git", ".hg", ".svn", ".cache", "__pycache__", "node_modules")
        for name in caches:
            (folder / "sub" / name).mkdir ()
            (folder / "sub" / name / "file").write_text (name)
        (folder / "sub/deep/.git").write_text ("gitdir: elsewhere\n")   # of a worktree
        (folder / "sub/deep/.cache").write_text ("a file of this name is somebody's own\n")
        plain = {"a.txt", "link", "sub", "sub/b.txt", "sub/c.png", "sub/deep", "sub/deep/empty",
                 "sub/deep/.cache"}
        node.command ("ingest", "add", folder, "--exclude", "*.none", "--wait")
        wait_until (lambda: self.names (node) == plain, what="without caches")
        # it can be seen ...
        (location,) = node.command ("ingest", "list")["locations"]
        self.assertEqual (location["default_excludes"],
                          [".git", ".hg/", ".svn/", ".cache/", "__pycache__/", "node_modules/"])
        shown = tidepool.run_command ("-d", node.dir, "ingest", "list").stdout
        self.assertIn (f"{folder} leaves out: *.none .git .hg/ .svn/ .cache/ __pycache__/ node_modules/",
                       shown)
        # ... a pattern takes one in again ...
        (folder / ".tidepoolignore").write_text ("!.git\n")
        more = plain | {".tidepoolignore", "sub/.git", "sub/.git/file", "sub/deep/.git"}
        wait_until (lambda: self.names (node) == more, what="with .git")
        # ... and the command all of them
        node.command ("ingest", "remove", folder)
        wait_until (lambda: not node.status ()["locations"], what="the location is gone")
        node.command ("ingest", "add", folder, "--no-default-excludes", "--wait")
        everything = more | {f"sub/{name}" for name in caches} | {f"sub/{name}/file" for name in caches}
        wait_until (lambda: self.names (node) == everything, what="everything")
        (location,) = node.command ("ingest", "list")["locations"]
        self.assertEqual (location["default_excludes"], [])
        node.restart ()
        (location,) = node.command ("ingest", "list")["locations"]
        self.assertEqual (location["default_excludes"], [])
        self.assertEqual (set (self.rows (node)), everything)

    def test_a_changed_pattern_adds_and_removes_rows (self):
        node, folder = self.node (), self.folder ()
        self.add (node, folder)
        self.wait_seen (node, folder, "the folder")
        uuid = self.rows (node)["sub"]["uuid"]
        patterns, below = folder / ".tidepoolignore", folder / "sub/.tidepoolignore"

        def shows (*gone):
            want = {path for path in entries_of (folder)
                    if not any (path == name or path.startswith (name + "/") for name in gone)}
            wait_until (lambda: self.names (node) == want, what=f"all but {gone}")

        patterns.write_text ("a.txt\n/sub/deep/\n")
        shows ("a.txt", "sub/deep")
        below.write_text ("*.png\n!deep/\n")             # a deeper file is asked first
        shows ("a.txt", "sub/c.png")
        os.rename (patterns, folder / "elsewhere")
        shows ("sub/c.png")
        below.unlink ()
        shows ()
        # what is left out is not watched any more, and is seen again when it is taken in
        patterns.write_text ("deep\n")
        shows ("sub/deep")
        (folder / "sub/deep/meanwhile").write_text ("x")
        patterns.write_text ("")
        shows ()
        for end in ("stop", "kill"):
            getattr (node, end) ()
            patterns.write_text ("*.txt\n")
            node.start ()
            shows ("a.txt", "sub/b.txt")
            getattr (node, end) ()
            patterns.unlink ()
            node.start ()
            shows ()
        self.assertEqual (self.rows (node)["sub"]["uuid"], uuid)

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

    def test_names_of_all_sorts_through_the_command (self):
        node, folder = self.node (), self.place / "a\x1b[31mred\x07 \u202efolder\nof files"
        folder.mkdir ()
        odd = [b"line\nbreak", b"\xff\xfe bad", b"-rf", b"--json", b"x" * 255, b"\xc3\xa9" * 127 + b"y", b"\x1b]0;title\x07",
               b"\x1b[2J\x1b[1;31mred", b"\xe2\x80\xae reversed", b"\xc2\x9b31m", b"tab\there", b"cr\rover", b"\x7f",
               b"\xef\xbf\xbd", b"\xed\xa0\x80 surrogate", b" ", b"\\n"]
        for name in odd:
            with open (os.path.join (os.fsencode (folder), name), "wb") as file:
                file.write (b"content of " + name)
        node.command ("ingest", "add", folder, "--wait")
        wait_until (lambda: self.settled (node), what="the folder")

        # stored exactly, and so is what the command gives to programs
        listed = node.command ("list", "file_paths", "--all")["records"]
        found = {}
        for record in listed:
            value = record["value"]
            exact = base64.b64decode (value["path_bytes"]) if "path_bytes" in value else value["path"].encode ()
            found[exact] = record
            self.assertEqual ("path_bytes" in value, exact.decode (errors="replace").encode () != exact)
        self.assertEqual (set (found), set (odd))
        for name, record in found.items ():
            self.assertEqual (uuids.UUID (record["value"]["content_id"]).bytes,
                              hashlib.blake2b (b"content of " + name, digest_size=32).digest ()[:16])

        # shown safely: nothing that a terminal would obey, and a line a record
        def text (*args):
            done = subprocess.run ([BIN / "tidepool", "-d", node.dir, *args], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, timeout=DEADLINE)
            self.assertEqual (done.returncode, 0, done.stderr)
            shown = (done.stdout + done.stderr).decode ()   # UTF-8, all of it
            unsafe = {c for c in shown if c != "\n" and (unicodedata.category (c) in ("Cc", "Cf", "Zl", "Zp", "Cs"))}
            self.assertEqual (unsafe, set (), args)
            return shown

        self.assertEqual (len (text ("list", "file_paths", "--all").splitlines ()), 1 + len (odd))
        for args in (("changes",), ("ingest", "list"), ("ingest", "rescan"), ("ingest", "rescan", folder), ("status",)):
            text (*args)
        self.assertIn ("\\x1b[31mred", text ("ingest", "list"))
        for name, record in found.items ():
            shown = text ("get", "file_paths", record["uuid"])
            if name == b"line\nbreak":
                self.assertIn ("line\\nbreak", shown)
        text ("ingest", "remove", folder)

    def test_deeper_than_any_path_may_be_long (self):
        """Nobody can name this file by one path: it is reached, watched and read folder by folder"""
        node, folder = self.node (), self.folder ()
        at, name, depth = os.open (folder, os.O_RDONLY), "d" * 100, 60
        for _ in range (depth):
            os.mkdir (name, dir_fd=at)
            below = os.open (name, os.O_RDONLY, dir_fd=at)
            os.close (at)
            at = below
        self.addCleanup (os.close, at)

        def write (text):
            file = os.open ("file", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=at)
            os.write (file, text)
            os.close (file)

        def says (text):
            row = self.rows (node).get ("/".join (depth * [name] + ["file"]))
            return row and row["value"].get ("content_id") == \
                hashlib.blake2b (text, digest_size=32).digest ()[:16]

        write (b"deep down")
        self.add (node, folder)
        wait_until (lambda: says (b"deep down"), what="the file at the bottom")
        write (b"changed down there")
        wait_until (lambda: says (b"changed down there"), what="its change")

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

    def test_derived_records_are_made_anew (self):
        a, b = self.pool ("a", "b")
        extensions = {"by_extension": {"kind": "derived", "from": "file_paths", "key": "extension",
                                       "keep": ["mime", "rows=#rows", "owners=#owners"]}}
        b.api ("declare", resources=extensions)
        for node in (a, b):
            folder = self.folder (f"of-{node.name}")
            self.add (node, folder)
            self.wait_seen (node, folder, "the folder")
        wait_converged ([a, b])
        shown = {name: b.list (name) for name in ("files", "by_extension")}
        self.assertEqual (len (shown["files"]), 3)
        sums = [b.status ()["resources"][name] for name in shown]
        cursor = b.changes ()[1]

        # of what is right nothing changes, and nobody hears of anything
        answer = b.command ("verify", "--rebuild")
        self.assertEqual ((answer["mended"], answer["sound"]), (0, True))
        self.assertIsNone (b.command ("verify")["mended"])
        self.assertEqual (b.changes (cursor)[0], [])

        # behind the node's back: one altered, one unreadable, one gone, one that nobody has
        same, image, empty = (content_id (folder / path) for path in ("a.txt", "sub/c.png", "sub/deep/empty"))
        txt = next (r["uuid"] for r in shown["by_extension"] if r["value"].get ("mime") == "text/plain")

        def alter (resource, uuid, *how):
            subprocess.run ([BIN / "alter", b.dir, "derived/" + resource, str (uuids.UUID (bytes=uuid)), *how],
                            check=True)

        feed = b.feed ("files/", "by_extension/")
        alter ("files", same, "set", "text/plain", "text/plane")
        alter ("files", empty, "copy", str (uuids.UUID (int=77)))
        alter ("files", image, "flip")
        alter ("by_extension", txt, "remove")
        self.assertEqual (b.get ("files", same)["kind"], "text/plane")
        done = tidepool.run_command ("-d", b.dir, "verify", "--rebuild")
        self.assertEqual (done.returncode, 0, done.stderr)
        self.assertIn ("put right", done.stdout)
        self.assertNotIn ("made anew: 0 ", done.stdout)
        self.assertEqual ({name: b.list (name) for name in shown}, shown)
        self.assertEqual ([b.status ()["resources"][name] for name in shown], sums)
        told = {(topic, change["uuid"]) for topic, change in feed.take (3)}
        self.assertIn (("files/update", same), told)
        self.assertEqual (b.admin ("verify", rebuild=True)["mended"], 0)
        # each record is in `changes` once
        seen = [(c["resource"], c["uuid"]) for c in b.changes ()[0]
                if c["resource"] in shown and not c["deleted"]]
        self.assertEqual (len (seen), len (set (seen)))
        self.assertEqual (set (seen), {(name, r["uuid"]) for name in shown for r in shown[name]})
        with self.assertRaises (tidepool.Refused):
            b.admin ("verify", rebuild="yes")

    def test_two_clients_with_the_same_photo (self):
        a, b = self.pool ("a", "b")
        trees = [self.folder (f"of-{node.name}") for node in (a, b)]
        self.add (a, trees[0])
        self.wait_seen (a, trees[0], "the folder")
        wait_converged ([a, b])
        photo = content_id (trees[0] / "sub/c.png")
        self.assertEqual (b.get ("files", photo)["paths"], 1)
        self.add (b, trees[1])
        self.wait_seen (b, trees[1], "the folder")
        wait_converged ([a, b])
        for node in (a, b):
            self.assertEqual (node.get ("files", photo),
                              {"size": (trees[0] / "sub/c.png").stat ().st_size, "kind": "image/png",
                               "paths": 2, "clients": 2})
        # a tag on it, made on one, is seen on the other
        tag = a.create ("tags", name="the sea")
        a.create ("tags_on_files", tag=tag, file=photo)
        wait_converged ([a, b])
        (link,) = b.list ("tags_on_files")
        self.assertEqual (b.get ("tags", link["value"]["tag"]), {"name": "the sea"})
        self.assertEqual (b.get ("files", link["value"]["file"])["kind"], "image/png")
        (row,) = [r for r in b.list ("file_paths", owner=b.client)
                  if r["value"].get ("content_id") == link["value"]["file"]]
        self.assertEqual (row["value"]["path"], "sub/c.png")   # b's own copy has the tag too
        # the photo goes at one: the record stays, and so does the tag
        (trees[0] / "sub/c.png").unlink ()
        wait_until (lambda: b.get ("files", photo)["paths"] == 1, what="one path is left")
        self.assertEqual (len (b.list ("tags_on_files")), 1)
        for node in (a, b):
            self.assertTrue (node.admin ("verify", rebuild=True)["sound"])

    def test_the_same_tree_on_two_clients_that_never_meet (self):
        digests = []
        for name in ("a", "b"):
            node, folder = self.node (name), self.folder ("of-" + name)
            (folder / os.fsdecode (b"\xff\n-")).write_text ("odd")
            os.link (folder / "a.txt", folder / "hard")
            self.add (node, folder)
            wait_until (lambda: self.settled (node), what="the folder")
            digests.append (node.status ()["resources"]["files"]["digest"])
        self.assertEqual (digests[0], digests[1])

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
