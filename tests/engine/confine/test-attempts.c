/* SPDX-License-Identifier: MIT */
/* Everything that a confined process shall not do, tried in one: with Landlock and seccomp, and
 * with each alone. Each is tried unconfined first, so that what the test does would work at all. */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/sanitized.h"
#include "confined-child.h"

#define ABSTRACT_NAME "espalier-test-confine"

static int tcp_port;
static char words[8] = "secret";

/* --- Files ------------------------------------------------------------------------------------ */

static bool
can_open (const char *path, int flags)
{
  int file = open (path, flags | O_CLOEXEC, 0600);

  return file >= 0 && close (file) == 0;
}

static bool
read_elsewhere (void)
{
  return can_open (scratch ("elsewhere/file"), O_RDONLY);
}

static bool
read_through_a_link (void)
{
  return can_open (scratch ("writable/link"), O_RDONLY);
}

static bool
list_elsewhere (void)
{
  DIR *entries = opendir (scratch ("elsewhere"));

  return entries != NULL && closedir (entries) == 0;
}

static bool
write_elsewhere (void)
{
  return can_open (scratch ("elsewhere/file"), O_WRONLY);
}

static bool
make_elsewhere (void)
{
  return can_open (scratch ("elsewhere/new"), O_WRONLY | O_CREAT);
}

static bool
truncate_elsewhere (void)
{
  return truncate (scratch ("elsewhere/file"), 3) == 0;
}

static bool
remove_elsewhere (void)
{
  return unlink (scratch ("elsewhere/victim")) == 0;
}

static bool
rename_out (void)
{
  return rename (scratch ("writable/file"), scratch ("elsewhere/taken")) == 0
         && rename (scratch ("elsewhere/taken"), scratch ("writable/file")) == 0;
}

static bool
write_what_may_be_read (void)
{
  return can_open (scratch ("readable/file"), O_WRONLY);
}

static bool
make_where_may_be_read (void)
{
  return can_open (scratch ("readable/new"), O_WRONLY | O_CREAT);
}

static bool
make_a_link (void)
{
  unlink (scratch ("writable/second"));
  return symlink ("/etc", scratch ("writable/second")) == 0;
}

static bool
make_a_pipe (void)
{
  unlink (scratch ("writable/pipe"));
  return mkfifo (scratch ("writable/pipe"), 0600) == 0;
}

static bool
open_memory_of_parent (void)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%d/mem", (int) getppid ());
  return can_open (path, O_RDWR);
}

static bool
open_environment_of_parent (void)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%d/environ", (int) getppid ());
  return can_open (path, O_RDONLY);
}

/* --- Sockets ---------------------------------------------------------------------------------- */

static bool
has_socket (int family, int type, int protocol)
{
  int file = socket (family, type | SOCK_CLOEXEC, protocol);

  return file >= 0 && close (file) == 0;
}

static bool
socket_inet (void)
{
  return has_socket (AF_INET, SOCK_STREAM, 0);
}

static bool
socket_inet_datagrams (void)
{
  return has_socket (AF_INET, SOCK_DGRAM, 0);
}

static bool
socket_inet6 (void)
{
  return has_socket (AF_INET6, SOCK_STREAM, 0);
}

static bool
socket_unix (void)
{
  return has_socket (AF_UNIX, SOCK_STREAM, 0);
}

static bool
socket_netlink (void)
{
  return has_socket (AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static bool
socket_packet (void)
{
  return has_socket (AF_PACKET, SOCK_RAW, 0);
}

static bool
socket_vsock (void)
{
  return has_socket (AF_VSOCK, SOCK_STREAM, 0);
}

static bool
socket_alg (void)
{
  return has_socket (AF_ALG, SOCK_SEQPACKET, 0);
}

static bool
socket_pair (void)
{
  int files[2];

  return socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, files) == 0;
}

static bool
connect_to_a_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) tcp_port) };
  int file = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return file >= 0 && connect (file, (struct sockaddr *) &address, sizeof address) == 0;
}

