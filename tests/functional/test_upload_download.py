"""Bytes go up by every way the clients know and come back the same."""

import hashlib
import os
import pathlib
import subprocess
import sys
import time

import pytest
from huggingface_hub import HfApi

import weights


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_blob_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.fixture(params=["xet", "lfs"])
def way(request, monkeypatch):
    """The two ways in which huggingface_hub sends large files."""
    if request.param == "lfs":
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    return request.param


def test_a_folder_goes_up_and_comes_back(house, way, tmp_path):
    api = house.api()
    repo = f"admin/folder-{way}"
    api.create_repo(repo)
    src = tmp_path / "src"
    (src / "sub dir").mkdir(parents=True)
    files = {
        "README.md": b"---\nlicense: mit\n---\n# A model\n",
        "config.json": b'{"model_type": "bert"}\n',
        "sub dir/\u00e9t\u00e9.txt": "caf\u00e9\n".encode(),
        "empty.txt": b"",
        "tokenizer.json": (b'{"x": "' + b"y" * 200_000 + b'"}\n'),
        "model.safetensors": weights.safetensors({"a": (256, 64), "b": (64,)}),
        "data.parquet": weights.parquet(70_000),
    }
    for name, data in files.items():
        (src / name).write_bytes(data)
    api.upload_folder(repo_id=repo, folder_path=src)
    back = pathlib.Path(api.snapshot_download(repo, local_dir=tmp_path / "back"))
    for name, data in files.items():
        assert (back / name).read_bytes() == data, name
    tree = {e.path: e for e in api.list_repo_tree(repo, recursive=True) if hasattr(e, "size")}
    for name in ("README.md", "config.json", "tokenizer.json", "empty.txt"):
        assert tree[name].blob_id == git_blob_oid(files[name])
        assert tree[name].size == len(files[name])
    assert tree["model.safetensors"].lfs.sha256 == sha256(files["model.safetensors"])
    # a second upload of the same folder changes nothing
    before = api.repo_info(repo).sha
    api.upload_folder(repo_id=repo, folder_path=src)
    assert api.repo_info(repo).sha == before


def test_ranges_and_headers(house, way):
    api = house.api()
    repo = f"admin/ranges-{way}"
    api.create_repo(repo)
    data = weights.safetensors({"a": (1024, 64)})
    api.upload_file(path_or_fileobj=data, path_in_repo="m.safetensors", repo_id=repo)
    path = f"/{repo}/resolve/main/m.safetensors"
    head = house.request("HEAD", path)
    assert head.status_code == 200
    assert head.headers["X-Linked-Size"] == str(len(data))
    assert head.headers["ETag"] == f'"{sha256(data)}"' == head.headers["X-Linked-ETag"]
    assert len(head.headers["X-Repo-Commit"]) == 40
    assert int(head.headers["Content-Length"]) == len(data)
    for text, a, b in [("bytes=0-0", 0, 1), ("bytes=100-199", 100, 200),
                       (f"bytes={len(data) - 5}-", len(data) - 5, len(data)),
                       ("bytes=-7", len(data) - 7, len(data)),
                       ("bytes=65530-65550", 65530, 65551)]:
        r = house.get(path, headers={"Range": text})
        assert r.status_code == 206 and r.content == data[a:b], text
        assert r.headers["Content-Range"] == f"bytes {a}-{b - 1}/{len(data)}"
    r = house.get(path, headers={"Range": f"bytes={len(data)}-"})
    assert r.status_code == 416 and r.headers["Content-Range"] == f"bytes */{len(data)}"
    raw = house.get(f"/{repo}/raw/main/m.safetensors")
    assert raw.text.startswith("version https://git-lfs.github.com/spec/v1\n")
    missing = house.request("HEAD", f"/{repo}/resolve/main/none")
    assert missing.status_code == 404 and missing.headers["X-Error-Code"] == "EntryNotFound"
    assert len(missing.headers["X-Repo-Commit"]) == 40


