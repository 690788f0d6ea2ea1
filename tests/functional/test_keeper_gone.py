"""The keeper is killed, or stands still, while it is needed: what runs goes on, what waits is told
within a bounded time, and nothing is more open than the last published decision."""

import os
import shutil
import signal
import threading
import time

import openai
import pytest
import requests

import engines
import hands
from approvers import draft, founding, make_keys, signed
from conftest import House, new_base
from hands import decided
from test_custody import (CONFIG, close, found_roster, get, in_the_clear, lift, marked,
                          new_model, plain, sealed_in, until)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, ["ada", "bea", "cid"])
    return folder


@pytest.fixture(scope="module")
def house(keys):
    h = House(new_base(), config=CONFIG).start()
    found_roster(h, keys)
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def keeper(house):
    """Its process, when there is one: a killed one comes back."""
    def look():
        found = house.children().get("keeper", [])
        return found[0] if len(found) == 1 else None
    return until(look)


def killed(house):
    pid = keeper(house)
    os.kill(pid, signal.SIGKILL)
    until(lambda: keeper(house) != pid)


def begun(fn):
    """Run it beside; its result in the list when it has ended, whatever it was."""
    out = []

    def run():
        try:
            out.append(fn())
        except requests.RequestException as e:
            out.append(e)
    t = threading.Thread(target=run)
    t.start()
    return t, out


def test_a_closing_while_the_keeper_stands_still(house, keys):
    """It is in effect with its leaf; the sealing waits for a keeper."""
    data = marked(3 << 20)
    new_model(house, "admin/closing", data)
    until(lambda: plain(house, data).exists())
    pid = keeper(house)
    os.kill(pid, signal.SIGSTOP)
    t, got = begun(lambda: close(house, keys, "admin/closing"))
    try:
        until(lambda: get(house, "admin/closing").status_code == 403)
        assert house.get("/admin/closing").status_code == 200
    finally:
        os.kill(pid, signal.SIGKILL)
    t.join(60)
    assert got and got[0].status_code == 201 and got[0].json()["state"] == "done", got
    until(lambda: not plain(house, data).exists() and sealed_in(house, data))
    assert in_the_clear(house) == []
    assert get(house, "admin/closing").status_code == 403


def test_an_opening_while_the_keeper_stands_still(house, keys):
    """Nobody gets a byte, everybody an answer; then it opens."""
    data = marked(3 << 20)
    data = data[:100] + os.urandom(8) + data[108:]
    new_model(house, "admin/opening", data)
    until(lambda: plain(house, data).exists())
    assert close(house, keys, "admin/opening").status_code == 201
    until(lambda: not plain(house, data).exists() and sealed_in(house, data))
    pid = keeper(house)
    os.kill(pid, signal.SIGSTOP)
    t, lifted = begun(lambda: lift(house, keys, "admin/opening"))
    many = [begun(lambda: house.get("/admin/opening/resolve/main/model.safetensors", token="admin",
                                    timeout=120)) for _ in range(4)]
    try:
        # pages and small files need no keeper
        assert house.get("/admin/opening").status_code == 200
        assert house.get("/healthz").status_code in (200, 503)
        assert in_the_clear(house) == []
    finally:
        time.sleep(2)
        assert in_the_clear(house) == []
        os.kill(pid, signal.SIGKILL)
    for thread, got in [*many, (t, lifted)]:
        thread.join(120)
        assert not thread.is_alive()
    for _, got in many:
        assert got[0].status_code in (200, 403, 500, 503), got[0]
        if got[0].status_code == 200:
            assert got[0].content == data
        else:
            assert len(got[0].headers["X-Error-Message"]) > 5
    until(lambda: get(house, "admin/opening").status_code == 200)
    assert get(house, "admin/opening").content == data


def test_killed_between_opening_and_closing(house, keys):
    """Again and again, at any moment: what the last decision says is what holds."""
    data = marked(2 << 20)
    data = data[:200] + os.urandom(8) + data[208:]
    new_model(house, "admin/often", data)
    until(lambda: plain(house, data).exists())
    assert close(house, keys, "admin/often").status_code == 201
    for _ in range(3):
        killed(house)
        assert get(house, "admin/often").status_code == 403
    lift(house, keys, "admin/often")
    for _ in range(3):
        killed(house)
        until(lambda: get(house, "admin/often").status_code == 200)
    assert get(house, "admin/often").content == data


