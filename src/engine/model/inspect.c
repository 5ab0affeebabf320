/* SPDX-License-Identifier: MIT */
#include "model/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/gguf.h"
#include "json-memory.h"
#include "model/inspect-estimate.h"
#include "model/lora-file.h"
#include "model/model.h"

#define USUAL_PIXELS (1024 * 1024)

/* A JSON string of any bytes: those that are not UTF-8 become '?'. */
static json_t *
text_json (const char *text)
{
  json_t *value = json_string (text);

  if (value == NULL)
    {
      char *copy = strdup (text);

      for (char *byte = copy; byte != NULL && *byte != '\0'; byte++)
        if ((unsigned char) *byte >= 0x80)
          *byte = '?';
      value = copy != NULL ? json_string (copy) : json_null ();
      free (copy);
    }
  return value;
}

/* --- Number formats ----------------------------------------------------------------------------
 */

typedef struct Formats
{
  int64_t tensors[ESP_DTYPE_COUNT], parameters[ESP_DTYPE_COUNT];
  size_t bytes[ESP_DTYPE_COUNT];
  bool scaled[ESP_DTYPE_COUNT];
} Formats;

static void
add_formats (Formats *sum, const EspWeights *weights)
{
  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i);

      sum->tensors[weight->dtype]++;
      sum->parameters[weight->dtype] += weight->count;
      sum->bytes[weight->dtype] += esp_dtype_bytes (weight->dtype, weight->count);
      sum->scaled[weight->dtype] = sum->scaled[weight->dtype] || weight->scale != 0;
    }
}

static int64_t
all_parameters (const Formats *formats)
{
  int64_t sum = 0;

  for (int i = 0; i < ESP_DTYPE_COUNT; i++)
    sum += formats->parameters[i];
  return sum;
}

static size_t
all_bytes (const Formats *formats)
{
  size_t sum = 0;

  for (int i = 0; i < ESP_DTYPE_COUNT; i++)
    sum += formats->bytes[i];
  return sum;
}

/* The format of most parameters. */
static EspDType
main_format (const Formats *formats)
{
  int best = 0;

  for (int i = 1; i < ESP_DTYPE_COUNT; i++)
    if (formats->parameters[i] > formats->parameters[best])
      best = i;
  return (EspDType) best;
}

/* The formats, those of most parameters first. */
static json_t *
formats_json (Formats formats)
{
  const double all = (double) all_parameters (&formats);
  json_t *array = json_array ();

  for (int n = 0; n < ESP_DTYPE_COUNT; n++)
    {
      int best = (int) main_format (&formats);

      if (formats.parameters[best] == 0)
        break;
      json_array_append_new (array, json_pack ("{s:s, s:b, s:I, s:I, s:I, s:f}", "format",
                                               esp_dtype_name ((EspDType) best), "scaled",
                                               formats.scaled[best], "tensors",
                                               (json_int_t) formats.tensors[best], "parameters",
                                               (json_int_t) formats.parameters[best], "bytes",
                                               (json_int_t) formats.bytes[best], "share",
                                               (double) formats.parameters[best] / all));
      formats.parameters[best] = 0;
    }
  return array;
}

/* --- One component -----------------------------------------------------------------------------
 */

/* What is in `path` as `component`; NULL and *problem if it cannot be opened as such. */
static json_t *
component_json (const char *path, EspComponent component, Formats *sum, EspError *problem)
{
  EspWeights *weights = NULL;
  EspComponentNames names = { .naming = "" };
  Formats formats = { 0 };
  json_t *object;

  if (esp_component_open_weights (path, &weights, problem) != ESP_OK)
    return NULL;
  esp_component_find (weights, component, &names);
  if (esp_component_rename (weights, component, problem) != ESP_OK)
    {
      esp_weights_close (weights);
      return NULL;
    }
  add_formats (&formats, weights);
  add_formats (sum, weights);
  object = json_pack ("{s:s, s:o, s:s, s:s, s:o, s:I, s:I, s:I, s:o}", "component",
                      esp_component_id (component), "path", text_json (path), "container",
                      esp_weights_file_is_gguf (weights, 0) ? "gguf" : "safetensors", "naming",
                      names.naming, "prefix", text_json (names.prefix), "tensors",
                      (json_int_t) esp_weights_count (weights), "parameters",
                      (json_int_t) all_parameters (&formats), "bytes",
                      (json_int_t) all_bytes (&formats), "formats", formats_json (formats));
  esp_weights_close (weights);
  return object;
}

