/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-catalog.h: the descriptors there are: those shipped, then the person's own.
 *
 * A GListModel of EspProvider, ordered by name. The person's own stand in
 * $XDG_CONFIG_HOME/espalier/providers/ID.json; the folder is watched: files appear, change and go
 * in the list at once. One with an error is there with its problem. An own one with a shipped one's
 * id takes its place.
 */
#pragma once

#include "esp-provider.h"

G_BEGIN_DECLS

#define ESP_TYPE_PROVIDER_CATALOG (esp_provider_catalog_get_type ())

G_DECLARE_FINAL_TYPE (EspProviderCatalog, esp_provider_catalog, ESP, PROVIDER_CATALOG, GObject)

/* Reads both folders at once (some dozen small files); `shipped` and `own` NULL = the
 * installation's (esp-installation.h, $ESPALIER_DATA_DIR) and the person's. */
EspProviderCatalog *esp_provider_catalog_new (const char *shipped,
                                              const char *own) G_GNUC_WARN_UNUSED_RESULT;

EspProvider *esp_provider_catalog_find (EspProviderCatalog *self,
                                        const char *id); /* borrowed, or NULL */
const char *esp_provider_catalog_get_own_folder (EspProviderCatalog *self);

G_END_DECLS
