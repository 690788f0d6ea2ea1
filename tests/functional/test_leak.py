"""No byte of weights that are not open lies anywhere in the clear: not while they
arrive, not at rest, not while they are looked into, not after a refusal and not
after everything was killed. The probe (tests/leak/probe.c) looks for four pieces of
every 4 KiB block. It finds them in a build whose containers are not sealed, so it
would find them here."""

import os
import pathlib
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

import weights
from conftest import BINARY, House, new_base
from hands import (MIB, actions, begin_put, commit, decided, lfs_op, put, sha256,
                   stop_a_scanner)
from relay import Relay

PROBE = pathlib.Path(os.environ.get("LEAK_PROBE", next(
    (p for p in (BINARY.parent / "tests/leak/leak_probe",
                 BINARY.parents[2] / "tests/leak/leak_probe" if len(BINARY.parents) > 2 else None)
     if p and p.exists()), "leak_probe")))
UNSEALED = pathlib.Path(os.environ.get("WEIGHHOUSE_BIN_UNSEALED", "/nowhere"))
CONFIG = "[uploads]\npart_size = 5M\n"
WAYS = ["basic", "multipart", "xet"]


def random_weights(way):
    """12 MiB, half of it such that the Xet client compresses it; the bytes behind the
    tensors can not be explained, so they are held."""
    packed = bytearray(6 * MIB)
    packed[2::4], packed[3::4] = os.urandom(len(packed) // 4), os.urandom(len(packed) // 4)
    plain = weights.safetensors({"w": (6 * MIB,)}, dtype="U8")
    head, body = plain[:-6 * MIB], plain[-6 * MIB:]
    if way == "basic":  # a single request; parts begin above part_size
        return head + body[:2 * MIB] + bytes(packed[:2 * MIB])
    return head + body + bytes(packed)


class Scene:
    """A house with folders of its own for everything, and the file that goes there."""

    def __init__(self, way, binary=BINARY):
        self.way = way
        base = pathlib.Path(new_base())
        self.tmp = base / "tmp"
        self.tmp.mkdir()
        self.house = House(base / "house", config=CONFIG, binary=binary,
                           env={"TMPDIR": str(self.tmp)})
        self.house.base.mkdir()
        self.outside = base / "client"
        self.outside.mkdir()
        self.data = random_weights(way)
        self.secret = self.outside / "m.safetensors"
        self.secret.write_bytes(self.data)
        self.secrets = [self.secret]
        self.client = None
        self.house.start()
        self.house.api().create_repo("admin/m")

    def end(self):
        if self.client and self.client.poll() is None:
            self.client.kill()
        self.house.kill()
        subprocess.run(["rm", "-rf", self.house.base.parent], check=True)

    def upload(self, relay):
        """The real client in a process of its own."""
        env = {**os.environ, "HF_ENDPOINT": relay.url, "HF_TOKEN": self.house.token,
               "HF_HOME": str(self.outside / "hf")}
        if self.way != "xet":
            env["HF_HUB_DISABLE_XET"] = "1"
        self.client = subprocess.Popen(
            [pathlib.Path(sys.executable).parent / "hf", "upload", "admin/m", self.secret],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self.client

    def leaks(self):
        """What the probe prints if it found something, else None."""
        pids = []
        if self.house.process:
            for found in self.house.children().values():
                pids += found
        args = [PROBE]
        for pid in pids:
            args += ["--pid", str(pid)]
        done = subprocess.run([*args, *self.secrets, "--", self.house.base, self.tmp, "/dev/shm"],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, 1), (done.returncode, done.stdout, done.stderr)
        files = int(done.stdout.rsplit(" places, ", 1)[1].split()[0])
        assert files > 10, done.stdout
        return done.stdout if done.returncode == 1 else None

    def sealed_bytes(self):
        """Sizes of all containers, those without a name yet included."""
        total = sum(f.stat().st_size for f in (self.house.data / "sealed").rglob("*")
                    if f.is_file())
        for pid in self.house.children().get("front", []):
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                try:
                    if "/sealed/" in os.readlink(fd) and "(deleted)" in os.readlink(fd):
                        total += os.stat(fd).st_size
                except OSError:
                    continue
        return total


@pytest.fixture
def scene(request):
    made = []

    def make(way, **kw):
        made.append(Scene(way, **kw))
        return made[-1]

    yield make
    for s in made:
        s.end()


def until(condition, what, wait=60):
    end = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)


def half_way(s, relay):
    """The client is stopped in mid-upload, and bytes of it have reached the disk."""
    s.upload(relay)
    assert relay.stopped.wait(60), s.client.poll() and s.client.stdout.read()
    until(lambda: s.sealed_bytes() > MIB, "bytes on disk")


@pytest.mark.parametrize("way", WAYS)
def test_nothing_in_the_clear_during_and_after_an_upload(scene, way):
    s = scene(way)
    with Relay(s.house, stop_after=3 * len(s.data) // 4, keep=True) as relay:
        half_way(s, relay)
        assert s.leaks() is None, "during the upload"
        relay.go()
        out, _ = s.client.communicate(timeout=120)
        assert s.client.returncode == 0, out
        if way == "xet":
            xorbs = relay.bodies(rb"POST /xet/[^ ]*/xorbs/")
            assert sum(map(len, xorbs)) > len(s.data) // 2
            assert any(x[4] != 0 or b"\x04\x22\x4d\x18" in x for x in xorbs), \
                "no xorb is compressed: the test says less than it should"
            for i, x in enumerate(xorbs):
                (s.outside / f"xorb-{i}").write_bytes(x)
                s.secrets.append(s.outside / f"xorb-{i}")
    assert decided(s.house, "admin/m")["weights"] == "held"
    assert s.leaks() is None, "after the commit"
    refused = s.house.get("/admin/m/resolve/main/m.safetensors", token="admin")
    assert refused.status_code == 403 and refused.headers["X-Error-Code"] == "GatedRepo"
    assert s.leaks() is None, "after a refusal"
    assert s.house.stop() == 0
    s.house.process = None
    assert s.leaks() is None, "after the end"


@pytest.mark.parametrize("way", WAYS)
def test_nothing_in_the_clear_after_a_kill_in_mid_upload(scene, way):
    s = scene(way)
    with Relay(s.house, stop_after=3 * len(s.data) // 4) as relay:
        half_way(s, relay)
        s.house.kill()
        s.client.kill()
        s.client.wait()
    assert s.leaks() is None, "after the kill"
    s.house.start()
    assert s.leaks() is None, "after the next start"


def commit_until_scanned(s):
    """A commit whose scanner is stopped. On a busy machine a scanner may be gone before
    it is seen: then another model is tried. The scanner, the commit's thread, answer."""
    zygote = s.house.children()["zygote"][0]
    for _ in range(10):
        # so many tensors that looking at them takes a while
        s.data = weights.safetensors({f"t{i}": (16, 4) for i in range(15_000)},
                                     dtype="U8") + os.urandom(4096)
        s.secret.write_bytes(s.data[-1_000_000:])
        put(s.house, actions(s.house, "admin/m", s.data)["upload"]["href"], s.data)
        answer = []
        thread = threading.Thread(target=lambda: answer.append(
            commit(s.house, "admin/m", lfs_op("m.safetensors", s.data))))
        os.kill(zygote, signal.SIGSTOP)
        thread.start()
        time.sleep(0.3)  # the job waits at the zygote's door
        try:
            return stop_a_scanner(zygote, wait=5), thread, answer
        except AssertionError:
            thread.join(60)
    raise AssertionError("no scanner was seen")


def test_nothing_in_the_clear_while_it_is_scanned(scene):
    s = scene("basic")
    scanner, thread, answer = commit_until_scanned(s)
    assert s.leaks() is None
    os.kill(scanner, signal.SIGCONT)
    thread.join(60)
    assert answer[0].status_code == 200, answer[0].text
    assert decided(s.house, "admin/m")["weights"] == "held"


def test_nothing_in_the_clear_of_an_upload_that_is_refused(scene):
    """Bytes that do not match their digest, too many, too few, or given up."""
    s = scene("basic")
    wrong = actions(s.house, "admin/m", s.data[:-1] + b"x")["upload"]["href"]
    assert put(s.house, wrong, s.data).status_code == 422
    short = actions(s.house, "admin/m", s.data)["upload"]["href"]
    assert put(s.house, short, s.data + b"x").status_code in (413, 422)
    assert put(s.house, short, s.data[:-1]).status_code == 422
    with begin_put(s.house, short, len(s.data)) as sock:
        sock.sendall(s.data[:2 * MIB])
        until(lambda: s.sealed_bytes() > MIB, "bytes on disk")
        assert s.leaks() is None
    assert s.leaks() is None


def test_a_regular_file_with_weights_in_it_is_nowhere(scene):
    """Small weights in a commit's body are refused before they reach the disk."""
    from hands import file_op
    s = scene("basic")
    small = weights.safetensors({"w": (200_000,)}, dtype="U8")
    s.secret.write_bytes(small)
    assert commit(s.house, "admin/m", file_op("m.bin", small)).status_code == 422
    assert s.leaks() is None


@pytest.mark.parametrize("way", WAYS)
def test_the_probe_finds_what_is_not_sealed(scene, way):
    if not UNSEALED.exists():
        pytest.skip("needs WEIGHHOUSE_BIN_UNSEALED, a build with -Dunsealed=true "
                    "(./dev test makes one)")
    s = scene(way, binary=UNSEALED)
    with Relay(s.house, stop_after=3 * len(s.data) // 4) as relay:
        half_way(s, relay)
        assert s.leaks(), "during the upload"
        relay.go()
        s.client.communicate(timeout=120)
    assert decided(s.house, "admin/m")["weights"] == "held"
    found = s.leaks()
    assert found and str(s.house.data / "sealed") in found


def test_the_probe_looks_into_every_block(scene):
    """Each single block of the file, planted anywhere, is found."""
    s = scene("basic")
    for block in (0, 1, 511, len(s.data) // 4096 - 1):
        path = s.house.data / "planted"
        path.write_bytes(b"z" * (1 + block) + s.data[block * 4096:(block + 1) * 4096])
        assert s.leaks(), block
        path.unlink()
    assert s.leaks() is None
    assert struct.unpack("<Q", s.data[:8])[0] > 0 and sha256(s.data)
