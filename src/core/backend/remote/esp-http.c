/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pool: libcurl's multi handle and the GLib main loop. libcurl says which sockets it waits for
 * and until when; one GSource waits for them all. */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-http-proxy.h"
#include "esp-origin.h"

/* Since libcurl 8.20, and refused by older ones, where the easy handle's option is enough. */
#if LIBCURL_VERSION_NUM < 0x081400
#define CURLMOPT_QUICK_EXIT ((CURLMoption) 21)
#endif

/* What is worked off at a time, in µs: handshakes of many connections at once would else keep the
 * window from drawing. */
#define SLICE (5 * 1000)

/* Behind the window's events and drawing. */
#define PRIORITY (G_PRIORITY_HIGH_IDLE + 50)

/* Idle connections that are kept. */
#define MAX_KEPT_CONNECTIONS 64

typedef struct
{
  GSource source;
  EspHttp *http; /* outlives the source */
} PoolSource;

typedef struct
{
  gpointer tag;
  int fd;
} Watch;

struct _EspHttp
{
  GObject parent_instance;

  CURLM *multi;
  CURLSH *share; /* of TLS sessions */
  GMainContext *context;
  GSource *source;
  GHashTable *watches;  /* fd → Watch */
  gint64 due;           /* when libcurl wants to be called, monotonic µs; -1 never */
  GQueue waiting;       /* of EspHttpTransfer, counted: prepared, to be handed to libcurl */
  guint turn;           /* which socket is looked at first */
  GPtrArray *transfers; /* of EspHttpTransfer: under way */

  char *ca_file;
  EspHttpTrust trust;
};

G_DEFINE_FINAL_TYPE (EspHttp, esp_http, G_TYPE_OBJECT)
G_DEFINE_QUARK (esp - http - error - quark, esp_http_error)

static void hand_over (EspHttp *self);
static void drive (EspHttp *self);

/* ---- libcurl ↔ GLib ---- */

static int
on_socket (CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
  EspHttp *self = data;
  Watch *watch = g_hash_table_lookup (self->watches, GINT_TO_POINTER (fd));
  GIOCondition condition = 0;

  if (what == CURL_POLL_REMOVE)
    {
      if (watch != NULL)
        {
          g_source_remove_unix_fd (self->source, watch->tag);
          g_hash_table_remove (self->watches, GINT_TO_POINTER (fd));
        }
      return 0;
    }

  if (what & CURL_POLL_IN)
    condition |= G_IO_IN;
  if (what & CURL_POLL_OUT)
    condition |= G_IO_OUT;

  if (watch != NULL)
    {
      g_source_modify_unix_fd (self->source, watch->tag, condition);
      return 0;
    }

  watch = g_new0 (Watch, 1);
  watch->fd = fd;
  watch->tag = g_source_add_unix_fd (self->source, fd, condition);
  g_hash_table_insert (self->watches, GINT_TO_POINTER (fd), watch);

  return 0;
}

static void
arm (EspHttp *self)
{
  g_source_set_ready_time (self->source, self->waiting.length > 0 ? 0 : self->due);
}

static int
on_timer (CURLM *multi, long milliseconds, void *data)
{
  EspHttp *self = data;

  self->due = milliseconds < 0 ? -1 : g_get_monotonic_time () + (gint64) milliseconds * 1000;
  arm (self);

  return 0;
}

static void
act (EspHttp *self, curl_socket_t fd, int what)
{
  int running;
  CURLMcode code = curl_multi_socket_action (self->multi, fd, what, &running);

  if (code != CURLM_OK)
    g_warning ("libcurl: %s", curl_multi_strerror (code));
}

static void
act_if_due (EspHttp *self)
{
  if (self->due >= 0 && self->due <= g_get_monotonic_time ())
    {
      self->due = -1;
      act (self, CURL_SOCKET_TIMEOUT, 0);
    }
}

static int
to_curl_events (GIOCondition condition)
{
  int what = 0;

  if (condition & (G_IO_IN | G_IO_HUP))
    what |= CURL_CSELECT_IN;
  if (condition & G_IO_OUT)
    what |= CURL_CSELECT_OUT;
  if (condition & (G_IO_ERR | G_IO_NVAL))
    what |= CURL_CSELECT_ERR;

  return what;
}

