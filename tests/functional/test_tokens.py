"""Tokens that may do one thing, that end, that get a new secret."""

import datetime
import os
import re
import subprocess

import hands
import requests

TOKENS = "/api/weighhouse/v1/tokens"


def make(house, token="admin", want=201, **body):
    r = house.request("POST", TOKENS, token=token, json={"name": "t", **body})
    assert r.status_code == want, r.text
    return r.json()["token"] if want == 201 else hands.is_an_error(r, want)


def listed(house, name, token="admin"):
    return next(t for t in house.get(TOKENS, token=token).json() if t["name"] == name)


def repo(house, name, token="admin", **kw):
    r = house.request("POST", "/api/repos/create", token=token, json={"name": name, **kw})
    assert r.status_code == 200, r.text


def status(house, path, token, method="GET", **kw):
    return house.request(method, path, token=token, **kw).status_code


def test_a_token_for_one_repo(fresh_house):
    house = fresh_house().start()
    for name in ("mine", "other"):
        repo(house, name, private=True)
    repo(house, "mine", type="dataset", private=True)
    t = make(house, role="fineGrained", scopes=[{"entity": "admin/mine", "role": "write"}])
    # what it is for, it does; and nothing beside it
    assert status(house, "/api/models/admin/mine", t) == 200
    assert hands.commit(house, "admin/mine", hands.file_op("a.txt", b"a"), token=t).ok
    assert status(house, "/admin/mine/resolve/main/a.txt", t) == 200
    assert status(house, "/api/models/admin/other", t) == 404
    assert status(house, "/api/datasets/admin/mine", t) == 404
    assert hands.commit(house, "admin/other", hands.file_op("a.txt", b"a"), token=t).status_code == 404
    assert status(house, "/api/models/admin/mine/settings", t, "PUT", json={"private": False}) == 403
    assert status(house, "/api/repos/delete", t, "DELETE", json={"name": "mine"}) in (403, 404)
    assert status(house, "/api/repos/create", t, "POST", json={"name": "third"}) == 403
    for path, method in ((TOKENS, "POST"), ("/api/weighhouse/v1/signin-links", "POST"),
                         ("/api/weighhouse/v1/users", "POST"),
                         ("/api/weighhouse/v1/organizations", "POST"),
                         ("/api/weighhouse/v1/doctor", "GET"), ("/api/weighhouse/v1/keys", "GET"),
                         (TOKENS, "GET"), (TOKENS + "/1", "DELETE"),
                         (TOKENS + "/1/rotate", "POST")):
        made = method == "POST" and path.endswith(("tokens", "users", "tions", "rotate"))
        body = {"json": {"name": "x"}} if made else {}
        assert status(house, path, t, method, **body) == 403, path
    # lists show it what everybody sees
    assert house.get("/api/models?author=admin", token=t).json() == []
    assert len(house.get("/api/models?author=admin", token="admin").json()) == 2
    # a reading one reads
    r = make(house, role="fineGrained", scopes=[{"entity": "datasets/admin/mine"}])
    assert status(house, "/api/datasets/admin/mine", r) == 200
    assert status(house, "/api/models/admin/mine", r) == 404
    assert hands.commit(house, "admin/mine", hands.file_op("b.txt", b"b"), token=r,
                        kind="dataset").status_code == 403


def test_a_token_for_a_namespace(fresh_house):
    house = fresh_house().start()
    ann = hands.account(house, "ann")
    house.request("POST", "/api/weighhouse/v1/organizations", token=ann, json={"name": "lab"})
    repo(house, "x", token=ann, organization="lab", private=True)
    repo(house, "x", token=ann, private=True)
    t = make(house, token=ann, role="fineGrained", scopes=[{"entity": "lab", "role": "write"}])
    assert status(house, "/api/models/lab/x", t) == 200
    assert status(house, "/api/models/ann/x", t) == 404
    repo(house, "y", token=t, organization="lab")
    assert status(house, "/api/repos/create", t, "POST", json={"name": "z"}) == 403
    # who leaves the organisation takes the token's right along
    bob = hands.account(house, "bob")
    member = "/api/weighhouse/v1/organizations/lab/members/"
    house.request("PUT", member + "bob", token=ann, json={"role": "admin"})
    assert house.request("DELETE", member + "ann", token=bob).status_code == 200
    assert status(house, "/api/models/lab/x", t) == 404


