/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-parts.c: what a picture was put together of, stored with its node: another mask, and
 * forgetting what only a change of it needs. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>

/* --- On their way into the document ----------------------------------------------------------- */

EspParts *
_esp_parts_new (GBytes *image, GBytes *raw, GBytes *mask, GBytes *latents,
                const EspComposition *composition)
{
  EspParts *parts = g_new0 (EspParts, 1);

  parts->bytes[ESP_NODE_PICTURE_SHOWN] = image != NULL ? g_bytes_ref (image) : NULL;
  parts->bytes[ESP_NODE_PICTURE_RAW] = raw != NULL ? g_bytes_ref (raw) : NULL;
  parts->bytes[ESP_NODE_PICTURE_MASK] = mask != NULL ? g_bytes_ref (mask) : NULL;
  parts->latents = latents != NULL ? g_bytes_ref (latents) : NULL;
  parts->composition = composition != NULL ? esp_composition_to_json (composition) : NULL;
  return parts;
}

void
_esp_parts_free (EspParts *parts)
{
  if (parts == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (parts->bytes); i++)
    {
      g_clear_pointer (&parts->bytes[i], g_bytes_unref);
      _esp_prepared_image_free (parts->images[i]);
    }
  g_clear_pointer (&parts->latents, g_bytes_unref);
  g_free (parts->composition);
  g_free (parts);
}

gboolean
_esp_parts_prepare (EspParts *parts, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (parts->bytes); i++)
    {
      if (parts->bytes[i] == NULL)
        continue;
      parts->images[i]
          = i == ESP_NODE_PICTURE_SHOWN
                ? _esp_prepared_image_new (parts->bytes[i], _ ("The result"), cancellable, error)
                : _esp_prepared_part_new (parts->bytes[i], _ ("The result"), cancellable, error);
      if (parts->images[i] == NULL)
        return FALSE;
    }
  return TRUE;
}

gboolean
_esp_parts_store (EspParts *parts, EspStore *store, EspRecord *record, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (parts->images); i++)
    if (parts->images[i] != NULL)
      {
        if (!_esp_store_add_image (store, parts->images[i], error))
          return FALSE;
        _esp_image_info_copy (_esp_record_get_picture (record, i), &parts->images[i]->info);
      }
  if (parts->composition != NULL)
    _esp_record_set_text (&record->composition, parts->composition);
  return parts->latents == NULL
         || _esp_store_add_latents (store, parts->latents, &record->latents, error);
}

char *
_esp_document_dup_asked (const EspComposition *composition)
{
  g_autoptr (EspComposition) asked = esp_composition_dup_asked (composition);

  return asked != NULL ? esp_composition_to_json (asked) : NULL;
}

gboolean
_esp_record_note_source (EspRecord *record, EspStore *store, GError **error)
{
  g_autoptr (EspRecord) parent = NULL;

  if (record->parent == 0)
    return TRUE;
  parent = _esp_store_read_node (store, record->parent, error);
  if (parent == NULL)
    return FALSE;
  _esp_image_info_copy (&record->source, &parent->image);
  record->source_node = parent->id;
  return TRUE;
}

/* --- Another mask ----------------------------------------------------------------------------- */

typedef struct
{
  gint64 id;
  EspParts *parts;
  char *title;
} Composing;

static void
free_composing (gpointer data)
{
  Composing *composing = data;

  _esp_parts_free (composing->parts);
  g_free (composing->title);
  g_free (composing);
}

static gboolean
prepare_composing (EspCall *call, GError **error)
{
  const Composing *composing = call->data;

  return _esp_parts_prepare (composing->parts, _esp_call_get_cancellable (call), error);
}

