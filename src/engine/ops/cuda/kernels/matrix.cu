/* SPDX-License-Identifier: MIT */
/* matrix.cu: products x·Wᵀ.
 *
 * - product_TYPE_MxN: tensor cores (mma.sync). A block makes a tile of M × N sums; its operands
 * come through a ring of stages in shared memory (cp.async), in rows of KB bytes whose 16-byte
 * chunks are permuted so that neither writing nor ldmatrix meets a bank twice. bf16, f16 and E4M3
 * differ in the one instruction only: their fragments are the same bytes.
 * - product_bytes: block formats whose numbers are bytes with a scale for each 32, times x in
 * bytes: integers within a group, f32 from group to group.
 * - product_f32: the same sums in plain f32, for any alignment.
 * - vector_FORMAT: a few rows of x, limited by how fast W is read: W is read once, as it is stored.
 * - sum_splits: the end of products whose k was split among blocks.
 * - quantise_rows: activations (and weights) → E4M3 with a scale for each row.
 */
#include "ops/cuda/kernels/finish.cuh"

/* --- Tensor cores ------------------------------------------------------------------------------
 */

enum
{
  NUMBERS_BF16,
  NUMBERS_F16,
  NUMBERS_E4M3,
};

/* Blocks on a multiprocessor, for which registers are rationed; before sm_80 shared memory has room
 * for one only. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define RESIDENT 1
#else
#define RESIDENT 2
#endif

/* From sm_90 on mma.sync of E4M3 is several instructions, which want more registers: one block, and
 * no kernel with the largest tiles (cuda-product.c knows). */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define RESIDENT_bf16 2
#define RESIDENT_f16  2
#define RESIDENT_e4m3 1
#define HAS_WIDE_E4M3 false
#else
#define RESIDENT_bf16 RESIDENT
#define RESIDENT_f16  RESIDENT
#define RESIDENT_e4m3 RESIDENT
#define HAS_WIDE_E4M3 true
#endif

/* A tile's shape. WM × WN are a warp's sums, KB the bytes of a row of a stage. */
template <int tm, int tn, int wm, int wn, int kb, int stage_count> struct Shape
{
  static constexpr int TM = tm, TN = tn, WM = wm, WN = wn, KB = kb, STAGES = stage_count;
  static constexpr int WARPS_M = TM / WM, WARPS_N = TN / WN, THREADS = WARPS_M * WARPS_N * 32;
  static constexpr int STAGE_BYTES = (TM + TN) * KB;
  /* The sums on their way out: 16 rows of each row of warps at a time. */
  static constexpr int OUT_ROWS = 16 * WARPS_M, OUT_PITCH = TN + 4;
};

/* Where chunk c (16 bytes) of row r of a stage is. */
template <int KB>
ESP_DEVICE int
chunk_place (int row, int chunk)
{
  if constexpr (KB == 64)
    return row * KB + ((chunk ^ (row >> 1 & 3)) << 4);
  else
    return row * KB + ((chunk ^ (row & 7)) << 4);
}

template <int numbers>
ESP_DEVICE void
multiply (float c[4], const uint32_t a[4], const uint32_t b[2])
{
  if constexpr (numbers == NUMBERS_BF16)
    esp_mma_bf16 (c, a, b);
  else if constexpr (numbers == NUMBERS_F16)
    esp_mma_f16 (c, a, b);
  else
    esp_mma_e4m3 (c, a, b);
}

