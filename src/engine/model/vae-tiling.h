/* SPDX-License-Identifier: MIT */
/* vae-tiling.h: one stretch of the autoencoder over a picture that is too large for it.
 *
 * Exactly: a tile sees as far beyond its edges as the stretch's convolutions reach, and its group
 * norms use the statistics of the whole picture. Those are found norm by norm: every tile is run up
 * to the first norm and its statistics merged, then up to the second with the first one's known,
 * and so on. The result is that of the untiled stretch but for the rounding of the statistics, so
 * there are no seams, at the price of running the early layers several times.
 */
#pragma once

#include "model/vae-layers.h"

/* One span of an axis: cells [begin, end) are kept of a tile that covers [from, to). */
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

/* A stretch of layers that changes the resolution by 2. Cells are the pixels of its smaller side:
 * of the input where it doubles, of the output where it halves. Norms always work at two pixels a
 * cell. */
typedef struct VaeStretch
{
  VaeImage (*run) (VaeRun *run, const VaeNetwork *network, int level, VaeImage x);
  const VaeNetwork *network;
  int level;
  int64_t in_scale, out_scale; /* pixels of input and output per cell and axis: 1, 2 or 2, 1 */
  int64_t out_channels;
  int64_t norms;
  int64_t halo;          /* cells */
  size_t bytes_per_cell; /* of activations at the peak */
} VaeStretch;

/* Runs the stretch over x, whole or in tiles as the limits say. Takes ownership of x. */
VaeImage vae_run_stretch (VaeRun *run, const VaeStretch *stretch, const EspVaeLimits *limits,
                          VaeImage x);
