/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-view-private.h: the image view for the files that make it up. */
#pragma once

#include <adwaita.h>

#include "esp-image-pyramid.h"
#include "esp-image-view.h"

G_BEGIN_DECLS

enum
{
  HORIZONTAL,
  VERTICAL
};

struct _EspImageView
{
  GtkWidget parent_instance;

  GtkAdjustment *adjustments[2]; /* horizontal, vertical */
  EspImagePyramid *image;
  EspImagePyramid *old_image;  /* faded out */
  EspImagePyramid *next_image; /* takes the place of the image when it can be drawn sharply */
  AdwAnimation *fade;
  GArray *layers;    /* or NULL; see esp-image-view-layers.c */
  int width, height; /* of what the image stands for */
  EspImagePaintFunc paint;
  gpointer paint_data;
  double zoom;       /* where it does not fit */
  double shown_zoom; /* as last told to those who watch the property */
  double pinch_zoom; /* at the beginning of the gesture */
  double drag_start[2];
  guint notify_id;
  guint fit : 1;
  guint smooth : 1;
  guint old_smooth : 1;
  guint next_smooth : 1;
  guint dimmed : 1;
  guint seamless : 1;
  guint configuring : 1; /* the adjustments change because the zoom or the size do */
};

/* The image's size in the widget's units, and the view's. */
double esp_image_view_get_extent (EspImageView *self, int axis, double *view);

/* The zoom at which it fits. */
double esp_image_view_get_fit_zoom (EspImageView *self);

/* esp-image-view-layers.c */

void esp_image_view_snapshot_layers (EspImageView *self, GtkSnapshot *snapshot,
                                     const graphene_rect_t *place, const graphene_rect_t *visible);

/* esp-image-view-input.c */

void esp_image_view_add_bindings (GtkWidgetClass *class);
void esp_image_view_add_controllers (EspImageView *self);

G_END_DECLS
