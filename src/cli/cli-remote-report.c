/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of a turn with a provider: to people, as JSON, inside the picture. */
#include <glib/gi18n.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli-compose-report.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "esp-json-member.h"
#include "esp-json-read.h"
#include "esp-json-text.h"
#include "esp-key-store.h"

void
cli_remote_output_free (CliRemoteOutput *output)
{
  g_free (output->path);
  g_free (output->sha256);
  g_clear_pointer (&output->composition, esp_composition_free);
  g_free (output);
}

GError *
cli_remote_argument_new (const char *format, ...)
{
  EspFaultReport report = { .fault = ESP_FAULT_ARGUMENT, .charged = ESP_CHARGED_NO };
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return esp_fault_error_new (&report, message);
}

/* --- Exit statuses ---------------------------------------------------------------------------- */

int
cli_remote_get_status (EspFault fault)
{
  switch (fault)
    {
    case ESP_FAULT_NONE:
      return CLI_EXIT_OK;
    case ESP_FAULT_ARGUMENT:
    case ESP_FAULT_OFFLINE:
    case ESP_FAULT_BUDGET:
      return CLI_EXIT_USAGE;
    case ESP_FAULT_AUTH:
    case ESP_FAULT_FORBIDDEN:
      return CLI_EXIT_AUTH;
    case ESP_FAULT_CREDIT:
      return CLI_EXIT_CREDIT;
    case ESP_FAULT_MODERATED:
      return CLI_EXIT_MODERATED;
    case ESP_FAULT_RATE:
    case ESP_FAULT_BUSY:
      return CLI_EXIT_RATE;
    case ESP_FAULT_NETWORK:
      return CLI_EXIT_NETWORK;
    case ESP_FAULT_UNKNOWN:
    case ESP_FAULT_PATIENCE:
      return CLI_EXIT_UNKNOWN;
    case ESP_FAULT_INVALID:
    case ESP_FAULT_GONE:
    case ESP_FAULT_SERVER:
    case ESP_FAULT_RESULT:
    default:
      return CLI_EXIT_PROVIDER;
    }
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
put_node (GString *json, const char *key, JsonNode *node)
{
  g_autofree char *text = node != NULL ? esp_json_dup_text (node) : NULL;

  esp_json_put_raw (json, key, text != NULL ? text : "null");
}

static void
put_object (GString *json, const char *key, JsonObject *object)
{
  g_autoptr (JsonNode) node = NULL;

  if (object != NULL)
    node = json_node_init_object (json_node_alloc (), object);
  put_node (json, key, node);
}

static void
put_outputs (GString *json, GPtrArray *outputs)
{
  esp_json_open (json, "outputs", '[');
  for (guint i = 0; i < outputs->len; i++)
    {
      const CliRemoteOutput *output = g_ptr_array_index (outputs, i);
      g_autofree char *path = g_utf8_make_valid (output->path, -1);

      esp_json_open (json, NULL, '{');
      esp_json_put_string (json, "path", path, -1);
      esp_json_put_uint (json, "width", (guint64) output->width);
      esp_json_put_uint (json, "height", (guint64) output->height);
      esp_json_put_string (json, "media_type", output->media_type, -1);
      esp_json_put_string (json, "sha256", output->sha256, -1);
      if (output->composition != NULL)
        {
          cli_keep_put (json, output->composition);
          cli_compose_put (json, output->composition);
        }
      esp_json_close (json, '}');
    }
  esp_json_close (json, ']');
}

void
cli_remote_put_result (GString *json, const CliRemoteJob *job, const EspRemoteResult *result,
                       GPtrArray *outputs)
{
  const gboolean reported = result->cost >= 0 && !result->cost_estimated;

  esp_json_open (json, NULL, '{');
  put_outputs (json, outputs);
  if (result->has_seed && result->seed >= 0)
    esp_json_put_uint (json, "seed", (guint64) result->seed);
  else
    esp_json_put_raw (json, "seed", "null");
  /* What the provider says; the price list is no answer to "what did it cost?". */
  if (reported)
    esp_json_put_double (json, "cost", result->cost);
  else
    esp_json_put_raw (json, "cost", "null");
  esp_json_put_string (json, "currency", reported ? result->currency : NULL, -1);
  esp_json_put_string (json, "job_id", result->job_id, -1);
  put_object (json, "timings", result->timings);
  esp_json_put_string (json, "provider", job->backend, -1);
  put_object (json, "parameters", result->parameters);
  esp_json_close (json, '}');
}

void
cli_remote_put_error (GString *json, const char *fault, const char *message,
                      const EspFaultReport *report)
{
  EspCharged charged = report != NULL ? report->charged : ESP_CHARGED_NO;
  g_autofree char *valid = g_utf8_make_valid (message, -1);

  for (char *p = valid; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';

  esp_json_open (json, NULL, '{');
  esp_json_open (json, "error", '{');
  esp_json_put_string (json, "class", fault, -1);
  esp_json_put_string (json, "message", valid, -1);
  esp_json_put_string (json, "provider_message", report != NULL ? report->provider_message : NULL,
                       -1);
  if (report != NULL && report->http_status != 0)
    esp_json_put_uint (json, "http_status", report->http_status);
  else
    esp_json_put_raw (json, "http_status", "null");
  esp_json_put_raw (json, "charged",
                    charged == ESP_CHARGED_NO    ? "false"
                    : charged == ESP_CHARGED_YES ? "true"
                                                 : "null");
  esp_json_close (json, '}');
  esp_json_close (json, '}');
}

/* --- Errors ----------------------------------------------------------------------------------- */

int
cli_remote_fail (CliRemote *self, const GError *error, GString *json)
{
  const EspFaultReport *report = esp_fault_error_get_report (error);
  EspFault fault = ESP_FAULT_ARGUMENT;
  const char *name;

  if (self != NULL)
    cli_progress_clear (&self->progress);
  if (report != NULL)
    fault = report->fault;
  else if (g_error_matches (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_KEY))
    fault = ESP_FAULT_AUTH;

  name = esp_fault_to_string (fault);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    name = "cancelled";
  if (json != NULL)
    cli_remote_put_error (json, name, error->message, report);
  cli_fail ("%s", error->message);
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? CLI_EXIT_FAILED
                                                                   : cli_remote_get_status (fault);
}

/* "ESPALIER_KEY_…" is where a missing key may come from. */
void
cli_remote_explain_missing_key (const char *backend, GError **error)
{
  const EspFaultReport *report = esp_fault_error_get_report (*error);
  EspFaultReport same = { .fault = ESP_FAULT_AUTH, .charged = ESP_CHARGED_NO };
  g_autofree char *variable = NULL;
  g_autofree char *message = NULL;

  if (report == NULL || report->fault != ESP_FAULT_AUTH || report->http_status != 0)
    return;
  same.kept = report->kept;
  same.charged = report->charged;
  variable = esp_key_variable_name (backend);
  message = g_strdup_printf (_ ("%s Give it with --key-file or in the environment’s %s, or add it "
                                "to the key ring in the application’s preferences."),
                             (*error)->message, variable);
  g_clear_error (error);
  *error = esp_fault_error_new (&same, message);
}

/* --- For people ------------------------------------------------------------------------------- */

char *
cli_remote_dup_price (double amount, const char *currency)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, "%.4g", amount);
  return currency == NULL || g_str_equal (currency, "USD")
             ? g_strconcat ("$", number, NULL)
             : g_strconcat (number, " ", currency, NULL);
}

