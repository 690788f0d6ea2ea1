"""What bad input gets: a clear sentence in the caller's language, nothing opened,
nothing lost, nothing left behind, and a house that answers the next request."""

import json
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import time

import pytest

import weights
from conftest import House, new_base
from hands import (MIB, actions, answer_of, batch, begin_put, commit, decided, file_op,
                   info, is_an_error, lfs_op, lfs_upload, path_of, publish, put, release, sha256)

PART = 5 * MIB


@pytest.fixture(scope="module")
def house():
    h = House(new_base(), config="[uploads]\npart_size = 5M\nsweep_seconds = 1\n").start()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    log = h.log()
    assert "Sanitizer" not in log and "panic" not in log, log[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture
def repo(house, request):
    name = "admin/" + request.node.name.split("[")[0].replace("_", "-")[:60] + \
        f"-{abs(hash(request.node.name)) % 100000}"
    house.api().create_repo(name, exist_ok=True)
    return name


def alive(house):
    assert house.get("/api/whoami-v2", token="admin").status_code == 200


def leftovers(house):
    """Files of containers that no content and no upload needs."""
    with sqlite3.connect(f"file:{house.data}/house.db?mode=ro", uri=True, timeout=20) as db:
        needed = {row[0] for row in db.execute(
            "SELECT container FROM content_container UNION SELECT container FROM upload_part "
            "UNION SELECT container FROM xorb")}
    return [f.name for f in (house.data / "sealed").rglob("*")
            if f.is_file() and f.name not in needed]


def nothing_left(house, wait=30):
    end = time.monotonic() + wait
    while left := leftovers(house):
        assert time.monotonic() < end, left
        time.sleep(0.1)


# ---- model headers that lie ----

def header(text, data=b""):
    return weights.safetensors_raw(text, data)


def tensor(**kw):
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **kw}


GOOD = weights.safetensors({"a": (64,), "b": (64,)})
GGUF = weights.gguf(2)
LIES = {
    "truncated in the data": GOOD[:-7],
    "truncated in the header": GOOD[:40],
    "a length and no more": GOOD[:8],
    "header longer than the file": struct.pack("<Q", 1 << 40) + b"{}",
    "header of 2^63 bytes": struct.pack("<Q", 1 << 63) + b"{}" * 20,
    "header of 2^64-1 bytes": struct.pack("<Q", (1 << 64) - 1) + b"{}" * 20,
    "duplicate key": header('{"a":%s,"a":%s}' % (2 * (json.dumps(tensor()),)), bytes(16)),
    "duplicate key inside": header(
        '{"a":{"dtype":"F32","dtype":"F64","shape":[4],"data_offsets":[0,16]}}', bytes(16)),
    "2^63 elements": header(json.dumps({"a": tensor(shape=[1 << 63])}), bytes(16)),
    "2^62 by 4 elements": header(json.dumps({"a": tensor(shape=[1 << 62, 4])}), bytes(16)),
    "a negative shape": header(json.dumps({"a": tensor(shape=[-4])}), bytes(16)),
    "a shape that does not fit": header(json.dumps({"a": tensor(shape=[5])}), bytes(16)),
    "offsets behind the end": header(json.dumps({"a": tensor(data_offsets=[0, 1600])}), bytes(16)),
    "offsets that overlap": header(json.dumps({
        "a": tensor(), "b": tensor(data_offsets=[8, 24])}), bytes(24)),
    "a hole between tensors": header(json.dumps({
        "a": tensor(), "b": tensor(data_offsets=[32, 48])}), bytes(48)),
    "bytes behind the end": GOOD + b"x" * 100,
    "unknown dtype": header(json.dumps({"a": tensor(dtype="F99")}), bytes(16)),
    "deep header": header('{"a":' + "[" * 50_000 + "]" * 50_000 + "}", bytes(16)),
    "not UTF-8": header(b'{"\xff\xfe":' + json.dumps(tensor()).encode() + b"}", bytes(16)),
    "gguf truncated": GGUF[:-5],
    "gguf header only": GGUF[:24],
    "gguf of 2^63 tensors": GGUF[:8] + struct.pack("<Q", 1 << 63) + GGUF[16:],
    "gguf of 2^63 keys": GGUF[:16] + struct.pack("<Q", 1 << 63) + GGUF[24:],
    "gguf key of 2^63 bytes": GGUF[:24] + struct.pack("<Q", 1 << 63) + GGUF[32:],
    "gguf with bytes behind": GGUF + os.urandom(5000),
    "gguf version 99": GGUF[:4] + struct.pack("<I", 99) + GGUF[8:],
    "gguf duplicate key": GGUF.replace(b"llama.block_count", b"llama.block_same_")
    .replace(b"llama.embedding_length", b"llama.block_same_12345"),
    "gguf duplicate tensor": GGUF.replace(b"blk.0.t1", b"blk.0.t0"),
    "random bytes": os.urandom(4000),
    "a program": open("/bin/true", "rb").read(),
    "a program behind the name of a tokenizer": open("/bin/true", "rb").read(),
    "an empty zip": b"PK\5\6" + bytes(18),
    "a pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
}
# equal lengths are needed for the two keys to be the same
LIES["gguf duplicate key"] = GGUF.replace(b"llama.block_count", b"llama.key_number1") \
    .replace(struct.pack("<Q", 22) + b"llama.embedding_length",
             struct.pack("<Q", 17) + b"llama.key_number1")


