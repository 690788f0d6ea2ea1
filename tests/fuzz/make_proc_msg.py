#!/usr/bin/env python3
"""Makes the corpus of fuzz_proc_msg: bodies of docs/formats/messages.md, the
first byte of each being the number of descriptors."""
import pathlib
import struct


def start(kind, given, ms, answer, sink, sizes, params, n=None):
    n = len(sizes) if n is None else n
    head = struct.pack("<HBBIIQI", kind, given, 0, ms, answer, sink, n)
    return head + b"".join(struct.pack("<Q", s) for s in sizes) + params


def error(code, msg, detail):
    return (struct.pack("<II", code, len(msg)) + msg +
            struct.pack("<I", len(detail)) + detail)


def main():
    samples = {
        "start-none": b"\1" + start(1, 0, 1000, 64, 0, [], b""),
        "start-window": b"\2" + start(1, 1, 1000, 64, 0, [5, 7], b"params"),
        "start-file": b"\2" + start(3, 2, 60000, 4096, 1 << 30, [9], b"x"),
        "start-no-fd": b"\1" + start(1, 1, 1000, 64, 0, [5], b""),
        "start-two-files": b"\2" + start(1, 2, 1000, 64, 0, [5, 6], b""),
        "start-many": b"\2" + start(1, 1, 1000, 64, 0, [1] * 1025, b""),
        "start-cut": b"\2" + start(1, 1, 1000, 64, 0, [1], b"", 9),
        "start-params": b"\1" + start(1, 0, 1000, 64, 0, [], b"p" * 32769),
        "start-answer": b"\1" + start(1, 0, 1000, 1 << 30, 0, [], b""),
        "start-time": b"\1" + start(1, 0, 1 << 31, 64, 0, [], b""),
        "start-input": b"\1" + start(1, 7, 1000, 64, 0, [], b""),
        "error": b"\0" + error(7, b"no space is left", b"errno 28"),
        "error-none": b"\0" + error(0, b"", b""),
        "error-code": b"\0" + error(9999, b"x", b"y"),
        "error-text": b"\0" + error(3, b"\xff\xfe", b""),
        "error-long": b"\0" + error(3, b"m" * 513, b""),
        "error-cut": b"\0" + error(3, b"message", b"detail")[:-3],
    }
    folder = pathlib.Path(__file__).parent / "proc_msg"
    folder.mkdir(exist_ok=True)
    for name, data in samples.items():
        (folder / (name + ".bin")).write_bytes(data)


main()
