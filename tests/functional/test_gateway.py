"""The gateway through the official clients: keys, models, answers, errors, limits, usage."""

import concurrent.futures
import json
import pathlib
import subprocess
import threading
import time

import openai
import pytest

import hands
import weights
from engine import Engine

MODEL = "demo/little"


def publish(house, name, private=False):
    ns = name.split("/")[0]
    house.request("POST", "/api/weighhouse/v1/organizations", token="admin", json={"name": ns})
    r = house.request("POST", "/api/repos/create", token="admin",
                      json={"type": "model", "name": name.split("/")[1], "organization": ns,
                            "private": private})
    assert r.status_code in (200, 409), r.text
    hands.publish(house, name, {"model.safetensors": weights.safetensors({"w": (8, 8)})})
    assert hands.decided(house, name)["weights"] == "open"


@pytest.fixture(scope="module")
def served():
    """A house with one open model that an engine in this process answers for."""
    from conftest import House, new_base
    engine = Engine()
    path = engine.path
    h = House(new_base(), config=f"[gateway]\nupstreams = {MODEL}=unix:{path}, "
                                 f"demo/away=unix:{path}.not\n"
                                 "requests_per_minute = 100000\ntokens_per_minute = 100000000\n"
                                 "tokens_per_day = 1000000000\n").start()
    publish(h, MODEL)
    publish(h, "demo/away")
    publish(h, "demo/idle")
    h.engine = engine
    yield h
    assert h.stop() == 0, h.log()[-3000:]
    engine.stop()


def new_key(house, token="admin", **fields):
    r = house.request("POST", "/api/weighhouse/v1/keys", token=token,
                      json={"name": "test", **fields})
    assert r.status_code == 201, r.text
    return r.json()


def client(house, key=None, **kw):
    kw.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=house.url + "/v1",
                         api_key=key or new_key(house)["secret"], timeout=30, **kw)


def order(**kw):
    return [{"role": "user", "content": json.dumps(kw)}]


def ask(c, text="hello there", **kw):
    return c.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}],
                                     **kw)


def until(fn, wait=20):
    """Wait until it is so; its value."""
    end = time.monotonic() + wait
    while True:
        got = fn()
        if got:
            return got
        assert time.monotonic() < end
        time.sleep(0.05)


def refused(fn, error):
    try:
        fn()
    except error as e:
        return e
    return None


# ---- answers ----

def test_chat(served):
    raw = client(served).chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "system", "content": "s"},
                               {"role": "user", "content": "one two \u00e9\U0001f600"}])
    got = raw.parse()
    assert got.choices[0].message.content == "one two \u00e9\U0001f600"
    assert got.choices[0].finish_reason == "stop"
    assert got.model == MODEL and got.object == "chat.completion"
    assert got.id.startswith("chatcmpl-") and got.created > 1_600_000_000
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (5, 3)
    assert "timings" not in raw.text and "another-name" not in raw.text
    h = raw.headers
    assert h["x-request-id"] and h["openai-version"] == "2020-10-01"
    assert int(h["openai-processing-ms"]) >= 0
    assert int(h["x-ratelimit-remaining-requests"]) < int(h["x-ratelimit-limit-requests"])
    assert h["x-ratelimit-reset-requests"][-1] == "s"


def test_what_an_engine_is_told(served):
    ask(client(served), max_completion_tokens=9, temperature=0.5, user="u-1", stop=["x"],
        seed=2**64 - 1, extra_body={"n_probs": 5, "id_slot": 3, "whatever": [1]})
    told = served.engine.seen[-1]
    assert told["model"] == MODEL and told["max_tokens"] == 9
    assert told["seed"] == 2**64 - 1 and told["temperature"] == 0.5 and told["stop"] == ["x"]
    assert not {"user", "n_probs", "id_slot", "whatever", "stream"} & set(told)


def test_completions(served):
    c = client(served)
    got = c.completions.create(model=MODEL, prompt="a b c")
    assert got.object == "text_completion" and got.choices[0].text == "a b c"
    text = "".join(x.choices[0].text for x in
                   c.completions.create(model=MODEL, prompt="a b c", stream=True))
    assert text == "a b c "


def test_stream(served):
    got = list(ask(client(served), "a b c", stream=True))
    assert got[0].choices[0].delta.role == "assistant" and got[0].choices[0].delta.content == ""
    assert "".join(x.choices[0].delta.content or "" for x in got) == "a b c "
    assert got[-1].choices[0].finish_reason == "stop"
    assert len({x.id for x in got}) == 1 and all(x.usage is None for x in got)
    assert served.engine.seen[-1]["stream_options"] == {"include_usage": True}


