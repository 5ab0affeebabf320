/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-editor.c: the mask as it is changed, and its steps into the document. What is loaded
 * before: esp-mask-load.c; what is said of it: esp-mask-words.c. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-mask-editor-private.h"

#include <glib/gi18n-lib.h>

#include "esp-recompose.h"

#define REST_DELAY  400 /* ms that grow and feather rest before they are stored */
#define MAX_WAITING 6   /* steps; more become one with the last, each holds a mask */

G_DEFINE_FINAL_TYPE (EspMaskEditor, esp_mask_editor, G_TYPE_OBJECT)

enum
{
  CHANGED,
  REDRAW,
  FAILED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* One undoable step. It knows whose it is, as it may outlive the editor's interest in the node. */
typedef struct
{
  EspMaskEditor *editor;
  EspDocument *document;
  EspNode *node;
  EspComposition *wanted;
  EspMask *mask; /* or NULL: the stored one */
  gboolean anew;
  char *title;
  GCancellable *cancellable;
} Step;

static void
step_free (Step *step)
{
  g_object_unref (step->editor);
  g_object_unref (step->document);
  g_object_unref (step->node);
  esp_composition_free (step->wanted);
  g_clear_pointer (&step->mask, esp_mask_unref);
  g_free (step->title);
  g_object_unref (step->cancellable);
  g_free (step);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Step, step_free)

/* What is asked of the node now, with `keep`. */
static Step *
step_new (EspMaskEditor *self, EspKeep keep, const char *title)
{
  const EspComposition *made = esp_node_get_composition (self->node);
  Step *step = g_new0 (Step, 1);

  step->editor = g_object_ref (self);
  step->document = g_object_ref (self->document);
  step->node = g_object_ref (self->node);
  step->wanted = made != NULL ? esp_composition_copy (made) : esp_composition_new (keep);
  step->wanted->keep = keep;
  step->wanted->grow = self->grow;
  step->wanted->feather = self->feather;
  step->title = g_strdup (title);
  step->cancellable = g_cancellable_new ();
  return step;
}

void
_esp_mask_editor_changed (EspMaskEditor *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
redraw (EspMaskEditor *self)
{
  g_signal_emit (self, signals[REDRAW], 0);
}

/* --- Into the document ------------------------------------------------------------------------ */

static void store_next (EspMaskEditor *self);

/* The last step is taken back: the mask as the one before it has it, or the document. */
static void
show_last (EspMaskEditor *self)
{
  const Step *last = g_queue_peek_tail (self->steps);
  EspMask *mask = last != NULL ? last->mask : self->storing_mask;

  if (mask != NULL && (last == NULL || last->node == self->node))
    esp_mask_scene_set_mask (self->scene, mask);
  else
    _esp_mask_editor_load (self);
}

/* What is on the screen is not what the document has: back to that. */
static void
go_back (EspMaskEditor *self)
{
  g_queue_clear_full (self->steps, (GDestroyNotify) step_free);
  if (self->node != NULL)
    _esp_mask_editor_load (self);
}

static void
stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Step) step = data;
  EspMaskEditor *self = step->editor;
  g_autoptr (GError) error = NULL;

  self->storing = NULL;
  g_clear_pointer (&self->storing_mask, esp_mask_unref);
  if (esp_recompose_finish (result, &error))
    {
      /* Of a step that the program itself found the mask for nothing is known here yet. */
      if (self->node == step->node && (step->mask == NULL || step->anew))
        _esp_mask_editor_load (self);
      else if (self->node == step->node)
        _esp_mask_editor_take_known (self);
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (self->node == step->node && g_queue_is_empty (self->steps))
        _esp_mask_editor_load (self);
    }
  else
    {
      g_signal_emit (self, signals[FAILED], 0, error->message);
      go_back (self);
    }
  store_next (self);
  _esp_mask_editor_changed (self);
}