static bool
listen_on_a_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  int file = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  return file >= 0 && bind (file, (struct sockaddr *) &address, sizeof address) == 0
         && listen (file, 1) == 0;
}

static socklen_t
abstract_address (struct sockaddr_un *address)
{
  *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  snprintf (address->sun_path + 1, sizeof address->sun_path - 1, ABSTRACT_NAME "-%s",
            strrchr (scratch (""), '-') + 1);
  return (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 + strlen (address->sun_path + 1));
}

static bool
connect_to_an_abstract_socket (void)
{
  struct sockaddr_un address;
  socklen_t size = abstract_address (&address);
  int file = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  return file >= 0 && connect (file, (struct sockaddr *) &address, size) == 0;
}

static bool
reach_in_a_folder (int type, const char *name, bool connects)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int file = socket (AF_UNIX, type | SOCK_CLOEXEC, 0);

  snprintf (address.sun_path, sizeof address.sun_path, "%s", scratch (name));
  if (file < 0)
    return false;
  return connects ? connect (file, (struct sockaddr *) &address, sizeof address) == 0
                  : sendto (file, "x", 1, 0, (struct sockaddr *) &address, sizeof address) == 1;
}

static bool
connect_to_a_socket_in_a_folder (void)
{
  return reach_in_a_folder (SOCK_STREAM, "stream", true);
}

static bool
send_to_a_socket_in_a_folder (void)
{
  return reach_in_a_folder (SOCK_DGRAM, "log", false);
}

/* --- Programs, processes, the kernel ---------------------------------------------------------- */

static bool
run_a_program (void)
{
  char *arguments[] = { "true", NULL }, *environment[] = { NULL };

  execve ("/bin/true", arguments, environment);
  return false;
}

static bool
run_a_program_from_memory (void)
{
  char *arguments[] = { "true", NULL }, *environment[] = { NULL };
  char bytes[4096];
  int program = open ("/bin/true", O_RDONLY | O_CLOEXEC), copy = memfd_create ("true", 0);

  for (ssize_t count = read (program, bytes, sizeof bytes); count > 0;
       count = read (program, bytes, sizeof bytes))
    if (write (copy, bytes, (size_t) count) != count)
      return false;
  syscall (SYS_execveat, copy, "", arguments, environment, AT_EMPTY_PATH);
  return false;
}

static bool
start_a_process (void)
{
  pid_t child = fork ();

  if (child == 0)
    _exit (0);
  return child > 0 && waitpid (child, NULL, 0) == child;
}

static bool
signal_the_parent (void)
{
  return kill (getppid (), 0) == 0;
}

static bool
signal_every_process (void)
{
  return kill (-1, 0) == 0;
}

static bool
trace_the_parent (void)
{
  pid_t parent = getppid ();

  /* Seized, not attached: it need not stop, since it waits for this one. */
  return ptrace (PTRACE_SEIZE, parent, NULL, NULL) == 0;
}

static bool
read_memory_of_parent (void)
{
  char copy[sizeof words];
  struct iovec here = { copy, sizeof copy }, there = { words, sizeof words };

  return process_vm_readv (getppid (), &here, 1, &there, 1, 0) == sizeof words;
}

static bool
mount_something (void)
{
  return mount ("none", scratch ("writable"), "tmpfs", 0, NULL) == 0
         && umount (scratch ("writable")) == 0;
}

static bool
leave_for_a_namespace (void)
{
  return unshare (CLONE_NEWUSER) == 0;
}

static bool
use_io_uring (void)
{
  char parameters[512] = { 0 };

  return syscall (425, 4, parameters) >= 0;
}

static bool
use_bpf (void)
{
  /* BPF_MAP_CREATE of an array of one. */
  uint32_t attributes[32] = { 2, 4, 4, 1 };

  return syscall (SYS_bpf, 0, attributes, sizeof attributes) >= 0;
}

static bool
use_userfaultfd (void)
{
  return syscall (SYS_userfaultfd, O_CLOEXEC) >= 0;
}

