/* SPDX-License-Identifier: MIT */
/* cuda-product.c: which kernel makes a product, with which tiles.
 *
 * A product is as many blocks as it has tiles; what counts is how well they fill the last round of
 * the card's multiprocessors. Each shape of tile has a rate for a full card, and the one that would
 * be done first is taken. Too few tiles to fill the card at all share k among several blocks.
 * Where the rows are several equal ranges (cuda-batch.c), both are chosen as for one of them, so
 * that none of its numbers depends on how many there are.
 */
#include "ops/cuda/cuda-linear.h"

#include <string.h>

#include "ops/cuda/cuda-check.h"
#include "ops/cuda/cuda-hopper.h"
#include "ops/cuda/kernels/blocks.h"

#define VECTOR_NAME(name, elements, bytes) [ESP_##name] = "vector_" #name,

static const char *const vector_kernels[ESP_DTYPE_COUNT] = { CUDA_FORMATS (VECTOR_NAME) };

/* --- Tiles of the tensor cores' kernels --------------------------------------------------------
 */

typedef struct TileShape
{
  const char *kernel[CUDA_NUMBERS_COUNT];
  bool wgmma; /* matrix-90.cu: a block makes several tiles */
  int m, n;
  unsigned threads;
  size_t shared;      /* as Shape in matrix.cu, Tile in matrix-90.cu */
  int depth;          /* bytes of k of one stage */
  int resident;       /* blocks on one multiprocessor */
  float rate, gaming; /* of mma.sync's peak: where f32 sums are at full rate, at half */
} TileShape;

#define KERNELS(prefix, tiles)                                                                     \
  {                                                                                                \
    [CUDA_NUMBERS_BF16] = prefix "bf16_" tiles, [CUDA_NUMBERS_F16] = prefix "f16_" tiles,          \
    [CUDA_NUMBERS_SPLIT] = prefix "bf16_" tiles, [CUDA_NUMBERS_E4M3] = prefix "e4m3_" tiles        \
  }

/* Stages, sums on their way out, barriers. */
#define SHARED_90(n, stages) ((stages) * (128 + (n)) * 128 + 8 * 16 * 40 * 4 + (stages) *16)

/* The rates are estimates from what a step reads of shared memory for each product that it makes;
 * wgmma has a good half more than mma.sync can get on the same card. */
static const TileShape shapes[] = {
  { KERNELS ("product_90_", "128x256"), true, 128, 256, 384, SHARED_90 (256, 4), 128, 1, 1.5f, 0 },
  { KERNELS ("product_90_", "128x192"), true, 128, 192, 384, SHARED_90 (192, 5), 128, 1, 1.4f, 0 },
  { KERNELS ("product_90_", "128x128"), true, 128, 128, 384, SHARED_90 (128, 6), 128, 1, 1.25f, 0 },
  { KERNELS ("product_", "128x256"), false, 128, 256, 256, 4 * 384 * 64, 64, 1, 0.80f, 0.85f },
  { KERNELS ("product_", "128x128"), false, 128, 128, 256, 3 * 256 * 64, 64, 2, 0.70f, 0.90f },
  { KERNELS ("product_", "64x64"), false, 64, 64, 128, 3 * 128 * 128, 128, 2, 0.45f, 0.65f },
  { KERNELS ("product_", "32x128"), false, 32, 128, 128, 4 * 160 * 64, 64, 2, 0.40f, 0.55f },
};

bool
esp_cuda_is_gaming (const CudaDevice *cuda)
{
  return cuda->capability != 80 && cuda->capability != 90 && cuda->capability != 100
         && cuda->capability != 103;
}

/* Heads have to lie in a tile together, and wgmma finishes those of 128 columns only. */
static bool
is_possible (const CudaDevice *cuda, const TileShape *shape, CudaNumbers numbers, int head_dim)
{
  if (numbers == CUDA_NUMBERS_E4M3 && cuda->capability >= 90 && !shape->wgmma && shape->n == 256)
    return false; /* mma.sync of E4M3 has no registers for it there */
  if (shape->shared > cuda->shared_limit || (head_dim != 0 && shape->n % head_dim != 0))
    return false;
  return !shape->wgmma
         || (esp_cuda_is_hopper (cuda) && esp_cuda_trusts (cuda, CUDA_WAY_WGMMA_PRODUCT)
             && (head_dim == 0 || head_dim == 128));
}

/* Of several ranges one's rows. */
static int64_t
deciding_rows (const CudaDevice *cuda, int64_t m)
{
  return cuda->joined > 1 ? m / cuda->joined : m;
}

static int64_t
tiles_of (const TileShape *shape, int64_t m, int64_t n)
{
  return (m + shape->m - 1) / shape->m * ((n + shape->n - 1) / shape->n);
}

