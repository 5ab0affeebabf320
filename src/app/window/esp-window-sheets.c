/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-sheets.c: comparisons and sweeps as files: contact sheets, moving pictures, tables. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-compare-words.h"
#include "esp-window-private.h"

#define MAX_IN_A_ROW 4 /* images, with their table below them */

typedef enum
{
  SWEEP_SHEET,
  COMPARISON_SHEET,
  COMPARISON_FILM,
  COMPARISON_TABLE,
} What;

/* The formats, the first one being suggested. */
typedef struct
{
  const char *name; /* untranslated */
  const char *extensions[3];
} Format;

static const Format sheet_formats[] = {
  { N_ ("PNG image"), { "png" } },
  { N_ ("PDF document"), { "pdf" } },
  { N_ ("JPEG image"), { "jpg", "jpeg" } },
  { N_ ("WebP image"), { "webp" } },
  { NULL },
};

static const Format film_formats[] = {
  { N_ ("GIF animation"), { "gif" } },
  { N_ ("WebP animation"), { "webp" } },
  { N_ ("APNG animation"), { "png", "apng" } },
  { NULL },
};

static const Format table_formats[] = {
  { N_ ("CSV table"), { "csv" } },
  { N_ ("JSON data"), { "json" } },
  { NULL },
};

/* A file that was chosen, until it is written. */
typedef struct
{
  EspWindow *window;
  What what;
  EspComparison *comparison; /* or NULL: a sweep */
  GFile *file;
  EspSheetFilm film;
  double seconds;
  int max_side;
} Export;

static Export *
export_new (EspWindow *self, What what)
{
  Export *export = g_new0 (Export, 1);

  export->window = g_object_ref (self);
  export->what = what;
  return export;
}

static void
export_free (Export *export)
{
  g_object_unref (export->window);
  g_clear_object (&export->comparison);
  g_clear_object (&export->file);
  g_free (export);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Export, export_free)

static const Format *
get_formats (What what)
{
  return what == COMPARISON_FILM    ? film_formats
         : what == COMPARISON_TABLE ? table_formats
                                    : sheet_formats;
}

/* --- Afterwards --------------------------------------------------------------------------------
 */

static void
tell (Export *export, gboolean done, const GError *error)
{
  if (done)
    esp_window_toast_exported (export->window, export->file, 1);
  else
    esp_window_toast_error (export->window, _ ("Nothing was exported"), error);
}

static void
on_sheet_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Export) export = user_data;
  g_autoptr (GError) error = NULL;

  tell (export, esp_sheet_export_finish (result, &error), error);
}

static void
on_film_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Export) export = user_data;
  g_autoptr (GError) error = NULL;

  tell (export, esp_sheet_film_finish (result, &error), error);
}

static void
on_table_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Export) export = user_data;
  g_autoptr (GError) error = NULL;

  tell (export, g_file_replace_contents_finish (G_FILE (source), result, NULL, &error), error);
}

/* --- What is written ---------------------------------------------------------------------------
 */

static void
write_sheet (Export *export, const EspSheet *sheet)
{
  EspWindow *self = export->window;
  g_autofree char *path = g_file_get_parse_name (export->file);
  g_autoptr (GError) error = NULL;
  EspSheetFormat format;

  if (!esp_sheet_format_from_path (path, &format, &error))
    {
      tell (export, FALSE, error);
      export_free (export);
      return;
    }
  esp_sheet_export_async (self->document, sheet, export->file, format, self->cancellable,
                          on_sheet_written, export);
}

/* The table below the images as it is on the screen. (element-type utf8) */
static GPtrArray *
dup_table (EspComparison *comparison, guint n_nodes, guint n_cells)
{
  GListModel *rows = G_LIST_MODEL (comparison);
  GPtrArray *table = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < g_list_model_get_n_items (rows); i++)
    {
      g_autoptr (EspComparisonRow) row = g_list_model_get_item (rows, i);

      g_ptr_array_add (table, g_strdup (esp_comparison_row_get_title (row)));
      for (guint k = 0; k < n_cells; k++)
        g_ptr_array_add (table, g_strdup (k < n_nodes ? esp_comparison_row_get_text (row, k) : ""));
    }
  return table;
}

