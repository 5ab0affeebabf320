/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-private.h: what the parts of a remote turn share.
 *
 * A turn goes through prepare → submit → watch → fetch → result, each in a file of its own
 * (esp-remote-prepare.c …), with recover and cancel beside. At any time exactly one thing is under
 * way: a transfer, a pause, or work in a thread; only the events (esp-remote-events.c) run along.
 */
#pragma once

#include "esp-fault.h"
#include "esp-origin.h"
#include "esp-pointer.h"
#include "esp-remote-turn.h"
#include "esp-shipment.h"
#include "esp-template.h"

G_BEGIN_DECLS

/* --- What requests are made of (esp-remote-setup.c) ------------------------------------------- */

typedef struct
{
  EspProvider *provider;
  const EspDescriptor *descriptor;
  EspTrust trust;
  gboolean base_is_own;
  char *key;              /* or NULL; wiped */
  JsonObject *config;     /* complete */
  JsonObject *parameters; /* complete, canonical, before they are written for the wire */
  EspScope *scope;        /* config.*, param.*, turn.*, out.*, job.* */
} EspRemoteSetup;

/* Everything but the parameters. `config` may be NULL, `base_url` NULL: the descriptor's. */
gboolean _esp_remote_setup_init (EspRemoteSetup *self, EspProvider *provider, const char *base_url,
                                 gboolean base_is_own, JsonObject *config, const char *key,
                                 GError **error);
void _esp_remote_setup_clear (EspRemoteSetup *self);
gboolean _esp_remote_setup_check_key (EspRemoteSetup *self, GError **error);
gboolean _esp_remote_setup_set_parameters (EspRemoteSetup *self, JsonObject *parameters,
                                           GError **error);
/* Is a setting that is JSON of the form that its description wants (esp-remote-form.c)? */
gboolean _esp_remote_check_form (const EspProviderParam *param, JsonNode *value, GError **error);
/* The name of a parameter in requests and results: "negative" is "negative_prompt" there. */
const char *_esp_remote_parameter_name (const char *id);
/* Changes one (the aspect that the client chose). */
gboolean _esp_remote_setup_set_parameter (EspRemoteSetup *self, const char *id, JsonNode *value,
                                          GError **error);

/* --- Requests (esp-remote-request.c) ---------------------------------------------------------- */

/* Fails with ESP_TEMPLATE_ERROR, ESP_HTTP_ERROR or G_IO_ERROR. */
EspHttpRequest *_esp_remote_request_build (EspRemoteSetup *setup, const EspProviderRequest *request,
                                           EspScope *scope, GError **error);
/* A GET without anything of the descriptor's: links to results. */
EspHttpRequest *_esp_remote_request_build_get (EspRemoteSetup *setup, const char *url,
                                               gboolean with_key, GError **error);

/* --- Answers (esp-remote-answer.c) ------------------------------------------------------------ */

typedef struct
{
  guint status;
  JsonNode *root; /* NULL: no JSON */
  GBytes *body;
  char *location;
  char *content_type;
  double retry_after; /* of the header; < 0 none */
  gint64 date;        /* the answer's Date, µs since 1970; 0 none */
} EspRemoteAnswer;

EspRemoteAnswer *_esp_remote_answer_new (EspHttpAnswer *http);
/* Looks whether the body is JSON; may be called in a thread. */
void _esp_remote_answer_parse (EspRemoteAnswer *answer);
EspRemoteAnswer *_esp_remote_answer_new_for_json (guint status, JsonNode *root); /* takes root */
void _esp_remote_answer_free (EspRemoteAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRemoteAnswer, _esp_remote_answer_free)

JsonNode *_esp_remote_json_parse (const char *text, gsize length); /* NULL: not JSON */

/* Is it JSON with an error as this API writes them? */
gboolean _esp_remote_answer_is_own_error (const EspDescriptor *descriptor,
                                          const EspRemoteAnswer *answer);
/* The first that holds, or NULL. */
const EspErrorRule *_esp_remote_answer_find_rule (const EspDescriptor *descriptor, JsonNode *root);
gboolean _esp_remote_answer_match_rules (const EspDescriptor *descriptor, JsonNode *root,
                                         EspFault *fault);
/* Of an answer that is no success; never NONE. */
EspFault _esp_remote_answer_get_fault (const EspDescriptor *descriptor,
                                       const EspRemoteAnswer *answer);
