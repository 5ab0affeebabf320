/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetching a model: models download. */
#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-installation.h"
#include "esp-json-text.h"
#include "esp-machine.h"
#include "esp-model-downloads.h"

/* Between lines of progress where standard error is no terminal. */
#define LINE_INTERVAL (10 * G_USEC_PER_SEC)

typedef struct
{
  char *variant, *limit, *token_file;
  gboolean accept, token_stdin, json, quiet;
} Options;

typedef struct
{
  EspModelDownload *download;
  gboolean over;
  gboolean quiet, terminal;
  gint64 shown;
  gboolean open_line; /* the line on the terminal is not ended */
} Watch;

/* --- What there is ---------------------------------------------------------------------------- */

static void
put_variant (GString *json, const EspModelVariant *variant, const EspMachine *machine,
             gboolean recommended)
{
  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "id", variant->id, -1);
  esp_json_put_string (json, "name", variant->name, -1);
  esp_json_put_string (json, "format", variant->format, -1);
  esp_json_put_uint (json, "bytes", (guint64) variant->about);
  esp_json_put_bool (json, "exact", variant->exact);
  esp_json_put_uint (json, "memory", variant->memory);
  esp_json_put_uint (json, "gpu_memory", variant->gpu_memory);
  esp_json_put_bool (json, "fits", esp_model_variant_fits (variant, machine));
  esp_json_put_bool (json, "recommended", recommended);
  esp_json_close (json, '}');
}

static void
put_offer (GString *json, EspModelOffer *offer, const EspMachine *machine)
{
  const EspModelLicence *licence = esp_model_offer_get_licence (offer);
  g_autofree char *sentence = NULL;
  const EspModelVariant *best = esp_model_recommend (offer, machine, &sentence, NULL);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "id", esp_model_offer_get_id (offer), -1);
  esp_json_put_string (json, "name", esp_model_offer_get_name (offer), -1);
  esp_json_put_string (json, "recommendation", sentence, -1);
  esp_json_open (json, "licence", '{');
  esp_json_put_string (json, "name", licence->name, -1);
  esp_json_put_string (json, "url", licence->url, -1);
  esp_json_put_bool (json, "non_commercial", licence->non_commercial);
  esp_json_put_bool (json, "gated", licence->gated);
  esp_json_put_bool (json, "accepted", esp_model_offer_is_accepted (offer));
  esp_json_close (json, '}');
  esp_json_open (json, "variants", '[');
  for (guint i = 0; i < esp_model_offer_get_n_variants (offer); i++)
    {
      const EspModelVariant *variant = esp_model_offer_get_variant (offer, i);

      put_variant (json, variant, machine, variant == best);
    }
  esp_json_close (json, ']');
  esp_json_close (json, '}');
}

static void
describe_offer (GString *text, EspModelOffer *offer, const EspMachine *machine)
{
  const EspModelLicence *licence = esp_model_offer_get_licence (offer);
  g_autofree char *sentence = NULL;
  const EspModelVariant *best = esp_model_recommend (offer, machine, &sentence, NULL);

  g_string_append_printf (text, "%s — %s\n", esp_model_offer_get_id (offer),
                          esp_model_offer_get_name (offer));
  g_string_append_printf (text, "  %s\n  %s\n", sentence, licence->name);
  for (guint i = 0; i < esp_model_offer_get_n_variants (offer); i++)
    {
      const EspModelVariant *variant = esp_model_offer_get_variant (offer, i);
      g_autofree char *size = g_format_size ((guint64) variant->about);
      g_autofree char *memory = g_format_size_full (variant->memory, G_FORMAT_SIZE_IEC_UNITS);

      g_string_append_printf (text, "  %s --variant %s — %s, ", variant == best ? "*" : " ",
                              variant->id, variant->name);
      /* Translators: a size on the disk, a size of memory. */
      g_string_append_printf (text, _ ("%s on the disk, %s of memory\n"), size, memory);
    }
}

