"""git-lfs, the program: it sends objects to a repo, fetches what may be read, goes on
where it stopped, and is told why where it may not. git itself is not asked: the house
speaks LFS to it, and the pointers are committed here by hand."""

import os
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest

import weights
from hands import (account, batch, commit, decided, info, lfs_op, lfs_upload,
                   publish, sha256, unexplained)

NEVER = "5e" * 32

pytestmark = pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed")


@pytest.fixture(scope="module")
def things(house):
    """Repos of the admin: {name: bytes of m.safetensors}."""
    own = {"open": weights.safetensors({"a": (100_000,)}),
           "private": weights.safetensors({"b": (100_000,)}),
           "held": unexplained()}
    for name, data in own.items():
        house.api().create_repo(f"admin/{name}", private=name == "private")
        publish(house, f"admin/{name}", {"m.safetensors": data})
        assert decided(house, f"admin/{name}")["weights"] == ("held" if name == "held" else "open")
    return own


class Clone:
    """What a clone of a repo would be: the pointer committed, LFS set up."""

    def __init__(self, house, folder, repo, data, token=None):
        self.dir, self.oid = folder, sha256(data)
        self.part = folder / ".git/lfs/incomplete" / f"{self.oid}.part"
        folder.mkdir()
        who = f"admin:{token}@" if token else ""
        url = f"http://{who}{urlsplit(house.url).netloc}/{repo}.git"
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "a@example.org")
        self.git("config", "user.name", "a")
        self.git("lfs", "install", "--local", "--skip-smudge")
        self.git("remote", "add", "origin", url)
        (folder / ".gitattributes").write_text("*.safetensors filter=lfs -text\n")
        (folder / "m.safetensors").write_text(
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {len(data)}\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "pointers")

    def git(self, *args, check=True, **env):
        done = subprocess.run(["git", *args], cwd=self.dir, capture_output=True, text=True,
                              timeout=120, env={**os.environ, **env})
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def pull(self, **kw):
        return self.git("lfs", "pull", "origin", **kw)

    @property
    def file(self):
        return (self.dir / "m.safetensors").read_bytes()


def test_fetches_what_is_open(house, things, tmp_path):
    c = Clone(house, tmp_path / "c", "admin/open", things["open"])
    c.pull()
    assert c.file == things["open"]


def test_fetches_private_weights_with_a_token(house, things, tmp_path):
    c = Clone(house, tmp_path / "c", "admin/private", things["private"], token=house.token)
    c.pull()
    assert c.file == things["private"]
    other = Clone(house, tmp_path / "d", "admin/private", things["private"],
                  token=account(house, "mallory"))
    assert other.pull(check=False).returncode != 0
    assert other.file != things["private"]


