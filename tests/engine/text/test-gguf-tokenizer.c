/* SPDX-License-Identifier: MIT */
/* A T5 tokenizer out of a GGUF file gives the ids that its folder gives; and damaged ones. The
 * files are made here as llama.cpp's converter makes them. */
#include <stdint.h>

#include "check.h"
#include "files/gguf.h"
#include "files/gguf-builder.h"
#include "files/scratch.h"
#include "text/sentencepiece-file.h"
#include "text/tokenizer.h"

#define MODEL    "tokenizer.ggml.model"
#define TOKENS   "tokenizer.ggml.tokens"
#define SCORES   "tokenizer.ggml.scores"
#define TYPES    "tokenizer.ggml.token_type"
#define CHARSMAP "tokenizer.ggml.precompiled_charsmap"

static void
add_tokens (GgufBuilder *gguf, const EspSentencePieceFile *file, size_t rows)
{
  gguf_array (gguf, TOKENS, ESP_GGUF_STRING, rows);
  for (size_t i = 0; i < rows; i++)
    {
      char filler[32];
      int length = snprintf (filler, sizeof filler, "[PAD%zu]", i);

      if (i < file->count)
        gguf_text (gguf, file->pieces[i].text, file->pieces[i].length);
      else
        gguf_text (gguf, filler, (size_t) length);
    }
  gguf_array (gguf, SCORES, ESP_GGUF_FLOAT32, rows);
  for (size_t i = 0; i < rows; i++)
    {
      float score = i < file->count ? file->pieces[i].score : -10000.0f;

      gguf_bytes (gguf, &score, sizeof score);
    }
  gguf_array (gguf, TYPES, ESP_GGUF_INT32, rows);
  for (size_t i = 0; i < rows; i++)
    gguf_number (gguf, (uint64_t) (i < file->count ? file->pieces[i].type : ESP_PIECE_UNUSED), 4);
}

/* `model_path` as GGUF, with as many places after its pieces as `fillers` says. */
static const char *
make_gguf (const char *model_path, size_t fillers)
{
  EspError error = ESP_ERROR_INIT;
  EspSentencePieceFile file;
  GgufBuilder gguf;

  CHECK_STATUS (esp_sentencepiece_file_open (model_path, &file, &error), ESP_OK, error);
  gguf_begin (&gguf);
  gguf_key (&gguf, "general.architecture", ESP_GGUF_STRING);
  gguf_text (&gguf, "t5encoder", 9);
  gguf_key (&gguf, MODEL, ESP_GGUF_STRING);
  gguf_text (&gguf, "t5", 2);
  gguf_key (&gguf, "tokenizer.ggml.add_space_prefix", ESP_GGUF_BOOL);
  gguf_number (&gguf, 1, 1);
  gguf_key (&gguf, "tokenizer.ggml.eos_token_id", ESP_GGUF_UINT32);
  gguf_number (&gguf, 1, 4);
  if (file.charsmap != NULL)
    {
      gguf_array (&gguf, CHARSMAP, ESP_GGUF_UINT8, file.charsmap_length);
      gguf_bytes (&gguf, file.charsmap, file.charsmap_length);
    }
  add_tokens (&gguf, &file, file.count + fillers);
  esp_sentencepiece_file_clear (&file);
  return gguf_finish (&gguf, "t5.gguf", 32, 0);
}

static unsigned char *
read_strings (size_t *length)
{
  char path[4096];
  unsigned char *bytes = malloc (16 << 20);
  FILE *file;

  snprintf (path, sizeof path, "%s/tokenizers/strings.bin", getenv ("ESP_TEST_DATA"));
  file = fopen (path, "rb");
  *length = file != NULL && bytes != NULL ? fread (bytes, 1, 16 << 20, file) : 0;
  if (file != NULL)
    fclose (file);
  return bytes;
}

static uint32_t
read_u32 (const unsigned char *at)
{
  return (uint32_t) at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}

static bool
same_ids (const EspT5Tokenizer *a, const EspT5Tokenizer *b, const char *text, size_t length)
{
  EspError error = ESP_ERROR_INIT;
  EspIds x = ESP_IDS_INIT, y = ESP_IDS_INIT;
  bool same = esp_t5_tokenize (a, text, length, &x, &error) == ESP_OK
              && esp_t5_tokenize (b, text, length, &y, &error) == ESP_OK && x.count == y.count
              && (x.count == 0 || memcmp (x.ids, y.ids, x.count * sizeof *x.ids) == 0);

  esp_ids_clear (&x);
  esp_ids_clear (&y);
  return same;
}

static void
compare_with_folder (const char *variable, const char *name, size_t fillers)
{
  char folder[4000], model[4096];
  EspError error = ESP_ERROR_INIT;
  EspT5Tokenizer *wanted = NULL, *found = NULL;
  size_t length;
  unsigned char *strings = read_strings (&length);
  uint32_t different = 0, count = length > 4 ? read_u32 (strings) : 0;

  snprintf (folder, sizeof folder, "%s/%s", getenv (variable), name);
  snprintf (model, sizeof model, "%s/spiece.model", folder);
  CHECK_STATUS (esp_t5_tokenizer_open (folder, &wanted, &error), ESP_OK, error);
  CHECK_STATUS (esp_t5_tokenizer_open_gguf (make_gguf (model, fillers), &found, &error), ESP_OK,
                error);
  CHECK (count >= 6000);
  if (wanted != NULL && found != NULL)
    {
      const unsigned char *string = strings + 4;

      CHECK (esp_t5_tokenizer_end (wanted) == esp_t5_tokenizer_end (found));
      CHECK (esp_t5_tokenizer_pad (wanted) == esp_t5_tokenizer_pad (found));
      CHECK (esp_t5_tokenizer_max_id (wanted) == esp_t5_tokenizer_max_id (found));
      for (uint32_t i = 0; i < count; i++)
        {
          size_t bytes = read_u32 (string);

          different += !same_ids (wanted, found, (const char *) string + 4, bytes);
          string += 4 + bytes;
        }
      CHECK (same_ids (wanted, found, "a<extra_id_0> b </s> <pad><unk>", 31));
      CHECK (different == 0);
    }
  free (strings);
  esp_t5_tokenizer_free (wanted);
  esp_t5_tokenizer_free (found);
}

