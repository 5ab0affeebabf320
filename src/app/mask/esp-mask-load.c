/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-load.c: what the mask editor needs of a node: first the mask, which is seen then, and
 * then the two pictures, of which what is painted is made. */
#define G_LOG_DOMAIN "espalier-mask"

#include <math.h>
#include <string.h>

#include "esp-mask-editor-private.h"
#include "esp-picture-work.h"
#include "esp-texture-cache.h"
#include "esp-untouched.h"

/* A load, handed from one of its steps to the next. */
typedef struct
{
  EspMaskEditor *editor;
  GCancellable *cancellable;
  EspDocument *document;
  EspNode *node;
  EspNode *source_node;
  EspNodePicture source_which;
  EspComposition *composition; /* how the result lies on its source */
  gboolean takes_all;          /* there is no mask: all is the result's */

  GBytes *bytes; /* of the mask */
  EspPicture *source, *result;
  EspMask *mask;
  EspPicture *placed; /* the result in the source's frame */
} Load;

static void
load_free (Load *load)
{
  g_object_unref (load->editor);
  g_object_unref (load->cancellable);
  g_object_unref (load->document);
  g_object_unref (load->node);
  g_clear_object (&load->source_node);
  esp_composition_free (load->composition);
  g_clear_pointer (&load->bytes, g_bytes_unref);
  g_clear_pointer (&load->source, esp_picture_unref);
  g_clear_pointer (&load->result, esp_picture_unref);
  g_clear_pointer (&load->mask, esp_mask_unref);
  g_clear_pointer (&load->placed, esp_picture_unref);
  g_free (load);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Load, load_free)

/* In a thread; the load goes on in `callback`. */
static void
run (Load *load, GTaskThreadFunc function, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) task = g_task_new (load->editor, load->cancellable, callback, load);

  g_task_set_source_tag (task, run);
  g_task_set_task_data (task, load, NULL); /* lives until the callback */
  esp_picture_work_run (task, function);
}

/* --- What is there ---------------------------------------------------------------------------- */

EspNode *
_esp_mask_editor_find_source (EspMaskEditor *self, EspNodePicture *which)
{
  EspNode *node = self->node;
  EspNodePicture found = ESP_NODE_PICTURE_SOURCE;

  /* One of an older version was made from what its parent shows. */
  if (!esp_node_has_picture (node, found))
    {
      node = esp_node_get_composition (node) == NULL ? esp_node_get_parent (node) : NULL;
      found = ESP_NODE_PICTURE_SHOWN;
    }
  if (node == NULL || !esp_node_has_picture (node, found))
    return NULL;
  if (which != NULL)
    *which = found;
  return node;
}

gboolean
_esp_mask_editor_is_masked (EspMaskEditor *self)
{
  const EspComposition *made = esp_node_get_composition (self->node);

  /* Of a region there is a mask in any case. */
  return made != NULL && esp_node_has_picture (self->node, ESP_NODE_PICTURE_MASK)
         && (made->crop.width > 0 || made->keep == ESP_KEEP_PAINTED
             || (made->keep == ESP_KEEP_AUTO && !made->global));
}

static char *
dup_known (EspMaskEditor *self)
{
  const EspComposition *composition = esp_node_get_composition (self->node);
  g_autofree char *json = composition != NULL ? esp_composition_to_json (composition) : NULL;

  return g_strdup_printf ("%s %s %s",
                          esp_node_get_picture_sha256 (self->node, ESP_NODE_PICTURE_MASK),
                          esp_node_get_picture_sha256 (self->node, ESP_NODE_PICTURE_RAW), json);
}

void
_esp_mask_editor_take_known (EspMaskEditor *self)
{
  g_free (self->known);
  self->known = dup_known (self);
}

gboolean
_esp_mask_editor_is_known (EspMaskEditor *self)
{
  g_autofree char *known = dup_known (self);

  return g_strcmp0 (known, self->known) == 0;
}

double
_esp_mask_editor_find_feather (EspMaskEditor *self)
{
  const EspComposition *made;
  g_autoptr (EspComposition) wanted = NULL;

  if (self->feather >= 0 || self->width == 0)
    return MAX (self->feather, 0);
  made = esp_node_get_composition (self->node);
  wanted = made != NULL ? esp_composition_copy (made) : esp_composition_new (ESP_KEEP_PAINTED);
  if (self->touched)
    wanted->keep = ESP_KEEP_PAINTED;
  wanted->feather = -1;
  return esp_untouched_get_feather (wanted, self->width, self->height);
}

void
_esp_mask_editor_shape_scene (EspMaskEditor *self)
{
  esp_mask_scene_set_shape (self->scene, self->grow, _esp_mask_editor_find_feather (self));
}

/* --- The result in the source's frame --------------------------------------------------------- */

static EspMask *
new_full_mask (int width, int height, GError **error)
{
  EspMask *mask = esp_mask_new (width, height, error);

  if (mask != NULL)
    memset (mask->values, 255, (gsize) width * (gsize) height);
  return mask;
}

