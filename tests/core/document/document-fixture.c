/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document-fixture.c: scratch folders and waiting calls for the tests of documents. */
#include "document-fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* --- Scratch ---------------------------------------------------------------------------------- */

static void
remove_folder (GFile *folder)
{
  g_autoptr (GFileEnumerator) files = g_file_enumerate_children (
      folder, "standard::*", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
  GFileInfo *info = NULL;
  GFile *file = NULL;

  while (files != NULL && g_file_enumerator_iterate (files, &info, &file, NULL, NULL)
         && info != NULL)
    if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
      remove_folder (file);
    else
      g_file_delete (file, NULL, NULL);
  g_file_delete (folder, NULL, NULL);
}

static char *scratch;

static void
remove_scratch (void)
{
  g_autoptr (GFile) folder = g_file_new_for_path (scratch);

  remove_folder (folder);
  g_clear_pointer (&scratch, g_free);
}

void
fixture_init (int *argc, char ***argv)
{
  const char *const variables[] = { "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME" };

  scratch = g_dir_make_tmp ("espalier-home-XXXXXX", NULL);
  g_assert_nonnull (scratch);
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      g_autofree char *path = g_build_filename (scratch, variables[i], NULL);

      g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
      g_setenv (variables[i], path, TRUE);
    }
  g_test_init (argc, argv, NULL);
  atexit (remove_scratch);
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *library = NULL;

  /* The user's data folder is that of the whole program (main () sets it); tests have folders in
   * the documents' one emptied. */
  fixture->folder = g_dir_make_tmp ("espalier-document-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  library = g_build_filename (g_get_user_data_dir (), "espalier", NULL);
  g_assert_true (g_str_has_prefix (library, g_get_tmp_dir ()));
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->folder);
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "espalier", NULL);
  g_autoptr (GFile) data_folder = g_file_new_for_path (path);

  while (g_main_context_iteration (NULL, FALSE))
    ;
  remove_folder (folder);
  remove_folder (data_folder);
  g_free (fixture->folder);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

void
waiter_callback (GObject *source, GAsyncResult *result, gpointer waiter)
{
  ((Waiter *) waiter)->result = g_object_ref (result);
}

GAsyncResult *
wait_for (Waiter *waiter)
{
  while (waiter->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return waiter->result;
}

void
waiter_clear (Waiter *waiter)
{
  g_clear_object (&waiter->result);
}

static gboolean
end_run (gpointer done)
{
  *(gboolean *) done = TRUE;
  return G_SOURCE_REMOVE;
}

void
run_for (guint ms)
{
  gboolean done = FALSE;

  g_timeout_add (ms, end_run, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

GBytes *
make_png (int width, int height, guint32 color, guint number)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = esp_picture_new (width, height, NULL);
  GBytes *bytes;

  for (gsize i = 0; i < (gsize) width * (gsize) height; i++)
    for (gsize c = 0; c < 3; c++)
      picture->pixels[3 * i + c] = (guint8) (color >> (16 - 8 * c));
  picture->pixels[0] = (guint8) number;
  picture->pixels[1] = (guint8) (number >> 8);
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);
  g_assert_nonnull (bytes);
  return bytes;
}

/* --- Documents -------------------------------------------------------------------------------- */

EspDocument *
create_document (const char *title)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;
  EspDocument *document;

  esp_document_create_async (NULL, title, NULL, waiter_callback, &waiter);
  document = esp_document_create_finish (wait_for (&waiter), &error);
  g_assert_no_error (error);
  return document;
}

EspDocument *
create_document_at (const char *path)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GError *error = NULL;
  EspDocument *document;

  esp_document_create_async (file, NULL, NULL, waiter_callback, &waiter);
  document = esp_document_create_finish (wait_for (&waiter), &error);
  g_assert_no_error (error);
  return document;
}

EspDocument *
open_document (const char *path, EspDocumentOpenFlags flags, GError **error)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GFile) file = g_file_new_for_path (path);

  esp_document_open_async (file, flags, NULL, waiter_callback, &waiter);
  return esp_document_open_finish (wait_for (&waiter), error);
}

char *
document_dup_path (EspDocument *document)
{
  return g_file_get_path (esp_document_get_file (document));
}

