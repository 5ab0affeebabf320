/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details.h: everything known of the document's current node, with its label, note, stars and
 * tag to change. Its buttons activate actions of the group "node". Property: "document". */
#pragma once

#include <adwaita.h>

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_DETAILS (esp_details_get_type ())

G_DECLARE_FINAL_TYPE (EspDetails, esp_details, ESP, DETAILS, GtkWidget)

GtkWidget *esp_details_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_details_set_document (EspDetails *self, EspDocument *document);

G_END_DECLS
