/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-document.h"

#include <glib/gi18n.h>

#include "cli-columns.h"
#include "cli-compose-report.h"
#include "cli-keep.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"

/* Says what `error` says, unless the person knows: they pressed Ctrl+C. */
static void
tell (CliSession *session, const GError *error)
{
  if (session->signal_number == 0)
    cli_fail ("%s", error->message);
}

/* Says why a document that was opened cannot be written; FALSE if it can. */
static gboolean
tell_refusal (EspDocument *document, const char *path)
{
  switch (esp_document_get_access (document))
    {
    case ESP_DOCUMENT_IN_USE:
      cli_fail (_ ("%s: is open in another program; close it there first"), path);
      return TRUE;
    case ESP_DOCUMENT_NEWER:
      cli_fail (_ ("%s: was written by a newer version of Espalier and can only be read"), path);
      return TRUE;
    case ESP_DOCUMENT_NO_PERMISSION:
      cli_fail (_ ("%s: may not be written"), path);
      return TRUE;
    case ESP_DOCUMENT_WRITABLE:
    default:
      return FALSE;
    }
}

EspDocument *
cli_document_open (CliSession *session, const char *path, gboolean to_write)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspDocument *document;

  esp_document_open_async (file, to_write ? ESP_DOCUMENT_OPEN_DEFAULT : ESP_DOCUMENT_OPEN_READ_ONLY,
                           session->cancellable, cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  document = esp_document_open_finish (answer.result, &error);
  cli_answer_clear (&answer);
  if (document == NULL)
    {
      tell (session, error);
      return NULL;
    }

  if (to_write && tell_refusal (document, path))
    {
      cli_document_close (session, document, CLI_EXIT_FAILED);
      return NULL;
    }
  return document;
}

