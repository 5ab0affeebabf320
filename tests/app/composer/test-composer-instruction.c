/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-composer-instruction.c: no draft is lost, whatever takes its place. */
#include <adwaita.h>

#include "esp-instruction-view.h"
#include "widgets.h"

static EspInstructionView *
create (void)
{
  return g_object_ref_sink (ESP_INSTRUCTION_VIEW (esp_instruction_view_new ()));
}

static void
type (EspInstructionView *view, const char *text)
{
  gtk_text_buffer_insert_at_cursor (
      gtk_text_view_get_buffer (esp_instruction_view_get_text_view (view)), text, -1);
}

static void
test_history (void)
{
  static const char *const earlier[] = { "third", "second", "first", NULL };
  g_autoptr (EspInstructionView) view = create ();

  esp_instruction_view_set_history (view, earlier);
  type (view, "a draft");
  g_assert_true (esp_instruction_view_step (view, 1));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "third");
  g_assert_cmpuint (esp_instruction_view_get_position (view), ==, 1);
  g_assert_true (esp_instruction_view_step (view, 1));
  g_assert_true (esp_instruction_view_step (view, 1));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "first");
  g_assert_false (esp_instruction_view_step (view, 1));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "first");
  while (esp_instruction_view_step (view, -1))
    ;
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "a draft");
  g_assert_cmpuint (esp_instruction_view_get_position (view), ==, 0);
}

/* An earlier one that is edited becomes the draft; the draft before goes to the history. */
static void
test_edit_earlier (void)
{
  static const char *const earlier[] = { "second", "first", NULL };
  g_autoptr (EspInstructionView) view = create ();

  esp_instruction_view_set_history (view, earlier);
  type (view, "precious");
  esp_instruction_view_step (view, 1);
  type (view, "!");
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "second!");
  g_assert_cmpuint (esp_instruction_view_get_position (view), ==, 0);
  g_assert_true (esp_instruction_view_step (view, 1));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "precious");
  g_assert_true (esp_instruction_view_step (view, -1));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "second!");
}

static void
test_replace (void)
{
  g_autoptr (EspInstructionView) view = create ();
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (esp_instruction_view_get_text_view (view));

  type (view, "mine");
  esp_instruction_view_set_text (view, "from a node");
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "from a node");
  esp_instruction_view_step (view, 1);
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "mine");
  esp_instruction_view_step (view, -1);
  g_assert_true (gtk_text_buffer_get_can_undo (buffer));

  /* The blank is not worth remembering, and the same is not remembered twice. */
  esp_instruction_view_set_text (view, "  ");
  esp_instruction_view_set_text (view, "mine");
  g_assert_cmpuint (esp_instruction_view_get_n_history (view), ==, 2);
}

/* Replacing is one step of undo. */
static void
test_undo (void)
{
  g_autoptr (EspInstructionView) view = create ();

  type (view, "mine");
  esp_instruction_view_set_text (view, "other");
  gtk_text_buffer_undo (gtk_text_view_get_buffer (esp_instruction_view_get_text_view (view)));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "mine");
}

/* What was run stays, selected; Up goes to the one before it. */
static void
test_accept (void)
{
  static const char *const earlier[] = { "before", NULL };
  g_autoptr (EspInstructionView) view = create ();
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (esp_instruction_view_get_text_view (view));
  GtkTextIter start, end;

  esp_instruction_view_set_history (view, earlier);
  type (view, "run");
  esp_instruction_view_accept (view);
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "run");
  g_assert_true (gtk_text_buffer_get_selection_bounds (buffer, &start, &end));
  g_assert_true (gtk_text_iter_is_start (&start) && gtk_text_iter_is_end (&end));
  g_assert_true (esp_instruction_view_step (view, 1));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "before");
  esp_instruction_view_step (view, -1);
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "run");
}

