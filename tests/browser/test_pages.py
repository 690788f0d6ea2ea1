"""The pages, as people with a browser meet them."""

import os
import pathlib

import pytest
import requests

SHOTS = os.environ.get("WEIGHHOUSE_SHOTS")

PAGES = {
    "front": "/", "models": "/models", "datasets": "/datasets", "apps": "/spaces",
    "search": "/search?q=small", "nothing": "/search?q=zebra", "owner": "/admin",
    "open": "/admin/small", "held": "/admin/large", "files": "/admin/small/tree/main",
    "folder": "/admin/small/tree/main/sub%20dir",
    "text": "/admin/small/blob/main/sub%20dir/notes.txt",
    "binary": "/admin/small/blob/main/model.safetensors",
    "held-file": "/admin/large/blob/main/model.safetensors",
    "weighing": "/admin/large/weighing", "decision": "/admin/large/decision",
    "history": "/admin/large/commits/main", "dataset": "/datasets/admin/ships",
    "app": "/spaces/admin/crane", "lines": "/lines", "line": "/lines/limited.default",
    "line-low": "/lines/demo.low/v1", "register": "/register", "entry": "/register/entry/0",
    "approvers": "/approvers", "desk": "/desk", "draft": "/desk/new",
    "login": "/login", "errors": "/errors", "not-found": "/nobody/nothing",
}
SIGNED_IN = {"tokens": "/settings/tokens", "new": "/new"}


def sign_in(browser, token, next_page=None):
    browser.goto(path="/login" + (f"?next={next_page}" if next_page else ""))
    browser.fill(selector="#token", value=token)
    return browser.submit(selector="#token")


def test_from_the_search_to_an_open_model(browser):
    browser.goto(path="/")
    assert "Models are weighed here" in browser.text(selector="h1")
    browser.fill(selector="header input[name=q]", value="small")
    assert browser.submit(selector="header input[name=q]") == "/search?q=small"
    assert browser.text(selector="ul.repos a.name") == "admin/small"
    assert browser.click(selector="ul.repos a.name") == "/admin/small"
    assert browser.text(selector=".parts .t-open:right-of(b:text('Weights'))") == "open"
    assert browser.count(selector=".why") == 0
    # the card is a stranger's text: its script is gone, its words stay
    assert "A model to look at" in browser.text(selector="article.prose")
    assert browser.count(selector="article.prose script") == 0
    assert browser.attribute(selector="article.prose a", name="href") == \
        "/admin/small/blob/main/config.json"
    panel = browser.text(selector="aside")
    assert "32,000" in panel and "limited.default v1 below" in panel
    assert "32,000 parameters · safetensors F32 · apache-2.0" in browser.text(selector=".parts")
    assert browser.count(selector="svg.scale") == 2


def test_a_held_model_says_why_until_when_and_how_to_object(browser, house):
    browser.goto(path="/admin/large")
    notice = browser.text(selector=".why.held")
    assert notice.startswith("The weights are held. Everything else of it is open.")
    assert "demo.low v1" in notice and "rule size" in notice
    assert "105000000 parameters" in notice and "until" in notice
    assert "at most" in browser.attribute(selector="svg.scale", name="aria-label")
    assert browser.click(selector=".why >> text=reasons and evidence") == "/admin/large/decision"
    assert "demo.low v1 answers above" in browser.text()
    assert "small.fast-track v1 answers" in browser.text()
    assert "desk@house.example" in browser.text()
    where = browser.text(selector="section:has(#again) pre").split("\n")[0].split()[2]
    evidence = requests.get(where, timeout=30).json()
    assert evidence["evidence"]["size.params_total"]["hi"] == "105000000"


def test_where_refusals_point_to(browser, house):
    r = house.get("/api/weighhouse/v1/models/admin/large/revision/main/release")
    decision = r.json()["decision"]
    assert decision["document"]["tiers"]["weights"] == "held"
    at = browser.goto(path=decision["document"]["appeal"])
    assert at == {"status": 200, "url": "/admin/large/decision#object"}
    assert browser.goto(path="/decisions/" + decision["id"])["status"] == 200
    assert browser.goto(path="/decisions/" + "0" * 64)["status"] == 404


