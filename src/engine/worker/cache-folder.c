/* SPDX-License-Identifier: MIT */
#include "worker/cache-folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "espalier-engine.h"
#include "files/json-file.h"
#include "worker/channel.h"

static uint64_t
read_limit (void)
{
  const char *text = getenv ("ESPALIER_CACHE_LIMIT");
  char *end = NULL;
  unsigned long long megabytes;

  if (text == NULL || text[0] < '0' || text[0] > '9')
    return ESP_DISK_CACHE_BYTES;
  errno = 0;
  megabytes = strtoull (text, &end, 10);
  if (errno != 0 || *end != '\0' || megabytes > UINT64_MAX >> 20)
    return ESP_DISK_CACHE_BYTES;
  return (uint64_t) megabytes << 20;
}

char *
esp_cache_folder (uint64_t *limit)
{
  const char *own = getenv ("ESPALIER_CACHE_DIR");
  const char *cache = getenv ("XDG_CACHE_HOME"), *home = getenv ("HOME");

  *limit = read_limit ();
  if (own != NULL)
    return own[0] != '\0' ? strdup (own) : NULL;
  /* The XDG base directory specification: a path that is not absolute is to be ignored. */
  if (cache != NULL && cache[0] == '/')
    return esp_path_join (cache, "espalier/engine");
  return home != NULL && home[0] == '/' ? esp_path_join (home, ".cache/espalier/engine") : NULL;
}

json_t *
esp_cache_json (bool clear)
{
  uint64_t limit, bytes = 0;
  int files = 0;
  char *folder = esp_cache_folder (&limit);
  json_t *object;

  if (folder != NULL && clear)
    esp_disk_cache_clear (folder, &bytes, &files);
  else if (folder != NULL)
    esp_disk_cache_measure (folder, &bytes, &files);
  object = json_pack ("{s:o, s:I, s:I, s:i}", "folder",
                      folder != NULL ? esp_json_text (folder) : json_null (), "limit",
                      (json_int_t) limit, "bytes", (json_int_t) bytes, "files", files);
  free (folder);
  return object;
}
