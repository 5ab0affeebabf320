/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a picture goes that its document could not take: it is somewhere, whatever it is called and
 * however many there are. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-rescue.h"

#define AT_ONCE 24

typedef struct
{
  GPtrArray *paths;
  GError *error;
  guint pending;
} Saved;

static char *home, *tmp;

static void
on_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  Saved *saved = data;
  char *path = _esp_rescue_finish (result, saved->error == NULL ? &saved->error : NULL);

  if (path != NULL)
    g_ptr_array_add (saved->paths, path);
  saved->pending--;
}

/* The n-th is `text` and its number. */
static void
save (Saved *saved, const char *name, const char *text, guint n)
{
  saved->paths = g_ptr_array_new_with_free_func (g_free);
  saved->error = NULL;
  saved->pending = n;
  for (guint i = 0; i < n; i++)
    {
      char *content = g_strdup_printf ("%s%u", text, i);
      g_autoptr (GBytes) bytes = g_bytes_new_take (content, strlen (content));

      _esp_rescue_async (bytes, name, on_saved, saved);
    }
  while (saved->pending > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
clear (Saved *saved)
{
  for (guint i = 0; i < saved->paths->len; i++)
    g_unlink (saved->paths->pdata[i]);
  g_ptr_array_unref (saved->paths);
  g_clear_error (&saved->error);
}

/* All of a document whose disk is full come in the same second, and by several threads. */
static void
test_at_once (void)
{
  g_autoptr (GHashTable) contents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Saved saved;

  save (&saved, "Harbour 2", "\211PNG\r\n\032\n", AT_ONCE);
  g_assert_no_error (saved.error);
  g_assert_cmpuint (saved.paths->len, ==, AT_ONCE);
  for (guint i = 0; i < AT_ONCE; i++)
    {
      const char *path = saved.paths->pdata[i];
      g_autofree char *name = g_path_get_basename (path);
      char *content = NULL;
      GStatBuf info;

      g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
      g_assert_true (g_hash_table_add (contents, content));
      g_assert_cmpint (g_stat (path, &info), ==, 0);
      g_assert_cmpint (info.st_mode & 0777, ==, 0600);
      g_assert_true (g_str_has_prefix (name, "Harbour 2 2"));
      g_assert_true (g_str_has_suffix (name, ".png"));
    }
  clear (&saved);
}

/* A title may be as long as a file's name, and be made of anything. */
static void
test_names (void)
{
  g_autofree char *long_ascii = g_strnfill (300, 'x');
  g_autoptr (GString) long_greek = g_string_new ("");
  g_autofree char *folder = g_build_filename (home, "espalier", "rescued", NULL);
  const char *names[] = { long_ascii, NULL, "../../../etc/passwd", ".hidden 1", "a/b\\c\n*? 3" };

  for (int i = 0; i < 150; i++)
    g_string_append (long_greek, "\316\261");
  names[1] = long_greek->str;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      Saved saved;
      g_autofree char *parent = NULL;
      g_autofree char *name = NULL;

      save (&saved, names[i], "\377\330\377", 2);
      g_assert_no_error (saved.error);
      g_assert_cmpuint (saved.paths->len, ==, 2);
      parent = g_path_get_dirname (saved.paths->pdata[0]);
      name = g_path_get_basename (saved.paths->pdata[0]);
      g_assert_cmpstr (parent, ==, folder);
      g_assert_true (g_utf8_validate (name, -1, NULL));
      g_assert_true (name[0] != '.');
      g_assert_null (strpbrk (name, "\\\n*?"));
      g_assert_true (g_str_has_suffix (name, ".jpg"));
      clear (&saved);
    }
}

static void
test_unknown_kind (void)
{
  Saved saved;

  save (&saved, "Harbour 2", "what is this", 1);
  g_assert_no_error (saved.error);
  g_assert_true (g_str_has_suffix (saved.paths->pdata[0], ".image"));
  clear (&saved);
}

/* The first folder cannot be: the second. Nor that: an error that names it. */
static void
test_no_folder (void)
{
  g_autofree char *program = g_build_filename (home, "espalier", NULL);
  g_autofree char *folder = g_build_filename (program, "rescued", NULL);
  Saved saved;

  g_rmdir (folder);
  g_assert_true (g_file_set_contents (folder, "", 0, NULL));
  save (&saved, "Harbour 2", "GIF89a", 3);
  g_assert_no_error (saved.error);
  g_assert_cmpuint (saved.paths->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *parent = g_path_get_dirname (saved.paths->pdata[i]);

      g_assert_cmpstr (parent, ==, tmp);
    }
  clear (&saved);

  g_assert_cmpint (g_rmdir (tmp), ==, 0);
  save (&saved, "Harbour 2", "GIF89a", 1);
  g_assert_error (saved.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (saved.error->message, tmp));
  g_assert_cmpuint (saved.paths->len, ==, 0);
  clear (&saved);

  g_unlink (folder);
  g_rmdir (program);
}

int
main (int argc, char *argv[])
{
  int status;

  /* Whoever asks GLib for the folder of temporary files once gets the same ever after. */
  home = g_build_filename (g_getenv ("TMPDIR") != NULL ? g_getenv ("TMPDIR") : "/tmp",
                           "espalier-rescue-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (home));
  tmp = g_build_filename (home, "tmp", NULL);
  g_assert_cmpint (g_mkdir (tmp, 0700), ==, 0);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("TMPDIR", tmp, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jobs/rescue/at-once", test_at_once);
  g_test_add_func ("/jobs/rescue/names", test_names);
  g_test_add_func ("/jobs/rescue/unknown-kind", test_unknown_kind);
  g_test_add_func ("/jobs/rescue/no-folder", test_no_folder);
  status = g_test_run ();
  g_rmdir (home);
  g_free (home);
  g_free (tmp);
  return status;
}
