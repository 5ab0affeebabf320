/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-watch.c: notices when someone else changes the person's file, before this process
 * would write to it. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

/* Our own publications are noticed, too, and many small writes of others; one look is enough. */
#define LOOK_DELAY_MS 400

static gboolean
look (EspCall *call, EspWriter *writer, GError **error)
{
  _esp_writer_look (writer);
  return TRUE;
}

static gboolean
send_look (gpointer data)
{
  EspDocument *self = data;
  EspCall *call;

  g_clear_pointer (&self->look_timer, g_source_unref);
  if (self->closed || self->writer == NULL)
    return G_SOURCE_REMOVE;
  call = _esp_call_new (ESP_CALL_CONTROL, NULL, NULL, NULL);
  call->work = look;
  _esp_writer_push (self->writer, call);
  return G_SOURCE_REMOVE;
}

static void
on_changed (EspDocument *self)
{
  if (self->look_timer != NULL)
    return;
  self->look_timer = g_timeout_source_new (LOOK_DELAY_MS);
  g_source_set_callback (self->look_timer, send_look, self, NULL);
  g_source_attach (self->look_timer, self->context);
}

void
_esp_document_unwatch (EspDocument *self)
{
  if (self->look_timer != NULL)
    {
      g_source_destroy (self->look_timer);
      g_clear_pointer (&self->look_timer, g_source_unref);
    }
  if (self->monitor != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->monitor, self);
      g_file_monitor_cancel (self->monitor);
      g_clear_object (&self->monitor);
    }
}

void
_esp_document_watch (EspDocument *self)
{
  g_autoptr (GError) error = NULL;

  _esp_document_unwatch (self);
  /* Without one it is noticed at the next publication. */
  if (!g_file_is_native (self->file))
    return;
  self->monitor = g_file_monitor_file (self->file, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);
  if (self->monitor == NULL)
    {
      g_debug ("%s: %s", self->title, error->message);
      return;
    }
  g_signal_connect_swapped (self->monitor, "changed", G_CALLBACK (on_changed), self);
}