/* What the person selected last is what the middle button pastes, whatever is run. */
static void
test_primary_selection (void)
{
  g_autoptr (EspInstructionView) view = create ();
  GtkWidget *window = widgets_show (GTK_WIDGET (view), 400, 100);
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (esp_instruction_view_get_text_view (view));
  GdkClipboard *primary = gtk_widget_get_primary_clipboard (window);
  GdkContentProvider *others;
  GtkTextIter start, end;

  gdk_clipboard_set_text (primary, "of another program");
  others = gdk_clipboard_get_content (primary);
  g_assert_nonnull (others);
  type (view, "run");
  esp_instruction_view_accept (view);
  g_assert_true (gtk_text_buffer_get_selection_bounds (buffer, &start, &end));
  g_assert_true (gdk_clipboard_get_content (primary) == others);

  /* What the person selects still is. */
  gtk_text_buffer_place_cursor (buffer, &start);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  gtk_text_buffer_select_range (buffer, &start, &end);
  g_assert_true (gdk_clipboard_get_content (primary) != others);
  gtk_window_destroy (GTK_WINDOW (window));
}

static gboolean
press_key (EspInstructionView *view, guint key, GdkModifierType state)
{
  g_autoptr (GListModel) controllers
      = gtk_widget_observe_controllers (GTK_WIDGET (esp_instruction_view_get_text_view (view)));
  gboolean handled = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers) && !handled; i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      /* Ours comes before the view's own. */
      if (GTK_IS_EVENT_CONTROLLER_KEY (controller)
          && gtk_event_controller_get_propagation_phase (GTK_EVENT_CONTROLLER (controller))
                 == GTK_PHASE_CAPTURE)
        g_signal_emit_by_name (controller, "key-pressed", key, 0, state, &handled);
    }
  return handled;
}

static void
count (EspInstructionView *view, gboolean all, guint *runs)
{
  ++*runs;
}

/* An input method that has not settled its text gets the keys that mean something else to us. */
static void
test_input_method (void)
{
  static const char *const earlier[] = { "before", NULL };
  g_autoptr (EspInstructionView) view = create ();
  GtkTextView *text = esp_instruction_view_get_text_view (view);
  guint runs = 0;

  esp_instruction_view_set_history (view, earlier);
  g_signal_connect (view, "run", G_CALLBACK (count), &runs);
  g_signal_emit_by_name (text, "preedit-changed", "ねこ");
  g_assert_false (press_key (view, GDK_KEY_Up, GDK_ALT_MASK));
  g_assert_false (press_key (view, GDK_KEY_Return, GDK_CONTROL_MASK));
  g_assert_cmpuint (runs, ==, 0);
  g_assert_cmpuint (esp_instruction_view_get_position (view), ==, 0);

  g_signal_emit_by_name (text, "preedit-changed", "");
  g_assert_true (press_key (view, GDK_KEY_Return, GDK_CONTROL_MASK));
  g_assert_cmpuint (runs, ==, 1);
  g_assert_true (press_key (view, GDK_KEY_Up, GDK_ALT_MASK));
  g_assert_cmpstr (esp_instruction_view_get_text (view), ==, "before");
}

static void
test_accessible (void)
{
  g_autoptr (EspInstructionView) view = create ();
  GtkTextView *text = esp_instruction_view_get_text_view (view);

  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Instruction");
  g_assert_false (gtk_text_view_get_accepts_tab (text));
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  g_test_add_func ("/app/composer/instruction/history", test_history);
  g_test_add_func ("/app/composer/instruction/edit-earlier", test_edit_earlier);
  g_test_add_func ("/app/composer/instruction/replace", test_replace);
  g_test_add_func ("/app/composer/instruction/undo", test_undo);
  g_test_add_func ("/app/composer/instruction/accept", test_accept);
  g_test_add_func ("/app/composer/instruction/primary-selection", test_primary_selection);
  g_test_add_func ("/app/composer/instruction/input-method", test_input_method);
  g_test_add_func ("/app/composer/instruction/accessible", test_accessible);

  return g_test_run ();
}
