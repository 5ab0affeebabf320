/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-picture.c: see esp-compare-picture.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-picture.h"

#include "esp-image-pyramid.h"

#define UNKNOWN_SIDE 1024 /* px, where nothing tells how large the picture will be */

struct _EspComparePicture
{
  GObject parent_instance;

  EspDocument *document;
  EspNode *node;
  EspImagePyramid *pyramid; /* or NULL: nothing to be seen yet */
  EspPicture *preview;      /* that the pyramid shows, or NULL */
  GCancellable *loading;    /* the image is on its way */
  guint loaded : 1;         /* the pyramid shows the image itself */
};

G_DEFINE_FINAL_TYPE (EspComparePicture, esp_compare_picture, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

EspNode *
esp_compare_picture_get_node (EspComparePicture *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PICTURE (self), NULL);

  return self->node;
}

EspFrameSize
esp_compare_picture_get_size (EspComparePicture *self)
{
  EspNode *node;

  g_return_val_if_fail (ESP_IS_COMPARE_PICTURE (self), ((EspFrameSize){ 1, 1 }));

  for (node = self->node; node != NULL; node = esp_node_get_parent (node))
    if (esp_node_has_image (node) && esp_node_get_width (node) > 0
        && esp_node_get_height (node) > 0)
      return (EspFrameSize){ esp_node_get_width (node), esp_node_get_height (node) };
  return (EspFrameSize){ UNKNOWN_SIDE, UNKNOWN_SIDE };
}

gboolean
esp_compare_picture_is_loaded (EspComparePicture *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PICTURE (self), FALSE);

  return self->loaded;
}

static void
emit_changed (EspComparePicture *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
show_texture (EspComparePicture *self, GdkTexture *texture)
{
  if (self->pyramid != NULL)
    g_signal_handlers_disconnect_by_func (self->pyramid, emit_changed, self);
  g_clear_object (&self->pyramid);
  g_clear_pointer (&self->preview, esp_picture_unref);
  self->pyramid = esp_image_pyramid_new (texture);
  g_signal_connect_object (self->pyramid, "changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  emit_changed (self);
}

/* --- Loading ---------------------------------------------------------------------------------- */

static void
stop_loading (EspComparePicture *self)
{
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
}

static void
show_image (EspComparePicture *self, GdkTexture *texture)
{
  self->loaded = TRUE;
  show_texture (self, texture);
}

static void
image_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspComparePicture) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = esp_texture_load_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->loading == NULL)
    return;
  g_clear_object (&self->loading);
  if (texture != NULL)
    show_image (self, texture);
  /* Not where the window closes, and its document with it. */
  else if (!g_error_matches (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN))
    g_warning ("The image of a turn cannot be shown: %s", error->message);
}

static void
stand_in (EspComparePicture *self)
{
  GdkTexture *thumbnail = esp_texture_cache_lookup (
      esp_texture_cache_get_default (), self->document, self->node, ESP_THUMBNAIL_LARGE, -1);

  if (thumbnail != NULL && !self->loaded)
    show_texture (self, thumbnail);
}

static void
thumbnail_loaded (EspComparePicture *self, EspDocument *document, EspNode *node, int size)
{
  if (node == self->node && size == ESP_THUMBNAIL_LARGE && self->loading != NULL)
    stand_in (self);
}

static void
load (EspComparePicture *self)
{
  GdkTexture *texture = esp_texture_peek (self->node);

  stop_loading (self);
  self->loaded = FALSE;
  if (texture != NULL)
    {
      show_image (self, texture);
      return;
    }
  self->loading = g_cancellable_new ();
  if (self->pyramid == NULL)
    stand_in (self);
  esp_texture_load_async (self->document, self->node, self->loading, image_loaded,
                          g_object_ref (self));
}

static void
show_preview (EspComparePicture *self)
{
  EspPicture *preview = esp_node_get_preview (self->node);
  g_autoptr (GdkTexture) texture = NULL;

  if (preview == NULL || preview == self->preview || self->loaded || self->loading != NULL)
    return;
  texture = esp_texture_new_for_picture (preview);
  show_texture (self, texture);
  self->preview = esp_picture_ref (preview);
}

static void
on_node_changed (EspComparePicture *self, guint what)
{
  if ((what & ESP_NODE_CHANGE_IMAGE) && esp_node_has_image (self->node))
    load (self);
  if (what & (ESP_NODE_CHANGE_IMAGE | ESP_NODE_CHANGE_STATE))
    emit_changed (self);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

void
esp_compare_picture_snapshot (EspComparePicture *self, GtkSnapshot *snapshot, EspFrameSize frame,
                              const graphene_rect_t *place, const graphene_rect_t *visible,
                              double density)
{
  static const GdkRGBA nothing = { 0.5f, 0.5f, 0.5f, 0.15f };
  EspFramePlace in_frame;
  graphene_rect_t own;
  float scale_x, scale_y;

  g_return_if_fail (ESP_IS_COMPARE_PICTURE (self));

  in_frame = esp_fitted_frame_place (frame, esp_compare_picture_get_size (self));
  scale_x = place->size.width / (float) frame.width;
  scale_y = place->size.height / (float) frame.height;
  graphene_rect_init (&own, place->origin.x + (float) in_frame.x * scale_x,
                      place->origin.y + (float) in_frame.y * scale_y,
                      (float) in_frame.width * scale_x, (float) in_frame.height * scale_y);
  if (self->pyramid != NULL)
    esp_image_pyramid_snapshot (self->pyramid, snapshot, &own, visible, density, !self->loaded);
  else
    gtk_snapshot_append_color (snapshot, &nothing, &own);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_compare_picture_dispose (GObject *object)
{
  EspComparePicture *self = ESP_COMPARE_PICTURE (object);

  stop_loading (self);
  g_clear_object (&self->pyramid);
  g_clear_pointer (&self->preview, esp_picture_unref);
  g_clear_object (&self->node);
  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_compare_picture_parent_class)->dispose (object);
}

static void
esp_compare_picture_class_init (EspComparePictureClass *class)
{
  G_OBJECT_CLASS (class)->dispose = esp_compare_picture_dispose;
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_compare_picture_init (EspComparePicture *self)
{
}

EspComparePicture *
esp_compare_picture_new (EspDocument *document, EspNode *node)
{
  EspComparePicture *self;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  self = g_object_new (ESP_TYPE_COMPARE_PICTURE, NULL);
  self->document = g_object_ref (document);
  self->node = g_object_ref (node);
  g_signal_connect_object (node, "changed", G_CALLBACK (on_node_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (node, "progress", G_CALLBACK (show_preview), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (esp_texture_cache_get_default (), "loaded",
                           G_CALLBACK (thumbnail_loaded), self, G_CONNECT_SWAPPED);
  if (esp_node_has_image (node))
    load (self);
  else
    show_preview (self);
  return self;
}