static void
write_comparison_sheet (Export *export)
{
  EspWindow *self = export->window;
  EspComparison *comparison = export->comparison;
  GPtrArray *nodes = esp_comparison_get_nodes (comparison);
  const guint n_columns = nodes->len <= MAX_IN_A_ROW ? nodes->len : 3;
  const guint n_rows = (nodes->len + n_columns - 1) / n_columns;
  const guint n_cells = n_columns * n_rows;
  g_autofree EspSheetCell *cells = g_new0 (EspSheetCell, n_cells);
  g_autoptr (GPtrArray) captions = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) table = dup_table (comparison, nodes->len, n_cells);
  EspSheet sheet = { .n_columns = n_columns,
                     .n_rows = n_rows,
                     .title = esp_document_get_title (self->document),
                     .cells = cells,
                     .table = (const char *const *) table->pdata,
                     .n_table_rows = g_list_model_get_n_items (G_LIST_MODEL (comparison)) };

  for (guint i = 0; i < nodes->len; i++)
    {
      g_autofree char *title = esp_node_dup_title (nodes->pdata[i]);

      g_ptr_array_add (captions,
                       g_strdup_printf ("%s  %s", esp_compare_words_get_letter (i), title));
      cells[i].node = nodes->pdata[i];
      cells[i].caption = captions->pdata[i];
    }
  write_sheet (export, &sheet);
}

static void
write_film (Export *export)
{
  EspWindow *self = export->window;

  esp_sheet_film_async (self->document, esp_compare_view_get_nodes (self->compare_view),
                        export->film, NULL, export->seconds, export->max_side, export->file,
                        self->cancellable, on_film_written, export);
}

static gboolean
has_extension (GFile *file, const Format *format)
{
  g_autofree char *name = g_file_get_basename (file);
  const char *dot = strrchr (name, '.');

  for (guint i = 0; dot != NULL && format->extensions[i] != NULL; i++)
    if (g_ascii_strcasecmp (dot + 1, format->extensions[i]) == 0)
      return TRUE;
  return FALSE;
}

static void
write_table (Export *export)
{
  EspComparison *comparison = export->comparison;
  char *text = has_extension (export->file, &table_formats[1])
                   ? esp_comparison_dup_json (comparison)
                   : esp_comparison_dup_csv (comparison);
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

  g_file_replace_contents_bytes_async (export->file, bytes, NULL, FALSE, G_FILE_CREATE_NONE,
                                       export->window->cancellable, on_table_written, export);
}

/* Takes the export. */
static void
on_measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Export *export = user_data;
  EspComparison *comparison = ESP_COMPARISON (source);

  if (!esp_comparison_wait_finish (comparison, result, NULL)
      || export->window->document != esp_comparison_get_document (comparison)
      || export->window->closing)
    export_free (export);
  else if (export->what == COMPARISON_SHEET)
    write_comparison_sheet (export);
  else
    write_table (export);
}

/* Takes the export. What was to be written may be gone by now. Differences that are still being
 * measured belong into the file. */
static void
carry_out (Export *export)
{
  EspWindow *self = export->window;
  const gboolean there = export->what == SWEEP_SHEET
                             ? esp_sweep_grid_get_sweep (self->sweep_grid) != NULL
                             : esp_compare_view_get_nodes (self->compare_view) != NULL;

  if (self->document == NULL || self->closing || !there)
    export_free (export);
  else if (export->what == SWEEP_SHEET)
    write_sheet (export, esp_sweep_grid_get_sheet (self->sweep_grid));
  else if (export->what == COMPARISON_FILM)
    write_film (export);
  else
    {
      export->comparison = g_object_ref (esp_compare_view_get_comparison (self->compare_view));
      esp_comparison_wait_async (export->comparison, self->cancellable, on_measured, export);
    }
}

/* --- Where to ----------------------------------------------------------------------------------
 */

static void
on_target_queried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Export) export = user_data;
  g_autoptr (GFileInfo) info = g_file_query_info_finish (G_FILE (source), result, NULL);

  if (info != NULL)
    {
      g_autofree char *name = g_file_get_basename (G_FILE (source));
      g_autofree char *text = g_strdup_printf (_ ("“%s” exists already."), name);

      esp_window_toast (export->window, text);
      return;
    }
  carry_out (g_steal_pointer (&export));
}

static void
read_choices (Export *export, GtkFileChooser *chooser)
{
  if (export->what != COMPARISON_FILM)
    return;
  export->film = g_strcmp0 (gtk_file_chooser_get_choice (chooser, "film"), "wipe") == 0
                     ? ESP_SHEET_WIPE
                     : ESP_SHEET_FLICKER;
  export->seconds = g_ascii_strtod (gtk_file_chooser_get_choice (chooser, "seconds"), NULL);
  export->max_side
      = (int) g_ascii_strtoll (gtk_file_chooser_get_choice (chooser, "side"), NULL, 10);
}

