"""A 1 GiB open file through the whole server against nginx with sendfile, turn
by turn, from a warm cache, over loopback: CPU seconds of the servers for each
GiB. Both send the same file of the house; the reader is not counted."""

import pathlib
import time

from _lib import GIB, Nginx, Reader, Server, cpu, median, random_file, ratios, row, \
    scratch, sha256_of, wait_for

ROUNDS = 11


def publish(house, path):
    """A dataset's file is open as soon as it was looked at; its plain copy,
    from which it is sent, follows. Where it is: in the house, and on disk."""
    oid, size = sha256_of(path), path.stat().st_size
    house.create("bench", "dataset")
    house.put(house.upload_link("datasets/admin/bench", oid, size), path)
    house.commit("datasets/admin/bench", "data.bin", oid, size)
    where = "/datasets/admin/bench/resolve/main/data.bin"
    wait_for(lambda: house.request("HEAD", where).status_code == 200)
    wait_for(lambda: opened(house, oid))
    return where, opened(house, oid)


def opened(house, oid):
    """The path of opened content below the house's folder for it."""
    found = [p for p in (house.data / "open").rglob("*") if p.name == oid]
    return f"/{found[0].relative_to(house.data / 'open')}" if found else None


def measure(port, pids, where):
    reader = Reader(port)
    before, start = cpu(pids), time.monotonic()
    size = reader.get(where)
    took = time.monotonic() - start
    used = cpu(pids) - before
    reader.close()
    return used / size * GIB, size / took / 1e9


def main():
    with scratch() as folder:
        folder = pathlib.Path(folder)
        path = random_file(folder / "data.bin", GIB)
        with Server(folder / "house") as house, \
                Nginx(folder / "nginx", house.data / "open") as nginx:
            where, same = publish(house, path)
            ours, theirs = [], []
            for i in range(ROUNDS + 1):
                a = measure(house.port, house.pids("front"), where)
                b = measure(nginx.port, nginx.pids(), same)
                if i:  # the first round warms both
                    ours.append(a)
                    theirs.append(b)
    show(ours, theirs)


def show(ours, theirs):
    mine, yard = ([median(r[i] for r in rows) for i in (0, 1)] for rows in (ours, theirs))
    row("download 1 GiB, CPU", f"{mine[0]:.3f} s/GiB", f"nginx {yard[0]:.3f} s/GiB",
        ratios([r[0] for r in ours], [r[0] for r in theirs]), "<= 1.1 x")
    row("download 1 GiB, throughput", f"{mine[1]:.2f} GB/s", f"nginx {yard[1]:.2f} GB/s",
        ratios([r[1] for r in ours], [r[1] for r in theirs]))


if __name__ == "__main__":
    main()
