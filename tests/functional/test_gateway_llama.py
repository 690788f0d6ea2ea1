"""The official client, the gateway, and a real llama-server with a small model."""

import socket
import subprocess
import time

import openai
import pytest

import engines
from test_gateway import MODEL, client, new_key, publish, until


@pytest.fixture(scope="module")
def served():
    from conftest import House, new_base
    model = engines.smollm2()
    program = engines.llama_server() if model else None
    if not program or not model:
        pytest.skip("no llama-server or no SmolLM2 here: ./dev test brings both")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    llama = subprocess.Popen([program, "-m", str(model), "--host", "127.0.0.1", "--port",
                              str(port), "-c", "2048", "-np", "2", "-t", "2"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    h = House(new_base(), config="[gateway]\ncontext = 1024\n"
              f"upstreams = {MODEL}=http://127.0.0.1:{port}\n").start()
    try:
        publish(h, MODEL)
        yield h
    finally:
        llama.kill()
        llama.wait()
        assert h.stop() == 0


@pytest.fixture(scope="module")
def ready(served):
    c = client(served)

    def answers():
        try:
            return c.chat.completions.create(model=MODEL, max_tokens=1, messages=[
                {"role": "user", "content": "Hi"}])
        except openai.InternalServerError as e:
            assert e.code in ("engine_unavailable", "engine_error"), e
            time.sleep(0.3)
            return None
    until(answers, wait=120)
    return c


def test_a_chat(ready):
    got = ready.chat.completions.create(model=MODEL, max_tokens=24, temperature=0, seed=1,
                                        messages=[{"role": "user", "content": "Say hello."}])
    assert len(got.choices[0].message.content) > 3 and got.model == MODEL
    assert 1 <= got.usage.completion_tokens <= 24 and got.usage.prompt_tokens > 5
    assert got.choices[0].finish_reason in ("stop", "length")


def test_a_stream_says_the_same(ready):
    ask = {"model": MODEL, "max_tokens": 24, "temperature": 0, "seed": 1,
           "messages": [{"role": "user", "content": "Name three colours."}]}
    whole = ready.chat.completions.create(**ask).choices[0].message.content
    got = list(ready.chat.completions.create(stream=True, stream_options={"include_usage": True},
                                             **ask))
    assert "".join(x.choices[0].delta.content or "" for x in got if x.choices) == whole
    assert got[-1].usage.completion_tokens <= 24


def test_completions_and_logprobs(ready):
    got = ready.completions.create(model=MODEL, prompt="Once upon a", max_tokens=5, temperature=0)
    assert got.choices[0].text
    got = ready.chat.completions.create(model=MODEL, max_tokens=3, temperature=0, logprobs=True,
                                        top_logprobs=2,
                                        messages=[{"role": "user", "content": "Hi"}])
    first = got.choices[0].logprobs.content[0]
    assert first.logprob <= 0 and len(first.top_logprobs) == 2


def test_a_prompt_that_is_too_long(ready, served):
    free = new_key(served, limits={"tokens_per_minute": 0, "tokens_per_day": 0})["secret"]
    with pytest.raises(openai.BadRequestError) as e:
        client(served, free).chat.completions.create(
            model=MODEL, max_tokens=5, messages=[{"role": "user", "content": "word " * 5000}])
    assert e.value.code == "context_length_exceeded"
