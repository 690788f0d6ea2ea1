"""What can not be weighed: refused at the commit where that can be known, and else held
with a sentence that says which limit it is, and not tried again and again."""

import hashlib
import sqlite3
import time

import pytest

import weights
from hands import commit, decided, file_op, info, is_an_error, lfs_op, lfs_upload, publish, release

DEPTH, FILES, OPERATIONS = 64, 50_000, 25_000
ROUND = 1000  # waiting revisions that are taken up at once


@pytest.fixture
def house(fresh_house):
    return fresh_house("[uploads]\nsweep_seconds = 1\n").start()


def test_folders_too_deep(house):
    house.api().create_repo("admin/deep")
    r = commit(house, "admin/deep", file_op("d/" * DEPTH + "f.txt", b"deep\n"))
    assert r.status_code == 200, r.text
    decided(house, "admin/deep")
    head = info(house, "admin/deep")["sha"]
    said = is_an_error(commit(house, "admin/deep", file_op("d/" * (DEPTH + 1) + "f.txt", b"x")), 413)
    assert "at most 64 deep" in said and "move the files up" in said
    assert info(house, "admin/deep")["sha"] == head


def test_files_too_many(house):
    """All of them are one content, so that only their number counts."""
    house.api().create_repo("admin/many", repo_type="dataset")
    data = b"a row\n" * 1000
    lfs_upload(house, "admin/many", data, kind="dataset")
    for folder, n in (("a", OPERATIONS), ("b", FILES - OPERATIONS - 3)):  # .gitattributes, a, b
        r = commit(house, "admin/many", *[lfs_op(f"{folder}/{i}.csv", data) for i in range(n)],
                   kind="dataset")
        assert r.status_code == 200, r.text
    said = is_an_error(commit(house, "admin/many", lfs_op("one.csv", data), kind="dataset"), 413)
    assert f"at most {FILES} files and folders, and this one {FILES + 1}" in said, said
    assert "spread them over several repos" in said
    assert decided(house, "admin/many", kind="dataset") == {"data": "open"}


# ---- a revision that came in when more was taken ----

def put_object(db, repo, kind, body):
    """A git object as the house stores it; its name."""
    word = {1: b"commit", 2: b"tree"}[kind]
    oid = hashlib.sha1(word + b" %d\0" % len(body) + body).digest()
    db.execute("INSERT OR IGNORE INTO git_object (repo, oid, type, size, data) VALUES (?,?,?,?,?)",
               (repo, oid, kind, len(body), body))
    return oid