def test_files(browser):
    browser.goto(path="/admin/small/tree/main")
    assert browser.click(selector="table >> text=sub dir/") == "/admin/small/tree/main/sub%20dir"
    assert browser.click(selector="table >> text=notes.txt") == \
        "/admin/small/blob/main/sub%20dir/notes.txt"
    assert browser.text(selector="#L2").strip() == "second <b>line</b>"
    assert browser.count(selector="text=Download") == 1
    browser.goto(path="/admin/small/blob/main/model.safetensors")
    assert "not text" in browser.text() and browser.count(selector="text=Download") == 1
    browser.goto(path="/admin/large/blob/main/model.safetensors")
    assert "The weights are held" in browser.text(selector=".why.held")
    assert browser.count(selector="text=Download") == 0
    # a folder where a file is asked for, and a file where a folder is
    assert browser.goto(path="/admin/small/blob/main/sub%20dir")["url"] == \
        "/admin/small/tree/main/sub%20dir"


def test_history(browser):
    browser.goto(path="/admin/large/commits/main")
    assert "changes what is weighed" in browser.text(selector="ul.repos li:first-child")
    assert "changes what is weighed" not in browser.text(selector="ul.repos li:last-child")
    assert "demo.low v1: above" in browser.text(selector="aside")


def test_lines_as_people_read_law(browser):
    browser.goto(path="/lines")
    assert browser.count(selector="section") == 4
    browser.click(selector="text=The demonstration line")
    assert browser.url() == "/lines/demo.low"
    assert "The model has at most 1e8 parameters" in browser.text(selector="section.rule")
    browser.click(selector="summary")
    assert '"threshold": "1e8"' in browser.text(selector="section.rule pre")
    assert browser.count(selector="td >> text=above") >= 1
    assert browser.goto(path="/lines/demo.low/v99")["status"] == 404


def test_the_register_is_checked_in_the_browser(browser, house):
    browser.goto(path="/register")
    entries = house.get("/api/weighhouse/v1/register/entries").json()
    assert entries[0]["type"] == "decision" and entries[-1]["type"] == "genesis"
    newest = f"#{entries[0]['index']}"
    assert browser.text(selector="table tbody a") == newest
    browser.click(selector="table tbody a")
    browser.wait(selector="#verdict li")
    verdict = browser.text(selector="#verdict").split("\n")
    assert len(verdict) == 4 and all(v.startswith("good:") for v in verdict), verdict
    assert browser.click(selector="text=admin/large") == "/admin/large/decision"
    assert browser.goto(path=f"/register/entry/{entries[0]['index'] + 1}")["status"] == 404


def test_sign_in_by_token_and_out(browser, house):
    assert sign_in(browser, "hf_" + "x" * 40) == "/login"
    assert "unknown, expired or revoked" in browser.text(selector="[role=alert]")
    assert sign_in(browser, house.token, "/admin/small") == "/admin/small"
    cookie = {c["name"]: c for c in browser.cookies()}["wh_session"]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    assert not cookie["domain"].startswith(".")
    assert "Sign out" in browser.text(selector="nav")
    assert browser.click(selector="text=Sign out") == "/"
    assert "Sign in" in browser.text(selector="nav")
    # the session is gone, not only its cookie
    r = requests.get(house.url + "/new", cookies={"wh_session": cookie["value"]},
                     headers={"Accept": "text/html"}, allow_redirects=False, timeout=30)
    assert r.status_code == 303 and r.headers["Location"] == "/login?next=%2Fnew"


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example", "/\\evil.example",
                                       "javascript:alert(1)", "x"])
def test_sign_in_leads_nowhere_else(browser, house, next_page):
    assert sign_in(browser, house.token, requests.utils.quote(next_page, safe="")) == "/"


def test_a_link_is_not_spent_by_looking(browser, house, link):
    for _ in range(2):
        assert house.get(f"/signin/{link}").status_code == 200
        browser.goto(path=f"/signin/{link}")
    assert "Sign in as admin" in browser.text(selector="h1")
    assert browser.click(selector="button.main") == "/"
    assert "admin" in browser.text(selector="nav")
    assert browser.goto(path=f"/signin/{link}")["status"] == 401
    assert "used" in browser.text(selector="h1")