static void
store_next (EspMaskEditor *self)
{
  Step *step;

  if (self->storing != NULL)
    return;
  step = g_queue_pop_head (self->steps);
  if (step == NULL)
    return;
  self->storing = step->cancellable;
  self->storing_mask = step->mask != NULL ? esp_mask_ref (step->mask) : NULL;
  esp_recompose_async (step->document, step->node, step->wanted, step->mask, step->anew,
                       step->title, step->cancellable, stored, step);
}

/* Where steps wait that are about the same node, the last of too many takes the place of the one
 * before it. */
static void
add_step (EspMaskEditor *self, Step *step)
{
  Step *last = g_queue_peek_tail (self->steps);

  if (g_queue_get_length (self->steps) >= MAX_WAITING && last->node == step->node)
    step_free (g_queue_pop_tail (self->steps));
  g_queue_push_tail (self->steps, step);
  store_next (self);
  _esp_mask_editor_changed (self);
}

static void
mask_copied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Step) step = data;
  EspMaskEditor *self = step->editor;
  g_autoptr (EspMask) mask = esp_mask_scene_dup_mask_finish (ESP_MASK_SCENE (source), result, NULL);

  self->copying--;
  if (self->undone > 0 && step->node == self->node)
    {
      self->undone--;
      show_last (self);
      _esp_mask_editor_changed (self);
      return;
    }
  if (mask != NULL)
    {
      step->mask = g_steal_pointer (&mask);
      add_step (self, g_steal_pointer (&step));
    }
  _esp_mask_editor_changed (self);
}

/* The mask as it is on the screen now, as a step. */
static void
store_mask (EspMaskEditor *self, const char *title)
{
  self->copying++;
  esp_mask_scene_dup_mask_async (self->scene, mask_copied,
                                 step_new (self, ESP_KEEP_PAINTED, title));
  _esp_mask_editor_changed (self);
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void
begin_change (EspMaskEditor *self)
{
  self->touched = TRUE;
  esp_mask_scene_set_live (self->scene, TRUE);
}

void
esp_mask_editor_paint (EspMaskEditor *self, double x0, double y0, double x1, double y1,
                       double radius, double hardness, gboolean erasing)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  /* Beside the picture nothing begins. */
  if (!esp_mask_editor_can_paint (self)
      || (!self->painting
          && (MAX (x0, x1) + radius < 0 || MAX (y0, y1) + radius < 0
              || MIN (x0, x1) - radius > self->width || MIN (y0, y1) - radius > self->height)))
    return;
  begin_change (self);
  self->stroke_erases = erasing != FALSE;
  self->painting = TRUE;
  esp_mask_scene_paint (self->scene, x0, y0, x1, y1, radius, hardness, erasing ? 0 : 255);
}

void
esp_mask_editor_end_stroke (EspMaskEditor *self)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!self->painting)
    return;
  self->painting = FALSE;
  store_mask (self, self->stroke_erases ? _ ("Erase from the Mask") : _ ("Paint the Mask"));
}

static gboolean
store_shape (gpointer data)
{
  EspMaskEditor *self = data;

  self->shape_id = 0;
  store_mask (self, _ ("Change the Edge of the Mask"));
  return G_SOURCE_REMOVE;
}

double
esp_mask_editor_get_grow (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), 0);

  return self->grow;
}

double
esp_mask_editor_get_seam (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), 0);

  return _esp_mask_editor_find_feather (self);
}

double
esp_mask_editor_get_feather (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), -1);

  return self->feather;
}

void
esp_mask_editor_set_shape (EspMaskEditor *self, double grow, double feather)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!esp_mask_editor_can_paint (self) || (self->grow == grow && self->feather == feather))
    return;
  begin_change (self);
  self->grow = grow;
  self->feather = feather;
  _esp_mask_editor_shape_scene (self);
  g_clear_handle_id (&self->shape_id, g_source_remove);
  self->shape_id = g_timeout_add (REST_DELAY, store_shape, self);
  _esp_mask_editor_changed (self);
}

