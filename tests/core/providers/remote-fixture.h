/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote-fixture.h: a document, a queue, and accounts with providers that are acted out. */
#pragma once

#include "esp-remote-backend.h"
#include "jobs-fixture.h"
#include "turn-fixture.h"

typedef struct
{
  EspRegistry *registry;
  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  EspQueue *queue;
  EspDocument *document;
  EspNode *photo;
  char *own; /* the folder of the person's own descriptors */
} RemoteFixture;

void remote_set_up (RemoteFixture *self, gconstpointer data);
void remote_tear_down (RemoteFixture *self, gconstpointer data);

/* Registry, catalog, accounts and queue as the program has them after a start. */
void remote_start (RemoteFixture *self);
void remote_end (RemoteFixture *self);

/* An account with the descriptor's provider, at the world's address, with its key. Its id. */
const char *remote_add_account (RemoteFixture *self, TurnWorld *world, const char *descriptor);

/* A queued turn of the document, in the queue. */
EspNode *remote_add_turn (RemoteFixture *self, const char *backend, const char *prompt);
EspNode *remote_make_turn (EspDocument *document, EspNode *parent, const char *backend,
                           const char *prompt);

/* Until the queue is empty. */
void remote_finish (RemoteFixture *self);

guint remote_count_records (void);
