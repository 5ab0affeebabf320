/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-add.c: how nodes come into a document, and what becomes of turns. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_COUNT 8

static void
free_adding (gpointer data)
{
  EspAdding *adding = data;

  g_ptr_array_unref (adding->records);
  g_array_unref (adding->ids);
  g_clear_pointer (&adding->bytes, g_bytes_unref);
  _esp_prepared_image_free (adding->image);
  _esp_parts_free (adding->parts);
  g_free (adding->plan);
  g_free (adding->title);
  g_free (adding);
}

EspAdding *
_esp_adding_new (char *title)
{
  EspAdding *adding = g_new0 (EspAdding, 1);

  adding->records = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_record_free);
  adding->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  adding->title = title;
  return adding;
}

static gboolean
prepare_image (EspCall *call, GError **error)
{
  EspAdding *adding = call->data;
  const EspRecord *record = adding->records->len > 0 ? adding->records->pdata[0] : NULL;

  if (adding->parts != NULL)
    return _esp_parts_prepare (adding->parts, _esp_call_get_cancellable (call), error);
  if (adding->bytes == NULL)
    return TRUE;
  adding->image = _esp_prepared_image_new (adding->bytes, record != NULL ? record->file_name : NULL,
                                           _esp_call_get_cancellable (call), error);
  return adding->image != NULL;
}

/* Behind its siblings: `positions` has the last one of each parent. FALSE also if it was deleted.
 */
static gboolean
place_record (EspStore *store, GHashTable *positions, EspRecord *record, GError **error)
{
  double *last = g_hash_table_lookup (positions, &record->parent);

  if (last == NULL)
    {
      if (!_esp_store_check_parent (store, record->parent, error)
          || !_esp_store_next_position (store, record->parent, &record->position, error))
        return FALSE;
      last = g_memdup2 (&record->position, sizeof record->position);
      g_hash_table_insert (positions, g_memdup2 (&record->parent, sizeof record->parent), last);
      return TRUE;
    }
  record->position = ++*last;
  return TRUE;
}

static gboolean
add_sweep (EspCall *call, EspStore *store, GError **error)
{
  EspAdding *adding = call->data;

  if (adding->plan == NULL)
    return TRUE;
  if (!_esp_store_add_sweep (store, adding->plan, &adding->sweep, error))
    return FALSE;
  _esp_changes_add_sweep (call->changes, adding->sweep, adding->plan);
  return TRUE;
}

/* What was made is what is shown, unless there is another. */
static gboolean
store_parts (EspParts *parts, EspStore *store, EspRecord *record, GError **error)
{
  if (!_esp_parts_store (parts, store, record, error))
    return FALSE;
  if (record->composition != NULL && record->raw.id == 0)
    _esp_image_info_copy (&record->raw, &record->image);
  return TRUE;
}

static gboolean
do_add (EspCall *call, EspWriter *writer, GError **error)
{
  EspAdding *adding = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  g_autoptr (GHashTable) positions
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GHashTable) noted = g_hash_table_new (g_str_hash, g_str_equal);

  _esp_changes_begin_step (call->changes, g_strdup (adding->title));
  if (adding->image != NULL && !_esp_store_add_image (store, adding->image, error))
    return FALSE;
  if (!add_sweep (call, store, error))
    return FALSE;
  for (guint i = 0; i < adding->records->len; i++)
    {
      EspRecord *record = g_steal_pointer (&adding->records->pdata[i]);

      record->sweep = adding->sweep;
      if (adding->image != NULL)
        _esp_image_info_copy (&record->image, &adding->image->info);
      if ((adding->parts != NULL && !store_parts (adding->parts, store, record, error))
          || !place_record (store, positions, record, error))
        {
          _esp_record_free (record);
          return FALSE;
        }
      if (!_esp_changes_put (call->changes, store, NULL, record, error)
          || (g_hash_table_add (noted, record->instruction)
              && !_esp_changes_note_instruction (call->changes, store, record, error)))
        return FALSE;
      g_array_append_val (adding->ids, record->id);
    }
  return TRUE;
}

static void
finish_add_one (EspCall *call)
{
  const EspAdding *adding = call->data;
  EspDocument *self = g_task_get_source_object (call->task);
  EspNode *node = _esp_document_lookup (self, g_array_index (adding->ids, gint64, 0));

  g_task_return_pointer (call->task, g_object_ref (node), g_object_unref);
}

