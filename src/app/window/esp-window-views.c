/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-views.c: what takes the canvas's place: nodes held side by side, the cells of a sweep.
 * Which of them was shown is stored with the document when it is changed, and with the session. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-actions.h"
#include "esp-window-private.h"

/* What is shown, in the document's view. */
#define KEY_VIEW     "window.view"
#define KEY_COMPARED "window.compared" /* ids, separated by commas */
#define KEY_MODE     "window.compare-mode"
#define KEY_SWEEP    "window.sweep" /* id */

#define IMAGE   "image"
#define COMPARE "compare"
#define SWEEP   "sweep"

static EspQueue *
get_queue (EspWindow *self)
{
  return esp_application_get_queue (
      ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))));
}

static gboolean
shows (EspWindow *self, const char *name)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (self->views), name) == 0;
}

gboolean
esp_window_is_comparing (EspWindow *self)
{
  return self->document != NULL && shows (self, COMPARE);
}

gboolean
esp_window_is_sweep_shown (EspWindow *self)
{
  return self->document != NULL && shows (self, SWEEP);
}

GtkWidget *
esp_window_get_view (EspWindow *self)
{
  return gtk_stack_get_visible_child (self->views);
}

/* --- What is remembered ------------------------------------------------------------------------
 */

static void
store_compared (EspWindow *self)
{
  GPtrArray *nodes = esp_compare_view_get_nodes (self->compare_view);
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    g_string_append_printf (ids, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "",
                            esp_node_get_id (nodes->pdata[i]));
  esp_document_set_view (self->document, KEY_COMPARED, ids->str);
}

static void
store_mode (EspWindow *self)
{
  if (self->document != NULL && esp_window_is_comparing (self))
    esp_document_set_view (
        self->document, KEY_MODE,
        esp_compare_mode_to_string (esp_compare_view_get_mode (self->compare_view)));
}

static void
set_view (EspWindow *self, const char *name)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  const gboolean had_focus
      = focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->views));

  if (self->document != NULL)
    esp_document_set_view (self->document, KEY_VIEW, name);
  if (shows (self, name))
    return;
  gtk_stack_set_visible_child_name (self->views, name);
  /* What is not seen holds no pictures. A comparison of cells goes back to them. */
  if (!g_str_equal (name, COMPARE))
    esp_compare_view_set_nodes (self->compare_view, NULL, NULL);
  if (g_str_equal (name, IMAGE))
    esp_sweep_grid_set_sweep (self->sweep_grid, NULL, NULL);
  if (!g_str_equal (name, IMAGE))
    g_object_set (self->canvas, "show-before", FALSE, NULL);
  if (had_focus)
    gtk_widget_grab_focus (esp_window_get_view (self));
  esp_window_update_layout (self);
  esp_window_update_title (self);
  esp_window_update_node_actions (self);
}

void
esp_window_show_image (EspWindow *self)
{
  set_view (self, IMAGE);
  esp_window_show_canvas (self);
}

gboolean
esp_window_leave_view (EspWindow *self)
{
  if (self->document == NULL || shows (self, IMAGE))
    return FALSE;
  set_view (self, shows (self, COMPARE) && esp_sweep_grid_get_sweep (self->sweep_grid) != NULL
                      ? SWEEP
                      : IMAGE);
  return TRUE;
}

/* --- Comparing ---------------------------------------------------------------------------------
 */

static gboolean
is_compared (EspWindow *self, EspNode *node)
{
  GPtrArray *nodes = esp_compare_view_get_nodes (self->compare_view);

  return nodes != NULL && g_ptr_array_find (nodes, node, NULL);
}

/* Backends and parameters by their names. */
static void
name_rows (EspWindow *self)
{
  EspComparison *comparison = esp_compare_view_get_comparison (self->compare_view);

  if (comparison != NULL)
    esp_comparison_set_registry (comparison, esp_queue_get_registry (get_queue (self)));
}

/* What the tree, the details and the composer are about is B. */
static void
on_nodes_changed (EspWindow *self)
{
  EspNode *b = esp_compare_view_get_b (self->compare_view);

  if (b == NULL || self->document == NULL)
    return;
  name_rows (self);
  store_compared (self);
  esp_document_set_current (self->document, b);
  esp_window_update_title (self);
  esp_window_update_node_actions (self);
}

/* Of the nodes with an image, as many as can be shown. (element-type EspNode) */
static GPtrArray *
dup_comparable (GPtrArray *nodes)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_has_image (nodes->pdata[i]))
      g_ptr_array_add (found, g_object_ref (nodes->pdata[i]));
  return found;
}

EspNode *
esp_window_find_before (EspNode *node)
{
  for (node = esp_node_get_parent (node); node != NULL; node = esp_node_get_parent (node))
    if (esp_node_has_image (node))
      return node;
  return NULL;
}

