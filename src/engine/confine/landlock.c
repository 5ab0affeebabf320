/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "confine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The kernel's interface, since the headers of older systems have less than their kernels, or
 * nothing: Documentation/userspace-api/landlock.rst, include/uapi/linux/landlock.h, ABI 1 to 7. The
 * numbers of system calls that are this new are the same on every architecture. */
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE       445
#define NR_RESTRICT_SELF  446

#define CREATE_RULESET_VERSION (1U << 0)
#define RULE_PATH_BENEATH      1

#define FS_EXECUTE     (1ULL << 0)
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_DIR  (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_CHAR   (1ULL << 6)
#define FS_MAKE_DIR    (1ULL << 7)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_MAKE_SOCK   (1ULL << 9)
#define FS_MAKE_FIFO   (1ULL << 10)
#define FS_MAKE_BLOCK  (1ULL << 11)
#define FS_MAKE_SYM    (1ULL << 12)
#define FS_REFER       (1ULL << 13) /* ABI 2 */
#define FS_TRUNCATE    (1ULL << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (1ULL << 15) /* ABI 5 */

#define NET_BIND_TCP    (1ULL << 0) /* ABI 4 */
#define NET_CONNECT_TCP (1ULL << 1)

#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL               (1ULL << 1)

/* linux/magic.h */
#define PROC_MAGIC 0x9fa0

/* What there is of a right for a file; the others are of folders alone. */
#define OF_A_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

/* Mapping a library is reading; FS_EXECUTE would be execve(), which nobody needs. */
#define TO_READ (FS_READ_FILE | FS_READ_DIR)
/* No links, devices, pipes or sockets: nothing there makes them. */
#define TO_WRITE                                                                                   \
  (TO_READ | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_MAKE_DIR | FS_REMOVE_FILE              \
   | FS_REMOVE_DIR | FS_REFER)
#define TO_DRIVE (TO_READ | FS_WRITE_FILE | FS_IOCTL_DEV)

typedef struct Ruleset
{
  uint64_t files, network, scope;
} Ruleset;

/* struct landlock_path_beneath_attr */
typedef struct __attribute__ ((packed)) PathBeneath
{
  uint64_t allowed;
  int32_t parent;
} PathBeneath;

/* Devices of graphics cards: NVIDIA's, also on their own boards and under Windows. */
static const char *const devices[]
    = { "/dev/nvidia*", "/dev/dxg", "/dev/nvmap", "/dev/nvhost-*", "/dev/nvgpu", "/dev/dri" };

/* Everything that a kernel of this ABI can hold. */
static Ruleset
everything (long abi)
{
  Ruleset all = { .files = FS_REFER - 1 };

  if (abi >= 2)
    all.files |= FS_REFER;
  if (abi >= 3)
    all.files |= FS_TRUNCATE;
  if (abi >= 4)
    all.network = NET_BIND_TCP | NET_CONNECT_TCP;
  if (abi >= 5)
    all.files |= FS_IOCTL_DEV;
  if (abi >= 6)
    all.scope = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
  return all;
}

/* Older kernels refuse a structure that is longer than theirs unless its end is zero. */
static size_t
ruleset_size (const Ruleset *ruleset)
{
  if (ruleset->scope != 0)
    return sizeof *ruleset;
  return ruleset->network != 0 ? offsetof (Ruleset, scope) : offsetof (Ruleset, network);
}

/* The folder of a process in /proc is another one for the kernel once it has forgotten that it knew
 * it, and the rule would be gone: as long as it is open it does not forget. */
static bool
must_stay_open (int file)
{
  struct statfs system;

  return fstatfs (file, &system) == 0 && system.f_type == PROC_MAGIC;
}

static bool
add_path (int rules, const char *path, uint64_t allowed)
{
  struct stat status;
  int file = open (path, O_PATH | O_CLOEXEC);
  PathBeneath rule = { .allowed = allowed, .parent = file };
  bool fine;

  if (file < 0)
    return true;

  if (fstat (file, &status) == 0 && !S_ISDIR (status.st_mode))
    rule.allowed &= OF_A_FILE;
  fine = rule.allowed == 0 || syscall (NR_ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0) == 0;
  if (!must_stay_open (file))
    close (file);
  return fine;
}

static bool
add_paths (int rules, const char *const *paths, uint64_t allowed)
{
  bool fine = true;

  for (; paths != NULL && *paths != NULL && fine; paths++)
    fine = add_path (rules, *paths, allowed);
  return fine;
}

static bool
add_devices (int rules, uint64_t allowed)
{
  bool fine = true;

  for (size_t i = 0; i < sizeof devices / sizeof devices[0] && fine; i++)
    {
      glob_t found = { 0 };

      if (glob (devices[i], 0, NULL, &found) == 0)
        fine = add_paths (rules, (const char *const *) found.gl_pathv, allowed);
      globfree (&found);
    }
  return fine;
}

/* The rules as an open file, or -1. */
static int
make_rules (const EspConfinement *wanted, const Ruleset *ruleset)
{
  int rules = (int) syscall (NR_CREATE_RULESET, ruleset, ruleset_size (ruleset), 0);
  bool fine = rules >= 0;

  if (fine && (wanted->flags & ESP_CONFINE_ALL_FILES) == 0)
    {
      fine = add_paths (rules, wanted->readable, TO_READ & ruleset->files)
             && add_paths (rules, wanted->writable, TO_WRITE & ruleset->files)
             && add_paths (rules, wanted->listable, FS_READ_DIR)
             && add_paths (rules, wanted->prunable, FS_REMOVE_DIR)
             && ((wanted->flags & ESP_CONFINE_DEVICES) == 0
                 || add_devices (rules, TO_DRIVE & ruleset->files));
    }

  if (!fine && rules >= 0)
    {
      int reason = errno;

      close (rules);
      errno = reason;
      rules = -1;
    }
  return rules;
}

EspStatus
esp_landlock_apply (const EspConfinement *wanted, bool *done, EspError *error)
{
  long abi = syscall (NR_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
  Ruleset ruleset;
  int rules, reason;

  *done = false;
  if (abi < 1)
    return ESP_OK;

  ruleset = everything (abi);
  if ((wanted->flags & ESP_CONFINE_ALL_FILES) != 0)
    ruleset.files = FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_BLOCK;

  rules = make_rules (wanted, &ruleset);
  reason = errno;
  if (rules >= 0)
    {
      *done = syscall (NR_RESTRICT_SELF, rules, 0) == 0;
      reason = errno;
      close (rules);
    }

  /* E2BIG: as many sandboxes around this one as the kernel can count. */
  if (!*done && reason != E2BIG)
    return esp_error_set (error, reason == ENOMEM ? ESP_ERROR_MEMORY : ESP_ERROR_UNSUPPORTED,
                          "Landlock: the files cannot be confined: %s", strerror (reason));

  *done = *done && (wanted->flags & ESP_CONFINE_ALL_FILES) == 0;
  return ESP_OK;
}
