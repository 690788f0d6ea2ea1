"""Held is held: for everybody, under every name and in every kind of repo; and every
refusal says by which line and rule, until when, and where to object."""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError

import weights
from conftest import House, new_base
from hands import (PLURAL, above_the_demo_line, account, commit, decided, file_op, info, leaves,
                   lfs_op, lfs_upload, publish, register_size, release, sha256, unexplained)

LINES = "[lines]\nenforce = limited.default, hold.unknown, demo.low\n"
CARD = b"---\nlicense: mit\ntags:\n- held\n---\n# A large model\n"


@pytest.fixture(scope="module")
def house():
    """A house with the demonstration line."""
    import shutil
    h = House(new_base(), config=LINES).start()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def eve(house):
    return account(house, "eve")


@pytest.fixture(scope="module")
def big(house):
    """A model above the line, with card and config: its weights."""
    data = above_the_demo_line()
    house.api().create_repo("admin/big")
    lfs_upload(house, "admin/big", data)
    r = commit(house, "admin/big", file_op("README.md", CARD), lfs_op("model.gguf", data),
               file_op("config.json", b'{"model_type": "llama"}\n'))
    assert r.status_code == 200, r.text
    assert decided(house, "admin/big")["weights"] == "held"
    return data


def refusal(house, path, token="admin"):
    """The refusal's sentence; both forms of it, with the headers clients need."""
    r = house.get(path, token=token)
    assert r.status_code == (403 if token else 401), (r.status_code, r.text[:300])
    assert r.headers["X-Error-Code"] == "GatedRepo"
    assert r.headers["X-Error-Message"] == r.json()["error"]
    assert "no-store" in r.headers["Cache-Control"]
    head = house.request("HEAD", path, token=token)
    assert head.status_code == r.status_code
    assert head.headers["X-Error-Message"] == r.headers["X-Error-Message"]
    return r.headers["X-Error-Message"]


def test_the_sentence_says_what_by_which_rule_until_when_and_where(house, big):
    text = refusal(house, "/admin/big/resolve/main/model.gguf")
    assert text.startswith("The weights of admin/big are held by line demo.low v2, rule size:")
    assert "at most 1e8 parameters" in text and "100100096 parameters" in text
    until = datetime.date.fromisoformat(re.search(r"Until (\d{4}-\d\d-\d\d)\.", text).group(1))
    assert datetime.date.today() < until <= datetime.date.today() + datetime.timedelta(days=366)
    url = re.search(r"Read on or object: (http://[^ ]+)$", text).group(1)
    assert url == f"{house.url}/admin/big/decision"
    assert len(text) <= 400 and text.isascii()


def test_everybody_gets_the_same_refusal(house, big, eve):
    said = {refusal(house, "/admin/big/resolve/main/model.gguf", token=t)
            for t in ("admin", eve, None)}
    assert len(said) == 1
    for range_ in ("bytes=0-0", "bytes=-1", "bytes=100-"):
        r = house.get("/admin/big/resolve/main/model.gguf", token="admin",
                      headers={"Range": range_})
        assert r.status_code == 403 and len(r.content) < 2000
    sha = info(house, "admin/big")["sha"]
    refusal(house, f"/admin/big/resolve/{sha}/model.gguf")
    refusal(house, "/admin/big/resolve/refs%2Fheads%2Fmain/model.gguf")


def test_what_hf_download_prints(house, big, tmp_path):
    env = {**os.environ, "HF_ENDPOINT": house.url, "HF_TOKEN": house.token}
    hf = pathlib.Path(sys.executable).parent / "hf"
    get = lambda *a: subprocess.run([hf, "download", "admin/big", *a, "--local-dir", tmp_path / "b"],
                                    env=env, text=True, capture_output=True, timeout=120)
    done = get("model.gguf")
    said = re.sub(r"\s+", " ", re.sub(r"[\u2500-\u257f]", " ", done.stdout + done.stderr))
    assert done.returncode != 0
    assert "held by line demo.low v2, rule size" in said, said
    assert "Until 20" in said and f"{house.url}/admin/big/decision" in said, said
    assert not list((tmp_path / "b").glob("*.gguf"))
    done = get("README.md", "config.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b" / "README.md").read_bytes() == CARD
    with pytest.raises(GatedRepoError) as caught:
        HfApi(endpoint=house.url, token=house.token).hf_hub_download("admin/big", "model.gguf")
    assert "held by line demo.low v2" in str(caught.value)


