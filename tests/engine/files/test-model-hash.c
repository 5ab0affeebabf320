/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "check.h"
#include "files/model-hash.h"
#include "files/tensor-file.h"
#include "gguf-builder.h"
#include "scratch.h"

static void (*const inits[]) (EspSha256 *) = { esp_sha256_init, esp_sha256_init_portable };

/* The examples of FIPS 180-2 (appendix B) and of NIST's "Examples with Intermediate Values". */
static void
known_digests (void)
{
  static const char *const cases[][2] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
      "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (int init = 0; init < 2; init++)
      {
        EspSha256 sha;
        char hex[ESP_SHA256_HEX_SIZE];

        inits[init](&sha);
        esp_sha256_update (&sha, cases[i][0], strlen (cases[i][0]));
        esp_sha256_finish (&sha, hex);
        CHECK (strcmp (hex, cases[i][1]) == 0);
      }
}

static void
a_million_letters (void)
{
  char thousand[1000];

  memset (thousand, 'a', sizeof thousand);
  for (int init = 0; init < 2; init++)
    {
      EspSha256 sha;
      char hex[ESP_SHA256_HEX_SIZE];

      inits[init](&sha);
      for (int i = 0; i < 1000; i++)
        esp_sha256_update (&sha, thousand, sizeof thousand);
      esp_sha256_finish (&sha, hex);
      CHECK (strcmp (hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);
    }
}

/* Both implementations, all lengths around the block's, in one piece and in uneven ones. */
static void
pieces_do_not_matter (void)
{
  uint8_t bytes[400];
  int wrong = 0;

  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t) (i * 57 + 3);
  for (size_t length = 0; length <= sizeof bytes; length++)
    {
      EspSha256 whole, pieces;
      char hex[2][ESP_SHA256_HEX_SIZE];

      esp_sha256_init (&whole);
      esp_sha256_update (&whole, bytes, length);
      esp_sha256_finish (&whole, hex[0]);
      esp_sha256_init_portable (&pieces);
      for (size_t at = 0, step = 1; at < length; at += step, step = step * 5 % 131)
        esp_sha256_update (&pieces, bytes + at, step < length - at ? step : length - at);
      esp_sha256_finish (&pieces, hex[1]);
      wrong += strcmp (hex[0], hex[1]) != 0;
    }
  CHECK (wrong == 0);
}

/* --- Models -------------------------------------------------------------------------------- */

static EspWeights *
open_written (const char *name, const float *data, int64_t count)
{
  const EspWeight tensor
      = { .name = "t", .dtype = ESP_F32, .dims = 1, .shape = { count }, .data = data };
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  CHECK_STATUS (esp_safetensors_write (scratch_path (name), &tensor, 1, &error), ESP_OK, error);
  CHECK_STATUS (esp_weights_open_file (scratch_path (name), &weights, &error), ESP_OK, error);
  return weights;
}

static void
hash_one (EspWeights *weights, char hex[ESP_SHA256_HEX_SIZE])
{
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (esp_model_hash (&weights, 1, hex, &error), ESP_OK, error);
}

static void
update_size (EspSha256 *sha, uint64_t size)
{
  for (int i = 0; i < 8; i++)
    esp_sha256_update (sha, &(uint8_t){ (uint8_t) (size >> (8 * i)) }, 1);
}

/* The recipe of the header once more, from the files' own bytes. */
static void
a_small_model_is_hashed_in_full (void)
{
  static uint8_t bytes[2][4096];
  static const char *const names[] = { "m1.safetensors", "m2.safetensors" };
  const float data[5] = { 1, 2, 3, 4, 5 };
  EspWeights *components[2];
  char wanted[ESP_SHA256_HEX_SIZE], hex[ESP_SHA256_HEX_SIZE];
  EspError error = ESP_ERROR_INIT;
  EspSha256 sha;

  esp_sha256_init (&sha);
  for (int i = 0; i < 2; i++)
    {
      FILE *file;
      size_t size;

      components[i] = open_written (names[i], data, 4 + i);
      file = fopen (scratch_path (names[i]), "rb");
      size = file != NULL ? fread (bytes[i], 1, sizeof bytes[i], file) : 0;
      if (file != NULL)
        fclose (file);
      CHECK (size > 24);
      esp_sha256_update (&sha, names[i], strlen (names[i]) + 1);
      update_size (&sha, size);
      esp_sha256_update (&sha, bytes[i], size);
    }
  esp_sha256_finish (&sha, wanted);

  CHECK_STATUS (esp_model_hash (components, 2, hex, &error), ESP_OK, error);
  CHECK (strcmp (hex, wanted) == 0);
  EspWeights *const swapped[2] = { components[1], components[0] };
  CHECK_STATUS (esp_model_hash (swapped, 2, hex, &error), ESP_OK, error);
  CHECK (strcmp (hex, wanted) != 0);
  EspWeights *const missing[2] = { components[1], NULL };
  CHECK_STATUS (esp_model_hash (missing, 2, hex, &error), ESP_ERROR_ARGUMENT, error);
  esp_weights_close (components[0]);
  esp_weights_close (components[1]);
}

