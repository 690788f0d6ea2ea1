"""The watch as a whole: honest accounts that it suspends, and how long misuse goes on.
Needs the rows of ../shared/data; tests/bench/watch_bench.c does the work and prints all."""

import os
import pathlib
import subprocess

from _lib import BUILD, ROOT, row

DATA = pathlib.Path(os.environ.get("WH_SHARED", ROOT.parent / "shared")) / "data"
ACCOUNTS = os.environ.get("WH_BENCH_LIVES", "1000")


def main():
    program = BUILD / "tests" / "bench" / "watch_bench"
    rows = []
    with subprocess.Popen([program, DATA / "hijack", DATA / "harm", ACCOUNTS],
                          stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if line.startswith("row\t"):
                rows.append(line.rstrip("\n").split("\t")[1:])
            else:
                print(line, end="", flush=True)
    if run.returncode not in (0, 77):
        raise SystemExit(f"watch_bench ended with {run.returncode}")
    for what, ours, goal in rows:
        row(what, ours, goal=goal)


if __name__ == "__main__":
    main()
