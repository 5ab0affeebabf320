/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hostile-decoder.c: espalier-decoder as it would be if a picture had taken it over: confined as
 * the real one, it then does what its file says: "P6\n!", a word and whatever that needs. Files
 * that do not are read as ever. What it could do is in the error that it answers with; see
 * test-decoder.c. */
#define _GNU_SOURCE
#include "decoder-job.h"
#include "decoder-jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/confine.h"
#include "confine/sanitized.h"
#include "esp-decode.h"
#include "esp-sealed-memory.h"

#ifndef HOSTILE_FLAGS
#define HOSTILE_FLAGS 0
#endif

/* ---- what it reaches for; what worked is named */

typedef struct
{
  GString *worked;
  int program;  /* process id of who started the decoder */
  char *folder; /* a folder that is anybody's to write to, with the file "there" in it */
} Attempt;

static void
tried (Attempt *self, const char *what, gboolean worked)
{
  if (worked)
    g_string_append_printf (self->worked, "%s%s", self->worked->len > 0 ? ", " : "", what);
}

static gboolean
can_open (const char *path, int flags)
{
  return open (path, flags | O_CLOEXEC, 0600) >= 0;
}

static void
try_files (Attempt *self)
{
  static const char *const devices[] = { "/dev/mem", "/dev/tty", "/dev/shm/espalier-hostile" };
  g_autofree char *memory = g_strdup_printf ("/proc/%d/mem", self->program);
  g_autofree char *decoder = g_strdup_printf ("/proc/%d/mem", (int) getppid ());
  g_autofree char *there = g_build_filename (self->folder, "there", NULL);
  g_autofree char *new = g_build_filename (self->folder, "new", NULL);
  DIR *root = opendir ("/");

  tried (self, "open /etc/passwd", can_open ("/etc/passwd", O_RDONLY));
  tried (self, "open home", g_getenv ("HOME") != NULL && can_open (g_getenv ("HOME"), O_RDONLY));
  tried (self, "list /", root != NULL && readdir (root) != NULL);
  tried (self, "read memory of the program", can_open (memory, O_RDONLY));
  tried (self, "write memory of the program", can_open (memory, O_RDWR));
  tried (self, "write memory of the decoder", can_open (decoder, O_RDWR));
  tried (self, "read a file", can_open (there, O_RDONLY));
  tried (self, "write a file", can_open (there, O_WRONLY));
  tried (self, "empty a file", truncate (there, 0) == 0);
  tried (self, "make a file", can_open (new, O_CREAT | O_WRONLY));
  tried (self, "make a nameless file", can_open (self->folder, O_TMPFILE | O_RDWR));
  tried (self, "make a folder", mkdir (new, 0700) == 0);
  tried (self, "make a link", symlink (there, new) == 0 || link (there, new) == 0);
  tried (self, "make a pipe", mkfifo (new, 0600) == 0);
  tried (self, "rename", rename (there, new) == 0);
  tried (self, "remove", unlink (there) == 0);
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    tried (self, devices[i], can_open (devices[i], O_RDWR | O_CREAT));
  for (int fd = DECODER_JOB_N_DESCRIPTORS; fd < 1024; fd++)
    if (fcntl (fd, F_GETFD) >= 0 && root == NULL)
      tried (self, "a descriptor of somebody else's", TRUE);
}

