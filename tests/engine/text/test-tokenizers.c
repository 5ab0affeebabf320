/* SPDX-License-Identifier: MIT */
/* The tokenizers against golden ids (tools/reference/tokenizer-strings.py) and hostile files. */
#include <stdint.h>
#include <time.h>

#include "check.h"
#include "files/scratch.h"
#include "text/charsmap.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

typedef enum
{
  CLIP,
  T5
} Kind;

typedef struct Tokenizer
{
  Kind kind;
  EspClipTokenizer *clip;
  EspT5Tokenizer *t5;
} Tokenizer;

static EspError error;

static EspStatus
open_tokenizer (Kind kind, const char *folder, Tokenizer *tokenizer)
{
  *tokenizer = (Tokenizer){ .kind = kind };
  error = (EspError) ESP_ERROR_INIT;
  return kind == CLIP ? esp_clip_tokenizer_open (folder, &tokenizer->clip, &error)
                      : esp_t5_tokenizer_open (folder, &tokenizer->t5, &error);
}

static int
is_open (const Tokenizer *tokenizer)
{
  return tokenizer->clip != NULL || tokenizer->t5 != NULL;
}

static void
close_tokenizer (Tokenizer *tokenizer)
{
  esp_clip_tokenizer_free (tokenizer->clip);
  esp_t5_tokenizer_free (tokenizer->t5);
}

static EspStatus
tokenize (const Tokenizer *tokenizer, const char *text, size_t length, EspIds *ids)
{
  return tokenizer->kind == CLIP ? esp_clip_tokenize (tokenizer->clip, text, length, ids, &error)
                                 : esp_t5_tokenize (tokenizer->t5, text, length, ids, &error);
}

/* --- Golden ids ---------------------------------------------------------------------------- */

static unsigned char *
read_file (const char *path, size_t *length)
{
  FILE *file = fopen (path, "rb");
  unsigned char *bytes = NULL;
  long size;

  *length = 0;
  if (file == NULL)
    return NULL;
  if (fseek (file, 0, SEEK_END) == 0 && (size = ftell (file)) > 0 && fseek (file, 0, SEEK_SET) == 0
      && (bytes = malloc ((size_t) size)) != NULL)
    *length = fread (bytes, 1, (size_t) size, file);
  fclose (file);
  return bytes;
}

static unsigned char *
read_data (const char *name, size_t *length)
{
  const char *data = getenv ("ESP_TEST_DATA");
  char path[4096];

  snprintf (path, sizeof path, "%s/tokenizers/%s", data != NULL ? data : "tests/data", name);
  return read_file (path, length);
}

static uint32_t
read_u32 (const unsigned char *at)
{
  return (uint32_t) at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}

static uint32_t
read_leb128 (const unsigned char **at)
{
  uint32_t value = 0;
  unsigned shift = 0;

  while (**at & 0x80)
    {
      value |= (uint32_t) (*(*at)++ & 0x7F) << shift;
      shift += 7;
    }
  return value | (uint32_t) * (*at)++ << shift;
}

/* Compares one string's ids with the golden ones at *at and moves *at past them. */
static int
same_ids (const EspIds *ids, const unsigned char **at)
{
  uint32_t wanted = read_leb128 (at);
  int same = wanted == ids->count;

  for (uint32_t i = 0; i < wanted; i++)
    {
      uint32_t id = read_leb128 (at);

      same = same && (uint32_t) ids->ids[i] == id;
    }
  return same;
}

