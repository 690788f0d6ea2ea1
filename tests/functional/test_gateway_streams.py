"""Streams of the gateway when something goes wrong: engines that die, lie or say nothing,
clients that leave or do not read, and the house that stops what runs."""

import asyncio
import json
import socket
import time

import openai
import pytest

from engine import Engine
from test_gateway import MODEL, ask, client, new_key, order, publish, until


@pytest.fixture(scope="module")
def served():
    from conftest import House, new_base
    engine = Engine()
    h = House(new_base(), config=f"[gateway]\nupstreams = {MODEL}=unix:{engine.path}\n"
                                 "silence_seconds = 3\nfirst_seconds = 3\n"
                                 "requests_per_minute = 0\ntokens_per_minute = 0\n"
                                 "tokens_per_day = 0\n").start()
    publish(h, MODEL)
    h.engine = engine
    yield h
    assert h.stop() == 0, h.log()[-3000:]
    engine.stop()


FREE = {"requests_per_minute": 0, "tokens_per_minute": 0, "tokens_per_day": 0, "streams": 0}


@pytest.fixture(scope="module")
def key(served):
    return new_key(served, limits=FREE)["secret"]


def events(served, key, **what):
    """All events of one stream, as they came; the last one may be an error."""
    r = served.request("POST", "/v1/chat/completions", token=key, timeout=60,
                       json={"model": MODEL, "stream": True, "messages": order(**what)})
    if r.status_code != 200:
        return r.status_code, [r.json()]
    out = []
    for e in r.text.split("\n\n"):
        if e.startswith("data: "):
            out.append(e[6:] if e[6:] == "[DONE]" else json.loads(e[6:]))
    return 200, out


def text_of(got):
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in got
                   if isinstance(e, dict) and e.get("choices"))


# ---- engines ----

DELTA = '{"choices":[{"index":%d,"delta":{"content":"%s"}}]}'


@pytest.mark.parametrize("what", [
    {"then": "die"},
    {"then": "close"},
    {"then": "silence"},
    {"raw": ["data: [DONE]\n\n"], "then": "die"},
    {"raw": ["data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xc3\"}}]}\n\n"]},
    {"raw": ["data: {\"choices\":[{\"index\":0\n\n"]},
    {"raw": ["data: []\n\n"]},
    {"raw": ["data: " + "[" * 5000 + "\n\n"]},
    {"raw": ["data: " + DELTA % (1, "x") + "\n\n"]},
    {"raw": ["data: " + DELTA % (10**20, "x") + "\n\n"]},
    {"raw": ["data: " + "x" * (1 << 20)] * 2},
    {"raw": ["data: {\"error\":{\"code\":500,\"message\":\"a secret path\"}}\n\n"]},
    {"raw": ["event: error\ndata: {\"x\":1}\n\n"]},
    {"raw": ["data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":{\"a\":1}}}]}\n\n"]},
    {"raw": ["data: {\"choices\":[" + ",".join(['{"index":0}'] * 200) + "]}\n\n"]},
], ids=lambda w: (str(w.get("raw", [w.get("then")])[0])[:40]))
def test_an_engine_that_fails_in_the_middle(served, key, what):
    status, got = events(served, key, do="stream", tokens=["one ", "two "], **what)
    assert status == 200 and text_of(got[:-1]) == "one two "
    error = got[-1]["error"]
    assert error["type"] == "server_error"
    assert error["code"] in ("engine_error", "engine_timeout") and error["message"]
    assert "secret" not in json.dumps(got) and "[DONE]" not in got
    with pytest.raises(openai.APIError) as e:
        list(client(served, key).chat.completions.create(
            model=MODEL, stream=True, messages=order(do="stream", tokens=["a"], **what)))
    assert e.value.code == error["code"]


@pytest.mark.parametrize("raw", [
    "", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 101 Go\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"choices\":",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"choices\":[]}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "HTTP/1.1 200 OK\r\nX: " + "y" * 70000 + "\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n" * 20,
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"choices\":[]}",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + "[" * 100000,
    "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n<html>" + "x" * 200000,
], ids=lambda r: r[:45])
@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_lies_from_the_start(served, key, raw, stream):
    with pytest.raises(openai.APIStatusError) as e:
        client(served, key).chat.completions.create(
            model=MODEL, stream=stream, messages=order(do="raw", bytes=raw))
    assert e.value.status_code in (502, 504) and e.value.code in ("engine_error",
                                                                 "engine_timeout")
    assert e.value.body["param"] is None
    assert ask(client(served, key)).choices  # and the next one is served


def test_an_engine_that_never_answers(served, key):
    with pytest.raises(openai.InternalServerError) as e:
        client(served, key).chat.completions.create(model=MODEL, messages=order(do="silence"))
    assert e.value.status_code == 504 and e.value.code == "engine_timeout"
    until(lambda: served.engine.open == 0)


def test_what_follows_the_end_is_not_said(served, key):
    late = "data: [DONE]\n\ndata: " + DELTA % (0, "late") + "\n\n"
    end = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    after = "data: " + DELTA % (0, "after") + "\n\n"
    status, got = events(served, key, do="stream", tokens=["a"], raw=[end, after, late])
    assert text_of(got[:-1]) == "a" and got[-1] == "[DONE]"


def test_lines_however_they_end(served, key):
    raw = ["data: " + DELTA % (0, "b") + "\r\n\r", "\ndata: " + DELTA % (0, "c") + "\r\r",
           ": nothing\n\nid: 7\nretry: 3\n", "da", "ta:" + (DELTA % (0, "d"))[:9],
           (DELTA % (0, "d"))[9:], "\n", "\n"]
    status, got = events(served, key, do="stream", tokens=["a"], raw=raw)
    assert text_of(got[:-1]) == "abcd" and got[-1] == "[DONE]"


def test_nobody_believes_usage(served):
    made = new_key(served, limits=FREE)
    lie = {"prompt_tokens": 2**63, "completion_tokens": 2**63}
    list(client(served, made["secret"]).chat.completions.create(
        model=MODEL, stream=True, max_tokens=7,
        messages=order(do="stream", tokens=["a"], usage=lie)))
    row = until(lambda: [u for u in served.get("/api/weighhouse/v1/usage", token="admin").json()
                         if u["key"] == made["id"]])[0]
    assert row["completion_tokens"] == 7 and row["prompt_tokens"] < 1000


# ---- clients ----

def test_a_client_that_leaves_stops_its_engine(served, key):
    c = client(served, key)
    gone = served.engine.gone
    s = c.chat.completions.create(model=MODEL, stream=True,
                                  messages=order(do="stream", endless="x", delay=0.02))
    next(iter(s))
    s.close()
    until(lambda: served.engine.gone == gone + 1)
    body = json.dumps({"model": MODEL, "messages": order(do="silence")})
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                     f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
                     f"{body}").encode())
        until(lambda: served.engine.open == 1)
    until(lambda: served.engine.gone == gone + 2 and served.engine.open == 0)


