/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/json-file.h"
#include "text/charsmap.h"
#include "text/gguf-pieces.h"
#include "text/sentencepiece-file.h"
#include "text/tokenizer-config.h"
#include "text/unicode.h"
#include "text/unigram.h"

#define MAX_FILE_BYTES (32 << 20)
#define MAX_PIECES     1000000
/* Where T5's vocabularies keep "<unk>"; the library takes no other place. */
#define UNKNOWN_INDEX 2
#define META_SPACE    "\xE2\x96\x81" /* U+2581 */
#define EXTRA_ID      "<extra_id_"
#define EXTRA_IDS     100 /* as many as the library adds unless told otherwise */

struct EspT5Tokenizer
{
  EspUnigram unigram;
  EspCharsmap *charsmap; /* NULL: text is taken as it is */
  EspAddedTokens added;
  int32_t end, pad, max_id;
};

/* --- tokenizer.json ------------------------------------------------------------------------ */

/* Steps that the library knows. A T5 tokenizer keeps, of all that tokenizer.json says, only the
 * pieces and the charsmap, and splits as tokenize_section() does; a name outside these lists
 * means a file that the library would not open either. */
static const char *const known_normalizers[]
    = { "Sequence",       "Precompiled", "Replace",   "NFC",   "NFD",     "NFKC",
        "NFKD",           "Nmt",         "Lowercase", "Strip", "Prepend", "StripAccents",
        "BertNormalizer", "ByteLevel",   NULL };
static const char *const known_pre_tokenizers[]
    = { "Sequence",       "WhitespaceSplit", "Whitespace", "Metaspace",        "Split",
        "Punctuation",    "Digits",          "ByteLevel",  "BertPreTokenizer", "CharDelimiterSplit",
        "UnicodeScripts", "FixedLength",     NULL };

/* Checks one step, or each of a sequence. */
static EspStatus
check_steps (const json_t *step, const char *path, const char *field, const char *list,
             const char *const *known, EspError *error)
{
  const char *type = json_string_value (json_object_get (step, "type"));
  size_t i;
  json_t *inner;

  if (step == NULL || json_is_null (step))
    return ESP_OK;
  if (type == NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"%s\": expected an object with a type",
                          path, field);
  for (i = 0; known[i] != NULL && strcmp (known[i], type) != 0;)
    i++;
  if (known[i] == NULL)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "%s: \"%s\": unknown component \"%.64s\"",
                          path, field, type);
  if (strcmp (type, "Sequence") != 0)
    return ESP_OK;
  if (!json_is_array (json_object_get (step, list)))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"%s\": a Sequence without \"%s\"", path,
                          field, list);
  json_array_foreach (json_object_get (step, list), i, inner)
  {
    /* The JSON reader bounds how deep this can go. */
    EspStatus status = check_steps (inner, path, field, list, known, error);

    if (status != ESP_OK)
      return status;
  }
  return ESP_OK;
}

/* The first Precompiled step at the top or one level below it. */
static EspStatus
read_normalizer (const json_t *normalizer, const char *path, EspCharsmap **charsmap,
                 EspError *error)
{
  const json_t *found = NULL;
  const char *map, *type = json_string_value (json_object_get (normalizer, "type"));
  size_t i;
  json_t *step;
  EspStatus status;

  if (type != NULL && strcmp (type, "Precompiled") == 0)
    found = normalizer;
  else if (type != NULL && strcmp (type, "Sequence") == 0)
    json_array_foreach (json_object_get (normalizer, "normalizers"), i, step)
    {
      type = json_string_value (json_object_get (step, "type"));
      if (found == NULL && type != NULL && strcmp (type, "Precompiled") == 0)
        found = step;
    }
  if (found == NULL)
    return ESP_OK;
  status = esp_json_get_string (found, path, "precompiled_charsmap", true, NULL, &map, error);
  if (status != ESP_OK)
    return status;
  return esp_charsmap_parse_base64 (path, map, charsmap, error);
}

/* The pieces as they are collected, before the trie is built. */
typedef struct Pieces
{
  EspTrieKey *keys;
  double *scores;
  size_t count, capacity;
} Pieces;

