/* SPDX-License-Identifier: MIT */
/* What an edit will need is known before it begins, and one that cannot fit is refused by name
 * instead of being killed. */
#include "check.h"

#include "espalier-engine.h"
#include "model/model.h"
#include "ops-reference.h"

#define SIDE 64

static EspModel *model;
static EspDevice *device;
static uint8_t photo[SIDE * SIDE * 3];
static const EspImage image = { photo, SIDE, SIDE };
static size_t free_bytes;

static size_t
say_free (EspDevice *asked)
{
  (void) asked;
  return free_bytes;
}

static EspEditRequest
request_for (int side)
{
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;

  request.prompt = "Make it snow";
  request.images = &image;
  request.image_count = 1;
  request.steps = 2;
  request.size_mode = side > 0 ? ESP_SIZE_EXACT : ESP_SIZE_MATCH;
  request.width = request.height = side;
  return request;
}

static EspMemoryPlan
plan_for (const EspEditRequest *request)
{
  EspMemoryPlan plan = { 0 };
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (esp_model_plan (model, request, &plan, &error), ESP_OK, error);
  return plan;
}

static void
each_part_grows_with_what_it_is_of (void)
{
  EspEditRequest request = request_for (256), larger = request_for (512);
  EspMemoryPlan plan = plan_for (&request), more = plan_for (&larger);

  CHECK (plan.text_weights > 0 && plan.transformer_weights > 0 && plan.vae_weights > 0);
  CHECK (plan.text_weights + plan.transformer_weights < esp_model_info (model)->weight_bytes);
  CHECK (more.transformer_weights == plan.transformer_weights && more.steps > plan.steps);
  CHECK (more.vae >= plan.vae && more.modulations == plan.modulations);
  CHECK (plan.peak >= plan.buffers + plan.transformer_weights || plan.peak == plan.text_weights);

  request.steps = 4;
  CHECK (plan_for (&request).modulations > plan.modulations);
  request.step_cache = 0.1;
  CHECK (plan_for (&request).steps > plan.steps);
  request.step_cache = 0;
  request.negative_prompt = "";
  request.true_cfg = 2;
  CHECK (plan_for (&request).modulations > 2 * plan.modulations);
  request.vae_memory = 1000;
  CHECK (plan_for (&request).vae == 1000);
  request.vae_tiling = ESP_VAE_TILING_OFF;
  CHECK (plan_for (&request).vae == plan.vae);
}

/* The device counts what it hands out: it is what was planned, and the prepared weights. */
static void
the_plan_covers_what_is_taken (void)
{
  EspEditRequest request = request_for (0);
  EspEditResult result = ESP_EDIT_RESULT_INIT;
  EspError error = ESP_ERROR_INIT;
  EspMemoryPlan plan;

  free_bytes = 0;
  plan = plan_for (&request);
  device->peak = device->allocated;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
  printf ("# planned %zu, taken %zu\n", plan.buffers, device->peak);
  /* The reference widens the transformer's bf16 weights to f32. */
  CHECK (device->peak <= plan.buffers + 2 * plan.transformer_weights + (1 << 20));
  CHECK (device->peak >= plan.steps + plan.modulations + plan.transformer_weights);
  esp_edit_result_clear (&result);
}

static void
what_cannot_fit_is_refused (void)
{
  EspEditRequest request = request_for (0);
  EspEditResult result = ESP_EDIT_RESULT_INIT;
  EspError error = ESP_ERROR_INIT;
  EspMemoryPlan plan = plan_for (&request);

  free_bytes = plan.buffers - 1;
  CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_ERROR_MEMORY, error);
  CHECK_MESSAGE (error, "--size");
  CHECK_MESSAGE (error, "64x64");
  CHECK (result.image.pixels == NULL);
  CHECK (plan_for (&request).available == plan.buffers - 1);

  /* As much as is needed, or nobody knows: it goes on. */
  for (int i = 0; i < 2; i++)
    {
      free_bytes = i == 0 ? plan.buffers : 0;
      error = (EspError) ESP_ERROR_INIT;
      CHECK_STATUS (esp_model_edit (model, &request, NULL, &result, &error), ESP_OK, error);
      esp_edit_result_clear (&result);
    }
  CHECK_STATUS (esp_model_usual_plan (model, &plan, &error), ESP_OK, error);
  CHECK (plan.steps > 0 && plan.vae > 0 && plan.peak > plan.buffers);
  request.steps = -1;
  CHECK_STATUS (esp_model_plan (model, &request, &plan, &error), ESP_ERROR_ARGUMENT, error);
}

int
main (void)
{
  EspError error = ESP_ERROR_INIT;
  static EspOps ops;

  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &model, &error), ESP_OK, error);
  CHECK_STATUS (esp_reference_device_new (ESP_COMPUTE_F32, &device, &error), ESP_OK, error);
  if (error.status == ESP_OK)
    {
      ops = *device->ops;
      ops.free_memory = say_free;
      device->ops = &ops;
      esp_model_set_devices (model, device, device);
      CASE (each_part_grows_with_what_it_is_of);
      CASE (the_plan_covers_what_is_taken);
      CASE (what_cannot_fit_is_refused);
    }
  esp_model_close (model);
  return check_done ();
}