static void
the_demo_models_ids_are_the_folders (void)
{
  compare_with_folder ("ESP_DEMO_MODEL", "tokenizer_2", 0);
}

static void
extra_ids_fill_the_places_after_the_pieces (void)
{
  compare_with_folder ("ESP_TEST_DATA", "tokenizers/t5-spiece", 128);
}

/* --- Damaged ones --------------------------------------------------------------------------- */

typedef struct Damage
{
  const char *model;
  uint32_t tokens_type;
  uint64_t tokens;
  uint64_t scores, types;
  int64_t end;
  const char *second; /* text of token 1 */
  float score;
  EspStatus status;
  const char *named;
} Damage;

static const char *
make_damaged (const Damage *damage)
{
  GgufBuilder gguf;

  gguf_begin (&gguf);
  if (damage->model != NULL)
    {
      gguf_key (&gguf, MODEL, ESP_GGUF_STRING);
      gguf_text (&gguf, damage->model, strlen (damage->model));
    }
  gguf_array (&gguf, TOKENS, damage->tokens_type, damage->tokens);
  for (uint64_t i = 0; i < damage->tokens; i++)
    if (damage->tokens_type == ESP_GGUF_STRING)
      gguf_text (&gguf, i == 1 ? damage->second : "a", i == 1 ? strlen (damage->second) : 1);
    else
      gguf_number (&gguf, i, 4);
  gguf_array (&gguf, SCORES, ESP_GGUF_FLOAT32, damage->scores);
  for (uint64_t i = 0; i < damage->scores; i++)
    gguf_bytes (&gguf, &damage->score, sizeof damage->score);
  gguf_array (&gguf, TYPES, ESP_GGUF_INT32, damage->types);
  for (uint64_t i = 0; i < damage->types; i++)
    gguf_number (&gguf, 1, 4);
  gguf_key (&gguf, "tokenizer.ggml.eos_token_id", ESP_GGUF_INT64);
  gguf_number (&gguf, (uint64_t) damage->end, 8);
  return gguf_finish (&gguf, "bad.gguf", 32, 0);
}

static void
what_is_no_t5_tokenizer_is_refused (void)
{
  static const Damage cases[] = {
    { "t5", ESP_GGUF_STRING, 4, 4, 4, 1, "</s>", 0, ESP_OK, NULL },
    { NULL, ESP_GGUF_STRING, 4, 4, 4, 1, "</s>", 0, ESP_ERROR_UNSUPPORTED, "no tokenizer" },
    { "llama", ESP_GGUF_STRING, 4, 4, 4, 1, "</s>", 0, ESP_ERROR_UNSUPPORTED, "'llama'" },
    { "t5", ESP_GGUF_INT32, 4, 4, 4, 1, "</s>", 0, ESP_ERROR_FORMAT, TOKENS },
    { "t5", ESP_GGUF_STRING, 0, 0, 0, 1, "</s>", 0, ESP_ERROR_FORMAT, TOKENS },
    { "t5", ESP_GGUF_STRING, 4, 3, 4, 1, "</s>", 0, ESP_ERROR_FORMAT, SCORES },
    { "t5", ESP_GGUF_STRING, 4, 4, 5, 1, "</s>", 0, ESP_ERROR_FORMAT, TYPES },
    { "t5", ESP_GGUF_STRING, 4, 4, 4, 4, "</s>", 0, ESP_ERROR_FORMAT, "eos_token_id" },
    { "t5", ESP_GGUF_STRING, 4, 4, 4, -1, "</s>", 0, ESP_ERROR_FORMAT, "eos_token_id" },
    { "t5", ESP_GGUF_STRING, 2, 2, 2, 1, "</s>", 0, ESP_ERROR_FORMAT, "unknown_token_id" },
    { "t5", ESP_GGUF_STRING, 4, 4, 4, 1, "\xC3", 0, ESP_ERROR_FORMAT, "UTF-8" },
    { "t5", ESP_GGUF_STRING, 4, 4, 4, 1, "</s>", __builtin_inff (), ESP_ERROR_FORMAT, SCORES },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspError error = ESP_ERROR_INIT;
      EspT5Tokenizer *tokenizer = NULL;

      CHECK_STATUS (esp_t5_tokenizer_open_gguf (make_damaged (&cases[i]), &tokenizer, &error),
                    cases[i].status, error);
      CHECK ((tokenizer != NULL) == (cases[i].status == ESP_OK));
      if (cases[i].named != NULL)
        {
          CHECK_MESSAGE (error, cases[i].named);
          CHECK_MESSAGE (error, "bad.gguf");
        }
      esp_t5_tokenizer_free (tokenizer);
    }
}

int
main (void)
{
  scratch_open ();
  CASE (the_demo_models_ids_are_the_folders);
  CASE (extra_ids_fill_the_places_after_the_pieces);
  CASE (what_is_no_t5_tokenizer_is_refused);
  scratch_close ();
  return check_done ();
}
