/* SPDX-License-Identifier: MIT */
#include "model/disk-cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "espalier-engine.h"
#include "files/atomic-file.h"

/* A file is this header and then the pieces, one after the other. */
typedef struct Header
{
  char magic[16];
  uint64_t bytes; /* of the pieces */
  char digest[ESP_SHA256_HEX_SIZE];
  char padding[7];
} Header;

#define MAGIC  "Espalier work 1"
#define SUFFIX ".work"

/* A temporary file that is older was left by a process that was killed. */
#define STALE_SECONDS 3600

/* --- Names --------------------------------------------------------------------------------------
 */

/* Is it "HEXDIGITS.work"? */
static bool
is_entry (const char *name)
{
  size_t digits = strspn (name, "0123456789abcdef");

  return digits == ESP_SHA256_HEX_SIZE - 1 && strcmp (name + digits, SUFFIX) == 0;
}

/* Is it what atomic-file.c calls one that is being written, ".HEXDIGITS.work.….part"? */
static bool
is_temporary (const char *name)
{
  size_t length = strlen (name);
  size_t digits = name[0] == '.' ? strspn (name + 1, "0123456789abcdef") : 0;

  return digits == ESP_SHA256_HEX_SIZE - 1
         && strncmp (name + 1 + digits, SUFFIX ".", strlen (SUFFIX) + 1) == 0 && length > 5
         && strcmp (name + length - 5, ".part") == 0;
}

static char *
entry_path (const EspDiskCache *cache, const char *digest)
{
  size_t size = strlen (cache->folder) + ESP_SHA256_HEX_SIZE + sizeof SUFFIX + 1;
  char *path = malloc (size);

  if (path != NULL)
    snprintf (path, size, "%s/%s%s", cache->folder, digest, SUFFIX);
  return path;
}

/* Makes the folder and those above it, for the user alone. One that others could have put there, or
 * write to, is not used. */
bool
esp_disk_cache_make_folder (const char *folder)
{
  char *path = strdup (folder);
  struct stat is;

  if (path == NULL)
    return false;
  for (char *slash = strchr (path + (*path == '/'), '/'); slash != NULL;
       slash = strchr (slash + 1, '/'))
    {
      *slash = '\0';
      mkdir (path, 0700);
      *slash = '/';
    }
  mkdir (path, 0700);
  free (path);
  return stat (folder, &is) == 0 && S_ISDIR (is.st_mode) && is.st_uid == geteuid ()
         && ((is.st_mode & 077) == 0 || chmod (folder, 0700) == 0);
}

/* --- Reading ------------------------------------------------------------------------------------
 */

static bool
read_all (int file, void *data, size_t bytes)
{
  char *to = data;

  while (bytes > 0)
    {
      ssize_t done = read (file, to, bytes);

      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        return false;
      to += done;
      bytes -= (size_t) done;
    }
  return true;
}

static void
digest_pieces (const EspDiskPiece *pieces, int count, char digest[ESP_SHA256_HEX_SIZE])
{
  EspSha256 sha;

  esp_sha256_init (&sha);
  for (int i = 0; i < count; i++)
    esp_sha256_update (&sha, pieces[i].data, pieces[i].bytes);
  esp_sha256_finish (&sha, digest);
}

static uint64_t
total_bytes (const EspDiskPiece *pieces, int count)
{
  uint64_t total = 0;

  for (int i = 0; i < count; i++)
    total += pieces[i].bytes;
  return total;
}

static bool
read_pieces (int file, const EspDiskPiece *pieces, int count)
{
  uint64_t bytes = total_bytes (pieces, count);
  char digest[ESP_SHA256_HEX_SIZE];
  Header header;
  struct stat is;

  if (fstat (file, &is) != 0 || !S_ISREG (is.st_mode)
      || (uint64_t) is.st_size != sizeof header + bytes || !read_all (file, &header, sizeof header)
      || memcmp (header.magic, MAGIC, sizeof header.magic) != 0 || header.bytes != bytes)
    return false;
  for (int i = 0; i < count; i++)
    if (!read_all (file, pieces[i].data, pieces[i].bytes))
      return false;
  digest_pieces (pieces, count, digest);
  return memcmp (digest, header.digest, sizeof digest) == 0;
}

bool
esp_disk_cache_read (const EspDiskCache *cache, const char digest[ESP_SHA256_HEX_SIZE],
                     const EspDiskPiece *pieces, int count)
{
  char *path = cache->folder != NULL ? entry_path (cache, digest) : NULL;
  int file = path != NULL ? open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
  bool good = file >= 0 && read_pieces (file, pieces, count);

  if (good)
    futimens (file,
              (const struct timespec[]){ { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } });
  else if (file >= 0 || (path != NULL && errno == ELOOP))
    unlink (path);
  if (file >= 0)
    close (file);
  free (path);
  return good;
}

