"""The engine of a hosted model on its pages: built, loaded, ready, ended; with the real
llama-server."""

import os
import pathlib
import shutil

import pytest
import requests

import people
from conftest import Browser, functional
from test_pages import sign_in

import approvers
import engines

SHOTS = os.environ.get("WEIGHHOUSE_SHOTS")
MODEL = "admin/smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

pytestmark = engines.needs_cage


class Hosting:
    """A house that hosts the sample model with this program."""

    def __init__(self, folder, program):
        self.keys = folder / "keys"
        self.keys.mkdir()
        approvers.make_keys(self.keys, sorted(people.PEOPLE))
        self.house = functional.House(
            functional.new_base(), config=people.CONFIG + f"[gateway]\nengine = {program}\n")
        os.chmod(self.house.base, 0o755)
        self.house.start()
        doc = approvers.founding(self.keys)
        self.sign("roster", sorted(people.PEOPLE), paper=doc, roster=doc)
        self.subject = people.push(self.house, MODEL, engines.smollm2().read_bytes(), FILE)
        self.sign("host", ["ada", "cid"], subject=self.subject)
        self.browser = Browser(self.house.url)

    def sign(self, act, names, roster=None, **what):
        d = approvers.draft(self.house, act, **what)
        more = {"roster": roster} if roster else {}
        assert approvers.signed(self.house, self.keys, names, d, **more) == "done"

    def wake(self):
        """The first request starts the engine."""
        key = self.house.request("POST", "/api/weighhouse/v1/keys", token="admin",
                                 json={"name": "wake"}).json()["secret"]
        return requests.post(
            f"{self.house.url}/v1/chat/completions", timeout=60,
            headers={"Authorization": f"Bearer {key}"},
            json={"model": MODEL, "messages": [{"role": "user", "content": "Hello"}],
                  "max_tokens": 4})

    def stop(self):
        self.browser.close()
        code = self.house.stop()
        assert code == 0, f"the server ended with {code}\n{self.house.log()[-4000:]}"
        shutil.rmtree(self.house.base, ignore_errors=True)


def host(folder, program):
    if not engines.smollm2():
        pytest.skip("the sample model is missing (./dev test brings it)")
    return Hosting(folder, program)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    program = engines.llama_server()
    if not program:
        pytest.skip("llama-server could not be built here")
    h = host(tmp_path_factory.mktemp("real"), program)
    yield h
    h.stop()


def panel(browser, path):
    browser.goto(path=path)
    return browser.text(selector="#engine")


def test_it_rests_until_somebody_asks(real):
    b = real.browser
    b.fresh()
    for path in (f"/{MODEL}", f"/chat/{MODEL}"):
        assert panel(b, path).startswith("State\nresting")


def test_the_page_follows_it_until_it_answers(real):
    b = real.browser
    b.fresh()
    sign_in(b, real.house.token, f"/chat/{MODEL}")
    b.fill(selector="#say", value="Name a colour.")
    b.click(selector="#send")
    b.wait(selector="text=The model is not ready yet.")
    assert b.value(selector="#say") == "Name a colour."
    b.wait(selector="#engine [data-state=ready]", seconds=120)
    assert "Engine: ready." in b.text(selector="#engine-said")
    assert "ready now" in b.text(selector="#say-hint")
    b.click(selector="#send")
    b.wait(selector="#turns li:nth-child(4) .said:not([aria-busy])", seconds=120)
    assert b.text(selector="#turns li:nth-child(4) .said").strip()
    assert b.complaints() == []


def test_what_it_is_like_when_it_runs(real):
    b = real.browser
    for look in ({"script": False}, {"width": 360, "dark": True}):
        b.fresh(**look)
        said = panel(b, f"/{MODEL}")
        assert "ready" in said and "4,096 tokens" in said and "4 requests" in said
        assert "Load this page again" not in said
        if look.get("script", True):
            assert b.sideways() == [] and b.axe() == []
            if SHOTS:
                b.shot(file=f"{SHOTS}/engine-ready.360.dark.png")


def test_one_approver_ends_it(real):
    real.sign("close", ["bea"], subject=real.subject, rules=["demo.low/size"])
    b = real.browser
    b.fresh()
    b.goto(path=f"/{MODEL}")
    assert b.count(selector="#engine") == b.count(selector="#use") == 0
    assert b.count(selector=".tabs a:text-is('Chat')") == 0
    b.goto(path=f"/chat/{MODEL}")
    assert "This model can not be asked" in b.text()


def test_a_program_that_is_being_built(tmp_path):
    """Who builds it writes how far it is beside the program that will be there."""
    if os.geteuid() == 0:
        os.chmod(tmp_path, 0o755)
    place = pathlib.Path(functional.new_base()) / "engine"
    place.mkdir(mode=0o755)
    os.chmod(place.parent, 0o755)
    (place / "progress").write_text("43 % Building CXX object ggml/ops.cpp.o\n")
    h = host(tmp_path, place / "llama-server")
    try:
        b = h.browser
        assert h.wake().status_code == 503
        for look in ({"width": 1280}, {"script": False}):
            b.fresh(**look)
            people.until(lambda: "building" in panel(b, f"/{MODEL}"))
            assert "Building CXX object" in b.text(selector="#engine")
            assert b.attribute(selector="#engine progress", name="value") == "43"
        assert "Load this page again" in b.text(selector="#engine")
        b.fresh(width=1280)
        assert "Load this page again" not in panel(b, f"/{MODEL}")
        assert b.axe() == []
        if SHOTS:
            b.shot(file=f"{SHOTS}/engine-building.1280.light.png")
        (place / "progress").write_text("88 % Linking llama-server\n")
        b.wait(selector="#engine progress[value='88']", seconds=60)
    finally:
        h.stop()
        shutil.rmtree(place.parent, ignore_errors=True)
