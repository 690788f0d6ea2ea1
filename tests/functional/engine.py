"""An engine that does what the last message of a request tells it to: answers,
streams, dies, lies, or says nothing. A server on a UNIX socket, in a thread."""

import asyncio
import itertools
import json
import os
import shutil
import tempfile
import threading


class Engine:
    """What it was asked is in `seen`, how much it said in `said`; `open` are the streams that run, `peak` the most
    there were, `gone` counts those whose client side left before they ended."""

    def __init__(self):
        # not among pytest's folders: front may be another user than the tests are
        self.folder = tempfile.mkdtemp(prefix="weighhouse-engine-")
        os.chmod(self.folder, 0o755)
        self.path = self.folder + "/engine.sock"
        self.seen = []
        self.connections = 0
        self.open = self.peak = self.gone = self.said = 0
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(
            asyncio.start_unix_server(self._client, self.path, backlog=4096))
        os.chmod(self.path, 0o666)
        self.ready.set()
        self.loop.run_forever()

    async def _end(self):
        self.server.close()
        clients = asyncio.all_tasks() - {asyncio.current_task()}
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        self.loop.stop()

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop)
        self.thread.join(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _client(self, r, w):
        self.connections += 1
        try:
            while await self._request(r, w):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # gone, or told to end
        finally:
            w.close()

    async def _request(self, r, w):
        head = await r.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.decode().split("\r\n"):
            if line.lower().startswith("content-length:"):
                length = int(line.split(":")[1])
        body = json.loads(await r.readexactly(length))
        self.seen.append(body)
        if "messages" in body:
            text = body["messages"][-1]["content"]
        else:
            text = body["prompt"]
        try:
            order = json.loads(text)
            assert isinstance(order, dict)
        except (ValueError, TypeError, AssertionError):
            order = {"do": "echo", "text": text if isinstance(text, str) else "parts"}
        do = getattr(self, "do_" + order.get("do", "echo"))
        return await do(r, w, body, order)

    # ---- what it can do ----

    @staticmethod
    def whole(w, value, status="200 OK", extra=""):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        w.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}"
                f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        return True

    @staticmethod
    def answer(body, text, finish="stop"):
        n = len(text.split())
        chat = "messages" in body
        choices = []
        for i in range(body.get("n", 1)):
            c = {"index": i, "finish_reason": finish, "logprobs": None}
            if chat:
                c["message"] = {"role": "assistant", "content": text}
            else:
                c["text"] = text
            choices.append(c)
        return {"id": "engine-says-so", "object": "whatever", "created": 7,
                "model": "another-name", "choices": choices,
                "timings": {"secret": 1},
                "usage": {"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n}}

    async def do_echo(self, r, w, body, order):
        text = order.get("text", "")
        if body.get("stream"):
            return await self.do_stream(r, w, body, {"tokens": [t + " " for t in text.split()]})
        return self.whole(w, self.answer(body, text))

    async def do_error(self, r, w, body, order):
        return self.whole(w, {"error": {"code": order["status"], "message": order["message"],
                                        "type": order.get("type", "server_error")}},
                          f"{order['status']} Some")

    @staticmethod
    def chunk(w, data):
        w.write(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, w, value):
        self.chunk(w, b"data: " + (value if isinstance(value, bytes)
                                   else json.dumps(value).encode()) + b"\n\n")

    @staticmethod
    def begin(w):
        w.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")

    @staticmethod
    def delta(body, text=None, finish=None, index=0):
        c = {"index": index, "finish_reason": finish}
        if "messages" in body:
            c["delta"] = {} if text is None else {"content": text}
        else:
            c["text"] = text or ""
        return {"id": "x", "object": "o", "created": 1, "model": "m", "choices": [c]}

    async def do_stream(self, r, w, body, order):
        """tokens, delay; then how it ends."""
        self.open += 1
        self.peak = max(self.peak, self.open)
        running = True
        watch = asyncio.ensure_future(r.read(1))
        try:
            self.begin(w)
            tokens = order.get("tokens", [])
            if order.get("endless"):
                tokens = itertools.repeat(order["endless"], order.get("most", 1 << 62))
            for t in tokens:
                if watch.done():
                    self.gone += 1
                    return False
                self.event(w, self.delta(body, t))
                await w.drain()
                self.said += len(t)
                await asyncio.sleep(order.get("delay", 0))
            for raw in order.get("raw", []):
                self.chunk(w, raw.encode("latin-1"))
            how = order.get("then", "stop")
            if how == "die":
                await w.drain()
                w.transport.abort()
                return False
            if how == "close":
                w.write(b"0\r\n\r\n")
                return True
            if how == "silence":
                await asyncio.wait([watch])
                self.gone += 1
                return False
            # from here on a client may know that it is over, and ask again
            running = False
            self.open -= 1
            self.event(w, self.delta(body, None, how))
            if body.get("stream_options", {}).get("include_usage"):
                self.event(w, {"choices": [], "usage": order.get("usage") or {
                    "prompt_tokens": 5, "completion_tokens": len(order.get("tokens", [])),
                    "total_tokens": 5 + len(order.get("tokens", []))}})
            self.event(w, b"[DONE]")
            w.write(b"0\r\n\r\n")
            await w.drain()
            return True
        except ConnectionError:
            self.gone += 1
            return False
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            self.open -= running

    async def do_silence(self, r, w, body, order):
        self.open += 1
        if await r.read(1) == b"":
            self.gone += 1
        self.open -= 1
        return False

    async def do_raw(self, r, w, body, order):
        w.write(order["bytes"].encode("latin-1"))
        await w.drain()
        return False
