/* SPDX-License-Identifier: MIT */
#include "model/lora.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/flux-layers.h"
#include "model/lora-targets.h"
#include "model/model.h"

#define SHOWN 120

/* An adapter before it is known which others its layer has. */
typedef struct Piece
{
  EspLinear *linear;
  EspAdapter adapter;
  int64_t module;             /* of its file */
  const EspLoraModule *owner; /* for messages */
  int order;                  /* among all: sums are added in the order of the request */
} Piece;

struct EspLoraSet
{
  EspLoraTargets targets; /* of the model; made when the first LoRA comes */
  EspLoraFile *files[ESP_LORAS_MAX];
  int file_count;

  Piece *pieces;
  int count, capacity;
  EspWeight **cuts; /* rows of an `up` that several layers share out */
  int cut_count, cut_capacity;
  EspAdapter *adapters; /* in the order of the layers */
};

/* --- Off the layers ----------------------------------------------------------------------------
 */

static void
detach (EspLoraSet *set)
{
  for (int i = 0; i < set->count; i++)
    {
      set->pieces[i].linear->adapters = NULL;
      set->pieces[i].linear->adapter_count = 0;
    }
  for (int i = 0; i < set->cut_count; i++)
    free (set->cuts[i]);
  free (set->cuts);
  free (set->pieces);
  free (set->adapters);
  set->cuts = NULL;
  set->pieces = NULL;
  set->adapters = NULL;
  set->count = set->capacity = set->cut_count = set->cut_capacity = 0;
}

static void
forget_keys (EspModel *model)
{
  memset (&model->lora_keys, 0, sizeof model->lora_keys);
}

/* What devices have recorded or kept of layers with these adapters is over. */
static void
forget_recordings (const EspModel *model)
{
  EspDevice *const devices[] = { model->device, model->vae_device };

  for (int i = 0; i < 2; i++)
    if (devices[i] != NULL && devices[i]->ops->forget != NULL)
      devices[i]->ops->forget (devices[i], NULL);
}

void
esp_model_drop_loras (EspModel *model)
{
  EspLoraSet *set = model->loras;

  forget_keys (model);
  if (set == NULL)
    return;
  forget_recordings (model);
  detach (set);
  for (int i = 0; i < set->file_count; i++)
    esp_lora_file_close (set->files[i]);
  esp_lora_targets_clear (&set->targets);
  free (set);
  model->loras = NULL;
}

/* --- Files -------------------------------------------------------------------------------------
 */

static EspStatus
check_hash (const EspLoraFile *file, const char *wanted, EspError *error)
{
  if (wanted == NULL || strcmp (wanted, file->hash) == 0)
    return ESP_OK;
  return esp_error_set (error, ESP_ERROR_FILE,
                        "%s: is not the LoRA that is wanted: its SHA-256 begins with %.12s, wanted "
                        "is %.12s",
                        file->path, file->hash, wanted);
}

/* Opens what the request names; a file that is open and has not changed is taken over. */
static EspStatus
open_files (EspLoraSet *set, const EspEditRequest *request, EspError *error)
{
  EspLoraFile *before[ESP_LORAS_MAX];
  int before_count = set->file_count;
  EspStatus status = ESP_OK;

  memcpy (before, set->files, sizeof before);
  set->file_count = 0;
  for (int i = 0; i < request->lora_count && status == ESP_OK; i++)
    {
      EspLoraFile *file = NULL;

      for (int k = 0; k < before_count && file == NULL; k++)
        if (before[k] != NULL && strcmp (before[k]->path, request->loras[i].path) == 0
            && esp_lora_file_is_current (before[k]))
          {
            file = before[k];
            before[k] = NULL;
          }
      if (file == NULL)
        status = esp_lora_file_open (request->loras[i].path, &file, error);
      if (status == ESP_OK)
        {
          set->files[set->file_count++] = file;
          status = check_hash (file, request->loras[i].hash, error);
        }
    }
  for (int k = 0; k < before_count; k++)
    esp_lora_file_close (before[k]);
  return status;
}

/* --- Matching ----------------------------------------------------------------------------------
 */

/* How a file fits the model. */
typedef struct Match
{
  const EspLoraFile *file;
  int64_t used;
  char first[512]; /* the first module that cannot be used, and why */
} Match;

static EspStatus
out_of_memory (const EspLoraFile *file, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", file->path);
}

