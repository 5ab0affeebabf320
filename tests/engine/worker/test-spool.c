/* SPDX-License-Identifier: MIT */
/* The spool folder: private, locked, and cleaned up after the dead without touching anything else.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "../files/scratch.h"
#include "worker/spool.h"

static const char *base;

static bool
exists (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0;
}

static void
touch (const char *folder, const char *name)
{
  char path[512];
  int file;

  snprintf (path, sizeof path, "%s/%s", folder, name);
  file = open (path, O_WRONLY | O_CREAT, 0600);
  CHECK (file >= 0);
  close (file);
}

static void
a_spool_is_private_and_goes_with_its_files (void)
{
  EspSpool spool;
  EspError error = ESP_ERROR_INIT;
  struct stat status;
  char *path;

  CHECK_STATUS (esp_spool_create (&spool, base, &error), ESP_OK, error);
  CHECK (stat (spool.path, &status) == 0 && (status.st_mode & 07777) == 0700);

  touch (spool.path, "a.ppm");
  touch (spool.path, "b.ppm");
  esp_spool_remove_file (&spool, "a.ppm");
  path = esp_spool_file (&spool, "a.ppm");
  CHECK (!exists (path));
  free (path);

  path = strdup (spool.path);
  esp_spool_destroy (&spool);
  CHECK (!exists (path));
  free (path);
}

static void
a_living_workers_spool_stays (void)
{
  EspSpool spool;
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (esp_spool_create (&spool, base, &error), ESP_OK, error);
  touch (spool.path, "result.ppm");
  CHECK (esp_spool_remove_stale (base) == 0);
  CHECK (exists (spool.path));
  esp_spool_destroy (&spool);
}

static void
a_killed_workers_spool_goes (void)
{
  int ends[2];
  char path[512] = "";
  pid_t child;

  CHECK (pipe (ends) == 0);
  child = fork ();
  if (child == 0)
    {
      EspSpool spool;

      if (esp_spool_create (&spool, base, NULL) != ESP_OK)
        _exit (1);
      touch (spool.path, "input.ppm");
      if (write (ends[1], spool.path, strlen (spool.path)) < 0)
        _exit (1);
      pause ();
      _exit (0);
    }

  CHECK (read (ends[0], path, sizeof path - 1) > 0);
  CHECK (exists (path));
  CHECK (esp_spool_remove_stale (base) == 0);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  CHECK (esp_spool_remove_stale (base) == 1);
  CHECK (!exists (path));
  close (ends[0]);
  close (ends[1]);
}

static void
links_and_open_folders_are_left_alone (void)
{
  char target[256], link[256], open_folder[256], file[300];

  snprintf (target, sizeof target, "%s/precious", base);
  snprintf (link, sizeof link, "%s/espalier-spool-link00", base);
  snprintf (open_folder, sizeof open_folder, "%s/espalier-spool-open00", base);
  CHECK (mkdir (target, 0700) == 0);
  touch (target, "lock");
  touch (target, "photo.jpg");
  CHECK (symlink (target, link) == 0);
  CHECK (mkdir (open_folder, 0755) == 0);
  touch (open_folder, "lock");

  CHECK (esp_spool_remove_stale (base) == 0);
  snprintf (file, sizeof file, "%s/photo.jpg", target);
  CHECK (exists (file) && exists (link) && exists (open_folder));
}

static void
a_link_inside_a_stale_spool_is_removed_not_followed (void)
{
  char folder[256], link[300], outside[256];

  snprintf (folder, sizeof folder, "%s/espalier-spool-trap00", base);
  snprintf (outside, sizeof outside, "%s/outside", base);
  snprintf (link, sizeof link, "%s/link", folder);
  CHECK (mkdir (folder, 0700) == 0);
  touch (base, "outside");
  touch (folder, "lock");
  CHECK (symlink (outside, link) == 0);

  CHECK (esp_spool_remove_stale (base) == 1);
  CHECK (!exists (folder) && exists (outside));
}

static void
a_folder_without_a_lock_gets_a_minute (void)
{
  char folder[256];
  struct utimbuf old = { 0, 0 };

  snprintf (folder, sizeof folder, "%s/espalier-spool-young0", base);
  CHECK (mkdir (folder, 0700) == 0);
  CHECK (esp_spool_remove_stale (base) == 0);
  CHECK (utime (folder, &old) == 0);
  CHECK (esp_spool_remove_stale (base) == 1);
  CHECK (!exists (folder));
}

static void
a_base_that_is_missing_is_an_error_with_its_name (void)
{
  EspSpool spool;
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (esp_spool_create (&spool, "/nonexistent-folder", &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "/nonexistent-folder");
}

static void
a_strange_tmpdir_falls_back (void)
{
  setenv ("TMPDIR", "relative/folder", 1);
  CHECK (strcmp (esp_spool_base (), "/tmp") == 0);
  setenv ("TMPDIR", "/\xff\xfe", 1);
  CHECK (strcmp (esp_spool_base (), "/tmp") == 0);
  setenv ("TMPDIR", base, 1);
  CHECK (strcmp (esp_spool_base (), base) == 0);
}

int
main (void)
{
  base = scratch_open ();
  CASE (a_spool_is_private_and_goes_with_its_files);
  CASE (a_living_workers_spool_stays);
  CASE (a_killed_workers_spool_goes);
  CASE (links_and_open_folders_are_left_alone);
  CASE (a_link_inside_a_stale_spool_is_removed_not_followed);
  CASE (a_folder_without_a_lock_gets_a_minute);
  CASE (a_base_that_is_missing_is_an_error_with_its_name);
  CASE (a_strange_tmpdir_falls_back);

  scratch_close ();
  return check_done ();
}
