/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-grid-fixture.c: see sweep-grid-fixture.h. */
#include "sweep-grid-fixture.h"

#include <stdarg.h>

#define PROPERTIES                                                                                 \
  "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":100,\"default\":2.5},"              \
  "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":64,\"default\":28},"                  \
  "\"strength\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1,\"default\":1}"

/* --- Sweeps ----------------------------------------------------------------------------------- */

static EspTurn
get_turn (void)
{
  return (EspTurn){ .instruction = "Make it red",
                    .backend = "fake",
                    .model = "model",
                    .model_name = "Fake",
                    .has_seed = TRUE,
                    .seed = 1 };
}

EspSweepPlan *
make_plan (Fixture *fixture, ...)
{
  static const char *const models[] = { "fake/model", NULL };
  EspTurn turn = get_turn ();
  EspAxisContext context = { .registry = fixture->registry,
                             .models = models,
                             .document = fixture->document,
                             .instruction = turn.instruction,
                             .seed = turn.seed };
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  g_autoptr (GError) error = NULL;
  EspSweepPlan *plan;
  const char *name;
  va_list list;

  va_start (list, fixture);
  while ((name = va_arg (list, const char *)) != NULL)
    {
      EspAxis *axis = esp_axis_parse (name, va_arg (list, const char *), &context, &error);

      g_assert_no_error (error);
      g_ptr_array_add (axes, axis);
    }
  va_end (list);
  plan = esp_sweep_plan_new (esp_node_get_id (fixture->photo), &turn, axes, ESP_SWEEP_LISTED,
                             &error);
  g_assert_no_error (error);
  return plan;
}

static void
take_sweep (Fixture *fixture, EspSweep *sweep)
{
  g_assert_nonnull (sweep);
  esp_sweep_grid_set_sweep (fixture->grid, NULL, NULL);
  g_set_object (&fixture->sweep, sweep);
  esp_sweep_grid_set_sweep (fixture->grid, sweep, fixture->queue);
  settle (fixture);
}

void
show_sweep (Fixture *fixture, EspSweepPlan *plan, gboolean draft)
{
  guint n = esp_sweep_plan_get_n_cells (plan);
  g_autofree EspSweepTurn *turns = g_new0 (EspSweepTurn, n);
  g_autoptr (GPtrArray) owners = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *json = esp_sweep_plan_dup_json (plan);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (EspSweep) sweep = NULL;
  g_autoptr (GError) error = NULL;
  guint n_turns = 0;
  gint64 id = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *skipped = NULL;
      GObject *owner = NULL;
      gint64 parent;

      if (!esp_sweep_plan_get_turn (plan, i, fixture->registry, &turns[n_turns].turn, &parent,
                                    &owner, &skipped))
        continue;
      g_ptr_array_add (owners, owner);
      turns[n_turns].cell = i;
      turns[n_turns].draft = draft;
      turns[n_turns++].parent = esp_document_get_node (fixture->document, parent);
    }
  esp_document_add_sweep_async (fixture->document, 0, json, turns, n_turns, NULL,
                                scratch_take_result, &result);
  nodes = esp_document_add_sweep_finish (fixture->document, scratch_wait_for_result (&result), &id,
                                         &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nodes->len, ==, n_turns);
  sweep = esp_sweep_get (fixture->document, id, fixture->registry);
  take_sweep (fixture, sweep);
}

void
start_sweep (Fixture *fixture, EspSweepPlan *plan)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspSweep) sweep = NULL;
  g_autoptr (GError) error = NULL;

  esp_sweep_start_async (fixture->document, fixture->queue, plan, 0, NULL, scratch_take_result,
                         &result);
  sweep = esp_sweep_start_finish (scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
  take_sweep (fixture, sweep);
}

/* --- Cells ------------------------------------------------------------------------------------ */

void
finish_cell_sized (Fixture *fixture, guint cell, int width, int height, guint color)
{
  scratch_document_finish_turn (fixture->document, esp_sweep_get_node (fixture->sweep, cell), width,
                                height, color);
  settle (fixture);
}

void
finish_cell (Fixture *fixture, guint cell, guint color)
{
  finish_cell_sized (fixture, cell, 40, 30, color);
}

void
finish_all (Fixture *fixture)
{
  guint n = esp_sweep_plan_get_n_cells (esp_sweep_get_plan (fixture->sweep));

  for (guint i = 0; i < n; i++)
    if (esp_sweep_get_node (fixture->sweep, i) != NULL)
      scratch_document_finish_turn (fixture->document, esp_sweep_get_node (fixture->sweep, i), 40,
                                    30, 0x101010 * (i % 15));
  settle (fixture);
}

void
fail_cell (Fixture *fixture, guint cell, const char *message)
{
  scratch_document_set_state (fixture->document, esp_sweep_get_node (fixture->sweep, cell),
                              ESP_NODE_FAILED, message);
  settle (fixture);
}

static void
finish_edit (Fixture *fixture, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  esp_document_edit_finish (fixture->document, scratch_wait_for_result (result), &error);
  g_assert_no_error (error);
  g_clear_object (result);
  settle (fixture);
}

