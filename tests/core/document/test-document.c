/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document.c: a document from its creation to its reopening: nodes, turns, images, views. */
#include "document-fixture.h"

#include <stdlib.h>
#include <string.h>

static void
test_life (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Harbour");
  g_autofree char *path = document_dup_path (document);
  g_autofree char *library = esp_document_library_dup_path ();
  g_autoptr (GBytes) red = make_png (640, 480, 0xc01c28, 1);
  EspNode *root, *turn;

  g_assert_true (g_str_has_prefix (path, library));
  g_assert_true (g_str_has_suffix (path, "/Harbour.espalier"));
  g_assert_cmpstr (esp_document_get_title (document), ==, "Harbour");
  g_assert_true (esp_document_is_in_library (document));
  g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_WRITABLE);
  g_assert_null (esp_document_get_current (document));
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 0);

  root = import_image (document, red, "harbour.png", NULL);
  g_assert_true (esp_document_get_current (document) == root);
  g_assert_cmpint (esp_node_get_kind (root), ==, ESP_NODE_IMPORTED);
  g_assert_cmpint (esp_node_get_state (root), ==, ESP_NODE_DONE);
  g_assert_cmpstr (esp_node_get_media_type (root), ==, "image/png");
  g_assert_cmpint (esp_node_get_width (root), ==, 640);
  g_assert_cmpint (esp_node_get_height (root), ==, 480);
  g_assert_cmpuint (esp_node_get_image_size (root), ==, g_bytes_get_size (red));
  g_assert_cmpint (abs ((int) (esp_node_get_average_color (root) >> 16) - 0xc0), <=, 2);

  turn = add_turn (document, root, "Make it green\nand wet", 42);
  g_assert_cmpint (esp_node_get_state (turn), ==, ESP_NODE_QUEUED);
  g_assert_false (esp_node_has_image (turn));
  finish_turn (document, turn, 0x00ff00);
  g_assert_cmpint (esp_node_get_state (turn), ==, ESP_NODE_DONE);
  g_assert_true (esp_node_has_image (turn));
  assert_tree (document, "1(2)");
  esp_document_set_current (document, turn);
  esp_document_set_view (document, "history.zoom", "0.5");
  esp_document_set_folded (document, root, TRUE);
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_nonnull (document);
  assert_tree (document, "1(2)");
  g_assert_cmpint (esp_node_get_id (esp_document_get_current (document)), ==, 2);
  g_assert_cmpstr (esp_document_get_view (document, "history.zoom"), ==, "0.5");
  g_assert_null (esp_document_get_view (document, "none"));
  g_assert_true (esp_node_get_folded (esp_document_get_node (document, 1)));
  turn = esp_document_get_node (document, 2);
  g_assert_cmpstr (esp_node_get_instruction (turn), ==, "Make it green\nand wet");
  g_assert_cmpuint (esp_node_get_seed (turn), ==, 42);
  g_assert_false (esp_document_can_undo (document));
  assert_whole (document, 2, 2);
  close_document (document);
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *title;
    const char *name;
  } cases[] = {
    { "Boat", "Boat.espalier" },     { "Boat", "Boat 2.espalier" },
    { "Boat", "Boat 3.espalier" },   { "a/b:c", "a b c.espalier" },
    { "../../x", "x.espalier" },     { "Größe ☀", "Größe ☀.espalier" },
    { "", "Untitled.espalier" },     { "...", "Untitled 2.espalier" },
    { NULL, "Untitled 3.espalier" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EspDocument *document = create_document (cases[i].title);
      g_autofree char *name = g_file_get_basename (esp_document_get_file (document));

      g_assert_cmpstr (name, ==, cases[i].name);
      close_document (document);
    }
}