@pytest.fixture(scope="module")
def lies(house):
    """One repo for each; all are there before the first is asked for."""
    names = {}
    for i, (what, data) in enumerate(LIES.items()):
        names[what] = f"admin/lie-{i}"
        house.api().create_repo(names[what])
        path = "tokenizer.model" if "tokenizer" in what else \
            "m.gguf" if what.startswith("gguf") else "m.safetensors"
        publish(house, names[what], {path: data})
    return names


@pytest.mark.parametrize("what", LIES)
def test_a_file_that_lies_is_held_with_a_sentence(house, lies, what):
    name = lies[what]
    tiers = decided(house, name)
    assert tiers["weights"] == "held", tiers
    path = [s["rfilename"] for s in info(house, name)["siblings"] if "." in s["rfilename"][1:]][-1]
    r = house.get(f"/{name}/resolve/main/{path}", token="admin")
    sentence = is_an_error(r, 403)
    assert "held by line" in sentence and "Until 20" in sentence
    doc = json.dumps(release(house, name)["decision"]["document"])
    assert "files.verifiable" in doc or "findings.danger" in doc
    assert not (house.data / "open" / sha256(LIES[what])[:2] / sha256(LIES[what])).exists()
    alive(house)


def test_a_program_is_a_finding(house, lies):
    for what in ("a program", "a program behind the name of a tokenizer"):
        text = json.dumps(release(house, lies[what]))
        assert '"seen": "1' in text or "findings.danger" in text
        assert "does something dangerous" in text


def test_good_files_are_open(house, repo):
    """The ground on which the lies above are told."""
    publish(house, repo, {"m.safetensors": GOOD, "m.gguf": GGUF})
    assert decided(house, repo)["weights"] == "open"


# ---- uploads that go wrong ----

def test_an_upload_that_breaks_off(house, repo):
    data = os.urandom(3 * MIB)
    href = actions(house, repo, data)["upload"]["href"]
    for cut in (0, 1, 65536, 2 * MIB):
        with begin_put(house, href, len(data)) as s:
            s.sendall(data[:cut])
    is_an_error(commit(house, repo, lfs_op("x.bin", data)), 422)
    nothing_left(house)
    assert put(house, href, data).status_code == 200
    assert commit(house, repo, lfs_op("x.bin", data)).status_code == 200


def test_too_few_too_many_and_other_bytes(house, repo):
    data = os.urandom(200_000)
    href = actions(house, repo, data)["upload"]["href"]
    for bad, status in ((data[:-1], 422), (b"", 422), (data + b"x", 413), (data * 3, 413),
                        (data[:-1] + bytes([data[-1] ^ 1]), 422)):
        sentence = is_an_error(put(house, href, bad), status)
        assert "announced" in sentence, sentence
        is_an_error(commit(house, repo, lfs_op("x.bin", data)), 422)
    # announced in one length, sent in chunks of no announced length
    r = house.request("PUT", path_of(href), data=iter([data[:1000], data[1000:-1]]))
    assert r.status_code in (411, 422), r.text
    r = house.request("POST", path_of(actions(house, repo, data)["verify"]["href"]),
                      token="admin", json={"oid": sha256(data), "size": len(data)})
    is_an_error(r, 404)
    nothing_left(house)
    assert put(house, href, data).status_code == 200
    for size, status in ((len(data), 200), (len(data) + 1, 404), (-1, 404)):
        r = house.request("POST", path_of(batch(house, repo, [("0" * 64, 5)]).json()["objects"][0]
                                          ["actions"]["verify"]["href"]).replace("0" * 64, sha256(data)),
                          token="admin", json={"oid": sha256(data), "size": size})
        assert r.status_code == status, (size, r.text)


