/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-core"

#include "esp-installation.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* The manifest and model_index.json are some kilobytes; a file above this is not read. */
#define MANIFEST_MAX_BYTES (1 << 20)

void
esp_installed_model_free (EspInstalledModel *model)
{
  if (model == NULL)
    return;

  g_free (model->path);
  g_free (model->id);
  g_free (model->name);
  g_strfreev (model->instructions);
  g_free (model->licence);
  g_free (model->source);
  g_free (model->format);
  g_clear_pointer (&model->components, g_hash_table_unref);
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
  /* Nothing is mapped of a file without bytes. */
  if (file == NULL || g_mapped_file_get_length (file) == 0
      || g_mapped_file_get_length (file) > MANIFEST_MAX_BYTES
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

/* The parts that the manifest names, or NULL. */
static GHashTable *
read_components (JsonObject *manifest, const char *folder)
{
  JsonNode *node = manifest != NULL ? json_object_get_member (manifest, "components") : NULL;
  GHashTable *components;
  JsonObjectIter iter;
  const char *name;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || json_object_get_size (json_node_get_object (node)) == 0)
    return NULL;

  components = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &node))
    {
      if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
        g_hash_table_insert (components, g_strdup (name),
                             g_canonicalize_filename (json_node_get_string (node), folder));
    }

  return components;
}

static gboolean
has_index (const char *path)
{
  g_autofree char *index = g_build_filename (path, "model_index.json", NULL);

  return g_file_test (index, G_FILE_TEST_IS_REGULAR);
}

gboolean
esp_installed_model_is_there (const char *path)
{
  g_autoptr (EspInstalledModel) model = NULL;

  g_return_val_if_fail (path != NULL, FALSE);

  if (has_index (path))
    return TRUE;
  model = esp_installed_model_new (path);
  return model != NULL;
}

EspInstalledModel *
esp_installed_model_new (const char *path)
{
  g_autoptr (GHashTable) components = NULL;
  g_autofree char *base = NULL;
  g_autofree char *kind = NULL;
  g_autoptr (JsonObject) manifest = NULL;
  EspInstalledModel *model;

  g_return_val_if_fail (path != NULL, NULL);

  manifest = read_object (path, "espalier.json");
  components = read_components (manifest, path);
  if (components == NULL && !has_index (path))
    return NULL;

  base = g_path_get_basename (path);
  kind = dup_string (manifest, "kind", "full");

  model = g_new0 (EspInstalledModel, 1);
  model->path = g_strdup (path);
  model->id = dup_string (manifest, "id", base);
  model->name = dup_string (manifest, "name", model->id);
  model->is_demo = g_str_equal (kind, "demo");
  model->instructions = dup_strings (manifest, "instructions");
  model->licence = dup_string (manifest, "licence", NULL);
  model->source = dup_string (manifest, "source", NULL);
  model->format = dup_string (manifest, "format", NULL);
  model->components = g_steal_pointer (&components);

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

  /* What is hidden is not finished: downloads. */
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.')
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
esp_installation_get_default_file (void)
{
  return g_build_filename (g_get_user_config_dir (), "espalier", "default-model", NULL);
}

char *
esp_installation_get_default_id (void)
{
  g_autofree char *path = esp_installation_get_default_file ();
  g_autofree char *text = NULL;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;

  g_strstrip (text);
  return *text != '\0' && g_utf8_validate (text, -1, NULL) ? g_steal_pointer (&text) : NULL;
}

gboolean
esp_installation_set_default_id (const char *id, GError **error)
{
  g_autofree char *path = esp_installation_get_default_file ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *line = NULL;

  if (id == NULL)
    {
      if (g_remove (path) == 0 || errno == ENOENT)
        return TRUE;
    }
  else if (g_mkdir_with_parents (folder, 0700) == 0)
    {
      line = g_strconcat (id, "\n", NULL);
      return g_file_set_contents (path, line, -1, error);
    }

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path,
               g_strerror (errno));
  return FALSE;
}

char *
esp_installation_choose_model (GPtrArray *models)
{
  const char *named = g_getenv ("ESPALIER_MODEL");
  g_autofree char *wanted = NULL;

  if (named != NULL && *named != '\0')
    return g_strdup (named);

  wanted = esp_installation_get_default_id ();
  for (guint i = 0; wanted != NULL && i < models->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (models, i);

      if (g_str_equal (model->id, wanted))
        return g_strdup (model->path);
    }

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