/* --- A model -----------------------------------------------------------------------------------
 */

typedef struct Inspection
{
  json_t *object;
  EspModelFiles files;
  Formats formats, part_formats[ESP_COMPONENT_COUNT];
  const char *name; /* what was asked for */
} Inspection;

static void
set (Inspection *inspection, const char *key, json_t *value)
{
  json_object_set_new (inspection->object, key, value);
}

static void
set_problem (Inspection *inspection, const EspError *problem)
{
  set (inspection, "problem", text_json (problem->message));
}

/* Lists the components that were found, and those that were not. */
static void
put_parts (Inspection *inspection)
{
  json_t *components = json_array (), *missing = json_array (), *parts = json_object ();
  EspModelFiles *files = &inspection->files;
  EspError problem = ESP_ERROR_INIT;

  for (int i = 0; i < ESP_PART_COUNT; i++)
    {
      if (files->part[i] != NULL)
        json_object_set_new (parts, esp_part_id (i), text_json (files->part[i]));
      else if (i != ESP_PART_TOKENIZER_2 || !files->tokenizer_in_t5)
        json_array_append_new (missing, json_string (esp_part_id (i)));
      if (i < ESP_COMPONENT_COUNT && files->part[i] != NULL)
        {
          json_t *found = component_json (files->part[i], (EspComponent) i,
                                          &inspection->part_formats[i], &problem);

          if (found != NULL)
            json_array_append_new (components, found);
          for (int f = 0; f < ESP_DTYPE_COUNT; f++)
            {
              const Formats *part = &inspection->part_formats[i];

              inspection->formats.tensors[f] += part->tensors[f];
              inspection->formats.parameters[f] += part->parameters[f];
              inspection->formats.bytes[f] += part->bytes[f];
              inspection->formats.scaled[f] = inspection->formats.scaled[f] || part->scaled[f];
            }
        }
    }
  set (inspection, "components", components);
  set (inspection, "parts", parts);
  set (inspection, "missing", missing);
  set (inspection, "tokenizer_in_t5", json_boolean (files->tokenizer_in_t5));
  if (problem.status != ESP_OK)
    set_problem (inspection, &problem);
}

static void
put_notes (Inspection *inspection)
{
  json_t *notes = json_array ();

  for (char **note = inspection->files.notes; note != NULL && *note != NULL; note++)
    json_array_append_new (notes, text_json (*note));
  set (inspection, "notes", notes);
}

static void
put_variant (Inspection *inspection, const EspFluxConfig *config)
{
  json_t *sizes
      = json_pack ("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "double_blocks",
                   (json_int_t) config->double_blocks, "single_blocks",
                   (json_int_t) config->single_blocks, "hidden", (json_int_t) config->hidden,
                   "heads", (json_int_t) config->heads, "head_dim", (json_int_t) config->head_dim,
                   "mlp", (json_int_t) config->mlp, "joint", (json_int_t) config->joint_dim,
                   "pooled", (json_int_t) config->pooled_dim, "guidance", config->guidance);

  set (inspection, "sizes", sizes);
  if (config->guidance)
    {
      set (inspection, "variant", json_string ("kontext-or-dev"));
      set (inspection, "variant_text",
           json_string ("FLUX.1 Kontext [dev] or FLUX.1 [dev]: their files have the same tensors "
                        "and cannot be told apart. Only Kontext edits photos"));
    }
  else
    {
      set (inspection, "variant", json_string ("schnell"));
      set (inspection, "variant_text",
           json_string ("FLUX.1 without an embedding of guidance, as FLUX.1 [schnell]. Kontext "
                        "[dev] has one; this model runs, but it was not made for edits"));
    }
}

