/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-reference-chips.h: the further images of the next turn, each with a thumbnail and a ×.
 *
 * Hidden while there are none. Signal "changed" ().
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_REFERENCE_CHIPS (esp_reference_chips_get_type ())

G_DECLARE_FINAL_TYPE (EspReferenceChips, esp_reference_chips, ESP, REFERENCE_CHIPS, GtkWidget)

GtkWidget *esp_reference_chips_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Forgets all references. */
void esp_reference_chips_set_document (EspReferenceChips *self, EspDocument *document);

/* How many the model takes; those beyond are marked. */
void esp_reference_chips_set_maximum (EspReferenceChips *self, guint maximum);

/* FALSE if it is there already. */
gboolean esp_reference_chips_add (EspReferenceChips *self, EspNode *node);
void esp_reference_chips_remove (EspReferenceChips *self, EspNode *node);
void esp_reference_chips_clear (EspReferenceChips *self);

GPtrArray *esp_reference_chips_get_nodes (EspReferenceChips *self); /* (element-type EspNode) */

G_END_DECLS
