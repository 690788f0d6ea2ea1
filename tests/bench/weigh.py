"""Weighing a model against `openssl dgst -sha256` of the same file, turn by
turn in one run, from a warm cache: safetensors and GGUF, 512 MiB each."""

import json
import os
import pathlib
import resource
import statistics
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("WEIGHHOUSE_BIN", str(ROOT / "build" / "weighhouse"))
MIB = 1 << 20
TENSORS, TENSOR = 128, 4 * MIB
ROUNDS = 5
GOAL = 1.3


def safetensors(path):
    header = {f"model.layers.{i}.mlp.weight": {
        "dtype": "BF16", "shape": [TENSOR // 2048, 1024],
        "data_offsets": [i * TENSOR, (i + 1) * TENSOR]} for i in range(TENSORS)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for i in range(TENSORS):
            f.write(os.urandom(TENSOR))


def gguf(path):
    head = b"GGUF" + struct.pack("<IQQ", 3, TENSORS, 0)
    for i in range(TENSORS):
        name = f"blk.{i}.ffn_up.weight".encode()
        head += struct.pack("<Q", len(name)) + name
        head += struct.pack("<IQQIQ", 2, 1024, TENSOR // 2048, 1, i * TENSOR)
    head += bytes(-len(head) % 32)
    with open(path, "wb") as f:
        f.write(head)
        for i in range(TENSORS):
            f.write(os.urandom(TENSOR))


def measure(*command):
    """Wall and CPU seconds of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime -
                  before.ru_utime - before.ru_stime)


def bench(path):
    openssl, ours = [], []
    measure("cat", path)
    for _ in range(ROUNDS):
        openssl.append(measure("openssl", "dgst", "-sha256", path))
        ours.append(measure(BINARY, "weigh", path))
    size = path.stat().st_size
    wall = [statistics.median(a[0] for a in rows) for rows in (openssl, ours)]
    cpu = [statistics.median(a[1] for a in rows) for rows in (openssl, ours)]
    print(f"{path.suffix[1:]:12} openssl {size / wall[0] / 1e6:6.0f} MB/s   "
          f"weigh {size / wall[1] / 1e6:6.0f} MB/s   wall {wall[1] / wall[0]:.2f} x "
          f"(goal {GOAL})   CPU {cpu[1] / cpu[0]:.2f} x")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for make in (safetensors, gguf):
            path = pathlib.Path(folder, f"model.{make.__name__}")
            make(path)
            bench(path)
            path.unlink()


if __name__ == "__main__":
    main()
