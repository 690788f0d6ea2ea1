"""Small answers as JSON against a 200 byte file of nginx, turn by turn, as fast
as they are answered: CPU seconds of the servers for 1,000 requests. Both write
an access log. Ours are made by workers from the database, so this is no race;
it shows what the house adds to the bytes."""

import pathlib

from _lib import Nginx, Server, cpu, load, median, ratios, row, scratch

ROUNDS, SECONDS, CONNECTIONS = 3, 4, 16


def measure(port, pids, targets, header):
    """CPU seconds for 1,000 requests, requests a second."""
    before = cpu(pids)
    said = load(port, 0, SECONDS, CONNECTIONS, targets, header)
    return (cpu(pids) - before) / said["requests"] * 1000, said["requests"] / said["seconds"]


def targets(folder, name, path):
    file = folder / f"{name}.txt"
    file.write_text(f"{name} {path}\n")
    return file


def main():
    with scratch() as folder:
        folder = pathlib.Path(folder)
        (folder / "small").write_bytes(b"x" * 200)
        with Server(folder / "house") as house, Nginx(folder / "nginx", folder) as nginx:
            house.create("bench")
            mine = {"whoami": targets(folder, "whoami", "/api/whoami-v2"),
                    "info": targets(folder, "info", "/api/models/admin/bench")}
            yard = targets(folder, "nginx", "/small")
            token = f"Authorization: Bearer {house.token}"
            ours, theirs = {name: [] for name in mine}, []
            for _ in range(ROUNDS):
                theirs.append(measure(nginx.port, nginx.pids(), yard, ""))
                for name in mine:
                    ours[name].append(measure(house.port, house.pids("front"), mine[name],
                                              token))
    for name, rounds in ours.items():
        row(f"{name}, CPU for 1,000 requests", f"{median(r[0] for r in rounds):.4f} s",
            f"nginx, 200 B file {median(t[0] for t in theirs):.4f} s",
            ratios([r[0] for r in rounds], [t[0] for t in theirs]))
        row(f"{name}, throughput", f"{median(r[1] for r in rounds):.0f}/s",
            f"nginx, 200 B file {median(t[1] for t in theirs):.0f}/s",
            ratios([r[1] for r in rounds], [t[1] for t in theirs]))


if __name__ == "__main__":
    main()
