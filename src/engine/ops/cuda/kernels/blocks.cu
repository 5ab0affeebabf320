/* SPDX-License-Identifier: MIT */
/* blocks.cu: weights of every format → f32, bf16 or f16 rows that products read. */
#include "ops/cuda/kernels/formats.cuh"

/* Eight numbers into a row of the target, 16-aligned. */
ESP_DEVICE void
store_eight (void *row, int64_t first, int type, const float value[8])
{
  if (type == CUDA_F32)
    {
      float4 *target = reinterpret_cast<float4 *> (static_cast<float *> (row) + first);

      target[0] = make_float4 (value[0], value[1], value[2], value[3]);
      target[1] = make_float4 (value[4], value[5], value[6], value[7]);
    }
  else
    {
      uint4 *target = reinterpret_cast<uint4 *> (static_cast<uint16_t *> (row) + first);

      *target = make_uint4 (
          narrow_pair (type, value[0], value[1]), narrow_pair (type, value[2], value[3]),
          narrow_pair (type, value[4], value[5]), narrow_pair (type, value[6], value[7]));
    }
}

template <int format>
ESP_DEVICE void
widen_rows (const CudaWiden &a)
{
  constexpr int bytes = Format<format>::bytes;
  const int64_t width = a.split != CUDA_SPLIT_NONE ? a.target_stride / 3 : a.target_stride;
  const uint32_t each = (uint32_t) (width / 8);
  const uint32_t unit = blockIdx.x * (uint32_t) WIDEN_THREADS + threadIdx.x;
  const uint32_t row = unit / each;
  const int64_t first = (int64_t) (unit % each) * 8;
  const uint8_t *source = reinterpret_cast<const uint8_t *> (a.source) + row * a.source_stride;
  const bool whole = (a.source | (uint64_t) a.source_stride) % (bytes == 1 ? 8 : 16) == 0;
  float value[8];

  if (row >= (uint32_t) a.rows)
    return;
  widen_eight<format> (source, first, a.cols, whole, value);
  for (int k = 0; k < 8; k++)
    value[k] = times (value[k], a.scale);
  uint8_t *target = reinterpret_cast<uint8_t *> (a.target)
                    + row * a.target_stride * (a.target_type == CUDA_F32 ? 4 : 2);
  store_eight (target, first, a.target_type, value);
  if (a.split != CUDA_SPLIT_NONE)
    {
      float low[8];

      for (int k = 0; k < 8; k++)
        low[k] = value[k] - rounded_to (CUDA_BF16, value[k]);
      store_eight (target, width + first, CUDA_BF16, a.split == CUDA_SPLIT_X ? low : value);
      store_eight (target, 2 * width + first, CUDA_BF16, a.split == CUDA_SPLIT_X ? value : low);
    }
}

