/* SPDX-License-Identifier: MIT */
/* cpu-panels.c: see cpu-panels.h. */
#include "ops/cpu/cpu-panels.h"

#include "ops/cpu/cpu-linear.h"
#include "ops/cpu/cpu-operands.h"
#include "ops/cpu/kernels/blocks.h"

#include <omp.h>
#include <string.h>

enum
{
  COLS_MAX = 1024,          /* of a block */
  STRIPS_BYTES = 128 << 20, /* of x's operands made at once */
  KEEP_AT_MOST = 2 << 20,   /* numbers of a layer whose panels are kept */
  STRIPS_ROWS_LEAST = 1024, /* but at least this many rows */
};

static int64_t
divide_up (int64_t n, int64_t step)
{
  return (n + step - 1) / step;
}

/* The size of equal blocks, a multiple of `unit` and at most `largest` rounded up to one. */
static int64_t
block_size (int64_t n, int64_t largest, int64_t unit)
{
  return divide_up (divide_up (n, divide_up (n, largest)), unit) * unit;
}

const EspPanelKernels *
esp_cpu_panels_for (const CpuDevice *cpu, const EspLinear *linear, EspDType dtype, int64_t rows)
{
  if (linear->precise)
    return cpu->precise_panels;
  return esp_block_group (dtype) > 0 && rows >= ESP_CPU_BYTES_ROWS ? cpu->block_panels
                                                                   : cpu->float_panels;
}

/* Parts that are multiplied in one go: their operands of x are the same. */
static bool
same_operands (const CpuDevice *cpu, const EspLinear *linear, const EspWeight *a,
               const EspWeight *b, int64_t rows)
{
  const EspPanelKernels *kernels = esp_cpu_panels_for (cpu, linear, a->dtype, rows);

  return kernels == esp_cpu_panels_for (cpu, linear, b->dtype, rows)
         && (kernels->operand != ESP_OPERAND_S8
             || esp_block_group (a->dtype) == esp_block_group (b->dtype));
}

/* --- Multiplying -------------------------------------------------------------------------------
 */

typedef struct PanelJob
{
  CpuDevice *cpu;
  const EspPanelKernels *kernels;
  const EspLinear *linear;
  CpuLinear *prepared;
  const CpuStrips *strips;
  const EspEpilogue *epilogue;
  const CpuRanges *y;
  int64_t row_step, col_step, row_blocks;
  int bad; /* 1 + a part that has NaN or infinity */
} PanelJob;

/* Some columns of y, of one part. */
typedef struct PanelBlock
{
  int part;
  int64_t first_col; /* of y: where the part begins */
  const uint32_t *kept;
  int64_t row, rows, col, cols; /* col: of the part */
} PanelBlock;

/* One thread's memory. */
typedef struct PanelThread
{
  float *sums;
  uint32_t *words;
  float *scales, *minimums, *sums_of; /* a panel's; the last: EspPanel.sums */
  CpuPacker packer;
} PanelThread;

static size_t
thread_bytes (const EspPanelKernels *kernels, int64_t block)
{
  size_t groups = (size_t) (kernels->slab / 16 * kernels->cols);
  size_t bytes = (size_t) block * sizeof (float)
                 + (size_t) esp_cpu_panel_words (kernels, kernels->slab) * sizeof (uint32_t)
                 + 3 * groups * sizeof (float) + esp_cpu_packer_bytes (kernels);

  return (bytes + 4095) / 4096 * 4096;
}

static PanelThread
thread_memory (const CpuDevice *cpu, const EspPanelKernels *kernels, int64_t block, char *memory)
{
  PanelThread thread = { .sums = (float *) (void *) memory };

  thread.words = (uint32_t *) (void *) (thread.sums + block);
  thread.scales = (float *) (void *) (thread.words + esp_cpu_panel_words (kernels, kernels->slab));
  thread.minimums = thread.scales + kernels->slab / 16 * kernels->cols;
  thread.sums_of = thread.minimums + kernels->slab / 16 * kernels->cols;
  thread.packer = esp_cpu_packer (cpu, kernels,
                                  (char *) (thread.sums_of + kernels->slab / 16 * kernels->cols));
  return thread;
}

