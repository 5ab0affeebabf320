/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-offer-private.h: making offers, for those who read them. */
#pragma once

#include "esp-model-offer.h"

G_BEGIN_DECLS

/* Borrowed; as the manifest has them. */
typedef struct
{
  const char *id, *name, *summary, *homepage;
  const char *licence_name, *licence_url, *licence_text;
  gboolean non_commercial, gated;
  const char *source_name, *token_account, *token_url;
} EspModelOfferTexts;

/* `variants` (of EspModelVariant) are taken over. */
EspModelOffer *_esp_model_offer_new (const EspModelOfferTexts *texts,
                                     GPtrArray *variants) G_GNUC_WARN_UNUSED_RESULT;

void _esp_model_file_free (gpointer data);
EspModelFile *_esp_model_file_copy (const EspModelFile *file) G_GNUC_WARN_UNUSED_RESULT;
void _esp_model_variant_free (gpointer data);

/* Is `path` one that may be made in a model's folder: relative, of plain names, without "..", and
 * not hidden? */
gboolean _esp_model_path_is_plain (const char *path);

/* May files be fetched from `url`? https; http from this computer itself (tests, mirrors). */
gboolean _esp_model_url_is_allowed (const char *url);

/* Every text of the manifests that are shipped, in English; NULL-terminated. */
const char *const *_esp_model_offer_get_texts (void);

G_END_DECLS
