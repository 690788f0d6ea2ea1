"""The exam on the page of its model, as one who reads it meets it: awaited, under way, printed."""

import os
import sys

import pytest

from conftest import ROOT, Browser

sys.path.insert(0, str(ROOT / "tests" / "functional"))
import pupil  # noqa: E402

SHOTS = os.environ.get("WEIGHHOUSE_SHOTS")
PAGE = f"/{pupil.MODEL}"
EXAM = "section:has(#exam)"


@pytest.fixture
def made(fresh_house, tmp_path):
    with pupil.waiting_house(fresh_house, tmp_path) as h:
        pupil.host(h)
        yield h


@pytest.fixture
def browser(made):
    b = Browser(made.url)
    b.fresh()
    yield b
    b.close()


def look_at(b, name):
    """Whole, without a script, wide and narrow, light and dark."""
    for look in ({}, {"script": False}, {"width": 360, "dark": True}):
        b.fresh(**look)
        b.goto(path=PAGE)
        if look.get("script", True):
            assert b.sideways() == [] and b.axe() == [], (name, look)
            if SHOTS:
                b.shot(file=f"{SHOTS}/exam-{name}.{look.get('width', 1280)}.png")


def test_from_awaited_to_printed(made, browser):
    def said():
        browser.goto(path=PAGE)
        return browser.text(selector=EXAM) if browser.count(selector="#exam") else ""
    pupil.wait_until(lambda: "not examined yet" in said())
    look_at(browser, "awaited")
    assert "It is served only after its exam." in said()
    pupil.halfway(made)
    look_at(browser, "under-way")
    assert "It is being examined:" in said() and "of 600 questions asked" in said()
    assert browser.count(selector=f"{EXAM} progress") == 1
    assert pupil.ended(made)["run"]["state"] == "done"
    pupil.wait_until(lambda: "How many prompts it refused" in said())
    look_at(browser, "printed")
    assert "It is served only after its exam." not in said()
    # one of three of the harmful ones, with an interval that says how sure that is
    assert "200" in said() and "By hazard" in said()
    assert browser.count(selector=f"{EXAM} details[open]") == 0
    browser.click(selector=f"{EXAM} summary")
    for hazard in pupil.HAZARDS:
        assert hazard in browser.text(selector=f"{EXAM} details")
    assert browser.submit(selector=f"{EXAM} h2 a").startswith("/register/entry/")
    assert browser.complaints() == []
