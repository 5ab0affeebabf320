/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change-residual.c: a result less what its source, with all that models do to whole pictures,
 * would give. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>

#include "esp-change-private.h"
#include "esp-rows-private.h"

/* Noise that is cut off at black or white is no longer 0 in the mean: so near to them, in usual
 * errors of a pixel and in levels, nothing is told apart. */
#define CUT_OFF      2.0f
#define CUT_OFF_MOST 6.0f

#define DETAIL_SIGMA 2.0 /* places */

#define EDGE 2 /* places that are resampled with what is beyond the result's edge */

/* --- Where the result is ---------------------------------------------------------------------- */

static void
cover_side (double at, double step, int n_out, int n_in, int *begin, int *end)
{
  /* at + step · (i + ½) within 0 … n_in. */
  const double first = ceil (-at / step - 0.5 - 1e-6);
  const double last = floor ((n_in - at) / step - 0.5 + 1e-6);

  *begin = (int) CLAMP (first <= 0 ? 0 : first + EDGE, 0, n_out - 1);
  *end = (int) CLAMP (last >= n_out - 1 ? n_out : last + 1 - EDGE, *begin + 1, n_out);
}

/* --- Colours ---------------------------------------------------------------------------------- */

typedef struct
{
  EspResidual *out;
  EspPlane *const *source, *const *result, *const *detail;
} Subtracting;

static inline float
predicted (const EspColourFit *fit, float source, EspPlane *const *detail, gsize at)
{
  float sum = (float) fit->terms[0] * source + (float) fit->terms[1];

  for (int i = 0; i < ESP_N_TERMS - 2; i++)
    sum += (float) fit->terms[2 + i] * detail[i]->values[at];
  return sum;
}

static void
subtract_rows (int begin, int end, gpointer data)
{
  const Subtracting *self = data;
  const gsize width = (gsize) self->source[0]->width;

  for (gsize at = (gsize) begin * width; at < (gsize) end * width; at++)
    {
      float e[3];

      for (int c = 0; c < 3; c++)
        {
          const EspColourFit *fit = &self->out->fits[c];
          const float edge = MIN (CUT_OFF * (float) fit->spread, CUT_OFF_MOST);
          const float sum = predicted (fit, self->source[c]->values[at], self->detail, at);

          e[c] = (CLAMP (self->result[c]->values[at], edge, 255 - edge)
                  - CLAMP (sum, edge, 255 - edge))
                 / (float) fit->terms[0];
        }
      /* Y, Cb, Cr of ITU-R BT.601. */
      self->out->error[0]->values[at] = 0.299f * e[0] + 0.587f * e[1] + 0.114f * e[2];
      self->out->error[1]->values[at] = -0.169f * e[0] - 0.331f * e[1] + 0.5f * e[2];
      self->out->error[2]->values[at] = 0.5f * e[0] - 0.419f * e[1] - 0.081f * e[2];
    }
}

/* --- Detail and activity ---------------------------------------------------------------------- */

typedef struct
{
  EspPlane *dx, *dy; /* become the squares' sum in dx */
  const EspPlane *fine;
  EspPlane *const *rgb;
  EspPlane *out;
} Activity;

static void
square_rows (int begin, int end, gpointer data)
{
  const Activity *self = data;
  const gsize width = (gsize) self->dx->width;
  const float *dx = self->dx->values, *dy = self->dy->values, *fine = self->fine->values;
  float *restrict out = self->out->values;

  for (gsize at = (gsize) begin * width; at < (gsize) end * width; at++)
    out[at] = dx[at] * dx[at] + dy[at] * dy[at] + 4 * fine[at] * fine[at];
}

static void
root_rows (int begin, int end, gpointer data)
{
  const Activity *self = data; /* dx: near, dy: wide */
  const gsize width = (gsize) self->dx->width;
  const float *near = self->dx->values, *wide = self->dy->values;
  float *restrict out = self->out->values;

  for (gsize at = (gsize) begin * width; at < (gsize) end * width; at++)
    out[at] = sqrtf (MAX (near[at], 0) + 0.15f * MAX (wide[at], 0));
}

/* What changes nearby, and a little of what does within a codec's block. */
static EspPlane *
make_activity (const EspPlane *dx, const EspPlane *dy, const EspPlane *fine,
               GCancellable *cancellable, GError **error)
{
  const int w = dx->width, h = dx->height, grain = _esp_rows_get_grain (w);
  g_autoptr (EspPlane) near = _esp_plane_new (w, h, error);
  g_autoptr (EspPlane) wide = near != NULL ? _esp_plane_new (w, h, error) : NULL;
  Activity self = { (EspPlane *) dx, (EspPlane *) dy, fine, NULL, near };

  if (wide == NULL || !_esp_rows_run (h, grain, square_rows, &self, cancellable, error)
      || !_esp_plane_gaussian (near, 4, wide, cancellable, error)
      || !_esp_plane_gaussian (near, 1.5, near, cancellable, error))
    return NULL;
  self = (Activity){ near, wide, NULL, NULL, near };
  if (!_esp_rows_run (h, grain, root_rows, &self, cancellable, error))
    return NULL;
  return g_steal_pointer (&near);
}

