/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run from its beginning to its end: sizes, space, pieces, checks, the model. */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-downloader-private.h"

#include <glib/gi18n-lib.h>

#include "esp-installation.h"
#include "esp-machine.h"

/* Attempts without a byte in between until a file is given up. */
#define MAX_FAULTS 8
/* Seconds between attempts: the first, the longest, the longest that a server may ask for. */
#define FIRST_WAIT   0.5
#define LONGEST_WAIT 30.0
#define LONGEST_WISH 600.0

#define TELL_INTERVAL (G_USEC_PER_SEC / 10)
#define SAVE_INTERVAL (G_USEC_PER_SEC)

/* What is left free beside the model: a part of it, between these. */
#define MIN_MARGIN (G_GINT64_CONSTANT (16) << 20)
#define MAX_MARGIN (G_GINT64_CONSTANT (512) << 20)

/* --- News ------------------------------------------------------------------------------------- */

static void
clear_file (gpointer data)
{
  g_free (((EspDownloaderFile *) data)->path);
}

void
_esp_downloader_news_free (EspDownloaderNews *news)
{
  if (news == NULL)
    return;

  g_clear_error (&news->trouble);
  g_array_unref (news->files);
  g_free (news);
}

static EspDownloaderNews *
look (EspDownloadPlan *plan)
{
  EspDownloaderNews *news = g_new0 (EspDownloaderNews, 1);
  gint64 hashed = 0;

  news->state = ESP_MODEL_DOWNLOAD_PAUSED;
  news->files = g_array_new (FALSE, FALSE, sizeof (EspDownloaderFile));
  g_array_set_clear_func (news->files, clear_file);
  for (guint i = 0; i < plan->items->len; i++)
    {
      const EspDownloadItem *item = plan->items->pdata[i];
      EspDownloaderFile file = { g_strdup (item->file->path), _esp_download_item_get_done (item),
                                 item->absent ? 0 : item->total, item->checked || item->absent };

      g_array_append_val (news->files, file);
      if (item->absent)
        continue;
      news->done += file.done;
      news->total += item->total >= 0 ? item->total : MAX (item->file->about, file.done);
      hashed += item->checked ? item->total : __atomic_load_n (&item->hashed, __ATOMIC_RELAXED);
    }

  /* Checking is some of the work, too. */
  if (news->total > 0)
    news->fraction = CLAMP (0.95 * (double) news->done / (double) news->total
                                + 0.05 * (double) hashed / (double) news->total,
                            0, 1);
  return news;
}

EspDownloaderNews *
_esp_downloader_look (EspModelOffer *offer, const EspModelVariant *variant)
{
  g_autoptr (EspDownloadPlan) plan = _esp_download_plan_new (offer, variant);

  _esp_download_plan_load (plan);
  return look (plan);
}

static EspModelDownloadState
get_state (EspDownloader *self)
{
  gboolean all_known = TRUE;

  for (guint i = 0; i < self->plan->items->len; i++)
    {
      const EspDownloadItem *item = self->plan->items->pdata[i];

      all_known = all_known && (item->known || item->checked || item->absent);
    }

  if (self->trouble != NULL && self->running == 0)
    return ESP_MODEL_DOWNLOAD_WAITING;
  if (!all_known)
    return ESP_MODEL_DOWNLOAD_PREPARING;
  return self->running > 0 && self->running == self->checking ? ESP_MODEL_DOWNLOAD_CHECKING
                                                              : ESP_MODEL_DOWNLOAD_RUNNING;
}

void
_esp_downloader_tell (EspDownloader *self, gboolean now)
{
  gint64 time = g_get_monotonic_time ();
  EspDownloaderNews *news;

  if (!now && time - self->told < TELL_INTERVAL)
    return;

  self->told = time;
  news = look (self->plan);
  news->state = get_state (self);
  if (news->state == ESP_MODEL_DOWNLOAD_WAITING)
    news->trouble = g_error_copy (self->trouble);
  self->setup->news (news, self->setup->news_data);
}

/* --- The disk --------------------------------------------------------------------------------- */

