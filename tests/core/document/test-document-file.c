/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-document-file.c: files of other versions, damaged ones, and ones that mean harm. */
#include "document-fixture.h"

#include <string.h>

#include "esp-store.h"

static char *
make_file (Fixture *fixture, const char *name)
{
  char *path = g_build_filename (fixture->folder, name, NULL);
  EspDocument *document = create_document_at (path);
  EspNode *root = import_color (document, 1, NULL);
  EspNode *turn = add_turn (document, root, "Make it red", 7);

  finish_turn (document, turn, 0xff0000);
  add_turn (document, turn, "And green", 8);
  close_document (document);
  return path;
}

/* --- Versions --------------------------------------------------------------------------------- */

/* Node 5 is one, from version 3 on. */
static void
check_cell (EspDocument *document, int version)
{
  EspNode *node = esp_document_get_node (document, 5);
  g_autoptr (GArray) sweeps = esp_document_dup_sweeps (document);

  g_assert_cmpuint (sweeps->len, ==, version < 3 ? 0 : 1);
  g_assert_cmpint (esp_node_get_sweep (node), ==, version < 3 ? 0 : 1);
  g_assert_cmpuint (esp_node_get_cell (node), ==, version < 3 ? 0 : 1);
  g_assert_cmpstr (esp_document_get_sweep_plan (document, 1), ==,
                   version < 3 ? NULL : "{\"cells\":2,\"parent\":1}");
}

/* Node 2 was put together, from version 4 on. */
static void
check_parts (EspDocument *document, int version)
{
  EspNode *node = esp_document_get_node (document, 2);
  const EspComposition *composition = esp_node_get_composition (node);

  g_assert_true (esp_node_has_picture (node, ESP_NODE_PICTURE_RAW));
  g_assert_cmpint (esp_node_has_picture (node, ESP_NODE_PICTURE_MASK), ==, version >= 4);
  g_assert_cmpint (esp_node_has_picture (node, ESP_NODE_PICTURE_SOURCE), ==, version >= 4);
  g_assert_cmpint (esp_node_has_latents (node), ==, version >= 4);
  g_assert_cmpint (composition != NULL, ==, version >= 4);
  g_assert_false (esp_node_is_outdated (node));
  if (composition == NULL)
    return;
  g_assert_cmpint (composition->keep, ==, ESP_KEEP_AUTO);
  g_assert_cmpfloat (composition->changed, ==, 0.25);
  g_assert_cmpstr (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_SOURCE), ==,
                   esp_node_get_sha256 (esp_node_get_parent (node)));
}

/* Every version that ever was: opens, shows what it showed, and is of today after a change. */
static void
test_versions (Fixture *fixture, gconstpointer data)
{
  for (int version = 1; version <= ESP_STORE_VERSION; version++)
    {
      g_autofree char *name = g_strdup_printf ("version-%d.espalier", version);
      g_autofree char *kept = g_test_build_filename (G_TEST_DIST, "documents", name, NULL);
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
      g_autofree char *bytes = NULL;
      g_auto (GStrv) instructions = NULL;
      EspDocument *document;
      GError *error = NULL;
      EspNode *node;
      gsize size;

      g_assert_true (g_file_get_contents (kept, &bytes, &size, NULL));
      g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
      g_assert_cmpint (query_file (path, "PRAGMA user_version"), ==, version);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      g_assert_no_error (error);
      assert_tree (document, "1(2:Best*4(4) 5) 3");
      node = esp_document_get_node (document, 2);
      g_assert_cmpstr (esp_node_get_instruction (node), ==, "Make it red");
      g_assert_cmpstr (esp_node_get_note (node), ==, "A note");
      g_assert_cmpuint (esp_node_get_seed (node), ==, G_MAXUINT64);
      g_assert_cmpint (esp_node_get_tag (node), ==, 3);
      g_assert_cmpfloat (esp_node_get_seconds (node), ==, 1.5);
      g_assert_cmpint (esp_node_get_state (esp_document_get_node (document, 5)), ==,
                       ESP_NODE_FAILED);
      g_assert_cmpuint (esp_node_get_references (esp_document_get_node (document, 4))->len, ==, 1);
      check_cell (document, version);
      instructions = esp_document_dup_instructions (document);
      g_assert_cmpuint (g_strv_length (instructions), ==, 3);
      g_assert_cmpstr (instructions[0], ==, "Gone");
      check_parts (document, version);
      assert_whole (document, version < 4 ? 3 : 5, 5);

      add_turn (document, node, "A change", 1);
      close_document (document);
      g_assert_cmpint (query_file (path, "PRAGMA user_version"), ==, ESP_STORE_VERSION);
      g_assert_cmpint (query_file (path, "SELECT count(*) FROM instructions"), ==, 4);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      g_assert_no_error (error);
      assert_tree (document, "1(2:Best*4(4 7) 5) 3");
      check_cell (document, version);
      check_parts (document, version);
      close_document (document);
    }
}

