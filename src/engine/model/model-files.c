/* SPDX-License-Identifier: MIT */
#include "model/model-files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/gguf.h"
#include "files/json-file.h"
#include "memory-watch.h"

#define INDEX_MAX_BYTES (1 << 20)
#define INDEX_NAME      "model_index.json"

/* The sub-folders of a diffusers folder, by part. */
static const char *
part_folder (int part)
{
  return part < ESP_COMPONENT_COUNT   ? esp_component_folder ((EspComponent) part)
         : part == ESP_PART_TOKENIZER ? "tokenizer"
                                      : "tokenizer_2";
}

static const char *
part_title (int part)
{
  return part < ESP_COMPONENT_COUNT   ? esp_component_title ((EspComponent) part)
         : part == ESP_PART_TOKENIZER ? "CLIP's tokenizer"
                                      : "T5's tokenizer";
}

static EspStatus
no_memory (const char *path, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
}

static bool
is_folder (const char *path)
{
  struct stat about;

  return stat (path, &about) == 0 && S_ISDIR (about.st_mode);
}

static bool
same_file (const char *one, const char *other)
{
  struct stat a, b;

  return stat (one, &a) == 0 && stat (other, &b) == 0 && a.st_dev == b.st_dev
         && a.st_ino == b.st_ino;
}

/* Is there FOLDER/NAME? */
static bool
holds (const char *folder, const char *name)
{
  char *path = esp_path_join (folder, name);
  bool found = path != NULL && access (path, F_OK) == 0;

  free (path);
  return found;
}

static char *
folder_of (const char *path)
{
  const char *slash = strrchr (path, '/');

  if (slash == NULL)
    return esp_memory_noted (strdup ("."));
  return esp_memory_noted (slash == path ? strdup ("/") : strndup (path, (size_t) (slash - path)));
}

/* Sets the part unless it is set; `path` (or NULL) is copied. */
static EspStatus
offer (EspModelFiles *files, int part, const char *path, EspError *error)
{
  if (path == NULL || files->part[part] != NULL)
    return ESP_OK;
  files->part[part] = strdup (path);
  return files->part[part] != NULL ? ESP_OK : no_memory (path, error);
}

static EspStatus
add_note (EspModelFiles *files, char *note, EspError *error)
{
  int count = 0;
  char **notes;

  if (note == NULL)
    return ESP_OK;
  while (files->notes != NULL && files->notes[count] != NULL)
    count++;
  notes = realloc (files->notes, (size_t) (count + 2) * sizeof *notes);
  if (notes == NULL)
    {
      free (note);
      return no_memory (files->place, error);
    }
  files->notes = notes;
  notes[count] = note;
  notes[count + 1] = NULL;
  return ESP_OK;
}

/* --- A folder ----------------------------------------------------------------------------------
 */

/* model_index.json names the pipeline: Kontext's own, or its in-painting variant with the same
 * parts. */
static EspStatus
check_index (const char *folder, EspError *error)
{
  char *path = esp_path_join (folder, INDEX_NAME);
  json_t *root = NULL;
  const char *class_name = NULL;
  EspStatus status;

  if (path == NULL)
    return no_memory (folder, error);
  status = esp_json_read_object (path, INDEX_MAX_BYTES, &root, error);
  if (status == ESP_OK)
    status = esp_json_get_string (root, path, "_class_name", true, NULL, &class_name, error);
  if (status == ESP_OK && strncmp (class_name, "FluxKontext", strlen ("FluxKontext")) != 0)
    status = esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: the model is a %s; Espalier runs FluxKontextPipeline models "
                            "(FLUX.1 Kontext)",
                            path, class_name);
  json_decref (root);
  free (path);
  return status;
}

