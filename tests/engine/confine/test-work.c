/* SPDX-License-Identifier: MIT */
/* What a confined process still can do, and the limits that hold it. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "confine/sanitized.h"
#include "confined-child.h"

static const char *readable[6], *writable[3];

static EspConfinement
confinement (unsigned flags)
{
  return (EspConfinement){ .readable = readable, .writable = writable, .flags = flags };
}

static bool
read_words (const char *path)
{
  char words[8];
  int file = open (path, O_RDONLY | O_CLOEXEC);
  bool fine = file >= 0 && read (file, words, sizeof words) == 6;

  if (file >= 0)
    close (file);
  return fine;
}

static bool
read_what_is_given (void)
{
  DIR *entries = opendir (scratch ("readable/below"));

  return entries != NULL && closedir (entries) == 0 && read_words (scratch ("readable/below/file"))
         && read_words (scratch ("alone")) && read_words (scratch ("linked/file"));
}

static bool
write_what_is_given (void)
{
  const char *path = scratch ("writable/new"), *moved = scratch ("writable/below/new");
  int file = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool fine = file >= 0 && write (file, "words\n", 6) == 6 && ftruncate (file, 3) == 0
              && fsync (file) == 0 && close (file) == 0;

  return fine && mkdir (scratch ("writable/below"), 0700) == 0 && rename (path, moved) == 0
         && unlink (moved) == 0 && rmdir (scratch ("writable/below")) == 0
         && truncate (scratch ("also"), 6) == 0;
}

static void *
note_it_ran (void *data)
{
  *(bool *) data = true;
  return NULL;
}

static bool
start_a_thread (void)
{
  pthread_t thread;
  bool ran = false;

  return pthread_create (&thread, NULL, note_it_ran, &ran) == 0 && pthread_join (thread, NULL) == 0
         && ran;
}

static bool
know_itself (void)
{
  char name[64];
  FILE *status = fopen ("/proc/self/status", "r");
  bool fine = status != NULL && fgets (name, sizeof name, status) != NULL;

  if (status != NULL)
    fclose (status);
  return fine && access ("/proc/self/exe", F_OK) == 0;
}

static bool
use_memory_and_time (void)
{
  const struct timespec moment = { 0, 1000 };
  size_t size = 64 << 20;
  char *block = malloc (size);
  void *code = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool fine = block != NULL && code != MAP_FAILED
              && mprotect (code, 4096, PROT_READ | PROT_EXEC) == 0
              && nanosleep (&moment, NULL) == 0;

  if (block != NULL)
    memset (block, 1, size);
  block = fine ? realloc (block, 2 * size) : block;
  fine = fine && block != NULL && block[size - 1] == 1;
  free (block);
  return fine;
}

static bool
die_of_itself (void)
{
  struct rlimit core;

  if (getrlimit (RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
    return false;
  /* A sanitizer would tell a story of it. */
  signal (SIGABRT, SIG_DFL);
  raise (SIGABRT);
  return false;
}

