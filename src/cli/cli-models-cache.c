/* SPDX-License-Identifier: GPL-3.0-or-later */
/* models clear-cache: what the engine keeps on the disk between its runs. */
#include <glib/gi18n.h>

#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-object.h"

static int
run (CliSession *session, gboolean clear, gboolean json)
{
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (JsonObject) cache = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  const char *folder;
  double megabytes;
  int files;

  esp_worker_cache_async (session->worker, clear, session->cancellable, cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  cache = esp_worker_cache_finish (session->worker, answer.result, &error);
  cli_answer_clear (&answer);
  if (cache == NULL)
    return cli_fail ("%s", error->message);

  folder = json_object_get_string_member_with_default (cache, "folder", NULL);
  megabytes = (double) json_object_get_int_member_with_default (cache, "bytes", 0) / 1e6;
  files = (int) json_object_get_int_member_with_default (cache, "files", 0);
  if (json)
    {
      g_autofree char *canonical = esp_json_dup_canonical (cache);

      text = g_strconcat (canonical, "\n", NULL);
    }
  else if (folder == NULL)
    text = g_strdup (_ ("Nothing is kept between edits.\n"));
  else
    text = g_strdup_printf (clear ? g_dngettext (NULL, "Removed %d file (%.1f MB) from %s\n",
                                                 "Removed %d files (%.1f MB) from %s\n",
                                                 (gulong) files)
                                  : g_dngettext (NULL, "%d file (%.1f MB) in %s\n",
                                                 "%d files (%.1f MB) in %s\n", (gulong) files),
                            files, megabytes, folder);
  cli_print (text);
  return CLI_EXIT_OK;
}

int
cli_models_clear_cache (char ***arguments)
{
  gboolean json = FALSE, dry_run = FALSE;
  CliSession session;
  int status;
  const GOptionEntry entries[] = {
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, N_ ("Only say what would be removed"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, NULL,
                          _ ("Removes what is kept of prompts and photos so that later edits need "
                             "not compute it again."),
                          entries, &status))
    return status;
  if ((*arguments)[1] != NULL)
    return cli_usage (_ ("%s: models clear-cache takes no arguments"), (*arguments)[1]);

  cli_session_begin (&session);
  status = cli_session_end (&session, run (&session, !dry_run, json));

  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  return status;
}
