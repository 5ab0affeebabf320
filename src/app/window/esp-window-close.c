/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-close.c: closing a window: what becomes of turns under way, and of the document. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-window-private.h"

static EspQueue *
get_queue (EspWindow *self)
{
  return esp_application_get_queue (
      ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))));
}

static void
remember_layout (EspWindow *self)
{
  int width, height;

  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  if (width > 0 && height > 0)
    g_settings_set (self->settings, "window-size", "(ii)", width, height);
  g_settings_set_boolean (self->settings, "window-maximized",
                          gtk_window_is_maximized (GTK_WINDOW (self)));
  if (self->document == NULL)
    return;
  g_settings_set_int (self->settings, "history-width", esp_split_view_get_position (self->split));
  g_settings_set_boolean (self->settings, "history-shown",
                          esp_split_view_get_show_start (self->split));
  g_settings_set_boolean (self->settings, "details-shown", adw_flap_get_reveal_flap (self->flap));
}

/* --- The end ---------------------------------------------------------------------------------- */

typedef struct
{
  EspWindow *window;
  GApplication *application; /* held until the document is closed */
} Closing;

static void
on_document_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Closing *closing = user_data;
  g_autoptr (GError) error = NULL;

  /* Everything is in the working copy, and taken up at the next opening. */
  if (!esp_document_close_finish (ESP_DOCUMENT (source), result, &error))
    g_message ("%s", error->message);
  gtk_window_destroy (GTK_WINDOW (closing->window));
  g_application_release (closing->application);
  g_object_unref (closing->window);
  g_object_unref (closing->application);
  g_free (closing);
}

/* Nothing is under way any more: the window goes at once, the program when the document is safe. */
static void
finish_close (EspWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));
  g_autoptr (EspDocument) document = NULL;
  Closing *closing;

  if (self->closing)
    return;
  esp_application_window_closing (ESP_APPLICATION (application), self);
  self->closing = TRUE;
  self->background = FALSE;
  g_cancellable_cancel (self->cancellable);
  if (self->document == NULL)
    {
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }

  document = g_object_ref (self->document);
  closing = g_new0 (Closing, 1);
  closing->window = g_object_ref (self);
  closing->application = G_APPLICATION (g_object_ref (application));
  g_application_hold (closing->application);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  esp_document_close_async (document, on_document_closed, closing);
}

/* --- Turns ------------------------------------------------------------------------------------ */

/* Those that are not made yet: of one whose image is in the document, the queue only removes what
 * was kept elsewhere, and that may go on without the window, or be done at the next opening. */
static gboolean
has_turns (EspWindow *self)
{
  GListModel *jobs = esp_queue_get_jobs (get_queue (self));

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);

      if (esp_job_get_document (job) == self->document
          && esp_node_get_state (esp_job_get_node (job)) != ESP_NODE_DONE)
        return TRUE;
    }
  return FALSE;
}

/* --- Waiting for turns ------------------------------------------------------------------------ */

static void
on_job_finished (EspWindow *self)
{
  EspQueue *queue = get_queue (self);

  if (self->document != NULL && esp_queue_has_document (queue, self->document))
    return;
  g_signal_handlers_disconnect_by_func (queue, on_job_finished, self);
  if (self->background)
    g_application_release (G_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))));
  finish_close (self);
}

static void
close_when_done (EspWindow *self)
{
  g_signal_connect_object (get_queue (self), "job-finished", G_CALLBACK (on_job_finished), self,
                           G_CONNECT_SWAPPED);
  on_job_finished (self);
}

static void
go_to_background (EspWindow *self)
{
  self->background = TRUE;
  g_application_hold (G_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  close_when_done (self);
}

void
esp_window_leave_background (EspWindow *self)
{
  g_return_if_fail (ESP_IS_WINDOW (self));

  if (!self->background)
    return;
  self->background = FALSE;
  g_signal_handlers_disconnect_by_func (get_queue (self), on_job_finished, self);
  g_application_release (G_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))));
  gtk_window_present (GTK_WINDOW (self));
}

/* --- Questions -------------------------------------------------------------------------------- */

static void check_saved (EspWindow *self);

gboolean
esp_window_has_turns (EspWindow *self)
{
  g_return_val_if_fail (ESP_IS_WINDOW (self), FALSE);

  return !self->closing && self->document != NULL && has_turns (self);
}

void
esp_window_close_with_turns (EspWindow *self, const char *response)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (response != NULL);

  if (self->closing || self->document == NULL)
    return;
  if (g_str_equal (response, "background"))
    {
      if (!self->background)
        {
          remember_layout (self);
          go_to_background (self);
        }
    }
  else if (g_str_equal (response, "stop"))
    {
      esp_window_leave_background (self);
      remember_layout (self);
      /* They are offered again when the document is opened next. */
      esp_queue_suspend_document (get_queue (self), self->document);
      check_saved (self);
    }
}

static void
on_jobs_answer (EspWindow *self, const char *response)
{
  self->ask_shown = FALSE;
  esp_window_close_with_turns (self, response);
}

