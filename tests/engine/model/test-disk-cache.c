/* SPDX-License-Identifier: MIT */
/* What is kept from one process to the next: files that are right or are not used, in a folder that
 * may be anything; and edits that give the same bytes with and without. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "espalier-engine.h"
#include "model/model.h"

#define SIDE 64

static char folder[64], inner[96];

static void
remove_all (const char *path)
{
  DIR *entries = opendir (path);

  for (struct dirent *entry = entries != NULL ? readdir (entries) : NULL; entry != NULL;
       entry = readdir (entries))
    {
      char name[512];

      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
        continue;
      snprintf (name, sizeof name, "%s/%s", path, entry->d_name);
      if (unlink (name) != 0)
        remove_all (name);
    }
  if (entries != NULL)
    closedir (entries);
  rmdir (path);
}

static const char *
digest_of (int number)
{
  static char digest[ESP_SHA256_HEX_SIZE];

  snprintf (digest, sizeof digest, "%064x", number);
  return digest;
}

static void
path_of (int number, char path[256])
{
  snprintf (path, 256, "%s/%s.work", inner, digest_of (number));
}

static int
files_in (const EspDiskCache *cache)
{
  uint64_t bytes;
  int files;

  esp_disk_cache_measure (cache->folder, &bytes, &files);
  return files;
}

static bool
keeps (const EspDiskCache *cache, int number, const char *text)
{
  char found[64] = "";
  const EspDiskPiece pieces[] = { { found, 4 }, { found + 4, strlen (text) - 4 } };

  return esp_disk_cache_read (cache, digest_of (number), pieces, 2) && strcmp (found, text) == 0;
}

static void
keep (const EspDiskCache *cache, int number, const char *text)
{
  char copy[64];
  const EspDiskPiece pieces[] = { { copy, 1 }, { copy + 1, strlen (text) - 1 } };

  snprintf (copy, sizeof copy, "%s", text);
  esp_disk_cache_write (cache, digest_of (number), pieces, 2);
}

static void
what_was_kept_is_found (void)
{
  EspDiskCache cache = { inner, 1 << 20 }, none = { NULL, 1 << 20 };
  struct stat is;

  CHECK (!keeps (&cache, 1, "words"));
  keep (&cache, 1, "words");
  keep (&cache, 2, "others");
  keep (&none, 3, "nowhere");
  CHECK (keeps (&cache, 1, "words") && keeps (&cache, 2, "others"));
  CHECK (!keeps (&none, 3, "nowhere") && files_in (&cache) == 2);
  CHECK (stat (inner, &is) == 0 && (is.st_mode & 0777) == 0700);
  keep (&cache, 1, "new words");
  CHECK (keeps (&cache, 1, "new words") && files_in (&cache) == 2);
  /* One of another size is none. */
  CHECK (!keeps (&cache, 2, "other"));
  CHECK (files_in (&cache) == 1);
}

/* Whatever a file holds, it is used as it was written or not at all. */
static void
damaged_files_are_removed (void)
{
  EspDiskCache cache = { inner, 1 << 20 };
  char path[256];
  struct stat is;
  off_t size;

  keep (&cache, 7, "twelve bytes");
  path_of (7, path);
  CHECK (stat (path, &is) == 0);
  size = is.st_size;
  for (off_t at = 0; at <= size; at++)
    {
      char byte;
      int file;

      keep (&cache, 7, "twelve bytes");
      file = open (path, O_RDWR);
      if (at == size)
        CHECK (pwrite (file, "x", 1, at) == 1);
      else
        {
          CHECK (pread (file, &byte, 1, at) == 1);
          byte = (char) (byte ^ 0x10);
          CHECK (pwrite (file, &byte, 1, at) == 1);
        }
      close (file);
      /* Seven bytes of the header are padding. */
      if (keeps (&cache, 7, "twelve bytes"))
        CHECK (at >= 89 && at < 96);
      else
        CHECK (access (path, F_OK) != 0);
    }
  for (off_t length = 0; length < size; length += 9)
    {
      keep (&cache, 7, "twelve bytes");
      CHECK (truncate (path, length) == 0);
      CHECK (!keeps (&cache, 7, "twelve bytes") && access (path, F_OK) != 0);
    }
  /* A link elsewhere is no entry, and what it points to stays. */
  CHECK (symlink ("/dev/zero", path) == 0);
  CHECK (!keeps (&cache, 7, "twelve bytes") && lstat (path, &is) != 0);
  /* Nor is a pipe, which must not be waited for. */
  CHECK (mkfifo (path, 0600) == 0);
  CHECK (!keeps (&cache, 7, "twelve bytes"));
  unlink (path);
}

