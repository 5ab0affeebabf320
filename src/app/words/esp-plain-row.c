/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-plain-row.c: rows whose words come from elsewhere and are no markup. */
#include "esp-plain-row.h"

GtkWidget *
esp_plain_row_new (GType type, const char *title, const char *subtitle, int subtitle_lines)
{
  /* Markup is off before there are words: all at once would be told to the labels the other way
   * round (libadwaita 1.2). */
  GtkWidget *row = g_object_new (type, "use-markup", FALSE, NULL);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle != NULL ? subtitle : "");
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), subtitle_lines);
  return row;
}
