/* SPDX-License-Identifier: MIT */
/* panels-s8.c: products of signed bytes with scales, four at a time where the processor can. */
#include <math.h>
#include <string.h>

#include "ops/cpu/kernels/panels.h"
#include "ops/cpu/kernels/turn.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The first operand of x86's products of four is unsigned: there the panel's bytes are 128 more
 * than what they stand for, and the sums begin 128·Σ q_x below zero. */
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define OFFSET 128
#else
#define OFFSET 0
#endif

/* Integer sums and f32 sums of a tile, two vectors of the panel and one word of x. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define ROWS 6
#else
#define ROWS 3
#endif

/* sum + the products of four bytes in each lane. */
static inline __attribute__ ((always_inline)) vint
dot_four (vint sum, vint w, uint32_t word)
{
#if defined(__AVX512VNNI__)
  return (vint) _mm512_dpbusd_epi32 ((__m512i) sum, (__m512i) w, _mm512_set1_epi32 ((int) word));
#elif defined(__AVXVNNI__)
  return (vint) _mm256_dpbusd_avx_epi32 ((__m256i) sum, (__m256i) w,
                                         _mm256_set1_epi32 ((int) word));
#elif defined(__AVX2__)
  /* |w|·(x with w's sign): two products of 128·127 do not saturate. */
  __m256i x = _mm256_sign_epi8 (_mm256_set1_epi32 ((int) word), (__m256i) w);
  __m256i pairs = _mm256_maddubs_epi16 (_mm256_abs_epi8 ((__m256i) w), x);

  return sum + (vint) _mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1));
#elif defined(__x86_64__)
  __m128i x = _mm_set1_epi32 ((int) word), v = (__m128i) w;
  __m128i wide = _mm_srai_epi16 (_mm_unpacklo_epi8 (x, x), 8);
  __m128i low = _mm_madd_epi16 (_mm_srai_epi16 (_mm_unpacklo_epi8 (v, v), 8), wide);
  __m128i high = _mm_madd_epi16 (_mm_srai_epi16 (_mm_unpackhi_epi8 (v, v), 8), wide);
  __m128 even = _mm_shuffle_ps ((__m128) low, (__m128) high, 0x88);
  __m128 odd = _mm_shuffle_ps ((__m128) low, (__m128) high, 0xdd);

  return sum + ((vint) even + (vint) odd);
#elif defined(__ARM_FEATURE_DOTPROD)
  return (vint) vdotq_s32 ((int32x4_t) sum, (int8x16_t) w,
                           vreinterpretq_s8_u32 (vdupq_n_u32 (word)));
#elif defined(__aarch64__)
  int8x16_t x = vreinterpretq_s8_u32 (vdupq_n_u32 (word)), v = (int8x16_t) w;
  int32x4_t low = vpaddlq_s16 (vmull_s8 (vget_low_s8 (v), vget_low_s8 (x)));

  return sum + (vint) vpaddq_s32 (low, vpaddlq_s16 (vmull_high_s8 (v, x)));
#else
  for (int lane = 0; lane < VN; lane++)
    for (int byte = 0; byte < 4; byte++)
      sum[lane] += (int8_t) (w[lane] >> 8 * byte) * (int8_t) (word >> 8 * byte);
  return sum;
#endif
}

/* The number that a sum of bytes stands for, times the scale; start is -ESP_INTEGER_START·scale. */
static inline __attribute__ ((always_inline)) vfloat
scaled_sum (vint whole, vfloat scale, vfloat start)
{
#if defined(__AVX512F__)
  return (vfloat) _mm512_fmadd_ps ((__m512) whole, (__m512) scale, (__m512) start);
#elif defined(__FMA__)
  return (vfloat) _mm256_fmadd_ps ((__m256) whole, (__m256) scale, (__m256) start);
#elif defined(__aarch64__)
  return (vfloat) vfmaq_f32 ((float32x4_t) start, (float32x4_t) whole, (float32x4_t) scale);
#else
  return ((vfloat) whole - ESP_INTEGER_START) * scale;
#endif
}

