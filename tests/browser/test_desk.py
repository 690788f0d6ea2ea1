"""The desk and the approvers, as people with a browser meet them: three approvers with keys of
ssh-keygen, who copy what the page shows and paste what they signed."""

import os
import pathlib
import re
import shutil
import sys

import pytest

import content
from conftest import ROOT, functional

sys.path.insert(0, str(ROOT / "tests" / "functional"))
import approvers  # noqa: E402

SHOTS = os.environ.get("WEIGHHOUSE_SHOTS")
LOOKS = ({"width": 1280}, {"width": 1280, "dark": True}, {"width": 360, "dark": True},
         {"width": 360})


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Named as the house of the other pages, so that the browser finds it."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HOME", str(home / "hf"))
    patch.setenv("HOME", str(home))
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    h = functional.House(functional.new_base(), config="""
[lines]
enforce = limited.default, hold.unknown, demo.low.v1
shadow = small.fast-track
[uploads]
sweep_seconds = 1
""").start()
    content.push(h, home)
    yield h
    code = h.stop()
    patch.undo()
    assert code == 0, f"the server ended with {code}\n{h.log()[-4000:]}"
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def keys(house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    approvers.make_keys(folder, [*approvers.PEOPLE, "eve"])
    doc = approvers.founding(folder)
    d = approvers.draft(house, "roster", paper=doc)
    assert approvers.signed(house, folder, approvers.PEOPLE, d, roster=doc) == "done"
    return folder


def subject(house, repo="admin/large"):
    r = house.get(f"/api/weighhouse/v1/models/{repo}/revision/main/release").json()
    return r["subject"]


def look_at(browser, name, path, after=None):
    """No rule of accessibility broken, nothing that sticks out on a phone."""
    for look in LOOKS:
        browser.fresh(**look)
        browser.goto(path=path)
        if after:
            after(browser)
        assert browser.sideways() == [], (name, look)
        assert browser.axe() == [], (name, look)
        if SHOTS:
            file = f"{name}.{look['width']}.{'dark' if look.get('dark') else 'light'}.png"
            browser.shot(file=str(pathlib.Path(SHOTS) / file))


def fill_draft(browser):
    browser.fill(selector="#reasons", value="It is small.\nIt is asked here only.")
    browser.submit(selector="main form button.main")


def test_before_anybody_decides(browser, house):
    look_at(browser, "approvers-none", "/approvers")
    look_at(browser, "desk-none", "/desk")
    look_at(browser, "draft-roster", "/desk/new?act=roster")
    browser.fresh()
    browser.goto(path="/")
    assert browser.click(selector="footer nav >> text=Approvers") == "/approvers"
    assert "Nobody decides here." in browser.text(selector=".why")
    assert browser.click(selector="footer nav >> text=Desk") == "/desk"


def test_from_what_is_held_to_what_is_hosted(browser, house, keys):
    """By keyboard and without a script, from the desk to the decision."""
    browser.fresh(script=False)
    browser.goto(path="/desk")
    assert "admin/large" in browser.text(selector="section:has(#waiting)")
    browser.submit(selector="[aria-label='Draft about admin/large']")
    assert "The weights are held." in browser.text(selector=".why.held")
    browser.submit(selector="main li a:has-text('host')")
    assert browser.text(selector="h1") == "Draft: host admin/large"
    fill_draft(browser)
    assert browser.text(selector="h1") == "Statement: host admin/large"
    text = browser.text(selector="#text")
    assert text.endswith("\nreason It is small.\nreason It is asked here only.\n")
    # somebody who has no seat
    browser.fill(selector="#signature", value=approvers.ssh_sign(keys, "eve", text))
    browser.submit(selector="main form button.main")
    assert "Not taken: the key is not on the roster of this house" in \
        browser.text(selector="[role=alert]")
    assert browser.text(selector="#text") == text
    for name, affiliation in (("ada", "north"), ("cid", "south")):
        browser.fill(selector="#signature", value=approvers.ssh_sign(keys, name, text))
        at = browser.submit(selector="main form button.main")
        assert re.fullmatch(r"/desk/[0-9a-f]{32}#signed", at)
        assert f"{name} of {affiliation}" in browser.text(selector="aside")
    assert "Decided." in browser.text(selector=".why.open")
    assert browser.count(selector="#signature") == 0
    assert browser.click(selector=".kind >> text=admin/large") == "/admin/large"
    assert "hosted by decision of approvers" in browser.text(selector=".why")
    browser.goto(path="/desk")
    assert "host admin/large: done, signed by ada cid" in \
        browser.text(selector="section:has(#past)")


def test_an_opening_is_typed_and_cools_off(browser, house, keys):
    browser.goto(path=f"/desk/new?act=open&subject={subject(house)}")
    fill_draft(browser)
    text = browser.text(selector="#text")
    browser.fill(selector="#signature", value=approvers.ssh_sign(keys, "ada", text))
    browser.submit(selector="main form button.main")
    wanted = browser.text(selector="label[for=confirm] .mono")
    assert f'type "{wanted}" to confirm' in browser.text(selector="[role=alert]")
    # what was pasted is still there
    browser.fill(selector="#confirm", value=wanted)
    at = browser.submit(selector="#confirm")
    assert "1 so far" in browser.text(selector="aside")
    objection = approvers.ssh_sign(keys, "bea", text, "dissent@weighhouse")
    browser.fill(selector="#signature", value=objection)
    browser.submit(selector="main form button.main")
    assert "bea of north objects" in browser.text(selector="aside")
    saved = house.get(at.split("#")[0] + "/statement.txt")
    assert saved.text == text
    look_at(browser, "matter", at)
    look_at(browser, "desk", "/desk")


def test_looks(browser, house, keys):
    look_at(browser, "approvers", "/approvers")
    look_at(browser, "pass", "/desk/pass")
    look_at(browser, "draft-choose", f"/desk/new?subject={subject(house)}")
    look_at(browser, "draft-recall",
            f"/desk/new?act=recall&subject={subject(house, 'admin/small')}")
    look_at(browser, "draft-made", f"/desk/new?act=gate&subject={subject(house)}", fill_draft)


def test_by_keyboard(browser, house, keys):
    """From the statement to the button there is nothing that takes a mouse."""
    browser.goto(path=f"/desk/new?act=gate&subject={subject(house)}")
    fill_draft(browser)
    text = browser.text(selector="#text")
    wanted = browser.text(selector="label[for=confirm] .mono")
    names = []
    browser.press(key="Tab")
    browser.press(key="Enter")  # past the head of the page
    for _ in range(14):
        browser.press(key="Tab")
        names.append(browser.focused())
    at = [names.index(n) for n in ("weighhouse decision v1", "Save statement.txt",
                                   "Hand it in")]
    assert at == sorted(at) and at[0] < 4, names
    browser.fill(selector="#signature", value=approvers.ssh_sign(keys, "ada", text))
    browser.fill(selector="#confirm", value=wanted)
    assert browser.submit(selector="main button.main").endswith("#signed")


def test_signing_out_works_beside_the_form(browser, house, keys):
    """Whoever has a session keeps it: the form's token is the session's."""
    browser.goto(path="/login?next=/desk/new")
    browser.fill(selector="#token", value=house.token)
    assert browser.submit(selector="#token") == "/desk/new"
    browser.click(selector="main li a:has-text('lines')")
    browser.fill(selector="#reasons", value="A drill.")
    browser.submit(selector="main form button.main")
    assert browser.text(selector="h1") == "Statement: lines"
    assert browser.click(selector="text=Sign out") == "/"
    assert "Sign in" in browser.text(selector="nav")
    browser.goto(path="/login?next=/admin/small/report")
    browser.fill(selector="#token", value=house.token)
    assert browser.submit(selector="#token") == "/admin/small/report"
    assert browser.click(selector="text=Sign out") == "/"