def test_goes_on_where_it_stopped(house, things, tmp_path):
    data = things["open"]
    c = Clone(house, tmp_path / "c", "admin/open", data)
    c.part.parent.mkdir(parents=True, exist_ok=True)
    c.part.write_bytes(data[:len(data) // 2])
    done = c.pull(GIT_TRACE="1", GIT_CURL_VERBOSE="1")
    assert c.file == data
    assert f"Range: bytes={len(data) // 2}-" in done.stderr
    assert "206 Partial Content" in done.stderr


def test_is_told_why_not(house, things, tmp_path):
    c = Clone(house, tmp_path / "c", "admin/held", things["held"], token=house.token)
    done = c.pull(check=False)
    assert done.returncode != 0
    assert "held by line" in done.stdout + done.stderr
    assert c.file != things["held"]


def test_sends_an_object(house, things, tmp_path):
    house.api().create_repo("admin/pushed")
    data = weights.safetensors({"c": (100_000,)})
    c = Clone(house, tmp_path / "c", "admin/pushed", data, token=house.token)
    kept = c.dir / ".git/lfs/objects" / c.oid[:2] / c.oid[2:4] / c.oid
    kept.parent.mkdir(parents=True)
    kept.write_bytes(data)
    c.git("lfs", "push", "--object-id", "origin", c.oid)
    r = commit(house, "admin/pushed", lfs_op("m.safetensors", c.oid, len(data)))
    assert r.status_code == 200, r.text
    assert decided(house, "admin/pushed")["weights"] == "open"
    assert house.get("/admin/pushed/resolve/main/m.safetensors").content == data


# ---- the answers of the batch, and what is behind its links ----

def asked(house, repo, oid, size, token="admin"):
    r = batch(house, repo, [(oid, size)], operation="download", token=token)
    assert r.status_code == 200, r.text
    assert r.json()["transfer"] == "basic"
    return r.json()["objects"][0]


def fetched(house, link, method="GET", **headers):
    assert link["href"].startswith(house.url + "/")
    return house.request(method, link["href"][len(house.url):],
                         headers={**link.get("header", {}), **headers})


def test_links_serve_the_bytes(house, things):
    for name, token in (("open", None), ("open", "admin"), ("private", "admin")):
        data = things[name]
        o = asked(house, f"admin/{name}", sha256(data), len(data), token)
        assert "error" not in o
        link = o["actions"]["download"]
        assert ("header" in link) == (token is not None)
        r = fetched(house, link)
        assert r.status_code == 200 and r.content == data
        assert r.headers["ETag"] == f'"{sha256(data)}"'
        r = fetched(house, link, Range="bytes=10-19")
        assert r.status_code == 206 and r.content == data[10:20]
        assert r.headers["Content-Range"] == f"bytes 10-19/{len(data)}"
        assert fetched(house, link, Range=f"bytes={len(data)}-").status_code == 416
        r = fetched(house, link, method="HEAD")
        assert r.status_code == 200 and r.headers["Content-Length"] == str(len(data))


def test_a_link_is_no_key(house, things):
    data = things["private"]
    o = asked(house, "admin/private", sha256(data), len(data))
    path = o["actions"]["download"]["href"][len(house.url):]
    assert house.get(path).status_code == 401
    assert house.get(path, token=account(house, "eavesdropper")).status_code == 404


def test_what_is_not_there_and_what_is_held(house, things):
    held, size = sha256(things["held"]), len(things["held"])
    for token in (None, "admin"):
        o = asked(house, "admin/held", held, size, token)
        assert "actions" not in o and o["error"]["code"] == 403
        assert "held by line" in o["error"]["message"]
        assert f"{house.url}/admin/held/decision" in o["error"]["message"]
        r = house.get(f"/api/models/admin/held/lfs/{held}", token=token)
        assert r.status_code == (403 if token else 401)
        assert r.headers["X-Error-Message"] == o["error"]["message"]
        # held here says nothing elsewhere
        for oid in (held, NEVER):
            o = asked(house, "admin/open", oid, size, token)
            assert o["error"] == {"code": 404, "message": "Object does not exist"}
            r = house.get(f"/api/models/admin/open/lfs/{oid}", token=token)
            assert r.status_code == 404 and r.json()["error"] == "Object does not exist"
    for oid in ("x", NEVER.upper(), NEVER + "0"):
        assert house.get(f"/api/models/admin/open/lfs/{oid}").status_code == 404
    assert asked(house, "admin/open", "zz", 1)["error"]["code"] == 422
    data = things["open"]
    assert asked(house, "admin/open", sha256(data), len(data) + 1)["error"]["code"] == 422


def test_uploaded_is_not_committed(house, things):
    data = weights.safetensors({"d": (1000,)})
    lfs_upload(house, "admin/open", data)
    for token in (None, "admin"):
        assert asked(house, "admin/open", sha256(data), len(data), token)["error"]["code"] == 404


def test_what_is_held_only_in_the_past(house):
    """The file is gone from main; the refusal is still that of the revision that had it."""
    house.api().create_repo("admin/past")
    data = unexplained()
    publish(house, "admin/past", {"m.safetensors": data})
    assert decided(house, "admin/past")["weights"] == "held"
    house.api().delete_file("m.safetensors", "admin/past")
    assert "weights" not in info(house, "admin/past")["weighhouse"]["tiers"]
    o = asked(house, "admin/past", sha256(data), len(data), None)
    assert o["error"]["code"] == 403 and "held by line" in o["error"]["message"]


def test_a_thousand_at_once(house, things):
    held, opened = things["held"], things["open"]
    r = batch(house, "admin/held", [(sha256(held), len(held))] * 999 + [(NEVER, 1)],
              operation="download")
    codes = [o["error"]["code"] for o in r.json()["objects"]]
    assert codes == [403] * 999 + [404]
    r = batch(house, "admin/open", [(sha256(opened), len(opened))] * 1000, operation="download")
    assert all("actions" in o for o in r.json()["objects"]) and len(r.json()["objects"]) == 1000
    r = batch(house, "admin/open", [(sha256(opened), len(opened))] * 1001, operation="download")
    assert r.status_code == 413
