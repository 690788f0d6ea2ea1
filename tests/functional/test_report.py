"""Anybody reports a danger; a person answers it; the counts are public; and only what a person
calls an incident ever becomes evidence."""

import re
import shutil
import time

import pytest
import requests

import weights
from conftest import House, new_base
from hands import account, decided, publish, release

V1 = "/api/weighhouse/v1"


@pytest.fixture(scope="module")
def house():
    h = House(new_base(), config="[reports]\nper_hour = 40\n").start()
    yield h
    assert h.stop() == 0, h.log()[-4000:]
    shutil.rmtree(h.base, ignore_errors=True)


@pytest.fixture(scope="module")
def model(house):
    house.api().create_repo("admin/m")
    publish(house, "admin/m", {"model.safetensors": weights.safetensors({"w": (8, 8)})})
    assert decided(house, "admin/m")["weights"] == "open"
    return "admin/m"


@pytest.fixture(scope="module")
def reviewer(house):
    token = account(house, "rita")
    r = house.request("PUT", f"{V1}/reviewers/rita", token="admin", json={})
    assert r.status_code in (200, 201, 204), r.text
    return token


def report(house, repo, kind="harm", text="look here", token=None):
    return house.request("POST", f"{V1}/models/{repo}/reports", token=token,
                         json={"kind": kind, "text": text})


def figures(house):
    return house.get(f"{V1}/reports").json()["figures"]


def test_from_the_form_without_signing_in(house, model):
    s = requests.Session()
    page = s.get(f"{house.url}/{model}/report").text
    assert "No name and no address is kept" in page and "<script" not in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    before = figures(house)
    # another site's form, and an empty one
    assert requests.post(f"{house.url}/{model}/report", data={
        "csrf": csrf, "kind": "harm", "text": "x"}).status_code == 403
    r = s.post(f"{house.url}/{model}/report", data={"csrf": csrf, "kind": "harm", "text": " "})
    assert r.status_code == 400 and "says what it is about" in r.text
    assert figures(house) == before
    r = s.post(f"{house.url}/{model}/report", data={
        "csrf": csrf, "kind": "guardrail", "text": "<b>it</b> says everything"})
    assert r.status_code == 201, r.text
    link = re.search(r'href="(/reports/[0-9a-f]{32}\?receipt=[0-9a-f]{32})"', r.text).group(1)
    mine = s.get(house.url + link)
    assert mine.status_code == 200 and "not answered yet" in mine.text
    assert "&lt;b&gt;it&lt;/b&gt;" in mine.text
    assert s.get(house.url + link.split("?")[0]).status_code == 404, "only with the receipt"
    after = figures(house)
    assert after["received"] == before["received"] + 1 and after["waiting"] >= 1
    assert "Report a danger" in house.get(f"/{model}").text


def test_a_person_answers(house, model, reviewer):
    r = report(house, model, "theft", "these are ours")
    assert r.status_code == 201
    made = r.json()
    path = f"{V1}/reports/{made['id']}"
    mine = f"{path}?receipt={made['receipt']}"
    assert house.get(mine).json()["state"] == "received"
    assert house.get(path).status_code == 404
    answer = {"outcome": "unfounded", "reasons": "the digests are not those you name"}
    assert house.request("POST", f"{path}/answer", json=answer).status_code == 401
    # an operator is no reviewer, and neither is anybody else
    assert house.request("POST", f"{path}/answer", token="admin", json=answer).status_code == 403
    assert house.get(f"{V1}/reports", token="admin").json()["desk"] is None
    desk = house.get(f"{V1}/reports", token=reviewer).json()["desk"]
    assert made["id"] in [d["id"] for d in desk]
    assert "these are ours" in [d["text"] for d in desk]
    r = house.request("POST", f"{path}/answer", token=reviewer, json=answer)
    assert r.status_code == 200, r.text
    assert house.request("POST", f"{path}/answer", token=reviewer, json=answer).status_code == 409
    got = house.get(mine).json()
    assert got["state"] == "answered" and got["answer"] == answer["reasons"]
    f = figures(house)
    assert f["in_time"] >= 1 and f["median_seconds"] is not None
    page = house.get("/reports").text
    assert "Median time to an answer" in page and "these are ours" not in page


def test_nothing_follows_by_itself(house, model, reviewer):
    made = report(house, model, "harm", "it was used").json()
    before = release(house, model)["decision"]["id"]
    r = house.request("POST", f"{V1}/reports/{made['id']}/answer", token=reviewer,
                      json={"outcome": "incident", "reasons": "it was seen"})
    assert r.status_code == 200, r.text
    # nothing happens by itself
    assert release(house, model)["decision"]["id"] == before
    assert decided(house, model)["weights"] == "open"
    assert figures(house)["incidents_open"] == 1
    r = house.request("POST", f"{V1}/reports/{made['id']}/answer", token=reviewer,
                      json={"outcome": "closed", "reasons": "it is over"})
    assert r.status_code == 200, r.text
    assert figures(house)["incidents_open"] == 0


def test_what_was_an_incident_is_not_opened(house, reviewer):
    """Reported while it is private, it is decided with the incident when it is made public."""
    house.api().create_repo("admin/later", private=True)
    publish(house, "admin/later", {"model.safetensors": weights.safetensors({"v": (16, 8)})})
    assert decided(house, "admin/later")["weights"] == "open"
    made = report(house, "admin/later", "security", token="admin").json()
    house.request("POST", f"{V1}/reports/{made['id']}/answer", token=reviewer,
                  json={"outcome": "incident", "reasons": "it attacks"})
    house.api().update_repo_settings("admin/later", private=False)
    end = time.monotonic() + 30
    while True:
        d = release(house, "admin/later")["decision"]
        if d and d["openings"] is None:
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    said = house.get(f"{V1}/decisions/{d['id']}/evidence").json()["evidence"]["incident.open"]
    assert said["lo"] == said["hi"] == "1"
    assert d["document"]["answer"] != "below", d["document"]
    assert any("incident" in r["rule"] for r in d["document"]["reasons"]), d["document"]["reasons"]


def test_a_private_copy_of_what_is_open(house, model):
    """What was decided in the open holds for a private repo with the same subject too."""
    house.api().create_repo("admin/private", private=True)
    data = house.get(f"/{model}/resolve/main/model.safetensors").content
    publish(house, "admin/private", {"model.safetensors": data})
    assert decided(house, "admin/private")["weights"] == "open"
    assert release(house, "admin/private")["subject"] == release(house, model)["subject"]


def test_private_repos_are_not_told(house):
    house.api().create_repo("admin/hidden", private=True)
    assert report(house, "admin/hidden").status_code in (401, 404)
    assert report(house, "admin/hidden", token="admin").status_code == 201


def test_an_address_reports_so_often(fresh_house):
    house = fresh_house("[reports]\nper_hour = 3\n").start()
    house.api().create_repo("admin/m")
    codes = [report(house, "admin/m").status_code for _ in range(5)]
    assert codes == [201, 201, 201, 429, 429]
    assert "no address" not in house.log()
