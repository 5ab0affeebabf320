/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-view.c: one image, zoomed and moved. */
#define G_LOG_DOMAIN "espalier-image"

#include "esp-image-view-private.h"

#include <math.h>

#include "esp-style.h"

#define FADE_DURATION 150   /* ms */
#define DIM           0.25f /* opacity of what is dimmed */

static void esp_image_view_scrollable_init (GtkScrollableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (EspImageView, esp_image_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE,
                                                      esp_image_view_scrollable_init))

enum
{
  PROP_0,
  PROP_ZOOM,
  PROP_FIT,
  N_PROPS,
  PROP_HADJUSTMENT = N_PROPS,
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY,
};

static GParamSpec *properties[N_PROPS];

enum
{
  VIEWPORT_CHANGED,
  IMAGE_SHOWN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const double steps[] = { 0.02, 0.05, 0.1, 0.15, 0.25, 1.0 / 3, 0.5, 2.0 / 3, 0.75, 1,
                                1.5,  2,    3,   4,    6,    8,       12,  16,      24,   32 };

double
esp_image_view_next_step (double zoom, gboolean in)
{
  /* A hair's breadth of room, so that a zoom that is nearly a step counts as that step. */
  if (in)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
        if (steps[i] > zoom * 1.01)
          return steps[i];
      return ESP_IMAGE_VIEW_MAX_ZOOM;
    }
  for (gsize i = G_N_ELEMENTS (steps); i > 0; i--)
    if (steps[i - 1] < zoom / 1.01)
      return steps[i - 1];
  return ESP_IMAGE_VIEW_MIN_ZOOM;
}

/* --- Geometry --------------------------------------------------------------------------------- */

double
esp_image_view_get_fit_zoom (EspImageView *self)
{
  const int density = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  const int width = gtk_widget_get_width (GTK_WIDGET (self)) * density;
  const int height = gtk_widget_get_height (GTK_WIDGET (self)) * density;

  if (self->width == 0 || self->height == 0 || width == 0 || height == 0)
    return 1;
  return MIN (1.0, MIN ((double) width / self->width, (double) height / self->height));
}

double
esp_image_view_get_zoom (EspImageView *self)
{
  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (self), 1);

  return self->fit ? esp_image_view_get_fit_zoom (self) : self->zoom;
}

double
esp_image_view_get_extent (EspImageView *self, int axis, double *view)
{
  const double zoom = esp_image_view_get_zoom (self);
  const int density = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  GtkWidget *widget = GTK_WIDGET (self);

  *view = axis == HORIZONTAL ? gtk_widget_get_width (widget) : gtk_widget_get_height (widget);
  return (axis == HORIZONTAL ? self->width : self->height) * zoom / density;
}

/* Where the image begins: in the middle where it is smaller than the view; on a pixel of the
 * screen, so that 100 % is sharp. */
static double
get_origin (EspImageView *self, int axis)
{
  const int density = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double view, extent = esp_image_view_get_extent (self, axis, &view);
  double origin;

  if (extent <= view + 0.5)
    origin = (view - extent) / 2;
  else
    origin
        = self->adjustments[axis] != NULL ? -gtk_adjustment_get_value (self->adjustments[axis]) : 0;
  return round (origin * density) / density;
}

void
esp_image_view_get_place (EspImageView *self, graphene_rect_t *place)
{
  double view;

  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  graphene_rect_init (place, (float) get_origin (self, HORIZONTAL),
                      (float) get_origin (self, VERTICAL),
                      (float) esp_image_view_get_extent (self, HORIZONTAL, &view),
                      (float) esp_image_view_get_extent (self, VERTICAL, &view));
}

gboolean
esp_image_view_can_pan (EspImageView *self)
{
  double view;

  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (self), FALSE);

  return esp_image_view_get_extent (self, HORIZONTAL, &view) > view + 0.5
         || esp_image_view_get_extent (self, VERTICAL, &view) > view + 0.5;
}

static void
update_adjustment (EspImageView *self, int axis, double value)
{
  double view, extent = esp_image_view_get_extent (self, axis, &view);

  if (self->adjustments[axis] == NULL)
    return;
  extent = extent > view + 0.5 ? extent : view;
  self->configuring = TRUE;
  gtk_adjustment_configure (self->adjustments[axis], CLAMP (value, 0, extent - view), 0, extent,
                            view * 0.1, view * 0.9, view);
  self->configuring = FALSE;
}