static bool
pieces_reserve (Pieces *pieces, size_t capacity)
{
  pieces->keys = malloc ((capacity + 1) * sizeof *pieces->keys);
  pieces->scores = malloc ((capacity + 1) * sizeof *pieces->scores);
  pieces->capacity = capacity;
  return pieces->keys != NULL && pieces->scores != NULL;
}

static void
pieces_add (Pieces *pieces, const char *text, size_t length, double score)
{
  pieces->keys[pieces->count] = (EspTrieKey){ text, length, (int32_t) pieces->count };
  pieces->scores[pieces->count++] = score;
}

static EspStatus
use_pieces (EspT5Tokenizer *tokenizer, Pieces *pieces, size_t unknown, const char *path,
            EspError *error)
{
  if (pieces->count <= unknown)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: %zu pieces, expected more than %zu (piece %zu is the unknown one)",
                          path, pieces->count, unknown, unknown);
  if (esp_trie_key_bytes (pieces->keys, pieces->count) > ESP_TRIE_MAX_KEY_BYTES)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: the pieces take %zu bytes, at most %d are supported", path,
                          esp_trie_key_bytes (pieces->keys, pieces->count), ESP_TRIE_MAX_KEY_BYTES);
  if (!esp_unigram_set_pieces (&tokenizer->unigram, pieces->keys, pieces->scores,
                               (int32_t) pieces->count, (int32_t) unknown))
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  pieces->scores = NULL; /* now the model's */
  return ESP_OK;
}

static EspStatus
read_pieces (const json_t *vocabulary, const char *path, Pieces *pieces, EspError *error)
{
  size_t i;
  json_t *entry;

  if (!json_is_array (vocabulary) || json_array_size (vocabulary) > MAX_PIECES)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: \"vocab\": expected a list of up to %d pieces and scores", path,
                          MAX_PIECES);
  if (!pieces_reserve (pieces, json_array_size (vocabulary)))
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  json_array_foreach (vocabulary, i, entry)
  {
    const json_t *piece = json_array_get (entry, 0), *score = json_array_get (entry, 1);

    if (json_array_size (entry) != 2 || !json_is_string (piece) || !json_is_number (score))
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: \"vocab\": entry %zu: expected a piece and its score", path, i);
    pieces_add (pieces, json_string_value (piece), json_string_length (piece),
                json_number_value (score));
  }
  return ESP_OK;
}

static EspStatus
open_tokenizer_json (const json_t *root, const char *path, EspT5Tokenizer *tokenizer,
                     EspError *error)
{
  const json_t *model = json_object_get (root, "model");
  Pieces pieces = { 0 };
  const char *type;
  EspStatus status;

  if (!json_is_object (model))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"model\": expected an object", path);
  status = esp_json_get_string (model, path, "type", false, "Unigram", &type, error);
  if (status == ESP_OK && strcmp (type, "Unigram") != 0)
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: model type \"%.64s\", expected \"Unigram\"", path, type);
  if (status == ESP_OK)
    status = check_steps (json_object_get (root, "normalizer"), path, "normalizer", "normalizers",
                          known_normalizers, error);
  if (status == ESP_OK)
    status = check_steps (json_object_get (root, "pre_tokenizer"), path, "pre_tokenizer",
                          "pretokenizers", known_pre_tokenizers, error);
  if (status == ESP_OK)
    status
        = read_normalizer (json_object_get (root, "normalizer"), path, &tokenizer->charsmap, error);
  if (status == ESP_OK)
    status = read_pieces (json_object_get (model, "vocab"), path, &pieces, error);
  if (status == ESP_OK)
    status = use_pieces (tokenizer, &pieces, UNKNOWN_INDEX, path, error);
  free (pieces.keys);
  free (pieces.scores);
  return status;
}

/* --- spiece.model -------------------------------------------------------------------------- */

/* Control and user-defined pieces become the additional special tokens, whatever the
 * configuration listed. */
