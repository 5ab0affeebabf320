/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns of this computer where it has two graphics cards: the tests' own, whose kernels run on the
 * processor (docs/testing.md). */
#include <gdk-pixbuf/gdk-pixbuf.h>

#include "esp-local-backend.h"

#define TURNS 3
#define SIDE  32

typedef struct
{
  GAsyncResult *result;
  EspBackendResult *made;
  GError *error;
} Turn;

typedef struct
{
  char *scratch, *engine;
  EspBackend *backend;
  EspModel *model;
  GPtrArray *images;
  Turn turns[TURNS];
} Fixture;

/* The smallest picture that a turn can have. */
static GBytes *
make_picture (void)
{
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, SIDE, SIDE);
  guchar *pixels = gdk_pixbuf_get_pixels (pixbuf);
  char *png = NULL;
  gsize length = 0;

  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE * 3; x++)
      pixels[y * gdk_pixbuf_get_rowstride (pixbuf) + x] = (guchar) (5 * x % 256 / (1 + y / 8));
  g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &png, &length, "png", NULL, NULL));
  return g_bytes_new_take (png, length);
}

/* Every engine writes what it is asked into a file of its own. */
static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *script = NULL;
  g_autoptr (GListModel) models = NULL;

  memset (self, 0, sizeof *self);
  self->scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  self->engine = g_build_filename (self->scratch, "engine", NULL);
  script = g_strdup_printf ("#!/bin/bash\n"
                            "exec '%s' \"$@\" < <(exec tee '%s/'log-$$ 2>/dev/null)\n",
                            g_getenv ("ESPALIER_ENGINE"), self->scratch);
  g_assert_true (g_file_set_contents_full (self->engine, script, -1, 0, 0755, NULL));
  self->backend = esp_local_backend_new (self->engine);
  self->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (self->images, make_picture ());

  models = g_object_ref (esp_backend_get_models (self->backend));
  for (guint i = 0; i < g_list_model_get_n_items (models) && self->model == NULL; i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      if (g_strcmp0 (esp_model_get_id (model), "demo") == 0)
        self->model = g_steal_pointer (&model);
    }
  g_assert_nonnull (self->model);
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  const char *argv[] = { "rm", "-rf", self->scratch, NULL };

  esp_backend_stop_async (self->backend, take_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (esp_backend_stop_finish (self->backend, result, NULL));
  for (int i = 0; i < TURNS; i++)
    {
      g_clear_object (&self->turns[i].result);
      g_clear_pointer (&self->turns[i].made, esp_backend_result_free);
      g_clear_error (&self->turns[i].error);
    }
  g_ptr_array_unref (self->images);
  g_object_unref (self->model);
  g_object_unref (self->backend);
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (self->scratch);
  g_free (self->engine);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  Turn *turn = data;

  turn->result = g_object_ref (result);
  turn->made = esp_backend_run_finish (ESP_BACKEND (source), result, &turn->error);
}

static void
start (Fixture *self, int index, const char *device)
{
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspBackendRequest request = { .model = "demo", .images = self->images, .parameters = parameters };

  json_object_set_string_member (parameters, "prompt", "Make it snow");
  json_object_set_string_member (parameters, "size", "match");
  json_object_set_int_member (parameters, "steps", 1);
  json_object_set_int_member (parameters, "seed", 5);
  if (device != NULL)
    json_object_set_string_member (parameters, "device", device);
  esp_backend_run_async (self->backend, &request, NULL, NULL, NULL, on_over, &self->turns[index]);
}

static void
wait_for (Fixture *self, int count)
{
  for (int i = 0; i < count; i++)
    {
      while (self->turns[i].result == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_no_error (self->turns[i].error);
      g_assert_nonnull (self->turns[i].made);
    }
}

/* How many engines were started, and how many edits each card was given by name. */
static guint
count_engines (Fixture *self, guint edits[2])
{
  g_autoptr (GDir) folder = g_dir_open (self->scratch, 0, NULL);
  guint count = 0;
  const char *name;

  edits[0] = edits[1] = 0;
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->scratch, name, NULL);
      g_autofree char *text = NULL;

      if (!g_str_has_prefix (name, "log-"))
        continue;
      count++;
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      for (int card = 0; card < 2; card++)
        {
          g_autofree char *wanted = g_strdup_printf ("\"cuda:%d\"", card);

          for (const char *at = text; (at = strstr (at, wanted)) != NULL; at++)
            edits[card]++;
        }
    }

  return count;
}

static void
describe (Fixture *self)
{
  esp_model_prepare (self->model);
  while (esp_model_get_state (self->model) == ESP_MODEL_STARTING)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (esp_model_get_state (self->model), ==, ESP_MODEL_READY);
}

static void
test_both_work (Fixture *self, gconstpointer data)
{
  guint edits[2];

  g_assert_cmpuint (esp_backend_get_concurrency (self->backend), ==, 1);
  describe (self);
  g_assert_cmpuint (esp_backend_get_concurrency (self->backend), ==, 2);
  start (self, 0, NULL);
  start (self, 1, "auto");
  wait_for (self, 2);
  g_assert_cmpuint (count_engines (self, edits), ==, 2);
  g_assert_cmpuint (edits[0], ==, 1);
  g_assert_cmpuint (edits[1], ==, 1);

  /* The same picture from either, and nothing that ties it to one. */
  g_assert_true (g_bytes_equal (self->turns[0].made->image, self->turns[1].made->image));
  for (int i = 0; i < 2; i++)
    {
      const char *device = json_object_get_string_member_with_default (
          self->turns[i].made->parameters, "device", "");

      g_assert_false (g_str_has_prefix (device, "cuda:"));
    }
}

static void
test_a_card_by_name (Fixture *self, gconstpointer data)
{
  guint edits[2];

  describe (self);
  start (self, 0, "cuda:1");
  start (self, 1, "cuda:1");
  start (self, 2, "cpu");
  wait_for (self, TURNS);
  g_assert_cmpuint (count_engines (self, edits), ==, 2);
  g_assert_cmpuint (edits[0], ==, 0);
  g_assert_cmpuint (edits[1], ==, 2);
}

int
main (int argc, char *argv[])
{
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_setenv ("CUEMU_DEVICES", "2", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/local-cards/both-work", Fixture, NULL, set_up, test_both_work, tear_down);
  g_test_add ("/local-cards/a-card-by-name", Fixture, NULL, set_up, test_a_card_by_name, tear_down);
  return g_test_run ();
}