static void
test_elsewhere (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autofree char *path = g_build_filename (fixture->folder, "My tree.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  EspDocument *document = create_document_at (path);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_query_exists (file, NULL));
  g_assert_cmpstr (esp_document_get_title (document), ==, "My tree");
  g_assert_false (esp_document_is_in_library (document));
  import_color (document, 0x112233, NULL);
  g_assert_cmpint (esp_document_get_save_state (document), ==, ESP_DOCUMENT_SAVING);
  WAIT (waiter, esp_document_save_async, document, NULL);
  g_assert_true (esp_document_save_finish (document, waiter.result, NULL));
  while (esp_document_get_save_state (document) != ESP_DOCUMENT_SAVED)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 1);

  /* By itself, too. */
  import_color (document, 0x445566, NULL);
  while (esp_document_get_save_state (document) != ESP_DOCUMENT_SAVED)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM nodes"), ==, 2);
  waiter_clear (&waiter);
  close_document (document);

  esp_document_create_async (file, NULL, NULL, waiter_callback, &waiter);
  document = esp_document_create_finish (wait_for (&waiter), &error);
  g_assert_null (document);
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
}

static void
test_save_as (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Moving");
  g_autofree char *old = document_dup_path (document);
  g_autofree char *path = g_build_filename (fixture->folder, "Moved.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  EspNode *root = import_color (document, 0x808080, NULL);
  g_autoptr (GBytes) bytes = NULL;

  WAIT (waiter, esp_document_save_as_async, document, file, NULL);
  g_assert_true (esp_document_save_as_finish (document, waiter.result, NULL));
  g_assert_cmpstr (esp_document_get_title (document), ==, "Moved");
  g_assert_false (esp_document_is_in_library (document));
  g_assert_true (g_file_equal (esp_document_get_file (document), file));
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));

  WAIT (waiter, esp_document_load_image_async, document, root, NULL);
  bytes = esp_document_load_image_finish (document, waiter.result, NULL);
  g_assert_nonnull (bytes);
  add_turn (document, root, "After the move", 1);
  undo (document);
  undo (document); /* the undo stack moved, too */
  assert_tree (document, "");
  redo (document);
  waiter_clear (&waiter);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_tree (document, "1");
  close_document (document);
}

static void
test_images (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Images");
  g_autofree char *path = document_dup_path (document);
  g_autoptr (GBytes) bytes = make_png (800, 200, 0x3584e4, 7);
  EspNode *root = import_image (document, bytes, "wide.png", NULL);
  EspNode *turn = add_turn (document, root, "Nothing yet", 1);
  const int sizes[] = { ESP_THUMBNAIL_SMALL, ESP_THUMBNAIL_LARGE };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) loaded = NULL;
  g_autoptr (EspPicture) picture = NULL;

  WAIT (waiter, esp_document_load_image_async, document, root, NULL);
  loaded = esp_document_load_image_finish (document, waiter.result, NULL);
  g_assert_true (g_bytes_equal (loaded, bytes));
  WAIT (waiter, esp_document_load_picture_async, document, root, NULL);
  picture = esp_document_load_picture_finish (document, waiter.result, NULL);
  g_assert_cmpint (picture->width, ==, 800);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (EspPicture) thumbnail = NULL;

      WAIT (waiter, esp_document_load_thumbnail_async, document, root, sizes[i], NULL);
      thumbnail = esp_document_load_thumbnail_finish (document, waiter.result, NULL);
      g_assert_cmpint (thumbnail->width, ==, sizes[i]);
      g_assert_cmpint (thumbnail->height, ==, sizes[i] / 4);
      g_assert_cmpint (abs (thumbnail->pixels[3 * 40 + 2] - 0xe4), <=, 4);
    }
  WAIT (waiter, esp_document_load_image_async, document, turn, NULL);
  g_assert_null (esp_document_load_image_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);

  /* The same bytes are stored once. */
  import_image (document, bytes, "again.png", root);
  assert_whole (document, 1, 3);
  waiter_clear (&waiter);
  close_document (document);

  /* Thumbnails that are missing or nonsense are made again, and stored. */
  change_file (path, "DELETE FROM thumbnails WHERE size = 96;"
                     "UPDATE thumbnails SET data = x'0102' WHERE size = 384");
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  root = esp_document_get_node (document, 1);
  set_label (document, root, "so that it is open for writing");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (EspPicture) thumbnail = NULL;

      WAIT (waiter, esp_document_load_thumbnail_async, document, root, sizes[i], NULL);
      thumbnail = esp_document_load_thumbnail_finish (document, waiter.result, NULL);
      g_assert_cmpint (thumbnail->width, ==, sizes[i]);
    }
  waiter_clear (&waiter);
  close_document (document);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM thumbnails WHERE length(data) > 200"),
                   ==, 2);

  /* They are what is shown, even of a picture that is damaged. */
  change_file (path, "UPDATE image_data SET data = x'00'");
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  root = esp_document_get_node (document, 1);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (EspPicture) thumbnail = NULL;

      WAIT (waiter, esp_document_load_thumbnail_async, document, root, sizes[i], NULL);
      thumbnail = esp_document_load_thumbnail_finish (document, waiter.result, NULL);
      g_assert_nonnull (thumbnail);
    }
  waiter_clear (&waiter);
  close_document (document);
}

