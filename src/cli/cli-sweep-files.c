/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep-files.c: what comes of a sweep as files: sheets, single images, the table of cells. */
#include "cli-sweep.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <math.h>

#include "cli-report.h"
#include "esp-comparison.h"
#include "esp-csv-text.h"
#include "esp-export.h"
#include "esp-sheet.h"

/* Of a single axis, so many cells stand in a row; more are wrapped. */
#define ROW_MAX 8

/* ---- the sheet */

typedef struct
{
  EspSheet sheet;
  GPtrArray *texts;          /* of char *: all that the sheet refers to */
  GArray *cells;             /* of EspSheetCell */
  GArray *numbers;           /* of guint: the cell at each place; G_MAXUINT nothing */
  GPtrArray *columns, *rows; /* of char *, borrowed */
  GPtrArray *table;          /* the same */
} Layout;

static void
layout_clear (Layout *self)
{
  g_ptr_array_unref (self->texts);
  g_array_unref (self->cells);
  g_array_unref (self->numbers);
  g_ptr_array_unref (self->columns);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->table);
}

static const char *
keep (Layout *self, char *text)
{
  g_ptr_array_add (self->texts, text);
  return text;
}

gboolean
cli_sweep_find_columns (CliSweep *self, guint *axis)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);
  g_autoptr (GString) names = g_string_new (NULL);
  const char *wanted = self->options.columns;

  *axis = 0;
  if (wanted == NULL)
    return TRUE;
  for (*axis = 0; *axis < axes->len; (*axis)++)
    {
      const char *name = cli_sweep_get_axis_name (axes->pdata[*axis]);
      const char *title = esp_axis_get_title (axes->pdata[*axis]);

      if (g_ascii_strcasecmp (wanted, name) == 0 || g_ascii_strcasecmp (wanted, title) == 0)
        return TRUE;
      g_string_append_printf (names, "%s%s", *axis > 0 ? ", " : "", name);
    }
  cli_usage (_ ("--columns: there is no axis “%s”; there are: %s"), wanted, names->str);
  return FALSE;
}

static void
add_place (CliSweep *self, Layout *layout, guint number, gboolean captioned)
{
  EspSheetCell cell = { NULL, NULL, NULL };

  if (number != G_MAXUINT)
    {
      EspNode *node = self->sweep != NULL ? esp_sweep_get_node (self->sweep, number) : NULL;
      const EspCellState state = cli_sweep_get_state (self, number);
      char *reason = cli_sweep_dup_reason (self, number);

      if (captioned)
        cell.caption = keep (layout, esp_sweep_plan_dup_cell_title (self->plan, number));
      if (node != NULL && esp_node_has_image (node))
        cell.node = node;
      else
        cell.missing = keep (layout, g_strdup (reason != NULL                ? reason
                                               : state == ESP_CELL_CANCELLED ? _ ("Stopped")
                                                                             : _ ("Not made")));
      g_free (reason);
    }
  g_array_append_val (layout->cells, cell);
  g_array_append_val (layout->numbers, number);
}

/* One axis, that many cells in a row. */
static void
lay_out_wrapped (CliSweep *self, Layout *layout, guint n)
{
  layout->sheet.n_columns = (guint) ceil (sqrt (n));
  layout->sheet.n_rows = (n + layout->sheet.n_columns - 1) / layout->sheet.n_columns;
  for (guint i = 0; i < layout->sheet.n_columns * layout->sheet.n_rows; i++)
    add_place (self, layout, i < n ? i : G_MAXUINT, TRUE);
}

