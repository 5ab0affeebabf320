/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document.c: the document as an object: its properties, signals and getters, and how
 * operations are started. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

G_DEFINE_FINAL_TYPE (EspDocument, esp_document, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_CAN_UNDO,
  PROP_CAN_REDO,
  PROP_CURRENT,
  PROP_SAVE_STATE,
  PROP_ACCESS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  NODE_ADDED,
  NODE_REMOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_document_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EspDocument *self = ESP_DOCUMENT (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_CAN_UNDO:
      g_value_set_boolean (value, self->undo_title != NULL);
      break;
    case PROP_CAN_REDO:
      g_value_set_boolean (value, self->redo_title != NULL);
      break;
    case PROP_CURRENT:
      g_value_set_object (value, self->current);
      break;
    case PROP_SAVE_STATE:
      g_value_set_int (value, (int) self->save_state);
      break;
    case PROP_ACCESS:
      g_value_set_int (value, (int) self->access);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Nodes that someone still holds lose their neighbours. */
static void
unlink_nodes (EspDocument *self)
{
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    {
      _esp_node_set_parent (node, NULL);
      _esp_node_set_references (node, NULL);
      g_list_store_remove_all (_esp_node_get_list (node));
    }
}

static void
esp_document_dispose (GObject *object)
{
  EspDocument *self = ESP_DOCUMENT (object);

  _esp_document_unwatch (self);
  if (self->writer != NULL)
    {
      _esp_document_flush_view (self);
      g_clear_pointer (&self->writer, _esp_writer_stop);
    }
  if (self->view_timer != NULL)
    {
      g_source_destroy (self->view_timer);
      g_clear_pointer (&self->view_timer, g_source_unref);
    }
  g_clear_object (&self->current);
  g_clear_object (&self->roots);
  if (self->nodes != NULL)
    unlink_nodes (self);
  g_clear_pointer (&self->nodes, g_hash_table_unref);
  g_clear_pointer (&self->readers, _esp_readers_unref);

  G_OBJECT_CLASS (esp_document_parent_class)->dispose (object);
}

static void
esp_document_finalize (GObject *object)
{
  EspDocument *self = ESP_DOCUMENT (object);

  g_clear_object (&self->file);
  g_free (self->title);
  g_free (self->save_message);
  g_free (self->undo_title);
  g_free (self->redo_title);
  g_clear_pointer (&self->sweeps, g_hash_table_unref);
  g_clear_pointer (&self->instructions, g_ptr_array_unref);
  g_clear_pointer (&self->view, g_hash_table_unref);
  g_clear_pointer (&self->pending_view, g_hash_table_unref);
  g_clear_pointer (&self->pending_folded, g_hash_table_unref);
  g_clear_pointer (&self->context, g_main_context_unref);

  G_OBJECT_CLASS (esp_document_parent_class)->finalize (object);
}

static void
esp_document_class_init (EspDocumentClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = esp_document_get_property;
  object_class->dispose = esp_document_dispose;
  object_class->finalize = esp_document_finalize;

  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_CAN_UNDO] = g_param_spec_boolean ("can-undo", NULL, NULL, FALSE, flags);
  properties[PROP_CAN_REDO] = g_param_spec_boolean ("can-redo", NULL, NULL, FALSE, flags);
  properties[PROP_CURRENT] = g_param_spec_object ("current", NULL, NULL, ESP_TYPE_NODE, flags);
  properties[PROP_SAVE_STATE]
      = g_param_spec_int ("save-state", NULL, NULL, ESP_DOCUMENT_SAVED,
                          ESP_DOCUMENT_CHANGED_ELSEWHERE, ESP_DOCUMENT_SAVED, flags);
  properties[PROP_ACCESS]
      = g_param_spec_int ("access", NULL, NULL, ESP_DOCUMENT_WRITABLE, ESP_DOCUMENT_NO_PERMISSION,
                          ESP_DOCUMENT_WRITABLE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[NODE_ADDED] = g_signal_new ("node-added", ESP_TYPE_DOCUMENT, G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
  signals[NODE_REMOVED] = g_signal_new ("node-removed", ESP_TYPE_DOCUMENT, G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
}

static void
esp_document_init (EspDocument *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->readers = _esp_readers_new ();
  self->nodes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->roots = g_list_store_new (ESP_TYPE_NODE);
  self->instructions = g_ptr_array_new_with_free_func (g_free);
  self->sweeps = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                        (GDestroyNotify) _esp_stored_sweep_free);
  self->view = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->pending_view = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->pending_folded = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
}

EspDocument *
_esp_document_new (void)
{
  EspDocument *self = g_object_new (ESP_TYPE_DOCUMENT, NULL);

  self->writer = _esp_writer_new (self, self->readers);
  return self;
}

/* --- What others change ----------------------------------------------------------------------- */

static void
notify (EspDocument *self, int property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
_esp_document_set_file (EspDocument *self, GFile *file, gboolean in_library)
{
  g_autofree char *base = g_file_get_basename (file);
  g_autofree char *title = g_filename_display_name (base != NULL ? base : "?");

  if (g_str_has_suffix (title, ".espalier") && title[0] != '.')
    title[strlen (title) - strlen (".espalier")] = '\0';
  if (g_set_object (&self->file, file))
    _esp_document_watch (self);
  self->in_library = in_library;
  if (g_strcmp0 (title, self->title) == 0)
    return;
  g_free (self->title);
  self->title = g_steal_pointer (&title);
  notify (self, PROP_TITLE);
}

void
_esp_document_set_access (EspDocument *self, EspDocumentAccess access)
{
  if (self->access == access)
    return;
  self->access = access;
  notify (self, PROP_ACCESS);
}

void
_esp_document_set_save_state (EspDocument *self, EspDocumentSaveState state, const char *message)
{
  if (self->save_state == state && g_strcmp0 (self->save_message, message) == 0)
    return;
  self->save_state = state;
  g_free (self->save_message);
  self->save_message = g_strdup (message);
  notify (self, PROP_SAVE_STATE);
}

static void
set_title (EspDocument *self, char **title, const char *value, int property)
{
  if (g_strcmp0 (*title, value) == 0)
    return;
  g_free (*title);
  *title = g_strdup (value);
  notify (self, property); /* another step, or another answer */
}

void
_esp_document_set_titles (EspDocument *self, const char *undo_title, const char *redo_title)
{
  set_title (self, &self->undo_title, undo_title, PROP_CAN_UNDO);
  set_title (self, &self->redo_title, redo_title, PROP_CAN_REDO);
}

void
_esp_document_emit_current (EspDocument *self)
{
  notify (self, PROP_CURRENT);
}

void
_esp_document_emit_added (EspDocument *self, EspNode *node)
{
  g_signal_emit (self, signals[NODE_ADDED], 0, node);
}

void
_esp_document_emit_removed (EspDocument *self, EspNode *node)
{
  g_signal_emit (self, signals[NODE_REMOVED], 0, node);
}

/* --- Starting operations ---------------------------------------------------------------------- */

EspCall *
_esp_document_start (EspDocument *self, EspCallKind kind, gpointer tag, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer user_data, gpointer data,
                     GDestroyNotify free_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  /* What is stored is stored, and its caller is to hear of it. */
  g_task_set_check_cancellable (task, FALSE);
  return _esp_call_new (kind, task, data, free_data);
}

void
_esp_document_fail (EspDocument *self, gpointer tag, GAsyncReadyCallback callback,
                    gpointer user_data, EspDocumentError code, const char *message)
{
  g_task_report_new_error (self, callback, user_data, tag, ESP_DOCUMENT_ERROR, (int) code, "%s",
                           message);
}

gboolean
_esp_document_refuse (EspDocument *self, EspNode *node, gpointer tag, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  if (self->closed)
    _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_OPEN,
                        _ ("The document is closed"));
  else if (self->access != ESP_DOCUMENT_WRITABLE)
    _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_READ_ONLY,
                        _ ("The document is open for reading only"));
  else if (node != NULL && !_esp_document_owns (self, node))
    _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_ARGUMENT,
                        _ ("The node is not one of this document"));
  else
    return FALSE;
  return TRUE;
}

void
_esp_document_push_on_nodes (EspDocument *self, GPtrArray *nodes, EspCallWork work, gpointer tag,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GArray *ids;
  EspCall *call;

  if (_esp_document_refuse (self, NULL, tag, cancellable, callback, user_data))
    return;
  for (guint i = 0; i < nodes->len; i++)
    if (_esp_document_refuse (self, nodes->pdata[i], tag, cancellable, callback, user_data))
      return;
  ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), nodes->len);
  for (guint i = 0; i < nodes->len; i++)
    {
      const gint64 id = esp_node_get_id (nodes->pdata[i]);

      g_array_append_val (ids, id);
    }
  call = _esp_document_start (self, ESP_CALL_EDIT, tag, cancellable, callback, user_data, ids,
                              (GDestroyNotify) g_array_unref);
  call->work = work;
  _esp_writer_push (self->writer, call);
}

