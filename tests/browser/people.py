"""A house with approvers, a hosted model and one that is open, and an engine behind both: for
the pages where people talk, decide and look after their keys."""

import json
import shutil
import sys

from conftest import ROOT, functional

sys.path.insert(0, str(ROOT / "tests" / "functional"))

import approvers  # noqa: E402
import hands  # noqa: E402
from engine import Engine  # noqa: E402
from test_gateway import publish, until  # noqa: E402

HOSTED, FREE = "admin/big", "demo/little"
PEOPLE = approvers.PEOPLE
CONFIG = """[lines]
enforce = limited.default, hold.unknown, demo.low.v1
[uploads]
sweep_seconds = 1
"""


def push(house, name, data, file="model.gguf"):
    house.api().create_repo(name)
    hands.lfs_upload(house, name, data)
    r = hands.commit(house, name, hands.file_op("README.md", b"# A model above the line\n"),
                     hands.lfs_op(file, data))
    assert r.status_code == 200, r.text
    assert hands.decided(house, name)["weights"] == "held"
    return hands.release(house, name)["subject"]


class Peopled:
    """The house, its engine, the approvers' keys, and what is waiting on the desk."""

    def __init__(self, folder):
        self.engine = Engine()
        self.keys = folder / "keys"
        self.keys.mkdir()
        approvers.make_keys(self.keys, sorted(PEOPLE))
        self.house = functional.House(
            functional.new_base(), config=CONFIG +
            f"[gateway]\nrequests_per_minute = 150\nupstreams = {HOSTED}=unix:{self.engine.path}, "
            f"{FREE}=unix:{self.engine.path}\n").start()
        self.roster = approvers.founding(self.keys)

    def fill(self):
        """Founding roster; one model hosted, one asked to be opened, one closed."""
        h, keys = self.house, self.keys
        d = approvers.draft(h, "roster", paper=self.roster)
        approvers.signed(h, keys, sorted(PEOPLE), d, roster=self.roster)
        subject = push(h, HOSTED, hands.above_the_demo_line())
        d = approvers.draft(h, "host", subject=subject, reasons=["it answers well behind a gate"])
        approvers.sign(h, keys, "bea", d)
        approvers.sign(h, keys, "ada", d, namespace="dissent@weighhouse")
        approvers.sign(h, keys, "cid", d)
        until(lambda: hands.decided(h, HOSTED)["weights"] == "hosted", 30)
        self.wanted = push(h, "admin/wanted", hands.above_the_demo_line(layer=1))
        d = approvers.draft(h, "open", subject=self.wanted,
                            reasons=["three exams are below every threshold", "line two"])
        approvers.sign(h, keys, "ada", d)
        self.proposal = d
        publish(h, FREE)
        return self

    def stop(self):
        code = self.house.stop()
        self.engine.stop()
        assert code == 0, f"the server ended with {code}\n{self.house.log()[-4000:]}"
        shutil.rmtree(self.house.base, ignore_errors=True)


def order(**kw):
    """A message that tells the engine of the tests what to do."""
    return json.dumps(kw)
