"""Uploads by the Xet protocol: the real client with nothing disabled, and what it
would never send."""

import base64
import hashlib
import json
import os
import secrets
import socket
import sqlite3
import time

import pytest
from huggingface_hub import CommitOperationAdd

import weights
import xet_wire as wire

MIB = 1 << 20


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def database(house):
    return sqlite3.connect(next(house.data.glob("*.db")), timeout=20)


def new_account(house, name):
    """An account and its token, as the operator's tools make them."""
    token = "hf_" + secrets.token_hex(20)
    now = time.time_ns() // 1000
    with database(house) as db:
        account = db.execute(
            "INSERT INTO account (public_id, org, name, fullname, email, operator, created) "
            "VALUES (?, 0, ?, '', '', 0, ?)", (secrets.token_hex(12), name, now)).lastrowid
        db.execute("INSERT INTO member (org, account, role, created) VALUES (?, ?, 3, ?)",
                   (account, account, now))
        db.execute("INSERT INTO token (hash, account, name, role, created) VALUES (?, ?, 't', 2, ?)",
                   (sha256(token.encode()), account, now))
    return token


@pytest.fixture
def repo(house, request):
    """A repo of the test's own."""
    name = f"admin/{request.node.name.split('[')[0].replace('_', '-')[:80]}"
    house.api().create_repo(name, exist_ok=True)
    return name


def commit(house, repo, path, data_or_sha, size=None, token="admin"):
    """A commit that refers to a large file by its digest alone."""
    if isinstance(data_or_sha, bytes):
        data_or_sha, size = sha256(data_or_sha), len(data_or_sha)
    lines = [{"key": "header", "value": {"summary": "large file", "description": ""}},
             {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": data_or_sha,
                                          "size": size}}]
    return house.request("POST", f"/api/models/{repo}/commit/main", token=token,
                         data="".join(json.dumps(line) + "\n" for line in lines),
                         headers={"Content-Type": "application/x-ndjson"})


def read_back(house, repo, path, token="admin", wait=60):
    """The file, once it has been weighed."""
    end = time.monotonic() + wait
    while True:
        r = house.get(f"/{repo}/resolve/main/{path}", token=token)
        if r.status_code == 200 or time.monotonic() > end:
            assert r.status_code == 200, r.text
            return r.content
        time.sleep(0.2)


def nothing_lies_about(house):
    """Every container that was not given up belongs to a xorb or to a content."""
    with database(house) as db:
        return db.execute(
            "SELECT count(*) FROM container c WHERE state <> 3 "
            "AND NOT EXISTS (SELECT 1 FROM xorb x WHERE x.container = c.id) "
            "AND NOT EXISTS (SELECT 1 FROM content_container y WHERE y.container = c.id)"
        ).fetchone()[0] == 0


def chunks_of(data, size=65536):
    return [data[i:i + size] for i in range(0, len(data), size)]


# ---- the real client ----

def test_large_files_with_common_parts(house, repo, tmp_path):
    """Several xorbs, chunks used twice, a file of one chunk, in one commit."""
    big = weights.safetensors({"a": (20 * MIB,)})  # 80 MiB
    big = big[:-20 * MIB] + big[20 * MIB:40 * MIB]
    inner = big[10 * MIB:60 * MIB]
    head = json.dumps({"x": {"dtype": "U8", "shape": [len(inner)],
                             "data_offsets": [0, len(inner)]}}).encode()
    head += b" " * (-len(head) % 8)
    shared = len(head).to_bytes(8, "little") + head + inner
    files = {"big.safetensors": big, "shared.safetensors": shared,
             "again.safetensors": big, "small.safetensors": weights.safetensors({"b": (3,)})}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    house.api().upload_folder(repo_id=repo, folder_path=tmp_path)
    for name, data in files.items():
        assert sha256(read_back(house, repo, name)) == sha256(data), name
    log = house.log()
    assert "/v1/xorbs/default/" in log and "/objects/batch" not in log
    assert "/v2/shards" in log and "/v1/shards" not in log
    with database(house) as db:
        xorbs, stored = db.execute(
            "SELECT count(*), sum(c.size) FROM xorb x JOIN container c ON c.id = x.container "
            "JOIN repo r ON r.id = x.repo WHERE r.full = ?", (repo,)).fetchone()
    assert xorbs >= 2
    # what is shared need not come again, if the client noticed in time
    assert stored < sum(map(len, files.values())) - 15 * MIB
    assert nothing_lies_about(house)