static void
test_no_image (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("No image");
  g_autoptr (GBytes) nonsense = g_bytes_new_static ("no picture at all", 17);
  g_autoptr (GError) error = NULL;
  EspTurnOutcome outcome = { .image = nonsense, .seconds = -1, .cost = -1 };
  EspNode *turn;

  WAIT (waiter, esp_document_import_async, document, nonsense, "x.txt", NULL, NULL);
  g_assert_null (esp_document_import_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE);
  g_clear_error (&error);
  assert_tree (document, "");
  g_assert_false (esp_document_can_undo (document));

  turn = add_turn (document, import_color (document, 1, NULL), "Do", 1);
  WAIT (waiter, esp_document_finish_turn_async, document, turn, &outcome, NULL);
  g_assert_false (esp_document_finish_turn_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE);
  g_assert_cmpint (esp_node_get_state (turn), ==, ESP_NODE_QUEUED);
  waiter_clear (&waiter);
  close_document (document);
}

static void
test_turns (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Turns");
  g_autofree char *path = document_dup_path (document);
  EspNode *root = import_color (document, 0xffffff, NULL);
  g_autoptr (GPtrArray) nodes = add_turns (document, root, "Paint it", G_MAXUINT64 - 1, 3);
  const guint64 seeds[] = { G_MAXUINT64 - 1, G_MAXUINT64, 0 };

  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (esp_node_get_seed (nodes->pdata[i]), ==, seeds[i]);
  g_assert_cmpstr (esp_node_get_backend (nodes->pdata[0]), ==, "local");
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (nodes->pdata[0]), "steps"),
                   ==, 4);
  set_state (document, nodes->pdata[0], ESP_NODE_RUNNING, NULL);
  g_assert_cmpint (esp_node_get_state (nodes->pdata[0]), ==, ESP_NODE_RUNNING);
  set_state (document, nodes->pdata[0], ESP_NODE_FAILED, "No memory");
  g_assert_cmpstr (esp_node_get_message (nodes->pdata[0]), ==, "No memory");
  set_state (document, nodes->pdata[1], ESP_NODE_BLOCKED, "Refused");
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpint (esp_node_get_state (esp_document_get_node (document, 2)), ==, ESP_NODE_FAILED);
  g_assert_cmpint (esp_node_get_state (esp_document_get_node (document, 3)), ==, ESP_NODE_BLOCKED);
  g_assert_cmpint (esp_node_get_state (esp_document_get_node (document, 4)), ==, ESP_NODE_QUEUED);
  g_assert_cmpuint (esp_node_get_seed (esp_document_get_node (document, 3)), ==, G_MAXUINT64);
  close_document (document);
}

