/* SPDX-License-Identifier: MIT */
/* trie.h: byte strings → numbers, with all prefixes of a text found in one walk. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct EspTrieKey
{
  const char *bytes;
  size_t length;
  int32_t value; /* ≥ 0 */
} EspTrieKey;

typedef struct EspTrieNode
{
  int32_t first_child; /* children lie side by side, sorted by label */
  int32_t value;       /* -1: no key ends here */
  uint16_t child_count;
  uint8_t label;
} EspTrieNode;

typedef struct EspTrie
{
  EspTrieNode *nodes; /* nodes[0] is the root */
  size_t count;
} EspTrie;

/* What a vocabulary's pieces may take together, which bounds the trie's memory: 16 times the
 * largest vocabularies in use. */
#define ESP_TRIE_MAX_KEY_BYTES (4 << 20)

/* The bytes of all keys together. */
size_t esp_trie_key_bytes (const EspTrieKey *keys, size_t count);

/* Builds the trie; of equal keys the largest value holds. Sorts `keys`.
 * False when memory is out. At most 12 bytes per distinct prefix stay allocated. */
bool esp_trie_build (EspTrie *trie, EspTrieKey *keys, size_t count);
void esp_trie_clear (EspTrie *trie);

/* One step from `node` (start with 0): the child with that label, or -1. */
int32_t esp_trie_step (const EspTrie *trie, int32_t node, unsigned char label);

/* The value of exactly these bytes, or -1. */
int32_t esp_trie_find (const EspTrie *trie, const char *bytes, size_t length);
