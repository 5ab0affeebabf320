/* SPDX-License-Identifier: MIT */
#include "text/added-tokens.h"

#include <stdlib.h>
#include <string.h>

#include "text/ids.h"
#include "text/unicode.h"

typedef struct Run
{
  const EspAddedTokens *tokens;
  EspNormalize normalize;
  EspTokenizeSection section;
  const void *tokenizer;
  EspIds *ids;
  EspError *error;
} Run;

/* A piece of text between two matches. */
typedef EspStatus (*BetweenMatches) (const Run *run, const char *text, size_t length);

/* Special tokens first, each kind in its old order: the library's order of patterns. */
static bool
order_special_first (EspAddedTokens *tokens)
{
  EspAddedToken *ordered = malloc ((tokens->count + 1) * sizeof *ordered);
  size_t count = 0;

  if (ordered == NULL)
    return false;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < tokens->count; i++)
      if (tokens->items[i].special == (pass == 0))
        ordered[count++] = tokens->items[i];
  free (tokens->items);
  tokens->items = ordered;
  return true;
}

/* Of equal spellings the trie keeps the largest value, and the first token is to win. */
static int32_t
value_of_index (const EspAddedTokens *tokens, size_t index)
{
  return (int32_t) (tokens->count - 1 - index);
}

bool
esp_added_tokens_prepare (EspAddedTokens *tokens, EspNormalize normalize, const void *tokenizer)
{
  EspTrieKey *keys = malloc ((2 * tokens->count + 1) * sizeof *keys);
  EspText *spellings = calloc (tokens->count + 1, sizeof *spellings);
  size_t raw = 0, normalized = 0;
  bool fine = keys != NULL && spellings != NULL && order_special_first (tokens);

  for (size_t i = 0; fine && i < tokens->count; i++)
    {
      const EspAddedToken *token = &tokens->items[i];
      size_t length = strlen (token->content);

      if (!token->normalized)
        {
          keys[raw++] = (EspTrieKey){ token->content, length, value_of_index (tokens, i) };
          continue;
        }
      fine = normalize (tokenizer, &spellings[i], token->content, length);
      /* A spelling that normalises to nothing would match everywhere and mean nothing. */
      if (fine && spellings[i].length > 0)
        keys[tokens->count + normalized++]
            = (EspTrieKey){ spellings[i].data, spellings[i].length, value_of_index (tokens, i) };
    }
  fine = fine && esp_trie_build (&tokens->raw, keys, raw)
         && esp_trie_build (&tokens->normalized, keys + tokens->count, normalized);
  for (size_t i = 0; spellings != NULL && i < tokens->count; i++)
    esp_text_clear (&spellings[i]);
  free (spellings);
  free (keys);
  return fine;
}

void
esp_added_tokens_clear (EspAddedTokens *tokens)
{
  for (size_t i = 0; i < tokens->count; i++)
    free (tokens->items[i].content);
  free (tokens->items);
  esp_trie_clear (&tokens->raw);
  esp_trie_clear (&tokens->normalized);
  *tokens = (EspAddedTokens){ 0 };
}

/* The longest spelling that starts at `text`, or NULL; *length becomes its length. */
static const EspAddedToken *
longest_match (const EspAddedTokens *tokens, const EspTrie *trie, const char *text, size_t left,
               size_t *length)
{
  const EspAddedToken *found = NULL;
  int32_t node = 0;

  for (size_t i = 0; i < left; i++)
    {
      node = esp_trie_step (trie, node, (unsigned char) text[i]);
      if (node < 0)
        break;
      if (trie->nodes[node].value >= 0)
        {
          found = &tokens->items[tokens->count - 1 - (size_t) trie->nodes[node].value];
          *length = i + 1;
        }
    }
  return found;
}

static bool
has_flag_before (const char *text, size_t offset, unsigned flag)
{
  if (offset == 0)
    return false;
  offset = esp_utf8_previous (text, offset);
  return (esp_unicode_flags (esp_utf8_next (text, &offset)) & flag) != 0;
}

static bool
has_flag_at (const char *text, size_t length, size_t offset, unsigned flag)
{
  return offset < length && (esp_unicode_flags (esp_utf8_next (text, &offset)) & flag) != 0;
}

/* Widens a match over the white space that the token takes along. */
static void
strip (const EspAddedToken *token, const char *text, size_t length, size_t done, size_t *start,
       size_t *stop)
{
  if (token->lstrip)
    {
      while (has_flag_before (text, *start, ESP_CHAR_WHITE_SPACE))
        *start = esp_utf8_previous (text, *start);
      if (*start < done)
        *start = done;
    }
  if (token->rstrip)
    while (has_flag_at (text, length, *stop, ESP_CHAR_WHITE_SPACE))
      esp_utf8_next (text, stop);
}

/* Leftmost, longest, not overlapping, as an Aho-Corasick search in that mode finds them. */
static EspStatus
split (const Run *run, const EspTrie *trie, const char *text, size_t length, BetweenMatches between)
{
  size_t done = 0;

  for (size_t at = 0; at < length;)
    {
      size_t start = at, matched = 0, stop;
      const EspAddedToken *token
          = longest_match (run->tokens, trie, text + at, length - at, &matched);
      EspStatus status = ESP_OK;

      if (token == NULL)
        {
          at++;
          continue;
        }
      at = stop = start + matched;
      if (token->special && run->tokens->ignore_special)
        continue;
      if (token->single_word
          && (has_flag_before (text, start, ESP_CHAR_WORD)
              || has_flag_at (text, length, stop, ESP_CHAR_WORD)))
        continue;
      strip (token, text, length, done, &start, &stop);
      if (done < start)
        status = between (run, text + done, start - done);
      if (status != ESP_OK)
        return status;
      if (!esp_ids_append (run->ids, token->id))
        return esp_error_set (run->error, ESP_ERROR_MEMORY, "out of memory");
      done = stop;
    }
  return done < length ? between (run, text + done, length - done) : ESP_OK;
}

static EspStatus
tokenize_normalized (const Run *run, const char *text, size_t length)
{
  return run->section (run->tokenizer, text, length, run->ids, run->error);
}

static EspStatus
normalize_and_split (const Run *run, const char *text, size_t length)
{
  EspText normalized = { 0 };
  EspStatus status;

  if (!run->normalize (run->tokenizer, &normalized, text, length))
    status = esp_error_set (run->error, ESP_ERROR_MEMORY, "out of memory");
  else
    status = split (run, &run->tokens->normalized, normalized.data, normalized.length,
                    tokenize_normalized);
  esp_text_clear (&normalized);
  return status;
}

EspStatus
esp_added_tokens_tokenize (const EspAddedTokens *tokens, const char *text, size_t length,
                           EspNormalize normalize, EspTokenizeSection section,
                           const void *tokenizer, EspIds *ids, EspError *error)
{
  Run run = { tokens, normalize, section, tokenizer, ids, error };

  return split (&run, &tokens->raw, text, length, normalize_and_split);
}
