/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decoder.c: the program's side of esp-decoder-protocol.h. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-decoder-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "esp-decoder-process-private.h"
#include "esp-picture-memory.h"
#include "esp-picture-refusal.h"
#include "esp-program-parts.h"
#include "esp-recipe.h"
#include "esp-sealed-memory.h"

/* Seconds of the processor for a file, and for each of its MiB. The largest picture, of 268 million
 * pixels of 16 bits with a profile, takes half a minute; a few MiB may hold one, if it is of one
 * colour. */
#define SECONDS        90
#define BYTES_A_SECOND ((gsize) 1 << 20)

/* Instrumented code is slower, and its shadow memory is no limit that means anything. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature (address_sanitizer) || __has_feature (thread_sanitizer))
#else
#define SANITIZED 0
#endif
#define SLOWER (SANITIZED ? 6 : 1)

/* What the decoders need at most: the pixels as they are stored and once more upright (2 × 3 bytes
 * each), a progressive JPEG's coefficients (6) or a loader's four channels twice (8), beside the
 * file, and programs and libraries. */
#define MEMORY_A_PIXEL 16
#define MEMORY_OF_CODE ((guint64) 1 << 30)

struct _EspDecoder
{
  char *program; /* NULL: the installed one */
  guint seconds;
  GMutex mutex;
  EspDecoderProcess *process;
};

EspDecoder *
_esp_decoder_new (const char *program, guint seconds)
{
  EspDecoder *self = g_new0 (EspDecoder, 1);

  self->program = g_strdup (program);
  self->seconds = seconds;
  g_mutex_init (&self->mutex);
  return self;
}

void
_esp_decoder_free (EspDecoder *self)
{
  if (self->process != NULL)
    _esp_decoder_process_stop (self->process);
  g_clear_pointer (&self->process, _esp_decoder_process_unref);
  g_mutex_clear (&self->mutex);
  g_free (self->program);
  g_free (self);
}

EspDecoder *
_esp_decoder_get (void)
{
  static gsize decoder = 0;

  if (g_once_init_enter (&decoder))
    g_once_init_leave (&decoder, (gsize) _esp_decoder_new (NULL, 0));
  return (EspDecoder *) decoder;
}

int
_esp_decoder_get_pid (EspDecoder *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return self->process != NULL && !_esp_decoder_process_has_ended (self->process)
             ? _esp_decoder_process_get_pid (self->process)
             : 0;
}

/* The running process, or a new one in place of `broken`. */
static EspDecoderProcess *
require_process (EspDecoder *self, EspDecoderProcess *broken, const char *name, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_autofree char *program = NULL;
  g_autoptr (GError) problem = NULL;

  if (self->process != NULL && self->process != broken
      && !_esp_decoder_process_has_ended (self->process))
    return _esp_decoder_process_ref (self->process);

  g_clear_pointer (&self->process, _esp_decoder_process_unref);
  program = self->program != NULL ? g_strdup (self->program) : esp_installation_find_decoder ();
  self->process = _esp_decoder_process_start (program, &problem);
  if (self->process == NULL)
    {
      g_autofree char *shown = g_filename_display_name (program);
      g_autofree char *reason
          = g_strdup_printf (_ ("the program that decodes pictures cannot be started (%s: %s)"),
                             shown, problem->message);

      esp_picture_refuse_read (name, reason, error);
      return NULL;
    }
  return _esp_decoder_process_ref (self->process);
}

static guint64
most_of_result (const EspDecoderRequest *request)
{
  switch (request->task)
    {
    case ESP_DECODER_RECIPE:
      return ESP_RECIPE_MAX_SIZE;
    case ESP_DECODER_FOREIGN_RECIPE: /* once more as JSON, in which a character may take six bytes
                                      */
      return (guint64) ESP_RECIPE_MAX_SIZE * 6 + 65536;
    case ESP_DECODER_STRIP: /* the orientation may be put into a block of its own */
      return request->size + 4096;
    default:
      return ESP_PICTURE_BYTES (ESP_PICTURE_MAX_PIXELS, 1);
    }
}

static EspDecoderJob
make_job (const EspDecoder *self, const EspDecoderRequest *request, gsize name_size)
{
  const guint seconds = (guint) (SECONDS + request->size / BYTES_A_SECOND) * SLOWER;

  return (EspDecoderJob){
    .magic = ESP_DECODER_JOB,
    .task = request->task,
    .kind = request->kind,
    .seconds = self->seconds > 0 ? self->seconds : seconds,
    .size = request->size,
    .most = most_of_result (request),
    .memory = SANITIZED ? 0
                        : (guint64) ESP_PICTURE_MAX_PIXELS * MEMORY_A_PIXEL + request->size
                              + MEMORY_OF_CODE,
    .nice = getpriority (PRIO_PROCESS, 0),
    .name_size = (guint32) name_size,
  };
}

/* Cut between characters where it is too long. */
static char *
fit_name (const char *name)
{
  const char *end = name + MIN (strlen (name), (gsize) ESP_DECODER_NAME_MAX - 1);

  if (*end != '\0')
    end = g_utf8_find_prev_char (name, end + 1);
  return g_strndup (name, end != NULL ? (gsize) (end - name) : 0);
}

typedef enum
{
  WAITED, /* it has answered */
  GONE,   /* the decoder has, and did not look at the file as far as we know */
  FAILED, /* and the error is set */
} Waited;