def test_what_went_to_one_repo_goes_to_the_next(house, repo):
    """Clients remember what they sent, and must not take it for known elsewhere."""
    data = weights.safetensors({"a": (MIB,)})
    other = repo + "-2"
    house.api().create_repo(other)
    for target in (repo, other, repo):
        house.api().upload_file(path_or_fileobj=data, path_in_repo="m.safetensors",
                                repo_id=target)
    changed = data[:-5000] + os.urandom(5000)
    house.api().upload_file(path_or_fileobj=changed, path_in_repo="n.safetensors", repo_id=repo)
    assert read_back(house, other, "m.safetensors") == data
    assert read_back(house, repo, "n.safetensors") == changed


def test_many_files_in_one_commit(house, repo):
    files = {f"{i}.safetensors": weights.safetensors({"a": (i + 1, 50)}) for i in range(40)}
    house.api().create_commit(repo, [CommitOperationAdd(p, d) for p, d in files.items()],
                              commit_message="many")
    for name in ("0.safetensors", "17.safetensors", "39.safetensors"):
        assert read_back(house, repo, name) == files[name]


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_other_kinds_of_repos(house, kind):
    api = house.api()
    extra = {"space_sdk": "static"} if kind == "space" else {}
    api.create_repo(f"admin/xet-{kind}", repo_type=kind, **extra)
    data = weights.parquet(300_000)
    api.upload_file(path_or_fileobj=data, path_in_repo="d.parquet", repo_type=kind,
                    repo_id=f"admin/xet-{kind}")
    assert read_back(house, f"{kind}s/admin/xet-{kind}", "d.parquet") == data


def test_an_upload_after_a_crash(fresh_house):
    """What was acknowledged before is still there, and may be named."""
    house = fresh_house().start()
    house.api().create_repo("admin/crash")
    data = weights.safetensors({"a": (MIB,)})
    house.api().upload_file(path_or_fileobj=data, path_in_repo="a.safetensors",
                            repo_id="admin/crash")
    token = wire.Client(house, "admin/crash").token
    house.kill()
    house.start()
    c = wire.Client(house, "admin/crash")
    assert c.post("/v1/shards", wire.shard([]), token=token).status_code == 401
    changed = data[:-9000] + os.urandom(9000)
    house.api().upload_file(path_or_fileobj=changed, path_in_repo="b.safetensors",
                            repo_id="admin/crash")
    assert read_back(house, "admin/crash", "b.safetensors") == changed


# ---- by hand ----

@pytest.mark.parametrize("footers", [False, True])
def test_a_file_made_by_hand(house, repo, footers):
    data = weights.safetensors({"a": (40000 + footers,)})
    xorb = wire.Xorb(chunks_of(data), footer=footers)
    c = wire.Client(house, repo)
    assert c.has(xorb.name) == 404
    r = c.put_xorb(xorb)
    assert (r.status_code, r.json()) == (200, {"was_inserted": True})
    assert c.has(xorb.name) == 200
    r = c.put_xorb(xorb)
    assert (r.status_code, r.json()) == (200, {"was_inserted": False})
    assert commit(house, repo, "m.safetensors", data).status_code == 422  # no shard yet
    f = wire.File([wire.Term(xorb)], sha256(data))
    r = c.put_shard([f], [xorb], footer=footers)
    assert (r.status_code, r.json()) == (200, {"result": 1}), r.text
    r = c.put_shard([f], [xorb], footer=footers)
    assert (r.status_code, r.json()) == (200, {"result": 0}), r.text
    assert commit(house, repo, "m.safetensors", data).status_code == 200
    assert read_back(house, repo, "m.safetensors") == data
    assert nothing_lies_about(house)