def test_a_size_that_was_a_lie_from_the_start(house, repo):
    """The batch names another size than the bytes have: nothing fits any more."""
    data = os.urandom(70_000)
    r = batch(house, repo, [(sha256(data), 60_000)])
    href = r.json()["objects"][0]["actions"]["upload"]["href"]
    is_an_error(put(house, href, data), 413)
    is_an_error(put(house, href, data[:60_000]), 422)
    lfs_upload(house, repo, data)
    is_an_error(commit(house, repo, lfs_op("x.bin", sha256(data), 60_000)), 422)


@pytest.fixture
def parts(house, repo):
    """A multipart upload of three parts that has begun."""
    data = os.urandom(2 * PART + 1000)
    a = actions(house, repo, data)
    header = a["upload"]["header"]
    assert int(header["chunk_size"]) == PART
    links = {int(k): v for k, v in header.items() if k != "chunk_size"}
    assert sorted(links) == [1, 2, 3]

    class Parts:
        pass

    p = Parts()
    p.data, p.links, p.repo = data, links, repo
    p.piece = lambda n: data[(n - 1) * PART:n * PART]
    p.send = lambda n, piece=None: put(house, links[n], p.piece(n) if piece is None else piece)
    p.complete = lambda: house.request("POST", path_of(a["upload"]["href"]), timeout=60,
                                       json={"oid": sha256(data), "parts": []})
    return p


def test_parts_in_any_order_and_more_than_once(house, parts):
    for n in (3, 1, 2, 1, 3):
        r = parts.send(n)
        assert r.status_code == 200 and r.headers["ETag"]
    assert parts.complete().status_code == 200
    assert parts.complete().status_code == 200  # the first answer may have been lost
    assert commit(house, parts.repo, lfs_op("x.bin", parts.data)).status_code == 200
    nothing_left(house)


def test_parts_that_are_missing(house, parts):
    is_an_error(parts.complete(), 400)
    for n in (3, 1):
        assert parts.send(n).status_code == 200
        is_an_error(parts.complete(), 400)
    assert "part" in is_an_error(parts.complete(), 400)
    is_an_error(commit(house, parts.repo, lfs_op("x.bin", parts.data)), 422)
    assert parts.send(2).status_code == 200
    assert parts.complete().status_code == 200


def test_parts_of_the_wrong_size_or_content(house, parts):
    for n, piece, status in ((1, parts.piece(1)[:-1], 422), (3, parts.piece(1), 413),
                             (2, parts.piece(2) + b"x", 413), (1, b"", 422)):
        is_an_error(parts.send(n, piece), status)
    assert parts.send(1, parts.piece(2)).status_code == 200  # the right size
    assert parts.send(2).status_code == parts.send(3).status_code == 200
    assert "SHA-256" in is_an_error(parts.complete(), 422)
    is_an_error(commit(house, parts.repo, lfs_op("x.bin", parts.data)), 422)
    assert parts.send(1).status_code == 200
    assert parts.complete().status_code == 200
    nothing_left(house)


def test_a_multipart_upload_of_another_size_begins_anew(house, repo):
    data = os.urandom(PART + 500)
    for size in (3 * PART, len(data) + 1):
        r = batch(house, repo, [(sha256(data), size)])
        first = r.json()["objects"][0]["actions"]["upload"]["header"]["1"]
        assert put(house, first, data[:PART]).status_code == 200
    a = actions(house, repo, data)["upload"]
    links = {k: v for k, v in a["header"].items() if k != "chunk_size"}
    assert sorted(links) == ["1", "2"]
    for n in ("2", "1"):
        assert put(house, links[n], data[(int(n) - 1) * PART:int(n) * PART]).status_code == 200
    r = house.request("POST", path_of(a["href"]), json={}, timeout=60)
    assert r.status_code == 200, r.text
    assert commit(house, repo, lfs_op("x.bin", data)).status_code == 200
    nothing_left(house)