/* How long it would take; the unit is arbitrary. */
static double
time_of (const CudaDevice *cuda, const TileShape *shape, int64_t m, int64_t n)
{
  const int64_t tiles = tiles_of (shape, m, n);
  const int64_t round = (int64_t) cuda->multiprocessors * shape->resident;
  const int64_t rest = tiles % round;
  const double each = (double) shape->m * shape->n
                      / (esp_cuda_is_gaming (cuda) ? (double) shape->gaming : (double) shape->rate);
  const int64_t steps = tiles / round * shape->resident
                        + (rest + cuda->multiprocessors - 1) / cuda->multiprocessors;

  return each * (double) steps;
}

static const TileShape *
choose_shape (const CudaDevice *cuda, CudaNumbers numbers, int64_t m, int64_t n, int head_dim)
{
  const TileShape *best = NULL;
  double least = 0;

  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (is_possible (cuda, &shapes[i], numbers, head_dim))
      {
        double time = time_of (cuda, &shapes[i], m, n);

        if (best == NULL || time < least)
          {
            best = &shapes[i];
            least = time;
          }
      }
  return best;
}

/* --- Splitting k -------------------------------------------------------------------------------
 */

enum
{
  SPLITS_MAX = 16,
  SPLIT_DEPTHS = 8, /* stages of k that a block should at least have */
  SPLIT_BYTES = 32 << 20,
};

/* Into how many ranges of k, where a block makes a tile of tile_m × tile_n: 1 if the card is busy
 * enough without. */
static int
choose_splits (const CudaDevice *cuda, int tile_m, int tile_n, int resident, int64_t depths,
               const CudaProduct *product)
{
  const int64_t m = deciding_rows (cuda, product->m), n = product->n;
  const int64_t tiles = (m + tile_m - 1) / tile_m * ((n + tile_n - 1) / tile_n);
  const int64_t room = (int64_t) cuda->multiprocessors * resident;
  int64_t splits = room / tiles;

  if (splits > depths / SPLIT_DEPTHS)
    splits = depths / SPLIT_DEPTHS;
  if (splits > SPLITS_MAX)
    splits = SPLITS_MAX;
  /* sum_splits finds a head's columns in neighbouring lanes if heads follow each other from row to
   * row. */
  if (product->finish.head_dim != 0 && n % product->finish.head_dim != 0)
    return 1;
  if (splits > SPLIT_BYTES / ((m + 3) * (n + 3) * (int64_t) sizeof (float)))
    splits = SPLIT_BYTES / ((m + 3) * (n + 3) * (int64_t) sizeof (float));
  return splits > 1 ? (int) splits : 1;
}

/* Gives each of `splits` blocks a range of the stages, and a place for its sums. */
static bool
split (CudaDevice *cuda, CudaProduct *product, int splits, int64_t depths)
{
  product->split_tiles = (int32_t) ((depths + splits - 1) / splits);
  product->splits = (int32_t) ((depths + product->split_tiles - 1) / product->split_tiles);
  if (product->splits == 1)
    return true;
  product->partial_stride = (product->n + 3) / 4 * 4;
  product->partial = esp_cuda_scratch (cuda, CUDA_SCRATCH_RESULT,
                                       (size_t) product->splits * (size_t) product->m
                                           * (size_t) product->partial_stride * sizeof (float));
  return product->partial != 0;
}

static void
sum_splits (CudaDevice *cuda, const CudaSumSplits *arguments)
{
  const int64_t units = arguments->m * (arguments->stride / 4);

  esp_cuda_launch (cuda, CUDA_MODULE_MATRIX, "sum_splits",
                   (CudaGrid){ .x = (unsigned) ((units + SUM_THREADS - 1) / SUM_THREADS),
                               .y = 1,
                               .z = 1,
                               .threads = SUM_THREADS },
                   arguments, sizeof *arguments);
}

void
esp_cuda_finish_sums (CudaDevice *cuda, CUdeviceptr sums, int64_t stride, int64_t rows,
                      int64_t cols, const CudaFinish *finish)
{
  const CudaSumSplits arguments = { .partial = sums,
                                    .stride = stride,
                                    .m = (int32_t) rows,
                                    .n = (int32_t) cols,
                                    .splits = 1,
                                    .finish = *finish };

  sum_splits (cuda, &arguments);
}

/* --- Launching ---------------------------------------------------------------------------------
 */

static void
launch_split (CudaDevice *cuda, CudaProduct *product, const char *kernel, CudaGrid grid, int splits,
              int64_t depths)
{
  if (!split (cuda, product, splits, depths))
    return;
  grid.z = (unsigned) product->splits;
  esp_cuda_launch (cuda, CUDA_MODULE_MATRIX, kernel, grid, product, sizeof *product);
  if (product->splits > 1)
    sum_splits (cuda, &(CudaSumSplits){ .partial = product->partial,
                                        .stride = product->partial_stride,
                                        .m = product->m,
                                        .n = product->n,
                                        .splits = product->splits,
                                        .finish = product->finish });
}

