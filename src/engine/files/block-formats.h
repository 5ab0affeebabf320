/* SPDX-License-Identifier: MIT */
/* block-formats.h: the rows that GGUF's block formats have in the table of number-format.c.
 * Internal to files/.
 */
#pragma once

#include <stdint.h>

/* name, elements of a block, its bytes, where its f16 scales begin (the second may be the first
 * again). The layouts are ggml's: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h */
#define ESP_BLOCK_FORMATS(ROW)                                                                     \
  ROW (Q4_0, 32, 18, 0, 0)                                                                         \
  ROW (Q4_1, 32, 20, 0, 2)                                                                         \
  ROW (Q5_0, 32, 22, 0, 0)                                                                         \
  ROW (Q5_1, 32, 24, 0, 2)                                                                         \
  ROW (Q8_0, 32, 34, 0, 0)                                                                         \
  ROW (Q2_K, 256, 84, 80, 82)                                                                      \
  ROW (Q3_K, 256, 110, 108, 108)                                                                   \
  ROW (Q4_K, 256, 144, 0, 2)                                                                       \
  ROW (Q5_K, 256, 176, 0, 2)                                                                       \
  ROW (Q6_K, 256, 210, 208, 208)                                                                   \
  ROW (IQ4_NL, 32, 18, 0, 0)                                                                       \
  ROW (IQ4_XS, 256, 136, 0, 0)

/* For each: whole blocks to f32, for the baseline and for AVX2, and the first element of a block
 * with a scale that is NaN or infinite, or -1. (The largest finite scales give finite numbers.) */
#define ESP_BLOCK_FORMAT_FUNCTIONS(name, elements, bytes, first, second)                           \
  void esp_widen_##name##_base (const void *source, float *destination, int64_t count);            \
  void esp_widen_##name##_avx2 (const void *source, float *destination, int64_t count);            \
  int64_t esp_find_##name (const void *source, int64_t count);

ESP_BLOCK_FORMATS (ESP_BLOCK_FORMAT_FUNCTIONS)
#undef ESP_BLOCK_FORMAT_FUNCTIONS
