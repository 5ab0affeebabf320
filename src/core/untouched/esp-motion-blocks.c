/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-motion-blocks.c: how two pictures may have moved against each other, from nothing: blocks are
 * correlated one by one, and motions looked for that many of them can agree on. Parts that an edit
 * changed vote for anything, and are outvoted. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>

#include "esp-motion-private.h"
#include "esp-phase-private.h"
#include "esp-rows-private.h"

#define MIN_SIDE   16
#define MAX_SIDE   128
#define MAX_BLOCKS 12 /* across, down */

/* Logarithms of slopes spread more than that in all but empty skies. */
#define FLAT 0.05

#define CHANCE     4.0  /* strength of peaks that say nothing */
#define MAX_WEIGHT 20.0 /* of a single block */
#define NEAR       1.5  /* values: a block agrees with a motion */
#define MAX_VOTERS 80   /* peaks from which motions are made */
#define MAX_K      0.035
#define MIN_APART  2.0 /* values between guesses */

typedef struct
{
  double x, y; /* its centre, from that of the picture */
  EspPhasePeak peaks[ESP_PHASE_PEAKS];
  guint n_peaks;
} Block;

typedef struct
{
  const EspPlane *a, *b;
  const EspPhase *phase;
  int side, across, down;
  double limit;
  Block *blocks; /* down × across */
} Correlating;

typedef struct
{
  const Block *block;
  const EspPhasePeak *peak;
} Voter;

typedef struct
{
  EspMotion motion;
  double votes;
} Guess;

/* ---- what is correlated: how steep a picture is, in a logarithm, so that a few hard edges do not
 * decide, and however bright it is */

typedef struct
{
  EspPlane *dx, *dy;
} Steepness;

static void
steepness_rows (int begin, int end, gpointer data)
{
  const Steepness *self = data;
  const gsize from = (gsize) begin * (gsize) self->dx->width;
  const gsize to = (gsize) end * (gsize) self->dx->width;
  float *dx = self->dx->values;
  const float *dy = self->dy->values;

  for (gsize i = from; i < to; i++)
    dx[i] = log1pf (sqrtf (dx[i] * dx[i] + dy[i] * dy[i]));
}

static EspPlane *
new_steepness (const EspPlane *luma, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) smooth = _esp_plane_new (luma->width, luma->height, error);
  g_autoptr (EspPlane) dx = smooth ? _esp_plane_new (luma->width, luma->height, error) : NULL;
  g_autoptr (EspPlane) dy = dx ? _esp_plane_new (luma->width, luma->height, error) : NULL;

  if (dy == NULL || !_esp_plane_gaussian (luma, 1, smooth, cancellable, error)
      || !_esp_plane_gradient (smooth, dx, dy, cancellable, error)
      || !_esp_rows_run (luma->height, _esp_rows_get_grain (luma->width), steepness_rows,
                         &(Steepness){ dx, dy }, cancellable, error))
    return NULL;
  return g_steal_pointer (&dx);
}

/* ---- blocks */

static void
correlate_blocks (int begin, int end, gpointer data)
{
  const Correlating *self = data;
  const int width = self->a->width, height = self->a->height, side = self->side;

  for (int index = begin; index < end; index++)
    {
      const int i = index % self->across, j = index / self->across;
      const int left = self->across > 1 ? i * (width - side) / (self->across - 1) : 0;
      const int top = self->down > 1 ? j * (height - side) / (self->down - 1) : 0;
      const gsize at = (gsize) top * (gsize) width + (gsize) left;
      Block *block = &self->blocks[index];
      EspPhasePeak peaks[ESP_PHASE_PEAKS];
      const guint n = _esp_phase_correlate (self->phase, self->a->values + at, self->b->values + at,
                                            width, FLAT, peaks);

      block->x = left + (side - width) / 2.0;
      block->y = top + (side - height) / 2.0;
      for (guint k = 0; k < n; k++)
        if (peaks[k].strength > CHANCE && hypot (peaks[k].x, peaks[k].y) <= self->limit)
          block->peaks[block->n_peaks++] = peaks[k];
    }
}

static double
get_weight (const EspPhasePeak *peak)
{
  return CLAMP (peak->strength - CHANCE, 0, MAX_WEIGHT);
}

