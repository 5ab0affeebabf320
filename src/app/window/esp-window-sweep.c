/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-sweep.c: sweeps in the window: setting one up, asking before anything is sent,
 * starting and running cells, and the list of those that the document has. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-window-private.h"

/* Steps of a cheap first look where nobody chose a number. */
#define DRAFT_STEPS 4

static EspApplication *
get_application (EspWindow *self)
{
  return ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));
}

static EspQueue *
get_queue (EspWindow *self)
{
  return esp_application_get_queue (get_application (self));
}

static EspRegistry *
get_registry (EspWindow *self)
{
  return esp_queue_get_registry (get_queue (self));
}

/* --- Setting up --------------------------------------------------------------------------------
 */

gboolean
esp_window_is_setting_up_sweep (EspWindow *self)
{
  return self->document != NULL
         && g_strcmp0 (gtk_stack_get_visible_child_name (self->below), "sweep") == 0;
}

void
esp_window_leave_sweep_page (EspWindow *self)
{
  if (!esp_window_is_setting_up_sweep (self))
    return;
  gtk_stack_set_visible_child_name (self->below, "composer");
  esp_window_lift_toasts_later (self);
  esp_composer_focus (self->composer);
}

void
esp_window_set_up_sweep (EspWindow *self)
{
  EspTurn turn;
  EspNode *base;
  g_autofree char *obstacle = NULL;
  g_autoptr (JsonObject) presets = NULL;
  g_autoptr (GPtrArray) selected = NULL;

  if (!esp_composer_get_turn (self->composer, &turn, &base, &obstacle))
    {
      esp_window_toast (self, obstacle);
      return;
    }
  presets = esp_composer_dup_presets (self->composer);
  selected = esp_history_dup_selection (self->history);
  esp_sweep_page_set_accounts (self->sweep_page,
                               esp_application_get_accounts (get_application (self)));
  esp_sweep_page_set_up (self->sweep_page, get_queue (self), self->document, base, &turn, selected,
                         presets);
  gtk_stack_set_visible_child_name (self->below, "sweep");
  esp_window_show_canvas (self);
  esp_window_lift_toasts_later (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->sweep_page));
}

/* --- Before anything is sent -------------------------------------------------------------------
 */

/* What is to be run, while the person is asked about the providers that it needs. */
typedef struct
{
  EspSweepPlan *plan; /* a new sweep; or NULL */
  EspSweep *sweep;    /* cells of this one; or NULL */
  GArray *cells;      /* of guint; NULL: all */
  int draft_steps;
} Order;

static void
order_free (gpointer data)
{
  Order *order = data;

  g_clear_pointer (&order->plan, esp_sweep_plan_unref);
  g_clear_object (&order->sweep);
  g_clear_pointer (&order->cells, g_array_unref);
  g_free (order);
}

/* The backends that its cells are made by. (element-type utf8) */
static GHashTable *
dup_backends (EspWindow *self, Order *order)
{
  GHashTable *backends = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  EspSweepPlan *plan = order->plan != NULL ? order->plan : esp_sweep_get_plan (order->sweep);
  guint n = order->cells != NULL ? order->cells->len : esp_sweep_plan_get_n_cells (plan);

  for (guint i = 0; i < n; i++)
    {
      guint cell = order->cells != NULL ? g_array_index (order->cells, guint, i) : i;
      EspTurn turn;
      gint64 parent;
      g_autoptr (GObject) owner = NULL;
      g_autofree char *skipped = NULL;

      if (esp_sweep_plan_get_turn (plan, cell, get_registry (self), &turn, &parent, &owner,
                                   &skipped)
          && !g_hash_table_contains (backends, turn.backend))
        g_hash_table_add (backends, g_strdup (turn.backend));
    }
  return backends;
}

static void carry_out (EspWindow *self, gpointer data);

/* TRUE: not now. The person is asked whether anything may be sent, and the order carried out should
 * they agree; or it was said why nothing is sent at all. */
static gboolean
is_held_up (EspWindow *self, Order *order)
{
  g_autoptr (GHashTable) backends = dup_backends (self, order);
  GHashTableIter iter;
  gpointer backend;

  g_hash_table_iter_init (&iter, backends);
  while (g_hash_table_iter_next (&iter, &backend, NULL))
    if (esp_registry_is_backend_remote (get_registry (self), backend)
        && esp_accounts_get_offline (esp_application_get_accounts (get_application (self))))
      {
        esp_window_toast (self,
                          _ ("Nothing may leave this computer, as you chose in the preferences."));
        order_free (order);
        return TRUE;
      }
  g_hash_table_iter_init (&iter, backends);
  while (g_hash_table_iter_next (&iter, &backend, NULL))
    if (esp_window_ask_before_sending (self, backend, carry_out, order, order_free))
      return TRUE;
  return FALSE;
}

