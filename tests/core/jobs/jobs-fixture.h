/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jobs-fixture.h: a document with a photo, a queue, and backends that do what the test says. */
#pragma once

#include "esp-queue.h"
#include "fake-backend.h"

G_BEGIN_DECLS

typedef struct
{
  EspRegistry *registry;
  FakeBackend *fake;  /* "fake", one at a time, stepped */
  FakeBackend *other; /* "other", three at a time, stepped */
  EspQueue *queue;
  EspDocument *document;
  EspNode *photo;
  GString *finished; /* "a:done b:failed": jobs in the order in which they were told */
} JobsFixture;

/* Before and instead of g_test_init () and g_test_run (): with the user's folders in a scratch
 * folder, which goes away at the end. */
void jobs_init (int *argc, char ***argv);
int jobs_run (void);

void jobs_set_up (JobsFixture *self, gconstpointer data);
void jobs_tear_down (JobsFixture *self, gconstpointer data);

/* Runs the main loop until the condition holds; the test's time limit is the only one. */
#define jobs_wait(condition)                                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    while (!(condition))                                                                           \
      g_main_context_iteration (NULL, TRUE);                                                       \
  }                                                                                                \
  G_STMT_END

/* Runs the main loop until nothing is left to do at once and the documents' threads are idle. */
void jobs_settle (JobsFixture *self);

EspDocument *jobs_create_document (const char *title);
EspDocument *jobs_open_document (GFile *file);
void jobs_close_document (EspDocument *document);
EspNode *jobs_import (EspDocument *document, int side);
GBytes *jobs_load_image (EspDocument *document, EspNode *node);

/* A queued turn, not yet in the queue. `reference` may be NULL. */
EspNode *jobs_make_turn (EspDocument *document, EspNode *parent, const char *backend,
                         const char *prompt, EspNode *reference);

/* The same for "fake" below the photo, and put into the queue. */
EspNode *jobs_add (JobsFixture *self, const char *prompt);

void jobs_edit (EspDocument *document,
                void (*start) (EspDocument *, GCancellable *, GAsyncReadyCallback, gpointer));
void jobs_delete (EspDocument *document, EspNode *node);

/* Instructions of the queue's jobs in their order; running ones in brackets: "[a] b c". */
char *jobs_dup_list (JobsFixture *self);

#define jobs_assert_list(self, expected)                                                           \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *list_ = jobs_dup_list (self);                                                 \
                                                                                                   \
    g_assert_cmpstr (list_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

G_END_DECLS
