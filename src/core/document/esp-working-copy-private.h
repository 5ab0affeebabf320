/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-copy-private.h: what esp-working-copy.c and esp-working-copy-publish.c share. */
#pragma once

#include "esp-snapshot.h"
#include "esp-working-copy.h"
#include "esp-working-folder.h"

G_BEGIN_DECLS

typedef struct _EspWorkingAhead EspWorkingAhead;

struct _EspWorkingCopy
{
  GMutex mutex; /* for all below but what only the document's thread changes */
  EspWorkingFolder *place;
  EspWorkingState state;
  EspDocumentAccess access;
  GPid holder;
  int fd;                  /* the person's file as it was opened; < 0 once it does not matter */
  gboolean prepared;       /* there is a working database */
  EspFileIdentity logs[2]; /* those beside the person's file that are in the working database */
  gboolean recovered;
  gboolean view_only;        /* no edits since it was published; there is the file that tells so */
  char *draft;               /* where a new document of the library is made, or NULL */
  gboolean failed;           /* could not be opened */
  EspSnapshotSource *source; /* made when it is needed */
  gint64 published_version;  /* of `source`; -1 unknown */
  gint64 publish_time;
  EspWorkingAhead *ahead; /* a copy of the person's file that is being made, or NULL */
};

/* Takes `cause`, makes it an ESP_DOCUMENT_ERROR that names the document; returns FALSE. */
gboolean _esp_working_copy_fail (EspWorkingCopy *self, GError *cause, GError **error);

/* After the last connection to a document of the library is closed: SQLite leaves an empty log
 * where the file is not the one that was opened, beside what someone else has put there. */
void _esp_working_copy_drop_empty_log (EspWorkingCopy *self);

/* The error of a document in the library that is at its path no more; returns FALSE. */
gboolean _esp_working_copy_fail_replaced (EspWorkingCopy *self, GError **error);

gboolean _esp_working_copy_look_in_place (EspWorkingCopy *self, GError **error);

/* Writes down that `state.published` has all that the working database has. */
gboolean _esp_working_copy_note_published (EspWorkingCopy *self, GError **error);

gboolean _esp_working_copy_open_source (EspWorkingCopy *self, GError **error);

/* Ends the copy of esp_working_copy_copy_ahead () before `fd` is closed: drops it, or, if it is
 * `wanted`, waits until it is whole. Returns its descriptor then, < 0 if there is none. */
int _esp_working_copy_end_ahead (EspWorkingCopy *self, gboolean wanted);

/* Is the file at the path of a library document the one that was opened? */
gboolean _esp_working_copy_is_ours (EspWorkingCopy *self);

/* Is there a log beside the person's file that the working database does not have? */
gboolean _esp_working_copy_has_strange_log (EspWorkingCopy *self);

G_END_DECLS
