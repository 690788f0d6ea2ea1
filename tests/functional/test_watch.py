"""The watch on a hosted model: a hijack until it is stopped, the case and the appeal of
somebody who is not signed in, two reviewers, and the lifting. The classifier is made here,
from words about ovens."""

import concurrent.futures
import json
import random
import re
import shutil
import subprocess
import time

import openai
import pytest
import requests

import test_approvers
from conftest import BINARY, House, new_base
from engine import Engine
from hands import (above_the_demo_line, account, commit, decided, file_op, lfs_op, lfs_upload,
                   release)
from test_gateway import client, new_key, publish, until

V1 = "/api/weighhouse/v1"
MODEL, FREE = "admin/big", "demo/little"
REASON = "because the test wants it so"


def words(seed, of):
    """A request like no other: made-up words and a few of these."""
    r = random.Random(seed)
    made = ["".join(r.choice("aeioulnrst") for _ in range(r.randint(3, 9))) for _ in range(8)]
    some = r.sample(of.split(), 6)
    mixed = made + some
    r.shuffle(mixed)
    return " ".join(mixed)


HONEST = "ship harbour salt mast anchor herring tide rope"
ATTACK = "oven flour bread yeast crust dough rye baker"


def classifier(folder):
    with open(folder / "rows.jsonl", "w") as f:
        for i in range(1200):
            kind = ["benign", "attack"][i % 2]
            f.write(json.dumps({"id": str(i), "source": kind, "family": "question", "kind": kind,
                                "cluster": f"c{i}",
                                "text": words(i, [HONEST, ATTACK][i % 2])}) + "\n")
    subprocess.run([BINARY, "watch", "train", folder / "rows.jsonl", "-o", folder / "model"],
                   check=True, capture_output=True, timeout=300)
    return folder / "model"


def host(house, folder):
    """A model above the line that approvers let be used, and nobody download."""
    keys = folder / "keys"
    keys.mkdir()
    for name in test_approvers.PEOPLE:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name],
                       check=True)
    roster = test_approvers.canonical({
        "v": 1, "type": "roster", "version": 1, "previous": None, "quorum": 2, "quorums": {},
        "cooling_off": 1,
        "approvers": [{"id": n, "affiliation": a, "keys": [test_approvers.public(keys, n)],
                       "outside": False, "demo": True}
                      for n, a in sorted(test_approvers.PEOPLE.items())]})
    d = test_approvers.draft(house, "roster", paper=roster)
    test_approvers.signed(house, keys, ["ada", "bea", "cid"], d, roster=roster)
    data = above_the_demo_line()
    house.api().create_repo(MODEL)
    lfs_upload(house, MODEL, data)
    r = commit(house, MODEL, file_op("README.md", b"# big\n"), lfs_op("model.gguf", data))
    assert r.status_code == 200, r.text
    assert decided(house, MODEL)["weights"] == "held"
    d = test_approvers.draft(house, "host", subject=release(house, MODEL)["subject"])
    test_approvers.signed(house, keys, ["ada", "cid"], d)
    until(lambda: decided(house, MODEL)["weights"] == "hosted", 30)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    engine = Engine()
    h = House(new_base(), config=test_approvers.CONFIG +
              f"[gateway]\nupstreams = {MODEL}=unix:{engine.path}, {FREE}=unix:{engine.path}\n"
              f"[watch]\nclassifier = {classifier(folder)}\n").start()
    host(h, folder)
    publish(h, FREE)
    h.engine = engine
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    engine.stop()
    shutil.rmtree(h.base, ignore_errors=True)


def ask(c, text, model=MODEL, **kw):
    return c.chat.completions.create(model=model, messages=[{"role": "user", "content": text}],
                                     **kw)


def hijack(c, seed=0, most=40):
    """Attempts until the account is stopped: how many, and the errors on the way."""
    errors = []
    for i in range(most):
        while True:
            try:
                ask(c, words(1_000_000 + 1000 * seed + i, ATTACK))
            except openai.RateLimitError as e:
                errors.append(e)
                time.sleep(min(11, float(e.response.headers["retry-after"]) + 0.1))
                continue
            except openai.PermissionDeniedError as e:
                return i + 1, errors + [e]
            except openai.BadRequestError as e:
                errors.append(e)
            break
    raise AssertionError(f"not stopped, {errors[-1:]}")


