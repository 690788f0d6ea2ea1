"""The register against Tessera on POSIX files, in one run, turn by turn: events
that are durable and published, and how long each waited for that.

Ours goes through the database's outbox, the signer's process and its memory;
Tessera holds entries in memory until they are sequenced, and signs itself."""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess

from _lib import BUILD, HERE, median, row, scratch

DRIVER = pathlib.Path(os.environ.get(
    "REGISTER_DRIVER", BUILD / "src" / "register" / "register_driver"))
EVENTS, WAITING, ROUNDS = 20_000, 1_000, 3
GO_WANTED = (1, 25)


def go_is_new_enough():
    if not shutil.which("go"):
        return False
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True)
    found = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return bool(found) and tuple(map(int, found.groups())) >= GO_WANTED


def build_tessera(folder):
    for end, name in (("go", "main.go"), ("mod", "go.mod"), ("sum", "go.sum")):
        shutil.copy(HERE / f"register_tessera.{end}", folder / name)
    done = subprocess.run(["go", "build", "-o", "tessera", "."], cwd=folder)
    return [folder / "tessera"] if done.returncode == 0 else None


def measure(command, folder, verb=()):
    """One run in an empty folder: its row, and the CPU it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, folder, *verb, str(EVENTS), str(WAITING)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, check=True,
        env={**os.environ, "REGISTER_SIGNER_PROCESS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = json.loads(done.stdout.splitlines()[0])
    said["cpu_us"] = (after.ru_utime + after.ru_stime - before.ru_utime
                      - before.ru_stime) * 1e6 / said["events"]
    shutil.rmtree(folder)
    return said


def figures(rows):
    return [median(r[key] for r in rows)
            for key in ("per_second", "p50_ms", "p99_ms", "cpu_us")]


def show(ours, theirs):
    mine = figures(ours)
    yard = figures(theirs) if theirs else None
    for i, what, unit, goal in (
            (0, "register, durable and published", "/s", ">= 2000/s"),
            (1, "register, submit to published, p50", " ms", "-"),
            (2, "register, submit to published, p99", " ms", "<= 400 ms"),
            (3, "register, CPU an event", " us", "-")):
        row(what, f"{mine[i]:.0f}{unit}",
            f"Tessera POSIX {yard[i]:.0f}{unit}" if yard else "needs Go 1.25",
            mine[i] / yard[i] if yard else None, goal)


def main():
    with scratch() as base:
        base = pathlib.Path(base)
        (base / "build").mkdir()
        tessera = build_tessera(base / "build") if go_is_new_enough() else None
        ours, theirs = [], []
        for i in range(ROUNDS):
            ours.append(measure([DRIVER], base / f"ours{i}", ["bench"]))
            if tessera:
                theirs.append(measure(tessera, base / f"tessera{i}"))
    show(ours, theirs)


if __name__ == "__main__":
    main()