/* Rows of an operand that this thread copies: where they begin, and whether they exist. */
template <int ROWS, int KB, int THREADS> struct Rows
{
  static constexpr int EACH = ROWS * KB / 16 / THREADS;
  const uint8_t *from[EACH];
  int chunk;
  unsigned exist;

  ESP_MEMBER void
  begin (uint64_t data, int64_t stride, int first, int count)
  {
    chunk = (int) threadIdx.x % (KB / 16);
    exist = 0;
    for (int i = 0; i < EACH; i++)
      {
        const int row = first + ((int) threadIdx.x + i * THREADS) / (KB / 16);
        const bool there = row < count;

        from[i] = reinterpret_cast<const uint8_t *> (data) + (there ? row : 0) * stride;
        exist |= (unsigned) there << i;
      }
  }

  /* Columns [at, at + KB) in bytes of a row of `bytes` → a stage. */
  ESP_MEMBER void
  fetch (uint8_t *stage, int at, int bytes) const
  {
    const bool inside = at + chunk * 16 < bytes;

#pragma unroll
    for (int i = 0; i < EACH; i++)
      {
        const int row = ((int) threadIdx.x + i * THREADS) / (KB / 16);

        esp_copy16 (stage + chunk_place<KB> (row, chunk), from[i] + (inside ? at + chunk * 16 : 0),
                    inside && (exist >> i & 1));
      }
  }
};

/* Fragments of one step of 32 bytes of k. */
template <class S> struct Fragments
{
  uint32_t a[S::WM / 16][4], b[S::WN / 8][2];

  ESP_MEMBER void
  load (const uint8_t *stage, int warp_m, int warp_n, int step)
  {
    const int lane = (int) threadIdx.x & 31;
    const uint8_t *stage_b = stage + S::TM * S::KB;

#pragma unroll
    for (int i = 0; i < S::WM / 16; i++)
      esp_load_matrix_x4 (a[i], stage
                                    + chunk_place<S::KB> (warp_m * S::WM + i * 16 + (lane & 15),
                                                          step * 2 + (lane >> 4)));
#pragma unroll
    for (int i = 0; i < S::WN / 16; i++)
      {
        uint32_t both[4];

        esp_load_matrix_x4 (
            both, stage_b
                      + chunk_place<S::KB> (warp_n * S::WN + i * 16 + (lane & 7) + (lane >> 4 << 3),
                                            step * 2 + (lane >> 3 & 1)));
        b[2 * i][0] = both[0];
        b[2 * i][1] = both[1];
        b[2 * i + 1][0] = both[2];
        b[2 * i + 1][1] = both[3];
      }
  }
};

/* All sums of the block, 16 rows of each warp at a time, through shared memory to y (or to the sums
 * of the split). */
template <class S>
ESP_DEVICE void
finish_tile (const CudaProduct &a, float (&sum)[S::WM / 16][S::WN / 8][4], float *out, int m0,
             int n0)
{
  const int lane = (int) threadIdx.x & 31, warp = (int) threadIdx.x >> 5;
  const int warp_m = warp / S::WARPS_N, warp_n = warp % S::WARPS_N;
  constexpr int UNITS = S::OUT_ROWS * S::TN / 4;
  static_assert (UNITS % S::THREADS == 0, "all lanes take part in every unit");

#pragma unroll 1
  for (int pass = 0; pass < S::WM / 16; pass++)
    {
      __syncthreads ();
#pragma unroll
      for (int i = 0; i < S::WM / 16; i++)
        if (i == pass)
          for (int j = 0; j < S::WN / 8; j++)
            {
              float *at = out + (warp_m * 16 + (lane >> 2)) * S::OUT_PITCH + warp_n * S::WN + j * 8
                          + (lane & 3) * 2;

              *reinterpret_cast<float2 *> (at) = make_float2 (sum[i][j][0], sum[i][j][1]);
              *reinterpret_cast<float2 *> (at + 8 * S::OUT_PITCH)
                  = make_float2 (sum[i][j][2], sum[i][j][3]);
            }
      __syncthreads ();
#pragma unroll 1
      for (int unit = (int) threadIdx.x; unit < UNITS; unit += S::THREADS)
        {
          const int staged = unit / (S::TN / 4), column = unit % (S::TN / 4) * 4;
          const int row = m0 + staged / 16 * S::WM + pass * 16 + staged % 16, col = n0 + column;
          const float4 four
              = *reinterpret_cast<const float4 *> (out + staged * S::OUT_PITCH + column);
          float value[4] = { four.x, four.y, four.z, four.w };

          if (a.splits == 1)
            finish_four (a.finish, value, row, col, a.m, a.n);
          else if (row < a.m && col < a.n)
            *reinterpret_cast<float4 *> (reinterpret_cast<float *> (a.partial)
                                         + ((int64_t) blockIdx.z * a.m + row) * a.partial_stride
                                         + col)
                = four;
        }
    }
}

