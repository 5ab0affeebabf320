/* SPDX-License-Identifier: MIT */
#include "model/lora-file.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "espalier-engine.h"
#include "files/regular-file.h"
#include "model/lora-alpha.h"

/* How much of a name a message shows. */
#define SHOWN 120

/* --- What a tensor is, by its name --------------------------------------------------------------
 */

typedef enum
{
  ROLE_DOWN,
  ROLE_UP,
  ROLE_ALPHA,
  ROLE_OTHER, /* part of something that is not applied; a marker says what */
} Role;

typedef struct Marker
{
  const char *text;
  Role role;
  bool at_end; /* nothing follows but ".weight" or an adapter's name and that */
  const char *refused;
} Marker;

static const char lora_bias[] = "it trained a bias along with the matrices, which is not applied";
static const char dora[] = "it is a DoRA (with a magnitude vector), which is not applied";
static const char loha[] = "it is a LoHa (hada_…), which is not applied";
static const char lokr[] = "it is a LoKr (lokr_…), which is not applied";
static const char oft[] = "it is an OFT (oft_…), which is not applied";
static const char ia3[] = "it is an IA3, which is not applied";
static const char glora[] = "it is a GLoRA, which is not applied";
static const char tucker[] = "it has a third matrix (lora_mid), which is not applied";
static const char difference[]
    = "it is a difference of whole weights (.diff), which is not applied";
static const char bias_difference[]
    = "it is a difference of biases (.diff_b), which is not applied";
static const char norm[] = "it replaces a norm's scale, as control LoRAs do, which is not applied";
static const char stranger[] = "it is no LoRA matrix";

/* The first that fits counts. */
static const Marker markers[] = {
  { ".lora_A", ROLE_DOWN, true, NULL },
  { ".lora_B", ROLE_UP, true, NULL },
  { ".lora_down", ROLE_DOWN, true, NULL },
  { ".lora_up", ROLE_UP, true, NULL },
  { ".lora_linear_layer.down", ROLE_DOWN, true, NULL },
  { ".lora_linear_layer.up", ROLE_UP, true, NULL },
  { ".lora.down", ROLE_DOWN, true, NULL },
  { ".lora.up", ROLE_UP, true, NULL },
  { ".alpha", ROLE_ALPHA, true, NULL },
  { ".lora_mid", ROLE_OTHER, false, tucker },
  { ".dora_scale", ROLE_OTHER, false, dora },
  { ".lora_magnitude_vector", ROLE_OTHER, false, dora },
  { ".hada_", ROLE_OTHER, false, loha },
  { ".lokr_", ROLE_OTHER, false, lokr },
  { ".oft_", ROLE_OTHER, false, oft },
  { ".boft_", ROLE_OTHER, false, oft },
  { ".on_input", ROLE_OTHER, false, ia3 },
  { ".ia3_", ROLE_OTHER, false, ia3 },
  { ".a1.weight", ROLE_OTHER, false, glora },
  { ".a2.weight", ROLE_OTHER, false, glora },
  { ".b1.weight", ROLE_OTHER, false, glora },
  { ".b2.weight", ROLE_OTHER, false, glora },
  { ".diff_b", ROLE_OTHER, false, bias_difference },
  { ".diff", ROLE_OTHER, false, difference },
  { ".w_norm", ROLE_OTHER, false, norm },
  { ".b_norm", ROLE_OTHER, false, norm },
  { "_norm.scale", ROLE_OTHER, false, norm },
};

/* One tensor of the file: `length` bytes of its name are the module's. */
typedef struct Record
{
  const EspWeight *weight;
  size_t length;
  Role role;
  const char *refused; /* of ROLE_OTHER */
} Record;

/* What may follow ".lora_A": nothing, ".weight", or ".NAME" and that. */
static bool
ends_a_matrix (const char *rest)
{
  const char *dot;

  if (*rest == '\0' || strcmp (rest, ".weight") == 0)
    return true;
  if (*rest != '.')
    return false;
  dot = strchr (rest + 1, '.');
  return dot != NULL && strcmp (dot, ".weight") == 0;
}

static bool
ends_a_bias (const char *rest)
{
  const char *dot = *rest == '.' ? strrchr (rest, '.') : NULL;

  return dot != NULL && strcmp (dot, ".bias") == 0;
}