static void
set_ended (const char *name, int status, GError **error)
{
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGXCPU)
    esp_picture_refuse_read (name, _ ("reading it takes too long"), error);
  else if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL) /* the kernel is short of it */
    esp_picture_refuse_memory (name, error);
  else
    esp_picture_refuse_damaged (name, _ ("the decoder failed at it"), error);
}

/* Takes one message from the job's socket. */
static Waited
take_message (int job, const EspDecoderRequest *request, EspDecoderAnswered *answered,
              GError **error)
{
  g_autofree guint8 *message = g_malloc (ESP_DECODER_MESSAGE_MAX);
  EspDecoderEnd end;
  ssize_t n;

  /* No room for descriptors: those that are sent are closed by the kernel. MSG_TRUNC: its true
   * length. */
  do
    n = recv (job, message, ESP_DECODER_MESSAGE_MAX, MSG_TRUNC);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return GONE;
  if (n == sizeof end && memcmp (message, &(guint32){ ESP_DECODER_END }, 4) == 0)
    {
      memcpy (&end, message, sizeof end);
      set_ended (request->name, end.status, error);
      return FAILED;
    }
  if (_esp_decoder_answer_read (answered, request->task, message, (gsize) n))
    return WAITED;
  esp_picture_refuse_damaged (request->name, _ ("the decoder failed at it"), error);
  return FAILED;
}

static Waited
wait_for_answer (int job, guint seconds, const EspDecoderRequest *request,
                 EspDecoderAnswered *answered, GCancellable *cancellable, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + (gint64) seconds * G_USEC_PER_SEC;
  GPollFD cancelled = { .fd = -1 };
  struct pollfd files[2] = { { .fd = job, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
  int n;

  if (g_cancellable_make_pollfd (cancellable, &cancelled))
    files[1].fd = cancelled.fd;
  do
    {
      const gint64 left = (deadline - g_get_monotonic_time ()) / 1000;

      n = poll (files, G_N_ELEMENTS (files), (int) CLAMP (left, 0, G_MAXINT));
    }
  while (n < 0 && errno == EINTR);
  if (files[1].fd >= 0)
    g_cancellable_release_fd (cancellable);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FAILED;
  if (n > 0)
    return take_message (job, request, answered, error);
  esp_picture_refuse_read (request->name, _ ("reading it takes too long"), error);
  return FAILED;
}

/* Whether the result is what the answer says, and stays so: from here on nobody can change it. */
static gboolean
seal_result (int result, guint64 size, const EspDecoderRequest *request)
{
  struct stat file;

  return esp_sealed_memory_seal (result) && fstat (result, &file) == 0
         && size <= most_of_result (request) && (guint64) file.st_size == size;
}

static gboolean
check_answer (int result, const EspDecoderRequest *request, const EspDecoderAnswered *answered,
              GError **error)
{
  if (answered->head.outcome != ESP_DECODER_DONE)
    {
      g_set_error_literal (error, ESP_IMAGE_ERROR, (int) answered->head.outcome - 1,
                           answered->message);
      return FALSE;
    }
  if (!seal_result (result, answered->head.size, request))
    {
      esp_picture_refuse_damaged (request->name, _ ("the decoder failed at it"), error);
      return FALSE;
    }
  return TRUE;
}

/* Sends the job and waits; GONE: the decoder was, before it answered. WAITED: the result is sealed
 * and as the answer says. */
static Waited
try_once (EspDecoder *self, EspDecoderProcess *process, const EspDecoderRequest *request,
          int result, EspDecoderAnswered *answered, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = fit_name (request->name);
  const EspDecoderJob job = make_job (self, request, strlen (name) + 1);
  Waited waited = GONE;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    {
      esp_picture_refuse_read (request->name, g_strerror (errno), error);
      return FAILED;
    }
  if (_esp_decoder_process_send (process, &job, name, (int[]){ ends[1], request->file, result }))
    {
      close (ends[1]);
      ends[1] = -1;
      waited = wait_for_answer (ends[0], 2 * job.seconds, request, answered, cancellable, error);
    }
  if (waited == WAITED && !check_answer (result, request, answered, error))
    waited = FAILED;
  /* Whatever still works on it ends with this: only now, so that one that kept the result in reach
   * is found out. */
  close (ends[0]);
  if (ends[1] >= 0)
    close (ends[1]);
  return waited;
}

int
_esp_decoder_run (EspDecoder *self, const EspDecoderRequest *request, EspDecoderAnswered *answered,
                  GCancellable *cancellable, GError **error)
{
  g_autoptr (EspDecoderProcess) process = NULL;
  Waited waited = GONE;
  int result;

  *answered = (EspDecoderAnswered){ .info = ESP_PICTURE_INFO_INIT };
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  result = esp_sealed_memory_new ("espalier-result", 0);
  if (result < 0)
    {
      esp_picture_refuse_sharing (request->name, errno, error);
      return -1;
    }

  /* A decoder that has died in the meantime is no fault of this file's: once more with a new one.
   */
  for (int i = 0; i < 2 && waited == GONE; i++)
    {
      EspDecoderProcess *next = require_process (self, process, request->name, error);

      g_clear_pointer (&process, _esp_decoder_process_unref);
      process = next;
      waited = process != NULL
                   ? try_once (self, process, request, result, answered, cancellable, error)
                   : FAILED;
    }
  if (waited == GONE)
    esp_picture_refuse_read (request->name, _ ("the program that decodes pictures ends"), error);
  if (waited != WAITED)
    {
      close (result);
      return -1;
    }
  return result;
}
