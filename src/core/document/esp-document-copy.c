/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-copy.c: branches that come from another document, or from elsewhere in the same. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"
#include "esp-json-member.h"

#include <glib/gi18n-lib.h>

/* Instead of a parent: a picture that only comes along as a reference is a root. */
#define STAYS_ROOT -1

typedef struct
{
  EspReaders *readers; /* of the source */
  GPtrArray *records;  /* of EspRecord with the source's ids; parents before children */
  GHashTable *plans;   /* of the sweeps that they are cells of, by the source's ids */
  gboolean same;       /* source and destination are one */
  gint64 parent;       /* in the destination */
} Copying;

static void
free_copying (gpointer data)
{
  Copying *copying = data;

  _esp_readers_unref (copying->readers);
  g_ptr_array_unref (copying->records);
  g_hash_table_unref (copying->plans);
  g_free (copying);
}

/* --- Main thread: what is copied -------------------------------------------------------------- */

static EspRecord *
dup_record (EspNode *node, gboolean is_top)
{
  EspRecord *record = _esp_record_copy (_esp_node_get_record (node));

  if (is_top)
    record->parent = 0;
  if (record->state == ESP_NODE_QUEUED || record->state == ESP_NODE_RUNNING)
    {
      record->state = ESP_NODE_CANCELLED;
      _esp_record_set_text (&record->remote_job, NULL);
    }
  return record;
}

/* A picture from outside the branch that a turn refers to comes along as an import, so that the
 * turn can be run again. */
static EspRecord *
dup_reference (EspNode *node)
{
  EspRecord *record = _esp_record_new ();
  g_autofree char *title = esp_node_dup_title (node);

  record->id = esp_node_get_id (node);
  record->parent = STAYS_ROOT;
  record->kind = ESP_NODE_IMPORTED;
  record->state = ESP_NODE_DONE;
  record->created = esp_node_get_created (node);
  _esp_image_info_copy (&record->image, &_esp_node_get_record (node)->image);
  _esp_record_set_text (&record->file_name, esp_node_get_file_name (node));
  _esp_record_set_text (&record->label, title);
  return record;
}

/* What a node shows, as an import, and what a turn of it goes on from: latents, and what says where
 * they count. */
static EspRecord *
dup_picture (EspNode *node)
{
  const EspRecord *own = _esp_node_get_record (node);
  EspRecord *record = dup_reference (node);
  g_autofree char *title = esp_node_dup_title (node);

  _esp_record_set_text (&record->file_name, title);
  _esp_record_set_text (&record->label, NULL);
  if (own->latents == 0)
    return record;
  record->latents = own->latents;
  _esp_image_info_copy (&record->raw, &own->raw);
  _esp_image_info_copy (&record->mask, &own->mask);
  _esp_record_set_text (&record->composition, own->composition);
  return record;
}

static void
add_references (Copying *copying, GPtrArray *nodes, GHashTable *taken)
{
  const guint n = nodes->len;

  for (guint i = 0; i < n; i++)
    {
      GPtrArray *references = esp_node_get_references (nodes->pdata[i]);

      for (guint j = 0; j < references->len; j++)
        {
          EspNode *reference = references->pdata[j];

          if (esp_node_has_image (reference) && g_hash_table_add (taken, reference))
            g_ptr_array_add (copying->records, dup_reference (reference));
        }
    }
}

/* Without recursion: a branch may be thousands deep. */
static GPtrArray *
collect_branch (EspDocument *source, EspNode *top)
{
  GPtrArray *nodes = g_ptr_array_new ();
  GListModel *roots = esp_document_get_roots (source);

  if (top != NULL)
    g_ptr_array_add (nodes, top);
  else
    for (guint i = 0; i < g_list_model_get_n_items (roots); i++)
      {
        g_autoptr (EspNode) root = g_list_model_get_item (roots, i);

        g_ptr_array_add (nodes, root);
      }
  for (guint i = 0; i < nodes->len; i++)
    {
      GListModel *children = esp_node_get_children (nodes->pdata[i]);

      for (guint j = 0; j < g_list_model_get_n_items (children); j++)
        {
          g_autoptr (EspNode) child = g_list_model_get_item (children, j);

          g_ptr_array_add (nodes, child);
        }
    }
  return nodes;
}