/* The picture that the node gets: `parts` say, or what was made. */
static gboolean
compose (const Composing *composing, EspStore *store, EspRecord *record, GError **error)
{
  if (record->image.id == 0 || record->kind != ESP_NODE_TURN
      || (record->raw.id == 0 && record->composition != NULL))
    {
      g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                           _ ("What the model made is not kept, so that nothing else can be made "
                              "of it"));
      return FALSE;
    }
  if (record->raw.id == 0)
    _esp_image_info_copy (&record->raw, &record->image);
  if (record->source.id == 0 && !_esp_record_note_source (record, store, error))
    return FALSE;
  _esp_image_info_clear (&record->mask);
  if (composing->parts->images[ESP_NODE_PICTURE_SHOWN] == NULL)
    _esp_image_info_copy (&record->image, &record->raw);
  return _esp_parts_store (composing->parts, store, record, error);
}

static gboolean
do_compose (EspCall *call, EspWriter *writer, GError **error)
{
  Composing *composing = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  g_autoptr (EspRecord) before = _esp_store_read_node (store, composing->id, error);
  g_autoptr (EspRecord) after = NULL;

  if (before == NULL)
    return FALSE;
  after = _esp_record_copy (before);
  if (!compose (composing, store, after, error))
    return FALSE;
  _esp_changes_begin_step (call->changes, g_strdup (composing->title));
  if (_esp_record_compare (before, after) == 0)
    return TRUE;
  return _esp_changes_put (call->changes, store, before, g_steal_pointer (&after), error);
}

void
esp_document_set_composition_async (EspDocument *self, EspNode *node,
                                    const EspComposition *composition, GBytes *image, GBytes *mask,
                                    const char *title, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  Composing *composing;
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (composition != NULL && title != NULL);

  if (_esp_document_refuse (self, node, esp_document_set_composition_async, cancellable, callback,
                            user_data))
    return;
  composing = g_new0 (Composing, 1);
  composing->id = esp_node_get_id (node);
  composing->parts = _esp_parts_new (image, NULL, mask, NULL, composition);
  composing->title = g_strdup (title);
  call = _esp_document_start (self, ESP_CALL_EDIT, esp_document_set_composition_async, cancellable,
                              callback, user_data, composing, free_composing);
  call->prepare = prepare_composing;
  call->work = do_compose;
  _esp_writer_push (self->writer, call);
}

/* --- Forgetting ------------------------------------------------------------------------------- */

/* Its source is what its parent shows in any case, as a rule: nothing is gained by forgetting that.
 */
static gboolean
is_source_shown (EspStore *store, const EspRecord *record)
{
  g_autoptr (EspRecord) parent
      = record->source_node != 0 ? _esp_store_read_node (store, record->source_node, NULL) : NULL;

  return parent != NULL && !parent->deleted && parent->image.id == record->source.id;
}

static void
forget (EspStore *store, EspRecord *record)
{
  if (record->raw.id != record->image.id)
    _esp_image_info_clear (&record->raw);
  _esp_image_info_clear (&record->mask);
  record->latents = 0;
  if (!is_source_shown (store, record))
    {
      _esp_image_info_clear (&record->source);
      record->source_node = 0;
    }
}

static gboolean
do_forget (EspCall *call, EspWriter *writer, GError **error)
{
  const GArray *ids = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  guint n = 0;

  _esp_changes_begin_step (call->changes, NULL);
  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (EspRecord) before
          = _esp_store_read_node (store, g_array_index (ids, gint64, i), error);
      g_autoptr (EspRecord) after = NULL;

      if (before == NULL)
        return FALSE;
      after = _esp_record_copy (before);
      /* What is under way needs them still. */
      if (after->state == ESP_NODE_DONE)
        forget (store, after);
      if (_esp_record_compare (before, after) == 0)
        continue;
      n++;
      if (!_esp_changes_put (call->changes, store, before, g_steal_pointer (&after), error))
        return FALSE;
    }
  _esp_changes_set_title (
      call->changes,
      g_strdup_printf (ngettext ("Forget Parts of %u Turn", "Forget Parts of %u Turns", n), n));
  return TRUE;
}

void
esp_document_forget_parts_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (nodes != NULL);

  _esp_document_push_on_nodes (self, nodes, do_forget, esp_document_forget_parts_async, cancellable,
                               callback, user_data);
}