static gboolean
tell_zoom (gpointer data)
{
  EspImageView *self = data;

  self->notify_id = 0;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ZOOM]);
  return G_SOURCE_REMOVE;
}

/* Those who watch the zoom change widgets, which must not be done while sizes are handed out. */
static void
zoom_changed (EspImageView *self)
{
  const double zoom = esp_image_view_get_zoom (self);

  if (zoom == self->shown_zoom)
    return;
  self->shown_zoom = zoom;
  if (self->notify_id == 0)
    self->notify_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, tell_zoom, self, NULL);
}

static void
viewport_changed (EspImageView *self)
{
  zoom_changed (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[VIEWPORT_CHANGED], 0);
}

static void
take_zoom (EspImageView *self, double zoom, gboolean fit)
{
  self->zoom = CLAMP (zoom, ESP_IMAGE_VIEW_MIN_ZOOM, ESP_IMAGE_VIEW_MAX_ZOOM);
  if (self->fit == (fit ? 1 : 0))
    return;
  self->fit = fit ? 1 : 0;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FIT]);
}

/* Carries out `change` of zoom or size with the point of the image at (x, y) staying there. */
static void
set_zoom_and_fit (EspImageView *self, double zoom, gboolean fit, double x, double y)
{
  const double at[2] = { x, y };
  double relative[2];
  double view;

  for (int axis = 0; axis < 2; axis++)
    {
      const double extent = esp_image_view_get_extent (self, axis, &view);

      relative[axis] = extent > 0 ? (at[axis] - get_origin (self, axis)) / extent : 0.5;
      relative[axis] = CLAMP (relative[axis], 0, 1);
    }

  take_zoom (self, zoom, fit);
  for (int axis = 0; axis < 2; axis++)
    update_adjustment (self, axis,
                       relative[axis] * esp_image_view_get_extent (self, axis, &view) - at[axis]);
  viewport_changed (self);
}

static void
set_zoom_in_middle (EspImageView *self, double zoom, gboolean fit)
{
  set_zoom_and_fit (self, zoom, fit, gtk_widget_get_width (GTK_WIDGET (self)) / 2.0,
                    gtk_widget_get_height (GTK_WIDGET (self)) / 2.0);
}

void
esp_image_view_set_zoom_at (EspImageView *self, double zoom, double x, double y)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  set_zoom_and_fit (self, zoom, FALSE, x, y);
}

void
esp_image_view_set_zoom (EspImageView *self, double zoom)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  set_zoom_in_middle (self, zoom, FALSE);
}

gboolean
esp_image_view_get_fit (EspImageView *self)
{
  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (self), FALSE);

  return self->fit;
}

void
esp_image_view_set_fit (EspImageView *self, gboolean fit)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  if (self->fit != (fit ? 1 : 0))
    set_zoom_in_middle (self, esp_image_view_get_zoom (self), fit);
}

void
esp_image_view_zoom_in (EspImageView *self)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  esp_image_view_set_zoom (self, esp_image_view_next_step (esp_image_view_get_zoom (self), TRUE));
}

void
esp_image_view_zoom_out (EspImageView *self)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  esp_image_view_set_zoom (self, esp_image_view_next_step (esp_image_view_get_zoom (self), FALSE));
}

void
esp_image_view_get_middle (EspImageView *self, double *x, double *y)
{
  double *const middle[2] = { x, y };
  double view;

  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  for (int axis = 0; axis < 2; axis++)
    {
      const double extent = esp_image_view_get_extent (self, axis, &view);

      *middle[axis] = extent > view + 0.5 ? (view / 2 - get_origin (self, axis)) / extent : 0.5;
    }
}

void
esp_image_view_set_viewport (EspImageView *self, gboolean fit, double zoom, double x, double y)
{
  const double middle[2] = { x, y };
  double view;

  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  take_zoom (self, zoom, fit);
  for (int axis = 0; axis < 2; axis++)
    {
      const double extent = esp_image_view_get_extent (self, axis, &view);

      update_adjustment (self, axis, middle[axis] * extent - view / 2);
    }
  viewport_changed (self);
}