static void
the_oldest_go_first (void)
{
  EspDiskCache cache = { inner, 10000 };
  char text[64], path[256];
  uint64_t bytes;
  int files;

  esp_disk_cache_clear (inner, &bytes, &files);
  for (int i = 0; i < 8; i++)
    {
      snprintf (text, sizeof text, "entry number %d", i);
      keep (&cache, i, text);
      path_of (i, path);
      utimensat (AT_FDCWD, path, (struct timespec[]){ { 1000 + i, 0 }, { 1000 + i, 0 } }, 0);
    }
  CHECK (files_in (&cache) == 8);
  /* It is used again. */
  CHECK (keeps (&cache, 0, "entry number 0"));
  esp_disk_cache_measure (inner, &bytes, &files);
  cache.limit = bytes / 8 * 4;
  keep (&cache, 8, "entry number 8");
  CHECK (files_in (&cache) == 4);
  CHECK (keeps (&cache, 0, "entry number 0") && keeps (&cache, 7, "entry number 7"));
  CHECK (keeps (&cache, 8, "entry number 8") && !keeps (&cache, 5, "entry number 5"));
  /* What is larger than all is not kept, and drives nothing out. */
  cache.limit = 20;
  keep (&cache, 9, "entry number 9");
  CHECK (files_in (&cache) == 4);

  /* Others' files stay, whatever happens; what a killed process left does not. */
  snprintf (path, sizeof path, "%s/notes.txt", inner);
  close (open (path, O_CREAT | O_WRONLY, 0600));
  snprintf (path, sizeof path, "%s/.%s.work.1-2-3.part", inner, digest_of (3));
  close (open (path, O_CREAT | O_WRONLY, 0600));
  utimensat (AT_FDCWD, path, (struct timespec[]){ { 1000, 0 }, { 1000, 0 } }, 0);
  esp_disk_cache_clear (inner, &bytes, &files);
  CHECK (files == 4 && files_in (&cache) == 0 && access (path, F_OK) != 0);
  snprintf (path, sizeof path, "%s/notes.txt", inner);
  CHECK (access (path, F_OK) == 0);
}

/* Nothing of it is an error. */
static void
impossible_folders_keep_nothing (void)
{
  static const char *const impossible[]
      = { "/dev/null/folder", "/proc/espalier", "/nonexistent-\xff/x", "" };
  char file[96];

  snprintf (file, sizeof file, "%s/plain", folder);
  close (open (file, O_CREAT | O_WRONLY, 0600));
  for (size_t i = 0; i <= sizeof impossible / sizeof *impossible; i++)
    {
      bool last = i == sizeof impossible / sizeof *impossible;
      EspDiskCache cache = { (char *) (last ? file : impossible[i]), 1 << 20 };
      uint64_t bytes;
      int files;

      if (!last && i == 2 && geteuid () == 0)
        continue; /* root may make folders anywhere */
      keep (&cache, 1, "words");
      CHECK (!keeps (&cache, 1, "words"));
      esp_disk_cache_clear (cache.folder, &bytes, &files);
      CHECK (bytes == 0 && files == 0);
    }
  CHECK (access (file, F_OK) == 0);
}

static void
what_cannot_be_written_is_not_kept (void)
{
  static char large[1 << 20];
  EspDiskCache cache = { inner, 1 << 30 };
  const EspDiskPiece piece = { large, sizeof large };
  char path[256];

  /* In the entry's place stands a folder. */
  path_of (5, path);
  CHECK (mkdir (path, 0700) == 0);
  esp_disk_cache_write (&cache, digest_of (5), &piece, 1);
  CHECK (!esp_disk_cache_read (&cache, digest_of (5), &piece, 1));
  CHECK (files_in (&cache) == 0);
  rmdir (path);
}

static void *
write_and_read (void *data)
{
  EspDiskCache cache = { inner, 2000 };
  long wrong = 0;

  (void) data;
  for (int i = 0; i < 400; i++)
    {
      char text[64], found[64] = "";
      EspDiskPiece piece = { found, 0 };

      snprintf (text, sizeof text, "what belongs to %02d", i % 20);
      piece.bytes = strlen (text);
      if (esp_disk_cache_read (&cache, digest_of (i % 20), &piece, 1) && strcmp (found, text) != 0)
        wrong++;
      piece.data = text;
      esp_disk_cache_write (&cache, digest_of (i % 20), &piece, 1);
    }
  return (void *) wrong;
}

