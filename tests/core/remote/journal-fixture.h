/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal-fixture.h: what the tests of the journal share: a home of their own, and what is in the
 * journal's folder there. */
#pragma once

#include "esp-journal.h"

G_BEGIN_DECLS

/* Before the first record, and after the last. */
void journal_set_up (void);
void journal_tear_down (void);

char *journal_dup_folder (void) G_GNUC_WARN_UNUSED_RESULT;
guint journal_count_files (void);

/* A file there: `id` and what follows it. */
char *journal_dup_beside (const char *id, const char *suffix) G_GNUC_WARN_UNUSED_RESULT;

/* Writes a file, one that is two hours old if `old`; empty if it is a record's. */
void journal_put (const char *path, gboolean old);

/* A record that was written once, and is held. */
EspRecord *journal_write_new (const char *id, EspRecordState state) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