static void
note_unused (Match *match, const EspLoraModule *module, const char *why)
{
  if (match->first[0] == '\0')
    snprintf (match->first, sizeof match->first, "'%.*s' (%s)", SHOWN, module->name, why);
}

/* Rows [first, first + rows) of the module's `up`, all of it where they are. NULL: no memory. */
static const EspWeight *
cut_rows (EspLoraSet *set, const EspLoraModule *module, int64_t first, int64_t rows)
{
  EspWeight *cut;

  if (rows == module->out)
    return module->up;
  if (set->cut_count == set->cut_capacity)
    {
      int capacity = set->cut_capacity > 0 ? 2 * set->cut_capacity : 64;
      EspWeight **more = realloc (set->cuts, (size_t) capacity * sizeof *more);

      if (more == NULL)
        return NULL;
      set->cuts = more;
      set->cut_capacity = capacity;
    }
  cut = malloc (sizeof *cut);
  if (cut == NULL)
    return NULL;
  *cut = *module->up;
  cut->dims = 2;
  cut->shape[0] = rows;
  cut->shape[1] = module->rank;
  cut->count = rows * module->rank;
  cut->data
      = (const char *) module->up->data + esp_dtype_bytes (module->up->dtype, first * module->rank);
  set->cuts[set->cut_count++] = cut;
  return cut;
}

static EspStatus
add_piece (EspLoraSet *set, const EspLoraFile *file, int64_t index, const EspLoraSpan *span,
           int64_t row, double strength, EspError *error)
{
  const EspLoraModule *module = &file->modules[index];
  const EspWeight *up = cut_rows (set, module, row, span->out);

  if (set->count == set->capacity)
    {
      int capacity = set->capacity > 0 ? 2 * set->capacity : 512;
      Piece *more = realloc (set->pieces, (size_t) capacity * sizeof *more);

      if (more == NULL)
        return out_of_memory (file, error);
      set->pieces = more;
      set->capacity = capacity;
    }
  if (up == NULL)
    return out_of_memory (file, error);
  set->pieces[set->count] = (Piece){
    .linear = span->linear,
    .adapter = { .down = module->down,
                 .up = up,
                 .strength = (float) (strength * module->scale),
                 .first = span->first,
                 .out = span->out },
    .module = index,
    .owner = module,
    .order = set->count,
  };
  set->count++;
  return ESP_OK;
}

/* What of the model the module means; NULL, and why is noted, if nothing that it can be used on. */
static const EspLoraTarget *
find_target (const EspLoraSet *set, const EspLoraModule *module, Match *match)
{
  const EspLoraTarget *target;
  char why[160];

  if (module->refused != NULL)
    {
      note_unused (match, module, module->refused);
      return NULL;
    }
  target = esp_lora_targets_find (&set->targets, module->name);
  if (target == NULL)
    {
      note_unused (match, module, "this model has no such layer");
      return NULL;
    }
  if (target->in != module->in || target->out != module->out)
    {
      snprintf (why, sizeof why, "it is for a layer %lld → %lld, the model's is %lld → %lld",
                (long long) module->in, (long long) module->out, (long long) target->in,
                (long long) target->out);
      note_unused (match, module, why);
      return NULL;
    }
  /* Rows of blocks of numbers end where a block does. */
  if (target->span_count > 1
      && target->spans[0].out * module->rank % esp_dtype_block (module->up->dtype) != 0)
    {
      note_unused (match, module, "its number format cannot be cut where the model's layers end");
      return NULL;
    }
  return target;
}

static EspStatus
match_file (EspLoraSet *set, const EspLoraFile *file, double strength, Match *match,
            EspLoraComponent *components, EspError *error)
{
  EspStatus status = ESP_OK;

  *match = (Match){ .file = file };
  for (int64_t i = 0; i < file->count && status == ESP_OK; i++)
    {
      const EspLoraTarget *target = find_target (set, &file->modules[i], match);
      int64_t row = 0;

      if (target == NULL)
        continue;
      match->used++;
      *components |= target->component;
      for (int s = 0; s < target->span_count && status == ESP_OK; s++)
        {
          status = add_piece (set, file, i, &target->spans[s], row, strength, error);
          row += target->spans[s].out;
        }
    }
  return status;
}

static int
compare_pieces (const void *a, const void *b)
{
  const Piece *x = a, *y = b;

  if (x->linear != y->linear)
    return (uintptr_t) x->linear < (uintptr_t) y->linear ? -1 : 1;
  if (x->adapter.first != y->adapter.first)
    return x->adapter.first < y->adapter.first ? -1 : 1;
  return x->order - y->order;
}

