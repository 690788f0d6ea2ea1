"""The register alone (tests/register_driver.c), killed, rolled back, forked and
damaged; what it publishes is judged by the Go team's own log code
(tools/verify) and by nothing of ours."""

import os
import pathlib
import random
import shutil
import sqlite3
import subprocess

import pytest

from conftest import BINARY, ROOT

DRIVER = pathlib.Path(os.environ.get(
    "REGISTER_DRIVER", BINARY.parent / "src" / "register" / "register_driver"))
STEPS = {
    1: "events wait", 2: "inside the transaction", 3: "committed",
    4: "remembered by the signer", 5: "signed", 6: "head stored",
    7: "file not named", 8: "first file", 9: "files written", 10: "read back",
    11: "checkpoint visible", 12: "recorded",
}
CRASHED = 99
GOOD, FORKED, BAD = 0, 1, 3  # of the verifier


@pytest.fixture(scope="session")
def verifier(tmp_path_factory):
    ready = ROOT / ".dev" / "bin" / "verify"
    if ready.exists():
        return ready
    out = tmp_path_factory.mktemp("go") / "verify"
    subprocess.run(["go", "build", "-o", out, "."], cwd=ROOT / "tools" / "verify",
                   check=True)
    return out


class Log:
    """One register in a folder of its own."""

    def __init__(self, base, verifier):
        self.base = pathlib.Path(base)
        self.verifier = verifier
        self.acked = -1
        self.env = {}

    @property
    def vkey(self):
        return self.base / "keys" / "log.vkey"

    def run(self, *args, crash=None, **env):
        more = {k: str(v) for k, v in env.items()}
        if crash:
            more["WEIGHHOUSE_CRASH_AT"] = str(crash)
        done = subprocess.run(
            [DRIVER, self.base, *map(str, args)], capture_output=True, text=True,
            env={**os.environ, **self.env, **more}, timeout=300)
        for line in done.stdout.splitlines():
            if line.startswith("ack "):
                self.acked = max(self.acked, int(line.split()[2]))
        return done

    def good(self, *args, **env):
        done = self.run(*args, **env)
        assert done.returncode == 0, done.stderr
        words = done.stdout.split()
        return int(words[words.index("size") + 1])

    def check(self, state="state", where=None):
        done = subprocess.run(
            [self.verifier, "-vkey", self.vkey, "-state", self.base / state,
             where or self.base / "register"], capture_output=True, text=True,
            timeout=300)
        return done.returncode, done.stdout + done.stderr

    def must_check(self, **kw):
        code, said = self.check(**kw)
        assert code == GOOD, said

    def recovered(self):
        """A start finds everything that was acknowledged, publishes it, and the
        log continues what the outside verifier saw before."""
        size = self.good("open")
        assert size > self.acked
        self.must_check()
        more = self.good("single", 1)
        assert more == size + 1 and self.acked == size
        self.must_check()

    def copy(self, to):
        shutil.copytree(self.base, to, ignore=shutil.ignore_patterns("*.sock"))
        other = Log(to, self.verifier)
        other.acked = self.acked
        return other


@pytest.fixture
def log(tmp_path, verifier):
    return Log(tmp_path / "log", verifier)


@pytest.mark.parametrize("step", STEPS, ids=lambda n: STEPS[n].replace(" ", "-"))
def test_killed_at_step(log, step):
    log.good("single", 2)
    log.must_check()
    done = log.run("single", 3, crash=step)
    assert done.returncode == CRASHED, done.stderr
    log.recovered()


@pytest.mark.parametrize("step", STEPS, ids=lambda n: STEPS[n].replace(" ", "-"))
def test_killed_at_step_of_first_start(log, step):
    done = log.run("open", crash=step)
    assert done.returncode == CRASHED, done.stderr
    log.recovered()


@pytest.mark.parametrize("step", STEPS, ids=lambda n: STEPS[n].replace(" ", "-"))
def test_killed_across_a_tile_end(log, step):
    log.good("append", 250)
    log.must_check()
    done = log.run("append", 20, crash=step)
    assert done.returncode == CRASHED, done.stderr
    log.recovered()


@pytest.mark.parametrize("first", (3, 5, 6, 8, 9, 10, 11))
def test_killed_again_while_recovering(log, first, tmp_path):
    log.good("append", 254)
    assert log.run("append", 5, crash=first).returncode == CRASHED
    again = 0
    for second in range(1, 13):
        twice = log.copy(tmp_path / f"twice{second}")
        done = twice.run("open", crash=second)
        assert done.returncode in (0, CRASHED), done.stderr
        again += done.returncode == CRASHED
        assert twice.good("open") > log.acked
        twice.must_check()
    assert again >= (2 if first >= 11 else 5)


@pytest.mark.parametrize("count", (2, 3, 4, 5))
def test_killed_between_files(log, count):
    log.good("append", 250)
    done = log.run("append", 20, crash=f"8:{count}")
    assert done.returncode in (0, CRASHED)
    log.recovered()


