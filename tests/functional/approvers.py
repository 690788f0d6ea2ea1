"""Three approvers of two houses, with keys of ssh-keygen: what they draft and sign."""

import json
import subprocess

V1 = "/api/weighhouse/v1"
PEOPLE = {"ada": "north", "bea": "north", "cid": "south"}


def make_keys(folder, names):
    for i, name in enumerate(names):
        kind = ["ed25519", "ecdsa"][i % 2]
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", "256", "-N", "", "-C", "a person",
                        "-f", folder / name], check=True)


def public(keys, name):
    return " ".join((keys / f"{name}.pub").read_text().split()[:2])


def ssh_sign(keys, name, text, namespace="decision@weighhouse"):
    path = keys / f"{name}.txt"
    path.write_text(text)
    (keys / f"{name}.txt.sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", keys / name, "-n", namespace, path],
                   check=True, capture_output=True)
    return (keys / f"{name}.txt.sig").read_text()


def draft(house, act, **body):
    body.setdefault("reasons", ["for the test"])
    r = house.request("POST", f"{V1}/proposals/draft", json={"act": act, **body})
    assert r.status_code == 200, r.text
    return r.json()


def sign(house, keys, name, d, namespace="decision@weighhouse", token="", **body):
    """As nobody in particular; only the statement that founds takes an operator, too."""
    body.setdefault("confirm", d["confirm"])
    if token == "":
        token = "admin" if "\nroster 0 -\n" in d["statement"] else None
    return house.request("POST", f"{V1}/proposals", token=token, json={
        "statement": d["statement"],
        "signature": ssh_sign(keys, name, d["statement"], namespace), **body})


def signed(house, keys, names, d, **body):
    for name in names:
        r = sign(house, keys, name, d, **body)
        assert r.status_code == 201, r.text
    return r.json()["state"]


def canonical(doc):
    return json.dumps(doc, sort_keys=True, separators=(",", ":"))


def founding(keys):
    """Their roster: DEMO approvers, so that a second is enough to cool off."""
    return canonical({
        "v": 1, "type": "roster", "version": 1, "previous": None, "quorum": 2, "quorums": {},
        "cooling_off": 1,
        "approvers": [{"id": n, "affiliation": PEOPLE[n], "keys": [public(keys, n)],
                       "outside": False, "demo": True} for n in sorted(PEOPLE)]})
