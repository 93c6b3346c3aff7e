#!/usr/bin/python3
"""What is left out of a scan, against git: the same patterns, the same paths, `git check-ignore`

Random trees, each with up to three pattern files. IGNORE_SEED begins elsewhere, IGNORE_TREES says how many. What differs is made
smaller before it is shown: fewer files, fewer patterns, shorter ones.
"""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

import tidepool
from tidepool import BIN

TREES = int (os.environ.get ("IGNORE_TREES", 400))
SEED = int (os.environ.get ("IGNORE_SEED", 1))
NAMES = [b"a", b"b", b"c", b"ab", b"abc", b"a.b", b"a-b", b"A", b".a", b"7", b"a b", b"a ", b"!a", b"#a", b"[a]", b"a]",
         b"a*", b"a\\", b"a?b", b"aab", b"abab", b"\xc3\xa9", b"\xff", b"**", b"-", b"^", b"a\rb", b"a\r", b"_", b"\tb"]
ATOMS = [b"a", b"b", b"c", b"ab", b".", b"-", b"7", b"A", b"*", b"*", b"*", b"?", b"**", b"**/", b"/**/", b"/**", b"/", b"/",
         b"[ab]", b"[!a]", b"[^b]", b"[a-c]", b"[]a]", b"[!]]", b"[a-]", b"[--a]", b"[a-c-e]", b"[\\]a]", b"[a", b"[]", b"[!",
         b"[[:alpha:]]", b"[[:digit:]b]", b"[![:space:]]", b"[[:punct:]]", b"[[:foo:]]", b"[[:]a]", b"[[::]]", b"[[:upper:]-c]",
         b"[/a]", b"\\", b"\\a", b"\\*", b"\\[", b"\\/", b"\\\\", b"\\ ", b" ", b"#", b"!", b"]", b"\xc3\xa9", b"\xff", b"\t",
         b"***", b"a**", b"**a", b"*a*b", b"\r"]


def random_pattern (rng):
    parts = [rng.choice (ATOMS if rng.random () < 0.6 else NAMES) for _ in range (rng.choice ((1, 1, 2, 2, 3, 4, 6)))]
    joint = rng.choice ((b"", b"", b"/", b"*"))
    return (rng.choice ((b"", b"", b"", b"!", b"/", b"\\!", b"#")) + joint.join (parts)
            + rng.choice ((b"", b"", b"", b"/", b" ", b"  ", b"\\ ", b"\r")))


def pattern_of (rng, path):
    """A path of the tree in which some of it became wild, or its name alone"""
    if rng.random () < 0.4:
        path = path.rstrip (b"/").split (b"/")[-1]
    out = b""
    for at in range (len (path)):
        byte = path[at:at + 1]
        wild = rng.random ()
        if byte != b"/" and wild < 0.25:
            out += rng.choice ((b"*", b"?", b"[!/]", b"[" + byte + b"x]", b"", b"**", b"\\" + byte, b"[a-c]"))
        elif byte == b"/" and wild < 0.4:
            out += rng.choice ((b"/**/", b"**/", b"/**", b"\\/", b"/*/", b"/", b"?", b"[!x]", b"*"))
        else:
            out += byte
    return rng.choice ((b"", b"", b"!", b"/", b"**/")) + out + rng.choice ((b"", b"", b"", b" ", b"/", b"/**", b"*"))


def random_text (rng, paths):
    mark = b"\xef\xbb\xbf" if rng.random () < 0.03 else b""
    lines = [pattern_of (rng, rng.choice (paths)) if paths and rng.random () < 0.5 else random_pattern (rng)
             for _ in range (rng.randint (1, 5))]
    return mark + b"\n".join (lines) + rng.choice ((b"\n", b"\n", b""))


def random_tree (rng):
    """({directory: its pattern file}, [path, a directory with a closing slash])"""
    folders, files = [b""], []
    for _ in range (12):
        above = rng.choice (folders)
        path = above + rng.choice (NAMES)
        if path + b"/" not in folders and path not in files and above.count (b"/") < 5:
            if rng.random () < 0.5:
                folders.append (path + b"/")
            else:
                files.append (path)
    paths = folders[1:] + files
    texts = {b"": random_text (rng, paths)}
    for folder in rng.sample (folders, min (2, len (folders))):
        if rng.random () < 0.5:
            below = [path[len (folder):] for path in paths if path.startswith (folder) and path != folder]
            texts[folder[:-1]] = random_text (rng, below)
    return texts, paths


