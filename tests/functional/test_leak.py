"""No byte of weights that are not open is on disk in the clear: not while they
arrive, not when they are weighed and held, not after kill -9. tests/leak/probe.c
looks for pieces of every 4 KiB block, at every offset of every file of the
installation, its temporary folder, /dev/shm, and what its processes hold open
without a name. That the same probe finds them in a build that does not seal, in
each of these ways, is the last test."""

import hashlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.parse

import pytest
import requests

import weights
import xet_wire as wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNSEALED = os.environ.get("WEIGHHOUSE_BIN_UNSEALED", str(ROOT / "build-unsealed" / "weighhouse"))
MIB = 1 << 20


@pytest.fixture(scope="session")
def probe(tmp_path_factory):
    """The probe, built from its source."""
    out = tmp_path_factory.mktemp("probe") / "probe"
    subprocess.run(["cc", "-std=c17", "-O2", "-D_GNU_SOURCE", "-o", out,
                    ROOT / "tests" / "leak" / "probe.c"], check=True)
    return out


class Watch:
    """An installation under the probe's eye."""

    def __init__(self, house, probe, *secrets):
        self.house, self.probe, self.looks = house, probe, 0
        self.folder = house.base.parent / f"{house.base.name}-secrets"
        self.folder.mkdir()
        self.secrets = []
        for data in secrets:
            self.secrets.append(self.folder / str(len(self.secrets)))
            self.secrets[-1].write_bytes(data)
        self.ended = threading.Event()
        self.thread = None
        self.hits = 0

    def pids(self):
        if self.house.process is None:
            return []
        found = [self.house.process.pid]
        for ids in self.house.children().values():
            found += ids
        return [str(p) for p in found]

    def look(self):
        """Places found, and the probe's words."""
        while True:
            args = [self.probe]
            for pid in self.pids():
                args += ["--pid", pid]
            done = subprocess.run([*args, *self.secrets, "--", self.house.base, "/dev/shm"],
                                  capture_output=True, text=True, check=False)
            if done.returncode == 2 and "process" in done.stderr:
                continue  # one of them ended meanwhile
            assert done.returncode in (0, 1), done.stderr
            self.looks += 1
            return int(done.stdout.splitlines()[-1].split()[0]), done.stdout

    def clean(self):
        hits, words = self.look()
        assert hits == 0, words

    def __enter__(self):
        def run():
            while not self.ended.is_set():
                self.hits += self.look()[0]
        self.thread = threading.Thread(target=run)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.thread.join()
        self.ended.clear()


