/* SPDX-License-Identifier: MIT */
/* Work that edits share: what an open model keeps between edits, and several edits at once. Neither
 * may change a byte of any picture. */
#include "check.h"

#include <unistd.h>

#include "espalier-engine.h"
#include "model/model.h"
#include "ops-reference.h"

#define SIDE    64
#define SAMPLES 5

static EspModel *model;
static uint8_t photos[2][SIDE * SIDE * 3];
static EspImage images[2] = { { photos[0], SIDE, SIDE }, { photos[1], SIDE, SIDE } };

static const EspImage small = { photos[1], 16, 16 };

static void
paint (void)
{
  for (int i = 0; i < SIDE * SIDE * 3; i++)
    {
      photos[0][i] = (uint8_t) (i * 5 + i / 190 * 3);
      photos[1][i] = (uint8_t) (200 - i / 97);
    }
}

static EspEditRequest
request_for (const char *prompt)
{
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;

  request.prompt = prompt;
  request.images = images;
  request.image_count = 1;
  request.steps = 2;
  request.size_mode = ESP_SIZE_MATCH;
  request.dtype = ESP_DTYPE_F32;
  return request;
}

static bool
same_result (const EspEditResult *a, const EspEditResult *b)
{
  size_t pixels = (size_t) (a->image.width * a->image.height) * 3;
  size_t latents = (size_t) (a->latent_tokens * a->latent_width) * sizeof (float);

  return a->image.width == b->image.width && a->image.height == b->image.height
         && a->latent_tokens == b->latent_tokens && memcmp (a->latents, b->latents, latents) == 0
         && memcmp (a->image.pixels, b->image.pixels, pixels) == 0;
}

/* --- What is kept -------------------------------------------------------------------------------
 */

static int destroyed;

static void
count_destroyed (void *work)
{
  (void) work;
  destroyed++;
}

/* A digest for the cache, valid until the next call. */
static const char *
named (char letter)
{
  static char digest[ESP_SHA256_HEX_SIZE];

  memset (digest, letter, sizeof digest - 1);
  return digest;
}

static void
the_cache_drops_what_was_used_longest_ago (void)
{
  static int things[4];
  EspWorkCache cache = { .limit = 100 };

  destroyed = 0;
  for (int i = 0; i < 3; i++)
    {
      CHECK (esp_work_cache_find (&cache, named ((char) ('a' + i))) == NULL);
      CHECK (
          esp_work_cache_add (&cache, named ((char) ('a' + i)), &things[i], 40, count_destroyed));
    }
  /* All are held. */
  CHECK (cache.bytes == 120 && destroyed == 0);
  CHECK (esp_work_cache_find (&cache, named ('a')) == &things[0]);
  esp_work_cache_release (&cache, &things[0]);
  esp_work_cache_release (&cache, &things[1]);
  CHECK (cache.bytes == 80 && destroyed == 1);
  CHECK (esp_work_cache_find (&cache, named ('b')) == NULL);
  esp_work_cache_release (&cache, &things[0]);
  esp_work_cache_release (&cache, &things[2]);
  esp_work_cache_release (&cache, NULL);
  CHECK (cache.bytes == 80);

  /* "a" is used again: "c" goes for the next. */
  CHECK (esp_work_cache_find (&cache, named ('a')) == &things[0]);
  esp_work_cache_release (&cache, &things[0]);
  CHECK (esp_work_cache_add (&cache, named ('d'), &things[3], 60, count_destroyed));
  CHECK (cache.bytes == 100 && destroyed == 2);
  CHECK (esp_work_cache_find (&cache, named ('c')) == NULL);
  esp_work_cache_release (&cache, &things[3]);

  esp_work_cache_set_limit (&cache, 50);
  CHECK (cache.bytes == 0 && destroyed == 4);
  /* What is larger than all lives as long as it is held. */
  CHECK (esp_work_cache_add (&cache, named ('e'), &things[0], 1000, count_destroyed));
  CHECK (cache.bytes == 1000 && destroyed == 4);
  esp_work_cache_release (&cache, &things[0]);
  CHECK (cache.bytes == 0 && destroyed == 5);
  CHECK (esp_work_cache_add (&cache, named ('f'), &things[0], 10, count_destroyed));
  esp_work_cache_clear (&cache);
  CHECK (destroyed == 6 && cache.bytes == 0 && cache.newest == NULL && cache.oldest == NULL);
}

