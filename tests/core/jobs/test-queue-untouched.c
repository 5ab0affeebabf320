/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-queue-untouched.c: turns whose untouched pixels are kept, turns of a region, what becomes of
 * their parts, and putting them together again. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "esp-latents.h"
#include "esp-picture-scale.h"
#include "esp-recompose.h"
#include "jobs-fixture.h"

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static EspNode *
import (EspDocument *document, GBytes *bytes)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspNode *node;

  esp_document_import_async (document, bytes, "cat.png", NULL, NULL, take_result, &result);
  jobs_wait (result != NULL);
  node = esp_document_import_finish (document, result, &error);
  g_assert_no_error (error);
  return node;
}

/* A small photo instead of the fixture's grey square, and a backend that edits it. */
static void
set_up (JobsFixture *self, gconstpointer data)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autofree char *path = g_build_filename (g_getenv ("ESP_PHOTOS"), "cat.png", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) photo = esp_picture_load (path, NULL, NULL, &error);
  g_autoptr (EspPicture) small = NULL;
  g_autoptr (GBytes) bytes = NULL;

  jobs_set_up (self, data);
  g_assert_no_error (error);
  small = esp_picture_shrink (photo, 320, &error);
  g_assert_no_error (error);
  bytes = esp_picture_to_bytes (small, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  self->photo = import (self->document, bytes);
  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_set_edits (self->fake, TRUE);
}

static EspNode *
ask (JobsFixture *self, EspNode *parent, const char *prompt, EspKeep keep, EspRegion *region)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (EspComposition) asked = esp_composition_new (keep);
  const EspTurn turn = { .instruction = prompt,
                         .backend = "fake",
                         .model = "model",
                         .has_seed = TRUE,
                         .seed = 5,
                         .composition = asked };

  asked->region = region != NULL ? esp_region_copy (region) : NULL;
  esp_document_add_turns_async (self->document, parent, &turn, 1, NULL, take_result, &result);
  jobs_wait (result != NULL);
  nodes = esp_document_add_turns_finish (self->document, result, &error);
  g_assert_no_error (error);
  return nodes->pdata[0];
}

static EspNode *
add (JobsFixture *self, EspNode *parent, const char *prompt, EspKeep keep, EspRegion *region)
{
  EspNode *node = ask (self, parent, prompt, keep, region);

  g_assert_nonnull (esp_queue_add (self->queue, self->document, node, FALSE));
  return node;
}

static void
finish (JobsFixture *self)
{
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
}

static EspPicture *
load (JobsFixture *self, EspNode *node, EspNodePicture which)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspPicture *picture;

  esp_document_load_node_picture_async (self->document, node, which, NULL, take_result, &result);
  jobs_wait (result != NULL);
  picture = esp_document_load_node_picture_finish (self->document, result, &error);
  g_assert_no_error (error);
  return picture;
}

static void
assert_same_size (EspPicture *a, EspPicture *b)
{
  g_assert_cmpint (a->width, ==, b->width);
  g_assert_cmpint (a->height, ==, b->height);
}

static const guint8 *
get_pixel (EspPicture *picture, int x, int y)
{
  return picture->pixels + 3 * ((gsize) y * (gsize) picture->width + (gsize) x);
}

/* Are all pixels but those of the rectangle the same, bit for bit; and in its middle, is it red? */
static void
assert_edited (EspPicture *source, EspPicture *image, int left, int top, int right, int bottom)
{
  const guint8 *middle = get_pixel (image, (left + right) / 2, (top + bottom) / 2);

  assert_same_size (source, image);
  for (int y = 0; y < source->height; y++)
    for (int x = 0; x < source->width; x++)
      if (x < left || x >= right || y < top || y >= bottom)
        g_assert_cmpmem (get_pixel (source, x, y), 3, get_pixel (image, x, y), 3);
  g_assert_cmpint (middle[0], >, 200);
  g_assert_cmpint (middle[1], <, 50);
}

#define MARGIN 14 /* px that mask and seam may reach beyond the edit */

/* --- What a turn becomes ---------------------------------------------------------------------- */

