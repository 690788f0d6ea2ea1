"""A line comes in a new version: shipping it changes nothing, configuration puts it beside the old
one, and only approvers put it in the old one's place (docs/decisions/0011)."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import time

import openai
import pytest

import hands
import weights
from approvers import PEOPLE, V1, draft, founding, make_keys, sign, signed
from conftest import ROOT, new_base
from custody_front import OPEN, Keeper, Papers, Stored, as_front, told
from pupil import MODEL, Pupil

BASE = "limited.default, hold.unknown"


def law(version, most):
    """A line of this test: at most so many parameters."""
    doc = json.loads((ROOT / "lines" / "demo.low.v1.json").read_text())

    def size(n):
        return {"size.params_total": {"lo": str(n), "hi": str(n), "by": "house",
                                      "method": "counted", "expires": None}}
    doc.update(name="test.low", version=version, case_ground=size(most))
    doc["rules"][0]["when"]["threshold"] = str(most)
    doc["cases"] = [{"sentence": "So many are below.", "with": {}, "answer": "below"},
                    {"sentence": "One more is above.", "with": size(most + 1), "answer": "above"}]
    return doc


@pytest.fixture
def folder():
    """The house's own lines."""
    base = pathlib.Path(new_base())
    os.chmod(base, 0o755)
    yield base
    shutil.rmtree(base, ignore_errors=True)


def put(folder, version, most):
    (folder / f"test.low.v{version}.json").write_text(json.dumps(law(version, most)))


def enforce(house, names, folder=None, shadow=""):
    house.extra = f"[lines]\nenforce = {names}\nshadow = {shadow}\n"
    if folder:
        house.extra += f"dir = {folder}\n"
    return house


def again(house):
    assert house.stop() == 0, house.log()[-4000:]
    return house.start()


def lines(house, key="enforced"):
    return {f"{x['name']}.v{x['version']}" for x in house.get(f"{V1}/lines").json() if x[key]}


def entries(house):
    return [e for e in map(json.loads, hands.leaves(house)) if e["type"] in ("genesis", "lines")]


def refused(house, *words):
    """It does not start; what it says on standard error has the words."""
    before = len(house.log())
    with pytest.raises(AssertionError):
        house.start(wait=30)
    assert house.process.wait(30) != 0
    house.process.stdout.close()
    house.process = None
    said = house.log()[before:]
    assert all(w in said for w in words), said


def until(what, seconds=90):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.2)


def publish(house, name, rows):
    house.request("POST", "/api/repos/create", token="admin", json={"name": name})
    hands.publish(house, f"admin/{name}", {"w.safetensors": weights.safetensors({"w": (rows, 8)})})
    return hands.decided(house, f"admin/{name}")["weights"]


def gives(house, name):
    """What its owner gets of these weights."""
    return house.get(f"/admin/{name}/resolve/main/w.safetensors", token="admin").status_code


def found(house, keys):
    make_keys(keys, PEOPLE)
    doc = founding(keys)
    assert signed(house, keys, list(PEOPLE), draft(house, "roster", paper=doc),
                  roster=doc) == "done"


def test_a_shipped_version_changes_nothing(fresh_house):
    """A house of version 1 whose configuration says no version goes on under it."""
    house = enforce(fresh_house(), f"{BASE}, demo.low.v1").start()
    before = entries(house)
    enforce(house, f"{BASE}, demo.low", shadow="demo.low.v2")
    again(house)
    assert lines(house) == {"limited.default.v1", "hold.unknown.v1", "demo.low.v1"}
    assert lines(house, "shadow") == {"demo.low.v2"}
    assert entries(house) == before
    assert "in_force=demo.low.v1 newest=demo.low.v2" in house.log()
    one = house.get(f"{V1}/lines/demo.low").json()
    assert (one["version"], one["newest"]) == (1, 2)
    assert {v["version"]: v["enforced"] for v in one["versions"]} == {1: True, 2: False}
    page = house.get("/lines", headers={"Accept": "text/html"}).text
    assert 'newest is <a href="/lines/demo.low/v2">version 2</a>' in page
    page = house.get("/lines/demo.low", headers={"Accept": "text/html"}).text
    assert "Newest version" in page and "in force" in page