static void
test_outcome (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Outcome");
  g_autofree char *path = document_dup_path (document);
  EspNode *root = import_color (document, 0xffffff, NULL);
  g_autoptr (GPtrArray) nodes = add_turns (document, root, "Paint it", 5, 2);
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (JsonObject) timings = json_object_new ();
  g_autoptr (GBytes) bytes = make_png (33, 21, 0x123456, 3);
  const EspTurnOutcome outcome = {
    .image = bytes,
    .has_seed = TRUE,
    .seed = 77,
    .seconds = 12.5,
    .cost = 0.04,
    .currency = "USD",
    .timings = timings,
    .parameters = parameters,
    .model_hash = "abc",
    .model_name = "Demo",
  };

  json_object_set_int_member (parameters, "steps", 4);
  json_object_set_double_member (parameters, "guidance", 2.5);
  json_object_set_double_member (timings, "denoise", 11);
  WAIT (waiter, esp_document_finish_turn_async, document, nodes->pdata[0], &outcome, NULL);
  g_assert_true (esp_document_finish_turn_finish (document, waiter.result, NULL));

  for (int pass = 0; pass < 2; pass++)
    {
      EspNode *node = esp_document_get_node (document, 2);

      g_assert_cmpuint (esp_node_get_seed (node), ==, 77);
      g_assert_cmpfloat (esp_node_get_seconds (node), ==, 12.5);
      g_assert_cmpfloat (esp_node_get_cost (node), ==, 0.04);
      g_assert_cmpstr (esp_node_get_currency (node), ==, "USD");
      g_assert_cmpstr (esp_node_get_model_hash (node), ==, "abc");
      g_assert_cmpstr (esp_node_get_model_name (node), ==, "Demo");
      g_assert_cmpfloat (json_object_get_double_member (esp_node_get_parameters (node), "guidance"),
                         ==, 2.5);
      g_assert_cmpint (json_object_get_int_member (esp_node_get_timings (node), "denoise"), ==, 11);
      /* What was used is more than what was asked for; what was asked for is the same. */
      g_assert_true (esp_node_is_same_but_seed (node, esp_document_get_node (document, 3)));
      waiter_clear (&waiter);
      close_document (document);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
    }
  close_document (document);
}

static void
test_stacks (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Stacks");
  EspNode *root = import_color (document, 0xffffff, NULL);
  g_autoptr (GPtrArray) three = add_turns (document, root, "Paint it", 1, 3);
  EspNode *other = add_turn (document, root, "Paint it red", 1);
  EspNode *below = add_turn (document, other, "Paint it", 1);
  g_autoptr (GPtrArray) stack = NULL;
  g_autoptr (GPtrArray) single = esp_node_dup_stack (root);
  EspNode *again;

  WAIT (waiter, esp_document_duplicate_async, document, three->pdata[1], TRUE, 99, NULL);
  again = esp_document_duplicate_finish (document, waiter.result, NULL);
  g_assert_cmpuint (esp_node_get_seed (again), ==, 99);
  g_assert_true (esp_node_get_parent (again) == root);
  stack = esp_node_dup_stack (three->pdata[2]);
  g_assert_cmpuint (stack->len, ==, 4);
  g_assert_true (stack->pdata[3] == again);
  g_assert_false (esp_node_is_same_but_seed (other, three->pdata[0]));
  g_assert_false (esp_node_is_same_but_seed (below, three->pdata[0]));
  g_assert_cmpuint (single->len, ==, 1);
  waiter_clear (&waiter);
  close_document (document);
}

static void
test_references (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("References");
  g_autofree char *path = document_dup_path (document);
  EspNode *root = import_color (document, 0xffffff, NULL);
  EspNode *hat = import_color (document, 0x000001, NULL);
  EspNode *coat = import_color (document, 0x000002, NULL);
  EspNode *const references[] = { coat, hat };
  const EspTurn turn = {
    .instruction = "Wear them", .backend = "local", .references = references, .n_references = 2
  };
  g_autoptr (GPtrArray) nodes = NULL;

  WAIT (waiter, esp_document_add_turns_async, document, root, &turn, 1, NULL);
  nodes = esp_document_add_turns_finish (document, waiter.result, NULL);
  g_assert_false (esp_node_has_seed (nodes->pdata[0]));
  /* One that is deleted is still what made the turn. */
  delete_node (document, hat);
  for (int pass = 0; pass < 2; pass++)
    {
      EspNode *node = esp_document_get_node (document, 4);
      GPtrArray *found = esp_node_get_references (node);

      g_assert_cmpuint (found->len, ==, 2);
      g_assert_cmpint (esp_node_get_id (found->pdata[0]), ==, 3);
      g_assert_cmpint (esp_node_get_id (found->pdata[1]), ==, 2);
      g_assert_true (esp_node_is_deleted (found->pdata[1]));
      g_clear_pointer (&nodes, g_ptr_array_unref);
      waiter_clear (&waiter);
      close_document (document);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
    }
  close_document (document);
}