/* Does everything that runs for the document run elsewhere? Providers go on by themselves. */
static gboolean
runs_elsewhere (EspWindow *self)
{
  EspQueue *queue = get_queue (self);
  GListModel *jobs = esp_queue_get_jobs (queue);
  gboolean elsewhere = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);
      const char *backend = esp_node_get_backend (esp_job_get_node (job));

      if (esp_job_get_document (job) != self->document)
        continue;
      if (!esp_registry_is_backend_remote (esp_queue_get_registry (queue), backend))
        return FALSE;
      elsewhere |= esp_job_get_state (job) != ESP_JOB_WAITING;
    }
  return elsewhere;
}

GtkWidget *
esp_window_create_turns_dialog (EspWindow *self)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _ ("Turns Are Under Way"), NULL);
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  if (runs_elsewhere (self))
    {
      adw_message_dialog_set_body (
          message, _ ("The provider goes on with them in any case. They can be waited for without "
                      "the window, or be fetched when the document is opened next; providers keep "
                      "images only for a while."));
      adw_message_dialog_add_responses (message, "wait", _ ("_Wait"), "stop",
                                        _ ("_Fetch Next Time"), "background",
                                        _ ("_Keep Running in the Background"), NULL);
      adw_message_dialog_set_response_appearance (message, "background", ADW_RESPONSE_SUGGESTED);
      adw_message_dialog_set_default_response (message, "background");
      adw_message_dialog_set_close_response (message, "wait");
      return dialog;
    }

  adw_message_dialog_set_body (
      message, _ ("They can run on without the window; a notification says when they are done. If "
                  "they are stopped, they are offered again when the document is opened next."));
  adw_message_dialog_add_responses (message, "wait", _ ("_Wait"), "stop", _ ("_Stop"), "background",
                                    _ ("_Keep Running in the Background"), NULL);
  adw_message_dialog_set_response_appearance (message, "stop", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_response_appearance (message, "background", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "background");
  adw_message_dialog_set_close_response (message, "wait");
  return dialog;
}

static void
ask_about_jobs (EspWindow *self)
{
  GtkWidget *dialog = esp_window_create_turns_dialog (self);

  g_signal_connect_object (dialog, "response", G_CALLBACK (on_jobs_answer), self,
                           G_CONNECT_SWAPPED);
  self->ask_shown = TRUE;
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
on_unsaved_answer (EspWindow *self, const char *response)
{
  self->ask_shown = FALSE;
  if (g_str_equal (response, "save-as"))
    esp_window_choose_save_as (self);
  else if (g_str_equal (response, "close"))
    finish_close (self);
}

/* The person's file is not what the window shows: nothing is lost, but they should know. */
static void
check_saved (EspWindow *self)
{
  EspDocumentSaveState state = esp_document_get_save_state (self->document);
  GtkWidget *dialog;
  AdwMessageDialog *message;

  if (state != ESP_DOCUMENT_UNSAVED && state != ESP_DOCUMENT_CHANGED_ELSEWHERE)
    {
      finish_close (self);
      return;
    }
  dialog = adw_message_dialog_new (GTK_WINDOW (self), _ ("Your Changes Are Not in the File"), NULL);
  message = ADW_MESSAGE_DIALOG (dialog);
  adw_message_dialog_format_body (
      message,
      _ ("“%s” could not be saved. Your changes are kept on this computer and are there when the "
         "document is opened next."),
      esp_document_get_title (self->document));
  adw_message_dialog_add_responses (message, "cancel", _ ("_Cancel"), "close", _ ("C_lose"),
                                    "save-as", _ ("_Save As…"), NULL);
  adw_message_dialog_set_response_appearance (message, "save-as", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "save-as");
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_unsaved_answer), self,
                           G_CONNECT_SWAPPED);
  self->ask_shown = TRUE;
  gtk_window_present (GTK_WINDOW (dialog));
}

/* What was painted last comes into the document first. */
static void
on_mask_stored (EspWindow *self)
{
  g_signal_handlers_disconnect_by_func (self->canvas, on_mask_stored, self);
  esp_window_start_close (self);
}

void
esp_window_start_close (EspWindow *self)
{
  g_return_if_fail (ESP_IS_WINDOW (self));

  if (self->closing || self->ask_shown || self->background)
    return;
  g_signal_handlers_disconnect_by_func (self->canvas, on_mask_stored, self);
  if (self->document != NULL && esp_canvas_flush (self->canvas))
    {
      g_signal_connect_object (self->canvas, "stored", G_CALLBACK (on_mask_stored), self,
                               G_CONNECT_SWAPPED);
      return;
    }
  remember_layout (self);
  if (self->document == NULL)
    finish_close (self);
  else if (has_turns (self))
    ask_about_jobs (self);
  else
    check_saved (self);
}

gboolean
esp_window_on_close_request (GtkWindow *window)
{
  esp_window_start_close (ESP_WINDOW (window));
  return GDK_EVENT_STOP;
}
