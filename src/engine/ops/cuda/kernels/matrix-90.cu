/* SPDX-License-Identifier: MIT */
/* matrix-90.cu: products x·Wᵀ on sm_90a.
 *
 * A block stays on its multiprocessor and makes one tile of 128 × N sums after the other. One
 * thread has the copy engine fill a ring of stages, 128 bytes of k each, and is always as far ahead
 * as the ring is long, in the next tile too; two groups of four warps, 64 rows each, multiply what
 * has come. Two barriers a stage tell full and free.
 */
#include "ops/cuda/kernels/finish.cuh"
#include "ops/cuda/kernels/wgmma.cuh"

enum
{
  NUMBERS_BF16,
  NUMBERS_F16,
  NUMBERS_E4M3,
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

enum
{
  KB = 128, /* bytes of a row of a stage */
  CONSUMERS = 2,
  CONSUMER_WARPS = 4 * CONSUMERS,
  OUT_PITCH = 40, /* floats: of 32 columns on their way out */
};

template <int tn, int stage_count> struct Tile
{
  static constexpr int TN = tn, STAGES = stage_count, SUMS = tn / 2;
  static constexpr int BYTES_A = MATRIX_90_ROWS * KB, BYTES_B = tn * KB, BYTES = BYTES_A + BYTES_B;
  static constexpr int OUT_AT = STAGES * BYTES;
  static constexpr int OUT_BYTES = CONSUMER_WARPS * 16 * OUT_PITCH * 4;
  static constexpr int BARRIERS_AT = OUT_AT + OUT_BYTES;
};

/* A place in the ring, and how often it has been passed. */
typedef struct Place
{
  int stage;
  unsigned phase;
} Place;

template <int STAGES>
ESP_DEVICE void
step_on (Place *place)
{
  if (++place->stage == STAGES)
    {
      place->stage = 0;
      place->phase ^= 1;
    }
}

/* 64 × TN sums += 32 bytes of k. */
template <int numbers, int TN>
ESP_DEVICE void
multiply (float *sum, uint64_t a, uint64_t b, bool more)
{
  if constexpr (TN == 128)
    {
      if constexpr (numbers == NUMBERS_BF16)
        esp_wgmma_bf16_x128 (sum, a, b, more);
      else if constexpr (numbers == NUMBERS_F16)
        esp_wgmma_f16_x128 (sum, a, b, more);
      else
        esp_wgmma_e4m3_x128 (sum, a, b, more);
    }
  else if constexpr (TN == 192)
    {
      if constexpr (numbers == NUMBERS_BF16)
        esp_wgmma_bf16_x192 (sum, a, b, more);
      else if constexpr (numbers == NUMBERS_F16)
        esp_wgmma_f16_x192 (sum, a, b, more);
      else
        esp_wgmma_e4m3_x192 (sum, a, b, more);
    }
  else
    {
      if constexpr (numbers == NUMBERS_BF16)
        esp_wgmma_bf16_x256 (sum, a, b, more);
      else if constexpr (numbers == NUMBERS_F16)
        esp_wgmma_f16_x256 (sum, a, b, more);
      else
        esp_wgmma_e4m3_x256 (sum, a, b, more);
    }
}

/* --- From sums to y ----------------------------------------------------------------------------
 */

/* Two neighbouring sums of a row: scales and bias. */
ESP_DEVICE void
begin_pair (const CudaFinish &f, float *value, int row, int col, bool there)
{
  const float by = f.row_scale != 0 && there
                       ? f.scale * reinterpret_cast<const float *> (f.row_scale)[row]
                       : f.scale;

  for (int i = 0; i < 2; i++)
    {
      value[i] *= by;
      if (f.column_scale != 0 && there)
        value[i] *= reinterpret_cast<const float *> (f.column_scale)[col + i];
      if (f.bias != 0 && there)
        value[i] += reinterpret_cast<const float *> (f.bias)[col + i];
    }
}

/* Heads of 128 columns where the sums are: a row's are in four lanes. Scales and bias are done as
 * well. n is a multiple of 128 or, behind the keys, of 2. */
template <class T>
ESP_DEVICE void
finish_heads (const CudaProduct &a, float *sum, int first_row, int n0)
{
  const CudaFinish &f = a.finish;
  const int lane = (int) threadIdx.x & 31;

#pragma unroll
  for (int head = 0; head < T::TN / 128; head++)
    {
      const int column = f.first_column + n0 + head * 128;
      const float *weight
          = reinterpret_cast<const float *> (column < f.head_columns ? f.weight_q : f.weight_k);

#pragma unroll
      for (int half = 0; half < 2; half++)
        {
          const int row = first_row + (lane >> 2) + 8 * half;
          float squares = 0, inverse;

#pragma unroll
          for (int j = 16 * head; j < 16 * head + 16; j++)
            {
              float *pair = sum + 4 * j + 2 * half;
              const int col = n0 + 8 * j + 2 * (lane & 3);

              begin_pair (f, pair, row, col, row < a.m && col + 1 < a.n);
              squares += pair[0] * pair[0] + pair[1] * pair[1];
            }
          squares += __shfl_xor_sync (0xffffffffu, squares, 1);
          squares += __shfl_xor_sync (0xffffffffu, squares, 2);
          inverse = 1.0f / sqrtf (squares / 128.0f + f.eps);
          if (column < 2 * f.head_columns)
#pragma unroll
            for (int j = 0; j < 16; j++)
              {
                float *pair = sum + 4 * (16 * head + j) + 2 * half;
                const int in_head = 8 * j + 2 * (lane & 3);
                const float even = pair[0] * inverse * weight[in_head];
                const float odd = pair[1] * inverse * weight[in_head + 1];
                float c = 1, s = 0;

                if (f.cosine != 0 && row < a.m)
                  {
                    const int64_t at = (int64_t) row * 64 + in_head / 2;

                    c = reinterpret_cast<const float *> (f.cosine)[at];
                    s = reinterpret_cast<const float *> (f.sine)[at];
                  }
                pair[0] = even * c - odd * s;
                pair[1] = odd * c + even * s;
              }
        }
    }
}

/* A warp's 16 rows, 32 columns at a time through shared memory, so that whole sectors of y are
 * written. */
template <class T>
ESP_DEVICE void
finish_rows (const CudaProduct &a, float *sum, float *out, int first_row, int n0)
{
  const int lane = (int) threadIdx.x & 31;
  const bool heads = a.finish.head_dim != 0;

  if constexpr (T::TN % 128 == 0)
    if (heads)
      finish_heads<T> (a, sum, first_row, n0);
#pragma unroll 1
  for (int piece = 0; piece < T::TN / 32; piece++)
    {
      __syncwarp ();
#pragma unroll
      for (int j = 0; j < T::TN / 8; j++)
        if (j / 4 == piece)
          {
            float *at = out + (lane >> 2) * OUT_PITCH + j % 4 * 8 + (lane & 3) * 2;

            *reinterpret_cast<float2 *> (at) = make_float2 (sum[4 * j], sum[4 * j + 1]);
            *reinterpret_cast<float2 *> (at + 8 * OUT_PITCH)
                = make_float2 (sum[4 * j + 2], sum[4 * j + 3]);
          }
      __syncwarp ();
#pragma unroll 1
      for (int i = 0; i < 4; i++)
        {
          const int staged = i * 4 + (lane >> 3), column = (lane & 7) * 4;
          const int row = first_row + staged, col = n0 + piece * 32 + column;
          const int count = row < a.m ? a.n - col : 0;
          const float4 four = *reinterpret_cast<const float4 *> (out + staged * OUT_PITCH + column);
          float value[4] = { four.x, four.y, four.z, four.w };

          if (!heads)
            finish_begin (a.finish, value, row, col, count);
          finish_end (a.finish, value, row, col, count);
        }
    }
}

/* --- The two roles -----------------------------------------------------------------------------
 */

template <class T>
ESP_DEVICE void
produce (const CudaProduct90 &a, uint8_t *shared, uint64_t *full, uint64_t *freed, int size)
{
  const CudaProduct &p = a.product;
  const int tiles_m = (p.m + MATRIX_90_ROWS - 1) / MATRIX_90_ROWS;
  const int tiles_n = (p.n + T::TN - 1) / T::TN;
  const int each = KB / size, wrap = p.b_wrap != 0 ? p.b_wrap / size : p.k;
  Place place = { 0, 1 }; /* at first all stages are free */

  for (unsigned tile = blockIdx.x; tile < (unsigned) (tiles_m * tiles_n); tile += gridDim.x)
    {
      int tile_m, tile_n;

      tile_of_block (tile, tiles_m, tiles_n, &tile_m, &tile_n);
      for (int k = 0, kb = 0; k < p.k; k += each, kb += each)
        {
          uint8_t *stage = shared + place.stage * T::BYTES;

          if (kb >= wrap)
            kb = 0;
          esp_mbarrier_wait_briefly (&freed[place.stage], place.phase);
          esp_mbarrier_expect (&full[place.stage], T::BYTES);
          esp_tensor_copy (stage, &a.a, k, tile_m * MATRIX_90_ROWS, &full[place.stage]);
          esp_tensor_copy (stage + T::BYTES_A, &a.b, kb, tile_n * T::TN, &full[place.stage]);
          step_on<T::STAGES> (&place);
        }
    }
  /* Sees to it that all ends. */
  for (int i = 0; i < T::STAGES; i++)
    {
      esp_mbarrier_wait_briefly (&freed[place.stage], place.phase);
      step_on<T::STAGES> (&place);
    }
}

template <int numbers, class T>
ESP_DEVICE void
consume (const CudaProduct &p, uint8_t *shared, uint64_t *full, uint64_t *freed, int group,
         int size)
{
  const int tiles_m = (p.m + MATRIX_90_ROWS - 1) / MATRIX_90_ROWS;
  const int tiles_n = (p.n + T::TN - 1) / T::TN;
  const int each = KB / size, lane = (int) threadIdx.x & 31;
  const int warp = ((int) threadIdx.x >> 5) - 4; /* of all consumers' */
  float *out = reinterpret_cast<float *> (shared + T::OUT_AT) + warp * 16 * OUT_PITCH;
  float sum[T::SUMS];
  Place place = { 0, 0 };

  for (unsigned tile = blockIdx.x; tile < (unsigned) (tiles_m * tiles_n); tile += gridDim.x)
    {
      int tile_m, tile_n, before = -1;

      tile_of_block (tile, tiles_m, tiles_n, &tile_m, &tile_n);
      for (int k = 0; k < p.k; k += each)
        {
          uint8_t *stage = shared + place.stage * T::BYTES;
          const uint64_t left = esp_wgmma_operand (stage + group * 64 * KB, 16, 8 * KB);
          const uint64_t right = esp_wgmma_operand (stage + T::BYTES_A, 16, 8 * KB);

          esp_mbarrier_wait (&full[place.stage], place.phase);
          esp_wgmma_fence ();
#pragma unroll
          for (int step = 0; step < KB / 32; step++)
            multiply<numbers, T::TN> (sum, esp_wgmma_further (left, step * 32),
                                      esp_wgmma_further (right, step * 32), k > 0 || step > 0);
          esp_wgmma_commit ();
          esp_wgmma_wait<1> (); /* the stage before has been read */
          if (before >= 0 && lane == 0)
            esp_mbarrier_arrive (&freed[before]);
          before = place.stage;
          step_on<T::STAGES> (&place);
        }
      esp_wgmma_wait<0> ();
      esp_wgmma_settled<T::SUMS> (sum);
      if (before >= 0 && lane == 0)
        esp_mbarrier_arrive (&freed[before]);
      finish_rows<T> (p, sum, out, tile_m * MATRIX_90_ROWS + warp * 16, tile_n * T::TN);
    }
}

template <int numbers, class T>
ESP_DEVICE void
product_90 (const CudaProduct90 &a)
{
  ESP_SHARED (uint8_t, shared);
  uint64_t *full = reinterpret_cast<uint64_t *> (shared + T::BARRIERS_AT);
  uint64_t *freed = full + T::STAGES;
  const int group = (int) threadIdx.x / 128;
  constexpr int size = numbers == NUMBERS_E4M3 ? 1 : 2;

  if (esp_shared_address (shared) % 1024 != 0)
    __trap (); /* what swizzled operands rely on */
  if (threadIdx.x == 0)
    {
      for (int i = 0; i < T::STAGES; i++)
        {
          esp_mbarrier_init (&full[i], 1);
          esp_mbarrier_init (&freed[i], CONSUMER_WARPS);
        }
      esp_mbarrier_init_done ();
    }
  __syncthreads ();
  if (group == 0)
    {
      esp_registers_release<40> ();
      if (threadIdx.x == 0)
        produce<T> (a, shared, full, freed, size);
    }
  else
    {
      esp_registers_take<232> ();
      consume<numbers, T> (a.product, shared, full, freed, group - 1, size);
    }
}

#define PRODUCT_90(numbers, tile, stages) product_90<numbers, Tile<tile, stages> > (a)
#else
#define PRODUCT_90(numbers, tile, stages)
#endif

/* cuda-product.c has the same stages. */
#define KERNELS_90(type, numbers)                                                                  \
  ESP_KERNEL_RESIDENT (product_90_##type##_128x256, CudaProduct90, MATRIX_90_THREADS, 1)           \
  {                                                                                                \
    PRODUCT_90 (numbers, 256, 4);                                                                  \
  }                                                                                                \
  ESP_KERNEL_RESIDENT (product_90_##type##_128x192, CudaProduct90, MATRIX_90_THREADS, 1)           \
  {                                                                                                \
    PRODUCT_90 (numbers, 192, 5);                                                                  \
  }                                                                                                \
  ESP_KERNEL_RESIDENT (product_90_##type##_128x128, CudaProduct90, MATRIX_90_THREADS, 1)           \
  {                                                                                                \
    PRODUCT_90 (numbers, 128, 6);                                                                  \
  }

KERNELS_90 (bf16, NUMBERS_BF16)
KERNELS_90 (f16, NUMBERS_F16)
KERNELS_90 (e4m3, NUMBERS_E4M3)
