/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-view-layers.c: what others draw over the image, and where its points are. */
#define G_LOG_DOMAIN "espalier-image"

#include "esp-image-view-private.h"

typedef struct
{
  EspImagePaintFunc paint;
  gpointer data;
} Layer;

void
esp_image_view_add_layer (EspImageView *self, EspImagePaintFunc paint, gpointer user_data)
{
  const Layer layer = { paint, user_data };

  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));
  g_return_if_fail (paint != NULL);

  if (self->layers == NULL)
    self->layers = g_array_new (FALSE, FALSE, sizeof (Layer));
  g_array_append_val (self->layers, layer);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
esp_image_view_remove_layer (EspImageView *self, EspImagePaintFunc paint, gpointer user_data)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  for (guint i = 0; self->layers != NULL && i < self->layers->len; i++)
    {
      const Layer *layer = &g_array_index (self->layers, Layer, i);

      if (layer->paint != paint || layer->data != user_data)
        continue;
      g_array_remove_index (self->layers, i);
      gtk_widget_queue_draw (GTK_WIDGET (self));
      return;
    }
}

void
esp_image_view_snapshot_layers (EspImageView *self, GtkSnapshot *snapshot,
                                const graphene_rect_t *place, const graphene_rect_t *visible)
{
  const double density = gtk_widget_get_scale_factor (GTK_WIDGET (self));

  for (guint i = 0; self->layers != NULL && i < self->layers->len; i++)
    {
      const Layer *layer = &g_array_index (self->layers, Layer, i);

      layer->paint (snapshot, place, visible, density, layer->data);
    }
}

/* --- Points ----------------------------------------------------------------------------------- */

gboolean
esp_image_view_to_image (EspImageView *self, double x, double y, double *image_x, double *image_y)
{
  graphene_rect_t place;

  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (self), FALSE);

  if (self->width == 0 || self->height == 0)
    return FALSE;
  esp_image_view_get_place (self, &place);
  *image_x = (x - (double) place.origin.x) / (double) place.size.width * self->width;
  *image_y = (y - (double) place.origin.y) / (double) place.size.height * self->height;
  return TRUE;
}

gboolean
esp_image_view_from_image (EspImageView *self, double image_x, double image_y, double *x, double *y)
{
  graphene_rect_t place;

  g_return_val_if_fail (ESP_IS_IMAGE_VIEW (self), FALSE);

  if (self->width == 0 || self->height == 0)
    return FALSE;
  esp_image_view_get_place (self, &place);
  *x = (double) place.origin.x + image_x / self->width * (double) place.size.width;
  *y = (double) place.origin.y + image_y / self->height * (double) place.size.height;
  return TRUE;
}

void
esp_image_view_get_size (EspImageView *self, int *width, int *height)
{
  g_return_if_fail (ESP_IS_IMAGE_VIEW (self));

  *width = self->width;
  *height = self->height;
}