class Ignore (unittest.TestCase):
    def setUp (self):
        self.place = pathlib.Path (tempfile.mkdtemp (prefix="tidepool-ignore-"))
        self.addCleanup (shutil.rmtree, self.place)
        # Nobody's own settings: no excludes file, no case folding
        self.environment = {**os.environ, "HOME": str (self.place), "XDG_CONFIG_HOME": str (self.place),
                            "GIT_CONFIG_NOSYSTEM": "1"}
        self.repository = os.fsencode (self.place / "r")
        self.run_git ("init", "-q", os.fsdecode (self.repository), at=self.place)

    def run_git (self, *args, at, **options):
        return subprocess.run (["git", *args], cwd=at, env=self.environment, stdout=subprocess.PIPE, **options)

    def plant (self, name, tree):
        texts, paths = tree
        root = os.path.join (self.repository, name)
        os.makedirs (root)
        for path in paths:
            whole = os.path.join (root, path)
            if path.endswith (b"/"):
                os.makedirs (whole, exist_ok=True)
            else:
                os.makedirs (os.path.dirname (whole), exist_ok=True)
                open (whole, "xb").close ()
        for folder, text in texts.items ():
            os.makedirs (os.path.join (root, folder), exist_ok=True)
            with open (os.path.join (root, folder, b".gitignore"), "wb") as file:
                file.write (text)

    def git_says (self, asked):
        """The left out ones of the paths, all relative to the repository"""
        done = self.run_git ("check-ignore", "-z", "--stdin", "--no-index", at=self.repository,
                             input=b"".join (path.rstrip (b"/") + b"\0" for path in asked))
        self.assertIn (done.returncode, (0, 1))
        return set (done.stdout.split (b"\0")[:-1])

    def tidepool_says (self, tree):
        texts, paths = tree
        asked = b"".join (b"I " + folder + b"\0" + text + b"\0" for folder, text in texts.items ())
        asked += b"".join (b"P " + path + b"\0" for path in paths)
        done = subprocess.run ([str (BIN / "judge")], input=asked, stdout=subprocess.PIPE, check=True)
        lines = done.stdout.split ()
        self.assertEqual (len (lines), len (paths))
        return {path for path, line in zip (paths, lines) if line == b"1"}

    def difference (self, tree):
        """A path on which both do not agree, and whether git leaves it out; None if there is none"""
        shutil.rmtree (os.path.join (self.repository, b"shrunk"), ignore_errors=True)
        self.plant (b"shrunk", tree)
        git = self.git_says ([b"shrunk/" + path for path in tree[1]])
        here = self.tidepool_says (tree)
        for path in tree[1]:
            out = b"shrunk/" + path.rstrip (b"/") in git
            if out != (path in here):
                return path, out
        return None

    def smaller (self, tree):
        texts, paths = tree
        for path in paths:
            yield texts, [other for other in paths if other != path and not other.startswith (path.rstrip (b"/") + b"/")]
        for folder, text in texts.items ():
            yield {key: value for key, value in texts.items () if key != folder}, paths
            lines = text.split (b"\n")
            for n in range (len (lines)):
                yield {**texts, folder: b"\n".join (lines[:n] + lines[n + 1:])}, paths
            for n in range (len (text)):
                yield {**texts, folder: text[:n] + text[n + 1:]}, paths

    def shrink (self, tree):
        again = True
        while again:
            again = False
            for other in self.smaller (tree):
                if other[1] and self.difference (other):
                    tree, again = other, True
                    break
        return tree

    def test_patterns_leave_out_what_git_leaves_out (self):
        print (f"IGNORE_SEED={SEED} IGNORE_TREES={TREES}", flush=True)
        trees = {}
        for n in range (TREES):
            trees[b"%d" % n] = random_tree (random.Random (SEED * 1000003 + n))
        for name, tree in trees.items ():
            self.plant (name, tree)
        git = self.git_says ([name + b"/" + path for name, tree in trees.items () for path in tree[1]])
        left_out = kept = 0
        for name, tree in trees.items ():
            here = self.tidepool_says (tree)
            there = {path for path in tree[1] if name + b"/" + path.rstrip (b"/") in git}
            if here != there:
                small = self.shrink (tree)
                path, out = self.difference (small)
                self.fail (f"IGNORE_SEED={SEED}, tree {name.decode ()}: git {'leaves out' if out else 'keeps'} {path!r}, "
                           f"tidepool does not, with {small[0]!r}")
            left_out += len (here)
            kept += len (tree[1]) - len (here)
        patterns = sum (len (text.splitlines ()) for tree in trees.values () for text in tree[0].values ())
        print (f"{patterns} patterns, {left_out} paths left out, {kept} kept", flush=True)
        # Otherwise it would prove little
        self.assertGreater (min (left_out, kept), TREES)


if __name__ == "__main__":
    tidepool.main ()
