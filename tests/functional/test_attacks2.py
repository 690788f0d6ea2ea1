"""What a hostile reviewer tried on the pages: the chat, the desk, sessions, the first
approvers. Each test is an attack."""

import concurrent.futures
import hashlib
import html
import json
import re
import secrets
import shutil
import sqlite3
import time

import pytest
import requests

import hands
from approvers import PEOPLE, V1, draft, founding, make_keys, sign, ssh_sign
from conftest import House, new_base
from engine import Engine
from test_gateway import publish

MODEL, PRIVATE = "demo/little", "hidden/little"
PAGE = {"Accept": "text/html"}
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def house():
    engine = Engine()
    h = House(new_base(), config=f"[gateway]\nupstreams = {MODEL}=unix:{engine.path}, "
                                 f"{PRIVATE}=unix:{engine.path}\n").start()
    publish(h, MODEL)
    publish(h, PRIVATE, private=True)
    h.engine = engine
    h.eve = hands.account(h, "eve")
    yield h
    assert h.stop() == 0, h.log()[-3000:]
    engine.stop()
    shutil.rmtree(h.base, ignore_errors=True)


class Browser:
    """A session of an account, by forms alone."""

    def __init__(self, house, token):
        self.url, self.http = house.url, requests.Session()
        self.http.headers.update(PAGE)
        r = self.post("/login", token=token, csrf=self.csrf("/login"))
        assert r.status_code == 303, r.text
        self.form = self.csrf("/settings/tokens")

    def csrf(self, path):
        return re.search(r'name="csrf" value="([^"]+)"', self.http.get(self.url + path).text)[1]

    def post(self, path, headers=None, **fields):
        return self.http.post(self.url + path, data=fields, headers=headers, timeout=60,
                              allow_redirects=False)

    def say(self, text, model=MODEL, headers=None, **fields):
        return self.post(f"/chat/{model}", say=text, headers=headers, csrf=self.form, **fields)

    def key(self):
        """The key of the session, as whoever has its cookie can make it."""
        text = "weighhouse portal key\n" + self.http.cookies["wh_session"]
        return "wh-" + hashlib.sha256(text.encode()).hexdigest()[:40]


def asked(house, key):
    return house.request("POST", "/v1/chat/completions", token=key, json={
        "model": MODEL, "messages": [{"role": "user", "content": "hello"}]})


# ---- sessions ----

def test_what_a_cookie_gives_ends_with_its_session(house):
    """The key of a session can be made from the cookie: signing out ends both."""
    b = Browser(house, house.eve)
    assert "hello" in b.say("hello").text
    key = b.key()
    r = asked(house, key)
    assert r.status_code == 200
    assert b.post("/logout", csrf=b.form).status_code == 303
    r = asked(house, key)
    assert r.status_code == 401, r.text


def test_every_form_wants_its_own_token(house):
    """Forms of the desk, of reports and of the chat, sent by another site's page."""
    b, other = Browser(house, house.eve), Browser(house, house.token)
    forms = {f"/chat/{MODEL}": {"say": "stolen"}, "/logout": {"now": "1"},
             "/desk/new": {"act": "roster", "paper": "x", "reasons": "x"},
             "/desk/statement.txt": {"statement": "x"}, "/desk/sign": {"statement": "x"},
             "/reports/new": {"text": "x"}}
    before = len(house.engine.seen)
    for path, fields in forms.items():
        for wrong in ({}, {"csrf": ""}, {"csrf": other.form}):
            r = b.post(path, **fields, **wrong)
            assert r.status_code in (403, 404, 405), (path, wrong, r.status_code)
            for headers in (PAGE, EVENTS):
                r = requests.post(house.url + path, data={**fields, **wrong}, headers=headers,
                                  timeout=30, allow_redirects=False)
                assert r.status_code in (401, 403, 404, 405, 303), (path, wrong, r.status_code)
                assert r.status_code != 303 or "/login" in r.headers["location"]
    assert len(house.engine.seen) == before
    assert "stolen" not in json.dumps(house.engine.seen)


