/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-session.h"

#include <glib-unix.h>
#include <signal.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static gboolean
take_signal (CliSession *self, int number)
{
  if (self->signal_number == 0)
    self->signal_number = number;
  g_cancellable_cancel (self->cancellable);

  return G_SOURCE_CONTINUE;
}

static gboolean
on_sigint (gpointer data)
{
  return take_signal (data, SIGINT);
}

static gboolean
on_sigterm (gpointer data)
{
  return take_signal (data, SIGTERM);
}

static gboolean
on_sighup (gpointer data)
{
  return take_signal (data, SIGHUP);
}

static gboolean
on_late (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
cli_session_begin (CliSession *self)
{
  static const GSourceFunc handlers[] = { on_sigint, on_sigterm, on_sighup };

  self->worker = esp_worker_new (NULL);
  self->cancellable = g_cancellable_new ();
  self->signal_number = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      struct sigaction current;

      /* nohup: a signal that is ignored stays ignored. */
      self->sources[i] = 0;
      if (sigaction (signals[i], NULL, &current) == 0 && current.sa_handler != SIG_IGN)
        self->sources[i] = g_unix_signal_add (signals[i], handlers[i], self);
    }
}

gboolean
cli_session_wait (CliSession *self, const gboolean *done, gboolean to_the_end)
{
  while (!*done && (to_the_end || self->signal_number == 0))
    g_main_context_iteration (NULL, TRUE);

  return *done;
}

void
cli_answer_take (GObject *source, GAsyncResult *result, gpointer data)
{
  CliAnswer *answer = data;

  answer->result = g_object_ref (result);
  answer->done = TRUE;
}

void
cli_answer_clear (CliAnswer *answer)
{
  g_clear_object (&answer->result);
  answer->done = FALSE;
}

/* What the callback of a task needs to outlive a wait that was left. */
typedef struct
{
  CliAnswer answer;
  gatomicrefcount references;
} SharedAnswer;

static void
shared_answer_unref (SharedAnswer *shared)
{
  if (!g_atomic_ref_count_dec (&shared->references))
    return;

  cli_answer_clear (&shared->answer);
  g_free (shared);
}

static void
on_thread_done (GObject *source, GAsyncResult *result, gpointer data)
{
  SharedAnswer *shared = data;

  cli_answer_take (source, result, &shared->answer);
  shared_answer_unref (shared);
}

gpointer
cli_session_run (CliSession *self, GTaskThreadFunc func, gpointer data, GDestroyNotify destroy,
                 gboolean to_the_end, GError **error)
{
  SharedAnswer *shared = g_new0 (SharedAnswer, 1);
  g_autoptr (GTask) task = NULL;
  gpointer value = NULL;

  g_atomic_ref_count_init (&shared->references);
  g_atomic_ref_count_inc (&shared->references);

  task = g_task_new (NULL, self->cancellable, on_thread_done, shared);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, data, destroy);
  g_task_run_in_thread (task, func);

  if (cli_session_wait (self, &shared->answer.done, to_the_end))
    value = g_task_propagate_pointer (G_TASK (shared->answer.result), error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "interrupted");

  shared_answer_unref (shared);
  return value;
}

int
cli_session_end (CliSession *self, int status)
{
  CliAnswer stopped = { FALSE, NULL };

  esp_worker_stop_async (self->worker, cli_answer_take, &stopped);
  cli_session_wait (self, &stopped.done, TRUE);
  cli_answer_clear (&stopped);

  /* The answer is decided now. Without the handlers a late signal would kill the program, and it
   * would say "interrupted" of a file that is there. */
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      if (self->sources[i] != 0)
        g_source_set_callback (g_main_context_find_source_by_id (NULL, self->sources[i]), on_late,
                               NULL, NULL);
    }

  g_clear_object (&self->worker);
  g_clear_object (&self->cancellable);

  return status != 0 && self->signal_number != 0 ? 128 + self->signal_number : status;
}
