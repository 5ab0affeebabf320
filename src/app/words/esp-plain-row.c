/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-plain-row.c: rows whose words come from elsewhere and are no markup. */
#include "esp-plain-row.h"

/* Marks that are not seen: what follows is in a line that is read from the right (U+200F); what is
 * between these two is read from the left all the same (U+2066, U+2069). */
#define RIGHT_TO_LEFT "\342\200\217"
#define LEFT_BEGINS   "\342\201\246"
#define LEFT_ENDS     "\342\201\251"

void
esp_plain_row_set_lines (AdwActionRow *row, const char *subtitle)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (GStrv) lines = g_strsplit (subtitle, "\n", -1);

  if (gtk_widget_get_direction (GTK_WIDGET (row)) == GTK_TEXT_DIR_LTR)
    {
      adw_action_row_set_subtitle (row, subtitle);
      return;
    }
  for (guint i = 0; lines[i] != NULL; i++)
    {
      /* The slash that a path begins with would go to its end. */
      gboolean path = *lines[i] == '/';

      g_string_append_printf (text, "%s%s%s%s%s", i > 0 ? "\n" : "",
                              *lines[i] != '\0' ? RIGHT_TO_LEFT : "", path ? LEFT_BEGINS : "",
                              lines[i], path ? LEFT_ENDS : "");
    }
  adw_action_row_set_subtitle (row, text->str);
}

GtkWidget *
esp_plain_row_new (GType type, const char *title, const char *subtitle, int subtitle_lines)
{
  /* Markup is off before there are words: all at once would be told to the labels the other way
   * round (libadwaita 1.2). */
  GtkWidget *row = g_object_new (type, "use-markup", FALSE, NULL);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  esp_plain_row_set_lines (ADW_ACTION_ROW (row), subtitle != NULL ? subtitle : "");
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), subtitle_lines);
  return row;
}
