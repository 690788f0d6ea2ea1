"""A clock that jumps between two starts of the house, by Debian's faketime: nothing opens before
its time, what is closed ends when it was said to, and whoever was let in is let in again once the
clock is right."""

import glob
import json
import shutil
import time

import openai
import pytest

import weights
from approvers import V1, canonical, draft, founding, make_keys, sign, signed
from conftest import House, new_base
from engine import Engine
from hands import (above_the_demo_line, commit, decided, file_op, leaves, lfs_op, lfs_upload,
                   publish, release)
from test_approvers import CONFIG
from test_custody import until
from test_gateway import client, new_key

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
pytestmark = pytest.mark.skipif(not LIBRARY, reason="faketime is not installed "
                                                    "(./dev test brings it)")
DAY = 86400
BIG, SMALL = "admin/big", "admin/small"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, ["ada", "bea", "cid"])
    return folder


@pytest.fixture
def house(keys):
    engine = Engine()
    h = House(new_base(), config=CONFIG + f"[gateway]\nupstreams = {SMALL}=unix:{engine.path}\n")
    h.start()
    doc = json.loads(founding(keys))
    for a in doc["approvers"]:
        a["demo"] = False  # with real ones a day is the shortest cooling-off
    doc["cooling_off"] = DAY
    doc = canonical(doc)
    signed(h, keys, ["ada", "bea", "cid"], draft(h, "roster", paper=doc), roster=doc)
    h.api().create_repo(BIG)
    publish(h, BIG, {"model.gguf": above_the_demo_line()})
    assert decided(h, BIG)["weights"] == "held"
    h.api().create_repo(SMALL)
    publish(h, SMALL, {"m.safetensors": weights.safetensors({"w": (16, 16)})})
    assert decided(h, SMALL)["weights"] == "open"
    yield h
    h.env = {}
    assert h.stop() in (0, None), h.log()[-4000:]
    engine.stop()
    shutil.rmtree(h.base, ignore_errors=True)


def jump(house, seconds):
    """The house again, with its clock so far from the true one."""
    assert house.stop() == 0, house.log()[-4000:]
    house.env = {} if seconds == 0 else {
        "LD_PRELOAD": LIBRARY[0], "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1"}
    house.start()


def status(house, repo=BIG, path="model.gguf"):
    return house.get(f"/{repo}/resolve/main/{path}", token="admin").status_code


def times(house):
    return [x["t"] for x in map(json.loads, leaves(house))]


def write(house, name):
    return commit(house, SMALL, file_op(name, name.encode()))


def test_a_cooling_off_is_not_shortened(house, keys):
    subject = release(house, BIG)["subject"]
    d = draft(house, "open", subject=subject)
    assert signed(house, keys, ["ada", "cid"], d) == "cooling-off"
    for seconds in (-3 * DAY, 0, DAY - 600, 0, -30 * DAY, DAY - 600):
        jump(house, seconds)
        time.sleep(1.5)  # a round of what time does
        assert status(house) == 403, seconds
    # its time has come
    jump(house, DAY + 60)
    until(lambda: status(house) == 200, 60)
    # and is not undone by a clock that goes back
    jump(house, 0)
    assert status(house) == 200
    assert times(house) == sorted(times(house))


def test_what_slept_over_its_end_does_not_open(house, keys):
    subject = release(house, BIG)["subject"]
    d = draft(house, "open", subject=subject)
    assert signed(house, keys, ["ada", "cid"], d) == "cooling-off"
    jump(house, 40 * DAY)
    time.sleep(2)
    assert status(house) == 403
    jump(house, 2 * DAY)
    time.sleep(2)
    assert status(house) == 403
    assert sign(house, keys, "bea", d).status_code == 409


def test_a_closing_ends_when_it_was_said_to(house, keys):
    subject = release(house, SMALL)["subject"]
    d = draft(house, "close", subject=subject, rules=["demo.low/size"])
    assert signed(house, keys, ["bea"], d) == "done"
    for seconds in (-5 * DAY, 3 * DAY - 600):
        jump(house, seconds)
        time.sleep(1.5)
        assert status(house, SMALL, "m.safetensors") == 403, seconds
    jump(house, 3 * DAY + 60)
    until(lambda: status(house, SMALL, "m.safetensors") == 200, 60)


def test_the_register_waits_until_the_clock_has_caught_up(house):
    """Times never fall along the log; meanwhile new work is refused with the reason, and what is
    there is served."""
    assert write(house, "a.txt").status_code == 200
    jump(house, -600)
    r = house.request("POST", f"{V1}/appeals", token="admin", json={"decision": "0" * 32,
                                                                   "text": "x"})
    assert r.status_code in (404, 503)
    house.api().create_repo("admin/later")
    data = weights.safetensors({"w": (8, 24)})
    lfs_upload(house, "admin/later", data)
    r = commit(house, "admin/later", lfs_op("m.safetensors", data))
    assert r.status_code in (200, 503), r.text
    assert status(house, "admin/later", "m.safetensors") in (403, 404)
    assert status(house, SMALL, "m.safetensors") == 200
    jump(house, 0)
    if r.status_code == 503:
        commit(house, "admin/later", lfs_op("m.safetensors", data))
    until(lambda: status(house, "admin/later", "m.safetensors") == 200, 60)
    assert times(house) == sorted(times(house))


def test_keys_end_by_their_day_and_nobody_is_locked_out(house):
    made = new_key(house, days=2, limits={"requests_per_minute": 3})

    def ask():
        return client(house, made["secret"]).chat.completions.create(
            model=SMALL, messages=[{"role": "user", "content": "x"}])

    for seconds in (0, 3600, -DAY, 2 * DAY - 600):
        jump(house, seconds)
        assert ask().choices, seconds
    jump(house, 2 * DAY + 60)
    with pytest.raises(openai.AuthenticationError):
        ask()
    # the clock was wrong, and is right again: so is the key, and so are its limits
    jump(house, 0)
    for _ in range(3):
        assert ask().choices
    with pytest.raises(openai.RateLimitError) as e:
        ask()
    assert 1 <= int(e.value.response.headers["retry-after"]) <= 60
