#!/usr/bin/python3
"""A tree taken through random operations, watched, stopped and killed in between; then compared with a fresh scan

TIDEPOOL_FILES_OPERATIONS: how many operations each test does (400; 10000 for the whole of it). TIDEPOOL_FILES_SEED: which.
"""

import contextlib
import os
import random
import shutil

import tidepool
from tidepool import DEADLINE, Case, wait_until

OPERATIONS = int (os.environ.get ("TIDEPOOL_FILES_OPERATIONS", 400))
SEED = int (os.environ.get ("TIDEPOOL_FILES_SEED", 1))
ROUNDS = 4
DOWN = 100      # operations while a node is down: few enough that it can be said which entry went where
LONG = 4 * DEADLINE
NAMES = [b"a", b"A", b"b.txt", b"B.TXT", b"c d", "é".encode (), b"\xff\xfe", b"x" * 200,
         *(b"%d.bin" % n for n in range (20))]
ENTRIES_MAX = 1500


class Tree:
    """A folder, and which of its entries is which: a token goes with an entry wherever it is moved"""

    def __init__ (self, root, seed):
        self.root, self.random = os.fsencode (root), random.Random (seed)
        self.tokens = {}    # path below the root: token
        self.folders = {b""}
        self.linked = set ()    # tokens of what shares an inode with another
        self.next = 0
        os.mkdir (self.root)

    def at (self, path):
        return os.path.join (self.root, path) if path else self.root

    def fresh (self, path):
        self.next += 1
        self.tokens[path] = self.next

    def below (self, path):
        return [p for p in self.tokens if p == path or p.startswith (path + b"/")]

    def forget (self, path):
        for gone in self.below (path):
            del self.tokens[gone]
            self.folders.discard (gone)

    def moved (self, old, new):
        for path in self.below (old):
            to = new + path[len (old):]
            self.tokens[to] = self.tokens.pop (path)
            if path in self.folders:
                self.folders.remove (path)
                self.folders.add (to)

    def files (self):
        return sorted (set (self.tokens) - self.folders)

    def place (self):
        """A path that may or may not be taken"""
        folder = self.random.choice (sorted (self.folders))
        name = self.random.choice (NAMES)
        return folder + b"/" + name if folder else name

    def free (self):
        while (path := self.place ()) in self.tokens:
            pass
        return path

    def content (self):
        return self.random.randbytes (self.random.choice ((0, 1, 40, 40, 3000, 50000)))

    def some_file (self):
        files = self.files ()
        return self.random.choice (files) if files else None

    def some_folder (self):
        folders = sorted (self.folders - {b""})
        return self.random.choice (folders) if folders else None

    # the operations: each leaves the tokens as the folder is

    def write (self):
        path = self.place ()
        if path in self.folders or os.path.islink (self.at (path)):
            return
        if path not in self.tokens:
            self.fresh (path)
        with open (self.at (path), self.random.choice (("wb", "ab"))) as file:
            file.write (self.content ())

    def make_folder (self):
        path = self.free ()
        os.mkdir (self.at (path))
        self.fresh (path)
        self.folders.add (path)

    def make_branch (self):
        path = self.free ()
        os.makedirs (self.at (path + b"/deep/er"))
        for folder in (path, path + b"/deep", path + b"/deep/er"):
            self.fresh (folder)
            self.folders.add (folder)
        with open (self.at (path + b"/deep/er/file"), "wb") as file:
            file.write (self.content ())
        self.fresh (path + b"/deep/er/file")

    def make_symlink (self):
        path = self.free ()
        os.symlink (b"..", self.at (path))
        self.fresh (path)

    def make_link (self):
        old, new = self.some_file (), self.free ()
        if old:
            os.link (self.at (old), self.at (new), follow_symlinks=False)
            self.fresh (new)
            self.linked |= {self.tokens[old], self.tokens[new]}

    def remove (self):
        if path := self.some_file ():
            os.unlink (self.at (path))
            self.forget (path)

    def remove_branch (self):
        if path := self.some_folder ():
            shutil.rmtree (self.at (path))
            self.forget (path)

    def move_file (self):
        old, new = self.some_file (), self.place ()
        if not old or new == old or new in self.folders:
            return
        if new in self.tokens and os.path.samefile (self.at (old), self.at (new)):
            return  # two links of one file: rename would do nothing
        os.rename (self.at (old), self.at (new))
        self.forget (new)
        self.moved (old, new)

    def move_folder (self):
        old, new = self.some_folder (), self.free ()
        if old and not new.startswith (old + b"/"):
            os.rename (self.at (old), self.at (new))
            self.moved (old, new)

    def change_case (self):
        if old := self.some_file ():
            folder, name = os.path.split (old)
            new = os.path.join (folder, name.swapcase ())
            if new not in self.tokens:
                os.rename (self.at (old), self.at (new))
                self.moved (old, new)

    def save_over (self):
        """As editors save: beside it, then renamed over it"""
        path = self.some_file ()
        if path and not os.path.islink (self.at (path)):
            beside = path[:-len (os.path.basename (path))] + b".saving"
            with open (self.at (beside), "wb") as file:
                file.write (self.content ())
            os.rename (self.at (beside), self.at (path))
            self.fresh (path)

    def change_kind (self):
        if path := self.some_file ():
            os.unlink (self.at (path))
            os.mkdir (self.at (path))
            self.fresh (path)
            self.folders.add (path)

    def change_mode (self):
        path = self.some_file ()
        if path and not os.path.islink (self.at (path)):
            os.chmod (self.at (path), self.random.choice ((0o600, 0o644, 0o400, 0o755)))

    WEIGHTS = {"write": 30, "make_folder": 6, "make_branch": 2, "make_symlink": 2, "make_link": 2,
               "remove": 8, "remove_branch": 3, "move_file": 12, "move_folder": 6, "change_case": 3,
               "save_over": 8, "change_kind": 1, "change_mode": 5}

    def operate (self, count):
        for _ in range (count):
            if len (self.tokens) > ENTRIES_MAX:
                self.remove_branch ()
            (name,) = self.random.choices (list (self.WEIGHTS), self.WEIGHTS.values ())
            getattr (self, name) ()

    def snapshot (self):
        return dict (self.tokens), set (self.folders)

    def on_disk (self):
        found = set ()
        for at, folders, names in os.walk (self.root):
            found |= {os.path.relpath (os.path.join (at, name), self.root) for name in folders + names}
        return found