def test_chunks_as_the_javascript_client_cuts_them(house, repo):
    """It cuts at 8128 bytes where the rule of others says 8192."""
    data = weights.safetensors({"a": (50000,)})
    cuts = [64662, 8128, 1, len(data)]
    at, chunks = 0, []
    for n in cuts:
        chunks.append(data[at:at + n][:131072])
        at += len(chunks[-1])
    chunks += chunks_of(data[at:], 131072) if at < len(data) else []
    xorb = wire.Xorb(chunks)
    c = wire.Client(house, repo)
    assert c.put_xorb(xorb).status_code == 200
    r = c.put_shard([wire.File([wire.Term(xorb)], sha256(data))], [xorb])
    assert r.status_code == 200, r.text
    assert commit(house, repo, "m.safetensors", data).status_code == 200
    assert read_back(house, repo, "m.safetensors") == data


def test_terms_in_any_order_of_two_xorbs(house, repo):
    a, b = os.urandom(200_000), os.urandom(150_000)
    xa, xb = wire.Xorb(chunks_of(a, 50_000)), wire.Xorb(chunks_of(b, 50_000))
    c = wire.Client(house, repo)
    for x in (xa, xb):
        assert c.put_xorb(x).status_code == 200
    data = b[50_000:100_000] + a + a[:50_000] + b
    terms = [wire.Term(xb, 1, 2), wire.Term(xa), wire.Term(xa, 0, 1), wire.Term(xb)]
    r = c.put_shard([wire.File(terms, sha256(data))])
    assert r.status_code == 200, r.text
    assert commit(house, repo, "x.bin", data).status_code == 200


