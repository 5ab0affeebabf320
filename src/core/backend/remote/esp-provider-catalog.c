/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-catalog.c: the descriptors there are: those shipped, then the person's own.
 *
 * The shipped ones are read once. The own folder is read anew when something in it changes; while
 * it is missing, the nearest folder above it that there is is watched, so that nothing has to be
 * made in advance. What did not change stays the same object.
 */
#include "esp-provider-catalog.h"

#include <string.h>

#include "esp-installation.h"
#include "esp-json-read.h"

/* Editors write in several steps; a person does not notice this. */
#define SETTLE_MS 80
/* A folder with more is not a folder of descriptors. */
#define MAX_FILES 500

struct _EspProviderCatalog
{
  GObject parent_instance;

  char *own_folder;
  GPtrArray *shipped;   /* of EspProvider, by file name */
  GPtrArray *own;       /* the same */
  GPtrArray *providers; /* both, as the list has them */

  GFileMonitor *monitor;
  GFile *watched; /* the own folder or one above it */
  guint reload;
};

static GType
catalog_get_item_type (GListModel *model)
{
  return ESP_TYPE_PROVIDER;
}

static guint
catalog_get_n_items (GListModel *model)
{
  return ESP_PROVIDER_CATALOG (model)->providers->len;
}

static gpointer
catalog_get_item (GListModel *model, guint position)
{
  EspProviderCatalog *self = ESP_PROVIDER_CATALOG (model);

  return position < self->providers->len
             ? g_object_ref (g_ptr_array_index (self->providers, position))
             : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = catalog_get_item_type;
  iface->get_n_items = catalog_get_n_items;
  iface->get_item = catalog_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspProviderCatalog, esp_provider_catalog, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void watch (EspProviderCatalog *self);

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (element-type utf8) the descriptors' file names in a folder, sorted. */
static GPtrArray *
list_files (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL && names->len < MAX_FILES)
    if (g_str_has_suffix (name, ".json") && name[0] != '.' && !g_str_equal (name, "schema.json"))
      g_ptr_array_add (names, g_strdup (name));

  g_ptr_array_sort (names, compare_texts);
  return names;
}

static EspProvider *
find_by_path (GPtrArray *providers, const char *path)
{
  for (guint i = 0; providers != NULL && i < providers->len; i++)
    {
      EspProvider *provider = g_ptr_array_index (providers, i);

      if (g_strcmp0 (esp_provider_get_path (provider), path) == 0)
        return provider;
    }

  return NULL;
}

/* The same object if nothing about it changed. */
static EspProvider *
keep_or_take (EspProvider *before, EspProvider *now)
{
  if (before == NULL || g_strcmp0 (esp_provider_get_digest (before), esp_provider_get_digest (now))
      || g_strcmp0 (esp_provider_get_problem (before), esp_provider_get_problem (now)))
    return now;

  g_object_unref (now);
  return g_object_ref (before);
}

/* One that says that its id is another's. */
static EspProvider *
new_twin (EspProvider *provider, EspProvider *first)
{
  const char *text = esp_provider_get_text (provider);
  g_autoptr (EspJsonLines) lines = esp_json_lines_new (text, strlen (text), NULL, NULL);
  g_autofree char *name = g_filename_display_basename (esp_provider_get_path (provider));
  g_autofree char *other = g_filename_display_basename (esp_provider_get_path (first));
  g_autofree char *problem
      = g_strdup_printf ("%s:%u: id: “%s” is the id of %s, too", name,
                         lines != NULL ? esp_json_lines_find (lines, "/id") : 1,
                         esp_provider_get_id (provider), other);

  return esp_provider_new_broken (esp_provider_get_path (provider), problem);
}

static EspProvider *
find_by_id (GPtrArray *providers, const char *id)
{
  for (guint i = 0; i < providers->len; i++)
    {
      EspProvider *provider = g_ptr_array_index (providers, i);

      if (esp_provider_get_problem (provider) == NULL
          && g_strcmp0 (esp_provider_get_id (provider), id) == 0)
        return provider;
    }

  return NULL;
}

