/* SPDX-License-Identifier: MIT */
/* What is listed may be called; what is known to be dangerous is refused with EPERM; everything
 * else, calls that this list is too old for included, with ENOSYS, which the C library takes for an
 * older kernel and does without. */
#define _GNU_SOURCE
#include "confine/system-calls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/sanitized.h"

/* linux/prctl.h of newer kernels: the C library names its mappings with it. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Flags with which a thread is made, and those that would make it anything else than one. */
#define OF_A_THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define NOT_OF_A_THREAD                                                                            \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID      \
   | CLONE_NEWNET | CLONE_PTRACE)

/* Where clone() has its flags. */
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* By name: a library or an architecture that does not know one leaves it out. */
static const char *const allowed[] = {
  /* files that are open */
  "close",
  "close_range",
  "copy_file_range",
  "dup",
  "dup2",
  "dup3",
  "fadvise64",
  "fallocate",
  "fchmod",
  "fcntl",
  "fdatasync",
  "flock",
  "fstat",
  "fstatfs",
  "fsync",
  "ftruncate",
  "getcwd",
  "getdents",
  "getdents64",
  "lseek",
  "lstat",
  "newfstatat",
  "pread64",
  "preadv",
  "preadv2",
  "pwrite64",
  "pwritev",
  "pwritev2",
  "read",
  "readahead",
  "readv",
  "sendfile",
  "stat",
  "statx",
  "sync_file_range",
  "umask",
  "write",
  "writev",
  /* waiting for them */
  "epoll_create1",
  "epoll_ctl",
  "epoll_pwait",
  "epoll_pwait2",
  "epoll_wait",
  "eventfd2",
  "pipe",
  "pipe2",
  "poll",
  "ppoll",
  "pselect6",
  "select",
  /* memory */
  "brk",
  "get_mempolicy",
  "madvise",
  "mbind",
  "membarrier",
  "memfd_create",
  "mincore",
  "mlock",
  "mlock2",
  "mmap",
  "mprotect",
  "mremap",
  "msync",
  "munlock",
  "munmap",
  "set_mempolicy",
  /* threads and what they wait for */
  "exit",
  "exit_group",
  "futex",
  "futex_waitv",
  "get_robust_list",
  "gettid",
  "restart_syscall",
  "rseq",
  "sched_get_priority_max",
  "sched_get_priority_min",
  "sched_getaffinity",
  "sched_getattr",
  "sched_getparam",
  "sched_getscheduler",
  "sched_setaffinity",
  "sched_yield",
  "set_robust_list",
  "set_tid_address",
  /* signals within the process; sent to it: see add_own_process () */
  "alarm",
  "getitimer",
  "pause",
  "rt_sigaction",
  "rt_sigpending",
  "rt_sigprocmask",
  "rt_sigreturn",
  "rt_sigsuspend",
  "rt_sigtimedwait",
  "setitimer",
  "sigaltstack",
  /* time */
  "clock_getres",
  "clock_gettime",
  "clock_nanosleep",
  "gettimeofday",
  "nanosleep",
  "time",
  "timer_create",
  "timer_delete",
  "timer_gettime",
  "timer_settime",
  "timerfd_create",
  "timerfd_settime",
  "times",
  /* what the machine and the process are */
  "arch_prctl",
  "cacheflush",
  "getcpu",
  "getegid",
  "geteuid",
  "getgid",
  "getpgrp",
  "getpid",
  "getppid",
  "getpriority",
  "getrandom",
  "getrlimit",
  "getrusage",
  "getuid",
  "riscv_flush_icache",
  "riscv_hwprobe",
  "sysinfo",
  "uname",
};

/* What is about a file by its name; which ones, Landlock says. fstat() is stat() of no name in the
 * C library, so that is not among them. */
static const char *const naming[] = {
  "access", "chmod",  "creat",    "faccessat", "faccessat2", "fchmodat",  "mkdir",    "mkdirat",
  "open",   "openat", "openat2",  "readlink",  "readlinkat", "rename",    "renameat", "renameat2",
  "rmdir",  "statfs", "truncate", "unlink",    "unlinkat",   "utimensat",
};

/* Named so that they fail with EPERM, which people and programs understand, rather than as if the
 * kernel was old. */
