#!/usr/bin/python3
"""tools/quickstart, and the session in README.md, as a person would type them"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import tidepool
from tidepool import BIN, DEADLINE, ROOT, wait_until

LONG = 5 * DEADLINE


def nodes_under (place):
    """Process ids of nodes whose data lies there"""
    found = []
    for entry in pathlib.Path ("/proc").iterdir ():
        if entry.name.isdigit ():
            try:
                argv = (entry / "cmdline").read_bytes ().split (b"\0")
            except OSError:
                continue
            if argv[0].endswith (b"tidepoold") and argv[1].startswith (os.fsencode (place)):
                found.append (int (entry.name))
    return found


class Quickstart (unittest.TestCase):
    def setUp (self):
        keeper = tempfile.TemporaryDirectory (prefix="tp-")
        self.addCleanup (keeper.cleanup)
        self.place = pathlib.Path (keeper.name)
        self.addCleanup (self.kill_all)
        self.folder = self.place / "folder"
        (self.folder / "sub").mkdir (parents=True)
        for n in range (20):
            (self.folder / f"sub/{n}").write_text (f"file {n % 15}")
        self.tmp = self.place / "t"
        self.tmp.mkdir ()
        self.environ = {**os.environ, "TMPDIR": str (self.tmp)}

    def kill_all (self):
        for pid in nodes_under (self.place):
            os.kill (pid, signal.SIGKILL)

    def start (self, *args):
        return subprocess.Popen (
            [ROOT / "tools/quickstart", *args], env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=tidepool.die_with_parent)

    def test_three_nodes_end_up_equal (self):
        before = sorted ((path, path.lstat ().st_mtime_ns) for path in self.folder.rglob ("*"))
        process = self.start (self.folder)
        out, err = process.communicate (timeout=LONG)
        self.assertEqual (process.returncode, 0, out + err)
        self.assertEqual (err, "")
        self.assertNotIn ("\x1b", out) # no colour where there is no terminal
        rows = [line.split () for line in out.splitlines ()
                if re.match (r" +(desk|laptop|phone)( +[\d,]+ +\S+…){4}$", line)]
        self.assertEqual ([row[0] for row in rows], ["desk", "laptop", "phone"])
        self.assertEqual (rows[0][1:], rows[1][1:])
        self.assertEqual (rows[0][1:], rows[2][1:])
        self.assertIn ("15 different contents", out)
        self.assertEqual (sorted ((path, path.lstat ().st_mtime_ns)
                                  for path in self.folder.rglob ("*")), before)
        self.assertEqual (list (self.tmp.iterdir ()), [])
        self.assertEqual (nodes_under (self.tmp), [])

    def kept (self):
        process = self.start (self.folder, "--keep")
        lines = []
        for line in process.stdout:
            lines.append (line)
            if "api.sock" in line: # among the last of what it prints
                break
        self.assertEqual (len (nodes_under (self.tmp)), 3, "".join (lines))
        return process, "".join (lines)

    def test_keep_goes_on_until_it_is_told_to_stop (self):
        process, out = self.kept ()
        self.assertIn ("tidepool changes --follow", out)
        (place,) = self.tmp.iterdir ()
        done = tidepool.run_command ("-d", place / "phone", "list", "tags")
        self.assertEqual (done.returncode, 0, done.stderr)
        os.killpg (process.pid, signal.SIGINT)
        out, err = process.communicate (timeout=DEADLINE)
        self.assertEqual ((process.returncode, err), (0, ""))
        self.assertEqual (nodes_under (self.tmp), [])
        self.assertEqual (list (self.tmp.iterdir ()), [])

    def test_a_failure_is_told_with_the_logs (self):
        process, _ = self.kept ()
        os.kill (nodes_under (self.tmp)[0], signal.SIGKILL)
        out, err = process.communicate (timeout=DEADLINE)
        self.assertNotEqual (process.returncode, 0)
        self.assertRegex (err, "quickstart failed: (desk|laptop|phone) has ended by itself")
        self.assertIn ("---- the end of desk.log", err)
        self.assertEqual (nodes_under (self.tmp), [])

    def test_what_is_no_folder_is_refused (self):
        for args in ([self.place / "nowhere"], ["--odd"], [self.folder, self.folder]):
            process = self.start (*args)
            out, err = process.communicate (timeout=DEADLINE)
            self.assertEqual (process.returncode, 2, out)
            self.assertTrue (err)


class Readme (unittest.TestCase):
    def test_the_session_works_as_it_stands_there (self):
        readme = (ROOT / "README.md").read_text ()
        blocks = re.findall (r"<!-- session -->\n```sh\n(.*?)```", readme, re.S)
        self.assertEqual (len (blocks), 4)
        with tempfile.TemporaryDirectory (prefix="tp-") as place:
            session = "set -e\n" + "".join (blocks)
            session = session.replace ("/tmp/my-", f"{place}/my-")
            session = session.replace ("$PWD/build/release/bin", str (BIN))
            # files, not pipes: nodes that are left over would hold those open
            with open (f"{place}/out", "w+") as out:
                done = subprocess.run (
                    ["bash"], input=session, cwd=ROOT, timeout=LONG, text=True, stdout=out,
                    stderr=subprocess.STDOUT, preexec_fn=tidepool.die_with_parent)
                left = nodes_under (place)
                for pid in left:
                    os.kill (pid, signal.SIGKILL)
                out.seek (0)
                text = out.read ()
            self.assertEqual (done.returncode, 0, text)
            self.assertIn ("{'name': 'tide'}", text)
            self.assertEqual (left, [])


if __name__ == "__main__":
    tidepool.main ()
