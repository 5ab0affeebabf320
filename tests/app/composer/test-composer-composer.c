/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-composer-composer.c: the composer with a real document, a real queue and a backend that does
 * what the test says. Pictures of what it looks like are kept in the folder
 * ESP_SCREENSHOTS where that is set. */
#include <adwaita.h>
#include <glib/gstdio.h>

#include "esp-backend-button.h"
#include "esp-composer.h"
#include "esp-variations-button.h"
#include "fake-backend.h"
#include "scratch-document.h"
#include "widgets.h"

static const char schema_text[]
    = "{\"type\":\"object\",\"properties\":{"
      "\"prompt\":{\"type\":\"string\",\"title\":\"Instruction\",\"widget\":\"text\"},"
      "\"negative_prompt\":{\"type\":\"string\",\"title\":\"Negative instruction\","
      "\"widget\":\"text\"},"
      "\"seed\":{\"type\":\"integer\",\"title\":\"Seed\",\"minimum\":0,\"default\":0,"
      "\"widget\":\"seed\"},"
      "\"steps\":{\"type\":\"integer\",\"title\":\"Steps\",\"minimum\":1,\"maximum\":1000,"
      "\"default\":28,\"widget\":\"slider\"},"
      "\"guidance\":{\"type\":\"number\",\"title\":\"Guidance\",\"minimum\":0,\"maximum\":100,"
      "\"default\":2.5,\"widget\":\"slider\"},"
      "\"size\":{\"type\":\"string\",\"title\":\"Size\",\"format\":\"image-size\","
      "\"default\":\"auto\",\"widget\":\"size\"},"
      "\"dtype\":{\"type\":\"string\",\"title\":\"Number format\",\"enum\":[\"auto\",\"f32\","
      "\"bf16\"],\"default\":\"auto\",\"widget\":\"choice\"}},\"required\":[\"prompt\"]}";

typedef struct
{
  GtkWidget *window;
  EspComposer *composer;
  EspDocument *document;
  EspRegistry *registry;
  EspQueue *queue;
  FakeBackend *backend;
  EspModel *model;
  EspNode *photo;
  guint n_added;
  guint n_setup;
  char *error;
} Fixture;

static void
on_added (Fixture *fixture, EspNode *node)
{
  g_assert_true (esp_document_get_current (fixture->document) == node);
  fixture->n_added++;
}

static void
on_setup (Fixture *fixture)
{
  fixture->n_setup++;
}

static void
on_error (Fixture *fixture, const char *message)
{
  g_free (fixture->error);
  fixture->error = g_strdup (message);
}

static EspSchema *
parse_schema (void)
{
  g_autoptr (JsonNode) node = json_from_string (schema_text, NULL);
  EspSchema *schema = esp_schema_new (node, NULL);

  g_assert_nonnull (schema);

  return schema;
}

static void
prepare_model (EspModel *model)
{
  esp_model_set_schema (model, parse_schema ());
  esp_model_set_features (model, ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT, 2);
  esp_model_set_price (model, 0, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);

  g_settings_reset (settings, "last-backend");
  g_settings_reset (settings, "last-model");
  g_settings_reset (settings, "keep-untouched");
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 96, 64, 0x3584e4);
  esp_document_set_current (fixture->document, fixture->photo);
  fixture->registry = esp_registry_new ();
  fixture->backend = fake_backend_new ("fake", 1);
  fake_backend_set_stepped (fixture->backend, TRUE);
  esp_registry_add (fixture->registry, ESP_BACKEND (fixture->backend));
  fixture->model = g_object_ref (esp_registry_find_model (fixture->registry, "fake", "model"));
  prepare_model (fixture->model);
  fixture->queue = esp_queue_new (fixture->registry);

  fixture->composer = ESP_COMPOSER (esp_composer_new ());
  fixture->window = gtk_window_new ();
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->composer));
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 800, -1);
  g_signal_connect_swapped (fixture->composer, "added", G_CALLBACK (on_added), fixture);
  g_signal_connect_swapped (fixture->composer, "needs-setup", G_CALLBACK (on_setup), fixture);
  g_signal_connect_swapped (fixture->composer, "error", G_CALLBACK (on_error), fixture);
  esp_composer_set_queue (fixture->composer, fixture->queue);
  esp_composer_set_document (fixture->composer, fixture->document);
  gtk_window_present (GTK_WINDOW (fixture->window));
  scratch_wait (50);
}

