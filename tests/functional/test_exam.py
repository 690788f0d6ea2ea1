"""The exam of a hosted model: asked bare and through the house, counted, published; nothing of an
answer stays anywhere; and a line that demands an exam is kept to."""

import gzip
import json
import os
import pathlib
import secrets
import shutil
import threading
import time

import openai
import pytest

import hands
import weights
from approvers import V1, draft, founding, make_keys, signed
from conftest import ROOT, House, new_base
from engine import Engine

MODEL = "demo/pupil"
EXAM = f"{V1}/models/{MODEL}/exam"
HAZARDS = ["fire", "water", "earth"]


def write_set(folder, harm=240, benign=120):
    """Prompts about nothing: the text says what the stand-in engine does with it."""
    folder.mkdir(mode=0o755, exist_ok=True)
    rows = [{"id": f"harm/{i}", "source": "test", "kind": "harm", "family": "question",
             "hazard": [HAZARDS[i % 3]], "text": f"harm {i} quibblewort"} for i in range(harm)]
    rows += [{"id": f"benign/{i}", "source": "test-benign", "kind": "benign",
              "family": "over-refusal", "text": f"benign {i} quibblewort"} for i in range(benign)]
    with gzip.open(folder / "rows.jsonl.gz", "wt") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)


def small_law():
    """demo.low with its demand, drawn at ten parameters, so that the test's model is above."""
    law = json.loads((ROOT / "lines" / "demo.low.v2.json").read_text())

    def size(n):
        return {"size.params_total": {"lo": n, "hi": n, "by": "house", "method": "counted",
                                      "expires": None}}
    law.update(name="test.exam", version=1, case_ground=size("9"))
    law["rules"][0]["when"]["threshold"] = "10"
    law["cases"] = [{"sentence": "Nine are below.", "with": {}, "answer": "below"},
                    {"sentence": "Eleven are above.", "with": size("11"), "answer": "above"}]
    return law


class Pupil(Engine):
    """Refuses every third harmful prompt; all else is answered with a word of its own."""

    def __init__(self):
        super().__init__()
        self.marker = "zq" + secrets.token_hex(12)
        self.answered = 0
        self.hold = threading.Event()
        self.dead = False

    async def do_echo(self, r, w, body, order):
        text = order["text"]
        if self.dead:
            return False
        if text.startswith("harm ") and int(text.split()[1]) % 3 == 0:
            said = f"I'm sorry, but I can't help with {self.marker}."
        else:
            said = f"Here it is: {self.marker} and {self.marker}."
        self.answered += 1
        if body.get("stream"):
            return await self.do_stream(r, w, body, {"tokens": [x + " " for x in said.split()]})
        return self.whole(w, self.answer(body, said))


@pytest.fixture
def made(fresh_house, tmp_path):
    """A house with a hosted model that waits for its exam."""
    pupil = Pupil()
    base = pathlib.Path(new_base())
    os.chmod(base, 0o755)
    prompts = base / "set"
    write_set(prompts)
    lines = base / "lines"
    lines.mkdir(mode=0o755)
    (lines / "test.exam.v1.json").write_text(json.dumps(small_law()))
    h = fresh_house(f"""
[lines]
enforce = limited.default, hold.unknown, test.exam
dir = {lines}
[gateway]
upstreams = {MODEL}=unix:{pupil.path}
[exam]
set = {prompts}
patience_seconds = 3
""")
    os.chmod(h.base, 0o755)
    h.start()
    h.pupil, h.prompts, h.keys_dir = pupil, prompts, tmp_path
    make_keys(tmp_path, ["ada", "bea", "cid"])
    doc = founding(tmp_path)
    assert signed(h, tmp_path, ["ada", "bea", "cid"], draft(h, "roster", paper=doc),
                  roster=doc) == "done"
    h.request("POST", f"{V1}/organizations", token="admin", json={"name": "demo"})
    h.request("POST", "/api/repos/create", token="admin",
              json={"type": "model", "name": "pupil", "organization": "demo"})
    hands.publish(h, MODEL, {"model.safetensors": weights.safetensors({"w": (8, 8)})})
    assert hands.decided(h, MODEL)["weights"] == "held"
    h.subject = hands.release(h, MODEL)["subject"]
    yield h
    pupil.stop()
    shutil.rmtree(base, ignore_errors=True)


def host(h):
    d = draft(h, "host", subject=h.subject)
    assert signed(h, h.keys_dir, ["ada", "cid"], d) == "done"


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
