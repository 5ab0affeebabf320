/* SPDX-License-Identifier: MIT */
/* confine.h: a process gives up what it does not need, before it reads what strangers made.
 *
 * What is given up stays so until the process ends, for all its threads and children. Files are
 * held by Landlock (landlock(7)), system calls by a seccomp filter (seccomp(2), docs/security.md).
 * Where the kernel has one of them not, or this build no libseccomp, the other still holds, and
 * EspConfined tells it.
 */
#pragma once

#include <stdint.h>

#include "status.h"

typedef enum
{
  ESP_CONFINE_THREADS = 1 << 0,   /* may start threads; never processes */
  ESP_CONFINE_DEVICES = 1 << 1,   /* may use the devices of graphics cards, by ioctl(), and have
                                   * local sockets that connect to nothing */
  ESP_CONFINE_ALL_FILES = 1 << 2, /* readable and writable are not looked at; all else holds */
  ESP_CONFINE_ONLY_HELD = 1 << 5, /* files are named only where Landlock holds which: where it does
                                   * not, or none is given, calls that open, make, move or
                                   * remove one by its name are refused as well */
  ESP_CONFINE_NO_LANDLOCK = 1 << 3, /* for tests: as on a kernel without it */
  ESP_CONFINE_NO_SECCOMP = 1 << 4,  /* for tests: as on a kernel without it */
} EspConfineFlags;

typedef struct EspConfinement
{
  const char *const *readable; /* NULL-terminated: files or folders (with all below) that may be
                                * read and mapped, as code as well; absent ones are skipped, links
                                * followed; NULL = none. What is open already stays so. */
  const char *const *writable; /* the same for what may also be written, made and removed */
  const char *const *listable; /* the same for folders of which no more may be known than the names
                                * of what is in and below them */
  const char *const *prunable; /* folders in and below which empty folders may be removed */
  uint64_t memory;             /* address space in bytes (RLIMIT_AS); 0 = as it is */
  uint64_t file_size;          /* of a file written, in bytes (RLIMIT_FSIZE); 0 = 64 GiB */
  unsigned seconds;            /* of processor time (RLIMIT_CPU); 0 = as it is */
  unsigned flags;              /* EspConfineFlags */
} EspConfinement;

typedef struct EspConfined
{
  bool files; /* Landlock holds: no file but those given; false with ESP_CONFINE_ALL_FILES */
  bool calls; /* seccomp holds: no network, no other program, no other process */
} EspConfined;

/* Confines the calling process. To be called once, before a second thread is started: the kernel
 * holds files for the calling thread and those it starts. What took hold is in `done` (or NULL).
 * That the kernel lacks something is no error; ESP_ERROR_UNSUPPORTED is one that has it and
 * refuses, after which the process is to end. ESP_ERROR_MEMORY: out of memory. */
EspStatus esp_confine (const EspConfinement *wanted, EspConfined *done, EspError *error);
