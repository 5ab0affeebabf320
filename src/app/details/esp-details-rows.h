/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details-rows.h: what is known of a node, as rows of title and value. */
#pragma once

#include <adwaita.h>

#include "esp-document.h"
#include "esp-registry.h"

G_BEGIN_DECLS

/* Adds rows to the groups and each to `rows` (element-type GtkWidget), for their removal.
 * `registry` (or NULL) knows backends and parameters by name. */
void esp_details_add_turn_rows (AdwPreferencesGroup *group, EspRegistry *registry, EspNode *node,
                                GPtrArray *rows);
void esp_details_add_image_rows (AdwPreferencesGroup *group, EspNode *node, GPtrArray *rows);

/* One row of title and value. `copied` is what its button copies, NULL for no button. Nothing for
 * an empty value. */
void esp_details_add_row (AdwPreferencesGroup *group, GPtrArray *rows, const char *title,
                          const char *value, const char *copied);

/* Buttons with the pictures of the references; a click makes one the current node. */
void esp_details_add_reference_rows (AdwPreferencesGroup *group, EspDocument *document,
                                     EspNode *node, GPtrArray *rows);

G_END_DECLS
