"""Talking to a model, keys and usage: with the page's script and without it."""

import os
import pathlib
import subprocess
import sys

import openai
import pytest
import requests

import people
from conftest import Browser
from test_pages import session_of, sign_in

SHOTS = os.environ.get("WEIGHHOUSE_SHOTS")
CHAT = f"/chat/{people.FREE}"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def peopled(tmp_path_factory):
    p = people.Peopled(tmp_path_factory.mktemp("people")).fill()
    yield p
    p.stop()


@pytest.fixture(scope="module")
def chromium(peopled):
    b = Browser(peopled.house.url)
    yield b
    b.close()


def say(browser, text, n):
    """Say it, and wait until the answer with this number is complete."""
    browser.fill(selector="#say", value=text)
    browser.click(selector="#send")
    browser.wait(selector=f"#turns li:nth-child({2 * n}) .said:not([aria-busy])")
    browser.wait(selector="#send:not([disabled])")
    return browser.text(selector=f"#turns li:nth-child({2 * n}) .said").strip()


def test_models_to_talk_to(browser):
    browser.goto(path="/chat")
    names = browser.text(selector="ul.repos")
    assert people.HOSTED in names and people.FREE in names and "admin/wanted" not in names
    assert browser.count(selector="ul.repos a.name") == 2
    assert browser.submit(selector=f"text={people.HOSTED}") == f"/chat/{people.HOSTED}"
    page = browser.text()
    assert "Sign in to talk to it" in page and "custody" in page
    assert "is read by programs" in page
    assert browser.goto(path="/chat/admin/wanted")["status"] == 200
    assert "can not be asked" in browser.text(selector="main h2")
    assert "demo.low v1" in browser.text(selector=".why.held")
    assert browser.count(selector=".talk") == 0
    assert browser.goto(path="/chat/nobody/nothing")["status"] == 404


def test_the_tab_is_for_hosted_models(browser):
    browser.goto(path=f"/{people.HOSTED}")
    assert browser.submit(selector=".tabs a:text-is('Chat')") == f"/chat/{people.HOSTED}"
    assert browser.text(selector=".tabs [aria-current]") == "Chat"
    for path in ("/admin/wanted", "/chat/admin/wanted", f"/{people.FREE}"):
        browser.goto(path=path)
        assert browser.count(selector=".tabs a") >= 4
        assert browser.count(selector=".tabs a:text-is('Chat')") == 0
    assert "DEMO" in browser.text(selector="footer.foot")
    assert "Self-run" not in browser.text(selector="footer.foot")


def test_a_hosted_model_says_who_let_it_be(browser, peopled):
    browser.goto(path=f"/{people.HOSTED}")
    panel = browser.text(selector="section[aria-labelledby=p-hosted]")
    for name in ("bea of north", "cid of south", "ada of north"):
        assert name in panel
    for name in people.PEOPLE:
        told = subprocess.run(["ssh-keygen", "-lf", peopled.keys / f"{name}.pub"], check=True,
                              capture_output=True, text=True).stdout
        assert told.split()[1] in panel
    assert panel.count("objects") == 1 and panel.index("objects") > panel.index("ada")
    assert panel.count("DEMO") == 4
    assert "answers well behind a gate" in panel
    assert browser.submit(selector="text=The statement they signed").startswith("/desk/")
    assert "act host" in browser.text(selector="#text")
    browser.goto(path="/admin/wanted")
    assert browser.count(selector="#p-hosted") == browser.count(selector="#p-engine") == 0