static double
get_error (const Block *block, const EspPhasePeak *peak, const EspMotion *motion)
{
  return hypot (peak->x - motion->x - motion->k * block->x,
                peak->y - motion->y - motion->k * block->y);
}

/* Each block has one voice, however many peaks. */
static double
count_votes (const Correlating *self, const EspMotion *motion)
{
  double votes = 0;

  for (int i = 0; i < self->across * self->down; i++)
    {
      const Block *block = &self->blocks[i];
      double best = 0;

      for (guint k = 0; k < block->n_peaks; k++)
        {
          const double e = get_error (block, &block->peaks[k], motion) / NEAR;

          if (e < 1)
            best = MAX (best, get_weight (&block->peaks[k]) * (1 - e * e));
        }
      votes += best;
    }
  return votes;
}

/* ---- motions */

static void
keep_guess (const Correlating *self, const EspMotion *motion, Guess *guesses, guint *n, guint max)
{
  const double votes = count_votes (self, motion);
  guint worst = 0;

  if (votes <= 0)
    return;
  for (guint i = 0; i < *n; i++)
    {
      if (_esp_motion_distance (&guesses[i].motion, motion, self->a->width, self->a->height)
          < MIN_APART)
        {
          if (votes > guesses[i].votes)
            guesses[i] = (Guess){ *motion, votes };
          return;
        }
      if (guesses[i].votes < guesses[worst].votes)
        worst = i;
    }
  if (*n < max)
    guesses[(*n)++] = (Guess){ *motion, votes };
  else if (votes > guesses[worst].votes)
    guesses[worst] = (Guess){ *motion, votes };
}

static int
compare_voters (gconstpointer a, gconstpointer b)
{
  const Voter *one = a, *other = b;

  if (one->peak->strength != other->peak->strength)
    return one->peak->strength > other->peak->strength ? -1 : 1;
  return one->peak < other->peak ? -1 : 1; /* always the same order */
}

static GArray *
list_voters (const Correlating *self)
{
  GArray *voters = g_array_new (FALSE, FALSE, sizeof (Voter));

  for (int i = 0; i < self->across * self->down; i++)
    for (guint k = 0; k < self->blocks[i].n_peaks; k++)
      g_array_append_val (voters, ((Voter){ &self->blocks[i], &self->blocks[i].peaks[k] }));
  g_array_sort (voters, compare_voters);
  if (voters->len > MAX_VOTERS)
    g_array_set_size (voters, MAX_VOTERS);
  return voters;
}

/* Motions of one voter alone, and of each two that are far enough from each other. */
static void
collect_guesses (const Correlating *self, Guess *guesses, guint *n, guint max)
{
  g_autoptr (GArray) voters = list_voters (self);
  const double apart = 1.2 * self->side;

  for (guint i = 0; i < voters->len; i++)
    {
      const Voter *p = &g_array_index (voters, Voter, i);
      EspMotion motion = { p->peak->x, p->peak->y, 0 };

      keep_guess (self, &motion, guesses, n, max);
      for (guint j = i + 1; j < voters->len; j++)
        {
          const Voter *q = &g_array_index (voters, Voter, j);
          const double x = q->block->x - p->block->x, y = q->block->y - p->block->y;
          const double square = x * x + y * y;

          if (square < apart * apart)
            continue;
          motion.k = ((q->peak->x - p->peak->x) * x + (q->peak->y - p->peak->y) * y) / square;
          motion.x = p->peak->x - motion.k * p->block->x;
          motion.y = p->peak->y - motion.k * p->block->y;
          if (fabs (motion.k) <= MAX_K && hypot (motion.x, motion.y) <= self->limit
              && get_error (q->block, q->peak, &motion) < NEAR)
            keep_guess (self, &motion, guesses, n, max);
        }
    }
}

/* Least squares over the blocks that agree with it. Shift and scale are found apart, about the
 * blocks' own centre. */
