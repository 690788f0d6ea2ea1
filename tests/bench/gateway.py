"""Requests to a model through the gateway, against nginx as a plain proxy with
kept connections, and against Portkey, a gateway of Node; all in front of the
same engine that answers at once. Then streams: CPU per event, memory of many,
and how long a stop takes."""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

from _lib import (BUILD, ROOT, Nginx, Server, answers, cpu, descriptors, free_port, median,
                  ratios, row, scratch, status, threads, wait_for)
import hands
import weights

ROUNDS, SECONDS, CONNECTIONS = 3, 4, 32
EVERY_MS, PACED = 20, 500
# each open stream has two descriptors in front
OPEN = min(int(os.environ.get("WH_BENCH_STREAMS", 10000)),
           (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000) // 2)
STOPPED = (500, 2000)
MODEL, SLOW = "admin/bench", "admin/slow"
PORTKEY = "@portkey-ai/gateway@1.15.2"
LOAD = BUILD / "tests" / "bench" / "engine_load"

PROXY = """
daemon off; master_process on; worker_processes 2; pid {base}/pid;
error_log {base}/error.log; worker_rlimit_nofile {files}; {user}
events {{ worker_connections 30000; }}
http {{
    access_log {base}/access.log;
    tcp_nodelay on; keepalive_requests 10000000; client_max_body_size 16m;
    client_body_buffer_size 64k;
    client_body_temp_path {base}/t1; proxy_temp_path {base}/t2;
    fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
    upstream engine {{ server 127.0.0.1:{engine}; keepalive 256; keepalive_requests 10000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://engine; proxy_http_version 1.1; proxy_buffering off;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


class Proxy(Nginx):
    """nginx in front of the engine."""

    def __init__(self, base, engine):
        super().__init__(base, None)
        self.engine = engine

    def __enter__(self):
        self.base.mkdir(exist_ok=True)
        (self.base / "nginx.conf").write_text(PROXY.format(
            base=self.base, port=self.port, engine=self.engine,
            files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
            user="user root;" if os.geteuid() == 0 else ""))
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen(
            [binary, "-c", str(self.base / "nginx.conf"), "-p", str(self.base)],
            stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port))
        return self


class Engine:
    """engine_load as an engine."""

    def __init__(self, every=EVERY_MS):
        self.port, self.every = free_port(), every

    def __enter__(self):
        self.process = subprocess.Popen([LOAD, "engine", str(self.port), "0", str(self.every)])
        wait_for(lambda: answers(self.port))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Portkey:
    """The gateway of Node, without a guard; None where npm can not give it."""

    def __init__(self):
        self.port = free_port()

    def __enter__(self):
        home = ROOT / ".dev" / "portkey"
        start = home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        path = f"{ROOT}/.dev/venv/bin:{os.environ['PATH']}"
        node = shutil.which("node", path=path)
        if node and not start.exists():
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix",
                            str(home), PORTKEY], env={**os.environ, "PATH": path},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not node or not start.exists():
            self.process = None
            return None
        self.process = subprocess.Popen(
            [node, str(start), f"--port={self.port}", "--headless"], env={
                **os.environ, "NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port))
        return self

    def pids(self):
        """node may be a script that starts another one."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for thread in threads(pid):
                todo += map(int, (thread / "children").read_text().split())
        return found

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()


def body(folder, stream, model=MODEL):
    """2 KB, as a chat has it."""
    text = "The harbour keeps a book of every vessel that was weighed. " * 32
    value = {"model": model, "messages": [{"role": "system", "content": "Answer briefly."},
                                          {"role": "user", "content": text[:1850]}]}
    if stream:
        value["stream"] = True
    path = folder / f"body-{model[6:]}-{stream}.json"
    path.write_text(json.dumps(value, separators=(",", ":")))
    return path


def start_load(kind, port, connections, seconds, path, headers):
    return subprocess.Popen([LOAD, kind, str(port), str(connections), str(seconds), path,
                             *headers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def posts(port, pids, path, headers):
    """CPU ms a request, requests a second, p99 in ms."""
    before = cpu(pids)
    done = start_load("post", port, CONNECTIONS, SECONDS, path, headers)
    said = json.loads(done.communicate()[0])
    if said["failed"] or not said["requests"]:
        raise SystemExit(f"{said} on port {port}")
    return ((cpu(pids) - before) / said["requests"] * 1000,
            said["requests"] / said["seconds"], said["p99_ms"])


def paced(port, pids, path, headers):
    """CPU microseconds an event."""
    load = start_load("streams", port, PACED, SECONDS, path, headers)
    assert load.stdout.readline() == "open\n", load.communicate()
    before = cpu(pids)
    said = json.loads(load.stdout.readline())  # communicate would end its input, and it
    load.communicate()
    return (cpu(pids) - before) / said["events"] * 1e6


def whole(house, key, engine, folder):
    ours, nginx, other, fast = [], [], [], []
    path = body(folder, False)
    mine = [f"Authorization: Bearer {key}"]
    theirs = ["x-portkey-provider: openai", "Authorization: Bearer none",
              f"x-portkey-custom-host: http://127.0.0.1:{engine.port}/v1"]
    with Proxy(folder / "nginx", engine.port) as proxy, Portkey() as portkey:
        for _ in range(ROUNDS):
            nginx.append(posts(proxy.port, proxy.pids(), path, []))
            ours.append(posts(house.port, house.pids("front"), path, mine))
            if portkey:
                other.append(posts(portkey.port, portkey.pids(), path, theirs))
    yard = median(n[0] for n in nginx)
    row("chat of 2 KB, CPU a request", f"{median(o[0] for o in ours) * 1000:.0f} us",
        f"nginx proxy {yard * 1000:.0f} us", ratios([o[0] for o in ours], [n[0] for n in nginx]),
        "1.2 x, unchecked")
    row("chat of 2 KB, throughput", f"{median(o[1] for o in ours):.0f}/s",
        f"nginx proxy {median(n[1] for n in nginx):.0f}/s",
        ratios([o[1] for o in ours], [n[1] for n in nginx]))
    row("chat of 2 KB, p99", f"{median(o[2] for o in ours):.2f} ms",
        f"nginx proxy {median(n[2] for n in nginx):.2f} ms",
        ratios([o[2] for o in ours], [n[2] for n in nginx]))
    if other:
        row("chat of 2 KB, CPU a request", f"{median(o[0] for o in ours) * 1000:.0f} us",
            f"Portkey {median(p[0] for p in other) * 1000:.0f} us",
            ratios([o[0] for o in ours], [p[0] for p in other]))
        row("chat of 2 KB, throughput", f"{median(o[1] for o in ours):.0f}/s",
            f"Portkey {median(p[1] for p in other):.0f}/s",
            ratios([o[1] for o in ours], [p[1] for p in other]), "10 x")
    else:
        print("Portkey is not measured: npm does not give it here")


def streams(house, key, engine, folder):
    ours, nginx = [], []
    path = body(folder, True)
    with Proxy(folder / "nginx2", engine.port) as proxy:
        for _ in range(ROUNDS):
            nginx.append(paced(proxy.port, proxy.pids(), path, []))
            ours.append(paced(house.port, house.pids("front"), path,
                              [f"Authorization: Bearer {key}"]))
    row(f"{PACED} streams paced {EVERY_MS} ms, CPU an event", f"{median(ours):.1f} us",
        f"nginx proxy {median(nginx):.1f} us", ratios(ours, nginx), "1.3 x")


def many(house, key, folder):
    """Memory and descriptors of many open streams."""
    front = house.pids("front")[0]
    before, fds = status(front, "VmRSS"), descriptors(front)
    load = start_load("streams", house.port, OPEN, 3600, body(folder, True, SLOW),
                      [f"Authorization: Bearer {key}"])
    assert load.stdout.readline() == "open\n", load.communicate()
    grown = status(front, "VmRSS") - before
    load.communicate()
    wait_for(lambda: descriptors(front) is None or descriptors(front) <= fds + 70)
    row(f"{OPEN} open streams, memory", f"{grown:.0f} MiB", goal="500 MiB")
    left = descriptors(front)
    row("descriptors left after them", "?" if left is None else f"{max(0, left - fds)}",
        goal="0 (64 kept to the engine)")


def stop(house, made, count, folder):
    """From the request that revokes a key until the last of its clients has read why."""
    load = start_load("streams", house.port, count, 3600, body(folder, True, SLOW),
                      [f"Authorization: Bearer {made['secret']}"])
    assert load.stdout.readline() == "open\n", load.communicate()
    began = time.monotonic()
    r = house.request("DELETE", f"/api/weighhouse/v1/keys/{made['id']}", token="admin")
    assert r.status_code == 200, r.text
    said = json.loads(load.stdout.readline())
    took = time.monotonic() - began
    load.communicate()
    assert said["ended"] == count, said
    row(f"revoking a key, {count} streams open", f"{took * 1000:.0f} ms", goal="100 ms")


def main():
    free = {"requests_per_minute": 0, "tokens_per_minute": 0, "tokens_per_day": 0, "streams": 0}
    with scratch() as name, Engine() as engine, Engine(every=2000) as slow:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        config = (f"[gateway]\nupstreams = {MODEL}=http://127.0.0.1:{engine.port}, "
                  f"{SLOW}=http://127.0.0.1:{slow.port}\n"
                  "requests_per_minute = 0\ntokens_per_minute = 0\ntokens_per_day = 0\n")
        with Server(folder / "house", config) as house:
            for model in (MODEL, SLOW):
                house.create(model[6:])
                hands.publish(house, model,
                              {"model.safetensors": weights.safetensors({"w": (8, 8)})})
                assert hands.decided(house, model)["weights"] == "open"
            made = [house.request("POST", "/api/weighhouse/v1/keys", token="admin",
                                  json={"name": f"bench {i}", "limits": free}).json()
                    for i in range(1 + len(STOPPED))]
            key = made[0]["secret"]
            whole(house, key, engine, folder)
            streams(house, key, engine, folder)
            many(house, key, folder)
            for one, count in zip(made[1:], STOPPED):
                stop(house, one, count, folder)


if __name__ == "__main__":
    main()
