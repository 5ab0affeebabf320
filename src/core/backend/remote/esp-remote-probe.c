/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-probe.c: a free request that tells whether key and address are right. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <glib/gi18n-lib.h>

#define TIME 20 /* s */

typedef struct
{
  EspRemoteSetup setup;
  gboolean known;
} Probe;

static void
probe_free (gpointer data)
{
  Probe *probe = data;

  _esp_remote_setup_clear (&probe->setup);
  g_free (probe);
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) http = esp_http_send_finish (ESP_HTTP (source), result, &error);
  g_autoptr (EspRemoteAnswer) answer = NULL;
  EspFault fault;

  if (http == NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_task_return_error (task, g_steal_pointer (&error));
      else
        g_task_return_error (task, _esp_remote_fault_new (&probe->setup, ESP_FAULT_NETWORK,
                                                          ESP_CHARGED_NO, FALSE, NULL, NULL,
                                                          error->message));
      return;
    }

  answer = _esp_remote_answer_new (http);
  _esp_remote_answer_parse (answer);
  if (answer->status >= 200 && answer->status < 300)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  fault = answer->status >= 400 ? _esp_remote_answer_get_fault (probe->setup.descriptor, answer)
                                : ESP_FAULT_SERVER;
  g_task_return_error (task, _esp_remote_fault_new (&probe->setup, fault, ESP_CHARGED_NO, FALSE,
                                                    NULL, answer, NULL));
}

void
esp_remote_probe_async (EspHttp *http, EspProvider *provider, const char *base_url,
                        gboolean base_is_own, JsonObject *config, const char *key,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (EspHttpRequest) request = NULL;
  Probe *probe;
  GError *error = NULL;

  g_return_if_fail (ESP_IS_HTTP (http));
  g_return_if_fail (ESP_IS_PROVIDER (provider));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_remote_probe_async);
  probe = g_new0 (Probe, 1);
  g_task_set_task_data (task, probe, probe_free);

  if (!_esp_remote_setup_init (&probe->setup, provider, base_url, base_is_own, config, key, &error)
      || !_esp_remote_setup_check_key (&probe->setup, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (probe->setup.descriptor->probe == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  request = _esp_remote_request_build (&probe->setup, probe->setup.descriptor->probe,
                                       probe->setup.scope, &error);
  if (request == NULL)
    {
      g_task_return_error (task, _esp_remote_argument_new ("%s", error->message));
      g_clear_error (&error);
      return;
    }
  probe->known = TRUE;
  esp_http_request_set_timeouts (request, 0, TIME, TIME);
  esp_http_send_async (http, request, cancellable, NULL, NULL, on_probed, g_steal_pointer (&task));
}

gboolean
esp_remote_probe_finish (GAsyncResult *result, gboolean *known, GError **error)
{
  Probe *probe;

  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  probe = g_task_get_task_data (G_TASK (result));
  if (known != NULL)
    *known = probe->known;
  return g_task_propagate_boolean (G_TASK (result), error);
}