/* Takes the sub-folders that are there. In a diffusers folder they have a config.json each. */
static EspStatus
take_sub_folders (EspModelFiles *files, const char *folder, EspError *error)
{
  EspStatus status = ESP_OK;

  for (int i = 0; i < ESP_PART_COUNT && status == ESP_OK; i++)
    {
      char *sub = esp_path_join (folder, part_folder (i));

      if (sub == NULL)
        return no_memory (folder, error);
      if (files->part[i] == NULL && is_folder (sub))
        {
          if (i < ESP_COMPONENT_COUNT && !holds (sub, "config.json"))
            status = esp_error_set (error, ESP_ERROR_FILE, "%s/config.json: is missing", sub);
          else
            status = offer (files, i, sub, error);
        }
      free (sub);
    }
  return status;
}

static EspStatus
find_in_folder (EspModelFiles *files, const char *folder, EspError *error)
{
  bool is_diffusers = holds (folder, INDEX_NAME);
  EspStatus status = is_diffusers ? check_index (folder, error) : ESP_OK;

  if (status == ESP_OK)
    status = esp_manifest_read (folder, &files->manifest, error);
  for (int i = 0; i < ESP_PART_COUNT && status == ESP_OK; i++)
    status = offer (files, i, files->manifest.part[i], error);
  if (status == ESP_OK && is_diffusers)
    status = take_sub_folders (files, folder, error);
  if (status == ESP_OK && (is_diffusers || holds (folder, "scheduler/scheduler_config.json"))
      && (files->scheduler = strdup (folder)) == NULL)
    status = no_memory (folder, error);
  if (status == ESP_OK && (files->place = strdup (folder)) == NULL)
    status = no_memory (folder, error);
  return status;
}

/* --- A file ------------------------------------------------------------------------------------
 */

/* The folder above, malloc'd and without "..". */
static char *
parent_of (const char *folder)
{
  char *path = esp_path_join (folder, "..");
  char *real = path != NULL ? realpath (path, NULL) : NULL;

  free (path);
  return real;
}

/* The folder (malloc'd) whose model `path` is the transformer of: with an espalier.json that says
 * so, or a diffusers folder of which it lies in the sub-folder. NULL = it stands alone. */
static char *
find_home (const char *path)
{
  EspManifest manifest;
  EspError ignored = ESP_ERROR_INIT;
  char *folder = folder_of (path), *above;
  bool named = false;

  if (folder == NULL)
    return NULL;
  if (holds (folder, "espalier.json") && esp_manifest_read (folder, &manifest, &ignored) == ESP_OK)
    {
      named = manifest.part[0] != NULL && same_file (manifest.part[0], path);
      esp_manifest_clear (&manifest);
    }
  if (named)
    return folder;
  above = parent_of (folder);
  if (above != NULL && holds (above, INDEX_NAME))
    {
      char *sub = esp_path_join (above, part_folder (0));

      named = sub != NULL && same_file (sub, folder);
      free (sub);
    }
  if (!named)
    {
      free (above);
      above = NULL;
    }
  free (folder);
  return above;
}

/* Takes every component that is in the file itself. */
static EspStatus
take_from_file (EspModelFiles *files, const char *path, EspError *error)
{
  EspWeights *weights = NULL;
  EspComponentNames names;
  EspStatus status = esp_component_open_weights (path, &weights, error);

  for (int i = 0; i < ESP_COMPONENT_COUNT && status == ESP_OK; i++)
    if (i == ESP_COMPONENT_TRANSFORMER || esp_component_find (weights, (EspComponent) i, &names))
      status = offer (files, i, path, error);
  esp_weights_close (weights);
  return status;
}

static EspStatus
find_from_file (EspModelFiles *files, const char *path, EspError *error)
{
  char *home = find_home (path);
  EspStatus status;

  if (home != NULL)
    {
      status = offer (files, ESP_COMPONENT_TRANSFORMER, path, error);
      if (status == ESP_OK)
        status = find_in_folder (files, home, error);
      free (home);
      return status;
    }
  status = esp_manifest_for_file (path, &files->manifest, error);
  if (status == ESP_OK)
    status = take_from_file (files, path, error);
  if (status == ESP_OK && (files->place = folder_of (path)) == NULL)
    status = no_memory (path, error);
  return status;
}

