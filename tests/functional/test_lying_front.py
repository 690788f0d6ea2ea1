"""Whoever has taken over front speaks to the keeper as front does. It gets the keys of what the
register says is open, and of nothing else, whatever papers it shows."""

import base64
import json
import shutil

import pytest

import weights
from conftest import House, new_base
from custody_front import HOST, OPEN, PLAIN, Keeper, Papers, Stored, as_front, packed
from hands import (above_the_demo_line, commit, decided, lfs_op, lfs_upload, sha256)
from test_approvers import CONFIG, draft, signed
from test_approvers import keys  # noqa: F401
from test_custody import found_roster, subject, until

BIG, SMALL = "admin/big", "admin/small"


def sealed(house, repo, path, data):
    """What is known of it before a commit, and thus before anything of it may be opened."""
    house.api().create_repo(repo)
    lfs_upload(house, repo, data)
    stored = Stored(house, repo, sha256(data))
    r = commit(house, repo, lfs_op(path, data))
    assert r.status_code == 200, r.text
    return stored


@pytest.fixture(scope="module")
def house(keys):  # noqa: F811
    h = House(new_base(), config=CONFIG).start()
    found_roster(h, keys)
    h.big = sealed(h, BIG, "model.gguf", above_the_demo_line())
    assert decided(h, BIG)["weights"] == "held"
    h.small = sealed(h, SMALL, "model.safetensors", weights.safetensors({"w": (64, 64)}))
    assert decided(h, SMALL)["weights"] == "open"
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def both(house):
    return (Papers(house, BIG, house.big, "model.gguf"),
            Papers(house, SMALL, house.small, "model.safetensors"))


def asked(house, papers, cases, kind=OPEN):
    """What the keeper says to each of the cases: {name: {field: value}}."""
    def talk(run):
        out = {}
        for name, over in cases.items():
            k = Keeper(run)
            repo = over.pop("repo", papers.repo)
            files = over.pop("containers", papers.containers)
            got = k.take(repo, files)
            if got[0] == "ok" and "plain" in over:
                got = k.blob(PLAIN, over["plain"][0].encode(), over["plain"][1].encode())
            elif got[0] == "ok":
                got = k.blob(kind, papers.written(**over))
            out[name] = [got[0], got[1] if isinstance(got[1], str) else len(got[1])]
        return out
    return as_front(house, talk)


def changed(text, **members):
    """The document with other members, canonical."""
    return json.dumps({**json.loads(text), **members}, sort_keys=True, separators=(",", ":"))


def forged(held, small):
    """Every way to lie about the held one, with the papers of both at hand."""
    opened = {"source": "open", "software": "open", "data": "open", "weights": "open"}
    leaf = changed(held.leaf, tiers=opened)
    mac = base64.b16encode(b"\0" * 32).decode().lower()
    statement, _, _ = held.content.rpartition("\n")
    other = json.loads(small.manifest)
    mine = next(f for f in json.loads(held.manifest)["files"] if f["part"] == "weights")
    other["files"] = sorted(other["files"] + [mine], key=lambda f: f["path"])
    renamed = changed(held.manifest, files=[
        {**f, "part": "source"} for f in json.loads(held.manifest)["files"]])
    lines = "\n".join(held.proof.split("\n")[:-2])
    return {
        "as it is": {},
        "a leaf that opens": {"leaf": leaf},
        "a leaf without an end": {"leaf": changed(leaf, until=None)},
        "another one's decision": {"leaf": small.leaf, "proof": small.proof},
        "another one's papers": {"leaf": small.leaf, "proof": small.proof,
                                 "manifest": small.manifest, "evidence": small.evidence,
                                 "scan": small.scan},
        "in another one's manifest": {
            "leaf": small.leaf, "proof": small.proof, "evidence": small.evidence,
            "manifest": json.dumps(other, sort_keys=True, separators=(",", ":"))},
        "weights as code": {"manifest": renamed},
        "another scan": {"scan": small.scan},
        "no scan": {"scan": ""},
        "another content": {"content": small.content},
        "a statement without its seal": {"content": statement + "\n" + mac},
        "a size of its own": {"content": held.content.replace('"size":', '"size":1')},
        "half a proof": {"proof": lines},
        "no proof": {"proof": ""},
        "other evidence": {"evidence": small.evidence},
        "approvals of nobody": {"bundle": b"\1" + packed("", "", "", "") + b"\0\0\0\0"},
        "approvals that are noise": {"bundle": b"\1" * 4096},
        "the keys of another repo": {"repo": small.repo},
        "another one's containers": {"containers": small.containers},
        "as what is no weights": {"plain": (held.content, held.scan)},
    }


def test_true_papers_give_keys_and_forged_ones_nothing(house):
    held, small = both(house)
    got = asked(house, small, {"true": {}, "plain": {"plain": (small.content, small.scan)}})
    assert got["true"] == ["ok", 4 + 32 * len(small.containers)]
    assert got["plain"][0] == "HELD"
    for kind in (OPEN, HOST):
        got = asked(house, held, forged(held, small), kind)
        assert len(got) == 20 and "ok" not in {g[0] for g in got.values()}, got
        assert {g[0] for g in got.values()} <= {"HELD", "FORBIDDEN", "NOT_VERIFIABLE", "CORRUPT",
                                                "BAD_REQUEST", "BAD_JSON", "WRONG_KEY"}, got
        assert all(g[1] and str(g[1]).isprintable() for g in got.values()), got
        assert got["as it is"][0] == "HELD", got
    # it still serves, and wrote nothing down of what it did not do
    assert asked(house, small, {"true": {}})["true"][0] == "ok"
    ledger = (house.data / "custody" / "ledger").read_text()
    assert held.sha256 not in ledger and small.sha256 in ledger


def test_what_is_hosted_is_not_opened(house, keys):  # noqa: F811
    """Approvers let it be used: the keeper gives it to engines, and to nobody a key."""
    d = draft(house, "host", subject=subject(house, BIG))
    assert signed(house, keys, ["ada", "cid"], d) == "done"
    until(lambda: decided(house, BIG)["weights"] == "hosted")
    held, small = both(house)
    got = asked(house, held, forged(held, small), OPEN)
    assert "ok" not in {g[0] for g in got.values()}, got
    r = house.get(f"/{BIG}/resolve/main/model.gguf", token="admin")
    assert r.status_code == 403
