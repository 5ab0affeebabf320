/* SPDX-License-Identifier: MIT */
/* cpu-attention-matrix.c: attention in bf16 on the processor's matrix unit. The plan is that of
 * cpu-attention.c with other packing: keys as panels of their transpose, values as panels as they
 * lie, queries and the softmax's results in strips (kernels/matrix.h).
 */
#include "ops/cpu/cpu-attention.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum
{
  QUERIES = 128, /* rows of a task, a multiple of 32 */
  KEYS = 512,    /* at a time, a multiple of 32 */
};

#define GROUP_BYTES ((size_t) 64 << 20) /* of packed keys and values */

typedef struct MatrixPlan
{
  CpuDevice *cpu;
  const EspAttention *attention;
  int64_t queries, keys, depth;
  int64_t depth_tiles, key_tiles; /* in tiles of 32 */
  int64_t head_size;              /* elements of one head's packed keys; values take as many */
  int64_t thread_bytes;
  uint16_t *packed;
  char *threads;
} MatrixPlan;

/* What a thread works in. */
typedef struct MatrixBlock
{
  int64_t first, rows;         /* queries */
  float *logits, *result;      /* [QUERIES, KEYS], [QUERIES, depth_tiles·32] */
  float *maximum, *sum;        /* [QUERIES] */
  uint16_t *queries, *weights; /* strips: [QUERIES, depth], [QUERIES, KEYS] */
  uint16_t *rows_bf16;         /* [32, depth] while packing */
} MatrixBlock;

static int64_t
divide_up (int64_t n, int64_t step)
{
  return (n + step - 1) / step;
}

static MatrixBlock
block_in (const MatrixPlan *plan, char *space)
{
  MatrixBlock block = { .first = 0 };

  block.logits = (float *) (void *) space;
  block.result = block.logits + QUERIES * KEYS;
  block.maximum = block.result + QUERIES * plan->depth_tiles * 32;
  block.sum = block.maximum + QUERIES;
  block.queries = (uint16_t *) (void *) (block.sum + QUERIES);
  block.weights = block.queries + QUERIES * plan->depth_tiles * 32;
  block.rows_bf16 = block.weights + QUERIES * KEYS;
  return block;
}

static int64_t
block_bytes (const MatrixPlan *plan)
{
  int64_t floats = QUERIES * (KEYS + plan->depth_tiles * 32 + 2);
  int64_t narrow = QUERIES * (KEYS + plan->depth_tiles * 32) + 32 * plan->depth_tiles * 32;

  return divide_up (floats * 4 + narrow * 2, 64) * 64;
}

/* --- Packing -----------------------------------------------------------------------------------
 */

/* Rows [first, first + count) of one head as bf16: where they are, or narrowed into `buffer`. */
static const uint16_t *
head_rows (const MatrixPlan *plan, const EspTensor *x, int64_t first, int64_t count, int64_t head,
           uint16_t *buffer, int64_t *stride)
{
  int64_t offset = first * x->stride + head * plan->depth;

  *stride = x->stride;
  if (x->dtype == ESP_BF16)
    return (const uint16_t *) x->data + offset;
  *stride = plan->depth;
  for (int64_t j = 0; j < count; j++)
    plan->cpu->kernels->narrow_bf16 ((const float *) x->data + offset + j * x->stride, plan->depth,
                                     buffer + j * plan->depth);
  return buffer;
}

/* 32 keys and their values of one head. */
static void
pack_keys (const MatrixPlan *plan, int64_t head, int64_t tile, uint16_t *packed, uint16_t *buffer)
{
  const EspMatrixKernels *matrix = plan->cpu->matrix;
  int64_t first = tile * 32, stride;
  int64_t count = plan->keys - first < 32 ? plan->keys - first : 32;
  const uint16_t *rows = head_rows (plan, &plan->attention->k, first, count, head, buffer, &stride);

  matrix->pack_transposed (rows, stride, count, plan->depth,
                           packed + tile * plan->depth_tiles * 2 * ESP_MATRIX_TILE);
  rows = head_rows (plan, &plan->attention->v, first, count, head, buffer, &stride);
  for (int64_t col = 0; col < plan->depth_tiles; col++)
    matrix->pack_plain (
        rows + col * 32, stride, plan->depth - col * 32 < 32 ? plan->depth - col * 32 : 32, count,
        packed + plan->head_size + (col * plan->key_tiles + tile) * 2 * ESP_MATRIX_TILE);
}

/* --- One block of queries ----------------------------------------------------------------------
 */

/* Softmax of the logits of keys [first, first + count), and their placing in strips. */
static void
soften (const MatrixPlan *plan, MatrixBlock *block, int64_t head, int64_t first, int64_t count)
{
  const EspAttention *attention = plan->attention;
  const EspKernels *kernels = plan->cpu->kernels;
  int64_t columns = plan->depth_tiles * 32, padded = divide_up (count, 32) * 32;
  int64_t strip_size = padded * ESP_MATRIX_STRIP;

  for (int64_t r = 0; r < divide_up (block->rows, 32) * 32; r++)
    {
      float *row = block->logits + r * KEYS;
      int64_t query = block->first + r, seen = r < block->rows ? count : 0;
      const float *bias = NULL;

      if (attention->causal && query - first + 1 < seen)
        seen = query - first + 1 > 0 ? query - first + 1 : 0;
      if (attention->relative_bias != NULL && seen > 0)
        bias = attention->relative_bias + head * (plan->queries + plan->keys - 1)
               + (first - query + plan->queries - 1);
      if (seen > 0)
        {
          float factor = kernels->softmax_piece (row, seen, attention->scale, bias,
                                                 &block->maximum[r], &block->sum[r]);
          if (first > 0 && factor != 1.0f)
            kernels->scale (factor, columns, block->result + r * columns);
        }
      memset (row + seen, 0, (size_t) (padded - seen) * sizeof *row);
      plan->cpu->matrix->place_row (row, padded, (int) (r % ESP_MATRIX_STRIP),
                                    block->weights + r / ESP_MATRIX_STRIP * strip_size);
    }
}

