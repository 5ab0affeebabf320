/* SPDX-License-Identifier: MIT */
/* Every number format against what other libraries make of it (tools/reference/formats.py), and the
 * GGUF file that they wrote. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "files/block-formats.h"
#include "files/gguf.h"

static EspWeights *formats, *meant;

static EspWeights *
open_data (const char *name)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  char path[4096];

  snprintf (path, sizeof path, "%s/formats/%s", getenv ("ESP_TEST_DATA"), name);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  return weights;
}

/* The number of elements that differ in any bit; a NaN equals a NaN. */
static int64_t
differing (const float *a, const float *b, int64_t count)
{
  int64_t wrong = 0;

  for (int64_t i = 0; i < count; i++)
    wrong += !(isnan (a[i]) && isnan (b[i])) && memcmp (&a[i], &b[i], sizeof *a) != 0;
  return wrong;
}

static int64_t
first_not_finite (const float *numbers, int64_t count)
{
  for (int64_t i = 0; i < count; i++)
    if (!isfinite (numbers[i]))
      return i;
  return -1;
}

static void
check_tensor (const EspWeight *weight)
{
  const EspWeight *golden = esp_weights_find (meant, weight->name);
  int block = esp_dtype_block (weight->dtype);
  float *numbers = malloc ((size_t) weight->count * sizeof *numbers);
  size_t bytes = esp_dtype_bytes (weight->dtype, weight->count);
  char *moved = malloc (bytes + 1);
  bool same_shape;

  CHECK (golden != NULL && numbers != NULL && moved != NULL);
  if (golden == NULL || numbers == NULL || moved == NULL)
    return;
  same_shape = golden->dims == weight->dims;
  for (int i = 0; i < golden->dims && same_shape; i++)
    same_shape = golden->shape[i] == weight->shape[i];
  CHECK (same_shape);
  if (!same_shape)
    return;

  esp_weight_to_f32 (weight, 0, weight->count, numbers);
  if (differing (numbers, golden->data, weight->count) != 0)
    printf ("# %s differs\n", weight->name);
  CHECK (differing (numbers, golden->data, weight->count) == 0);
  CHECK (esp_find_non_finite (weight->dtype, weight->data, weight->count)
         == first_not_finite (golden->data, golden->count));

  /* In parts, and at an odd address. */
  memcpy (moved + 1, weight->data, bytes);
  memset (numbers, 0, (size_t) weight->count * sizeof *numbers);
  for (int64_t i = 0; i < weight->count; i += block)
    esp_to_f32 (weight->dtype, moved + 1 + esp_dtype_bytes (weight->dtype, i), numbers + i, block);
  CHECK (differing (numbers, golden->data, weight->count) == 0);
  free (numbers);
  free (moved);
}

static void
each_format_means_what_the_gguf_package_says (void)
{
  CHECK (esp_weights_count (formats) == 28);
  for (int64_t i = 0; i < esp_weights_count (formats); i++)
    check_tensor (esp_weights_at (formats, i));
}

