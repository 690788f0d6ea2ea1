"""Opened content on the disk: it goes with the last repo that has it, and so does
what a crash left; what somebody else needs stays."""

import os
import sqlite3
import threading
import time

from hands import commit, decided, file_op, lfs_op, lfs_upload, publish, sha256
import weights

CONFIG = "[uploads]\nsweep_seconds = 1\n"


def on_disk(house, data):
    return sorted(p.name for p in house.data.rglob(sha256(data) + "*"))


def put_back(house, hours=2):
    """Stopped: what was deleted was deleted long ago, and all files are old."""
    db = sqlite3.connect(house.data / "house.db")
    db.execute("UPDATE repo SET gone = gone - ? WHERE gone IS NOT NULL", (hours * 3600 * 10**6,))
    db.commit()
    db.close()
    for path in (house.data / "open").rglob("*"):
        if path.is_file():
            t = time.time() - hours * 3600
            os.utime(path, (t, t))


def drop(house, name, data=b"x"):
    """A file among the opened content, as front would have made it."""
    path = house.data / "open" / name[:2] / name
    owner = (house.data / "open").stat()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    for made in path.parent, path:
        os.chown(made, owner.st_uid, owner.st_gid)
    return path


def until_gone(house, data, wait=30):
    end = time.monotonic() + wait
    while on_disk(house, data):
        assert time.monotonic() < end, house.log()[-3000:]
        time.sleep(0.1)


def test_content_of_a_deleted_private_repo(fresh_house):
    h = fresh_house(CONFIG).start()
    h.api().create_repo("admin/secret", private=True)
    h.api().create_repo("admin/other", private=True)
    mine = weights.safetensors({"a": (50_000,)})
    both = weights.safetensors({"b": (60_000,)})
    text, both_text = (os.urandom(300_000).hex().encode() for _ in range(2))
    for repo, files in (("secret", (mine, both)), ("other", (both,))):
        publish(h, f"admin/{repo}", {f"{i}.safetensors": d for i, d in enumerate(files)})
        texts = {"t.txt": text, "b.txt": both_text} if repo == "secret" else {"b.txt": both_text}
        r = commit(h, f"admin/{repo}", *[file_op(p, d) for p, d in texts.items()])
        assert r.status_code == 200, r.text
        assert decided(h, f"admin/{repo}")["weights"] == "open"
    for data in mine, both, text, both_text:
        assert on_disk(h, data) == [sha256(data)]
    h.api().delete_repo("admin/secret")
    assert h.stop() == 0
    put_back(h)
    h.start()
    until_gone(h, mine)
    until_gone(h, text)
    time.sleep(3)  # rounds enough to take what must stay
    for path, data in ("0.safetensors", both), ("b.txt", both_text):
        r = h.get(f"/admin/other/resolve/main/{path}", token="admin")
        assert (r.status_code, r.content) == (200, data)
    db = sqlite3.connect(h.data / "house.db")
    assert {row[0] for row in db.execute("SELECT sha256 FROM open_content")} == {sha256(both)}
    db.close()
    # who uploads it again gets it again, as if it had never been here
    h.api().create_repo("admin/again")
    publish(h, "admin/again", {"a.safetensors": mine})
    assert decided(h, "admin/again")["weights"] == "open"
    r = h.get("/admin/again/resolve/main/a.safetensors")
    assert (r.status_code, r.content) == (200, mine)
    assert h.stop() == 0


def test_a_crash_between_file_and_row(fresh_house):
    """The database is locked, so the file is there and its row can not come."""
    h = fresh_house(CONFIG).start()
    h.api().create_repo("admin/crash")
    text = os.urandom(300_000).hex().encode()
    commit(h, "admin/crash", file_op("a.txt", b"1"))
    db = sqlite3.connect(h.data / "house.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")

    def send():
        try:
            commit(h, "admin/crash", file_op("b.txt", text))
        except OSError:
            pass
    t = threading.Thread(target=send)
    t.start()
    end = time.monotonic() + 20
    while on_disk(h, text) != [sha256(text)]:
        assert time.monotonic() < end
        time.sleep(0.005)
    h.kill()
    db.execute("ROLLBACK")
    db.close()
    t.join(30)
    assert on_disk(h, text) == [sha256(text)]
    half = drop(h, "00" * 32 + ".3.new")
    h.start()
    until_gone(h, text)
    assert not half.exists()
    assert h.get("/admin/crash/resolve/main/b.txt").status_code == 404
    assert commit(h, "admin/crash", file_op("b.txt", text)).status_code == 200
    assert h.get("/admin/crash/resolve/main/b.txt").content == text
    assert h.stop() == 0


def test_what_is_new_is_left_alone(fresh_house):
    """A file that nothing names yet may be somebody's who is about to name it."""
    h = fresh_house(CONFIG).start()
    young, old = drop(h, "aa" * 32), drop(h, "ab" * 32)
    t = time.time() - 7200
    os.utime(old, (t, t))
    end = time.monotonic() + 30
    while old.exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert young.exists()
    assert h.stop() == 0


def test_claims_of_what_is_gone(fresh_house):
    """Content of a deleted repo is nobody's: a commit that names it is refused."""
    h = fresh_house(CONFIG).start()
    data = weights.safetensors({"a": (40_000,)})
    h.api().create_repo("admin/first")
    publish(h, "admin/first", {"m.safetensors": data})
    assert decided(h, "admin/first")["weights"] == "open"
    h.api().create_repo("admin/second")
    h.api().delete_repo("admin/first")
    r = commit(h, "admin/second", lfs_op("m.safetensors", data))
    assert r.status_code == 422
    lfs_upload(h, "admin/second", data)
    r = commit(h, "admin/second", lfs_op("m.safetensors", data))
    assert r.status_code == 200, r.text
    assert decided(h, "admin/second")["weights"] == "open"
    assert h.get("/admin/second/resolve/main/m.safetensors").content == data
    assert h.stop() == 0
