/* SPDX-License-Identifier: MIT */
#include "model/latents.h"

/* Index of channel c at (y, x) within the tokens. */
static int64_t
token_index (EspLatentSize size, int64_t y, int64_t x, int64_t c)
{
  int64_t token = y / 2 * (size.width / 2) + x / 2;

  return token * 4 * size.channels + c * 4 + y % 2 * 2 + x % 2;
}

void
esp_pack_planes (const float *planes, EspLatentSize size, float *tokens)
{
  for (int64_t c = 0; c < size.channels; c++)
    for (int64_t y = 0; y < size.height; y++)
      for (int64_t x = 0; x < size.width; x++)
        tokens[token_index (size, y, x, c)] = planes[(c * size.height + y) * size.width + x];
}

void
esp_pack_pixels (const float *pixels, EspLatentSize size, float *tokens)
{
  for (int64_t y = 0; y < size.height; y++)
    for (int64_t x = 0; x < size.width; x++)
      for (int64_t c = 0; c < size.channels; c++)
        tokens[token_index (size, y, x, c)] = pixels[(y * size.width + x) * size.channels + c];
}

void
esp_unpack_pixels (const float *tokens, EspLatentSize size, float *pixels)
{
  for (int64_t y = 0; y < size.height; y++)
    for (int64_t x = 0; x < size.width; x++)
      for (int64_t c = 0; c < size.channels; c++)
        pixels[(y * size.width + x) * size.channels + c] = tokens[token_index (size, y, x, c)];
}

/* Appends one picture's positions and returns where the next one's go. */
static float *
append_positions (float *positions, EspLatentSize size, int image, int64_t top, int64_t left)
{
  for (int64_t y = 0; y < size.height / 2; y++)
    for (int64_t x = 0; x < size.width / 2; x++)
      {
        *positions++ = (float) image;
        *positions++ = (float) (top + y);
        *positions++ = (float) (left + x);
      }
  return positions;
}

void
esp_latent_positions (EspLatentSize target, const EspLatentSize *references, int count,
                      EspMultiRef placement, float *positions)
{
  int64_t height = 0, width = 0; /* of the mosaic so far, in latents */

  positions = append_positions (positions, target, 0, 0, 0);
  for (int i = 0; i < count; i++)
    {
      EspLatentSize size = references[i];
      int64_t top = 0, left = 0;

      if (placement == ESP_MULTI_REF_OFFSET)
        {
          if (size.height + height > size.width + width)
            left = width;
          else
            top = height;
          height = size.height + top > height ? size.height + top : height;
          width = size.width + left > width ? size.width + left : width;
        }
      positions = append_positions (positions, size, placement == ESP_MULTI_REF_INDEX ? i + 1 : 1,
                                    top / 2, left / 2);
    }
}
