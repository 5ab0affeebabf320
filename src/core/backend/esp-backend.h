/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-backend.h: who makes a turn.
 *
 * A backend (the local engine, a remote provider) offers models (EspModel) and runs turns with
 * them. Everything that window and command line know of it comes from here: they know no backend by
 * name. All functions are for the main thread and do not block.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "esp-model.h"
#include "esp-picture.h"
#include "esp-turn-group.h"

G_BEGIN_DECLS

#define ESP_BACKEND_ERROR (esp_backend_error_quark ())

typedef enum
{
  ESP_BACKEND_ERROR_FAILED,    /* the message says why */
  ESP_BACKEND_ERROR_CRASHED,   /* the worker died; another try may succeed */
  ESP_BACKEND_ERROR_BLOCKED,   /* a safety system refused */
  ESP_BACKEND_ERROR_NEEDS_KEY, /* no key, or one that was refused */
  ESP_BACKEND_ERROR_NEEDS_MODEL,
  ESP_BACKEND_ERROR_ARGUMENT, /* a parameter or picture that it cannot work with */
  ESP_BACKEND_ERROR_NETWORK,  /* not reachable; another try may succeed */
  ESP_BACKEND_ERROR_LIMIT,    /* too many requests, no credit left */
} EspBackendError;

GQuark esp_backend_error_quark (void);

/* What a program may want to know of an error besides its words (esp-fault.h): `detail` is taken,
 * and copied and freed with the error, which is of ESP_BACKEND_ERROR. */
void esp_backend_error_set_detail (GError *error, gpointer detail, GBoxedCopyFunc copy,
                                   GDestroyNotify destroy);
/* NULL where there is none or it is of another kind, told by `copy`. */
gconstpointer esp_backend_error_get_detail (const GError *error, GBoxedCopyFunc copy);

#define ESP_TYPE_BACKEND (esp_backend_get_type ())

G_DECLARE_DERIVABLE_TYPE (EspBackend, esp_backend, ESP, BACKEND, GObject)

/* One turn. Borrowed for the call only. */
typedef struct
{
  const char *model;      /* model id */
  GPtrArray *images;      /* of GBytes, the parent's first, then the references: original bytes */
  JsonObject *parameters; /* as in the model's schema: prompt, negative_prompt, seed, … */
  gboolean previews;
  const char *remote_job; /* the turn's own id (a UUID, stored with the node), for remote backends;
                             NULL for others */
  const char *document;   /* path of the file that it is a turn of, or NULL */
  gboolean resume;        /* it was started under that id before: go on with it, start nothing */
  EspTurnGroup *group;    /* others that are the same but for the seed come with it; or NULL */
  /* Latent carry: what the turn that made the first image left (EspBackendResult.latents), or NULL,
   * and which of its squares of 16 × 16 px that image still shows as they were made: a byte for
   * each, rows from the top, 0 = no; NULL = all of them (esp_untouched_dup_tokens ()). A backend
   * that cannot use them (another model, another size) leaves them; bytes that are damaged are no
   * error either. */
  GBytes *latents;
  const guint8 *latent_tokens;
} EspBackendRequest;

/* News; lent for the duration of the callback. */
typedef struct
{
  double fraction;     /* 0…1; < 0 unknown */
  int step, steps;     /* 0 outside the sampler */
  double seconds_left; /* < 0 unknown */
  EspPicture *preview; /* or NULL */
  const char *stage; /* of a remote turn: "uploading", "queued", "running", … (EspPhase); static, or
                        NULL */
  const char *phase; /* the same for people: "Uploading 40 %", "Queued, 3 before this"; or NULL */
} EspBackendNews;

typedef void (*EspBackendNewsFunc) (EspBackend *self, const EspBackendNews *news,
                                    gpointer user_data);

typedef struct
{
  GBytes *image; /* as the backend made it: PNG of the local engine, the provider's own bytes */
  gboolean has_seed;
  guint64 seed;
  double seconds;          /* < 0 unknown */
  double cost;             /* < 0 unknown; 0 for the local engine */
  gboolean cost_estimated; /* from the price list, not from the provider */
  char *currency;          /* or NULL */
  JsonObject *timings;     /* stage → seconds, or NULL */
  JsonObject *parameters;  /* as used, without prompt, negative_prompt and seed; or NULL */
  char *model_hash;        /* or NULL */
  char *model_name;        /* or NULL */
  char *provider_job;      /* the provider's own id of the job, or NULL */
  GPtrArray *more;         /* of GBytes: further images that came of the same turn; or NULL */
  GPtrArray *notes;        /* of char *: what was done to the images that were sent; or NULL */
  GBytes *latents;         /* esp-latents.h: for the turns that are made of `image`; or NULL */
  double carried;          /* share of the first image that was read as latents (request), 0…1 */
} EspBackendResult;

