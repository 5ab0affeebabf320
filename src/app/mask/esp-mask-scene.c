/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-scene.c: see esp-mask-scene.h. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-mask-scene.h"

#include <math.h>
#include <string.h>

#include "esp-mask-patch.h"
#include "esp-picture-scale.h"
#include "esp-picture-work.h"

/* The patch is larger than what is seen, so that moving about has something to show. */
#define MARGIN 128 /* px of the patch */

/* A patch of more pixels than that takes longer than a movement of the hand: half its size then. */
#define MAX_PATCH (5 << 20)

typedef struct
{
  double x0, y0, x1, y1, radius,
      hardness; /* radius 0: no dab, the mask as it is then is asked for */
  guint8 value;
} Dab;

/* A part of the patch: what is not another stays the same texture, which nobody draws again. */
typedef struct
{
  EspMaskArea area;           /* the level's pixels */
  GdkTexture *veil, *picture; /* or NULL: there is nothing to draw */
  gboolean drawn;
} Tile;

#define TILE 256 /* px of the patch */

static void
tile_clear (gpointer data)
{
  Tile *tile = data;

  g_clear_object (&tile->veil);
  g_clear_object (&tile->picture);
}

static GArray *
tiles_new (void)
{
  GArray *tiles = g_array_new (FALSE, FALSE, sizeof (Tile));

  g_array_set_clear_func (tiles, tile_clear);
  return tiles;
}

/* What one piece of work begins with, and what it leaves. */
typedef struct
{
  /* What belongs to whoever works, and goes from one piece of work to the next. */
  EspMask *mask;
  EspMaskPatch *patch;
  GArray *tiles; /* of Tile: all of the patch */
  double grow, feather;
  gboolean strong;
  EspPicture *sources[ESP_MASK_PATCH_MAX_LEVEL + 1]; /* [0]: as given; smaller ones by and by */
  EspPicture *results[ESP_MASK_PATCH_MAX_LEVEL + 1];

  /* What is asked for. */
  EspMask *new_mask; /* or NULL */
  GArray *dabs;      /* of Dab */
  gboolean draw;     /* else only the mask is brought up to date */
  int level;
  EspMaskArea area;      /* the level's pixels */
  gboolean with_picture; /* where it is in `changed` */
  EspMaskArea changed;   /* px of the mask */

  /* What came of it. */
  GPtrArray *copies; /* of EspMask: those asked for */
} Work;

struct _EspMaskScene
{
  GObject parent_instance;

  Work *work;        /* what the next piece goes on from; NULL while one is under way */
  EspMask *new_mask; /* for the next */
  GArray *dabs;
  GPtrArray *waiting;  /* of GTask: for the mask */
  GPtrArray *answered; /* those of the piece under way */
  EspPicture *pictures[2];

  int width, height; /* of the mask, 0: none */
  double grow, feather;
  EspMaskArea changed; /* px of the mask: where the picture is not what is below */

  int level; /* that is wanted */
  EspMaskArea area;

  /* What is drawn. */
  int shown_level;
  GArray *tiles; /* of Tile */

  guint live : 1;
  guint strong : 1;
  guint stale : 1;        /* what is drawn is not what it is to be */
  guint new_pictures : 1; /* for the next */
  guint drop_work : 1;    /* what is under way is of a mask that is gone */
};

G_DEFINE_FINAL_TYPE (EspMaskScene, esp_mask_scene, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- In the thread ---------------------------------------------------------------------------- */

static void
drop_pictures (Work *work)
{
  for (int i = 0; i <= ESP_MASK_PATCH_MAX_LEVEL; i++)
    {
      g_clear_pointer (&work->sources[i], esp_picture_unref);
      g_clear_pointer (&work->results[i], esp_picture_unref);
    }
}

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_pointer (&work->mask, esp_mask_unref);
  g_clear_pointer (&work->new_mask, esp_mask_unref);
  g_clear_pointer (&work->copies, g_ptr_array_unref);
  g_clear_pointer (&work->patch, esp_mask_patch_free);
  g_clear_pointer (&work->dabs, g_array_unref);
  g_clear_pointer (&work->tiles, g_array_unref);
  drop_pictures (work);
  g_free (work);
}