static void
add_plan (Copying *copying, EspDocument *source, gint64 sweep)
{
  if (sweep != 0 && !g_hash_table_contains (copying->plans, &sweep))
    g_hash_table_insert (copying->plans, g_memdup2 (&sweep, sizeof sweep),
                         g_strdup (esp_document_get_sweep_plan (source, sweep)));
}

static Copying *
new_empty_copying (EspDocument *self, EspDocument *source, EspNode *parent)
{
  Copying *copying = g_new0 (Copying, 1);

  copying->readers = _esp_readers_ref (source->readers);
  copying->records = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_record_free);
  copying->plans = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  copying->same = self == source;
  copying->parent = parent != NULL ? esp_node_get_id (parent) : 0;
  return copying;
}

static Copying *
new_copying (EspDocument *self, EspDocument *source, EspNode *top, EspNode *parent)
{
  Copying *copying = new_empty_copying (self, source, parent);
  g_autoptr (GPtrArray) nodes = collect_branch (source, top);
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < nodes->len; i++)
    g_hash_table_add (taken, nodes->pdata[i]);
  if (!copying->same)
    add_references (copying, nodes, taken);
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = nodes->pdata[i];

      add_plan (copying, source, esp_node_get_sweep (node));
      g_ptr_array_add (copying->records,
                       dup_record (node, esp_node_get_parent (node) == NULL || node == top));
    }
  return copying;
}

/* --- The document's thread -------------------------------------------------------------------- */

/* The image with its thumbnails; none of them is made again. */
static gboolean
copy_image (EspStore *from, EspStore *to, EspImageInfo *info, GCancellable *cancellable,
            GError **error)
{
  g_autoptr (EspPreparedImage) image = NULL;
  GError *local = NULL;
  EspImageInfo known = { 0 };

  if (_esp_store_find_image (to, info->sha256, &known, &local))
    {
      _esp_image_info_copy (info, &known);
      _esp_image_info_clear (&known);
      return TRUE;
    }
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  image = g_new0 (EspPreparedImage, 1);
  _esp_image_info_copy (&image->info, info);
  image->bytes = _esp_store_read_image (from, info, cancellable, error);
  if (image->bytes == NULL)
    return FALSE;
  image->thumbnails[0] = _esp_store_read_thumbnail (from, info->id, ESP_THUMBNAIL_SMALL, NULL);
  image->thumbnails[1] = _esp_store_read_thumbnail (from, info->id, ESP_THUMBNAIL_LARGE, NULL);
  if (!_esp_store_add_image (to, image, error))
    return FALSE;
  info->id = image->info.id;
  return TRUE;
}

/* All that belongs to the node. */
static gboolean
copy_pictures (EspCall *call, EspStore *from, EspStore *to, EspRecord *record, GError **error)
{
  g_autoptr (GBytes) latents = NULL;

  for (guint i = 0; i <= ESP_NODE_PICTURE_SOURCE; i++)
    {
      EspImageInfo *info = _esp_record_get_picture (record, i);

      if (info->id != 0 && !copy_image (from, to, info, _esp_call_get_cancellable (call), error))
        return FALSE;
    }
  if (record->latents == 0)
    return TRUE;
  latents = _esp_store_read_latents (from, record->latents, error);
  return latents != NULL && _esp_store_add_latents (to, latents, &record->latents, error);
}

/* References to what did not come along are dropped. */
static void
map_references (EspRecord *record, GHashTable *ids, gboolean same)
{
  if (record->references == NULL)
    return;
  for (guint i = record->references->len; i > 0; i--)
    {
      gint64 *reference = &g_array_index (record->references, gint64, i - 1);
      const gint64 *copy = g_hash_table_lookup (ids, reference);

      if (copy != NULL)
        *reference = *copy;
      else if (!same)
        g_array_remove_index (record->references, i - 1);
    }
}

/* The nodes that a plan names: where its turns start from, and their further images. Those that did
 * not come along are none, but for the start, which then is what the branch was hung below. */
