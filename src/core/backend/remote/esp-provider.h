/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider.h: a remote API, as its descriptor says it is.
 *
 * data/providers/ID.json, checked and read into structs. The vocabulary is in docs/providers.md and
 * data/providers/schema.json; this file is their counterpart in C. Nothing here knows a provider by
 * name. Everything is immutable and borrowed from the EspProvider, which may be used from any
 * thread.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "esp-schema.h"

G_BEGIN_DECLS

#define ESP_PROVIDER_ERROR (esp_provider_error_quark ())

typedef enum
{
  ESP_PROVIDER_ERROR_SYNTAX,  /* no JSON; the message has line and column */
  ESP_PROVIDER_ERROR_INVALID, /* not as the vocabulary wants it; the message has line and member */
} EspProviderError;

GQuark esp_provider_error_quark (void);

#define ESP_TYPE_PROVIDER (esp_provider_get_type ())

G_DECLARE_FINAL_TYPE (EspProvider, esp_provider, ESP, PROVIDER, GObject)

/* How a turn goes. */
typedef enum
{
  ESP_FLOW_SYNC,   /* the answer to the submit is the result */
  ESP_FLOW_POLL,   /* the answer names a job, which is asked after until it ends */
  ESP_FLOW_STREAM, /* the answer is an event stream that ends with the result */
} EspFlow;

typedef enum
{
  ESP_STATUS_QUEUED,
  ESP_STATUS_RUNNING,
  ESP_STATUS_SUCCEEDED,
  ESP_STATUS_FAILED,
  ESP_STATUS_CANCELLED,
  ESP_STATUS_MODERATED,
  ESP_STATUS_EXPIRED,
} EspStatus;

/* What went wrong: "errors" of a descriptor maps answers to these. */
typedef enum
{
  ESP_FAULT_NONE,
  ESP_FAULT_AUTH,      /* no key or a wrong one */
  ESP_FAULT_FORBIDDEN, /* the key may not do this */
  ESP_FAULT_CREDIT,    /* no money left */
  ESP_FAULT_INVALID,   /* the API does not want these values */
  ESP_FAULT_GONE,      /* no such job, model or file (any more) */
  ESP_FAULT_MODERATED, /* a safety system refused */
  ESP_FAULT_RATE,      /* too many requests: wait and try again */
  ESP_FAULT_BUSY,      /* no capacity at present: wait and try again */
  ESP_FAULT_SERVER,    /* the provider failed */
  ESP_FAULT_RESULT,    /* what came back is no image, or a link to nothing */
  ESP_FAULT_NETWORK,   /* not reachable: surely nothing was accepted */
  ESP_FAULT_UNKNOWN,   /* perhaps accepted: never sent again without asking */
  ESP_FAULT_PATIENCE,  /* accepted and still under way when patience ended */
  ESP_FAULT_ARGUMENT,  /* our own refusal before anything was sent */
  ESP_FAULT_OFFLINE,   /* the person wants that nothing leaves this computer */
  ESP_FAULT_BUDGET,    /* the person's monthly stop was reached */
} EspFault;

typedef enum
{
  ESP_CHARGED_NO,
  ESP_CHARGED_YES,
  ESP_CHARGED_UNKNOWN,
} EspCharged;

/* "auth", "credit", … as in descriptors, JSON output and the journal; from_string: FALSE for
 * anything else. */
const char *esp_fault_to_string (EspFault fault);
gboolean esp_fault_from_string (const char *text, EspFault *fault);
const char *esp_status_to_string (EspStatus status);
gboolean esp_status_from_string (const char *text, EspStatus *status);

/* Name → where the value stands. */
typedef struct
{
  char *name;      /* "id", "poll", "put_headers" … */
  char **pointers; /* first hit wins */
} EspCapture;

/* One request; every string is a template. */
typedef struct
{
  char *method;       /* "GET", "POST", "PUT", "DELETE" */
  char *url;          /* absolute, or relative to the base URL */
  char *url_if_unset; /* where a placeholder of `url` has no value; or NULL */
  char *url_if_gone;  /* of "submit": where it is sent once more if `url` answers 404; or NULL */
  JsonNode *headers;  /* object, or array of objects and placeholders that are objects; or NULL */
  JsonObject *query;  /* or NULL */
  JsonNode *json;     /* body, or NULL */
  JsonObject *form;   /* urlencoded body, or NULL */
  JsonNode
      *multipart; /* object or array of {"name", "value" | "file", "filename", "type"}; or NULL */
  char *file;     /* "{{image.bytes}}": raw body; or NULL */
  GPtrArray *captures; /* of EspCapture *; never NULL */
  char *content_type;  /* of `file`; or NULL */
  gboolean auth;       /* does it carry the key (if its origin may have it)? default TRUE */
  guint when;          /* of "cancel": bits 1 << EspStatus in which it is sent; both if not said */
} EspProviderRequest;

