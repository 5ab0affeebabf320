/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The export dialog: the form follows the choices, choices are remembered, files are written,
 * errors stay in the dialog. And the clipboard: what is pasted is the image.
 *
 * With ESP_SCREENSHOTS=DIR pictures of the dialog are put there. */
#include "esp-export-dialog.h"

#include <adwaita.h>
#include <glib/gstdio.h>

#include "esp-clipboard-image.h"
#include "scratch-document.h"
#include "widgets.h"

static EspDocument *document;
static EspNode *photo, *turn, *queued;

static GtkWidget *
child (GtkWindow *dialog, const char *id)
{
  GtkWidget *widget = GTK_WIDGET (
      gtk_widget_get_template_child (GTK_WIDGET (dialog), ESP_TYPE_EXPORT_DIALOG, id));

  g_assert_nonnull (widget);
  return widget;
}

static GtkWindow *
open_dialog (EspNode *node)
{
  GtkWindow *dialog = esp_export_dialog_new (NULL, document, node);

  gtk_window_present (dialog);
  scratch_wait (50);
  return dialog;
}

static gboolean
is_text_there (gpointer data)
{
  return gtk_label_get_label (data)[0] != '\0';
}

static void
test_form (void)
{
  GtkWindow *dialog = open_dialog (turn);
  EspExportOptions options;

  g_assert_true (gtk_widget_get_mapped (child (dialog, "size_row")));
  g_assert_false (gtk_widget_get_visible (child (dialog, "quality_row")));
  g_assert_false (gtk_widget_get_visible (child (dialog, "film_group")));
  g_assert_true (scratch_wait_for (is_text_there, child (dialog, "estimate_label")));
  widgets_take_screenshot (GTK_WIDGET (dialog), "export-image");

  adw_combo_row_set_selected (ADW_COMBO_ROW (child (dialog, "format_row")), 2);
  esp_export_dialog_get_options (ESP_EXPORT_DIALOG (dialog), &options);
  g_assert_cmpint (options.format, ==, ESP_EXPORT_WEBP);
  g_assert_true (gtk_widget_get_visible (child (dialog, "quality_row")));
  gtk_switch_set_active (GTK_SWITCH (child (dialog, "lossless_switch")), TRUE);
  g_assert_false (gtk_widget_get_visible (child (dialog, "quality_row")));
  gtk_switch_set_active (GTK_SWITCH (child (dialog, "lossless_switch")), FALSE);

  adw_combo_row_set_selected (ADW_COMBO_ROW (child (dialog, "format_row")), 4);
  g_assert_false (gtk_widget_get_visible (child (dialog, "size_row")));

  esp_export_dialog_set_what (ESP_EXPORT_DIALOG (dialog), ESP_EXPORT_ANIMATION);
  esp_export_dialog_get_options (ESP_EXPORT_DIALOG (dialog), &options);
  g_assert_cmpint (options.what, ==, ESP_EXPORT_ANIMATION);
  g_assert_cmpint (options.format, ==, ESP_EXPORT_WEBP);
  g_assert_cmpint (options.max_side, ==, 1024);
  g_assert_true (gtk_widget_get_visible (child (dialog, "film_group")));
  widgets_take_screenshot (GTK_WIDGET (dialog), "export-animation");
  gtk_window_set_default_size (dialog, 360, -1);
  widgets_take_screenshot (GTK_WIDGET (dialog), "export-narrow");
  gtk_window_destroy (dialog);

  /* All results of the document: nothing else can be chosen. */
  dialog = open_dialog (NULL);
  g_assert_false (gtk_widget_get_sensitive (child (dialog, "what_row")));
  esp_export_dialog_get_options (ESP_EXPORT_DIALOG (dialog), &options);
  g_assert_cmpint (options.what, ==, ESP_EXPORT_LEAVES);
  gtk_window_destroy (dialog);

  /* There is nothing to export yet. */
  dialog = open_dialog (queued);
  g_assert_false (gtk_widget_get_sensitive (child (dialog, "export_button")));
  gtk_window_destroy (dialog);
}