def test_a_client_that_does_not_read_holds_its_engine(served, key):
    """What an engine says faster than it is read waits in the engine, not here."""
    body = json.dumps({"model": MODEL, "stream": True,
                       "messages": order(do="stream", endless="y" * 8192)})
    served.engine.said = 0
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", served.port))
        raw.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                     f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
                     f"{body}").encode())
        last = -1
        while served.engine.said != last:  # until it stands still
            last = served.engine.said
            time.sleep(0.5)
        assert 0 < last < 16 << 20
        raw.recv(1 << 20)
    until(lambda: served.engine.open == 0)


# ---- many ----

class Streams:
    """Many streams at once, on sockets of their own, in one thread. Each asks for its
    own tag, and may be told nothing else."""

    def __init__(self, served, n, keys, **what):
        self.served, self.n, self.keys, self.what = served, n, keys, what
        self.texts = [""] * n
        self.ends = [None] * n
        self.times = [0.0] * n
        self.begun = 0

    async def one(self, i):
        tag = f"tag{i:05}."
        body = json.dumps({"model": MODEL, "stream": True, "messages": order(
            do="stream", **{k: (tag if v is None else v) for k, v in self.what.items()})})
        r, w = await asyncio.open_connection("127.0.0.1", self.served.port)
        w.write((f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                 f"Authorization: Bearer {self.keys[i % len(self.keys)]}\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        try:
            head = await r.readuntil(b"\r\n\r\n")
            assert b" 200 " in head, (head, await r.read(1000))
            while True:
                line = await r.readline()
                if not line:
                    break
                if not line.startswith(b"data: "):
                    continue
                data = line[6:].strip()
                if data == b"[DONE]":
                    self.ends[i] = "done"
                    break
                value = json.loads(data)
                if "error" in value:
                    self.ends[i] = value["error"]
                    break
                for c in value["choices"]:
                    if c["delta"].get("content"):
                        self.begun += not self.texts[i]
                        self.texts[i] += c["delta"]["content"]
            self.times[i] = time.monotonic()
        finally:
            w.close()

    async def run(self, act=None):
        tasks = [asyncio.ensure_future(self.one(i)) for i in range(self.n)]
        if act:
            while self.begun < self.n:
                await asyncio.sleep(0.02)
                assert not any(t.done() for t in tasks), [t for t in tasks if t.done()][:1]
            self.acted = time.monotonic()
            await asyncio.get_running_loop().run_in_executor(None, act)
        await asyncio.wait_for(asyncio.gather(*tasks), 120)

    def check(self):
        for i, t in enumerate(self.texts):
            tag = f"tag{i:05}."
            assert t and t == tag * (len(t) // len(tag)), (i, t[:200])


def test_streams_are_not_mixed(served, key):
    keys = [key, new_key(served, limits=FREE)["secret"]]
    s = Streams(served, 200, keys, tokens=[None] * 0, endless=None, delay=0.05, most=12)
    asyncio.run(s.run())
    s.check()
    assert set(map(str, s.ends)) == {"done"}
    assert {len(t) for t in s.texts} == {12 * len("tag00000.")}


def test_revoking_a_key_ends_its_streams(served, key, capsys):
    """500 streams, half of them on a key that is revoked: its own end with the reason and
    where to read on, the others go on to their own end."""
    made = new_key(served, limits=FREE)
    s = Streams(served, 500, [made["secret"], key], endless=None, delay=0.5, most=30)
    asyncio.run(s.run(lambda: served.request(
        "DELETE", f"/api/weighhouse/v1/keys/{made['id']}", token="admin")))
    s.check()
    took = [s.times[i] - s.acted for i in range(0, 500, 2)]
    with capsys.disabled():
        print(f"\n250 of 500 streams ended {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms "
              "after the key was revoked (clients included)")
    for i in range(500):
        if i % 2:
            assert s.ends[i] == "done"
        else:
            assert s.ends[i]["code"] == "invalid_api_key" and "revoked" in s.ends[i]["message"]
            assert s.ends[i]["url"].startswith(served.url)
    assert max(took) < 10
    until(lambda: served.engine.open == 0)
