/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-offer-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _EspModelOffer
{
  GObject parent_instance;

  char *id, *name, *summary, *homepage;
  EspModelLicence licence;
  char *source_name, *token_account, *token_url;
  GPtrArray *variants; /* of EspModelVariant */
};

G_DEFINE_FINAL_TYPE (EspModelOffer, esp_model_offer, G_TYPE_OBJECT)
G_DEFINE_QUARK (esp - model - offer - error - quark, esp_model_offer_error)

void
_esp_model_file_free (gpointer data)
{
  EspModelFile *file = data;

  g_free (file->path);
  g_free (file->url);
  g_free (file->component);
  g_free (file->sha256);
  g_free (file);
}

EspModelFile *
_esp_model_file_copy (const EspModelFile *file)
{
  EspModelFile *copy = g_new0 (EspModelFile, 1);

  *copy = *file;
  copy->path = g_strdup (file->path);
  copy->url = g_strdup (file->url);
  copy->component = g_strdup (file->component);
  copy->sha256 = g_strdup (file->sha256);
  return copy;
}

void
_esp_model_variant_free (gpointer data)
{
  EspModelVariant *variant = data;

  g_free (variant->id);
  g_free (variant->name);
  g_free (variant->format);
  g_free (variant->note);
  g_clear_pointer (&variant->files, g_ptr_array_unref);
  g_clear_pointer (&variant->components, json_object_unref);
  g_free (variant);
}

static void
esp_model_offer_finalize (GObject *object)
{
  EspModelOffer *self = ESP_MODEL_OFFER (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->summary);
  g_free (self->homepage);
  g_free (self->licence.name);
  g_free (self->licence.url);
  g_free (self->licence.text);
  g_free (self->licence.digest);
  g_free (self->source_name);
  g_free (self->token_account);
  g_free (self->token_url);
  g_ptr_array_unref (self->variants);

  G_OBJECT_CLASS (esp_model_offer_parent_class)->finalize (object);
}

static void
esp_model_offer_class_init (EspModelOfferClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_model_offer_finalize;
}

static void
esp_model_offer_init (EspModelOffer *self)
{
  self->variants = g_ptr_array_new_with_free_func (_esp_model_variant_free);
}

/* What manifests say in English, in the person's language if po/ has it. */
static char *
dup_translated (const char *text)
{
  return text != NULL && *text != '\0' ? g_strdup (g_dgettext (GETTEXT_PACKAGE, text)) : NULL;
}

EspModelOffer *
_esp_model_offer_new (const EspModelOfferTexts *texts, GPtrArray *variants)
{
  EspModelOffer *self = g_object_new (ESP_TYPE_MODEL_OFFER, NULL);
  g_autofree char *terms
      = g_strjoin ("\n", texts->licence_name, texts->licence_url, texts->licence_text, NULL);

  self->id = g_strdup (texts->id);
  self->name = g_strdup (texts->name);
  self->summary = dup_translated (texts->summary);
  self->homepage = g_strdup (texts->homepage);
  self->licence.name = g_strdup (texts->licence_name);
  self->licence.url = g_strdup (texts->licence_url);
  self->licence.text = dup_translated (texts->licence_text);
  self->licence.digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, terms, -1);
  self->licence.non_commercial = texts->non_commercial;
  self->licence.gated = texts->gated;
  self->source_name = g_strdup (texts->source_name);
  self->token_account = g_strdup (texts->token_account);
  self->token_url = g_strdup (texts->token_url);

  g_ptr_array_unref (self->variants);
  self->variants = g_ptr_array_ref (variants);
  for (guint i = 0; i < variants->len; i++)
    {
      EspModelVariant *variant = g_ptr_array_index (variants, i);
      char *name = dup_translated (variant->name);
      char *note = dup_translated (variant->note);

      g_free (variant->name);
      g_free (variant->note);
      variant->name = name;
      variant->note = note;
    }

  return self;
}

const char *
esp_model_offer_get_id (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->id;
}

const char *
esp_model_offer_get_name (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->name;
}

const char *
esp_model_offer_get_summary (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->summary;
}

const char *
esp_model_offer_get_homepage (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->homepage;
}

const EspModelLicence *
esp_model_offer_get_licence (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return &self->licence;
}

const char *
esp_model_offer_get_token_account (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->token_account;
}

const char *
esp_model_offer_get_token_url (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->token_url;
}

const char *
esp_model_offer_get_source_name (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);

  return self->source_name;
}

guint
esp_model_offer_get_n_variants (EspModelOffer *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), 0);

  return self->variants->len;
}

const EspModelVariant *
esp_model_offer_get_variant (EspModelOffer *self, guint i)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);
  g_return_val_if_fail (i < self->variants->len, NULL);

  return g_ptr_array_index (self->variants, i);
}

const EspModelVariant *
esp_model_offer_find_variant (EspModelOffer *self, const char *id)
{
  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < self->variants->len; i++)
    {
      const EspModelVariant *variant = g_ptr_array_index (self->variants, i);

      if (g_str_equal (variant->id, id))
        return variant;
    }

  return NULL;
}
