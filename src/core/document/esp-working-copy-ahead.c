/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-copy-ahead.c: copies the person's file in the background before the first change, so
 * that this does not have to wait for gigabytes.
 *
 * The copy is a file of the working folder that nobody looks at until esp_working_copy_prepare ()
 * takes it. It is made at half the disk's speed, until someone waits for it. */
#define G_LOG_DOMAIN "esp-document"
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sync_file_range () */
#endif

#include "esp-working-copy-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "esp-file-copy.h"

#define CHUNK ((gint64) 16 << 20)

struct _EspWorkingAhead
{
  GThread *thread;
  GMutex mutex;
  GCond changed;
  gboolean hurry; /* no rests any more */
  GCancellable *cancellable;

  char *path;
  int from; /* borrowed: open until the thread has ended */
  gint64 size;
  gint64 delay; /* before it begins */

  /* For the thread, then for who joins it. */
  int to; /* < 0: there is no copy */
};

/* FALSE when it is to end. */
static gboolean
rest (EspWorkingAhead *self, gint64 duration)
{
  const gint64 end = g_get_monotonic_time () + duration;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  while (!self->hurry && !g_cancellable_is_cancelled (self->cancellable)
         && g_cond_wait_until (&self->changed, &self->mutex, end))
    ;
  return !g_cancellable_is_cancelled (self->cancellable);
}

/* It is a convenience: the disk is not to be full because of it. */
static gboolean
is_space (int fd, gint64 size)
{
  struct statvfs space;

  return fstatvfs (fd, &space) == 0
         && (space.f_blocks == 0 || (gint64) (space.f_bavail * space.f_frsize) / 2 > size);
}

static gboolean
copy_slowly (EspWorkingAhead *self, GError **error)
{
  for (gint64 begin = 0; begin < self->size; begin += CHUNK)
    {
      const gint64 start = g_get_monotonic_time ();
      const gint64 end = MIN (begin + CHUNK, self->size);

      if (!_esp_file_copy_range (self->from, self->to, begin, end, self->cancellable, error))
        return FALSE;
      /* To the disk now, while there is time. */
      if (sync_file_range (self->to, (off_t) begin, (off_t) (end - begin),
                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE)
          != 0)
        g_debug ("%s: %s", self->path, g_strerror (errno));
      if (end < self->size && !rest (self, g_get_monotonic_time () - start))
        return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
    }
  return TRUE;
}

static gpointer
run (gpointer data)
{
  EspWorkingAhead *self = data;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (!rest (self, self->delay))
    return NULL;
  self->to = open (self->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (self->to < 0)
    return NULL;
  ok = _esp_file_clone (self->from, self->to, self->size)
       || (is_space (self->to, self->size) && copy_slowly (self, &error));
  ok = ok && !g_cancellable_is_cancelled (self->cancellable) && _esp_file_sync (self->to, &error);
  if (!ok)
    {
      if (error != NULL)
        g_debug ("%s: %s", self->path, error->message);
      close (self->to);
      self->to = -1;
      g_unlink (self->path);
    }
  return NULL;
}

void
esp_working_copy_copy_ahead (EspWorkingCopy *self, gint64 delay)
{
  g_autoptr (GMutexLocker) locker = NULL;
  EspWorkingAhead *ahead;

  g_return_if_fail (self != NULL);

  locker = g_mutex_locker_new (&self->mutex); /* NOLINT(clang-analyzer-deadcode.DeadStores) */
  if (self->ahead != NULL || self->prepared || self->place->in_library || self->place->lock < 0
      || self->access != ESP_DOCUMENT_WRITABLE || self->fd < 0)
    return;
  ahead = g_new0 (EspWorkingAhead, 1);
  g_mutex_init (&ahead->mutex);
  g_cond_init (&ahead->changed);
  ahead->cancellable = g_cancellable_new ();
  ahead->path = g_strconcat (self->place->database, ".part", NULL);
  ahead->from = self->fd;
  ahead->size = self->state.published.size;
  ahead->delay = delay;
  ahead->to = -1;
  self->ahead = ahead;
  ahead->thread = g_thread_new ("copy-ahead", run, ahead);
}

int
_esp_working_copy_end_ahead (EspWorkingCopy *self, gboolean wanted)
{
  EspWorkingAhead *ahead = g_steal_pointer (&self->ahead);
  int to;

  if (ahead == NULL)
    return -1;
  g_mutex_lock (&ahead->mutex);
  if (wanted)
    ahead->hurry = TRUE;
  else
    g_cancellable_cancel (ahead->cancellable);
  g_cond_signal (&ahead->changed);
  g_mutex_unlock (&ahead->mutex);
  g_thread_join (ahead->thread);
  to = ahead->to;
  if (!wanted && to >= 0)
    {
      close (to);
      g_unlink (ahead->path);
      to = -1;
    }
  g_object_unref (ahead->cancellable);
  g_cond_clear (&ahead->changed);
  g_mutex_clear (&ahead->mutex);
  g_free (ahead->path);
  g_free (ahead);
  return to;
}
