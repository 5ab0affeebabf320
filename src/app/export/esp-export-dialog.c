/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-dialog.c: the form, the question where to, and the progress. */
#define G_LOG_DOMAIN "esp-app-export"

#include "esp-export-dialog.h"

#include <glib/gi18n-lib.h>
#include <math.h>

/* The size is worked out when nothing was changed for so long. */
#define ESTIMATE_DELAY_MS 250

struct _EspExportDialog
{
  AdwWindow parent_instance;

  AdwComboRow *what_row;
  AdwComboRow *format_row;
  GtkWidget *lossless_row;
  GtkSwitch *lossless_switch;
  GtkWidget *quality_row;
  GtkAdjustment *quality;
  AdwComboRow *size_row;
  AdwActionRow *metadata_row;
  GtkSwitch *metadata_switch;
  GtkWidget *form;
  GtkWidget *film_group;
  GtkAdjustment *seconds;
  GtkSwitch *captions_switch;
  GtkStack *footer;
  GtkLabel *estimate_label;
  GtkProgressBar *progress_bar;
  GtkRevealer *error_revealer;
  GtkLabel *error_label;
  GtkWidget *cancel_button;
  GtkWidget *export_button;

  GSettings *settings;
  EspDocument *document;
  EspNode *node; /* or NULL */
  guint n_path;  /* images from the root to the node */
  GtkFileChooserNative *chooser;
  GCancellable *exporting;  /* while an export runs */
  GCancellable *estimating; /* while a size is worked out */
  guint estimate_source;
  guint settled : 1; /* the choices are the person's from here on */
};

G_DEFINE_FINAL_TYPE (EspExportDialog, esp_export_dialog, ADW_TYPE_WINDOW)

enum
{
  SIGNAL_EXPORTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const EspExportFormat still_formats[]
    = { ESP_EXPORT_PNG, ESP_EXPORT_JPEG, ESP_EXPORT_WEBP, ESP_EXPORT_TIFF, ESP_EXPORT_ORIGINAL };
static const EspExportFormat film_formats[] = { ESP_EXPORT_GIF, ESP_EXPORT_WEBP, ESP_EXPORT_APNG };
static const int sizes[] = { 0, 4096, 2048, 1024, 512 };

/* ---- what is chosen */

static EspExportWhat
get_what (EspExportDialog *self)
{
  const guint selected = adw_combo_row_get_selected (self->what_row);

  return self->node == NULL ? ESP_EXPORT_LEAVES : (EspExportWhat) selected;
}

static EspExportFormat
get_format (EspExportDialog *self)
{
  const guint selected = adw_combo_row_get_selected (self->format_row);

  if (get_what (self) == ESP_EXPORT_ANIMATION)
    return film_formats[MIN (selected, G_N_ELEMENTS (film_formats) - 1)];
  return still_formats[MIN (selected, G_N_ELEMENTS (still_formats) - 1)];
}

void
esp_export_dialog_get_options (EspExportDialog *self, EspExportOptions *options)
{
  const EspExportOptions initial = ESP_EXPORT_OPTIONS_INIT;
  guint size;

  g_return_if_fail (ESP_IS_EXPORT_DIALOG (self) && options != NULL);

  *options = initial;
  size = adw_combo_row_get_selected (self->size_row);
  options->what = get_what (self);
  options->format = get_format (self);
  options->quality = (int) lround (gtk_adjustment_get_value (self->quality));
  options->lossless = gtk_switch_get_active (self->lossless_switch);
  options->max_side
      = options->format == ESP_EXPORT_ORIGINAL ? 0 : sizes[MIN (size, G_N_ELEMENTS (sizes) - 1)];
  options->metadata = gtk_switch_get_active (self->metadata_switch);
  options->seconds = gtk_adjustment_get_value (self->seconds);
  options->captions = gtk_switch_get_active (self->captions_switch);
}

static const char *
format_title (EspExportFormat format)
{
  switch (format)
    {
    case ESP_EXPORT_PNG:
      return "PNG";
    case ESP_EXPORT_JPEG:
      return "JPEG";
    case ESP_EXPORT_WEBP:
      return "WebP";
    case ESP_EXPORT_TIFF:
      return "TIFF";
    case ESP_EXPORT_GIF:
      return "GIF";
    case ESP_EXPORT_APNG:
      return _ ("Animated PNG");
    case ESP_EXPORT_ORIGINAL:
    default:
      return _ ("As stored");
    }
}

static void
fill_formats (EspExportDialog *self, EspExportFormat wanted)
{
  const gboolean film = get_what (self) == ESP_EXPORT_ANIMATION;
  const EspExportFormat *formats = film ? film_formats : still_formats;
  const guint n = film ? G_N_ELEMENTS (film_formats) : G_N_ELEMENTS (still_formats);
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);
  guint selected = 0;

