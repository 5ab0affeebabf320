/* SPDX-License-Identifier: MIT */
/* flow-match-scheduler.c: the schedule in float32 where NumPy holds it in float32, in double where
 * Python does, so that the sigmas come out equal to the last bits. */
#include "model/flow-match-scheduler.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "espalier-engine.h"
#include "files/json-file.h"

#define CONFIG_MAX_BYTES ((size_t) 1 << 20)
#define KARRAS_RHO       7.0

static EspStatus
read_numbers (const json_t *root, const char *path, EspSchedulerConfig *config, EspError *error)
{
  const struct
  {
    const char *key;
    double minimum, maximum, fallback;
    double *value;
  } doubles[] = {
    { "base_shift", -20, 20, 0.5, &config->base_shift },
    { "max_shift", -20, 20, 1.15, &config->max_shift },
    { "shift", 1e-3, 1e3, 1.0, &config->shift },
    { "shift_terminal", 0, 0.999, 0.0, &config->shift_terminal },
  };
  for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
    {
      EspStatus status
          = esp_json_get_double (root, path, doubles[i].key, false, doubles[i].minimum,
                                 doubles[i].maximum, doubles[i].fallback, doubles[i].value, error);
      if (status != ESP_OK)
        return status;
    }
  const struct
  {
    const char *key;
    int64_t minimum, maximum, fallback;
    int64_t *value;
  } integers[] = {
    { "base_image_seq_len", 1, 1 << 30, 256, &config->base_image_seq_len },
    { "max_image_seq_len", 1, 1 << 30, 4096, &config->max_image_seq_len },
    { "num_train_timesteps", 1, 1000000, 1000, &config->num_train_timesteps },
  };
  for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
    {
      EspStatus status
          = esp_json_get_int (root, path, integers[i].key, false, integers[i].minimum,
                              integers[i].maximum, integers[i].fallback, integers[i].value, error);
      if (status != ESP_OK)
        return status;
    }
  if (config->base_image_seq_len == config->max_image_seq_len)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: base_image_seq_len and max_image_seq_len are both %lld; the shift "
                          "between them has no slope",
                          path, (long long) config->max_image_seq_len);
  return ESP_OK;
}

static EspStatus
read_switches (const json_t *root, const char *path, EspSchedulerConfig *config, EspError *error)
{
  bool karras = false, exponential = false, beta = false, stochastic = false;
  const struct
  {
    const char *key;
    bool *value;
  } switches[] = {
    { "use_dynamic_shifting", &config->use_dynamic_shifting },
    { "invert_sigmas", &config->invert_sigmas },
    { "use_karras_sigmas", &karras },
    { "use_exponential_sigmas", &exponential },
    { "use_beta_sigmas", &beta },
    { "stochastic_sampling", &stochastic },
  };
  for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
    {
      EspStatus status
          = esp_json_get_bool (root, path, switches[i].key, false, switches[i].value, error);
      if (status != ESP_OK)
        return status;
    }
  if (beta || stochastic)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: %s is true, which this engine does not do", path,
                          beta ? "use_beta_sigmas" : "stochastic_sampling");
  if (karras && exponential)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: only one of use_karras_sigmas and use_exponential_sigmas may be "
                          "true, found both",
                          path);
  config->spacing = karras        ? ESP_SIGMAS_KARRAS
                    : exponential ? ESP_SIGMAS_EXPONENTIAL
                                  : ESP_SIGMAS_AS_SHIFTED;
  const char *limits[] = { "sigma_min", "sigma_max" };
  for (int i = 0; i < 2 && config->spacing != ESP_SIGMAS_AS_SHIFTED; i++)
    {
      const json_t *limit = json_object_get (root, limits[i]);
      if (limit && !json_is_null (limit))
        return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                              "%s: %s is set, which this engine does not do", path, limits[i]);
    }
  return ESP_OK;
}

static EspStatus
read_names (const json_t *root, const char *path, EspSchedulerConfig *config, EspError *error)
{
  const char *class_name, *time_shift;
  const char *expected = "FlowMatchEulerDiscreteScheduler";
  EspStatus status
      = esp_json_get_string (root, path, "_class_name", false, expected, &class_name, error);
  if (status == ESP_OK)
    status = esp_json_get_string (root, path, "time_shift_type", false, "exponential", &time_shift,
                                  error);
  if (status != ESP_OK)
    return status;
  if (strcmp (class_name, expected) != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: _class_name is \"%s\"; only %s is supported", path, class_name,
                          expected);
  config->linear_time_shift = strcmp (time_shift, "linear") == 0;
  if (!config->linear_time_shift && strcmp (time_shift, "exponential") != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: time_shift_type is \"%s\", expected \"exponential\" or \"linear\"",
                          path, time_shift);
  return ESP_OK;
}

