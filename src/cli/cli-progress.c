/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-progress.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli-columns.h"

#define WIDTH_UNKNOWN 80
#define BAR_MAX       40
#define BAR_MIN       5

/* In a pipe at most about this many lines are printed for the steps. */
#define LINES_MAX 100

static const struct
{
  const char *stage;
  const char *text;
} stages[] = {
  { "load", N_ ("loading the model") },        { "text", N_ ("reading the instruction") },
  { "encode", N_ ("looking at the photo") },   { "sample", N_ ("editing") },
  { "decode", N_ ("developing the picture") }, { "convert", N_ ("converting") },
};

void
cli_progress_init (CliProgress *self, gboolean quiet)
{
  *self = (CliProgress){ .style = CLI_PROGRESS_LINES, .last_step = -1 };

  if (quiet)
    self->style = CLI_PROGRESS_NONE;
  else if (isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0)
    self->style = CLI_PROGRESS_BAR;
}

static const char *
stage_text (const char *stage)
{
  for (gsize i = 0; i < G_N_ELEMENTS (stages); i++)
    {
      if (g_str_equal (stage, stages[i].stage))
        return _ (stages[i].text);
    }

  return stage;
}

/* "editing, step 3 of 8, 2 s left" */
static char *
describe (const EspWorkerEvent *event)
{
  g_autoptr (GString) text = g_string_new (stage_text (event->stage));
  double left = ceil (event->seconds_left);

  if (event->steps > 0)
    g_string_append_printf (text, _ (", step %d of %d"), event->step, event->steps);

  if (left >= 3600)
    g_string_append_printf (text, _ (", %.0f h %02.0f min left"), floor (left / 3600),
                            floor (fmod (left, 3600) / 60));
  else if (left >= 60)
    g_string_append_printf (text, _ (", %.0f min %02.0f s left"), floor (left / 60),
                            fmod (left, 60));
  else if (left >= 1)
    g_string_append_printf (text, _ (", %.0f s left"), left);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static int
terminal_width (void)
{
  struct winsize size;

  if (ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  return WIDTH_UNKNOWN;
}

static void
draw_bar (CliProgress *self, double done, char *text)
{
  gboolean unicode = g_get_charset (NULL);
  /* The last column stays free: some terminals wrap when it is written. */
  int columns = terminal_width () - 1;
  int bar = MIN (BAR_MAX, columns - cli_columns_count (text) - 3);
  double fraction = CLAMP (done, 0, 1);
  g_autoptr (GString) line = g_string_new ("\r");

  if (bar >= BAR_MIN && done >= 0)
    {
      int full = (int) (fraction * bar);

      g_string_append_c (line, '[');
      for (int i = 0; i < bar; i++)
        g_string_append (line, i < full ? (unicode ? "█" : "#") : (unicode ? "·" : "-"));
      g_string_append (line, "] ");
    }

  text[cli_columns_fit (text, columns)] = '\0';
  g_string_append_printf (line, "%s\033[K", text);
  fputs (line->str, stderr);
  fflush (stderr);
  self->drawn = TRUE;
}

static void
print_line (CliProgress *self, const EspWorkerEvent *event, const char *text)
{
  int every = 1 + (event->steps - 1) / LINES_MAX;

  if (g_strcmp0 (self->last_stage, event->stage) == 0)
    {
      if (event->step == self->last_step
          || (event->step % every != 0 && event->step != event->steps))
        return;
    }

  g_free (self->last_stage);
  self->last_stage = g_strdup (event->stage);
  self->last_step = event->step;
  fprintf (stderr, "%s\n", text);
}

void
cli_progress_show (CliProgress *self, const EspWorkerEvent *event)
{
  g_autofree char *text = NULL;

  if (self->style == CLI_PROGRESS_NONE || event->kind != ESP_WORKER_EVENT_PROGRESS)
    return;

  text = describe (event);
  if (self->style == CLI_PROGRESS_BAR)
    draw_bar (self, MAX (event->fraction, 0), text);
  else
    print_line (self, event, text);
}

void
cli_progress_show_phase (CliProgress *self, const char *stage, const char *text, double fraction)
{
  g_autofree char *copy = g_strdup (text);

  if (self->style == CLI_PROGRESS_BAR)
    draw_bar (self, fraction, copy);
  else if (self->style == CLI_PROGRESS_LINES && g_strcmp0 (self->last_stage, stage) != 0)
    {
      g_free (self->last_stage);
      self->last_stage = g_strdup (stage);
      fprintf (stderr, "%s\n", text);
    }
}

void
cli_progress_clear (CliProgress *self)
{
  if (self->drawn)
    {
      fputs ("\r\033[K", stderr);
      fflush (stderr);
    }
  self->drawn = FALSE;
}

void
cli_progress_finish (CliProgress *self)
{
  cli_progress_clear (self);
  g_clear_pointer (&self->last_stage, g_free);
}
