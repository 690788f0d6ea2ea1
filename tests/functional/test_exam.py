"""The exam of a hosted model: asked bare and through the house, counted, published; nothing of an
answer stays anywhere; and a line that demands an exam is kept to."""

import decimal
import json
import pathlib
import re
import threading
import time

import openai
import pytest

import hands
from approvers import V1, draft, signed
from pupil import (EXAM, HAZARDS, MODEL, ended, halfway, host, wait_until, waiting_house,
                   write_set)


@pytest.fixture
def made(fresh_house, tmp_path):
    with waiting_house(fresh_house, tmp_path) as h:
        yield h


def client(h):
    r = h.request("POST", f"{V1}/keys", token="admin", json={"name": "test"})
    return openai.OpenAI(base_url=h.url + "/v1", api_key=r.json()["secret"], timeout=30,
                         max_retries=0)


def ask(c):
    return c.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])


def traces(h, words):
    """Files below the house, /tmp and /dev/shm in which one of the words stands."""
    found = []
    for top in (h.base, pathlib.Path("/dev/shm"), pathlib.Path("/tmp")):
        for path in top.rglob("*") if top == h.base else top.glob("*"):
            try:
                if path.is_file() and any(w.encode() in path.read_bytes() for w in words):
                    found.append(path)
            except OSError:
                pass  # it went while it was looked at
    return found


def test_examined_counted_published_and_nothing_kept(made):
    host(made)
    c = client(made)
    with pytest.raises(openai.InternalServerError) as e:
        ask(c)
    assert e.value.status_code == 503 and e.value.code == "model_awaits_exam"
    assert "has not examined it" in e.value.message
    assert MODEL not in [m.id for m in c.models.list()]
    assert made.pupil.answered == 0
    made.run("exam", MODEL, "--harm", "30", "--benign", "12", check=0)
    with pytest.raises(openai.InternalServerError):  # too few for the demand
        ask(c)
    out = json.loads(made.run("exam", MODEL, "--json", check=0).stdout)
    doc = out["exam"]["document"]
    harm, benign = doc["results"][:2]
    assert (harm["asked"], benign["asked"]) == (200, 100)
    refused = harm["bare"]["refused"]
    # every hazard gives as many as another, and one of three is refused throughout
    assert harm["guarded"]["refused"] == refused and 60 <= refused <= 70
    assert benign["bare"]["refused"] == benign["guarded"]["refused"] == 0
    by = {r["hazard"]: r for r in doc["results"] if r["kind"] == "harm" and r["hazard"]}
    assert by["fire"]["bare"]["refused"] == by["fire"]["asked"]
    assert by["water"]["bare"]["refused"] == 0
    assert doc["grader"]["labelled"] >= 120 and doc["grader"]["wrong"] > 0
    assert doc["claims"]["exam.prompts"]["lo"] == "200"
    assert out["demand"]["met"]
    end = time.monotonic() + 10
    while True:
        try:
            assert made.pupil.marker in ask(c).choices[0].message.content or True
            break
        except openai.InternalServerError:
            assert time.monotonic() < end
            time.sleep(0.1)
    entry = made.get(f"{V1}/register/entries/{out['exam']['index']}")
    assert entry.json()["leaf"]["type"] == "exam"
    assert made.stop() == 0
    words = [made.pupil.marker, "quibblewort"]
    planted = made.base / "data" / "planted"
    planted.write_text(f"x {made.pupil.marker} x")
    assert traces(made, words) == [planted]


def test_clear_errors(made):
    r = made.run("exam", MODEL, check=1)
    assert "held by line" in r.stderr
    host(made)
    write_set(made.prompts, harm=20)
    assert "too small" in made.run("exam", MODEL, check=2).stderr
    (made.prompts / "rows.jsonl.gz").write_bytes(b"\x1f\x8bno")
    assert "damaged" in made.run("exam", MODEL).stderr
    (made.prompts / "rows.jsonl.gz").unlink()
    assert "no file" in made.run("exam", MODEL).stderr
    other = hands.account(made, "reader")
    assert made.request("POST", EXAM, token=other).status_code == 403


def test_an_engine_that_dies_leaves_nothing(made):
    host(made)
    made.pupil.dead = True
    r = made.run("exam", MODEL, check=1)
    assert "does not answer" in r.stderr
    assert made.get(EXAM).json()["exam"] is None
    made.pupil.dead = False
    made.run("exam", MODEL, check=0)


def begin(h):
    return h.request("POST", EXAM, token="admin", json={})


def exam_leaves(h):
    entries = h.get(f"{V1}/register/entries?limit=100").json()
    return [e for e in entries if e["leaf"]["type"] == "exam"]


def page(h):
    return h.get(f"/{MODEL}").text


