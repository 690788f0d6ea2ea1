"""Who knows a digest does not have the file: an object exists for a caller only if
they may read it or have uploaded all of it. Two accounts, stolen digests, no theft
and no oracle: what belongs to others is answered like what never was."""

import os
import re
import time

import pytest

import weights
import xet_wire as wire
from hands import (MIB, account, actions, batch, commit, decided, is_an_error, lfs_op, lfs_upload,
                   path_of, publish, put, release, sha256, unexplained)

NEVER = "5e" * 32


@pytest.fixture(scope="module")
def eve(house):
    """Somebody else, with a repo of her own."""
    token = account(house, "eve")
    house.api(token=token).create_repo("eve/loot")
    return token


@pytest.fixture(scope="module")
def things(house):
    """What the admin has: {name: bytes}, each in one repo, each in another state."""
    api = house.api()
    own = {"private-open": weights.safetensors({"a": (50_000,)}),
           "private-held": unexplained(),
           "public-held": unexplained(),
           "public-open": weights.safetensors({"b": (50_000,)}),
           "public-landed": weights.safetensors({"c": (50_000,)}),
           "private-landed": weights.safetensors({"d": (50_000,)})}
    for name, data in own.items():
        repo = f"admin/{name}"
        api.create_repo(repo, private=name.startswith("private"))
        if name.endswith("landed"):
            lfs_upload(house, repo, data)
        else:
            publish(house, repo, {"m.safetensors": data})
            assert decided(house, repo)["weights"] == name.split("-")[1]
    return own


STOLEN = ["private-open", "private-held", "public-held", "public-landed", "private-landed"]


def shape(r, oid):
    """An answer without what has to differ between two requests."""
    text = re.sub(r"(expires|sig)=[A-Za-z0-9_-]+", r"\1=", r.text.replace(oid, "OID"))
    return r.status_code, text, r.headers.get("X-Error-Code"), \
        r.headers.get("X-Error-Message", "").replace(oid, "OID")


@pytest.mark.parametrize("name", STOLEN)
def test_a_stolen_digest_is_like_an_unknown_one(house, things, eve, name):
    oid, size = sha256(things[name]), len(things[name])
    for operation in ("upload", "download"):
        theirs = batch(house, "eve/loot", [(oid, size)], operation=operation, token=eve)
        never = batch(house, "eve/loot", [(NEVER, size)], operation=operation, token=eve)
        assert shape(theirs, oid) == shape(never, NEVER)
        assert ("actions" in theirs.json()["objects"][0]) == (operation == "upload")
    for given in (size, size + 1, 0, None):
        theirs = commit(house, "eve/loot", lfs_op("x.safetensors", oid, given), token=eve)
        never = commit(house, "eve/loot", lfs_op("x.safetensors", NEVER, given), token=eve)
        assert shape(theirs, oid) == shape(never, NEVER)
        is_an_error(theirs, 422)
    repo = re.search(r"repo=(\d+)", actions(house, "eve/loot", os.urandom(9), eve)
                     ["verify"]["href"]).group(1)
    ask = lambda o: house.request("POST", f"/api/upload/{o}/verify?kind=model&repo={repo}",
                                  token=eve, json={"oid": o, "size": size})
    assert shape(ask(oid), oid) == shape(ask(NEVER), NEVER)
    assert ask(oid).status_code == 404
    assert "x.safetensors" not in house.api().list_repo_files("eve/loot")


@pytest.mark.parametrize("name", ["public-landed", "private-landed", "private-held"])
def test_what_was_only_uploaded_is_nobodys_news(house, things, eve, name):
    """In the owner's own repo, asked by others: no word about what no commit shows."""
    oid, size = sha256(things[name]), len(things[name])
    for token in (eve, None):
        theirs = batch(house, f"admin/{name}", [(oid, size)], operation="download", token=token)
        never = batch(house, f"admin/{name}", [(NEVER, size)], operation="download", token=token)
        assert shape(theirs, oid) == shape(never, NEVER)
        assert "actions" not in theirs.text
        up = batch(house, f"admin/{name}", [(oid, size)], token=token)
        assert up.status_code in ((401, 404) if name.startswith("private") else (401, 403))


