/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-rows.c: see esp-rows-private.h. Who calls works as well, and waits for nobody who has not
 * begun: with all threads busy elsewhere it does everything itself. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-rows-private.h"

#define MAX_HELPERS 15
#define PIECE       65536 /* values */

typedef struct
{
  EspRowsFunc function;
  gpointer data;
  GCancellable *cancellable; /* lives as long as anybody works */
  int n_rows, grain;
  int next; /* atomic: the row where the next piece begins */

  GMutex mutex;
  GCond cond;
  guint n_working; /* helpers that may still call the function */
} Job;

static void
job_clear (gpointer data)
{
  Job *job = data;

  g_mutex_clear (&job->mutex);
  g_cond_clear (&job->cond);
}

static void
job_work (Job *job)
{
  while (!g_cancellable_is_cancelled (job->cancellable))
    {
      const int begin = g_atomic_int_add (&job->next, job->grain);

      if (begin >= job->n_rows)
        break;
      job->function (begin, MIN (begin + job->grain, job->n_rows), job->data);
    }
}

static void
help (gpointer data, gpointer unused)
{
  Job *job = data;
  gboolean wanted;

  g_mutex_lock (&job->mutex);
  /* After the last piece was taken, function and data may be gone. */
  wanted = g_atomic_int_get (&job->next) < job->n_rows;
  job->n_working += wanted ? 1 : 0;
  g_mutex_unlock (&job->mutex);
  if (wanted)
    {
      job_work (job);
      g_mutex_lock (&job->mutex);
      if (--job->n_working == 0)
        g_cond_signal (&job->cond);
      g_mutex_unlock (&job->mutex);
    }
  g_atomic_rc_box_release_full (job, job_clear);
}

static guint
get_n_helpers (void)
{
  return MIN (g_get_num_processors () - 1, MAX_HELPERS);
}

/* Its threads are all started here, by the first who calls: on Linux they have its priority, which
 * esp_picture_work_run () lowers. */
static GThreadPool *
get_pool (void)
{
  static GThreadPool *pool = NULL;
  static gsize made = 0;

  if (g_once_init_enter (&made))
    {
      pool = g_thread_pool_new (help, NULL, (int) get_n_helpers (), TRUE, NULL);
      g_once_init_leave (&made, 1);
    }
  return pool;
}

int
_esp_rows_get_grain (int width)
{
  return MAX (1, PIECE / MAX (width, 1));
}

gboolean
_esp_rows_run (int n_rows, int grain, EspRowsFunc function, gpointer data,
               GCancellable *cancellable, GError **error)
{
  const int n_pieces = (n_rows + grain - 1) / grain;
  const guint n_helpers = n_pieces > 1 ? MIN (get_n_helpers (), (guint) n_pieces - 1) : 0;
  Job *job = g_atomic_rc_box_new0 (Job);

  *job = (Job){ function, data, cancellable, n_rows, grain, 0, { 0 }, { 0 }, 0 };
  g_mutex_init (&job->mutex);
  g_cond_init (&job->cond);
  for (guint i = 0; i < n_helpers; i++)
    g_thread_pool_push (get_pool (), g_atomic_rc_box_acquire (job), NULL);
  job_work (job);
  g_mutex_lock (&job->mutex);
  g_atomic_int_set (&job->next, n_rows); /* also when it was cancelled: nobody begins any more */
  while (job->n_working > 0)
    g_cond_wait (&job->cond, &job->mutex);
  g_mutex_unlock (&job->mutex);
  g_atomic_rc_box_release_full (job, job_clear);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}
