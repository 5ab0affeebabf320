/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-parts.c: what pictures were put together of: stored, changed, forgotten, copied. */
#include "document-fixture.h"

#include <string.h>

#include "esp-document-branch.h"

#define RED  0xe01b24
#define BLUE 0x3584e4

typedef struct
{
  EspDocument *document;
  EspNode *root, *turn, *child; /* turn and child are done */
} Tree;

static Tree
make_tree (const char *title)
{
  Tree tree = { .document = create_document (title) };

  tree.root = import_color (tree.document, BLUE, NULL);
  tree.turn = add_turn (tree.document, tree.root, "Make it red", 7);
  compose_turn (tree.document, tree.turn, RED, NULL);
  tree.child = add_turn (tree.document, tree.turn, "And green", 8);
  compose_turn (tree.document, tree.child, 0x33d17a, NULL);
  return tree;
}

static void
set_composition (EspDocument *document, EspNode *node, EspKeep keep, GBytes *image, GBytes *mask)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (EspComposition) composition = esp_composition_new (keep);
  GError *error = NULL;

  composition->made = TRUE;
  WAIT (waiter, esp_document_set_composition_async, document, node, composition, image, mask,
        "Change the Mask", NULL);
  esp_document_edit_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

static void
forget (EspDocument *document, EspNode *node)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GError *error = NULL;

  g_ptr_array_add (nodes, node);
  WAIT (waiter, esp_document_forget_parts_async, document, nodes, NULL);
  esp_document_edit_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

static void
keep_as_is (EspDocument *document, EspNode *one, EspNode *other)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GError *error = NULL;

  g_ptr_array_add (nodes, one);
  g_ptr_array_add (nodes, other);
  WAIT (waiter, esp_document_keep_as_is_async, document, nodes, NULL);
  g_assert_true (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_no_error (error);
}

static void
purge (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_purge_async, document, NULL);
  esp_document_edit_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

static EspDocumentStatistics
measure (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocumentStatistics statistics = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_measure_async, document, NULL);
  esp_document_measure_finish (document, waiter.result, &statistics, &error);
  g_assert_no_error (error);
  return statistics;
}

static void
assert_picture (EspDocument *document, EspNode *node, EspNodePicture which, int width, int height)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *sha256 = NULL;
  GError *error = NULL;

  g_assert_true (esp_node_has_picture (node, which));
  WAIT (waiter, esp_document_load_node_picture_async, document, node, which, NULL);
  picture = esp_document_load_node_picture_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (picture->width, ==, width);
  g_assert_cmpint (picture->height, ==, height);
  WAIT (waiter, esp_document_load_node_bytes_async, document, node, which, NULL);
  bytes = esp_document_load_node_bytes_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  g_assert_cmpstr (sha256, ==, esp_node_get_picture_sha256 (node, which));
}

static void
assert_latents (EspDocument *document, EspNode *node)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;

  g_assert_true (esp_node_has_latents (node));
  WAIT (waiter, esp_document_load_latents_async, document, node, NULL);
  bytes = esp_document_load_latents_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "latents", 7);
}

static void
assert_composed (EspDocument *document, EspNode *node)
{
  const EspComposition *composition = esp_node_get_composition (node);

  g_assert_nonnull (composition);
  g_assert_cmpint (composition->keep, ==, ESP_KEEP_AUTO);
  g_assert_true (composition->made);
  g_assert_cmpfloat (composition->changed, ==, 0.25);
  assert_picture (document, node, ESP_NODE_PICTURE_SHOWN, 40, 30);
  assert_picture (document, node, ESP_NODE_PICTURE_RAW, 64, 48);
  assert_picture (document, node, ESP_NODE_PICTURE_MASK, 40, 30);
  assert_latents (document, node);
}

/* --- Stored ----------------------------------------------------------------------------------- */

