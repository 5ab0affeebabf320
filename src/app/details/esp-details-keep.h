/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details-keep.h: what became of the pixels that a turn did not mean: kept or not (to be
 * changed without making the turn again), how the result lay on its source, how far the picture has
 * drifted from the photo.
 *
 * Hidden for what no turn made. Its button activates "win.show-mask". Signal "error" (const char
 * *): a sentence for a toast. */
#pragma once

#include <adwaita.h>

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_DETAILS_KEEP (esp_details_keep_get_type ())

G_DECLARE_FINAL_TYPE (EspDetailsKeep, esp_details_keep, ESP, DETAILS_KEEP, GtkWidget)

GtkWidget *esp_details_keep_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* Both or neither NULL. Also when something about the node is another one. */
void esp_details_keep_show (EspDetailsKeep *self, EspDocument *document, EspNode *node);

/* What became of a node's untouched pixels, as a sentence; translated. */
char *esp_details_keep_dup_summary (EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
