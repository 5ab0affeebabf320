/* SPDX-License-Identifier: MIT */
/* GGUF files that are right, and many that are not. (What is in right ones: test-formats.c.) */
#include "check.h"
#include "files/gguf.h"
#include "gguf-builder.h"
#include "scratch.h"

enum
{
  TYPE_F32 = 0,
  TYPE_Q8_0 = 8,
  TYPE_Q4_K = 12,
  TYPE_I64 = 27,
};

static const uint64_t six[2] = { 3, 2 };

static EspWeights *
open_built (GgufBuilder *gguf, uint64_t alignment, size_t data_bytes)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const char *path = gguf_finish (gguf, "good.gguf", alignment, data_bytes);

  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  return weights;
}

static void
check_refused (GgufBuilder *gguf, size_t data_bytes, EspStatus wanted, const char *named)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const char *path = gguf_finish (gguf, "bad.gguf", 32, data_bytes);

  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), wanted, error);
  CHECK (weights == NULL);
  CHECK_MESSAGE (error, "bad.gguf");
  CHECK_MESSAGE (error, named);
  esp_weights_close (weights);
}

static void
tensors_are_found_with_extents_reversed (void)
{
  GgufBuilder gguf;
  EspWeights *weights;
  const EspWeight *found;
  const char *format = NULL;

  gguf_begin (&gguf);
  gguf_tensor (&gguf, "b", 2, six, TYPE_F32, 0);
  gguf_tensor (&gguf, "a", 1, (uint64_t[]){ 32 }, TYPE_Q8_0, 32);
  gguf_tensor (&gguf, "ids", 1, (uint64_t[]){ 2 }, TYPE_I64, 96);
  gguf_tensor (&gguf, "nothing", 1, (uint64_t[]){ 0 }, TYPE_F32, 0);
  gguf_tensor (&gguf, "one", 0, NULL, TYPE_F32, 128);
  weights = open_built (&gguf, 32, 132);
  if (weights == NULL)
    return;
  CHECK (esp_weights_count (weights) == 4 && esp_weights_stored_count (weights) == 4);
  CHECK (esp_weights_bytes (weights) == 24 + 34 + 4);
  found = esp_weights_find (weights, "b");
  CHECK (found != NULL && found->dims == 2 && found->shape[0] == 2 && found->shape[1] == 3);
  CHECK (found != NULL && ((const unsigned char *) found->data)[1] == 1);
  found = esp_weights_find (weights, "a");
  CHECK (found != NULL && found->dtype == ESP_Q8_0 && found->count == 32);
  CHECK (found != NULL && *(const unsigned char *) found->data == 32);
  found = esp_weights_find (weights, "one");
  CHECK (found != NULL && found->dims == 0 && found->count == 1);
  CHECK (esp_weights_foreign_count (weights) == 1);
  CHECK (strcmp (esp_weights_foreign (weights, 0, &format), "ids") == 0);
  CHECK (strcmp (format, "I64") == 0);
  esp_weights_close (weights);
}

static void
the_alignment_is_the_files (void)
{
  GgufBuilder gguf;
  EspWeights *weights;

  gguf_begin (&gguf);
  gguf_key (&gguf, "general.alignment", ESP_GGUF_UINT32);
  gguf_number (&gguf, 8, 4);
  gguf_tensor (&gguf, "a", 1, (uint64_t[]){ 1 }, TYPE_F32, 0);
  gguf_tensor (&gguf, "b", 2, six, TYPE_F32, 8);
  weights = open_built (&gguf, 8, 32);
  if (weights != NULL)
    CHECK (*(const unsigned char *) esp_weights_find (weights, "b")->data == 8);
  esp_weights_close (weights);

  gguf_begin (&gguf);
  gguf_key (&gguf, "general.alignment", ESP_GGUF_UINT32);
  gguf_number (&gguf, 24, 4);
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "general.alignment");
  gguf_begin (&gguf);
  gguf_key (&gguf, "general.alignment", ESP_GGUF_STRING);
  gguf_text (&gguf, "32", 2);
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "general.alignment");
}