/* plane − its mean over σ. */
static EspPlane *
make_detail (EspPlane *plane, double sigma, GCancellable *cancellable, GError **error)
{
  static const float factors[2] = { 1, -1 };
  g_autoptr (EspPlane) out = _esp_plane_new (plane->width, plane->height, error);
  EspPlane *both[2] = { plane, out };

  if (out == NULL || !_esp_plane_gaussian (plane, sigma, out, cancellable, error)
      || !_esp_plane_sum (both, factors, 2, out, cancellable, error))
    return NULL;
  return g_steal_pointer (&out);
}

/* The activity of one weighted sum of the channels; `detail` (if not NULL) gets its terms. */
static EspPlane *
activity_of (EspPlane *const rgb[3], const float weights[3], EspPlane *detail[ESP_N_TERMS - 2],
             GCancellable *cancellable, GError **error)
{
  const int w = rgb[0]->width, h = rgb[0]->height;
  g_autoptr (EspPlane) sum = _esp_plane_new (w, h, error);
  g_autoptr (EspPlane) dx = _esp_plane_new (w, h, error);
  g_autoptr (EspPlane) dy = _esp_plane_new (w, h, error);
  g_autoptr (EspPlane) fine = NULL;
  g_autoptr (EspPlane) activity = NULL;

  if (sum == NULL || dx == NULL || dy == NULL
      || !_esp_plane_sum (rgb, weights, 3, sum, cancellable, error)
      || !_esp_plane_gradient (sum, dx, dy, cancellable, error))
    return NULL;
  fine = make_detail (sum, 0.8, cancellable, error);
  if (fine == NULL)
    return NULL;
  activity = make_activity (dx, dy, fine, cancellable, error);
  if (activity == NULL || detail == NULL)
    return g_steal_pointer (&activity);
  detail[1] = make_detail (sum, DETAIL_SIGMA, cancellable, error);
  if (detail[1] == NULL)
    return NULL;
  detail[0] = g_steal_pointer (&fine);
  detail[2] = g_steal_pointer (&dx);
  detail[3] = g_steal_pointer (&dy);
  return g_steal_pointer (&activity);
}

/* --- All of it -------------------------------------------------------------------------------- */

/* The result in the source's frame. It is read no larger than needed, and as it is where it is
 * about as large: then it is resampled once. */
static gboolean
load_result (EspPicture *result, const EspRegistration *registration, EspPicture *source,
             EspPlane *planes[3], EspSpan *covered, GCancellable *cancellable, GError **error)
{
  const int width = planes[0]->width, height = planes[0]->height;
  const gboolean much = result->width > width * 5 / 4 || result->height > height * 5 / 4;
  const int w = much ? width : result->width, h = much ? height : result->height;
  const EspPlaneMap map = _esp_plane_map_registered (registration, source->width, source->height,
                                                     width, height, w, h);
  EspPlane *read[3] = { NULL };
  gboolean ok = _esp_planes_load (result, w, h, read, cancellable, error);

  for (int c = 0; c < 3 && ok; c++)
    ok = _esp_plane_resample (read[c], &map, planes[c], cancellable, error);
  _esp_planes_clear (read);
  cover_side (map.x, map.step_x, width, w, &covered->left, &covered->right);
  cover_side (map.y, map.step_y, height, h, &covered->top, &covered->bottom);
  return ok;
}

static gboolean
make_planes (EspPlane *planes[3], int width, int height, GError **error)
{
  for (int c = 0; c < 3; c++)
    if ((planes[c] = _esp_plane_new (width, height, error)) == NULL)
      return FALSE;
  return TRUE;
}

#define EVERY 3 /* places of those that are asked what the colours have become */

/* Errors of colour as a linear map of the source's colours, by least squares over all of it: what
 * it explains of them. */
static double
measure_recolouring (const EspResidual *self, EspPlane *const source[3])
{
  const int width = source[0]->width;
  double uu = 1, uv = 0, vv = 1, e_all = 1e-6, e_left;
  double be[2] = { 0 }, re[2] = { 0 };

  for (int y = self->covered.top; y < self->covered.bottom; y += EVERY)
    for (int x = self->covered.left; x < self->covered.right; x += EVERY)
      {
        const gsize at = (gsize) y * (gsize) width + (gsize) x;
        const double r = source[0]->values[at], g = source[1]->values[at];
        const double b = source[2]->values[at];
        const double u = -0.169 * r - 0.331 * g + 0.5 * b, v = 0.5 * r - 0.419 * g - 0.081 * b;
        const double eu = self->error[1]->values[at], ev = self->error[2]->values[at];

        uu += u * u;
        uv += u * v;
        vv += v * v;
        be[0] += u * eu;
        be[1] += v * eu;
        re[0] += u * ev;
        re[1] += v * ev;
        e_all += eu * eu + ev * ev;
      }
  e_left = e_all;
  for (int i = 0; i < 2; i++)
    {
      const double *e = i == 0 ? be : re, det = uu * vv - uv * uv;

      /* What a fit by least squares takes off the squares: eᵀ A⁻¹ e. */
      if (det > 1e-6 * uu * vv)
        e_left -= (vv * e[0] * e[0] - 2 * uv * e[0] * e[1] + uu * e[1] * e[1]) / det;
    }
  return CLAMP (1 - e_left / e_all, 0, 1);
}

