/* SPDX-License-Identifier: MIT */
/* layers.h: the table of a component's layers.
 *
 * A component (transformer, VAE, an encoder) describes its layers once, by binding each to the
 * tensors it is made of. That one table then drives everything that concerns all layers alike:
 * shape checks when the model is opened, preparing them for a device, releasing them, the memory
 * plan, and LoRA matching by name.
 */
#pragma once

#include "ops/ops.h"

/* A small tensor that is always held widened to f32 on the device: norm weights, tables of biases.
 */
typedef struct EspVector
{
  const EspWeight *weight;
  int64_t count;
  float *values; /* device pointer; NULL while not prepared */
} EspVector;

typedef enum
{
  ESP_LAYER_LINEAR,
  ESP_LAYER_CONV,
  ESP_LAYER_VECTOR,
} EspLayerKind;

typedef struct EspLayer
{
  EspLayerKind kind;
  union
  {
    EspLinear *linear;
    EspConv *conv;
    EspVector *vector;
  };
} EspLayer;

typedef struct EspLayers
{
  const EspWeights *weights;
  EspLayer *entries;
  int count, capacity;
  struct EspModuleName *modules; /* what EspLinear.module points to */
  EspError error; /* sticky: the first tensor that was missing or had another shape */
} EspLayers;

/* Starts an empty table over `weights`, which must outlive it. */
void esp_layers_init (EspLayers *layers, const EspWeights *weights);

/* Frees the table itself and the names of its modules. Release what is prepared first. */
void esp_layers_clear (EspLayers *layers);

/* Binds one part of a linear layer to "NAME.weight" [out, in] and, if `bias`, "NAME.bias" [out],
 * where NAME is printf-formatted. Called again on the same `linear` it stacks a further part below
 * (to_q, to_k, to_v → one fused layer). NAME becomes linear->module[part]. Failures are kept in
 * layers->error. */
void esp_bind_linear (EspLayers *layers, EspLinear *linear, int64_t in, int64_t out, bool bias,
                      const char *format, ...) __attribute__ ((format (printf, 6, 7)));

/* Binds a convolution to "NAME.weight" [out, in, kernel, kernel] and "NAME.bias" [out], stride 1
 * and `same` padding; the caller changes stride and padding where they differ. */
void esp_bind_conv (EspLayers *layers, EspConv *conv, int64_t in, int64_t out, int kernel,
                    const char *format, ...) __attribute__ ((format (printf, 6, 7)));

/* Binds the whole tensor NAME (no suffix is added), which must have `rows`·`cols` elements as
 * [cols] (rows 0) or [rows, cols]. */
void esp_bind_vector (EspLayers *layers, EspVector *vector, int64_t rows, int64_t cols,
                      const char *format, ...) __attribute__ ((format (printf, 5, 6)));

/* Makes all linear layers that are bound so far precise (EspLinear). */
void esp_layers_precise (EspLayers *layers);

/* Gives the mapped pages of a layer's weights back: for one that will not be used soon, or of which
 * a device has made its own form. */
void esp_layers_release_pages (const EspLayers *layers, const EspLinear *linear);

/* Makes entries [first, first + count) ready on the device (count < 0: to the end); stops early
 * when the device fails. Already prepared entries are left alone. */
void esp_layers_prepare (EspLayers *layers, EspDevice *device, int first, int count);

/* Undoes esp_layers_prepare() for all entries, and gives the mapped pages of their weights back. */
void esp_layers_release (EspLayers *layers, EspDevice *device);

/* The same for entries [first, first + count). */
void esp_layers_release_range (EspLayers *layers, EspDevice *device, int first, int count);

/* Sticky ESP_ERROR_NUMERIC, naming file, tensor and index, if the tensor holds a NaN or an
 * infinity. For tensors that are read without being prepared: embedding tables. */
void esp_check_finite (EspDevice *device, const EspWeight *weight);
