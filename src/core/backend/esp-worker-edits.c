/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-edits.c: requests for edits, one or several at once, and the files that they need. */
#include "esp-worker-private.h"

#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-json-text.h"
#include "esp-model-use.h"

void
_esp_worker_need_components (EspWorker *self, JsonObject *components)
{
  JsonObjectIter iter;
  JsonNode *path;

  if (components == NULL)
    return;
  json_object_iter_init (&iter, components);
  while (json_object_iter_next (&iter, NULL, &path))
    if (JSON_NODE_HOLDS_VALUE (path) && json_node_get_value_type (path) == G_TYPE_STRING)
      _esp_worker_access_add_weights (self->access, json_node_get_string (path));
}

EspWorkerAccess *
_esp_worker_get_access (EspWorker *self)
{
  return self->access;
}

void
esp_worker_set_components (EspWorker *self, const char *model, JsonObject *components)
{
  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (model != NULL);

  _esp_worker_need_components (self, components);
  if (components != NULL && json_object_get_size (components) > 0)
    g_hash_table_insert (self->components, g_strdup (model), esp_json_dup_canonical (components));
  else
    g_hash_table_remove (self->components, model);
}

void
_esp_worker_put_model (EspWorker *self, GString *line, const char *model)
{
  const char *components = g_hash_table_lookup (self->components, model);

  _esp_worker_access_add_model (self->access, model);
  esp_json_put_string (line, "model", model, -1);
  if (components != NULL)
    esp_json_put_raw (line, "components", components);
}

static void
put_parameters (GString *line, JsonObject *parameters)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, parameters);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      g_autofree char *text = json_to_string (value, FALSE);

      esp_json_put_raw (line, name, text);
    }
}

/* Four tokens a hexadecimal digit, the first one in its highest bit. */
static char *
dup_tokens (const EspWorkerCarry *carry)
{
  gsize count = (gsize) (carry->width / 16) * (gsize) (carry->height / 16);
  GString *digits = g_string_sized_new (count / 4 + 2);

  for (gsize i = 0; i < count; i += 4)
    {
      guint digit = 0;

      for (gsize bit = 0; bit < 4; bit++)
        digit = digit << 1 | (i + bit < count && carry->tokens[i + bit] != 0);
      g_string_append_c (digits, "0123456789abcdef"[digit]);
    }
  return g_string_free (digits, FALSE);
}

static void
put_carry (GString *line, const EspWorkerCarry *carry)
{
  esp_json_open (line, "carry", '{');
  esp_json_put_string (line, "latents", carry->latents, -1);
  esp_json_put_uint (line, "width", (guint64) carry->width);
  esp_json_put_uint (line, "height", (guint64) carry->height);
  if (carry->tokens != NULL)
    {
      g_autofree char *tokens = dup_tokens (carry);

      esp_json_put_string (line, "tokens", tokens, -1);
    }
  if (carry->model != NULL)
    esp_json_put_string (line, "model", carry->model, -1);
  esp_json_close (line, '}');
}

/* One part of esp_worker_edits_async (). */
typedef struct
{
  GTask *task;
  const EspWorkerEditPart *part;
} Edit;

static void
clear_edit (gpointer data)
{
  g_object_unref (((Edit *) data)->task);
}

/* The request for edits [first, first + count), under ids from self->last_id + 1 on. */
static GString *
edit_line (EspWorker *self, const EspWorkerEdit *edit, GArray *edits, guint first, guint count)
{
  GString *line = _esp_worker_begin_line (self, "edit");
  JsonObject *parameters = g_array_index (edits, Edit, first).part->parameters;

  _esp_worker_put_model (self, line, edit->model);
  esp_json_open (line, "images", '[');
  for (const char *const *image = edit->images; *image != NULL; image++)
    esp_json_put_string (line, NULL, *image, -1);
  esp_json_close (line, ']');
  if (parameters != NULL)
    put_parameters (line, parameters);
  if (edit->noise != NULL)
    esp_json_put_string (line, "noise", edit->noise, -1);
  if (edit->dump != NULL)
    esp_json_put_string (line, "dump", edit->dump, -1);
  if (edit->carry != NULL)
    put_carry (line, edit->carry);
  esp_json_put_bool (line, "previews", edit->previews);
  esp_json_put_bool (line, "latents", edit->latents);

  if (count > 1)
    esp_json_open (line, "batch", '[');
  for (guint i = first + 1; i < first + count; i++)
    {
      JsonNode *seed
          = json_object_get_member (g_array_index (edits, Edit, i).part->parameters, "seed");
      g_autofree char *text = seed != NULL ? json_to_string (seed, FALSE) : g_strdup ("0");

      esp_json_open (line, NULL, '{');
      esp_json_put_uint (line, "id", (guint64) ++self->last_id);
      esp_json_put_raw (line, "seed", text);
      esp_json_close (line, '}');
    }
  if (count > 1)
    esp_json_close (line, ']');
  esp_json_close (line, '}');
  return line;
}