/* One module of a file under two names would count twice. */
static EspStatus
refuse_twins (EspLoraSet *set, const EspLoraFile *file, int first, EspError *error)
{
  int count = set->count - first;
  Piece *pieces = count > 0 ? set->pieces + first : NULL;

  if (count > 1)
    qsort (pieces, (size_t) count, sizeof *pieces, compare_pieces);
  for (int i = 1; i < count; i++)
    if (pieces[i].linear == pieces[i - 1].linear && pieces[i].module != pieces[i - 1].module
        && pieces[i].adapter.first < pieces[i - 1].adapter.first + pieces[i - 1].adapter.out)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: LoRA modules '%.*s' and '%.*s' are the same layer under two names",
                            file->path, SHOWN, pieces[i - 1].owner->name, SHOWN,
                            pieces[i].owner->name);
  return ESP_OK;
}

/* Names of Stable Diffusion's U-Net. */
static bool
looks_like_unet (const EspLoraFile *file)
{
  for (int64_t i = 0; i < file->count; i++)
    if (strstr (file->modules[i].name, "down_blocks") != NULL
        || strstr (file->modules[i].name, "input_blocks") != NULL)
      return true;
  return false;
}

static EspStatus
check_match (const Match *match, bool partial, EspError *error)
{
  const EspLoraFile *file = match->file;
  long long all = (long long) file->count, unused = all - (long long) match->used;

  if (match->used == 0)
    return esp_error_set (
        error, ESP_ERROR_UNSUPPORTED,
        "%s: none of its %lld LoRA modules fits this model%s; first: %s", file->path, all,
        looks_like_unet (file) ? " (it seems to be for Stable Diffusion)" : "", match->first);
  if (unused > 0 && !partial)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: %lld of its %lld LoRA modules do not fit this model; first: %s; "
                          "--lora-partial uses the %lld that do",
                          file->path, unused, all, match->first, (long long) match->used);
  return ESP_OK;
}

/* --- On the layers -----------------------------------------------------------------------------
 */

static int
compare_places (const void *a, const void *b)
{
  const Piece *x = a, *y = b;

  if (x->linear != y->linear)
    return (uintptr_t) x->linear < (uintptr_t) y->linear ? -1 : 1;
  return x->order - y->order;
}

