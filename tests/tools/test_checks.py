"""Each check of the house finds what it is there to find, and lets good code
through. A small tree is written for every case and the check is run on it as
./dev lint runs it."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"

HEADER = """/*
 * x.h - an example.
 * Owner: nobody.
 * Never: wrong.
 */
#ifndef WH_BASE_X_H
#define WH_BASE_X_H

/* Adds one. */
int wh_x_next(int v);

#endif
"""
SOURCE = '#include "base/x.h"\n\nint wh_x_next(int v)\n{\n    return v + 1;\n}\n'


@pytest.fixture
def tree(tmp_path):
    """A good tree with one room's files; write(path, text) adds to it."""
    class Tree:
        root = tmp_path

        def write(self, path, text):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

        def run(self, check, *args):
            done = subprocess.run(
                [sys.executable, str(TOOLS / f"check_{check}.py"), "--root",
                 str(tmp_path), "--warnings", *args],
                capture_output=True, text=True, check=False)
            assert done.stderr == "", done.stderr
            return done.returncode, done.stdout

    tree = Tree()
    tree.write("src/base/x.h", HEADER)
    tree.write("src/base/x.c", SOURCE)
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOLS / "rooms.txt", tmp_path / "tools")
    return tree


def compile_commands(tree):
    tree.write("build/compile_commands.json", json.dumps([{
        "directory": str(tree.root), "file": "src/base/x.c",
        "command": "gcc -std=c17 -Wall -Wextra -Wpedantic -Werror -Isrc "
                   "-MD -MQ x.o -MF x.d -o x.o -c src/base/x.c"}]))


@pytest.mark.parametrize("check", ["layers", "banned", "size", "docs",
                                   "headers", "exceptions"])
def test_good_tree_passes(tree, check):
    compile_commands(tree)
    code, out = tree.run(check)
    assert code == 0, out
    assert "0 problems" in out


def rejects(tree, check, *words):
    code, out = tree.run(check)
    assert code == 1, out
    for word in words:
        assert word in out


@pytest.mark.parametrize("path, include, why", [
    ("src/base/y.c", '"db/db.h"', "base may not include db"),
    ("src/net/y.c", '"store/repo.h"', "net may not include store"),
    ("src/web/y.c", '"api/route.h"', "web may not include api"),
    ("src/api/y.c", '"web/page.h"', "api may not include web"),
    ("src/base/y.c", '"y.h"', "must be written with its room"),
    ("src/base/y.c", '"nowhere/y.h"', "no room is called nowhere"),
    ("src/nowhere/y.c", "<stdio.h>", "no room is called nowhere"),
    ("src/hub/y.c", "<openssl/evp.h>", "may be included in"),
    ("src/base/time2.c", "<openssl/evp.h>", "may be included in"),
    ("src/store/y.c", "<sqlite3.h>", "may be included in db only"),
    ("src/base/y.c", "<boost.h>", "is not in tools/rooms.txt"),
    ("src/base/y.c", "<cmocka.h>", "for tests only"),
    ("src/base/y.c", '"base/unit.h"', "for tests only"),
])
def test_layers_reject(tree, path, include, why):
    tree.write(path, f"#include {include}\n")
    rejects(tree, "layers", why, path)


@pytest.mark.parametrize("path, include", [
    ("src/hub/y.c", '"tlog/merkle.h"'),  # hub -> line -> store, register -> tlog
    ("src/base/y_test.c", "<cmocka.h>"),
    ("src/net/tls.c", "<openssl/ssl.h>"),
    ("src/crypto/y.c", "<openssl/evp.h>"),
    ("src/db/y.c", "<sqlite3.h>"),
    ("src/db/y.c", "<sys/stat.h>"),
])
def test_layers_accept(tree, path, include):
    tree.write(path, f"#include {include}\n")
    assert tree.run("layers")[0] == 0


def test_layers_see_through_comments_and_build_files(tree):
    tree.write("src/base/y.c", '/* #include "db/db.h" */\n')
    assert tree.run("layers")[0] == 0
    tree.write("src/net/meson.build", "x = [base_dep, store_dep]\n")
    rejects(tree, "layers", "net may not link store")


