#!/usr/bin/env python3
"""clang-tidy over every source that is in the build, in parallel. A file is
skipped when its preprocessed text, the settings and clang-tidy are the same as
in a run that found nothing (stamps in .dev/tidy)."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"


FINDING = re.compile(r"(.*?):(\d+):(\d+): (?:error|warning): ")
# A product of numbers and macros: the compiler itself sees it overflow.
FACTOR = r"(?:[A-Z_][A-Z0-9_]*|\d+[uUlL]*)"
CONSTANT = re.compile(rf"{FACTOR}(?:\s*\*\s*{FACTOR})*(?!\s*\*|\w)")


def is_constant_product(line, column):
    """The expression that begins at the column multiplies constants only."""
    return CONSTANT.match(line[column - 1:]) is not None


def counts(finding, folder):
    """Clang-tidy 14 warns of constant products that are widened; the check is
    kept for the others, since a length times a count of a file's header is just
    what it is good for."""
    m = FINDING.match(finding)
    if not m or "implicit-widening" not in finding:
        return m is not None
    lines = pathlib.Path(folder, m[1]).read_text().split("\n")
    return not is_constant_product(lines[int(m[2]) - 1], int(m[3]))


def entries(root, build):
    """One compile command per source of ours, generated files left out."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        inside = path.is_relative_to(root) and not path.is_relative_to(build)
        if inside and ".dev" not in path.relative_to(root).parts:
            found.setdefault(path, entry)
    return sorted(found.items())


def preprocessed(entry):
    """What the compiler sees of a file, comments kept (NOLINT is one)."""
    words = shlex.split(entry["command"])
    at = words.index("-o")
    words[at:at + 2] = ["-E", "-C", "-o", "-"]
    words = [w for w in words if w not in ("-c", "-MD")]
    for flag in ("-MQ", "-MF"):
        if flag in words:
            at = words.index(flag)
            del words[at:at + 2]
    return subprocess.run(words, cwd=entry["directory"], capture_output=True,
                          check=False).stdout


def check(path, entry, build, settings, stamps):
    """The findings in one file, [] when there are none."""
    key = hashlib.sha256(settings + path.read_bytes() + preprocessed(entry))
    stamp = stamps / key.hexdigest()
    if stamp.exists():
        return []
    done = subprocess.run([TIDY, "-p", str(build), "--quiet", str(path)],
                          capture_output=True, text=True, check=False)
    found = [l for l in done.stdout.splitlines() if FINDING.match(l)]
    lines = [l for l in found if counts(l, entry["directory"])]
    if done.returncode and not found:
        lines = [f"{path}: {TIDY} failed: {done.stderr.strip()[-300:]}"]
    if not lines:
        stamp.touch()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path,
                        help="a build folder made with clang")
    parser.add_argument("pattern", nargs="?", default="",
                        help="only files whose path contains this")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    args = parser.parse_args()
    build, root = args.build.resolve(), args.root.resolve()
    stamps = root / ".dev" / "tidy"
    stamps.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True,
                             check=True).stdout
    settings = version + (root / ".clang-tidy").read_bytes()
    waiting = [(p, e) for p, e in entries(root, build) if args.pattern in str(p)]
    bad = done = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check, p, e, build, settings, stamps) for p, e in waiting]
        for job in concurrent.futures.as_completed(jobs):
            done += 1
            for line in job.result():
                bad += 1
                print(line)
            if sys.stderr.isatty():
                print(f"\r{done}/{len(jobs)} files ", end="", file=sys.stderr)
    print(f"tidy: {len(jobs)} files, {bad} problems")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
