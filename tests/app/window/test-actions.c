/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-actions.c: the one table of actions against what the window really has. */
#include <adwaita.h>

#include "esp-actions.h"
#include "esp-window.h"
#include "widgets.h"
#include "window-application.h"

static EspApplication *application;

typedef struct
{
  EspWindow *window;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->window = esp_window_new (application);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Every name of the table can be activated in a window, with the parameter it says. */
static void
test_exist (Fixture *fixture, gconstpointer data)
{
  gsize n;
  const EspActionInfo *infos = esp_actions_get (&n);

  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *name = NULL;
      g_autoptr (GVariant) target = NULL;
      g_autoptr (GError) error = NULL;
      GActionGroup *group = NULL;
      const GVariantType *type = NULL;
      const char *dot;

      if (infos[i].name == NULL)
        {
          g_assert_cmpint (infos[i].scope, ==, ESP_KEYS_WIDGET);
          continue;
        }
      g_assert_true (g_action_parse_detailed_name (infos[i].name, &name, &target, &error));
      g_assert_no_error (error);
      if (g_str_has_prefix (name, "app."))
        group = G_ACTION_GROUP (application);
      else if (g_str_has_prefix (name, "win."))
        group = G_ACTION_GROUP (fixture->window);
      else if (g_str_has_prefix (name, "window."))
        continue; /* GtkWindow's own */
      else
        continue; /* "node", below */
      dot = strchr (name, '.');
      if (!g_action_group_query_action (group, dot + 1, NULL, &type, NULL, NULL, NULL))
        g_error ("there is no action \"%s\"", infos[i].name);
      g_assert_true (type == NULL ? target == NULL
                                  : target != NULL && g_variant_is_of_type (target, type));
    }
}

/* No key stands for two things that could be meant at the same time. */
static void
test_keys (void)
{
  gsize n;
  const EspActionInfo *infos = esp_actions_get (&n);
  g_autoptr (GHashTable) keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < ESP_ACTION_MAX_KEYS && infos[i].keys[j] != NULL; j++)
      {
        guint key;
        GdkModifierType modifiers;
        char *name;

        if (infos[i].scope == ESP_KEYS_WIDGET)
          continue;
        if (!gtk_accelerator_parse (infos[i].keys[j], &key, &modifiers))
          g_error ("\"%s\" is no key", infos[i].keys[j]);
        name = gtk_accelerator_name (key, modifiers);
        if (g_hash_table_contains (keys, name))
          g_error ("%s is given twice", name);
        g_hash_table_add (keys, name);
        /* What is one letter must never be taken from someone who writes. */
        if (modifiers == 0 && gdk_keyval_to_unicode (key) > ' ')
          g_assert_cmpint (infos[i].scope, !=, ESP_KEYS_EVERYWHERE);
      }
  g_assert_cmpuint (g_hash_table_size (keys), >, 30);
}

/* The shortcuts window shows every key of the table. */
static void
test_shortcuts_window (void)
{
  GtkWidget *window = esp_actions_create_shortcuts_window ();
  g_autoptr (GHashTable) titles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) shortcuts = NULL;
  gsize n;
  const EspActionInfo *infos = esp_actions_get (&n);

  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (window);
  shortcuts
      = widgets_find_all (window, widgets_has_type, GSIZE_TO_POINTER (GTK_TYPE_SHORTCUTS_SHORTCUT));
  for (guint i = 0; i < shortcuts->len; i++)
    {
      char *title = NULL;

      g_object_get (shortcuts->pdata[i], "title", &title, NULL);
      g_hash_table_add (titles, title);
    }
  for (gsize i = 0; i < n; i++)
    if (infos[i].title != NULL && infos[i].keys[0] != NULL
        && !g_hash_table_contains (titles, infos[i].title))
      g_error ("the shortcuts window lacks \"%s\"", infos[i].title);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* What needs a document is off without one. */
static void
test_needs (Fixture *fixture, gconstpointer data)
{
  gsize n;
  const EspActionInfo *infos = esp_actions_get (&n);

  for (gsize i = 0; i < n; i++)
    {
      GAction *action;

      if (infos[i].name == NULL || !g_str_has_prefix (infos[i].name, "win."))
        continue;
      action = g_action_map_lookup_action (G_ACTION_MAP (fixture->window),
                                           infos[i].name + strlen ("win."));
      if (!G_IS_SIMPLE_ACTION (action))
        continue;
      g_assert_cmpint (g_action_get_enabled (action), ==, infos[i].needs == ESP_ACTION_ALWAYS);
    }
}

int
main (int argc, char **argv)
{
  int status;

  widgets_init (&argc, &argv);
  application = window_application_new ();

  g_test_add ("/actions/exist", Fixture, NULL, set_up, test_exist, tear_down);
  g_test_add ("/actions/needs", Fixture, NULL, set_up, test_needs, tear_down);
  g_test_add_func ("/actions/keys", test_keys);
  g_test_add_func ("/actions/shortcuts-window", test_shortcuts_window);
  status = g_test_run ();
  g_object_unref (application);
  return status;
}