static void
a_folded_tensor_has_its_own_shape (void)
{
  static const char key[] = "comfy.gguf.orig_shape.conv";
  GgufBuilder gguf;
  EspWeights *weights;
  const EspWeight *found;

  for (int wrong = 0; wrong < 2; wrong++)
    {
      gguf_begin (&gguf);
      gguf_array (&gguf, key, ESP_GGUF_INT32, 4);
      gguf_number (&gguf, 2, 4);
      gguf_number (&gguf, wrong ? 2 : 1, 4);
      gguf_number (&gguf, 1, 4);
      gguf_number (&gguf, 3, 4);
      gguf_tensor (&gguf, "conv", 1, (uint64_t[]){ 6 }, TYPE_F32, 0);
      if (wrong)
        {
          check_refused (&gguf, 24, ESP_ERROR_FORMAT, key);
          continue;
        }
      weights = open_built (&gguf, 32, 24);
      if (weights == NULL)
        return;
      found = esp_weights_find (weights, "conv");
      CHECK (found != NULL && found->dims == 4 && found->shape[0] == 2 && found->shape[3] == 3);
      esp_weights_close (weights);
    }

  /* Rows of 16 in blocks of 32: no row can be read alone. */
  gguf_begin (&gguf);
  gguf_array (&gguf, key, ESP_GGUF_UINT64, 2);
  gguf_number (&gguf, 2, 8);
  gguf_number (&gguf, 16, 8);
  gguf_tensor (&gguf, "conv", 1, (uint64_t[]){ 32 }, TYPE_Q8_0, 0);
  weights = open_built (&gguf, 32, 34);
  if (weights != NULL)
    {
      EspError error = ESP_ERROR_INIT;

      CHECK (esp_weights_find (weights, "conv") == NULL);
      CHECK_STATUS (esp_weights_require (weights, "conv", 1, (int64_t[]){ -1 }, &found, &error),
                    ESP_ERROR_UNSUPPORTED, error);
      CHECK_MESSAGE (error, "'conv'");
    }
  esp_weights_close (weights);
}

static void
other_versions_are_named (void)
{
  static const struct
  {
    unsigned char version[4];
    const char *named;
  } cases[] = { { { 1, 0, 0, 0 }, "version 1" },
                { { 4, 0, 0, 0 }, "version 4" },
                { { 0, 0, 0, 3 }, "big-endian" },
                { { 0, 0, 0, 0 }, "version 0" } };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      GgufBuilder gguf;

      gguf_begin (&gguf);
      memcpy (gguf.bytes + 4, cases[i].version, 4);
      check_refused (&gguf, 0, ESP_ERROR_UNSUPPORTED, cases[i].named);
    }
}

static void
counts_are_not_believed (void)
{
  static const uint64_t counts[] = { 100, 1000, 100001, UINT64_MAX, UINT64_MAX / 25 };

  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
    {
      GgufBuilder gguf;

      gguf_begin (&gguf);
      gguf.tensors = counts[i];
      check_refused (&gguf, 0, ESP_ERROR_FORMAT, "tensors");
      gguf_begin (&gguf);
      gguf.values = counts[i];
      check_refused (&gguf, 0, ESP_ERROR_FORMAT, "metadata");
      gguf_begin (&gguf);
      gguf_array (&gguf, "big", ESP_GGUF_UINT64, counts[i]);
      check_refused (&gguf, 0, ESP_ERROR_FORMAT, "'big'");
      gguf_begin (&gguf);
      gguf_array (&gguf, "big", ESP_GGUF_STRING, counts[i]);
      gguf_number (&gguf, counts[i] | 1 << 20, 8);
      check_refused (&gguf, 0, ESP_ERROR_FORMAT, "'big'");
      gguf_begin (&gguf);
      gguf_key (&gguf, "text", ESP_GGUF_STRING);
      gguf_number (&gguf, counts[i] | 1 << 20, 8);
      check_refused (&gguf, 0, ESP_ERROR_FORMAT, "'text'");
    }
}

static void
metadata_that_lies_is_refused (void)
{
  GgufBuilder gguf;

  gguf_begin (&gguf);
  gguf_key (&gguf, "strange", 13);
  gguf_number (&gguf, 0, 8);
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "'strange'");

  gguf_begin (&gguf);
  gguf_array (&gguf, "strange", 99, 1);
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "'strange'");

  gguf_begin (&gguf);
  for (int i = 0; i < 2; i++)
    {
      gguf_key (&gguf, "twice", ESP_GGUF_UINT8);
      gguf_number (&gguf, 1, 1);
    }
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "'twice'");

  gguf_begin (&gguf);
  gguf_key (&gguf, "", ESP_GGUF_UINT8);
  gguf_number (&gguf, 1, 4);
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "key");

  gguf_begin (&gguf);
  gguf_key (&gguf, "\xFF\xFE", ESP_GGUF_UINT8);
  gguf_number (&gguf, 1, 4);
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "UTF-8");

  gguf_begin (&gguf);
  gguf_array (&gguf, "deep", ESP_GGUF_ARRAY, 1);
  for (int i = 0; i < 100; i++)
    {
      gguf_number (&gguf, ESP_GGUF_ARRAY, 4);
      gguf_number (&gguf, 1, 8);
    }
  check_refused (&gguf, 0, ESP_ERROR_FORMAT, "nested");
}

