/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-database-open.c: see esp-database-open.h.
 *
 * SQLite 3.5x opens files with O_NOFOLLOW, once it has followed all links itself. The file system
 * of the document portal takes that for its own way to the file, which goes through a link in
 * /proc, and says ELOOP. */
#include "esp-database-open.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is no link is opened all the same; a link that comes meanwhile is not followed. */
static int
open_file (const char *path, int flags, int mode)
{
  int fd = open (path, flags, mode);
  struct stat before, after;

  if (fd >= 0 || errno != ELOOP || (flags & O_NOFOLLOW) == 0)
    return fd;
  if (lstat (path, &before) != 0 || !S_ISREG (before.st_mode))
    {
      errno = ELOOP;
      return -1;
    }
  fd = open (path, flags & ~(O_NOFOLLOW | O_CREAT | O_TRUNC), mode);
  if (fd >= 0
      && (fstat (fd, &after) != 0 || before.st_dev != after.st_dev
          || before.st_ino != after.st_ino))
    {
      close (fd);
      errno = ELOOP;
      return -1;
    }
  return fd;
}

void
_esp_database_open_prepare (void)
{
  static gsize done;

  if (g_once_init_enter (&done))
    {
      sqlite3_vfs *system = sqlite3_vfs_find ("unix");

      if (system != NULL && system->iVersion >= 3 && system->xSetSystemCall != NULL)
        system->xSetSystemCall (system, "open", (sqlite3_syscall_ptr) open_file);
      g_once_init_leave (&done, 1);
    }
}
