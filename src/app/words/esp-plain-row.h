/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-plain-row.h: rows whose words come from elsewhere and are no markup. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* An AdwActionRow, or a type made from one. `subtitle` may be NULL. */
GtkWidget *esp_plain_row_new (GType type, const char *title, const char *subtitle,
                              int subtitle_lines) G_GNUC_WARN_UNUSED_RESULT;

/* Sets the subtitle. Each of its lines begins on the side where the row does, also one in Latin
 * letters (a file's name, a format) in a row that is read from right to left. */
void esp_plain_row_set_lines (AdwActionRow *row, const char *subtitle);

G_END_DECLS