static void
tensors_that_lie_are_refused (void)
{
  static const struct
  {
    int dims;
    uint64_t extents[5];
    uint32_t type;
    uint64_t offset;
    EspStatus status;
    const char *named;
  } cases[] = {
    { 5, { 1, 1, 1, 1, 1 }, TYPE_F32, 0, ESP_ERROR_FORMAT, "5 dimensions" },
    { 1, { 33 }, TYPE_Q8_0, 0, ESP_ERROR_FORMAT, "rows have 33" },
    { 2, { 128, 2 }, TYPE_Q4_K, 0, ESP_ERROR_FORMAT, "blocks of 256" },
    { 1, { 16 }, TYPE_F32, 32, ESP_ERROR_FORMAT, "complete" },
    { 1, { 17 }, TYPE_F32, 0, ESP_ERROR_FORMAT, "complete" },
    { 1, { 1 }, TYPE_F32, 4, ESP_ERROR_FORMAT, "alignment" },
    { 1, { 1 }, TYPE_F32, 1 << 20, ESP_ERROR_FORMAT, "complete" },
    { 1, { 1 }, TYPE_F32, UINT64_MAX - 31, ESP_ERROR_FORMAT, "overflow" },
    { 1, { 1 }, TYPE_F32, INT64_MAX - 31, ESP_ERROR_FORMAT, "complete" },
    { 1, { UINT64_MAX }, TYPE_F32, 0, ESP_ERROR_FORMAT, "overflow" },
    { 2, { 1ull << 40, 1ull << 40 }, TYPE_F32, 0, ESP_ERROR_FORMAT, "overflow" },
    { 1, { 1ull << 62 }, TYPE_F32, 0, ESP_ERROR_FORMAT, "overflow" },
    { 1, { 1ull << 40 }, TYPE_F32, 0, ESP_ERROR_FORMAT, "complete" },
    { 1, { 32 }, 4, 0, ESP_ERROR_UNSUPPORTED, "number format 4" },
    { 1, { 32 }, 31, 0, ESP_ERROR_UNSUPPORTED, "number format 31" },
    { 1, { 32 }, 0xFFFFFFFF, 0, ESP_ERROR_UNSUPPORTED, "not known" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      GgufBuilder gguf;

      gguf_begin (&gguf);
      gguf_tensor (&gguf, "bad.one", cases[i].dims, cases[i].extents, cases[i].type,
                   cases[i].offset);
      check_refused (&gguf, 64, cases[i].status, cases[i].named);
    }
  for (int same = 0; same < 2; same++)
    {
      GgufBuilder gguf;

      gguf_begin (&gguf);
      gguf_tensor (&gguf, "one", 1, (uint64_t[]){ 16 }, TYPE_F32, 0);
      gguf_tensor (&gguf, same ? "one" : "other", 1, (uint64_t[]){ 4 }, TYPE_F32, same ? 64 : 32);
      check_refused (&gguf, 128, ESP_ERROR_FORMAT, same ? "twice" : "overlap");
    }
}

/* Each beginning of a good file is refused with a message, however much is missing. */
static void
a_file_cut_anywhere_is_refused (void)
{
  GgufBuilder gguf;
  unsigned char bytes[1024];
  size_t length;
  FILE *file;

  gguf_begin (&gguf);
  gguf_key (&gguf, "general.architecture", ESP_GGUF_STRING);
  gguf_text (&gguf, "flux", 4);
  gguf_array (&gguf, "list", ESP_GGUF_STRING, 2);
  gguf_text (&gguf, "a", 1);
  gguf_text (&gguf, "b", 1);
  gguf_tensor (&gguf, "w", 2, six, TYPE_F32, 0);
  file = fopen (gguf_finish (&gguf, "whole.gguf", 32, 24), "rb");
  length = file != NULL ? fread (bytes, 1, sizeof bytes, file) : 0;
  if (file != NULL)
    fclose (file);
  CHECK (length > 100 && length < sizeof bytes);
  for (size_t i = 0; i < length; i++)
    {
      EspError error = ESP_ERROR_INIT;
      EspWeights *weights = NULL;

      CHECK_STATUS (esp_weights_open_file (scratch_write ("cut.gguf", bytes, i), &weights, &error),
                    ESP_ERROR_FORMAT, error);
      CHECK_MESSAGE (error, "cut.gguf");
      esp_weights_close (weights);
    }
}

int
main (void)
{
  scratch_open ();
  CASE (tensors_are_found_with_extents_reversed);
  CASE (the_alignment_is_the_files);
  CASE (a_folded_tensor_has_its_own_shape);
  CASE (other_versions_are_named);
  CASE (counts_are_not_believed);
  CASE (metadata_that_lies_is_refused);
  CASE (tensors_that_lie_are_refused);
  CASE (a_file_cut_anywhere_is_refused);
  scratch_close ();
  return check_done ();
}
