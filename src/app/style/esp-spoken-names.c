/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-spoken-names.c: looks at each widget as it is mapped. */
#include "esp-spoken-names.h"

#include <adwaita.h>
#include <glib/gi18n-lib.h>

static gboolean
has_name (GtkWidget *widget)
{
  return gtk_test_accessible_has_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL);
}

static gboolean
has_label (GtkWidget *widget)
{
  return gtk_test_accessible_has_relation (GTK_ACCESSIBLE (widget),
                                           GTK_ACCESSIBLE_RELATION_LABELLED_BY);
}

static void
set_name (GtkWidget *widget, const char *name)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

/* Without the underscores that mark mnemonics; a double one stands for itself. */
static char *
strip_mnemonic (const char *text)
{
  GString *plain = g_string_new (NULL);

  for (; *text != '\0'; text++)
    {
      if (*text == '_' && *++text == '\0')
        break;
      g_string_append_c (plain, *text);
    }
  return g_string_free (plain, FALSE);
}

/* --- Buttons with mnemonics ------------------------------------------------------------------- */

static void
name_button (GtkWidget *button)
{
  g_autofree char *label = NULL, *plain = NULL, *other = NULL;
  gboolean use_underline = FALSE;

  g_object_get (button, "use-underline", &use_underline, "label", &label, NULL);
  if (!use_underline || label == NULL || !has_name (button))
    return;
  other = gtk_test_accessible_check_property (GTK_ACCESSIBLE (button),
                                              GTK_ACCESSIBLE_PROPERTY_LABEL, label);
  if (other == NULL) /* that is its name now */
    {
      plain = strip_mnemonic (label);
      set_name (button, plain);
    }
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
}

/* --- Rows of preferences ---------------------------------------------------------------------- */

static char *
dup_row_title (AdwPreferencesRow *row)
{
  const char *title = adw_preferences_row_get_title (row);

  return adw_preferences_row_get_use_underline (row) ? strip_mnemonic (title) : g_strdup (title);
}

static void
name_by_row (GtkWidget *widget)
{
  GtkWidget *row = gtk_widget_get_ancestor (widget, ADW_TYPE_PREFERENCES_ROW);
  g_autofree char *title = row != NULL ? dup_row_title (ADW_PREFERENCES_ROW (row)) : NULL;

  if (title != NULL && *title != '\0')
    set_name (widget, title);
}

/* --- Lists to choose from --------------------------------------------------------------------- */

static GtkWidget *
find_label (GtkWidget *widget)
{
  GtkWidget *found = GTK_IS_LABEL (widget) ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_label (child);
  return found;
}

static void
set_label (GtkWidget *widget, GtkWidget *label)
{
  gtk_accessible_update_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                  label, NULL, -1);
}

/* What has the keyboard in a list or a menu to choose from is a part without a name. */
static void
name_part (GtkWidget *widget)
{
  GtkWidget *label = NULL;

  if (GTK_IS_LIST_BOX_ROW (widget)
      || g_str_equal (G_OBJECT_TYPE_NAME (widget), "GtkListItemWidget"))
    label = find_label (widget);
  else if (GTK_IS_TOGGLE_BUTTON (widget) && GTK_IS_DROP_DOWN (gtk_widget_get_parent (widget)))
    label = gtk_widget_get_parent (widget);
  if (label != NULL)
    set_label (widget, label);
}

/* --- All of them ------------------------------------------------------------------------------ */

static void
name_widget (GtkWidget *widget)
{
  if (has_name (widget) && has_label (widget))
    gtk_accessible_reset_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  if (has_name (widget) || has_label (widget))
    return;
  if (ADW_IS_PREFERENCES_ROW (widget) || GTK_IS_SWITCH (widget))
    name_by_row (widget);
  else if (GTK_IS_SEARCH_ENTRY (widget))
    set_name (widget, _ ("Search"));
  else if (GTK_IS_EXPANDER (widget) && gtk_expander_get_label (GTK_EXPANDER (widget)) != NULL)
    set_name (widget, gtk_expander_get_label (GTK_EXPANDER (widget)));
  else
    name_part (widget);
}

static gboolean
on_map (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer data)
{
  GtkWidget *widget = g_value_get_object (&values[0]);

  if (GTK_IS_BUTTON (widget) || GTK_IS_CHECK_BUTTON (widget))
    {
      name_button (widget);
      /* Whoever sets another label has GTK write the name anew. */
      g_signal_handlers_disconnect_by_func (widget, name_button, NULL);
      g_signal_connect (widget, "notify::label", G_CALLBACK (name_button), NULL);
    }
  name_widget (widget);
  return TRUE;
}

void
esp_spoken_names_ensure (void)
{
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;
  g_type_ensure (GTK_TYPE_WIDGET);
  g_type_class_unref (g_type_class_ref (GTK_TYPE_BUTTON)); /* so that the signal is there */
  g_signal_add_emission_hook (g_signal_lookup ("map", GTK_TYPE_WIDGET), 0, on_map, NULL, NULL);
  g_once_init_leave (&done, 1);
}