static void
test_keep (JobsFixture *self, gconstpointer data)
{
  EspNode *node = add (self, self->photo, "red", ESP_KEEP_AUTO, NULL);
  const EspComposition *composition;
  g_autoptr (EspPicture) source = NULL, image = NULL, mask = NULL, raw = NULL;
  g_autoptr (GBytes) sent = NULL;
  int w, h;

  finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  composition = esp_node_get_composition (node);
  g_assert_null (composition->problem);
  g_assert_true (composition->made);
  g_assert_false (composition->global);
  g_assert_cmpfloat (composition->changed, >, 0.05);
  g_assert_cmpfloat (composition->changed, <, 0.12);
  source = load (self, node, ESP_NODE_PICTURE_SOURCE);
  image = load (self, node, ESP_NODE_PICTURE_SHOWN);
  mask = load (self, node, ESP_NODE_PICTURE_MASK);
  raw = load (self, node, ESP_NODE_PICTURE_RAW);
  g_assert_nonnull (raw);
  assert_same_size (mask, source);
  w = source->width;
  h = source->height;
  assert_edited (source, image, w / 4 - MARGIN, h / 4 - MARGIN, w / 2 + MARGIN, h / 2 + MARGIN);
  g_assert_cmpint (*get_pixel (mask, 3 * w / 8, 3 * h / 8), ==, 255);
  g_assert_cmpint (*get_pixel (mask, 7 * w / 8, 7 * h / 8), ==, 0);
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW), !=,
                   esp_node_get_sha256 (node));
  /* All that a turn knows else is there. */
  g_assert_cmpuint (esp_node_get_seed (node), ==, 5);
  g_assert_cmpstr (esp_node_get_model_hash (node), ==, "hash");
  g_assert_cmpfloat (esp_node_get_cost (node), ==, 0.25);
  g_assert_cmpstr (self->finished->str, ==, "red:done");
}

static void
test_off (JobsFixture *self, gconstpointer data)
{
  EspNode *node = add (self, self->photo, "red", ESP_KEEP_OFF, NULL);

  finish (self);
  g_assert_null (esp_node_get_composition (node));
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW), ==,
                   esp_node_get_sha256 (node));
  g_assert_false (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK));
}

static void
test_global (JobsFixture *self, gconstpointer data)
{
  EspNode *node = add (self, self->photo, "night", ESP_KEEP_AUTO, NULL);

  finish (self);
  g_assert_true (esp_node_get_composition (node)->global);
  g_assert_null (esp_node_get_composition (node)->problem);
  g_assert_cmpfloat (esp_node_get_composition (node)->changed, ==, 1);
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW), ==,
                   esp_node_get_sha256 (node));
  g_assert_false (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK));
}

/* Only what is around the region is sent, and only the region is another then. */
static void
test_region (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspRegion) region = esp_region_new (140, 60, 80, 64);
  static const EspKeep keeps[] = { ESP_KEEP_AUTO, ESP_KEEP_OFF };

  for (guint i = 0; i < G_N_ELEMENTS (keeps); i++)
    {
      EspNode *node = add (self, self->photo, "red", keeps[i], region);
      g_autoptr (EspPicture) source = NULL, image = NULL, sent = NULL;
      const EspComposition *composition;
      int n_changed = 0;

      finish (self);
      composition = esp_node_get_composition (node);
      g_assert_null (composition->problem);
      g_assert_true (esp_region_equal (composition->region, region));
      g_assert_cmpint (composition->crop.width, >=, 80);
      g_assert_cmpint (composition->crop.width, <, esp_node_get_width (self->photo));
      sent = esp_picture_load_bytes (g_ptr_array_index (fake_backend_get_images (self->fake), 0),
                                     "sent", NULL, NULL, NULL);
      g_assert_cmpint (sent->width, ==, composition->crop.send_width);
      g_assert_cmpint (sent->height, ==, composition->crop.send_height);
      source = load (self, node, ESP_NODE_PICTURE_SOURCE);
      image = load (self, node, ESP_NODE_PICTURE_SHOWN);
      assert_same_size (source, image);
      for (int y = 0; y < source->height; y++)
        for (int x = 0; x < source->width; x++)
          if (memcmp (get_pixel (source, x, y), get_pixel (image, x, y), 3) != 0)
            {
              n_changed++;
              g_assert_cmpint (x, >=, 140 - 32);
              g_assert_cmpint (x, <, 220 + 32);
              g_assert_cmpint (y, >=, 60 - 32);
              g_assert_cmpint (y, <, 124 + 32);
            }
      g_assert_cmpint (n_changed, >, 500);
    }
}

