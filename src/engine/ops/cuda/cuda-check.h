/* SPDX-License-Identifier: MIT */
/* cuda-check.h: does the card compute what it should? Asked when it is opened. */
#pragma once

#include "ops/cuda/cuda-device.h"

/* Ways of computing that have an alternative, so that the card can be used without. */
typedef enum
{
  CUDA_WAY_PRODUCT,         /* products by mma.sync: the one without which a card is refused */
  CUDA_WAY_ATTENTION,       /* attention by mma.sync */
  CUDA_WAY_BYTES,           /* products of signed bytes */
  CUDA_WAY_FP8,             /* products of E4M3 by mma.sync */
  CUDA_WAY_BLAS,            /* products by cuBLASLt */
  CUDA_WAY_WGMMA_PRODUCT,   /* products by wgmma and the copy engine */
  CUDA_WAY_WGMMA_ATTENTION, /* attention by the same */
  CUDA_WAY_COUNT
} CudaWay;

/* What came of it. */
typedef enum
{
  CUDA_CHECK_PASSED, /* perhaps with ways that esp_cuda_trusts() knows not to be used */
  CUDA_CHECK_FAILED, /* the card is of no use: a sticky error says why */
  CUDA_CHECK_LOST,   /* a way has taken the card's context with it: the device is to be freed,
                        the context made anew, and the card opened again, without that way */
  CUDA_CHECK_STUCK,  /* as FAILED, and whoever waits for the card waits for ever: nothing of the
                        device may be freed */
} CudaCheck;

/* Has each way that this device would take make a small product or attention whose result is known,
 * and compares; ways that fail are not taken (base.caveat says so). The result is kept for the card
 * as long as the process runs. Called once, before anything else is asked of the device. */
CudaCheck esp_cuda_check (CudaDevice *cuda, const EspCudaCard *card);

/* What is known of the card so far, for people; "" if nothing is amiss. */
void esp_cuda_check_words (const EspCudaCard *card, char *text, size_t size);

/* Does it wait for ever, as far as this process knows? Then nothing may be asked of it. The error
 * that says so. */
bool esp_cuda_check_is_stuck (const EspCudaCard *card, EspError *error);

/* May it be taken? */
bool esp_cuda_trusts (const CudaDevice *cuda, CudaWay way);
