"""Requests whose bodies are read whole share one memory: a crowd that sends large
ones does not make the server large, and does not stand in anybody's way."""

import http.client
import json
import selectors
import socket

import pytest

import hands

MIB = 1 << 20
CROWD = 200
BUDGET = 16 * MIB
SHARE = 8 * MIB
WORKERS = 2
# what a handler may need beside the body it was given: the parsed text, and its answer
BESIDE = 16 * MIB


@pytest.fixture
def house(fresh_house):
    # a quarantine of the sanitizer's would count as memory of the server
    return fresh_house(
        f"[http]\nworkers = {WORKERS}\n"
        f"[limits]\nbody_memory = {BUDGET}\nbody_share = {SHARE}\n",
        env={"ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=1"}).start()


def card(size):
    body = {"content": "---\nlicense: mit\n---\n", "repoType": "model"}
    body["content"] += "x" * (size - len(json.dumps(body)))
    return json.dumps(body).encode()


def request(path, body, token=None, length=None):
    auth = f"Authorization: Bearer {token}\r\n" if token else ""
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{auth}"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n").encode() + body


def peak(house):
    """The most memory that the front process ever had, in bytes."""
    [front] = house.children()["front"]
    with open(f"/proc/{front}/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM"))


def neighbour(house):
    """Another address asks for the same, with a small body."""
    c = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60,
                                   source_address=("127.0.0.2", 0))
    c.request("POST", "/api/validate-yaml", card(2000), {"Content-Type": "application/json"})
    status = c.getresponse().status
    c.close()
    return status


def crowd(house, message, between):
    """Send one message on each of many connections as fast as it is taken; calls
    `between` now and then; the statuses that came back."""
    wait = selectors.DefaultSelector()
    statuses, steps = [], 0
    for _ in range(CROWD):
        s = socket.create_connection(("127.0.0.1", house.port))
        s.setblocking(False)
        wait.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, [memoryview(message), b""])
    while wait.get_map():
        ready = wait.select(60)
        assert ready, f"nothing moves any more; {len(statuses)} were answered\n{house.log()[-2000:]}"
        for key, events in ready:
            state, done = key.data, False
            try:
                if events & selectors.EVENT_WRITE:
                    state[0] = state[0][key.fileobj.send(state[0][:1 << 18]):]
                    if not state[0]:
                        wait.modify(key.fileobj, selectors.EVENT_READ, state)
                if events & selectors.EVENT_READ:
                    state[1] += key.fileobj.recv(1 << 16)
                    done = True
            except BlockingIOError:
                pass
            except (ConnectionError, BrokenPipeError):
                done = True
            if done:
                statuses.append(int(state[1].split()[1]) if state[1] else 0)
                wait.unregister(key.fileobj)
                key.fileobj.close()
        steps += 1
        if steps % 50 == 0:
            between()
    return statuses


def test_strangers_send_large_bodies(house):
    """Whoever is not signed in is told so before the body is taken."""
    before = peak(house)
    answers = crowd(house, request("/api/validate-yaml", card(4_000_000)),
                    lambda: neighbour(house))
    assert set(answers) <= {413, 0} and answers.count(413) > CROWD / 2
    assert neighbour(house) == 200
    assert peak(house) - before < BUDGET + WORKERS * BESIDE


def test_strangers_send_all_they_may(house):
    before = peak(house)
    answers = crowd(house, request("/api/validate-yaml", card(65536)), lambda: None)
    assert set(answers) <= {200, 503} and 200 in answers
    assert neighbour(house) == 200
    assert peak(house) - before < BUDGET + WORKERS * BESIDE


def test_a_crowd_that_may(house):
    """Signed in, 2 MB are taken from each: never all at once, and everybody else is
    served meanwhile."""
    before = peak(house)
    seen = []
    answers = crowd(house, request("/api/validate-yaml", card(2_000_000), house.token),
                    lambda: seen.append(neighbour(house)))
    assert set(answers) <= {200, 503}
    assert answers.count(200) >= SHARE // 2_000_000
    assert seen and set(seen) == {200}
    assert peak(house) - before < BUDGET + WORKERS * BESIDE
    assert CROWD * 2_000_000 > 2 * (BUDGET + WORKERS * BESIDE)  # so that this says something


def test_half_sent_bodies_hold_their_share_only(house):
    held = []
    for _ in range(SHARE // 2_000_000 + 20):
        s = socket.create_connection(("127.0.0.1", house.port))
        s.sendall(request("/api/validate-yaml", b"{", house.token, length=2_000_000))
        held.append(s)
    for _ in range(10):
        assert neighbour(house) == 200
    for s in held:
        s.close()


@pytest.mark.parametrize("path", ["/api/validate-yaml", "/api/models/a/b/preupload/main",
                                  "/api/repos/create", "/api/models/admin/free/paths-info/main"])
def test_refused_before_the_body(house, path):
    """The client that asks for leave gets its answer, not the leave."""
    house.api().create_repo("admin/free")
    s = socket.create_connection(("127.0.0.1", house.port), 30)
    s.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
              "Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n".encode())
    status, headers, body = hands.answer_of(s)
    s.close()
    assert status in (401, 413)
    assert len(headers["X-Error-Message"]) > 5
    assert json.loads(body)["error"]


def test_what_is_large_and_right(house):
    r = house.request("POST", "/api/validate-yaml", token="admin", data=card(1_000_000),
                      headers={"Content-Type": "application/json"})
    assert r.status_code == 200, r.text

    def pieces():
        for at in range(0, 50_000, 1000):
            yield card(50_000)[at:at + 1000]
    for token in (None, "admin"):  # of unknown length
        r = house.request("POST", "/api/validate-yaml", token=token, data=pieces(),
                          headers={"Content-Type": "application/json"})
        assert r.status_code == 200, r.text


def test_a_browser_is_told_in_words(house):
    r = house.request("POST", "/login", data=b"x" * 70_000, headers={"Accept": "text/html"})
    assert r.status_code == 413
    assert r.headers["Content-Type"].startswith("text/plain")
    assert r.text == "the body is too large\n"