static EspStatus
attach (EspLoraSet *set, EspError *error)
{
  if (set->count == 0)
    return ESP_OK;
  set->adapters = calloc ((size_t) set->count, sizeof *set->adapters);
  if (set->adapters == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for LoRAs");
  qsort (set->pieces, (size_t) set->count, sizeof *set->pieces, compare_places);
  for (int i = 0; i < set->count; i++)
    {
      EspLinear *linear = set->pieces[i].linear;

      set->adapters[i] = set->pieces[i].adapter;
      if (i == 0 || set->pieces[i - 1].linear != linear)
        linear->adapters = &set->adapters[i];
      linear->adapter_count++;
    }
  return ESP_OK;
}

static void
add_to_key (EspSha256 *sha, const EspLoraFile *file, double strength, bool partial)
{
  unsigned char flag = partial;

  esp_sha256_update (sha, file->hash, sizeof file->hash);
  esp_sha256_update (sha, &strength, sizeof strength);
  esp_sha256_update (sha, &flag, 1);
}

/* The digest as bytes; zeros if nothing was added. */
static void
finish_key (EspSha256 *sha, unsigned char key[ESP_LORA_KEY_SIZE])
{
  char hex[ESP_SHA256_HEX_SIZE];
  bool any = sha->length > 0;

  esp_sha256_finish (sha, hex);
  for (int i = 0; any && i < ESP_LORA_KEY_SIZE; i++)
    {
      char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

      key[i] = (unsigned char) strtoul (digits, NULL, 16);
    }
}

static EspStatus
prepare_targets (EspModel *model, EspError *error)
{
  EspLoraTargets *targets = &model->loras->targets;

  if (targets->count > 0)
    return ESP_OK;
  esp_lora_targets_add (targets, ESP_LORA_TRANSFORMER, &model->flux->layers);
  esp_lora_targets_add (targets, ESP_LORA_TRANSFORMER, &model->flux->once);
  esp_lora_targets_add_aliases (targets, &model->flux->layers, &model->flux->once);
  esp_lora_targets_add (targets, ESP_LORA_CLIP, esp_clip_encoder_layers (model->clip));
  esp_lora_targets_add (targets, ESP_LORA_T5, esp_t5_encoder_layers (model->t5));
  return esp_lora_targets_finish (targets, error);
}

/* Matches all files and gathers the pieces of those that act. */
static EspStatus
match_all (EspModel *model, const EspEditRequest *request, EspError *error)
{
  EspLoraSet *set = model->loras;
  EspSha256 transformer, text;
  EspStatus status = ESP_OK;

  esp_sha256_init (&transformer);
  esp_sha256_init (&text);
  for (int i = 0; i < set->file_count && status == ESP_OK; i++)
    {
      EspLoraFile *file = set->files[i];
      double strength = request->loras[i].strength;
      EspLoraComponent components = 0;
      int first = set->count;
      Match match;

      status = match_file (set, file, strength, &match, &components, error);
      if (status == ESP_OK)
        status = refuse_twins (set, file, first, error);
      if (status == ESP_OK)
        status = check_match (&match, request->lora_partial, error);
      if (status != ESP_OK)
        return status;
      file->used = match.used;
      /* Strength 0 is as if it were not there. */
      if (strength == 0)
        {
          set->count = first;
          continue;
        }
      if ((components & ESP_LORA_TRANSFORMER) != 0)
        add_to_key (&transformer, file, strength, request->lora_partial);
      if ((components & (ESP_LORA_CLIP | ESP_LORA_T5)) != 0)
        add_to_key (&text, file, strength, request->lora_partial);
    }
  finish_key (&transformer, model->lora_keys.transformer);
  finish_key (&text, model->lora_keys.text);
  return status;
}

static EspStatus
check_request (const EspEditRequest *request, EspError *error)
{
  if (request->lora_count < 0 || request->lora_count > ESP_LORAS_MAX)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%d LoRAs at once, at most %d are possible",
                          request->lora_count, ESP_LORAS_MAX);
  for (int i = 0; i < request->lora_count; i++)
    if (!isfinite (request->loras[i].strength)
        || fabs (request->loras[i].strength) > ESP_LORA_STRENGTH_MAX)
      return esp_error_set (error, ESP_ERROR_ARGUMENT,
                            "%s: the strength of a LoRA is a number from -%g to %g",
                            request->loras[i].path, ESP_LORA_STRENGTH_MAX, ESP_LORA_STRENGTH_MAX);
  return ESP_OK;
}

EspStatus
esp_model_use_loras (EspModel *model, const EspEditRequest *request, EspError *error)
{
  EspStatus status = check_request (request, error);

  if (status != ESP_OK)
    return status;
  if (request->lora_count == 0)
    {
      esp_model_drop_loras (model);
      return ESP_OK;
    }
  if (model->loras == NULL)
    model->loras = calloc (1, sizeof *model->loras);
  if (model->loras == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for LoRAs");

  forget_recordings (model);
  detach (model->loras);
  forget_keys (model);
  status = open_files (model->loras, request, error);
  if (status == ESP_OK)
    status = prepare_targets (model, error);
  if (status == ESP_OK)
    status = match_all (model, request, error);
  if (status == ESP_OK)
    status = attach (model->loras, error);
  if (status != ESP_OK)
    esp_model_drop_loras (model);
  return status;
}

EspStatus
esp_model_lora_uses (const EspModel *model, const EspEditRequest *request, EspLoraUse **uses,
                     int *count, EspError *error)
{
  const EspLoraSet *set = model->loras;
  int files = set != NULL ? set->file_count : 0;

  *uses = calloc ((size_t) files + 1, sizeof **uses);
  *count = 0;
  if (*uses == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for LoRAs");
  for (int i = 0; i < files; i++)
    {
      EspLoraUse *use = &(*uses)[(*count)++];

      use->path = strdup (set->files[i]->path);
      if (use->path == NULL)
        return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for LoRAs");
      memcpy (use->hash, set->files[i]->hash, sizeof use->hash);
      use->strength = request->loras[i].strength;
      use->modules = set->files[i]->count;
      use->used = set->files[i]->used;
    }
  return ESP_OK;
}

void
esp_lora_uses_free (EspLoraUse *uses, int count)
{
  for (int i = 0; uses != NULL && i < count; i++)
    free (uses[i].path);
  free (uses);
}
