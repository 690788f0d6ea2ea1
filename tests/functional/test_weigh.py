"""The weigh command: look inside files and folders, no server."""

import json
import os
import pathlib
import signal
import struct
import subprocess
import time

import pytest

from conftest import BINARY, ROOT

SAMPLES = ROOT / "tests" / "samples"


@pytest.fixture(autouse=True)
def tmpdir_stays_empty(tmp_path_factory, monkeypatch):
    """Whatever happens, the command leaves nothing where temporary things go."""
    tmp = tmp_path_factory.mktemp("tmp")
    monkeypatch.setenv("TMPDIR", str(tmp))
    yield tmp
    assert list(tmp.iterdir()) == []


def weigh(*args, code=0):
    """Run `weighhouse weigh`; its output, once the exit code fits."""
    done = subprocess.run([str(BINARY), "weigh", *map(str, args)],
                          capture_output=True, timeout=120)
    assert done.returncode == code, (done.stdout, done.stderr)
    if code == 2:
        assert done.stderr.startswith(b"weighhouse weigh: ")
    else:
        assert done.stderr == b""
    return done.stdout


def weigh_json(*args, code=0):
    return json.loads(weigh(*args, "--json", code=code))


def tensors(*rows, total=None):
    """A safetensors file of U8... rows (name, dtype, count, bytes)."""
    header, at = {}, 0
    for name, dtype, count, size in rows:
        header[name] = {"dtype": dtype, "shape": [count],
                        "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(total or at)


def test_a_model_is_weighed_in_a_sandbox():
    out = weigh_json(SAMPLES / "clean" / "llama.gguf")
    assert out["sandboxed"] is True
    weighed, = out["weighed"]
    file, = weighed["files"]
    assert file["part"] == "weights"
    assert file["result"]["parameters"] == "2240"
    assert file["result"]["architecture"]["family"] == "llama"
    size = weighed["evidence"]["size.params_total"]
    assert (size["lo"], size["hi"]) == ("2240", "2240")
    assert weighed["evidence"]["compute.training"]["hi"] == \
        "672000000000000000"
    assert {one["line"]: one["compute"] for one in weighed["lines"]} == {
        "small.fast-track": "yes", "limited.default": "yes"}


def test_people_read_it_too():
    text = weigh(SAMPLES / "clean" / "bert.safetensors").decode()
    assert "2,368 parameters in 5 tensors: F32 2,368" in text
    assert "architecture: bert, layers 3, width 16, vocabulary 100" in text
    assert "findings     none" in text


def test_the_digest_is_that_of_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(tensors(("a", "F32", 1000, 4000)))
    want = subprocess.run(["sha256sum", path], capture_output=True,
                          check=True).stdout.split()[0].decode()
    file, = weigh_json(path)["weighed"][0]["files"]
    assert file["result"]["sha256"] == want


def test_exit_codes():
    samples = SAMPLES / "findings"
    weigh(SAMPLES / "clean" / "text.md", code=0)
    weigh(samples / "program.elf--header", code=1)
    weigh(samples / "code.auto_map--config.json", code=1)
    weigh(samples / "safetensors.truncated--data.safetensors", code=1)
    weigh(samples / "binary.unknown--noise.bin", code=3)
    weigh(code=2)
    weigh("--no-such-option", code=2)
    weigh("/no/such/path", code=2)
    weigh("/dev/null", code=2)
    assert b"Usage: weighhouse weigh" in weigh("--help")


def test_a_folder_is_combined(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "model.safetensors").write_bytes(
        tensors(("a", "F32", 100, 400)))
    (tmp_path / "sub" / "more.safetensors").write_bytes(
        tensors(("b", "F16", 50, 100)))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "README.md").write_text("# A model\n")
    weighed, = weigh_json(tmp_path)["weighed"]
    assert [f["path"] for f in weighed["files"]] == [
        "README.md", "config.json", "model.safetensors",
        "sub/more.safetensors"]
    size = weighed["evidence"]["size.params_total"]
    assert (size["lo"], size["hi"]) == ("150", "150")
    by = {f["path"]: f for f in weighed["files"]}
    # The configuration beside a file names its family, one elsewhere does not.
    assert by["model.safetensors"]["result"]["architecture"]["family"] == "bert"
    assert "family" not in by["sub/more.safetensors"]["result"]["architecture"]


def test_shards_are_held_against_their_index(tmp_path):
    one, two = "model-00001-of-00002", "model-00002-of-00002"
    (tmp_path / f"{one}.safetensors").write_bytes(tensors(("a", "U8", 4, 4)))
    (tmp_path / f"{two}.safetensors").write_bytes(tensors(("b", "U8", 6, 6)))
    index = tmp_path / "model.safetensors.index.json"
    good = {"metadata": {"total_size": 10},
            "weight_map": {"a": f"{one}.safetensors",
                           "b": f"{two}.safetensors"}}
    index.write_text(json.dumps(good))
    assert weigh_json(tmp_path)["weighed"][0]["index_findings"] == []
    good["weight_map"]["c"] = f"{two}.safetensors"
    index.write_text(json.dumps(good))
    found = weigh_json(tmp_path, code=1)["weighed"][0]["index_findings"]
    assert [f["id"] for f in found] == ["index.mismatch"]
    assert two in found[0]["why"]
    assert b"index.mismatch" in weigh(tmp_path, code=1)


def test_links_are_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "in" / "pipe")
    (tmp_path / "in" / "a.txt").write_text("text\n")
    weighed, = weigh_json(tmp_path / "in")["weighed"]
    assert [f["path"] for f in weighed["files"]] == ["a.txt"]
    assert weighed["skipped"] == 3


def test_names_can_not_steer_a_terminal(tmp_path):
    (tmp_path / "a\x1b[2Jb\n.txt").write_text("text\n")
    out = weigh(tmp_path)
    assert b"\x1b" not in out
    assert b"a?[2Jb?.txt" in out


def test_all_samples_at_once(tmp_path):
    """Two hundred hostile files, one scanner each, and no one dies."""
    weighed, = weigh_json(SAMPLES / "findings", code=1)["weighed"]
    assert len(weighed["files"]) == len(list((SAMPLES / "findings").iterdir()))
    assert not [f for f in weighed["files"] if "error" in f]


def test_several_paths(tmp_path):
    out = weigh_json(SAMPLES / "clean" / "one.safetensors",
                     SAMPLES / "clean" / "text.md")
    assert [pathlib.Path(w["path"]).name for w in out["weighed"]] == [
        "one.safetensors", "text.md"]


def test_an_empty_folder(tmp_path):
    weighed, = weigh_json(tmp_path)["weighed"]
    assert weighed["files"] == []


def test_killed_it_leaves_nothing_behind(tmp_path, tmpdir_stays_empty):
    """The scanner's keeper sees that the command is gone and tidies up."""
    big = tmp_path / "big.safetensors"
    n = 1 << 32  # sparse: long to hash, quick to make
    text = json.dumps({"a": {"dtype": "U8", "shape": [n],
                             "data_offsets": [0, n]}}).encode()
    with open(big, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.truncate(8 + len(text) + n)
    run = subprocess.Popen([str(BINARY), "weigh", str(big)],
                           stdout=subprocess.DEVNULL)
    wait_until(lambda: list(tmpdir_stays_empty.glob("*/zygote.sock")))
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not list(tmpdir_stays_empty.iterdir()))


def wait_until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