class Random (Case):
    def add (self, node, tree):
        node.admin ("ingest", action="add", path=os.fsdecode (tree.root), wait=True, timeout=LONG)

    def rows (self, node):
        """{path: (uuid, all else that the row says)}, but for the root's own"""
        rows = {}
        for record in node.list ("file_paths", owner=node.client):
            value = record["value"]
            path = value.get ("path_bytes", value["path"].encode ())
            self.assertNotIn (path, rows)
            rows[path] = record["uuid"], {k: v for k, v in value.items () if k != "location"}
        rows.pop (b"", None)
        return rows

    def settled (self, node):
        return all (l["state"] == "watching" and not l["unidentified"]
                    for l in node.status ()["locations"])

    def says (self, node):
        return {path: value for path, (_, value) in self.rows (node).items ()}

    def wait_same_as_fresh (self, node, tree):
        """What the node says is, to the last field, what a node says that has never seen the folder before"""
        self.assertEqual (set (tree.tokens), tree.on_disk ())
        self.fresh = getattr (self, "fresh", 0) + 1
        fresh = self.node (f"fresh{self.fresh}")
        self.add (fresh, tree)
        wait_until (lambda: self.settled (fresh), LONG, "the fresh scan is done")
        wanted = self.says (fresh)
        self.assertEqual (set (wanted), set (tree.tokens))
        fresh.stop ()
        try:
            wait_until (lambda: self.settled (node) and self.says (node) == wanted, LONG,
                        "the rows are those of a fresh scan")
        except AssertionError as error:
            rows = self.says (node)
            differ = {path: {k: (rows[path].get (k), wanted[path].get (k))
                             for k in set (rows[path]) | set (wanted[path])
                             if rows[path].get (k) != wanted[path].get (k)}
                      for path in set (rows) & set (wanted) if rows[path] != wanted[path]}
            raise AssertionError (
                f"{error}; too many: {sorted (set (rows) - set (wanted))[:9]}, too few: "
                f"{sorted (set (wanted) - set (rows))[:9]}, other: {list (differ.items ())[:9]}") from None

    def assertSameUuids (self, tree, before, rows_before, rows):
        """What stayed where it was, and what moved to where nothing was, is the same row. Gives how many moved."""
        tokens, folders = before
        where, moves = {token: path for path, token in tree.tokens.items ()}, 0
        for old, token in tokens.items ():
            if old in tree.tokens and (old in folders) == (old in tree.folders):
                self.assertEqual (rows_before[old][0], rows[old][0], old)
            new = where.get (token)
            if new and new != old and new not in tokens and old not in tree.tokens \
                    and token not in tree.linked:
                self.assertEqual (rows_before[old][0], rows[new][0], (old, new))
                moves += 1
        return moves

    def test_watched (self):
        tree, node = Tree (self.place / "tree", SEED), self.node ()
        tree.operate (100)
        self.add (node, tree)
        for _ in range (ROUNDS):
            tree.operate (OPERATIONS // ROUNDS)
            self.wait_same_as_fresh (node, tree)
        self.assertTrue (node.admin ("verify", timeout=LONG)["sound"])

    def test_while_the_node_is_down (self):
        tree, node, moves = Tree (self.place / "tree", SEED + 1), self.node (), 0
        tree.operate (100)
        self.add (node, tree)
        self.wait_same_as_fresh (node, tree)
        for turn in range (OPERATIONS // DOWN):
            before, rows_before = tree.snapshot (), self.rows (node)
            (node.kill if turn % 2 else node.stop) ()
            tree.operate (DOWN)
            node.start ()
            self.wait_same_as_fresh (node, tree)
            moves += self.assertSameUuids (tree, before, rows_before, self.rows (node))
        self.assertGreater (moves, 0)

    def test_killed_while_it_looks (self):
        tree, node = Tree (self.place / "tree", SEED + 2), self.node ()
        tree.operate (100)
        self.add (node, tree)
        for turn in range (4 * ROUNDS):
            tree.operate (OPERATIONS // (8 * ROUNDS))
            if turn % 2:
                with contextlib.suppress (tidepool.Refused):
                    node.admin ("ingest", action="rescan", path=os.fsdecode (tree.root))
            tree.operate (OPERATIONS // (8 * ROUNDS))
            node.kill ()
            node.start ()
        self.wait_same_as_fresh (node, tree)
        self.assertTrue (node.admin ("verify", timeout=LONG)["sound"])


if __name__ == "__main__":
    tidepool.main ()
