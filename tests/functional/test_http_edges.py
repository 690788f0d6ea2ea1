"""The HTTP surface through the whole house: slow senders and readers, idle and
half-closed connections, keep-alive, ranges. What the parser alone has to refuse is
tested beside it (src/net/hostile_test.c)."""

import http.client
import os
import resource
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

import weights
from conftest import House, new_base
from hands import (MIB, actions, answer_of, begin_put, commit, decided, file_op, info, lfs_op,
                   path_of, publish, put, sha256)

SMALL = b"0123456789" * 100


@pytest.fixture(scope="module")
def house():
    """Few workers, so that each one that is held is missed."""
    h = House(new_base(), config="[http]\nworkers = 2\nloops = 1\n").start()
    h.api().create_repo("admin/m")
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    assert "Sanitizer" not in h.log()
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def big(house):
    """An open file of 24 MiB, and a small one beside it."""
    data = weights.safetensors({"w": (24 * MIB,)}, dtype="U8")
    publish(house, "admin/m", {"m.safetensors": data})
    assert commit(house, "admin/m", file_op("small.txt", SMALL)).status_code == 200
    assert decided(house, "admin/m")["weights"] == "open"
    return data


def front(house):
    return house.children()["front"][0]


def descriptors(house):
    return len(os.listdir(f"/proc/{front(house)}/fd"))


def settled(house, at_most, wait=30):
    end = time.monotonic() + wait
    while (n := descriptors(house)) > at_most:
        assert time.monotonic() < end, f"{n} descriptors, {at_most} before"
        time.sleep(0.05)


def quick(house, big, times=20):
    """Ordinary requests of several kinds, one after the other."""
    for _ in range(times):
        assert house.get("/api/whoami-v2", token="admin").status_code == 200
        assert house.get("/admin/m/resolve/main/small.txt").content == SMALL
        r = house.get("/admin/m/resolve/main/m.safetensors", headers={"Range": "bytes=-10"})
        assert r.content == big[-10:]


def test_slow_uploads_hold_nobody_up(house, big):
    """Fifty that creep, two workers: everybody else is served, and all fifty end well."""
    before, slow = descriptors(house), []
    for _ in range(50):
        data = os.urandom(70_000)
        s = begin_put(house, actions(house, "admin/m", data)["upload"]["href"], len(data))
        s.sendall(data[:100])
        slow.append((s, data))
    quick(house, big)
    for i, (s, data) in enumerate(slow):
        s.sendall(data[100:40_000 + i])
    data = os.urandom(200_000)
    assert put(house, actions(house, "admin/m", data)["upload"]["href"], data).status_code == 200
    quick(house, big, 3)
    for i, (s, data) in enumerate(slow):
        s.sendall(data[40_000 + i:])
    for s, _ in slow:
        status, _, body = answer_of(s)
        assert status == 200, body
        s.close()
    r = commit(house, "admin/m", *[lfs_op(f"slow/{i}.bin", d) for i, (_, d) in enumerate(slow)],
               rev="main")
    assert r.status_code == 200, r.text
    assert commit(house, "admin/m", {"key": "deletedFolder", "value": {"path": "slow"}}
                  ).status_code == 200
    decided(house, "admin/m")
    settled(house, before + 4)


def test_more_slow_uploads_than_the_keeper_takes_at_once(house, big):
    """Each is either taken or told to come back; none waits in the way of others."""
    slow, refused = [], 0
    for _ in range(120):
        data = os.urandom(6000)
        s = begin_put(house, actions(house, "admin/m", data)["upload"]["href"], len(data))
        s.sendall(data[:100])
        slow.append((s, data))
    quick(house, big, 5)
    for s, data in slow:
        try:
            s.sendall(data[100:])
        except OSError:
            pass
    for s, data in slow:
        status, headers, body = answer_of(s)
        if status != 200:
            assert status in (429, 503) and headers["X-Error-Message"] and headers["Retry-After"], body
            refused += 1
        s.close()
    assert refused <= 70, refused
    quick(house, big, 1)


def test_slow_commits_hold_nobody_up(house, big):
    body = ('{"key":"header","value":{"summary":"slow","description":""}}\n'
            '{"key":"file","value":{"path":"slow-%d.txt","content":"eA==","encoding":"base64"}}\n')
    slow = []
    for i in range(20):
        text = (body % i).encode()
        s = socket.create_connection(("127.0.0.1", house.port), 60)
        s.sendall(f"POST /api/models/admin/m/commit/main HTTP/1.1\r\nHost: localhost\r\n"
                  f"Authorization: Bearer {house.token}\r\nContent-Length: {len(text)}\r\n\r\n"
                  .encode() + text[:80])
        slow.append((s, text))
    quick(house, big, 5)
    for s, text in slow:
        s.sendall(text[80:])
    for s, _ in slow:
        assert answer_of(s)[0] == 200
        s.close()
    files = house.api().list_repo_files("admin/m")
    assert len([f for f in files if f.startswith("slow-")]) == 20
    decided(house, "admin/m")


