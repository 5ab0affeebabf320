/* SPDX-License-Identifier: MIT */
/* amx.c: the matrix unit of Intel's servers since Sapphire Rapids. */
#include "ops/cpu/kernels/matrix.h"
#include "ops/cpu/kernels/panels.h"
#include "ops/cpu/kernels/turn.h"

#include <immintrin.h>
#include <string.h>

/* Palette 1, eight tiles of 16 rows of 64 bytes: 0 … 3 sums, 4 and 5 left, 6 and 7 right. A
 * constant in memory: GCC 12 believes that the instruction reads only its first eight bytes and
 * would drop the stores that fill in a local one. */
static const struct
{
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} configuration = {
  .palette = 1,
  .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
  .rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
};

static void
amx_begin (void)
{
  _tile_loadconfig (&configuration);
}

static void
amx_end (void)
{
  _tile_release ();
}

/* The processor's conversion rounds to nearest even; it takes denormals for zero. */
static void
amx_place_row (const float *x, int64_t n, int row, uint16_t *strip)
{
  uint16_t *out = strip + row * ESP_MATRIX_DEPTH;
  int64_t i = 0;

  for (; i + ESP_MATRIX_DEPTH <= n; i += ESP_MATRIX_DEPTH, out += ESP_MATRIX_TILE)
    _mm512_storeu_si512 (
        out, (__m512i) _mm512_cvtne2ps_pbh (_mm512_loadu_ps (x + i + 16), _mm512_loadu_ps (x + i)));
  if (i < n)
    {
      __mmask32 mask = (__mmask32) ((1ull << (n - i)) - 1);
      __m512 low = _mm512_maskz_loadu_ps ((__mmask16) mask, x + i);
      __m512 high = _mm512_maskz_loadu_ps ((__mmask16) (mask >> 16), x + i + 16);

      _mm512_storeu_si512 (out, (__m512i) _mm512_cvtne2ps_pbh (high, low));
    }
}

static void
amx_place_row_bf16 (const uint16_t *x, int64_t n, int row, uint16_t *strip)
{
  uint16_t *out = strip + row * ESP_MATRIX_DEPTH;

  for (int64_t i = 0; i < n; i += ESP_MATRIX_DEPTH, out += ESP_MATRIX_TILE)
    {
      __mmask32 mask
          = n - i >= ESP_MATRIX_DEPTH ? ~(__mmask32) 0 : (__mmask32) ((1ull << (n - i)) - 1);

      _mm512_storeu_si512 (out, _mm512_maskz_loadu_epi16 (mask, x + i));
    }
}

static void
amx_pack_transposed (const uint16_t *x, int64_t stride, int64_t count, int64_t depth,
                     uint16_t *panel)
{
  for (int64_t k = 0; k < depth; k += ESP_MATRIX_DEPTH)
    for (int64_t half = 0; half < 2; half++, panel += ESP_MATRIX_TILE)
      {
        uint32_t rows[16][16]; /* of columns of the panel: 32 numbers each, in pairs */
        uint32_t turned[16][16];
        __mmask32 mask = depth - k >= ESP_MATRIX_DEPTH ? ~(__mmask32) 0
                                                       : (__mmask32) ((1ull << (depth - k)) - 1);

        for (int64_t j = 0; j < 16; j++)
          _mm512_storeu_si512 (rows[j], half * 16 + j < count ? _mm512_maskz_loadu_epi16 (
                                            mask, x + (half * 16 + j) * stride + k)
                                                              : _mm512_setzero_si512 ());
        for (int pair = 0; pair < 16; pair++)
          for (int j = 0; j < 16; j++)
            turned[pair][j] = rows[j][pair];
        memcpy (panel, turned, sizeof turned);
      }
}