/* `before`: what the folder had, or NULL. */
static GPtrArray *
read_folder (const char *folder, gboolean own, GPtrArray *before)
{
  GPtrArray *providers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) names = list_files (folder);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);
      g_autoptr (GError) error = NULL;
      EspProvider *provider = esp_provider_new_from_file (path, own, &error);
      EspProvider *twin;

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        continue; /* gone in the meantime */
      if (provider == NULL && !own)
        g_warning ("%s", error->message);
      if (provider == NULL)
        provider = esp_provider_new_broken (path, error->message);

      twin = esp_provider_get_problem (provider) == NULL
                 ? find_by_id (providers, esp_provider_get_id (provider))
                 : NULL;
      if (twin != NULL)
        {
          EspProvider *broken = new_twin (provider, twin);

          g_object_unref (provider);
          provider = broken;
        }

      g_ptr_array_add (providers, keep_or_take (find_by_path (before, path), provider));
    }

  return providers;
}

static int
compare_providers (gconstpointer a, gconstpointer b)
{
  EspProvider *left = *(EspProvider *const *) a;
  EspProvider *right = *(EspProvider *const *) b;
  int order = g_utf8_collate (esp_provider_get_name (left), esp_provider_get_name (right));

  if (order == 0)
    order = g_strcmp0 (esp_provider_get_id (left), esp_provider_get_id (right));

  return order != 0 ? order
                    : g_strcmp0 (esp_provider_get_path (left), esp_provider_get_path (right));
}

/* Makes the list of what was read, and tells only of what is different. */
static void
update_list (EspProviderCatalog *self)
{
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->providers);
  guint front = 0, back = 0;

  self->providers = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->shipped->len; i++)
    {
      EspProvider *provider = g_ptr_array_index (self->shipped, i);

      if (find_by_id (self->own, esp_provider_get_id (provider)) == NULL)
        g_ptr_array_add (self->providers, g_object_ref (provider));
    }
  for (guint i = 0; i < self->own->len; i++)
    g_ptr_array_add (self->providers, g_object_ref (g_ptr_array_index (self->own, i)));
  g_ptr_array_sort (self->providers, compare_providers);

  if (old == NULL)
    return;

  while (front < MIN (old->len, self->providers->len)
         && g_ptr_array_index (old, front) == g_ptr_array_index (self->providers, front))
    front++;
  while (back < MIN (old->len, self->providers->len) - front
         && g_ptr_array_index (old, old->len - 1 - back)
                == g_ptr_array_index (self->providers, self->providers->len - 1 - back))
    back++;

  if (old->len - front - back > 0 || self->providers->len - front - back > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), front, old->len - front - back,
                                self->providers->len - front - back);
}

static gboolean
on_reload (gpointer data)
{
  EspProviderCatalog *self = ESP_PROVIDER_CATALOG (data);
  GPtrArray *own;

  self->reload = 0;
  watch (self);

  own = read_folder (self->own_folder, TRUE, self->own);
  g_ptr_array_unref (self->own);
  self->own = own;
  update_list (self);

  return G_SOURCE_REMOVE;
}

static void
on_folder_changed (EspProviderCatalog *self, GFile *file, GFile *other, GFileMonitorEvent event)
{
  /* A folder that went takes its monitor along. */
  if (event == G_FILE_MONITOR_EVENT_DELETED && g_file_equal (file, self->watched))
    g_clear_object (&self->watched);

  if (self->reload == 0)
    self->reload = g_timeout_add (SETTLE_MS, on_reload, self);
}

/* The own folder, or the nearest above it that there is. */
static GFile *
find_watchable (EspProviderCatalog *self)
{
  g_autoptr (GFile) folder = g_file_new_for_path (self->own_folder);

  while (g_file_query_file_type (folder, G_FILE_QUERY_INFO_NONE, NULL) != G_FILE_TYPE_DIRECTORY)
    {
      GFile *parent = g_file_get_parent (folder);

      if (parent == NULL)
        break;
      g_object_unref (folder);
      folder = parent;
    }

  return g_steal_pointer (&folder);
}