/* Tables and columns that are not known yet, states and kinds as well: one may look. */
static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_auto (Waiter) waiter = { 0 };
  g_autofree char *path = make_file (fixture, "newer.espalier");
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  change_file (path, "CREATE TABLE voices (id INTEGER PRIMARY KEY, data BLOB);"
                     "ALTER TABLE nodes ADD COLUMN voice INTEGER;"
                     "ALTER TABLE nodes DROP COLUMN tag;"
                     "UPDATE nodes SET kind = 'dream' WHERE id = 2;"
                     "UPDATE nodes SET state = 'dreaming' WHERE id = 3;"
                     "PRAGMA user_version = 99");
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_NEWER);
  assert_tree (document, "1(2(3))");
  g_assert_cmpint (esp_node_get_kind (esp_document_get_node (document, 2)), ==, ESP_NODE_TURN);
  g_assert_cmpint (esp_node_get_state (esp_document_get_node (document, 3)), ==,
                   ESP_NODE_CANCELLED);
  WAIT (waiter, esp_document_set_label_async, document, esp_document_get_node (document, 1), "x",
        NULL);
  g_assert_false (esp_document_edit_finish (document, waiter.result, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY);
  waiter_clear (&waiter);
  close_document (document);
  g_assert_cmpint (query_file (path, "PRAGMA user_version"), ==, 99);
}

/* --- Refused ---------------------------------------------------------------------------------- */

static void
assert_refused (const char *path, EspDocumentError code)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_path_get_basename (path);
  EspDocument *document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);

  g_assert_null (document);
  g_assert_error (error, ESP_DOCUMENT_ERROR, (int) code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, name));
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[] = {
    "PRAGMA application_id = 1",
    "PRAGMA application_id = -5",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = -3",
    "CREATE TRIGGER t AFTER UPDATE ON nodes BEGIN DELETE FROM nodes; END",
    "CREATE VIEW v AS SELECT * FROM nodes",
    "CREATE VIRTUAL TABLE f USING fts5 (x)",
    "ALTER TABLE nodes RENAME COLUMN state TO status",
    "PRAGMA foreign_keys = OFF; DROP TABLE images",
    "PRAGMA foreign_keys = OFF; DROP TABLE nodes; CREATE VIEW nodes AS SELECT 1 AS id",
  };
  g_autofree char *missing = g_build_filename (fixture->folder, "missing.espalier", NULL);

  assert_refused (missing, ESP_DOCUMENT_ERROR_OPEN);
  assert_refused (fixture->folder, ESP_DOCUMENT_ERROR_OPEN);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("refused-%u.espalier", i);
      g_autofree char *path = make_file (fixture, name);

      g_test_message ("%s", cases[i]);
      change_file (path, cases[i]);
      assert_refused (path, ESP_DOCUMENT_ERROR_FORMAT);
    }
  for (int i = 0; i < 3; i++)
    {
      static const char *const texts[] = { "", "hello", "SQLite format 3" };
      g_autofree char *name = g_strdup_printf ("nonsense-%d.espalier", i);
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
      assert_refused (path, ESP_DOCUMENT_ERROR_FORMAT);
    }
}

/* --- Tolerated -------------------------------------------------------------------------------- */

