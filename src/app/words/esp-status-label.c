/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-status-label.c: see esp-status-label.h. */
#include "esp-status-label.h"

void
esp_status_label_set (GtkLabel *label, const char *text, gboolean is_problem)
{
  gtk_label_set_text (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
  if (is_problem)
    gtk_widget_add_css_class (GTK_WIDGET (label), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (label), "error");
}