char *_esp_remote_answer_dup_message (const EspDescriptor *descriptor,
                                      const EspRemoteAnswer *answer);
/* Does it have a message where only errors have one ("/error", not "/message")? */
gboolean _esp_remote_answer_has_error (const EspDescriptor *descriptor,
                                       const EspRemoteAnswer *answer);
double _esp_remote_answer_get_retry_after (const EspDescriptor *descriptor,
                                           const EspRemoteAnswer *answer); /* s; < 0 none */
/* FALSE where there is no status; an unknown one counts as running and is logged. */
gboolean _esp_remote_answer_get_status (const EspDescriptor *descriptor,
                                        const char *const *pointers, const EspRemoteAnswer *answer,
                                        EspStatus *status);
/* Are two JSON values the same to a person: 5, 5.0, and "5"? */
gboolean _esp_remote_value_equals (JsonNode *a, JsonNode *b);
/* Pointers with holes filled. */
char **_esp_remote_dup_pointers (char **templates, EspScope *scope);
/* A descriptor's meta value in the first of these that has it. */
gboolean _esp_remote_get_meta (const EspMeta *meta, JsonNode *const *roots, gsize n_roots,
                               double *value);

/* --- The turn (esp-remote-turn.c) ------------------------------------------------------------- */

typedef struct _EspRemoteTurn EspRemoteTurn;
typedef struct _EspRemoteEvents EspRemoteEvents;
typedef struct _EspRemoteText EspRemoteText;

/* Exactly one of `answer` and `error` is set. Both are the caller's. */
typedef void (*EspRemoteStep) (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error);
typedef void (*EspRemoteNext) (EspRemoteTurn *turn);
typedef void (*EspRemoteWritten) (EspRemoteTurn *turn, const GError *error);

struct _EspRemoteTurn
{
  guint references;
  GTask *task; /* NULL once it has returned */
  GMainContext *context;
  EspHttp *http;
  EspRemoteSetup setup;
  EspRecord *record;
  char *id;
  gboolean resumed;
  gint64 deadline;      /* monotonic: when patience ends */
  GPtrArray *originals; /* of GBytes, until they are made ready; or NULL */

  /* News. */
  EspRemoteNewsFunc news;
  gpointer news_data;
  EspPhase phase;
  gint64 phase_start;
  double fraction;
  int position;
  gint64 waits_until; /* WAITING: monotonic; 0 otherwise */
  GSource *ticker;
  GPtrArray *notes; /* of char * */

  /* What is under way. */
  GCancellable *step;
  GSource *pause;
  EspRemoteNext next;
  EspRemoteWritten written;
  EspHttpRequest *request; /* the submit, until its record is on the disk */
  gboolean transferring, submitting;
  gint64 sent, to_send;

  /* Cancelling. */
  GCancellable *cancellable; /* the caller's, or NULL */
  GSource *cancel_source, *grace;
  gboolean cancelling, closing; /* asked to; the provider is being told */
  guint cancel_index, cancel_checks;
  gboolean cancel_asked, cancel_refused;

  /* Pictures on their way. */
  EspShipment *shipment;
  GPtrArray *texts; /* of EspRemoteText *: of each of its images */
  gboolean one_color_input;
  EspScope *shipped; /* setup.scope and the pictures; until the submit is through */
  guint upload_image, upload_step;
  EspScope *upload_scope;
  guint tries;        /* of the request under way */
  gboolean elsewhere; /* the submit goes to its "url_if_gone" */

  /* The job. */
  EspStatus status;
  gboolean guessed;   /* the API shows no status before the end */
  double interval;    /* ms */
  gint64 submitted;   /* µs since 1970 */
  gboolean seen;      /* the provider knew the job once */
  gint64 last_look;   /* monotonic; 0 = none yet */
  gboolean look_soon; /* an event said so when a look was under way */
  gboolean told_running;
  gboolean queue_sure; /* `queue_told` was told after the job was taken */
  guint queue_told;    /* events: so many wait or run, this one with them; 0 = not told */
  guint missing, odd;  /* answers in a row: "not found", refused */
  GError *doubt;       /* recovering: what to return if the job is not found */
  guint recover_request, recover_round;
  JsonNode *recovered; /* the best item so far */
  double recovered_age;
  EspRemoteEvents *events;
  JsonNode *streamed; /* ESP_FLOW_STREAM: the last answer within the stream */
  gboolean streamed_error;
  GPtrArray *streamed_items; /* of char *: the results in it, which may be several; or NULL */

