/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-model-download-private.h"

#include <glib/gi18n-lib.h>

#include "esp-download-plan.h"
#include "esp-downloader.h"
#include "esp-model-tree.h"

#define CONNECTIONS 4

/* The rate is that of the last seconds. */
#define RATE_SECONDS 5.0

struct _EspModelDownload
{
  GObject parent_instance;

  EspModelOffer *offer;
  const EspModelVariant *variant; /* the offer's */
  EspHttpThrottle *throttle;
  EspKey *token;
  double patience;

  EspDownloaderNews *news; /* never NULL */
  EspModelDownloadState state;
  GError *error;
  char *status;

  GCancellable *pausing; /* of the run; NULL: there is none */
  gboolean again;        /* resumed while it was still pausing */
  gboolean cancelled;    /* what has come is deleted when the run is over */

  double rate;
  gint64 rate_at, rate_done; /* when it was counted, and how much there was; 0 not yet */
};

G_DEFINE_FINAL_TYPE (EspModelDownload, esp_model_download, G_TYPE_OBJECT)
G_DEFINE_QUARK (esp - model - download - error - quark, esp_model_download_error)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void start (EspModelDownload *self);

/* --- In words --------------------------------------------------------------------------------- */

static char *
dup_time_left (double seconds)
{
  guint minutes = (guint) (seconds / 60 + 0.5);

  if (seconds < 90)
    return g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "%u second left", "%u seconds left", (gulong) seconds),
        (guint) seconds);
  if (minutes < 90)
    return g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "%u minute left", "%u minutes left", minutes), minutes);

  /* Translators: hours and minutes. */
  return g_strdup_printf (_ ("%u h %02u min left"), minutes / 60, minutes % 60);
}

static char *
dup_amount (EspModelDownload *self)
{
  g_autofree char *done = g_format_size ((guint64) self->news->done);
  g_autofree char *total = g_format_size ((guint64) self->news->total);

  /* Translators: two sizes: “1.2 GB of 7.0 GB”. */
  return g_strdup_printf (_ ("%s of %s"), done, total);
}

static char *
dup_running (EspModelDownload *self)
{
  g_autofree char *amount = dup_amount (self);
  g_autofree char *rate = g_format_size ((guint64) self->rate);
  g_autofree char *left = NULL;
  double seconds = esp_model_download_get_seconds_left (self);

  if (self->rate <= 0 || seconds < 0)
    return g_steal_pointer (&amount);

  left = dup_time_left (seconds);
  /* Translators: “1.2 GB of 7.0 GB”, a size, “3 minutes left”. */
  return g_strdup_printf (_ ("%s, %s/s, %s"), amount, rate, left);
}

static char *
dup_status (EspModelDownload *self)
{
  g_autofree char *amount = dup_amount (self);

  switch (self->state)
    {
    case ESP_MODEL_DOWNLOAD_PAUSED:
      /* Translators: “1.2 GB of 7.0 GB”. */
      return g_strdup_printf (_ ("Paused: %s"), amount);
    case ESP_MODEL_DOWNLOAD_PREPARING:
      return g_strdup (_ ("Asking for the files…"));
    case ESP_MODEL_DOWNLOAD_RUNNING:
      return dup_running (self);
    case ESP_MODEL_DOWNLOAD_WAITING:
      /* Translators: what is wrong, and “1.2 GB of 7.0 GB”. */
      return g_strdup_printf (_ ("%s Trying again (%s)…"),
                              self->error != NULL ? self->error->message : "", amount);
    case ESP_MODEL_DOWNLOAD_CHECKING:
      return g_strdup (_ ("Checking what has come…"));
    case ESP_MODEL_DOWNLOAD_DONE:
      return g_strdup (_ ("The model is ready."));
    case ESP_MODEL_DOWNLOAD_FAILED:
      return g_strdup (self->error != NULL ? self->error->message : "");
    case ESP_MODEL_DOWNLOAD_CANCELLED:
      return g_strdup (_ ("Cancelled; what had come was deleted."));
    default:
      g_return_val_if_reached (g_strdup (""));
    }
}

