/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas-pictures.c: which picture the canvas shows, and where it comes from.
 *
 * What is on the screen stays there until what takes its place is decoded. The pictures of the
 * current node, of what is before it and of its neighbours are kept, so that going to them and
 * holding the key shows them at once.
 */
#define G_LOG_DOMAIN "espalier-canvas"

#include "esp-canvas-private.h"

#include <math.h>

#define PLACEHOLDER_DELAY 150 /* ms after which a thumbnail is better than the wrong picture */
#define KEEP_DELAY        300 /* ms until the neighbours are loaded */
#define MAX_KEPT_PIXELS   (24 << 20) /* of a neighbour */
#define SAME_SHAPE        0.02       /* relative difference of the ratio */

/* --- Which ------------------------------------------------------------------------------------ */

static EspNode *
find_ancestor_with_image (EspNode *node)
{
  for (node = esp_node_get_parent (node); node != NULL; node = esp_node_get_parent (node))
    if (esp_node_has_image (node))
      return node;
  return NULL;
}

EspNode *
esp_canvas_find_before (EspCanvas *self)
{
  if (self->current == NULL)
    return NULL;
  if (self->before != NULL && esp_node_has_image (self->before))
    return self->before;
  return find_ancestor_with_image (self->current);
}

static gboolean
has_same_shape (int width, int height, int other_width, int other_height)
{
  const double ratio = (double) width / height * other_height / other_width;

  return fabs (ratio - 1) <= SAME_SHAPE;
}

/* The size that a picture stands for: that of the current node's own image, or, until there is one,
 * of the image it is made from, if the shape is the same; so that nothing jumps when one takes the
 * place of the other. */
static void
get_size (EspCanvas *self, int picture_width, int picture_height, int *width, int *height)
{
  EspNode *model = self->current;

  if (!esp_node_has_image (model))
    model = find_ancestor_with_image (model);
  if (model == NULL)
    {
      *width = picture_width;
      *height = picture_height;
      return;
    }
  *width = esp_node_get_width (model);
  *height = esp_node_get_height (model);
  if (*width > 0 && *height > 0 && !has_same_shape (picture_width, picture_height, *width, *height))
    {
      /* Another shape: as large as will go into the same place. */
      const double scale = MIN ((double) *width / picture_width, (double) *height / picture_height);

      *width = MAX (1, (int) lround (picture_width * scale));
      *height = MAX (1, (int) lround (picture_height * scale));
    }
}

/* --- What is kept ----------------------------------------------------------------------------- */

typedef struct
{
  EspCanvas *canvas;
  EspNode *node;
} Load;

static Load *
load_new (EspCanvas *self, EspNode *node)
{
  Load *load = g_new (Load, 1);

  load->canvas = g_object_ref (self);
  load->node = g_object_ref (node);
  return load;
}

static void
load_free (Load *load)
{
  g_object_unref (load->canvas);
  g_object_unref (load->node);
  g_free (load);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Load, load_free)

static void
keep_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (GdkTexture) texture = esp_texture_load_finish (result, NULL);

  if (texture != NULL)
    g_hash_table_insert (load->canvas->kept, g_object_ref (load->node), g_object_ref (texture));
}

static void
keep (EspCanvas *self, GHashTable *kept, EspNode *node)
{
  GdkTexture *texture;
  gint64 pixels;

  if (node == NULL || !esp_node_has_image (node) || g_hash_table_contains (kept, node))
    return;
  pixels = (gint64) esp_node_get_width (node) * esp_node_get_height (node);
  texture = esp_texture_peek (node);
  if (texture != NULL)
    g_hash_table_insert (kept, g_object_ref (node), g_object_ref (texture));
  else if (pixels <= MAX_KEPT_PIXELS)
    esp_texture_load_async (self->document, node, self->keeping, keep_loaded,
                            load_new (self, node));
}

/* Lets go of what is far away by now, and loads what is near. */
static gboolean
keep_neighbours (gpointer data)
{
  EspCanvas *self = data;
  g_autoptr (GHashTable) old = NULL;
  EspNode *parent;
  GListModel *siblings;
  guint n;

  self->keep_id = 0;
  if (self->current == NULL)
    return G_SOURCE_REMOVE;
  parent = esp_node_get_parent (self->current);
  /* Until the end of this: what stays is found again, not loaded again. */
  old = g_steal_pointer (&self->kept); /* NOLINT(clang-analyzer-deadcode.DeadStores) */
  if (self->keeping != NULL)
    g_cancellable_cancel (self->keeping);
  g_clear_object (&self->keeping);
  self->keeping = g_cancellable_new ();
  self->kept = g_hash_table_new_full (NULL, NULL, g_object_unref, g_object_unref);
  keep (self, self->kept, self->current);
  keep (self, self->kept, esp_canvas_find_before (self));

  siblings
      = parent != NULL ? esp_node_get_children (parent) : esp_document_get_roots (self->document);
  n = g_list_model_get_n_items (siblings);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EspNode) sibling = g_list_model_get_item (siblings, i);

      if (sibling != self->current)
        continue;
      for (guint j = i > 0 ? i - 1 : 0; j <= i + 1 && j < n; j++)
        {
          g_autoptr (EspNode) neighbour = g_list_model_get_item (siblings, j);

          keep (self, self->kept, neighbour);
        }
      break;
    }
  return G_SOURCE_REMOVE;
}

/* --- Showing ---------------------------------------------------------------------------------- */

