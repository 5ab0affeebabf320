/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-texture-cache.c: thumbnails come when asked for, the nearest first; they leave by the
 * budget, with their document and with their node; whole pictures are shared. */
#include <gtk/gtk.h>

#include "esp-image-pyramid.h"
#include "esp-texture-cache.h"
#include "scratch-document.h"

#define THUMBNAIL_BYTES (96 * 48 * 3) /* of 200 × 100 pixels at the small size */

typedef struct
{
  GPtrArray *loaded; /* of EspNode, in order */
  guint wanted;
} Watch;

static void
on_loaded (EspTextureCache *cache, EspDocument *document, EspNode *node, int size, Watch *watch)
{
  g_assert_cmpint (size, ==, ESP_THUMBNAIL_SMALL);
  g_ptr_array_add (watch->loaded, node);
}

static gboolean
has_loaded (gpointer data)
{
  Watch *watch = data;

  return watch->loaded->len >= watch->wanted;
}

static void
watch_init (Watch *watch, EspTextureCache *cache)
{
  watch->loaded = g_ptr_array_new ();
  watch->wanted = 0;
  g_signal_connect (cache, "loaded", G_CALLBACK (on_loaded), watch);
}

static void
wait_for_loads (Watch *watch, guint more)
{
  watch->wanted = watch->loaded->len + more;
  g_assert_true (scratch_wait_for (has_loaded, watch));
  g_assert_cmpuint (watch->loaded->len, ==, watch->wanted);
}

static GdkTexture *
lookup (EspTextureCache *cache, EspDocument *document, EspNode *node, double distance)
{
  return esp_texture_cache_lookup (cache, document, node, ESP_THUMBNAIL_SMALL, distance);
}

static void
test_lookup (void)
{
  g_autoptr (EspTextureCache) cache = esp_texture_cache_new (1 << 20);
  g_autoptr (EspDocument) document = scratch_document_new ();
  EspNode *node = scratch_document_import (document, 200, 100, 0x336699);
  EspNode *turn = scratch_document_add_turn (document, node, "Make it red");
  Watch watch;
  GdkTexture *texture;

  watch_init (&watch, cache);
  g_assert_null (lookup (cache, document, node, 0));
  g_assert_null (lookup (cache, document, turn, 0)); /* has no image, is not asked for */
  wait_for_loads (&watch, 1);
  texture = lookup (cache, document, node, 0);
  g_assert_nonnull (texture);
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 96);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, 48);
  g_assert_cmpuint (esp_texture_cache_get_bytes (cache), ==, THUMBNAIL_BYTES);

  esp_texture_cache_forget (cache, document, node);
  g_assert_cmpuint (esp_texture_cache_get_bytes (cache), ==, 0);
  g_assert_null (lookup (cache, document, node, 0));
  wait_for_loads (&watch, 1);
  esp_texture_cache_forget (cache, document, NULL);
  g_assert_cmpuint (esp_texture_cache_get_bytes (cache), ==, 0);

  scratch_document_close (document);
  g_ptr_array_unref (watch.loaded);
}

static void
test_document_gone (void)
{
  g_autoptr (EspTextureCache) cache = esp_texture_cache_new (1 << 20);
  EspDocument *document = scratch_document_new ();
  EspNode *node = scratch_document_import (document, 200, 100, 0x336699);
  Watch watch;

  watch_init (&watch, cache);
  g_assert_null (lookup (cache, document, node, 0));
  wait_for_loads (&watch, 1);
  scratch_document_close (document);
  g_object_add_weak_pointer (G_OBJECT (document), (gpointer *) &document);
  g_object_unref (document);
  g_assert_true (scratch_wait_for (scratch_is_null, &document)); /* the cache keeps none */
  g_assert_cmpuint (esp_texture_cache_get_bytes (cache), ==, 0);
  g_ptr_array_unref (watch.loaded);
}