static void
place_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Load *load = data;
  g_autoptr (EspMask) full = NULL;
  GError *error = NULL;

  full = new_full_mask (load->source->width, load->source->height, &error);
  if (full != NULL)
    load->placed = esp_untouched_remake (load->source, load->result, full, load->composition,
                                         cancellable, &error);
  if (load->placed == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (load->takes_all)
    load->mask = g_steal_pointer (&full);
  g_task_return_boolean (task, TRUE);
}

static gboolean
is_over (GError *error)
{
  if (error == NULL)
    return FALSE;
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning ("What a mask needs cannot be loaded: %s", error->message);
  return TRUE;
}

static void
show_mask (EspMaskEditor *self, EspMask *mask)
{
  self->width = mask->width;
  self->height = mask->height;
  esp_mask_scene_set_live (self->scene, FALSE);
  _esp_mask_editor_shape_scene (self);
  esp_mask_scene_set_mask (self->scene, mask);
  _esp_mask_editor_changed (self);
}

static void
placed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  EspMaskEditor *self = load->editor;
  g_autoptr (GError) error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  if (is_over (error))
    return;
  if (load->takes_all)
    show_mask (self, load->mask);
  esp_mask_scene_set_pictures (self->scene, load->source, load->placed);
  g_clear_object (&self->result);
  self->result = esp_texture_new_for_picture (load->result);
  _esp_mask_editor_changed (self);
}

static void
picture_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (GError) error = NULL;
  EspPicture *picture
      = esp_document_load_node_picture_finish (ESP_DOCUMENT (source), result, &error);

  if (is_over (error))
    return;
  if (load->source == NULL)
    {
      Load *next = g_steal_pointer (&load);

      next->source = picture;
      esp_document_load_node_picture_async (next->document, next->node, ESP_NODE_PICTURE_RAW,
                                            next->cancellable, picture_loaded, next);
      return;
    }
  load->result = picture;
  run (g_steal_pointer (&load), place_in_thread, placed);
}

/* Takes the load over. */
static void
load_pictures (Load *load)
{
  if (load->source_node == NULL)
    load_free (load);
  else
    esp_document_load_node_picture_async (load->document, load->source_node, load->source_which,
                                          load->cancellable, picture_loaded, load);
}

/* --- The mask --------------------------------------------------------------------------------- */

static void
decode_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Load *load = data;
  GError *error = NULL;

  load->mask = esp_mask_load_bytes (load->bytes, "mask", cancellable, &error);
  if (load->mask == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
mask_decoded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (GError) error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  if (is_over (error))
    return;
  show_mask (load->editor, load->mask);
  load_pictures (g_steal_pointer (&load));
}

static void
mask_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Load) load = data;
  g_autoptr (GError) error = NULL;

  load->bytes = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, &error);
  if (!is_over (error))
    run (g_steal_pointer (&load), decode_in_thread, mask_decoded);
}

void
_esp_mask_editor_unload (EspMaskEditor *self)
{
  if (self->loading != NULL)
    g_cancellable_cancel (self->loading);
  g_clear_object (&self->loading);
  g_clear_object (&self->result);
  self->width = self->height = 0;
  self->grow = 0;
  self->feather = -1;
  self->touched = FALSE;
  g_clear_pointer (&self->known, g_free);
}

static Load *
load_new (EspMaskEditor *self)
{
  const EspComposition *made = esp_node_get_composition (self->node);
  Load *load = g_new0 (Load, 1);

  load->editor = g_object_ref (self);
  load->cancellable = g_object_ref (self->loading);
  load->document = g_object_ref (self->document);
  load->node = g_object_ref (self->node);
  load->source_node = _esp_mask_editor_find_source (self, &load->source_which);
  if (load->source_node != NULL && !esp_node_has_picture (self->node, ESP_NODE_PICTURE_RAW))
    load->source_node = NULL;
  if (load->source_node != NULL)
    g_object_ref (load->source_node);
  load->composition
      = made != NULL ? esp_composition_copy (made) : esp_composition_new (ESP_KEEP_PAINTED);
  load->composition->keep = ESP_KEEP_PAINTED;
  load->composition->grow = 0;
  load->composition->feather = 0;
  load->takes_all = !_esp_mask_editor_is_masked (self);
  return load;
}

void
_esp_mask_editor_load (EspMaskEditor *self)
{
  const EspComposition *made = esp_node_get_composition (self->node);
  Load *load;

  _esp_mask_editor_unload (self);
  _esp_mask_editor_take_known (self);
  self->grow = made != NULL ? made->grow : 0;
  self->feather = made != NULL ? made->feather : -1;
  if (esp_node_get_state (self->node) != ESP_NODE_DONE)
    return;

  self->loading = g_cancellable_new ();
  load = load_new (self);
  if (load->takes_all)
    load_pictures (load);
  else
    esp_document_load_node_bytes_async (load->document, load->node, ESP_NODE_PICTURE_MASK,
                                        load->cancellable, mask_loaded, load);
}