static void
product_f32 (CudaDevice *cuda, CudaProduct *product)
{
  enum
  {
    DEPTH = 16,
    RESIDENT = 4,
    SHARED = 2 * 2 * DEPTH * (MATRIX_F32_TILE + 4) * (int) sizeof (float),
  };
  const int64_t tiles = ((int64_t) product->m + MATRIX_F32_TILE - 1) / MATRIX_F32_TILE
                        * ((product->n + MATRIX_F32_TILE - 1) / MATRIX_F32_TILE);
  const int64_t depths = (product->k + DEPTH - 1) / DEPTH;
  const CudaGrid grid
      = { .x = (unsigned) tiles, .y = 1, .z = 1, .threads = MATRIX_F32_THREADS, .shared = SHARED };

  launch_split (cuda, product, "product_f32", grid,
                choose_splits (cuda, MATRIX_F32_TILE, MATRIX_F32_TILE, RESIDENT, depths, product),
                depths);
}

/* Rows of an operand as the copy engine brings them: boxes of `box` rows × 128 bytes, swizzled. */
static bool
make_map (CudaDevice *cuda, CudaNumbers numbers, const CudaRows *rows, int64_t k, int box,
          CudaTensorMap *map)
{
  enum
  {
    /* CUtensorMapDataType, …Swizzle, …L2promotion of the driver's interface */
    UINT8 = 0,
    FLOAT16 = 6,
    BFLOAT16 = 9,
    SWIZZLE_128B = 3,
    PROMOTION_L2_256B = 3,
  };
  const uint64_t size[2] = { (uint64_t) k, (uint64_t) rows->rows };
  const uint64_t strides[1] = { (uint64_t) rows->stride };
  const uint32_t boxes[2] = { 128 / (uint32_t) esp_cuda_numbers_size (numbers), (uint32_t) box };
  const uint32_t steps[2] = { 1, 1 };
  const int type = numbers == CUDA_NUMBERS_E4M3  ? UINT8
                   : numbers == CUDA_NUMBERS_F16 ? FLOAT16
                                                 : BFLOAT16;
  CUtensorMap made;

  if (!esp_cuda_ok (cuda,
                    cuda->cu->tensor_map (&made, type, 2, (void *) (uintptr_t) rows->data, size,
                                          strides, boxes, steps, 0, SWIZZLE_128B, PROMOTION_L2_256B,
                                          0),
                    "describing a matrix"))
    return false;
  _Static_assert(sizeof made == sizeof *map, "the same bytes");
  memcpy (map, &made, sizeof *map);
  return true;
}

/* By as many blocks as there are multiprocessors, at most. */
static void
product_90 (CudaDevice *cuda, CudaNumbers numbers, const TileShape *shape, int multiprocessors,
            const CudaRows *a, const CudaRows *b, const CudaProduct *product)
{
  const int64_t tiles = tiles_of (shape, a->rows, b->rows);
  CudaProduct90 arguments = { .product = *product };
  const CudaGrid grid = { .x = (unsigned) (tiles < multiprocessors ? tiles : multiprocessors),
                          .y = 1,
                          .z = 1,
                          .threads = shape->threads,
                          .shared = shape->shared };

  if (make_map (cuda, numbers, a, a->k, shape->m, &arguments.a)
      && make_map (cuda, numbers, b, b->wrap != 0 ? b->wrap : b->k, shape->n, &arguments.b))
    esp_cuda_launch (cuda, CUDA_MODULE_MATRIX_90, shape->kernel[numbers], grid, &arguments,
                     sizeof arguments);
}

static void
product_bytes (CudaDevice *cuda, const CudaRows *a, const CudaRows *b, CudaProduct *product)
{
  enum
  {
    /* Bytes in matrix.cu */
    M = 128,
    N = 64,
    DEPTH = 64,
    THREADS = 256,
    RESIDENT = 2,
    SHARED = 3 * (M + N) * (DEPTH + DEPTH / 32 * 8),
  };
  const int64_t tiles = (a->rows + M - 1) / M * ((b->rows + N - 1) / N);
  const int64_t depths = (a->k + DEPTH - 1) / DEPTH;
  const CudaGrid grid
      = { .x = (unsigned) tiles, .y = 1, .z = 1, .threads = THREADS, .shared = SHARED };

  product->a_groups = a->groups;
  product->b_groups = b->groups;
  product->a_group_stride = a->group_stride;
  product->b_group_stride = b->group_stride;
  launch_split (cuda, product, b->affine ? "product_bytes_affine_128x64" : "product_bytes_128x64",
                grid, choose_splits (cuda, M, N, RESIDENT, depths, product), depths);
}