def test_a_part_that_breaks_off_keeps_the_one_before(house, parts):
    for n in (1, 2, 3):
        assert parts.send(n).status_code == 200
    with begin_put(house, parts.links[2], PART) as s:
        s.sendall(bytes(MIB))
    assert parts.complete().status_code == 200
    nothing_left(house)


def sealed_form_is_there(house, data):
    """After two rounds of the sweep every container of this content still has its row
    and its file."""
    time.sleep(2.2)
    with sqlite3.connect(f"file:{house.data}/house.db?mode=ro", uri=True, timeout=20) as db:
        rows = db.execute(
            "SELECT x.container, c.state FROM content t JOIN content_container x "
            "ON x.content = t.id LEFT JOIN container c ON c.id = x.container "
            "WHERE t.sha256 = ?", (sha256(data),)).fetchall()
    assert rows and all(state == 2 for _, state in rows), rows
    names = {f.name for f in (house.data / "sealed").rglob("*")}
    assert {name for name, _ in rows} <= names


def test_two_completions_at_once(house, parts):
    from concurrent.futures import ThreadPoolExecutor
    for n in (1, 2, 3):
        assert parts.send(n).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: parts.complete().status_code, range(8)))
    assert codes == [200] * 8
    assert commit(house, parts.repo, lfs_op("x.bin", parts.data)).status_code == 200
    sealed_form_is_there(house, parts.data)


def test_parts_sent_again_during_a_completion(house, parts):
    """The completion takes them, or says that it did not."""
    from concurrent.futures import ThreadPoolExecutor
    for n in (1, 2, 3):
        assert parts.send(n).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(parts.send, n) for n in (3, 1, 3, 2)]
        done = [pool.submit(parts.complete) for _ in range(4)]
        assert {r.result().status_code for r in done} <= {200, 409}
        assert {r.result().status_code for r in sent} <= {200, 404}
    if 200 not in {r.result().status_code for r in done}:
        assert parts.complete().status_code == 200
    assert commit(house, parts.repo, lfs_op("x.bin", parts.data)).status_code == 200
    sealed_form_is_there(house, parts.data)
    nothing_left(house)


def test_the_same_object_sent_twice_at_once(house, repo):
    from concurrent.futures import ThreadPoolExecutor
    data = weights.safetensors({"w": (400, 100)})
    href = actions(house, repo, data)["upload"]["href"]
    with ThreadPoolExecutor(4) as pool:
        assert [r.status_code for r in pool.map(lambda _: put(house, href, data), range(4))] == \
            [200] * 4
    assert commit(house, repo, lfs_op("m.safetensors", data)).status_code == 200
    assert decided(house, repo)["weights"] == "open"
    assert house.get(f"/{repo}/resolve/main/m.safetensors").content == data
    nothing_left(house)


def test_the_same_file_committed_many_times_at_once(fresh_house):
    """Opened once, whole at every moment, and every revision is decided at once, not
    by the next sweep."""
    from concurrent.futures import ThreadPoolExecutor
    house = fresh_house("[uploads]\nsweep_seconds = 3600\n").start()

    def one(repo, i, data):
        r = commit(house, repo, lfs_op(f"dir{i}/m.safetensors", data), rev=f"b{i}")
        assert r.status_code == 200, r.text
        sha, end = r.json()["commitOid"], time.monotonic() + 30
        while (r := house.get(f"/{repo}/resolve/{sha}/dir{i}/m.safetensors")).status_code != 200:
            assert time.monotonic() < end, r.text
        assert sha256(r.content) == sha256(data)
        while release(house, repo, rev=sha)["state"] != "decided":
            assert time.monotonic() < end, house.log()[-3000:]
            time.sleep(0.05)

    for n in range(4):
        repo = f"admin/m{n}"
        house.api().create_repo(repo)
        data = weights.safetensors({"w": ((2 + 3 * n) * MIB,)}, dtype="U8")
        lfs_upload(house, repo, data)
        for i in range(6):
            house.api().create_branch(repo, branch=f"b{i}")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda i: one(repo, i, data), range(6)))
    assert "put-off" not in house.log()