def test_stream_with_usage(served):
    got = list(ask(client(served), "a b c", stream=True, stream_options={"include_usage": True}))
    assert got[-1].choices == [] and got[-1].usage.completion_tokens == 3
    assert all(x.usage is None for x in got[:-1])


def test_events_have_even_lengths(served):
    def lines(**kw):
        r = served.request("POST", "/v1/chat/completions", token=new_key(served)["secret"],
                           json={"model": MODEL, "stream": True,
                                 "messages": [{"role": "user", "content": "a longerword bb"}],
                                 **kw})
        assert r.headers["Content-Type"].startswith("text/event-stream")
        assert r.headers["X-Accel-Buffering"] == "no"
        return [e for e in r.text.split("\n\n") if e.startswith("data: {")]
    assert {(len(e) + 2) % 64 for e in lines()} == {0}
    assert "obfuscation" not in "".join(lines(stream_options={"include_obfuscation": False}))


def test_logprobs_go_through(served):
    logprobs = {"content": [{"token": "a", "logprob": -0.123456, "bytes": [97],
                             "top_logprobs": []}]}
    raw = json.dumps({"choices": [{"index": 0, "delta": {"content": "a"},
                                   "logprobs": logprobs}]})
    got = list(client(served).chat.completions.create(
        model=MODEL, stream=True, logprobs=True, top_logprobs=20,
        messages=order(do="stream", raw=[f"data: {raw}\n\n"])))
    told = served.engine.seen[-1]
    assert told["logprobs"] is True and told["top_logprobs"] == 20
    entry = [x for x in got if x.choices and x.choices[0].logprobs][0]
    assert entry.choices[0].logprobs.content[0].logprob == -0.123456  # an open model


def test_tools(served):
    calls = [{"index": 0, "delta": {"tool_calls": [
        {"index": 0, "id": "call_1", "type": "function",
         "function": {"name": "look", "arguments": ""}}]}},
        {"index": 0, "delta": {"tool_calls": [
            {"index": 0, "function": {"arguments": "{\"at\":"}}]}},
        {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}}]
    raw = ["data: " + json.dumps({"choices": [c]}) + "\n\n" for c in calls]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    with client(served).chat.completions.stream(
            model=MODEL, messages=order(do="stream", raw=raw, then="tool_calls"),
            tools=[tool]) as s:
        done = s.get_final_completion()
    call = done.choices[0].message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == \
        ("call_1", "look", "{\"at\":1}")
    assert done.choices[0].finish_reason == "tool_calls"


def test_models(served):
    c = client(served)
    assert sorted(m.id for m in c.models.list()) == ["demo/away", MODEL]
    assert c.models.retrieve(MODEL).owned_by == "demo"
    assert served.get(f"/v1/models/{MODEL}", token=c.api_key).json()["id"] == MODEL
    with pytest.raises(openai.NotFoundError) as e:
        c.models.retrieve("demo/idle")
    assert e.value.code == "model_not_found"


# ---- errors ----

@pytest.mark.parametrize("fields, param", [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, "messages"),
    ({"messages": [{"content": "x"}]}, "messages"),
    ({"temperature": 3}, "temperature"),
    ({"n": 0}, "n"),
    ({"n": 129}, "n"),
    ({"stop": ["a"] * 5}, "stop"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    ({"logit_bias": {"x": 1}}, "logit_bias"),
    ({"logit_bias": {"1": 101}}, "logit_bias"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"seed": "x"}, "seed"),
    ({"safety_identifier": "x" * 65}, "safety_identifier"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages"),
    ({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "http://127.0.0.1/"}}]}]}, "messages"),
])
def test_bad_fields(served, fields, param):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], **fields}
    before = len(served.engine.seen)
    r = served.request("POST", "/v1/chat/completions", token=new_key(served)["secret"], json=body)
    assert r.status_code == 400, r.text
    e = r.json()["error"]
    assert e["param"] == param and e["type"] == "invalid_request_error"
    assert isinstance(e["code"], str) and len(e["message"]) > 10
    assert len(served.engine.seen) == before


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"{} x", b'{"model":"a","model":"b"}', b'{"model":"\xff"}',
    b'{"a":' * 100 + b"1" + b"}" * 100, b"[" * 100000, b'{"model": 1e9999}',
])
def test_bad_json(served, body):
    r = served.request("POST", "/v1/chat/completions", token=new_key(served)["secret"], data=body)
    assert r.status_code == 400, r.text
    assert set(r.json()["error"]) >= {"message", "type", "param", "code"}