def test_configuration_adds_a_version_and_drops_none(fresh_house):
    house = enforce(fresh_house(), f"{BASE}, demo.low.v1").start()
    assert house.stop() == 0
    enforce(house, f"{BASE}, demo.low.v2")
    refused(house, "write demo.low.v1 there again", "weighhouse decision statement lines - --lines",
            "weighhouse decision sign")
    enforce(house, f"{BASE}, demo.low.v1, demo.low.v2").start()
    both = lines(house)
    assert both == {"limited.default.v1", "hold.unknown.v1", "demo.low.v1", "demo.low.v2"}
    told_now = entries(house)
    assert len(told_now) == 2 and "statement" not in told_now[1]
    assert len(told_now[1]["lines"]) == 4
    assert house.get("/lines", headers={"Accept": "text/html"}).text.count("<code>demo.low<") == 2
    # from here on the name alone means both
    enforce(house, f"{BASE}, demo.low")
    again(house)
    assert lines(house) == both and entries(house) == told_now
    assert house.stop() == 0
    enforce(house, f"{BASE}, demo.low.v1")
    refused(house, "write demo.low.v2 there again")


def test_the_strictest_version_decides(fresh_house, folder):
    put(folder, 1, 1000)
    house = enforce(fresh_house(), f"{BASE}, test.low", folder).start()
    assert publish(house, "early", 100) == "open"
    put(folder, 2, 10)
    again(house)  # it is there, and nothing else
    assert lines(house) == {"limited.default.v1", "hold.unknown.v1", "test.low.v1"}
    assert publish(house, "still", 101) == "open"
    until(lambda: gives(house, "still") == 200)
    enforce(house, f"{BASE}, test.low, test.low.v2", folder)
    again(house)
    assert publish(house, "late", 102) == "held"
    assert gives(house, "early") == 200  # what was opened stays


def test_approvers_put_a_version_in_the_place_of_another(fresh_house, folder, tmp_path):
    put(folder, 1, 10)
    house = enforce(fresh_house(), f"{BASE}, test.low.v1", folder).start()
    found(house, tmp_path)
    assert publish(house, "big", 100) == "held"
    # a line that nobody has is signed for in vain
    d = draft(house, "lines", paper="ab" * 32)
    assert sign(house, tmp_path, "ada", d).status_code == 201
    r = sign(house, tmp_path, "cid", d)
    assert r.status_code != 201 and "has no line" in r.text
    r = house.request("POST", f"{V1}/proposals/draft",
                      json={"act": "lines", "paper": "no.such", "reasons": ["x"]})
    assert r.status_code == 400 and "no.such" in r.text
    # the new version is put there, and the house knows it from its next start on
    put(folder, 2, 1000)
    again(house)
    assert lines(house) == {"limited.default.v1", "hold.unknown.v1", "test.low.v1"}
    made = house.run("decision", "statement", "lines", "-", "--lines",
                     "limited.default hold.unknown test.low.v2", "--reason", "a better count",
                     token=None, check=0)
    d = {"statement": made.stdout, "confirm": ""}
    pid = house.children()
    assert signed(house, tmp_path, ["ada", "cid"], d) == "done"
    # front begins anew by itself; until then nothing is decided under the old ones
    until(lambda: "lines.changed" in house.log())
    new = {"limited.default.v1", "hold.unknown.v1", "test.low.v2"}

    def answers():
        with contextlib.suppress(OSError):
            return lines(house) == new
        return False
    until(answers)
    assert house.process.poll() is None and pid.keys() == house.children().keys()
    last = entries(house)[-1]
    assert last["statement"] and len(last["lines"]) == 3
    # what was decided under the old one is as it was, until it is decided anew
    assert hands.decided(house, "admin/big")["weights"] == "held" and gives(house, "big") == 403
    r = hands.commit(house, "admin/big", hands.file_op("README.md", b"# again\n"))
    assert r.status_code == 200
    until(lambda: gives(house, "big") == 200)  # and the keeper agrees
    assert publish(house, "next", 103) == "open"
    until(lambda: gives(house, "next") == 200)
    # the configuration still names version 1: it does not come back
    count = len(entries(house))
    for names in ("test.low.v1", "test.low", "test.low.v2", "test.low.v1, test.low.v2"):
        enforce(house, f"{BASE}, {names}", folder)
        again(house)
        assert lines(house) == new, names
        assert len(entries(house)) == count
    assert "lines.idle name=test.low.v1" in house.log()
    assert publish(house, "last", 104) == "open"
    until(lambda: gives(house, "last") == 200)
    # nor is version 2 dropped: it is what approvers signed for
    enforce(house, BASE, folder)
    again(house)
    assert lines(house) == new


