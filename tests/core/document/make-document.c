/* SPDX-License-Identifier: GPL-3.0-or-later */
/* make-document.c: makes tests/data/documents/version-N.espalier, for test-document-file.c.
 *
 *     make-document FILE           of today's version
 *     make-document FILE VERSION   of an older one, as far as its tables can be told from today's
 *
 * Run it whenever ESP_STORE_VERSION was raised, and keep the file for ever. */
#include "document-fixture.h"

#include <stdlib.h>

/* before[n] makes version n + 1 of version n + 2. */
static const char *const before[] = {
  "DROP TABLE instructions; PRAGMA user_version = 1",
  "DROP INDEX nodes_sweep; ALTER TABLE nodes DROP COLUMN sweep; ALTER TABLE nodes DROP COLUMN cell;"
  "ALTER TABLE nodes DROP COLUMN draft; DROP TABLE sweeps; PRAGMA user_version = 2",
  "DROP INDEX nodes_raw; DROP INDEX nodes_mask; DROP INDEX nodes_source; DROP INDEX nodes_latents;"
  "ALTER TABLE nodes DROP COLUMN raw; ALTER TABLE nodes DROP COLUMN mask;"
  "ALTER TABLE nodes DROP COLUMN source; ALTER TABLE nodes DROP COLUMN source_node;"
  "ALTER TABLE nodes DROP COLUMN latents; ALTER TABLE nodes DROP COLUMN composition;"
  "DROP TABLE latents; PRAGMA user_version = 3",
};

static void
fill (EspDocument *document)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  EspNode *root = import_color (document, 0x3584e4, NULL);
  EspNode *red = add_turn (document, root, "Make it red", G_MAXUINT64);
  EspTurn turn = { .instruction = "And green", .backend = "local", .n_references = 1 };
  EspNode *hat;

  hat = import_color (document, 0xf6d32d, NULL);
  turn.references = &hat;
  WAIT (waiter, esp_document_add_turns_async, document, red, &turn, 1, NULL);
  g_ptr_array_unref (esp_document_add_turns_finish (document, waiter.result, NULL));
  set_state (document, add_cell (document, 0, "{\"cells\":2,\"parent\":1}", root, 1, "Make it red"),
             ESP_NODE_FAILED, "No memory");
  compose_turn (document, red, 0xe01b24, NULL);
  set_label (document, red, "Best");
  set_stars (document, red, 4);
  g_ptr_array_add (one, red);
  WAIT (waiter, esp_document_set_tag_async, document, one, 3, NULL);
  WAIT (waiter, esp_document_set_note_async, document, red, "A note", NULL);
  delete_node (document, add_turn (document, root, "Gone", 6));
}

int
main (int argc, char *argv[])
{
  EspDocument *document;

  if (argc < 2)
    return EXIT_FAILURE;
  document = create_document_at (argv[1]);
  fill (document);
  close_document (document);
  if (argc > 2)
    for (int i = (int) G_N_ELEMENTS (before); i >= atoi (argv[2]); i--)
      change_file (argv[1], before[i - 1]);
  return EXIT_SUCCESS;
}
