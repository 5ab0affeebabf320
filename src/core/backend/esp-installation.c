/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-core"

#include "esp-installation.h"

#include <json-glib/json-glib.h>

/* The manifest and model_index.json are some kilobytes; a file above this is not read. */
#define MANIFEST_MAX_BYTES (1 << 20)

/* From the folder of a program (bin, src/cli, src/app) in a build folder. */
#define BUILD_ENGINE "../engine/worker/espalier-engine"

/* In a build folder directly below the source tree. */
#define BUILD_DATA "../../../data"

static char *
program_folder (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  return program != NULL ? g_path_get_dirname (program) : NULL;
}

static gboolean
is_built_here (const char *folder)
{
  g_autofree char *engine = g_build_filename (folder, BUILD_ENGINE, NULL);

  return g_file_test (engine, G_FILE_TEST_IS_EXECUTABLE);
}

/* `absolute`, an installed path below the prefix, as seen from a program in `folder` = PREFIX/bin
 * of an installation that may have been moved. NULL if it is not there. */
static char *
find_moved (const char *folder, const char *absolute)
{
  g_autofree char *prefix = g_path_get_dirname (folder);
  g_autofree char *path = NULL;

  if (!g_str_has_prefix (absolute, ESP_PREFIX "/"))
    return NULL;

  path = g_build_filename (prefix, absolute + strlen (ESP_PREFIX), NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}

char *
esp_installation_find_engine (void)
{
  const char *named = g_getenv ("ESPALIER_ENGINE");
  g_autofree char *folder = program_folder ();
  char *moved;

  if (named != NULL && *named != '\0')
    return g_strdup (named);

  if (folder != NULL && is_built_here (folder))
    return g_build_filename (folder, BUILD_ENGINE, NULL);

  moved = folder != NULL ? find_moved (folder, ESP_LIBEXEC_DIR "/espalier-engine") : NULL;
  return moved != NULL ? moved : g_strdup (ESP_LIBEXEC_DIR "/espalier-engine");
}

char *
esp_installation_find_data (void)
{
  const char *named = g_getenv ("ESPALIER_DATA_DIR");
  g_autofree char *folder = program_folder ();
  char *moved;

  if (named != NULL && *named != '\0')
    return g_strdup (named);

  if (folder != NULL && is_built_here (folder))
    {
      g_autofree char *data = g_build_filename (folder, BUILD_DATA, NULL);

      return g_canonicalize_filename (data, NULL);
    }

  moved = folder != NULL ? find_moved (folder, ESP_DATA_DIR) : NULL;
  return moved != NULL ? moved : g_strdup (ESP_DATA_DIR);
}

void
esp_installed_model_free (EspInstalledModel *model)
{
  if (model == NULL)
    return;

  g_free (model->path);
  g_free (model->id);
  g_free (model->name);
  g_strfreev (model->instructions);
  g_free (model);
}

/* The object in a JSON file, or NULL: whatever is wrong with it, the engine says when the model is
 * opened. */
static JsonObject *
read_object (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return NULL;

  file = g_mapped_file_new (path, FALSE, NULL);
  if (file == NULL || g_mapped_file_get_length (file) > MANIFEST_MAX_BYTES
      || !json_parser_load_from_data (parser, g_mapped_file_get_contents (file),
                                      (gssize) g_mapped_file_get_length (file), NULL))
    return NULL;

  root = json_parser_get_root (parser);
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root)
             ? json_object_ref (json_node_get_object (root))
             : NULL;
}

static char *
dup_string (JsonObject *object, const char *key, const char *fallback)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, key) : NULL;

  if (node != NULL && JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);

  return g_strdup (fallback);
}

static char **
dup_strings (JsonObject *object, const char *key)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new ();
  JsonNode *node = object != NULL ? json_object_get_member (object, key) : NULL;

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          JsonNode *item = json_array_get_element (array, i);

          if (JSON_NODE_HOLDS_VALUE (item) && json_node_get_value_type (item) == G_TYPE_STRING)
            g_ptr_array_add (strings, json_node_dup_string (item));
        }
    }

  g_ptr_array_add (strings, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&strings), FALSE);
}

EspInstalledModel *
esp_installed_model_new (const char *path)
{
  g_autofree char *index = NULL;
  g_autofree char *base = NULL;
  g_autofree char *kind = NULL;
  g_autoptr (JsonObject) manifest = NULL;
  EspInstalledModel *model;

  g_return_val_if_fail (path != NULL, NULL);

  index = g_build_filename (path, "model_index.json", NULL);
  if (!g_file_test (index, G_FILE_TEST_IS_REGULAR))
    return NULL;

  base = g_path_get_basename (path);
  manifest = read_object (path, "espalier.json");
  kind = dup_string (manifest, "kind", "full");

  model = g_new0 (EspInstalledModel, 1);
  model->path = g_strdup (path);
  model->id = dup_string (manifest, "id", base);
  model->name = dup_string (manifest, "name", model->id);
  model->is_demo = g_str_equal (kind, "demo");
  model->instructions = dup_strings (manifest, "instructions");

  return model;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

static void
add_models (GPtrArray *models, const char *folder, gboolean is_user)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);
      EspInstalledModel *model = esp_installed_model_new (path);

      if (model == NULL)
        continue;
      model->is_user = is_user;
      g_ptr_array_add (models, model);
    }
}

char *
esp_installation_get_user_models (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "models", NULL);
}

GPtrArray *
esp_installation_list_models (void)
{
  GPtrArray *models = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_installed_model_free);
  g_autofree char *user = esp_installation_get_user_models ();
  g_autofree char *data = esp_installation_find_data ();
  g_autofree char *shipped = g_build_filename (data, "models", NULL);

  add_models (models, user, TRUE);
  if (!g_str_equal (user, shipped))
    add_models (models, shipped, FALSE);

  return models;
}

char *
esp_installation_choose_model (GPtrArray *models)
{
  const char *named = g_getenv ("ESPALIER_MODEL");

  if (named != NULL && *named != '\0')
    return g_strdup (named);

  for (int demo = 0; demo < 2; demo++)
    {
      for (guint i = 0; i < models->len; i++)
        {
          const EspInstalledModel *model = g_ptr_array_index (models, i);

          if (model->is_demo == demo)
            return g_strdup (model->path);
        }
    }

  return NULL;
}

char *
esp_installation_find_default_model (void)
{
  g_autoptr (GPtrArray) models = esp_installation_list_models ();

  return esp_installation_choose_model (models);
}
