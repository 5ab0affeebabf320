/* SPDX-License-Identifier: MIT */
/* vae-tiling.h: where tiles and sample windows lie. Plain arithmetic, tested on its own. */
#pragma once

#include <stdint.h>

/* One stretch of an axis: cells [begin, end) are kept of a tile that covers [from, to). */
typedef struct VaeSpan
{
  int64_t begin, end, from, to;
} VaeSpan;

/* The number of tiles an axis of `length` cells needs when a tile may cover `tile` cells with
 * `halo` cells of overlap at each inner edge. At least 1; a tile that is too small for its halo
 * still advances by one. */
int64_t vae_tile_count (int64_t length, int64_t tile, int64_t halo);

/* Tile `index` of `count`, all of nearly equal length. */
VaeSpan vae_tile_span (int64_t length, int64_t count, int64_t index, int64_t halo);

/* A grid of equal windows spread evenly over a picture, together no larger than one tile. */
typedef struct VaeWindows
{
  int64_t rows, cols;    /* windows down and across */
  int64_t height, width; /* of each */
  int64_t margin;        /* cells at each window's edge that see beyond it */
} VaeWindows;

/* Chooses windows for a picture of height × width cells out of an area of tile² cells. */
VaeWindows vae_sample_windows (int64_t height, int64_t width, int64_t tile, int64_t halo);

/* Where window `index` (row by row) begins. */
void vae_window_origin (const VaeWindows *windows, int64_t height, int64_t width, int64_t index,
                        int64_t *top, int64_t *left);