/* The edits of a person who tries things out, again and again. */
#define EDITS 9

static EspEditRequest
tried_out (int index)
{
  EspEditRequest request = request_for (index == 1 ? "Make it night" : "Let it snow!");

  request.seed = (uint64_t) (index / 2);
  request.guidance = index == 2 ? 4 : 2.5;
  request.steps = index == 3 ? 3 : 2;
  request.image_count = index == 4 ? 2 : 1;
  request.images = index == 5 ? images + 1 : images;
  request.vae_tiling = index == 6 ? ESP_VAE_TILING_ON : ESP_VAE_TILING_AUTO;
  if (index == 7)
    request.images = &small;
  if (index == 8)
    {
      request.negative_prompt = "Let it snow!";
      request.true_cfg = 2;
    }
  return request;
}

static void
kept_work_changes_no_byte (void)
{
  EspError error = ESP_ERROR_INIT;

  for (int round = 0; round < 4; round++)
    {
      EspEditResult anew[EDITS], again[EDITS];

      for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < EDITS; i++)
          {
            EspEditRequest request = tried_out (i);
            EspEditResult *result = pass == 0 ? &anew[i] : &again[i];

            request.dtype = round < 2 ? ESP_DTYPE_F32 : ESP_DTYPE_BF16;
            request.threads = round % 2 + 1;
            esp_model_set_cache_limit (model, pass == 0 ? 0 : ESP_WORK_CACHE_BYTES);
            CHECK_STATUS (esp_model_edit (model, &request, NULL, result, &error), ESP_OK, error);
            CHECK (error.status == ESP_OK);
            if (pass == 0)
              {
                CHECK (result->reused == 0 && model->work.bytes == 0);
                continue;
              }
            CHECK (same_result (result, &anew[i]));
            if (pass == 2)
              {
                CHECK (result->reused
                       == (ESP_REUSED_TEXT | ESP_REUSED_ENCODE | ESP_REUSED_MODULATIONS));
                esp_edit_result_clear (&anew[i]);
              }
            esp_edit_result_clear (result);
          }
    }
}

static unsigned
reused_by (const EspEditRequest *request)
{
  EspEditResult result;
  EspError error = ESP_ERROR_INIT;
  unsigned reused;

  CHECK_STATUS (esp_model_edit (model, request, NULL, &result, &error), ESP_OK, error);
  reused = result.reused;
  esp_edit_result_clear (&result);
  return reused;
}

static void
what_is_reused_is_told (void)
{
  EspEditRequest request = request_for ("add a vignette"), other;

  request.threads = 2;
  esp_model_set_cache_limit (model, 0);
  esp_model_set_cache_limit (model, ESP_WORK_CACHE_BYTES);
  CHECK (reused_by (&request) == 0);

  other = request;
  other.seed = 99;
  CHECK (reused_by (&other) == (ESP_REUSED_TEXT | ESP_REUSED_ENCODE | ESP_REUSED_MODULATIONS));
  other.guidance = 3.25;
  CHECK (reused_by (&other) == (ESP_REUSED_TEXT | ESP_REUSED_ENCODE));
  other = request;
  other.steps = 1;
  CHECK (reused_by (&other) == (ESP_REUSED_TEXT | ESP_REUSED_ENCODE));
  other = request;
  other.prompt = "add a vignette.";
  CHECK (reused_by (&other) == ESP_REUSED_ENCODE);

  /* One pixel is another one: it is not the same memory that counts but what is in it. */
  photos[0][777] ^= 1;
  CHECK (reused_by (&request) == (ESP_REUSED_TEXT | ESP_REUSED_MODULATIONS));
  photos[0][777] ^= 1;
  CHECK (reused_by (&request) == (ESP_REUSED_TEXT | ESP_REUSED_ENCODE | ESP_REUSED_MODULATIONS));

  /* Other threads or another number format: nothing. */
  other = request;
  other.threads = 1;
  CHECK (reused_by (&other) == 0);
  other.dtype = ESP_DTYPE_BF16;
  CHECK (reused_by (&other) == 0);
}

