"""Any process of the house may be killed at any time: whoever waits for it gets an
answer, it is started again, nothing that was acknowledged is lost, nothing is left
behind, and what was being weighed is decided."""

import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import requests
from huggingface_hub.errors import HfHubHTTPError

import weights
from hands import (MIB, actions, answer_of, batch, begin_put, commit, decided, file_op, info,
                   kill_a_scanner, lfs_op, lfs_upload, publish, put, register_size, release, sha256,
                   unexplained)
from test_register_recovery import verifier  # noqa: F401

CONFIG = "[uploads]\nsweep_seconds = 1\npart_size = 5M\n"
HELPERS = ["signer", "keeper", "zygote"]
ALL = HELPERS + ["front"]
CHILDREN = ALL + ["engines"]


@pytest.fixture
def house(fresh_house):
    h = fresh_house(CONFIG).start()
    h.api().create_repo("admin/m")
    yield h
    if h.process:
        assert h.stop() == 0, h.log()[-4000:]
    assert "Sanitizer" not in h.log(), h.log()[-6000:]


def until(condition, what, wait=40):
    end = time.monotonic() + wait
    while not (got := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)
    return got


def pid_of(house, name):
    """The process of this name, once it runs."""
    return until(lambda: house.children().get(name, [None])[0], name)


def kill(house, name):
    """kill -9, and wait for the next one."""
    pid = pid_of(house, name)
    os.kill(pid, signal.SIGKILL)
    until(lambda: house.children().get(name, [pid])[0] != pid, f"the next {name}")
    return pid


def family(house):
    """(pid, state) of the house and everything below it."""
    parents, states = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            parents[int(entry.name)], states[int(entry.name)] = int(fields[1]), fields[0]
        except (OSError, ValueError, IndexError):
            continue
    mine, size = {house.process.pid}, 0
    while len(mine) != size:
        size = len(mine)
        mine |= {pid for pid, parent in parents.items() if parent in mine}
    return {pid: states[pid] for pid in mine}


def unneeded(house):
    """Container files that no row needs, rows without an end, half-opened files."""
    with sqlite3.connect(f"file:{house.data}/house.db?mode=ro", uri=True, timeout=20) as db:
        needed = {row[0] for row in db.execute(
            "SELECT container FROM content_container UNION SELECT container FROM upload_part "
            "UNION SELECT container FROM xorb")}
        rows = {row[0] for row in db.execute("SELECT id FROM container")}
        opened = {row[0] for row in db.execute(
            "SELECT sha256 FROM open_content UNION "
            "SELECT content FROM git_object WHERE content IS NOT NULL")}
    names = lambda folder: {f.name for f in (house.data / folder).rglob("*") if f.is_file()}
    return (names("sealed") - needed) | (rows - needed) | (names("open") - opened)


def as_new(house, verifier):
    """Everything works, is in order, and nothing lies about."""
    for name in ALL:
        pid_of(house, name)
    data = weights.safetensors({"w": (50, 1000)})
    end = time.monotonic() + 40
    while True:  # helpers that come up may still refuse for a moment, with a sentence
        try:
            house.api().create_repo("admin/after", exist_ok=True)
            publish(house, "admin/after", {"m.safetensors": data})
            break
        except (AssertionError, OSError, HfHubHTTPError):
            assert time.monotonic() < end, house.log()[-3000:]
            time.sleep(0.1)
    assert decided(house, "admin/after")["weights"] == "open"
    r = house.get("/admin/after/resolve/main/m.safetensors")
    assert r.status_code == 200 and r.content == data
    until(lambda: not unneeded(house), "leftovers to go")
    until(lambda: "Z" not in family(house).values(), "zombies")
    until(lambda: len(family(house)) == 1 + len(CHILDREN), f"processes {family(house)}")
    verified(house, verifier)


