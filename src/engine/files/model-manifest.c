/* SPDX-License-Identifier: MIT */
#include "files/model-manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/json-file.h"

#define MANIFEST_NAME      "espalier.json"
#define MANIFEST_MAX_BYTES (1 << 20)
#define INSTRUCTIONS_MAX   1000

/* Defaults: those of FLUX.1 Kontext [dev] in its pipeline. */
#define DEFAULT_T5_TOKENS 512
#define DEFAULT_STEPS     28
#define DEFAULT_GUIDANCE  2.5

/* The folder's own name in fresh memory, or NULL. "models/x/" is "x"; what a path like "." or
 * "a/.." stands for is asked from the system. A symbolic link's own name is kept: it is what the
 * user chose. */
static char *
folder_name (const char *folder)
{
  size_t end = strlen (folder), begin;
  char *name;

  while (end > 0 && folder[end - 1] == '/')
    end--;
  begin = end;
  while (begin > 0 && folder[begin - 1] != '/')
    begin--;
  name = strndup (folder + begin, end - begin);

  if (name != NULL && (name[0] == '\0' || strcmp (name, ".") == 0 || strcmp (name, "..") == 0))
    {
      char *path = realpath (folder, NULL);
      const char *slash = path != NULL ? strrchr (path, '/') : NULL;

      free (name);
      /* The root of the file system has no name of its own. */
      name = strdup (slash != NULL && slash[1] != '\0' ? slash + 1 : "model");
      free (path);
    }
  return name;
}

static EspStatus
no_memory (const char *path, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to read it", path);
}

static EspStatus
read_string (const json_t *root, const char *path, const char *key, const char *fallback,
             bool may_be_empty, char **value, EspError *error)
{
  const char *text = NULL;
  EspStatus status = esp_json_get_string (root, path, key, false, fallback, &text, error);

  if (status != ESP_OK)
    return status;
  if (text[0] == '\0' && !may_be_empty)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: field \"%s\" is empty", path, key);
  *value = strdup (text);
  return *value != NULL ? ESP_OK : no_memory (path, error);
}

static EspStatus
read_names (const json_t *root, const char *path, const char *fallback_id, EspManifest *m,
            EspError *error)
{
  EspStatus status;

  status = read_string (root, path, "id", fallback_id, false, &m->id, error);
  if (status == ESP_OK)
    status = read_string (root, path, "name", m->id, false, &m->name, error);
  if (status == ESP_OK)
    status = read_string (root, path, "licence", "", true, &m->licence, error);
  if (status == ESP_OK)
    status = read_string (root, path, "source", "", true, &m->source, error);
  if (status == ESP_OK)
    status = read_string (root, path, "kind", "full", false, &m->kind, error);
  if (status == ESP_OK && strcmp (m->kind, "full") != 0 && strcmp (m->kind, "demo") != 0)
    status = esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: field \"kind\": expected \"demo\" or \"full\", found \"%.100s\"",
                            path, m->kind);
  return status;
}

static EspStatus
read_numbers (const json_t *root, const char *path, EspManifest *m, EspError *error)
{
  int64_t t5_tokens = 0, steps = 0;
  EspStatus status;

  status = esp_json_get_int (root, path, "t5_tokens", false, 1, 4096, DEFAULT_T5_TOKENS, &t5_tokens,
                             error);
  if (status == ESP_OK)
    status = esp_json_get_int (root, path, "working_pixels", false, 256, 67108864, 0,
                               &m->working_pixels, error);
  if (status == ESP_OK)
    status = esp_json_get_int (root, path, "default_steps", false, 1, 1000, DEFAULT_STEPS, &steps,
                               error);
  if (status == ESP_OK)
    status = esp_json_get_double (root, path, "default_guidance", false, 0, 100, DEFAULT_GUIDANCE,
                                  &m->default_guidance, error);
  m->t5_tokens = (int) t5_tokens;
  m->default_steps = (int) steps;
  return status;
}

static EspStatus
read_instructions (const json_t *root, const char *path, EspManifest *m, EspError *error)
{
  const json_t *field = json_object_get (root, "instructions");
  bool given = field != NULL && !json_is_null (field);
  size_t count = json_array_size (field);

  if ((given && !json_is_array (field)) || count > INSTRUCTIONS_MAX)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: field \"instructions\": expected an array of at most %d strings",
                          path, INSTRUCTIONS_MAX);
  m->instructions = calloc (count + 1, sizeof (char *));
  if (m->instructions == NULL)
    return no_memory (path, error);
  for (size_t i = 0; i < count; i++)
    {
      const char *text = json_string_value (json_array_get (field, i));

      if (text == NULL || text[0] == '\0')
        return esp_error_set (error, ESP_ERROR_FORMAT,
                              "%s: field \"instructions\": entry %zu is no string or empty", path,
                              i + 1);
      m->instructions[i] = strdup (text);
      if (m->instructions[i] == NULL)
        return no_memory (path, error);
    }
  return ESP_OK;
}

