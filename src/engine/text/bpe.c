/* SPDX-License-Identifier: MIT */
#include "text/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "text/ids.h"
#include "text/utf8.h"

#define WORD_END "</w>"
#define NO_PAIR  UINT64_MAX

typedef struct EspBpeMerge
{
  uint64_t pair; /* left id << 32 | right id, or NO_PAIR in a free slot */
  uint32_t rank;
  int32_t result;
} EspBpeMerge;

typedef struct Symbol
{
  int32_t id; /* -1: merged into the one before */
  int32_t previous, next;
} Symbol;

typedef struct Candidate
{
  uint32_t rank;
  int32_t position;
  int32_t result;
} Candidate;

typedef struct Heap
{
  Candidate *items;
  size_t count, capacity;
} Heap;

/* GPT-2's printable spelling of a byte: itself where Latin-1 prints it, U+0100 upwards for the
 * others in order. */
static uint32_t
byte_spelling (unsigned byte)
{
  uint32_t next = 0x100;

  for (unsigned b = 0; b <= byte; b++)
    {
      bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;

      if (b == byte)
        return printable ? b : next;
      next += !printable;
    }
  return 0;
}

bool
esp_bpe_set_vocabulary (EspBpe *bpe, EspTrieKey *keys, size_t count, const char *unknown)
{
  bpe->max_id = -1;
  for (size_t i = 0; i < count; i++)
    if (keys[i].value > bpe->max_id)
      bpe->max_id = keys[i].value;
  if (!esp_trie_build (&bpe->vocabulary, keys, count))
    return false;
  bpe->vocabulary_count = count;
  bpe->unknown = esp_trie_find (&bpe->vocabulary, unknown, strlen (unknown));

  for (unsigned b = 0; b < 256; b++)
    {
      char piece[4 + sizeof WORD_END];
      size_t length = esp_utf8_encode (byte_spelling (b), piece);

      bpe->byte_ids[b] = esp_trie_find (&bpe->vocabulary, piece, length);
      memcpy (piece + length, WORD_END, sizeof WORD_END);
      bpe->last_byte_ids[b] = esp_trie_find (&bpe->vocabulary, piece, length + sizeof WORD_END - 1);
    }
  return true;
}

bool
esp_bpe_reserve_merges (EspBpe *bpe, size_t count)
{
  size_t slots = 16;

  while (slots < count * 2)
    slots *= 2;
  bpe->merges = malloc (slots * sizeof *bpe->merges);
  if (bpe->merges == NULL)
    return false;
  for (size_t i = 0; i < slots; i++)
    bpe->merges[i].pair = NO_PAIR;
  bpe->merges_mask = slots - 1;
  return true;
}

static EspBpeMerge *
merge_slot (const EspBpe *bpe, int32_t left, int32_t right)
{
  uint64_t pair = (uint64_t) (uint32_t) left << 32 | (uint32_t) right;
  uint64_t hash = pair * 0x9E3779B97F4A7C15U;
  size_t slot = (size_t) (hash >> 24) & bpe->merges_mask;

  while (bpe->merges[slot].pair != NO_PAIR && bpe->merges[slot].pair != pair)
    slot = (slot + 1) & bpe->merges_mask;
  return &bpe->merges[slot];
}

static const EspBpeMerge *
find_merge (const EspBpe *bpe, int32_t left, int32_t right)
{
  const EspBpeMerge *slot = merge_slot (bpe, left, right);

  return slot->pair == NO_PAIR ? NULL : slot;
}

/* How many bytes of a piece a message quotes. */
static int
shown (size_t length)
{
  return length > 64 ? 64 : (int) length;
}

EspStatus
esp_bpe_add_merge (EspBpe *bpe, const char *path, size_t line, const char *left, size_t left_length,
                   const char *right, size_t right_length, EspError *error)
{
  int32_t left_id = esp_trie_find (&bpe->vocabulary, left, left_length);
  int32_t right_id = esp_trie_find (&bpe->vocabulary, right, right_length);
  int32_t node = 0;
  EspBpeMerge *slot;

  if (left_id < 0 || right_id < 0)
    return esp_error_set (
        error, ESP_ERROR_FORMAT, "%s: merge %zu names \"%.*s\", which is not in the vocabulary",
        path, line, shown (left_id < 0 ? left_length : right_length), left_id < 0 ? left : right);
  for (size_t i = 0; i < left_length + right_length && node >= 0; i++)
    node = esp_trie_step (&bpe->vocabulary, node,
                          (unsigned char) (i < left_length ? left[i] : right[i - left_length]));
  if (node < 0 || bpe->vocabulary.nodes[node].value < 0)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: merge %zu makes \"%.*s%.*s\", which is not in the vocabulary", path,
                          line, shown (left_length), left, shown (right_length), right);

  slot = merge_slot (bpe, left_id, right_id);
  *slot = (EspBpeMerge){ (uint64_t) (uint32_t) left_id << 32 | (uint32_t) right_id,
                         (uint32_t) bpe->merge_count++, bpe->vocabulary.nodes[node].value };
  return ESP_OK;
}

