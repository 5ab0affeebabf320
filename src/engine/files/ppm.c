/* SPDX-License-Identifier: MIT */
#include "files/ppm.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files/atomic-file.h"
#include "files/regular-file.h"

#define HEADER_MAX 4096

typedef struct
{
  const char *path;
  char bytes[HEADER_MAX];
  size_t length; /* of what was read */
  size_t at;
} Header;

static bool
is_space (char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* White space and comments, which run from '#' to the end of the line. */
static void
skip_space (Header *header)
{
  bool comment = false;

  for (; header->at < header->length; header->at++)
    {
      char c = header->bytes[header->at];

      if (c == '#')
        comment = true;
      else if (comment)
        comment = c != '\n' && c != '\r';
      else if (!is_space (c))
        break;
    }
}

static EspStatus
read_number (Header *header, const char *what, int *value, EspError *error)
{
  int64_t number = 0;
  size_t begin;

  skip_space (header);
  begin = header->at;
  for (; header->at < header->length; header->at++)
    {
      char c = header->bytes[header->at];

      if (c < '0' || c > '9')
        break;
      number = number * 10 + (c - '0');
      if (number > INT_MAX)
        return esp_error_set (error, ESP_ERROR_FORMAT, "%s: its %s is too large for any PPM file",
                              header->path, what);
    }
  if (header->at == begin || header->at == header->length)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: is no PPM file or cut short: expected its %s at byte %zu",
                          header->path, what, begin);
  *value = (int) number;
  return ESP_OK;
}

/* Leaves header->at at the first byte of the pixels. */
static EspStatus
read_header (Header *header, int64_t max_pixels, int *width, int *height, EspError *error)
{
  const char *magic = header->bytes;
  int maximum = 0;
  EspStatus status;

  if (header->length < 3 || magic[0] != 'P' || magic[1] < '1' || magic[1] > '7')
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: is no PPM file: expected \"P6\"",
                          header->path);
  if (magic[1] != '6')
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: expected a binary PPM file (P6), found P%c", header->path, magic[1]);
  header->at = 2;
  if (!is_space (magic[2]) && magic[2] != '#')
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: is no PPM file: expected \"P6\" and a space", header->path);

  status = read_number (header, "width", width, error);
  if (status == ESP_OK)
    status = read_number (header, "height", height, error);
  if (status == ESP_OK)
    status = read_number (header, "maximum", &maximum, error);
  if (status != ESP_OK)
    return status;
  if (maximum != 255)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "%s: expected the maximum 255, found %d",
                          header->path, maximum);
  if (!is_space (header->bytes[header->at]))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: expected white space after the maximum",
                          header->path);
  header->at++;

  if (*width == 0 || *height == 0)
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: is empty: %d × %d pixels", header->path,
                          *width, *height);
  if ((int64_t) *width * *height > max_pixels)
    return esp_error_set (error, ESP_ERROR_MEMORY,
                          "%s: has %d × %d pixels, expected at most %lld in all", header->path,
                          *width, *height, (long long) max_pixels);
  return ESP_OK;
}

static EspStatus
read_pixels (const Header *header, int fd, uint64_t file_size, EspImage *image, EspError *error)
{
  const int64_t pixels = (int64_t) image->width * image->height;
  int64_t bytes;
  uint8_t *buffer;
  EspStatus status;

  if (__builtin_mul_overflow (pixels, 3, &bytes) || (uint64_t) bytes > file_size - header->at)
    return esp_error_set (
        error, ESP_ERROR_FORMAT, "%s: is cut short: %d × %d pixels need more than its %llu bytes",
        header->path, image->width, image->height, (unsigned long long) file_size);
  buffer = malloc ((size_t) bytes);
  if (buffer == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory for %d × %d pixels", header->path,
                          image->width, image->height);
  status = esp_regular_file_read_at (fd, header->path, header->at, buffer, (size_t) bytes, error);
  if (status != ESP_OK)
    free (buffer);
  else
    image->pixels = buffer;
  return status;
}

EspStatus
esp_ppm_read (const char *path, int64_t max_pixels, EspImage *image, EspError *error)
{
  Header header = { .path = path };
  EspImage result = { 0 };
  uint64_t size;
  int fd;
  EspStatus status;

  *image = result;
  status = esp_regular_file_open (path, &fd, &size, error);
  if (status != ESP_OK)
    return status;
  header.length = size < HEADER_MAX ? (size_t) size : HEADER_MAX;
  status = esp_regular_file_read_at (fd, path, 0, header.bytes, header.length, error);
  if (status == ESP_OK)
    status = read_header (&header, max_pixels, &result.width, &result.height, error);
  if (status == ESP_OK)
    status = read_pixels (&header, fd, size, &result, error);
  close (fd);
  if (status == ESP_OK)
    *image = result;
  return status;
}

EspStatus
esp_ppm_write (const char *path, const EspImage *image, EspError *error)
{
  EspAtomicFile file;
  char header[64];
  int length;
  EspStatus status;

  if (image->width <= 0 || image->height <= 0 || image->pixels == NULL)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "%s: no picture of %d × %d pixels can be written", path, image->width,
                          image->height);
  length = snprintf (header, sizeof header, "P6\n%d %d\n255\n", image->width, image->height);

  status = esp_atomic_file_open (path, &file, error);
  file.durable = false;
  if (status == ESP_OK)
    status = esp_atomic_file_write (&file, header, (size_t) length, error);
  if (status == ESP_OK)
    status = esp_atomic_file_write (&file, image->pixels,
                                    (size_t) image->width * (size_t) image->height * 3, error);
  return esp_atomic_file_finish (&file, status, error);
}
