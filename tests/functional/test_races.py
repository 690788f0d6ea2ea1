"""Approvers who act at the same moment: of one matter one act counts, of two each its own, of two
rosters one; and the register says so in an order that everybody can check."""

import concurrent.futures
import json
import shutil
import threading

import pytest

from approvers import V1, canonical, draft, founding, make_keys, sign, signed
from conftest import House, new_base
from hands import above_the_demo_line, decided, leaves, publish, release, sha256
from test_approvers import CONFIG
from test_custody import until

MODELS = ("admin/one", "admin/two")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, ["ada", "bea", "cid"])
    return folder


@pytest.fixture(scope="module")
def house(keys):
    # a slow register: what was decided waits for a while to be published
    h = House(new_base(), config=CONFIG + "[register]\ncadence_ms = 700\n").start()
    doc = founding(keys)
    signed(h, keys, ["ada", "bea", "cid"], draft(h, "roster", paper=doc), roster=doc)
    for i, repo in enumerate(MODELS):
        h.api().create_repo(repo)
        publish(h, repo, {"model.gguf": above_the_demo_line(layer=i)})
        assert decided(h, repo)["weights"] == "held"
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def at_once(*calls):
    """What each gives, all let go in one moment."""
    gate = threading.Barrier(len(calls))

    def one(call):
        gate.wait()
        return call()
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def entries(house, kind):
    return [x for x in map(json.loads, leaves(house)) if x["type"] == kind]


def subject(house, repo):
    return release(house, repo)["subject"]


def copies(keys, tmp_path, n):
    """The keys once more, since ssh-keygen writes beside them."""
    out = []
    for i in range(n):
        folder = tmp_path / f"keys{i}"
        shutil.copytree(keys, folder)
        out.append(folder)
    return out


def outcome(answers):
    """How many of these were carried out; the others are refused in words."""
    for r in answers:
        assert r.status_code in (201, 409), (r.status_code, r.text)
        assert r.status_code == 201 or len(r.json()["error"]) > 20
    return [r for r in answers if r.status_code == 201 and r.json()["state"] == "done"]


def test_one_matter_is_decided_once(house, keys, tmp_path):
    """Ten statements about one model, and the last signature of each in the same moment."""
    before = len(entries(house, "decision"))
    folders = copies(keys, tmp_path, 10)
    drafts = [draft(house, "host", subject=subject(house, MODELS[0])) for _ in folders]
    for f, d in zip(folders, drafts):
        assert sign(house, f, "ada", d).status_code == 201
    got = at_once(*[lambda f=f, d=d: sign(house, f, "cid", d) for f, d in zip(folders, drafts)])
    assert len(outcome(got)) == 1
    assert len(entries(house, "decision")) == before + 1
    until(lambda: decided(house, MODELS[0])["weights"] == "hosted")
    # all of them are used up
    for d in drafts:
        assert sign(house, keys, "bea", d).status_code == 409


def test_one_signature_counts_once(house, keys, tmp_path):
    """The same person, and the same file of a signature, ten times at once."""
    folders = copies(keys, tmp_path, 10)
    d = draft(house, "host", subject=subject(house, MODELS[0]))
    got = at_once(*[lambda f=f: sign(house, f, "ada", d) for f in folders])
    assert sorted(r.status_code for r in got) == [201] + [409] * 9
    shown = house.get(f"{V1}/proposals/{got[[r.status_code for r in got].index(201)].json()['id']}")
    assert len(shown.json()["approvals"]) == 1 and shown.json()["state"] == "signing"


def test_two_matters_are_decided_both(house, keys, tmp_path):
    """One is closed while the other is hosted: each as it was signed, and neither signature
    counts for the other."""
    one, two = copies(keys, tmp_path, 2)
    close = draft(house, "close", subject=subject(house, MODELS[0]), rules=["demo.low/size"])
    host = draft(house, "host", subject=subject(house, MODELS[1]))
    assert sign(house, two, "ada", host).status_code == 201
    got = at_once(lambda: sign(house, one, "bea", close), lambda: sign(house, two, "cid", host))
    assert len(outcome(got)) == 2
    until(lambda: decided(house, MODELS[0])["weights"] == "held")
    until(lambda: decided(house, MODELS[1])["weights"] == "hosted")
    d = draft(house, "lift", subject=subject(house, MODELS[0]))
    stolen = house.request("POST", f"{V1}/proposals", json={
        "statement": d["statement"], "confirm": d["confirm"],
        "signature": (two / "cid.txt.sig").read_text()})
    assert stolen.status_code == 403, stolen.text
    assert signed(house, keys, ["ada", "cid"], d) == "done"


