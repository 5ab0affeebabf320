/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request: the size of a file, or a piece of it. */
#define G_LOG_DOMAIN "espalier-models"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "esp-downloader-private.h"
#include "esp-model-offer-private.h"
#include "esp-origin.h"

#define MAX_HOPS     6
#define MAX_RESTARTS 3
#define IDLE_SECONDS 30

/* What is found out while an answer comes in. */
typedef enum
{
  FINE,
  KNOWN,     /* all that was asked for; the body is not wanted */
  OTHER,     /* it is another file than what has come of it */
  NO_RANGES, /* the server gives all of it, or nothing */
  WRONG,     /* it answers something else than it was asked for */
  UNWRITTEN, /* the disk: see errno */
  VOID,      /* the file began anew meanwhile */
} Verdict;

typedef struct
{
  EspDownloader *downloader;
  EspDownloadItem *item;
  int piece; /* -1: the size */
  guint generation;
  char *url;
  guint hops;
  gint64 at, end; /* what is to be written next; where it ends */
  guint status;
  Verdict verdict;
  int reason; /* errno */
} Fetch;

static void send_request (Fetch *fetch);

static void
fetch_free (Fetch *fetch)
{
  g_free (fetch->url);
  g_free (fetch);
}

static char *
dup_host (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);

  return g_strdup (uri != NULL && g_uri_get_host (uri) != NULL ? g_uri_get_host (uri) : url);
}

static gboolean
has_same_origin (const char *a, const char *b)
{
  g_autofree char *origin_a = esp_origin_of (a);
  g_autofree char *origin_b = esp_origin_of (b);

  return origin_a != NULL && g_strcmp0 (origin_a, origin_b) == 0;
}

/* --- What servers say ------------------------------------------------------------------------- */

/* An entity tag without its quotes; "W/" stays: weak ones prove nothing. */
static char *
dup_etag (GHashTable *headers, const char *name)
{
  const char *text = g_hash_table_lookup (headers, name);
  gsize length = text != NULL ? strlen (text) : 0;

  if (length == 0 || g_str_has_prefix (text, "W/"))
    return NULL;
  if (length >= 2 && text[0] == '"' && text[length - 1] == '"')
    return g_strndup (text + 1, length - 2);
  return g_strdup (text);
}

static gboolean
is_hex (const char *text, gsize length)
{
  return text != NULL && strlen (text) == length
         && text[strspn (text, "0123456789abcdefABCDEF")] == '\0';
}

/* Hugging Face's digest of a file, where the source is one that says it. FALSE: it is another one
 * than before. */
static gboolean
take_digest (EspDownloadItem *item, GHashTable *headers, const char *name)
{
  g_autofree char *etag = dup_etag (headers, name);

  if (!item->file->hub_digests || (!is_hex (etag, 64) && !is_hex (etag, 40)))
    return TRUE;
  if (item->digest != NULL)
    return strlen (item->digest) != strlen (etag) || g_ascii_strcasecmp (item->digest, etag) == 0;

  item->is_blob = strlen (etag) == 40;
  item->digest = g_ascii_strdown (etag, -1);
  return TRUE;
}

static gboolean
parse_uint (const char **text, gint64 *value)
{
  char *end;
  guint64 number;

  if (!g_ascii_isdigit (**text))
    return FALSE;
  errno = 0;
  number = g_ascii_strtoull (*text, &end, 10);
  if (errno != 0 || number > (guint64) G_MAXINT64)
    return FALSE;

  *value = (gint64) number;
  *text = end;
  return TRUE;
}

/* "bytes 0-99/1234", and "bytes *" with the size for one that is empty. */
static gboolean
parse_range (GHashTable *headers, gint64 *from, gint64 *to, gint64 *total)
{
  const char *text = g_hash_table_lookup (headers, "content-range");

  if (text == NULL || g_ascii_strncasecmp (text, "bytes ", 6) != 0)
    return FALSE;
  text += 6;
  *from = 0;
  *to = -1;
  if (*text == '*')
    text++;
  else if (!parse_uint (&text, from) || *text++ != '-' || !parse_uint (&text, to))
    return FALSE;

  return *text++ == '/' && parse_uint (&text, total) && *text == '\0' && *to < *total
         && *from <= *to + 1;
}