gboolean
_esp_document_refuse_text (EspDocument *self, const char *text, gpointer tag,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  /* Bytes that are no UTF-8 become three bytes each. */
  if (text == NULL || strlen (text) <= ESP_RECORD_MAX_TEXT / 3)
    return FALSE;
  _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_ARGUMENT,
                      _ ("The text is too long"));
  return TRUE;
}

EspNode *
_esp_document_lookup (EspDocument *self, gint64 id)
{
  return g_hash_table_lookup (self->nodes, &id);
}

gboolean
_esp_document_owns (EspDocument *self, EspNode *node)
{
  return _esp_document_lookup (self, esp_node_get_id (node)) == node;
}

/* --- Getters ---------------------------------------------------------------------------------- */

GFile *
esp_document_get_file (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return self->file;
}

const char *
esp_document_get_title (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return self->title;
}

gboolean
esp_document_is_in_library (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), FALSE);
  return self->in_library;
}

EspDocumentAccess
esp_document_get_access (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), ESP_DOCUMENT_NO_PERMISSION);
  return self->access;
}

EspDocumentSaveState
esp_document_get_save_state (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), ESP_DOCUMENT_SAVED);
  return self->save_state;
}

const char *
esp_document_get_save_message (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return self->save_message;
}

GListModel *
esp_document_get_roots (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return G_LIST_MODEL (self->roots);
}

guint
esp_document_get_n_nodes (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), 0);
  return self->n_nodes;
}

EspNode *
esp_document_get_node (EspDocument *self, gint64 id)
{
  EspNode *node;

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);

  node = _esp_document_lookup (self, id);
  return node != NULL && !esp_node_is_deleted (node) ? node : NULL;
}

gboolean
esp_document_can_undo (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), FALSE);
  return self->undo_title != NULL;
}

gboolean
esp_document_can_redo (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), FALSE);
  return self->redo_title != NULL;
}

char *
esp_document_dup_undo_title (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return g_strdup (self->undo_title);
}

char *
esp_document_dup_redo_title (EspDocument *self)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);
  return g_strdup (self->redo_title);
}

/* What was used again moves to the end. */
char **
esp_document_dup_instructions (EspDocument *self)
{
  GPtrArray *texts = g_ptr_array_new ();

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), NULL);

  for (guint i = self->instructions->len; i > 0; i--)
    g_ptr_array_add (texts, g_strdup (self->instructions->pdata[i - 1]));
  g_ptr_array_add (texts, NULL);
  return (char **) g_ptr_array_free (texts, FALSE);
}
