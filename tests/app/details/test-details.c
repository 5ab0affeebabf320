/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-details.c: what the details show, and that nothing typed into them is lost.
 *
 * With ESP_SCREENSHOTS=DIR each state is written there as a picture to look at. */
#include "esp-details.h"
#include "esp-star-rating.h"
#include "esp-tag-picker.h"
#include "scratch-document.h"
#include "widgets.h"

typedef struct
{
  GtkWidget *window;
  EspDetails *details;
  EspDocument *document;
  EspNode *photo, *turn;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 640, 480, 0x336699);
  fixture->turn = scratch_document_add_turn (fixture->document, fixture->photo,
                                             "Make the sails red, keep everything else as it was");
  scratch_document_finish_turn (fixture->document, fixture->turn, 640, 480, 0x993333);
  fixture->details = ESP_DETAILS (esp_details_new ());
  fixture->window = widgets_show (GTK_WIDGET (fixture->details), 300, 1500);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  scratch_document_close (fixture->document);
  g_object_unref (fixture->document);
}

static void
begin (Fixture *fixture, EspNode *node)
{
  esp_document_set_current (fixture->document, node);
  esp_details_set_document (fixture->details, fixture->document);
}

static void
take_screenshot (Fixture *fixture, const char *name)
{
  g_autofree char *file = g_strconcat ("details-", name, NULL);

  widgets_take_screenshot (fixture->window, file);
}

/* --- Finding widgets as a person finds them --------------------------------------------------- */

static gboolean
has_text (GtkWidget *widget, gconstpointer text)
{
  return GTK_IS_LABEL (widget) && strcmp (gtk_label_get_text (GTK_LABEL (widget)), text) == 0;
}

static gboolean
has_tooltip (GtkWidget *widget, gconstpointer text)
{
  return g_strcmp0 (gtk_widget_get_tooltip_text (widget), text) == 0;
}

static gboolean
has_action (GtkWidget *widget, gconstpointer name)
{
  return ADW_IS_ACTION_ROW (widget)
         && g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), name) == 0;
}

static gboolean
shows (Fixture *fixture, const char *text)
{
  return widgets_find_shown (GTK_WIDGET (fixture->details), has_text, text) != NULL;
}

static GtkWidget *
get (Fixture *fixture, GType type)
{
  GtkWidget *widget = widgets_find_shown (GTK_WIDGET (fixture->details), widgets_has_type,
                                          GSIZE_TO_POINTER (type));

  g_assert_nonnull (widget);
  return widget;
}

/* --- Waiting for the document ----------------------------------------------------------------- */

typedef struct
{
  EspNode *node;
  const char *label, *note;
  int stars, tag, rejected; /* -1: whatever it is */
} Marks;

static gboolean
has_marks (gpointer data)
{
  const Marks *marks = data;

  return (marks->label == NULL || g_strcmp0 (esp_node_get_label (marks->node), marks->label) == 0)
         && (marks->note == NULL || g_strcmp0 (esp_node_get_note (marks->node), marks->note) == 0)
         && (marks->stars < 0 || esp_node_get_stars (marks->node) == marks->stars)
         && (marks->tag < 0 || esp_node_get_tag (marks->node) == marks->tag)
         && (marks->rejected < 0 || esp_node_get_rejected (marks->node) == marks->rejected);
}

