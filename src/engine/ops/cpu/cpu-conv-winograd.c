/* SPDX-License-Identifier: MIT */
/* cpu-conv-winograd.c: 3 × 3 convolutions in f32 with a quarter of the products.
 *
 * The weights' 36 points are made once a call, in slabs of outputs that bound the memory; that is
 * less than a hundredth of the work from 64 × 64 pixels on. A task is a block of tiles: its window
 * of the input is fetched (normalised and doubled on the way) slab by slab of channels and
 * transformed; then, for 64 outputs at a time, 36 small products and the way back while these are
 * in cache. A tile's result depends on nothing but its own pixels, so neither blocks nor threads
 * change it.
 */
#include "ops/cpu/cpu-conv.h"

#include <omp.h>

enum
{
  POINTS = ESP_WINOGRAD_POINTS,
  TILE = ESP_WINOGRAD_TILE,
  ACROSS_MAX = 12, /* tiles of a block; every level's tile_rows divides it */
  TILES_MAX = 96,
  TILES_MIN = 24,
  CHANNELS = 64,     /* fetched at a time */
  OUTPUTS = 64,      /* made at a time, a multiple of every level's tile_cols */
  DEPTH = 256,       /* of a product at a time: a panel of that stays in the first cache */
  CHANNELS_MIN = 8,  /* below, vectors are too empty for it to pay, */
  PRODUCTS_MIN = 512 /* and the transforms cost more than the products they save */
};

/* Bytes of a block's transformed input, and of the weights' points in one slab. */
#define INPUT_BYTES  ((int64_t) 5 << 20)
#define WEIGHT_BYTES ((int64_t) 64 << 20)

/* Lines of 36 points that a power of two lies between would share their places in the caches. */
#define UNEVEN 16

typedef struct Plan
{
  const CpuConvCall *call;
  int64_t in_step;      /* `in` rounded up to whole vectors */
  int64_t fetch_step;   /* channels of the fetched window */
  int64_t down, across; /* tiles of a block */
  int64_t blocks_down, blocks_across;
  int64_t input_point, sum_point; /* floats from a point to the next */
  int64_t thread_floats;
  int64_t slab_panels, weight_point;
  int64_t first_out, outs; /* of this slab */
  float *weights, *threads;
} Plan;

static int64_t
divide_up (int64_t n, int64_t step)
{
  return (n + step - 1) / step;
}