/* Watches where the next change has to show. A folder may be made between looking and watching,
 * therefore twice. */
static void
watch (EspProviderCatalog *self)
{
  for (int i = 0; i < 20; i++)
    {
      g_autoptr (GFile) folder = find_watchable (self);
      g_autoptr (GError) error = NULL;

      if (self->watched != NULL && g_file_equal (folder, self->watched))
        return;

      if (self->monitor != NULL)
        {
          g_signal_handlers_disconnect_by_data (self->monitor, self);
          g_file_monitor_cancel (self->monitor);
          g_clear_object (&self->monitor);
        }

      g_set_object (&self->watched, folder);
      self->monitor = g_file_monitor_directory (folder, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);
      if (self->monitor == NULL)
        {
          g_info ("%s", error->message);
          return;
        }
      g_signal_connect_swapped (self->monitor, "changed", G_CALLBACK (on_folder_changed), self);
    }
}

static void
esp_provider_catalog_dispose (GObject *object)
{
  EspProviderCatalog *self = ESP_PROVIDER_CATALOG (object);

  g_clear_handle_id (&self->reload, g_source_remove);
  if (self->monitor != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->monitor, self);
      g_file_monitor_cancel (self->monitor);
    }
  g_clear_object (&self->monitor);
  g_clear_object (&self->watched);

  G_OBJECT_CLASS (esp_provider_catalog_parent_class)->dispose (object);
}

static void
esp_provider_catalog_finalize (GObject *object)
{
  EspProviderCatalog *self = ESP_PROVIDER_CATALOG (object);

  g_free (self->own_folder);
  g_ptr_array_unref (self->shipped);
  g_ptr_array_unref (self->own);
  g_ptr_array_unref (self->providers);

  G_OBJECT_CLASS (esp_provider_catalog_parent_class)->finalize (object);
}

static void
esp_provider_catalog_class_init (EspProviderCatalogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_provider_catalog_dispose;
  object_class->finalize = esp_provider_catalog_finalize;
}

static void
esp_provider_catalog_init (EspProviderCatalog *self)
{
}

EspProviderCatalog *
esp_provider_catalog_new (const char *shipped, const char *own)
{
  EspProviderCatalog *self = g_object_new (ESP_TYPE_PROVIDER_CATALOG, NULL);
  g_autofree char *data = NULL;
  g_autofree char *folder = NULL;

  if (shipped == NULL)
    {
      data = esp_installation_find_data ();
      folder = g_build_filename (data, "providers", NULL);
      shipped = folder;
    }

  self->own_folder
      = own != NULL ? g_strdup (own)
                    : g_build_filename (g_get_user_config_dir (), "espalier", "providers", NULL);
  /* First the watch, then the look: nothing falls in between. */
  watch (self);
  self->shipped = read_folder (shipped, FALSE, NULL);
  self->own = read_folder (self->own_folder, TRUE, NULL);
  update_list (self);

  return self;
}

EspProvider *
esp_provider_catalog_find (EspProviderCatalog *self, const char *id)
{
  g_return_val_if_fail (ESP_IS_PROVIDER_CATALOG (self) && id != NULL, NULL);

  for (guint i = 0; i < self->providers->len; i++)
    {
      EspProvider *provider = g_ptr_array_index (self->providers, i);

      if (esp_provider_get_problem (provider) == NULL
          && g_str_equal (esp_provider_get_id (provider), id))
        return provider;
    }

  /* Rather the one with a problem than none: it says what is wrong. */
  for (guint i = 0; i < self->providers->len; i++)
    {
      EspProvider *provider = g_ptr_array_index (self->providers, i);

      if (g_strcmp0 (esp_provider_get_id (provider), id) == 0)
        return provider;
    }

  return NULL;
}

const char *
esp_provider_catalog_get_own_folder (EspProviderCatalog *self)
{
  g_return_val_if_fail (ESP_IS_PROVIDER_CATALOG (self), NULL);

  return self->own_folder;
}
