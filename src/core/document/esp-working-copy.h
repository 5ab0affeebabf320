/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-copy.h: the database that a document works on, and the person's file it stands for.
 *
 * SQLite's locks and side files must not meet network folders or the document portal, so the
 * person's file is never opened for writing. A document works on a private database (WAL) in
 * $XDG_DATA_HOME/espalier/working/HASH-OF-THE-FILE'S-URI/, and publishes it: a complete copy in one
 * file beside the person's, flushed, then put in its place by an atomic rename. Files in the
 * library are on a local file system and only ours: they are worked on in place.
 *
 * All functions block. They may be called from any thread, one at a time or not; the getters give
 * what is the case between two calls of the document's thread to prepare () and move ().
 *
 * What else the folder holds: "lock" (an flock () for as long as the document is open, with the
 * process in it), "state" (which file the working database came from or was published as last),
 * "view-only" (all that was changed since is what views remember).
 */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

typedef struct _EspWorkingCopy EspWorkingCopy;

/* Takes the file for this process: lock, comparison with what was published last, recovery of a
 * working copy that a crash left behind with more in it than the file. `create` makes a new one and
 * fails if the file exists. The result tells how far one may go (get_access). */
EspWorkingCopy *esp_working_copy_open (GFile *file, gboolean create, EspDocumentOpenFlags flags,
                                       GCancellable *cancellable,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives it back; removes the working database if everything in it is published. All connections to
 * the database must be closed before. */
void esp_working_copy_free (EspWorkingCopy *self);

EspDocumentAccess esp_working_copy_get_access (EspWorkingCopy *self);
GFile *esp_working_copy_get_file (EspWorkingCopy *self);
gboolean esp_working_copy_is_in_place (
    EspWorkingCopy *self); /* a library document: publishing is only a checkpoint */

/* The database to read the nodes from at once: the person's own file (open it "immutable") until
 * esp_working_copy_prepare () was called, then the working database. */
const char *esp_working_copy_get_path (EspWorkingCopy *self);
gboolean esp_working_copy_is_immutable (EspWorkingCopy *self);

/* A new document of the library is made elsewhere (get_path () says where) and gets its name when
 * it is whole: a crash leaves no file that takes a name and is no document. To be called when its
 * tables are there and all connections are closed; nothing happens to other documents. Open it anew
 * from esp_working_copy_get_path (). ESP_DOCUMENT_ERROR_CONFLICT if the name was taken meanwhile.
 */
gboolean esp_working_copy_place (EspWorkingCopy *self, GError **error);

/* Makes the working database if it is not there yet (a copy of the file, by reflink where the file
 * system can). Before the first change; may take a second for gigabytes. In the library only looks
 * whether the file is still the one that was opened (else ESP_DOCUMENT_ERROR_CONFLICT). */
gboolean esp_working_copy_prepare (EspWorkingCopy *self, GError **error);

/* Begins to make that copy in the background `delay` µs from now, at half speed, so that prepare ()
 * finds it there; nothing else comes of it. What prepare () checks it checks all the same. */
void esp_working_copy_copy_ahead (EspWorkingCopy *self, gint64 delay);

/* The size of the person's file as it was opened or published last. */
gint64 esp_working_copy_get_size (EspWorkingCopy *self);

/* Writes the state of the working database (with all its committed transactions) to the person's
 * file. ESP_DOCUMENT_ERROR_CONFLICT if that is not the one published or opened last, unless
 * `overwrite`. */
gboolean esp_working_copy_publish (EspWorkingCopy *self, gboolean overwrite, GError **error);

/* Publishes the state to `file`, whatever is there, and stands for that from now on, as if it had
 * just been opened: open the database anew from esp_working_copy_get_path (). Before this, close
 * all connections to the old one, which is removed if it was a working database or in the library.
 * Also for documents that are not writable. Upon an error everything is as it was. */
gboolean esp_working_copy_move (EspWorkingCopy *self, GFile *file, GError **error);

/* Is there, besides what was published, more than what views remember in the working database?
 * Until it is told, there is. To be told before the first edit, which fails if this does; it is
 * still known after a crash. What is not `edited` is neither kept nor taken up. By the document's
 * thread alone. */
gboolean esp_working_copy_set_edited (EspWorkingCopy *self, gboolean edited, GError **error);

/* Is there more in it than was published? */
gboolean esp_working_copy_is_dirty (EspWorkingCopy *self);

/* Was it left behind by a crash, with more in it than the person's file? It wants to be published
 * (which may turn out to be a conflict). */
gboolean esp_working_copy_is_recovered (EspWorkingCopy *self);

/* The process that has the document if access is ESP_DOCUMENT_IN_USE (it may be this one), else 0.
 */
GPid esp_working_copy_get_holder (EspWorkingCopy *self);

/* The base name for people, with ".espalier". */
const char *esp_working_copy_get_name (EspWorkingCopy *self);

/* How long the last publication took, in µs; 0 before it. */
gint64 esp_working_copy_get_publish_time (EspWorkingCopy *self);

/* Has the person's file been changed or removed since? Cheap (a stat). */
gboolean esp_working_copy_is_file_changed (EspWorkingCopy *self);

/* Removes folders that crashes left behind with nothing in them. Any thread, any time. */
void esp_working_copy_clean (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspWorkingCopy, esp_working_copy_free)

G_END_DECLS
