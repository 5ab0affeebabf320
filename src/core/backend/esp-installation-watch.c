/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-core"

#include "esp-installation-watch.h"

#include "esp-installation.h"
#include "esp-model-parts.h"

/* A download, or a copy of a model, changes many files. */
#define SETTLE_MILLISECONDS 200

struct _EspInstallationWatch
{
  GObject parent_instance;

  GHashTable *monitors; /* path → GFileMonitor, or NULL where nothing can be watched */
  GMainContext *context;
  GSource *settling;
};

G_DEFINE_FINAL_TYPE (EspInstallationWatch, esp_installation_watch, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

void
esp_installation_watch_settle (EspInstallationWatch *self)
{
  g_return_if_fail (ESP_IS_INSTALLATION_WATCH (self));

  if (self->settling != NULL)
    g_source_destroy (self->settling);
  g_clear_pointer (&self->settling, g_source_unref);
}

static gboolean
on_settled (gpointer data)
{
  EspInstallationWatch *self = data;

  esp_installation_watch_settle (self);
  g_signal_emit (self, signals[CHANGED], 0);
  return G_SOURCE_REMOVE;
}

static void
on_event (EspInstallationWatch *self)
{
  esp_installation_watch_settle (self);
  self->settling = g_timeout_source_new (SETTLE_MILLISECONDS);
  g_source_set_callback (self->settling, on_settled, self, NULL);
  g_source_attach (self->settling, self->context);
}

static void
monitor_free (gpointer monitor)
{
  if (monitor == NULL)
    return;
  g_file_monitor_cancel (monitor);
  g_object_unref (monitor);
}

/* Takes `monitor` over. */
static void
take_monitor (EspInstallationWatch *self, const char *path, GFileMonitor *monitor)
{
  /* Where nothing can be watched, changes are seen at the next start. */
  if (monitor != NULL)
    g_signal_connect_object (monitor, "changed", G_CALLBACK (on_event), self, G_CONNECT_SWAPPED);
  g_hash_table_insert (self->monitors, g_strdup (path), monitor);
}

/* A folder that may still be made, and what is in it. */
static void
watch_folder (EspInstallationWatch *self, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);

  take_monitor (self, path,
                g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL));
}

/* A file, or a folder with what is in it. */
static void
watch (EspInstallationWatch *self, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);

  if (!g_hash_table_contains (self->monitors, path))
    take_monitor (self, path, g_file_monitor (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL));
}

/* A place elsewhere, and that the folders above it keep their names: nobody tells of a file whose
 * folder is moved. */
static void
watch_place (EspInstallationWatch *self, const char *path)
{
  g_autofree char *above = g_path_get_dirname (path);

  watch (self, path);
  while (!g_str_equal (above, "/") && !g_str_equal (above, ".")
         && !g_hash_table_contains (self->monitors, above))
    {
      g_autoptr (GFile) file = g_file_new_for_path (above);
      g_autofree char *below = above;

      /* As a file: what comes and goes in it does not count. */
      take_monitor (self, above,
                    g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL));
      above = g_path_get_dirname (below);
    }
}

/* A model's folder may be a link onto another disk: then nothing happens among the models when that
 * comes and goes. */
static void
watch_links (EspInstallationWatch *self)
{
  g_autofree char *models = esp_installation_get_user_models ();
  g_autoptr (GDir) dir = g_dir_open (models, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (models, name, NULL);
      g_autofree char *target = name[0] != '.' ? g_file_read_link (path, NULL) : NULL;
      g_autofree char *place = target != NULL ? g_canonicalize_filename (target, models) : NULL;

      if (place != NULL)
        watch_place (self, place);
    }
}

void
esp_installation_watch_take (EspInstallationWatch *self, GPtrArray *models)
{
  g_return_if_fail (ESP_IS_INSTALLATION_WATCH (self));
  g_return_if_fail (models != NULL);

  watch_links (self);
  for (guint i = 0; i < models->len; i++)
    {
      g_auto (GStrv) elsewhere = esp_installed_model_list_elsewhere (models->pdata[i]);

      for (char **path = elsewhere; *path != NULL; path++)
        watch_place (self, *path);
    }
}

static void
esp_installation_watch_dispose (GObject *object)
{
  EspInstallationWatch *self = ESP_INSTALLATION_WATCH (object);

  esp_installation_watch_settle (self);
  g_hash_table_remove_all (self->monitors);

  G_OBJECT_CLASS (esp_installation_watch_parent_class)->dispose (object);
}

static void
esp_installation_watch_finalize (GObject *object)
{
  EspInstallationWatch *self = ESP_INSTALLATION_WATCH (object);

  g_hash_table_unref (self->monitors);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (esp_installation_watch_parent_class)->finalize (object);
}

static void
esp_installation_watch_class_init (EspInstallationWatchClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_installation_watch_dispose;
  object_class->finalize = esp_installation_watch_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_installation_watch_init (EspInstallationWatch *self)
{
  self->monitors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, monitor_free);
  self->context = g_main_context_ref_thread_default ();
}

EspInstallationWatch *
esp_installation_watch_new (void)
{
  EspInstallationWatch *self = g_object_new (ESP_TYPE_INSTALLATION_WATCH, NULL);
  g_autofree char *user = esp_installation_get_user_models ();
  g_autofree char *data = esp_installation_find_data ();
  g_autofree char *shipped = g_build_filename (data, "models", NULL);
  g_autofree char *chosen = esp_installation_get_default_file ();

  watch_folder (self, user);
  watch_folder (self, shipped);
  watch (self, chosen);

  return self;
}