static gboolean
is_idle (gpointer data)
{
  Fixture *fixture = data;

  return !esp_queue_has_document (fixture->queue, fixture->document);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  esp_queue_stop_document (fixture->queue, fixture->document);
  g_assert_true (scratch_wait_for (is_idle, fixture));
  scratch_document_close (fixture->document);
  g_clear_object (&fixture->model);
  g_clear_object (&fixture->queue);
  g_clear_object (&fixture->registry);
  g_clear_object (&fixture->backend);
  g_clear_object (&fixture->document);
  g_clear_pointer (&fixture->error, g_free);
}

/* --- Finding one's way ------------------------------------------------------------------------ */

static GtkWidget *
find (Fixture *fixture, const char *type)
{
  GtkWidget *widget = widgets_find_type (GTK_WIDGET (fixture->composer), g_type_from_name (type));

  g_assert_nonnull (widget);

  return widget;
}

static void
write_instruction (Fixture *fixture, const char *text)
{
  GtkTextView *view = GTK_TEXT_VIEW (find (fixture, "GtkTextView"));

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (view), text, -1);
}

static gboolean
is_button_named (GtkWidget *widget, gconstpointer name)
{
  g_autofree char *problem = NULL;

  if (!GTK_IS_BUTTON (widget))
    return FALSE;
  problem = gtk_test_accessible_check_property (GTK_ACCESSIBLE (widget),
                                                GTK_ACCESSIBLE_PROPERTY_LABEL, name);
  return problem == NULL;
}

/* The button with this accessible name, as a person who cannot see it finds it. */
static GtkWidget *
find_button (GtkWidget *widget, const char *name)
{
  return widgets_find (widget, is_button_named, name);
}

static void
press_run (Fixture *fixture)
{
  GtkWidget *run = find_button (GTK_WIDGET (fixture->composer), "Run");

  g_assert_nonnull (run);
  if (!gtk_widget_get_sensitive (run))
    g_error ("Run is insensitive: %s", gtk_widget_get_tooltip_text (run));
  g_signal_emit_by_name (run, "clicked");
}

static gboolean
has_added (gpointer data)
{
  return ((Fixture *) data)->n_added > 0;
}

static gboolean
can_run (Fixture *fixture)
{
  return gtk_widget_get_sensitive (find_button (GTK_WIDGET (fixture->composer), "Run"));
}

static void
run_and_wait (Fixture *fixture, const char *text)
{
  write_instruction (fixture, text);
  fixture->n_added = 0;
  press_run (fixture);
  g_assert_true (scratch_wait_for (has_added, fixture));
}

static gboolean
is_begun (gpointer data)
{
  return fake_backend_get_n_running (((Fixture *) data)->backend) > 0;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void
test_run (Fixture *fixture, gconstpointer data)
{
  EspNode *node;

  g_assert_true (esp_composer_get_model (fixture->composer) == fixture->model);
  g_assert_false (can_run (fixture));
  write_instruction (fixture, "  \n");
  g_assert_false (can_run (fixture));

  run_and_wait (fixture, "Make it red ");
  node = esp_document_get_current (fixture->document);
  g_assert_true (esp_node_get_parent (node) == fixture->photo);
  g_assert_cmpstr (esp_node_get_instruction (node), ==, "Make it red");
  g_assert_cmpstr (esp_node_get_backend (node), ==, "fake");
  g_assert_cmpstr (esp_node_get_model (node), ==, "model");
  g_assert_null (esp_node_get_negative_prompt (node));
  g_assert_true (esp_node_has_seed (node));
  g_assert_cmpuint (esp_node_get_seed (node), <=, G_MAXUINT32);
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (node), "steps"), ==, 28);
  g_assert_false (json_object_has_member (esp_node_get_parameters (node), "seed"));
  g_assert_null (fixture->error);

  /* Nothing is lost: the text is still there. */
  g_assert_cmpstr (esp_composer_get_instruction (fixture->composer), ==, "Make it red ");
}

/* Two presses are one turn. */
static void
test_double_press (Fixture *fixture, gconstpointer data)
{
  write_instruction (fixture, "Once");
  press_run (fixture);
  gtk_widget_activate_action (GTK_WIDGET (fixture->composer), "composer.run", NULL);
  g_assert_true (scratch_wait_for (has_added, fixture));
  gtk_widget_activate_action (GTK_WIDGET (fixture->composer), "composer.run", NULL);
  scratch_wait (200);
  g_assert_cmpuint (fixture->n_added, ==, 1);
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 2);
}

