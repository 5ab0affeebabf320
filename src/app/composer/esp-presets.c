/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-presets.c: settings of turns saved by name. */
#include "esp-presets.h"

#include "esp-json-member.h"

#define KEY "presets"

struct _EspPreset
{
  GObject parent_instance;

  char *name;
  char *backend;
  char *model;
  JsonObject *parameters;
  int keep; /* -1: not said */
};

G_DEFINE_FINAL_TYPE (EspPreset, esp_preset, G_TYPE_OBJECT)

static void
esp_preset_finalize (GObject *object)
{
  EspPreset *self = ESP_PRESET (object);

  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->backend, g_free);
  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->parameters, json_object_unref);

  G_OBJECT_CLASS (esp_preset_parent_class)->finalize (object);
}

static void
esp_preset_class_init (EspPresetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_preset_finalize;
}

static void
esp_preset_init (EspPreset *self)
{
}

static JsonObject *
copy_object (JsonObject *object)
{
  JsonObject *copy = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *item = members; item != NULL; item = item->next)
    json_object_set_member (copy, item->data,
                            json_node_copy (json_object_get_member (object, item->data)));

  return copy;
}

static EspPreset *
preset_new (const char *name, const char *backend, const char *model, JsonObject *parameters,
            int keep)
{
  EspPreset *self = g_object_new (ESP_TYPE_PRESET, NULL);

  self->name = g_strdup (name);
  self->backend = g_strdup (backend);
  self->model = g_strdup (model);
  self->parameters = parameters != NULL ? copy_object (parameters) : json_object_new ();
  self->keep = keep;

  return self;
}

const char *
esp_preset_get_name (EspPreset *self)
{
  g_return_val_if_fail (ESP_IS_PRESET (self), NULL);

  return self->name;
}

const char *
esp_preset_get_backend (EspPreset *self)
{
  g_return_val_if_fail (ESP_IS_PRESET (self), NULL);

  return self->backend;
}

const char *
esp_preset_get_model (EspPreset *self)
{
  g_return_val_if_fail (ESP_IS_PRESET (self), NULL);

  return self->model;
}

JsonObject *
esp_preset_get_parameters (EspPreset *self)
{
  g_return_val_if_fail (ESP_IS_PRESET (self), NULL);

  return self->parameters;
}

gboolean
esp_preset_get_keep (EspPreset *self, gboolean *keep)
{
  g_return_val_if_fail (ESP_IS_PRESET (self), FALSE);
  g_return_val_if_fail (keep != NULL, FALSE);

  *keep = self->keep > 0;
  return self->keep >= 0;
}

/* --- The list --------------------------------------------------------------------------------- */

struct _EspPresets
{
  GObject parent_instance;

  GSettings *settings;
  GListStore *store;
  char *text; /* what the settings hold, as far as we know */
};

static GType
get_item_type (GListModel *model)
{
  return ESP_TYPE_PRESET;
}

static guint
get_n_items (GListModel *model)
{
  return g_list_model_get_n_items (G_LIST_MODEL (ESP_PRESETS (model)->store));
}

static gpointer
get_item (GListModel *model, guint position)
{
  return g_list_model_get_item (G_LIST_MODEL (ESP_PRESETS (model)->store), position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspPresets, esp_presets, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static int
compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return g_utf8_collate (((const EspPreset *) a)->name, ((const EspPreset *) b)->name);
}

static int
read_keep (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "keep_untouched");

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_BOOLEAN
             ? json_node_get_boolean (node)
             : -1;
}

/* What the settings hold may have been edited by hand: whatever is no preset is left out. */
static void
load (EspPresets *self)
{
  g_autoptr (JsonNode) root = json_from_string (self->text, NULL);
  g_autoptr (GPtrArray) presets = g_ptr_array_new_with_free_func (g_object_unref);
  JsonArray *array;

  if (root != NULL && JSON_NODE_HOLDS_ARRAY (root))
    {
      array = json_node_get_array (root);
      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          JsonNode *node = json_array_get_element (array, i);
          JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
          JsonNode *parameters;

          if (object == NULL || esp_json_get_string (object, "name") == NULL)
            continue;
          parameters = json_object_get_member (object, "parameters");
          g_ptr_array_add (presets,
                           preset_new (esp_json_get_string (object, "name"),
                                       esp_json_get_string (object, "backend"),
                                       esp_json_get_string (object, "model"),
                                       parameters != NULL && JSON_NODE_HOLDS_OBJECT (parameters)
                                           ? json_node_get_object (parameters)
                                           : NULL,
                                       read_keep (object)));
        }
    }

  g_list_store_splice (self->store, 0, g_list_model_get_n_items (G_LIST_MODEL (self->store)),
                       presets->pdata, presets->len);
  g_list_store_sort (self->store, compare, NULL);
}

