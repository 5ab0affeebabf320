/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-drift.c: the drift of a node: its way from the photo, picture by picture and mask by mask,
 * with no more than three of them in memory. */
#define G_LOG_DOMAIN "esp-compare"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-drift-private.h"
#include "esp-picture-work.h"

/* Where people begin to see a shift that they compare by blinking, px. */
#define SHIFT_SEEN 0.25

/* What is loaded next, and what it is for. */
typedef enum
{
  LOAD_PHOTO,
  LOAD_MASK,
  LOAD_PAIR_BEFORE,
  LOAD_PAIR_AFTER,
  LOAD_NOW,
} Purpose;

typedef struct
{
  Purpose purpose;
  EspNode *node;
  EspComposition *composition; /* of a mask */
} Item;

typedef struct
{
  EspDocument *document;
  char *key;
  GArray *items; /* of Item, in the order in which they are loaded */
  guint next;
  EspPicture *photo, *before;
  EspMask *changed;
  EspPicture *loaded; /* what has just come: a picture, or a mask's bytes */
  GBytes *bytes;
  EspDrift drift;
} Measuring;

static void
clear_item (gpointer data)
{
  Item *item = data;

  g_clear_object (&item->node);
  g_clear_pointer (&item->composition, esp_composition_free);
}

static void
measuring_free (gpointer data)
{
  Measuring *self = data;

  g_clear_object (&self->document);
  g_clear_pointer (&self->items, g_array_unref);
  g_clear_pointer (&self->photo, esp_picture_unref);
  g_clear_pointer (&self->before, esp_picture_unref);
  g_clear_pointer (&self->loaded, esp_picture_unref);
  g_clear_pointer (&self->changed, esp_mask_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->key);
  g_free (self);
}

EspNode *
esp_drift_get_origin (EspNode *node)
{
  EspNode *origin = node;

  while (origin != NULL && esp_node_get_kind (origin) != ESP_NODE_IMPORTED)
    origin = esp_node_get_parent (origin);
  return origin != NULL && esp_node_has_image (origin) && esp_node_has_image (node) ? origin : NULL;
}

/* --- What is known: a key to an EspDrift -------------------------------------------------------
 */

static GHashTable *
get_known (EspDocument *document)
{
  GHashTable *known = g_object_get_data (G_OBJECT (document), "esp-drift-known");

  if (known == NULL)
    {
      known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_object_set_data_full (G_OBJECT (document), "esp-drift-known", known,
                              (GDestroyNotify) g_hash_table_unref);
    }
  return known;
}

/* Does it say by itself what it changed? */
static gboolean
has_mask (EspNode *node)
{
  const EspComposition *composition = esp_node_get_composition (node);

  return composition != NULL && composition->made && !composition->global
         && esp_node_has_picture (node, ESP_NODE_PICTURE_MASK)
         && (composition->keep != ESP_KEEP_OFF || composition->region != NULL);
}

/* The pictures and masks of the whole way; another one of them is another drift. */
static char *
dup_key (EspNode *origin, EspNode *node)
{
  GString *key = g_string_new (NULL);

  for (EspNode *link = node; link != NULL; link = esp_node_get_parent (link))
    {
      const char *image = esp_node_get_sha256 (link);

      g_string_append_printf (key, "%s ", image != NULL ? image : "-");
      if (has_mask (link))
        {
          g_autofree char *how = esp_composition_to_json (esp_node_get_composition (link));

          g_string_append_printf (key, "%s %s ",
                                  esp_node_get_picture_sha256 (link, ESP_NODE_PICTURE_MASK), how);
        }
      if (link == origin)
        break;
    }
  return g_string_free (key, FALSE);
}

gboolean
esp_drift_look_up (EspDocument *document, EspNode *node, EspDrift *drift)
{
  EspNode *origin = esp_drift_get_origin (node);
  g_autofree char *key = origin != NULL ? dup_key (origin, node) : NULL;
  const EspDrift *found = key != NULL ? g_hash_table_lookup (get_known (document), key) : NULL;

  if (found != NULL)
    *drift = *found;
  return found != NULL;
}

/* --- The way ---------------------------------------------------------------------------------- */

static void
add_item (Measuring *self, Purpose purpose, EspNode *node)
{
  const Item item
      = { purpose, g_object_ref (node),
          purpose == LOAD_MASK ? esp_composition_copy (esp_node_get_composition (node)) : NULL };

  g_array_append_val (self->items, item);
}

/* Nodes without a picture (a turn that failed, whose child was made otherwise) are stepped over. */
static void
plan (Measuring *self, EspNode *origin, EspNode *node)
{
  g_autoptr (GPtrArray) way = g_ptr_array_new ();
  EspNode *before = origin;

  for (EspNode *link = node; link != origin; link = esp_node_get_parent (link))
    if (esp_node_has_image (link))
      g_ptr_array_insert (way, 0, link);
  add_item (self, LOAD_PHOTO, origin);
  for (guint i = 0; i < way->len; i++)
    {
      EspNode *link = g_ptr_array_index (way, i);
      const EspComposition *composition = esp_node_get_composition (link);

      if (composition != NULL && composition->made && composition->global)
        self->drift.whole = TRUE;
      else if (has_mask (link))
        add_item (self, LOAD_MASK, link);
      else
        {
          add_item (self, LOAD_PAIR_BEFORE, before);
          add_item (self, LOAD_PAIR_AFTER, link);
        }
      before = link;
    }
  add_item (self, LOAD_NOW, node);
}

