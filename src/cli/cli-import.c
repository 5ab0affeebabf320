/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that bring photos into documents: new and import. */
#include <glib/gi18n.h>

#include "cli-commands.h"
#include "cli-document.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"

/* Imports the photos and tells of each. */
static int
import_all (CliSession *session, EspDocument *document, char **photos, EspNode *parent,
            gboolean json)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int status = CLI_EXIT_OK;

  if (json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_open (text, "nodes", '[');
    }
  for (; *photos != NULL && status == CLI_EXIT_OK; photos++)
    {
      EspNode *node = cli_document_import (session, document, *photos, parent);

      if (node == NULL)
        status = CLI_EXIT_FAILED;
      else if (json)
        cli_document_put_node (text, node);
      else
        {
          g_autofree char *line = cli_document_describe_node (node, 0);

          g_string_append_printf (text, "%s\n", line);
        }
    }
  if (json)
    {
      esp_json_close (text, ']');
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  if (status == CLI_EXIT_OK)
    cli_print (text->str);
  return status;
}

int
cli_new (char ***arguments)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };
  CliSession session;
  EspDocument *document;
  int status;

  if (!cli_options_parse (arguments, N_ ("DOC [PHOTO…]"),
                          _ ("Makes a new document DOC that begins with the photos."), entries,
                          &status))
    return status;
  if ((*arguments)[1] == NULL)
    return cli_usage (_ ("%s: DOC is missing"), "new");

  cli_session_begin (&session);
  document = cli_document_create (&session, (*arguments)[1]);
  if (document == NULL)
    return cli_session_end (&session, CLI_EXIT_FAILED);
  status = import_all (&session, document, *arguments + 2, NULL, json);
  return cli_document_finish (&session, document, status);
}

int
cli_import (char ***arguments)
{
  g_autofree char *parent_text = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "parent", 0, 0, G_OPTION_ARG_FILENAME, &parent_text,
      N_ ("The node below which the photos are put; none if not given"), N_ ("ID") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };
  CliSession session;
  EspDocument *document;
  EspNode *parent = NULL;
  int status = CLI_EXIT_OK;

  if (!cli_options_parse (arguments, N_ ("DOC PHOTO…"), _ ("Adds photos to the document DOC."),
                          entries, &status))
    return status;
  if ((*arguments)[1] == NULL)
    return cli_usage (_ ("%s: DOC is missing"), "import");
  if ((*arguments)[2] == NULL)
    return cli_usage (_ ("%s: PHOTO is missing"), "import");

  cli_session_begin (&session);
  document = cli_document_open (&session, (*arguments)[1], TRUE);
  if (document == NULL)
    return cli_session_end (&session, CLI_EXIT_FAILED);
  if (parent_text != NULL)
    parent = cli_document_find_node (document, "--parent", parent_text, &status);
  if (parent_text == NULL || parent != NULL)
    status = import_all (&session, document, *arguments + 2, parent, json);
  return cli_document_finish (&session, document, status);
}