static void
test_stored (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Stored");
  g_autofree char *path = document_dup_path (tree.document);
  EspDocument *document = tree.document;

  for (int i = 0; i < 2; i++)
    {
      EspNode *root = esp_document_get_node (document, 1);
      EspNode *turn = esp_document_get_node (document, 2);
      EspNode *child = esp_document_get_node (document, 3);

      assert_composed (document, turn);
      assert_composed (document, child);
      g_assert_cmpstr (esp_node_get_picture_sha256 (turn, ESP_NODE_PICTURE_SOURCE), ==,
                       esp_node_get_sha256 (root));
      g_assert_cmpstr (esp_node_get_picture_sha256 (child, ESP_NODE_PICTURE_SOURCE), ==,
                       esp_node_get_sha256 (turn));
      g_assert_cmpuint (esp_node_get_generation (root), ==, 0);
      g_assert_cmpuint (esp_node_get_generation (turn), ==, 1);
      g_assert_cmpuint (esp_node_get_generation (child), ==, 2);
      g_assert_false (esp_node_is_outdated (child));
      /* An import has its image, and nothing else. */
      g_assert_true (esp_node_has_picture (root, ESP_NODE_PICTURE_SHOWN));
      g_assert_false (esp_node_has_picture (root, ESP_NODE_PICTURE_RAW));
      g_assert_false (esp_node_has_picture (root, ESP_NODE_PICTURE_SOURCE));
      g_assert_null (esp_node_get_composition (root));
      g_assert_false (esp_node_has_latents (root));
      assert_whole (document, 6, 3); /* the mask is the same in both */
      g_assert_cmpuint (measure (document).latent_bytes, ==, 14);
      close_document (document);
      document = i == 0 ? open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL) : NULL;
    }
}

/* A turn that asked for nothing shows what was made; one that did and took all of it, too. */
static void
test_raw (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Raw");
  EspNode *root = import_color (document, BLUE, NULL);
  EspNode *plain = add_turn (document, root, "Make it red", 7);
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_auto (Waiter) waiter = { 0 };
  EspTurn turn = { .instruction = "Night", .backend = "local", .composition = asked };
  g_autoptr (GPtrArray) nodes = NULL;
  EspNode *global;

  g_assert_false (esp_node_has_picture (plain, ESP_NODE_PICTURE_RAW));
  set_state (document, plain, ESP_NODE_RUNNING, NULL);
  finish_turn (document, plain, RED);
  g_assert_null (esp_node_get_composition (plain));
  assert_picture (document, plain, ESP_NODE_PICTURE_RAW, 40, 30);
  g_assert_true (esp_node_has_picture (plain, ESP_NODE_PICTURE_SOURCE));

  WAIT (waiter, esp_document_add_turns_async, document, root, &turn, 1, NULL);
  nodes = esp_document_add_turns_finish (document, waiter.result, NULL);
  global = nodes->pdata[0];
  g_assert_cmpint (esp_node_get_composition (global)->keep, ==, ESP_KEEP_AUTO);
  g_assert_false (esp_node_get_composition (global)->made);
  set_state (document, global, ESP_NODE_RUNNING, NULL);
  finish_turn (document, global, 0x000010);
  g_assert_cmpstr (esp_node_get_picture_sha256 (global, ESP_NODE_PICTURE_RAW), ==,
                   esp_node_get_sha256 (global));
  waiter_clear (&waiter);
  close_document (document);
}

/* A result that was kept before it was put together is there after a crash, and what it was made
 * from stays what it was. */
static void
test_kept (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Kept");
  EspDocument *document = tree.document;
  g_autofree char *path = document_dup_path (document);
  EspNode *node = add_turn (document, tree.turn, "Third", 9);
  g_autoptr (GBytes) raw = make_png (64, 48, 0x9141ac, 5);
  g_autoptr (GBytes) other = make_png (40, 30, 0xffbe6f, 6);
  g_autoptr (GBytes) latents = g_bytes_new_static ("latents", 7);
  g_autofree char *source = g_strdup (esp_node_get_sha256 (tree.turn));
  const EspTurnOutcome outcome = { .image = raw,
                                   .latents = latents,
                                   .seconds = 12,
                                   .cost = -1,
                                   .has_seed = TRUE,
                                   .seed = 9,
                                   .model_hash = "abc" };
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_AUTO);
  EspTurnOutcome composed = { .image = other, .raw = raw, .seconds = 12, .cost = -1 };
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  set_state (document, node, ESP_NODE_RUNNING, NULL);
  WAIT (waiter, esp_document_keep_result_async, document, node, &outcome, NULL);
  g_assert_true (esp_document_finish_turn_finish (document, waiter.result, &error));
  g_assert_false (esp_node_has_image (node));
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_RUNNING);
  set_composition (document, tree.turn, ESP_KEEP_PAINTED, other, NULL);
  waiter_clear (&waiter);
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  node = esp_document_get_node (document, 4);
  set_state (document, node, ESP_NODE_QUEUED, NULL);
  set_state (document, node, ESP_NODE_RUNNING, NULL);
  assert_picture (document, node, ESP_NODE_PICTURE_RAW, 64, 48);
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_SOURCE), ==, source);
  g_assert_cmpfloat (esp_node_get_seconds (node), ==, 12);
  g_assert_cmpstr (esp_node_get_model_hash (node), ==, "abc");
  g_assert_false (esp_node_is_outdated (node));

  composition->made = TRUE;
  composed.composition = composition;
  WAIT (waiter, esp_document_finish_turn_async, document, node, &composed, NULL);
  g_assert_true (esp_document_finish_turn_finish (document, waiter.result, &error));
  assert_picture (document, node, ESP_NODE_PICTURE_SHOWN, 40, 30);
  assert_picture (document, node, ESP_NODE_PICTURE_RAW, 64, 48);
  assert_latents (document, node);
  g_assert_true (esp_node_is_outdated (node)); /* its parent has another mask meanwhile */
  waiter_clear (&waiter);
  close_document (document);
}