/* The result's structures as `detail[1]` is the source's. */
static EspPlane *
make_structures (EspPlane *const result[3], GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPlane) luma = _esp_plane_new (result[0]->width, result[0]->height, error);

  if (luma == NULL || !_esp_plane_luma (result, luma, cancellable, error))
    return NULL;
  return make_detail (luma, DETAIL_SIGMA, cancellable, error);
}

static double
measure_tint (const EspResidual *self, const EspPlane *source, int channel)
{
  const double *terms = self->fits[channel].terms;
  double sum = 0;
  gsize n = 0;

  for (int y = self->covered.top; y < self->covered.bottom; y += EVERY)
    for (int x = self->covered.left; x < self->covered.right; x += EVERY, n++)
      sum += source->values[(gsize) y * (gsize) source->width + (gsize) x];
  return (terms[0] - 1) * sum / (double) MAX (n, 1) + terms[1];
}

static gboolean
compare (EspResidual *self, EspPlane *const source[3], EspPlane *const result[3],
         const EspRegistration *registration, GCancellable *cancellable, GError **error)
{
  static const float luma[3] = { 0.299f, 0.587f, 0.114f };
  static const float red[3] = { 0.5f, -0.419f, -0.081f }, blue[3] = { -0.169f, -0.331f, 0.5f };
  static const float mix[3] = { 1, 1, 0.3f };
  EspPlane *detail[ESP_N_TERMS - 2] = { NULL };
  g_autoptr (EspPlane) cr = NULL;
  Subtracting subtracting = { self, source, result, detail };
  gboolean ok;

  self->activity[0] = activity_of (source, luma, detail, cancellable, error);
  self->activity[1]
      = self->activity[0] != NULL ? activity_of (source, blue, NULL, cancellable, error) : NULL;
  cr = self->activity[1] != NULL ? activity_of (source, red, NULL, cancellable, error) : NULL;
  ok = cr != NULL;
  if (ok)
    {
      EspPlane *all[3] = { self->activity[1], cr, self->activity[0] };

      ok = _esp_plane_sum (all, mix, 3, self->activity[1], cancellable, error);
    }
  for (int c = 0; c < 3 && ok; c++)
    {
      self->fits[c] = (EspColourFit){ { registration->gain[c], registration->offset[c] }, 0 };
      _esp_colour_fit (&self->fits[c], source[c], result[c], detail, &self->covered);
    }
  ok = ok
       && _esp_rows_run (source[0]->height, _esp_rows_get_grain (source[0]->width), subtract_rows,
                         &subtracting, cancellable, error);
  for (int c = 0; c < 3 && ok; c++)
    self->tints[c] = measure_tint (self, source[c], c);
  if (ok)
    self->recoloured = measure_recolouring (self, source);
  if (ok)
    {
      self->structures[0] = g_steal_pointer (&detail[1]);
      self->structures[1] = make_structures (result, cancellable, error);
      ok = self->structures[1] != NULL;
    }
  for (guint i = 0; i < G_N_ELEMENTS (detail); i++)
    g_clear_pointer (&detail[i], _esp_plane_free);
  return ok;
}

gboolean
_esp_residual_init (EspResidual *self, EspPicture *source, EspPicture *result,
                    const EspRegistration *registration, int width, int height,
                    GCancellable *cancellable, GError **error)
{
  EspPlane *from[3] = { NULL }, *to[3] = { NULL };
  gboolean ok;

  *self = (EspResidual){ 0 };
  ok = make_planes (to, width, height, error) && make_planes (self->error, width, height, error)
       && _esp_planes_load (source, width, height, from, cancellable, error)
       && load_result (result, registration, source, to, &self->covered, cancellable, error)
       && compare (self, from, to, registration, cancellable, error);
  _esp_planes_clear (from);
  _esp_planes_clear (to);
  if (!ok)
    _esp_residual_clear (self);
  return ok;
}

void
_esp_residual_clear (EspResidual *self)
{
  for (int c = 0; c < 3; c++)
    g_clear_pointer (&self->error[c], _esp_plane_free);
  for (int c = 0; c < 2; c++)
    {
      g_clear_pointer (&self->activity[c], _esp_plane_free);
      g_clear_pointer (&self->structures[c], _esp_plane_free);
    }
}
