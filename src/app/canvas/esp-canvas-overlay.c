/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas-overlay.c: what the canvas says about the turn, over its image. */
#define G_LOG_DOMAIN "espalier-canvas"

#include "esp-canvas-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-fault.h"

/* --- Words ------------------------------------------------------------------------------------ */

static char *
dup_seconds (double seconds)
{
  const int whole = MAX (1, (int) ceil (seconds)); /* as the composer counts */

  if (whole < 90)
    /* Translators: an amount of time, as in "9 s left" */
    return g_strdup_printf (C_ ("duration", "%d s"), whole);
  /* Translators: an amount of time, as in "4 min left" */
  return g_strdup_printf (C_ ("duration", "%d min"), (whole + 30) / 60);
}

char *
esp_canvas_dup_status (EspNode *node)
{
  const EspNodeProgress *progress = esp_node_get_progress (node);
  g_autofree char *time = NULL;

  /* What is with a provider is told by its backend. */
  if (progress != NULL && progress->phase != NULL)
    return g_strdup (progress->phase);
  if (progress == NULL || progress->fraction < 0)
    return g_strdup (_ ("Waiting…"));
  if (progress->stopping)
    return g_strdup (_ ("Stopping after this step…"));
  if (progress->seconds_left >= 0)
    time = dup_seconds (progress->seconds_left);

  if (progress->step > 0 && time != NULL)
    /* Translators: the last one is an amount of time: "Step 12 of 28 · 9 s left" */
    return g_strdup_printf (_ ("Step %d of %d · %s left"), progress->step, progress->steps, time);
  if (progress->step > 0)
    return g_strdup_printf (_ ("Step %d of %d"), progress->step, progress->steps);
  if (progress->fraction > 0.5)
    return g_strdup (_ ("Finishing…"));
  return g_strdup (_ ("Preparing…"));
}

static const char *
get_title_of_end (EspNodeState state)
{
  switch (state)
    {
    case ESP_NODE_FAILED:
      return _ ("This turn failed");
    case ESP_NODE_CANCELLED:
      return _ ("This turn was stopped");
    case ESP_NODE_BLOCKED:
      return _ ("The provider refused this turn");
    case ESP_NODE_QUEUED:
    case ESP_NODE_RUNNING:
    case ESP_NODE_DONE:
    default:
      return NULL;
    }
}

/* --- Parts ------------------------------------------------------------------------------------ */

