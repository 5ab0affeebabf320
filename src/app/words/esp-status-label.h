/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-status-label.h: the line below a form that says how it stands. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* `text` NULL: the line goes. A problem is red. */
void esp_status_label_set (GtkLabel *label, const char *text, gboolean is_problem);

G_END_DECLS
