/* SPDX-License-Identifier: MIT */
/* The schedule against FluxKontextPipeline's (tests/data/numerics/sigmas.txt, by tools/reference),
 * through config files as a model folder has them. */
#include "model/flow-match-scheduler.h"

#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define TOLERANCE 1e-7
#define STEPS_MAX 1000

static char model_folder[] = "/tmp/esp-scheduler-XXXXXX";
static char config_path[sizeof model_folder + 64];

static EspStatus
read_config (const char *json, EspSchedulerConfig *config, EspError *error)
{
  FILE *file = fopen (config_path, "w");
  fputs (json, file);
  fclose (file);
  return esp_scheduler_read (model_folder, config, error);
}

/* One line "tokens steps timestep sigma…"; returns the largest difference. */
static double
compare_line (const EspSchedulerConfig *config, char *line)
{
  float sigmas[STEPS_MAX + 1];
  EspError error = ESP_ERROR_INIT;
  char *rest = line;
  int64_t tokens = strtoll (rest, &rest, 10);
  int steps = (int) strtol (rest, &rest, 10);
  double timestep = strtod (rest, &rest), worst = 0;
  CHECK_STATUS (esp_scheduler_sigmas (config, tokens, steps, sigmas, &error), ESP_OK, error);
  for (int i = 0; i <= steps; i++)
    {
      double difference = fabs (strtod (rest, &rest) - (double) sigmas[i]);
      worst = difference > worst ? difference : worst;
    }
  CHECK (fabs (timestep - (double) esp_scheduler_timestep (config, sigmas[0])) <= TOLERANCE);
  if (worst > TOLERANCE)
    printf ("# %lld tokens, %d steps: off by %.3g\n", (long long) tokens, steps, worst);
  return worst;
}

static void
equals_the_pipeline (void)
{
  char path[4096];
  static char line[1 << 14];
  const char *folder = getenv ("ESP_TEST_DATA");
  snprintf (path, sizeof path, "%s/numerics/sigmas.txt", folder ? folder : "tests/data");
  FILE *file = fopen (path, "r");
  CHECK (file != NULL);
  if (!file)
    return;
  EspSchedulerConfig config = { 0 };
  double worst = 0;
  int configs = 0, schedules = 0;
  while (fgets (line, sizeof line, file))
    if (line[0] == '{')
      {
        EspError error = ESP_ERROR_INIT;
        CHECK_STATUS (read_config (line, &config, &error), ESP_OK, error);
        configs++;
      }
    else if (line[0] != '#')
      {
        double difference = compare_line (&config, line);
        worst = difference > worst ? difference : worst;
        schedules++;
      }
  printf ("# %d configs, %d schedules, largest difference %.2g\n", configs, schedules, worst);
  CHECK (configs >= 12 && schedules > 400);
  CHECK (worst <= TOLERANCE);
  fclose (file);
}

static void
what_cannot_be_done_is_refused_by_name (void)
{
  const struct
  {
    const char *json;
    EspStatus status;
    const char *named;
  } bad[] = {
    { "{\"use_beta_sigmas\": true}", ESP_ERROR_UNSUPPORTED, "use_beta_sigmas" },
    { "{\"stochastic_sampling\": true}", ESP_ERROR_UNSUPPORTED, "stochastic_sampling" },
    { "{\"_class_name\": \"DDIMScheduler\"}", ESP_ERROR_UNSUPPORTED, "DDIMScheduler" },
    { "{\"time_shift_type\": \"cubic\"}", ESP_ERROR_UNSUPPORTED, "cubic" },
    { "{\"use_karras_sigmas\": true, \"use_exponential_sigmas\": true}", ESP_ERROR_FORMAT,
      "use_karras_sigmas" },
    { "{\"use_karras_sigmas\": true, \"sigma_min\": 0.1}", ESP_ERROR_UNSUPPORTED, "sigma_min" },
    { "{\"shift\": \"big\"}", ESP_ERROR_FORMAT, "shift" },
    { "{\"shift\": 0}", ESP_ERROR_FORMAT, "shift" },
    { "{\"use_dynamic_shifting\": 1}", ESP_ERROR_FORMAT, "use_dynamic_shifting" },
    { "{\"num_train_timesteps\": 0}", ESP_ERROR_FORMAT, "num_train_timesteps" },
    { "{\"base_image_seq_len\": 4096}", ESP_ERROR_FORMAT, "base_image_seq_len" },
    { "{\"shift\": 3", ESP_ERROR_FORMAT, "scheduler_config.json" },
    { "[]", ESP_ERROR_FORMAT, "scheduler_config.json" },
    { "", ESP_ERROR_FORMAT, "scheduler_config.json" },
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    {
      EspSchedulerConfig config;
      EspError error = ESP_ERROR_INIT;
      CHECK_STATUS (read_config (bad[i].json, &config, &error), bad[i].status, error);
      CHECK_MESSAGE (error, bad[i].named);
      CHECK_MESSAGE (error, "scheduler_config.json");
    }
}

static void
a_missing_file_is_named (void)
{
  EspSchedulerConfig config;
  EspError error = ESP_ERROR_INIT;
  unlink (config_path);
  CHECK_STATUS (esp_scheduler_read (model_folder, &config, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "scheduler_config.json");
}

static void
impossible_steps_and_tokens_are_refused (void)
{
  EspSchedulerConfig config;
  EspError error = ESP_ERROR_INIT;
  float sigmas[STEPS_MAX + 1];
  CHECK_STATUS (read_config ("{}", &config, &error), ESP_OK, error);
  CHECK_STATUS (esp_scheduler_sigmas (&config, 256, 0, sigmas, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_MESSAGE (error, "steps");
  CHECK_STATUS (esp_scheduler_sigmas (&config, 256, STEPS_MAX + 1, sigmas, &error),
                ESP_ERROR_ARGUMENT, error);
  CHECK_STATUS (esp_scheduler_sigmas (&config, 0, 4, sigmas, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_STATUS (esp_scheduler_sigmas (&config, 256, STEPS_MAX, sigmas, &error), ESP_OK, error);
}

/* One step with shift_terminal is 0 / 0 in the reference as well. */
static void
a_schedule_without_numbers_is_an_error (void)
{
  EspSchedulerConfig config;
  EspError error = ESP_ERROR_INIT;
  float sigmas[2];
  CHECK_STATUS (read_config ("{\"shift_terminal\": 0.1}", &config, &error), ESP_OK, error);
  CHECK_STATUS (esp_scheduler_sigmas (&config, 256, 1, sigmas, &error), ESP_ERROR_NUMERIC, error);
  CHECK_MESSAGE (error, "scheduler_config.json");
}

int
main (void)
{
  char scheduler_folder[sizeof model_folder + 16];
  if (!mkdtemp (model_folder))
    return 1;
  snprintf (scheduler_folder, sizeof scheduler_folder, "%s/scheduler", model_folder);
  snprintf (config_path, sizeof config_path, "%s/scheduler_config.json", scheduler_folder);
  if (mkdir (scheduler_folder, 0700) != 0)
    return 1;
  CASE (equals_the_pipeline);
  CASE (what_cannot_be_done_is_refused_by_name);
  CASE (a_missing_file_is_named);
  CASE (impossible_steps_and_tokens_are_refused);
  CASE (a_schedule_without_numbers_is_an_error);
  unlink (config_path);
  rmdir (scheduler_folder);
  rmdir (model_folder);
  return check_done ();
}