/* The axis `across`; the others, if there are any, down: the last of them changes most slowly. */
static void
lay_out_grid (CliSweep *self, Layout *layout, guint across)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);
  EspAxis *columns = axes->pdata[across];
  const guint n = esp_axis_get_n_values (columns);
  EspAxis *down[2] = { NULL, NULL };
  guint places[2] = { 0, 0 }, n_down = 0, fast;

  for (guint i = 0; i < axes->len; i++)
    if (i != across)
      {
        places[n_down] = i;
        down[n_down++] = axes->pdata[i];
      }
  fast = down[0] != NULL ? esp_axis_get_n_values (down[0]) : 1;
  layout->sheet.n_columns = n;
  layout->sheet.n_rows = esp_sweep_plan_get_n_cells (self->plan) / n;
  layout->sheet.column_axis = esp_axis_get_title (columns);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (layout->columns, (gpointer) esp_axis_get_label (columns, i));
  layout->sheet.column_labels = (const char *const *) layout->columns->pdata;
  if (n_down == 2)
    layout->sheet.row_axis = keep (layout, g_strdup_printf ("%s · %s", esp_axis_get_title (down[1]),
                                                            esp_axis_get_title (down[0])));
  else if (n_down == 1)
    layout->sheet.row_axis = esp_axis_get_title (down[0]);
  for (guint row = 0; row < layout->sheet.n_rows; row++)
    {
      guint indices[ESP_SWEEP_MAX_AXES] = { 0 };

      if (n_down > 0)
        indices[places[0]] = row % fast;
      if (n_down == 2)
        {
          indices[places[1]] = row / fast;
          g_ptr_array_add (
              layout->rows,
              (gpointer) keep (layout,
                               g_strdup_printf ("%s · %s", esp_axis_get_label (down[1], row / fast),
                                                esp_axis_get_label (down[0], row % fast))));
        }
      else if (n_down == 1)
        g_ptr_array_add (layout->rows, (gpointer) esp_axis_get_label (down[0], row));
      for (indices[across] = 0; indices[across] < n; indices[across]++)
        add_place (self, layout, esp_sweep_plan_get_cell (self->plan, indices), FALSE);
    }
  if (n_down > 0)
    layout->sheet.row_labels = (const char *const *) layout->rows->pdata;
}

/* What differs, as the comparison of nodes tells it. */
static void
lay_out_table (CliSweep *self, Layout *layout)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (GArray) columns = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (EspComparison) comparison = NULL;

  for (guint i = 0; i < layout->cells->len; i++)
    {
      EspNode *node = g_array_index (layout->cells, EspSheetCell, i).node;
      const guint column = node != NULL ? nodes->len : G_MAXUINT;

      g_array_append_val (columns, column);
      if (node != NULL)
        g_ptr_array_add (nodes, node);
    }
  if (nodes->len == 0)
    return;
  comparison = esp_comparison_new (self->document, nodes);
  esp_comparison_set_registry (comparison, self->options.turn.registry);
  while (esp_comparison_get_measuring (comparison) && self->session.signal_number == 0)
    g_main_context_iteration (NULL, TRUE);
  layout->sheet.n_table_rows = g_list_model_get_n_items (G_LIST_MODEL (comparison));
  for (guint i = 0; i < layout->sheet.n_table_rows; i++)
    {
      g_autoptr (EspComparisonRow) row = g_list_model_get_item (G_LIST_MODEL (comparison), i);

      g_ptr_array_add (layout->table,
                       (gpointer) keep (layout, g_strdup (esp_comparison_row_get_title (row))));
      for (guint k = 0; k < columns->len; k++)
        {
          const guint column = g_array_index (columns, guint, k);
          const char *text = column != G_MAXUINT ? esp_comparison_row_get_text (row, column) : "";

          g_ptr_array_add (layout->table, (gpointer) keep (layout, g_strdup (text)));
        }
    }
  layout->sheet.table = (const char *const *) layout->table->pdata;
}

/* What all cells are asked for, if there is something; else what differs. */
static char *
dup_title (CliSweep *self)
{
  const char *prompt = self->options.turn.prompt;
  g_autofree char *heading = NULL;

  if (prompt != NULL && cli_sweep_options_find_axis (&self->options, "instruction") == NULL
      && cli_sweep_options_find_axis (&self->options, "prompt") == NULL)
    heading = g_strstrip (esp_instruction_dup_heading (prompt));
  if (heading != NULL && *heading != '\0' && !g_str_equal (heading, "…"))
    return g_steal_pointer (&heading);
  return esp_sweep_plan_dup_title (self->plan);
}

static void
lay_out (CliSweep *self, Layout *layout, guint across)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);

  *layout = (Layout){ .texts = g_ptr_array_new_with_free_func (g_free),
                      .cells = g_array_new (FALSE, FALSE, sizeof (EspSheetCell)),
                      .numbers = g_array_new (FALSE, FALSE, sizeof (guint)),
                      .columns = g_ptr_array_new (),
                      .rows = g_ptr_array_new (),
                      .table = g_ptr_array_new () };
  layout->sheet.title = keep (layout, dup_title (self));
  layout->sheet.cell_side = self->options.cell_side;
  layout->sheet.dark = self->options.dark;
  if (axes->len == 1 && esp_axis_get_n_values (axes->pdata[0]) > ROW_MAX)
    lay_out_wrapped (self, layout, esp_axis_get_n_values (axes->pdata[0]));
  else
    lay_out_grid (self, layout, across);
  layout->sheet.cells = (const EspSheetCell *) (void *) layout->cells->data;
  if (self->options.table)
    lay_out_table (self, layout);
}

