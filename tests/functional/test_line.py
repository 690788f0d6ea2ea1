"""The line command: read, check, explain, export and back-test, no server."""

import json
import subprocess

import pytest

from conftest import BINARY, ROOT

SHIPPED = ["demo.low.v1", "demo.low.v2", "hold.unknown.v1", "limited.default.v1",
           "small.fast-track.v1"]


def line(*args, stdin=None, code=0):
    """Run `weighhouse line`; its standard output, once the exit code fits."""
    done = subprocess.run([str(BINARY), "line", *map(str, args)], input=stdin,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr + done.stdout
    assert "Sanitizer" not in done.stderr
    if code in (2, 4):
        assert done.stderr.startswith("weighhouse line: ")
    return done.stdout


def document(label, case):
    """The evidence document of a case of a shipped line."""
    law = json.loads((ROOT / "lines" / f"{label}.json").read_text())
    evidence = {**law["case_ground"], **law["cases"][case]["with"]}
    return law["cases"][case]["answer"], json.dumps(
        {"v": 1, "subject": "0" * 64, "now": "2026-11-23T00:00:00Z",
         "evidence": evidence})


def test_list_names_all_shipped_lines():
    lines = json.loads(line("list", "--json"))
    assert [f"{one['name']}.v{one['version']}" for one in lines] == SHIPPED
    assert all(len(one["digest"]) == 64 for one in lines)
    text = line("list")
    assert all(f"{label} " in text for label in SHIPPED)


def test_show_reads_like_law():
    text = line("show", "limited.default")
    for piece in ("Reason:", "Machine form:", "Cases:", "checked against its sources"):
        assert piece in text
    assert json.loads(line("show", "limited.default.v1", "--json")) == \
        json.loads((ROOT / "lines" / "limited.default.v1.json").read_text())


def test_check_finds_an_unfit_line(tmp_path):
    line("check")
    fit = json.loads(line("check", "demo.low", "--json"))
    assert fit[0]["fit"] and fit[0]["problems"] == []
    law = (ROOT / "lines" / "demo.low.v1.json").read_text()
    changed = tmp_path / "changed.json"
    changed.write_text(law.replace('"threshold": "1e8"', '"threshold": "1e9"'))
    found = json.loads(line("check", changed, "--json", code=1))
    assert not found[0]["fit"]
    assert "case 3 says above, the line answers below" in found[0]["problems"][0]
    changed.write_text(law.replace('"days": 180', '"days": 181'))
    line("check", changed, code=2)


@pytest.mark.parametrize("label", SHIPPED)
def test_explain_and_plain_jq_agree(label, tmp_path):
    program = tmp_path / "line.jq"
    program.write_text(line("export", label, "--jq"))
    law = json.loads((ROOT / "lines" / f"{label}.json").read_text())
    for case in range(len(law["cases"])):
        answer, text = document(label, case)
        evidence = tmp_path / "evidence.json"
        evidence.write_text(text)
        code = 0 if answer == "below" else 1
        ours = line("explain", label, evidence, "--json", code=code)
        theirs = subprocess.run(["jq", "-cS", "-f", str(program), str(evidence)],
                                capture_output=True, text=True, check=True,
                                env={"PATH": "/usr/bin:/bin"})
        assert ours == theirs.stdout
        assert json.loads(ours)["answer"] == answer
        told = line("explain", label, "-", stdin=text, code=code)
        assert f"{law['name']}, version {law['version']}, says: {answer}" in told
        assert told == line("explain", "--evidence", evidence, label, code=code)


def test_backtest_has_no_false_answer():
    for one in json.loads(line("backtest", "--json")):
        assert len(one["models"]) >= 60
        assert {row["kind"] for row in one["models"]} >= {"dense", "moe"}
        for kind in ("files", "table", "edges"):
            assert one["summary"][kind]["false"] == 0
    assert "meta-llama/Llama-3.1-405B" in line("backtest", "limited.default")


@pytest.mark.parametrize("args, code", [
    ([], 2),
    (["draw"], 2),
    (["show"], 2),
    (["show", "no.such.line"], 1),
    (["show", "demo.low", "--xml"], 2),
    (["explain", "demo.low"], 2),
    (["explain", "demo.low", "--evidence"], 2),
    (["explain", "demo.low", "--evidence", "/nonexistent", "more"], 2),
    (["export", "demo.low"], 2),
    (["explain", "demo.low", "/nonexistent"], 1),
    (["backtest", "demo.low", "demo.low"], 2),
])
def test_wrong_usage(args, code):
    line(*args, code=code)


@pytest.mark.parametrize("text", ["", "{", '{"v":1,"v":1}', "[" * 100 + "]" * 100])
def test_malformed_evidence_is_refused(text):
    line("explain", "demo.low", "-", stdin=text, code=2)