/* An edge that rests not yet is a step before the next one. */
static void
flush_shape (EspMaskEditor *self)
{
  if (self->shape_id == 0)
    return;
  g_clear_handle_id (&self->shape_id, g_source_remove);
  store_shape (self);
}

void
esp_mask_editor_take_all (EspMaskEditor *self)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!esp_mask_editor_can_change (self))
    return;
  flush_shape (self);
  add_step (self, step_new (self, ESP_KEEP_OFF, _ ("Take All of the Result")));
}

void
esp_mask_editor_take_nothing (EspMaskEditor *self)
{
  g_autoptr (EspMask) empty = NULL;

  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!esp_mask_editor_can_paint (self))
    return;
  flush_shape (self);
  empty = esp_mask_new (self->width, self->height, NULL);
  if (empty == NULL)
    return;
  begin_change (self);
  esp_mask_scene_set_mask (self->scene, empty);
  store_mask (self, _ ("Take Nothing of the Result"));
}

void
esp_mask_editor_find_again (EspMaskEditor *self)
{
  Step *step;

  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!esp_mask_editor_can_change (self))
    return;
  flush_shape (self);
  step = step_new (self, ESP_KEEP_AUTO, _ ("Find the Mask Again"));
  step->anew = TRUE;
  step->wanted->grow = 0;
  step->wanted->feather = -1;
  add_step (self, step);
}

static void
forgotten (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspMaskEditor) self = data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    g_signal_emit (self, signals[FAILED], 0, error->message);
}

void
esp_mask_editor_forget (EspMaskEditor *self)
{
  g_autoptr (GPtrArray) nodes = NULL;

  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!esp_mask_editor_can_forget (self) || esp_mask_editor_is_busy (self))
    return;
  nodes = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (nodes, g_object_ref (self->node));
  esp_document_forget_parts_async (self->document, nodes, NULL, forgotten, g_object_ref (self));
}

/* --- Undo ------------------------------------------------------------------------------------- */

gboolean
esp_mask_editor_undo (EspMaskEditor *self)
{
  Step *last;

  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), FALSE);

  if (self->node == NULL || self->painting)
    return self->painting;
  flush_shape (self);
  if (self->copying > self->undone)
    {
      self->undone++; /* in a moment it is known what of */
      return TRUE;
    }
  last = g_queue_pop_tail (self->steps);
  if (last == NULL)
    {
      if (self->storing == NULL)
        return FALSE;
      g_cancellable_cancel (self->storing); /* stored () loads what the document has */
      return TRUE;
    }
  step_free (last);
  show_last (self);
  _esp_mask_editor_changed (self);
  return TRUE;
}

gboolean
esp_mask_editor_flush (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), FALSE);

  esp_mask_editor_end_stroke (self);
  flush_shape (self);
  return esp_mask_editor_is_busy (self);
}

gboolean
esp_mask_editor_is_busy (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), FALSE);

  return self->painting || self->copying > 0 || self->storing != NULL || self->shape_id != 0
         || !g_queue_is_empty (self->steps);
}

void
esp_mask_editor_image_shown (EspMaskEditor *self)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  if (!esp_mask_editor_is_busy (self))
    esp_mask_scene_set_live (self->scene, FALSE);
}

/* --- Whose ------------------------------------------------------------------------------------ */

/* What the document has changed by itself (undo, another window) or by our own steps. */
static void
on_node_changed (EspMaskEditor *self, guint what)
{
  if ((what & ESP_NODE_CHANGE_COMPOSITION) != 0 && !esp_mask_editor_is_busy (self)
      && !_esp_mask_editor_is_known (self))
    _esp_mask_editor_load (self);
  _esp_mask_editor_changed (self);
}

static void
renew_scene (EspMaskEditor *self)
{
  if (self->scene != NULL)
    g_signal_handlers_disconnect_by_func (self->scene, redraw, self);
  g_clear_object (&self->scene);
  self->scene = esp_mask_scene_new ();
  g_signal_connect_object (self->scene, "changed", G_CALLBACK (redraw), self, G_CONNECT_SWAPPED);
}

