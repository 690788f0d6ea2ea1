"""What the clients do, by hand: the requests of huggingface_hub one by one, so that
a test can stop between two of them, or lie in one."""

import hashlib
import json
import os
import signal
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

import weights

MIB = 1 << 20
PLURAL = {"model": "models", "dataset": "datasets", "space": "spaces"}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def account(house, name):
    """A new account of this name; its token."""
    r = house.request("POST", "/api/weighhouse/v1/users", token="admin", json={"name": name})
    assert r.status_code == 201, r.text
    return r.json()["token"]


# ---- files that stay held ----

def unexplained(n=2 * MIB):
    """Small weights that can not be verified: bytes follow that no tensor explains."""
    return weights.safetensors({"w": (n,)}, dtype="U8") + os.urandom(3 * 4096)


def above_the_demo_line(params=100_100_096, layer=0):
    """A GGUF of more than 1e8 parameters in 20 MB: IQ1_S packs 256 into 50 bytes."""
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()

    n = params // 256 * 256
    out = b"GGUF" + struct.pack("<IQQ", 3, 1, 3)
    out += text("general.architecture") + struct.pack("<I", 8) + text("llama")
    for key in ("llama.block_count", "llama.embedding_length"):
        out += text(key) + struct.pack("<II", 4, 256)
    out += text(f"blk.{layer}.attn_q.weight") + struct.pack("<IQQIQ", 2, 256, n // 256, 19, 0)
    out += b"\0" * (-len(out) % 32)
    data = os.urandom(n // 256 * 50)
    return out + data + b"\0" * (-len(data) % 32)


# ---- LFS ----

def batch(house, repo, objects, operation="upload", token="admin", kind="model",
          transfers=("basic", "multipart")):
    """The batch answer for [(oid, size), ...]: a response."""
    prefix = "" if kind == "model" else PLURAL[kind] + "/"
    return house.request(
        "POST", f"/{prefix}{repo}.git/info/lfs/objects/batch", token=token,
        headers={"Accept": "application/vnd.git-lfs+json",
                 "Content-Type": "application/vnd.git-lfs+json"},
        data=json.dumps({"operation": operation, "transfers": list(transfers),
                         "hash_algo": "sha256",
                         "objects": [{"oid": o, "size": n} for o, n in objects]}))


def actions(house, repo, data, token="admin", **kw):
    """The actions for one object that is not there yet."""
    r = batch(house, repo, [(sha256(data), len(data))], token=token, **kw)
    assert r.status_code == 200, r.text
    return r.json()["objects"][0]["actions"]


def path_of(href):
    u = urlsplit(href)
    return u.path + "?" + u.query


def put(house, href, data, **kw):
    return house.request("PUT", path_of(href), data=data, timeout=120, **kw)


def lfs_upload(house, repo, data, token="admin", **kw):
    """Send one object the basic way; nothing if it is there already."""
    r = batch(house, repo, [(sha256(data), len(data))], token=token, transfers=("basic",), **kw)
    todo = r.json()["objects"][0].get("actions")
    if todo:
        r = put(house, todo["upload"]["href"], data)
        assert r.status_code == 200, r.text


def begin_put(house, href, length, taken=False):
    """A socket on which a PUT has begun: its head was sent, its body was not. taken: the house
    has looked at the head, and waits for the body."""
    s = socket.create_connection(("127.0.0.1", house.port), 60)
    s.sendall((f"PUT {path_of(href)} HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\n"
               + ("Expect: 100-continue\r\n" if taken else "")
               + f"Content-Length: {length}\r\n\r\n").encode())
    if taken:
        assert s.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    return s


def answer_of(s):
    """Status and body of the one answer that comes on this socket."""
    import http.client
    r = http.client.HTTPResponse(s)
    r.begin()
    return r.status, dict(r.getheaders()), r.read()


# ---- commits ----

def file_op(path, data):
    import base64
    return {"key": "file", "value": {"path": path, "encoding": "base64",
                                     "content": base64.b64encode(data).decode()}}


def lfs_op(path, data_or_oid, size=None):
    if isinstance(data_or_oid, bytes):
        data_or_oid, size = sha256(data_or_oid), len(data_or_oid)
    value = {"path": path, "algo": "sha256", "oid": data_or_oid}
    if size is not None:
        value["size"] = size
    return {"key": "lfsFile", "value": value}


def commit(house, repo, *ops, token="admin", kind="model", rev="main", raw=None):
    lines = [{"key": "header", "value": {"summary": "by hand", "description": ""}}, *ops]
    body = "".join(json.dumps(line) + "\n" for line in lines) if raw is None else raw
    return house.request("POST", f"/api/{PLURAL[kind]}/{repo}/commit/{rev}", token=token,
                         data=body, headers={"Content-Type": "application/x-ndjson"})


def publish(house, repo, files, token="admin", kind="model", delete=()):
    """Upload large files and commit them, without those to delete; the commit's object name."""
    for data in files.values():
        lfs_upload(house, repo, data, token=token, kind=kind)
    r = commit(house, repo, *[lfs_op(p, d) for p, d in files.items()],
               *[{"key": "deletedFile", "value": {"path": p}} for p in delete],
               token=token, kind=kind)
    assert r.status_code == 200, r.text
    return r.json()["commitOid"]


# ---- what came of it ----

def info(house, repo, kind="model", token="admin"):
    return house.get(f"/api/{PLURAL[kind]}/{repo}", token=token).json()


def decided(house, repo, kind="model", wait=60, token="admin"):
    """The tiers of the head, once it is decided."""
    end = time.monotonic() + wait
    while True:
        w = info(house, repo, kind, token)["weighhouse"]
        if w["state"] == "decided":
            return w["tiers"]
        assert time.monotonic() < end, f"{repo} is still {w['state']}\n{house.log()[-3000:]}"
        time.sleep(0.05)


def release(house, repo, kind="model", rev="main", token="admin"):
    r = house.get(f"/api/weighhouse/v1/{PLURAL[kind]}/{repo}/revision/{rev}/release", token=token)
    assert r.status_code == 200, r.text
    return r.json()


def register_size(house):
    return int(house.get("/register/checkpoint").text.split("\n")[1])


def leaves(house):
    """All leaves of the register, as text."""
    from math import ceil
    size, out = register_size(house), []
    for tile in range(ceil(size / 256)):
        width = min(256, size - 256 * tile)
        name = f"{tile:03}" + ("" if width == 256 else f".p/{width}")
        data = house.get(f"/register/tile/entries/{name}").content
        while data:
            n = struct.unpack(">H", data[:2])[0]
            out.append(data[2:2 + n].decode())
            data = data[2 + n:]
    assert len(out) == size
    return out


def stop_a_scanner(zygote, wait=30):
    """Let a stopped zygote go, and stop the first scanner that it forks as soon as it
    is there."""
    os.kill(zygote, signal.SIGCONT)
    end = time.monotonic() + wait
    while time.monotonic() < end:
        with open(f"/proc/{zygote}/task/{zygote}/children") as f:
            pids = f.read().split()
        if pids:
            os.kill(int(pids[0]), signal.SIGSTOP)
            return int(pids[0])
    raise AssertionError("no scanner was started")


def in_a_thread(fn):
    """Start it; a function that waits for its result."""
    got = []
    t = threading.Thread(target=lambda: got.append(fn()))
    t.start()

    def wait():
        t.join(120)
        return got[0]
    return wait


def kill_a_scanner(zygote, prepare):
    """Kill the first scanner of what prepare(turn) gives, and give what that says. On a busy machine
    a scanner may be gone before it is seen: then another turn is tried."""
    for turn in range(10):
        run = prepare(turn)
        os.kill(zygote, signal.SIGSTOP)
        answer = in_a_thread(run)
        time.sleep(0.5)  # the job waits at the zygote's door
        try:
            os.kill(stop_a_scanner(zygote, wait=5), signal.SIGKILL)
        except AssertionError:
            answer()
            continue
        return answer()
    raise AssertionError("no scanner was seen")


def is_an_error(r, status):
    """Every refusal speaks to the client library and to programs alike."""
    assert r.status_code == status, (r.status_code, r.text)
    sentence = r.headers["X-Error-Message"]
    assert len(sentence) > 5 and sentence.isprintable()
    assert isinstance(r.json()["error"], str) and r.json()["error"]
    return sentence
