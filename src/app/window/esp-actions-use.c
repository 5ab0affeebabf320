/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-actions-use.c: what is made from the table of actions: keys, menus, the shortcuts window. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-actions.h"

void
esp_actions_set_accels (GtkApplication *application)
{
  gsize n;
  const EspActionInfo *actions = esp_actions_get (&n);
  g_return_if_fail (GTK_IS_APPLICATION (application));

  for (gsize i = 0; i < n; i++)
    if (actions[i].scope == ESP_KEYS_EVERYWHERE && actions[i].keys[0] != NULL)
      gtk_application_set_accels_for_action (application, actions[i].name,
                                             (const char *const *) actions[i].keys);
}

gboolean
esp_actions_is_text_focused (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (focus == NULL)
    return FALSE;
  return GTK_IS_EDITABLE (focus) || GTK_IS_TEXT_VIEW (focus);
}

static gboolean
on_key (GtkWidget *widget, GVariant *args, gpointer user_data)
{
  const EspActionInfo *info = user_data;
  g_autofree char *name = NULL;
  g_autoptr (GVariant) target = NULL;

  /* Escape means nothing to text; where it does (a search), that came first. */
  if (esp_actions_is_text_focused (widget) && !g_str_equal (info->name, "win.escape"))
    return FALSE;
  if (!g_action_parse_detailed_name (info->name, &name, &target, NULL))
    return FALSE;
  return gtk_widget_activate_action_variant (widget, name, target);
}

void
esp_actions_add_keys (GtkWidget *widget, EspKeysScope scope)
{
  gsize n;
  const EspActionInfo *actions = esp_actions_get (&n);
  GtkEventController *controller;

  g_return_if_fail (GTK_IS_WIDGET (widget));

  controller = gtk_shortcut_controller_new ();
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < ESP_ACTION_MAX_KEYS; j++)
      if (actions[i].scope == scope && actions[i].keys[j] != NULL)
        gtk_shortcut_controller_add_shortcut (
            GTK_SHORTCUT_CONTROLLER (controller),
            gtk_shortcut_new (gtk_shortcut_trigger_parse_string (actions[i].keys[j]),
                              gtk_callback_action_new (on_key, (gpointer) &actions[i], NULL)));
  gtk_widget_add_controller (widget, controller);
}

void
esp_actions_append_item (GMenu *menu, const char *name)
{
  const EspActionInfo *info = esp_actions_find (name);
  g_autoptr (GMenuItem) item = NULL;

  g_return_if_fail (info != NULL && info->label != NULL);

  item = g_menu_item_new (_ (info->label), info->name);
  if (info->scope != ESP_KEYS_WIDGET && info->keys[0] != NULL)
    g_menu_item_set_attribute (item, "accel", "s", info->keys[0]);
  g_menu_append_item (menu, item);
}

/* --- The shortcuts window --------------------------------------------------------------------- */

static void
append_group (GString *xml, EspActionSection section)
{
  gsize n;
  const EspActionInfo *actions = esp_actions_get (&n);
  g_autofree char *title = g_markup_escape_text (esp_actions_section_title (section), -1);

  g_string_append_printf (xml,
                          "<child><object class='GtkShortcutsGroup'>"
                          "<property name='title'>%s</property>",
                          title);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GString) keys = g_string_new (NULL);
      g_autofree char *words = NULL;
      g_autofree char *escaped = NULL;

      if (actions[i].section != section || actions[i].title == NULL || actions[i].keys[0] == NULL)
        continue;
      for (gsize j = 0; j < ESP_ACTION_MAX_KEYS && actions[i].keys[j] != NULL; j++)
        {
          /* The keypad's keys are the same to a person. */
          if (strstr (actions[i].keys[j], "KP_") != NULL || strstr (actions[i].keys[j], "equal"))
            continue;
          g_string_append_printf (keys, "%s%s", j == 0 ? "" : " ", actions[i].keys[j]);
        }
      if (actions[i].shown != NULL)
        g_string_assign (keys, actions[i].shown);
      words = g_markup_escape_text (_ (actions[i].title), -1);
      escaped = g_markup_escape_text (keys->str, -1);
      g_string_append_printf (xml,
                              "<child><object class='GtkShortcutsShortcut'>"
                              "<property name='title'>%s</property>"
                              "<property name='accelerator'>%s</property>"
                              "</object></child>",
                              words, escaped);
    }
  g_string_append (xml, "</object></child>");
}

/* Each section is one page: GTK 4.8 warns of the switcher between the pages of a section. */
static void
append_section (GString *xml, const char *name, const char *title, EspActionSection first,
                EspActionSection last)
{
  g_autofree char *escaped = g_markup_escape_text (title, -1);

  g_string_append_printf (xml,
                          "<child><object class='GtkShortcutsSection'>"
                          "<property name='section-name'>%s</property>"
                          "<property name='title'>%s</property>"
                          "<property name='max-height'>16</property>",
                          name, escaped);
  for (int section = (int) first; section <= (int) last; section++)
    append_group (xml, (EspActionSection) section);
  g_string_append (xml, "</object></child>");
}

/* With large text its pages are wider and higher than screens. The arrow keys scroll. */
static void
make_scrollable (GtkWindow *window)
{
  GtkWidget *child = g_object_ref (gtk_window_get_child (window));
  GtkWidget *scroller = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "propagate-natural-width", TRUE,
                                      "propagate-natural-height", TRUE, "focusable", TRUE, NULL);

  gtk_window_set_child (window, NULL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), child);
  gtk_window_set_child (window, scroller);
  g_object_unref (child);
}

GtkWidget *
esp_actions_create_shortcuts_window (void)
{
  g_autoptr (GString) xml = g_string_new ("<interface><object class='GtkShortcutsWindow' id='w'>"
                                          "<property name='modal'>1</property>");
  g_autoptr (GtkBuilder) builder = NULL;

  append_section (xml, "window", C_ ("shortcuts", "Window and Document"), ESP_SECTION_GENERAL,
                  ESP_SECTION_DOCUMENT);
  append_section (xml, "history", C_ ("shortcuts", "Turns and History"), ESP_SECTION_TURNS,
                  ESP_SECTION_HISTORY);
  append_section (xml, "image", C_ ("shortcuts", "Image"), ESP_SECTION_IMAGE, ESP_SECTION_MASK);
  append_section (xml, "images", C_ ("shortcuts", "Several Images"), ESP_SECTION_COMPARE,
                  ESP_SECTION_SWEEP);
  g_string_append (xml, "</object></interface>");

  builder = gtk_builder_new_from_string (xml->str, (gssize) xml->len);
  make_scrollable (GTK_WINDOW (gtk_builder_get_object (builder, "w")));
  /* The builder owns no toplevel; GTK keeps it until it is destroyed. */
  return GTK_WIDGET (gtk_builder_get_object (builder, "w"));
}
