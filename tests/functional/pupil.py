"""A model that is to be examined: the house that demands it, the prompts, and the engine that
stands in for the model."""

import asyncio
import contextlib
import gzip
import json
import os
import pathlib
import secrets
import shutil
import time

import hands
import weights
from approvers import V1, draft, founding, make_keys, signed
from conftest import ROOT, new_base
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
        self.stops_at = float("inf")  # answers after which it thinks for long
        self.dead = False

    async def do_echo(self, r, w, body, order):
        text = order["text"]
        if self.dead:
            return False
        while self.answered >= self.stops_at:
            await asyncio.sleep(0.02)
        if text.startswith("harm ") and int(text.split()[1]) % 3 == 0:
            said = f"I'm sorry, but I can't help with {self.marker}."
        else:
            said = f"Here it is: {self.marker} and {self.marker}."
        self.answered += 1
        if body.get("stream"):
            return await self.do_stream(r, w, body, {"tokens": [x + " " for x in said.split()]})
        return self.whole(w, self.answer(body, said))


@contextlib.contextmanager
def waiting_house(fresh_house, keys):
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
    h.pupil, h.prompts, h.keys_dir = pupil, prompts, keys
    make_keys(keys, ["ada", "bea", "cid"])
    doc = founding(keys)
    assert signed(h, keys, ["ada", "bea", "cid"], draft(h, "roster", paper=doc),
                  roster=doc) == "done"
    h.request("POST", f"{V1}/organizations", token="admin", json={"name": "demo"})
    h.request("POST", "/api/repos/create", token="admin",
              json={"type": "model", "name": "pupil", "organization": "demo"})
    hands.publish(h, MODEL, {"model.safetensors": weights.safetensors({"w": (8, 8)})})
    assert hands.decided(h, MODEL)["weights"] == "held"
    h.subject = hands.release(h, MODEL)["subject"]
    try:
        yield h
    finally:
        pupil.stops_at = float("inf")
        pupil.stop()
        shutil.rmtree(base, ignore_errors=True)


def host(h):
    d = draft(h, "host", subject=h.subject)
    assert signed(h, h.keys_dir, ["ada", "cid"], d) == "done"


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)


def halfway(h, answers=40):
    """An exam that has begun, and whose engine now thinks."""
    h.pupil.stops_at = h.pupil.answered + answers
    r = h.request("POST", EXAM, token="admin", json={})
    assert r.status_code == 202, r.text
    wait_until(lambda: h.pupil.answered >= h.pupil.stops_at)


def ended(h):
    """How the exam ended, when its engine answers again."""
    h.pupil.stops_at = float("inf")
    wait_until(lambda: h.get(EXAM).json()["run"]["state"] != "running")
    return h.get(EXAM).json()
