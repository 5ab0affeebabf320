/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-decoder"
#define _GNU_SOURCE  /* close_range () */

#include "decoder-jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/sanitized.h"
#include "decoder-job.h"

enum
{
  CONTROL, /* standard input: jobs */
  ENDED,   /* children that have */
  FIRST_JOB,
};

typedef struct
{
  const DecoderWork *work;
  GArray *files; /* of struct pollfd: CONTROL, ENDED, then the socket of each running job */
  GArray *pids;  /* of pid_t, in the same order; 0 for the first two */
  sigset_t mask; /* as it was at the start */
} Jobs;

static struct pollfd *
get_file (Jobs *self, guint i)
{
  return &g_array_index (self->files, struct pollfd, i);
}

static pid_t
get_pid (Jobs *self, guint i)
{
  return g_array_index (self->pids, pid_t, i);
}

static void
add (Jobs *self, int fd, short events, pid_t pid)
{
  const struct pollfd file = { .fd = fd, .events = events };

  g_array_append_val (self->files, file);
  g_array_append_val (self->pids, pid);
}

/* A message, the name behind it, and three descriptors. */
typedef struct
{
  EspDecoderJob job;
  char name[ESP_DECODER_NAME_MAX];
} Message;

/* Takes a message; 0: the other end is closed; -1: one that makes no sense, of which nothing is
 * left. */
static int
receive (Message *message, int descriptors[3])
{
  struct iovec parts[]
      = { { &message->job, sizeof message->job }, { message->name, sizeof message->name } };
  union
  {
    struct cmsghdr align;
    char room[CMSG_SPACE (3 * sizeof (int))];
  } control;
  struct msghdr header = { .msg_iov = parts,
                           .msg_iovlen = G_N_ELEMENTS (parts),
                           .msg_control = &control,
                           .msg_controllen = sizeof control.room };
  struct cmsghdr *rights;
  ssize_t n;

  do
    n = recvmsg (CONTROL, &header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return 0;
  rights = CMSG_FIRSTHDR (&header);
  if (rights == NULL || rights->cmsg_type != SCM_RIGHTS
      || rights->cmsg_len != CMSG_LEN (3 * sizeof (int)))
    return -1;
  memcpy (descriptors, CMSG_DATA (rights), 3 * sizeof (int));
  if ((gsize) n < sizeof message->job || message->job.magic != ESP_DECODER_JOB
      || message->job.name_size != (gsize) n - sizeof message->job || message->job.name_size == 0
      || message->name[message->job.name_size - 1] != '\0')
    {
      for (guint i = 0; i < 3; i++)
        close (descriptors[i]);
      return -1;
    }
  return 1;
}

/* The descriptors to their places, all others closed. */
static void
settle (const int descriptors[3])
{
  int safe[3];
  const int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  /* First out of the way of each other. */
  for (guint i = 0; i < 3; i++)
    safe[i] = fcntl (descriptors[i], F_DUPFD, DECODER_JOB_N_DESCRIPTORS);
  dup2 (null, STDIN_FILENO);
  dup2 (null, STDOUT_FILENO);
  /* A sanitizer has something to say on standard error; else what a stranger's file may have taken
   * over shall not write to the terminal. */
  if (!ESP_SANITIZED)
    dup2 (null, STDERR_FILENO);
  for (guint i = 0; i < 3; i++)
    dup2 (safe[i], DECODER_JOB_SOCKET + (int) i);
  close_range (DECODER_JOB_N_DESCRIPTORS, ~0U, 0);
}

/* In the job's process; does not return. */
static void
become_job (Jobs *self, const Message *message, const int descriptors[3], pid_t parent)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent)
    _exit (1);
  prctl (PR_SET_NAME, "decoder-job");
  settle (descriptors);
  sigprocmask (SIG_SETMASK, &self->mask, NULL);
  if (message->job.nice > getpriority (PRIO_PROCESS, 0))
    setpriority (PRIO_PROCESS, 0, message->job.nice);
  self->work->run (&message->job, message->name);
  /* Nothing is tidied up: what was taken over could do harm there, and LeakSanitizer would want to
   * start a process. */
  _exit (0);
}

static gboolean
start_job (Jobs *self)
{
  static Message message;
  const pid_t parent = getpid ();
  int descriptors[3];
  const int got = receive (&message, descriptors);
  pid_t pid;

  if (got <= 0)
    return got < 0;
  self->work->prepare (&message.job);
  pid = fork ();
  if (pid == 0)
    become_job (self, &message, descriptors, parent);
  if (pid > 0)
    /* POLLHUP comes without being asked for: nobody wants to know the answer any more. */
    add (self, descriptors[0], 0, pid);
  else
    close (descriptors[0]); /* which says it */
  close (descriptors[1]);
  close (descriptors[2]);
  return TRUE;
}

static void
end_job (Jobs *self, guint i, int status)
{
  const EspDecoderEnd end = { ESP_DECODER_END, status };
  const int polled = get_file (self, i)->fd;
  const int fd = polled >= 0 ? polled : ~polled;

  (void) send (fd, &end, sizeof end, MSG_NOSIGNAL | MSG_DONTWAIT);
  close (fd);
  g_array_remove_index (self->files, i);
  g_array_remove_index (self->pids, i);
}

static void
reap (Jobs *self)
{
  struct signalfd_siginfo unused;
  pid_t pid;
  int status;

  (void) !read (get_file (self, ENDED)->fd, &unused, sizeof unused);
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    for (guint i = FIRST_JOB; i < self->pids->len; i++)
      if (get_pid (self, i) == pid)
        {
          end_job (self, i, status);
          break;
        }
}

/* Kills what nobody waits for; the kernel says when it has ended. */
static void
look_for_abandoned (Jobs *self)
{
  for (guint i = FIRST_JOB; i < self->files->len; i++)
    if (get_file (self, i)->revents != 0)
      {
        kill (get_pid (self, i), SIGKILL);
        get_file (self, i)->fd = ~get_file (self, i)->fd; /* poll() passes over it */
      }
}

static void
kill_all (Jobs *self)
{
  for (guint i = FIRST_JOB; i < self->pids->len; i++)
    kill (get_pid (self, i), SIGKILL);
}

int
decoder_jobs_run (const DecoderWork *work)
{
  Jobs self = { .work = work };
  sigset_t child;
  gboolean more = TRUE;

  self.files = g_array_new (FALSE, FALSE, sizeof (struct pollfd));
  self.pids = g_array_new (FALSE, FALSE, sizeof (pid_t));
  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  sigprocmask (SIG_BLOCK, &child, &self.mask);
  add (&self, CONTROL, POLLIN, 0);
  add (&self, signalfd (-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0);

  while (more)
    {
      if (poll ((struct pollfd *) (void *) self.files->data, self.files->len, -1) < 0)
        {
          if (errno == EINTR)
            continue;
          break;
        }
      look_for_abandoned (&self);
      if (get_file (&self, CONTROL)->revents != 0)
        more = start_job (&self);
      if (get_file (&self, ENDED)->revents != 0)
        reap (&self);
    }
  kill_all (&self);
  return 0;
}
