/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-readers.h: the threads that read images for a document while its own thread writes.
 *
 * From any thread, unless said otherwise. */
#pragma once

#include "esp-store.h"

G_BEGIN_DECLS

typedef struct _EspReaders EspReaders;

EspReaders *_esp_readers_new (void) G_GNUC_WARN_UNUSED_RESULT;
EspReaders *_esp_readers_ref (EspReaders *self);
void _esp_readers_unref (EspReaders *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspReaders, _esp_readers_unref)

/* Waits until nobody reads, closes all connections, and lets nobody in until _esp_readers_open ().
 */
void _esp_readers_close (EspReaders *self);

/* From now on this database is read. */
void _esp_readers_open (EspReaders *self, const char *path, const char *name, EspStoreMode mode);

/* A connection of one's own, to be given back by the same thread. */
EspStore *_esp_readers_acquire (EspReaders *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void _esp_readers_release (EspReaders *self, EspStore *store);

/* Runs `function` on one of the threads, unless the task's cancellable is cancelled by then. What
 * it returns (NULL: an error is set) is returned from the task, on the task's own thread, where the
 * task is let go of, too. `free_result` NULL: the task returns TRUE for anything but NULL. */
typedef gpointer (*EspReading) (EspReaders *self, GTask *task, gpointer task_data, GError **error);
void _esp_readers_run (EspReaders *self, GTask *task, EspReading function,
                       GDestroyNotify free_result);

G_END_DECLS
