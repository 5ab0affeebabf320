/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <math.h>

#include "model/latents.h"
#include "model/preview.h"
#include "model/vae-tiling.h"

static void
tokens_hold_two_by_two_patches_channel_by_channel (void)
{
  const EspLatentSize size = { 4, 6, 3 };
  float planes[72], pixels[72], from_planes[72], from_pixels[72], back[72];

  for (int c = 0; c < 3; c++)
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 6; x++)
        {
          planes[(c * 4 + y) * 6 + x] = (float) (100 * c + 10 * y + x);
          pixels[(y * 6 + x) * 3 + c] = (float) (100 * c + 10 * y + x);
        }
  esp_pack_planes (planes, size, from_planes);
  esp_pack_pixels (pixels, size, from_pixels);
  CHECK (memcmp (from_planes, from_pixels, sizeof from_planes) == 0);
  /* Token 4 is the patch at row 2, column 2; its 12 values are c, then y, then x. */
  CHECK (from_planes[4 * 12] == 22 && from_planes[4 * 12 + 1] == 23
         && from_planes[4 * 12 + 2] == 32);
  CHECK (from_planes[4 * 12 + 4] == 122 && from_planes[4 * 12 + 11] == 233);
  esp_unpack_pixels (from_pixels, size, back);
  CHECK (memcmp (back, pixels, sizeof back) == 0);
  CHECK (esp_latent_tokens (size) == 6 && esp_latent_count (size) == 72);
}

/* The position of the first token of reference `index`, after `before` tokens. */
static bool
first_at (const float *positions, int64_t before, float image, float y, float x)
{
  const float *p = positions + before * 3;

  return p[0] == image && p[1] == y && p[2] == x;
}

static void
references_are_placed_as_a_mosaic_or_by_index (void)
{
  const EspLatentSize target = { 4, 4, 1 };
  const EspLatentSize references[3] = { { 8, 12, 1 }, { 8, 12, 1 }, { 16, 4, 1 } };
  float positions[(4 + 24 + 24 + 16) * 3];

  esp_latent_positions (target, references, 3, ESP_MULTI_REF_OFFSET, positions);
  CHECK (first_at (positions, 0, 0, 0, 0));
  CHECK (first_at (positions, 3, 0, 1, 1));
  CHECK (first_at (positions, 4, 1, 0, 0));
  /* 8 + 8 ≤ 12 + 12: below. The mosaic is then 16 high and 12 wide; 16 + 16 > 4 + 12: to the right.
   */
  CHECK (first_at (positions, 4 + 24, 1, 4, 0));
  CHECK (first_at (positions, 4 + 48, 1, 0, 6));
  esp_latent_positions (target, references, 3, ESP_MULTI_REF_INDEX, positions);
  CHECK (first_at (positions, 4, 1, 0, 0));
  CHECK (first_at (positions, 4 + 24, 2, 0, 0));
  CHECK (first_at (positions, 4 + 48, 3, 0, 0));
}

static void
a_linear_picture_is_previewed_exactly (void)
{
  enum
  {
    H = 6,
    W = 5,
    F = 8
  };
  const EspLatentSize size = { H, W, 4 };
  float latents[H * W * 4], pixels[H * F * W * F * 3];
  uint8_t out[H * W * 3];
  EspImage image = { out, 0, 0 };
  EspPreviewMap map = { 0 };
  double worst = 0;

  for (int p = 0; p < H * W; p++)
    {
      const float *z = latents + p * 4;

      for (int c = 0; c < 4; c++)
        latents[p * 4 + c] = sinf ((float) (p * 7 + c * 13));
      for (int i = 0; i < F * F; i++)
        {
          float *pixel = pixels + ((p / W * F + i / F) * W * F + p % W * F + i % F) * 3;

          pixel[0] = 0.3f * z[0] - 0.2f * z[1] + 0.1f;
          pixel[1] = 0.2f * z[2] + 0.3f * z[3];
          pixel[2] = 0.1f * z[0] + 0.1f * z[3] - 0.2f;
        }
    }
  esp_preview_fit (&map, latents, size, F, pixels);
  CHECK (map.weights != NULL && map.channels == 4);
  if (map.weights != NULL)
    {
      esp_preview_render (&map, latents, size, &image);
      for (int p = 0; p < H * W; p++)
        for (int c = 0; c < 3; c++)
          {
            float wanted = pixels[(p / W * F * W * F + p % W * F) * 3 + c] * 127.5f + 127.5f;
            double apart = fabs ((double) wanted - out[p * 3 + c]);

            worst = apart > worst ? apart : worst;
          }
      CHECK (image.width == W && image.height == H);
      CHECK (worst < 1.5);
    }
  esp_preview_clear (&map);
  /* A picture without any variation has no unique map, but must not crash. */
  memset (latents, 0, sizeof latents);
  esp_preview_fit (&map, latents, size, F, pixels);
  esp_preview_clear (&map);
}

static void
tiles_cover_an_axis_once_with_their_halos (void)
{
  for (int64_t length = 1; length < 200; length += 7)
    for (int64_t tile = 1; tile < 60; tile += 5)
      for (int64_t halo = 0; halo < 12; halo += 3)
        {
          int64_t count = vae_tile_count (length, tile, halo), at = 0;

          for (int64_t i = 0; i < count; i++)
            {
              VaeSpan span = vae_tile_span (length, count, i, halo);

              CHECK (span.begin == at && span.end > span.begin);
              CHECK (span.from >= 0 && span.to <= length);
              CHECK (span.from == 0 || span.begin - span.from == halo);
              CHECK (span.to == length || span.to - span.end == halo);
              at = span.end;
            }
          CHECK (at == length);
          if (length <= tile)
            CHECK (count == 1);
        }
}

int
main (void)
{
  CASE (tokens_hold_two_by_two_patches_channel_by_channel);
  CASE (references_are_placed_as_a_mosaic_or_by_index);
  CASE (a_linear_picture_is_previewed_exactly);
  CASE (tiles_cover_an_axis_once_with_their_halos);
  return check_done ();
}