static void
put_estimate (Inspection *inspection, const EspFlux *flux)
{
  const EspManifest *manifest = &inspection->files.manifest;
  const Formats *parts = inspection->part_formats;
  int64_t pixels = manifest->working_pixels > 0 ? manifest->working_pixels : USUAL_PIXELS;
  int steps = manifest->default_steps > 0 ? manifest->default_steps : 28;
  EspEstimate estimate;

  if (!esp_estimate (flux, main_format (&parts[ESP_COMPONENT_TRANSFORMER]), pixels,
                     manifest->t5_tokens > 0 ? manifest->t5_tokens : 512,
                     all_bytes (&parts[ESP_COMPONENT_CLIP]) + all_bytes (&parts[ESP_COMPONENT_T5]),
                     all_bytes (&parts[ESP_COMPONENT_VAE]), &estimate))
    return;
  set (inspection, "estimate",
       json_pack ("{s:I, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "pixels", (json_int_t) pixels,
                  "steps", steps, "ram", (json_int_t) estimate.ram, "vram",
                  (json_int_t) estimate.vram, "step_flops", estimate.step_flops, "flops_per_second",
                  estimate.flops_per_second, "seconds_per_step", estimate.seconds_per_step,
                  "seconds", estimate.seconds_per_step * steps, "device",
                  text_json (estimate.device)));
}

/* Is everything there and does it open? */
static void
try_to_open (Inspection *inspection, const EspModelParts *parts)
{
  EspError problem = ESP_ERROR_INIT;
  EspModel *model = NULL;
  EspFlux *flux = NULL;
  bool runnable = false;

  if (esp_flux_open (inspection->files.part[ESP_COMPONENT_TRANSFORMER], &flux, &problem) == ESP_OK)
    {
      put_variant (inspection, esp_flux_config (flux));
      put_estimate (inspection, flux);
    }
  if (problem.status == ESP_OK
      && esp_model_files_check (&inspection->files, inspection->name, &problem) == ESP_OK)
    runnable = esp_model_open_parts (parts, &model, &problem) == ESP_OK;
  if (runnable)
    set (inspection, "hash", text_json (esp_model_info (model)->hash));
  esp_model_close (model);
  esp_flux_free (flux);
  set (inspection, "runnable", json_boolean (runnable));
  if (problem.status != ESP_OK)
    set_problem (inspection, &problem);
}

static void
put_model (Inspection *inspection, const EspModelParts *parts)
{
  const EspManifest *manifest = &inspection->files.manifest;

  set (inspection, "kind", json_string ("model"));
  set (inspection, "architecture", json_string ("FLUX.1"));
  set (inspection, "model_id", text_json (manifest->id));
  set (inspection, "name", text_json (manifest->name));
  set (inspection, "licence", text_json (manifest->licence));
  put_parts (inspection);
  put_notes (inspection);
  try_to_open (inspection, parts);
}

/* --- A single file that is no model ------------------------------------------------------------
 */

/* The first component that the file holds; -1 if none. */
static int
first_component (const EspWeights *weights)
{
  EspComponentNames names;

  for (int i = 0; i < ESP_COMPONENT_COUNT; i++)
    if (esp_component_find (weights, (EspComponent) i, &names))
      return i;
  return -1;
}

