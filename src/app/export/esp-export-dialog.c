/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-dialog.c: the dialog that exports images. */
#define G_LOG_DOMAIN "esp-app-export"

#include "esp-export-dialog.h"

struct _EspExportDialog
{
  AdwWindow parent_instance;
};

G_DEFINE_FINAL_TYPE (EspExportDialog, esp_export_dialog, ADW_TYPE_WINDOW)

static void
esp_export_dialog_class_init (EspExportDialogClass *klass)
{
}

static void
esp_export_dialog_init (EspExportDialog *self)
{
}

GtkWindow *
esp_export_dialog_new (GtkWindow *parent, EspDocument *document, EspNode *node)
{
  return g_object_new (ESP_TYPE_EXPORT_DIALOG, "transient-for", parent, "modal", TRUE, NULL);
}
