/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-actions.c: the table of all actions, and what is made from it. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-actions.h"

#include <glib/gi18n-lib.h>

/* clang-format off: a table is read by its columns */
static const EspActionInfo actions[] = {
  /* --- General */
  { "app.new-window",
    N_ ("_New Window"),
    N_ ("New window"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "<Control>n" } },
  { "win.open",
    N_ ("_Open…"),
    N_ ("Open a photo or a document"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "<Control>o" } },
  { "win.paste",
    N_ ("Paste _Image"),
    N_ ("Paste an image"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_OUTSIDE_TEXT,
    ESP_ACTION_ALWAYS,
    { "<Control>v" } },
  { "win.main-menu",
    NULL,
    N_ ("Show the main menu"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "F10" } },
  { "app.preferences",
    N_ ("_Preferences"),
    N_ ("Preferences"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "<Control>comma" } },
  { "win.show-help-overlay",
    N_ ("_Keyboard Shortcuts"),
    N_ ("Keyboard shortcuts"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "<Control>question" } },
  { "app.help",
    N_ ("_Help"),
    N_ ("Help"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "F1" } },
  { "app.about",
    N_ ("_About Espalier"),
    NULL,
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { NULL } },
  { "win.fullscreen",
    N_ ("Fulls_creen"),
    N_ ("Fullscreen"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "F11" } },
  { "window.close",
    NULL,
    N_ ("Close the window"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "<Control>w" } },
  { "app.quit",
    NULL,
    N_ ("Quit"),
    ESP_SECTION_GENERAL,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_ALWAYS,
    { "<Control>q" } },

  /* --- Document */
  { "win.undo",
    N_ ("_Undo"),
    N_ ("Undo"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_OUTSIDE_TEXT,
    ESP_ACTION_WRITABLE,
    { "<Control>z" } },
  { "win.redo",
    N_ ("_Redo"),
    N_ ("Redo"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_OUTSIDE_TEXT,
    ESP_ACTION_WRITABLE,
    { "<Control><Shift>z" } },
  { "win.save",
    NULL,
    N_ ("Save now (saving is automatic)"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>s" } },
  { "win.save-as",
    N_ ("Sa_ve As…"),
    N_ ("Save as"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control><Shift>s" } },
  { "node.export",
    N_ ("_Export…"),
    N_ ("Export the image"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>e" } },
  { "win.export-all",
    N_ ("Export Al_l…"),
    N_ ("Export all results"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control><Shift>e" } },
  { "win.properties",
    N_ ("D_ocument Properties"),
    N_ ("Document properties"),
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Alt>Return" } },
  { "win.rename",
    N_ ("Rena_me…"),
    NULL,
    ESP_SECTION_DOCUMENT,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_WRITABLE,
    { NULL } },

  /* --- Turns */
  { "win.run",
    NULL,
    N_ ("Run the instruction"),
    ESP_SECTION_TURNS,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_WRITABLE,
    { "<Control>Return", "<Control>KP_Enter" } },
  { "win.run-next",
    NULL,
    N_ ("Run before all that wait"),
    ESP_SECTION_TURNS,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_WRITABLE,
    { "<Control><Shift>Return", "<Control><Shift>KP_Enter" } },
  { "win.focus-instruction",
    NULL,
    N_ ("Write the instruction"),
    ESP_SECTION_TURNS,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>l" } },
  { "win.sweep",
    N_ ("S_weep…"),
    N_ ("Try several settings at once"),
    ESP_SECTION_TURNS,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_WRITABLE,
    { "<Control>t" } },
  { NULL,
    NULL,
    N_ ("Earlier and later instructions"),
    ESP_SECTION_TURNS,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "<Alt>Up <Alt>Down" } },
  { "node.run-again",
    N_ ("Run _Again"),
    N_ ("Run again with a new seed"),
    ESP_SECTION_TURNS,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "r" } },
  { "node.use-settings",
    N_ ("_Use These Settings"),
    N_ ("Use the turn’s settings"),
    ESP_SECTION_TURNS,
    ESP_KEYS_VIEWS,
    ESP_ACTION_DOCUMENT,
    { "u" } },
  { "node.use-instruction",
    N_ ("Use This _Instruction"),
    N_ ("Use the turn’s instruction"),
    ESP_SECTION_TURNS,
    ESP_KEYS_VIEWS,
    ESP_ACTION_DOCUMENT,
    { "i" } },

  /* --- History */
  { "win.show-history",
    N_ ("Show _History"),
    N_ ("Show or hide the history"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>h" } },
  { "win.history-outline",
    N_ ("History as a Lis_t"),
    NULL,
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { NULL } },
  { "win.hide-rejected",
    N_ ("Hide Re_jected"),
    N_ ("Hide or show what is rejected"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control><Shift>h" } },
  { "win.find",
    N_ ("_Find…"),
    N_ ("Find"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>f" } },
  { NULL,
    NULL,
    N_ ("Parent, child and siblings"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Left Right Up Down" } },
  { NULL,
    NULL,
    N_ ("First photo, newest turn"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Home End" } },
  { NULL,
    NULL,
    N_ ("Show the turn"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Return" } },
  { "node.label",
    N_ ("_Label…"),
    N_ ("Label the turn"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_OUTSIDE_TEXT,
    ESP_ACTION_WRITABLE,
    { "F2" } },
  { "node.delete",
    N_ ("_Delete"),
    N_ ("Delete the turn and all below it"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "Delete", "KP_Delete" } },
  { "node.star",
    NULL,
    N_ ("Star"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "period" } },
  { "node.stars(0)",
    NULL,
    N_ ("No stars"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "0", "KP_0" } },
  { "node.stars(1)",
    NULL,
    N_ ("One star"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "1", "KP_1" } },
  { "node.stars(2)",
    NULL,
    N_ ("Two stars"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "2", "KP_2" } },
  { "node.stars(3)",
    NULL,
    N_ ("Three stars"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "3", "KP_3" } },
  { "node.stars(4)",
    NULL,
    N_ ("Four stars"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "4", "KP_4" } },
  { "node.stars(5)",
    NULL,
    N_ ("Five stars"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "5", "KP_5" } },
  { "node.reject",
    N_ ("Re_ject"),
    N_ ("Reject, or take back"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "x" } },
  { "node.fold",
    N_ ("_Fold"),
    N_ ("Fold or unfold the branch"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_DOCUMENT,
    { "f" } },
  { "node.show-sweep",
    N_ ("Show Swee_p"),
    N_ ("Show the sweep of the turn"),
    ESP_SECTION_HISTORY,
    ESP_KEYS_VIEWS,
    ESP_ACTION_DOCUMENT,
    { "g" } },
  { "win.history-zoom-in",
    NULL,
    NULL,
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { NULL } },
  { "win.history-zoom-out",
    NULL,
    NULL,
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { NULL } },
  { "win.history-zoom-fit",
    NULL,
    NULL,
    ESP_SECTION_HISTORY,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { NULL } },

  /* --- Image */
  { "win.zoom-in",
    NULL,
    N_ ("Zoom in"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>plus", "<Control>equal", "<Control>KP_Add" } },
  { "win.zoom-out",
    NULL,
    N_ ("Zoom out"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>minus", "<Control>KP_Subtract" } },
  { "win.zoom-fit",
    NULL,
    N_ ("Fit the window"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>0", "<Control>KP_0" } },
  { "win.zoom-100",
    NULL,
    N_ ("Original size"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>1", "<Control>KP_1" } },
  { "win.zoom-200",
    NULL,
    N_ ("Twice the size"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "<Control>2", "<Control>KP_2" } },
  { "node.compare",
    N_ ("_Compare"),
    N_ ("Compare with each other, or with before"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_VIEWS,
    ESP_ACTION_DOCUMENT,
    { "c" } },
  { "win.compare",
    NULL,
    NULL,
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { NULL } },
  { "node.copy-image",
    N_ ("_Copy Image"),
    N_ ("Copy the image"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_OUTSIDE_TEXT,
    ESP_ACTION_DOCUMENT,
    { "<Control>c" } },
  { "node.add-reference",
    N_ ("Use as Re_ference"),
    N_ ("Use as reference of the next turn"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_VIEWS,
    ESP_ACTION_WRITABLE,
    { "e" } },
  { "win.details",
    N_ ("Show _Details"),
    N_ ("Show or hide the details"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_EVERYWHERE,
    ESP_ACTION_DOCUMENT,
    { "F9" } },
  { "win.escape",
    NULL,
    N_ ("Leave comparing, find, or fullscreen"),
    ESP_SECTION_IMAGE,
    ESP_KEYS_OUTSIDE_TEXT,
    ESP_ACTION_ALWAYS,
    { "Escape" } },

  /* --- Comparing */
  { NULL,
    NULL,
    N_ ("Compare in another way"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "m" } },
  { NULL,
    NULL,
    N_ ("Another image in the place of B"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Left Right" } },
  { NULL,
    NULL,
    N_ ("Keep A, or take the one before B"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "p" } },
  { NULL,
    NULL,
    N_ ("Exchange A and B"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "s" } },
  { NULL,
    NULL,
    N_ ("Zoom and move together, or apart"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "l" } },
  { NULL,
    NULL,
    N_ ("Move about in the image"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "<Control>Left <Control>Right <Control>Up <Control>Down" } },
  { NULL,
    NULL,
    N_ ("Show A instead of B, while it is held"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "space" } },
  { NULL,
    NULL,
    N_ ("Turn the dividing line"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "bracketleft bracketright" } },
  { NULL,
    NULL,
    N_ ("Show or hide the table"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "t" } },
  { NULL,
    NULL,
    N_ ("Continue from the image"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Return" } },
  { NULL,
    NULL,
    N_ ("Remove from the comparison"),
    ESP_SECTION_COMPARE,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Delete" } },

  /* --- The cells of a sweep */
  { NULL,
    NULL,
    N_ ("Select a cell"),
    ESP_SECTION_SWEEP,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "space" } },
  { NULL,
    NULL,
    N_ ("Select a row, a column"),
    ESP_SECTION_SWEEP,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "<Shift>space <Control>space" } },
  { NULL,
    NULL,
    N_ ("Select all cells"),
    ESP_SECTION_SWEEP,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "<Control>a" } },
  { NULL,
    NULL,
    N_ ("Compare the selected cells"),
    ESP_SECTION_SWEEP,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "c" } },
  { NULL,
    NULL,
    N_ ("Previous and next page"),
    ESP_SECTION_SWEEP,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "Page_Up Page_Down" } },
  { NULL,
    NULL,
    N_ ("Larger and smaller cells"),
    ESP_SECTION_SWEEP,
    ESP_KEYS_WIDGET,
    ESP_ACTION_DOCUMENT,
    { "plus minus" } },
};
/* clang-format on */

const EspActionInfo *
esp_actions_get (gsize *n_actions)
{
  *n_actions = G_N_ELEMENTS (actions);
  return actions;
}

const EspActionInfo *
esp_actions_find (const char *name)
{
  g_return_val_if_fail (name != NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (g_strcmp0 (actions[i].name, name) == 0)
      return &actions[i];
  return NULL;
}

const char *
esp_actions_section_title (EspActionSection section)
{
  switch (section)
    {
    case ESP_SECTION_GENERAL:
      return C_ ("shortcuts", "General");
    case ESP_SECTION_DOCUMENT:
      return C_ ("shortcuts", "Document");
    case ESP_SECTION_TURNS:
      return C_ ("shortcuts", "Turns");
    case ESP_SECTION_HISTORY:
      return C_ ("shortcuts", "History");
    case ESP_SECTION_IMAGE:
      return C_ ("shortcuts", "Image");
    case ESP_SECTION_COMPARE:
      return C_ ("shortcuts", "Comparison");
    case ESP_SECTION_SWEEP:
      return C_ ("shortcuts", "Sweep");
    case ESP_N_SECTIONS:
    default:
      g_return_val_if_reached (NULL);
    }
}

void
esp_actions_set_accels (GtkApplication *application)
{
  g_return_if_fail (GTK_IS_APPLICATION (application));

  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
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
  GtkEventController *controller;

  g_return_if_fail (GTK_IS_WIDGET (widget));

  controller = gtk_shortcut_controller_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
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
  g_autofree char *title = g_markup_escape_text (esp_actions_section_title (section), -1);

  g_string_append_printf (xml,
                          "<child><object class='GtkShortcutsGroup'>"
                          "<property name='title'>%s</property>",
                          title);
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
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
  append_section (xml, "image", C_ ("shortcuts", "Image"), ESP_SECTION_IMAGE, ESP_SECTION_IMAGE);
  append_section (xml, "images", C_ ("shortcuts", "Several Images"), ESP_SECTION_COMPARE,
                  ESP_SECTION_SWEEP);
  g_string_append (xml, "</object></interface>");

  builder = gtk_builder_new_from_string (xml->str, (gssize) xml->len);
  /* The builder owns no toplevel; GTK keeps it until it is destroyed. */
  return GTK_WIDGET (gtk_builder_get_object (builder, "w"));
}
