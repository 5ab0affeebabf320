/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-library.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-installation-watch.h"
#include "esp-json-member.h"
#include "esp-library-model-private.h"
#include "esp-model-inspection.h"

struct _EspModelLibrary
{
  GObject parent_instance;

  GPtrArray *models; /* of EspLibraryModel */
  EspInstallationWatch *watch;
  GCancellable *counting; /* sizes */
};

static GType
library_get_item_type (GListModel *model)
{
  return ESP_TYPE_LIBRARY_MODEL;
}

static guint
library_get_n_items (GListModel *model)
{
  return ESP_MODEL_LIBRARY (model)->models->len;
}

static gpointer
library_get_item (GListModel *model, guint position)
{
  EspModelLibrary *self = ESP_MODEL_LIBRARY (model);

  return position < self->models->len ? g_object_ref (self->models->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = library_get_item_type;
  iface->get_n_items = library_get_n_items;
  iface->get_item = library_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspModelLibrary, esp_model_library, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))
G_DEFINE_QUARK (esp - model - library - error - quark, esp_model_library_error)

/* --- Sizes ------------------------------------------------------------------------------------ */

static void
count (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  guint64 *bytes = g_new (guint64, 1);

  *bytes = _esp_count_bytes (data, cancellable);
  g_task_return_pointer (task, bytes, g_free);
}

static void
on_counted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree guint64 *bytes = g_task_propagate_pointer (G_TASK (result), NULL);

  if (bytes != NULL)
    _esp_library_model_set_size (ESP_LIBRARY_MODEL (source), *bytes);
}

static void
count_later (EspModelLibrary *self, EspLibraryModel *model)
{
  g_autoptr (GTask) task = g_task_new (model, self->counting, on_counted, NULL);

  g_task_set_source_tag (task, count_later);
  g_task_set_task_data (task, _esp_library_model_dup_places (model), (GDestroyNotify) g_strfreev);
  g_task_run_in_thread (task, count);
}

/* --- Looking ---------------------------------------------------------------------------------- */

static EspLibraryModel *
find_folder (EspModelLibrary *self, const char *folder)
{
  for (guint i = 0; i < self->models->len; i++)
    if (g_str_equal (esp_library_model_get_folder (self->models->pdata[i]), folder))
      return self->models->pdata[i];

  return NULL;
}

static gboolean
is_same_list (GPtrArray *a, GPtrArray *b)
{
  return a->len == b->len
         && (a->len == 0 || memcmp (a->pdata, b->pdata, a->len * sizeof (gpointer)) == 0);
}

void
esp_model_library_refresh (EspModelLibrary *self)
{
  g_autoptr (GPtrArray) installed = NULL;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *chosen = NULL;
  GPtrArray *now;

  g_return_if_fail (ESP_IS_MODEL_LIBRARY (self));

  installed = esp_installation_list_models ();
  esp_installation_watch_settle (self->watch);
  esp_installation_watch_take (self->watch, installed);
  chosen = esp_installation_choose_model (installed);
  now = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < installed->len; i++)
    {
      const EspInstalledModel *one = installed->pdata[i];
      EspLibraryModel *row;

      /* Of two with one id the person's counts, which comes first: as in the local backend. */
      if (!g_hash_table_add (seen, one->id))
        continue;

      row = find_folder (self, one->path);
      row = row != NULL ? g_object_ref (row) : _esp_library_model_new (one->path);
      _esp_library_model_update (row, one, g_strcmp0 (one->path, chosen) == 0);
      g_ptr_array_add (now, row);
      count_later (self, row);
    }

  if (is_same_list (self->models, now))
    {
      g_ptr_array_unref (now);
      return;
    }

  before = self->models;
  self->models = now;
  g_list_model_items_changed (G_LIST_MODEL (self), 0, before->len, now->len);
}

/* --- Asking ----------------------------------------------------------------------------------- */

EspLibraryModel *
esp_model_library_find (EspModelLibrary *self, const char *id)
{
  g_return_val_if_fail (ESP_IS_MODEL_LIBRARY (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < self->models->len; i++)
    if (g_str_equal (esp_library_model_get_id (self->models->pdata[i]), id))
      return self->models->pdata[i];

  return NULL;
}

EspLibraryModel *
esp_model_library_get_default (EspModelLibrary *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_LIBRARY (self), NULL);

  for (guint i = 0; i < self->models->len; i++)
    if (esp_library_model_is_default (self->models->pdata[i]))
      return self->models->pdata[i];

  return NULL;
}