/* What a kernel is told, but for how the product is divided. */
static CudaProduct
describe (const CudaRows *a, const CudaRows *b, const CudaFinish *finish)
{
  CudaProduct product = { .a = a->data,
                          .b = b->data,
                          .a_stride = a->stride,
                          .b_stride = b->stride,
                          .m = (int32_t) a->rows,
                          .n = (int32_t) b->rows,
                          .k = (int32_t) a->k,
                          .b_wrap = (int32_t) (b->wrap * 2),
                          .splits = 1,
                          .finish = *finish };

  product.finish.row_scale = a->scales;
  product.finish.column_scale = b->scales;
  product.finish.scale = a->scale * b->scale;
  return product;
}

static void
multiply_tiles (CudaDevice *cuda, const TileShape *shape, int multiprocessors, CudaNumbers numbers,
                const CudaRows *a, const CudaRows *b, CudaProduct *product)
{
  const int64_t bytes = a->k * (int64_t) esp_cuda_numbers_size (numbers);
  const int64_t tiles = tiles_of (shape, a->rows, b->rows);
  const int64_t depths = (bytes + shape->depth - 1) / shape->depth;
  const CudaGrid grid = {
    .x = (unsigned) tiles, .y = 1, .z = 1, .threads = shape->threads, .shared = shape->shared
  };

  if (shape->wgmma)
    product_90 (cuda, numbers, shape, multiprocessors, a, b, product);
  else
    launch_split (cuda, product, shape->kernel[numbers], grid,
                  choose_splits (cuda, shape->m, shape->n, shape->resident, depths, product),
                  depths);
}

int
esp_cuda_tile_shapes (void)
{
  return (int) (sizeof shapes / sizeof *shapes);
}

bool
esp_cuda_tiles_by_wgmma (int shape)
{
  return shapes[shape].wgmma;
}

bool
esp_cuda_tiled_product (CudaDevice *cuda, int shape, CudaNumbers numbers, const CudaRows *a,
                        const CudaRows *b, const CudaFinish *finish)
{
  CudaProduct product = describe (a, b, finish);

  if (!is_possible (cuda, &shapes[shape], numbers, finish->head_dim))
    return false;
  multiply_tiles (cuda, &shapes[shape], 1, numbers, a, b, &product);
  return true;
}

void
esp_cuda_product (CudaDevice *cuda, CudaNumbers numbers, const CudaRows *a, const CudaRows *b,
                  const CudaFinish *finish)
{
  CudaProduct product = describe (a, b, finish);

  if (cuda->base.error.status != ESP_OK || a->rows == 0 || b->rows == 0
      || esp_cuda_blas_product (cuda, numbers, a, b, finish))
    return;
  if (numbers == CUDA_NUMBERS_F32)
    {
      product_f32 (cuda, &product);
      return;
    }
  if (numbers == CUDA_NUMBERS_BYTES || numbers == CUDA_NUMBERS_BYTES_FROM_MIDDLE)
    {
      product_bytes (cuda, a, b, &product);
      return;
    }
  multiply_tiles (
      cuda, choose_shape (cuda, numbers, deciding_rows (cuda, a->rows), b->rows, finish->head_dim),
      cuda->multiprocessors, numbers, a, b, &product);
}

void
esp_cuda_vector_product (CudaDevice *cuda, const EspTensor *x, const CudaMatrix *matrix,
                         bool precise, const CudaFinish *finish)
{
  const CudaView view = esp_cuda_view (x);
  enum
  {
    EACH = VECTOR_THREADS / 32 * VECTOR_COLUMNS
  };
  CudaVector arguments = {
    .x = view.data,
    .x_stride = view.stride,
    .x_type = view.type,
    .type = precise || cuda->base.compute == ESP_F32 ? CUDA_F32
            : cuda->base.compute == ESP_BF16         ? CUDA_BF16
                                                     : CUDA_F16,
    .w = matrix->data,
    .w_stride = (int64_t) esp_dtype_bytes (matrix->dtype, matrix->in),
    .w_scale = matrix->scale,
    .rows = (int32_t) x->rows,
    .n = (int32_t) matrix->out,
    .k = (int32_t) matrix->in,
    .finish = *finish,
  };

  arguments.finish.scale = 1;
  arguments.finish.column_scale = matrix->scales;
  esp_cuda_launch (cuda, CUDA_MODULE_MATRIX, vector_kernels[matrix->dtype],
                   (CudaGrid){ .x = (unsigned) ((matrix->out + EACH - 1) / EACH),
                               .y = 1,
                               .z = 1,
                               .threads = VECTOR_THREADS },
                   &arguments, sizeof arguments);
}
