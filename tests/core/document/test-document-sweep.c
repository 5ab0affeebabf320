/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-sweep.c: sweeps in documents: kept, undone, purged, copied, and ones that lie. */
#include "document-fixture.h"

#include <string.h>

static const char plan_of_four[] = "{\"cells\":4,\"parent\":1,\"turn\":{\"references\":[2]}}";

/* Three cells of four below the first of two pictures: 1(3 4 5) 2. */
static gint64
add_sweep (EspDocument *document, EspNode *root, EspNode *reference)
{
  g_auto (Waiter) waiter = { 0 };
  EspSweepTurn turns[3] = { 0 };
  g_autoptr (GPtrArray) nodes = NULL;
  GError *error = NULL;
  gint64 sweep = 0;

  for (guint i = 0; i < G_N_ELEMENTS (turns); i++)
    {
      turns[i].cell = 3 - i;
      turns[i].draft = i == 1;
      turns[i].parent = root;
      turns[i].turn = (EspTurn){ .instruction = "Make it red",
                                 .backend = "local",
                                 .has_seed = TRUE,
                                 .seed = i,
                                 .references = &reference,
                                 .n_references = 1 };
    }
  WAIT (waiter, esp_document_add_sweep_async, document, 0, plan_of_four, turns,
        G_N_ELEMENTS (turns), NULL);
  nodes = esp_document_add_sweep_finish (document, waiter.result, &sweep, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nodes->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (esp_node_get_sweep (nodes->pdata[i]), ==, sweep);
      g_assert_cmpuint (esp_node_get_cell (nodes->pdata[i]), ==, 3 - i);
      g_assert_cmpint (esp_node_is_draft (nodes->pdata[i]), ==, i == 1);
    }
  return sweep;
}

static EspDocument *
make (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  EspDocument *document = create_document_at (path);
  EspNode *root = import_color (document, 1, NULL);
  EspNode *reference = import_color (document, 2, NULL);

  g_assert_cmpint (add_sweep (document, root, reference), ==, 1);
  assert_tree (document, "1(3 4 5) 2");
  return document;
}

/* "3:1/3 4:1/2d": nodes that are cells. */
static char *
dup_cells (EspDocument *document)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < nodes->len; i++)
    if (esp_node_get_sweep (nodes->pdata[i]) != 0)
      g_string_append_printf (
          text, "%s%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT "/%u%s", text->len > 0 ? " " : "",
          esp_node_get_id (nodes->pdata[i]), esp_node_get_sweep (nodes->pdata[i]),
          esp_node_get_cell (nodes->pdata[i]), esp_node_is_draft (nodes->pdata[i]) ? "d" : "");
  return g_string_free (text, FALSE);
}

#define assert_cells(document, expected)                                                           \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *cells_ = dup_cells (document);                                                \
    g_assert_cmpstr (cells_, ==, expected);                                                        \
  }                                                                                                \
  G_STMT_END

static void
test_kept (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = make (fixture, "kept.espalier");
  g_autofree char *path = document_dup_path (document);
  g_autofree char *title = esp_document_dup_undo_title (document);
  g_autoptr (GArray) sweeps = NULL;
  GError *error = NULL;
  EspNode *again;

  g_assert_cmpstr (title, ==, "Start Sweep of 3 Turns");
  finish_turn (document, esp_document_get_node (document, 4), 0xff0000);
  again = add_cell (document, 1, NULL, esp_document_get_node (document, 1), 2, "Make it red");
  g_assert_cmpint (esp_node_get_id (again), ==, 6);
  g_assert_cmpstr (esp_document_get_sweep_plan (document, 1), ==, plan_of_four);
  g_assert_null (esp_document_get_sweep_plan (document, 2));
  add_cell (document, 0, "{\"cells\":1}", again, 0, "And green");
  close_document (document);

  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
  g_assert_no_error (error);
  assert_cells (document, "3:1/3 4:1/2d 5:1/1 6:1/2 7:2/0");
  sweeps = esp_document_dup_sweeps (document);
  g_assert_cmpuint (sweeps->len, ==, 2);
  g_assert_cmpint (g_array_index (sweeps, gint64, 0), ==, 1);
  g_assert_cmpint (g_array_index (sweeps, gint64, 1), ==, 2);
  g_assert_cmpstr (esp_document_get_sweep_plan (document, 1), ==, plan_of_four);
  assert_whole (document, 3, 7);
  /* A cell is in no stack, neither with cells nor with others. */
  g_assert_null (esp_node_get_stack_key (esp_document_get_node (document, 3)));
  g_assert_false (esp_node_is_same_but_seed (esp_document_get_node (document, 3),
                                             esp_document_get_node (document, 5)));
  close_document (document);
}

