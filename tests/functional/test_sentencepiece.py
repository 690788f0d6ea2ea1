"""Vocabularies as the SentencePiece library writes them: read to their last byte, so that a small
model opens with its tokenizer; and nothing hides behind one."""

import json
import random
import subprocess

import pytest
import sentencepiece

import hands
import weights
from conftest import BINARY

WORDS = "harbour toll ship weigh house scale cargo rope sail grain größe œuvre 東京".split()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Files of every kind of model and of every table of normalisation."""
    folder = tmp_path_factory.mktemp("pieces")
    chance = random.Random(7)
    text = folder / "in.txt"
    text.write_text("\n".join(" ".join(chance.choices(WORDS, k=8)) for _ in range(400)))
    made = []
    for kind, norm, more in [
            ("unigram", "nmt_nfkc", {}), ("bpe", "identity", {"byte_fallback": True}),
            ("word", "nfkc_cf", {"self_test_sample_size": 3}), ("char", "nmt_nfkc_cf", {}),
            ("bpe", "nfkc", {"user_defined_symbols": ["<sep>", "<a b>"], "pad_id": 3})]:
        name = folder / f"{kind}-{norm}"
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(name), model_type=kind, minloglevel=2,
            vocab_size=320, hard_vocab_limit=False, normalization_rule_name=norm, **more)
        made.append(name.with_suffix(".model"))
    return made


def weigh(path):
    r = subprocess.run([BINARY, "weigh", path, "--json"], capture_output=True, text=True)
    return r.returncode, json.loads(r.stdout)["weighed"][0]["files"][0]["result"]


def test_each_is_read_to_its_end(trained):
    for path in trained:
        code, seen = weigh(path)
        assert code == 0 and seen["format"] == "sentencepiece" and seen["verifiable"], (path, seen)


def test_nothing_is_added_to_one(trained, tmp_path):
    whole = trained[0].read_bytes()
    for i, data in enumerate([whole + b"\0", whole[:-1], whole + whole[:40], whole + weights.safetensors(
            {"w": (8,)}), whole.replace(b"toll", b"\xff\xfe\xfd\xfc", 1), whole[:1] + whole]):
        path = tmp_path / f"{i}.model"
        path.write_bytes(data)
        code, seen = weigh(path)
        # a piece more is a vocabulary, too; what no field explains is none
        assert i == 2 or (code == 3 and seen["format"] == "unknown"), (i, code, seen)


def test_a_small_model_opens_with_its_tokenizer(house, trained):
    house.api().create_repo("admin/pieces")
    model = weights.safetensors({"w": (64, 64)})
    pieces = trained[0].read_bytes()
    hands.publish(house, "admin/pieces", {"model.safetensors": model, "tokenizer.model": pieces})
    assert hands.decided(house, "admin/pieces")["weights"] == "open"
    r = house.get("/admin/pieces/resolve/main/tokenizer.model")
    assert r.status_code == 200 and r.content == pieces
    sentencepiece.SentencePieceProcessor(model_proto=r.content)