static void
every_byte_of_a_small_model_counts (void)
{
  float data[100] = { 0 };
  char before[ESP_SHA256_HEX_SIZE], after[ESP_SHA256_HEX_SIZE];
  EspWeights *weights = open_written ("small.safetensors", data, 100);

  hash_one (weights, before);
  esp_weights_close (weights);
  data[57] = 1;
  weights = open_written ("small.safetensors", data, 100);
  hash_one (weights, after);
  CHECK (strcmp (before, after) != 0);
  esp_weights_close (weights);
}

/* Changes four bytes at `at` of the data of the (sparse) file and compares the hash. */
static bool
change_shows (const char *path, size_t header, size_t at, const char *before)
{
  char after[ESP_SHA256_HEX_SIZE];
  FILE *file = fopen (path, "r+b");
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  CHECK (file != NULL && fseek (file, (long) (header + at), SEEK_SET) == 0
         && fwrite ("####", 1, 4, file) == 4);
  if (file != NULL)
    fclose (file);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  hash_one (weights, after);
  esp_weights_close (weights);
  file = fopen (path, "r+b");
  CHECK (file != NULL && fseek (file, (long) (header + at), SEEK_SET) == 0
         && fwrite ("\0\0\0\0", 1, 4, file) == 4);
  if (file != NULL)
    fclose (file);
  return strcmp (before, after) != 0;
}

static void
a_large_model_is_sampled (void)
{
  const size_t size = 72 << 20, header = 8 + 80;
  char text[81], before[ESP_SHA256_HEX_SIZE];
  char path[600];
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  snprintf (text, sizeof text, "%-80s",
            "{\"t\":{\"dtype\":\"U8\",\"shape\":[75497472],\"data_offsets\":[0,75497472]}}");
  snprintf (path, sizeof path, "%s", scratch_write_safetensors ("large.safetensors", text, 0));
  CHECK (truncate (path, (off_t) (header + size)) == 0);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  if (weights == NULL)
    return;
  hash_one (weights, before);
  esp_weights_close (weights);

  CHECK (change_shows (path, header, 0, before));
  CHECK (change_shows (path, header, (64 << 10) - 4, before));
  CHECK (!change_shows (path, header, 64 << 10, before));
  CHECK (change_shows (path, header, 48 << 20, before));
  CHECK (!change_shows (path, header, (16 << 20) - 4, before));
  CHECK (change_shows (path, header, size - 4, before));
  CHECK (change_shows (path, header, size - (64 << 10), before));
  CHECK (!change_shows (path, header, size - (64 << 10) - 4, before));
}

/* The same stream for the other container: name, size and all bytes. */
static void
a_gguf_file_is_hashed_like_any_other (void)
{
  GgufBuilder gguf;
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  EspSha256 sha;
  static uint8_t bytes[4096];
  char wanted[ESP_SHA256_HEX_SIZE], hex[ESP_SHA256_HEX_SIZE];
  const char *path;
  size_t size;
  FILE *file;

  gguf_begin (&gguf);
  gguf_key (&gguf, "general.architecture", 8);
  gguf_text (&gguf, "flux", 4);
  gguf_tensor (&gguf, "t", 1, (uint64_t[]){ 32 }, 8, 0);
  path = gguf_finish (&gguf, "m.gguf", 32, 50);
  file = fopen (path, "rb");
  size = file != NULL ? fread (bytes, 1, sizeof bytes, file) : 0;
  if (file != NULL)
    fclose (file);
  CHECK (size > 50 && size < sizeof bytes);
  esp_sha256_init (&sha);
  esp_sha256_update (&sha, "m.gguf", 7);
  update_size (&sha, size);
  esp_sha256_update (&sha, bytes, size);
  esp_sha256_finish (&sha, wanted);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  if (weights == NULL)
    return;
  hash_one (weights, hex);
  CHECK (strcmp (hex, wanted) == 0);
  esp_weights_close (weights);
}

int
main (void)
{
  scratch_open ();
  CASE (known_digests);
  CASE (a_million_letters);
  CASE (pieces_do_not_matter);
  CASE (a_small_model_is_hashed_in_full);
  CASE (every_byte_of_a_small_model_counts);
  CASE (a_large_model_is_sampled);
  CASE (a_gguf_file_is_hashed_like_any_other);
  scratch_close ();
  return check_done ();
}
