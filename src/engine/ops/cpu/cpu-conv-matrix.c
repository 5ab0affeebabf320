/* SPDX-License-Identifier: MIT */
/* cpu-conv-matrix.c: convolutions on the matrix unit, as accurate as f32 (kernels/convolution.h).
 *
 * A task is a block of the result: its window of the input is fetched, normalised on the way and
 * split into planes that stay in the second cache; for each panel of 32 outputs the planes are
 * multiplied one after the other, tap by tap straight from the window: no copy for each tap.
 *
 * A doubled image is never made. Of the 3 × 3 pixels that a pixel of the result sees, those in one
 * place before doubling have their weights added beforehand: four kernels of 2 × 2, one for each
 * parity of row and column.
 */
#include "ops/cpu/cpu-conv.h"
#include "ops/cpu/kernels/convolution.h"

#include <omp.h>
#include <string.h>

enum
{
  CHANNELS = ESP_CONVOLUTION_CHANNELS,
  STRIP = ESP_CONVOLUTION_STRIP,
  STRIP_SUMS = STRIP * CHANNELS,
  DOWN_MAX = 8,   /* lines of a block */
  ACROSS_MAX = 4, /* strips of a line of it */
  STRIPS_MAX = DOWN_MAX * ACROSS_MAX,
  PRODUCTS_MIN = 512, /* below, most of each tile is padding (docs/speed-log.md) */
};

/* Bytes of a block's planes. */
#define WINDOW_BYTES ((int64_t) 900 << 10)

