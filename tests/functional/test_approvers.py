"""Approvers decide with keys of ssh-keygen, and nobody else does: the founding roster, an
opening above the line after its cooling-off, an emergency that closes, an operator who can
do nothing of it."""

import json
import shutil
import time

import pytest

from approvers import (PEOPLE, V1, canonical, draft, founding, make_keys, public, sign,
                       signed)
from conftest import House, new_base
from hands import (above_the_demo_line, account, commit, decided, file_op, leaves, lfs_op,
                   lfs_upload, release, sha256)

CONFIG = ("[lines]\nenforce = limited.default, hold.unknown, demo.low.v1\n"
          "[uploads]\nsweep_seconds = 1\n")


@pytest.fixture(scope="module")
def house():
    h = House(new_base(), config=CONFIG).start()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A key each, also for somebody who is no approver."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, [*PEOPLE, "eve"])
    return folder


@pytest.fixture(scope="module")
def roster(house, keys):
    """The founding roster: DEMO approvers, so that a second is enough to cool off."""
    doc = founding(keys)
    d = draft(house, "roster", paper=doc)
    assert sign(house, keys, "eve", d, roster=doc).status_code == 403
    assert signed(house, keys, ["ada", "bea"], d, roster=doc) == "signing"
    assert house.get(f"{V1}/approvers").json()["self_run"] is True
    assert signed(house, keys, ["cid"], d, roster=doc) == "done"
    return doc


@pytest.fixture(scope="module")
def big(house):
    data = above_the_demo_line()
    house.api().create_repo("admin/big")
    lfs_upload(house, "admin/big", data)
    r = commit(house, "admin/big", file_op("README.md", b"# big\n"), lfs_op("model.gguf", data))
    assert r.status_code == 200, r.text
    assert decided(house, "admin/big")["weights"] == "held"
    return data


def of_type(house, kind):
    entries = [json.loads(x) if isinstance(x, (str, bytes)) else x for x in leaves(house)]
    return [x for x in entries if x["type"] == kind]


def subject(house):
    return release(house, "admin/big")["subject"]


def download(house):
    return house.get("/admin/big/resolve/main/model.gguf", token="admin")


def wait(house, status, seconds=20):
    end = time.monotonic() + seconds
    while download(house).status_code != status and time.monotonic() < end:
        time.sleep(0.2)
    r = download(house)
    assert r.status_code == status, (r.status_code, r.text[:300], house.log()[-3000:])
    return r


def test_the_roster_is_public(house, roster, keys):
    a = house.get(f"{V1}/approvers").json()
    assert a["version"] == 1 and a["demo"] is True and a["self_run"] is False
    assert a["roster"] == roster and a["affiliations"] == 2
    leaf = of_type(house, "roster")
    assert len(leaf) == 1 and leaf[0]["roster"] == "sha256:" + sha256(roster.encode())
    assert "a person" not in json.dumps(leaf)


def test_an_operator_decides_nothing(house, roster, keys, big):
    """The admin's token is no signature: not for an opening, not for the roster."""
    d = draft(house, "open", subject=subject(house))
    for body in ({}, {"statement": d["statement"]},
                 {"statement": d["statement"], "signature": "x"}):
        r = house.request("POST", f"{V1}/proposals", token="admin", json=body)
        assert r.status_code == 400, r.text
    own = json.loads(roster)
    own.update(version=2, previous="sha256:" + sha256(roster.encode()))
    own["approvers"] = [{"id": "admin", "affiliation": "north", "keys": [public(keys, "eve")],
                         "outside": False, "demo": True}]
    own = canonical(own)
    d = draft(house, "roster", paper=own)
    r = sign(house, keys, "eve", d, roster=own)
    assert r.status_code == 403 and "on it" in r.json()["error"], r.text
    r = sign(house, keys, "ada", d, roster=own)
    assert r.status_code == 201 and r.json()["state"] == "signing", r.text
    r = sign(house, keys, "eve", d, roster=own)
    assert r.status_code == 201 and r.json()["state"] == "signing", r.text
    assert house.get(f"{V1}/approvers").json()["version"] == 1


def test_opening_takes_two_houses_and_time(house, roster, keys, big):
    d = draft(house, "open", subject=subject(house))
    assert d["confirm"] in d["statement"] and "weights=open" in d["statement"]
    assert sign(house, keys, "eve", d).status_code == 403
    assert sign(house, keys, "ada", d, confirm="yes").status_code == 422
    assert sign(house, keys, "ada", d, "git").status_code == 403
    assert signed(house, keys, ["ada", "bea"], d) == "signing"
    assert sign(house, keys, "ada", d).status_code == 409
    assert download(house).status_code == 403
    assert signed(house, keys, ["cid"], d) == "cooling-off"
    assert wait(house, 200).content == big
    last = of_type(house, "decision")[-1]
    assert last["by"] == "approvers" and last["act"] == "open"
    assert last["statement"] == "sha256:" + sha256(d["statement"].encode())
    assert last["affiliations"] == 2
    assert sign(house, keys, "ada", d).status_code == 409


def test_closing_takes_one(house, roster, keys, big):
    d = draft(house, "close", subject=subject(house), rules=["demo.low/size"])
    assert signed(house, keys, ["bea"], d) == "done"
    r = wait(house, 403)
    assert "house.approvers" in r.json()["error"]
    held = house.get(f"{V1}/holds").json()
    assert len(held) == 1 and held[0]["kind"] == "emergency"
    eve = account(house, "appellant")
    r = house.request("POST", f"{V1}/appeals", token=eve,
                      json={"decision": held[0]["decision"], "text": "it is needed"})
    assert r.status_code == 201, r.text
    seen = house.get(f"{V1}/appeals").json()
    assert len(seen) == 1 and seen[0]["text"] is None
    d = draft(house, "lift", subject=subject(house))
    assert signed(house, keys, ["ada", "cid"], d) == "done"
    assert wait(house, 200).content == big


def test_the_commands(house, roster, keys, big, tmp_path):
    """statement, sign and object as an approver uses them."""
    r = house.run("approver", "list")
    assert r.returncode == 0 and "DEMO" in r.stdout and "cid" in r.stdout
    text = tmp_path / "statement"
    r = house.run("decision", "statement", "close", subject(house), "--rule", "demo.low/size",
                  "--reason", "a drill")
    assert r.returncode == 0, r.stderr
    text.write_text(r.stdout)
    r = house.run("decision", "sign", str(text), "--key", str(keys / "eve"))
    assert r.returncode == 1 and "roster" in r.stderr
    assert "reason a drill" in r.stderr  # shown in full before it is signed
    r = house.run("decision", "object", str(text), "--key", str(keys / "ada"))
    assert r.returncode == 1 and "nobody has proposed" in r.stderr
    r = house.run("decision", "sign", str(text), "--key", str(keys / "ada"))
    # closed once already within 180 days
    assert r.returncode == 1 and "takes a quorum" in r.stderr, r.stderr