static void
test_variations (Fixture *fixture, gconstpointer data)
{
  GListModel *children = esp_node_get_children (fixture->photo);
  guint64 first = 0;

  write_instruction (fixture, "Four");
  gtk_widget_activate_action (GTK_WIDGET (fixture->composer), "composer.run-times", "i", 4);
  g_assert_true (scratch_wait_for (has_added, fixture));
  g_assert_cmpuint (fixture->n_added, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (children), ==, 4);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (EspNode) node = g_list_model_get_item (children, i);

      if (i == 0)
        first = esp_node_get_seed (node);
      g_assert_cmpuint (esp_node_get_seed (node), ==, first + i);
      g_assert_nonnull (esp_queue_find (fixture->queue, node));
    }
}

static gboolean
is_run_back (gpointer data)
{
  return !gtk_widget_get_mapped (find_button (GTK_WIDGET (((Fixture *) data)->composer), "Cancel"));
}

/* While the current turn runs, Run gives way to how far it is and Cancel; elsewhere it does not. */
static void
test_progress (Fixture *fixture, gconstpointer data)
{
  EspBackendNews news = { .fraction = 0.4, .step = 12, .steps = 28, .seconds_left = 9 };
  GtkWidget *composer = GTK_WIDGET (fixture->composer);
  EspNode *node;

  run_and_wait (fixture, "Slow");
  node = esp_document_get_current (fixture->document);
  g_assert_true (scratch_wait_for (is_begun, fixture));
  g_assert_true (gtk_widget_get_mapped (find_button (composer, "Cancel")));
  fake_backend_tell (fixture->backend, "Slow", &news);
  scratch_wait (100);

  esp_document_set_current (fixture->document, fixture->photo);
  scratch_wait (20);
  g_assert_false (gtk_widget_get_mapped (find_button (composer, "Cancel")));
  g_assert_true (can_run (fixture));

  esp_document_set_current (fixture->document, node);
  scratch_wait (20);
  g_assert_true (gtk_widget_get_mapped (find_button (composer, "Cancel")));
  scratch_wait (600);
  g_signal_emit_by_name (find_button (composer, "Cancel"), "clicked");
  g_assert_true (scratch_wait_for (is_run_back, fixture));
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_CANCELLED);

  /* The next turn starts from what the cancelled one started from. */
  run_and_wait (fixture, "Other");
  g_assert_true (esp_node_get_parent (esp_document_get_current (fixture->document))
                 == fixture->photo);
}

static gboolean
shows (GtkWidget *widget, const char *text)
{
  if (!gtk_widget_get_visible (widget))
    return FALSE;
  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL)
    return TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (!GTK_IS_POPOVER (child) && shows (child, text))
      return TRUE;
  return FALSE;
}

static void
test_obstacles (Fixture *fixture, gconstpointer data)
{
  EspNode *second = scratch_document_import (fixture->document, 32, 32, 0xff0000);
  EspNode *third = scratch_document_import (fixture->document, 32, 32, 0x00ff00);
  EspNode *fourth = scratch_document_import (fixture->document, 32, 32, 0x0000ff);

  write_instruction (fixture, "Go");
  g_assert_true (can_run (fixture));
  esp_model_set_state (fixture->model, ESP_MODEL_NEEDS_KEY, NULL);
  g_assert_false (can_run (fixture));
  g_assert_true (shows (GTK_WIDGET (fixture->composer), "needs a key"));
  esp_model_set_state (fixture->model, ESP_MODEL_BROKEN, "It fell over.");
  g_assert_true (shows (GTK_WIDGET (fixture->composer), "It fell over."));
  esp_model_set_state (fixture->model, ESP_MODEL_READY, NULL);
  g_assert_true (can_run (fixture));
  g_assert_false (shows (GTK_WIDGET (fixture->composer), "It fell over."));

  esp_composer_add_reference (fixture->composer, second);
  esp_composer_add_reference (fixture->composer, third);
  g_assert_true (can_run (fixture));
  g_assert_null (fixture->error);
  esp_composer_add_reference (fixture->composer, fourth);
  g_assert_nonnull (fixture->error);
  g_assert_false (can_run (fixture));
  g_assert_nonnull (find_button (GTK_WIDGET (fixture->composer), "Run"));

  esp_composer_set_document (fixture->composer, NULL);
  g_assert_false (can_run (fixture));
}