static GPtrArray *
list_nodes (Fixture *fixture, guint first, guint n)
{
  GPtrArray *nodes = g_ptr_array_new ();

  for (guint i = first; i < first + n; i++)
    g_ptr_array_add (nodes, esp_sweep_get_node (fixture->sweep, i));
  return nodes;
}

void
delete_cells (Fixture *fixture, guint first, guint n)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = list_nodes (fixture, first, n);

  esp_document_delete_async (fixture->document, nodes, NULL, scratch_take_result, &result);
  finish_edit (fixture, &result);
}

void
set_stars (Fixture *fixture, guint cell, int stars)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = list_nodes (fixture, cell, 1);

  esp_document_set_stars_async (fixture->document, nodes, stars, NULL, scratch_take_result,
                                &result);
  finish_edit (fixture, &result);
}

void
set_rejected (Fixture *fixture, guint cell)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) nodes = list_nodes (fixture, cell, 1);

  esp_document_set_rejected_async (fixture->document, nodes, TRUE, NULL, scratch_take_result,
                                   &result);
  finish_edit (fixture, &result);
}

/* --- What is seen ----------------------------------------------------------------------------- */

void
settle (Fixture *fixture)
{
  scratch_wait (60);
  /* News are told a moment later. */
  scratch_wait (120);
}

static gboolean
is_seen_of_type (GtkWidget *widget, gconstpointer type)
{
  return gtk_widget_get_mapped (widget) && widgets_has_type (widget, type);
}

static GPtrArray *
find_all (Fixture *fixture, GType type)
{
  return widgets_find_all (GTK_WIDGET (fixture->cells), is_seen_of_type, GSIZE_TO_POINTER (type));
}

EspSweepCell *
find_cell (Fixture *fixture, guint cell)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_SWEEP_CELL);

  for (guint i = 0; i < found->len; i++)
    if (esp_sweep_cell_get_cell (found->pdata[i]) == cell)
      return found->pdata[i];
  return NULL;
}

char *
dup_headers (Fixture *fixture, GtkAccessibleRole role)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_SWEEP_HEADER);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < found->len; i++)
    if (gtk_accessible_get_accessible_role (found->pdata[i]) == role
        && !gtk_widget_has_css_class (found->pdata[i], "corner"))
      g_string_append_printf (text, "%s%s", text->len > 0 ? "|" : "",
                              esp_sweep_header_get_text (found->pdata[i]));
  return g_string_free (text, FALSE);
}

char *
dup_cells (Fixture *fixture)
{
  g_autoptr (GPtrArray) found = find_all (fixture, ESP_TYPE_SWEEP_CELL);
  GString *text = g_string_new (NULL);
  GtkWidget *line = NULL;

  for (guint i = 0; i < found->len; i++)
    {
      if (line != NULL)
        g_string_append (text, gtk_widget_get_parent (found->pdata[i]) == line ? " " : "/");
      line = gtk_widget_get_parent (found->pdata[i]);
      g_string_append_printf (text, "%u", esp_sweep_cell_get_cell (found->pdata[i]));
    }
  return g_string_free (text, FALSE);
}

char *
dup_selected (Fixture *fixture)
{
  g_autoptr (GPtrArray) nodes = esp_sweep_grid_dup_selection (fixture->grid);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < nodes->len; i++)
    g_string_append_printf (text, "%s%u", text->len > 0 ? " " : "",
                            esp_node_get_cell (nodes->pdata[i]));
  return g_string_free (text, FALSE);
}

guint
get_color (Fixture *fixture, guint cell)
{
  GtkWidget *widget = GTK_WIDGET (find_cell (fixture, cell));
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "sweep-grid.png", NULL);
  g_autoptr (GdkPixbuf) picture = NULL;
  graphene_rect_t bounds;
  const guchar *pixel;

  g_assert_nonnull (widget);
  g_assert_true (gtk_widget_compute_bounds (widget, fixture->window, &bounds));
  widgets_save_picture (fixture->window, path);
  picture = gdk_pixbuf_new_from_file (path, NULL);
  g_assert_nonnull (picture);
  pixel = gdk_pixbuf_get_pixels (picture)
          + (int) (bounds.origin.y + bounds.size.height / 2) * gdk_pixbuf_get_rowstride (picture)
          + (int) (bounds.origin.x + bounds.size.width / 2) * gdk_pixbuf_get_n_channels (picture);
  return (guint) (pixel[0] << 16 | pixel[1] << 8 | pixel[2]);
}

/* --- Keys and actions ------------------------------------------------------------------------- */

gboolean
press (Fixture *fixture, guint keyval, GdkModifierType state)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->cells));
  gboolean handled = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers) && !handled; i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_KEY (controller))
        g_signal_emit_by_name (controller, "key-pressed", keyval, 0, state, &handled);
    }
  settle (fixture);
  return handled;
}

void
activate (Fixture *fixture, const char *name)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->cells), name, NULL));
  settle (fixture);
}

static gboolean
is_button_for (GtkWidget *widget, gconstpointer action)
{
  return GTK_IS_ACTIONABLE (widget)
         && g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), action) == 0;
}

