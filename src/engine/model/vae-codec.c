/* SPDX-License-Identifier: MIT */
/* Encoding and decoding whole pictures: which part runs in one piece and which in tiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/vae-layers.h"
#include "model/vae-tiling.h"

/* With limits->always_tile: tiles about this many of their own cells wide, however small the
 * picture. */
#define FORCED_TILE_HALOS 4

typedef struct Tiling
{
  int first, last; /* levels [first, last) run in tiles; none when they are equal */
  int64_t halo;    /* cells of reach at each inner edge */
  int64_t tile;    /* side of a tile including halos, in cells */
  int64_t norms;   /* group norms in the tiled part */
} Tiling;

/* The side of the largest square whose `bytes_per_cell`·side² fits. */
static int64_t
tile_side (const EspVaeLimits *limits, size_t bytes_per_cell, int64_t halo)
{
  int64_t side = (int64_t) sqrt ((double) limits->memory / (double) bytes_per_cell);

  if (limits->always_tile && side > (2 + FORCED_TILE_HALOS) * halo)
    side = (2 + FORCED_TILE_HALOS) * halo;
  /* Below this the halos are most of the work; a little more memory is the lesser evil. */
  return side > 3 * halo ? side : 3 * halo;
}

static bool
fits (const EspVaeLimits *limits, size_t bytes)
{
  return limits->never_tile || (!limits->always_tile && bytes <= limits->memory);
}

static float *
new_floats (EspDevice *device, int64_t count)
{
  float *values = malloc ((size_t) count * sizeof *values);

  if (values == NULL)
    esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %lld pixels of the autoencoder",
                     (long long) count);
  return values;
}

/* Copies a [height, width, channels] block between host pictures of different widths. */
static void
copy_block (const float *source, int64_t source_width, int64_t top, int64_t left, float *target,
            int64_t target_width, int64_t target_top, int64_t target_left, int64_t height,
            int64_t width, int64_t channels)
{
  for (int64_t y = 0; y < height; y++)
    memcpy (target + ((target_top + y) * target_width + target_left) * channels,
            source + ((top + y) * source_width + left) * channels,
            (size_t) (width * channels) * sizeof *source);
}

/* --- Decoding
 * ------------------------------------------------------------------------------------- */

static Tiling
plan_decoder (const EspVae *vae, int64_t height, int64_t width, const EspVaeLimits *limits)
{
  const VaeNetwork *network = &vae->decoder;
  Tiling tiling = { .first = network->levels, .last = network->levels };
  int64_t cells = height * width;
  size_t per_cell = 0;

  for (int i = 0; i < network->levels; i++, cells *= 4)
    if (!fits (limits, vae_up_level_bytes (&network->level[i], cells)))
      {
        tiling.first = i;
        break;
      }

  /* Reach in cells of level i: its own convolutions, and half of what the next level needs plus the
   * convolution between them. The last level adds conv_out. */
  for (int i = network->levels - 1; i >= tiling.first; i--)
    {
      const VaeLevel *level = &network->level[i];
      int64_t own = 2 * level->residuals;

      tiling.halo = level->has_sampler ? own + (1 + tiling.halo + 1) / 2 : own + 1;
      tiling.norms += vae_level_norms (level);
    }
  tiling.norms++; /* norm_out */

  for (int i = tiling.first, scale = 0; i < network->levels; i++, scale += 2)
    {
      size_t bytes = vae_up_level_bytes (&network->level[i], (int64_t) 1 << scale);

      per_cell = bytes > per_cell ? bytes : per_cell;
    }
  if (per_cell > 0)
    tiling.tile = tile_side (limits, per_cell, tiling.halo);
  return tiling;
}

static VaeImage
run_decoder_levels (VaeRun *run, const VaeNetwork *network, int first, VaeImage x)
{
  for (int i = first; i < network->levels; i++)
    x = vae_up_level (run, &network->level[i], x);
  return vae_norm_out (run, network, x);
}

