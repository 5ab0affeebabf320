/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-backend-private.h: a remote backend from the inside, for the files that make it up. */
#pragma once

#include "esp-key-store.h"
#include "esp-remote-backend.h"
#include "esp-remote-turn.h"

G_BEGIN_DECLS

struct _EspRemoteBackend
{
  EspBackend parent_instance;

  char *id;
  char *title;
  EspProvider *provider; /* as described */
  EspProvider *used;     /* the same, tightened by what the provider says itself */
  EspAccount *account;   /* or NULL: none was set up yet */
  EspAccounts *accounts; /* weak; or NULL */
  EspHttp *http;
  GListStore *models; /* of the one model */
  EspModel *model;    /* borrowed from it */

  guint patience; /* seconds; 0 as usual */
  EspKey *key;    /* as it was found last, or NULL */
  gboolean asked; /* the provider was asked for its schema, or is being asked */
  GCancellable *stopped;

  /* esp-remote-run.c */
  guint n_running;
  GQueue waiting; /* of GTask: turns that wait for one that runs to be over */
  GQueue begun;   /* of gint64 *: when the last turns began, monotonic */
  GSource *starting;
  double typical; /* seconds that turns ran with the provider; < 0 unknown */
};

/* What is the matter with provider and account, in a sentence; NULL: nothing. Sets *state. */
char *_esp_remote_backend_dup_problem (EspRemoteBackend *self,
                                       EspModelState *state) G_GNUC_WARN_UNUSED_RESULT;

/* Shows `self->used` in the model. */
void _esp_remote_backend_show (EspRemoteBackend *self);

/* esp-remote-run.c */
void _esp_remote_run_async (EspBackend *backend, const EspBackendRequest *request,
                            GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                            GAsyncReadyCallback callback, gpointer user_data);
EspBackendResult *_esp_remote_run_finish (EspBackend *backend, GAsyncResult *result,
                                          GError **error);
void _esp_remote_run_clear (EspRemoteBackend *self);

/* esp-remote-key.c: the account's key: the environment's (as for the command line), else the key
 * ring's. NULL without error: there is none, and none is needed. */
void _esp_remote_backend_load_key_async (EspRemoteBackend *self, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
EspKey *_esp_remote_backend_load_key_finish (EspRemoteBackend *self, GAsyncResult *result,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the environment says; or NULL. */
EspKey *_esp_remote_backend_dup_environment_key (EspRemoteBackend *self) G_GNUC_WARN_UNUSED_RESULT;

/* esp-remote-refresh.c: asks the provider for its schema, at most once a day. */
void _esp_remote_backend_refresh (EspRemoteBackend *self);

/* esp-remote-phase.c */
/* "Queued, 3 before this". `typical`: what the run usually takes, < 0 unknown. */
char *_esp_remote_phase_dup_words (const EspRemoteNews *news,
                                   double typical) G_GNUC_WARN_UNUSED_RESULT;
/* How much of the whole turn that is, 0…1. */
double _esp_remote_phase_get_fraction (const EspRemoteNews *news, double typical);

G_END_DECLS
