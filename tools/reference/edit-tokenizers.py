#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/edits/tokenizers: one small CLIP and one small T5 tokenizer for random models.

Run with a python3 that has sentencepiece installed. The text they are trained on is made here.
"""

import collections
import io
import json
import pathlib
import random

import sentencepiece

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "edits" / "tokenizers"
WORDS = """make the photo a picture black and white snow rain night sunset cat dog house tree sky red green blue old new
remove replace add change turn into painting pencil drawing watercolour background person hat glasses smile bright dark
warm cold summer winter autumn spring morning evening light shadow street river mountain ocean garden please keep same
everything else style colours with without more less very slightly left right top bottom of on in to from it look like""".split()


def corpus():
    rng = random.Random(11)
    return [" ".join(rng.choices(WORDS, k=rng.randint(3, 12))) for _ in range(3000)]


def byte_symbols():
    """GPT-2's printable stand-in for every byte."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 0
    for byte in range(256):
        table[byte] = chr(byte) if byte in kept else chr(256 + extra)
        extra += byte not in kept
    return [table[b] for b in kept + [b for b in range(256) if b not in kept]]


def learn_merges(lines, count):
    words = collections.Counter(word for line in lines for word in line.split())
    split = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, parts in split.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for parts in split.values():
            i = 0
            while i + 1 < len(parts):
                if (parts[i], parts[i + 1]) == best:
                    parts[i:i + 2] = ["".join(best)]
                i += 1
    return merges


def write_clip(lines):
    folder = OUT / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    symbols, merges = byte_symbols(), learn_merges(lines, 180)
    tokens = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(merge) for merge in merges]
    tokens = list(dict.fromkeys(tokens)) + ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
               "pad_token": "<|endoftext|>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    settings = {**special, "do_lower_case": True, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def write_t5(lines):
    folder = OUT / "tokenizer_2"
    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    # The identity rule keeps the file small; nmt_nfkc's table alone has 240 KB.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=300, model_type="unigram", pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, normalization_rule_name="identity", hard_vocab_limit=False, minloglevel=2)
    (folder / "spiece.model").write_bytes(model.getvalue())
    special = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    settings = {**special, "extra_ids": 100, "model_max_length": 512, "tokenizer_class": "T5Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    text = corpus()
    write_clip(text)
    write_t5(text)