static void
test_order (void)
{
  g_autoptr (EspTextureCache) cache = esp_texture_cache_new (1 << 20);
  g_autoptr (EspDocument) document = scratch_document_new ();
  EspNode *nodes[8];
  Watch watch;

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    nodes[i] = scratch_document_import (document, 200, 100, 0x101010 * i);
  watch_init (&watch, cache);
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    g_assert_null (lookup (cache, document, nodes[i], 100.0 - i));
  wait_for_loads (&watch, 8);
  /* The nearest was asked for last. Three are on their way at a time, and may pass each other:
   * when one is there, two more than have come have set out, the nearest first. */
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    {
      gboolean had_set_out = FALSE;

      for (guint j = 0; j < MIN (i + 3, G_N_ELEMENTS (nodes)); j++)
        had_set_out = had_set_out || watch.loaded->pdata[i] == nodes[7 - j];
      g_assert_true (had_set_out);
    }

  scratch_document_close (document);
  g_ptr_array_unref (watch.loaded);
}

static void
test_passes (void)
{
  g_autoptr (EspTextureCache) cache = esp_texture_cache_new (1 << 20);
  g_autoptr (EspDocument) document = scratch_document_new ();
  EspNode *gone = scratch_document_import (document, 200, 100, 0x111111);
  EspNode *seen = scratch_document_import (document, 200, 100, 0x222222);
  EspNode *sticky = scratch_document_import (document, 200, 100, 0x333333);
  Watch watch;

  watch_init (&watch, cache);
  esp_texture_cache_begin_pass (cache, document);
  g_assert_null (lookup (cache, document, gone, 1));
  g_assert_null (lookup (cache, document, seen, 2));
  g_assert_null (lookup (cache, document, sticky, -1));
  esp_texture_cache_begin_pass (cache, document); /* scrolled before anything was loaded */
  g_assert_null (lookup (cache, document, seen, 1));
  wait_for_loads (&watch, 2);
  scratch_wait (100);
  g_assert_cmpuint (watch.loaded->len, ==, 2);
  g_assert_nonnull (lookup (cache, document, seen, 1));
  g_assert_nonnull (lookup (cache, document, sticky, -1));

  scratch_document_close (document);
  g_ptr_array_unref (watch.loaded);
}

static void
test_budget (void)
{
  g_autoptr (EspTextureCache) cache = esp_texture_cache_new (2 * THUMBNAIL_BYTES);
  g_autoptr (EspDocument) document = scratch_document_new ();
  EspNode *nodes[3];
  Watch watch;

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    nodes[i] = scratch_document_import (document, 200, 100, 0x303030 * i);
  watch_init (&watch, cache);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_null (lookup (cache, document, nodes[i], 0));
      wait_for_loads (&watch, 1);
    }
  g_assert_nonnull (lookup (cache, document, nodes[0], 0)); /* now the older is nodes[1] */
  g_assert_null (lookup (cache, document, nodes[2], 0));
  wait_for_loads (&watch, 1);
  g_assert_cmpuint (esp_texture_cache_get_bytes (cache), ==, 2 * THUMBNAIL_BYTES);
  g_assert_nonnull (lookup (cache, document, nodes[0], 0));
  g_assert_nonnull (lookup (cache, document, nodes[2], 0));

  /* What one pass draws stays, even if it is more than the budget. */
  esp_texture_cache_begin_pass (cache, document);
  for (guint i = 0; i < 3; i++)
    lookup (cache, document, nodes[i], 0);
  wait_for_loads (&watch, 1);
  for (guint i = 0; i < 3; i++)
    g_assert_nonnull (lookup (cache, document, nodes[i], 0));

  scratch_document_close (document);
  g_ptr_array_unref (watch.loaded);
}

static void
take_texture (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(GdkTexture **) data = esp_texture_load_finish (result, &error);
  g_assert_no_error (error);
}

