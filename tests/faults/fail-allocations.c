/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fail-allocations.c: a library that is loaded before the C library and stands in front of malloc
 * () and its relatives. What it does and when, fail-allocations.h says.
 *
 * A place is told by the return addresses that lead there, relative to the files they are in, so
 * that it is the same one in every run of the program. */
#include "fail-allocations.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Return addresses that are this library's own. */
#define OWN_FRAMES 3

/* What is asked for before the real functions are known, which looking for them does itself. */
#define EARLY_BYTES 65536

#define EXPORT __attribute__ ((visibility ("default")))

typedef struct
{
  uintptr_t begin, end, base;
  uint16_t name;
} Loaded;

static struct
{
  void *(*malloc) (size_t);
  void *(*calloc) (size_t, size_t);
  void *(*realloc) (void *, size_t);
  void (*free) (void *);
  void *(*aligned_alloc) (size_t, size_t);
  int (*posix_memalign) (void **, size_t, size_t);
} real;

static FailControl *control;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Loaded loaded[FAIL_FILES_MAX];
static size_t n_loaded;

/* An allocation that is made while one is looked at is our own. */
static __thread bool inside __attribute__ ((tls_model ("initial-exec")));

static _Alignas(max_align_t) char early[EARLY_BYTES];
static size_t early_used;

static void *
take_early (size_t size)
{
  void *memory = early + early_used;

  size = (size + sizeof (max_align_t) - 1) / sizeof (max_align_t) * sizeof (max_align_t);
  if (size > EARLY_BYTES - early_used)
    abort ();
  early_used += size;
  return memory;
}

static bool
is_early (const void *memory)
{
  return (const char *) memory >= early && (const char *) memory < early + EARLY_BYTES;
}

static void
find_real (void)
{
  static bool looking;

  if (looking)
    return;
  looking = true;
  real.calloc = (void *(*) (size_t, size_t)) dlsym (RTLD_NEXT, "calloc");
  real.realloc = (void *(*) (void *, size_t)) dlsym (RTLD_NEXT, "realloc");
  real.free = (void (*) (void *)) dlsym (RTLD_NEXT, "free");
  real.aligned_alloc = (void *(*) (size_t, size_t)) dlsym (RTLD_NEXT, "aligned_alloc");
  real.posix_memalign = (int (*) (void **, size_t, size_t)) dlsym (RTLD_NEXT, "posix_memalign");
  real.malloc = (void *(*) (size_t)) dlsym (RTLD_NEXT, "malloc");
}

/* --- Places ----------------------------------------------------------------------------------- */

/* The index of a file's name in the control page. */
static uint16_t
name_file (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *name = slash != NULL ? slash + 1 : path[0] != '\0' ? path : "program";

  for (uint32_t i = 0; i < control->n_files; i++)
    if (strncmp (control->files[i], name, FAIL_NAME_SIZE - 1) == 0)
      return (uint16_t) i;
  if (control->n_files == FAIL_FILES_MAX)
    return FAIL_FILES_MAX - 1;
  strncpy (control->files[control->n_files], name, FAIL_NAME_SIZE - 1);
  return (uint16_t) control->n_files++;
}

static int
note_loaded (struct dl_phdr_info *info, size_t size, void *data)
{
  Loaded *file = &loaded[n_loaded];

  (void) size;
  (void) data;
  if (n_loaded == FAIL_FILES_MAX)
    return 1;
  *file = (Loaded){ .begin = UINTPTR_MAX, .base = info->dlpi_addr };
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD)
      {
        const uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        const uintptr_t end = begin + info->dlpi_phdr[i].p_memsz;

        file->begin = begin < file->begin ? begin : file->begin;
        file->end = end > file->end ? end : file->end;
      }
  file->name = name_file (info->dlpi_name);
  n_loaded++;
  return 0;
}

/* NULL: code of no file. */
static const Loaded *
find_loaded (uintptr_t address)
{
  for (int again = 0; again < 2; again++)
    {
      for (size_t i = 0; i < n_loaded; i++)
        if (address >= loaded[i].begin && address < loaded[i].end)
          return &loaded[i];
      n_loaded = 0; /* some have been opened meanwhile */
      dl_iterate_phdr (note_loaded, NULL);
    }
  return NULL;
}

