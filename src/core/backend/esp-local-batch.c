/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-local-batch.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "esp-latents.h"
#include "esp-local-turn.h"

struct _EspLocalBatch
{
  int refs;
  EspWorker *worker;
  char *card; /* the device of all turns; NULL: what their parameters say */
  char *folder;
  GPtrArray *images; /* of GBytes */
  GBytes *latents;   /* EspBackendRequest; NULL: nothing is carried */
  EspWorkerCarry
      carry; /* of them; its strings and tokens are owned. Its file is there in the end */
  gboolean previews, keeps_latents;
  GPtrArray *turns; /* of GTask: those that have come; empty once they are under way */

  char *spool;
  GPtrArray *inputs; /* of char *: paths in the spool folder, NULL at the end */
};

static void
remove_file (gpointer path)
{
  if (path != NULL)
    g_unlink (path);
  g_free (path);
}

EspLocalBatch *
_esp_local_batch_ref (EspLocalBatch *self)
{
  self->refs++;
  return self;
}

void
_esp_local_batch_unref (EspLocalBatch *self)
{
  if (--self->refs > 0)
    return;

  g_object_unref (self->worker);
  g_free (self->card);
  g_free (self->folder);
  g_clear_pointer (&self->images, g_ptr_array_unref);
  g_clear_pointer (&self->latents, g_bytes_unref);
  remove_file ((char *) self->carry.latents);
  g_free ((guint8 *) self->carry.tokens);
  g_free ((char *) self->carry.model);
  g_ptr_array_unref (self->turns);
  g_free (self->spool);
  g_ptr_array_unref (self->inputs);
  g_free (self);
}

/* Nobody said that latents are neither to be read nor to be kept. */
static gboolean
wants_latents (JsonObject *parameters)
{
  JsonNode *node = json_object_get_member (parameters, "latent_carry");

  return node == NULL || !JSON_NODE_HOLDS_VALUE (node)
         || json_node_get_value_type (node) != G_TYPE_BOOLEAN || json_node_get_boolean (node);
}

/* What of the parent's latents is of use: nothing, where none of the picture shows them or the
 * bytes are none. */
static void
take_latents (EspLocalBatch *self, GBytes *latents, const guint8 *tokens)
{
  gsize count, shown = 0;

  if (latents == NULL || !esp_latents_get_size (latents, &self->carry.width, &self->carry.height))
    return;
  count = (gsize) (self->carry.width / 16) * (gsize) (self->carry.height / 16);
  for (gsize i = 0; i < count; i++)
    shown += tokens == NULL || tokens[i] != 0;
  if (shown == 0)
    return;
  self->latents = g_bytes_ref (latents);
  self->carry.model = esp_latents_dup_model_hash (latents);
  if (shown < count)
    self->carry.tokens = g_memdup2 (tokens, count);
}

static EspLocalBatch *
batch_new (EspWorker *worker, const char *card, const char *folder,
           const EspBackendRequest *request)
{
  EspLocalBatch *self = g_new0 (EspLocalBatch, 1);

  self->refs = 1;
  self->worker = g_object_ref (worker);
  self->card = g_strdup (card);
  self->folder = g_strdup (folder);
  self->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < request->images->len; i++)
    g_ptr_array_add (self->images, g_bytes_ref (g_ptr_array_index (request->images, i)));
  self->previews = request->previews;
  self->keeps_latents = wants_latents (request->parameters);
  if (self->keeps_latents)
    take_latents (self, request->latents, request->latent_tokens);
  self->turns = g_ptr_array_new_with_free_func (g_object_unref);
  self->inputs = g_ptr_array_new_with_free_func (remove_file);
  return self;
}

/* Ends the turns that were cancelled meanwhile. */
static void
drop_cancelled (EspLocalBatch *self)
{
  for (guint i = self->turns->len; i > 0; i--)
    {
      if (g_task_return_error_if_cancelled (g_ptr_array_index (self->turns, i - 1)))
        g_ptr_array_remove_index (self->turns, i - 1);
    }
}

static void
fail_all (EspLocalBatch *self, const GError *error)
{
  g_autoptr (GPtrArray) turns = g_steal_pointer (&self->turns);

  self->turns = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < turns->len; i++)
    _esp_local_turn_fail (g_ptr_array_index (turns, i), error);
}

/* What is done for a single turn stops with it; for several it is worth finishing. */
static GCancellable *
get_cancellable (EspLocalBatch *self)
{
  return self->turns->len == 1 ? g_task_get_cancellable (g_ptr_array_index (self->turns, 0)) : NULL;
}

/* --- The request ------------------------------------------------------------------------------ */

static void
send_request (EspLocalBatch *self)
{
  g_autofree EspWorkerEditPart *parts = g_new0 (EspWorkerEditPart, self->turns->len);
  g_autoptr (GPtrArray) turns = g_steal_pointer (&self->turns);
  EspWorkerEdit edit = { .model = self->folder,
                         .images = (const char *const *) self->inputs->pdata,
                         .carry = self->latents != NULL ? &self->carry : NULL,
                         .previews = self->previews,
                         .latents = self->keeps_latents };

  self->turns = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < turns->len; i++)
    {
      GTask *task = g_ptr_array_index (turns, i);

      if (turns->len > 1)
        _esp_local_turn_set_in_company (task);
      parts[i]
          = (EspWorkerEditPart){ .parameters = _esp_local_turn_dup_parameters (task, self->card),
                                 .cancellable = g_task_get_cancellable (task),
                                 .events = _esp_local_turn_on_event,
                                 .events_data = task,
                                 .callback = _esp_local_turn_on_edited,
                                 .user_data = g_object_ref (task) };
    }
  esp_worker_edits_async (self->worker, &edit, parts, turns->len);
  for (guint i = 0; i < turns->len; i++)
    json_object_unref (parts[i].parameters);
}