def test_a_stricter_version_closes_nothing_by_itself(fresh_house, folder, tmp_path):
    """Nothing becomes more open than its last decision, and nothing that was opened is lost."""
    put(folder, 1, 1000)
    put(folder, 2, 10)
    house = enforce(fresh_house(), f"{BASE}, test.low.v1", folder).start()
    found(house, tmp_path)
    assert publish(house, "was", 100) == "open"
    until(lambda: gives(house, "was") == 200)
    d = draft(house, "lines", paper="limited.default hold.unknown test.low.v2")
    assert signed(house, tmp_path, ["ada", "cid"], d) == "done"
    again(house)
    assert lines(house) == {"limited.default.v1", "hold.unknown.v1", "test.low.v2"}
    assert gives(house, "was") == 200
    assert publish(house, "is", 101) == "held" and gives(house, "is") == 403


def test_a_version_that_demands_an_exam(fresh_house, folder, tmp_path):
    """What is hosted waits for its exam from the day on which approvers take the version up."""
    pupil = Pupil()
    put(folder, 1, 10)
    shipped = json.loads((ROOT / "lines" / "demo.low.v2.json").read_text())
    (folder / "test.low.v2.json").write_text(
        json.dumps({**law(2, 10), "hosting": shipped["hosting"]}))
    house = enforce(fresh_house(), f"{BASE}, test.low.v1", folder)
    house.extra += f"[gateway]\nupstreams = {MODEL}=unix:{pupil.path}\n"
    os.chmod(house.base, 0o755)
    try:
        house.start()
        found(house, tmp_path)
        house.request("POST", f"{V1}/organizations", token="admin", json={"name": "demo"})
        house.request("POST", "/api/repos/create", token="admin",
                      json={"type": "model", "name": "pupil", "organization": "demo"})
        hands.publish(house, MODEL, {"model.safetensors": weights.safetensors({"w": (8, 8)})})
        assert hands.decided(house, MODEL)["weights"] == "held"
        d = draft(house, "host", subject=hands.release(house, MODEL)["subject"])
        assert signed(house, tmp_path, ["ada", "cid"], d) == "done"
        key = house.request("POST", f"{V1}/keys", token="admin", json={"name": "test"}).json()

        def ask():
            client = openai.OpenAI(base_url=house.url + "/v1", api_key=key["secret"], timeout=30,
                                   max_retries=0)
            try:
                client.chat.completions.create(model=MODEL,
                                               messages=[{"role": "user", "content": "hi"}])
            except openai.APIStatusError as e:
                return e.code
            except openai.APIConnectionError:
                return "gone"
            return "answered"
        assert ask() == "answered"
        d = draft(house, "lines", paper="limited.default hold.unknown test.low.v2")
        assert signed(house, tmp_path, ["ada", "cid"], d) == "done"
        until(lambda: "lines.changed" in house.log())
        until(lambda: ask() == "model_awaits_exam")
    finally:
        pupil.stop()