static void
test_whole (void)
{
  g_autoptr (EspDocument) document = scratch_document_new ();
  EspNode *node = scratch_document_import (document, 200, 100, 0x336699);
  GdkTexture *first = NULL, *second = NULL;

  g_assert_null (esp_texture_peek (node));
  esp_texture_load_async (document, node, NULL, take_texture, &first);
  esp_texture_load_async (document, node, NULL, take_texture, &second);
  g_assert_true (scratch_wait_for (scratch_is_set, &first));
  g_assert_true (scratch_wait_for (scratch_is_set, &second));
  g_assert_true (first == second);
  g_assert_cmpint (gdk_texture_get_width (first), ==, 200);
  g_assert_true (esp_texture_peek (node) == first);
  g_assert_cmpint (esp_texture_get_picture (first)->pixels[(99 * 200 + 199) * 3], ==, 0x33);
  g_object_unref (first);
  g_object_unref (second);
  g_assert_null (esp_texture_peek (node));
  scratch_document_close (document);
}

static void
on_level (EspImagePyramid *pyramid, guint *n_levels)
{
  *n_levels = esp_image_pyramid_get_n_levels (pyramid);
}

static gboolean
has_four (gpointer data)
{
  return *(guint *) data == 4;
}

static void
test_pyramid (void)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (800, 400, 0x336699);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);
  g_autoptr (EspImagePyramid) pyramid = esp_image_pyramid_new (texture);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  graphene_rect_t place = GRAPHENE_RECT_INIT (0, 0, 80, 40);
  guint n_levels = 1;

  g_assert_cmpint (esp_image_pyramid_level_for_scale (1), ==, 0);
  g_assert_cmpint (esp_image_pyramid_level_for_scale (0.5), ==, 0);
  g_assert_cmpint (esp_image_pyramid_level_for_scale (0.4), ==, 1);
  g_assert_cmpint (esp_image_pyramid_level_for_scale (0.25), ==, 2);
  g_assert_cmpint (esp_image_pyramid_level_for_scale (0.1), ==, 3);

  g_signal_connect (pyramid, "changed", G_CALLBACK (on_level), &n_levels);
  esp_image_pyramid_snapshot (pyramid, snapshot, &place, &place, 1, FALSE);
  g_assert_true (scratch_wait_for (has_four, &n_levels));
}

static int
get_drawn_width (EspImagePyramid *pyramid)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  const graphene_rect_t place = GRAPHENE_RECT_INIT (0, 0, 256, 256);
  GskRenderNode *node;
  int width;

  esp_image_pyramid_snapshot (pyramid, snapshot, &place, &place, 1, FALSE);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_cmpint (gsk_render_node_get_node_type (node), ==, GSK_TEXTURE_NODE);
  width = gdk_texture_get_width (gsk_texture_node_get_texture (node));
  gsk_render_node_unref (node);
  return width;
}

/* A large picture is never drawn much smaller than it is, not even in the first frame. */
static void
test_draft (void)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (2048, 2048, 0x336699);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);
  g_autoptr (EspImagePyramid) pyramid = esp_image_pyramid_new (texture);
  guint n_levels = 1;

  g_signal_connect (pyramid, "changed", G_CALLBACK (on_level), &n_levels);
  g_assert_cmpint (get_drawn_width (pyramid), ==, 256);
  g_assert_cmpuint (n_levels, ==, 1);
  g_assert_true (scratch_wait_for (has_four, &n_levels));
  g_assert_cmpint (get_drawn_width (pyramid), ==, 256);
}

int
main (int argc, char *argv[])
{
  gtk_test_init (&argc, &argv);

  g_test_add_func ("/texture-cache/lookup", test_lookup);
  g_test_add_func ("/texture-cache/document-gone", test_document_gone);
  g_test_add_func ("/texture-cache/order", test_order);
  g_test_add_func ("/texture-cache/passes", test_passes);
  g_test_add_func ("/texture-cache/budget", test_budget);
  g_test_add_func ("/texture-cache/whole", test_whole);
  g_test_add_func ("/texture-cache/pyramid", test_pyramid);
  g_test_add_func ("/texture-cache/draft", test_draft);
  return g_test_run ();
}