/* "at" equals a value or matches an expression → class. */
typedef struct
{
  char **at;
  JsonNode *equals; /* or NULL */
  GRegex *matches;  /* or NULL */
  EspFault fault;
  EspCharged charged; /* does what ends so cost something? ESP_CHARGED_UNKNOWN: not said */
  char *blocked;      /* of a safety system: "input" or "output"; or NULL */
} EspErrorRule;

typedef struct
{
  char **at;
  double scale; /* 1 unless said otherwise: credits → dollars, ms → s */
} EspMeta;

typedef struct
{
  char *id;    /* canonical: prompt negative seed steps guidance aspect size count format quality
                  safety tolerance enhance; or the descriptor's own */
  char *label; /* or NULL */
  char *description; /* or NULL */
  char *type;        /* "string", "int", "float", "bool", "enum", "json" (config only) */
  gboolean required;
  double minimum, maximum; /* ±HUGE_VAL where there is none */
  double step;             /* 0 where there is none */
  JsonNode *fallback;      /* "default", or NULL */
  gboolean random;         /* default "random": the client draws a number and records it */
  JsonArray *values;       /* of an enum, or NULL */
  JsonObject *wire;        /* canonical value as text → what is sent; or NULL */
  gboolean as_string;      /* a number that is sent as a string */
  gboolean advanced;
  GPtrArray *placeholders; /* of char **: of each list one must stand in a "json" value; or NULL */
  char **elements_have;    /* pointers: every element of a "json" value has this; or NULL */
} EspProviderParam;

typedef struct
{
  char *event;            /* SSE event name, or the "type" of a ComfyUI message; NULL = every */
  char **where_at;        /* or NULL */
  JsonNode *where_equals; /* template; or NULL */
  enum
  {
    ESP_EVENT_POLL_NOW,
    ESP_EVENT_PROGRESS,     /* value / max, or value alone as 0…1 */
    ESP_EVENT_PREVIEW,      /* value: base64 or data URI */
    ESP_EVENT_RESULT,       /* ESP_FLOW_STREAM: this event's data is the answer */
    ESP_EVENT_ERROR,        /* ESP_FLOW_STREAM: this event's data is an error answer */
    ESP_EVENT_RUNNING,      /* the job runs now */
    ESP_EVENT_QUEUE_LENGTH, /* value: how many jobs wait or run, this one with them */
  } then;
  char **value, **max; /* or NULL */
} EspEventRule;

const char *esp_provider_get_id (EspProvider *self);
const char *esp_provider_get_name (EspProvider *self);
const char *esp_provider_get_description (EspProvider *self); /* a sentence, or NULL */
/* The name and the description in the language of the user; they belong to gettext. */
const char *esp_provider_get_title (EspProvider *self);
const char *esp_provider_get_summary (EspProvider *self); /* or NULL */
/* What a parameter or setting is called in that language (its id, if it is called nothing), and
 * what it is for, or NULL. */
const char *esp_provider_param_get_label (const EspProviderParam *param);
const char *esp_provider_param_get_hint (const EspProviderParam *param);
const char *esp_provider_get_docs (EspProvider *self);     /* URL for people, or NULL */
const char *esp_provider_get_keys_url (EspProvider *self); /* where keys are made, or NULL */
const char *esp_provider_get_path (EspProvider *self);     /* the file, or NULL */
gboolean esp_provider_is_own (EspProvider *self);          /* written by the person, not shipped */
const char *esp_provider_get_digest (EspProvider *self); /* SHA-256 of the text: for the journal */
const char *esp_provider_get_text (EspProvider *self);   /* the JSON text itself */

/* Why the descriptor cannot be used ("line 12: …"), or NULL: then everything below is valid. */
const char *esp_provider_get_problem (EspProvider *self);

const char *esp_provider_get_base_url (EspProvider *self); /* template with config.* */
gboolean esp_provider_is_self_hosted (EspProvider *self);  /* "self_hosted": the base URL is the
                                                              person's, a key is optional */

/* The schema that controls, options and checks are made from: canonical ids, but "negative" is
 * called "negative_prompt" and a parameter with default "random" has none. `count` is left out
 * unless `with_count`: the window makes variations itself. */
EspSchema *esp_provider_dup_schema (EspProvider *self,
                                    gboolean with_count) G_GNUC_WARN_UNUSED_RESULT;