/* Halves until the level's size is there. FALSE: there is none. */
static gboolean
make_level (EspPicture **levels, int level)
{
  if (levels[0] == NULL)
    return FALSE;
  for (int i = 1; i <= level; i++)
    if (levels[i] == NULL)
      {
        levels[i] = esp_picture_scale (levels[i - 1], MAX (1, levels[i - 1]->width / 2),
                                       MAX (1, levels[i - 1]->height / 2), NULL, NULL);
        if (levels[i] == NULL)
          return FALSE;
      }
  return TRUE;
}

/* What has been painted since; `painted` (px of the mask) is where. FALSE: there is no memory for
 * the copies that were asked for between. */
static gboolean
paint (Work *work, EspMaskArea *painted, GError **error)
{
  for (guint i = 0; i < work->dabs->len; i++)
    {
      const Dab *dab = &g_array_index (work->dabs, Dab, i);
      int changed[4];
      EspMaskArea area;

      if (dab->radius == 0)
        {
          EspMask *copy = esp_mask_copy (work->mask, error);

          if (copy == NULL)
            return FALSE;
          g_ptr_array_add (work->copies, copy);
          continue;
        }
      esp_mask_paint (work->mask, dab->x0, dab->y0, dab->x1, dab->y1, dab->radius, dab->hardness,
                      dab->value, changed);
      area = (EspMaskArea){ changed[0], changed[1], changed[0] + changed[2],
                            changed[1] + changed[3] };
      esp_mask_area_add (painted, &area);
    }
  return TRUE;
}

static void
make_tiles (Work *work)
{
  g_array_set_size (work->tiles, 0);
  for (int y = work->area.top & ~(TILE - 1); y < work->area.bottom; y += TILE)
    for (int x = work->area.left & ~(TILE - 1); x < work->area.right; x += TILE)
      {
        Tile tile = { { x, y, x + TILE, y + TILE }, NULL, NULL, FALSE };

        esp_mask_area_intersect (&tile.area, &work->area);
        g_array_append_val (work->tiles, tile);
      }
}

/* The part of the mask that is seen; only what is another, where the rest is there. `dirty`
 * receives where that is, in the level's pixels. */
static gboolean
update_patch (Work *work, const EspMaskArea *painted, gboolean all, EspMaskArea *dirty)
{
  EspMaskPatch *old = work->patch;

  *dirty = *painted;
  if (all || old == NULL || old->level != work->level
      || memcmp (&old->area, &work->area, sizeof old->area) != 0)
    {
      g_clear_pointer (&work->patch, esp_mask_patch_free);
      work->patch = esp_mask_patch_new (work->level, &work->area);
      make_tiles (work);
      *dirty = work->area;
      return esp_mask_patch_update (work->patch, work->mask, work->grow, work->feather, NULL);
    }
  if (esp_mask_area_is_empty (dirty))
    return TRUE;
  esp_mask_area_grow (dirty, (int) ceil (esp_mask_patch_get_reach (work->grow, work->feather)));
  esp_mask_area_to_level (dirty, work->level);
  esp_mask_area_grow (dirty, 1);
  return esp_mask_patch_update (work->patch, work->mask, work->grow, work->feather, dirty);
}

static gboolean
touches (const EspMaskArea *area, const EspMaskArea *other)
{
  EspMaskArea both = *area;

  esp_mask_area_intersect (&both, other);
  return !esp_mask_area_is_empty (&both);
}

static GdkTexture *
draw_picture (Work *work, const EspMaskArea *area)
{
  const int level = MAX (work->level, 0);
  const int width = area->right - area->left;
  g_autoptr (GBytes) bytes = NULL;

  if (!make_level (work->sources, level) || !make_level (work->results, level))
    return NULL;
  bytes
      = esp_mask_patch_draw_picture (work->patch, work->sources[level], work->results[level], area);
  return gdk_memory_texture_new (width, area->bottom - area->top, GDK_MEMORY_R8G8B8, bytes,
                                 (gsize) width * 3);
}

static GdkTexture *
draw_veil (Work *work, const EspMaskArea *area)
{
  g_autoptr (GBytes) bytes = esp_mask_patch_draw_veil (work->patch, area, work->strong);
  const int width = area->right - area->left;

  if (bytes == NULL)
    return NULL;
  return gdk_memory_texture_new (width, area->bottom - area->top, GDK_MEMORY_DEFAULT, bytes,
                                 (gsize) width * 4);
}

