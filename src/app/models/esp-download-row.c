/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-download-row.c: see esp-download-row.h. */
#include "esp-download-row.h"

#include <glib/gi18n-lib.h>

struct _EspDownloadRow
{
  AdwPreferencesRow parent_instance;

  GtkLabel *status;
  GtkProgressBar *bar;
  GtkWidget *pause, *resume, *cancel, *clear;

  EspModelDownload *download;
};

G_DEFINE_FINAL_TYPE (EspDownloadRow, esp_download_row, ADW_TYPE_PREFERENCES_ROW)

enum
{
  RESUME,
  CANCEL,
  CLEAR,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* The keyboard stays in the row where the button that has it goes. */
static void
show_buttons (EspDownloadRow *self, gboolean works, gboolean stopped)
{
  const gboolean over = !works && !stopped;
  const gboolean focused = gtk_widget_has_focus (self->pause) || gtk_widget_has_focus (self->resume)
                           || gtk_widget_has_focus (self->cancel)
                           || gtk_widget_has_focus (self->clear);
  GtkWidget *first = works ? self->pause : stopped ? self->resume : self->clear;
  const gboolean others = !gtk_widget_get_visible (first);

  gtk_widget_set_visible (first, TRUE);
  if (focused && others)
    gtk_widget_grab_focus (first);
  gtk_widget_set_visible (self->pause, works);
  gtk_widget_set_visible (self->resume, stopped);
  gtk_widget_set_visible (self->cancel, !over);
  gtk_widget_set_visible (self->clear, over);
}

static void
fill (EspDownloadRow *self)
{
  const EspModelDownloadState state = esp_model_download_get_state (self->download);
  const GError *error = esp_model_download_get_error (self->download);
  const char *status = esp_model_download_get_status (self->download);
  g_autofree char *text = NULL;
  gboolean works, over, stopped;

  over = state == ESP_MODEL_DOWNLOAD_DONE || state == ESP_MODEL_DOWNLOAD_CANCELLED;
  stopped = state == ESP_MODEL_DOWNLOAD_PAUSED || state == ESP_MODEL_DOWNLOAD_FAILED;
  works = !over && !stopped;
  /* The sentence on the state says what failed, too, unless it is about something else. */
  if (error != NULL && strstr (status, error->message) == NULL)
    text = g_strdup_printf ("%s\n%s", status, error->message);
  gtk_label_set_text (self->status, text != NULL ? text : status);
  if (state == ESP_MODEL_DOWNLOAD_FAILED)
    gtk_widget_add_css_class (GTK_WIDGET (self->status), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->status), "error");
  gtk_progress_bar_set_fraction (self->bar,
                                 CLAMP (esp_model_download_get_fraction (self->download), 0, 1));
  gtk_widget_set_visible (GTK_WIDGET (self->bar), !over);
  show_buttons (self, works, stopped);
}

static void
on_pause (EspDownloadRow *self)
{
  esp_model_download_pause (self->download);
}

static void
on_resume (EspDownloadRow *self)
{
  g_signal_emit (self, signals[RESUME], 0);
}

static void
on_cancel (EspDownloadRow *self)
{
  g_signal_emit (self, signals[CANCEL], 0);
}

static void
on_clear (EspDownloadRow *self)
{
  g_signal_emit (self, signals[CLEAR], 0);
}

static void
esp_download_row_dispose (GObject *object)
{
  EspDownloadRow *self = ESP_DOWNLOAD_ROW (object);

  g_clear_object (&self->download);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_DOWNLOAD_ROW);
  G_OBJECT_CLASS (esp_download_row_parent_class)->dispose (object);
}

static void
esp_download_row_class_init (EspDownloadRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_download_row_dispose;
  signals[RESUME] = g_signal_new ("resume", ESP_TYPE_DOWNLOAD_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[CANCEL] = g_signal_new ("cancel", ESP_TYPE_DOWNLOAD_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[CLEAR] = g_signal_new ("clear", ESP_TYPE_DOWNLOAD_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/models/esp-download-row.ui");
  gtk_widget_class_bind_template_child (widget_class, EspDownloadRow, status);
  gtk_widget_class_bind_template_child (widget_class, EspDownloadRow, bar);
  gtk_widget_class_bind_template_child (widget_class, EspDownloadRow, pause);
  gtk_widget_class_bind_template_child (widget_class, EspDownloadRow, resume);
  gtk_widget_class_bind_template_child (widget_class, EspDownloadRow, cancel);
  gtk_widget_class_bind_template_child (widget_class, EspDownloadRow, clear);
  gtk_widget_class_bind_template_callback (widget_class, on_pause);
  gtk_widget_class_bind_template_callback (widget_class, on_resume);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_clear);
}

static void
esp_download_row_init (EspDownloadRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
esp_download_row_new (EspModelDownload *download)
{
  EspDownloadRow *self;
  g_autofree char *title = NULL;

  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (download), NULL);

  self = g_object_new (ESP_TYPE_DOWNLOAD_ROW, "use-markup", FALSE, NULL);
  self->download = g_object_ref (download);
  title = g_strdup_printf (_ ("%s · %s"),
                           esp_model_offer_get_name (esp_model_download_get_offer (download)),
                           esp_model_download_get_variant (download)->name);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                  -1);
  g_signal_connect_object (download, "changed", G_CALLBACK (fill), self, G_CONNECT_SWAPPED);
  fill (self);
  return GTK_WIDGET (self);
}

EspModelDownload *
esp_download_row_get_download (EspDownloadRow *self)
{
  g_return_val_if_fail (ESP_IS_DOWNLOAD_ROW (self), NULL);
  return self->download;
}
