"""Repositories as huggingface_hub makes, lists, finds and removes them."""

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (BadRequestError, EntryNotFoundError, HfHubHTTPError,
                                    RepositoryNotFoundError, RevisionNotFoundError)


def test_whoami_says_who_and_how(house):
    me = house.api().whoami()
    assert me["name"] == "admin" and me["type"] == "user"
    assert me["auth"]["accessToken"]["role"] == "write"
    assert isinstance(me["orgs"], list)


def test_a_wrong_token_is_told_so(house):
    with pytest.raises(HfHubHTTPError) as caught:
        house.api(token="hf_" + "x" * 40).whoami()
    assert caught.value.response.status_code == 401
    r = house.get("/api/models", token="hf_" + "x" * 40)
    assert r.status_code == 401
    assert r.headers["X-Error-Message"] == "Invalid credentials in Authorization header"


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_create_info_delete(house, kind):
    api = house.api()
    extra = {"space_sdk": "static"} if kind == "space" else {}
    url = api.create_repo(f"admin/life-{kind}", repo_type=kind, **extra)
    assert url.repo_id == f"admin/life-{kind}" and url.repo_type == kind
    again = api.create_repo(f"admin/life-{kind}", repo_type=kind, exist_ok=True, **extra)
    assert again.repo_id == url.repo_id
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_repo(f"admin/life-{kind}", repo_type=kind, **extra)
    assert caught.value.response.status_code == 409
    info = api.repo_info(f"admin/life-{kind}", repo_type=kind)
    assert info.id == f"admin/life-{kind}" and len(info.sha) == 40
    assert [s.rfilename for s in info.siblings] == [".gitattributes"]
    api.delete_repo(f"admin/life-{kind}", repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info(f"admin/life-{kind}", repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(f"admin/life-{kind}", repo_type=kind)
    api.delete_repo(f"admin/life-{kind}", repo_type=kind, missing_ok=True)


@pytest.mark.parametrize("name", ["a..b", "-a", "a-", "a.git", "x" * 97, "a b", "a/b/c", "ü",
                                  "a--b", ".hidden"])
def test_bad_names_are_refused(house, name):
    r = house.request("POST", "/api/repos/create", token="admin",
                      json={"name": name, "organization": "admin"})
    assert r.status_code == 400, r.text
    assert r.json()["error"]


def test_names_of_pages_are_no_accounts(house):
    r = house.request("POST", "/api/repos/create", token="admin",
                      json={"name": "x", "organization": "datasets"})
    assert r.status_code in (400, 403, 404)


def test_list_search_and_filters(house):
    api = house.api()
    for name, tags in [("zebra-small", ["alpha", "beta"]), ("zebra-large", ["alpha"]),
                       ("horse", ["beta"])]:
        api.create_repo(f"admin/{name}")
        card = "---\ntags:\n" + "".join(f"- {t}\n" for t in tags) + "license: mit\n---\n# x\n"
        api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md",
                        repo_id=f"admin/{name}")
    def ids(**kw):
        return sorted(m.id for m in api.list_models(**kw))
    assert ids(search="zebra") == ["admin/zebra-large", "admin/zebra-small"]
    assert ids(search="ZEBRA sm".split()[1]) == ["admin/zebra-small"]
    assert ids(author="admin", filter="beta", search="zebra") == ["admin/zebra-small"]
    assert ids(filter=["alpha", "beta"]) == ["admin/zebra-small"]
    assert ids(filter="license:mit", search="horse") == ["admin/horse"]
    assert ids(author="nobody") == []
    assert len(list(api.list_models(search="zebra", limit=1))) == 1


def test_pages_link_to_each_other(house):
    api = house.api()
    for i in range(5):
        api.create_repo(f"admin/paged-{i}")
    seen, url = [], "/api/models?search=paged-&limit=2&sort=createdAt"
    for _ in range(10):
        r = house.get(url)
        seen += [m["id"] for m in r.json()]
        if "next" not in r.links:
            break
        assert r.links["next"]["url"].startswith(house.url + "/")
        url = r.links["next"]["url"][len(house.url):]
    assert seen == [f"admin/paged-{i}" for i in (4, 3, 2, 1, 0)]


def test_private_repos_do_not_exist_for_others(house):
    api = house.api()
    api.create_repo("admin/secret", private=True)
    anonymous = HfApi(endpoint=house.url, token=False)
    with pytest.raises(RepositoryNotFoundError):
        anonymous.repo_info("admin/secret")
    assert house.get("/api/models/admin/secret").status_code == 401
    assert house.get("/api/models/admin/never-was").status_code == 401
    assert "admin/secret" not in [m.id for m in anonymous.list_models()]
    assert "admin/secret" in [m.id for m in api.list_models(author="admin")]


def test_errors_name_what_is_missing(house):
    api = house.api()
    api.create_repo("admin/errors")
    with pytest.raises(RevisionNotFoundError):
        api.repo_info("admin/errors", revision="nope")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("admin/errors", "nope.txt")
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download("admin/errors", "nope.txt", revision="nope")
    with pytest.raises(RepositoryNotFoundError):
        api.hf_hub_download("admin/never-was", "nope.txt")
    with pytest.raises((EntryNotFoundError, HfHubHTTPError)):
        api.delete_file("nope.txt", "admin/errors")
    with pytest.raises((BadRequestError, ValueError)):
        api.upload_file(path_or_fileobj=b"---\na: [\n---\n", path_in_repo="README.md",
                        repo_id="admin/errors")


def test_branches_and_tags(house):
    api = house.api()
    api.create_repo("admin/branches")
    api.create_branch("admin/branches", branch="dev")
    with pytest.raises(HfHubHTTPError):
        api.create_branch("admin/branches", branch="dev")
    api.upload_file(path_or_fileobj=b"x", path_in_repo="only-dev.txt", repo_id="admin/branches",
                    revision="dev")
    api.create_tag("admin/branches", tag="v1", revision="dev")
    refs = api.list_repo_refs("admin/branches")
    assert sorted(b.name for b in refs.branches) == ["dev", "main"]
    assert [t.name for t in refs.tags] == ["v1"]
    assert "only-dev.txt" in api.list_repo_files("admin/branches", revision="v1")
    assert "only-dev.txt" not in api.list_repo_files("admin/branches")
    api.delete_tag("admin/branches", tag="v1")
    api.delete_branch("admin/branches", branch="dev")
    assert [b.name for b in api.list_repo_refs("admin/branches").branches] == ["main"]


def test_members_of_an_organisation_write_there(house):
    assert house.run("org", "create", "lab").returncode == 0
    house.api().create_repo("lab/model")
    assert house.api().repo_info("lab/model").author == "lab"
    assert "lab" in [o["name"] for o in house.api().whoami()["orgs"]]