def test_a_version_that_is_shipped_no_more(fresh_house, folder):
    """Its text is kept with its digest; and where it is not, the words say what to do."""
    put(folder, 1, 1000)
    house = enforce(fresh_house(), f"{BASE}, test.low", folder).start()
    assert publish(house, "first", 100) == "open"
    until(lambda: gives(house, "first") == 200)
    (folder / "test.low.v1.json").unlink()
    put(folder, 2, 10)
    for names in ("test.low", "test.low.v1"):
        enforce(house, f"{BASE}, {names}", folder)
        again(house)
        assert lines(house) == {"limited.default.v1", "hold.unknown.v1", "test.low.v1"}
        one = house.get(f"{V1}/lines/test.low").json()
        assert (one["version"], one["newest"]) == (1, 2)
        assert one["document"] == law(1, 1000)
        name = f"m{len(names)}"
        assert publish(house, name, 90 + len(names)) == "open"
        until(lambda n=name: gives(house, n) == 200)  # the keeper saw it before
    assert house.stop() == 0
    path = house.data / "house.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        row = db.execute("SELECT digest FROM line_document WHERE name = 'test.low'").fetchall()
        db.execute("DELETE FROM line_document WHERE name = 'test.low'")
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
    refused(house, "the text of a line in force is not here", row[0][0], "lines.dir")
    put(folder, 1, 1000)
    house.start()
    assert lines(house) == {"limited.default.v1", "hold.unknown.v1", "test.low.v1"}


def test_the_keeper_sees_for_itself(fresh_house, folder):
    """Front can neither keep back what the register says about lines, nor cut it, nor add to it."""
    put(folder, 1, 1000)
    house = enforce(fresh_house(), f"{BASE}, test.low", folder).start()
    enforce(house, f"{BASE}, test.low, small.fast-track", folder)
    again(house)
    house.request("POST", "/api/repos/create", token="admin", json={"name": "big"})
    data = hands.unexplained()
    hands.publish(house, "admin/big", {"w.safetensors": data})
    assert hands.decided(house, "admin/big")["weights"] == "held"
    assert publish(house, "seen", 100) == "open"
    until(lambda: gives(house, "seen") == 200)  # that pins the entries
    papers = Papers(house, "admin/big", Stored(house, "admin/big", hands.sha256(data)),
                    "w.safetensors")
    db = sqlite3.connect(f"file:{house.data}/house.db?mode=ro", uri=True)
    proved = [(leaf, house.get(f"/register/proof/{i}").text) for i, leaf in
              db.execute("SELECT idx, leaf FROM log_entry WHERE type IN ('genesis', 'lines')"
                         " ORDER BY idx")]
    db.close()
    assert len(proved) == 2
    looser = json.loads(proved[1][0])
    looser["lines"] = looser["lines"][:-1]
    looser = json.dumps(looser, sort_keys=True, separators=(",", ":"))
    cases = {
        "kept back": (b"", "ROLLED_BACK"),
        "cut": (told(house, proved[:1]), "ROLLED_BACK"),
        "turned round": (told(house, proved[::-1]), "FORBIDDEN"),
        "no genesis": (told(house, proved[1:]), "FORBIDDEN"),
        "twice": (told(house, proved + proved[1:]), "FORBIDDEN"),
        "another list": (told(house, [proved[0], (looser, proved[1][1])]), "CORRUPT"),
        "noise": (b"\1" * 300, "BAD_REQUEST"),
        # the truth, with a text that nobody asked for: only the decision holds it back
        "the truth": (told(house, proved, [json.dumps(law(9, 7))]), "HELD"),
    }

    def talk(run):
        out = {}
        for name, (shown, _) in cases.items():
            k = Keeper(run)
            assert k.take(papers.repo, papers.containers)[0] == "ok"
            out[name] = k.blob(OPEN, papers.written(told=shown))
        return out
    got = as_front(house, talk)
    for name, (_, code) in cases.items():
        assert got[name][0] == code, (name, got[name])
