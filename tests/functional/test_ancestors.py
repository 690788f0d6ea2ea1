"""Two revisions with the same weights are each other's ancestors. When approvers have taken the
line away that held them, they do not hold each other for ever."""

import pytest

import hands
from approvers import V1, draft, founding, make_keys, signed
from hands import above_the_demo_line, commit, decided, file_op, release
from test_custody import until

STRICT, LOOSE = "limited.default, hold.unknown, demo.low", "limited.default, hold.unknown"


@pytest.fixture
def keys(tmp_path):
    make_keys(tmp_path, ["ada", "bea", "cid"])
    return tmp_path


def seen(house, repo, rev="main"):
    """What the decision says of held ancestors."""
    doc = release(house, repo, rev=rev)["decision"]["document"]
    return [c["seen"].split(",")[0] for line in doc["lines"] for r in line["rules"]
            for c in r["checks"] if c["claim"] == "lineage.held_ancestor"]


def test_none_holds_the_other_when_the_line_has_gone(fresh_house, keys):
    house = fresh_house(config=f"[lines]\nenforce = {STRICT}\n").start()
    doc = founding(keys)
    signed(house, keys, ["ada", "bea", "cid"], draft(house, "roster", paper=doc), roster=doc)
    data = above_the_demo_line()
    house.api().create_repo("admin/first")
    hands.publish(house, "admin/first", {"model.gguf": data})
    assert decided(house, "admin/first")["weights"] == "held"
    for i in range(2):
        r = commit(house, "admin/first", file_op("run.py", b"print(%d)\n" % i))
        assert r.status_code == 200
        until(lambda: info_state(house) == "decided")
    house.api().create_repo("admin/second")
    hands.publish(house, "admin/second", {"another.gguf": data})
    assert decided(house, "admin/second")["weights"] == "held"
    assert "found" in seen(house, "admin/second")  # held for itself, and for the others

    lines = {x["name"]: x["digest"] for x in house.get(f"{V1}/lines").json()}
    paper = " ".join(lines[n].removeprefix("sha256:") for n in LOOSE.split(", "))
    d = draft(house, "lines", paper=paper)
    assert signed(house, keys, ["ada", "cid"], d) == "done"
    house.stop()
    house.extra = f"[lines]\nenforce = {LOOSE}\n"
    house.start()
    for repo in ("admin/first", "admin/second"):
        assert commit(house, repo, file_op("README.md", b"# again\n")).status_code == 200
        until(lambda: decided(house, repo)["weights"] == "open")
        assert set(seen(house, repo)) == {"none-found"}
        path = "model.gguf" if repo == "admin/first" else "another.gguf"
        until(lambda: house.get(f"/{repo}/resolve/main/{path}").status_code == 200)


def info_state(house):
    return hands.info(house, "admin/first")["weighhouse"]["state"]
