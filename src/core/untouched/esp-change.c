/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change.c: what of a picture an edit meant to change (docs/drift.md has the method and how
 * well it does). */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-change.h"

#include <math.h>
#include <string.h>

#include "esp-change-private.h"
#include "esp-rows-private.h"

#define WORK_PIXELS 1.6e6
#define SAMPLES     16000 /* of errors, for their spread */

/* One look at the residual: averaged over `sigma` places of a plane `halvings` times halved. */
typedef struct
{
  int halvings;
  double sigma;
  double high, low; /* in usual errors: what begins a change, and what goes on with it */
} Scale;

static const Scale scales[] = {
  { 0, 0.8, 7, 3.5 }, { 0, 1.6, 7, 3 }, { 1, 1.6, 7, 3 }, { 2, 1.6, 8, 3 }, { 3, 1.6, 9, 3.5 },
};

#define NEXT   4.2 /* what begins a change beside another one */
#define CHROMA 0.9 /* errors of colour against those of luma */
/* Usual errors are at least so large, levels: of one place, and of many (codecs round what is
 * common to many, and colours more coarsely). */
#define LEAST_PLACE  0.25
#define LEAST_LUMA   0.30
#define LEAST_CHROMA 0.50
#define SEEN_LEAST   0.3 /* share of a place's neighbourhood that is not known already */

typedef struct
{
  const EspResidual *residual;
  EspMask *mask;  /* what was found */
  EspMask *calm;  /* what is no change: where spreads are measured; 255: it is one */
  gboolean tails; /* the calm parts are known well */
} Search;

/* --- One scale -------------------------------------------------------------------------------- */

typedef struct
{
  EspPlane *error[3], *activity[2], *seen;
} Level;

static void
level_clear (Level *self)
{
  for (int i = 0; i < 3; i++)
    g_clear_pointer (&self->error[i], _esp_plane_free);
  for (int i = 0; i < 2; i++)
    g_clear_pointer (&self->activity[i], _esp_plane_free);
  g_clear_pointer (&self->seen, _esp_plane_free);
}

typedef struct
{
  const EspMask *known; /* grown by one */
  const EspSpan *covered;
  const EspPlane *in[3];
  EspPlane *const *out;
  EspPlane *seen;
} Hiding;

/* Errors where they count, 0 elsewhere. */
static void
hide_rows (int begin, int end, gpointer data)
{
  const Hiding *self = data;
  const int width = self->seen->width;

  for (int y = begin; y < end; y++)
    {
      const gsize at = (gsize) y * (gsize) width;
      const gboolean row = y >= self->covered->top && y < self->covered->bottom;

      for (int x = 0; x < width; x++)
        {
          const gboolean seen = row && x >= self->covered->left && x < self->covered->right
                                && self->known->values[at + x] == 0;

          self->seen->values[at + x] = seen ? 1 : 0;
          for (int c = 0; c < 3; c++)
            self->out[c]->values[at + x] = seen ? self->in[c]->values[at + x] : 0;
        }
    }
}

static gboolean
halve (EspPlane **plane, int times, GCancellable *cancellable, GError **error)
{
  for (int i = 0; i < times; i++)
    {
      EspPlane *half = _esp_plane_halve (*plane, cancellable, error);

      if (half == NULL)
        return FALSE;
      _esp_plane_free (*plane);
      *plane = half;
    }
  return TRUE;
}

static gboolean
smooth (EspPlane **plane, const Scale *scale, GCancellable *cancellable, GError **error)
{
  return halve (plane, scale->halvings, cancellable, error)
         && _esp_plane_gaussian (*plane, scale->sigma, *plane, cancellable, error);
}

/* Errors, activity and what of it is seen, averaged as the scale says. */
static gboolean
level_init (Level *self, const Search *search, const Scale *scale, GCancellable *cancellable,
            GError **error)
{
  const EspResidual *residual = search->residual;
  const int w = residual->error[0]->width, h = residual->error[0]->height;
  g_autoptr (EspMask) known = esp_mask_shape (search->mask, 1, 0, cancellable, error);
  Hiding hiding = { known, &residual->covered, { NULL }, self->error, NULL };
  gboolean ok = known != NULL && (self->seen = _esp_plane_new (w, h, error)) != NULL;

  for (int c = 0; c < 3 && ok; c++)
    {
      hiding.in[c] = residual->error[c];
      ok = (self->error[c] = _esp_plane_new (w, h, error)) != NULL;
    }
  hiding.seen = self->seen;
  ok = ok && _esp_rows_run (h, _esp_rows_get_grain (w), hide_rows, &hiding, cancellable, error)
       && smooth (&self->seen, scale, cancellable, error);
  for (int c = 0; c < 3 && ok; c++)
    ok = smooth (&self->error[c], scale, cancellable, error);
  for (int c = 0; c < 2 && ok; c++)
    ok = (self->activity[c] = _esp_plane_new (w, h, error)) != NULL
         && _esp_plane_gaussian (residual->activity[c], 0, self->activity[c], cancellable, error)
         && smooth (&self->activity[c], scale, cancellable, error);
  return ok;
}