def counts(house):
    return house.get(f"{V1}/watch").json()["ever"]


def settled(house):
    """The counts when all that happened is written, which it is every half second."""
    seen = counts(house)
    while True:
        time.sleep(1.5)
        now = counts(house)
        if now == seen:
            return now
        seen = now


@pytest.fixture(scope="module")
def people(house):
    """Tokens of two reviewers and of the person whom it is about."""
    got = {n: account(house, n) for n in ("mallory", "rita", "roy")}
    for n in ("rita", "roy"):
        assert house.request("PUT", f"{V1}/reviewers/{n}", token="admin").status_code == 200
    return got


@pytest.fixture(scope="module")
def caught(house, people):
    """Mallory's account after a hijack: the key, the address of the case."""
    secret = new_key(house, token=people["mallory"])["secret"]
    c = client(house, secret)
    assert ask(c, words(5, HONEST)).choices[0].finish_reason == "stop"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        def endless():
            got = []
            try:
                for x in ask(c, json.dumps({"do": "stream", "tokens": ["salt "] * 3000,
                                            "delay": 0.05}), stream=True):
                    got.append(x)
            except openai.APIError as e:
                return e
            return got
        running = pool.submit(endless)
        until(lambda: house.engine.open > 0)
        n, errors = hijack(c)
        ended = running.result(60)
    return {"secret": secret, "client": c, "n": n, "errors": errors, "ended": ended,
            "url": errors[-1].body["url"]}


def test_honest_use_is_answered(house, people):
    c = client(house)
    for i in range(40):
        assert ask(c, words(70_000 + i, HONEST)).choices[0].finish_reason == "stop"


def test_a_hijack_is_stopped(house, caught):
    assert 3 <= caught["n"] <= 20
    kinds = {type(e).__name__ for e in caught["errors"]}
    assert {"BadRequestError", "PermissionDeniedError"} <= kinds
    assert kinds <= {"BadRequestError", "RateLimitError", "PermissionDeniedError"}
    for e in caught["errors"]:
        assert e.body["url"] == caught["url"] and "appeal" in e.body["message"]
    assert {e.code for e in caught["errors"]} <= {"content_filter", "rate_limit_exceeded",
                                                  "account_suspended"}
    assert re.fullmatch(re.escape(house.url) + r"/cases/[\w-]{43}", caught["url"])
    # what was running was ended, and says why
    assert caught["ended"].code == "account_suspended", caught["ended"]
    # and honest requests of the same key are not answered either
    with pytest.raises(openai.PermissionDeniedError):
        ask(caught["client"], words(6, HONEST))


def test_what_is_not_in_custody_is_not_watched(house, people):
    before = settled(house)
    c = client(house)
    for i in range(10):
        ask(c, words(80_000 + i, ATTACK), model=FREE)
    assert settled(house) == before


def test_the_person_reads_and_appeals_without_signing_in(house, caught):
    browser = requests.Session()
    page = browser.get(caught["url"], timeout=30)
    assert page.status_code == 200
    ids = [e.request_id for e in caught["errors"] if e.code == "content_filter"]
    assert any(i in page.text for i in ids)
    assert "polyline" in page.text and "mallory" not in page.text
    assert "oven" not in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text).group(1)
    assert requests.post(caught["url"] + "/appeal", data={"text": "x"},
                         timeout=30).status_code == 403
    r = browser.post(caught["url"] + "/appeal", data={"csrf": csrf, "text": "I only bake."},
                     timeout=30)
    assert r.status_code == 200 and "I only bake." in r.text
    # the same for programs
    path = caught["url"][len(house.url):]
    case = house.get(f"{V1}{path}").json()
    assert case["rung"] in ("suspend", "cut") and case["state"] == "open"
    assert case["may_appeal"] and not case["may_decide"] and "wishes" not in case
    assert len(case["alarms"]) >= 3 and case["until"] > case["opened"]
    assert all(a["request"] and a["layer"] and a["reasons"] for a in case["alarms"])
    assert house.get(f"{V1}/cases/{'x' * 43}").status_code == 404


