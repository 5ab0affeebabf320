/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history-fixture.c: see history-fixture.h. */
#include "history-fixture.h"

static gboolean
is_shown_of_type (GtkWidget *widget, gconstpointer type)
{
  return gtk_widget_is_visible (widget) && widgets_has_type (widget, type);
}

GPtrArray *
find_all (Fixture *fixture, GType type)
{
  return widgets_find_all (GTK_WIDGET (fixture->history), is_shown_of_type,
                           GSIZE_TO_POINTER (type));
}

gpointer
find_one (Fixture *fixture, GType type)
{
  g_autoptr (GPtrArray) found = find_all (fixture, type);

  g_assert_cmpuint (found->len, >, 0);
  return g_ptr_array_index (found, 0);
}

guint
count_cards (Fixture *fixture)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_NODE_CARD);

  return found->len;
}

EspNodeCard *
find_card (Fixture *fixture, EspNode *node)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_NODE_CARD);

  for (guint i = 0; i < found->len; i++)
    if (esp_node_card_get_node (g_ptr_array_index (found, i)) == node)
      return g_ptr_array_index (found, i);
  return NULL;
}

void
settle (void)
{
  scratch_wait (80);
}

gboolean
press_on (GtkWidget *widget, guint keyval, GdkModifierType state)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);
  gboolean handled = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers) && !handled; i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_KEY (controller))
        g_signal_emit_by_name (controller, "key-pressed", keyval, 0, state, &handled);
    }
  settle ();
  return handled;
}

gboolean
press (Fixture *fixture, guint keyval, GdkModifierType state)
{
  return press_on (GTK_WIDGET (fixture->tree), keyval, state);
}

void
finish_edit (Fixture *fixture, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  esp_document_edit_finish (fixture->document, scratch_wait_for_result (result), &error);
  g_assert_no_error (error);
  g_clear_object (result);
  settle ();
}

void
delete_node (Fixture *fixture, EspNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  esp_document_delete_async (fixture->document, nodes, NULL, scratch_take_result, &result);
  finish_edit (fixture, &result);
}

EspNode *
add_turn (Fixture *fixture, EspNode *parent, const char *instruction)
{
  EspNode *node = scratch_document_add_turn (fixture->document, parent, instruction);

  scratch_document_finish_turn (fixture->document, node, 40, 30, 0x336699);
  settle ();
  return node;
}

GPtrArray *
add_variations (Fixture *fixture, EspNode *parent, guint count)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspTurn turn = { .instruction = "Let it snow", .backend = "fal", .has_seed = TRUE, .seed = 7 };
  GPtrArray *nodes;

  esp_document_add_turns_async (fixture->document, parent, &turn, count, NULL, scratch_take_result,
                                &result);
  nodes = esp_document_add_turns_finish (fixture->document, scratch_wait_for_result (&result),
                                         &error);
  g_assert_no_error (error);
  settle ();
  return nodes;
}

static void
on_command (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_printf (fixture->log, "%s", g_action_get_name (G_ACTION (action)));
  if (parameter)
    g_string_append_printf (fixture->log, "(%d)", g_variant_get_int32 (parameter));
  g_string_append_c (fixture->log, ' ');
}

static void
on_activate (Fixture *fixture, EspNode *node)
{
  g_string_append_printf (fixture->log, "activate:%" G_GINT64_FORMAT " ", esp_node_get_id (node));
}

void
assert_log (Fixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->log->str, ==, expected);
  g_string_truncate (fixture->log, 0);
}

void
set_up (Fixture *fixture, gconstpointer data)
{
  static const GActionEntry commands[] = {
    { "label", on_command },      { "delete", on_command }, { "compare", on_command },
    { "stars", on_command, "i" }, { "reject", on_command },
  };

  fixture->log = g_string_new (NULL);
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 40, 30, 0x808080);
  esp_document_set_current (fixture->document, fixture->photo);
  fixture->window = adw_window_new ();
  fixture->history = ESP_HISTORY (esp_history_new ());
  fixture->commands = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (fixture->commands), commands,
                                   G_N_ELEMENTS (commands), fixture);
  gtk_widget_insert_action_group (fixture->window, "node", G_ACTION_GROUP (fixture->commands));
  g_signal_connect_swapped (fixture->history, "activate", G_CALLBACK (on_activate), fixture);
  adw_window_set_content (ADW_WINDOW (fixture->window), GTK_WIDGET (fixture->history));
  gtk_widget_set_hexpand (GTK_WIDGET (fixture->history), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 600, 600);
  esp_history_set_document (fixture->history, fixture->document);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
  fixture->tree = find_one (fixture, ESP_TYPE_TREE_VIEW);
  settle ();
}

void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_clear_object (&fixture->commands);
  settle ();
  scratch_document_close (fixture->document);
  g_clear_object (&fixture->document);
  g_string_free (fixture->log, TRUE);
}
