/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-image-pyramid.c: smaller versions, tiles and sharp pixels of one texture. */
#define G_LOG_DOMAIN "espalier-image"

#include "esp-image-pyramid.h"

#include <math.h>

#include "esp-picture-scale.h"

#define MAX_LEVELS 8
#define MAX_SIDE   2048 /* of one texture: larger ones are drawn in tiles, of which few are seen */
#define TILE       512
#define BLEED      1 /* pixels of its neighbours around a tile, for the filter */

/* More pixels than that are not drawn smaller than they are: it would take longer than a frame. */
#define MAX_SHRUNK (2 << 20)

typedef struct
{
  GdkTexture *texture;
  GHashTable *tiles; /* column | row << 16 → GdkTexture; NULL where one texture is enough */
} Level;

struct _EspImagePyramid
{
  GObject parent_instance;

  Level levels[MAX_LEVELS];
  guint n_levels;
  guint wanted;      /* levels, by what was drawn */
  GdkTexture *draft; /* stands in for a level that is still to come */
  guint draft_level;
  GCancellable *cancellable;
  guint loading : 1;
};

G_DEFINE_FINAL_TYPE (EspImagePyramid, esp_image_pyramid, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

int
esp_image_pyramid_level_for_scale (double scale)
{
  /* A little slack: a scale of just under a half by rounding needs no smaller version. */
  if (!(scale > 0) || scale > 0.499)
    return 0;
  return MIN ((int) floor (-log2 (scale) + 0.005), MAX_LEVELS - 1);
}

/* --- Levels ----------------------------------------------------------------------------------- */

static void
add_level (EspImagePyramid *self, GdkTexture *texture)
{
  Level *level = &self->levels[self->n_levels++];

  level->texture = g_object_ref (texture);
  if (esp_texture_get_picture (texture) != NULL
      && (gdk_texture_get_width (texture) > MAX_SIDE
          || gdk_texture_get_height (texture) > MAX_SIDE))
    level->tiles = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
}

static void
halve_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EspPicture *picture = data;
  g_autoptr (EspPicture) half = NULL;
  GError *error = NULL;

  half = esp_picture_scale (picture, MAX (1, picture->width / 2), MAX (1, picture->height / 2),
                            cancellable, &error);
  if (half == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, esp_texture_new_for_picture (half), g_object_unref);
}

static void make_levels (EspImagePyramid *self);

/* `data` is a weak reference: a pyramid that nobody draws any more stops its work. */
static void
halved (GObject *source, GAsyncResult *result, gpointer data)
{
  GWeakRef *weak = data;
  g_autoptr (EspImagePyramid) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = g_task_propagate_pointer (G_TASK (result), &error);

  g_weak_ref_clear (weak);
  g_free (weak);
  if (self == NULL)
    return;
  self->loading = FALSE;
  if (texture == NULL)
    {
      g_debug ("No smaller version: %s", error->message);
      return;
    }
  add_level (self, texture);
  g_signal_emit (self, signals[CHANGED], 0);
  make_levels (self);
}

/* Makes the next smaller version if one is wanted. */
static void
make_levels (EspImagePyramid *self)
{
  g_autoptr (GTask) task = NULL;
  EspPicture *picture;
  GWeakRef *weak;

  if (self->loading || self->n_levels >= self->wanted)
    return;
  picture = esp_texture_get_picture (self->levels[self->n_levels - 1].texture);
  if (picture == NULL)
    return;

  self->loading = TRUE;
  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  task = g_task_new (NULL, self->cancellable, halved, weak);
  g_task_set_source_tag (task, make_levels);
  g_task_set_task_data (task, esp_picture_ref (picture), (GDestroyNotify) esp_picture_unref);
  g_task_run_in_thread (task, halve_in_thread);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

/* A part of the level's picture, of the picture's own memory. */
static GdkTexture *
ensure_tile (Level *level, EspPicture *picture, int column, int row, const GdkRectangle *area)
{
  gpointer key = GINT_TO_POINTER (column | row << 16);
  GdkTexture *tile = g_hash_table_lookup (level->tiles, key);

  if (tile == NULL)
    {
      const gsize stride = (gsize) picture->width * 3;
      const gsize offset = (gsize) area->y * stride + (gsize) area->x * 3;
      const gsize length = (gsize) (area->height - 1) * stride + (gsize) area->width * 3;
      g_autoptr (GBytes) bytes = NULL;

      bytes = g_bytes_new_with_free_func (picture->pixels + offset, length,
                                          (GDestroyNotify) esp_picture_unref,
                                          esp_picture_ref (picture));
      tile = gdk_memory_texture_new (area->width, area->height, GDK_MEMORY_R8G8B8, bytes, stride);
      g_hash_table_insert (level->tiles, key, tile);
    }
  return tile;
}

static void
snapshot_tiles (Level *level, GtkSnapshot *snapshot, const graphene_rect_t *place,
                const graphene_rect_t *visible)
{
  EspPicture *picture = esp_texture_get_picture (level->texture);
  const float x_scale = place->size.width / (float) picture->width;
  const float y_scale = place->size.height / (float) picture->height;
  const int columns = (picture->width + TILE - 1) / TILE;
  const int rows = (picture->height + TILE - 1) / TILE;

  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++)
      {
        GdkRectangle area;
        graphene_rect_t bounds;

        area.x = MAX (0, column * TILE - BLEED);
        area.y = MAX (0, row * TILE - BLEED);
        area.width = MIN (picture->width, (column + 1) * TILE + BLEED) - area.x;
        area.height = MIN (picture->height, (row + 1) * TILE + BLEED) - area.y;
        graphene_rect_init (&bounds, place->origin.x + (float) area.x * x_scale,
                            place->origin.y + (float) area.y * y_scale,
                            (float) area.width * x_scale, (float) area.height * y_scale);
        if (graphene_rect_intersection (&bounds, visible, NULL))
          gtk_snapshot_append_texture (snapshot, ensure_tile (level, picture, column, row, &area),
                                       &bounds);
      }
}