static void
compare_with_golden (Kind kind, const char *folder, const char *golden)
{
  size_t strings_length, ids_length;
  unsigned char *strings = read_data ("strings.bin", &strings_length);
  unsigned char *wanted = read_data (golden, &ids_length);
  Tokenizer tokenizer;
  uint32_t count, different = 0;

  CHECK_STATUS (open_tokenizer (kind, folder, &tokenizer), ESP_OK, error);
  CHECK (strings != NULL && wanted != NULL);
  if (strings != NULL && wanted != NULL && is_open (&tokenizer))
    {
      const unsigned char *string = strings + 4, *ids_at = wanted + 4;
      EspIds ids = ESP_IDS_INIT;

      count = read_u32 (strings);
      CHECK (count >= 6000 && count == read_u32 (wanted));
      for (uint32_t i = 0; i < count; i++)
        {
          uint32_t length = read_u32 (string);

          ids.count = 0;
          CHECK_STATUS (tokenize (&tokenizer, (const char *) string + 4, length, &ids), ESP_OK,
                        error);
          if (!same_ids (&ids, &ids_at) && different++ < 5)
            printf ("# string %u differs: \"%.*s\"\n", i, (int) (length < 80 ? length : 80),
                    string + 4);
          string += 4 + length;
        }
      printf ("# %s: %u of %u strings differ\n", folder, different, count);
      CHECK (different == 0);
      CHECK (string == strings + strings_length && ids_at == wanted + ids_length);
      esp_ids_clear (&ids);
    }
  close_tokenizer (&tokenizer);
  free (strings);
  free (wanted);
}

static const char *
folder_of (const char *variable, const char *name)
{
  static char path[4096];
  const char *base = getenv (variable);

  snprintf (path, sizeof path, "%s/%s", base != NULL ? base : ".", name);
  return path;
}

static void
the_demo_clip_tokenizer_gives_the_golden_ids (void)
{
  compare_with_golden (CLIP, folder_of ("ESP_DEMO_MODEL", "tokenizer"), "demo-clip.ids");
}

static void
the_demo_t5_tokenizer_gives_the_golden_ids (void)
{
  compare_with_golden (T5, folder_of ("ESP_DEMO_MODEL", "tokenizer_2"), "demo-t5.ids");
}

static void
a_larger_clip_vocabulary_gives_the_golden_ids (void)
{
  compare_with_golden (CLIP, folder_of ("ESP_TEST_DATA", "tokenizers/clip"), "clip.ids");
}

static void
a_larger_tokenizer_json_gives_the_golden_ids (void)
{
  compare_with_golden (T5, folder_of ("ESP_TEST_DATA", "tokenizers/t5"), "t5.ids");
}

static void
a_spiece_model_alone_gives_the_golden_ids (void)
{
  compare_with_golden (T5, folder_of ("ESP_TEST_DATA", "tokenizers/t5-spiece"), "t5.ids");
}

static void
the_named_tokens_have_their_ids (void)
{
  Tokenizer tokenizer;

  CHECK_STATUS (open_tokenizer (CLIP, folder_of ("ESP_DEMO_MODEL", "tokenizer"), &tokenizer),
                ESP_OK, error);
  if (tokenizer.clip != NULL)
    {
      CHECK (esp_clip_tokenizer_start (tokenizer.clip) == 1117);
      CHECK (esp_clip_tokenizer_end (tokenizer.clip) == 1118);
      CHECK (esp_clip_tokenizer_pad (tokenizer.clip) == 1118);
      CHECK (esp_clip_tokenizer_max_id (tokenizer.clip) == 1118);
    }
  close_tokenizer (&tokenizer);
  CHECK_STATUS (open_tokenizer (T5, folder_of ("ESP_DEMO_MODEL", "tokenizer_2"), &tokenizer),
                ESP_OK, error);
  if (tokenizer.t5 != NULL)
    {
      CHECK (esp_t5_tokenizer_end (tokenizer.t5) == 1);
      CHECK (esp_t5_tokenizer_pad (tokenizer.t5) == 0);
      CHECK (esp_t5_tokenizer_max_id (tokenizer.t5) == 724);
    }
  close_tokenizer (&tokenizer);
}

/* --- Texts --------------------------------------------------------------------------------- */

