/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-journal.h: the turns that are with a provider, on disk.
 *
 * $XDG_DATA_HOME/espalier/jobs/UUID.json, one file a turn, written anew through a temporary file,
 * fsync and rename, before a request that may cost money goes out and after its answer came. Shared
 * by window and command line; whoever works on a turn holds its lock, so that no two processes go
 * on with the same one. Keys and pictures that are sent never get in. A record stays until its
 * result is stored or it is forgotten; so do the images of a result that came, in UUID-N.image
 * beside it. Nothing else stays in that folder.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _EspRecord EspRecord;

typedef enum
{
  ESP_RECORD_PREPARING,  /* nothing that costs money was sent */
  ESP_RECORD_SUBMITTING, /* a submit went out; no answer is noted: if found so after a crash =
                            UNKNOWN */
  ESP_RECORD_ACCEPTED,   /* the provider has the job; `captures` has its id */
  ESP_RECORD_SUCCEEDED,  /* done there; result to be fetched or stored */
  ESP_RECORD_UNKNOWN,    /* perhaps accepted */
} EspRecordState;

const char *esp_record_state_to_string (EspRecordState state); /* "preparing", … */

/* A new record, locked by this process, not yet on disk. `id`: canonical UUID. */
EspRecord *esp_record_new (const char *id, const char *provider) G_GNUC_WARN_UNUSED_RESULT;

/* Opens and locks one. G_IO_ERROR_NOT_FOUND; G_IO_ERROR_BUSY while another process works on it;
 * G_IO_ERROR_INVALID_DATA for a damaged file (named). */
EspRecord *esp_record_open (const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_record_free (EspRecord *self); /* unlocks; the file stays */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRecord, esp_record_free)

/* For lists: read-only, without the lock. (element-type EspRecord) (transfer full) oldest first;
 * never NULL. What stands in the folder without a record goes, once it is old. */
GPtrArray *esp_journal_list (void) G_GNUC_WARN_UNUSED_RESULT;

/* Read-only, without the lock: never written. NULL: there is none. */
EspRecord *esp_record_peek (const char *id) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_record_get_id (EspRecord *self);
const char *esp_record_get_provider (EspRecord *self); /* descriptor id */
EspRecordState esp_record_get_state (EspRecord *self);
gint64 esp_record_get_created (EspRecord *self); /* µs since 1970, UTC */
gboolean esp_record_is_busy (EspRecord *self);   /* listed ones: another process works on it */

/* Everything else, as JSON members: "account", "base_url", "descriptor" (the text it was started
 * with), "config", "parameters" (as sent), "captures" {"id", "poll", …}, "request_hash",
 * "submitted" (µs), "seed", "currency", "price", "cost", "images" [{"link", "sha256"}],
 * "result" {"seed", "timings"}, "client" (an object of whoever asked: output path,
 * key file's path, document and node). Borrowed, writable. */
JsonObject *esp_record_get_members (EspRecord *self);

/* Writes the record: whole for every other process when it returns; and on disk (fsync of file and
 * folder), but for the first one of a turn that is only being prepared: where a window may be
 * waiting, only that one is written like this. Else in a thread, or by esp_record_write_async ().
 */
gboolean esp_record_write (EspRecord *self, EspRecordState state, GError **error);
/* The same for a record that is there, of what it says now, in a thread: until it is finished
 * nothing else may be done with the record, nor may it be freed. */
void esp_record_write_async (EspRecord *self, EspRecordState state, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean esp_record_write_finish (EspRecord *self, GAsyncResult *result, GError **error);
gboolean esp_record_delete (EspRecord *self, GError **error); /* with its images */

/* One image of the result, 0 and up: on the disk when it returns; the next esp_record_write () is
 * to say so, with its hash. For threads. */
gboolean esp_record_store_image (EspRecord *record, guint index, GBytes *bytes, char **sha256,
                                 GError **error);
GBytes *esp_record_load_image (EspRecord *record, guint index, const char *sha256,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean esp_record_has_image (EspRecord *record, guint index);

G_END_DECLS