/* digest_of()'s buffer is shared, which is why these are processes, as workers are. */
static void
two_workers_do_not_disturb_each_other (void)
{
  pid_t child = fork ();
  int status = 1;
  uint64_t bytes;
  int files;

  if (child == 0)
    _exit (write_and_read (NULL) != NULL);
  CHECK (write_and_read (NULL) == NULL);
  CHECK (waitpid (child, &status, 0) == child && status == 0);
  esp_disk_cache_measure (inner, &bytes, &files);
  CHECK (bytes <= 2 * 2000 && files > 0);
  esp_disk_cache_clear (inner, &bytes, &files);
}

/* --- Edits --------------------------------------------------------------------------------------
 */

static uint8_t photo[SIDE * SIDE * 3];
static const EspImage image = { photo, SIDE, SIDE };

static EspEditResult
edit_anew (const EspEditRequest *request, bool with_disk)
{
  EspEditResult result = ESP_EDIT_RESULT_INIT;
  EspError error = ESP_ERROR_INIT;
  EspModel *model = NULL;

  CHECK_STATUS (esp_model_open (getenv ("ESP_DEMO_MODEL"), &model, &error), ESP_OK, error);
  if (error.status != ESP_OK)
    return result;
  CHECK_STATUS (esp_model_set_disk_cache (model, with_disk ? inner : NULL, 1 << 24, &error), ESP_OK,
                error);
  CHECK_STATUS (esp_model_edit (model, request, NULL, &result, &error), ESP_OK, error);
  esp_model_close (model);
  return result;
}

static void
edits_are_the_same_with_and_without (void)
{
  const unsigned from_disk = ESP_REUSED_TEXT | ESP_REUSED_ENCODE;

  for (int round = 0; round < 3; round++)
    {
      EspEditRequest request = ESP_EDIT_REQUEST_INIT;
      EspEditResult without, first, second, other;
      uint64_t bytes;
      int files;

      request.prompt = "Let it snow!";
      request.images = &image;
      request.image_count = 1;
      request.steps = 2;
      request.size_mode = ESP_SIZE_MATCH;
      request.dtype = round == 1 ? ESP_DTYPE_BF16 : ESP_DTYPE_F32;
      if (round == 2)
        {
          request.negative_prompt = "rain";
          request.true_cfg = 2;
        }
      esp_disk_cache_clear (inner, &bytes, &files);
      without = edit_anew (&request, false);
      first = edit_anew (&request, true);
      second = edit_anew (&request, true);
      CHECK (without.reused == 0);
      CHECK (first.reused == 0);
      CHECK (second.reused == from_disk);
      CHECK (memcmp (first.image.pixels, without.image.pixels, sizeof photo) == 0);
      CHECK (memcmp (second.image.pixels, without.image.pixels, sizeof photo) == 0);
      request.no_disk_cache = true;
      other = edit_anew (&request, true);
      CHECK (other.reused == 0);
      esp_edit_result_clear (&other);
      /* One pixel, one letter, another number of threads: something else. */
      request.no_disk_cache = false;
      photo[100] ^= 1;
      other = edit_anew (&request, true);
      CHECK (other.reused == ESP_REUSED_TEXT);
      esp_edit_result_clear (&other);
      photo[100] ^= 1;
      request.prompt = "Let it snow.";
      other = edit_anew (&request, true);
      CHECK (other.reused == ESP_REUSED_ENCODE);
      esp_edit_result_clear (&other);
      request.threads = 1;
      other = edit_anew (&request, true);
      CHECK (other.reused == 0);
      esp_edit_result_clear (&other);
      esp_edit_result_clear (&without);
      esp_edit_result_clear (&first);
      esp_edit_result_clear (&second);
    }
}

int
main (void)
{
  snprintf (folder, sizeof folder, "/tmp/espalier-disk-cache-XXXXXX");
  if (mkdtemp (folder) == NULL)
    return 1;
  snprintf (inner, sizeof inner, "%s/cache/engine", folder);
  for (int i = 0; i < SIDE * SIDE * 3; i++)
    photo[i] = (uint8_t) (i * 5 + i / 190 * 3);
  CASE (what_was_kept_is_found);
  CASE (damaged_files_are_removed);
  CASE (the_oldest_go_first);
  CASE (impossible_folders_keep_nothing);
  CASE (what_cannot_be_written_is_not_kept);
  CASE (two_workers_do_not_disturb_each_other);
  CASE (edits_are_the_same_with_and_without);
  remove_all (folder);
  return check_done ();
}