static inline vint
load_words (const uint32_t *p)
{
  return (vint) vload ((const float *) (const void *) p);
}

static void
turn (const void *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  turn_panel (rows, row_bytes, count, words, panel);
}

static void
place (const uint32_t *words, int64_t count, int row, uint32_t *strip)
{
  place_words (ROWS, words, count, row, strip);
}

/* Always inlined with constants, so that the sums stay in registers.
 *
 * The integer sums begin at the bits of 1.5·2²³, where counting up an integer counts up the float
 * of the same bits: no conversion is needed, and what they began at goes away in the fused
 * operation with the scale. A format's scale is an f16 number times an integer of eight bits, so
 * that 1.5·2²³ times it is exact. */
static inline __attribute__ ((always_inline)) void
multiply_strip (const int group, const bool affine, int64_t depth, const EspStrips *left,
                int64_t strip, const EspPanel *right, bool accumulate, float *c, int64_t c_stride)
{
  const uint32_t *x = left->words + strip * left->word_step, *panel = right->words;
  const float *scales = left->scales + strip * left->scale_step;
  const int32_t *offsets = left->offsets + strip * left->group_step;
  const float *totals = left->totals + strip * left->group_step;
  const vfloat start = vset (-ESP_INTEGER_START);
  vfloat sums[ROWS][2];

#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++)
    sums[r][0] = sums[r][1] = (vfloat){ 0 };
  for (int64_t g = 0; g < depth / group; g++)
    {
      const float *scale = right->scales + g * PANEL_COLS,
                  *own = scales + g * group / ESP_SCALED * ROWS;
      vfloat scale0 = vload (scale), scale1 = vload (scale + VN);
      vfloat start0 = start * scale0, start1 = start * scale1; /* exact, see below */
      vint whole[ROWS][2];

#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++)
        whole[r][0] = whole[r][1] = vset_int (offsets[g * ROWS + r]);
#pragma GCC unroll 8
      for (int quad = 0; quad < group / 4; quad++, x += ROWS, panel += PANEL_COLS)
        {
          vint w0 = load_words (panel), w1 = load_words (panel + VN);
#pragma GCC unroll 8
          for (int r = 0; r < ROWS; r++)
            {
              whole[r][0] = dot_four (whole[r][0], w0, x[r]);
              whole[r][1] = dot_four (whole[r][1], w1, x[r]);
            }
        }
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++)
        {
          vfloat factor = vset (own[r]);
          sums[r][0] += scaled_sum (whole[r][0], scale0, start0) * factor;
          sums[r][1] += scaled_sum (whole[r][1], scale1, start1) * factor;
        }
      if (affine)
        {
          const float *minimum = right->minimums + g * PANEL_COLS;
          vfloat minimum0 = vload (minimum), minimum1 = vload (minimum + VN);
#pragma GCC unroll 8
          for (int r = 0; r < ROWS; r++)
            {
              vfloat total = vset (totals[g * ROWS + r]);
              sums[r][0] += minimum0 * total;
              sums[r][1] += minimum1 * total;
            }
        }
    }
  if (left->middles != NULL)
    for (int64_t i = 0; i < depth / ESP_SCALED; i++)
      {
        const float *middle = left->middles + strip * left->scale_step + i * ROWS;
        const float *sum = right->sums + i * PANEL_COLS;
        vfloat sum0 = vload (sum), sum1 = vload (sum + VN);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
          {
            vfloat factor = vset (middle[r]);
            sums[r][0] += factor * sum0;
            sums[r][1] += factor * sum1;
          }
      }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++)
    {
      float *row = c + (strip * ROWS + r) * c_stride;
      if (accumulate)
        {
          sums[r][0] += vload (row);
          sums[r][1] += vload (row + VN);
        }
      vstore (row, sums[r][0]);
      vstore (row + VN, sums[r][1]);
    }
}