/* One that lies beside the picture is told, and nothing is sent. */
static void
test_region_outside (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspRegion) region = esp_region_new (5000, 60, 80, 64);
  EspNode *node = add (self, self->photo, "red", ESP_KEEP_AUTO, region);

  finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_FAILED);
  g_assert_nonnull (strstr (esp_node_get_message (node), "5000"));
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 0);
}

/* A turn below one that runs is made from what that shows in the end. */
static void
test_chain (JobsFixture *self, gconstpointer data)
{
  EspNode *first = add (self, self->photo, "first", ESP_KEEP_AUTO, NULL);
  EspNode *second = add (self, first, "second", ESP_KEEP_AUTO, NULL);
  g_autofree char *sent = NULL;

  finish (self);
  sent = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256,
                                       fake_backend_get_images (self->fake)->pdata[0]);
  g_assert_cmpstr (self->finished->str, ==, "first:done second:done");
  g_assert_cmpstr (sent, ==, esp_node_get_sha256 (first));
  g_assert_cmpstr (sent, !=, esp_node_get_picture_sha256 (first, ESP_NODE_PICTURE_RAW));
  g_assert_cmpstr (esp_node_get_picture_sha256 (second, ESP_NODE_PICTURE_SOURCE), ==, sent);
  g_assert_false (esp_node_is_outdated (second));
  /* It changed nothing that was not changed already. */
  g_assert_cmpfloat (esp_node_get_composition (second)->changed, <, 0.01);
}

/* Each of several images is put together by itself; a provider's are not kept beforehand. */
static void
test_more (JobsFixture *self, gconstpointer data)
{
  EspNode *node, *more;
  g_autoptr (GPtrArray) stack = NULL;

  fake_backend_set_remote (self->fake, TRUE);
  node = add (self, self->photo, "twice", ESP_KEEP_AUTO, NULL);
  finish (self);
  stack = esp_node_dup_stack (node);
  g_assert_cmpuint (stack->len, ==, 2);
  more = stack->pdata[0] == node ? stack->pdata[1] : stack->pdata[0];
  g_assert_true (esp_node_get_composition (more)->made);
  g_assert_null (esp_node_get_composition (more)->problem);
  g_assert_true (esp_node_has_picture (more, ESP_NODE_PICTURE_MASK));
  g_assert_cmpstr (esp_node_get_picture_sha256 (more, ESP_NODE_PICTURE_RAW), !=,
                   esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW));
  g_assert_cmpstr (esp_node_get_picture_sha256 (more, ESP_NODE_PICTURE_SOURCE), ==,
                   esp_node_get_sha256 (self->photo));
}

/* What is no picture is no picture with and without. */
static void
test_broken (JobsFixture *self, gconstpointer data)
{
  EspNode *node = add (self, self->photo, "broken", ESP_KEEP_AUTO, NULL);
  g_autoptr (GError) error = NULL;

  finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_FAILED);
  g_assert_false (esp_node_has_image (node));
  /* It is tried again, and gives up again. */
  esp_queue_retry (self->queue, self->document, node);
  finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_FAILED);
  /* The fake's next is a good one, but the result at hand is still that of before. */
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 1);
}

/* --- Stopped and broken off ------------------------------------------------------------------- */

typedef struct
{
  JobsFixture *fixture;
  gboolean suspends;
  gboolean seen;
} Stop;

static void
on_progress (EspNode *node, gpointer data)
{
  const EspNodeProgress *progress = esp_node_get_progress (node);
  Stop *stop = data;
  EspQueue *queue = stop->fixture->queue;

  if (stop->seen || progress == NULL || g_strcmp0 (progress->stage, "composing") != 0)
    return;
  g_assert_cmpstr (progress->phase, ==, "Keeping untouched pixels");
  stop->seen = TRUE;
  if (stop->suspends)
    esp_queue_suspend_document (queue, stop->fixture->document);
  else
    esp_queue_stop (queue, esp_queue_find (queue, node));
}