def test_the_lines_to_copy_work(browser, peopled):
    browser.goto(path=f"/{people.HOSTED}")
    assert browser.count(selector="button[data-copy]:visible") == 2
    r = peopled.house.request("POST", "/api/weighhouse/v1/keys", token="admin",
                              json={"name": "lines", "models": [people.HOSTED]})
    env = {**os.environ, "OPENAI_API_KEY": r.json()["secret"], "NO_PROXY": "127.0.0.1"}
    for command, where in (([sys.executable, "-c"], "#use-python"), (["bash", "-c"], "#use-curl")):
        done = subprocess.run([*command, browser.text(selector=where)], env=env, check=False,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "Name a colour." in done.stdout, done
    assert [m["messages"][0]["content"] for m in peopled.engine.seen[-2:]] == ["Name a colour."] * 2
    browser.fresh(script=False)
    browser.goto(path=f"/{people.HOSTED}")
    assert browser.count(selector="button[data-copy]:visible") == 0
    assert browser.count(selector="a[href='/settings/keys']") >= 1
    assert browser.text(selector="#engine").startswith("State\nelsewhere")


def test_talking_with_the_script(browser, peopled):
    sign_in(browser, peopled.house.token, CHAT)
    before = browser.text(selector="#left-requests")
    form = browser.box(selector="#talk")
    assert say(browser, "one two <b>", 1) == "one two <b>"
    assert say(browser, "three", 2) == "three"
    told = peopled.engine.seen[-1]["messages"]
    assert [m["role"] for m in told] == ["user", "assistant", "user"]
    assert told[0]["content"] == "one two <b>" and told[2]["content"] == "three"
    # nothing moved, the focus is where one goes on, and who listens was told
    assert browser.box(selector="#talk") == form
    assert browser.focus_id() == "say"
    assert "three" in browser.text(selector="#live")
    assert int(browser.text(selector="#left-requests").replace(",", "")) \
        < int(before.replace(",", ""))


def test_the_keyboard_is_enough(browser, peopled):
    sign_in(browser, peopled.house.token, CHAT)
    browser.focus(selector="#say")
    browser.type(text="by")
    browser.press(key="Shift+Enter")
    browser.type(text="keys")
    browser.press(key="Enter")
    browser.wait(selector="#turns li:nth-child(2) .said:not([aria-busy])")
    assert peopled.engine.seen[-1]["messages"][-1]["content"] == "by\nkeys"
    browser.wait(selector="#send:not([disabled])")
    browser.press(key="Tab")
    assert browser.focused() == "Send"


def test_an_answer_can_be_stopped(browser, peopled):
    sign_in(browser, peopled.house.token, CHAT)
    gone = peopled.engine.gone
    browser.fill(selector="#say", value=people.order(do="stream", endless="salt ", delay=0.02))
    browser.click(selector="#send")
    browser.wait(selector="#turns li:nth-child(2) .said:has-text('salt')")
    browser.click(selector="#stop")
    browser.wait(selector="text=You stopped it.")
    people.until(lambda: peopled.engine.gone > gone)
    assert say(browser, "and on", 2) == "and on"


def test_an_engine_that_dies(browser, peopled):
    sign_in(browser, peopled.house.token, CHAT)
    assert say(browser, people.order(do="stream", tokens=["half "], then="die"), 1) == "half"
    notice = browser.text(selector="#turns .why")
    assert "did not come to its end" in notice and "engine_error" in notice
    assert "request" in notice
    browser.goto(path=CHAT)
    say(browser, people.order(do="error", status=500, message="no"), 1)
    assert "engine_error" in browser.text(selector="#turns .why")
    # what was not answered can be sent again
    assert "no" in browser.value(selector="#say")


def test_talking_without_scripts(browser, peopled):
    browser.fresh(script=False)
    sign_in(browser, peopled.house.token, CHAT)
    for n, text in ((1, 'first "line"'), (2, "second & last")):
        browser.fill(selector="#say", value=text)
        browser.submit(selector="#send")
        assert browser.count(selector="#turns li") == 2 * n
        assert browser.text(selector=f"#turns li:nth-child({2 * n}) .said").strip() == text
    told = peopled.engine.seen[-1]["messages"]
    assert [m["content"].strip() for m in told] == ['first "line"', 'first "line"', "second & last"]
    browser.fill(selector="#say", value=people.order(do="stream", tokens=["a "], then="die"))
    browser.submit(selector="#send")
    assert "engine_error" in browser.text(selector="#turns .why")
    browser.fill(selector="#say", value=people.order(do="error", status=500, message="no"))
    browser.submit(selector="#send")
    assert "engine_error" in browser.text(selector=".why")
    browser.submit(selector="text=Begin anew")
    assert browser.count(selector="#turns li") == 0


def test_streamed_html_comes_in_pieces(peopled):
    """The beginning of the page is there before the engine has finished."""
    s, csrf = session_of(peopled.house)
    r = s.post(peopled.house.url + CHAT, stream=True, timeout=30, headers=HTML, data={
        "csrf": csrf, "say": people.order(do="stream", tokens=["early "], then="silence")})
    assert r.status_code == 200 and "connect-src 'self'" in r.headers["Content-Security-Policy"]
    got = b""
    for piece in r.iter_content(None):
        got += piece
        if b"early " in got:
            break
    assert b"</html>" not in got and b'<ol class="turns"' in got
    r.close()


def test_forms_from_elsewhere_say_nothing(peopled):
    s, csrf = session_of(peopled.house)
    seen = len(peopled.engine.seen)
    url = peopled.house.url + CHAT
    for fields in ({}, {"csrf": "x" * 43}):
        r = s.post(url, data={"say": "hello", **fields}, headers=HTML, timeout=30)
        assert r.status_code == 403 and "CSRF" in r.text
    r = requests.post(url, data={"say": "hello", "csrf": csrf}, headers=HTML, timeout=30,
                      allow_redirects=False)
    assert r.status_code == 401
    r = s.post(url, data={"say": "  ", "csrf": csrf}, headers=HTML, timeout=30)
    assert r.status_code == 400 and "Say something" in r.text
    assert len(peopled.engine.seen) == seen


def test_what_is_left_is_one_for_both_ways(peopled):
    """The account has limits, and they count whichever way it is asked."""
    s, csrf = session_of(peopled.house, people.hands.account(peopled.house, "eager"))
    url = peopled.house.url + CHAT
    for i in range(200):
        events = {"Accept": "text/event-stream"} if i % 2 else HTML
        r = s.post(url, data={"say": "x", "csrf": csrf}, headers=events, timeout=30)
        if r.status_code == 429:
            break
    assert r.status_code == 429 and "rate_limit_exceeded" in r.text, (i, r.status_code)


def test_a_key_is_shown_once_works_and_is_revoked(browser, peopled):
    h = peopled.house
    sign_in(browser, h.token, "/settings/keys")
    browser.fill(selector="#name", value="note <1>")
    browser.fill(selector="#models", value=f"{people.FREE}, {people.HOSTED}")
    browser.fill(selector="#day", value="5000")
    browser.submit(selector="#name")
    secret = browser.text(selector="#secret").strip()
    assert browser.count(selector="button[data-copy]:visible") == 1
    c = openai.OpenAI(base_url=h.url + "/v1", api_key=secret, max_retries=0, timeout=30)
    got = c.chat.completions.create(model=people.FREE,
                                    messages=[{"role": "user", "content": "hello"}])
    assert got.choices[0].message.content == "hello"
    browser.goto(path="/settings/keys")
    page = browser.text()
    assert secret not in page and "note <1>" in page and "5,000" in page
    rows = h.get("/api/weighhouse/v1/keys", token="admin").json()
    assert {"note <1>"} <= {k["name"] for k in rows}
    browser.submit(selector="[aria-label^='Revoke note <1>']")
    assert browser.count(selector="[aria-label^='Revoke note <1>']") == 0
    with pytest.raises(openai.AuthenticationError):
        c.models.list()
    browser.fill(selector="#name", value="wrong")
    browser.fill(selector="#models", value="no-owner")
    browser.submit(selector="#name")
    assert "owner/name" in browser.text() and browser.count(selector="[role=alert]") == 1
    assert browser.value(selector="#name") == "wrong"


def test_copying_takes_a_script(browser, peopled):
    browser.fresh(script=False)
    sign_in(browser, peopled.house.token, "/settings/keys")
    browser.fill(selector="#name", value="plain")
    browser.submit(selector="#name")
    assert browser.count(selector="button[data-copy]:visible") == 0
    assert browser.text(selector="#secret").startswith("wh-")


def test_a_revoked_session_key_says_so(browser, peopled):
    sign_in(browser, peopled.house.token, CHAT)
    assert say(browser, "before", 1) == "before"
    ids = [k["id"] for k in peopled.house.get("/api/weighhouse/v1/keys", token="admin").json()
           if k["name"] == "chat in a browser" and not k["revoked"]]
    for i in ids:
        r = peopled.house.request("DELETE", f"/api/weighhouse/v1/keys/{i}", token="admin")
        assert r.status_code == 200
    say(browser, "after", 2)
    assert "sign out and in again" in browser.text(selector="#turns .why")


def test_usage(browser, peopled):
    sign_in(browser, peopled.house.token, CHAT)
    say(browser, "count me", 1)

    def counted():
        browser.goto(path="/usage?days=7")
        return browser.count(selector="rect.bar") > 0
    people.until(counted)
    page = browser.text()
    assert "chat in a browser" in page and people.FREE in page
    assert browser.attribute(selector="svg.chart", name="aria-label").startswith("Tokens of each")


@pytest.mark.parametrize("name,path", [
    ("chat", "/chat"), ("chat-open", CHAT), ("chat-hosted", f"/chat/{people.HOSTED}"),
    ("chat-held", "/chat/admin/wanted"), ("keys", "/settings/keys"), ("usage", "/usage"),
    ("hosted", f"/{people.HOSTED}")])
def test_pages_for_everybody(browser, peopled, name, path):
    for look in ({"width": 1280}, {"width": 360, "dark": True}):
        browser.fresh(**look)
        sign_in(browser, peopled.house.token)
        assert browser.goto(path=path)["status"] == 200
        if name == "chat-open":
            say(browser, "A short question about the ships in the harbour?", 1)
            say(browser, people.order(do="stream", tokens=["half an answer "], then="die"), 2)
        assert browser.sideways() == []
        assert browser.axe() == []
        if SHOTS:
            file = f"{name}.{look['width']}.{'dark' if look.get('dark') else 'light'}.png"
            browser.shot(file=str(pathlib.Path(SHOTS) / file))