/* XLabs: "….processor.qkv_lora1.down.weight". */
static bool
read_xlabs (const char *name, Record *record)
{
  const char *end = strstr (name, ".down.weight");
  const char *last;

  record->role = ROLE_DOWN;
  if (end == NULL)
    {
      end = strstr (name, ".up.weight");
      record->role = ROLE_UP;
    }
  if (end == NULL || strchr (strchr (end + 1, '.') + 1, '.') != NULL)
    return false;
  record->length = (size_t) (end - name);
  for (last = end; last > name && last[-1] != '.';)
    last--;
  last = strstr (last, "_lora");
  return last != NULL && last < end;
}

static Record
read_name (const EspWeight *weight)
{
  const char *name = weight->name;
  Record record = { weight, strlen (name), ROLE_OTHER, stranger };

  for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
    {
      const Marker *marker = &markers[i];
      const char *found = strstr (name, marker->text);
      const char *rest = found != NULL ? found + strlen (marker->text) : NULL;

      if (found == NULL || found == name)
        continue;
      if (marker->at_end && ends_a_bias (rest) && marker->role != ROLE_ALPHA)
        return (Record){ weight, (size_t) (found - name), ROLE_OTHER, lora_bias };
      if (marker->at_end && !ends_a_matrix (rest))
        continue;
      return (Record){ weight, (size_t) (found - name), marker->role, marker->refused };
    }
  if (read_xlabs (name, &record))
    return (Record){ weight, record.length, record.role, NULL };
  return (Record){ weight, strlen (name), ROLE_OTHER, stranger };
}

/* By module, then by what it is. */
static int
compare_records (const void *a, const void *b)
{
  const Record *x = a, *y = b;
  size_t shorter = x->length < y->length ? x->length : y->length;
  int order = memcmp (x->weight->name, y->weight->name, shorter);

  if (order == 0)
    order = (x->length > y->length) - (x->length < y->length);
  if (order == 0)
    order = (int) x->role - (int) y->role;
  return order != 0 ? order : strcmp (x->weight->name, y->weight->name);
}

static const char *
naming_of (const Record *records, int64_t count)
{
  static const struct
  {
    const char *in, *naming;
  } namings[] = {
    { "lora_unet_", "kohya" },
    { "lora_te", "kohya" },
    { "lora_transformer_", "OneTrainer" },
    { "base_model.model.", "PEFT, BFL names (fal)" },
    { ".processor.", "XLabs" },
    { "diffusion_model.", "BFL names (ComfyUI, ai-toolkit)" },
    { "transformer_blocks.", "diffusers/PEFT" },
    { "double_blocks.", "BFL names" },
    { "single_blocks.", "BFL names" },
    { "text_", "diffusers/PEFT" },
  };

  for (size_t n = 0; n < sizeof namings / sizeof *namings; n++)
    for (int64_t i = 0; i < count; i++)
      if (records[i].role != ROLE_OTHER && strstr (records[i].weight->name, namings[n].in) != NULL)
        return namings[n].naming;
  return "unknown";
}

/* --- Modules -----------------------------------------------------------------------------------
 */

static EspStatus
broken (const EspLoraFile *file, const EspLoraModule *module, EspStatus status, const char *what,
        EspError *error)
{
  return esp_error_set (error, status, "%s: LoRA module '%.*s': %s", file->path, SHOWN,
                        module->name, what);
}

/* [a, b], where a convolution's ones may follow. */
static bool
is_matrix (const EspWeight *weight)
{
  bool fits = weight->dims >= 2 && weight->shape[0] > 0 && weight->shape[1] > 0;

  for (int i = 2; i < weight->dims; i++)
    fits = fits && weight->shape[i] == 1;
  return fits && weight->dtype != ESP_I32;
}

static EspStatus
read_alpha (const EspLoraFile *file, EspLoraModule *module, const EspWeight *alpha, EspError *error)
{
  float value;

  if (alpha == NULL)
    return ESP_OK;
  if (alpha->count != 1)
    return broken (file, module, ESP_ERROR_FORMAT, "its alpha is not one number", error);
  esp_weight_to_f32 (alpha, 0, 1, &value);
  if (!isfinite (value))
    return broken (file, module, ESP_ERROR_NUMERIC, "its alpha is NaN or infinite", error);
  module->scale = (double) value / (double) module->rank;
  module->has_alpha = true;
  return ESP_OK;
}

/* An alpha in a number format that weights.h leaves out (an integer) would be as if it were not
 * there. */
static EspStatus
refuse_foreign_alpha (const EspLoraFile *file, const EspLoraModule *module, EspError *error)
{
  char name[512];
  const EspWeight *weight = NULL;
  EspError reason = ESP_ERROR_INIT;

  snprintf (name, sizeof name, "%s.alpha", module->name);
  if (esp_weights_require (file->weights, name, 0, NULL, &weight, &reason) == ESP_ERROR_UNSUPPORTED)
    return esp_error_set (error, reason.status, "%s", reason.message);
  return ESP_OK;
}