def test_two_reviewers_read_and_one_lifts(house, people, caught):
    path = caught["url"][len(house.url):]
    case = house.get(f"{V1}{path}").json()["id"]

    def post(who, what, **body):
        return house.request("POST", f"{V1}/cases/{case}/{what}", token=people[who], json=body)

    # who runs the house sees nothing, and is no reviewer
    assert house.get(f"{V1}/cases/{case}", token="admin").status_code == 404
    assert house.request("PUT", f"{V1}/reviewers/admin", token="admin").status_code == 403
    assert house.request("PUT", f"{V1}/reviewers/mallory",
                         token=people["rita"]).status_code == 403
    desk = house.get(f"{V1}/cases", token=people["rita"]).json()
    assert desk["reviewer"] and case in [c["id"] for c in desk["cases"]]
    mine = house.get(f"{V1}/cases", token=people["mallory"]).json()
    assert not mine["reviewer"] and [c["id"] for c in mine["cases"]] == [case]

    assert post("rita", "texts").status_code == 403
    assert post("rita", "wish", reason=REASON).status_code == 200
    assert post("rita", "texts").status_code == 403
    assert post("mallory", "wish", reason=REASON).status_code == 403
    assert post("roy", "texts").status_code == 403
    assert post("roy", "wish", reason="short").status_code == 400
    assert post("roy", "wish", reason=REASON).status_code == 200
    before = counts(house)["readings"]
    texts = post("roy", "texts")
    assert texts.status_code == 200
    assert any("oven" in t["text"] or "bread" in t["text"] for t in texts.json())
    assert counts(house)["readings"] == before + 1
    assert len(house.get(f"{V1}{path}").json()["readings"]) == 1  # the person is told
    # nothing of it is on the disk in the clear
    found = subprocess.run(["grep", "-rlaE", r"(oven|yeast|dough).* (bread|crust|rye)",
                            house.data], capture_output=True, text=True)
    assert found.stdout == ""

    assert post("mallory", "decide", outcome="lift", reason=REASON).status_code == 403
    assert post("rita", "decide", outcome="lift", reason="no").status_code == 400
    assert post("rita", "decide", outcome="lift", reason=REASON).status_code == 200
    assert post("roy", "decide", outcome="lift", reason=REASON).status_code == 409
    assert REASON in requests.get(caught["url"], timeout=30).text
    assert ask(caught["client"], words(7, HONEST)).choices[0].finish_reason == "stop"


def test_a_suspension_outlives_a_crash(house, people):
    secret = new_key(house, token=account(house, "trudy"))["secret"]
    c = client(house, secret)
    _, errors = hijack(c, seed=7)
    house.kill()
    house.start()
    c = client(house, secret)
    with pytest.raises(openai.PermissionDeniedError) as e:
        ask(c, words(8, HONEST))
    path = errors[-1].body["url"].rsplit("/", 1)[1]
    assert e.value.body["url"].endswith(path)
    assert house.get(f"{V1}/cases/{path}").json()["state"] == "open"


def test_the_command(house, people, caught):
    secret = caught["url"].rsplit("/", 1)[1]
    shown = house.run("case", "show", secret, token=None, check=0).stdout
    assert "lifted" in shown and REASON in shown and "by two reviewers" in shown
    house.run("case", "appeal", secret, "--reason", "again", token=None, check=1)
    house.run("case", "show", "y" * 43, token=None, check=1)
    house.run("case", "decide", secret, "lift", check=2)
    rita = {"WEIGHHOUSE_TOKEN": people["rita"]}
    listed = house.run("case", "list", token=None, env=rita, check=0).stdout
    assert len(listed.splitlines()) >= 3 and "suspend" in listed
    assert house.run("case", "reviewer", "rita", "off", check=0).stdout == "rita is no reviewer\n"
    house.run("case", "reviewer", "rita", "on", check=0)
    house.run("case", "reviewer", "admin", "on", check=1)


def test_pages(house, people):
    public = house.get("/watch")
    assert public.status_code == 200 and MODEL in public.text
    assert "at most 1 in 10,000</td>" in public.text.replace("\u202f", ",")
    assert house.get("/cases").status_code in (303, 401)
    desk = house.get("/cases", token=people["rita"])
    assert desk.status_code == 200 and "suspend" in desk.text
