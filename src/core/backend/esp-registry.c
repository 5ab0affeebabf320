/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-registry.h"

#include <glib/gi18n-lib.h>

#include "esp-local-backend.h"

struct _EspRegistry
{
  GObject parent_instance;

  GListStore *backends; /* of EspBackend */
  GListStore *models;   /* of EspModel: the lists of all backends one after the other */
  GArray *counts;       /* of guint: how many of `models` are the backend's */
};

G_DEFINE_FINAL_TYPE (EspRegistry, esp_registry, G_TYPE_OBJECT)

static void
on_models_changed (GListModel *list, guint position, guint removed, guint added, gpointer data)
{
  EspRegistry *self = data;
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  guint offset = 0;

  for (guint i = 0; i < self->counts->len; i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (G_LIST_MODEL (self->backends), i);
      guint *count = &g_array_index (self->counts, guint, i);

      if (esp_backend_get_models (backend) != list)
        {
          offset += *count;
          continue;
        }

      for (guint j = 0; j < added; j++)
        g_ptr_array_add (items, g_list_model_get_item (list, position + j));
      *count += added - removed;
      g_list_store_splice (self->models, offset + position, removed, items->pdata, added);
      return;
    }
}

void
esp_registry_insert (EspRegistry *self, guint position, EspBackend *backend)
{
  GListModel *list;
  guint none = 0;

  g_return_if_fail (ESP_IS_REGISTRY (self));
  g_return_if_fail (ESP_IS_BACKEND (backend));
  g_return_if_fail (esp_registry_find_backend (self, esp_backend_get_id (backend)) == NULL);

  position = MIN (position, self->counts->len);
  g_array_insert_val (self->counts, position, none);
  g_list_store_insert (self->backends, position, backend);

  list = esp_backend_get_models (backend);
  g_signal_connect_object (list, "items-changed", G_CALLBACK (on_models_changed), self, 0);
  on_models_changed (list, 0, 0, g_list_model_get_n_items (list), self);
}

void
esp_registry_add (EspRegistry *self, EspBackend *backend)
{
  esp_registry_insert (self, G_MAXUINT, backend);
}

void
esp_registry_remove (EspRegistry *self, EspBackend *backend)
{
  guint position = 0, offset = 0, count;

  g_return_if_fail (ESP_IS_REGISTRY (self));
  g_return_if_fail (ESP_IS_BACKEND (backend));
  g_return_if_fail (g_list_store_find (self->backends, backend, &position));

  g_signal_handlers_disconnect_by_func (esp_backend_get_models (backend), on_models_changed, self);
  for (guint i = 0; i < position; i++)
    offset += g_array_index (self->counts, guint, i);
  count = g_array_index (self->counts, guint, position);

  g_array_remove_index (self->counts, position);
  g_list_store_remove (self->backends, position);
  g_list_store_splice (self->models, offset, count, NULL, 0);
}

EspBackend *
esp_registry_find_backend (EspRegistry *self, const char *id)
{
  g_return_val_if_fail (ESP_IS_REGISTRY (self), NULL);

  for (guint i = 0; i < self->counts->len; i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (G_LIST_MODEL (self->backends), i);

      if (g_strcmp0 (esp_backend_get_id (backend), id) == 0)
        return backend;
    }

  return NULL;
}

#define LOCAL "local"

const char *
esp_registry_get_backend_title (EspRegistry *self, const char *id)
{
  EspBackend *backend;

  g_return_val_if_fail (self == NULL || ESP_IS_REGISTRY (self), id);
  g_return_val_if_fail (id != NULL, NULL);

  backend = self != NULL ? esp_registry_find_backend (self, id) : NULL;
  if (backend != NULL)
    return esp_backend_get_title (backend);
  return strcmp (id, LOCAL) == 0 ? _ ("This Computer") : id;
}

gboolean
esp_registry_is_backend_remote (EspRegistry *self, const char *id)
{
  EspBackend *backend;

  g_return_val_if_fail (self == NULL || ESP_IS_REGISTRY (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);

  backend = self != NULL ? esp_registry_find_backend (self, id) : NULL;
  return backend != NULL ? esp_backend_is_remote (backend) : strcmp (id, LOCAL) != 0;
}

GListModel *
esp_registry_get_backends (EspRegistry *self)
{
  g_return_val_if_fail (ESP_IS_REGISTRY (self), NULL);

  return G_LIST_MODEL (self->backends);
}

EspModel *
esp_registry_find_model (EspRegistry *self, const char *backend, const char *model)
{
  EspBackend *owner;
  GListModel *models;

  g_return_val_if_fail (ESP_IS_REGISTRY (self), NULL);

  owner = esp_registry_find_backend (self, backend);
  if (owner == NULL)
    return NULL;

  models = esp_backend_get_models (owner);
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) item = g_list_model_get_item (models, i);

      if (g_strcmp0 (esp_model_get_id (item), model) == 0)
        return item;
    }

  return NULL;
}