gboolean
esp_model_library_set_default (EspModelLibrary *self, const char *id, GError **error)
{
  g_return_val_if_fail (ESP_IS_MODEL_LIBRARY (self), FALSE);

  if (id != NULL && esp_model_library_find (self, id) == NULL)
    {
      g_set_error (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_UNKNOWN,
                   _ ("There is no model “%s” on this computer."), id);
      return FALSE;
    }
  if (!esp_installation_set_default_id (id, error))
    return FALSE;

  esp_model_library_refresh (self);
  return TRUE;
}

/* --- Formats ---------------------------------------------------------------------------------- */

typedef struct
{
  EspWorker *worker;
  GPtrArray *left; /* of EspLibraryModel */
} Examination;

static void
examination_free (gpointer data)
{
  Examination *examination = data;

  g_object_unref (examination->worker);
  g_ptr_array_unref (examination->left);
  g_free (examination);
}

static void examine_next (GTask *task);

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Examination *examination = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = esp_worker_inspect_finish (ESP_WORKER (source), result, &error);
  g_autofree char *format = answer != NULL ? esp_inspection_dup_format (answer) : NULL;

  /* A row whose format nobody can tell has none. */
  if (format != NULL)
    _esp_library_model_set_format (g_ptr_array_index (examination->left, 0), format);
  g_ptr_array_remove_index (examination->left, 0);
  examine_next (task);
}

static void
examine_next (GTask *task)
{
  Examination *examination = g_task_get_task_data (task);

  if (g_task_return_error_if_cancelled (task))
    return;
  if (examination->left->len == 0)
    g_task_return_boolean (task, TRUE);
  else
    esp_worker_inspect_async (
        examination->worker,
        esp_library_model_get_folder (g_ptr_array_index (examination->left, 0)), NULL,
        g_task_get_cancellable (task), on_inspected, g_object_ref (task));
}

void
esp_model_library_examine_async (EspModelLibrary *self, EspWorker *worker,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Examination *examination = g_new0 (Examination, 1);

  g_return_if_fail (ESP_IS_MODEL_LIBRARY (self));
  g_return_if_fail (ESP_IS_WORKER (worker));

  examination->worker = g_object_ref (worker);
  examination->left = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->models->len; i++)
    if (esp_library_model_get_format (self->models->pdata[i]) == NULL)
      g_ptr_array_add (examination->left, g_object_ref (self->models->pdata[i]));

  g_task_set_source_tag (task, esp_model_library_examine_async);
  g_task_set_task_data (task, examination, examination_free);
  examine_next (task);
}

gboolean
esp_model_library_examine_finish (EspModelLibrary *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_model_library_dispose (GObject *object)
{
  EspModelLibrary *self = ESP_MODEL_LIBRARY (object);

  g_cancellable_cancel (self->counting);
  g_clear_object (&self->watch);

  G_OBJECT_CLASS (esp_model_library_parent_class)->dispose (object);
}

static void
esp_model_library_finalize (GObject *object)
{
  EspModelLibrary *self = ESP_MODEL_LIBRARY (object);

  g_ptr_array_unref (self->models);
  g_object_unref (self->counting);

  G_OBJECT_CLASS (esp_model_library_parent_class)->finalize (object);
}

static void
esp_model_library_class_init (EspModelLibraryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_model_library_dispose;
  object_class->finalize = esp_model_library_finalize;
}

static void
esp_model_library_init (EspModelLibrary *self)
{
  self->models = g_ptr_array_new_with_free_func (g_object_unref);
  self->watch = esp_installation_watch_new ();
  g_signal_connect_object (self->watch, "changed", G_CALLBACK (esp_model_library_refresh), self,
                           G_CONNECT_SWAPPED);
  self->counting = g_cancellable_new ();
}

EspModelLibrary *
esp_model_library_new (void)
{
  EspModelLibrary *self = g_object_new (ESP_TYPE_MODEL_LIBRARY, NULL);

  esp_model_library_refresh (self);
  _esp_model_library_tidy ();

  return self;
}
