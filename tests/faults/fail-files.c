/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fail-files.c: a library that is loaded before the C library and lets one call on a file fail, as
 * the environment says:
 *
 *   FAIL_FILES_CALL    which kind: open, write, sync, rename, unlink, truncate, mkdir, stat
 *   FAIL_FILES_CODE    with which errno; 0: a write that does half of what it was asked for
 *   FAIL_FILES_MOMENT  the how manieth of them, from 1; 0: none, they are only counted
 *   FAIL_FILES_STAYS   set: and all that follow
 *   FAIL_FILES_IN      only of files whose paths begin so
 *
 * fail_files_count () tells how many there were. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT     __attribute__ ((visibility ("default")))
#define REAL(name) ((__typeof__ (&name)) find (#name))

static struct
{
  const char *call, *in;
  int code;
  unsigned moment;
  bool stays, ready;
} self;

static atomic_uint count;

static void *
find (const char *name)
{
  void *function = dlsym (RTLD_NEXT, name);

  if (function == NULL)
    abort ();
  return function;
}

__attribute__ ((constructor)) static void
start (void)
{
  const char *code = getenv ("FAIL_FILES_CODE"), *moment = getenv ("FAIL_FILES_MOMENT");

  self.call = getenv ("FAIL_FILES_CALL");
  self.in = getenv ("FAIL_FILES_IN");
  self.code = code != NULL ? atoi (code) : EIO;
  self.moment = moment != NULL ? (unsigned) atoi (moment) : 0;
  self.stays = getenv ("FAIL_FILES_STAYS") != NULL;
  unsetenv ("LD_PRELOAD"); /* whoever it starts is another case */
  self.ready = self.call != NULL && self.in != NULL;
}

EXPORT unsigned fail_files_count (void);

EXPORT unsigned
fail_files_count (void)
{
  return atomic_load (&count);
}

/* Does this call, on the file, fail? Sets errno then. */
static bool
strikes (const char *call, const char *path)
{
  unsigned number;

  if (!self.ready || strcmp (call, self.call) != 0
      || strncmp (path, self.in, strlen (self.in)) != 0)
    return false;
  number = atomic_fetch_add (&count, 1) + 1;
  if (self.moment == 0 || number < self.moment || (number > self.moment && !self.stays))
    return false;
  errno = self.code;
  return true;
}

static bool
strikes_fd (const char *call, int fd)
{
  char name[64], path[PATH_MAX];
  ssize_t length;
  int before = errno;

  if (!self.ready || strcmp (call, self.call) != 0)
    return false;
  snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  length = readlink (name, path, sizeof path - 1);
  errno = before;
  if (length < 0)
    return false;
  path[length] = '\0';
  return strikes (call, path);
}

static bool
strikes_at (const char *call, int folder, const char *path)
{
  return path[0] == '/' || folder == AT_FDCWD ? strikes (call, path) : strikes_fd (call, folder);
}

/* --- Opening ---------------------------------------------------------------------------------- */

static mode_t
take_mode (int flags, va_list arguments)
{
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t) va_arg (arguments, int) : 0;
}

/* Reading goes on: it is what is written that is lost. */
#define MAY_WRITE(flags) (((flags) & (O_WRONLY | O_RDWR | O_CREAT)) != 0)

#define OPEN(name)                                                                                 \
  EXPORT int name (const char *path, int flags, ...)                                               \
  {                                                                                                \
    va_list arguments;                                                                             \
    mode_t mode;                                                                                   \
                                                                                                   \
    va_start (arguments, flags);                                                                   \
    mode = take_mode (flags, arguments);                                                           \
    va_end (arguments);                                                                            \
    return MAY_WRITE (flags) && strikes ("open", path) ? -1 : REAL (name) (path, flags, mode);     \
  }

#define OPEN_AT(name)                                                                              \
  EXPORT int name (int folder, const char *path, int flags, ...)                                   \
  {                                                                                                \
    va_list arguments;                                                                             \
    mode_t mode;                                                                                   \
                                                                                                   \
    va_start (arguments, flags);                                                                   \
    mode = take_mode (flags, arguments);                                                           \
    va_end (arguments);                                                                            \
    return MAY_WRITE (flags) && strikes_at ("open", folder, path)                                  \
               ? -1                                                                                \
               : REAL (name) (folder, path, flags, mode);                                          \
  }

OPEN (open)
OPEN (open64)
OPEN_AT (openat)
OPEN_AT (openat64)

/* --- Writing ---------------------------------------------------------------------------------- */

#define WRITE(name, parameters, arguments, short_arguments)                                        \
  EXPORT ssize_t name parameters                                                                   \
  {                                                                                                \
    if (strikes_fd ("write", fd))                                                                  \
      return self.code != 0 ? -1 : REAL (name) short_arguments;                                    \
    return REAL (name) arguments;                                                                  \
  }

WRITE (write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, (size + 1) / 2))
WRITE (pwrite, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset),
       (fd, data, (size + 1) / 2, offset))
WRITE (pwrite64, (int fd, const void *data, size_t size, off64_t offset), (fd, data, size, offset),
       (fd, data, (size + 1) / 2, offset))
WRITE (copy_file_range,
       (int from, off64_t *from_at, int fd, off64_t *to_at, size_t size, unsigned flags),
       (from, from_at, fd, to_at, size, flags), (from, from_at, fd, to_at, (size + 1) / 2, flags))

/* --- What is done with a file -------------------------------------------------------------------
 */

#define CALL(kind, name, parameters, arguments, strike)                                            \
  EXPORT int name parameters                                                                       \
  {                                                                                                \
    return strike ? -1 : REAL (name) arguments;                                                    \
  }

CALL (sync, fsync, (int fd), (fd), strikes_fd ("sync", fd))
CALL (sync, fdatasync, (int fd), (fd), strikes_fd ("sync", fd))
CALL (truncate, ftruncate, (int fd, off_t size), (fd, size), strikes_fd ("truncate", fd))
CALL (truncate, ftruncate64, (int fd, off64_t size), (fd, size), strikes_fd ("truncate", fd))
CALL (rename, rename, (const char *from, const char *to), (from, to), strikes ("rename", to))
CALL (rename, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
      strikes_at ("rename", b, to))
CALL (rename, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
      (a, from, b, to, flags), strikes_at ("rename", b, to))
CALL (rename, link, (const char *from, const char *to), (from, to), strikes ("rename", to))
CALL (rename, linkat, (int a, const char *from, int b, const char *to, int flags),
      (a, from, b, to, flags), strikes_at ("rename", b, to))
CALL (unlink, unlink, (const char *path), (path), strikes ("unlink", path))
CALL (unlink, unlinkat, (int folder, const char *path, int flags), (folder, path, flags),
      strikes_at ("unlink", folder, path))
CALL (mkdir, mkdir, (const char *path, mode_t mode), (path, mode), strikes ("mkdir", path))
CALL (stat, statvfs, (const char *path, struct statvfs *about), (path, about),
      strikes ("stat", path))
CALL (stat, fstatvfs, (int fd, struct statvfs *about), (fd, about), strikes_fd ("stat", fd))
