"""What a hostile reviewer tried with names: the same weights in another subject, another
repo, another scope. Each test is an attack."""

import json
import os
import re
import shutil
import time

import pytest
import requests

import hands
import weights
from approvers import PEOPLE, V1, draft, founding, make_keys, sign, signed
from conftest import House, new_base
from engine import Engine
from test_attacks import ESM_VOCABULARY

SERVED = "demo/served"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Three approvers, two users, and an engine for a model that is not there yet."""
    engine = Engine()
    h = House(new_base(), config="[lines]\nenforce = limited.default, hold.unknown, demo.low.v1\n"
                                 f"[gateway]\nupstreams = {SERVED}=unix:{engine.path}\n").start()
    h.keys_of = tmp_path_factory.mktemp("keys")
    make_keys(h.keys_of, list(PEOPLE))
    doc = founding(h.keys_of)
    d = draft(h, "roster", paper=doc)
    for name in PEOPLE:
        r = sign(h, h.keys_of, name, d, roster=doc)
    assert r.json()["state"] == "done", r.text
    h.eve, h.mallory = hands.account(h, "eve"), hands.account(h, "mallory")
    yield h
    assert h.stop() == 0, h.log()[-3000:]
    engine.stop()
    shutil.rmtree(h.base, ignore_errors=True)


def push(house, repo, files, token, **kw):
    """A model with these weights; a file of its name makes its subject its own."""
    house.api(token=token).create_repo(repo, **kw)
    for data in files.values():
        hands.lfs_upload(house, repo, data, token=token)
    own = hands.file_op("config.json", json.dumps({"name": repo}).encode())
    r = hands.commit(house, repo, own, *[hands.lfs_op(p, d) for p, d in files.items()],
                     token=token)
    assert r.status_code == 200, r.text
    assert hands.decided(house, repo, token=token)["weights"] == "open"
    return hands.release(house, repo, token=token)["subject"]


def close(house, subject, who="ada"):
    """In an emergency, by one approver."""
    return sign(house, house.keys_of, who, draft(house, "close", subject=subject, hours=1,
                                                 rules=["house/danger"]))


def quorum(house, act, subject, **kw):
    state = signed(house, house.keys_of, ["ada", "cid"], draft(house, act, subject=subject, **kw))
    assert state == "done"


def comes(house, path, status, wait=60, **kw):
    """The answer of this path once it has this status."""
    end = time.monotonic() + wait
    while (r := house.get(path, **kw)).status_code != status:
        assert time.monotonic() < end, (path, r.status_code, r.text)
        time.sleep(0.1)
    return r


# ---- the same weights in another subject ----

def test_one_approver_closes_weights_once_under_all_their_names(house):
    """Whoever wants may put others' weights into a subject of his own: each one was a
    further emergency, so one approver could hold anything for ever."""
    data, more = (weights.safetensors({"w": (n, 3)}) for n in (4001, 4003))
    first = push(house, "eve/first", {"m.safetensors": data}, house.eve)
    assert close(house, first).status_code == 201
    path = "/eve/first/resolve/main/m.safetensors"
    comes(house, path, 401)
    quorum(house, "lift", first)
    comes(house, path, 200)
    assert "180 days" in hands.is_an_error(close(house, first), 422)
    other = push(house, "mallory/other", {"m.safetensors": data}, house.mallory)
    assert "180 days" in hands.is_an_error(close(house, other, "cid"), 422)
    # with something new beside them: that is closed, and nothing else is
    both = push(house, "mallory/both", {"m.safetensors": data, "n.safetensors": more},
                house.mallory)
    assert close(house, both).status_code == 201
    comes(house, "/mallory/both/resolve/main/n.safetensors", 401)
    assert house.get(path).content == data
    # a quorum may say that it is all of it
    quorum(house, "ratify", both, hours=2, rules=["house/danger"])
    comes(house, path, 401)
    quorum(house, "lift", both)
    comes(house, path, 200)


def key_of(house, token):
    r = house.request("POST", f"{V1}/keys", token=token, json={"name": "k"})
    assert r.status_code == 201, r.text
    return r.json()["secret"]


def ask(house, key, content="hello", stream=False):
    return house.request("POST", "/v1/chat/completions", token=key, stream=stream, json={
        "model": SERVED, "stream": stream, "messages": [{"role": "user", "content": content}]})


def test_closed_weights_are_served_under_no_name(house):
    """An engine elsewhere went on with a model of which a copy was closed by its digest."""
    house.request("POST", f"{V1}/organizations", token="admin", json={"name": "demo"})
    data, also = (weights.safetensors({"w": (n, 5)}) for n in (4001, 4003))
    push(house, SERVED, {"m.safetensors": data}, house.token)
    copy = push(house, "mallory/copy", {"a.safetensors": also, "b.safetensors": data},
                house.mallory)
    key = key_of(house, house.eve)
    assert ask(house, key).status_code == 200
    order = {"do": "stream", "endless": "word ", "delay": 0.05}
    lines = ask(house, key, json.dumps(order), stream=True).iter_lines()
    assert any(b"word" in line for line in lines)
    assert close(house, copy).status_code == 201
    rest = b"".join(lines)
    assert b"closed this model" in rest and f"/{SERVED}/decision".encode() in rest
    comes(house, f"/{SERVED}/resolve/main/m.safetensors", 401)
    r = ask(house, key)
    assert r.status_code == 403, r.text
    assert "closed" in r.text and f"/{SERVED}/decision" in r.text
    quorum(house, "lift", copy)
    comes(house, f"/{SERVED}/resolve/main/m.safetensors", 200)
    end = time.monotonic() + 30
    while ask(house, key).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.2)


# ---- notices ----

def test_a_hold_that_is_renewed_keeps_its_notice(house):
    """The weights stayed closed, and nobody was told any more why: notices ended with the
    first term of the hold, and whoever verified a copy then heard nothing of a recall."""
    subject = push(house, "eve/taken", {"m.safetensors": weights.safetensors({"w": (4001, 7)})},
                   house.eve)
    quorum(house, "recall", subject, hours=1, rules=["house/danger", "notice/security"])
    comes(house, "/eve/taken/resolve/main/m.safetensors", 401)
    old = [n for n in house.get(f"{V1}/notices").json() if n["subject"] == subject]
    quorum(house, "renew", subject, hours=24, rules=["house/danger"], reasons=["it still does"])
    end = time.monotonic() + 30
    while True:
        now = [n for n in house.get(f"{V1}/notices").json() if n["subject"] == subject]
        if len(now) == 2 and now[1]["lifted_index"] is not None:
            break
        assert time.monotonic() < end, now
        time.sleep(0.1)
    assert [n["state"] for n in now] == ["in force", "lifted"]
    assert now[1]["id"] == old[0]["id"] and now[0]["until"] > old[0]["until"]
    assert (now[0]["reason"], now[0]["words"]) == ("security", "it still does")
    listed = house.get("/register/notices").json()["notices"]
    leaf = json.loads(next(n for n in listed if n["index"] == now[0]["index"])["leaf"])
    assert leaf["act"] == "recall"
    assert leaf["files"] == [f"sha256:{f}" for f in old[0]["files"]]
    assert not any(n["index"] == old[0]["index"] for n in listed)


# ---- tokens and sessions ----

PAGE = {"Accept": "text/html"}


def sign_in(house, token):
    """The answer to the form of the page, and the browser."""
    browser = requests.Session()
    browser.headers.update(PAGE)
    page = browser.get(house.url + "/login", timeout=30).text
    form = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    return browser, browser.post(house.url + "/login", data={"token": token, "csrf": form},
                                 timeout=30, allow_redirects=False)


def test_a_session_gives_an_operator_no_more_than_his_token(house):
    """A token of the role write, as one gives to a machine that uploads, was an operator's
    whole power after a detour by the form of a page."""
    r = house.request("POST", f"{V1}/tokens", token="admin", json={"name": "ci", "role": "write"})
    weak = r.json()["token"]
    assert house.get(f"{V1}/doctor", token=weak).status_code == 403
    browser, r = sign_in(house, weak)
    assert r.status_code == 403 and "of the role admin" in r.text
    assert "wh_session" not in browser.cookies
    for token in (house.token, house.eve):
        browser, r = sign_in(house, token)
        assert r.status_code == 303 and "wh_session" in browser.cookies


# ---- decisions of private repos ----

def test_a_private_repo_does_not_hide_what_is_held_in_the_open(fresh_house):
    """Weights held for what stands beside them are held alone, too, as long as their decision is
    the newest about its subject. That of a private repo is none about the public."""
    h = fresh_house().start()
    eve = hands.account(h, "eve")
    data = weights.safetensors({"model.layers.0.self_attn.q_proj.weight": (64, 65)})

    def with_letters(repo, **kw):
        h.api(token=eve).create_repo(repo, **kw)
        hands.lfs_upload(h, repo, data, token=eve)
        r = hands.commit(h, repo, hands.lfs_op("m.safetensors", data),
                         hands.file_op("vocab.txt", ESM_VOCABULARY), token=eve)
        assert r.status_code == 200, r.text
        assert hands.decided(h, repo, token=eve)["weights"] == "held"
        return hands.release(h, repo, token=eve)

    public = with_letters("eve/letters")
    private = with_letters("eve/hidden", private=True)
    assert private["decision"]["id"] == public["decision"]["id"]
    h.api(token=eve).delete_repo("eve/letters")
    # a line more: whoever is still there is decided anew
    assert h.stop() == 0
    h.extra = "[lines]\nenforce = limited.default, hold.unknown, small.fast-track\n"
    h.start()
    hands.commit(h, "eve/hidden", hands.file_op("README.md", b"# again\n"), token=eve)
    end = time.monotonic() + 60
    while hands.release(h, "eve/hidden", token=eve)["decision"]["id"] == public["decision"]["id"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    h.api(token=eve).create_repo("eve/alone")
    hands.publish(h, "eve/alone", {"m.safetensors": data}, token=eve)
    assert hands.decided(h, "eve/alone", token=eve)["weights"] == "held"
    assert h.get("/eve/alone/resolve/main/m.safetensors", token=eve).status_code == 403
    assert h.stop() == 0


# ---- quotas ----

def test_what_comes_in_a_commit_counts(fresh_house):
    """Small files went by every quota, as many and as often as one liked."""
    h = fresh_house("[quota]\nday_bytes = 1M\n").start()
    eve = hands.account(h, "eve")
    h.api(token=eve).create_repo("eve/texts", repo_type="dataset")
    codes = []
    for i in range(40):  # what was sent is written down a little later
        text = os.urandom(50_000).hex().encode()
        r = hands.commit(h, "eve/texts", hands.file_op(f"{i}.txt", text), token=eve,
                         kind="dataset")
        codes.append(r.status_code)
        if r.status_code != 200:
            break
    assert "midnight UTC" in hands.is_an_error(r, 403)
    assert 5 <= codes.count(200) < 39, codes
    assert h.stop() == 0


def test_one_account_founds_no_endless_organisations(house):
    """Each is a namespace that may hold as much as any other, and a name that is gone."""
    token = hands.account(house, "founder")

    def found(i, who=token):
        return house.request("POST", f"{V1}/organizations", token=who, json={"name": f"o-{i}"})
    codes = [found(i).status_code for i in range(201)]
    assert codes == [201] * 200 + [429]
    assert "leaves another" in hands.is_an_error(found(200), 429)
    assert found("eve", house.eve).status_code == 201
    # who leaves one founds another
    for name, role in (("eve", {"role": "admin"}), ("founder", None)):
        r = house.request("PUT" if role else "DELETE",
                          f"{V1}/organizations/o-0/members/{name}", token=token, json=role)
        assert r.status_code == 200, r.text
    assert found(200).status_code == 201


# ---- links ----

def test_a_link_ends_with_the_right_that_it_was_given_for(house):
    """Who was sent away from an organisation went on filling its namespace for a day."""
    owner, guest = hands.account(house, "owner"), hands.account(house, "guest")
    house.request("POST", f"{V1}/organizations", token=owner, json={"name": "club"})
    members = f"{V1}/organizations/club/members/guest"
    house.request("PUT", members, token=owner, json={"role": "write"})
    house.api(token=owner).create_repo("club/model")
    first, second = os.urandom(5000), os.urandom(5000)
    links = [hands.actions(house, "club/model", d, token=guest)["upload"]["href"]
             for d in (first, second)]
    assert hands.put(house, links[0], first).status_code == 200
    assert house.request("DELETE", members, token=owner).status_code == 200
    assert "any more" in hands.is_an_error(hands.put(house, links[1], second), 403)


def test_links_are_not_in_the_log(house):
    """Whoever read the log could sign in, or read and answer a case in another's name."""
    r = house.request("POST", f"{V1}/signin-links", token="admin")
    link = r.json()["signin"].rsplit("/", 1)[1]
    case = "c" * 21 + "-_" + "9" * 20
    assert len(link) == len(case) == 43
    assert house.get(f"/signin/{link}", headers=PAGE).status_code == 200
    for path in (f"/cases/{case}", f"{V1}/cases/{case}"):
        assert house.get(path).status_code == 404
    end = time.monotonic() + 30
    while f"path={V1}/cases/*** status=404" not in house.log():
        assert time.monotonic() < end
        time.sleep(0.1)
    log = house.log()
    assert link not in log and case not in log
    assert "path=/signin/*** status=200" in log and "path=/cases/*** status=404" in log


