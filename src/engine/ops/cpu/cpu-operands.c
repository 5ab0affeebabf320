/* SPDX-License-Identifier: MIT */
/* cpu-operands.c: see cpu-operands.h. */
#include "ops/cpu/cpu-operands.h"

#include "ops/cpu/kernels/blocks.h"

#include <omp.h>
#include <string.h>

static int
numbers_in_word (const EspPanelKernels *kernels)
{
  return kernels->operand == ESP_OPERAND_BF16 ? 2 : kernels->operand == ESP_OPERAND_S8 ? 4 : 1;
}

static int64_t
round_up (int64_t n, int64_t step)
{
  return (n + step - 1) / step * step;
}

/* Words of this many numbers of a row. */
static int64_t
words_of (const EspPanelKernels *kernels, int64_t numbers)
{
  return kernels->operand == ESP_OPERAND_SPLIT
             ? round_up (numbers, 32)
             : round_up (numbers, numbers_in_word (kernels)) / numbers_in_word (kernels);
}

int64_t
esp_cpu_panel_words (const EspPanelKernels *kernels, int64_t depth)
{
  return round_up (depth, kernels->depth) / numbers_in_word (kernels) * kernels->cols;
}

bool
esp_cpu_is_bf16 (const EspWeight *weight)
{
  return (weight->dtype == ESP_BF16 || weight->dtype == ESP_F8_E4M3 || weight->dtype == ESP_F8_E5M2)
         && (weight->scale == 0 || weight->scale == 1);
}

int
esp_block_group (EspDType dtype)
{
  switch (dtype)
    {
    case ESP_Q2_K:
    case ESP_Q3_K:
    case ESP_Q6_K:
      return 16;
    default:
      return esp_dtype_block (dtype) > 1 ? 32 : 0;
    }
}

bool
esp_block_affine (EspDType dtype)
{
  return dtype == ESP_Q4_1 || dtype == ESP_Q5_1 || dtype == ESP_Q2_K || dtype == ESP_Q4_K
         || dtype == ESP_Q5_K;
}

/* --- Weights -----------------------------------------------------------------------------------
 */

enum
{
  LEAST_GROUP = 16
};

size_t
esp_cpu_packer_bytes (const EspPanelKernels *kernels)
{
  size_t slab = (size_t) kernels->slab, groups = slab / LEAST_GROUP, cols = (size_t) kernels->cols;

  return cols
             * (slab * 4 / (size_t) numbers_in_word (kernels)
                + (2 * groups + slab / ESP_SCALED) * sizeof (float))
         + slab * (sizeof (float) + 1);
}

CpuPacker
esp_cpu_packer (const CpuDevice *cpu, const EspPanelKernels *kernels, char *memory)
{
  const int64_t groups = kernels->slab / LEAST_GROUP;
  CpuPacker packer = { .cpu = cpu, .kernels = kernels, .rows = memory };

  packer.scales
      = (float *) (void *) (memory + kernels->cols * kernels->slab * 4 / numbers_in_word (kernels));
  packer.minimums = packer.scales + groups * kernels->cols;
  packer.sums = packer.minimums + groups * kernels->cols;
  packer.wide = packer.sums + kernels->slab / ESP_SCALED * kernels->cols;
  packer.narrow = (int8_t *) (packer.wide + kernels->slab);
  return packer;
}

/* Some numbers of one output in f32, as the reference would have them. */
static void
widen (const CpuPacker *packer, const EspWeight *weight, const void *source, int64_t n, float *wide)
{
  const EspKernels *kernels = packer->cpu->kernels;
  int group = esp_block_group (weight->dtype);
  float *minimums = esp_block_affine (weight->dtype) ? packer->minimums : NULL;

  if (group > 0)
    {
      kernels->decode_blocks[weight->dtype](source, n, packer->narrow, packer->scales, minimums);
      kernels->expand_groups (packer->narrow, packer->scales, minimums, group, n, wide);
      if (weight->scale != 0 && weight->scale != 1)
        kernels->scale (weight->scale, n, wide);
    }
  else
    kernels->widen_weights (weight->dtype, source, weight->scale != 0 ? weight->scale : 1, n, wide);
}

/* Whether the file's numbers are operands as they are. */
static bool
is_operand (const CpuPacker *packer, const EspWeight *weight, int64_t numbers)
{
  if (weight->scale != 0 && weight->scale != 1)
    return false;
  if (packer->kernels->operand == ESP_OPERAND_BF16)
    return weight->dtype == ESP_BF16 && numbers % 2 == 0;
  return packer->kernels->operand == ESP_OPERAND_F32 && weight->dtype == ESP_F32;
}

