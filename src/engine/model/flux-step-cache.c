/* SPDX-License-Identifier: MIT */
#include "model/flux-step-cache.h"

void
flux_step_cache_init (FluxStepCache *cache, EspDevice *device, int64_t hidden, double threshold,
                      int slots, int texts, int64_t target_tokens, int64_t picture_tokens)
{
  *cache = (FluxStepCache){ .device = device,
                            .threshold = threshold,
                            .target_tokens = target_tokens,
                            .picture_tokens = picture_tokens };
  if (threshold <= 0)
    return;
  cache->change = esp_tensor_new (device, ESP_F32, slots * picture_tokens, hidden);
  for (int t = 0; t < texts; t++)
    {
      cache->first[t] = esp_tensor_new (device, ESP_F32, slots * picture_tokens, hidden);
      cache->rest[t] = esp_tensor_new (device, ESP_F32, slots * target_tokens, hidden);
    }
}

void
flux_step_cache_clear (FluxStepCache *cache)
{
  if (cache->threshold <= 0)
    return;
  esp_tensor_free (cache->device, &cache->change);
  for (int t = 0; t < FLUX_TEXTS_MAX; t++)
    {
      esp_tensor_free (cache->device, &cache->first[t]);
      esp_tensor_free (cache->device, &cache->rest[t]);
    }
}

size_t
flux_step_cache_bytes (int64_t hidden, int slots, int texts, int64_t target_tokens,
                       int64_t picture_tokens)
{
  int64_t rows = picture_tokens + texts * (picture_tokens + target_tokens);

  return esp_dtype_bytes (ESP_F32, slots * rows * hidden);
}

static EspTensor
slot_pictures (const FluxStepCache *cache, EspTensor tensor, int slot)
{
  return esp_tensor_rows (tensor, slot * cache->picture_tokens, cache->picture_tokens);
}

static EspTensor
slot_target (const FluxStepCache *cache, EspTensor tensor, int slot)
{
  return esp_tensor_rows (tensor, slot * cache->target_tokens, cache->target_tokens);
}

void
flux_step_cache_before (FluxStepCache *cache, int slot, EspTensor pictures)
{
  cache->device->ops->scale_add (cache->device, 1, pictures, 0,
                                 slot_pictures (cache, cache->change, slot));
}

bool
flux_step_cache_reuse (FluxStepCache *cache, int text, int slot, EspTensor pictures)
{
  const EspOps *ops = cache->device->ops;
  EspTensor change = slot_pictures (cache, cache->change, slot);
  EspTensor first = slot_pictures (cache, cache->first[text], slot);
  EspTensor target = esp_tensor_rows (pictures, 0, cache->target_tokens);
  EspTensor rest = slot_target (cache, cache->rest[text], slot);

  ops->scale_add (cache->device, 1, pictures, -1, change);
  if (cache->known[text][slot])
    {
      double sums[2];

      ops->distance (cache->device, change, first, sums);
      /* A NaN is no small change: the step is computed, and the failure found. */
      if (sums[0] < cache->threshold * sums[1])
        {
          ops->scale_add (cache->device, 1, rest, 1, target);
          return true;
        }
    }
  cache->known[text][slot] = false;
  ops->scale_add (cache->device, 1, change, 0, first);
  ops->scale_add (cache->device, 1, target, 0, rest);
  return false;
}

void
flux_step_cache_after (FluxStepCache *cache, int text, int slot, EspTensor target)
{
  cache->device->ops->scale_add (cache->device, 1, target, -1,
                                 slot_target (cache, cache->rest[text], slot));
  cache->known[text][slot] = true;
}