static void
invalid_utf8_is_refused_with_its_offset (void)
{
  static const struct
  {
    const char *text;
    size_t length;
    const char *offset;
  } cases[] = { { "ab\xFFz", 4, "offset 2" },          { "\x80", 1, "offset 0" },
                { "a\xC0\x80", 3, "offset 1" },        { "\xE0\x80\x80", 3, "offset 0" },
                { "x\xED\xA0\x80", 4, "offset 1" },    { "\xF4\x90\x80\x80", 4, "offset 0" },
                { "\xF0\x80\x80\x80", 4, "offset 0" }, { "abc\xE2\x96", 5, "offset 3" },
                { "\xF5\x80\x80\x80", 4, "offset 0" }, { "\xC3", 1, "offset 0" } };

  for (int kind = CLIP; kind <= T5; kind++)
    {
      Tokenizer tokenizer;

      CHECK_STATUS (
          open_tokenizer ((Kind) kind,
                          folder_of ("ESP_DEMO_MODEL", kind == CLIP ? "tokenizer" : "tokenizer_2"),
                          &tokenizer),
          ESP_OK, error);
      for (size_t i = 0; is_open (&tokenizer) && i < sizeof cases / sizeof *cases; i++)
        {
          EspIds ids = ESP_IDS_INIT;

          CHECK_STATUS (tokenize (&tokenizer, cases[i].text, cases[i].length, &ids),
                        ESP_ERROR_ARGUMENT, error);
          CHECK_MESSAGE (error, cases[i].offset);
          CHECK (ids.count == 0);
          esp_ids_clear (&ids);
        }
      close_tokenizer (&tokenizer);
    }
  CHECK_STATUS (esp_utf8_validate ("\xF4\x8F\xBF\xBF\xEE\x80\x80\0", 8, &error), ESP_OK, error);
}

/* A million bytes in a second means that nothing is quadratic: 100 times the 10,000 characters
 * that a prompt may have would take minutes. */
static void
long_texts_take_linear_time (void)
{
  static const char *const units[]
      = { "a", "e\xCC\x81\xCC\xA3", "<|", "</s", " ", "\xCC\xA3\xCC\x81", "\xE2\x96\x81", "ab1! " };
  const size_t length = 1000000;
  char *text = malloc (length + 8);

  for (int kind = CLIP; kind <= T5; kind++)
    {
      Tokenizer tokenizer;

      CHECK_STATUS (
          open_tokenizer ((Kind) kind,
                          folder_of ("ESP_DEMO_MODEL", kind == CLIP ? "tokenizer" : "tokenizer_2"),
                          &tokenizer),
          ESP_OK, error);
      for (size_t u = 0; is_open (&tokenizer) && u < sizeof units / sizeof *units; u++)
        {
          size_t unit = strlen (units[u]), filled = 0;
          EspIds ids = ESP_IDS_INIT;
          clock_t start = clock ();

          for (; filled + unit <= length; filled += unit)
            memcpy (text + filled, units[u], unit);
          CHECK_STATUS (tokenize (&tokenizer, text, filled, &ids), ESP_OK, error);
          CHECK ((double) (clock () - start) / CLOCKS_PER_SEC < 10.0);
          esp_ids_clear (&ids);
        }
      close_tokenizer (&tokenizer);
    }
  free (text);
}

static void
graphemes_end_where_uax29_says (void)
{
  static const struct
  {
    const char *text;
    size_t end;
  } cases[] = { { "ab", 1 },
                { "\r\nx", 2 },
                { "e\xCC\x81\xCC\xA3x", 5 },
                { "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xAB", 8 }, /* flag DE, F */
                { "\xC2\xA9\xE2\x80\x8D\xC2\xAE!", 7 },                    /* © ZWJ ® */
                { "a\xE2\x80\x8D\xC2\xAE", 4 },                            /* a ZWJ | ® */
                { "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8\xE1\x84\x80", 9 }, /* L V T | L */
                { "\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\xA4x", 9 },            /* ka virama ta */
                { "\xD8\x80"
                  "1 ",
                  3 } }; /* prepend */

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK (esp_unicode_grapheme_end (cases[i].text, strlen (cases[i].text), 0) == cases[i].end);
}

/* --- Hostile files ------------------------------------------------------------------------- */

/* A folder with these three files (NULL: none), opened as `kind`. */
static EspStatus
open_made (Kind kind, const char *vocabulary, const char *merges, const char *config)
{
  const char *folder = scratch_open ();
  Tokenizer tokenizer;
  EspStatus status;

  if (vocabulary != NULL)
    scratch_write_text (kind == CLIP ? "vocab.json" : "tokenizer.json", vocabulary);
  if (merges != NULL)
    scratch_write_text ("merges.txt", merges);
  if (config != NULL)
    scratch_write_text ("tokenizer_config.json", config);
  status = open_tokenizer (kind, folder, &tokenizer);
  close_tokenizer (&tokenizer);
  scratch_close ();
  return status;
}

