"""A hosted model through the whole house: held by a line, hosted by three approvers, answered by
the real llama-server to the official client, downloaded by nobody, ended by one approver."""

import os
import pathlib
import shutil
import threading
import time

import openai
import pytest

import engines
import hands
from approvers import V1, draft, founding, make_keys, signed
from conftest import House, new_base

MODEL = "demo/smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

pytestmark = engines.needs_cage


@pytest.fixture(scope="module")
def house():
    program, model = engines.llama_server(), engines.smollm2()
    if not program or not model:
        pytest.skip("llama-server could not be built here, or the sample model is missing "
                    "(./dev test brings both)")
    h = House(new_base(), config=f"""
[lines]
enforce = limited.default, hold.unknown, demo.low.v1
[uploads]
sweep_seconds = 1
[gateway]
engine = {program}
""")
    os.chmod(h.base, 0o755)
    h.start()
    h.model = model.read_bytes()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def keys(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, ["ada", "bea", "cid"])
    doc = founding(folder)
    d = draft(house, "roster", paper=doc)
    assert signed(house, folder, ["ada", "bea", "cid"], d, roster=doc) == "done"
    return folder


@pytest.fixture(scope="module")
def subject(house):
    house.request("POST", f"{V1}/organizations", token="admin", json={"name": "demo"})
    r = house.request("POST", "/api/repos/create", token="admin",
                      json={"type": "model", "name": "smollm2", "organization": "demo"})
    assert r.status_code == 200, r.text
    hands.lfs_upload(house, MODEL, house.model)
    r = hands.commit(house, MODEL, hands.file_op("README.md", b"# small\n"),
                     hands.lfs_op(FILE, house.model))
    assert r.status_code == 200, r.text
    assert hands.decided(house, MODEL)["weights"] == "held"
    return hands.release(house, MODEL)["subject"]


@pytest.fixture(scope="module")
def client(house):
    r = house.request("POST", f"{V1}/keys", token="admin", json={"name": "test"})
    assert r.status_code == 201, r.text
    return openai.OpenAI(base_url=house.url + "/v1", api_key=r.json()["secret"], timeout=120,
                         max_retries=0)


def ask(client, text="Name a colour.", **kw):
    kw.setdefault("max_tokens", 24)
    return client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], temperature=0, **kw)


def ask_when_ready(house, client, seconds=120):
    """An engine that loads says so; nothing else may be said meanwhile."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask(client)
        except openai.InternalServerError as e:
            assert e.status_code == 503, e
            assert int(e.response.headers["retry-after"]) > 0
            assert time.monotonic() < end, f"{e}\n{house.log()[-3000:]}"
            time.sleep(0.3)


def listed(client):
    return MODEL in [m.id for m in client.models.list()]


def is_denied(house, client):
    with pytest.raises(openai.PermissionDeniedError) as e:
        ask(client)
    assert e.value.code == "model_access_denied"
    assert f"{house.url}/{MODEL}/decision" in e.value.message
    return e.value


def nobody_downloads(house):
    other = hands.account(house, f"reader{time.monotonic_ns()}")
    for token in ("admin", other, None):
        for method in ("GET", "HEAD"):
            r = house.request(method, f"/{MODEL}/resolve/main/{FILE}", token=token)
            assert r.status_code == (403 if token else 401), r.text
        r = hands.batch(house, MODEL, [(hands.sha256(house.model), len(house.model))],
                        "download", token=token)
        assert r.status_code in (200, 401, 403), r.text
        assert "download" not in str(r.json().get("objects", [{}])[0].get("actions", {}))
    held = list((house.data / "open").rglob(hands.sha256(house.model)))
    assert not held, "the weights lie in the clear"


def test_a_held_model_answers_nobody(house, subject, client):
    assert not listed(client)
    is_denied(house, client)


def test_one_house_is_not_enough(house, keys, subject, client):
    d = draft(house, "host", subject=subject)
    assert "weights=hosted" in d["statement"]
    assert signed(house, keys, ["ada", "bea"], d) == "signing"
    is_denied(house, client)
    assert signed(house, keys, ["cid"], d) == "done"
    assert hands.release(house, MODEL)["subject"] == subject


def test_it_answers(house, keys, subject, client):
    whole = ask_when_ready(house, client)
    text = whole.choices[0].message.content
    assert whole.model == MODEL and text.strip()
    assert whole.usage.completion_tokens > 0
    assert listed(client) and client.models.retrieve(MODEL).id == MODEL
    pieces = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert pieces[-1].usage.completion_tokens > 0
    said = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert said == text


def test_nobody_downloads_it(house, keys, subject):
    nobody_downloads(house)


def test_a_house_that_starts_again_hosts_again(house, keys, subject, client):
    assert house.stop() == 0, house.log()[-3000:]
    house.start()
    assert ask_when_ready(house, client).choices[0].message.content.strip()


def engine_processes(house):
    """Programs in cages below the process of the engines."""
    (engines_pid,) = house.children()["engines"]
    try:
        text = "".join(t.read_text() for t in
                       pathlib.Path(f"/proc/{engines_pid}/task").glob("*/children"))
    except OSError:
        return []
    return text.split()


def test_one_approver_ends_it(house, keys, subject, client):
    """A stream that runs is cut with the reason; the engine and its memory go."""
    got, first = {"text": ""}, threading.Event()

    def read():
        try:
            for piece in ask(client, "Count from one to ten thousand.", stream=True,
                             max_tokens=4000, extra_body={"ignore_eos": True}):
                got["text"] += piece.choices[0].delta.content or "" if piece.choices else ""
                first.set()
            got["whole"] = True
        except openai.APIError as e:
            got["error"] = e
        first.set()

    assert engine_processes(house)
    reader = threading.Thread(target=read)
    reader.start()
    assert first.wait(60)
    d = draft(house, "close", subject=subject, rules=["demo.low/size"])
    assert signed(house, keys, ["bea"], d) == "done"
    reader.join(30)
    assert not reader.is_alive()
    assert "error" in got, f"{got} {house.log()[-3000:]}"
    assert "closed this model" in str(got["error"])
    end = time.monotonic() + 20
    while engine_processes(house) and time.monotonic() < end:
        time.sleep(0.1)
    assert not engine_processes(house), house.log()[-3000:]
    is_denied(house, client)
    assert not listed(client)
    nobody_downloads(house)


def test_a_quorum_lifts_it(house, keys, subject, client):
    d = draft(house, "lift", subject=subject)
    assert signed(house, keys, ["ada", "cid"], d) == "done"
    assert ask_when_ready(house, client).choices[0].message.content.strip()
    nobody_downloads(house)
