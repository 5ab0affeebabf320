/* SPDX-License-Identifier: MIT */
/* What holds for every edit, whatever the model: determinism, progress, previews, cancelling,
 * refusals; and that another implementation of the table of operations gives the same picture. */
#include "check.h"

#include <math.h>
#include <unistd.h>

#include "espalier-engine.h"
#include "files/weights.h"
#include "model/model.h"
#include "ops-reference.h"

#define SIDE 64

static EspModel *model;
static uint8_t photo[SIDE * SIDE * 3];
static const EspImage image = { photo, SIDE, SIDE };

/* A picture with something in it: two gradients and a disc. */
static void
paint (void)
{
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      {
        int inside = (x - 30) * (x - 30) + (y - 34) * (y - 34) < 300;
        uint8_t *pixel = photo + (y * SIDE + x) * 3;

        pixel[0] = (uint8_t) (inside ? 220 : x * 3);
        pixel[1] = (uint8_t) (inside ? 90 : y * 3);
        pixel[2] = (uint8_t) (120 + x - y);
      }
}

static EspEditRequest
request_for (const char *prompt)
{
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;

  request.prompt = prompt;
  request.images = &image;
  request.image_count = 1;
  request.seed = 7;
  request.steps = 2;
  request.size_mode = ESP_SIZE_MATCH;
  request.dtype = ESP_DTYPE_F32;
  return request;
}

static bool
same_picture (const EspImage *a, const EspImage *b)
{
  return a->width == b->width && a->height == b->height
         && memcmp (a->pixels, b->pixels, (size_t) (a->width * a->height) * 3) == 0;
}

static void
the_same_request_gives_the_same_bytes (void)
{
  EspEditRequest request = request_for ("Make it look like golden hour");
  EspError error = ESP_ERROR_INIT;
  EspEditResult first, second, other;

  for (int dtype = ESP_DTYPE_F32; dtype <= ESP_DTYPE_BF16; dtype++)
    {
      request.dtype = (EspDTypeChoice) dtype;
      request.seed = 7;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &first, &error), ESP_OK, error);
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &second, &error), ESP_OK, error);
      request.seed = 8;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &other, &error), ESP_OK, error);
      CHECK (same_picture (&first.image, &second.image));
      CHECK (!same_picture (&first.image, &other.image));
      CHECK (first.image.width == SIDE && first.image.height == SIDE && !first.scaled);
      CHECK (first.latent_tokens == SIDE / 16 * (SIDE / 16) && first.latent_width == 64);
      CHECK (first.peak_memory > 0 && first.seconds_total > 0);
      esp_edit_result_clear (&first);
      esp_edit_result_clear (&second);
      esp_edit_result_clear (&other);
    }
}

static void
only_the_low_half_of_the_seed_counts (void)
{
  EspEditRequest request = request_for ("Make it night");
  EspError error = ESP_ERROR_INIT;
  EspEditResult low, high;

  request.seed = 5;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &low, &error), ESP_OK, error);
  request.seed = 5 + ((uint64_t) 9 << 32);
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &high, &error), ESP_OK, error);
  CHECK (same_picture (&low.image, &high.image));
  CHECK (high.seed == request.seed);
  esp_edit_result_clear (&low);
  esp_edit_result_clear (&high);
}

typedef struct Watch
{
  EspProgress last;
  int reports, previews, stages[ESP_STAGE_COUNT];
  bool fell, odd_preview;
  EspStage cancel_at;
  int cancel_step;
  atomic_bool cancel;
} Watch;

static void
watch_progress (void *data, const EspProgress *progress)
{
  Watch *watch = data;

  if (progress->fraction < watch->last.fraction)
    watch->fell = true;
  watch->last = *progress;
  watch->reports++;
  watch->stages[progress->stage]++;
  if (progress->stage == watch->cancel_at && progress->step >= watch->cancel_step)
    atomic_store (&watch->cancel, true);
}

static void
watch_preview (void *data, int step, const EspImage *preview)
{
  Watch *watch = data;
  long sum = 0;

  watch->previews++;
  for (int i = 0; i < preview->width * preview->height * 3; i++)
    sum += preview->pixels[i];
  if (preview->width != SIDE / 8 || preview->height != SIDE / 8 || sum == 0
      || step != watch->previews)
    watch->odd_preview = true;
}