#define VOCABULARY "{\"a\":0,\"b\":1,\"ab\":2,\"<|startoftext|>\":3,\"<|endoftext|>\":4}"

static void
broken_clip_files_are_refused (void)
{
  char *deep = malloc (100001);

  CHECK_STATUS (open_made (CLIP, VOCABULARY, "#version: 0.2\na b\n", NULL), ESP_OK, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "a b\r\n", "{}"), ESP_OK, error);
  CHECK_STATUS (open_made (CLIP, NULL, "a b\n", NULL), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "vocab.json");
  CHECK_STATUS (open_made (CLIP, VOCABULARY, NULL, NULL), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "merges.txt");
  CHECK_STATUS (open_made (CLIP, "no JSON", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "vocab.json");
  CHECK_STATUS (open_made (CLIP, "{}", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, "[1]", "", NULL), ESP_ERROR_FORMAT, error);
  memset (deep, '[', 100000);
  deep[100000] = '\0';
  CHECK_STATUS (open_made (CLIP, deep, "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "", deep), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "tokenizer_config.json");
  CHECK_STATUS (open_made (CLIP, "{\"a\":0,\"b\":0}", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "id 0");
  CHECK_STATUS (open_made (CLIP, "{\"a\":-1}", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, "{\"a\":1.5}", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, "{\"a\":\"1\"}", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, "{\"a\":4000000000}", "", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "a c\n", NULL), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "\"c\"");
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "b a\n", NULL), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "\"ba\"");
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "a b ab\n", NULL), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "merge 1");
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "ab\n", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "a b\n\n", NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "", "{\"eos_token\":3}"), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "eos_token");
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "", "{\"pad_token\":null}"), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (
      open_made (CLIP, VOCABULARY, "", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"y\"}}}"),
      ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "", "{\"added_tokens_decoder\":{\"5\":{}}}"),
                ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (CLIP, VOCABULARY, "", "{\"model_max_length\":1000000000000000019884}"),
                ESP_OK, error);
  free (deep);
}

/* One piece of six million bytes: refused at once instead of a trie as deep. */
static void
huge_pieces_are_refused (void)
{
  const size_t length = 6000000;
  char *text = malloc (length + 200);
  size_t used;

  used = (size_t) sprintf (text, "{\"b\":0,\"");
  memset (text + used, 'a', length);
  strcpy (text + used + length, "\":1}");
  CHECK_STATUS (open_made (CLIP, text, "", NULL), ESP_ERROR_UNSUPPORTED, error);
  used = (size_t) sprintf (text, "{\"model\":{\"vocab\":[[\"p\",0],[\"q\",0],[\"r\",0],[\"");
  memset (text + used, 'a', length);
  strcpy (text + used + length, "\",0]]}}");
  CHECK_STATUS (open_made (T5, text, NULL, NULL), ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "tokenizer.json");
  free (text);
}

#define PIECES "[[\"<pad>\",0],[\"</s>\",0],[\"<unk>\",0],[\"a\",-1.5]]"
#define MODEL  "\"model\":{\"type\":\"Unigram\",\"vocab\":" PIECES "}"