static void
finish_add_many (EspCall *call)
{
  const EspAdding *adding = call->data;
  EspDocument *self = g_task_get_source_object (call->task);
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < adding->ids->len; i++)
    g_ptr_array_add (
        nodes, g_object_ref (_esp_document_lookup (self, g_array_index (adding->ids, gint64, i))));
  g_task_return_pointer (call->task, nodes, (GDestroyNotify) g_ptr_array_unref);
}

static EspNode *
finish_node (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_autoptr (EspNode) node = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  node = g_task_propagate_pointer (G_TASK (result), error);
  return node; /* the document has it */
}

static void
push_adding (EspDocument *self, EspAdding *adding, gpointer tag, void (*finish) (EspCall *),
             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call = _esp_document_start (self, ESP_CALL_EDIT, tag, cancellable, callback, user_data,
                                       adding, free_adding);

  if (adding->bytes != NULL || adding->parts != NULL)
    call->prepare = prepare_image;
  call->work = do_add;
  call->finish = finish;
  _esp_writer_push (self->writer, call);
}

static gint64
get_parent_id (EspNode *parent)
{
  return parent != NULL ? esp_node_get_id (parent) : 0;
}

/* --- Import ----------------------------------------------------------------------------------- */

void
esp_document_import_async (EspDocument *self, GBytes *bytes, const char *file_name, EspNode *parent,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autofree char *valid = file_name != NULL ? g_utf8_make_valid (file_name, -1) : NULL;
  EspRecord *record;
  EspAdding *adding;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (bytes != NULL);
  g_return_if_fail (parent == NULL || ESP_IS_NODE (parent));

  if (_esp_document_refuse (self, parent, esp_document_import_async, cancellable, callback,
                            user_data))
    return;
  record = _esp_record_new ();
  record->kind = ESP_NODE_IMPORTED;
  record->state = ESP_NODE_DONE;
  record->created = g_get_real_time ();
  record->parent = get_parent_id (parent);
  _esp_record_set_text (&record->file_name, valid);

  adding = _esp_adding_new (g_strdup (_ ("Add Picture")));
  adding->bytes = g_bytes_ref (bytes);
  g_ptr_array_add (adding->records, record);
  push_adding (self, adding, esp_document_import_async, finish_add_one, cancellable, callback,
               user_data);
}

EspNode *
esp_document_import_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return finish_node (self, result, error);
}

/* --- Turns ------------------------------------------------------------------------------------ */

EspRecord *
_esp_document_new_turn_record (EspNode *parent, const EspTurn *turn, guint i)
{
  EspRecord *record = _esp_record_new ();

  record->kind = ESP_NODE_TURN;
  record->state = ESP_NODE_QUEUED;
  record->created = g_get_real_time ();
  record->parent = get_parent_id (parent);
  g_free (record->instruction);
  record->instruction = g_utf8_make_valid (turn->instruction != NULL ? turn->instruction : "", -1);
  if (turn->negative_prompt != NULL && *turn->negative_prompt != '\0')
    record->negative_prompt = g_utf8_make_valid (turn->negative_prompt, -1);
  _esp_record_set_text (&record->backend, turn->backend);
  _esp_record_set_text (&record->model, turn->model);
  _esp_record_set_text (&record->model_name, turn->model_name);
  g_free (record->parameters);
  record->parameters = esp_json_dup_canonical (turn->parameters);
  record->has_seed = turn->has_seed;
  record->seed = turn->has_seed ? turn->seed + i : 0;
  for (guint j = 0; j < turn->n_references; j++)
    {
      const gint64 id = esp_node_get_id (turn->references[j]);

      if (record->references == NULL)
        record->references = g_array_new (FALSE, FALSE, sizeof (gint64));
      g_array_append_val (record->references, id);
    }
  record->composition = _esp_document_dup_asked (turn->composition);
  return record;
}