static void
pack_floats (const CpuPacker *packer, const EspWeight *weight, const char *source, size_t step,
             int64_t count, int64_t numbers, uint32_t *words)
{
  const EspPanelKernels *kernels = packer->kernels;
  const int64_t n = words_of (kernels, numbers);
  const int group = esp_block_group (weight->dtype);
  const float *minimums = esp_block_affine (weight->dtype) ? packer->minimums : NULL;

  if (is_operand (packer, weight, numbers))
    {
      kernels->turn (source, (int64_t) step, count, n, words);
      return;
    }
  for (int64_t j = 0; j < count; j++, source += step)
    {
      char *row = packer->rows + j * n * 4;

      if (kernels->operand == ESP_OPERAND_F32)
        {
          widen (packer, weight, source, numbers, (float *) (void *) row);
          continue;
        }
      memset (row + (n - 1) * 4, 0, 4);
      if (group > 0 && (weight->scale == 0 || weight->scale == 1))
        {
          packer->cpu->kernels->decode_blocks[weight->dtype](
              (const uint8_t *) source, numbers, packer->narrow, packer->scales, packer->minimums);
          kernels->expand_groups (packer->narrow, packer->scales, minimums, group, numbers, row);
        }
      else if (kernels->operand == ESP_OPERAND_SPLIT)
        {
          widen (packer, weight, source, numbers, packer->wide);
          kernels->split (packer->wide, numbers, (uint32_t *) (void *) row);
        }
      else if (weight->dtype == ESP_BF16 && (weight->scale == 0 || weight->scale == 1))
        memcpy (row, source, (size_t) numbers * 2);
      else
        {
          widen (packer, weight, source, numbers, packer->wide);
          packer->cpu->kernels->narrow_bf16 (packer->wide, numbers, (uint16_t *) (void *) row);
        }
    }
  kernels->turn (packer->rows, n * 4, count, n, words);
}

/* The sums of each 32 numbers of one output, from its bytes, scales and minimums. */
static void
sum_groups (const CpuPacker *packer, const int8_t *q, int64_t numbers, int group,
            const float *scales, const float *minimums, float *sums)
{
  enum
  {
    AT_ONCE = 16
  };
  int32_t whole[AT_ONCE];

  for (int64_t i = 0; i < numbers / ESP_SCALED; i += AT_ONCE)
    {
      const int64_t left = numbers / ESP_SCALED - i, count = left < AT_ONCE ? left : AT_ONCE;

      if (group == ESP_SCALED)
        packer->kernels->sum_bytes (q + i * ESP_SCALED, count * ESP_SCALED, whole);
      for (int64_t k = 0; k < count; k++)
        if (group == ESP_SCALED)
          sums[i + k] = (float) whole[k] * scales[i + k]
                        + (minimums != NULL ? (float) group * minimums[i + k] : 0.0f);
        else
          {
            sums[i + k] = 0;
            for (int64_t g = (i + k) * 2; g < (i + k) * 2 + 2; g++)
              {
                int32_t half = 0;

                for (int b = 0; b < group; b++)
                  half += q[g * group + b];
                sums[i + k] += (float) half * scales[g]
                               + (minimums != NULL ? (float) group * minimums[g] : 0.0f);
              }
          }
    }
}

static void
pack_bytes (const CpuPacker *packer, const EspWeight *weight, const char *source, size_t step,
            int64_t count, int64_t numbers, uint32_t *words, float *scales, float *minimums,
            float *sums)
{
  const EspPanelKernels *kernels = packer->kernels;
  /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): formats in blocks have groups */
  const int64_t groups = numbers / esp_block_group (weight->dtype);
  const bool affine = esp_block_affine (weight->dtype);
  const EspDecodeBlocks decode = packer->cpu->kernels->decode_blocks[weight->dtype];

  for (int64_t j = 0; j < count; j++, source += step)
    decode ((const uint8_t *) source, numbers, (int8_t *) packer->rows + j * numbers,
            packer->scales + j * groups, packer->minimums + j * groups);
  kernels->turn (packer->rows, numbers, count, numbers / 4, words);
  if (kernels->offset == 128)
    for (int64_t i = 0; i < numbers / 4 * kernels->cols; i++)
      words[i] ^= 0x80808080u;
  if (weight->scale != 0 && weight->scale != 1)
    {
      packer->cpu->kernels->scale (weight->scale, count * groups, packer->scales);
      if (affine)
        packer->cpu->kernels->scale (weight->scale, count * groups, packer->minimums);
    }
  for (int64_t j = 0; sums != NULL && j < count; j++)
    sum_groups (packer, (const int8_t *) packer->rows + j * numbers, numbers,
                esp_block_group (weight->dtype), packer->scales + j * groups,
                affine ? packer->minimums + j * groups : NULL,
                packer->sums + j * (numbers / ESP_SCALED));
  if (sums != NULL)
    kernels->turn (packer->sums, numbers / ESP_SCALED * 4, count, numbers / ESP_SCALED,
                   (uint32_t *) (void *) sums);
  kernels->turn (packer->scales, groups * 4, count, groups, (uint32_t *) (void *) scales);
  if (affine)
    kernels->turn (packer->minimums, groups * 4, count, groups, (uint32_t *) (void *) minimums);
}

