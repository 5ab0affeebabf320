/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "model-fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LENGTH 4096

static int
link_folder (const char *source, const char *target, int depth)
{
  DIR *folder = opendir (source);
  struct dirent *entry;
  int good = folder != NULL;

  while (good && (entry = readdir (folder)) != NULL)
    {
      char *from = NULL, *to = NULL;
      struct stat info;

      if (entry->d_name[0] == '.')
        continue;
      if (asprintf (&from, "%s/%s", source, entry->d_name) < 0
          || asprintf (&to, "%s/%s", target, entry->d_name) < 0 || stat (from, &info) != 0)
        good = 0;
      else if (S_ISDIR (info.st_mode))
        good = depth > 0 && mkdir (to, 0700) == 0 && link_folder (from, to, depth - 1);
      else
        good = symlink (from, to) == 0;
      free (from);
      free (to);
    }
  if (folder != NULL)
    closedir (folder);
  return good;
}

char *
fixture_new (const char *source)
{
  const char *scratch = getenv ("TMPDIR");
  char *absolute = realpath (source, NULL), *folder = NULL;

  if (absolute == NULL
      || asprintf (&folder, "%s/espalier-model-XXXXXX", scratch ? scratch : "/tmp") < 0
      || mkdtemp (folder) == NULL || !link_folder (absolute, folder, 1))
    {
      free (folder);
      folder = NULL;
    }
  free (absolute);
  return folder;
}

static int
remove_entry (const char *path, const struct stat *info, int flag, struct FTW *place)
{
  (void) info;
  (void) flag;
  (void) place;
  return remove (path);
}

void
fixture_free (char *folder)
{
  if (folder != NULL)
    nftw (folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free (folder);
}

static char *
read_all (const char *folder, const char *name, size_t *length)
{
  char path[PATH_LENGTH], *bytes = NULL;
  FILE *file;

  snprintf (path, sizeof path, "%s/%s", folder, name);
  file = fopen (path, "rb");
  if (file == NULL)
    return NULL;
  fseek (file, 0, SEEK_END);
  *length = (size_t) ftell (file);
  rewind (file);
  bytes = malloc (*length + 1);
  if (bytes != NULL && fread (bytes, 1, *length, file) != *length)
    {
      free (bytes);
      bytes = NULL;
    }
  else if (bytes != NULL)
    bytes[*length] = '\0';
  fclose (file);
  return bytes;
}

int
fixture_write (const char *folder, const char *name, const void *bytes, size_t length)
{
  char path[PATH_LENGTH];
  FILE *file;
  int good;

  snprintf (path, sizeof path, "%s/%s", folder, name);
  unlink (path);
  file = fopen (path, "wb");
  if (file == NULL)
    return 0;
  good = fwrite (bytes, 1, length, file) == length;
  return fclose (file) == 0 && good;
}

int
fixture_edit (const char *folder, const char *name, const char *before, const char *after)
{
  size_t length = 0, head;
  char *bytes = read_all (folder, name, &length), *place, *edited;
  int good = 0;

  if (bytes == NULL)
    return 0;
  place = strstr (bytes, before);
  edited = malloc (length + strlen (after) + 1);
  if (place != NULL && edited != NULL)
    {
      head = (size_t) (place - bytes);
      memcpy (edited, bytes, head);
      strcpy (edited + head, after);
      strcat (edited, place + strlen (before));
      good = fixture_write (folder, name, edited, strlen (edited));
    }
  free (edited);
  free (bytes);
  return good;
}

int
fixture_truncate (const char *folder, const char *name, size_t length)
{
  size_t whole = 0;
  char *bytes = read_all (folder, name, &whole);
  int good = bytes != NULL && length <= whole && fixture_write (folder, name, bytes, length);

  free (bytes);
  return good;
}

int
fixture_poison (const char *folder, const char *name, const char *tensor, unsigned short bits)
{
  size_t length = 0;
  char *bytes = read_all (folder, name, &length), quoted[512], *place;
  uint64_t header = 0;
  size_t begin;
  int good = 0;

  if (bytes == NULL || length < 8)
    {
      free (bytes);
      return 0;
    }
  memcpy (&header, bytes, sizeof header);
  snprintf (quoted, sizeof quoted, "\"%s\"", tensor);
  place = memmem (bytes + 8, header, quoted, strlen (quoted));
  place = place != NULL ? strstr (place, "\"data_offsets\":[") : NULL;
  if (place != NULL)
    {
      begin = 8 + header + strtoul (place + strlen ("\"data_offsets\":["), NULL, 10) + 10;
      memcpy (bytes + begin, &bits, sizeof bits);
      good = fixture_write (folder, name, bytes, length);
    }
  free (bytes);
  return good;
}

int
fixture_remove (const char *folder, const char *name)
{
  char path[PATH_LENGTH];

  snprintf (path, sizeof path, "%s/%s", folder, name);
  return unlink (path) == 0;
}