static void
amx_pack_plain (const uint16_t *x, int64_t stride, int64_t count, int64_t depth, uint16_t *panel)
{
  /* Interleaves the two rows of a pair: numbers 0 … 15 of both, then 16 … 31. */
  __m512i order_low, order_high;
  uint16_t low[32], high[32];
  __mmask32 mask = count >= ESP_MATRIX_PANEL ? ~(__mmask32) 0 : (__mmask32) ((1ull << count) - 1);

  for (int i = 0; i < 16; i++)
    {
      low[2 * i] = (uint16_t) i;
      low[2 * i + 1] = (uint16_t) (32 + i);
      high[2 * i] = (uint16_t) (16 + i);
      high[2 * i + 1] = (uint16_t) (48 + i);
    }
  order_low = _mm512_loadu_si512 (low);
  order_high = _mm512_loadu_si512 (high);
  for (int64_t k = 0; k < depth; k += ESP_MATRIX_DEPTH, panel += 2 * ESP_MATRIX_TILE)
    for (int64_t pair = 0; pair < 16; pair++)
      {
        int64_t row = k + 2 * pair;
        __m512i zero = _mm512_setzero_si512 ();
        __m512i a = row < depth ? _mm512_maskz_loadu_epi16 (mask, x + row * stride) : zero;
        __m512i b
            = row + 1 < depth ? _mm512_maskz_loadu_epi16 (mask, x + (row + 1) * stride) : zero;

        _mm512_storeu_si512 (panel + pair * 32, _mm512_permutex2var_epi16 (a, order_low, b));
        _mm512_storeu_si512 (panel + ESP_MATRIX_TILE + pair * 32,
                             _mm512_permutex2var_epi16 (a, order_high, b));
      }
}

static void
amx_multiply (int64_t pairs, int64_t tiles, const uint16_t *left, int64_t strip_step,
              const uint16_t *right, bool accumulate, float *c, int64_t c_stride)
{
  const size_t row_bytes = (size_t) c_stride * sizeof *c;

  for (int64_t pair = 0; pair < pairs; pair++)
    {
      const uint16_t *upper = left + 2 * pair * strip_step, *lower = upper + strip_step;
      const uint16_t *panel = right;
      float *top = c + pair * 32 * c_stride, *bottom = top + 16 * c_stride;

      if (accumulate)
        {
          _tile_loadd (0, top, row_bytes);
          _tile_loadd (1, top + 16, row_bytes);
          _tile_loadd (2, bottom, row_bytes);
          _tile_loadd (3, bottom + 16, row_bytes);
        }
      else
        {
          _tile_zero (0);
          _tile_zero (1);
          _tile_zero (2);
          _tile_zero (3);
        }
      for (int64_t tile = 0; tile < tiles; tile++)
        {
          _tile_loadd (4, upper, 64);
          _tile_loadd (6, panel, 64);
          _tile_dpbf16ps (0, 4, 6);
          _tile_loadd (7, panel + ESP_MATRIX_TILE, 64);
          _tile_dpbf16ps (1, 4, 7);
          _tile_loadd (5, lower, 64);
          _tile_dpbf16ps (2, 5, 6);
          _tile_dpbf16ps (3, 5, 7);
          upper += ESP_MATRIX_TILE;
          lower += ESP_MATRIX_TILE;
          panel += 2 * ESP_MATRIX_TILE;
        }
      _tile_stored (0, top, row_bytes);
      _tile_stored (1, top + 16, row_bytes);
      _tile_stored (2, bottom, row_bytes);
      _tile_stored (3, bottom + 16, row_bytes);
    }
}

const EspMatrixKernels esp_matrix_amx = {
  .begin = amx_begin,
  .end = amx_end,
  .place_row = amx_place_row,
  .place_row_bf16 = amx_place_row_bf16,
  .pack_transposed = amx_pack_transposed,
  .pack_plain = amx_pack_plain,
  .multiply = amx_multiply,
};

/* --- Panels of linear layers -------------------------------------------------------------------
 */

static void
amx_turn (const void *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  turn_panel (rows, row_bytes, count, words, panel);
}

/* A strip is a left tile for each 16 words. */
static void
amx_expand (const int8_t *q, const float *scales, const float *minimums, int group, int64_t n,
            void *y)
{
  expand_to_bf16 (q, scales, minimums, group, n, y);
}

