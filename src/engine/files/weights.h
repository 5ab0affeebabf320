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

/* Opens the weights file(s) of one diffusers/transformers sub-folder:
 * `folder`/`stem`.safetensors, or the shards that `folder`/`stem`.safetensors.index.json lists in
 * its "weight_map". Each file is safetensors or GGUF by its content. Every header is validated in
 * full (bounds, overlaps, shapes, known dtypes) before this returns; of the tensors' data only the
 * scales of scaled fp8 are read. Errors: ESP_ERROR_FILE, ESP_ERROR_FORMAT, ESP_ERROR_UNSUPPORTED (a
 * number format that the container does not know), ESP_ERROR_MEMORY.
 *
 * Tensors in a number format that the container knows but number-format.h does not (I64 position
 * ids, F64, …) are checked like the others and then left out of find, count, at, stored and bytes;
 * only esp_weights_require() and esp_weights_foreign() say what they are. So are the side tensors
 * of scaled fp8, whose scales are in EspWeight.scale. */
EspStatus esp_weights_open (const char *folder, const char *stem, EspWeights **weights,
                            EspError *error);

/* The same for one named file, safetensors or GGUF. */
EspStatus esp_weights_open_file (const char *path, EspWeights **weights, EspError *error);

/* Unmaps everything. NULL is allowed. */
void esp_weights_close (EspWeights *weights);

/* The tensor called `name`, or NULL. */
const EspWeight *esp_weights_find (const EspWeights *weights, const char *name);

int64_t esp_weights_count (const EspWeights *weights);
const EspWeight *esp_weights_at (const EspWeights *weights, int64_t index); /* in name order */

/* --- Names ------------------------------------------------------------------------------- */

/* A weight under the name that the rest of the engine knows it by. */
typedef struct EspNamedWeight
{
  char *name;       /* malloc'd */
  EspWeight weight; /* a stored tensor or a part of one (whole rows: data, shape and count say so);
                     * weight.name stays the stored one, for messages */
} EspNamedWeight;

/* From now on find, require, at and count see these `count` weights and no others. Takes `named`
 * (malloc'd) and the names in it over, whether it succeeds or not; puts them in name order. A name
 * twice is ESP_ERROR_FORMAT with both tensors' names. Pointers to weights that find, require or at
 * gave before are no longer valid. */
EspStatus esp_weights_set_names (EspWeights *weights, EspNamedWeight *named, int64_t count,
                                 EspError *error);

/* The name of the `index`-th in name order: the one set, else the stored one. */
const char *esp_weights_name_at (const EspWeights *weights, int64_t index);

/* How messages call a tensor that is missing: stored_name (naming, name) gives the name that the
 * file would have for it (malloc'd; NULL = the same). `naming` is malloc'd and taken over. */
void esp_weights_set_stored_names (EspWeights *weights,
                                   char *(*stored_name) (const void *naming, const char *name),
                                   void *naming);

/* The tensors as they are stored, in the order of their stored names, whatever names were set. */
int64_t esp_weights_stored_count (const EspWeights *weights);
const EspWeight *esp_weights_stored (const EspWeights *weights, int64_t index);
/* The stored tensor called `name`, or NULL. */
const EspWeight *esp_weights_find_stored (const EspWeights *weights, const char *name);

/* The stored tensors whose number format this engine cannot compute with: name and format. */
int64_t esp_weights_foreign_count (const EspWeights *weights);
const char *esp_weights_foreign (const EspWeights *weights, int64_t index, const char **format);

/* The files that were opened, in the order of their base names. */
int esp_weights_file_count (const EspWeights *weights);
const char *esp_weights_file_path (const EspWeights *weights, int index);
bool esp_weights_file_is_gguf (const EspWeights *weights, int index);

/* Total bytes of tensor data, for the memory plan. Of what names were set for, if names were set
 * (a tensor that is under several names as a whole counts as often). */
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

/* The same for the pages that hold nothing but this weight, which may lie elsewhere: then nothing
 * is done. They are read again, from the system's cache if it still has them, when somebody looks
 * at it after all. */
void esp_weight_release_pages (const EspWeights *weights, const EspWeight *weight);

/* --- Writing (dumps, tests) -------------------------------------------------------------- */

/* Writes `count` tensors of formats that safetensors knows (name, dtype, dims, shape and data are
 * read) as one safetensors file through a temporary file in the same folder and an atomic rename:
 * on failure the old file is untouched and nothing is left behind. ESP_ERROR_ARGUMENT for a name
 * twice, a name that is not UTF-8 or an impossible shape; ESP_ERROR_FILE for what the system
 * refuses. */
EspStatus esp_safetensors_write (const char *path, const EspWeight *tensors, int count,
                                 EspError *error);
