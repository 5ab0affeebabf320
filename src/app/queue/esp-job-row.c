/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-row.c: one turn in the list of the queue: what it does, how far it is, its verbs. */
#define G_LOG_DOMAIN "espalier-queue"

#include "esp-job-row.h"

#include <glib/gi18n-lib.h>

#include "esp-cancel-text.h"

struct _EspJobRow
{
  GtkWidget parent_instance;

  GtkWidget *words;
  GtkInscription *title; /* a word that changes is drawn; the list is not laid out again */
  GtkInscription *status;
  GtkProgressBar *bar;
  GtkWidget *up_button;
  GtkWidget *next_button;
  GtkWidget *stop_button;
  const char *stop_text; /* borrowed from the translations */

  EspQueue *queue;
  EspJob *job;
};

G_DEFINE_FINAL_TYPE (EspJobRow, esp_job_row, GTK_TYPE_WIDGET)

/* The place among those that wait, or -1. */
static int
find_place (EspJobRow *self)
{
  GListModel *jobs = esp_queue_get_jobs (self->queue);
  int place = 0;

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);

      if (esp_job_get_state (job) != ESP_JOB_WAITING)
        continue;
      if (job == self->job)
        return place;
      place++;
    }
  return -1;
}

/* Those that run come first in the list: this is asked of each row at each change of it. */
static gboolean
can_move_up (EspJobRow *self)
{
  GListModel *jobs = esp_queue_get_jobs (self->queue);

  for (guint i = esp_queue_get_n_running (self->queue); i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);

      if (esp_job_get_state (job) == ESP_JOB_WAITING)
        return job != self->job && esp_job_get_state (self->job) == ESP_JOB_WAITING;
    }
  return FALSE;
}

static void
update_place (EspJobRow *self)
{
  gboolean can_move;

  if (self->job == NULL || self->title == NULL)
    return;
  can_move = can_move_up (self);
  gtk_widget_set_sensitive (self->up_button, can_move);
  gtk_widget_set_sensitive (self->next_button, can_move);
}

static char *
dup_status (EspJobRow *self)
{
  const EspNodeProgress *progress = esp_job_get_progress (self->job);

  switch (esp_job_get_state (self->job))
    {
    case ESP_JOB_WAITING:
      return g_strdup_printf (_ ("Waiting · %s"),
                              esp_document_get_title (esp_job_get_document (self->job)));
    case ESP_JOB_STOPPING:
      if (progress != NULL && progress->phase != NULL)
        return g_strdup (progress->phase);
      return g_strdup (_ ("Stopping after this step…"));
    case ESP_JOB_RUNNING:
      /* What is with a provider is told by its backend. */
      if (progress != NULL && progress->phase != NULL)
        return g_strdup (progress->phase);
      if (progress != NULL && progress->steps > 0 && progress->seconds_left >= 0)
        return g_strdup_printf (_ ("Step %d of %d · %.0f s left"), progress->step, progress->steps,
                                progress->seconds_left);
      if (progress != NULL && progress->steps > 0)
        return g_strdup_printf (_ ("Step %d of %d"), progress->step, progress->steps);
      return g_strdup (_ ("Running…"));
    case ESP_JOB_DONE:
    case ESP_JOB_FAILED:
    case ESP_JOB_CANCELLED:
    default:
      return g_strdup ("");
    }
}

/* What stopping can do depends on how far a provider is with it. */
static void
update_stop (EspJobRow *self, const EspNodeProgress *progress)
{
  EspBackend *backend
      = progress != NULL
            ? esp_registry_find_backend (esp_queue_get_registry (self->queue),
                                         esp_node_get_backend (esp_job_get_node (self->job)))
            : NULL;
  const char *text = esp_cancel_text_get (backend, progress);

  if (text == NULL)
    text = _ ("Stop");
  if (g_strcmp0 (self->stop_text, text) == 0)
    return;
  self->stop_text = text;
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->stop_button),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text, -1);
}