/* Whoever stops it then has the result, as it came, and can have the rest later. */
static void
test_stop (JobsFixture *self, gconstpointer data)
{
  Stop stop = { .fixture = self };
  EspNode *node = ask (self, self->photo, "red", ESP_KEEP_AUTO, NULL);
  g_autoptr (EspComposition) wanted = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (node, "progress", G_CALLBACK (on_progress), &stop);
  esp_queue_add (self->queue, self->document, node, FALSE);
  finish (self);
  g_assert_true (stop.seen);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpstr (esp_node_get_composition (node)->problem, ==,
                   "It was stopped before untouched pixels were kept");
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW), ==,
                   esp_node_get_sha256 (node));

  esp_recompose_async (self->document, node, wanted, NULL, TRUE, "Keep", NULL, take_result,
                       &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_recompose_finish (result, &error));
  g_assert_no_error (error);
  g_assert_null (esp_node_get_composition (node)->problem);
  g_assert_true (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK));
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW), !=,
                   esp_node_get_sha256 (node));
}

/* The program goes in that moment: the next start puts it together, and nothing is made again. */
static void
test_left_over (JobsFixture *self, gconstpointer data)
{
  Stop stop = { .fixture = self, .suspends = TRUE };
  EspNode *node = ask (self, self->photo, "red", ESP_KEEP_AUTO, NULL);
  const gint64 id = esp_node_get_id (node);
  g_autoptr (GFile) file = g_object_ref (esp_document_get_file (self->document));
  g_autoptr (EspDocument) closed = g_object_ref (self->document);
  g_autoptr (GPtrArray) left = NULL;
  gulong handler = g_signal_connect (node, "progress", G_CALLBACK (on_progress), &stop);

  fake_backend_set_seconds (self->fake, 7);
  esp_queue_add (self->queue, self->document, node, FALSE);
  jobs_wait (stop.seen);
  jobs_close_document (self->document);
  g_signal_handler_disconnect (node, handler);
  g_object_unref (self->document);
  self->document = jobs_open_document (file);
  jobs_wait (!esp_queue_has_document (self->queue, closed));

  node = esp_document_get_node (self->document, id);
  if (!esp_node_has_image (node)) /* it may have been quicker than the closing */
    {
      g_assert_true (esp_node_has_picture (node, ESP_NODE_PICTURE_RAW));
      left = esp_queue_dup_left_over (self->queue, self->document);
      g_assert_cmpuint (left->len, ==, 1);
      esp_queue_take_up (self->queue, self->document, left);
      finish (self);
    }
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 1);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_null (esp_node_get_composition (node)->problem);
  g_assert_true (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK));
  g_assert_cmpuint (esp_node_get_seed (node), ==, 5);
  g_assert_cmpfloat (esp_node_get_seconds (node), ==, 7);
  g_assert_cmpfloat (esp_node_get_cost (node), ==, 0.25);
  g_assert_cmpstr (esp_node_get_currency (node), ==, "EUR");
  g_assert_cmpstr (esp_node_get_model_hash (node), ==, "hash");
  g_assert_cmpint (json_object_get_int_member (esp_node_get_timings (node), "denoise"), ==, 6);
}

static EspNode *
import_noise (EspDocument *document, int side)
{
  const EspSaveOptions options = { .quality = 90, .compression = 1 };
  g_autoptr (GRand) noise = g_rand_new_with_seed (7);
  g_autoptr (EspPicture) picture = esp_picture_new (side, side, NULL);
  g_autoptr (GBytes) bytes = NULL;

  for (int i = 0; i < side * side * 3; i++)
    picture->pixels[i] = (guint8) g_rand_int (noise);
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);
  return import (document, bytes);
}

static void
limit_files (rlim_t size)
{
  struct rlimit limit = { .rlim_cur = size, .rlim_max = RLIM_INFINITY };

  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

/* How many files there are whose names contain it; they are removed. */
static guint
count_rescued (const char *part)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "espalier", "rescued", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (strstr (name, part) != NULL)
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);

        n++;
        g_assert_cmpint (g_unlink (path), ==, 0);
      }
  return n;
}

