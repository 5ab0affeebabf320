/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/json-file.h"
#include "files/regular-file.h"
#include "text/bpe.h"
#include "text/tokenizer-config.h"
#include "text/unicode.h"

#define MAX_VOCABULARY_BYTES (32 << 20)
#define MAX_TOKEN_ID         10000000

#define START_MARK "<|startoftext|>"
#define END_MARK   "<|endoftext|>"

struct EspClipTokenizer
{
  EspBpe bpe;
  EspAddedTokens added;
  int32_t start, end, pad, max_id;
};

/* --- Opening ------------------------------------------------------------------------------ */

static int
compare_ids (const void *a, const void *b)
{
  int32_t left = *(const int32_t *) a, right = *(const int32_t *) b;

  return left < right ? -1 : left > right;
}

static EspStatus
check_distinct (const EspTrieKey *keys, size_t count, const char *path, EspError *error)
{
  int32_t *ids = malloc ((count + 1) * sizeof *ids);
  EspStatus status = ESP_OK;

  if (ids == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  for (size_t i = 0; i < count; i++)
    ids[i] = keys[i].value;
  qsort (ids, count, sizeof *ids, compare_ids);
  for (size_t i = 1; i < count && status == ESP_OK; i++)
    if (ids[i] == ids[i - 1])
      status = esp_error_set (error, ESP_ERROR_FORMAT, "%s: two pieces have the id %d", path,
                              (int) ids[i]);
  free (ids);
  return status;
}

static EspStatus
read_vocabulary (const json_t *vocabulary, const char *path, const char *unknown, EspBpe *bpe,
                 EspError *error)
{
  size_t count = 0, capacity;
  EspTrieKey *keys;
  EspStatus status = ESP_OK;
  const char *piece;
  json_t *id;

  if (!json_is_object (vocabulary) || json_object_size (vocabulary) == 0)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: expected a vocabulary, an object of pieces and their ids", path);
  capacity = json_object_size (vocabulary);
  keys = malloc (capacity * sizeof *keys);
  if (keys == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  json_object_foreach ((json_t *) vocabulary, piece, id)
  {
    json_int_t value = json_is_integer (id) ? json_integer_value (id) : -1;

    if (value < 0 || value > MAX_TOKEN_ID)
      {
        status = esp_error_set (error, ESP_ERROR_FORMAT,
                                "%s: piece \"%.64s\": expected an id from 0 to %d", path, piece,
                                MAX_TOKEN_ID);
        break;
      }
    keys[count++] = (EspTrieKey){ piece, strlen (piece), (int32_t) value };
  }
  if (status == ESP_OK && esp_trie_key_bytes (keys, count) > ESP_TRIE_MAX_KEY_BYTES)
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: the pieces take %zu bytes, at most %d are supported", path,
                            esp_trie_key_bytes (keys, count), ESP_TRIE_MAX_KEY_BYTES);
  if (status == ESP_OK)
    status = check_distinct (keys, count, path, error);
  if (status == ESP_OK && !esp_bpe_set_vocabulary (bpe, keys, count, unknown))
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  free (keys);
  return status;
}

/* "left right": exactly one space, at a place that leaves two pieces. */
static EspStatus
read_merge (EspBpe *bpe, const char *path, size_t number, const char *line, size_t length,
            EspError *error)
{
  const char *space = length > 0 ? memchr (line, ' ', length) : NULL;
  size_t left = space == NULL ? 0 : (size_t) (space - line);

  if (space == NULL || memchr (space + 1, ' ', length - left - 1) != NULL)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: merge %zu: expected two pieces with one space between them", path,
                          number);
  return esp_bpe_add_merge (bpe, path, number, line, left, space + 1, length - left - 1, error);
}

