/* SPDX-License-Identifier: MIT */
#include "text/tokenizer-config.h"

#include <stdlib.h>
#include <string.h>

/* More than any real tokenizer has by far; what follows compares each with each. */
#define MAX_ADDED_TOKENS 10000

typedef struct Ordered
{
  const EspTokenSpec *spec;
  int64_t index;
} Ordered;

typedef struct Resolution
{
  const EspTokenizerConfig *config;
  const EspTokenSpec **wanted; /* in the order in which the library adds them */
  size_t count;
} Resolution;

static int
compare_ordered (const void *a, const void *b)
{
  const Ordered *left = a, *right = b;

  return left->index < right->index ? -1 : left->index > right->index;
}

static bool
normalizes (const EspTokenSpec *spec, bool special)
{
  return spec->normalized < 0 ? !special : spec->normalized;
}

/* A bare string equals only a bare string, a token with flags only one with the same flags. */
static bool
same_spec (const EspTokenSpec *a, const EspTokenSpec *b)
{
  if (a->is_plain != b->is_plain || strcmp (a->content, b->content) != 0)
    return false;
  return a->is_plain
         || (a->single_word == b->single_word && a->lstrip == b->lstrip && a->rstrip == b->rstrip
             && a->special == b->special
             && normalizes (a, a->special) == normalizes (b, b->special));
}

static void
want (Resolution *resolution, const EspTokenSpec *spec)
{
  const EspTokenSpecs *decoder = &resolution->config->decoder;

  if (spec->content == NULL)
    return;
  for (size_t i = 0; i < decoder->count; i++)
    if (strcmp (decoder->items[i].content, spec->content) == 0)
      return;
  for (size_t i = 0; i < resolution->count; i++)
    if (same_spec (resolution->wanted[i], spec))
      return;
  resolution->wanted[resolution->count++] = spec;
}

static bool
is_named (const EspTokenizerConfig *config, const char *content)
{
  for (int i = 0; i < ESP_NAMED_COUNT; i++)
    if (config->named[i].content != NULL && strcmp (config->named[i].content, content) == 0)
      return true;
  for (size_t i = 0; i < config->model_specific.count; i++)
    if (strcmp (config->model_specific.items[i].content, content) == 0)
      return true;
  return false;
}

int32_t
esp_added_tokens_find (const EspAddedTokens *tokens, const EspTrie *vocabulary, const char *content)
{
  for (size_t i = 0; i < tokens->count; i++)
    if (strcmp (tokens->items[i].content, content) == 0)
      return tokens->items[i].id;
  return esp_trie_find (vocabulary, content, strlen (content));
}

static int32_t
next_id (const EspAddedTokens *tokens, int32_t count)
{
  int32_t next = count;

  for (size_t i = 0; i < tokens->count; i++)
    if (tokens->items[i].id >= next)
      next = tokens->items[i].id + 1;
  return next;
}

/* Adds one token, or changes the flags of the one that has its id already. */
static EspStatus
add_token (const EspTokenizerConfig *config, const EspTokenSpec *spec, const EspTrie *vocabulary,
           int32_t count, EspAddedTokens *tokens, EspError *error)
{
  EspAddedToken token = { 0 }, *place = &tokens->items[tokens->count];
  bool grows = true;

  if (spec->content[0] == '\0')
    return ESP_OK;
  token.special = spec->is_plain || spec->special || is_named (config, spec->content);
  token.normalized = spec->is_plain ? false : normalizes (spec, token.special);
  token.single_word = spec->single_word;
  token.lstrip = spec->lstrip;
  token.rstrip = spec->rstrip;
  token.id = esp_added_tokens_find (tokens, vocabulary, spec->content);
  if (token.id < 0)
    token.id = next_id (tokens, count);
  token.content = strdup (spec->content);
  if (token.content == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the added tokens");

  for (size_t i = 0; i < tokens->count && grows; i++)
    if (tokens->items[i].id == token.id)
      {
        place = &tokens->items[i];
        free (place->content);
        grows = false;
      }
  *place = token;
  tokens->count += grows;
  return ESP_OK;
}

EspStatus
esp_tokenizer_config_resolve (const EspTokenizerConfig *config, const EspTrie *vocabulary,
                              int32_t count, EspAddedTokens *tokens, EspError *error)
{
  const EspTokenSpecs *extra = config->has_extra ? &config->extra : &config->additional;
  size_t total
      = config->decoder.count + ESP_NAMED_COUNT + config->model_specific.count + extra->count;
  Resolution resolution = { config, NULL, 0 };
  Ordered *ordered;
  EspStatus status = ESP_OK;

  if (total > MAX_ADDED_TOKENS)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "the tokenizer has %zu added tokens, at most %d are supported", total,
                          MAX_ADDED_TOKENS);
  ordered = calloc (config->decoder.count + 1, sizeof *ordered);
  resolution.wanted = calloc (total + 1, sizeof *resolution.wanted);
  tokens->items = calloc (total + 1, sizeof *tokens->items);
  tokens->ignore_special = config->split_special_tokens;
  if (ordered == NULL || resolution.wanted == NULL || tokens->items == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the added tokens");
  else
    {
      for (size_t i = 0; i < config->decoder.count; i++)
        ordered[i] = (Ordered){ &config->decoder.items[i], config->decoder.indexes[i] };
      qsort (ordered, config->decoder.count, sizeof *ordered, compare_ordered);
      for (size_t i = 0; i < config->decoder.count; i++)
        resolution.wanted[resolution.count++] = ordered[i].spec;
      for (int i = 0; i < ESP_NAMED_COUNT; i++)
        want (&resolution, &config->named[i]);
      for (size_t i = 0; i < config->model_specific.count; i++)
        want (&resolution, &config->model_specific.items[i]);
      for (size_t i = 0; i < extra->count; i++)
        want (&resolution, &extra->items[i]);
    }
  for (size_t i = 0; status == ESP_OK && i < resolution.count; i++)
    status = add_token (config, resolution.wanted[i], vocabulary, count, tokens, error);
  free (resolution.wanted);
  free (ordered);
  return status;
}
