/* SPDX-License-Identifier: MIT */
/* Any tensors as a part of a model: the first byte says which part is asked for, then come names,
 * one a line; a letter in front of each says its shape. What becomes of them must lie where the
 * stored tensors lie. */
#include <stdio.h>
#include <unistd.h>

#include "files/component-names.h"
#include "fuzz.h"

#define LINES_MAX 64

/* Shapes whose rows can be cut in some of the ways that fused layers are, and some that cannot. */
static const struct
{
  const char *shape;
  int count;
} shapes[]
    = { { "[12,4]", 48 },    { "[28,4]", 112 }, { "[4]", 4 },   { "[8,4]", 32 },   { "[7,4]", 28 },
        { "[4,4,1,1]", 16 }, { "[]", 1 },       { "[0,4]", 0 }, { "[3,3,3]", 27 }, { "[64]", 64 } };

static size_t
write_header (char *header, size_t room, const uint8_t *data, size_t size)
{
  size_t used = (size_t) snprintf (header, room, "{");
  int lines = 0;

  while (size > 1 && lines < LINES_MAX && room - used > 512)
    {
      const uint8_t *end = memchr (data, '\n', size);
      size_t length = end != NULL ? (size_t) (end - data) : size;
      const char *comma = lines > 0 ? "," : "";
      size_t which = data[0] % (sizeof shapes / sizeof shapes[0]);
      char name[128];
      size_t at = 0;

      for (size_t i = 1; i < length && at < sizeof name - 1; i++)
        if (data[i] >= ' ' && data[i] < 127 && data[i] != '"' && data[i] != '\\')
          name[at++] = (char) data[i];
      name[at] = '\0';
      /* All lie at the beginning of the data but none overlaps: the engine looks at their places,
       * too. */
      used += (size_t) snprintf (
          header + used, room - used,
          "%s\"%s\":{\"dtype\":\"F16\",\"shape\":%s,\"data_offsets\":[%d,%d]}", comma, name,
          shapes[which].shape, lines * 256, lines * 256 + 2 * shapes[which].count);
      lines++;
      data += length < size ? length + 1 : size;
      size -= length < size ? length + 1 : size;
    }
  return used + (size_t) snprintf (header + used, room - used, "}");
}

/* What a part asks of its tensors before it is made; of those that are missing it tells how the
 * file would call them. */
static void
ask_for_sizes (const EspWeights *weights)
{
  static const char *const names[] = {
    "transformer_blocks.1.attn.to_q.weight",          "single_transformer_blocks.0.proj_out.weight",
    "encoder.block.0.layer.0.SelfAttention.q.weight", "text_model.encoder.layers.0.mlp.fc1.weight",
    "decoder.up_blocks.0.resnets.0.conv1.weight",     "x_embedder.weight"
  };

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    {
      EspError error = ESP_ERROR_INIT;
      int64_t extent = 0;
      EspStatus status = esp_component_extent (weights, names[i], 2, 1, 64, &extent, &error);

      PROMISE (status == ESP_OK ? extent >= 1 && extent <= 64 : error.message[0] != '\0');
    }
}

static void
look_at (EspWeights *weights, EspComponent component)
{
  EspError error = ESP_ERROR_INIT;
  EspComponentNames names;
  EspStatus status;

  for (int i = 0; i < ESP_COMPONENT_COUNT; i++)
    esp_component_find (weights, (EspComponent) i, &names);
  esp_component_stranger (weights);
  status = esp_component_rename (weights, component, &error);
  PROMISE (status == ESP_OK || error.message[0] != '\0');
  for (int64_t i = 0; status == ESP_OK && i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i);
      const EspWeight *stored = esp_weights_find_stored (weights, weight->name);
      const char *begin = weight->data, *end = begin + 2 * weight->count;

      PROMISE (stored != NULL && begin >= (const char *) stored->data
               && end <= (const char *) stored->data + 2 * stored->count);
    }
  esp_component_depth (weights, "transformer_blocks.");
  ask_for_sizes (weights);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static char header[LINES_MAX * 512];
  static const uint8_t numbers[LINES_MAX * 256];
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  size_t length;
  uint8_t *bytes;
  int fd;

  if (size < 1)
    return 0;
  length = write_header (header, sizeof header, data + 1, size - 1);
  bytes = malloc (8 + length);
  PROMISE (bytes != NULL);
  for (size_t i = 0; i < 8; i++)
    bytes[i] = (uint8_t) (length >> (8 * i));
  memcpy (bytes + 8, header, length);
  if (esp_weights_open_file (fuzz_file (bytes, 8 + length, numbers, sizeof numbers, &fd), &weights,
                             &error)
      == ESP_OK)
    look_at (weights, (EspComponent) (data[0] % ESP_COMPONENT_COUNT));
  esp_weights_close (weights);
  close (fd);
  free (bytes);
  return 0;
}