static void
assert_marks (EspNode *node, const char *label, const char *note, int stars, int tag, int rejected)
{
  Marks marks = { node, label, note, stars, tag, rejected };

  g_assert_true (scratch_wait_for (has_marks, &marks));
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void
test_rows (Fixture *fixture, gconstpointer data)
{
  esp_details_set_document (fixture->details, NULL);
  g_assert_true (shows (fixture, "Choose an image of the history to see its details."));
  take_screenshot (fixture, "empty");

  begin (fixture, fixture->turn);
  g_assert_false (shows (fixture, "Choose an image of the history to see its details."));
  g_assert_true (shows (fixture, "Make the sails red, keep everything else as it was"));
  g_assert_true (shows (fixture, "blurred"));
  g_assert_true (shows (fixture, "1234567890123"));
  g_assert_true (shows (fixture, "Demo model"));
  g_assert_true (shows (fixture, "0123456789abcdef"));
  g_assert_true (shows (fixture, "This Computer"));
  g_assert_true (shows (fixture, "Steps"));
  g_assert_true (shows (fixture, "28"));
  g_assert_true (shows (fixture, "2.5"));
  g_assert_true (shows (fixture, "12.3 s"));
  g_assert_true (shows (fixture, "Free"));
  g_assert_true (shows (fixture, "Done"));
  g_assert_true (shows (fixture, "640 × 480 pixels"));
  for (const char **name = (const char *[]){ "node.use-settings", "node.run-again",
                                             "node.copy-command", "node.export", NULL };
       *name != NULL; name++)
    g_assert_nonnull (widgets_find_shown (GTK_WIDGET (fixture->details), has_action, *name));
  take_screenshot (fixture, "turn");

  esp_document_set_current (fixture->document, fixture->photo);
  g_assert_true (shows (fixture, "photo.png"));
  g_assert_false (shows (fixture, "28"));
  g_assert_null (widgets_find_shown (GTK_WIDGET (fixture->details), has_action, "node.run-again"));
  take_screenshot (fixture, "photo");
}

static void
take_text (GObject *source, GAsyncResult *result, gpointer data)
{
  *(char **) data = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  GtkWidget *button;
  g_autofree char *text = NULL;

  begin (fixture, fixture->turn);
  button = widgets_find_shown (GTK_WIDGET (fixture->details), has_tooltip, "Copy Seed");
  g_assert_nonnull (button);
  g_signal_emit_by_name (button, "clicked");
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (button), NULL, take_text, &text);
  g_assert_true (scratch_wait_for (scratch_is_set, &text));
  g_assert_cmpstr (text, ==, "1234567890123");
}

static void
test_label (Fixture *fixture, gconstpointer data)
{
  GtkEditable *entry;

  begin (fixture, fixture->turn);
  entry = GTK_EDITABLE (get (fixture, ADW_TYPE_ENTRY_ROW));
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "");
  gtk_editable_set_text (entry, "Best one");
  g_signal_emit_by_name (entry, "entry-activated");
  assert_marks (fixture->turn, "Best one", NULL, -1, -1, -1);

  /* To another node without leaving the entry: stored for the one it was written for. */
  gtk_editable_set_text (entry, "Still the best");
  esp_document_set_current (fixture->document, fixture->photo);
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "");
  assert_marks (fixture->turn, "Still the best", NULL, -1, -1, -1);
  g_assert_null (esp_node_get_label (fixture->photo));

  /* News from elsewhere does not take away what is being written. */
  esp_document_set_current (fixture->document, fixture->turn);
  gtk_editable_set_text (entry, "Being writ");
  esp_document_set_note_async (fixture->document, fixture->turn, "from elsewhere", NULL, NULL,
                               NULL);
  assert_marks (fixture->turn, NULL, "from elsewhere", -1, -1, -1);
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "Being writ");
}

static void
test_note (Fixture *fixture, gconstpointer data)
{
  GtkTextBuffer *buffer;
  g_autofree char *shown = NULL;
  GtkTextIter start, end;

  begin (fixture, fixture->turn);
  buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (get (fixture, GTK_TYPE_TEXT_VIEW)));
  gtk_text_buffer_set_text (buffer, "First line\nsecond line", -1);
  esp_document_set_current (fixture->document, fixture->photo);
  assert_marks (fixture->turn, NULL, "First line\nsecond line", -1, -1, -1);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  shown = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  g_assert_cmpstr (shown, ==, "");

  /* Closing the document stores, too. */
  gtk_text_buffer_set_text (buffer, "About the photo", -1);
  esp_details_set_document (fixture->details, NULL);
  assert_marks (fixture->photo, NULL, "About the photo", -1, -1, -1);
}

