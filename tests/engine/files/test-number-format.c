/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdint.h>

#include "check.h"
#include "files/number-format.h"

#define ALL_16 65536

static uint16_t all_bits[ALL_16];
static float all_values[ALL_16];

static uint32_t
bits_of (float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static float
from_bits (uint32_t bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static void
names_and_sizes_match_the_safetensors_header (void)
{
  static const struct
  {
    EspDType dtype;
    const char *name;
    size_t bytes;
  } wanted[] = {
    { ESP_F32, "F32", 4 }, { ESP_F16, "F16", 2 }, { ESP_BF16, "BF16", 2 }, { ESP_I32, "I32", 4 }
  };
  EspDType found;

  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    {
      CHECK (strcmp (esp_dtype_name (wanted[i].dtype), wanted[i].name) == 0);
      CHECK (esp_dtype_bytes (wanted[i].dtype, 1000) == 1000 * wanted[i].bytes);
      CHECK (esp_dtype_from_name (wanted[i].name, strlen (wanted[i].name), &found));
      CHECK (found == wanted[i].dtype);
    }
  CHECK (!esp_dtype_from_name ("F3", 2, &found));
  CHECK (!esp_dtype_from_name ("F320", 4, &found));
  CHECK (!esp_dtype_from_name ("", 0, &found));
  CHECK (!esp_dtype_from_name ("f32", 3, &found));
}

/* What an f16 means, by the definition in IEEE 754, in double precision. */
static double
f16_by_definition (uint16_t bits)
{
  int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  double sign = (bits & 0x8000) ? -1.0 : 1.0;

  if (exponent == 31)
    return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * ldexp (mantissa, -24);
  return sign * ldexp (1024 + mantissa, exponent - 25);
}

static void
every_f16_widens_to_its_definition (void)
{
  int wrong = 0;

  esp_to_f32 (ESP_F16, all_bits, all_values, ALL_16);
  for (int i = 0; i < ALL_16; i++)
    {
      double wanted = f16_by_definition ((uint16_t) i);

      if (isnan (wanted))
        wrong += !isnan (all_values[i]);
      else
        wrong += (double) all_values[i] != wanted || !signbit (all_values[i]) != !signbit (wanted);
    }
  CHECK (wrong == 0);
}

static void
every_bf16_widens_to_the_upper_half (void)
{
  int wrong = 0;

  esp_to_f32 (ESP_BF16, all_bits, all_values, ALL_16);
  for (int i = 0; i < ALL_16; i++)
    wrong += bits_of (all_values[i]) != (uint32_t) i << 16;
  CHECK (wrong == 0);
}

static void
every_bf16_survives_the_way_there_and_back (void)
{
  static uint16_t back[ALL_16];
  int wrong = 0;

  esp_to_f32 (ESP_BF16, all_bits, all_values, ALL_16);
  esp_f32_to_bf16 (all_values, back, ALL_16);
  for (int i = 0; i < ALL_16; i++)
    {
      bool nan = (i & 0x7FFF) > 0x7F80;

      wrong += nan ? (back[i] & 0x7FFF) <= 0x7F80 : back[i] != i;
    }
  CHECK (wrong == 0);
}

/* Around each of the 65,536 values: just below, at and just above the middle to the next one. */
static void
narrowing_rounds_to_nearest_even (void)
{
  static const uint32_t tails[] = { 0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF };
  static float in[ALL_16];
  static uint16_t out[ALL_16];
  int wrong = 0;

  for (size_t t = 0; t < sizeof tails / sizeof tails[0]; t++)
    {
      for (uint32_t i = 0; i < ALL_16; i++)
        in[i] = from_bits (i << 16 | tails[t]);
      esp_f32_to_bf16 (in, out, ALL_16);
      for (uint32_t i = 0; i < ALL_16; i++)
        {
          bool up = tails[t] > 0x8000 || (tails[t] == 0x8000 && (i & 1));

          if (isnan (in[i]))
            wrong += (out[i] & 0x7FFF) <= 0x7F80 || (out[i] ^ i) & 0x8000;
          else
            wrong += out[i] != i + up;
        }
    }
  CHECK (wrong == 0);
}

static void
every_length_and_alignment_converts_alike (void)
{
  static const EspDType types[] = { ESP_F32, ESP_F16, ESP_BF16, ESP_I32 };
  unsigned char bytes[4 * 70 + 3];
  float whole[70], part[71];
  int wrong = 0;

  for (size_t t = 0; t < 4; t++)
    for (size_t shift = 0; shift < 4; shift++)
      {
        for (size_t i = 0; i < sizeof bytes; i++)
          bytes[i] = (unsigned char) (i * 37 % 120); /* no NaN, whose bits may change */
        for (int i = 0; i < 70; i++)
          esp_to_f32 (types[t], bytes + shift + esp_dtype_bytes (types[t], i), &whole[i], 1);
        for (int length = 0; length <= 70; length++)
          {
            part[length] = 42;
            esp_to_f32 (types[t], bytes + shift, part, length);
            wrong += memcmp (part, whole, sizeof (float) * (size_t) length) != 0;
            wrong += bits_of (part[length]) != bits_of (42);
          }
      }
  CHECK (wrong == 0);
}

static void
integers_convert_by_value (void)
{
  const int32_t in[] = { 0, -1, 49407, INT32_MIN };
  float out[4];

  esp_to_f32 (ESP_I32, in, out, 4);
  CHECK (out[0] == 0 && out[1] == -1 && out[2] == 49407 && out[3] == -2147483648.0f);
}

static void
each_single_value_is_found_finite_or_not (void)
{
  int wrong = 0;

  for (int i = 0; i < ALL_16; i++)
    {
      uint16_t bits = (uint16_t) i;
      float wide = from_bits ((uint32_t) i << 16);

      wrong += (esp_find_non_finite (ESP_F16, &bits, 1) == 0) != ((i & 0x7C00) == 0x7C00);
      wrong += (esp_find_non_finite (ESP_BF16, &bits, 1) == 0) != ((i & 0x7F80) == 0x7F80);
      wrong += (esp_find_non_finite (ESP_F32, &wide, 1) == 0) != !isfinite (wide);
    }
  CHECK (wrong == 0);
}

static void
the_first_bad_element_is_found_wherever_it_lies (void)
{
  static float values[600];
  static uint16_t halves[600];
  int wrong = 0;

  for (int length = 0; length < 600; length += 7)
    for (int at = 0; at <= length; at += 3)
      {
        memset (values, 0, sizeof values);
        memset (halves, 0, sizeof halves);
        values[at] = values[599] = NAN;
        halves[at] = 0x7C00;
        halves[599] = 0xFFFF;
        int64_t wanted = at < length ? at : -1;
        wrong += esp_find_non_finite (ESP_F32, values, length) != wanted;
        wrong += esp_find_non_finite (ESP_F16, halves, length) != wanted;
        halves[at] = 0xFF80;
        wrong += esp_find_non_finite (ESP_BF16, halves, length) != wanted;
      }
  CHECK (wrong == 0);
  CHECK (esp_find_non_finite (ESP_I32, values, 600) == -1);
}

int
main (void)
{
  for (int i = 0; i < ALL_16; i++)
    all_bits[i] = (uint16_t) i;

  CASE (names_and_sizes_match_the_safetensors_header);
  CASE (every_f16_widens_to_its_definition);
  CASE (every_bf16_widens_to_the_upper_half);
  CASE (every_bf16_survives_the_way_there_and_back);
  CASE (narrowing_rounds_to_nearest_even);
  CASE (every_length_and_alignment_converts_alike);
  CASE (integers_convert_by_value);
  CASE (each_single_value_is_found_finite_or_not);
  CASE (the_first_bad_element_is_found_wherever_it_lies);
  return check_done ();
}
