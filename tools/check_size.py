#!/usr/bin/env python3
"""Functions stay simple (McCabe over 15 warns, over 25 is refused) and short
(over 100 lines is refused), files too (over 400 lines warns, over 1000 is
refused)."""

import re
import subprocess

import check

NAME = "size"
COMPLEXITY_WARN, COMPLEXITY_MAX = 15, 25
FUNCTION_WARN, FUNCTION_MAX = 40, 100
FILE_WARN, FILE_MAX = 400, 1000

SOURCES = ["src/**/*.[ch]", "tests/**/*.[ch]"]
TEXTS = SOURCES + ["src/**/*.inc", "tools/**/*.py", "tools/**/*.sh",
                   "tests/**/*.py", "tests/**/*.go", "tests/**/*.js",
                   "assets/**/*.js", "dev"]


def graded(path, line, what, value, unit, warn, most):
    """The problem of a value over one of its limits, or None."""
    if value > most:
        return check.Problem(path, line, f"{what}: {value} {unit}, and there "
                                         f"may be {most}", what)
    if value > warn:
        return check.Problem(path, line, f"{what}: {value} {unit} (aim: {warn})",
                             what, warning=True)
    return None


def function_problems(root):
    sources = [str(f.relative_to(root)) for f in check.files(root, *SOURCES)]
    if not sources:
        return
    try:
        out = subprocess.run(["pmccabe", *sources], cwd=root, check=True,
                             capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise SystemExit("pmccabe is missing: ./dev lint installs it") from None
    row = re.compile(r"(\d+)\t\d+\t\d+\t(\d+)\t(\d+)\t(.*)\(\d+\): (.*)")
    for m in map(row.fullmatch, out.splitlines()):
        if not m:
            continue
        complexity, line, lines = int(m[1]), int(m[2]), int(m[3])
        yield graded(m[4], line, m[5], complexity, "paths (McCabe)",
                     COMPLEXITY_WARN, COMPLEXITY_MAX)
        yield graded(m[4], line, m[5], lines, "lines", FUNCTION_WARN,
                     FUNCTION_MAX)


def file_problems(root):
    for file in check.files(root, *TEXTS):
        lines = file.read_bytes().count(b"\n")
        yield graded(file.relative_to(root).as_posix(), 1, "file", lines,
                     "lines", FILE_WARN, FILE_MAX)


def problems(root):
    for problem in [*function_problems(root), *file_problems(root)]:
        if problem:
            yield problem


if __name__ == "__main__":
    check.main(NAME, problems, __doc__)
