"""What every benchmark stands on: a server and a yardstick in the same run,
their CPU time and memory as /proc tells it, and rows of one table.

Processes are measured as the sum of their threads' time on a core, so whatever
else the machine does changes how long a run takes, hardly what it costs."""

import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "functional"))

from conftest import BINARY, House  # noqa: E402

BUILD = pathlib.Path(os.environ.get("WH_BENCH_BUILD", ROOT / "build"))
MIB, GIB = 1 << 20, 1 << 30
median = statistics.median


def scratch():
    """A folder on a real disk (temporary folders may be memory), removed by
    the with statement."""
    base = ROOT / ".dev"
    base.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="bench-", dir=base)


# ---- the table ----

COLUMNS = ("what", "ours", "yardstick", "ratio", "goal")


def line(row):
    return (f"{row['what']:38} {row['ours']:>24}  {row['yardstick']:>26}  "
            f"{row['ratio']:>7}  {row['goal']}").rstrip()


def row(what, ours, yardstick="-", ratio=None, goal="-"):
    """One line of the table: printed, and kept for the summary of all."""
    it = {"what": what, "ours": ours, "yardstick": yardstick,
          "ratio": "-" if ratio is None else f"{ratio:.2f} x", "goal": goal}
    print(line(it), flush=True)
    if os.environ.get("WH_BENCH_ROWS"):
        with open(os.environ["WH_BENCH_ROWS"], "a") as f:
            f.write(json.dumps(it) + "\n")


def ratios(ours, theirs):
    """The median of the rounds' ratios: both of one round saw the same
    neighbours."""
    return median(a / b for a, b in zip(ours, theirs))


# ---- processes ----

def threads(pid):
    try:
        return list(pathlib.Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def cpu(pids):
    """CPU seconds of processes so far, to the nanosecond where the kernel
    counts so."""
    total = 0.0
    for pid in pids:
        for thread in threads(pid):
            try:
                total += int((thread / "schedstat").read_text().split()[0]) / 1e9
            except (OSError, IndexError):
                fields = (thread / "stat").read_text().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def status(pid, key):
    """A figure in KiB of /proc/PID/status, in MiB."""
    for text in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith(key + ":"):
            return int(text.split()[1]) / 1024
    return 0.0


def descriptors(pid):
    """How many are open; None where the process does not let us look."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


# ---- the yardstick for HTTP ----

NGINX = """
daemon off; master_process on; worker_processes 2; pid {base}/pid;
error_log {base}/error.log; worker_rlimit_nofile {files}; {user}
events {{ worker_connections 20000; }}
http {{
    access_log {base}/access.log;
    sendfile on; tcp_nopush on; keepalive_timeout 75; keepalive_requests 10000000;
    client_body_temp_path {base}/t1; proxy_temp_path {base}/t2;
    fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
    types {{}} default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {root};
    }}
}}
"""


class Nginx:
    """nginx with sendfile over the files of one folder."""

    def __init__(self, base, root):
        self.base, self.root = pathlib.Path(base), root
        self.port = free_port()

    def __enter__(self):
        self.base.mkdir(exist_ok=True)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        text = NGINX.format(base=self.base, root=self.root, port=self.port, files=files,
                            user="user root;" if os.geteuid() == 0 else "")
        (self.base / "nginx.conf").write_text(text)
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen(
            [binary, "-c", str(self.base / "nginx.conf"), "-p", str(self.base)],
            stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def pids(self):
        """Its workers; the master only watches them."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def wait_for(what, seconds=60, pause=0.02):
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise SystemExit("it did not happen within a minute; see the server's log")
        time.sleep(pause)


# ---- a house ----

