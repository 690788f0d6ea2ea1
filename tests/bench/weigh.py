"""Weighing a model against `openssl dgst -sha256` of the same file, turn by
turn in one run, from a warm cache: safetensors and GGUF of 1 GiB, and the real
ones that ./dev run shows, where they are on this machine."""

import os
import pathlib
import resource
import struct
import subprocess
import time

from _lib import BINARY, GIB, MIB, ROOT, median, ratios, row, safetensors_file, scratch

TENSORS, TENSOR = 256, 4 * MIB
ROUNDS = 5
GOAL = "<= 1.3 x"


def safetensors(path):
    safetensors_file(path, GIB)


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


def bench(what, path):
    openssl, ours = [], []
    measure("cat", path)
    for _ in range(ROUNDS):
        openssl.append(measure("openssl", "dgst", "-sha256", path))
        ours.append(measure(BINARY, "weigh", path))
    wall, cpu = ([[r[i] for r in rows] for rows in (ours, openssl)] for i in (0, 1))
    speed = [path.stat().st_size / median(w) / 1e6 for w in wall]
    row(f"weigh {what}", f"{speed[0]:.0f} MB/s", f"openssl sha256 {speed[1]:.0f} MB/s",
        ratios(*wall), GOAL)
    row(f"weigh {what}, CPU", f"{median(cpu[0]):.3f} s",
        f"openssl sha256 {median(cpu[1]):.3f} s", ratios(*cpu))


def real_models():
    """The models whose packages are unpacked here."""
    folder = pathlib.Path(os.environ.get("WH_BENCH_MODELS", ROOT / ".dev" / "models"))
    for pattern in ("*.safetensors", "*.gguf"):
        yield from sorted(folder.rglob(pattern))[:1]


def main():
    for make in (safetensors, gguf):
        with scratch() as folder:
            path = pathlib.Path(folder, f"model.{make.__name__}")
            make(path)
            bench(f"{make.__name__} 1 GiB", path)
    for path in real_models():
        bench(f"a real {path.suffix[1:]}, {path.stat().st_size // MIB} MiB", path)


if __name__ == "__main__":
    main()
