/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latents from turn to turn, as the local backend carries them: used where they are right, left
 * where they are not, and never a reason to fail. */
#include <glib/gstdio.h>

#include "esp-latents.h"
#include "esp-local-backend.h"

#define SEEDS 3

typedef struct
{
  char *scratch;
  EspBackend *backend;
} Fixture;

/* What a turn is made of. */
typedef struct
{
  GBytes *image, *latents;
  const guint8 *tokens;
  gint64 seed;
  gboolean no_carry;
  EspTurnGroup *group;
} Asked;

static GBytes *
load_photo (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("ESP_PHOTOS"), name, NULL);
  char *contents = NULL;
  gsize length = 0;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  return g_bytes_new_take (contents, length);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->scratch = g_strdup (g_getenv ("TMPDIR"));
  self->backend = esp_local_backend_new (NULL);
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

  esp_backend_stop_async (self->backend, take_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (esp_backend_stop_finish (self->backend, result, NULL));
  g_object_unref (self->backend);
  g_free (self->scratch);
}

static void
start (Fixture *self, const Asked *asked, GAsyncResult **result)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new ();
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspBackendRequest request = { .model = "demo",
                                .images = images,
                                .parameters = parameters,
                                .group = asked->group,
                                .latents = asked->latents,
                                .latent_tokens = asked->tokens };

  g_ptr_array_add (images, asked->image);
  json_object_set_string_member (parameters, "prompt", "Make it snow");
  json_object_set_int_member (parameters, "steps", 1);
  json_object_set_int_member (parameters, "seed", asked->seed);
  json_object_set_string_member (parameters, "dtype", "f32");
  if (asked->no_carry)
    json_object_set_boolean_member (parameters, "latent_carry", FALSE);
  esp_backend_run_async (self->backend, &request, NULL, NULL, NULL, take_result, result);
}

static EspBackendResult *
finish (Fixture *self, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;
  EspBackendResult *made;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  made = esp_backend_run_finish (self->backend, *result, &error);
  g_clear_object (result);
  g_assert_no_error (error);
  return made;
}

static EspBackendResult *
make (Fixture *self, const Asked *asked)
{
  GAsyncResult *result = NULL;

  start (self, asked, &result);
  return finish (self, &result);
}

static void
check_size (const EspBackendResult *made)
{
  g_autoptr (EspPicture) picture = esp_picture_load_bytes (made->image, "result", NULL, NULL, NULL);
  g_autofree char *hash = esp_latents_dup_model_hash (made->latents);
  int width, height;

  g_assert_true (esp_latents_get_size (made->latents, &width, &height));
  g_assert_cmpint (width, ==, picture->width);
  g_assert_cmpint (height, ==, picture->height);
  g_assert_cmpstr (hash, ==, made->model_hash);
}

/* Files of turns that are over, in any spool folder. */
static guint
count_left_over (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint count = 0;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        count += count_left_over (path);
      else if (!g_str_equal (name, "lock"))
        {
          g_test_message ("left over: %s", name);
          count++;
        }
    }
  return count;
}

static void
test_carried (Fixture *self, gconstpointer data)
{
  g_autoptr (GBytes) photo = load_photo ("cat.png");
  g_autoptr (EspBackendResult) first = make (self, &(Asked){ .image = photo });
  g_autoptr (EspBackendResult) plain = NULL, whole = NULL, some = NULL, none = NULL, off = NULL;
  g_autofree guint8 *tokens = NULL;
  int width, height;
  gsize count, quarter;

  g_assert_cmpfloat (first->carried, ==, 0);
  g_assert_nonnull (first->latents);
  check_size (first);
  esp_latents_get_size (first->latents, &width, &height);
  count = (gsize) (width / 16) * (gsize) (height / 16);

  plain = make (self, &(Asked){ .image = first->image });
  whole = make (self, &(Asked){ .image = first->image, .latents = first->latents });
  g_assert_cmpfloat (whole->carried, ==, 1);
  g_assert_false (g_bytes_equal (whole->image, plain->image));
  check_size (whole);

  tokens = g_new0 (guint8, count);
  none
      = make (self, &(Asked){ .image = first->image, .latents = first->latents, .tokens = tokens });
  g_assert_cmpfloat (none->carried, ==, 0);
  g_assert_true (g_bytes_equal (none->image, plain->image));
  quarter = count / 4;
  for (gsize i = 0; i < quarter; i++)
    tokens[3 * i + 1] = 255;
  some
      = make (self, &(Asked){ .image = first->image, .latents = first->latents, .tokens = tokens });
  g_assert_cmpfloat_with_epsilon (some->carried, (double) quarter / (double) count, 1e-9);
  g_assert_false (g_bytes_equal (some->image, plain->image));
  g_assert_false (g_bytes_equal (some->image, whole->image));

  off = make (self, &(Asked){ .image = first->image, .latents = first->latents, .no_carry = TRUE });
  g_assert_cmpfloat (off->carried, ==, 0);
  g_assert_null (off->latents);
  g_assert_true (g_bytes_equal (off->image, plain->image));
  g_assert_cmpuint (count_left_over (self->scratch), ==, 0);
}