EspDocument *
cli_document_create (CliSession *session, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspDocument *document;

  if (g_file_query_exists (file, NULL))
    {
      cli_fail (_ ("%s: exists already; “espalier-cli import” adds photos to it"), path);
      return NULL;
    }
  esp_document_create_async (file, NULL, session->cancellable, cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  document = esp_document_create_finish (answer.result, &error);
  cli_answer_clear (&answer);
  if (document == NULL)
    tell (session, error);
  return document;
}

int
cli_document_close (CliSession *session, EspDocument *document, int status)
{
  g_autoptr (EspDocument) taken = document;
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };

  esp_document_close_async (document, cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  if (!esp_document_close_finish (document, answer.result, &error))
    status = cli_fail ("%s", error->message);
  cli_answer_clear (&answer);
  return status;
}

int
cli_document_finish (CliSession *session, EspDocument *document, int status)
{
  status = cli_session_end (session, cli_document_close (session, document, status));
  return cli_finish_output () || status != CLI_EXIT_OK ? status : CLI_EXIT_FAILED;
}

EspNode *
cli_document_find_node (EspDocument *document, const char *option, const char *text, int *status)
{
  EspNode *node;
  guint64 id;

  if (text == NULL)
    {
      node = esp_document_get_current (document);
      if (node == NULL)
        *status = cli_fail (_ ("%s: the document is empty"), option);
      return node;
    }
  if (!cli_option_uint (option, text, 1, G_MAXINT64, &id))
    {
      *status = CLI_EXIT_USAGE;
      return NULL;
    }
  node = esp_document_get_node (document, (gint64) id);
  if (node == NULL)
    *status = cli_fail (_ ("%s: there is no node %s; “espalier-cli tree” lists all"), option, text);
  return node;
}

static void
read_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *contents;
  gsize size;

  if (g_file_load_contents (data, cancellable, &contents, &size, NULL, &error))
    g_task_return_pointer (task, g_bytes_new_take (contents, size), (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

GBytes *
cli_document_read_file (CliSession *session, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  if (g_file_query_file_type (file, G_FILE_QUERY_INFO_NONE, NULL) == G_FILE_TYPE_SPECIAL)
    {
      cli_fail (_ ("%s: is no picture file"), path);
      return NULL;
    }
  bytes
      = cli_session_run (session, read_thread, g_object_ref (file), g_object_unref, FALSE, &error);
  if (bytes == NULL && session->signal_number == 0)
    cli_fail ("%s: %s", path, error->message);
  return bytes;
}

EspNode *
cli_document_import_bytes (CliSession *session, EspDocument *document, GBytes *bytes,
                           const char *path, EspNode *parent)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *name = g_filename_display_name (base);
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspNode *node;

  esp_document_import_async (document, bytes, name, parent, session->cancellable, cli_answer_take,
                             &answer);
  cli_session_wait (session, &answer.done, TRUE);
  node = esp_document_import_finish (document, answer.result, &error);
  cli_answer_clear (&answer);
  if (node == NULL)
    tell (session, error);
  return node;
}

EspNode *
cli_document_import (CliSession *session, EspDocument *document, const char *path, EspNode *parent)
{
  g_autoptr (GBytes) bytes = cli_document_read_file (session, path);

  return bytes != NULL ? cli_document_import_bytes (session, document, bytes, path, parent) : NULL;
}

/* ---- telling of nodes */

void
cli_document_put_known (GString *json, const char *key, double value)
{
  if (value < 0)
    esp_json_put_raw (json, key, "null");
  else
    esp_json_put_double (json, key, value);
}

void
cli_document_put_image (GString *json, EspNode *node)
{
  if (!esp_node_has_image (node))
    {
      esp_json_put_raw (json, "image", "null");
      return;
    }
  esp_json_open (json, "image", '{');
  esp_json_put_string (json, "sha256", esp_node_get_sha256 (node), -1);
  esp_json_put_uint (json, "width", (guint64) esp_node_get_width (node));
  esp_json_put_uint (json, "height", (guint64) esp_node_get_height (node));
  esp_json_put_string (json, "media_type", esp_node_get_media_type (node), -1);
  esp_json_close (json, '}');
}

void
cli_document_put_kept (GString *json, EspNode *node)
{
  const EspComposition *composition = esp_node_get_composition (node);

  if (composition == NULL)
    {
      esp_json_put_raw (json, "keep", "null");
      return;
    }
  esp_json_open (json, "keep", '{');
  cli_keep_put (json, composition);
  if (composition->made)
    cli_compose_put (json, composition);
  esp_json_close (json, '}');
}

/* Only cells of sweeps say so. */
static void
put_cell (GString *json, EspNode *node)
{
  if (esp_node_get_sweep (node) == 0)
    return;
  esp_json_put_uint (json, "sweep", (guint64) esp_node_get_sweep (node));
  esp_json_put_uint (json, "cell", esp_node_get_cell (node));
  esp_json_put_bool (json, "draft", esp_node_is_draft (node));
}

void
cli_document_put_node (GString *json, EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);
  GPtrArray *references = esp_node_get_references (node);
  g_autoptr (GDateTime) created
      = g_date_time_new_from_unix_utc (esp_node_get_created (node) / G_USEC_PER_SEC);
  g_autofree char *created_text
      = created != NULL ? g_date_time_format (created, "%Y-%m-%dT%H:%M:%SZ") : NULL;
  g_autoptr (JsonNode) parameters = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *parameters_text = NULL;

  json_node_set_object (parameters, esp_node_get_parameters (node));
  parameters_text = json_to_string (parameters, FALSE);

  esp_json_open (json, NULL, '{');
  esp_json_put_uint (json, "id", (guint64) esp_node_get_id (node));
  if (parent != NULL)
    esp_json_put_uint (json, "parent", (guint64) esp_node_get_id (parent));
  else
    esp_json_put_raw (json, "parent", "null");
  esp_json_put_string (json, "kind", esp_node_kind_to_string (esp_node_get_kind (node)), -1);
  esp_json_put_string (json, "instruction", esp_node_get_instruction (node), -1);
  esp_json_put_string (json, "negative_prompt", esp_node_get_negative_prompt (node), -1);
  esp_json_put_string (json, "backend", esp_node_get_backend (node), -1);
  esp_json_put_string (json, "model", esp_node_get_model (node), -1);
  esp_json_put_string (json, "model_hash", esp_node_get_model_hash (node), -1);
  esp_json_put_raw (json, "parameters", parameters_text);
  if (esp_node_has_seed (node))
    esp_json_put_uint (json, "seed", esp_node_get_seed (node));
  else
    esp_json_put_raw (json, "seed", "null");
  esp_json_open (json, "references", '[');
  for (guint i = 0; i < references->len; i++)
    esp_json_put_uint (json, NULL, (guint64) esp_node_get_id (references->pdata[i]));
  esp_json_close (json, ']');
  esp_json_put_string (json, "file_name", esp_node_get_file_name (node), -1);
  esp_json_put_string (json, "state", esp_node_state_to_string (esp_node_get_state (node)), -1);
  esp_json_put_string (json, "message", esp_node_get_message (node), -1);
  esp_json_put_string (json, "label", esp_node_get_label (node), -1);
  esp_json_put_string (json, "note", esp_node_get_note (node), -1);
  esp_json_put_uint (json, "stars", (guint64) esp_node_get_stars (node));
  esp_json_put_uint (json, "tag", (guint64) esp_node_get_tag (node));
  esp_json_put_bool (json, "rejected", esp_node_get_rejected (node));
  cli_document_put_image (json, node);
  cli_document_put_kept (json, node);
  esp_json_put_bool (json, "outdated", esp_node_is_outdated (node));
  esp_json_put_string (json, "created", created_text, -1);
  cli_document_put_known (json, "seconds", esp_node_get_seconds (node));
  cli_document_put_known (json, "cost", esp_node_get_cost (node));
  esp_json_put_string (json, "currency", esp_node_get_currency (node), -1);
  put_cell (json, node);
  esp_json_close (json, '}');
}

/* On one line: what is no letter becomes a space. */
static void
append_plain (GString *line, const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (line, g_unichar_iscntrl (c) ? ' ' : c);
    }
}

