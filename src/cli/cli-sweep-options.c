/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-sweep-options.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cli-options.h"
#include "cli-report.h"
#include "esp-sheet.h"

#define STEPS_MAX 1000
#define JOBS_MAX  64
#define SIDE_MIN  32
#define SIDE_MAX  4096

/* Of any currency: so much may be spent without being asked. */
#define LIMIT 2.0

static gboolean
parse (CliSweepOptions *self, char ***arguments, int *status)
{
  const GOptionEntry own[] = {
    { "axis", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->axes,
      N_ ("What differs from cell to cell, as in guidance=1,2.5,4 or seed=1..4; up to three"),
      N_ ("NAME=VALUES") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->outputs,
      N_ ("A sheet (.png, .pdf, .jpg or .webp), or a folder for the images; may be given often"),
      N_ ("FILE|DIR") },
    { "document", 0, 0, G_OPTION_ARG_FILENAME, &self->document,
      N_ ("Keep the images in this document; it may be there already"), N_ ("DOC") },
    { "steps", 0, 0, G_OPTION_ARG_FILENAME, &self->steps, N_ ("The same as --set steps=N"),
      N_ ("N") },
    { "guidance", 0, 0, G_OPTION_ARG_FILENAME, &self->guidance, N_ ("The same as --set guidance=X"),
      N_ ("X") },
    { "size", 0, 0, G_OPTION_ARG_FILENAME, &self->size, N_ ("The same as --set size=SIZE"),
      N_ ("SIZE") },
    { "order", 0, 0, G_OPTION_ARG_FILENAME, &self->order_text,
      N_ ("Which cells come first: listed, near or random"), N_ ("ORDER") },
    { "jobs", 0, 0, G_OPTION_ARG_FILENAME, &self->jobs_text, N_ ("At most so many at once"),
      N_ ("N") },
    { "draft-steps", 0, 0, G_OPTION_ARG_FILENAME, &self->draft_text,
      N_ ("Only a first look, with so few steps"), N_ ("N") },
    { "refine", 0, 0, G_OPTION_ARG_FILENAME, &self->refine,
      N_ ("Make these cells of an earlier sweep in full: all, or their numbers"), N_ ("CELLS") },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &self->dry_run,
      N_ ("Only tell what would be made, how long it takes and what it costs"), NULL },
    { "limit", 0, 0, G_OPTION_ARG_FILENAME, &self->limit_text,
      N_ ("Refuse what costs more than this; 2 if not given"), N_ ("AMOUNT") },
    { "yes", 0, 0, G_OPTION_ARG_NONE, &self->yes, N_ ("Whatever it costs"), NULL },
    { "columns", 0, 0, G_OPTION_ARG_FILENAME, &self->columns,
      N_ ("Sheet: which axis goes across; the first if not given"), N_ ("AXIS") },
    { "cell-size", 0, 0, G_OPTION_ARG_FILENAME, &self->side_text,
      N_ ("Sheet: pixels of an image’s longer side"), N_ ("N") },
    { "dark", 0, 0, G_OPTION_ARG_NONE, &self->dark, N_ ("Sheet: on dark grey"), NULL },
    { "table", 0, 0, G_OPTION_ARG_NONE, &self->table,
      N_ ("Sheet: a table of what differs below the images"), NULL },
    { "csv", 0, 0, G_OPTION_ARG_FILENAME, &self->csv,
      N_ ("Write the cells with all their parameters into this file"), N_ ("FILE") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print one JSON object about the cells"),
      NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };
  g_autofree GOptionEntry *entries = cli_turn_dup_entries (&self->turn, own);

  return cli_options_parse (
      arguments, N_ ("INPUT|DOC -p PROMPT --axis NAME=VALUES -o SHEET"),
      _ ("Makes many edits of a photo, or of a node of a document, that differ along axes, and\n"
         "shows them on one sheet. The same command again makes only what is missing."),
      entries, status);
}

const char *
cli_sweep_options_find_axis (const CliSweepOptions *self, const char *name)
{
  const gsize length = strlen (name);

  for (char **axis = self->axes; axis != NULL && *axis != NULL; axis++)
    if (strncmp (*axis, name, length) == 0 && (*axis)[length] == '=')
      return *axis + length + 1;
  return NULL;
}

