/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-remote.h: turns made by remote providers: waiting for one, keeping its images, and telling
 * how it went. Shared by `edit --backend` and `jobs resume`. */
#pragma once

#include "cli-keep.h"
#include "cli-progress.h"
#include "cli-session.h"
#include "esp-account.h"
#include "esp-fault.h"
#include "esp-remote-turn.h"
#include "esp-shipment.h"

G_BEGIN_DECLS

#define CLI_EXIT_AUTH      3
#define CLI_EXIT_CREDIT    4
#define CLI_EXIT_MODERATED 5
#define CLI_EXIT_RATE      6
#define CLI_EXIT_PROVIDER  7
#define CLI_EXIT_NETWORK   8
#define CLI_EXIT_UNKNOWN   9

/* What all turns of one command share. */
typedef struct
{
  CliSession session;
  CliProgress progress;
  EspHttp *http;
  EspAccounts *accounts;
  gboolean json, quiet, cancel_on_interrupt;
} CliRemote;

void cli_remote_begin (CliRemote *self, gboolean json, gboolean quiet,
                       gboolean cancel_on_interrupt);
/* Lets go of everything. Returns the exit status; see cli_session_end (). */
int cli_remote_end (CliRemote *self, int status);

/* One turn. Everything is owned. */
typedef struct
{
  char *id;       /* of its record */
  char *backend;  /* as the person called it */
  char *provider; /* descriptor id */
  char *title;    /* the provider's name for people */
  char *output;   /* path */
  gboolean no_metadata;
  JsonObject *asked; /* what was asked for, with the prompt: for the recipe */

  /* Where pixels of the photo are kept; NULL otherwise. */
  EspComposition *keep;
  char *mask_out; /* path, or NULL */
  GBytes *source; /* the photo's file; NULL: it is not there any more */
} CliRemoteJob;

void cli_remote_job_clear (CliRemoteJob *self);

/* The "client" of a record, which `jobs` reads again. `key_file` may be NULL. */
JsonObject *cli_remote_job_dup_client (const CliRemoteJob *self, char **inputs,
                                       const char *key_file) G_GNUC_WARN_UNUSED_RESULT;
/* Cuts what is sent out of the photo, images[0], in a thread, where a region is asked for; and
 * keeps the photo for later where its pixels are. FALSE after setting the error. */
gboolean cli_remote_job_take_photo (CliRemoteJob *self, CliRemote *remote, GPtrArray *images,
                                    GError **error);
/* The paths of the inputs, as a record has them; NULL: it does not. */
char **cli_remote_dup_inputs (EspRecord *record) G_GNUC_WARN_UNUSED_RESULT;
/* Reads a record. FALSE: it was not made by the command line; `self` has all but output then. */
gboolean cli_remote_job_read (CliRemoteJob *self, EspRecord *record);

/* Starts `request`, or goes on with the turn of `job` if that is NULL; waits; stores the images;
 * lets go of the record. The object to print under --json goes into `json`. Returns the exit
 * status, all having been said. */
int cli_remote_make (CliRemote *self, const CliRemoteJob *job, const EspRemoteRequest *request,
                     const char *key, guint patience, GString *json);

/* --- What is said of it (cli-remote-report.c) ------------------------------------------------- */

/* A file that was written. */
typedef struct
{
  char *path;
  int width, height;
  const char *media_type;
  char *sha256;
  EspComposition *composition; /* what came of keeping pixels; NULL: that was not asked for */
} CliRemoteOutput;

void cli_remote_output_free (CliRemoteOutput *output);

/* Appends the object of --json. */
void cli_remote_put_result (GString *json, const CliRemoteJob *job, const EspRemoteResult *result,
                            GPtrArray *outputs);
void cli_remote_put_error (GString *json, const char *fault, const char *message,
                           const EspFaultReport *report);

/* Says on standard error what went wrong, appends the object of --json (NULL: none), and returns
 * the exit status. */
int cli_remote_fail (CliRemote *self, const GError *error, GString *json);

/* Where a key that is missing may come from, behind the error that says that it is missing; other
 * errors stay as they are. */
void cli_remote_explain_missing_key (const char *backend, GError **error);

/* "$0.025", "2 EUR"; `currency` NULL: dollars. */
char *cli_remote_dup_price (double amount, const char *currency) G_GNUC_WARN_UNUSED_RESULT;

/* The exit status and the name for a class of errors. */
int cli_remote_get_status (EspFault fault);

/* "out.png: 1024×1024, seed 7, $0.025, 12.3 s" */
char *cli_remote_summary (const CliRemoteJob *job, const EspRemoteResult *result,
                          GPtrArray *outputs) G_GNUC_WARN_UNUSED_RESULT;

/* Shows how far a turn is. */
void cli_remote_show_news (CliRemote *self, const EspRemoteNews *news);

/* The recipe of a result. */
EspRecipe *cli_remote_recipe_new (const CliRemoteJob *job, const EspRemoteResult *result,
                                  const EspReceivedImage *image) G_GNUC_WARN_UNUSED_RESULT;

/* An error of the person's making, found before anything was sent. */
GError *cli_remote_argument_new (const char *format, ...)
    G_GNUC_PRINTF (1, 2) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