static bool
use_keys (void)
{
  /* KEYCTL_GET_KEYRING_ID of the session. */
  return syscall (SYS_keyctl, 0, -3, 1) != -1;
}

static bool
watch_performance (void)
{
  /* The processor's time of this process. */
  uint32_t attributes[32] = { 1, 128 };

  return syscall (SYS_perf_event_open, attributes, 0, -1, -1, 0) >= 0;
}

static bool
confine_oneself_otherwise (void)
{
  uint32_t action = 0x7fff0000;

  return syscall (SYS_seccomp, 2, 0, &action) == 0;
}

/* --- The table -------------------------------------------------------------------------------- */

enum
{
  BY_LANDLOCK = 1,
  BY_SECCOMP = 2,
  BY_BOTH = BY_LANDLOCK | BY_SECCOMP,
};

static const struct
{
  const char *name;
  TryFunc func;
  int by;          /* which of the two refuses it, each by itself */
  long abi;        /* Landlock's that does */
  bool privileged; /* may be refused to the unconfined, or be missing from the kernel */
  bool sanitizers; /* of which sanitizers need so much that seccomp lets it through */
  bool devices;    /* of which drivers do */
} attempts[] = {
  { "read a file elsewhere", read_elsewhere, BY_LANDLOCK, 1 },
  { "read a file through a link", read_through_a_link, BY_LANDLOCK, 1 },
  { "list a folder elsewhere", list_elsewhere, BY_LANDLOCK, 1 },
  { "write a file elsewhere", write_elsewhere, BY_LANDLOCK, 1 },
  { "make a file elsewhere", make_elsewhere, BY_LANDLOCK, 1 },
  { "cut a file elsewhere", truncate_elsewhere, BY_LANDLOCK, 3 },
  { "remove a file elsewhere", remove_elsewhere, BY_LANDLOCK, 1 },
  { "rename a file to elsewhere", rename_out, BY_LANDLOCK, 1 },
  { "write what may be read", write_what_may_be_read, BY_LANDLOCK, 1 },
  { "make a file where may be read", make_where_may_be_read, BY_LANDLOCK, 1 },
  { "make a link", make_a_link, BY_BOTH, 1 },
  { "make a named pipe", make_a_pipe, BY_BOTH, 1 },
  { "open the parent's memory", open_memory_of_parent, BY_LANDLOCK, 1, true },
  { "open the parent's environment", open_environment_of_parent, BY_LANDLOCK, 1 },
  { "socket: IPv4", socket_inet, BY_SECCOMP },
  { "socket: IPv4, datagrams", socket_inet_datagrams, BY_SECCOMP },
  { "socket: IPv6", socket_inet6, BY_SECCOMP, 0, true },
  { "socket: local", socket_unix, BY_SECCOMP, 0, false, false, true },
  { "socket: netlink", socket_netlink, BY_SECCOMP },
  { "socket: packets", socket_packet, BY_SECCOMP, 0, true },
  { "socket: virtual machine", socket_vsock, BY_SECCOMP, 0, true },
  { "socket: the kernel's ciphers", socket_alg, BY_SECCOMP, 0, true },
  { "sockets: a pair", socket_pair, BY_SECCOMP, 0, false, false, true },
  { "connect to a port", connect_to_a_port, BY_BOTH, 4 },
  { "listen on a port", listen_on_a_port, BY_SECCOMP },
  { "connect to an abstract socket", connect_to_an_abstract_socket, BY_BOTH, 6 },
  { "connect to a socket in a folder", connect_to_a_socket_in_a_folder, BY_SECCOMP },
  { "send to a socket in a folder", send_to_a_socket_in_a_folder, BY_SECCOMP },
  { "run a program", run_a_program, BY_BOTH, 1 },
  { "run a program from memory", run_a_program_from_memory, BY_SECCOMP },
  { "start a process", start_a_process, BY_SECCOMP, 0, false, true },
  { "signal the parent", signal_the_parent, BY_BOTH, 6 },
  { "signal everybody", signal_every_process, BY_SECCOMP },
  { "trace the parent", trace_the_parent, BY_BOTH, 1, true, true },
  { "read the parent's memory", read_memory_of_parent, BY_BOTH, 1, true },
  { "mount", mount_something, BY_BOTH, 1, true },
  { "leave for a namespace", leave_for_a_namespace, BY_SECCOMP, 0, true },
  { "io_uring", use_io_uring, BY_SECCOMP, 0, true },
  { "bpf", use_bpf, BY_SECCOMP, 0, true },
  { "userfaultfd", use_userfaultfd, BY_SECCOMP, 0, true },
  { "keys of the kernel", use_keys, BY_SECCOMP, 0, true },
  { "performance counters", watch_performance, BY_SECCOMP, 0, true },
  { "seccomp", confine_oneself_otherwise, BY_SECCOMP, 0, true },
};

