/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-remote.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli-compose-report.h"
#include "cli-report.h"
#include "esp-file-private.h"
#include "esp-json-member.h"
#include "esp-picture-attach.h"
#include "esp-picture-strip.h"

/* --- Begin and end ---------------------------------------------------------------------------- */

void
cli_remote_begin (CliRemote *self, gboolean json, gboolean quiet, gboolean cancel_on_interrupt)
{
  self->json = json;
  self->quiet = quiet;
  self->cancel_on_interrupt = cancel_on_interrupt;
  cli_progress_init (&self->progress, quiet);
  cli_session_begin (&self->session);
  esp_remote_turn_set_cancel_there (self->session.cancellable, cancel_on_interrupt);
  self->http = esp_http_new ();
  self->accounts = esp_accounts_new (NULL);
}

int
cli_remote_end (CliRemote *self, int status)
{
  cli_progress_finish (&self->progress);
  g_clear_object (&self->http);
  g_clear_object (&self->accounts);
  status = cli_session_end (&self->session, status);
  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  return status;
}

/* --- Jobs ------------------------------------------------------------------------------------- */

void
cli_remote_job_clear (CliRemoteJob *self)
{
  g_free (self->id);
  g_free (self->backend);
  g_free (self->provider);
  g_free (self->title);
  g_free (self->output);
  g_clear_pointer (&self->asked, json_object_unref);
  g_clear_pointer (&self->keep, esp_composition_free);
  g_clear_pointer (&self->source, g_bytes_unref);
  g_free (self->mask_out);
  *self = (CliRemoteJob){ NULL };
}

/* A path is bytes; JSON holds text. */
static void
set_path (JsonObject *object, const char *name, const char *path)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *uri = g_filename_to_uri (absolute, NULL, NULL);

  json_object_set_string_member (object, name, uri);
}

static char *
dup_path (JsonObject *object, const char *name)
{
  const char *uri = esp_json_get_string (object, name);

  return uri != NULL ? g_filename_from_uri (uri, NULL, NULL) : NULL;
}

JsonObject *
cli_remote_job_dup_client (const CliRemoteJob *self, char **inputs, const char *key_file)
{
  JsonObject *client = json_object_new ();
  JsonArray *uris = json_array_new ();

  json_object_set_string_member (client, "program", "espalier-cli");
  json_object_set_string_member (client, "backend", self->backend);
  set_path (client, "output", self->output);
  json_object_set_boolean_member (client, "no_metadata", self->no_metadata);
  if (key_file != NULL && !g_str_equal (key_file, "-"))
    set_path (client, "key_file", key_file);
  if (self->keep != NULL)
    {
      g_autofree char *text = esp_composition_to_json (self->keep);

      json_object_set_string_member (client, "composition", text);
    }
  if (self->mask_out != NULL)
    set_path (client, "mask_out", self->mask_out);
  for (char **input = inputs; *input != NULL; input++)
    {
      g_autofree char *absolute = g_canonicalize_filename (*input, NULL);
      g_autofree char *uri = g_filename_to_uri (absolute, NULL, NULL);

      json_array_add_string_element (uris, uri);
    }
  json_object_set_array_member (client, "inputs", uris);
  return client;
}

char **
cli_remote_dup_inputs (EspRecord *record)
{
  JsonObject *client = esp_json_get_object (esp_record_get_members (record), "client");
  JsonNode *node = client != NULL ? json_object_get_member (client, "inputs") : NULL;
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  JsonArray *uris;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;
  uris = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (uris); i++)
    {
      JsonNode *element = json_array_get_element (uris, i);
      g_autofree char *path = json_node_get_value_type (element) == G_TYPE_STRING
                                  ? g_filename_from_uri (json_node_get_string (element), NULL, NULL)
                                  : NULL;

      if (path == NULL)
        return NULL;
      g_strv_builder_add (paths, path);
    }
  return json_array_get_length (uris) > 0 ? g_strv_builder_end (paths) : NULL;
}