static void
stop_loading (EspCanvas *self)
{
  g_clear_handle_id (&self->placeholder_id, g_source_remove);
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
}

static void
show (EspCanvas *self, EspNode *node, GdkTexture *texture, gboolean smooth)
{
  int width, height;

  get_size (self, esp_node_get_width (node), esp_node_get_height (node), &width, &height);
  g_set_object (&self->shown, node);
  esp_image_view_set_image (self->view, texture, width, height, smooth);
  g_clear_pointer (&self->preview, esp_picture_unref);
}

static void
image_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  EspCanvas *self = load->canvas;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = esp_texture_load_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->wanted != load->node
      || self->current == NULL)
    return;
  stop_loading (self);
  if (texture == NULL)
    {
      /* Not where the window closes, and its document with it. */
      if (!g_error_matches (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN))
        g_warning ("The image of a turn cannot be shown: %s", error->message);
      esp_image_view_set_image (self->view, NULL, 0, 0, FALSE);
      return;
    }
  show (self, load->node, texture, FALSE);
  g_hash_table_insert (self->kept, g_object_ref (load->node), g_object_ref (texture));
}

static gboolean
show_placeholder (gpointer data)
{
  EspCanvas *self = data;
  GdkTexture *thumbnail = esp_texture_cache_lookup (
      esp_texture_cache_get_default (), self->document, self->wanted, ESP_THUMBNAIL_LARGE, -1);

  self->placeholder_id = 0;
  /* Of a node that is shown already, what it was is better than a small version of what it is. */
  if (thumbnail != NULL && self->shown != self->wanted)
    show (self, self->wanted, thumbnail, TRUE);
  return G_SOURCE_REMOVE;
}

static void
show_node (EspCanvas *self, EspNode *node)
{
  GdkTexture *texture = esp_texture_peek (node);

  if (texture != NULL)
    {
      stop_loading (self);
      g_set_object (&self->wanted, node);
      show (self, node, texture, FALSE);
      g_hash_table_insert (self->kept, g_object_ref (node), g_object_ref (texture));
      return;
    }
  if (self->wanted == node && self->loading != NULL)
    return;

  stop_loading (self);
  g_set_object (&self->wanted, node);
  self->loading = g_cancellable_new ();
  self->placeholder_id = g_timeout_add (PLACEHOLDER_DELAY, show_placeholder, self);
  esp_texture_load_async (self->document, node, self->loading, image_loaded, load_new (self, node));
}

static void
show_preview (EspCanvas *self, EspPicture *preview)
{
  g_autoptr (GdkTexture) texture = NULL;
  int width, height;

  stop_loading (self);
  g_clear_object (&self->wanted);
  g_clear_object (&self->shown);
  if (self->preview == preview)
    return;
  g_clear_pointer (&self->preview, esp_picture_unref);
  self->preview = esp_picture_ref (preview);

  texture = esp_texture_new_for_picture (preview);
  get_size (self, preview->width, preview->height, &width, &height);
  esp_image_view_set_image (self->view, texture, width, height, TRUE);
}

static void
show_result (EspCanvas *self, GdkTexture *texture)
{
  int width, height;

  stop_loading (self);
  g_clear_object (&self->wanted);
  g_clear_object (&self->shown);
  g_clear_pointer (&self->preview, esp_picture_unref);
  get_size (self, gdk_texture_get_width (texture), gdk_texture_get_height (texture), &width,
            &height);
  esp_image_view_set_image (self->view, texture, width, height, FALSE);
}

void
esp_canvas_update_picture (EspCanvas *self)
{
  GdkTexture *result = esp_canvas_get_result (self);
  EspNode *node = self->current, *before;
  EspPicture *preview;
  gboolean dimmed = FALSE;

  before = esp_canvas_find_before (self);
  if (node != NULL && self->show_before && before != NULL)
    show_node (self, before);
  else if (node != NULL && result != NULL)
    show_result (self, result);
  else if (node != NULL && esp_node_has_image (node))
    show_node (self, node);
  else if (node != NULL && (preview = esp_node_get_preview (node)) != NULL)
    show_preview (self, preview);
  else if (node != NULL && (before = find_ancestor_with_image (node)) != NULL)
    {
      const EspNodeState state = esp_node_get_state (node);

      dimmed = state == ESP_NODE_FAILED || state == ESP_NODE_CANCELLED || state == ESP_NODE_BLOCKED;
      show_node (self, before);
    }
  else
    {
      stop_loading (self);
      g_clear_object (&self->wanted);
      g_clear_object (&self->shown);
      g_clear_pointer (&self->preview, esp_picture_unref);
      esp_image_view_set_image (self->view, NULL, 0, 0, FALSE);
    }
  esp_image_view_set_dimmed (self->view, dimmed);

  if (node != NULL && self->keep_id == 0)
    self->keep_id = g_timeout_add_full (G_PRIORITY_LOW, KEEP_DELAY, keep_neighbours, self, NULL);
}

void
esp_canvas_drop_pictures (EspCanvas *self)
{
  stop_loading (self);
  g_clear_handle_id (&self->keep_id, g_source_remove);
  if (self->keeping != NULL)
    g_cancellable_cancel (self->keeping);
  g_clear_object (&self->keeping);
  g_clear_object (&self->wanted);
  g_clear_object (&self->shown);
  g_clear_pointer (&self->preview, esp_picture_unref);
  g_hash_table_remove_all (self->kept);
}
