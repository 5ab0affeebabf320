/* SPDX-License-Identifier: MIT */
/* ops-reference.h: the table of operations in plain loops, for tests only.
 *
 * Every sum is kept in f64 and every result rounded once, so it is the yardstick for the fast
 * devices; and it shows that the table is all that a device needs to have. */
#pragma once

#include "ops/ops.h"

/* `compute` ESP_COMPUTE_BF16 rounds the operands of products to bf16 first; ESP_COMPUTE_AUTO is
 * f32. */
EspStatus esp_reference_device_new (EspCompute compute, EspDevice **device, EspError *error);