EspNode *
esp_mask_editor_get_node (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), NULL);

  return self->node;
}

void
esp_mask_editor_set_node (EspMaskEditor *self, EspDocument *document, EspNode *node)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));
  g_return_if_fail ((document == NULL) == (node == NULL));

  if (self->node == node && self->document == document)
    return;
  if (self->painting)
    esp_mask_editor_end_stroke (self);
  flush_shape (self);
  _esp_mask_editor_unload (self);
  self->undone = 0;
  g_set_object (&self->document, document);
  g_set_object (&self->node, node);
  g_signal_group_set_target (self->node_signals, node);
  renew_scene (self); /* what is still to be copied of the old one is copied */
  if (node != NULL)
    _esp_mask_editor_load (self);
  _esp_mask_editor_changed (self);
  redraw (self);
}

EspMaskScene *
esp_mask_editor_get_scene (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), NULL);

  return self->scene;
}

gboolean
esp_mask_editor_can_change (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), FALSE);

  return self->node != NULL && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE
         && esp_node_get_state (self->node) == ESP_NODE_DONE
         && esp_node_has_picture (self->node, ESP_NODE_PICTURE_RAW)
         && _esp_mask_editor_find_source (self, NULL) != NULL;
}

gboolean
esp_mask_editor_can_paint (EspMaskEditor *self)
{
  return esp_mask_editor_can_change (self) && self->width > 0
         && esp_mask_scene_has_mask (self->scene);
}

gboolean
esp_mask_editor_can_forget (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), FALSE);

  return self->node != NULL && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE
         && (esp_node_has_picture (self->node, ESP_NODE_PICTURE_MASK)
             || g_strcmp0 (esp_node_get_picture_sha256 (self->node, ESP_NODE_PICTURE_RAW),
                           esp_node_get_picture_sha256 (self->node, ESP_NODE_PICTURE_SHOWN))
                    != 0);
}

GdkTexture *
esp_mask_editor_get_result (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), NULL);

  return self->result;
}

void
esp_mask_editor_get_size (EspMaskEditor *self, int *width, int *height)
{
  g_return_if_fail (ESP_IS_MASK_EDITOR (self));

  *width = self->width;
  *height = self->height;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_mask_editor_dispose (GObject *object)
{
  EspMaskEditor *self = ESP_MASK_EDITOR (object);

  g_clear_handle_id (&self->shape_id, g_source_remove);
  if (self->node_signals != NULL)
    g_signal_group_set_target (self->node_signals, NULL);
  g_clear_object (&self->node_signals);
  _esp_mask_editor_unload (self);
  g_clear_object (&self->scene);
  g_clear_object (&self->node);
  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_mask_editor_parent_class)->dispose (object);
}

static void
esp_mask_editor_finalize (GObject *object)
{
  EspMaskEditor *self = ESP_MASK_EDITOR (object);

  g_clear_pointer (&self->storing_mask, esp_mask_unref);
  g_queue_free_full (self->steps, (GDestroyNotify) step_free);
  g_free (self->known);

  G_OBJECT_CLASS (esp_mask_editor_parent_class)->finalize (object);
}

static void
esp_mask_editor_class_init (EspMaskEditorClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->dispose = esp_mask_editor_dispose;
  object_class->finalize = esp_mask_editor_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_MASK_EDITOR, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  signals[REDRAW] = g_signal_new ("redraw", ESP_TYPE_MASK_EDITOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[FAILED] = g_signal_new ("failed", ESP_TYPE_MASK_EDITOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
esp_mask_editor_init (EspMaskEditor *self)
{
  self->steps = g_queue_new ();
  self->feather = -1;
  self->node_signals = g_signal_group_new (ESP_TYPE_NODE);
  g_signal_group_connect_swapped (self->node_signals, "changed", G_CALLBACK (on_node_changed),
                                  self);
  renew_scene (self);
}

EspMaskEditor *
esp_mask_editor_new (void)
{
  return g_object_new (ESP_TYPE_MASK_EDITOR, NULL);
}