@pytest.mark.parametrize("line, why", [
    ("strcpy(a, b);", "strcpy is banned"),
    ("  if (x) sprintf(a, b);", "sprintf is banned"),
    ("p = malloc (3);", "malloc is banned"),
    ("free(p);", "free is banned"),
    ("system(c);", "system is banned"),
    ("v = random();", "random is banned"),
    ('f("SELECT id FROM repo");', "SQL belongs in"),
    ('f("DELETE "\n  "FROM repo");', "SQL belongs in"),
    ('f("<div class=x>");', "HTML belongs in"),
    ("/* TO" "DO: more */", "unfinished work"),
    ("/* not imple" "mented */", "unfinished work"),
    ("/* good enough for n" "ow */", "unfinished work"),
])
def test_banned_rejects(tree, line, why):
    tree.write("src/hub/y.c", line + "\n")
    rejects(tree, "banned", why, "src/hub/y.c:")


@pytest.mark.parametrize("path, line", [
    ("src/base/mem.c", "p = malloc(3);"),
    ("src/hub/y.c", "/* free(p) */ s->free(p); wh_free(p); // sprintf(x)"),
    ("src/hub/y.c", 'log("free(p) and strcpy(a, b)");'),
    ("src/db/y.c", 'f("DELETE FROM migration");'),
    ("src/hub/y_test.c", 'f("<div>SELECT a FROM b");'),
    ("src/hub/y_test.c", "v = random();"),
    ("src/net/y.c", '{501, "Not Implemented"},'),
    ("src/net/y.c", "struct list *todo;"),
])
def test_banned_accepts(tree, path, line):
    tree.write(path, line + "\n")
    code, out = tree.run("banned")
    assert code == 0, out


def test_banned_rejects_formatted_sql_in_db(tree):
    tree.write("src/db/y.c", 'f("DELETE FROM %s");\n')
    rejects(tree, "banned", "SQL is never formatted")


def function(branches, lines):
    body = "".join(f"    if (v == {i}) {{ return {i}; }}\n"
                   for i in range(branches))
    return f"int f(int v)\n{{\n{body}{'    v++;' + chr(10)}" + \
           "    v++;\n" * lines + "    return v;\n}\n"


def test_size(tree):
    tree.write("src/base/y.c", function(24, 0))
    code, out = tree.run("size")
    assert code == 0 and "25 paths (McCabe) (aim: 15)" in out
    tree.write("src/base/y.c", function(25, 0))
    rejects(tree, "size", "26 paths", "f:")
    tree.write("src/base/y.c", function(0, 100))
    rejects(tree, "size", "lines, and there may be 100")
    tree.write("src/base/y.c", "int a;\n" * 401)
    code, out = tree.run("size")
    assert code == 0 and "401 lines (aim: 400)" in out
    tree.write("src/base/y.c", "int a;\n" * 1001)
    rejects(tree, "size", "1001 lines")
    tree.write("src/base/y.c", "")
    tree.write("tools/y.py", "a = 1\n" * 1001)
    rejects(tree, "size", "tools/y.py")


@pytest.mark.parametrize("text, names", [
    ("int wh_y(void);\n", ["wh_y"]),
    ("/* About z. */\n\nint wh_y(void);\n", ["wh_y"]),
    ("/* Fine. */\nint wh_y(void);\n\nint wh_z(void);\n", ["wh_z"]),
    ("/* A struct. */\nstruct y {\n    int a;\n};\nint wh_y(void);\n", ["wh_y"]),
    ("struct y *wh_y(int a,\n               int b);\n", ["wh_y"]),
])
def test_docs_reject(tree, text, names):
    tree.write("src/base/y.h", text)
    rejects(tree, "docs", *names)


@pytest.mark.parametrize("text", [
    "/* Both. */\nint wh_y(void);\nint wh_z(int a,\n         int b);\n",
    "/* A macro and its function. */\n#define y(a) \\\n    wh_y(a)\n"
    "int wh_y(int a);\n",
    "/* Fine. */\nint wh_y(void) __attribute__((noreturn));\n",
    "struct y {\n    int (*fn)(int a);\n};\n",
    "/* Inline. */\nstatic inline int wh_y(void)\n{\n    return f();\n}\n",
])
def test_docs_accept(tree, text):
    tree.write("src/base/y.h", text)
    code, out = tree.run("docs")
    assert code == 0, out


