/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "worker/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/sanitized.h"
#include "espalier-engine.h"
#include "worker/cache-folder.h"

extern char **environ;

/* Under memory pressure the kernel is to end the worker, which is started anew, rather than the
 * editor or anything else that a person works with: 0 is as any other, 1000 always first. */
#define OOM_SCORE "700\n"

/* Libraries: the C library's, drivers, and what these read when they start. The last ones are where
 * NixOS, Guix and Flatpak have theirs. */
static const char *const system_files[]
    = { "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/nvidia", "/opt/cuda",
        "/opt/nvidia", "/app", "/nix/store", "/gnu/store", "/run/opengl-driver",
        "/run/current-system", "/var/lib/nvidia",
        /* What the processor, the memory and the cards are. Of processes its own alone. */
        "/proc/self", "/proc/cpuinfo", "/proc/devices", "/proc/driver", "/proc/filesystems",
        "/proc/meminfo", "/proc/modules", "/proc/stat", "/proc/sys", "/proc/version", "/sys",
        "/dev/urandom", "/dev/random" };

/* What a process may write of itself: that it reads how much memory an edit took (clear_refs). */
static const char *const system_outputs[] = { "/dev/null", "/dev/zero", "/proc/self/clear_refs" };

enum
{
  ENVIRONMENT_PATHS = 64, /* in LD_LIBRARY_PATH */
};

/* Copies of paths that end in NULL; what is beyond the room is left out, and then cannot be read.
 */
typedef struct Paths
{
  char **paths;
  size_t count, room;
} Paths;

static void
paths_clear (Paths *paths)
{
  for (size_t i = 0; i < paths->count; i++)
    free (paths->paths[i]);
  free (paths->paths);
}

static bool
paths_init (Paths *paths, const char *const *given, size_t more)
{
  size_t count = 0;

  while (given[count] != NULL)
    count++;
  *paths
      = (Paths){ .paths = calloc (count + more + 1, sizeof *paths->paths), .room = count + more };
  for (size_t i = 0; paths->paths != NULL && i < count; i++)
    {
      paths->paths[i] = strdup (given[i]);
      if (paths->paths[i] == NULL)
        {
          paths_clear (paths);
          return false;
        }
      paths->count++;
    }
  return paths->paths != NULL;
}

static void
paths_add (Paths *paths, const char *path)
{
  if (path == NULL || path[0] != '/' || paths->count == paths->room)
    return;
  paths->paths[paths->count] = strdup (path);
  if (paths->paths[paths->count] != NULL)
    paths->count++;
}

/* The path is freed. */
static void
paths_take (Paths *paths, char *path)
{
  paths_add (paths, path);
  free (path);
}

/* Adds the folder of a file, or nothing. */
static void
paths_add_folder_of (Paths *paths, const char *file)
{
  char *path = file != NULL && strchr (file, '/') != NULL ? realpath (file, NULL) : NULL;
  char *slash = path != NULL ? strrchr (path, '/') : NULL;

  if (slash != NULL && slash != path)
    {
      *slash = '\0';
      paths_add (paths, path);
    }
  free (path);
}

/* What the environment names: libraries, another driver, kernels that are elsewhere. */
static void
add_environment (Paths *readable)
{
  const char *libraries = getenv ("LD_LIBRARY_PATH");
  char *copy = libraries != NULL ? strdup (libraries) : NULL, *rest = NULL;
  int left = ENVIRONMENT_PATHS;

  for (char *path = copy != NULL ? strtok_r (copy, ":", &rest) : NULL; path != NULL && left-- > 0;
       path = strtok_r (NULL, ":", &rest))
    paths_add (readable, path);
  free (copy);
  paths_add_folder_of (readable, getenv ("ESPALIER_CUDA_DRIVER"));
  paths_add (readable, getenv ("ESPALIER_CUDA_KERNELS"));
}

/* A build that looks for leaks reads at its end which of them it is to be silent of. */
static void
add_suppressions (Paths *readable)
{
#if ESP_SANITIZED
  char path[PATH_MAX];
  const char *options = getenv ("LSAN_OPTIONS");
  const char *named = options != NULL ? strstr (options, "suppressions=") : NULL;

  if (named == NULL)
    return;
  named += strlen ("suppressions=");
  named += *named == '\'';
  snprintf (path, sizeof path, "%.*s", (int) strcspn (named, ":'"), named);
  paths_add (readable, path);
#else
  (void) readable;
#endif
}

/* Where kernels lie that were installed beside this engine: in PREFIX/lib…, as it is in
 * PREFIX/libexec/espalier. */
static void
add_own_libraries (Paths *readable)
{
  static const char *const names[] = { "lib", "lib64", ESP_LIBDIR };
  char self[PATH_MAX];
  ssize_t length = readlink ("/proc/self/exe", self, sizeof self - 1);

  if (length <= 0)
    return;
  self[length] = '\0';
  for (int up = 0; up < 3; up++)
    {
      char *slash = strrchr (self, '/');

      if (slash == NULL)
        return;
      *slash = '\0';
    }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    {
      char place[2 * PATH_MAX];

      if (names[i][0] == '/')
        paths_add (readable, names[i]);
      else if (snprintf (place, sizeof place, "%s/%s", self, names[i]) < PATH_MAX)
        paths_add (readable, place);
    }
}

