/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-local-turn.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-latents.h"
#include "esp-loras.h"

/* Previews that come faster than this are not read. */
#define PREVIEW_MIN_USEC (G_USEC_PER_SEC / 10)

/* One turn; the data of its task. */
typedef struct
{
  EspLocalBatch *batch; /* that it is made in, until it is made */
  JsonObject *parameters;
  EspBackendNewsFunc news;
  gpointer news_data;

  char *spool; /* of the worker; NULL before it has said hello */
  gboolean in_company;
  JsonObject *answer;
  EspBackendNews last; /* without its preview */
  gboolean reading;    /* a preview is being read */
  gint64 start, preview_time;
} Turn;

static void
remove_file (gpointer path)
{
  if (path != NULL)
    g_unlink (path);
  g_free (path);
}

static void
turn_free (gpointer data)
{
  Turn *turn = data;

  g_clear_pointer (&turn->batch, _esp_local_batch_unref);
  g_clear_pointer (&turn->parameters, json_object_unref);
  g_clear_pointer (&turn->answer, json_object_unref);
  g_free (turn->spool);
  g_free (turn);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static GError *
explain_worker_error (const GError *error)
{
  const char *reason = error->message;

  switch ((EspWorkerError) error->code)
    {
    case ESP_WORKER_ERROR_ARGUMENT:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                          _ ("The engine cannot work with these settings: %s"), reason);

    case ESP_WORKER_ERROR_FILE:
    case ESP_WORKER_ERROR_FORMAT:
    case ESP_WORKER_ERROR_UNSUPPORTED:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED,
                          _ ("The engine cannot use a file: %s"), reason);

    case ESP_WORKER_ERROR_MEMORY:
      return g_error_new (
          ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED,
          _ ("There is not enough memory. Try a smaller size or close other programs. (%s)"),
          reason);

    case ESP_WORKER_ERROR_DEVICE:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED,
                          _ ("The processor or graphics card reported a failure: %s"), reason);

    case ESP_WORKER_ERROR_START:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED,
                          _ ("The engine could not be started. Is the program fully installed? "
                             "(%s)"),
                          reason);

    case ESP_WORKER_ERROR_CRASHED:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_CRASHED,
                          _ ("The engine stopped unexpectedly. Everything is kept; try again. "
                             "(%s)"),
                          reason);

    case ESP_WORKER_ERROR_TIMEOUT:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_CRASHED,
                          _ ("The engine does not answer. Try again. (%s)"), reason);

    case ESP_WORKER_ERROR_NUMERIC:
    case ESP_WORKER_ERROR_BUSY:
    case ESP_WORKER_ERROR_PROTOCOL:
    default:
      return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED,
                          _ ("The engine could not make this turn: %s"), reason);
    }
}

GError *
_esp_local_turn_explain (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || error->domain == ESP_BACKEND_ERROR)
    return g_error_copy (error);

  if (error->domain == ESP_WORKER_ERROR)
    return explain_worker_error (error);

  if (g_error_matches (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED)
      || g_error_matches (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED)
      || g_error_matches (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE))
    return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                        _ ("The picture cannot be used: %s"), error->message);

  return g_error_new (ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED,
                      _ ("The engine could not make this turn: %s"), error->message);
}

void
_esp_local_turn_fail (GTask *task, const GError *error)
{
  Turn *turn = g_task_get_task_data (task);
  gboolean died = turn->spool != NULL && !g_file_test (turn->spool, G_FILE_TEST_IS_DIR);
  gboolean knows = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                   || error->domain == ESP_BACKEND_ERROR
                   || g_error_matches (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED);

  /* A worker that dies takes its folder along: what cannot be read or written there then is a
   * symptom. */
  if (died && !knows)
    g_task_return_new_error (task, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_CRASHED,
                             _ ("The engine stopped unexpectedly. Everything is kept; try again. "
                                "(%s)"),
                             error->message);
  else
    g_task_return_error (task, _esp_local_turn_explain (error));
}

/* --- The result ------------------------------------------------------------------------------- */

static gboolean
holds (JsonObject *object, const char *key, JsonNodeType type)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && JSON_NODE_HOLDS (node, type);
}

static void
take_seed (EspBackendResult *result, JsonObject *answer)
{
  JsonNode *node = json_object_get_member (answer, "seed");
  const char *text = esp_json_get_string (answer, "seed");

  if (text != NULL)
    result->has_seed = g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &result->seed, NULL);
  else if (node != NULL && JSON_NODE_HOLDS_VALUE (node))
    {
      result->has_seed = TRUE;
      result->seed = (guint64) json_node_get_int (node);
    }
}

/* The files that were used, each with what was in it, so that the same turn can be made again, or
 * it can be said that it cannot. None is nothing. */