static const char *readable[2], *writable[2];

static EspConfinement
confinement (unsigned flags)
{
  return (EspConfinement){ .readable = readable, .writable = writable, .flags = flags };
}

/* Fails the case with the attempt's name. */
static void
expect (const char *name, TryResult got, TryResult wanted)
{
  if (got == wanted)
    return;
  printf ("# %s: %d, expected %d\n", name, (int) got, (int) wanted);
  check_case_failures++;
}

static void
try_all (unsigned flags)
{
  const EspConfinement wanted = confinement (flags);
  long abi = (flags & ESP_CONFINE_NO_LANDLOCK) != 0 ? 0 : landlock_abi ();

  for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
    {
      bool by_files = (attempts[i].by & BY_LANDLOCK) != 0 && abi >= attempts[i].abi && abi > 0;
      EspConfined held;
      TryResult got = try_confined (&wanted, attempts[i].func, NULL, &held);
      bool by_calls = (attempts[i].by & BY_SECCOMP) != 0 && held.calls
                      && (!ESP_SANITIZED || !attempts[i].sanitizers)
                      && ((flags & ESP_CONFINE_DEVICES) == 0 || !attempts[i].devices);

      if (by_files || by_calls)
        expect (attempts[i].name, got, TRY_DENIED);
      CHECK (held.files == (abi > 0));
      CHECK (!held.calls || (flags & ESP_CONFINE_NO_SECCOMP) == 0);
    }
}

static void
unconfined_they_work (void)
{
  for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
    {
      TryResult got = try_confined (NULL, attempts[i].func, NULL, NULL);

      if (!attempts[i].privileged)
        expect (attempts[i].name, got, TRY_THROUGH);
      else if (got != TRY_THROUGH)
        printf ("# not possible here at all: %s\n", attempts[i].name);
    }
  scratch_write ("elsewhere/file");
  scratch_write ("elsewhere/victim");
  unlink (scratch ("elsewhere/new"));
  unlink (scratch ("readable/new"));
}

static void
landlock_and_seccomp_refuse_them (void)
{
  try_all (0);
  try_all (ESP_CONFINE_THREADS | ESP_CONFINE_DEVICES);
}

static void
seccomp_alone_refuses_them (void)
{
  try_all (ESP_CONFINE_NO_LANDLOCK);
}

static void
landlock_alone_refuses_them (void)
{
  try_all (ESP_CONFINE_NO_SECCOMP);
}

/* After the round in which both held. */
static void
nothing_has_changed (void)
{
  struct stat status;

  if (landlock_abi () == 0)
    return;
  CHECK (stat (scratch ("elsewhere/new"), &status) != 0);
  CHECK (stat (scratch ("elsewhere/victim"), &status) == 0);
  CHECK (stat (scratch ("elsewhere/file"), &status) == 0
         && (status.st_size == 6 || landlock_abi () < 3));
  CHECK (stat (scratch ("readable/new"), &status) != 0);
  CHECK (stat (scratch ("readable/file"), &status) == 0 && status.st_size == 6);
}

/* --- What is asked through other doors ---------------------------------------------------------
 */

static bool
try_to_type (void)
{
  char letter = '\n';

  /* The kernel would say that it is no terminal; what is refused is not asked. */
  return ioctl (open ("/dev/null", O_RDONLY | O_CLOEXEC), 0x5412 /* TIOCSTI */, &letter) == 0
         || errno == ENOTTY;
}