static void
progress_never_falls_and_previews_come_each_step (void)
{
  Watch watch = { .cancel_at = ESP_STAGE_COUNT };
  EspEditCallbacks callbacks = { watch_progress, watch_preview, &watch, &watch.cancel };
  EspEditRequest request = request_for ("Make the photo brighter");
  EspError error = ESP_ERROR_INIT;
  EspEditResult result;

  request.steps = 4;
  CHECK_STATUS (esp_model_edit (model, &request, &callbacks, &result, &error), ESP_OK, error);
  CHECK (!watch.fell);
  CHECK (watch.previews == 4 && !watch.odd_preview);
  for (int stage = 0; stage < ESP_STAGE_COUNT; stage++)
    CHECK (watch.stages[stage] > 0);
  CHECK (watch.last.stage == ESP_STAGE_DECODE);
  esp_edit_result_clear (&result);
}

/* The preview of the last step should look like the result made small. */
typedef struct LastPreview
{
  uint8_t pixels[(SIDE / 8) * (SIDE / 8) * 3];
} LastPreview;

static void
keep_preview (void *data, int step, const EspImage *preview)
{
  (void) step;
  memcpy (((LastPreview *) data)->pixels, preview->pixels, sizeof ((LastPreview *) data)->pixels);
}

static void
the_last_preview_looks_like_the_result (void)
{
  LastPreview last;
  EspEditCallbacks callbacks = { .preview = keep_preview, .data = &last };
  EspEditRequest request = request_for ("keep the photo the same");
  EspError error = ESP_ERROR_INIT;
  EspEditResult result;
  double total = 0;

  request.steps = 8;
  CHECK_STATUS (esp_model_edit (model, &request, &callbacks, &result, &error), ESP_OK, error);
  if (error.status != ESP_OK)
    return;
  for (int y = 0; y < SIDE / 8; y++)
    for (int x = 0; x < SIDE / 8; x++)
      for (int c = 0; c < 3; c++)
        {
          int sum = 0;

          for (int i = 0; i < 64; i++)
            sum += result.image.pixels[((y * 8 + i / 8) * SIDE + x * 8 + i % 8) * 3 + c];
          total += fabs (sum / 64.0 - last.pixels[(size_t) (y * (SIDE / 8) + x) * 3 + (size_t) c]);
        }
  printf ("# mean difference %.1f of 255\n", total / sizeof last.pixels);
  CHECK (total / sizeof last.pixels < 12);
  esp_edit_result_clear (&result);
}

static void
cancelling_ends_the_edit_in_every_stage (void)
{
  static const struct
  {
    EspStage stage;
    int step;
  } moments[] = { { ESP_STAGE_TEXT, 0 },   { ESP_STAGE_ENCODE, 0 }, { ESP_STAGE_LOAD, 0 },
                  { ESP_STAGE_SAMPLE, 0 }, { ESP_STAGE_SAMPLE, 1 }, { ESP_STAGE_DECODE, 0 } };
  EspEditRequest request = request_for ("Make the photo darker");

  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
    {
      Watch watch = { .cancel_at = moments[i].stage, .cancel_step = moments[i].step };
      EspEditCallbacks callbacks = { watch_progress, NULL, &watch, &watch.cancel };
      EspError error = ESP_ERROR_INIT;
      EspEditResult result;

      CHECK_STATUS (esp_model_edit (model, &request, &callbacks, &result, &error),
                    ESP_ERROR_CANCELLED, error);
      CHECK (result.image.pixels == NULL && result.latents == NULL);
      /* Nothing of a later stage was begun. */
      CHECK (watch.last.stage == moments[i].stage && watch.last.step == moments[i].step);

      /* The model is as good as before. */
      error = (EspError) ESP_ERROR_INIT;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
      esp_edit_result_clear (&result);
    }
}

