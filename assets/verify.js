/* Checks a page of the register in the reader's own browser: the entry's hash,
 * the proof up to the root, and the signature of the checkpoint. The page says
 * the same without this script; with it, the reader need not believe the page.
 * Formats: RFC 6962 hashing, C2SP checkpoint and signed note. */
"use strict";
(function () {
  const at = (id) => document.getElementById(id);
  const text = (id) => at(id).textContent;
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const base64 = (b) => btoa(String.fromCharCode(...b));
  const join = (...parts) => {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let n = 0;
    for (const p of parts) { out.set(p, n); n += p.length; }
    return out;
  };
  const sha256 = async (b) => new Uint8Array(await crypto.subtle.digest("SHA-256", b));
  const node = (l, r) => sha256(join(Uint8Array.of(1), l, r));

  function say(items) {
    const list = document.createElement("ul");
    for (const [good, words] of items) {
      const li = document.createElement("li");
      const mark = document.createElement("span");
      mark.className = good === null ? "t-unknown" : good ? "t-yes" : "t-no";
      mark.textContent = good === null ? "not checked" : good ? "good" : "WRONG";
      li.append(mark, ": " + words);
      list.append(li);
    }
    at("verdict").replaceChildren(list);
  }

  /* RFC 9162, 2.1.3.2: from the leaf to the root. */
  async function rootOf(index, size, leaf, proof) {
    let fn = BigInt(index), sn = BigInt(size) - 1n, r = leaf;
    if (fn > sn) throw new Error("the entry lies beyond the checkpoint");
    for (const p of proof) {
      if (sn === 0n) throw new Error("the proof is too long");
      if ((fn & 1n) === 1n || fn === sn) {
        r = await node(p, r);
        while ((fn & 1n) === 0n && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
      } else {
        r = await node(r, p);
      }
      fn >>= 1n; sn >>= 1n;
    }
    if (sn !== 0n) throw new Error("the proof is too short");
    return r;
  }

  function noteOf(note) {
    const cut = note.indexOf("\n\n");
    const body = note.slice(0, cut + 1), lines = body.split("\n");
    const signatures = note.slice(cut + 2).split("\n").filter((l) => l.startsWith("\u2014 "))
      .map((l) => { const [, name, sig] = l.split(" "); return { name, sig: bytes(sig) }; });
    return { body, size: lines[1], root: lines[2], signatures };
  }

  /* vkey: name+hash+base64(0x01 || key); the hash is the first four bytes of
   * SHA-256(name "\n" 0x01 key). True, false, or null when this browser has no
   * Ed25519. */
  async function signatureGood(note, vkey) {
    const [name, id, ...rest] = vkey.trim().split("+"), key = bytes(rest.join("+"));
    const hash = await sha256(join(new TextEncoder().encode(name + "\n"), key));
    const hex = [...hash.slice(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join("");
    if (key[0] !== 1 || hex !== id) return false;
    const mine = note.signatures.find((s) => s.name === name && base64(s.sig.slice(0, 4)) === base64(hash.slice(0, 4)));
    if (!mine) return false;
    let imported;
    try {
      imported = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
    } catch (e) {
      return null;
    }
    return crypto.subtle.verify({ name: "Ed25519" }, imported, mine.sig.slice(4), new TextEncoder().encode(note.body));
  }

  const plain = (json) => JSON.stringify(JSON.parse(json));

  async function run() {
    const data = at("entry").dataset, items = [];
    const note = noteOf(text("checkpoint"));
    const proof = text("proof-text").split("\n").filter((l) => /^[A-Za-z0-9+/]{43}=$/.test(l)).map(bytes);
    const leaf = await sha256(join(Uint8Array.of(0), bytes(data.leaf)));
    items.push([plain(new TextDecoder().decode(bytes(data.leaf))) === plain(text("leaf")),
      "the entry that is shown is the one that is checked"]);
    items.push([base64(leaf) === text("leaf-hash").trim(), "the hash of the entry is the one on this page"]);
    const root = await rootOf(data.index, data.size, leaf, proof);
    items.push([base64(root) === note.root && note.size === data.size,
      "the entry and " + proof.length + " hashes give the root of the checkpoint"]);
    const signed = await signatureGood(note, text("vkey"));
    items.push([signed, signed === null ? "this browser can not verify Ed25519; the signature was left out"
      : "the checkpoint is signed by the key of this log"]);
    say(items);
  }

  if (!window.crypto || !crypto.subtle) {
    say([[null, "this browser verifies nothing on a page that came without TLS"]]);
    return;
  }
  run().catch((e) => say([[false, e.message]]));
})();