static void
broken_tokenizer_json_files_are_refused (void)
{
  CHECK_STATUS (open_made (T5, "{" MODEL "}", NULL, NULL), ESP_OK, error);
  CHECK_STATUS (open_made (T5, "{", NULL, NULL), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (T5, "{}", NULL, NULL), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "\"model\"");
  CHECK_STATUS (open_made (T5, "{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", NULL, NULL),
                ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "BPE");
  CHECK_STATUS (open_made (T5, "{\"model\":{\"vocab\":[[\"a\",0]]}}", NULL, NULL), ESP_ERROR_FORMAT,
                error);
  CHECK_MESSAGE (error, "more than 2");
  CHECK_STATUS (open_made (T5, "{\"model\":{\"vocab\":[[\"a\"],[],[],[]]}}", NULL, NULL),
                ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "entry 0");
  CHECK_STATUS (open_made (T5, "{\"normalizer\":{\"type\":\"Rot13\"}," MODEL "}", NULL, NULL),
                ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "Rot13");
  CHECK_STATUS (open_made (T5,
                           "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":"
                           "[{\"type\":\"Shred\"}]}," MODEL "}",
                           NULL, NULL),
                ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "Shred");
  CHECK_STATUS (open_made (T5,
                           "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":"
                           "\"!!!!\"}," MODEL "}",
                           NULL, NULL),
                ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "base64");
  CHECK_STATUS (open_made (T5, "{" MODEL "}", NULL, "{\"extra_ids\":2,\"extra_special_tokens\":5}"),
                ESP_ERROR_FORMAT, error);
  CHECK_STATUS (open_made (T5, NULL, NULL, NULL), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "spiece.model");
}

/* Every truncation and many damaged bytes of a real spiece.model: an error or a tokenizer that
 * works, never more. */
static void
damaged_spiece_models_are_survived (void)
{
  size_t length;
  unsigned char *bytes = read_data ("t5-spiece/spiece.model", &length);
  uint32_t random = 1;
  int refused = 0;

  CHECK (bytes != NULL);
  for (int round = 0; bytes != NULL && round < 300; round++)
    {
      const char *folder = scratch_open ();
      unsigned char *copy = malloc (length);
      size_t kept = length;
      Tokenizer tokenizer;
      EspIds ids = ESP_IDS_INIT;

      memcpy (copy, bytes, length);
      for (int i = 0; i < 1 + round % 7; i++)
        {
          random = random * 1664525U + 1013904223U;
          if (round % 3 == 0)
            kept = random % length;
          else
            copy[random % (round % 3 == 1 ? length : 20000)] ^= (unsigned char) (random >> 24 | 1);
        }
      scratch_write ("spiece.model", copy, kept);
      free (copy);
      if (open_tokenizer (T5, folder, &tokenizer) == ESP_OK)
        CHECK_STATUS (tokenize (&tokenizer, "a \xEF\xBC\xA1\xCC\x81 b </s>", 15, &ids), ESP_OK,
                      error);
      else
        {
          refused++;
          CHECK_MESSAGE (error, "spiece.model");
        }
      esp_ids_clear (&ids);
      close_tokenizer (&tokenizer);
      scratch_close ();
    }
  CHECK (refused >= 100);
  free (bytes);
}

static void
check_spiece (const char *bytes, size_t length, EspStatus wanted, const char *part)
{
  const char *folder = scratch_open ();
  Tokenizer tokenizer;

  scratch_write ("spiece.model", bytes, length);
  CHECK_STATUS (open_tokenizer (T5, folder, &tokenizer), wanted, error);
  if (wanted != ESP_OK)
    CHECK_MESSAGE (error, part);
  close_tokenizer (&tokenizer);
  scratch_close ();
}

#define PIECE_A                                                                                    \
  "\x0A\x08\x0A\x01"                                                                               \
  "a\x15\0\0\0\0" /* piece "a", score 0 */

static void
protobuf_lies_are_refused (void)
{
  check_spiece ("", 0, ESP_ERROR_FORMAT, "spiece.model");
  check_spiece ("\x0A\x7F", 2, ESP_ERROR_FORMAT, "past the end");
  check_spiece ("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11, ESP_ERROR_FORMAT,
                "past the end");
  check_spiece ("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12, ESP_ERROR_FORMAT,
                "past the end");
  check_spiece ("\x0F", 1, ESP_ERROR_FORMAT, "wire type");
  check_spiece ("\x00\x00", 2, ESP_ERROR_FORMAT, "field number");
  check_spiece (PIECE_A PIECE_A PIECE_A PIECE_A, 40, ESP_OK, "");
  check_spiece ("\x0A\x03\x0A\x01\xFF", 5, ESP_ERROR_FORMAT, "UTF-8");
  check_spiece ("\x0A\x05\x15\0\0\xC0\x7F", 7, ESP_ERROR_FORMAT, "score"); /* NaN */
  check_spiece (PIECE_A "\x12\x02\x18\x02", 14, ESP_ERROR_UNSUPPORTED, "model_type");
  check_spiece (PIECE_A PIECE_A PIECE_A "\x1A\x05\x12\x03"
                                        "abc",
                37, ESP_ERROR_FORMAT, "charsmap");
}

