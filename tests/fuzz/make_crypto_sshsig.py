#!/usr/bin/env python3
"""Makes the corpus of fuzz_crypto_sshsig: armoured signatures, blobs and lines
of keys, good in form and not."""
import base64
import pathlib
import struct

ED = b"\3\xa1\7\xbf\xf3\xce\x10\xbe\x1dp\xdd\x18\xe7K\xc0\x99" + bytes(range(16))
POINT = b"\4" + bytes(range(64))


def s(b):
    return struct.pack(">I", len(b)) + b


def key(kind):
    out = s(kind)
    out += s(b"nistp256") + s(POINT) if b"nistp256" in kind else s(ED)
    return out + (s(b"ssh:") if kind.startswith(b"sk-") else b"")


def sig(kind, ns=b"fuzz", reserved=b"", hash_=b"sha512", version=1, tail=b"", inner=None):
    if inner is None:
        pair = s(b"\0" + b"\xf0" * 32) + s(b"\1" * 32)
        inner = s(kind) + (s(pair) if b"nistp256" in kind else s(b"\7" * 64))
        inner += b"\5\0\0\0\x2a" if kind.startswith(b"sk-") else b""
    return (b"SSHSIG" + struct.pack(">I", version) + s(key(kind)) + s(ns) +
            s(reserved) + s(hash_) + s(inner) + tail)


def armour(blob, width=70):
    code = base64.b64encode(blob)
    rows = [code[i:i + width] for i in range(0, len(code), width)]
    return (b"-----BEGIN SSH SIGNATURE-----\n" + b"\n".join(rows) +
            b"\n-----END SSH SIGNATURE-----\n")


def main():
    kinds = {"ed25519": b"ssh-ed25519", "p256": b"ecdsa-sha2-nistp256",
             "sk-ed25519": b"sk-ssh-ed25519@openssh.com",
             "sk-p256": b"sk-ecdsa-sha2-nistp256@openssh.com"}
    samples = {"empty": b"", "magic": b"SSHSIG", "armour-empty": armour(b"")}
    for name, kind in kinds.items():
        samples["blob-" + name] = sig(kind)
        samples["text-" + name] = armour(sig(kind))
        samples["line-" + name] = kind + b" " + base64.b64encode(key(kind)) + b" ada\n"
    ed = kinds["ed25519"]
    samples["rsa"] = b"ssh-rsa " + base64.b64encode(s(b"ssh-rsa") + s(b"\3") + s(b"\x81" * 64))
    samples["version"] = sig(ed, version=2)
    samples["reserved"] = sig(ed, reserved=b"x")
    samples["hash"] = sig(ed, hash_=b"sha1")
    samples["no-namespace"] = sig(ed, ns=b"")
    samples["tail"] = sig(ed, tail=b"x")
    samples["inner-type"] = sig(ed, inner=s(kinds["p256"]) + s(b"\7" * 64))
    samples["inner-short"] = sig(ed, inner=s(ed) + s(b"\7" * 63))
    samples["huge-length"] = b"SSHSIG\0\0\0\1\xff\xff\xff\xff"
    samples["negative"] = sig(kinds["p256"], inner=s(kinds["p256"]) + s(s(b"\x80") + s(b"\1")))
    samples["wide"] = armour(sig(ed), 76)
    samples["crlf"] = armour(sig(ed)).replace(b"\n", b"\r\n")
    folder = pathlib.Path(__file__).parent / "crypto_sshsig"
    folder.mkdir(exist_ok=True)
    for name, body in samples.items():
        (folder / name).write_bytes(body)


main()