def verified(house, verifier):
    """By the Go team's log code."""
    done = subprocess.run([verifier, "-vkey", house.keys / "log.vkey", house.url + "/register"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALL)
def test_killed_while_idle(house, verifier, name):
    publish(house, "admin/m", {"a.safetensors": weights.safetensors({"w": (100,)})})
    assert decided(house, "admin/m")["weights"] == "open"
    others = {n: pid_of(house, n) for n in ALL if n != name}
    kill(house, name)
    as_new(house, verifier)
    assert {n: pid_of(house, n) for n in others} == others
    assert f"child={name} exit=-1 signal=9" in house.log()


@pytest.mark.parametrize("name", ALL)
def test_killed_in_mid_upload(house, verifier, name):
    data = os.urandom(12 * MIB)
    small = os.urandom(3 * MIB)
    whole = actions(house, "admin/m", data, transfers=("basic",))["upload"]["href"]
    before = actions(house, "admin/m", small)["upload"]["href"]
    assert put(house, before, small).status_code == 200  # acknowledged
    with begin_put(house, whole, len(data)) as s:
        s.sendall(data[:7 * MIB])
        time.sleep(0.1)
        kill(house, name)
        try:
            s.sendall(data[7 * MIB:])
            status, headers, body = answer_of(s)
        except OSError:
            status = None
    if name == "front":
        assert status is None
    elif name != "keeper":  # not needed for the bytes
        assert status == 200
    else:
        assert status in (500, 503), (status, body)
        assert json.loads(body)["error"] and headers["X-Error-Message"]
    r = commit(house, "admin/m", lfs_op("small.bin", small))
    until(lambda: commit(house, "admin/m", lfs_op("small.bin", small)).status_code == 200,
          "the acknowledged upload") if r.status_code != 200 else None
    lfs_upload(house, "admin/m", data)
    until(lambda: commit(house, "admin/m", lfs_op("large.bin", data)).status_code == 200, "a commit")
    as_new(house, verifier)


@pytest.mark.parametrize("name", HELPERS)
def test_killed_while_a_commit_waits_for_it(house, verifier, name):
    """The commit answers "weighing" in time; the decision comes without being asked."""
    for tier, data in (("open", weights.safetensors({"w": (300,)})), ("held", unexplained())):
        lfs_upload(house, "admin/m", data)  # in the place of the one before
        pid = pid_of(house, name)
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        r = commit(house, "admin/m", lfs_op("m.safetensors", data))
        assert r.status_code == 200, r.text
        assert time.monotonic() - started > 1.5
        early = house.get("/admin/m/resolve/main/m.safetensors", token="admin")
        assert early.status_code == 403 and early.headers["X-Error-Code"] == "GatedRepo"
        assert "until they are weighed" in early.headers["X-Error-Message"]
        assert int(early.headers["Retry-After"]) > 0
        assert info(house, "admin/m")["weighhouse"]["state"] == "weighing"
        kill(house, name)
        assert decided(house, "admin/m")["weights"] == tier
        r = house.get("/admin/m/resolve/main/m.safetensors", token="admin")
        assert r.status_code == (200 if tier == "open" else 403)
    as_new(house, verifier)


def test_the_front_is_killed_while_a_commit_waits(house, verifier):
    """Its answer is lost, the commit is not."""
    data = weights.safetensors({"w": (300,)})
    lfs_upload(house, "admin/m", data)
    zygote = pid_of(house, "zygote")
    os.kill(zygote, signal.SIGSTOP)
    before, got = info(house, "admin/m")["sha"], []

    def send():
        try:
            got.append(commit(house, "admin/m", lfs_op("m.safetensors", data)).status_code)
        except requests.ConnectionError:
            got.append(None)

    thread = threading.Thread(target=send)
    thread.start()
    until(lambda: info(house, "admin/m")["sha"] != before, "the commit's row")
    kill(house, "front")
    thread.join(30)
    assert got == [None]
    os.kill(zygote, signal.SIGCONT)
    assert decided(house, "admin/m")["weights"] == "open"
    assert house.get("/admin/m/resolve/main/m.safetensors").content == data
    as_new(house, verifier)


@pytest.mark.parametrize("tier", ["open", "held"])
def test_a_scanner_is_killed(house, verifier, tier):
    zygote = pid_of(house, "zygote")

    def prepare(turn):
        # so many tensors that looking at them takes a while
        data = weights.safetensors({f"t{turn}-{i}": (4, 4) for i in range(60_000)})
        data += b"" if tier == "open" else b"x"
        lfs_upload(house, "admin/m", data)
        return lambda: commit(house, "admin/m", lfs_op("m.safetensors", data))
    r = kill_a_scanner(zygote, prepare)
    assert r.status_code == 200, r.text
    assert decided(house, "admin/m")["weights"] == tier
    assert pid_of(house, "zygote") == zygote
    as_new(house, verifier)


def test_a_scanner_of_a_regular_file_is_killed(house, verifier):
    """A commit that needs its answer is told so, and nothing is committed."""
    zygote, sha = pid_of(house, "zygote"), []

    def prepare(turn):
        nonlocal big
        big = b"words and words %d\n" % turn * 200_000
        sha.append(info(house, "admin/m")["sha"])
        return lambda: commit(house, "admin/m", file_op("words.txt", big))
    big = b""
    r = kill_a_scanner(zygote, prepare)
    assert r.status_code in (500, 503), r.text
    assert r.headers["X-Error-Message"] and r.json()["error"]
    assert info(house, "admin/m")["sha"] == sha[-1]
    assert commit(house, "admin/m", file_op("words.txt", big)).status_code == 200
    as_new(house, verifier)


def test_everything_is_killed_after_each_answer(house, verifier):
    """What was acknowledged before a kill of the whole house is there after it."""
    data = weights.safetensors({"w": (400,)})
    lfs_upload(house, "admin/m", data)
    house.kill()
    house.start()
    r = batch(house, "admin/m", [(sha256(data), len(data))])
    assert "actions" not in r.json()["objects"][0]
    sha = commit(house, "admin/m", lfs_op("m.safetensors", data)).json()["commitOid"]
    size = register_size(house)
    house.kill()
    house.start()
    assert info(house, "admin/m")["sha"] == sha
    assert decided(house, "admin/m")["weights"] == "open"
    assert register_size(house) >= size
    assert house.get("/admin/m/resolve/main/m.safetensors").content == data
    # a commit whose decision had no time at all
    held = unexplained()
    lfs_upload(house, "admin/m", held)
    os.kill(pid_of(house, "zygote"), signal.SIGSTOP)  # beside the open one
    sha = commit(house, "admin/m", lfs_op("held.safetensors", held)).json()["commitOid"]
    assert info(house, "admin/m")["weighhouse"]["state"] == "weighing"
    house.kill()
    house.start()
    assert decided(house, "admin/m")["weights"] == "held"
    assert release(house, "admin/m")["commit"] == sha
    for path, status in (("m", 200), ("held", 403)):
        assert house.get(f"/admin/m/resolve/main/{path}.safetensors",
                         token="admin").status_code == status
    as_new(house, verifier)


def test_everything_is_killed_in_mid_upload(house, verifier):
    """Bytes that nobody acknowledged are gone; parts that were are not."""
    data = os.urandom(11 * MIB)
    header = actions(house, "admin/m", data)["upload"]["header"]
    assert put(house, header["1"], data[:5 * MIB]).status_code == 200
    other = os.urandom(4 * MIB)
    whole = actions(house, "admin/m", other)["upload"]["href"]
    with begin_put(house, whole, len(other)) as s, begin_put(house, header["2"], 5 * MIB) as t:
        s.sendall(other[:3 * MIB])
        t.sendall(data[5 * MIB:8 * MIB])
        time.sleep(0.2)
        house.kill()
    house.start()
    a = actions(house, "admin/m", data)["upload"]
    for n in ("2", "3"):  # the first part need not come again
        assert put(house, a["header"][n], data[(int(n) - 1) * 5 * MIB:int(n) * 5 * MIB]
                   ).status_code == 200
    from hands import path_of
    assert house.request("POST", path_of(a["href"]), json={}, timeout=60).status_code == 200
    assert commit(house, "admin/m", lfs_op("parts.bin", data)).status_code == 200
    assert commit(house, "admin/m", lfs_op("other.bin", other)).status_code == 422
    as_new(house, verifier)


def test_killed_again_and_again_under_load(house, verifier):
    """Four publishers go on while process after process is killed: what each was told
    is true in the end."""
    acknowledged, stop = [], threading.Event()
    for i in range(4):
        house.api().create_repo(f"admin/load-{i}")

    def publisher(i):
        n = 0
        while not stop.is_set():
            n += 1
            data = weights.safetensors({"w": (random.randrange(1, 300_000),)})
            if i == 3:
                data += b"not explained"
            try:
                lfs_upload(house, f"admin/load-{i}", data)
                r = commit(house, f"admin/load-{i}", lfs_op(f"{n}.safetensors", data),
                           file_op(f"{n}.txt", b"%d" % n))
                if r.status_code == 200:
                    acknowledged.append((i, n, data, r.json()["commitOid"]))
                else:
                    assert r.status_code in (500, 503) and r.json()["error"], r.text
            except (requests.RequestException, AssertionError, KeyError):
                time.sleep(0.05)  # cut off, or an upload was refused with a sentence

    threads = [threading.Thread(target=publisher, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    chance = random.Random(7)
    for name in chance.sample(ALL * 2, 8):
        time.sleep(chance.uniform(0.2, 0.8))
        kill(house, name)
    time.sleep(1)
    stop.set()
    for t in threads:
        t.join(60)
    assert len({i for i, *_ in acknowledged}) == 4, len(acknowledged)
    for i in range(4):
        decided(house, f"admin/load-{i}")
    for i, n, data, sha in acknowledged:
        end = time.monotonic() + 40
        while release(house, f"admin/load-{i}", rev=sha)["state"] != "decided":
            assert time.monotonic() < end, f"load-{i} {sha} is not decided"
            time.sleep(0.1)
        r = house.get(f"/admin/load-{i}/resolve/main/{n}.safetensors", token="admin")
        assert r.status_code == (403 if i == 3 else 200), (i, n, r.status_code, r.text[:200])
        assert i == 3 or r.content == data
        assert house.get(f"/admin/load-{i}/resolve/{sha}/{n}.txt").text == str(n)
    as_new(house, verifier)


def test_the_parent_is_killed(fresh_house, verifier):
    """Nothing outlives it, and the next start finds all in order."""
    house = fresh_house(CONFIG).start()
    house.api().create_repo("admin/m")
    publish(house, "admin/m", {"a.safetensors": weights.safetensors({"w": (100,)})})
    pids = [pid for pids in house.children().values() for pid in pids]
    assert len(pids) == 5  # front, keeper, signer, zygote, engines
    os.kill(house.process.pid, signal.SIGKILL)
    house.process.wait(10)
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "orphans")
    house.process.stdout.close()
    house.start()
    assert decided(house, "admin/m")["weights"] == "open"
    as_new(house, verifier)
    assert house.stop() == 0