static void
append_marks (GString *line, EspNode *node)
{
  const char *message = esp_node_get_message (node);

  if (esp_node_get_state (node) == ESP_NODE_DONE && esp_node_has_image (node))
    g_string_append_printf (line, "  %d×%d", esp_node_get_width (node), esp_node_get_height (node));
  for (int i = 0; i < esp_node_get_stars (node); i++)
    g_string_append (line, i == 0 ? "  ★" : "★");
  if (esp_node_get_rejected (node))
    g_string_append_printf (line, "  [%s]", _ ("rejected"));
  if (esp_node_is_outdated (node))
    g_string_append_printf (line, "  [%s]", _ ("made from an earlier image of the one above"));
  switch (esp_node_get_state (node))
    {
    case ESP_NODE_QUEUED:
      g_string_append_printf (line, "  [%s]", _ ("waiting"));
      break;
    case ESP_NODE_RUNNING:
      g_string_append_printf (line, "  [%s]", _ ("running"));
      break;
    case ESP_NODE_CANCELLED:
      g_string_append_printf (line, "  [%s]", _ ("cancelled"));
      break;
    case ESP_NODE_FAILED:
      g_string_append_printf (line, "  [%s: ", _ ("failed"));
      append_plain (line, message != NULL ? message : "");
      g_string_append_c (line, ']');
      break;
    case ESP_NODE_BLOCKED:
      g_string_append_printf (line, "  [%s: ", _ ("blocked"));
      append_plain (line, message != NULL ? message : "");
      g_string_append_c (line, ']');
      break;
    case ESP_NODE_DONE:
    default:
      break;
    }
}

char *
cli_document_describe_node (EspNode *node, int columns)
{
  GString *line = g_string_new (NULL);
  g_autoptr (GString) title = g_string_new (NULL);
  g_autofree char *raw = esp_node_dup_title (node);

  append_plain (title, raw);
  if (columns > 0 && cli_columns_count (title->str) > MAX (columns, 12))
    {
      g_string_truncate (title, cli_columns_fit (title->str, MAX (columns, 12) - 1));
      g_string_append (title, "…");
    }
  g_string_append_printf (line, "%" G_GINT64_FORMAT " %s", esp_node_get_id (node), title->str);
  append_marks (line, node);
  return g_string_free (line, FALSE);
}
