"""weighhouse doctor: what it says of a house that is well, and of one that is not."""

import json
import os
import subprocess

import pytest

import hands


def doctor(house, *args):
    """The rows of the report by id, its state, the exit code."""
    r = subprocess.run([str(house.binary), "doctor", "--config", str(house.config), "--data",
                        str(house.data), "--json", *args], capture_output=True, text=True,
                       timeout=120, check=False)
    assert r.returncode in (0, 1), r.stderr
    o = json.loads(r.stdout)
    return {row["id"]: row for row in o["checks"]}, o["state"], r.returncode


def repo(house, name):
    house.api().create_repo(name)
    return name


def test_a_house_that_is_well(fresh_house):
    house = fresh_house().start()
    rows, state, code = doctor(house)
    for name in ("data.modes", "keys.modes", "sockets.modes", "token.file", "database.integrity",
                 "register.edge", "http.address"):
        assert rows[name]["state"] == "ok", rows[name]
    # what the host gives is not for this test to demand, but every row says something
    assert all(r["seen"] and r["state"] in ("ok", "unknown", "warn", "fail")
               for r in rows.values())
    assert all(r["do"] for r in rows.values() if r["state"] in ("warn", "fail")), rows
    assert (code == 1) == any(r["state"] == "fail" for r in rows.values())
    assert state == ("fail" if code else state)
    # it finds the house's processes, by the number that the parent left
    assert "front" in rows["processes.users"]["seen"]


def test_a_house_that_is_stopped(fresh_house):
    house = fresh_house().start()
    house.stop()
    rows, _, _ = doctor(house)
    assert rows["processes.users"]["state"] == "unknown"
    assert rows["front.closed"]["state"] == "unknown"
    assert rows["database.integrity"]["state"] == "ok"
    house.start()  # asking has changed nothing that the house needs
    assert house.get("/api/models").status_code == 200


@pytest.mark.parametrize("name, path, mode", [
    ("data.modes", "data/house.db", 0o644),
    ("keys.modes", "keys/custody.key", 0o640),
    ("sockets.modes", "data/run/keeper.sock", 0o666),
    ("token.file", "data/admin.token", 0o644),
])
def test_what_is_open_is_told(fresh_house, name, path, mode):
    house = fresh_house().start()
    os.chmod(house.base / path, mode)
    rows, state, code = doctor(house)
    assert (rows[name]["state"], state, code) == ("fail", "fail", 1)
    assert os.path.basename(path) in rows[name]["seen"]


def test_a_lost_custody_key_is_told(fresh_house, tmp_path):
    house = fresh_house().start()
    rows, _, _ = doctor(house)
    assert rows["keys.custody"]["state"] == "ok"
    hands.lfs_upload(house, repo(house, "admin/m"), hands.unexplained())
    (house.keys / "custody.key").rename(tmp_path / "custody.key")
    for _ in range(2):  # while the house runs, and when it does not
        rows, state, code = doctor(house)
        row = rows["keys.custody"]
        assert (row["state"], state, code) == ("fail", "fail", 1), row
        assert "1 files of 1 repos" in row["seen"] and "comes back" in row["seen"], row
        assert "custody.key is gone" in row["seen"] and "custody give-up" in row["do"], row
        house.stop()
    (tmp_path / "custody.key").rename(house.keys / "custody.key")
    assert doctor(house)[0]["keys.custody"]["state"] == "ok"


def test_an_address_that_others_reach(fresh_house):
    house = fresh_house().start()
    rows, _, code = doctor(house, "--listen", "0.0.0.0:8080")
    assert rows["http.address"]["state"] == "fail" and code == 1
    assert "TLS" in rows["http.address"]["seen"]


def test_a_damaged_database_and_register(fresh_house):
    house = fresh_house().start()
    house.stop()
    db = house.data / "house.db"
    raw = bytearray(db.read_bytes())
    for at in range(4096, len(raw), 4096):
        raw[at:at + 64] = os.urandom(64)
    db.write_bytes(raw)
    note = house.data / "register" / "checkpoint"
    note.write_text(note.read_text().replace("weighhouse", "weighhousf", 1))
    rows, _, code = doctor(house)
    assert code == 1
    assert rows["database.integrity"]["state"] == "fail"
    assert rows["register.edge"]["state"] == "fail"


def test_the_page_and_the_endpoint(fresh_house):
    house = fresh_house().start()
    r = house.get("/api/weighhouse/v1/doctor", token="admin")
    assert r.status_code == 200
    ids = [row["id"] for row in r.json()["checks"]]
    assert ids == list(doctor(house)[0])
    stranger = hands.account(house, "ann")
    assert house.get("/api/weighhouse/v1/doctor", token=stranger).status_code == 403
    assert house.get("/api/weighhouse/v1/doctor").status_code == 401
    # an operator's token that may only write does not learn it either
    weaker = house.request("POST", "/api/weighhouse/v1/tokens", token="admin",
                           json={"name": "w", "role": "write"}).json()["token"]
    assert house.get("/api/weighhouse/v1/doctor", token=weaker).status_code == 403
    page = house.get("/doctor", token="admin", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "host.swap" in page.text


@pytest.mark.parametrize("args, code", [(["--help"], 0), (["--what"], 2), (["x"], 2), ([], 2),
                                        (["--data", "/nonexistent"], 1)])
def test_wrong_usage(fresh_house, args, code):
    house = fresh_house()
    r = subprocess.run([str(house.binary), "doctor", *args], capture_output=True, timeout=60,
                       check=False, env={"HOME": "/nonexistent", "PATH": "/usr/bin"})
    assert r.returncode == code, r.stderr