  for (guint i = 0; i < n; i++)
    {
      gtk_string_list_append (list, format_title (formats[i]));
      if (formats[i] == wanted)
        selected = i;
    }
  adw_combo_row_set_model (self->format_row, G_LIST_MODEL (list));
  adw_combo_row_set_selected (self->format_row, selected);
}

static void
fill_rows (EspExportDialog *self)
{
  g_autoptr (GtkStringList) whats = gtk_string_list_new (NULL);
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);

  if (self->node != NULL)
    {
      gtk_string_list_append (whats, _ ("This image"));
      gtk_string_list_append (whats, _ ("All results from here on"));
      gtk_string_list_append (whats, _ ("The steps as numbered images"));
      gtk_string_list_append (whats, _ ("The steps as an animation"));
    }
  else
    gtk_string_list_append (whats, _ ("All results"));
  adw_combo_row_set_model (self->what_row, G_LIST_MODEL (whats));
  gtk_widget_set_sensitive (GTK_WIDGET (self->what_row), self->node != NULL);

  gtk_string_list_append (list, _ ("Original"));
  for (guint i = 1; i < G_N_ELEMENTS (sizes); i++)
    {
      /* Translators: of the longer side of an image. */
      g_autofree char *text = g_strdup_printf (_ ("At most %d pixels"), sizes[i]);

      gtk_string_list_append (list, text);
    }
  adw_combo_row_set_model (self->size_row, G_LIST_MODEL (list));
}

/* ---- choices are remembered */

/* Format and size are remembered apart for images and animations. */
static void
read_format (EspExportDialog *self)
{
  const gboolean film = get_what (self) == ESP_EXPORT_ANIMATION;
  const int side
      = g_settings_get_int (self->settings, film ? "export-animation-max-side" : "export-max-side");
  guint selected = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    if (sizes[i] == side)
      selected = i;
  adw_combo_row_set_selected (self->size_row, selected);
  fill_formats (self, (EspExportFormat) g_settings_get_enum (
                          self->settings, film ? "export-animation-format" : "export-format"));
}

static void
read_settings (EspExportDialog *self)
{
  read_format (self);
  gtk_switch_set_active (self->lossless_switch,
                         g_settings_get_boolean (self->settings, "export-lossless"));
  gtk_adjustment_set_value (self->quality, g_settings_get_int (self->settings, "export-quality"));
  gtk_switch_set_active (self->metadata_switch,
                         g_settings_get_boolean (self->settings, "export-metadata"));
  gtk_adjustment_set_value (self->seconds,
                            g_settings_get_double (self->settings, "export-seconds"));
  gtk_switch_set_active (self->captions_switch,
                         g_settings_get_boolean (self->settings, "export-captions"));
}

static void
write_settings (EspExportDialog *self)
{
  const guint size = adw_combo_row_get_selected (self->size_row);
  EspExportOptions options;

  esp_export_dialog_get_options (self, &options);
  g_settings_set_enum (self->settings,
                       options.what == ESP_EXPORT_ANIMATION ? "export-animation-format"
                                                            : "export-format",
                       (int) options.format);
  g_settings_set_int (self->settings,
                      options.what == ESP_EXPORT_ANIMATION ? "export-animation-max-side"
                                                           : "export-max-side",
                      sizes[MIN (size, G_N_ELEMENTS (sizes) - 1)]);
  g_settings_set_boolean (self->settings, "export-lossless", options.lossless);
  g_settings_set_int (self->settings, "export-quality", options.quality);
  g_settings_set_boolean (self->settings, "export-metadata", options.metadata);
  g_settings_set_double (self->settings, "export-seconds", options.seconds);
  g_settings_set_boolean (self->settings, "export-captions", options.captions);
}

/* ---- how large it will be */

static void
on_estimated (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspExportDialog) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = esp_export_encode_finish (result, &error);
  g_autofree char *size = NULL;
  g_autofree char *text = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->estimating);
  if (bytes == NULL)
    {
      gtk_label_set_label (self->estimate_label, error->message);
      return;
    }
  size = g_format_size (g_bytes_get_size (bytes));
  /* Translators: the size of the file that would be written. */
  text = g_strdup_printf (_ ("The file will have %s."), size);
  gtk_label_set_label (self->estimate_label, text);
}

static void
stop_estimate (EspExportDialog *self)
{
  g_clear_handle_id (&self->estimate_source, g_source_remove);
  if (self->estimating != NULL)
    g_cancellable_cancel (self->estimating);
  g_clear_object (&self->estimating);
}