static EspStatus
read_merges_file (const char *path, EspBpe *bpe, EspError *error)
{
  char *bytes;
  size_t length, lines = 1, number = 0;
  EspStatus status = esp_regular_file_read (path, MAX_VOCABULARY_BYTES, &bytes, &length, error);

  if (status != ESP_OK)
    return status;
  for (size_t i = 0; i < length; i++)
    lines += bytes[i] == '\n';
  if (!esp_bpe_reserve_merges (bpe, lines))
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);

  for (size_t start = 0; status == ESP_OK && start < length;)
    {
      const char *newline = memchr (bytes + start, '\n', length - start);
      size_t end = newline == NULL ? length : (size_t) (newline - bytes);
      size_t next = newline == NULL ? length : end + 1;

      number++;
      if (newline != NULL && end > start && bytes[end - 1] == '\r')
        end--;
      if (end - start < 8 || memcmp (bytes + start, "#version", 8) != 0)
        status = read_merge (bpe, path, number, bytes + start, end - start, error);
      start = next;
    }
  free (bytes);
  return status;
}

/* tokenizer.json has ["left", "right"] or, in older files, "left right". */
static EspStatus
read_merges_list (const json_t *merges, const char *path, EspBpe *bpe, EspError *error)
{
  size_t i;
  json_t *merge;

  if (!json_is_array (merges))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"merges\": expected a list", path);
  if (!esp_bpe_reserve_merges (bpe, json_array_size (merges)))
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  json_array_foreach (merges, i, merge)
  {
    const char *left = json_string_value (json_array_get (merge, 0));
    const char *right = json_string_value (json_array_get (merge, 1));
    EspStatus status;

    if (json_is_string (merge))
      status
          = read_merge (bpe, path, i, json_string_value (merge), json_string_length (merge), error);
    else if (json_array_size (merge) == 2 && left != NULL && right != NULL)
      status = esp_bpe_add_merge (bpe, path, i, left, strlen (left), right, strlen (right), error);
    else
      status
          = esp_error_set (error, ESP_ERROR_FORMAT, "%s: merge %zu: expected two pieces", path, i);
    if (status != ESP_OK)
      return status;
  }
  return ESP_OK;
}

static EspStatus
read_tokenizer_json (const json_t *root, const char *path, const char *unknown, EspBpe *bpe,
                     EspError *error)
{
  const json_t *model = json_object_get (root, "model");
  const char *type;
  EspStatus status;

  if (!json_is_object (model))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: \"model\": expected an object", path);
  status = esp_json_get_string (model, path, "type", false, "BPE", &type, error);
  if (status == ESP_OK && strcmp (type, "BPE") != 0)
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: model type \"%.64s\", expected \"BPE\"", path, type);
  if (status == ESP_OK)
    status = read_vocabulary (json_object_get (model, "vocab"), path, unknown, bpe, error);
  if (status == ESP_OK)
    status = read_merges_list (json_object_get (model, "merges"), path, bpe, error);
  return status;
}