static gint64
map_node (const Copying *copying, GHashTable *ids, gint64 node, gint64 otherwise)
{
  const gint64 *copy = g_hash_table_lookup (ids, &node);

  if (copy != NULL)
    return *copy;
  return copying->same ? node : otherwise;
}

static void
map_source (const Copying *copying, GHashTable *ids, EspRecord *record)
{
  if (record->source_node != 0)
    record->source_node = map_node (copying, ids, record->source_node, 0);
}

static JsonArray *
map_nodes (const Copying *copying, GHashTable *ids, JsonArray *nodes)
{
  JsonArray *mapped = json_array_new ();

  for (guint i = 0; i < json_array_get_length (nodes); i++)
    {
      JsonNode *node = json_array_get_element (nodes, i);

      json_array_add_int_element (
          mapped,
          map_node (copying, ids, JSON_NODE_HOLDS_VALUE (node) ? json_node_get_int (node) : 0, 0));
    }
  return mapped;
}

static void
map_member (const Copying *copying, GHashTable *ids, JsonObject *object, const char *key)
{
  JsonArray *nodes = esp_json_get_array (object, key);

  if (nodes != NULL)
    json_object_set_array_member (object, key, map_nodes (copying, ids, nodes));
}

static char *
dup_mapped_plan (const Copying *copying, GHashTable *ids, const char *plan)
{
  g_autoptr (JsonObject) object = esp_json_parse_object (plan);
  JsonArray *axes = object != NULL ? esp_json_get_array (object, "axes") : NULL;
  JsonObject *turn = object != NULL ? esp_json_get_object (object, "turn") : NULL;

  if (object == NULL)
    return g_strdup (plan);
  json_object_set_int_member (
      object, "parent",
      map_node (copying, ids, (gint64) esp_json_get_number (object, "parent", 0), copying->parent));
  if (turn != NULL)
    map_member (copying, ids, turn, "references");
  for (guint i = 0; axes != NULL && i < json_array_get_length (axes); i++)
    {
      JsonNode *axis = json_array_get_element (axes, i);

      if (JSON_NODE_HOLDS_OBJECT (axis)
          && g_strcmp0 (esp_json_get_string (json_node_get_object (axis), "kind"), "node") == 0)
        map_member (copying, ids, json_node_get_object (axis), "values");
    }
  return esp_json_dup_canonical (object);
}

/* The copies of a sweep's cells are those of a sweep of their own. `sweeps`: id there → id here. */
static gboolean
copy_sweep (const Copying *copying, EspStore *store, GHashTable *sweeps, EspRecord *record,
            GError **error)
{
  const gint64 old = record->sweep;
  const gint64 *known = g_hash_table_lookup (sweeps, &old);

  if (old == 0)
    return TRUE;
  if (known == NULL)
    {
      if (!_esp_store_add_sweep (store, g_hash_table_lookup (copying->plans, &old), &record->sweep,
                                 error))
        return FALSE;
      g_hash_table_insert (sweeps, g_memdup2 (&old, sizeof old),
                           g_memdup2 (&record->sweep, sizeof record->sweep));
    }
  else
    record->sweep = *known;
  return TRUE;
}

/* Once it is known what became of the nodes. */
static gboolean
copy_plans (EspCall *call, EspStore *store, GHashTable *sweeps, GHashTable *ids, GError **error)
{
  const Copying *copying = call->data;
  GHashTableIter iter;
  gpointer old, new;

  g_hash_table_iter_init (&iter, sweeps);
  while (g_hash_table_iter_next (&iter, &old, &new))
    {
      g_autofree char *plan
          = dup_mapped_plan (copying, ids, g_hash_table_lookup (copying->plans, old));

      if (!_esp_store_set_sweep_plan (store, *(gint64 *) new, plan, error))
        return FALSE;
      _esp_changes_add_sweep (call->changes, *(gint64 *) new, plan);
    }
  return TRUE;
}

