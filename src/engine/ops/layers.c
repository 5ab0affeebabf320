/* SPDX-License-Identifier: MIT */
#include "ops/layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 256

/* A name that a table has lent to its layers. */
struct EspModuleName
{
  struct EspModuleName *next;
  char name[];
};

void
esp_layers_init (EspLayers *layers, const EspWeights *weights)
{
  *layers = (EspLayers){ .weights = weights };
}

void
esp_layers_clear (EspLayers *layers)
{
  while (layers->modules != NULL)
    {
      struct EspModuleName *next = layers->modules->next;

      free (layers->modules);
      layers->modules = next;
    }
  free (layers->entries);
  layers->entries = NULL;
  layers->count = layers->capacity = 0;
}

static void
add_entry (EspLayers *layers, EspLayer entry)
{
  if (layers->error.status != ESP_OK)
    return;

  if (layers->count == layers->capacity)
    {
      int capacity = layers->capacity ? layers->capacity * 2 : 64;
      EspLayer *entries = realloc (layers->entries, (size_t) capacity * sizeof *entries);

      if (entries == NULL)
        {
          esp_error_set (&layers->error, ESP_ERROR_MEMORY, "out of memory for the table of layers");
          return;
        }
      layers->entries = entries;
      layers->capacity = capacity;
    }
  layers->entries[layers->count++] = entry;
}

/* A copy of `name` that lives as long as the table; NULL and a sticky error when out of memory. */
static const char *
keep_module_name (EspLayers *layers, const char *name)
{
  size_t size = strlen (name) + 1;
  struct EspModuleName *module;

  if (layers->error.status != ESP_OK)
    return NULL;

  module = malloc (sizeof *module + size);
  if (module == NULL)
    {
      esp_error_set (&layers->error, ESP_ERROR_MEMORY, "out of memory for the table of layers");
      return NULL;
    }
  memcpy (module->name, name, size);
  module->next = layers->modules;
  layers->modules = module;
  return module->name;
}

/* Finds NAME + suffix with the given shape; NULL and a sticky error otherwise. */
static const EspWeight *
require (EspLayers *layers, const char *name, const char *suffix, int dims, const int64_t *shape)
{
  char full[NAME_MAX_LENGTH + 16];
  const EspWeight *weight = NULL;

  if (layers->error.status != ESP_OK)
    return NULL;

  snprintf (full, sizeof full, "%s%s", name, suffix);
  esp_weights_require (layers->weights, full, dims, shape, &weight, &layers->error);
  return weight;
}

void
esp_bind_linear (EspLayers *layers, EspLinear *linear, int64_t in, int64_t out, bool bias,
                 const char *format, ...)
{
  char name[NAME_MAX_LENGTH];
  va_list arguments;
  int part = linear->parts;

  va_start (arguments, format);
  vsnprintf (name, sizeof name, format, arguments);
  va_end (arguments);

  if (part == 0)
    add_entry (layers, (EspLayer){ .kind = ESP_LAYER_LINEAR, .linear = linear });

  linear->weight[part] = require (layers, name, ".weight", 2, (int64_t[]){ out, in });
  linear->bias[part] = bias ? require (layers, name, ".bias", 1, &out) : NULL;
  linear->module[part] = keep_module_name (layers, name);
  linear->in = in;
  linear->out += out;
  linear->parts++;
}

void
esp_bind_conv (EspLayers *layers, EspConv *conv, int64_t in, int64_t out, int kernel,
               const char *format, ...)
{
  char name[NAME_MAX_LENGTH];
  va_list arguments;
  int pad = (kernel - 1) / 2;

  va_start (arguments, format);
  vsnprintf (name, sizeof name, format, arguments);
  va_end (arguments);

  *conv = (EspConv){
    .weight = require (layers, name, ".weight", 4, (int64_t[]){ out, in, kernel, kernel }),
    .bias = require (layers, name, ".bias", 1, &out),
    .in = in,
    .out = out,
    .kernel = kernel,
    .stride = 1,
    .pad_top = pad,
    .pad_left = pad,
    .pad_bottom = pad,
    .pad_right = pad,
  };
  add_entry (layers, (EspLayer){ .kind = ESP_LAYER_CONV, .conv = conv });
}

