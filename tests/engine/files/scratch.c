/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256];

static void
give_up (const char *what)
{
  perror (what);
  exit (99);
}

const char *
scratch_open (void)
{
  const char *base = getenv ("TMPDIR");

  snprintf (folder, sizeof folder, "%s/espalier-test-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp (folder) == NULL)
    give_up (folder);
  return folder;
}

static void
remove_tree (const char *path, int depth)
{
  DIR *directory = opendir (path);
  struct dirent *entry;

  while (directory != NULL && (entry = readdir (directory)) != NULL)
    {
      char child[600];

      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
        continue;
      snprintf (child, sizeof child, "%s/%s", path, entry->d_name);
      if (unlink (child) != 0 && depth > 0)
        remove_tree (child, depth - 1);
    }
  if (directory != NULL)
    closedir (directory);
  rmdir (path);
}

void
scratch_close (void)
{
  remove_tree (folder, 2);
}

const char *
scratch_path (const char *name)
{
  static char paths[8][600];
  static unsigned next;
  char *path = paths[next++ % 8];

  snprintf (path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

const char *
scratch_write (const char *name, const void *bytes, size_t length)
{
  const char *path = scratch_path (name);
  FILE *file = fopen (path, "wb");

  if (file == NULL || fwrite (bytes, 1, length, file) != length || fclose (file) != 0)
    give_up (path);
  return path;
}

const char *
scratch_write_text (const char *name, const char *text)
{
  return scratch_write (name, text, strlen (text));
}

const char *
scratch_write_safetensors (const char *name, const char *header, size_t data_bytes)
{
  size_t length = strlen (header), size = 8 + length + data_bytes;
  unsigned char *bytes = malloc (size);
  const char *path;

  if (bytes == NULL)
    give_up (name);
  for (size_t i = 0; i < 8; i++)
    bytes[i] = (unsigned char) (length >> (8 * i));
  memcpy (bytes + 8, header, length);
  for (size_t i = 0; i < data_bytes; i++)
    bytes[8 + length + i] = (unsigned char) i;
  path = scratch_write (name, bytes, size);
  free (bytes);
  return path;
}

int
scratch_count_files (void)
{
  DIR *directory = opendir (folder);
  int count = -2; /* "." and ".." */

  if (directory == NULL)
    give_up (folder);
  while (readdir (directory) != NULL)
    count++;
  closedir (directory);
  return count;
}
