/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-dialog.h: writes images of a document to files: this one, all leaves, the path as
 * numbered images, or the path as an animation. */
#pragma once

#include <adwaita.h>

#include "esp-export.h"

G_BEGIN_DECLS

#define ESP_TYPE_EXPORT_DIALOG (esp_export_dialog_get_type ())

G_DECLARE_FINAL_TYPE (EspExportDialog, esp_export_dialog, ESP, EXPORT_DIALOG, AdwWindow)

/* With `node` NULL all results of the document are exported. Choices are remembered.
 * Signal "exported" (GFile, guint n): for a toast; a folder where n > 1. */
GtkWindow *esp_export_dialog_new (GtkWindow *parent, EspDocument *document,
                                  EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* What is chosen. */
void esp_export_dialog_get_options (EspExportDialog *self, EspExportOptions *options);

/* Chooses what to export, if that can be chosen. */
void esp_export_dialog_set_what (EspExportDialog *self, EspExportWhat what);

/* Exports to this file or folder without asking for one. */
void esp_export_dialog_export_to (EspExportDialog *self, GFile *target);

G_END_DECLS