static void
draw_tiles (Work *work, const EspMaskArea *dirty)
{
  EspMaskArea around = *dirty, changed = work->changed;

  esp_mask_area_grow (&around, ESP_MASK_PATCH_BORDER);
  esp_mask_area_to_level (&changed, work->level);
  for (guint i = 0; i < work->tiles->len; i++)
    {
      Tile *tile = &g_array_index (work->tiles, Tile, i);
      const gboolean is_dirty = touches (&tile->area, &around);
      const gboolean pictured = work->with_picture && touches (&tile->area, &changed);

      if (is_dirty || !tile->drawn)
        {
          g_clear_object (&tile->veil);
          tile->veil = draw_veil (work, &tile->area);
        }
      tile->drawn = TRUE;
      if (is_dirty || !pictured)
        g_clear_object (&tile->picture);
      if (tile->picture == NULL && pictured)
        tile->picture = draw_picture (work, &tile->area);
    }
}

static void
work_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EspMaskArea painted = { 0 }, dirty;
  GError *error = NULL;
  gboolean all = FALSE;

  if (work->new_mask != NULL)
    {
      g_clear_pointer (&work->mask, esp_mask_unref);
      work->mask = esp_mask_copy (work->new_mask, &error);
      g_clear_pointer (&work->new_mask, esp_mask_unref);
      all = TRUE;
      if (work->mask == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
    }
  if (!paint (work, &painted, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (work->draw && update_patch (work, &painted, all, &dirty))
    draw_tiles (work, &dirty);
  g_task_return_boolean (task, TRUE);
}

/* --- From one piece to the next --------------------------------------------------------------- */

static void begin_work (EspMaskScene *self);

/* The masks in the order in which they were asked for; too few where it failed. */
static void
answer (GPtrArray *tasks, GPtrArray *masks, const GError *error)
{
  for (guint i = 0; i < tasks->len; i++)
    if (masks != NULL && i < masks->len)
      g_task_return_pointer (tasks->pdata[i], esp_mask_ref (masks->pdata[i]),
                             (GDestroyNotify) esp_mask_unref);
    else
      g_task_return_error (tasks->pdata[i],
                           error != NULL
                               ? g_error_copy (error)
                               : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "No mask"));
}

static void
take_drawn (EspMaskScene *self, Work *work)
{
  self->shown_level = work->level;
  g_array_set_size (self->tiles, 0);
  for (guint i = 0; i < work->tiles->len; i++)
    {
      Tile tile = g_array_index (work->tiles, Tile, i);

      if (tile.veil != NULL)
        g_object_ref (tile.veil);
      if (tile.picture != NULL)
        g_object_ref (tile.picture);
      g_array_append_val (self->tiles, tile);
    }
}

static void
worked (GObject *source, GAsyncResult *result, gpointer data)
{
  EspMaskScene *self = ESP_MASK_SCENE (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->answered);
  g_autoptr (GError) error = NULL;
  const gboolean done = g_task_propagate_boolean (G_TASK (result), &error);
  gboolean drawn = FALSE;

  if (!done)
    g_warning ("A mask cannot be changed: %s", error->message);
  if (done && work->draw && !self->drop_work)
    {
      take_drawn (self, work);
      drawn = TRUE;
    }
  answer (tasks, work->copies, error); /* also of a mask that is gone: they asked for that */
  g_ptr_array_set_size (work->copies, 0);
  self->drop_work = FALSE;

  /* The task goes; what it worked with stays. */
  self->work = g_memdup2 (work, sizeof *work);
  memset (work, 0, sizeof *work);
  g_array_set_size (self->work->dabs, 0);
  if (self->width == 0)
    {
      g_clear_pointer (&self->work->mask, esp_mask_unref);
      g_clear_pointer (&self->work->patch, esp_mask_patch_free);
    }
  if (drawn)
    g_signal_emit (self, signals[CHANGED], 0);
  begin_work (self);
}

static gboolean
has_area (EspMaskScene *self)
{
  return !esp_mask_area_is_empty (&self->area);
}

static void
prepare (EspMaskScene *self, Work *work)
{
  work->new_mask = g_steal_pointer (&self->new_mask);
  g_array_append_vals (work->dabs, self->dabs->data, self->dabs->len);
  g_array_set_size (self->dabs, 0);
  if (self->new_pictures)
    {
      drop_pictures (work);
      g_clear_pointer (&work->patch, esp_mask_patch_free); /* its tiles are made anew with it */
      if (self->pictures[0] != NULL && self->pictures[1] != NULL)
        {
          work->sources[0] = esp_picture_ref (self->pictures[0]);
          work->results[0] = esp_picture_ref (self->pictures[1]);
        }
      self->new_pictures = FALSE;
    }
  if (work->grow != self->grow || work->feather != self->feather || work->strong != self->strong)
    g_clear_pointer (&work->patch, esp_mask_patch_free);
  work->grow = self->grow;
  work->feather = self->feather;
  work->strong = self->strong;
  work->draw = has_area (self);
  work->level = self->level;
  work->area = self->area;
  work->changed = self->changed;
  work->with_picture = self->live;
}

static void
begin_work (EspMaskScene *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->work == NULL || self->width == 0
      || !((self->stale && has_area (self)) || self->waiting->len > 0 || self->new_mask != NULL
           || self->dabs->len > 0))
    return;
  prepare (self, self->work);
  self->stale = FALSE;
  self->answered = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);

  task = g_task_new (self, NULL, worked, NULL);
  g_task_set_source_tag (task, begin_work);
  g_task_set_task_data (task, g_steal_pointer (&self->work), work_free);
  esp_picture_work_run (task, work_in_thread);
}