/* What a call said that failed; nothing if a signal did it. */
static int
fail (CliSweep *self, const GError *error)
{
  return self->session.signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
}

static int
write_sheet (CliSweep *self, const char *path, const EspSheet *sheet)
{
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspSheetFormat format;
  gboolean written;

  if (!esp_sheet_format_from_path (path, &format, &error))
    return cli_usage ("--output: %s", error->message);
  esp_sheet_export_async (self->document, sheet, target, format, self->session.cancellable,
                          cli_answer_take, &answer);
  cli_session_wait (&self->session, &answer.done, TRUE);
  written = esp_sheet_export_finish (answer.result, &error);
  cli_answer_clear (&answer);
  if (!written)
    return fail (self, error);
  g_ptr_array_add (self->files, g_strdup (path));
  return CLI_EXIT_OK;
}

/* ---- single images */

static int
write_image (CliSweep *self, EspNode *node, const char *path)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };

  options.format = ESP_EXPORT_ORIGINAL;
  esp_export_async (self->document, node, target, &options, NULL, NULL, self->session.cancellable,
                    cli_answer_take, &answer);
  cli_session_wait (&self->session, &answer.done, TRUE);
  files = esp_export_finish (answer.result, &error);
  cli_answer_clear (&answer);
  if (files == NULL)
    return fail (self, error);
  g_ptr_array_add (self->files, g_strdup (path));
  return CLI_EXIT_OK;
}

/* Named after their values. */
static int
write_images (CliSweep *self, const char *folder)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  int status = CLI_EXIT_OK;

  if (g_mkdir (folder, 0777) != 0 && errno != EEXIST)
    return cli_fail ("--output: %s: %s", folder, g_strerror (errno));
  for (guint i = 0; i < esp_sweep_plan_get_n_cells (self->plan) && status == CLI_EXIT_OK; i++)
    {
      EspNode *node = self->sweep != NULL ? esp_sweep_get_node (self->sweep, i) : NULL;
      g_autofree char *title = esp_sweep_plan_dup_cell_title (self->plan, i);
      g_autofree char *path = NULL;
      char *name;

      if (node == NULL || !esp_node_has_image (node))
        continue;
      name = esp_export_dup_file_name_of (title, node, ESP_EXPORT_ORIGINAL);
      if (g_hash_table_contains (names, name))
        {
          /* Translators: a file's name where another image has the same: the cell's number, then
           * "Guidance 2.5, Seed 4". */
          g_autofree char *longer = g_strdup_printf (_ ("Cell %u, %s"), i + 1, title);

          g_free (name);
          name = esp_export_dup_file_name_of (longer, node, ESP_EXPORT_ORIGINAL);
        }
      g_hash_table_add (names, name);
      path = g_build_filename (folder, name, NULL);
      status = write_image (self, node, path);
    }
  return status;
}

/* ---- CSV */

static void
put_text (GString *csv, const char *text)
{
  esp_csv_begin_field (csv);
  if (text != NULL)
    esp_csv_put_text (csv, text);
}

static void
put_uint (GString *csv, gboolean known, guint64 number)
{
  esp_csv_begin_field (csv);
  if (known)
    g_string_append_printf (csv, "%" G_GUINT64_FORMAT, number);
}

static void
put_double (GString *csv, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  esp_csv_begin_field (csv);
  if (number >= 0)
    g_string_append (csv, g_ascii_formatd (text, sizeof text, "%.6g", number));
}

/* The names of all parameters that a turn was asked or made with, in order. */
static GPtrArray *
dup_parameter_names (CliSweep *self)
{
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; i < esp_sweep_plan_get_n_cells (self->plan); i++)
    {
      EspNode *node = self->sweep != NULL ? esp_sweep_get_node (self->sweep, i) : NULL;
      JsonObjectIter iter;
      const char *name;

      if (node == NULL)
        continue;
      json_object_iter_init_ordered (&iter, esp_node_get_parameters (node));
      while (json_object_iter_next_ordered (&iter, &name, NULL))
        if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
          g_ptr_array_add (names, (gpointer) name);
    }
  return names;
}

/* An axis says it already. */
static gboolean
is_axis (CliSweep *self, const char *name)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);

  for (guint i = 0; i < axes->len; i++)
    if (g_str_equal (cli_sweep_get_axis_name (axes->pdata[i]), name))
      return TRUE;
  return FALSE;
}