def test_a_multipart_upload(house, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    api = house.api()
    api.create_repo("admin/multipart")
    data = weights.safetensors({"a": (6 * 1024 * 1024,)})  # 24 MiB
    api.upload_file(path_or_fileobj=data, path_in_repo="m.safetensors", repo_id="admin/multipart")
    r = house.get("/admin/multipart/resolve/main/m.safetensors")
    assert sha256(r.content) == sha256(data)


def test_commits_edit_delete_and_history(house):
    api = house.api()
    api.create_repo("admin/history")
    for i in range(3):
        api.upload_file(path_or_fileobj=f"v{i}\n".encode(), path_in_repo="dir/a.txt",
                        repo_id="admin/history", commit_message=f"version {i}")
    api.upload_file(path_or_fileobj=b"b", path_in_repo="dir/sub/b.txt", repo_id="admin/history")
    commits = api.list_repo_commits("admin/history")
    assert [c.title for c in commits][1:4] == ["version 2", "version 1", "version 0"]
    old = house.get(f"/admin/history/resolve/{commits[2].commit_id}/dir/a.txt")
    assert old.text == "v1\n"
    api.delete_folder("dir/sub", "admin/history")
    assert api.list_repo_files("admin/history") == [".gitattributes", "dir/a.txt"]
    infos = api.get_paths_info("admin/history", ["dir/a.txt", "dir", "none"])
    assert sorted(i.path for i in infos) == ["dir", "dir/a.txt"]


def test_oids_are_those_of_git(house, tmp_path):
    """The commit, its trees and blobs have the names that git computes."""
    api = house.api()
    api.create_repo("admin/oids")
    files = {"a.txt": b"a\n", "d/b.txt": b"b\n", "d/e/c.txt": b"c\n", "d.txt": b"d\n",
             "d-x/y": b"y\n"}
    from huggingface_hub import CommitOperationAdd
    api.create_commit("admin/oids", [CommitOperationAdd(p, d) for p, d in files.items()],
                      commit_message="all of them")
    repo = tmp_path / "git"
    repo.mkdir()
    git = lambda *a, **k: subprocess.run(["git", *a], cwd=repo, check=True, capture_output=True,
                                         text=True, **k).stdout.strip()
    git("init", "-q")
    attributes = house.get("/admin/oids/resolve/main/.gitattributes").content
    for name, data in {**files, ".gitattributes": attributes}.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_bytes(data)
    git("add", "-f", "-A")
    want = git("ls-files", "-s").splitlines()
    want = {line.split("\t")[1]: line.split()[1] for line in want}
    tree = {e.path: e for e in api.list_repo_tree("admin/oids", recursive=True)}
    assert {p: e.blob_id for p, e in tree.items() if hasattr(e, "size")} == want
    root = git("write-tree")
    subtree = git("rev-parse", f"{root}:d")
    assert tree["d"].tree_id == subtree


def test_two_commits_at_once_on_one_branch(house):
    api = house.api()
    api.create_repo("admin/race")
    parent = api.repo_info("admin/race").sha
    from concurrent.futures import ThreadPoolExecutor
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import HfHubHTTPError

    def one(i):
        try:
            api.create_commit("admin/race", [CommitOperationAdd(f"{i}.txt", b"x")],
                              commit_message="race", parent_commit=parent)
            return True
        except HfHubHTTPError as e:
            assert e.response.status_code == 412, e
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 1
    # without a parent each is put on top of what is there
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: api.create_commit(
            "admin/race", [CommitOperationAdd(f"free-{i}.txt", b"x")], commit_message="race"),
            range(8)))
    files = api.list_repo_files("admin/race")
    assert len([f for f in files if f.startswith("free-")]) == 8


def test_hf_upload_and_download(house, tmp_path):
    """The command line client, with nothing disabled."""
    src = tmp_path / "model"
    src.mkdir()
    data = weights.safetensors({"w": (300, 1000)})
    (src / "model.safetensors").write_bytes(data)
    (src / "README.md").write_text("# hello\n")
    env = {**os.environ, "HF_ENDPOINT": house.url, "HF_TOKEN": house.token}
    hf = pathlib.Path(sys.executable).parent / "hf"
    done = subprocess.run([hf, "upload", "admin/by-hf", str(src)], env=env, text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([hf, "download", "admin/by-hf", "--local-dir", str(tmp_path / "back")],
                          env=env, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == data


def test_an_anonymous_reader_needs_no_token(house, tmp_path):
    house.api().create_repo("admin/public")
    house.api().upload_file(path_or_fileobj=b"hello", path_in_repo="a.txt",
                            repo_id="admin/public")
    path = HfApi(endpoint=house.url, token=False).hf_hub_download("admin/public", "a.txt")
    assert pathlib.Path(path).read_bytes() == b"hello"


def test_a_tree_of_a_thousand_and_one_files_is_one_page(house):
    from huggingface_hub import CommitOperationAdd
    api = house.api()
    api.create_repo("admin/many")
    api.create_commit("admin/many", commit_message="many",
                      operations=[CommitOperationAdd(f"f/{i:04}.txt", b"%d" % i)
                                  for i in range(1001)])
    r = house.get("/api/models/admin/many/tree/main?recursive=true")
    assert len(r.json()) == 1003 and "next" not in r.links


def test_downloads_are_counted(fresh_house):
    house = fresh_house(config="[uploads]\nsweep_seconds = 1").start()
    api = house.api()
    api.create_repo("admin/counted")
    api.upload_file(path_or_fileobj=weights.safetensors({"a": (64, 64)}),
                    path_in_repo="m.safetensors", repo_id="admin/counted")
    for _ in range(3):
        assert house.get("/admin/counted/resolve/main/m.safetensors").status_code == 200
    house.get("/admin/counted/resolve/main/m.safetensors", headers={"Range": "bytes=5-9"})
    house.request("HEAD", "/admin/counted/resolve/main/m.safetensors")
    for _ in range(100):
        if api.model_info("admin/counted").downloads == 3:
            break
        time.sleep(0.1)
    assert api.model_info("admin/counted").downloads == 3