static void
fit_motion (const Correlating *self, EspMotion *motion)
{
  for (guint round = 0; round < 5; round++)
    {
      double w = 0, x = 0, y = 0, dx = 0, dy = 0, square = 0, along = 0, k;

      /* Twice: sums first, then what is relative to their means. */
      for (guint pass = 0; pass < 2; pass++)
        {
          for (int i = 0; i < self->across * self->down; i++)
            for (guint p = 0; p < self->blocks[i].n_peaks; p++)
              {
                const Block *block = &self->blocks[i];
                const EspPhasePeak *peak = &block->peaks[p];
                const double weight
                    = get_error (block, peak, motion) < NEAR ? get_weight (peak) : 0;

                if (weight > 0 && pass == 0)
                  {
                    w += weight;
                    x += weight * block->x;
                    y += weight * block->y;
                    dx += weight * peak->x;
                    dy += weight * peak->y;
                  }
                else if (weight > 0)
                  {
                    square += weight
                              * ((block->x - x) * (block->x - x) + (block->y - y) * (block->y - y));
                    along += weight
                             * ((block->x - x) * (peak->x - dx) + (block->y - y) * (peak->y - dy));
                  }
              }
          if (w <= 0)
            return;
          if (pass == 0)
            {
              x /= w;
              y /= w;
              dx /= w;
              dy /= w;
            }
        }
      k = square > w * self->side * self->side ? CLAMP (along / square, -MAX_K, MAX_K) : 0;
      *motion = (EspMotion){ dx - k * x, dy - k * y, k };
    }
}

static int
compare_guesses (gconstpointer a, gconstpointer b)
{
  const Guess *one = a, *other = b;

  return one->votes > other->votes ? -1 : one->votes < other->votes;
}

/* The whole pictures at once: what is left where blocks show too little each. */
static void
guess_whole (const Correlating *self, EspMotion guesses[], guint *n)
{
  g_autoptr (EspPhase) phase = _esp_phase_new (self->a->width, self->a->height);
  EspPhasePeak peaks[ESP_PHASE_PEAKS];

  if (_esp_phase_correlate (phase, self->a->values, self->b->values, self->a->width, FLAT / 4,
                            peaks)
          > 0
      && hypot (peaks[0].x, peaks[0].y) <= self->limit)
    guesses[(*n)++] = (EspMotion){ peaks[0].x, peaks[0].y, 0 };
}

/* At least two fit side by side, but for the smallest pictures; they overlap by half. */
static int
get_side (int shorter)
{
  int side = MIN_SIDE;

  while (side < MAX_SIDE && 4 * side <= shorter)
    side *= 2;
  return MIN (side, shorter);
}

static int
get_n_blocks (int length, int side)
{
  return CLAMP (2 * length / side - 1, 1, MAX_BLOCKS);
}

gboolean
_esp_motion_guess (const EspPlane *a, const EspPlane *b, double limit,
                   EspMotion guesses[ESP_MOTION_GUESSES], guint *n, GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (EspPlane) slope_a = new_steepness (a, cancellable, error);
  g_autoptr (EspPlane) slope_b = slope_a ? new_steepness (b, cancellable, error) : NULL;
  g_autoptr (EspPhase) phase = NULL;
  g_autofree Block *blocks = NULL;
  Correlating self = { slope_a, slope_b, NULL, 0, 0, 0, limit, NULL };
  Guess found[ESP_MOTION_GUESSES - 2];
  guint n_found = 0;

  if (slope_b == NULL)
    return FALSE;
  *n = 0;
  guesses[(*n)++] = (EspMotion){ 0, 0, 0 };
  self.side = get_side (MIN (a->width, a->height));
  self.across = get_n_blocks (a->width, self.side);
  self.down = get_n_blocks (a->height, self.side);
  phase = _esp_phase_new (self.side, self.side);
  self.phase = phase;
  blocks = g_new0 (Block, self.across * self.down);
  self.blocks = blocks;
  if (!_esp_rows_run (self.across * self.down, 1, correlate_blocks, &self, cancellable, error))
    return FALSE;
  collect_guesses (&self, found, &n_found, G_N_ELEMENTS (found));
  qsort (found, n_found, sizeof *found, compare_guesses);
  for (guint i = 0; i < n_found; i++)
    {
      guesses[*n] = found[i].motion;
      fit_motion (&self, &guesses[(*n)++]);
    }
  guess_whole (&self, guesses, n);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}
