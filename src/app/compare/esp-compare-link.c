/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-link.c: see esp-compare-link.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-link.h"

#include <math.h>

#define NOTHING 1e-4 /* an offset below this (of the frame) is none */

typedef struct
{
  EspImageView *view; /* weak */
  double x, y, zoom;  /* the offset from the common viewport */
} Member;

struct _EspCompareLink
{
  GPtrArray *members;
  EspCompareViewport common;
  guint linked : 1;
  guint busy : 1; /* views are being moved by this */
};

EspCompareLink *
esp_compare_link_new (void)
{
  EspCompareLink *self = g_new0 (EspCompareLink, 1);

  self->members = g_ptr_array_new ();
  self->common = (EspCompareViewport){ TRUE, 1, 0.5, 0.5 };
  self->linked = TRUE;
  return self;
}

static void on_viewport_changed (EspImageView *view, EspCompareLink *self);
static void view_gone (gpointer data, GObject *view);

static void
let_go (EspCompareLink *self, Member *member)
{
  g_signal_handlers_disconnect_by_func (member->view, on_viewport_changed, self);
  g_object_weak_unref (G_OBJECT (member->view), view_gone, self);
  g_free (member);
}

void
esp_compare_link_free (EspCompareLink *self)
{
  for (guint i = 0; i < self->members->len; i++)
    let_go (self, self->members->pdata[i]);
  g_ptr_array_unref (self->members);
  g_free (self);
}

static Member *
find (EspCompareLink *self, EspImageView *view)
{
  for (guint i = 0; i < self->members->len; i++)
    {
      Member *member = self->members->pdata[i];

      if (member->view == view)
        return member;
    }
  return NULL;
}

static void
view_gone (gpointer data, GObject *view)
{
  EspCompareLink *self = data;
  Member *member = find (self, (EspImageView *) view);

  g_ptr_array_remove (self->members, member);
  g_free (member);
}

static EspCompareViewport
read_viewport (EspImageView *view)
{
  EspCompareViewport viewport
      = { esp_image_view_get_fit (view), esp_image_view_get_zoom (view), 0.5, 0.5 };

  esp_image_view_get_middle (view, &viewport.x, &viewport.y);
  return viewport;
}

static void
apply (EspCompareLink *self, Member *member)
{
  const EspCompareViewport *common = &self->common;

  esp_image_view_set_viewport (member->view, common->fit, common->zoom * member->zoom,
                               common->x + member->x, common->y + member->y);
}

/* One was zoomed or moved; the others follow. An axis that cannot be moved says nothing of where
 * the others should be, its middle is always 0.5. */
static void
on_viewport_changed (EspImageView *view, EspCompareLink *self)
{
  Member *moved = find (self, view);
  EspCompareViewport now;

  if (self->busy || !self->linked || moved == NULL)
    return;
  now = read_viewport (view);
  self->common.fit = now.fit;
  self->common.zoom = now.zoom / moved->zoom;
  self->common.x = now.x - moved->x;
  self->common.y = now.y - moved->y;

  self->busy = TRUE;
  for (guint i = 0; i < self->members->len; i++)
    if (self->members->pdata[i] != moved)
      apply (self, self->members->pdata[i]);
  self->busy = FALSE;
}

void
esp_compare_link_add (EspCompareLink *self, EspImageView *view)
{
  Member *member;

  g_return_if_fail (ESP_IS_IMAGE_VIEW (view));
  g_return_if_fail (find (self, view) == NULL);

  member = g_new0 (Member, 1);
  member->view = view;
  member->zoom = 1;
  g_ptr_array_add (self->members, member);
  g_object_weak_ref (G_OBJECT (view), view_gone, self);
  g_signal_connect (view, "viewport-changed", G_CALLBACK (on_viewport_changed), self);
  self->busy = TRUE;
  apply (self, member);
  self->busy = FALSE;
}

void
esp_compare_link_remove (EspCompareLink *self, EspImageView *view)
{
  g_return_if_fail (find (self, view) != NULL);

  g_signal_handlers_disconnect_by_func (view, on_viewport_changed, self);
  g_object_weak_unref (G_OBJECT (view), view_gone, self);
  view_gone (self, G_OBJECT (view));
}

gboolean
esp_compare_link_get_linked (EspCompareLink *self)
{
  return self->linked;
}

/* Takes what lies between the views as it is now, the first one being the common viewport. */
static void
take_offsets (EspCompareLink *self)
{
  Member *first = self->members->len > 0 ? self->members->pdata[0] : NULL;

  if (first == NULL)
    return;
  self->common = read_viewport (first->view);
  for (guint i = 0; i < self->members->len; i++)
    {
      Member *member = self->members->pdata[i];
      const EspCompareViewport own = read_viewport (member->view);

      member->zoom = self->common.zoom > 0 ? own.zoom / self->common.zoom : 1;
      member->x = own.x - self->common.x;
      member->y = own.y - self->common.y;
    }
}

void
esp_compare_link_set_linked (EspCompareLink *self, gboolean linked)
{
  if (self->linked == (linked ? 1 : 0))
    return;
  self->linked = linked ? 1 : 0;
  if (linked)
    take_offsets (self);
}

void
esp_compare_link_get_offset (EspCompareLink *self, EspImageView *view, double *x, double *y,
                             double *zoom)
{
  const Member *member = find (self, view);

  g_return_if_fail (member != NULL);

  *x = member->x;
  *y = member->y;
  *zoom = member->zoom;
}

void
esp_compare_link_align (EspCompareLink *self)
{
  if (self->members->len > 0 && !self->linked)
    {
      const Member *first = self->members->pdata[0];

      self->common = read_viewport (first->view);
    }
  self->busy = TRUE;
  for (guint i = 0; i < self->members->len; i++)
    {
      Member *member = self->members->pdata[i];

      member->x = member->y = 0;
      member->zoom = 1;
      apply (self, member);
    }
  self->busy = FALSE;
}

gboolean
esp_compare_link_is_aligned (EspCompareLink *self)
{
  for (guint i = 0; i < self->members->len; i++)
    {
      const Member *member = self->members->pdata[i];

      if (fabs (member->x) > NOTHING || fabs (member->y) > NOTHING
          || fabs (member->zoom - 1) > NOTHING)
        return FALSE;
    }
  return TRUE;
}

EspCompareViewport
esp_compare_link_get_viewport (EspCompareLink *self)
{
  const Member *first = self->members->len > 0 ? self->members->pdata[0] : NULL;

  return first != NULL && !self->linked ? read_viewport (first->view) : self->common;
}

void
esp_compare_link_set_viewport (EspCompareLink *self, const EspCompareViewport *viewport)
{
  self->common = *viewport;
  self->busy = TRUE;
  for (guint i = 0; i < self->members->len; i++)
    apply (self, self->members->pdata[i]);
  self->busy = FALSE;
}
