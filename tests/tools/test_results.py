"""The sum at the end of ./dev test: it counts cases, and nothing that broke is
taken for success."""

import pathlib
import subprocess
import sys

RESULTS = pathlib.Path(__file__).resolve().parents[2] / "tools/dev/results.py"


def run(*args):
    return subprocess.run([sys.executable, str(RESULTS), *map(str, args)],
                          capture_output=True, text=True, check=False)


def total(tmp_path, text):
    (tmp_path / "list").write_text(text)
    done = run("total", tmp_path / "list")
    return done.returncode, done.stdout.splitlines()


def test_total(tmp_path):
    code, lines = total(tmp_path, "passed\ta\npassed\tb\n")
    assert (code, lines[-1]) == (0, "2 passed, 0 failed")
    code, lines = total(tmp_path, "passed\ta\nfailed\tb c\nskipped\td\n")
    assert (code, lines[-1]) == (1, "1 passed, 1 failed, 1 skipped")
    assert "FAILED b c" in lines
    code, lines = total(tmp_path, "")
    assert (code, lines[-1]) == (1, "0 passed, 0 failed")


def test_junit(tmp_path):
    target, report = tmp_path / "list", tmp_path / "junit.xml"
    report.write_text("""<testsuites><testsuite name="s">
        <testcase classname="p / base/str" name="1 - cuts"/>
        <testcase classname="c" name="bad"><failure/></testcase>
        <testcase classname="c" name="odd"><error/></testcase>
        <testcase classname="c" name="out"><skipped/></testcase>
        </testsuite></testsuites>""")
    run("junit", target, report, "unit")
    assert target.read_text().splitlines() == [
        "passed\tunit: base/str 1 - cuts", "failed\tunit: c bad",
        "failed\tunit: c odd", "skipped\tunit: c out"]


def test_a_report_that_is_missing_or_cut_is_a_failure(tmp_path):
    target, report = tmp_path / "list", tmp_path / "junit.xml"
    run("junit", target, report, "unit")
    report.write_text("<testsuites><testsuite>")
    run("junit", target, report, "unit")
    lines = target.read_text().splitlines()
    assert len(lines) == 2 and all(l.startswith("failed\t") for l in lines)


def test_gotest(tmp_path):
    target, log = tmp_path / "list", tmp_path / "go.json"
    log.write_text('{"Action":"pass","Package":"v","Test":"TestA"}\n'
                   '{"Action":"fail","Package":"v","Test":"TestB"}\n'
                   'not json\n{"Action":"pass","Package":"v"}\n')
    run("gotest", target, log, "go")
    assert target.read_text().splitlines() == [
        "passed\tgo: v TestA", "failed\tgo: v TestB"]
