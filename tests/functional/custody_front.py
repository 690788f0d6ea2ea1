"""A front that lies: what the keeper's socket is told by a process of the user of front, with
papers out of the database, true and forged (docs/formats/messages.md, keeper.md)."""

import fcntl
import json
import os
import pathlib
import re
import socket
import sqlite3
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRONT = 60960
NAMES = re.findall(r"^WH_E\((\w+),", (ROOT / "src/base/errors.tbl").read_text(), re.M)
BEGIN, ADD, SCAN, OPEN, PLAIN, HOST = 0x0402, 0x0403, 0x0406, 0x0409, 0x040a, 0x040c
KINDS = {1: "model", 2: "dataset", 3: "space"}


def packed(*texts):
    return b"".join(struct.pack("<I", len(t)) + t for t in map(as_bytes, texts))


def as_bytes(t):
    return t if isinstance(t, bytes) else (t or "").encode()


class Keeper:
    """A connection to the keeper: each call gives "ok" and the body, or the name of the error
    and its words."""

    def __init__(self, run):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(60)
        self.s.connect(f"/proc/self/fd/{run}/keeper.sock")
        self.id = 0

    def call(self, kind, body=b"", fds=()):
        self.id += 1
        socket.send_fds(self.s, [struct.pack("<HHI", kind, 0, self.id) + body], list(fds))
        data, got, _, _ = socket.recv_fds(self.s, 70000, 4)
        self.got = []
        for fd in got:
            self.got.append(os.pread(fd, os.fstat(fd).st_size, 0))
            os.close(fd)
        t, _, _ = struct.unpack("<HHI", data[:8])
        if t == kind | 0x8000:
            return "ok", data[8:]
        assert t == 0xffff, hex(t)
        code, n = struct.unpack("<II", data[8:16])
        return NAMES[code], data[16:16 + n].decode()

    def blob(self, kind, *blobs):
        """Each blob as a descriptor of a sealed memory file, which may be of any size."""
        fds = []
        for b in blobs:
            fd = os.memfd_create("blob", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
            os.write(fd, b)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK |
                        fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
            fds.append(fd)
        try:
            return self.call(kind, b"\1" * len(blobs), fds)
        finally:
            for fd in fds:
                os.close(fd)

    def take(self, repo, containers):
        """Begin the set of these containers of this repo."""
        got = self.call(BEGIN, packed(repo))
        if got[0] != "ok":
            return got
        for id, wrapped, fd in containers:
            got = self.call(ADD, b"\1" + id + wrapped, [fd])
            if got[0] != "ok":
                return got
        return got


def scanned(k, content, path):
    """The keeper's statement about a scan of the set."""
    how, data = k.call(SCAN, b"\0" + packed(content, path) + b"\0" + packed(""))
    assert how == "ok", data
    blobs = []
    while data:
        if data[0]:
            blobs.append(k.got.pop(0))
            data = data[1:]
        else:
            n = struct.unpack("<I", data[1:5])[0]
            blobs.append(data[5:5 + n])
            data = data[5 + n:]
    return blobs[1].decode()


def base(house):
    db = sqlite3.connect(f"file:{house.data}/house.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    return db


class Stored:
    """What front has about a content of a repo while it is sealed, and its files."""

    def __init__(self, house, repo, sha256):
        db = base(house)
        row = db.execute("SELECT id, kind FROM repo WHERE full = ?", [repo]).fetchone()
        self.repo = f"{KINDS[row['kind']]}:{row['id']}"
        self.sha256 = sha256
        c = db.execute("SELECT id, statement FROM content WHERE repo = ? AND sha256 = ?",
                       [row["id"], sha256]).fetchone()
        self.content = c["statement"]
        self.containers = [
            (bytes.fromhex(x["id"]), x["wrapped"],
             os.open(next((house.data / "sealed").rglob(x["id"] + "*")), os.O_RDONLY))
            for x in db.execute("SELECT c.id, c.wrapped FROM content_container k JOIN container c"
                                " ON c.id = k.container WHERE k.content = ? ORDER BY k.n",
                                [c["id"]])]
        db.close()


def told(house, leaves=None, texts=()):
    """What the register says about lines: (leaf, proof) of each entry, without signed ones."""
    if leaves is None:
        db = base(house)
        leaves = [(row["leaf"], house.get(f"/register/proof/{row['idx']}").text)
                  for row in db.execute("SELECT idx, leaf FROM log_entry WHERE type IN "
                                        "('genesis', 'lines') ORDER BY idx")]
        db.close()
    return (b"\1" + struct.pack("<II", 0, len(leaves)) +
            b"".join(packed(leaf, proof, "", "") for leaf, proof in leaves) +
            struct.pack("<I", len(texts)) + packed(*texts))


class Papers:
    """All that there is about the weights of a repo; written(field=...) changes any of it."""

    def __init__(self, house, repo, stored, path):
        db = base(house)
        self.__dict__.update(stored.__dict__)
        self.subject, = db.execute(
            "SELECT s.subject FROM repo r JOIN repo_head h ON h.repo = r.id JOIN revision_subject s"
            " ON s.repo = r.id AND s.sha = h.sha WHERE r.full = ?", [repo]).fetchone()
        self.manifest, = db.execute("SELECT manifest FROM subject WHERE sha256 = ?",
                                    [self.subject]).fetchone()
        self.leaf, digest, self.index = db.execute(
            "SELECT leaf, evidence, idx FROM decision WHERE subject = ? AND published IS NOT NULL"
            " ORDER BY id DESC LIMIT 1", [self.subject]).fetchone()
        self.evidence, = db.execute("SELECT doc FROM evidence WHERE digest = ?",
                                    [digest]).fetchone()
        db.close()
        self.proof = house.get(f"/register/proof/{self.index}").text
        self.bundle = b""
        self.told = told(house)
        self.scan = as_front(house, lambda run: {"scan": self.scanned(run, path)})["scan"]

    def scanned(self, run, path):
        k = Keeper(run)
        assert k.take(self.repo, self.containers)[0] == "ok"
        return scanned(k, self.content, path)

    def written(self, **over):
        p = {**self.__dict__, **over}
        return (b"\3" + packed(p["content"], p["manifest"], p["leaf"], p["proof"], p["evidence"],
                               "", "", p["bundle"], p["told"]) +
                struct.pack("<I", 1) + packed(p["scan"]))


def as_front(house, fn):
    """What fn(run) gives in a process of front's user; run: a descriptor of DATA/run."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            run = os.open(house.data / "run", os.O_PATH)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(FRONT, FRONT, FRONT)
                os.setresuid(FRONT, FRONT, FRONT)
            os.write(w, json.dumps(fn(run)).encode())
        except BaseException as e:  # whatever it was, the test is told
            os.write(w, json.dumps({"failed": repr(e)}).encode())
        finally:
            os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        got = json.loads(f.read())
    os.waitpid(pid, 0)
    assert "failed" not in got, got
    return got
