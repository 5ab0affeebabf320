/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-spool-folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
_esp_spool_folder_remove (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  struct stat status;
  DIR *entries;
  int folder;

  if (!g_str_has_prefix (name, ESP_SPOOL_PREFIX))
    return;

  folder = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0)
    return;

  entries = fdopendir (folder);
  if (entries == NULL)
    {
      close (folder);
      return;
    }

  if (fstat (folder, &status) == 0 && status.st_uid == geteuid ()
      && (status.st_mode & 07777) == 0700)
    {
      for (struct dirent *entry = readdir (entries); entry != NULL; entry = readdir (entries))
        {
          if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
            unlinkat (folder, entry->d_name, 0);
        }
      rmdir (path);
    }

  closedir (entries);
}