/* Pictures and latents are in the spool folder, or named by whoever runs the worker alone. */
static void
need_file (EspWorker *self, const char *path)
{
  if (path != NULL && (self->spool == NULL || !g_str_has_prefix (path, self->spool)))
    _esp_worker_access_add_file (self->access, path);
}

static void
need_loras (EspWorker *self, JsonObject *parameters)
{
  JsonArray *loras = parameters != NULL ? esp_json_get_array (parameters, "loras") : NULL;

  for (guint i = 0; loras != NULL && i < json_array_get_length (loras); i++)
    {
      JsonNode *lora = json_array_get_element (loras, i);
      const char *path = JSON_NODE_HOLDS_OBJECT (lora)
                             ? esp_json_get_string (json_node_get_object (lora), "path")
                             : NULL;

      if (path != NULL)
        _esp_worker_access_add_weights (self->access, path);
    }
}

void
esp_worker_expect_edit (EspWorker *self, const EspWorkerEdit *edit)
{
  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (edit != NULL && edit->model != NULL);

  _esp_worker_access_add_model (self->access, edit->model);
  need_loras (self, edit->parameters);
  for (const char *const *image = edit->images; image != NULL && *image != NULL; image++)
    need_file (self, *image);
  need_file (self, edit->noise);
  if (edit->carry != NULL)
    need_file (self, edit->carry->latents);
  if (edit->dump != NULL)
    _esp_worker_access_add_output (self->access, edit->dump);
}

static void
send_edits (EspWorker *self, const EspWorkerEdit *edit, GArray *edits)
{
  for (guint first = 0; first < edits->len; first += self->batch)
    {
      guint count = MIN (self->batch, edits->len - first);
      gboolean hold = _esp_worker_must_hold (self);
      gint64 id = self->last_id + 1;
      GString *line = edit_line (self, edit, edits, first, count);

      for (guint i = 0; i < count; i++)
        {
          const Edit *one = &g_array_index (edits, Edit, first + i);
          EspWorkerCall *call = _esp_worker_add_call (self, id + i, "result", one->task);

          call->events = one->part->events;
          call->events_data = one->part->events_data;
          call->held = hold;
        }
      _esp_worker_send_line (self, line, hold);
    }
}

void
esp_worker_edits_async (EspWorker *self, const EspWorkerEdit *edit, const EspWorkerEditPart *parts,
                        guint n_parts)
{
  g_autoptr (GArray) edits = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (ESP_IS_WORKER (self));
  g_return_if_fail (edit != NULL && edit->model != NULL && edit->images != NULL);
  g_return_if_fail (parts != NULL && n_parts > 0);

  edits = g_array_new (FALSE, FALSE, sizeof (Edit));
  g_array_set_clear_func (edits, clear_edit);
  for (guint i = 0; i < n_parts; i++)
    {
      Edit one = { g_task_new (self, parts[i].cancellable, parts[i].callback, parts[i].user_data),
                   &parts[i] };

      g_task_set_source_tag (one.task, esp_worker_edits_async);
      esp_model_use_for_task (edit->model, one.task);
      if (g_task_return_error_if_cancelled (one.task))
        g_object_unref (one.task);
      else
        g_array_append_val (edits, one);
    }

  esp_worker_expect_edit (self, edit);
  for (guint i = 0; i < edits->len; i++)
    need_loras (self, g_array_index (edits, Edit, i).part->parameters);
  if (edits->len > 0 && esp_worker_start (self, &error))
    send_edits (self, edit, edits);
  for (guint i = 0; i < edits->len && error != NULL; i++)
    g_task_return_error (g_array_index (edits, Edit, i).task, g_error_copy (error));
}

void
esp_worker_edit_async (EspWorker *self, const EspWorkerEdit *edit, GCancellable *cancellable,
                       EspWorkerEventFunc events, gpointer events_data,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  EspWorkerEditPart part = { .parameters = edit->parameters,
                             .cancellable = cancellable,
                             .events = events,
                             .events_data = events_data,
                             .callback = callback,
                             .user_data = user_data };

  esp_worker_edits_async (self, edit, &part, 1);
}

JsonObject *
esp_worker_edit_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  return _esp_worker_finish (self, result, esp_worker_edits_async, error);
}
