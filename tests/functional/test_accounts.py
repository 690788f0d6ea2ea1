"""Organisations, members, people and tokens, by the command line."""

import json


def test_an_organisation_and_its_members(house):
    assert "founded" in house.run("org", "create", "guild", check=0).stdout
    again = house.run("org", "create", "Guild", check=1)
    assert "exists" in again.stderr
    house.run("org", "create", "models", check=2)  # the name of a page
    ann = json.loads(house.run("user", "create", "ann", "--fullname", "Ann", "--json",
                               check=0).stdout)
    assert ann["token"].startswith("hf_") and ann["signin"].startswith(house.url + "/signin/")
    api = house.api(token=ann["token"])
    assert api.whoami()["orgs"] == []
    house.run("org", "member", "guild", "ann", "write", check=0)
    assert [(o["name"], o["roleInOrg"]) for o in api.whoami()["orgs"]] == [("guild", "write")]
    api.create_repo("guild/by-ann")
    # who is no admin changes nobody's role, and can not make people
    asked = {"token": None, "env": {"WEIGHHOUSE_TOKEN": ann["token"]}}
    house.run("org", "member", "guild", "ann", "admin", check=1, **asked)
    house.run("user", "create", "ben", check=1, **asked)
    house.run("org", "create", "anns", check=0, **asked)
    house.run("org", "member", "guild", "ann", "none", check=0)
    assert [o["name"] for o in api.whoami()["orgs"]] == ["anns"]
    # somebody stays admin
    last = house.run("org", "member", "guild", "admin", "none", check=1)
    assert last.stderr
    house.run("org", "member", "guild", "nobody", "read", check=1)
    house.run("org", "member", "guild", "ann", "king", check=2)


def test_tokens(house):
    text = house.run("token", "create", "reader", "--role", "read", "--days", "2",
                     check=0).stdout.strip()
    assert house.api(token=text).whoami()["auth"]["accessToken"]["role"] == "read"
    # a token makes none that can do more, and one that only reads makes none
    asked = {"token": None, "env": {"WEIGHHOUSE_TOKEN": text}}
    for args in (("token", "create", "x", "--role", "read"), ("org", "create", "x"),
                 ("token", "revoke", "1"), ("user", "signin")):
        house.run(*args, check=1, **asked)
    writer = house.run("token", "create", "writer", check=0).stdout.strip()
    asked = {"token": None, "env": {"WEIGHHOUSE_TOKEN": writer}}
    house.run("token", "create", "x", "--role", "admin", check=1, **asked)
    house.run("user", "create", "x", check=1, **asked)
    listed = json.loads(house.run("token", "list", "--json", check=0).stdout)
    by_name = {t["name"]: t for t in listed}
    assert text not in json.dumps(listed)
    assert by_name["reader"]["expires"] and by_name["writer"]["expires"] is None
    house.run("token", "revoke", by_name["reader"]["id"], check=0)
    assert house.get("/api/whoami-v2", token=text).status_code == 401
    house.run("token", "revoke", by_name["reader"]["id"], check=1)
    house.run("token", "create", "x", "--role", "king", check=2)
    house.run("token", "create", "x", "--days", "99999999", check=2)


def test_a_sign_in_link(house):
    link = house.run("user", "signin", check=0).stdout.strip()
    assert link.startswith(house.url + "/signin/")
    assert link != house.run("user", "signin", check=0).stdout.strip()


def test_without_a_token_or_a_house(house):
    done = house.run("org", "create", "x", token=None, check=1)
    assert "WEIGHHOUSE_TOKEN is not set" in done.stderr
    house.run("org", "create", "x", env={"WEIGHHOUSE_URL": "http://127.0.0.1:1"}, check=4)
    house.run("org", "create", "x", env={"WEIGHHOUSE_URL": "ftp://x"}, check=2)
    house.run("org", "burn", check=2)
    assert "Usage:" in house.run("org", "--help", check=0).stdout


def test_openings_of_a_private_release(house):
    """A private repo's decision is only committed to; its papers open it."""
    import weights
    api = house.api()
    api.create_repo("admin/secret", private=True)
    api.upload_file(path_or_fileobj=weights.safetensors({"a": (64, 64)}),
                    path_in_repo="model.safetensors", repo_id="admin/secret")
    path = "/api/weighhouse/v1/models/admin/secret/revision/main/release"
    assert house.get(path).status_code == 401
    papers = house.get(path, token="admin").json()
    assert papers["decision"]["openings"]["subject"]
    assert papers["subject"] not in papers["decision"]["leaf"]
    url = f"{house.url}/admin/secret"
    state = house.base / "verify-state"
    assert house.run("verify", url, "--state", state, check=0).stdout.startswith("good: ")
    assert house.run("verify", url, "--state", state / "b", token=None,
                     check=3).stdout.startswith("unknown: ")
