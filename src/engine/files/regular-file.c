/* SPDX-License-Identifier: MIT */
#include "files/regular-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

EspStatus
esp_regular_file_open (const char *path, int *descriptor, uint64_t *size, EspError *error)
{
  struct stat about;
  int fd;

  /* O_NONBLOCK: opening a named pipe without a writer would otherwise wait for one. It means
   * nothing to a regular file. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be opened: %m", path);

  if (fstat (fd, &about) != 0)
    {
      esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be examined: %m", path);
      close (fd);
      return ESP_ERROR_FILE;
    }
  if (!S_ISREG (about.st_mode))
    {
      close (fd);
      return esp_error_set (error, ESP_ERROR_FILE, "%s: expected a file, found a %s", path,
                            S_ISDIR (about.st_mode)    ? "folder"
                            : S_ISFIFO (about.st_mode) ? "pipe"
                                                       : "device");
    }

  *descriptor = fd;
  *size = (uint64_t) about.st_size;
  return ESP_OK;
}

EspStatus
esp_regular_file_read_at (int descriptor, const char *path, uint64_t offset, void *buffer,
                          size_t length, EspError *error)
{
  char *to = buffer;

  while (length > 0)
    {
      ssize_t got = pread (descriptor, to, length, (off_t) offset);

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return esp_error_set (error, ESP_ERROR_FILE, "%s: cannot be read: %m", path);
      if (got == 0)
        return esp_error_set (error, ESP_ERROR_FORMAT, "%s: is cut short at byte %llu", path,
                              (unsigned long long) offset);
      to += got;
      length -= (size_t) got;
      offset += (uint64_t) got;
    }
  return ESP_OK;
}

EspStatus
esp_regular_file_read (const char *path, size_t max_bytes, char **bytes, size_t *length,
                       EspError *error)
{
  char *buffer;
  uint64_t size = 0;
  int fd = -1;
  EspStatus status;

  status = esp_regular_file_open (path, &fd, &size, error);
  if (status != ESP_OK)
    return status;
  if (size > max_bytes)
    {
      close (fd);
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: has %llu bytes, expected at most %zu here", path,
                            (unsigned long long) size, max_bytes);
    }
  buffer = malloc ((size_t) size + 1);
  if (buffer == NULL)
    {
      close (fd);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for its %llu bytes", path,
                            (unsigned long long) size);
    }

  status = esp_regular_file_read_at (fd, path, 0, buffer, (size_t) size, error);
  close (fd);

  if (status != ESP_OK)
    {
      free (buffer);
      return status;
    }
  buffer[size] = '\0';
  *bytes = buffer;
  *length = (size_t) size;
  return ESP_OK;
}
