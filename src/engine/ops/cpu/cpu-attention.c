/* SPDX-License-Identifier: MIT */
/* cpu-attention.c: attention block by block, so that the logits of only one block of queries by one
 * block of keys exist at a time in each thread.
 *
 * For each head: keys are packed as panels of tile_cols keys (depth-major), values as panels of
 * tile_cols columns (key-major), both read in order by the register tile. A task is one head's
 * block of rows: logits of KEYS keys, their softmax with the running maximum (the rows of the
 * result so far are rescaled when it rises), then times the values. Heads go in groups that fit a
 * bounded packing buffer. Every row's result depends on its own numbers only, so neither threads
 * nor grouping change it.
 */
#include "ops/cpu/cpu-attention.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum
{
  QUERIES = 96, /* at most; that and half of it are multiples of every level's tile_rows */
  KEYS = 256,   /* a multiple of every level's tile_cols */
};

/* Bytes of packed keys and values at once, if one head needs no more. */
#define GROUP_BYTES ((size_t) 64 << 20)

typedef struct Plan
{
  CpuDevice *cpu;
  const EspAttention *attention;
  int64_t queries, keys, depth;
  int64_t block;               /* queries of a task */
  int64_t panel;               /* tile_cols */
  int64_t key_panels, columns; /* keys and depth rounded up to panels, the first in panels */
  int64_t head_floats;         /* of one head's packed keys and values */
  int64_t thread_floats;
  float *packed, *threads;
} Plan;

static int64_t
round_up (int64_t n, int64_t step)
{
  return (n + step - 1) / step * step;
}

/* Columns of one head of a row, as f32. */
static const float *
head_row (const Plan *plan, const EspTensor *x, int64_t row, int64_t head, float *buffer)
{
  return esp_cpu_row (plan->cpu, x, row, head * plan->depth, plan->depth, buffer);
}

/* --- Packing -----------------------------------------------------------------------------------
 */

static void
pack_keys (const Plan *plan, int64_t head, int64_t panel, float *packed, float *rows)
{
  int64_t first = panel * plan->panel, count = plan->keys - first;

  count = count < plan->panel ? count : plan->panel;
  for (int64_t j = 0; j < count; j++)
    {
      float *row = rows + j * plan->depth;
      const float *source = head_row (plan, &plan->attention->k, first + j, head, row);
      if (source != row)
        memcpy (row, source, (size_t) plan->depth * sizeof *row);
    }
  plan->cpu->kernels->pack_transposed (rows, plan->depth, count, plan->depth,
                                       packed + first * plan->depth);
}

/* Keys [first, first + panel) of the values: column panel p of key j is at
 * packed[(p·keys + j)·panel]. */
static void
pack_values (const Plan *plan, int64_t head, int64_t panel, float *packed, float *buffer)
{
  int64_t first = panel * plan->panel, last = first + plan->panel;

  last = last < plan->keys ? last : plan->keys;
  for (int64_t j = first; j < last; j++)
    {
      const float *row = head_row (plan, &plan->attention->v, j, head, buffer);

      for (int64_t col = 0; col < plan->columns; col += plan->panel)
        {
          float *target = packed + (col / plan->panel * plan->keys + j) * plan->panel;
          int64_t count = plan->depth - col < plan->panel ? plan->depth - col : plan->panel;

          memcpy (target, row + col, (size_t) count * sizeof *row);
          memset (target + count, 0, (size_t) (plan->panel - count) * sizeof *row);
        }
    }
}

/* --- One block of queries ----------------------------------------------------------------------
 */

/* What a thread works in. */
typedef struct Block
{
  int64_t first, rows; /* queries */
  int64_t logit_stride;
  float *q, *logits, *result; /* [QUERIES, depth], [QUERIES, logit_stride], [QUERIES, columns] */
  float *maximum, *sum;       /* [QUERIES] */
} Block;

static Block
block_in (const Plan *plan, float *space)
{
  Block block = { .logit_stride = KEYS + 16 }; /* not a power of two: cache sets */

  block.q = space;
  block.logits = block.q + QUERIES * plan->depth;
  block.result = block.logits + QUERIES * block.logit_stride;
  block.maximum = block.result + QUERIES * plan->columns;
  block.sum = block.maximum + QUERIES;
  return block;
}

