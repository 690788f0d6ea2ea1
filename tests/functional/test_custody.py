"""Custody at work: what approvers close is refused at once, ends the downloads in flight, is
sealed again in every repo that has it, and comes back whole; also when the process is killed
between any two steps."""

import json
import os
import shutil
import socket
import sqlite3
import time

import pytest

import weights
from conftest import House, new_base
from hands import (account, batch, commit, decided, file_op, lfs_op, lfs_upload, publish, release,
                   sha256)
from test_approvers import PEOPLE, canonical, draft, public, sign, signed
from test_approvers import keys  # noqa: F401

CONFIG = "[uploads]\nsweep_seconds = 1\n"
MARK = b"the very bytes that are not to lie about in the clear"


def found_roster(house, keys):  # noqa: F811
    doc = canonical({
        "v": 1, "type": "roster", "version": 1, "previous": None, "quorum": 2, "quorums": {},
        "cooling_off": 1,
        "approvers": [{"id": n, "affiliation": PEOPLE[n], "keys": [public(keys, n)],
                       "outside": False, "demo": True} for n in sorted(PEOPLE)]})
    d = draft(house, "roster", paper=doc)
    assert signed(house, keys, ["ada", "bea", "cid"], d, roster=doc) == "done"


@pytest.fixture(scope="module")
def house(keys):  # noqa: F811
    h = House(new_base(), config=CONFIG).start()
    found_roster(h, keys)
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def marked(n):
    """Weights with a text in them that can be looked for on the disk."""
    data = weights.safetensors({"w": (n,)}, dtype="U8")
    return data[:-len(MARK)] + MARK


def new_model(house, repo, data, token="admin"):
    house.api(token=token).create_repo(repo)
    publish(house, repo, {"model.safetensors": data}, token=token)
    assert decided(house, repo)["weights"] == "open"


def subject(house, repo):
    return release(house, repo)["subject"]


def close(house, keys, repo, who="bea"):  # noqa: F811
    d = draft(house, "close", subject=subject(house, repo), rules=["limited.default/compute"])
    return sign(house, keys, who, d)


def lift(house, keys, repo):  # noqa: F811
    d = draft(house, "lift", subject=subject(house, repo))
    assert signed(house, keys, ["ada", "cid"], d) == "done"


def get(house, repo, token="admin"):
    return house.get(f"/{repo}/resolve/main/model.safetensors", token=token)