/* Measures the tiled part's group norms on windows of x. */
static void
record_decoder (VaeRun *run, const VaeNetwork *network, const Tiling *tiling, VaeImage x)
{
  VaeWindows windows = vae_sample_windows (x.grid.height, x.grid.width, tiling->tile, tiling->halo);
  EspGrid grid = { windows.rows * windows.cols, windows.height, windows.width };
  VaeImage sample = vae_image_new (run->device, grid, x.t.cols);

  for (int64_t i = 0; i < grid.batch; i++)
    {
      EspGrid window = { i, windows.height, windows.width };
      int64_t top, left;

      vae_window_origin (&windows, x.grid.height, x.grid.width, i, &top, &left);
      run->device->ops->copy_window (run->device, x.t, x.grid, 0, top, left, window, sample.t);
    }
  run->mode = VAE_MOMENTS_RECORD;
  run->margin = windows.margin;
  run->cursor = 0;
  sample = run_decoder_levels (run, network, tiling->first, sample);
  vae_image_free (run->device, &sample);
}

static void
decode_tile (VaeRun *run, const VaeNetwork *network, const Tiling *tiling, VaeImage x, VaeSpan rows,
             VaeSpan cols, float *pixels)
{
  EspDevice *device = run->device;
  int64_t scale = (int64_t) 1 << (network->levels - 1 - tiling->first);
  EspGrid window = { 0, rows.to - rows.from, cols.to - cols.from };
  VaeImage tile = vae_image_new (device, (EspGrid){ 1, window.height, window.width }, x.t.cols);
  float *host;

  device->ops->copy_window (device, x.t, x.grid, 0, rows.from, cols.from, window, tile.t);
  run->mode = VAE_MOMENTS_REPLAY;
  run->cursor = 0;
  tile = run_decoder_levels (run, network, tiling->first, tile);

  host = new_floats (device, tile.t.rows * 3);
  if (device->error.status == ESP_OK)
    {
      device->ops->download (device, tile.t, host);
      copy_block (host, tile.grid.width, (rows.begin - rows.from) * scale,
                  (cols.begin - cols.from) * scale, pixels, x.grid.width * scale,
                  rows.begin * scale, cols.begin * scale, (rows.end - rows.begin) * scale,
                  (cols.end - cols.begin) * scale, 3);
    }
  free (host);
  vae_image_free (device, &tile);
}

static void
decode_tiles (VaeRun *run, const VaeNetwork *network, const Tiling *tiling, VaeImage x,
              float *pixels)
{
  int64_t down = vae_tile_count (x.grid.height, tiling->tile, tiling->halo);
  int64_t across = vae_tile_count (x.grid.width, tiling->tile, tiling->halo);

  run->recorded = new_floats (run->device, tiling->norms * 2 * run->groups);
  if (run->recorded != NULL)
    record_decoder (run, network, tiling, x);
  for (int64_t i = 0; i < down * across && run->device->error.status == ESP_OK; i++)
    decode_tile (run, network, tiling, x,
                 vae_tile_span (x.grid.height, down, i / across, tiling->halo),
                 vae_tile_span (x.grid.width, across, i % across, tiling->halo), pixels);
  free (run->recorded);
}

EspStatus
esp_vae_decode (EspVae *vae, EspDevice *device, const float *latents, int64_t height, int64_t width,
                const EspVaeLimits *limits, float *pixels, EspError *error)
{
  VaeNetwork *network = &vae->decoder;
  Tiling tiling = plan_decoder (vae, height, width, limits);
  VaeRun run = { .device = device, .groups = vae->config.groups, .cancel = limits->cancel };
  VaeImage x;

  esp_layers_prepare (&network->layers, device, 0, -1);
  x = vae_image_new (device, (EspGrid){ 1, height, width }, vae->config.latent_channels);
  if (device->error.status == ESP_OK)
    device->ops->upload (device, latents, x.t);
  x = vae_quant (&run, network, x);
  x = vae_conv_in (&run, network, x);
  x = vae_middle (&run, network, x);
  for (int i = 0; i < tiling.first; i++)
    x = vae_up_level (&run, &network->level[i], x);

  if (tiling.first < network->levels)
    decode_tiles (&run, network, &tiling, x, pixels);
  else
    {
      x = vae_norm_out (&run, network, x);
      if (device->error.status == ESP_OK)
        device->ops->download (device, x.t, pixels);
    }
  vae_image_free (device, &x);
  return esp_device_check (device, error);
}