# ---- the chat ----

def test_what_is_said_is_in_no_file(house):
    """Neither what was asked nor what was answered, whether it went well or not."""
    b = Browser(house, house.eve)
    marks = [secrets.token_hex(12) for _ in range(6)]
    order = json.dumps({"do": "stream", "tokens": [marks[1]]})
    assert marks[1] in b.say(order + " ").text
    assert marks[0] in b.say(marks[0]).text
    r = b.say(marks[2], headers=EVENTS, user=marks[3], assistant=marks[4])
    assert marks[2] in r.text
    b.say(json.dumps({"do": "error", "status": 500, "message": marks[5]}))
    b.post(f"/chat/{MODEL}?say={marks[0]}x", csrf="wrong", say=marks[0])
    asked(house, "wh-" + "x" * 40)
    found = []
    for path in [house.log_path, *house.data.rglob("*")]:
        if path.is_file():
            data = path.read_bytes()
            found += [(path.name, i) for i, m in enumerate(marks) if m.encode() in data]
    assert not found


HOSTILE = "</div><script>alert(1)</script><img src=x onerror=alert(1)>\"'&lt;"


def test_text_of_a_model_is_text(house):
    b = Browser(house, house.eve)
    order = json.dumps({"do": "stream", "tokens": list(HOSTILE)})
    r = b.say(order, user=HOSTILE, assistant=HOSTILE)
    assert r.status_code == 200
    assert "<script>alert" not in r.text and "<img" not in r.text
    assert r.text.count(html.escape(HOSTILE, quote=False)[:20]) >= 1 or "&lt;script&gt;" in r.text
    assert "default-src 'none'" in r.headers["content-security-policy"]
    fields = re.findall(r'name="assistant" value="([^"]*)"', r.text)
    assert [html.unescape(f) for f in fields] == [HOSTILE, HOSTILE]
    r = b.say(order, headers=EVENTS)
    assert r.headers["content-type"].startswith("text/event-stream")
    assert r.headers["x-content-type-options"] == "nosniff"
    # no line of a model's begins an event of its own
    r = b.say(json.dumps({"do": "stream", "tokens": ["a\n\nevent: end\ndata: {}\n\n", "\r\n\r\nevent: x"]}),
              headers=EVENTS)
    assert r.text.count("\nevent: end\n") == 1 and "\nevent: x" not in r.text


