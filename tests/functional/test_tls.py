"""TLS: real clients over https with a CA of the test's own, and hostile ones."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

import huggingface_hub
import pytest

import hands

MIB = 1 << 20


def openssl(*args, **kw):
    return subprocess.run(["openssl", *args], capture_output=True, timeout=60, check=True, **kw)


class CA:
    """A certificate authority that nobody else trusts."""

    def __init__(self, folder):
        self.folder = folder
        self.cert, self.key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", "/CN=test CA",
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, name, days=2):
        """(certificate, key) for 127.0.0.1 and localhost."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        csr, ext = self.folder / f"{name}.csr", self.folder / "ext"
        ext.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", csr, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", csr, "-CA", self.cert, "-CAkey", self.key, "-out", cert,
                "-days", str(days), "-extfile", ext, "-CAcreateserial")
        return cert, key


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return CA(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def tls_house(ca, fresh_house, monkeypatch):
    """A house that speaks TLS, and clients that trust its CA."""
    cert, key = ca.issue("house")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca.cert))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.cert))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(ca.cert))
    huggingface_hub.close_session()  # its one client reads these when it is made
    live = pathlib.Path(tempfile.mkdtemp(prefix="weighhouse-tls-"))
    os.chmod(live, 0o755)  # the folders above it are open, unlike pytest's
    (live / "cert.pem").write_bytes(cert.read_bytes())
    (live / "key.pem").write_bytes(key.read_bytes())
    os.chmod(live / "key.pem", 0o600)
    house = fresh_house(f"[tls]\ncertificate = {live / 'cert.pem'}\nkey = {live / 'key.pem'}\n")
    house.live = live
    start_tls(house)
    yield house
    huggingface_hub.close_session()
    shutil.rmtree(live)


def start_tls(house):
    house.start()
    assert house.url.startswith("https://")


def connect(house, ca, **kw):
    ctx = ssl.create_default_context(cafile=str(ca.cert))
    for name, value in kw.items():
        setattr(ctx, name, value)
    raw = socket.create_connection(("127.0.0.1", house.port), 30)
    return ctx.wrap_socket(raw, server_hostname="127.0.0.1")


def s_client(house, *args, text=b""):
    r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}", *args],
                       input=text, capture_output=True, timeout=60, check=False)
    return r.stdout.decode(errors="replace") + r.stderr.decode(errors="replace")


def test_the_hub_client(tls_house, tmp_path):
    api = tls_house.api()
    api.create_repo("admin/m")
    import weights
    data = weights.safetensors({"w": (300, 1000)})
    (tmp_path / "model.safetensors").write_bytes(data)
    (tmp_path / "big.bin").write_bytes(os.urandom(3 * MIB))
    api.upload_folder(repo_id="admin/m", folder_path=str(tmp_path), allow_patterns=["*.safetensors"])
    assert hands.decided(tls_house, "admin/m")["weights"] == "open"
    from huggingface_hub import hf_hub_download
    path = hf_hub_download("admin/m", "model.safetensors", endpoint=tls_house.url,
                           cache_dir=str(tmp_path / "cache"))
    assert open(path, "rb").read() == data
    # a range, from the middle of a file that goes by way of the record buffer
    r = tls_house.get("/admin/m/resolve/main/model.safetensors",
                      headers={"Range": "bytes=100001-400000"})
    assert r.status_code == 206 and r.content == data[100001:400001]


def test_git_and_curl(tls_house, ca, tmp_path):
    r = subprocess.run(["curl", "-sS", "--cacert", str(ca.cert), "-i", tls_house.url + "/models",
                        "-H", "Accept: text/html"], capture_output=True, timeout=60, check=True)
    head = r.stdout.decode().split("\r\n\r\n")[0]
    assert head.startswith("HTTP/1.1 200") and "Strict-Transport-Security: max-age=" in head
    # links that the house makes say https
    tls_house.api().create_repo("admin/n")
    href = hands.actions(tls_house, "admin/n", b"x" * 100)["upload"]["href"]
    assert href.startswith(tls_house.url + "/")