/* --- Encoding
 * --------------------------------------------------------------------------------------- */

static Tiling
plan_encoder (const EspVae *vae, int64_t height, int64_t width, const EspVaeLimits *limits)
{
  const VaeNetwork *network = &vae->encoder;
  Tiling tiling = { 0 };
  int64_t cells = height * width, reach = 1;
  size_t per_cell = 0;

  for (int i = 0; i < network->levels && network->level[i].has_sampler; i++, cells /= 4)
    if (!fits (limits, vae_down_level_bytes (&network->level[i], cells)))
      tiling.last = i + 1;

  for (int i = 0; i < tiling.last; i++)
    {
      const VaeLevel *level = &network->level[i];
      size_t bytes = vae_down_level_bytes (level, (int64_t) 1 << (2 * (tiling.last - i)));

      /* A residual block reaches two cells each way, the stride-2 convolution one to the right. */
      reach += (2 * level->residuals + 1) * ((int64_t) 1 << i);
      tiling.norms += vae_level_norms (level);
      per_cell = bytes > per_cell ? bytes : per_cell;
    }
  if (tiling.last > 0)
    {
      int64_t scale = (int64_t) 1 << tiling.last;

      tiling.halo = (reach + scale - 1) / scale;
      tiling.tile = tile_side (limits, per_cell, tiling.halo);
    }
  return tiling;
}

static VaeImage
run_encoder_levels (VaeRun *run, const VaeNetwork *network, int first, int last, VaeImage x)
{
  if (first == 0)
    x = vae_conv_in (run, network, x);
  for (int i = first; i < last; i++)
    x = vae_down_level (run, &network->level[i], x);
  return x;
}

/* Uploads [height, width, 3] of the host picture as image `index` of x. */
static void
upload_window (EspDevice *device, const float *pixels, int64_t picture_width, int64_t top,
               int64_t left, VaeImage x, int64_t index)
{
  int64_t count = x.grid.height * x.grid.width;
  float *host = new_floats (device, count * 3);

  if (host != NULL && device->error.status == ESP_OK)
    {
      copy_block (pixels, picture_width, top, left, host, x.grid.width, 0, 0, x.grid.height,
                  x.grid.width, 3);
      device->ops->upload (device, host, esp_tensor_rows (x.t, index * count, count));
    }
  free (host);
}

static void
record_encoder (VaeRun *run, const VaeNetwork *network, const Tiling *tiling, const float *pixels,
                int64_t height, int64_t width)
{
  int64_t scale = (int64_t) 1 << tiling->last;
  VaeWindows windows
      = vae_sample_windows (height / scale, width / scale, tiling->tile, tiling->halo);
  EspGrid grid = { windows.rows * windows.cols, windows.height * scale, windows.width * scale };
  VaeImage sample = vae_image_new (run->device, grid, 3);

  for (int64_t i = 0; i < grid.batch; i++)
    {
      int64_t top, left;

      vae_window_origin (&windows, height / scale, width / scale, i, &top, &left);
      upload_window (run->device, pixels, width, top * scale, left * scale, sample, i);
    }
  run->mode = VAE_MOMENTS_RECORD;
  run->margin = windows.margin * scale;
  run->cursor = 0;
  sample = run_encoder_levels (run, network, 0, tiling->last, sample);
  vae_image_free (run->device, &sample);
}

