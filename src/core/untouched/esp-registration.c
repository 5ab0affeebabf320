/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-registration.c: see esp-registration.h. From coarse to fine: guesses by correlated blocks on
 * a small copy, the one that explains most is taken, and made exact on larger copies. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-registration.h"

#include <math.h>

#include "esp-motion-private.h"
#include "esp-rows-private.h"

/* Larger pictures are looked at in this size: errors of hundredths of its px are 0.1 px of a
 * picture of 24 million. */
#define WORKING_PIXELS 1000000

#define COARSE_SIDE  400 /* the longer one, at most … */
#define COARSE_SHORT 80  /* … unless the shorter one came below this */

#define COLOUR_PIXELS 300000

#define MAX_SHIFT       0.03 /* of the longer side */
#define MAX_SHIFT_LEAST 8.0  /* px of the source */
#define MAX_SCALE       0.03
#define LIMIT_SLACK     1.1 /* of these two, while it is searched */

/* So much of what can be seen must agree: a little of it surely, or half of it somehow (noise, and
 * codecs, where the picture has little contrast). Pictures that have nothing in common come to a
 * few percent, but surely to none. */
#define LEAST_AGREEING 0.5
#define LEAST_SURELY   0.1
#define LEAST_TILES    3

/* A result that had to be stretched more than this, one side against the other, was made in a shape
 * of its own, not in that of the source rounded to what a model can do. */
#define MAX_STRETCH 1.5

typedef struct
{
  EspPicture *source, *result;
  EspPlane *of_source[3], *of_result[3]; /* R, G, B in the working size */
  EspPlane *luma_source, *luma_result;
  double px; /* of the source to a value of the working size */
  EspTiles tiles;
  double tile_scale; /* values that the tiles are of, to one of the working size */
} Work;

static void
work_clear (Work *work)
{
  _esp_planes_clear (work->of_source);
  _esp_planes_clear (work->of_result);
  g_clear_pointer (&work->luma_source, _esp_plane_free);
  g_clear_pointer (&work->luma_result, _esp_plane_free);
  _esp_tiles_clear (&work->tiles);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static void
choose_size (const Work *work, int *width, int *height)
{
  const EspPicture *source = work->source, *result = work->result;
  const double pixels = (double) source->width * source->height;
  double factor = MIN (1, sqrt (WORKING_PIXELS / pixels));

  factor = MIN (factor, MAX ((double) result->width / source->width,
                             (double) result->height / source->height));
  *width = MAX (1, (int) lrint (source->width * factor));
  *height = MAX (1, (int) lrint (source->height * factor));
}

static EspPlane *
new_luma (EspPlane *const rgb[3], GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) luma = _esp_plane_new (rgb[0]->width, rgb[0]->height, error);

  if (luma == NULL || !_esp_plane_luma (rgb, luma, cancellable, error))
    return NULL;
  return g_steal_pointer (&luma);
}

static gboolean
load (Work *work, GCancellable *cancellable, GError **error)
{
  int width, height;

  choose_size (work, &width, &height);
  work->px = (double) work->source->width / width;
  return _esp_planes_load (work->source, width, height, work->of_source, cancellable, error)
         && _esp_planes_load (work->result, width, height, work->of_result, cancellable, error)
         && (work->luma_source = new_luma (work->of_source, cancellable, error)) != NULL
         && (work->luma_result = new_luma (work->of_result, cancellable, error)) != NULL;
}

/* A copy of half the size in place of the plane. */
static gboolean
halve (EspPlane **plane, GCancellable *cancellable, GError **error)
{
  EspPlane *half = _esp_plane_halve (*plane, cancellable, error);

  if (half == NULL)
    return FALSE;
  _esp_plane_free (*plane);
  *plane = half;
  return TRUE;
}

static EspPlane *
copy (const EspPlane *plane, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) out = _esp_plane_new (plane->width, plane->height, error);

  if (out == NULL || !_esp_plane_gaussian (plane, 0, out, cancellable, error))
    return NULL;
  return g_steal_pointer (&out);
}

/* ---- bands at one size, and a motion on them */

typedef struct
{
  EspPlane *a, *b, *moved;
} Bands;

