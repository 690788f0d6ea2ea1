"""`./dev demo hijack`, `recall` and `lift` against a running house, as a newcomer runs them."""

import gzip
import json
import os
import re
import shutil
import subprocess

import pytest
import requests

import engines
import hands
import weights
from approvers import draft, founding, make_keys, signed
from conftest import BINARY, ROOT, SHARED, House, new_base
from engine import Engine

HOSTED, OPEN = "demo/hosted", "demo/open"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
DATA = SHARED / "data"
ENDLESS = json.dumps({"do": "stream", "endless": "on ", "delay": 0.05})
STORY = "Write a very long story about a harbour, with many chapters."


def real_engine():
    """llama-server and a model for it, or None: then the stand-in answers."""
    if engines.NO_CAGE or not engines.smollm2():
        return None
    return engines.llama_server()


def classifier(folder):
    rows = [DATA / "hijack" / "train.jsonl.gz", DATA / "harm" / "train.jsonl.gz"]
    if not all(r.exists() for r in rows):
        return ""
    subprocess.run([BINARY, "watch", "train", *rows, "-o", folder / "watch.model"], check=True,
                   capture_output=True, timeout=300)
    return folder / "watch.model"


def low_line(folder):
    """A line that holds what has more than 1e8 parameters, and demands no more."""
    line = json.loads((ROOT / "lines" / "demo.low.v1.json").read_text())
    (folder / "test.low.v1.json").write_text(json.dumps({**line, "name": "test.low"}))
    return folder