GListModel *
esp_registry_get_models (EspRegistry *self)
{
  g_return_val_if_fail (ESP_IS_REGISTRY (self), NULL);

  return G_LIST_MODEL (self->models);
}

/* The lower, the better to start with. */
static int
rank (EspModel *model)
{
  EspModelState state = esp_model_get_state (model);

  if (state != ESP_MODEL_READY && state != ESP_MODEL_STARTING)
    return 3;
  /* Nothing is sent anywhere unless someone chose that. */
  if (esp_model_get_backend (model) != NULL
      && esp_backend_is_remote (esp_model_get_backend (model)))
    return 2;

  return (esp_model_get_features (model) & ESP_MODEL_DEMO) != 0;
}

EspModel *
esp_registry_get_default_model (EspRegistry *self)
{
  EspModel *best = NULL;

  g_return_val_if_fail (ESP_IS_REGISTRY (self), NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->models)); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (G_LIST_MODEL (self->models), i);

      if (best == NULL || rank (model) < rank (best))
        best = model;
    }

  return best;
}

/* --- Stopping --------------------------------------------------------------------------------- */

typedef struct
{
  guint n_left;
  GError *error; /* the first one */
} Stopping;

static void
stopping_free (gpointer data)
{
  Stopping *stopping = data;

  g_clear_error (&stopping->error);
  g_free (stopping);
}

static void
end_if_stopped (GTask *task)
{
  Stopping *stopping = g_task_get_task_data (task);

  if (--stopping->n_left > 0)
    return;

  if (stopping->error != NULL)
    g_task_return_error (task, g_steal_pointer (&stopping->error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_backend_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  Stopping *stopping = g_task_get_task_data (task);

  if (!esp_backend_stop_finish (ESP_BACKEND (source), result, &error) && stopping->error == NULL)
    stopping->error = g_steal_pointer (&error);
  end_if_stopped (task);
}

void
esp_registry_stop_async (EspRegistry *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Stopping *stopping = g_new0 (Stopping, 1);

  g_return_if_fail (ESP_IS_REGISTRY (self));

  g_task_set_source_tag (task, esp_registry_stop_async);
  g_task_set_task_data (task, stopping, stopping_free);

  stopping->n_left = 1 + self->counts->len;
  for (guint i = 0; i < self->counts->len; i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (G_LIST_MODEL (self->backends), i);

      esp_backend_stop_async (backend, on_backend_stopped, g_object_ref (task));
    }
  end_if_stopped (task);
}

gboolean
esp_registry_stop_finish (EspRegistry *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
esp_registry_dispose (GObject *object)
{
  EspRegistry *self = ESP_REGISTRY (object);

  g_clear_object (&self->backends);
  g_clear_object (&self->models);
  g_array_set_size (self->counts, 0);

  G_OBJECT_CLASS (esp_registry_parent_class)->dispose (object);
}

static void
esp_registry_finalize (GObject *object)
{
  EspRegistry *self = ESP_REGISTRY (object);

  g_array_unref (self->counts);

  G_OBJECT_CLASS (esp_registry_parent_class)->finalize (object);
}

static void
esp_registry_class_init (EspRegistryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_registry_dispose;
  object_class->finalize = esp_registry_finalize;
}

static void
esp_registry_init (EspRegistry *self)
{
  self->backends = g_list_store_new (ESP_TYPE_BACKEND);
  self->models = g_list_store_new (ESP_TYPE_MODEL);
  self->counts = g_array_new (FALSE, FALSE, sizeof (guint));
}

EspRegistry *
esp_registry_new (void)
{
  return g_object_new (ESP_TYPE_REGISTRY, NULL);
}

EspRegistry *
esp_registry_new_installed (void)
{
  EspRegistry *self = esp_registry_new ();
  g_autoptr (EspBackend) local = esp_local_backend_new (NULL);

  esp_registry_add (self, local);
  return self;
}