/* --- Changed ---------------------------------------------------------------------------------- */

static void
on_changed (EspNode *node, guint what, gpointer data)
{
  *(guint *) data |= what;
}

static void
test_outdated (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Outdated");
  g_autofree char *before = g_strdup (esp_node_get_sha256 (tree.turn));
  g_autofree char *mask = g_strdup (esp_node_get_picture_sha256 (tree.turn, ESP_NODE_PICTURE_MASK));
  g_autoptr (GBytes) image = make_png (40, 30, 0xff7800, 8);
  guint turn_changed = 0, child_changed = 0;
  g_autofree char *title = NULL;

  g_signal_connect (tree.turn, "changed", G_CALLBACK (on_changed), &turn_changed);
  g_signal_connect (tree.child, "changed", G_CALLBACK (on_changed), &child_changed);
  set_composition (tree.document, tree.turn, ESP_KEEP_PAINTED, image, image);
  g_assert_cmpuint (turn_changed, ==, ESP_NODE_CHANGE_IMAGE | ESP_NODE_CHANGE_COMPOSITION);
  g_assert_cmpuint (child_changed, ==, ESP_NODE_CHANGE_COMPOSITION);
  g_assert_true (esp_node_is_outdated (tree.child));
  g_assert_false (esp_node_is_outdated (tree.turn));
  g_assert_cmpint (esp_node_get_composition (tree.turn)->keep, ==, ESP_KEEP_PAINTED);
  assert_picture (tree.document, tree.turn, ESP_NODE_PICTURE_RAW, 64, 48);
  title = esp_document_dup_undo_title (tree.document);
  g_assert_cmpstr (title, ==, "Change the Mask");

  /* Below another parent it was never made from that. */
  move_node (tree.document, tree.child, tree.root, G_MAXUINT);
  g_assert_false (esp_node_is_outdated (tree.child));
  undo (tree.document);
  g_assert_true (esp_node_is_outdated (tree.child));

  child_changed = 0;
  undo (tree.document);
  g_assert_cmpuint (child_changed, ==, ESP_NODE_CHANGE_COMPOSITION);
  g_assert_false (esp_node_is_outdated (tree.child));
  g_assert_cmpstr (esp_node_get_sha256 (tree.turn), ==, before);
  g_assert_cmpstr (esp_node_get_picture_sha256 (tree.turn, ESP_NODE_PICTURE_MASK), ==, mask);
  assert_composed (tree.document, tree.turn);
  redo (tree.document);
  g_assert_true (esp_node_is_outdated (tree.child));
  assert_picture (tree.document, tree.turn, ESP_NODE_PICTURE_SHOWN, 40, 30);
  assert_whole (tree.document, 7, 3);
  close_document (tree.document);
}