gboolean
cli_remote_job_read (CliRemoteJob *self, EspRecord *record)
{
  JsonObject *members = esp_record_get_members (record);
  JsonObject *client = esp_json_get_object (members, "client");
  JsonObject *asked = esp_json_get_object (members, "parameters");
  const char *backend = client != NULL ? esp_json_get_string (client, "backend") : NULL;
  const char *title = esp_json_get_string (members, "name");

  if (backend == NULL)
    backend = esp_json_get_string (members, "account");
  if (backend == NULL)
    backend = esp_record_get_provider (record);

  self->id = g_strdup (esp_record_get_id (record));
  self->backend = g_strdup (backend);
  self->provider = g_strdup (esp_record_get_provider (record));
  self->title = g_strdup (title != NULL ? title : self->provider);
  self->asked = asked != NULL ? json_object_ref (asked) : json_object_new ();
  if (client == NULL)
    return FALSE;
  self->output = dup_path (client, "output");
  self->mask_out = dup_path (client, "mask_out");
  self->keep = esp_composition_from_json (esp_json_get_string (client, "composition"));
  self->no_metadata = json_object_get_boolean_member_with_default (client, "no_metadata", FALSE);
  return self->output != NULL;
}

/* --- The photo whose pixels are kept -----------------------------------------------------------
 */

typedef struct
{
  GBytes *photo;
  char *name;
  EspComposition *keep;
} Cutting;

static void
cutting_free (gpointer data)
{
  Cutting *self = data;

  g_bytes_unref (self->photo);
  g_free (self->name);
  esp_composition_free (self->keep);
  g_free (self);
}

static void
cut_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  Cutting *self = data;
  GError *error = NULL;
  g_autoptr (EspPicture) photo
      = esp_picture_load_bytes (self->photo, self->name, NULL, cancellable, &error);
  g_autoptr (EspPicture) sent
      = photo != NULL ? cli_keep_cut (self->keep, photo, cancellable, &error) : NULL;
  GBytes *bytes = sent != NULL ? esp_picture_to_bytes (sent, ESP_FORMAT_PNG, NULL, &options,
                                                       cancellable, &error)
                               : NULL;

  if (bytes != NULL)
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

gboolean
cli_remote_job_take_photo (CliRemoteJob *self, CliRemote *remote, GPtrArray *images, GError **error)
{
  g_autoptr (GError) own_error = NULL;
  Cutting *cutting;
  GBytes *sent;

  if (self->keep == NULL || images->len == 0)
    return TRUE;
  g_clear_pointer (&self->source, g_bytes_unref);
  self->source = g_bytes_ref (g_ptr_array_index (images, 0));
  if (self->keep->region == NULL)
    return TRUE;
  cutting = g_new0 (Cutting, 1);
  cutting->photo = g_bytes_ref (self->source);
  cutting->name = g_strdup (_ ("The photo"));
  cutting->keep = esp_composition_copy (self->keep);
  sent = cli_session_run (&remote->session, cut_thread, cutting, cutting_free, FALSE, &own_error);
  if (sent == NULL)
    {
      if (g_error_matches (own_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Interrupted."));
      else
        g_propagate_error (error, cli_remote_argument_new ("%s", own_error->message));
      return FALSE;
    }
  g_bytes_unref (g_ptr_array_index (images, 0));
  g_ptr_array_index (images, 0) = sent;
  return TRUE;
}

/* --- Images ----------------------------------------------------------------------------------- */

/* OUT, OUT-2, OUT-3, … before the extension. */
static char *
dup_numbered (const char *path, guint index)
{
  const char *dot = strrchr (path, '.');

  if (index == 0 || dot == NULL)
    return g_strdup (path);
  return g_strdup_printf ("%.*s-%u%s", (int) (dot - path), path, index + 1, dot);
}

static const char *
media_type_of (EspPictureFormat format)
{
  static const char *const types[] = {
    [ESP_FORMAT_PNG] = "image/png",
    [ESP_FORMAT_JPEG] = "image/jpeg",
    [ESP_FORMAT_WEBP] = "image/webp",
    [ESP_FORMAT_TIFF] = "image/tiff",
  };

  return types[format];
}

/* What a thread needs to write an image. */
typedef struct
{
  GBytes *bytes; /* as they came */
  char *media_type;
  char *path;
  EspRecipe *recipe;    /* or NULL */
  EspComposition *keep; /* or NULL */
  GBytes *source;
  char *mask_out;
} Writing;

static void
writing_free (gpointer data)
{
  Writing *self = data;

  g_bytes_unref (self->bytes);
  g_free (self->media_type);
  g_free (self->path);
  esp_recipe_free (self->recipe);
  g_clear_pointer (&self->keep, esp_composition_free);
  g_clear_pointer (&self->source, g_bytes_unref);
  g_free (self->mask_out);
  g_free (self);
}

/* Puts it into the photo, where that was asked for. */
static CliKept *
put_together (const Writing *self, EspPicture *picture, GCancellable *cancellable)
{
  g_autoptr (EspPicture) source = NULL;
  g_autoptr (GError) error = NULL;

  if (self->keep == NULL)
    return cli_kept_new_whole (NULL, picture, NULL);
  if (self->source == NULL)
    return cli_kept_new_whole (self->keep, picture,
                               _ ("The picture that it was made from is not there any more"));
  source = esp_picture_load_bytes (self->source, _ ("The photo"), NULL, cancellable, &error);
  if (source == NULL)
    return cli_kept_new_whole (self->keep, picture, error->message);
  return cli_keep_make (self->keep, source, picture, cancellable);
}

/* A JPEG that shall be one goes as it came, with other metadata: nothing is encoded twice. NULL:
 * that is not possible. */
static GBytes *
dup_as_it_is (const Writing *self, EspPictureFormat format)
{
  if (format != ESP_FORMAT_JPEG || strcmp (self->media_type, "image/jpeg") != 0
      || self->keep != NULL)
    return NULL;
  return self->recipe != NULL
             ? esp_picture_attach_recipe (self->bytes, self->path, self->recipe, NULL)
             : esp_picture_strip_metadata (self->bytes, self->path, NULL);
}

static CliRemoteOutput *
write_image (const Writing *self, GCancellable *cancellable, GError **error)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (CliKept) kept = NULL;
  g_autoptr (GBytes) encoded = NULL;
  CliRemoteOutput *output;
  EspPictureFormat format;
  EspPiece piece;

  /* What lost something on its way is not made worse. */
  options.lossless = strcmp (self->media_type, "image/webp") == 0;
  options.quality = 97;
  picture = esp_picture_load_bytes (self->bytes, self->path, NULL, cancellable, error);
  if (picture == NULL || !esp_picture_format_from_path (self->path, &format, error))
    return NULL;
  kept = put_together (self, picture, cancellable);
  if (self->recipe != NULL)
    {
      self->recipe->width = kept->image->width;
      self->recipe->height = kept->image->height;
    }
  encoded = dup_as_it_is (self, format);
  if (encoded == NULL)
    encoded
        = esp_picture_to_bytes (kept->image, format, self->recipe, &options, cancellable, error);
  if (encoded == NULL)
    return NULL;
  piece.data = g_bytes_get_data (encoded, &piece.size);
  if (!_esp_file_replace (self->path, &piece, 1, ESP_REPLACE_SYNC, cancellable, error))
    return NULL;
  if (self->mask_out != NULL && kept->mask != NULL
      && !cli_keep_write_mask (kept, self->mask_out, error))
    return NULL;

  output = g_new0 (CliRemoteOutput, 1);
  output->path = g_strdup (self->path);
  output->width = kept->image->width;
  output->height = kept->image->height;
  output->composition = g_steal_pointer (&kept->composition);
  output->media_type = media_type_of (format);
  output->sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, encoded);
  return output;
}