static gboolean
pool_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (EspHttp) self = g_object_ref (((PoolSource *) source)->http);
  g_autoptr (GArray) ready = g_array_new (FALSE, FALSE, sizeof (int));
  gint64 end = g_get_monotonic_time () + SLICE;
  guint done;
  GHashTableIter iter;
  gpointer value;

  /* libcurl adds and removes sockets as it acts: first who is ready, then the acting. */
  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Watch *watch = value;

      if (g_source_query_unix_fd (source, watch->tag) != 0)
        g_array_append_val (ready, watch->fd);
    }

  /* Each gets its turn, even where there is always more to do than fits. */
  for (done = 0; done < ready->len && (done == 0 || g_get_monotonic_time () < end); done++)
    {
      int fd = g_array_index (ready, int, (self->turn + done) % ready->len);
      Watch *watch = g_hash_table_lookup (self->watches, GINT_TO_POINTER (fd));

      if (watch != NULL)
        act (self, fd, to_curl_events (g_source_query_unix_fd (source, watch->tag)));
    }
  self->turn += done;

  act_if_due (self);
  for (done = 0; self->waiting.length > 0 && (done == 0 || g_get_monotonic_time () < end); done++)
    {
      hand_over (self);
      act_if_due (self);
    }
  arm (self);

  drive (self);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs pool_source_funcs = {
  .dispatch = pool_source_dispatch,
};

/* ---- the object ---- */

static void
esp_http_dispose (GObject *object)
{
  EspHttp *self = ESP_HTTP (object);

  /* Each holds a reference through its task. */
  g_assert (self->transfers->len == 0);
  while (self->waiting.length > 0)
    _esp_http_transfer_unref (g_queue_pop_head (&self->waiting));

  G_OBJECT_CLASS (esp_http_parent_class)->dispose (object);
}

static void
esp_http_finalize (GObject *object)
{
  EspHttp *self = ESP_HTTP (object);

  curl_multi_cleanup (self->multi);
  curl_share_cleanup (self->share);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_hash_table_unref (self->watches);
  g_ptr_array_unref (self->transfers);
  g_main_context_unref (self->context);
  g_free (self->ca_file);
  _esp_http_trust_clear (&self->trust);

  G_OBJECT_CLASS (esp_http_parent_class)->finalize (object);
}

static void
esp_http_class_init (EspHttpClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_http_dispose;
  object_class->finalize = esp_http_finalize;
}

static void
esp_http_init (EspHttp *self)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      if (curl_global_init (CURL_GLOBAL_DEFAULT) != CURLE_OK)
        g_error ("libcurl cannot be used");
      /* GSocket has the program ignore SIGPIPE, as whatever writes to sockets must. */
      g_type_class_unref (g_type_class_ref (G_TYPE_SOCKET));
      g_once_init_leave (&once, 1);
    }

  self->context = g_main_context_ref_thread_default ();
  self->watches = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->transfers = g_ptr_array_new ();
  g_queue_init (&self->waiting);
  self->due = -1;
  self->ca_file = g_strdup (g_getenv ("ESPALIER_CA_FILE"));

  self->source = g_source_new (&pool_source_funcs, sizeof (PoolSource));
  ((PoolSource *) self->source)->http = self;
  g_source_set_static_name (self->source, "EspHttp");
  g_source_set_priority (self->source, PRIORITY);
  g_source_attach (self->source, self->context);

  self->share = curl_share_init ();
  curl_share_setopt (self->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);

  self->multi = curl_multi_init ();
  curl_multi_setopt (self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt (self->multi, CURLMOPT_SOCKETDATA, self);
  curl_multi_setopt (self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt (self->multi, CURLMOPT_TIMERDATA, self);
  curl_multi_setopt (self->multi, CURLMOPT_QUICK_EXIT, 1L);
  curl_multi_setopt (self->multi, CURLMOPT_MAXCONNECTS, (long) MAX_KEPT_CONNECTIONS);
}

EspHttp *
esp_http_new (void)
{
  return g_object_new (ESP_TYPE_HTTP, NULL);
}

void
esp_http_set_ca_file (EspHttp *self, const char *path)
{
  g_return_if_fail (ESP_IS_HTTP (self));

  if (g_strcmp0 (path, self->ca_file) == 0)
    return;

  g_free (self->ca_file);
  self->ca_file = g_strdup (path);
  _esp_http_trust_clear (&self->trust);
}

void
_esp_http_set_up_certificates (EspHttp *self, CURL *easy)
{
  _esp_http_trust_set_up (&self->trust, easy, self->ca_file);
}

gboolean
esp_http_has_websockets (void)
{
  const curl_version_info_data *version = curl_version_info (CURLVERSION_NOW);

  /* Before 8.11 libcurl called its WebSockets an experiment. */
  if (version->version_num < 0x080b00)
    return FALSE;

  for (const char *const *protocol = version->protocols; *protocol != NULL; protocol++)
    {
      if (g_str_equal (*protocol, "ws"))
        return TRUE;
    }

  return FALSE;
}

void
esp_http_answer_free (EspHttpAnswer *answer)
{
  if (answer == NULL)
    return;

  g_free (answer->content_type);
  g_clear_pointer (&answer->headers, g_hash_table_unref);
  g_clear_pointer (&answer->body, g_bytes_unref);
  g_free (answer->location);
  g_free (answer);
}

/* ---- transfers ---- */

static void
stop_source (GSource **source)
{
  if (*source != NULL)
    {
      g_source_destroy (*source);
      g_clear_pointer (source, g_source_unref);
    }
}

/* Ends a transfer; `error` is taken, NULL is success. */
static void
finish (EspHttp *self, EspHttpTransfer *transfer, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&transfer->task);
  const char *url = transfer->request->url;

  stop_source (&transfer->watchdog);
  stop_source (&transfer->cancelled);
  stop_source (&transfer->unpause);
  if (transfer->added)
    {
      curl_multi_remove_handle (self->multi, transfer->easy);
      transfer->added = FALSE;
    }

  g_debug ("%s %.*s: %u%s%s", transfer->request->method, (int) strcspn (url, "?#"), url,
           transfer->status, error != NULL ? ": " : "", error != NULL ? error->message : "");

  if (error != NULL)
    g_task_return_error (task, error);
  else if (transfer->kind == ESP_HTTP_SOCKET)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_pointer (task, _esp_http_transfer_take_answer (transfer),
                           (GDestroyNotify) esp_http_answer_free);

  /* libcurl's part of it goes with the last reference, never from within libcurl. */
  g_ptr_array_remove_fast (self->transfers, transfer);
  _esp_http_transfer_unref (transfer);
}

