/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake-backend.h"

#include "esp-latents.h"

struct _FakeBackend
{
  EspBackend parent_instance;

  char *id;
  guint concurrency, batch, n_groups;
  GListStore *models;
  gboolean stepped, stubborn, remote, keeps, resumed, hold_settling;
  GPtrArray *settled;
  GPtrArray *released;
  GString *tidied;
  GTask *settling; /* held, or NULL */
  double seconds;
  int side;

  GHashTable *turns; /* prompt → Turn */
  guint most_running;
  GPtrArray *begun;
  GPtrArray *images;
  JsonObject *parameters;
  char *remote_job;
  gboolean previews;
  gboolean edits;
  GBytes *leaves, *latents, *tokens;
};

G_DEFINE_FINAL_TYPE (FakeBackend, fake_backend, ESP_TYPE_BACKEND)

typedef struct
{
  FakeBackend *backend;
  char *prompt;
  guint64 seed;
  GBytes *image;
  GTask *task;
  EspBackendNewsFunc news;
  gpointer news_data;
  GSource *cancelled, *soon;
} Turn;

static void
turn_free (gpointer data)
{
  Turn *turn = data;

  if (turn->cancelled != NULL)
    g_source_destroy (turn->cancelled);
  g_clear_pointer (&turn->cancelled, g_source_unref);
  if (turn->soon != NULL)
    g_source_destroy (turn->soon);
  g_clear_pointer (&turn->soon, g_source_unref);
  g_object_unref (turn->task);
  g_clear_pointer (&turn->image, g_bytes_unref);
  g_free (turn->prompt);
  g_free (turn);
}

static Turn *
steal_turn (FakeBackend *self, const char *prompt)
{
  gpointer value = NULL;

  g_assert_true (g_hash_table_steal_extended (self->turns, prompt, NULL, &value));
  return value;
}

static EspPicture *
make_noise (FakeBackend *self, const Turn *turn)
{
  g_autoptr (GRand) noise = g_rand_new_with_seed (g_str_hash (turn->prompt) + (guint32) turn->seed);
  g_autoptr (GError) error = NULL;
  EspPicture *picture = esp_picture_new (self->side, self->side, &error);

  g_assert_no_error (error);
  for (int i = 0; i < self->side * self->side * 3; i++)
    picture->pixels[i] = (guint8) g_rand_int (noise);
  return picture;
}

static EspPicture *
make_edit (const Turn *turn)
{
  g_autoptr (GError) error = NULL;
  EspPicture *picture = esp_picture_load_bytes (turn->image, "image", NULL, NULL, &error);

  g_assert_no_error (error);
  for (int y = 0; y < picture->height; y++)
    for (int x = 0; x < picture->width; x++)
      {
        guint8 *p = picture->pixels + 3 * ((gsize) y * (gsize) picture->width + (gsize) x);

        if (g_str_has_prefix (turn->prompt, "night"))
          for (int c = 0; c < 3; c++)
            p[c] = (guint8) (c == 2 ? 30 + p[c] / 4 : p[c] / 6);
        else if (4 * x >= picture->width && 2 * x < picture->width && 4 * y >= picture->height
                 && 2 * y < picture->height)
          {
            p[0] = 224;
            p[1] = (guint8) (20 + turn->seed);
            p[2] = 36;
          }
      }
  return picture;
}

static EspBackendResult *
make_result (FakeBackend *self, const Turn *turn)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = self->edits ? make_edit (turn) : make_noise (self, turn);
  g_autoptr (GBytes) bytes = NULL;
  EspSaveOptions options = { .quality = 90, .compression = 1 };
  EspBackendResult *result;

  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  if (self->edits && g_str_has_prefix (turn->prompt, "broken"))
    {
      g_bytes_unref (bytes);
      bytes = g_bytes_new_static ("no picture", 10);
    }

  result = esp_backend_result_new (bytes);
  if (self->edits && g_str_has_prefix (turn->prompt, "twice"))
    {
      result->more = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
      picture->pixels[0] ^= 1;
      g_ptr_array_add (result->more, esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options,
                                                           NULL, &error));
      g_assert_no_error (error);
    }
  if (self->leaves != NULL)
    result->latents = g_bytes_ref (self->leaves);
  result->has_seed = TRUE;
  result->seed = turn->seed;
  result->seconds = self->seconds;
  result->cost = 0.25;
  result->currency = g_strdup ("EUR");
  result->timings = json_object_new ();
  json_object_set_int_member (result->timings, "denoise", 6);
  result->model_hash = g_strdup ("hash");
  result->model_name = g_strdup ("Fake");
  return result;
}

