/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-addition-page.c: see esp-addition-page.h. */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-addition-page.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-plain-row.h"
#include "esp-status-label.h"

struct _EspAdditionPage
{
  AdwBin parent_instance;

  AdwWindowTitle *title;
  GtkWidget *add_button;
  AdwPreferencesGroup *search_group, *parts_group, *differences_group, *remarks_group,
      *manner_group;
  AdwEntryRow *name_row;
  AdwComboRow *mode_row;
  GtkProgressBar *bar;
  GtkSpinner *spinner;
  GtkLabel *status;

  EspModelAddition *addition;
  GPtrArray *part_rows, *difference_rows, *remark_rows; /* borrowed widgets */
  GtkFileChooserNative *chooser;
  char *choosing; /* the component that a file is being chosen for; NULL: wherever it is */
  GCancellable *cancellable;
  guint examining; /* requests under way */
  char *refused;   /* what was said of the files given last; or NULL */
  gboolean filling, copying;
};

G_DEFINE_FINAL_TYPE (EspAdditionPage, esp_addition_page, ADW_TYPE_BIN)

enum
{
  CLOSE,
  ADDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Choosing a part -------------------------------------------------------------------------- */

static void
on_chosen (EspAdditionPage *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autofree char *component = g_steal_pointer (&self->choosing);
  g_autoptr (GFile) file = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;
  file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
  if (file == NULL || g_file_peek_path (file) == NULL)
    return;
  if (component != NULL && esp_model_addition_get_model (self->addition) == NULL)
    esp_model_addition_set_part (self->addition, component, g_file_peek_path (file));
  else
    esp_addition_page_take (self, (const char *const[]){ g_file_peek_path (file), NULL });
}

static void
choose (EspAdditionPage *self, const char *component, const char *title, gboolean folder)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (self->chooser != NULL)
    return;
  self->choosing = g_strdup (component);
  self->chooser = gtk_file_chooser_native_new (
      title, GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
      folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER : GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Choose"),
      _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
on_search (EspAdditionPage *self)
{
  choose (self, NULL, _ ("Look in a Folder"), TRUE);
}

/* Tokenizers are folders, and so is what was one: files of weights have an ending. */
static gboolean
is_folder (EspAdditionPage *self, const char *component)
{
  for (guint i = 0; i < esp_model_addition_get_n_parts (self->addition); i++)
    {
      const EspModelPart *part = esp_model_addition_get_part (self->addition, i);
      g_autofree char *base = part->was != NULL ? g_path_get_basename (part->was) : NULL;

      if (g_str_equal (part->component, component) && base != NULL)
        return strchr (base, '.') == NULL;
    }

  return g_str_has_prefix (component, "tokenizer");
}

static void
on_choose (EspAdditionPage *self, GtkWidget *button)
{
  const char *component = g_object_get_data (G_OBJECT (button), "esp-component");

  choose (self, component, esp_model_component_title (component), is_folder (self, component));
}

/* --- What there is ---------------------------------------------------------------------------- */

static char *
dup_part_subtitle (const EspModelPart *part)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *name = NULL;

  if (part->path == NULL && part->was != NULL)
    {
      name = g_filename_display_name (part->was);
      /* Translators: %s is a file */
      return g_strdup_printf (_ ("Gone from %s"), name);
    }
  if (part->path == NULL)
    return g_strdup (part->needed ? _ ("Missing") : _ ("Inside of another part"));
  name = g_filename_display_name (part->path);
  g_string_append (text, name);
  if (part->format != NULL || part->size > 0 || part->found_beside)
    g_string_append_c (text, '\n');
  if (part->format != NULL)
    g_string_append (text, part->format);
  if (part->size > 0)
    {
      g_autofree char *size = g_format_size (part->size);

      g_string_append_printf (text, "%s%s", part->format != NULL ? " · " : "", size);
    }
  if (part->found_beside)
    g_string_append_printf (text, "%s%s", part->format != NULL || part->size > 0 ? " · " : "",
                            _ ("found beside the others"));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_part (EspAdditionPage *self, const EspModelPart *part)
{
  g_autofree char *subtitle = dup_part_subtitle (part);
  const char *title = esp_model_component_title (part->component);
  GtkWidget *row = esp_plain_row_new (ADW_TYPE_ACTION_ROW, title, subtitle, 5);
  GtkWidget *button;
  gboolean missing = part->path == NULL && part->needed;
  g_autofree char *label = NULL;

  adw_action_row_set_icon_name (ADW_ACTION_ROW (row),
                                missing ? "dialog-warning-symbolic" : "object-select-symbolic");
  adw_preferences_group_add (self->parts_group, row);
  g_ptr_array_add (self->part_rows, row);
  /* Where it is and was is no question. */
  if (esp_model_addition_get_model (self->addition) != NULL && part->was == NULL && !missing)
    return;
  button = gtk_button_new_with_mnemonic (_ ("_Choose…"));
  /* Translators: %s is a part of a model */
  label = g_strdup_printf (_ ("Choose: %s"), title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  if (!missing)
    gtk_widget_add_css_class (button, "flat");
  g_object_set_data_full (G_OBJECT (button), "esp-component", g_strdup (part->component), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_choose), self, G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
}

static void
clear_rows (AdwPreferencesGroup *group, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
}

/* What stands below, and whether it can be added. */
static void
tell (EspAdditionPage *self)
{
  const char *problem = esp_model_addition_get_problem (self->addition);
  const char *name = gtk_editable_get_text (GTK_EDITABLE (self->name_row));
  gboolean ready = !self->copying && self->examining == 0 && problem == NULL && *name != '\0';

  gtk_spinner_set_spinning (self->spinner, self->examining > 0);
  gtk_widget_set_sensitive (self->add_button, ready);
  gtk_widget_set_sensitive (GTK_WIDGET (self->search_group), !self->copying);
  gtk_widget_set_sensitive (GTK_WIDGET (self->parts_group), !self->copying);
  gtk_widget_set_sensitive (GTK_WIDGET (self->name_row), !self->copying);
  gtk_widget_set_sensitive (GTK_WIDGET (self->mode_row), !self->copying);
  if (self->examining > 0)
    esp_status_label_set (self->status, _ ("Looking at the files…"), FALSE);
  else if (self->refused != NULL)
    esp_status_label_set (self->status, self->refused, TRUE);
  else if (!self->copying)
    esp_status_label_set (self->status, problem, FALSE);
}

/* A row for each; without any the group does not show. */
static void
fill_sentences (AdwPreferencesGroup *group, GPtrArray *rows, const char *const *sentences,
                const char *icon)
{
  clear_rows (group, rows);
  for (; *sentences != NULL; sentences++)
    {
      GtkWidget *row = esp_plain_row_new (ADW_TYPE_ACTION_ROW, *sentences, NULL, 1);

      adw_action_row_set_icon_name (ADW_ACTION_ROW (row), icon);
      adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 8);
      adw_preferences_group_add (group, row);
      g_ptr_array_add (rows, row);
    }
  gtk_widget_set_visible (GTK_WIDGET (group), rows->len > 0);
}

static void
fill (EspAdditionPage *self)
{
  const char *const *remarks = esp_model_addition_get_remarks (self->addition);
  const char *const *differences = esp_model_addition_get_differences (self->addition);
  const char *name = esp_model_addition_get_name (self->addition);

  clear_rows (self->parts_group, self->part_rows);
  for (guint i = 0; i < esp_model_addition_get_n_parts (self->addition); i++)
    add_part (self, esp_model_addition_get_part (self->addition, i));
  fill_sentences (self->remarks_group, self->remark_rows, remarks, NULL);
  fill_sentences (self->differences_group, self->difference_rows, differences,
                  "dialog-warning-symbolic");
  if (esp_model_addition_get_model (self->addition) != NULL)
    gtk_button_set_label (GTK_BUTTON (self->add_button),
                          differences[0] != NULL ? _ ("_Use Them Anyway") : _ ("_Use These Files"));
  if (g_strcmp0 (name, gtk_editable_get_text (GTK_EDITABLE (self->name_row))) != 0)
    {
      self->filling = TRUE;
      gtk_editable_set_text (GTK_EDITABLE (self->name_row), name != NULL ? name : "");
      self->filling = FALSE;
    }
  tell (self);
}

static void
on_name (EspAdditionPage *self)
{
  if (self->filling || self->addition == NULL)
    return;
  self->filling = TRUE;
  esp_model_addition_set_name (self->addition,
                               gtk_editable_get_text (GTK_EDITABLE (self->name_row)));
  self->filling = FALSE;
  tell (self);
}

static void
on_changed (EspAdditionPage *self)
{
  if (!self->filling)
    fill (self);
}

static void
on_mode (EspAdditionPage *self)
{
  static const char *const notes[] = {
    [ESP_MODEL_ADD_REFER] = N_ ("They are used from their places; moving them away breaks the "
                                "model."),
    [ESP_MODEL_ADD_COPY] = N_ ("The model gets files of its own, which takes their room once "
                               "more."),
    [ESP_MODEL_ADD_MOVE] = N_ ("Other programs will not find them in their old places any more."),
  };
  guint mode = MIN (adw_combo_row_get_selected (self->mode_row), G_N_ELEMENTS (notes) - 1);

  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->mode_row), _ (notes[mode]));
}