static void
count_preview (void *data, int step, const EspImage *preview)
{
  unsigned char *sums = data;

  for (int i = 0; i < preview->width * preview->height * 3; i++)
    sums[step] = (unsigned char) (sums[step] * 31 + preview->pixels[i]);
}

static void
previews_come_of_kept_references_too (void)
{
  unsigned char sums[2][4] = { { 0 } };
  EspEditRequest request = request_for ("Make the photo brighter");
  EspError error = ESP_ERROR_INIT;
  EspEditResult result;

  /* The reference is kept by an edit without previews. */
  CHECK (reused_by (&request) == 0);
  for (int i = 0; i < 2; i++)
    {
      EspEditCallbacks callbacks = { .preview = count_preview, .data = sums[i] };

      esp_model_set_cache_limit (model, i == 0 ? ESP_WORK_CACHE_BYTES : 0);
      CHECK_STATUS (esp_model_edit (model, &request, &callbacks, &result, &error), ESP_OK, error);
      esp_edit_result_clear (&result);
    }
  esp_model_set_cache_limit (model, ESP_WORK_CACHE_BYTES);
  CHECK (sums[0][1] != 0 && memcmp (sums[0], sums[1], sizeof sums[0]) == 0);
}

/* --- Several at once ----------------------------------------------------------------------------
 */

typedef struct Batch
{
  EspEditResult results[ESP_BATCH_MAX];
  EspError errors[ESP_BATCH_MAX];
  EspProgress last[ESP_BATCH_MAX];
  int done[ESP_BATCH_MAX], previews[ESP_BATCH_MAX], order[ESP_BATCH_MAX], finished;
  bool fell, after_done;
  /* What to cancel, and when. */
  EspStage cancel_at;
  int cancel_step, cancel_index; /* < 0: all */
  bool cancel_third;             /* in the place of that one */
  atomic_bool cancel[ESP_BATCH_MAX], cancel_all;
  /* The card's memory is out once in the second step, and once before the third picture. */
  bool short_of_memory, step_failed, picture_failed;
} Batch;

static void
batch_progress (void *data, int index, const EspProgress *progress)
{
  Batch *batch = data;

  batch->fell = batch->fell || progress->fraction < batch->last[index].fraction;
  batch->after_done = batch->after_done || batch->done[index] > 0;
  batch->last[index] = *progress;
  if (batch->short_of_memory && progress->stage == ESP_STAGE_SAMPLE && progress->step == 1
      && !batch->step_failed)
    {
      batch->step_failed = true;
      esp_device_fail (model->device, ESP_ERROR_MEMORY, "out of memory");
    }
  if (batch->short_of_memory && progress->stage == ESP_STAGE_DECODE && index == 2
      && !batch->picture_failed)
    {
      batch->picture_failed = true;
      esp_device_fail (model->vae_device, ESP_ERROR_MEMORY, "out of memory");
    }
  if (progress->stage != batch->cancel_at || progress->step < batch->cancel_step)
    return;
  if (batch->cancel_index < 0)
    atomic_store (&batch->cancel_all, true);
  else if (batch->cancel_index == index)
    atomic_store (&batch->cancel[batch->cancel_third ? 2 : index], true);
}

static void
batch_preview (void *data, int index, int step, const EspImage *image)
{
  Batch *batch = data;

  (void) image;
  batch->previews[index]++;
  batch->after_done = batch->after_done || batch->done[index] > 0 || step != batch->previews[index];
}

