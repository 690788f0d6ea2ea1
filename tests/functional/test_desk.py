"""The desk's pages with nothing but a form and ssh-keygen: two approvers have a model hosted,
others are told in a clear sentence why their signature does not count."""

import re
import shutil
import subprocess
import time

import pytest
import requests

import hands
from approvers import PEOPLE, founding, make_keys, ssh_sign
from conftest import ROOT, House, new_base
from person import Person

# templates from a folder: a name that a page lacks is an error then
CONFIG = ("[lines]\nenforce = limited.default, hold.unknown, demo.low.v1\n"
          "[uploads]\nsweep_seconds = 1\n"
          f"[house]\ntemplates = {ROOT}\n")
FILE = "model.gguf"


@pytest.fixture(scope="module")
def house():
    h = House(new_base(), config=CONFIG).start()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, [*PEOPLE, "eve"])
    return folder


@pytest.fixture(scope="module")
def roster(house, keys):
    """Founded through the pages too: handed in by the operator, then each a visitor."""
    doc = founding(keys)
    at = None
    for name in PEOPLE:
        p = Person(house)
        if at:
            p.get(at)
        else:
            p.get("/login")
            p.post("/login", token=house.token)
            p.draft("roster", paper=doc)
        assert p.page.status_code == 200, p.words()
        r = p.hand_in(ssh_sign(keys, name, p.statement()))
        assert r.status_code == 200, p.words()
        at = r.url[len(house.url):].split("#")[0]
    assert "Decided." in p.words()
    return doc


@pytest.fixture(scope="module")
def subject(house):
    data = hands.above_the_demo_line()
    house.api().create_repo("admin/big")
    hands.publish(house, "admin/big", {FILE: data})
    assert hands.decided(house, "admin/big")["weights"] == "held"
    return hands.release(house, "admin/big")["subject"]


def test_a_house_without_approvers_says_so(house):
    p = Person(house)
    for path in ("/approvers", "/desk"):
        text = p.get(path).text
        assert "Nobody decides here." in text and "operator of the house hands in" in text
    r = p.draft("host", "0" * 64)
    assert r.status_code == 422 and p.alert() == \
        "Not drafted: this house has no approvers: nobody may decide that."


def test_who_decides(house, keys, roster):
    p = Person(house)
    words = p.get("/approvers") and p.words()
    for name, affiliation in PEOPLE.items():
        line = subprocess.run(["ssh-keygen", "-lf", keys / f"{name}.pub"], check=True,
                              capture_output=True, text=True).stdout
        assert line.split()[1] in words, "the print is the one that ssh-keygen shows"
        assert f"{name} DEMO {affiliation}" in words
        assert f"{name} joined." in words
    assert "Quorum 2 of 2 affiliations" in words
    entry = house.get("/api/weighhouse/v1/approvers").json()["index"]
    assert f'href="/register/entry/{entry}"' in p.page.text
    assert "demo.low v1 : in force" in words and "What admin can not do" in words
    assert "Roster 1 founds the approvers: 3 keys of 2 affiliations" in \
        p.get(f"/register/entry/{entry}").text


def test_what_is_held_waits_on_the_desk(house, roster, subject):
    p = Person(house)
    p.get("/desk")
    assert "admin/big" in p.page.text and f"/desk/new?subject={subject}" in p.page.text
    assert "demo.low v1 size: seen" in p.words().replace(" :", ":")
    p.get(f"/desk/new?subject={subject}")
    assert "The weights are held." in p.words()
    assert f'href="/desk/new?subject={subject}"' in p.get("/admin/big/decision").text
    p.get(f"/desk/new?subject={subject}")
    assert f"/desk/new?act=host&amp;subject={subject}" in p.page.text
    assert "act=ratify" not in p.page.text


def test_two_approvers_have_it_hosted(house, keys, roster, subject):
    ada = Person(house)
    ada.draft("host", subject)
    text = ada.statement()
    assert "act host\n" in text and "weights=hosted" in text
    # the file is the bytes on the page, to the last one
    saved = ada.http.post(house.url + "/desk/statement.txt", timeout=60, data={
        "csrf": ada.hidden("csrf"), "statement": text.replace("\n", "\r\n")})
    assert saved.text == text and "attachment" in saved.headers["Content-Disposition"]
    assert saved.headers["Content-Type"].startswith("text/plain")
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert hands.sha256(text.encode()) in ada.page.text
    # nobody signed it, so it is nowhere
    assert ada.http.get(f"{house.url}/desk/{hands.sha256(text.encode())}",
                        timeout=60).status_code == 404
    r = ada.hand_in(ssh_sign(keys, "ada", text))
    assert r.status_code == 200 and r.history[0].status_code == 303, ada.words()
    at = r.url[len(house.url):].split("#")[0]
    assert "1 so far" in ada.words() and "ada of north" in ada.words()
    assert house.get(at + "/statement.txt").text == text

    bea = Person(house)  # of the same house: still one affiliation
    bea.get(at)
    assert bea.statement() == text
    bea.hand_in(ssh_sign(keys, "bea", text))
    assert "1 so far" in bea.words() and "bea of north" in bea.words()
    assert "host admin/big" in (bea.get("/desk") and bea.words())

    cid = Person(house)
    cid.get(at)
    cid.hand_in(ssh_sign(keys, "cid", text))
    assert "Decided. It takes no more signatures." in cid.words()
    assert "/desk/sign" not in cid.page.text
    assert hands.release(house, "admin/big")["subject"] == subject
    assert "hosted by decision of approvers" in \
        house.get("/admin/big", headers={"Accept": "text/html"}).text
    r = house.get(f"/admin/big/resolve/main/{FILE}", token="admin")
    assert r.status_code == 403
    assert "are hosted by decision of approvers: asked here, downloaded by nobody" in \
        r.headers["X-Error-Message"]
    assert "have it hosted" in house.get("/register", headers={"Accept": "text/html"}).text