# ---- requests that are malformed ----

OPS = lambda *ops: "".join(json.dumps(o) + "\n" for o in (
    {"key": "header", "value": {"summary": "s", "description": ""}}, *ops))
FILE = file_op("a.txt", b"x")
BAD_COMMITS = {
    "empty": "",
    "not JSON": "hello\n",
    "half a line": '{"key": "header", "value": {"summ',
    "a list": "[]\n",
    "no header": json.dumps(FILE) + "\n",
    "header alone and twice": OPS() + OPS(FILE),
    "header last": json.dumps(FILE) + "\n" + OPS(),
    "unknown key": OPS({"key": "surprise", "value": {}}),
    "no value": OPS({"key": "file"}),
    "value is text": OPS({"key": "file", "value": "x"}),
    "no path": OPS({"key": "file", "value": {"content": "eA=="}}),
    "path is a number": OPS({"key": "file", "value": {"path": 5, "content": "eA=="}}),
    "no content": OPS({"key": "file", "value": {"path": "a"}}),
    "bad base64": OPS({"key": "file", "value": {"path": "a", "content": "%%%", "encoding": "base64"}}),
    "unknown encoding": OPS({"key": "file", "value": {"path": "a", "content": "x", "encoding": "rot13"}}),
    "duplicate keys": OPS().replace('"summary": "s"', '"summary": "s", "summary": "t"') +
    json.dumps(FILE) + "\n",
    "deep": '{"key":"header","value":' + "[" * 5000 + "]" * 5000 + "}\n",
    "two values in a line": OPS(FILE).strip() + json.dumps(FILE) + "\n",
    "not UTF-8": OPS().encode() + b'{"key":"file","value":{"path":"\xff","content":"eA=="}}\n',
    "a lone surrogate": OPS() + '{"key":"file","value":{"path":"\\ud800","content":"eA=="}}\n',
    "a NUL": OPS() + '{"key":"file","value":{"path":"a\\u0000b","content":"eA=="}}\n',
    "lfs without oid": OPS({"key": "lfsFile", "value": {"path": "a"}}),
    "lfs with a short oid": OPS(lfs_op("a", "abc", 5)),
    "lfs with another algorithm": OPS({"key": "lfsFile", "value": {
        "path": "a", "algo": "md5", "oid": "0" * 64, "size": 5}}),
    "lfs with a negative size": OPS(lfs_op("a", "0" * 64, -5)),
    "lfs with a size in text": OPS(lfs_op("a", "0" * 64, "5")),
    "the same path twice": OPS(FILE, file_op("a.txt", b"y")),
    "a file under a file": OPS(FILE, file_op("a.txt/b", b"y")),
    "bad parent": OPS(FILE).replace('"description"', '"parentCommit": "zz", "description"'),
    "bad front matter": OPS(file_op("README.md", b"---\na: [\n---\n")),
}
PATHS = ["", "/", "/a", "a/", "a//b", "../a", "a/../b", ".", "./a", "a/.", ".git/config",
         "a/.git/x", ".GIT/hooks", "a\\b", "con\x01trol", "a\nb", "x" * 5000, "a/" * 600 + "b",
         "git~1/x", "GIT~1", ".git.", ".git /x", ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config",
         ".gi\ufefft", "\u206a.GIT\u202e/x"]
NAMES = [".gitignore", ".github/x", "git", "a.git", "git~2", "a:b", "\u200c", "e\u0301t\u00e9", "x" * 255]


@pytest.mark.parametrize("what", BAD_COMMITS)
def test_commits_that_are_malformed(house, house_repo, what):
    before = info(house, house_repo)["sha"]
    body = BAD_COMMITS[what]
    r = commit(house, house_repo, raw=body if isinstance(body, bytes) else body.encode())
    assert r.status_code in (400, 412, 413, 422), (what, r.status_code, r.text)
    is_an_error(r, r.status_code)
    assert info(house, house_repo)["sha"] == before