void
fake_backend_finish (FakeBackend *self, const char *prompt)
{
  Turn *turn = steal_turn (self, prompt);

  g_task_return_pointer (turn->task, make_result (self, turn),
                         (GDestroyNotify) esp_backend_result_free);
  turn_free (turn);
}

void
fake_backend_fail (FakeBackend *self, const char *prompt, EspBackendError code, const char *message)
{
  Turn *turn = steal_turn (self, prompt);

  g_task_return_new_error (turn->task, ESP_BACKEND_ERROR, code, "%s", message);
  turn_free (turn);
}

void
fake_backend_tell (FakeBackend *self, const char *prompt, const EspBackendNews *news)
{
  Turn *turn = g_hash_table_lookup (self->turns, prompt);

  g_assert_nonnull (turn);
  turn->news (ESP_BACKEND (self), news, turn->news_data);
}

static gboolean
on_soon (gpointer data)
{
  Turn *turn = data;

  fake_backend_finish (turn->backend, turn->prompt);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  Turn *turn = data;

  if (turn->backend->stubborn)
    return G_SOURCE_REMOVE;

  turn = steal_turn (turn->backend, turn->prompt);
  g_task_return_new_error (turn->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  turn_free (turn);
  return G_SOURCE_REMOVE;
}

static void
remember (FakeBackend *self, const EspBackendRequest *request, const char *prompt)
{
  g_ptr_array_add (self->begun, g_strdup (prompt));
  g_ptr_array_set_size (self->images, 0);
  for (guint i = 0; i < request->images->len; i++)
    g_ptr_array_add (self->images, g_bytes_ref (g_ptr_array_index (request->images, i)));
  g_clear_pointer (&self->parameters, json_object_unref);
  self->parameters = json_object_ref (request->parameters);
  g_free (self->remote_job);
  self->remote_job = g_strdup (request->remote_job);
  g_clear_pointer (&self->latents, g_bytes_unref);
  g_clear_pointer (&self->tokens, g_bytes_unref);
  if (request->latents != NULL)
    {
      int width = 0, height = 0;

      self->latents = g_bytes_ref (request->latents);
      g_assert_true (esp_latents_get_size (request->latents, &width, &height));
      if (request->latent_tokens != NULL)
        self->tokens
            = g_bytes_new (request->latent_tokens, (gsize) (width / 16) * (gsize) (height / 16));
    }
  self->resumed = request->resume;
  self->previews = request->previews;
}

static guint64
read_seed (JsonObject *parameters)
{
  JsonNode *seed = json_object_get_member (parameters, "seed");
  guint64 number;

  if (seed == NULL)
    return 0;
  if (json_node_get_value_type (seed) != G_TYPE_STRING)
    return (guint64) json_node_get_int (seed);

  /* A text only where it is no number of JSON's any more. */
  number = g_ascii_strtoull (json_node_get_string (seed), NULL, 10);
  g_assert_cmpuint (number, >, G_MAXINT64);
  return number;
}

static void
on_group (gpointer data)
{
  FAKE_BACKEND (data)->n_groups++;
}

static void
run_async (EspBackend *backend, const EspBackendRequest *request, GCancellable *cancellable,
           EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
           gpointer user_data)
{
  FakeBackend *self = FAKE_BACKEND (backend);
  Turn *turn = g_new0 (Turn, 1);

  turn->backend = self;
  turn->seed = read_seed (request->parameters);
  turn->prompt = g_strdup (json_object_get_string_member (request->parameters, "prompt"));
  if (self->batch > 1)
    {
      g_autofree char *prompt = g_steal_pointer (&turn->prompt);

      turn->prompt = g_strdup_printf ("%s#%" G_GUINT64_FORMAT, prompt, turn->seed);
    }
  turn->task = g_task_new (self, NULL, callback, user_data);
  if (request->images->len > 0)
    turn->image = g_bytes_ref (g_ptr_array_index (request->images, 0));
  turn->news = news;
  turn->news_data = news_data;
  remember (self, request, turn->prompt);

  g_assert_false (g_hash_table_contains (self->turns, turn->prompt));
  g_hash_table_insert (self->turns, turn->prompt, turn);
  self->most_running = MAX (self->most_running, g_hash_table_size (self->turns));
  g_assert_cmpuint (g_hash_table_size (self->turns), <=, self->concurrency * self->batch);
  if (request->group != NULL)
    esp_turn_group_come (request->group, on_group, self, NULL);

  turn->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (turn->cancelled, G_SOURCE_FUNC (on_cancelled), turn, NULL);
  g_source_attach (turn->cancelled, NULL);
  if (!self->stepped)
    {
      turn->soon = g_idle_source_new ();
      g_source_set_callback (turn->soon, on_soon, turn, NULL);
      g_source_attach (turn->soon, NULL);
    }
}

static EspBackendResult *
run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
stop_async (EspBackend *backend, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (backend, NULL, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static const char *
get_id (EspBackend *backend)
{
  return FAKE_BACKEND (backend)->id;
}

static gboolean
is_remote (EspBackend *backend)
{
  return FAKE_BACKEND (backend)->remote;
}

static gboolean
has_kept (EspBackend *backend, const char *remote_job)
{
  return FAKE_BACKEND (backend)->keeps;
}

static void
release (EspBackend *backend, const char *remote_job)
{
  g_ptr_array_add (FAKE_BACKEND (backend)->released, g_strdup (remote_job));
}

static void
settle_async (EspBackend *backend, const char *remote_job, const EspBackendResult *result,
              const char *document, GAsyncReadyCallback callback, gpointer user_data)
{
  FakeBackend *self = FAKE_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (backend, NULL, callback, user_data);

  g_ptr_array_add (self->settled, g_strdup (remote_job));
  if (self->hold_settling && self->settling == NULL)
    self->settling = g_steal_pointer (&task);
  else
    g_task_return_boolean (task, TRUE);
}

static guint
get_concurrency (EspBackend *backend)
{
  return FAKE_BACKEND (backend)->concurrency;
}

static guint
get_batch (EspBackend *backend, const char *model, JsonObject *parameters)
{
  g_assert_cmpstr (model, ==, "model");
  g_assert_nonnull (parameters);
  return FAKE_BACKEND (backend)->batch;
}

static GListModel *
get_models (EspBackend *backend)
{
  return G_LIST_MODEL (FAKE_BACKEND (backend)->models);
}

void
fake_backend_set_stepped (FakeBackend *self, gboolean stepped)
{
  self->stepped = stepped;
}

void
fake_backend_set_stubborn (FakeBackend *self, gboolean stubborn)
{
  self->stubborn = stubborn;
}

void
fake_backend_set_batch (FakeBackend *self, guint batch)
{
  self->batch = batch;
}

guint
fake_backend_get_n_groups (FakeBackend *self)
{
  return self->n_groups;
}

void
fake_backend_set_remote (FakeBackend *self, gboolean keeps)
{
  self->remote = TRUE;
  self->keeps = keeps;
}

gboolean
fake_backend_get_resumed (FakeBackend *self)
{
  return self->resumed;
}

GPtrArray *
fake_backend_get_settled (FakeBackend *self)
{
  return self->settled;
}

const char *
fake_backend_get_tidied (FakeBackend *self)
{
  return self->tidied->str;
}

GPtrArray *
fake_backend_get_released (FakeBackend *self)
{
  return self->released;
}

void
fake_backend_hold_settling (FakeBackend *self)
{
  self->hold_settling = TRUE;
}

void
fake_backend_settle (FakeBackend *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->settling);

  self->hold_settling = FALSE;
  g_assert_nonnull (task);
  g_task_return_boolean (task, TRUE);
}

void
fake_backend_set_seconds (FakeBackend *self, double seconds)
{
  self->seconds = seconds;
}

void
fake_backend_set_side (FakeBackend *self, int side)
{
  self->side = side;
}

gboolean
fake_backend_is_running (FakeBackend *self, const char *prompt)
{
  return g_hash_table_contains (self->turns, prompt);
}

guint
fake_backend_get_n_running (FakeBackend *self)
{
  return g_hash_table_size (self->turns);
}

guint
fake_backend_get_most_running (FakeBackend *self)
{
  return self->most_running;
}

char *
fake_backend_dup_begun (FakeBackend *self)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < self->begun->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            (const char *) g_ptr_array_index (self->begun, i));
  return g_string_free (text, FALSE);
}