static void
invalidate (EspMaskScene *self)
{
  self->stale = TRUE;
  begin_work (self);
}

static void
change (EspMaskScene *self, const EspMaskArea *area)
{
  if (self->live)
    {
      EspMaskArea changed = *area;
      const EspMaskArea whole = { 0, 0, self->width, self->height };

      esp_mask_area_grow (&changed,
                          (int) ceil (esp_mask_patch_get_reach (self->grow, self->feather)) + 1);
      esp_mask_area_intersect (&changed, &whole);
      esp_mask_area_add (&self->changed, &changed);
    }
  invalidate (self);
}

static void
change_all (EspMaskScene *self)
{
  const EspMaskArea whole = { 0, 0, self->width, self->height };

  change (self, &whole);
}

/* --- What is asked for ------------------------------------------------------------------------ */

void
esp_mask_scene_set_mask (EspMaskScene *self, EspMask *mask)
{
  g_return_if_fail (ESP_IS_MASK_SCENE (self));

  g_clear_pointer (&self->new_mask, esp_mask_unref);
  g_array_set_size (self->dabs, 0);
  answer (self->waiting, NULL, NULL);
  g_ptr_array_set_size (self->waiting, 0);
  self->drop_work = self->work == NULL;
  if (mask == NULL || mask->width != self->width || mask->height != self->height)
    {
      /* Of another size, or none: nothing of the old one fits. */
      g_array_set_size (self->tiles, 0);
      self->area = self->changed = (EspMaskArea){ 0 };
    }
  self->width = mask != NULL ? mask->width : 0;
  self->height = mask != NULL ? mask->height : 0;
  if (mask != NULL)
    {
      self->new_mask = esp_mask_ref (mask);
      change_all (self);
    }
  else if (self->work != NULL)
    {
      g_clear_pointer (&self->work->mask, esp_mask_unref);
      g_clear_pointer (&self->work->patch, esp_mask_patch_free);
    }
  g_signal_emit (self, signals[CHANGED], 0);
}

gboolean
esp_mask_scene_has_mask (EspMaskScene *self)
{
  g_return_val_if_fail (ESP_IS_MASK_SCENE (self), FALSE);

  return self->width > 0;
}

void
esp_mask_scene_set_pictures (EspMaskScene *self, EspPicture *source, EspPicture *result)
{
  EspPicture *const given[2] = { source, result };

  g_return_if_fail (ESP_IS_MASK_SCENE (self));
  g_return_if_fail ((source == NULL) == (result == NULL));

  for (int i = 0; i < 2; i++)
    {
      g_clear_pointer (&self->pictures[i], esp_picture_unref);
      self->pictures[i] = given[i] != NULL ? esp_picture_ref (given[i]) : NULL;
    }
  self->new_pictures = TRUE;
  if (source == NULL && self->work != NULL)
    drop_pictures (self->work);
  invalidate (self);
}