def test_large_but_right(served):
    key = new_key(served, limits={"tokens_per_minute": 0, "tokens_per_day": 0})["secret"]
    c = client(served, key)
    marks = "a" + "\u0301" * 500_000
    assert ask(c, marks).choices[0].message.content == marks
    many = [{"role": ("user", "assistant")[i % 2], "content": f"m{i}"} for i in range(10_000)]
    got = c.chat.completions.create(model=MODEL, messages=[*many, {"role": "user",
                                                                   "content": "last"}])
    assert got.choices[0].message.content == "last"
    assert len(served.engine.seen[-1]["messages"]) == 10_001
    lone = b'{"model":"%s","messages":[{"role":"user","content":"x \\ud83d y"}]}' % MODEL.encode()
    r = served.request("POST", "/v1/chat/completions", token=key, data=lone)
    assert r.status_code == 200


def test_too_large(served):
    key = new_key(served)["secret"]
    r = served.request("POST", "/v1/chat/completions", token=key, data=b" " * (9 << 20))
    assert r.status_code == 413 and r.json()["error"]["code"] == "request_too_large"


def test_strangers(served):
    for key, code in (("wh-" + "x" * 40, 401), ("sk-123", 401), (served.token, 401)):
        with pytest.raises(openai.AuthenticationError) as e:
            ask(client(served, key))
        assert e.value.code == "invalid_api_key" and e.value.request_id
    r = served.request("POST", "/v1/chat/completions", json={})
    assert r.status_code == 401 and "Bearer" in r.json()["error"]["message"]
    # a large body of nobody is not even taken
    r = served.request("POST", "/v1/chat/completions", token="wh-" + "x" * 40,
                       data=b" " * (4 << 20))
    assert r.status_code == 401
    r = served.get("/v1/nothing", token=new_key(served)["secret"])
    assert r.status_code == 404 and r.json()["error"]["code"] == "unknown_url"


def test_models_that_are_not_there(served):
    c = client(served)
    for name in ("demo/idle", "no/such", "x", "\u00e9", "a/b/c"):
        with pytest.raises(openai.NotFoundError) as e:
            c.chat.completions.create(model=name, messages=[{"role": "user", "content": "x"}])
        assert e.value.code == "model_not_found" and e.value.param == "model"


def test_held_models_are_refused_with_reasons(served):
    name = "demo/held"
    r = served.request("POST", "/api/repos/create", token="admin",
                       json={"type": "model", "name": "held", "organization": "demo"})
    hands.publish(served, name, {"model.safetensors": hands.unexplained()})
    assert hands.decided(served, name)["weights"] == "held"
    with pytest.raises(openai.PermissionDeniedError) as e:
        client(served).chat.completions.create(model=name, messages=[{"role": "user",
                                                                      "content": "x"}])
    assert e.value.code == "model_access_denied"
    assert f"{served.url}/demo/held/decision" in e.value.message
    assert e.value.body["url"] == f"{served.url}/demo/held/decision"
    assert name not in [m.id for m in client(served).models.list()]


def test_private_models_are_for_those_who_may_see_them(served):
    stranger = hands.account(served, "stranger")
    r = served.request("PUT", "/api/models/demo/away/settings", token="admin",
                       json={"private": True})
    assert r.status_code == 200, r.text
    try:
        c = client(served, new_key(served, token=stranger)["secret"])
        until(lambda: refused(lambda: c.models.retrieve("demo/away"), openai.NotFoundError))
        assert client(served).models.retrieve("demo/away").id == "demo/away"
    finally:
        served.request("PUT", "/api/models/demo/away/settings", token="admin",
                       json={"private": False})


@pytest.mark.parametrize("status, kind, expect, code", [
    (400, "invalid_request_error", openai.BadRequestError, "invalid_request"),
    (400, "exceed_context_size_error", openai.BadRequestError, "context_length_exceeded"),
    (401, "authentication_error", openai.InternalServerError, "engine_error"),
    (500, "server_error", openai.InternalServerError, "engine_error"),
    (503, "unavailable_error", openai.InternalServerError, "engine_unavailable"),
])
def test_errors_of_engines(served, status, kind, expect, code):
    for stream in (False, True):
        with pytest.raises(expect) as e:
            client(served).chat.completions.create(
                model=MODEL, stream=stream,
                messages=order(do="error", status=status, type=kind, message="it says"))
        assert e.value.code == code and e.value.request_id
        assert set(e.value.body) >= {"message", "type", "param", "code"}


def test_an_engine_that_is_not_there(served):
    with pytest.raises(openai.InternalServerError) as e:
        client(served).chat.completions.create(model="demo/away", messages=order())
    assert e.value.status_code == 503 and e.value.code == "engine_unavailable"
    assert int(e.value.response.headers["retry-after"]) >= 1