static void
finish_block (const PanelJob *job, const PanelBlock *block, const float *sums)
{
  const EspEpilogue *epilogue = job->epilogue;
  const CpuDevice *cpu = job->cpu;
  const int64_t col = block->first_col + block->col;
  const float *bias = job->prepared->bias, *gate = epilogue->gate;
  float spare[COLS_MAX];

  for (int64_t r = 0; r < block->rows; r++)
    {
      int64_t target = esp_cpu_range_row (job->y, block->row + r);
      float *out = esp_cpu_row_out (&job->y->view, target, col, spare);

      if (out == spare && epilogue->accumulate)
        esp_cpu_row (cpu, &job->y->view, target, col, block->cols, spare);
      cpu->kernels->finish_row (sums + r * job->col_step, bias != NULL ? bias + col : NULL,
                                epilogue->activation, gate != NULL ? gate + col : NULL,
                                epilogue->accumulate, block->cols, out);
      esp_cpu_row_done (cpu, &job->y->view, target, col, block->cols, out);
    }
}

/* The panel of columns from `col` and depth from `start` on: kept or made now. */
static EspPanel
panel_at (PanelJob *job, const PanelBlock *block, const PanelThread *thread, int64_t col,
          int64_t start, int64_t depth)
{
  const EspPanelKernels *kernels = job->kernels;
  const EspWeight *weight = job->linear->weight[block->part];
  const int64_t in = job->linear->in, out = weight->count / in;
  EspPanel panel = { .words = thread->words,
                     .scales = thread->scales,
                     .minimums = esp_block_affine (weight->dtype) ? thread->minimums : NULL,
                     .sums = job->strips->strips.middles != NULL ? thread->sums_of : NULL,
                     .group = job->strips->group,
                     .high_only = esp_cpu_is_bf16 (weight) };

  if (block->kept != NULL)
    {
      panel.words = block->kept
                    + col / kernels->cols * esp_cpu_panel_words (kernels, job->strips->depth)
                    + esp_cpu_panel_words (kernels, start);
      return panel;
    }
  if (!esp_cpu_pack_panel (&thread->packer, weight, in, col,
                           out - col < kernels->cols ? out - col : kernels->cols, start, depth,
                           !job->prepared->checked[block->part], thread->words, thread->scales,
                           thread->minimums, panel.sums != NULL ? thread->sums_of : NULL))
    {
#pragma omp atomic write
      job->bad = 1 + block->part;
    }
  return panel;
}

static void
make_block (PanelJob *job, const PanelBlock *block, const PanelThread *thread)
{
  const EspPanelKernels *kernels = job->kernels;
  const int64_t depth = job->strips->depth, unit = kernels->rows * kernels->strips;
  const int64_t strips = divide_up (block->rows, unit) * kernels->strips;

  for (int64_t start = 0; start < depth; start += kernels->slab)
    {
      int64_t some = depth - start < kernels->slab ? depth - start : kernels->slab;
      EspStrips left
          = esp_cpu_strips_from (kernels, job->strips, block->row / kernels->rows, start);

      for (int64_t c = 0; c < block->cols; c += kernels->cols)
        {
          EspPanel panel = panel_at (job, block, thread, block->col + c, start, some);

          kernels->multiply (strips, some, &left, &panel, start > 0, thread->sums + c,
                             job->col_step);
        }
    }
  finish_block (job, block, thread->sums);
}

/* Block `index` of parts [part, end). False behind the last. */
static bool
block_at (const PanelJob *job, int part, int end, int64_t index, PanelBlock *block)
{
  int64_t first = 0;

  *block = (PanelBlock){ .kept = job->prepared->kept };
  for (int p = 0; p < end; p++)
    {
      int64_t out = job->linear->weight[p]->count / job->linear->in;
      int64_t blocks = p < part ? 0 : divide_up (out, job->col_step) * job->row_blocks;

      if (index < blocks)
        {
          block->part = p;
          block->first_col = first;
          block->col = index / job->row_blocks * job->col_step;
          block->cols = out - block->col < job->col_step ? out - block->col : job->col_step;
          block->row = index % job->row_blocks * job->row_step;
          block->rows = job->strips->rows - block->row < job->row_step
                            ? job->strips->rows - block->row
                            : job->row_step;
          return true;
        }
      index -= blocks;
      first += out;
      if (block->kept != NULL)
        block->kept += divide_up (out, job->kernels->cols)
                       * esp_cpu_panel_words (job->kernels, job->strips->depth);
    }
  return false;
}