static void
on_examined (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspAdditionPage) self = data;
  g_autoptr (GError) error = NULL;
  gboolean good = esp_model_addition_add_finish (ESP_MODEL_ADDITION (source), result, &error);

  self->examining--;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->addition == NULL)
    return;
  if (!good)
    {
      g_free (self->refused);
      self->refused = g_strdup (error->message);
    }
  fill (self);
}

void
esp_addition_page_take (EspAdditionPage *self, const char *const *paths)
{
  g_return_if_fail (ESP_IS_ADDITION_PAGE (self));

  if (self->copying)
    return;
  g_clear_pointer (&self->refused, g_free);
  self->examining++;
  esp_model_addition_add_async (self->addition, paths, self->cancellable, on_examined,
                                g_object_ref (self));
  tell (self);
}

/* --- Adding ----------------------------------------------------------------------------------- */

static void
on_progress (guint64 done, guint64 total, gpointer data)
{
  EspAdditionPage *self = data;
  g_autofree char *some = g_format_size (done);
  g_autofree char *all = g_format_size (total);
  g_autofree char *text = NULL;

  if (!self->copying || self->addition == NULL || total == 0)
    return;
  /* Translators: two amounts of bytes */
  text = g_strdup_printf (_ ("%s of %s"), some, all);
  gtk_widget_set_visible (GTK_WIDGET (self->bar), TRUE);
  gtk_progress_bar_set_fraction (self->bar, CLAMP ((double) done / (double) total, 0, 1));
  esp_status_label_set (self->status, text, FALSE);
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspAdditionPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *id
      = esp_model_addition_commit_finish (ESP_MODEL_ADDITION (source), result, &error);

  self->copying = FALSE;
  if (self->addition == NULL)
    return;
  gtk_widget_set_visible (GTK_WIDGET (self->bar), FALSE);
  if (id != NULL)
    {
      g_signal_emit (self, signals[ADDED], 0, id);
      return;
    }
  tell (self);
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    esp_status_label_set (self->status, error->message, TRUE);
}

