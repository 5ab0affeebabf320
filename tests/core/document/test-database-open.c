/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-database-open.c: files that the document portal hands in are opened, and links are not. */
#include "esp-database-open.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In place of the C library's: a folder "portal" is as the portal's file system is. */
int
open (const char *path, int flags, ...)
{
  if ((flags & O_NOFOLLOW) != 0 && strstr (path, "/portal/") != NULL)
    {
      errno = ELOOP;
      return -1;
    }
  return (int) syscall (SYS_openat, AT_FDCWD, path, flags, 0600);
}

typedef int (*OpenFile) (const char *path, int flags, int mode);

static void
test_open (void)
{
  g_autofree char *folder = g_dir_make_tmp ("espalier-portal-XXXXXX", NULL);
  g_autofree char *portal = g_build_filename (folder, "portal", NULL);
  g_autofree char *file = g_build_filename (portal, "file", NULL);
  g_autofree char *link = g_build_filename (portal, "link", NULL);
  sqlite3_vfs *system = sqlite3_vfs_find ("unix");
  OpenFile open_file;
  int fd;

  g_assert_cmpint (g_mkdir (portal, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, "text", -1, NULL));
  g_assert_cmpint (symlink ("file", link), ==, 0);
  _esp_database_open_prepare ();
  _esp_database_open_prepare ();
  open_file = (OpenFile) system->xGetSystemCall (system, "open");

  g_assert_cmpint (open (file, O_RDONLY | O_NOFOLLOW), ==, -1);
  fd = open_file (file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  errno = 0;
  g_assert_cmpint (open_file (link, O_RDONLY | O_NOFOLLOW, 0), ==, -1);
  g_assert_cmpint (errno, ==, ELOOP);
  fd = open_file (link, O_RDONLY, 0);
  g_assert_cmpint (fd, >=, 0);
  close (fd);

  g_unlink (file);
  g_assert_cmpint (open_file (file, O_RDONLY | O_NOFOLLOW, 0), ==, -1);
  g_unlink (link);
  g_rmdir (portal);
  g_rmdir (folder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/database-open/portal", test_open);
  return g_test_run ();
}