static int
list_offers (GListModel *offers, gboolean json)
{
  g_autoptr (EspMachine) machine = esp_machine_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  if (json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_open (text, "offers", '[');
    }
  for (guint i = 0; i < g_list_model_get_n_items (offers); i++)
    {
      g_autoptr (EspModelOffer) offer = g_list_model_get_item (offers, i);

      if (json)
        put_offer (text, offer, machine);
      else
        describe_offer (text, offer, machine);
    }
  if (json)
    {
      esp_json_close (text, ']');
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  else
    g_string_append (text, _ ("* is what suits this computer, and taken without --variant.\n"));
  cli_print (text->str);

  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- Before ----------------------------------------------------------------------------------- */

static gboolean
parse_limit (const char *text, guint64 *bytes)
{
  static const struct
  {
    char letter;
    double factor;
  } units[] = { { 'k', 1e3 }, { 'M', 1e6 }, { 'G', 1e9 } };
  g_autofree char *number = g_strdup (text);
  gsize length = strlen (number);
  double factor = 1, value;

  for (gsize i = 0; i < G_N_ELEMENTS (units) && length > 0; i++)
    if (number[length - 1] == units[i].letter)
      {
        factor = units[i].factor;
        number[length - 1] = '\0';
        break;
      }
  if (!cli_option_double ("--limit", number, 0, 1e12, &value))
    return FALSE;

  *bytes = (guint64) (value * factor);
  return TRUE;
}

static gboolean
accept_licence (EspModelOffer *offer, gboolean accept)
{
  const EspModelLicence *licence = esp_model_offer_get_licence (offer);
  g_autoptr (GError) error = NULL;

  if (esp_model_offer_is_accepted (offer))
    return TRUE;

  if (!accept)
    {
      cli_note ("%s\n%s", licence->name, licence->url);
      cli_note ("%s", licence->text);
      if (licence->non_commercial)
        cli_note (_ ("For non-commercial purposes only."));
      cli_fail (_ ("%s: its licence is to be read and accepted first: --accept-licence"),
                esp_model_offer_get_id (offer));
      return FALSE;
    }
  if (!esp_model_offer_accept (offer, &error))
    {
      cli_fail ("%s", error->message);
      return FALSE;
    }

  return TRUE;
}

/* FALSE after a line that says what is wrong; *token may be NULL. */
static gboolean
find_token (EspModelOffer *offer, const Options *options, EspKey **token)
{
  const char *account = esp_model_offer_get_token_account (offer);
  g_autoptr (GError) error = NULL;

  *token = NULL;
  if (account == NULL)
    return TRUE;

  *token = esp_key_find (account, options->token_stdin ? "-" : options->token_file, &error);
  if (error != NULL)
    cli_fail ("%s", error->message);
  return error == NULL;
}

/* --- Meanwhile -------------------------------------------------------------------------------- */

static void
show (Watch *self)
{
  const char *status = esp_model_download_get_status (self->download);
  gint64 now = g_get_monotonic_time ();

  if (self->quiet || (!self->terminal && self->shown != 0 && now - self->shown < LINE_INTERVAL))
    return;

  self->shown = now;
  if (self->terminal)
    {
      fprintf (stderr, "\r\033[K%3.0f %% %s",
               100 * esp_model_download_get_fraction (self->download), status);
      fflush (stderr);
      self->open_line = TRUE;
    }
  else
    cli_note ("%3.0f %% %s", 100 * esp_model_download_get_fraction (self->download), status);
}

static void
on_changed (EspModelDownload *download, Watch *self)
{
  switch (esp_model_download_get_state (download))
    {
    case ESP_MODEL_DOWNLOAD_DONE:
    case ESP_MODEL_DOWNLOAD_FAILED:
    case ESP_MODEL_DOWNLOAD_CANCELLED:
      self->over = TRUE;
      break;
    case ESP_MODEL_DOWNLOAD_PAUSED:
      break;
    default:
      show (self);
    }
}

/* --- Afterwards ------------------------------------------------------------------------------- */

static int
report (EspModelDownload *download, gboolean json)
{
  g_autofree char *id = esp_model_download_dup_model_id (download);
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *path = g_build_filename (models, id, NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  if (json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_put_string (text, "id", id, -1);
      esp_json_put_string (text, "path", path, -1);
      esp_json_put_uint (text, "bytes", (guint64) esp_model_download_get_total (download));
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  else
    /* Translators: a model's id, a folder. */
    g_string_append_printf (text, _ ("%s is ready: %s\n"), id, path);
  cli_print (text->str);

  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int
fetch (EspModelDownloads *downloads, EspModelOffer *offer, const EspModelVariant *variant,
       EspKey *token, const Options *options)
{
  Watch watch = { .quiet = options->quiet, .terminal = isatty (STDERR_FILENO) == 1 };
  CliSession session = { 0 };
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (GError) error = NULL;
  int status = CLI_EXIT_OK;

  cli_session_begin (&session);
  watch.download = esp_model_downloads_start (downloads, offer, variant, token, &error);
  if (watch.download == NULL)
    return cli_session_end (&session, cli_fail ("%s", error->message));

  g_object_ref (watch.download);
  g_signal_connect (watch.download, "changed", G_CALLBACK (on_changed), &watch);
  cli_session_wait (&session, &watch.over, FALSE);

  /* What has come is noted down before the program ends. */
  esp_model_downloads_stop_async (downloads, cli_answer_take, &answer);
  cli_session_wait (&session, &answer.done, TRUE);
  esp_model_downloads_stop_finish (downloads, answer.result, NULL);
  cli_answer_clear (&answer);
  if (watch.open_line)
    fputc ('\n', stderr);

  if (esp_model_download_get_state (watch.download) == ESP_MODEL_DOWNLOAD_DONE)
    status = report (watch.download, options->json);
  else if (esp_model_download_get_error (watch.download) != NULL)
    status = cli_fail ("%s: %s", esp_model_offer_get_id (offer),
                       esp_model_download_get_error (watch.download)->message);
  else
    status = cli_fail (_ ("%s: interrupted; what has come is kept, and the same command goes on "
                          "with it"),
                       esp_model_offer_get_id (offer));

  g_signal_handlers_disconnect_by_data (watch.download, &watch);
  g_object_unref (watch.download);
  return cli_session_end (&session, status);
}

static const EspModelVariant *
choose_variant (EspModelOffer *offer, const char *id)
{
  g_autoptr (EspMachine) machine = NULL;
  g_autofree char *sentence = NULL;
  const EspModelVariant *variant;

  if (id != NULL)
    {
      variant = esp_model_offer_find_variant (offer, id);
      if (variant == NULL)
        cli_usage (_ ("--variant: %s: there is no such variant; see espalier-cli models download"),
                   id);
      return variant;
    }

  machine = esp_machine_new ();
  variant = esp_model_recommend (offer, machine, &sentence, NULL);
  cli_note ("%s", sentence);
  return variant;
}

static int
download (const char *id, const Options *options)
{
  g_autoptr (GListModel) offers = esp_model_offers_load ();
  g_autoptr (EspModelOffer) offer = id != NULL ? esp_model_offers_find (offers, id) : NULL;
  g_autoptr (EspModelDownloads) downloads = NULL;
  g_autoptr (EspKey) token = NULL;
  const EspModelVariant *variant;
  guint64 limit = 0;

  if (id == NULL)
    return list_offers (offers, options->json);
  if (offer == NULL)
    return cli_fail (_ ("%s: there is no such model to download; see espalier-cli models "
                        "download"),
                     id);
  if (options->limit != NULL && !parse_limit (options->limit, &limit))
    return CLI_EXIT_USAGE;
  variant = choose_variant (offer, options->variant);
  if (variant == NULL)
    return CLI_EXIT_USAGE;
  if (!accept_licence (offer, options->accept) || !find_token (offer, options, &token))
    return CLI_EXIT_FAILED;

  downloads = esp_model_downloads_new (offers);
  esp_model_downloads_set_limit (downloads, limit);
  return fetch (downloads, offer, variant, token, options);
}

int
cli_models_download (char ***arguments)
{
  Options options = { 0 };
  int status;
  const GOptionEntry entries[] = {
    { "variant", 0, 0, G_OPTION_ARG_STRING, &options.variant,
      N_ ("Which form of it; without this, what suits this computer"), N_ ("VARIANT") },
    { "accept-licence", 0, 0, G_OPTION_ARG_NONE, &options.accept,
      N_ ("Say that you have read and accept its licence"), NULL },
    { "token-stdin", 0, 0, G_OPTION_ARG_NONE, &options.token_stdin,
      N_ ("Read the access token from standard input"), NULL },
    { "token-file", 0, 0, G_OPTION_ARG_FILENAME, &options.token_file,
      N_ ("Read the access token from a file"), N_ ("FILE") },
    { "limit", 0, 0, G_OPTION_ARG_STRING, &options.limit,
      N_ ("Bytes a second at most; k, M and G may follow"), N_ ("RATE") },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, N_ ("Show no progress"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, N_ ("[ID]"),
                          _ ("Fetches a model, or lists those that can be fetched. What has come "
                             "is kept when it is interrupted, and the same command goes on with "
                             "it."),
                          entries, &status))
    ;
  else if ((*arguments)[1] != NULL && (*arguments)[2] != NULL)
    status = cli_usage (_ ("models download: one ID was expected"));
  else if (options.token_stdin && options.token_file != NULL)
    status = cli_usage (_ ("--token-stdin: not together with --token-file"));
  else
    status = download ((*arguments)[1], &options);

  g_free (options.variant);
  g_free (options.limit);
  g_free (options.token_file);
  return status;
}