/* Opens, shows `tree`, can be changed, and is whole then. */
static void
test_tolerated (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *sql;
    const char *tree;
  } cases[] = {
    { "UPDATE nodes SET parent = 77 WHERE id = 2", "1 2(3)" },
    { "UPDATE nodes SET parent = 3 WHERE id = 2", "1 2(3)" },
    { "UPDATE nodes SET parent = id", "1 2 3" },
    { "UPDATE nodes SET parent = 3 WHERE id = 1", "1(2(3))" },
    { "UPDATE nodes SET deleted = 1 WHERE id = 2", "1 3" },
    { "UPDATE nodes SET stars = -5, tag = 999, seconds = -1, cost = 9e999", "1(2(3))" },
    { "UPDATE nodes SET stars = 99", "1*5(2*5(3*5))" },
    { "UPDATE nodes SET parameters = '[[[', timings = '7', asked = '{\"a\"'", "1(2(3))" },
    { "UPDATE nodes SET parameters = replace(hex(zeroblob(100000)), '0', '[')", "1(2(3))" },
    { "UPDATE nodes SET label = CAST(x'ff41' AS TEXT) WHERE id = 1", "1:\357\277\275A(2(3))" },
    { "UPDATE nodes SET image = 88 WHERE id = 1", "1(2(3))" },
    { "UPDATE nodes SET position = 9e999", "1(2(3))" },
    { "INSERT INTO nodes (id, position, kind, state, created) SELECT -id, 1, 'turn', 'done', 1"
      " FROM nodes",
      "1(2(3))" },
    { "UPDATE images SET size = -1, media_type = CAST(x'ff' AS TEXT)", "1(2(3))" },
    { "UPDATE images SET size = 9223372036854775807", "1(2(3))" },
    { "UPDATE document SET value = '-9223372036854775808'", "1(2(3))" },
    { "INSERT INTO node_references VALUES (3, 0, 3), (3, 1, 66), (3, 2, 1), (55, 0, 1)",
      "1(2(3))" },
    { "INSERT OR REPLACE INTO view VALUES ('current', 'x')", "1(2(3))" },
    { "INSERT OR REPLACE INTO view VALUES ('current', '9223372036854775807')", "1(2(3))" },
    { "DROP TABLE view; DROP TABLE thumbnails; PRAGMA user_version = 99", "1(2(3))" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("tolerated-%u.espalier", i);
      g_autofree char *path = make_file (fixture, name);
      EspDocumentStatistics statistics;
      g_auto (Waiter) waiter = { 0 };
      GError *error = NULL;
      EspDocument *document;

      g_test_message ("%s", cases[i].sql);
      change_file (path, cases[i].sql);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      g_assert_no_error (error);
      assert_tree (document, cases[i].tree);
      g_assert_nonnull (esp_document_get_current (document));
      for (int id = 1; id <= 3; id++)
        {
          EspNode *node = esp_document_get_node (document, id);
          g_autofree char *difference = node != NULL ? esp_node_dup_difference (node) : NULL;
        }
      if (esp_document_get_access (document) == ESP_DOCUMENT_WRITABLE)
        {
          set_label (document, esp_document_get_node (document, 3), "L");
          set_label (document, esp_document_get_node (document, 1), "R");
          add_turn (document, esp_document_get_node (document, 3), "More", 5);
          undo (document);
        }
      WAIT (waiter, esp_document_measure_async, document, NULL);
      esp_document_measure_finish (document, waiter.result, &statistics, &error);
      g_assert_no_error (error);
      waiter_clear (&waiter);
      close_document (document);
    }
}

