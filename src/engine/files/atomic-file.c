/* SPDX-License-Identifier: MIT */
#include "files/atomic-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Opens FOLDER/.NAME.N.part for a new N. mkstemp() would ignore the umask. */
static EspStatus
open_temporary (EspAtomicFile *file, EspError *error)
{
  static atomic_uint serial;
  const char *slash = strrchr (file->path, '/');
  int folder_length = slash != NULL ? (int) (slash + 1 - file->path) : 0;
  /* A name may have 255 bytes: leave room for what is added. */
  int name_length = (int) strnlen (file->path + folder_length, 200);
  size_t size = (size_t) folder_length + (size_t) name_length + 64;

  file->temporary = malloc (size);
  if (file->temporary == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to write it", file->path);

  for (int attempt = 0; attempt < 100; attempt++)
    {
      snprintf (file->temporary, size, "%.*s.%.*s.%lx-%x-%lx.part", folder_length, file->path,
                name_length, file->path + folder_length, (long) getpid (),
                atomic_fetch_add (&serial, 1), (long) time (NULL) + attempt);
      file->descriptor
          = open (file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
      if (file->descriptor >= 0)
        return ESP_OK;
      if (errno != EEXIST)
        break;
    }
  esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: %m", file->path);
  free (file->temporary);
  file->temporary = NULL;
  return ESP_ERROR_FILE;
}

EspStatus
esp_atomic_file_open (const char *path, EspAtomicFile *file, EspError *error)
{
  struct stat about;
  bool exists;
  EspStatus status;

  file->descriptor = -1;
  file->temporary = NULL;
  file->path = NULL;
  file->durable = true;

  exists = stat (path, &about) == 0;
  if (exists && !S_ISREG (about.st_mode))
    return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: it is a %s", path,
                          S_ISDIR (about.st_mode) ? "folder" : "device or pipe, not a file");
  file->path = exists ? realpath (path, NULL) : strdup (path);
  if (file->path == NULL)
    return esp_error_set (error, errno == ENOMEM ? ESP_ERROR_MEMORY : ESP_ERROR_FILE,
                          "%s: cannot be written: %m", path);
  /* The folder may allow a replacement of what its owner made read-only: don't. */
  if (exists && access (file->path, W_OK) != 0)
    return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: %m", path);

  status = open_temporary (file, error);
  if (status == ESP_OK && exists && fchmod (file->descriptor, about.st_mode & 0777) != 0)
    status = esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: %m", path);
  return status;
}

EspStatus
esp_atomic_file_write (EspAtomicFile *file, const void *bytes, size_t length, EspError *error)
{
  const char *from = bytes;

  while (length > 0)
    {
      ssize_t done = write (file->descriptor, from, length);

      if (done < 0 && errno == EINTR)
        continue;
      if (done < 0)
        return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: %m", file->path);
      from += done;
      length -= (size_t) done;
    }
  return ESP_OK;
}

/* A rename is durable once its folder is. Some file systems refuse; the data is safe anyway. */
static void
sync_folder (const char *path)
{
  const char *slash = strrchr (path, '/');
  char *folder = slash != NULL ? strndup (path, (size_t) (slash + 1 - path)) : strdup (".");
  int fd = folder != NULL ? open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

  if (fd >= 0)
    {
      fsync (fd);
      close (fd);
    }
  free (folder);
}

EspStatus
esp_atomic_file_finish (EspAtomicFile *file, EspStatus status, EspError *error)
{
  if (file->temporary != NULL)
    {
      if (status == ESP_OK && file->durable && fsync (file->descriptor) != 0)
        status = esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: %m", file->path);
      if (close (file->descriptor) != 0 && status == ESP_OK)
        status = esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be written: %m", file->path);
      if (status == ESP_OK && rename (file->temporary, file->path) != 0)
        status = esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be replaced: %m", file->path);
      if (status != ESP_OK)
        unlink (file->temporary);
      else if (file->durable)
        sync_folder (file->path);
    }
  free (file->temporary);
  free (file->path);
  file->temporary = NULL;
  file->path = NULL;
  file->descriptor = -1;
  return status;
}
