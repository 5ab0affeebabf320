/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-session.h: a worker, a main loop, and signals that end both in good order. */
#pragma once

#include <gio/gio.h>

#include "esp-worker.h"

G_BEGIN_DECLS

typedef struct
{
  EspWorker *worker;
  GCancellable *cancellable; /* cancelled by SIGINT, SIGTERM and SIGHUP */
  int signal_number;         /* the signal that came, or 0 */
  guint sources[3];
} CliSession;

/* From here on the signals no longer end the process by themselves. */
void cli_session_begin (CliSession *self);

/* Stops the worker, waits until it is gone, and says with which status to exit: `status`, or 128 +
 * the signal if one came and `status` is not 0. */
int cli_session_end (CliSession *self, int status);

/* Runs the main loop until *done or, unless `to_the_end`, a signal. Returns *done. */
gboolean cli_session_wait (CliSession *self, const gboolean *done, gboolean to_the_end);

/* Runs `func` in a thread, and the main loop meanwhile. `data` is given to `func` and freed by
 * `destroy` when both are done with it. Unless `to_the_end`, a signal leaves the thread alone.
 * Returns what `func` returned through its task as a pointer, or NULL with *error. */
gpointer cli_session_run (CliSession *self, GTaskThreadFunc func, gpointer data,
                          GDestroyNotify destroy, gboolean to_the_end, GError **error);

/* What an asynchronous call ended in; `done` is waited for. */
typedef struct
{
  gboolean done;
  GAsyncResult *result;
} CliAnswer;

/* The callback for such a call; its data is the CliAnswer. */
void cli_answer_take (GObject *source, GAsyncResult *result, gpointer data);
void cli_answer_clear (CliAnswer *answer);

G_END_DECLS
