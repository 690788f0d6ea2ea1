"""Xorbs and shards made by hand, with hashes of our own reckoning: what the real
client never sends."""

import struct

from blake3 import blake3

DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
RANGE_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
SHARD_TAG = bytes.fromhex("48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa9")
END = b"\xff" * 32 + b"\0" * 16


def text(h):
    """The string form: each group of eight bytes reversed."""
    return b"".join(h[i:i + 8][::-1] for i in range(0, 32, 8)).hex()


def chunk_hash(data):
    return blake3(data, key=DATA_KEY).digest()


def root(nodes):
    """The hash over a list of (hash, length)."""
    if not nodes:
        return b"\0" * 32
    while len(nodes) > 1:
        above, at = [], 0
        while at < len(nodes):
            left = len(nodes) - at
            take = min(9, left)
            if left > 2:
                for i in range(2, take):
                    if struct.unpack("<Q", nodes[at + i][0][24:])[0] % 4 == 0:
                        take = i + 1
                        break
            group = nodes[at:at + take]
            lines = "".join(f"{text(h)} : {n}\n" for h, n in group)
            above.append((blake3(lines.encode(), key=NODE_KEY).digest(), sum(n for _, n in group)))
            at += take
        nodes = above
    return nodes[0][0]


class Xorb:
    """Chunks as they are, uncompressed."""

    def __init__(self, chunks, footer=False):
        self.chunks = chunks
        self.nodes = [(chunk_hash(c), len(c)) for c in chunks]
        self.hash = root(self.nodes)
        self.body = b"".join(
            b"\0" + len(c).to_bytes(3, "little") + b"\0" + len(c).to_bytes(3, "little") + c
            for c in chunks)
        self.stored = len(self.body)
        if footer:
            info = b"XETBLOB\x01" + self.hash + b"\0" * 16
            self.body += info + struct.pack("<I", len(info))

    @property
    def name(self):
        return text(self.hash)


class Term:
    """A run of chunks of a xorb; fields may be overwritten to lie."""

    def __init__(self, xorb, start=0, end=None):
        end = len(xorb.chunks) if end is None else end
        self.xorb, self.start, self.end = xorb.hash, start, end
        self.nodes = xorb.nodes[start:end]
        self.raw = sum(n for _, n in self.nodes)
        self.range = blake3(b"".join(h for h, _ in self.nodes), key=RANGE_KEY).digest()


class File:
    def __init__(self, terms, sha256):
        self.terms, self.sha256 = terms, sha256
        self.hash = blake3(root([n for t in terms for n in t.nodes]), key=b"\0" * 32).digest()


def shard(files, xorbs=(), footer=False):
    """sha256: hex, or None to leave it out."""
    out = SHARD_TAG + struct.pack("<QQ", 2, 200 if footer else 0)
    for f in files:
        flags = 0x80000000 | (0x40000000 if f.sha256 else 0)
        out += f.hash + struct.pack("<IIQ", flags, len(f.terms), 0)
        for t in f.terms:
            out += t.xorb + struct.pack("<IIII", 0, t.raw, t.start, t.end)
        for t in f.terms:
            out += t.range + b"\0" * 16
        if f.sha256:
            raw = bytes.fromhex(f.sha256)
            out += b"".join(raw[i:i + 8][::-1] for i in range(0, 32, 8)) + b"\0" * 16
    out += END
    at = len(out)
    for x in xorbs:
        out += x.hash + struct.pack("<IIII", 0, len(x.chunks), sum(n for _, n in x.nodes),
                                    x.stored)
        start = 0
        for h, n in x.nodes:
            out += h + struct.pack("<IIQ", start, n, 0)
            start += n
    out += END
    if footer:
        out += struct.pack("<QQQ", 1, 48, at) + b"\0" * 48 + b"\0" * 32 + \
            struct.pack("<QQ", 0, 0) + b"\0" * 72 + struct.pack("<Q", len(out))
    return out


class Client:
    """Speaks to the routes as a client with a write token of one repo does."""

    def __init__(self, house, repo, token="admin", kind="models", scope="write"):
        r = house.get(f"/api/{kind}/{repo}/xet-{scope}-token/main", token=token)
        assert r.status_code == 200, r.text
        self.house, self.info = house, r.json()
        self.token = self.info["accessToken"]
        assert self.info["casUrl"].startswith(house.url)
        self.place = self.info["casUrl"][len(house.url):]

    def post(self, path, body, token=None):
        return self.house.request("POST", self.place + path, token=token or self.token, data=body,
                                  timeout=120)

    def put_xorb(self, xorb, name=None, body=None):
        return self.post(f"/v1/xorbs/default/{name or xorb.name}",
                         xorb.body if body is None else body)

    def has(self, name):
        r = self.house.request("HEAD", f"{self.place}/v1/xorbs/default/{name}", token=self.token)
        return r.status_code

    def put_shard(self, *a, **kw):
        return self.post("/v1/shards", shard(*a, **kw))