template <int numbers, class S>
ESP_DEVICE void
product (const CudaProduct &a)
{
  ESP_SHARED (uint8_t, shared);
  const int warp = (int) threadIdx.x >> 5;
  const int warp_m = warp / S::WARPS_N, warp_n = warp % S::WARPS_N;
  const int tiles_m = (a.m + S::TM - 1) / S::TM, tiles_n = (a.n + S::TN - 1) / S::TN;
  const int bytes = a.k * (numbers == NUMBERS_E4M3 ? 1 : 2);
  const int all = (bytes + S::KB - 1) / S::KB;
  const int begin = a.splits > 1 ? (int) blockIdx.z * a.split_tiles : 0;
  const int end = a.splits > 1 && begin + a.split_tiles < all ? begin + a.split_tiles : all;
  const int count = end > begin ? end - begin : 0;
  const int wrap = a.b_wrap != 0 ? a.b_wrap : bytes;
  Rows<S::TM, S::KB, S::THREADS> rows_a;
  Rows<S::TN, S::KB, S::THREADS> rows_b;
  float sum[S::WM / 16][S::WN / 8][4] = {};
  int tile_m, tile_n;

  tile_of_block (blockIdx.x, tiles_m, tiles_n, &tile_m, &tile_n);
  rows_a.begin (a.a, a.a_stride, tile_m * S::TM, a.m);
  rows_b.begin (a.b, a.b_stride, tile_n * S::TN, a.n);
#pragma unroll
  for (int i = 0; i < S::STAGES - 1; i++)
    {
      uint8_t *stage = shared + i * S::STAGE_BYTES;

      if (i < count)
        {
          rows_a.fetch (stage, (begin + i) * S::KB, bytes);
          rows_b.fetch (stage + S::TM * S::KB, (begin + i) * S::KB % wrap, wrap);
        }
      esp_copy_commit ();
    }
#pragma unroll 1
  for (int i = 0; i < count; i++)
    {
      const uint8_t *stage = shared + i % S::STAGES * S::STAGE_BYTES;
      const int next = i + S::STAGES - 1;
      Fragments<S> fragments[2];

      esp_copy_wait<S::STAGES - 2> ();
      __syncthreads (); /* everybody's copies are there, and everybody has left the stage before */
      if (next < count)
        {
          uint8_t *free = shared + next % S::STAGES * S::STAGE_BYTES;

          rows_a.fetch (free, (begin + next) * S::KB, bytes);
          rows_b.fetch (free + S::TM * S::KB, (begin + next) * S::KB % wrap, wrap);
        }
      esp_copy_commit ();
      fragments[0].load (stage, warp_m, warp_n, 0);
#pragma unroll
      for (int step = 0; step < S::KB / 32; step++)
        {
          if (step + 1 < S::KB / 32)
            fragments[(step + 1) & 1].load (stage, warp_m, warp_n, step + 1);
#pragma unroll
          for (int p = 0; p < S::WM / 16; p++)
#pragma unroll
            for (int q = 0; q < S::WN / 8; q++)
              multiply<numbers> (sum[p][q], fragments[step & 1].a[p], fragments[step & 1].b[q]);
        }
    }
  esp_copy_wait<0> ();
  finish_tile<S> (a, sum, reinterpret_cast<float *> (shared), tile_m * S::TM, tile_n * S::TN);
}

/* --- Bytes with a scale for each 32 of them ----------------------------------------------------
 */

/* 128 × 64 sums: with the groups' scales in the stages as well two blocks fit where there are 100
 * KiB of shared memory. */
typedef Shape<128, 64, 32, 32, 64, 3> Bytes;

