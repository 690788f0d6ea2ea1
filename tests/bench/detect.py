"""The detectors: what they catch and wrongly alarm by source, what that does to
honest and stolen accounts, and how long a prompt of 2 KB takes. Needs the rows
of ../shared/data; tests/bench/detect_bench.c does the work and prints all."""

import os
import pathlib
import subprocess

from _lib import BUILD, ROOT, row

DATA = pathlib.Path(os.environ.get("WH_SHARED", ROOT.parent / "shared")) / "data"
ACCOUNTS = os.environ.get("WH_BENCH_ACCOUNTS", "100000")


def main():
    if not (DATA / "hijack" / "dev.jsonl.gz").exists():
        print(f"no rows in {DATA}: not measured")
        return
    program = BUILD / "tests" / "bench" / "detect_bench"
    rows = []
    with subprocess.Popen([program, DATA / "hijack", DATA / "harm", ACCOUNTS],
                          stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if line.startswith("row\t"):
                rows.append(line.rstrip("\n").split("\t")[1:])
            else:
                print(line, end="", flush=True)
    if run.returncode:
        raise SystemExit(f"detect_bench ended with {run.returncode}")
    for what, ours, goal in rows:
        row(what, ours, goal=goal)


if __name__ == "__main__":
    main()