  /* The result. */
  JsonNode *submit_root, *watch_root, *result_root;
  GPtrArray *items;  /* of char *: links or data; NULL where that was decoded */
  GPtrArray *loaded; /* of GBytes *, one for each item: those in memory; else NULL */
  guint item;        /* the one under way */
  gboolean keep_failed;
  GPtrArray *received; /* of EspReceivedImage * */
  guint n_one_color;
  GError *bad; /* what was wrong with the first image that could not be had, or NULL */
  char *link;  /* under way */
  guint redirects;
  guint failed; /* answers on one link or one "fetch": the server has failed, and says no more */

  /* Times, monotonic µs; 0 = was not. */
  gint64 start, prepared, uploaded, accepted, running, succeeded, downloaded;
};

/* Takes the task, which has the only reference to the turn. */
EspRemoteTurn *_esp_remote_turn_new (EspHttp *http, const char *id, guint patience,
                                     GCancellable *cancellable, EspRemoteNewsFunc news,
                                     gpointer news_data, GTask *task);
void _esp_remote_turn_set_going (EspRemoteTurn *turn);
/* Opens a record, or takes back that of a result that was not stored. */
EspRecord *_esp_remote_take_record (const char *id, GError **error);
EspRemoteTurn *_esp_remote_turn_ref (EspRemoteTurn *turn);
void _esp_remote_turn_unref (EspRemoteTurn *turn);
void _esp_remote_clear_source (GSource **source);

/* Sends `request` (taken). Answers to submits come back even when the turn was cancelled. */
void _esp_remote_turn_send (EspRemoteTurn *turn, EspHttpRequest *request, EspRemoteStep step);
/* Goes on with `next` after a while, in seconds (times $ESPALIER_TIME_SCALE). */
void _esp_remote_turn_pause (EspRemoteTurn *turn, double seconds, EspRemoteNext next);
void _esp_remote_turn_wake (EspRemoteTurn *turn); /* ends a pause, but no waiting */
/* The same, but told: "waiting, N seconds left". FALSE: patience does not last so long. */
gboolean _esp_remote_turn_wait (EspRemoteTurn *turn, double seconds, EspRemoteNext next);
/* A cancellable for work in a thread; _esp_remote_turn_work_done () is the first thing that its
 * callback calls: FALSE = cancelled, all is done. */
GCancellable *_esp_remote_turn_work (EspRemoteTurn *turn);
gboolean _esp_remote_turn_work_done (EspRemoteTurn *turn);

void _esp_remote_turn_set_phase (EspRemoteTurn *turn, EspPhase phase);
void _esp_remote_turn_tell (EspRemoteTurn *turn); /* sends the news */
void _esp_remote_turn_tell_preview (EspRemoteTurn *turn, GBytes *preview);
void _esp_remote_turn_note (EspRemoteTurn *turn, const char *note); /* told once */

double _esp_remote_turn_get_left (EspRemoteTurn *turn); /* patience, s; may be < 0 */
double _esp_remote_time_scale (void);
double _esp_remote_back_off (guint tries); /* s, jittered: about 1, 2, 4 … 30 */
const char *_esp_remote_turn_get_job_id (EspRemoteTurn *turn);

gboolean _esp_remote_turn_write (EspRemoteTurn *turn, EspRecordState state, GError **error);
/* The same without waiting for the disk, as work (_esp_remote_turn_work ()). `written` calls
 * _esp_remote_turn_work_done () as its first; `error`, which is its caller's, is NULL if the record
 * is on the disk. */
void _esp_remote_turn_write_then (EspRemoteTurn *turn, EspRecordState state,
                                  EspRemoteWritten written);
void _esp_remote_turn_warn_of_record (const GError *error); /* in the log */
/* Where nothing is to be done about it: said in the log. */
void _esp_remote_turn_note_state (EspRemoteTurn *turn, EspRecordState state);

/* Ends. `kept` FALSE: the record goes. `message` NULL: what is usually said of `fault`. The
 * answer's own words and status go along. */
void _esp_remote_turn_fail (EspRemoteTurn *turn, EspFault fault, EspCharged charged, gboolean kept,
                            const EspRemoteAnswer *answer, const char *message);
void _esp_remote_turn_fail_with (EspRemoteTurn *turn, GError *error,
                                 gboolean kept); /* takes the error */