/* Latents of any kind that do not fit: the turn is made as if there were none. */
static void
test_of_no_use (Fixture *self, gconstpointer data)
{
  g_autoptr (GBytes) photo = load_photo ("cat.png"), other_model = NULL, other_size = NULL;
  g_autoptr (GBytes) damaged = NULL, text = g_bytes_new_static ("latents", 7);
  g_autoptr (EspBackendResult) first = make (self, &(Asked){ .image = photo });
  g_autoptr (EspBackendResult) plain = make (self, &(Asked){ .image = first->image });
  g_autofree float *values = NULL, *zeros = g_new0 (float, 64);
  g_autofree guint8 *bytes = NULL;
  int width, height, channels;
  gsize size;

  esp_latents_get_size (first->latents, &width, &height);
  values = esp_latents_unpack (first->latents, &channels, NULL);
  other_model
      = esp_latents_new (values, width, height, channels,
                         "00000000000000000000000000000000000000000000000000000000000000ff", NULL);
  other_size = esp_latents_new (zeros, 16, 16, 64, first->model_hash, NULL);
  size = g_bytes_get_size (first->latents);
  bytes = g_memdup2 (g_bytes_get_data (first->latents, NULL), size);
  bytes[size / 2] ^= 0xff;
  damaged = g_bytes_new (bytes, size);

  for (int i = 0; i < 4; i++)
    {
      GBytes *given[] = { other_model, other_size, damaged, text };
      g_autoptr (EspBackendResult) made = NULL;

      if (given[i] == damaged)
        g_test_expect_message ("espalier-backend", G_LOG_LEVEL_MESSAGE, "latents: damaged");
      made = make (self, &(Asked){ .image = first->image, .latents = given[i] });
      g_test_assert_expected_messages ();
      g_assert_cmpfloat (made->carried, ==, 0);
      g_assert_true (g_bytes_equal (made->image, plain->image));
      g_assert_nonnull (made->latents);
      g_assert_null (made->notes);
    }
  g_assert_cmpuint (count_left_over (self->scratch), ==, 0);
}

static void
test_group (Fixture *self, gconstpointer data)
{
  g_autoptr (GBytes) photo = load_photo ("cat.png");
  g_autoptr (EspBackendResult) first = make (self, &(Asked){ .image = photo });
  g_autoptr (EspTurnGroup) group = esp_turn_group_new (SEEDS);
  GAsyncResult *results[SEEDS] = { NULL };

  for (int i = 0; i < SEEDS; i++)
    start (self,
           &(Asked){ .image = first->image, .latents = first->latents, .seed = i, .group = group },
           &results[i]);
  for (int i = 0; i < SEEDS; i++)
    {
      g_autoptr (EspBackendResult) made = finish (self, &results[i]);
      g_autoptr (EspBackendResult) single
          = make (self, &(Asked){ .image = first->image, .latents = first->latents, .seed = i });

      g_assert_cmpfloat (made->carried, ==, 1);
      g_assert_true (g_bytes_equal (made->image, single->image));
      g_assert_true (g_bytes_equal (made->latents, single->latents));
    }
  /* What they have in common goes with the group. */
  g_clear_pointer (&group, esp_turn_group_unref);
  g_assert_cmpuint (count_left_over (self->scratch), ==, 0);
}

#define ADD(path, func)                                                                            \
  g_test_add ("/backend/latents/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_autofree char *scratch = g_dir_make_tmp ("espalier-test-XXXXXX", NULL);
  int result;

  /* The spool folders are in there, and nothing is known from before. */
  g_setenv ("TMPDIR", scratch, TRUE);
  g_setenv ("ESPALIER_CACHE_LIMIT", "0", TRUE);
  g_test_init (&argc, &argv, NULL);
  ADD ("carried", test_carried);
  ADD ("of-no-use", test_of_no_use);
  ADD ("group", test_group);
  result = g_test_run ();
  g_rmdir (scratch);
  return result;
}
