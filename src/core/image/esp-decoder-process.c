/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"
#define _GNU_SOURCE  /* environ */

#include "esp-decoder-process-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <libintl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct _EspDecoderProcess
{
  gatomicrefcount references;
  char *program;
  int control; /* our end of its standard input */

  GMutex mutex;
  GCond cond;
  int other_end; /* of the control socket, until it is started; -1 */
  gboolean is_tried;
  int reason; /* why it could not be started, or 0 */
  pid_t pid;
  gint has_ended; /* atomic */
};

/* All that the decoder is told of our environment: languages, where libraries and loaders are, and
 * what its tests and gdk-pixbuf's own sandbox want. Keys to other people's computers are in there,
 * too. */
static const char *const passed_on[] = {
  "ASAN_OPTIONS",
  "DBUS_SESSION_BUS_ADDRESS",
  "G_DEBUG",
  "GDK_PIXBUF_MODULEDIR",
  "LSAN_OPTIONS",
  "GDK_PIXBUF_MODULE_FILE",
  "HOME",
  "LANG",
  "LANGUAGE",
  "LC_ALL",
  "LC_CTYPE",
  "LC_MESSAGES",
  "LD_LIBRARY_PATH",
  "MALLOC_PERTURB_",
  "PATH",
  "TSAN_OPTIONS",
  "UBSAN_OPTIONS",
  "XDG_DATA_DIRS",
  "XDG_RUNTIME_DIR",
};

static char **
make_environment (void)
{
  GPtrArray *environment = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (passed_on); i++)
    {
      const char *value = g_getenv (passed_on[i]);

      if (value != NULL)
        g_ptr_array_add (environment, g_strdup_printf ("%s=%s", passed_on[i], value));
    }
  g_ptr_array_add (environment, NULL);
  return (char **) g_ptr_array_free (environment, FALSE);
}

/* 0, or an errno value. */
static int
spawn (EspDecoderProcess *self)
{
  const char *translations = bindtextdomain (GETTEXT_PACKAGE, NULL);
  char *arguments[] = { self->program, (char *) (translations != NULL ? translations : ""), NULL };
  g_auto (GStrv) environment = make_environment ();
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  int result;

  sigemptyset (&none);
  sigfillset (&all);
  posix_spawn_file_actions_init (&files);
  posix_spawn_file_actions_adddup2 (&files, self->other_end, STDIN_FILENO);
  posix_spawn_file_actions_addopen (&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_init (&attributes);
  /* A group of its own: Ctrl-C in a terminal is for us, who end the decoder when it is time. */
  posix_spawnattr_setflags (&attributes,
                            POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setsigdefault (&attributes, &all);
  result = posix_spawn (&self->pid, self->program, &files, &attributes, arguments, environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&files);
  return result;
}

/* The decoder asks the kernel to end it with its parent, which for the kernel is the thread that
 * started it; so this one stays. */
static gpointer
keep (gpointer data)
{
  EspDecoderProcess *self = data;
  int status;

  g_mutex_lock (&self->mutex);
  self->reason = spawn (self);
  close (self->other_end);
  self->other_end = -1;
  self->is_tried = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);

  if (self->reason == 0)
    while (waitpid (self->pid, &status, 0) < 0 && errno == EINTR)
      ;
  g_atomic_int_set (&self->has_ended, TRUE);
  _esp_decoder_process_unref (self);
  return NULL;
}

static gboolean
start_keeper (EspDecoderProcess *self, GError **error)
{
  GThread *thread = g_thread_try_new ("decoder", keep, _esp_decoder_process_ref (self), error);

  if (thread == NULL)
    {
      _esp_decoder_process_unref (self);
      return FALSE;
    }
  g_thread_unref (thread);

  g_mutex_lock (&self->mutex);
  while (!self->is_tried)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
  if (self->reason != 0)
    g_set_error (error, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED, "%s", g_strerror (self->reason));
  return self->reason == 0;
}

EspDecoderProcess *
_esp_decoder_process_start (const char *program, GError **error)
{
  g_autoptr (EspDecoderProcess) self = NULL;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    {
      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (errno), "%s",
                   g_strerror (errno));
      return NULL;
    }
  self = g_new0 (EspDecoderProcess, 1);
  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->program = g_strdup (program);
  self->control = ends[0];
  self->other_end = ends[1];
  return start_keeper (self, error) ? g_steal_pointer (&self) : NULL;
}

EspDecoderProcess *
_esp_decoder_process_ref (EspDecoderProcess *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
_esp_decoder_process_unref (EspDecoderProcess *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  close (self->control);
  if (self->other_end >= 0)
    close (self->other_end);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self->program);
  g_free (self);
}

gboolean
_esp_decoder_process_has_ended (EspDecoderProcess *self)
{
  return g_atomic_int_get (&self->has_ended);
}

void
_esp_decoder_process_stop (EspDecoderProcess *self)
{
  shutdown (self->control, SHUT_RDWR);
}

int
_esp_decoder_process_get_pid (EspDecoderProcess *self)
{
  return self->pid;
}

gboolean
_esp_decoder_process_send (EspDecoderProcess *self, const EspDecoderJob *job, const char *name,
                           const int descriptors[3])
{
  struct iovec parts[] = { { (void *) job, sizeof *job }, { (void *) name, job->name_size } };
  union
  {
    struct cmsghdr align;
    char room[CMSG_SPACE (3 * sizeof (int))];
  } control = { 0 };
  struct msghdr message = { .msg_iov = parts,
                            .msg_iovlen = G_N_ELEMENTS (parts),
                            .msg_control = &control,
                            .msg_controllen = sizeof control.room };
  struct cmsghdr *rights = CMSG_FIRSTHDR (&message);
  ssize_t n;

  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN (3 * sizeof (int));
  memcpy (CMSG_DATA (rights), descriptors, 3 * sizeof (int));
  do
    n = sendmsg (self->control, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n >= 0;
}
