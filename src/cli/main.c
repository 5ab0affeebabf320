/* SPDX-License-Identifier: GPL-3.0-or-later */
/* espalier-cli: the editor without a window. It does its work through the same worker and the same
 * core as the application. */
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>

#include "cli-commands.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-installation.h"

static const struct
{
  const char *name;
  int (*run) (char ***arguments);
  const char *summary;
} commands[] = {
  { "edit", cli_edit, N_ ("edit a photo as an instruction says") },
  { "compose", cli_compose, N_ ("put an edit’s result into the photo it was made from") },
  { "new", cli_new, N_ ("make a document of a photo") },
  { "import", cli_import, N_ ("add photos to a document") },
  { "run", cli_run, N_ ("add a turn to a document and make it") },
  { "sweep", cli_sweep, N_ ("make many edits that differ along axes") },
  { "tree", cli_tree, N_ ("show the edit history of a document") },
  { "log", cli_log, N_ ("show the steps to an image") },
  { "export", cli_export, N_ ("write images of a document to files") },
  { "verify", cli_verify, N_ ("check a document and its images") },
  { "providers", cli_providers, N_ ("list the remote providers, or check a description") },
  { "jobs", cli_jobs, N_ ("list, go on with or forget jobs of remote providers") },
  { "tokenize", cli_tokenize, N_ ("print the token ids of prompts") },
  { "models", cli_models, N_ ("list the models that are installed") },
  { "describe", cli_describe, N_ ("describe the devices, the model and the parameters") },
};

static int
print_help (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n  espalier-cli %s\n\n%s\n", _ ("Usage:"),
                          _ ("COMMAND [OPTION…]"), _ ("Commands:"));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "  %-10s %s\n", commands[i].name, _ (commands[i].summary));
  g_string_append_printf (text, "\n%s\n  --help      %s\n  --version   %s\n\n%s\n", _ ("Options:"),
                          _ ("Show this help"), _ ("Show the program’s version"),
                          _ ("“espalier-cli COMMAND --help” tells more about a command."));
  cli_print (text->str);

  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int
print_version (void)
{
  cli_print ("espalier-cli " ESP_VERSION "\n");

  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int
run (char **argv)
{
  g_auto (GStrv) arguments = NULL;
  const char *command = argv[1];

  if (command == NULL)
    return cli_usage (_ ("a command is missing; see espalier-cli --help"));
  if (g_str_equal (command, "--help") || g_str_equal (command, "-h")
      || g_str_equal (command, "help"))
    return print_help ();
  if (g_str_equal (command, "--version"))
    return print_version ();

  arguments = g_strdupv (argv + 1);
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *name = NULL;

      if (!g_str_equal (command, commands[i].name))
        continue;
      /* What its --help calls the program. */
      name = g_strdup_printf ("espalier-cli %s", command);
      g_set_prgname (name);
      return commands[i].run (&arguments);
    }

  return cli_usage (command[0] == '-' ? _ ("%s: unknown option; see espalier-cli --help")
                                      : _ ("%s: unknown command; see espalier-cli --help"),
                    command);
}

/* Notes of the program's parts are for those who ask for them. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & G_LOG_LEVEL_MESSAGE) != 0 && g_getenv ("G_MESSAGES_DEBUG") == NULL)
    return G_LOG_WRITER_HANDLED;
  /* What ends the program is said without g_log_writer_default (), which takes a lock of GLib's
   * that GLib may hold where it finds that memory is out. */
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
    return g_log_writer_standard_streams (level, fields, n_fields, data);
  return g_log_writer_default (level, fields, n_fields, data);
}

int
main (int argc, char **argv)
{
  g_autofree char *translations = esp_installation_find_translations ();
  struct sigaction ignore = { .sa_handler = SIG_IGN };

  /* A reader that goes away, and a file that grows too large, shall be errors with a message. */
  sigaction (SIGPIPE, &ignore, NULL);
  sigaction (SIGXFSZ, &ignore, NULL);

  /* Standard output is for results. */
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_writer_func (write_log, NULL, NULL);

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, translations);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_prgname ("espalier-cli");

  return run (argv);
}