@pytest.mark.parametrize("act, names", [("close", ["bea"]), ("recall", ["bea", "cid"])])
def test_closed_while_it_is_examined(made, act, names):
    host(made)
    halfway(made)
    d = draft(made, act, subject=made.subject, rules=["test.exam/size"])
    assert signed(made, made.keys_dir, names, d) == "done"
    wait_until(lambda: hands.decided(made, MODEL)["weights"] == "held")
    out = ended(made)
    assert out["run"]["state"] == "failed" and out["run"]["why"], out["run"]
    assert out["exam"] is None and exam_leaves(made) == []
    # what was under way may have been answered: no more than that
    assert out["run"]["asked"] < 60, out["run"]
    wait_until(lambda: made.pupil.answered == len(made.pupil.seen))
    answered = made.pupil.answered
    time.sleep(1)
    assert made.pupil.answered == answered
    r = begin(made)
    assert r.status_code == 422 and "held" in r.text, r.text


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_nothing_is_left_of_an_exam_when_the_house_ends(made, how):
    host(made)
    halfway(made)
    assert made.stop() == 0 if how == "stop" else made.kill() is None
    assert traces(made, [made.pupil.marker, "quibblewort"]) == []
    made.pupil.stops_at = float("inf")
    made.start()
    out = made.get(EXAM).json()
    assert out["run"]["state"] == "none" and out["exam"] is None
    assert exam_leaves(made) == []
    with pytest.raises(openai.InternalServerError) as e:
        ask(client(made))
    assert e.value.code == "model_awaits_exam"
    made.run("exam", MODEL, check=0)
    assert len(exam_leaves(made)) == 1


def test_two_exams_at_once(made):
    host(made)
    made.pupil.stops_at = 40
    said = []
    askers = [threading.Thread(target=lambda: said.append(begin(made))) for _ in range(4)]
    for t in askers:
        t.start()
    for t in askers:
        t.join()
    assert sorted(r.status_code for r in said) == [202, 409, 409, 409]
    assert "one at a time" in next(r for r in said if r.status_code == 409).text
    wait_until(lambda: made.pupil.answered >= 40)
    assert begin(made).status_code == 409
    out = ended(made)
    assert out["run"]["state"] == "done" and out["run"]["asked"] == out["run"]["of"]
    assert len(exam_leaves(made)) == 1


def test_a_set_that_is_not_the_pinned_one(made):
    host(made)
    was = made.extra

    def restart(digest):
        assert made.stop() == 0
        made.extra = f"{was}digest = {digest}\n"
        made.start()
    restart("0" * 64)
    r = begin(made)
    assert r.status_code == 400 and "exam.digest names another" in r.text, r.text
    assert made.pupil.answered == 0 and made.get(EXAM).json()["run"]["state"] == "none"
    restart(re.search("its digest is ([0-9a-f]{64})", r.text)[1])
    assert begin(made).status_code == 202
    assert ended(made)["run"]["state"] == "done"
    write_set(made.prompts, harm=241)
    assert "exam.digest names another" in begin(made).text


def test_the_page_of_the_model(made):
    assert "<h2 id=\"exam\"" not in page(made)
    host(made)
    wait_until(lambda: "not examined yet" in page(made))
    assert "served only after its exam" in page(made) and "test.exam v1" in page(made)
    out = json.loads(made.run("exam", MODEL, "--json", check=0).stdout)
    text = page(made)
    doc, index = out["exam"]["document"], out["exam"]["index"]
    assert f'href="/register/entry/{index}"' in text
    assert doc["set"]["digest"][:12] in text and "served only after" not in text
    tenth = decimal.Decimal("0.1")  # rounded outwards, by less than one

    def is_shown(share, found):
        lo, hi = [decimal.Decimal(share[k]) * 100 for k in ("lo", "hi")]
        assert lo - tenth < decimal.Decimal(found[1]) <= lo, (share, found[0])
        assert hi <= decimal.Decimal(found[2]) < hi + tenth, (share, found[0])
    for result in doc["results"][:2]:
        for way in ("bare", "guarded"):
            n = result[way]["refused"]
            is_shown(result[way]["share"], re.search(
                rf"<td>{n}<br><small>.*?\(([0-9.]+)–([0-9.]+)\)", text))
    assert doc["results"][1]["bare"]["share"]["hi"].startswith("0.0"), "zero of some has an end"
    is_shown(doc["grader"]["error"], re.search(r"labelled answers \(([0-9.]+)–([0-9.]+) %\)", text))
    for hazard in HAZARDS:
        assert f'<th scope="row">{hazard}</th>' in text
    entry = made.get(f"/register/entry/{index}").text
    assert f"with the prompts of set {doc['set']['digest'][:12]}" in entry