/* The module's tensors, records [0, count), become *module. */
static EspStatus
read_module (const EspLoraFile *file, const Record *records, int64_t count, EspLoraModule *module,
             EspError *error)
{
  const EspWeight *parts[3] = { NULL };
  EspStatus status;

  *module = (EspLoraModule){ .scale = 1 };
  module->name = strndup (records[0].weight->name, records[0].length);
  if (module->name == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", file->path);

  for (int64_t i = 0; i < count; i++)
    if (records[i].role == ROLE_OTHER)
      module->refused = records[i].refused;
    else if (parts[records[i].role] != NULL)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: LoRA module '%.*s' is there twice, as '%.*s' and '%.*s'",
                            file->path, SHOWN, module->name, SHOWN, parts[records[i].role]->name,
                            SHOWN, records[i].weight->name);
    else
      parts[records[i].role] = records[i].weight;
  if (module->refused != NULL)
    return ESP_OK;

  if (parts[ROLE_DOWN] == NULL || parts[ROLE_UP] == NULL)
    return broken (file, module, ESP_ERROR_FORMAT,
                   parts[ROLE_DOWN] == NULL && parts[ROLE_UP] == NULL
                       ? "it has an alpha but neither of its two matrices"
                   : parts[ROLE_UP] == NULL ? "it has its down (lora_A) but not its up (lora_B)"
                                            : "it has its up (lora_B) but not its down (lora_A)",
                   error);
  if (!is_matrix (parts[ROLE_DOWN]) || !is_matrix (parts[ROLE_UP]))
    return broken (file, module, ESP_ERROR_FORMAT, "its down and up are not both matrices", error);
  module->down = parts[ROLE_DOWN];
  module->up = parts[ROLE_UP];
  module->rank = module->down->shape[0];
  module->in = module->down->shape[1];
  module->out = module->up->shape[0];
  if (module->up->shape[1] != module->rank)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: LoRA module '%.*s': the ranks differ: down is [%lld, %lld], up is "
                          "[%lld, %lld]",
                          file->path, SHOWN, module->name, (long long) module->rank,
                          (long long) module->in, (long long) module->out,
                          (long long) module->up->shape[1]);
  status = parts[ROLE_ALPHA] == NULL ? refuse_foreign_alpha (file, module, error) : ESP_OK;
  return status == ESP_OK ? read_alpha (file, module, parts[ROLE_ALPHA], error) : status;
}

static bool
same_module (const Record *a, const Record *b)
{
  return a->length == b->length && memcmp (a->weight->name, b->weight->name, a->length) == 0;
}

static EspStatus
read_modules (EspLoraFile *file, const Record *records, int64_t count, EspError *error)
{
  for (int64_t i = 0, next; i < count; i = next)
    {
      EspStatus status;

      for (next = i + 1; next < count && same_module (&records[i], &records[next]);)
        next++;
      status = read_module (file, records + i, next - i, &file->modules[file->count++], error);
      if (status != ESP_OK)
        return status;
    }
  return ESP_OK;
}

/* Everything is read once anyway, for the hash. */
static EspStatus
check_numbers (const EspLoraFile *file, EspError *error)
{
  for (int64_t i = 0; i < file->count; i++)
    for (int part = 0; part < 2 && file->modules[i].refused == NULL; part++)
      {
        const EspWeight *weight = part == 0 ? file->modules[i].down : file->modules[i].up;
        int64_t bad = esp_find_non_finite (weight->dtype, weight->data, weight->count);

        if (bad >= 0)
          return esp_error_set (error, ESP_ERROR_NUMERIC,
                                "%s: tensor '%.*s' has NaN or infinity at index %lld", file->path,
                                SHOWN, weight->name, (long long) bad);
      }
  return ESP_OK;
}

/* --- Opening -----------------------------------------------------------------------------------
 */

#define HASH_BYTES (1 << 20)

