/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault-vfs.c: wraps SQLite's own VFS. Writes go through at once; what they replaced is remembered
 * until the file is flushed, so that a loss of power can take them back. */
#include "fault-vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TORN 512 /* disks write whole sectors */

typedef struct
{
  sqlite3_int64 offset;
  sqlite3_int64 old_size, new_size;
  GBytes *old;
  GBytes *written; /* NULL: a truncation */
} Change;

typedef struct
{
  char *path;
  GPtrArray *changes;
} History;

typedef struct
{
  sqlite3_file base;
  History *history; /* NULL: a temporary file */
  sqlite3_file *real;
} FaultFile;

typedef enum
{
  CALL_ANY_WRITE,
  CALL_READ,
  CALL_WRITE,
  CALL_SYNC,
  CALL_OPEN,
  CALL_DELETE,
  CALL_SIZE,
  CALL_LOCK,
  CALL_SHARE,
  CALL_SHARE_LOCK,
  CALL_MEMORY,
} FaultCall;

/* What a kind counts, and what the one that fails returns. */
static const struct
{
  const char *name;
  FaultCall call;
  int code;
} kinds[FAULT_KINDS] = {
  [FAULT_NONE] = { "count", CALL_ANY_WRITE, SQLITE_OK },
  [FAULT_FULL] = { "full", CALL_ANY_WRITE, SQLITE_FULL },
  [FAULT_IO] = { "io", CALL_ANY_WRITE, SQLITE_OK },
  [FAULT_POWER] = { "power", CALL_ANY_WRITE, SQLITE_OK },
  [FAULT_POWER_PART] = { "power-part", CALL_ANY_WRITE, SQLITE_OK },
  [FAULT_POWER_ALL] = { "power-all", CALL_ANY_WRITE, SQLITE_OK },
  [FAULT_READ] = { "read", CALL_READ, SQLITE_IOERR_READ },
  [FAULT_READ_SHORT] = { "read-short", CALL_READ, SQLITE_IOERR_SHORT_READ },
  [FAULT_READ_CORRUPT] = { "read-corrupt", CALL_READ, SQLITE_IOERR_CORRUPTFS },
  [FAULT_WRITE_SHORT] = { "write-short", CALL_WRITE, SQLITE_IOERR_WRITE },
  [FAULT_WRITE_FORBID] = { "write-forbid", CALL_WRITE, SQLITE_READONLY },
  [FAULT_SYNC] = { "sync", CALL_SYNC, SQLITE_IOERR_FSYNC },
  [FAULT_OPEN] = { "open", CALL_OPEN, SQLITE_CANTOPEN },
  [FAULT_DELETE] = { "delete", CALL_DELETE, SQLITE_IOERR_DELETE },
  [FAULT_SIZE] = { "size", CALL_SIZE, SQLITE_IOERR_FSTAT },
  [FAULT_LOCK] = { "lock", CALL_LOCK, SQLITE_IOERR_LOCK },
  [FAULT_LOCK_BUSY] = { "lock-busy", CALL_LOCK, SQLITE_BUSY },
  [FAULT_SHARE] = { "share", CALL_SHARE, SQLITE_IOERR_SHMMAP },
  [FAULT_SHARE_BUSY] = { "share-busy", CALL_SHARE_LOCK, SQLITE_BUSY },
  [FAULT_MEMORY] = { "memory", CALL_MEMORY, SQLITE_NOMEM },
};

static struct
{
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  GMutex mutex;
  GHashTable *histories; /* path → History; kept for good */
  FaultKind kind;
  guint moment, count;
  guint32 random;
} self;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_bytes_unref (change->old);
  if (change->written != NULL)
    g_bytes_unref (change->written);
  g_free (change);
}

/* g_rand_new () and the like take locks that a thread which is stopped may hold. */
static guint32
next_random (void)
{
  self.random = self.random * 1664525u + 1013904223u;
  return self.random >> 8;
}

/* --- The end ---------------------------------------------------------------------------------- */

static void
write_bytes (int fd, sqlite3_int64 offset, const guint8 *bytes, gsize length)
{
  if (pwrite (fd, bytes, length, offset) != (ssize_t) length)
    _exit (101);
}

