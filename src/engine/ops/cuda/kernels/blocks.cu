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
