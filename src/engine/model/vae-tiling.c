/* SPDX-License-Identifier: MIT */
#include "model/vae-tiling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With limits->always_tile: tiles keep this many halos' width, however small the picture. */
#define FORCED_CORE_HALOS 4

/* The largest square tile that fits the memory, in cells with its halos. */
static int64_t
tile_side (const VaeStretch *stretch, const EspVaeLimits *limits)
{
  int64_t side = (int64_t) sqrt ((double) limits->memory / (double) stretch->bytes_per_cell);
  int64_t forced = (2 + FORCED_CORE_HALOS) * stretch->halo;

  if (limits->always_tile && side > forced)
    side = forced;
  /* Below this the halos are most of the work; a little more memory is the lesser evil. */
  return side > 4 * stretch->halo ? side : 4 * stretch->halo;
}

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

/* One tile: its window of x, run through the stretch. */
static VaeImage
run_tile (VaeRun *run, const VaeStretch *stretch, VaeImage x, VaeSpan rows, VaeSpan cols)
{
  int64_t scale = stretch->in_scale;
  EspGrid window = { 0, (rows.to - rows.from) * scale, (cols.to - cols.from) * scale };
  VaeImage tile;

  run->cursor = 0;
  run->collected = false;
  run->core = (EspGrid){ 1, (rows.end - rows.begin) * 2, (cols.end - cols.begin) * 2 };
  run->core_top = (rows.begin - rows.from) * 2;
  run->core_left = (cols.begin - cols.from) * 2;

  tile = vae_image_new (run, (EspGrid){ 1, window.height, window.width }, x.t.cols);
  run->device->ops->copy_window (run->device, x.t, x.grid, 0, rows.from * scale, cols.from * scale,
                                 window, tile.t);
  return stretch->run (run, stretch->network, stretch->level, tile);
}

/* Copies the tile's core into the whole picture. */
static void
keep_core (VaeRun *run, const VaeStretch *stretch, VaeImage tile, VaeSpan rows, VaeSpan cols,
           VaeImage whole)
{
  int64_t scale = stretch->out_scale, width = (cols.end - cols.begin) * scale;

  for (int64_t y = 0; y < (rows.end - rows.begin) * scale; y++)
    {
      int64_t source = (rows.begin - rows.from) * scale + y, target = rows.begin * scale + y;

      run->device->ops->scale_add (
          run->device, 1,
          esp_tensor_rows (tile.t, source * tile.grid.width + (cols.begin - cols.from) * scale,
                           width),
          0, esp_tensor_rows (whole.t, target * whole.grid.width + cols.begin * scale, width));
    }
}

/* All tiles of one pass: COLLECT towards run->target, or REPLAY into `whole`. */
static void
run_pass (VaeRun *run, const VaeStretch *stretch, const EspVaeLimits *limits, VaeImage x,
          VaeImage whole)
{
  int64_t height = x.grid.height / stretch->in_scale, width = x.grid.width / stretch->in_scale;
  int64_t side = tile_side (stretch, limits);
  int64_t down = vae_tile_count (height, side, stretch->halo);
  int64_t across = vae_tile_count (width, side, stretch->halo);

  for (int64_t i = 0; i < down * across && run->device->error.status == ESP_OK; i++)
    {
      VaeSpan rows = vae_tile_span (height, down, i / across, stretch->halo);
      VaeSpan cols = vae_tile_span (width, across, i % across, stretch->halo);
      VaeImage tile = run_tile (run, stretch, x, rows, cols);

      if (run->mode == VAE_MOMENTS_REPLAY && run->device->error.status == ESP_OK)
        keep_core (run, stretch, tile, rows, cols, whole);
      vae_image_free (run, &tile);
    }
  run->collected = false;
}

/* Finds the whole picture's statistics of every norm of the stretch, one pass each. */
static void
collect_moments (VaeRun *run, const VaeStretch *stretch, const EspVaeLimits *limits, VaeImage x)
{
  size_t groups = (size_t) run->groups;
  double *sums = malloc (2 * groups * sizeof *sums);
  VaeCollector collector = { 0 };

  if (sums == NULL)
    {
      esp_device_fail (run->device, ESP_ERROR_MEMORY, "out of memory for group norm statistics");
      return;
    }
  collector.mean = sums;
  collector.square = sums + groups;
  run->mode = VAE_MOMENTS_COLLECT;
  run->collector = &collector;
  for (run->target = 0; run->target < stretch->norms && run->device->error.status == ESP_OK;
       run->target++)
    {
      float *moments = run->moments + run->target * run->groups * 2;

      memset (sums, 0, 2 * groups * sizeof *sums);
      collector.count = 0;
      run_pass (run, stretch, limits, x, (VaeImage){ 0 });
      for (size_t g = 0; g < groups; g++)
        {
          moments[2 * g] = (float) collector.mean[g];
          /* A pixel of a group is `cols / groups` values, but mean and variance are per value
           * already. */
          moments[2 * g + 1] = (float) (collector.square[g] / collector.count);
        }
    }
  run->collector = NULL;
  free (sums);
}

VaeImage
vae_run_stretch (VaeRun *run, const VaeStretch *stretch, const EspVaeLimits *limits, VaeImage x)
{
  EspGrid cells = { 1, x.grid.height / stretch->in_scale, x.grid.width / stretch->in_scale };
  double bytes = (double) stretch->bytes_per_cell * (double) cells.height * (double) cells.width;
  VaeImage whole;

  if (limits->never_tile || (!limits->always_tile && bytes <= (double) limits->memory))
    return stretch->run (run, stretch->network, stretch->level, x);

  whole = vae_image_new (
      run, (EspGrid){ 1, cells.height * stretch->out_scale, cells.width * stretch->out_scale },
      stretch->out_channels);
  run->moments = malloc ((size_t) (stretch->norms * run->groups * 2) * sizeof *run->moments);
  if (run->moments == NULL)
    esp_device_fail (run->device, ESP_ERROR_MEMORY, "out of memory for group norm statistics");
  else
    {
      collect_moments (run, stretch, limits, x);
      run->mode = VAE_MOMENTS_REPLAY;
      run_pass (run, stretch, limits, x, whole);
    }
  free (run->moments);
  run->moments = NULL;
  run->mode = VAE_MOMENTS_MEASURE;
  run->cursor = 0;
  vae_image_free (run, &x);
  return whole;
}
