/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sheet-fixture.c: see the header. */
#include "sheet-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

void
sheet_scene_init (SheetScene *self, Fixture *fixture)
{
  self->document = create_document ("Sheets");
  self->nodes = g_ptr_array_new ();
  self->folder = g_build_filename (fixture->folder, "sheets", NULL);
  g_assert_cmpint (g_mkdir (self->folder, 0700), ==, 0);
}

void
sheet_scene_clear (SheetScene *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_assert_false (name[0] == '.');
      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
  g_ptr_array_unref (self->nodes);
  close_document (self->document);
}

EspNode *
sheet_scene_add_bytes (SheetScene *self, GBytes *bytes)
{
  EspNode *node = import_image (self->document, bytes, "image", NULL);

  g_ptr_array_add (self->nodes, node);
  return node;
}

EspNode *
sheet_scene_add (SheetScene *self, int width, int height, guint32 color)
{
  g_autoptr (EspPicture) picture = esp_picture_new (width, height, NULL);
  g_autoptr (GBytes) bytes = NULL;

  for (gsize i = 0; i < (gsize) width * (gsize) height; i++)
    {
      picture->pixels[3 * i] = (guint8) (color >> 16);
      picture->pixels[3 * i + 1] = (guint8) (color >> 8);
      picture->pixels[3 * i + 2] = (guint8) color;
    }
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, NULL, NULL, NULL);
  return sheet_scene_add_bytes (self, bytes);
}

EspNode *
sheet_scene_add_failed (SheetScene *self, const char *message)
{
  EspNode *node = add_turn (self->document, self->nodes->pdata[0], "Make it snow", 1);

  set_state (self->document, node, ESP_NODE_FAILED, message);
  return node;
}

void
sheet_scene_keep (SheetScene *self, const char *name)
{
  const char *folder = g_getenv ("ESP_SCREENSHOTS");
  g_autofree char *from = g_build_filename (self->folder, name, NULL);
  g_autofree char *to = folder != NULL ? g_build_filename (folder, name, NULL) : NULL;
  g_autoptr (GFile) source = g_file_new_for_path (from);
  g_autoptr (GFile) target = to != NULL ? g_file_new_for_path (to) : NULL;

  if (target != NULL)
    g_assert_true (g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, NULL));
}

GBytes *
sheet_scene_export (SheetScene *self, const EspSheet *sheet, const char *name,
                    GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_auto (Waiter) waiter = { NULL };
  EspSheetFormat format;
  char *data;
  gsize size;

  g_assert_true (esp_sheet_format_from_path (name, &format, NULL));
  if (!esp_sheet_export_finish (
          WAIT (waiter, esp_sheet_export_async, self->document, sheet, target, format, cancellable),
          error))
    return NULL;
  sheet_scene_keep (self, name);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  return g_bytes_new_take (data, size);
}

EspPicture *
sheet_scene_render (SheetScene *self, const EspSheet *sheet)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = sheet_scene_export (self, sheet, "sheet.png", NULL, &error);
  EspPicture *picture;

  g_assert_no_error (error);
  picture = esp_picture_load_bytes (bytes, "sheet.png", NULL, NULL, &error);
  g_assert_no_error (error);
  return picture;
}

guint32
get_pixel (EspPicture *picture, int x, int y)
{
  const guint8 *pixel = picture->pixels + ((gsize) y * (gsize) picture->width + (gsize) x) * 3;

  g_assert_true (x >= 0 && y >= 0 && x < picture->width && y < picture->height);
  return (guint32) pixel[0] << 16 | (guint32) pixel[1] << 8 | pixel[2];
}

gboolean
find_color (EspPicture *picture, guint32 color, int *left, int *top, int *right, int *bottom)
{
  *left = picture->width;
  *top = picture->height;
  *right = *bottom = -1;
  for (int y = 0; y < picture->height; y++)
    for (int x = 0; x < picture->width; x++)
      if (get_pixel (picture, x, y) == color)
        {
          *left = MIN (*left, x);
          *right = MAX (*right, x);
          *top = MIN (*top, y);
          *bottom = MAX (*bottom, y);
        }
  return *right >= 0;
}