/* Neither what was made nor what was put together is lost, and nothing is made again. */
static void
test_disk_full (JobsFixture *self, gconstpointer data)
{
  EspNode *node;

  signal (SIGXFSZ, SIG_IGN);
  fake_backend_set_stepped (self->fake, TRUE);
  node = add (self, import_noise (self->document, 720), "red", ESP_KEEP_AUTO, NULL);
  jobs_wait (fake_backend_is_running (self->fake, "red"));
  jobs_settle (self);
  limit_files (720 * 720 * 3 + 8000);
  fake_backend_finish (self->fake, "red");
  jobs_wait (self->finished->len > 0);
  limit_files (RLIM_INFINITY);
  g_assert_cmpstr (self->finished->str, ==, "red:failed");
  g_assert_false (esp_node_has_image (node));
  g_assert_cmpuint (count_rescued (" raw "), ==, 1);
  g_assert_cmpuint (count_rescued (".png"), ==, 1);

  esp_queue_retry (self->queue, self->document, node);
  finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 1);
  g_assert_null (esp_node_get_composition (node)->problem);
  g_assert_true (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK));
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW), !=,
                   esp_node_get_sha256 (node));
}

/* What became of a turn that waited is shown, also where it cannot be stored. */
static void
test_disk_full_while_waiting (JobsFixture *self, gconstpointer data)
{
  EspNode *node;

  signal (SIGXFSZ, SIG_IGN);
  fake_backend_set_stepped (self->fake, TRUE);
  add (self, self->photo, "red", ESP_KEEP_AUTO, NULL);
  jobs_wait (fake_backend_is_running (self->fake, "red"));
  node = add (self, self->photo, "blue", ESP_KEEP_AUTO, NULL);
  jobs_settle (self);
  limit_files (0);
  esp_queue_stop (self->queue, esp_queue_find (self->queue, node));
  jobs_wait (self->finished->len > 0);
  limit_files (RLIM_INFINITY);
  g_assert_cmpstr (self->finished->str, ==, "blue:cancelled");
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_CANCELLED);

  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "red");
  esp_queue_retry (self->queue, self->document, node);
  finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
}

/* --- Latents ---------------------------------------------------------------------------------- */

#define LATENT_WIDTH  256
#define LATENT_HEIGHT 256

static GBytes *
make_latents (void)
{
  const guint n = LATENT_WIDTH / 16 * (LATENT_HEIGHT / 16);
  g_autofree float *values = g_new0 (float, n * 4);
  g_autofree char *hash = g_strnfill (64, 'a');
  g_autoptr (GError) error = NULL;
  GBytes *latents;

  for (guint i = 0; i < n * 4; i++)
    values[i] = (float) (i % 7);
  latents = esp_latents_new (values, LATENT_WIDTH, LATENT_HEIGHT, 4, hash, &error);
  g_assert_no_error (error);
  return latents;
}

static void
assert_given (JobsFixture *self, GBytes *latents)
{
  GBytes *given = fake_backend_get_latents (self->fake);

  g_assert_cmpint (given != NULL, ==, latents != NULL);
  if (latents != NULL)
    g_assert_true (g_bytes_equal (given, latents));
}

static void
test_latents (JobsFixture *self, gconstpointer data)
{
  g_autoptr (GBytes) latents = make_latents ();
  g_autoptr (EspRegion) region = esp_region_new (140, 60, 80, 64);
  EspNode *node, *part;
  GBytes *tokens;
  const guint8 *shown;

  fake_backend_set_latents (self->fake, latents);
  node = add (self, self->photo, "red", ESP_KEEP_AUTO, NULL);
  finish (self);
  assert_given (self, NULL);
  g_assert_true (esp_node_has_latents (node));

  /* The next one learns where the picture still is what was decoded of them. */
  add (self, node, "next", ESP_KEEP_AUTO, NULL);
  finish (self);
  assert_given (self, latents);
  tokens = fake_backend_get_latent_tokens (self->fake);
  g_assert_cmpuint (g_bytes_get_size (tokens), ==, 16 * 16);
  shown = g_bytes_get_data (tokens, NULL);
  g_assert_cmpuint (shown[5 * 16 + 5], ==, 255); /* in the middle of the red square */
  g_assert_cmpuint (shown[0], ==, 0);
  g_assert_cmpuint (shown[12 * 16 + 12], ==, 0);

  /* A region is a picture of its own: it neither gets nor leaves any. */
  part = add (self, node, "part", ESP_KEEP_AUTO, region);
  finish (self);
  assert_given (self, NULL);
  g_assert_false (esp_node_has_latents (part));

  /* Of one that shows all that was made, all of them count. */
  node = add (self, self->photo, "night", ESP_KEEP_AUTO, NULL);
  finish (self);
  add (self, node, "day", ESP_KEEP_OFF, NULL);
  finish (self);
  assert_given (self, latents);
  g_assert_null (fake_backend_get_latent_tokens (self->fake));

  /* A provider gets the picture alone. */
  fake_backend_set_remote (self->fake, FALSE);
  add (self, node, "elsewhere", ESP_KEEP_OFF, NULL);
  finish (self);
  assert_given (self, NULL);
}