/* --- Pictures for the worker ------------------------------------------------------------------ */

typedef struct
{
  GPtrArray *images; /* as in the turn */
  GPtrArray *inputs;
  GBytes *latents; /* or NULL */
  char *carried;   /* path for them */
} Preparing;

static void
preparing_free (gpointer data)
{
  Preparing *preparing = data;

  g_ptr_array_unref (preparing->images);
  g_ptr_array_unref (preparing->inputs);
  g_clear_pointer (&preparing->latents, g_bytes_unref);
  g_free (preparing->carried);
  g_free (preparing);
}

static void
prepare_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Preparing *preparing = data;
  gboolean carried = FALSE;

  for (guint i = 0; i < preparing->images->len; i++)
    {
      g_autofree char *name
          = i == 0 ? g_strdup (_ ("The picture")) : g_strdup_printf (_ ("Reference %u"), i);
      g_autoptr (EspPicture) picture = NULL;
      GError *error = NULL;

      picture = esp_picture_load_bytes (g_ptr_array_index (preparing->images, i), name, NULL,
                                        cancellable, &error);
      if (picture == NULL
          || !esp_picture_save_ppm (picture, g_ptr_array_index (preparing->inputs, i), &error))
        {
          g_task_return_error (task, error);
          return;
        }
    }

  /* Without them the picture is encoded, as if there had never been any. */
  if (preparing->latents != NULL)
    {
      g_autoptr (GError) problem = NULL;

      carried = esp_latents_save (preparing->latents, preparing->carried, &problem);
      if (!carried)
        g_message ("%s", problem->message);
    }
  g_task_return_int (task, carried);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspLocalBatch) self = data;
  g_autoptr (GError) error = NULL;
  gssize carried;

  /* The bytes are in the worker's folder now, and may be large. */
  g_clear_pointer (&self->images, g_ptr_array_unref);

  carried = g_task_propagate_int (G_TASK (result), &error);
  if (carried <= 0)
    g_clear_pointer (&self->latents, g_bytes_unref);
  if (error != NULL)
    {
      fail_all (self, error);
      return;
    }

  drop_cancelled (self);
  if (self->turns->len > 0)
    send_request (self);
}

static void
on_hello (GObject *source, GAsyncResult *result, gpointer data)
{
  static guint64 n_batches;
  g_autoptr (EspLocalBatch) self = data;
  g_autoptr (GTask) thread = NULL;
  g_autoptr (GError) error = NULL;
  Preparing *preparing;

  self->spool = esp_worker_hello_finish (ESP_WORKER (source), result, &error);
  if (self->spool == NULL)
    {
      fail_all (self, error);
      return;
    }

  for (guint i = 0; i < self->turns->len; i++)
    _esp_local_turn_begin (g_ptr_array_index (self->turns, i), self, self->spool);
  n_batches++;
  for (guint i = 0; i < self->images->len; i++)
    {
      g_autofree char *name = g_strdup_printf ("turn-%" G_GUINT64_FORMAT "-%u.ppm", n_batches, i);

      g_ptr_array_add (self->inputs, g_build_filename (self->spool, name, NULL));
    }
  g_ptr_array_add (self->inputs, NULL);
  if (self->latents != NULL)
    {
      g_autofree char *name
          = g_strdup_printf ("carry-%" G_GUINT64_FORMAT ".safetensors", n_batches);

      self->carry.latents = g_build_filename (self->spool, name, NULL);
    }

  preparing = g_new0 (Preparing, 1);
  preparing->images = g_ptr_array_ref (self->images);
  preparing->inputs = g_ptr_array_ref (self->inputs);
  preparing->latents = self->latents != NULL ? g_bytes_ref (self->latents) : NULL;
  preparing->carried = g_strdup (self->carry.latents);
  thread = g_task_new (NULL, get_cancellable (self), on_prepared, _esp_local_batch_ref (self));
  g_task_set_task_data (thread, preparing, preparing_free);
  g_task_run_in_thread (thread, prepare_thread);
}

/* Nobody is missing any more. */
static void
start (gpointer data)
{
  EspLocalBatch *self = data;

  drop_cancelled (self);
  if (self->turns->len > 0)
    esp_worker_hello_async (self->worker, get_cancellable (self), on_hello,
                            _esp_local_batch_ref (self));
}

static void
batch_destroy (gpointer data)
{
  _esp_local_batch_unref (data);
}

EspWorker *
_esp_local_batch_run (EspWorker *worker, const char *card, const char *folder,
                      const EspBackendRequest *request, GTask *task)
{
  g_autoptr (EspLocalBatch) self = NULL;
  EspLocalBatch *known = request->group != NULL ? esp_turn_group_get_data (request->group) : NULL;

  self = known != NULL ? _esp_local_batch_ref (known) : batch_new (worker, card, folder, request);
  worker = self->worker;
  g_ptr_array_add (self->turns, task);
  if (request->group != NULL)
    esp_turn_group_come (request->group, start, _esp_local_batch_ref (self), batch_destroy);
  else
    start (self);
  return worker;
}
