/* SPDX-License-Identifier: MIT */
#include "confine/confine.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "confine/landlock.h"
#include "confine/system-calls.h"

/* The largest file that something confined makes by itself is a converted model. */
#define FILE_BYTES (64ULL << 30)
/* Shards of a model, a driver's devices and events; not what would starve the system. */
#define FILES 4096

/* Lowers a limit for good; one that is lower already stays. */
static void
lower (int what, uint64_t most)
{
  struct rlimit limit;

  if (getrlimit (what, &limit) != 0)
    return;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
    limit.rlim_max = (rlim_t) most;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > limit.rlim_max)
    limit.rlim_cur = limit.rlim_max;
  setrlimit (what, &limit);
}

static void
set_limits (const EspConfinement *wanted)
{
  lower (RLIMIT_CORE, 0);
  lower (RLIMIT_FSIZE, wanted->file_size > 0 ? wanted->file_size : FILE_BYTES);
  lower (RLIMIT_NOFILE, FILES);
  if (wanted->memory > 0)
    lower (RLIMIT_AS, wanted->memory);
  if (wanted->seconds > 0)
    {
      /* SIGXCPU at the soft limit, which may be waited for; a second later SIGKILL. */
      lower (RLIMIT_CPU, (uint64_t) wanted->seconds + 1);
      struct rlimit limit = { 0 };

      if (getrlimit (RLIMIT_CPU, &limit) == 0 && limit.rlim_cur > wanted->seconds)
        {
          limit.rlim_cur = wanted->seconds;
          setrlimit (RLIMIT_CPU, &limit);
        }
    }
}

/* Whether files may be opened by their names, once it is known who holds which. */
static bool
may_name_files (const EspConfinement *wanted, const EspConfined *held)
{
  return (wanted->flags & ESP_CONFINE_ONLY_HELD) == 0
         || (held->files && (wanted->readable != NULL || wanted->writable != NULL));
}

EspStatus
esp_confine (const EspConfinement *wanted, EspConfined *done, EspError *error)
{
  EspConfined held = { false, false };
  EspStatus status = ESP_OK;

  /* RLIMIT_NPROC is not among them: it counts all that the person runs, so any number is wrong. */
  set_limits (wanted);

  /* Without it the kernel takes neither from someone who is not root. Programs like qemu-user do
   * not know it; what depends on it is then not there either. */
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

  if ((wanted->flags & ESP_CONFINE_NO_LANDLOCK) == 0)
    status = esp_landlock_apply (wanted, &held.files, error);
  /* Last, since it forbids all of the above. */
  if (status == ESP_OK && (wanted->flags & ESP_CONFINE_NO_SECCOMP) == 0)
    status = esp_system_calls_apply (wanted, may_name_files (wanted, &held), &held.calls, error);

  if (done != NULL)
    *done = held;
  return status;
}
