/* SPDX-License-Identifier: MIT */
/* Any bytes as one of the files that say how a model is built: the first says which part it is of.
 * The weights beside it are the demo model's (ESP_FUZZ_MODEL). */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/weights.h"
#include "fuzz.h"
#include "model/flow-match-scheduler.h"
#include "model/flux-transformer.h"
#include "model/vae.h"
#include "text/clip-encoder.h"
#include "text/t5-encoder.h"

static const struct
{
  const char *folder, *config, *weights;
} parts[] = {
  { "scheduler", "scheduler_config.json", NULL },
  { "text_encoder", "config.json", "model.safetensors" },
  { "text_encoder_2", "config.json", "model.safetensors" },
  { "transformer", "config.json", "diffusion_pytorch_model.safetensors" },
  { "vae", "config.json", "diffusion_pytorch_model.safetensors" },
  { "sharded", "diffusion_pytorch_model.safetensors.index.json", NULL },
};

#define PART_COUNT (sizeof parts / sizeof parts[0])

static void
remove_parts (void)
{
  char path[512];

  for (size_t i = 0; i < PART_COUNT; i++)
    {
      snprintf (path, sizeof path, "%s/%s/%s", fuzz_folder (), parts[i].folder, parts[i].config);
      unlink (path);
      snprintf (path, sizeof path, "%s/%s/%s", fuzz_folder (), parts[i].folder,
                parts[i].weights != NULL ? parts[i].weights : "a.safetensors");
      unlink (path);
      snprintf (path, sizeof path, "%s/%s", fuzz_folder (), parts[i].folder);
      rmdir (path);
    }
}

/* The model's folder: its weights as links, no configuration. */
static void
make_parts (void)
{
  static bool made;
  char path[512], target[512];

  if (made)
    return;
  made = true;
  fuzz_folder ();
  atexit (remove_parts);
  for (size_t i = 0; i < PART_COUNT; i++)
    {
      snprintf (path, sizeof path, "%s/%s", fuzz_folder (), parts[i].folder);
      PROMISE (mkdir (path, 0700) == 0);
      snprintf (path, sizeof path, "%s/%s/%s", fuzz_folder (), parts[i].folder,
                parts[i].weights != NULL ? parts[i].weights : "a.safetensors");
      snprintf (target, sizeof target, "%s/%s/%s", ESP_FUZZ_MODEL,
                parts[i].weights != NULL ? parts[i].folder : "vae",
                parts[i].weights != NULL ? parts[i].weights
                                         : "diffusion_pytorch_model.safetensors");
      PROMISE (symlink (target, path) == 0);
    }
}

static void
read_scheduler (EspError *error)
{
  float sigmas[31];
  EspSchedulerConfig config;

  if (esp_scheduler_read (fuzz_folder (), &config, error) != ESP_OK)
    return;
  for (int64_t tokens = 1; tokens <= 4096; tokens *= 64)
    if (esp_scheduler_sigmas (&config, tokens, 30, sigmas, error) == ESP_OK)
      for (int i = 0; i <= 30; i++)
        PROMISE (sigmas[i] - sigmas[i] == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspClipEncoder *clip = NULL;
  EspT5Encoder *t5 = NULL;
  EspFlux *flux = NULL;
  EspVae *vae = NULL;
  EspWeights *weights = NULL;
  char folder[256], name[128];
  size_t part;

  if (size < 1)
    return 0;
  make_parts ();
  part = data[0] % PART_COUNT;
  snprintf (name, sizeof name, "%s/%s", parts[part].folder, parts[part].config);
  snprintf (folder, sizeof folder, "%s/%s", fuzz_folder (), parts[part].folder);
  fuzz_folder_file (name, data + 1, size - 1);
  switch (part)
    {
    case 0:
      read_scheduler (&error);
      break;
    case 1:
      PROMISE ((esp_clip_encoder_open (folder, &clip, &error) == ESP_OK) == (clip != NULL));
      esp_clip_encoder_free (clip);
      break;
    case 2:
      PROMISE ((esp_t5_encoder_open (folder, &t5, &error) == ESP_OK) == (t5 != NULL));
      esp_t5_encoder_free (t5);
      break;
    case 3:
      PROMISE ((esp_flux_open (folder, &flux, &error) == ESP_OK) == (flux != NULL));
      esp_flux_free (flux);
      break;
    case 4:
      PROMISE ((esp_vae_open (folder, &vae, &error) == ESP_OK) == (vae != NULL));
      esp_vae_free (vae);
      break;
    default:
      PROMISE ((esp_weights_open (folder, "diffusion_pytorch_model", &weights, &error) == ESP_OK)
               == (weights != NULL));
      esp_weights_close (weights);
    }
  return 0;
}
