/* SPDX-License-Identifier: MIT */
/* espalier-engine: the worker process. See docs/worker-protocol.md.
 *
 * Three threads: the main one works jobs off in order; one reads requests all the while, so that a
 * cancellation or the end of the input acts at once; one waits for signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "worker/cache-folder.h"
#include "worker/confinement.h"
#include "worker/session.h"

/* An engine that does not notice a cancellation within this time is stuck: the process then ends
 * without it. */
#define STUCK_SECONDS 10

/* Rounds of the OpenMP runtime's waiting loop before a thread sleeps: some microseconds. */
#define SPIN_COUNT "2000"

typedef struct Worker
{
  EspChannel channel;
  EspSpool spool;
  EspJobs jobs;
  EspSession session;
  EspLineReader reader;
  sigset_t signals;
  json_t *quit_id;      /* of the `quit` that ended the input; written before jobs are closed */
  pthread_mutex_t lock; /* guards finished */
  pthread_cond_t ending;
  bool finished; /* the main thread has worked everything off */
} Worker;

/* Gives the main thread some time to notice that it is over, then ends the process over its
 * head. */
static void
wait_for_main (Worker *worker)
{
  struct timespec deadline;

  clock_gettime (CLOCK_REALTIME, &deadline);
  deadline.tv_sec += STUCK_SECONDS;

  pthread_mutex_lock (&worker->lock);
  while (!worker->finished
         && pthread_cond_timedwait (&worker->ending, &worker->lock, &deadline) != ETIMEDOUT)
    ;
  if (!worker->finished)
    {
      fprintf (stderr, "espalier-engine: the running job did not end; giving up\n");
      esp_spool_destroy (&worker->spool);
      _exit (EXIT_FAILURE);
    }
  pthread_mutex_unlock (&worker->lock);
}

static void
on_broken (void *data)
{
  Worker *worker = data;

  esp_jobs_close (&worker->jobs, true);
}

static void
send_hello (Worker *worker, json_t *id)
{
  esp_channel_send (&worker->channel, id,
                    json_pack ("{s:s, s:O, s:i, s:s, s:o, s:i, s:i, s:o}", "type", "hello", "id",
                               id, "protocol", ESP_PROTOCOL_VERSION, "engine", ESP_VERSION, "spool",
                               esp_json_text (worker->spool.path), "pid", (int) getpid (), "batch",
                               ESP_BATCH_MAX, "confined",
                               esp_confined_json (&worker->session.confined)));
}

static void
send_cache (Worker *worker, const EspRequest *request)
{
  esp_channel_send (&worker->channel, request->id,
                    json_pack ("{s:s, s:O, s:b, s:o}", "type", "cache", "id", request->id,
                               "cleared", request->clear, "cache",
                               esp_cache_json (request->clear)));
}

static void
cancel_job (Worker *worker, const EspRequest *request)
{
  EspJob *emptied = NULL;
  EspJobsCancelled found = esp_jobs_cancel (&worker->jobs, request->job, &emptied);

  esp_channel_send (&worker->channel, request->id,
                    json_pack ("{s:s, s:O, s:O, s:b}", "type", "cancelling", "id", request->id,
                               "job", request->job, "found", found != ESP_JOBS_NOT_FOUND));
  if (found == ESP_JOBS_WAITING)
    esp_channel_error (&worker->channel, request->job, esp_status_name (ESP_ERROR_CANCELLED),
                       "the job was cancelled");
  esp_job_free (emptied);
}

/* Every edit of a batch gets its answer. */
static void
refuse (Worker *worker, const EspRequest *request, const char *code, const char *reason)
{
  esp_channel_error (&worker->channel, request->id, code, reason);
  for (int i = 1; i < request->edit_count; i++)
    esp_channel_error (&worker->channel, request->edits[i].id, code, reason);
}

/* An error about an id that already names a job must not look like that job's end: its `id` is
 * null. */
static void
add_job (Worker *worker, EspRequest *request, size_t length)
{
  EspJobsAnswer answer = esp_jobs_add (&worker->jobs, request, length);

  if (answer == ESP_JOBS_DUPLICATE)
    esp_channel_error (&worker->channel, NULL, "protocol",
                       "id: a job with this id is still waiting or running");
  else if (answer == ESP_JOBS_MEMORY)
    refuse (worker, request, esp_status_name (ESP_ERROR_MEMORY), "request: out of memory");
  else if (answer != ESP_JOBS_ADDED)
    refuse (worker, request, "busy",
            answer == ESP_JOBS_FULL ? "too many jobs are waiting" : "the worker is about to end");
}