static void
try_sockets (Attempt *self)
{
  static const int families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK };
  static const char *const names[] = { "IPv4", "IPv6", "Unix", "netlink", "packet", "vsock" };
  struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0espalier-hostile" };
  char data[1] = { 0 };
  struct iovec part = { data, 1 };
  union
  {
    struct cmsghdr align;
    char room[CMSG_SPACE (sizeof (int))];
  } control = { 0 };
  struct msghdr message = { .msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control.room };
  int pair[2];

  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autofree char *what = g_strdup_printf ("a socket (%s)", names[i]);

      tried (self, what,
             socket (families[i], SOCK_STREAM, 0) >= 0 || socket (families[i], SOCK_DGRAM, 0) >= 0
                 || socket (families[i], SOCK_RAW, 0) >= 0);
    }
  tried (self, "a pair of sockets", socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  /* The one socket that it has. */
  tried (self, "connect",
         connect (DECODER_JOB_SOCKET, (struct sockaddr *) &abstract, sizeof abstract) == 0);
  tried (self, "bind",
         bind (DECODER_JOB_SOCKET, (struct sockaddr *) &abstract, sizeof (sa_family_t) + 8) == 0);
  CMSG_FIRSTHDR (&message)->cmsg_level = SOL_SOCKET;
  CMSG_FIRSTHDR (&message)->cmsg_type = SCM_RIGHTS;
  CMSG_FIRSTHDR (&message)->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (CMSG_FIRSTHDR (&message)), &(int){ DECODER_JOB_RESULT }, sizeof (int));
  tried (self, "send descriptors", sendmsg (DECODER_JOB_SOCKET, &message, MSG_NOSIGNAL) >= 0);
}

static void *
do_nothing (void *data)
{
  return data;
}

static void
try_processes (Attempt *self)
{
  char word[] = "true";
  char *const arguments[] = { word, NULL };
  struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
  struct iovec own = { &limit, 8 }, other = { (void *) 4096, 8 };
  const long argument[8] = { SIGCHLD };
  pthread_t thread;
  pid_t pid;

  /* Of these LeakSanitizer has need. */
  if (!ESP_SANITIZED)
    {
      pid = fork ();
      if (pid == 0)
        _exit (0);
      tried (self, "fork", pid > 0);
      tried (self, "clone3", syscall (SYS_clone3, argument, sizeof argument) > 0);
      tried (self, "ptrace", ptrace (PTRACE_ATTACH, self->program, NULL, NULL) == 0);
      tried (self, "a thread", pthread_create (&thread, NULL, do_nothing, NULL) == 0);
    }
  execv ("/bin/true", arguments); /* if it works nobody answers */
  tried (self, "signal the program", kill (self->program, 0) == 0);
  tried (self, "signal the decoder", kill (getppid (), 0) == 0);
  tried (self, "signal all", kill (-1, 0) == 0);
  tried (self, "signal a thread", syscall (SYS_tgkill, self->program, self->program, 0) == 0);
  tried (self, "open a process", syscall (SYS_pidfd_open, self->program, 0) >= 0);
  tried (self, "read a process",
         process_vm_readv (self->program, &own, 1, &other, 1, 0) >= 0 || errno == EFAULT);
  tried (self, "a new session", setsid () >= 0);
  tried (self, "more processor time", setrlimit (RLIMIT_CPU, &limit) == 0);
  tried (self, "less nice", setpriority (PRIO_PROCESS, 0, -20) == 0);
  tried (self, "more memory", !ESP_SANITIZED && setrlimit (RLIMIT_AS, &limit) == 0);
  tried (self, "larger files", setrlimit (RLIMIT_FSIZE, &limit) == 0);
  tried (self, "more files", setrlimit (RLIMIT_NOFILE, &limit) == 0);
}

