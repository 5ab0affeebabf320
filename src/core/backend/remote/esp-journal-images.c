/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-journal-images.c: what a turn was paid for, beside its record until its caller has stored it.
 *
 * UUID-N.image, as it came; the record has the hash. The file is whole or is not there: written
 * beside, to the disk, then renamed.
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-journal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

/* "01234567-89ab-cdef-0123-456789abcdef" */
#define ID_LENGTH 36

/* Whatever has no record for so long has none coming. */
#define OLD (60 * 60) /* s */

static char *
dup_image_path (EspRecord *record, guint index)
{
  g_autofree char *suffix = g_strdup_printf ("-%u.image", index);

  return _esp_journal_dup_path (esp_record_get_id (record), suffix);
}

gboolean
esp_record_store_image (EspRecord *record, guint index, GBytes *bytes, char **sha256,
                        GError **error)
{
  g_autofree char *path = dup_image_path (record, index);
  g_autofree char *temporary = g_strconcat (path, ".new", NULL);
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  if (!_esp_journal_write_file (temporary, path, data, length, TRUE, error))
    return FALSE;
  *sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  return TRUE;
}

GBytes *
esp_record_load_image (EspRecord *record, guint index, const char *sha256, GError **error)
{
  g_autofree char *path = dup_image_path (record, index);
  g_autofree char *found = NULL;
  g_autoptr (GBytes) bytes = NULL;
  char *data;
  gsize length;

  if (!g_file_get_contents (path, &data, &length, error))
    return NULL;
  bytes = g_bytes_new_take (data, length);
  found = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  if (length == 0 || g_strcmp0 (found, sha256) != 0)
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("“%s”, the image of a turn with a provider, is damaged."), shown);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

gboolean
esp_record_has_image (EspRecord *record, guint index)
{
  g_autofree char *path = dup_image_path (record, index);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

/* --- Nothing else stays ----------------------------------------------------------------------- */

/* Is it the name of a file of ours: a record, its lock, an image, something begun? */
static gboolean
is_ours (const char *name)
{
  const char *rest = name + ID_LENGTH;
  char *end;

  if (strlen (name) <= ID_LENGTH)
    return FALSE;
  if (g_str_equal (rest, ".json") || g_str_equal (rest, ".lock") || g_str_equal (rest, ".json.new"))
    return TRUE;
  if (rest[0] != '-' || !g_ascii_isdigit (rest[1]))
    return FALSE;
  (void) g_ascii_strtoull (rest + 1, &end, 10);
  return g_str_equal (end, ".image") || g_str_equal (end, ".image.new");
}

void
_esp_journal_remove_images (const char *id)
{
  g_autofree char *folder = _esp_journal_dup_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = NULL;

      if (!g_str_has_prefix (name, id) || !is_ours (name)
          || !(g_str_has_suffix (name, ".image") || g_str_has_suffix (name, ".image.new")))
        continue;
      path = g_build_filename (folder, name, NULL);
      if (g_unlink (path) != 0 && errno != ENOENT)
        g_message ("%s: %s", name, g_strerror (errno));
    }
}

/* An empty one is none: begun before the power failed. */
static gboolean
has_record (const char *id)
{
  g_autofree char *path = _esp_journal_dup_path (id, ".json");
  GStatBuf info;

  return g_stat (path, &info) == 0 && info.st_size > 0;
}

static gboolean
is_old (const char *path)
{
  GStatBuf info;

  return g_lstat (path, &info) == 0 && S_ISREG (info.st_mode)
         && info.st_mtime < g_get_real_time () / G_USEC_PER_SEC - OLD;
}

/* Nobody works on it, and nobody begins to while this is asked: a lock that is gone when it was
 * got is taken anew (take_lock ()). */
static void
remove_orphan (const char *id, const char *path)
{
  g_autofree char *lock = _esp_journal_dup_path (id, ".lock");
  int fd = g_open (lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
  gboolean is_free = fd < 0 ? errno == ENOENT : flock (fd, LOCK_EX | LOCK_NB) == 0;

  if (is_free && !has_record (id) && is_old (path))
    g_unlink (path);
  if (fd >= 0)
    close (fd);
}

void
_esp_journal_remove_orphan (const char *name)
{
  g_autofree char *folder = _esp_journal_dup_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *id = g_strndup (name, ID_LENGTH);

  if (g_uuid_string_is_valid (id) && is_ours (name) && is_old (path) && !has_record (id))
    remove_orphan (id, path);
}