def refused(person, status, *words):
    assert person.page.status_code == status, (person.page.status_code, person.words()[:600])
    said = person.alert()
    assert said.startswith("Not taken: "), person.words()[:600]
    for w in words:
        assert w in said, said
    # the form is still there, with what was handed in
    assert "BEGIN SSH SIGNATURE" in person.page.text or not person.hidden("statement")


def test_signatures_that_do_not_count(house, keys, roster, subject):
    p = Person(house)
    p.draft("open", subject)
    text = p.statement()
    typed = re.search(r"confirm (this cannot.*)\n", text).group(1)
    good = ssh_sign(keys, "ada", text)
    p.hand_in("hello", typed)
    assert p.page.status_code == 400 and "Not taken: not an SSH signature" in p.alert()
    p.hand_in("", typed)
    assert p.page.status_code == 400
    p.hand_in(good)
    refused(p, 422, "this cannot be taken back: type", typed)
    p.hand_in(good, "yes, yes")
    refused(p, 422, "this cannot be taken back")
    p.hand_in(ssh_sign(keys, "eve", text), typed)
    refused(p, 403, "the key is not on the roster")
    p.hand_in(ssh_sign(keys, "ada", text, "file"), typed)
    refused(p, 403, "decision@weighhouse")
    p.hand_in(ssh_sign(keys, "ada", text + " "), typed)
    refused(p, 403, "the signature is not over this statement")
    p.hand_in(ssh_sign(keys, "ada", text, "dissent@weighhouse"))
    refused(p, 404, "nobody has proposed")
    # nothing of all that was filed
    assert "Nobody has signed for it" in p.words()
    assert p.http.get(f"{house.url}/desk/{hands.sha256(text.encode())}",
                      timeout=60).status_code == 404


def test_signatures_that_were_good_once(house, keys, roster, subject):
    """Replayed on the same statement, on another one, and after its time."""
    p = Person(house)
    p.draft("open", subject)
    text = p.statement()
    typed = re.search(r"confirm (this cannot.*)\n", text).group(1)
    sig = ssh_sign(keys, "ada", text)
    assert p.hand_in(sig, typed).status_code == 200
    p.hand_in(sig, typed)
    refused(p, 409, "this key has signed the statement already")
    p.draft("open", subject)
    p.hand_in(sig, typed)
    refused(p, 403, "the signature is not over this statement")
    old = re.sub(r"(not-after) \S+", r"\1 2020-01-03T00:00:00Z", p.statement())
    old = re.sub(r"(made) \S+", r"\1 2020-01-01T00:00:00Z", old)
    old = re.sub(r"(not-before) \S+", r"\1 2020-01-02T00:00:00Z", old)
    p.hand_in(ssh_sign(keys, "ada", old), typed, statement=old)
    refused(p, 403, "no longer good")
    other = re.sub(r"origin \S+", "origin elsewhere.example/1", p.hidden("statement"))
    p.hand_in(ssh_sign(keys, "ada", other), typed, statement=other)
    assert p.page.status_code == 403 and "another register" in p.words()


def test_an_objection_is_kept(house, keys, roster, subject):
    p = Person(house)
    p.draft("open", subject)
    text = p.statement()
    typed = re.search(r"confirm (this cannot.*)\n", text).group(1)
    p.hand_in(ssh_sign(keys, "ada", text), typed)
    p.hand_in(ssh_sign(keys, "bea", text, "dissent@weighhouse"))
    assert "bea of north objects" in p.words()
    p.get("/desk")
    assert "bea (north)" in p.words()
    assert "An approver signed that they object" in p.get("/register").text


def sign_all(house, keys, names, path):
    """Each by a visit of their own to the page of a filed statement."""
    for name in names:
        p = Person(house)
        p.get(path)
        r = p.hand_in(ssh_sign(keys, name, p.statement()))
        assert r.status_code == 200, p.words()[:600]
    return p


