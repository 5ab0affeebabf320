/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-worker"

#include "esp-worker-trust.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-json-member.h"
#include "esp-spool-folder.h"

gboolean
_esp_worker_trust_spool (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  struct stat status;

  return g_path_is_absolute (path) && g_str_has_prefix (name, ESP_SPOOL_PREFIX)
         && lstat (path, &status) == 0 && S_ISDIR (status.st_mode) && status.st_uid == geteuid ()
         && (status.st_mode & 07777) == 0700;
}

static gboolean
is_in_folder (const char *path, const char *folder)
{
  struct stat status;
  const char *name;

  if (path == NULL)
    return TRUE;
  if (folder == NULL || !g_str_has_prefix (path, folder) || path[strlen (folder)] != '/')
    return FALSE;
  name = path + strlen (folder) + 1;
  if (*name == '\0' || *name == '.' || strchr (name, '/') != NULL)
    return FALSE;
  /* A link there leads wherever the worker wanted it to. */
  return lstat (path, &status) != 0 || S_ISREG (status.st_mode);
}

gboolean
_esp_worker_trust_event (JsonObject *event, const char *spool)
{
  const char *type = esp_json_get_string (event, "type");

  if (g_strcmp0 (type, "result") != 0 && g_strcmp0 (type, "preview") != 0)
    return TRUE;
  return is_in_folder (esp_json_get_string (event, "path"), spool)
         && is_in_folder (esp_json_get_string (event, "latents"), spool);
}
