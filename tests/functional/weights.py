"""Small weights files, made on the spot: valid ones, and lying ones."""

import json
import os
import struct
import zlib


def safetensors(shapes, seed=None, dtype="F32", metadata=None):
    """A safetensors file of random tensors: {name: shape}."""
    width = {"F32": 4, "F16": 2, "BF16": 2, "U8": 1, "I8": 1}[dtype]
    header, at = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, shape in shapes.items():
        n = width
        for d in shape:
            n *= d
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + n]}
        at += n
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + os.urandom(at)


def safetensors_raw(header_text, data=b""):
    """A file with any header text whatever."""
    raw = header_text if isinstance(header_text, bytes) else header_text.encode()
    return struct.pack("<Q", len(raw)) + raw + data


def gguf(tensors=1, width=64):
    """A minimal GGUF v3 with F32 tensors of `width` elements."""
    def string(s):
        return struct.pack("<Q", len(s)) + s.encode()

    kv = [("general.architecture", 8, string("llama")),
          ("llama.block_count", 4, struct.pack("<I", 1)),
          ("llama.embedding_length", 4, struct.pack("<I", width))]
    out = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(kv))
    for key, kind, value in kv:
        out += string(key) + struct.pack("<I", kind) + value
    step = -(-width * 4 // 32) * 32
    for i in range(tensors):
        out += string(f"blk.0.t{i}") + struct.pack("<IQIQ", 1, width, 0, i * step)
    out += b"\0" * (-len(out) % 32)
    for _ in range(tensors):
        out += os.urandom(width * 4).ljust(step, b"\0")
    return out


def parquet(n):
    """Random rows in the frame of a Parquet table: marks, and a footer that begins as one."""
    return b"PAR1" + os.urandom(n) + b"\x15\x02" + bytes(18) + struct.pack("<I", 20) + b"PAR1"


def png():
    """The smallest picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


GIF = (b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + b"," + bytes(9) +
       b"\x02\x02D\x01\0;")