static void
write_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  CliRemoteOutput *output = write_image (data, NULL, &error);

  if (output != NULL)
    g_task_return_pointer (task, output, (GDestroyNotify) cli_remote_output_free);
  else
    g_task_return_error (task, error);
}

/* NULL after an error. An interruption waits: what was paid for is stored. */
static GPtrArray *
store (CliRemote *self, const CliRemoteJob *job, const EspRemoteResult *result, GError **error)
{
  g_autoptr (GPtrArray) outputs
      = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_remote_output_free);

  for (guint i = 0; i < result->images->len; i++)
    {
      const EspReceivedImage *image = g_ptr_array_index (result->images, i);
      Writing *writing = g_new0 (Writing, 1);
      CliRemoteOutput *output;

      writing->bytes = g_bytes_ref (image->bytes);
      writing->media_type = g_strdup (image->media_type);
      writing->path = dup_numbered (job->output, i);
      writing->keep = esp_composition_copy (job->keep);
      writing->source = job->source != NULL ? g_bytes_ref (job->source) : NULL;
      writing->mask_out = job->mask_out != NULL ? dup_numbered (job->mask_out, i) : NULL;
      if (!job->no_metadata)
        writing->recipe = cli_remote_recipe_new (job, result, image);
      output = cli_session_run (&self->session, write_thread, writing, writing_free, TRUE, error);
      if (output == NULL)
        return NULL;
      g_ptr_array_add (outputs, output);
    }
  return g_steal_pointer (&outputs);
}

/* --- One turn --------------------------------------------------------------------------------- */

static void
on_news (const EspRemoteNews *news, gpointer data)
{
  cli_remote_show_news (data, news);
}

