/* SPDX-License-Identifier: MIT */
/* Step caching: off it changes nothing; on it leaves steps out, each edit by its own rows alone,
 * and the picture stays near. */
#include "check.h"

#include <math.h>

#include "espalier-engine.h"
#include "model/model.h"
#include "ops-reference.h"

#define SIDE    64
#define SAMPLES 4
#define STEPS   12

static EspModel *model;
static uint8_t photos[2][SIDE * SIDE * 3];
static EspImage images[2] = { { photos[0], SIDE, SIDE }, { photos[1], SIDE, SIDE } };

static const EspImage small = { photos[1], 16, 16 };

static EspEditRequest
request_for (double threshold)
{
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;

  request.prompt = "Make it look like golden hour";
  request.images = images;
  request.image_count = 1;
  request.steps = STEPS;
  request.size_mode = ESP_SIZE_MATCH;
  request.dtype = ESP_DTYPE_F32;
  request.step_cache = threshold;
  return request;
}

static EspEditResult
edit (const EspEditRequest *request)
{
  EspEditResult result = ESP_EDIT_RESULT_INIT;
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (esp_model_edit (model, request, NULL, &result, &error), ESP_OK, error);
  return result;
}

static bool
same (const EspEditResult *a, const EspEditResult *b)
{
  size_t bytes = (size_t) (a->latent_tokens * a->latent_width) * sizeof (float);

  return a->latents != NULL && b->latents != NULL && memcmp (a->latents, b->latents, bytes) == 0
         && a->computed_steps == b->computed_steps;
}

/* Of the latents, relative to their size. */
static double
difference (const EspEditResult *a, const EspEditResult *b)
{
  double away = 0, size = 0;

  for (int i = 0; i < a->latent_tokens * a->latent_width; i++)
    {
      away += pow ((double) a->latents[i] - (double) b->latents[i], 2);
      size += pow ((double) b->latents[i], 2);
    }
  return sqrt (away / size);
}

static void
what_never_suffices_is_exact (void)
{
  EspEditRequest request = request_for (0);
  EspEditResult exact = edit (&request), tiny;

  CHECK (exact.computed_steps == STEPS && exact.steps == STEPS);
  request.step_cache = 1e-12;
  tiny = edit (&request);
  CHECK (same (&tiny, &exact));
  esp_edit_result_clear (&exact);
  esp_edit_result_clear (&tiny);
}

static void
more_is_left_out_the_higher_the_threshold (void)
{
  static const double thresholds[] = { 0, 0.05, 0.12, 0.3, ESP_STEP_CACHE_MAX };
  EspEditRequest request = request_for (0);
  EspEditResult exact = edit (&request);
  int before = STEPS;

  for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++)
    {
      EspEditResult result;
      double away;

      request.step_cache = thresholds[i];
      result = edit (&request);
      away = difference (&result, &exact);
      printf ("# threshold %g: %d of %d steps, latents %.2g away\n", thresholds[i],
              result.computed_steps, STEPS, away);
      CHECK (result.computed_steps <= before && result.steps == STEPS);
      /* The first and the last one always are. */
      CHECK (result.computed_steps >= 2);
      CHECK ((result.computed_steps == STEPS) == (away == 0));
      CHECK (away < 0.5);
      before = result.computed_steps;
      esp_edit_result_clear (&result);
    }
  CHECK (before < STEPS / 2);
  esp_edit_result_clear (&exact);

  for (request.steps = 1; request.steps <= 2; request.steps++)
    {
      exact = edit (&request);
      CHECK (exact.computed_steps == request.steps);
      esp_edit_result_clear (&exact);
    }
}

/* --- Several at once ----------------------------------------------------------------------------
 */

typedef struct Batch
{
  EspEditResult results[SAMPLES];
  EspStatus ended[SAMPLES];
  int cancel_index, cancel_step;
  atomic_bool cancel[SAMPLES];
} Batch;

static void
batch_progress (void *data, int index, const EspProgress *progress)
{
  Batch *batch = data;

  if (index == batch->cancel_index && progress->step == batch->cancel_step
      && progress->stage == ESP_STAGE_SAMPLE)
    atomic_store (&batch->cancel[index], true);
}

static void
batch_done (void *data, int index, EspEditResult *result, const EspError *error)
{
  Batch *batch = data;

  batch->ended[index] = result != NULL ? ESP_OK : error->status;
  if (result != NULL)
    batch->results[index] = *result;
}