void
drop_document (EspDocument *document)
{
  gpointer left = document;

  /* The thread of a task that is over lets go of it, and of its document, a moment later. */
  g_object_add_weak_pointer (G_OBJECT (document), &left);
  g_object_unref (document);
  for (int i = 0; i < 1000 && g_atomic_pointer_get (&left) != NULL; i++)
    g_usleep (10000);
  g_assert_null (g_atomic_pointer_get (&left));
}

void
close_document (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_close_async, document);
  esp_document_close_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  waiter_clear (&waiter);
  drop_document (document);
}

/* --- Nodes ------------------------------------------------------------------------------------ */

EspNode *
import_image (EspDocument *document, GBytes *bytes, const char *name, EspNode *parent)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;
  EspNode *node;

  WAIT (waiter, esp_document_import_async, document, bytes, name, parent, NULL);
  node = esp_document_import_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  g_assert_true (ESP_IS_NODE (node));
  return node;
}

EspNode *
import_color (EspDocument *document, guint32 color, EspNode *parent)
{
  g_autoptr (GBytes) bytes = make_png (40, 30, color, 0);

  return import_image (document, bytes, "photo.png", parent);
}

GPtrArray *
add_turns (EspDocument *document, EspNode *parent, const char *instruction, guint64 seed,
           guint count)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspTurn turn = { 0 };
  GError *error = NULL;
  GPtrArray *nodes;

  json_object_set_int_member (parameters, "steps", 4);
  turn.instruction = instruction;
  turn.backend = "local";
  turn.model = "demo";
  turn.parameters = parameters;
  turn.has_seed = TRUE;
  turn.seed = seed;
  WAIT (waiter, esp_document_add_turns_async, document, parent, &turn, count, NULL);
  nodes = esp_document_add_turns_finish (document, waiter.result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nodes->len, ==, count);
  return nodes;
}

EspNode *
add_turn (EspDocument *document, EspNode *parent, const char *instruction, guint64 seed)
{
  g_autoptr (GPtrArray) nodes = add_turns (document, parent, instruction, seed, 1);

  return nodes->pdata[0];
}

EspNode *
add_cell (EspDocument *document, gint64 sweep, const char *plan, EspNode *parent, guint cell,
          const char *instruction)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = NULL;
  EspSweepTurn turn = { .cell = cell,
                        .parent = parent,
                        .turn = { .instruction = instruction,
                                  .backend = "local",
                                  .model = "demo",
                                  .has_seed = TRUE,
                                  .seed = 5 } };
  GError *error = NULL;
  gint64 id = 0;

  WAIT (waiter, esp_document_add_sweep_async, document, sweep, plan, &turn, 1, NULL);
  nodes = esp_document_add_sweep_finish (document, waiter.result, &id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nodes->len, ==, 1);
  g_assert_cmpint (esp_node_get_sweep (nodes->pdata[0]), ==, id);
  g_assert_cmpuint (esp_node_get_cell (nodes->pdata[0]), ==, cell);
  return nodes->pdata[0];
}

void
finish_turn (EspDocument *document, EspNode *node, guint32 color)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GBytes) bytes = make_png (40, 30, color, 1);
  const EspTurnOutcome outcome = { .image = bytes, .seconds = 1.5, .cost = 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_finish_turn_async, document, node, &outcome, NULL);
  esp_document_finish_turn_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

void
compose_turn (EspDocument *document, EspNode *node, guint32 color, EspRegion *region)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GBytes) bytes = make_png (40, 30, color, 1);
  g_autoptr (GBytes) raw = make_png (64, 48, color, 2);
  g_autoptr (GBytes) mask = make_png (40, 30, 0xffffff, 3);
  g_autoptr (GBytes) latents = g_bytes_new_static ("latents", 7);
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_AUTO);
  const EspTurnOutcome outcome = { .image = bytes,
                                   .seconds = 1.5,
                                   .cost = 0,
                                   .raw = raw,
                                   .mask = mask,
                                   .latents = latents,
                                   .composition = composition };
  GError *error = NULL;

  composition->region = region != NULL ? esp_region_copy (region) : NULL;
  composition->made = TRUE;
  composition->changed = 0.25;
  set_state (document, node, ESP_NODE_RUNNING, NULL);
  WAIT (waiter, esp_document_finish_turn_async, document, node, &outcome, NULL);
  esp_document_finish_turn_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

