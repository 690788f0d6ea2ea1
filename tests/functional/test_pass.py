"""What is written to approvers is read by approvers: a pass for a signature of ssh-keygen, and
for nothing else."""

import html
import json
import re
import shutil
import time

import pytest

import hands
from approvers import PEOPLE, V1, canonical, draft, founding, make_keys, signed, ssh_sign
from conftest import ROOT, House, new_base
from person import Person

CONFIG = ("[lines]\nenforce = limited.default, hold.unknown, demo.low.v1\n"
          f"[house]\ntemplates = {ROOT}\n")
NS = "desk@weighhouse"
TEXT = "for the approvers' eyes\nonly <b>theirs</b>"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, [*PEOPLE, "eve"])
    return folder


@pytest.fixture(scope="module")
def house(keys):
    """With approvers, and an appeal that waits for them."""
    h = House(new_base(), config=CONFIG).start()
    d = draft(h, "roster", paper=founding(keys))
    assert signed(h, keys, PEOPLE, d, roster=founding(keys)) == "done"
    h.api().create_repo("admin/big")
    hands.publish(h, "admin/big", {"model.gguf": hands.above_the_demo_line()})
    decision = hands.release(h, "admin/big")["decision"]["id"]
    r = h.request("POST", f"{V1}/appeals", token="admin",
                  json={"decision": decision, "text": TEXT})
    assert r.status_code == 201, r.text
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


def hand_in(house, keys, name, namespace=NS, **change):
    asked = house.get(f"{V1}/desk/pass").json()
    assert asked["namespace"] == NS
    text = change.get("text", asked["text"])
    return house.request("POST", f"{V1}/desk/pass", token=change.get("token"), json={
        "until": change.get("until", asked["until"]),
        "signature": ssh_sign(keys, name, text, namespace)})


def texts(house, value=None, token=None):
    r = house.get(f"{V1}/appeals", token=token,
                  headers={"X-Weighhouse-Desk": value} if value else {})
    assert r.status_code == 200, r.text
    return [a["text"] for a in r.json()]


def test_approvers_read_and_others_do_not(house, keys):
    assert texts(house) == [None]
    r = hand_in(house, keys, "cid")
    assert r.status_code == 201, r.text
    assert r.json()["approver"] == "cid" and r.json()["header"] == "X-Weighhouse-Desk"
    assert texts(house, r.json()["pass"]) == [TEXT]
    assert texts(house) == [None]
    assert texts(house, token="admin") == [TEXT], "it is theirs"


def test_what_is_no_pass(house, keys):
    good = hand_in(house, keys, "ada").json()["pass"]
    key, until, mac = good.split(".")
    for wrong in ("x", f"{key}.{until}.", f"{key}.{int(until) + 1}.{mac}",
                  f"{'0' * 64}.{until}.{mac}", f"{key}.{until}.{mac[:-1]}", f"{key}..{mac}",
                  f"{key}.{2 ** 63}.{mac}", good + "A"):
        r = house.get(f"{V1}/appeals", headers={"X-Weighhouse-Desk": wrong})
        assert r.status_code == 403 and len(r.json()["error"]) > 10, (wrong, r.text)