static void
on_chosen (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  g_autoptr (Export) export = user_data;
  g_autoptr (GtkNativeDialog) owned = dialog;
  GtkFileChooser *chooser = GTK_FILE_CHOOSER (dialog);
  const Format *formats = get_formats (export->what);
  GtkFileFilter *filter = gtk_file_chooser_get_filter (chooser);
  const Format *chosen = &formats[0];
  g_autofree char *uri = NULL;
  g_autofree char *with_extension = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;
  export->file = gtk_file_chooser_get_file (chooser);
  read_choices (export, chooser);
  for (const Format *format = formats; format->name != NULL; format++)
    {
      if (has_extension (export->file, format))
        {
          carry_out (g_steal_pointer (&export));
          return;
        }
      if (filter != NULL && g_strcmp0 (gtk_file_filter_get_name (filter), _ (format->name)) == 0)
        chosen = format;
    }
  /* The dialog asked about replacing another file than the one with the ending, so that one that
   * exists is left alone. */
  uri = g_file_get_uri (export->file);
  with_extension = g_strconcat (uri, ".", chosen->extensions[0], NULL);
  g_object_unref (export->file);
  export->file = g_file_new_for_uri (with_extension);
  g_file_query_info_async (export->file, G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NONE,
                           G_PRIORITY_DEFAULT, NULL, on_target_queried, export);
  (void) g_steal_pointer (&export);
}

static void
add_film_choices (GtkFileChooser *chooser)
{
  const char *seconds[] = { "0.25", "0.5", "1", "2", "4", NULL };
  const char *sides[] = { "0", "512", "1024", "2048", NULL };
  g_autoptr (GStrvBuilder) second_words = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) side_words = g_strv_builder_new ();
  g_auto (GStrv) second_names = NULL;
  g_auto (GStrv) side_names = NULL;

  for (guint i = 0; seconds[i] != NULL; i++)
    {
      /* Translators: how long an image of an animation is seen. */
      g_autofree char *text = g_strdup_printf (_ ("%g s"), g_ascii_strtod (seconds[i], NULL));

      g_strv_builder_add (second_words, text);
    }
  second_names = g_strv_builder_end (second_words);
  g_strv_builder_add (side_words, _ ("Original"));
  for (guint i = 1; sides[i] != NULL; i++)
    {
      g_autofree char *text
          = g_strdup_printf (_ ("At most %d pixels"), (int) g_ascii_strtoll (sides[i], NULL, 10));

      g_strv_builder_add (side_words, text);
    }
  side_names = g_strv_builder_end (side_words);

  gtk_file_chooser_add_choice (chooser, "film", _ ("Movement"),
                               (const char *[]){ "flicker", "wipe", NULL },
                               (const char *[]){ _ ("One After the Other"), _ ("Wipe"), NULL });
  gtk_file_chooser_add_choice (chooser, "seconds", _ ("Seconds for Each Image"), seconds,
                               (const char **) second_names);
  gtk_file_chooser_add_choice (chooser, "side", _ ("Size"), sides, (const char **) side_names);
  gtk_file_chooser_set_choice (chooser, "film", "flicker");
  gtk_file_chooser_set_choice (chooser, "seconds", "1");
  gtk_file_chooser_set_choice (chooser, "side", "1024");
}

static void
choose (EspWindow *self, What what, const char *heading, const char *part)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
      heading, GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Export"), _ ("_Cancel"));
  GtkFileChooser *chooser = GTK_FILE_CHOOSER (dialog);
  const Format *formats = get_formats (what);
  /* Translators: a file's suggested name: the document's title, what it shows, the ending. */
  g_autofree char *name = g_strdup_printf (
      _ ("%s - %s.%s"), esp_document_get_title (self->document), part, formats[0].extensions[0]);

  g_strdelimit (name, "/\\:*?\"<>|\n", '-');
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  gtk_file_chooser_set_current_name (chooser, name);
  for (const Format *format = formats; format->name != NULL; format++)
    {
      g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

      gtk_file_filter_set_name (filter, _ (format->name));
      for (guint i = 0; format->extensions[i] != NULL; i++)
        gtk_file_filter_add_suffix (filter, format->extensions[i]);
      gtk_file_chooser_add_filter (chooser, filter);
    }
  if (what == COMPARISON_FILM)
    add_film_choices (chooser);
  g_signal_connect (dialog, "response", G_CALLBACK (on_chosen), export_new (self, what));
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

void
esp_window_export_comparison (EspWindow *self, const char *what)
{
  if (g_str_equal (what, "film"))
    choose (self, COMPARISON_FILM, _ ("Export Animation"), _ ("Comparison"));
  else if (g_str_equal (what, "table"))
    choose (self, COMPARISON_TABLE, _ ("Export Parameters"), _ ("Parameters"));
  else
    choose (self, COMPARISON_SHEET, _ ("Export Contact Sheet"), _ ("Comparison"));
}

void
esp_window_export_sweep (EspWindow *self)
{
  EspSweep *sweep = esp_sweep_grid_get_sweep (self->sweep_grid);
  g_autofree char *title = NULL;

  if (sweep == NULL)
    return;
  title = esp_sweep_plan_dup_title (esp_sweep_get_plan (sweep));
  choose (self, SWEEP_SHEET, _ ("Export Contact Sheet"), title);
}
