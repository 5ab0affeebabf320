/* SPDX-License-Identifier: MIT */
#include "text/unigram.h"

#include <math.h>
#include <stdlib.h>

#include "text/ids.h"
#include "text/utf8.h"

/* How much less likely than the rarest piece an unknown character is: sentencepiece's kUnkPenalty.
 */
#define UNKNOWN_PENALTY 10.0
#define NOT_REACHED     SIZE_MAX

/* The best way to split the text up to here: its last piece starts at `start`. */
typedef struct Best
{
  double score;
  size_t start;
  int32_t id;
} Best;

bool
esp_unigram_set_pieces (EspUnigram *unigram, EspTrieKey *keys, double *scores, int32_t count,
                        int32_t unknown)
{
  double least = INFINITY;

  if (!esp_trie_build (&unigram->pieces, keys, (size_t) count))
    return false;
  for (int32_t i = 0; i < count; i++)
    if (scores[i] < least)
      least = scores[i];
  unigram->scores = scores;
  unigram->count = count;
  unigram->unknown = unknown;
  unigram->unknown_score = least - UNKNOWN_PENALTY;
  return true;
}

void
esp_unigram_clear (EspUnigram *unigram)
{
  esp_trie_clear (&unigram->pieces);
  free (unigram->scores);
  unigram->scores = NULL;
}

/* On a tie the path found first stays. */
static void
offer (Best *best, double score, size_t start, int32_t id)
{
  if (best->start == NOT_REACHED || score > best->score)
    *best = (Best){ score, start, id };
}

static void
find_best_paths (const EspUnigram *unigram, const char *text, size_t length, Best *best)
{
  for (size_t i = 0; i <= length; i++)
    best[i] = (Best){ 0.0, NOT_REACHED, 0 };
  for (size_t start = 0; start < length;)
    {
      double score = best[start].score;
      size_t next = start;
      bool has_single = false;
      int32_t node = 0;

      esp_utf8_next (text, &next);
      for (size_t at = start; at < length; at++)
        {
          int32_t id;

          node = esp_trie_step (&unigram->pieces, node, (unsigned char) text[at]);
          if (node < 0)
            break;
          id = unigram->pieces.nodes[node].value;
          if (id < 0)
            continue;
          offer (&best[at + 1], unigram->scores[id] + score, start, id);
          has_single |= at + 1 == next;
        }
      if (!has_single)
        offer (&best[next], unigram->unknown_score + score, start, unigram->unknown);
      start = next;
    }
}

EspStatus
esp_unigram_encode (const EspUnigram *unigram, const char *text, size_t length, EspIds *ids,
                    EspError *error)
{
  size_t first = ids->count, end = length;
  Best *best;
  bool fine = true;

  if (length == 0)
    return ESP_OK;
  best = malloc ((length + 1) * sizeof *best);
  if (best == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
  find_best_paths (unigram, text, length, best);

  while (fine && end > 0)
    {
      size_t start = best[end].start;
      int32_t id = best[end].id;

      if (id == unigram->unknown)
        {
          while (start > 0 && best[start].id == unigram->unknown)
            start = best[start].start;
          /* The joined text may itself be a piece that lost against its parts. */
          id = esp_trie_find (&unigram->pieces, text + start, end - start);
          if (id < 0)
            id = unigram->unknown;
        }
      fine = esp_ids_append (ids, id);
      end = start;
    }
  for (size_t i = first, j = ids->count; fine && i + 1 < j; i++)
    {
      int32_t swap = ids->ids[i];

      ids->ids[i] = ids->ids[--j];
      ids->ids[j] = swap;
    }
  free (best);
  return fine ? ESP_OK : esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
}
