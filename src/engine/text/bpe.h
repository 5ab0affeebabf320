/* SPDX-License-Identifier: MIT */
/* bpe.h: byte-level byte-pair encoding with "</w>" at each word's end, as CLIP has it. */
#pragma once

#include "text/tokenizer.h"
#include "text/trie.h"

typedef struct EspBpe
{
  EspTrie vocabulary;
  size_t vocabulary_count;
  int32_t byte_ids[256], last_byte_ids[256]; /* of one byte inside a word and at its end; or -1 */
  int32_t unknown;                           /* id for a byte that is no piece, or -1 */
  int32_t max_id;
  struct EspBpeMerge *merges; /* open-addressing hash over the pairs */
  size_t merges_mask, merge_count;
} EspBpe;

/* Takes the vocabulary; `keys` (sorted here) may be freed afterwards. `unknown` is the piece for
 * bytes without one. False when memory is out. */
bool esp_bpe_set_vocabulary (EspBpe *bpe, EspTrieKey *keys, size_t count, const char *unknown);

/* Makes room for `count` merges; call once before the first esp_bpe_add_merge(). */
bool esp_bpe_reserve_merges (EspBpe *bpe, size_t count);

/* The next merge in order of rank. A pair named twice keeps its last rank. ESP_ERROR_FORMAT where
 * one of the two pieces or their concatenation is not in the vocabulary; `path` and `line` (or
 * index) are for the message. */
EspStatus esp_bpe_add_merge (EspBpe *bpe, const char *path, size_t line, const char *left,
                             size_t left_length, const char *right, size_t right_length,
                             EspError *error);
void esp_bpe_clear (EspBpe *bpe);

/* Encodes one word (raw bytes, not the printable spelling) and appends its ids. O(n log n).
 * ESP_ERROR_FORMAT if a byte has no piece and there is no unknown piece; ESP_ERROR_MEMORY. */
EspStatus esp_bpe_encode (const EspBpe *bpe, const char *word, size_t length, EspIds *ids,
                          EspError *error);
