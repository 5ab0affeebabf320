/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"
#define _GNU_SOURCE  /* memfd_create () */

#include "esp-sealed-memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* linux/memfd.h and linux/magic.h, newer than the oldest headers */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#define OF_MEMORY 0x01021994 /* TMPFS_MAGIC */

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A system call takes no more than 2 GiB at once. */
#define PIECE ((gsize) 1 << 30)

/* A limit of file sizes (RLIMIT_FSIZE) holds for this memory, too; growing beyond it is a signal
 * that would end the program. With the signal blocked it is EFBIG, and what is left pending is
 * taken back. */
static void
hold_back_signal (sigset_t *old)
{
  sigset_t limit;

  sigemptyset (&limit);
  sigaddset (&limit, SIGXFSZ);
  pthread_sigmask (SIG_BLOCK, &limit, old);
}

static void
take_back_signal (const sigset_t *old, int reason)
{
  const struct timespec now = { 0, 0 };
  sigset_t limit;

  sigemptyset (&limit);
  sigaddset (&limit, SIGXFSZ);
  if (reason == EFBIG && !sigismember (old, SIGXFSZ))
    sigtimedwait (&limit, NULL, &now);
  pthread_sigmask (SIG_SETMASK, old, NULL);
  errno = reason;
}

static int
grow (int fd, gsize size)
{
  sigset_t old;
  int result;

  hold_back_signal (&old);
  result = ftruncate (fd, (off_t) size);
  take_back_signal (&old, result != 0 ? errno : 0);
  return result;
}

int
esp_sealed_memory_new (const char *label, gsize size)
{
  int fd = memfd_create (label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

  if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
    fd = memfd_create (label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && size > 0 && grow (fd, size) != 0)
    {
      const int reason = errno;

      close (fd);
      errno = reason;
      fd = -1;
    }
  return fd;
}

gboolean
esp_sealed_memory_seal (int fd)
{
  return fcntl (fd, F_ADD_SEALS, SEALS) == 0;
}

gboolean
esp_sealed_memory_check (int fd, gsize size)
{
  struct statfs system;
  struct stat file;
  const int seals = fcntl (fd, F_GET_SEALS);

  return seals >= 0 && (seals & SEALS) == SEALS && fstat (fd, &file) == 0 && S_ISREG (file.st_mode)
         && file.st_size >= 0 && (gsize) file.st_size == size && fstatfs (fd, &system) == 0
         && system.f_type == OF_MEMORY;
}

int
esp_sealed_memory_copy (const char *label, const void *data, gsize size)
{
  int fd = esp_sealed_memory_new (label, 0);
  gsize done = 0;
  int problem = 0;
  sigset_t old;

  hold_back_signal (&old);
  while (fd >= 0 && done < size && problem == 0)
    {
      const ssize_t n = write (fd, (const guint8 *) data + done, MIN (size - done, PIECE));

      if (n > 0)
        done += (gsize) n;
      else if (errno != EINTR)
        problem = n < 0 ? errno : ENOSPC;
    }
  take_back_signal (&old, problem);
  if (fd >= 0 && (done < size || !esp_sealed_memory_seal (fd)))
    {
      const int reason = errno;

      close (fd);
      errno = reason;
      fd = -1;
    }
  return fd;
}

typedef struct
{
  void *at;
  gsize size;
} Mapping;

static void
unmap (gpointer data)
{
  Mapping *self = data;

  munmap (self->at, self->size);
  g_free (self);
}

GBytes *
esp_sealed_memory_map (int fd, gsize size)
{
  Mapping *self;
  void *at;

  if (size == 0)
    return g_bytes_new (NULL, 0);
  at = mmap (NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED)
    return NULL;
  self = g_new (Mapping, 1);
  self->at = at;
  self->size = size;
  return g_bytes_new_with_free_func (at, size, unmap, self);
}
