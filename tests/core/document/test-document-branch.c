/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-branch.c: turns that are added as a whole and build on each other, and pictures as
 * new beginnings. */
#include "document-fixture.h"

#include "esp-document-branch.h"
#include "esp-record.h"

#define RED  0xe01b24
#define BLUE 0x3584e4

#define TOO_LONG (ESP_RECORD_MAX_TEXT / 3 + 1)

/* The nodes, or the error. */
static GPtrArray *
add_branch (EspDocument *document, EspNode *parent, const EspBranchTurn *turns, guint n,
            GError **error)
{
  g_auto (Waiter) waiter = { 0 };

  WAIT (waiter, esp_document_add_branch_async, document, parent, turns, n, "Run Once More", NULL);
  return esp_document_add_branch_finish (document, waiter.result, error);
}

static EspNode *
reroot (EspDocument *document, EspNode *node, const char *label, GError **error)
{
  g_auto (Waiter) waiter = { 0 };

  WAIT (waiter, esp_document_reroot_async, document, node, label, NULL);
  return esp_document_reroot_finish (document, waiter.result, error);
}

static void
assert_undo_title (EspDocument *document, const char *title)
{
  g_autofree char *told = esp_document_dup_undo_title (document);

  g_assert_cmpstr (told, ==, title);
}

/* Each is where it was asked for, in that order, in one step. */
static void
test_places (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Branch");
  EspNode *root = import_color (document, BLUE, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autofree char *path = document_dup_path (document);
  const EspBranchTurn turns[]
      = { { .above = -1, .turn = { .instruction = "One", .backend = "local", .model = "demo" } },
          { .above = 0, .turn = { .instruction = "Two", .backend = "local", .model = "demo" } },
          { .above = 0, .turn = { .instruction = "Three", .backend = "local", .model = "demo" } },
          { .above = 2, .turn = { .instruction = "Four", .backend = "local", .model = "demo" } },
          { .above = -1, .turn = { .instruction = "Five", .backend = "local", .model = "demo" } } };

  add_turn (document, root, "Before", 1);
  nodes = add_branch (document, root, turns, G_N_ELEMENTS (turns), &error);
  g_assert_no_error (error);
  assert_tree (document, "1(2 3(4 5(6)) 7)");
  assert_undo_title (document, "Run Once More");
  g_assert_cmpuint (nodes->len, ==, G_N_ELEMENTS (turns));
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = nodes->pdata[i];

      g_assert_true (node == esp_document_get_node (document, 3 + (gint64) i));
      g_assert_cmpstr (esp_node_get_instruction (node), ==, turns[i].turn.instruction);
      g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_QUEUED);
    }
  undo (document);
  assert_tree (document, "1(2)");
  redo (document);
  assert_tree (document, "1(2 3(4 5(6)) 7)");
  assert_whole (document, 1, 7);
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_READ_ONLY, NULL);
  assert_tree (document, "1(2 3(4 5(6)) 7)");
  close_document (document);
}

/* A turn that stands for another one asks for what that asked for, and what named that one as a
 * reference names it. */
static void
test_stands_for (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Branch");
  EspNode *root = import_color (document, BLUE, NULL);
  EspNode *first = add_turn (document, root, "First", 1);
  EspNode *other = import_color (document, RED, NULL);
  EspNode *references[] = { other, first };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (JsonObject) own = json_object_new ();
  GPtrArray *found;
  const EspBranchTurn turns[] = {
    { .above = -1,
      .stands_for = first,
      .turn = { .instruction = "First", .backend = "local", .model = "demo" } },
    { .above = 0,
      .turn = { .instruction = "Second",
                .backend = "local",
                .model = "demo",
                .parameters = own,
                .references = references,
                .n_references = 2 } },
  };

  json_object_set_int_member (own, "steps", 9);
  nodes = add_branch (document, root, turns, 2, &error);
  g_assert_no_error (error);
  assert_tree (document, "1(2 4(5)) 3");
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (nodes->pdata[0]), "steps"),
                   ==, 4);
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (nodes->pdata[1]), "steps"),
                   ==, 9);
  found = esp_node_get_references (nodes->pdata[1]);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_true (found->pdata[0] == other);
  g_assert_true (found->pdata[1] == nodes->pdata[0]);
  close_document (document);
}

/* All or nothing. */
static void
test_refused (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Branch");
  EspDocument *elsewhere = create_document ("Elsewhere");
  EspNode *root = import_color (document, BLUE, NULL);
  EspNode *stranger = import_color (elsewhere, RED, NULL);
  EspNode *references[] = { stranger };
  g_autoptr (GError) error = NULL;
  g_autofree char *novel = g_strnfill (TOO_LONG, 'x');
  EspBranchTurn turns[]
      = { { .above = -1, .turn = { .instruction = "One", .backend = "local", .model = "demo" } },
          { .above = 0,
            .turn = { .instruction = "Two",
                      .backend = "local",
                      .model = "demo",
                      .references = references,
                      .n_references = 1 } } };

  g_assert_null (add_branch (document, root, turns, 2, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  turns[1].turn.n_references = 0;
  turns[1].turn.instruction = novel;
  g_assert_null (add_branch (document, root, turns, 2, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
  turns[1].turn.instruction = "Two";
  g_assert_null (add_branch (document, stranger, turns, 2, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  assert_tree (document, "1");
  assert_undo_title (document, "Add Picture");
  assert_whole (document, 1, 1);
  close_document (document);
  close_document (elsewhere);
}

static void
test_reroot (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Branch");
  EspNode *root = import_color (document, BLUE, NULL);
  EspNode *turn = add_turn (document, root, "Make it red", 1);
  EspNode *start;
  g_autofree char *novel = g_strnfill (TOO_LONG, 'x');
  g_autoptr (GError) error = NULL;

  g_assert_null (reroot (document, turn, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "This turn has no image");
  g_clear_error (&error);
  finish_turn (document, turn, RED);
  g_assert_null (reroot (document, turn, novel, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  start = reroot (document, turn, "Fresh", &error);
  g_assert_no_error (error);
  assert_tree (document, "1(2) 3:Fresh");
  g_assert_true (start == esp_document_get_node (document, 3));
  g_assert_cmpint (esp_node_get_kind (start), ==, ESP_NODE_IMPORTED);
  g_assert_cmpint (esp_node_get_state (start), ==, ESP_NODE_DONE);
  g_assert_cmpstr (esp_node_get_sha256 (start), ==, esp_node_get_sha256 (turn));
  g_assert_null (esp_node_get_parent (start));
  g_assert_cmpint (g_get_real_time () - esp_node_get_created (start), <, 60 * G_USEC_PER_SEC);
  assert_undo_title (document, "Make a New Start");
  assert_whole (document, 2, 3); /* the bytes are there once */
  undo (document);
  assert_tree (document, "1(2)");
  redo (document);
  assert_tree (document, "1(2) 3:Fresh");
  close_document (document);
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-branch/places", test_places);
  ADD_TEST ("/document-branch/stands-for", test_stands_for);
  ADD_TEST ("/document-branch/refused", test_refused);
  ADD_TEST ("/document-branch/reroot", test_reroot);

  return g_test_run ();
}