@pytest.fixture(scope="module")
def house_repo(house):
    house.api().create_repo("admin/malformed")
    return "admin/malformed"


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_no_checkout_should_see(house, house_repo, path):
    for op in (file_op(path, b"x"), {"key": "deletedFile", "value": {"path": path}}):
        r = commit(house, house_repo, op)
        assert r.status_code in (400, 404), (path, r.status_code, r.text)
        is_an_error(r, r.status_code)
    r = house.request("POST", f"/api/models/{house_repo}/preupload/main", token="admin",
                      json={"files": [{"path": path, "size": 5, "sample": "eA=="}]})
    is_an_error(r, 400)


def test_paths_that_are_only_strange(house, repo):
    r = commit(house, repo, *[file_op(path, b"x") for path in NAMES])
    assert r.status_code == 200, r.text
    assert set(NAMES) <= set(house.api().list_repo_files(repo))


def test_a_mistake_in_the_last_line_takes_all_back(house, house_repo):
    before = info(house, house_repo)["sha"]
    r = commit(house, house_repo, *[file_op(f"many/{i}", b"x") for i in range(50)],
               file_op("../out", b"x"))
    is_an_error(r, 400)
    assert info(house, house_repo)["sha"] == before


def test_weights_as_regular_files_are_refused_with_the_way_to_go(house, house_repo):
    for name, data in (("m.safetensors", GOOD), ("m.gguf", GGUF), ("notes.txt", GOOD),
                       ("README.md", GGUF), ("run.sh", open("/bin/true", "rb").read()),
                       ("data.bin", os.urandom(3000))):
        sentence = is_an_error(commit(house, house_repo, file_op(name, data)), 422)
        assert "LFS" in sentence and name in sentence, sentence
    assert commit(house, house_repo, file_op("fine.txt", b"words\n")).status_code == 200


@pytest.mark.parametrize("method,path", [
    ("GET", "/api/models/admin/malformed/tree/main?cursor=%00"),
    ("GET", "/api/models/admin/malformed/tree/main?cursor=" + "A" * 3000),
    ("GET", "/api/models?cursor=nonsense"),
    ("GET", "/api/models?cursor=e30%3D"),
    ("GET", "/api/models?cursor=" + "%ff" * 50),
    ("GET", "/api/models?limit=-1"),
    ("GET", "/api/models?limit=99999999999999999999"),
    ("GET", "/api/models?sort=surprise"),
    ("GET", "/api/models/admin/malformed/commits/main?p=-1"),
    ("GET", "/api/models/admin/malformed/revision/%2e%2e"),
    ("GET", "/api/models/admin/malformed/revision/" + "f" * 41),
    ("GET", "/api/models/admin/malformed/tree/main/..%2f..%2f"),
    ("GET", "/api/models/%2e%2e/%2e%2e"),
    ("GET", "/api/models/admin/%00"),
    ("GET", "/api/models/admin/" + "x" * 3000),
    ("GET", "/admin/malformed/resolve/main/%2e%2e/%2e%2e/admin.token"),
    ("GET", "/admin/malformed/resolve/main/..%2f..%2fadmin.token"),
    ("GET", "/admin/malformed/resolve/main/%ff"),
    ("GET", "/admin/malformed/resolve//fine.txt"),
    ("GET", "/register/tile/entries/../../house.db"),
    ("GET", "/register/tile/0/%2e%2e%2fcheckpoint"),
    ("GET", "/register/tile/9/999"),
    ("GET", "/register/tile/entries/-01"),
    ("GET", "/register/proof/nothing"),
    ("GET", "/register/proof/99999999999999999999"),
    ("GET", "/register/checkpoint/../vkey"),
    ("GET", "/api/upload/zz/whole"),
    ("PATCH", "/api/models/admin/malformed"),
    ("POST", "/api/whoami-v2"),
    ("DELETE", "/register/checkpoint"),
    ("GET", "/api/nothing/here"),
])
def test_addresses_that_lead_nowhere(house, house_repo, method, path):
    """Sent as written: no client may tidy them up."""
    with socket.create_connection(("127.0.0.1", house.port), 20) as s:
        s.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
                  f"{house.token}\r\nConnection: close\r\n\r\n".encode())
        status, headers, body = answer_of(s)
    if status == 200:  # a strange cursor may be the first page, never anything else
        assert path.startswith("/api/models") and "?" in path, (path, body[:200])
        assert json.loads(body) is not None
        return
    assert 400 <= status < 500, (status, body)
    assert json.loads(body)["error"]
    assert headers["X-Error-Message"], headers
    assert house.token.encode() not in body