static void
amx_place (const uint32_t *words, int64_t count, int place, uint32_t *strip)
{
  for (int64_t w = 0; w < count; w += 16)
    _mm512_storeu_si512 (strip + w * 16 + place * 16, _mm512_loadu_si512 (words + w));
}

static void
amx_multiply_panel (int64_t strips, int64_t depth, const EspStrips *left, const EspPanel *right,
                    bool accumulate, float *c, int64_t c_stride)
{
  const size_t row_bytes = (size_t) c_stride * sizeof *c, panel_bytes = PANEL_COLS * 4;
  const int64_t ahead = 2 * left->word_step; /* the strips that come next */

  for (int64_t strip = 0; strip < strips; strip += 2)
    {
      const uint32_t *upper = left->words + strip * left->word_step;
      const uint32_t *lower = upper + left->word_step, *panel = right->words;
      float *top = c + strip * 16 * c_stride, *bottom = top + 16 * c_stride;

      if (accumulate)
        {
          _tile_loadd (0, top, row_bytes);
          _tile_loadd (1, top + 16, row_bytes);
          _tile_loadd (2, bottom, row_bytes);
          _tile_loadd (3, bottom + 16, row_bytes);
        }
      else
        {
          _tile_zero (0);
          _tile_zero (1);
          _tile_zero (2);
          _tile_zero (3);
        }
      for (int64_t k = 0; k < depth; k += 32)
        {
          _tile_loadd (4, upper, 64);
          _tile_loadd (6, panel, panel_bytes);
          _tile_dpbf16ps (0, 4, 6);
#pragma GCC unroll 16
          for (int line = 0; line < 16; line++)
            {
              _mm_prefetch ((const char *) (upper + ahead + 16 * line), _MM_HINT_T0);
              _mm_prefetch ((const char *) (lower + ahead + 16 * line), _MM_HINT_T0);
            }
          _tile_loadd (7, panel + 16, panel_bytes);
          _tile_dpbf16ps (1, 4, 7);
          _tile_loadd (5, lower, 64);
          _tile_dpbf16ps (2, 5, 6);
          _tile_dpbf16ps (3, 5, 7);
          upper += 256;
          lower += 256;
          panel += 16 * PANEL_COLS;
        }
      _tile_stored (0, top, row_bytes);
      _tile_stored (1, top + 16, row_bytes);
      _tile_stored (2, bottom, row_bytes);
      _tile_stored (3, bottom + 16, row_bytes);
    }
}

const EspPanelKernels esp_panels_bf16_amx = {
  .name = "AMX-BF16",
  .operand = ESP_OPERAND_BF16,
  .rows = 16,
  .cols = PANEL_COLS,
  .strips = 2,
  .depth = 32,
  .block_rows = 768,
  .block_cols = 256,
  .slab = 256,
  .begin = amx_begin,
  .end = amx_end,
  .turn = amx_turn,
  .place = amx_place,
  .expand_groups = amx_expand,
  .multiply = amx_multiply_panel,
};

/* --- Panels of split numbers -------------------------------------------------------------------
 */

static inline void
split_words (__m512 first, __m512 second, uint32_t *words)
{
  const __m512i high = (__m512i) _mm512_cvtne2ps_pbh (second, first);
  const __m512i low = _mm512_cvtepu16_epi32 (_mm512_castsi512_si256 (high));
  const __m512i up = _mm512_cvtepu16_epi32 (_mm512_extracti64x4_epi64 (high, 1));

  first = _mm512_sub_ps (first, (__m512) _mm512_slli_epi32 (low, 16));
  second = _mm512_sub_ps (second, (__m512) _mm512_slli_epi32 (up, 16));
  _mm512_storeu_si512 (words, high);
  _mm512_storeu_si512 (words + 16, (__m512i) _mm512_cvtne2ps_pbh (second, first));
}