/* Why a file with this component cannot be used as such, if so. */
static void
try_component (const char *path, EspComponent component, EspError *problem)
{
  EspClipEncoder *clip = NULL;
  EspT5Encoder *t5 = NULL;
  EspVae *vae = NULL;

  if (component == ESP_COMPONENT_CLIP)
    esp_clip_encoder_open (path, &clip, problem);
  else if (component == ESP_COMPONENT_T5)
    esp_t5_encoder_open (path, &t5, problem);
  else if (component == ESP_COMPONENT_VAE)
    esp_vae_open (path, &vae, problem);
  esp_clip_encoder_free (clip);
  esp_t5_encoder_free (t5);
  esp_vae_free (vae);
}

static void
put_components_of (Inspection *inspection, const char *path, const EspWeights *weights)
{
  json_t *components = json_array ();
  EspError problem = ESP_ERROR_INIT;
  EspComponentNames names;

  for (int i = 0; i < ESP_COMPONENT_COUNT; i++)
    if (esp_component_find (weights, (EspComponent) i, &names))
      {
        json_t *found = component_json (path, (EspComponent) i, &inspection->formats, &problem);

        if (found != NULL)
          json_array_append_new (components, found);
        if (problem.status == ESP_OK)
          try_component (path, (EspComponent) i, &problem);
      }
  set (inspection, "kind", json_string ("component"));
  set (inspection, "architecture", json_string ("FLUX.1"));
  set (inspection, "components", components);
  if (problem.status != ESP_OK)
    set_problem (inspection, &problem);
}

/* True if it is a LoRA file, whole or not. */
static bool
put_lora (Inspection *inspection, const char *path)
{
  EspLoraFile *file = NULL;
  EspError problem = ESP_ERROR_INIT;
  int64_t lowest = 0, highest = 0, refused = 0;
  json_t *targets = json_array ();

  if (esp_lora_file_open (path, &file, &problem) != ESP_OK)
    {
      json_decref (targets);
      if (problem.status == ESP_ERROR_UNSUPPORTED)
        return false;
      set (inspection, "kind", json_string ("lora"));
      set_problem (inspection, &problem);
      return true;
    }
  for (int64_t i = 0; i < file->count; i++)
    {
      const EspLoraModule *module = &file->modules[i];

      refused += module->refused != NULL;
      if (module->rank > highest)
        highest = module->rank;
      if (module->rank > 0 && (lowest == 0 || module->rank < lowest))
        lowest = module->rank;
      json_array_append_new (targets, text_json (module->name));
    }
  set (inspection, "kind", json_string ("lora"));
  set (inspection, "lora",
       json_pack ("{s:s, s:I, s:I, s:I, s:I, s:o}", "naming",
                  file->naming != NULL ? file->naming : "", "modules", (json_int_t) file->count,
                  "refused", (json_int_t) refused, "lowest_rank", (json_int_t) lowest,
                  "highest_rank", (json_int_t) highest, "targets", targets));
  esp_lora_file_close (file);
  return true;
}

/* A file that holds no transformer. */
static EspStatus
put_file (Inspection *inspection, const char *path, EspError *error)
{
  EspWeights *weights = NULL;
  EspStatus status = esp_component_open_weights (path, &weights, error);
  const char *stranger;
  const char *architecture = NULL;

  if (status != ESP_OK)
    return status;
  if (first_component (weights) >= 0)
    put_components_of (inspection, path, weights);
  else if (!put_lora (inspection, path))
    {
      stranger = esp_component_stranger (weights);
      if (esp_weights_file_is_gguf (weights, 0))
        architecture
            = esp_gguf_metadata_text (esp_weights_gguf (weights, 0), "general.architecture");
      set (inspection, "kind", json_string ("other"));
      set (inspection, "architecture",
           architecture != NULL ? text_json (architecture) : json_null ());
      set (inspection, "variant_text",
           json_string (stranger != NULL ? stranger
                                         : "none of its tensors has a name that is known"));
    }
  if (json_object_get (inspection->object, "components") == NULL)
    add_formats (&inspection->formats, weights);
  esp_weights_close (weights);
  return ESP_OK;
}

