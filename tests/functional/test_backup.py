"""Backup and restore, as a drill: a copy made under load is whole, a destroyed house comes
back from it, and what a lost key takes along is said."""

import contextlib
import fcntl
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import threading

import weights
from conftest import House, new_base
from hands import (above_the_demo_line, commit, decided, file_op, lfs_op, lfs_upload, publish,
                   register_size, sha256)
from test_register_recovery import verifier  # noqa: F401

LINES = "[lines]\nenforce = limited.default, hold.unknown, demo.low\n"
PASSPHRASE = "nine small weights on a scale"


def fill(house, n, name="admin/m{}"):
    """n open models, with cards; {repo: bytes}."""
    out = {}
    for i in range(n):
        repo, data = name.format(i), weights.safetensors({"w": (64, 64 + i)})
        house.api().create_repo(repo)
        lfs_upload(house, repo, data)
        r = commit(house, repo, file_op("README.md", b"# %d\n" % i),
                   lfs_op("model.safetensors", data))
        assert r.status_code == 200, r.text
        assert decided(house, repo)["weights"] == "open"
        out[repo] = data
    return out


def read(house, repo):
    return house.get(f"/{repo}/resolve/main/model.safetensors", token="admin").content


def held(house, repo="admin/held"):
    data = above_the_demo_line()
    house.api().create_repo(repo)
    publish(house, repo, {"model.gguf": data})
    assert decided(house, repo)["weights"] == "held"
    return data


def backup(house, to, *more, check=0):
    return house.run("backup", to, "--data", house.data, "--config", house.config, *more,
                     check=check)


def restored(house, source, *more, keys=None, check=0, env=None, stdin=None):
    """A new house from a backup; its keys are those of the old one unless it has others."""
    new = House(new_base(), config=LINES)
    new.binary, new.env = house.binary, house.env
    new.keys = keys if keys is not None else house.keys
    new.config.write_text(f"[keys]\ndir = {new.keys}\n{new.extra}\n")
    done = subprocess.run([str(house.binary), "restore", str(source), "--data", str(new.data),
                           "--config", str(new.config), *map(str, more)],
                          capture_output=True, timeout=120, stdin=stdin)
    assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
    new.said = (done.stdout + done.stderr).decode()
    return new


def gone(house):
    house.kill()
    shutil.rmtree(house.base, ignore_errors=True)