gboolean
esp_window_can_compare (GPtrArray *nodes)
{
  g_autoptr (GPtrArray) found = dup_comparable (nodes);

  return found->len > 1 || (found->len == 1 && esp_window_find_before (found->pdata[0]) != NULL);
}

void
esp_window_compare (EspWindow *self, GPtrArray *nodes)
{
  g_autoptr (GPtrArray) found = dup_comparable (nodes);
  EspNode *current = esp_document_get_current (self->document);

  if (found->len == 1)
    {
      EspNode *before = esp_window_find_before (found->pdata[0]);

      if (before == NULL)
        return;
      g_ptr_array_insert (found, 0, g_object_ref (before));
    }
  if (found->len < 2)
    return;
  if (found->len > ESP_COMPARISON_MAX)
    {
      g_autofree char *text = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "Up to %d image can be compared: these are the first.",
                       "Up to %d images can be compared: these are the first.", ESP_COMPARISON_MAX),
          ESP_COMPARISON_MAX);

      esp_window_toast (self, text);
      g_ptr_array_set_size (found, ESP_COMPARISON_MAX);
    }
  /* It leaves out by itself what has no image, and says so. */
  esp_compare_view_set_nodes (self->compare_view, self->document, nodes->len > 1 ? nodes : found);
  if (!is_compared (self, current))
    esp_document_set_current (self->document, esp_compare_view_get_b (self->compare_view));
  name_rows (self);
  store_compared (self);
  set_view (self, COMPARE);
  esp_window_update_title (self);
  esp_window_show_canvas (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->compare_view));
}

static void
on_continue (EspWindow *self, EspNode *node)
{
  esp_document_set_current (self->document, node);
  esp_window_show_image (self);
  esp_composer_focus (self->composer);
}

static void
on_use_settings (EspWindow *self, EspNode *node)
{
  esp_composer_use_node (self->composer, node, ESP_COMPOSER_SETTINGS);
  esp_composer_focus (self->composer);
}

/* --- Sweeps ------------------------------------------------------------------------------------
 */

void
esp_window_show_sweep (EspWindow *self, EspSweep *sweep)
{
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, esp_sweep_get_id (sweep));

  esp_sweep_grid_set_sweep (self->sweep_grid, sweep, get_queue (self));
  esp_document_set_view (self->document, KEY_SWEEP, id);
  set_view (self, SWEEP);
  esp_window_update_title (self);
  esp_window_show_canvas (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->sweep_grid));
}

static void
on_open (EspWindow *self, EspNode *node)
{
  esp_document_set_current (self->document, node);
  esp_window_show_image (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->canvas));
}

/* --- The current node --------------------------------------------------------------------------
 */

/* One that is chosen in the history is to be seen: in the place of B where two are compared, as a
 * cell if it is one of those shown; else as an image. What else makes another node the current one
 * (B's own steps, the cursor of the cells, a deletion) leaves the view as it is. */
void
esp_window_follow_current (EspWindow *self)
{
  EspNode *current = esp_document_get_current (self->document);
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  GPtrArray *nodes = esp_compare_view_get_nodes (self->compare_view);
  EspSweep *sweep = esp_sweep_grid_get_sweep (self->sweep_grid);

  if (current == NULL || shows (self, IMAGE) || focus == NULL
      || !gtk_widget_is_ancestor (focus, GTK_WIDGET (self->history)))
    return;
  if (shows (self, SWEEP))
    {
      if (sweep == NULL || esp_node_get_sweep (current) != esp_sweep_get_id (sweep))
        set_view (self, IMAGE);
      return;
    }
  if (is_compared (self, current))
    return;
  if (nodes != NULL && nodes->len == 2 && esp_node_has_image (current))
    {
      g_autoptr (GPtrArray) pair = g_ptr_array_new_with_free_func (g_object_unref);

      g_ptr_array_add (pair, g_object_ref (nodes->pdata[0]));
      g_ptr_array_add (pair, g_object_ref (current));
      esp_compare_view_set_nodes (self->compare_view, self->document, pair);
      on_nodes_changed (self);
    }
  else
    set_view (self, IMAGE);
}

/* --- Words -------------------------------------------------------------------------------------
 */

char *
esp_window_dup_view_title (EspWindow *self)
{
  GPtrArray *nodes = esp_compare_view_get_nodes (self->compare_view);
  EspSweep *sweep = esp_sweep_grid_get_sweep (self->sweep_grid);

  if (shows (self, COMPARE) && nodes != NULL)
    {
      g_autofree char *first = NULL;
      g_autofree char *second = NULL;

      if (nodes->len > 2)
        return g_strdup_printf (
            g_dngettext (GETTEXT_PACKAGE, "comparing %u image", "comparing %u images", nodes->len),
            nodes->len);
      first = esp_node_dup_title (nodes->pdata[0]);
      second = esp_node_dup_title (nodes->pdata[1]);
      /* Translators: below the document's name: the titles of the images that are compared. */
      return g_strdup_printf (_ ("comparing “%s” with “%s”"), second, first);
    }
  if (shows (self, SWEEP) && sweep != NULL)
    {
      g_autofree char *title = esp_sweep_plan_dup_title (esp_sweep_get_plan (sweep));

      /* Translators: below the document's name: "sweep: Guidance × Seed". */
      return g_strdup_printf (_ ("sweep: %s"), title);
    }
  return NULL;
}