static void
test_undo (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = make (fixture, "undo.espalier");

  finish_turn (document, esp_document_get_node (document, 5), 3);
  undo (document);
  assert_tree (document, "1 2");
  assert_cells (document, "");
  redo (document);
  assert_tree (document, "1(3 4 5) 2");
  assert_cells (document, "3:1/3 4:1/2d 5:1/1");
  g_assert_true (esp_node_has_image (esp_document_get_node (document, 5)));
  close_document (document);
}

static void
check_refused (EspDocument *document, gint64 sweep, const char *plan, EspNode *parent, guint cell,
               guint n)
{
  g_auto (Waiter) waiter = { 0 };
  EspSweepTurn turn = { .cell = cell, .parent = parent, .turn = { .instruction = "x" } };
  GError *error = NULL;

  WAIT (waiter, esp_document_add_sweep_async, document, sweep, plan, &turn, n, NULL);
  g_assert_null (esp_document_add_sweep_finish (document, waiter.result, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = make (fixture, "refused.espalier");
  EspDocument *other = make (fixture, "other.espalier");
  EspNode *root = esp_document_get_node (document, 1);
  g_autofree char *endless = g_strnfill (2 << 20, ' ');

  check_refused (document, 0, "{\"cells\":2}", root, 2, 1);
  check_refused (document, 0, "{\"cells\":2}", root, 0, 0);
  check_refused (document, 0, "{\"cells\":-1}", root, 0, 1);
  check_refused (document, 0, "[]", root, 0, 1);
  check_refused (document, 0, endless, root, 0, 1);
  check_refused (document, 1, NULL, root, 4, 1);
  check_refused (document, 2, NULL, root, 0, 1);
  check_refused (document, 1, NULL, esp_document_get_node (other, 1), 0, 1);
  delete_node (document, root);
  check_refused (document, 0, "{\"cells\":2}", root, 0, 1);
  undo (document);
  assert_tree (document, "1(3 4 5) 2");
  close_document (other);
  close_document (document);
}

/* "Run again" asks for the same, but is no cell. */
static void
test_duplicate (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = make (fixture, "duplicate.espalier");
  g_auto (Waiter) waiter = { 0 };
  EspNode *twin;

  WAIT (waiter, esp_document_duplicate_async, document, esp_document_get_node (document, 4), FALSE,
        0, NULL);
  twin = esp_document_duplicate_finish (document, waiter.result, NULL);
  waiter_clear (&waiter);
  g_assert_cmpint (esp_node_get_sweep (twin), ==, 0);
  g_assert_false (esp_node_is_draft (twin));
  g_assert_nonnull (esp_node_get_stack_key (twin));
  g_assert_false (esp_node_is_same_but_seed (twin, esp_document_get_node (document, 4)));
  assert_cells (document, "3:1/3 4:1/2d 5:1/1");
  close_document (document);
}

static void
purge (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_purge_async, document, NULL);
  g_assert_true (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_no_error (error);
}

/* A sweep goes with its last node, and its number is not used again. */
static void
test_purge (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = make (fixture, "purge.espalier");
  g_autofree char *path = document_dup_path (document);
  g_autoptr (GArray) sweeps = NULL;

  delete_node (document, esp_document_get_node (document, 3));
  purge (document);
  g_assert_nonnull (esp_document_get_sweep_plan (document, 1));
  delete_node (document, esp_document_get_node (document, 4));
  delete_node (document, esp_document_get_node (document, 5));
  g_assert_nonnull (esp_document_get_sweep_plan (document, 1));
  purge (document);
  g_assert_null (esp_document_get_sweep_plan (document, 1));
  sweeps = esp_document_dup_sweeps (document);
  g_assert_cmpuint (sweeps->len, ==, 0);
  add_cell (document, 0, "{\"cells\":1}", esp_document_get_node (document, 1), 0, "x");
  assert_cells (document, "6:2/0");
  close_document (document);
  g_assert_cmpint (query_file (path, "SELECT count(*) FROM sweeps"), ==, 1);
}

/* --- Copies ----------------------------------------------------------------------------------- */

static void
copy (EspDocument *document, EspDocument *source, EspNode *node, EspNode *parent)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_copy_async, document, source, node, parent, NULL);
  g_assert_true (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_no_error (error);
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  EspDocument *source = make (fixture, "source.espalier");
  g_autofree char *path = g_build_filename (fixture->folder, "copy.espalier", NULL);
  EspDocument *document = create_document_at (path);
  EspNode *node = esp_document_get_node (source, 3);
  GError *error = NULL;

  add_cell (source, 0,
            "{\"axes\":[{\"kind\":\"node\",\"values\":[3,2,99,\"x\"]},7,{\"kind\":\"seed\","
            "\"values\":[3]}],\"cells\":8,\"parent\":3}",
            node, 7, "Again");
  import_color (document, 9, NULL);
  /* All of it: each sweep once, with the nodes that it names. */
  copy (document, source, NULL, esp_document_get_node (document, 1));
  assert_tree (document, "1(2(4(7) 5 6) 3)");
  assert_cells (document, "4:1/3 5:1/2d 6:1/1 7:2/7");
  g_assert_cmpstr (esp_document_get_sweep_plan (document, 1), ==,
                   "{\"cells\":4,\"parent\":2,\"turn\":{\"references\":[3]}}");
  g_assert_cmpstr (esp_document_get_sweep_plan (document, 2), ==,
                   "{\"axes\":[{\"kind\":\"node\",\"values\":[4,3,0,0]},7,{\"kind\":\"seed\","
                   "\"values\":[3]}],\"cells\":8,\"parent\":4}");
  /* Once more, from a cell on: sweeps of their own; what they start from is where they hang, and
   * the reference comes along. */
  copy (document, source, node, esp_document_get_node (document, 3));
  assert_tree (document, "1(2(4(7) 5 6) 3(9(10))) 8:photo.png");
  assert_cells (document, "4:1/3 5:1/2d 6:1/1 7:2/7 9:3/3 10:4/7");
  g_assert_cmpstr (esp_document_get_sweep_plan (document, 3), ==,
                   "{\"cells\":4,\"parent\":3,\"turn\":{\"references\":[8]}}");
  /* Within a document what is not copied stays what it is. */
  copy (source, source, node, esp_document_get_node (source, 2));
  assert_cells (source, "3:1/3 4:1/2d 5:1/1 6:2/7 7:3/3 8:4/7");
  g_assert_cmpstr (esp_document_get_sweep_plan (source, 3), ==, plan_of_four);
  undo (document);
  assert_cells (document, "4:1/3 5:1/2d 6:1/1 7:2/7");
  close_document (document);
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
  g_assert_no_error (error);
  assert_cells (document, "4:1/3 5:1/2d 6:1/1 7:2/7");
  assert_whole (document, 3, 7);
  close_document (document);
  close_document (source);
}

/* --- Files that lie --------------------------------------------------------------------------- */

static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *sql, *cells;
    guint n_problems;
  } cases[] = {
    { "SELECT 1", "3:1/3 4:1/2d 5:1/1", 0 },
    { "UPDATE nodes SET sweep = 77 WHERE id = 3", "4:1/2d 5:1/1", 1 },
    { "UPDATE nodes SET sweep = -1 WHERE id = 3", "4:1/2d 5:1/1", 1 },
    { "UPDATE nodes SET cell = 4 WHERE id = 4", "3:1/3 5:1/1", 1 },
    { "UPDATE nodes SET cell = -1 WHERE id = 4", "3:1/3 5:1/1", 1 },
    { "UPDATE nodes SET cell = 4294967297 WHERE id = 4", "3:1/3 5:1/1", 1 },
    { "UPDATE nodes SET cell = NULL WHERE id = 4", "3:1/3 5:1/1", 1 },
    { "UPDATE nodes SET kind = 'imported' WHERE id = 5", "3:1/3 4:1/2d", 1 },
    { "UPDATE nodes SET cell = 3, draft = 7", "3:1/3d 4:1/3d 5:1/3d", 0 },
    { "UPDATE sweeps SET plan = '{'", "", 1 },
    { "UPDATE sweeps SET plan = ''", "", 1 },
    { "UPDATE sweeps SET plan = '{\"cells\":1e300}'", "", 1 },
    { "UPDATE sweeps SET plan = '{\"cells\":\"4\"}'", "", 1 },
    { "UPDATE sweeps SET plan = '{\"cells\":2}'", "5:1/1", 2 },
    { "UPDATE sweeps SET plan = replace(hex(zeroblob(300000)), '0', '[')", "", 1 },
    { "UPDATE sweeps SET plan = CAST(x'7b2263656c6c73223a342c2261223a22ff227d' AS TEXT)",
      "3:1/3 4:1/2d 5:1/1", 0 },
    { "UPDATE sweeps SET created = -5, id = -3", "", 3 },
    { "DELETE FROM sweeps", "", 3 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("hostile-%u.espalier", i);
      EspDocument *document = make (fixture, name);
      g_autofree char *path = document_dup_path (document);
      g_auto (Waiter) waiter = { 0 };
      g_autoptr (GPtrArray) problems = NULL;
      GError *error = NULL;

      g_test_message ("%s", cases[i].sql);
      for (gint64 id = 3; id <= 5; id++)
        finish_turn (document, esp_document_get_node (document, id), (guint32) id);
      close_document (document);
      change_file (path, cases[i].sql);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      g_assert_no_error (error);
      assert_cells (document, cases[i].cells);
      WAIT (waiter, esp_document_verify_async, document, NULL);
      g_assert_true (
          esp_document_verify_finish (document, waiter.result, NULL, NULL, &problems, &error));
      waiter_clear (&waiter);
      for (guint j = 0; j < problems->len; j++)
        g_test_message ("  %s", (const char *) problems->pdata[j]);
      g_assert_cmpuint (problems->len, ==, cases[i].n_problems);
      /* It can be worked on, and is the same then. */
      for (gint64 id = 3; id <= 5; id++)
        set_label (document, esp_document_get_node (document, id), "L");
      undo (document);
      assert_cells (document, cases[i].cells);
      close_document (document);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      g_assert_no_error (error);
      assert_cells (document, cases[i].cells);
      purge (document);
      close_document (document);
    }
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/document-sweep/kept", test_kept);
  ADD_TEST ("/document-sweep/undo", test_undo);
  ADD_TEST ("/document-sweep/refused", test_refused);
  ADD_TEST ("/document-sweep/duplicate", test_duplicate);
  ADD_TEST ("/document-sweep/purge", test_purge);
  ADD_TEST ("/document-sweep/copy", test_copy);
  ADD_TEST ("/document-sweep/hostile", test_hostile);
  return g_test_run ();
}