/* The parsed descriptor. All borrowed; pointers may be NULL where the member is optional. */
typedef struct
{
  EspFlow flow;
  GPtrArray *params; /* of EspProviderParam * */
  GPtrArray *config; /* of EspProviderParam * */

  char *auth_header, *auth_value; /* or NULL: no key. auth_value is a template */
  gboolean auth_optional;
  char **auth_origins; /* patterns: "https://api.*.bfl.ai"; besides the base URL's origin */

  struct
  {
    enum
    {
      ESP_SHIP_DATA_URI,
      ESP_SHIP_BASE64,
      ESP_SHIP_URL,
      ESP_SHIP_MULTIPART,
      ESP_SHIP_UPLOAD,
    } mode;
    char **formats;           /* "png", "jpeg", "webp"; never NULL */
    gint64 max_bytes;         /* of one encoded image (before base64); 0 none */
    gint64 max_request_bytes; /* of the whole body; 0 none */
    gint64 max_pixels;        /* 0 none */
    int min_side;             /* 0 none */
    int max_images;           /* with references; at least 1 */
    GPtrArray *upload;        /* of EspProviderRequest *, for each image; or NULL */
  } image;

  struct
  {
    enum
    {
      ESP_SIZE_PIXELS, /* out.width and out.height: one of the buckets */
      ESP_SIZE_ASPECT, /* param.aspect decides; "input" or the nearest of its values */
      ESP_SIZE_INPUT,  /* the API keeps the input's size */
    } mode;
    gboolean kontext_buckets;
    GArray *buckets; /* of EspImageSize (esp-shipment.h); or NULL */
  } output_size;

  EspProviderRequest *submit;
  char **submit_status; /* pointers; or NULL = watch_status */

  EspProviderRequest *watch;
  char **watch_status;
  char **watch_present;   /* no status until this exists; templates */
  GHashTable *watch_map;  /* wire status → EspStatus + 1 */
  GHashTable *watch_http; /* HTTP code → EspStatus + 1 */
  guint interval_first_ms, interval_max_ms;
  double interval_factor;
  guint watch_timeout_s;
  char **queue_position; /* pointers, or NULL */
  char **progress;       /* pointers to 0…1, or NULL */

  EspProviderRequest *fetch; /* or NULL */

  struct
  {
    char **images; /* pointers (templates); the first with a hit */
    enum
    {
      ESP_RESULT_AUTO,
      ESP_RESULT_URL,
      ESP_RESULT_BASE64,
      ESP_RESULT_DATA_URI,
    } kind;
    char **where_at;           /* of an item; or NULL */
    JsonNode *where_equals;    /* template: only such items, unless there are none */
    char *url_template;        /* with item.*; or NULL */
    gboolean auth_same_origin; /* the key goes along where the URL has the base URL's origin */
    guint expires_s;           /* 0 not known */
    EspMeta *seed, *cost, *time_s, *queue_s, *width, *height; /* each or NULL */
    EspMeta *started, *finished; /* s since 1970: what took as long, where time_s is NULL */
  } result;

  char **error_message, **error_code, **error_retry_after; /* pointers; or NULL */
  GHashTable *error_http;                                  /* HTTP code → EspFault + 1 */
  GPtrArray *error_rules;                                  /* of EspErrorRule * */

  struct
  {
    EspProviderRequest *request; /* NULL: no events */
    gboolean websocket;          /* else SSE */
    gboolean before_submit;
    gboolean comfy_binary;
    guint idle_timeout_s;
    GPtrArray *rules; /* of EspEventRule * */
  } events;

  GPtrArray *cancel;     /* of EspProviderRequest *, one after the other; empty = none */
  guint cancel_when;     /* bits 1 << ESP_STATUS_QUEUED, 1 << ESP_STATUS_RUNNING */
  gboolean cancel_close; /* closing the connection is the way to cancel */

  struct
  {
    GPtrArray *requests;        /* of EspProviderRequest *; NULL: not possible */
    char *items, *id, *created; /* pointers; `id` and `created` within an item */
    GPtrArray *match;           /* of EspErrorRule: at, equals (a template); all must hold */
    gboolean own_id;            /* the client chose the job's id (turn.uuid): just watch it */
  } recover;

  EspProviderRequest *probe;       /* or NULL */
  EspProviderRequest *schema_from; /* or NULL */
  char **schema_at, **price_at;
  guint concurrent, per_minute; /* 0 not known */
  guint retention_s;            /* how long a job can be asked for; 0 not known */
  char *price_unit;             /* "image" or "megapixel"; or NULL */
  double price_amount;          /* < 0 unknown */
  char *price_currency;         /* or NULL */
} EspDescriptor;

const EspDescriptor *esp_provider_get_descriptor (EspProvider *self);

const EspProviderParam *esp_provider_find_param (EspProvider *self, const char *id);

/* Reads and checks a descriptor. Fails with ESP_PROVIDER_ERROR, the message beginning with
 * "NAME:LINE: ". esp_provider_new_broken () is for lists: it shows what is wrong. */
EspProvider *esp_provider_new (GBytes *text, const char *name, gboolean own,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspProvider *esp_provider_new_from_file (const char *path, gboolean own,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspProvider *esp_provider_new_broken (const char *path,
                                      const char *problem) G_GNUC_WARN_UNUSED_RESULT;

/* A copy whose parameters are tightened (never widened) by a JSON Schema that the provider
 * publishes: ranges and enumerations of properties whose wire name is known from the submit
 * template. What cannot be understood in `schema` is passed over. */
EspProvider *esp_provider_tighten (EspProvider *self, JsonNode *schema,
                                   double price) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
