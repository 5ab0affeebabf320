/* SPDX-License-Identifier: MIT */
#include "model/lora-targets.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256

static void
underscores (char *text)
{
  for (; *text != '\0'; text++)
    if (*text == '.')
      *text = '_';
}

static int
compare_targets (const void *a, const void *b)
{
  return strcmp (((const EspLoraTarget *) a)->name, ((const EspLoraTarget *) b)->name);
}

static const EspLoraTarget *
find_exactly (const EspLoraTargets *targets, const char *name)
{
  const EspLoraTarget key = { .name = (char *) (uintptr_t) name };

  return bsearch (&key, targets->targets, (size_t) targets->count, sizeof key, compare_targets);
}

/* A new target under a name that is copied; NULL when memory is out. */
static EspLoraTarget *
add (EspLoraTargets *targets, EspLoraComponent component, const char *name)
{
  EspLoraTarget *target;

  if (targets->count == targets->capacity)
    {
      int64_t capacity = targets->capacity > 0 ? 2 * targets->capacity : 256;
      EspLoraTarget *more = realloc (targets->targets, (size_t) capacity * sizeof *more);

      if (more == NULL)
        {
          targets->failed = true;
          return NULL;
        }
      targets->targets = more;
      targets->capacity = capacity;
    }
  target = &targets->targets[targets->count];
  *target = (EspLoraTarget){ .name = strdup (name), .component = component };
  if (target->name == NULL)
    {
      targets->failed = true;
      return NULL;
    }
  underscores (target->name);
  targets->count++;
  return target;
}

/* Appends a span, which may continue the last one. */
static void
add_span (EspLoraTarget *target, EspLinear *linear, int64_t first, int64_t out)
{
  EspLoraSpan *last = target->span_count > 0 ? &target->spans[target->span_count - 1] : NULL;

  target->in = linear->in;
  target->out += out;
  if (last != NULL && last->linear == linear && last->first + last->out == first)
    last->out += out;
  else if (target->span_count < ESP_LORA_SPANS_MAX)
    target->spans[target->span_count++] = (EspLoraSpan){ linear, first, out };
}

/* --- The transformer's other names --------------------------------------------------------------
 */

/* Where a canonical name is among the layers. */
static bool
find_part (const EspLayers *layers, const char *name, EspLoraSpan *span)
{
  for (int i = 0; i < layers->count; i++)
    {
      EspLinear *linear = layers->entries[i].linear;
      int64_t first = 0;

      if (layers->entries[i].kind != ESP_LAYER_LINEAR)
        continue;
      for (int p = 0; p < linear->parts; p++)
        {
          int64_t out = linear->weight[p] != NULL ? linear->weight[p]->count / linear->in : 0;

          if (linear->module[p] != NULL && strcmp (linear->module[p], name) == 0)
            {
              *span = (EspLoraSpan){ linear, first, out };
              return true;
            }
          first += out;
        }
    }
  return false;
}

/* A name of a fused file: block `index`'s parts, which end in NULL. */
typedef struct Alias
{
  const char *name, *block;
  const char *parts[5];
} Alias;

/* "img_attn.qkv" is Black Forest Labs', "processor.…" XLabs'. */
static const Alias double_aliases[] = {
  { "img_attn.qkv", "transformer_blocks", { "attn.to_q", "attn.to_k", "attn.to_v" } },
  { "txt_attn.qkv",
    "transformer_blocks",
    { "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj" } },
  { "img_attn.proj", "transformer_blocks", { "attn.to_out.0" } },
  { "txt_attn.proj", "transformer_blocks", { "attn.to_add_out" } },
  { "img_mlp.0", "transformer_blocks", { "ff.net.0.proj" } },
  { "img_mlp.2", "transformer_blocks", { "ff.net.2" } },
  { "txt_mlp.0", "transformer_blocks", { "ff_context.net.0.proj" } },
  { "txt_mlp.2", "transformer_blocks", { "ff_context.net.2" } },
  { "img_mod.lin", "transformer_blocks", { "norm1.linear" } },
  { "txt_mod.lin", "transformer_blocks", { "norm1_context.linear" } },
  { "processor.qkv_lora1", "transformer_blocks", { "attn.to_q", "attn.to_k", "attn.to_v" } },
  { "processor.qkv_lora2",
    "transformer_blocks",
    { "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj" } },
  { "processor.proj_lora1", "transformer_blocks", { "attn.to_out.0" } },
  { "processor.proj_lora2", "transformer_blocks", { "attn.to_add_out" } },
  { "attn.to_qkv", "transformer_blocks", { "attn.to_q", "attn.to_k", "attn.to_v" } },
  { "attn.to_added_qkv",
    "transformer_blocks",
    { "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj" } },
};