def test_a_token_is_shown_once_and_can_be_revoked(browser, house):
    sign_in(browser, house.token, "/settings/tokens")
    browser.fill(selector="#name", value="laptop <1>")
    browser.check(selector="input[value=write]")
    browser.submit(selector="#name")
    token = browser.text(selector=".shown pre")
    who = house.get("/api/whoami-v2", token=token).json()
    assert who["name"] == "admin" and who["auth"]["accessToken"]["role"] == "write"
    browser.goto(path="/settings/tokens")
    assert "laptop <1>" in browser.text() and token not in browser.text()
    browser.click(selector="[aria-label='Revoke laptop <1>']")
    assert "laptop <1>" not in browser.text()
    assert house.get("/api/whoami-v2", token=token).status_code == 401


def test_a_reading_token_begins_no_session(browser, house):
    made = house.request("POST", "/api/weighhouse/v1/tokens", token="admin",
                         json={"name": "reader", "role": "read"}).json()
    assert sign_in(browser, made["token"]) == "/login"
    assert "This token may less than its account" in browser.text(selector="[role=alert]")
    assert all(c["name"] != "wh_session" for c in browser.cookies())


def test_a_new_repo(browser, house):
    sign_in(browser, house.token, "/new")
    browser.fill(selector="#repo-name", value="bad name")
    browser.submit(selector="#repo-name")
    assert browser.count(selector="[role=alert]") == 1
    browser.check(selector="input[value=dataset]")
    browser.check(selector="input[name=private][value=true]")
    browser.fill(selector="#repo-name", value="by-form")
    assert browser.submit(selector="#repo-name") == "/datasets/admin/by-form"
    assert "private" in browser.text(selector=".kind")
    assert house.get("/api/datasets/admin/by-form").status_code == 401
    assert house.get("/datasets/admin/by-form", headers={"Accept": "text/html"}).status_code == 404
    assert "by-form" not in house.get("/datasets", headers={"Accept": "text/html"}).text


def session_of(house, token=None):
    """A session without a browser: its cookies and its token for forms."""
    s = requests.Session()
    form = s.get(house.url + "/login", timeout=30).text
    csrf = form.split('name="csrf" value="')[1].split('"')[0]
    r = s.post(house.url + "/login", data={"csrf": csrf, "token": token or house.token},
               allow_redirects=False, timeout=30)
    assert r.status_code == 303
    page = s.get(house.url + "/settings/tokens", timeout=30).text
    return s, page.split('name="csrf" value="')[1].split('"')[0]


def test_forms_from_elsewhere_do_nothing(house):
    s, csrf = session_of(house)
    other, other_csrf = session_of(house)
    html = {"Accept": "text/html"}
    forms = {"/settings/tokens": {"name": "stolen", "role": "write"},
             "/settings/tokens/1/revoke": {"id": "1"}, "/logout": {"now": "1"},
             "/new": {"type": "model", "owner": "admin", "name": "stolen", "private": "false"}}
    for path, fields in forms.items():
        for wrong in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": other_csrf}):
            r = s.post(house.url + path, data={**fields, **wrong}, headers=html, timeout=30,
                       allow_redirects=False)
            assert r.status_code == 403 and "CSRF" in r.text, (path, wrong)
        # a token in the header has no form of its own
        r = requests.post(house.url + path, data={**fields, "csrf": csrf}, timeout=30,
                          headers={**html, "Authorization": f"Bearer {house.token}"})
        assert r.status_code == 403, path
    assert house.get("/api/models/admin/stolen", token="admin").status_code == 404
    assert "stolen" not in s.get(house.url + "/settings/tokens", timeout=30).text
    # and signing in needs a form of ours too
    r = requests.post(house.url + "/login", data={"token": house.token}, headers=html, timeout=30)
    assert r.status_code == 403
    # the right one still works, once the wrong ones are through
    r = s.post(house.url + "/logout", data={"csrf": csrf}, allow_redirects=False, timeout=30)
    assert r.status_code == 303