/* --- Beside ------------------------------------------------------------------------------------
 */

static EspStatus
measure_transformer (const char *path, EspModelWidths *widths, EspError *error)
{
  EspWeights *weights = NULL;
  char *config = NULL;
  EspStatus status = esp_component_open (path, ESP_COMPONENT_TRANSFORMER, &weights, &config, error);

#define EXTENT(name, field)                                                                        \
  if (status == ESP_OK)                                                                            \
  status = esp_component_extent (weights, name, 2, 1, 1 << 20, field, error)
  EXTENT ("x_embedder.weight", &widths->in_channels);
  EXTENT ("time_text_embed.text_embedder.linear_1.weight", &widths->pooled);
  EXTENT ("context_embedder.weight", &widths->joint);
#undef EXTENT
  esp_weights_close (weights);
  free (config);
  return status;
}

static EspStatus
find_companions (EspModelFiles *files, EspError *error)
{
  EspModelWidths widths = { 0, 0, 0 };
  EspStatus status = ESP_OK;

  for (int i = 0; i < ESP_COMPONENT_COUNT && status == ESP_OK; i++)
    {
      char *note = NULL;

      if (files->part[i] == NULL)
        status = esp_model_companion (files->place, (EspComponent) i, &widths, &files->part[i],
                                      &note, error);
      if (status == ESP_OK)
        status = add_note (files, note, error);
      if (status != ESP_OK)
        break;
      if (i == ESP_COMPONENT_TRANSFORMER && files->part[i] == NULL)
        return ESP_OK;
      /* Only what is looked for must fit. */
      if (i == ESP_COMPONENT_TRANSFORMER
          && (files->part[ESP_COMPONENT_CLIP] == NULL || files->part[ESP_COMPONENT_T5] == NULL
              || files->part[ESP_COMPONENT_VAE] == NULL))
        status = measure_transformer (files->part[i], &widths, error);
    }
  return status;
}

static bool
has_tokenizer_inside (const char *path)
{
  EspError ignored = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  bool found = false;

  if (is_folder (path) || esp_weights_open_file (path, &weights, &ignored) != ESP_OK)
    return false;
  if (esp_weights_file_is_gguf (weights, 0))
    found = esp_gguf_metadata_find (esp_weights_gguf (weights, 0), "tokenizer.ggml.tokens") != NULL;
  esp_weights_close (weights);
  return found;
}

/* NAME in BASE or up to two folders above, malloc'd, if it is a folder with that tokenizer. */
static char *
find_tokenizer_at (const char *base, int part)
{
  static const char *const up[] = { "", "../", "../../" };

  for (int i = 0; i < 3; i++)
    {
      char name[32];
      char *path;

      snprintf (name, sizeof name, "%s%s", up[i], part_folder (part));
      path = esp_path_join (base, name);
      if (path != NULL && esp_model_is_tokenizer (path, part))
        {
          char *real = i > 0 ? realpath (path, NULL) : NULL;

          if (real == NULL)
            return path;
          free (path);
          return real;
        }
      free (path);
    }
  return NULL;
}

/* Beside the model, beside its text encoder. */
static void
find_tokenizer (EspModelFiles *files, int part)
{
  const char *encoder
      = files->part[part == ESP_PART_TOKENIZER ? ESP_COMPONENT_CLIP : ESP_COMPONENT_T5];
  char *folder;

  if (files->place != NULL)
    files->part[part] = find_tokenizer_at (files->place, part);
  if (files->part[part] != NULL || encoder == NULL)
    return;
  folder = is_folder (encoder) ? esp_memory_noted (strdup (encoder)) : folder_of (encoder);
  if (folder != NULL)
    files->part[part] = find_tokenizer_at (folder, part);
  free (folder);
}

