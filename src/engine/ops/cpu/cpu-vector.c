/* SPDX-License-Identifier: MIT */
/* cpu-vector.c: linear layers of a few rows (timestep, guidance, text and modulation layers): dot
 * products with the mapped file as it is, near what reading it takes; nothing is ever packed for
 * them. What is not f32 or bf16 is brought into f32 a stretch at a time, in the first cache, once
 * for all rows; neither it nor x is rounded.
 */
#include "ops/cpu/cpu-linear.h"
#include "ops/cpu/kernels/blocks.h"

#include <string.h>

enum
{
  STRETCH = 4096, /* numbers of an output that are widened at once */
  LEAST_GROUP = 16,
  GROUPS = STRETCH / LEAST_GROUP,
};

typedef struct VectorPart
{
  const EspWeight *weight;
  int64_t rows, in, out; /* out: of this part */
  const float *x;        /* [rows, in] */
  float *y;              /* [rows, y_stride], at this part's columns */
  int64_t y_stride;
  bool check;
} VectorPart;

static bool
is_aligned (const void *data, size_t size)
{
  return (uintptr_t) data % size == 0;
}

/* n numbers from `source` on, in f32. */
static void
widen_stretch (const CpuDevice *cpu, const EspWeight *weight, const char *source, int64_t n,
               float *wide)
{
  const bool plain = weight->scale == 0 || weight->scale == 1;
  const int group = esp_block_group (weight->dtype);
  float scales[GROUPS], minimums[GROUPS];
  int8_t q[STRETCH];

  if (group == 0)
    {
      cpu->kernels->widen_weights (weight->dtype, source, plain ? 1 : weight->scale, n, wide);
      return;
    }
  cpu->kernels->decode_blocks[weight->dtype]((const uint8_t *) source, n, q, scales, minimums);
  cpu->kernels->expand_groups (q, scales, esp_block_affine (weight->dtype) ? minimums : NULL, group,
                               n, wide);
  if (!plain)
    cpu->kernels->scale (weight->scale, n, wide);
}

/* One output for all rows. */
static void
one_output (const CpuDevice *cpu, const VectorPart *part, const char *row, int64_t out)
{
  const EspWeight *weight = part->weight;
  const bool plain = weight->scale == 0 || weight->scale == 1;
  const bool narrow = plain && weight->dtype == ESP_BF16 && is_aligned (row, 2);
  const bool ready = plain && weight->dtype == ESP_F32 && is_aligned (row, 4);
  float wide[STRETCH];

  for (int64_t start = 0; start < part->in; start += STRETCH)
    {
      int64_t n = part->in - start < STRETCH ? part->in - start : STRETCH;
      const char *source = row + esp_dtype_bytes (weight->dtype, start);
      const float *w = ready ? (const float *) (const void *) source : wide;

      if (!ready && !narrow)
        widen_stretch (cpu, weight, source, n, wide);
      for (int64_t i = 0; i < part->rows; i++)
        {
          const float *x = part->x + i * part->in + start;
          float *y = &part->y[i * part->y_stride + out];
          float sum = narrow
                          ? cpu->kernels->dot_bf16 (x, (const uint16_t *) (const void *) source, n)
                          : cpu->kernels->dot (x, w, n);

          *y = start > 0 ? *y + sum : sum;
        }
    }
}

/* Outputs [first, last) of a part: each is read once for all rows. False if one has NaN or
 * infinity. */
static bool
vector_outputs (const CpuDevice *cpu, const VectorPart *part, int64_t first, int64_t last)
{
  const size_t step = esp_dtype_bytes (part->weight->dtype, part->in);
  bool good = true;

  for (int64_t out = first; out < last; out++)
    {
      const char *row = (const char *) part->weight->data + (size_t) out * step;

      if (part->check && good)
        good = esp_find_non_finite (part->weight->dtype, row, part->in) < 0;
      one_output (cpu, part, row, out);
    }
  return good;
}

static void
multiply_part (CpuDevice *cpu, const VectorPart *part)
{
  const int team = esp_cpu_team (cpu, part->weight->count);
  bool good = true;

#pragma omp parallel for num_threads(team) schedule(static) reduction(&& : good)
  for (int member = 0; member < team; member++)
    good = vector_outputs (cpu, part, part->out * member / team, part->out * (member + 1) / team);
  if (!good)
    esp_cpu_report_non_finite (cpu, part->weight);
}

static void
finish_rows (CpuDevice *cpu, const float *result, const EspLinear *linear,
             const EspEpilogue *epilogue, const EspTensor *y, float *spare)
{
  const CpuLinear *prepared = linear->prepared;

  for (int64_t i = 0; i < y->rows; i++)
    {
      float *out = esp_cpu_row_out (y, i, 0, spare);

      if (out == spare && epilogue->accumulate)
        esp_cpu_row (cpu, y, i, 0, linear->out, spare);
      cpu->kernels->finish_row (result + i * linear->out, prepared->bias, epilogue->activation,
                                epilogue->gate, epilogue->accumulate, linear->out, out);
      esp_cpu_row_done (cpu, y, i, 0, linear->out, out);
    }
}

void
esp_cpu_vector_linear (CpuDevice *cpu, const EspTensor *x, const EspLinear *linear,
                       const EspEpilogue *epilogue, const EspTensor *y)
{
  CpuLinear *prepared = linear->prepared;
  const int64_t in = linear->in, groups = in / LEAST_GROUP + 1;
  float *exact
      = esp_cpu_scratch (cpu, SCRATCH_OPERAND, (size_t) (x->rows * (in + groups)) * sizeof *exact);
  float *result = esp_cpu_scratch (cpu, SCRATCH_RESULT,
                                   (size_t) ((x->rows + 1) * linear->out) * sizeof *result);
  int64_t first = 0;

  if (exact == NULL || result == NULL)
    return;
  for (int64_t i = 0; i < x->rows; i++)
    {
      const float *row = esp_cpu_row (cpu, x, i, 0, in, exact + i * in);

      if (row != exact + i * in)
        memcpy (exact + i * in, row, (size_t) in * sizeof *row);
    }
  for (int p = 0; p < linear->parts && cpu->base.error.status == ESP_OK; p++)
    {
      const EspWeight *weight = linear->weight[p];
      VectorPart part = { weight, x->rows,        in,          weight->count / in,
                          exact,  result + first, linear->out, !prepared->checked[p] };

      multiply_part (cpu, &part);
      prepared->checked[p] = true;
      first += part.out;
    }
  if (cpu->base.error.status == ESP_OK)
    finish_rows (cpu, result, linear, epilogue, y, result + x->rows * linear->out);
}