/* Is there space for what is still to come? */
static gboolean
check_space (EspDownloader *self, gboolean at_first, GError **error)
{
  gint64 left = 0, total = 0, margin, space;
  g_autofree char *needed = NULL;
  g_autofree char *there = NULL;

  for (guint i = 0; i < self->plan->items->len; i++)
    {
      const EspDownloadItem *item = self->plan->items->pdata[i];

      if (item->total < 0)
        continue;
      left += item->total - _esp_download_item_get_done (item);
      total += item->total;
    }

  /* Under way, others may use some of the margin. */
  margin = CLAMP (total / 20, MIN_MARGIN, MAX_MARGIN);
  margin = at_first ? margin : margin / 2;
  space = esp_machine_get_free_space (self->plan->folder);
  if (left == 0 || space < 0 || space >= left + margin)
    return TRUE;

  needed = g_format_size ((guint64) (left + margin));
  there = g_format_size ((guint64) space);
  g_set_error (
      error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_SPACE,
      /* Translators: what is needed, what is free, a folder. */
      _ ("The disk has too little space: %s are still needed, %s are free (%s). Make room, "
         "then go on; what has come is kept."),
      needed, there, self->plan->folder);
  return FALSE;
}

void
_esp_downloader_save (EspDownloader *self, gboolean now)
{
  gint64 time = g_get_monotonic_time ();
  GError *error = NULL;

  self->unsaved = TRUE;
  if (!now && time - self->saved < SAVE_INTERVAL)
    return;

  if (!_esp_download_plan_save (self->plan, &error)
      || (self->roomy && self->error == NULL && !check_space (self, FALSE, &error)))
    _esp_downloader_fail (self, error);
  self->saved = g_get_monotonic_time ();
  self->unsaved = FALSE;
}

/* --- Trouble ---------------------------------------------------------------------------------- */

void
_esp_downloader_fail (EspDownloader *self, GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);

  /* Everybody comes back with nothing, and then it is over. */
  g_cancellable_cancel (self->stop);
}

void
_esp_downloader_put_off (EspDownloader *self, EspDownloadItem *item, GError *trouble, double wait)
{
  double own = MIN (FIRST_WAIT * (double) (1u << MIN (item->faults, 16)), LONGEST_WAIT);

  item->faults++;
  if (item->faults >= MAX_FAULTS || wait > LONGEST_WISH)
    {
      g_prefix_error (&trouble, "%s: ", item->file->path);
      _esp_downloader_fail (self, trouble);
      return;
    }

  /* Not all at the same moment. */
  own *= g_random_double_range (0.75, 1.25) * self->setup->patience;
  item->not_before = g_get_monotonic_time () + (gint64) (MAX (own, wait) * (double) G_USEC_PER_SEC);
  g_clear_error (&self->trouble);
  self->trouble = trouble;
}

static gboolean
on_later (gpointer data)
{
  EspDownloader *self = data;

  g_clear_pointer (&self->later, g_source_unref);
  _esp_downloader_go_on (self);
  return G_SOURCE_REMOVE;
}

static void
come_back (EspDownloader *self, gint64 when)
{
  gint64 delay = MAX (when - g_get_monotonic_time (), 1000);

  if (self->later != NULL)
    g_source_destroy (self->later);
  g_clear_pointer (&self->later, g_source_unref);

  self->later = g_timeout_source_new ((guint) (delay / 1000));
  g_source_set_callback (self->later, on_later, self, NULL);
  g_source_attach (self->later, self->context);
}

/* --- What is to be done ----------------------------------------------------------------------- */

typedef enum
{
  NOTHING, /* for now, or any more */
  ASK,
  FETCH,
  CHECK,
  WAIT,
} Step;

static Step
get_next_step (EspDownloader *self, EspDownloadItem *item, int *piece)
{
  *piece = -1;
  if (item->checked || item->absent || item->asking || item->hashing)
    return NOTHING;
  if (item->not_before > g_get_monotonic_time ())
    return WAIT;
  if (!item->known)
    return ASK;
  if (_esp_download_item_is_whole (item))
    return CHECK;
  if (!self->roomy)
    return NOTHING;

  *piece = _esp_download_item_find_piece (item);
  return *piece >= 0 ? FETCH : NOTHING;
}

static void
begin (EspDownloader *self, EspDownloadItem *item, Step step, int piece)
{
  if (step == CHECK)
    _esp_download_check (self, item);
  else
    _esp_download_fetch (self, item, piece);
}

/* Once all sizes are known. */
static void
look_for_space (EspDownloader *self)
{
  GError *error = NULL;

  for (guint i = 0; i < self->plan->items->len; i++)
    {
      const EspDownloadItem *item = self->plan->items->pdata[i];

      if (!item->known && !item->checked && !item->absent)
        return;
    }

  if (check_space (self, TRUE, &error))
    self->roomy = TRUE;
  else
    _esp_downloader_fail (self, error);
}