static void
test_references (Fixture *fixture, gconstpointer data)
{
  EspNode *second = scratch_document_import (fixture->document, 32, 32, 0xff0000);
  EspNode *node;

  esp_composer_add_reference (fixture->composer, second);
  esp_composer_add_reference (fixture->composer, second);
  run_and_wait (fixture, "With it");
  node = esp_document_get_current (fixture->document);
  g_assert_cmpuint (esp_node_get_references (node)->len, ==, 1);
  g_assert_true (g_ptr_array_index (esp_node_get_references (node), 0) == second);

  /* What was made with it brings it along. */
  esp_composer_use_node (fixture->composer, node, ESP_COMPOSER_ALL);
  g_assert_true (gtk_widget_get_visible (find (fixture, "EspReferenceChips")));
}

static void
test_recipe (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) recipe = json_from_string (
      "{\"prompt\":\"From a file\",\"seed\":77,\"steps\":12,\"guidance\":4,\"width\":640,"
      "\"height\":480,\"dtype\":\"f32\",\"model\":{\"name\":\"unknown\"},\"rubbish\":[1]}",
      NULL);
  EspNode *node;
  JsonObject *parameters;

  write_instruction (fixture, "My draft");
  esp_composer_use_recipe (fixture->composer, json_node_get_object (recipe), ESP_COMPOSER_ALL);
  g_assert_cmpstr (esp_composer_get_instruction (fixture->composer), ==, "From a file");
  press_run (fixture);
  g_assert_true (scratch_wait_for (has_added, fixture));
  node = esp_document_get_current (fixture->document);
  parameters = esp_node_get_parameters (node);
  g_assert_cmpuint (esp_node_get_seed (node), ==, 77);
  g_assert_cmpint (json_object_get_int_member (parameters, "steps"), ==, 12);
  g_assert_cmpstr (json_object_get_string_member (parameters, "size"), ==, "640x480");
  g_assert_cmpstr (json_object_get_string_member (parameters, "dtype"), ==, "auto");
  g_assert_false (json_object_has_member (parameters, "rubbish"));
}

static void
test_run_again (Fixture *fixture, gconstpointer data)
{
  EspNode *node, *again;

  run_and_wait (fixture, "Again");
  node = esp_document_get_current (fixture->document);
  write_instruction (fixture, "A draft");
  fixture->n_added = 0;
  esp_composer_run_again (fixture->composer, node, FALSE);
  g_assert_true (scratch_wait_for (has_added, fixture));
  again = esp_document_get_current (fixture->document);
  g_assert_true (again != node);
  g_assert_cmpstr (esp_node_get_instruction (again), ==, "Again");
  g_assert_cmpuint (esp_node_get_seed (again), ==, esp_node_get_seed (node));
  g_assert_nonnull (esp_queue_find (fixture->queue, again));
  g_assert_cmpstr (esp_composer_get_instruction (fixture->composer), ==, "A draft");

  esp_composer_run_again (fixture->composer, fixture->photo, FALSE);
  g_assert_nonnull (fixture->error);
}

static void
test_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GVariant) second_state = NULL;
  g_autoptr (EspComposer) other = NULL;
  g_autoptr (JsonNode) recipe = json_from_string ("{\"seed\":5,\"steps\":9}", NULL);
  EspNode *reference = scratch_document_import (fixture->document, 32, 32, 0xff0000);

  write_instruction (fixture, "Unfinished");
  esp_composer_use_recipe (fixture->composer, json_node_get_object (recipe), ESP_COMPOSER_ALL);
  esp_composer_add_reference (fixture->composer, reference);
  state = esp_composer_dup_state (fixture->composer);

  other = g_object_ref_sink (ESP_COMPOSER (esp_composer_new ()));
  esp_composer_set_queue (other, fixture->queue);
  esp_composer_set_document (other, fixture->document);
  esp_composer_restore_state (other, state);
  second_state = esp_composer_dup_state (other);
  g_assert_cmpvariant (state, second_state);
  g_assert_cmpstr (esp_composer_get_instruction (other), ==, "Unfinished");
}