static void
write_back (EspPresets *self)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < get_n_items (G_LIST_MODEL (self)); i++)
    {
      g_autoptr (EspPreset) preset = get_item (G_LIST_MODEL (self), i);
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "name", preset->name);
      if (preset->backend != NULL)
        json_object_set_string_member (object, "backend", preset->backend);
      if (preset->model != NULL)
        json_object_set_string_member (object, "model", preset->model);
      json_object_set_object_member (object, "parameters", copy_object (preset->parameters));
      if (preset->keep >= 0)
        json_object_set_boolean_member (object, "keep_untouched", preset->keep);
      json_array_add_object_element (array, object);
    }
  json_node_take_array (root, array);
  g_free (self->text);
  self->text = json_to_string (root, FALSE);
  g_settings_set_string (self->settings, KEY, self->text);
}

/* What we wrote ourselves may come back late, and must not take the presets away from those who
 * are just renaming one. */
static void
on_settings_changed (EspPresets *self)
{
  g_autofree char *text = g_settings_get_string (self->settings, KEY);

  if (g_str_equal (text, self->text))
    return;
  g_free (self->text);
  self->text = g_steal_pointer (&text);
  load (self);
}

static void
on_items_changed (EspPresets *self, guint position, guint removed, guint added)
{
  g_list_model_items_changed (G_LIST_MODEL (self), position, removed, added);
}

static void
esp_presets_dispose (GObject *object)
{
  EspPresets *self = ESP_PRESETS (object);

  g_clear_object (&self->settings);
  g_clear_object (&self->store);

  G_OBJECT_CLASS (esp_presets_parent_class)->dispose (object);
}

static void
esp_presets_finalize (GObject *object)
{
  g_free (ESP_PRESETS (object)->text);

  G_OBJECT_CLASS (esp_presets_parent_class)->finalize (object);
}

static void
esp_presets_class_init (EspPresetsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_presets_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_presets_finalize;
}

static void
esp_presets_init (EspPresets *self)
{
  self->store = g_list_store_new (ESP_TYPE_PRESET);
  g_signal_connect_object (self->store, "items-changed", G_CALLBACK (on_items_changed), self,
                           G_CONNECT_SWAPPED);
}

EspPresets *
esp_presets_new (GSettings *settings)
{
  EspPresets *self;

  g_return_val_if_fail (G_IS_SETTINGS (settings), NULL);

  self = g_object_new (ESP_TYPE_PRESETS, NULL);
  self->settings = g_object_ref (settings);
  g_signal_connect_object (settings, "changed::" KEY, G_CALLBACK (on_settings_changed), self,
                           G_CONNECT_SWAPPED);
  self->text = g_settings_get_string (settings, KEY);
  load (self);

  return self;
}

static guint
find_position (EspPresets *self, const char *name)
{
  for (guint i = 0; i < get_n_items (G_LIST_MODEL (self)); i++)
    {
      g_autoptr (EspPreset) preset = get_item (G_LIST_MODEL (self), i);

      if (g_str_equal (preset->name, name))
        return i;
    }

  return G_MAXUINT;
}

EspPreset *
esp_presets_find (EspPresets *self, const char *name)
{
  g_autoptr (EspPreset) preset = NULL;
  guint position;

  g_return_val_if_fail (ESP_IS_PRESETS (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  position = find_position (self, name);
  if (position != G_MAXUINT)
    preset = get_item (G_LIST_MODEL (self), position);

  return preset;
}

void
esp_presets_restore (EspPresets *self, EspPreset *preset)
{
  guint position;

  g_return_if_fail (ESP_IS_PRESETS (self));
  g_return_if_fail (ESP_IS_PRESET (preset));

  position = find_position (self, preset->name);
  if (position != G_MAXUINT)
    g_list_store_remove (self->store, position);
  g_list_store_insert_sorted (self->store, preset, compare, NULL);
  write_back (self);
}

void
esp_presets_save (EspPresets *self, const char *name, const char *backend, const char *model,
                  JsonObject *parameters, gboolean keep)
{
  g_autoptr (EspPreset) preset = NULL;

  g_return_if_fail (ESP_IS_PRESETS (self));
  g_return_if_fail (name != NULL && name[0] != '\0');

  preset = preset_new (name, backend, model, parameters, keep != FALSE);
  esp_presets_restore (self, preset);
}

gboolean
esp_presets_rename (EspPresets *self, EspPreset *preset, const char *name)
{
  g_autoptr (EspPreset) renamed = NULL;
  guint position;

  g_return_val_if_fail (ESP_IS_PRESETS (self), FALSE);
  g_return_val_if_fail (ESP_IS_PRESET (preset), FALSE);
  g_return_val_if_fail (name != NULL && name[0] != '\0', FALSE);

  if (g_str_equal (preset->name, name))
    return TRUE;
  if (find_position (self, name) != G_MAXUINT
      || !g_list_store_find (self->store, preset, &position))
    return FALSE;

  renamed = preset_new (name, preset->backend, preset->model, preset->parameters, preset->keep);
  g_list_store_remove (self->store, position);
  g_list_store_insert_sorted (self->store, renamed, compare, NULL);
  write_back (self);

  return TRUE;
}

void
esp_presets_remove (EspPresets *self, EspPreset *preset)
{
  guint position;

  g_return_if_fail (ESP_IS_PRESETS (self));
  g_return_if_fail (ESP_IS_PRESET (preset));

  if (!g_list_store_find (self->store, preset, &position))
    return;

  g_list_store_remove (self->store, position);
  write_back (self);
}
