/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-document.c: how long a large document takes to open and to change.
 *
 *     bench-document [NODES [MEGABYTES [FOLDER]]]
 *
 * Makes a document of so many nodes (5000) with images of so many megabytes in all (200; 2048 is
 * what the design asks for) in FOLDER (the temporary one), and prints milliseconds. */
#include <glib/gstdio.h>
#include <stdlib.h>

#include "esp-document.h"
#include "large-document.h"

#define REPEAT 5

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}

static void
tell (const char *what, gint64 start, guint n)
{
  const double ms = (double) (g_get_monotonic_time () - start) / 1000.0;

  if (n > 1)
    g_print ("%-34s %9.2f ms  %9.4f ms each\n", what, ms, ms / n);
  else
    g_print ("%-34s %9.2f ms\n", what, ms);
}

static void
fail (GError *error)
{
  g_printerr ("bench-document: %s\n", error->message);
  exit (EXIT_FAILURE);
}

static EspDocument *
open_document (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  EspDocument *document;

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, take_result, &result);
  document = esp_document_open_finish (wait_for (&result), &error);
  if (document == NULL)
    fail (error);
  return document;
}

static void
close_document (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_document_close_async (document, take_result, &result);
  esp_document_close_finish (document, wait_for (&result), NULL);
  g_clear_object (&result);
  g_object_unref (document);
}

static void
time_edits (EspDocument *document)
{
  gint64 start = g_get_monotonic_time ();
  EspNode *root = esp_document_get_node (document, 1);
  GAsyncResult *result = NULL;
  const EspTurn turn = { .instruction = "One more", .backend = "local" };

  esp_document_set_label_async (document, root, "first", NULL, take_result, &result);
  wait_for (&result);
  g_clear_object (&result);
  tell ("first change", start, 1);
  start = g_get_monotonic_time ();
  for (int i = 0; i < 100; i++)
    {
      esp_document_set_label_async (document, root, i % 2 ? "a" : "b", NULL, take_result, &result);
      wait_for (&result);
      g_clear_object (&result);
    }
  tell ("label, 100 times", start, 100);
  start = g_get_monotonic_time ();
  for (int i = 0; i < 100; i++)
    {
      esp_document_add_turns_async (document, root, &turn, 1, NULL, take_result, &result);
      g_ptr_array_unref (esp_document_add_turns_finish (document, wait_for (&result), NULL));
      g_clear_object (&result);
    }
  tell ("add a turn, 100 times", start, 100);
}

static void
time_branch (EspDocument *document)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GAsyncResult *result = NULL;
  gint64 start = g_get_monotonic_time ();

  g_ptr_array_add (nodes, esp_document_get_node (document, 1));
  esp_document_delete_async (document, nodes, NULL, take_result, &result);
  wait_for (&result);
  g_clear_object (&result);
  tell ("delete everything", start, 1);
  start = g_get_monotonic_time ();
  esp_document_undo_async (document, NULL, take_result, &result);
  wait_for (&result);
  g_clear_object (&result);
  tell ("undo that", start, 1);
}

static void
time_find (EspDocument *document)
{
  gint64 start = g_get_monotonic_time ();

  g_ptr_array_unref (esp_document_find (document, "sails wat"));
  tell ("find, first time", start, 1);
  start = g_get_monotonic_time ();
  for (int i = 0; i < 20; i++)
    g_ptr_array_unref (esp_document_find (document, "boat 49"));
  tell ("find, 20 times", start, 20);
}

int
main (int argc, char *argv[])
{
  const guint n_nodes = argc > 1 ? (guint) atoi (argv[1]) : 5000;
  const gsize megabytes = argc > 2 ? (gsize) atoi (argv[2]) : 200;
  g_autofree char *folder
      = g_build_filename (argc > 3 ? argv[3] : g_get_tmp_dir (), "bench-document-XXXXXX", NULL);
  g_autofree char *path = NULL;
  char *remove[] = { "rm", "-rf", "--", folder, NULL };
  gint64 start = g_get_monotonic_time ();
  EspDocument *document = NULL;
  GError *error = NULL;

  if (n_nodes == 0 || g_mkdtemp (folder) == NULL)
    return EXIT_FAILURE;
  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  {
    g_autofree char *library = esp_document_library_dup_path ();

    path = g_build_filename (library, "bench.espalier", NULL);
  }
  if (!large_document_write (path, n_nodes, megabytes * 1000000 / n_nodes, &error))
    fail (error);
  g_print ("%u nodes, %" G_GSIZE_FORMAT " MB\n", n_nodes, megabytes);
  tell ("make the file", start, n_nodes);
  for (int i = 0; i < REPEAT; i++)
    {
      start = g_get_monotonic_time ();
      document = open_document (path);
      tell ("open", start, 1);
      if (i < REPEAT - 1)
        close_document (document);
    }
  time_find (document);
  time_edits (document);
  time_branch (document);
  start = g_get_monotonic_time ();
  close_document (document);
  tell ("close", start, 1);

  return g_spawn_sync (NULL, remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL)
             ? EXIT_SUCCESS
             : EXIT_FAILURE;
}
