/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page-plan.c: from what stands on the page to a plan, and what keeps it from being
 * started. */
#include "esp-sweep-page-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-account.h"
#include "esp-ledger.h"
#include "esp-model-text.h"
#include "esp-price-text.h"
#include "esp-sweep-arrangement.h"

/* --- What there is to choose from ------------------------------------------------------------- */

static void
read_instruction (EspSweepPage *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->instruction);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_free (self->text);
  self->text = g_strstrip (gtk_text_buffer_get_text (buffer, &start, &end, FALSE));
}

/* Those that an axis chooses, else the base's. */
static void
read_models (EspSweepPage *self)
{
  EspAxisRow *row = _esp_sweep_page_find_row (self, "model");
  const EspAxisContext context = { .registry = esp_queue_get_registry (self->queue) };
  g_autofree char *text = row != NULL ? esp_axis_row_dup_text (row) : NULL;
  g_autoptr (EspAxis) axis = text != NULL ? esp_axis_parse ("model", text, &context, NULL) : NULL;
  g_autoptr (GStrvBuilder) models = g_strv_builder_new ();

  for (guint i = 0; axis != NULL && i < esp_axis_get_n_values (axis); i++)
    {
      JsonObject *object = json_node_get_object (esp_axis_get_value (axis, i));
      g_autofree char *name
          = g_strdup_printf ("%s/%s", json_object_get_string_member (object, "backend"),
                             json_object_get_string_member_with_default (object, "model", ""));

      g_strv_builder_add (models, name);
    }
  if (axis == NULL && self->backend != NULL && self->model != NULL)
    {
      g_autofree char *name = g_strdup_printf ("%s/%s", self->backend, self->model);

      g_strv_builder_add (models, name);
    }
  g_strfreev (self->models);
  self->models = g_strv_builder_end (models);
}

/* Hears of what they can do, and asks those that have not told yet. */
static void
follow_models (EspSweepPage *self)
{
  EspRegistry *registry = esp_queue_get_registry (self->queue);
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (g_object_unref);

  for (char **name = self->models; *name != NULL; name++)
    {
      const char *slash = strchr (*name, '/');
      g_autofree char *backend = g_strndup (*name, (gsize) (slash - *name));
      EspModel *model = esp_registry_find_model (registry, backend, slash + 1);

      if (model != NULL)
        g_ptr_array_add (models, g_object_ref (model));
    }
  for (guint i = 0; i < self->followed->len; i++)
    g_signal_handlers_disconnect_by_func (self->followed->pdata[i], _esp_sweep_page_queue_update,
                                          self);
  g_ptr_array_unref (self->followed);
  self->followed = g_steal_pointer (&models);
  for (guint i = 0; i < self->followed->len; i++)
    {
      g_signal_connect_object (self->followed->pdata[i], "changed",
                               G_CALLBACK (_esp_sweep_page_queue_update), self, G_CONNECT_SWAPPED);
      if (esp_model_get_schema (self->followed->pdata[i]) == NULL)
        esp_model_prepare (self->followed->pdata[i]);
    }
}

static EspAxisContext
get_context (EspSweepPage *self)
{
  return (EspAxisContext){ .registry = esp_queue_get_registry (self->queue),
                           .models = (const char *const *) self->models,
                           .document = self->document,
                           .instruction = self->text,
                           .seed = self->seed,
                           .presets = self->presets,
                           .loras = self->parameters != NULL
                                        ? json_object_get_member (self->parameters, "loras")
                                        : NULL };
}

void
_esp_sweep_page_get_offer (EspSweepPage *self, EspAxisOffer *offer)
{
  read_instruction (self);
  read_models (self);
  follow_models (self);
  offer->axes = get_context (self);
  g_clear_pointer (&self->choices, g_ptr_array_unref);
  self->choices = esp_axis_dup_choices (&offer->axes);
  offer->choices = self->choices;
  offer->nodes = self->nodes;
  offer->n_chosen = self->n_chosen;
}

/* --- Axes ------------------------------------------------------------------------------------- */

static void
show_fixed (EspSweepPage *self, GPtrArray *alternatives)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->fixed))) != NULL)
    gtk_box_remove (self->fixed, child);
  for (guint i = 0; alternatives != NULL && i < alternatives->len; i++)
    gtk_box_append (self->fixed, esp_axis_row_new_fixed (alternatives->pdata[i]));
  gtk_widget_set_visible (GTK_WIDGET (self->fixed), alternatives != NULL && alternatives->len > 0);
}

static void
say_of_instruction (EspSweepPage *self, const char *text, gboolean wrong)
{
  GtkWidget *label = GTK_WIDGET (self->instruction_message);

  gtk_label_set_label (self->instruction_message, text != NULL ? text : "");
  gtk_widget_set_visible (label, text != NULL);
  if (wrong)
    {
      gtk_widget_add_css_class (label, "error");
      gtk_accessible_update_state (GTK_ACCESSIBLE (self->instruction), GTK_ACCESSIBLE_STATE_INVALID,
                                   GTK_ACCESSIBLE_INVALID_TRUE, -1);
    }
  else
    {
      gtk_widget_remove_css_class (label, "error");
      gtk_accessible_reset_state (GTK_ACCESSIBLE (self->instruction), GTK_ACCESSIBLE_STATE_INVALID);
    }
}