void
esp_mask_scene_set_shape (EspMaskScene *self, double grow, double feather)
{
  g_return_if_fail (ESP_IS_MASK_SCENE (self));

  if (self->grow == grow && self->feather == feather)
    return;
  self->grow = grow;
  self->feather = feather;
  change_all (self);
}

void
esp_mask_scene_set_strong (EspMaskScene *self, gboolean strong)
{
  g_return_if_fail (ESP_IS_MASK_SCENE (self));

  if (self->strong == (strong ? 1 : 0))
    return;
  self->strong = strong ? 1 : 0;
  invalidate (self);
}

void
esp_mask_scene_set_live (EspMaskScene *self, gboolean live)
{
  g_return_if_fail (ESP_IS_MASK_SCENE (self));

  if (self->live == (live ? 1 : 0))
    return;
  self->live = live ? 1 : 0;
  self->changed = (EspMaskArea){ 0 };
  if (!live)
    {
      for (guint i = 0; i < self->tiles->len; i++)
        g_clear_object (&g_array_index (self->tiles, Tile, i).picture);
      invalidate (self);
      g_signal_emit (self, signals[CHANGED], 0);
    }
}

gboolean
esp_mask_scene_is_live (EspMaskScene *self)
{
  g_return_val_if_fail (ESP_IS_MASK_SCENE (self), FALSE);

  return self->live;
}

void
esp_mask_scene_paint (EspMaskScene *self, double x0, double y0, double x1, double y1, double radius,
                      double hardness, guint8 value)
{
  const Dab dab = { x0, y0, x1, y1, radius, hardness, value };
  EspMaskArea area;

  g_return_if_fail (ESP_IS_MASK_SCENE (self));
  g_return_if_fail (radius > 0);

  if (self->width == 0)
    return;
  g_array_append_val (self->dabs, dab);
  area = (EspMaskArea){ (int) floor (MIN (x0, x1) - radius) - 1,
                        (int) floor (MIN (y0, y1) - radius) - 1,
                        (int) ceil (MAX (x0, x1) + radius) + 1,
                        (int) ceil (MAX (y0, y1) + radius) + 1 };
  change (self, &area);
}

void
esp_mask_scene_dup_mask_async (EspMaskScene *self, GAsyncReadyCallback callback, gpointer user_data)
{
  const Dab marker = { .radius = 0 };
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (ESP_IS_MASK_SCENE (self));

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, esp_mask_scene_dup_mask_async);
  if (self->width == 0)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no mask");
      return;
    }
  g_ptr_array_add (self->waiting, g_steal_pointer (&task));
  g_array_append_val (self->dabs, marker);
  begin_work (self);
}