bool
esp_cpu_pack_panel (const CpuPacker *packer, const EspWeight *weight, int64_t in, int64_t first,
                    int64_t count, int64_t start, int64_t depth, bool check, uint32_t *words,
                    float *scales, float *minimums, float *sums)
{
  const EspPanelKernels *kernels = packer->kernels;
  const size_t step = esp_dtype_bytes (weight->dtype, in);
  const char *source = (const char *) weight->data + (size_t) first * step
                       + esp_dtype_bytes (weight->dtype, start);
  const int64_t numbers = depth < in - start ? depth : in - start;
  const int64_t filled = words_of (kernels, numbers) * kernels->cols;
  bool good = true;

  for (int64_t j = 0; check && good && j < count; j++)
    good = esp_find_non_finite (weight->dtype, source + (size_t) j * step, numbers) < 0;
  if (kernels->operand == ESP_OPERAND_S8)
    pack_bytes (packer, weight, source, step, count, numbers, words, scales, minimums, sums);
  else
    pack_floats (packer, weight, source, step, count, numbers, words);
  if (esp_cpu_panel_words (kernels, depth) > filled)
    memset (words + filled, 0,
            (size_t) (esp_cpu_panel_words (kernels, depth) - filled) * sizeof *words);
  return good;
}

/* --- Rows of x ---------------------------------------------------------------------------------
 */

int64_t
esp_cpu_range_row (const CpuRanges *ranges, int64_t r)
{
  return ranges->starts[r / ranges->rows] + r % ranges->rows;
}

typedef struct StripJob
{
  CpuDevice *cpu;
  const EspPanelKernels *kernels;
  const CpuRanges *x;
  CpuStrips *strips;
  uint32_t *words;
  float *scales, *totals;
  float *middles; /* or NULL */
  int32_t *offsets;
} StripJob;

/* One thread's memory for a row of x. */
typedef struct StripRow
{
  float *wide;
  uint32_t *words;
  float *scales, *middles;
  int32_t *sums;
} StripRow;

static void
place_scales (const StripJob *job, const StripRow *row, int64_t strip, int place)
{
  const int64_t rows = job->kernels->rows, group = job->strips->group;
  const EspStrips *strips = &job->strips->strips;
  float *scales = job->scales + strip * strips->scale_step + place;
  float *totals = job->totals + strip * strips->group_step + place;
  int32_t *offsets = job->offsets + strip * strips->group_step + place;

  for (int64_t i = 0; i < job->strips->depth / ESP_SCALED; i++)
    scales[i * rows] = row->scales[i];
  for (int64_t i = 0; job->middles != NULL && i < job->strips->depth / ESP_SCALED; i++)
    job->middles[strip * strips->scale_step + place + i * rows] = row->middles[i];
  for (int64_t i = 0; i < job->strips->depth / group; i++)
    {
      totals[i * rows] = (float) row->sums[i] * row->scales[i * group / ESP_SCALED];
      offsets[i * rows] = ESP_INTEGER_BITS - job->kernels->offset * row->sums[i];
    }
}

