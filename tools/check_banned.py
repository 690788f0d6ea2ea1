#!/usr/bin/env python3
"""Functions that are not called here, SQL and HTML that is put together in C,
and marks that say a work is not finished."""

import re

import check

NAME = "banned"

# name -> what to use instead
EVERYWHERE = {
    **dict.fromkeys(["strcpy", "stpcpy", "strcat", "strncpy", "strncat",
                     "sprintf", "vsprintf"], "wh_buf, or snprintf"),
    **dict.fromkeys(["strtok", "strtok_r"], "wh_str_cut"),
    **dict.fromkeys(["atoi", "atol", "atoll", "atof", "scanf", "fscanf",
                     "sscanf", "vsscanf"], "wh_str_u64 or wh_rd"),
    **dict.fromkeys(["gets", "getwd"], "a read with a bound"),
    **dict.fromkeys(["system", "popen"], "fork and exec without a shell"),
    **dict.fromkeys(["alloca"], "an arena"),
    **dict.fromkeys(["tmpnam", "tempnam", "mktemp"], "mkstemp, mkdtemp"),
    **dict.fromkeys(["localtime", "gmtime", "asctime", "ctime", "mktime"],
                    "base/time.h"),
    **dict.fromkeys(["strerror"], "wh_fail_errno"),
}
# A test may repeat a sequence of numbers; nothing else is unguessable enough.
OUTSIDE_TESTS = dict.fromkeys(["rand", "srand", "random", "srandom", "drand48"],
                              "crypto/random.h")
OUTSIDE_BASE = {
    **dict.fromkeys(["malloc", "calloc", "realloc", "reallocarray", "strdup",
                     "strndup", "asprintf", "vasprintf", "free"],
                    "an arena, or base/mem.h"),
}

SQL = re.compile(
    r"\b(SELECT\b.*\b(FROM|\$1)|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET"
    r"|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|VIEW|TRIGGER|UNIQUE)|DROP\s+TABLE"
    r"|ALTER\s+TABLE)\b", re.I | re.S)
HTML = re.compile(r"</?(a|abbr|article|b|body|br|button|code|div|em|footer|form"
                  r"|h[1-6]|head|header|html|i|img|input|label|li|main|nav|ol|p"
                  r"|pre|script|section|small|span|strong|style|svg|table|td|th"
                  r"|tr|ul)[\s/>]", re.I)
FORMAT = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z]")

# Written so that this file does not hold the marks itself.
# ("Not Implemented" is the name of HTTP's 501.)
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"
                   r"|\b([Nn]ot (yet )?imple" r"mented|[Ff]or n" r"ow)\b"
                   r"|\b([Ss]t" r"ub(s|bed)?)\b")
MARKED = ["src/**/*.[ch]", "src/**/*.tbl", "src/**/*.inc", "src/**/meson.build",
          "meson*", "tools/**/*", "tests/**/*.py", "tests/**/*.[ch]",
          "tests/**/*.go", "tests/**/*.js", "sql/**/*", "templates/**/*",
          "assets/**/*.css", "assets/**/*.js", "docs/**/*", "*.md", "dev"]


def call_problems(path, text, names):
    code = check.without_strings(text)
    for m in re.finditer(r"(?<![\w.>])([a-z_][a-z0-9_]*)\s*\(", code):
        if m[1] in names:
            yield check.Problem(path, check.line_of(code, m.start()),
                                f"{m[1]} is banned: use {names[m[1]]}", m[1])


def text_problems(path, text):
    """SQL and HTML in string literals of code that is no test."""
    in_db, in_tmpl = path.startswith("src/db/"), path.startswith("src/tmpl/")
    for line, literal in check.literals(text):
        if SQL.search(literal):
            if not in_db:
                yield check.Problem(path, line, "SQL belongs in sql/queries",
                                    "sql")
            elif FORMAT.search(literal):
                yield check.Problem(path, line, "SQL is never formatted", "sql")
        if HTML.search(literal) and not in_tmpl:
            yield check.Problem(path, line, "HTML belongs in templates/", "html")


def mark_problems(root):
    for file in check.files(root, *MARKED):
        path = file.relative_to(root).as_posix()
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        for m in MARKS.finditer(text):
            yield check.Problem(path, check.line_of(text, m.start()),
                                f"'{m[0]}' marks unfinished work", "mark")


def problems(root):
    for file in check.files(root, "src/**/*.[ch]", "src/**/*.inc"):
        path = file.relative_to(root).as_posix()
        text = file.read_text()
        names = dict(EVERYWHERE)
        if path != "src/base/mem.c":
            names |= OUTSIDE_BASE
        yield from call_problems(path, text, names)
        if not path.endswith(("_test.c", "_fuzz.c", "/testing.c")):
            yield from text_problems(path, text)
            yield from call_problems(path, text, OUTSIDE_TESTS)
    yield from mark_problems(root)


if __name__ == "__main__":
    check.main(NAME, problems, __doc__)
