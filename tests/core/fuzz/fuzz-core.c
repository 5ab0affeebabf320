/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz-core.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* What the program would say in its log costs time and tells nothing here; a critical message is a
 * promise broken. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) != 0)
    {
      g_log_writer_standard_streams (level, fields, n_fields, data);
      abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  g_log_set_writer_func (write_log, NULL, NULL);
  return 0;
}

guint
fuzz_take_byte (FuzzInput *input)
{
  if (input->size == 0)
    return 0;
  input->size--;
  return *input->data++;
}

char *
fuzz_take_text (FuzzInput *input)
{
  const guint8 *end = input->size > 0 ? memchr (input->data, 0, input->size) : NULL;
  gsize length = end != NULL ? (gsize) (end - input->data) : input->size;
  char *text = g_malloc (length + 1);

  if (length > 0)
    memcpy (text, input->data, length);
  text[length] = '\0';
  input->data += length + (end != NULL ? 1 : 0);
  input->size -= length + (end != NULL ? 1 : 0);
  return text;
}

GBytes *
fuzz_take_rest (FuzzInput *input)
{
  GBytes *bytes = g_bytes_new (input->data, input->size);

  input->size = 0;
  return bytes;
}

/* --- Files ------------------------------------------------------------------------------------ */

static char *home;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
remove_home (void)
{
  remove_tree (home);
  g_free (home);
}

const char *
fuzz_home (void)
{
  static const char *const variables[]
      = { "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME" };

  if (home != NULL)
    return home;

  home = g_build_filename (g_access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir (),
                           "espalier-fuzz-XXXXXX", NULL);
  PROMISE (g_mkdtemp (home) != NULL);
  atexit (remove_home);
  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    g_setenv (variables[i], home, TRUE);
  return home;
}

char *
fuzz_write_file (const char *name, gconstpointer data, gsize size)
{
  char *path = g_build_filename (fuzz_home (), name, NULL);
  FILE *file = g_fopen (path, "wb");

  PROMISE (file != NULL);
  PROMISE (size == 0 || fwrite (data, 1, size, file) == size);
  PROMISE (fclose (file) == 0);
  return path;
}

void
fuzz_check_error (gboolean ok, GError **error)
{
  PROMISE (ok == (*error == NULL));
  PROMISE (ok || g_utf8_validate ((*error)->message, -1, NULL));
  PROMISE (ok || (*error)->message[0] != '\0');
  g_clear_error (error);
}