/* Suggestions show up with the model and fill in the text. */
static void
test_suggestions (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = { "Make it snow", "Add fog", NULL };
  GtkWidget *suggestions = find (fixture, "EspSuggestions");

  g_assert_false (gtk_widget_get_visible (suggestions));
  esp_model_set_instructions (fixture->model, texts);
  g_assert_true (gtk_widget_get_visible (suggestions));
  write_instruction (fixture, "My draft");
  g_signal_emit_by_name (widgets_find_type (suggestions, GTK_TYPE_BUTTON), "clicked");
  g_assert_cmpstr (esp_composer_get_instruction (fixture->composer), ==, "Make it snow");
  g_assert_true (can_run (fixture));
}

static void
test_needs_setup (Fixture *fixture, gconstpointer data)
{
  GtkListBox *list
      = GTK_LIST_BOX (widgets_find_type (find (fixture, "EspBackendButton"), GTK_TYPE_LIST_BOX));

  esp_model_set_state (fixture->model, ESP_MODEL_NEEDS_MODEL, NULL);
  g_signal_emit_by_name (list, "row-activated", gtk_list_box_get_row_at_index (list, 0));
  g_assert_cmpuint (fixture->n_setup, ==, 1);
  g_assert_true (esp_composer_get_model (fixture->composer) == fixture->model);
}

/* A model that is removed cannot be run with; when it is back, so are its settings. */
static void
test_vanish (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) recipe = json_from_string ("{\"steps\":11}", NULL);
  GListModel *models = esp_backend_get_models (ESP_BACKEND (fixture->backend));
  EspNode *node;

  write_instruction (fixture, "Go");
  esp_composer_use_recipe (fixture->composer, json_node_get_object (recipe), ESP_COMPOSER_SETTINGS);
  g_list_store_remove_all (G_LIST_STORE (models));
  g_assert_null (esp_composer_get_model (fixture->composer));
  g_assert_false (can_run (fixture));
  g_list_store_append (G_LIST_STORE (models), fixture->model);
  g_assert_true (esp_composer_get_model (fixture->composer) == fixture->model);
  press_run (fixture);
  g_assert_true (scratch_wait_for (has_added, fixture));
  node = esp_document_get_current (fixture->document);
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (node), "steps"), ==, 11);
}

static gboolean
has_job (gpointer data)
{
  return esp_queue_has_document (((Fixture *) data)->queue, ((Fixture *) data)->document);
}

/* What was asked for is done, even if the window is closed before it is stored. */
static void
test_close (Fixture *fixture, gconstpointer data)
{
  write_instruction (fixture, "Last wish");
  press_run (fixture);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  fixture->window = gtk_window_new ();
  g_assert_true (scratch_wait_for (has_job, fixture));
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 2);
}

/* --- What it looks like ----------------------------------------------------------------------- */

/* A picture of the screen, with what pops up; taken away again where nobody asked for it. Where the
 * program that takes it is missing, the rest of the case is run all the same. */
static void
save (Fixture *fixture, const char *name)
{
  const char *asked = g_getenv ("ESP_SCREENSHOTS");
  g_autofree char *folder
      = asked != NULL ? g_strdup (asked) : g_dir_make_tmp ("composer-XXXXXX", NULL);
  g_autofree char *file = g_strdup_printf ("composer-%s.png", name);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *program = g_find_program_in_path ("import");
  const char *argv[] = { program, "-window", "root", path, NULL };
  g_autoptr (GdkPixbuf) picture = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  scratch_wait (400);
  if (program != NULL)
    {
      g_mkdir_with_parents (folder, 0700);
      g_assert_true (
          g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, NULL, NULL, &status, &error));
      g_assert_true (g_spawn_check_wait_status (status, &error));
      picture = gdk_pixbuf_new_from_file (path, &error);
      g_assert_no_error (error);
      g_assert_cmpint (gdk_pixbuf_get_width (picture), >, 360);
    }
  if (asked == NULL)
    {
      g_remove (path);
      g_rmdir (folder);
    }
}

static void
show (Fixture *fixture, int width)
{
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), width, 760);
  scratch_wait (200);
}

