"""What every functional test stands on: a real server in a folder of its own,
spoken to by the real clients over loopback."""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BINARY = pathlib.Path(os.environ.get("WEIGHHOUSE_BIN", ROOT / "build" / "weighhouse"))

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def _is_running(entry, group):
    """Whether it is a process of the group of which any thread is left."""
    if not entry.name.isdigit():
        return False
    try:
        for task in (entry / "task").iterdir():
            state, _, task_group = (task / "stat").read_text().rsplit(")")[-1].split()[:3]
            if int(task_group) != group:
                return False
            if state not in "ZX":
                return True
    except OSError:
        pass  # it went while it was looked at
    return False


class House:
    """One installation: its folders, its process, its admin's token."""

    def __init__(self, base, config="", env=None, binary=BINARY):
        self.base = pathlib.Path(base)
        self.data = self.base / "data"
        self.keys = self.base / "keys"
        self.log_path = self.base / "log.txt"
        self.config = self.base / "weighhouse.conf"
        self.binary = pathlib.Path(binary)
        self.extra = config
        self.env = env or {}
        self.process = None
        self.url = None
        self.port = 0

    def start(self, wait=30, listen=None):
        self.config.write_text(f"[keys]\ndir = {self.keys}\n{self.extra}\n")
        env = {**os.environ, **self.env}
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [str(self.binary), "serve", "--data", str(self.data),
             "--listen", listen or f"127.0.0.1:{self.port}",
             "--config", str(self.config)],
            stdout=subprocess.PIPE, stderr=log, env=env, start_new_session=True)
        log.close()
        line = self._ready_line(wait)
        match = re.fullmatch(r"ready (https?://127\.0\.0\.1:(\d+))\n", line)
        assert match, f"no ready line but {line!r}\n{self.log()[-4000:]}"
        self.url = match.group(1)
        self.port = int(match.group(2))
        STARTED.append(self)
        return self

    def _ready_line(self, wait):
        deadline = time.monotonic() + wait
        got = b""
        fd = self.process.stdout.fileno()
        while b"\n" not in got and time.monotonic() < deadline:
            readable, _, _ = select.select([fd], [], [], 0.2)
            if readable:
                piece = os.read(fd, 4096)
                if not piece:
                    break
                got += piece
        return got.decode()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def token(self):
        return (self.data / "admin.token").read_text().strip()

    def stop(self, sig=signal.SIGTERM, wait=30):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.process.wait(wait)
        self.process.stdout.close()
        self.process = None
        return code

    def kill(self):
        """kill -9 of every process of the house at once."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(30)
            self._wait_for_children(self.process.pid)
            self.process.stdout.close()
            self.process = None

    @staticmethod
    def _wait_for_children(group, wait=30):
        """A killed process still holds its port and its locks while it goes."""
        deadline = time.monotonic() + wait
        while any(_is_running(e, group) for e in pathlib.Path("/proc").iterdir()):
            assert time.monotonic() < deadline, "a killed process does not go"
            time.sleep(0.02)

    def forget(self):
        """What a house that was killed could not take away itself."""
        try:
            st = (self.data / "run").stat()
        except OSError:
            return
        shutil.rmtree(f"/tmp/weighhouse-engines-{st.st_dev:x}-{st.st_ino:x}", ignore_errors=True)

    def children(self):
        """Process ids of the house by the name each gives itself."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            name = stat[stat.index("(") + 1:stat.rindex(")")]
            fields = stat[stat.rindex(")") + 2:].split()
            if int(fields[1]) == self.process.pid:
                found.setdefault(name, []).append(int(entry.name))
        return found

    def api(self, token="admin", **kw):
        from huggingface_hub import HfApi
        return HfApi(endpoint=self.url, token=self.token if token == "admin" else token, **kw)

    def get(self, path, token=None, **kw):
        return self.request("GET", path, token=token, **kw)

    def request(self, method, path, token=None, headers=None, **kw):
        import requests
        headers = dict(headers or {})
        if token == "admin":
            token = self.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        kw.setdefault("timeout", 30)
        kw.setdefault("allow_redirects", False)
        return requests.request(method, self.url + path, headers=headers, **kw)

    def run(self, *args, token="admin", check=None, **kw):
        """The command line tool, as a user of this house."""
        env = {**os.environ, "WEIGHHOUSE_URL": self.url or "", **kw.pop("env", {})}
        if token == "admin":
            env["WEIGHHOUSE_TOKEN"] = self.token
        done = subprocess.run([str(self.binary), *map(str, args)], env=env,
                              capture_output=True, text=True, timeout=120, **kw)
        if check is not None:
            assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
        return done


BASES = []  # every folder made for a house, taken away at the end of the run
STARTED = []  # every house that was started, the newest last


def new_base():
    BASES.append(tempfile.mkdtemp(prefix="weighhouse-test-"))
    return BASES[-1]


@pytest.fixture(scope="session", autouse=True)
def no_folders_left():
    """Also those of tests that failed half-way."""
    yield
    for base in BASES:
        House(base).forget()
        shutil.rmtree(base, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure comes with what the newest house said last."""
    report = (yield).get_result()
    if report.failed and STARTED and STARTED[-1].log_path.exists():
        report.sections.append((f"the house of {STARTED[-1].base}", STARTED[-1].log()[-2000:]))


@pytest.fixture(scope="module")
def house():
    """A server for the tests of one file."""
    base = new_base()
    h = House(base).start()
    yield h
    code = h.stop()
    assert code == 0, f"the server ended with {code}\n{h.log()[-4000:]}"
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def fresh_house():
    """A maker of servers for one test; all are stopped at its end."""
    made = []

    def make(config="", **kw):
        h = House(new_base(), config=config, **kw)
        made.append(h)
        return h

    yield make
    for h in made:
        h.kill()
        h.forget()
        shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(autouse=True)
def client_homes(tmp_path, monkeypatch):
    """No client sees a cache, a token or a configuration of this machine."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    (tmp_path / "home").mkdir()
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy",
                 "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
