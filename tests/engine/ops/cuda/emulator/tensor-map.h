/* SPDX-License-Identifier: MIT */
/* tensor-map.h: what the emulated driver writes into a CUtensorMap, for the emulated copy engine.
 */
#pragma once

#include <stdint.h>

namespace cuemu
{

/* A matrix of rows of `cols` elements, copied in boxes of `box` rows of 128 bytes. */
struct TensorMap
{
  uint64_t data;
  int64_t cols, rows;
  int64_t stride; /* bytes */
  int32_t box, element;
};
static_assert (sizeof (TensorMap) <= 128, "as large as the card's");

}
