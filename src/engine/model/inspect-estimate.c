/* SPDX-License-Identifier: MIT */
#include "model/inspect-estimate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A product like those of a block, small enough for a tenth of a second on slow machines. */
#define PROBE_ROWS  512
#define PROBE_WIDTH 1024
#define PROBE_RUNS  3

/* Pixels a side of a token: the autoencoder's 8 and a patch's 2. */
#define TOKEN_SIDE 16

/* Activations of the autoencoder before it works in tiles (espalier-engine.h). */
#define VAE_MEMORY          ((size_t) 3 << 30)
#define VAE_BYTES_PER_PIXEL 4096

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

/* Seconds of one product of the probe's size; 0 if it fails. */
static double
time_product (EspDevice *device, EspLinear *linear)
{
  EspTensor x = esp_tensor_new (device, device->compute, PROBE_ROWS, PROBE_WIDTH);
  EspTensor y = esp_tensor_new (device, device->compute, PROBE_ROWS, PROBE_WIDTH);
  float *zeros = calloc (PROBE_ROWS * PROBE_WIDTH, sizeof *zeros);
  double best = 0;

  if (zeros != NULL && device->error.status == ESP_OK)
    {
      device->ops->upload (device, zeros, x);
      device->ops->prepare_linear (device, linear);
    }
  for (int i = 0; i <= PROBE_RUNS && zeros != NULL && device->error.status == ESP_OK; i++)
    {
      double start = now (), seconds;

      device->ops->linear (device, x, linear, NULL, y);
      device->ops->synchronize (device);
      seconds = now () - start;
      if (i > 0 && (best == 0 || seconds < best)) /* the first one warms up */
        best = seconds;
    }
  if (device->error.status != ESP_OK)
    best = 0;
  free (zeros);
  device->ops->release_linear (device, linear);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &y);
  return best;
}

/* Multiplications and additions a second with weights of this format; 0 if it cannot be told. */
static double
measure_rate (EspDevice *device, EspDType format)
{
  const int64_t count = (int64_t) PROBE_WIDTH * PROBE_WIDTH;
  void *data = calloc (1, esp_dtype_bytes (format, count));
  EspWeight weight = { .name = "probe",
                       .file = "probe",
                       .dtype = format,
                       .dims = 2,
                       .shape = { PROBE_WIDTH, PROBE_WIDTH },
                       .count = count,
                       .data = data };
  EspLinear linear = { .parts = 1, .weight = { &weight }, .in = PROBE_WIDTH, .out = PROBE_WIDTH };
  double seconds = data != NULL ? time_product (device, &linear) : 0;

  free (data);
  return seconds > 0 ? 2.0 * PROBE_ROWS * (double) count / seconds : 0;
}

double
esp_flux_step_operations (const EspFluxConfig *config, int64_t text, int64_t picture)
{
  const double hidden = (double) config->hidden, mlp = (double) config->mlp;
  const double all = (double) (text + picture);
  const double attention = 4 * all * all * hidden;
  const double doubles = 2 * all * (4 * hidden * hidden + 2 * hidden * mlp) + attention;
  const double singles
      = 2 * all * (3 * hidden * hidden + hidden * mlp + (hidden + mlp) * hidden) + attention;

  return (double) config->double_blocks * doubles + (double) config->single_blocks * singles;
}

/* Bytes of the transformer's weights that every step reads. */
static size_t
count_step_bytes (const EspFlux *flux)
{
  const EspWeights *weights = esp_flux_weights (flux);
  size_t bytes = 0;

  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i);
      const char *name = esp_weights_name_at (weights, i);

      /* Modulations of all steps are computed first. */
      if (strstr (name, ".norm.linear.") == NULL && strstr (name, ".norm1.linear.") == NULL
          && strstr (name, ".norm1_context.linear.") == NULL)
        bytes += esp_dtype_bytes (weight->dtype, weight->count);
    }
  return bytes;
}

static size_t
largest (size_t a, size_t b, size_t c)
{
  size_t most = a > b ? a : b;

  return most > c ? most : c;
}

bool
esp_estimate (const EspFlux *flux, EspDType format, int64_t pixels, int64_t text_tokens,
              size_t text, size_t vae, EspEstimate *estimate)
{
  const EspFluxConfig *config = esp_flux_config (flux);
  const int64_t tokens = pixels / (TOKEN_SIDE * TOKEN_SIDE);
  EspFluxInputs inputs = { .text_tokens = text_tokens,
                           .target_tokens = tokens,
                           .reference_tokens = tokens,
                           .text_count = 1,
                           .slots = 1 };
  EspDevice *device = NULL;
  EspError ignored = ESP_ERROR_INIT;
  size_t steps, decode = (size_t) pixels * VAE_BYTES_PER_PIXEL;

  memset (estimate, 0, sizeof *estimate);
  if (esp_cpu_device_new (ESP_COMPUTE_AUTO, 0, 0, &device, &ignored) != ESP_OK)
    return false;
  memcpy (estimate->device, device->description, sizeof estimate->device);
  estimate->step_flops = esp_flux_step_operations (config, text_tokens, 2 * tokens);
  estimate->flops_per_second = measure_rate (device, format);
  if (estimate->flops_per_second > 0)
    estimate->seconds_per_step = estimate->step_flops / estimate->flops_per_second;
  steps = esp_flux_session_bytes (config, device->compute, &inputs) + count_step_bytes (flux);
  estimate->vram = steps;
  estimate->ram = largest (steps, text, vae + (decode < VAE_MEMORY ? decode : VAE_MEMORY));
  esp_device_free (device);
  return estimate->flops_per_second > 0;
}
