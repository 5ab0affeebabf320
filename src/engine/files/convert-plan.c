/* SPDX-License-Identifier: MIT */
#include "files/convert-plan.h"

#include <stdlib.h>
#include <string.h>

#include "files/gguf-write.h"
#include "files/tensor-file.h"

/* --- What becomes of a tensor ---------------------------------------------------------------- */

typedef enum
{
  CONVERT,
  KEEP,    /* its error would reach everything, and it is small */
  LOOK_UP, /* a table of rows, which are looked up and not multiplied */
} Policy;

/* By a part of the name that begins at its beginning or behind a dot. */
static const struct
{
  const char *part;
  Policy policy;
} policies[] = {
  /* Black Forest Labs' names of FLUX.1's ends, and those of diffusers */
  { "img_in.", KEEP },
  { "txt_in.", KEEP },
  { "time_in.", KEEP },
  { "vector_in.", KEEP },
  { "guidance_in.", KEEP },
  { "final_layer.", KEEP },
  { "x_embedder.", KEEP },
  { "context_embedder.", KEEP },
  { "time_text_embed.", KEEP },
  { "norm_out.", KEEP },
  /* the autoencoder, whose few matrices are in one place */
  { "mid_block.", KEEP },
  /* the text encoders */
  { "relative_attention_bias.", KEEP },
  { "attn_rel_b.", KEEP },
  { "position_embedding.", KEEP },
  { "shared.", LOOK_UP },
  { "embed_tokens.", LOOK_UP },
  { "token_embd.", LOOK_UP },
  { "token_embedding.", LOOK_UP },
};

static bool
has_part (const char *name, const char *part)
{
  for (const char *at = strstr (name, part); at != NULL; at = strstr (at + 1, part))
    if (at == name || at[-1] == '.')
      return true;
  return false;
}

static Policy
find_policy (const EspWeight *weight)
{
  if (weight->dims != 2)
    return KEEP;
  for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
    if (has_part (weight->name, policies[i].part))
      return policies[i].policy;
  /* diffusers calls the last layer, and one of each single block, proj_out. */
  if (has_part (weight->name, "proj_out.") && strstr (weight->name, "_blocks.") == NULL)
    return KEEP;
  return CONVERT;
}

/* The numbers as they are, where the new file has room for their format. */
static EspDType
kept_format (EspDType dtype, bool gguf)
{
  bool plain = dtype == ESP_F32 || dtype == ESP_F16 || dtype == ESP_BF16 || dtype == ESP_I32;

  return plain || (gguf && esp_dtype_block (dtype) > 1) ? dtype : ESP_BF16;
}

static EspDType
wanted_format (const EspWeight *weight, EspConvertType type, Policy policy)
{
  int64_t row = weight->shape[weight->dims - 1];

  switch (type)
    {
    case ESP_CONVERT_BF16:
      return ESP_BF16;
    case ESP_CONVERT_FP8:
      return policy == LOOK_UP ? kept_format (weight->dtype, false) : ESP_F8_E4M3;
    default:
      if (type == ESP_CONVERT_Q4_K && policy != LOOK_UP && row % 256 == 0)
        return ESP_Q4_K;
      return row % 32 == 0 ? ESP_Q8_0 : kept_format (weight->dtype, true);
    }
}

static bool
ends_in (const char *text, const char *ending)
{
  size_t length = strlen (text), part = strlen (ending);

  return length >= part && strcmp (text + length - part, ending) == 0;
}

static EspConvertItem
plan_item (const EspWeight *weight, EspConvertType type, bool gguf)
{
  Policy policy = find_policy (weight);
  EspConvertItem item = { .weight = weight, .dtype = kept_format (weight->dtype, gguf) };

  /* A scale is found by its weight's name. */
  if (type == ESP_CONVERT_FP8 && !ends_in (weight->name, ".weight"))
    policy = KEEP;
  if (type == ESP_CONVERT_BF16)
    policy = CONVERT;
  if (weight->dtype != ESP_I32 && policy != KEEP && weight->count > 0)
    {
      item.dtype = wanted_format (weight, type, policy);
      item.converted = item.dtype == ESP_F8_E4M3 || esp_dtype_block (item.dtype) > 1
                       || type == ESP_CONVERT_BF16;
    }
  /* fp8 that is fp8 already stays what it is. */
  item.as_it_is = item.dtype == weight->dtype && (weight->scale == 0 || item.dtype == ESP_F8_E4M3);
  item.scaled = item.dtype == ESP_F8_E4M3 && (!item.as_it_is || weight->scale != 0);
  item.scale = item.as_it_is ? weight->scale : 0;
  item.bytes = esp_dtype_bytes (item.dtype, weight->count);
  return item;
}