/* One tile: its kept cells go to the right place of `whole`. */
static void
encode_tile (VaeRun *run, const VaeNetwork *network, const Tiling *tiling, const float *pixels,
             int64_t picture_width, VaeSpan rows, VaeSpan cols, VaeImage whole)
{
  EspDevice *device = run->device;
  int64_t scale = (int64_t) 1 << tiling->last;
  EspGrid grid = { 1, (rows.to - rows.from) * scale, (cols.to - cols.from) * scale };
  EspGrid kept = { 0, rows.end - rows.begin, cols.end - cols.begin };
  VaeImage x = vae_image_new (device, grid, 3), core;

  upload_window (device, pixels, picture_width, rows.from * scale, cols.from * scale, x, 0);
  run->mode = VAE_MOMENTS_REPLAY;
  run->cursor = 0;
  x = run_encoder_levels (run, network, 0, tiling->last, x);

  core = vae_image_new (device, (EspGrid){ 1, kept.height, kept.width }, x.t.cols);
  device->ops->copy_window (device, x.t, x.grid, 0, rows.begin - rows.from, cols.begin - cols.from,
                            kept, core.t);
  for (int64_t y = 0; y < kept.height; y++)
    device->ops->scale_add (
        device, 1, esp_tensor_rows (core.t, y * kept.width, kept.width), 0,
        esp_tensor_rows (whole.t, (rows.begin + y) * whole.grid.width + cols.begin, kept.width));
  vae_image_free (device, &core);
  vae_image_free (device, &x);
}

static VaeImage
encode_tiles (VaeRun *run, const VaeNetwork *network, const Tiling *tiling, const float *pixels,
              int64_t height, int64_t width)
{
  int64_t scale = (int64_t) 1 << tiling->last;
  EspGrid grid = { 1, height / scale, width / scale };
  int64_t down = vae_tile_count (grid.height, tiling->tile, tiling->halo);
  int64_t across = vae_tile_count (grid.width, tiling->tile, tiling->halo);
  VaeImage whole = vae_image_new (run->device, grid, network->level[tiling->last - 1].sampler.out);

  run->recorded = new_floats (run->device, tiling->norms * 2 * run->groups);
  if (run->recorded != NULL)
    record_encoder (run, network, tiling, pixels, height, width);
  for (int64_t i = 0; i < down * across && run->device->error.status == ESP_OK; i++)
    encode_tile (run, network, tiling, pixels, width,
                 vae_tile_span (grid.height, down, i / across, tiling->halo),
                 vae_tile_span (grid.width, across, i % across, tiling->halo), whole);
  free (run->recorded);
  run->recorded = NULL;
  run->mode = VAE_MOMENTS_MEASURE;
  return whole;
}

EspStatus
esp_vae_encode (EspVae *vae, EspDevice *device, const float *pixels, int64_t height, int64_t width,
                const EspVaeLimits *limits, float *latents, EspError *error)
{
  VaeNetwork *network = &vae->encoder;
  Tiling tiling = plan_encoder (vae, height, width, limits);
  VaeRun run = { .device = device, .groups = vae->config.groups, .cancel = limits->cancel };
  VaeImage x;
  EspTensor mean;

  esp_layers_prepare (&network->layers, device, 0, -1);
  if (tiling.last > 0)
    x = encode_tiles (&run, network, &tiling, pixels, height, width);
  else
    {
      x = vae_image_new (device, (EspGrid){ 1, height, width }, 3);
      if (device->error.status == ESP_OK)
        device->ops->upload (device, pixels, x.t);
    }
  x = run_encoder_levels (&run, network, tiling.last, network->levels, x);
  x = vae_middle (&run, network, x);
  x = vae_norm_out (&run, network, x);
  x = vae_quant (&run, network, x);

  /* The mean is the first half of the channels, the log variance the second. */
  mean = esp_tensor_new (device, ESP_F32, x.t.rows, vae->config.latent_channels);
  if (device->error.status == ESP_OK)
    {
      device->ops->scale_add (device, 1, esp_tensor_cols (x.t, 0, mean.cols), 0, mean);
      device->ops->download (device, mean, latents);
    }
  esp_tensor_free (device, &mean);
  vae_image_free (device, &x);
  return esp_device_check (device, error);
}