static void
begin_block (const MatrixPlan *plan, int64_t head, int64_t first_query, MatrixBlock *block)
{
  int64_t strip_size = plan->depth_tiles * ESP_MATRIX_TILE, stride;

  block->first = first_query;
  block->rows = plan->queries - first_query < QUERIES ? plan->queries - first_query : QUERIES;
  memset (block->queries, 0,
          (size_t) (QUERIES / ESP_MATRIX_STRIP * strip_size) * sizeof (uint16_t));
  for (int64_t r = 0; r < block->rows; r++)
    {
      const uint16_t *row = head_rows (plan, &plan->attention->q, first_query + r, 1, head,
                                       block->rows_bf16, &stride);

      plan->cpu->matrix->place_row_bf16 (row, plan->depth, (int) (r % ESP_MATRIX_STRIP),
                                         block->queries + r / ESP_MATRIX_STRIP * strip_size);
      block->maximum[r] = -INFINITY;
      block->sum[r] = 0;
    }
}

static void
attend_block (const MatrixPlan *plan, int64_t head, int64_t first_query, const uint16_t *packed,
              char *space)
{
  const EspMatrixKernels *matrix = plan->cpu->matrix;
  const EspAttention *attention = plan->attention;
  MatrixBlock block = block_in (plan, space);
  int64_t last_key = plan->keys, columns = plan->depth_tiles * 32, pairs;

  begin_block (plan, head, first_query, &block);
  pairs = divide_up (block.rows, 32);
  if (attention->causal)
    last_key = first_query + block.rows;
  for (int64_t key = 0; key < last_key; key += KEYS)
    {
      int64_t count = plan->keys - key < KEYS ? plan->keys - key : KEYS;
      int64_t tiles = divide_up (count, 32);

      for (int64_t tile = 0; tile < tiles; tile++)
        matrix->multiply (pairs, plan->depth_tiles, block.queries,
                          plan->depth_tiles * ESP_MATRIX_TILE,
                          packed + (key / 32 + tile) * plan->depth_tiles * 2 * ESP_MATRIX_TILE,
                          false, block.logits + tile * 32, KEYS);
      soften (plan, &block, head, key, count);
      for (int64_t col = 0; col < plan->depth_tiles; col++)
        matrix->multiply (pairs, tiles, block.weights, tiles * ESP_MATRIX_TILE,
                          packed + plan->head_size
                              + (col * plan->key_tiles + key / 32) * 2 * ESP_MATRIX_TILE,
                          key > 0, block.result + col * 32, columns);
    }
  for (int64_t r = 0; r < block.rows; r++)
    {
      float *row = block.result + r * columns;
      float *out = esp_cpu_row_out (&attention->out, first_query + r, head * plan->depth, row);

      plan->cpu->kernels->scale_add (1.0f / block.sum[r], row, 0.0f, plan->depth, out);
      esp_cpu_row_done (plan->cpu, &attention->out, first_query + r, head * plan->depth,
                        plan->depth, out);
    }
}

/* --- All heads ---------------------------------------------------------------------------------
 */

static void
attend_group (const MatrixPlan *plan, int64_t first_head, int64_t heads)
{
  int64_t blocks = divide_up (plan->queries, QUERIES);

#pragma omp parallel num_threads(plan->cpu->base.threads)
  {
    char *space = plan->threads + plan->thread_bytes * omp_get_thread_num ();
    uint16_t *buffer = block_in (plan, space).rows_bf16;

#pragma omp for schedule(static)
    for (int64_t i = 0; i < heads * plan->key_tiles; i++)
      pack_keys (plan, first_head + i / plan->key_tiles, i % plan->key_tiles,
                 plan->packed + i / plan->key_tiles * 2 * plan->head_size, buffer);
    plan->cpu->matrix->begin ();
#pragma omp for schedule(dynamic) nowait
    for (int64_t i = 0; i < heads * blocks; i++)
      attend_block (plan, first_head + i / blocks, i % blocks * QUERIES,
                    plan->packed + i / blocks * 2 * plan->head_size, space);
    plan->cpu->matrix->end ();
  }
}

void
esp_cpu_attention_matrix (CpuDevice *cpu, const EspAttention *attention)
{
  MatrixPlan plan = { .cpu = cpu, .attention = attention };
  int64_t group;

  plan.queries = attention->q.rows;
  plan.keys = attention->k.rows;
  plan.depth = attention->head_dim;
  plan.depth_tiles = divide_up (plan.depth, 32);
  plan.key_tiles = divide_up (plan.keys, 32);
  plan.head_size = plan.key_tiles * plan.depth_tiles * 2 * ESP_MATRIX_TILE;
  plan.thread_bytes = block_bytes (&plan);
  group = (int64_t) GROUP_BYTES / (plan.head_size * 4);
  group = group < 1 ? 1 : group < attention->heads ? group : attention->heads;
  plan.packed = esp_cpu_scratch (cpu, SCRATCH_ATTENTION,
                                 (size_t) (group * 2 * plan.head_size) * sizeof (uint16_t));
  plan.threads
      = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) (cpu->base.threads * plan.thread_bytes));
  if (plan.packed == NULL || plan.threads == NULL)
    return;
  for (int64_t head = 0; head < attention->heads; head += group)
    attend_group (&plan, head, attention->heads - head < group ? attention->heads - head : group);
}