static gboolean
is_all_there (EspDownloader *self)
{
  for (guint i = 0; i < self->plan->items->len; i++)
    {
      const EspDownloadItem *item = self->plan->items->pdata[i];

      if (!item->checked && !item->absent)
        return FALSE;
    }

  return TRUE;
}

void
_esp_downloader_go_on (EspDownloader *self)
{
  gint64 soonest = G_MAXINT64;
  int piece;

  if (!self->roomy && self->error == NULL)
    look_for_space (self);

  for (guint i = 0; i < self->plan->items->len && self->error == NULL; i++)
    {
      EspDownloadItem *item = self->plan->items->pdata[i];
      Step step;

      while (!g_cancellable_is_cancelled (self->stop) && self->running < self->setup->connections
             && (step = get_next_step (self, item, &piece)) != NOTHING && step != WAIT)
        begin (self, item, step, piece);
      if (get_next_step (self, item, &piece) == WAIT)
        soonest = MIN (soonest, item->not_before);
    }

  if (g_cancellable_is_cancelled (self->stop) || is_all_there (self))
    self->over = self->running == 0;
  else if (soonest < G_MAXINT64)
    come_back (self, soonest);
  _esp_downloader_tell (self, FALSE);
  g_main_context_wakeup (self->context);
}

/* --- The run ---------------------------------------------------------------------------------- */

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  EspDownloader *self = data;

  g_cancellable_cancel (self->stop);
  _esp_downloader_go_on (self);
  return G_SOURCE_REMOVE;
}

static void
watch_cancellable (EspDownloader *self, GSource **source)
{
  *source = g_cancellable_source_new (self->setup->cancellable);
  g_source_set_callback (*source, G_SOURCE_FUNC (on_cancelled), self, NULL);
  g_source_attach (*source, self->context);
}

static void
fetch_all (EspDownloader *self)
{
  g_autoptr (GSource) cancelled = NULL;

  watch_cancellable (self, &cancelled);
  self->saved = g_get_monotonic_time ();
  _esp_downloader_tell (self, TRUE);
  _esp_downloader_go_on (self);
  while (!self->over)
    g_main_context_iteration (self->context, TRUE);

  g_source_destroy (cancelled);
  if (self->later != NULL)
    g_source_destroy (self->later);
  g_clear_pointer (&self->later, g_source_unref);
  if (self->unsaved)
    _esp_downloader_save (self, TRUE);
  _esp_downloader_tell (self, TRUE);
}

static gboolean
is_installed (EspDownloadPlan *plan, GError **error)
{
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *target = g_build_filename (models, plan->model, NULL);

  if (!g_file_test (target, G_FILE_TEST_EXISTS))
    return FALSE;

  g_set_error (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_INSTALLED,
               _ ("This model is on this computer already (%s)."), target);
  return TRUE;
}

gboolean
_esp_downloader_run (const EspDownloaderSetup *setup, GError **error)
{
  g_autoptr (EspDownloadPlan) plan = _esp_download_plan_new (setup->offer, setup->variant);
  EspDownloader self = { .setup = setup, .plan = plan };

  if (is_installed (plan, error) || !_esp_download_plan_lock (plan, error))
    return FALSE;
  _esp_download_plan_load (plan);

  self.context = g_main_context_new ();
  self.stop = g_cancellable_new ();
  g_main_context_push_thread_default (self.context);
  self.http = esp_http_new ();
  /* From now on it is known at the next start. */
  _esp_downloader_save (&self, TRUE);
  fetch_all (&self);

  if (self.error == NULL && !g_cancellable_is_cancelled (self.stop))
    _esp_download_plan_install (plan, setup->offer, setup->variant, &self.error);

  /* libcurl's last callbacks are done before its pool goes. */
  while (g_main_context_iteration (self.context, FALSE))
    ;
  g_clear_object (&self.http);
  g_main_context_pop_thread_default (self.context);
  g_main_context_unref (self.context);
  g_clear_error (&self.trouble);

  if (self.error == NULL && g_cancellable_is_cancelled (self.stop))
    g_set_error_literal (&self.error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                         _ ("Operation was cancelled"));
  g_object_unref (self.stop);
  if (self.error == NULL)
    return TRUE;

  g_propagate_error (error, self.error);
  return FALSE;
}
