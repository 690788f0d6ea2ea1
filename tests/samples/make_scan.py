#!/usr/bin/env python3
"""Writes the scanner's sample files: findings/ID--CASE.EXT, each of which must
raise the finding ID; clean/, which must raise none that is dangerous; and the
starting corpora of the fuzz targets that take no whole files. All of them are made up here,
byte by byte; the same input gives the same files."""

import gzip
import bz2
import io
import json
import lzma
import pathlib
import shutil
import struct
import tarfile
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
FUZZ = HERE.parent / "fuzz"


def put(folder, name, data):
    path = HERE / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def finding(name, data):
    put("findings", name, data)


def clean(name, data):
    put("clean", name, data)


# ---- safetensors ----

BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8,
        "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
        "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
        "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
        "U64": 64}


def noise(n, seed=1):
    """n bytes that no format begins with."""
    out = bytearray()
    s = seed
    for _ in range(n):
        s = (s * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(s >> 56)
    return bytes(out)


def raw_st(header, data=b"", length=None):
    if isinstance(header, str):
        header = header.encode()
    n = len(header) if length is None else length
    return struct.pack("<Q", n) + header + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def st(tensors, metadata=None, pad=True):
    """tensors: list of (name, dtype, shape); data is noise."""
    header, at = {}, 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, dtype, shape in tensors:
        n = BITS[dtype]
        for d in shape:
            n *= d
        header[name] = entry(dtype, shape, at, at + n // 8)
        at += n // 8
    text = json.dumps(header, separators=(",", ":"))
    if pad:
        text += " " * (-len(text.encode()) % 8)
    return raw_st(text, noise(at))


def one(dtype="F32", shape=(2,), begin=0, end=8, name="a"):
    return json.dumps({name: entry(dtype, list(shape), begin, end)})


def safetensors_findings():
    eight = noise(8)
    good = one()
    f = finding
    f("safetensors.truncated--header.safetensors", raw_st(good, length=4096))
    f("safetensors.truncated--data.safetensors", raw_st(good, eight[:5]))
    f("safetensors.truncated--no_data.safetensors", raw_st(good))
    f("safetensors.truncated--beyond_any_file.safetensors", raw_st(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":'
        '[18446744073709551614,18446744073709551615]}}', eight))
    bad_headers = {
        "float": '{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}',
        "exponent": '{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}',
        "negative": '{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}',
        "minus_zero": '{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}',
        "leading_zero": '{"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}',
        "beyond_u64":
            '{"a":{"dtype":"F32","shape":[18446744073709551616],'
            '"data_offsets":[0,8]}}',
        "unknown_field":
            '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}',
        "no_dtype": '{"a":{"shape":[2],"data_offsets":[0,8]}}',
        "no_shape": '{"a":{"dtype":"F32","data_offsets":[0,8]}}',
        "no_offsets": '{"a":{"dtype":"F32","shape":[2]}}',
        "one_offset": '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}',
        "string_offset":
            '{"a":{"dtype":"F32","shape":[2],"data_offsets":["0",8]}}',
        "tensor_is_number": '{"a":5}',
        "tensor_is_null": '{"a":null}',
        "metadata_number": '{"__metadata__":{"a":1}}',
        "metadata_nested": '{"__metadata__":{"a":{}}}',
        "metadata_string": '{"__metadata__":"a"}',
        "trailing_comma": '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}',
        "single_quotes": "{ 'a':1}",
        "lone_surrogate":
            '{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        "nul": '{"\\u0000":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        "control": '{"a\n":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        "unclosed": '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}',
        "unclosed_string": '{"a',
        "comment": '{"a":/**/{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        "word": '{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}',
    }
    for name, text in bad_headers.items():
        f(f"safetensors.header--{name}.safetensors", raw_st(text, eight))
    f("safetensors.header--not_utf8.safetensors", raw_st(
        b'{"\xff\xfe":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight))
    f("safetensors.header--overlong_utf8.safetensors", raw_st(
        b'{"\xc0\x80":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight))
    t = '{"dtype":"U8","shape":[4],"data_offsets":[%d,%d]}'
    f("safetensors.duplicate--plain.safetensors", raw_st(
        '{"a":%s,"a":%s}' % (t % (0, 4), t % (4, 8)), eight))
    f("safetensors.duplicate--escaped.safetensors", raw_st(
        '{"a":%s,"\\u0061":%s}' % (t % (0, 4), t % (4, 8)), eight))
    f("safetensors.duplicate--surrogates.safetensors", raw_st(
        '{"\U0001f600":%s,"\\ud83d\\ude00":%s}' % (t % (0, 4), t % (4, 8)),
        eight))
    f("safetensors.duplicate--metadata.safetensors", raw_st(
        '{"__metadata__":{},"__metadata__":{"a":"b"}}'))
    f("safetensors.duplicate--in_metadata.safetensors", raw_st(
        '{"__metadata__":{"format":"pt","format":"tf"}}'))
    f("safetensors.duplicate--field.safetensors", raw_st(
        '{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}',
        eight))
    f("safetensors.dtype--unknown.safetensors", raw_st(one("F31"), eight))
    f("safetensors.dtype--lower_case.safetensors", raw_st(one("f32"), eight))
    f("safetensors.dtype--gguf_only.safetensors", raw_st(one("Q4_0"), eight))
    f("safetensors.size--too_few.safetensors", raw_st(one("F32", (3,)), eight))
    f("safetensors.size--two_to_63.safetensors", raw_st(
        one("F32", (2**63,)), eight))
    f("safetensors.size--product_wraps.safetensors", raw_st(
        one("F32", (2**32, 2**32, 2)), eight))
    f("safetensors.size--bytes_wrap.safetensors", raw_st(
        one("F64", (2**61,), 0, 0)))
    f("safetensors.size--half_a_byte.safetensors", raw_st(
        one("F4", (3,), 0, 1), eight[:1]))
    two = '{"a":{"dtype":"U8","shape":[4],"data_offsets":[%d,%d]},' \
          '"b":{"dtype":"U8","shape":[4],"data_offsets":[%d,%d]}}'
    f("safetensors.layout--overlap.safetensors",
      raw_st(two % (0, 4, 2, 6), eight[:6]))
    f("safetensors.layout--same_bytes.safetensors",
      raw_st(two % (0, 4, 0, 4), eight[:4]))
    f("safetensors.layout--hole.safetensors",
      raw_st(two % (0, 4, 5, 9), noise(9)))
    f("safetensors.layout--first_not_zero.safetensors",
      raw_st(one("F32", (2,), 4, 12), noise(12)))
    f("safetensors.layout--end_before_begin.safetensors",
      raw_st(one("F32", (2,), 8, 0), eight))
    f("limit.over--header_two_to_63.safetensors", raw_st(good, eight, 2**63))
    f("limit.over--header_100000001.safetensors",
      raw_st(good, eight, 100_000_001))
    f("limit.over--rank_nine.safetensors", raw_st(
        one("F32", (1,) * 8 + (2,)), eight))
    f("limit.over--long_name.safetensors", raw_st(one(name="a" * 5000), eight))
    f("limit.over--deep.safetensors", raw_st(
        '{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}', eight))
    f("bytes.unexplained--after_the_data.safetensors",
      raw_st(good, eight + b"payload"))
    f("bytes.unexplained--after_the_header.safetensors",
      raw_st(good + " x", eight))
    f("bytes.unexplained--newline_after_the_header.safetensors",
      raw_st(good + "\n", eight))
    f("packing.estimated--plain_bytes.safetensors",
      st([("layer.weight", "U8", [16, 16])]))


def safetensors_clean():
    clean("empty_header.safetensors", raw_st("{}"))
    clean("one.safetensors", raw_st(one(), noise(8)))
    clean("metadata.safetensors", st([("a", "F32", [2, 3])],
                                     {"format": "pt", "é": "\U0001f600\n"}))
    clean("unpadded.safetensors", st([("abc", "F16", [3])], pad=False))
    clean("zero_and_scalar.safetensors", st(
        [("empty", "F32", [0, 5]), ("scalar", "F32", []),
         ("also_empty", "I64", [3, 0])]))
    clean("all_dtypes.safetensors", st(
        [(f"t.{d}", d, [2, 4]) for d in sorted(BITS)]))
    clean("tied.safetensors", tied())
    clean("bert.safetensors", st(
        [("embeddings.position_ids", "I64", [1, 8]),
         ("embeddings.word_embeddings.weight", "F32", [100, 16])] +
        [(f"encoder.layer.{i}.attention.self.query.weight", "F32", [16, 16])
         for i in range(3)]))
    clean("gptq.safetensors", st(
        [("l.qweight", "I32", [64 * 4 // 32, 32]),
         ("l.qzeros", "I32", [2, 32 * 4 // 32]),
         ("l.scales", "F16", [2, 32]), ("l.g_idx", "I32", [64])]))
    clean("awq.safetensors", st(
        [("l.qweight", "I32", [64, 32 * 4 // 32]),
         ("l.qzeros", "I32", [2, 32 * 4 // 32]),
         ("l.scales", "F16", [2, 32])]))
    clean("mxfp4.safetensors", st(
        [("e.gate_blocks", "U8", [8, 4, 16]), ("e.gate_scales", "U8", [8, 4])]))
    clean("nvfp4.safetensors", st(
        [("l.weight", "U8", [16, 32]), ("l.weight_scale", "F8_E4M3", [16, 4]),
         ("l.weight_scale_2", "F32", [])]))
    clean("bnb4.safetensors", st(
        [("l.weight", "U8", [512, 1]), ("l.weight.absmax", "F32", [16]),
         ("l.weight.quant_map", "F32", [16])]))
    clean("fp8.safetensors", st(
        [("l.weight", "F8_E4M3", [128, 128]),
         ("l.weight_scale_inv", "F32", [1, 1])]))
    clean("char_model.safetensors", st(
        [("wte.weight", "F32", [24, 8]), ("h.0.attn.c_attn.weight", "F32",
                                         [8, 24])]))


def tied():
    """The same matrix under two names, and two equal vectors."""
    m, v = noise(64), b"\0\0\x80\x3f" * 4
    h = {"embed_tokens.weight": entry("F32", [4, 4], 0, 64),
         "lm_head.weight": entry("F32", [4, 4], 64, 128),
         "n1": entry("F32", [4], 128, 144), "n2": entry("F32", [4], 144, 160)}
    return raw_st(json.dumps(h), m + m + v + v)


# ---- GGUF ----

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f",
        BOOL: "B", U64: "Q", I64: "q", F64: "d"}
BLOCK = {0: (4, 1), 1: (2, 1), 2: (18, 32), 3: (20, 32), 6: (22, 32),
         7: (24, 32), 8: (34, 32), 10: (84, 256), 11: (110, 256),
         12: (144, 256), 13: (176, 256), 14: (210, 256), 16: (66, 256),
         17: (74, 256), 18: (98, 256), 19: (50, 256), 20: (18, 32),
         21: (110, 256), 22: (82, 256), 23: (136, 256), 24: (1, 1),
         25: (2, 1), 26: (4, 1), 27: (8, 1), 28: (8, 1), 29: (56, 256),
         30: (2, 1), 34: (54, 256), 35: (66, 256), 39: (17, 32), 40: (36, 64),
         41: (18, 128), 42: (18, 64)}


class Gguf:
    """Writes what it is told, right or wrong."""

    def __init__(self, version=3, end="<"):
        self.e, self.version = end, version
        self.keys, self.tensors, self.data = [], [], b""
        self.align, self.offset = 32, 0

    def p(self, fmt, *v):
        return struct.pack(self.e + fmt, *v)

    def text(self, s):
        b = s if isinstance(s, bytes) else s.encode()
        return self.p("Q", len(b)) + b

    def value(self, kind, v):
        if kind == STRING:
            return self.text(v)
        if kind == ARRAY:
            inner, items = v
            return self.p("IQ", inner, len(items)) + b"".join(
                self.value(inner, i) for i in items)
        return self.p(PACK[kind], v)

    def kv(self, key, kind, v):
        return self.raw_kv(self.text(key) + self.p("I", kind) +
                           self.value(kind, v))

    def raw_kv(self, b):
        self.keys.append(b)
        return self

    def tensor(self, name, dims, kind=0, offset=None, data=None):
        """dims in file order: the contiguous one first."""
        size, count = BLOCK.get(kind, (4, 1))
        n = 1
        for d in dims:
            n *= d
        n = n // count * size if n < 2**40 else 0
        at = self.offset if offset is None else offset
        self.tensors.append(
            self.text(name) + self.p("I", len(dims)) +
            b"".join(self.p("Q", d) for d in dims) + self.p("IQ", kind, at))
        body = noise(n, len(self.tensors)) if data is None else data
        self.data += body + bytes(-len(body) % self.align)
        self.offset += len(body) + -len(body) % self.align
        return self

    def done(self, tensors=None, keys=None, pad=b"\0", cut=0):
        head = (b"GGUF" + self.p("I", self.version) +
                self.p("QQ", len(self.tensors) if tensors is None else tensors,
                       len(self.keys) if keys is None else keys) +
                b"".join(self.keys) + b"".join(self.tensors))
        head += pad * (-len(head) % self.align)
        out = head + self.data
        return out[:len(out) - cut] if cut else out


def llama(g=None, width=32):
    g = g or Gguf()
    g.kv("general.architecture", STRING, "llama")
    g.kv("general.name", STRING, "tiny")
    g.kv("llama.block_count", U32, 2)
    g.kv("llama.embedding_length", U32, width)
    g.kv("llama.attention.head_count", U32, 4)
    g.kv("tokenizer.ggml.tokens", ARRAY,
         (STRING, ["<s>", "the", "house", "weighs", " a", " model"]))
    g.kv("tokenizer.ggml.scores", ARRAY, (F32, [0.0, 1.0, 2.0]))
    g.tensor("token_embd.weight", [32, 6], 0)
    for i in range(2):
        g.tensor(f"blk.{i}.attn_q.weight", [32, 32], 2)
    return g


def gguf_findings():
    f = finding
    whole = llama().done()
    f("gguf.truncated--magic.gguf", b"GGUF")
    f("gguf.truncated--counts.gguf", whole[:20])
    f("gguf.truncated--settings.gguf", whole[:100])
    f("gguf.truncated--data.gguf", whole[:-700])
    f("gguf.truncated--count_of_keys.gguf", llama().done(keys=60000))
    f("gguf.truncated--count_of_tensors.gguf", llama().done(tensors=900000))
    f("gguf.truncated--array.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<IIQ", ARRAY, F64, 4000000)).done())
    f("gguf.truncated--string.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<IQ", STRING, 16000000)).done())
    f("gguf.truncated--larger_than_any_file.gguf",
      Gguf().tensor("a", [2**60], 0).tensor("b", [2**60], 0,
                                            offset=2**62).done())
    f("gguf.header--nested_array.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<IIQ", ARRAY, ARRAY, 1) +
        struct.pack("<IQ", U8, 0)).done())
    f("gguf.header--bool_two.gguf", Gguf().kv("a", BOOL, 2).done())
    f("gguf.header--bool_array.gguf",
      Gguf().kv("a", ARRAY, (BOOL, [0, 1, 255])).done())
    f("gguf.header--value_type.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<I", 13) + noise(40)).done())
    f("gguf.header--array_type.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<IIQ", ARRAY, 77, 1) +
        noise(40)).done())
    f("gguf.header--empty_key.gguf", Gguf().kv("", U32, 1).kv("b", U32, 1).done())
    for name, text in (("nul", b"ll\0ama"), ("empty", b""), ("long", b"a" * 65),
                       ("latin1", b"\xff")):
        f(f"gguf.header--architecture_{name}.gguf",
          Gguf().kv("general.architecture", STRING, text).done())
    for name, kind, v in (("zero", U32, 0), ("three", U32, 3),
                          ("huge", U32, 2**31), ("u64", U64, 32)):
        f(f"gguf.header--alignment_{name}.gguf",
          Gguf().kv("general.alignment", kind, v).done())
    f("gguf.header--row_not_whole_blocks.gguf",
      Gguf().tensor("a", [16, 2], 2, data=noise(18)).done())
    f("gguf.header--two_to_63_elements.gguf",
      Gguf().tensor("a", [2**63], 0).done())
    f("gguf.header--product_wraps.gguf",
      Gguf().tensor("a", [2**32, 2**32], 0).done())
    for v in (0, 1, 4, 255):
        f(f"gguf.version--{v}.gguf", llama(Gguf(v)).done())
    f("gguf.duplicate--key.gguf", llama().kv("general.name", STRING, "x").done())
    f("gguf.duplicate--key_other_type.gguf",
      llama().kv("llama.block_count", U64, 80).done())
    f("gguf.duplicate--tensor.gguf",
      llama().tensor("token_embd.weight", [32], 0).done())
    f("gguf.duplicate--empty_name.gguf", Gguf().tensor("", [32], 0).done())
    for kind, name in ((4, "removed"), (31, "removed_too"), (9, "q8_1"),
                       (15, "q8_k"), (43, "future"), (2**32 - 1, "minus_one")):
        f(f"gguf.type--{name}.gguf", Gguf().tensor("a", [256], kind).done())
    f("gguf.layout--offset.gguf",
      Gguf().tensor("a", [8], 0).tensor("b", [8], 0, offset=64).done())
    f("gguf.layout--overlap.gguf",
      Gguf().tensor("a", [8], 0).tensor("b", [8], 0, offset=0).done())
    f("gguf.layout--not_aligned.gguf",
      Gguf().tensor("a", [2], 0).tensor("b", [2], 0, offset=8).done())
    f("gguf.layout--first_not_zero.gguf",
      Gguf().tensor("a", [8], 0, offset=32).done())
    f("gguf.byte_order--big_endian.gguf", llama(Gguf(3, ">")).done())
    f("limit.over--tensors_two_to_63.gguf", llama().done(tensors=2**63))
    f("limit.over--keys_two_to_63.gguf", llama().done(keys=2**63))
    f("limit.over--string_two_to_63.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<IQ", STRING, 2**63)).done())
    f("limit.over--key_two_to_63.gguf", Gguf().raw_kv(
        struct.pack("<Q", 2**63) + noise(20)).done())
    f("limit.over--array_two_to_63.gguf", Gguf().raw_kv(
        Gguf().text("a") + struct.pack("<IIQ", ARRAY, U8, 2**63)).done())
    f("limit.over--name.gguf", Gguf().tensor("n" * 300, [32], 0).done())
    f("limit.over--rank.gguf", Gguf().tensor("a", [1] * 5, 0).done())
    f("bytes.unexplained--after_the_data.gguf", whole + b"x" * 40)
    f("bytes.unexplained--padding_before.gguf", odd_header().done(pad=b"\1"))
    g = Gguf().tensor("a", [2], 0)
    g.data = g.data[:-1] + b"\7"
    f("bytes.unexplained--padding_after.gguf", g.done())
    f("ggml.old--ggjt.bin", b"tjgg" + struct.pack("<I", 3) + noise(64))
    f("ggml.old--ggml.bin", b"lmgg" + struct.pack("<I", 32000) + noise(64))
    f("config.contradiction--width.gguf", llama(width=64).done())
    f("speciality.biology--tokens.gguf", Gguf().kv(
        "tokenizer.ggml.tokens", ARRAY,
        (STRING, ["<cls>", "<pad>"] + list("LAGVSERTIDPKQNFYMHWCXBUZO"))
    ).tensor("token_embd.weight", [8, 27], 0).done())
    f("template.found--plain.gguf", llama().kv(
        "tokenizer.chat_template", STRING,
        "{% for m in messages %}{{ m['role'] }}: {{ m.content }}\n{% endfor %}"
    ).done())
    for name, text in SUSPICIOUS.items():
        f(f"template.suspicious--{name}.gguf", llama().kv(
            "tokenizer.chat_template.tool", STRING, text).done())


SUSPICIOUS = {
    "class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "index": "{{ messages['__init__'] }}",
    "attr": "{{ messages | attr('x') }}",
    "import": "{%- import 'a' as b -%}",
    "cycler": "{{ cycler.next }}",
    "escape": "{{ messages['\\x5f\\x5finit'] }}",
}


def odd_header():
    g = Gguf().kv("a", U8, 1)
    return g.tensor("a", [8], 0)


def gguf_clean():
    clean("llama.gguf", llama().done())
    clean("llama_v2.gguf", llama(Gguf(2)).done())
    clean("vocabulary_only.gguf", Gguf().kv("general.architecture", STRING,
                                            "llama").done())
    clean("nothing.gguf", Gguf().done())
    clean("last_unpadded.gguf", Gguf().tensor("a", [3], 0).done(cut=20))
    g = Gguf().kv("general.alignment", U32, 64)
    g.align = 64
    clean("alignment_64.gguf", g.tensor("a", [3], 0).tensor("b", [5], 1).done())
    g = Gguf()
    for kind, (_, count) in sorted(BLOCK.items()):
        g.tensor(f"t{kind}", [count * 2], kind)
    clean("all_types.gguf", g.done())
    clean("zero_dimension.gguf", Gguf().tensor("a", [0, 4], 0).done())
    clean("all_values.gguf", Gguf().kv("u8", U8, 1).kv("i8", I8, -1)
          .kv("u16", U16, 1).kv("i16", I16, -1).kv("u32", U32, 1)
          .kv("i32", I32, -1).kv("f32", F32, 1.5).kv("bool", BOOL, 1)
          .kv("string", STRING, "x").kv("u64", U64, 1).kv("i64", I64, -1)
          .kv("f64", F64, 2.5).kv("array", ARRAY, (I16, [1, 2, 3]))
          .kv("bools", ARRAY, (BOOL, [0, 1])).tensor("a", [4], 0).done())


# ---- programs and containers ----

def elf():
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 62, 1) + \
        bytes(100)