static void
tell (EspModelDownload *self)
{
  g_free (self->status);
  self->status = dup_status (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

/* --- The run ---------------------------------------------------------------------------------- */

/* What the thread and this object share. */
typedef struct
{
  GWeakRef download;
  EspDownloaderSetup setup;
  GMutex lock;
  EspDownloaderNews *news; /* the newest that was not taken yet */
} Run;

static void
run_free (gpointer data)
{
  Run *run = data;

  g_weak_ref_clear (&run->download);
  g_object_unref (run->setup.offer);
  g_clear_pointer (&run->setup.token, esp_key_unref);
  esp_http_throttle_unref (run->setup.throttle);
  g_object_unref (run->setup.cancellable);
  g_mutex_clear (&run->lock);
  _esp_downloader_news_free (run->news);
  g_free (run);
}

static void
count_rate (EspModelDownload *self)
{
  gint64 now = g_get_monotonic_time ();
  double seconds = (double) (now - self->rate_at) / G_USEC_PER_SEC;
  double rate, weight;

  if (self->rate_at == 0 || self->news->done < self->rate_done)
    {
      self->rate = 0;
    }
  else
    {
      if (seconds < 0.05)
        return;
      rate = (double) (self->news->done - self->rate_done) / seconds;
      weight = self->rate > 0 ? MIN (seconds / RATE_SECONDS, 1) : 1;
      self->rate += weight * (rate - self->rate);
    }
  self->rate_at = now;
  self->rate_done = self->news->done;
}

static void
take_news (EspModelDownload *self, EspDownloaderNews *news)
{
  _esp_downloader_news_free (self->news);
  self->news = news;
}

static gboolean
on_news (gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);
  g_autoptr (EspModelDownload) self = g_weak_ref_get (&run->download);
  EspDownloaderNews *news;

  g_mutex_lock (&run->lock);
  news = g_steal_pointer (&run->news);
  g_mutex_unlock (&run->lock);

  if (self == NULL || news == NULL || self->pausing != run->setup.cancellable)
    {
      _esp_downloader_news_free (news);
      return G_SOURCE_REMOVE;
    }

  take_news (self, news);
  /* Of a run that is being left only what has come counts. */
  if (g_cancellable_is_cancelled (self->pausing))
    return G_SOURCE_REMOVE;

  self->state = news->state;
  g_clear_error (&self->error);
  if (news->trouble != NULL)
    self->error = g_error_copy (news->trouble);
  if (news->state == ESP_MODEL_DOWNLOAD_RUNNING)
    count_rate (self);
  tell (self);

  return G_SOURCE_REMOVE;
}

/* In the thread. */
static void
post_news (EspDownloaderNews *news, gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);
  gboolean is_waited_for;
  g_autoptr (GSource) source = NULL;

  g_mutex_lock (&run->lock);
  is_waited_for = run->news != NULL;
  _esp_downloader_news_free (run->news);
  run->news = news;
  g_mutex_unlock (&run->lock);
  if (is_waited_for)
    return;

  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_news, g_object_ref (task), g_object_unref);
  g_source_attach (source, g_task_get_context (task));
}

static gboolean
on_left (gpointer task)
{
  return G_SOURCE_REMOVE;
}

static gpointer
run_thread (gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  run->setup.news_data = task;
  if (_esp_downloader_run (&run->setup, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);

  /* The download's last reference is not to go here. */
  g_main_context_invoke_full (g_task_get_context (task), G_PRIORITY_DEFAULT, on_left, task,
                              g_object_unref);
  return NULL;
}

static void
delete_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (!_esp_tree_delete (data, &error))
    g_message ("%s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelDownload *self = ESP_MODEL_DOWNLOAD (source);

  take_news (self, _esp_downloader_look (self->offer, self->variant));
  self->state = ESP_MODEL_DOWNLOAD_CANCELLED;
  g_clear_error (&self->error);
  tell (self);
}

static void
delete_what_came (EspModelDownload *self)
{
  g_autoptr (EspDownloadPlan) plan = _esp_download_plan_new (self->offer, self->variant);
  g_autoptr (GTask) task = g_task_new (self, NULL, on_deleted, NULL);

  g_task_set_source_tag (task, delete_what_came);
  g_task_set_task_data (task, g_strdup (plan->folder), g_free);
  g_task_run_in_thread (task, delete_in_thread);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelDownload *self = ESP_MODEL_DOWNLOAD (source);
  Run *run = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;
  gboolean done = g_task_propagate_boolean (G_TASK (result), &error);

  /* What the run knew last; the disk is asked only where there is nothing. */
  g_mutex_lock (&run->lock);
  if (run->news != NULL)
    take_news (self, g_steal_pointer (&run->news));
  g_mutex_unlock (&run->lock);
  g_clear_object (&self->pausing);
  self->rate = 0;
  self->rate_at = 0;
  g_clear_error (&self->error);

  if (done)
    {
      self->news->done = self->news->total;
      self->news->fraction = 1;
      self->state = ESP_MODEL_DOWNLOAD_DONE;
    }
  else if (self->cancelled)
    {
      g_clear_error (&error);
      delete_what_came (self);
      return;
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      self->state = ESP_MODEL_DOWNLOAD_PAUSED;
      g_clear_error (&error);
    }
  else
    {
      self->state = ESP_MODEL_DOWNLOAD_FAILED;
      self->error = error;
    }

  tell (self);
  if (self->again && !done)
    start (self);
}

static void
start (EspModelDownload *self)
{
  GTask *task;
  Run *run = g_new0 (Run, 1);

  self->again = FALSE;
  self->cancelled = FALSE;
  self->pausing = g_cancellable_new ();
  g_weak_ref_init (&run->download, self);
  g_mutex_init (&run->lock);
  run->setup = (EspDownloaderSetup){
    .offer = g_object_ref (self->offer),
    .variant = self->variant,
    .token = self->token != NULL ? esp_key_ref (self->token) : NULL,
    .throttle = esp_http_throttle_ref (self->throttle),
    .cancellable = g_object_ref (self->pausing),
    .news = post_news,
    .connections = CONNECTIONS,
    .patience = self->patience,
  };

  /* The task keeps this object until the thread is done. */
  task = g_task_new (self, NULL, on_over, NULL);
  g_task_set_source_tag (task, start);
  g_task_set_task_data (task, run, run_free);
  g_clear_error (&self->error);
  self->state = ESP_MODEL_DOWNLOAD_PREPARING;
  g_thread_unref (g_thread_new ("esp-download", run_thread, task));
  tell (self);
}

/* --- What it is told -------------------------------------------------------------------------- */

void
esp_model_download_pause (EspModelDownload *self)
{
  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (self));

  self->again = FALSE;
  if (self->pausing != NULL)
    g_cancellable_cancel (self->pausing);
}

