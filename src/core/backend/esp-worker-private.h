/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-private.h: what the files of the worker share: its state, and how a request is sent
 * and its answer taken. */
#pragma once

#include "esp-worker-access.h"
#include "esp-worker-process.h"
#include "esp-worker.h"

G_BEGIN_DECLS

struct _EspWorker
{
  GObject parent_instance;

  char *program; /* NULL = look for it when it is needed */
  EspWorkerProcess *process;
  char *identifier;
  char *spool;             /* of the running process; NULL before its hello */
  guint batch;             /* the most edits of one request; of the process that runs */
  EspWorkerAccess *access; /* the files that it may use */
  GQueue held;             /* of GString: requests for the process that will be started anew */
  gboolean restarting;     /* the process was killed for that */
  int spool_lock;          /* on the spool's lock meanwhile, or -1 */
  GError *fault;           /* why it was killed, if not for what its end tells; or NULL */
  gint64 last_id;
  GHashTable *calls;      /* id → EspWorkerCall */
  GHashTable *components; /* model → JSON text of its parts that are elsewhere */
  GPtrArray *hello_tasks; /* GTasks that wait for the hello */
  GPtrArray *stop_tasks;  /* GTasks that wait for the end */
  GSource *hello_timeout, *stop_timeout;
};

/* One request that waits for its answer. */
typedef struct
{
  gint64 id;
  GTask *task;
  const char *answer; /* the type of the event that ends it; static */
  EspWorkerEventFunc events;
  gpointer events_data;
  gboolean held; /* not sent yet */
  GSource *cancelled, *kill_timeout;
} EspWorkerCall;

/* Remembers that the task waits for the answer to the request `id`. The call is the worker's. */
EspWorkerCall *_esp_worker_add_call (EspWorker *self, gint64 id, const char *answer, GTask *task);

/* Whether requests wait for a process that will be started anew. */
gboolean _esp_worker_must_hold (EspWorker *self);

/* Sends a request, or keeps it for the next process; takes the line over. */
void _esp_worker_send_line (EspWorker *self, GString *line, gboolean hold);

/* Begins a request line. The caller adds its fields and hands it to _esp_worker_send_call(). */
GString *_esp_worker_begin_line (EspWorker *self, const char *type);

/* Puts the model and what is known of its parts into the object that is open. */
void _esp_worker_put_model (EspWorker *self, GString *line, const char *model);

/* The files that the worker may use: what a request names is added before it is sent. */
EspWorkerAccess *_esp_worker_get_access (EspWorker *self);

/* The same for parts of a model, part → path; NULL is none. */
void _esp_worker_need_components (EspWorker *self, JsonObject *components);

/* Sends the line (taken over) whose id is the last one given, and waits for `answer`; `events` (or
 * NULL) hears of progress until then. */
void _esp_worker_send_call (EspWorker *self, GString *line, const char *answer, GTask *task,
                            EspWorkerEventFunc events, gpointer events_data);

/* What the task gave, whose source tag must be `tag`. */
gpointer _esp_worker_finish (EspWorker *self, GAsyncResult *result, gpointer tag, GError **error);

G_END_DECLS