static void
multiply (int64_t strips, int64_t depth, const EspStrips *left, const EspPanel *right,
          bool accumulate, float *c, int64_t c_stride)
{
  const bool affine = right->minimums != NULL;

  for (int64_t strip = 0; strip < strips; strip++)
    if (right->group == 32 && !affine)
      multiply_strip (32, false, depth, left, strip, right, accumulate, c, c_stride);
    else if (right->group == 32)
      multiply_strip (32, true, depth, left, strip, right, accumulate, c, c_stride);
    else if (!affine)
      multiply_strip (16, false, depth, left, strip, right, accumulate, c, c_stride);
    else
      multiply_strip (16, true, depth, left, strip, right, accumulate, c, c_stride);
}

/* The least and the largest of 32 numbers; false if one of them is NaN or infinite. */
static inline bool
range_of (const float *x, float *least, float *largest)
{
  /* x − x is NaN for NaN and infinity.
   * NOLINTNEXTLINE(misc-redundant-expression) */
  vfloat low = vload (x), high = low, poison = low - low;

  for (int i = VN; i < ESP_SCALED; i += VN)
    {
      vfloat v = vload (x + i);
      low = vmin (low, v);
      high = vmax (high, v);
      poison += v - v; /* NOLINT(misc-redundant-expression) */
    }
  *least = -vlargest (-low);
  *largest = vlargest (high);
  return vsum (poison) == 0;
}

static void
quantise (const float *x, int64_t n, int group, int8_t *q, float *scales, int32_t *sums,
          float *middles)
{
  const vfloat magic = vset (12582912.0f); /* adding it rounds to an integer, to nearest even */

  for (int64_t i = 0; i < n; i += ESP_SCALED)
    {
      float least, most, middle = 0, largest, inverse;
      bool good = range_of (x + i, &least, &most);
      vint wide[ESP_SCALED / VN], sum = { 0 };

      if (middles != NULL)
        {
          /* Halves, that it may not overflow. */
          middle = good ? 0.5f * least + 0.5f * most : 0.0f;
          middles[i / ESP_SCALED] = middle;
        }
      largest = most - middle > middle - least ? most - middle : middle - least;
      /* Less than this could be no f32 after the division. */
      inverse = largest < 1e-30f ? 0.0f : 127.0f / largest;
      scales[i / ESP_SCALED] = largest < 1e-30f ? 0.0f : largest / 127.0f;
      if (!good) /* the scale says it; the integers would be anything */
        {
          scales[i / ESP_SCALED] = NAN;
          memset (q + i, 0, ESP_SCALED);
          memset (sums + i / group, 0, (size_t) (ESP_SCALED / group) * sizeof *sums);
          continue;
        }
      for (int part = 0; part < ESP_SCALED / VN; part++)
        {
          vfloat v = (vload (x + i + part * VN) - middle) * inverse + magic;
          wide[part] = (vint) v - (vint) magic;
          for (int lane = 0; lane < VN; lane++)
            q[i + part * VN + lane] = (int8_t) wide[part][lane];
          sum += wide[part];
          if ((part + 1) * VN % group == 0)
            {
              int32_t all = 0;
              for (int lane = 0; lane < VN; lane++)
                all += sum[lane];
              sums[(i + part * VN) / group] = all;
              sum = (vint){ 0 };
            }
        }
    }
}

static void
sum_bytes (const int8_t *q, int64_t n, int32_t *y)
{
  for (int64_t i = 0; i < n; i += ESP_SCALED, y++)
    {
      int32_t sum = 0;

      for (int k = 0; k < ESP_SCALED; k++)
        sum += q[i + k];
      *y = sum;
    }
}

#define TEXT_(level) #level
#define TEXT(level)  TEXT_ (level)

const EspPanelKernels ESP_KERNEL (esp_panels_s8) = {
  .name = "int8 " TEXT (ESP_KERNEL_LEVEL),
  .operand = ESP_OPERAND_S8,
  .rows = ROWS,
  .cols = PANEL_COLS,
  .strips = 1,
  .depth = ESP_SCALED,
  .block_rows = 384,
  .block_cols = 128,
  .slab = 512,
  .turn = turn,
  .place = place,
  .quantise = quantise,
  .sum_bytes = sum_bytes,
  .offset = OFFSET,
  .multiply = multiply,
};