gboolean
is_enabled (Fixture *fixture, const char *name)
{
  g_autofree char *action = g_strconcat ("sweep.", name, NULL);
  GtkWidget *probe = widgets_find (GTK_WIDGET (fixture->grid), is_button_for, action);
  GtkWidget *own = NULL;
  gboolean enabled;

  /* A button knows. */
  if (probe == NULL)
    {
      probe = own = gtk_button_new ();
      gtk_widget_set_parent (own, GTK_WIDGET (fixture->grid));
      gtk_actionable_set_action_name (GTK_ACTIONABLE (own), action);
    }
  enabled = gtk_widget_get_sensitive (probe);
  if (own != NULL)
    gtk_widget_unparent (own);
  return enabled;
}

void
assert_log (Fixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->log->str, ==, expected);
  g_string_truncate (fixture->log, 0);
}

static void
on_command (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_printf (fixture->log, "%s ", g_action_get_name (G_ACTION (action)));
}

static void
on_open (Fixture *fixture, EspNode *node)
{
  g_string_append_printf (fixture->log, "open:%u ", esp_node_get_cell (node));
}

static void
on_compare (Fixture *fixture, GPtrArray *nodes)
{
  g_string_append (fixture->log, "compare");
  for (guint i = 0; i < nodes->len; i++)
    g_string_append_printf (fixture->log, ":%u", esp_node_get_cell (nodes->pdata[i]));
  g_string_append_c (fixture->log, ' ');
}

static void
on_run (Fixture *fixture, GArray *cells, gboolean draft)
{
  g_string_append (fixture->log, draft ? "draft" : "run");
  for (guint i = 0; i < cells->len; i++)
    g_string_append_printf (fixture->log, ":%u", g_array_index (cells, guint, i));
  g_string_append_c (fixture->log, ' ');
}

static void
on_leave (Fixture *fixture)
{
  g_string_append (fixture->log, "leave ");
}

static void
on_export (Fixture *fixture, EspSweepGrid *grid)
{
  g_assert_true (grid == fixture->grid);
  g_string_append (fixture->log, "export ");
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static void
show_window (Fixture *fixture)
{
  static const GActionEntry commands[] = {
    { "delete", on_command },
    { "stars", on_command, "i" },
    { "reject", on_command },
  };

  fixture->grid = ESP_SWEEP_GRID (esp_sweep_grid_new ());
  fixture->window = adw_window_new ();
  fixture->commands = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (fixture->commands), commands,
                                   G_N_ELEMENTS (commands), fixture);
  gtk_widget_insert_action_group (fixture->window, "node", G_ACTION_GROUP (fixture->commands));
  g_signal_connect_swapped (fixture->grid, "open", G_CALLBACK (on_open), fixture);
  g_signal_connect_swapped (fixture->grid, "compare", G_CALLBACK (on_compare), fixture);
  g_signal_connect_swapped (fixture->grid, "run", G_CALLBACK (on_run), fixture);
  g_signal_connect_swapped (fixture->grid, "leave", G_CALLBACK (on_leave), fixture);
  g_signal_connect_swapped (fixture->grid, "export", G_CALLBACK (on_export), fixture);
  adw_window_set_content (ADW_WINDOW (fixture->window), GTK_WIDGET (fixture->grid));
  gtk_widget_set_hexpand (GTK_WIDGET (fixture->grid), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 800, 600);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
  fixture->cells
      = ESP_SWEEP_CELLS (widgets_find_type (GTK_WIDGET (fixture->grid), ESP_TYPE_SWEEP_CELLS));
}

void
set_up (Fixture *fixture, gconstpointer data)
{
  *fixture = (Fixture){ NULL };
  fixture->log = g_string_new (NULL);
  fixture->registry = esp_registry_new ();
  fixture->backend = sweep_backend_new ("fake", 2);
  sweep_backend_set_stepped (fixture->backend, TRUE);
  sweep_backend_add_model (fixture->backend, "model", "Fake", PROPERTIES,
                           ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT);
  esp_registry_add (fixture->registry, ESP_BACKEND (fixture->backend));
  fixture->queue = esp_queue_new (fixture->registry);
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 40, 30, 0x808080);
  esp_document_set_current (fixture->document, fixture->photo);
  show_window (fixture);
}

void
tear_down (Fixture *fixture, gconstpointer data)
{
  gpointer sweep = fixture->sweep;

  esp_queue_stop_document (fixture->queue, fixture->document);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  settle (fixture);
  /* The grid lets go of it. */
  if (sweep != NULL)
    g_object_add_weak_pointer (G_OBJECT (sweep), &sweep);
  g_clear_object (&fixture->sweep);
  g_assert_true (scratch_wait_for (scratch_is_null, &sweep));
  g_clear_object (&fixture->commands);
  g_clear_object (&fixture->queue);
  scratch_document_close (fixture->document);
  g_clear_object (&fixture->document);
  g_clear_object (&fixture->registry);
  g_clear_object (&fixture->backend);
  g_string_free (fixture->log, TRUE);
}