/* FNV-1a, 64 bit (draft-eastlake-fnv). */
static uint64_t
mix (uint64_t hash, const void *data, size_t size)
{
  const unsigned char *bytes = data;

  for (size_t i = 0; i < size; i++)
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

static __attribute__ ((noinline)) void
find_site (FailSite *site)
{
  void *frames[OWN_FRAMES + FAIL_FRAMES_MAX];
  const int wanted
      = (int) control->frames < FAIL_FRAMES_MAX ? (int) control->frames : FAIL_FRAMES_MAX;
  const int found = backtrace (frames, OWN_FRAMES + wanted);

  *site = (FailSite){ .site = 0xcbf29ce484222325u };
  for (int i = OWN_FRAMES; i < found; i++)
    {
      const Loaded *file = find_loaded ((uintptr_t) frames[i]);
      const uint16_t name = file != NULL ? file->name : FAIL_FILES_MAX - 1;
      const uint64_t address = file != NULL ? (uintptr_t) frames[i] - file->base : 0;

      site->file[site->depth] = name;
      site->address[site->depth++] = address;
      site->site = mix (site->site, control->files[name], strlen (control->files[name]));
      site->site = mix (site->site, &address, sizeof address);
    }
  if (site->site == 0)
    site->site = 1;
}

static void
record (const FailSite *site)
{
  size_t slot = site->site % FAIL_SITES_MAX;

  for (size_t i = 0; i < FAIL_SITES_MAX; i++, slot = (slot + 1) % FAIL_SITES_MAX)
    {
      FailSite *entry = &control->sites[slot];

      if (entry->site != site->site && entry->site != 0)
        continue;
      if (entry->site == 0)
        *entry = *site;
      entry->count++;
      return;
    }
  control->lost++;
}

/* True if this allocation has no memory. */
static __attribute__ ((noinline)) bool
strikes (void)
{
  FailSite site;
  bool struck = false;

  if (control == NULL || control->mode == FAIL_OFF || inside
      || (control->mode != FAIL_RECORD && control->struck > 0))
    return false;
  inside = true;
  pthread_mutex_lock (&lock);
  find_site (&site);
  if (control->mode == FAIL_RECORD)
    record (&site);
  else if (control->site == 0 || control->site == site.site)
    struck = ++control->seen == control->moment;
  if (struck)
    control->struck++;
  if (struck && control->mode == FAIL_KILL)
    {
      kill (getpid (), SIGKILL);
      pause ();
    }
  pthread_mutex_unlock (&lock);
  inside = false;
  if (struck)
    errno = ENOMEM;
  return struck;
}

__attribute__ ((constructor)) static void
start (void)
{
  const char *path = getenv ("FAIL_ALLOCATIONS"), *program = getenv ("FAIL_ALLOCATIONS_PROGRAM");
  void *frames[1];
  int file;

  find_real ();
  if (path == NULL || (program != NULL && strcmp (program, program_invocation_short_name) != 0))
    return;
  inside = true;
  backtrace (frames, 1); /* what it needs once it gets now */
  file = open (path, O_RDWR | O_CLOEXEC);
  if (file >= 0)
    {
      void *page = mmap (NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

      if (page != MAP_FAILED)
        control = page;
      close (file);
    }
  inside = false;
}

/* --- In front of the C library ---------------------------------------------------------------- */

EXPORT void *
malloc (size_t size)
{
  if (real.malloc == NULL)
    find_real ();
  if (real.malloc == NULL)
    return take_early (size);
  return strikes () ? NULL : real.malloc (size);
}

EXPORT void *
calloc (size_t count, size_t size)
{
  if (real.malloc == NULL)
    find_real ();
  if (real.malloc == NULL)
    return take_early (count * size); /* static: it is zero */
  return strikes () ? NULL : real.calloc (count, size);
}

EXPORT void *
realloc (void *memory, size_t size)
{
  if (real.malloc == NULL)
    find_real ();
  if (real.malloc == NULL || is_early (memory))
    {
      void *larger = real.malloc != NULL ? real.malloc (size) : take_early (size);

      if (memory != NULL && larger != NULL)
        memcpy (larger, memory,
                size < (size_t) (early + EARLY_BYTES - (char *) memory)
                    ? size
                    : (size_t) (early + EARLY_BYTES - (char *) memory));
      return larger;
    }
  return strikes () ? NULL : real.realloc (memory, size);
}

EXPORT void
free (void *memory)
{
  if (memory == NULL || is_early (memory))
    return;
  if (real.free == NULL)
    find_real ();
  real.free (memory);
}

EXPORT void *
aligned_alloc (size_t alignment, size_t size)
{
  if (real.malloc == NULL)
    find_real ();
  return strikes () ? NULL : real.aligned_alloc (alignment, size);
}

EXPORT int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  if (real.malloc == NULL)
    find_real ();
  return strikes () ? ENOMEM : real.posix_memalign (memory, alignment, size);
}

/* The sanitizers have these of their own, which ask nobody. */
EXPORT char *
strdup (const char *text)
{
  const size_t size = strlen (text) + 1;
  char *copy;

  if (real.malloc == NULL)
    find_real ();
  copy = real.malloc == NULL ? take_early (size) : strikes () ? NULL : real.malloc (size);
  return copy != NULL ? memcpy (copy, text, size) : NULL;
}

EXPORT char *
strndup (const char *text, size_t most)
{
  const size_t length = strnlen (text, most);
  char *copy;

  if (real.malloc == NULL)
    find_real ();
  copy = real.malloc == NULL ? take_early (length + 1)
         : strikes ()        ? NULL
                             : real.malloc (length + 1);
  if (copy == NULL)
    return NULL;
  memcpy (copy, text, length);
  copy[length] = '\0';
  return copy;
}