/* What came is made part of the measure, on a thread; the one who asks holds the data meanwhile. */
static void
take_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Measuring *self = data;
  const Item *item = &g_array_index (self->items, Item, self->next);
  GError *error = NULL;
  gboolean ok = TRUE;

  switch (item->purpose)
    {
    case LOAD_PHOTO:
      self->photo = g_steal_pointer (&self->loaded);
      self->changed = esp_mask_new (self->photo->width, self->photo->height, &error);
      ok = self->changed != NULL;
      break;
    case LOAD_MASK:
      ok = _esp_drift_add_composed (self->changed, self->bytes, item->composition, cancellable,
                                    &error);
      break;
    case LOAD_PAIR_BEFORE:
      self->before = g_steal_pointer (&self->loaded);
      break;
    case LOAD_PAIR_AFTER:
      ok = _esp_drift_add_pair (self->changed, self->before, self->loaded, &self->drift.whole,
                                cancellable, &error);
      g_clear_pointer (&self->before, esp_picture_unref);
      break;
    case LOAD_NOW:
      ok = _esp_drift_compute (self->photo, self->loaded, self->changed, &self->drift, cancellable,
                               &error);
      break;
    default:
      g_assert_not_reached ();
    }
  g_clear_pointer (&self->loaded, esp_picture_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void load_next (GTask *task);

static void
on_taken (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Measuring *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  self->next++;
  load_next (task);
}

static void
take (GTask *task)
{
  GTask *step = g_task_new (NULL, g_task_get_cancellable (task), on_taken, g_object_ref (task));

  g_task_set_source_tag (step, take);
  g_task_set_task_data (step, g_task_get_task_data (task), NULL);
  esp_picture_work_run (step, take_thread);
  g_object_unref (step);
}

static void
on_picture (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Measuring *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->loaded = esp_document_load_picture_finish (ESP_DOCUMENT (source), result, &error);
  if (self->loaded != NULL)
    take (task);
  else
    g_task_return_error (task, error);
}

static void
on_mask (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Measuring *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->bytes = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, &error);
  if (self->bytes != NULL)
    take (task);
  else
    g_task_return_error (task, error);
}

static void
finish (GTask *task)
{
  Measuring *self = g_task_get_task_data (task);

  g_hash_table_insert (get_known (self->document), g_steal_pointer (&self->key),
                       g_memdup2 (&self->drift, sizeof self->drift));
  g_task_return_boolean (task, TRUE);
}

static void
load_next (GTask *task)
{
  Measuring *self = g_task_get_task_data (task);
  const Item *item;

  if (g_task_return_error_if_cancelled (task))
    return;
  if (self->drift.whole || self->next == self->items->len)
    {
      finish (task);
      return;
    }
  item = &g_array_index (self->items, Item, self->next);
  if (item->purpose == LOAD_MASK)
    esp_document_load_node_bytes_async (self->document, item->node, ESP_NODE_PICTURE_MASK,
                                        g_task_get_cancellable (task), on_mask,
                                        g_object_ref (task));
  else
    esp_document_load_picture_async (self->document, item->node, g_task_get_cancellable (task),
                                     on_picture, g_object_ref (task));
}

void
esp_drift_measure_async (EspDocument *document, EspNode *node, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (document, cancellable, callback, user_data);
  EspNode *origin;
  Measuring *self;

  g_return_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node));

  g_task_set_source_tag (task, esp_drift_measure_async);
  origin = esp_drift_get_origin (node);
  if (origin == NULL)
    {
      g_task_return_new_error (task, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT, "%s",
                               _ ("There is no photo that its drift could be measured against"));
      return;
    }
  self = g_new0 (Measuring, 1);
  self->document = g_object_ref (document);
  self->key = dup_key (origin, node);
  self->items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (self->items, clear_item);
  self->drift = (EspDrift){ .generation = esp_node_get_generation (node), .scale = 1 };
  g_task_set_task_data (task, self, measuring_free);

  if (esp_drift_look_up (document, node, &self->drift))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  plan (self, origin, node);
  load_next (task);
}

gboolean
esp_drift_measure_finish (GAsyncResult *result, EspDrift *drift, GError **error)
{
  Measuring *self;

  g_return_val_if_fail (g_async_result_is_tagged (result, esp_drift_measure_async), FALSE);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  self = g_task_get_task_data (G_TASK (result));
  *drift = self->drift;
  return TRUE;
}

/* --- Words ------------------------------------------------------------------------------------ */

char *
esp_drift_dup_text (const EspDrift *drift)
{
  const double shift = hypot (drift->shift_x, drift->shift_y);

  if (drift->whole)
    return g_strdup (_ ("Not comparable: the picture was changed as a whole"));
  if (drift->exact)
    /* Translators: of the parts of a picture that nobody meant to change */
    return g_strdup (_ ("None: every pixel outside of the changes is the photo’s"));
  if (shift < SHIFT_SEEN)
    /* Translators: ΔE is a measure of how much colours differ */
    return g_strdup_printf (_ ("ΔE %.1f outside of the changes"), drift->delta_e);
  return g_strdup_printf (_ ("ΔE %.1f outside of the changes, moved by %.1f px"), drift->delta_e,
                          shift);
}