static void
amx_split (const float *x, int64_t n, uint32_t *words)
{
  for (int64_t i = 0; i < n; i += 32, words += 32)
    {
      const int64_t left = n - i;
      const __mmask32 mask = left >= 32 ? ~(__mmask32) 0 : (__mmask32) ((1ull << left) - 1);

      split_words (_mm512_maskz_loadu_ps ((__mmask16) mask, x + i),
                   _mm512_maskz_loadu_ps ((__mmask16) (mask >> 16), x + i + 16), words);
    }
}

static void
amx_expand_split (const int8_t *q, const float *scales, const float *minimums, int group, int64_t n,
                  void *y)
{
  uint32_t *words = y;

  for (int64_t i = 0; i < n; i += 32, words += 32)
    {
      __m512 first, second;

      expand_32 (q + i, scales + i / group, minimums != NULL ? minimums + i / group : NULL,
                 group == 16, &first, &second);
      split_words (first, second, words);
    }
}

/* The four sums (+)= left tiles at `upper` and `lower` times the panel's 16 rows of words. */
static inline __attribute__ ((always_inline)) void
amx_four (const uint32_t *upper, const uint32_t *lower, const uint32_t *panel)
{
  const size_t panel_bytes = PANEL_COLS * 4;

  _tile_loadd (4, upper, 64);
  _tile_loadd (6, panel, panel_bytes);
  _tile_dpbf16ps (0, 4, 6);
  _tile_loadd (7, panel + 16, panel_bytes);
  _tile_dpbf16ps (1, 4, 7);
  _tile_loadd (5, lower, 64);
  _tile_dpbf16ps (2, 5, 6);
  _tile_dpbf16ps (3, 5, 7);
}

static void
amx_multiply_split (int64_t strips, int64_t depth, const EspStrips *left, const EspPanel *right,
                    bool accumulate, float *c, int64_t c_stride)
{
  const size_t row_bytes = (size_t) c_stride * sizeof *c;
  const int64_t half = 16 * PANEL_COLS; /* of the panel: the high parts of 32 numbers */

  for (int64_t strip = 0; strip < strips; strip += 2)
    {
      const uint32_t *upper = left->words + strip * left->word_step;
      const uint32_t *lower = upper + left->word_step, *panel = right->words;
      float *top = c + strip * 16 * c_stride, *bottom = top + 16 * c_stride;

      if (accumulate)
        {
          _tile_loadd (0, top, row_bytes);
          _tile_loadd (1, top + 16, row_bytes);
          _tile_loadd (2, bottom, row_bytes);
          _tile_loadd (3, bottom + 16, row_bytes);
        }
      else
        {
          _tile_zero (0);
          _tile_zero (1);
          _tile_zero (2);
          _tile_zero (3);
        }
      for (int64_t k = 0; k < depth; k += 32, upper += 512, lower += 512, panel += 2 * half)
        {
          amx_four (upper, lower, panel);
          _tile_loadd (4, upper + 256, 64);
          _tile_dpbf16ps (0, 4, 6);
          _tile_dpbf16ps (1, 4, 7);
          _tile_loadd (5, lower + 256, 64);
          _tile_dpbf16ps (2, 5, 6);
          _tile_dpbf16ps (3, 5, 7);
          if (!right->high_only)
            amx_four (upper, lower, panel + half);
        }
      _tile_stored (0, top, row_bytes);
      _tile_stored (1, top + 16, row_bytes);
      _tile_stored (2, bottom, row_bytes);
      _tile_stored (3, bottom + 16, row_bytes);
    }
}

const EspPanelKernels esp_panels_split_amx = {
  .name = "AMX-BF16, split",
  .operand = ESP_OPERAND_SPLIT,
  .rows = 16,
  .cols = PANEL_COLS,
  .strips = 2,
  .depth = 32,
  .block_rows = 512,
  .block_cols = 256,
  .slab = 512,
  .begin = amx_begin,
  .end = amx_end,
  .turn = amx_turn,
  .place = amx_place,
  .expand_groups = amx_expand_split,
  .split = amx_split,
  .multiply = amx_multiply_split,
};