/* Row r of x, or zeros behind the last. */
static void
place_row (const StripJob *job, const StripRow *row, int64_t r)
{
  const EspPanelKernels *kernels = job->kernels;
  const EspKernels *plain = job->cpu->kernels;
  const int64_t in = job->x->view.cols, strip = r / kernels->rows;
  const int64_t words = job->strips->depth / numbers_in_word (kernels);
  const int place = (int) (r % kernels->rows);
  const uint32_t *source = row->words;

  if (r >= job->strips->rows)
    {
      memset (row->words, 0, (size_t) words * sizeof *row->words);
      if (kernels->operand == ESP_OPERAND_S8)
        {
          memset (row->scales, 0, (size_t) (job->strips->depth / ESP_SCALED) * sizeof (float));
          memset (row->middles, 0, (size_t) (job->strips->depth / ESP_SCALED) * sizeof (float));
          memset (row->sums, 0,
                  (size_t) (job->strips->depth / job->strips->group) * sizeof *row->sums);
          place_scales (job, row, strip, place);
        }
    }
  else
    {
      const int64_t at = esp_cpu_range_row (job->x, r);
      const EspTensor *x = &job->x->view;
      const uint16_t *halves = (const uint16_t *) x->data + at * x->stride;
      const float *wide = NULL;

      if (kernels->operand != ESP_OPERAND_BF16 || x->dtype == ESP_F32)
        wide = esp_cpu_row (job->cpu, x, at, 0, in, row->wide);
      if (kernels->operand == ESP_OPERAND_BF16)
        {
          row->words[words - 1] = 0;
          memset ((char *) row->words + in * 2, 0, (size_t) (words * 4 - in * 2));
          if (wide != NULL)
            plain->narrow_bf16 (wide, in, (uint16_t *) (void *) row->words);
          else
            memcpy (row->words, halves, (size_t) in * 2);
        }
      else if (kernels->operand == ESP_OPERAND_S8)
        {
          kernels->quantise (wide, in, job->strips->group, (int8_t *) row->words, row->scales,
                             row->sums, job->middles != NULL ? row->middles : NULL);
          place_scales (job, row, strip, place);
        }
      else if (kernels->operand == ESP_OPERAND_SPLIT)
        kernels->split (wide, in, row->words);
      else
        source = (const uint32_t *) (const void *) wide;
    }
  kernels->place (source, words, place, job->words + strip * job->strips->strips.word_step);
}

bool
esp_cpu_make_strips (CpuDevice *cpu, const EspPanelKernels *kernels, int group, bool middles,
                     const CpuRanges *x, CpuStrips *strips)
{
  const int64_t in = x->view.cols, rows = x->count * x->rows;
  const int64_t depth = round_up (in, kernels->depth);
  const int64_t count = round_up (rows, kernels->rows * kernels->strips) / kernels->rows;
  const bool bytes = kernels->operand == ESP_OPERAND_S8;
  const int64_t words = depth / numbers_in_word (kernels) * kernels->rows;
  const int64_t scales = bytes ? depth / ESP_SCALED * kernels->rows : 0;
  const int64_t groups = bytes ? depth / group * kernels->rows : 0;
  const int64_t own = round_up (
      depth * 4 + in * 4 + (bytes ? 2 * (depth / ESP_SCALED * 4) + depth / LEAST_GROUP * 4 : 0),
      64);
  const int team = esp_cpu_team (cpu, rows * in);
  StripJob job = { .cpu = cpu, .kernels = kernels, .x = x, .strips = strips };
  char *space = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) (own * team));

  job.words
      = esp_cpu_scratch (cpu, SCRATCH_OPERAND,
                         (size_t) (count * (words + 2 * scales + 2 * groups)) * sizeof *job.words);
  if (job.words == NULL || space == NULL)
    return false;
  job.scales = (float *) (void *) (job.words + count * words);
  job.totals = job.scales + count * scales;
  job.offsets = (int32_t *) (void *) (job.totals + count * groups);
  job.middles = bytes && middles ? (float *) (void *) (job.offsets + count * groups) : NULL;
  *strips = (CpuStrips){ .strips = { .words = job.words,
                                     .scales = job.scales,
                                     .offsets = job.offsets,
                                     .totals = job.totals,
                                     .middles = job.middles,
                                     .word_step = words,
                                     .scale_step = scales,
                                     .group_step = groups },
                         .rows = rows,
                         .depth = depth,
                         .group = group };
#pragma omp parallel for num_threads(team) schedule(static)
  for (int64_t strip = 0; strip < count; strip++)
    {
      char *memory = space + own * omp_get_thread_num ();
      StripRow row = { .wide = (float *) (void *) memory };

      row.words = (uint32_t *) (void *) (row.wide + in);
      row.scales = (float *) (void *) (row.words + depth);
      row.middles = row.scales + depth / ESP_SCALED;
      row.sums = (int32_t *) (void *) (row.middles + depth / ESP_SCALED);
      for (int64_t r = 0; r < kernels->rows; r++)
        place_row (&job, &row, strip * kernels->rows + r);
    }
  return true;
}

EspStrips
esp_cpu_strips_from (const EspPanelKernels *kernels, const CpuStrips *strips, int64_t strip,
                     int64_t start)
{
  EspStrips some = strips->strips;

  some.words += strip * some.word_step + start / numbers_in_word (kernels) * kernels->rows;
  if (kernels->operand != ESP_OPERAND_S8)
    return some;
  some.scales += strip * some.scale_step + start / ESP_SCALED * kernels->rows;
  if (some.middles != NULL)
    some.middles += strip * some.scale_step + start / ESP_SCALED * kernels->rows;
  some.totals += strip * some.group_step + start / strips->group * kernels->rows;
  some.offsets += strip * some.group_step + start / strips->group * kernels->rows;
  return some;
}
