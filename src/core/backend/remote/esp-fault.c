/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-fault.h"

static gpointer
report_copy (gpointer data)
{
  const EspFaultReport *report = data;
  EspFaultReport *copy = g_new0 (EspFaultReport, 1);

  *copy = *report;
  copy->provider_message = g_strdup (report->provider_message);
  copy->job_id = g_strdup (report->job_id);
  return copy;
}

static void
report_free (gpointer data)
{
  EspFaultReport *report = data;

  g_free (report->provider_message);
  g_free (report->job_id);
  g_free (report);
}

/* What windows that know nothing of providers make of it. */
static EspBackendError
code_of (EspFault fault)
{
  switch (fault)
    {
    case ESP_FAULT_AUTH:
    case ESP_FAULT_FORBIDDEN:
      return ESP_BACKEND_ERROR_NEEDS_KEY;

    case ESP_FAULT_CREDIT:
    case ESP_FAULT_RATE:
    case ESP_FAULT_BUSY:
    case ESP_FAULT_BUDGET:
      return ESP_BACKEND_ERROR_LIMIT;

    case ESP_FAULT_MODERATED:
      return ESP_BACKEND_ERROR_BLOCKED;

    case ESP_FAULT_INVALID:
    case ESP_FAULT_ARGUMENT:
      return ESP_BACKEND_ERROR_ARGUMENT;

    case ESP_FAULT_NETWORK:
      return ESP_BACKEND_ERROR_NETWORK;

    case ESP_FAULT_NONE:
    case ESP_FAULT_GONE:
    case ESP_FAULT_SERVER:
    case ESP_FAULT_RESULT:
    case ESP_FAULT_UNKNOWN:
    case ESP_FAULT_PATIENCE:
    case ESP_FAULT_OFFLINE:
    default:
      return ESP_BACKEND_ERROR_FAILED;
    }
}

GError *
esp_fault_error_new (const EspFaultReport *report, const char *message)
{
  GError *error;

  g_return_val_if_fail (report != NULL && message != NULL, NULL);

  error = g_error_new_literal (ESP_BACKEND_ERROR, (int) code_of (report->fault), message);
  esp_backend_error_set_detail (error, report_copy ((gpointer) report), report_copy, report_free);
  return error;
}

const EspFaultReport *
esp_fault_error_get_report (const GError *error)
{
  return esp_backend_error_get_detail (error, report_copy);
}
