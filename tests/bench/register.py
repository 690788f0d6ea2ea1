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
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DRIVER = pathlib.Path(os.environ.get(
    "REGISTER_DRIVER", ROOT / "build" / "src" / "register" / "register_driver"))
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
    row = json.loads(done.stdout.splitlines()[0])
    row["cpu_us"] = (after.ru_utime + after.ru_stime - before.ru_utime
                     - before.ru_stime) * 1e6 / row["events"]
    shutil.rmtree(folder)
    return row


def show(name, rows):
    def middle(key):
        return statistics.median(row[key] for row in rows)
    print(f"{name:28} {middle('per_second'):8.0f}/s   p50 {middle('p50_ms'):6.0f} ms   "
          f"p99 {middle('p99_ms'):6.0f} ms   {middle('cpu_us'):6.0f} us CPU an event",
          flush=True)
    return middle("per_second"), middle("p99_ms"), middle("cpu_us")


def main():
    base = pathlib.Path(tempfile.mkdtemp(prefix="weighhouse-bench-", dir=ROOT / ".dev"
                                         if (ROOT / ".dev").is_dir() else None))
    try:
        (base / "build").mkdir()
        tessera = build_tessera(base / "build") if go_is_new_enough() else None
        ours, theirs = [], []
        for i in range(ROUNDS):
            ours.append(measure([DRIVER], base / f"ours{i}", ["bench"]))
            if tessera:
                theirs.append(measure(tessera, base / f"tessera{i}"))
        print(f"{EVENTS} events, {WAITING} at once, median of {ROUNDS} runs")
        mine = show("register", ours)
        if not tessera:
            print("Tessera was not measured: it wants Go 1.25 or newer.")
            return
        yard = show("Tessera POSIX", theirs)
        print(f"{'ratio, register : Tessera':28} {mine[0] / yard[0]:8.2f}     "
              f"p99 {mine[1] / yard[1]:.2f}   CPU {mine[2] / yard[2]:.2f}")
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