static void
take_done (EspHttp *self)
{
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read (self->multi, &left)) != NULL)
    {
      EspHttpTransfer *transfer = NULL;
      CURLcode code = message->data.result;

      if (message->msg != CURLMSG_DONE)
        continue;

      curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
      _esp_http_transfer_ref (transfer);
      _esp_http_transfer_tell (transfer, TRUE);
      /* The caller may have cancelled just now: that has its own way. */
      if (transfer->task != NULL)
        {
          if (transfer->kind == ESP_HTTP_SOCKET && transfer->status == 101 && !transfer->too_large
              && code == CURLE_GOT_NOTHING)
            code = CURLE_OK;
          finish (self, transfer, _esp_http_transfer_new_error (transfer, code));
        }
      _esp_http_transfer_unref (transfer);
    }
}

/* Tells everybody what libcurl has brought; here, outside of libcurl, they may do as they like. */
static void
drive (EspHttp *self)
{
  g_autoptr (GPtrArray) noisy
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_http_transfer_unref);

  for (guint i = 0; i < self->transfers->len; i++)
    {
      EspHttpTransfer *transfer = self->transfers->pdata[i];

      if (transfer->has_news)
        g_ptr_array_add (noisy, _esp_http_transfer_ref (transfer));
    }

  for (guint i = 0; i < noisy->len; i++)
    {
      EspHttpTransfer *transfer = noisy->pdata[i];

      _esp_http_transfer_tell (transfer, FALSE);
      if (transfer->closed && transfer->task != NULL)
        finish (self, transfer, NULL);
    }

  take_done (self);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  EspHttpTransfer *transfer = user_data;
  g_autoptr (EspHttp) self = g_object_ref (transfer->http);

  finish (self, transfer,
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Operation was cancelled")));

  return G_SOURCE_REMOVE;
}

static gboolean
on_watchdog (gpointer user_data)
{
  EspHttpTransfer *transfer = user_data;
  g_autoptr (EspHttp) self = g_object_ref (transfer->http);
  const EspHttpRequest *request = transfer->request;
  gint64 now = g_get_monotonic_time ();
  /* Before the request can go out, the time for connecting counts; libcurl sees to that, and this
   * to libcurl. */
  gint64 idle = transfer->started ? request->idle : MAX (request->idle, request->connect + 5);
  gint64 idle_end = transfer->moved + idle * G_USEC_PER_SEC;
  gint64 end = request->total > 0 ? transfer->began + (gint64) request->total * G_USEC_PER_SEC
                                  : G_MAXINT64;

  if (now < idle_end && now < end)
    {
      g_source_set_ready_time (transfer->watchdog, MIN (idle_end, end));
      return G_SOURCE_CONTINUE;
    }

  /* Nobody else is to get this connection. */
  if (transfer->easy != NULL)
    curl_easy_setopt (transfer->easy, CURLOPT_FORBID_REUSE, 1L);
  finish (self, transfer, _esp_http_transfer_new_timeout (transfer, now >= idle_end));

  return G_SOURCE_REMOVE;
}