def test_our_own_commands(tls_house, ca):
    env = {**os.environ, "WEIGHHOUSE_URL": tls_house.url, "WEIGHHOUSE_TOKEN": tls_house.token}
    ask = [str(tls_house.binary), "token", "list"]
    r = subprocess.run(ask, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 0 and "first start" in r.stdout, r.stderr
    # a CA that is not trusted is no house
    env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    r = subprocess.run(ask, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 4, r.stdout


def test_cookies_are_secure(tls_house):
    r = tls_house.get("/login", headers={"Accept": "text/html"})
    assert "; Secure" in r.headers["Set-Cookie"]


def test_large_answers_and_pipelines(tls_house, ca):
    """Two requests in one write, and an answer far larger than a record, read slowly."""
    with connect(tls_house, ca) as s:
        one = f"GET /errors HTTP/1.1\r\nHost: 127.0.0.1:{tls_house.port}\r\nAccept: text/html\r\n"
        s.sendall((one + "\r\n" + one + "Connection: close\r\n\r\n").encode())
        got = b""
        while True:
            piece = s.recv(1000)
            if not piece:
                break
            got += piece
        assert got.count(b"HTTP/1.1 200 OK") == 2 and got.count(b"</html>") == 2


def test_protocols(tls_house, ca):
    for version, good in (("-tls1_2", True), ("-tls1_3", True)):
        assert ("Verify return code: 0" in s_client(tls_house, version, "-CAfile", str(ca.cert))) is good
    for version in ("-tls1", "-tls1_1"):
        out = s_client(tls_house, version, "-cipher", "ALL:@SECLEVEL=0")
        assert "Cipher is (NONE)" in out or "Cipher    : 0000" in out, out
    # no ciphers without forward secrecy
    out = s_client(tls_house, "-tls1_2", "-cipher", "AES128-GCM-SHA256")
    assert "Cipher is (NONE)" in out
    out = s_client(tls_house, "-alpn", "h2,http/1.1")
    assert "ALPN protocol: http/1.1" in out
    out = s_client(tls_house, "-alpn", "h2")
    assert "alert no application protocol" in out
    # any name is answered with the one certificate
    assert "CN = house" in s_client(tls_house, "-servername", "other.example")


def test_tickets(tls_house, ca, tmp_path):
    """A session is taken up again, so that a second handshake costs no signature."""
    for version in ("-tls1_2", "-tls1_3"):
        saved = tmp_path / f"session{version}"
        ask = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{tls_house.port}\r\nConnection: close\r\n\r\n".encode()
        s_client(tls_house, version, "-sess_out", str(saved), "-ign_eof", text=ask)
        out = s_client(tls_house, version, "-sess_in", str(saved), "-ign_eof", text=ask)
        assert "Reused, " in out, out


def test_renegotiation(tls_house):
    out = s_client(tls_house, "-tls1_2", text=b"R\n")
    assert "no renegotiation" in out.lower() or "handshake failure" in out.lower(), out
    assert tls_house.get("/healthz").status_code == 200


def test_what_is_no_tls(tls_house):
    """Plain HTTP, noise, and half a hello on the port of TLS; each ends, nobody waits."""
    hello = bytes.fromhex("16030100a5010000a10303") + os.urandom(32)
    for text in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(500), b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                 hello + b"\0" * 200, struct.pack(">BHH", 22, 0x301, 0)):
        with socket.create_connection(("127.0.0.1", tls_house.port), 30) as s:
            try:
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                while s.recv(1000):
                    pass
            except OSError:
                pass
    assert tls_house.get("/healthz").status_code == 200


def metric(house, name):
    return float(re.search(rf"^{name} (\S+)$", house.get("/metrics").text, re.M).group(1))


def test_slow_handshakes_end(tls_house):
    """Who says nothing, or a little at a time, is closed after the time for a handshake; the
    others do not notice."""
    quiet = [socket.create_connection(("127.0.0.1", tls_house.port), 60) for _ in range(50)]
    for s in quiet[25:]:
        s.sendall(b"\x16\x03\x01")
    assert tls_house.get("/healthz").status_code == 200
    for s in quiet:
        s.settimeout(60)
        try:
            assert s.recv(10) == b""
        except ConnectionResetError:
            pass
        s.close()
    assert metric(tls_house, "weighhouse_tls_handshake_failures_total") >= 50


def test_many_idle(tls_house, ca):
    """500 connections stay open, each answers in the end, and none is left behind."""
    def rss():
        pid = tls_house.children()["front"][0]
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))

    before = rss()
    conns = [connect(tls_house, ca) for _ in range(500)]
    assert metric(tls_house, "weighhouse_connections") >= 500
    print("KiB for each idle connection:", (rss() - before) / 500)
    for s in conns:
        s.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{tls_house.port}\r\n\r\n".encode())
    for s in conns:
        assert s.recv(1000).startswith(b"HTTP/1.1 200")
        s.close()
    end = time.monotonic() + 30
    while metric(tls_house, "weighhouse_connections") > 5:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_crowd_of_handshakes(tls_house, ca):
    wrong = []

    def run():
        try:
            for _ in range(10):
                with connect(tls_house, ca) as s:
                    s.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{tls_house.port}\r\n"
                              "Connection: close\r\n\r\n".encode())
                    assert s.recv(1000).startswith(b"HTTP/1.1 200")
        except Exception as e:  # pylint: disable=broad-except
            wrong.append(e)

    threads = [threading.Thread(target=run) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong


def serial(house):
    out = subprocess.run(["openssl", "x509", "-noout", "-serial"], capture_output=True, timeout=60,
                         check=True, input=ssl.get_server_certificate(("127.0.0.1", house.port)).encode())
    return out.stdout


def test_a_new_certificate_is_taken(tls_house, ca):
    first = serial(tls_house)
    old = connect(tls_house, ca)
    if os.geteuid() == 0:
        # a key that front's user may read is taken without a restart
        front = tls_house.children()["front"][0]
        with open(f"/proc/{front}/status", encoding="ascii") as f:
            os.chown(tls_house.live / "key.pem", int(re.search(r"Uid:\s+(\d+)", f.read()).group(1)), -1)
    # half of a renewal changes nothing
    cert, key = ca.issue("house2")
    (tls_house.live / "cert.pem").write_bytes(b"no certificate")
    end = time.monotonic() + 60
    while "tls.kept" not in tls_house.log():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert serial(tls_house) == first
    (tls_house.live / "cert.pem").write_bytes(cert.read_bytes())
    (tls_house.live / "key.pem").write_bytes(key.read_bytes())
    end = time.monotonic() + 60
    while serial(tls_house) == first:
        assert time.monotonic() < end
        time.sleep(0.1)
    # a connection that began before goes on
    old.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{tls_house.port}\r\n\r\n".encode())
    assert old.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("what", ["no key", "other key", "no file", "empty", "passphrase"])
def test_wrong_files_stop_the_start(fresh_house, ca, tmp_path, what):
    cert, key = ca.issue("x")
    if what == "other key":
        key = ca.issue("y")[1]
    elif what == "no file":
        cert = tmp_path / "none.pem"
    elif what == "empty":
        cert = tmp_path / "empty.pem"
        cert.write_text("")
    elif what == "passphrase":
        locked = tmp_path / "locked.key"
        openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked)
        key = locked
    lines = f"[tls]\ncertificate = {cert}\n" + ("" if what == "no key" else f"key = {key}\n")
    house = fresh_house(lines)
    with pytest.raises(AssertionError):
        start_tls(house)
    assert "tls." in house.log()


def test_doctor_reads_it(tls_house):
    import test_doctor
    rows, _, _ = test_doctor.doctor(tls_house, "--listen", "0.0.0.0:443")
    assert rows["http.address"]["state"] == "ok"
    assert rows["tls.certificate"]["state"] == "warn" and "CN=house" in rows["tls.certificate"]["seen"]
    assert rows["tls.key"]["state"] == "ok"
    os.chmod(tls_house.live / "key.pem", 0o644)
    rows, _, code = test_doctor.doctor(tls_house)
    assert (rows["tls.key"]["state"], code) == ("fail", 1)
