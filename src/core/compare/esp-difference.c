/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference.c: CIEDE2000 between the pixels of two pictures, and what they come to. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-difference-private.h"

#include <math.h>

#include "esp-delta-e-private.h"
#include "esp-picture-refusal.h"

/* The histogram: median and 95th percentile are right to half a bin. No two colours of sRGB are
 * 128 apart. */
#define BINS_PER_UNIT 200
#define N_BINS        (128 * BINS_PER_UNIT)

#define ROWS_AT_ONCE 16
#define MAX_THREADS  4

/* ---- the sum of it */

typedef struct
{
  guint32 bins[N_BINS];
  double sum;
  double maximum;
  gint64 n_changed;
} Tally;

static void
tally_add (Tally *self, const float *values, gsize n)
{
  double sum = 0;
  float maximum = (float) self->maximum;
  gint64 n_changed = 0;

  for (gsize i = 0; i < n; i++)
    {
      const guint bin = (guint) (values[i] * BINS_PER_UNIT);

      self->bins[MIN (bin, N_BINS - 1)]++;
      sum += (double) values[i];
      maximum = MAX (maximum, values[i]);
      n_changed += values[i] > (float) ESP_DIFFERENCE_VISIBLE;
    }
  self->sum += sum;
  self->maximum = (double) maximum;
  self->n_changed += n_changed;
}

static void
tally_join (Tally *self, const Tally *other)
{
  for (gsize i = 0; i < N_BINS; i++)
    self->bins[i] += other->bins[i];
  self->sum += other->sum;
  self->maximum = MAX (self->maximum, other->maximum);
  self->n_changed += other->n_changed;
}

/* The value that `share` of all stay below, as if the values of a bin lay evenly in it. */
static double
tally_get_quantile (const Tally *self, gint64 n, double share)
{
  const double rank = share * (double) n;
  double below = 0;

  for (gsize i = 0; i < N_BINS; i++)
    {
      const double here = self->bins[i];

      if (here > 0 && below + here >= rank)
        {
          /* Equal pixels are equal, not a little different. */
          if (i == 0)
            return 0;
          return MIN (((double) i + (rank - below) / here) / BINS_PER_UNIT, self->maximum);
        }
      below += here;
    }
  return self->maximum;
}

static void
set_figures (EspDifference *self, const Tally *tally)
{
  const gint64 n = (gint64) self->both.width * self->both.height;
  EspDifferenceFigures *figures = &self->figures;

  figures->n_pixels = n;
  if (n == 0)
    return;
  figures->mean = tally->sum / (double) n;
  figures->median = tally_get_quantile (tally, n, 0.5);
  figures->p95 = tally_get_quantile (tally, n, 0.95);
  figures->maximum = tally->maximum;
  figures->changed = (double) tally->n_changed / (double) n;
}

/* ---- the work, shared among threads */

typedef struct
{
  EspDifference *difference;
  EspPicture *a, *b;
  EspFramePlace place_a, place_b;
  GCancellable *cancellable;
  int next_row; /* atomic */
  GMutex mutex;
  Tally total;
} Work;

static const guint8 *
get_pixels (EspPicture *picture, EspFramePlace place, EspFramePlace both, int row)
{
  const int x = both.x - place.x, y = both.y - place.y + row;

  return picture->pixels + ((gsize) y * (gsize) picture->width + (gsize) x) * 3;
}

static gpointer
work_on_rows (gpointer data)
{
  Work *work = data;
  const EspFramePlace both = work->difference->both;
  g_autofree Tally *tally = g_new0 (Tally, 1);

  while (!g_cancellable_is_cancelled (work->cancellable))
    {
      const int first = g_atomic_int_add (&work->next_row, ROWS_AT_ONCE);

      if (first >= both.height)
        break;
      for (int row = first; row < MIN (first + ROWS_AT_ONCE, both.height); row++)
        {
          float *values = work->difference->values + (gsize) row * (gsize) both.width;

          _esp_delta_e_from_srgb (get_pixels (work->a, work->place_a, both, row),
                                  get_pixels (work->b, work->place_b, both, row),
                                  (guint) both.width, values);
          tally_add (tally, values, (gsize) both.width);
        }
    }
  g_mutex_lock (&work->mutex);
  tally_join (&work->total, tally);
  g_mutex_unlock (&work->mutex);
  return NULL;
}

