/* SPDX-License-Identifier: MIT */
/* Which of the files beside a model's file belong to it: by what is in them, never by their names.
 */
#include "model/model-files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/json-file.h"
#include "memory-watch.h"

/* A folder may be somebody's whole collection; headers take a millisecond each. */
#define FILES_TO_OPEN   300
#define ENTRIES_TO_LOOK 10000
#define COMFY_DEPTH     3 /* how far above a file ComfyUI's "models" folder is looked for */

typedef struct Candidate
{
  char *path;
  bool with_transformer;
  uint64_t bytes;
} Candidate;

typedef struct Search
{
  EspComponent component;
  const EspModelWidths *widths;
  int files_left;
  Candidate best;
  int fitting; /* candidates in this place */
} Search;

/* --- Does it fit? ------------------------------------------------------------------------------
 */

/* Extent `axis` of a tensor with `dims` dimensions; 0 if there is no such tensor. */
static int64_t
extent (const EspWeights *weights, const char *name, int dims, int axis)
{
  const EspWeight *weight = esp_weights_find (weights, name);

  return weight != NULL && weight->dims == dims ? weight->shape[axis] : 0;
}

bool
esp_model_fits (EspWeights *weights, EspComponent component, const EspModelWidths *widths)
{
  EspComponentNames names;
  EspError ignored = ESP_ERROR_INIT;
  int64_t found = 0, wanted = 0;

  if (!esp_component_find (weights, component, &names)
      || esp_component_rename (weights, component, &ignored) != ESP_OK)
    return false;

  switch (component)
    {
    case ESP_COMPONENT_TRANSFORMER:
      found = extent (weights, "x_embedder.weight", 2, 1);
      wanted = extent (weights, "proj_out.weight", 2, 0);
      break;
    case ESP_COMPONENT_CLIP:
      found = extent (weights, "text_model.embeddings.token_embedding.weight", 2, 1);
      wanted = widths->pooled;
      break;
    case ESP_COMPONENT_T5:
      found = extent (weights, "shared.weight", 2, 1);
      wanted = widths->joint;
      break;
    case ESP_COMPONENT_VAE:
      found = 4 * extent (weights, "decoder.conv_in.weight", 4, 1);
      wanted = widths->in_channels;
      break;
    case ESP_COMPONENT_COUNT:
      break;
    }
  return found > 0 && (wanted == 0 || found == wanted);
}

bool
esp_model_is_tokenizer (const char *folder, int part)
{
  static const char *const files[2][2]
      = { { "tokenizer.json", "vocab.json" }, { "tokenizer.json", "spiece.model" } };
  bool found = false;

  for (int i = 0; i < 2 && !found; i++)
    {
      char *path = esp_path_join (folder, files[part == ESP_PART_TOKENIZER_2][i]);

      found = path != NULL && access (path, R_OK) == 0;
      free (path);
    }
  return found;
}

/* --- Candidates --------------------------------------------------------------------------------
 */

static bool
ends_with (const char *text, const char *ending)
{
  size_t length = strlen (text), end = strlen (ending);

  return length >= end && strcmp (text + length - end, ending) == 0;
}

/* "model-00001-of-00003.safetensors": one of several, of which the index is the whole. */
static bool
is_shard (const char *name)
{
  const char *of = strstr (name, "-of-");

  return of != NULL && of - name > 5 && ends_with (name, ".safetensors") && strlen (of) == 21;
}

static bool
is_weights_name (const char *name)
{
  static const char *const endings[]
      = { ".safetensors", ".gguf", ".sft", ".safetensors.index.json" };

  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (ends_with (name, endings[i]))
      return !is_shard (name);
  return false;
}

static bool
is_better (const Candidate *one, const Candidate *than)
{
  if (than->path == NULL)
    return true;
  if (one->with_transformer != than->with_transformer)
    return !one->with_transformer;
  if (one->bytes != than->bytes)
    return one->bytes > than->bytes;
  return strcmp (one->path, than->path) < 0;
}

/* Looks into the file or sub-folder `path` (taken over). */
static void
consider (Search *search, char *path)
{
  EspError ignored = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  EspComponentNames names;
  Candidate candidate = { .path = path };
  bool fits = false;

  if (search->files_left-- > 0 && esp_component_open_weights (path, &weights, &ignored) == ESP_OK)
    {
      candidate.bytes = esp_weights_bytes (weights);
      candidate.with_transformer
          = search->component != ESP_COMPONENT_TRANSFORMER
            && esp_component_find (weights, ESP_COMPONENT_TRANSFORMER, &names);
      fits = esp_model_fits (weights, search->component, search->widths);
    }
  esp_weights_close (weights);
  if (!fits)
    {
      free (path);
      return;
    }

  search->fitting++;
  if (is_better (&candidate, &search->best))
    {
      free (search->best.path);
      search->best = candidate;
    }
  else
    free (path);
}