static int64_t
count_blocks (const PanelJob *job, int part, int end)
{
  int64_t blocks = 0;

  for (int p = part; p < end; p++)
    blocks += divide_up (job->linear->weight[p]->count / job->linear->in, job->col_step)
              * job->row_blocks;
  return blocks;
}

/* Blocks as large as the kernels want them, but enough that every thread has work. */
static void
choose_blocks (PanelJob *job, int part, int end)
{
  const EspPanelKernels *kernels = job->kernels;
  const int64_t unit = kernels->rows * kernels->strips, rows = job->strips->rows;
  int64_t widest = 0;

  for (int p = part; p < end; p++)
    if (job->linear->weight[p]->count / job->linear->in > widest)
      widest = job->linear->weight[p]->count / job->linear->in;
  job->row_step = block_size (rows, kernels->block_rows, unit);
  job->col_step = block_size (widest, kernels->block_cols, kernels->cols);
  for (;;)
    {
      job->row_blocks = divide_up (rows, job->row_step);
      if (count_blocks (job, part, end) >= 4 * job->cpu->base.threads
          || (job->col_step == kernels->cols && job->row_step <= 2 * unit))
        return;
      if (job->col_step > kernels->cols)
        job->col_step = block_size (job->col_step, job->col_step / 2, kernels->cols);
      else
        job->row_step = block_size (job->row_step, job->row_step / 2, unit);
    }
}

/* Parts [part, end) for rows whose operands are ready. */
static void
multiply_parts (PanelJob *job, int part, int end)
{
  const EspPanelKernels *kernels = job->kernels;
  const int team = esp_cpu_team (job->cpu, job->strips->rows * job->linear->in * 8);
  int64_t blocks, block;
  size_t own;
  char *memory;

  choose_blocks (job, part, end);
  blocks = count_blocks (job, part, end);
  block = job->row_step * job->col_step;
  own = thread_bytes (kernels, block);
  memory = esp_cpu_scratch (job->cpu, SCRATCH_THREADS, own * (size_t) team);
  if (memory == NULL)
    return;
#pragma omp parallel num_threads(team)
  {
    PanelThread thread
        = thread_memory (job->cpu, kernels, block, memory + own * (size_t) omp_get_thread_num ());

    if (kernels->begin != NULL)
      kernels->begin ();
#pragma omp for schedule(dynamic) nowait
    for (int64_t index = 0; index < blocks; index++)
      {
        PanelBlock some;

        if (block_at (job, part, end, index, &some))
          make_block (job, &some, &thread);
      }
    if (kernels->end != NULL)
      kernels->end ();
  }
  if (job->bad > 0)
    esp_cpu_report_non_finite (job->cpu, job->linear->weight[job->bad - 1]);
  for (int p = part; p < end; p++)
    job->prepared->checked[p] = true;
}

static void
linear_at_once (CpuDevice *cpu, const CpuRanges *x, int64_t range_rows, const EspLinear *linear,
                const EspEpilogue *epilogue, const CpuRanges *y)
{
  int end = 0;

  for (int part = 0; part < linear->parts && cpu->base.error.status == ESP_OK; part = end)
    {
      const EspWeight *weight = linear->weight[part];
      CpuStrips strips;
      PanelJob job = { .cpu = cpu,
                       .kernels = esp_cpu_panels_for (cpu, linear, weight->dtype, range_rows),
                       .linear = linear,
                       .prepared = linear->prepared,
                       .strips = &strips,
                       .epilogue = epilogue,
                       .y = y };

      for (end = part + 1; end < linear->parts; end++)
        if (!same_operands (cpu, linear, weight, linear->weight[end], range_rows))
          break;
      if (esp_cpu_make_strips (cpu, job.kernels, esp_block_group (weight->dtype), linear->one_sided,
                               x, &strips))
        multiply_parts (&job, part, end);
    }
}