def test_killed_while_sweeping_partial_tiles(log):
    log.good("append", 100)
    log.good("append", 300)
    partials = list((log.base / "register").glob("tile/*/000.p"))
    assert partials
    done = log.run("single", 2, crash="13:1", REGISTER_SWEEP_US=1)
    assert done.returncode == CRASHED, done.stderr
    log.recovered()
    log.good("single", 2, REGISTER_SWEEP_US=1)
    assert not list((log.base / "register").glob("tile/0/000.p"))
    assert not list((log.base / "register").glob("tile/entries/000.p"))
    log.must_check()


def test_signer_killed_at_work(log):
    """The signer dies with a new head in its memory and nothing said; the
    sequencer goes on with the one that is started in its place."""
    log.env["REGISTER_SIGNER_PROCESS"] = "1"
    log.good("single", 2)
    log.must_check()
    assert log.good("single", 3, crash=4) == 6
    log.must_check()
    assert log.good("open") == 6


def test_sizes_around_tile_ends(log):
    """Every size at which a tile begins or ends, by an outside verifier that
    sees each one as the continuation of the last."""
    assert log.good("open") == 1
    log.must_check()
    for size in (2, 3, 254, 255, 256, 257, 258, 511, 512, 513):
        have = log.good("open")
        assert log.good("append", size - have) == size
        log.must_check()


def test_sizes_around_65536(log):
    for size in (65535, 65536, 65537, 65540, 65792, 65793, 66000):
        have = log.good("open")
        assert log.good("append", size - have) == size
        log.must_check()
    names = {p.name for p in (log.base / "register" / "tile" / "1").iterdir()}
    assert "001" not in names, "a partial tile stands under a full name"


