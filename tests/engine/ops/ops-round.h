/* SPDX-License-Identifier: MIT */
/* ops-round.h: the round of a test of operations that runs: the processor at one instruction set
 * level, or the card, in f32 or with products of 16 bits, beside the reference. */
#pragma once

#include "device-pair.h"

extern DevicePair pair;

/* False, with nothing open, when this machine cannot run the level, which is as in pair_open (). */
bool round_open (const char *level, EspCompute compute, size_t weight_budget);
void round_close (void);

/* Do products take operands of 16 bits, in this round? */
bool narrow_round (void);
bool on_card (void);

/* oneDNN quietly falls back to loops that are a hundred times slower than its kernels when it does
 * not like a layout or an epilogue. What we give it has a kernel on every processor. */
bool onednn_had_kernels (void);

/* Another pair of the same kind; pair_close () closes it. */
void open_alike (DevicePair *other, int threads);

/* Always the same random numbers, of the caller to free. */
EspTensor tensor_of (EspDevice *device, int64_t rows, int64_t cols);