def test_who_may_give_what(fresh_house):
    house = fresh_house().start()
    repo(house, "secret", private=True)
    repo(house, "open")
    ann = hands.account(house, "ann")
    # what is not one's own can not be given, and a private repo is not told from none
    words = {make(house, token=ann, want=403, role="fineGrained",
                  scopes=[{"entity": e, "role": "read"}]).replace(e, "")
             for e in ("admin/secret", "admin/nothing", "admin", "nobody", "admin/open")}
    assert len(words) == 1, words
    make(house, token=ann, want=403, role="fineGrained", metrics=True)
    make(house, token=ann, want=403, role="admin")
    for body in ({"role": "fineGrained"}, {"role": "read", "scopes": [{"entity": "ann"}]},
                 {"role": "fineGrained", "scopes": [{"entity": "ann", "role": "admin"}]},
                 {"role": "fineGrained", "scopes": [{}]}, {"role": "root"}, {"days": -1},
                 {"days": 4000}, {"role": "read", "metrics": True}):
        if body.get("metrics"):
            make(house, want=400, **body)
        else:
            make(house, token=ann, want=400, **body)
    make(house, token=ann, want=413, role="fineGrained", scopes=[{"entity": "ann"}] * 33)


def test_metrics_scope(fresh_house):
    house = fresh_house().start()
    t = make(house, role="fineGrained", metrics=True)
    far = {"X-Forwarded-For": "192.0.2.1"}
    assert house.get("/metrics", token=t, headers=far).status_code == 200
    repo(house, "p", private=True)
    assert status(house, "/api/models/admin/p", t) == 404
    other = make(house, role="fineGrained", scopes=[{"entity": "admin", "role": "read"}])
    assert house.get("/metrics", token=other, headers=far).status_code == 403


def test_what_the_client_hears(fresh_house):
    house = fresh_house().start()
    repo(house, "m")
    t = make(house, role="fineGrained", days=30, scopes=[{"entity": "admin/m", "role": "write"},
                                                         {"entity": "admin"}])
    me = house.api(token=t).whoami()
    assert me["name"] == "admin"
    token = me["auth"]["accessToken"]
    assert token["role"] == "fineGrained" and "expiresAt" in me["auth"]
    assert token["fineGrained"] == {"global": [], "scoped": [
        {"entity": {"type": "model", "name": "admin/m"},
         "permissions": ["repo.content.read", "repo.write"]},
        {"entity": {"type": "user", "name": "admin"}, "permissions": ["repo.content.read"]}]}
    house.api(token=t).upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="admin/m")
    # a scope ends with its repo
    house.request("DELETE", "/api/repos/delete", token="admin", json={"name": "m"})
    assert len(house.api(token=t).whoami()["auth"]["accessToken"]["fineGrained"]["scoped"]) == 1


def test_rotation(fresh_house):
    house = fresh_house().start()
    ann = hands.account(house, "ann")
    old = make(house, token=ann, name="ci")
    number = listed(house, "ci", ann)["id"]
    r = house.request("POST", f"{TOKENS}/{number}/rotate", token=ann, json={"grace_hours": 1})
    assert r.status_code == 200, r.text
    new = r.json()["token"]
    until = datetime.datetime.fromisoformat(r.json()["old_until"].replace("Z", "+00:00"))
    left = until - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=50) < left <= datetime.timedelta(hours=1)
    # both work, they are one token
    assert [house.api(token=t).whoami()["name"] for t in (old, new)] == ["ann", "ann"]
    assert listed(house, "ci", ann)["old_until"] == r.json()["old_until"]
    # a second rotation ends the first secret; without grace also the second
    r = house.request("POST", f"{TOKENS}/{number}/rotate", token=ann, json={"grace_hours": 0})
    newest = r.json()["token"]
    assert r.json()["old_until"] is None and len({old, new, newest}) == 3
    assert [status(house, "/api/whoami-v2", t) for t in (old, new, newest)] == [401, 401, 200]
    # nobody gets the secret of what is stronger than their own, or of somebody else
    weak = make(house, role="write", name="weak")
    strong = next(t["id"] for t in house.get(TOKENS, token="admin").json() if t["role"] == "admin")
    assert status(house, f"{TOKENS}/{strong}/rotate", weak, "POST", json={}) == 403
    assert status(house, f"{TOKENS}/{strong}/rotate", ann, "POST", json={}) == 404
    for hours in (-1, 721, "x"):
        assert status(house, f"{TOKENS}/{number}/rotate", ann, "POST",
                      json={"grace_hours": hours}) == 400
    assert status(house, f"{TOKENS}/x/rotate", ann, "POST", json={}) == 404
    # secrets are kept as digests only
    files = b"".join(p.read_bytes() for p in house.data.glob("house.db*"))
    assert not any(t.encode() in files for t in (old, new, newest))


