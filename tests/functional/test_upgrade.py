"""A house of the first version's schema is taken over by this one, with all that is in it; and
a database of a later version is refused in words."""

import contextlib
import hashlib
import pathlib
import sqlite3
import subprocess
import time

import hands
import pytest
import weights

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "sql" / "migrations"
FIRST_LIGHT = 9


def migrations(last=None):
    found = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    return [(int(p.name[:3]), p.stem[4:], p.read_bytes()) for p in found
            if last is None or int(p.name[:3]) <= last]


def columns(db, schema, table):
    return [row[1] for row in db.execute(f"PRAGMA {schema}.table_info({table})")]


def make_old(path, last):
    """Turn the database at path into one that has seen the migrations up to `last` alone: a new
    one of that schema, filled with every row and column that it can hold."""
    old = path.with_suffix(".old")
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE IF NOT EXISTS schema_migration (  number INTEGER PRIMARY KEY,"
                   "  name TEXT NOT NULL,  sha256 TEXT NOT NULL,  applied INTEGER NOT NULL) STRICT")
        for number, name, text in migrations(last):
            db.executescript(text.decode())
            db.execute("INSERT INTO schema_migration VALUES (?, ?, ?, ?)",
                       (number, name, hashlib.sha256(text).hexdigest(), time.time_ns() // 1000))
        db.execute("ATTACH ? AS new", (str(path),))
        tables = [r[0] for r in db.execute(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' "
            "AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%_fts%' AND name <> 'schema_migration'")]
        kept = {}
        for table in tables:
            both = [c for c in columns(db, "main", table) if c in columns(db, "new", table)]
            assert both, table
            names = ", ".join(both)
            db.execute(f"DELETE FROM main.{table}")  # what a migration puts there itself
            db.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
            kept[table] = db.execute(f"SELECT count(*) FROM main.{table}").fetchone()[0]
        # numbers that were given out are never given out again
        db.execute("DELETE FROM main.sqlite_sequence")
        db.execute("INSERT INTO main.sqlite_sequence SELECT * FROM new.sqlite_sequence "
                   "WHERE name IN (SELECT name FROM main.sqlite_schema)")
        db.execute("DETACH new")
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    old.rename(path)
    for end in ("-wal", "-shm"):
        old.with_name(old.name + end).unlink(missing_ok=True)
    return kept


def give_back(house):
    """What this test wrote is handed over as a backup would be: to root, who gives it on."""
    import os
    if os.geteuid() == 0:
        os.chown(house.data / "house.db", 0, 0)


def schema(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        return sorted(r[0] or "" for r in db.execute("SELECT sql FROM sqlite_schema"))


def test_from_the_first_version(fresh_house):
    house = fresh_house().start()
    fresh = None
    house.request("POST", "/api/repos/create", token="admin", json={"name": "m"})
    ann = hands.account(house, "ann")
    house.request("POST", "/api/repos/create", token=ann, json={"name": "closed", "private": True})
    open_file = weights.safetensors({"w": (300, 1000)})
    held_file = hands.unexplained()
    hands.publish(house, "admin/m", {"model.safetensors": open_file})
    assert hands.decided(house, "admin/m")["weights"] == "open"
    hands.publish(house, "ann/closed", {"x.bin": held_file}, token=ann)
    assert hands.decided(house, "ann/closed", token=ann)["weights"] == "held"
    before = hands.release(house, "admin/m")
    entries, token = hands.leaves(house), house.token
    house.stop()
    fresh = schema(house.data / "house.db")

    kept = make_old(house.data / "house.db", FIRST_LIGHT)
    give_back(house)
    assert kept["account"] == 2 and kept["repo"] == 2 and kept["content"] == 2 and kept["token"] >= 2
    house.start()

    # the schema is that of a new house, and everything still reads
    assert house.token == token
    assert house.api().whoami()["name"] == "admin"
    assert house.get("/api/whoami-v2", token=ann).json()["name"] == "ann"
    r = house.get("/admin/m/resolve/main/model.safetensors")
    assert r.status_code == 200 and r.content == open_file
    r = house.get("/ann/closed/resolve/main/x.bin", token=ann)
    assert r.status_code == 403 and "held" in r.headers["X-HF-Warning"]
    assert house.get("/api/models/ann/closed").status_code == 401
    after = hands.release(house, "admin/m")
    assert after["subject"] == before["subject"] and after["decision"] == before["decision"]
    assert hands.leaves(house)[:len(entries)] == entries
    for page in ("/", "/models", "/admin/m", "/admin/m/decision", "/admin/m/weighing", "/register",
                 "/search?q=m"):
        assert house.get(page, headers={"Accept": "text/html"}).status_code == 200, page
    # ... and the house works on
    hands.publish(house, "admin/m", {"second.safetensors": weights.safetensors({"v": (200, 1000)})})
    assert hands.decided(house, "admin/m")["weights"] == "open"
    made = house.request("POST", "/api/weighhouse/v1/tokens", token="admin", json={
        "name": "t", "role": "fineGrained", "scopes": [{"entity": "admin/m"}]})
    assert made.status_code == 201
    house.stop()
    assert schema(house.data / "house.db") == fresh
    key = (house.keys / "log.vkey").read_text().strip()
    fsck = subprocess.run([str(house.binary), "register", "fsck", str(house.data / "register"), "--key",
                           key, "--db", str(house.data / "house.db")], capture_output=True, timeout=60,
                          check=False)
    assert fsck.returncode == 0, fsck.stderr


@pytest.mark.parametrize("change, word", [
    ("INSERT INTO schema_migration VALUES (999, 'future', 'x', 1)", "newer version"),
    ("UPDATE schema_migration SET sha256 = 'x' WHERE number = 3", "migration 3"),
    ("DELETE FROM schema_migration WHERE number = 5", "migration"),
])
def test_a_database_of_another_version_is_refused(fresh_house, change, word):
    house = fresh_house().start()
    house.stop()
    path = house.data / "house.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(change)
    give_back(house)
    before = schema(path)
    with pytest.raises(AssertionError):
        house.start(wait=10)
    assert word in house.log(), house.log()[-2000:]
    house.kill()
    assert schema(path) == before