static EspRemoteResult *
wait_for_result (CliRemote *self, const CliRemoteJob *job, const EspRemoteRequest *request,
                 const char *key, guint patience, GError **error)
{
  CliAnswer answer = { FALSE, NULL };
  EspRemoteResult *result;

  if (request != NULL)
    esp_remote_turn_start_async (self->http, request, self->session.cancellable, on_news, self,
                                 cli_answer_take, &answer);
  else
    esp_remote_turn_resume_async (self->http, job->id, key, patience, self->session.cancellable,
                                  on_news, self, cli_answer_take, &answer);
  cli_session_wait (&self->session, &answer.done, TRUE);
  result = request != NULL ? esp_remote_turn_start_finish (answer.result, error)
                           : esp_remote_turn_resume_finish (answer.result, error);
  cli_answer_clear (&answer);
  cli_progress_clear (&self->progress);
  return result;
}

/* The image is safe; nothing that goes wrong with bookkeeping makes it less so. */
static void
settle (CliRemote *self, const CliRemoteJob *job, const EspRemoteResult *result)
{
  g_autoptr (GError) error = NULL;

  if (result->cost >= 0)
    esp_ledger_note (esp_accounts_get_ledger (self->accounts), job->id, job->backend, job->provider,
                     NULL, result->cost, result->currency != NULL ? result->currency : "USD",
                     result->cost_estimated);
  if (!esp_remote_turn_settle (job->id, &error))
    cli_note (_ ("The record of the job could not be removed: %s"), error->message);
}

/* What was made is safe with the record, and "jobs resume" writes it: the status of jobs that are
 * kept. */
static int
fail_to_store (CliRemote *self, const CliRemoteJob *job, const GError *error, GString *json)
{
  EspFaultReport report = { .charged = ESP_CHARGED_YES, .kept = TRUE };
  g_autofree char *message = g_strdup_printf (
      _ ("%s. The job is kept: espalier-cli jobs resume %s"), error->message, job->id);

  if (json != NULL)
    cli_remote_put_error (json, "output", message, &report);
  cli_fail ("%s", message);
  return CLI_EXIT_UNKNOWN;
}

/* Is there something left to go on with? */
static gboolean
is_kept (const CliRemoteJob *job)
{
  g_autoptr (GPtrArray) records = esp_journal_list ();

  for (guint i = 0; i < records->len; i++)
    if (g_str_equal (esp_record_get_id (g_ptr_array_index (records, i)), job->id))
      return TRUE;
  return FALSE;
}

/* Ctrl+C. The exit status is the signal's. */
static int
fail_interrupted (CliRemote *self, gboolean kept, GString *json)
{
  const gboolean cancelled = !kept && self->cancel_on_interrupt;
  const EspFaultReport report = {
    .charged = kept || cancelled ? ESP_CHARGED_UNKNOWN : ESP_CHARGED_NO,
    .kept = kept,
  };
  const char *message = kept        ? _ ("Interrupted. The provider may have the job.")
                        : cancelled ? _ ("Interrupted. The job was cancelled.")
                                    : _ ("Interrupted. Nothing is with the provider.");

  if (json != NULL)
    cli_remote_put_error (json, "cancelled", message, &report);
  return cli_fail ("%s", message);
}

static void
tell_kept (GPtrArray *outputs)
{
  for (guint i = 0; i < outputs->len; i++)
    {
      const CliRemoteOutput *output = g_ptr_array_index (outputs, i);
      g_autofree char *text
          = output->composition != NULL ? cli_compose_describe (output->composition) : NULL;

      if (text != NULL)
        cli_note ("%s: %s", output->path, text);
    }
}

int
cli_remote_make (CliRemote *self, const CliRemoteJob *job, const EspRemoteRequest *request,
                 const char *key, guint patience, GString *json)
{
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = wait_for_result (self, job, request, key, patience, &error);
  if (result == NULL)
    {
      const gboolean kept = is_kept (job);
      int status;

      if (request == NULL && key == NULL)
        cli_remote_explain_missing_key (job->backend, &error);
      status = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                   ? fail_interrupted (self, kept, json)
                   : cli_remote_fail (self, error, json);

      if (!self->quiet && kept)
        cli_note (_ ("The job is kept; go on with it: espalier-cli jobs resume %s"), job->id);
      return status;
    }

  outputs = store (self, job, result, &error);
  if (outputs == NULL)
    return fail_to_store (self, job, error, json);
  settle (self, job, result);

  if (json != NULL)
    cli_remote_put_result (json, job, result, outputs);
  else if (!self->quiet)
    {
      g_autofree char *summary = cli_remote_summary (job, result, outputs);

      tell_kept (outputs);
      cli_print (summary);
    }
  return CLI_EXIT_OK;
}