gboolean
_esp_document_refuse_turn (EspDocument *self, EspNode *parent, const EspTurn *turn, gpointer tag,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  if (_esp_document_refuse (self, parent, tag, cancellable, callback, user_data))
    return TRUE;
  for (guint i = 0; i < turn->n_references; i++)
    if (!ESP_IS_NODE (turn->references[i]) || !_esp_document_owns (self, turn->references[i]))
      {
        _esp_document_fail (self, tag, callback, user_data, ESP_DOCUMENT_ERROR_ARGUMENT,
                            _ ("A reference is not a node of this document"));
        return TRUE;
      }
  return _esp_document_refuse_text (self, turn->instruction, tag, callback, user_data)
         || _esp_document_refuse_text (self, turn->negative_prompt, tag, callback, user_data);
}

void
_esp_document_push_turns (EspDocument *self, EspAdding *adding, gpointer tag,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  push_adding (self, adding, tag, finish_add_many, cancellable, callback, user_data);
}

void
esp_document_add_turns_async (EspDocument *self, EspNode *parent, const EspTurn *turn, guint count,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  EspAdding *adding;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (parent == NULL || ESP_IS_NODE (parent));
  g_return_if_fail (turn != NULL);
  g_return_if_fail (count >= 1 && count <= MAX_COUNT);

  if (_esp_document_refuse_turn (self, parent, turn, esp_document_add_turns_async, cancellable,
                                 callback, user_data))
    return;
  adding = _esp_adding_new (
      count == 1 ? g_strdup (_ ("Add Turn"))
                 : g_strdup_printf (ngettext ("Add %u Turn", "Add %u Turns", count), count));
  for (guint i = 0; i < count; i++)
    g_ptr_array_add (adding->records, _esp_document_new_turn_record (parent, turn, i));
  _esp_document_push_turns (self, adding, esp_document_add_turns_async, cancellable, callback,
                            user_data);
}

GPtrArray *
esp_document_add_turns_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* A record that asks for the same as the node. */
static EspRecord *
new_twin_record (EspNode *node, gboolean has_seed, guint64 seed)
{
  GPtrArray *references = esp_node_get_references (node);
  EspTurn turn = { .instruction = esp_node_get_instruction (node),
                   .negative_prompt = esp_node_get_negative_prompt (node),
                   .backend = esp_node_get_backend (node),
                   .model = esp_node_get_model (node),
                   .model_name = esp_node_get_model_name (node),
                   .parameters = _esp_node_get_asked (node),
                   .has_seed = has_seed || esp_node_has_seed (node),
                   .seed = has_seed ? seed : esp_node_get_seed (node),
                   .references = (EspNode *const *) references->pdata,
                   .n_references = references->len,
                   .composition = esp_node_get_composition (node) };

  return _esp_document_new_turn_record (esp_node_get_parent (node), &turn, 0);
}

void
esp_document_duplicate_async (EspDocument *self, EspNode *node, gboolean has_seed, guint64 seed,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  EspAdding *adding;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (_esp_document_refuse (self, node, esp_document_duplicate_async, cancellable, callback,
                            user_data))
    return;
  if (esp_node_get_kind (node) != ESP_NODE_TURN)
    {
      _esp_document_fail (self, esp_document_duplicate_async, callback, user_data,
                          ESP_DOCUMENT_ERROR_ARGUMENT, _ ("Only turns can be made again"));
      return;
    }
  adding = _esp_adding_new (g_strdup (_ ("Duplicate Turn")));
  g_ptr_array_add (adding->records, new_twin_record (node, has_seed, seed));
  push_adding (self, adding, esp_document_duplicate_async, finish_add_one, cancellable, callback,
               user_data);
}

EspNode *
esp_document_duplicate_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return finish_node (self, result, error);
}

/* --- What becomes of a turn ------------------------------------------------------------------- */

typedef struct
{
  gint64 id;
  EspNodeState state;
  char *message;
  char *remote_job;

  /* Of a turn that is done; the record holds what is in EspTurnOutcome. */
  EspRecord *outcome;
  gboolean has_parameters;
  EspParts *parts;
} Ending;

static void
free_ending (gpointer data)
{
  Ending *ending = data;

  g_free (ending->message);
  g_free (ending->remote_job);
  _esp_record_free (ending->outcome);
  _esp_parts_free (ending->parts);
  g_free (ending);
}

/* Is it to be begun anew, from what its parent shows now? One that is gone on with was made from
 * what it was then; and so was one whose result is there already (do_keep_result ()). */
