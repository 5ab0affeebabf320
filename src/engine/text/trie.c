/* SPDX-License-Identifier: MIT */
#include "text/trie.h"

#include <stdlib.h>
#include <string.h>

/* The keys that share a node's prefix: sorted[low … high). */
typedef struct Range
{
  size_t low, high, depth;
} Range;

typedef struct Builder
{
  EspTrieNode *nodes;
  Range *ranges;
  size_t count, capacity;
} Builder;

static int
compare_keys (const void *a, const void *b)
{
  const EspTrieKey *left = a, *right = b;
  size_t shorter = left->length < right->length ? left->length : right->length;
  int order = shorter ? memcmp (left->bytes, right->bytes, shorter) : 0;

  if (order != 0)
    return order;
  if (left->length != right->length)
    return left->length < right->length ? -1 : 1;
  return left->value < right->value ? -1 : left->value > right->value;
}

static bool
add_node (Builder *builder, uint8_t label, Range range)
{
  if (builder->count == builder->capacity)
    {
      size_t capacity = builder->capacity ? builder->capacity * 2 : 256;
      EspTrieNode *nodes = realloc (builder->nodes, capacity * sizeof *nodes);
      Range *ranges;

      if (nodes == NULL)
        return false;
      builder->nodes = nodes;
      ranges = realloc (builder->ranges, capacity * sizeof *ranges);
      if (ranges == NULL)
        return false;
      builder->ranges = ranges;
      builder->capacity = capacity;
    }
  if (builder->count >= INT32_MAX)
    return false;
  builder->nodes[builder->count]
      = (EspTrieNode){ .first_child = 0, .value = -1, .child_count = 0, .label = label };
  builder->ranges[builder->count++] = range;
  return true;
}

size_t
esp_trie_key_bytes (const EspTrieKey *keys, size_t count)
{
  size_t total = 0;

  for (size_t i = 0; i < count; i++)
    total += keys[i].length;
  return total;
}

bool
esp_trie_build (EspTrie *trie, EspTrieKey *keys, size_t count)
{
  Builder builder = { 0 };
  bool fine = true;

  if (count > 1)
    qsort (keys, count, sizeof *keys, compare_keys);
  fine = add_node (&builder, 0, (Range){ 0, count, 0 });

  /* Breadth first, so that children lie side by side and no key's length can exhaust the stack. */
  for (size_t i = 0; fine && i < builder.count; i++)
    {
      Range range = builder.ranges[i];
      size_t at = range.low;
      int32_t first = (int32_t) builder.count;

      while (at < range.high && keys[at].length == range.depth)
        builder.nodes[i].value = keys[at++].value;
      while (fine && at < range.high)
        {
          uint8_t label = (uint8_t) keys[at].bytes[range.depth];
          size_t start = at;

          while (at < range.high && (uint8_t) keys[at].bytes[range.depth] == label)
            at++;
          fine = add_node (&builder, label, (Range){ start, at, range.depth + 1 });
        }
      builder.nodes[i].first_child = first;
      builder.nodes[i].child_count = (uint16_t) (builder.count - (size_t) first);
    }

  free (builder.ranges);
  if (!fine)
    {
      free (builder.nodes);
      return false;
    }
  trie->nodes = builder.nodes;
  trie->count = builder.count;
  return true;
}

void
esp_trie_clear (EspTrie *trie)
{
  free (trie->nodes);
  *trie = (EspTrie){ 0 };
}

int32_t
esp_trie_step (const EspTrie *trie, int32_t node, unsigned char label)
{
  int low = 0, high = trie->nodes[node].child_count - 1;
  int32_t first = trie->nodes[node].first_child;

  while (low <= high)
    {
      int middle = (low + high) / 2;
      unsigned char found = trie->nodes[first + middle].label;

      if (found == label)
        return first + middle;
      if (found < label)
        low = middle + 1;
      else
        high = middle - 1;
    }
  return -1;
}

int32_t
esp_trie_find (const EspTrie *trie, const char *bytes, size_t length)
{
  int32_t node = 0;

  if (trie->nodes == NULL)
    return -1;
  for (size_t i = 0; i < length && node >= 0; i++)
    node = esp_trie_step (trie, node, (unsigned char) bytes[i]);
  return node < 0 ? -1 : trie->nodes[node].value;
}
