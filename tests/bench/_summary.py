"""All rows of one run of ./dev bench as one table, with the machine they were
measured on. Usage: _summary.py FILE"""

import json
import os
import pathlib
import sys

from _lib import COLUMNS, line


def machine():
    model = "unknown processor"
    for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if text.startswith("model name"):
            model = text.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    return (f"{os.cpu_count()} cores, {model}, {memory:.0f} GiB, "
            f"Linux {os.uname().release}; load averages at the end {load}")


def main():
    rows = [json.loads(text) for text in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    if not rows:
        return
    head = line(dict(zip(COLUMNS, COLUMNS)))
    print("\n" + head + "\n" + "-" * len(max(map(line, rows), key=len)))
    for row in rows:
        print(line(row))
    print(f"\n{machine()}\n"
          "Each figure and its yardstick were taken turn by turn in this run; figures are\n"
          "medians of the rounds, ratios medians of the rounds' ratios. CPU ratios move by a\n"
          "few percent from run to run; times and throughput by much more wherever other\n"
          "work shares the cores or the disk. What each row means: docs/bench.md")


if __name__ == "__main__":
    main()