static void
test_marks (Fixture *fixture, gconstpointer data)
{
  EspStarRating *stars;
  EspTagPicker *tag;
  GtkWidget *button, *rejected;

  begin (fixture, fixture->turn);
  stars = ESP_STAR_RATING (get (fixture, ESP_TYPE_STAR_RATING));
  tag = ESP_TAG_PICKER (get (fixture, ESP_TYPE_TAG_PICKER));
  rejected = get (fixture, GTK_TYPE_SWITCH);

  esp_star_rating_set_value (stars, 4);
  g_signal_emit_by_name (stars, "rated");
  assert_marks (fixture->turn, NULL, NULL, 4, -1, -1);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (stars), GTK_ACCESSIBLE_ROLE_SLIDER);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (stars), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                       "4 stars");

  button = widgets_find_shown (GTK_WIDGET (tag), has_tooltip, "Red");
  g_assert_nonnull (button);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_ROLE_RADIO);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (button), TRUE);
  assert_marks (fixture->turn, NULL, NULL, 4, 5, -1);

  gtk_switch_set_active (GTK_SWITCH (rejected), TRUE);
  assert_marks (fixture->turn, NULL, NULL, 4, 5, TRUE);
  take_screenshot (fixture, "marks");

  /* Shown when they change elsewhere, and not written again for another node. */
  esp_document_set_current (fixture->document, fixture->photo);
  g_assert_cmpint (esp_star_rating_get_value (stars), ==, 0);
  g_assert_cmpint (esp_tag_picker_get_tag (tag), ==, 0);
  g_assert_false (gtk_switch_get_active (GTK_SWITCH (rejected)));
  esp_document_undo_async (fixture->document, NULL, NULL, NULL);
  esp_document_undo_async (fixture->document, NULL, NULL, NULL);
  assert_marks (fixture->turn, NULL, NULL, 4, 0, FALSE);
  assert_marks (fixture->photo, NULL, NULL, 0, 0, FALSE);
}

static void
test_star_keys (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint key;
    int stars;
  } presses[] = {
    { GDK_KEY_3, 3 },    { GDK_KEY_Right, 4 }, { GDK_KEY_Up, 5 },   { GDK_KEY_Up, 5 },
    { GDK_KEY_Left, 4 }, { GDK_KEY_Down, 3 },  { GDK_KEY_End, 5 },  { GDK_KEY_Home, 0 },
    { GDK_KEY_KP_2, 2 }, { GDK_KEY_0, 0 },     { GDK_KEY_Left, 0 },
  };
  GtkWidget *stars;

  begin (fixture, fixture->turn);
  stars = get (fixture, ESP_TYPE_STAR_RATING);
  g_assert_true (gtk_widget_grab_focus (stars));
  for (gsize i = 0; i < G_N_ELEMENTS (presses); i++)
    {
      g_assert_true (widgets_press_key (stars, presses[i].key));
      g_assert_cmpint (esp_star_rating_get_value (ESP_STAR_RATING (stars)), ==, presses[i].stars);
    }
  assert_marks (fixture->turn, NULL, NULL, 0, -1, -1);

  /* The other way round where one reads from the right. */
  gtk_widget_set_direction (stars, GTK_TEXT_DIR_RTL);
  g_assert_true (widgets_press_key (stars, GDK_KEY_Left));
  assert_marks (fixture->turn, NULL, NULL, 1, -1, -1);
}