@pytest.mark.parametrize("character", ['"', "'", "\\", "\x01", "<"])
def test_a_form_full_of_what_grows(house, character):
    """Characters that are six times as long on a page, twice on it, and in the request."""
    b = Browser(house, house.eve)
    body = "csrf=" + b.form + "&say=x&user=" + character * (2_097_000 - 200)
    for headers in (PAGE, {**PAGE, **EVENTS}):
        r = b.http.post(house.url + f"/chat/{MODEL}", data=body.encode(), timeout=60, headers={
            **headers, "Content-Type": "application/x-www-form-urlencoded"})
        assert r.status_code in (400, 413, 429), r.text[:500]
    body = "csrf=" + b.form + "&say=x" + "&user=" * 250
    r = b.http.post(house.url + f"/chat/{MODEL}", data=body.encode(), timeout=60, headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert r.status_code < 500, r.text[:500]
    assert "hello" in b.say("hello").text


def test_strangers_send_no_large_forms(house):
    for cookie in ({}, {"wh_session": "x" * 43}):
        r = requests.post(house.url + f"/chat/{MODEL}", data={"say": "x" * 200_000}, headers=PAGE,
                          cookies=cookie, timeout=30, allow_redirects=False)
        assert r.status_code in (401, 413), r.status_code


def test_a_private_model_is_as_if_it_were_not(house):
    b = Browser(house, house.eve)
    bare = requests.Session()
    bare.headers.update(PAGE)
    for who in (b.http, bare):
        for path in ("/chat/{}", "/chat/{}/engine", "/{}", "/chat/models/{}"):
            got = []
            for name in (PRIVATE, "hidden/nothere", "nobody/nothere"):
                r = who.get(house.url + path.format(name), timeout=30, allow_redirects=False)
                text = re.sub(r"[0-9a-f]{16,}", "ID", r.text.replace(name, "NAME"))
                got.append((r.status_code, text))
            assert got[0][0] == got[1][0] == got[2][0], (path, [g[0] for g in got])
        for path in ("/chat", "/desk", "/approvers", "/register", "/watch", "/metrics", "/doctor",
                     "/models", "/search?q=little", "/v1/models"):
            assert "hidden" not in who.get(house.url + path, timeout=30).text.replace(
                "aria-hidden", "").replace('type="hidden"', "").replace(" hidden", ""), path
    got = [b.say("hello", model=m) for m in (PRIVATE, "hidden/nothere")]
    assert got[0].status_code == got[1].status_code == 404
    before = len(house.engine.seen)
    b.say("hello", model=PRIVATE, headers=EVENTS)
    assert len(house.engine.seen) == before


def test_a_token_for_one_repo_lists_no_others(house):
    """A fine-grained token is its scopes, and not its account."""
    r = house.request("POST", f"{V1}/tokens", token="admin", json={
        "name": "one repo", "role": "fineGrained",
        "scopes": [{"entity": MODEL, "role": "read"}]})
    assert r.status_code == 201, r.text
    token = r.json()["token"]
    assert PRIVATE in house.request("GET", "/chat", token="admin", headers=PAGE).text
    for path in ("/chat", "/desk", "/models"):
        text = house.request("GET", path, token=token, headers=PAGE).text
        assert (MODEL in text or path == "/desk") and PRIVATE not in text, path


def test_a_list_of_keys_does_not_grow_for_ever(house):
    """Each key that was made and revoked leaves a row: a list of all would be any size."""
    token = hands.account(house, "maker")
    r = house.request("POST", f"{V1}/keys", token=token, json={"name": "first"})
    assert r.status_code == 201, r.text
    db = sqlite3.connect(house.data / "house.db", timeout=30)
    row = db.execute("SELECT account FROM api_key WHERE name = 'first'").fetchone()[0]
    db.executemany("INSERT INTO api_key (hash, shown, account, name, models, endpoints, "
                   "minute_requests, minute_tokens, day_tokens, streams, created, revoked) "
                   "VALUES (?, 'wh-0', ?, 'old', '', 1, 1, 1, 1, 1, 1, 2)",
                   ((hashlib.sha256(b"%d" % i).hexdigest(), row) for i in range(20_000)))
    db.commit()
    db.close()
    r = house.request("POST", f"{V1}/keys", token=token, json={"name": "last"})
    assert r.status_code == 201, r.text
    names = [k["name"] for k in house.get(f"{V1}/keys", token=token).json()]
    assert len(names) <= 2000 and names[0] == "first" and names[-1] == "last"
    assert Browser(house, token).http.get(house.url + "/settings/keys").status_code == 200


def test_ended_keys_go_and_their_sums_stay(fresh_house):
    """Every session and every key leaves a row when it ends."""
    house = fresh_house().start()
    token = hands.account(house, "maker")
    kept = house.request("POST", f"{V1}/keys", token=token, json={"name": "kept"}).json()["id"]
    house.stop()
    db = sqlite3.connect(house.data / "house.db", timeout=30)
    row = db.execute("SELECT account FROM api_key WHERE name = 'kept'").fetchone()[0]
    day = int(time.time() // 86400)
    for i in range(2500):
        key = db.execute(
            "INSERT INTO api_key (hash, shown, account, name, models, endpoints, "
            "minute_requests, minute_tokens, day_tokens, streams, created, expires, revoked) "
            "VALUES (?, 'wh-0', ?, 'old', '', 1, 1, 1, 1, 1, 1, ?, ?) RETURNING id",
            (hashlib.sha256(b"%d" % i).hexdigest(), row, 2, None if i % 2 else 3)).fetchone()[0]
        db.execute("INSERT INTO api_usage VALUES (?, ?, ?, 1, 2, 3)", (key, day, f"demo/{i % 3}"))
    db.commit()
    house.start()
    end = time.monotonic() + 60
    while db.execute("SELECT count(*) FROM api_key WHERE name = 'old'").fetchone()[0] > 1000:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert db.execute("SELECT count(*), min(id) = ? FROM api_key WHERE account = ?",
                      (kept, row)).fetchone() == (1001, 1)
    assert db.execute("SELECT sum(requests), sum(prompt_tokens), sum(completion_tokens) "
                      "FROM api_usage").fetchone() == (2500, 5000, 7500)
    assert db.execute("SELECT count(*) FROM api_usage").fetchone()[0] <= 1003
    db.close()


@pytest.fixture
def small(fresh_house):
    """A house that gives an account little."""
    engine = Engine()

    def make(limits):
        h = fresh_house(config=f"[gateway]\nupstreams = {MODEL}=unix:{engine.path}\n"
                               + limits).start()
        publish(h, MODEL)
        h.engine = engine
        return h
    yield make
    engine.stop()


def new_key(house, token):
    r = house.request("POST", f"{V1}/keys", token=token, json={
        "name": "k", "limits": {"requests_per_minute": 0, "tokens_per_minute": 0,
                                "tokens_per_day": 0}})
    assert r.status_code == 201, r.text
    return r.json()


def test_a_new_key_is_no_new_minute(small):
    """Limits are an account's: neither many keys at once nor ones that were ended, nor
    another session, nor a key that says of itself that it has none, gives more."""
    house = small("requests_per_minute = 20\n")
    eve, ida = hands.account(house, "eve"), hands.account(house, "ida")
    keys = [new_key(house, eve) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        got = list(pool.map(lambda i: asked(house, keys[i % 4]["secret"]).status_code, range(80)))
    assert got.count(200) == 20 and got.count(429) == 60, got
    assert len(house.engine.seen) == 20
    for k in keys:
        r = house.request("DELETE", f"{V1}/keys/{k['id']}", token=eve)
        assert r.status_code == 200, r.text
    r = asked(house, new_key(house, eve)["secret"])
    assert r.status_code == 429 and r.headers["x-ratelimit-remaining-requests"] == "0", r.text
    for _ in range(2):
        b = Browser(house, eve)
        assert "The limit of a minute is reached." in html.unescape(b.say("hello").text)
        assert b.post("/logout", csrf=b.form).status_code == 303
    assert len(house.engine.seen) == 20
    assert asked(house, new_key(house, ida)["secret"]).status_code == 200


def test_a_new_key_is_no_new_day(small):
    """... and a restart forgets nothing of it."""
    house = small("tokens_per_day = 6000\n")
    eve = hands.account(house, "eve")
    key = new_key(house, eve)
    lie = json.dumps({"do": "stream", "tokens": ["a"], "usage": {
        "prompt_tokens": 9999999, "completion_tokens": 9999999}})
    r = house.request("POST", "/v1/chat/completions", token=key["secret"], json={
        "model": MODEL, "max_tokens": 4000, "stream": True,
        "messages": [{"role": "user", "content": lie}]})
    assert r.status_code == 200, r.text
    house.request("DELETE", f"{V1}/keys/{key['id']}", token=eve)
    for _ in range(2):
        r = house.request("POST", "/v1/chat/completions", token=new_key(house, eve)["secret"],
                          json={"model": MODEL, "max_tokens": 3000,
                                "messages": [{"role": "user", "content": "hello"}]})
        assert r.status_code == 429 and r.json()["error"]["code"] == "insufficient_quota", r.text
        house.stop()
        house.start()


# ---- the first approvers ----

@pytest.fixture
def unfounded(tmp_path_factory):
    """A house that nobody founded yet, with a held model; and a stranger's keys."""
    h = House(new_base(), config="[lines]\nenforce = limited.default, hold.unknown, demo.low.v1\n"
                                 "[uploads]\nsweep_seconds = 1\n").start()
    h.folder = tmp_path_factory.mktemp("keys")
    make_keys(h.folder, list(PEOPLE))
    h.api().create_repo("admin/big")
    h.held = hands.above_the_demo_line()
    hands.publish(h, "admin/big", {"m.gguf": h.held})
    assert hands.decided(h, "admin/big")["weights"] == "held"
    yield h
    assert h.stop() == 0, h.log()[-3000:]
    shutil.rmtree(h.base, ignore_errors=True)


def test_a_stranger_founds_no_approvers(unfounded):
    """Keys of an hour ago and two affiliations that do not exist would open what is held; or
    fill the places of rosters that wait."""
    h, doc = unfounded, founding(unfounded.folder)
    r = h.request("POST", f"{V1}/tokens", token="admin", json={"name": "r", "role": "write"})
    assert r.status_code == 201, r.text
    for token in (None, hands.account(h, "eve"), r.json()["token"]):
        for name in PEOPLE:
            r = sign(h, h.folder, name, draft(h, "roster", paper=doc), token=token, roster=doc)
            assert "operator" in hands.is_an_error(r, 403)
    b = Browser(h, hands.account(h, "mallory"))
    d = draft(h, "roster", paper=doc)
    r = b.post("/desk/sign", statement=d["statement"], roster=doc, csrf=b.form,
               signature=ssh_sign(h.folder, "ada", d["statement"]))
    assert r.status_code == 403 and "handed in by an operator" in r.text
    assert h.get(f"{V1}/proposals").json() == []
    assert h.get(f"{V1}/approvers").json()["version"] == 0
    # an operator hands it in; whose keys are named sign as whoever they come, others not
    assert sign(h, h.folder, "ada", d, roster=doc).status_code == 201
    make_keys(h.folder, ["dan"])
    assert sign(h, h.folder, "dan", d, token=None, roster=doc).status_code == 403
    for name in ("bea", "cid"):
        r = sign(h, h.folder, name, d, token=None, roster=doc)
        assert r.status_code == 201, r.text
    assert r.json()["state"] == "done"
    assert hands.decided(h, "admin/big")["weights"] == "held"


# ---- the desk ----

def test_one_account_does_not_bury_the_desk_in_appeals(unfounded):
    """Each appeal is a row, and a leaf of the public log for ever."""
    h = unfounded
    tokens = [hands.account(h, f"a{i}") for i in range(3)]

    def appeal(token, repo="admin/big"):
        return h.request("POST", f"{V1}/appeals", token=token, json={
            "decision": hands.release(h, repo)["decision"]["id"], "text": "it is mine"})
    assert appeal("admin").status_code == 201
    for token in tokens:
        assert appeal(token).status_code == 201
        for _ in range(20):
            assert "waits" in hands.is_an_error(appeal(token), 409)
    ids = [a["created"] for a in h.get(f"{V1}/appeals").json()]
    assert len(ids) == 4 and ids == sorted(ids)
    # nor against many decisions
    h.api(token=tokens[0]).create_repo("a0/many")
    codes = []
    for _ in range(21):
        hands.publish(h, "a0/many", {"m.bin": hands.unexplained(1000)}, token=tokens[0])
        assert hands.decided(h, "a0/many")["weights"] == "held"
        codes.append(appeal(tokens[0], "a0/many").status_code)
    assert codes == [201] * 19 + [429] * 2


def test_words_of_approvers_are_text(unfounded):
    h, doc = unfounded, founding(unfounded.folder)
    d = draft(h, "roster", paper=doc, reasons=[HOSTILE])
    ids = [sign(h, h.folder, name, d, roster=doc).json()["id"] for name in PEOPLE]
    d = draft(h, "host", subject=hands.release(h, "admin/big")["subject"],
              reasons=[HOSTILE, "{{house.url}} {{>top}}"])
    ids += [sign(h, h.folder, name, d).json()["id"] for name in ("ada", "cid")]
    bad = doc.replace('"north"', json.dumps(HOSTILE))
    r = h.request("POST", f"{V1}/proposals/draft", json={
        "act": "roster", "paper": bad, "reasons": ["x"]})
    assert r.status_code == 400, r.text
    index = h.get(f"{V1}/approvers").json()["index"]
    seen = 0
    for path in ("/desk", *(f"/desk/{i}" for i in ids), "/approvers", "/admin/big",
                 "/admin/big/decision", "/chat/admin/big", "/register", "/lines",
                 f"/desk/new?act=host&subject={HOSTILE}", f"/desk/new?act={HOSTILE}",
                 *(f"/register/entry/{i}" for i in range(index, index + 4))):
        r = h.get(path, headers=PAGE)
        assert r.status_code in (200, 400, 404), (path, r.status_code)
        assert "<script>alert" not in r.text and "<img" not in r.text, path
        seen += "&lt;script&gt;alert" in r.text
    assert seen > 3
    r = h.get(f"/desk/{ids[0]}/statement.txt", headers=PAGE)
    assert HOSTILE in r.text and r.headers["content-type"].startswith("text/plain")
    assert r.headers["x-content-type-options"] == "nosniff"
    assert r.headers["content-disposition"].startswith("attachment")


def test_what_has_cooled_off_under_other_lines_is_void(unfounded):
    """A line that came into force meanwhile: the register must not say what the keeper refuses."""
    h = unfounded
    doc = founding(h.folder).replace('"cooling_off":1', '"cooling_off":4')
    d = draft(h, "roster", paper=doc)
    for name in PEOPLE:
        sign(h, h.folder, name, d, roster=doc)
    d = draft(h, "open", subject=hands.release(h, "admin/big")["subject"])
    for name in ("ada", "cid"):
        r = sign(h, h.folder, name, d)
    assert r.json()["state"] == "cooling-off"
    matter = r.json()["id"]
    assert h.stop() == 0
    h.extra = h.extra.replace("demo.low.v1", "demo.low.v1, small.fast-track")
    h.start()
    end = time.monotonic() + 30
    while h.get(f"{V1}/proposals/{matter}").json()["state"] == "cooling-off":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert h.get(f"{V1}/proposals/{matter}").json()["state"] == "void"
    assert hands.decided(h, "admin/big")["weights"] == "held"
    assert "are held by line demo.low" in h.get("/admin/big/resolve/main/m.gguf", token="admin").text


def test_what_is_opened_under_a_new_line_is_judged_by_it(unfounded):
    """A line came into force after the house had decided: an opening names it, and opens."""
    h = unfounded
    doc = founding(h.folder)
    d = draft(h, "roster", paper=doc)
    for name in PEOPLE:
        sign(h, h.folder, name, d, roster=doc)
    assert h.stop() == 0
    h.extra = h.extra.replace("demo.low.v1", "demo.low.v1, small.fast-track")
    h.start()
    d = draft(h, "open", subject=hands.release(h, "admin/big")["subject"])
    for name in ("ada", "cid"):
        r = sign(h, h.folder, name, d)
    matter = r.json()["id"]
    end = time.monotonic() + 30
    while h.get("/admin/big/resolve/main/m.gguf", token="admin").status_code != 200:
        assert time.monotonic() < end, h.get(f"{V1}/proposals/{matter}").text
        time.sleep(0.2)
    leaf = [e for e in map(json.loads, hands.leaves(h)) if e.get("act") == "open"][-1]
    named = set(re.findall(r"^line.* (?:sha256:)?([0-9a-f]{64})$", d["statement"], re.M))
    assert len(named) > 1 and set(leaf["lines"]) == {f"sha256:{n}" for n in named}
