/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tag-picker.h: one of the eight colours, or none.
 *
 * Property: "tag" (int, 0 none, 1…8). Signal "picked" (): the person chose another one. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_TAG_PICKER (esp_tag_picker_get_type ())

G_DECLARE_FINAL_TYPE (EspTagPicker, esp_tag_picker, ESP, TAG_PICKER, GtkWidget)

GtkWidget *esp_tag_picker_new (void) G_GNUC_WARN_UNUSED_RESULT;
int esp_tag_picker_get_tag (EspTagPicker *self);
void esp_tag_picker_set_tag (EspTagPicker *self, int tag);

/* "Blue"; "None" for 0. */
const char *esp_tag_picker_get_name (int tag);

G_END_DECLS