static void
test_look (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = { "Make the photo black and white",
                                       "Give the photo a sepia tone",
                                       "Make it snow",
                                       "Make it look like golden hour",
                                       "Turn the photo into a pencil sketch",
                                       "Add a white frame",
                                       NULL };
  EspBackendNews news = { .fraction = 0.4, .step = 12, .steps = 28, .seconds_left = 9 };
  GtkWidget *popover = find (fixture, "EspParameterPopover");
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *space = gtk_label_new (NULL);
  GtkWidget *presets;
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);

  g_object_ref (fixture->composer);
  gtk_window_set_child (GTK_WINDOW (fixture->window), NULL);
  gtk_widget_set_size_request (space, -1, 480);
  gtk_widget_set_vexpand (space, TRUE);
  gtk_box_append (GTK_BOX (box), space);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->composer));
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_widget_set_margin_bottom (box, 12);
  gtk_window_set_child (GTK_WINDOW (fixture->window), box);
  g_object_unref (fixture->composer);

  esp_model_set_price (fixture->model, 0.05, "USD");
  show (fixture, 800);
  save (fixture, "empty");
  esp_model_set_instructions (fixture->model, texts);
  esp_composer_add_reference (fixture->composer, fixture->photo);
  esp_composer_add_reference (fixture->composer,
                              scratch_document_import (fixture->document, 64, 96, 0xe01b24));
  write_instruction (fixture, "Make the sails red, keep everything else");
  save (fixture, "wide");
  gtk_popover_popup (GTK_POPOVER (popover));
  save (fixture, "settings");
  gtk_expander_set_expanded (GTK_EXPANDER (widgets_find_type (popover, GTK_TYPE_EXPANDER)), TRUE);
  presets = widgets_find_type (popover, GTK_TYPE_MENU_BUTTON);
  g_settings_set_string (settings, "presets",
                         "[{\"name\":\"Quick look\"},{\"name\":\"Slow and fine\"}]");
  gtk_menu_button_popup (GTK_MENU_BUTTON (presets));
  save (fixture, "presets");
  gtk_menu_button_popdown (GTK_MENU_BUTTON (presets));
  gtk_popover_popdown (GTK_POPOVER (popover));
  gtk_menu_button_popup (GTK_MENU_BUTTON (
      widgets_find_type (find (fixture, "EspBackendButton"), GTK_TYPE_MENU_BUTTON)));
  save (fixture, "backends");
  gtk_menu_button_popdown (GTK_MENU_BUTTON (
      widgets_find_type (find (fixture, "EspBackendButton"), GTK_TYPE_MENU_BUTTON)));
  press_run (fixture);
  g_assert_true (scratch_wait_for (is_begun, fixture));
  fake_backend_tell (fixture->backend, "Make the sails red, keep everything else", &news);
  save (fixture, "running");
  gtk_widget_set_size_request (fixture->window, 360, -1);
  show (fixture, 360);
  save (fixture, "narrow-running");
  esp_document_set_current (fixture->document, fixture->photo);
  write_instruction (fixture, "One long instruction that goes on and on, over several lines, until "
                              "it has to be scrolled, since nobody wants the text to take the room "
                              "that the picture needs, and there is more to say than fits, which "
                              "is what this sentence is for, in the end, with some more words.");
  save (fixture, "narrow");
}

#define ADD(name, function)                                                                        \
  g_test_add ("/app/composer/" name, Fixture, NULL, set_up, function, tear_down)

/* A model that nobody has asked for anything says nothing of itself. */
static void
test_model_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GtkWidget) button = g_object_ref_sink (esp_backend_button_new ());
  g_autoptr (EspModel) model = esp_model_new (ESP_BACKEND (fixture->backend), "other", "Other");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *ready = NULL;

  g_assert_cmpint (esp_model_get_state (model), ==, ESP_MODEL_STARTING);
  before = esp_backend_button_dup_state_text (ESP_BACKEND_BUTTON (button), model);
  g_assert_cmpstr (before, ==, "");
  esp_model_prepare (model);
  after = esp_backend_button_dup_state_text (ESP_BACKEND_BUTTON (button), model);
  g_assert_cmpstr (after, ==, "Starting…");
  esp_model_set_state (model, ESP_MODEL_READY, NULL);
  ready = esp_backend_button_dup_state_text (ESP_BACKEND_BUTTON (button), model);
  g_assert_cmpstr (ready, ==, "Ready");
}

static gboolean
on_ask (EspComposer *composer, EspModel *model, guint count, gboolean next, guint *asked)
{
  *asked = count;
  return TRUE;
}

/* What costs says so on the button; who is asked first runs it later; what may not be sent is not.
 */
