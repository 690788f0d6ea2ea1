#!/usr/bin/env python3
"""Each header compiles alone and twice, under the flags its room is built
with; carries the guard WH_<ROOM>_<FILE>_H; opens with what it is, its Owner and
what it Never does."""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess

import check

NAME = "headers"
DROP_WITH_VALUE = {"-o", "-MQ", "-MF", "-MT"}
DROP = {"-c", "-MD", "-MMD"}


def flags_of(entry):
    """The compiler and its flags from one entry of compile_commands.json."""
    words, out, skip = shlex.split(entry["command"]), [], False
    for word in words:
        if skip or word in DROP or word == entry["file"]:
            skip = False
        elif word in DROP_WITH_VALUE:
            skip = True
        else:
            out.append(word)
    return out


def commands(build):
    """{room: (folder, compiler and flags)} of one build folder."""
    path = build / "compile_commands.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run ./dev build first")
    found = {}
    for entry in json.loads(path.read_text()):
        m = re.search(r"(?:^|/)src/([a-z]+)/[^/]+\.c$", entry["file"])
        if m and not entry["file"].endswith(("_test.c", "_fuzz.c")):
            found.setdefault(m[1], (entry["directory"], flags_of(entry)))
    return found


def compile_problem(header, folder, command):
    """The first complaint of the compiler about the header alone, or None."""
    unit = (f'#include "{header}"\n#include "{header}"\n'
            "extern int check_headers_unit;\n")
    done = subprocess.run(
        [*command, "-fdiagnostics-color=never", "-x", "c", "-fsyntax-only", "-"], cwd=folder, input=unit,
        capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    lines = [l for l in done.stderr.splitlines() if "error" in l]
    return (lines or done.stderr.splitlines() or ["compiler failed"])[0]


def form_problems(path, text):
    full = f"src/{path}"
    guard = "WH_" + re.sub(r"[^A-Z0-9]", "_", path.upper())
    if not re.search(rf"^#ifndef {guard}\n#define {guard}\n", text, re.M):
        yield check.Problem(full, 1, f"the guard must be {guard}", "guard")
    head = text.split("*/")[0]
    name = pathlib.Path(path).name
    for mark in (f"/*\n * {name} - ", "\n * Owner: ", "\n * Never: "):
        if mark not in head:
            shown = mark.strip("/*\n ")
            yield check.Problem(full, 1, f"the opening lacks '{shown}'", "head")


def problems(root, build=None):
    known = commands(build or root / "build")
    headers = [f.relative_to(root / "src").as_posix()
               for f in check.files(root, "src/**/*.h")]
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in headers:
            yield from form_problems(path, (root / "src" / path).read_text())
            room = path.split("/")[0]
            if room in known:
                jobs.append((path, pool.submit(compile_problem, path,
                                               *known[room])))
            else:
                yield check.Problem(f"src/{path}", 1,
                                    f"{room} is not in the build", "build")
        for path, job in jobs:
            if job.result():
                yield check.Problem(f"src/{path}", 1, job.result(), "alone")


if __name__ == "__main__":
    check.main(NAME, problems, __doc__, {"--build": {
        "type": pathlib.Path, "help": "build folder that has the flags"}})