static gboolean
on_unpause (gpointer user_data)
{
  EspHttpTransfer *transfer = user_data;
  g_autoptr (EspHttp) self = g_object_ref (transfer->http);

  _esp_http_transfer_ref (transfer);
  stop_source (&transfer->unpause);
  if (transfer->task != NULL && transfer->added && transfer->paused)
    {
      transfer->paused = FALSE;
      curl_easy_pause (transfer->easy, CURLPAUSE_CONT);
      drive (self);
    }
  _esp_http_transfer_unref (transfer);

  return G_SOURCE_REMOVE;
}

static gboolean
watchdog_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs watchdog_funcs = {
  .dispatch = watchdog_dispatch,
};

void
_esp_http_unpause_later (EspHttpTransfer *transfer, gint64 delay)
{
  stop_source (&transfer->unpause);
  transfer->unpause = g_source_new (&watchdog_funcs, sizeof (GSource));
  g_source_set_static_name (transfer->unpause, "EspHttp throttle");
  g_source_set_callback (transfer->unpause, on_unpause, _esp_http_transfer_ref (transfer),
                         (GDestroyNotify) _esp_http_transfer_unref);
  g_source_set_ready_time (transfer->unpause, g_get_monotonic_time () + delay);
  g_source_attach (transfer->unpause, transfer->http->context);
}

static void
watch_over (EspHttp *self, EspHttpTransfer *transfer)
{
  GCancellable *cancellable = g_task_get_cancellable (transfer->task);
  const EspHttpRequest *request = transfer->request;
  guint first = request->total > 0 ? MIN (request->idle, request->total) : request->idle;

  transfer->watchdog = g_source_new (&watchdog_funcs, sizeof (GSource));
  g_source_set_static_name (transfer->watchdog, "EspHttp watchdog");
  g_source_set_callback (transfer->watchdog, on_watchdog, _esp_http_transfer_ref (transfer),
                         (GDestroyNotify) _esp_http_transfer_unref);
  g_source_set_ready_time (transfer->watchdog, transfer->began + (gint64) first * G_USEC_PER_SEC);
  g_source_attach (transfer->watchdog, self->context);

  if (cancellable != NULL)
    {
      transfer->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (transfer->cancelled, G_SOURCE_FUNC (on_cancelled),
                             _esp_http_transfer_ref (transfer),
                             (GDestroyNotify) _esp_http_transfer_unref);
      g_source_attach (transfer->cancelled, self->context);
    }
}

static void
on_proxy (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EspHttpTransfer *transfer = user_data;
  g_autofree char *proxy = esp_http_proxy_lookup_finish (result, NULL);

  /* Cancelled, or over its time, meanwhile? */
  if (transfer->task != NULL && proxy != NULL)
    {
      g_autoptr (EspHttp) self = g_object_ref (transfer->http);
      GError *error = NULL;

      if (!_esp_http_transfer_prepare (transfer, proxy, self->share, &error))
        {
          finish (self, transfer, error);
        }
      else
        {
          /* Not at once: the beginning of many connections is work, too. */
          g_queue_push_tail (&self->waiting, _esp_http_transfer_ref (transfer));
          arm (self);
        }
    }

  _esp_http_transfer_unref (transfer);
}

/* Hands the next one that waits to libcurl. */
static void
hand_over (EspHttp *self)
{
  EspHttpTransfer *transfer = g_queue_pop_head (&self->waiting);

  if (transfer->task == NULL)
    {
      /* It was cancelled meanwhile. */
    }
  else if (curl_multi_add_handle (self->multi, transfer->easy) != CURLM_OK)
    {
      finish (self, transfer,
              g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
                           _ ("The request to “%s” could not be made."), transfer->host));
    }
  else
    {
      transfer->added = TRUE;
    }

  _esp_http_transfer_unref (transfer);
}