static void
test_find (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *found;
  } cases[] = {
    { "sails", "2 3" },  { "SAIL", "2 3" }, { "red sa", "2" },      { "ed", "" },
    { "cafe", "4" },     { "Café", "4" },   { "photo", "1" },       { "best", "3" },
    { "", "" },          { "  ", "" },      { "red blue", "" },     { "blue", "3" },
    { "dusk tea", "4" }, { "client", "2" }, { "sails print", "2" },
  };
  EspDocument *document = create_document ("Find");
  EspNode *root = import_color (document, 0xffffff, NULL);
  g_auto (Waiter) waiter = { 0 };
  EspNode *red, *blue;

  red = add_turn (document, root, "Make the sails red", 1);
  blue = add_turn (document, root, "Make the sails blue", 1);
  add_turn (document, root, "Teatime in a café, dusk", 1);
  set_label (document, blue, "Best");
  WAIT (waiter, esp_document_set_note_async, document, red, "For the client’s print", NULL);
  g_assert_true (esp_document_edit_finish (document, waiter.result, NULL));
  waiter_clear (&waiter);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) nodes = esp_document_find (document, cases[i].text);
      g_autoptr (GString) ids = g_string_new (NULL);

      for (guint j = 0; j < nodes->len; j++)
        g_string_append_printf (ids, "%s%d", j > 0 ? " " : "",
                                (int) esp_node_get_id (nodes->pdata[j]));
      g_assert_cmpstr (ids->str, ==, cases[i].found);
    }
  delete_node (document, blue);
  {
    g_autoptr (GPtrArray) nodes = esp_document_find (document, "best");

    g_assert_cmpuint (nodes->len, ==, 0);
  }
  close_document (document);
}

/* An instruction of megabytes is searched to its end, in time; also where it has no spaces. */
static void
test_find_long (Fixture *fixture, gconstpointer data)
{
  static const char *const wanted[] = { "first", "läst", "ääää" };
  EspDocument *document = create_document ("Find long");
  EspNode *root = import_color (document, 0xffffff, NULL);
  g_autoptr (GString) text = g_string_new ("First ");

  for (int i = 0; i < 20000; i++)
    g_string_append (text, "word and wörd, ");
  for (int i = 0; i < 200000; i++)
    g_string_append (text, "ä");
  for (int i = 0; i < 200000; i++)
    g_string_append (text, i % 2 == 0 ? "\314\210" : "\314\243");
  g_string_append (text, " läst");
  add_turn (document, root, text->str, 1);
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autoptr (GPtrArray) nodes = esp_document_find (document, wanted[i]);

      g_assert_cmpuint (nodes->len, ==, 1);
    }
  close_document (document);
}

static void
assert_instructions (EspDocument *document, const char *expected)
{
  g_auto (GStrv) texts = esp_document_dup_instructions (document);
  g_autofree char *joined = g_strjoinv (", ", texts);

  g_assert_cmpstr (joined, ==, expected);
}

static void
test_instructions (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Instructions");
  g_autofree char *path = document_dup_path (document);
  EspNode *root = import_color (document, 0xffffff, NULL);

  add_turn (document, root, "One", 1);
  add_turn (document, root, "Two", 1);
  add_turn (document, root, "Three", 1);
  add_turn (document, root, "One", 2);
  assert_instructions (document, "One, Three, Two");
  delete_node (document, root);
  WAIT (waiter, esp_document_purge_async, document, NULL);
  g_assert_true (esp_document_edit_finish (document, waiter.result, NULL));
  assert_instructions (document, "One, Three, Two");
  waiter_clear (&waiter);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_instructions (document, "One, Three, Two");
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 0);
  close_document (document);
}

