/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-downloads.h"

#include <glib/gi18n-lib.h>

#include "esp-download-plan.h"
#include "esp-model-download-private.h"

struct _EspModelDownloads
{
  GObject parent_instance;

  GPtrArray *downloads; /* of EspModelDownload */
  EspHttpThrottle *throttle;
  guint64 limit;
  guint n_active;
  GTask *stopping; /* waits for all to pause */
};

enum
{
  PROP_0,
  PROP_N_ACTIVE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static GType
downloads_get_item_type (GListModel *model)
{
  return ESP_TYPE_MODEL_DOWNLOAD;
}

static guint
downloads_get_n_items (GListModel *model)
{
  return ESP_MODEL_DOWNLOADS (model)->downloads->len;
}

static gpointer
downloads_get_item (GListModel *model, guint position)
{
  EspModelDownloads *self = ESP_MODEL_DOWNLOADS (model);

  return position < self->downloads->len ? g_object_ref (self->downloads->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = downloads_get_item_type;
  iface->get_n_items = downloads_get_n_items;
  iface->get_item = downloads_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspModelDownloads, esp_model_downloads, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
on_changed (EspModelDownload *download, EspModelDownloads *self)
{
  guint n_active = 0;

  for (guint i = 0; i < self->downloads->len; i++)
    n_active += _esp_model_download_is_active (self->downloads->pdata[i]);

  if (n_active != self->n_active)
    {
      self->n_active = n_active;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ACTIVE]);
    }
  if (n_active == 0 && self->stopping != NULL)
    {
      g_autoptr (GTask) task = g_steal_pointer (&self->stopping);

      g_task_return_boolean (task, TRUE);
    }
}

static EspModelDownload *
add (EspModelDownloads *self, EspModelOffer *offer, const EspModelVariant *variant)
{
  EspModelDownload *download = _esp_model_download_new (offer, variant, self->throttle);

  g_signal_connect_object (download, "changed", G_CALLBACK (on_changed), self, 0);
  g_ptr_array_add (self->downloads, download);
  g_list_model_items_changed (G_LIST_MODEL (self), self->downloads->len - 1, 0, 1);
  return download;
}

/* What was left unfinished. */
static void
find_left_over (EspModelDownloads *self, GListModel *offers)
{
  g_autofree char *root = _esp_download_plan_get_root ();
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *folder = g_build_filename (root, name, NULL);
      g_autofree char *offer_id = NULL;
      g_autofree char *variant_id = NULL;
      g_autoptr (EspModelOffer) offer = NULL;
      const EspModelVariant *variant;

      if (_esp_download_plan_is_over (folder)
          || !_esp_download_plan_identify (folder, &offer_id, &variant_id))
        continue;
      offer = esp_model_offers_find (offers, offer_id);
      variant = offer != NULL ? esp_model_offer_find_variant (offer, variant_id) : NULL;
      if (variant != NULL)
        add (self, offer, variant);
    }
}

static gboolean
is_over (EspModelDownload *download)
{
  EspModelDownloadState state = esp_model_download_get_state (download);

  return state == ESP_MODEL_DOWNLOAD_DONE || state == ESP_MODEL_DOWNLOAD_CANCELLED;
}

EspModelDownload *
esp_model_downloads_find (EspModelDownloads *self, EspModelOffer *offer,
                          const EspModelVariant *variant)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOADS (self), NULL);
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (offer), NULL);

  for (guint i = 0; i < self->downloads->len; i++)
    {
      EspModelDownload *download = self->downloads->pdata[i];
      EspModelOffer *own = esp_model_download_get_offer (download);

      if (g_str_equal (esp_model_offer_get_id (own), esp_model_offer_get_id (offer))
          && !is_over (download)
          && (variant == NULL
              || g_str_equal (esp_model_download_get_variant (download)->id, variant->id)))
        return download;
    }

  return NULL;
}