def test_last_used_day(fresh_house):
    import time
    house = fresh_house().start()
    t = make(house, name="seldom", role="read")
    assert listed(house, "seldom")["last_used"] is None
    assert status(house, "/api/whoami-v2", t) == 200
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    end = time.monotonic() + 30
    while listed(house, "seldom")["last_used"] is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    # unless midnight has just passed
    assert listed(house, "seldom")["last_used"] <= today


def test_on_the_command_line(fresh_house):
    house = fresh_house().start()
    repo(house, "m", private=True)
    env = {**os.environ, "WEIGHHOUSE_URL": house.url, "WEIGHHOUSE_TOKEN": house.token}

    def run(*args, code=0):
        r = subprocess.run([str(house.binary), "token", *args], env=env, capture_output=True,
                           text=True, timeout=60, check=False)
        assert r.returncode == code, r.stderr
        return r.stdout

    t = run("create", "narrow", "--for", "admin/m", "--role", "write").strip()
    assert status(house, "/api/models/admin/m", t) == 200
    line = next(x for x in run("list").splitlines() if "narrow" in x)
    number = re.match(r" *(\d+)  fineGrained", line).group(1)
    u = run("rotate", number, "--grace", "0").strip()
    assert [status(house, "/api/models/admin/m", x) for x in (t, u)] == [401, 200]
    m = run("create", "scrape", "--metrics", "yes").strip()
    assert house.get("/metrics", token=m, headers={"Via": "x"}).status_code == 200
    run("rotate", number, "--grace", "many", code=2)
    run("rotate", code=2)
    run("rotate", "999", code=1)


def test_on_the_page(fresh_house):
    house = fresh_house().start()
    repo(house, "m", private=True)
    s = requests.Session()
    link = house.request("POST", "/api/weighhouse/v1/signin-links", token="admin").json()["signin"]
    html = {"Accept": "text/html"}
    page = s.get(link, headers=html, timeout=60).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    s.post(house.url + "/login/link", data={**fields, "csrf": csrf}, headers=html, timeout=60)
    page = s.get(house.url + "/settings/tokens", headers=html, timeout=60).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)

    def post(path, **data):
        return s.post(house.url + path, data={"csrf": csrf, **data}, headers=html, timeout=60)

    page = post("/settings/tokens", name="narrow", role="write", entity="admin/m", days="30").text
    t = re.search(r"<pre[^>]*>(hf_\w{40})</pre>", page).group(1)
    assert "write admin/m" in page and status(house, "/api/models/admin/m", t) == 200
    number = listed(house, "narrow")["id"]
    page = post(f"/settings/tokens/{number}/rotate").text
    u = re.search(r"<pre[^>]*>(hf_\w{40})</pre>", page).group(1)
    assert u != t and "old secret until" in page
    assert [status(house, "/api/models/admin/m", x) for x in (t, u)] == [200, 200]
    assert post("/settings/tokens", name="x", role="read", entity="nobody/x").status_code == 400
    assert post("/settings/tokens", name="x", role="read", days="x").status_code == 400
    r = s.post(house.url + f"/settings/tokens/{number}/rotate", data={"csrf": "x"}, headers=html,
               timeout=60)
    assert r.status_code == 403
