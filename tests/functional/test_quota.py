"""Quotas: what is refused, in whose words, and that nobody else pays for it."""

import datetime
import os
import re
import signal
import threading
import time

import hands
import pytest

MIB = 1 << 20


def conf(**kw):
    return "[quota]\n" + "".join(f"{k} = {v}\n" for k, v in kw.items())


def repo(house, name, token="admin", **kw):
    r = house.request("POST", "/api/repos/create", token=token, json={"name": name, **kw})
    assert r.status_code == 200, r.text


def test_strangers_have_a_minute_each(fresh_house):
    house = fresh_house(conf(anonymous_minute=20, count_loopback=1)).start()
    answers = [house.get("/api/models") for _ in range(25)]
    assert [r.status_code for r in answers].count(429) >= 4
    last = answers[-1]
    sentence = hands.is_an_error(last, 429)
    assert "20 requests a minute" in sentence and "token" in sentence
    # the form in which the hub says it, and its clients read it
    assert re.fullmatch(r'"api";r=0;t=\d+', last.headers["RateLimit"])
    assert last.headers["RateLimit-Policy"] == '"fixed window";"api";q=20;w=60'
    assert 1 <= int(last.headers["Retry-After"]) <= 4
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import hf_raise_for_status
    with pytest.raises((HfHubHTTPError, Exception)):
        hf_raise_for_status(last)
    # whoever is known is not counted; wrong credentials are
    assert all(house.get("/api/models", token="admin").status_code == 200 for _ in range(30))
    assert house.get("/api/models", token="hf_" + "x" * 40).status_code == 429
    # health, and what needs no credentials, goes on
    assert house.get("/healthz").status_code == 200
    assert house.get("/register/checkpoint").status_code == 200
    page = house.get("/models", headers={"Accept": "text/html"})
    assert page.status_code == 429 and "<h1>" in page.text
    # three seconds bring one more
    end = time.monotonic() + 60
    while house.get("/api/models").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.5)


def test_this_host_is_not_counted_unless_asked(fresh_house):
    house = fresh_house(conf(anonymous_minute=5)).start()
    assert all(house.get("/api/models").status_code == 200 for _ in range(20))


def test_signatures_have_a_limit_of_their_own(fresh_house):
    """Looking at one is work for the one thread that writes: not without limit for anybody."""
    house = fresh_house(conf(signatures_minute=10, anonymous_minute=0, count_loopback=1)).start()
    body = {"statement": "weighhouse decision v1\n", "signature": "x"}
    answers = [house.request("POST", "/api/weighhouse/v1/proposals", token=token, json=body)
               for _ in range(10) for token in (None, "admin")]
    codes = [r.status_code for r in answers]
    assert codes[:10] == [400] * 10 and codes.count(429) >= 8
    assert "10 signatures a minute" in hands.is_an_error(answers[-1], 429)
    # what people draft, and everything else, goes on
    assert house.get("/api/weighhouse/v1/proposals").status_code == 200


def test_stored_bytes(fresh_house):
    house = fresh_house(conf(stored=3 * MIB)).start()
    ann = hands.account(house, "ann")
    repo(house, "m", ann)
    hands.publish(house, "ann/m", {"a.bin": hands.unexplained(MIB)}, token=ann)
    # what is asked for in one batch counts together
    r = hands.batch(house, "ann/m", [("a" * 64, MIB), ("b" * 64, MIB)], token=ann)
    errors = [o.get("error") for o in r.json()["objects"]]
    assert errors[0] is None and errors[1]["code"] == 403
    message = errors[1]["message"]
    assert "may hold 3145728" in message and "ask whoever runs this house" in message
    # a link that was given before does not help
    big = hands.unexplained(MIB)
    href = hands.actions(house, "ann/m", big, token=ann)["upload"]["href"]
    hands.lfs_upload(house, "ann/m", hands.unexplained(MIB), token=ann)
    sentence = hands.is_an_error(hands.put(house, href, big), 403)
    assert "may hold 3145728" in sentence
    # nobody else pays
    bob = hands.account(house, "bob")
    repo(house, "m", bob)
    hands.lfs_upload(house, "bob/m", big, token=bob)
    # deleting makes room
    house.request("DELETE", "/api/repos/delete", token=ann, json={"name": "m"})
    repo(house, "n", ann)
    hands.lfs_upload(house, "ann/n", big, token=ann)


def test_bytes_of_a_day(fresh_house):
    house = fresh_house(conf(day_bytes=2 * MIB)).start()
    if datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M") == "23:59":
        time.sleep(61)  # a test that looks at days must not lie on two
    ann = hands.account(house, "ann")
    repo(house, "m", ann)
    first = hands.unexplained(MIB)
    hands.lfs_upload(house, "ann/m", first, token=ann)
    end = time.monotonic() + 30
    while True:
        r = hands.batch(house, "ann/m", [("a" * 64, MIB)], token=ann)
        error = r.json()["objects"][0].get("error")
        if error:
            break
        assert time.monotonic() < end
        time.sleep(0.05)
    assert error["code"] == 403 and "midnight UTC" in error["message"]
    # it is remembered over a restart
    house.stop()
    house.start()
    r = hands.batch(house, "ann/m", [("a" * 64, MIB)], token=ann)
    assert r.json()["objects"][0]["error"]["code"] == 403
    # what is there already is not sent, and costs nothing
    r = hands.batch(house, "ann/m", [(hands.sha256(first), len(first))], token=ann)
    assert "error" not in r.json()["objects"][0]