static const Alias single_aliases[] = {
  { "linear1", "single_transformer_blocks", { "attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp" } },
  { "linear2", "single_transformer_blocks", { "proj_out" } },
  { "modulation.lin", "single_transformer_blocks", { "norm.linear" } },
  { "processor.qkv_lora", "single_transformer_blocks", { "attn.to_q", "attn.to_k", "attn.to_v" } },
  { "processor.proj_lora", "single_transformer_blocks", { "proj_out" } },
  { "attn.to_qkv", "single_transformer_blocks", { "attn.to_q", "attn.to_k", "attn.to_v" } },
};

static const Alias other_aliases[] = {
  { "img_in", NULL, { "x_embedder" } },
  { "txt_in", NULL, { "context_embedder" } },
  { "time_in.in_layer", NULL, { "time_text_embed.timestep_embedder.linear_1" } },
  { "time_in.out_layer", NULL, { "time_text_embed.timestep_embedder.linear_2" } },
  { "guidance_in.in_layer", NULL, { "time_text_embed.guidance_embedder.linear_1" } },
  { "guidance_in.out_layer", NULL, { "time_text_embed.guidance_embedder.linear_2" } },
  { "vector_in.in_layer", NULL, { "time_text_embed.text_embedder.linear_1" } },
  { "vector_in.out_layer", NULL, { "time_text_embed.text_embedder.linear_2" } },
  { "final_layer.linear", NULL, { "proj_out" } },
};

/* Adds `name` for the parts, if all of them are there. */
static void
add_alias (EspLoraTargets *targets, const EspLayers *layers, const char *name, const Alias *alias,
           const char *block)
{
  EspLoraSpan spans[5];
  int count = 0;
  EspLoraTarget *target;

  for (; count < 5 && alias->parts[count] != NULL; count++)
    {
      char part[NAME_SIZE];

      snprintf (part, sizeof part, "%s%s%s", block, *block != '\0' ? "." : "", alias->parts[count]);
      if (!find_part (layers, part, &spans[count]))
        return;
    }
  target = add (targets, ESP_LORA_TRANSFORMER, name);
  for (int i = 0; target != NULL && i < count; i++)
    add_span (target, spans[i].linear, spans[i].first, spans[i].out);
}

/* All aliases of the blocks called BLOCK.0, BLOCK.1, …, as long as one is there. */
static void
add_block_aliases (EspLoraTargets *targets, const EspLayers *layers, const char *theirs,
                   const Alias *aliases, size_t count)
{
  int64_t before = -1;

  for (int index = 0; before != targets->count && !targets->failed; index++)
    {
      before = targets->count;
      for (size_t i = 0; i < count; i++)
        {
          /* Fused parts under our own block's name are diffusers'. */
          const char *outer
              = strncmp (aliases[i].name, "attn.", 5) == 0 ? aliases[i].block : theirs;
          char name[NAME_SIZE], block[NAME_SIZE];

          snprintf (name, sizeof name, "%s.%d.%s", outer, index, aliases[i].name);
          snprintf (block, sizeof block, "%s.%d", aliases[i].block, index);
          add_alias (targets, layers, name, &aliases[i], block);
        }
    }
}

/* Black Forest Labs store the last modulation as (shift, scale), here it is (scale, shift). */
static void
add_final_modulation (EspLoraTargets *targets, const EspLayers *layers)
{
  static const char canonical[] = "norm_out.linear";

  for (int i = 0; i < layers->count; i++)
    {
      EspLinear *linear = layers->entries[i].linear;
      EspLoraTarget *target;

      if (layers->entries[i].kind != ESP_LAYER_LINEAR || linear->module[0] == NULL
          || strncmp (linear->module[0], canonical, strlen (canonical)) != 0)
        continue;
      /* Bound as one part it has its name already. */
      if (linear->parts > 1 && (target = add (targets, ESP_LORA_TRANSFORMER, canonical)) != NULL)
        add_span (target, linear, 0, linear->out);
      target = add (targets, ESP_LORA_TRANSFORMER, "final_layer.adaLN_modulation.1");
      if (target != NULL)
        {
          add_span (target, linear, linear->out / 2, linear->out / 2);
          add_span (target, linear, 0, linear->out / 2);
        }
      return;
    }
}

void
esp_lora_targets_add (EspLoraTargets *targets, EspLoraComponent component, const EspLayers *layers)
{
  static const char clip_prefix[] = "text_model.";

  for (int i = 0; i < layers->count; i++)
    {
      EspLinear *linear = layers->entries[i].linear;
      int64_t first = 0;

      if (layers->entries[i].kind != ESP_LAYER_LINEAR)
        continue;
      for (int p = 0; p < linear->parts && linear->module[p] != NULL; p++)
        {
          int64_t out = linear->weight[p]->count / linear->in;
          const char *module = linear->module[p];
          EspLoraTarget *target;

          /* With or without the prefix, as the file has it. */
          if (component == ESP_LORA_CLIP && strncmp (module, clip_prefix, 11) == 0)
            module += strlen (clip_prefix);
          target = add (targets, component, module);
          if (target != NULL)
            add_span (target, linear, first, out);
          first += out;
        }
    }
}