BAD_JSON = [b"{", b"[1,2", b'{"a":1,"a":2}', b"[" * 100_000, b'{"x":"\xff"}', b"null", b"5", b'"x"',
            b'{"files":' + b"[" * 3000 + b"]" * 3000 + b"}", b"{} {}", b"NaN", b"\xef\xbb\xbf{}",
            b'{"name": 1e999}']


@pytest.mark.parametrize("method,path", [
    ("POST", "/api/repos/create"),
    ("DELETE", "/api/repos/delete"),
    ("PUT", "/api/models/admin/malformed/settings"),
    ("POST", "/api/models/admin/malformed/preupload/main"),
    ("POST", "/api/models/admin/malformed/paths-info/main"),
    ("POST", "/api/models/admin/malformed/branch/x"),
    ("POST", "/admin/malformed.git/info/lfs/objects/batch"),
    ("POST", "/api/weighhouse/v1/organizations"),
    ("POST", "/api/weighhouse/v1/users"),
    ("POST", "/api/weighhouse/v1/tokens"),
    ("POST", "/api/validate-yaml"),
])
def test_bodies_that_are_no_good_json(house, house_repo, method, path):
    for body in BAD_JSON:
        r = house.request(method, path, token="admin", data=body,
                          headers={"Content-Type": "application/json"})
        assert r.status_code in (400, 413), (body[:40], r.status_code, r.text[:200])
        is_an_error(r, r.status_code)
    huge = b'{"name":"' + b"x" * (9 * MIB) + b'"}'
    try:
        r = house.request(method, path, token="admin", data=huge)
    except OSError:
        r = None  # cut off while still sending: allowed by HTTP
    if r is not None:
        assert r.status_code in (400, 413), r.text[:200]
        is_an_error(r, r.status_code)
    alive(house)


def test_batches_that_are_malformed(house, house_repo):
    ask = lambda body: house.request("POST", f"/{house_repo}.git/info/lfs/objects/batch",
                                     token="admin", json=body)
    good = {"oid": "0" * 64, "size": 5}
    is_an_error(ask({"operation": "upload", "objects": [good] * 1001}), 413)
    for body in ({"objects": [good]}, {"operation": 5, "objects": [good]},
                 {"operation": "upload", "objects": [5]},
                 {"operation": "upload", "objects": [{"oid": "0" * 64}]},
                 {"operation": "upload", "objects": [{"oid": 5, "size": 5}]},
                 {"operation": "upload", "objects": [{"oid": "0" * 64, "size": "5"}]},
                 {"operation": "surprise", "objects": [good]}):
        is_an_error(ask(body), 400)
    for oid, size in (("x", 5), ("0" * 63, 5), ("0" * 64, -1), ("A" * 64, 5), ("", 0)):
        o = ask({"operation": "upload", "objects": [{"oid": oid, "size": size}]}).json()["objects"][0]
        assert o["error"]["code"] == 422 and "actions" not in o
    o = ask({"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1 << 62}]}).json()
    assert o["objects"][0]["error"]["code"] in (413, 507)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "",
                                  "127.0.0.1@evil", "1.27.0.0", "[::1", "a" * 300, "x y"])
