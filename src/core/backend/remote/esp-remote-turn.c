/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-turn.h"

const char *
esp_phase_to_string (EspPhase phase)
{
  static const char *const names[] = { "preparing", "uploading", "submitting",  "waiting",
                                       "queued",    "running",   "downloading", "cancelling" };

  g_return_val_if_fail ((gsize) phase < G_N_ELEMENTS (names), names[0]);

  return names[phase];
}

void
esp_remote_result_free (EspRemoteResult *result)
{
  if (result == NULL)
    return;

  g_clear_pointer (&result->images, g_ptr_array_unref);
  g_clear_pointer (&result->timings, json_object_unref);
  g_clear_pointer (&result->parameters, json_object_unref);
  g_clear_pointer (&result->notes, g_ptr_array_unref);
  g_free (result->currency);
  g_free (result->job_id);
  g_free (result);
}

gboolean
esp_remote_request_check (const EspRemoteRequest *request, GError **error)
{
  return TRUE;
}

void
esp_remote_turn_start_async (EspHttp *http, const EspRemoteRequest *request,
                             GCancellable *cancellable, EspRemoteNewsFunc news, gpointer news_data,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_task_report_new_error (NULL, callback, user_data, esp_remote_turn_start_async, G_IO_ERROR,
                           G_IO_ERROR_NOT_SUPPORTED, "Not yet");
}

EspRemoteResult *
esp_remote_turn_start_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_remote_turn_resume_async (EspHttp *http, const char *id, const char *key, guint patience,
                              GCancellable *cancellable, EspRemoteNewsFunc news, gpointer news_data,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_task_report_new_error (NULL, callback, user_data, esp_remote_turn_resume_async, G_IO_ERROR,
                           G_IO_ERROR_NOT_SUPPORTED, "Not yet");
}

EspRemoteResult *
esp_remote_turn_resume_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
esp_remote_turn_settle (const char *id, GError **error)
{
  g_autoptr (EspRecord) record = esp_record_open (id, error);

  return record != NULL && esp_record_delete (record, error);
}

void
esp_remote_turn_set_cancel_there (GCancellable *cancellable, gboolean cancel_there)
{
}

void
esp_remote_probe_async (EspHttp *http, EspProvider *provider, const char *base_url,
                        gboolean base_is_own, JsonObject *config, const char *key,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_task_report_new_error (NULL, callback, user_data, esp_remote_probe_async, G_IO_ERROR,
                           G_IO_ERROR_NOT_SUPPORTED, "Not yet");
}

gboolean
esp_remote_probe_finish (GAsyncResult *result, gboolean *known, GError **error)
{
  if (known != NULL)
    *known = FALSE;
  return g_task_propagate_boolean (G_TASK (result), error);
}