static void
take_loras (JsonObject *used, JsonObject *answer)
{
  JsonArray *told = esp_json_get_array (answer, "loras");
  JsonArray *kept = json_array_new ();

  for (guint i = 0; told != NULL && i < json_array_get_length (told); i++)
    {
      JsonNode *node = json_array_get_element (told, i);
      JsonObject *lora = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *path = lora != NULL ? esp_lora_get_path (lora) : NULL;
      const char *sha256 = lora != NULL ? esp_json_get_string (lora, "sha256") : NULL;
      JsonObject *own;

      if (path == NULL)
        continue;
      own = esp_lora_new (path, esp_lora_get_strength (lora));
      if (sha256 != NULL)
        json_object_set_string_member (own, "sha256", sha256);
      json_array_add_object_element (kept, own);
    }
  if (json_array_get_length (kept) > 0)
    json_object_set_array_member (used, "loras", kept);
  else
    {
      json_array_unref (kept);
      json_object_remove_member (used, "loras");
    }
}

/* With members of its own; json_node_copy () would only take another reference. */
static JsonObject *
copy_object (JsonObject *object)
{
  JsonObject *copy = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    json_object_set_member (copy, name, json_node_copy (value));
  return copy;
}

/* What was asked for, and what the engine chose where nothing was. */
static JsonObject *
dup_used_parameters (JsonObject *asked, JsonObject *answer)
{
  static const char *const own[] = { "prompt", "negative_prompt", "seed" };
  static const char *const chosen[] = { "steps", "guidance" };
  JsonObject *used = copy_object (asked);

  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    {
      if (json_object_has_member (used, own[i]))
        json_object_remove_member (used, own[i]);
    }

  if (json_object_has_member (used, "loras"))
    take_loras (used, answer);
  for (gsize i = 0; i < G_N_ELEMENTS (chosen); i++)
    {
      if (!json_object_has_member (used, chosen[i]) && holds (answer, chosen[i], JSON_NODE_VALUE))
        json_object_set_member (used, chosen[i],
                                json_node_copy (json_object_get_member (answer, chosen[i])));
    }

  return used;
}

/* Of one among others its share, so that all together took what their sum says. */
static double
get_seconds (Turn *turn)
{
  if (turn->in_company && holds (turn->answer, "timings", JSON_NODE_OBJECT))
    return esp_json_get_number (json_object_get_object_member (turn->answer, "timings"), "total",
                                -1);
  return (double) (g_get_monotonic_time () - turn->start) / G_USEC_PER_SEC;
}

static EspBackendResult *
make_result (Turn *turn, GBytes *image, GBytes *latents)
{
  EspBackendResult *result = esp_backend_result_new (image);

  take_seed (result, turn->answer);
  result->latents = latents != NULL ? g_bytes_ref (latents) : NULL;
  result->carried = esp_json_get_number (turn->answer, "carried", 0);
  result->seconds = get_seconds (turn);
  result->cost = 0;
  if (holds (turn->answer, "timings", JSON_NODE_OBJECT))
    result->timings = json_object_ref (json_object_get_object_member (turn->answer, "timings"));
  result->parameters = dup_used_parameters (turn->parameters, turn->answer);
  if (holds (turn->answer, "model", JSON_NODE_OBJECT))
    {
      JsonObject *model = json_object_get_object_member (turn->answer, "model");

      result->model_hash = g_strdup (esp_json_get_string (model, "hash"));
      result->model_name = g_strdup (esp_json_get_string (model, "name"));
    }
  if (holds (turn->answer, "notice", JSON_NODE_VALUE))
    {
      result->notes = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (result->notes, g_strdup (esp_json_get_string (turn->answer, "notice")));
    }

  return result;
}

/* The files of a result on their way into memory. */
typedef struct
{
  char *path, *latents_path; /* latents_path may be NULL */
  int width, height;
  char *model_hash; /* or NULL */
  GBytes *image, *latents;
} Encoding;

static void
encoding_free (gpointer data)
{
  Encoding *encoding = data;

  remove_file (encoding->path);
  remove_file (encoding->latents_path);
  g_free (encoding->model_hash);
  g_clear_pointer (&encoding->image, g_bytes_unref);
  g_clear_pointer (&encoding->latents, g_bytes_unref);
  g_free (encoding);
}

/* Every error after the edit was made is told as it is, even when the turn was cancelled: the
 * task's own check does that. That there are no latents is none. */
static void
encode_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Encoding *encoding = data;
  g_autoptr (EspPicture) picture = NULL;
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  GError *error = NULL;

  picture = esp_picture_load_ppm (encoding->path, &error);
  if (picture != NULL)
    encoding->image
        = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, cancellable, &error);
  g_clear_pointer (&encoding->path, remove_file);
  if (encoding->image == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (encoding->latents_path != NULL)
    {
      g_autoptr (GError) problem = NULL;

      encoding->latents = esp_latents_load (encoding->latents_path, encoding->width,
                                            encoding->height, encoding->model_hash, &problem);
      if (encoding->latents == NULL)
        g_message ("%s", problem->message);
      g_clear_pointer (&encoding->latents_path, remove_file);
    }
  g_task_return_boolean (task, TRUE);
}

static void
on_encoded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Turn *turn = g_task_get_task_data (task);
  const Encoding *encoding = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    _esp_local_turn_fail (task, error);
  else
    g_task_return_pointer (task, make_result (turn, encoding->image, encoding->latents),
                           (GDestroyNotify) esp_backend_result_free);
}