def test_card_and_config_of_a_held_model_stay_open(house, big):
    for name, data in (("README.md", CARD), ("config.json", b'{"model_type": "llama"}\n')):
        r = house.get(f"/admin/big/resolve/main/{name}")
        assert r.status_code == 200 and r.content == data
    raw = house.get("/admin/big/raw/main/model.gguf")
    assert raw.text == ("version https://git-lfs.github.com/spec/v1\n"
                        f"oid sha256:{sha256(big)}\nsize {len(big)}\n")
    assert info(house, "admin/big")["weighhouse"]["tiers"] == {
        "software": "open", "weights": "held"}


def test_no_way_around_it(house, big):
    """Neither a batch nor a Xet read gives the bytes."""
    from hands import batch
    r = batch(house, "admin/big", [(sha256(big), len(big))], operation="download")
    action = r.json()["objects"][0].get("actions", {}).get("download")
    if action:
        got = house.get(action["href"][len(house.url):], token="admin")
        assert got.status_code in (403, 404) and len(got.content) < 2000
    from xet_wire import Client
    c = Client(house, "admin/big", scope="read")
    for path in (f"/v1/reconstructions/{sha256(big)}", f"/v2/reconstructions/{sha256(big)}"):
        assert house.get(c.place + path, token=c.token).status_code == 404


def test_an_edit_to_the_card_decides_nothing(house, big):
    before, head = register_size(house), info(house, "admin/big")["sha"]
    subject = release(house, "admin/big")
    house.api().upload_file(path_or_fileobj=CARD + b"More words.\n", path_in_repo="README.md",
                            repo_id="admin/big")
    assert info(house, "admin/big")["sha"] != head
    assert decided(house, "admin/big")["weights"] == "held"
    after = release(house, "admin/big")
    assert after["subject"] == subject["subject"]
    assert after["decision"]["id"] == subject["decision"]["id"]
    assert register_size(house) == before
    assert refusal(house, "/admin/big/resolve/main/model.gguf")
    assert refusal(house, f"/admin/big/resolve/{head}/model.gguf")


def test_an_edit_to_the_card_of_an_open_model_closes_nothing(house):
    house.api().create_repo("admin/small")
    data = weights.safetensors({"w": (100, 100)})
    publish(house, "admin/small", {"m.safetensors": data})
    assert decided(house, "admin/small")["weights"] == "open"
    before = register_size(house)
    r = commit(house, "admin/small", file_op("README.md", b"# words\n"))
    assert r.status_code == 200
    # at no moment closed
    assert house.get("/admin/small/resolve/main/m.safetensors").content == data
    assert decided(house, "admin/small")["weights"] == "open"
    assert register_size(house) == before


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_the_same_file_is_held_everywhere(house, big, eve, kind):
    """Another name, another account, another kind of repo."""
    extra = {"space_sdk": "static"} if kind == "space" else {}
    repo = f"eve/copy-{kind}"
    house.api(token=eve).create_repo(repo, repo_type=kind, **extra)
    publish(house, repo, {"harmless.bin": big}, token=eve, kind=kind)
    assert decided(house, repo, kind, token=eve)["weights"] == "held"
    prefix = "" if kind == "model" else PLURAL[kind] + "/"
    text = refusal(house, f"/{prefix}{repo}/resolve/main/harmless.bin", token=eve)
    assert f"held by line" in text and repo in text
    doc = release(house, repo, kind, token=eve)["decision"]["document"]
    ancestors = [c for line in doc["lines"] for r in line["rules"] for c in r["checks"]
                 if c["claim"] == "lineage.held_ancestor"]
    assert ancestors and ancestors[0]["seen"].startswith("found,")
    assert ancestors[0]["answer"] == "no" if "answer" in ancestors[0] else True