static void
apply_part (int fd, const Change *change)
{
  gsize length;
  const guint8 *bytes = g_bytes_get_data (change->written, &length);

  for (gsize i = 0; i < length; i += TORN)
    {
      if (next_random () % 2 == 0)
        write_bytes (fd, change->offset + (sqlite3_int64) i, bytes + i, MIN (TORN, length - i));
    }
}

static void
lose_file (const History *history)
{
  int fd;

  if (history->changes->len == 0 || self.kind == FAULT_POWER_ALL)
    return;
  fd = open (history->path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return; /* deleted */
  for (guint i = history->changes->len; i > 0; i--)
    {
      const Change *change = history->changes->pdata[i - 1];
      gsize length;
      const guint8 *old = g_bytes_get_data (change->old, &length);

      if (length > 0)
        write_bytes (fd, change->offset, old, length);
      if (ftruncate (fd, change->old_size) != 0)
        _exit (102);
    }
  for (guint i = 0; self.kind == FAULT_POWER_PART && i < history->changes->len; i++)
    {
      const Change *change = history->changes->pdata[i];

      if (change->written != NULL)
        apply_part (fd, change);
      else if (next_random () % 2 == 0 && ftruncate (fd, change->new_size) != 0)
        _exit (103);
    }
  close (fd);
}

static void
lose_power (void)
{
  GHashTableIter iter;
  gpointer history;

  g_hash_table_iter_init (&iter, self.histories);
  while (g_hash_table_iter_next (&iter, NULL, &history))
    lose_file (history);
  _exit (9);
}

/* True if this call is the one that fails. */
static gboolean
strikes (FaultCall call)
{
  gboolean strikes;

  if (kinds[self.kind].call != call)
    return FALSE;
  g_mutex_lock (&self.mutex);
  strikes = ++self.count == self.moment;
  g_mutex_unlock (&self.mutex);
  return strikes;
}

/* With the mutex. SQLITE_OK or what the operation fails with. */
static int
strike (int code)
{
  if (kinds[self.kind].call != CALL_ANY_WRITE)
    return SQLITE_OK;
  self.count++;
  if (self.moment == 0 || self.count < self.moment)
    return SQLITE_OK;
  switch (self.kind)
    {
    case FAULT_FULL:
      return SQLITE_FULL;
    case FAULT_IO:
      return self.count == self.moment ? code : SQLITE_OK;
    case FAULT_POWER:
    case FAULT_POWER_PART:
    case FAULT_POWER_ALL:
      lose_power ();
      break;
    default:
      break;
    }
  return SQLITE_OK;
}

/* --- Files ------------------------------------------------------------------------------------ */

static FaultFile *
get_file (sqlite3_file *file)
{
  return (FaultFile *) file;
}

static int
fault_close (sqlite3_file *file)
{
  return get_file (file)->real->pMethods->xClose (get_file (file)->real);
}

static int
fault_read (sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
  if (get_file (file)->history != NULL && strikes (CALL_READ))
    {
      if (self.kind == FAULT_READ_SHORT)
        {
          memset (data, 0, (gsize) length);
          get_file (file)->real->pMethods->xRead (get_file (file)->real, data, length / 2, offset);
        }
      return kinds[self.kind].code;
    }
  return get_file (file)->real->pMethods->xRead (get_file (file)->real, data, length, offset);
}

static void
remember (FaultFile *file, sqlite3_int64 offset, const void *data, int length, sqlite3_int64 size)
{
  Change *change = g_new0 (Change, 1);
  sqlite3_int64 kept;
  guint8 *old;

  file->real->pMethods->xFileSize (file->real, &change->old_size);
  change->offset = offset;
  change->new_size = size;
  kept = data != NULL ? MIN (change->old_size - offset, length) : change->old_size - offset;
  kept = MAX (kept, 0);
  old = g_malloc0 ((gsize) kept + 1);
  if (kept > 0)
    file->real->pMethods->xRead (file->real, old, (int) kept, offset);
  change->old = g_bytes_new_take (old, (gsize) kept);
  if (data != NULL)
    change->written = g_bytes_new (data, (gsize) length);
  g_ptr_array_add (file->history->changes, change);
}

static int
fault_write (sqlite3_file *base, const void *data, int length, sqlite3_int64 offset)
{
  FaultFile *file = get_file (base);
  int code = SQLITE_OK;

  if (file->history != NULL && strikes (CALL_WRITE))
    {
      if (self.kind == FAULT_WRITE_SHORT)
        file->real->pMethods->xWrite (file->real, data, length / 2, offset);
      return kinds[self.kind].code;
    }
  if (file->history != NULL)
    {
      g_mutex_lock (&self.mutex);
      code = strike (SQLITE_IOERR_WRITE);
      if (code == SQLITE_OK)
        {
          remember (file, offset, data, length, 0);
          code = file->real->pMethods->xWrite (file->real, data, length, offset);
        }
      g_mutex_unlock (&self.mutex);
      return code;
    }
  return file->real->pMethods->xWrite (file->real, data, length, offset);
}

static int
fault_truncate (sqlite3_file *base, sqlite3_int64 size)
{
  FaultFile *file = get_file (base);
  int code = SQLITE_OK;

  if (file->history == NULL)
    return file->real->pMethods->xTruncate (file->real, size);
  g_mutex_lock (&self.mutex);
  code = strike (SQLITE_IOERR_TRUNCATE);
  if (code == SQLITE_OK)
    {
      remember (file, size, NULL, 0, size);
      code = file->real->pMethods->xTruncate (file->real, size);
    }
  g_mutex_unlock (&self.mutex);
  return code;
}

/* Not even asked to flush: a test has no time for a real disk, and the kernel survives it. */
static int
fault_sync (sqlite3_file *base, int flags)
{
  FaultFile *file = get_file (base);
  int code = SQLITE_OK;

  if (file->history == NULL)
    return SQLITE_OK;
  if (strikes (CALL_SYNC))
    return kinds[self.kind].code;
  g_mutex_lock (&self.mutex);
  code = strike (SQLITE_IOERR_FSYNC);
  if (code == SQLITE_FULL)
    code = SQLITE_OK; /* a full disk has room for what it took */
  if (code == SQLITE_OK)
    g_ptr_array_set_size (file->history->changes, 0);
  g_mutex_unlock (&self.mutex);
  return code;
}

static int
fault_file_size (sqlite3_file *file, sqlite3_int64 *size)
{
  if (strikes (CALL_SIZE))
    return kinds[self.kind].code;
  return get_file (file)->real->pMethods->xFileSize (get_file (file)->real, size);
}

static int
fault_lock (sqlite3_file *file, int level)
{
  if (strikes (CALL_LOCK))
    return kinds[self.kind].code;
  return get_file (file)->real->pMethods->xLock (get_file (file)->real, level);
}

static int
fault_unlock (sqlite3_file *file, int level)
{
  return get_file (file)->real->pMethods->xUnlock (get_file (file)->real, level);
}

static int
fault_check_lock (sqlite3_file *file, int *result)
{
  return get_file (file)->real->pMethods->xCheckReservedLock (get_file (file)->real, result);
}

static int
fault_control (sqlite3_file *file, int operation, void *argument)
{
  /* The real file must not grow by itself, and nobody may write past us. */
  if (operation == SQLITE_FCNTL_CHUNK_SIZE || operation == SQLITE_FCNTL_SIZE_HINT)
    return SQLITE_OK;
  return get_file (file)->real->pMethods->xFileControl (get_file (file)->real, operation, argument);
}

static int
fault_sector_size (sqlite3_file *file)
{
  return get_file (file)->real->pMethods->xSectorSize (get_file (file)->real);
}

/* No promises about writes but that sectors are whole. */
static int
fault_characteristics (sqlite3_file *file)
{
  return 0;
}

static int
fault_shm_map (sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
  if (strikes (CALL_SHARE))
    return kinds[self.kind].code;
  return get_file (file)->real->pMethods->xShmMap (get_file (file)->real, page, size, extend,
                                                   memory);
}

static int
fault_shm_lock (sqlite3_file *file, int offset, int n, int flags)
{
  if ((flags & SQLITE_SHM_LOCK) != 0 && strikes (CALL_SHARE_LOCK))
    return kinds[self.kind].code;
  return get_file (file)->real->pMethods->xShmLock (get_file (file)->real, offset, n, flags);
}

static void
fault_shm_barrier (sqlite3_file *file)
{
  get_file (file)->real->pMethods->xShmBarrier (get_file (file)->real);
}

static int
fault_shm_unmap (sqlite3_file *file, int delete)
{
  return get_file (file)->real->pMethods->xShmUnmap (get_file (file)->real, delete);
}

static const sqlite3_io_methods methods = {
  .iVersion = 2, /* without memory-mapped reading */
  .xClose = fault_close,
  .xRead = fault_read,
  .xWrite = fault_write,
  .xTruncate = fault_truncate,
  .xSync = fault_sync,
  .xFileSize = fault_file_size,
  .xLock = fault_lock,
  .xUnlock = fault_unlock,
  .xCheckReservedLock = fault_check_lock,
  .xFileControl = fault_control,
  .xSectorSize = fault_sector_size,
  .xDeviceCharacteristics = fault_characteristics,
  .xShmMap = fault_shm_map,
  .xShmLock = fault_shm_lock,
  .xShmBarrier = fault_shm_barrier,
  .xShmUnmap = fault_shm_unmap,
};

static History *
get_history (const char *path)
{
  History *history;

  g_mutex_lock (&self.mutex);
  history = g_hash_table_lookup (self.histories, path);
  if (history == NULL)
    {
      history = g_new0 (History, 1);
      history->path = g_strdup (path);
      history->changes = g_ptr_array_new_with_free_func (change_free);
      g_hash_table_insert (self.histories, history->path, history);
    }
  g_mutex_unlock (&self.mutex);
  return history;
}

static int
fault_open (sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *out)
{
  FaultFile *file = get_file (base);
  int code;

  file->base.pMethods = NULL;
  if (name != NULL && strikes (CALL_OPEN))
    return kinds[self.kind].code;
  file->real = (sqlite3_file *) (file + 1);
  file->history
      = name != NULL && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0 ? get_history (name) : NULL;
  code = self.real->xOpen (self.real, name, file->real, flags, out);
  if (code == SQLITE_OK)
    file->base.pMethods = &methods;
  return code;
}

static int
fault_delete (sqlite3_vfs *vfs, const char *name, int sync)
{
  History *history = get_history (name);
  int code;

  if (strikes (CALL_DELETE))
    return kinds[self.kind].code;
  g_mutex_lock (&self.mutex);
  code = self.real->xDelete (self.real, name, 0);
  if (code == SQLITE_OK)
    g_ptr_array_set_size (history->changes, 0);
  g_mutex_unlock (&self.mutex);
  return code;
}

/* --- Memory ----------------------------------------------------------------------------------- */

static sqlite3_mem_methods real_memory;

static void *
fault_malloc (int size)
{
  return strikes (CALL_MEMORY) ? NULL : real_memory.xMalloc (size);
}

static void *
fault_realloc (void *memory, int size)
{
  return strikes (CALL_MEMORY) ? NULL : real_memory.xRealloc (memory, size);
}

/* Without the pool of small pieces, so that every allocation is counted. */
static void
register_memory (void)
{
  sqlite3_mem_methods memory;

  if (sqlite3_config (SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK)
    g_error ("SQLite has begun already");
  memory = real_memory;
  memory.xMalloc = fault_malloc;
  memory.xRealloc = fault_realloc;
  sqlite3_config (SQLITE_CONFIG_MALLOC, &memory);
  sqlite3_config (SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

const char *
fault_name (FaultKind kind)
{
  return kinds[kind].name;
}

void
fault_vfs_register (FaultKind kind, guint moment, guint32 seed)
{
  if (kind == FAULT_MEMORY)
    register_memory ();
  self.real = sqlite3_vfs_find (NULL);
  self.histories = g_hash_table_new (g_str_hash, g_str_equal);
  self.kind = kind;
  self.moment = moment;
  self.random = seed;
  self.vfs = *self.real;
  self.vfs.pNext = NULL;
  self.vfs.zName = "fault";
  self.vfs.szOsFile = (int) sizeof (FaultFile) + self.real->szOsFile;
  self.vfs.xOpen = fault_open;
  self.vfs.xDelete = fault_delete;
  if (sqlite3_vfs_register (&self.vfs, 1) != SQLITE_OK)
    g_error ("no VFS");
}

guint
fault_vfs_count (void)
{
  guint count;

  g_mutex_lock (&self.mutex);
  count = self.count;
  g_mutex_unlock (&self.mutex);
  return count;
}

void
fault_vfs_mend (void)
{
  g_mutex_lock (&self.mutex);
  self.moment = 0;
  g_mutex_unlock (&self.mutex);
}
