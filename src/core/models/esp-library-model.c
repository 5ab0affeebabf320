/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-library-model-private.h"

#include <glib/gstdio.h>

/* Deeper than any model's folder. */
#define MAX_DEPTH 12

struct _EspLibraryModel
{
  GObject parent_instance;

  char *folder, *id, *name, *licence, *source, *format, *problem;
  char **missing;
  char **elsewhere;
  guint64 size;
  gboolean is_demo, is_default, is_own;
};

G_DEFINE_FINAL_TYPE (EspLibraryModel, esp_library_model, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
esp_library_model_finalize (GObject *object)
{
  EspLibraryModel *self = ESP_LIBRARY_MODEL (object);

  g_free (self->folder);
  g_free (self->id);
  g_free (self->name);
  g_free (self->licence);
  g_free (self->source);
  g_free (self->format);
  g_free (self->problem);
  g_strfreev (self->missing);
  g_strfreev (self->elsewhere);

  G_OBJECT_CLASS (esp_library_model_parent_class)->finalize (object);
}

static void
esp_library_model_class_init (EspLibraryModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_library_model_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_library_model_init (EspLibraryModel *self)
{
  self->missing = g_new0 (char *, 1);
  self->elsewhere = g_new0 (char *, 1);
}

EspLibraryModel *
_esp_library_model_new (const char *folder)
{
  EspLibraryModel *self = g_object_new (ESP_TYPE_LIBRARY_MODEL, NULL);

  self->folder = g_strdup (folder);
  return self;
}

/* --- What is there ---------------------------------------------------------------------------- */

static gboolean
set_text (char **text, const char *value)
{
  if (g_strcmp0 (*text, value) == 0)
    return FALSE;

  g_free (*text);
  *text = g_strdup (value);
  return TRUE;
}

static gboolean
set_texts (char ***texts, char **value)
{
  if (g_strv_equal ((const char *const *) *texts, (const char *const *) value))
    return FALSE;

  g_strfreev (*texts);
  *texts = g_strdupv (value);
  return TRUE;
}

static gboolean
set_flag (gboolean *flag, gboolean value)
{
  gboolean changed = *flag != value;

  *flag = value;
  return changed;
}

void
_esp_library_model_update (EspLibraryModel *self, const EspInstalledModel *installed,
                           gboolean is_default)
{
  g_auto (GStrv) missing = esp_installed_model_find_missing (installed);
  g_auto (GStrv) elsewhere = esp_installed_model_list_elsewhere (installed);
  g_autofree char *problem = esp_installed_model_dup_problem (installed);
  gboolean changed = FALSE;

  changed |= set_text (&self->id, installed->id);
  changed |= set_text (&self->name, installed->name);
  changed |= set_text (&self->licence, installed->licence);
  changed |= set_text (&self->source, installed->source);
  if (installed->format != NULL)
    changed |= set_text (&self->format, installed->format);
  changed |= set_text (&self->problem, problem);
  changed |= set_texts (&self->missing, missing);
  changed |= set_texts (&self->elsewhere, elsewhere);
  changed |= set_flag (&self->is_demo, installed->is_demo);
  changed |= set_flag (&self->is_own, installed->is_user);
  changed |= set_flag (&self->is_default, is_default);
  if (changed)
    g_signal_emit (self, signals[CHANGED], 0);
}

void
_esp_library_model_set_size (EspLibraryModel *self, guint64 bytes)
{
  if (self->size == bytes)
    return;

  self->size = bytes;
  g_signal_emit (self, signals[CHANGED], 0);
}

void
_esp_library_model_set_format (EspLibraryModel *self, const char *format)
{
  if (set_text (&self->format, format))
    g_signal_emit (self, signals[CHANGED], 0);
}

char **
_esp_library_model_dup_places (EspLibraryModel *self)
{
  g_autoptr (GPtrArray) places = g_ptr_array_new ();

  g_ptr_array_add (places, g_strdup (self->folder));
  for (char **path = self->elsewhere; *path != NULL; path++)
    g_ptr_array_add (places, g_strdup (*path));
  g_ptr_array_add (places, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&places), FALSE);
}

const char *const *
_esp_library_model_get_elsewhere (EspLibraryModel *self)
{
  return (const char *const *) self->elsewhere;
}

/* --- Counting --------------------------------------------------------------------------------- */

static guint64
count_bytes (const char *path, guint depth, GHashTable *seen, GCancellable *cancellable)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  guint64 bytes = 0;
  GStatBuf info;

  if (depth > MAX_DEPTH || g_cancellable_is_cancelled (cancellable) || g_stat (path, &info) != 0)
    return 0;
  /* Links, and folders that lead in circles: each once. */
  if (!g_hash_table_add (seen, g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                (guint64) info.st_dev, (guint64) info.st_ino)))
    return 0;
  if (S_ISREG (info.st_mode))
    return (guint64) info.st_size;

  dir = S_ISDIR (info.st_mode) ? g_dir_open (path, 0, NULL) : NULL;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      bytes += count_bytes (child, depth + 1, seen, cancellable);
    }

  return bytes;
}

guint64
_esp_count_bytes (const char *const *paths, GCancellable *cancellable)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint64 bytes = 0;

  for (; *paths != NULL; paths++)
    bytes += count_bytes (*paths, 0, seen, cancellable);

  return bytes;
}

/* --- What it is asked ------------------------------------------------------------------------- */

const char *
esp_library_model_get_id (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->id;
}

const char *
esp_library_model_get_name (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->name;
}

const char *
esp_library_model_get_folder (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->folder;
}

const char *
esp_library_model_get_licence (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->licence;
}

const char *
esp_library_model_get_source (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->source;
}

const char *
esp_library_model_get_format (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->format;
}

guint64
esp_library_model_get_size (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), 0);

  return self->size;
}

guint64
esp_library_model_measure (EspLibraryModel *self)
{
  g_auto (GStrv) places = NULL;

  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), 0);

  places = _esp_library_model_dup_places (self);
  return _esp_count_bytes ((const char *const *) places, NULL);
}

gboolean
esp_library_model_is_demo (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->is_demo;
}

gboolean
esp_library_model_is_default (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->is_default;
}

gboolean
esp_library_model_is_own (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->is_own;
}

gboolean
esp_library_model_is_elsewhere (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), FALSE);

  return self->elsewhere[0] != NULL;
}

const char *
esp_library_model_get_place (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->elsewhere[0] != NULL ? self->elsewhere[0] : self->folder;
}

const char *
esp_library_model_get_problem (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return self->problem;
}

const char *const *
esp_library_model_get_missing (EspLibraryModel *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (self), NULL);

  return (const char *const *) self->missing;
}