static gint64
get_length (GHashTable *headers)
{
  const char *text = g_hash_table_lookup (headers, "content-length");
  gint64 length;

  if (text == NULL || g_hash_table_contains (headers, "content-encoding"))
    return -1;
  return parse_uint (&text, &length) && *text == '\0' ? length : -1;
}

/* What tells this version of the file from others, at this host. */
static char *
dup_tag (Fetch *fetch, GHashTable *headers)
{
  g_autofree char *etag = dup_etag (headers, "etag");
  g_autofree char *host = dup_host (fetch->url);
  const char *date = g_hash_table_lookup (headers, "last-modified");

  if (etag == NULL && date == NULL)
    return NULL;
  return g_strdup_printf ("%s\t%s", host, etag != NULL ? etag : date);
}

/* Is the answer of the file of which a part has come already? Takes its tag. */
static gboolean
is_same_file (Fetch *fetch, GHashTable *headers, gint64 total)
{
  EspDownloadItem *item = fetch->item;
  g_autofree char *tag = dup_tag (fetch, headers);

  if (item->total >= 0 && total >= 0 && item->total != total)
    return FALSE;
  if (tag == NULL)
    return TRUE;

  /* Another host has other tags. Then the digest has to tell, and in the end it will. */
  if (item->tag != NULL && !g_str_equal (item->tag, tag)
      && (strncmp (item->tag, tag, strcspn (tag, "\t") + 1) == 0
          || (item->digest == NULL && item->file->sha256 == NULL)))
    return FALSE;

  g_free (item->tag);
  item->tag = g_steal_pointer (&tag);
  return TRUE;
}

/* --- While it comes --------------------------------------------------------------------------- */

static Verdict
take_size (Fetch *fetch, GHashTable *headers, gint64 total, gboolean ranges)
{
  EspDownloadItem *item = fetch->item;

  if (total < 0)
    return WRONG;
  if (!take_digest (item, headers, "etag") || !is_same_file (fetch, headers, total))
    return OTHER;

  _esp_download_item_set_total (item, total, ranges);
  fetch->generation = item->generation;
  return KNOWN;
}

static gboolean
on_head (guint status, GHashTable *headers, gpointer data)
{
  Fetch *fetch = data;
  EspDownloadItem *item = fetch->item;
  gint64 from = 0, to = -1, total = -1;
  gboolean has_range = parse_range (headers, &from, &to, &total);

  fetch->status = status;
  if (fetch->generation != item->generation)
    {
      fetch->verdict = VOID;
      return FALSE;
    }
  if (status == 416 && fetch->piece < 0 && has_range && total == 0)
    {
      fetch->verdict = take_size (fetch, headers, 0, TRUE);
      return FALSE;
    }
  if (status != 200 && status != 206)
    return TRUE;

  if (fetch->piece < 0)
    {
      fetch->verdict = status == 206 ? take_size (fetch, headers, has_range ? total : -1, TRUE)
                                     : take_size (fetch, headers, get_length (headers), FALSE);
      /* The one byte of a 206 keeps the connection. */
      return status == 206;
    }

  if (status == 206)
    {
      if (!has_range || from != fetch->at || to + 1 > fetch->end)
        fetch->verdict = WRONG;
      else if (!is_same_file (fetch, headers, total))
        fetch->verdict = OTHER;
    }
  else if (!is_same_file (fetch, headers, get_length (headers)))
    fetch->verdict = OTHER;
  else if (item->ranges)
    fetch->verdict = NO_RANGES;

  return fetch->verdict == FINE;
}

