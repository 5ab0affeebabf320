/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker.h: the local engine, as a process that is spoken to through pipes.
 *
 * A worker is started by the first request (or by esp_worker_start()) and kept for the next ones.
 * If it dies, the requests under way fail with an error that says how, and the next request starts
 * a fresh one. It can use the files alone that requests name, and where one names others than the
 * process was started with, a fresh one takes its place as soon as it has nothing to do; its spool
 * folder stays. See docs/worker-protocol.md.
 *
 * Use a worker from one thread, in whose default main context everything is delivered. Requests may
 * overlap; the engine works them off in order. Cancelling a request's GCancellable cancels the job
 * in the engine; one that does not obey within some seconds costs the process its life. A cancelled
 * request fails with G_IO_ERROR_CANCELLED.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define ESP_WORKER_ERROR (esp_worker_error_quark ())

typedef enum
{
  /* What the engine reports, by its codes. */
  ESP_WORKER_ERROR_ARGUMENT,
  ESP_WORKER_ERROR_FILE,
  ESP_WORKER_ERROR_FORMAT,
  ESP_WORKER_ERROR_UNSUPPORTED,
  ESP_WORKER_ERROR_MEMORY,
  ESP_WORKER_ERROR_NUMERIC,
  ESP_WORKER_ERROR_DEVICE,
  ESP_WORKER_ERROR_BUSY,
  ESP_WORKER_ERROR_PROTOCOL, /* either side did not understand the other */
  /* What became of the process. */
  ESP_WORKER_ERROR_START,   /* it could not be started */
  ESP_WORKER_ERROR_CRASHED, /* it ended while it had something to do */
  ESP_WORKER_ERROR_TIMEOUT, /* it did not say hello */
} EspWorkerError;

GQuark esp_worker_error_quark (void);

#define ESP_TYPE_WORKER (esp_worker_get_type ())

G_DECLARE_FINAL_TYPE (EspWorker, esp_worker, ESP, WORKER, GObject)

typedef enum
{
  ESP_WORKER_EVENT_PROGRESS,
  ESP_WORKER_EVENT_PREVIEW,
} EspWorkerEventKind;

/* News of a running edit; lent for the duration of the callback. */
typedef struct
{
  EspWorkerEventKind kind;
  int step, steps;     /* progress: within the "sample" stage, else 0; preview: the step it shows */
  const char *stage;   /* progress: "load", "text", "encode", "sample", "decode" */
  double fraction;     /* progress: of the whole edit, 0…1 */
  double seconds_left; /* progress: < 0 while unknown */
  const char *path;    /* preview: a PPM file, yours to delete */
} EspWorkerEvent;

typedef void (*EspWorkerEventFunc) (EspWorker *self, const EspWorkerEvent *event,
                                    gpointer user_data);

/* Latents that an earlier edit left of the first image (docs/worker-protocol.md, `carry`). */
typedef struct
{
  const char *latents;  /* safetensors file */
  int width, height;    /* px of the result that they are of, multiples of 16 */
  const guint8 *tokens; /* [height/16 · width/16], 0 = not carried; NULL = all are */
  const char *model;    /* hash of the model that made them, or NULL */
} EspWorkerCarry;

/* One edit. Everything is borrowed for the call only. Paths are UTF-8; relative ones are resolved
 * in the folder that was current when the worker was started. */
typedef struct
{
  const char *model;         /* folder or file */
  const char *const *images; /* PPM files, NULL-terminated; best in the worker's spool folder */
  JsonObject
      *parameters; /* as in the schema: prompt, seed, steps, …; seeds above 2⁶³−1 as string */
  const char *noise;           /* or NULL */
  const char *dump;            /* or NULL */
  const EspWorkerCarry *carry; /* or NULL */
  gboolean previews;
  gboolean latents; /* keep the final latents as a file */
} EspWorkerEdit;

/* One of several edits that differ by their seeds alone. */
typedef struct
{
  JsonObject *parameters; /* the same for all, but for "seed"; borrowed for the call */
  GCancellable *cancellable;
  EspWorkerEventFunc events;
  gpointer events_data;
  GAsyncReadyCallback callback; /* calls esp_worker_edit_finish () */
  gpointer user_data;
} EspWorkerEditPart;