static const char *const refused[] = {
  /* the network, and other processes' sockets */
  "accept",
  "accept4",
  "bind",
  "connect",
  "getpeername",
  "getsockname",
  "getsockopt",
  "listen",
  "recvfrom",
  "recvmmsg",
  "recvmsg",
  "sendmmsg",
  "sendmsg",
  "sendto",
  "setsockopt",
  "shutdown",
  "socket",
  "socketpair",
  /* other programs and processes */
  "execve",
  "execveat",
  "fork",
  "vfork",
  "ptrace",
  "process_madvise",
  "process_vm_readv",
  "process_vm_writev",
  "pidfd_getfd",
  "pidfd_open",
  "pidfd_send_signal",
  "rt_sigqueueinfo",
  "rt_tgsigqueueinfo",
  "tkill",
  "kcmp",
  "setns",
  "unshare",
  "shmget",
  "shmat",
  "shmctl",
  "shmdt",
  "semget",
  "semop",
  "semctl",
  "msgget",
  "msgsnd",
  "msgrcv",
  "mq_open",
  "mq_unlink",
  /* ways around all of this, and large parts of the kernel that nobody here needs */
  "add_key",
  "keyctl",
  "request_key",
  "bpf",
  "perf_event_open",
  "userfaultfd",
  "io_uring_setup",
  "io_uring_enter",
  "io_uring_register",
  "open_by_handle_at",
  "name_to_handle_at",
  "fanotify_init",
  "inotify_init",
  "inotify_init1",
  "acct",
  "chroot",
  "pivot_root",
  "mount",
  "umount2",
  "mount_setattr",
  "move_mount",
  "open_tree",
  "fsopen",
  "fsmount",
  "fspick",
  "fsconfig",
  "swapon",
  "swapoff",
  "quotactl",
  "syslog",
  "reboot",
  "kexec_load",
  "kexec_file_load",
  "init_module",
  "finit_module",
  "delete_module",
  "iopl",
  "ioperm",
  "modify_ldt",
  "personality",
  "seccomp",
  "settimeofday",
  "clock_settime",
  "adjtimex",
  "clock_adjtime",
  "sethostname",
  "setdomainname",
  "setuid",
  "setgid",
  "setreuid",
  "setregid",
  "setresuid",
  "setresgid",
  "setgroups",
  "capset",
  "symlink",
  "symlinkat",
  "link",
  "linkat",
  "mknod",
  "mknodat",
  "chown",
  "fchown",
  "lchown",
  "fchownat",
  "setxattr",
  "lsetxattr",
  "fsetxattr",
  "setpriority",
  "setsid",
  "setpgid",
  "vhangup",
};

/* Of sockets that are there: see add_local_sockets (). */
static const char *const of_local_sockets[] = { "accept",      "accept4",    "bind",
                                                "getsockname", "getsockopt", "listen",
                                                "setsockopt",  "shutdown" };

/* LeakSanitizer looks at the process from a second one that it starts at the end. */
static const char *const of_sanitizers[] = { "clone", "ptrace", "wait4", "personality" };

/* Of prctl(): a thread's name, names of mappings, vector lengths of ARM. */
static const int process_controls[] = {
  PR_SET_NAME,
  PR_GET_NAME,
  PR_SET_VMA,
  PR_GET_DUMPABLE,
  PR_CAPBSET_READ,
#ifdef PR_SVE_GET_VL
  PR_SVE_GET_VL,
#endif
#if ESP_SANITIZED
  /* The second process of LeakSanitizer ends with the one that it looks at. */
  PR_SET_DUMPABLE,
  PR_SET_PTRACER,
  PR_SET_PDEATHSIG,
#endif
};

static int
add_by_name (scmp_filter_ctx filter, uint32_t action, const char *name)
{
  int call = seccomp_syscall_resolve_name (name);

  return call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add (filter, action, call, 0);
}

static int
add_names (scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
  int result = 0;

  for (size_t i = 0; i < count && result == 0; i++)
    result = add_by_name (filter, action, names[i]);
  return result;
}

static bool
is_among (const char *name, const char *const *names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp (names[i], name) == 0)
      return true;

  return false;
}

/* Of what is refused, what this process needs all the same: allowed by one of the functions below.
 */
static bool
is_excepted (const char *name, unsigned flags)
{
  if (ESP_SANITIZED
      && is_among (name, of_sanitizers, sizeof of_sanitizers / sizeof of_sanitizers[0]))
    return true;
  return (flags & ESP_CONFINE_DEVICES) != 0
         && (strcmp (name, "socket") == 0 || strcmp (name, "socketpair") == 0
             || is_among (name, of_local_sockets,
                          sizeof of_local_sockets / sizeof of_local_sockets[0]));
}

static int
add_refused (scmp_filter_ctx filter, unsigned flags)
{
  int result = 0;

  for (size_t i = 0; i < sizeof refused / sizeof refused[0] && result == 0; i++)
    if (!is_excepted (refused[i], flags))
      result = add_by_name (filter, SCMP_ACT_ERRNO (EPERM), refused[i]);
  return result;
}