EspBackendResult *esp_backend_result_new (GBytes *image)
    G_GNUC_WARN_UNUSED_RESULT; /* the rest unknown */
void esp_backend_result_free (EspBackendResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspBackendResult, esp_backend_result_free)

struct _EspBackendClass
{
  GObjectClass parent_class;

  const char *(*get_id) (EspBackend *self);
  const char *(*get_title) (EspBackend *self);
  gboolean (*is_remote) (EspBackend *self);
  guint (*get_concurrency) (EspBackend *self);
  guint (*get_batch) (EspBackend *self, const char *model, JsonObject *parameters); /* or NULL */
  GListModel *(*get_models) (EspBackend *self);
  void (*run_async) (EspBackend *self, const EspBackendRequest *request, GCancellable *cancellable,
                     EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
                     gpointer user_data);
  EspBackendResult *(*run_finish) (EspBackend *self, GAsyncResult *result, GError **error);
  void (*stop_async) (EspBackend *self, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*stop_finish) (EspBackend *self, GAsyncResult *result, GError **error);
  void (*prepare) (EspBackend *self, EspModel *model); /* or NULL */
  void (*settle_async) (EspBackend *self, const char *remote_job, const EspBackendResult *result,
                        const char *document, GAsyncReadyCallback callback,
                        gpointer user_data);                       /* or NULL */
  gboolean (*has_kept) (EspBackend *self, const char *remote_job); /* or NULL */
  void (*let_go) (EspBackend *self, GCancellable *cancellable);    /* or NULL */
  void (*release) (EspBackend *self, const char *remote_job);      /* or NULL */
  void (*tidy) (EspBackend *self, GHashTable *jobs, GHashTable *open,
                const char *document); /* or NULL */
};

const char *esp_backend_get_id (EspBackend *self);    /* "local", "runpod"; stored in documents */
const char *esp_backend_get_title (EspBackend *self); /* "This Computer" */
gboolean esp_backend_is_remote (EspBackend *self);
guint esp_backend_get_concurrency (EspBackend *self); /* turns at the same time, at least 1 */
/* How many turns that differ by their seeds alone it had best be given together, as one group
 * (EspBackendRequest); at least 1. `parameters`: as in a request, prompt and seed may be missing.
 */
guint esp_backend_get_batch (EspBackend *self, const char *model, JsonObject *parameters);
GListModel *esp_backend_get_models (
    EspBackend *self); /* of EspModel; may change (a model was installed) */

/* Runs one turn. A cancelled one fails with G_IO_ERROR_CANCELLED. There is no news after
 * `callback`. */
void esp_backend_run_async (EspBackend *self, const EspBackendRequest *request,
                            GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                            GAsyncReadyCallback callback, gpointer user_data);
EspBackendResult *esp_backend_run_finish (EspBackend *self, GAsyncResult *result,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* See esp_model_prepare (). */
void esp_backend_prepare (EspBackend *self, EspModel *model);

/* After a turn failed or was cancelled: is something kept under `remote_job`, so that it can be
 * gone on with (EspBackendRequest.resume) instead of being paid for again? */
gboolean esp_backend_has_kept (EspBackend *self, const char *remote_job);

/* Before `cancellable` is cancelled: the turn is only to be let go of, and will be gone on with
 * later; a provider is not asked to stop it. */
void esp_backend_let_go (EspBackend *self, GCancellable *cancellable);

/* The turn `remote_job` came back, and its picture was not stored, for its document is closed: what
 * is kept under it waits for the next opening, by whichever process. Nothing where nothing is. */
void esp_backend_release (EspBackend *self, const char *remote_job);

/* The turn `remote_job` (EspBackendRequest) is stored in `document` (its title, or NULL): what was
 * kept for picking it up may go, and its cost is noted. Nothing that fails here is told: the
 * picture is safe. The callback, whose arguments mean nothing, tells that it is done. */
void esp_backend_settle_async (EspBackend *self, const char *remote_job,
                               const EspBackendResult *result, const char *document,
                               GAsyncReadyCallback callback, gpointer user_data);

/* What a document keeps as the job's id of a turn whose provider gives none: the turn's own
 * (EspBackendRequest.remote_job) behind this. It says nothing to the provider, nor to people. */
#define ESP_BACKEND_OWN_JOB "turn:"

/* Settles what was stored in `document` (as above) just before the program broke off. `jobs`: a set
 * of the ids of turns that the document has, as the provider gave them
 * (EspBackendResult.provider_job) or with ESP_BACKEND_OWN_JOB. `open`: a set of the own ids of
 * those that have no picture yet, whatever else has come of them; they are left alone. */
void esp_backend_tidy (EspBackend *self, GHashTable *jobs, GHashTable *open, const char *document);

/* Lets go of processes and connections; before the program ends. */
void esp_backend_stop_async (EspBackend *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_backend_stop_finish (EspBackend *self, GAsyncResult *result, GError **error);

G_END_DECLS