@pytest.fixture
def watched(fresh_house, probe):
    """A maker of installations under watch: (watch, held weights)."""
    made = []

    def make(*more, binary=None, size=3 * MIB):
        kw = {"binary": binary} if binary else {}
        house = fresh_house("[uploads]\npart_size = 5M\n", **kw)
        tmp = house.base / "tmp"
        tmp.mkdir()
        house.env = {"TMPDIR": str(tmp)}
        # bytes behind the last tensor: nobody can say what they are, so it is held
        data = weights.safetensors({"a": (size // 4,)}) + os.urandom(64)
        watch = Watch(house.start(), probe, data, *more)
        made.append(watch)
        return watch, data

    yield make
    for watch in made:
        for path in watch.secrets:
            path.unlink()
        watch.folder.rmdir()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def held(house, repo):
    """The refusal that a reader gets once the model is weighed."""
    end = time.monotonic() + 60
    while True:
        r = house.get(f"/{repo}/resolve/main/m.safetensors", token="admin")
        assert r.status_code == 403, (r.status_code, r.text[:200])
        if "being weighed" not in r.headers["X-Error-Message"] or time.monotonic() > end:
            return r
        time.sleep(0.1)


def lfs_slot(house, repo, data):
    """Where an LFS client may put this object: URL and headers."""
    r = house.request(
        "POST", f"/{repo}.git/info/lfs/objects/batch", token="admin",
        headers={"Content-Type": "application/vnd.git-lfs+json"},
        data=json.dumps({"operation": "upload", "transfers": ["basic"], "hash_algo": "sha256",
                         "objects": [{"oid": sha256(data), "size": len(data)}]}))
    assert r.status_code == 200, r.text
    up = r.json()["objects"][0]["actions"]["upload"]
    return up["href"], up.get("header", {})


def put_in_halves(house, repo, data, between):
    """PUT an object, calling between() when half of it was sent and read; the
    status of the answer."""
    url, headers = lfs_slot(house, repo, data)
    parts = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        c.putrequest("PUT", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            c.putheader(name, value)
        c.endheaders()
        c.send(data[:len(data) // 2])
        time.sleep(0.3)
        between()
        c.send(data[len(data) // 2:])
        return c.getresponse().status
    finally:
        c.close()


@pytest.mark.parametrize("way,size", [("lfs", 3), ("multipart", 12), ("xet", 12)])
def test_held_weights_are_never_in_the_clear(watched, monkeypatch, way, size):
    if way != "xet":
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    watch, data = watched(size=size * MIB)
    house = watch.house
    house.api().create_repo("admin/held")
    with watch:
        house.api().upload_file(path_or_fileobj=data, path_in_repo="m.safetensors",
                                repo_id="admin/held")
        held(house, "admin/held")
    assert watch.looks > 1 and watch.hits == 0
    watch.clean()
    house.kill()
    watch.clean()
    house.start()
    assert held(house, "admin/held").status_code == 403
    watch.clean()


def test_while_it_arrives(watched):
    watch, data = watched()
    house = watch.house
    house.api().create_repo("admin/slow")
    looks = []
    assert put_in_halves(house, "admin/slow", data, lambda: looks.append(watch.look())) == 200
    assert looks[0][0] == 0, looks[0][1]
    watch.clean()


@pytest.mark.parametrize("who", ["all", "keeper", "front", "zygote"])
def test_killed_while_it_arrives(watched, who):
    watch, data = watched()
    house = watch.house
    house.api().create_repo("admin/killed")

    def kill():
        if who == "all":
            house.kill()
        else:
            os.kill(house.children()[who][0], signal.SIGKILL)
            time.sleep(0.3)
        watch.clean()

    try:
        status = put_in_halves(house, "admin/killed", data, kill)
    except (ConnectionError, http.client.HTTPException):
        status = 0
    assert status == {"zygote": 200, "keeper": 500}.get(who, 0)
    if who in ("all", "front"):  # no file had its name yet, so none is left
        assert not list(house.data.glob("sealed/*/*"))
    if who == "all":
        house.start()
    watch.clean()
    if status != 200:  # and it can be sent again
        assert put_in_halves(house, "admin/killed", data, lambda: None) == 200
        watch.clean()


def test_a_wrong_digest_leaves_nothing(watched):
    watch, data = watched()
    house = watch.house
    house.api().create_repo("admin/wrong")
    url, headers = lfs_slot(house, "admin/wrong", data)
    r = requests.put(url, data=data[:-1] + bytes([data[-1] ^ 1]), headers=headers, timeout=60)
    assert r.status_code == 422
    watch.clean()


def test_serialised_xorbs(watched):
    """A xorb is watched as it goes over the wire, and its chunks."""
    chunk = os.urandom(65536)
    xorb = wire.Xorb([chunk, os.urandom(30000), b"text " * 1000])
    watch, _ = watched(xorb.body, chunk)
    house = watch.house
    house.api().create_repo("admin/xorb")
    with watch:
        assert wire.Client(house, "admin/xorb").put_xorb(xorb).status_code == 200
    assert watch.hits == 0
    watch.clean()
    house.kill()
    watch.clean()


def test_the_probe_can_find_them(watched, monkeypatch):
    """In a build that does not seal, it does, in every way."""
    assert pathlib.Path(UNSEALED).exists(), "build it with -Dunsealed=true"
    chunk = os.urandom(65536)
    xorb = wire.Xorb([chunk])
    watch, data = watched(xorb.body, binary=UNSEALED)
    house = watch.house
    house.api().create_repo("admin/seen")
    between = []
    assert put_in_halves(house, "admin/seen", data,
                         lambda: between.append(watch.look()[0])) == 200
    assert between[0] > 1000  # half of it, in a file without a name
    assert watch.look()[0] > len(data) // 1024 - 10
    before = watch.look()[0]
    assert wire.Client(house, "admin/seen").put_xorb(xorb).status_code == 200
    assert watch.look()[0] > before + 50
    house.kill()
    assert watch.look()[0] > len(data) // 1024
    assert "NOT sealed" in house.log()
