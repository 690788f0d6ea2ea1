"""Repo info, lists and search on 350,000 models, 75,000 datasets and 150,000
spaces, through HTTP at 200 requests a second: 60 % info, 25 % lists with
filters, 15 % searches (two words, or a prefix of three letters and more). Times
count from the moment a request was due. nginx serves a small file at the same
rate, turn by turn: what it takes is this machine's noise. Under `chrt -r 1`
there is none of other programs.

The population takes some minutes to make and is kept in .dev/bench-hub."""

import base64
import hashlib
import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import time
from urllib.parse import quote, urlencode

from _lib import BUILD, HERE, ROOT, Nginx, Server, cpu, load, median, row, scratch

RATE, SECONDS, ROUNDS, CONNECTIONS = 200, 15, 3, 16
PAGE = 30
GOALS = {"info": 2, "list": 10, "search": 25}
KINDS = {1: "models", 2: "datasets", 3: "spaces"}

# ---- the population ----

FORM = 1  # count up when give_commits changes
FILES = ("README.md", "config.json", "tokenizer.json", "generation_config.json",
         "special_tokens_map.json", "tokenizer_config.json", "vocab.txt", "merges.txt")


def digest():
    h = hashlib.sha256()
    for path in [*sorted((ROOT / "sql" / "migrations").iterdir()),
                 HERE / "repo_population.c"]:
        h.update(path.read_bytes())
    h.update(repr((FILES, FORM)).encode())
    return h.hexdigest()


def make_template(house):
    """A repo whose commit all others share: what info shows is read from it."""
    house.create("template")
    lines = [{"key": "header", "value": {"summary": "files"}}]
    lines += [{"key": "file", "value": {
        "path": name, "encoding": "base64",
        "content": base64.b64encode(f"{name}\n".encode()).decode()}} for name in FILES]
    house.json("POST", "/api/models/admin/template/commit/main",
               "\n".join(map(json.dumps, lines)), "application/x-ndjson")


def give_commits(path):
    """Every repo gets the template's commit and trees as its own rows."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    template, sha = db.execute(
        "SELECT r.id, h.sha FROM repo r JOIN repo_head h ON h.repo = r.id "
        "WHERE r.full = 'admin/template'").fetchone()
    db.execute(
        "INSERT INTO git_object (repo, oid, type, size, data) "
        "SELECT r.id, o.oid, o.type, o.size, o.data FROM repo r, git_object o "
        "WHERE o.repo = ?1 AND o.type IN (1, 2) AND r.id <> ?1", (template,))
    db.execute("INSERT INTO git_ref (repo, name, oid) SELECT r.id, f.name, f.oid "
               "FROM repo r, git_ref f WHERE f.repo = ?1 AND r.id <> ?1", (template,))
    # blobs are needed for what info says of sizes
    db.execute(
        "INSERT INTO git_object (repo, oid, type, size, data) "
        "SELECT r.id, o.oid, o.type, o.size, o.data FROM repo r, git_object o "
        "WHERE o.repo = ?1 AND o.type = 3 AND r.id <> ?1", (template,))
    db.execute("UPDATE repo_head SET sha = ? WHERE repo <> ?", (sha, template))
    db.commit()
    db.close()


def populated():
    base = ROOT / ".dev" / "bench-hub"
    stamp = base / "made-from"
    if stamp.exists() and stamp.read_text() == digest():
        return base
    print("making 575,000 repos in .dev/bench-hub: some minutes, once", flush=True)
    shutil.rmtree(base, ignore_errors=True)
    with Server(base) as house:
        make_template(house)
    subprocess.run([str(BUILD / "src" / "store" / "repo_population"),
                    str(base / "data" / "house.db")], check=True,
                   stderr=subprocess.DEVNULL)
    give_commits(base / "data" / "house.db")
    stamp.write_text(digest())
    return base


# ---- the requests ----

def some_repos(path, n, rng):
    db = sqlite3.connect(path)
    last = db.execute("SELECT max(id) FROM repo").fetchone()[0]
    found = []
    while len(found) < n:
        got = db.execute(
            "SELECT r.kind, r.full, h.tags FROM repo r JOIN repo_head h ON h.repo = r.id "
            "WHERE r.id = ? AND private = 0 AND gone IS NULL",
            (rng.randint(1, last),)).fetchone()
        if got:
            found.append((KINDS[got[0]], got[1], json.loads(got[2])))
    db.close()
    return found


def list_of(rng, kind, full, tags):
    query = [("sort", rng.choice(("downloads", "downloads", "downloads", "lastModified",
                                  "likes", "createdAt"))),
             ("direction", "-1"), ("limit", PAGE)]
    what = rng.randrange(4)
    if what == 1:
        query.append(("author", full.split("/")[0]))
    elif what > 1:
        query += [("filter", tag) for tag in tags[:rng.randint(1, 2)]]
    return f"list /api/{kind}?{urlencode(query)}"


def search_of(rng, kind, full):
    name = full.split("/")[1]
    text = (name[:rng.randint(3, 6)] if rng.random() < 0.5
            else " ".join(name.split("-")[:2]))
    return f"search /api/{kind}?limit={PAGE}&search={quote(text)}"


def requests(path, n):
    rng = random.Random(7)
    lines = []
    for kind, full, tags in some_repos(path, n, rng):
        what = rng.random()
        if what < 0.60:
            lines.append(f"info /api/{kind}/{full}")
        elif what < 0.85:
            lines.append(list_of(rng, kind, full, tags))
        else:
            lines.append(search_of(rng, kind, full))
    return "\n".join(lines) + "\n"


# ---- measuring ----

def run(port, targets):
    return load(port, RATE, SECONDS, CONNECTIONS, targets)


def cost(house, kind, asked, folder):
    """CPU milliseconds of one request of this kind: free of the neighbours."""
    alone = folder / f"{kind}.txt"
    alone.write_text("".join(text for text in asked.read_text().splitlines(True)
                             if text.startswith(kind + " ")))
    pids = house.pids("front")
    before = cpu(pids)
    done = load(house.port, 0, 3, 1, alone)["requests"]
    return (cpu(pids) - before) / done * 1000


def main():
    base = populated()
    with scratch() as folder:
        folder = pathlib.Path(folder)
        (folder / "small").write_bytes(b"x" * 200)
        (folder / "nginx.txt").write_text("small /small\n")
        asked = folder / "requests.txt"
        asked.write_text(requests(base / "data" / "house.db", RATE * SECONDS))
        start = time.monotonic()
        with Server(base) as house, Nginx(folder / "nginx", folder) as nginx:
            print(f"ready after {time.monotonic() - start:.1f} s")
            run(house.port, asked)
            ours, theirs = [], []
            for _ in range(ROUNDS):
                theirs.append(run(nginx.port, folder / "nginx.txt"))
                ours.append(run(house.port, asked))
            used = {kind: cost(house, kind, asked, folder) for kind in GOALS}
    noise = median(t["small"]["p99"] for t in theirs)
    for kind, goal in GOALS.items():
        p50, p99 = (median(o[kind][p] for o in ours) for p in ("p50", "p99"))
        row(f"{kind} of 575,000 repos, p50 / p99", f"{p50:.2f} / {p99:.2f} ms",
            f"nginx, 200 B, p99 {noise:.2f} ms", goal=f"p99 <= {goal} ms")
    for kind, ms in used.items():
        row(f"{kind} of 575,000 repos, CPU each", f"{ms:.2f} ms")


if __name__ == "__main__":
    main()
