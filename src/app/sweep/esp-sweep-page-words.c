/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page-words.c: how much a sweep is, what is left out of it, and asking where it is
 * much. */
#include "esp-sweep-page-private.h"

#include <glib/gi18n-lib.h>

#include "esp-price-text.h"

/* --- How much --------------------------------------------------------------------------------- */

static char *
dup_cost (const EspSweepEstimate *estimate)
{
  g_autofree char *price = NULL;

  if (estimate->cost <= 0)
    return estimate->cost_is_lower_bound ? g_strdup (_ ("price not known")) : NULL;
  price = esp_price_format (estimate->cost, estimate->currency);
  /* Translators: %s is an amount of money. */
  return estimate->cost_is_lower_bound ? g_strdup_printf (_ ("at least %s"), price)
                                       : g_steal_pointer (&price);
}

char *
_esp_sweep_page_dup_summary (const EspSweepEstimate *estimate)
{
  g_autofree char *time = esp_seconds_about_format (estimate->seconds);
  g_autofree char *cost = dup_cost (estimate);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, ngettext ("%u cell", "%u cells", estimate->n_cells),
                          estimate->n_cells);
  if (estimate->n_cells == 0)
    return g_string_free (g_steal_pointer (&text), FALSE);
  g_string_append_printf (text, " · %s", time != NULL ? time : _ ("time not known yet"));
  if (cost != NULL)
    g_string_append_printf (text, " · %s", cost);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* --- What is left out ------------------------------------------------------------------------- */

/* Each reason once, in the order of the cells, with how many cells it keeps out. */
static GPtrArray *
list_reasons (EspSweepPage *self, GHashTable *counts)
{
  EspRegistry *registry = esp_queue_get_registry (self->queue);
  const guint n = esp_sweep_plan_get_n_cells (self->plan);
  GPtrArray *reasons = g_ptr_array_new ();

  for (guint i = 0; i < n; i++)
    {
      char *reason = esp_sweep_plan_dup_skipped (self->plan, i, registry);
      gpointer known, count;

      if (reason == NULL)
        continue;
      if (g_hash_table_lookup_extended (counts, reason, &known, &count))
        {
          g_free (reason);
          g_hash_table_insert (counts, g_strdup (known),
                               GUINT_TO_POINTER (GPOINTER_TO_UINT (count) + 1));
          continue;
        }
      g_hash_table_insert (counts, reason, GUINT_TO_POINTER (1));
      g_ptr_array_add (reasons, reason);
    }
  return reasons;
}

void
_esp_sweep_page_show_skipped (EspSweepPage *self)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) reasons = NULL;
  g_autoptr (GString) list = g_string_new (NULL);
  g_autofree char *title = NULL;
  const guint n = self->estimate.n_skipped;

  gtk_widget_set_visible (self->skipped, n > 0);
  if (n == 0)
    return;
  reasons = list_reasons (self, counts);
  title = g_strdup_printf (ngettext ("%u of %u cells is skipped", "%u of %u cells are skipped", n),
                           n, esp_sweep_plan_get_n_cells (self->plan));
  for (guint i = 0; i < reasons->len; i++)
    g_string_append_printf (list, "%s%u × %s", i > 0 ? "\n" : "",
                            GPOINTER_TO_UINT (g_hash_table_lookup (counts, reasons->pdata[i])),
                            (const char *) reasons->pdata[i]);
  if (reasons->len == 1)
    {
      /* Translators: that cells are skipped, and why. */
      g_autofree char *whole = g_strdup_printf (_ ("%s: %s"), title, (char *) reasons->pdata[0]);

      gtk_label_set_label (self->skipped_title, whole);
    }
  else
    gtk_label_set_label (self->skipped_title, title);
  gtk_label_set_label (self->skipped_reasons, list->str);
}

/* --- Asking ----------------------------------------------------------------------------------- */

/* More than the person set for being asked? 0: never. */
static gboolean
is_much (EspSweepPage *self)
{
  const int cells = g_settings_get_int (self->settings, "sweep-ask-cells");
  const int minutes = g_settings_get_int (self->settings, "sweep-ask-minutes");
  const double cost = g_settings_get_double (self->settings, "sweep-ask-cost");

  return (cells > 0 && self->estimate.n_cells > (guint) cells)
         || (minutes > 0 && self->estimate.seconds > 60.0 * minutes)
         || (cost > 0 && self->estimate.cost > cost);
}

static char *
dup_question (const EspSweepEstimate *estimate)
{
  g_autofree char *time = esp_seconds_about_format (estimate->seconds);
  g_autofree char *cost = dup_cost (estimate);
  g_autoptr (GString) text = g_string_new (NULL);

  if (time != NULL)
    /* Translators: %s is a time: "about 3 min". */
    g_string_append_printf (text, _ ("This takes %s."), time);
  else
    g_string_append (text, _ ("How long this takes is not known yet."));
  g_string_append_c (text, ' ');
  if (estimate->cost > 0)
    /* Translators: %s is an amount of money, or "at least" such an amount. */
    g_string_append_printf (text, _ ("It costs %s."), cost);
  else if (cost != NULL)
    g_string_append (text, _ ("What it costs is not known here."));
  else
    g_string_append (text, _ ("It costs nothing."));
  g_string_append (text, "\n\n");
  g_string_append (text, _ ("You can stop it at any time; the cells that are done are kept."));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
on_answer (EspSweepPage *self, const char *response, GtkWidget *dialog)
{
  EspSweepPlan *plan = g_object_get_data (G_OBJECT (dialog), "plan");
  const int steps = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (dialog), "steps"));

  self->dialog = NULL;
  gtk_widget_set_sensitive (self->start, self->can_start);
  if (g_str_equal (response, "start"))
    _esp_sweep_page_emit_start (self, plan, steps);
}

static void
ask (EspSweepPage *self, EspSweepPlan *plan, int draft_steps)
{
  const guint n = self->estimate.n_cells;
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  g_autofree char *heading = g_strdup_printf (ngettext ("Run %u Cell?", "Run %u Cells?", n), n);
  g_autofree char *body = dup_question (&self->estimate);
  GtkWidget *dialog
      = adw_message_dialog_new (GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL, heading, body);

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "start",
                                    _ ("_Start"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "start",
                                              ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "start");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_object_set_data_full (G_OBJECT (dialog), "plan", esp_sweep_plan_ref (plan),
                          (GDestroyNotify) esp_sweep_plan_unref);
  g_object_set_data (G_OBJECT (dialog), "steps", GINT_TO_POINTER (draft_steps));
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_answer), self, G_CONNECT_SWAPPED);
  self->dialog = dialog;
  gtk_widget_set_sensitive (self->start, FALSE);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
_esp_sweep_page_start (EspSweepPage *self)
{
  g_autoptr (EspSweepPlan) plan = NULL;
  int draft_steps;

  if (self->dialog != NULL)
    return;
  /* What was typed a moment ago counts. */
  _esp_sweep_page_update (self);
  if (!self->can_start)
    {
      gtk_widget_error_bell (GTK_WIDGET (self));
      return;
    }
  plan = esp_sweep_plan_ref (self->plan);
  draft_steps = _esp_sweep_page_get_draft_steps (self);
  if (is_much (self))
    ask (self, plan, draft_steps);
  else
    _esp_sweep_page_emit_start (self, plan, draft_steps);
}
