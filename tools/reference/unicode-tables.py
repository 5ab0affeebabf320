#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes src/engine/text/unicode-tables.c, the character tables of the two tokenizers.

The tokenizers library mixes several Unicode versions: its NFC, its lower-casing, its two regular
expression engines and its grapheme rule come from different packages of different age. Equal token
ids need the same tables, so this script asks the library itself about each of the 1,114,112 code
points instead of trusting any one version of the Unicode character database.

Needs python3 with the packages tokenizers and regex (the latter only for the grapheme classes that
the library cannot be asked about one by one).  Usage: unicode-tables.py OUTPUT.c
"""
import struct
import sys
import unicodedata

import regex
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
LETTER, NUMBER, PATTERN_SPACE, WHITE_SPACE, WORD = 1, 2, 4, 8, 16
GRAPHEME = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend",
            "SpacingMark", "L", "V", "T", "LV", "LVT"]


def class_by_split(pattern):
    """Code points that `pattern` matches in the library's pattern engine."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    return {c for c in CODE_POINTS if split.pre_tokenize_str(chr(c))}


def white_space():
    split = pre_tokenizers.WhitespaceSplit()
    return {c for c in CODE_POINTS if not split.pre_tokenize_str(chr(c))}


def word_characters():
    """Characters after which a single_word added token does not match."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("#", single_word=True, normalized=False)])
    marker = tokenizer.token_to_id("#")
    return {c for c in CODE_POINTS
            if c != 35 and marker not in tokenizer.encode(chr(c) + "#").ids}


def one_byte_charsmap():
    """A Precompiled normalizer that maps "a" to "A" and so shows where graphemes end."""
    units = [0] * 512
    node = 256 ^ ord("a")
    units[0] = 256 << 10
    units[node] = ((node ^ 1) << 10) | (1 << 8) | ord("a")
    units[1] = 1 << 31
    trie = struct.pack("<512I", *units)
    return normalizers.Precompiled(struct.pack("<I", len(trie)) + trie + b"A\0")


def grapheme_classes():
    """Class of each code point, 17.0 as the library has it: what joins a preceding letter is
    asked of the library; the rest is taken from `regex` without what is newer."""
    probe = one_byte_charsmap()
    joins = {c for c in CODE_POINTS if probe.normalize_str("a" + chr(c)) == "A"}
    newer = regex.compile(r"\p{Age=18.0}") if has_age() else None
    result, pictographs, conjuncts = {}, set(), {}
    for number, name in enumerate(GRAPHEME[1:], 1):
        pattern = regex.compile(r"\p{GCB=%s}" % name)
        for c in CODE_POINTS:
            if not pattern.match(chr(c)) or (newer and newer.match(chr(c))):
                continue
            if name in ("Extend", "ZWJ", "SpacingMark") and c not in joins:
                continue
            result[c] = number
    pattern = regex.compile(r"\p{Extended_Pictographic}")
    pictographs = {c for c in CODE_POINTS if pattern.match(chr(c))}
    for number, name in enumerate(("Consonant", "Linker", "Extend"), 1):
        pattern = regex.compile(r"\p{InCB=%s}" % name)
        for c in CODE_POINTS:
            if pattern.match(chr(c)) and (name == "Consonant" or c in joins):
                conjuncts[c] = number
    return result, pictographs, conjuncts


def has_age():
    try:
        regex.compile(r"\p{Age=18.0}")
        return True
    except regex.error:
        return False


def combining_classes():
    """Canonical combining classes, found by which of two marks NFD puts first."""
    nfd = normalizers.NFD().normalize_str
    low, high = "\u0334", "\u0345"  # classes 1 and 240, the least and the greatest
    references = {}
    for c in CODE_POINTS:
        value = unicodedata.combining(chr(c))
        # Python knows marks that the library's older tables do not
        if value and (nfd(chr(c) + low) == low + chr(c) or nfd(high + chr(c)) == chr(c) + high):
            references.setdefault(value, chr(c))
    order = sorted(references)
    classes = {}
    for c in CODE_POINTS:
        mark = chr(c)
        if nfd(mark) != mark:
            continue
        above_low = nfd(mark + low) != mark + low
        below_high = nfd(high + mark) != high + mark
        if not (above_low or below_high):
            continue
        # the smallest reference that is not below the mark has its class
        classes[c] = next((value for value in order
                           if nfd(mark + references[value]) == mark + references[value]),
                          order[-1])
    return classes


def normalization(classes):
    nfd, nfc = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str
    decompositions, pairs = {}, []
    for c in CODE_POINTS:
        if 0xAC00 <= c < 0xD7A4:
            continue
        full = nfd(chr(c))
        if full == chr(c):
            continue
        decompositions[c] = [ord(x) for x in full]
        if len(full) > 1 and nfc(chr(c)) == chr(c):
            first = nfc(full[:-1])
            assert len(first) == 1 and nfc(first + full[-1]) == chr(c), hex(c)
            pairs.append((ord(first), ord(full[-1]), c))
    return decompositions, sorted(pairs)


def lower_case():
    lower = normalizers.Lowercase().normalize_str
    return {c: [ord(x) for x in lower(chr(c))] for c in CODE_POINTS if lower(chr(c)) != chr(c)}


def emit_array(out, declaration, items, per_line=16):
    out.write("const %s = {\n" % declaration)
    for i in range(0, len(items), per_line):
        out.write("  " + ", ".join(items[i:i + per_line]) + ",\n")
    out.write("};\n\n")


def main(path):
    flags = [0] * 0x110000
    for bit, members in ((LETTER, class_by_split(r"\p{L}")), (NUMBER, class_by_split(r"\p{N}")),
                         (PATTERN_SPACE, class_by_split(r"\s")), (WHITE_SPACE, white_space()),
                         (WORD, word_characters())):
        print(bit, len(members), file=sys.stderr)
        for c in members:
            flags[c] |= bit
    graphemes, pictographs, conjuncts = grapheme_classes()
    for c in CODE_POINTS:
        flags[c] |= graphemes.get(c, 0) << 5 | (c in pictographs) << 9 | conjuncts.get(c, 0) << 10
    classes = combining_classes()
    decompositions, pairs = normalization(classes)
    lower = lower_case()
    print(len(classes), len(decompositions), len(pairs), len(lower), file=sys.stderr)

    values = sorted(set(flags))
    index = {value: i for i, value in enumerate(values)}
    assert len(values) < 256
    blocks, stage = {}, []
    for start in range(0, 0x110000, 256):
        block = tuple(index[v] for v in flags[start:start + 256])
        stage.append(blocks.setdefault(block, len(blocks)))
    assert len(blocks) < 256

    with open(path, "w", encoding="ascii") as out:
        out.write("/* SPDX-License-Identifier: MIT */\n"
                  "/* unicode-tables.c: written by tools/reference/unicode-tables.py; do not edit. */\n"
                  "/* clang-format off */\n"
                  "#include \"text/unicode-tables.h\"\n\n")
        emit_array(out, "uint16_t esp_unicode_values[%d]" % len(values), [hex(v) for v in values])
        emit_array(out, "uint8_t esp_unicode_stage[4352]", [str(v) for v in stage], 24)
        emit_array(out, "uint8_t esp_unicode_blocks[%d][256]" % len(blocks),
                   [("{" if i == 0 else "") + str(v) + ("}" if i == 255 else "")
                    for block in blocks for i, v in enumerate(block)], 24)
        emit_array(out, "EspCombining esp_unicode_combining[]",
                   ["{0x%X, %d}" % item for item in sorted(classes.items())], 7)
        out.write("const int esp_unicode_combining_count = %d;\n\n" % len(classes))
        pool, entries = [], []
        for c, to in sorted(decompositions.items()):
            entries.append("{0x%X, %d, %d}" % (c, len(pool), len(to)))
            pool += to
        assert len(pool) < 65536
        emit_array(out, "EspMapping esp_unicode_decompositions[]", entries, 6)
        out.write("const int esp_unicode_decompositions_count = %d;\n\n" % len(entries))
        entries = []
        for c, to in sorted(lower.items()):
            entries.append("{0x%X, %d, %d}" % (c, len(pool), len(to)))
            pool += to
        emit_array(out, "EspMapping esp_unicode_lower[]", entries, 6)
        out.write("const int esp_unicode_lower_count = %d;\n\n" % len(entries))
        emit_array(out, "uint32_t esp_unicode_pool[]", [hex(v) for v in pool], 12)
        emit_array(out, "EspComposition esp_unicode_compositions[]",
                   ["{0x%X, 0x%X, 0x%X}" % pair for pair in pairs], 5)
        out.write("const int esp_unicode_compositions_count = %d;\n" % len(pairs))


if __name__ == "__main__":
    main(sys.argv[1])