/* The spread of one channel's errors where nothing changed. */
static void
measure_spread (const Search *search, const Scale *scale, const Level *level, int channel,
                EspSpread *spread)
{
  const EspPlane *error = level->error[channel], *activity = level->activity[channel > 0];
  const int w = error->width, h = error->height, times = 1 << scale->halvings;
  const int step = MAX (1, (int) sqrt ((double) w * h / SAMPLES));
  g_autofree EspSpreadSample *samples
      = g_new (EspSpreadSample, (gsize) (w / step + 1) * (gsize) (h / step + 1));
  int n = 0;

  for (int y = 0; y < h; y += step)
    for (int x = y / step % step; x < w; x += step)
      {
        const gsize at = (gsize) y * (gsize) w + (gsize) x;
        const int u = MIN (x * times + times / 2, search->calm->width - 1);
        const int v = MIN (y * times + times / 2, search->calm->height - 1);

        if (level->seen->values[at] < 0.5f
            || search->calm->values[(gsize) v * (gsize) search->calm->width + (gsize) u] != 0)
          continue;
        samples[n++] = (EspSpreadSample){ activity->values[at],
                                          fabsf (error->values[at] / level->seen->values[at]) };
      }
  _esp_spread_fit (spread, samples, n, search->tails,
                   (channel > 0 ? LEAST_CHROMA : LEAST_LUMA)
                       + LEAST_PLACE / (1 + scale->sigma * times));
}

typedef struct
{
  const Level *level;
  const EspSpread *spreads;
  EspPlane *out;
} Weighing;

static void
weigh_rows (int begin, int end, gpointer data)
{
  const Weighing *self = data;
  const Level *level = self->level;
  const gsize width = (gsize) self->out->width;

  for (gsize at = (gsize) begin * width; at < (gsize) end * width; at++)
    {
      const float seen = level->seen->values[at];
      double strength = 0;

      for (int c = 0; c < 3 && seen >= SEEN_LEAST; c++)
        {
          const double error = fabs (level->error[c]->values[at]) / seen;
          const double usual
              = _esp_spread_at (&self->spreads[c], level->activity[c > 0]->values[at]);

          strength = MAX (strength, error / usual * (c > 0 ? CHROMA : 1));
        }
      self->out->values[at] = (float) strength;
    }
}

/* How many usual errors what is seen at this scale is, at full size; NULL on failure. */
static EspPlane *
weigh (const Search *search, const Scale *scale, GCancellable *cancellable, GError **error)
{
  const EspResidual *residual = search->residual;
  const int times = 1 << scale->halvings;
  const EspPlaneMap map = { 0, 0, 1.0 / times, 1.0 / times };
  g_autoptr (EspPlane) strength = NULL;
  g_autoptr (EspPlane) full = NULL;
  EspSpread spreads[3];
  Level level = { { NULL }, { NULL }, NULL };
  gboolean ok = level_init (&level, search, scale, cancellable, error);

  for (int c = 0; c < 3 && ok; c++)
    measure_spread (search, scale, &level, c, &spreads[c]);
  if (ok)
    {
      Weighing weighing;

      strength = _esp_plane_new (level.seen->width, level.seen->height, error);
      weighing = (Weighing){ &level, spreads, strength };
      ok = strength != NULL
           && _esp_rows_run (strength->height, _esp_rows_get_grain (strength->width), weigh_rows,
                             &weighing, cancellable, error);
    }
  level_clear (&level);
  if (!ok || scale->halvings == 0)
    return ok ? g_steal_pointer (&strength) : NULL;
  full = _esp_plane_new (residual->error[0]->width, residual->error[0]->height, error);
  if (full == NULL || !_esp_plane_resample (strength, &map, full, cancellable, error))
    return NULL;
  return g_steal_pointer (&full);
}

/* What is seen at coarse scales alone has soft edges, which sink below what is usual before they
 * end: so much more of it is taken, in sigmas. */
#define SOFT_SIGMA  3.0 /* places */
#define SOFT_MARGIN 0.5

static void
make_hard (EspMask *mask)
{
  const gsize n = (gsize) mask->width * (gsize) mask->height;

  for (gsize i = 0; i < n; i++)
    mask->values[i] = mask->values[i] >= 128 ? 255 : 0;
}

static void
add_mask (EspMask *mask, const EspMask *other)
{
  const gsize n = (gsize) mask->width * (gsize) mask->height;

  for (gsize i = 0; i < n; i++)
    mask->values[i] = MAX (mask->values[i], other->values[i]);
}