/* --- Again ------------------------------------------------------------------------------------ */

static gboolean
recompose (JobsFixture *self, EspNode *node, EspKeep keep, double feather, EspMask *mask,
           gboolean anew, GError **error)
{
  g_autoptr (EspComposition) wanted = esp_composition_new (keep);
  g_autoptr (GAsyncResult) result = NULL;

  wanted->feather = feather;
  esp_recompose_async (self->document, node, wanted, mask, anew, "Change the Mask", NULL,
                       take_result, &result);
  jobs_wait (result != NULL);
  return esp_recompose_finish (result, error);
}

static void
test_recompose (JobsFixture *self, gconstpointer data)
{
  EspNode *node = add (self, self->photo, "red", ESP_KEEP_AUTO, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspMask) mask = NULL, wrong = esp_mask_new (10, 10, NULL);
  g_autoptr (EspPicture) source = NULL, image = NULL;
  g_autofree char *first = NULL, *title = NULL, *raw = NULL;
  int w, h;

  finish (self);
  first = g_strdup (esp_node_get_sha256 (node));
  raw = g_strdup (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW));
  source = load (self, node, ESP_NODE_PICTURE_SOURCE);
  w = source->width;
  h = source->height;

  /* Only the left half of the square, hard. */
  mask = esp_mask_new (w, h, &error);
  for (int y = 0; y < h; y++)
    memset (mask->values + (gsize) y * (gsize) w, 255, (gsize) (3 * w / 8));
  g_assert_true (recompose (self, node, ESP_KEEP_PAINTED, 0, mask, FALSE, &error));
  g_assert_no_error (error);
  image = load (self, node, ESP_NODE_PICTURE_SHOWN);
  assert_edited (source, image, w / 4, h / 4, 3 * w / 8, h / 2);
  g_assert_cmpint (esp_node_get_composition (node)->keep, ==, ESP_KEEP_PAINTED);
  g_assert_cmpfloat (esp_node_get_composition (node)->changed, >, 0.02);
  g_assert_cmpfloat (esp_node_get_composition (node)->changed, <, 0.4);
  title = esp_document_dup_undo_title (self->document);
  g_assert_cmpstr (title, ==, "Change the Mask");

  /* The stored mask with another seam; then all of the result, with the mask kept; and back. */
  g_assert_true (recompose (self, node, ESP_KEEP_PAINTED, 12, NULL, FALSE, &error));
  g_assert_cmpfloat (esp_node_get_composition (node)->feather, ==, 12);
  g_assert_true (recompose (self, node, ESP_KEEP_OFF, -1, NULL, FALSE, &error));
  g_assert_cmpstr (esp_node_get_sha256 (node), ==, raw);
  g_assert_cmpfloat (esp_node_get_composition (node)->changed, ==, 1);
  g_assert_true (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK));
  g_assert_true (recompose (self, node, ESP_KEEP_PAINTED, 0, NULL, FALSE, &error));
  g_clear_pointer (&image, esp_picture_unref);
  image = load (self, node, ESP_NODE_PICTURE_SHOWN);
  assert_edited (source, image, w / 4, h / 4, 3 * w / 8, h / 2);

  /* As the program finds it. */
  g_assert_true (recompose (self, node, ESP_KEEP_AUTO, -1, NULL, TRUE, &error));
  g_assert_cmpstr (esp_node_get_sha256 (node), ==, first);
  for (int i = 0; i < 5; i++)
    jobs_edit (self->document, esp_document_undo_async);
  g_assert_cmpstr (esp_node_get_sha256 (node), ==, first);

  g_assert_false (recompose (self, node, ESP_KEEP_PAINTED, 0, wrong, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE);
  g_assert_nonnull (strstr (error->message, "10 × 10"));
  g_assert_cmpstr (esp_node_get_sha256 (node), ==, first);
}

/* What a provider goes on with is made from what was sent, whatever its parent shows by now; what
 * is begun anew from that. */
