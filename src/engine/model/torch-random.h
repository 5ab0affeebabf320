/* SPDX-License-Identifier: MIT */
/* torch-random.h: the noise that PyTorch's CPU generator gives for a seed, so that a seed means the
 * same picture here as in the other tools that run Kontext on the CPU generator. */
#pragma once

#include <stdint.h>

/* Fills `values` with `count` float32 numbers of the standard normal distribution: what
 * torch.randn (count, generator=torch.Generator ("cpu").manual_seed (seed)) gives, to 1e-6.
 *
 * A fresh generator is used for every call. PyTorch draws differently for fewer than 16 numbers
 * (double precision) and for 16 and more (24-bit uniforms in blocks of 16, the last block redrawn
 * when `count` is no multiple of 16); so does this. `count` ≤ 0 does nothing. */
void esp_torch_randn (uint32_t seed, float *values, int64_t count);