static gboolean
on_piece (const guint8 *bytes, gsize length, gpointer data)
{
  Fetch *fetch = data;
  EspDownloadItem *item = fetch->item;

  if (fetch->generation != item->generation)
    fetch->verdict = VOID;
  else if (fetch->piece < 0 && length > 1)
    fetch->verdict = fetch->verdict == FINE ? WRONG : fetch->verdict;
  if (fetch->piece < 0 || fetch->verdict == VOID)
    return fetch->verdict != VOID && length <= 1;
  if ((gint64) length > fetch->end - fetch->at)
    {
      fetch->verdict = WRONG;
      return FALSE;
    }

  while (length > 0)
    {
      gssize written = pwrite (item->fd, bytes, length, fetch->at);

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        {
          fetch->reason = written < 0 ? errno : EIO;
          fetch->verdict = UNWRITTEN;
          return FALSE;
        }
      bytes += written;
      length -= (gsize) written;
      fetch->at += written;
      item->have[fetch->piece] += written;
    }

  item->dirty = TRUE;
  item->faults = 0;
  _esp_downloader_tell (fetch->downloader, FALSE);
  _esp_downloader_save (fetch->downloader, FALSE);
  return TRUE;
}

/* --- What it comes to ------------------------------------------------------------------------- */

static GError *
new_refusal (Fetch *fetch, EspHttpAnswer *answer)
{
  EspDownloader *self = fetch->downloader;
  EspModelOffer *offer = self->setup->offer;
  const EspModelLicence *licence = esp_model_offer_get_licence (offer);
  const char *source = esp_model_offer_get_source_name (offer);
  const char *where = esp_model_offer_get_homepage (offer);
  const char *tokens = esp_model_offer_get_token_url (offer);
  const char *reason = g_hash_table_lookup (answer->headers, "x-error-code");
  gboolean has_account = esp_model_offer_get_token_account (offer) != NULL;

  where = where != NULL ? where : licence->url;
  tokens = tokens != NULL ? tokens : where;

  if (has_account && self->setup->token == NULL)
    return g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_TOKEN,
                        /* Translators: a source (“Hugging Face”), two addresses. */
                        _ ("%s gives this model only to people with an account that accepted the "
                           "licence. Accept it on %s, then make an access token on %s and give it "
                           "to Espalier."),
                        source, where, tokens);
  if (has_account && (answer->status == 403 || g_strcmp0 (reason, "GatedRepo") == 0))
    return g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_LICENCE,
                        /* Translators: a source (“Hugging Face”), an address. */
                        _ ("%s knows the access token, but does not give it this model. Accept the "
                           "licence on %s with the same account; the token must be allowed to read "
                           "models that ask for that."),
                        source, where);
  if (has_account)
    return g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_TOKEN,
                        _ ("%s does not know the access token. Make another one on %s and give it "
                           "to Espalier."),
                        source, tokens);
  return g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_REFUSED,
                      _ ("%s does not give “%s” away (answer %u)."), source,
                      fetch->item->file->path, answer->status);
}

static GError *
new_status_error (Fetch *fetch, guint status)
{
  g_autofree char *host = dup_host (fetch->url);

  if (status == 404 || status == 410)
    return g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_GONE,
                        _ ("“%s” is not at “%s” (any more). The model may have moved; look for a "
                           "newer version of Espalier, or get the files yourself and add them."),
                        fetch->item->file->path, host);
  return g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_NETWORK,
                      status == 429 ? _ ("“%s” has too much to do at the moment (answer %u).")
                                    : _ ("“%s” has trouble at the moment (answer %u)."),
                      host, status);
}

static gboolean
is_transient (guint status)
{
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* The file changed under our hands: from the beginning. */
static void
restart (Fetch *fetch)
{
  EspDownloader *self = fetch->downloader;
  EspDownloadItem *item = fetch->item;
  guint restarts = item->restarts + 1;

  _esp_download_item_restart (self->plan, item);
  item->restarts = restarts;
  _esp_downloader_save (self, TRUE);
  if (restarts > MAX_RESTARTS)
    _esp_downloader_fail (
        self, g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_DAMAGED,
                           _ ("“%s” is another file each time it is asked for. Try again later."),
                           item->file->path));
}