static gboolean
on_estimate_due (gpointer data)
{
  EspExportDialog *self = data;
  EspExportOptions options;

  self->estimate_source = 0;
  esp_export_dialog_get_options (self, &options);
  self->estimating = g_cancellable_new ();
  esp_export_encode_async (self->document, self->node, &options, self->estimating, on_estimated,
                           g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
update_estimate (EspExportDialog *self)
{
  g_autofree char *text = NULL;

  stop_estimate (self);
  switch (get_what (self))
    {
    case ESP_EXPORT_IMAGE:
      gtk_label_set_label (self->estimate_label, "");
      if (esp_node_has_image (self->node))
        self->estimate_source = g_timeout_add (ESTIMATE_DELAY_MS, on_estimate_due, self);
      return;
    case ESP_EXPORT_PATH:
      text = g_strdup_printf (ngettext ("%u image is written into a folder.",
                                        "%u images are written into a folder.", self->n_path),
                              self->n_path);
      break;
    case ESP_EXPORT_ANIMATION:
      text = g_strdup_printf (
          ngettext ("%u image, %.1f seconds", "%u images, %.1f seconds", self->n_path),
          self->n_path, self->n_path * gtk_adjustment_get_value (self->seconds));
      break;
    case ESP_EXPORT_LEAVES:
    default:
      text = g_strdup (_ ("The last image of every branch is written into a folder."));
    }
  gtk_label_set_label (self->estimate_label, text);
}

/* ---- the form follows the choices */

static void
update_form (EspExportDialog *self)
{
  const EspExportFormat format = get_format (self);
  const gboolean lossless = gtk_switch_get_active (self->lossless_switch);

  gtk_widget_set_visible (self->film_group, get_what (self) == ESP_EXPORT_ANIMATION);
  gtk_widget_set_visible (self->lossless_row, format == ESP_EXPORT_WEBP);
  gtk_widget_set_visible (self->quality_row,
                          format == ESP_EXPORT_JPEG || (format == ESP_EXPORT_WEBP && !lossless));
  gtk_widget_set_visible (GTK_WIDGET (self->size_row), format != ESP_EXPORT_ORIGINAL);
  adw_action_row_set_subtitle (self->metadata_row,
                               gtk_switch_get_active (self->metadata_switch)
                                   ? _ ("Instructions, seeds and settings of all steps")
                                   : _ ("Nothing is told but the picture"));
  gtk_widget_set_sensitive (self->export_button,
                            self->node == NULL || esp_node_has_image (self->node));
}

static void
on_changed (EspExportDialog *self)
{
  if (!self->settled)
    return;
  gtk_revealer_set_reveal_child (self->error_revealer, FALSE);
  update_form (self);
  update_estimate (self);
}

static void
on_what_changed (EspExportDialog *self)
{
  if (!self->settled)
    return;
  read_format (self);
  on_changed (self);
}

void
esp_export_dialog_set_what (EspExportDialog *self, EspExportWhat what)
{
  g_return_if_fail (ESP_IS_EXPORT_DIALOG (self));

  if (self->node != NULL)
    adw_combo_row_set_selected (self->what_row, (guint) what);
}

/* ---- exporting */

static void
set_busy (EspExportDialog *self, gboolean busy)
{
  gtk_widget_set_sensitive (self->form, !busy);
  gtk_widget_set_sensitive (self->film_group, !busy);
  gtk_widget_set_sensitive (self->export_button, !busy);
  gtk_stack_set_visible_child_name (self->footer, busy ? "progress" : "estimate");
  gtk_progress_bar_set_fraction (self->progress_bar, 0);
}

static void
on_progress (double fraction, gpointer data)
{
  EspExportDialog *self = data;

  gtk_progress_bar_set_fraction (self->progress_bar, fraction);
}

static void
show_error (EspExportDialog *self, const char *message)
{
  gtk_label_set_label (self->error_label, message);
  gtk_revealer_set_reveal_child (self->error_revealer, TRUE);
}

typedef struct
{
  EspExportDialog *dialog;
  GFile *target;
} Running;

static void
on_exported (GObject *source, GAsyncResult *result, gpointer data)
{
  Running *running = data;
  g_autoptr (EspExportDialog) self = running->dialog;
  g_autoptr (GFile) target = running->target;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = esp_export_finish (result, &error);

  g_free (running);
  g_clear_object (&self->exporting);
  if (files != NULL)
    {
      g_signal_emit (self, signals[SIGNAL_EXPORTED], 0,
                     files->len == 1 ? G_FILE (files->pdata[0]) : target, files->len);
      gtk_window_destroy (GTK_WINDOW (self));
      return;
    }
  set_busy (self, FALSE);
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    show_error (self, error->message);
  update_estimate (self);
}

void
esp_export_dialog_export_to (EspExportDialog *self, GFile *target)
{
  EspExportOptions options;
  Running *running;

  g_return_if_fail (ESP_IS_EXPORT_DIALOG (self) && G_IS_FILE (target));

  if (self->exporting != NULL)
    return;
  stop_estimate (self);
  write_settings (self);
  gtk_revealer_set_reveal_child (self->error_revealer, FALSE);
  set_busy (self, TRUE);
  gtk_widget_grab_focus (self->cancel_button);
  self->exporting = g_cancellable_new ();
  running = g_new0 (Running, 1);
  running->dialog = g_object_ref (self);
  running->target = g_object_ref (target);
  esp_export_dialog_get_options (self, &options);
  esp_export_async (self->document, self->node, target, &options, on_progress, self,
                    self->exporting, on_exported, running);
}

static void
on_chosen (GtkNativeDialog *chooser, int response, gpointer data)
{
  EspExportDialog *self = data;
  g_autoptr (GFile) file = NULL;
  g_autoptr (GFile) folder = NULL;
  g_autofree char *uri = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
      folder = gtk_file_chooser_get_current_folder (GTK_FILE_CHOOSER (chooser));
      if (folder != NULL)
        {
          uri = g_file_get_uri (folder);
          g_settings_set_string (self->settings, "export-folder", uri);
        }
    }
  gtk_native_dialog_hide (chooser);
  g_clear_object (&self->chooser);
  if (file != NULL)
    esp_export_dialog_export_to (self, file);
}

static void
on_export_clicked (EspExportDialog *self)
{
  const EspExportWhat what = get_what (self);
  const gboolean to_folder = what == ESP_EXPORT_LEAVES || what == ESP_EXPORT_PATH;
  g_autofree char *uri = g_settings_get_string (self->settings, "export-folder");

  g_clear_object (&self->chooser);
  self->chooser = gtk_file_chooser_native_new (
      to_folder ? _ ("Choose a Folder") : _ ("Export"), GTK_WINDOW (self),
      to_folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER : GTK_FILE_CHOOSER_ACTION_SAVE,
      _ ("_Export"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  if (!to_folder)
    {
      g_autofree char *name
          = esp_export_dup_file_name (self->document, self->node, get_format (self));

      gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (self->chooser), name);
    }
  if (uri[0] != '\0')
    {
      g_autoptr (GFile) folder = g_file_new_for_uri (uri);

      gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (self->chooser), folder, NULL);
    }
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
on_cancel_clicked (EspExportDialog *self)
{
  if (self->exporting != NULL)
    g_cancellable_cancel (self->exporting);
  else
    gtk_window_close (GTK_WINDOW (self));
}

/* An export that is under way is not left alone: Cancel stops it first. */
static gboolean
esp_export_dialog_close_request (GtkWindow *window)
{
  EspExportDialog *self = ESP_EXPORT_DIALOG (window);

  if (self->exporting != NULL)
    return GDK_EVENT_STOP;
  return GTK_WINDOW_CLASS (esp_export_dialog_parent_class)->close_request (window);
}

static void
esp_export_dialog_dispose (GObject *object)
{
  EspExportDialog *self = ESP_EXPORT_DIALOG (object);

  stop_estimate (self);
  if (self->exporting != NULL)
    g_cancellable_cancel (self->exporting);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->document);
  g_clear_object (&self->node);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (esp_export_dialog_parent_class)->dispose (object);
}

static void
esp_export_dialog_class_init (EspExportDialogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_export_dialog_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = esp_export_dialog_close_request;

  signals[SIGNAL_EXPORTED]
      = g_signal_new ("exported", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_FILE, G_TYPE_UINT);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/export/esp-export-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, what_row);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, format_row);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, lossless_row);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, lossless_switch);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, quality_row);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, quality);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, size_row);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, metadata_row);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, metadata_switch);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, form);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, film_group);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, seconds);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, captions_switch);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, footer);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, estimate_label);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, error_revealer);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, error_label);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, EspExportDialog, export_button);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_what_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_export_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel_clicked);
}

static void
esp_export_dialog_init (EspExportDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (ESP_APP_ID);
}

GtkWindow *
esp_export_dialog_new (GtkWindow *parent, EspDocument *document, EspNode *node)
{
  EspExportDialog *self;

  g_return_val_if_fail (parent == NULL || GTK_IS_WINDOW (parent), NULL);
  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (node == NULL || ESP_IS_NODE (node), NULL);

  self = g_object_new (ESP_TYPE_EXPORT_DIALOG, "transient-for", parent, NULL);
  self->document = g_object_ref (document);
  self->node = node != NULL ? g_object_ref (node) : NULL;
  for (EspNode *step = node; step != NULL; step = esp_node_get_parent (step))
    self->n_path += esp_node_has_image (step);
  fill_rows (self);
  read_settings (self);
  self->settled = TRUE;
  on_changed (self);
  return GTK_WINDOW (self);
}