static bool
write_too_much (void)
{
  char bytes[4096] = { 0 };
  int file = open (scratch ("writable/large"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  signal (SIGXFSZ, SIG_IGN);
  /* The last one that fits is written in part. */
  for (int i = 0; i < 64; i++)
    if (write (file, bytes, sizeof bytes) < 0)
      return errno != EFBIG;
  return true;
}

static bool
take_too_much (void)
{
  void *block = mmap (NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return block != MAP_FAILED;
}

static bool
compute_for_ever (void)
{
  for (volatile unsigned i = 0;; i++)
    ;
  return true;
}

static bool
list_and_not_read (void)
{
  DIR *entries = opendir (scratch ("listable"));

  return entries != NULL && closedir (entries) == 0 && !read_words (scratch ("listable/file"))
         && rmdir (scratch ("listable/empty")) == 0 && unlink (scratch ("listable/file")) != 0;
}

static void
names_and_empty_folders_are_not_contents (void)
{
  const char *const folders[] = { strdup (scratch ("listable")), NULL };
  const EspConfinement wanted = { .listable = folders, .prunable = folders };

  CHECK (landlock_abi () == 0
         || try_confined (&wanted, list_and_not_read, NULL, NULL) == TRY_THROUGH);
  free ((char *) folders[0]);
}

static void
what_is_given_can_be_used (void)
{
  const EspConfinement both = confinement (0), threads = confinement (ESP_CONFINE_THREADS),
                       devices = confinement (ESP_CONFINE_THREADS | ESP_CONFINE_DEVICES);

  CHECK (try_confined (&both, read_what_is_given, NULL, NULL) == TRY_THROUGH);
  CHECK (try_confined (&both, write_what_is_given, NULL, NULL) == TRY_THROUGH);
  CHECK (try_confined (&both, know_itself, NULL, NULL) == TRY_THROUGH);
  CHECK (try_confined (&threads, use_memory_and_time, NULL, NULL) == TRY_THROUGH);
  CHECK (try_confined (&devices, use_memory_and_time, NULL, NULL) == TRY_THROUGH);
}

static void
threads_are_asked_for (void)
{
  const EspConfinement with = confinement (ESP_CONFINE_THREADS), without = confinement (0);
  EspConfined held;
  TryResult got;

  CHECK (try_confined (&with, start_a_thread, NULL, NULL) == TRY_THROUGH);
  got = try_confined (&without, start_a_thread, NULL, &held);
  CHECK (ESP_SANITIZED || !held.calls || got == TRY_DENIED);
}

static void
a_crash_is_one (void)
{
  const EspConfinement wanted = confinement (0);
  int number = 0;

  CHECK (try_confined (&wanted, die_of_itself, &number, NULL) == TRY_KILLED);
  CHECK (number == SIGABRT);
}

static void
limits_hold (void)
{
  EspConfinement wanted = confinement (0);
  int number = 0;

  wanted.file_size = 100000;
  CHECK (try_confined (&wanted, write_too_much, NULL, NULL) == TRY_DENIED);

  /* Sanitizers have mapped more than that already. */
  wanted.memory = 256 << 20;
  if (!ESP_SANITIZED)
    CHECK (try_confined (&wanted, take_too_much, NULL, NULL) == TRY_DENIED);

  wanted = confinement (0);
  wanted.seconds = 1;
  CHECK (try_confined (&wanted, compute_for_ever, &number, NULL) == TRY_KILLED);
  CHECK (number == SIGXCPU);
}

static bool
read_anything (void)
{
  return read_words (scratch ("elsewhere"));
}

static bool
run_a_program (void)
{
  char *arguments[] = { "true", NULL }, *environment[] = { NULL };

  execve ("/bin/true", arguments, environment);
  return false;
}

static void
all_files_are_not_all_else (void)
{
  const EspConfinement all = { .flags = ESP_CONFINE_ALL_FILES }, nothing = { .flags = 0 },
                       alone = { .flags = ESP_CONFINE_ALL_FILES | ESP_CONFINE_NO_SECCOMP };
  EspConfined held;

  CHECK (try_confined (&all, read_anything, NULL, &held) == TRY_THROUGH);
  CHECK (!held.files);
  CHECK (!held.calls || try_confined (&all, run_a_program, NULL, NULL) == TRY_DENIED);
  CHECK (landlock_abi () == 0 || try_confined (&alone, run_a_program, NULL, NULL) == TRY_DENIED);
  CHECK (landlock_abi () == 0 || try_confined (&nothing, read_anything, NULL, NULL) == TRY_DENIED);
}

int
main (void)
{
  mkdir (scratch ("readable"), 0700);
  mkdir (scratch ("readable/below"), 0700);
  mkdir (scratch ("real"), 0700);
  mkdir (scratch ("writable"), 0700);
  scratch_write ("readable/below/file");
  scratch_write ("real/file");
  mkdir (scratch ("listable"), 0700);
  mkdir (scratch ("listable/empty"), 0700);
  scratch_write ("listable/file");
  scratch_write ("alone");
  scratch_write ("also");
  scratch_write ("elsewhere");
  if (symlink (scratch ("real"), scratch ("linked")) != 0)
    abort ();
  readable[0] = strdup (scratch ("readable"));
  readable[1] = strdup (scratch ("alone"));
  /* A link is what it points to; what is not there is left out. */
  readable[2] = strdup (scratch ("linked"));
  readable[3] = "/proc/self";
  readable[4] = "/nowhere/at/all";
  writable[0] = strdup (scratch ("writable"));
  writable[1] = strdup (scratch ("also"));

  CASE (what_is_given_can_be_used);
  CASE (names_and_empty_folders_are_not_contents);
  CASE (threads_are_asked_for);
  CASE (a_crash_is_one);
  CASE (limits_hold);
  CASE (all_files_are_not_all_else);

  scratch_remove ();
  return check_done ();
}
