/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-map.c: see esp-difference-map.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-difference-map.h"

#include <glib/gi18n-lib.h>

#include "esp-image-pyramid.h"
#include "esp-picture-work.h"
#include "esp-texture-cache.h"

#define SLOW     500  /* ms until a spinner is shown */
#define MAX_SIDE 4096 /* px: larger pictures are compared at this size */

struct _EspDifferenceMap
{
  GObject parent_instance;

  char *hashes[2]; /* of the images that are asked for */
  EspDifference *difference;
  EspImagePyramid *map;
  double gain, map_gain;
  GCancellable *computing; /* the difference */
  GCancellable *rendering; /* its map */
  char *message;
  guint slow_id;
  guint slow : 1;
};

G_DEFINE_FINAL_TYPE (EspDifferenceMap, esp_difference_map, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
emit_changed (EspDifferenceMap *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
stop (GCancellable **work)
{
  if (*work != NULL)
    g_cancellable_cancel (*work);
  g_clear_object (work);
}

/* --- Telling that it takes long --------------------------------------------------------------- */

static gboolean
is_slow_now (gpointer data)
{
  EspDifferenceMap *self = data;

  self->slow_id = 0;
  self->slow = TRUE;
  emit_changed (self);
  return G_SOURCE_REMOVE;
}

static void
begin_work (EspDifferenceMap *self)
{
  if (self->slow_id == 0 && !self->slow)
    self->slow_id = g_timeout_add (SLOW, is_slow_now, self);
}

static void
end_work (EspDifferenceMap *self)
{
  if (self->computing != NULL || self->rendering != NULL)
    return;
  g_clear_handle_id (&self->slow_id, g_source_remove);
  self->slow = FALSE;
}

static void
fail (EspDifferenceMap *self, const GError *error)
{
  g_free (self->message);
  self->message = g_strdup_printf (_ ("The difference cannot be computed: %s"), error->message);
  end_work (self);
  emit_changed (self);
}

/* --- The map ---------------------------------------------------------------------------------- */

typedef struct
{
  EspDifference *difference;
  double gain;
} Rendering;

static void
rendering_free (gpointer data)
{
  Rendering *rendering = data;

  esp_difference_unref (rendering->difference);
  g_free (rendering);
}

static void
render_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Rendering *rendering = data;
  GError *error = NULL;
  g_autoptr (EspPicture) map
      = esp_difference_render (rendering->difference, rendering->gain, cancellable, &error);

  if (map == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, esp_texture_new_for_picture (map), g_object_unref);
}

static void render (EspDifferenceMap *self);

static void
rendered (GObject *source, GAsyncResult *result, gpointer data)
{
  EspDifferenceMap *self = ESP_DIFFERENCE_MAP (source);
  const Rendering *rendering = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->rendering);
  if (texture == NULL)
    {
      fail (self, error);
      return;
    }
  if (self->map != NULL)
    g_signal_handlers_disconnect_by_func (self->map, emit_changed, self);
  g_clear_object (&self->map);
  self->map = esp_image_pyramid_new (texture);
  self->map_gain = rendering->gain;
  g_signal_connect_object (self->map, "changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  end_work (self);
  emit_changed (self);
  /* The gain went on meanwhile. */
  if (self->difference != NULL && self->map_gain != self->gain)
    render (self);
}

/* One at a time: while the gain is dragged every map that is done is shown. */
static void
render (EspDifferenceMap *self)
{
  g_autoptr (GTask) task = NULL;
  Rendering *rendering;

  if (self->rendering != NULL)
    return;
  self->rendering = g_cancellable_new ();
  begin_work (self);
  rendering = g_new (Rendering, 1);
  rendering->difference = esp_difference_ref (self->difference);
  rendering->gain = self->gain;
  task = g_task_new (self, self->rendering, rendered, NULL);
  g_task_set_source_tag (task, render);
  g_task_set_task_data (task, rendering, rendering_free);
  esp_picture_work_run (task, render_in_thread);
}

/* --- The difference --------------------------------------------------------------------------- */

static void
computed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspDifferenceMap) self = data;
  g_autoptr (GError) error = NULL;
  EspDifference *difference = esp_difference_nodes_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->computing == NULL)
    {
      g_clear_pointer (&difference, esp_difference_unref);
      return;
    }
  g_clear_object (&self->computing);
  if (difference == NULL)
    {
      fail (self, error);
      return;
    }
  g_clear_pointer (&self->difference, esp_difference_unref);
  self->difference = difference;
  stop (&self->rendering); /* it is of the one before */
  render (self);
}