static void
follow (Fetch *fetch, EspHttpAnswer *answer)
{
  EspDownloader *self = fetch->downloader;
  EspDownloadItem *item = fetch->item;
  gboolean at_home = has_same_origin (fetch->url, item->file->url);

  if (at_home && !take_digest (item, answer->headers, "x-linked-etag"))
    {
      restart (fetch);
      return;
    }

  /* Never from an encrypted connection to one that is not. */
  if (answer->location == NULL || fetch->hops >= MAX_HOPS
      || !_esp_model_url_is_allowed (answer->location)
      || (g_str_has_prefix (fetch->url, "https:")
          && !g_str_has_prefix (answer->location, "https:")))
    {
      g_autofree char *host = dup_host (fetch->url);

      _esp_downloader_fail (
          self,
          g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_REFUSED,
                       _ ("“%s” sends on to an address that Espalier does not follow."), host));
      return;
    }

  g_free (fetch->url);
  fetch->url = g_strdup (answer->location);
  fetch->hops++;
  send_request (fetch);
}

static void
take_refusal (Fetch *fetch, EspHttpAnswer *answer)
{
  EspDownloadItem *item = fetch->item;

  if (has_same_origin (fetch->url, item->file->url))
    {
      _esp_downloader_fail (fetch->downloader, new_refusal (fetch, answer));
      return;
    }

  /* Addresses that were signed for some minutes: ask anew where to go. */
  g_clear_pointer (&item->location, g_free);
  _esp_downloader_put_off (fetch->downloader, item, new_status_error (fetch, answer->status), -1);
}

static void
take_verdict (Fetch *fetch)
{
  EspDownloader *self = fetch->downloader;
  EspDownloadItem *item = fetch->item;
  g_autofree char *host = NULL;

  switch (fetch->verdict)
    {
    case OTHER:
      restart (fetch);
      break;
    case NO_RANGES:
      _esp_download_item_set_total (item, item->total, FALSE);
      break;
    case UNWRITTEN:
      _esp_downloader_fail (self,
                            g_error_new (ESP_MODEL_DOWNLOAD_ERROR,
                                         fetch->reason == ENOSPC || fetch->reason == EDQUOT
                                             ? ESP_MODEL_DOWNLOAD_ERROR_SPACE
                                             : ESP_MODEL_DOWNLOAD_ERROR_FILE,
                                         _ ("“%s” cannot be written: %s. What has come is kept."),
                                         item->file->path, g_strerror (fetch->reason)));
      break;
    case WRONG:
      host = dup_host (fetch->url);
      _esp_downloader_put_off (
          self, item,
          g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_REFUSED,
                       _ ("“%s” answers something else than it was asked for."), host),
          -1);
      break;
    case FINE:
    case KNOWN:
    case VOID:
      break;
    }
}

/* The size that the manifest names is a promise. */
static void
take_known (Fetch *fetch)
{
  EspDownloadItem *item = fetch->item;

  if (item->file->size >= 0 && item->total != item->file->size)
    {
      _esp_download_item_restart (fetch->downloader->plan, item);
      _esp_downloader_fail (
          fetch->downloader,
          g_error_new (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_DAMAGED,
                       _ ("“%s” is of another size at its source than it should be: the source has "
                          "changed the file, and Espalier does not take it."),
                       item->file->path));
      return;
    }

  item->known = TRUE;
  item->faults = 0;
  if (fetch->hops > 0)
    {
      g_free (item->location);
      item->location = g_strdup (fetch->url);
    }
}

static void
take_answer (Fetch *fetch, EspHttpAnswer *answer)
{
  EspDownloader *self = fetch->downloader;
  EspDownloadItem *item = fetch->item;
  guint status = answer->status;

  if (fetch->generation != item->generation)
    return;
  if (status >= 300 && status < 400)
    follow (fetch, answer);
  else if (fetch->verdict == KNOWN)
    take_known (fetch);
  else if (fetch->verdict != FINE)
    take_verdict (fetch);
  else if (status == 401 || status == 403)
    take_refusal (fetch, answer);
  else if (status == 416)
    restart (fetch);
  else if ((status == 404 || status == 410) && item->file->optional)
    item->absent = TRUE;
  else if (is_transient (status))
    _esp_downloader_put_off (self, item, new_status_error (fetch, status), answer->retry_after);
  else if (status != 200 && status != 206)
    _esp_downloader_fail (self, new_status_error (fetch, status));
  else if (fetch->at < fetch->end)
    _esp_downloader_put_off (self, item, new_status_error (fetch, status), -1);
  else
    {
      g_clear_error (&self->trouble);
      _esp_downloader_save (self, TRUE);
    }
}