static void
bands_clear (Bands *bands)
{
  g_clear_pointer (&bands->a, _esp_plane_free);
  g_clear_pointer (&bands->b, _esp_plane_free);
  g_clear_pointer (&bands->moved, _esp_plane_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bands, bands_clear)

static gboolean
make_bands (const EspPlane *a, const EspPlane *b, double fine, Bands *bands,
            GCancellable *cancellable, GError **error)
{
  return (bands->a = _esp_plane_band (a, fine, cancellable, error)) != NULL
         && (bands->b = _esp_plane_band (b, fine, cancellable, error)) != NULL
         && (bands->moved = _esp_plane_new (a->width, a->height, error)) != NULL;
}

/* Fine steps, then another look at which tiles agree. */
static gboolean
follow (const Bands *bands, EspTiles *tiles, int n_steps, EspMotion *motion,
        GCancellable *cancellable, GError **error)
{
  return _esp_motion_refine (bands->a, bands->b, tiles->agrees != NULL ? tiles : NULL, n_steps,
                             motion, bands->moved, cancellable, error)
         && _esp_tiles_compare (bands->a, bands->moved, motion, tiles, cancellable, error);
}

/* The guess that explains most of what can be seen, somewhat improved. */
static gboolean
choose_guess (const Bands *bands, const EspMotion *guesses, guint n, EspMotion *best,
              EspTiles *tiles, GCancellable *cancellable, GError **error)
{
  double score = -1;

  for (guint i = 0; i < n; i++)
    {
      g_auto (EspTiles) own = { 0 };
      EspMotion motion = guesses[i];
      const EspPlaneMap map = _esp_motion_map (&motion, bands->a->width, bands->a->height);

      /* Where it agrees as it is, steps may improve it; others' parts would lead it astray. */
      if (!_esp_plane_move (bands->b, &map, bands->moved, cancellable, error)
          || !_esp_tiles_compare (bands->a, bands->moved, &motion, &own, cancellable, error)
          || !follow (bands, &own, 3, &motion, cancellable, error))
        return FALSE;
      if (own.score / MAX (own.n_textured, 1u) > score)
        {
          score = own.score / MAX (own.n_textured, 1u);
          *best = motion;
          _esp_tiles_clear (tiles);
          *tiles = own;
          own.agrees = NULL;
        }
    }
  return TRUE;
}

static gboolean
find_coarse (Work *work, EspMotion *motion, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) a = copy (work->luma_source, cancellable, error);
  g_autoptr (EspPlane) b = a ? copy (work->luma_result, cancellable, error) : NULL;
  g_auto (Bands) rough = { NULL };
  g_auto (Bands) fine = { NULL };
  EspMotion guesses[ESP_MOTION_GUESSES];
  double px = work->px, limit;
  guint n;

  if (b == NULL)
    return FALSE;
  while (MAX (a->width, a->height) > COARSE_SIDE && MIN (a->width, a->height) >= 2 * COARSE_SHORT)
    {
      if (!halve (&a, cancellable, error) || !halve (&b, cancellable, error))
        return FALSE;
      px *= 2;
    }
  limit = MAX (MAX_SHIFT_LEAST / px, MAX_SHIFT * MAX (a->width, a->height)) * LIMIT_SLACK;
  /* Blocks at the edges are moved by the scale, too. */
  limit += MAX_SCALE * hypot (a->width, a->height) / 2;
  if (!_esp_motion_guess (a, b, limit, guesses, &n, cancellable, error)
      || !make_bands (a, b, 2, &rough, cancellable, error)
      || !choose_guess (&rough, guesses, n, motion, &work->tiles, cancellable, error)
      || !follow (&rough, &work->tiles, 6, motion, cancellable, error)
      || !make_bands (a, b, 1, &fine, cancellable, error)
      || !follow (&fine, &work->tiles, 6, motion, cancellable, error))
    return FALSE;
  work->tile_scale = work->px / px;
  motion->x /= work->tile_scale;
  motion->y /= work->tile_scale;
  return TRUE;
}

/* ---- colours */

static EspPlane *
new_small (const EspPlane *plane, int n_halvings, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) small = copy (plane, cancellable, error);

  for (int i = 0; i < n_halvings && small != NULL; i++)
    if (!halve (&small, cancellable, error))
      return NULL;
  return g_steal_pointer (&small);
}

static gboolean
find_colours (Work *work, const EspMotion *motion, EspRegistration *registration,
              GCancellable *cancellable, GError **error)
{
  const double pixels = (double) work->luma_source->width * work->luma_source->height;
  const int n_halvings = pixels > 4 * COLOUR_PIXELS ? 2 : pixels > COLOUR_PIXELS ? 1 : 0;
  const double scale = 1 << n_halvings;
  const EspMotion small = { motion->x / scale, motion->y / scale, motion->k };
  EspPlane *source[3] = { NULL }, *moved[3] = { NULL };
  gboolean ok = TRUE;

  for (guint c = 0; c < 3 && ok; c++)
    {
      g_autoptr (EspPlane) result = new_small (work->of_result[c], n_halvings, cancellable, error);
      EspPlaneMap map;

      ok = result != NULL
           && (source[c] = new_small (work->of_source[c], n_halvings, cancellable, error)) != NULL
           && (moved[c] = _esp_plane_new (result->width, result->height, error)) != NULL;
      if (!ok)
        break;
      map = _esp_motion_map (&small, result->width, result->height);
      ok = _esp_plane_resample (result, &map, moved[c], cancellable, error);
    }
  ok = ok
       && _esp_motion_fit_colours (source, moved, &small, &work->tiles, scale * work->tile_scale,
                                   registration, cancellable, error);
  _esp_planes_clear (source);
  _esp_planes_clear (moved);
  return ok;
}

