/* SPDX-License-Identifier: MIT */
/* edit-carry.c: latents of an earlier edit in the place of encoded ones (EspCarry). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/edit-plan.h"

static EspStatus
check (const EspCarry *carry, int64_t token_width, int64_t tokens, EspError *error)
{
  if (carry->width < ESP_SIZE_MIN || carry->width > ESP_SIZE_MAX || carry->height < ESP_SIZE_MIN
      || carry->height > ESP_SIZE_MAX || carry->width % ESP_SIZE_MULTIPLE != 0
      || carry->height % ESP_SIZE_MULTIPLE != 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "carry: %d×%d is not possible; sides are multiples of %d from %d to %d",
                          carry->width, carry->height, ESP_SIZE_MULTIPLE, ESP_SIZE_MIN,
                          ESP_SIZE_MAX);
  if (carry->token_width != token_width)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "carry: the latents have %d numbers for each token, the model's have %d",
                          carry->token_width, (int) token_width);
  for (int64_t i = 0; i < tokens * token_width; i++)
    if (!isfinite (carry->latents[i]))
      return esp_error_set (error, ESP_ERROR_NUMERIC,
                            "carry: the latents have a NaN or infinite value");
  return ESP_OK;
}

EspStatus
esp_edit_plan_carry (const EspModelInfo *info, const EspEditRequest *request, EspEditPlan *plan,
                     EspError *error)
{
  const EspCarry *carry = &request->carry;
  int64_t token_width = 4 * plan->reference[0].channels;
  int64_t tokens
      = (int64_t) (carry->width / ESP_SIZE_MULTIPLE) * (carry->height / ESP_SIZE_MULTIPLE);
  EspStatus status;

  if (carry->latents == NULL || request->no_carry)
    return ESP_OK;
  /* Another model's may have another shape, too. */
  if (carry->model_hash != NULL && strcmp (carry->model_hash, info->hash) != 0)
    {
      snprintf (plan->not_carried, sizeof plan->not_carried,
                "the latents were made by another model: the picture was encoded");
      return ESP_OK;
    }
  status = check (carry, token_width, tokens, error);
  if (status != ESP_OK)
    return status;
  if (carry->width != plan->reference_width[0] || carry->height != plan->reference_height[0]
      || tokens != esp_latent_tokens (plan->reference[0]))
    {
      snprintf (plan->not_carried, sizeof plan->not_carried,
                "the latents are of %d×%d pixels, and the picture is read at %d×%d: it was encoded",
                carry->width, carry->height, plan->reference_width[0], plan->reference_height[0]);
      return ESP_OK;
    }
  for (int64_t i = 0; i < tokens; i++)
    plan->carried_tokens += carry->tokens == NULL || carry->tokens[i] != 0;
  return ESP_OK;
}

bool
esp_edit_plan_carries_all (const EspEditPlan *plan)
{
  return plan->carried_tokens == esp_latent_tokens (plan->reference[0]);
}

void
esp_edit_plan_put_carried (const EspEditPlan *plan, const EspEditRequest *request, float *tokens)
{
  const EspCarry *carry = &request->carry;
  size_t width = (size_t) carry->token_width;

  for (int64_t i = 0; plan->carried_tokens > 0 && i < esp_latent_tokens (plan->reference[0]); i++)
    if (carry->tokens == NULL || carry->tokens[i] != 0)
      memcpy (tokens + (size_t) i * width, carry->latents + (size_t) i * width,
              width * sizeof *tokens);
}
