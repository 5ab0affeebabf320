/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-run-apart.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "cli-export.h"
#include "cli-report.h"

gboolean
cli_apart_begin (CliApart *self, CliSession *session)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  self->folder = g_dir_make_tmp ("espalier-run-XXXXXX", &error);
  if (self->folder == NULL)
    {
      cli_fail ("%s", error->message);
      return FALSE;
    }
  path = g_build_filename (self->folder, "run.espalier", NULL);
  self->document = cli_document_create (session, path);
  return self->document != NULL;
}

EspNode *
cli_apart_copy (CliApart *self, CliSession *session, EspDocument *source, EspNode *node)
{
  GListModel *roots = esp_document_get_roots (self->document);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspNode) copy = NULL;
  CliAnswer answer = { FALSE, NULL };

  esp_document_copy_picture_async (self->document, source, node, session->cancellable,
                                   cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  if (esp_document_edit_finish (self->document, answer.result, &error))
    copy = g_list_model_get_item (roots, g_list_model_get_n_items (roots) - 1);
  else if (session->signal_number == 0)
    cli_fail ("%s", error->message);
  cli_answer_clear (&answer);
  /* The document keeps it. */
  return copy;
}

int
cli_apart_write (CliApart *self, CliSession *session, EspNode *node, const char *path)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };

  cli_export_format_from_name (path, &options.format, NULL);
  esp_export_async (self->document, node, target, &options, NULL, NULL, session->cancellable,
                    cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  files = esp_export_finish (answer.result, &error);
  cli_answer_clear (&answer);
  if (files != NULL)
    return CLI_EXIT_OK;
  return session->signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
}

void
cli_apart_end (CliApart *self, CliSession *session)
{
  if (self->document != NULL)
    cli_document_close (session, g_steal_pointer (&self->document), CLI_EXIT_OK);
  if (self->folder != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, "run.espalier", NULL);

      g_unlink (path);
      g_rmdir (self->folder);
    }
  g_clear_pointer (&self->folder, g_free);
}
