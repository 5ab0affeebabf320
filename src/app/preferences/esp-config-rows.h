/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-config-rows.h: the settings that a provider's descriptor has, as rows of an expander. */
#pragma once

#include <adwaita.h>

#include "esp-provider.h"

G_BEGIN_DECLS

typedef struct _EspConfigRows EspConfigRows;

/* Adds rows for everything in `provider`'s "config" to `expander`, which is hidden where there is
 * nothing. `values` (or NULL) are those of an account. */
EspConfigRows *esp_config_rows_new (AdwExpanderRow *expander, EspProvider *provider,
                                    JsonObject *values) G_GNUC_WARN_UNUSED_RESULT;
/* Removes the rows. */
void esp_config_rows_free (EspConfigRows *self);

/* The values that differ from the descriptor's defaults; never NULL. Fails with a sentence where
 * one is missing or wrong. */
JsonObject *esp_config_rows_dup_values (EspConfigRows *self,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspConfigRows, esp_config_rows_free)

G_END_DECLS