void
esp_cpu_panels_linear (CpuDevice *cpu, const CpuRanges *x, const EspLinear *linear,
                       const EspEpilogue *epilogue, const CpuRanges *y)
{
  int64_t most = STRIPS_BYTES / ((int64_t) sizeof (float) * linear->in);

  most = most > STRIPS_ROWS_LEAST ? most : STRIPS_ROWS_LEAST;
  if (x->count * x->rows <= most)
    {
      linear_at_once (cpu, x, x->rows, linear, epilogue, y);
      return;
    }
  for (int64_t i = 0; i < x->count; i++)
    for (int64_t row = 0; row < x->rows && cpu->base.error.status == ESP_OK; row += most)
      {
        const int64_t from = x->starts[i] + row, to = y->starts[i] + row;
        const int64_t rows = x->rows - row < most ? x->rows - row : most;
        const CpuRanges some_x = { x->view, 1, rows, &from }, some_y = { y->view, 1, rows, &to };

        linear_at_once (cpu, &some_x, x->rows, linear, epilogue, &some_y);
      }
}

/* --- Keeping -----------------------------------------------------------------------------------
 */

static void
keep_part (CpuDevice *cpu, const EspLinear *linear, int part, uint32_t *kept)
{
  const EspWeight *weight = linear->weight[part];
  const EspPanelKernels *kernels = esp_cpu_panels_for (cpu, linear, weight->dtype, 1);
  CpuLinear *prepared = linear->prepared;
  const int64_t in = linear->in, out = weight->count / in;
  const int64_t panels = divide_up (out, kernels->cols);
  const int64_t words = esp_cpu_panel_words (kernels, in);
  const int64_t depth = divide_up (in, kernels->depth) * kernels->depth;
  const int team = esp_cpu_team (cpu, weight->count);
  const size_t own = (esp_cpu_packer_bytes (kernels) + 63) / 64 * 64;
  char *memory = esp_cpu_scratch (cpu, SCRATCH_THREADS, own * (size_t) team);
  bool good = true;

  if (memory == NULL)
    return;
#pragma omp parallel for num_threads(team) schedule(static) reduction(&& : good)
  for (int64_t panel = 0; panel < panels; panel++)
    {
      CpuPacker packer
          = esp_cpu_packer (cpu, kernels, memory + own * (size_t) omp_get_thread_num ());
      int64_t first = panel * kernels->cols;
      int64_t count = out - first < kernels->cols ? out - first : kernels->cols;

      for (int64_t start = 0; start < depth; start += kernels->slab)
        {
          int64_t some = depth - start < kernels->slab ? depth - start : kernels->slab;

          good = esp_cpu_pack_panel (
                     &packer, weight, in, first, count, start, some, !prepared->checked[part],
                     kept + panel * words + esp_cpu_panel_words (kernels, start), NULL, NULL, NULL)
                 && good;
        }
    }
  if (!good)
    esp_cpu_report_non_finite (cpu, weight);
  prepared->checked[part] = true;
}

void
esp_cpu_keep_panels (CpuDevice *cpu, const EspLinear *linear)
{
  const EspPanelKernels *kernels
      = linear->precise ? cpu->precise_panels : cpu->float_panels; /* no part has blocks */
  CpuLinear *prepared = linear->prepared;
  int64_t words = 0;
  size_t bytes;
  uint32_t *kept;

  if (prepared->keeping_tried)
    return;
  prepared->keeping_tried = true;
  if (linear->in * linear->out > KEEP_AT_MOST)
    return;
  for (int p = 0; p < linear->parts; p++)
    {
      if (esp_block_group (linear->weight[p]->dtype) > 0)
        return;
      words += divide_up (linear->weight[p]->count / linear->in, kernels->cols)
               * esp_cpu_panel_words (kernels, linear->in);
    }
  bytes = (size_t) words * sizeof *kept;
  if (bytes > cpu->weight_budget || cpu->weight_used > cpu->weight_budget - bytes)
    return;
  kept = esp_cpu_allocate (&cpu->base, bytes);
  if (kept == NULL)
    return;
  prepared->kept = kept;
  prepared->kept_bytes = bytes;
  cpu->weight_used += bytes;
  for (int p = 0; p < linear->parts && cpu->base.error.status == ESP_OK; p++)
    {
      keep_part (cpu, linear, p, kept);
      kept += divide_up (linear->weight[p]->count / linear->in, kernels->cols)
              * esp_cpu_panel_words (kernels, linear->in);
    }
}
