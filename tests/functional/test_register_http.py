"""The register of a running house, read over HTTP by tools that are not ours,
and what the house does when its signer dies or its folder comes from a backup."""

import os
import shutil
import signal
import subprocess
import time

import pytest

import weights
from conftest import ROOT

GOOD, FORKED = 0, 1  # of the verifier


@pytest.fixture(scope="session")
def verifier(tmp_path_factory):
    ready = ROOT / ".dev" / "bin" / "verify"
    if ready.exists():
        return ready
    out = tmp_path_factory.mktemp("go") / "verify"
    subprocess.run(["go", "build", "-o", out, "."], cwd=ROOT / "tools" / "verify",
                   check=True)
    return out


def push(house, name):
    """A new model: the register gets entries about it."""
    api = house.api()
    api.create_repo(name, exist_ok=True)
    api.upload_file(repo_id=name, path_in_repo="model.safetensors",
                    path_or_fileobj=weights.safetensors({"a": (16, 16)}))


def checkpoint(house):
    lines = house.get("/register/checkpoint").text.split("\n")
    return lines[0], int(lines[1]), lines[2]


def outside(verifier, house, state, where=None, proofs=7):
    args = [verifier, "-vkey", house.keys / "log.vkey", "-state", state]
    args += ["-proofs", str(proofs), where or house.url + "/register"]
    done = subprocess.run(args, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_an_outsider_verifies_the_whole_log(house, verifier, tmp_path):
    state = tmp_path / "state"
    sizes = []
    for i in range(3):
        push(house, f"admin/verified-{i}")
        sizes.append(checkpoint(house)[1])
        code, said = outside(verifier, house, state)
        assert code == GOOD, said
    assert sizes == sorted(set(sizes)), "each new model is on the register"


def test_fsck_over_http_and_in_the_folder(house, tmp_path):
    key = house.keys / "log.vkey"
    push(house, "admin/checked")
    for depth in ((), ("--light",)):
        house.run("register", "fsck", house.url, "--key", key, *depth, check=0)
    house.run("register", "fsck", house.url + "/register/", check=0)
    done = house.run("register", "fsck", house.data / "register", "--key", key,
                     "--db", house.data / "house.db", "--json", check=0)
    assert '"result": "good"' in done.stdout
    state = tmp_path / "seen"
    house.run("register", "fsck", house.url, "--key", key, "--state", state, check=0)
    push(house, "admin/checked-2")
    house.run("register", "fsck", house.url, "--key", key, "--state", state, check=0)
    # a key of another log, no such house, no such option
    other = key.read_text().replace("weighhouse.local/", "weighhouse.other/")
    house.run("register", "fsck", house.url, "--key", other, check=2)
    house.run("register", "fsck", "http://127.0.0.1:1", "--key", key, check=4)
    house.run("register", "fsck", house.url, "--nonsense", check=2)
    house.run("register", "fsck", house.data / "register", check=2)


def test_headers(house):
    origin, size, _ = checkpoint(house)
    head = house.get("/register/checkpoint").headers
    assert head["content-type"] == "text/plain; charset=utf-8"
    assert "no-cache" in head["cache-control"]
    tile = house.get(f"/register/tile/0/000.p/{size}")
    assert tile.status_code == 200 and len(tile.content) == 32 * size
    assert tile.headers["content-type"] == "application/octet-stream"
    assert "immutable" in tile.headers["cache-control"]
    assert tile.headers["access-control-allow-origin"] == "*"
    for missing in ("tile/0/000", f"tile/0/000.p/{size + 1}", "tile/0/0",
                    "tile/0/000.p/0", f"proof/{size}", "proof/x",
                    f"checkpoint/{size + 1}", "../house.db"):
        answer = house.get(f"/register/{missing}")
        assert answer.status_code == 404, missing
        assert "immutable" not in answer.headers.get("cache-control", ""), missing
    for own in ("lock", "tmp"):  # in the folder, but no part of the log: no such repo
        assert house.get(f"/register/{own}").status_code == 401, own
    vkey = house.get("/register/vkey").text
    assert vkey.startswith(origin + "+")
    assert vkey == (house.keys / "log.vkey").read_text()


def test_old_checkpoints_and_proofs_are_served(house):
    push(house, "admin/history")
    _, size, _ = checkpoint(house)
    old = house.get("/register/checkpoint/1")
    assert old.status_code == 200 and old.text.split("\n")[1] == "1"
    proof = house.get(f"/register/proof/{size - 1}").text
    assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex {size - 1}\n")


def test_the_signer_may_die(house, verifier, tmp_path):
    _, before, _ = checkpoint(house)
    for pid in house.children()["signer"]:
        os.kill(pid, signal.SIGKILL)
    push(house, "admin/without-signer")
    deadline = time.monotonic() + 30
    while checkpoint(house)[1] == before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert checkpoint(house)[1] > before
    code, said = outside(verifier, house, tmp_path / "state")
    assert code == GOOD, said


def test_killed_house_comes_back_with_its_log(fresh_house, verifier, tmp_path):
    house = fresh_house().start()
    state = tmp_path / "state"
    for i in range(3):
        push(house, f"admin/m{i}")
        assert outside(verifier, house, state)[0] == GOOD
        house.kill()
        house.start()
        code, said = outside(verifier, house, state)
        assert code == GOOD, said


def test_folder_from_a_backup_is_refused(fresh_house, verifier, tmp_path):
    """keys.dir lies elsewhere and remembers what was signed."""
    house = fresh_house().start()
    push(house, "admin/one")
    house.stop()
    backup = tmp_path / "backup"
    shutil.copytree(house.data, backup, ignore=shutil.ignore_patterns("*.sock"))
    house.start()
    push(house, "admin/two")
    state = tmp_path / "state"
    assert outside(verifier, house, state)[0] == GOOD
    house.stop()
    code, said = outside(verifier, house, state, where=backup / "register", proofs=0)
    assert code == FORKED and "ROLLED BACK" in said
    shutil.rmtree(house.data)
    shutil.copytree(backup, house.data)
    done = house.run("serve", "--data", house.data, "--listen", "127.0.0.1:0",
                     "--config", house.config, token=None)
    assert done.returncode == 3, done.stderr
    assert "older than what was already signed" in done.stderr