/* --- Running -----------------------------------------------------------------------------------
 */

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspSweep) sweep = esp_sweep_start_finish (result, &error);

  gtk_widget_set_sensitive (GTK_WIDGET (self->below), TRUE);
  if (sweep == NULL)
    esp_window_toast_error (self, _ ("The sweep could not be started"), error);
  else if (self->document == esp_sweep_get_document (sweep) && !self->closing)
    {
      esp_window_leave_sweep_page (self);
      esp_window_show_sweep (self, sweep);
    }
}

static void
on_run (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_sweep_run_finish (ESP_SWEEP (source), result, &error))
    esp_window_toast_error (self, _ ("The cells could not be run"), error);
}

/* After the questions. */
static void
begin (EspWindow *self, Order *order)
{
  if (order->plan != NULL)
    {
      /* Once is enough. (A text that is insensitive before the keyboard leaves it is not told.) */
      gtk_window_set_focus (GTK_WINDOW (self), NULL);
      gtk_widget_set_sensitive (GTK_WIDGET (self->below), FALSE);
      esp_sweep_start_async (self->document, get_queue (self), order->plan, order->draft_steps,
                             NULL, on_started, g_object_ref (self));
    }
  else
    esp_sweep_run_async (order->sweep, get_queue (self), order->cells, order->draft_steps, NULL,
                         on_run, g_object_ref (self));
}

static Order *
order_copy (const Order *order)
{
  Order *copy = g_new0 (Order, 1);

  copy->plan = order->plan != NULL ? esp_sweep_plan_ref (order->plan) : NULL;
  copy->sweep = order->sweep != NULL ? g_object_ref (order->sweep) : NULL;
  copy->cells = order->cells != NULL ? g_array_ref (order->cells) : NULL;
  copy->draft_steps = order->draft_steps;
  return copy;
}

/* `data` stays with who calls: an order that was agreed to may have to ask about one more. */
static void
carry_out (EspWindow *self, gpointer data)
{
  Order *order;

  if (self->document == NULL || self->closing)
    return;
  order = order_copy (data);
  if (is_held_up (self, order))
    return;
  begin (self, order);
  order_free (order);
}

static void
on_start (EspWindow *self, EspSweepPlan *plan, int draft_steps)
{
  const Order order = { .plan = plan, .draft_steps = draft_steps };

  carry_out (self, (gpointer) &order);
}

static void
on_run_cells (EspWindow *self, GArray *cells, gboolean draft)
{
  const Order order = { .sweep = esp_sweep_grid_get_sweep (self->sweep_grid),
                        .cells = cells,
                        .draft_steps = draft ? DRAFT_STEPS : 0 };

  if (order.sweep != NULL)
    carry_out (self, (gpointer) &order);
}

/* --- Those that there are ----------------------------------------------------------------------
 */

void
esp_window_open_sweep (EspWindow *self, gint64 id)
{
  g_autoptr (EspSweep) sweep = NULL;

  if (self->document == NULL)
    return;
  sweep = esp_sweep_get (self->document, id, get_registry (self));
  if (sweep == NULL)
    esp_window_toast (self, _ ("This sweep cannot be read."));
  else
    esp_window_show_sweep (self, sweep);
}

void
esp_window_fill_sweeps_menu (EspWindow *self)
{
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GArray) ids = NULL;

  g_menu_remove_all (self->sweeps_menu);
  if (self->document == NULL)
    return;
  ids = esp_sweep_dup_ids (self->document);
  for (guint i = ids->len; i > 0; i--)
    {
      gint64 id = g_array_index (ids, gint64, i - 1);
      const char *json = esp_document_get_sweep_plan (self->document, id);
      g_autoptr (EspSweepPlan) plan = json != NULL ? esp_sweep_plan_from_json (json, NULL) : NULL;
      g_autofree char *title = NULL;
      g_autoptr (GString) label = NULL;
      g_autoptr (GMenuItem) item = NULL;

      if (plan == NULL)
        continue;
      title = esp_sweep_plan_dup_title (plan);
      label = g_string_new (NULL);
      /* Translators: an entry of a menu: a sweep's title, and how many cells it has. */
      g_string_append_printf (label,
                              g_dngettext (GETTEXT_PACKAGE, "%s (%u cell)", "%s (%u cells)",
                                           esp_sweep_plan_get_n_cells (plan)),
                              title, esp_sweep_plan_get_n_cells (plan));
      /* An underline is no mnemonic here. */
      g_string_replace (label, "_", "__", 0);
      item = g_menu_item_new (label->str, NULL);
      g_menu_item_set_action_and_target (item, "win.show-sweep", "x", id);
      g_menu_append_item (menu, item);
    }
  if (g_menu_model_get_n_items (G_MENU_MODEL (menu)) > 0)
    g_menu_append_submenu (self->sweeps_menu, _ ("_Sweeps"), G_MENU_MODEL (menu));
}

void
esp_window_init_sweep (EspWindow *self)
{
  g_signal_connect_swapped (self->sweep_page, "start", G_CALLBACK (on_start), self);
  g_signal_connect_swapped (self->sweep_page, "leave", G_CALLBACK (esp_window_leave_sweep_page),
                            self);
  g_signal_connect_swapped (self->sweep_grid, "run", G_CALLBACK (on_run_cells), self);
}