typedef struct Plan
{
  const CpuConvCall *call;
  CpuConvCall input; /* the same as it lies, if it is doubled */
  EspGrid grid;      /* of y, or of one of its four parts */
  int variants, taps;
  int64_t reach; /* pixels of a side that a pixel of the result sees */
  int64_t planes, panels;
  int64_t down, across; /* lines and strips of a block */
  int64_t blocks_down, blocks_across;
  int64_t window_rows, window_cols;
  int64_t plane_size, thread_bytes;
  char *threads;
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

/* --- Weights -----------------------------------------------------------------------------------
 */

/* Elements of one tap's weights for one plane and panel. */
static int64_t
tap_size (const CpuConv *prepared)
{
  return (prepared->split_weights ? 4 : 2) * ESP_MATRIX_TILE;
}

/* True if bf16 holds all the weights. */
static bool
weights_are_halves (const CpuConvCall *call, float *row)
{
  int64_t width = call->conv->in * call->conv->kernel * call->conv->kernel;

  if (call->conv->weight->dtype == ESP_BF16 && call->prepared->plain == NULL)
    return true;
  for (int64_t out = 0; out < call->conv->out; out++)
    {
      uint32_t low = 0;

      esp_cpu_conv_weights (call, out, 1, row);
      for (int64_t i = 0; i < width; i++)
        {
          uint32_t bits;

          memcpy (&bits, &row[i], sizeof bits);
          low |= bits;
        }
      if ((low & 0xffff) != 0)
        return false;
    }
  return true;
}

/* Tap `tap` of kernel `variant` made from the nine (or one) of the file. */
static inline float
folded (const Plan *plan, const float *kernel, int variant, int tap)
{
  int row = tap / 2, col = tap % 2, side = plan->call->conv->kernel;
  int rows[2], cols[2]; /* first and last of the kernel that fall together */
  float sum = 0;

  if (plan->variants == 1)
    return kernel[tap];
  /* Even lines: the pixel above, then twice the one in place; odd ones the other way round. */
  rows[0] = row == 0 ? 0 : 1 + variant / 2;
  rows[1] = row == 0 ? variant / 2 : 2;
  cols[0] = col == 0 ? 0 : 1 + variant % 2;
  cols[1] = col == 0 ? variant % 2 : 2;
  for (int r = rows[0]; r <= rows[1]; r++)
    for (int c = cols[0]; c <= cols[1]; c++)
      sum += kernel[r * side + c];
  return sum;
}

/* The nearest bf16 of a finite number, ties to even, and the rest of it. */
static uint16_t
nearest_half (float *w)
{
  uint32_t bits, kept;
  float value;

  memcpy (&bits, w, sizeof bits);
  kept = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
  memcpy (&value, &kept, sizeof value);
  *w -= value;
  return (uint16_t) (kept >> 16);
}

/* One output's weights into its column of the panel's tiles. `row` [in, k, k]. */
static void
place_output (const Plan *plan, const float *row, int64_t out, int variant, uint16_t *tiles)
{
  const CpuConvCall *call = plan->call;
  const int64_t size = tap_size (call->prepared), squares = call->conv->kernel * call->conv->kernel;
  const int64_t panel = variant * plan->panels + out / CHANNELS;
  const bool split = call->prepared->split_weights;

  tiles += panel * plan->planes * plan->taps * size + out % CHANNELS / 16 * ESP_MATRIX_TILE
           + 2 * (out % 16);
  for (int64_t i = 0; i < call->conv->in; i++, row += squares)
    {
      uint16_t *place = tiles + i / CHANNELS * plan->taps * size + i % CHANNELS / 2 * 32 + i % 2;

      for (int tap = 0; tap < plan->taps; tap++, place += size)
        {
          float w = folded (plan, row, variant, tap);

          *place = nearest_half (&w);
          if (split)
            place[2 * ESP_MATRIX_TILE] = nearest_half (&w);
        }
    }
}

/* Packs the layer's weights once. */
static bool
pack_weights (const Plan *plan)
{
  const CpuConvCall *call = plan->call;
  CpuConv *prepared = call->prepared;
  int64_t width = divide_up (call->conv->in * call->conv->kernel * call->conv->kernel, 16) * 16;
  float *rows;

  if (prepared->tiles != NULL)
    return true;
  rows = esp_cpu_scratch (call->cpu, SCRATCH_THREADS,
                          (size_t) (call->cpu->base.threads * width) * sizeof *rows);
  if (rows == NULL)
    return false;
  prepared->split_weights = plan->variants > 1 || !weights_are_halves (call, rows);
  prepared->tiles_bytes
      = (size_t) (plan->variants * plan->panels * plan->planes * plan->taps * tap_size (prepared))
        * sizeof *prepared->tiles;
  prepared->tiles = esp_cpu_allocate (&call->cpu->base, prepared->tiles_bytes);
  if (prepared->tiles == NULL)
    return false;
  memset (prepared->tiles, 0, prepared->tiles_bytes);
#pragma omp parallel for num_threads(call->cpu->base.threads) schedule(static)
  for (int64_t panel = 0; panel < plan->panels; panel++)
    for (int64_t out = panel * CHANNELS; out < smaller ((panel + 1) * CHANNELS, call->conv->out);
         out++)
      {
        float *row = rows + omp_get_thread_num () * width;

        esp_cpu_conv_weights (call, out, 1, row);
        for (int variant = 0; variant < plan->variants; variant++)
          place_output (plan, row, out, variant, prepared->tiles);
      }
  return true;
}

/* --- A block -----------------------------------------------------------------------------------
 */

typedef struct Block
{
  int64_t image, top, left; /* pixels of plan->grid */
  int64_t down, across;
  uint16_t *planes;
  float *window, *sums; /* the window: one plane's, before it is split */
} Block;

static Block
block_at (const Plan *plan, int64_t index, char *space)
{
  int64_t row = index / plan->blocks_across % plan->blocks_down * plan->down;
  int64_t col = index % plan->blocks_across * plan->across;
  uint16_t *planes = (uint16_t *) (void *) space;
  float *window = (float *) (void *) (planes + plan->planes * plan->plane_size);

  return (Block){
    .image = index / (plan->blocks_across * plan->blocks_down),
    .top = row,
    .left = col * STRIP,
    .down = smaller (plan->down, plan->grid.height - row),
    .across = smaller (plan->across, divide_up (plan->grid.width, STRIP) - col),
    .planes = planes,
    .window = window,
    .sums = window + plan->window_rows * plan->window_cols * CHANNELS,
  };
}

static void
split_input (const Plan *plan, const EspConvolutionKernels *kernels, const Block *block)
{
  const EspConv *conv = plan->call->conv;
  CpuWindow window = { .image = block->image,
                       .top = block->top * conv->stride - conv->pad_top,
                       .left = block->left * conv->stride - conv->pad_left,
                       .rows = (block->down - 1) * conv->stride + plan->reach,
                       .cols = plan->window_cols };

  for (int64_t plane = 0; plane < plan->planes; plane++)
    {
      window.channel = plane * CHANNELS;
      window.channels = smaller (conv->in - window.channel, CHANNELS);
      esp_cpu_conv_fetch (&plan->input, &window, block->window, CHANNELS);
      kernels->split (block->window, window.rows * window.cols,
                      block->planes + plane * plan->plane_size);
    }
}

/* Where the block's strips begin: neighbouring lines are pairs. Returns their number, made even by
 * repeating the last. */
static int64_t
strips_of (const Plan *plan, const Block *block, int64_t *strip)
{
  int64_t count = 0, stride = plan->call->conv->stride;

  for (int64_t across = 0; across < block->across; across++)
    for (int64_t down = 0; down < block->down; down++)
      strip[count++] = (down * plan->window_cols + across * STRIP) * stride * ESP_CONVOLUTION_PIXEL;
  if (count % 2 == 1)
    {
      strip[count] = strip[count - 1];
      count++;
    }
  return count;
}

static void
finish_panel (const Plan *plan, const EspConvolutionKernels *kernels, const Block *block,
              int variant, int64_t out)
{
  const CpuConvCall *call = plan->call;
  int64_t scale = plan->variants > 1 ? 2 : 1, all = call->conv->out;

  for (int64_t i = 0; i < block->across * block->down; i++)
    {
      int64_t row = (block->top + i % block->down) * scale + variant / 2;
      int64_t first = block->left + i / block->down * STRIP;
      int64_t col = first * scale + variant % 2;

      kernels->finish (
          block->sums + i * STRIP_SUMS, smaller (plan->grid.width - first, STRIP),
          call->prepared->bias + out, call->accumulate, smaller (all - out, CHANNELS),
          call->y
              + ((block->image * call->out_grid.height + row) * call->out_grid.width + col) * all
              + out,
          scale * all);
    }
}

static void
make_block (const Plan *plan, const EspConvolutionKernels *kernels, const Block *block)
{
  const CpuConvCall *call = plan->call;
  int64_t strips[STRIPS_MAX + 1], side = plan->variants > 1 ? 2 : call->conv->kernel;
  const int64_t weights_step = plan->taps * tap_size (call->prepared);
  EspConvolutionPiece piece = { .strip = strips,
                                .pixel_step = call->conv->stride * ESP_CONVOLUTION_PIXEL,
                                .taps = plan->taps,
                                .split_weights = call->prepared->split_weights };

  split_input (plan, kernels, block);
  piece.strips = strips_of (plan, block, strips);
  for (int variant = 0; variant < plan->variants; variant++)
    {
      for (int tap = 0; tap < plan->taps; tap++)
        piece.tap[tap] = ((variant / 2 + tap / side) * plan->window_cols + variant % 2 + tap % side)
                         * ESP_CONVOLUTION_PIXEL;
      for (int64_t panel = 0; panel < plan->panels; panel++)
        {
          piece.weights = call->prepared->tiles
                          + (variant * plan->panels + panel) * plan->planes * weights_step;
          for (int64_t plane = 0; plane < plan->planes; plane++)
            {
              piece.plane = block->planes + plane * plan->plane_size;
              kernels->multiply (&piece, plane > 0, block->sums);
              piece.weights += weights_step;
            }
          finish_panel (plan, kernels, block, variant, panel * CHANNELS);
        }
    }
}

/* --- All of it ---------------------------------------------------------------------------------
 */

static void
cut_blocks (Plan *plan)
{
  int64_t stride = plan->call->conv->stride, across = divide_up (plan->grid.width, STRIP);
  int64_t pixels = WINDOW_BYTES / (plan->planes * ESP_CONVOLUTION_PIXEL * 2);

  plan->blocks_across = divide_up (across, ACROSS_MAX);
  plan->blocks_down = divide_up (plan->grid.height, DOWN_MAX);
  do
    {
      plan->across = divide_up (across, plan->blocks_across);
      plan->down = divide_up (plan->grid.height, plan->blocks_down);
      plan->window_rows = (plan->down - 1) * stride + plan->reach;
      plan->window_cols = (plan->across * STRIP - 1) * stride + plan->reach;
      /* Narrower first: lines above each other make pairs, and share what they see. */
      if (plan->window_rows * plan->window_cols <= pixels)
        break;
      if (plan->across > 1)
        plan->blocks_across++;
      else
        plan->blocks_down++;
    }
  while (plan->across > 1 || plan->down > 2);
  while (plan->grid.batch * plan->blocks_down * plan->blocks_across
             < 2 * plan->call->cpu->base.threads
         && plan->down > 2)
    plan->down = divide_up (plan->grid.height, ++plan->blocks_down);
  plan->blocks_down = divide_up (plan->grid.height, plan->down);
  plan->blocks_across = divide_up (across, plan->across);
  plan->window_rows = (plan->down - 1) * stride + plan->reach;
}

static bool
make_plan (Plan *plan, const CpuConvCall *call)
{
  const EspConv *conv = call->conv;

  *plan = (Plan){ .call = call, .input = *call, .grid = call->out_grid, .variants = 1 };
  plan->taps = conv->kernel * conv->kernel;
  plan->reach = conv->kernel;
  if (call->doubled)
    {
      plan->input.doubled = false;
      plan->input.in_grid = plan->grid = call->grid;
      plan->variants = plan->taps = 4;
    }
  plan->planes = divide_up (conv->in, CHANNELS);
  plan->panels = divide_up (conv->out, CHANNELS);
  if (!pack_weights (plan))
    return false;
  cut_blocks (plan);
  plan->plane_size = plan->window_rows * plan->window_cols * ESP_CONVOLUTION_PIXEL;
  plan->thread_bytes = plan->planes * plan->plane_size * 2
                       + plan->window_rows * plan->window_cols * CHANNELS * 4
                       + (plan->down * plan->across + 1) * STRIP_SUMS * 4;
  plan->threads = esp_cpu_scratch (call->cpu, SCRATCH_THREADS,
                                   (size_t) (call->cpu->base.threads * plan->thread_bytes));
  return plan->threads != NULL;
}

bool
esp_cpu_conv_has_matrix (const CpuConvCall *call)
{
  const EspConv *conv = call->conv;

  /* Doubling is folded into the weights of the one kernel that is ever used with it. */
  return call->cpu->matrix != NULL && call->cpu->base.compute == ESP_BF16 && conv->kernel <= 3
         && conv->in >= STRIP && (conv->in * conv->out >= PRODUCTS_MIN || conv->out < STRIP)
         && (!conv->doubled
             || (conv->kernel == 3 && conv->stride == 1 && conv->pad_top == 1 && conv->pad_left == 1
                 && conv->pad_bottom == 1 && conv->pad_right == 1));
}

/* Only such a processor has cpu->matrix. */
static const EspConvolutionKernels *
unit_kernels (void)
{
#if defined(__x86_64__)
  return &esp_convolution_amx;
#else
  return NULL;
#endif
}

void
esp_cpu_conv_matrix (const CpuConvCall *call)
{
  const EspConvolutionKernels *kernels = unit_kernels ();
  Plan plan;

  if (kernels == NULL || !make_plan (&plan, call))
    return;
#pragma omp parallel num_threads(call->cpu->base.threads)
  {
    char *space = plan.threads + plan.thread_bytes * omp_get_thread_num ();

    kernels->begin ();
#pragma omp for schedule(dynamic) nowait
    for (int64_t i = 0; i < plan.grid.batch * plan.blocks_down * plan.blocks_across; i++)
      {
        const Block block = block_at (&plan, i, space);

        make_block (&plan, kernels, &block);
      }
    kernels->end ();
  }
}