/* False when the request was `quit`. */
static bool
take_request (Worker *worker, const char *line, size_t length)
{
  EspRequest request;
  EspError error = ESP_ERROR_INIT;
  bool protocol, go_on = true;
  EspStatus status = esp_request_parse (line, length, &request, &protocol, &error);

  if (status != ESP_OK)
    refuse (worker, &request, protocol ? "protocol" : esp_status_name (status), error.message);
  else if (request.type == ESP_REQUEST_HELLO)
    send_hello (worker, request.id);
  else if (request.type == ESP_REQUEST_DESCRIBE && !esp_request_names_model (&request))
    esp_channel_send (&worker->channel, request.id,
                      esp_description_new (request.id, &worker->session.confined, NULL, 1));
  else if (request.type == ESP_REQUEST_CACHE)
    send_cache (worker, &request);
  else if (request.type == ESP_REQUEST_CANCEL)
    cancel_job (worker, &request);
  else if (request.type == ESP_REQUEST_QUIT)
    {
      worker->quit_id = json_incref (request.id);
      go_on = false;
    }
  else
    add_job (worker, &request, length);

  esp_request_clear (&request);
  return go_on;
}

static void *
read_requests (void *data)
{
  Worker *worker = data;
  bool go_on = true;

  while (go_on)
    {
      const char *line = NULL;
      size_t length = 0;

      switch (esp_line_reader_next (&worker->reader, &line, &length))
        {
        case ESP_LINE_READY:
          go_on = take_request (worker, line, length);
          break;

        case ESP_LINE_TOO_LONG:
          esp_channel_error (&worker->channel, NULL, "protocol",
                             "request: the line is longer than 64 MiB");
          break;

        case ESP_LINE_MEMORY:
          esp_channel_error (&worker->channel, NULL, "memory", "request: out of memory");
          break;

        case ESP_LINE_END:
        default:
          go_on = false;
          break;
        }
    }

  esp_jobs_close (&worker->jobs, worker->quit_id != NULL);
  wait_for_main (worker);
  return NULL;
}

/* SIGTERM and SIGHUP end the worker as a client that goes away does. */
static void *
wait_for_signals (void *data)
{
  Worker *worker = data;
  int signal_number;

  if (sigwait (&worker->signals, &signal_number) == 0)
    {
      esp_jobs_close (&worker->jobs, true);
      wait_for_main (worker);
    }

  return NULL;
}

/* Threads of the OpenMP runtime wait for each other by spinning, by default for so long that an
 * edit takes forty times as long when another program wants a core, too (measured on two cores).
 * The runtime reads its settings before main(), so that the only way to set them is to start once
 * more, which costs some milliseconds. Whoever has set one of them knows better. */
static void
limit_spinning (char **argv)
{
  static char program[PATH_MAX];
  ssize_t length;

  if (getenv ("OMP_WAIT_POLICY") != NULL || getenv ("GOMP_SPINCOUNT") != NULL
      || setenv ("GOMP_SPINCOUNT", SPIN_COUNT, 1) != 0)
    return;

  length = readlink ("/proc/self/exe", program, sizeof program - 1);
  if (length > 0)
    {
      program[length] = '\0';
      execv (program, argv);
    }
}

/* A descriptor 0, 1 or 2 that is closed would be taken by the next file that is opened. */
static bool
ensure_standard_files (void)
{
  for (int i = 0; i < 3; i++)
    {
      /* For whoever comes after an exec, too.
       * NOLINTNEXTLINE(android-cloexec-open) */
      if (fcntl (i, F_GETFD) == -1 && open ("/dev/null", O_RDWR) != i)
        return false;
    }

  return true;
}

/* Keeps the real standard output for the protocol alone: whatever a library prints goes to standard
 * error. Returns the descriptor to write events to, or -1. */
static int
claim_output (void)
{
  int output = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

  if (output < 0 || dup2 (STDERR_FILENO, STDOUT_FILENO) < 0)
    return -1;

  return output;
}

static void
set_up_signals (Worker *worker)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN };

  /* SIGINT: Ctrl+C in a terminal reaches the client too, and the client decides. SIGXFSZ: a file
   * that grows too large shall be a write error. */
  sigaction (SIGPIPE, &ignore, NULL);
  sigaction (SIGINT, &ignore, NULL);
  sigaction (SIGXFSZ, &ignore, NULL);

  sigemptyset (&worker->signals);
  sigaddset (&worker->signals, SIGTERM);
  sigaddset (&worker->signals, SIGHUP);
  pthread_sigmask (SIG_BLOCK, &worker->signals, NULL);
}

