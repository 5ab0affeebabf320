/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

char *
_esp_remote_dup_price (const EspDescriptor *descriptor)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (descriptor->price_amount <= 0)
    return NULL;

  g_ascii_formatd (number, sizeof number, "%.4g", descriptor->price_amount);
  if (descriptor->price_currency == NULL || g_str_equal (descriptor->price_currency, "USD"))
    return g_strconcat ("$", number, NULL);
  return g_strconcat (number, " ", descriptor->price_currency, NULL);
}

static char *
dup_unknown (EspProvider *provider)
{
  g_autofree char *price = _esp_remote_dup_price (esp_provider_get_descriptor (provider));

  if (price != NULL)
    /* Translators: the first is a provider's name, the second a price. */
    return g_strdup_printf (_ ("It is not known whether %s took the job. It is kept and was not "
                               "sent again; sending it again may cost another %s."),
                            esp_provider_get_name (provider), price);
  return g_strdup_printf (_ ("It is not known whether %s took the job. It is kept and was not sent "
                             "again; sending it again may cost twice."),
                          esp_provider_get_name (provider));
}

/* What is usually said. Formats with the provider's name. */
static const char *
usual_words (EspFault fault)
{
  switch (fault)
    {
    case ESP_FAULT_AUTH:
      return _ ("%s does not accept the key. Check it or make a new one.");
    case ESP_FAULT_FORBIDDEN:
      return _ ("%s does not allow this with the key.");
    case ESP_FAULT_CREDIT:
      return _ ("There is not enough credit left with %s.");
    case ESP_FAULT_INVALID:
      return _ ("%s does not accept these settings or this image.");
    case ESP_FAULT_GONE:
      return _ ("%s does not know this job or model, or no longer.");
    case ESP_FAULT_MODERATED:
      return _ ("The safety system of %s blocked this. The instruction is kept: reword it, or try "
                "another provider.");
    case ESP_FAULT_RATE:
      return _ ("%s takes no more requests at present, and waiting would take longer than allowed. "
                "Nothing was sent; try again later.");
    case ESP_FAULT_BUSY:
      return _ ("%s has no capacity at present. Nothing was sent; try again later.");
    case ESP_FAULT_RESULT:
      return _ ("What %s returned is not an image that can be used.");
    case ESP_FAULT_NETWORK:
      return _ ("%s cannot be reached. Nothing was sent; check the connection and try again.");
    case ESP_FAULT_PATIENCE:
      return _ ("%s has not finished the job in the time allowed. The job is kept and can be gone "
                "on with.");
    case ESP_FAULT_OFFLINE:
      return _ ("%s is not asked: nothing may leave this computer (Preferences).");
    case ESP_FAULT_BUDGET:
      return _ ("%s is not asked: this month’s limit would be exceeded (Preferences).");
    case ESP_FAULT_NONE:
    case ESP_FAULT_SERVER:
    case ESP_FAULT_UNKNOWN:
    case ESP_FAULT_ARGUMENT:
    default:
      return _ ("%s could not make the image.");
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static char *
dup_usual (EspProvider *provider, EspFault fault)
{
  if (fault == ESP_FAULT_UNKNOWN)
    return dup_unknown (provider);
  return g_strdup_printf (usual_words (fault), esp_provider_get_name (provider));
}
#pragma GCC diagnostic pop

char *
_esp_remote_dup_blocked (EspProvider *provider, const EspErrorRule *rule)
{
  const char *name = esp_provider_get_name (provider);

  if (rule == NULL || rule->blocked == NULL)
    return NULL;
  if (g_str_equal (rule->blocked, "input"))
    return g_strdup_printf (_ ("The safety system of %s blocked the instruction or the image that "
                               "was sent. The instruction is kept: reword it, or try another "
                               "provider."),
                            name);
  return g_strdup_printf (_ ("The safety system of %s blocked the image that was made. The "
                             "instruction is kept: reword it, or try another seed or provider."),
                          name);
}

/* What a provider says may have the key in it: that is for nobody's eyes. */
static char *
dup_without_key (EspRemoteSetup *setup, const char *text)
{
  g_auto (GStrv) pieces = NULL;

  if (text == NULL || setup->key == NULL || strlen (setup->key) < 4)
    return g_strdup (text);
  pieces = g_strsplit (text, setup->key, -1);
  return g_strjoinv ("…", pieces);
}

GError *
_esp_remote_fault_new (EspRemoteSetup *setup, EspFault fault, EspCharged charged, gboolean kept,
                       const char *job_id, const EspRemoteAnswer *answer, const char *message)
{
  g_autofree char *said = NULL;
  g_autofree char *own = NULL;
  g_autofree char *whole = NULL;
  g_autofree char *job = g_strdup (job_id);
  EspFaultReport report = { .fault = fault, .charged = charged, .kept = kept, .job_id = job };

  if (answer != NULL)
    {
      g_autofree char *raw = _esp_remote_answer_dup_message (setup->descriptor, answer);

      said = dup_without_key (setup, raw);
      report.http_status = answer->status;
      report.provider_message = said;
    }

  own = message != NULL ? dup_without_key (setup, message) : dup_usual (setup->provider, fault);
  if (said != NULL)
    /* Translators: the first is a sentence; the second is what a provider answered. */
    whole = g_strdup_printf (_ ("%s (The provider says: “%s”)"), own, said);
  return esp_fault_error_new (&report, whole != NULL ? whole : own);
}

GError *
_esp_remote_fault_kept (GError *error)
{
  const EspFaultReport *report = esp_fault_error_get_report (error);
  EspFaultReport kept = { .fault = ESP_FAULT_ARGUMENT, .charged = ESP_CHARGED_UNKNOWN };
  GError *told;

  if (report != NULL)
    kept = *report;
  kept.kept = TRUE;
  told = esp_fault_error_new (&kept, error->message);
  g_error_free (error);
  return told;
}

GError *
_esp_remote_argument_new (const char *format, ...)
{
  EspFaultReport report = { .fault = ESP_FAULT_ARGUMENT, .charged = ESP_CHARGED_NO };
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  return esp_fault_error_new (&report, message);
}