static void
esp_image_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspImageView *self = ESP_IMAGE_VIEW (widget);
  const int size = orientation == GTK_ORIENTATION_HORIZONTAL ? self->width : self->height;

  *minimum = 0;
  *natural = size / gtk_widget_get_scale_factor (widget);
}

static void
esp_image_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspImageView *self = ESP_IMAGE_VIEW (widget);

  for (int axis = 0; axis < 2; axis++)
    if (self->adjustments[axis] != NULL)
      {
        /* The middle stays in the middle when the view grows. */
        const double page = gtk_adjustment_get_page_size (self->adjustments[axis]);
        const double middle = gtk_adjustment_get_value (self->adjustments[axis]) + page / 2;
        const double view = axis == HORIZONTAL ? width : height;

        update_adjustment (self, axis, middle - view / 2);
      }
  zoom_changed (self);
}

/* --- The image -------------------------------------------------------------------------------- */

static void
image_changed (EspImageView *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
drop_image (EspImageView *self, EspImagePyramid **image)
{
  if (*image != NULL)
    g_signal_handlers_disconnect_by_func (*image, image_changed, self);
  g_clear_object (image);
}

static void
fade_done (EspImageView *self)
{
  drop_image (self, &self->old_image);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
fade_step (double value, gpointer data)
{
  gtk_widget_queue_draw (GTK_WIDGET (data));
}

/* The image of another size: the same part of it is to be seen. */
static void
set_size (EspImageView *self, int width, int height)
{
  double view, middle[2];

  for (int axis = 0; axis < 2; axis++)
    {
      const double extent = esp_image_view_get_extent (self, axis, &view);

      middle[axis] = extent > 0 ? (view / 2 - get_origin (self, axis)) / extent : 0.5;
    }
  self->width = width;
  self->height = height;
  for (int axis = 0; axis < 2; axis++)
    {
      const double extent = esp_image_view_get_extent (self, axis, &view);

      update_adjustment (self, axis, middle[axis] * extent - view / 2);
    }
  zoom_changed (self);
}

/* Has `image` take the place of what is shown, which is as large. */
static void
replace_image (EspImageView *self, EspImagePyramid *image, gboolean smooth)
{
  adw_animation_reset (self->fade);
  drop_image (self, &self->old_image);
  self->old_image = g_steal_pointer (&self->image);
  self->old_smooth = self->smooth;
  self->image = image;
  self->smooth = smooth ? 1 : 0;
}

/* Does nothing before the next image has the version that is drawn at this zoom. */
static void
take_next (EspImageView *self)
{
  EspImagePyramid *next = self->next_image;

  if (next == NULL || !esp_image_pyramid_prepare (next, esp_image_view_get_zoom (self)))
    return;
  g_signal_handlers_disconnect_by_func (next, take_next, self);
  g_signal_connect_object (next, "changed", G_CALLBACK (image_changed), self, G_CONNECT_SWAPPED);
  self->next_image = NULL;
  replace_image (self, next, self->next_smooth);
  drop_image (self, &self->old_image);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[IMAGE_SHOWN], 0);
}

static void
drop_next (EspImageView *self)
{
  if (self->next_image != NULL)
    g_signal_handlers_disconnect_by_func (self->next_image, take_next, self);
  g_clear_object (&self->next_image);
}

/* TRUE: the texture is in the place of the image, or will be in a moment. */
static gboolean
set_next (EspImageView *self, GdkTexture *texture, gboolean smooth)
{
  if (self->next_image != NULL && esp_image_pyramid_get_texture (self->next_image) == texture)
    return TRUE;
  drop_next (self);
  if (!self->seamless || self->image == NULL || texture == NULL
      || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return FALSE;
  self->next_image = esp_image_pyramid_new (texture);
  self->next_smooth = smooth ? 1 : 0;
  g_signal_connect_object (self->next_image, "changed", G_CALLBACK (take_next), self,
                           G_CONNECT_SWAPPED);
  take_next (self);
  return TRUE;
}

void
esp_image_view_set_image (EspImageView *self, GdkTexture *texture, int width, int height,
                          gboolean smooth)
{
  EspImagePyramid *image = NULL;
  gboolean same_size;

  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));
  g_return_if_fail (texture == NULL || GDK_IS_TEXTURE (texture));

  if (texture == NULL)
    width = height = 0;
  same_size = width == self->width && height == self->height;
  if (same_size && texture == esp_image_view_get_texture (self) && smooth == self->smooth)
    {
      drop_next (self);
      return;
    }
  if (same_size && set_next (self, texture, smooth))
    return;

  drop_next (self);
  if (texture != NULL)
    {
      image = esp_image_pyramid_new (texture);
      g_signal_connect_object (image, "changed", G_CALLBACK (image_changed), self,
                               G_CONNECT_SWAPPED);
    }
  replace_image (self, image, smooth);
  if (!same_size)
    {
      set_size (self, width, height);
      gtk_widget_queue_resize (GTK_WIDGET (self));
    }

  if (same_size && self->old_image != NULL && texture != NULL
      && gtk_widget_get_mapped (GTK_WIDGET (self)))
    adw_animation_play (self->fade); /* ends at once where animations are off */
  else
    drop_image (self, &self->old_image);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[IMAGE_SHOWN], 0);
}