static void
batch_done (void *data, int index, EspEditResult *result, const EspError *error)
{
  Batch *batch = data;

  batch->done[index]++;
  batch->order[batch->finished++] = index;
  if (result != NULL)
    batch->results[index] = *result;
  else
    batch->errors[index] = *error;
}

static EspStatus
run_batch (Batch *batch, const EspEditRequest *request, int count, EspError *error)
{
  EspEditSample samples[ESP_BATCH_MAX + 1];
  EspBatchCallbacks callbacks
      = { batch_progress, batch_preview, batch_done, batch, &batch->cancel_all };

  for (int i = 0; i < count && i < ESP_BATCH_MAX; i++)
    samples[i] = (EspEditSample){ .seed = 40 + (uint64_t) i, .cancel = &batch->cancel[i] };
  return esp_model_edit_batch (model, request, samples, count, &callbacks, error);
}

static void
clear_batch (Batch *batch)
{
  for (int i = 0; i < ESP_BATCH_MAX; i++)
    esp_edit_result_clear (&batch->results[i]);
  *batch = (Batch){ .cancel_at = ESP_STAGE_COUNT };
}

static Batch batch;

static void
check_batch (const EspEditRequest *request, const EspEditResult *singles)
{
  static const int passes[] = { 0, 1, 2, 3, SAMPLES };
  EspError error = ESP_ERROR_INIT;

  for (size_t p = 0; p < sizeof passes / sizeof *passes; p++)
    {
      clear_batch (&batch);
      esp_model_set_pass_limit (model, passes[p]);
      CHECK_STATUS (run_batch (&batch, request, SAMPLES, &error), ESP_OK, error);
      CHECK (!batch.fell && !batch.after_done);
      for (int i = 0; i < SAMPLES; i++)
        {
          int rest = passes[p] > 0 ? SAMPLES - i / passes[p] * passes[p] : 0;

          CHECK (batch.done[i] == 1 && batch.order[i] == i && batch.errors[i].status == ESP_OK);
          CHECK (batch.previews[i] == request->steps);
          CHECK (batch.results[i].seed == 40 + (uint64_t) i);
          CHECK (same_result (&batch.results[i], &singles[i]));
          CHECK (passes[p] == 0
                 || batch.results[i].shared == (rest < passes[p] ? rest : passes[p]));
        }
    }
  clear_batch (&batch);
}

static void
each_of_a_batch_is_what_it_is_alone (void)
{
  EspError error = ESP_ERROR_INIT;

  for (int round = 0; round < 8; round++)
    {
      EspEditRequest request = request_for ("Make it look like golden hour");
      EspEditResult singles[SAMPLES];

      request.dtype = round < 4 ? ESP_DTYPE_F32 : ESP_DTYPE_BF16;
      if (round % 4 == 1)
        {
          request.negative_prompt = "rain";
          request.true_cfg = 1.5;
        }
      if (round % 4 == 2)
        request.image_count = 2;
      if (round % 4 == 3)
        request.images = &small; /* one token */
      for (int i = 0; i < SAMPLES; i++)
        {
          request.seed = 40 + (uint64_t) i;
          CHECK_STATUS (esp_model_edit (model, &request, NULL, &singles[i], &error), ESP_OK, error);
        }
      check_batch (&request, singles);
      for (int i = 0; i < SAMPLES; i++)
        esp_edit_result_clear (&singles[i]);
    }
}