static gboolean
begins (const EspRecord *record, const Ending *ending)
{
  return ending->state == ESP_NODE_RUNNING && !(record->raw.id != 0 && record->image.id == 0)
         && (record->source.id == 0 || record->remote_job == NULL
             || g_strcmp0 (record->remote_job, ending->remote_job) != 0);
}

static gboolean
do_set_state (EspCall *call, EspWriter *writer, GError **error)
{
  const Ending *ending = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  EspRecord *record = _esp_store_read_node (store, ending->id, error);

  if (record == NULL)
    return FALSE;
  if (begins (record, ending) && !_esp_record_note_source (record, store, error))
    {
      _esp_record_free (record);
      return FALSE;
    }
  record->state = ending->state;
  _esp_record_set_text (&record->message, ending->message);
  _esp_record_set_text (&record->remote_job, ending->remote_job);
  return _esp_changes_put (call->changes, store, NULL, record, error);
}

static void
finish_set_state (EspCall *call)
{
  const Ending *ending = call->data;
  EspNode *node = _esp_document_lookup (g_task_get_source_object (call->task), ending->id);

  if (node != NULL)
    _esp_node_forget_end (node);
  g_task_return_boolean (call->task, TRUE);
}

void
esp_document_set_state_async (EspDocument *self, EspNode *node, EspNodeState state,
                              const char *message, const char *remote_job,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  Ending *ending;
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (_esp_document_refuse (self, node, esp_document_set_state_async, cancellable, callback,
                            user_data))
    return;
  ending = g_new0 (Ending, 1);
  ending->id = esp_node_get_id (node);
  ending->state = state;
  ending->message = message != NULL ? g_utf8_make_valid (message, -1) : NULL;
  ending->remote_job = g_strdup (remote_job);
  call = _esp_document_start (self, ESP_CALL_EDIT, esp_document_set_state_async, cancellable,
                              callback, user_data, ending, free_ending);
  call->work = do_set_state;
  call->finish = finish_set_state;
  _esp_writer_push (self->writer, call);
}

gboolean
esp_document_set_state_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
prepare_ending (EspCall *call, GError **error)
{
  const Ending *ending = call->data;

  return _esp_parts_prepare (ending->parts, _esp_call_get_cancellable (call), error);
}

static void
take_outcome (EspRecord *record, const EspRecord *outcome, gboolean has_parameters)
{
  if (outcome->has_seed)
    {
      record->has_seed = TRUE;
      record->seed = outcome->seed;
    }
  record->seconds = outcome->seconds;
  record->cost = outcome->cost;
  _esp_record_set_text (&record->currency, outcome->currency);
  _esp_record_set_text (&record->timings, outcome->timings);
  if (has_parameters && g_strcmp0 (record->parameters, outcome->parameters) != 0)
    {
      /* What was asked for stays known: siblings that asked for the same are one stack. */
      if (record->asked == NULL)
        record->asked = g_steal_pointer (&record->parameters);
      g_free (record->parameters);
      record->parameters = g_strdup (outcome->parameters);
    }
  if (outcome->model_hash != NULL)
    _esp_record_set_text (&record->model_hash, outcome->model_hash);
  if (outcome->model_name != NULL)
    _esp_record_set_text (&record->model_name, outcome->model_name);
}

static void
finish_record (EspRecord *record, const EspRecord *outcome)
{
  record->state = ESP_NODE_DONE;
  _esp_record_set_text (&record->message, NULL);
  _esp_record_set_text (&record->remote_job, outcome->remote_job);
}

static gboolean
do_finish_turn (EspCall *call, EspWriter *writer, GError **error)
{
  Ending *ending = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  EspRecord *record = _esp_store_read_node (store, ending->id, error);

  if (record == NULL)
    return FALSE;
  _esp_image_info_clear (&record->raw);
  _esp_image_info_clear (&record->mask);
  if (!store_parts (ending->parts, store, record, error))
    {
      _esp_record_free (record);
      return FALSE;
    }
  take_outcome (record, ending->outcome, ending->has_parameters);
  finish_record (record, ending->outcome);
  return _esp_changes_put (call->changes, store, NULL, record, error);
}

