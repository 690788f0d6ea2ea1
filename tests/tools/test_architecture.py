"""ARCHITECTURE.md has the rooms, the arrows and the processes that there are."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()


def rooms():
    """Those of tools/rooms.txt that have a folder, with their arrows."""
    text = (ROOT / "tools" / "rooms.txt").read_text()
    found = {m[1]: set(m[2].split()) for m in re.finditer(r"^room (\w+):(.*)$", text, re.M)}
    there = {n for n in found if (ROOT / "src" / n).is_dir()}
    return {n: found[n] & there for n in there}


def test_rooms_and_arrows():
    rows = re.findall(r"^\| `(\w+)` \| .+ \| ([\w –]+) \|$", PAGE, re.M)
    assert {name: set(arrows.replace("–", "").split()) for name, arrows in rows} == rooms()
    seen = {"base"}
    for name, arrows in rows:
        assert set(arrows.replace("–", "").split()) <= seen, f"{name} is before what it includes"
        seen.add(name)


def test_each_folder_is_a_room():
    folders = {p.parent.name for p in (ROOT / "src").glob("*/meson.build")}
    assert folders == set(rooms())


def test_processes():
    serve = (ROOT / "src" / "cmd" / "serve.c").read_text()
    children = set(re.findall(r'^ +\{"(\w+)", cmd_\w+_main, ', serve, re.M))
    drawn = set(re.findall(r"^ [├└]─ (\w+)", PAGE, re.M))
    assert drawn == children and len(children) >= 5
    listening = set(re.findall(r'listen_one\(s, "(\w+)"', serve))
    assert set(re.findall(r"(\w+)\.sock ─", PAGE)) == listening


def test_what_is_named_is_there():
    for name in re.findall(r"`((?:src|docs|tools|tests|templates)/[\w./-]+)`", PAGE):
        matches = list(ROOT.glob(name.rstrip("/") + "*"))
        assert matches, name
    for name in re.findall(r"`((?:gateway|line|keeper|watch|hub|proc)/\w+\.[ch])`", PAGE):
        assert (ROOT / "src" / name).exists(), name