static void
one_is_cancelled_and_the_others_go_on (void)
{
  static const struct
  {
    EspStage stage;
    int step;
  } moments[] = { { ESP_STAGE_TEXT, 0 },   { ESP_STAGE_ENCODE, 0 }, { ESP_STAGE_LOAD, 0 },
                  { ESP_STAGE_SAMPLE, 0 }, { ESP_STAGE_SAMPLE, 1 }, { ESP_STAGE_DECODE, 0 } };
  EspEditRequest request = request_for ("Make the photo darker");
  EspEditResult singles[3];
  EspError error = ESP_ERROR_INIT;

  for (int i = 0; i < 3; i++)
    {
      request.seed = 40 + (uint64_t) i;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &singles[i], &error), ESP_OK, error);
    }
  for (size_t m = 0; m < sizeof moments / sizeof *moments; m++)
    for (int limit = 1; limit <= 3; limit += 2)
      {
        clear_batch (&batch);
        batch.cancel_at = moments[m].stage;
        batch.cancel_step = moments[m].step;
        batch.cancel_index = 1;
        esp_model_set_pass_limit (model, limit);
        CHECK_STATUS (run_batch (&batch, &request, 3, &error), ESP_OK, error);
        CHECK (batch.done[1] == 1 && batch.errors[1].status == ESP_ERROR_CANCELLED);
        CHECK (batch.last[1].stage == moments[m].stage && batch.last[1].step == moments[m].step);
        CHECK (!batch.after_done && batch.finished == 3);
        for (int i = 0; i < 3; i += 2)
          CHECK (batch.done[i] == 1 && same_result (&batch.results[i], &singles[i]));
      }
  for (int i = 0; i < 3; i++)
    esp_edit_result_clear (&singles[i]);
  clear_batch (&batch);
}

/* One whose pass has not begun is told while another is computed, which may take long. */
static void
one_that_waits_is_told_at_once (void)
{
  EspEditRequest request = request_for ("Make the photo darker");
  EspEditResult singles[2];
  EspError error = ESP_ERROR_INIT;

  for (int i = 0; i < 2; i++)
    {
      request.seed = 40 + (uint64_t) i;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &singles[i], &error), ESP_OK, error);
    }
  for (int limit = 1; limit <= 2; limit++)
    {
      clear_batch (&batch);
      batch.cancel_at = ESP_STAGE_SAMPLE;
      batch.cancel_step = 1;
      batch.cancel_index = 0;
      batch.cancel_third = true;
      esp_model_set_pass_limit (model, limit);
      CHECK_STATUS (run_batch (&batch, &request, 3, &error), ESP_OK, error);
      CHECK (batch.finished == 3 && batch.order[0] == 2);
      CHECK (batch.errors[2].status == ESP_ERROR_CANCELLED && !batch.after_done);
      for (int i = 0; i < 2; i++)
        CHECK (batch.done[i] == 1 && same_result (&batch.results[i], &singles[i]));
    }
  for (int i = 0; i < 2; i++)
    esp_edit_result_clear (&singles[i]);
  clear_batch (&batch);
}

static void
all_are_cancelled_together (void)
{
  EspEditRequest request = request_for ("Make the photo darker");
  EspError error = ESP_ERROR_INIT;

  for (int stage = 0; stage < ESP_STAGE_COUNT; stage++)
    {
      clear_batch (&batch);
      batch.cancel_at = (EspStage) stage;
      batch.cancel_index = -1;
      esp_model_set_pass_limit (model, 2);
      CHECK_STATUS (run_batch (&batch, &request, 3, &error), ESP_ERROR_CANCELLED, error);
      CHECK (batch.finished == 0);

      /* One by one it comes to the same, but each is told. */
      clear_batch (&batch);
      for (int i = 0; i < 3; i++)
        atomic_store (&batch.cancel[i], true);
      error = (EspError) ESP_ERROR_INIT;
      CHECK_STATUS (run_batch (&batch, &request, 3, &error), ESP_OK, error);
      for (int i = 0; i < 3; i++)
        CHECK (batch.done[i] == 1 && batch.errors[i].status == ESP_ERROR_CANCELLED);
    }

  /* The model is as good as before. */
  clear_batch (&batch);
  CHECK_STATUS (run_batch (&batch, &request, 3, &error), ESP_OK, error);
  CHECK (batch.finished == 3 && batch.results[2].image.pixels != NULL);
  clear_batch (&batch);
}