static int64_t
smaller (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

bool
esp_cpu_conv_has_winograd (const CpuConvCall *call)
{
  const EspConv *conv = call->conv;

  return conv->kernel == 3 && conv->stride == 1 && conv->pad_top == 1 && conv->pad_left == 1
         && conv->pad_bottom == 1 && conv->pad_right == 1 && conv->in >= CHANNELS_MIN
         && conv->out >= CHANNELS_MIN && conv->in * conv->out >= PRODUCTS_MIN;
}

/* --- Weights -----------------------------------------------------------------------------------
 */

/* Floats that a thread needs to transform one panel. */
static int64_t
panel_floats (const Plan *plan)
{
  return 2 * plan->call->conv->in * 9 * plan->call->cpu->kernels->tile_cols;
}

static void
transform_panel (const Plan *plan, int64_t panel, float *space)
{
  const EspKernels *kernels = plan->call->cpu->kernels;
  int64_t in = plan->call->conv->in, width = in * 9;
  int64_t first = panel * kernels->tile_cols;
  int64_t count = smaller (plan->outs - first, kernels->tile_cols);
  float *turned = space + width * kernels->tile_cols;

  esp_cpu_conv_weights (plan->call, plan->first_out + first, count, space);
  kernels->pack_transposed (space, width, count, width, turned);
  kernels->winograd_weights (turned, in, plan->weights + panel * in * kernels->tile_cols,
                             plan->weight_point);
}

/* --- A block of tiles --------------------------------------------------------------------------
 */

typedef struct Block
{
  int64_t image, top, left; /* of its result, in pixels */
  int64_t down, across;     /* tiles */
  float *window, *input, *sums;
} Block;

static Block
block_at (const Plan *plan, int64_t index, float *space)
{
  const EspGrid *grid = &plan->call->out_grid;
  int64_t row = index / plan->blocks_across % plan->blocks_down * plan->down;
  int64_t col = index % plan->blocks_across * plan->across;
  int64_t window = (TILE * plan->down + 2) * (TILE * plan->across + 2) * plan->fetch_step;

  return (Block){
    .image = index / (plan->blocks_across * plan->blocks_down),
    .top = row * TILE,
    .left = col * TILE,
    .down = smaller (plan->down, divide_up (grid->height, TILE) - row),
    .across = smaller (plan->across, divide_up (grid->width, TILE) - col),
    .window = space,
    .input = space + divide_up (window, 16) * 16,
    .sums = space + divide_up (window, 16) * 16 + POINTS * plan->input_point,
  };
}

static void
transform_input (const Plan *plan, const Block *block)
{
  const CpuConvCall *call = plan->call;
  CpuWindow window = { .image = block->image,
                       .top = block->top - 1,
                       .left = block->left - 1,
                       .rows = TILE * block->down + 2,
                       .cols = TILE * block->across + 2 };
  int64_t row_step = window.cols * plan->fetch_step;

  for (int64_t c = 0; c < call->conv->in; c += CHANNELS)
    {
      window.channel = c;
      window.channels = smaller (call->conv->in - c, CHANNELS);
      esp_cpu_conv_fetch (call, &window, block->window, plan->fetch_step);
      for (int64_t t = 0; t < block->down * block->across; t++)
        call->cpu->kernels->winograd_input (block->window + t / block->across * TILE * row_step
                                                + t % block->across * TILE * plan->fetch_step,
                                            row_step, plan->fetch_step, window.channels,
                                            block->input + t * plan->in_step + c,
                                            plan->input_point);
    }
}

/* One point of all the block's tiles for the panel of outputs at `out`. */
static void
multiply_panel (const Plan *plan, const Block *block, int64_t point, int64_t out, float *sums)
{
  const EspKernels *kernels = plan->call->cpu->kernels;
  int64_t in = plan->call->conv->in, tiles = block->down * block->across;
  const float *input = block->input + point * plan->input_point;

  for (int64_t i = 0; i < in; i += DEPTH)
    {
      const float *weights
          = plan->weights + point * plan->weight_point + out * in + i * kernels->tile_cols;
      int64_t depth = smaller (in - i, DEPTH);

      for (int64_t t = 0; t < tiles; t += kernels->tile_rows)
        kernels->tile ((int) smaller (tiles - t, kernels->tile_rows), depth,
                       input + t * plan->in_step + i, plan->in_step, weights,
                       weights + depth * kernels->tile_cols + t / kernels->tile_rows * 4 * depth,
                       i > 0, sums + t * OUTPUTS, OUTPUTS);
    }
}

/* `count` outputs of the slab from `out` on. */
static void
make_outputs (const Plan *plan, const Block *block, int64_t out, int64_t count)
{
  const CpuConvCall *call = plan->call;
  const EspKernels *kernels = call->cpu->kernels;
  const EspGrid *grid = &call->out_grid;
  int64_t tiles = block->down * block->across, to = plan->first_out + out, all = call->conv->out;

  for (int64_t point = 0; point < POINTS; point++)
    for (int64_t panel = 0; panel < count; panel += kernels->tile_cols)
      multiply_panel (plan, block, point, out + panel,
                      block->sums + point * plan->sum_point + panel);
  for (int64_t t = 0; t < tiles; t++)
    {
      int64_t row = block->top + t / block->across * TILE;
      int64_t col = block->left + t % block->across * TILE;

      kernels->winograd_output (
          block->sums + t * OUTPUTS, plan->sum_point, call->prepared->bias + to, call->accumulate,
          count, (int) smaller (grid->height - row, TILE), (int) smaller (grid->width - col, TILE),
          call->y + ((block->image * grid->height + row) * grid->width + col) * all + to,
          grid->width * all, all);
    }
}

/* --- All of it ---------------------------------------------------------------------------------
 */

/* How the picture is cut: blocks as large as their transformed input may be, but enough of them. */
static void
cut_blocks (Plan *plan)
{
  const CpuConvCall *call = plan->call;
  int64_t down = divide_up (call->out_grid.height, TILE);
  int64_t across = divide_up (call->out_grid.width, TILE);
  int64_t tiles = INPUT_BYTES / (POINTS * plan->in_step * (int64_t) sizeof (float));

  tiles = tiles > TILES_MAX ? TILES_MAX : tiles < TILES_MIN ? TILES_MIN : tiles;
  plan->blocks_across = divide_up (across, ACROSS_MAX);
  plan->across = divide_up (across, plan->blocks_across);
  plan->blocks_down = divide_up (down, divide_up (tiles, plan->across));
  while (call->out_grid.batch * plan->blocks_down * plan->blocks_across
             < 2 * call->cpu->base.threads
         && plan->blocks_down < down)
    plan->blocks_down++;
  plan->down = divide_up (down, plan->blocks_down);
  plan->blocks_down = divide_up (down, plan->down);
}

static bool
make_plan (Plan *plan, const CpuConvCall *call)
{
  const int64_t lanes = call->cpu->kernels->tile_cols;
  int64_t in = call->conv->in, panels = divide_up (call->conv->out, OUTPUTS) * (OUTPUTS / lanes);
  int64_t panel_points = POINTS * in * lanes, block;

  *plan = (Plan){ .call = call, .in_step = divide_up (in, 16) * 16 };
  plan->fetch_step = smaller (plan->in_step, CHANNELS);
  cut_blocks (plan);
  plan->input_point = plan->down * plan->across * plan->in_step + UNEVEN;
  plan->sum_point = plan->down * plan->across * OUTPUTS + UNEVEN;
  plan->slab_panels = WEIGHT_BYTES / (panel_points * (int64_t) sizeof (float));
  plan->slab_panels -= plan->slab_panels % (OUTPUTS / lanes);
  plan->slab_panels = plan->slab_panels < OUTPUTS / lanes ? OUTPUTS / lanes : plan->slab_panels;
  plan->slab_panels = smaller (plan->slab_panels, panels);
  plan->weight_point = plan->slab_panels * in * lanes + UNEVEN;
  block
      = divide_up ((TILE * plan->down + 2) * (TILE * plan->across + 2) * plan->fetch_step, 16) * 16
        + POINTS * (plan->input_point + plan->sum_point);
  plan->thread_floats = block > panel_floats (plan) ? block : panel_floats (plan);
  plan->thread_floats = divide_up (plan->thread_floats, 16) * 16;
  plan->weights = esp_cpu_scratch (call->cpu, SCRATCH_PACKED,
                                   (size_t) (POINTS * plan->weight_point) * sizeof (float));
  plan->threads
      = esp_cpu_scratch (call->cpu, SCRATCH_THREADS,
                         (size_t) (call->cpu->base.threads * plan->thread_floats) * sizeof (float));
  return plan->weights != NULL && plan->threads != NULL;
}

static void
make_slab (const Plan *plan)
{
  int64_t blocks = plan->call->out_grid.batch * plan->blocks_down * plan->blocks_across;
  int64_t lanes = plan->call->cpu->kernels->tile_cols;

#pragma omp parallel num_threads(plan->call->cpu->base.threads)
  {
    float *space = plan->threads + plan->thread_floats * omp_get_thread_num ();

#pragma omp for schedule(static)
    for (int64_t panel = 0; panel < divide_up (plan->outs, lanes); panel++)
      transform_panel (plan, panel, space);
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < blocks; i++)
      {
        const Block block = block_at (plan, i, space);

        transform_input (plan, &block);
        for (int64_t out = 0; out < plan->outs; out += OUTPUTS)
          make_outputs (plan, &block, out, smaller (plan->outs - out, OUTPUTS));
      }
  }
}

void
esp_cpu_conv_winograd (const CpuConvCall *call)
{
  Plan plan;

  if (!make_plan (&plan, call))
    return;
  for (int64_t out = 0; out < call->conv->out; out += plan.outs)
    {
      plan.first_out = out;
      plan.outs = smaller (call->conv->out - out, plan.slab_panels * call->cpu->kernels->tile_cols);
      make_slab (&plan);
    }
}