EspMask *
esp_mask_scene_dup_mask_finish (EspMaskScene *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
esp_mask_scene_is_current (EspMaskScene *self)
{
  g_return_val_if_fail (ESP_IS_MASK_SCENE (self), FALSE);

  return self->work != NULL && !self->stale && self->dabs->len == 0 && self->new_mask == NULL;
}

/* --- Drawing ---------------------------------------------------------------------------------- */

/* `scale`: pixels of the screen a pixel of the mask. */
static int
find_level (double scale)
{
  /* A hair's breadth of room, as a zoom of 1 is not always exactly 1. */
  const int level = (int) -ceil (log2 (scale) - 0.01);

  return CLAMP (level, ESP_MASK_PATCH_MIN_LEVEL, ESP_MASK_PATCH_MAX_LEVEL);
}

/* What of the level is seen, in its pixels. */
static void
find_area (EspMaskScene *self, int level, const graphene_rect_t *place,
           const graphene_rect_t *visible, EspMaskArea *area)
{
  const double x_scale = self->width / (double) place->size.width;
  const double y_scale = self->height / (double) place->size.height;
  const double left = (double) (visible->origin.x - place->origin.x) * x_scale;
  const double top = (double) (visible->origin.y - place->origin.y) * y_scale;
  const EspMaskArea whole = { 0, 0, self->width, self->height };

  *area = (EspMaskArea){ (int) floor (left), (int) floor (top),
                         (int) ceil (left + (double) visible->size.width * x_scale),
                         (int) ceil (top + (double) visible->size.height * y_scale) };
  esp_mask_area_intersect (area, &whole);
  if (!esp_mask_area_is_empty (area))
    esp_mask_area_to_level (area, level);
}

static gboolean
contains (const EspMaskArea *area, const EspMaskArea *other)
{
  return area->left <= other->left && area->top <= other->top && area->right >= other->right
         && area->bottom >= other->bottom;
}

/* Asks for another patch where what is seen is not in the one there is. */
static void
follow (EspMaskScene *self, const graphene_rect_t *place, const graphene_rect_t *visible,
        double density)
{
  EspMaskArea seen, whole = { 0, 0, self->width, self->height };
  int level = find_level ((double) place->size.width * density / self->width);

  find_area (self, level, place, visible, &seen);
  if (esp_mask_area_is_empty (&seen))
    return;
  if ((gint64) (seen.right - seen.left) * (seen.bottom - seen.top) > MAX_PATCH
      && level < ESP_MASK_PATCH_MAX_LEVEL)
    find_area (self, ++level, place, visible, &seen);
  if (level == self->level && contains (&self->area, &seen))
    return;
  self->level = level;
  self->area = seen;
  esp_mask_area_grow (&self->area, MARGIN);
  esp_mask_area_to_level (&whole, level);
  esp_mask_area_intersect (&self->area, &whole);
  invalidate (self);
}

static void
append (EspMaskScene *self, GtkSnapshot *snapshot, GdkTexture *texture, const EspMaskArea *area,
        const graphene_rect_t *place)
{
  const double size = ldexp (1, self->shown_level); /* px of the mask a pixel of the level */
  const double x_scale = (double) place->size.width / self->width;
  const double y_scale = (double) place->size.height / self->height;
  graphene_rect_t bounds;

  graphene_rect_init (&bounds, place->origin.x + (float) (area->left * size * x_scale),
                      place->origin.y + (float) (area->top * size * y_scale),
                      (float) ((area->right - area->left) * size * x_scale),
                      (float) ((area->bottom - area->top) * size * y_scale));
  gtk_snapshot_append_texture (snapshot, texture, &bounds);
}

void
esp_mask_scene_snapshot (EspMaskScene *self, GtkSnapshot *snapshot, const graphene_rect_t *place,
                         const graphene_rect_t *visible, double density, gboolean with_veil)
{
  g_return_if_fail (ESP_IS_MASK_SCENE (self));

  if (self->width == 0)
    return;
  follow (self, place, visible, density);
  if (self->tiles->len == 0)
    return;
  gtk_snapshot_push_clip (snapshot, place); /* the last pixels of a level may be beyond the mask */
  for (guint i = 0; i < self->tiles->len; i++)
    {
      const Tile *tile = &g_array_index (self->tiles, Tile, i);

      if (tile->picture != NULL)
        append (self, snapshot, tile->picture, &tile->area, place);
      if (tile->veil != NULL && with_veil)
        append (self, snapshot, tile->veil, &tile->area, place);
    }
  gtk_snapshot_pop (snapshot);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_mask_scene_finalize (GObject *object)
{
  EspMaskScene *self = ESP_MASK_SCENE (object);

  g_clear_pointer (&self->work, work_free);
  g_clear_pointer (&self->new_mask, esp_mask_unref);
  g_clear_pointer (&self->dabs, g_array_unref);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  for (int i = 0; i < 2; i++)
    g_clear_pointer (&self->pictures[i], esp_picture_unref);
  g_clear_pointer (&self->tiles, g_array_unref);

  G_OBJECT_CLASS (esp_mask_scene_parent_class)->finalize (object);
}

static void
esp_mask_scene_class_init (EspMaskSceneClass *class)
{
  G_OBJECT_CLASS (class)->finalize = esp_mask_scene_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_MASK_SCENE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
esp_mask_scene_init (EspMaskScene *self)
{
  self->work = g_new0 (Work, 1);
  self->work->dabs = g_array_new (FALSE, FALSE, sizeof (Dab));
  self->work->tiles = tiles_new ();
  self->tiles = tiles_new ();
  self->work->copies = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_mask_unref);
  self->dabs = g_array_new (FALSE, FALSE, sizeof (Dab));
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

EspMaskScene *
esp_mask_scene_new (void)
{
  return g_object_new (ESP_TYPE_MASK_SCENE, NULL);
}
