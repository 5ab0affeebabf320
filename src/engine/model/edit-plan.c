/* SPDX-License-Identifier: MIT */
#include "model/edit-plan.h"

#include <math.h>
#include <string.h>

#include "model/image-size.h"
#include "text/tokenizer.h"

#define GUIDANCE_MAX 1000.0

static EspStatus
check_text (const char *text, const char *option, EspError *error)
{
  size_t length = strlen (text);
  EspError detail = ESP_ERROR_INIT;

  if (length > ESP_PROMPT_MAX_BYTES)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: %zu bytes are too long, at most %d",
                          option, length, ESP_PROMPT_MAX_BYTES);
  if (esp_utf8_validate (text, length, &detail) != ESP_OK)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: %s", option, detail.message);
  return ESP_OK;
}

static EspStatus
check_images (const EspEditRequest *request, EspError *error)
{
  if (request->image_count < 1 || request->image_count > ESP_IMAGES_MAX || request->images == NULL)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "input: %d pictures given, from 1 to %d are possible",
                          request->image_count, ESP_IMAGES_MAX);
  for (int i = 0; i < request->image_count; i++)
    {
      const EspImage *image = &request->images[i];

      if (image->pixels == NULL || image->width < ESP_SIZE_MIN || image->height < ESP_SIZE_MIN)
        return esp_error_set (error, ESP_ERROR_ARGUMENT,
                              "input: picture %d has %d×%d pixels, at least %d×%d are needed",
                              i + 1, image->width, image->height, ESP_SIZE_MIN, ESP_SIZE_MIN);
    }
  return ESP_OK;
}

static EspStatus
check_numbers (const EspEditRequest *request, EspError *error)
{
  if (request->steps < 0 || request->steps > ESP_STEPS_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "--steps: %d is outside 1 … %d",
                          request->steps, ESP_STEPS_MAX);
  if (!isfinite (request->guidance) || request->guidance > GUIDANCE_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "--guidance: %g is outside 0 … %g",
                          request->guidance, GUIDANCE_MAX);
  if (!isfinite (request->true_cfg) || fabs (request->true_cfg) > GUIDANCE_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "--true-cfg: %g is outside 0 … %g",
                          request->true_cfg, GUIDANCE_MAX);
  if (!(request->step_cache >= 0 && request->step_cache <= ESP_STEP_CACHE_MAX))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "--step-cache: %g is outside 0 … %g",
                          request->step_cache, ESP_STEP_CACHE_MAX);
  if (request->threads < 0 || request->threads > 4096)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "--threads: %d is outside 0 … 4096",
                          request->threads);
  return ESP_OK;
}

static int
floor_to_multiple (int side)
{
  return side / ESP_SIZE_MULTIPLE * ESP_SIZE_MULTIPLE;
}

static EspStatus
choose_sizes (const EspModelInfo *info, const EspEditRequest *request, EspEditPlan *plan,
              EspError *error)
{
  for (int i = 0; i < request->image_count; i++)
    {
      const EspImage *image = &request->images[i];
      int *width = &plan->reference_width[i], *height = &plan->reference_height[i];

      if (request->size_mode == ESP_SIZE_MATCH)
        {
          *width = floor_to_multiple (image->width);
          *height = floor_to_multiple (image->height);
        }
      else
        /* With an exact output size references are brought to Kontext's own sizes whatever the
         * manifest says, as FluxKontextPipeline does when it is given height and width. */
        esp_preferred_size (request->size_mode == ESP_SIZE_EXACT ? 0 : info->working_pixels,
                            image->width, image->height, width, height);
      if (*width > ESP_SIZE_MAX || *height > ESP_SIZE_MAX)
        return esp_error_set (
            error, ESP_ERROR_ARGUMENT,
            "--size match: picture %d has %d×%d pixels, at most %d a side are possible; "
            "use --size auto",
            i + 1, image->width, image->height, ESP_SIZE_MAX);
    }

  if (request->size_mode != ESP_SIZE_EXACT)
    {
      plan->width = plan->reference_width[0];
      plan->height = plan->reference_height[0];
      return ESP_OK;
    }

  plan->width = request->width;
  plan->height = request->height;
  if (plan->width < ESP_SIZE_MIN || plan->height < ESP_SIZE_MIN || plan->width > ESP_SIZE_MAX
      || plan->height > ESP_SIZE_MAX || plan->width % ESP_SIZE_MULTIPLE != 0
      || plan->height % ESP_SIZE_MULTIPLE != 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "--size: %dx%d is not possible; sides are multiples of %d from %d to %d",
                          plan->width, plan->height, ESP_SIZE_MULTIPLE, ESP_SIZE_MIN, ESP_SIZE_MAX);
  return ESP_OK;
}

EspStatus
esp_edit_plan_make (const EspModelInfo *info, int64_t latent_channels, int64_t factor,
                    const EspEditRequest *request, EspEditPlan *plan, EspError *error)
{
  EspStatus status;

  *plan = (EspEditPlan){ 0 };
  if (request->prompt == NULL)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "--prompt: missing");
  status = check_text (request->prompt, "--prompt", error);
  if (status == ESP_OK && request->negative_prompt != NULL)
    status = check_text (request->negative_prompt, "--negative-prompt", error);
  if (status == ESP_OK)
    status = check_images (request, error);
  if (status == ESP_OK)
    status = check_numbers (request, error);
  if (status == ESP_OK)
    status = choose_sizes (info, request, plan, error);
  if (status != ESP_OK)
    return status;

  plan->steps = request->steps > 0 ? request->steps : info->default_steps;
  plan->guidance = request->guidance >= 0 ? request->guidance : info->default_guidance;
  plan->true_cfg = request->true_cfg > 1 && request->negative_prompt != NULL;
  plan->step_cache = request->step_cache;

  plan->target = (EspLatentSize){ plan->height / factor, plan->width / factor, latent_channels };
  plan->target_tokens = esp_latent_tokens (plan->target);
  for (int i = 0; i < request->image_count; i++)
    {
      plan->reference[i] = (EspLatentSize){ plan->reference_height[i] / factor,
                                            plan->reference_width[i] / factor, latent_channels };
      plan->reference_tokens += esp_latent_tokens (plan->reference[i]);
    }
  return esp_edit_plan_carry (info, request, plan, error);
}