static int64_t
block_floats (const Plan *plan)
{
  int64_t floats = QUERIES * (plan->depth + KEYS + 16 + plan->columns + 2);
  int64_t packing = plan->panel * plan->depth;

  return round_up (floats > packing ? floats : packing, 16);
}

/* a [rows, depth] times panels of b, `count` of them at `b_step` floats from each other. */
static void
multiply_panels (const Plan *plan, int64_t rows, int64_t depth, const float *a, int64_t a_stride,
                 const float *b, int64_t b_step, int64_t count, bool accumulate, float *c,
                 int64_t c_stride)
{
  const EspKernels *kernels = plan->cpu->kernels;

  for (int64_t p = 0; p < count; p++)
    for (int64_t r = 0; r < rows; r += kernels->tile_rows)
      {
        int tile = rows - r < kernels->tile_rows ? (int) (rows - r) : kernels->tile_rows;

        /* The next panel's stretch that is this tile's share. */
        kernels->tile (tile, depth, a + r * a_stride, a_stride, b + p * b_step,
                       b + (p + 1) * b_step + r / kernels->tile_rows * 4 * depth, accumulate,
                       c + r * c_stride + p * plan->panel, c_stride);
      }
}

/* Softmax of the block's logits for keys [first, first + count). */
static void
soften (const Plan *plan, Block *block, int64_t head, int64_t first, int64_t count)
{
  const EspAttention *attention = plan->attention;
  const EspKernels *kernels = plan->cpu->kernels;

  for (int64_t r = 0; r < block->rows; r++)
    {
      float *row = block->logits + r * block->logit_stride;
      int64_t query = block->first + r, seen = count;
      const float *bias = NULL;

      if (attention->causal && query - first + 1 < count)
        seen = query - first + 1;
      if (seen <= 0)
        {
          memset (row, 0, (size_t) count * sizeof *row);
          continue;
        }
      if (attention->relative_bias != NULL)
        bias = attention->relative_bias + head * (plan->queries + plan->keys - 1)
               + (first - query + plan->queries - 1);
      float factor = kernels->softmax_piece (row, seen, attention->scale, bias, &block->maximum[r],
                                             &block->sum[r]);
      if (first > 0 && factor != 1.0f)
        kernels->scale (factor, plan->columns, block->result + r * plan->columns);
      memset (row + seen, 0, (size_t) (count - seen) * sizeof *row);
    }
}

static void
attend_block (const Plan *plan, int64_t head, int64_t first_query, const float *packed,
              float *space)
{
  const EspAttention *attention = plan->attention;
  const float *values = packed + plan->key_panels * plan->panel * plan->depth;
  Block block = block_in (plan, space);
  int64_t last_key = plan->keys;

  block.first = first_query;
  block.rows
      = plan->queries - first_query < plan->block ? plan->queries - first_query : plan->block;
  if (attention->causal)
    last_key = first_query + block.rows;
  for (int64_t r = 0; r < block.rows; r++)
    {
      float *row = block.q + r * plan->depth;
      const float *source = head_row (plan, &attention->q, first_query + r, head, row);

      if (source != row)
        memcpy (row, source, (size_t) plan->depth * sizeof *row);
      block.maximum[r] = -INFINITY;
      block.sum[r] = 0;
    }
  for (int64_t key = 0; key < last_key; key += KEYS)
    {
      int64_t count = plan->keys - key < KEYS ? plan->keys - key : KEYS;

      multiply_panels (plan, block.rows, plan->depth, block.q, plan->depth,
                       packed + key * plan->depth, plan->panel * plan->depth,
                       (count + plan->panel - 1) / plan->panel, false, block.logits,
                       block.logit_stride);
      soften (plan, &block, head, key, count);
      multiply_panels (plan, block.rows, count, block.logits, block.logit_stride,
                       values + key * plan->panel, plan->keys * plan->panel,
                       plan->columns / plan->panel, key > 0, block.result, plan->columns);
    }
  for (int64_t r = 0; r < block.rows; r++)
    {
      float *row = block.result + r * plan->columns;
      float *out = esp_cpu_row_out (&attention->out, first_query + r, head * plan->depth, row);

      plan->cpu->kernels->scale_add (1.0f / block.sum[r], row, 0.0f, plan->depth, out);
      esp_cpu_row_done (plan->cpu, &attention->out, first_query + r, head * plan->depth,
                        plan->depth, out);
    }
}