def until(what, wait=40):
    end = time.monotonic() + wait
    while not (got := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return got


def plain(house, data):
    d = sha256(data)
    return house.data / "open" / d[:2] / d


def in_the_clear(house, mark=MARK):
    """Files of the data folder that hold these bytes."""
    found = []
    for folder, _, names in os.walk(house.data):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and os.path.isfile(path):
                with open(path, "rb") as f:
                    if mark in f.read():
                        found.append(path)
    return found


def sealed_in(house, data):
    db = sqlite3.connect(f"file:{house.data}/house.db?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT repo, statement IS NOT NULL FROM content WHERE sha256 = ?",
                          [sha256(data)]).fetchall()
        named = db.execute("SELECT count(*) FROM open_content WHERE sha256 = ?",
                           [sha256(data)]).fetchone()[0]
    finally:
        db.close()
    return bool(rows) and all(s for _, s in rows) and named == 0


def begin_download(house, repo, size):
    """A download whose reader has stopped after the first bytes."""
    s = socket.create_connection(("127.0.0.1", house.port), 60)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.sendall((f"GET /{repo}/resolve/main/model.safetensors HTTP/1.1\r\n"
               f"Host: 127.0.0.1:{house.port}\r\nAuthorization: Bearer {house.token}\r\n"
               "\r\n").encode())
    got = s.recv(4096)
    assert b" 200 " in got.split(b"\r\n")[0] and str(size).encode() in got
    return s


def read_to_the_end(s):
    """Bytes that still came, and whether the end was a reset."""
    n = 0
    try:
        while piece := s.recv(1 << 16):
            n += len(piece)
    except ConnectionResetError:
        return n, True
    finally:
        s.close()
    return n, False


def test_a_closing_is_at_once_and_everywhere(house, keys):  # noqa: F811
    data = marked(64 << 20)
    new_model(house, "admin/open", data)
    house.api().create_repo("admin/twin")
    commit(house, "admin/twin", lfs_op("model.safetensors", data), file_op("x.py", b"1\n"))
    assert decided(house, "admin/twin")["weights"] == "open"
    assert subject(house, "admin/twin") != subject(house, "admin/open")
    until(lambda: plain(house, data).exists())
    running = [begin_download(house, r, len(data)) for r in ("admin/open", "admin/twin")]

    r = close(house, keys, "admin/open")
    assert r.status_code == 201 and r.json()["state"] == "done", r.text
    # by the answer it is refused, under both names, to everybody
    for repo in ("admin/open", "admin/twin"):
        r = get(house, repo)
        assert r.status_code == 403 and "house.approvers" in r.json()["error"], r.text
    for s in running:
        n, reset = read_to_the_end(s)
        assert reset and n < len(data), (n, reset)
    until(lambda: not plain(house, data).exists() and sealed_in(house, data))
    assert in_the_clear(house) == []
    for repo in ("admin/open", "admin/twin"):
        assert until(lambda: decided(house, repo)["weights"] == "held")
    # its digest alone is no longer a way to have it
    eve = account(house, "eve")
    house.api(token=eve).create_repo("eve/known")
    r = batch(house, "eve/known", [(sha256(data), len(data))], token=eve)
    assert "actions" in r.json()["objects"][0], "as if nobody had it"
    # and whoever has the bytes opens nothing by sending them under a new name
    publish(house, "eve/known", {"model.safetensors": data}, token=eve)
    assert decided(house, "eve/known", token=eve)["weights"] == "held"
    assert get(house, "eve/known", token=eve).status_code == 403
    assert in_the_clear(house) == []

    lift(house, keys, "admin/open")
    for repo in ("admin/open", "admin/twin", "eve/known"):
        until(lambda: get(house, repo).status_code == 200)
        assert get(house, repo).content == data
    until(lambda: plain(house, data).exists())


def test_small_things_beside_it_stay(house, keys):  # noqa: F811
    data = marked(1 << 20)
    house.api().create_repo("admin/small")
    lfs_upload(house, "admin/small", data)
    commit(house, "admin/small", file_op("README.md", b"# small\n"),
           lfs_op("model.safetensors", data))
    assert decided(house, "admin/small")["weights"] == "open"
    assert close(house, keys, "admin/small").status_code == 201
    assert house.get("/admin/small/resolve/main/README.md").status_code == 200
    assert house.get("/admin/small").status_code == 200
    assert get(house, "admin/small").status_code == 403


def crash_binary():
    path = os.environ.get("WEIGHHOUSE_BIN_CRASH")
    assert path and os.path.exists(path), "WEIGHHOUSE_BIN_CRASH names a build with crash points"
    return path


STEPS = range(1, 9)  # of src/hub/crash.h


@pytest.mark.parametrize("step", STEPS)
def test_killed_between_two_steps(fresh_house, keys, step):  # noqa: F811
    house = fresh_house(CONFIG, binary=crash_binary()).start()
    found_roster(house, keys)
    data = marked(300_000 + step)
    new_model(house, "admin/m", data)
    house.api().create_repo("admin/n")
    commit(house, "admin/n", lfs_op("model.safetensors", data), file_op("x.py", b"1\n"))
    assert decided(house, "admin/n")["weights"] == "open"
    until(lambda: plain(house, data).exists())
    house.stop()
    house.env = {"WEIGHHOUSE_HUB_CRASH_AT": str(step)}
    house.start()
    try:
        close(house, keys, "admin/m")
    except OSError:
        pass  # it died before it could answer
    until(lambda: house.log().count("child.end child=front") >= 2, wait=60)  # stop, and this
    house.kill()
    house.env = {}
    house.start()
    for repo in ("admin/m", "admin/n"):
        assert get(house, repo).status_code == 403
    until(lambda: not plain(house, data).exists() and sealed_in(house, data), wait=60)
    assert in_the_clear(house) == []
    lift(house, keys, "admin/m")
    for repo in ("admin/m", "admin/n"):
        until(lambda: get(house, repo).status_code == 200)
        assert get(house, repo).content == data


def test_the_custody_page_says_what_was_seen(fresh_house, keys, tmp_path):  # noqa: F811
    (tmp_path / "said.json").write_text(json.dumps([
        {"id": "physical", "by": "an auditor", "says": "looked at on 2026-11-20"},
        {"id": "sealed", "by": "nobody", "says": "what is measured is not attested away"}]))
    house = fresh_house(f"{CONFIG}[house]\nattestations = {tmp_path}/said.json\n").start()

    def rows():
        doc = house.get("/api/weighhouse/v1/custody").json()
        return {r["id"]: r for r in doc["rows"]}, doc

    seen, doc = rows()
    assert seen["sealed"]["state"] == "enforced here" and "0 files" in seen["sealed"]["seen"]
    assert seen["physical"]["state"] == "attested" and seen["physical"]["by"] == "an auditor"
    assert seen["hardware"]["state"] == seen["witnesses"]["state"] == "absent"
    assert "self-run" in seen["two"]["seen"]
    assert any("Root on this host" in x for x in doc["not"])
    page = house.get("/custody").text
    assert "attested" in page and "does not protect against" in page
    for level in ("SL2", "SL3", "certified"):
        assert level not in page
    found_roster(house, keys)
    assert "2 of 2 affiliations" in rows()[0]["two"]["seen"]
    assert "DEMO" in rows()[0]["two"]["seen"]
