/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details.h: everything known of the document's current node, with its label, note, stars and
 * tag to change. Its rows activate actions of the group "node". Scrolls by itself.
 *
 * Property: "document". Signal "error" (const char *): a sentence for a toast. */
#pragma once

#include <adwaita.h>

#include "esp-document.h"
#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_TYPE_DETAILS (esp_details_get_type ())

G_DECLARE_FINAL_TYPE (EspDetails, esp_details, ESP, DETAILS, GtkWidget)

GtkWidget *esp_details_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* Before the document: who knows backends and parameters by name. */
void esp_details_set_registry (EspDetails *self, EspRegistry *registry);
void esp_details_set_document (EspDetails *self, EspDocument *document);

/* Stores what was typed and not stored yet; also done when the focus leaves, and with another node.
 */
void esp_details_commit (EspDetails *self);

void esp_details_focus_note (EspDetails *self);

G_END_DECLS
