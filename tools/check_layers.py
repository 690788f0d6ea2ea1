#!/usr/bin/env python3
"""Rooms include only what tools/rooms.txt allows; a library's header stands in
its one place; own headers are written "room/file.h"; build files link only
rooms that may be included."""

import re

import check

NAME = "layers"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")',
                     re.M)
DEP = re.compile(r"\b([a-z]+)_dep\b")


class Rules:
    """tools/rooms.txt, read."""

    def __init__(self, root):
        self.arrows, self.libraries = {}, []
        self.system, self.test = [], []
        path = root / "tools" / "rooms.txt"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if line and not self._read(line):
                raise SystemExit(f"{path}:{number}: not understood: {line}")
        self.reach = {room: self._closure(room) for room in self.arrows}

    def _read(self, line):
        kind, _, rest = line.partition(" ")
        head, colon, tail = rest.partition(":")
        if kind == "room" and colon:
            self.arrows[head.strip()] = tail.split()
        elif kind == "library" and colon:
            self.libraries.append((head.split(), tail.split()))
        elif kind in ("system", "test"):
            getattr(self, kind).extend(rest.split())
        else:
            return False
        return True

    def _closure(self, room):
        seen, waiting = {room, "base"}, [room]
        while waiting:
            for target in self.arrows[waiting.pop()]:
                if target not in self.arrows:
                    raise SystemExit(f"rooms.txt: no room is called {target}")
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
        if any(room in self._direct(other) for other in seen - {room}):
            raise SystemExit(f"rooms.txt: a circle goes through {room}")
        return seen

    def _direct(self, room):
        return self.arrows[room] if room != "base" else []


def matches(header, patterns):
    return any(header == p or p.endswith("/") and header.startswith(p)
               for p in patterns)


def in_place(path, place):
    """path (below src/) is in the room or begins with the path `place`."""
    return path.startswith(place if "/" in place else place + "/")


def is_test(path):
    return path.endswith(("_test.c", "/unit.h", "/testing.c", "/testing.h"))


def library_problem(rules, path, header):
    """Why `path` may not include <header>, or None."""
    if matches(header, rules.test):
        return None if is_test(path) else f"<{header}> is for tests only"
    for headers, places in rules.libraries:
        if matches(header, headers):
            if any(in_place(path, p) for p in places):
                return None
            return f"<{header}> may be included in {' '.join(places)} only"
    if matches(header, rules.system):
        return None
    return f"<{header}> is not in tools/rooms.txt"


def own_problem(rules, path, header):
    """Why `path` may not include "header", or None."""
    room, other = path.split("/")[0], header.split("/")[0]
    if "/" not in header:
        return f'"{header}" must be written with its room'
    if other not in rules.arrows:
        return f'"{header}": no room is called {other}'
    if other not in rules.reach[room]:
        return f'"{header}": {room} may not include {other}'
    if matches(header, rules.test) and not is_test(path):
        return f'"{header}" is for tests only'
    return None


def source_problems(root, rules, file):
    path = file.relative_to(root / "src").as_posix()
    full = file.relative_to(root).as_posix()
    room = path.split("/")[0]
    if room not in rules.arrows:
        yield check.Problem(full, 1, f"no room is called {room}", room)
        return
    text = check.without_comments(file.read_text())
    for m in INCLUDE.finditer(text):
        why = (library_problem(rules, path, m[1]) if m[1]
               else own_problem(rules, path, m[2]))
        if why:
            yield check.Problem(full, check.line_of(text, m.start()), why,
                                m[1] or m[2])


def build_problems(root, rules, file):
    room = file.parent.name
    full = file.relative_to(root).as_posix()
    text = re.sub(r"#[^\n]*", "", file.read_text())
    for m in DEP.finditer(text):
        if m[1] in rules.arrows and m[1] not in rules.reach.get(room, ()):
            yield check.Problem(full, check.line_of(text, m.start()),
                                f"{room} may not link {m[1]}", m[1])


def problems(root):
    rules = Rules(root)
    for file in check.files(root, "src/**/*.[ch]", "src/**/*.inc"):
        yield from source_problems(root, rules, file)
    for file in check.files(root, "src/*/meson.build"):
        yield from build_problems(root, rules, file)


if __name__ == "__main__":
    check.main(NAME, problems, __doc__)