void
set_state (EspDocument *document, EspNode *node, EspNodeState state, const char *message)
{
  g_auto (Waiter) waiter = { 0 };
  GError *error = NULL;

  WAIT (waiter, esp_document_set_state_async, document, node, state, message, NULL, NULL);
  esp_document_set_state_finish (document, waiter.result, &error);
  g_assert_no_error (error);
}

static void
expect_edit (EspDocument *document, Waiter *waiter)
{
  GError *error = NULL;
  const gboolean ok = esp_document_edit_finish (document, waiter->result, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

void
set_label (EspDocument *document, EspNode *node, const char *label)
{
  g_auto (Waiter) waiter = { 0 };

  WAIT (waiter, esp_document_set_label_async, document, node, label, NULL);
  expect_edit (document, &waiter);
}

void
set_stars (EspDocument *document, EspNode *node, int stars)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  WAIT (waiter, esp_document_set_stars_async, document, nodes, stars, NULL);
  expect_edit (document, &waiter);
}

void
delete_node (EspDocument *document, EspNode *node)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  WAIT (waiter, esp_document_delete_async, document, nodes, NULL);
  expect_edit (document, &waiter);
}

void
move_node (EspDocument *document, EspNode *node, EspNode *parent, guint position)
{
  g_auto (Waiter) waiter = { 0 };

  WAIT (waiter, esp_document_move_async, document, node, parent, position, NULL);
  expect_edit (document, &waiter);
}

void
undo (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };

  WAIT (waiter, esp_document_undo_async, document, NULL);
  expect_edit (document, &waiter);
}

void
redo (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };

  WAIT (waiter, esp_document_redo_async, document, NULL);
  expect_edit (document, &waiter);
}

static void
put_nodes (GString *text, GListModel *nodes, EspNode *parent)
{
  for (guint i = 0; i < g_list_model_get_n_items (nodes); i++)
    {
      g_autoptr (EspNode) node = g_list_model_get_item (nodes, i);

      g_assert_true (esp_node_get_parent (node) == parent);
      g_assert_false (esp_node_is_deleted (node));
      g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "",
                              esp_node_get_id (node));
      if (esp_node_get_label (node) != NULL)
        g_string_append_printf (text, ":%s", esp_node_get_label (node));
      if (esp_node_get_stars (node) > 0)
        g_string_append_printf (text, "*%d", esp_node_get_stars (node));
      if (g_list_model_get_n_items (esp_node_get_children (node)) > 0)
        {
          g_string_append_c (text, '(');
          put_nodes (text, esp_node_get_children (node), node);
          g_string_append_c (text, ')');
        }
    }
}

char *
dup_tree (EspDocument *document)
{
  GString *text = g_string_new (NULL);

  put_nodes (text, esp_document_get_roots (document), NULL);
  return g_string_free (text, FALSE);
}

void
assert_whole (EspDocument *document, guint n_images, guint n_nodes)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) problems = NULL;
  GError *error = NULL;
  guint images = 0, nodes = 0;

  WAIT (waiter, esp_document_verify_async, document, NULL);
  esp_document_verify_finish (document, waiter.result, &images, &nodes, &problems, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < problems->len; i++)
    g_test_message ("%s", (const char *) problems->pdata[i]);
  g_assert_cmpuint (problems->len, ==, 0);
  g_assert_cmpuint (images, ==, n_images);
  g_assert_cmpuint (nodes, ==, n_nodes);
}

void
change_file (const char *path, const char *sql)
{
  sqlite3 *database = NULL;
  char *message = NULL;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  sqlite3_exec (database, sql, NULL, NULL, &message);
  g_assert_cmpstr (message, ==, NULL);
  sqlite3_close (database);
}

gint64
query_file (const char *path, const char *sql)
{
  sqlite3 *database = NULL;
  sqlite3_stmt *statement = NULL;
  gint64 number;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (database);
  return number;
}