static EspStatus
read_two_files (const char *folder, const char *unknown, EspBpe *bpe, EspError *error)
{
  char *vocabulary_path = esp_path_join (folder, "vocab.json");
  char *merges_path = esp_path_join (folder, "merges.txt");
  json_t *root = NULL;
  EspStatus status = ESP_OK;

  if (vocabulary_path == NULL || merges_path == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
  if (status == ESP_OK)
    status = esp_json_read_object (vocabulary_path, MAX_VOCABULARY_BYTES, &root, error);
  if (status == ESP_OK)
    status = read_vocabulary (root, vocabulary_path, unknown, bpe, error);
  if (status == ESP_OK)
    status = read_merges_file (merges_path, bpe, error);
  json_decref (root);
  free (vocabulary_path);
  free (merges_path);
  return status;
}

/* --- Tokenizing ---------------------------------------------------------------------------- */

/* NFC, then each run of white space as one space, then lower case. */
static bool
normalize (const void *tokenizer, EspText *out, const char *text, size_t length)
{
  EspText composed = { 0 }, spaced = { 0 };
  bool in_space = false;
  bool fine = esp_unicode_append_nfc (&composed, text, length);

  (void) tokenizer;
  for (size_t offset = 0; fine && offset < composed.length;)
    {
      size_t start = offset;
      bool space
          = esp_unicode_flags (esp_utf8_next (composed.data, &offset)) & ESP_CHAR_PATTERN_SPACE;

      if (!space)
        fine = esp_text_append (&spaced, composed.data + start, offset - start);
      else if (!in_space)
        fine = esp_text_append (&spaced, " ", 1);
      in_space = space;
    }
  fine = fine && esp_unicode_append_lower (out, spaced.data, spaced.length);
  esp_text_clear (&composed);
  esp_text_clear (&spaced);
  return fine;
}

static bool
starts_with (const char *text, size_t left, const char *prefix)
{
  size_t length = strlen (prefix);

  return left >= length && memcmp (text, prefix, length) == 0;
}

/* The end of the code points from `offset` on whose letter, number and space flags are `wanted`. */
static size_t
run_end (const char *text, size_t length, size_t offset, unsigned wanted)
{
  const unsigned mask = ESP_CHAR_LETTER | ESP_CHAR_NUMBER | ESP_CHAR_PATTERN_SPACE;

  while (offset < length)
    {
      size_t next = offset;

      if ((esp_unicode_flags (esp_utf8_next (text, &next)) & mask) != wanted)
        break;
      offset = next;
    }
  return offset;
}

/* The end of the word that starts at `offset`, or `offset` itself at white space. CLIP's pattern,
 * in its order: <|startoftext|> | <|endoftext|> | 's | 't | 're | 've | 'm | 'll | 'd | letters |
 * one number | anything else but spaces. */
static size_t
word_end (const char *text, size_t length, size_t offset)
{
  static const char *const fixed[]
      = { START_MARK, END_MARK, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
  size_t next = offset;
  unsigned flags;

  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    if (starts_with (text + offset, length - offset, fixed[i]))
      return offset + strlen (fixed[i]);
  flags = esp_unicode_flags (esp_utf8_next (text, &next));
  if (flags & ESP_CHAR_LETTER)
    return run_end (text, length, offset, ESP_CHAR_LETTER);
  if (flags & ESP_CHAR_NUMBER)
    return next;
  if (flags & ESP_CHAR_PATTERN_SPACE)
    return offset;
  return run_end (text, length, offset, 0);
}

static EspStatus
tokenize_section (const void *data, const char *text, size_t length, EspIds *ids, EspError *error)
{
  const EspClipTokenizer *tokenizer = data;

  for (size_t offset = 0; offset < length;)
    {
      size_t end = word_end (text, length, offset);
      EspStatus status;

      if (end == offset)
        {
          esp_utf8_next (text, &offset);
          continue;
        }
      if (end - offset > 2 && text[offset] == '<' && text[end - 1] == '>'
          && (starts_with (text + offset, end - offset, START_MARK)
              || starts_with (text + offset, end - offset, END_MARK)))
        {
          /* The byte-level step splits a mark that is not an added token once more. */
          status = esp_bpe_encode (&tokenizer->bpe, text + offset, 2, ids, error);
          if (status == ESP_OK)
            status
                = esp_bpe_encode (&tokenizer->bpe, text + offset + 2, end - offset - 4, ids, error);
          if (status == ESP_OK)
            status = esp_bpe_encode (&tokenizer->bpe, text + end - 2, 2, ids, error);
        }
      else
        status = esp_bpe_encode (&tokenizer->bpe, text + offset, end - offset, ids, error);
      if (status != ESP_OK)
        return status;
      offset = end;
    }
  return ESP_OK;
}

EspStatus
esp_clip_tokenize (const EspClipTokenizer *tokenizer, const char *text, size_t length, EspIds *ids,
                   EspError *error)
{
  EspStatus status = esp_utf8_validate (text, length, error);

  if (status != ESP_OK)
    return status;
  return esp_added_tokens_tokenize (&tokenizer->added, text, length, normalize, tokenize_section,
                                    tokenizer, ids, error);
}

/* --- The object ---------------------------------------------------------------------------- */

static EspStatus
finish (EspClipTokenizer *tokenizer, const EspTokenizerConfig *config, const char *folder,
        EspError *error)
{
  static const EspNamedToken required[3] = { ESP_NAMED_BOS, ESP_NAMED_EOS, ESP_NAMED_PAD };
  int32_t *places[3] = { &tokenizer->start, &tokenizer->end, &tokenizer->pad };
  const EspTrie *vocabulary = &tokenizer->bpe.vocabulary;
  EspStatus status = esp_tokenizer_config_resolve (
      config, vocabulary, (int32_t) tokenizer->bpe.vocabulary_count, &tokenizer->added, error);

  if (status != ESP_OK)
    return status;
  tokenizer->max_id = tokenizer->bpe.max_id;
  for (size_t i = 0; i < tokenizer->added.count; i++)
    if (tokenizer->added.items[i].id > tokenizer->max_id)
      tokenizer->max_id = tokenizer->added.items[i].id;
  for (int i = 0; i < 3; i++)
    {
      const char *content = config->named[required[i]].content;

      *places[i]
          = content == NULL ? -1 : esp_added_tokens_find (&tokenizer->added, vocabulary, content);
      if (*places[i] < 0)
        return esp_error_set (error, ESP_ERROR_FORMAT,
                              "%s: the tokenizer has no %s token, expected bos, eos and pad",
                              folder,
                              i == 0   ? "bos"
                              : i == 1 ? "eos"
                                       : "pad");
    }
  if (!esp_added_tokens_prepare (&tokenizer->added, normalize, tokenizer))
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", folder);
  return ESP_OK;
}

EspStatus
esp_clip_tokenizer_open (const char *folder, EspClipTokenizer **tokenizer, EspError *error)
{
  static const char *const defaults[ESP_NAMED_COUNT] = { [ESP_NAMED_BOS] = START_MARK,
                                                         [ESP_NAMED_EOS] = END_MARK,
                                                         [ESP_NAMED_UNK] = END_MARK,
                                                         [ESP_NAMED_PAD] = END_MARK };
  EspClipTokenizer *made = calloc (1, sizeof *made);
  EspTokenizerConfig config = { 0 };
  char *path = esp_path_join (folder, "tokenizer.json");
  json_t *root = NULL;
  const char *unknown;
  EspStatus status = ESP_OK;

  *tokenizer = NULL;
  if (made == NULL || path == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", folder);
  if (status == ESP_OK && access (path, F_OK) == 0)
    status = esp_json_read_object (path, MAX_VOCABULARY_BYTES, &root, error);
  if (status == ESP_OK)
    status = esp_tokenizer_config_read (folder, defaults, root, &config, error);
  if (status == ESP_OK)
    {
      /* Python's str (None): what the library looks for when the entry is null. */
      unknown = config.named[ESP_NAMED_UNK].content ? config.named[ESP_NAMED_UNK].content : "None";
      status = root != NULL ? read_tokenizer_json (root, path, unknown, &made->bpe, error)
                            : read_two_files (folder, unknown, &made->bpe, error);
    }
  if (status == ESP_OK)
    status = finish (made, &config, folder, error);
  json_decref (root);
  free (path);
  esp_tokenizer_config_clear (&config);
  if (status != ESP_OK)
    esp_clip_tokenizer_free (made);
  else
    *tokenizer = made;
  return status;
}

void
esp_clip_tokenizer_free (EspClipTokenizer *tokenizer)
{
  if (tokenizer == NULL)
    return;
  esp_bpe_clear (&tokenizer->bpe);
  esp_added_tokens_clear (&tokenizer->added);
  free (tokenizer);
}

int32_t
esp_clip_tokenizer_start (const EspClipTokenizer *tokenizer)
{
  return tokenizer->start;
}

int32_t
esp_clip_tokenizer_end (const EspClipTokenizer *tokenizer)
{
  return tokenizer->end;
}

int32_t
esp_clip_tokenizer_pad (const EspClipTokenizer *tokenizer)
{
  return tokenizer->pad;
}

int32_t
esp_clip_tokenizer_max_id (const EspClipTokenizer *tokenizer)
{
  return tokenizer->max_id;
}