@pytest.mark.parametrize("name", ["private-open", "private-held", "private-landed"])
def test_a_private_repo_is_like_none(house, things, eve, name):
    oid = sha256(things[name])
    for token, status in ((eve, 404), (None, 401)):
        for path in ("/api/models/{}", "/api/models/{}/tree/main", "/{}/resolve/main/m.safetensors",
                     "/{}/raw/main/m.safetensors", "/{}/resolve/main/.gitattributes",
                     "/api/models/{}/refs", "/api/models/{}/commits/main",
                     "/api/weighhouse/v1/models/{}/revision/main/release",
                     "/api/models/{}/xet-write-token/main", "/api/models/{}/xet-read-token/main"):
            theirs = house.get(path.format(f"admin/{name}"), token=token)
            never = house.get(path.format("admin/never-was-here"), token=token)
            assert theirs.status_code == never.status_code == status, path
            assert theirs.text == never.text and oid not in theirs.text
            assert theirs.headers["X-Error-Code"] == "RepoNotFound"


def test_open_content_of_a_public_repo_may_be_named(house, things, eve):
    data = things["public-open"]
    r = batch(house, "eve/loot", [(sha256(data), len(data))], token=eve)
    assert "actions" not in r.json()["objects"][0]  # nothing is to be sent
    assert commit(house, "eve/loot", lfs_op("same.safetensors", sha256(data), len(data) + 1),
                  token=eve).status_code == 422
    r = commit(house, "eve/loot", lfs_op("same.safetensors", data), token=eve)
    assert r.status_code == 200, r.text
    r = house.get("/eve/loot/resolve/main/same.safetensors")
    assert r.status_code == 200 and r.content == data
    # and it stays hers when the first owner takes his away
    house.api().create_repo("admin/fleeting")
    other = weights.safetensors({"e": (4000,)})
    publish(house, "admin/fleeting", {"m.safetensors": other})
    decided(house, "admin/fleeting")
    assert commit(house, "eve/loot", lfs_op("kept.safetensors", other), token=eve).status_code == 200
    house.api().delete_repo("admin/fleeting")
    assert house.get("/eve/loot/resolve/main/kept.safetensors").content == other


def test_the_owner_does_not_send_twice(house, things):
    """Possession is a repo's: own private content is there, in that repo only."""
    data = things["private-held"]
    oid = (sha256(data), len(data))
    assert "actions" not in batch(house, "admin/private-held", [oid]).json()["objects"][0]
    assert "actions" in batch(house, "admin/public-open", [oid]).json()["objects"][0]
    assert commit(house, "admin/public-open", lfs_op("n.safetensors", data)).status_code == 422


def test_a_deleted_repo_leaves_nothing_to_its_name(house, eve):
    """Who takes the name of a deleted repo does not inherit its files."""
    api = house.api(token=eve)
    for private in (False, True):
        api.create_repo("eve/again", private=private)
        data = unexplained()
        publish(house, "eve/again", {"m.safetensors": data}, token=eve)
        link = actions(house, "eve/again", os.urandom(10), token=eve)["upload"]["href"]
        api.delete_repo("eve/again")
        api.create_repo("eve/again", private=private)
        assert commit(house, "eve/again", lfs_op("m.safetensors", data), token=eve).status_code == 422
        assert put(house, link, b"0123456789").status_code in (403, 404, 422)
        api.delete_repo("eve/again")


# ---- links ----