/* Considers all files of a folder, and those of its own sub-folders if `depth` is above 0. */
static void
look_into (Search *search, const char *folder, int depth)
{
  DIR *entries = esp_memory_noted_call (opendir (folder));
  struct dirent *entry;
  int left = ENTRIES_TO_LOOK;

  if (entries == NULL)
    return;
  while ((entry = readdir (entries)) != NULL && left-- > 0)
    {
      struct stat about;
      char *path;

      if (entry->d_name[0] == '.')
        continue;
      path = esp_path_join (folder, entry->d_name);
      if (path == NULL)
        continue;
      if (is_weights_name (entry->d_name))
        {
          consider (search, path);
          path = NULL;
        }
      else if (depth > 0 && stat (path, &about) == 0 && S_ISDIR (about.st_mode))
        look_into (search, path, depth - 1);
      free (path);
    }
  closedir (entries);
}

/* --- Places ------------------------------------------------------------------------------------
 */

/* The sub-folders that ComfyUI and diffusers keep a component in, best first. */
static const char *const folders[ESP_COMPONENT_COUNT][6] = {
  [ESP_COMPONENT_TRANSFORMER] = { "diffusion_models", "unet", "checkpoints", NULL },
  [ESP_COMPONENT_CLIP] = { "text_encoder", "text_encoders", "clip", "checkpoints", NULL },
  [ESP_COMPONENT_T5] = { "text_encoder_2", "text_encoders", "clip", "t5", "checkpoints", NULL },
  [ESP_COMPONENT_VAE] = { "vae", "ae", "checkpoints", NULL },
};

static void
look_below (Search *search, const char *base)
{
  for (int i = 0; folders[search->component][i] != NULL && search->fitting == 0; i++)
    {
      char *place = esp_path_join (base, folders[search->component][i]);

      if (place != NULL)
        look_into (search, place, 1);
      free (place);
    }
}

static bool
has_folder (const char *folder, const char *name)
{
  char *path = esp_path_join (folder, name);
  bool is_there = path != NULL && access (path, F_OK) == 0;

  free (path);
  return is_there;
}

/* Is it the folder in which ComfyUI keeps all models? */
static bool
is_comfy_root (const char *folder)
{
  return has_folder (folder, "diffusion_models") || has_folder (folder, "unet")
         || has_folder (folder, "checkpoints");
}

/* In the folder, in its sub-folders, in those beside it; then in ComfyUI's, should it lie deeper in
 * one of those. A transformer is the model itself: that of another one is no part of this one. */
static void
look_everywhere (Search *search, const char *base)
{
  const int levels = search->component == ESP_COMPONENT_TRANSFORMER ? 0 : COMFY_DEPTH;
  char *above = esp_memory_noted (strdup (base));

  look_into (search, base, 0);
  for (int i = 0; i <= levels && search->fitting == 0 && above != NULL; i++)
    {
      char *next;

      if (i < 2 || is_comfy_root (above))
        look_below (search, above);
      next = esp_path_join (above, "..");
      free (above);
      above = next;
    }
  free (above);
}

/* `path` without "x/.." in it, malloc'd; the path itself where the system cannot tell. */
static char *
tidy (char *path)
{
  char *real = strstr (path, "..") != NULL ? esp_memory_noted_call (realpath (path, NULL)) : NULL;

  if (real == NULL)
    return path;
  free (path);
  return real;
}

EspStatus
esp_model_companion (const char *base, EspComponent component, const EspModelWidths *widths,
                     char **found, char **note, EspError *error)
{
  Search search = { .component = component, .widths = widths, .files_left = FILES_TO_OPEN };
  const unsigned failures = esp_memory_failures ();

  *found = *note = NULL;
  look_everywhere (&search, base);
  if (search.best.path != NULL)
    search.best.path = tidy (search.best.path);
  if (esp_memory_failures () != failures)
    {
      free (search.best.path);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", base);
    }
  if (search.best.path == NULL)
    return ESP_OK;

  *found = search.best.path;
  if (search.fitting > 1)
    {
      char text[512];

      snprintf (text, sizeof text,
                "%d files there would do as the %s; taken is the largest, %.300s; choose with "
                "--component %s=FILE",
                search.fitting, esp_component_title (component), *found,
                esp_component_id (component));
      *note = strdup (text);
    }
  return ESP_OK;
}