static void
try_kernel (Attempt *self)
{
  char parameters[256] = { 0 };

  tried (self, "io_uring", syscall (SYS_io_uring_setup, 8, parameters) >= 0);
  tried (self, "bpf", syscall (SYS_bpf, 5, parameters, sizeof parameters) >= 0);
  tried (self, "userfaultfd", syscall (SYS_userfaultfd, 0) >= 0);
  tried (self, "perf", syscall (SYS_perf_event_open, parameters, 0, -1, -1, 0) >= 0);
  tried (self, "the key ring", syscall (SYS_add_key, "user", "espalier", "x", 1, -1) >= 0);
  tried (self, "shared memory", shmget (IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0);
  tried (self, "namespaces", unshare (CLONE_NEWUSER) == 0);
  tried (self, "type into the terminal", syscall (SYS_ioctl, 0, 0x5412, "x") == 0);
  tried (self, "undo the filter", prctl (PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
  tried (self, "write to the file", pwrite (DECODER_JOB_FILE, "x", 1, 0) == 1);
  tried (self, "resize the file", ftruncate (DECODER_JOB_FILE, 0) == 0);
}

static void
try_memory (Attempt *self)
{
  gsize had = 0;

  if (ESP_SANITIZED)
    return;
  /* Without touching it: what counts is address space. */
  while (had < ((gsize) 64 << 30)
         && mmap (NULL, (gsize) 256 << 20, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                != MAP_FAILED)
    had += (gsize) 256 << 20;
  tried (self, "eat memory", had > ((gsize) 8 << 30));
  for (guint i = 0; i < 4096; i++)
    if (memfd_create ("eaten", 0) < 0)
      return;
  tried (self, "eat descriptors", TRUE);
}

static void
refuse_with (const char *message)
{
  g_autoptr (GError) error
      = g_error_new_literal (ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED, message);

  decoder_job_refuse (error);
}

static void
try_all (const char *rest, const DecoderConfined *confined)
{
  g_auto (GStrv) words = g_strsplit (rest, " ", 2);
  const int flags = HOSTILE_FLAGS;
  const gboolean wants_landlock = (flags & ESP_CONFINE_NO_LANDLOCK) == 0;
  Attempt self = { g_string_new (NULL), atoi (words[0]), words[1] };

  tried (&self, "run without seccomp", !confined->calls);
  tried (&self, "run without Landlock", !confined->files && wants_landlock);
  try_files (&self);
  try_sockets (&self);
  try_processes (&self);
  try_kernel (&self);
  try_memory (&self);
  refuse_with (self.worked->len > 0 ? self.worked->str : "nothing");
}

/* ---- lies */

typedef struct
{
  EspDecoderAnswer head;
  char texts[ESP_DECODER_MESSAGE_MAX * 2];
} Lie;

static void
tell (const void *message, gsize size)
{
  (void) !write (DECODER_JOB_SOCKET, message, size);
}

/* A picture of 4 × 4 pixels of 7 in the result, and an answer that says so. */
static Lie *
make_truth (void)
{
  Lie *lie = g_new0 (Lie, 1);
  guint8 pixels[48];

  memset (pixels, 7, sizeof pixels);
  (void) !pwrite (DECODER_JOB_RESULT, pixels, sizeof pixels, 0);
  lie->head = (EspDecoderAnswer){ .magic = ESP_DECODER_ANSWER,
                                  .width = 4,
                                  .height = 4,
                                  .size = 48,
                                  .format = 1,
                                  .orientation = 1,
                                  .bits = 8,
                                  .texts_size = 3 };
  return lie;
}

static void
tell_lie (const Lie *lie)
{
  tell (lie, sizeof lie->head + lie->head.texts_size);
}

/* An error with these words. */
static void
tell_words (Lie *lie, const char *words, gsize size)
{
  lie->head.outcome = 1 + ESP_IMAGE_ERROR_DAMAGED;
  lie->head.width = lie->head.height = 0;
  lie->head.size = 0;
  memcpy (lie->texts, words, size);
  lie->head.texts_size = (guint32) size + 2;
  tell_lie (lie);
}

static void
lie_about (const char *what)
{
  Lie *lie = make_truth ();

  if (g_str_equal (what, "nothing"))
    tell_lie (lie);
  else if (g_str_equal (what, "size"))
    {
      lie->head.size = 49;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "memory")) /* more than there is */
    {
      lie->head.width = lie->head.height = 400;
      lie->head.size = 480000;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "sides"))
    {
      lie->head.width = lie->head.height = 30000;
      lie->head.size = (guint64) 30000 * 30000 * 3;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "negative"))
    {
      lie->head.width = -4;
      lie->head.height = -4;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "outcome"))
    {
      lie->head.outcome = 77;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "format"))
    {
      lie->head.format = 1000;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "orientation"))
    {
      lie->head.orientation = 9;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "flags"))
    {
      lie->head.flags = 0x80000000;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "utf-8"))
    tell_words (lie, "\xff\xfe", 3);
  else if (g_str_equal (what, "control"))
    tell_words (lie, "\x1b[2Jhidden", 11);
  else if (g_str_equal (what, "unended"))
    tell_words (lie, "no end here", 9);
  else if (g_str_equal (what, "warnings"))
    {
      lie->head.n_warnings = 4000;
      lie->head.texts_size = 3 + 8000;
      for (guint i = 0; i < 8000; i += 2)
        memcpy (lie->texts + 3 + i, "w", 2);
      tell_lie (lie);
    }
  else if (g_str_equal (what, "fewer-warnings"))
    {
      lie->head.n_warnings = 2;
      lie->head.texts_size = 3 + 2;
      memcpy (lie->texts + 3, "w", 2);
      tell_lie (lie);
    }
  else if (g_str_equal (what, "length"))
    {
      memset (lie->texts, 'x', sizeof lie->texts);
      lie->head.texts_size = sizeof lie->texts - 1;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "short"))
    tell (lie, 7);
  else if (g_str_equal (what, "magic"))
    {
      lie->head.magic = 0;
      tell_lie (lie);
    }
  else if (g_str_equal (what, "end")) /* the decoder's own word */
    tell (&(EspDecoderEnd){ ESP_DECODER_END, 0 }, sizeof (EspDecoderEnd));
  else if (g_str_equal (what, "mapped")) /* to be written to later */
    {
      volatile guint8 *pixels
          = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, DECODER_JOB_RESULT, 0);

      tell_lie (lie);
      for (;;)
        pixels[0]++;
    }
  else if (g_str_equal (what, "shrink"))
    {
      tell_lie (lie);
      for (;;)
        (void) !ftruncate (DECODER_JOB_RESULT, 0);
    }
  else if (g_str_equal (what, "scribble"))
    {
      tell_lie (lie);
      for (;;)
        (void) !pwrite (DECODER_JOB_RESULT, "\x09\x09\x09", 3, 0);
    }
  else if (g_str_equal (what, "flood"))
    for (;;)
      tell_lie (lie);
  g_free (lie);
}