static void
drop (EspDifferenceMap *self)
{
  stop (&self->computing);
  stop (&self->rendering);
  g_clear_handle_id (&self->slow_id, g_source_remove);
  self->slow = FALSE;
  g_clear_pointer (&self->message, g_free);
  for (int i = 0; i < 2; i++)
    g_clear_pointer (&self->hashes[i], g_free);
}

void
esp_difference_map_set_nodes (EspDifferenceMap *self, EspDocument *document, EspNode *a, EspNode *b)
{
  EspNode *const nodes[2] = { a, b };

  g_return_if_fail (ESP_IS_DIFFERENCE_MAP (self));

  if (document == NULL || !esp_node_has_image (a) || !esp_node_has_image (b))
    {
      drop (self);
      g_clear_pointer (&self->difference, esp_difference_unref);
      g_clear_object (&self->map);
      return;
    }
  if (g_strcmp0 (self->hashes[0], esp_node_get_sha256 (a)) == 0
      && g_strcmp0 (self->hashes[1], esp_node_get_sha256 (b)) == 0)
    return;
  drop (self);
  for (int i = 0; i < 2; i++)
    self->hashes[i] = g_strdup (esp_node_get_sha256 (nodes[i]));
  self->computing = g_cancellable_new ();
  begin_work (self);
  esp_difference_nodes_async (document, a, b, MAX_SIDE, self->computing, computed,
                              g_object_ref (self));
}

double
esp_difference_map_get_gain (EspDifferenceMap *self)
{
  g_return_val_if_fail (ESP_IS_DIFFERENCE_MAP (self), 1);

  return self->gain;
}

void
esp_difference_map_set_gain (EspDifferenceMap *self, double gain)
{
  g_return_if_fail (ESP_IS_DIFFERENCE_MAP (self));

  self->gain = CLAMP (gain, ESP_DIFFERENCE_MAP_MIN_GAIN, ESP_DIFFERENCE_MAP_MAX_GAIN);
  if (self->difference != NULL && self->computing == NULL && self->gain != self->map_gain)
    render (self);
}

EspDifference *
esp_difference_map_get_difference (EspDifferenceMap *self)
{
  g_return_val_if_fail (ESP_IS_DIFFERENCE_MAP (self), NULL);

  return self->difference;
}

gboolean
esp_difference_map_is_slow (EspDifferenceMap *self)
{
  g_return_val_if_fail (ESP_IS_DIFFERENCE_MAP (self), FALSE);

  return self->slow;
}

gboolean
esp_difference_map_is_current (EspDifferenceMap *self)
{
  g_return_val_if_fail (ESP_IS_DIFFERENCE_MAP (self), FALSE);

  return self->map != NULL && self->computing == NULL && self->rendering == NULL
         && self->map_gain == self->gain;
}

const char *
esp_difference_map_get_message (EspDifferenceMap *self)
{
  g_return_val_if_fail (ESP_IS_DIFFERENCE_MAP (self), NULL);

  return self->message;
}

void
esp_difference_map_snapshot (EspDifferenceMap *self, GtkSnapshot *snapshot,
                             const graphene_rect_t *place, const graphene_rect_t *visible,
                             double density)
{
  g_return_if_fail (ESP_IS_DIFFERENCE_MAP (self));

  if (self->map != NULL)
    esp_image_pyramid_snapshot (self->map, snapshot, place, visible, density, FALSE);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_difference_map_dispose (GObject *object)
{
  EspDifferenceMap *self = ESP_DIFFERENCE_MAP (object);

  drop (self);
  g_clear_pointer (&self->difference, esp_difference_unref);
  g_clear_object (&self->map);

  G_OBJECT_CLASS (esp_difference_map_parent_class)->dispose (object);
}

static void
esp_difference_map_class_init (EspDifferenceMapClass *class)
{
  G_OBJECT_CLASS (class)->dispose = esp_difference_map_dispose;
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_difference_map_init (EspDifferenceMap *self)
{
  self->gain = ESP_DIFFERENCE_MAP_MIN_GAIN;
}

EspDifferenceMap *
esp_difference_map_new (void)
{
  return g_object_new (ESP_TYPE_DIFFERENCE_MAP, NULL);
}
