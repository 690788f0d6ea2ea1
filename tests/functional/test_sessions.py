"""Sessions are bounded: the oldest of an account makes room for the newest, with whatever it
could do; those whose time is over are swept."""

import sqlite3

import hands
from engine import Engine
from test_attacks2 import MODEL, Browser, asked
from test_gateway import publish

MANY = 50


def is_in(browser):
    """The page of one's tokens is for who is signed in."""
    return browser.http.get(browser.url + "/settings/tokens",
                            allow_redirects=False).status_code == 200


def rows(house, what, *values):
    db = sqlite3.connect(house.data / "house.db", timeout=30)
    try:
        with db:
            return db.execute(what, values).fetchall()
    finally:
        db.close()


def test_the_oldest_makes_room(fresh_house):
    engine = Engine()
    house = fresh_house(f"[gateway]\nupstreams = {MODEL}=unix:{engine.path}\n").start()
    try:
        publish(house, MODEL)
        eve = hands.account(house, "eve")
        other = Browser(house, house.token)
        first = Browser(house, eve)
        assert "hello" in first.say("hello").text
        key = first.key()
        assert asked(house, key).status_code == 200
        more = [Browser(house, eve) for _ in range(MANY - 1)]
        assert is_in(first) and asked(house, key).status_code == 200
        last = Browser(house, eve)
        assert not is_in(first)
        assert asked(house, key).status_code == 401  # the key that its cookie gives
        assert [is_in(b) for b in (more[0], more[-1], last, other)] == [True] * 4
        count = "SELECT count(*) FROM session"
        assert rows(house, count) == [(MANY + 1,)]
        # what has expired is swept, and nothing else
        house.stop()
        rows(house, "UPDATE session SET expires = 1 WHERE hash NOT IN "
                    "(SELECT hash FROM session ORDER BY created DESC LIMIT 1)")
        house.start()
        assert rows(house, count) == [(1,)]
        last.url = other.url = house.url
        assert is_in(last) and not is_in(other)
    finally:
        house.stop()
        engine.stop()


def test_so_many_sign_in_links(fresh_house):
    house = fresh_house().start()
    links = []
    for _ in range(22):
        said = house.run("user", "signin", check=0).stdout.strip()
        links.append(said[said.index("/signin/"):])
    assert [house.get(link).status_code for link in links] == [401] * 2 + [200] * 20
