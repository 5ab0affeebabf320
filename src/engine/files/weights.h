/* SPDX-License-Identifier: MIT */
/* weights.h: named tensors of one model component, whatever files they lie in.
 *
 * EspWeight is a borrowed view into a memory-mapped file: it is valid as long as the EspWeights it
 * came from is open. Nothing is copied or converted here.
 */
#pragma once

#include "files/number-format.h"
#include "status.h"

#define ESP_WEIGHT_MAX_DIMS 8

typedef struct EspWeight
{
  const char *name; /* as in the file; owned by the EspWeights */
  const char *file; /* path of the file it lies in, for messages; owned by the EspWeights */
  EspDType dtype;
  int dims;
  int64_t shape[ESP_WEIGHT_MAX_DIMS]; /* outermost first; [out, in] for a linear layer */
  int64_t count;                      /* product of the shape */
  const void *data;                   /* contiguous, row-major, no alignment promised */
  float scale; /* every stored number times this (scaled fp8); 0 = the numbers as they are */
} EspWeight;

/* Numbers [first, first + count) of a weight in f32, its scale applied: the one way to read a
 * weight's numbers. first and count are multiples of esp_dtype_block(). */
void esp_weight_to_f32 (const EspWeight *weight, int64_t first, int64_t count, float *numbers);

typedef struct EspWeights EspWeights;

/* Opens the safetensors file(s) of one diffusers/transformers sub-folder:
 * `folder`/`stem`.safetensors, or the shards that `folder`/`stem`.safetensors.index.json lists in
 * its "weight_map". Every header is validated in full (bounds, overlaps, shapes, known dtypes)
 * before this returns; no tensor data is touched. Errors: ESP_ERROR_FILE, ESP_ERROR_FORMAT,
 * ESP_ERROR_UNSUPPORTED (a dtype that the format does not know), ESP_ERROR_MEMORY.
 *
 * Tensors in a number format that the format knows but number-format.h does not (I64 position ids,
 * F8_E4M3, …) are checked like the others and then left out of find, count, at and bytes; only
 * esp_weights_require() says what they are. */
EspStatus esp_weights_open (const char *folder, const char *stem, EspWeights **weights,
                            EspError *error);

/* The same for one named file. */
EspStatus esp_weights_open_file (const char *path, EspWeights **weights, EspError *error);

/* Unmaps everything. NULL is allowed. */
void esp_weights_close (EspWeights *weights);

/* The tensor called `name`, or NULL. */
const EspWeight *esp_weights_find (const EspWeights *weights, const char *name);

int64_t esp_weights_count (const EspWeights *weights);
const EspWeight *esp_weights_at (const EspWeights *weights, int64_t index); /* in name order */

/* Total bytes of tensor data, for the memory plan. */
size_t esp_weights_bytes (const EspWeights *weights);

/* Finds `name` and checks its shape (`dims` numbers follow in `shape`; -1 accepts any extent).
 * A missing tensor or another shape is ESP_ERROR_FORMAT with a message that names file, tensor,
 * what was expected and what was found; a tensor in a number format that this engine cannot compute
 * with is ESP_ERROR_UNSUPPORTED. */
EspStatus esp_weights_require (const EspWeights *weights, const char *name, int dims,
                               const int64_t *shape, const EspWeight **weight, EspError *error);

/* Tells the system that the mapped pages will not be needed soon (madvise), so that the text
 * encoders' pages do not count while the transformer runs. */
void esp_weights_release_pages (const EspWeights *weights);

/* --- Writing (dumps, tests) -------------------------------------------------------------- */

/* Writes `count` tensors (name, dtype, dims, shape and data are read) as one safetensors file
 * through a temporary file in the same folder and an atomic rename: on failure the old file is
 * untouched and nothing is left behind. ESP_ERROR_ARGUMENT for a name twice, a name that is not
 * UTF-8 or an impossible shape; ESP_ERROR_FILE for what the system refuses. */
EspStatus esp_safetensors_write (const char *path, const EspWeight *tensors, int count,
                                 EspError *error);