guint
fake_backend_get_n_begun (FakeBackend *self)
{
  return self->begun->len;
}

GPtrArray *
fake_backend_get_images (FakeBackend *self)
{
  return self->images;
}

JsonObject *
fake_backend_get_parameters (FakeBackend *self)
{
  return self->parameters;
}

const char *
fake_backend_get_remote_job (FakeBackend *self)
{
  return self->remote_job;
}

gboolean
fake_backend_get_previews (FakeBackend *self)
{
  return self->previews;
}

static void
fake_backend_finalize (GObject *object)
{
  FakeBackend *self = FAKE_BACKEND (object);

  g_assert_cmpuint (g_hash_table_size (self->turns), ==, 0);
  g_free (self->id);
  g_object_unref (self->models);
  g_hash_table_unref (self->turns);
  g_ptr_array_unref (self->begun);
  g_ptr_array_unref (self->settled);
  g_ptr_array_unref (self->released);
  g_string_free (self->tidied, TRUE);
  g_ptr_array_unref (self->images);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_free (self->remote_job);
  g_clear_pointer (&self->leaves, g_bytes_unref);
  g_clear_pointer (&self->latents, g_bytes_unref);
  g_clear_pointer (&self->tokens, g_bytes_unref);

  G_OBJECT_CLASS (fake_backend_parent_class)->finalize (object);
}