static EspStatus
add_control_pieces (const EspSentencePieceFile *file, EspTokenizerConfig *config, EspError *error)
{
  bool fine = true;

  for (size_t i = 0; i < config->additional.count; i++)
    free (config->additional.items[i].content);
  config->additional.count = 0;
  config->has_additional = true;
  for (size_t i = 0; fine && i < file->count; i++)
    {
      const EspPiece *piece = &file->pieces[i];
      EspTokenSpec spec = { .special = piece->type == ESP_PIECE_CONTROL, .normalized = false };

      if (piece->type != ESP_PIECE_CONTROL && piece->type != ESP_PIECE_USER_DEFINED)
        continue;
      spec.content = strndup (piece->text, piece->length);
      fine = spec.content != NULL && esp_token_specs_add (&config->additional, &spec, (int64_t) i);
      free (spec.content);
    }
  return fine ? ESP_OK : esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
}

static EspStatus
use_sentencepiece (const EspSentencePieceFile *file, size_t unknown, const char *path,
                   EspTokenizerConfig *config, EspT5Tokenizer *tokenizer, EspError *error)
{
  size_t extra_ids = (size_t) config->extra_ids;
  Pieces pieces = { 0 };
  char (*names)[sizeof EXTRA_ID + 24] = malloc ((extra_ids + 1) * sizeof *names);
  EspStatus status = ESP_OK;

  if (names == NULL || !pieces_reserve (&pieces, file->count + extra_ids))
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  for (size_t i = 0; status == ESP_OK && i < file->count; i++)
    pieces_add (&pieces, file->pieces[i].text, file->pieces[i].length, file->pieces[i].score);
  /* The file lacks the extra ids: they follow its pieces, the highest first. */
  for (size_t i = extra_ids; status == ESP_OK && i-- > 0;)
    {
      int length = snprintf (names[i], sizeof names[i], EXTRA_ID "%zu>", i);

      pieces_add (&pieces, names[i], (size_t) length, 0.0);
    }
  if (status == ESP_OK && file->charsmap != NULL)
    status = esp_charsmap_parse (path, file->charsmap, file->charsmap_length, &tokenizer->charsmap,
                                 error);
  if (status == ESP_OK)
    status = add_control_pieces (file, config, error);
  if (status == ESP_OK)
    status = use_pieces (tokenizer, &pieces, unknown, path, error);
  free (names);
  free (pieces.keys);
  free (pieces.scores);
  return status;
}

static EspStatus
open_sentencepiece (const char *path, EspTokenizerConfig *config, EspT5Tokenizer *tokenizer,
                    EspError *error)
{
  EspSentencePieceFile file;
  EspStatus status = esp_sentencepiece_file_open (path, &file, error);

  if (status != ESP_OK)
    return status;
  status = use_sentencepiece (&file, UNKNOWN_INDEX, path, config, tokenizer, error);
  esp_sentencepiece_file_clear (&file);
  return status;
}

/* --- GGUF ---------------------------------------------------------------------------------- */

/* The name that piece `index` gives a token with a meaning of its own. */
static bool
name_token (EspTokenizerConfig *config, EspNamedToken which, const EspSentencePieceFile *file,
            size_t index)
{
  config->named[which] = (EspTokenSpec){ .is_plain = true, .normalized = -1 };
  config->named[which].content = strndup (file->pieces[index].text, file->pieces[index].length);
  return config->named[which].content != NULL;
}

/* A file with room for them after its pieces lost the names of T5's extra ids. One that has their
 * names has them as pieces of its own. */
static EspStatus
open_gguf (const EspGguf *gguf, const char *path, EspTokenizerConfig *config,
           EspT5Tokenizer *tokenizer, EspError *error)
{
  EspGgufPieces pieces;
  EspStatus status = esp_gguf_pieces_read (gguf, path, &pieces, error);

  if (status != ESP_OK)
    return status;
  config->extra_ids = pieces.fillers >= EXTRA_IDS ? EXTRA_IDS : 0;
  if (!name_token (config, ESP_NAMED_UNK, &pieces.file, pieces.unknown)
      || !name_token (config, ESP_NAMED_EOS, &pieces.file, pieces.end)
      || !name_token (config, ESP_NAMED_PAD, &pieces.file, pieces.pad))
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  if (status == ESP_OK)
    status = use_sentencepiece (&pieces.file, pieces.unknown, path, config, tokenizer, error);
  esp_gguf_pieces_clear (&pieces);
  return status;
}

/* --- Tokenizing ---------------------------------------------------------------------------- */