def test_the_same_tensors_in_another_file_are_held(house):
    """A held ancestor is known by its set of tensors, whatever the file's metadata."""
    import struct
    api = house.api()
    # 1e8+ parameters are above; the copy says something else about itself
    def gguf(name):
        def text(s):
            return struct.pack("<Q", len(s)) + s.encode()
        out = b"GGUF" + struct.pack("<IQQ", 3, 1, 2)
        out += text("general.architecture") + struct.pack("<I", 8) + text("llama")
        out += text("general.name") + struct.pack("<I", 8) + text(name)
        out += text("blk.0.attn_q.weight") + struct.pack("<IQQIQ", 2, 256, 400_000, 19, 0)
        return out + b"\0" * (-len(out) % 32)
    body = os.urandom(400_000 * 50)
    api.create_repo("admin/tensors-1")
    publish(house, "admin/tensors-1", {"a.gguf": gguf("one") + body})
    assert decided(house, "admin/tensors-1")["weights"] == "held"
    api.create_repo("admin/tensors-2")
    publish(house, "admin/tensors-2", {"b.gguf": gguf("quite another") + body})
    assert decided(house, "admin/tensors-2")["weights"] == "held"
    doc = json.dumps(release(house, "admin/tensors-2")["decision"]["document"])
    assert re.search(r'"claim": "lineage.held_ancestor".{0,200}"seen": "found,', doc)


def test_held_weights_beside_open_ones_close_nothing(house):
    house.api().create_repo("admin/beside")
    small = weights.safetensors({"w": (64, 64)})
    first = publish(house, "admin/beside", {"small.safetensors": small})
    assert decided(house, "admin/beside")["weights"] == "open"
    publish(house, "admin/beside", {"second.safetensors": unexplained()})
    assert decided(house, "admin/beside")["weights"] == "held"
    refusal(house, "/admin/beside/resolve/main/second.safetensors")
    for rev in (first, "main"):
        r = house.get(f"/admin/beside/resolve/{rev}/small.safetensors")
        assert r.status_code == 200 and r.content == small


def test_open_weights_can_not_be_closed_by_putting_them_beside_held_ones(house, eve):
    """Somebody puts open weights into a model above the line; the open ones are no
    held ancestor for that."""
    small = weights.safetensors({"w": (64, 65)})
    house.api().create_repo("admin/victim")
    publish(house, "admin/victim", {"m.safetensors": small})
    assert decided(house, "admin/victim")["weights"] == "open"
    house.api(token=eve).create_repo("eve/poison")
    publish(house, "eve/poison", {"m.safetensors": small, "big.gguf": above_the_demo_line()},
            token=eve)
    assert decided(house, "eve/poison", token=eve)["weights"] == "held"
    # the victim gets a new subject around the same weights
    r = commit(house, "admin/victim", file_op("config.json", b'{"model_type": "bert"}\n'))
    assert r.status_code == 200
    assert decided(house, "admin/victim")["weights"] == "open"
    assert house.get("/admin/victim/resolve/main/m.safetensors").content == small


def test_what_a_private_repo_puts_beside_weights_binds_nobody_else(house, eve):
    """Weights that are not open yet, beside ones above the line, where nobody sees it."""
    small = weights.safetensors({"w": (64, 66)})
    api = house.api(token=eve)
    api.create_repo("eve/hidden", private=True)
    publish(house, "eve/hidden", {"m.safetensors": small, "big.gguf": above_the_demo_line()},
            token=eve)
    assert decided(house, "eve/hidden", token=eve)["weights"] == "held"
    # but there it does: one of two alone is still held
    publish(house, "eve/hidden", {}, token=eve, delete=["big.gguf"])
    assert decided(house, "eve/hidden", token=eve)["weights"] == "held"
    api.delete_repo("eve/hidden")
    house.api().create_repo("admin/honest")
    publish(house, "admin/honest", {"m.safetensors": small})
    assert decided(house, "admin/honest")["weights"] == "open"