static void
take_error (Fetch *fetch, GError *error)
{
  GError *own;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (error);
      return;
    }

  own = g_error_new_literal (ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_NETWORK,
                             error->message);
  if (g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS))
    _esp_downloader_fail (fetch->downloader, own);
  else
    _esp_downloader_put_off (fetch->downloader, fetch->item, own, -1);
  g_error_free (error);
}

static void
end (Fetch *fetch)
{
  EspDownloader *self = fetch->downloader;

  self->running--;
  if (fetch->piece < 0)
    fetch->item->asking = FALSE;
  else if (fetch->generation == fetch->item->generation)
    fetch->item->busy[fetch->piece] = FALSE;
  fetch_free (fetch);
  _esp_downloader_go_on (self);
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  Fetch *fetch = data;
  GError *error = NULL;
  g_autoptr (EspHttpAnswer) answer = esp_http_fetch_finish (ESP_HTTP (source), result, &error);
  guint hops = fetch->hops;

  if (answer != NULL)
    take_answer (fetch, answer);
  else
    take_error (fetch, error);

  /* Sent on: the same request goes somewhere else. */
  if (fetch->hops == hops)
    end (fetch);
}

static void
add_headers (Fetch *fetch, EspHttpRequest *request)
{
  EspDownloadItem *item = fetch->item;
  EspKey *token = fetch->downloader->setup->token;
  g_autofree char *range = NULL;

  if (fetch->piece < 0)
    range = g_strdup ("bytes=0-0");
  else if (item->ranges)
    range = g_strdup_printf ("bytes=%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, fetch->at,
                             fetch->end - 1);
  if (range != NULL)
    esp_http_request_add_header (request, "Range", range, FALSE, NULL);
  esp_http_request_add_header (request, "Accept-Encoding", "identity", FALSE, NULL);

  if (token != NULL && item->file->takes_token && has_same_origin (fetch->url, item->file->url))
    {
      g_autofree char *value = g_strconcat ("Bearer ", esp_key_get (token), NULL);

      esp_http_request_add_header (request, "Authorization", value, TRUE, NULL);
      explicit_bzero (value, strlen (value));
    }
}

static void
send_request (Fetch *fetch)
{
  EspDownloader *self = fetch->downloader;
  g_autoptr (EspHttpRequest) request = esp_http_request_new ("GET", fetch->url);
  g_autofree char *host = dup_host (fetch->item->file->url);

  add_headers (fetch, request);
  esp_http_request_set_timeouts (request, 0, IDLE_SECONDS, 0);
  esp_http_request_set_private_ok (request, esp_host_is_loopback (host));
  fetch->verdict = FINE;
  fetch->status = 0;
  esp_http_fetch_async (self->http, request, self->setup->throttle, self->stop, on_head, on_piece,
                        fetch, on_fetched, fetch);
}

void
_esp_download_fetch (EspDownloader *self, EspDownloadItem *item, int piece)
{
  Fetch *fetch = g_new0 (Fetch, 1);
  GError *error = NULL;

  fetch->downloader = self;
  fetch->item = item;
  fetch->piece = piece;
  fetch->generation = item->generation;
  fetch->url = g_strdup (item->location != NULL ? item->location : item->file->url);
  self->running++;

  if (piece < 0)
    {
      item->asking = TRUE;
    }
  else
    {
      gint64 begin = (gint64) piece * item->piece;

      /* All of it comes once more from a server that gives no parts. */
      if (!item->ranges)
        item->have[piece] = 0;
      item->busy[piece] = TRUE;
      fetch->at = begin + item->have[piece];
      fetch->end = begin + _esp_download_item_get_piece_size (item, (guint) piece);
      if (!_esp_download_item_open (self->plan, item, &error))
        {
          _esp_downloader_fail (self, error);
          self->running--;
          item->busy[piece] = FALSE;
          fetch_free (fetch);
          return;
        }
    }

  send_request (fetch);
}