/* --- Either ------------------------------------------------------------------------------------
 */

/* Does the path hold the transformer of a model, or is it a folder? */
static bool
is_model (const EspModelParts *parts)
{
  EspError ignored = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  EspComponentNames names;
  struct stat about;
  bool found;

  if (parts->transformer != NULL || parts->path == NULL
      || (stat (parts->path, &about) == 0 && S_ISDIR (about.st_mode)))
    return true;
  if (esp_component_open_weights (parts->path, &weights, &ignored) != ESP_OK)
    return false;
  found = esp_component_find (weights, ESP_COMPONENT_TRANSFORMER, &names);
  esp_weights_close (weights);
  return found;
}

/* True if the folder is a tokenizer's, of CLIP or of T5. */
static bool
put_tokenizer (Inspection *inspection, const char *folder)
{
  EspError ignored = ESP_ERROR_INIT;
  EspClipTokenizer *clip = NULL;
  EspT5Tokenizer *t5 = NULL;
  const char *part = NULL;

  if (esp_model_is_tokenizer (folder, ESP_PART_TOKENIZER_2)
      && esp_t5_tokenizer_open (folder, &t5, &ignored) == ESP_OK)
    part = esp_part_id (ESP_PART_TOKENIZER_2);
  else if (esp_model_is_tokenizer (folder, ESP_PART_TOKENIZER)
           && esp_clip_tokenizer_open (folder, &clip, &ignored) == ESP_OK)
    part = esp_part_id (ESP_PART_TOKENIZER);
  esp_t5_tokenizer_free (t5);
  esp_clip_tokenizer_free (clip);
  if (part == NULL)
    return false;
  set (inspection, "kind", json_string ("tokenizer"));
  set (inspection, "part", json_string (part));
  return true;
}

/* A folder without a model may be that of a single component, or a tokenizer's. */
static EspStatus
inspect_model (Inspection *inspection, const EspModelParts *parts, EspError *error)
{
  EspError problem = ESP_ERROR_INIT;
  EspStatus status = esp_model_files_find (parts, &inspection->files, &problem);

  if (status == ESP_OK && inspection->files.part[ESP_COMPONENT_TRANSFORMER] == NULL)
    status = esp_model_files_check (&inspection->files, inspection->name, &problem);
  if (status == ESP_OK)
    {
      put_model (inspection, parts);
      return ESP_OK;
    }
  if (parts->path != NULL
      && (put_tokenizer (inspection, parts->path)
          || put_file (inspection, parts->path, error) == ESP_OK))
    return ESP_OK;
  return esp_error_set (error, problem.status, "%s", problem.message);
}

EspStatus
esp_inspect (const EspModelParts *parts, json_t **object, EspError *error)
{
  const unsigned failures = esp_memory_failures ();
  Inspection inspection = { .object = json_object (), .name = parts->path };
  EspStatus status;

  if (inspection.name == NULL)
    inspection.name = parts->transformer != NULL ? parts->transformer : "";
  *object = NULL;
  if (inspection.object == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", inspection.name);
  set (&inspection, "path", text_json (inspection.name));
  set (&inspection, "runnable", json_false ());
  set (&inspection, "problem", json_null ());
  if (is_model (parts))
    status = inspect_model (&inspection, parts, error);
  else
    status = put_file (&inspection, parts->path, error);
  set (&inspection, "formats", formats_json (inspection.formats));
  set (&inspection, "parameters", json_integer ((json_int_t) all_parameters (&inspection.formats)));
  set (&inspection, "bytes", json_integer ((json_int_t) all_bytes (&inspection.formats)));
  esp_model_files_clear (&inspection.files);
  if (esp_memory_failures () != failures)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", inspection.name);
  if (status == ESP_OK)
    *object = inspection.object;
  else
    json_decref (inspection.object);
  return status;
}