/* What is about a process may be about this one alone. */
static int
add_own_process (scmp_filter_ctx filter)
{
  const scmp_datum_t own = (scmp_datum_t) getpid ();
  const struct
  {
    int call;
    scmp_datum_t id;
  } calls[] = { { SCMP_SYS (kill), own }, { SCMP_SYS (tgkill), own }, { SCMP_SYS (prlimit64), 0 } };
  int result = 0;

  for (size_t i = 0; i < sizeof calls / sizeof calls[0] && result == 0; i++)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, calls[i].call, 1,
                               SCMP_A0 (SCMP_CMP_MASKED_EQ, UINT32_MAX, calls[i].id));
  for (size_t i = 0; i < sizeof process_controls / sizeof process_controls[0] && result == 0; i++)
    result = seccomp_rule_add (
        filter, SCMP_ACT_ALLOW, SCMP_SYS (prctl), 1,
        SCMP_A0 (SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t) process_controls[i]));
  return result;
}

/* A thread is a clone of a certain kind. clone3() has its flags where no filter can look; the C
 * library goes back to clone() when it is missing. */
static int
add_threads (scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp flags
      = SCMP_CMP (CLONE_FLAGS, SCMP_CMP_MASKED_EQ, OF_A_THREAD | NOT_OF_A_THREAD, OF_A_THREAD);

  return seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1, &flags);
}

/* All of ioctl() but the terminals' requests ('T', 0x54), which could type into the one that the
 * process was started from. The requests of a driver are of no one kind, so: at least one bit of
 * the kind is not as in 'T'. */
static int
add_devices (scmp_filter_ctx filter)
{
  const uint32_t terminal = (uint32_t) TCGETS & 0xff00;
  int result = 0;

  for (uint32_t bit = 0x0100; bit <= 0x8000 && result == 0; bit <<= 1)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (ioctl), 1,
                               SCMP_A1 (SCMP_CMP_MASKED_EQ, bit, ~terminal & bit));
  return result;
}

/* NVIDIA's driver makes local sockets for itself, by which processes that share a card's memory
 * find each other. It may have them; nothing connects, or sends to a name. */
static int
add_local_sockets (scmp_filter_ctx filter)
{
  static const int makers[] = { SCMP_SYS (socket), SCMP_SYS (socketpair) };
  int result = add_names (filter, SCMP_ACT_ALLOW, of_local_sockets,
                          sizeof of_local_sockets / sizeof of_local_sockets[0]);

  for (size_t i = 0; i < sizeof makers / sizeof makers[0] && result == 0; i++)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, makers[i], 1,
                               SCMP_A0 (SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_UNIX));
  return result;
}

static int
fill (scmp_filter_ctx filter, unsigned flags, bool names)
{
  int result = seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

  if (result == 0)
    result = add_names (filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof allowed[0]);
  if (result == 0)
    result = add_names (filter, names ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO (EACCES), naming,
                        sizeof naming / sizeof naming[0]);
  if (result == 0)
    result = add_refused (filter, flags);
  if (result == 0)
    result = add_own_process (filter);
  if (result == 0 && ESP_SANITIZED)
    result = add_names (filter, SCMP_ACT_ALLOW, of_sanitizers,
                        sizeof of_sanitizers / sizeof of_sanitizers[0]);
  else if (result == 0 && (flags & ESP_CONFINE_THREADS) != 0)
    result = add_threads (filter);
  if (result == 0 && (flags & ESP_CONFINE_DEVICES) != 0)
    result = add_local_sockets (filter);
  /* ENOTTY: isatty(), which every stream asks, shall be answered no. */
  if (result == 0)
    result = (flags & ESP_CONFINE_DEVICES) != 0
                 ? add_devices (filter)
                 : seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOTTY), SCMP_SYS (ioctl), 0);
  return result;
}

/* Whether the kernel (or the emulator that stands for it) can do what the filter says. */
static bool
is_there (void)
{
  uint32_t action = SECCOMP_RET_ERRNO;

  return prctl (PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
         && syscall (SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

EspStatus
esp_system_calls_apply (const EspConfinement *wanted, bool names, bool *done, EspError *error)
{
  scmp_filter_ctx filter;
  int result;

  *done = false;
  if (!is_there ())
    return ESP_OK;

  filter = seccomp_init (SCMP_ACT_ERRNO (ENOSYS));
  if (filter == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "seccomp: out of memory");

  /* Kernels before 3.17 cannot; they have no SECCOMP_GET_ACTION_AVAIL either. */
  result = seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (result == 0)
    result = fill (filter, wanted->flags, names);
  if (result == 0)
    result = seccomp_load (filter);
  seccomp_release (filter);

  if (result != 0)
    return esp_error_set (error, result == -ENOMEM ? ESP_ERROR_MEMORY : ESP_ERROR_UNSUPPORTED,
                          "seccomp: the process cannot be confined: %s", strerror (-result));

  *done = true;
  return ESP_OK;
}