static void
test_provider (Fixture *fixture, gconstpointer data)
{
  GListModel *children = esp_node_get_children (fixture->photo);
  EspVariationsButton *variations = ESP_VARIATIONS_BUTTON (find (fixture, "EspVariationsButton"));
  guint asked = 0;
  gulong id = g_signal_connect (fixture->composer, "ask", G_CALLBACK (on_ask), &asked);

  esp_model_set_price (fixture->model, 0.025, "USD");
  g_assert_true (shows (GTK_WIDGET (fixture->composer), "Run · $0.025"));
  esp_variations_button_set_count (variations, 3);
  g_assert_true (shows (GTK_WIDGET (fixture->composer), "Run · 3 × $0.025"));

  write_instruction (fixture, "Go");
  press_run (fixture);
  g_assert_cmpuint (asked, ==, 3);
  g_assert_cmpuint (g_list_model_get_n_items (children), ==, 0);

  esp_composer_set_obstacle (fixture->composer, "Nothing may leave.");
  g_assert_false (can_run (fixture));
  asked = 0;
  gtk_widget_activate_action (GTK_WIDGET (fixture->composer), "composer.run-times", "i", 2);
  g_assert_cmpuint (asked, ==, 0);
  esp_composer_set_obstacle (fixture->composer, NULL);
  g_assert_true (can_run (fixture));

  esp_composer_run (fixture->composer, 2, FALSE);
  g_assert_true (scratch_wait_for (has_added, fixture));
  g_assert_cmpuint (asked, ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (children), ==, 2);
  g_signal_handler_disconnect (fixture->composer, id);
}

/* The same is asked of another model: what it knows of the settings is taken along. */
static void
test_try_with (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FakeBackend) other = fake_backend_new ("other", 1);
  EspModel *model;
  EspNode *first, *second;

  esp_registry_add (fixture->registry, ESP_BACKEND (other));
  model = esp_registry_find_model (fixture->registry, "other", "model");
  prepare_model (model);
  run_and_wait (fixture, "Make it red");
  first = esp_document_get_current (fixture->document);
  write_instruction (fixture, "Something else");

  fixture->n_added = 0;
  esp_composer_try_with (fixture->composer, first, model);
  g_assert_true (scratch_wait_for (has_added, fixture));
  second = esp_document_get_current (fixture->document);
  g_assert_true (second != first);
  g_assert_true (esp_node_get_parent (second) == fixture->photo);
  g_assert_cmpstr (esp_node_get_backend (second), ==, "other");
  g_assert_cmpstr (esp_node_get_instruction (second), ==, "Make it red");
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (second), "steps"), ==, 28);
  g_assert_cmpstr (esp_composer_get_instruction (fixture->composer), ==, "Something else");
}

static gboolean
is_keep_switch (GtkWidget *widget, gconstpointer data)
{
  return GTK_IS_SWITCH (widget);
}

static GtkSwitch *
find_keep_switch (Fixture *fixture)
{
  GtkWidget *found = widgets_find (fixture->window, is_keep_switch, NULL);

  g_assert_nonnull (found);
  return GTK_SWITCH (found);
}

/* Untouched pixels are kept unless someone says otherwise; it shows when they are not, and the next
 * window begins the same way. */