/* A trie of one key, "a" → "A", whose units the cases below damage. */
static size_t
make_charsmap (unsigned char *bytes, uint32_t leaf_value, uint32_t node_offset)
{
  uint32_t units[512] = { 0 };
  const uint32_t node = 256U ^ 'a';

  units[0] = 256U << 10;
  units[node] = node_offset << 10 | 1U << 8 | 'a';
  units[1] = 1U << 31 | leaf_value;
  bytes[0] = 0;
  bytes[1] = sizeof units >> 8;
  bytes[2] = bytes[3] = 0;
  for (size_t i = 0; i < 512; i++)
    for (size_t b = 0; b < 4; b++)
      bytes[4 + 4 * i + b] = (unsigned char) (units[i] >> (8 * b));
  memcpy (bytes + 4 + sizeof units, "A", 2);
  return 4 + sizeof units + 2;
}

static void
damaged_charsmaps_are_refused (void)
{
  unsigned char bytes[4096];
  const uint32_t to_leaf = (256U ^ 'a') ^ 1U;
  size_t length = make_charsmap (bytes, 0, to_leaf);
  EspCharsmap *map;
  EspText out = { 0 };

  CHECK_STATUS (esp_charsmap_parse ("file", bytes, length, &map, &error), ESP_OK, error);
  CHECK (esp_charsmap_append (map, &out,
                              "ba\xCC\x88"
                              "b\0a",
                              7));
  CHECK (out.length == 5 && memcmp (out.data, "bAb\0A", 5) == 0);
  esp_text_clear (&out);
  esp_charsmap_free (map);

  CHECK_STATUS (esp_charsmap_parse ("file", bytes, 3, &map, &error), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (esp_charsmap_parse ("file", bytes, 100, &map, &error), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "file");
  /* no NUL after the replacement */
  CHECK_STATUS (esp_charsmap_parse ("file", bytes, length - 1, &map, &error), ESP_ERROR_FORMAT,
                error);
  bytes[0] = 2; /* a trie of 2050 bytes */
  CHECK_STATUS (esp_charsmap_parse ("file", bytes, length, &map, &error), ESP_ERROR_FORMAT, error);
  length = make_charsmap (bytes, 5, to_leaf); /* a replacement past the end */
  CHECK_STATUS (esp_charsmap_parse ("file", bytes, length, &map, &error), ESP_ERROR_FORMAT, error);
  length = make_charsmap (bytes, 0, 0x1FFFFF); /* a leaf past the trie */
  CHECK_STATUS (esp_charsmap_parse ("file", bytes, length, &map, &error), ESP_ERROR_FORMAT, error);
  length = make_charsmap (bytes, 0, to_leaf);
  bytes[length - 2] = 0xFF; /* a replacement that is no text */
  CHECK_STATUS (esp_charsmap_parse ("file", bytes, length, &map, &error), ESP_ERROR_FORMAT, error);
}

int
main (void)
{
  CASE (the_demo_clip_tokenizer_gives_the_golden_ids);
  CASE (the_demo_t5_tokenizer_gives_the_golden_ids);
  CASE (a_larger_clip_vocabulary_gives_the_golden_ids);
  CASE (a_larger_tokenizer_json_gives_the_golden_ids);
  CASE (a_spiece_model_alone_gives_the_golden_ids);
  CASE (the_named_tokens_have_their_ids);
  CASE (invalid_utf8_is_refused_with_its_offset);
  CASE (long_texts_take_linear_time);
  CASE (graphemes_end_where_uax29_says);
  CASE (broken_clip_files_are_refused);
  CASE (huge_pieces_are_refused);
  CASE (broken_tokenizer_json_files_are_refused);
  CASE (damaged_spiece_models_are_survived);
  CASE (protobuf_lies_are_refused);
  CASE (damaged_charsmaps_are_refused);
  return check_done ();
}