static void
nothing_is_typed_into_the_terminal (void)
{
  const char *const null[] = { "/dev/null", NULL };
  const EspConfinement wanted = { .readable = null, .flags = ESP_CONFINE_DEVICES };
  EspConfined held;
  TryResult got = try_confined (&wanted, try_to_type, NULL, &held);

  CHECK (got == TRY_DENIED || !held.calls);
  CHECK (try_confined (NULL, try_to_type, NULL, NULL) == TRY_THROUGH);
}

#ifdef __x86_64__
static bool
use_the_32_bit_door (void)
{
  long answer;

  /* getpid() of i386, which is write() here. */
  __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20L) : "memory");
  return answer == getpid ();
}

static void
the_32_bit_door_is_closed (void)
{
  const EspConfinement wanted = confinement (0);
  EspConfined held;
  int number = 0;
  TryResult got = try_confined (&wanted, use_the_32_bit_door, &number, &held);

  /* SIGSEGV: a kernel without that door. */
  CHECK (!held.calls || (got == TRY_KILLED && (number == SIGSYS || number == SIGSEGV)));
}
#endif

static bool
call_what_does_not_exist (void)
{
  return syscall (435 /* clone3 */, NULL, 0) >= 0 || errno != ENOSYS;
}

static void
an_unknown_call_looks_like_an_old_kernel (void)
{
  const EspConfinement wanted = confinement (ESP_CONFINE_THREADS);
  EspConfined held;
  TryResult got = try_confined (&wanted, call_what_does_not_exist, NULL, &held);

  CHECK (got == TRY_DENIED || !held.calls);
}

/* --- The other side of the sockets ------------------------------------------------------------ */

static void
listen_in_a_folder (int type, const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int file = socket (AF_UNIX, type | SOCK_CLOEXEC, 0);

  snprintf (address.sun_path, sizeof address.sun_path, "%s", scratch (name));
  if (bind (file, (struct sockaddr *) &address, sizeof address) != 0
      || (type == SOCK_STREAM && listen (file, 64) != 0))
    abort ();
}

static void
listen_for_attempts (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  struct sockaddr_un abstract;
  socklen_t size = sizeof address, abstract_size = abstract_address (&abstract);
  int tcp = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int local = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (bind (tcp, (struct sockaddr *) &address, size) != 0 || listen (tcp, 64) != 0
      || getsockname (tcp, (struct sockaddr *) &address, &size) != 0
      || bind (local, (struct sockaddr *) &abstract, abstract_size) != 0 || listen (local, 64) != 0)
    abort ();
  tcp_port = ntohs (address.sin_port);
  listen_in_a_folder (SOCK_STREAM, "stream");
  listen_in_a_folder (SOCK_DGRAM, "log");
}

int
main (void)
{
  readable[0] = scratch ("readable");
  writable[0] = scratch ("writable");
  mkdir (scratch ("readable"), 0700);
  mkdir (scratch ("writable"), 0700);
  mkdir (scratch ("elsewhere"), 0700);
  scratch_write ("readable/file");
  scratch_write ("writable/file");
  scratch_write ("elsewhere/file");
  scratch_write ("elsewhere/victim");
  if (symlink (scratch ("elsewhere/file"), scratch ("writable/link")) != 0)
    abort ();
  readable[0] = strdup (readable[0]);
  writable[0] = strdup (writable[0]);
  listen_for_attempts ();

  CASE (unconfined_they_work);
  CASE (landlock_and_seccomp_refuse_them);
  CASE (nothing_has_changed);
  CASE (seccomp_alone_refuses_them);
  CASE (landlock_alone_refuses_them);
  CASE (nothing_is_typed_into_the_terminal);
#ifdef __x86_64__
  CASE (the_32_bit_door_is_closed);
#endif
  CASE (an_unknown_call_looks_like_an_old_kernel);

  scratch_remove ();
  return check_done ();
}