EspStatus
esp_scheduler_read (const char *model_folder, EspSchedulerConfig *config, EspError *error)
{
  *config = (EspSchedulerConfig){ 0 };
  char *path = esp_path_join (model_folder, "scheduler/scheduler_config.json");
  if (!path)
    return esp_error_set (error, ESP_ERROR_MEMORY,
                          "not enough memory to read the scheduler's "
                          "config");
  json_t *root = NULL;
  EspStatus status = esp_json_read_object (path, CONFIG_MAX_BYTES, &root, error);
  if (status == ESP_OK)
    status = read_names (root, path, config, error);
  if (status == ESP_OK)
    status = read_numbers (root, path, config, error);
  if (status == ESP_OK)
    status = read_switches (root, path, config, error);
  json_decref (root);
  free (path);
  return status;
}

void
esp_scheduler_default (EspSchedulerConfig *config)
{
  *config = (EspSchedulerConfig){ .base_shift = 0.5,
                                  .max_shift = 1.15,
                                  .shift = 3.0,
                                  .base_image_seq_len = 256,
                                  .max_image_seq_len = 4096,
                                  .num_train_timesteps = 1000,
                                  .use_dynamic_shifting = true,
                                  .spacing = ESP_SIGMAS_AS_SHIFTED };
}

/* numpy.linspace (start, stop, count)[i]: one multiplication and one addition in double, the last
 * one exact. */
static double
linspace (double start, double stop, int count, int i)
{
  if (count == 1 || i == 0)
    return start;
  return i == count - 1 ? stop : (double) i * ((stop - start) / (double) (count - 1)) + start;
}

/* FlowMatchEulerDiscreteScheduler.time_shift with mu from the pipeline's calculate_shift, or the
 * static shift. Python floats become float32 where they meet a float32 array. */
static void
shift_sigmas (const EspSchedulerConfig *config, int64_t image_tokens, int steps, float *sigmas)
{
  if (!config->use_dynamic_shifting)
    {
      float shift = (float) config->shift, rest = (float) (config->shift - 1.0);
      for (int i = 0; i < steps; i++)
        sigmas[i] = shift * sigmas[i] / (1.0f + rest * sigmas[i]);
      return;
    }
  double slope = (config->max_shift - config->base_shift)
                 / (double) (config->max_image_seq_len - config->base_image_seq_len);
  double offset = config->base_shift - slope * (double) config->base_image_seq_len;
  double mu = (double) image_tokens * slope + offset;
  float factor = (float) (config->linear_time_shift ? mu : exp (mu));
  for (int i = 0; i < steps; i++)
    sigmas[i] = factor / (factor + (1.0f / sigmas[i] - 1.0f));
}

static void
stretch_to_terminal (double terminal, int steps, float *sigmas)
{
  float scale = (1.0f - sigmas[steps - 1]) / (float) (1.0 - terminal);
  for (int i = 0; i < steps; i++)
    sigmas[i] = 1.0f - (1.0f - sigmas[i]) / scale;
}

static void
respace_sigmas (EspSigmaSpacing spacing, int steps, float *sigmas)
{
  double highest = (double) sigmas[0], lowest = (double) sigmas[steps - 1];
  for (int i = 0; i < steps && spacing == ESP_SIGMAS_KARRAS; i++)
    {
      double low = pow (lowest, 1.0 / KARRAS_RHO), high = pow (highest, 1.0 / KARRAS_RHO);
      double ramp = linspace (0.0, 1.0, steps, i);
      sigmas[i] = (float) pow (high + ramp * (low - high), KARRAS_RHO);
    }
  for (int i = 0; i < steps && spacing == ESP_SIGMAS_EXPONENTIAL; i++)
    sigmas[i] = (float) exp (linspace (log (highest), log (lowest), steps, i));
}

EspStatus
esp_scheduler_sigmas (const EspSchedulerConfig *config, int64_t image_tokens, int steps,
                      float *sigmas, EspError *error)
{
  if (steps < 1 || steps > ESP_STEPS_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "steps must be 1 … %d, found %d",
                          ESP_STEPS_MAX, steps);
  if (image_tokens < 1)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "the picture has %lld tokens, expected ≥ 1",
                          (long long) image_tokens);

  for (int i = 0; i < steps; i++)
    sigmas[i] = (float) linspace (1.0, 1.0 / (double) steps, steps, i);
  shift_sigmas (config, image_tokens, steps, sigmas);
  if (config->shift_terminal != 0.0)
    stretch_to_terminal (config->shift_terminal, steps, sigmas);
  respace_sigmas (config->spacing, steps, sigmas);
  for (int i = 0; i < steps && config->invert_sigmas; i++)
    sigmas[i] = 1.0f - sigmas[i];
  sigmas[steps] = config->invert_sigmas ? 1.0f : 0.0f;

  for (int i = 0; i < steps; i++)
    if (!isfinite (sigmas[i]))
      return esp_error_set (error, ESP_ERROR_NUMERIC,
                            "scheduler/scheduler_config.json gives no finite noise level for step "
                            "%d of %d with %lld tokens",
                            i + 1, steps, (long long) image_tokens);
  return ESP_OK;
}

float
esp_scheduler_timestep (const EspSchedulerConfig *config, float sigma)
{
  return sigma * (float) config->num_train_timesteps / 1000.0f;
}