# ---- the desk ----

def test_one_approver_does_not_bury_the_desk(house):
    """Statements that nobody else signs were without number: behind fifty of them nobody saw
    the one that was to be objected to."""
    subject = push(house, "eve/matter", {"m.safetensors": weights.safetensors({"w": (401, 9)})},
                   house.eve)
    wish = {"subject": subject, "hours": 1, "rules": ["house/danger"]}
    first = sign(house, house.keys_of, "ada", draft(house, "recall", **wish)).json()["id"]
    codes = [sign(house, house.keys_of, "bea", draft(house, "recall", **wish)).status_code
             for _ in range(20)]
    assert codes == [201] * 20
    r = sign(house, house.keys_of, "bea", draft(house, "recall", **wish))
    assert "wait for others" in hands.is_an_error(r, 429)
    # what waits stands before what is over, and nothing that waits is left out
    listed = house.get(f"{V1}/proposals").json()
    states = [p["state"] == "signing" for p in listed]
    assert states == sorted(states, reverse=True) and not all(states)
    assert first in [p["id"] for p in listed]
    # what one may do alone does not wait
    assert close(house, subject, "bea").status_code == 201
    quorum(house, "lift", subject)


def test_a_token_for_a_day_is_no_token_for_ever(house):
    """It made another without an end, or got one that has none a new secret, or signed in."""
    def api(method, path, token, **body):
        return house.request(method, f"{V1}/tokens{path}", token=token, json=body)
    who = hands.account(house, "lender")
    lent = api("POST", "", who, name="lent", role="write", days=1).json()
    assert lent["expires"]
    for days in (0, 30):
        made = api("POST", "", lent["token"], name="more", role="write", days=days)
        assert made.status_code == 201 and made.json()["expires"] == lent["expires"]
    r = house.request("POST", f"{V1}/keys", token=lent["token"], json={"name": "key"})
    assert r.status_code == 201 and r.json()["expires"] == lent["expires"]
    mine = {t["name"]: t for t in house.get(f"{V1}/tokens", token=who).json()}
    r = api("POST", f"/{mine['first']['id']}/rotate", lent["token"])
    assert "ends before" in hands.is_an_error(r, 403)
    assert api("POST", f"/{mine['lent']['id']}/rotate", lent["token"]).status_code == 200
    browser, r = sign_in(house, lent["token"])
    assert r.status_code == 403 and "wh_session" not in browser.cookies
    # who has more gives as much
    long = api("POST", "", who, name="long", role="write", days=30).json()
    assert sign_in(house, long["token"])[1].status_code == 303
    assert api("POST", f"/{mine['lent']['id']}/rotate", who).status_code == 200
