"""What the checks of the house share: finding the sources, reading C without
its comments, the list of exceptions, and the way a check reports.

A check is a module with NAME and problems(root), which yields Problem. It is
run alone (tools/check_size.py) or by ./dev lint. An exception stands by name in
tools/exceptions.txt; one that is no longer needed is a problem too, so the list
can only shrink.
"""

import argparse
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIP_DIRS = {".git", ".dev", "__pycache__", "node_modules", ".pytest_cache"}


class Problem(NamedTuple):
    """One breach of a rule. `what` names it for the list of exceptions; a
    warning is printed and does not fail the check."""

    path: str
    line: int
    text: str
    what: str = ""
    warning: bool = False

    def __str__(self):
        word = "warning: " if self.warning else ""
        return f"{self.path}:{self.line}: {word}{self.text}"


def files(root, *patterns):
    """Paths below root that match, without build folders, sorted."""
    found = set()
    for pattern in patterns:
        for path in pathlib.Path(root).glob(pattern):
            parts = path.relative_to(root).parts
            hidden = any(p in SKIP_DIRS or p.startswith("build") and i == 0
                         for i, p in enumerate(parts[:-1]))
            if path.is_file() and not hidden:
                found.add(path)
    return sorted(found)


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def without_comments(text):
    """C text with each comment turned into blanks; lines keep their number."""
    return TOKEN.sub(
        lambda m: blank(m[0]) if m[0].startswith("/") else m[0], text)


def without_strings(text):
    """C text with comments and the insides of literals turned into blanks."""
    def repl(m):
        if m[0].startswith("/"):
            return blank(m[0])
        return m[0][0] + blank(m[0][1:-1]) + m[0][-1]
    return TOKEN.sub(repl, text)


def literals(text):
    """(line, content) of each string, neighbours joined as C joins them."""
    code = without_comments(text)
    run = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*', re.S)
    for m in run.finditer(code):
        pieces = re.findall(r'"((?:\\.|[^"\\\n])*)"', m[0])
        yield line_of(code, m.start()), "".join(pieces)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def read_exceptions(root):
    """The list as {(check, path, what): line number}, and its ceiling."""
    path = pathlib.Path(root) / "tools" / "exceptions.txt"
    wanted, ceiling = {}, None
    if not path.exists():
        return wanted, ceiling
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0] == "ceiling":
            ceiling = int(words[1])
        elif len(words) == 3:
            wanted[tuple(words)] = number
        elif words:
            sys.exit(f"{path}:{number}: neither 'check path what' nor 'ceiling N'")
    return wanted, ceiling


def lowest_ceiling(root):
    """The lowest ceiling the list ever had in git; None without history."""
    try:
        log = subprocess.run(
            ["git", "-C", str(root), "log", "--format=", "-p", "--",
             "tools/exceptions.txt"],
            capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    seen = [int(n) for n in re.findall(r"^\+ceiling (\d+)\b", log, re.M)]
    return min(seen, default=None)


def check_exceptions(root):
    """Problems of the list itself: it may only shrink."""
    wanted, ceiling = read_exceptions(root)
    path = "tools/exceptions.txt"
    if ceiling is None and wanted:
        yield Problem(path, 1, "the list names no ceiling")
        return
    before = lowest_ceiling(root)
    limit = min(n for n in (ceiling, before, sys.maxsize) if n is not None)
    if len(wanted) > limit:
        yield Problem(path, 1, f"{len(wanted)} exceptions, and there may be "
                               f"{limit}: the list may only shrink")


def apply_exceptions(root, name, found):
    """What is left of the problems, and the exceptions nobody needs."""
    wanted, _ = read_exceptions(root)
    mine = {key: n for key, n in wanted.items() if key[0] == name}
    used = set()
    for problem in found:
        key = (name, problem.path, problem.what)
        if key in mine and not problem.warning:
            used.add(key)
        else:
            yield problem
    for key, number in mine.items():
        if key not in used:
            yield Problem("tools/exceptions.txt", number,
                          f"'{' '.join(key)}' is needed no more: remove it")


def main(name, problems, doc, options=None):
    """Run one check as a program: 0 when nothing is wrong, 1 when something
    is, 2 when it could not run."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT,
                        help="the tree to look at (default: this one)")
    parser.add_argument("--warnings", action="store_true",
                        help="print warnings one by one, not their count")
    for flag, settings in (options or {}).items():
        parser.add_argument(flag, **settings)
    args = parser.parse_args()
    root = args.root.resolve()
    extra = {k: v for k, v in vars(args).items()
             if k not in ("root", "warnings")}
    found = list(apply_exceptions(root, name, problems(root, **extra)))
    errors = [p for p in found if not p.warning]
    warnings = [p for p in found if p.warning]
    for problem in errors + (warnings if args.warnings else []):
        print(problem)
    note = f", {len(warnings)} warnings" if warnings else ""
    print(f"{name}: {len(errors)} problems{note}")
    sys.exit(1 if errors else 0)