/* What does not follow its parent is not outdated, whatever becomes of that. */
static void
test_kept_as_is (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Kept as it is");
  g_autoptr (GBytes) image = make_png (40, 30, 0xff7800, 8);
  g_autofree char *title = NULL;

  set_composition (tree.document, tree.turn, ESP_KEEP_PAINTED, image, image);
  g_assert_true (esp_node_is_outdated (tree.child));
  keep_as_is (tree.document, tree.root, tree.child); /* the first follows nothing */
  g_assert_false (esp_node_is_outdated (tree.child));
  title = esp_document_dup_undo_title (tree.document);
  g_assert_cmpstr (title, ==, "Keep as It Is");
  undo (tree.document);
  g_assert_true (esp_node_is_outdated (tree.child));
  redo (tree.document);
  g_assert_false (esp_node_is_outdated (tree.child));
  assert_whole (tree.document, 7, 3);
  close_document (tree.document);
}

/* All of the result, and back; also of a turn that asked for nothing. */
static void
test_take_all (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("All");
  EspNode *plain = add_turn (tree.document, tree.root, "Plain", 1);
  g_autoptr (GBytes) image = make_png (40, 30, 0x123456, 8);
  g_autofree char *made = NULL;
  guint changed = 0;

  set_composition (tree.document, tree.turn, ESP_KEEP_OFF, NULL, NULL);
  assert_picture (tree.document, tree.turn, ESP_NODE_PICTURE_SHOWN, 64, 48);
  assert_picture (tree.document, tree.turn, ESP_NODE_PICTURE_RAW, 64, 48);
  g_assert_false (esp_node_has_picture (tree.turn, ESP_NODE_PICTURE_MASK));
  g_assert_cmpint (esp_node_get_width (tree.turn), ==, 64);
  set_composition (tree.document, tree.turn, ESP_KEEP_PAINTED, image, image);
  assert_picture (tree.document, tree.turn, ESP_NODE_PICTURE_SHOWN, 40, 30);
  assert_picture (tree.document, tree.turn, ESP_NODE_PICTURE_RAW, 64, 48);

  finish_turn (tree.document, plain, RED);
  made = g_strdup (esp_node_get_sha256 (plain));
  g_assert_false (esp_node_has_picture (plain, ESP_NODE_PICTURE_SOURCE)); /* it never ran */
  set_composition (tree.document, plain, ESP_KEEP_AUTO, image, image);
  g_assert_cmpstr (esp_node_get_picture_sha256 (plain, ESP_NODE_PICTURE_RAW), ==, made);
  g_assert_cmpstr (esp_node_get_picture_sha256 (plain, ESP_NODE_PICTURE_SOURCE), ==,
                   esp_node_get_sha256 (tree.root));
  undo (tree.document);
  g_assert_cmpstr (esp_node_get_sha256 (plain), ==, made);
  g_assert_null (esp_node_get_composition (plain));

  /* The same again is no step. */
  redo (tree.document);
  g_signal_connect (plain, "changed", G_CALLBACK (on_changed), &changed);
  set_composition (tree.document, plain, ESP_KEEP_AUTO, image, image);
  g_assert_cmpuint (changed, ==, 0);
  undo (tree.document);
  g_assert_cmpstr (esp_node_get_sha256 (plain), ==, made);
  close_document (tree.document);
}

/* --- Forgotten -------------------------------------------------------------------------------- */