static void
impossible_requests_are_refused_by_name (void)
{
  static uint8_t thin[15 * 64 * 3];
  const EspImage small = { thin, 15, 64 };
  EspEditRequest good = request_for ("x"), request;
  EspEditResult result;
  EspError error = ESP_ERROR_INIT;

#define REFUSED(change, wanted, part)                                                              \
  request = good;                                                                                  \
  change;                                                                                          \
  error = (EspError) ESP_ERROR_INIT;                                                               \
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), wanted, error);           \
  CHECK_MESSAGE (error, part)
  REFUSED (request.steps = -1, ESP_ERROR_ARGUMENT, "steps");
  REFUSED (request.steps = 1001, ESP_ERROR_ARGUMENT, "steps");
  REFUSED (request.guidance = INFINITY, ESP_ERROR_ARGUMENT, "guidance");
  REFUSED (request.guidance = NAN, ESP_ERROR_ARGUMENT, "guidance");
  REFUSED (request.true_cfg = NAN, ESP_ERROR_ARGUMENT, "true-cfg");
  REFUSED (request.image_count = 0, ESP_ERROR_ARGUMENT, "input");
  REFUSED (request.images = &small, ESP_ERROR_ARGUMENT, "15");
  REFUSED (request.prompt = NULL, ESP_ERROR_ARGUMENT, "prompt");
  REFUSED (request.prompt = "\xff", ESP_ERROR_ARGUMENT, "prompt");
  REFUSED (request.negative_prompt = "\xc0\x80", ESP_ERROR_ARGUMENT, "negative-prompt");
  REFUSED (request.device = ESP_DEVICE_CUDA, ESP_ERROR_UNSUPPORTED, "NVIDIA");
  REFUSED (request.dtype = ESP_DTYPE_FP8, ESP_ERROR_UNSUPPORTED, "fp8");
  REFUSED (request.noise_path = "/nonexistent.safetensors", ESP_ERROR_FILE, "/nonexistent");
  REFUSED (request.dump_path = "/nonexistent/dump.safetensors", ESP_ERROR_FILE, "/nonexistent");
#undef REFUSED
  for (int i = 0; i < 6; i++)
    {
      static const int sizes[][2]
          = { { 0, 64 }, { 64, -16 }, { 72, 64 }, { 64, 8208 }, { 8, 8 }, { 1 << 30, 16 } };

      request = good;
      request.size_mode = ESP_SIZE_EXACT;
      request.width = sizes[i][0];
      request.height = sizes[i][1];
      error = (EspError) ESP_ERROR_INIT;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_ERROR_ARGUMENT,
                    error);
      CHECK_MESSAGE (error, "--size");
    }
}

static void
a_long_prompt_is_cut_and_said_so (void)
{
  char prompt[4000];
  EspEditRequest request;
  EspError error = ESP_ERROR_INIT;
  EspEditResult result;

  prompt[0] = '\0';
  for (int i = 0; i < 300; i++)
    strcat (prompt, "make it snow ");
  request = request_for (prompt);
  request.steps = 1;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
  CHECK (result.clip_truncated && result.t5_truncated);
  esp_edit_result_clear (&result);
  request.prompt = "make it snow";
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
  CHECK (!result.clip_truncated && !result.t5_truncated);
  esp_edit_result_clear (&result);
}

/* Relative L2 distance of the same tensor in two dumps. */
static double
distance (const EspWeights *a, const EspWeights *b, const char *name)
{
  const EspWeight *x = esp_weights_find (a, name), *y = esp_weights_find (b, name);
  double difference = 0, norm = 0;

  if (x == NULL || y == NULL || x->count != y->count)
    return INFINITY;
  for (int64_t i = 0; i < x->count; i++)
    {
      float u, v;

      memcpy (&u, (const char *) x->data + i * 4, 4);
      memcpy (&v, (const char *) y->data + i * 4, 4);
      difference += ((double) u - (double) v) * ((double) u - (double) v);
      norm += (double) v * (double) v;
    }
  return sqrt (difference / norm);
}