static void
run (Work *work)
{
  const int n_chunks = (work->difference->both.height + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
  const int n_threads = MIN (MIN ((int) g_get_num_processors (), MAX_THREADS), n_chunks);
  GThread *helpers[MAX_THREADS] = { NULL };

  g_mutex_init (&work->mutex);
  /* This thread is one of them; without helpers it does everything. */
  for (int i = 1; i < n_threads; i++)
    helpers[i] = g_thread_try_new ("esp-difference", work_on_rows, work, NULL);
  work_on_rows (work);
  for (int i = 1; i < n_threads; i++)
    if (helpers[i] != NULL)
      g_thread_join (helpers[i]);
  g_mutex_clear (&work->mutex);
}

static EspFramePlace
intersect (EspFramePlace a, EspFramePlace b)
{
  EspFramePlace both;

  both.x = MAX (a.x, b.x);
  both.y = MAX (a.y, b.y);
  both.width = MAX (MIN (a.x + a.width, b.x + b.width) - both.x, 0);
  both.height = MAX (MIN (a.y + a.height, b.y + b.height) - both.y, 0);
  return both;
}

static EspFrameSize
get_size (EspPicture *picture)
{
  return (EspFrameSize){ picture->width, picture->height };
}

EspDifference *
_esp_difference_new_in (EspFrameSize frame, EspPicture *a, EspPicture *b, GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (EspDifference) self = g_new0 (EspDifference, 1);
  g_autoptr (EspPicture) scaled_a = esp_fitted_frame_scale (frame, a, cancellable, error);
  g_autoptr (EspPicture) scaled_b = NULL;
  g_autofree Work *work = g_new0 (Work, 1);
  gsize n;

  g_atomic_ref_count_init (&self->references);
  self->frame = frame;
  if (scaled_a == NULL)
    return NULL;
  scaled_b = esp_fitted_frame_scale (frame, b, cancellable, error);
  if (scaled_b == NULL)
    return NULL;

  work->difference = self;
  work->a = scaled_a;
  work->b = scaled_b;
  work->place_a = esp_fitted_frame_place (frame, get_size (a));
  work->place_b = esp_fitted_frame_place (frame, get_size (b));
  work->cancellable = cancellable;
  self->both = intersect (work->place_a, work->place_b);
  n = (gsize) self->both.width * (gsize) self->both.height;
  self->values = g_try_new (float, MAX (n, 1));
  if (self->values == NULL)
    {
      esp_picture_refuse_room (frame.width, frame.height, error);
      return NULL;
    }
  run (work);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  set_figures (self, &work->total);
  return g_steal_pointer (&self);
}

EspDifference *
esp_difference_new (EspPicture *a, EspPicture *b, GCancellable *cancellable, GError **error)
{
  EspFrameSize sizes[2];

  g_return_val_if_fail (a != NULL && b != NULL, NULL);

  sizes[0] = get_size (a);
  sizes[1] = get_size (b);
  return _esp_difference_new_in (esp_fitted_frame_get (sizes, 2), a, b, cancellable, error);
}

EspDifference *
esp_difference_ref (EspDifference *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
esp_difference_unref (EspDifference *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_free (self->values);
  g_free (self);
}

/* ---- what is asked of it */

const EspDifferenceFigures *
esp_difference_get_figures (EspDifference *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return &self->figures;
}

EspFrameSize
esp_difference_get_frame (EspDifference *self)
{
  g_return_val_if_fail (self != NULL, (EspFrameSize){ 0 });

  return self->frame;
}

double
esp_difference_get_value (EspDifference *self, int x, int y)
{
  g_return_val_if_fail (self != NULL, -1);

  x -= self->both.x;
  y -= self->both.y;
  if (x < 0 || y < 0 || x >= self->both.width || y >= self->both.height)
    return -1;
  return (double) self->values[(gsize) y * (gsize) self->both.width + (gsize) x];
}