/* --- Writing ------------------------------------------------------------------------------------
 */

typedef struct Found
{
  char name[ESP_SHA256_HEX_SIZE + sizeof SUFFIX];
  uint64_t bytes;
  struct timespec used;
} Found;

typedef struct Listing
{
  Found *files;
  size_t count, room;
  uint64_t bytes;
} Listing;

static int
compare_used (const void *a, const void *b)
{
  const Found *x = a, *y = b;

  if (x->used.tv_sec != y->used.tv_sec)
    return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
  if (x->used.tv_nsec != y->used.tv_nsec)
    return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
  return strcmp (x->name, y->name);
}

static bool
add_found (Listing *listing, const char *name, const struct stat *is)
{
  if (listing->count == listing->room)
    {
      size_t room = listing->room > 0 ? 2 * listing->room : 256;
      Found *files = realloc (listing->files, room * sizeof *files);

      if (files == NULL)
        return false;
      listing->files = files;
      listing->room = room;
    }
  listing->files[listing->count] = (Found){ .bytes = (uint64_t) is->st_size, .used = is->st_mtim };
  memcpy (listing->files[listing->count++].name, name, strlen (name) + 1);
  listing->bytes += (uint64_t) is->st_size;
  return true;
}

/* The entries; temporary files that nobody writes any more are removed on the way. */
static Listing
list_entries (const char *folder)
{
  DIR *entries = opendir (folder);
  Listing listing = { NULL };
  time_t now = time (NULL);

  if (entries == NULL)
    return listing;
  for (struct dirent *entry = readdir (entries); entry != NULL; entry = readdir (entries))
    {
      struct stat is;

      if (!is_entry (entry->d_name) && !is_temporary (entry->d_name))
        continue;
      if (fstatat (dirfd (entries), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0
          || !S_ISREG (is.st_mode))
        continue;
      if (is_temporary (entry->d_name))
        {
          if (is.st_mtime < now - STALE_SECONDS)
            unlinkat (dirfd (entries), entry->d_name, 0);
        }
      else if (!add_found (&listing, entry->d_name, &is))
        break;
    }
  closedir (entries);
  return listing;
}

static void
remove_entry (const char *folder, const char *name)
{
  size_t size = strlen (folder) + strlen (name) + 2;
  char *path = malloc (size);

  if (path == NULL)
    return;
  snprintf (path, size, "%s/%s", folder, name);
  unlink (path);
  free (path);
}

/* Makes room for `coming` further bytes. */
static void
shrink (const EspDiskCache *cache, uint64_t coming)
{
  Listing listing = list_entries (cache->folder);
  uint64_t limit = cache->limit > coming ? cache->limit - coming : 0;

  if (listing.bytes > limit)
    qsort (listing.files, listing.count, sizeof *listing.files, compare_used);
  for (size_t i = 0; i < listing.count && listing.bytes > limit; i++)
    {
      remove_entry (cache->folder, listing.files[i].name);
      listing.bytes -= listing.files[i].bytes;
    }
  free (listing.files);
}

void
esp_disk_cache_write (const EspDiskCache *cache, const char digest[ESP_SHA256_HEX_SIZE],
                      const EspDiskPiece *pieces, int count)
{
  Header header = { .magic = MAGIC, .bytes = total_bytes (pieces, count) };
  EspError error = ESP_ERROR_INIT;
  EspAtomicFile file;
  EspStatus status;
  char *path;

  if (cache->folder == NULL || sizeof header + header.bytes > cache->limit
      || !esp_disk_cache_make_folder (cache->folder))
    return;
  path = entry_path (cache, digest);
  if (path == NULL)
    return;
  shrink (cache, sizeof header + header.bytes);
  digest_pieces (pieces, count, header.digest);
  status = esp_atomic_file_open (path, &file, &error);
  /* After a power cut it is a miss. */
  file.durable = false;
  if (status == ESP_OK)
    status = esp_atomic_file_write (&file, &header, sizeof header, &error);
  for (int i = 0; i < count && status == ESP_OK; i++)
    status = esp_atomic_file_write (&file, pieces[i].data, pieces[i].bytes, &error);
  esp_atomic_file_finish (&file, status, &error);
  free (path);
}

/* --- The whole folder ---------------------------------------------------------------------------
 */

void
esp_disk_cache_measure (const char *folder, uint64_t *bytes, int *files)
{
  Listing listing = list_entries (folder);

  *bytes = listing.bytes;
  *files = (int) listing.count;
  free (listing.files);
}

void
esp_disk_cache_clear (const char *folder, uint64_t *bytes, int *files)
{
  Listing listing = list_entries (folder);

  for (size_t i = 0; i < listing.count; i++)
    remove_entry (folder, listing.files[i].name);
  *bytes = listing.bytes;
  *files = (int) listing.count;
  free (listing.files);
}