static gboolean
add_grown (EspMask *mask, EspMask *found, double grow, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) grown = esp_mask_shape (found, grow, 0, cancellable, error);

  if (grown == NULL)
    return FALSE;
  if (grown != found)
    make_hard (grown);
  add_mask (mask, grown);
  return TRUE;
}

/* Finer scales first; coarser ones do not see again what those found. */
static gboolean
search_scales (Search *self, GCancellable *cancellable, GError **error)
{
  const int shorter = MIN (self->mask->width, self->mask->height);

  for (guint i = 0; i < G_N_ELEMENTS (scales); i++)
    {
      const double sigma = scales[i].sigma * (1 << scales[i].halvings);
      g_autoptr (EspPlane) strength = NULL;
      g_autoptr (EspMask) found = NULL;

      if (sigma * 8 > shorter && i > 0)
        break;
      strength = weigh (self, &scales[i], cancellable, error);
      found = strength != NULL ? esp_mask_new (self->mask->width, self->mask->height, error) : NULL;
      if (found == NULL
          || !_esp_regions_grow (strength, scales[i].high, NEXT, scales[i].low,
                                 16 * sigma * sigma + 8, self->mask, found, error)
          || !add_grown (self->mask, found, sigma >= SOFT_SIGMA ? SOFT_MARGIN * sigma : 0,
                         cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* --- From places that stand out to a mask ----------------------------------------------------- */

/* Radii, places. */
#define CLOSE             0.004 /* of the picture's side: gaps between what was found */
#define CLOSE_LEAST       1.0
#define CLOSE_MOST        2.5
#define THICK             0.008 /* from here on regions are of objects, not of strokes */
#define THICK_LEAST       5.0
#define CLOSE_THICK       0.012 /* gaps within those */
#define CLOSE_THICK_LEAST 2.0
#define HOLE_SHARE        0.002 /* of the picture: larger holes stay */
#define MARGIN            1.0   /* around what was found: soft edges */

/* What the result does not show goes on as its nearest shown place: an edit that reaches the edge
 * leaves no old strip there. */
static void
spread_to_edges (EspMask *mask, const EspSpan *covered)
{
  for (int y = 0; y < mask->height; y++)
    {
      const int v = CLAMP (y, covered->top, covered->bottom - 1);
      const guint8 *from = mask->values + (gsize) v * (gsize) mask->width;
      guint8 *to = mask->values + (gsize) y * (gsize) mask->width;

      for (int x = 0; x < mask->width; x++)
        if (y != v || x < covered->left || x >= covered->right)
          to[x] = from[CLAMP (x, covered->left, covered->right - 1)];
    }
}

/* The mask closed: grown and shrunk again, so that gaps of up to 2 · `radius` are filled. Opened
 * for a radius below 0: what is thinner is gone. */
static EspMask *
close_gaps (EspMask *mask, double radius, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) between = esp_mask_shape (mask, radius, 0, cancellable, error);
  EspMask *out;

  if (between == NULL)
    return NULL;
  make_hard (between);
  out = esp_mask_shape (between, -radius, 0, cancellable, error);
  if (out != NULL)
    make_hard (out);
  return out;
}

/* Small gaps everywhere; larger ones in what is thick: there they are parts of an object that look
 * like the old ones by chance, where in letters they are paper. */
static EspMask *
finish_mask (EspMask *found, const EspSpan *covered, GCancellable *cancellable, GError **error)
{
  const gsize n = (gsize) found->width * (gsize) found->height;
  const double side = sqrt ((double) n);
  g_autoptr (EspMask) closed
      = close_gaps (found, CLAMP (CLOSE * side, CLOSE_LEAST, CLOSE_MOST), cancellable, error);
  g_autoptr (EspMask) thick
      = closed != NULL ? close_gaps (found, -MAX (THICK * side, THICK_LEAST), cancellable, error)
                       : NULL;
  g_autoptr (EspMask) whole
      = thick != NULL
            ? close_gaps (thick, MAX (CLOSE_THICK * side, CLOSE_THICK_LEAST), cancellable, error)
            : NULL;
  EspMask *out;

  if (whole == NULL)
    return NULL;
  add_mask (closed, found);
  add_mask (closed, whole);
  if (!_esp_regions_fill (closed, (gsize) (HOLE_SHARE * (double) n), error))
    return NULL;
  spread_to_edges (closed, covered);
  out = esp_mask_shape (closed, MARGIN, 0, cancellable, error);
  if (out != NULL && out != closed)
    make_hard (out);
  return out;
}

/* --- In the source's size --------------------------------------------------------------------- */

typedef struct
{
  const EspMask *from;
  EspMask *to;
} Enlarging;

/* Bilinear, and hard again: edges become straight lines between places. */
static void
enlarge_rows (int begin, int end, gpointer data)
{
  const Enlarging *self = data;
  const EspMask *from = self->from;
  const double step_x = (double) from->width / self->to->width;
  const double step_y = (double) from->height / self->to->height;

  for (int y = begin; y < end; y++)
    {
      const double v = CLAMP ((y + 0.5) * step_y - 0.5, 0, from->height - 1);
      const int top = (int) v, bottom = MIN (top + 1, from->height - 1);
      const guint8 *above = from->values + (gsize) top * (gsize) from->width;
      const guint8 *below = from->values + (gsize) bottom * (gsize) from->width;
      guint8 *to = self->to->values + (gsize) y * (gsize) self->to->width;
      const float down = (float) (v - top);

      for (int x = 0; x < self->to->width; x++)
        {
          const double u = CLAMP ((x + 0.5) * step_x - 0.5, 0, from->width - 1);
          const int left = (int) u, right = MIN (left + 1, from->width - 1);
          const float across = (float) (u - left);
          const float a = above[left] + across * (float) (above[right] - above[left]);
          const float b = below[left] + across * (float) (below[right] - below[left]);

          to[x] = a + down * (b - a) >= 127.5f ? 255 : 0;
        }
    }
}

static EspMask *
enlarge (EspMask *mask, int width, int height, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) out = NULL;
  Enlarging self = { mask, NULL };

  if (mask->width == width && mask->height == height)
    return esp_mask_ref (mask);
  out = self.to = esp_mask_new (width, height, error);
  if (out == NULL
      || !_esp_rows_run (height, _esp_rows_get_grain (width), enlarge_rows, &self, cancellable,
                         error))
    return NULL;
  return g_steal_pointer (&out);
}

/* --- All of it -------------------------------------------------------------------------------- */

/* What stands out, at the size of the residual. */
static EspMask *
search (const EspResidual *residual, GCancellable *cancellable, GError **error)
{
  const int w = residual->error[0]->width, h = residual->error[0]->height;
  g_autoptr (EspMask) calm = esp_mask_new (w, h, error);

  for (int round = 0; round < 2 && calm != NULL; round++)
    {
      g_autoptr (EspMask) found = esp_mask_new (w, h, error);
      Search self = { residual, found, calm, round > 0 };

      if (found == NULL || !search_scales (&self, cancellable, error))
        return NULL;
      g_clear_pointer (&calm, esp_mask_unref);
      if (round > 0)
        return g_steal_pointer (&found);
      calm = esp_mask_shape (found, 4, 0, cancellable, error);
      if (calm != NULL && esp_mask_get_fraction (calm) > 0.9)
        memset (calm->values, 0, (gsize) w * (gsize) h);
    }
  return NULL;
}

/* Never more than either picture has. */
static void
choose_size (EspPicture *source, EspPicture *result, int *width, int *height)
{
  const double pixels = (double) source->width * source->height;
  const double most = MIN (WORK_PIXELS, (double) result->width * result->height);
  const double k = MIN (1, sqrt (most / pixels));

  *width = MAX (1, (int) lround (source->width * k));
  *height = MAX (1, (int) lround (source->height * k));
}

gboolean
esp_change_find (EspPicture *source, EspPicture *result, const EspRegistration *registration,
                 EspChange *change, GCancellable *cancellable, GError **error)
{
  EspResidual residual;
  g_autoptr (EspMask) found = NULL;
  g_autoptr (EspMask) mask = NULL;
  int width, height;
  gboolean ok;

  g_return_val_if_fail (source != NULL && result != NULL && registration != NULL && change != NULL,
                        FALSE);

  *change = (EspChange) ESP_CHANGE_INIT;
  choose_size (source, result, &width, &height);
  if (!_esp_residual_init (&residual, source, result, registration, width, height, cancellable,
                           error))
    return FALSE;
  found = search (&residual, cancellable, error);
  ok = found != NULL
       && _esp_change_is_global (&residual, found, &change->global, cancellable, error);
  if (ok && !change->global)
    mask = finish_mask (found, &residual.covered, cancellable, error);
  _esp_residual_clear (&residual);
  if (ok && change->global)
    change->changed = 1;
  if (!ok || change->global || mask == NULL)
    return ok && change->global;
  change->mask = enlarge (mask, source->width, source->height, cancellable, error);
  if (change->mask == NULL)
    return FALSE;
  change->changed = esp_mask_get_fraction (change->mask);
  return TRUE;
}

void
esp_change_clear (EspChange *change)
{
  g_clear_pointer (&change->mask, esp_mask_unref);
  *change = (EspChange) ESP_CHANGE_INIT;
}
