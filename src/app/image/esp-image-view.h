/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-view.h: an image to look at closely: zoomed, moved about, never blurred without need.
 *
 * A zoom of 1 shows a pixel of the image as one of the screen. Scrollable; put it into a
 * GtkScrolledWindow. The image is given with the size that it stands for, so that a small preview
 * takes the place of the large image that it will be.
 *
 * Properties: "zoom" (double), "fit" (boolean: as large as the view, but not above 1).
 * Signals: "viewport-changed" (): it was zoomed or moved, by whomever (not: given another size);
 * "image-shown" (): what esp_image_view_set_image () was given is drawn from now on.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_IMAGE_VIEW (esp_image_view_get_type ())

G_DECLARE_FINAL_TYPE (EspImageView, esp_image_view, ESP, IMAGE_VIEW, GtkWidget)

#define ESP_IMAGE_VIEW_MIN_ZOOM 0.02
#define ESP_IMAGE_VIEW_MAX_ZOOM 32.0

GtkWidget *esp_image_view_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Shows a texture (NULL: nothing) as an image of width × height pixels; `smooth` is for previews,
 * of which one does not want to see squares. Of the same size it is faded in over the one before.
 */
void esp_image_view_set_image (EspImageView *self, GdkTexture *texture, int width, int height,
                               gboolean smooth);
GdkTexture *esp_image_view_get_texture (EspImageView *self);

/* Draws what is shown to `place` (the widget's units), of which only what is in `visible` matters;
 * `density` is the number of the screen's pixels a unit of these. */
typedef void (*EspImagePaintFunc) (GtkSnapshot *snapshot, const graphene_rect_t *place,
                                   const graphene_rect_t *visible, double density,
                                   gpointer user_data);

/* From now on `paint` draws an image of width × height pixels (0: there is none), instead of a
 * texture; NULL ends that. `user_data` must live until then, or as long as the widget. */
void esp_image_view_set_painter (EspImageView *self, EspImagePaintFunc paint, gpointer user_data,
                                 int width, int height);

/* Draws something over the image from now on, after the layers that were added before; to be
 * removed with the same two. Never dimmed or faded. `user_data` must live until then, or as long as
 * the widget. */
void esp_image_view_add_layer (EspImageView *self, EspImagePaintFunc paint, gpointer user_data);
void esp_image_view_remove_layer (EspImageView *self, EspImagePaintFunc paint, gpointer user_data);

/* A point of the widget as one of the image (px, not limited to it), and back. FALSE: no image. */
gboolean esp_image_view_to_image (EspImageView *self, double x, double y, double *image_x,
                                  double *image_y);
gboolean esp_image_view_from_image (EspImageView *self, double image_x, double image_y, double *x,
                                    double *y);
/* What the image stands for, px; 0 where there is none. */
void esp_image_view_get_size (EspImageView *self, int *width, int *height);

/* What takes the place of an image of the same size is there at once, not faded in, and not before
 * it can be drawn sharply: for pictures that were seen before they are made. */
void esp_image_view_set_seamless (EspImageView *self, gboolean seamless);

/* Draws the image as in the distance: for what is only the background of a message. */
void esp_image_view_set_dimmed (EspImageView *self, gboolean dimmed);

double esp_image_view_get_zoom (EspImageView *self); /* as seen, also where it fits */
gboolean esp_image_view_get_fit (EspImageView *self);
void esp_image_view_set_fit (EspImageView *self, gboolean fit);

/* With the middle of the view, or the point of the image at (x, y) of the view, where it is. */
void esp_image_view_set_zoom (EspImageView *self, double zoom);
void esp_image_view_set_zoom_at (EspImageView *self, double zoom, double x, double y);
void esp_image_view_zoom_in (EspImageView *self);
void esp_image_view_zoom_out (EspImageView *self);

/* What is seen: the point of the image in the middle of the view (shares of its size, 0…1). */
void esp_image_view_get_middle (EspImageView *self, double *x, double *y);
/* Shows that point in the middle, as far as the image goes; `zoom` is for where it does not fit. */
void esp_image_view_set_viewport (EspImageView *self, gboolean fit, double zoom, double x,
                                  double y);

/* Is the image larger than the view, so that it can be moved? */
gboolean esp_image_view_can_pan (EspImageView *self);

/* Where the image is drawn, in the widget's coordinates. */
void esp_image_view_get_place (EspImageView *self, graphene_rect_t *place);

/* The next zoom of the usual steps. */
double esp_image_view_next_step (double zoom, gboolean in);

G_END_DECLS