def test_uploads_at_a_time(fresh_house):
    house = fresh_house(conf(uploads=2)).start()
    ann, bob = hands.account(house, "ann"), hands.account(house, "bob")
    for who, token in (("ann", ann), ("bob", bob)):
        repo(house, "m", token)
    data = [hands.unexplained(MIB) for _ in range(3)]
    links = [hands.actions(house, "ann/m", d, token=ann)["upload"]["href"] for d in data]
    open_ones = [hands.begin_put(house, link, len(d), taken=True)
                 for link, d in zip(links[:2], data)]
    r = hands.put(house, links[2], data[2])
    assert "2 uploads of your account" in hands.is_an_error(r, 429)
    assert "Retry-After" in r.headers
    hands.lfs_upload(house, "bob/m", data[2], token=bob)
    for s in open_ones:
        s.close()
    end = time.monotonic() + 30
    while hands.put(house, links[2], data[2]).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_revisions_that_wait(fresh_house):
    house = fresh_house(conf(weighing=1)).start()
    repo(house, "m")
    for data in (hands.unexplained(MIB),):
        hands.lfs_upload(house, "admin/m", data)
    keeper = house.children()["keeper"][0]
    os.kill(keeper, signal.SIGSTOP)
    try:
        assert hands.commit(house, "admin/m", hands.lfs_op("a.bin", data)).status_code == 200
        r = hands.commit(house, "admin/m", hands.file_op("x.txt", b"x"))
        assert "wait to be weighed" in hands.is_an_error(r, 429)
    finally:
        os.kill(keeper, signal.SIGCONT)
    hands.decided(house, "admin/m")
    assert hands.commit(house, "admin/m", hands.file_op("x.txt", b"x")).status_code == 200


def test_one_namespace_does_not_take_all_scanners(fresh_house):
    """Three revisions of ann's wait for a keeper that was stopped; bob's is not behind them."""
    house = fresh_house(conf(scans=1)).start()
    ann, bob = hands.account(house, "ann"), hands.account(house, "bob")
    for token, names in ((ann, "abc"), (bob, "m")):
        for name in names:
            repo(house, name, token)
    keeper = house.children()["keeper"][0]
    files = {name: hands.unexplained(MIB) for name in ("ann/a", "ann/b", "ann/c", "bob/m")}
    for name, data in files.items():
        hands.lfs_upload(house, name, data, token=ann if name[0] == "a" else bob)
    os.kill(keeper, signal.SIGSTOP)
    try:
        for name, data in files.items():
            r = hands.commit(house, name, hands.lfs_op("x.bin", data),
                             token=ann if name[0] == "a" else bob)
            assert r.status_code == 200, r.text
        # two are at work, one of each; the two others wait in no queue of threads
        figures = house.get("/metrics").text
        assert re.search(r"^weighhouse_long_work_queue 0$", figures, re.M)
    finally:
        os.kill(keeper, signal.SIGCONT)
    for name in files:
        assert hands.decided(house, name, token=ann if name[0] == "a" else bob)
    at = [house.log().index(f"release.decided repo={n}") for n in (1, 2, 3, 4)]
    assert at[0] < at[1] < at[2] and at[3] < at[2], at


def scanner_of(zygote, wait):
    """The first child of the zygote within these seconds, or None."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        children = open(f"/proc/{zygote}/task/{zygote}/children").read().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    return None


def test_scanners_are_nice(fresh_house):
    """A scanner reads through the keeper. The zygote runs only while the keeper is stopped, so
    that a scanner, once it is there, waits until it was looked at."""
    house = fresh_house().start()
    repo(house, "m")
    zygote, keeper = (house.children()[n][0] for n in ("zygote", "keeper"))
    data = hands.unexplained(32 * MIB)
    hands.lfs_upload(house, "admin/m", data)
    os.kill(zygote, signal.SIGSTOP)
    sender = threading.Thread(target=hands.commit,
                              args=(house, "admin/m", hands.lfs_op("a.bin", data)))
    sender.start()
    try:
        end, scanner = time.monotonic() + 60, None
        while scanner is None:
            assert time.monotonic() < end, house.log()[-3000:]
            os.kill(zygote, signal.SIGSTOP)
            os.kill(keeper, signal.SIGCONT)
            time.sleep(0.2)  # the keeper comes to ask for one
            os.kill(keeper, signal.SIGSTOP)
            os.kill(zygote, signal.SIGCONT)
            scanner = scanner_of(zygote, 1)
        while os.getpriority(os.PRIO_PROCESS, scanner) != 10:
            assert time.monotonic() < end, "it reads, and is not nice"
            time.sleep(0.01)
    finally:
        os.kill(keeper, signal.SIGCONT)
        os.kill(zygote, signal.SIGCONT)
        sender.join()
    hands.decided(house, "admin/m")
