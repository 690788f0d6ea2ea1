#!/usr/bin/env python3
"""Makes the corpora of fuzz_gateway_ask (the first byte says which endpoint) and
fuzz_gateway_sse (the first byte says how large the pieces are)."""
import json
import pathlib

HERE = pathlib.Path(__file__).parent


def chat(**kw):
    return b"\0" + json.dumps({"model": "a/b", "messages": [
        {"role": "system", "content": "s"}, {"role": "user", "content": "u"}], **kw}).encode()


def text(**kw):
    return b"\1" + json.dumps({"model": "a/b", "prompt": "p", **kw}).encode()


ASK = {
    "plain": chat(),
    "parts": chat(messages=[{"role": "user", "content": [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}}]}]),
    "calls": chat(messages=[{"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "r", "odd": [["x"]]}]),
    "tools": chat(tools=[{"type": "function", "function": {"name": "f"}}],
                  tool_choice={"type": "function", "function": {"name": "f"}}),
    "stream": chat(stream=True, stream_options={"include_usage": True,
                                                "include_obfuscation": False}),
    "numbers": chat(temperature=0.5, top_p=1, seed=2**64 - 1, n=2, frequency_penalty=-2,
                    logit_bias={"50256": -100}, max_completion_tokens=5),
    "logprobs": chat(logprobs=True, top_logprobs=20),
    "both_limits": chat(max_tokens=1, max_completion_tokens=2),
    "bad_role": chat(messages=[{"role": "x", "content": "y"}]),
    "empty": chat(messages=[]),
    "nulls": chat(stop=None, tools=None, n=None),
    "unknown": chat(id_slot=3, grammar="x"),
    "lone": b'\0{"model":"m","messages":[{"role":"user","content":"\\ud800 \\udc00"}]}',
    "twice": b'\0{"model":"m","model":"n"}',
    "deep": b'\0{"a":' * 60, "no_object": b"\0[]", "nothing": b"\0",
    "text": text(), "strings": text(prompt=["a", "b"], echo=True, suffix="s", stop=["x"]),
    "tokens": text(prompt=[1, 2, 3]), "arrays": text(prompt=[[1], [2, 3]]),
    "mixed": text(prompt=["a", 1]), "best": text(best_of=2), "five": text(logprobs=5),
}


def delta(**kw):
    return json.dumps({"choices": [{"index": 0, "delta": kw, "finish_reason": None}]}).encode()


def event(data):
    return b"data: " + data + b"\n\n"


SSE = {
    "plain": b"\3" + event(delta(role="assistant", content="")) + event(delta(content="hi")) +
    event(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}') + event(b"[DONE]"),
    "crlf": b"\0data: " + delta(content="a") + b"\r\n\r\n",
    "cr": b"\1data: " + delta(content="a") + b"\r\r",
    "lines": b"\2: c\ndata: {\"choices\":\ndata: []}\nid: 1\n\n",
    "calls": b"\7" + event(delta(tool_calls=[{"index": 1, "id": "i", "function": {
        "name": "f", "arguments": "{"}}])),
    "usage": b"\7" + event(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,'
                           b'"prompt_tokens_details":{"cached_tokens":1}}}'),
    "error": b"\7event: error\n" + event(b'{"error":{"code":500,"type":"exceed_context_size_error",'
                                         b'"message":"m"}}'),
    "error_text": b"\7" + event(b'{"object":"error","message":"m","code":400}'),
    "logprobs": b"\7" + event(b'{"choices":[{"index":3,"text":"t","logprobs":{"tokens":["t"],'
                              b'"token_logprobs":[-0.123,null],"top_logprobs":[{"t":-1e-3}],'
                              b'"text_offset":[0]}}]}'),
    "whole": b"\7" + event(b'{"choices":[{"index":0,"message":{"role":"assistant","content":"x",'
                           b'"refusal":null,"reasoning_content":"r"},"finish_reason":"length"}]}'),
    "index": b"\7" + event(b'{"choices":[{"index":9,"delta":{"content":"x"}}]}'),
    "half": b"\7" + event(b'{"choices":[{"index":0,"delta":{"content":"\xc3"}}]}'),
    "empty_key": b"\7" + event(b'{"":1,"choices":[]}'),
    "no_end": b"\7data: {", "blank": b"\7\n\n\n",
}


def main():
    for name, samples in (("gateway_ask", ASK), ("gateway_sse", SSE)):
        (HERE / name).mkdir(exist_ok=True)
        for label, data in samples.items():
            (HERE / name / label).write_bytes(data)


if __name__ == "__main__":
    main()
