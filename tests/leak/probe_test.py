#!/usr/bin/env python3
"""Self test of the leak probe: it finds what was planted, in every place where
weights could lie, and nothing where nothing is. Run: probe_test.py PROBE."""
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import unittest

PROBE = sys.argv.pop(1)
BLOCK = 4096


class Probe(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="wh-leak-")
        root = pathlib.Path(self.tmp.name)
        self.secret = root / "secret"
        self.data = root / "data"
        (self.data / "deep" / "er").mkdir(parents=True)
        self.bytes = random.Random(7).randbytes(50 * BLOCK + 100)
        self.secret.write_bytes(self.bytes)
        noise = random.Random(8).randbytes(300000)
        (self.data / "noise").write_bytes(noise)
        (self.data / "empty").write_bytes(b"")

    def tearDown(self):
        self.tmp.cleanup()

    def run_probe(self, *more, folders=None):
        folders = folders or [str(self.data)]
        done = subprocess.run(
            [PROBE, *more, str(self.secret), "--", *folders],
            capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def found(self, *more, **kw):
        code, out = self.run_probe(*more, **kw)
        self.assertIn(code, (0, 1), out)
        return code == 1

    def block(self, n):
        return self.bytes[n * BLOCK:(n + 1) * BLOCK]

    def test_nothing(self):
        self.assertFalse(self.found())

    def test_whole_file(self):
        (self.data / "deep" / "er" / "copy").write_bytes(self.bytes)
        self.assertTrue(self.found())

    def test_every_single_block_at_odd_places(self):
        for n in range(50):
            path = self.data / "deep" / "hit"
            path.write_bytes(b"x" * (n * 37 + 1) + self.block(n) + b"y")
            self.assertTrue(self.found(), n)
            path.unlink()

    def test_across_the_border_of_a_read(self):
        for n in (0, 1, 8, 16, 31, 32):
            path = self.data / "hit"
            path.write_bytes(bytes(2 ** 20 - n) + self.block(2)[:40])
            self.assertTrue(self.found(), n)

    def test_half_a_block(self):
        (self.data / "hit").write_bytes(b"abc" + self.block(9)[1000:2200])
        self.assertTrue(self.found())

    def test_database_and_its_log(self):
        db = sqlite3.connect(self.data / "db")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("CREATE TABLE t (b BLOB)")
        db.execute("INSERT INTO t VALUES (?)", (self.bytes[:20000],))
        db.commit()
        code, out = self.run_probe()
        self.assertEqual(code, 1)
        self.assertIn("db-wal", out)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.commit()
        self.assertEqual((self.data / "db-wal").stat().st_size, 0)
        self.assertTrue(self.found())
        db.close()

    def test_deleted_row_in_database(self):
        db = sqlite3.connect(self.data / "db")
        db.execute("PRAGMA secure_delete=OFF")
        db.execute("CREATE TABLE t (b BLOB)")
        db.execute("INSERT INTO t VALUES (?)", (self.bytes[:20000],))
        db.commit()
        db.execute("DELETE FROM t")
        db.commit()
        db.close()
        self.assertTrue(self.found())

    def test_shared_memory_folder(self):
        with tempfile.NamedTemporaryFile(dir="/dev/shm") as f:
            f.write(self.block(3))
            f.flush()
            self.assertTrue(self.found(folders=[str(self.data), "/dev/shm"]))

    def test_unnamed_file_of_a_process(self):
        with tempfile.TemporaryFile(dir=self.data) as f:
            f.write(self.block(4))
            f.flush()
            self.assertFalse(self.found())
            self.assertTrue(self.found("--pid", str(os.getpid())))

    def test_the_secret_itself_is_not_a_leak(self):
        os.link(self.secret, self.data / "same-inode")
        self.assertFalse(self.found())

    def test_more_than_one_secret(self):
        other = pathlib.Path(self.tmp.name) / "other"
        other.write_bytes(random.Random(9).randbytes(BLOCK))
        (self.data / "hit").write_bytes(other.read_bytes())
        self.assertFalse(self.found())
        self.assertTrue(self.found(str(other)))

    def test_can_not_look(self):
        self.assertEqual(self.run_probe(folders=["/nonexistent"])[0], 2)
        self.assertEqual(self.run_probe("/nonexistent")[0], 2)
        self.secret.write_bytes(b"\0" * 9000)
        self.assertEqual(self.run_probe()[0], 2)
        self.assertEqual(subprocess.run([PROBE], check=False,
                                        capture_output=True).returncode, 2)


unittest.main()