enum
{
  GROUPS = Bytes::KB / 32, /* in a stage */
  GROUP_BYTES = GROUPS * 8,
  BYTES_STAGE = Bytes::STAGE_BYTES + (Bytes::TM + Bytes::TN) * GROUP_BYTES,
};

/* The groups of a stage, [GROUPS][rows] of two f32: 16 bytes are two rows'. */
template <int ROWS>
ESP_DEVICE void
fetch_groups (uint8_t *to, uint64_t groups, int64_t stride, int first, int rows, int group,
              int group_count)
{
  for (int i = (int) threadIdx.x; i < GROUPS * ROWS / 2; i += Bytes::THREADS)
    {
      const int g = i / (ROWS / 2), row = i % (ROWS / 2) * 2;
      const bool there = group + g < group_count && first + row < rows;

      esp_copy16 (to + (g * ROWS + row) * 8,
                  reinterpret_cast<const float2 *> (groups)
                      + (there ? (group + g) * static_cast<int> (stride) + first + row : 0),
                  there);
    }
}

/* One stage's bytes and groups. */
ESP_DEVICE void
fetch_bytes (const CudaProduct &a, const Rows<Bytes::TM, Bytes::KB, Bytes::THREADS> &rows_a,
             const Rows<Bytes::TN, Bytes::KB, Bytes::THREADS> &rows_b, uint8_t *stage, int tile,
             int m0, int n0)
{
  uint8_t *groups = stage + Bytes::STAGE_BYTES;

  rows_a.fetch (stage, tile * Bytes::KB, a.k);
  rows_b.fetch (stage + Bytes::TM * Bytes::KB, tile * Bytes::KB, a.k);
  fetch_groups<Bytes::TM> (groups, a.a_groups, a.a_group_stride, m0, a.m, tile * GROUPS, a.k / 32);
  fetch_groups<Bytes::TN> (groups + Bytes::TM * GROUP_BYTES, a.b_groups, a.b_group_stride, n0, a.n,
                           tile * GROUPS, a.k / 32);
}

/* Sums of 32 products are integers below 2^19. They are begun at the bits of 1.5·2^23, and so are
 * the bits of 1.5·2^23 and the sum as f32: to subtract is cheaper than to convert. */
template <bool affine>
ESP_DEVICE void
multiply_group (float (&sum)[Bytes::WM / 16][Bytes::WN / 8][4], const Fragments<Bytes> &fragments,
                const uint8_t *groups, int step, int warp_m, int warp_n)
{
  const int lane = (int) threadIdx.x & 31;
  const float2 *left = reinterpret_cast<const float2 *> (groups) + step * Bytes::TM
                       + warp_m * Bytes::WM + (lane >> 2);
  float2 row[Bytes::WM / 8];

#pragma unroll
  for (int p = 0; p < Bytes::WM / 8; p++)
    row[p] = left[p * 8];
#pragma unroll
  for (int q = 0; q < Bytes::WN / 8; q++)
    {
      const float4 right = *reinterpret_cast<const float4 *> (
          groups + Bytes::TM * GROUP_BYTES
          + (step * Bytes::TN + warp_n * Bytes::WN + q * 8 + (lane & 3) * 2) * 8);

#pragma unroll
      for (int p = 0; p < Bytes::WM / 16; p++)
        {
          int32_t c[4] = { 0x4B400000, 0x4B400000, 0x4B400000, 0x4B400000 };

          esp_mma_s8 (c, fragments.a[p], fragments.b[q]);
#pragma unroll
          for (int i = 0; i < 4; i++)
            {
              const float2 x = row[2 * p + i / 2];
              const float by = i % 2 == 0 ? right.x : right.z;
              const float add = i % 2 == 0 ? right.y : right.w;

              sum[p][q][i] += (bits_number ((uint32_t) c[i]) - 12582912.0f) * (x.x * by);
              if constexpr (affine)
                sum[p][q][i] += x.y * add;
            }
        }
    }
}