def test_clients_try_again(served):
    before = len(served.engine.seen)
    with pytest.raises(openai.InternalServerError):
        client(served, max_retries=2).chat.completions.create(
            model=MODEL, messages=order(do="error", status=500, message="x"))
    assert len(served.engine.seen) == before + 3


# ---- keys ----

def test_a_key_is_shown_once(served):
    made = new_key(served, name="mine", days=3)
    assert made["secret"].startswith("wh-") and len(made["secret"]) == 43
    listed = [k for k in served.get("/api/weighhouse/v1/keys", token="admin").json()
              if k["id"] == made["id"]][0]
    assert "secret" not in listed and listed["key"] == made["secret"][:8]
    assert listed["expires"] and listed["revoked"] is None
    stored = b"".join(p.read_bytes() for p in served.data.glob("house.db*"))
    assert made["secret"].encode() not in stored


def test_a_revoked_key(served):
    made = new_key(served)
    c = client(served, made["secret"])
    ask(c)
    r = served.request("DELETE", f"/api/weighhouse/v1/keys/{made['id']}", token="admin")
    assert r.status_code == 200
    with pytest.raises(openai.AuthenticationError) as e:
        ask(c)
    assert "revoked" in e.value.message
    r = served.request("DELETE", f"/api/weighhouse/v1/keys/{made['id']}", token="admin")
    assert r.status_code == 404


def test_somebody_elses_key(served):
    other = hands.account(served, "other")
    made = new_key(served)
    r = served.request("DELETE", f"/api/weighhouse/v1/keys/{made['id']}", token=other)
    assert r.status_code == 404
    ask(client(served, made["secret"]))


def test_scopes(served):
    c = client(served, new_key(served, models=["demo/away"], endpoints=["chat"])["secret"])
    with pytest.raises(openai.PermissionDeniedError):
        ask(c)
    assert [m.id for m in c.models.list()] == ["demo/away"]
    c = client(served, new_key(served, endpoints=["completions"])["secret"])
    with pytest.raises(openai.PermissionDeniedError):
        ask(c)
    assert c.completions.create(model=MODEL, prompt="x").choices[0].text == "x"


def test_only_keys_in_force_count(fresh_house):
    """A session leaves a key behind when it ends: that is none of the thousand."""
    import sqlite3
    house = fresh_house().start()
    house.stop()
    now = time.time_ns() // 1000
    with sqlite3.connect(house.data / "house.db") as db:
        account = db.execute("SELECT id FROM account WHERE name = 'admin'").fetchone()[0]
        db.executemany(
            "INSERT INTO api_key (hash, shown, account, name, models, endpoints, minute_requests,"
            " minute_tokens, day_tokens, streams, created, expires)"
            " VALUES (?, 'wh-', ?, 'x', '', 1, 0, 0, 0, 0, 1, ?)",
            [(f"{i:064}", account, 2 if i < 1000 else now + 60_000_000 if i % 2 else None)
             for i in range(1999)])
    db.close()
    house.start()
    made = new_key(house)
    r = house.request("POST", "/api/weighhouse/v1/keys", token="admin", json={"name": "more"})
    assert "1000 keys" in hands.is_an_error(r, 413)
    r = house.request("DELETE", f"/api/weighhouse/v1/keys/{made['id']}", token="admin")
    assert r.status_code == 200
    new_key(house)


def test_the_command(served):
    made = served.run("key", "create", "by hand", "--model", MODEL, "--days", "1", check=0)
    secret = made.stdout.strip()
    assert ask(client(served, secret)).choices
    rows = json.loads(served.run("key", "list", "--json", check=0).stdout)
    row = [k for k in rows if k["key"] == secret[:8]][0]
    assert row["models"] == [MODEL]
    served.run("key", "revoke", row["id"], check=0)
    with pytest.raises(openai.AuthenticationError):
        ask(client(served, secret))
    served.run("key", "revoke", row["id"], check=1)
    served.run("key", "frobnicate", check=2)


# ---- limits and usage ----