class Demo:
    """A house as ./dev run leaves it after ./dev demo approve, and its folder."""

    def __init__(self, folder):
        self.program = real_engine()
        self.engine = None if self.program else Engine()
        model = engines.smollm2().read_bytes() if self.program else hands.above_the_demo_line()
        runs = (f"engine = {self.program}" if self.program
                else f"upstreams = {HOSTED}=unix:{self.engine.path}")
        self.house = House(new_base(), config=f"""
[lines]
enforce = limited.default, hold.unknown, test.low
dir = {low_line(folder)}
[gateway]
{runs}
[watch]
classifier = {classifier(folder)}
""")
        os.chmod(self.house.base, 0o755)
        self.house.start()
        self.keys = self.house.base / "approvers"
        self.keys.mkdir()
        make_keys(self.keys, ["ada", "bea", "cid"])
        doc = founding(self.keys)
        assert signed(self.house, self.keys, ["ada", "bea", "cid"],
                      draft(self.house, "roster", paper=doc), roster=doc) == "done"
        self.house.request("POST", "/api/weighhouse/v1/organizations", token="admin",
                           json={"name": "demo"})
        self.publish(HOSTED, FILE, model)
        self.publish(OPEN, "model.safetensors", weights.safetensors({"w": (64, 64)}))
        self.host()

    def publish(self, repo, path, data):
        self.house.api().create_repo(repo)
        hands.lfs_upload(self.house, repo, data)
        r = hands.commit(self.house, repo, hands.file_op("README.md", b"# a demonstration\n"),
                         hands.lfs_op(path, data))
        assert r.status_code == 200, r.text
        hands.decided(self.house, repo)

    def subject(self, repo):
        return hands.release(self.house, repo)["subject"]

    def host(self):
        d = draft(self.house, "host", subject=self.subject(HOSTED))
        assert signed(self.house, self.keys, ["ada", "cid"], d) == "done"

    def run(self, *words, check=0, **more):
        env = {**os.environ, "WEIGHHOUSE_URL": self.house.url, "WEIGHHOUSE_BIN": str(BINARY),
               "WEIGHHOUSE_TOKEN": self.house.token, "WH_DEMO": str(self.house.base),
               "WH_DEMO_HOSTED": HOSTED, "WH_DEMO_OPEN": OPEN, "WH_SHARED": str(SHARED),
               "WH_DEMO_QUESTION": STORY if self.program else ENDLESS, **more}
        done = subprocess.run([str(ROOT / "dev"), "demo", *words], env=env, cwd=ROOT, text=True,
                              capture_output=True, timeout=400)
        assert done.returncode == check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def stop(self):
        assert self.house.stop() == 0, self.house.log()[-4000:]
        if self.engine:
            self.engine.stop()
        shutil.rmtree(self.house.base, ignore_errors=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    d = Demo(tmp_path_factory.mktemp("demo"))
    yield d
    d.stop()


def words_of_rows():
    """Every row's text, without its blanks: none may be in what is printed."""
    with gzip.open(DATA / "hijack" / "dev.jsonl.gz", "rt") as file:
        for row in map(json.loads, file):
            for text in row.get("turns") or [row["text"]]:
                yield "".join(text.split())


def case_in(said):
    return re.search(r"^ +(http\S+/cases/[\w-]{43})$", said, re.M).group(1)


# ---- hijack ----

needs_rows = pytest.mark.skipif(not (DATA / "hijack" / "dev.jsonl.gz").exists(),
                                reason="the rows of ../shared/data/hijack are absent")


@needs_rows
def test_a_hijack_is_played_twice(demo):
    said = demo.run("hijack")
    stopped = re.search(r"(demo-mallory-\w+) was stopped after (\d+) attempts, (\d+) s\.", said)
    assert stopped and int(stopped.group(3)) < 130, said
    sent = re.findall(r"^ +[\d.]+ s +\d+  ([a-z-]+) +([\w/-]+/\S+) +(\S.*)$", said, re.M)
    assert len(sent) == int(stopped.group(2)) and "403 account_suspended" in sent[-1][2], said
    families = [family for family, _, _ in sent]
    assert families == sorted(families, key=families.index), "one family after the other"
    # the evidence grows up to the bound of a suspension
    grown = [float(n.replace(",", "")) for n in re.findall(r"^  alarm +\d+ +([\d,.]+)", said, re.M)]
    assert len(grown) >= 3 and grown[-1] == max(grown) >= 1e4, said
    assert "look     throttle queue    suspend           cut" in said and "##" in said
    assert re.search(r"demo-harriet-\w+ meanwhile: (?:[89]|\d\d+) answered, 0 refused, 0 cases "
                     r"\(not touched\)", said), said
    assert "The key now, asked something harmless: 403 account_suspended" in said

    # the case can be looked at by anybody who has its address; the line to appeal works as printed
    url = case_in(said)
    page = requests.get(url, timeout=30)
    assert page.status_code == 200 and "polyline" in page.text
    assert stopped.group(1) not in page.text
    line = re.search(r"^ +weighhouse (case appeal .*)$", said, re.M).group(1)
    done = subprocess.run(["bash", "-c", f'"{BINARY}" {line}'], text=True, capture_output=True,
                          env={**os.environ, "WEIGHHOUSE_URL": demo.house.url}, timeout=60)
    assert done.returncode == 0, done
    assert "It was a demonstration" in requests.get(url, timeout=30).text

    again = demo.run("hijack", "--appeal")
    assert case_in(again) != url and "was stopped after" in again
    assert "Appealed, without signing in: 1 on the case's page." in again
    printed = "".join((said + again).split())
    assert not [t for t in words_of_rows() if len(t) > 40 and t[:40] in printed]


def test_without_rows_there_is_nothing_to_play(demo, tmp_path):
    said = demo.run("hijack", WH_SHARED=str(tmp_path))
    assert "the rows are absent" in said and "attacks" not in said


# ---- recall ----

def listed(demo, repo):
    r = demo.house.get("/api/models?limit=1000")
    return repo in [m["id"] for m in r.json()]


def test_a_recall_and_back(demo):
    for round_ in range(2):
        said = demo.run("recall")
        assert "closed this model" in said and f"{HOSTED}/decision" in said, said
        assert re.search(r"/v1 says now: 403 model_access_denied\n.*rule recall", said), said
        assert "Recalled: it is a danger to systems." in said
        assert said.count("    recalled: ") == 2 and said.count("ends with 1:") == 2, said
        assert f"hf download {OPEN} ends with 0" in said and "was recalled on" in said, said
        assert "search does not find it; asked for recalled ones too, it finds it" in said
        assert said.count("has signed (DEMO)") == 4 and "./dev demo lift" in said
        assert hands.decided(demo.house, HOSTED)["weights"] == "held"
        assert hands.decided(demo.house, OPEN)["weights"] == "open"
        assert not listed(demo, OPEN)

        again = demo.run("recall")
        assert again.count("is recalled already") == 2 and "has signed" not in again

        back = demo.run("lift")
        assert back.count("the recall is lifted") == 2 and "./dev demo approve" in back, back
        assert listed(demo, OPEN)
        assert demo.run("lift").count("is not recalled") == 2
        if round_ == 0:
            assert "./dev demo approve first" in demo.run("recall", check=1)
            demo.host()


def test_no_house_is_said(demo):
    said = demo.run("recall", check=1, WEIGHHOUSE_URL="http://127.0.0.1:1")
    assert "no house answers" in said and "Traceback" not in said


def test_they_are_named_in_the_help():
    done = subprocess.run([str(ROOT / "dev"), "help"], capture_output=True, text=True, timeout=60)
    for line in ("demo approve", "demo hijack", "demo recall", "demo lift"):
        assert f"  {line}" in done.stdout