static void
test_state (Fixture *fixture, gconstpointer data)
{
  EspNode *node = scratch_document_add_turn (fixture->document, fixture->turn, "Now make it snow");

  begin (fixture, node);
  g_assert_true (shows (fixture, "Waiting"));
  scratch_document_set_state (fixture->document, node, ESP_NODE_FAILED, "There was no memory.");
  g_assert_true (shows (fixture, "Failed"));
  g_assert_true (shows (fixture, "There was no memory."));
  g_assert_null (widgets_find_shown (GTK_WIDGET (fixture->details), has_action, "node.export"));
  take_screenshot (fixture, "failed");
}

static void
test_references (Fixture *fixture, gconstpointer data)
{
  GtkWidget *flow, *button;

  begin (fixture, fixture->turn);
  flow = get (fixture, GTK_TYPE_FLOW_BOX);
  button = widgets_find_shown (flow, widgets_has_type, GSIZE_TO_POINTER (GTK_TYPE_BUTTON));
  g_assert_nonnull (button);
  g_assert_cmpstr (gtk_widget_get_tooltip_text (button), ==, "photo.png");
  g_signal_emit_by_name (button, "clicked");
  g_assert_true (esp_document_get_current (fixture->document) == fixture->photo);
}

/* Tab reaches everything that can be changed or copied, and goes on. */
static void
test_tab (Fixture *fixture, gconstpointer data)
{
  GtkWidget *details = GTK_WIDGET (fixture->details);
  g_autoptr (GHashTable) reached = g_hash_table_new (NULL, NULL);
  GtkWidget *wanted[7];

  begin (fixture, fixture->turn);
  scratch_wait (50);
  wanted[0] = get (fixture, ESP_TYPE_STAR_RATING);
  wanted[1] = widgets_find_shown (details, has_tooltip, "Red");
  wanted[2] = get (fixture, GTK_TYPE_SWITCH);
  wanted[3] = get (fixture, GTK_TYPE_TEXT_VIEW);
  wanted[4] = widgets_find_shown (details, has_tooltip, "Copy Seed");
  wanted[5] = widgets_find_shown (details, has_tooltip, "photo.png");
  wanted[6] = widgets_find_shown (details, has_text, "12.3 s");
  for (int i = 0; i < 100; i++)
    {
      if (!gtk_widget_child_focus (details, GTK_DIR_TAB_FORWARD))
        break;
      g_hash_table_add (reached, gtk_window_get_focus (GTK_WINDOW (fixture->window)));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_assert_nonnull (wanted[i]);
      if (!g_hash_table_contains (reached, wanted[i]))
        g_test_message ("%s is not reached", G_OBJECT_TYPE_NAME (wanted[i]));
      g_assert_true (g_hash_table_contains (reached, wanted[i]));
    }
}

/* --- The rest of the image -------------------------------------------------------------------- */

static EspComposition *
create_composition (double changed)
{
  EspComposition *composition = esp_composition_new (ESP_KEEP_AUTO);

  composition->made = TRUE;
  composition->changed = changed;
  composition->registration = (EspRegistration){
    .shift_x = 1.2, .shift_y = -0.4, .scale = 0.997, .tint = { 0, -2.5, 1 }, .certain = TRUE
  };
  return composition;
}

static void
assert_shown (Fixture *fixture, const char *text)
{
  if (!shows (fixture, text))
    g_error ("“%s” is not shown", text);
}

