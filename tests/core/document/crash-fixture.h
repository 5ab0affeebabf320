/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crash-fixture.h: starts crash-victim.c, keeps what it promised, and looks whether that is there
 * when it has ended, however it did. */
#pragma once

#include <gio/gio.h>

/* The folder that everything is in, the library's among it; between crash_begin () and
 * crash_end (). */
extern char *crash_scratch;

void crash_begin (void);
void crash_end (void);

/* A path in the library (in_place) or, as a person's own file, beside it; owned by the caller. */
char *crash_dup_path (gboolean in_place, const char *name);

/* The victim, with a fault of its own or NULL. */
GSubprocess *crash_start (const char *path, guint32 seed, int count, const char *fault,
                          guint moment);

/* The same with names and values of variables, and with a library loaded before all others. What it
 * writes on standard error goes to the file `said`, unless that is NULL. */
GSubprocess *crash_start_with (const char *const *variables, const char *preload, const char *said,
                               const char *path, guint32 seed, int count, const char *fault,
                               guint moment);

/* All of a stream as one text; owned by the caller. */
char *crash_read_all (GInputStream *stream);

/* What a document has said it stored, by node; owned by the caller. */
GHashTable *crash_promises_new (void);

/* Takes up what the victim wrote; `faults` may be NULL. What it was told is checked to be for
 * people. */
void crash_note_all (GHashTable *promises, const char *output, guint *faults);

/* Opens what a crash left, and looks for all that was promised; twice: taken up from the working
 * copy, and from the person's file after that. */
void crash_check_document (const char *path, GHashTable *promises, gboolean in_place);

/* Opens what a crash left and waits, without touching it, until the person's file has it all. TRUE:
 * there was something that it did not have. */
gboolean crash_check_saved (const char *path);

/* What was being written beside the person's file is gone. */
void crash_check_folder (const char *path);

/* Deletes it: what nobody could, or what never became a document and is looked for when that is
 * opened. */
void crash_forget_temporaries (const char *path);

/* After a check there is certainty: what is there is right. */
void crash_settle (const char *path, GHashTable *promises);
