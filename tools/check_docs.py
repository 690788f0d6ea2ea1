#!/usr/bin/env python3
"""Every public prototype is documented in its header: a comment stands
directly before it, or before the group of prototypes (no blank line between)
that it belongs to."""

import re

import check

NAME = "docs"
PROTOTYPE = re.compile(
    r"^(?!typedef\b|return\b|static\b|extern int check)"
    r"[A-Za-z_][\w \t*]*?[ \t*\n]([a-z]\w*)\s*\(", re.M)


def statements(code):
    """(start, text) of each top-level declaration in a header whose comments
    and preprocessor lines are blanked."""
    depth, start = 0, None
    for i, c in enumerate(code):
        if start is None and not c.isspace():
            start = i
        depth += (c in "{(") - (c in "})")
        ended = c == ";" and depth == 0
        closed = c == "}" and depth == 0 and "(" in code[start:i]
        if ended or closed:
            yield start, code[start:i + 1]
            start = None


def is_prototype(text):
    m = PROTOTYPE.match(text)
    return m[1] if m and text.endswith(";") else None


def blank_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*",
                  lambda m: check.blank(m[0]), code, flags=re.M)


def macro_lines(code):
    """The numbers of all lines that belong to a #define."""
    found = set()
    for m in re.finditer(r"^[ \t]*#[ \t]*define(?:[^\n\\]|\\.|\\\n)*", code,
                         re.M):
        first = check.line_of(code, m.start()) - 1
        found.update(range(first, first + m[0].count("\n") + 1))
    return found


def line_before(macros, line):
    """The line above, past the macros of the same group."""
    line -= 1
    while line in macros:
        line -= 1
    return line


def problems(root):
    for file in check.files(root, "src/**/*.h"):
        path = file.relative_to(root).as_posix()
        text = file.read_text()
        lines = text.split("\n")
        raw = macro_lines(check.without_comments(text))
        code = blank_preprocessor(check.without_comments(text))
        documented_until = -1  # last line of a documented group
        for start, statement in statements(code):
            name = is_prototype(statement)
            if not name:
                continue
            first = check.line_of(code, start) - 1
            last = first + statement.count("\n")
            before = lines[line_before(raw, first)].strip() if first else ""
            inside = "/*" in lines[first]
            if before.endswith("*/") or inside or (
                    line_before(raw, first) == documented_until and before):
                documented_until = last
            else:
                yield check.Problem(path, first + 1,
                                    f"{name} has no comment before it", name)


if __name__ == "__main__":
    check.main(NAME, problems, __doc__)