static void
plain_loops_behind_the_same_table_give_the_same_picture (void)
{
  static const char *const names[]
      = { "t5_embeds", "clip_pooled", "reference_latents", "velocity_0", "latents", "image" };
  char ours[] = "/tmp/espalier-dump-XXXXXX", theirs[] = "/tmp/espalier-dump-XXXXXX";
  EspEditRequest request = request_for ("Let it snow!");
  EspError error = ESP_ERROR_INIT;
  EspEditResult result;
  EspWeights *a = NULL, *b = NULL;
  EspDevice *reference = NULL;
  EspModel *plain = NULL;

  close (mkstemp (ours));
  close (mkstemp (theirs));
  request.negative_prompt = "rain";
  request.true_cfg = 1.5;
  request.steps = 1;
  request.dump_path = ours;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
  esp_edit_result_clear (&result);

  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &plain, &error), ESP_OK, error);
  CHECK_STATUS (esp_reference_device_new (ESP_COMPUTE_F32, &reference, &error), ESP_OK, error);
  esp_model_set_devices (plain, reference, reference);
  request.dump_path = theirs;
  CHECK_STATUS (esp_model_edit (plain, &request, NULL, &result, &error), ESP_OK, error);
  CHECK (strcmp (result.device, "reference") == 0);
  esp_edit_result_clear (&result);
  esp_model_close (plain);

  CHECK_STATUS (esp_weights_open_file (ours, &a, &error), ESP_OK, error);
  CHECK_STATUS (esp_weights_open_file (theirs, &b, &error), ESP_OK, error);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      double apart = distance (a, b, names[i]);

      printf ("# %s: %.1e\n", names[i], apart);
      CHECK (apart < 2e-5);
    }
  esp_weights_close (a);
  esp_weights_close (b);
  unlink (ours);
  unlink (theirs);
}

static void
tiles_give_the_picture_of_the_whole (void)
{
  static uint8_t large[160 * 208 * 3];
  const EspImage picture = { large, 208, 160 };
  char whole[] = "/tmp/espalier-dump-XXXXXX", tiled[] = "/tmp/espalier-dump-XXXXXX";
  EspEditRequest request = request_for ("add a vignette");
  EspError error = ESP_ERROR_INIT;
  EspEditResult result;
  EspWeights *a = NULL, *b = NULL;

  for (size_t i = 0; i < sizeof large; i++)
    large[i] = (uint8_t) (photo[i % sizeof photo] ^ (i / 3 % 208));
  close (mkstemp (whole));
  close (mkstemp (tiled));
  request.images = &picture;
  request.steps = 1;
  request.vae_tiling = ESP_VAE_TILING_OFF;
  request.dump_path = whole;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
  esp_edit_result_clear (&result);
  request.vae_tiling = ESP_VAE_TILING_ON;
  request.dump_path = tiled;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
  esp_edit_result_clear (&result);

  CHECK_STATUS (esp_weights_open_file (whole, &a, &error), ESP_OK, error);
  CHECK_STATUS (esp_weights_open_file (tiled, &b, &error), ESP_OK, error);
  printf ("# reference_latents %.1e, image %.1e\n", distance (a, b, "reference_latents"),
          distance (a, b, "image"));
  CHECK (distance (a, b, "reference_latents") < 1e-5);
  CHECK (distance (a, b, "image") < 1e-5);
  esp_weights_close (a);
  esp_weights_close (b);
  unlink (whole);
  unlink (tiled);
}

int
main (void)
{
  EspError error = ESP_ERROR_INIT;

  paint ();
  if (esp_model_open (getenv ("ESP_DEMO_MODEL"), &model, &error) != ESP_OK)
    {
      printf ("Bail out! %s\n", error.message);
      return 1;
    }
  CASE (the_same_request_gives_the_same_bytes);
  CASE (only_the_low_half_of_the_seed_counts);
  CASE (progress_never_falls_and_previews_come_each_step);
  CASE (the_last_preview_looks_like_the_result);
  CASE (cancelling_ends_the_edit_in_every_stage);
  CASE (impossible_requests_are_refused_by_name);
  CASE (a_long_prompt_is_cut_and_said_so);
  CASE (plain_loops_behind_the_same_table_give_the_same_picture);
  CASE (tiles_give_the_picture_of_the_whole);
  esp_model_close (model);
  return check_done ();
}