/* The cache has to be there to be given away; NULL: nothing is kept. The caller frees it. */
static char *
make_cache_folder (void)
{
  uint64_t limit;
  char *folder = esp_cache_folder (&limit);

  if (folder != NULL && esp_disk_cache_make_folder (folder))
    return folder;
  free (folder);
  return NULL;
}

/* On a board of NVIDIA's own, under Windows, or anywhere else. */
static bool
has_nvidia_card (void)
{
  static const char *const signs[]
      = { "/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg", "/dev/nvmap" };

  for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
    if (access (signs[i], F_OK) == 0)
      return true;
  return false;
}

/* Where NVIDIA's driver keeps what it compiled for the card, or NULL. The caller frees it. */
static char *
make_driver_cache (void)
{
  const char *own = getenv ("CUDA_CACHE_PATH"), *home = getenv ("HOME");
  char *path = NULL;

  if (!has_nvidia_card ())
    return NULL;
  if (own != NULL && own[0] == '/')
    return strdup (own);
  if (home == NULL || home[0] != '/' || asprintf (&path, "%s/.nv", home) < 0)
    return NULL;
  mkdir (path, 0700);
  return path;
}

/* The driver makes the devices it misses by a program that runs as root, which no confined process
 * can start. Where they are missing, it is started now: the same program, asked for the same. */
static void
make_devices (void)
{
  static char program[] = "/usr/bin/nvidia-modprobe", of_cards[] = "-c=0", of_memory[] = "-u";
  char *arguments[] = { program, of_cards, of_memory, NULL };
  pid_t child;

  if (access ("/proc/driver/nvidia/version", F_OK) != 0
      || (access ("/dev/nvidiactl", F_OK) == 0 && access ("/dev/nvidia-uvm", F_OK) == 0)
      || access (program, X_OK) != 0)
    return;
  if (posix_spawn (&child, program, NULL, NULL, arguments, environ) == 0)
    while (waitpid (child, NULL, 0) < 0 && errno == EINTR)
      ;
}

static void
offer_to_the_oom_killer (void)
{
  int file = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

  /* Nothing depends on it. */
  if (file >= 0 && write (file, OOM_SCORE, strlen (OOM_SCORE)) < 0)
    fprintf (stderr, "espalier-engine: oom_score_adj: %s\n", strerror (errno));
  if (file >= 0)
    close (file);
}

bool
esp_worker_options_parse (EspWorkerOptions *options, int argc, char **argv, const char **memory)
{
  size_t counts[3] = { 0 };

  *options = (EspWorkerOptions){ .readable = memory,
                                 .writable = memory + argc,
                                 .listable = memory + 2 * (size_t) argc };
  options->all_files = true;
  for (int i = 1; i < argc; i += 2)
    {
      if (strcmp (argv[i], "--no-other-files") == 0)
        {
          options->all_files = false;
          i--;
          continue;
        }
      if (i + 1 >= argc || argv[i + 1][0] == '\0')
        return false;
      if (strcmp (argv[i], "--may-read") == 0)
        options->readable[counts[0]++] = argv[i + 1];
      else if (strcmp (argv[i], "--may-write") == 0)
        options->writable[counts[1]++] = argv[i + 1];
      else if (strcmp (argv[i], "--may-list") == 0)
        options->listable[counts[2]++] = argv[i + 1];
      else if (strcmp (argv[i], "--spool") == 0 && options->spool == NULL)
        options->spool = argv[i + 1];
      else
        return false;
    }
  options->all_files = options->all_files && counts[0] + counts[1] + counts[2] == 0;
  return true;
}

EspStatus
esp_worker_confine (const EspWorkerOptions *options, const EspSpool *spool, EspConfined *done,
                    EspError *error)
{
  EspConfinement wanted = { .flags = ESP_CONFINE_THREADS };
  const char *const spool_base[] = { esp_spool_base (), NULL };
  Paths readable, writable;
  EspStatus status;

  if (!paths_init (&readable, (const char *const *) options->readable,
                   sizeof system_files / sizeof system_files[0] + ENVIRONMENT_PATHS + 8))
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
  if (!paths_init (&writable, (const char *const *) options->writable, 16))
    {
      paths_clear (&readable);
      return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory");
    }

  offer_to_the_oom_killer ();
  make_devices ();
  for (size_t i = 0; i < sizeof system_files / sizeof system_files[0]; i++)
    paths_add (&readable, system_files[i]);
  add_environment (&readable);
  add_suppressions (&readable);
  add_own_libraries (&readable);
  for (size_t i = 0; i < sizeof system_outputs / sizeof system_outputs[0]; i++)
    paths_add (&writable, system_outputs[i]);
  paths_add (&writable, spool->path);
  paths_take (&writable, make_cache_folder ());
  paths_take (&writable, make_driver_cache ());
#ifdef ESP_COVERAGE_FOLDER
  paths_add (&writable, ESP_COVERAGE_FOLDER);
#endif

  /* So that the spool can go when the worker does: that is asked of the folder it lies in. */
  wanted.prunable = spool_base;
  wanted.readable = (const char *const *) readable.paths;
  wanted.writable = (const char *const *) writable.paths;
  wanted.listable = (const char *const *) options->listable;
  if (has_nvidia_card ())
    wanted.flags |= ESP_CONFINE_DEVICES;
  if (options->all_files)
    wanted.flags |= ESP_CONFINE_ALL_FILES;
  status = esp_confine (&wanted, done, error);
  paths_clear (&readable);
  paths_clear (&writable);
  return status;
}