/* --- All of them ------------------------------------------------------------------------------ */

static int
compare_addresses (const void *a, const void *b)
{
  const EspConvertItem *x = a, *y = b;
  int files = strcmp (x->weight->file, y->weight->file);

  if (files != 0)
    return files;
  if (x->weight->data != y->weight->data)
    return (const char *) x->weight->data < (const char *) y->weight->data ? -1 : 1;
  return strcmp (x->weight->name, y->weight->name);
}

/* Wide numbers first keeps all of them aligned in a file without gaps. */
static int
compare_widths (const void *a, const void *b)
{
  size_t x = esp_dtype_bytes (((const EspConvertItem *) a)->dtype, 1);
  size_t y = esp_dtype_bytes (((const EspConvertItem *) b)->dtype, 1);

  if (x != y)
    return x > y ? -1 : 1;
  return compare_addresses (a, b);
}

/* A LoRA's factors are small, and read in the formats that trainers write. */
static EspStatus
check_kind (const EspWeights *weights, const char *path, EspError *error)
{
  static const char *const signs[]
      = { "lora_down.", "lora_up.", "lora_A.", "lora_B.", "lora.down.", "lora.up." };

  for (int64_t i = 0; i < esp_weights_stored_count (weights); i++)
    for (size_t j = 0; j < sizeof signs / sizeof signs[0]; j++)
      if (strstr (esp_weights_stored (weights, i)->name, signs[j]) != NULL)
        return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                              "%s: is a LoRA (tensor '%.*s'), which is used as it is; convert the "
                              "model",
                              path, esp_shown_length (esp_weights_stored (weights, i)->name),
                              esp_weights_stored (weights, i)->name);
  return ESP_OK;
}

static EspStatus
check_foreign (const EspWeights *weights, const char *path, EspConvertPlan *plan, EspError *error)
{
  static const char *const whole[] = { "BOOL", "U8", "I8", "U16", "I16", "U32", "U64", "I64" };

  for (int64_t i = 0; i < esp_weights_foreign_count (weights); i++)
    {
      const char *format = NULL, *name = esp_weights_foreign (weights, i, &format);
      bool is_whole = false;

      for (size_t j = 0; j < sizeof whole / sizeof whole[0]; j++)
        is_whole = is_whole || strcmp (format, whole[j]) == 0;
      if (!is_whole)
        return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                              "%s: tensor '%.*s' has number format %s, which cannot be converted",
                              path, esp_shown_length (name), name, format);
      plan->left_out++;
    }
  return ESP_OK;
}

static void
place_items (EspConvertPlan *plan)
{
  const uint64_t alignment = plan->gguf ? ESP_GGUF_ALIGNMENT : 1;

  for (int64_t i = 0; i < plan->count; i++)
    {
      EspConvertItem *item = &plan->items[i];

      plan->bytes_out = (plan->bytes_out + alignment - 1) / alignment * alignment;
      item->offset = plan->bytes_out;
      plan->bytes_out += item->bytes;
      plan->bytes_in += esp_dtype_bytes (item->weight->dtype, item->weight->count);
    }
}

EspStatus
esp_convert_plan (const EspWeights *weights, const char *path, EspConvertType type,
                  EspConvertPlan *plan, EspError *error)
{
  int64_t count = esp_weights_stored_count (weights);
  EspStatus status;

  *plan = (EspConvertPlan){ .gguf = type == ESP_CONVERT_Q8_0 || type == ESP_CONVERT_Q4_K };
  status = check_kind (weights, path, error);
  if (status == ESP_OK)
    status = check_foreign (weights, path, plan, error);
  if (status != ESP_OK)
    return status;
  if (count == 0)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: holds no tensors to convert", path);
  plan->items = calloc ((size_t) count, sizeof *plan->items);
  if (plan->items == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to convert it", path);
  for (int64_t i = 0; i < count; i++)
    plan->items[plan->count++] = plan_item (esp_weights_stored (weights, i), type, plan->gguf);
  qsort (plan->items, (size_t) plan->count, sizeof *plan->items,
         plan->gguf ? compare_addresses : compare_widths);
  place_items (plan);
  return ESP_OK;
}

void
esp_convert_plan_clear (EspConvertPlan *plan)
{
  free (plan->items);
  *plan = (EspConvertPlan){ 0 };
}
