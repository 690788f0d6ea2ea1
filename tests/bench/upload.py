"""A 1 GiB safetensors file by one LFS PUT, and weighed: hashed, sealed, synced,
read back, scanned, decided. Against `openssl dgst -sha256` of the file and a
copy of it with fsync, both at once, until both have ended. Then the most memory
that front, keeper and scanner had at once for a small and a large file."""

import json
import os
import pathlib
import subprocess
import time

from _lib import GIB, MIB, Server, cpu, median, ratios, row, safetensors_file, scratch, \
    settle, sha256_of, status, wait_for

ROUNDS = 3
PEAK_GOAL = 64


def yardstick(path, copy):
    """Wall seconds of both at once, and their CPU seconds."""
    def used():
        t = os.times()
        return t.children_user + t.children_system
    before, start = used(), time.monotonic()
    both = [subprocess.Popen(["openssl", "dgst", "-sha256", str(path)],
                             stdout=subprocess.DEVNULL),
            subprocess.Popen(["dd", f"if={path}", f"of={copy}", "bs=1M", "conv=fsync"],
                             stderr=subprocess.DEVNULL)]
    for one in both:
        one.wait()
    took = time.monotonic() - start
    copy.unlink()
    return took, used() - before


def weighed(house, name):
    info = house.json("GET", f"/api/models/admin/{name}")
    return info["weighhouse"]["state"] == "decided"


def upload(house, name, path, oid):
    """Wall seconds until the PUT is answered, and until the file is decided on;
    CPU seconds of the house until then."""
    size = path.stat().st_size
    house.create(name)
    link = house.upload_link(f"admin/{name}", oid, size)
    pids = house.pids("front", "keeper")
    before, start = cpu(pids), time.monotonic()
    house.put(link, path)
    put = time.monotonic() - start
    used = cpu(pids) - before
    house.commit(f"admin/{name}", "model.safetensors", oid, size)
    wait_for(lambda: weighed(house, name))
    return put, time.monotonic() - start, used


def speed(folder):
    path = safetensors_file(folder / "model.safetensors", GIB)
    oid = sha256_of(path)  # reads it into the cache, too
    ours, theirs = [], []
    with Server(folder / "house") as house:
        for i in range(ROUNDS):
            settle()
            theirs.append(yardstick(path, folder / "copy"))
            settle()
            ours.append(upload(house, f"round{i}", path, oid))
            house.json("DELETE", "/api/repos/delete", json.dumps({"name": f"round{i}"}))
    path.unlink()
    yard = median(t[0] for t in theirs)
    for i, what in ((0, "upload 1 GiB, stored and settled"),
                    (1, "upload 1 GiB, weighed and decided")):
        row(what, f"{median(o[i] for o in ours):.2f} s", f"sha256 + copy {yard:.2f} s",
            ratios([o[i] for o in ours], [t[0] for t in theirs]), "<= 1.5 x")
    row("upload 1 GiB, CPU until settled", f"{median(o[2] for o in ours):.2f} s",
        f"sha256 + copy {median(t[1] for t in theirs):.2f} s",
        ratios([o[2] for o in ours], [t[1] for t in theirs]))


def peak(folder, size):
    path = safetensors_file(folder / "model.safetensors", size)
    base = folder / f"house-{size // MIB}"
    with Server(base) as house:
        pids = house.pids("front", "keeper")
        idle = sum(status(pid, "VmHWM") for pid in pids)
        upload(house, "memory", path, sha256_of(path))
        most = sum(status(pid, "VmHWM") for pid in pids)
    path.unlink()
    row(f"upload {size // MIB} MiB, front + keeper peak", f"{most:.0f} MiB",
        f"idle before {idle:.0f} MiB", goal=f"<= {PEAK_GOAL} MiB")


def main():
    with scratch() as folder:
        speed(pathlib.Path(folder))
    for size in (256 * MIB, 2 * GIB):
        with scratch() as folder:
            peak(pathlib.Path(folder), size)


if __name__ == "__main__":
    main()