def test_errors_speak_the_callers_language(browser, house):
    assert browser.goto(path="/admin/small/tree/nowhere")["status"] == 404
    assert "REVISION_NOT_FOUND" in browser.text(selector=".kind")
    assert browser.click(selector="text=its card") == "/admin/small"
    assert browser.goto(path="/nobody/nothing")["status"] == 404
    assert "It may be private" in browser.text()
    plain = house.get("/nobody/nothing")
    assert plain.status_code == 401 and plain.json()["error"] == "Repository not found"
    page = house.get("/admin/large/resolve/main/model.safetensors",
                     headers={"Accept": "text/html"})
    assert page.status_code == 403 and "demo.low" in page.text
    browser.goto(path="/errors")
    assert browser.count(selector="tr#HELD") == 1


def test_headers(house):
    r = house.get("/", headers={"Accept": "text/html"})
    policy = r.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'",
                 "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert r.headers["Cache-Control"] == "no-store"
    css = r.text.split('rel="stylesheet" href="')[1].split('"')[0]
    asset = house.get(css)
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert asset.headers["Content-Type"].startswith("text/css")
    plain = house.get("/assets/house.css")
    assert plain.content == asset.content and plain.headers["Cache-Control"] == "no-cache"
    assert house.get("/assets/..%2Fhouse.css").status_code == 404


def test_the_order_of_the_keyboard(browser):
    browser.goto(path="/")
    names = []
    for _ in range(11):
        browser.press(key="Tab")
        names.append(browser.focused())
    assert names == ["Skip to the content", "Weighhouse", "Search", "Models", "Datasets", "Apps",
                     "Chat", "Lines", "Register", "Sign in", "admin/large"]
    browser.goto(path="/")
    browser.press(key="Tab")
    browser.press(key="Enter")
    browser.press(key="Tab")
    assert browser.focused() == "admin/large"


def test_everything_works_without_scripts(browser, house):
    browser.fresh(script=False)
    browser.goto(path="/")
    browser.fill(selector="header input[name=q]", value="large")
    browser.submit(selector="header input[name=q]")
    assert browser.click(selector="ul.repos a.name") == "/admin/large"
    assert browser.click(selector=".tabs >> text=Decision") == "/admin/large/decision"
    browser.click(selector="#p-register ~ .in a")
    assert "Nothing was verified in this browser" in browser.text()
    assert len(browser.text(selector="#proof-text").split()) >= 1
    assert sign_in(browser, house.token, "/settings/tokens") == "/settings/tokens"
    browser.click(selector="text=Sign out")
    assert "Sign in" in browser.text(selector="nav")


@pytest.mark.parametrize("name", [*PAGES, *SIGNED_IN])
def test_every_page_for_everybody(browser, house, name):
    """No rule of accessibility broken, nothing that sticks out on a phone."""
    path = PAGES.get(name) or SIGNED_IN[name]
    for look in ({"width": 1280}, {"width": 360, "dark": True}):
        browser.fresh(**look)
        if name in SIGNED_IN:
            sign_in(browser, house.token)
        at = browser.goto(path=path)
        assert at["status"] == (404 if name == "not-found" else 200)
        assert browser.sideways() == []
        assert browser.axe() == []
        if SHOTS:
            file = f"{name}.{look['width']}.{'dark' if look.get('dark') else 'light'}.png"
            browser.shot(file=str(pathlib.Path(SHOTS) / file))


def test_pages_know_all_their_names(fresh_house, tmp_path):
    """With templates from a folder a name that a page lacks is an error."""
    import content
    from conftest import CONFIG, ROOT
    h = fresh_house(CONFIG + f"templates = {ROOT}\n").start()
    content.push(h, tmp_path / "content")
    s, _ = session_of(h)
    for name, path in {**PAGES, **SIGNED_IN}.items():
        for get in (requests.get, s.get):
            r = get(h.url + path, headers={"Accept": "text/html"}, timeout=30)
            assert r.status_code < 500 and "</html>" in r.text, (name, r.text[:500])