def test_opening_and_closing_at_once(house, keys, tmp_path):
    """Whichever comes first, it is not open afterwards."""
    folders = copies(keys, tmp_path, 3)
    what = subject(house, MODELS[1])
    drafts = [draft(house, "open", subject=what),
              draft(house, "close", subject=what, rules=["demo.low/size"]),
              draft(house, "host", subject=what)]
    for i in (0, 2):
        assert sign(house, folders[i], "ada", drafts[i]).status_code == 201
    got = at_once(*[lambda f=f, d=d, who=who: sign(house, f, who, d)
                    for f, d, who in zip(folders, drafts, ("cid", "bea", "cid"))])
    assert [r.status_code for r in got].count(201) >= 1
    if got[1].status_code != 201:  # the hosting was first: what it ends has passed
        assert got[1].status_code == 409
        d = draft(house, "close", subject=what, rules=["demo.low/size"])
        assert signed(house, keys, ["bea"], d) == "done"
    r = house.get(f"/{MODELS[1]}/resolve/main/model.gguf", token="admin")
    assert r.status_code == 403
    until(lambda: decided(house, MODELS[1])["weights"] == "held")
    chain = [x for x in entries(house, "decision") if x.get("subject") == ["sha256:" + what]
             or x.get("subject") == "sha256:" + what]
    ends = [x["replaces"] for x in chain if "replaces" in x]
    assert len(ends) == len(set(ends)) and len(ends) >= 2, "each ends one of its own"


def test_two_rosters_at_once(house, keys, tmp_path):
    """Both are signed by enough; one follows, and whoever signed under the one before is told."""
    now = house.get(f"{V1}/approvers").json()
    make_keys(tmp_path, ["dan", "eve"])
    folders = copies(keys, tmp_path, 3)
    for name in ("dan", "eve"):
        for f in folders:
            shutil.copy(tmp_path / name, f / name)
            shutil.copy(tmp_path / f"{name}.pub", f / f"{name}.pub")
    papers = []
    for name in ("dan", "eve"):
        doc = json.loads(now["roster"])
        doc.update(version=now["version"] + 1,
                   previous="sha256:" + sha256(now["roster"].encode()))
        doc["approvers"].append({
            "id": name, "affiliation": "west", "outside": False, "demo": True,
            "keys": [" ".join((tmp_path / f"{name}.pub").read_text().split()[:2])]})
        papers.append(canonical(doc))
    drafts = [draft(house, "roster", paper=p) for p in papers]
    lift = draft(house, "lift", subject=subject(house, MODELS[1]))
    for d, p, name in zip(drafts, papers, ("dan", "eve")):
        assert sign(house, keys, "ada", d, roster=p).status_code == 201
        assert sign(house, folders[0], name, d, roster=p).status_code == 201
    assert sign(house, keys, "ada", lift).status_code == 201
    got = at_once(lambda: sign(house, folders[0], "cid", drafts[0], roster=papers[0]),
                  lambda: sign(house, folders[1], "cid", drafts[1], roster=papers[1]),
                  lambda: sign(house, folders[2], "cid", lift))
    done = [r for r in got[:2] if r.status_code == 201]
    assert len(done) == 1 and done[0].json()["state"] == "done", [r.text for r in got]
    assert {r.status_code for r in got} <= {201, 403, 409}, [r.text for r in got]
    after = house.get(f"{V1}/approvers").json()
    assert after["version"] == now["version"] + 1 and after["roster"] in papers
    assert len(entries(house, "roster")) == 2
    # every decision on the register names the newest roster before it
    seen, newest = 0, -1
    for i, x in enumerate(map(json.loads, leaves(house))):
        if x["type"] == "roster":
            newest = i
        if x["type"] == "decision" and x.get("by") != "line":
            assert x["roster"] == newest
            seen += 1
    assert seen >= 4