/* Copies pixels of a picture for cairo. */
static cairo_surface_t *
copy_to_surface (EspPicture *picture, const GdkRectangle *area)
{
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_RGB24, area->width, area->height);
  guint8 *target;
  int stride;

  if (cairo_surface_status (surface) != CAIRO_STATUS_SUCCESS)
    return surface;
  target = cairo_image_surface_get_data (surface);
  stride = cairo_image_surface_get_stride (surface);
  for (int y = 0; y < area->height; y++)
    {
      const guint8 *from = picture->pixels
                           + ((gsize) (area->y + y) * (gsize) picture->width + (gsize) area->x) * 3;
      guint32 *to = (guint32 *) (void *) (target + (gsize) y * (gsize) stride);

      for (int x = 0; x < area->width; x++, from += 3)
        to[x] = (guint32) from[0] << 16 | (guint32) from[1] << 8 | from[2];
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* Squares, of the visible part alone: GTK 4.8 has no such filter for textures. */
static void
snapshot_nearest (EspPicture *picture, GtkSnapshot *snapshot, const graphene_rect_t *place,
                  const graphene_rect_t *visible)
{
  const double x_scale = (double) place->size.width / picture->width;
  const double y_scale = (double) place->size.height / picture->height;
  graphene_rect_t seen;
  GdkRectangle area;
  cairo_surface_t *surface;
  cairo_t *cr;

  if (!graphene_rect_intersection (place, visible, &seen))
    return;
  area.x = CLAMP ((int) floor ((seen.origin.x - place->origin.x) / x_scale), 0, picture->width - 1);
  area.y
      = CLAMP ((int) floor ((seen.origin.y - place->origin.y) / y_scale), 0, picture->height - 1);
  area.width = CLAMP ((int) ceil ((seen.origin.x + seen.size.width - place->origin.x) / x_scale),
                      area.x + 1, picture->width)
               - area.x;
  area.height = CLAMP ((int) ceil ((seen.origin.y + seen.size.height - place->origin.y) / y_scale),
                       area.y + 1, picture->height)
                - area.y;

  surface = copy_to_surface (picture, &area);
  cr = gtk_snapshot_append_cairo (snapshot, &seen);
  cairo_translate (cr, place->origin.x + area.x * x_scale, place->origin.y + area.y * y_scale);
  cairo_scale (cr, x_scale, y_scale);
  cairo_set_source_surface (cr, surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_NEAREST);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_paint (cr);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
}

/* Single pixels of the smallest version there is: rough, but there at once. */
static GdkTexture *
ensure_draft (EspImagePyramid *self, guint wanted)
{
  const guint step = 1u << (wanted - self->n_levels);
  EspPicture *from = esp_texture_get_picture (self->levels[self->n_levels - 1].texture);
  g_autoptr (EspPicture) picture = NULL;

  if (self->draft != NULL && self->draft_level == wanted)
    return self->draft;
  g_clear_object (&self->draft);
  if (from == NULL)
    return NULL;
  picture = esp_picture_new (MAX (1, from->width / (int) step), MAX (1, from->height / (int) step),
                             NULL);
  if (picture == NULL)
    return NULL;
  for (int y = 0; y < picture->height; y++)
    {
      const gsize row = MIN ((gsize) y * step + step / 2, (gsize) from->height - 1);
      const guint8 *source = from->pixels + row * (gsize) from->width * 3;
      guint8 *target = picture->pixels + (gsize) y * (gsize) picture->width * 3;

      for (int x = 0; x < picture->width; x++, target += 3, source += 3 * step)
        memcpy (target, source, 3);
    }
  self->draft = esp_texture_new_for_picture (picture);
  self->draft_level = wanted;
  return self->draft;
}

/* Is the best version there is so large that it cannot be drawn this small in time? */
static gboolean
needs_draft (EspImagePyramid *self, guint wanted)
{
  GdkTexture *texture = self->levels[self->n_levels - 1].texture;

  return self->n_levels < wanted
         && (gint64) gdk_texture_get_width (texture) * gdk_texture_get_height (texture)
                > MAX_SHRUNK;
}

void
esp_image_pyramid_snapshot (EspImagePyramid *self, GtkSnapshot *snapshot,
                            const graphene_rect_t *place, const graphene_rect_t *visible,
                            double density, gboolean smooth)
{
  GdkTexture *texture;
  EspPicture *picture;
  double scale;
  guint wanted;
  Level *level;

  g_return_if_fail (ESP_IS_IMAGE_PYRAMID (self));
  g_return_if_fail (GTK_IS_SNAPSHOT (snapshot));

  texture = self->levels[0].texture;
  picture = esp_texture_get_picture (texture);
  scale = place->size.width * density / gdk_texture_get_width (texture);

  if (scale >= ESP_IMAGE_NEAREST_FROM && !smooth && picture != NULL)
    {
      snapshot_nearest (picture, snapshot, place, visible);
      return;
    }

  wanted = (guint) esp_image_pyramid_level_for_scale (scale) + 1;
  self->wanted = MAX (self->wanted, wanted);
  make_levels (self);
  if (needs_draft (self, wanted) && ensure_draft (self, wanted) != NULL)
    {
      gtk_snapshot_append_texture (snapshot, self->draft, place);
      return;
    }
  if (self->n_levels >= wanted)
    g_clear_object (&self->draft);
  level = &self->levels[MIN (wanted, self->n_levels) - 1];
  if (level->tiles != NULL)
    snapshot_tiles (level, snapshot, place, visible);
  else
    gtk_snapshot_append_texture (snapshot, level->texture, place);
}

gboolean
esp_image_pyramid_prepare (EspImagePyramid *self, double scale)
{
  g_return_val_if_fail (ESP_IS_IMAGE_PYRAMID (self), FALSE);

  self->wanted = MAX (self->wanted, (guint) esp_image_pyramid_level_for_scale (scale) + 1);
  make_levels (self);
  return self->n_levels >= self->wanted || !self->loading; /* or there never will be one */
}

GdkTexture *
esp_image_pyramid_get_texture (EspImagePyramid *self)
{
  g_return_val_if_fail (ESP_IS_IMAGE_PYRAMID (self), NULL);

  return self->levels[0].texture;
}

guint
esp_image_pyramid_get_n_levels (EspImagePyramid *self)
{
  g_return_val_if_fail (ESP_IS_IMAGE_PYRAMID (self), 0);

  return self->n_levels;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_image_pyramid_finalize (GObject *object)
{
  EspImagePyramid *self = ESP_IMAGE_PYRAMID (object);

  for (guint i = 0; i < self->n_levels; i++)
    {
      g_object_unref (self->levels[i].texture);
      g_clear_pointer (&self->levels[i].tiles, g_hash_table_unref);
    }
  g_clear_object (&self->draft);
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);

  G_OBJECT_CLASS (esp_image_pyramid_parent_class)->finalize (object);
}

static void
esp_image_pyramid_class_init (EspImagePyramidClass *class)
{
  G_OBJECT_CLASS (class)->finalize = esp_image_pyramid_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_IMAGE_PYRAMID, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_image_pyramid_init (EspImagePyramid *self)
{
  self->cancellable = g_cancellable_new ();
}

EspImagePyramid *
esp_image_pyramid_new (GdkTexture *texture)
{
  EspImagePyramid *self;

  g_return_val_if_fail (GDK_IS_TEXTURE (texture), NULL);

  self = g_object_new (ESP_TYPE_IMAGE_PYRAMID, NULL);
  add_level (self, texture);
  return self;
}
