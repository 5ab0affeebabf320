/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-lora-list.h: the LoRAs of a turn: which files, how strongly each, and more from files or by
 * dropping them. Signal "changed" ().
 */
#pragma once

#include <gtk/gtk.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define ESP_TYPE_LORA_LIST (esp_lora_list_get_type ())

G_DECLARE_FINAL_TYPE (EspLoraList, esp_lora_list, ESP, LORA_LIST, GtkWidget)

/* The bounds are those of each strength. */
GtkWidget *esp_lora_list_new (double minimum, double maximum) G_GNUC_WARN_UNUSED_RESULT;

/* As esp-loras.h has it, without what was in the files: a new turn takes what is there now. NULL:
 * there are none. */
JsonNode *esp_lora_list_dup_value (EspLoraList *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_lora_list_set_value (EspLoraList *self, JsonNode *value); /* NULL: none */

/* Adds a file with strength 1, unless it is there. */
void esp_lora_list_add (EspLoraList *self, GFile *file);

G_END_DECLS
