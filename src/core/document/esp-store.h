/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-store.h: the database of a document: one connection, its statements, and what is read and
 * written through them. The schema is in esp-store-schema.c and docs/file-format.md.
 *
 * A store belongs to one thread at a time. Everything blocks. Errors are ESP_DOCUMENT_ERROR and
 * name the document, not the file that is worked on. */
#pragma once

#include <sqlite3.h>

#include "esp-document.h"
#include "esp-record.h"

G_BEGIN_DECLS

#define ESP_STORE_APPLICATION_ID ESP_DOCUMENT_APPLICATION_ID
#define ESP_STORE_VERSION        4

typedef enum
{
  ESP_STORE_WRITE,     /* a database of ours, in WAL mode; brought to ESP_STORE_VERSION */
  ESP_STORE_CREATE,    /* the same, made if it is empty or missing */
  ESP_STORE_READ,      /* beside a writer */
  ESP_STORE_IMMUTABLE, /* a file that nobody changes in place */
} EspStoreMode;

typedef struct _EspStore EspStore;

/* `name` is the document's, for messages. */
EspStore *_esp_store_open (const char *path, const char *name, EspStoreMode mode,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void _esp_store_free (EspStore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspStore, _esp_store_free)

int _esp_store_get_version (EspStore *self); /* the file's */
sqlite3 *_esp_store_get_database (EspStore *self);
const char *_esp_store_get_name (EspStore *self);
char **_esp_store_node_query (EspStore *self); /* where esp-store-nodes.c keeps its query */

/* A statement of this text, made once and kept; reset it (or let EspQuery do it). NULL: error set.
 */
sqlite3_stmt *_esp_store_prepare (EspStore *self, const char *sql, GError **error);

/* Carries statements without results out. */
gboolean _esp_store_exec (EspStore *self, const char *sql, GError **error);

/* The next row of a statement: TRUE = there is one. With FALSE, see whether `error` is set. At the
 * end and upon an error the statement is reset. */
gboolean _esp_store_step (EspStore *self, sqlite3_stmt *statement, GError **error);

/* Carries a statement without rows out and resets it. */
gboolean _esp_store_run (EspStore *self, sqlite3_stmt *statement, GError **error);

/* Sets `error` to the last fault of the connection. */
void _esp_store_set_error (EspStore *self, GError **error);

gboolean _esp_store_begin (EspStore *self, GError **error);
gboolean _esp_store_commit (EspStore *self, GError **error);
void _esp_store_rollback (EspStore *self);

/* Moves all that is in the log into the file, which is the whole document then, if nobody changes
 * it. An error also if someone's reading keeps it from that. */
gboolean _esp_store_empty_log (EspStore *self, GError **error);

/* The number that a query for one number gives; -1 upon an error, which a negative one is. */
gint64 _esp_store_get_number (EspStore *self, const char *sql, GError **error);

/* Is there such a table with such a column? (Files of other versions.) */
gboolean _esp_store_has_column (EspStore *self, const char *table, const char *column);

/* --- esp-store-schema.c --------------------------------------------------------------------------
 */

/* Is it a document, without anything in it that could do something by itself? */
gboolean _esp_store_check_schema (EspStore *self, GError **error);
gboolean _esp_store_create_schema (EspStore *self, GError **error);
gboolean _esp_store_migrate (EspStore *self, GError **error);

/* --- esp-store-nodes.c ------------------------------------------------------------------------ */

/* All nodes in order of id, or those of `ids`, (element-type EspRecord). Values that make no sense
 * are made harmless. */
GPtrArray *_esp_store_read_nodes (EspStore *self, GCancellable *cancellable,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspRecord *_esp_store_read_node (EspStore *self, gint64 id,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Adds what the query (for one id, its first parameter) finds to `ids` (element-type gint64), in
 * its order, each once: `seen` has those found before. */
gboolean _esp_store_collect_ids (EspStore *self, const char *query, gint64 id, GHashTable *seen,
                                 GArray *ids, GError **error);

/* May nodes be hung below `parent` (0: below none)? Not if it was deleted meanwhile. */
gboolean _esp_store_check_parent (EspStore *self, gint64 parent, GError **error);

/* Inserts it with the next id if `record->id` is 0, otherwise replaces the row. The image's id
 * counts, not what is known of it. */
gboolean _esp_store_write_node (EspStore *self, EspRecord *record, GError **error);

/* Behind all children of `parent`, deleted ones included. */
gboolean _esp_store_next_position (EspStore *self, gint64 parent, double *position, GError **error);

/* The values of the table `view`, and the instructions, latest first. */
GHashTable *_esp_store_read_view (EspStore *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean _esp_store_write_view (EspStore *self, const char *key, const char *value, GError **error);
GPtrArray *_esp_store_read_instructions (EspStore *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean _esp_store_write_instruction (EspStore *self, const char *text, gint64 used,
                                       GError **error);

/* --- esp-store-sweeps.c ----------------------------------------------------------------------- */

/* A sweep as it is stored. What the plan says is esp-sweep-plan.h's; the document knows of it only
 * how many cells it has and which nodes it names. */
typedef struct
{
  gint64 id;
  char *plan;
  guint n_cells; /* 0: it cannot be read, and no node is a cell of it */
} EspStoredSweep;

EspStoredSweep *_esp_stored_sweep_new (gint64 id, const char *plan) G_GNUC_WARN_UNUSED_RESULT;
void _esp_stored_sweep_free (EspStoredSweep *self);

/* All, in order of id. (element-type EspStoredSweep) */
GPtrArray *_esp_store_read_sweeps (EspStore *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean _esp_store_add_sweep (EspStore *self, const char *plan, gint64 *id, GError **error);
gboolean _esp_store_set_sweep_plan (EspStore *self, gint64 id, const char *plan, GError **error);

/* --- esp-store-images.c ----------------------------------------------------------------------- */

/* What is stored for an image, made before the transaction begins. */
typedef struct
{
  GBytes *bytes;
  EspImageInfo info;
  GBytes *thumbnails[2]; /* small, large */
} EspPreparedImage;

/* Decodes the picture: ESP_DOCUMENT_ERROR_IMAGE if that is not possible. */
EspPreparedImage *_esp_prepared_image_new (GBytes *bytes, const char *name,
                                           GCancellable *cancellable,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same without thumbnails: of what is looked at only beside another picture. */
EspPreparedImage *_esp_prepared_part_new (GBytes *bytes, const char *name,
                                          GCancellable *cancellable,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void _esp_prepared_image_free (EspPreparedImage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspPreparedImage, _esp_prepared_image_free)

/* The thumbnail of a decoded picture as JPEG bytes. */
GBytes *_esp_thumbnail_encode (EspPicture *picture, int size, GError **error);

/* Stores it unless an image of the same bytes is there; sets `image->info.id`. */
gboolean _esp_store_add_image (EspStore *self, EspPreparedImage *image, GError **error);

/* FALSE without an error set: there is none. */
gboolean _esp_store_find_image (EspStore *self, const char *sha256, EspImageInfo *info,
                                GError **error);

/* What a later turn of the local engine starts from, as it is; `id` receives where. */
gboolean _esp_store_add_latents (EspStore *self, GBytes *bytes, gint64 *id, GError **error);
GBytes *_esp_store_read_latents (EspStore *self, gint64 id,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

GBytes *_esp_store_read_image (EspStore *self, const EspImageInfo *info, GCancellable *cancellable,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The image of the node that was shown last; else of the newest that has one. 0: none. */
gint64 _esp_store_find_shown_image (EspStore *self);

/* NULL without an error set: there is none. */
GBytes *_esp_store_read_thumbnail (EspStore *self, gint64 image, int size,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean _esp_store_write_thumbnail (EspStore *self, gint64 image, int size, GBytes *bytes,
                                     GError **error);

G_END_DECLS