void
esp_image_view_set_seamless (EspImageView *self, gboolean seamless)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  self->seamless = seamless ? 1 : 0;
}

GdkTexture *
esp_image_view_get_texture (EspImageView *self)
{
  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (self), NULL);

  return self->image != NULL ? esp_image_pyramid_get_texture (self->image) : NULL;
}

void
esp_image_view_set_painter (EspImageView *self, EspImagePaintFunc paint, gpointer user_data,
                            int width, int height)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));
  g_return_if_fail (width >= 0 && height >= 0);

  if (self->image != NULL)
    esp_image_view_set_image (self, NULL, 0, 0, FALSE);
  self->paint = paint;
  self->paint_data = user_data;
  if (width != self->width || height != self->height)
    {
      set_size (self, width, height);
      gtk_widget_queue_resize (GTK_WIDGET (self));
    }
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
esp_image_view_set_dimmed (EspImageView *self, gboolean dimmed)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  if (self->dimmed == (dimmed ? 1 : 0))
    return;
  self->dimmed = dimmed ? 1 : 0;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
esp_image_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspImageView *self = ESP_IMAGE_VIEW (widget);
  const double density = gtk_widget_get_scale_factor (widget);
  graphene_rect_t place, visible;

  if (self->image == NULL && (self->paint == NULL || self->width == 0 || self->height == 0))
    return;
  esp_image_view_get_place (self, &place);
  graphene_rect_init (&visible, 0, 0, (float) gtk_widget_get_width (widget),
                      (float) gtk_widget_get_height (widget));

  gtk_snapshot_push_clip (snapshot, &visible);
  if (self->dimmed)
    gtk_snapshot_push_opacity (snapshot, DIM);
  if (self->old_image != NULL)
    {
      esp_image_pyramid_snapshot (self->old_image, snapshot, &place, &visible, density,
                                  self->old_smooth);
      gtk_snapshot_push_opacity (snapshot, adw_animation_get_value (self->fade));
    }
  if (self->paint != NULL)
    self->paint (snapshot, &place, &visible, density, self->paint_data);
  else
    esp_image_pyramid_snapshot (self->image, snapshot, &place, &visible, density, self->smooth);
  if (self->old_image != NULL)
    gtk_snapshot_pop (snapshot);
  if (self->dimmed)
    gtk_snapshot_pop (snapshot);
  esp_image_view_snapshot_layers (self, snapshot, &place, &visible);
  gtk_snapshot_pop (snapshot);
}

/* --- The scrollable --------------------------------------------------------------------------- */

static void
adjustment_changed (EspImageView *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self));
  if (!self->configuring)
    g_signal_emit (self, signals[VIEWPORT_CHANGED], 0);
}

static void
set_adjustment (EspImageView *self, int axis, GtkAdjustment *adjustment)
{
  if (adjustment != NULL && self->adjustments[axis] == adjustment)
    return;
  if (self->adjustments[axis] != NULL)
    g_signal_handlers_disconnect_by_func (self->adjustments[axis], adjustment_changed, self);
  g_clear_object (&self->adjustments[axis]);
  self->adjustments[axis]
      = g_object_ref_sink (adjustment != NULL ? adjustment : gtk_adjustment_new (0, 0, 0, 0, 0, 0));
  g_signal_connect_swapped (self->adjustments[axis], "value-changed",
                            G_CALLBACK (adjustment_changed), self);
  update_adjustment (self, axis, gtk_adjustment_get_value (self->adjustments[axis]));
}

