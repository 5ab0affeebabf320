/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-options.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "cli-components.h"
#include "cli-report.h"

gboolean
cli_options_parse (char ***arguments, const char *usage, const char *summary,
                   const GOptionEntry *entries, int *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (usage);
  g_autoptr (GError) error = NULL;
  gboolean help = FALSE;
  const GOptionEntry help_entries[]
      = { { "help", 'h', 0, G_OPTION_ARG_NONE, &help, N_ ("Show this help"), NULL }, { NULL } };

  /* GLib's own --help would end the process with text in the locale's character set. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, summary);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, help_entries, GETTEXT_PACKAGE);

  for (const GOptionEntry *entry = entries; entry->long_name != NULL; entry++)
    if (g_str_equal (entry->long_name, "component"))
      *arguments = cli_components_expand (*arguments);

  if (!g_option_context_parse_strv (context, arguments, &error))
    {
      *status = cli_usage ("%s", error->message);
      return FALSE;
    }

  if (help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);

      cli_print (text);
      *status = cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
      return FALSE;
    }

  return TRUE;
}

gboolean
cli_option_uint (const char *option, const char *text, guint64 minimum, guint64 maximum,
                 guint64 *value)
{
  char *end = NULL;
  guint64 number;

  errno = 0;
  number = g_ascii_strtoull (text, &end, 10);
  if (!g_ascii_isdigit (text[0]) || *end != '\0' || errno != 0 || number < minimum
      || number > maximum)
    {
      cli_usage (_ ("%s: expected a whole number from %" PRIu64 " to %" PRIu64 ", found “%s”"),
                 option, minimum, maximum, text);
      return FALSE;
    }

  *value = number;
  return TRUE;
}

gboolean
cli_option_double (const char *option, const char *text, double minimum, double maximum,
                   double *value)
{
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0' || g_ascii_isspace (text[0]) || !isfinite (number)
      || number < minimum || number > maximum)
    {
      cli_usage (_ ("%s: expected a number from %g to %g, found “%s”"), option, minimum, maximum,
                 text);
      return FALSE;
    }

  *value = number;
  return TRUE;
}

gboolean
cli_option_choice (const char *option, const char *text, const char *const *choices)
{
  g_autofree char *list = NULL;

  if (g_strv_contains (choices, text))
    return TRUE;

  list = g_strjoinv (", ", (char **) choices);
  cli_usage (_ ("%s: expected one of %s; found “%s”"), option, list, text);
  return FALSE;
}

gboolean
cli_option_utf8 (const char *option, const char *text)
{
  const char *end = NULL;

  if (g_utf8_validate (text, -1, &end))
    return TRUE;

  cli_usage (_ ("%s: is not valid UTF-8 (byte %d)"), option, (int) (end - text));
  return FALSE;
}

gboolean
cli_option_target (const char *option, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (*path == '\0')
    cli_usage (_ ("%s: the name is empty"), option);
  else if (g_file_test (path, G_FILE_TEST_IS_DIR))
    cli_fail (_ ("%s: %s: is a folder"), option, path);
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    cli_fail (_ ("%s: %s: there is no folder %s"), option, path, folder);
  else if (g_access (folder, W_OK | X_OK) != 0)
    cli_fail (_ ("%s: %s: the folder cannot be written: %s"), option, path, g_strerror (errno));
  else
    return TRUE;

  return FALSE;
}