gboolean
cli_sweep_options_is_folder (const char *output)
{
  return g_str_has_suffix (output, "/") || g_file_test (output, G_FILE_TEST_IS_DIR);
}

/* ---- checks */

static gboolean
check_axes (CliSweepOptions *self)
{
  for (char **axis = self->axes; axis != NULL && *axis != NULL; axis++)
    {
      const char *equals = strchr (*axis, '=');

      if (!cli_option_utf8 ("--axis", *axis))
        return FALSE;
      if (equals == NULL || equals == *axis)
        {
          cli_usage (_ ("--axis: expected NAME=VALUES, found “%s”"), *axis);
          return FALSE;
        }
      if (g_str_has_prefix (*axis, "seed=+") && self->turn.seed_text == NULL)
        {
          cli_usage (_ ("--axis: “%s”: needs --seed to begin with"), *axis);
          return FALSE;
        }
    }
  if (self->turn.prompt == NULL && cli_sweep_options_find_axis (self, "instruction") == NULL
      && cli_sweep_options_find_axis (self, "prompt") == NULL)
    {
      cli_usage (_ ("--prompt: is missing"));
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_numbers (CliSweepOptions *self)
{
  static const char *const orders[] = { "listed", "near", "random", NULL };
  guint64 number = 0;

  self->limit = LIMIT;
  if (self->order_text != NULL && !cli_option_choice ("--order", self->order_text, orders))
    return FALSE;
  for (guint i = 0; self->order_text != NULL && orders[i] != NULL; i++)
    if (g_str_equal (orders[i], self->order_text))
      self->order = (EspSweepOrder) i;
  if (self->draft_text != NULL
      && !cli_option_uint ("--draft-steps", self->draft_text, 1, STEPS_MAX, &number))
    return FALSE;
  self->draft_steps = (int) number;
  number = 0;
  if (self->jobs_text != NULL && !cli_option_uint ("--jobs", self->jobs_text, 1, JOBS_MAX, &number))
    return FALSE;
  self->jobs = (guint) number;
  number = 0;
  if (self->side_text != NULL
      && !cli_option_uint ("--cell-size", self->side_text, SIDE_MIN, SIDE_MAX, &number))
    return FALSE;
  self->cell_side = (int) number;
  return self->limit_text == NULL
         || cli_option_double ("--limit", self->limit_text, 0, 1e9, &self->limit);
}

static gboolean
check_targets (CliSweepOptions *self, int *status)
{
  g_autoptr (GError) error = NULL;
  EspSheetFormat format;

  for (char **output = self->outputs; output != NULL && *output != NULL; output++)
    {
      g_autofree char *plain = g_strdup (*output);

      if (cli_sweep_options_is_folder (*output))
        {
          for (gsize end = strlen (plain); end > 1 && plain[end - 1] == '/'; end--)
            plain[end - 1] = '\0';
          if (g_file_test (plain, G_FILE_TEST_IS_DIR))
            continue;
        }
      else if (!esp_sheet_format_from_path (*output, &format, &error))
        {
          cli_usage ("--output: %s", error->message);
          return FALSE;
        }
      *status = CLI_EXIT_FAILED;
      if (!cli_option_target ("--output", plain))
        return FALSE;
      *status = CLI_EXIT_USAGE;
    }
  *status = CLI_EXIT_FAILED;
  return (self->csv == NULL || cli_option_target ("--csv", self->csv))
         && (self->document == NULL || cli_option_target ("--document", self->document));
}

/* Are both names of one file, which may still be missing? */
static gboolean
is_same_file (const char *a, const char *b)
{
  g_autofree char *one = g_canonicalize_filename (a, NULL);
  g_autofree char *other = g_canonicalize_filename (b, NULL);
  GStatBuf first, second;

  return g_str_equal (one, other)
         || (g_stat (a, &first) == 0 && g_stat (b, &second) == 0 && first.st_ino == second.st_ino
             && first.st_dev == second.st_dev);
}

/* Nothing is written over what is read, nor over what else is written. */
static gboolean
check_distinct (CliSweepOptions *self, const char *input)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new ();
  char **reference = self->turn.references, **output = self->outputs;
  guint n_read;

  g_ptr_array_add (files, (gpointer) input);
  for (; reference != NULL && *reference != NULL; reference++)
    if (!cli_turn_is_number (*reference))
      g_ptr_array_add (files, *reference);
  n_read = files->len;
  for (; output != NULL && *output != NULL; output++)
    if (!cli_sweep_options_is_folder (*output))
      g_ptr_array_add (files, *output);
  if (self->csv != NULL)
    g_ptr_array_add (files, self->csv);
  if (self->document != NULL)
    g_ptr_array_add (files, self->document);

  for (guint i = n_read; i < files->len; i++)
    for (guint k = 0; k < i; k++)
      if (is_same_file (files->pdata[i], files->pdata[k]))
        {
          const char *option = files->pdata[i] == self->document ? "--document"
                               : files->pdata[i] == self->csv    ? "--csv"
                                                                 : "--output";

          if (k < n_read)
            cli_usage (_ ("%s: %s: would be written over what is read"), option,
                       (char *) files->pdata[i]);
          else
            cli_usage (_ ("%s: %s: would be written twice"), option, (char *) files->pdata[i]);
          return FALSE;
        }
  return TRUE;
}

static gboolean
check (CliSweepOptions *self, char **arguments, int *status)
{
  *status = CLI_EXIT_USAGE;
  if (arguments[1] == NULL)
    cli_usage (_ ("INPUT: the photo to edit is missing"));
  else if (arguments[2] != NULL)
    cli_usage (_ ("%s: %s: one photo or document at a time"), "sweep", arguments[2]);
  else if (self->draft_text != NULL && self->refine != NULL)
    cli_usage (_ ("sweep: --draft-steps and --refine exclude each other"));
  else if (check_axes (self) && cli_turn_check (&self->turn, ESP_KEEP_OFF) && check_numbers (self)
           && check_distinct (self, arguments[1]))
    return check_targets (self, status);
  return FALSE;
}

gboolean
cli_sweep_options_read (CliSweepOptions *self, char ***arguments, int *status)
{
  if (!parse (self, arguments, status) || !check (self, *arguments, status))
    return FALSE;
  self->input = g_strdup ((*arguments)[1]);
  return TRUE;
}

/* ---- the work */

static void
append (GString *text, const char *name, const char *value)
{
  if (value != NULL)
    g_string_append_printf (text, "%s %" G_GSIZE_FORMAT " %s\n", name, strlen (value), value);
}

static void
append_all (GString *text, const char *name, char **values)
{
  for (; values != NULL && *values != NULL; values++)
    append (text, name, *values);
}

char *
cli_sweep_options_dup_work (const CliSweepOptions *self)
{
  GString *text = g_string_new (NULL);

  append (text, "prompt", self->turn.prompt);
  append (text, "negative", self->turn.negative_prompt);
  append (text, "seed", self->turn.seed_text);
  append (text, "backend", self->turn.backend);
  append (text, "model", self->turn.model);
  append (text, "base-url", self->turn.remote.base_url);
  append_all (text, "config", self->turn.remote.config);
  append (text, "steps", self->steps);
  append (text, "guidance", self->guidance);
  append (text, "size", self->size);
  append_all (text, "set", self->turn.settings);
  append_all (text, "lora", self->turn.loras);
  append (text, "lora-partial", self->turn.lora_partial ? "1" : NULL);
  append_all (text, "axis", self->axes);
  return g_string_free (text, FALSE);
}

void
cli_sweep_options_clear (CliSweepOptions *self)
{
  char *texts[]
      = { self->input,     self->document,   self->csv,      self->columns,    self->refine,
          self->steps,     self->guidance,   self->size,     self->order_text, self->draft_text,
          self->jobs_text, self->limit_text, self->side_text };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  g_strfreev (self->axes);
  g_strfreev (self->outputs);
  cli_turn_clear (&self->turn);
}