/* The URL as it is sent, and what can be said against it before anybody is asked. */
static gboolean
take_url (EspHttpTransfer *transfer, GError **error)
{
  const EspHttpRequest *request = transfer->request;
  g_autoptr (GInetAddress) address = NULL;

  transfer->url = _esp_url_parse (request->url);
  if (transfer->url != NULL)
    transfer->host = _esp_url_dup_part (transfer->url, CURLUPART_HOST);
  if (transfer->host == NULL)
    {
      g_set_error_literal (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                           _ ("The address is not one of the web (https), or contains a user name; "
                              "nothing was sent there."));
      return FALSE;
    }
  address = _esp_host_dup_address (transfer->host);
  if (!request->private_ok
      && (esp_host_is_loopback (transfer->host)
          || (address != NULL && esp_address_is_private (address))))
    {
      transfer->refused_address = TRUE;
      g_propagate_error (error, _esp_http_transfer_new_error (transfer, CURLE_COULDNT_CONNECT));
      return FALSE;
    }

  if (transfer->kind == ESP_HTTP_SOCKET)
    {
      gboolean is_tls = g_ascii_strncasecmp (request->url, "https:", 6) == 0;

      _esp_url_set (transfer->url, CURLUPART_SCHEME, is_tls ? "wss" : "ws", 0);
    }

  return TRUE;
}

static void
begin (EspHttp *self, EspHttpTransfer *transfer)
{
  GError *error = NULL;

  g_ptr_array_add (self->transfers, transfer);

  if (g_task_return_error_if_cancelled (transfer->task))
    {
      g_clear_object (&transfer->task);
      g_ptr_array_remove_fast (self->transfers, transfer);
      _esp_http_transfer_unref (transfer);
      return;
    }
  if (!take_url (transfer, &error))
    {
      finish (self, transfer, error);
      return;
    }

  watch_over (self, transfer);
  esp_http_proxy_lookup_async (transfer->request->url, transfer->host,
                               g_task_get_cancellable (transfer->task), on_proxy,
                               _esp_http_transfer_ref (transfer));
}

static GTask *
new_task (EspHttp *self, GCancellable *cancellable, gpointer tag, GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  /* Whoever cancels an instant after the answer came gets the answer: it may have cost money. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

void
esp_http_send_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                     EspHttpProgressFunc progress, gpointer progress_data,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspHttpTransfer *transfer;

  g_return_if_fail (ESP_IS_HTTP (self));
  g_return_if_fail (request != NULL);

  task = new_task (self, cancellable, esp_http_send_async, callback, user_data);

  transfer = _esp_http_transfer_new (ESP_HTTP_SEND, self, request, task);
  transfer->progress = progress;
  transfer->func_data = progress_data;
  begin (self, transfer);
}

EspHttpAnswer *
esp_http_send_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_http_listen_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                       EspHttpEventFunc event, gpointer event_data, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspHttpTransfer *transfer;

  g_return_if_fail (ESP_IS_HTTP (self));
  g_return_if_fail (request != NULL);

  task = new_task (self, cancellable, esp_http_listen_async, callback, user_data);

  transfer = _esp_http_transfer_new (ESP_HTTP_LISTEN, self, request, task);
  transfer->event = event;
  transfer->func_data = event_data;
  begin (self, transfer);
}

EspHttpAnswer *
esp_http_listen_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_http_fetch_async (EspHttp *self, EspHttpRequest *request, EspHttpThrottle *throttle,
                      GCancellable *cancellable, EspHttpHeadFunc head, EspHttpPieceFunc piece,
                      gpointer func_data, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspHttpTransfer *transfer;

  g_return_if_fail (ESP_IS_HTTP (self));
  g_return_if_fail (request != NULL);

  task = new_task (self, cancellable, esp_http_fetch_async, callback, user_data);

  transfer = _esp_http_transfer_new (ESP_HTTP_FETCH, self, request, task);
  transfer->throttle = throttle != NULL ? esp_http_throttle_ref (throttle) : NULL;
  transfer->head = head;
  transfer->piece = piece;
  transfer->func_data = func_data;
  /* However long it is, the caller has it piece by piece. */
  transfer->request->max_answer = G_MAXINT64;
  begin (self, transfer);
}

EspHttpAnswer *
esp_http_fetch_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_http_socket_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                       EspHttpMessageFunc message, gpointer message_data,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspHttpTransfer *transfer;

  g_return_if_fail (ESP_IS_HTTP (self));
  g_return_if_fail (request != NULL);

  task = new_task (self, cancellable, esp_http_socket_async, callback, user_data);

  if (!esp_http_has_websockets ())
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                               _ ("This system’s libcurl has no WebSockets."));
      return;
    }

  transfer = _esp_http_transfer_new (ESP_HTTP_SOCKET, self, request, task);
  transfer->message = message;
  transfer->func_data = message_data;
  begin (self, transfer);
}

gboolean
esp_http_socket_finish (EspHttp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
