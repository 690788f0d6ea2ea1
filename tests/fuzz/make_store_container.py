#!/usr/bin/env python3
"""Makes the corpus of fuzz_store_container, and prints the vector of
container_test.c: docs/formats/container.md written a second time, in Python
(package `cryptography`). Run it after a change of the format."""
import hashlib
import pathlib
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

RECORD, GROUP, PAGE = 65536, 256, 4096


def seal(key, cid, number, plain):
    name = struct.pack(">Q", number)
    out = AESGCM(key).encrypt(bytes(4) + name, plain, b"WHC1" + cid + name)
    return out[:-16], out[-16:]


def container(key, cid, plain):
    head = b"WHSEAL1\n" + struct.pack("<II", RECORD, 0) + cid
    out = head.ljust(PAGE, b"\0")
    records = [plain[i:i + RECORD] for i in range(0, len(plain), RECORD)]
    sealed = [seal(key, cid, n, r) for n, r in enumerate(records)]
    for g in range(0, len(sealed), GROUP):
        group = sealed[g:g + GROUP]
        out += b"".join(t for _, t in group).ljust(PAGE, b"\0")
        out += b"".join(c for c, _ in group)
    digest = hashlib.sha256(b"".join(t for _, t in sealed)).digest()
    trailer = struct.pack("<QQ", len(records), len(plain)) + digest
    return out + b"".join(seal(key, cid, 2**64 - 1, trailer))


def main():
    cid = bytes(range(16))
    fixed = bytes([1]) + bytes(31)
    good = container(fixed, cid, b"a few bytes of a model")
    samples = {
        "empty": container(fixed, cid, b""),
        "short": good,
        "cut": good[:-1],
        "long": good + b"\0",
        "flipped": good[:8200] + bytes([good[8200] ^ 1]) + good[8201:],
        "other-id": container(fixed, bytes(16), b"x"),
        "other-key": container(bytes(32), cid, b"x"),
        "header-only": good[:PAGE],
        "nothing": b"",
    }
    folder = pathlib.Path(__file__).parent / "store_container"
    for name, data in samples.items():
        (folder / (name + ".bin")).write_bytes(data)
    n = 2 * RECORD + 1000
    plain = bytes((i * 7 + i // 4096) & 255 for i in range(n))
    vector = container(bytes(range(0x80, 0xa0)), cid, plain)
    sys.stdout.write(hashlib.sha256(vector).hexdigest() + "\n")


main()