template <bool affine>
ESP_DEVICE void
product_bytes (const CudaProduct &a)
{
  ESP_SHARED (uint8_t, shared);
  const int warp = (int) threadIdx.x >> 5;
  const int warp_m = warp / Bytes::WARPS_N, warp_n = warp % Bytes::WARPS_N;
  const int tiles_m = (a.m + Bytes::TM - 1) / Bytes::TM;
  const int tiles_n = (a.n + Bytes::TN - 1) / Bytes::TN;
  const int all = (a.k + Bytes::KB - 1) / Bytes::KB;
  const int begin = a.splits > 1 ? (int) blockIdx.z * a.split_tiles : 0;
  const int end = a.splits > 1 && begin + a.split_tiles < all ? begin + a.split_tiles : all;
  const int count = end > begin ? end - begin : 0;
  Rows<Bytes::TM, Bytes::KB, Bytes::THREADS> rows_a;
  Rows<Bytes::TN, Bytes::KB, Bytes::THREADS> rows_b;
  float sum[Bytes::WM / 16][Bytes::WN / 8][4] = {};
  int tile_m, tile_n;

  tile_of_block (blockIdx.x, tiles_m, tiles_n, &tile_m, &tile_n);
  tile_m *= Bytes::TM;
  tile_n *= Bytes::TN;
  rows_a.begin (a.a, a.a_stride, tile_m, a.m);
  rows_b.begin (a.b, a.b_stride, tile_n, a.n);
#pragma unroll
  for (int i = 0; i < Bytes::STAGES - 1; i++)
    {
      if (i < count)
        fetch_bytes (a, rows_a, rows_b, shared + i * BYTES_STAGE, begin + i, tile_m, tile_n);
      esp_copy_commit ();
    }
#pragma unroll 1
  for (int i = 0; i < count; i++)
    {
      const uint8_t *stage = shared + i % Bytes::STAGES * BYTES_STAGE;
      const int next = i + Bytes::STAGES - 1;

      esp_copy_wait<Bytes::STAGES - 2> ();
      __syncthreads ();
      if (next < count)
        fetch_bytes (a, rows_a, rows_b, shared + next % Bytes::STAGES * BYTES_STAGE, begin + next,
                     tile_m, tile_n);
      esp_copy_commit ();
#pragma unroll 1
      for (int step = 0; step < GROUPS;
           step++) /* unrolled it wants more registers than there are */
        {
          Fragments<Bytes> fragments;
          const uint8_t *groups = stage + Bytes::STAGE_BYTES;

          fragments.load (stage, warp_m, warp_n, step);
          multiply_group<affine> (sum, fragments, groups, step, warp_m, warp_n);
        }
    }
  esp_copy_wait<0> ();
  finish_tile<Bytes> (a, sum, reinterpret_cast<float *> (shared), tile_m, tile_n);
}

ESP_KERNEL_RESIDENT (product_bytes_128x64, CudaProduct, Bytes::THREADS, RESIDENT)
{
  product_bytes<false> (a);
}

ESP_KERNEL_RESIDENT (product_bytes_affine_128x64, CudaProduct, Bytes::THREADS, RESIDENT)
{
  product_bytes<true> (a);
}

/* What cuda-product.c chooses from; its table has the same numbers. */
typedef Shape<128, 256, 64, 64, 64, 4> Wide;
typedef Shape<128, 128, 64, 32, 64, 3> Square;
typedef Shape<64, 64, 32, 32, 128, 3> Small;
typedef Shape<32, 128, 32, 32, 64, 4> Flat;

/* Does the card that this is compiled for have the instruction? Kernels without it are never
 * launched, and empty. */
template <int numbers>
ESP_DEVICE constexpr bool
is_there (void)
{
#ifdef __CUDA_ARCH__
  return numbers == NUMBERS_E4M3   ? ESP_HAS_FP8_MMA
         : numbers == NUMBERS_BF16 ? ESP_HAS_BF16_MMA
                                   : true;
#else
  return true;
#endif
}

template <int numbers, class S>
ESP_DEVICE void
product_if_there (const CudaProduct &a)
{
  if constexpr (is_there<numbers> () && (numbers != NUMBERS_E4M3 || S::TN < 256 || HAS_WIDE_E4M3))
    product<numbers, S> (a);
}