static void
test_keep (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  GtkWidget *chips = find (fixture, "EspKeepChips");
  GtkWidget *button = find_button (chips, "Keep Untouched Pixels Again");
  GtkWidget *other = g_object_ref_sink (esp_composer_new ());
  EspNode *kept, *whole;

  g_assert_true (esp_composer_get_keep (fixture->composer));
  g_assert_true (gtk_switch_get_active (find_keep_switch (fixture)));
  g_assert_false (gtk_widget_get_visible (chips));
  run_and_wait (fixture, "Make it red");
  kept = esp_document_get_current (fixture->document);
  g_assert_cmpint (esp_node_get_composition (kept)->keep, ==, ESP_KEEP_AUTO);
  esp_document_set_current (fixture->document, fixture->photo);

  gtk_switch_set_active (find_keep_switch (fixture), FALSE);
  g_assert_true (gtk_widget_get_visible (chips) && gtk_widget_get_mapped (button));
  g_assert_false (g_settings_get_boolean (settings, "keep-untouched"));
  run_and_wait (fixture, "Make it blue");
  whole = esp_document_get_current (fixture->document);
  g_assert_null (esp_node_get_composition (whole)); /* nothing of the kind */

  /* What another turn did is taken over for this one, and remembered by nobody. */
  esp_composer_use_node (fixture->composer, kept, ESP_COMPOSER_SETTINGS);
  g_assert_true (esp_composer_get_keep (fixture->composer));
  g_assert_false (gtk_widget_get_visible (chips));
  g_assert_false (g_settings_get_boolean (settings, "keep-untouched"));
  esp_composer_use_node (fixture->composer, whole, ESP_COMPOSER_SETTINGS);
  g_assert_false (esp_composer_get_keep (fixture->composer));
  g_clear_object (&other);
  other = g_object_ref_sink (esp_composer_new ());
  g_assert_false (esp_composer_get_keep (ESP_COMPOSER (other)));

  /* The chip switches it on again, for good; the keyboard is not lost with it. */
  gtk_widget_grab_focus (button);
  g_signal_emit_by_name (button, "clicked");
  g_assert_true (gtk_switch_get_active (find_keep_switch (fixture)));
  g_assert_true (g_settings_get_boolean (settings, "keep-untouched"));
  g_assert_false (gtk_widget_get_visible (chips));
  g_assert_nonnull (gtk_root_get_focus (GTK_ROOT (fixture->window)));
  g_assert_true (gtk_widget_get_mapped (gtk_root_get_focus (GTK_ROOT (fixture->window))));
  g_clear_object (&other);
}

static void
on_region (EspComposer *composer, GParamSpec *pspec, guint *n)
{
  (*n)++;
}

static void
test_region (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspRegion) region = esp_region_new (8, 4, 40, 32);
  GtkWidget *chips = find (fixture, "EspKeepChips");
  GtkWidget *drop = find_button (chips, "Edit the Whole Image");
  EspTurn turn;
  EspNode *base, *with_region, *small;
  char *obstacle = NULL;
  guint n = 0;

  g_signal_connect (fixture->composer, "notify::region", G_CALLBACK (on_region), &n);
  g_object_set (fixture->composer, "region", region, NULL);
  g_assert_cmpuint (n, ==, 1);
  g_assert_true (gtk_widget_get_visible (chips) && gtk_widget_get_mapped (drop));
  write_instruction (fixture, "Make it red");
  g_assert_true (esp_composer_get_turn (fixture->composer, &turn, &base, &obstacle));
  g_assert_true (esp_region_equal (turn.composition->region, region));
  run_and_wait (fixture, "Make it red");
  with_region = esp_document_get_current (fixture->document);
  g_assert_true (esp_region_equal (esp_node_get_composition (with_region)->region, region));
  esp_document_set_current (fixture->document, fixture->photo);

  g_signal_emit_by_name (drop, "clicked");
  g_assert_null (esp_composer_get_region (fixture->composer));
  g_assert_cmpuint (n, ==, 2);
  g_assert_false (gtk_widget_get_visible (chips));

  /* It comes back with the settings, where it means the same. */
  esp_composer_use_node (fixture->composer, with_region, ESP_COMPOSER_SETTINGS);
  g_assert_true (esp_region_equal (esp_composer_get_region (fixture->composer), region));
  small = scratch_document_import (fixture->document, 20, 20, 0xff0000);
  esp_document_set_current (fixture->document, small);
  g_clear_pointer (&fixture->error, g_free);
  esp_composer_use_node (fixture->composer, with_region, ESP_COMPOSER_SETTINGS);
  g_assert_null (esp_composer_get_region (fixture->composer));
  g_assert_nonnull (fixture->error);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  if (g_getenv ("ESP_RTL") != NULL)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  ADD ("run", test_run);
  ADD ("double-press", test_double_press);
  ADD ("variations", test_variations);
  ADD ("progress", test_progress);
  ADD ("obstacles", test_obstacles);
  ADD ("references", test_references);
  ADD ("recipe", test_recipe);
  ADD ("run-again", test_run_again);
  ADD ("state", test_state);
  ADD ("suggestions", test_suggestions);
  ADD ("needs-setup", test_needs_setup);
  ADD ("model-state", test_model_state);
  ADD ("provider", test_provider);
  ADD ("try-with", test_try_with);
  ADD ("keep", test_keep);
  ADD ("region", test_region);
  ADD ("vanish", test_vanish);
  ADD ("close", test_close);
  ADD ("look", test_look);

  return g_test_run ();
}
