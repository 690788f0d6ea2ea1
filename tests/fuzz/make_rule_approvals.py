#!/usr/bin/env python3
"""Makes the corpora of fuzz_rule_roster and fuzz_rule_statement."""
import json
import pathlib

HERE = pathlib.Path(__file__).parent


def write(folder, samples):
    (HERE / folder).mkdir(exist_ok=True)
    for name, body in samples.items():
        (HERE / folder / name).write_bytes(body)


def approver(id_, affiliation, key, outside=False, demo=False):
    return {"id": id_, "affiliation": affiliation, "outside": outside, "demo": demo,
            "keys": ["ssh-ed25519 " + key]}


def roster(people, **changes):
    doc = {"v": 1, "type": "roster", "version": 1, "previous": None, "quorum": 2,
           "quorums": {}, "cooling_off": 86400, "approvers": people}
    doc.update(changes)
    return json.dumps(doc, sort_keys=True, separators=(",", ":")).encode()


def statement(**changes):
    lines = [
        ("weighhouse", "decision v1"), ("origin", "weighhouse.local/0123456789abcdef"),
        ("tree", "42 " + "A" * 43 + "="), ("roster", "1 sha256:" + "5" * 64),
        ("act", "open"), ("subject", "sha256:" + "1" * 64),
        ("tiers", "data=open software=open source=open weights=open"),
        ("evidence", "sha256:" + "2" * 64), ("line", "sha256:" + "3" * 64),
        ("rule", "limited.default/compute"), ("replaces", "41"),
        ("made", "2026-11-23T18:00:00Z"), ("not-before", "2026-11-24T18:00:00Z"),
        ("not-after", "2026-12-08T18:00:00Z"), ("until", "-"), ("nonce", "0" * 32),
        ("confirm", "this cannot be taken back: open " + "1" * 16), ("reason", "examined"),
    ]
    return "".join(f"{k} {changes.get(k.replace('-', '_'), v)}\n" for k, v in lines).encode()


def main():
    two = [approver("ada", "north", "AAAA"), approver("bea", "south", "BBBB", True)]
    write("rule_roster", {
        "two": roster(two), "self-run": roster(two[:1]), "quorum-one": roster(two, quorum=1),
        "demo": roster([approver("ada", "n", "AAAA", demo=True)], cooling_off=1),
        "hasty": roster(two, cooling_off=1), "nobody": roster([]),
        "second": roster(two, version=2, previous="sha256:" + "a" * 64),
        "quorums": roster(two + [approver("cid", "west", "CCCC")], quorums={"open": 3}),
        "quorums-lower": roster(two, quorums={"open": 1}), "empty": b"", "list": b"[]",
        "same-key": roster([two[0], approver("bea", "south", "AAAA")]),
        "unsorted": roster(two[::-1]), "blank": roster(two) + b" ",
    })
    held = "data=open software=open source=open weights=held"
    end = {"confirm": "-", "until": "2026-11-26T18:00:00Z", "tiers": held}
    write("rule_statement", {
        "open": statement(), "close": statement(act="close", **end),
        "close-long": statement(act="close", **{**end, "until": "2026-11-26T18:00:01Z"}),
        "ratify": statement(act="ratify", **{**end, "until": "2027-05-22T18:00:00Z"}),
        "host": statement(act="host", confirm="-", until="2027-05-22T18:00:00Z",
                          tiers=held.replace("held", "hosted")),
        "lift": statement(act="lift", confirm="-"), "lapse": statement(act="lapse"),
        "founding": statement(act="roster", roster="0 -", tiers="-", evidence="-",
                              replaces="-", confirm="-")
        .replace(b"line sha256:" + b"3" * 64 + b"\nrule limited.default/compute\n", b""),
        "confirm": statement(confirm="-"), "no-end": statement(act="close", confirm="-"),
        "empty": b"", "cut": statement()[:200], "crlf": statement().replace(b"\n", b"\r\n"),
        "year": statement(not_after="9999-12-08T18:00:00Z"), "tail": statement() + b"\n",
    })


main()
