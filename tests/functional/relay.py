"""A relay between a real client and a house that can stop the stream in the middle of
an upload, and remembers what was sent."""

import re
import socket
import threading


class Relay:
    """Clients are given relay.url; links in the house's answers lead here too, since
    they follow the Host header."""

    def __init__(self, house, stop_after=None, keep=False):
        """stop_after: bytes from all clients together after which none is passed on
        until go() is called."""
        self.port = house.port
        self.left = stop_after
        self.keep = keep
        self.streams = []
        self.stopped = threading.Event()  # the limit was reached
        self.gate = threading.Event()
        if stop_after is None:
            self.gate.set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.listener.close()
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def go(self):
        self.gate.set()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                house = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            stream = bytearray()
            self.open += [client, house]
            self.streams.append(stream)
            threading.Thread(target=self._up, args=(client, house, stream), daemon=True).start()
            threading.Thread(target=self._down, args=(house, client), daemon=True).start()

    def _pass(self, n):
        """Wait until n more bytes may go."""
        if self.gate.is_set():
            return
        with self.lock:
            self.left -= n
            over = self.left < 0
        if over:
            self.stopped.set()
            self.gate.wait()

    def _up(self, client, house, stream):
        try:
            while data := client.recv(65536):
                self._pass(len(data))
                if self.keep:
                    stream += data
                house.sendall(data)
            house.shutdown(socket.SHUT_WR)
        except OSError:
            house.close()

    def _down(self, house, client):
        try:
            while data := house.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            client.close()

    def bodies(self, pattern):
        """Bodies of the kept requests whose request line fits."""
        out = []
        for stream in self.streams:
            rest = bytes(stream)
            while b"\r\n\r\n" in rest:
                head, rest = rest.split(b"\r\n\r\n", 1)
                length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
                assert b"transfer-encoding" not in head.lower(), head
                n = int(length.group(1)) if length else 0
                if re.match(pattern, head):
                    out.append(rest[:n])
                rest = rest[n:]
        return out