static bool
normalize (const void *data, EspText *out, const char *text, size_t length)
{
  const EspT5Tokenizer *tokenizer = data;

  return tokenizer->charsmap != NULL ? esp_charsmap_append (tokenizer->charsmap, out, text, length)
                                     : esp_text_append (out, text, length);
}

static bool
is_meta_space (const char *text, size_t length, size_t offset)
{
  return length - offset >= 3 && memcmp (text + offset, META_SPACE, 3) == 0;
}

/* One word without white space: begins with U+2581, and every further U+2581 begins a new piece of
 * text for the model. */
static EspStatus
tokenize_word (const EspT5Tokenizer *tokenizer, const char *text, size_t length, EspText *scratch,
               EspIds *ids, EspError *error)
{
  size_t start = 0;

  scratch->length = 0;
  if ((!is_meta_space (text, length, 0) && !esp_text_append (scratch, META_SPACE, 3))
      || !esp_text_append (scratch, text, length))
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
  for (size_t at = 3; at <= scratch->length; at++)
    {
      EspStatus status;

      if (at < scratch->length && !is_meta_space (scratch->data, scratch->length, at))
        continue;
      status
          = esp_unigram_encode (&tokenizer->unigram, scratch->data + start, at - start, ids, error);
      if (status != ESP_OK)
        return status;
      start = at;
    }
  return ESP_OK;
}

static EspStatus
tokenize_section (const void *data, const char *text, size_t length, EspIds *ids, EspError *error)
{
  EspText scratch = { 0 };
  EspStatus status = ESP_OK;
  size_t start = 0, offset = 0;

  while (status == ESP_OK && offset <= length)
    {
      size_t next = offset;

      if (offset < length
          && !(esp_unicode_flags (esp_utf8_next (text, &next)) & ESP_CHAR_WHITE_SPACE))
        {
          offset = next;
          continue;
        }
      if (offset > start)
        status = tokenize_word (data, text + start, offset - start, &scratch, ids, error);
      if (offset == length)
        break;
      start = offset = next;
    }
  esp_text_clear (&scratch);
  return status;
}

EspStatus
esp_t5_tokenize (const EspT5Tokenizer *tokenizer, const char *text, size_t length, EspIds *ids,
                 EspError *error)
{
  EspStatus status = esp_utf8_validate (text, length, error);

  if (status != ESP_OK)
    return status;
  return esp_added_tokens_tokenize (&tokenizer->added, text, length, normalize, tokenize_section,
                                    tokenizer, ids, error);
}

/* --- The object ---------------------------------------------------------------------------- */

/* T5 always has its extra ids among the special tokens: a list that has some must have all. */
static EspStatus
complete_extra_ids (EspTokenizerConfig *config, const char *folder, EspError *error)
{
  int64_t found = 0;

  for (size_t i = 0; i < config->additional.count; i++)
    found += strstr (config->additional.items[i].content, EXTRA_ID) != NULL;
  if (found > 0 && config->extra_ids > 0 && found != config->extra_ids)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: the additional special tokens have %d extra ids, expected "
                          "\"extra_ids\" = %d",
                          folder, (int) found, (int) config->extra_ids);
  for (int64_t i = 0; found == 0 && i < config->extra_ids; i++)
    {
      char name[sizeof EXTRA_ID + 24];
      EspTokenSpec spec = { .content = name, .is_plain = true, .normalized = -1 };

      snprintf (name, sizeof name, EXTRA_ID "%d>", (int) i);
      if (!esp_token_specs_add (&config->additional, &spec, i))
        return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
    }
  config->has_additional = true;
  return ESP_OK;
}

