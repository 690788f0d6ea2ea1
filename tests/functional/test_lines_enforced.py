"""Configuration may add a line, never take one away: the register remembers."""

import pytest


def enforce(house, names):
    house.extra = f"[lines]\nenforce = {names}"
    return house


def leaves(house):
    """All leaves of the register, read from its entry bundle."""
    size = int(house.get("/register/checkpoint").text.splitlines()[1])
    data = house.get(f"/register/tile/entries/000.p/{size}").content
    out = []
    while data:
        n = int.from_bytes(data[:2], "big")
        out.append(data[2:2 + n].decode())
        data = data[2 + n:]
    return out


def test_a_line_can_be_added_but_not_taken_away(fresh_house):
    house = enforce(fresh_house(), "limited.default, hold.unknown").start()
    before = leaves(house)
    assert '"type":"genesis"' in before[0]
    house.stop()
    enforce(house, "limited.default, hold.unknown, demo.low").start()
    for _ in range(50):
        after = leaves(house)
        if len(after) > len(before):
            break
    assert '"type":"lines"' in after[len(before)]
    house.stop()
    # the same again adds nothing
    house.start()
    assert len(leaves(house)) == len(after)
    house.stop()
    for looser in ("limited.default, hold.unknown", "limited.default, demo.low"):
        with pytest.raises(AssertionError):
            enforce(house, looser).start(wait=20)
        assert house.process.wait(20) == 3
        house.process = None
    assert "write hold.unknown.v1 there again" in house.log()
    assert "write demo.low.v" in house.log()
    enforce(house, "limited.default, hold.unknown, demo.low").start()
    assert house.get("/api/models").status_code == 200


def test_an_unknown_line_is_no_line(fresh_house):
    house = enforce(fresh_house(), "limited.default, no.such.line")
    with pytest.raises(AssertionError):
        house.start(wait=20)
    assert house.process.wait(20) != 0
    house.process = None
    assert "no.such.line" in house.log()
