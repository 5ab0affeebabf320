/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document-fixture.h: a scratch folder for each test, and the document's operations as calls that
 * wait. Functions that return nothing expect success. */
#pragma once

#include "esp-document.h"

typedef struct
{
  char *folder; /* scratch; also HOME and the user's data */
} Fixture;

/* Instead of g_test_init (): HOME and the user's folders are scratch ones for the whole program,
 * which are removed at its end. (G_TEST_OPTION_ISOLATE_DIRS leaks.) */
void fixture_init (int *argc, char ***argv);

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

/* Adds a test with the fixture. */
#define ADD_TEST(path, function)                                                                   \
  g_test_add (path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

/* Runs the main context until the result is there. */
typedef struct
{
  GAsyncResult *result;
} Waiter;

void waiter_callback (GObject *source, GAsyncResult *result, gpointer waiter);
GAsyncResult *wait_for (Waiter *waiter); /* borrowed until the waiter is used again */
void waiter_clear (Waiter *waiter);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Waiter, waiter_clear)

/* Calls `function (…, callback, waiter)` and waits. */
#define WAIT(waiter, function, ...)                                                                \
  (waiter_clear (&(waiter)), function (__VA_ARGS__, waiter_callback, &(waiter)),                   \
   wait_for (&(waiter)))

void run_for (guint ms);

/* A PNG of one colour with a number in its pixels, so that each is another. */
GBytes *make_png (int width, int height, guint32 color, guint number);

EspDocument *create_document (const char *title);
EspDocument *create_document_at (const char *path);
EspDocument *open_document (const char *path, EspDocumentOpenFlags flags, GError **error);
char *document_dup_path (EspDocument *document);
void drop_document (EspDocument *document);  /* the last reference */
void close_document (EspDocument *document); /* and drops it */

EspNode *import_image (EspDocument *document, GBytes *bytes, const char *name, EspNode *parent);
EspNode *import_color (EspDocument *document, guint32 color, EspNode *parent);
GPtrArray *add_turns (EspDocument *document, EspNode *parent, const char *instruction, guint64 seed,
                      guint count);
EspNode *add_turn (EspDocument *document, EspNode *parent, const char *instruction, guint64 seed);
/* A cell of the sweep, or of a new one with that plan (0). */
EspNode *add_cell (EspDocument *document, gint64 sweep, const char *plan, EspNode *parent,
                   guint cell, const char *instruction);
void finish_turn (EspDocument *document, EspNode *node, guint32 color);
/* The same from beginning to end, put together of a raw result, its mask and what it left for the
 * next one; `region` or NULL. */
void compose_turn (EspDocument *document, EspNode *node, guint32 color, EspRegion *region);
void set_state (EspDocument *document, EspNode *node, EspNodeState state, const char *message);
void set_label (EspDocument *document, EspNode *node, const char *label);
void set_stars (EspDocument *document, EspNode *node, int stars);
void delete_node (EspDocument *document, EspNode *node);
void move_node (EspDocument *document, EspNode *node, EspNode *parent, guint position);
void undo (EspDocument *document);
void redo (EspDocument *document);

/* The tree in one line: "1(2 3(4))", with marks after the id where there are any: "2:label*3". */
char *dup_tree (EspDocument *document);
#define assert_tree(document, expected)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *tree_ = dup_tree (document);                                                  \
    g_assert_cmpstr (tree_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

/* Nothing wrong in it. */
void assert_whole (EspDocument *document, guint n_images, guint n_nodes);

/* Statements on the closed file, by a connection of its own. */
void change_file (const char *path, const char *sql);
gint64 query_file (const char *path, const char *sql);