#define WIDEN_KERNEL(name, elements, bytes)                                                        \
  ESP_KERNEL (widen_##name, CudaWiden, WIDEN_THREADS)                                              \
  {                                                                                                \
    widen_rows<FORMAT_##name> (a);                                                                 \
  }

CUDA_FORMATS (WIDEN_KERNEL)

/* --- Signed bytes ------------------------------------------------------------------------------
 */

ESP_DEVICE void
store_bytes (const CudaBytes &a, int64_t row, int64_t first, const int number[8], float by,
             float more)
{
  uint32_t word[2] = {};

  for (int k = 0; k < 8; k++)
    word[k / 4] |= (uint32_t) (number[k] & 0xFF) << (k % 4 * 8);
  *reinterpret_cast<uint2 *> (a.target + (uint64_t) (row * a.cols + first))
      = make_uint2 (word[0], word[1]);
  if (first % BYTES_GROUP == 0)
    reinterpret_cast<float2 *> (a.groups)[first / BYTES_GROUP * a.group_stride + row]
        = make_float2 (by, more);
}

/* Of the four lanes that share a group. */
ESP_DEVICE int
group_sum (const int number[8])
{
  int sum = 0;

  for (int k = 0; k < 8; k++)
    sum += number[k];
  sum += __shfl_xor_sync (0xffffffffu, sum, 1);
  return sum + __shfl_xor_sync (0xffffffffu, sum, 2);
}

template <int format>
ESP_DEVICE void
bytes_of_blocks (const CudaBytes &a)
{
  const uint32_t each = (uint32_t) a.cols / 8;
  const uint32_t unit = blockIdx.x * (uint32_t) WIDEN_THREADS + threadIdx.x;
  const uint32_t row = unit / each;
  const int64_t first = (int64_t) (unit % each) * 8;
  const bool there = row < (uint32_t) a.rows;
  const uint8_t *source
      = reinterpret_cast<const uint8_t *> (a.source) + (there ? row : 0) * a.source_stride;
  Group group;
  int sum;

  block_group<format> (source + first / Format<format>::block * Format<format>::bytes,
                       (int) (first % Format<format>::block / 8), &group);
  sum = group_sum (group.number);
  if (there)
    store_bytes (a, row, first, group.number, group.by * a.scale,
                 (a.one_sided ? group.by * (float) sum : group.add) * a.scale);
}

#define BYTES_KERNEL(name, affine)                                                                 \
  ESP_KERNEL (bytes_##name, CudaBytes, WIDEN_THREADS)                                              \
  {                                                                                                \
    bytes_of_blocks<FORMAT_##name> (a);                                                            \
  }

CUDA_BYTE_FORMATS (BYTES_KERNEL)

/* Four lanes share a group. */
ESP_KERNEL (bytes_of_rows, CudaBytes, WIDEN_THREADS)
{
  const uint32_t each = (uint32_t) a.cols / 8;
  const uint32_t unit = blockIdx.x * (uint32_t) WIDEN_THREADS + threadIdx.x;
  const uint32_t row = unit / each;
  const int64_t first = (int64_t) (unit % each) * 8;
  const int size = a.source_type == CUDA_F32 ? 4 : 2;
  const bool there = row < (uint32_t) a.rows;
  const uint8_t *source
      = reinterpret_cast<const uint8_t *> (a.source) + (there ? row : 0) * a.source_stride * size;
  const bool whole = (a.source | (uint64_t) (a.source_stride * size)) % 16 == 0;
  float value[8], least, most, middle = 0, bad = 0, largest, inverse;
  int number[8], sum;

  if (a.source_type == CUDA_F32)
    widen_eight<FORMAT_F32> (source, first, a.cols, whole, value);
  else if (a.source_type == CUDA_BF16)
    widen_eight<FORMAT_BF16> (source, first, a.cols, whole, value);
  else
    widen_eight<FORMAT_F16> (source, first, a.cols, whole, value);
  least = most = value[0];
  for (int k = 1; k < 8; k++)
    {
      least = fminf (least, value[k]);
      most = fmaxf (most, value[k]);
    }
  for (int step = 1; step < 4; step *= 2)
    {
      least = fminf (least, __shfl_xor_sync (0xffffffffu, least, step));
      most = fmaxf (most, __shfl_xor_sync (0xffffffffu, most, step));
    }
  /* A group with NaN or infinity gets a scale that is NaN. */
  for (int k = 0; k < 8; k++)
    bad += times (value[k], 0);
  for (int step = 1; step < 4; step *= 2)
    bad += __shfl_xor_sync (0xffffffffu, bad, step);
  if (a.one_sided && bad == 0)
    middle = 0.5f * least + 0.5f * most;
  largest = bad == 0 ? fmaxf (most - middle, middle - least) : 0;
  inverse = largest > 0 ? 127.0f / largest : 0;
  for (int k = 0; k < 8; k++)
    number[k] = bad == 0 ? (int) rintf (times (plus (value[k], -middle), inverse)) : 0;
  sum = group_sum (number);
  if (there)
    store_bytes (a, row, first, number, largest / 127.0f + bad,
                 a.one_sided ? middle : (float) sum * (largest / 127.0f));
}