def many(n, fn):
    barrier = threading.Barrier(n)

    def one(i):
        barrier.wait()
        try:
            return fn(i)
        except openai.APIStatusError as e:
            return e
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def test_two_hundred_at_once_do_not_overrun(served):
    """Each may use up to 100 tokens and uses few; what is reserved and what is used stay
    below the limit together, whatever comes at once."""
    key = new_key(served, limits={"requests_per_minute": 50, "tokens_per_minute": 0,
                                  "tokens_per_day": 0, "streams": 0})["secret"]
    before = len(served.engine.seen)
    got = many(200, lambda i: ask(client(served, key)))
    good = [g for g in got if not isinstance(g, Exception)]
    bad = [g for g in got if isinstance(g, Exception)]
    assert {type(b) for b in bad} == {openai.RateLimitError}, {str(b) for b in bad}
    assert len(good) == 50 and len(served.engine.seen) == before + 50
    assert all(isinstance(b, openai.RateLimitError) and b.code == "rate_limit_exceeded"
               for b in bad)
    assert all(1 <= int(b.response.headers["retry-after"]) <= 60 for b in bad)


def test_tokens_are_reserved(served):
    key = new_key(served, limits={"requests_per_minute": 0, "tokens_per_minute": 3000,
                                  "tokens_per_day": 0, "streams": 0})["secret"]
    slow = order(do="stream", tokens=["a"], delay=0.5)
    until(lambda: served.engine.open == 0)
    served.engine.peak = 0
    got = many(60, lambda i: list(client(served, key).chat.completions.create(
        model=MODEL, messages=slow, max_tokens=400, stream=True)))
    good = [g for g in got if not isinstance(g, Exception)]
    # each has reserved its 400 and its prompt until it ended
    assert good and 1 <= served.engine.peak <= 5, (len(good), served.engine.peak)
    assert all(b.status_code == 429 for b in got if isinstance(b, Exception))


def test_streams_at_once(served):
    key = new_key(served, limits={"streams": 2})["secret"]
    c = client(served, key)
    held = [c.chat.completions.create(model=MODEL, stream=True,
                                      messages=order(do="stream", endless="x", delay=0.05))
            for _ in range(2)]
    with pytest.raises(openai.RateLimitError):
        ask(c)
    held.pop().close()
    until(lambda: not refused(lambda: ask(c), openai.RateLimitError))
    held.pop().close()


def test_a_request_above_every_limit(served):
    key = new_key(served, limits={"tokens_per_minute": 100})["secret"]
    with pytest.raises(openai.RateLimitError) as e:
        ask(client(served, key, max_retries=2), max_tokens=2000)
    assert e.value.code == "insufficient_quota"
    assert e.value.response.headers["x-should-retry"] == "false"


def usage_of(house, key_id, requests, wait=20):
    end = time.monotonic() + wait
    while True:
        rows = [u for u in house.get("/api/weighhouse/v1/usage", token="admin").json()
                if u["key"] == key_id]
        if rows and rows[0]["requests"] >= requests:
            return rows[0]
        assert time.monotonic() < end, rows
        time.sleep(0.05)


def test_usage(served):
    made = new_key(served)
    c = client(served, made["secret"])
    for _ in range(3):
        ask(c, "one two")
    list(ask(c, "one two three", stream=True))
    row = usage_of(served, made["id"], 4)
    assert (row["requests"], row["prompt_tokens"], row["completion_tokens"]) == (4, 20, 9)
    assert row["model"] == MODEL


def test_the_day_survives_a_restart(fresh_house):
    engine = Engine()
    h = fresh_house(config=f"[gateway]\nupstreams = {MODEL}=unix:{engine.path}\n").start()
    publish(h, MODEL)
    made = new_key(h, limits={"tokens_per_day": 600})
    lie = order(do="stream", tokens=["a"], usage={"prompt_tokens": 9999999,
                                                  "completion_tokens": 9999999})
    c = client(h, made["secret"])
    list(c.chat.completions.create(model=MODEL, messages=lie, max_tokens=300, stream=True))
    h.stop()
    h.start()
    c = client(h, made["secret"])
    with pytest.raises(openai.RateLimitError) as e:
        ask(c, max_tokens=300)
    assert e.value.code == "insufficient_quota"
    assert e.value.response.headers["x-should-retry"] == "false"
    engine.stop()


# ---- the client of node ----

def test_node(served):
    """The official client of npm, unmodified."""
    import os
    import shutil
    node = shutil.which("node")
    if node is None or not any(
            (pathlib.Path(p) / "openai").is_dir()
            for p in os.environ.get("NODE_PATH", "").split(":") if p):
        pytest.skip("openai of npm is not installed: ./dev test installs it")
    script = pathlib.Path(__file__).parent / "openai.cjs"
    done = subprocess.run([node, str(script), served.url + "/v1", new_key(served)["secret"],
                           MODEL], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {
        "whole": "one two", "stream": "a b c ", "finish": "stop", "usage": 3,
        "models": True, "missing": "model_not_found 404", "cut": "engine_error",
        "retries": 3, "request_id": True}
