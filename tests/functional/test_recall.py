"""Recalls: a quorum takes its trust back. What is open stays, and everybody who meets it is
told; what is hosted or closed ends at once; and whoever verifies learns it from the register."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import hands
import weights
from conftest import House, new_base
from engine import Engine
from hands import leaves, publish, sha256
from test_approvers import V1, draft, sign, signed
from test_approvers import keys  # noqa: F401
from test_custody import CONFIG, found_roster, get, subject, until

HOSTED = "admin/hosted"


@pytest.fixture(scope="module")
def house(keys):  # noqa: F811
    engine = Engine()
    h = House(new_base(), config=CONFIG + f"[gateway]\nupstreams = {HOSTED}=unix:{engine.path}\n")
    h.start()
    found_roster(h, keys)
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    engine.stop()
    shutil.rmtree(h.base, ignore_errors=True)


def new_model(house, repo):
    data = weights.safetensors({"w": (64, 64)})
    house.api().create_repo(repo)
    publish(house, repo, {"model.safetensors": data})
    assert hands.decided(house, repo)["weights"] == "open"
    return data


def recall(house, keys, repo, tier="open", who=("ada", "cid"), **body):  # noqa: F811
    body.setdefault("rules", ["notice/security"])
    body.setdefault("reasons", ["its weights hold a door that nobody named"])
    d = draft(house, "recall", subject=subject(house, repo), tier=tier, **body)
    return signed(house, keys, who, d)


def lift(house, keys, repo):  # noqa: F811
    d = draft(house, "lift", subject=subject(house, repo), reasons=["it was looked at again"])
    assert signed(house, keys, ["bea", "cid"], d) == "done"


def listed(house, repo, **params):
    r = house.request("GET", "/api/models", params={"limit": 1000, **params})
    return repo in [m["id"] for m in r.json()]


def verify(house, repo, tmp_path, *more, check):
    return house.run("verify", house.url + "/" + repo, "--state", tmp_path / "state", *more,
                     check=check)


def warnings_of(house, repo):
    """What a program with huggingface_hub prints when it downloads."""
    code = ("import sys; from huggingface_hub import hf_hub_download;"
            "print(hf_hub_download(sys.argv[1], 'model.safetensors'))")
    done = subprocess.run([sys.executable, "-c", code, repo], capture_output=True, text=True,
                          env={**os.environ, "HF_ENDPOINT": house.url}, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_an_open_model_is_marked(house, keys, tmp_path):  # noqa: F811
    data = new_model(house, "admin/open")
    house.api().create_repo("admin/copy")
    publish(house, "admin/copy", {"model.safetensors": data, "more.safetensors": data[:-1] + b"x"})
    verify(house, "admin/open", tmp_path, check=0)
    assert "recalled" not in warnings_of(house, "admin/open")
    assert recall(house, keys, "admin/open", who=("ada", "bea")) == "signing", "one house only"
    assert listed(house, "admin/open")
    assert recall(house, keys, "admin/open") == "done"

    # it can be downloaded, and whoever does is told, under every name of these weights
    for repo in ("admin/open", "admin/copy"):
        r = get(house, repo)
        assert r.status_code == 200 and r.content == data
        assert r.headers["X-HF-Warning"].startswith("recall-" + subject(house, "admin/open")[:16])
        assert "was recalled on" in warnings_of(house, repo)
        assert not listed(house, repo) and listed(house, repo, recalled="true")
        assert not listed(house, repo, search=repo.split("/")[1])
        for page in ("", "/tree/main", "/weighing", "/decision", "/commits/main"):
            assert "Recalled: it is a danger to systems." in house.get(f"/{repo}{page}").text, page
    assert "admin/open" not in house.get("/models").text
    shown = house.get("/models?recalled=true").text
    assert "admin/open" in shown and "shown, marked" in shown
    assert "admin/open" in house.get("/admin").text
    assert hands.decided(house, "admin/open")["weights"] == "open"

    # verify says so by the register, and still without the house
    r = verify(house, "admin/open", tmp_path, check=1)
    assert r.stdout.startswith("recalled: ") and "a door that nobody named" in r.stdout
    r = verify(house, "admin/open", tmp_path, "--offline", "--json", check=1)
    assert json.loads(r.stdout)["result"] == "recalled"
    assert json.loads(r.stdout)["recalls"][0]["leaf"]["reason"] == "security"
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "model.safetensors").write_bytes(data)
    house.run("verify", tmp_path / "file", "--against", house.url + "/admin/open", "--state",
              tmp_path / "state", check=1)
    # a changed file is worse than a recalled one
    (tmp_path / "file" / "model.safetensors").write_bytes(data[:-1] + b"!")
    r = house.run("verify", tmp_path / "file", "--against", house.url + "/admin/open", "--state",
                  tmp_path / "state", check=1)
    assert r.stdout.startswith("bad: ")

    lift(house, keys, "admin/open")
    for repo in ("admin/open", "admin/copy"):
        assert "X-HF-Warning" not in get(house, repo).headers
        assert listed(house, repo)
        assert "Recalled:" not in house.get(f"/{repo}").text
    verify(house, "admin/open", tmp_path, check=0)


def test_the_list_needs_only_the_key(house, keys, tmp_path):  # noqa: F811
    data = new_model(house, "admin/listed")
    assert recall(house, keys, "admin/listed",
                  rules=["notice/evidence", "notice/descendants", "notice/destroy"]) == "done"
    doc = house.get("/register/notices").json()
    ours = [json.loads(n["leaf"]) for n in doc["notices"]]
    ours = [n for n in ours if n["files"] == ["sha256:" + sha256(data)]]
    assert len(ours) == 1
    assert (ours[0]["reason"], ours[0]["scope"], ours[0]["action"]) == \
        ("evidence", "descendants", "destroy")
    assert all(n["proof"].startswith("c2sp.org/tlog-proof@v1") for n in doc["notices"])
    numbers = [json.loads(x)["number"] for x in leaves(house) if '"type":"notice"' in x]
    assert numbers == list(range(1, doc["version"] + 1)), "none can be left out unseen"

    r = house.run("notice", "list", check=0)
    assert "in force" in r.stdout and "evidence" in r.stdout
    id = house.get(f"{V1}/notices").json()[0]["id"]
    r = house.run("notice", "show", id, check=0)
    assert "descendants" in r.stdout and sha256(data) in r.stdout
    house.run("notice", "show", "0" * 32, check=1)
    assert "descendants" in house.get(f"/notices/{id}").text
    assert f"/notices/{id}" in house.get("/notices").text


def test_what_a_notice_may_say(house, keys):  # noqa: F811
    new_model(house, "admin/said")
    for rules, reasons, status in (
            (["notice/nonsense"], ["x"], 400),
            (["notice/safety", "notice/legal"], ["x"], 400),
            (["notice/legal"], ["x"], 422),
            (["notice/legal"], ["order sha256:12"], 422)):
        d = draft(house, "recall", subject=subject(house, "admin/said"), tier="open", rules=rules,
                  reasons=reasons)
        assert sign(house, keys, "ada", d).status_code == 201
        r = sign(house, keys, "cid", d)
        assert r.status_code == status, (rules, r.text)
    assert "X-HF-Warning" not in get(house, "admin/said").headers
    assert recall(house, keys, "admin/said", rules=["notice/legal"],
                  reasons=["a court asked for it", "order sha256:" + "ab" * 32]) == "done"
    n = house.get(f"{V1}/notices").json()[0]
    assert n["order"] == "ab" * 32 and n["words"] == "a court asked for it"
    lift(house, keys, "admin/said")
    assert house.get(f"{V1}/notices/{n['id']}").json()["state"] == "lifted"


def test_a_recall_may_close(house, keys, tmp_path):  # noqa: F811
    new_model(house, "admin/closed")
    verify(house, "admin/closed", tmp_path, check=0)
    assert recall(house, keys, "admin/closed", tier="held") == "done"
    r = get(house, "admin/closed")
    assert r.status_code == 403 and "rule recall" in r.json()["error"], r.text
    assert "It is closed here." in house.get("/admin/closed").text
    verify(house, "admin/closed", tmp_path, check=1)


def test_streams_of_a_recalled_model_end(house, keys):  # noqa: F811
    new_model(house, HOSTED)
    r = house.request("POST", f"{V1}/keys", token="admin", json={"name": "test"})
    key = r.json()["secret"]
    body = {"model": HOSTED, "stream": True, "messages": [
        {"role": "user", "content": json.dumps({"do": "stream", "endless": "on ",
                                                "delay": 0.05})}]}
    r = house.request("POST", "/v1/chat/completions", token=key, json=body, stream=True,
                      timeout=60)
    assert r.status_code == 200, r.text
    lines = r.iter_lines()
    until(lambda: b"on" in next(lines))
    assert recall(house, keys, HOSTED, tier="held") == "done"
    rest = b"\n".join(lines)
    assert b"closed this model" in rest and b"/decision" in rest, rest[-500:]
    again = house.request("POST", "/v1/chat/completions", token=key, json=body)
    assert again.status_code == 403 and "rule recall" in again.text, again.text
