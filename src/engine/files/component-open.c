/* SPDX-License-Identifier: MIT */
/* Opening one component: a file, a sharded file or a sub-folder. */
#include "files/component-names.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/json-file.h"
#include "memory-watch.h"

#define CONFIG_MAX_BYTES (1 << 20)
#define CONFIG_NAME      "config.json"
#define INDEX_ENDING     ".safetensors.index.json"
#define ENTRIES_MAX      10000

static bool
ends_with (const char *text, const char *ending)
{
  size_t length = strlen (text), end = strlen (ending);

  return length >= end && strcmp (text + length - end, ending) == 0;
}

static EspStatus
no_memory (const char *path, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to open it", path);
}

/* The folder that `path` lies in, malloc'd. */
static char *
folder_of (const char *path)
{
  const char *slash = strrchr (path, '/');

  if (slash == NULL)
    return esp_memory_noted (strdup ("."));
  return esp_memory_noted (slash == path ? strdup ("/") : strndup (path, (size_t) (slash - path)));
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* Opens FOLDER/STEM.safetensors.index.json given its path. */
static EspStatus
open_index (const char *path, EspWeights **weights, EspError *error)
{
  const char *slash = strrchr (path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  char *folder = folder_of (path);
  char *stem = strndup (name, strlen (name) - strlen (INDEX_ENDING));
  EspStatus status;

  if (folder != NULL && stem != NULL)
    status = esp_weights_open (folder, stem, weights, error);
  else
    status = no_memory (path, error);
  free (folder);
  free (stem);
  return status;
}

/* The name (malloc'd) of the only index in the folder, else of the only weights file; NULL if there
 * is none, or more than one. */
static char *
find_only_weights (const char *path)
{
  DIR *folder = esp_memory_noted_call (opendir (path));
  struct dirent *entry;
  char *index = NULL, *file = NULL;
  int indices = 0, files = 0, left = ENTRIES_MAX;

  if (folder == NULL)
    return NULL;
  while ((entry = readdir (folder)) != NULL && left-- > 0)
    {
      if (ends_with (entry->d_name, INDEX_ENDING) && indices++ == 0)
        index = esp_memory_noted (strdup (entry->d_name));
      else if ((ends_with (entry->d_name, ".safetensors") || ends_with (entry->d_name, ".gguf"))
               && files++ == 0)
        file = esp_memory_noted (strdup (entry->d_name));
    }
  closedir (folder);
  if (indices == 1 || files != 1)
    {
      free (file);
      file = NULL;
    }
  if (indices != 1)
    {
      free (index);
      index = NULL;
    }
  return index != NULL ? index : file;
}

static bool
has_weights (const char *folder, const char *stem)
{
  static const char *const endings[] = { ".safetensors", INDEX_ENDING };
  bool found = false;

  for (int i = 0; i < 2 && !found; i++)
    {
      char name[64];
      char *path;

      strcpy (name, stem);
      strcat (name, endings[i]);
      path = esp_path_join (folder, name);
      found = path != NULL && access (path, F_OK) == 0;
      free (path);
    }
  return found;
}

static EspStatus
open_folder (const char *path, EspWeights **weights, EspError *error)
{
  static const char *const stems[] = { "diffusion_pytorch_model", "model" };
  char *name, *only = NULL;
  EspStatus status;

  for (int i = 0; i < 2; i++)
    if (has_weights (path, stems[i]))
      return esp_weights_open (path, stems[i], weights, error);

  name = find_only_weights (path);
  if (name != NULL)
    only = esp_path_join (path, name);
  if (only != NULL)
    status = ends_with (only, INDEX_ENDING) ? open_index (only, weights, error)
                                            : esp_weights_open_file (only, weights, error);
  else
    status = esp_error_set (error, ESP_ERROR_FILE,
                            "%s: holds no weights: diffusion_pytorch_model.safetensors, "
                            "model.safetensors, their .index.json, or one other file of weights "
                            "is expected",
                            path);
  free (only);
  free (name);
  return status;
}

EspStatus
esp_component_open_weights (const char *path, EspWeights **weights, EspError *error)
{
  struct stat about;

  *weights = NULL;
  if (stat (path, &about) == 0 && S_ISDIR (about.st_mode))
    return open_folder (path, weights, error);
  if (ends_with (path, INDEX_ENDING))
    return open_index (path, weights, error);
  return esp_weights_open_file (path, weights, error);
}

/* --- Configuration ---------------------------------------------------------------------------- */

/* Does the JSON file say that it is about `component`? */
static bool
describes (const char *path, EspComponent component)
{
  static const struct
  {
    const char *key, *value;
  } marks[ESP_COMPONENT_COUNT] = {
    [ESP_COMPONENT_TRANSFORMER] = { "_class_name", "FluxTransformer2DModel" },
    [ESP_COMPONENT_CLIP] = { "model_type", "clip_text_model" },
    [ESP_COMPONENT_T5] = { "model_type", "t5" },
    [ESP_COMPONENT_VAE] = { "_class_name", "AutoencoderKL" },
  };
  EspError ignored = ESP_ERROR_INIT;
  json_t *root = NULL;
  const char *text;
  bool described;

  if (access (path, F_OK) != 0
      || esp_json_read_object (path, CONFIG_MAX_BYTES, &root, &ignored) != ESP_OK)
    return false;
  text = json_string_value (json_object_get (root, marks[component].key));
  described = text != NULL && strcmp (text, marks[component].value) == 0;
  json_decref (root);
  return described;
}

/* The libraries write a config.json beside weights with names of theirs, without a prefix. */
static bool
is_library_naming (const EspWeights *weights, EspComponent component)
{
  EspComponentNames names;

  return esp_component_find (weights, component, &names)
         && (strcmp (names.naming, "diffusers") == 0 || strcmp (names.naming, "transformers") == 0)
         && (names.prefix[0] == '\0' || strcmp (names.prefix, "text_model.") == 0);
}

static EspStatus
find_config (const char *path, EspComponent component, const EspWeights *weights, char **config,
             EspError *error)
{
  struct stat about;
  bool is_folder = stat (path, &about) == 0 && S_ISDIR (about.st_mode);
  char *folder = is_folder ? esp_memory_noted (strdup (path)) : folder_of (path);
  char *found = folder != NULL ? esp_path_join (folder, CONFIG_NAME) : NULL;

  free (folder);
  if (found == NULL)
    return no_memory (path, error);
  if (is_folder ? access (found, F_OK) == 0
                : is_library_naming (weights, component) && describes (found, component))
    *config = found;
  else
    free (found);
  return ESP_OK;
}

EspStatus
esp_component_open (const char *path, EspComponent component, EspWeights **weights, char **config,
                    EspError *error)
{
  EspStatus status;

  *config = NULL;
  status = esp_component_open_weights (path, weights, error);
  if (status != ESP_OK)
    return status;
  status = find_config (path, component, *weights, config, error);
  if (status == ESP_OK)
    status = esp_component_rename (*weights, component, error);
  if (status != ESP_OK)
    {
      esp_weights_close (*weights);
      free (*config);
      *weights = NULL;
      *config = NULL;
    }
  return status;
}