static bool
start_thread (void *(*run) (void *), Worker *worker)
{
  pthread_t thread;

  if (pthread_create (&thread, NULL, run, worker) != 0)
    return false;

  pthread_detach (thread);
  return true;
}

static void
work (Worker *worker)
{
  for (EspJob *job = esp_jobs_take (&worker->jobs); job != NULL;
       job = esp_jobs_take (&worker->jobs))
    {
      esp_session_run (&worker->session, job);
      esp_jobs_finish (&worker->jobs, job);
    }

  if (worker->quit_id != NULL)
    esp_channel_send (&worker->channel, worker->quit_id,
                      json_pack ("{s:s, s:O}", "type", "bye", "id", worker->quit_id));
}

/* Makes the spool, or goes on with the one of the worker before, and gives up all else. */
static EspStatus
settle (Worker *worker, const EspWorkerOptions *options, EspError *error)
{
  EspConfined *confined = &worker->session.confined;
  EspStatus status;

  status = options->spool != NULL ? esp_spool_adopt (&worker->spool, options->spool, error)
                                  : esp_spool_create (&worker->spool, NULL, error);
  if (status != ESP_OK)
    return status;

  /* Not before: that of the worker before may be free for a moment. */
  esp_spool_remove_stale (NULL);
  status = esp_worker_confine (options, &worker->spool, confined, error);
  if (status != ESP_OK)
    esp_spool_destroy (&worker->spool);
  else if (!confined->calls && !confined->files && !options->all_files)
    fprintf (stderr, "espalier-engine: neither Landlock nor seccomp: models are read unconfined\n");
  return status;
}

static int
serve (int output, const EspWorkerOptions *options)
{
  /* Static: the other threads are not joined and may look at it while the process ends. */
  static Worker worker = { .spool = ESP_SPOOL_INIT,
                           .lock = PTHREAD_MUTEX_INITIALIZER,
                           .ending = PTHREAD_COND_INITIALIZER };
  EspError error = ESP_ERROR_INIT;

  set_up_signals (&worker);
  worker.session = (EspSession){ .channel = &worker.channel, .spool = &worker.spool };
  if (settle (&worker, options, &error) != ESP_OK)
    {
      fprintf (stderr, "espalier-engine: %s\n", error.message);
      return EXIT_FAILURE;
    }

  esp_channel_init (&worker.channel, output, on_broken, &worker);
  esp_jobs_init (&worker.jobs);
  esp_line_reader_init (&worker.reader, STDIN_FILENO);

  if (!start_thread (wait_for_signals, &worker) || !start_thread (read_requests, &worker))
    {
      fprintf (stderr, "espalier-engine: cannot start a thread\n");
      esp_spool_destroy (&worker.spool);
      return EXIT_FAILURE;
    }

  work (&worker);

  pthread_mutex_lock (&worker.lock);
  esp_spool_destroy (&worker.spool);
  worker.finished = true;
  pthread_cond_broadcast (&worker.ending);
  pthread_mutex_unlock (&worker.lock);

  esp_model_cache_clear (&worker.session.cache);
  json_decref (worker.quit_id);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  EspWorkerOptions options;
  const char **lists;
  int output;

  if (!ensure_standard_files ())
    return EXIT_FAILURE;

  if (argc == 2 && strcmp (argv[1], "--version") == 0)
    {
      printf ("espalier-engine %s\n", ESP_VERSION);
      return EXIT_SUCCESS;
    }

  lists = calloc (3 * (size_t) argc, sizeof *lists);
  if (lists == NULL || !esp_worker_options_parse (&options, argc, argv, lists))
    {
      bool help = argc == 2 && strcmp (argv[1], "--help") == 0;

      fprintf (help ? stdout : stderr,
               "Usage: espalier-engine [--help | --version]\n"
               "       espalier-engine [--no-other-files] [--may-read PATH]… [--may-write PATH]…\n"
               "                       [--may-list PATH]… [--spool PATH]\n"
               "The inference worker of Espalier: JSON Lines on standard input and output,\n"
               "as docs/worker-protocol.md describes.\n");
      free (lists);
      return help ? EXIT_SUCCESS : 2;
    }

  limit_spinning (argv);
  output = claim_output ();
  if (output < 0)
    {
      fprintf (stderr, "espalier-engine: %s\n", strerror (errno));
      return EXIT_FAILURE;
    }

  output = serve (output, &options);
  free (lists);
  return output;
}