typedef struct
{
  EspPlane *plane;
  float gain, offset;
} Colouring;

static void
colour_rows (int begin, int end, gpointer data)
{
  const Colouring *self = data;
  const gsize width = (gsize) self->plane->width;

  for (gsize i = (gsize) begin * width; i < (gsize) end * width; i++)
    {
      const float value = self->gain * self->plane->values[i] + self->offset;

      self->plane->values[i] = CLAMP (value, 0, 255);
    }
}

/* The source in the result's colours. What is cut off there at black and white is cut off here as
 * well: else objects on a white ground would seem to have shrunk. */
static gboolean
take_colours (Work *work, const EspRegistration *registration, GCancellable *cancellable,
              GError **error)
{
  EspPlane *const *rgb = work->of_source;

  for (guint c = 0; c < 3; c++)
    if (!_esp_rows_run (
            rgb[c]->height, _esp_rows_get_grain (rgb[c]->width), colour_rows,
            &(Colouring){ rgb[c], (float) registration->gain[c], (float) registration->offset[c] },
            cancellable, error))
      return FALSE;
  return _esp_plane_luma (rgb, work->luma_source, cancellable, error);
}

static gboolean
find_fine (Work *work, EspMotion *motion, GCancellable *cancellable, GError **error)
{
  g_auto (Bands) bands = { NULL };
  EspTiles tiles = work->tiles; /* in values of this size; shares what it holds */

  tiles.side = (int) lrint (tiles.side / work->tile_scale);
  return make_bands (work->luma_source, work->luma_result, 1, &bands, cancellable, error)
         && _esp_motion_refine (bands.a, bands.b, &tiles, 8, motion, bands.moved, cancellable,
                                error);
}

static gboolean
has_shape_of_source (const Work *work)
{
  const double stretch = (double) work->result->width / work->result->height * work->source->height
                         / work->source->width;

  return stretch <= MAX_STRETCH && stretch >= 1 / MAX_STRETCH;
}

static gboolean
is_certain (const Work *work, const EspMotion *motion)
{
  const double longer = MAX (work->source->width, work->source->height);
  const double limit = MAX (MAX_SHIFT_LEAST, MAX_SHIFT * longer);

  g_debug ("shift %.3f, %.3f px, scale %.5f; of %u tiles %u agree, %u surely", motion->x * work->px,
           motion->y * work->px, 1 + motion->k, work->tiles.n_textured, work->tiles.n_agreeing,
           work->tiles.n_surely);
  return work->tiles.n_agreeing >= LEAST_TILES
         && (work->tiles.n_agreeing >= LEAST_AGREEING * work->tiles.n_textured
             || work->tiles.n_surely >= MAX (LEAST_TILES, LEAST_SURELY * work->tiles.n_textured))
         && hypot (motion->x, motion->y) * work->px <= limit * LIMIT_SLACK
         && fabs (motion->k) <= MAX_SCALE * LIMIT_SLACK;
}

gboolean
esp_registration_estimate (EspPicture *source, EspPicture *result, EspRegistration *registration,
                           GCancellable *cancellable, GError **error)
{
  g_auto (Work) work = { .source = source, .result = result };
  EspMotion motion = { 0 };

  g_return_val_if_fail (source != NULL && result != NULL && registration != NULL, FALSE);

  *registration = (EspRegistration) ESP_REGISTRATION_INIT;
  if (!has_shape_of_source (&work))
    return !g_cancellable_set_error_if_cancelled (cancellable, error);
  if (!load (&work, cancellable, error) || !find_coarse (&work, &motion, cancellable, error))
    return FALSE;
  if (!is_certain (&work, &motion))
    return TRUE;
  if (!find_colours (&work, &motion, registration, cancellable, error)
      || !take_colours (&work, registration, cancellable, error)
      || !find_fine (&work, &motion, cancellable, error))
    return FALSE;
  registration->certain = TRUE;
  registration->shift_x = motion.x * work.px;
  registration->shift_y = motion.y * source->height / work.luma_source->height;
  registration->scale = 1 + motion.k;
  return TRUE;
}