static void
tidy (EspBackend *backend, GHashTable *jobs, GHashTable *open, const char *document)
{
  g_string_append_printf (FAKE_BACKEND (backend)->tidied, "%u done, %u open in %s;",
                          g_hash_table_size (jobs), g_hash_table_size (open), document);
}

static void
fake_backend_class_init (FakeBackendClass *klass)
{
  EspBackendClass *backend_class = ESP_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_backend_finalize;
  backend_class->get_id = get_id;
  backend_class->get_title = get_id;
  backend_class->is_remote = is_remote;
  backend_class->has_kept = has_kept;
  backend_class->release = release;
  backend_class->settle_async = settle_async;
  backend_class->get_concurrency = get_concurrency;
  backend_class->get_batch = get_batch;
  backend_class->get_models = get_models;
  backend_class->run_async = run_async;
  backend_class->run_finish = run_finish;
  backend_class->tidy = tidy;
  backend_class->stop_async = stop_async;
  backend_class->stop_finish = stop_finish;
}

static void
fake_backend_init (FakeBackend *self)
{
  self->models = g_list_store_new (ESP_TYPE_MODEL);
  self->turns = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, turn_free);
  self->settled = g_ptr_array_new_with_free_func (g_free);
  self->released = g_ptr_array_new_with_free_func (g_free);
  self->tidied = g_string_new (NULL);
  self->begun = g_ptr_array_new_with_free_func (g_free);
  self->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->batch = 1;
  self->seconds = 1;
  self->side = 24;
}

FakeBackend *
fake_backend_new (const char *id, guint concurrency)
{
  FakeBackend *self = g_object_new (FAKE_TYPE_BACKEND, NULL);
  g_autoptr (EspModel) model = NULL;

  self->id = g_strdup (id);
  self->concurrency = concurrency;
  model = esp_model_new (ESP_BACKEND (self), "model", "Fake");
  esp_model_set_features (model, ESP_MODEL_SEED, 7);
  esp_model_set_state (model, ESP_MODEL_READY, NULL);
  g_list_store_append (self->models, model);
  return self;
}

void
fake_backend_set_edits (FakeBackend *self, gboolean edits)
{
  self->edits = edits;
}

void
fake_backend_set_latents (FakeBackend *self, GBytes *latents)
{
  g_clear_pointer (&self->leaves, g_bytes_unref);
  self->leaves = latents != NULL ? g_bytes_ref (latents) : NULL;
}

GBytes *
fake_backend_get_latents (FakeBackend *self)
{
  return self->latents;
}

GBytes *
fake_backend_get_latent_tokens (FakeBackend *self)
{
  return self->tokens;
}