/* --- All heads ---------------------------------------------------------------------------------
 */

static void
attend_group (const Plan *plan, int64_t first_head, int64_t heads)
{
  int64_t blocks = (plan->queries + plan->block - 1) / plan->block;

#pragma omp parallel num_threads(plan->cpu->base.threads)
  {
    float *space = plan->threads + plan->thread_floats * omp_get_thread_num ();

#pragma omp for schedule(static)
    for (int64_t i = 0; i < heads * plan->key_panels; i++)
      {
        float *packed = plan->packed + i / plan->key_panels * plan->head_floats;

        pack_keys (plan, first_head + i / plan->key_panels, i % plan->key_panels, packed, space);
        pack_values (plan, first_head + i / plan->key_panels, i % plan->key_panels,
                     packed + plan->key_panels * plan->panel * plan->depth, space);
      }
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < heads * blocks; i++)
      attend_block (plan, first_head + i / blocks, i % blocks * plan->block,
                    plan->packed + i / blocks * plan->head_floats, space);
  }
}

static bool
check_attention (CpuDevice *cpu, const EspAttention *a)
{
  if (cpu->base.error.status != ESP_OK || !esp_cpu_check_same (cpu, "attention", &a->q, &a->out)
      || !esp_cpu_check_same (cpu, "attention", &a->k, &a->v))
    return false;
  if (a->heads > 0 && a->head_dim > 0 && a->q.cols == a->heads * a->head_dim
      && a->k.cols == a->q.cols && a->k.rows > 0 && (!a->causal || a->k.rows == a->q.rows))
    return true;
  esp_device_fail (&cpu->base, ESP_ERROR_ARGUMENT,
                   "attention: %lld × %lld queries and %lld × %lld keys do not fit %lld heads of "
                   "%lld%s",
                   (long long) a->q.rows, (long long) a->q.cols, (long long) a->k.rows,
                   (long long) a->k.cols, (long long) a->heads, (long long) a->head_dim,
                   a->causal ? ", causal" : "");
  return false;
}

void
esp_cpu_attention (EspDevice *device, const EspAttention *attention)
{
  CpuDevice *cpu = (CpuDevice *) device;
  Plan plan = { .cpu = cpu, .attention = attention };
  int64_t group;

  if (!check_attention (cpu, attention) || attention->q.rows == 0)
    return;
  if (cpu->matrix != NULL && device->compute == ESP_BF16 && !attention->precise)
    {
      esp_cpu_attention_matrix (cpu, attention);
      return;
    }
  plan.queries = attention->q.rows;
  plan.keys = attention->k.rows;
  plan.depth = attention->head_dim;
  /* A panel of keys that meets more queries is fetched less often; but every thread needs work. */
  plan.block
      = attention->heads * (plan.queries / QUERIES) >= 4 * device->threads ? QUERIES : QUERIES / 2;
  plan.panel = cpu->kernels->tile_cols;
  plan.key_panels = (plan.keys + plan.panel - 1) / plan.panel;
  plan.columns = round_up (plan.depth, plan.panel);
  plan.head_floats
      = round_up (plan.key_panels * plan.panel * plan.depth + plan.keys * plan.columns, 16);
  plan.thread_floats = block_floats (&plan);
  group = (int64_t) (GROUP_BYTES / sizeof (float)) / plan.head_floats;
  group = group < 1 ? 1 : group < attention->heads ? group : attention->heads;
  plan.packed = esp_cpu_scratch (cpu, SCRATCH_ATTENTION,
                                 (size_t) (group * plan.head_floats) * sizeof (float));
  plan.threads = esp_cpu_scratch (
      cpu, SCRATCH_THREADS, (size_t) (cpu->base.threads * plan.thread_floats) * sizeof (float));
  if (plan.packed == NULL || plan.threads == NULL)
    return;
  for (int64_t head = 0; head < attention->heads; head += group)
    attend_group (&plan, head, attention->heads - head < group ? attention->heads - head : group);
}
