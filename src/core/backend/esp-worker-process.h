/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-process.h: one running worker: lines in, lines out, and how it ended. Private to the
 * worker client. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _EspWorkerProcess EspWorkerProcess;

/* Both are called from the main context in which the process was started. */
typedef struct
{
  /* A line that is a JSON object. */
  void (*line) (EspWorkerProcess *process, JsonObject *object, gpointer data);
  /* The process is gone and everything it wrote was delivered. `reason` is a sentence: the signal
   * or exit status and the last lines of its standard error; `expected` after a clean exit. */
  void (*ended) (EspWorkerProcess *process, gboolean expected, const char *reason, gpointer data);
} EspWorkerProcessFuncs;

/* `arguments`: of char *, without the program. */
EspWorkerProcess *_esp_worker_process_start (const char *program, GPtrArray *arguments,
                                             const EspWorkerProcessFuncs *funcs, gpointer data,
                                             GError **error);
EspWorkerProcess *_esp_worker_process_ref (EspWorkerProcess *self);
void _esp_worker_process_unref (EspWorkerProcess *self);

/* Queues one line (without its newline); takes `line` over. */
void _esp_worker_process_send (EspWorkerProcess *self, GString *line);

/* Closes its standard input once all queued lines are written: the worker then ends by itself. */
void _esp_worker_process_close_input (EspWorkerProcess *self);

/* The process id as text, while it runs; the caller frees it. NULL if it is gone already. */
char *_esp_worker_process_dup_identifier (EspWorkerProcess *self);

/* SIGKILL. `ended` follows. */
void _esp_worker_process_kill (EspWorkerProcess *self);

/* The same to one that says what it must not: no more of its lines, and `ended` says why. */
void _esp_worker_process_give_up (EspWorkerProcess *self);

/* No more callbacks: the owner is going away. The process ends by itself. */
void _esp_worker_process_abandon (EspWorkerProcess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspWorkerProcess, _esp_worker_process_unref)

G_END_DECLS