/* ---- how it can end */

static volatile int sink;

static void
end_by (const char *what)
{
  signal (SIGSEGV, SIG_DFL);
  signal (SIGABRT, SIG_DFL);
  if (g_str_equal (what, "spinning"))
    for (;;)
      sink++;
  else if (g_str_equal (what, "sleeping"))
    for (;;)
      pause ();
  else if (g_str_equal (what, "crashing"))
    raise (SIGSEGV);
  else if (g_str_equal (what, "aborting"))
    abort ();
  else if (g_str_equal (what, "trapping"))
    raise (SIGTRAP);
  else if (g_str_equal (what, "writing")) /* more than any result may have */
    (void) !ftruncate (DECODER_JOB_RESULT, (off_t) 1 << 40);
  else if (g_str_equal (what, "leaving"))
    _exit (0);
  else if (g_str_equal (what, "hiding"))
    {
      close (DECODER_JOB_SOCKET);
      for (;;)
        pause ();
    }
}

static void
prepare (const EspDecoderJob *job)
{
  esp_decode_prepare (job->kind);
}

static void
run (const EspDecoderJob *job, const char *name)
{
  static const char mark[] = "P6\n!";
  DecoderConfined confined;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) file = esp_sealed_memory_map (DECODER_JOB_FILE, job->size);
  g_autofree char *text = g_strndup (g_bytes_get_data (file, NULL), job->size);
  g_auto (GStrv) words = NULL;

  if (!decoder_job_confine (job, HOSTILE_FLAGS, &confined, &error))
    {
      decoder_job_refuse (error);
      return;
    }
  if (!g_str_has_prefix (text, mark))
    {
      decoder_job_run (job, name);
      return;
    }
  words = g_strsplit (text + strlen (mark), " ", 2);
  if (g_str_equal (words[0], "try"))
    try_all (words[1], &confined);
  else if (g_str_equal (words[0], "lie"))
    lie_about (words[1]);
  else if (g_str_equal (words[0], "end"))
    end_by (words[1]);
}

int
main (void)
{
  static const DecoderWork work = { prepare, run };

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGPIPE, SIG_IGN);
  _exit (decoder_jobs_run (&work));
}