static void
esp_image_view_scrollable_init (GtkScrollableInterface *iface)
{
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_image_view_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspImageView *self = ESP_IMAGE_VIEW (object);

  switch (prop_id)
    {
    case PROP_ZOOM:
      g_value_set_double (value, esp_image_view_get_zoom (self));
      break;
    case PROP_FIT:
      g_value_set_boolean (value, self->fit);
      break;
    case PROP_HADJUSTMENT:
      g_value_set_object (value, self->adjustments[HORIZONTAL]);
      break;
    case PROP_VADJUSTMENT:
      g_value_set_object (value, self->adjustments[VERTICAL]);
      break;
    case PROP_HSCROLL_POLICY:
    case PROP_VSCROLL_POLICY:
      g_value_set_enum (value, GTK_SCROLL_MINIMUM);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_image_view_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspImageView *self = ESP_IMAGE_VIEW (object);

  switch (prop_id)
    {
    case PROP_ZOOM:
      esp_image_view_set_zoom (self, g_value_get_double (value));
      break;
    case PROP_FIT:
      esp_image_view_set_fit (self, g_value_get_boolean (value));
      break;
    case PROP_HADJUSTMENT:
      set_adjustment (self, HORIZONTAL, g_value_get_object (value));
      break;
    case PROP_VADJUSTMENT:
      set_adjustment (self, VERTICAL, g_value_get_object (value));
      break;
    case PROP_HSCROLL_POLICY:
    case PROP_VSCROLL_POLICY:
      break; /* the image takes what room there is */
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_image_view_dispose (GObject *object)
{
  EspImageView *self = ESP_IMAGE_VIEW (object);

  g_clear_handle_id (&self->notify_id, g_source_remove);
  if (self->fade != NULL)
    adw_animation_skip (self->fade);
  g_clear_object (&self->fade);
  drop_next (self);
  drop_image (self, &self->image);
  drop_image (self, &self->old_image);
  g_clear_pointer (&self->layers, g_array_unref);
  for (int axis = 0; axis < 2; axis++)
    if (self->adjustments[axis] != NULL)
      {
        g_signal_handlers_disconnect_by_func (self->adjustments[axis], adjustment_changed, self);
        g_clear_object (&self->adjustments[axis]);
      }

  G_OBJECT_CLASS (esp_image_view_parent_class)->dispose (object);
}

static void
esp_image_view_class_init (EspImageViewClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_image_view_dispose;
  object_class->get_property = esp_image_view_get_property;
  object_class->set_property = esp_image_view_set_property;
  widget_class->measure = esp_image_view_measure;
  widget_class->size_allocate = esp_image_view_size_allocate;
  widget_class->snapshot = esp_image_view_snapshot;

  properties[PROP_ZOOM]
      = g_param_spec_double ("zoom", NULL, NULL, 0, ESP_IMAGE_VIEW_MAX_ZOOM, 1,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_FIT]
      = g_param_spec_boolean ("fit", NULL, NULL, TRUE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");

  signals[VIEWPORT_CHANGED] = g_signal_new ("viewport-changed", G_TYPE_FROM_CLASS (class),
                                            G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  signals[IMAGE_SHOWN] = g_signal_new ("image-shown", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST,
                                       0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  esp_image_view_add_bindings (widget_class);

  gtk_widget_class_set_css_name (widget_class, "image-view");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
esp_image_view_init (EspImageView *self)
{
  AdwAnimationTarget *target;

  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/image", "image.css");
  self->zoom = self->shown_zoom = 1;
  self->fit = TRUE;
  set_adjustment (self, HORIZONTAL, NULL);
  set_adjustment (self, VERTICAL, NULL);
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);

  target = adw_callback_animation_target_new (fade_step, self, NULL);
  self->fade = adw_timed_animation_new (GTK_WIDGET (self), 0, 1, FADE_DURATION, target);
  g_signal_connect_swapped (self->fade, "done", G_CALLBACK (fade_done), self);

  esp_image_view_add_controllers (self);
  g_signal_connect_swapped (self, "notify::scale-factor", G_CALLBACK (gtk_widget_queue_resize),
                            self);
}

GtkWidget *
esp_image_view_new (void)
{
  return g_object_new (ESP_TYPE_IMAGE_VIEW, NULL);
}