def test_shards_told_line_by_line(house, repo):
    data = weights.safetensors({"a": (70000,)})
    xorb = wire.Xorb(chunks_of(data))
    c = wire.Client(house, repo)
    assert c.put_xorb(xorb).status_code == 200
    f = wire.File([wire.Term(xorb)], sha256(data))

    def lines(body, status=200, **kw):
        r = c.post("/v2/shards", body, **kw)
        assert r.status_code == status, r.text
        return [json.loads(line) for line in r.text.splitlines()]

    lie = lines(wire.shard([wire.File([wire.Term(xorb)], "00" * 32)]))
    assert lie[-1]["type"] == "error" and lie[-1]["retryable"] is False
    assert sha256(data) in lie[-1]["message"]
    assert lines(b"no shard")[-1]["type"] == "error"
    done = lines(wire.shard([f], [xorb], footer=True))
    assert done[-1] == {"type": "result", "result": 1}
    for line in done[:-1]:
        assert line["type"] == "validating" and line["verified"] <= line["total"] == len(data)
    assert lines(wire.shard([f]))[-1] == {"type": "result", "result": 0}
    lines(wire.shard([f]), status=401, token="no")
    assert commit(house, repo, "m.safetensors", data).status_code == 200
    # a client that leaves before the end does not take the work with it
    more = weights.safetensors({"a": (9 * MIB,)})
    xorb = wire.Xorb(chunks_of(more, 131072))
    assert c.put_xorb(xorb).status_code == 200
    body = wire.shard([wire.File([wire.Term(xorb)], sha256(more))])
    with socket.create_connection(("127.0.0.1", house.port), 20) as s:
        s.sendall((f"POST {c.place}/v2/shards HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   f"Authorization: Bearer {c.token}\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        assert s.recv(50)
    end = time.monotonic() + 60
    while (r := commit(house, repo, "n.safetensors", more)).status_code == 422:
        assert time.monotonic() < end, r.text
        time.sleep(0.1)
    assert r.status_code == 200


def test_a_file_of_many_xorbs(house, repo):
    """More than the keeper opens at once: the file becomes several containers."""
    data = weights.safetensors({"a": (130 * 200,)})
    pieces = chunks_of(data, 800)
    c = wire.Client(house, repo)
    xorbs = [wire.Xorb([p]) for p in pieces]
    assert len(xorbs) > 129
    for x in xorbs:
        assert c.put_xorb(x).status_code == 200
    terms = [wire.Term(x) for x in xorbs]
    assert c.put_shard([wire.File(terms, "11" * 32)]).status_code == 400
    assert nothing_lies_about(house)
    r = c.put_shard([wire.File(terms, sha256(data))], xorbs)
    assert r.status_code == 200, r.text
    assert commit(house, repo, "m.safetensors", data).status_code == 200
    assert read_back(house, repo, "m.safetensors") == data
    assert nothing_lies_about(house)


# ---- xorbs that lie ----

def test_xorbs_that_are_not_what_they_say(house, repo):
    good = wire.Xorb(chunks_of(os.urandom(200_000)))
    other = wire.Xorb([b"other"])
    c = wire.Client(house, repo)
    flipped = bytearray(good.body)
    flipped[70_000] ^= 1
    grown = bytearray(good.body)
    grown[5:8] = (65537).to_bytes(3, "little")
    for name, body in [(other.name, good.body), (good.name, bytes(flipped)),
                       (good.name, bytes(grown)), (good.name, good.body[:-1]),
                       (good.name, good.body[:4]), (good.name, b""),
                       (good.name, good.body + b"\0"), (good.name, b"\xff" * 100),
                       (good.name, good.body[:65536 + 8])]:
        r = c.put_xorb(good, name=name, body=body)
        assert r.status_code == 400, (r.status_code, r.text)
        assert len(r.json()["error"]) > 10
    assert c.has(good.name) == c.has(other.name) == 404
    for name in ("00", "x" * 64, good.name.upper()):
        assert c.put_xorb(good, name=name).status_code == 400
    assert c.put_xorb(good).status_code == 200
    assert nothing_lies_about(house)


def test_a_xorb_larger_than_any(house, repo):
    c = wire.Client(house, repo)
    with socket.create_connection(("127.0.0.1", house.port), 20) as s:
        s.sendall((f"POST {c.place}/v1/xorbs/default/{'0' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   f"Authorization: Bearer {c.token}\r\nContent-Length: {66 * MIB}\r\n\r\n").encode())
        assert s.recv(100).startswith(b"HTTP/1.1 413 ")


def test_an_upload_that_breaks_off(house, repo):
    good = wire.Xorb(chunks_of(os.urandom(500_000)))
    c = wire.Client(house, repo)
    for path, body in [(f"/v1/xorbs/default/{good.name}", good.body),
                       ("/v1/shards", wire.shard([]))]:
        with socket.create_connection(("127.0.0.1", house.port), 20) as s:
            s.sendall((f"POST {c.place}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                       f"Authorization: Bearer {c.token}\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n").encode() + body[:len(body) // 2])
            s.shutdown(socket.SHUT_WR)
            answer = s.makefile("rb").read()  # to its end: the house is through with it
        assert answer.startswith(b"HTTP/1.1 400 ") and b"broke off" in answer
    end = time.monotonic() + 20
    while not nothing_lies_about(house):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert c.has(good.name) == 404
    assert c.put_xorb(good).status_code == 200


# ---- shards that lie ----

@pytest.fixture(scope="module")
def ground(house):
    """A repo with two xorbs, and a file that may be made of them."""
    house.api().create_repo("admin/ground")
    data = os.urandom(300_000)
    xorbs = [wire.Xorb(chunks_of(data[:200_000], 50_000)),
             wire.Xorb(chunks_of(data[200_000:], 50_000))]
    c = wire.Client(house, "admin/ground")
    for x in xorbs:
        assert c.put_xorb(x).status_code == 200
    return c, xorbs, data


def lie_end(f, xorbs):
    f.terms[1].end += 1


def lie_raw(f, xorbs):
    f.terms[0].raw -= 1


def lie_range(f, xorbs):
    f.terms[0].range = bytes(32)


def lie_order(f, xorbs):
    f.terms.reverse()


def lie_hash(f, xorbs):
    f.hash = bytes(31) + b"\1"


def lie_unknown(f, xorbs):
    f.terms[0].xorb = bytes(range(32))


def lie_sha256(f, xorbs):
    f.sha256 = sha256(b"something else")


def lie_no_sha256(f, xorbs):
    f.sha256 = None


def lie_empty_term(f, xorbs):
    f.terms[0].end = f.terms[0].start


def lie_xorb_section(f, xorbs):
    xorbs[0].nodes[0], xorbs[0].nodes[1] = xorbs[0].nodes[1], xorbs[0].nodes[0]


@pytest.mark.parametrize("lie", [lie_end, lie_raw, lie_range, lie_order, lie_hash, lie_unknown,
                                 lie_sha256, lie_no_sha256, lie_empty_term, lie_xorb_section])
def test_shards_that_lie(house, ground, lie):
    c, xorbs, data = ground
    f = wire.File([wire.Term(x) for x in xorbs], sha256(data))
    mine = [wire.Xorb(x.chunks) for x in xorbs]
    lie(f, mine)
    r = c.put_shard([f], mine)
    assert r.status_code == 400, (r.status_code, r.text)
    assert len(r.json()["error"]) > 10
    assert commit(house, "admin/ground", "x.bin", data).status_code == 422
    assert commit(house, "admin/ground", "x.bin", sha256(b"something else"),
                  len(data)).status_code == 422
    assert nothing_lies_about(house)


def test_shards_cut_anywhere(ground):
    c, xorbs, data = ground
    good = wire.shard([wire.File([wire.Term(x) for x in xorbs], sha256(data))], xorbs)
    for n in [0, 1, 31, 47, 48, 95, 96, 200, 300, len(good) // 2, len(good) - 48, len(good) - 1]:
        r = c.post("/v1/shards", good[:n])
        assert r.status_code == 400, (n, r.text)
    for body in (good + b"\0", good + good, b"{}" * 100, os.urandom(1000)):
        assert c.post("/v1/shards", body).status_code == 400
    many = bytearray(good)
    many[48 + 36:48 + 40] = b"\xff\xff\xff\xff"  # terms of the first file
    assert c.post("/v1/shards", bytes(many)).status_code == 400


# ---- theft ----

def test_nobody_gets_at_what_others_sent(house):
    """Another account knows every hash of a private model, and nothing else."""
    eve = new_account(house, "eve")
    house.api().create_repo("admin/secret", private=True)
    house.api(token=eve).create_repo("eve/loot")
    data = weights.safetensors({"a": (60000,)})
    xorb = wire.Xorb(chunks_of(data))
    owner = wire.Client(house, "admin/secret")
    file = wire.File([wire.Term(xorb)], sha256(data))
    assert owner.put_xorb(xorb).status_code == 200
    thief = wire.Client(house, "eve/loot", token=eve)
    for stage in ("landed", "made", "committed"):
        assert thief.has(xorb.name) == 404
        assert thief.put_shard([file], [xorb]).status_code == 400
        assert thief.put_shard([file]).status_code == 400
        assert commit(house, "eve/loot", "m.safetensors", data, token=eve).status_code == 422
        if stage == "landed":
            assert owner.put_shard([file], [xorb]).status_code == 200
        elif stage == "made":
            assert commit(house, "admin/secret", "m.safetensors", data).status_code == 200
            read_back(house, "admin/secret", "m.safetensors")
    # her own chunks under his digest
    mine = wire.Xorb([os.urandom(len(data))[:100_000], os.urandom(100_000)])
    assert thief.put_xorb(mine).status_code == 200
    assert thief.put_shard([wire.File([wire.Term(mine)], sha256(data))]).status_code == 400
    # her own chunks beside one of his
    both = wire.File([wire.Term(mine), wire.Term(xorb, 0, 1)], sha256(data))
    assert thief.put_shard([both]).status_code == 400
    # his place with her token, and his repo's token
    r = house.request("POST", f"{owner.place}/v1/shards", token=thief.token,
                      data=wire.shard([file]))
    assert r.status_code == 401
    r = house.get("/api/models/admin/secret/xet-write-token/main", token=eve)
    assert r.status_code == 404
    assert nothing_lies_about(house)


# ---- tokens ----

def test_tokens_are_good_for_one_thing(house, repo):
    c = wire.Client(house, repo)
    reader = wire.Client(house, repo, scope="read")
    body = wire.shard([])
    assert c.post("/v1/shards", body).status_code == 200
    for header in ("X-Xet-Access-Token", "X-Xet-Cas-Url", "X-Xet-Token-Expiration"):
        assert header in house.get(f"/api/models/{repo}/xet-write-token/main",
                                   token="admin").headers
    assert c.info["exp"] >= time.time() + 1800
    assert c.post("/v1/shards", body, token=reader.token).status_code == 403
    fields = c.token.split(".")
    later, other, dataset = fields[:], fields[:], fields[:]
    later[5] = str(int(fields[5]) + 1000)
    past = fields[:5] + ["1000"] + fields[6:]
    other[3] = str(int(fields[3]) + 1)
    dataset[2] = "dataset"
    for bad in [house.token, "x", c.token[:-1], c.token + "A", ".".join(later), ".".join(past),
                ".".join(other), ".".join(dataset), "xet.write", "." * 6,
                base64.b64encode(os.urandom(60)).decode()]:
        r = c.post("/v1/shards", body, token=bad)
        assert r.status_code == 401, (bad, r.status_code)
    assert house.request("POST", c.place + "/v1/shards", data=body).status_code == 401
    assert house.get("/api/whoami-v2", token=c.token).status_code == 401
    # somebody else's place
    house.api().create_repo(repo + "-2")
    elsewhere = wire.Client(house, repo + "-2")
    r = house.request("POST", elsewhere.place + "/v1/shards", token=c.token, data=body)
    assert r.status_code == 401
    # a repo that is gone
    house.api().delete_repo(repo + "-2")
    r = elsewhere.post("/v1/shards", body)
    assert r.headers["X-Error-Code"] == "RepoNotFound"


def test_who_may_have_a_token(house, repo):
    mallory = new_account(house, "mallory")
    path = f"/api/models/{repo}/xet-{{}}-token/main"
    assert house.get(path.format("write")).status_code == 401
    assert house.get(path.format("write"), token=mallory).status_code == 403
    assert house.get(path.format("read"), token=mallory).status_code == 200
    assert house.get("/api/models/admin/none/xet-write-token/main",
                     token="admin").status_code == 404


def test_what_is_not_served_is_a_404_in_json(house, repo):
    c = wire.Client(house, repo)
    name = "0" * 64
    for method, path in [("GET", f"/v1/chunks/default/{name}"),
                         ("GET", f"/v1/chunks/default-merkledb/{name}"),
                         ("GET", f"/v1/reconstructions/{name}"),
                         ("GET", f"/v2/reconstructions/{name}"),
                         ("POST", f"/v1/xorb-grants/default/{name}")]:
        r = house.request(method, c.place + path, token=c.token,
                          data=b"x" * 80 if method == "POST" else None)
        assert r.status_code == 404 and r.json()["error"], (path, r.status_code)
