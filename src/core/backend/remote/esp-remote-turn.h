/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-turn.h: one turn with a provider: upload, submit, watch, fetch, download, check.
 *
 * Fixed by the descriptor, never by a provider's name. A submit is sent again only if it surely was
 * not accepted (no connection, or an answer in the API's own words that refused it: 429, or
 * "busy"); everything else that went wrong after it may have arrived is ESP_FAULT_UNKNOWN:
 * reconciled through the descriptor's "recover", else told. The journal is written before and
 * after. GETs are repeated, with jittered back-off, within the patience.
 */
#pragma once

#include "esp-backend.h"
#include "esp-http.h"
#include "esp-journal.h"
#include "esp-provider.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_PHASE_PREPARING,
  ESP_PHASE_UPLOADING, /* fraction */
  ESP_PHASE_SUBMITTING,
  ESP_PHASE_WAITING,     /* rate limit or busy: seconds_left counts down */
  ESP_PHASE_QUEUED,      /* position, or -1 */
  ESP_PHASE_RUNNING,     /* fraction where known */
  ESP_PHASE_DOWNLOADING, /* fraction */
  ESP_PHASE_CANCELLING,
} EspPhase;

const char *esp_phase_to_string (EspPhase phase); /* "uploading" … for JSON and logs */

typedef struct
{
  EspPhase phase;
  double fraction;     /* of the phase, < 0 unknown */
  int position;        /* in the provider's queue, < 0 unknown */
  double seconds;      /* since the phase began */
  double seconds_left; /* < 0 unknown */
  GBytes *preview;     /* encoded, or NULL */
  const char *job_id;  /* the provider's, once known; or NULL */
  const char *note;    /* something to be told once ("scaled from … to …"), or NULL */
} EspRemoteNews;

typedef void (*EspRemoteNewsFunc) (const EspRemoteNews *news, gpointer user_data);

typedef struct
{
  EspProvider *provider;
  const char *account;  /* or NULL */
  const char *base_url; /* instead of the descriptor's; or NULL */
  gboolean base_is_own; /* the person named this host as theirs: http is allowed beyond loopback */
  JsonObject *config;   /* values over the descriptor's defaults, or NULL */
  const char *key;      /* or NULL; is copied, wiped after use */
  GPtrArray *images;    /* (element-type GBytes): the parent's, then references; original bytes */
  JsonObject
      *parameters; /* canonical ids, checked against the schema; "negative_prompt" is known, too */
  const char *id;  /* UUID of the turn = of its journal record */
  JsonObject *client; /* kept in the record, or NULL */
  guint patience;     /* seconds for all waiting together; 0 = 900 */
} EspRemoteRequest;

typedef struct
{
  GPtrArray *images; /* of EspReceivedImage *; at least one */
  gboolean has_seed;
  gint64 seed;
  double cost;             /* in `currency`; < 0 unknown */
  char *currency;          /* "USD", or NULL */
  gboolean cost_estimated; /* from the price list, not from the provider */
  char *job_id;            /* the provider's, or NULL */
  JsonObject *timings;     /* prepare, upload, queue, run, download, total: seconds */
  JsonObject *parameters;  /* as sent, canonical, without prompt */
  GPtrArray *notes;        /* of char *: what was done to the image, what differs */
} EspRemoteResult;

void esp_remote_result_free (EspRemoteResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRemoteResult, esp_remote_result_free)

/* All that must hold before anything is sent: config, URLs, key, values. No network.
 * ESP_BACKEND_ERROR_ARGUMENT or …_NEEDS_KEY. */
gboolean esp_remote_request_check (const EspRemoteRequest *request, GError **error);

/* Starts a turn. Errors are ESP_BACKEND_ERROR with an EspFaultReport (esp-fault.h), or
 * G_IO_ERROR_CANCELLED: then the provider was asked to stop as far as it can be, and the record is
 * gone, or kept where it may still cost something (EspRemoteTurn "kept"). The record stays on disk
 * after success until esp_remote_turn_settle (): call that when the image is safe. */
void esp_remote_turn_start_async (EspHttp *http, const EspRemoteRequest *request,
                                  GCancellable *cancellable, EspRemoteNewsFunc news,
                                  gpointer news_data, GAsyncReadyCallback callback,
                                  gpointer user_data);
EspRemoteResult *esp_remote_turn_start_finish (GAsyncResult *result,
                                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Goes on with a turn of the journal: with the images that are kept beside its record, else with
 * the URLs and the descriptor it was started with. A record in PREPARING is an error
 * ESP_FAULT_NETWORK ("never sent": start it anew); one in SUBMITTING or UNKNOWN is reconciled
 * through "recover" or stays ESP_FAULT_UNKNOWN. */
void esp_remote_turn_resume_async (EspHttp *http, const char *id, const char *key, guint patience,
                                   GCancellable *cancellable, EspRemoteNewsFunc news,
                                   gpointer news_data, GAsyncReadyCallback callback,
                                   gpointer user_data);
EspRemoteResult *esp_remote_turn_resume_finish (GAsyncResult *result,
                                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is the result on this computer already? Then going on with the turn needs neither the network nor
 * a key. */
gboolean esp_remote_turn_is_here (const char *id);

/* The result is stored: the record may go. Also: forget one. */
gboolean esp_remote_turn_settle (const char *id, GError **error);
/* The same in a thread. */
void esp_remote_turn_settle_async (const char *id, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean esp_remote_turn_settle_finish (GAsyncResult *result, GError **error);

/* The result is not stored, and will not be by who has it: the record stays, and anybody may go on
 * with it, another process, too. */
void esp_remote_turn_release (const char *id);

/* What cancelling means: TRUE (default) asks the provider to stop; FALSE only stops waiting and
 * keeps the record. Set on the cancellable before it is cancelled. */
void esp_remote_turn_set_cancel_there (GCancellable *cancellable, gboolean cancel_there);

/* A free request that tells whether the key works. Errors as above; TRUE also where the descriptor
 * has no probe (then *known is FALSE). */
void esp_remote_probe_async (EspHttp *http, EspProvider *provider, const char *base_url,
                             gboolean base_is_own, JsonObject *config, const char *key,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean esp_remote_probe_finish (GAsyncResult *result, gboolean *known, GError **error);

G_END_DECLS