static void
test_text (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Text");
  EspNode *root = import_color (document, 0xffffff, NULL);
  EspNode *one = add_turn (document, root, "\n Make it red \nand blue", 1);
  EspNode *two = add_turn (document, one, "Make it green", 2);
  g_autofree char *root_title = esp_node_dup_title (root);
  g_autofree char *one_title = esp_node_dup_title (one);
  g_autofree char *difference = esp_node_dup_difference (two);
  g_autofree char *none = esp_node_dup_difference (root);
  g_autofree char *label = NULL;

  g_assert_cmpstr (root_title, ==, "photo.png");
  g_assert_cmpstr (one_title, ==, "Make it red");
  g_assert_cmpstr (difference, ==, "Make it green\nSeed 1 → 2");
  g_assert_cmpstr (none, ==, "");
  set_label (document, one, "The red one");
  label = esp_node_dup_title (one);
  g_assert_cmpstr (label, ==, "The red one");
  close_document (document);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Order");
  EspNode *one = import_color (document, 1, NULL);
  EspNode *two = import_color (document, 2, one);
  EspNode *three = import_color (document, 3, NULL);
  g_autoptr (GPtrArray) nodes = NULL;

  import_color (document, 4, two);
  move_node (document, one, three, G_MAXUINT);
  assert_tree (document, "3(1(2(4)))");
  g_assert_cmpuint (esp_node_get_depth (esp_document_get_node (document, 4)), ==, 3);
  g_assert_true (esp_node_get_root (two) == three);
  g_assert_true (esp_node_is_ancestor (three, two));
  g_assert_false (esp_node_is_ancestor (two, three));
  g_assert_false (esp_node_is_ancestor (two, two));
  nodes = esp_document_dup_nodes (document);
  g_assert_cmpuint (nodes->len, ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpint (esp_node_get_id (nodes->pdata[i]), ==, ((int[]){ 3, 1, 2, 4 })[i]);
  g_clear_pointer (&nodes, g_ptr_array_unref);
  close_document (document);
}

static void
test_current (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Current");
  EspNode *root = import_color (document, 1, NULL);
  EspNode *child = import_color (document, 2, root);
  EspNode *grandchild = import_color (document, 3, child);

  g_assert_true (esp_document_get_current (document) == root);
  esp_document_set_current (document, grandchild);
  delete_node (document, child);
  g_assert_true (esp_document_get_current (document) == root);
  esp_document_set_current (document, grandchild); /* deleted: stays as it is */
  g_assert_true (esp_document_get_current (document) == root);
  delete_node (document, root);
  g_assert_null (esp_document_get_current (document));
  undo (document);
  g_assert_true (esp_document_get_current (document) == root);
  close_document (document);
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Read only");
  g_autofree char *path = document_dup_path (document);
  g_autoptr (GError) error = NULL;
  EspNode *root;

  import_color (document, 1, NULL);
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_READ_ONLY, NULL);
  g_assert_cmpint (esp_document_get_access (document), !=, ESP_DOCUMENT_WRITABLE);
  root = esp_document_get_node (document, 1);
  WAIT (waiter, esp_document_set_label_async, document, root, "x", NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
  esp_document_set_view (document, "a", "b");
  g_assert_cmpstr (esp_document_get_view (document, "a"), ==, "b");
  assert_whole (document, 1, 1);
  waiter_clear (&waiter);
  close_document (document);
}

static void
test_in_use (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("In use");
  g_autofree char *path = document_dup_path (document);
  EspDocument *second;

  import_color (document, 1, NULL);
  second = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  g_assert_cmpint (esp_document_get_access (second), ==, ESP_DOCUMENT_IN_USE);
  assert_tree (second, "1");
  import_color (document, 2, NULL);
  close_document (second);
  close_document (document);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  EspDocument *document = create_document ("Cancel");
  EspNode *root = import_color (document, 1, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) bytes = make_png (20, 20, 5, 5);
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  WAIT (waiter, esp_document_import_async, document, bytes, NULL, NULL, cancellable);
  g_assert_null (esp_document_import_finish (document, waiter.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  WAIT (waiter, esp_document_load_picture_async, document, root, cancellable);
  g_assert_null (esp_document_load_picture_finish (document, waiter.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  WAIT (waiter, esp_document_verify_async, document, cancellable);
  g_assert_false (esp_document_verify_finish (document, waiter.result, NULL, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_tree (document, "1");
  waiter_clear (&waiter);
  close_document (document);
}

static void
test_closed (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (EspDocument) document = create_document ("Closed");
  EspNode *root = import_color (document, 1, NULL);
  g_autoptr (GError) error = NULL;

  WAIT (waiter, esp_document_close_async, document);
  g_assert_true (esp_document_close_finish (document, waiter.result, NULL));
  assert_tree (document, "1");
  WAIT (waiter, esp_document_load_image_async, document, root, NULL);
  g_assert_null (esp_document_load_image_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
  g_clear_error (&error);
  WAIT (waiter, esp_document_set_label_async, document, root, "x", NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN);
  waiter_clear (&waiter);
}

/* Dropped without closing, nodes still held: nothing crashes, nothing is lost. */
static void
test_dropped (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Dropped");
  g_autofree char *path = document_dup_path (document);
  g_autoptr (EspNode) root = g_object_ref (import_color (document, 1, NULL));
  g_autoptr (EspNode) child = g_object_ref (import_color (document, 2, root));

  drop_document (document);
  g_assert_null (esp_node_get_parent (child));
  g_assert_cmpuint (g_list_model_get_n_items (esp_node_get_children (root)), ==, 0);
  g_assert_cmpint (esp_node_get_id (child), ==, 2);

  /* Its thread may hold the file for another moment. */
  for (;;)
    {
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
      g_assert_nonnull (document);
      if (esp_document_get_access (document) == ESP_DOCUMENT_WRITABLE)
        break;
      close_document (document);
    }
  assert_tree (document, "1(2)");
  close_document (document);
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Progress");
  EspNode *root = import_color (document, 1, NULL);
  const EspNodeProgress progress = { 0.5, 2, 4, 3.0, FALSE };
  g_autoptr (EspPicture) preview = esp_picture_new (4, 4, NULL);

  g_assert_null (esp_node_get_progress (root));
  esp_node_set_progress (root, &progress, preview);
  g_assert_cmpint (esp_node_get_progress (root)->step, ==, 2);
  g_assert_true (esp_node_get_preview (root) == preview);
  esp_node_set_progress (root, &progress, NULL);
  g_assert_true (esp_node_get_preview (root) == preview);
  esp_node_set_progress (root, NULL, NULL);
  g_assert_null (esp_node_get_progress (root));
  g_assert_null (esp_node_get_preview (root));
  close_document (document);
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document/life", test_life);
  ADD_TEST ("/document/names", test_names);
  ADD_TEST ("/document/elsewhere", test_elsewhere);
  ADD_TEST ("/document/save-as", test_save_as);
  ADD_TEST ("/document/images", test_images);
  ADD_TEST ("/document/no-image", test_no_image);
  ADD_TEST ("/document/turns", test_turns);
  ADD_TEST ("/document/outcome", test_outcome);
  ADD_TEST ("/document/stacks", test_stacks);
  ADD_TEST ("/document/references", test_references);
  ADD_TEST ("/document/find", test_find);
  ADD_TEST ("/document/find/long", test_find_long);
  ADD_TEST ("/document/instructions", test_instructions);
  ADD_TEST ("/document/text", test_text);
  ADD_TEST ("/document/order", test_order);
  ADD_TEST ("/document/current", test_current);
  ADD_TEST ("/document/read-only", test_read_only);
  ADD_TEST ("/document/in-use", test_in_use);
  ADD_TEST ("/document/cancel", test_cancel);
  ADD_TEST ("/document/closed", test_closed);
  ADD_TEST ("/document/dropped", test_dropped);
  ADD_TEST ("/document/progress", test_progress);

  return g_test_run ();
}
