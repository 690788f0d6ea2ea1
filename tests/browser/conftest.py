"""A house with models on both sides of a line, and a browser to look at it."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def _functional():
    """tests/functional/conftest.py, under a name of its own."""
    path = ROOT / "tests" / "functional" / "conftest.py"
    spec = importlib.util.spec_from_file_location("functional_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


functional = _functional()
client_homes = functional.client_homes
fresh_house = functional.fresh_house
no_folders_left = functional.no_folders_left
pytest_runtest_makereport = functional.pytest_runtest_makereport
# what tests/functional imports from its own conftest
House, new_base, BINARY = functional.House, functional.new_base, functional.BINARY
sys.path.insert(0, str(HERE))

CONFIG = """
[lines]
enforce = limited.default, hold.unknown, demo.low.v1
shadow = small.fast-track
[house]
contact = desk@house.example
"""


class Browser:
    """Chromium behind driver.cjs: browser.step(...) for each of its steps."""

    def __init__(self, url):
        self.process = subprocess.Popen(
            [shutil.which("node"), str(HERE / "driver.cjs"), url], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __getattr__(self, step):
        def run(**kw):
            self.process.stdin.write(json.dumps({"step": step, **kw}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, "the browser has ended"
            answer = json.loads(line)
            assert "error" not in answer, answer["error"]
            return answer["value"]
        return run

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    import content
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HOME", str(home / "hf"))
    patch.setenv("HOME", str(home))
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    h = functional.House(functional.new_base(), config=CONFIG).start()
    content.push(h, home)
    yield h
    code = h.stop()
    patch.undo()
    assert code == 0, f"the server ended with {code}\n{h.log()[-4000:]}"
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def link(house):
    """The secret of the sign-in link that the first start prints."""
    return re.search(r"/signin/(\S+)", house.log()).group(1)


@pytest.fixture(scope="module")
def chromium(house):
    b = Browser(house.url)
    yield b
    b.close()


@pytest.fixture
def browser(chromium):
    """A fresh profile; at the end nothing may have broken the page's policy,
    failed in its script or left the house."""
    chromium.fresh()
    chromium.complaints()
    yield chromium
    assert chromium.complaints() == []


