/* SPDX-License-Identifier: MIT */
/* cuda-cards.h: choosing among the driver's cards. */
#pragma once

#include "ops/cuda/cuda-driver.h"
#include "ops/cuda/cuda.h"

/* The card of this number, or, for -1, the usable one with the most free memory.
 * ESP_ERROR_UNSUPPORTED with one line if there is none such. */
EspStatus esp_cuda_choose_card (const EspCudaDriver *driver, int ordinal, EspCudaCard *card,
                                EspError *error);