def test_hosts_that_we_are_not(house, host):
    with socket.create_connection(("127.0.0.1", house.port), 20) as s:
        s.sendall(f"GET /api/whoami-v2 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        status, headers, body = answer_of(s)
    assert status in (400, 421), (status, body)
    assert json.loads(body)["error"] and headers["X-Error-Message"]


def test_hosts_that_we_are(house):
    for host in ("localhost", f"localhost:{house.port}", "127.0.0.1", "LocalHost"):
        r = house.get("/api/whoami-v2", token="admin", headers={"Host": host})
        assert r.status_code == 200, host


# ---- a full disk ----

def test_a_disk_at_its_floor(fresh_house):
    """What brings bytes is refused with a sentence, all else goes on; it recovers."""
    house = fresh_house().start()
    free = shutil.disk_usage(house.data)
    if free.free > free.total * 0.9:
        pytest.skip("the disk is too empty for a floor of 90 percent")
    house.api().create_repo("admin/full")
    data = os.urandom(100_000)
    assert commit(house, "admin/full", file_op("a.txt", b"small\n")).status_code == 200
    house.stop()
    house.extra = "[limits]\nfree_percent = 90\n"
    house.start()
    o = batch(house, "admin/full", [(sha256(data), len(data))]).json()["objects"][0]
    assert o["error"]["code"] == 507 and "nearly full" in o["error"]["message"]
    assert "nearly full" in is_an_error(commit(house, "admin/full", file_op("b.txt", b"x")), 507)
    assert house.get("/admin/full/resolve/main/a.txt").text == "small\n"
    house.stop()
    house.extra = ""
    house.start()
    publish(house, "admin/full", {"x.bin": data})
    assert house.get("/admin/full/resolve/main/a.txt").text == "small\n"


@pytest.fixture
def small_disk(fresh_house):
    """A house one of whose folders is a file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    house = fresh_house("[limits]\nfree_percent = 0\n[uploads]\nsweep_seconds = 1\n")
    mounted = []

    def mount(folder):
        path = house.data / folder
        path.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", path],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip("no file system can be mounted here: " + done.stderr.strip())
        mounted.append(path)
        return house.start(), path

    yield mount
    house.kill()
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path):
    """Take all the room there is; the file that took it."""
    with open(path / "hog", "wb", buffering=0) as f:
        for step in (MIB, 4096):
            try:
                while f.write(bytes(step)) == step:
                    pass
            except OSError:
                pass
    return path / "hog"


def test_a_disk_that_fills_up_under_an_upload(small_disk):
    """Between the check and the last byte somebody else took the space."""
    house, disk = small_disk("sealed")
    house.api().create_repo("admin/m")
    kept = weights.safetensors({"w": (MIB,)}, dtype="U8")
    publish(house, "admin/m", {"kept.safetensors": kept})
    assert decided(house, "admin/m")["weights"] == "open"
    data = weights.safetensors({"w": (8 * MIB,)}, dtype="U8")
    href = actions(house, "admin/m", data)["upload"]["href"]
    with begin_put(house, href, len(data)) as s:
        s.sendall(data[:MIB])
        time.sleep(0.2)
        hog = fill(disk)
        try:
            s.sendall(data[MIB:])
        except OSError:
            pass
        status, headers, body = answer_of(s)
    assert status == 507, (status, body)
    assert "space" in json.loads(body)["error"] and headers["X-Error-Message"]
    is_an_error(put(house, href, data), 507)
    o = batch(house, "admin/m", [("0" * 64, 20 * MIB)]).json()["objects"][0]
    assert o["error"]["code"] == 507
    # what needs no room goes on
    assert house.get("/admin/m/resolve/main/kept.safetensors").content == kept
    assert commit(house, "admin/m", file_op("a.txt", b"words\n")).status_code == 200
    hog.unlink()
    assert put(house, href, data).status_code == 200
    assert commit(house, "admin/m", lfs_op("m.safetensors", data)).status_code == 200
    assert decided(house, "admin/m")["weights"] == "open"
    assert house.get("/admin/m/resolve/main/m.safetensors").content == data
    nothing_left(house)
    assert house.stop() == 0


def test_a_disk_that_is_full_when_weights_are_opened(small_disk):
    """What was uploaded and committed is not lost for that: it opens later."""
    house, disk = small_disk("open")
    house.api().create_repo("admin/m")
    hog = fill(disk)
    data = weights.safetensors({"w": (3 * MIB,)}, dtype="U8")
    publish(house, "admin/m", {"m.safetensors": data})
    r = house.get("/admin/m/resolve/main/m.safetensors")
    assert r.status_code in (200, 401), r.status_code
    assert r.status_code == 401 or r.content == data
    alive(house)
    hog.unlink()
    assert decided(house, "admin/m")["weights"] == "open"
    assert house.get("/admin/m/resolve/main/m.safetensors").content == data
    assert [f.name for f in disk.rglob("*") if f.is_file()] == [sha256(data)]
    nothing_left(house)
    assert house.stop() == 0