void
esp_bind_vector (EspLayers *layers, EspVector *vector, int64_t rows, int64_t cols,
                 const char *format, ...)
{
  char name[NAME_MAX_LENGTH];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (name, sizeof name, format, arguments);
  va_end (arguments);

  *vector = (EspVector){
    .weight = rows > 0 ? require (layers, name, "", 2, (int64_t[]){ rows, cols })
                       : require (layers, name, "", 1, &cols),
    .count = rows > 0 ? rows * cols : cols,
  };
  add_entry (layers, (EspLayer){ .kind = ESP_LAYER_VECTOR, .vector = vector });
}

void
esp_check_finite (EspDevice *device, const EspWeight *weight)
{
  int64_t bad = esp_find_non_finite (weight->dtype, weight->data, weight->count);

  if (bad >= 0)
    esp_device_fail (device, ESP_ERROR_NUMERIC,
                     "%s: tensor '%s' has a NaN or infinite value at index %lld", weight->file,
                     weight->name, (long long) bad);
}

/* Widens the tensor to f32, checks it and puts it on the device. */
static void
prepare_vector (EspDevice *device, EspVector *vector)
{
  const EspWeight *weight = vector->weight;
  float *host;

  esp_check_finite (device, weight);
  if (device->error.status != ESP_OK)
    return;

  host = malloc ((size_t) vector->count * sizeof *host);
  if (host == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for tensor '%s'", weight->name);
      return;
    }
  esp_weight_to_f32 (weight, 0, vector->count, host);

  vector->values = device->ops->allocate (device, (size_t) vector->count * sizeof *host);
  if (vector->values != NULL)
    device->ops->upload (device, host,
                         (EspTensor){ vector->values, ESP_F32, 1, vector->count, vector->count });
  free (host);
}

void
esp_layers_prepare (EspLayers *layers, EspDevice *device, int first, int count)
{
  int end = count < 0 ? layers->count : first + count;

  for (int i = first; i < end && device->error.status == ESP_OK; i++)
    {
      EspLayer *entry = &layers->entries[i];

      switch (entry->kind)
        {
        case ESP_LAYER_LINEAR:
          if (entry->linear->prepared == NULL)
            device->ops->prepare_linear (device, entry->linear);
          break;
        case ESP_LAYER_CONV:
          if (entry->conv->prepared == NULL)
            device->ops->prepare_conv (device, entry->conv);
          break;
        case ESP_LAYER_VECTOR:
          if (entry->vector->values == NULL)
            prepare_vector (device, entry->vector);
          break;
        }
    }
}

void
esp_layers_release (EspLayers *layers, EspDevice *device)
{
  esp_layers_release_range (layers, device, 0, layers->count);
}

void
esp_layers_precise (EspLayers *layers)
{
  for (int i = 0; i < layers->count; i++)
    if (layers->entries[i].kind == ESP_LAYER_LINEAR)
      layers->entries[i].linear->precise = true;
}

void
esp_layers_release_pages (const EspLayers *layers, const EspLinear *linear)
{
  for (int i = 0; i < linear->parts; i++)
    esp_weight_release_pages (layers->weights, linear->weight[i]);
}

void
esp_layers_release_range (EspLayers *layers, EspDevice *device, int first, int count)
{
  for (int i = first; i < first + count; i++)
    {
      EspLayer *entry = &layers->entries[i];

      switch (entry->kind)
        {
        case ESP_LAYER_LINEAR:
          device->ops->release_linear (device, entry->linear);
          esp_layers_release_pages (layers, entry->linear);
          break;
        case ESP_LAYER_CONV:
          device->ops->release_conv (device, entry->conv);
          break;
        case ESP_LAYER_VECTOR:
          device->ops->release (device, entry->vector->values,
                                (size_t) entry->vector->count * sizeof (float));
          entry->vector->values = NULL;
          break;
        }
    }
}