static void
test_recomposed_meanwhile (JobsFixture *self, gconstpointer data)
{
  EspNode *first = add (self, self->photo, "first", ESP_KEEP_AUTO, NULL);
  EspNode *second;
  g_autofree char *before = NULL, *after = NULL, *sent = NULL, *anew = NULL;
  g_autoptr (GError) error = NULL;

  finish (self);
  before = g_strdup (esp_node_get_sha256 (first));
  fake_backend_set_remote (self->fake, TRUE);
  fake_backend_set_stepped (self->fake, TRUE);
  second = add (self, first, "second", ESP_KEEP_AUTO, NULL);
  jobs_wait (fake_backend_is_running (self->fake, "second"));
  fake_backend_fail (self->fake, "second", ESP_BACKEND_ERROR_NETWORK, "offline");
  jobs_wait (esp_node_get_state (second) == ESP_NODE_FAILED);
  finish (self);

  g_assert_true (recompose (self, first, ESP_KEEP_OFF, -1, NULL, FALSE, &error));
  g_assert_no_error (error);
  after = g_strdup (esp_node_get_sha256 (first));
  g_assert_cmpstr (after, !=, before);

  esp_queue_retry (self->queue, self->document, second);
  jobs_wait (fake_backend_is_running (self->fake, "second"));
  g_assert_true (fake_backend_get_resumed (self->fake));
  sent = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256,
                                       fake_backend_get_images (self->fake)->pdata[0]);
  g_assert_cmpstr (sent, ==, before);

  fake_backend_set_remote (self->fake, FALSE);
  fake_backend_fail (self->fake, "second", ESP_BACKEND_ERROR_FAILED, "no");
  jobs_wait (esp_node_get_state (second) == ESP_NODE_FAILED);
  finish (self);
  esp_queue_retry (self->queue, self->document, second);
  jobs_wait (fake_backend_is_running (self->fake, "second"));
  anew = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256,
                                       fake_backend_get_images (self->fake)->pdata[0]);
  g_assert_cmpstr (anew, ==, after);
  fake_backend_finish (self->fake, "second");
  finish (self);
  g_assert_cmpstr (esp_node_get_picture_sha256 (second, ESP_NODE_PICTURE_SOURCE), ==, after);
}

/* Of a turn that asked for nothing, too; not of an import, nor once its parts are forgotten. */
static void
test_recompose_plain (JobsFixture *self, gconstpointer data)
{
  EspNode *node = add (self, self->photo, "red", ESP_KEEP_OFF, NULL);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspPicture) source = NULL, image = NULL;
  g_autoptr (GError) error = NULL;

  finish (self);
  g_assert_true (recompose (self, node, ESP_KEEP_AUTO, -1, NULL, FALSE, &error));
  g_assert_no_error (error);
  source = load (self, node, ESP_NODE_PICTURE_SOURCE);
  image = load (self, node, ESP_NODE_PICTURE_SHOWN);
  assert_edited (source, image, source->width / 4 - MARGIN, source->height / 4 - MARGIN,
                 source->width / 2 + MARGIN, source->height / 2 + MARGIN);

  g_assert_false (recompose (self, self->photo, ESP_KEEP_AUTO, -1, NULL, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_ptr_array_add (nodes, node);
  esp_document_forget_parts_async (self->document, nodes, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_edit_finish (self->document, result, &error));
  g_assert_false (recompose (self, node, ESP_KEEP_OFF, -1, NULL, FALSE, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
}

int
main (int argc, char *argv[])
{
  jobs_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/queue-untouched/" name, JobsFixture, NULL, set_up, function, jobs_tear_down)
  ADD ("keep", test_keep);
  ADD ("off", test_off);
  ADD ("global", test_global);
  ADD ("region", test_region);
  ADD ("region-outside", test_region_outside);
  ADD ("chain", test_chain);
  ADD ("more", test_more);
  ADD ("broken", test_broken);
  ADD ("stop", test_stop);
  ADD ("left-over", test_left_over);
  ADD ("disk-full", test_disk_full);
  ADD ("disk-full-while-waiting", test_disk_full_while_waiting);
  ADD ("latents", test_latents);
  ADD ("recompose", test_recompose);
  ADD ("recomposed-meanwhile", test_recomposed_meanwhile);
  ADD ("recompose-plain", test_recompose_plain);

  return jobs_run ();
}
