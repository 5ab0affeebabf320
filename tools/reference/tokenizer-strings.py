#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/data/tokenizers: nasty strings and the ids that transformers gives for them.

  tokenizer-strings.py MODEL_FOLDER OUTPUT_FOLDER

MODEL_FOLDER has tokenizer/ and tokenizer_2/ (data/models/demo).  A second, larger pair is trained
here on generated text: a byte-level BPE, and a sentencepiece unigram model with nmt_nfkc
normalisation and 100 extra ids, the latter as tokenizer.json and as spiece.model.

Needs python3 with transformers, tokenizers, sentencepiece and protobuf installed.  Files:
  strings.bin   u32 count, then for each string u32 length and its UTF-8 bytes (little-endian)
  *.ids         u32 count, then for each string its number of ids and the ids, as LEB128
"""
import json
import os
import random
import shutil
import struct
import sys
import tempfile

SPECIAL = ["<|startoftext|>", "<|endoftext|>", "</s>", "<pad>", "<unk>", "<extra_id_0>",
           "<extra_id_7>", "<extra_id_99>", "<extra_id_100>", "<s>", "</w>"]
WORDS = """make the photo look like golden hour please turn sky into a dramatic sunset remove background
add falling snow and soft fog brighter darker warmer cooler contrast saturation vintage film grain
black white sepia cartoon oil painting watercolor pencil sketch neon city night rain reflections
don't can't it's we're I've I'm you'll he'd John's keep everything else same replace person's hat with
12 3.5 1920x1080 50% 2nd f/2.8 #ff00aa C++ naïve café résumé über Straße Ελλάδα Москва привет
日本語 写真を明るくする 한국어 사진 밝게 中文 把照片变亮 العربية צבע हिन्दी ไทย தமிழ்""".split()
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0x85, 0xA0, 0x1680, 0x180E,
                           *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F, 0x2060,
                           0x3000, 0xFEFF)]
MARKS = [chr(c) for c in (*range(0x300, 0x370), 0x483, 0x591, 0x5B0, 0x5C1, 0x64B, 0x651, 0x670,
                          0x93C, 0x94D, 0xE38, 0xF71, 0xF72, 0xF7A, 0x1DC0, 0x20D0, 0x20E3,
                          0x302A, 0x3099, 0x309A, 0xFE0F, 0xFE20, 0x1D165, 0x1D16D, 0x1E8D0)]
JOINERS = ["\u200d", "\u200c", "\ufe0f", "\ufe0e", "\u200b", "\u200e", "\u200f", "\u202a",
           "\u202e", "\u2066", "\u2069", "\u00ad", "\u034f", "\u061c", "\u2581", "\u0000"]
EMOJI = ["👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🏳️\u200d🌈", "🇩🇪", "🇫🇷🇯", "❤️", "✈︎", "1️⃣", "©\u200d®", "🧑🏻\u200d🚀", "☺",
         "🏴\U000E0067\U000E0062\U000E007F", "ⓐ", "🅰️", "㊗️"]
CONTRACTIONS = ["'s", "'S", "'t", "'re", "'RE", "'ve", "'m", "'ll", "'LL", "'d", "'D", "’s", "''s",
                "'r", "'v", "'l"]
BLOCKS = [(0, 0x80), (0x80, 0x250), (0x250, 0x600), (0x600, 0x900), (0x900, 0x1200),
          (0x1100, 0x1200), (0x1200, 0x2000), (0x1E00, 0x2000), (0x2000, 0x2C00), (0x2C00, 0x3000),
          (0x3000, 0x3400), (0x3400, 0xA000), (0xA000, 0xAC00), (0xAC00, 0xD7FC), (0xE000, 0xF900),
          (0xF900, 0x10000), (0xFE00, 0x10000), (0x10000, 0x11000), (0x11000, 0x12000),
          (0x16000, 0x17000), (0x1D100, 0x1D800), (0x1E000, 0x1F000), (0x1F000, 0x1FB00),
          (0x20000, 0x30000), (0x2F800, 0x2FA20), (0x30000, 0xE0000), (0xE0000, 0xE0200),
          (0xF0000, 0x110000)]


def any_char(rng, block=None):
    low, high = block or rng.choice(BLOCKS)
    while True:
        c = rng.randrange(low, high)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def cased(rng, text):
    return rng.choice([text, text, text, text.upper(), text.title(), text.swapcase()])


def prompt(rng):
    return cased(rng, " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 10))))


def special(rng):
    text = rng.choice(SPECIAL)
    kind = rng.randrange(6)
    if kind == 0:
        text = text.upper()
    elif kind == 1:
        text = text[:rng.randrange(1, len(text))]
    elif kind == 2:
        text = text[rng.randrange(1, len(text)):]
    elif kind == 3:
        cut = rng.randrange(1, len(text))
        text = text[:cut] + rng.choice(SPACES + MARKS + JOINERS) + text[cut:]
    return text


def piece(rng):
    kind = rng.randrange(13)
    if kind == 0:
        return rng.choice(WORDS)
    if kind == 1:
        return "".join(rng.choice(SPACES) for _ in range(rng.randrange(1, 5)))
    if kind == 2:
        return rng.choice(EMOJI)
    if kind == 3:
        return special(rng)
    if kind == 4:
        return any_char(rng) + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 5)))
    if kind == 5:
        return rng.choice(JOINERS)
    if kind == 6:
        return rng.choice(["it", "WE", "É", ""]) + rng.choice(CONTRACTIONS)
    if kind == 7:
        return "".join(rng.choice("0123456789.,-+²½Ⅷ٣４") for _ in range(rng.randrange(1, 6)))
    if kind == 8:
        return "".join(rng.choice("!?.,;:-_'\"<>|/\\()[]{}@#$%^&*~`+=") for _ in
                       range(rng.randrange(1, 6)))
    if kind == 9:
        return chr(rng.choice([*range(0x1100, 0x1113), *range(0x1161, 0x1176),
                               *range(0x11A7, 0x11C3), 0xAC00, 0xAC01, 0xD7A3]))
    if kind == 10:
        return chr(rng.choice([0, 1, 7, 8, 0x1B, 0x7F, 0x80, 0x9F, 0xFFFE, 0xFFFF, 0xFFFD, 0xFDD0,
                               0x1FFFE, 0x10FFFF, 0xE000, 0x378, 0x110BD, 0x600]))
    block = rng.choice(BLOCKS)
    return "".join(any_char(rng, block) for _ in range(rng.randrange(1, 6)))


def make_strings(seed, count):
    rng = random.Random(seed)
    strings = ["", " ", "   ", "\0", "\n", "▁", "▁▁", " ▁ ", "a▁b", "\ufeff", "İ", "ΑΣ", "ẞ", "ﬁ"]
    strings += SPECIAL + [a + b for a in SPECIAL[:6] for b in SPECIAL[:6]]
    strings += [f"a {s} b" for s in SPECIAL] + [s.upper() for s in SPECIAL] + SPACES + EMOJI
    # every character up to U+33FF and the compatibility blocks, eight at a time, marks in between
    table = [*range(0x80, 0x3400), *range(0xA640, 0xA8C0), *range(0xF900, 0x10000),
             *range(0x10400, 0x10430), *range(0x1D100, 0x1D800), *range(0x2F800, 0x2FA20)]
    for i in range(0, len(table), 8):
        strings.append("x".join(chr(c) for c in table[i:i + 8]))
        if i % 24 == 0:
            strings.append("".join(chr(c) + rng.choice(MARKS) for c in table[i:i + 8]))
    # long ones
    strings += ["a" * 10000, " " * 10000, "é" * 5000, "ab" * 5000, "e\u0301\u0323" * 1200,
                "the quick brown fox " * 500, "<" * 4000, "</s>" * 500, "👍🏽" * 500, "x\u0301" * 900]
    while len(strings) < count:
        kind = rng.randrange(10)
        if kind < 2:
            strings.append(prompt(rng))
        elif kind < 8:
            strings.append("".join(piece(rng) for _ in range(rng.randrange(1, 9))))
        else:
            strings.append("".join(any_char(rng) for _ in range(rng.randrange(1, 12))))
    return strings


def corpus(seed, lines):
    rng = random.Random(seed)
    made_up = ["".join(rng.choice(["ka", "ri", "to", "mel", "ung", "st", "an", "er", "le", "pho", "é", "ß",
                                   "до", "ма", "λο", "み", "写", "한"]) for _ in range(rng.randrange(1, 5)))
               for _ in range(9000)]
    for _ in range(lines):
        yield " ".join(rng.choice(WORDS if rng.random() < .3 else made_up)
                       for _ in range(rng.randrange(3, 14)))


def train_clip(folder, size, seed):
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"),
                             behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.train_from_iterator(corpus(seed, 6000), trainers.BpeTrainer(
        vocab_size=size, end_of_word_suffix="</w>", initial_alphabet=alphabet, show_progress=False))
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    vocabulary = {piece: i for i, piece in enumerate(alphabet + [c + "</w>" for c in alphabet])}
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as out:
        out.write("#version: 0.2\n")
        for left, right in merges:
            if left in vocabulary and right in vocabulary:
                vocabulary.setdefault(left + right, len(vocabulary))
                out.write(f"{left} {right}\n")
    vocabulary["<|startoftext|>"] = len(vocabulary)
    vocabulary["<|endoftext|>"] = len(vocabulary)
    write_json(folder, "vocab.json", vocabulary)
    token = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    # as CLIP-L's own folder has them: matched after lower-casing, unlike the demo model's
    write_json(folder, "special_tokens_map.json", {
        "bos_token": {"content": "<|startoftext|>", **token},
        "eos_token": {"content": "<|endoftext|>", **token},
        "unk_token": {"content": "<|endoftext|>", **token},
        "pad_token": {"content": "<|endoftext|>", **token}})


def train_t5(folder, size, seed):
    import io
    import sentencepiece
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=corpus(seed, 6000), model_writer=model, model_type="unigram",
        vocab_size=size, normalization_rule_name="nmt_nfkc", character_coverage=0.9995, pad_id=0,
        eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2)
    with open(os.path.join(folder, "spiece.model"), "wb") as out:
        out.write(model.getvalue())


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=False, separators=(",", ":"))


def ids_of(kind, folder, strings):
    from transformers import CLIPTokenizer, T5TokenizerFast
    tokenizer = (CLIPTokenizer if kind == "clip" else T5TokenizerFast).from_pretrained(folder)
    return [tokenizer(s, add_special_tokens=False).input_ids for s in strings]


def leb128(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_strings(path, strings):
    with open(path, "wb") as out:
        out.write(struct.pack("<I", len(strings)))
        for s in strings:
            data = s.encode()
            out.write(struct.pack("<I", len(data)) + data)


def write_ids(path, lists):
    with open(path, "wb") as out:
        out.write(struct.pack("<I", len(lists)))
        for ids in lists:
            out.write(leb128(len(ids)) + b"".join(map(leb128, ids)))


def main(model, output):
    for name in ("clip", "t5", "t5-spiece"):
        os.makedirs(os.path.join(output, name), exist_ok=True)
    train_clip(os.path.join(output, "clip"), 8000, 3)
    train_t5(os.path.join(output, "t5-spiece"), 8000, 4)
    # tokenizer.json as the library itself saves it
    from transformers import T5TokenizerFast
    with tempfile.TemporaryDirectory() as scratch:
        T5TokenizerFast.from_pretrained(os.path.join(output, "t5-spiece")).save_pretrained(scratch)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(os.path.join(scratch, name), os.path.join(output, "t5", name))

    strings = make_strings(1, 6500)
    write_strings(os.path.join(output, "strings.bin"), strings)
    write_ids(os.path.join(output, "demo-clip.ids"), ids_of("clip", model + "/tokenizer", strings))
    write_ids(os.path.join(output, "demo-t5.ids"), ids_of("t5", model + "/tokenizer_2", strings))
    write_ids(os.path.join(output, "clip.ids"), ids_of("clip", output + "/clip", strings))
    ids = ids_of("t5", output + "/t5", strings)
    write_ids(os.path.join(output, "t5.ids"), ids)
    # without tokenizer.json the library must give the same, so one golden file serves both
    assert ids == ids_of("t5", output + "/t5-spiece", strings)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
