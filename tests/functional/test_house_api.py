"""What the house says in public, as JSON: complete enough to be checked."""

import base64
import hashlib
import json

import pytest

import weights

API = "/api/weighhouse/v1"


def canonical(v):
    return json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def models(house):
    """One in the open and one private, both decided."""
    api = house.api()
    for name, private in (("admin/shown", False), ("admin/cellar", True)):
        api.create_repo(name, private=private)
        api.upload_file(path_or_fileobj=weights.safetensors({"w": (64, 64)}),
                        path_in_repo="model.safetensors", repo_id=name)
    return {name: house.get(f"{API}/models/admin/{name}/revision/main/release",
                            token="admin").json()["decision"]
            for name in ("shown", "cellar")}


def test_a_line_has_the_digest_of_its_document(house):
    lines = house.get(f"{API}/lines").json()
    assert {"limited.default", "hold.unknown", "demo.low", "small.fast-track"} <= \
        {line["name"] for line in lines}
    assert all([line["enforced"], line["shadow"], line["shipped"]].count(True) == 1
               for line in lines)
    for line in lines:
        one = house.get(f"{API}/lines/{line['name']}/{line['version']}").json()
        assert sha256(canonical(one["document"])) == line["digest"]
    assert house.get(f"{API}/lines/none").status_code == 404
    assert house.get(f"{API}/lines/demo.low/99").status_code == 404
    assert house.get(f"{API}/lines/demo.low/x").status_code == 404


def test_a_weighing_is_the_one_on_the_register(house, models):
    w = house.get(f"{API}/models/admin/shown/revision/main/weighing").json()
    assert w["weighing"]["verifiable"] is True
    (file,) = w["weighing"]["files"]
    assert file["path"] == "model.safetensors" and file["parameters"] == "4096"
    assert file["dtypes"] == [{"name": "F32", "count": "4096"}]
    assert w["evidence"]["evidence"]["size.params_total"]["hi"] == "4096"
    entries = house.get(f"{API}/register/entries?limit=500").json()
    (leaf,) = [e["leaf"] for e in entries if e["type"] == "weighing"
               and e["leaf"].get("subject") == ["sha256:" + w["subject"]]]
    assert leaf["result"] == "sha256:" + sha256(canonical(w["document"]))


def test_evidence_is_given_as_it_was_hashed(house, models):
    d = house.get(f"{API}/decisions/{models['shown']['id']}").json()
    raw = house.get(f"{API}/decisions/{models['shown']['id']}/evidence").content
    assert sha256(raw) == d["document"]["evidence"]
    assert d["index"] == models["shown"]["index"] and d["leaf"] == models["shown"]["leaf"]
    assert house.get(f"{API}/decisions/{'0' * 32}").status_code == 404
    assert house.get(f"{API}/decisions/x").status_code == 404


def test_a_private_decision_is_for_those_who_may_read_the_repo(house, models):
    path = f"{API}/decisions/{models['cellar']['id']}"
    for p in (path, path + "/evidence", f"{API}/models/admin/cellar/revision/main/weighing"):
        assert house.get(p).status_code in (401, 404), p
        assert house.get(p, token="admin").status_code == 200, p
    html = {"Accept": "text/html"}
    for p in ("/admin/cellar", "/admin/cellar/decision", "/admin/cellar/weighing",
              "/admin/cellar/tree/main", "/admin/cellar/blob/main/model.safetensors",
              f"/decisions/{models['cellar']['id']}",
              models["cellar"]["document"]["appeal"]):
        r = house.get(p, headers=html)
        assert r.status_code == 404 and "admin/cellar" not in r.text, p
        r = house.get(p, token="admin", headers=html)
        assert r.status_code in (200, 303), p
    for p in ("/", "/models", "/search?q=cellar", "/admin"):
        assert "admin/cellar" not in house.get(p, headers=html).text, p
        assert "admin/cellar" in house.get(p, token="admin", headers=html).text, p
    # the entry in the register leads nobody to it either
    entry = f"/register/entry/{models['cellar']['index']}"
    assert "cellar" not in house.get(entry, headers=html).text


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def root_of(index, size, node, proof):
    """RFC 9162, 2.1.3.2."""
    fn, sn = index, size - 1
    for p in proof:
        assert sn > 0
        if fn & 1 or fn == sn:
            node = hashlib.sha256(b"\1" + p + node).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = hashlib.sha256(b"\1" + node + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return node


def test_every_entry_comes_with_its_proof(house, models):
    state = house.get(f"{API}/register").json()
    entries = house.get(f"{API}/register/entries?limit=500").json()
    assert [e["index"] for e in entries] == list(range(state["size"] - 1, -1, -1))
    for e in entries:
        one = house.get(f"{API}/register/entries/{e['index']}").json()
        data = base64.b64decode(one["leaf_base64"])
        assert json.loads(data) == one["leaf"] == e["leaf"]
        node = leaf_hash(data)
        assert base64.b64encode(node).decode() == one["leaf_hash"]
        proof = [base64.b64decode(h) for h in one["proof"]]
        root = base64.b64encode(root_of(e["index"], one["size"], node, proof)).decode()
        assert root == one["root"] == one["checkpoint"].split("\n")[2]
        assert e["says"].endswith(".")
    assert len(house.get(f"{API}/register/entries?limit=2&before=4").json()) == 2
    assert house.get(f"{API}/register/entries/{state['size']}").status_code == 404
    assert house.get(f"{API}/register/entries/-1").status_code == 404


@pytest.mark.parametrize("path", [
    "/models?cursor=zzz", "/register?before=x", "/register?before=99999999999999999999",
    "/register/entry/x", "/register/entry/18446744073709551616", "/lines/a%00b", "/lines/%ff",
    "/admin/shown/blob/main/%2e%2e/x", "/admin/shown/tree/main/none", "/admin/shown/commits/main"
    "?skip=4294967295", "/search?q=%ff", "/decisions/%20", "/signin/x", "/models?filter=" + "x" * 3000,
    "/models?search=" + "a+" * 500, "/assets/x", "/login?next=%00"])
def test_malformed_addresses_get_a_page(house, models, path):
    r = house.get(path, headers={"Accept": "text/html"})
    assert r.status_code < 500 and "</html>" in r.text