/* The alternatives of the instruction; FALSE, and said, if they cannot be read. */
static gboolean
read_alternatives (EspSweepPage *self, guint *n)
{
  const gboolean whole = _esp_sweep_page_find_row (self, "instruction") != NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) alternatives
      = whole ? NULL : esp_axis_dup_alternatives (self->text, &error);

  *n = alternatives != NULL ? alternatives->len : 0;
  show_fixed (self, alternatives);
  gtk_widget_set_sensitive (GTK_WIDGET (self->instruction), !whole);
  say_of_instruction (self,
                      whole           ? _ ("Every cell has one of the instructions below.")
                      : error != NULL ? error->message
                                      : NULL,
                      error != NULL);
  return error == NULL;
}

/* The axes; NULL if one of them is not right, whose title is in `wrong`. */
static GPtrArray *
read_axes (EspSweepPage *self, const EspAxisOffer *offer, char **wrong)
{
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);

  *wrong = NULL;
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->rows)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      EspAxis *axis;

      esp_axis_row_set_offer (ESP_AXIS_ROW (child), offer);
      axis = esp_axis_row_parse (ESP_AXIS_ROW (child), &offer->axes);
      if (axis != NULL)
        g_ptr_array_add (axes, axis);
      else if (*wrong == NULL)
        *wrong = g_strdup (esp_axis_row_get_title (ESP_AXIS_ROW (child)));
    }
  return *wrong == NULL ? g_steal_pointer (&axes) : NULL;
}

static EspSweepPlan *
make_plan (EspSweepPage *self, GPtrArray *axes, GError **error)
{
  const EspTurn turn = { .instruction = self->text,
                         .negative_prompt = self->negative_prompt,
                         .backend = self->backend,
                         .model = self->model,
                         .model_name = self->model_name,
                         .parameters = self->parameters,
                         .has_seed = self->has_seed,
                         .seed = self->seed,
                         .references = (EspNode *const *) self->references->pdata,
                         .n_references = self->references->len };
  const EspSweepOrder order = (EspSweepOrder) gtk_drop_down_get_selected (self->order);

  return esp_sweep_plan_new (esp_node_get_id (self->parent), &turn, axes, order, error);
}

/* Where each row will be in the grid. */
static void
show_places (EspSweepPage *self)
{
  const char *const places[] = { _ ("Columns"), _ ("Rows"), _ ("Pages") };
  const guint n_rows = _esp_sweep_page_count_rows (self);
  const guint n_all = self->plan != NULL ? esp_sweep_plan_get_axes (self->plan)->len : 0;
  GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->rows));

  for (guint i = 0; i < MAX (n_all, n_rows); i++)
    {
      const char *place = NULL;

      if (i == n_rows)
        row = gtk_widget_get_first_child (GTK_WIDGET (self->fixed));
      for (guint j = 0; j < n_all; j++)
        if (j < G_N_ELEMENTS (places)
            && esp_sweep_place_find_axis (esp_sweep_plan_get_axes (self->plan), (EspSweepPlace) j)
                   == (int) i)
          place = places[j];
      if (row == NULL)
        break;
      esp_axis_row_set_place (ESP_AXIS_ROW (row), place, i > 0, i + 1 < n_rows);
      row = gtk_widget_get_next_sibling (row);
    }
}

/* --- What is in the way ----------------------------------------------------------------------- */

static char *
dup_model_obstacle (EspSweepPage *self)
{
  if (self->models[0] == NULL)
    return g_strdup (_ ("Choose a model first."));
  if (self->followed->len < g_strv_length (self->models))
    return g_strdup (_ ("The chosen model is gone. Choose another one."));
  for (guint i = 0; i < self->followed->len; i++)
    {
      g_autofree char *obstacle = esp_model_dup_obstacle (self->followed->pdata[i]);

      if (obstacle != NULL)
        return g_steal_pointer (&obstacle);
    }
  return NULL;
}