def decide(house, keys, names, act, subject, **fields):
    first = Person(house)
    first.draft(act, subject, **fields)
    assert first.page.status_code == 200, first.words()[:600]
    r = first.hand_in(ssh_sign(keys, names[0], first.statement()))
    assert r.status_code == 200, first.words()[:600]
    at = r.url[len(house.url):].split("#")[0]
    last = sign_all(house, keys, names[1:], at) if names[1:] else first
    assert "Decided." in last.words(), last.words()[:600]
    return last


def test_closed_ratified_appealed_and_lifted(house, keys, roster, subject):
    """What is closed stands on the desk until somebody deals with it."""
    p = Person(house)
    p.draft("close", subject)
    assert p.page.status_code == 400, "nothing is closed without a rule"
    decide(house, keys, ["bea"], "close", subject, rules="demo.low/size")
    p.get("/desk")
    assert "admin/big is held, and lapses at" in p.section("lapsing")
    assert f"/desk/new?act=ratify&amp;subject={subject}" in p.page.text
    assert "Nothing is hosted or gated" in p.section("grants")
    p.get(f"/desk/new?subject={subject}")
    assert "act=ratify&amp;" in p.page.text and "act=answer&amp;" not in p.page.text
    decide(house, keys, ["ada", "cid"], "ratify", subject, rules="demo.low/size", days="30")
    p.get("/desk")
    assert "admin/big is held until" in p.section("holds")
    assert "Nothing was closed" in p.section("lapsing")
    held = house.get("/api/weighhouse/v1/holds").json()[0]["decision"]
    p.get("/admin/big/decision")
    assert "Sign in to object" in p.words() and 'name="text"' not in p.page.text
    assert p.post(f"/decisions/{held}/appeal", text="by nobody").url.endswith(
        "/login") or p.page.status_code in (401, 403)
    owner = Person(house)
    owner.get("/login")
    owner.post("/login", token=house.token)
    owner.get("/admin/big/decision")
    assert f'action="/decisions/{held}/appeal"' in owner.page.text
    owner.post(f"/decisions/{held}/appeal", text="nobody else may read this")
    assert owner.page.status_code == 200 and owner.page.url.endswith("/desk#appeals")
    assert "nobody else may read this" in owner.section("appeals")
    owner.get("/admin/big/decision")
    assert owner.post(f"/decisions/{held}/appeal", text="once more").status_code == 409
    p.get("/desk")
    assert "about admin/big, by" in p.section("appeals") and "nobody else" not in p.page.text
    end = time.monotonic() + 30
    while "Somebody appealed against the decision of entry" not in p.get("/register").text:
        assert time.monotonic() < end, "the appeal is not on the register"
        time.sleep(0.1)
    p.get(f"/desk/new?subject={subject}")
    assert "act=answer&amp;" in p.page.text and "act=ratify&amp;" not in p.page.text
    decide(house, keys, ["ada", "cid"], "answer", subject, reasons="it stands")
    p.get("/desk")
    assert "Nobody waits for an answer" in p.section("appeals")
    decide(house, keys, ["ada", "cid"], "lift", subject)
    p.get("/desk")
    assert "Nothing is held by people" in p.section("holds")
    assert "admin/big is hosted until" in p.section("grants"), "what was granted holds again"


def test_forms_of_strangers_do_nothing(house, keys, roster, subject):
    p = Person(house)
    p.draft("host", subject)
    text = p.statement()
    for path in ("/desk/sign", "/desk/new", "/desk/statement.txt"):
        r = requests.post(house.url + path, timeout=60, headers={"Accept": "text/html"}, data={
            "csrf": p.hidden("csrf"), "statement": text, "act": "host", "subject": subject,
            "reasons": "x", "signature": ssh_sign(keys, "cid", text)})
        assert r.status_code == 403 and "CSRF" in r.text, path
    r = p.post("/desk/statement.txt", statement="<script>alert(1)</script>")
    assert r.status_code == 400 and "<script>alert" not in r.text
    p.draft("close", subject, rules="<b>/x")
    assert p.page.status_code == 400 and "<b>/x" not in p.page.text


def test_what_can_not_be_drafted(house, roster, subject):
    p = Person(house)
    for act, fields, status, words in (
            ("host", {"reasons": " \n "}, 400, "write a reason"),
            ("host", {"reasons": "caf\u00e9"}, 400, "reason"),
            ("ratify", {"tier": "best"}, 400, "no tier"),
            ("host", {"days": "many"}, 400, "whole number"),
            ("roster", {"paper": "{}"}, 400, "roster")):
        p.draft(act, subject if act != "roster" else "", **fields)
        assert p.page.status_code == status, (act, p.words()[:400])
        assert p.alert().startswith("Not drafted: ") and words in p.alert(), p.alert()
    p.get(f"/desk/new?act=host&subject={subject}")
    assert p.post("/desk/new", act="lapse", subject=subject, reasons="x").status_code == 400
    assert "no act was chosen" in p.alert()
    assert "There is nothing to propose about it here" in \
        (p.get("/desk/new?subject=" + "0" * 64) and p.words())
    assert p.get("/desk/" + "0" * 32).status_code == 404
    assert p.get("/desk/nothing").status_code == 404