EspModelDownload *
esp_model_downloads_start (EspModelDownloads *self, EspModelOffer *offer,
                           const EspModelVariant *variant, EspKey *token, GError **error)
{
  EspModelDownload *download;

  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOADS (self), NULL);
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (offer) && variant != NULL, NULL);

  if (!esp_model_offer_is_accepted (offer))
    {
      g_set_error (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_LICENCE,
                   _ ("The licence of %s is not accepted yet (%s)."),
                   esp_model_offer_get_name (offer), esp_model_offer_get_licence (offer)->url);
      return NULL;
    }

  download = esp_model_downloads_find (self, offer, variant);
  if (download == NULL)
    download = add (self, offer, variant);
  esp_model_download_resume (download, token);
  return download;
}

void
esp_model_downloads_clear (EspModelDownloads *self, EspModelDownload *download)
{
  guint position;

  g_return_if_fail (ESP_IS_MODEL_DOWNLOADS (self));
  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (download));

  if (!is_over (download) || !g_ptr_array_find (self->downloads, download, &position))
    return;

  g_ptr_array_remove_index (self->downloads, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

void
esp_model_downloads_set_limit (EspModelDownloads *self, guint64 bytes)
{
  g_return_if_fail (ESP_IS_MODEL_DOWNLOADS (self));

  self->limit = bytes;
  esp_http_throttle_set_rate (self->throttle, bytes);
}

guint64
esp_model_downloads_get_limit (EspModelDownloads *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOADS (self), 0);

  return self->limit;
}

guint
esp_model_downloads_get_n_active (EspModelDownloads *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOADS (self), 0);

  return self->n_active;
}

void
esp_model_downloads_stop_async (EspModelDownloads *self, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_return_if_fail (ESP_IS_MODEL_DOWNLOADS (self));
  g_return_if_fail (self->stopping == NULL);

  g_task_set_source_tag (task, esp_model_downloads_stop_async);
  for (guint i = 0; i < self->downloads->len; i++)
    esp_model_download_pause (self->downloads->pdata[i]);
  if (self->n_active == 0)
    g_task_return_boolean (task, TRUE);
  else
    self->stopping = g_steal_pointer (&task);
}

gboolean
esp_model_downloads_stop_finish (EspModelDownloads *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
esp_model_downloads_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_N_ACTIVE:
      g_value_set_uint (value, ESP_MODEL_DOWNLOADS (object)->n_active);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_model_downloads_dispose (GObject *object)
{
  EspModelDownloads *self = ESP_MODEL_DOWNLOADS (object);

  for (guint i = 0; i < self->downloads->len; i++)
    esp_model_download_pause (self->downloads->pdata[i]);

  G_OBJECT_CLASS (esp_model_downloads_parent_class)->dispose (object);
}

static void
esp_model_downloads_finalize (GObject *object)
{
  EspModelDownloads *self = ESP_MODEL_DOWNLOADS (object);

  g_ptr_array_unref (self->downloads);
  esp_http_throttle_unref (self->throttle);

  G_OBJECT_CLASS (esp_model_downloads_parent_class)->finalize (object);
}

static void
esp_model_downloads_class_init (EspModelDownloadsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = esp_model_downloads_get_property;
  object_class->dispose = esp_model_downloads_dispose;
  object_class->finalize = esp_model_downloads_finalize;

  properties[PROP_N_ACTIVE]
      = g_param_spec_uint ("n-active", NULL, NULL, 0, G_MAXUINT, 0,
                           G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
esp_model_downloads_init (EspModelDownloads *self)
{
  self->downloads = g_ptr_array_new_with_free_func (g_object_unref);
  self->throttle = esp_http_throttle_new ();
}

EspModelDownloads *
esp_model_downloads_new (GListModel *offers)
{
  EspModelDownloads *self;

  g_return_val_if_fail (G_IS_LIST_MODEL (offers), NULL);

  self = g_object_new (ESP_TYPE_MODEL_DOWNLOADS, NULL);
  find_left_over (self, offers);
  return self;
}