# ---- a hosted model ----

MODEL = "demo/smollm2"


@pytest.fixture(scope="module")
def hosting(keys):
    program, model = engines.llama_server(), engines.smollm2()
    if not program or not model:
        pytest.skip("llama-server could not be built here, or the sample model is missing "
                    "(./dev test brings both)")
    h = House(new_base(), config="[lines]\nenforce = limited.default, hold.unknown, demo.low.v1\n"
              f"[gateway]\nengine = {program}\n")
    os.chmod(h.base, 0o755)
    h.start()
    doc = founding(keys)
    assert signed(h, keys, ["ada", "bea", "cid"], draft(h, "roster", paper=doc),
                  roster=doc) == "done"
    h.request("POST", "/api/weighhouse/v1/organizations", token="admin", json={"name": "demo"})
    h.request("POST", "/api/repos/create", token="admin",
              json={"type": "model", "name": "smollm2", "organization": "demo"})
    hands.publish(h, MODEL, {"m.gguf": model.read_bytes()})
    assert decided(h, MODEL)["weights"] == "held"
    d = draft(h, "host", subject=hands.release(h, MODEL)["subject"])
    assert signed(h, keys, ["ada", "cid"], d) == "done"
    r = h.request("POST", "/api/weighhouse/v1/keys", token="admin", json={"name": "test"})
    h.client = openai.OpenAI(base_url=h.url + "/v1", api_key=r.json()["secret"], timeout=120,
                             max_retries=0)
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def ask(house, **kw):
    return house.client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Count to one hundred."}],
        temperature=0, extra_body={"ignore_eos": True}, **kw)


def answered(house, seconds=120):
    """When it answers; before that it says how long to wait."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask(house, max_tokens=4)
        except openai.InternalServerError as e:
            assert e.status_code == 503 and int(e.response.headers["retry-after"]) > 0, e
            assert time.monotonic() < end, f"{e}\n{house.log()[-3000:]}"
            time.sleep(0.2)


def nobody_has_it(house):
    assert house.get(f"/{MODEL}/resolve/main/m.gguf", token="admin").status_code == 403


@engines.needs_cage
def test_it_loads_although_the_keeper_is_killed_meanwhile(hosting):
    """With the first request the keeper decrypts; killed there, it is asked again."""
    for _ in range(3):
        try:
            ask(hosting, max_tokens=4)
        except openai.InternalServerError as e:
            assert e.status_code == 503, e
        killed(hosting)
    assert answered(hosting).choices[0].message.content
    nobody_has_it(hosting)


@engines.needs_cage
def test_streams_go_on_without_the_keeper(hosting):
    """The engine has what it needs; whoever streams does not notice."""
    answered(hosting)
    pieces = []
    for n, piece in enumerate(ask(hosting, stream=True, max_tokens=120)):
        if n == 5:
            killed(hosting)
        pieces.append(piece)
    assert pieces[-1].choices[0].finish_reason in ("length", "stop")
    assert ask(hosting, max_tokens=4).choices
    nobody_has_it(hosting)


@engines.needs_cage
def test_without_keeper_and_engines_it_says_so_and_comes_back(hosting):
    """Both gone, and the keeper stands still: requests are told to come back, not held."""
    answered(hosting)
    pid = keeper(hosting)
    os.kill(pid, signal.SIGSTOP)
    try:
        os.kill(hosting.children()["engines"][0], signal.SIGKILL)
        until(lambda: refused(hosting))
        nobody_has_it(hosting)
        assert hosting.get("/").status_code == 200
    finally:
        os.kill(pid, signal.SIGKILL)
    assert answered(hosting).choices[0].message.content
    nobody_has_it(hosting)


def refused(house):
    try:
        ask(house, max_tokens=4)
    except openai.APIStatusError as e:
        assert e.status_code in (502, 503), e
        return e.status_code == 503
    return False