class Server(House):
    """A server of ours in a folder; parts are as large as the largest file
    that is measured, so that one PUT carries it."""

    def __init__(self, base, config=""):
        super().__init__(base, config="[uploads]\npart_size = 8G\n" + config)

    def __enter__(self):
        pathlib.Path(self.base).mkdir(exist_ok=True)
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def pids(self, *names):
        found = self.children()
        return [pid for name in names for pid in found.get(name, [])]

    def json(self, method, path, body=None, kind="application/json"):
        done = self.request(method, path, token="admin", timeout=600, data=body,
                            headers={"Content-Type": kind})
        if done.status_code >= 300:
            raise SystemExit(f"{method} {path}: {done.status_code} {done.text[:300]}")
        return done.json() if done.content else None

    def create(self, name, kind="model"):
        self.json("POST", "/api/repos/create", json.dumps({"name": name, "type": kind}))

    def upload_link(self, prefix, oid, size):
        """Where the LFS batch route sends the bytes of this object."""
        batch = {"operation": "upload", "transfers": ["basic"], "hash_algo": "sha256",
                 "objects": [{"oid": oid, "size": size}]}
        answer = self.json("POST", f"/{prefix}.git/info/lfs/objects/batch",
                           json.dumps(batch), "application/vnd.git-lfs+json")
        return answer["objects"][0]["actions"]["upload"]["href"]

    def put(self, link, path):
        """Send the file as one body; returns when the server has answered."""
        size = path.stat().st_size
        with socket.create_connection(("127.0.0.1", self.port)) as s, open(path, "rb") as f:
            where = link.split(f":{self.port}", 1)[1]
            s.sendall(f"PUT {where} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                      f"Content-Length: {size}\r\nConnection: close\r\n\r\n".encode())
            s.sendfile(f)
            answer = s.makefile("rb").read()
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"PUT: {answer[:500]!r}")

    def commit(self, prefix, path, oid, size):
        """A commit that adds the uploaded object under this path."""
        kinds = prefix if prefix.startswith(("datasets/", "spaces/")) else f"models/{prefix}"
        lines = [{"key": "header", "value": {"summary": f"add {path}"}},
                 {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid,
                                              "size": size}}]
        self.json("POST", f"/api/{kinds}/commit/main",
                  "\n".join(map(json.dumps, lines)), "application/x-ndjson")


# ---- one reader ----

class Reader:
    """Reads one answer after the other from one connection and forgets them."""

    def __init__(self, port, headers=""):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.host = f"127.0.0.1:{port}"
        self.headers = headers
        self.buffer = bytearray(MIB)

    def get(self, path):
        """The number of bytes of the body."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n"
                            f"{self.headers}\r\n".encode())
        n, view = 0, memoryview(self.buffer)
        while b"\r\n\r\n" not in self.buffer[:n]:
            got = self.socket.recv_into(view[n:65536])
            if not got:
                raise SystemExit("the server closed the connection")
            n += got
        head, rest = bytes(self.buffer[:n]).split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"GET {path}: {head[:300]!r}")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        left = length - len(rest)
        while left > 0:
            got = self.socket.recv_into(view[:min(left, MIB)])
            if not got:
                raise SystemExit("the answer ended early")
            left -= got
        return length

    def close(self):
        self.socket.close()


# ---- many small requests ----

def load(port, rate, seconds, connections, targets, header=""):
    """Run http_load; its report. At rate 0, as fast as it is answered."""
    done = subprocess.run(
        [str(BUILD / "tests" / "bench" / "http_load"), str(port), str(rate), str(seconds),
         str(connections), str(targets)],
        env={**os.environ, "HTTP_LOAD_HEADER": header}, check=True, stdout=subprocess.PIPE)
    said = json.loads(done.stdout)
    failed = sum(v["failed"] for v in said.values() if isinstance(v, dict))
    if failed:
        raise SystemExit(f"{failed} requests were not answered with 200")
    return said


# ---- files to measure with ----

def settle():
    """Wait until the disk has nothing left of what was before."""
    os.sync()
    time.sleep(0.5)


def finish(f):
    """On the disk before anything is measured: nobody else pays for it."""
    f.flush()
    os.fsync(f.fileno())


def random_file(path, size):
    with open(path, "wb") as f:
        while size > 0:
            f.write(os.urandom(min(size, 16 * MIB)))
            size -= min(size, 16 * MIB)
        finish(f)
    return path


def safetensors_file(path, size):
    """One of about this size: tensors of 4 MiB, all bytes explained."""
    tensor = 4 * MIB
    n = size // tensor
    header = {f"layers.{i}.weight": {"dtype": "BF16", "shape": [tensor // 2048, 1024],
                                     "data_offsets": [i * tensor, (i + 1) * tensor]}
              for i in range(n)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for _ in range(n):
            f.write(os.urandom(tensor))
        finish(f)
    return path


def sha256_of(path):
    done = subprocess.run(["openssl", "dgst", "-sha256", "-r", str(path)], check=True,
                          capture_output=True, text=True)
    return done.stdout.split()[0]