def test_private_repos_obey_the_same_tiers(house, eve):
    api = house.api()
    before = register_size(house)
    api.create_repo("admin/closed", private=True)
    publish(house, "admin/closed", {"m.safetensors": unexplained()})
    assert decided(house, "admin/closed")["weights"] == "held"
    text = refusal(house, "/admin/closed/resolve/main/m.safetensors")
    assert "admin/closed" in text and "Until" in text
    api.create_repo("admin/inner", private=True)
    small = weights.safetensors({"w": (70, 70)})
    publish(house, "admin/inner", {"m.safetensors": small})
    assert decided(house, "admin/inner")["weights"] == "open"
    assert house.get("/admin/inner/resolve/main/m.safetensors", token="admin").content == small
    for token in (eve, None):
        r = house.get("/admin/inner/resolve/main/m.safetensors", token=token)
        assert r.headers["X-Error-Code"] == "RepoNotFound"
    new = leaves(house)[before:]
    assert len(new) == 6
    for repo in ("admin/closed", "admin/inner"):
        r = release(house, repo)
        subject = r["subject"]
        files = json.loads(r["manifest"])["files"]
        for secret in [subject, repo, repo.split("/")[1], *[f["sha256"] for f in files]]:
            assert not any(secret in leaf for leaf in new), secret
    kinds = [json.loads(leaf) for leaf in new]
    assert {k["type"] for k in kinds} == {"submission", "weighing", "decision"}
    committed = [json.dumps(k.get("subject", k)) for k in kinds]
    assert len(set(committed)) == len(committed)  # salted: no two alike


def test_the_same_subject_private_and_public(house):
    """What is said in private is said again in public, and does not name it."""
    data, said = unexplained(), []
    api = house.api()
    for name, private in (("twice-private", True), ("twice-public", False)):
        api.create_repo(f"admin/{name}", private=private)
        publish(house, f"admin/{name}", {"m.safetensors": data})
        assert decided(house, f"admin/{name}")["weights"] == "held"
        said.append(release(house, f"admin/{name}"))
    assert said[0]["subject"] == said[1]["subject"]
    assert said[0]["decision"]["id"] != said[1]["decision"]["id"]
    public = [leaf for leaf in leaves(house) if said[0]["subject"] in leaf]
    assert {json.loads(leaf)["type"] for leaf in public} == {"submission", "weighing", "decision"}
    assert not any(said[0]["decision"]["id"] in leaf for leaf in public)
    refusal(house, "/admin/twice-public/resolve/main/m.safetensors", token=None)


def test_a_private_repo_that_becomes_public(house, eve):
    """The refusal still says why, and open stays open."""
    api = house.api()
    for name, data, tier in (("came-held", unexplained(), "held"),
                             ("came-open", weights.safetensors({"w": (71, 70)}), "open")):
        api.create_repo(f"admin/{name}", private=True)
        publish(house, f"admin/{name}", {"m.safetensors": data})
        assert decided(house, f"admin/{name}")["weights"] == tier
        api.update_repo_settings(f"admin/{name}", private=False)
        assert decided(house, f"admin/{name}")["weights"] == tier
    text = refusal(house, "/admin/came-held/resolve/main/m.safetensors", token=eve)
    assert "held by line" in text and "Until 20" in text, text
    assert house.get("/admin/came-open/resolve/main/m.safetensors", token=eve).status_code == 200
    subject = release(house, "admin/came-held")["subject"]
    assert any(subject in leaf for leaf in leaves(house)), "public, and not on the register"


def test_a_hold_survives_a_restart(house, big):
    before = refusal(house, "/admin/big/resolve/main/model.gguf")
    size = register_size(house)
    assert house.stop() == 0
    house.start()
    assert refusal(house, "/admin/big/resolve/main/model.gguf") == before
    assert decided(house, "admin/big")["weights"] == "held"
    assert register_size(house) == size


def test_files_of_a_dataset_are_open_at_once(house):
    house.api().create_repo("admin/table", repo_type="dataset")
    data = weights.parquet(80_000)
    publish(house, "admin/table", {"t.parquet": data, "x.bin": os.urandom(5000)}, kind="dataset")
    decided(house, "admin/table", "dataset")
    assert house.get("/datasets/admin/table/resolve/main/t.parquet").content == data
    r = commit(house, "admin/table", lfs_op("again.parquet", data), kind="dataset")
    assert r.status_code == 200
    assert house.get("/datasets/admin/table/resolve/main/again.parquet").content == data
