/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-report.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

/* Why standard output could not be written, or 0. The first failure counts. */
static int output_errno;

static char *last_failure;

G_GNUC_PRINTF (2, 0)
static void
write_line (const char *prefix, const char *format, va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf (format, arguments);

  for (char *c = text; *c != '\0'; c++)
    {
      if (g_ascii_iscntrl (*c))
        *c = ' ';
    }

  fprintf (stderr, "%s%s\n", prefix, text);
  if (*prefix != '\0')
    {
      g_free (last_failure);
      last_failure = g_steal_pointer (&text);
    }
}

const char *
cli_get_last_failure (void)
{
  return last_failure;
}

int
cli_fail (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  write_line ("espalier-cli: ", format, arguments);
  va_end (arguments);

  return CLI_EXIT_FAILED;
}

int
cli_usage (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  write_line ("espalier-cli: ", format, arguments);
  va_end (arguments);

  return CLI_EXIT_USAGE;
}

void
cli_note (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  write_line ("", format, arguments);
  va_end (arguments);
}

void
cli_print (const char *text)
{
  if (fputs (text, stdout) == EOF && output_errno == 0)
    output_errno = errno;
}

gboolean
cli_finish_output (void)
{
  if (fflush (stdout) == EOF && output_errno == 0)
    output_errno = errno;

  if (output_errno != 0)
    cli_fail (_ ("standard output: cannot be written: %s"), g_strerror (output_errno));

  return output_errno == 0;
}