/* The build for processors without AVX2, which the table does not choose here. */
static void
the_baseline_gives_the_same_bits (void)
{
  float a[1024], b[1024];

#define COMPARE(name, elements, bytes, first, second)                                              \
  {                                                                                                \
    const EspWeight *weight = esp_weights_find (formats, #name ".random");                         \
    CHECK (weight != NULL && weight->count <= 1024);                                               \
    if (weight != NULL && weight->count <= 1024)                                                   \
      {                                                                                            \
        esp_widen_##name##_base (weight->data, a, weight->count);                                  \
        esp_to_f32 (ESP_##name, weight->data, b, weight->count);                                   \
        CHECK (differing (a, b, weight->count) == 0);                                              \
      }                                                                                            \
  }
  ESP_BLOCK_FORMATS (COMPARE)
}

static void
all_256_values_of_fp8_are_pytorchs (void)
{
  static const EspDType types[] = { ESP_F8_E4M3, ESP_F8_E5M2 };
  uint8_t every[257];
  float numbers[256];

  for (int i = 0; i < 257; i++)
    every[i] = (uint8_t) i;
  for (int t = 0; t < 2; t++)
    {
      const EspWeight *golden = esp_weights_find (meant, esp_dtype_name (types[t]));
      int wrong = 0;

      CHECK (golden != NULL && golden->count == 256);
      if (golden == NULL)
        continue;
      esp_to_f32 (types[t], every, numbers, 256);
      CHECK (differing (numbers, golden->data, 256) == 0);
      for (int i = 0; i < 256; i++)
        {
          float one;

          esp_to_f32 (types[t], every + i, &one, 1);
          wrong += differing (&one, numbers + i, 1) != 0;
          wrong += (esp_find_non_finite (types[t], every + i, 1) == 0) == !!isfinite (one);
        }
      CHECK (wrong == 0);
    }
  CHECK (esp_find_non_finite (ESP_F8_E4M3, every, 256) == 0x7F);
  CHECK (esp_find_non_finite (ESP_F8_E5M2, every, 256) == 0x7C);
}

static void
a_scale_multiplies_every_number (void)
{
  static const uint8_t bytes[3] = { 0x38, 0xC0, 0x01 }; /* 1, -2, 2^-9 */
  EspWeight weight = { .dtype = ESP_F8_E4M3, .dims = 1, .shape = { 3 }, .count = 3, .data = bytes };
  float numbers[3];

  weight.scale = 0.5f;
  esp_weight_to_f32 (&weight, 0, 3, numbers);
  CHECK (numbers[0] == 0.5f && numbers[1] == -1 && numbers[2] == 0x1p-10f);
  weight.scale = 0;
  esp_weight_to_f32 (&weight, 1, 2, numbers);
  CHECK (numbers[0] == -2 && numbers[1] == 0x1p-9f);
}

static void
metadata_of_every_type_is_found (void)
{
  const EspGguf *gguf = esp_weights_gguf (formats, 0);
  const EspGgufValue *value;
  const char *bytes = NULL;
  uint64_t at = 0;
  size_t length = 0;
  int64_t number = 0;

  CHECK (gguf != NULL && esp_weights_gguf (meant, 0) == NULL);
  CHECK (esp_weights_file_is_gguf (formats, 0) && !esp_weights_file_is_gguf (meant, 0));
  if (gguf == NULL)
    return;
  CHECK (strcmp (esp_gguf_metadata_text (gguf, "general.architecture"), "flux") == 0);
  CHECK (strcmp (esp_gguf_metadata_text (gguf, "test.string"), "Grüße") == 0);
  CHECK (esp_gguf_metadata_text (gguf, "test.int8") == NULL);
  CHECK (esp_gguf_metadata_text (gguf, "test.none") == NULL);
  CHECK (esp_gguf_metadata_int (gguf, "test.uint8", 0) == 200);
  CHECK (esp_gguf_metadata_int (gguf, "test.int8", 0) == -100);
  CHECK (esp_gguf_metadata_int (gguf, "test.uint16", 0) == 60000);
  CHECK (esp_gguf_metadata_int (gguf, "test.int16", 0) == -30000);
  CHECK (esp_gguf_metadata_int (gguf, "test.uint32", 0) == 4000000000);
  CHECK (esp_gguf_metadata_int (gguf, "test.int32", 0) == -2000000000);
  CHECK (esp_gguf_metadata_int (gguf, "test.uint64", 7) == 7); /* does not fit */
  CHECK (esp_gguf_metadata_int (gguf, "test.int64", 0) == -(INT64_C (1) << 62));
  CHECK (esp_gguf_metadata_int (gguf, "test.bool", 0) == 1);
  CHECK (esp_gguf_metadata_int (gguf, "test.float32", 7) == 7);
  CHECK (esp_gguf_metadata_double (gguf, "test.float32", 0) == 0.15625);
  CHECK (esp_gguf_metadata_double (gguf, "test.float64", 0) == 1e300);
  CHECK (esp_gguf_metadata_double (gguf, "test.int8", 0) == -100);
  CHECK (esp_gguf_metadata_double (gguf, "test.strings", 7) == 7);

  value = esp_gguf_metadata_find (gguf, "test.strings");
  CHECK (value != NULL && value->count == 3);
  CHECK (esp_gguf_next_string (value, &at, &bytes, &length) && length == 1 && *bytes == 'a');
  CHECK (esp_gguf_next_string (value, &at, &bytes, &length) && length == 0);
  CHECK (esp_gguf_next_string (value, &at, &bytes, &length) && length == 2);
  CHECK (!esp_gguf_next_string (value, &at, &bytes, &length));
  value = esp_gguf_metadata_find (gguf, "test.numbers");
  CHECK (value != NULL && value->count == 3 && esp_gguf_element_int (value, 1, &number));
  CHECK (number == -2);
  CHECK (!esp_gguf_element_int (value, 3, &number));
}

int
main (void)
{
  formats = open_data ("formats.gguf");
  meant = open_data ("formats.safetensors");
  if (formats != NULL && meant != NULL)
    {
      CASE (each_format_means_what_the_gguf_package_says);
      CASE (the_baseline_gives_the_same_bits);
      CASE (all_256_values_of_fp8_are_pytorchs);
      CASE (a_scale_multiplies_every_number);
      CASE (metadata_of_every_type_is_found);
    }
  esp_weights_close (formats);
  esp_weights_close (meant);
  return check_done ();
}
