/* SPDX-License-Identifier: MIT */
#include "model/vae-tiling.h"

int64_t
vae_tile_count (int64_t length, int64_t tile, int64_t halo)
{
  int64_t core = tile - 2 * halo;

  if (length <= tile)
    return 1;
  if (core < 1)
    core = 1;
  return (length + core - 1) / core;
}

VaeSpan
vae_tile_span (int64_t length, int64_t count, int64_t index, int64_t halo)
{
  VaeSpan span = { .begin = length * index / count, .end = length * (index + 1) / count };

  span.from = span.begin > halo ? span.begin - halo : 0;
  span.to = span.end + halo < length ? span.end + halo : length;
  return span;
}

VaeWindows
vae_sample_windows (int64_t height, int64_t width, int64_t tile, int64_t halo)
{
  VaeWindows windows = { 0 };
  int64_t across = 4, side;

  /* Many small windows represent a picture better than one large one, as long as most of a window
   * lies within its margins. */
  while (across > 1 && tile / across < 4 * halo)
    across /= 2;
  side = tile / across;
  if (side < 1)
    side = 1;

  windows.rows = windows.cols = across;
  windows.height = side < height ? side : height;
  windows.width = side < width ? side : width;
  if (windows.height == height)
    windows.rows = 1;
  if (windows.width == width)
    windows.cols = 1;

  windows.margin = halo;
  side = windows.height < windows.width ? windows.height : windows.width;
  if (2 * windows.margin >= side)
    windows.margin = side > 4 ? (side - 4) / 2 : 0;
  return windows;
}

void
vae_window_origin (const VaeWindows *windows, int64_t height, int64_t width, int64_t index,
                   int64_t *top, int64_t *left)
{
  int64_t row = index / windows->cols, col = index % windows->cols;

  *top = windows->rows > 1 ? (height - windows->height) * row / (windows->rows - 1) : 0;
  *left = windows->cols > 1 ? (width - windows->width) * col / (windows->cols - 1) : 0;
}