/* Asked for when it is to be seen: GTK asks the screen where the pointer is each time that a
 * tooltip is set, and waits for the answer. */
static gboolean
on_query_stop (EspJobRow *self, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  gtk_tooltip_set_text (tooltip, self->stop_text);
  return self->stop_text != NULL;
}

/* The item of the list, which has the keyboard, has nothing else that says what it is: an
 * inscription tells others nothing. */
static void
update_name (EspJobRow *self, const char *title, const char *status)
{
  GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (self));

  if (item != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                    GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, status, -1);
}

static void
update (EspJobRow *self)
{
  const EspNodeProgress *progress;
  EspJobState state;
  g_autofree char *title = NULL;
  g_autofree char *status = NULL;

  if (self->job == NULL || self->title == NULL)
    return;
  state = esp_job_get_state (self->job);
  progress = esp_job_get_progress (self->job);
  title = esp_node_dup_title (esp_job_get_node (self->job));
  status = dup_status (self);
  gtk_inscription_set_text (self->title, title);
  gtk_inscription_set_text (self->status, status);
  update_name (self, title, status);
  gtk_widget_set_visible (GTK_WIDGET (self->bar), state != ESP_JOB_WAITING);
  gtk_progress_bar_set_fraction (self->bar,
                                 progress != NULL ? CLAMP (progress->fraction, 0.0, 1.0) : 0.0);
  gtk_widget_set_visible (self->up_button, state == ESP_JOB_WAITING);
  gtk_widget_set_visible (self->next_button, state == ESP_JOB_WAITING);
  update_place (self);
  gtk_widget_set_sensitive (self->stop_button, state != ESP_JOB_STOPPING);
  update_stop (self, state != ESP_JOB_WAITING ? progress : NULL);
}

static void
on_up (EspJobRow *self)
{
  int place = self->job != NULL ? find_place (self) : -1;

  if (place > 0)
    esp_queue_move (self->queue, self->job, (guint) place - 1);
}

static void
on_next (EspJobRow *self)
{
  if (self->job != NULL)
    esp_queue_run_next (self->queue, self->job);
}

static void
on_stop (EspJobRow *self)
{
  if (self->job != NULL)
    esp_queue_stop (self->queue, self->job);
}

void
esp_job_row_set_job (EspJobRow *self, EspQueue *queue, EspJob *job)
{
  g_return_if_fail (ESP_IS_JOB_ROW (self));

  if (self->job != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->job, self);
      g_signal_handlers_disconnect_by_data (esp_queue_get_jobs (self->queue), self);
    }
  g_set_object (&self->queue, queue);
  g_set_object (&self->job, job);
  if (job == NULL)
    return;
  g_signal_connect_object (job, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (esp_queue_get_jobs (queue), "items-changed", G_CALLBACK (update_place),
                           self, G_CONNECT_SWAPPED);
  update (self);
}

static void
esp_job_row_dispose (GObject *object)
{
  EspJobRow *self = ESP_JOB_ROW (object);
  GtkWidget *child;

  esp_job_row_set_job (self, NULL, NULL);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_JOB_ROW);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (esp_job_row_parent_class)->dispose (object);
}

static void
esp_job_row_class_init (EspJobRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_job_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/espalier/app/queue/esp-job-row.ui");
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, words);
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, title);
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, status);
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, bar);
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, up_button);
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, next_button);
  gtk_widget_class_bind_template_child (widget_class, EspJobRow, stop_button);
  gtk_widget_class_bind_template_callback (widget_class, on_up);
  gtk_widget_class_bind_template_callback (widget_class, on_next);
  gtk_widget_class_bind_template_callback (widget_class, on_stop);
  gtk_widget_class_bind_template_callback (widget_class, on_query_stop);
}

static void
esp_job_row_init (EspJobRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
esp_job_row_new (void)
{
  return g_object_new (ESP_TYPE_JOB_ROW, NULL);
}