def test_what_gives_no_pass(house, keys):
    asked = house.get(f"{V1}/desk/pass").json()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    late = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 100_000))
    past = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))

    def ending(t):
        return re.sub(r"until .*", f"until {t}", asked["text"])

    for status, name, change in [
            (403, "eve", {}),                                   # no approver's key
            (403, "eve", {"token": "admin"}),                   # nor does the operator's help
            (403, "ada", {"namespace": "decision@weighhouse"}),
            (403, "ada", {"namespace": "dissent@weighhouse"}),
            (403, "ada", {"text": asked["text"] + "\n"}),
            (403, "ada", {"text": asked["text"].replace("house ", "house another-")}),
            (403, "ada", {"until": soon}),                      # another end than was signed
            (400, "ada", {"until": late, "text": ending(late)}),
            (400, "ada", {"until": past, "text": ending(past)}),
            (400, "ada", {"until": "tomorrow"})]:
        r = hand_in(house, keys, name, **change)
        assert r.status_code == status and len(r.json()["error"]) > 10, (name, change, r.text)
    # a shorter one than was offered is fine
    assert hand_in(house, keys, "ada", until=soon, text=ending(soon)).status_code == 201
    for signature in ("", "x", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"):
        r = house.request("POST", f"{V1}/desk/pass", token=None,
                          json={"until": asked["until"], "signature": signature})
        assert r.status_code in (400, 403), r.text
    # and a signature under a decision is none for a pass
    d = draft(house, "lift", subject=hands.release(house, "admin/big")["subject"])
    r = house.request("POST", f"{V1}/desk/pass", token=None, json={
        "until": asked["until"], "signature": ssh_sign(keys, "ada", d["statement"])})
    assert r.status_code == 403


def hand_in_on_page(p, keys, name):
    shown = re.search(r'<pre id="text"[^>]*>(.*?)</pre>', p.page.text, re.S).group(1)
    return p.post("/desk/pass", until=p.hidden("until"),
                  signature=ssh_sign(keys, name, html.unescape(shown), NS))


def test_on_the_pages(house, keys):
    p = Person(house)
    p.get("/desk")
    assert "Their texts are for approvers" in p.section("appeals")
    p.get("/desk/pass")
    r = hand_in_on_page(p, keys, "eve")
    assert r.status_code == 403 and p.alert() == \
        "Not taken: this key is not on the roster in force."
    r = hand_in_on_page(p, keys, "bea")
    assert r.status_code == 200 and r.url.endswith("/desk#appeals"), p.words()
    written = re.search(r'class="as-written">(.*?)</p>', p.page.text, re.S).group(1)
    assert "<" not in written and html.unescape(written) == TEXT
    assert "You read their texts as bea" in p.section("appeals")
    assert "You read as bea" in p.get("/desk/pass").text
    # the cookie of a page opens nothing to a program that some site wrote
    r = p.http.get(house.url + f"{V1}/appeals", headers={"Accept": "application/json"})
    assert [a["text"] for a in r.json()] == [None]
    assert p.post("/desk/pass/end").url.endswith("/desk")
    assert "Their texts are for approvers" in p.section("appeals")
    # an old cookie is none, and no error
    p.http.cookies.set("wh_desk", "0.0.0")
    assert p.get("/desk").status_code == 200
    assert "Their texts are for approvers" in p.section("appeals")


def test_forms_of_strangers(house, keys):
    asked = house.get(f"{V1}/desk/pass").json()
    for path in ("/desk/pass", "/desk/pass/end"):
        r = house.request("POST", path, token=None, headers={"Accept": "text/html"}, data={
            "csrf": "0" * 32, "until": asked["until"],
            "signature": ssh_sign(keys, "ada", asked["text"], NS)})
        assert r.status_code == 403 and "set-cookie" not in r.headers, path


def without(now, name):
    """The roster that follows: everybody but one."""
    doc = json.loads(now["roster"])
    doc["version"], doc["previous"] = 2, now["digest"]
    doc["approvers"] = [a for a in doc["approvers"] if a["id"] != name]
    return canonical(doc)


def test_a_pass_ends_with_the_key(house, keys):
    """Last: the roster changes."""
    value = hand_in(house, keys, "bea").json()["pass"]
    assert texts(house, value) == [TEXT]
    paper = without(house.get(f"{V1}/approvers").json(), "bea")
    d = draft(house, "roster", paper=paper)
    assert signed(house, keys, ["ada", "cid"], d, roster=paper) == "done"
    end = time.monotonic() + 60
    while house.get(f"{V1}/approvers").json()["version"] != 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    r = house.get(f"{V1}/appeals", headers={"X-Weighhouse-Desk": value})
    assert r.status_code == 403 and "no longer on the roster" in r.json()["error"]
    assert texts(house, hand_in(house, keys, "ada").json()["pass"]) == [TEXT]