void
esp_bpe_clear (EspBpe *bpe)
{
  esp_trie_clear (&bpe->vocabulary);
  free (bpe->merges);
  bpe->merges = NULL;
}

static bool
candidate_before (Candidate a, Candidate b)
{
  return a.rank != b.rank ? a.rank < b.rank : a.position < b.position;
}

static bool
heap_push (Heap *heap, Candidate candidate)
{
  size_t at = heap->count;

  if (heap->count == heap->capacity)
    {
      size_t capacity = heap->capacity ? heap->capacity * 2 : 64;
      Candidate *items = realloc (heap->items, capacity * sizeof *items);

      if (items == NULL)
        return false;
      heap->items = items;
      heap->capacity = capacity;
    }
  heap->count++;
  while (at > 0 && candidate_before (candidate, heap->items[(at - 1) / 2]))
    {
      heap->items[at] = heap->items[(at - 1) / 2];
      at = (at - 1) / 2;
    }
  heap->items[at] = candidate;
  return true;
}

static Candidate
heap_pop (Heap *heap)
{
  Candidate top = heap->items[0], last = heap->items[--heap->count];
  size_t at = 0;

  for (;;)
    {
      size_t child = 2 * at + 1;

      if (child >= heap->count)
        break;
      if (child + 1 < heap->count && candidate_before (heap->items[child + 1], heap->items[child]))
        child++;
      if (!candidate_before (heap->items[child], last))
        break;
      heap->items[at] = heap->items[child];
      at = child;
    }
  if (heap->count > 0)
    heap->items[at] = last;
  return top;
}

/* Queues the merge of the symbol at `position` with its successor, if there is one. */
static bool
push_pair (const EspBpe *bpe, Heap *heap, const Symbol *symbols, int32_t position)
{
  const EspBpeMerge *merge;

  if (position < 0 || symbols[position].next < 0)
    return true;
  merge = find_merge (bpe, symbols[position].id, symbols[symbols[position].next].id);
  return merge == NULL || heap_push (heap, (Candidate){ merge->rank, position, merge->result });
}

static bool
merge_all (const EspBpe *bpe, Heap *heap, Symbol *symbols)
{
  while (heap->count > 0)
    {
      Candidate top = heap_pop (heap);
      Symbol *left = &symbols[top.position];
      const EspBpeMerge *merge;
      int32_t gone;

      if (left->id < 0 || left->next < 0)
        continue;
      gone = left->next;
      /* An entry is out of date only if the pair now there gives another piece: the library
       * compares results, not ranks, and the order of merges depends on it. */
      merge = find_merge (bpe, left->id, symbols[gone].id);
      if (merge == NULL || merge->result != top.result)
        continue;

      left->id = top.result;
      left->next = symbols[gone].next;
      symbols[gone].id = -1;
      if (left->next >= 0)
        symbols[left->next].previous = top.position;
      if (!push_pair (bpe, heap, symbols, left->previous)
          || !push_pair (bpe, heap, symbols, top.position))
        return false;
    }
  return true;
}

EspStatus
esp_bpe_encode (const EspBpe *bpe, const char *word, size_t length, EspIds *ids, EspError *error)
{
  Symbol *symbols;
  Heap heap = { 0 };
  bool fine = true;

  if (length == 0)
    return ESP_OK;
  if (length > INT32_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "a word of %zu bytes is too long", length);
  symbols = malloc (length * sizeof *symbols);
  if (symbols == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");

  for (size_t i = 0; i < length; i++)
    {
      unsigned char byte = (unsigned char) word[i];
      int32_t id = i + 1 == length ? bpe->last_byte_ids[byte] : bpe->byte_ids[byte];

      if (id < 0)
        id = bpe->unknown;
      if (id < 0)
        {
          free (symbols);
          return esp_error_set (error, ESP_ERROR_FORMAT,
                                "the vocabulary has no piece for byte 0x%02X and no unknown "
                                "piece",
                                (unsigned) byte);
        }
      symbols[i] = (Symbol){ id, (int32_t) i - 1, i + 1 == length ? -1 : (int32_t) i + 1 };
    }
  for (size_t i = 0; fine && i + 1 < length; i++)
    fine = push_pair (bpe, &heap, symbols, (int32_t) i);
  fine = fine && merge_all (bpe, &heap, symbols);
  for (int32_t at = 0; fine && at >= 0; at = symbols[at].next)
    fine = esp_ids_append (ids, symbols[at].id);

  free (heap.items);
  free (symbols);
  return fine ? ESP_OK : esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
}