def test_slow_readers_hold_nobody_up(house, big):
    before, slow = descriptors(house), []
    for _ in range(40):
        s = socket.create_connection(("127.0.0.1", house.port), 60)
        s.sendall(b"GET /admin/m/resolve/main/m.safetensors HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow.append(s)
    for s in slow:
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")
    quick(house, big)
    assert house.get("/admin/m/resolve/main/m.safetensors").content == big
    # two of them read on to the end, the others leave
    for s in slow[2:]:
        s.close()
    for s in slow[:2]:
        got, left = b"", len(big)
        while b"\r\n\r\n" not in got:
            got += s.recv(4096)
        got = bytearray(got.split(b"\r\n\r\n", 1)[1])
        while len(got) < left:
            piece = s.recv(1 << 16)
            assert piece
            got += piece
        assert sha256(bytes(got)) == sha256(big)
        s.close()
    settled(house, before + 4)


def test_two_thousand_idle_connections(house, big):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2600:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    before, idle = descriptors(house), []
    try:
        for _ in range(2000):
            idle.append(socket.create_connection(("127.0.0.1", house.port), 60))
        quick(house, big, 5)
        ask = b"GET /admin/m/resolve/main/small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for s in idle[::40]:
            s.sendall(ask)
        for s in idle[::40]:
            assert answer_of(s)[2] == SMALL
        for s in idle[1::40]:  # and some that begin a request and stop
            s.sendall(ask[:20])
        quick(house, big, 5)
    finally:
        for s in idle:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    settled(house, before + 4)


def test_one_connection_for_everything(house, big):
    """Answers of every kind on one connection, none confused with the next."""
    c = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    sign = {"Authorization": f"Bearer {house.token}"}

    def ask(method, path, body=None, headers=()):
        c.request(method, path, body, dict(headers))
        r = c.getresponse()
        data = r.read()
        assert not r.will_close, (method, path)
        return r, data

    for _ in range(3):
        r, data = ask("HEAD", "/admin/m/resolve/main/m.safetensors")
        assert r.status == 200 and data == b"" and int(r.headers["Content-Length"]) == len(big)
        r, data = ask("GET", "/admin/m/resolve/main/small.txt")
        assert data == SMALL
        r, data = ask("GET", "/admin/m/resolve/main/none")
        assert r.status == 404 and data
        r, data = ask("HEAD", "/admin/m/resolve/main/none")
        assert r.status == 404 and data == b"" and r.headers["X-Error-Code"] == "EntryNotFound"
        r, data = ask("GET", "/admin/m/resolve/main/m.safetensors", headers={"Range": "bytes=0-99"})
        assert r.status == 206 and data == big[:100]
        r, data = ask("GET", "/admin/m/resolve/main/m.safetensors",
                      headers={"Range": f"bytes={len(big)}-"})
        assert r.status == 416
        r, data = ask("POST", "/api/validate-yaml", b'{"content":"a: b"}', sign)
        assert r.status == 200
        r, data = ask("POST", "/api/repos/create", b"{", sign)
        assert r.status == 400
        r, data = ask("GET", "/nowhere/at/all/here")
        assert r.status == 404
        r, data = ask("GET", "/admin/m/resolve/main/m.safetensors")
        assert sha256(data) == sha256(big)
    c.close()


def test_a_pipeline_is_answered_in_order(house, big):
    paths = ["/api/models/admin/m", "/admin/m/resolve/main/small.txt", "/admin/m/resolve/main/none",
             "/admin/m/resolve/main/m.safetensors"] * 3
    with socket.create_connection(("127.0.0.1", house.port), 60) as s:
        s.sendall(b"".join(f"GET {p} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for p in paths))
        stream = s.makefile("rb")

        class Same:  # one buffered reader for all answers
            def makefile(self, *_):
                return stream

        stream.close, close = (lambda: None), stream.close
        for path in paths:
            r = http.client.HTTPResponse(Same())
            r.begin()
            body = r.read()
            if path.endswith("small.txt"):
                assert body == SMALL
            elif path.endswith("none"):
                assert r.status == 404
            elif path.endswith("m.safetensors"):
                assert sha256(body) == sha256(big)
            else:
                assert r.status == 200 and b'"admin/m"' in body
        close()


def test_an_answer_to_a_half_closed_socket(house, big):
    for path, want in (("/admin/m/resolve/main/small.txt", SMALL),
                       ("/admin/m/resolve/main/m.safetensors", big)):
        with socket.create_connection(("127.0.0.1", house.port), 60) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            s.shutdown(socket.SHUT_WR)
            assert answer_of(s)[2] == want
    # half-closed in the middle of a body: nothing is kept, nothing hangs
    data = os.urandom(50_000)
    with begin_put(house, actions(house, "admin/m", data)["upload"]["href"], len(data)) as s:
        s.sendall(data[:1000])
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass
    assert commit(house, "admin/m", lfs_op("x", data)).status_code == 422


def test_clients_that_leave(house, big):
    before = descriptors(house)
    for i in range(60):
        s = socket.create_connection(("127.0.0.1", house.port), 60)
        s.sendall(b"GET /admin/m/resolve/main/m.safetensors HTTP/1.1\r\nHost: localhost\r\n\r\n")
        s.recv(1000)
        if i % 2:  # with a reset
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    settled(house, before + 4)
    quick(house, big, 1)


RANGES = [  # header, first, last (exclusive, from the end when negative), or None: the whole
    ("bytes=0-0", 0, 1), ("bytes=0-", 0, None), ("bytes=-1", -1, None), ("bytes=5-5", 5, 6),
    ("bytes=0-99999999999", 0, None), ("bytes=-99999999999", 0, None), ("bytes= 1-2", 1, 3),
    ("BYTES=1-2", 1, 3),
]


@pytest.mark.parametrize("name", ["small.txt", "m.safetensors"])
def test_ranges(house, big, name):
    data = SMALL if name == "small.txt" else big
    path = f"/admin/m/resolve/main/{name}"
    for text, a, b in RANGES:
        r = house.get(path, headers={"Range": text})
        want = data[a:b]
        if r.status_code == 200:  # a header that we do not understand is none
            assert text in ("bytes= 1-2", "BYTES=1-2") and r.content == data, text
            continue
        assert r.status_code == 206 and r.content == want, text
        first = len(data) + a if a < 0 else a
        assert r.headers["Content-Range"] == f"bytes {first}-{first + len(want) - 1}/{len(data)}"
        assert int(r.headers["Content-Length"]) == len(want)
        assert r.headers["Accept-Ranges"] == "bytes"
    for text in (f"bytes={len(data)}-", "bytes=99999999999-", "bytes=-0"):
        r = house.get(path, headers={"Range": text})
        assert r.status_code == 416, text
        assert r.headers["Content-Range"] == f"bytes */{len(data)}"
    for text in ("bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=1-2-3",
                 "bytes=99999999999999999999-", "0-1", "bytes=--1"):
        r = house.get(path, headers={"Range": text})
        assert (r.status_code, len(r.content)) in ((200, len(data)),) or r.status_code in (400, 416), \
            (text, r.status_code)
    r = house.get(path, headers={"Range": "bytes=0-1,5-6"})
    assert r.status_code in (200, 206, 416)
    assert r.status_code != 200 or r.content == data
    head = house.request("HEAD", path, headers={"Range": "bytes=0-9"})
    assert head.status_code in (200, 206) and not head.content


def test_curl_sends_and_fetches(house, big, tmp_path):
    """With its Expect: 100-continue, and its resumption of a download."""
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("there is no curl here")
    data = os.urandom(2 * MIB)
    (tmp_path / "up").write_bytes(data)
    href = actions(house, "admin/m", data)["upload"]["href"]
    done = subprocess.run([curl, "-sS", "-f", "-H", "Expect: 100-continue", "-T", tmp_path / "up",
                           href], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (tmp_path / "down").write_bytes(big[:1_000_000])
    done = subprocess.run([curl, "-sS", "-f", "-C", "-", "-o", tmp_path / "down",
                           house.url + "/admin/m/resolve/main/m.safetensors"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "down").read_bytes() == big
    done = subprocess.run([curl, "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                           "Expect: 100-continue", "-T", tmp_path / "up",
                           path_of(href) and house.url + path_of(href).replace("sig=", "sig=x")],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout == "403", done


def test_a_stop_waits_for_what_is_under_way(fresh_house):
    """SIGTERM: an upload that goes on is answered, then the house ends with 0."""
    house = fresh_house().start()
    house.api().create_repo("admin/m")
    data = os.urandom(3 * MIB)
    s = begin_put(house, actions(house, "admin/m", data)["upload"]["href"], len(data))
    s.sendall(data[:MIB])
    time.sleep(0.1)
    code = []
    thread = threading.Thread(target=lambda: code.append(house.stop()))
    thread.start()
    time.sleep(0.3)
    try:
        s.sendall(data[MIB:])
        status, headers, body = answer_of(s)
        assert status in (200, 503), body
    except OSError:
        status = None
    thread.join(60)
    assert code == [0]
    assert status is not None, "the upload was cut without a word"
    house.start()
    assert info(house, "admin/m")["id"] == "admin/m"
    r = commit(house, "admin/m", lfs_op("x.bin", data))
    assert r.status_code == (200 if status == 200 else 422)