static void
on_add (EspAdditionPage *self)
{
  EspModelAddMode mode = (EspModelAddMode) adw_combo_row_get_selected (self->mode_row);

  if (!gtk_widget_get_sensitive (self->add_button))
    return;
  self->copying = TRUE;
  g_clear_pointer (&self->refused, g_free);
  tell (self);
  esp_model_addition_commit_async (self->addition, mode, self->cancellable, on_progress, self,
                                   on_added, g_object_ref (self));
}

static void
on_back (EspAdditionPage *self)
{
  g_cancellable_cancel (self->cancellable);
  g_signal_emit (self, signals[CLOSE], 0);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_addition_page_dispose (GObject *object)
{
  EspAdditionPage *self = ESP_ADDITION_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->addition);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_ADDITION_PAGE);
  G_OBJECT_CLASS (esp_addition_page_parent_class)->dispose (object);
}

static void
esp_addition_page_finalize (GObject *object)
{
  EspAdditionPage *self = ESP_ADDITION_PAGE (object);

  g_clear_object (&self->cancellable);
  g_ptr_array_unref (self->part_rows);
  g_ptr_array_unref (self->difference_rows);
  g_ptr_array_unref (self->remark_rows);
  g_free (self->choosing);
  g_free (self->refused);
  G_OBJECT_CLASS (esp_addition_page_parent_class)->finalize (object);
}

static void
esp_addition_page_class_init (EspAdditionPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_addition_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_addition_page_finalize;
  signals[CLOSE] = g_signal_new ("close", ESP_TYPE_ADDITION_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  signals[ADDED] = g_signal_new ("added", ESP_TYPE_ADDITION_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/models/esp-addition-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, title);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, add_button);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, search_group);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, differences_group);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, manner_group);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, parts_group);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, remarks_group);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, name_row);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, mode_row);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, bar);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, EspAdditionPage, status);
  gtk_widget_class_bind_template_callback (widget_class, on_back);
  gtk_widget_class_bind_template_callback (widget_class, on_name);
  gtk_widget_class_bind_template_callback (widget_class, on_search);
  gtk_widget_class_bind_template_callback (widget_class, on_mode);
  gtk_widget_class_bind_template_callback (widget_class, on_add);
}

static void
esp_addition_page_init (EspAdditionPage *self)
{
  self->cancellable = g_cancellable_new ();
  self->part_rows = g_ptr_array_new ();
  self->difference_rows = g_ptr_array_new ();
  self->remark_rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  on_mode (self);
}

/* The model is there: what it is called and where its files lie is no question here. */
static void
show_mending (EspAdditionPage *self)
{
  EspLibraryModel *model = esp_model_addition_get_model (self->addition);

  adw_window_title_set_title (self->title, _ ("Locate Files"));
  adw_window_title_set_subtitle (self->title, esp_library_model_get_name (model));
  gtk_widget_set_visible (GTK_WIDGET (self->search_group), TRUE);
  gtk_widget_set_visible (GTK_WIDGET (self->manner_group), FALSE);
}

GtkWidget *
esp_addition_page_new (EspModelAddition *addition)
{
  EspAdditionPage *self;

  g_return_val_if_fail (ESP_IS_MODEL_ADDITION (addition), NULL);

  self = g_object_new (ESP_TYPE_ADDITION_PAGE, NULL);
  self->addition = g_object_ref (addition);
  if (esp_model_addition_get_model (addition) != NULL)
    show_mending (self);
  g_signal_connect_object (addition, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  fill (self);
  return GTK_WIDGET (self);
}