const char *
esp_part_id (int part)
{
  static const char *const ids[ESP_PART_COUNT]
      = { "transformer", "clip", "t5", "vae", "tokenizer", "tokenizer_2" };

  return ids[part];
}

static int
find_part (const char *id)
{
  for (int i = 0; i < ESP_PART_COUNT; i++)
    if (strcmp (id, esp_part_id (i)) == 0)
      return i;
  return -1;
}

static EspStatus
read_components (const json_t *root, const char *path, const char *folder, EspManifest *m,
                 EspError *error)
{
  json_t *field = json_object_get (root, "components"), *value;
  const char *key;

  if (field == NULL || json_is_null (field))
    return ESP_OK;
  if (!json_is_object (field))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: field \"components\": expected an object of paths", path);
  json_object_foreach (field, key, value)
  {
    const char *place = json_string_value (value);
    int part = find_part (key);

    if (part < 0)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: field \"components\": unknown part \"%.80s\"; transformer, clip, "
                            "t5, vae, tokenizer and tokenizer_2 are known",
                            path, key);
    if (place == NULL || place[0] == '\0' || strlen (place) != json_string_length (value))
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: field \"components\": \"%s\" is no path of a file or folder", path,
                            key);
    m->part[part] = place[0] == '/' ? strdup (place) : esp_path_join (folder, place);
    if (m->part[part] == NULL)
      return no_memory (path, error);
  }
  return ESP_OK;
}

/* `root` is NULL where there is no manifest: then every field takes its fallback. `fallback_id` is
 * taken over. */
static EspStatus
read_fields (const json_t *root, const char *path, const char *folder, char *fallback_id,
             EspManifest *m, EspError *error)
{
  EspStatus status;

  if (fallback_id == NULL)
    return no_memory (path, error);
  status = read_names (root, path, fallback_id, m, error);
  if (status == ESP_OK)
    status = read_numbers (root, path, m, error);
  if (status == ESP_OK)
    status = read_instructions (root, path, m, error);
  if (status == ESP_OK)
    status = read_components (root, path, folder, m, error);
  free (fallback_id);
  return status;
}

EspStatus
esp_manifest_read (const char *model_folder, EspManifest *m, EspError *error)
{
  struct stat about;
  char *path;
  json_t *root = NULL;
  EspStatus status = ESP_OK;

  memset (m, 0, sizeof *m);
  if (stat (model_folder, &about) != 0)
    return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be opened: %m", model_folder);
  if (!S_ISDIR (about.st_mode))
    return esp_error_set (error, ESP_ERROR_FILE, "%s: expected a model folder, found a file",
                          model_folder);
  path = esp_path_join (model_folder, MANIFEST_NAME);
  if (path == NULL)
    return no_memory (model_folder, error);

  if (access (path, F_OK) == 0 || errno != ENOENT)
    status = esp_json_read_object (path, MANIFEST_MAX_BYTES, &root, error);
  if (status == ESP_OK)
    status = read_fields (root, path, model_folder, folder_name (model_folder), m, error);
  json_decref (root);
  free (path);
  if (status != ESP_OK)
    esp_manifest_clear (m);
  return status;
}

EspStatus
esp_manifest_for_file (const char *path, EspManifest *m, EspError *error)
{
  const char *slash = strrchr (path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  const char *dot = strrchr (name, '.');
  size_t length = dot != NULL && dot != name ? (size_t) (dot - name) : strlen (name);
  EspStatus status;

  memset (m, 0, sizeof *m);
  status = read_fields (NULL, path, "", strndup (name, length), m, error);
  if (status != ESP_OK)
    esp_manifest_clear (m);
  return status;
}

void
esp_manifest_clear (EspManifest *m)
{
  free (m->id);
  free (m->name);
  free (m->kind);
  free (m->licence);
  free (m->source);
  for (char **text = m->instructions; text != NULL && *text != NULL; text++)
    free (*text);
  free (m->instructions);
  for (int i = 0; i < ESP_PART_COUNT; i++)
    free (m->part[i]);
  memset (m, 0, sizeof *m);
}