static gboolean
do_keep_result (EspCall *call, EspWriter *writer, GError **error)
{
  Ending *ending = call->data;
  EspStore *store = _esp_writer_get_store (writer);
  EspRecord *record = _esp_store_read_node (store, ending->id, error);

  if (record == NULL)
    return FALSE;
  if (!_esp_parts_store (ending->parts, store, record, error))
    {
      _esp_record_free (record);
      return FALSE;
    }
  take_outcome (record, ending->outcome, ending->has_parameters);
  return _esp_changes_put (call->changes, store, NULL, record, error);
}

static EspRecord *
new_outcome_record (const EspTurnOutcome *outcome)
{
  EspRecord *record = _esp_record_new ();

  record->has_seed = outcome->has_seed;
  record->seed = outcome->seed;
  record->seconds = outcome->seconds;
  record->cost = outcome->cost;
  record->currency = g_strdup (outcome->currency);
  record->timings = outcome->timings != NULL ? esp_json_dup_canonical (outcome->timings) : NULL;
  g_free (record->parameters);
  record->parameters = esp_json_dup_canonical (outcome->parameters);
  record->model_hash = g_strdup (outcome->model_hash);
  record->model_name = g_strdup (outcome->model_name);
  record->remote_job = g_strdup (outcome->remote_job);
  return record;
}

static EspParts *
new_parts (const EspTurnOutcome *outcome)
{
  return _esp_parts_new (outcome->image, outcome->raw, outcome->mask, outcome->latents,
                         outcome->composition);
}

/* Takes `parts`. */
static void
push_outcome (EspDocument *self, EspNode *node, const EspTurnOutcome *outcome, EspParts *parts,
              gboolean (*work) (EspCall *, EspWriter *, GError **), gpointer tag,
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Ending *ending;
  EspCall *call;

  if (_esp_document_refuse (self, node, tag, cancellable, callback, user_data))
    {
      _esp_parts_free (parts);
      return;
    }
  ending = g_new0 (Ending, 1);
  ending->id = esp_node_get_id (node);
  ending->parts = parts;
  ending->has_parameters = outcome->parameters != NULL;
  ending->outcome = new_outcome_record (outcome);
  call = _esp_document_start (self, ESP_CALL_EDIT, tag, cancellable, callback, user_data, ending,
                              free_ending);
  call->prepare = prepare_ending;
  call->work = work;
  _esp_writer_push (self->writer, call);
}

void
esp_document_finish_turn_async (EspDocument *self, EspNode *node, const EspTurnOutcome *outcome,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (outcome != NULL && outcome->image != NULL);

  push_outcome (self, node, outcome, new_parts (outcome), do_finish_turn,
                esp_document_finish_turn_async, cancellable, callback, user_data);
}

void
esp_document_keep_result_async (EspDocument *self, EspNode *node, const EspTurnOutcome *outcome,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (outcome != NULL && outcome->image != NULL);

  push_outcome (self, node, outcome,
                _esp_parts_new (NULL, outcome->image, NULL, outcome->latents, NULL), do_keep_result,
                esp_document_keep_result_async, cancellable, callback, user_data);
}

gboolean
esp_document_finish_turn_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Further images of a turn ----------------------------------------------------------------- */

void
esp_document_add_made_async (EspDocument *self, EspNode *node, const EspTurnOutcome *outcome,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  EspRecord *made, *record;
  EspAdding *adding;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node) && esp_node_get_kind (node) == ESP_NODE_TURN);
  g_return_if_fail (outcome != NULL && outcome->image != NULL);

  if (_esp_document_refuse (self, node, esp_document_add_made_async, cancellable, callback,
                            user_data))
    return;
  record = new_twin_record (node, FALSE, 0);
  made = new_outcome_record (outcome);
  take_outcome (record, made, outcome->parameters != NULL);
  finish_record (record, made);
  _esp_record_free (made);
  _esp_image_info_copy (&record->source, &_esp_node_get_record (node)->source);
  record->source_node = _esp_node_get_record (node)->source_node;

  adding = _esp_adding_new (NULL);
  adding->parts = new_parts (outcome);
  g_ptr_array_add (adding->records, record);
  push_adding (self, adding, esp_document_add_made_async, finish_add_one, cancellable, callback,
               user_data);
}

EspNode *
esp_document_add_made_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return finish_node (self, result, error);
}