typedef struct
{
  GFile *file;
  guint n;
} Exported;

static void
on_exported (EspExportDialog *dialog, GFile *file, guint n, gpointer data)
{
  Exported *exported = data;

  exported->file = g_object_ref (file);
  exported->n = n;
}

static gboolean
is_exported (gpointer data)
{
  return ((Exported *) data)->n > 0;
}

static void
test_export (void)
{
  g_autofree char *folder = g_dir_make_tmp ("espalier-dialog-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "a.jpg", NULL);
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_autoptr (EspPicture) picture = NULL;
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  EspExportOptions options;
  Exported exported = { NULL };
  GtkWindow *dialog = open_dialog (turn);

  g_signal_connect (dialog, "exported", G_CALLBACK (on_exported), &exported);
  adw_combo_row_set_selected (ADW_COMBO_ROW (child (dialog, "format_row")), 1);
  adw_combo_row_set_selected (ADW_COMBO_ROW (child (dialog, "size_row")), 4);
  gtk_adjustment_set_value (GTK_ADJUSTMENT (gtk_widget_get_template_child (
                                GTK_WIDGET (dialog), ESP_TYPE_EXPORT_DIALOG, "quality")),
                            77);
  gtk_switch_set_active (GTK_SWITCH (child (dialog, "metadata_switch")), FALSE);
  esp_export_dialog_export_to (ESP_EXPORT_DIALOG (dialog), target);
  g_assert_false (gtk_widget_get_sensitive (child (dialog, "form")));
  g_assert_true (scratch_wait_for (is_exported, &exported));
  g_assert_true (g_file_equal (exported.file, target));
  g_assert_cmpuint (exported.n, ==, 1);
  g_object_unref (exported.file);

  picture = esp_picture_load (path, &info, NULL, NULL);
  g_assert_cmpstr (info.format, ==, "JPEG");
  g_assert_cmpint (MAX (picture->width, picture->height), ==, 512);
  esp_picture_info_clear (&info);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);

  /* Remembered. */
  dialog = open_dialog (turn);
  esp_export_dialog_get_options (ESP_EXPORT_DIALOG (dialog), &options);
  g_assert_cmpint (options.format, ==, ESP_EXPORT_JPEG);
  g_assert_cmpint (options.max_side, ==, 512);
  g_assert_cmpint (options.quality, ==, 77);
  g_assert_false (options.metadata);
  gtk_window_destroy (dialog);
}

static gboolean
is_error_shown (gpointer data)
{
  return gtk_revealer_get_reveal_child (data);
}

static void
test_error (void)
{
  g_autoptr (GFile) target = g_file_new_for_path ("/nowhere/at/all/a.png");
  GtkWindow *dialog = open_dialog (photo);

  esp_export_dialog_export_to (ESP_EXPORT_DIALOG (dialog), target);
  g_assert_true (scratch_wait_for (is_error_shown, child (dialog, "error_revealer")));
  g_assert_true (gtk_widget_get_sensitive (child (dialog, "form")));
  g_assert_nonnull (strstr (gtk_label_get_label (GTK_LABEL (child (dialog, "error_label"))),
                            "/nowhere/at/all/a.png"));
  widgets_take_screenshot (GTK_WIDGET (dialog), "export-error");

  /* Another choice takes it away. */
  adw_combo_row_set_selected (ADW_COMBO_ROW (child (dialog, "size_row")), 1);
  g_assert_false (is_error_shown (child (dialog, "error_revealer")));
  gtk_window_destroy (dialog);
}

static void
on_texture (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(GdkTexture **) data
      = gdk_clipboard_read_texture_finish (GDK_CLIPBOARD (source), result, &error);
  g_assert_no_error (error);
}

static void
test_copy (void)
{
  GdkClipboard *clipboard = gdk_display_get_clipboard (gdk_display_get_default ());
  g_autoptr (GdkTexture) texture = NULL;

  esp_copy_image (clipboard, document, turn);
  gdk_clipboard_read_texture_async (clipboard, NULL, on_texture, &texture);
  g_assert_true (scratch_wait_for (scratch_is_set, &texture));
  g_assert_cmpint (gdk_texture_get_width (texture), ==, esp_node_get_width (turn));
  g_assert_cmpint (gdk_texture_get_height (texture), ==, esp_node_get_height (turn));
}

