/* SPDX-License-Identifier: MIT */
/* cuda-hopper.c: see cuda-hopper.h. */
#include "ops/cuda/cuda-hopper.h"

#include <string.h>

/* cuTensorMapEncodeTiled()'s numbers (CUDA Driver API, Tensor Map Object Management). */
enum
{
  MAP_UINT8 = 0,
  MAP_FLOAT16 = 6,
  MAP_BFLOAT16 = 9,
  MAP_INTERLEAVE_NONE = 0,
  MAP_SWIZZLE_128B = 3,
  MAP_PROMOTION_256B = 3,
  MAP_FILL_ZEROS = 0,
  MAP_ROW_BYTES = 128, /* of a box: what the swizzle spans */
};

bool
esp_cuda_is_hopper (const CudaDevice *cuda)
{
  const CudaImage *images = cuda->kernels.images;

  return cuda->capability == 90 && !cuda->plain && cuda->cu->tensor_map != NULL
         && (cuda->cu->emulated
             || (images[CUDA_MODULE_MATRIX_90].bytes > 0
                 && images[CUDA_MODULE_ATTENTION_90].bytes > 0));
}

bool
esp_cuda_tensor_map (CudaDevice *cuda, const CudaView *view, bool bytes, int rows,
                     CudaTensorMap *map)
{
  const unsigned element = bytes ? 1 : 2;
  const uint64_t size[] = { (uint64_t) view->cols, (uint64_t) view->rows };
  const uint64_t strides[] = { (uint64_t) view->stride * element };
  const uint32_t box[] = { MAP_ROW_BYTES / element, (uint32_t) rows };
  const uint32_t steps[] = { 1, 1 };
  CUtensorMap made;

  if (!esp_cuda_ok (cuda,
                    cuda->cu->tensor_map (&made,
                                          bytes                     ? MAP_UINT8
                                          : view->type == CUDA_BF16 ? MAP_BFLOAT16
                                                                    : MAP_FLOAT16,
                                          2, (void *) (uintptr_t) view->data, size, strides, box,
                                          steps, MAP_INTERLEAVE_NONE, MAP_SWIZZLE_128B,
                                          MAP_PROMOTION_256B, MAP_FILL_ZEROS),
                    "describing a matrix to the copy engine"))
    return false;
  memcpy (map, &made, sizeof *map);
  return true;
}