def test_two_writers(log):
    log.good("append", 3)
    first = subprocess.Popen([DRIVER, log.base, "hold"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline().startswith("size 4")
    done = log.run("single", 1)
    assert done.returncode == 1 and "another process" in done.stderr
    first.communicate("\n", timeout=60)
    assert first.returncode == 0
    log.recovered()


def test_database_from_a_backup_is_refused(log, tmp_path):
    log.good("append", 5)
    shutil.copy(log.base / "house.db", tmp_path / "old.db")
    log.good("append", 5)
    shutil.copy(tmp_path / "old.db", log.base / "house.db")
    done = log.run("open")
    assert done.returncode == 3 and "ROLLED_BACK" in done.stderr
    log.must_check()


def test_whole_data_folder_from_a_backup_is_refused(log, tmp_path):
    """Only keys.dir remembers: that is why it lies elsewhere."""
    log.good("append", 5)
    old = log.copy(tmp_path / "old")
    log.good("append", 5)
    shutil.copy(old.base / "house.db", log.base / "house.db")
    shutil.rmtree(log.base / "register")
    shutil.copytree(old.base / "register", log.base / "register")
    done = log.run("open")
    assert done.returncode == 3 and "ROLLED_BACK" in done.stderr


def test_lost_database_is_refused(log):
    log.good("append", 5)
    for end in ("", "-wal", "-shm"):
        (log.base / f"house.db{end}").unlink(missing_ok=True)
    done = log.run("open")
    assert done.returncode == 3 and "ROLLED_BACK" in done.stderr


def test_signer_that_forgot_is_refused(log):
    log.good("append", 5)
    (log.base / "keys" / "log.memory").unlink()
    assert log.run("open").returncode == 3


def test_other_key_is_refused(log, tmp_path, verifier):
    log.good("append", 5)
    other = Log(tmp_path / "other", verifier)
    other.good("open")
    shutil.rmtree(log.base / "keys")
    shutil.copytree(other.base / "keys", log.base / "keys")
    assert log.run("open").returncode == 3


def test_lost_files_are_made_again(log):
    log.good("append", 600)
    log.must_check()
    shutil.rmtree(log.base / "register")
    log.recovered()


def test_verifier_sees_a_rollback(log, tmp_path):
    log.good("append", 5)
    old = log.copy(tmp_path / "old")
    log.good("append", 5)
    log.must_check()
    code, said = log.check(where=old.base / "register")
    assert code == FORKED and "ROLLED BACK" in said


def test_verifier_sees_a_fork(log, tmp_path):
    """Two houses with one key: each log is good, together they are not."""
    log.good("append", 300)
    twin = log.copy(tmp_path / "twin")
    log.good("append", 3)
    twin.good("append", 3)
    log.must_check()
    twin.must_check(state="its-own-state")
    code, said = log.check(where=twin.base / "register")
    assert code == FORKED and "FORKED" in said
    twin.good("append", 300)
    code, said = log.check(where=twin.base / "register")
    assert code == FORKED and "FORKED" in said


def implied(base, size):
    """The files that a checkpoint of this size implies."""
    def name(kind, index, width):
        text = f"{index:03d}"
        return f"tile/{kind}/{text}" + ("" if width == 256 else f".p/{width}")
    files = ["checkpoint"]
    level, hashes = 0, size
    while hashes:
        for index in range((hashes + 255) // 256):
            width = min(256, hashes - index * 256)
            files.append(name(level, index, width))
            if level == 0:
                files.append(name("entries", index, width))
        level, hashes = level + 1, hashes // 256
    return [base / f for f in files]


def test_a_flipped_byte_anywhere_is_caught(log):
    size = log.good("append", 699)
    register = log.base / "register"
    files = implied(register, size)
    assert all(f.exists() for f in files)
    log.must_check()
    draw = random.Random(20261123)
    for i in range(100):
        file = files[i] if i < len(files) else draw.choice(files)
        good = file.read_bytes()
        at = draw.randrange(len(good))
        bad = bytearray(good)
        bad[at] ^= 1 << draw.randrange(8)
        file.write_bytes(bad)
        code, said = log.check(state="no-state")
        assert code == BAD, f"{file} byte {at}: {said}"
        ours = subprocess.run(
            [BINARY, "register", "fsck", register, "--key", log.vkey],
            capture_output=True, text=True)
        assert ours.returncode == 3, f"{file} byte {at}: {ours.stdout}"
        file.write_bytes(good)
    log.must_check(state="no-state")
    done = subprocess.run([BINARY, "register", "fsck", register, "--key", log.vkey],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_changed_tile_stops_the_writer(log):
    """A published file is compared, never overwritten."""
    log.good("append", 300)
    bundle = log.base / "register" / "tile" / "entries" / "001.p" / "45"
    assert bundle.exists()
    tile = log.base / "register" / "tile" / "0" / "000"
    tile.write_bytes(bytes(8192))
    done = log.run("open")
    assert done.returncode == 3 and "CORRUPT" in done.stderr


@pytest.mark.parametrize("statement", (
    "UPDATE log_entry SET leaf = x'7b7d' WHERE idx = 1",
    "DELETE FROM log_entry WHERE idx = 3",
    "REPLACE INTO log_entry SELECT 1, outbox, type, t, leaf, leaf_hash, sequenced_at"
    " FROM log_entry WHERE idx = 2",
    "INSERT INTO log_entry SELECT 9, 99, type, t, leaf, leaf_hash, sequenced_at"
    " FROM log_entry WHERE idx = 2",
    "UPDATE log_cp SET root = lower(hex(randomblob(32)))",
    "DELETE FROM log_cp",
    "REPLACE INTO log_cp SELECT size, lower(hex(randomblob(32))), note, signed_at"
    " FROM log_cp LIMIT 1",
    "UPDATE log_state SET size = size - 1",
    "UPDATE log_state SET root = lower(hex(randomblob(32)))",
    "DELETE FROM log_state",
    "DELETE FROM log_subject",
    "UPDATE log_subject SET idx = 0",
))
def test_the_database_itself_is_append_only(log, statement):
    log.good("append", 3)
    with sqlite3.connect(log.base / "house.db") as db:
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(statement)
    log.recovered()


def tamper(log, statement):
    """What a hand in the database that gets round the triggers can do."""
    with sqlite3.connect(log.base / "house.db") as db:
        for (name,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        assert db.execute(statement).rowcount > 0


@pytest.mark.parametrize("statement", (
    "UPDATE log_entry SET leaf = CAST(replace(leaf, 'model', 'space') AS BLOB) WHERE idx = 2",
    "UPDATE log_entry SET leaf_hash = randomblob(32) WHERE idx = 2",
    "DELETE FROM log_subject WHERE idx = 2",
    "UPDATE log_subject SET digest = lower(hex(randomblob(32))) WHERE idx = 2",
    "UPDATE log_cp SET root = lower(hex(randomblob(32)))",
    "UPDATE log_cp SET note = replace(note, 'a', 'b')",
))
def test_fsck_sees_a_hand_in_the_database(log, statement):
    log.good("append", 3)
    command = [BINARY, "register", "fsck", log.base / "register", "--key", log.vkey,
               "--db", log.base / "house.db"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tamper(log, statement)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3, (statement, done.stdout, done.stderr)


@pytest.mark.parametrize("statement", (
    "UPDATE log_entry SET leaf_hash = randomblob(32) WHERE idx = 2",
    "UPDATE log_state SET root = lower(hex(randomblob(32)))",
    "UPDATE log_state SET size = size - 1, published_size = 0",
    "DELETE FROM log_entry WHERE idx = 3",
    "DELETE FROM log_cp",
))
def test_a_hand_in_the_database_stops_the_start(log, statement):
    log.good("append", 3)
    tamper(log, statement)
    done = log.run("open")
    assert done.returncode == 3, (statement, done.stdout, done.stderr)
    log.must_check()


def test_a_changed_event_is_not_logged(log):
    """It was changed while it waited: the hash of the transaction tells."""
    log.good("append", 2)
    assert log.run("single", 1, crash=1).returncode == CRASHED
    tamper(log, "UPDATE log_outbox SET leaf = CAST(replace(leaf, 'model', 'space') AS BLOB)")
    done = log.run("open")
    assert done.returncode == 3 and "CORRUPT" in done.stderr
    log.must_check()
