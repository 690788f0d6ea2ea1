"""What is dangerous in files that come with a commit, and not with LFS: programs are not
taken that way, and do not open the other way; a template that reaches out of its
sandbox holds the weights beside it. And what a refusal names first."""

import json
import struct

import pytest

import weights
from conftest import House, new_base
from hands import (above_the_demo_line, commit, decided, file_op, info, is_an_error, lfs_op,
                   lfs_upload, release)

SUSPICIOUS = "{{ messages.__class__ }}"
ORDINARY = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
SMALL = weights.safetensors({"w": (64,)})


@pytest.fixture(scope="module")
def house():
    import shutil
    h = House(new_base(), config="[lines]\nenforce = limited.default, hold.unknown, demo.low\n")
    h.start()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def programs():
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(200)
    pe = bytearray(b"MZ" + bytes(510))
    pe[60:64] = struct.pack("<I", 128)
    pe[128:132] = b"PE\0\0"
    return {"elf": elf, "pe": bytes(pe), "macho": b"\xcf\xfa\xed\xfe" + bytes(252),
            "class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(64), "wasm": b"\0asm\x01\0\0\0" + bytes(64),
            "zip": b"PK\x05\x06" + bytes(18),
            "picture": weights.png() + elf, "gif": weights.GIF + b"PK\x05\x06" + bytes(18)}


@pytest.mark.parametrize("kind", list(programs()))
def test_a_program_is_no_regular_file_and_never_opens(house, kind):
    data, repo = programs()[kind], f"admin/program-{kind}"
    house.api().create_repo(repo)
    for name in ("tool.py", "README.md", "config.json", "run.sh", "picture.png"):
        said = is_an_error(commit(house, repo, file_op(name, data)), 422)
        assert said.startswith(f"{name} is ") and "with LFS" in said, said
    assert house.get(f"/{repo}/resolve/main/tool.py", token="admin").status_code == 404
    # the same bytes with LFS are taken, and held
    lfs_upload(house, repo, data)
    lfs_upload(house, repo, SMALL)
    r = commit(house, repo, lfs_op("tool.py", data), lfs_op("m.safetensors", SMALL))
    assert r.status_code == 200, r.text
    assert decided(house, repo)["weights"] == "held"
    for name in ("tool.py", "m.safetensors"):
        assert house.get(f"/{repo}/resolve/main/{name}", token="admin").status_code == 403


@pytest.mark.parametrize("name", ["chat_template.jinja", "CHAT.JINJA", "additional_chat_templates/tool.jinja",
                                  "tokenizer_config.json", "chat_template.json",
                                  "processor_config.json"])
def test_a_template_that_reaches_out_holds_the_weights(house, name):
    """The same repo with an ordinary template is open: it is the template that counts."""
    repo = "admin/template-" + name.replace("/", "-").replace(".", "-")
    house.api().create_repo(repo)
    lfs_upload(house, repo, SMALL)
    for text, tier in ((ORDINARY, "open"), (SUSPICIOUS, "held")):
        body = text if name.lower().endswith(".jinja") else json.dumps({"chat_template": text})
        # other weights: what is open stays open
        data = weights.safetensors({"w": (64,)})
        lfs_upload(house, repo, data)
        r = commit(house, repo, lfs_op("m.safetensors", data), file_op(name, body.encode()))
        assert r.status_code == 200, r.text
        assert decided(house, repo)["weights"] == tier, name
    r = house.get(f"/{repo}/resolve/main/m.safetensors", token="admin")
    assert r.status_code == 403 and "rule files" in r.headers["X-Error-Message"], r.headers


def test_the_size_is_told_before_the_repos_own_earlier_weights(house):
    repo = "admin/again"
    house.api().create_repo(repo)
    data = above_the_demo_line()
    lfs_upload(house, repo, data)
    assert commit(house, repo, lfs_op("m.gguf", data)).status_code == 200
    assert decided(house, repo)["weights"] == "held"
    first = release(house, repo)["subject"]
    assert commit(house, repo, file_op("config.json", b"{}\n")).status_code == 200
    decided(house, repo)
    papers = release(house, repo)
    assert papers["subject"] != first
    rules = [r["rule"] for r in papers["decision"]["document"]["reasons"]]
    assert rules[0] == "size" and "ancestor" in rules, rules
    said = house.get(f"/{repo}/resolve/main/m.gguf", token="admin").headers["X-Error-Message"]
    assert "held by line demo.low v2, rule size" in said, said


def test_one_of_two_held_files_alone_is_still_held(house):
    """Above the line together: the smaller one does not open by losing the other. This is
    why a repo's own earlier weights are ancestors, too."""
    repo = "admin/half"
    house.api().create_repo(repo)
    a, b = (above_the_demo_line(60_000_000) for _ in range(2))
    for data in (a, b):
        lfs_upload(house, repo, data)
    r = commit(house, repo, lfs_op("a.gguf", a), lfs_op("b.gguf", b))
    assert r.status_code == 200, r.text
    assert decided(house, repo)["weights"] == "held"
    r = commit(house, repo, {"key": "deletedFile", "value": {"path": "b.gguf"}})
    assert r.status_code == 200, r.text
    assert decided(house, repo)["weights"] == "held"
    assert house.get(f"/{repo}/resolve/main/a.gguf", token="admin").status_code == 403
    assert info(house, repo)["weighhouse"]["tiers"]["weights"] == "held"
