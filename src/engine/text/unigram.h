/* SPDX-License-Identifier: MIT */
/* unigram.h: the most probable split of a word into pieces (Viterbi over a unigram model). */
#pragma once

#include "text/tokenizer.h"
#include "text/trie.h"

typedef struct EspUnigram
{
  EspTrie pieces; /* piece → its index */
  double *scores; /* log probability of each piece */
  int32_t count;
  int32_t unknown; /* index of the piece for what no piece covers */
  double unknown_score;
} EspUnigram;

/* Takes `count` > `unknown` pieces: keys[i].value is i, scores[i] its score. Of equal pieces the
 * last one holds. Takes over `scores` (malloc), sorts `keys`. False when memory is out (`scores` is
 * then still the caller's). */
bool esp_unigram_set_pieces (EspUnigram *unigram, EspTrieKey *keys, double *scores, int32_t count,
                             int32_t unknown);
void esp_unigram_clear (EspUnigram *unigram);

/* Splits `length` bytes of valid UTF-8 and appends the ids; neighbouring unknown pieces become one.
 * O(n × longest piece). ESP_ERROR_MEMORY. */
EspStatus esp_unigram_encode (const EspUnigram *unigram, const char *text, size_t length,
                              EspIds *ids, EspError *error);