static void
impossible_batches_are_refused (void)
{
  EspEditRequest request = request_for ("x");
  EspError error = ESP_ERROR_INIT;

  clear_batch (&batch);
  CHECK_STATUS (run_batch (&batch, &request, 0, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_STATUS (run_batch (&batch, &request, ESP_BATCH_MAX + 1, &error), ESP_ERROR_ARGUMENT, error);
  request.dump_path = "/nonexistent/dump";
  CHECK_STATUS (run_batch (&batch, &request, 2, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_MESSAGE (error, "--dump");
  request.dump_path = NULL;
  request.noise_path = "/nonexistent/noise";
  CHECK_STATUS (run_batch (&batch, &request, 2, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_MESSAGE (error, "--noise");
  request.noise_path = NULL;
  request.steps = -3;
  CHECK_STATUS (run_batch (&batch, &request, 2, &error), ESP_ERROR_ARGUMENT, error);
  CHECK (esp_model_batch_limit (model, &request, &error) == 0);
  CHECK_MESSAGE (error, "steps");
  CHECK (batch.finished == 0);
}

/* --- How many go together -----------------------------------------------------------------------
 */

static size_t free_bytes;

static size_t
say_free (EspDevice *device)
{
  (void) device;
  return free_bytes;
}

/* On a device that has as much memory, and gains as much, as the test says. */
static void
memory_and_gain_decide_how_many_go_together (void)
{
  EspEditRequest request = request_for ("x");
  EspError error = ESP_ERROR_INIT;
  EspDevice *device = NULL;
  EspModel *own = NULL;
  EspFluxInputs inputs;
  EspOps ops;
  size_t one, two;
  int64_t length;

  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &own, &error), ESP_OK, error);
  CHECK_STATUS (esp_reference_device_new (ESP_COMPUTE_F32, &device, &error), ESP_OK, error);
  ops = *device->ops;
  ops.free_memory = say_free;
  device->ops = &ops;
  esp_model_set_devices (own, device, device);

  length = 64 + 2 * (SIDE / 16) * (SIDE / 16);
  inputs = (EspFluxInputs){
    .text_tokens = 64, .target_tokens = 16, .reference_tokens = 16, .text_count = 1, .slots = 1
  };
  one = esp_flux_session_bytes (esp_flux_config (own->flux), ESP_F32, &inputs);
  inputs.slots = 2;
  two = esp_flux_session_bytes (esp_flux_config (own->flux), ESP_F32, &inputs);

  free_bytes = own->info.weight_bytes + 100 * two;
  device->batch_rows = 0;
  CHECK (esp_model_batch_limit (own, &request, &error) == 1);
  device->batch_rows = 3 * length;
  CHECK (esp_model_batch_limit (own, &request, &error) == 3);
  device->batch_rows = 4 * length - 1;
  CHECK (esp_model_batch_limit (own, &request, &error) == 3);
  device->batch_rows = length - 1;
  CHECK (esp_model_batch_limit (own, &request, &error) == 1);
  esp_model_set_pass_limit (own, 7);
  CHECK (esp_model_batch_limit (own, &request, &error) == 7);

  /* Room, half of which is taken, for five of them. */
  free_bytes = 2 * (one + 4 * (two - one));
  CHECK (esp_model_batch_limit (own, &request, &error) == 5);
  free_bytes = 2 * one - 2;
  CHECK (esp_model_batch_limit (own, &request, &error) == 1);
  /* What step caching holds counts, too. */
  request.step_cache = 0.1;
  free_bytes = 2 * (one + 4 * (two - one));
  CHECK (esp_model_batch_limit (own, &request, &error) < 5);
  request.step_cache = 0;
  /* Unknown. */
  free_bytes = 0;
  CHECK (esp_model_batch_limit (own, &request, &error) == 7);
  esp_model_set_pass_limit (own, 1000);
  CHECK (esp_model_batch_limit (own, &request, &error) == ESP_FLUX_SLOTS_MAX);

  /* Weights that do not fit are read from the disk for each pass. */
  esp_model_set_pass_limit (own, 0);
  device->batch_rows = 0;
  free_bytes = own->info.weight_bytes - 1;
  CHECK (esp_model_batch_limit (own, &request, &error) > 1);
  esp_model_close (own);
  CHECK (esp_model_usual_batch (model) >= 1 && esp_model_usual_batch (model) <= ESP_FLUX_SLOTS_MAX);
}

/* --- On a graphics card, an emulated one unless there is another -------------------------------
 */

#define TOGETHER 3

/* test-batch cuda [bf16]: tiles of bf16 take the emulated card three times as long. */
static EspDTypeChoice card_dtype = ESP_DTYPE_F32;

/* Slots that follow each other are one product there. The second leaves after a step, and then the
 * first and third are no neighbours. */
static void
a_card_gives_the_same_bytes_together (void)
{
  EspEditRequest request = request_for ("Make it look like golden hour");
  EspEditResult singles[TOGETHER];
  EspError error = ESP_ERROR_INIT;

  request.device = ESP_DEVICE_CUDA;
  request.dtype = card_dtype;
  request.images = &small;
  clear_batch (&batch);
  batch.cancel_at = ESP_STAGE_SAMPLE;
  batch.cancel_step = 1;
  batch.cancel_index = 1;
  CHECK_STATUS (run_batch (&batch, &request, TOGETHER, &error), ESP_OK, error);
  CHECK (batch.errors[1].status == ESP_ERROR_CANCELLED);
  for (int i = 0; i < TOGETHER; i += 2)
    {
      request.seed = 40 + (uint64_t) i;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &singles[i], &error), ESP_OK, error);
      CHECK (batch.done[i] == 1 && batch.results[i].shared == TOGETHER);
      CHECK (strcmp (batch.results[i].device, "cuda") == 0 && batch.results[i].notice[0] == '\0');
      CHECK (same_result (&batch.results[i], &singles[i]));
    }

  /* Where memory is out they go on with less, and say so. */
  clear_batch (&batch);
  batch.short_of_memory = true;
  error = (EspError) ESP_ERROR_INIT;
  CHECK_STATUS (run_batch (&batch, &request, TOGETHER, &error), ESP_OK, error);
  CHECK (batch.step_failed && batch.picture_failed && batch.finished == TOGETHER);
  CHECK (batch.results[0].shared == 2 && batch.results[2].shared == 1);
  CHECK (strstr (batch.results[0].notice, "fewer pictures") != NULL);
  CHECK (strstr (batch.results[2].notice, "smaller tiles") != NULL);
  for (int i = 0; i < TOGETHER; i += 2)
    {
      CHECK (strcmp (batch.results[i].device, "cuda") == 0);
      CHECK (same_result (&batch.results[i], &singles[i]));
      esp_edit_result_clear (&singles[i]);
    }
  clear_batch (&batch);
}

int
main (int argc, char **argv)
{
  EspError error = ESP_ERROR_INIT;

  paint ();
  if (esp_model_open (getenv ("ESP_DEMO_MODEL"), &model, &error) != ESP_OK)
    {
      printf ("Bail out! %s\n", error.message);
      return 1;
    }
  if (argc > 1 && strcmp (argv[1], "cuda") == 0)
    {
      if (argc > 2 && strcmp (argv[2], "bf16") == 0)
        card_dtype = ESP_DTYPE_BF16;
      CASE (a_card_gives_the_same_bytes_together);
      esp_model_close (model);
      return check_done ();
    }
  CASE (the_cache_drops_what_was_used_longest_ago);
  CASE (kept_work_changes_no_byte);
  CASE (what_is_reused_is_told);
  CASE (previews_come_of_kept_references_too);
  CASE (each_of_a_batch_is_what_it_is_alone);
  CASE (one_is_cancelled_and_the_others_go_on);
  CASE (one_that_waits_is_told_at_once);
  CASE (all_are_cancelled_together);
  CASE (impossible_batches_are_refused);
  CASE (memory_and_gain_decide_how_many_go_together);
  esp_model_close (model);
  return check_done ();
}