def test_links_are_good_for_one_thing(house, things, eve):
    data = weights.safetensors({"a": (3000,)})
    mine = actions(house, "eve/loot", data, token=eve)["upload"]["href"]
    path = path_of(mine)
    owners = actions(house, "admin/public-open", data)["upload"]["href"]
    number = re.search(r"repo=(\d+)", owners).group(1)
    who = re.search(r"account=(\d+)", owners).group(1)
    other = sha256(things["public-held"])
    tampered = {
        "another repo": re.sub(r"repo=\d+", f"repo={number}", path),
        "another account": re.sub(r"account=\d+", f"account={who}", path),
        "another size": re.sub(r"size=\d+", f"size={len(data) - 1}", path),
        "another object": path.replace(sha256(data), other),
        "another time": re.sub(r"expires=(\d+)", lambda m: f"expires={int(m[1]) + 1}", path),
        "past": re.sub(r"expires=\d+", f"expires={int(time.time()) - 10}", path),
        "another verb": path.replace("/whole?", "/part?") + "&part=1",
        "no signature": re.sub(r"&sig=.*", "", path),
        "empty signature": re.sub(r"sig=.*", "sig=", path),
        "cut signature": path[:-1],
        "signature of another": re.sub(r"sig=.*", "sig=" + owners.rsplit("sig=", 1)[1], path),
        "no expiry": re.sub(r"&expires=\d+", "", path),
        "huge numbers": re.sub(r"size=\d+", "size=99999999999999999999", path),
        "negative": re.sub(r"size=\d+", "size=-1", path),
        "capital digest": path.replace(sha256(data), sha256(data).upper()),
    }
    for what, bad in tampered.items():
        r = house.request("PUT", bad, data=data)
        assert r.status_code in (403, 404), (what, r.status_code, r.text)
        is_an_error(r, r.status_code)
    verb = path.replace("/whole?", "/complete?")
    assert house.request("POST", verb, json={}).status_code == 403
    assert commit(house, "eve/loot", lfs_op("l.safetensors", data), token=eve).status_code == 422
    # the link itself is good, also twice
    assert put(house, mine, data).status_code == 200
    assert put(house, mine, data).status_code == 200
    assert commit(house, "eve/loot", lfs_op("l.safetensors", data), token=eve).status_code == 200


def test_links_end_with_the_house_that_signed_them(fresh_house):
    house = fresh_house().start()
    house.api().create_repo("admin/m")
    data = weights.safetensors({"a": (3000,)})
    old = actions(house, "admin/m", data)["upload"]["href"]
    house.stop()
    house.start()
    assert "ask for a new one" in is_an_error(put(house, old, data), 403)
    lfs_upload(house, "admin/m", data)


def test_a_link_is_given_to_writers_only(house, eve):
    oid = (NEVER, 100)
    assert batch(house, "admin/public-open", [oid], token=eve).status_code == 403
    assert batch(house, "admin/public-open", [oid], token=None).status_code == 401
    reader = house.request("POST", "/api/weighhouse/v1/tokens", token=eve,
                           json={"name": "r", "role": "read"}).json()["token"]
    assert batch(house, "eve/loot", [oid], token=reader).status_code == 403
    assert commit(house, "eve/loot", lfs_op("r", NEVER, 1), token=reader).status_code == 403


# ---- Xet ----

def test_xorbs_of_a_held_public_file_are_not_there_for_readers(house, eve):
    house.api().create_repo("admin/xet-held")
    data = unexplained(MIB)
    xorb = wire.Xorb([data[i:i + 65536] for i in range(0, len(data), 65536)])
    owner = wire.Client(house, "admin/xet-held")
    file = wire.File([wire.Term(xorb)], sha256(data))
    assert owner.put_xorb(xorb).status_code == 200
    assert owner.put_shard([file], [xorb]).status_code == 200
    assert commit(house, "admin/xet-held", lfs_op("m.safetensors", data)).status_code == 200
    assert decided(house, "admin/xet-held")["weights"] == "held"
    thief = wire.Client(house, "eve/loot", token=eve)
    assert thief.has(xorb.name) == 404
    stolen, never = thief.put_shard([file], [xorb]), wire.Xorb([os.urandom(len(data))[:100_000]])
    unknown = thief.put_shard([wire.File([wire.Term(never)], sha256(data))], [never])
    assert stolen.status_code == unknown.status_code == 400
    assert re.sub(r"[0-9a-f]{64}", "", stolen.text) == re.sub(r"[0-9a-f]{64}", "", unknown.text)
    assert commit(house, "eve/loot", lfs_op("x.safetensors", data), token=eve).status_code == 422
    reader = wire.Client(house, "admin/xet-held", token=eve, scope="read")
    assert reader.put_shard([file], [xorb]).status_code == 403


def test_uploading_all_of_it_is_possession(house, things, eve):
    """The bytes themselves are the proof; the tier comes along."""
    for name, tier in (("private-open", "open"), ("public-held", "held")):
        repo = f"eve/{name}"
        house.api(token=eve).create_repo(repo)
        publish(house, repo, {"mine.safetensors": things[name]}, token=eve)
        assert decided(house, repo, token=eve)["weights"] == tier
        assert release(house, repo, token=eve)["state"] == "decided"
    r = house.get("/eve/private-open/resolve/main/mine.safetensors")
    assert r.content == things["private-open"]
    assert house.get("/eve/public-held/resolve/main/mine.safetensors",
                     token=eve).status_code == 403