static EspStatus
hash_file (EspLoraFile *file, EspError *error)
{
  unsigned char *buffer = malloc (HASH_BYTES);
  uint64_t size = 0;
  int descriptor = -1;
  EspSha256 sha;
  EspStatus status;

  if (buffer == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", file->path);
  esp_sha256_init (&sha);
  status = esp_regular_file_open (file->path, &descriptor, &size, error);
  for (uint64_t at = 0; status == ESP_OK && at < size; at += HASH_BYTES)
    {
      size_t length = size - at < HASH_BYTES ? (size_t) (size - at) : HASH_BYTES;

      status = esp_regular_file_read_at (descriptor, file->path, at, buffer, length, error);
      if (status == ESP_OK)
        esp_sha256_update (&sha, buffer, length);
    }
  if (descriptor >= 0)
    close (descriptor);
  esp_sha256_finish (&sha, file->hash);
  free (buffer);
  return status;
}

static EspStatus
read_records (EspLoraFile *file, EspError *error)
{
  int64_t count = esp_weights_count (file->weights), matrices = 0;
  Record *records = calloc ((size_t) count + 1, sizeof *records);
  EspStatus status = ESP_OK;

  file->modules = calloc ((size_t) count + 1, sizeof *file->modules);
  if (records == NULL || file->modules == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", file->path);
  for (int64_t i = 0; status == ESP_OK && i < count; i++)
    {
      records[i] = read_name (esp_weights_at (file->weights, i));
      matrices += records[i].refused != stranger;
    }
  if (status == ESP_OK && matrices == 0)
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: is no LoRA: none of its %lld tensors is a LoRA's (lora_A and "
                            "lora_B, or lora_down and lora_up)",
                            file->path, (long long) count);
  if (status == ESP_OK)
    {
      qsort (records, (size_t) count, sizeof *records, compare_records);
      file->naming = naming_of (records, count);
      status = read_modules (file, records, count, error);
    }
  free (records);
  return status;
}

EspStatus
esp_lora_file_open (const char *path, EspLoraFile **result, EspError *error)
{
  EspLoraFile *file = calloc (1, sizeof *file);
  EspStatus status = ESP_OK;

  *result = NULL;
  if (file == NULL || (file->path = strdup (path)) == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  /* Before anything is read: a change from then on is one. */
  else if (stat (path, &file->identity) != 0)
    status = esp_error_set (error, ESP_ERROR_FILE, "%s: no such LoRA file", path);
  if (status == ESP_OK)
    status = esp_weights_open_file (path, &file->weights, error);
  if (status == ESP_OK)
    status = read_records (file, error);
  if (status == ESP_OK)
    status = esp_lora_read_alphas (file, error);
  if (status == ESP_OK)
    status = check_numbers (file, error);
  if (status == ESP_OK)
    status = hash_file (file, error);
  if (status != ESP_OK)
    {
      esp_lora_file_close (file);
      return status;
    }
  *result = file;
  return ESP_OK;
}

void
esp_lora_file_close (EspLoraFile *file)
{
  if (file == NULL)
    return;
  for (int64_t i = 0; i < file->count; i++)
    free (file->modules[i].name);
  free (file->modules);
  esp_weights_close (file->weights);
  free (file->path);
  free (file);
}

bool
esp_lora_file_is_current (const EspLoraFile *file)
{
  const struct stat *then = &file->identity;
  struct stat now;

  return stat (file->path, &now) == 0 && now.st_dev == then->st_dev && now.st_ino == then->st_ino
         && now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec
         && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec
         && now.st_ctim.tv_sec == then->st_ctim.tv_sec
         && now.st_ctim.tv_nsec == then->st_ctim.tv_nsec;
}

EspStatus
esp_lora_describe (const char *path, EspLoraInfo *info, EspError *error)
{
  EspLoraFile *file = NULL;
  EspStatus status = esp_lora_file_open (path, &file, error);

  *info = (EspLoraInfo){ .bytes = 0 };
  if (status != ESP_OK)
    return status;
  snprintf (info->naming, sizeof info->naming, "%s", file->naming);
  memcpy (info->hash, file->hash, sizeof info->hash);
  info->modules = file->count;
  for (int64_t i = 0; i < file->count; i++)
    {
      const EspLoraModule *module = &file->modules[i];

      if (module->refused != NULL)
        {
          if (info->refused[0] == '\0')
            snprintf (info->refused, sizeof info->refused, "%s", module->refused);
          continue;
        }
      info->text_modules
          += strncmp (module->name, "lora_te", 7) == 0 || strncmp (module->name, "text_", 5) == 0;
      if (info->usable == 0 || module->rank < info->rank_min)
        info->rank_min = module->rank;
      if (module->rank > info->rank_max)
        info->rank_max = module->rank;
      info->usable++;
      info->bytes += esp_dtype_bytes (module->down->dtype, module->down->count)
                     + esp_dtype_bytes (module->up->dtype, module->up->count);
    }
  esp_lora_file_close (file);
  return ESP_OK;
}