static gboolean
copy_record (EspCall *call, EspStore *store, EspStore *from, GHashTable *ids, GHashTable *sweeps,
             EspRecord *record, GError **error)
{
  const Copying *copying = call->data;
  const gint64 old = record->id;
  const gint64 *parent = g_hash_table_lookup (ids, &record->parent);

  record->id = 0;
  if (parent == NULL)
    {
      record->parent = record->parent == STAYS_ROOT ? 0 : copying->parent;
      if (!_esp_store_next_position (store, record->parent, &record->position, error))
        {
          _esp_record_free (record);
          return FALSE;
        }
    }
  else
    record->parent = *parent;
  if (!copy_sweep (copying, store, sweeps, record, error))
    {
      _esp_record_free (record);
      return FALSE;
    }
  map_source (copying, ids, record);
  if (from != NULL && !copy_pictures (call, from, store, record, error))
    {
      _esp_record_free (record);
      return FALSE;
    }
  map_references (record, ids, copying->same);
  if (!_esp_changes_put (call->changes, store, NULL, record, error))
    return FALSE;
  g_hash_table_insert (ids, g_memdup2 (&old, sizeof old),
                       g_memdup2 (&record->id, sizeof record->id));
  return TRUE;
}

static gboolean
do_copy (EspCall *call, EspWriter *writer, GError **error)
{
  Copying *copying = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GHashTable) sweeps
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  EspStore *from = NULL;
  gboolean ok = TRUE;

  if (!_esp_store_check_parent (store, copying->parent, error))
    return FALSE;
  _esp_changes_begin_step (
      call->changes,
      g_strdup_printf (ngettext ("Copy %u Turn", "Copy %u Turns", copying->records->len),
                       copying->records->len));
  if (!copying->same)
    {
      from = _esp_readers_acquire (copying->readers, error);
      if (from == NULL)
        return FALSE;
    }
  for (guint i = 0; ok && i < copying->records->len; i++)
    ok = copy_record (call, store, from, ids, sweeps, g_steal_pointer (&copying->records->pdata[i]),
                      error);
  ok = ok && copy_plans (call, store, sweeps, ids, error);
  if (from != NULL)
    _esp_readers_release (copying->readers, from);
  return ok;
}

/* Is it none that could be copied? Then the call is over. */
static gboolean
refuse_node (EspDocument *self, EspDocument *source, EspNode *node, gpointer tag,
             GAsyncReadyCallback callback, gpointer user_data)
{
  if (_esp_document_owns (source, node) && !esp_node_is_deleted (node))
    return FALSE;
  _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_ARGUMENT,
                      _ ("The node is not one of the document that is copied"));
  return TRUE;
}

void
esp_document_copy_async (EspDocument *self, EspDocument *source, EspNode *node, EspNode *parent,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_DOCUMENT (source));
  g_return_if_fail (node == NULL || ESP_IS_NODE (node));
  g_return_if_fail (parent == NULL || ESP_IS_NODE (parent));

  if (_esp_document_refuse (self, parent, esp_document_copy_async, cancellable, callback,
                            user_data))
    return;
  if (node != NULL
      && refuse_node (self, source, node, esp_document_copy_async, callback, user_data))
    return;
  call = _esp_document_start (self, ESP_CALL_EDIT, esp_document_copy_async, cancellable, callback,
                              user_data, new_copying (self, source, node, parent), free_copying);
  call->work = do_copy;
  _esp_writer_push (self->writer, call);
}

void
esp_document_copy_picture_async (EspDocument *self, EspDocument *source, EspNode *node,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  Copying *copying;
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_DOCUMENT (source) && source != self);
  g_return_if_fail (ESP_IS_NODE (node) && esp_node_has_image (node));

  if (_esp_document_refuse (self, NULL, esp_document_copy_picture_async, cancellable, callback,
                            user_data)
      || refuse_node (self, source, node, esp_document_copy_picture_async, callback, user_data))
    return;
  copying = new_empty_copying (self, source, NULL);
  g_ptr_array_add (copying->records, dup_picture (node));
  call = _esp_document_start (self, ESP_CALL_EDIT, esp_document_copy_picture_async, cancellable,
                              callback, user_data, copying, free_copying);
  call->work = do_copy;
  _esp_writer_push (self->writer, call);
}
