/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-file.c: see esp-document-file.h. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-document-file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-document.h"

#define APPLICATION_ID_AT 68 /* in the file: docs/file-format.md */

gboolean
esp_document_file_is_one (GFile *file)
{
  static const char sign[] = "SQLite format 3";
  g_autofree char *name = g_file_get_basename (file);
  char bytes[APPLICATION_ID_AT + 4];
  guint32 number;
  gssize size;
  int fd;

  if (name != NULL && g_str_has_suffix (name, ".espalier"))
    return TRUE;
  if (g_file_peek_path (file) == NULL || !g_file_is_native (file))
    return FALSE;
  /* Whatever it is: nobody is waited for. */
  fd = open (g_file_peek_path (file), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  size = read (fd, bytes, sizeof bytes);
  close (fd);
  if (size != sizeof bytes || memcmp (bytes, sign, sizeof sign) != 0)
    return FALSE;
  memcpy (&number, bytes + APPLICATION_ID_AT, sizeof number);
  return GUINT32_FROM_BE (number) == ESP_DOCUMENT_APPLICATION_ID;
}

gboolean
esp_document_file_is_same (GFile *a, GFile *b)
{
  const char *path_a = g_file_peek_path (a);
  const char *path_b = g_file_peek_path (b);
  g_autofree char *name_a = NULL;
  g_autofree char *name_b = NULL;
  struct stat status_a, status_b;

  if (g_file_equal (a, b))
    return TRUE;
  if (path_a == NULL || path_b == NULL)
    return FALSE;
  /* A document has one name; another hard link is another document. */
  name_a = g_path_get_basename (path_a);
  name_b = g_path_get_basename (path_b);
  return stat (path_a, &status_a) == 0 && stat (path_b, &status_b) == 0
         && status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino
         && (status_a.st_nlink == 1 || g_str_equal (name_a, name_b));
}
