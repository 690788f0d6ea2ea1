"""docs/formats/register.md shows the leaves that the schema allows."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_table_of_leaves_is_the_schema():
    table = (ROOT / "src/register/leaves.tbl").read_text()
    rows = re.findall(
        r'WH_LEAF\("([^"]*)",\s*"([^"]*)",\s*(\w+),\s*(true|false),\s*"([^"]*)",'
        r'\s*"([^"]*)"\)', table)
    assert len(rows) == len(re.findall(r"^WH_LEAF", table, re.M)) > 20
    text = (ROOT / "docs/formats/register.md").read_text()
    shown = text.split("<!-- leaves -->", 1)[1].split("\n\n", 1)[0]
    want = ["", "| type | key | kind | needed | meaning |", "|---|---|---|---|---|"]
    for type_, key, kind, needed, words, meaning in rows:
        name = "every" if type_ == "*" else type_
        kind = f"{kind}: `{words}`" if words else kind
        mark = "yes" if needed == "true" else ""
        want.append(f"| {name} | `{key}` | {kind} | {mark} | {meaning} |")
    assert shown.split("\n") == want