def crowd(house, name):
    """Put a folder of too many files beside those of the head, in the database of a house
    that is down; the new commit."""
    with sqlite3.connect(house.data / "house.db") as db:
        repo, head = db.execute("SELECT repo, sha FROM repo_head JOIN repo ON repo.id = repo "
                                "WHERE full = ?", (name,)).fetchone()
        read = lambda oid: db.execute("SELECT data FROM git_object WHERE repo = ? AND oid = ?",
                                      (repo, oid)).fetchone()[0]
        lines = read(bytes.fromhex(head)).split(b"\n")
        root = read(bytes.fromhex(lines[0].split(b" ")[1].decode()))
        blob = root.split(b"\0", 1)[1][:20]
        folder = put_object(db, repo, 2, b"".join(b"100644 %06d\0" % i + blob
                                                  for i in range(FILES)))
        root = put_object(db, repo, 2, root + b"40000 zoo\0" + folder)
        lines[0] = b"tree " + root.hex().encode()
        oid = put_object(db, repo, 1, b"\n".join(lines))
        db.execute("UPDATE git_ref SET oid = ? WHERE repo = ? AND name = 'refs/heads/main'",
                   (oid, repo))
        db.execute("UPDATE repo_head SET sha = ?, state = 1 WHERE repo = ?", (oid.hex(), repo))
        db.execute("INSERT INTO revision (repo, sha, state, created) VALUES (?, ?, 1, ?)",
                   (repo, oid.hex(), time.time_ns() // 1000))
    return oid.hex()


def attempts(house):
    return house.log().count("release.undecidable") + house.log().count("release.put-off")


def test_it_is_held_and_says_why_and_the_next_commit_is_weighed(house):
    house.api().create_repo("admin/old")
    data = weights.safetensors({"w": (64,)}) + b"unexplained bytes" * 8
    publish(house, "admin/old", {"m.safetensors": data})
    assert decided(house, "admin/old")["weights"] == "held"
    house.stop()
    sha = crowd(house, "admin/old")
    house.start()
    assert decided(house, "admin/old") == {"weights": "held"}
    limit = f"a revision holds at most {FILES} files and folders, and this one {FILES + 3}"
    r = house.get("/admin/old/resolve/main/m.safetensors", token="admin")
    assert r.status_code == 403 and r.headers["X-Error-Code"] == "GatedRepo"
    said = r.headers["X-Error-Message"]
    assert said.startswith("The weights of admin/old are held, because this revision can not be "
                           "weighed: " + limit), said
    assert "over several repos." in said and said.endswith(f"{house.url}/admin/old/decision")
    for page in ("/admin/old", "/admin/old/decision"):
        assert limit in house.get(page, token="admin").text, page
    papers = release(house, "admin/old")
    assert papers["state"] == "can not be weighed" and papers["commit"] == sha
    assert papers["why"].startswith(limit) and papers["decision"] is None
    # two rounds of the sweep later, and after another start, it was tried once
    time.sleep(2.5)
    assert attempts(house) == 1, house.log()[-3000:]
    assert house.stop() == 0
    house.start()
    time.sleep(1.5)
    assert attempts(house) == 1
    r = commit(house, "admin/old", {"key": "deletedFolder", "value": {"path": "zoo"}},
               file_op("README.md", b"# fewer files\n"))
    assert r.status_code == 200, r.text
    assert decided(house, "admin/old")["weights"] == "held"
    said = house.get("/admin/old/resolve/main/m.safetensors", token="admin").headers[
        "X-Error-Message"]
    assert "by line limited.default v1, rule files" in said, said


def test_what_always_fails_keeps_nobody_waiting(house):
    """More revisions that can not even be read than one round takes, all older than a good
    one of another repo."""
    for name in ("admin/broken", "admin/good"):
        house.api().create_repo(name)
    publish(house, "admin/good", {"m.safetensors": weights.safetensors({"w": (64,)})})
    decided(house, "admin/good")
    house.stop()
    with sqlite3.connect(house.data / "house.db") as db:
        of = lambda name: db.execute("SELECT id FROM repo WHERE full = ?", (name,)).fetchone()[0]
        db.executemany("INSERT INTO revision (repo, sha, state, created) VALUES (?, ?, 1, 1)",
                       [(of("admin/broken"), f"{i:040x}") for i in range(1, ROUND + 101)])
        good = of("admin/good")
        db.execute("UPDATE revision SET state = 1 WHERE repo = ?", (good,))
        db.execute("UPDATE repo_head SET state = 1 WHERE repo = ?", (good,))
    house.start()
    decided(house, "admin/good")


# ---- a revision that can not be weighed at the moment ----

def waiting(house):
    """(tries, when the next is due in microseconds) of what waits."""
    with sqlite3.connect(f"file:{house.data / 'house.db'}?mode=ro", uri=True) as db:
        return db.execute("SELECT tries, due FROM revision WHERE state = 1").fetchone()


def test_what_fails_is_tried_again_later_and_later(house):
    """Its sealed bytes are not there when they are to be read, and come back."""
    house.api().create_repo("admin/m")
    data = weights.safetensors({"w": (300, 1000)})
    lfs_upload(house, "admin/m", data)
    (sealed,) = [p for p in house.data.rglob("*") if p.is_file() and p.stat().st_size > len(data)]
    away = house.data.parent / "away"
    sealed.rename(away)
    commit(house, "admin/m", lfs_op("m.safetensors", data))
    seen = {}
    end = time.monotonic() + 60
    while len(seen) < 3:
        tries, due = waiting(house)
        if tries:
            seen[tries] = due
        assert time.monotonic() < end, house.log()[-3000:]
        time.sleep(0.1)
    due = [seen[n] for n in sorted(seen)]
    # a try begins when it is due, and its end puts the next off for twice as long
    assert due[1] - due[0] >= 4_000_000 and due[2] - due[1] >= 8_000_000, seen
    away.rename(sealed)
    assert decided(house, "admin/m")["weights"] == "open"
