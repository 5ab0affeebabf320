/* SPDX-License-Identifier: MIT */
#include "worker/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "worker/channel.h"

#define SPOOL_PREFIX "espalier-spool-"
#define LOCK_NAME    "lock"

/* A folder without a lock file is one that is being made right now, or whose maker died within
 * microseconds. After this long it is the latter. */
#define UNLOCKED_GRACE_SECONDS 60

/* Another worker may take a fresh folder for a stale one between mkdtemp() and flock(); it then
 * removes it and this one makes another. Twice in a row does not happen by chance. */
#define CREATE_ATTEMPTS 8

const char *
esp_spool_base (void)
{
  const char *base = getenv ("TMPDIR");
  struct stat status;

  if (base != NULL && base[0] == '/' && esp_utf8_valid (base, strlen (base))
      && stat (base, &status) == 0 && S_ISDIR (status.st_mode))
    return base;

  return "/tmp";
}

/* Removes all files in the folder that `folder` is open on, the lock last (as long as it is there,
 * nobody else takes the folder for unlocked). Spools are flat; a sub-folder stays, and with it the
 * spool. */
static void
remove_contents (int folder)
{
  int copy = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = copy >= 0 ? fdopendir (copy) : NULL;

  if (entries == NULL)
    {
      if (copy >= 0)
        close (copy);
      return;
    }

  for (struct dirent *entry = readdir (entries); entry != NULL; entry = readdir (entries))
    {
      if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0
          && strcmp (entry->d_name, LOCK_NAME) != 0)
        unlinkat (folder, entry->d_name, 0);
    }

  closedir (entries);
  unlinkat (folder, LOCK_NAME, 0);
}

/* Removes the folder `name` in `base` if its maker is dead. */
static bool
remove_if_stale (int base, const char *name)
{
  struct stat status;
  bool stale = false;
  int folder = openat (base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int lock;

  if (folder < 0)
    return false;

  if (fstat (folder, &status) != 0 || status.st_uid != geteuid ()
      || (status.st_mode & 07777) != 0700)
    {
      close (folder);
      return false;
    }

  lock = openat (folder, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (lock >= 0)
    stale = flock (lock, LOCK_EX | LOCK_NB) == 0;
  else if (errno == ENOENT)
    stale = time (NULL) - status.st_mtime > UNLOCKED_GRACE_SECONDS;

  if (stale)
    {
      remove_contents (folder);
      stale = unlinkat (base, name, AT_REMOVEDIR) == 0;
    }

  if (lock >= 0)
    close (lock);
  close (folder);

  return stale;
}

int
esp_spool_remove_stale (const char *base)
{
  int removed = 0;
  int folder = open (base != NULL ? base : esp_spool_base (), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int copy = folder >= 0 ? openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  DIR *entries = copy >= 0 ? fdopendir (copy) : NULL;

  if (entries != NULL)
    {
      for (struct dirent *entry = readdir (entries); entry != NULL; entry = readdir (entries))
        {
          if (strncmp (entry->d_name, SPOOL_PREFIX, strlen (SPOOL_PREFIX)) == 0)
            removed += remove_if_stale (folder, entry->d_name);
        }
      closedir (entries);
    }
  else if (copy >= 0)
    close (copy);

  if (folder >= 0)
    close (folder);

  return removed;
}

/* One attempt: false with errno 0 means that another worker removed the folder under our hands. */
static bool
create_once (EspSpool *spool)
{
  struct stat status;

  if (mkdtemp (spool->path) == NULL)
    return false;

  spool->folder = open (spool->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (spool->folder < 0)
    return false;

  spool->lock
      = openat (spool->folder, LOCK_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (spool->lock < 0)
    {
      if (errno == ENOENT)
        errno = 0;
      return false;
    }

  if (flock (spool->lock, LOCK_EX | LOCK_NB) != 0 || fstat (spool->lock, &status) != 0)
    {
      if (errno == EWOULDBLOCK)
        errno = 0;
      return false;
    }

  errno = 0;
  if (status.st_nlink == 0)
    return false;

  /* Nobody else has it; from now on it is enough that nobody can have it alone. */
  if (flock (spool->lock, LOCK_SH | LOCK_NB) != 0)
    {
      errno = 0;
      return false;
    }
  return true;
}

EspStatus
esp_spool_adopt (EspSpool *spool, const char *path, EspError *error)
{
  const char *name = strrchr (path, '/');
  struct stat status;
  bool fine;

  *spool = (EspSpool) ESP_SPOOL_INIT;
  fine = name != NULL && strncmp (name + 1, SPOOL_PREFIX, strlen (SPOOL_PREFIX)) == 0;
  if (fine)
    {
      spool->folder = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      fine = spool->folder >= 0 && fstat (spool->folder, &status) == 0
             && status.st_uid == geteuid () && (status.st_mode & 07777) == 0700;
    }
  if (fine)
    {
      spool->lock = openat (spool->folder, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      fine = spool->lock >= 0 && flock (spool->lock, LOCK_SH | LOCK_NB) == 0;
    }
  spool->path = fine ? strdup (path) : NULL;
  if (spool->path != NULL)
    return ESP_OK;

  if (spool->folder >= 0)
    close (spool->folder);
  if (spool->lock >= 0)
    close (spool->lock);
  *spool = (EspSpool) ESP_SPOOL_INIT;
  return fine ? esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the spool's name")
              : esp_error_set (error, ESP_ERROR_FILE,
                               "%s: this is no spool folder that could be gone on with", path);
}

EspStatus
esp_spool_create (EspSpool *spool, const char *base, EspError *error)
{
  static const char pattern[] = "/" SPOOL_PREFIX "XXXXXX";
  size_t length;
  int reason = 0;

  *spool = (EspSpool) ESP_SPOOL_INIT;
  if (base == NULL)
    base = esp_spool_base ();

  length = strlen (base);
  while (length > 1 && base[length - 1] == '/')
    length--;

  for (int attempt = 0; attempt < CREATE_ATTEMPTS; attempt++)
    {
      spool->path = malloc (length + sizeof pattern);
      if (spool->path == NULL)
        return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the spool's name");
      memcpy (spool->path, base, length);
      memcpy (spool->path + length, pattern, sizeof pattern);

      if (create_once (spool))
        return ESP_OK;

      reason = errno;
      esp_spool_destroy (spool);
      if (reason != 0)
        break;
    }

  return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot make the spool folder: %s", base,
                        reason != 0 ? strerror (reason) : "it was removed again and again");
}

char *
esp_spool_file (const EspSpool *spool, const char *name)
{
  size_t size = strlen (spool->path) + strlen (name) + 2;
  char *path = malloc (size);

  if (path != NULL)
    snprintf (path, size, "%s/%s", spool->path, name);

  return path;
}

void
esp_spool_remove_file (const EspSpool *spool, const char *name)
{
  if (spool->folder >= 0)
    unlinkat (spool->folder, name, 0);
}

void
esp_spool_destroy (EspSpool *spool)
{
  if (spool->folder >= 0)
    {
      remove_contents (spool->folder);
      rmdir (spool->path);
      close (spool->folder);
    }

  if (spool->lock >= 0)
    close (spool->lock);

  free (spool->path);
  *spool = (EspSpool) ESP_SPOOL_INIT;
}