def pe():
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + noise(64)


def zipped(names, content=b"text"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for n in names:
            z.writestr(zipfile.ZipInfo(n, (2020, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def tarred():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        info = tarfile.TarInfo("a.txt")
        info.size = 4
        t.addfile(info, io.BytesIO(b"text"))
    return out.getvalue()


def old_tarred():
    """A header without "ustar"; only its sum says what it is."""
    b = bytearray(tarred())
    b[257:265] = bytes(8)
    b[148:156] = b" " * 8
    b[148:156] = b"%06o\0 " % sum(b[:512])
    return bytes(b)


CALL = {
    "protocol_0": b"cos\nsystem\n(S'true'\ntR.",
    "protocol_0_broken": b"cos\nsystem\n(S'true'\ntR\xff\xff",
    "protocol_0_instance": b"(S'true'\nios\nsystem\n.",
    "protocol_2": b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.",
    "protocol_4": b"\x80\x04\x95\x17\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system"
                  b"\x94\x93\x8c\x04true\x85R.",
    "broken_after_call": b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R\xff\xff",
    "legacy_torch": b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9"
                    b"\x03.",
    "plain_list": b"\x80\x04]\x94(K\x01K\x02e.",
}


def program_findings():
    f = finding
    f("program.elf--header", elf())
    f("program.elf--32_bit", b"\x7fELF\x01\x01\x01" + bytes(60))
    f("program.pe--header.exe", pe())
    f("program.pe--dos.com", b"MZ" + struct.pack("<HH", 100, 1) + bytes(200))
    for i, magic in enumerate(("feedface", "feedfacf", "cefaedfe", "cffaedfe",
                               "cafebabe00000002")):
        f(f"program.macho--{i}", bytes.fromhex(magic) + bytes(64))
    f("program.class--java.class", bytes.fromhex("cafebabe00000034") + noise(50))
    f("program.wasm--module.wasm", b"\0asm\1\0\0\0" + noise(20))
    for name, data in CALL.items():
        f(f"program.pickle--{name}.bin", data)
    f("program.marshal--cached.pyc", b"\xa7\x0d\r\n" + bytes(12) + b"\xe3" +
      bytes(40))
    f("program.marshal--bare.bin", b"\xe3" + struct.pack("<5I", 0, 0, 0, 1, 64) +
      noise(30))
    f("program.zip--torch.pt", zipped(["m/data.pkl", "m/data/0", "m/version"]))
    f("program.zip--jar.jar", zipped(["META-INF/MANIFEST.MF"]))
    f("program.zip--wheel.whl", zipped(["a/__init__.py"]))
    f("program.zip--behind_other_bytes.bin", noise(300) + zipped(["a/b.so"]))
    f("program.script--shell.sh", b"#!/bin/sh\necho weigh\n")
    f("program.script--env.py", b"#! /usr/bin/env python3\nprint(1)\n")
    f("program.html--page.html", b"<!DOCTYPE html><title>a</title>\n")
    f("program.html--script.txt", b"\n <script>alert(1)</script>\n")
    f("archive.zip--texts.zip", zipped(["a.txt", "b.txt"]))
    f("archive.zip--empty.zip", b"PK\5\6" + bytes(18))
    f("archive.tar--ustar.tar", tarred())
    f("archive.tar--old.tar", old_tarred())
    f("archive.7z--header.7z", b"7z\xbc\xaf\x27\x1c" + noise(40))
    f("archive.rar--header.rar", b"Rar!\x1a\x07\1\0" + noise(40))
    f("archive.gzip--text.gz", gzip.compress(b"text", mtime=0))
    f("archive.compressed--bzip2.bz2", bz2.compress(b"text"))
    f("archive.compressed--xz.xz", lzma.compress(b"text"))
    f("archive.compressed--zstd.zst", b"\x28\xb5\x2f\xfd" + noise(20))
    f("archive.compressed--lz4.lz4", b"\x04\x22\x4d\x18" + noise(20))
    f("binary.unknown--noise.bin", noise(300))
    f("binary.unknown--nul_in_text.txt", b"text\0text\n")
    f("binary.unknown--latin1.txt", "für\n".encode("latin1"))
    f("binary.unknown--cut_character.txt", b"text \xc3")
    f("name.contradiction--text.safetensors", b"this is no model\n")
    f("name.contradiction--model.json", st([("a", "F32", [2])]))
    f("name.contradiction--gguf.txt", llama().done())
    f("name.contradiction--html.png", b"<html></html>")
    # Weights to one reader, a program to another.
    z = zipped(["data.pkl"])
    h = json.dumps({"a": entry("U8", [len(z)], 0, len(z))})
    f("program.polyglot--zip_in_last_tensor.safetensors", raw_st(h, z))
    f("program.polyglot--zip_in_last_tensor.gguf", zip_gguf())
    f("program.polyglot--llamafile.elf", elf() + zipped(["model.gguf"]))
    f("program.polyglot--png_and_zip.png", png() + zipped(["a.py"]))


def zip_gguf():
    z = zipped(["a/data.pkl"])
    z = z[:-22] + z[-22:-2] + struct.pack("<H", -len(z) % 32) + \
        bytes(-len(z) % 32)
    return Gguf().tensor("a", [len(z)], 24, data=z).done()


def png():
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + \
            struct.pack(">I", zlib.crc32(body))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


# ---- other data ----

def jpeg():
    """Markers and lengths are real, the picture is not."""
    def segment(kind, data):
        return bytes([0xff, kind]) + struct.pack(">H", len(data) + 2) + data
    coded = b"\x12\xff\x00\x34\xff\xd0\x56"
    return (b"\xff\xd8" + segment(0xe0, b"JFIF\0" + bytes(9)) +
            segment(0xdb, bytes(65)) + segment(0xc0, bytes(9)) +
            segment(0xda, bytes(6)) + coded + b"\xff\xd9")


GIF = (b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) +
       b"!\xf9\x04" + bytes(4) + b"\0" + b"," + bytes(9) + b"\x02\x02D\x01\0;")


def riff(form, *chunks):
    body = b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
                    for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + form + body


def ogg(*pages):
    """Pages of (flags, body)."""
    out = b""
    for i, (flags, body) in enumerate(pages):
        n = len(body) // 255 + 1
        out += (b"OggS" + struct.pack("<BBQIIIB", 0, flags, 0, 7, i, 0, n) +
                b"\xff" * (n - 1) + bytes([len(body) % 255]) + body)
    return out


def flac(*blocks, frame=b"\xff\xf8"):
    """Blocks of (type, data), then what stands for frames."""
    out = b"fLaC"
    for i, (kind, data) in enumerate(blocks):
        last = 0x80 if i == len(blocks) - 1 else 0
        out += bytes([kind | last]) + len(data).to_bytes(3, "big") + data
    return out + frame + noise(60)


FLAC_INFO = bytes.fromhex("10001000") + bytes(6) + bytes.fromhex("0ac442f0") + bytes(20)


# ---- texts ----

def text_findings():
    f = finding
    f("template.found--config.json", json.dumps(
        {"chat_template": "{{ messages[0].content }}"}).encode())
    f("template.found--file.jinja", b"{{ messages[0].content }}\n")
    f("template.suspicious--config.json", json.dumps(
        {"chat_template": [{"name": "x", "template": SUSPICIOUS["class"]}]}
    ).encode())
    f("template.suspicious--file.jinja", SUSPICIOUS["class"].encode())
    f("code.auto_map--config.json", json.dumps(
        {"model_type": "x", "auto_map": {"AutoModel": "m.M"}}).encode())
    f("code.auto_map--nested.json", json.dumps(
        {"a": [{"b": {"auto_map": ["m.M"]}}]}).encode())
    f("code.auto_map--trust.json", b'{"trust_remote_code": true}')
    f("code.auto_map--attention.json",
      b'{"_attn_implementation_internal": "someone/kernel"}')
    f("speciality.biology--config.json", b'{"model_type": "esm"}')
    f("speciality.biology--vocab.txt",
      "\n".join(["<pad>", "<cls>"] + list("ACDEFGHIKLMNPQRSTVWY")).encode())
    f("speciality.biology--tokenizer.json", json.dumps({"model": {"vocab": {
        a + b + c: i for i, (a, b, c) in enumerate(
            (a, b, c) for a in "ACGT" for b in "ACGT" for c in "ACGT")}}}
    ).encode())
    f("index.mismatch--missing_shard.safetensors.index.json", json.dumps(
        {"metadata": {"total_size": 8},
         "weight_map": {"a": "model-00001-of-00002.safetensors"}}).encode())
    f("index.mismatch--path.safetensors.index.json", json.dumps(
        {"weight_map": {"a": "../other.safetensors"}}).encode())
    f("index.mismatch--no_map.safetensors.index.json", b"{}")
    f("index.mismatch--no_json.safetensors.index.json", b"{")
    f("bytes.unexplained--after_the_picture.png", png() + b"payload")


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def field(number, value):
    """Of a protocol buffer: an int, four bytes of a float, or bytes with a length before."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def pieces(*more, piece=b"ship", trainer=b"", charsmap=b""):
    """The vocabulary of a SentencePiece tokenizer, and fields after its own."""
    words = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("\u2581toll", 1), ("<0x0A>", 6)]
    out = b"".join(field(1, field(1, w.encode()) + field(2, -float(i)) + field(3, kind))
                   for i, (w, kind) in enumerate(words))
    out += field(1, field(1, piece) + field(2, -9.5))
    out += field(2, field(1, b"in.txt") + field(3, 2) + field(10, 0.9995) + field(43, -1) +
                 field(44, " \u2047 ".encode()) + trainer)
    return out + field(3, field(1, b"nmt_nfkc") + field(2, charsmap) + field(3, 1)) + b"".join(more)


CHARSMAP = struct.pack("<I", 8) + bytes(range(8)) + "A\0\u00e9\0".encode()


def pieces_not():
    whole = pieces(charsmap=CHARSMAP)
    for name, data in (
            ("cut", whole[:-1]), ("cut_early", whole[:40]), ("tail", whole + b"payload"),
            ("no_trainer", field(1, field(1, b"a"))), ("no_pieces", pieces()[pieces().find(b"\x12"):]),
            ("field", pieces(field(9, b"payload"))), ("inner_field", pieces(trainer=field(60, 1))),
            ("wire", pieces(varint(6 << 3 | 1) + bytes(8))), ("group", pieces(varint(1 << 3 | 3))),
            ("twice", pieces(field(2, field(3, 1)))), ("text", pieces(piece=b"\xff\xfe")),
            ("long_piece", pieces(piece=b"a" * 4097)), ("varint", pieces(b"\x0a" + b"\xff" * 11)),
            ("longer_varint", pieces(b"\x0a\x80\x00")), ("past_its_end", pieces(b"\x0a\x05\x0a\x09")),
            ("trie", pieces(charsmap=struct.pack("<I", 4000) + bytes(8))),
            ("odd_trie", pieces(charsmap=struct.pack("<I", 3) + bytes(8))),
            ("rules", pieces(charsmap=struct.pack("<I", 4) + bytes(4) + b"\xc3\0"))):
        finding(f"binary.unknown--pieces_{name}.model", data)


def disguised():
    """Bytes behind the marks of data: the structure of the format is missing."""
    body = noise(200)
    for name, data in (
            ("jpeg.jpg", b"\xff\xd8\xff" + body + b"\xff\xd9"),
            ("jpeg_segments.jpg", jpeg()[:6] + body + b"\xff\xd9"),
            ("jpeg_cut.jpg", jpeg()[:-2]),
            ("gif.gif", b"GIF89a" + body + b";"), ("gif_empty.gif", GIF[:13] + b";"),
            ("png.png", b"\x89PNG\r\n\x1a\n" + body), ("png_cut.png", png()[:-12]),
            ("pdf.pdf", b"%PDF-1.7\n" + body),
            ("pdf_outside.pdf", b"%PDF-1.7\n" + body + b"startxref\n99999\n%%EOF"),
            ("parquet.parquet", b"PAR1" + body + b"\xff\xff\xff\xff" + b"PAR1"),
            ("parquet_footer.parquet", b"PAR1" + bytes(40) + struct.pack("<I", 20) + b"PAR1"),
            ("arrow.arrow", b"ARROW1\0\0" + body + b"ARROW1"),
            ("wav_cut.wav", riff(b"WAVE", (b"fmt ", noise(16)))[:-4]),
            ("wav_first.wav", riff(b"WAVE", (b"data", noise(16)))),
            ("webp.webp", riff(b"WEBP", (b"data", noise(16)))),
            ("ogg.ogg", b"OggS" + body),
            ("ogg_codec.ogg", ogg((2, noise(30)), (4, noise(300)))),
            ("ogg_middle.ogg", ogg((0, noise(30)), (4, noise(300)))),
            ("ogg_only.ogg", ogg((2, b"OpusHead" + noise(11)))),
            ("ogg_cut.ogg", ogg((2, b"OpusHead" + noise(11)), (4, noise(300)))[:-1]),
            ("ogg_tail.ogg", ogg((2, b"OpusHead" + noise(11)), (4, noise(300))) + body),
            ("flac.flac", b"fLaC" + body),
            ("flac_rate.flac", flac((0, FLAC_INFO[:10] + bytes(24)))),
            ("flac_frame.flac", flac((0, FLAC_INFO), frame=b"\xff\x00")),
            ("flac_twice.flac", flac((0, FLAC_INFO), (0, FLAC_INFO))),
            ("avi.avi", riff(b"AVI ", (b"LIST", noise(16))))):
        finding("binary.unknown--behind_" + name, data)


def text_clean():
    clean("empty.txt", b"")
    clean("text.md", "# Ein Modell\n\ngröße: klein\n".encode())
    clean("config.json", json.dumps(
        {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 3,
         "trust_remote_code": False, "_attn_implementation": "sdpa",
         "eps": 1e-12, "neg": -1}).encode())
    clean("odd_family.json", b'{"model_type": "a\\u0001b"}')
    clean("empty_keys.json", b'{"": {"": ""}}')
    clean("lines.jsonl", b'{"a":1}\n{"a":2}\n')
    clean("begins_like_a_pickle.txt", b"cats\nare not pickled\n")
    clean("begins_like_bzip2.txt", b"BZh is a prefix\n")
    clean("picture.png", png())
    clean("picture.jpg", jpeg())
    clean("camera.jpg", jpeg() + bytes(8))
    clean("picture.gif", GIF)
    clean("paper.pdf", b"%PDF-1.7\n" + noise(60) + b"\nstartxref\n9\n%%EOF\n")
    clean("rows.parquet", b"PAR1" + noise(40) + b"\x15\x04" + bytes(18) +
          struct.pack("<I", 20) + b"PAR1")
    clean("rows.arrow", b"ARROW1\0\0" + struct.pack("<II", 0xffffffff, 8) +
          noise(40) + bytes(12) + struct.pack("<I", 12) + b"ARROW1")
    clean("sound.wav", riff(b"WAVE", (b"fmt ", noise(16)), (b"data", noise(9))))
    piped = riff(b"WAVE", (b"fmt ", noise(16)), (b"LIST", noise(10)), (b"data", b""))
    clean("piped.wav", piped[:4] + b"\xff" * 4 + piped[8:-4] + b"\xff" * 4 + noise(9))
    clean("sound.ogg", ogg((2, b"OpusHead" + noise(11)), (0, noise(300)), (4, noise(255))))
    clean("sound.flac", flac((0, FLAC_INFO), (4, noise(70))))
    clean("picture.webp", riff(b"WEBP", (b"VP8L", noise(30))))
    clean("pieces.model", pieces(charsmap=CHARSMAP))
    clean("pieces_tests.model", pieces(field(4, field(1, field(1, b"a b") + field(2, b"a b"))),
                                       field(5, field(1, b"") + field(6, b"a\tb\n"))))
    clean("vocab.txt", b"[PAD]\n[UNK]\nthe\n##s\nGATT\nA\nhouse\n")


# ---- fuzz corpora ----

def shard(footer=0):
    tag = bytes.fromhex("48465265706f4d6574614461746100"
                        "556967456a7b815783a5bdd95ccdd14aa9")
    end = b"\xff" * 32 + bytes(16)
    file = noise(32, 3) + struct.pack("<II", 0xc0000000, 2) + bytes(8)
    terms = b"".join(noise(32, 4) + struct.pack("<IIII", 0, 100, i, i + 1)
                     for i in range(2))
    ranges = (noise(32, 5) + bytes(16)) * 2
    sha = noise(32, 6) + bytes(16)
    xorb = noise(32, 4) + struct.pack("<IIII", 0, 2, 200, 216)
    chunks = b"".join(noise(32, 7 + i) + struct.pack("<II", i * 100, 100) +
                      bytes(8) for i in range(2))
    return (tag + struct.pack("<QQ", 2, footer) + file + terms + ranges + sha +
            end + xorb + chunks + end + bytes(footer))


def xorb_chunk(data, scheme, stored):
    return (b"\0" + len(stored).to_bytes(3, "little") + bytes([scheme]) +
            len(data).to_bytes(3, "little") + stored)


def lz4_frame(data):
    """A frame of one uncompressed block, written by hand."""
    descriptor = b"\x60\x40"
    check = xxh32(descriptor) >> 8 & 0xff
    return (b"\x04\x22\x4d\x18" + descriptor + bytes([check]) +
            struct.pack("<I", len(data) | 0x80000000) + data + bytes(4))


def xxh32(data):
    """XXH32 of fewer than 16 bytes, as the frame's header check wants."""
    p1, p2, p3, p5 = 2654435761, 2246822519, 3266489917, 374761393
    h = (p5 + len(data)) % 2**32
    for b in data:
        h = (h + b * p5) % 2**32
        h = (h << 11 | h >> 21) % 2**32
        h = h * p1 % 2**32
    for shift, factor in ((15, p2), (13, p3), (16, 1)):
        h = (h ^ h >> shift) * factor % 2**32
    return h


def corpus(target, name, data, room="scan"):
    path = FUZZ / f"{room}_{target}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def corpora():
    hello = b"hello, house"
    grouped = bytes(hello[i] for g in range(4) for i in range(g, 12, 4))
    chunks = [xorb_chunk(hello, 0, hello),
              xorb_chunk(hello, 1, lz4_frame(hello)),
              xorb_chunk(hello, 2, lz4_frame(grouped))]
    corpus("xorb", "three_schemes", b"".join(chunks))
    corpus("xorb", "footer", chunks[0] + b"XETBLOB\1" + bytes(20) +
           struct.pack("<I", 28))
    corpus("xorb", "cut", b"".join(chunks)[:-3])
    corpus("xorb", "lying_size", xorb_chunk(hello, 0, hello[:5]))
    corpus("xorb", "bad_frame", xorb_chunk(hello, 1, noise(30)))
    corpus("xorb", "unknown_scheme", xorb_chunk(hello, 3, hello))
    corpus("xorb", "empty", b"")
    corpus("shard", "plain", shard())
    corpus("shard", "footer", shard(200))
    corpus("shard", "cut", shard()[:-48])
    corpus("shard", "empty_sections", shard()[:48] +
           (b"\xff" * 32 + bytes(16)) * 2)
    corpus("shard", "lying_count", shard()[:84] + b"\xff\xff\xff\x7f" +
           shard()[88:])
    texts = {
        "empty_key": b'{"": {"": 1}}',
        "object": b'{"a":[1,2.5e-3,-0],"b":{"c":null,"d":true,"e":false}}',
        "strings": b'["\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/", "\xc3\xa9"]',
        "duplicate": b'{"a":1,"\\u0061":2}',
        "deep": b"[" * 70 + b"]" * 70, "numbers": b"[18446744073709551615,"
        b"18446744073709551616,01]", "cut": b'{"a":"b', "empty": b"",
        "trailing": b"{} x", "lone": b'"\\ud800"', "word": b"[nul]",
        "commas": b"[1,,2]", "scalar": b"7"}
    for name, data in texts.items():
        corpus("json_pull", name, data, room="base")


def main():
    for folder in ("findings", "clean"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    safetensors_findings()
    safetensors_clean()
    gguf_findings()
    gguf_clean()
    program_findings()
    text_findings()
    disguised()
    pieces_not()
    text_clean()
    corpora()


if __name__ == "__main__":
    main()