/* `program` NULL = esp_installation_find_engine(). Starts nothing. */
EspWorker *esp_worker_new (const char *program) G_GNUC_WARN_UNUSED_RESULT;

/* Starts the process, so that it comes up while the caller does something else. Returns at once. */
gboolean esp_worker_start (EspWorker *self, GError **error);

/* What an edit to come will name (its pictures may be NULL): a process that is started after this
 * may use these files. Without it the process is started anew for them when the edit comes, which
 * takes a moment longer and costs it the model that it has open. */
void esp_worker_expect_edit (EspWorker *self, const EspWorkerEdit *edit);

/* From now on requests that name `model` (a folder or a file) say that its parts `components` (part
 * → path, as in the protocol) are elsewhere. NULL = nowhere but in itself. */
void esp_worker_set_components (EspWorker *self, const char *model, JsonObject *components);

/* The process id of the running worker, or NULL. */
const char *esp_worker_get_identifier (EspWorker *self);

/* Waits until the worker has said hello. The result is the path of its spool folder, in which files
 * for it are put; owned by the caller. */
void esp_worker_hello_async (EspWorker *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
char *esp_worker_hello_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* The engine's version, devices and parameter schema ("engine", "devices", "parameters"), and with
 * a `model` (or NULL) what is known of it ("model"). */
void esp_worker_describe_async (EspWorker *self, const char *model, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
JsonObject *esp_worker_describe_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* What a file or folder is, whether it can be used or not: the protocol's `inspection`.
 * `components` (component → path, or NULL) are put in the place of its own. */
void esp_worker_inspect_async (EspWorker *self, const char *model, JsonObject *components,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
JsonObject *esp_worker_inspect_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* What the engine keeps on the disk between its runs, after removing it if `clear`: `folder` (or
 * null), `bytes`, `files` and `limit`. */
void esp_worker_cache_async (EspWorker *self, gboolean clear, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
JsonObject *esp_worker_cache_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* Writes the weights file `input` anew as `output` (absolute paths) in the number format `format`
 * ("q8_0", "q4_k", "fp8", "bf16"). The result is the protocol's `converted`; when it fails or is
 * cancelled, `output` is as it was. */
void esp_worker_convert_async (EspWorker *self, const char *input, const char *output,
                               const char *format, GCancellable *cancellable,
                               EspWorkerEventFunc events, gpointer events_data,
                               GAsyncReadyCallback callback, gpointer user_data);
JsonObject *esp_worker_convert_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* Opens a model, so that the first edit finds it open. The result describes it. */
void esp_worker_load_async (EspWorker *self, const char *model, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
JsonObject *esp_worker_load_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* Token ids of `texts` (GBytes of UTF-8 that may contain NUL): objects with "t5" and "clip". */
void esp_worker_tokenize_async (EspWorker *self, const char *model, GPtrArray *texts,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
JsonArray *esp_worker_tokenize_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* Makes one edit. The result is the protocol's `result` event; the files it names are the caller's
 * to delete, and gone with the worker. */
void esp_worker_edit_async (EspWorker *self, const EspWorkerEdit *edit, GCancellable *cancellable,
                            EspWorkerEventFunc events, gpointer events_data,
                            GAsyncReadyCallback callback, gpointer user_data);
JsonObject *esp_worker_edit_finish (EspWorker *self, GAsyncResult *result, GError **error);

/* The same for several edits that are alike but for their seeds; edit->parameters is not looked at.
 * Each has its own events, result and cancellation. One request where the engine can. */
void esp_worker_edits_async (EspWorker *self, const EspWorkerEdit *edit,
                             const EspWorkerEditPart *parts, guint n_parts);

/* Ends the process, cancelling what it does, and waits until it and its spool folder are gone. One
 * that does not end within some seconds is killed. Fine when none runs. */
void esp_worker_stop_async (EspWorker *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_worker_stop_finish (EspWorker *self, GAsyncResult *result, GError **error);

G_END_DECLS
