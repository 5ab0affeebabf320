/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "confined-child.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TryResult
try_confined (const EspConfinement *wanted, TryFunc func, int *signal_number, EspConfined *held)
{
  EspConfined *shared
      = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  TryResult result = TRY_ODD;
  int status = 0;
  pid_t child;

  fflush (stdout);
  child = fork ();
  if (child == 0)
    {
      EspError error = ESP_ERROR_INIT;

      if (wanted != NULL && esp_confine (wanted, shared, &error) != ESP_OK)
        {
          fprintf (stderr, "# %s\n", error.message);
          _exit (TRY_NOT_CONFINED);
        }
      _exit (func () ? TRY_THROUGH : TRY_DENIED);
    }

  if (child > 0 && waitpid (child, &status, 0) == child)
    {
      if (signal_number != NULL)
        *signal_number = WIFSIGNALED (status) ? WTERMSIG (status) : 0;
      if (WIFSIGNALED (status))
        result = TRY_KILLED;
      else if (WEXITSTATUS (status) <= TRY_ODD)
        result = (TryResult) WEXITSTATUS (status);
    }
  if (held != NULL)
    *held = *shared;
  munmap (shared, sizeof *shared);
  return result;
}

static char folder[] = "/tmp/espalier-confine-XXXXXX";
static bool made;

const char *
scratch (const char *name)
{
  static char paths[16][256];
  static unsigned next;
  char *path = paths[next++ % 16];

  if (!made)
    made = mkdtemp (folder) != NULL;
  snprintf (path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

void
scratch_write (const char *name)
{
  int file = open (scratch (name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  if (file < 0 || write (file, "words\n", 6) != 6)
    abort ();
  close (file);
}

static int
remove_one (const char *path, const struct stat *status, int kind, struct FTW *place)
{
  (void) status;
  (void) kind;
  (void) place;
  remove (path);
  return 0;
}

void
scratch_remove (void)
{
  if (made)
    nftw (folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

long
landlock_abi (void)
{
  long abi = syscall (444, NULL, 0, 1);

  return abi > 0 ? abi : 0;
}