char *
cli_remote_summary (const CliRemoteJob *job, const EspRemoteResult *result, GPtrArray *outputs)
{
  GString *text = g_string_new (NULL);
  double total = esp_json_get_number (result->timings, "total", -1);

  for (guint i = 0; i < outputs->len; i++)
    {
      const CliRemoteOutput *output = g_ptr_array_index (outputs, i);

      g_string_append_printf (text, _ ("%s: %dx%d"), output->path, output->width, output->height);
      if (result->has_seed && i == 0)
        g_string_append_printf (text, _ (", seed %" PRIi64), result->seed);
      if (result->cost >= 0 && i == 0)
        {
          g_autofree char *price = cli_remote_dup_price (result->cost, result->currency);

          g_string_append_printf (text,
                                  /* Translators: %s is a price. */
                                  result->cost_estimated ? _ (", about %s") : ", %s", price);
        }
      if (total >= 0 && i == 0)
        g_string_append_printf (text, _ (", %.1f s"), total);
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

static char *
dup_phase (const EspRemoteNews *news)
{
  int percent = (int) lround (CLAMP (news->fraction, 0, 1) * 100);

  switch (news->phase)
    {
    case ESP_PHASE_PREPARING:
      return g_strdup (_ ("preparing the image"));
    case ESP_PHASE_UPLOADING:
      return news->fraction >= 0 ? g_strdup_printf (_ ("uploading, %d %%"), percent)
                                 : g_strdup (_ ("uploading"));
    case ESP_PHASE_SUBMITTING:
      return news->fraction >= 0 ? g_strdup_printf (_ ("sending, %d %%"), percent)
                                 : g_strdup (_ ("sending"));
    case ESP_PHASE_WAITING:
      return news->seconds_left >= 1 ? g_strdup_printf (_ ("waiting for the provider, %.0f s left"),
                                                        ceil (news->seconds_left))
                                     : g_strdup (_ ("waiting for the provider"));
    case ESP_PHASE_QUEUED:
      return news->position >= 0 ? g_strdup_printf (_ ("queued, %d before this"), news->position)
                                 : g_strdup (_ ("queued"));
    case ESP_PHASE_RUNNING:
      return news->fraction >= 0 ? g_strdup_printf (_ ("running, %d %%"), percent)
                                 : g_strdup_printf (_ ("running, %.0f s"), news->seconds);
    case ESP_PHASE_DOWNLOADING:
      return news->fraction >= 0 ? g_strdup_printf (_ ("downloading, %d %%"), percent)
                                 : g_strdup (_ ("downloading"));
    case ESP_PHASE_CANCELLING:
    default:
      return g_strdup (_ ("cancelling"));
    }
}

void
cli_remote_show_news (CliRemote *self, const EspRemoteNews *news)
{
  g_autofree char *text = dup_phase (news);

  if (news->note != NULL && !self->quiet)
    {
      cli_progress_clear (&self->progress);
      cli_note ("%s", news->note);
    }
  cli_progress_show_phase (&self->progress, esp_phase_to_string (news->phase), text,
                           news->fraction);
}

/* --- The recipe ------------------------------------------------------------------------------- */

static gboolean
is_reserved (const char *name)
{
  static const char *const names[]
      = { "software", "prompt", "negative_prompt", "seed",           "backend", "model", "width",
          "height",   "cost",   "provider_job",    "keep_untouched", "region",  NULL };

  return g_strv_contains (names, name);
}

static char *
dup_recipe_text (const CliRemoteJob *job, const EspRemoteResult *result,
                 const EspReceivedImage *image)
{
  GString *json = g_string_new (NULL);
  const char *negative = esp_json_get_string (job->asked, "negative_prompt");
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "software", "Espalier " ESP_VERSION, -1);
  esp_json_put_string (json, "prompt", esp_json_get_string (job->asked, "prompt"), -1);
  if (negative != NULL && negative[0] != '\0')
    esp_json_put_string (json, "negative_prompt", negative, -1);
  if (result->has_seed && result->seed >= 0)
    esp_json_put_uint (json, "seed", (guint64) result->seed);
  json_object_iter_init_ordered (&iter, result->parameters);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    if (!is_reserved (name))
      put_node (json, name, value);
  esp_json_put_uint (json, "width", (guint64) image->width);
  esp_json_put_uint (json, "height", (guint64) image->height);
  if (job->keep != NULL)
    cli_keep_put (json, job->keep);
  esp_json_put_string (json, "backend", job->backend, -1);
  esp_json_open (json, "model", '{');
  esp_json_put_string (json, "id", job->provider, -1);
  esp_json_put_string (json, "name", job->title, -1);
  esp_json_close (json, '}');
  if (result->job_id != NULL)
    esp_json_put_string (json, "provider_job", result->job_id, -1);
  esp_json_close (json, '}');
  return g_string_free (json, FALSE);
}

EspRecipe *
cli_remote_recipe_new (const CliRemoteJob *job, const EspRemoteResult *result,
                       const EspReceivedImage *image)
{
  g_autofree char *json = dup_recipe_text (job, result, image);
  const char *prompt = esp_json_get_string (job->asked, "prompt");
  const char *negative = esp_json_get_string (job->asked, "negative_prompt");
  const EspRecipe recipe = {
    .json = json,
    .prompt = prompt,
    .negative_prompt = negative != NULL && negative[0] != '\0' ? negative : NULL,
    .model = job->title,
    .software = "Espalier " ESP_VERSION,
    .seed = result->has_seed && result->seed >= 0 ? (guint64) result->seed : 0,
    .steps = (int) esp_json_get_number (result->parameters, "steps", 0),
    .guidance = esp_json_get_number (result->parameters, "guidance", 0),
    .width = image->width,
    .height = image->height,
  };

  return esp_recipe_copy (&recipe);
}