@contextlib.contextmanager
def open_locked(folder):
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def whole(house, verifier):
    house.run("register", "fsck", house.url, "--key", house.keys / "log.vkey", check=0)
    done = subprocess.run([verifier, "-vkey", house.keys / "log.vkey", house.url + "/register"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_drill(fresh_house, verifier, tmp_path):  # noqa: F811
    house = fresh_house(LINES).start()
    before, sealed = fill(house, 4), held(house)
    (tmp_path / "pass").write_text(PASSPHRASE + "\n")

    stop, sent = threading.Event(), {}

    def load():
        i = 0
        while not stop.is_set():
            sent.update(fill(house, 1, f"admin/load{i}-{{}}"))
            i += 1

    threads = threading.Thread(target=load)
    threads.start()
    try:
        done = backup(house, tmp_path / "b1", "--keys", tmp_path / "pass", "--json")
        summary = json.loads(done.stderr)
        assert summary["sealed"]["repos"] >= 1 and summary["passes"] >= 1
    finally:
        stop.set()
        threads.join()
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"],
                          cwd=tmp_path / "b1").returncode == 0

    # elsewhere, with the keys that the backup took along
    new = restored(house, tmp_path / "b1", "--keys", tmp_path / "pass",
                   keys=tmp_path / "new-keys")
    assert "whoever saw them" in new.said
    try:
        new.start()
        for repo, data in before.items():
            assert read(new, repo) == data
        assert new.get("/admin/held/resolve/main/model.gguf", token="admin").status_code == 403
        whole(new, verifier)
        # and it goes on: what was held can be read by the keeper, new things come
        fill(new, 1, "admin/after{}")
        assert sha256(sealed) in new.get(
            "/api/weighhouse/v1/models/admin/held/revision/main/release", token="admin").text
        new.stop()
    finally:
        gone(new)

    # the same folder again, at rest; then the house burns down, but for its keys
    backup(house, tmp_path / "b1")
    size = register_size(house)
    house.stop()
    shutil.rmtree(house.data)
    again = restored(house, tmp_path / "b1")
    try:
        again.start()
        assert register_size(again) >= size
        for repo, data in {**before, **sent}.items():
            assert read(again, repo) == data
        whole(again, verifier)
        again.stop()
    finally:
        gone(again)


def test_an_old_backup_does_not_start(fresh_house, tmp_path):
    house = fresh_house(LINES).start()
    fill(house, 1)
    backup(house, tmp_path / "old")
    fill(house, 1, "admin/later{}")
    house.stop()
    new = restored(house, tmp_path / "old", check=1)
    try:
        assert "will not" in new.said and "later backup" in new.said
        p = subprocess.run([str(house.binary), "serve", "--data", str(new.data), "--config",
                            str(new.config), "--listen", "127.0.0.1:0"],
                           capture_output=True, text=True, timeout=60)
        assert p.returncode == 3
        assert "older than what was already signed" in p.stderr
    finally:
        gone(new)


def test_as_a_stream(fresh_house, tmp_path):
    house = fresh_house(LINES).start()
    models = fill(house, 2)
    done = subprocess.run([str(house.binary), "backup", "-", "--data", str(house.data), "--config",
                           str(house.config)], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert b"The keys are not in it" in done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as t:  # any tar reads it
        names = t.getnames()
    assert names[-1] == "backup.json" and "data/house.db" in names
    assert not any("custody.key" in n or "house.db-" in n or "/run/" in n for n in names)
    (tmp_path / "tar").write_bytes(done.stdout)
    house.stop()
    with open(tmp_path / "tar", "rb") as f:
        new = restored(house, "-", stdin=f)
    try:
        new.start()
        for repo, data in models.items():
            assert read(new, repo) == data
        new.stop()
    finally:
        gone(new)
    # cut, or one byte changed: refused
    for bad in (done.stdout[:-2048], done.stdout[:700] + b"x" + done.stdout[701:]):
        (tmp_path / "tar").write_bytes(bad)
        with open(tmp_path / "tar", "rb") as f:
            other = restored(house, "-", stdin=f, check=3)
        assert not other.data.exists() and not list(other.base.glob("*.restoring"))
        gone(other)


def test_what_is_refused(fresh_house, tmp_path):
    house = fresh_house(LINES).start()
    fill(house, 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    assert "other things" in backup(house, tmp_path / "full", check=1).stderr
    (tmp_path / "short").write_text("short\n")
    backup(house, tmp_path / "b", "--keys", tmp_path / "short", check=2)
    backup(house, tmp_path / "b")
    r = house.run("restore", tmp_path / "b", "--data", house.data, check=1)
    assert "not empty" in r.stderr
    # half a backup is none
    (tmp_path / "b" / "backup.json").unlink()
    r = house.run("restore", tmp_path / "b", "--data", tmp_path / "n", check=3)
    assert "no backup that came to its end" in r.stderr
    # keys of another passphrase
    (tmp_path / "pass").write_text(PASSPHRASE)
    (tmp_path / "wrong").write_text("another passphrase")
    backup(house, tmp_path / "b", "--keys", tmp_path / "pass")
    new = restored(house, tmp_path / "b", "--keys", tmp_path / "wrong", keys=tmp_path / "k",
                   check=1)
    assert "passphrase is not" in new.said
    gone(new)


def test_a_restore_that_failed_is_in_nobodys_way(fresh_house, tmp_path):
    house = fresh_house(LINES).start()
    models = fill(house, 1)
    backup(house, tmp_path / "b")
    house.stop()
    first = next((tmp_path / "b" / "data" / "open").rglob("?" * 64))
    right = first.read_bytes()
    first.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    new = restored(house, tmp_path / "b", check=3)
    half = new.data.with_name(new.data.name + ".restoring")
    words = ["restore", tmp_path / "b", "--data", new.data, "--config", new.config]
    try:
        assert not half.exists() and not new.data.exists()
        first.write_bytes(right)
        # what one that was killed left is removed, another one's that is at work is not
        (half / "data").mkdir(parents=True)
        (half / "data" / "house.db").write_bytes(b"half of it")
        with open_locked(half):
            assert "another restore" in new.run(*words, token=None, check=1).stderr
            assert (half / "data" / "house.db").exists()
        new.run(*words, token=None, check=0)
        assert not half.exists()
        new.start()
        assert read(new, "admin/m0") == models["admin/m0"]
        new.stop()
    finally:
        gone(new)


def test_restores_at_once(fresh_house, tmp_path):
    """Of many, over what a killed one left, one gives a whole house."""
    house = fresh_house(LINES).start()
    models = fill(house, 1)
    backup(house, tmp_path / "b")
    house.stop()
    new = restored(house, tmp_path / "b")
    half = new.data.with_name(new.data.name + ".restoring")
    words = ["restore", tmp_path / "b", "--data", new.data, "--config", new.config]
    try:
        for _ in range(3):
            shutil.rmtree(new.data)
            for i in range(300):
                (half / "data" / str(i)).mkdir(parents=True)
            many = [subprocess.Popen([str(new.binary), *map(str, words)], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True) for _ in range(6)]
            ends = [(p.communicate(timeout=120)[1], p.returncode) for p in many]
            assert sorted(code for _, code in ends) == [0, 1, 1, 1, 1, 1], ends
            assert all("another restore" in said or "not empty" in said
                       for said, code in ends if code), ends
            assert not half.exists() and (new.data.stat().st_mode & 0o777) == 0o700
        new.start()
        assert read(new, "admin/m0") == models["admin/m0"]
        new.stop()
    finally:
        gone(new)


def test_keys_of_the_watch_are_not_in_the_clear(fresh_house, tmp_path):
    """Those of the days are in no copy, since they are to be forgotten; the one of the cases'
    addresses travels with the other keys, sealed."""
    house = fresh_house(LINES).start()
    fill(house, 1)
    watch = house.data / "watch"
    (watch / "20000.key").write_bytes(os.urandom(32))
    keys = {p.name: p.read_bytes() for p in watch.glob("*.key")}
    assert {"house.key", "20000.key"} <= set(keys)
    (tmp_path / "pass").write_text(PASSPHRASE)
    backup(house, tmp_path / "b", "--keys", tmp_path / "pass")
    backup(house, tmp_path / "b2")
    for folder in ("b", "b2"):
        for path in (tmp_path / folder).rglob("*"):
            if path.is_file():
                assert path.suffix != ".key", path
                data = path.read_bytes()
                assert not [n for n, key in keys.items() if key in data], path
    new = restored(house, tmp_path / "b", "--keys", tmp_path / "pass", keys=tmp_path / "k")
    without = restored(house, tmp_path / "b2")
    try:
        got = {p.name: p.read_bytes() for p in (new.data / "watch").iterdir()}
        assert got == {"house.key": keys["house.key"]}
        assert (new.data / "watch" / "house.key").stat().st_mode & 0o777 == 0o600
        assert not (without.data / "watch").exists()
        house.stop()
        new.start()
        assert (new.data / "watch" / "house.key").read_bytes() == keys["house.key"]
        new.stop()
    finally:
        gone(new)
        gone(without)


def status(house, token, path="/api/weighhouse/v1/tokens"):
    return house.get(path, token=token).status_code


def test_the_admins_token_is_in_no_backup(fresh_house, tmp_path):
    """Who reads a backup is not the admin: the token is not in it, a restored house takes none
    that admin had, and writes a fresh one."""
    house = fresh_house(LINES).start()
    models = fill(house, 1)
    first = house.token
    own = house.run("token", "create", "of my own", "--role", "admin", check=0).stdout.strip()
    done = house.run("user", "create", "ada", check=0).stdout
    ada = next(w for w in done.split() if w.startswith("hf_"))
    signin = house.run("user", "signin", check=0).stdout.strip()
    assert {status(house, t) for t in (first, own, ada)} == {200}
    signin_path = signin[signin.index("/signin/"):]
    assert house.get(signin_path).status_code == 200
    (tmp_path / "pass").write_text(PASSPHRASE)
    backup(house, tmp_path / "b", "--keys", tmp_path / "pass")
    tar = subprocess.run([str(house.binary), "backup", "-", "--data", str(house.data), "--config",
                          str(house.config)], capture_output=True, timeout=120, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as t:
        assert "data/house.db" in t.getnames() and "data/admin.token" not in t.getnames()
    secrets = [s.encode() for s in (first, own, ada, signin.rsplit("/", 1)[1])]
    files = [p for p in (tmp_path / "b").rglob("*") if p.is_file()]
    assert len(files) > 5 and not (tmp_path / "b" / "data" / "admin.token").exists()
    for where, data in [("tar", tar), *((p, p.read_bytes()) for p in files)]:
        assert not [s for s in secrets if s in data or s[3:] in data], where
    # what is in it, the digests of tokens, lets nobody in
    import sqlite3
    db = sqlite3.connect(f"file:{tmp_path / 'b' / 'data' / 'house.db'}?mode=ro", uri=True)
    digests = [row[0] for row in db.execute("SELECT hash FROM token")]
    db.close()
    assert sha256(first.encode()) in digests and len(digests) == 3
    for digest in digests:
        for text in (digest, "hf_" + digest, "hf_" + digest[:40]):
            assert status(house, text, "/api/whoami-v2") == 401
    # an earlier program put it there: it goes when the backup is brought up to date
    (tmp_path / "b" / "data" / "admin.token").write_text(first + "\n")
    backup(house, tmp_path / "b")
    assert not (tmp_path / "b" / "data" / "admin.token").exists()
    house.stop()

    new = restored(house, tmp_path / "b")
    try:
        assert f"{new.data}/admin.token; the 2 that it had have ended" in new.said, new.said
        assert (new.data / "admin.token").stat().st_mode & 0o777 == 0o600
        assert new.token not in new.said and new.token not in (first, own)
        new.start()
        assert [status(new, t) for t in (first, own, ada, new.token)] == [401, 401, 200, 200]
        r = new.get(signin_path)
        assert r.status_code == 401, r.text  # although nobody has used this link
        # the house can be administered
        new.run("user", "create", "bob", check=0)
        assert read(new, "admin/m0") == models["admin/m0"]
        new.stop()
    finally:
        gone(new)


def test_a_restore_of_a_backup_that_has_the_token(fresh_house, tmp_path):
    """One that an earlier program made: the file in it is not what the new house has."""
    house = fresh_house(LINES).start()
    first = house.token
    backup(house, tmp_path / "b")
    house.stop()
    (tmp_path / "b" / "data" / "admin.token").write_text(first + "\n")
    with open(tmp_path / "b" / "SHA256SUMS") as f:
        sums = f.read().splitlines()
    at = next(i for i, line in enumerate(sums) if line.endswith("  data/house.db"))
    sums.insert(at, f"{sha256((first + chr(10)).encode())}  data/admin.token")
    (tmp_path / "b" / "SHA256SUMS").write_text("".join(line + "\n" for line in sums))
    about = json.loads((tmp_path / "b" / "backup.json").read_text())
    about["files"] += 1
    about["bytes"] += len(first) + 1
    (tmp_path / "b" / "backup.json").write_text(json.dumps(about, sort_keys=True,
                                                           separators=(",", ":")))
    new = restored(house, tmp_path / "b")
    try:
        assert new.token != first
        new.start()
        assert [status(new, t) for t in (first, new.token)] == [401, 200]
        new.stop()
    finally:
        gone(new)


def test_a_new_token_of_admin_on_the_host(fresh_house):
    house = fresh_house(LINES).start()
    first = house.token
    own = house.run("token", "create", "of my own", "--role", "admin", check=0).stdout.strip()
    signin = house.run("user", "signin", check=0).stdout.strip()
    signin_path = signin[signin.index("/signin/"):]
    assert house.get(signin_path).status_code == 200
    (house.data / "admin.token").unlink()

    def renew(*more, check=0):
        return house.run("token", "renew-admin", "--data", house.data, "--config", house.config,
                         *more, token=None, check=check)

    # while the house runs: the old one ends at once, one that somebody made goes on
    said = renew().stdout
    second = house.token
    assert second not in said and f"{house.data}/admin.token; 1 ended" in said
    assert (house.data / "admin.token").stat().st_mode & 0o777 == 0o600
    assert [status(house, t) for t in (first, own, second)] == [401, 200, 200]
    assert house.get(signin_path).status_code == 401
    # and when it does not
    house.stop()
    assert json.loads(renew("--json").stdout) == {"file": f"{house.data}/admin.token", "ended": 1}
    if os.geteuid() == 0:  # root makes it for the house's user
        os.chown(house.data / "house.db", 12345, 12345)
        renew()
        assert (house.data / "admin.token").stat().st_uid == 12345
        for name in ("house.db", "admin.token"):
            os.chown(house.data / name, 0, 0)
    house.start()
    assert [status(house, t) for t in (second, own, house.token)] == [401, 200, 200]
    # many at once: the file has the one that is good
    many = [subprocess.Popen([str(house.binary), "token", "renew-admin", "--data",
                              str(house.data), "--config", str(house.config)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in range(6)]
    ends = [(p.communicate(timeout=60)[1], p.returncode) for p in many]
    assert [code for _, code in ends] == [0] * 6, ends
    assert status(house, house.token) == 200
    made = [t for t in house.get("/api/weighhouse/v1/tokens", token="admin").json()
            if t["name"] == "renewed on the host"]
    assert len(made) == 1
    house.run("token", "renew-admin", "more", token=None, check=2)
    house.run("token", "renew-admin", "--data", house.base / "nowhere", token=None, check=1)
    (house.base / "empty").mkdir()
    house.run("token", "renew-admin", "--data", house.base / "empty", token=None, check=1)
    assert not list((house.base / "empty").iterdir())


def test_what_is_closed_leaves_an_updated_backup(fresh_house, tmp_path):
    """A backup that is brought up to date holds no file that the house has no more."""
    house = fresh_house(LINES).start()
    models = fill(house, 2)
    backup(house, tmp_path / "b")
    gone_sha = sha256(models["admin/m1"])
    stored = tmp_path / "b" / "data" / "open" / gone_sha[:2] / gone_sha
    assert stored.exists()
    house.stop()
    import sqlite3
    db = sqlite3.connect(house.data / "house.db")
    db.execute("DELETE FROM open_content WHERE sha256 = ?", [gone_sha])
    db.commit()
    db.close()
    backup(house, tmp_path / "b")
    assert not stored.exists()
    house.start()


def test_a_lost_key_is_loss(fresh_house, tmp_path):
    house = fresh_house(LINES).start()
    models, data = fill(house, 1), held(house)
    r = house.run("custody", "--data", house.data, "--config", house.config, check=0)
    assert "admin/held" in r.stdout and "admin/m0" not in r.stdout
    backup(house, tmp_path / "b")
    house.stop()
    (house.keys / "custody.key").rename(tmp_path / "custody.key")
    new = restored(house, tmp_path / "b", check=1)
    try:
        assert "lost unless it comes back" in new.said
        start = [str(house.binary), "serve", "--data", str(new.data), "--config", str(new.config),
                 "--listen", "127.0.0.1:0"]
        p = subprocess.run(start, capture_output=True, text=True, timeout=60)
        assert p.returncode == 3 and "is lost unless custody.key comes back" in p.stderr
        r = house.run("custody", "--data", new.data, "--config", new.config, check=1)
        assert "NOT in" in r.stdout and "admin/held" in r.stdout
        key = r.stdout.split()[2].rstrip(":")
        house.run("custody", "give-up", "--data", new.data, "--config", new.config, check=2)
        house.run("custody", "give-up", "--data", new.data, "--config", new.config, "--yes", key,
                  check=0)
        new.start()
        # open things are there, what was sealed is said to be lost
        assert read(new, "admin/m0") == models["admin/m0"]
        r = new.get("/admin/held/resolve/main/model.gguf", token="admin")
        assert r.status_code == 403 and "custody key that is lost" in r.json()["error"], r.text
        # and comes back when it is sent again
        lfs_upload(new, "admin/held", data)
        r = new.get("/admin/held/resolve/main/model.gguf", token="admin")
        assert r.status_code == 403 and "lost" not in r.json()["error"]
        new.stop()
    finally:
        gone(new)