/* --- Coming and going --------------------------------------------------------------------------
 */

static GPtrArray *
dup_stored_nodes (EspWindow *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  const char *stored = esp_document_get_view (self->document, KEY_COMPARED);
  g_auto (GStrv) ids = g_strsplit (stored != NULL ? stored : "", ",", ESP_COMPARISON_MAX);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      EspNode *node = esp_document_get_node (self->document, g_ascii_strtoll (ids[i], NULL, 10));

      if (node != NULL && esp_node_has_image (node))
        g_ptr_array_add (nodes, g_object_ref (node));
    }
  return nodes;
}

static const char *const keys[] = { KEY_VIEW, KEY_COMPARED, KEY_MODE, KEY_SWEEP };

GVariant *
esp_window_dup_view_state (EspWindow *self)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (esp_document_get_view (self->document, keys[i]) != NULL)
      g_variant_dict_insert (dict, keys[i], "s", esp_document_get_view (self->document, keys[i]));
  return g_variant_ref_sink (g_variant_dict_end (dict));
}

void
esp_window_take_view_state (EspWindow *self, GVariant *state)
{
  const char *value;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_variant_lookup (state, keys[i], "&s", &value))
      esp_document_set_view (self->document, keys[i], value);
}

void
esp_window_restore_view (EspWindow *self)
{
  const char *view = esp_document_get_view (self->document, KEY_VIEW);
  const char *mode_name = esp_document_get_view (self->document, KEY_MODE);
  const char *id = esp_document_get_view (self->document, KEY_SWEEP);
  EspCompareMode mode = ESP_COMPARE_SIDE;
  g_autoptr (EspSweep) sweep = NULL;

  if (mode_name != NULL && esp_compare_mode_from_string (mode_name, &mode))
    esp_compare_view_set_mode (self->compare_view, mode);
  if (g_strcmp0 (view, COMPARE) == 0)
    {
      g_autoptr (GPtrArray) nodes = dup_stored_nodes (self);

      if (nodes->len >= 2)
        esp_window_compare (self, nodes);
    }
  else if (g_strcmp0 (view, SWEEP) == 0 && id != NULL)
    {
      sweep = esp_sweep_get (self->document, g_ascii_strtoll (id, NULL, 10),
                             esp_queue_get_registry (get_queue (self)));
      if (sweep != NULL)
        esp_window_show_sweep (self, sweep);
    }
}

void
esp_window_drop_views (EspWindow *self)
{
  if (self->views == NULL)
    return;
  gtk_stack_set_visible_child_name (self->views, IMAGE);
  esp_compare_view_set_nodes (self->compare_view, NULL, NULL);
  esp_sweep_grid_set_sweep (self->sweep_grid, NULL, NULL);
}

void
esp_window_init_views (EspWindow *self)
{
  EspCompareView *compare = self->compare_view;
  EspSweepGrid *grid = self->sweep_grid;

  g_signal_connect_swapped (compare, "leave", G_CALLBACK (esp_window_leave_view), self);
  g_signal_connect_swapped (compare, "continue", G_CALLBACK (on_continue), self);
  g_signal_connect_swapped (compare, "use-settings", G_CALLBACK (on_use_settings), self);
  g_signal_connect_swapped (compare, "nodes-changed", G_CALLBACK (on_nodes_changed), self);
  g_signal_connect_swapped (compare, "notify::mode", G_CALLBACK (store_mode), self);
  g_signal_connect_swapped (compare, "export", G_CALLBACK (esp_window_export_comparison), self);
  g_signal_connect_swapped (grid, "leave", G_CALLBACK (esp_window_leave_view), self);
  g_signal_connect_swapped (grid, "open", G_CALLBACK (on_open), self);
  g_signal_connect_swapped (grid, "compare", G_CALLBACK (esp_window_compare), self);
  g_signal_connect_swapped (grid, "export", G_CALLBACK (esp_window_export_sweep), self);
  g_signal_connect_swapped (grid, "selection-changed", G_CALLBACK (esp_window_update_node_actions),
                            self);
  esp_actions_add_keys (GTK_WIDGET (compare), ESP_KEYS_VIEWS);
  esp_actions_add_keys (GTK_WIDGET (grid), ESP_KEYS_VIEWS);
}