#define PRODUCT_KERNELS(type, numbers)                                                             \
  ESP_KERNEL_RESIDENT (product_##type##_128x256, CudaProduct, Wide::THREADS, 1)                    \
  {                                                                                                \
    product_if_there<numbers, Wide> (a);                                                           \
  }                                                                                                \
  ESP_KERNEL_RESIDENT (product_##type##_128x128, CudaProduct, Square::THREADS, RESIDENT_##type)    \
  {                                                                                                \
    product_if_there<numbers, Square> (a);                                                         \
  }                                                                                                \
  ESP_KERNEL_RESIDENT (product_##type##_64x64, CudaProduct, Small::THREADS, RESIDENT)              \
  {                                                                                                \
    product_if_there<numbers, Small> (a);                                                          \
  }                                                                                                \
  ESP_KERNEL_RESIDENT (product_##type##_32x128, CudaProduct, Flat::THREADS, RESIDENT)              \
  {                                                                                                \
    product_if_there<numbers, Flat> (a);                                                           \
  }

PRODUCT_KERNELS (bf16, NUMBERS_BF16)
PRODUCT_KERNELS (f16, NUMBERS_F16)
PRODUCT_KERNELS (e4m3, NUMBERS_E4M3)

ESP_KERNEL (sum_splits, CudaSumSplits, SUM_THREADS)
{
  const int each = (int) (a.stride / 4);
  /* One lane beyond the last column, and one row beyond the last, may come along: a warp stays
   * together. */
  const int64_t unit = (int64_t) blockIdx.x * SUM_THREADS + threadIdx.x;
  const int row = (int) (unit / each), col = (int) (unit % each) * 4;
  float value[4] = {};

  if (row < a.m)
    for (int split = 0; split < a.splits; split++)
      {
        const float4 four
            = *reinterpret_cast<const float4 *> (reinterpret_cast<const float *> (a.partial)
                                                 + ((int64_t) split * a.m + row) * a.stride + col);

        value[0] += four.x;
        value[1] += four.y;
        value[2] += four.z;
        value[3] += four.w;
      }
  finish_four (a.finish, value, row, col, a.m, a.n);
}

/* --- Plain f32 ---------------------------------------------------------------------------------
 */

enum
{
  F32_DEPTH = 16,
  F32_PITCH = MATRIX_F32_TILE + 4,
};

/* A tile of 64 rows × 16 of k, transposed, through registers; each thread brings four numbers of k
 * of one row. */
ESP_DEVICE void
f32_fetch (uint64_t data, int64_t stride, int row, int count, int at, int k, float number[4])
{
  const float *from = reinterpret_cast<const float *> (data + row * stride);

  for (int i = 0; i < 4; i++)
    number[i] = row < count && at + i < k ? from[at + i] : 0;
}

ESP_DEVICE void
f32_store (float *tile, int row, int at, const float number[4])
{
  for (int i = 0; i < 4; i++)
    tile[(at + i) * F32_PITCH + row] = number[i];
}

ESP_DEVICE void
f32_product (const CudaProduct &a)
{
  ESP_SHARED (float, shared);
  const int tiles_m = (a.m + MATRIX_F32_TILE - 1) / MATRIX_F32_TILE;
  const int tiles_n = (a.n + MATRIX_F32_TILE - 1) / MATRIX_F32_TILE;
  const int row = (int) threadIdx.x / 4, depth = (int) threadIdx.x % 4 * 4;
  const int own_m = (int) threadIdx.x / 16 * 4, own_n = (int) threadIdx.x % 16 * 4;
  const int all = (a.k + F32_DEPTH - 1) / F32_DEPTH;
  const int begin = a.splits > 1 ? (int) blockIdx.z * a.split_tiles : 0;
  const int end = a.splits > 1 && begin + a.split_tiles < all ? begin + a.split_tiles : all;
  float number[2][4], sum[4][4] = {};
  int tile_m, tile_n;

  tile_of_block (blockIdx.x, tiles_m, tiles_n, &tile_m, &tile_n);
  tile_m *= MATRIX_F32_TILE;
  tile_n *= MATRIX_F32_TILE;
  f32_fetch (a.a, a.a_stride, tile_m + row, a.m, begin * F32_DEPTH + depth, a.k, number[0]);
  f32_fetch (a.b, a.b_stride, tile_n + row, a.n, begin * F32_DEPTH + depth, a.k, number[1]);
#pragma unroll 1
  for (int i = begin; i < end; i++)
    {
      float *tile_a = shared + (i - begin) % 2 * (2 * F32_DEPTH * F32_PITCH);
      float *tile_b = tile_a + F32_DEPTH * F32_PITCH;

      f32_store (tile_a, row, depth, number[0]);
      f32_store (tile_b, row, depth, number[1]);
      __syncthreads (); /* the other pair of tiles is written next: one barrier is enough */
      if (i + 1 < end)
        {
          const int at = (i + 1) * F32_DEPTH + depth;

          f32_fetch (a.a, a.a_stride, tile_m + row, a.m, at, a.k, number[0]);
          f32_fetch (a.b, a.b_stride, tile_n + row, a.n, at, a.k, number[1]);
        }
#pragma unroll
      for (int k = 0; k < F32_DEPTH; k++)
        {
          const float4 p = *reinterpret_cast<const float4 *> (tile_a + k * F32_PITCH + own_m);
          const float4 q = *reinterpret_cast<const float4 *> (tile_b + k * F32_PITCH + own_n);
          const float left[4] = { p.x, p.y, p.z, p.w }, right[4] = { q.x, q.y, q.z, q.w };

          for (int x = 0; x < 4; x++)
            for (int y = 0; y < 4; y++)
              sum[x][y] += left[x] * right[y];
        }
    }
    /* Sixteen lanes have a row of the tile: finish_head finds its neighbours. */
#pragma unroll
  for (int x = 0; x < 4; x++)
    {
      const int r = tile_m + own_m + x, c = tile_n + own_n;

      if (a.splits == 1)
        finish_four (a.finish, sum[x], r, c, a.m, a.n);
      else if (r < a.m && c < a.n)
        *reinterpret_cast<float4 *> (reinterpret_cast<float *> (a.partial)
                                     + ((int64_t) blockIdx.z * a.m + r) * a.partial_stride + c)
            = make_float4 (sum[x][0], sum[x][1], sum[x][2], sum[x][3]);
    }
}

ESP_KERNEL (product_f32, CudaProduct, MATRIX_F32_THREADS)
{
  f32_product (a);
}

/* --- A few rows --------------------------------------------------------------------------------
 */

ESP_DEVICE void
vector_operand (const CudaVector &a, int row, int64_t first, float x[8])
{
  const int64_t at = row * a.x_stride + first;

  for (int k = 0; k < 8; k++)
    {
      float value = 0;

      if (row < a.rows && first + k < a.k)
        value = a.x_type == CUDA_F32 ? reinterpret_cast<const float *> (a.x)[at + k]
                : a.x_type == CUDA_BF16
                    ? bf16_number (reinterpret_cast<const uint16_t *> (a.x)[at + k])
                    : half_number (reinterpret_cast<const uint16_t *> (a.x)[at + k]);
      x[k] = rounded_to (a.type, value);
    }
}

/* A warp's lanes share VECTOR_COLUMNS rows of W and take eight numbers of k in turn. `ROWS`: of x,
 * at most. */
template <int format, int ROWS>
ESP_DEVICE void
vector_product (const CudaVector &a)
{
  const int lane = (int) threadIdx.x & 31;
  const int first
      = ((int) blockIdx.x * (VECTOR_THREADS / 32) + ((int) threadIdx.x >> 5)) * VECTOR_COLUMNS;
  const uint8_t *w = reinterpret_cast<const uint8_t *> (a.w);
  constexpr int bytes = Format<format>::bytes;
  const bool whole = (a.w | (uint64_t) a.w_stride) % (bytes == 1 ? 8 : 16) == 0;
  float sum[VECTOR_COLUMNS][ROWS] = {};

  if (first >= a.n) /* the whole warp */
    return;
#pragma unroll 1
  for (int64_t k = lane * 8; k < a.k; k += 32 * 8)
    {
      float weight[VECTOR_COLUMNS][8];

#pragma unroll
      for (int c = 0; c < VECTOR_COLUMNS; c++)
        {
          const int column = first + c < a.n ? first + c : a.n - 1;

          widen_eight<format> (w + column * a.w_stride, k, a.k, whole, weight[c]);
          for (int i = 0; i < 8; i++)
            weight[c][i] = rounded_to (a.type, times (weight[c][i], a.w_scale));
        }
#pragma unroll
      for (int row = 0; row < ROWS; row++)
        {
          float x[8];

          vector_operand (a, row, k, x);
#pragma unroll
          for (int c = 0; c < VECTOR_COLUMNS; c++)
            for (int i = 0; i < 8; i++)
              sum[c][row] += weight[c][i] * x[i];
        }
    }
#pragma unroll
  for (int c = 0; c < VECTOR_COLUMNS; c++)
#pragma unroll
    for (int row = 0; row < ROWS; row++)
      {
        const float total = esp_warp_sum (sum[c][row]);

        if (lane == (c * ROWS + row) % 32 && row < a.rows && first + c < a.n)
          finish_one (a.finish, total, row, first + c);
      }
}

#define VECTOR_KERNEL(name, elements, bytes)                                                       \
  ESP_KERNEL (vector_##name, CudaVector, VECTOR_THREADS)                                           \
  {                                                                                                \
    if (a.rows == 1)                                                                               \
      vector_product<FORMAT_##name, 1> (a);                                                        \
    else                                                                                           \
      vector_product<FORMAT_##name, VECTOR_ROWS> (a);                                              \
  }

CUDA_FORMATS (VECTOR_KERNEL)

/* --- E4M3 operands -----------------------------------------------------------------------------
 */

ESP_DEVICE float
quantise_number (const CudaQuantise &a, int64_t at)
{
  if (a.source_type == CUDA_F32)
    return reinterpret_cast<const float *> (a.source)[at];
  if (a.source_type == CUDA_BF16)
    return bf16_number (reinterpret_cast<const uint16_t *> (a.source)[at]);
  return half_number (reinterpret_cast<const uint16_t *> (a.source)[at]);
}

/* One row per block. */
ESP_DEVICE void
quantise_row (const CudaQuantise &a)
{
  ESP_SHARED (float, shared);
  const int row = (int) blockIdx.x, lane = (int) threadIdx.x & 31, warp = (int) threadIdx.x >> 5;
  const int64_t start = row * a.source_stride;
  float largest = 0, scale, inverse;

  for (int i = (int) threadIdx.x; i < a.cols; i += QUANTISE_THREADS)
    largest = fmaxf (largest, fabsf (quantise_number (a, start + i)));
  largest = esp_warp_max (largest);
  if (lane == 0)
    shared[warp] = largest;
  __syncthreads ();
  largest = esp_warp_max (shared[lane % (QUANTISE_THREADS / 32)]);
  scale = largest > 0 ? largest / 448.0f : 1.0f;
  inverse = 1.0f / scale;
  if (threadIdx.x == 0)
    reinterpret_cast<float *> (a.scales)[row] = scale;
  for (int64_t i = threadIdx.x * 4; i < a.target_stride; i += QUANTISE_THREADS * 4)
    {
      uint32_t word = 0;

      for (int k = 0; k < 4; k++)
        if (i + k < a.cols)
          word |= (uint32_t) e4m3_bits (quantise_number (a, start + i + k) * inverse) << (8 * k);
      reinterpret_cast<uint32_t *> (a.target + row * a.target_stride)[i / 4] = word;
    }
}

ESP_KERNEL (quantise_rows, CudaQuantise, QUANTISE_THREADS)
{
  quantise_row (a);
}