/* What the answer names; NULL: no picture. */
static Encoding *
encoding_new (JsonObject *answer)
{
  const char *path = esp_json_get_string (answer, "path");
  JsonObject *model = esp_json_get_object (answer, "model");
  Encoding *encoding;

  if (path == NULL)
    return NULL;
  encoding = g_new0 (Encoding, 1);
  encoding->path = g_strdup (path);
  encoding->latents_path = g_strdup (esp_json_get_string (answer, "latents"));
  encoding->width = (int) CLAMP (esp_json_get_number (answer, "width", 0), 0, G_MAXINT16);
  encoding->height = (int) CLAMP (esp_json_get_number (answer, "height", 0), 0, G_MAXINT16);
  encoding->model_hash = model != NULL ? g_strdup (esp_json_get_string (model, "hash")) : NULL;
  return encoding;
}

void
_esp_local_turn_on_edited (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Turn *turn = g_task_get_task_data (task);
  g_autoptr (GTask) encoding = NULL;
  g_autoptr (GError) error = NULL;
  Encoding *files;

  turn->answer = esp_worker_edit_finish (ESP_WORKER (source), result, &error);
  turn->news = NULL;
  /* With the last of its turns go the pictures in the worker's folder. */
  g_clear_pointer (&turn->batch, _esp_local_batch_unref);

  if (turn->answer == NULL)
    {
      _esp_local_turn_fail (task, error);
      return;
    }

  files = encoding_new (turn->answer);
  if (files == NULL)
    {
      g_task_return_new_error (task, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED, "%s",
                               _ ("The engine’s answer names no picture."));
      return;
    }

  encoding = g_task_new (NULL, g_task_get_cancellable (task), on_encoded, g_object_ref (task));
  g_task_set_task_data (encoding, files, encoding_free);
  g_task_run_in_thread (encoding, encode_thread);
}

/* --- News ------------------------------------------------------------------------------------- */

static void
preview_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  EspPicture *picture = esp_picture_load_ppm (data, &error);

  if (picture != NULL)
    g_task_return_pointer (task, picture, (GDestroyNotify) esp_picture_unref);
  else
    g_task_return_error (task, error);
}

static void
on_preview_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Turn *turn = g_task_get_task_data (task);
  g_autoptr (EspPicture) picture = g_task_propagate_pointer (G_TASK (result), NULL);

  turn->reading = FALSE;
  if (picture == NULL || turn->news == NULL)
    return;

  turn->last.preview = picture;
  turn->news (g_task_get_source_object (task), &turn->last, turn->news_data);
  turn->last.preview = NULL;
}

/* The worker takes the file away when it has made two more. */
static void
read_preview (GTask *task, const char *path)
{
  Turn *turn = g_task_get_task_data (task);
  g_autoptr (GTask) reading = NULL;
  gint64 now = g_get_monotonic_time ();

  if (turn->reading || now - turn->preview_time < PREVIEW_MIN_USEC)
    {
      g_unlink (path);
      return;
    }

  turn->reading = TRUE;
  turn->preview_time = now;
  reading = g_task_new (NULL, NULL, on_preview_read, g_object_ref (task));
  g_task_set_task_data (reading, g_strdup (path), remove_file);
  g_task_run_in_thread (reading, preview_thread);
}

void
_esp_local_turn_on_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data)
{
  GTask *task = data;
  Turn *turn = g_task_get_task_data (task);

  if (event->kind == ESP_WORKER_EVENT_PREVIEW)
    {
      read_preview (task, event->path);
      return;
    }

  turn->last.fraction = event->fraction;
  turn->last.step = event->step;
  turn->last.steps = event->steps;
  turn->last.seconds_left = event->seconds_left;
  if (turn->news != NULL)
    turn->news (g_task_get_source_object (task), &turn->last, turn->news_data);
}

/* --- The way in and out ----------------------------------------------------------------------- */

GTask *
_esp_local_turn_new (EspBackend *backend, const EspBackendRequest *request,
                     GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (backend, cancellable, callback, user_data);
  Turn *turn = g_new0 (Turn, 1);

  turn->parameters = copy_object (request->parameters);
  turn->news = news;
  turn->news_data = news_data;
  turn->last.seconds_left = -1;
  turn->start = g_get_monotonic_time ();

  g_task_set_source_tag (task, _esp_local_turn_new);
  g_task_set_task_data (task, turn, turn_free);
  return task;
}

void
_esp_local_turn_begin (GTask *task, EspLocalBatch *batch, const char *spool)
{
  Turn *turn = g_task_get_task_data (task);

  turn->batch = _esp_local_batch_ref (batch);
  turn->spool = g_strdup (spool);
}

void
_esp_local_turn_set_in_company (GTask *task)
{
  ((Turn *) g_task_get_task_data (task))->in_company = TRUE;
}

JsonObject *
_esp_local_turn_dup_parameters (GTask *task, const char *card)
{
  JsonObject *parameters = copy_object (((Turn *) g_task_get_task_data (task))->parameters);

  if (card != NULL)
    json_object_set_string_member (parameters, "device", card);
  return parameters;
}

EspBackendResult *
_esp_local_turn_run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, backend), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