static EspStatus
finish (EspT5Tokenizer *tokenizer, EspTokenizerConfig *config, const char *folder, EspError *error)
{
  const EspTrie *vocabulary = &tokenizer->unigram.pieces;
  const char *end = config->named[ESP_NAMED_EOS].content;
  const char *pad = config->named[ESP_NAMED_PAD].content;
  EspStatus status = complete_extra_ids (config, folder, error);

  if (status == ESP_OK)
    status = esp_tokenizer_config_resolve (config, vocabulary, tokenizer->unigram.count,
                                           &tokenizer->added, error);
  if (status != ESP_OK)
    return status;
  tokenizer->max_id = tokenizer->unigram.count - 1;
  for (size_t i = 0; i < tokenizer->added.count; i++)
    if (tokenizer->added.items[i].id > tokenizer->max_id)
      tokenizer->max_id = tokenizer->added.items[i].id;
  tokenizer->end = end == NULL ? -1 : esp_added_tokens_find (&tokenizer->added, vocabulary, end);
  tokenizer->pad = pad == NULL ? -1 : esp_added_tokens_find (&tokenizer->added, vocabulary, pad);
  if (tokenizer->end < 0 || tokenizer->pad < 0)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: the tokenizer has no %s token, expected eos and pad", folder,
                          tokenizer->end < 0 ? "eos" : "pad");
  if (!esp_added_tokens_prepare (&tokenizer->added, normalize, tokenizer))
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", folder);
  return ESP_OK;
}

EspStatus
esp_t5_tokenizer_open (const char *folder, EspT5Tokenizer **tokenizer, EspError *error)
{
  static const char *const defaults[ESP_NAMED_COUNT]
      = { [ESP_NAMED_EOS] = "</s>", [ESP_NAMED_UNK] = "<unk>", [ESP_NAMED_PAD] = "<pad>" };
  EspT5Tokenizer *made = calloc (1, sizeof *made);
  EspTokenizerConfig config = { 0 };
  char *json_path = esp_path_join (folder, "tokenizer.json");
  char *model_path = esp_path_join (folder, "spiece.model");
  json_t *root = NULL;
  EspStatus status = ESP_OK;

  *tokenizer = NULL;
  if (made == NULL || json_path == NULL || model_path == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", folder);
  if (status == ESP_OK && access (json_path, F_OK) == 0)
    status = esp_json_read_object (json_path, MAX_FILE_BYTES, &root, error);
  if (status == ESP_OK)
    status = esp_tokenizer_config_read (folder, defaults, root, &config, error);
  if (status == ESP_OK)
    status = root != NULL ? open_tokenizer_json (root, json_path, made, error)
                          : open_sentencepiece (model_path, &config, made, error);
  if (status == ESP_OK)
    status = finish (made, &config, folder, error);
  json_decref (root);
  free (json_path);
  free (model_path);
  esp_tokenizer_config_clear (&config);
  if (status != ESP_OK)
    esp_t5_tokenizer_free (made);
  else
    *tokenizer = made;
  return status;
}

EspStatus
esp_t5_tokenizer_open_gguf (const char *path, EspT5Tokenizer **tokenizer, EspError *error)
{
  EspT5Tokenizer *made = calloc (1, sizeof *made);
  EspTokenizerConfig config = { 0 };
  EspWeights *weights = NULL;
  EspStatus status;

  *tokenizer = NULL;
  if (made == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  status = esp_weights_open_file (path, &weights, error);
  if (status == ESP_OK && !esp_weights_file_is_gguf (weights, 0))
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: is no GGUF file and has no tokenizer; give the folder of T5's "
                            "tokenizer",
                            path);
  if (status == ESP_OK)
    status = open_gguf (esp_weights_gguf (weights, 0), path, &config, made, error);
  if (status == ESP_OK)
    status = finish (made, &config, path, error);
  esp_weights_close (weights);
  esp_tokenizer_config_clear (&config);
  if (status != ESP_OK)
    esp_t5_tokenizer_free (made);
  else
    *tokenizer = made;
  return status;
}

void
esp_t5_tokenizer_free (EspT5Tokenizer *tokenizer)
{
  if (tokenizer == NULL)
    return;
  esp_unigram_clear (&tokenizer->unigram);
  esp_charsmap_free (tokenizer->charsmap);
  esp_added_tokens_clear (&tokenizer->added);
  free (tokenizer);
}

int32_t
esp_t5_tokenizer_end (const EspT5Tokenizer *tokenizer)
{
  return tokenizer->end;
}

int32_t
esp_t5_tokenizer_pad (const EspT5Tokenizer *tokenizer)
{
  return tokenizer->pad;
}

int32_t
esp_t5_tokenizer_max_id (const EspT5Tokenizer *tokenizer)
{
  return tokenizer->max_id;
}