void
esp_lora_targets_add_aliases (EspLoraTargets *targets, const EspLayers *blocks,
                              const EspLayers *once)
{
  const EspLayers *const tables[] = { blocks, once };

  for (int t = 0; t < 2; t++)
    {
      add_block_aliases (targets, tables[t], "double_blocks", double_aliases,
                         sizeof double_aliases / sizeof *double_aliases);
      add_block_aliases (targets, tables[t], "single_blocks", single_aliases,
                         sizeof single_aliases / sizeof *single_aliases);
      for (size_t i = 0; i < sizeof other_aliases / sizeof *other_aliases; i++)
        add_alias (targets, tables[t], other_aliases[i].name, &other_aliases[i], "");
      add_final_modulation (targets, tables[t]);
    }
}

EspStatus
esp_lora_targets_finish (EspLoraTargets *targets, EspError *error)
{
  if (targets->failed)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the names of layers");
  qsort (targets->targets, (size_t) targets->count, sizeof *targets->targets, compare_targets);
  return ESP_OK;
}

void
esp_lora_targets_clear (EspLoraTargets *targets)
{
  for (int64_t i = 0; i < targets->count; i++)
    free (targets->targets[i].name);
  free (targets->targets);
  *targets = (EspLoraTargets){ .targets = NULL };
}

/* --- Finding -----------------------------------------------------------------------------------
 */

typedef struct Prefix
{
  const char *text;
  unsigned components; /* whose names may follow; 0: all that were possible before */
} Prefix;

static const Prefix prefixes[] = {
  { "lora_unet_", ESP_LORA_TRANSFORMER },
  { "lora_transformer_", ESP_LORA_TRANSFORMER },
  { "lora_te1_", ESP_LORA_CLIP },
  { "lora_te_", ESP_LORA_CLIP },
  { "lora_te2_", ESP_LORA_T5 },
  { "lora_te3_", ESP_LORA_T5 },
  { "lycoris_", 0 },
  { "transformer_", ESP_LORA_TRANSFORMER },
  { "model_diffusion_model_", ESP_LORA_TRANSFORMER },
  { "diffusion_model_", ESP_LORA_TRANSFORMER },
  { "base_model_model_", 0 },
  { "base_model_", 0 },
  { "model_", 0 },
  { "unet_", ESP_LORA_TRANSFORMER },
  { "dit_", ESP_LORA_TRANSFORMER },
  { "text_encoder_2_", ESP_LORA_T5 },
  { "text_encoder_", ESP_LORA_CLIP },
  { "text_encoders_clip_l_transformer_", ESP_LORA_CLIP },
  { "text_encoders_clip_l_", ESP_LORA_CLIP },
  { "text_encoders_t5xxl_transformer_", ESP_LORA_T5 },
  { "text_encoders_t5xxl_", ESP_LORA_T5 },
  { "clip_l_transformer_", ESP_LORA_CLIP },
  { "clip_l_", ESP_LORA_CLIP },
  { "t5xxl_transformer_", ESP_LORA_T5 },
  { "t5xxl_", ESP_LORA_T5 },
  { "text_model_", ESP_LORA_CLIP },
};

/* Prefixes stand one in front of the other at most this often. */
#define PREFIXES_MAX 4

static const EspLoraTarget *
find_behind_prefixes (const EspLoraTargets *targets, const char *name, unsigned components,
                      int depth)
{
  const EspLoraTarget *found = find_exactly (targets, name);

  if (found != NULL)
    return (found->component & components) != 0 ? found : NULL;
  for (size_t i = 0; depth > 0 && found == NULL && i < sizeof prefixes / sizeof *prefixes; i++)
    {
      const Prefix *prefix = &prefixes[i];
      size_t length = strlen (prefix->text);
      unsigned allowed = prefix->components != 0 ? prefix->components & components : components;

      if (allowed != 0 && strncmp (name, prefix->text, length) == 0)
        found = find_behind_prefixes (targets, name + length, allowed, depth - 1);
    }
  return found;
}

const EspLoraTarget *
esp_lora_targets_find (const EspLoraTargets *targets, const char *module)
{
  char name[NAME_SIZE];

  if (strlen (module) >= sizeof name)
    return NULL;
  memcpy (name, module, strlen (module) + 1);
  underscores (name);
  return find_behind_prefixes (targets, name, ESP_LORA_TRANSFORMER | ESP_LORA_CLIP | ESP_LORA_T5,
                               PREFIXES_MAX);
}