void
esp_model_download_resume (EspModelDownload *self, EspKey *token)
{
  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (self));

  if (token != NULL)
    {
      g_clear_pointer (&self->token, esp_key_unref);
      self->token = esp_key_ref (token);
    }
  if (self->state == ESP_MODEL_DOWNLOAD_DONE)
    return;

  if (self->pausing == NULL)
    start (self);
  else if (g_cancellable_is_cancelled (self->pausing))
    self->again = TRUE;
}

void
esp_model_download_cancel (EspModelDownload *self)
{
  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (self));

  if (self->state == ESP_MODEL_DOWNLOAD_DONE || self->state == ESP_MODEL_DOWNLOAD_CANCELLED)
    return;

  self->again = FALSE;
  self->cancelled = TRUE;
  if (self->pausing != NULL)
    g_cancellable_cancel (self->pausing);
  else
    delete_what_came (self);
}

/* --- What it is asked ------------------------------------------------------------------------- */

EspModelOffer *
esp_model_download_get_offer (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), NULL);

  return self->offer;
}

const EspModelVariant *
esp_model_download_get_variant (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), NULL);

  return self->variant;
}

EspModelDownloadState
esp_model_download_get_state (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), ESP_MODEL_DOWNLOAD_FAILED);

  return self->state;
}

const GError *
esp_model_download_get_error (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), NULL);

  return self->error;
}

const char *
esp_model_download_get_status (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), NULL);

  return self->status;
}

gint64
esp_model_download_get_done (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), 0);

  return self->news->done;
}

gint64
esp_model_download_get_total (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), 0);

  return self->news->total;
}

double
esp_model_download_get_fraction (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), 0);

  return self->news->fraction;
}

double
esp_model_download_get_rate (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), 0);

  return self->rate;
}

double
esp_model_download_get_seconds_left (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), -1);

  if (self->state != ESP_MODEL_DOWNLOAD_RUNNING || self->rate < 1)
    return -1;
  return (double) (self->news->total - self->news->done) / self->rate;
}

char *
esp_model_download_dup_model_id (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), NULL);

  return _esp_download_plan_dup_model (self->offer, self->variant);
}

guint
esp_model_download_get_n_files (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), 0);

  return self->news->files->len;
}

void
esp_model_download_get_file (EspModelDownload *self, guint i, EspModelDownloadFile *file)
{
  const EspDownloaderFile *one;

  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (self));
  g_return_if_fail (i < self->news->files->len && file != NULL);

  one = &g_array_index (self->news->files, EspDownloaderFile, i);
  file->path = one->path;
  file->done = one->done;
  file->total = one->total;
  file->checked = one->checked;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_model_download_finalize (GObject *object)
{
  EspModelDownload *self = ESP_MODEL_DOWNLOAD (object);

  g_object_unref (self->offer);
  g_clear_pointer (&self->token, esp_key_unref);
  esp_http_throttle_unref (self->throttle);
  _esp_downloader_news_free (self->news);
  g_clear_error (&self->error);
  g_clear_object (&self->pausing);
  g_free (self->status);

  G_OBJECT_CLASS (esp_model_download_parent_class)->finalize (object);
}

static void
esp_model_download_class_init (EspModelDownloadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_model_download_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_model_download_init (EspModelDownload *self)
{
  self->patience = 1;
  self->state = ESP_MODEL_DOWNLOAD_PAUSED;
}

EspModelDownload *
_esp_model_download_new (EspModelOffer *offer, const EspModelVariant *variant,
                         EspHttpThrottle *throttle)
{
  EspModelDownload *self = g_object_new (ESP_TYPE_MODEL_DOWNLOAD, NULL);

  self->offer = g_object_ref (offer);
  self->variant = variant;
  self->throttle = esp_http_throttle_ref (throttle);
  self->news = _esp_downloader_look (offer, variant);
  self->status = dup_status (self);
  return self;
}

gboolean
_esp_model_download_is_active (EspModelDownload *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOAD (self), FALSE);

  return self->pausing != NULL;
}

void
_esp_model_download_set_patience (EspModelDownload *self, double patience)
{
  g_return_if_fail (ESP_IS_MODEL_DOWNLOAD (self));

  self->patience = patience;
}
