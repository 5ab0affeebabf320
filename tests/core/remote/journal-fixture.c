/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal-fixture.h"

#include <glib/gstdio.h>
#include <time.h>
#include <utime.h>

static char *home;

void
journal_set_up (void)
{
  home = g_dir_make_tmp ("espalier-journal-XXXXXX", NULL);
  g_assert_nonnull (home);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
}

void
journal_tear_down (void)
{
  g_autofree char *jobs = journal_dup_folder ();
  g_autofree char *program_folder = g_path_get_dirname (jobs);

  g_rmdir (jobs);
  g_rmdir (program_folder);
  g_rmdir (home);
  g_free (home);
}

char *
journal_dup_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "jobs", NULL);
}

guint
journal_count_files (void)
{
  g_autofree char *folder = journal_dup_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

EspRecord *
journal_write_new (const char *id, EspRecordState state)
{
  EspRecord *record = esp_record_new (id, "provider");
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (esp_record_get_members (record), "base_url",
                                 "https://example.com");
  g_assert_true (esp_record_write (record, state, &error));
  g_assert_no_error (error);
  return record;
}

char *
journal_dup_beside (const char *id, const char *suffix)
{
  g_autofree char *folder = journal_dup_folder ();
  g_autofree char *name = g_strconcat (id, suffix, NULL);

  return g_build_filename (folder, name, NULL);
}

void
journal_put (const char *path, gboolean old)
{
  g_assert_true (g_file_set_contents (path, g_str_has_suffix (path, ".json") ? "" : "x", -1, NULL));
  if (old)
    {
      struct utimbuf times = { time (NULL) - 7200, time (NULL) - 7200 };

      g_assert_cmpint (g_utime (path, &times), ==, 0);
    }
}