static void
test_keep (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspComposition) composition = create_composition (0.127);
  EspNode *turn
      = scratch_document_add_turn (fixture->document, fixture->photo, "Paint the mast white");
  EspNode *below;

  composition->region = esp_region_new (10, 20, 300, 200);
  scratch_document_finish_kept (fixture->document, turn, 640, 480, 0x336699, 0x335577, composition);
  begin (fixture, turn);
  assert_shown (fixture, "87.3 % of the image is as it was, bit for bit.");
  assert_shown (fixture, "1.2 px to the right, 0.4 px up");
  assert_shown (fixture, "0.30 % smaller");
  assert_shown (fixture, "Red +0.0, green −2.5, blue +1.0");
  assert_shown (fixture, "300 × 200 pixels at 10, 20");
  assert_shown (fixture, "1 turn from the original");
  g_assert_nonnull (
      widgets_find_shown (GTK_WIDGET (fixture->details), has_action, "win.show-mask"));
  take_screenshot (fixture, "keep");

  /* What is made of it follows it, and says when it was made from another image. */
  below = scratch_document_add_turn (fixture->document, turn, "Add gulls");
  g_clear_pointer (&composition->region, esp_region_free);
  scratch_document_finish_kept (fixture->document, below, 640, 480, 0x336688, 0x335566,
                                composition);
  esp_document_set_current (fixture->document, below);
  assert_shown (fixture, "2 turns from the original");
  g_assert_false (shows (fixture, "The image that this was made from has changed."));
  scratch_document_take_all (fixture->document, turn);
  assert_shown (fixture, "The image that this was made from has changed.");
  take_screenshot (fixture, "outdated");
  esp_document_set_current (fixture->document, turn);
  g_assert_false (shows (fixture, "The image that this was made from has changed."));
  assert_shown (fixture,
                "All of the region was taken: 0.0 % of the image is as it was, bit for bit.");
  g_assert_false (shows (fixture, "1.2 px to the right, 0.4 px up"));

  /* No turn made a photo. */
  esp_document_set_current (fixture->document, fixture->photo);
  g_assert_false (shows (fixture, "Rest of the Image"));
}

static void
check_summary (Fixture *fixture, EspComposition *composition, const char *expected)
{
  EspNode *turn = scratch_document_add_turn (fixture->document, fixture->photo, "Anything");

  scratch_document_finish_kept (fixture->document, turn, 64, 48, 0x336699, 0x335577, composition);
  begin (fixture, turn);
  assert_shown (fixture, expected);
  esp_composition_free (composition);
}

static void
test_summaries (Fixture *fixture, gconstpointer data)
{
  EspComposition *composition = create_composition (0.9);

  composition->global = TRUE;
  check_summary (fixture, composition, "The whole image was changed: all of the result was taken.");
  composition = create_composition (1);
  composition->problem = g_strdup ("The memory was short.");
  check_summary (fixture, composition, "The memory was short.");
  check_summary (fixture, create_composition (0),
                 "Nothing was changed: the image is as it was, bit for bit.");
  /* Nearly all is not all, and a little not nothing. */
  check_summary (fixture, create_composition (0.00001),
                 "99.9 % of the image is as it was, bit for bit.");
  check_summary (fixture, create_composition (0.99999),
                 "0.1 % of the image is as it was, bit for bit.");
  composition = create_composition (0.25);
  composition->keep = ESP_KEEP_PAINTED;
  check_summary (fixture, composition,
                 "75.0 % of the image is as it was, bit for bit, by your mask.");
  begin (fixture, fixture->turn);
  assert_shown (fixture, "Switched off: all of the result was taken.");
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

  g_test_add ("/details/rows", Fixture, NULL, set_up, test_rows, tear_down);
  g_test_add ("/details/copy", Fixture, NULL, set_up, test_copy, tear_down);
  g_test_add ("/details/label", Fixture, NULL, set_up, test_label, tear_down);
  g_test_add ("/details/note", Fixture, NULL, set_up, test_note, tear_down);
  g_test_add ("/details/marks", Fixture, NULL, set_up, test_marks, tear_down);
  g_test_add ("/details/star-keys", Fixture, NULL, set_up, test_star_keys, tear_down);
  g_test_add ("/details/state", Fixture, NULL, set_up, test_state, tear_down);
  g_test_add ("/details/references", Fixture, NULL, set_up, test_references, tear_down);
  g_test_add ("/details/keep", Fixture, NULL, set_up, test_keep, tear_down);
  g_test_add ("/details/summaries", Fixture, NULL, set_up, test_summaries, tear_down);
  g_test_add ("/details/tab", Fixture, NULL, set_up, test_tab, tear_down);
  return g_test_run ();
}
