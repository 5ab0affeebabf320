/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thumbnailer.c: espalier-thumbnailer, which file managers run for a small picture of a document.
 */
#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-thumbnail.h"

#define MAX_SIZE 4096

static int
fail (const char *message)
{
  g_autofree char *line = g_strdelimit (g_strdup (message), "\n\r\t", ' ');

  g_printerr ("espalier-thumbnailer: %s\n", line);
  return 1;
}

/* In place: where thumbnails are made in a sandbox, the file may be all that can be written to. */
static gboolean
write_png (EspPicture *picture, const char *path, GError **error)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (GBytes) bytes
      = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, error);
  FILE *file;
  gboolean written;

  if (bytes == NULL)
    return FALSE;
  file = g_fopen (path, "wbe");
  written = file != NULL
            && fwrite (g_bytes_get_data (bytes, NULL), 1, g_bytes_get_size (bytes), file)
                   == g_bytes_get_size (bytes);
  if (file != NULL)
    written = fclose (file) == 0 && written;
  if (!written)
    g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (errno), "%s: %s", path,
                 g_strerror (errno));
  return written;
}

int
main (int argc, char **argv)
{
  g_autofree char *translations = esp_installation_find_translations ();
  int size = 256;
  gboolean version = FALSE;
  g_auto (GStrv) files = NULL;
  const GOptionEntry entries[] = {
    { "size", 's', 0, G_OPTION_ARG_INT, &size,
      N_ ("Longer side in pixels, at most: 256 unless said"), N_ ("PIXELS") },
    { "version", 'v', 0, G_OPTION_ARG_NONE, &version, N_ ("Print the version and exit"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) document = NULL;
  g_autoptr (EspPicture) picture = NULL;
  g_autofree char *path = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, translations);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  context = g_option_context_new (_ ("DOCUMENT PNG"));
  g_option_context_set_summary (context, _ ("Writes a small picture of an Espalier document."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fail (error->message);
      return 2;
    }
  if (version)
    {
      g_print ("espalier-thumbnailer %s\n", ESP_VERSION);
      return 0;
    }
  if (files == NULL || g_strv_length (files) != 2 || size < 1 || size > MAX_SIZE)
    {
      fail (_ (
          "a document, a file to write and a size of 1 to 4096 pixels are expected; see --help"));
      return 2;
    }

  document = g_file_new_for_commandline_arg (files[0]);
  path = g_file_get_path (document);
  if (path == NULL)
    return fail (_ ("only files of this computer can be read"));
  picture = esp_thumbnail_load (path, size, NULL, &error);
  if (picture == NULL || !write_png (picture, files[1], &error))
    return fail (error->message);
  return 0;
}