static void
on_uris (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  gdk_content_provider_write_mime_type_finish (GDK_CONTENT_PROVIDER (source), result, &error);
  g_assert_no_error (error);
  *(gpointer *) data = source;
}

static void
test_file_content (void)
{
  g_autoptr (GdkContentProvider) content = esp_image_file_content_new (document, turn);
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autofree char *line = NULL;
  g_autoptr (GFile) file = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *json = NULL;
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  gpointer done = NULL;

  g_settings_reset (settings, "export-metadata");

  gdk_content_provider_write_mime_type_async (content, "text/uri-list", stream, G_PRIORITY_DEFAULT,
                                              NULL, on_uris, &done);
  g_assert_true (scratch_wait_for (scratch_is_set, &done));
  line = g_strndup (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (stream)),
                    g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (stream)));
  g_assert_true (g_str_has_suffix (line, "\r\n"));
  file = g_file_new_for_uri (g_strchomp (line));
  name = g_file_get_basename (file);
  g_assert_cmpstr (name, ==, "Scratch - Make it red.png");
  path = g_file_get_path (file);
  g_assert_true (esp_recipe_read (path, &json, NULL));
}

static gboolean
is_file (gpointer data)
{
  g_autofree char *contents = NULL;

  return g_file_get_contents (data, &contents, NULL, NULL) && contents[0] != '\0';
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  esp_open_image_with_finish (result, &error);
  g_assert_no_error (error);
}

/* A program that writes down what it was given is the one for PNG files. There is no portal here.
 */
static void
test_open_with (void)
{
  g_autofree char *seen = g_build_filename (g_get_user_cache_dir (), "seen", NULL);
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "applications", NULL);
  g_autofree char *program = g_build_filename (folder, "viewer.desktop", NULL);
  g_autofree char *choices = g_build_filename (g_get_user_config_dir (), "mimeapps.list", NULL);
  g_autofree char *entry
      = g_strdup_printf ("[Desktop Entry]\nType=Application\nName=Viewer\nMimeType=image/png;\n"
                         "Exec=sh -c \"echo \\\\$0 > %s\" %%f\n",
                         seen);
  g_autofree char *path = NULL;
  g_autofree char *stored = NULL;
  gsize size;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (program, entry, -1, NULL));
  g_assert_true (g_file_set_contents (choices, "[Default Applications]\nimage/png=viewer.desktop\n",
                                      -1, NULL));

  esp_open_image_with_async (NULL, document, turn, NULL, on_opened, NULL);
  g_assert_true (scratch_wait_for (is_file, seen));
  g_assert_true (g_file_get_contents (seen, &path, NULL, NULL));
  g_strchomp (path);
  g_assert_true (g_str_has_suffix (path, "/Scratch - Make it red.png"));
  g_assert_true (g_file_get_contents (path, &stored, &size, NULL));
  g_assert_cmpuint (size, ==, esp_node_get_image_size (turn));
}

int
main (int argc, char **argv)
{
  int result;

  widgets_init (&argc, &argv);
  document = scratch_document_new ();
  photo = scratch_document_import (document, 640, 480, 0x3366cc);
  turn = scratch_document_add_turn (document, photo, "Make it red");
  scratch_document_finish_turn (document, turn, 1024, 768, 0xcc3322);
  queued = scratch_document_add_turn (document, turn, "Make it blue");

  g_test_add_func ("/export-dialog/form", test_form);
  g_test_add_func ("/export-dialog/export", test_export);
  g_test_add_func ("/export-dialog/error", test_error);
  g_test_add_func ("/clipboard-image/copy", test_copy);
  g_test_add_func ("/clipboard-image/file", test_file_content);

  g_test_add_func ("/clipboard-image/open-with", test_open_with);

  result = g_test_run ();
  scratch_document_close (document);
  g_object_unref (document);
  return result;
}
