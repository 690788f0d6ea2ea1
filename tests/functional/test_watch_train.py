"""`weighhouse watch train`: the classifier is made from rows, and says what it
is worth."""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("WH_SHARED", ROOT.parent / "shared")) / "data"
ROWS = [DATA / "hijack" / "train.jsonl.gz", DATA / "harm" / "train.jsonl.gz"]


def train(*arguments):
    return subprocess.run([BINARY, "watch", "train", *map(str, arguments)],
                          capture_output=True, text=True, timeout=300)


def rows(path, n, kinds=("benign", "attack")):
    """Rows about ships, and about ovens, which are to be found."""
    words = {"benign": "ship harbour salt mast anchor herring tide rope",
             "attack": "oven flour bread yeast crust dough rye baker"}
    with open(path, "w") as f:
        for i in range(n):
            kind = kinds[i % len(kinds)]
            some = words[kind].split()
            f.write(json.dumps({
                "id": str(i), "source": kind, "family": "question",
                "kind": kind, "cluster": f"c{i}",
                "text": " ".join(some[(i * k + k) % 8] for k in range(9))}) + "\n")
    return path


def test_rows_become_a_classifier(tmp_path):
    done = train(rows(tmp_path / "r.jsonl", 400), "-o", tmp_path / "m", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["segments"][0]["name"] == "ask"
    assert 0 < float(said["segments"][0]["p0"]) < 0.1
    model = (tmp_path / "m").read_bytes()
    assert model.startswith(b"WHWATCH1") and len(model) < 300_000
    again = train(tmp_path / "r.jsonl", "-o", tmp_path / "m2")
    assert again.returncode == 0 and "at most" in again.stdout
    assert (tmp_path / "m2").read_bytes() == model


def test_what_can_not_be_used_is_said(tmp_path):
    assert train().returncode == 2
    assert train(tmp_path / "r.jsonl").returncode == 2
    absent = train(tmp_path / "absent", "-o", tmp_path / "m")
    assert absent.returncode != 0 and "absent" in absent.stderr
    one_kind = rows(tmp_path / "one.jsonl", 100, kinds=("benign",))
    done = train(one_kind, "-o", tmp_path / "m")
    assert done.returncode == 2 and "attacks and honest rows" in done.stderr
    (tmp_path / "bad.jsonl").write_text('{"id": "1"}\n')
    done = train(tmp_path / "bad.jsonl", "-o", tmp_path / "m")
    assert done.returncode == 2 and "line 1" in done.stderr
    assert not (tmp_path / "m").exists()


@pytest.mark.skipif(not all(p.exists() for p in ROWS),
                    reason=f"the rows of {DATA} are not here: the classifier "
                    "of the watch is absent")
def test_the_real_rows(tmp_path):
    done = train(*ROWS, "-o", tmp_path / "m", "--json")
    assert done.returncode == 0, done.stderr
    segments = {s["name"]: s for s in json.loads(done.stdout)["segments"]}
    assert set(segments) == {"ask", "code", "edge", "text"}
    for name, s in segments.items():
        assert s["alarms"] <= 0.015 * s["rows"] + 1, name
        assert float(s["p0"]) < 0.1, name