static void
find_tokenizers (EspModelFiles *files)
{
  const char *t5 = files->part[ESP_COMPONENT_T5];

  if (files->part[ESP_PART_TOKENIZER] == NULL)
    find_tokenizer (files, ESP_PART_TOKENIZER);
  if (files->part[ESP_PART_TOKENIZER_2] != NULL)
    return;
  if (t5 != NULL && has_tokenizer_inside (t5))
    files->tokenizer_in_t5 = true;
  else
    find_tokenizer (files, ESP_PART_TOKENIZER_2);
}

/* --- All of it ---------------------------------------------------------------------------------
 */

EspStatus
esp_model_files_find (const EspModelParts *parts, EspModelFiles *files, EspError *error)
{
  const char *const given[ESP_PART_COUNT]
      = { parts->transformer, parts->clip,      parts->t5,
          parts->vae,         parts->tokenizer, parts->tokenizer_2 };
  const char *path = parts->path != NULL ? parts->path : parts->transformer;
  EspStatus status = ESP_OK;

  memset (files, 0, sizeof *files);
  if (path == NULL)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "model: neither a model nor a transformer was named");
  for (int i = 0; i < ESP_PART_COUNT && status == ESP_OK; i++)
    {
      if (given[i] != NULL && access (given[i], F_OK) != 0)
        status = esp_error_set (error, ESP_ERROR_FILE, "%s: there is no such file or folder (%s)",
                                given[i], esp_part_id (i));
      if (status == ESP_OK)
        status = offer (files, i, given[i], error);
    }
  if (status == ESP_OK && access (path, F_OK) != 0)
    status = esp_error_set (error, ESP_ERROR_FILE,
                            "%s: no such model (a diffusers folder with model_index.json, or a "
                            "file with a transformer, is expected)",
                            path);
  if (status == ESP_OK)
    status = is_folder (path) ? find_in_folder (files, path, error)
                              : find_from_file (files, path, error);
  if (status == ESP_OK)
    status = find_companions (files, error);
  if (status == ESP_OK)
    find_tokenizers (files);
  if (status != ESP_OK)
    esp_model_files_clear (files);
  return status;
}

EspStatus
esp_model_files_check (const EspModelFiles *files, const char *name, EspError *error)
{
  char titles[512] = "", options[256] = "";

  if (files->part[ESP_COMPONENT_TRANSFORMER] == NULL)
    return esp_error_set (error, ESP_ERROR_FILE,
                          "%s: no model is in this folder: neither " INDEX_NAME
                          ", nor an espalier.json with \"components\", nor a file with the "
                          "transformer of FLUX.1 Kontext",
                          name);
  for (int i = 0; i < ESP_PART_COUNT; i++)
    {
      size_t at = strlen (titles), end = strlen (options);

      if (files->part[i] != NULL || (i == ESP_PART_TOKENIZER_2 && files->tokenizer_in_t5))
        continue;
      snprintf (titles + at, sizeof titles - at, "%sthe %s", at > 0 ? ", " : "",
                i == ESP_PART_TOKENIZER     ? "tokenizer of CLIP (a folder)"
                : i == ESP_PART_TOKENIZER_2 ? "tokenizer of T5 (a folder)"
                                            : part_title (i));
      snprintf (options + end, sizeof options - end, " %s=%s", esp_part_id (i),
                i < ESP_COMPONENT_COUNT ? "FILE" : "DIR");
    }
  if (titles[0] == '\0')
    return ESP_OK;
  return esp_error_set (error, ESP_ERROR_FILE,
                        "%s: the model is not complete; missing: %s. Put them beside it (%s), or "
                        "give them with --component%s",
                        name, titles, files->place != NULL ? files->place : ".", options);
}

void
esp_model_files_clear (EspModelFiles *files)
{
  esp_manifest_clear (&files->manifest);
  for (int i = 0; i < ESP_PART_COUNT; i++)
    free (files->part[i]);
  for (char **note = files->notes; note != NULL && *note != NULL; note++)
    free (*note);
  free (files->notes);
  free (files->scheduler);
  free (files->place);
  memset (files, 0, sizeof *files);
}