/* Whatever the axes are. */
static char *
dup_base_obstacle (EspSweepPage *self)
{
  if (esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    return g_strdup (_ ("This document is read-only."));
  if (self->parent == NULL)
    return g_strdup (_ ("There is no image to start from."));
  if (*self->text == '\0' && _esp_sweep_page_find_row (self, "instruction") == NULL)
    return g_strdup (_ ("Write what should change."));
  return dup_model_obstacle (self);
}

/* What the person said in the preferences. */
static char *
dup_spending_obstacle (EspSweepPage *self)
{
  const EspSweepEstimate *estimate = &self->estimate;
  EspLedger *ledger;
  double stop;

  if (self->accounts == NULL)
    return NULL;
  for (guint i = 0; i < self->followed->len && esp_accounts_get_offline (self->accounts); i++)
    {
      EspBackend *backend = esp_model_get_backend (self->followed->pdata[i]);

      if (backend != NULL && esp_backend_is_remote (backend))
        return g_strdup (_ ("Nothing may leave this computer, as you chose in the preferences."));
    }
  stop = esp_accounts_get_monthly_stop (self->accounts);
  if (stop <= 0 || estimate->cost <= 0 || g_strcmp0 (estimate->currency, "USD") != 0)
    return NULL;
  ledger = esp_accounts_get_ledger (self->accounts);
  if (esp_ledger_is_over (ledger, stop, esp_ledger_get_expected (ledger), estimate->cost))
    {
      const double left = stop - esp_ledger_get_month (ledger) - esp_ledger_get_expected (ledger);
      g_autofree char *rest = esp_price_format (MAX (left, 0), "USD");

      /* Translators: %s is an amount of money. */
      return g_strdup_printf (_ ("Of your monthly limit only %s is left."), rest);
    }
  return NULL;
}

/* --- All -------------------------------------------------------------------------------------- */

static void
show_origin (EspSweepPage *self)
{
  g_autofree char *parent = self->parent != NULL ? esp_node_dup_title (self->parent) : NULL;
  EspModel *model = self->backend != NULL && self->model != NULL ? esp_registry_find_model (
                        esp_queue_get_registry (self->queue), self->backend, self->model)
                                                                 : NULL;
  g_autofree char *title
      = model != NULL ? esp_model_dup_title (model) : g_strdup (self->model_name);
  g_autofree char *text = NULL;

  if (parent != NULL && title != NULL)
    /* Translators: what a sweep starts from and what makes it: "from “Make it snow”, with Demo". */
    text = g_strdup_printf (_ ("from “%s”, with %s"), parent, title);
  gtk_label_set_label (self->origin, text != NULL ? text : "");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->origin), text);
}

/* Is there anything that takes fewer steps? */
static gboolean
has_steps (EspSweepPage *self)
{
  for (guint i = 0; i < self->followed->len; i++)
    {
      EspSchema *schema = esp_model_get_schema (self->followed->pdata[i]);

      if (schema != NULL && esp_schema_find (schema, "steps") != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
show_start (EspSweepPage *self, const char *obstacle)
{
  g_autofree char *summary
      = self->plan != NULL ? _esp_sweep_page_dup_summary (&self->estimate) : NULL;
  g_autofree char *label = NULL;

  if (self->plan != NULL && self->estimate.cost > 0)
    {
      g_autofree char *price = esp_price_format (self->estimate.cost, self->estimate.currency);

      /* Translators: a button, and what pressing it costs. */
      label = g_strdup_printf (_ ("Start · %s"), price);
    }
  self->can_start = obstacle == NULL;
  gtk_label_set_label (self->summary, summary != NULL ? summary : "");
  gtk_widget_set_visible (GTK_WIDGET (self->summary), summary != NULL);
  gtk_label_set_label (self->trouble, obstacle != NULL ? obstacle : "");
  gtk_widget_set_visible (GTK_WIDGET (self->trouble), obstacle != NULL);
  gtk_button_set_label (GTK_BUTTON (self->start), label != NULL ? label : _ ("Start"));
  gtk_widget_set_tooltip_text (self->start, obstacle);
  gtk_widget_set_sensitive (self->start, self->can_start && self->dialog == NULL);
}

static void
estimate_plan (EspSweepPage *self)
{
  self->estimate = (EspSweepEstimate){ 0 };
  if (self->plan != NULL)
    esp_sweep_plan_estimate (self->plan, self->document, self->queue, NULL,
                             _esp_sweep_page_get_draft_steps (self), &self->estimate);
  _esp_sweep_page_show_skipped (self);
}

void
_esp_sweep_page_update (EspSweepPage *self)
{
  g_autoptr (GPtrArray) axes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *obstacle = NULL;
  g_autofree char *wrong = NULL;
  gboolean readable;
  EspAxisOffer offer;
  guint n_fixed;

  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_pointer (&self->plan, esp_sweep_plan_unref);
  if (self->document == NULL || self->queue == NULL)
    return;
  _esp_sweep_page_get_offer (self, &offer);
  readable = read_alternatives (self, &n_fixed);
  axes = read_axes (self, &offer, &wrong);
  show_origin (self);
  gtk_widget_set_visible (self->draft_box, has_steps (self));
  gtk_widget_set_sensitive (self->add,
                            _esp_sweep_page_count_rows (self) + n_fixed < ESP_SWEEP_MAX_AXES);

  obstacle = dup_base_obstacle (self);
  if (obstacle == NULL && !readable)
    obstacle = g_strdup (_ ("Correct the instruction first."));
  if (obstacle == NULL && wrong != NULL)
    /* Translators: %s is what an axis of a sweep changes: "Guidance". */
    obstacle = g_strdup_printf (_ ("Give values for “%s” first."), wrong);
  if (obstacle == NULL)
    {
      self->plan = make_plan (self, axes, &error);
      obstacle = self->plan == NULL ? g_strdup (error->message) : NULL;
    }
  estimate_plan (self);
  if (obstacle == NULL && self->estimate.n_cells == 0)
    obstacle = g_strdup (_ ("All cells are skipped."));
  if (obstacle == NULL)
    obstacle = dup_spending_obstacle (self);
  show_places (self);
  show_start (self, obstacle);
}