/* A node that was cut out of a circle stays where a person puts it, also in another file. */
static void
test_repaired_once (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_file (fixture, "circle.espalier");
  g_autofree char *copy = g_build_filename (fixture->folder, "copy.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (copy);
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  change_file (path, "UPDATE nodes SET parent = 3 WHERE id = 2");
  document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_tree (document, "1 2(3)");
  move_node (document, esp_document_get_node (document, 2), esp_document_get_node (document, 1),
             G_MAXUINT);
  WAIT (waiter, esp_document_save_as_async, document, file, NULL);
  g_assert_true (esp_document_save_as_finish (document, waiter.result, &error));
  g_assert_no_error (error);
  waiter_clear (&waiter);
  set_label (document, esp_document_get_node (document, 3), "L");
  close_document (document);
  document = open_document (copy, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
  assert_tree (document, "1(2(3:L))");
  close_document (document);
}

/* What stands in the file as JSON can be written as JSON again. */
static void
test_parameters (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *file;
    const char *text;
  } cases[] = {
    { "{\"a\":1e999,\"b\":[-1e999,{\"c\":1e999}],\"d\":0.5}",
      "{\"a\":null,\"b\":[null,{\"c\":null}],\"d\":0.5}" },
    { "[1]", "{}" },
    { "{\"a\":\"\\ud800\"}", "{}" },
    { "{\"a\":1", "{}" },
    { "", "{}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("parameters-%u.espalier", i);
      g_autofree char *path = make_file (fixture, name);
      g_autofree char *sql
          = g_strdup_printf ("UPDATE nodes SET parameters = '%s' WHERE id = 2", cases[i].file);
      g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
      g_autofree char *text = NULL;
      EspDocument *document;

      change_file (path, sql);
      document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
      json_node_set_object (node, esp_node_get_parameters (esp_document_get_node (document, 2)));
      text = json_to_string (node, FALSE);
      g_assert_cmpstr (text, ==, cases[i].text);
      close_document (document);
    }
}

/* --- Damage ----------------------------------------------------------------------------------- */

/* What people are told is text, whatever is in the file. */
static void
ignore (GObject *source, GAsyncResult *result, gpointer pending)
{
  g_autoptr (GError) error = NULL;

  if (g_async_result_is_tagged (result, esp_document_close_async))
    esp_document_close_finish (ESP_DOCUMENT (source), result, &error);
  else if (g_async_result_is_tagged (result, esp_document_measure_async))
    {
      EspDocumentStatistics statistics;

      if (!esp_document_measure_finish (ESP_DOCUMENT (source), result, &statistics, &error))
        g_assert_nonnull (error);
    }
  else if (g_async_result_is_tagged (result, esp_document_set_label_async))
    esp_document_edit_finish (ESP_DOCUMENT (source), result, &error);
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  (*(guint *) pending)--;
}

/* Everything once; whatever comes of it, it comes as an error. */
static void
use_document (EspDocument *document)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);
  guint pending = 3;

  esp_document_measure_async (document, NULL, ignore, &pending);
  for (guint i = 0; i < nodes->len && i < 10; i++)
    {
      pending += 3;
      esp_document_load_image_async (document, nodes->pdata[i], NULL, ignore, &pending);
      esp_document_load_thumbnail_async (document, nodes->pdata[i], ESP_THUMBNAIL_SMALL, NULL,
                                         ignore, &pending);
      esp_document_set_label_async (document, nodes->pdata[i], "x", NULL, ignore, &pending);
    }
  esp_document_verify_async (document, NULL, ignore, &pending);
  esp_document_close_async (document, ignore, &pending);
  while (pending > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_fuzz (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_file (fixture, "fuzz.espalier");
  g_autofree char *bytes = NULL;
  const int n = g_test_slow () ? 2000 : 150;
  guint opened = 0;
  gsize size;

  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  for (int i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("fuzz-%d.espalier", i);
      g_autofree char *other = g_build_filename (fixture->folder, name, NULL);
      g_autofree char *copy = g_memdup2 (bytes, size);
      gsize length = size;
      g_autoptr (GError) error = NULL;
      EspDocument *document;

      if (i % 10 == 0)
        length = (gsize) g_test_rand_int_range (1, (gint32) size);
      for (int j = g_test_rand_int_range (1, 30); j > 0; j--)
        {
          const int end = i % 3 == 0 ? 8192 : (int) size;

          copy[g_test_rand_int_range (i % 2 == 0 ? 100 : 0, end)]
              = (char) g_test_rand_int_range (0, 256);
        }
      g_assert_true (g_file_set_contents (other, copy, (gssize) length, NULL));
      document = open_document (other, ESP_DOCUMENT_OPEN_DEFAULT, &error);
      if (document == NULL)
        g_assert_true (g_utf8_validate (error->message, -1, NULL));
      else
        {
          opened++;
          use_document (document);
          g_object_unref (document);
        }
    }
  g_test_message ("%u of %d damaged files could be opened", opened, n);
  g_assert_cmpuint (opened, >, 0);
}

int
main (int argc, char *argv[])
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/document-file/versions", test_versions);
  ADD_TEST ("/document-file/newer", test_newer);
  ADD_TEST ("/document-file/refused", test_refused);
  ADD_TEST ("/document-file/tolerated", test_tolerated);
  ADD_TEST ("/document-file/repaired-once", test_repaired_once);
  ADD_TEST ("/document-file/parameters", test_parameters);
  ADD_TEST ("/document-file/fuzz", test_fuzz);

  return g_test_run ();
}
