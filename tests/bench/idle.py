"""Idle keep-alive connections: memory for each, against nginx, and descriptors
that are left when the clients have gone. Every connection has asked once. The
clients have several loopback addresses, for the limit of each."""

import pathlib
import resource
import socket
import time

from _lib import Nginx, Server, descriptors, row, scratch, status, wait_for

COUNTS = (2_000, 10_000)
PER_ADDRESS = 2_000


def connect(port, path, n):
    """n connections that have each asked once."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    made = []
    for i in range(n):
        s = socket.socket()
        s.settimeout(30)
        s.bind((f"127.0.0.{2 + i // PER_ADDRESS}", 0))
        s.connect(("127.0.0.1", port))
        s.sendall(request)
        made.append(s)
        if not s.recv(65536).startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"connection {i} was not answered with 200")
    return made


def close(connections):
    for s in connections:
        s.close()


def opened(pids):
    counts = [descriptors(pid) for pid in pids]
    return None if None in counts else sum(counts)


def measure(port, pids, path, n):
    """KiB for each connection, MiB of all, descriptors left."""
    close(connect(port, path, 100))  # what is made once, is made
    time.sleep(1)
    before = opened(pids)
    rss = sum(status(pid, "VmRSS") for pid in pids)
    connections = connect(port, path, n)
    full = sum(status(pid, "VmRSS") for pid in pids)
    close(connections)
    left = None
    if before is not None:
        try:
            wait_for(lambda: opened(pids) <= before, 20)
        except SystemExit:
            pass
        left = opened(pids) - before
    return (full - rss) * 1024 / n, full, left


def left_text(n):
    return "may not be looked at" if n is None else f"{n}"


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for n in COUNTS:
        # a house and an nginx of its own for each count: memory that was used
        # once would be missing from the second figure
        with scratch() as folder:
            folder = pathlib.Path(folder)
            (folder / "small").write_bytes(b"x" * 200)
            with Server(folder / "house") as house, Nginx(folder / "nginx", folder) as nginx:
                if hard < n + 1000:
                    print(f"{n} connections need a higher limit of open files than {hard}")
                    continue
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                ours = measure(house.port, house.pids("front"), "/api/telemetry/idle", n)
                theirs = measure(nginx.port, nginx.pids(), "/small", n)
        row(f"{n} idle connections, memory each", f"{ours[0]:.2f} KiB",
            f"nginx {theirs[0]:.2f} KiB", ours[0] / theirs[0] if theirs[0] > 0 else None)
        row(f"{n} idle connections, front in all", f"{ours[1]:.0f} MiB",
            f"nginx {theirs[1]:.0f} MiB", goal="<= 500 MiB")
        row(f"{n} connections gone, descriptors left", left_text(ours[2]),
            f"nginx {left_text(theirs[2])}", goal="0")


if __name__ == "__main__":
    main()
