/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript-private.h: what the two writers of transcripts share.
 *
 * What is known is written into the requests; what only shows when the commands run (a picture's
 * bytes, the id of a job) stays as a mark, which each writer makes an expression of its language
 * of.
 */
#pragma once

#include "esp-provider.h"
#include "esp-remote-private.h"
#include "esp-transcript.h"

G_BEGIN_DECLS

/* The script itself, and what it is made of. */
typedef struct
{
  EspRemoteSetup setup;
  const EspDescriptor *descriptor;
  const char *const *images;
  guint n_images;
  char *key_name;                /* "RUNPOD_API_KEY"; NULL where the API has no keys */
  char *extension;               /* of the results: "png" */
  gboolean has_turn, has_client; /* marks that were met */
  GString *text;
} EspTranscript;

/* A piece of a text: words, or the name of a mark ("job.id"). */
typedef struct
{
  gboolean mark;
  gboolean encoded; /* a mark in an address: to be percent-encoded */
  char *text;
} EspTranscriptPiece;

/* A header; name NULL: the value is a mark that is an object of headers. */
typedef struct
{
  char *name, *value;
} EspTranscriptHeader;

/* A part of a form: text, or the bytes of a picture. */
typedef struct
{
  char *name, *value;
  char *filename, *type; /* of files; NULL: as the picture has them */
  int image;             /* -1: text */
} EspTranscriptPart;

/* A request with marks in it. */
typedef struct
{
  const char *method;
  char *url;
  GPtrArray *headers; /* of EspTranscriptHeader * */
  JsonNode *json;     /* or NULL */
  char *form;         /* or NULL */
  GPtrArray *parts;   /* of EspTranscriptPart *; or NULL */
  int file;           /* index of the picture that is the body, or -1 */
  char *content_type; /* of `file`, or NULL */
  gboolean auth;
} EspTranscriptRequest;

/* `image`: the index of the picture that is uploaded, or -1. */
EspTranscriptRequest *_esp_transcript_request_new (EspTranscript *self,
                                                   const EspProviderRequest *request, int image,
                                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void _esp_transcript_request_free (EspTranscriptRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspTranscriptRequest, _esp_transcript_request_free)

/* (element-type EspTranscriptPiece) (transfer full) */
GPtrArray *_esp_transcript_split (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* The name if `text` is exactly one mark, else NULL. */
char *_esp_transcript_dup_only (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* Pointers, and the address of an item of the result, with marks. */
char **_esp_transcript_dup_pointers (EspTranscript *self,
                                     char **pointers) G_GNUC_WARN_UNUSED_RESULT;
char *_esp_transcript_dup_item_url (EspTranscript *self) G_GNUC_WARN_UNUSED_RESULT;
/* The key's header with a mark "secret.api_key" in it. */
char *_esp_transcript_dup_key_header (EspTranscript *self, char **value) G_GNUC_WARN_UNUSED_RESULT;

/* "image2.url" → 1 and "url"; FALSE for other names. "images" and "references" are -1 and -2. */
gboolean _esp_transcript_parse_image (const char *name, int *index, const char **property);
gboolean _esp_transcript_is_captured (EspTranscript *self, const char *property);
/* Wire statuses that mean success (or the other ends). (element-type utf8) (transfer full) */
GPtrArray *_esp_transcript_dup_statuses (EspTranscript *self,
                                         gboolean success) G_GNUC_WARN_UNUSED_RESULT;
/* The event whose data is the answer of a stream; borrowed, NULL = any. */
const char *_esp_transcript_get_result_event (EspTranscript *self);

/* Does `text` have `word` ("read(", "json.") where no longer word has it? */
gboolean _esp_transcript_has_word (const char *text, const char *word);

/* A function of the script or program: what calling it looks like, and its text. */
typedef struct
{
  const char *call, *text;
} EspTranscriptHelper;

/* Adds those of the `n` helpers that `body` calls, itself or through others, in their order, each
 * behind `separator`. */
void _esp_transcript_put_helpers (GString *out, const EspTranscriptHelper *helpers, gsize n,
                                  const char *body, const char *separator);

/* For the shell (esp-transcript-curl-request.c). `uploading`: the picture that is uploaded, or -1.
 */
gboolean _esp_transcript_curl_put_request (EspTranscript *self, const EspProviderRequest *template,
                                           int uploading, GError **error);
/* A word of the shell. */
void _esp_transcript_curl_put_text (EspTranscript *self, GString *out, const char *text,
                                    int uploading);
/* The variable with what was captured. */
char *_esp_transcript_curl_dup_variable (const char *capture, int uploading);

void _esp_transcript_write_curl (EspTranscript *self, GError **error);
void _esp_transcript_write_python (EspTranscript *self, GError **error);

G_END_DECLS