void _esp_remote_turn_return_cancelled (EspRemoteTurn *turn, gboolean kept);
void _esp_remote_turn_return_result (EspRemoteTurn *turn, EspRemoteResult *result);
void _esp_remote_turn_out_of_patience (EspRemoteTurn *turn);

/* A new error (esp-remote-words.c). `answer` may be NULL. */
GError *_esp_remote_fault_new (EspRemoteSetup *setup, EspFault fault, EspCharged charged,
                               gboolean kept, const char *job_id, const EspRemoteAnswer *answer,
                               const char *message);
/* The same error, whose record is kept; takes it. */
/* Which of the two the safety system blocked, where `rule` tells; else NULL. */
char *_esp_remote_dup_blocked (EspProvider *provider, const EspErrorRule *rule);
GError *_esp_remote_fault_kept (GError *error);
GError *_esp_remote_argument_new (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* What it costs once more, for people ("$0.025"), or NULL. */
char *_esp_remote_dup_price (const EspDescriptor *descriptor);

/* --- The parts -------------------------------------------------------------------------------- */

void _esp_remote_prepare_begin (EspRemoteTurn *turn);
const char *_esp_remote_text_get_digest (const EspRemoteText *text);
void _esp_remote_submit_begin (EspRemoteTurn *turn);
void _esp_remote_take_captures (EspRemoteTurn *turn, const GPtrArray *captures, JsonNode *root);
/* Can the job be asked after with what is known? */
gboolean _esp_remote_watch_is_possible (EspRemoteTurn *turn);
/* FALSE: the answer shows no status. */
gboolean _esp_remote_watch_find_status (EspRemoteTurn *turn, EspRemoteAnswer *answer,
                                        EspStatus *status);
void _esp_remote_watch_begin (EspRemoteTurn *turn, gboolean at_once);
void _esp_remote_watch_now (EspRemoteTurn *turn); /* an event said so */
void _esp_remote_watch_show_queue (EspRemoteTurn *turn);
void _esp_remote_end_with_status (EspRemoteTurn *turn, EspStatus status, EspRemoteAnswer *answer);
void _esp_remote_succeed (EspRemoteTurn *turn,
                          JsonNode *root); /* takes the answer with the result */
GPtrArray *_esp_remote_dup_items (EspRemoteTurn *turn, JsonNode *root, gboolean *empty);
/* Does the answer have the place where the images belong, though there may be none in it? */
gboolean _esp_remote_names_result (EspRemoteTurn *turn, JsonNode *root);
/* Of one such item. */
gboolean _esp_remote_item_is_data_uri (const char *item);
gboolean _esp_remote_item_is_link (EspRemoteTurn *turn, const char *item);
void _esp_remote_note_items (EspRemoteTurn *turn);     /* in the record */
void _esp_remote_download_begin (EspRemoteTurn *turn); /* turn->items */
gboolean _esp_remote_load_items (EspRemoteTurn *turn); /* links of the record */
/* turn->loaded for turn->items: nothing yet. */
void _esp_remote_clear_loaded (EspRemoteTurn *turn);
/* Puts what is in turn->items and turn->loaded beside the record, in a thread, and notes that the
 * job has succeeded; then goes on with `next`, also where the disk is full. */
void _esp_remote_keep (EspRemoteTurn *turn, EspRemoteNext next);
/* Is all of the result beside the record? Then it is taken from there. */
gboolean _esp_remote_is_kept (EspRecord *record);
void _esp_remote_load_kept (EspRemoteTurn *turn);
void _esp_remote_resume_in_doubt (EspRemoteTurn *turn);
void _esp_remote_recover_begin (EspRemoteTurn *turn, GError *doubt); /* takes it */
void _esp_remote_cancel_begin (EspRemoteTurn *turn);
gboolean _esp_remote_turn_cancels_there (EspRemoteTurn *turn);
/* Reads the record; an error is for people. */
gboolean _esp_remote_resume_read (EspRemoteTurn *turn, const char *key, GError **error);
void _esp_remote_resume_begin (EspRemoteTurn *turn);
void _esp_remote_events_start (EspRemoteTurn *turn);
void _esp_remote_events_stop (EspRemoteTurn *turn);
/* An event of the stream that a submit was answered with. */
void _esp_remote_events_take (EspRemoteTurn *turn, const char *event, JsonNode *data);

G_END_DECLS