def test_headers_must_compile_alone(tree):
    compile_commands(tree)
    tree.write("src/base/x.h", HEADER.replace("int v", "size_t v"))
    rejects(tree, "headers", "size_t")
    tree.write("src/base/x.h", HEADER.replace("int v", "int v, ..."))
    assert tree.run("headers")[0] == 0


@pytest.mark.parametrize("old, new, why", [
    ("WH_BASE_X_H", "WH_X_H", "the guard must be WH_BASE_X_H"),
    (" * Owner: nobody.\n", "", "lacks 'Owner:'"),
    (" * Never: wrong.\n", "", "lacks 'Never:'"),
    ("x.h - ", "y.h - ", "lacks 'x.h -'"),
])
def test_headers_have_their_form(tree, old, new, why):
    compile_commands(tree)
    tree.write("src/base/x.h", HEADER.replace(old, new))
    rejects(tree, "headers", why)


def test_headers_of_a_room_that_is_not_built(tree):
    compile_commands(tree)
    tree.write("src/net/y.h", HEADER.replace("BASE_X", "NET_Y")
               .replace("x.h", "y.h"))
    rejects(tree, "headers", "net is not in the build")


def test_exceptions_hold_and_must_be_needed(tree):
    tree.write("src/hub/y.c", "free(p);\n")
    tree.write("tools/exceptions.txt", "ceiling 1\nbanned src/hub/y.c free\n")
    assert tree.run("banned")[0] == 0
    tree.write("src/hub/y.c", "strcpy(p, q);\n")
    rejects(tree, "banned", "strcpy", "is needed no more")


def test_exceptions_may_only_shrink(tree):
    def git(*args):
        subprocess.run(["git", "-C", str(tree.root), "-c", "user.name=t",
                        "-c", "user.email=t@example.org", *args],
                       check=True, capture_output=True)

    tree.write("tools/exceptions.txt", "a b c\n")
    rejects(tree, "exceptions", "names no ceiling")
    tree.write("tools/exceptions.txt", "ceiling 1\na b c\na b d\n")
    rejects(tree, "exceptions", "2 exceptions, and there may be 1")
    git("init", "-q")
    tree.write("tools/exceptions.txt", "ceiling 1\na b c\n")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    assert tree.run("exceptions")[0] == 0
    tree.write("tools/exceptions.txt", "ceiling 2\na b c\na b d\n")
    git("commit", "-q", "-a", "-m", "two")
    rejects(tree, "exceptions", "2 exceptions, and there may be 1")


TIDY_CASES = [
    ("int f(int v)\n{\n    return v + 1;\n}\n", None),
    ("int f(int v)\n{\n    if (v)\n        v++;\n    return v;\n}\n",
     "readability-braces-around-statements"),
    ("unsigned long f(unsigned v)\n{\n    return v * 4096u;\n}\n",
     "implicit-widening"),
    ("unsigned long f(unsigned v)\n{\n    return 4096u * v;\n}\n",
     "implicit-widening"),
    ("#define A (4u * 1024u)\nunsigned long f(void)\n{\n    return 3 * A;\n}\n",
     None),
    ("int f(void)\n{\n    int v;\n    return v;\n}\n", "core.uninit"),
]


@pytest.mark.parametrize("source, finding", TIDY_CASES)
def test_tidy(tree, source, finding):
    shutil.copy(TOOLS.parent / ".clang-tidy", tree.root)
    tree.write("src/base/x.c", source)
    tree.write("build/compile_commands.json", json.dumps([{
        "directory": str(tree.root / "build"), "file": "../src/base/x.c",
        "command": "clang-14 -std=c17 -o x.o -c ../src/base/x.c"}]))
    command = [sys.executable, str(TOOLS / "tidy.py"), "--root",
               str(tree.root), str(tree.root / "build")]
    for _ in range(2):  # the second run finds what the first one stamped
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False)
        assert done.returncode == (1 if finding else 0), done.stdout
        assert (finding or "0 problems") in done.stdout
