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
  const char *remote_job; /* pick this job up again instead of starting one, or NULL */
} EspBackendRequest;

/* News; lent for the duration of the callback. */
typedef struct
{
  double fraction;        /* 0…1; < 0 unknown */
  int step, steps;        /* 0 outside the sampler */
  double seconds_left;    /* < 0 unknown */
  EspPicture *preview;    /* or NULL */
  const char *remote_job; /* the provider accepted the job under this id; to be stored; or NULL */
} EspBackendNews;

typedef void (*EspBackendNewsFunc) (EspBackend *self, const EspBackendNews *news,
                                    gpointer user_data);

typedef struct
{
  GBytes *image; /* as the backend made it: PNG of the local engine, the provider's own bytes */
  gboolean has_seed;
  guint64 seed;
  double seconds;         /* < 0 unknown */
  double cost;            /* < 0 unknown; 0 for the local engine */
  char *currency;         /* or NULL */
  JsonObject *timings;    /* stage → seconds, or NULL */
  JsonObject *parameters; /* as used, without prompt, negative_prompt and seed; or NULL */
  char *model_hash;       /* or NULL */
  char *model_name;       /* or NULL */
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
  GListModel *(*get_models) (EspBackend *self);
  void (*run_async) (EspBackend *self, const EspBackendRequest *request, GCancellable *cancellable,
                     EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
                     gpointer user_data);
  EspBackendResult *(*run_finish) (EspBackend *self, GAsyncResult *result, GError **error);
  void (*stop_async) (EspBackend *self, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*stop_finish) (EspBackend *self, GAsyncResult *result, GError **error);
  void (*prepare) (EspBackend *self, EspModel *model); /* or NULL */
};

const char *esp_backend_get_id (EspBackend *self);    /* "local", "runpod"; stored in documents */
const char *esp_backend_get_title (EspBackend *self); /* "This Computer" */
gboolean esp_backend_is_remote (EspBackend *self);
guint esp_backend_get_concurrency (EspBackend *self); /* turns at the same time, at least 1 */
GListModel *esp_backend_get_models (
    EspBackend *self); /* of EspModel; may change (a model was installed) */

/* Runs one turn. A cancelled one fails with G_IO_ERROR_CANCELLED. */
void esp_backend_run_async (EspBackend *self, const EspBackendRequest *request,
                            GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                            GAsyncReadyCallback callback, gpointer user_data);
EspBackendResult *esp_backend_run_finish (EspBackend *self, GAsyncResult *result,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* See esp_model_prepare (). */
void esp_backend_prepare (EspBackend *self, EspModel *model);

/* Lets go of processes and connections; before the program ends. */
void esp_backend_stop_async (EspBackend *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_backend_stop_finish (EspBackend *self, GAsyncResult *result, GError **error);

G_END_DECLS