/* Edit `cancelled` leaves after some steps; -1: none. */
static void
check_batch (const EspEditRequest *request, const EspEditResult *singles, int cancelled)
{
  Batch batch = { .cancel_index = cancelled, .cancel_step = STEPS / 2 };
  EspBatchCallbacks callbacks = { .progress = batch_progress, .done = batch_done, .data = &batch };
  EspEditSample samples[SAMPLES];
  EspError error = ESP_ERROR_INIT;

  for (int i = 0; i < SAMPLES; i++)
    {
      samples[i] = (EspEditSample){ .seed = (uint64_t) i, .cancel = &batch.cancel[i] };
      atomic_init (&batch.cancel[i], false);
    }
  CHECK_STATUS (esp_model_edit_batch (model, request, samples, SAMPLES, &callbacks, &error), ESP_OK,
                error);
  for (int i = 0; i < SAMPLES; i++)
    {
      CHECK (batch.ended[i] == (i == cancelled ? ESP_ERROR_CANCELLED : ESP_OK));
      CHECK (i == cancelled || same (&batch.results[i], &singles[i]));
      esp_edit_result_clear (&batch.results[i]);
    }
}

/* A picture of one token, and a threshold at which the seeds do not all leave out as much. */
static EspEditRequest
request_that_divides (void)
{
  EspEditRequest request = request_for (0);

  request.images = &small;
  for (request.step_cache = 0.05; request.step_cache < 0.3; request.step_cache += 0.005)
    {
      int least = STEPS, most = 0;

      for (request.seed = 0; request.seed < SAMPLES; request.seed++)
        {
          EspEditResult result = edit (&request);

          least = result.computed_steps < least ? result.computed_steps : least;
          most = result.computed_steps > most ? result.computed_steps : most;
          esp_edit_result_clear (&result);
        }
      if (least < most && least < STEPS - 2)
        break;
    }
  printf ("# the seeds differ at %g\n", request.step_cache);
  return request;
}

static void
each_of_a_batch_decides_for_itself (void)
{
  bool differ = false;

  for (int round = 0; round < 4; round++)
    {
      EspEditRequest request = round == 0 ? request_that_divides () : request_for (0.1);
      EspEditResult singles[SAMPLES];

      request.dtype = round == 3 ? ESP_DTYPE_BF16 : ESP_DTYPE_F32;
      if (round == 1)
        {
          request.negative_prompt = "rain";
          request.true_cfg = 1.5;
        }
      if (round == 2)
        request.image_count = 2;
      for (int i = 0; i < SAMPLES; i++)
        {
          request.seed = (uint64_t) i;
          singles[i] = edit (&request);
          differ = differ || singles[i].computed_steps != singles[0].computed_steps;
          CHECK (singles[i].computed_steps < STEPS);
        }
      for (int limit = 2; limit <= SAMPLES; limit += 2)
        for (int cancelled = -1; cancelled < 2; cancelled += 2)
          {
            esp_model_set_pass_limit (model, limit);
            check_batch (&request, singles, cancelled);
          }
      esp_model_set_pass_limit (model, 0);
      for (int i = 0; i < SAMPLES; i++)
        esp_edit_result_clear (&singles[i]);
    }
  /* Else nothing above showed that they may. */
  CHECK (differ);
}

/* The plain loops leave out the same steps. */
static void
the_reference_decides_alike (void)
{
  EspEditRequest request = request_for (0.12);
  EspEditResult fast = edit (&request), plain;
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;
  EspModel *own = model, *other = NULL;

  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &other, &error), ESP_OK, error);
  CHECK_STATUS (esp_reference_device_new (ESP_COMPUTE_F32, &device, &error), ESP_OK, error);
  if (error.status != ESP_OK)
    return;
  esp_model_set_devices (other, device, device);
  images[0].width = images[0].height = 32;
  model = other;
  plain = edit (&request);
  model = own;
  esp_edit_result_clear (&fast);
  fast = edit (&request);
  images[0].width = images[0].height = SIDE;
  CHECK (plain.computed_steps == fast.computed_steps && plain.computed_steps < STEPS);
  CHECK (difference (&fast, &plain) < 1e-3);
  esp_edit_result_clear (&fast);
  esp_edit_result_clear (&plain);
  esp_model_close (other);
}

static void
impossible_thresholds_are_refused (void)
{
  static const double bad[] = { NAN, INFINITY, -0.001, ESP_STEP_CACHE_MAX + 0.001 };

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      EspEditRequest request = request_for (bad[i]);
      EspEditResult result;
      EspError error = ESP_ERROR_INIT;

      CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_ERROR_ARGUMENT,
                    error);
      CHECK_MESSAGE (error, "--step-cache");
    }
}

int
main (void)
{
  EspError error = ESP_ERROR_INIT;

  for (int i = 0; i < SIDE * SIDE * 3; i++)
    {
      photos[0][i] = (uint8_t) (i * 5 + i / 190 * 3);
      photos[1][i] = (uint8_t) (200 - i / 97);
    }
  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &model, &error), ESP_OK, error);
  if (error.status == ESP_OK)
    {
      CASE (what_never_suffices_is_exact);
      CASE (more_is_left_out_the_higher_the_threshold);
      CASE (each_of_a_batch_decides_for_itself);
      CASE (the_reference_decides_alike);
      CASE (impossible_thresholds_are_refused);
    }
  esp_model_close (model);
  return check_done ();
}