static void
put_node (GString *csv, EspNode *node, GPtrArray *parameters)
{
  const gboolean has_image = node != NULL && esp_node_has_image (node);

  put_uint (csv, node != NULL, node != NULL ? (guint64) esp_node_get_id (node) : 0);
  put_text (csv, node != NULL ? esp_node_get_instruction (node) : NULL);
  put_text (csv, node != NULL ? esp_node_get_backend (node) : NULL);
  put_text (csv, node != NULL ? esp_node_get_model (node) : NULL);
  for (guint i = 0; i < parameters->len; i++)
    {
      esp_csv_begin_field (csv);
      if (node != NULL)
        esp_csv_put_value (
            csv, json_object_get_member (esp_node_get_parameters (node), parameters->pdata[i]));
    }
  put_uint (csv, node != NULL && esp_node_has_seed (node),
            node != NULL ? esp_node_get_seed (node) : 0);
  put_uint (csv, has_image, has_image ? (guint64) esp_node_get_width (node) : 0);
  put_uint (csv, has_image, has_image ? (guint64) esp_node_get_height (node) : 0);
  put_double (csv, node != NULL ? esp_node_get_seconds (node) : -1);
  put_double (csv, node != NULL ? esp_node_get_cost (node) : -1);
  put_text (csv, node != NULL ? esp_node_get_currency (node) : NULL);
  put_text (csv, has_image ? esp_node_get_sha256 (node) : NULL);
  g_string_append (csv, "\r\n");
}

static void
put_header (GString *csv, CliSweep *self, GPtrArray *parameters)
{
  static const char *const before[]
      = { "state", "reason", "node", "turn_instruction", "turn_backend", "turn_model" };
  static const char *const after[]
      = { "turn_seed", "width", "height", "seconds", "cost", "currency", "sha256" };
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);

  put_text (csv, "cell");
  for (guint i = 0; i < axes->len; i++)
    put_text (csv, cli_sweep_get_axis_name (axes->pdata[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (before); i++)
    put_text (csv, before[i]);
  for (guint i = 0; i < parameters->len; i++)
    {
      g_autofree char *name = is_axis (self, parameters->pdata[i])
                                  ? g_strdup_printf ("turn_%s", (char *) parameters->pdata[i])
                                  : g_strdup (parameters->pdata[i]);

      put_text (csv, name);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (after); i++)
    put_text (csv, after[i]);
  g_string_append (csv, "\r\n");
}

static int
write_csv (CliSweep *self)
{
  GPtrArray *axes = esp_sweep_plan_get_axes (self->plan);
  g_autoptr (GPtrArray) parameters = dup_parameter_names (self);
  g_autoptr (GString) csv = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  put_header (csv, self, parameters);
  for (guint i = 0; i < esp_sweep_plan_get_n_cells (self->plan); i++)
    {
      g_autofree char *reason = cli_sweep_dup_reason (self, i);
      guint indices[ESP_SWEEP_MAX_AXES];

      esp_sweep_plan_get_indices (self->plan, i, indices);
      put_uint (csv, TRUE, i + 1);
      for (guint k = 0; k < axes->len; k++)
        {
          JsonNode *value = esp_axis_get_value (axes->pdata[k], indices[k]);

          if (esp_axis_get_kind (axes->pdata[k]) == ESP_AXIS_SEED)
            put_uint (csv, TRUE, (guint64) json_node_get_int (value));
          else if (JSON_NODE_HOLDS_OBJECT (value))
            put_text (csv, esp_axis_get_label (axes->pdata[k], indices[k]));
          else
            {
              esp_csv_begin_field (csv);
              esp_csv_put_value (csv, value);
            }
        }
      put_text (csv, cli_cell_state_to_string (cli_sweep_get_state (self, i)));
      put_text (csv, reason);
      put_node (csv, self->sweep != NULL ? esp_sweep_get_node (self->sweep, i) : NULL, parameters);
    }
  if (!g_file_set_contents (self->options.csv, csv->str, (gssize) csv->len, &error))
    return cli_fail ("--csv: %s", error->message);
  g_ptr_array_add (self->files, g_strdup (self->options.csv));
  return CLI_EXIT_OK;
}

int
cli_sweep_write (CliSweep *self)
{
  char **output = self->options.outputs;
  int status = CLI_EXIT_OK;
  Layout layout;
  guint across;

  if (!cli_sweep_find_columns (self, &across))
    return CLI_EXIT_USAGE;
  lay_out (self, &layout, across);
  for (; output != NULL && *output != NULL && status == CLI_EXIT_OK; output++)
    status = cli_sweep_options_is_folder (*output) ? write_images (self, *output)
                                                   : write_sheet (self, *output, &layout.sheet);
  layout_clear (&layout);
  if (status == CLI_EXIT_OK && self->options.csv != NULL)
    status = write_csv (self);
  return status;
}