void
esp_canvas_update_zoom_label (EspCanvas *self)
{
  const double percent = esp_image_view_get_zoom (self->view) * 100;
  g_autofree char *text = NULL;
  g_autofree char *spoken = NULL;
  GtkAccessible *inner;

  /* Translators: the zoom, as in "100%" */
  text = g_strdup_printf (C_ ("zoom", "%d%%"), MAX (1, (int) lround (percent)));
  gtk_menu_button_set_label (self->zoom_button, text);
  /* Translators: for screen readers; %s is as in "100%" */
  spoken = g_strdup_printf (_ ("Zoom: %s"), text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->zoom_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  spoken, -1);
  /* The keyboard goes to the button inside, which would be called as it looks. */
  inner = GTK_ACCESSIBLE (gtk_widget_get_first_child (GTK_WIDGET (self->zoom_button)));
  gtk_accessible_reset_relation (inner, GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  gtk_accessible_update_property (inner, GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

void
esp_canvas_update_progress (EspCanvas *self)
{
  const EspNodeProgress *progress = NULL;
  gboolean running = FALSE;

  if (self->current != NULL)
    {
      const EspNodeState state = esp_node_get_state (self->current);

      running = state == ESP_NODE_QUEUED || state == ESP_NODE_RUNNING;
      progress = esp_node_get_progress (self->current);
    }

  gtk_widget_set_visible (self->status_box, running && self->show_status);
  gtk_widget_set_visible (GTK_WIDGET (self->bar),
                          running && progress != NULL && progress->fraction >= 0);
  if (!running)
    return;

  if (progress != NULL)
    gtk_progress_bar_set_fraction (self->bar, CLAMP (progress->fraction, 0, 1));
  {
    g_autofree char *status = esp_canvas_dup_status (self->current);

    if (g_strcmp0 (gtk_label_get_label (self->status), status) != 0)
      gtk_label_set_label (self->status, status);
  }
  gtk_widget_set_visible (self->stop_button, progress != NULL && !progress->stopping);
}

/* What of the failure is known besides its words; the class is all that is left of it after a
 * restart. */
static EspFault
get_fault (EspNode *node)
{
  const GError *error = esp_node_get_error (node);
  const EspFaultReport *report = error != NULL ? esp_fault_error_get_report (error) : NULL;

  if (report != NULL)
    return report->fault;
  if (g_error_matches (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_KEY))
    return ESP_FAULT_AUTH;
  if (esp_node_get_state (node) == ESP_NODE_BLOCKED)
    return ESP_FAULT_MODERATED;
  return ESP_FAULT_NONE;
}

/* "HTTP status 402 · not charged · job 7f3a" */
static char *
dup_facts (EspNode *node)
{
  const GError *error = esp_node_get_error (node);
  const EspFaultReport *report = error != NULL ? esp_fault_error_get_report (error) : NULL;
  g_autoptr (GPtrArray) facts = g_ptr_array_new_with_free_func (g_free);

  if (report == NULL)
    return g_strdup ("");
  if (report->http_status != 0)
    g_ptr_array_add (facts, g_strdup_printf (_ ("HTTP status %u"), report->http_status));
  g_ptr_array_add (facts, g_strdup (report->charged == ESP_CHARGED_NO    ? _ ("not charged")
                                    : report->charged == ESP_CHARGED_YES ? _ ("charged")
                                                                         : _ ("perhaps charged")));
  if (report->job_id != NULL)
    /* Translators: %s is what the provider calls its job. */
    g_ptr_array_add (facts, g_strdup_printf (_ ("job %s"), report->job_id));
  g_ptr_array_add (facts, NULL);
  return g_strjoinv (" · ", (char **) facts->pdata);
}

/* Every failure has its own way out. */
static void
update_ways_out (EspCanvas *self)
{
  const EspFault fault = get_fault (self->current);
  const EspNodeState state = esp_node_get_state (self->current);
  const gboolean writable = esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;
  /* It goes on with what the provider has, instead of ordering it anew. */
  const gboolean kept = esp_node_get_remote_job (self->current) != NULL;
  const gboolean refused = fault == ESP_FAULT_OFFLINE || fault == ESP_FAULT_BUDGET;
  const gboolean moderated = fault == ESP_FAULT_MODERATED;

  gtk_widget_set_visible (self->check_button, writable && kept);
  gtk_widget_set_visible (self->again_button, writable && kept && state == ESP_NODE_FAILED);
  gtk_widget_set_visible (self->retry_button, writable && !kept && !moderated);
  gtk_widget_set_visible (self->key_button,
                          fault == ESP_FAULT_AUTH || fault == ESP_FAULT_FORBIDDEN);
  gtk_widget_set_visible (self->reword_button, writable && moderated);
  gtk_widget_set_visible (self->settings_button, refused);
  gtk_widget_set_visible (GTK_WIDGET (self->with_button),
                          writable && gtk_menu_button_get_menu_model (self->with_button) != NULL);
}

void
esp_canvas_update_message (EspCanvas *self)
{
  const char *title
      = self->current != NULL ? get_title_of_end (esp_node_get_state (self->current)) : NULL;
  g_autofree char *facts = NULL;
  const char *message;

  gtk_widget_set_visible (self->message_box, title != NULL && !self->show_before);
  if (title == NULL)
    return;
  message = esp_node_get_message (self->current);
  gtk_label_set_label (self->message_title, title);
  gtk_label_set_label (self->message, message != NULL ? message : "");
  gtk_widget_set_visible (self->message_scroller, message != NULL && *message != '\0');
  facts = dup_facts (self->current);
  gtk_label_set_label (self->message_facts, facts);
  gtk_widget_set_visible (GTK_WIDGET (self->message_facts), *facts != '\0');
  update_ways_out (self);
}

/* The image's alternative text is what was asked for. */
static void
update_description (EspCanvas *self)
{
  EspNode *node = self->show_before ? esp_canvas_find_before (self) : self->current;
  g_autofree char *title = node != NULL ? esp_node_dup_title (node) : NULL;
  const char *instruction = node != NULL ? esp_node_get_instruction (node) : NULL;

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  instruction != NULL && *instruction != '\0' ? instruction
                                  : title != NULL && *title != '\0'           ? title
                                                                              : _ ("No image"),
                                  -1);
}

void
esp_canvas_update_overlay (EspCanvas *self)
{
  const gboolean has_before = esp_canvas_find_before (self) != NULL;

  gtk_widget_set_visible (self->before_button, has_before);
  gtk_accessible_update_state (
      GTK_ACCESSIBLE (self->before_button), GTK_ACCESSIBLE_STATE_PRESSED,
      self->show_before ? GTK_ACCESSIBLE_TRISTATE_TRUE : GTK_ACCESSIBLE_TRISTATE_FALSE, -1);
  gtk_widget_set_visible (GTK_WIDGET (self->zoom_button), self->current != NULL);
  gtk_widget_set_visible (self->caption, self->show_before && has_before);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "canvas.before", has_before);
  esp_canvas_update_progress (self);
  esp_canvas_update_message (self);
  update_description (self);
}