static void
test_forget (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Forget");
  g_autofree char *image = g_strdup (esp_node_get_sha256 (tree.turn));
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_OFF);
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;
  EspDocumentStatistics before, after;

  forget (tree.document, tree.turn);
  g_assert_false (esp_node_has_picture (tree.turn, ESP_NODE_PICTURE_RAW));
  g_assert_false (esp_node_has_picture (tree.turn, ESP_NODE_PICTURE_MASK));
  g_assert_false (esp_node_has_latents (tree.turn));
  /* Nothing is gained by forgetting what its parent shows. */
  g_assert_true (esp_node_has_picture (tree.turn, ESP_NODE_PICTURE_SOURCE));
  g_assert_cmpstr (esp_node_get_sha256 (tree.turn), ==, image);
  undo (tree.document);
  assert_composed (tree.document, tree.turn);
  redo (tree.document);

  WAIT (waiter, esp_document_set_composition_async, tree.document, tree.turn, composition, NULL,
        NULL, "Change", NULL);
  g_assert_false (esp_document_edit_finish (tree.document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  WAIT (waiter, esp_document_load_latents_async, tree.document, tree.turn, NULL);
  g_assert_null (esp_document_load_latents_finish (tree.document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  WAIT (waiter, esp_document_load_node_picture_async, tree.document, tree.turn,
        ESP_NODE_PICTURE_RAW, NULL);
  g_assert_null (esp_document_load_node_picture_finish (tree.document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  waiter_clear (&waiter);

  before = measure (tree.document);
  g_assert_cmpuint (before.n_images, ==, 6);
  g_assert_cmpuint (before.latent_bytes, ==, 14);
  g_assert_cmpuint (before.deleted_bytes, >, 7); /* the raw one and the latents; not the mask */
  purge (tree.document);
  after = measure (tree.document);
  g_assert_cmpuint (after.n_images, ==, 5);
  g_assert_cmpuint (after.latent_bytes, ==, 7);
  g_assert_cmpuint (after.deleted_bytes, ==, 0);
  g_assert_cmpuint (after.image_bytes, ==, before.image_bytes - (before.deleted_bytes - 7));
  g_assert_cmpstr (esp_node_get_sha256 (tree.turn), ==, image);
  assert_composed (tree.document, tree.child);
  assert_whole (tree.document, 5, 3);
  close_document (tree.document);
}

/* A picture that only a child was made from outlives a purge of all that showed it. */
static void
test_purge (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Purge");
  g_autoptr (GBytes) image = make_png (40, 30, 0xff7800, 8);
  g_autofree char *source
      = g_strdup (esp_node_get_picture_sha256 (tree.child, ESP_NODE_PICTURE_SOURCE));

  set_composition (tree.document, tree.turn, ESP_KEEP_PAINTED, image, image);
  purge (tree.document);
  g_assert_cmpstr (esp_node_get_picture_sha256 (tree.child, ESP_NODE_PICTURE_SOURCE), ==, source);
  assert_picture (tree.document, tree.child, ESP_NODE_PICTURE_SOURCE, 40, 30);
  assert_whole (tree.document, 7, 3);
  /* Forgotten as well, it goes. */
  forget (tree.document, tree.child);
  g_assert_false (esp_node_has_picture (tree.child, ESP_NODE_PICTURE_SOURCE));
  purge (tree.document);
  assert_whole (tree.document, 4, 3);
  close_document (tree.document);
}

/* --- Copied, and asked for again -------------------------------------------------------------- */

static EspNode *
copy (EspDocument *to, EspDocument *from, EspNode *node, EspNode *parent, gint64 id)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_copy_async, to, from, node, parent, NULL);
  esp_document_edit_finish (to, waiter.result, &error);
  g_assert_no_error (error);
  return esp_document_get_node (to, id);
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Copy");
  EspDocument *other = create_document ("Other");
  EspNode *node;

  node = copy (tree.document, tree.document, tree.turn, tree.root, 4);
  assert_composed (tree.document, node);
  g_assert_false (esp_node_is_outdated (esp_document_get_node (tree.document, 5)));

  node = copy (other, tree.document, tree.turn, import_color (other, 0x00ff00, NULL), 2);
  assert_composed (other, node);
  g_assert_false (esp_node_is_outdated (node)); /* it was made from another's */
  assert_picture (other, node, ESP_NODE_PICTURE_SOURCE, 40, 30);
  node = esp_document_get_node (other, 3);
  assert_composed (other, node);
  g_assert_false (esp_node_is_outdated (node));
  set_composition (other, esp_document_get_node (other, 2), ESP_KEEP_OFF, NULL, NULL);
  g_assert_true (esp_node_is_outdated (node));
  assert_whole (other, 7, 3);
  close_document (other);
  close_document (tree.document);
}

/* Alone it is an import, but what a turn of it goes on from is there. */
static void
test_copy_picture (Fixture *fixture, gconstpointer data)
{
  Tree tree = make_tree ("Copy");
  EspDocument *other = create_document ("Other");
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;
  EspNode *node;

  import_color (other, 0x00ff00, NULL);
  WAIT (waiter, esp_document_copy_picture_async, other, tree.document, tree.turn, NULL);
  g_assert_true (esp_document_edit_finish (other, waiter.result, &error));
  g_assert_no_error (error);
  waiter_clear (&waiter);
  g_assert_cmpuint (g_list_model_get_n_items (esp_document_get_roots (other)), ==, 2);
  node = esp_document_get_node (other, 2);
  g_assert_null (esp_node_get_parent (node));
  g_assert_cmpint (esp_node_get_kind (node), ==, ESP_NODE_IMPORTED);
  g_assert_cmpstr (esp_node_get_file_name (node), ==, "Make it red");
  g_assert_null (esp_node_get_label (node));
  g_assert_cmpuint (g_list_model_get_n_items (esp_node_get_children (node)), ==, 0);
  assert_composed (other, node);
  assert_whole (other, 4, 2);

  /* A photo is just that. */
  WAIT (waiter, esp_document_copy_picture_async, other, tree.document, tree.root, NULL);
  g_assert_true (esp_document_edit_finish (other, waiter.result, &error));
  node = esp_document_get_node (other, 3);
  g_assert_false (esp_node_has_latents (node));
  g_assert_false (esp_node_has_picture (node, ESP_NODE_PICTURE_RAW));
  g_assert_null (esp_node_get_composition (node));
  waiter_clear (&waiter);

  WAIT (waiter, esp_document_copy_picture_async, other, tree.document, node, NULL);
  g_assert_false (esp_document_edit_finish (other, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  waiter_clear (&waiter);
  close_document (other);
  close_document (tree.document);
}

static EspNode *
ask (EspDocument *document, EspNode *parent, EspKeep keep, EspRegion *region)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (EspComposition) asked = esp_composition_new (keep);
  const EspTurn turn = { .instruction = "Same", .backend = "local", .composition = asked };
  g_autoptr (GPtrArray) nodes = NULL;

  asked->region = region != NULL ? esp_region_copy (region) : NULL;
  asked->grow = 3;
  asked->made = TRUE; /* what came of another one is not taken along */
  asked->changed = 0.5;
  asked->problem = g_strdup ("Nothing");
  WAIT (waiter, esp_document_add_turns_async, document, parent, &turn, 1, NULL);
  nodes = esp_document_add_turns_finish (document, waiter.result, NULL);
  return nodes->pdata[0];
}

static void
test_stacks (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Stacks");
  EspNode *root = import_color (document, BLUE, NULL);
  g_autoptr (EspRegion) region = esp_region_new (4, 5, 20, 16);
  EspNode *off = ask (document, root, ESP_KEEP_OFF, NULL);
  EspNode *keep = ask (document, root, ESP_KEEP_AUTO, NULL);
  EspNode *painted = ask (document, root, ESP_KEEP_PAINTED, NULL);
  EspNode *part = ask (document, root, ESP_KEEP_AUTO, region);
  EspNode *again;
  g_auto (Waiter) waiter = { 0 };

  g_assert_null (esp_node_get_composition (off));
  g_assert_cmpint (esp_node_get_composition (painted)->keep, ==, ESP_KEEP_AUTO);
  g_assert_false (esp_node_get_composition (painted)->made);
  g_assert_null (esp_node_get_composition (painted)->problem);
  g_assert_cmpfloat (esp_node_get_composition (painted)->grow, ==, 3);
  g_assert_false (esp_node_is_same_but_seed (off, keep));
  g_assert_true (esp_node_is_same_but_seed (keep, painted));
  g_assert_false (esp_node_is_same_but_seed (keep, part));

  /* Another mask makes it no other turn; the same again asks for the same region. */
  compose_turn (document, part, RED, region);
  WAIT (waiter, esp_document_duplicate_async, document, part, TRUE, 4, NULL);
  again = esp_document_duplicate_finish (document, waiter.result, NULL);
  g_assert_true (esp_node_is_same_but_seed (part, again));
  g_assert_true (esp_region_equal (esp_node_get_composition (again)->region, region));
  g_assert_false (esp_node_get_composition (again)->made);
  g_assert_false (esp_node_has_picture (again, ESP_NODE_PICTURE_SOURCE));
  waiter_clear (&waiter);
  close_document (document);
}

/* --- Files that lie --------------------------------------------------------------------------- */

static void
test_lies (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[] = {
    "UPDATE nodes SET raw = 999, mask = -1, source = 0, latents = 77",
    "UPDATE nodes SET source_node = -5, composition = '[]' WHERE id = 2",
    "UPDATE nodes SET composition = '{\"keep\":7,\"found\":{\"changed\":1e400,\"shift\":[]}}'",
    "UPDATE nodes SET composition = '{\"region\":{\"x\":-1e9,\"width\":1e30},\"crop\":\"x\"}'",
    "UPDATE nodes SET composition = '{\"keep\":\"auto\",\"grow\":1e99,\"feather\":\"much\"}'",
    "UPDATE nodes SET kind = 'imported' WHERE id = 2",
    "UPDATE nodes SET mask = raw WHERE id = 2",
    "UPDATE latents SET data = x'00'",
    "UPDATE nodes SET source_node = 3, source = mask WHERE id = 3",
    ("DROP INDEX nodes_latents; ALTER TABLE nodes DROP COLUMN latents; DROP TABLE latents;"
     " PRAGMA user_version = 99"),
    "DROP INDEX nodes_mask; ALTER TABLE nodes DROP COLUMN mask; PRAGMA user_version = 99",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *title = g_strdup_printf ("Lies %u", i);
      Tree tree = make_tree (title);
      g_autofree char *path = document_dup_path (tree.document);
      GError *error = NULL;
      EspDocument *document;

      close_document (tree.document);
      g_test_message ("%s", cases[i]);
      change_file (path, cases[i]);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      g_assert_no_error (error);
      assert_tree (document, "1(2(3))");
      for (int id = 1; id <= 3; id++)
        {
          EspNode *node = esp_document_get_node (document, id);
          const EspComposition *composition = esp_node_get_composition (node);

          g_assert_true (esp_node_has_image (node));
          esp_node_is_outdated (node);
          g_assert_true (composition == NULL
                         || (composition->changed >= 0 && composition->changed <= 1
                             && composition->grow < 1e6 && composition->feather >= -1));
          for (int which = 0; which <= ESP_NODE_PICTURE_SOURCE; which++)
            g_assert_cmpint (esp_node_has_picture (node, (EspNodePicture) which), ==,
                             esp_node_get_picture_sha256 (node, (EspNodePicture) which) != NULL);
        }
      g_assert_false (
          esp_node_has_picture (esp_document_get_node (document, 1), ESP_NODE_PICTURE_SOURCE));
      if (esp_document_get_access (document) == ESP_DOCUMENT_WRITABLE)
        {
          forget (document, esp_document_get_node (document, 2));
          forget (document, esp_document_get_node (document, 3));
          undo (document);
        }
      measure (document);
      close_document (document);
    }
}

/* What is wrong is told. */
static void
test_verify (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[][2] = {
    { "UPDATE nodes SET raw = 999 WHERE id = 2", "Something is missing that is referred to" },
    { "UPDATE nodes SET mask = raw WHERE id = 2",
      "The mask of node 2 is not as large as the picture that it is for" },
    { "UPDATE latents SET data = x'00' WHERE id = 2",
      "What node 3 kept for the next turn is not complete" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *title = g_strdup_printf ("Verify %u", i);
      Tree tree = make_tree (title);
      g_autofree char *path = document_dup_path (tree.document);
      g_auto (Waiter) waiter = { 0 };
      g_autoptr (GPtrArray) problems = NULL;
      EspDocument *document;

      close_document (tree.document);
      change_file (path, cases[i][0]);
      document = open_document (path, ESP_DOCUMENT_OPEN_READ_ONLY, NULL);
      WAIT (waiter, esp_document_verify_async, document, NULL);
      esp_document_verify_finish (document, waiter.result, NULL, NULL, &problems, NULL);
      g_assert_cmpuint (problems->len, ==, 1);
      g_assert_nonnull (strstr (problems->pdata[0], cases[i][1]));
      waiter_clear (&waiter);
      close_document (document);
    }
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-parts/stored", test_stored);
  ADD_TEST ("/document-parts/raw", test_raw);
  ADD_TEST ("/document-parts/kept", test_kept);
  ADD_TEST ("/document-parts/outdated", test_outdated);
  ADD_TEST ("/document-parts/kept-as-is", test_kept_as_is);
  ADD_TEST ("/document-parts/take-all", test_take_all);
  ADD_TEST ("/document-parts/forget", test_forget);
  ADD_TEST ("/document-parts/purge", test_purge);
  ADD_TEST ("/document-parts/copy", test_copy);
  ADD_TEST ("/document-parts/copy-picture", test_copy_picture);
  ADD_TEST ("/document-parts/stacks", test_stacks);
  ADD_TEST ("/document-parts/lies", test_lies);
  ADD_TEST ("/document-parts/verify", test_verify);

  return g_test_run ();
}
