/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-facts.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "esp-json-member.h"

/* Of a file of 24 GB the beginning (names and shapes), the end, and samples between are read: that
 * tells models apart within a moment, and notices all but small changes. */
#define SAMPLE    ((gsize) 64 << 10)
#define N_SAMPLES 16
#define MAX_DEPTH 8
#define MAX_FILES 4096

typedef struct
{
  GChecksum *sum;
  guint64 bytes;
  guint files;
} Look;

static gboolean
read_samples (Look *look, const char *path, guint64 size)
{
  g_autofree guint8 *bytes = g_malloc (SAMPLE);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  guint64 before = G_MAXUINT64;
  gboolean good = fd >= 0;

  for (guint i = 0; i <= N_SAMPLES && good && size > 0; i++)
    {
      guint64 last = size > SAMPLE ? size - SAMPLE : 0;
      guint64 at = last / N_SAMPLES * i + last % N_SAMPLES * i / N_SAMPLES;
      gssize got = at != before ? pread (fd, bytes, SAMPLE, (off_t) at) : 0;

      good = got >= 0;
      if (got > 0)
        g_checksum_update (look->sum, bytes, got);
      before = at;
    }
  if (fd >= 0)
    close (fd);

  return good;
}

static gboolean look_at (Look *look, const char *path, const char *name, guint depth);

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
look_into (Look *look, const char *path, const char *name, guint depth)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *entry;
  gboolean good = dir != NULL;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    if (entry[0] != '.')
      g_ptr_array_add (names, g_strdup (entry));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len && good; i++)
    {
      g_autofree char *child = g_build_filename (path, names->pdata[i], NULL);
      g_autofree char *below = g_build_filename (name, names->pdata[i], NULL);

      good = look_at (look, child, below, depth + 1);
    }

  return good;
}

/* The name counts in folders only, from there: files may be called something else. */
static gboolean
look_at (Look *look, const char *path, const char *name, guint depth)
{
  g_autofree char *label = NULL;
  GStatBuf info;

  if (depth > MAX_DEPTH || g_stat (path, &info) != 0)
    return depth > 0; /* a link that leads nowhere */
  if (S_ISDIR (info.st_mode))
    return look_into (look, path, name, depth);
  if (!S_ISREG (info.st_mode))
    return depth > 0;
  if (++look->files > MAX_FILES)
    return FALSE;

  label = g_strdup_printf ("%s\n%" G_GUINT64_FORMAT "\n", name, (guint64) info.st_size);
  g_checksum_update (look->sum, (const guchar *) label, -1);
  look->bytes += (guint64) info.st_size;
  return read_samples (look, path, (guint64) info.st_size);
}

JsonObject *
_esp_model_facts_new (const char *path, const char *format)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  Look look = { sum, 0, 0 };
  JsonObject *facts;

  if (!look_at (&look, path, "", 0))
    return NULL;

  facts = json_object_new ();
  json_object_set_int_member (facts, "bytes", (gint64) look.bytes);
  json_object_set_string_member (facts, "fingerprint", g_checksum_get_string (sum));
  if (format != NULL)
    json_object_set_string_member (facts, "format", format);
  return facts;
}

JsonObject *
_esp_model_facts_of (JsonObject *components, const char *folder)
{
  JsonObject *all = json_object_new ();
  JsonObjectIter iter;
  const char *component;
  JsonNode *node;

  json_object_iter_init (&iter, components);
  while (json_object_iter_next (&iter, &component, &node))
    {
      const char *named = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
      g_autofree char *path = named != NULL ? g_canonicalize_filename (named, folder) : NULL;
      JsonObject *facts = path != NULL ? _esp_model_facts_new (path, NULL) : NULL;

      if (facts != NULL)
        json_object_set_object_member (all, component, facts);
    }

  return all;
}

EspModelFactsMatch
_esp_model_facts_compare (JsonObject *before, JsonObject *now)
{
  double was = before != NULL ? esp_json_get_number (before, "bytes", -1) : -1;
  const char *print = before != NULL ? esp_json_get_string (before, "fingerprint") : NULL;

  if (was < 0 || print == NULL || now == NULL)
    return ESP_MODEL_FACTS_UNKNOWN;
  if (was != esp_json_get_number (now, "bytes", -1))
    return ESP_MODEL_FACTS_SIZE;
  return g_strcmp0 (print, esp_json_get_string (now, "fingerprint")) == 0
             ? ESP_MODEL_FACTS_SAME
             : ESP_MODEL_FACTS_CONTENTS;
}
